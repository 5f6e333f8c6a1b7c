# SPDX-License-Identifier: Apache-2.0
# Misses that overlap, line by line, to the picosecond: 1 GHz, L1 2 cycles, L2 10, no page walk; a line has 8 beats of 2 ns,
# one line behind the other, and is there 60 ns later (10 of the bus, 50 of memory). A line of 8 words is asked for in 8
# cycles, and its last word is there 7 cycles behind its first.
machine() {
    cat <<END
machine "m"
  harts              $1
  clock              1 GHz
  attributes         mpu
  dma-direct         none
  cache              L1D private size $2 ways 1 line 64 hit 2 cycles $3
  cache              L2 shared size 256K ways 8 line 64 hit 10 cycles $4
  inclusion          neither
  ram low            at 0x2000_0000 size 1M
  bus-width          8 bytes
  bus-clock          500 MHz
  bus-latency        10 ns
  memory-latency     50 ns
  snoop-latency      0 ns
$5
end
use machine "m"
order free
buffer a size 4096 align 4096
$6
END
}
run() {
    machine "$@" >case.dma
    nosnoop run --json case.dma >case.json || exit 1
    sed -n '/"time"/,/}/s/^ *"\(total\|memory\)_ps": \([0-9]*\),*$/\1 \2/p' case.json
    sed -n '/"misses"/,/}/s/^ *"\([a-z_]*\)": \([0-9]*\),*$/\1 \2/p' case.json | paste -s -d ' ' -
}
four='cpu0: load a[0..256]'
one='outstanding-loads 1'
many='outstanding-loads 4'
echo '# four at once: beats from 0, 16, 32 and 48; the last is there at 64 + 60 = 124, and 10 + 2 + 7 behind it: 143'
run 1 32K 'mshrs 4' 'mshrs 4' "$many" "$four"
check-schema <case.json
echo '# two MSHRs of L1: the third begins when the first is there, at 76; the fourth at 92, is there at 168; 187'
run 1 32K 'mshrs 2' '' "$many" "$four"
echo '# two of L2: the same'
run 1 32K '' 'mshrs 2' "$many" "$four"
echo '# one load at a time: 4 x 76 + 19 = 323, as no MSHR is missing'
run 1 32K 'mshrs 4' '' "$one" "$four"
echo '# L2 takes a request every 20 cycles: the fourth, of 48, is looked up from 60 to 70; 124 + (70 - 48) + 2 + 7 = 155'
run 1 32K '' 'every 20 cycles' "$many" "$four"
echo '# two lines from L2 behind it: looked up from 0 to 10 and from 8 to 18; 18 + 2 + 7 = 27 more than 143'
run 1 128 'mshrs 4' '' "$many" "$four
cpu0: load a[0..128]"
echo '# every 20 cycles: the second from 20 to 30; 30 + 9 = 39 more than 155'
run 1 128 '' 'every 20 cycles' "$many" "$four
cpu0: load a[0..128]"
echo '# one MSHR: the lines come one by one, 4 x 76 + 19 = 323; then the second is looked up from 10 to 20: 29 more'
run 1 128 'mshrs 1' '' "$many" "$four
cpu0: load a[0..128]"
stores='cpu0: store a[0..8] = 1
cpu0: store a[64..72] = 1
cpu0: store a[128..136] = 1
cpu0: fence'
echo '# stores that are waited for: 3 x (76 + 10 + 2), and a cycle of the fence: 265'
run 1 32K 'mshrs 4' '' "$many" "$stores"
echo '# two pass: beats from 0 and 16; the third waits for the first, 76, and is there at 76 + 76; the fence 1 behind it: 153'
run 1 32K 'mshrs 4' '' "$many
  store-misses pass 2 lines" "$stores"
echo '# a second store to a line on its way takes its 2 cycles, behind the beats of the first: 18; a load waits: 76 + 2'
run 1 32K 'mshrs 4' '' "$many
  store-misses pass 2 lines" 'cpu0: store a[0..8] = 1
cpu0: store a[8..16] = 1'
run 1 32K 'mshrs 4' '' "$many
  store-misses pass 2 lines" 'cpu0: store a[0..8] = 1
cpu0: load a[8..16]'
echo '# loads that pass: each asks behind the beats of the one before, and the hart is done with the last of them: 32'
run 1 32K 'mshrs 4' '' "$many
  load-misses pass" 'cpu0: load a[0..8]
cpu0: load a[64..72]'
echo '# two harts miss other lines: beats from 0 and 16; there at 76 and 92, and 12 cycles behind'
run 2 32K 'mshrs 4' 'mshrs 8' "$many" 'cpu0: load a[0..8]
cpu1: load a[64..72]'
echo '# the same line: the second finds it on its way, and has it from L2 when it is there: 76 + 12, both'
run 2 32K 'mshrs 4' 'mshrs 8' "$many" 'cpu0: load a[0..8]
cpu1: load a[8..16]'
