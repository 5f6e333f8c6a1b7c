# SPDX-License-Identifier: Apache-2.0
nosnoop verify --jobs 1 refetch.dma >one
nosnoop verify --jobs 4 refetch.dma >four
cmp one four && echo same
nosnoop verify --json --jobs 1 refetch.dma | sed '/"memory_bytes"/d' >one
nosnoop verify --json --jobs 4 refetch.dma | sed '/"memory_bytes"/d' >four
cmp one four && echo same
