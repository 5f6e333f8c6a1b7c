# SPDX-License-Identifier: Apache-2.0
# Two levels of a TLB, the first with one place, and pages of 4 KiB. By hand, with a clock of 1 GHz, 3 cycles of L1, and
# 76 ns for a line (8 beats of 2 ns, 10 ns of the bus, 50 ns of memory):
#   a page's first load    5 cycles of the second level, a walk of three loads, of which each misses: 3 x (3 + 76); the
#                          load itself misses, too: 3 + 76
#   another page           5; the three entries lie in lines that are there: 3 x 3; the load misses: 3 + 76
#   the first page again   5, as the other page took the one place; 3
#   and once more          3
# In all 15 of the second TLB, 30 of L1, 380 of memory. The lines of the walk share a set of four ways, those of the data
# lie elsewhere.
cat >case.dma <<'END'
machine "m"
  clock          1 GHz
  cache          L1D private size 4K ways 4 line 64 hit 3 cycles
  tlb            1 entries
  second-tlb     4 entries hit 5 cycles
  linear-map     small
  bus-width      8 bytes
  bus-clock      500 MHz
  bus-latency    10 ns
  memory-latency 50 ns
end
use machine "m"
buffer a size 8K align 4096
cpu0: load a[0x100..0x108]
cpu0: load a[0x1140..0x1148]
cpu0: load a[0x100..0x108]
cpu0: load a[0x108..0x110]
END
nosnoop run --stats case.dma | sed -n '/^  cycles/,$p'
nosnoop run --json case.dma >case.json
check-schema <case.json
sed -n '/"name": "cpu0"/,/}/s/^ *"\([a-z_]*\)": \([0-9]*\),*$/\1 \2/p' case.json
# With one level nothing is said about a second.
sed '/second-tlb/d; /linear-map/d' case.dma >large.dma
nosnoop run --stats large.dma | grep -c TLB2 || true
