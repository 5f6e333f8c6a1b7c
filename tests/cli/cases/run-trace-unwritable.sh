# SPDX-License-Identifier: Apache-2.0
nosnoop run -q --trace no/such/folder/out.txt good.dma
