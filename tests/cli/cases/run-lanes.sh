# SPDX-License-Identifier: Apache-2.0
# Every step in its actor's lane, in the order of the file, and what it does to the bytes of tx and rx: the store leaves
# L1D dirty, the clean writes that to memory, the device gets it from there; its own write changes memory only; rx is in
# no cache, so that the invalidate changes nothing; the load fills both levels. Page walks are not shown.
nosnoop run --lanes both-ways.dma
# What the hardware does by itself under --chaos is marked, and is never a step's own change: the invalidate brings no
# line in.
for seed in 1 3 5; do
    nosnoop run -q --lanes --chaos $seed both-ways.dma | grep -c '[^:] L2, L1D <- 11' >unmarked
    echo "seed $seed: $(cat unmarked) unmarked fills of rx"
done
nosnoop run -q --lanes --chaos 1 both-ways.dma | grep -q 'hw: L2, L1D <- ' && echo "marked"
