# SPDX-License-Identifier: Apache-2.0
cp good.dma ./-odd.dma
nosnoop check -- -odd.dma
