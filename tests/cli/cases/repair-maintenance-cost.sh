# SPDX-License-Identifier: Apache-2.0
# What a repair costs is the machine's time. The hart has loaded one of the buffer's four lines, which the device then
# writes. An invalidate of the buffer finds one line (20 cycles) and three that are absent (3 x 6), and the second load
# is a miss: 10 ns of the bus, 8 beats of 2 ns, 60 ns of memory. 124 in all. With one number for both 4 x 20 and 86.
cat >case.dma <<'END'
machine "m"
  clock            1 GHz
  cache            L1D private size 4K ways 4 line 64 hit 3 cycles
  maintenance-cost 20 cycles absent 6 cycles
  may              speculative-fill, evict
end
use machine "m"
device nic irq done
buffer rx size 256 align 4096
cpu0: load       rx[0..64]
cpu0: doorbell   nic
nic:  start
nic:  write      rx fill 0xAB
nic:  raise      done
cpu0: wait       done
cpu0: load       rx[0..64] -> got
final got fill 0xAB
END
sed 's/ absent 6 cycles//' case.dma >one.dma
nosnoop repair case.dma | grep -e '^+[^+]' -e proved
nosnoop repair one.dma | grep proved
