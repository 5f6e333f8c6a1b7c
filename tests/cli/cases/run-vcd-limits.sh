# SPDX-License-Identifier: Apache-2.0
# Of 16 MiB, 256 lines of each cache are shown, and that is said. The last line was in a cache: it is one of them.
printf 'use machine "one-core-wb64"\nbuffer big size 16M\ncpu0: load big[0xffffc0..0xffffc4]\n' >big.dma
nosnoop run --quiet --vcd=big.vcd big.dma
grep 'have no signals' big.vcd
grep -c '^\$var reg 8 .*cpu0_L1D_big' big.vcd
check-vcd big.vcd cpu0_L1D_big_80ffffc0
# When more of them were, the lower ones are shown.
printf 'use machine "one-core-wb64"\nbuffer big size 16M\ncpu0: load big[0..0x8000]\n' >big.dma
nosnoop run --quiet --vcd=big.vcd big.dma
check-vcd big.vcd cpu0_L1D_big_80003fc0 cpu0_L1D_big_80004000
