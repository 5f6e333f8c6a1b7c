# SPDX-License-Identifier: Apache-2.0
nosnoop repair --states 1 refetch.dma
