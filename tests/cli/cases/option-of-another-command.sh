# SPDX-License-Identifier: Apache-2.0
nosnoop check --chaos 3 good.dma
