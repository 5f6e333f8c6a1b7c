# SPDX-License-Identifier: Apache-2.0
cp refetch.dma r.dma
nosnoop repair -q --write r.dma
nosnoop verify -q r.dma
nosnoop repair r.dma
diff refetch.dma r.dma
