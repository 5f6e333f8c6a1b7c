# SPDX-License-Identifier: Apache-2.0
try() {
    nosnoop replay "$@" loop.xdin
    echo "exit status $?"
}
try --l1d 32K,8
try --l1d 32K,8,64,mru
try --l1d 32K,3,64
try --l1d 0,8,64
try --l2 1M,16,64
try --l1d 32K,8,64 --l3 1M,16,64
try --l1d 32K,8,64 --l2 1M,16,32
try --l1d 32K,8,64,wt --like cachegrind
try --l1i 32K,8,64 --machine thead-c910
try --like valgrind
try --csv table.csv
try --sweep --l1d 32K,8,64
try --sweep=4K..2K,1,64
try --sweep=64,2,64
