#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# usage: dram_trace_test.sh DRAM_TRACE
# What dram_trace says of a trace that was counted by hand, of wrong ones, and of runs of DRAMsim3 that were published.
set -u
program=$1
folder=$(mktemp -d) || exit 1
trap 'rm -rf "$folder"' EXIT
cd "$folder" || exit 1
status=0

is() { # what, expected, got
    if [ "$2" != "$3" ]; then
        printf '%s:\nexpected %s\ngot      %s\n' "$1" "$2" "$3"
        status=1
    fi
}

# DDR3-1600K: ACT 1, RD 12, data 15 later. The hit: RD 101. Row 1: PRE 101 + tRTP 6, ACT 118, RD 129. Row 0 again: PRE
# 301, ACT 312, WR 323, data 8 + 4 later.
printf 'machine "m"\n  dram DDR3-1600K\nend\n' >ddr3.dma
printf '0x0 READ 0\n0x40 R 100\n\n0x10000 READ 102\n0x80 WRITE 300\n' >hand.txt
is "by hand" "\
0x0 READ came 0, ended 27
0x40 READ came 100, ended 116
0x10000 READ came 102, ended 144
0x80 WRITE came 300, ended 335
clocks                   335
reads done                 3
writes done                1
row hits                   1
bank closed                1
row conflicts              2
refreshes                  0
mean read               28.3 clocks" "$("$program" ddr3.dma hand.txt --each)"
is "--clocks" "reads done                 1" "$("$program" ddr3.dma hand.txt --clocks 115 | grep 'reads done')"
printf '0x0 R 12500\n' >late.txt
is "refreshes" "refreshes                  2" "$("$program" ddr3.dma late.txt | grep refreshes)"

printf '0x0 READ 0\n0x40 LOAD 5\n' >word.txt
printf '0x0 READ 9\n0x40 READ 5\n' >order.txt
printf 'machine "m"\nend\n' >none.dma
printf 'machine "m"\n  dram DDR3-1600K density 3 Gbit\nend\n' >bad.dma
is "a wrong word" "word.txt:2: a line is an address, READ or WRITE, and a clock" "$("$program" ddr3.dma word.txt 2>&1)"
is "a wrong order" "order.txt:2: clock 5 lies before that of the line above" "$("$program" ddr3.dma order.txt 2>&1)"
is "no DRAM" 'dram_trace: the machine of `none.dma` has no `dram` line' "$("$program" none.dma hand.txt 2>&1)"
is "a wrong machine" "error: a device of DDR3 has 1, 2, 4 or 8 Gbit" "$("$program" bad.dma hand.txt 2>&1 | head -1)"
"$program" ddr3.dma missing.txt 2>/dev/null
is "no file" 2 $?

# DRAMsim3, DDR4_8Gb_x8_3200.ini, 200000 clocks: docs/fidelity.md. Rows of one bank: 2576 reads. One bank from its first
# byte to its last: 22712. One read each 400 clocks: most take 49.
printf 'machine "m"\n  dram DDR4-3200AA device 8 bits density 8 Gbit map row-bank-column\nend\n' >ddr4.dma
awk 'BEGIN { for (i = 0; i < 4000; i++) printf "0x%x READ 0\n", i * 131072 }' >rows.txt
awk 'BEGIN { for (i = 0; i < 30000; i++) printf "0x%x READ 0\n", int(i / 128) * 131072 + i % 128 * 64 }' >bank.txt
awk 'BEGIN { for (i = 0; i < 16; i++) printf "0x%x READ %d\n", i * 8192, i * 400 }' >sparse.txt
near() { # what, published, got: within 0.5 %
    if ! awk -v a="$2" -v b="$3" 'BEGIN { exit !(b > a * 0.995 && b < a * 1.005) }'; then
        echo "$1: $3 is not near $2"
        status=1
    fi
}
near "rows of one bank" 2576 "$("$program" ddr4.dma rows.txt --clocks 200000 | awk '/reads done/ { print $3 }')"
near "one bank in order" 22712 "$("$program" ddr4.dma bank.txt --clocks 200000 | awk '/reads done/ { print $3 }')"
is "one by one" "mean read               49.0 clocks" "$("$program" ddr4.dma sparse.txt | tail -1)"
exit $status
