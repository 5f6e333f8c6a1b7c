# SPDX-License-Identifier: Apache-2.0
nosnoop run --shedule 1 good.dma
