# SPDX-License-Identifier: Apache-2.0
# A line for each of the ten steps, as for --lanes, with the address of each change: tx lies at the beginning of RAM, rx 64
# bytes behind it. Times never go back and end before the run does; the same run gives the same bytes.
nosnoop run -q --trace out.txt both-ways.dma
nosnoop run -q --trace - both-ways.dma | cmp - out.txt && echo "the same bytes"
cut -c 17- out.txt
awk '$2 != "ps" || $1 + 0 < last { print "line " NR ": bad time " $1 } { last = $1 + 0 }
     END { print NR " lines" }' out.txt
nosnoop run --json --trace out.txt both-ways.dma | awk '/"end_ps"/ { print $2 + 0 }' >end
test "$(tail -n 1 out.txt | awk '{ print $1 }')" -lt "$(cat end)" && echo "before the end"
# A move of the hardware has a line of its own.
nosnoop run -q --trace - --schedule 8,9,10,11,12,fill:cpu0:0x8000_0040,13 both-ways.dma | cut -c 17- | tail -n 2
