# SPDX-License-Identifier: Apache-2.0
# With one level both caches read from memory: a line of 64 bytes each.
printf 'i 0 4\nr 1000 4\n' | nosnoop replay --l1i 1K,1,64 --l1d 1K,1,64 - | tail -n 1
