# SPDX-License-Identifier: Apache-2.0
# No space for the output is status 4, wherever it goes; a file that cannot be opened is status 2.
printf 'use machine "one-core-wb64"\nbuffer tx size 64\ncpu0: store tx fill 1\n' >one.dma
try() {
    "$@"
    echo "exit status $?" >&3
}
exec 3>&1
try nosnoop replay -q loop.xdin >/dev/full
try nosnoop replay -q --json loop.xdin >/dev/full
try nosnoop replay -q --json=/dev/full loop.xdin >/dev/null
try nosnoop replay -q --sweep loop.xdin >/dev/full
try nosnoop replay -q --json=nowhere/x loop.xdin >/dev/null
try nosnoop run one.dma >/dev/full
try nosnoop run --json=/dev/full one.dma >/dev/null
try nosnoop run --vcd=/dev/full one.dma >/dev/null
try nosnoop test --junit=/dev/full one.dma >/dev/null
