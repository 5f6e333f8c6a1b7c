# SPDX-License-Identifier: Apache-2.0
nosnoop verify -q good.dma refetch.dma
