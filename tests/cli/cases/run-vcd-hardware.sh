# SPDX-License-Identifier: Apache-2.0
# A line that the hardware fetched before the device wrote: its copies are stale from that write on, until the
# invalidate. The move of the schedule is a step of hw, and a fill.
nosnoop run -q --schedule 8,9,10,11,12,fill:cpu0:0x8000_0040,13,14,15,16,17 --vcd out.vcd both-ways.dma
check-vcd out.vcd hw_step hw_fill nic_step cpu0_L1D_rx_80000040 cpu0_L1D_rx_80000040_stale L2_rx_80000040_stale cpu0_line
# What it does under --chaos is seen in the lines, too: a fill by itself brings a line in at that time, unless the
# hardware evicts it at once.
for seed in 1 2 3 4 5 6 7 8 9; do
    nosnoop run -q --chaos $seed --vcd chaos.vcd both-ways.dma >text
    check-vcd chaos.vcd hw_fill hw_evict cpu0_L1D_tx_80000000 cpu0_L1D_rx_80000040 | tr -d , | awk -v seed=$seed '
        $1 == "hw_fill:" { for (i = 2; i < NF; i += 2) fill[$i] = 1 }
        $1 != "hw_fill:" { for (i = 2; i < NF; i += 2) if ($1 == "hw_evict:" || $(i + 1) ~ /[EM]/) delete fill[$i] }
        END { for (time in fill) if (time != "not") print "seed " seed ": no line came at " time }'
    nosnoop run -q --chaos $seed --vcd - both-ways.dma | cmp - chaos.vcd
done
