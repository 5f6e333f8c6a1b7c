# SPDX-License-Identifier: Apache-2.0
nosnoop run --json refetch.dma | check-schema
nosnoop run --json good.dma | check-schema
nosnoop run --json --order free refetch.dma | check-schema
nosnoop run --json --chaos 1 refetch.dma | check-schema
