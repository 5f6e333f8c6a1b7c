# SPDX-License-Identifier: Apache-2.0
nosnoop replay --sweep=128..256,1..2,64 --csv table.csv loop.xdin
cat table.csv
nosnoop replay --sweep=128,2,64,fifo --csv - loop.xdin
