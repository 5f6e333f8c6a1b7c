# SPDX-License-Identifier: Apache-2.0
nosnoop repair --json refetch.dma | check-schema
nosnoop repair --json good.dma | check-schema
nosnoop verify --mutate --json good.dma | check-schema
