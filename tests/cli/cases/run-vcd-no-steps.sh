# SPDX-License-Identifier: Apache-2.0
# A program without a step has a dump without changes; so has one without a buffer.
printf 'use machine "one-core-wb64"\nbuffer rx size 64\n' >none.dma
nosnoop run --quiet --vcd=none.vcd none.dma
check-vcd none.vcd cpu0_line cpu0_step cpu0_begins cpu0_L1D_rx_80000000 bus_busy
printf 'use machine "one-core-wb64"\ncpu0: fence\n' >none.dma
nosnoop run --quiet --vcd=none.vcd none.dma
check-vcd none.vcd cpu0_step
