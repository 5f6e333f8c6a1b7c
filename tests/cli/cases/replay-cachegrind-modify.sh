# SPDX-License-Identifier: Apache-2.0
# A modify is one read there, and of 160 bytes at 0x1038 the first 64 count: 0x1038 to 0x1077, the lines 0x1000, which
# is there, and 0x1040, which is not. So 2 reads, 2 misses, 2 fills. As Dinero IV counts: M is a read miss and a write
# hit, and the lines 0x1000 (a hit), 0x1040, 0x1080 and 0x10c0 are a reference each.
printf ' M 1000,8\n L 1038,160\n' >modify
nosnoop replay -q --like cachegrind --l1d 1K,2,64 modify
nosnoop replay -q --l1d 1K,2,64 modify
