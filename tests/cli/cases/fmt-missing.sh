# SPDX-License-Identifier: Apache-2.0
nosnoop fmt nowhere.dma
