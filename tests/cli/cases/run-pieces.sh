# SPDX-License-Identifier: Apache-2.0
# Steps on pieces: one behind the other, from the start again at the end; or at random, at a multiple of the size.
program() {
    printf 'use machine "one-core-wb64"\ndevice nic\nbuffer a size 64\n%s\n' "$1" >case.dma
}
clean='cpu0: clean a
cpu0: fence'
# Three times of eight: the fourth piece has not had its turn.
program "repeat 3
  cpu0: store a in-turn 8 = 1
end
$clean
final memory a[0..8] == 1
final memory a[16..24] == 1
final memory a[24..32] == 0"
nosnoop run -q case.dma
nosnoop verify -q case.dma
# Each line has turns of its own, and the fourth turn of three pieces is the first again.
program "repeat 5
  cpu0: store a in-turn 8 = 1
  cpu0: store a[0..24] in-turn 8 = 2
end
$clean
final memory a[0..8] == 2
final memory a[8..16] == 2
final memory a[16..24] == 2
final memory a[24..32] == 1
final memory a[32..40] == 1
final memory a[40..48] == 0"
nosnoop run -q case.dma
# 200 times at random reach all of eight pieces, each whole, and none beside them.
program "repeat 200
  cpu0: store a[8..40] at-random 4 = 7
end
$clean
final memory a[0..8] == 0
final memory a[8..12] == 7
final memory a[12..16] == 7
final memory a[16..20] == 7
final memory a[20..24] == 7
final memory a[24..28] == 7
final memory a[28..32] == 7
final memory a[32..36] == 7
final memory a[36..40] == 7
final memory a[40..48] == 0"
nosnoop run -q case.dma
# A device reads a piece that was stored behind the clean of its line.
program "repeat 2
  cpu0: store a in-turn 32 fill 9
end
cpu0: clean a[0..32]
cpu0: store a[32..64] in-turn 32 fill 3
nic: read a[32..40] expect DC-EARLY-SYNC"
nosnoop run -q case.dma
# The layout is kept.
program 'repeat 2
cpu0: load a in-turn 8
cpu0: load a at-random 8 -> x
end'
nosnoop fmt -q case.dma
sed -n '/repeat/,$p' case.dma
# There are only so many.
program 'repeat 100000
  cpu0: load a in-turn 8
  cpu0: load a at-random 8
end'
nosnoop check -q case.dma
