# SPDX-License-Identifier: Apache-2.0
# The same accesses take the same time in a scenario: what waits elsewhere in its steps is named apart.
cat >same.xdin <<'END'
w 80100000 8
r 80100008 8
r 80100040 4
d 80100040 40
f 80100000 40
r 80100000 8
END
cat >same.dma <<'END'
use machine "one-core-wb64"
device nic
buffer b size 4096
cpu0: store  b[0..8] fill 1
cpu0: load   b[8..16]
cpu0: load   b[64..68]
nic:  read   b[64..128]
cpu0: flush  b[0..64]
cpu0: load   b[0..8]
END
nosnoop run --stats same.dma | sed -n '/same/p; /cycles/,/cpu0/p'
nosnoop replay --timed same.xdin | sed -n '/^cycles/,/in all/p'
