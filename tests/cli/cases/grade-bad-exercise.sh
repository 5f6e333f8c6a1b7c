# SPDX-License-Identifier: Apache-2.0
# A teacher's mistake grades nobody: 2.
mkdir exercises answers
head='use machine "one-core-wb64"\ndevice nic irq done\nbuffer rx size 64\n'
grade() {
    printf "$1" >exercises/one.dma
    cp exercises/one.dma answers/one.dma
    nosnoop test --grade exercises answers
    echo "exit $?"
}
talk='cpu0: doorbell nic\nnic: start\nnic: write rx fill 1\nnic: raise done\ncpu0: wait done\n'
grade "${head}cpu0: load rx[0..4]\n${talk}cpu0: load rx[0..4]\n"
grade "${head}cpu0: laod rx\n"
grade "${head}hw: evict cpu0 rx\ncpu0: load rx[0..4]\n"
grade "${head}cpu0: load rx[0..4]\nnic: write rx fill 1\n"
grade "${head}cpu0: clean rx\n"
grade "${head}repeat 2\ncpu0: load rx[0..4]\nend\n"
grade "${head}cpu0: doorbell nic\nnic: start\nnic: write rx fill 1\ncpu0: invalidate rx\ncpu0: load rx[0..4]\n"
grade "${head}requires magic\ncpu0: load rx[0..4]\n"
mkdir exercises/machines
printf 'machine "big" from "one-core-wb64"\nend\nuse machine "big"\nbuffer rx size 4\n' >exercises/machines/big.dma
grade "${head}cpu0: load rx[0..4]\n"
printf 'machine "big" from "one-core-wb64"\n  lines 3\nend\n' >exercises/machines/big.dma
grade "${head}cpu0: load rx[0..4]\n"
printf 'machine "small" from "one-core-wb64"\n  ram low at 0x8000_0000 size 4K\n  ram high at 0x9000_0000 size 4K\nend\n' >exercises/machines/big.dma
grade "${head}buffer more size 64K\ncpu0: load rx[0..4]\n"
