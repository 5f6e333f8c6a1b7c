# SPDX-License-Identifier: Apache-2.0
# What the steps between `warm` and `done` add to each count of the run. Both runs do the page walk of `warm`, so that it
# does not count here. The machine has one hart, L1D and L2 that evict on their own, lines of 64 bytes, a bus of 8 bytes
# with beats of 2 ns. Derived by hand; L1 is the first of each pair:
#   load rx[0]          load miss in both, fill of both, 64 bytes from memory
#   load rx[4]          load hit in L1
#   store rx[64]        at the fence: store miss in L1, which allocates; load miss in L2; fill of both; 64 bytes
#   clean rx            lines 0 and 1 are present, 2 is not; 1 is dirty: L1 writes back, and L2 in turn, 64 bytes (what
#                       maintenance moves is no reference: cache/cache.h)
#   nic read            192 bytes in bursts of 64 (docs/language.md, dma-burst): 3 bursts, 24 beats
#   invalidate rx       again 2 present, 1 absent; nothing is dirty
#   load rx[0], evict   load miss in both, fill of both, 64 bytes; then 1 eviction in both
# Sums. L1: 1 load hit, 2 load misses, 1 store miss, 3 fills, 1 eviction, 1 write-back. L2: 3 load misses, 3 fills, 1
# eviction, 1 write-back. Maintenance: 4 present, 2 absent. Bus: caches 4 bursts, 256 bytes, 32 beats = 64 ns; nic 3
# bursts, 192 bytes, 48 ns.
head='use machine "one-core-wb64"
device nic irq done
buffer other size 64
buffer rx size 192 align 256 fill 0x00'
printf '%s\n' "$head" 'cpu0: load other[0..4]' >before.dma
cat >steps <<'STEPS'
cpu0: load  rx[0..4]
cpu0: load  rx[4..8]
cpu0: store rx[64..68] fill 0x11
cpu0: fence
cpu0: clean rx
nic:  read  rx
cpu0: invalidate rx
cpu0: load  rx[0..4]
hw:   evict cpu0 rx[0..4]
nic:  raise done
cpu0: wait  done
STEPS
cat before.dma steps >after.dma
for file in before after; do
    nosnoop run --json $file.dma >$file.json
    check-schema <$file.json
    sed -n '/"caches": \[/,$p' $file.json | sed '/"time": {/,/}/d' >$file.counts
done
paste -d '|' before.counts after.counts | awk -F '|' '
    /"(cache|name|master)"/ { split($1, word, "\""); who = word[4] }
    $1 != $2 { sub(/^ +/, "", $1); split($1, old, /[ ,]+/); sub(/^ +/, "", $2); split($2, new, /[ ,]+/)
               print who, new[1], "+" new[2] - old[2] }'
