# SPDX-License-Identifier: Apache-2.0
nosnoop --verbose=2 run good.dma
