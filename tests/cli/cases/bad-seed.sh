# SPDX-License-Identifier: Apache-2.0
nosnoop run --seed -1 good.dma
