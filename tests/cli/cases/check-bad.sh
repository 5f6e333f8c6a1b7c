# SPDX-License-Identifier: Apache-2.0
nosnoop check good.dma bad.dma
