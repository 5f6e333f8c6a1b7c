# SPDX-License-Identifier: Apache-2.0
# What both-ways.dma does to its two lines. tx: the store leaves it modified in L1D; the fill before it left L2 clean.
# The clean moves the data to L2, which is modified until memory has it: then all is clean. The device's read changes
# nothing. rx: no cache has it while the device writes it, so that nothing is ever stale; the invalidate finds nothing;
# the load fills both levels.
nosnoop run -q --vcd out.vcd both-ways.dma
check-vcd out.vcd cpu0_L1D_tx_80000000 L2_tx_80000000 cpu0_L1D_rx_80000040 L2_rx_80000040 cpu0_L1D_rx_80000040_stale
# Line numbers; `nic: start` (11) takes no time, and is covered by what follows it. The interrupt is up from its raise
# until the wait has it, one latency later, and the device holds memory in its two steps only.
check-vcd out.vcd cpu0_line nic_line nic_begins done bus_owner | sed 's/\(cpu0\|z\), [0-9]* \(cpu0\|z\), /\1 .. /g'
nosnoop run -q --vcd - both-ways.dma | cmp - out.vcd && echo "the same bytes"
# The dump changes nothing of the run.
nosnoop run --json both-ways.dma >without.json
nosnoop run --json --vcd out.vcd both-ways.dma | cmp - without.json && echo "the same run"
