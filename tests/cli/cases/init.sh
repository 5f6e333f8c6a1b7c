# SPDX-License-Identifier: Apache-2.0
nosnoop init first && nosnoop fmt --check first.dma && nosnoop test -q first.dma && cat first.dma
