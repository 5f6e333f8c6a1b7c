# SPDX-License-Identifier: Apache-2.0
nosnoop run -q --vcd no/such/folder/out.vcd good.dma
