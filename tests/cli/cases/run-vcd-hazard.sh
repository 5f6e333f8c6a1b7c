# SPDX-License-Identifier: Apache-2.0
# The hazard is an event, of the hart that found it, while the line is there and stale.
nosnoop run -q --vcd out.vcd refetch.dma
check-vcd out.vcd any_hazard DC_REFETCH cpu0_hazard nic_hazard cpu0_step cpu0_L1D_rx_80000000 cpu0_L1D_rx_80000000_stale
