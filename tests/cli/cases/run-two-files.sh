# SPDX-License-Identifier: Apache-2.0
nosnoop run good.dma bad.dma
