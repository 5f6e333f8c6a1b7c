# SPDX-License-Identifier: Apache-2.0
cp refetch.dma r.dma
nosnoop repair r.dma >out
sed -n "/^---/,/^$/p" out | patch -p0 -s r.dma
nosnoop verify -q r.dma
