# SPDX-License-Identifier: Apache-2.0
printf "use  machine \"one-core-wb64\"\nbuffer b size 4 # four\n\n\ncpu0:load b->x\nhw: evict cpu0 b\n" | nosnoop fmt -
