# SPDX-License-Identifier: Apache-2.0
nosnoop verify --mutate refetch.dma
