# SPDX-License-Identifier: Apache-2.0
nosnoop repair --write - <refetch.dma
