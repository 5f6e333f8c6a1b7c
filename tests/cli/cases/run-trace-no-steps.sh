# SPDX-License-Identifier: Apache-2.0
# A program without a step has an empty trace; one that was there before does not stay.
printf 'use machine "one-core-wb64"\nbuffer rx size 64\n' >none.dma
echo old >trace
nosnoop run --quiet --trace=trace none.dma
echo $?
wc -c <trace
