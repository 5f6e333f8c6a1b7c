# SPDX-License-Identifier: Apache-2.0
nosnoop --chdir empty check ../good.dma
