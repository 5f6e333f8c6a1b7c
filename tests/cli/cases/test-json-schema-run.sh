# SPDX-License-Identifier: Apache-2.0
mkdir suite && cp good.dma refetch.dma bad.dma suite/
nosnoop test --json suite | check-schema
