# SPDX-License-Identifier: Apache-2.0
nosnoop repair --write missing/none.dma
