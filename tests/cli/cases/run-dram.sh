# SPDX-License-Identifier: Apache-2.0
# Cycles of loads that miss, to the picosecond, with a clock of 1 GHz, no page walk, beats of 8 bytes and 2 ns, 10 ns of bus
# latency, and a DDR3-1600K (1.25 ns; CL and tRCD 11, BL/2 4, tCCD 4). By hand:
#   one line          8 beats until 16 ns, which is within clock 12: ACT at 13, RD at 24, data until 39 = 48.75 ns; with the
#                     bus 58.75. A hit takes 2 ns more.
#   two, one by one   the second has its beats from 58.75 to 74.75, within clock 59: RD at 60, data until 75 = 93.75; with
#                     the bus 103.75. 16 words of 8 bytes take 32 ns more.
#   two at once       the second's beats are from 16 to 32 ns, within clock 25: RD at 24 + tCCD = 28, data until 43 = 53.75;
#                     with the bus 63.75. The first word takes 2 ns more, the others came meanwhile.
#   a device          its two bursts are under way at once, as the lines before; no cache takes time
machine() {
    cat <<END
machine "m"
  clock 1 GHz
  attributes mpu
  dma-direct none
  cache L1D private size 32K ways 4 line 64 hit 2 cycles
  ram low at 0x2000_0000 size 1M
  bus-width 8 bytes
  bus-clock 500 MHz
  bus-latency 10 ns
  dram DDR3-1600K
  outstanding-loads $1
  dma-burst 64 bytes
  dma-outstanding 2 bursts
end
use machine "m"
buffer a size 4096 align 4096
device nic
$2
END
}
run() {
    machine "$@" >case.dma
    nosnoop run --json case.dma | sed -n '/"time"/,/}/s/^ *"\(total\|memory\)_ps": \([0-9]*\),*$/\1 \2/p'
}
run 1 'cpu0: load a[0..8]' | head -n 2
run 1 'cpu0: load a[0..128]' | head -n 2
run 2 'cpu0: load a[0..128]' | head -n 2
run 1 'nic: read a[0..128]' | tail -n 2
# Two loads one by one, and one of the other end of the buffer, whose row is the same. The bank was closed once. Of the
# first two reads the DRAM takes 48.75 - 16 and 93.75 - 74.75 ns. The third comes 32 ns after the second's end at 103.75,
# has its beats until 151.75, within clock 121: RD at 122, data until 137 = 171.25 ns, which is 19.5.
machine 1 'cpu0: load a[0..128]
cpu0: load a[4088..4096]' >case.dma
nosnoop run --json case.dma >case.json
check-schema <case.json
sed -n '/"dram"/,/}/s/^ *"\([a-z_]*\)": \(.*[^,]\),*$/\1 \2/p' case.json
nosnoop run --stats case.dma | grep -A1 '^  dram'
