# SPDX-License-Identifier: Apache-2.0
nosnoop verify --memory lots good.dma
