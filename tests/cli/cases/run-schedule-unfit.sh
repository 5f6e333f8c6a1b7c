# SPDX-License-Identifier: Apache-2.0
nosnoop run --schedule 9,99 good.dma
