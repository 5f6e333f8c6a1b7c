# SPDX-License-Identifier: Apache-2.0
nosnoop fmt good.dma && nosnoop fmt --check good.dma && nosnoop check good.dma
