# SPDX-License-Identifier: Apache-2.0
nosnoop verify nowhere.dma
