# SPDX-License-Identifier: Apache-2.0
nosnoop verify --json good.dma refetch.dma
