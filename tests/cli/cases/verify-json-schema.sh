# SPDX-License-Identifier: Apache-2.0
nosnoop verify --json good.dma | check-schema
nosnoop verify --json --states 1 good.dma | check-schema
{ cat refetch.dma; echo 'verify always got == 0'; } >j.dma
nosnoop verify --json j.dma | check-schema
sed 's/^cpu0: load.*/& expect DC-REFETCH/' good.dma >m.dma
nosnoop verify --json m.dma | check-schema
