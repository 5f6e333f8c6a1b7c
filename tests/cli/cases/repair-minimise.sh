# SPDX-License-Identifier: Apache-2.0
sed "s/^cpu0: load.*/cpu0: clean rx\n&/" good.dma >m.dma
nosnoop repair --minimise m.dma
