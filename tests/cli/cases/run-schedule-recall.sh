# SPDX-License-Identifier: Apache-2.0
# No SFENCE.VMA comes behind the change: a hart may use the new translation, and then the old one again, as an outer level
# of its TLB may still hold it. The line is dirty in L1 and 0 in memory; non-cacheable loads get what is in memory.
cat >recall.dma <<'END'
machine "m" from "one-core-wb64"
  may evict
end
use machine "m"
device nic
buffer b size 64 align 4096
cpu0: store b fill 1
cpu0: set-attr b nc
cpu0: load b[0..4] -> first
cpu0: load b[0..4] -> second
cpu0: sfence b
cpu0: load b[0..4] -> third
final first == 0
final second == 0x0101_0101
final third == 0
END
before=7,walk:cpu0:0x8000_0000,8,forget:cpu0:0x8000_0000
echo "-- the new one, the old one, and behind the SFENCE.VMA the new one"
nosnoop run recall.dma --schedule $before,9,recall:cpu0:0x8000_0000,10,11,recall:cpu0:0x8000_0000,12 | grep "final\|^recall"
echo "-- without recall: the new one"
nosnoop run recall.dma --schedule $before,9,10,11,12 | grep "final\|^recall"
