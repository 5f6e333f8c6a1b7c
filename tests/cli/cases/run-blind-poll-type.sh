# SPDX-License-Identifier: Apache-2.0
# No SFENCE.VMA comes behind the change, and the old line stays in L1: the poll has another type than is meant, and it never
# sees what the device writes to memory. The report says both at once.
cat >blind.dma <<'END'
machine "m" from "one-core-wb64"
  may nothing
end
use machine "m"
device nic
buffer b size 64 align 4096
cpu0: load b
cpu0: set-attr b nc
nic: write b[0..4] fill 9
cpu0: poll b[0..4] == 0x0909_0909
END
nosnoop run blind.dma | sed -n 1,10p
sed 's/== 0x0909_0909/&  expect AT-WRONG-TYPE, OR-NO-PROGRESS/' blind.dma >expected.dma
nosnoop run expected.dma | tail -n 1
