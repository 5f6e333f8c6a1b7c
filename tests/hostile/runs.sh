#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# usage: runs.sh NOSNOOP
# Files without a mistake that the parser can see, whose runs cannot end well, or at all: each ends by itself, with the
# documented status, one sentence that says what was wrong, and nothing on standard error.
set -u
nosnoop=$1
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1
status=0
count=0
# ends STATUS SENTENCE LINES: runs the lines (with \n) below a common head.
ends() {
    printf 'use machine "one-core-wb64"\ndevice nic irq done\nbuffer rx size 64\nbuffer page size 4K\n%b\n' "$3" >bad.dma
    timeout 60 "$nosnoop" run bad.dma >out 2>err </dev/null
    code=$?
    count=$((count + 1))
    [ $code -eq "$1" ] || { echo "exit status $code, not $1, where it should say: $2"; status=1; }
    grep -qF -- "$2" out || { echo "nothing says: $2"; sed -n 1,5p out; status=1; }
    [ ! -s err ] || { echo "on standard error, where it should say: $2"; sed -n 1,5p err; status=1; }
}
# repeated N LINES
repeated() {
    i=0
    while [ $i -lt "$1" ]; do
        printf '%s' "$2"
        i=$((i + 1))
    done
}
# Waits that nothing ends.
ends 1 'hazard[OR-NO-PROGRESS]: hang' 'cpu0: wait done'
ends 1 'hazard[OR-NO-PROGRESS]: hang' 'cpu0: poll rx[0..4] == 1'
ends 1 'hazard[OR-NO-PROGRESS]: hang' 'nic: start'
ends 1 'hazard[OR-NO-PROGRESS]: hang' 'nic: start\nnic: raise done\ncpu0: wait done\ncpu0: doorbell nic'
# More than nosnoop keeps: of one hazard, of hazards, of events, of work.
ends 1 'and 2999 more times' 'cpu0: load rx[0..4]
repeat 3000\nnic: write rx fill 0xAB\ncpu0: load rx[0..4]\nnic: write rx fill 0xCD\nend'
ends 1 'stopped early' "cpu0: load rx[0..4]\n$(repeated 1100 'nic: write rx fill 0xAB\ncpu0: load rx[0..4]\nnic: write rx fill 0xCD\n')"
ends 3 'it has more events or hazards' 'repeat 40000\ncpu0: store page fill 1\ncpu0: flush page\nend'
ends 3 'its steps name more than 16 GiB' 'buffer big size 16M\nrepeat 2000\ncpu0: clean big\nend'
# Calls that the program may not make.
ends 1 'hazard[OW-UNMAP-MISMATCH]' 'cpu0: map rx for nic from-device -> h\ncpu0: unmap h\ncpu0: unmap h'
ends 1 'hazard[PL-EXHAUSTED]' 'pool net buffers 1\ncpu0: alloc net -> a\ncpu0: alloc net -> b'
ends 1 'misuse: ' 'pool net buffers 1\ncpu0: alloc net -> a\ncpu0: free a\ncpu0: free a'
ends 1 'hazard[AD-' 'device old dma-bits 24\ncpu0: map rx for old to-device -> h\nold: read h'
# Judgements that do not hold.
ends 1 'fail: ' 'cpu0: load rx[0..4] -> got\nfinal got == 1'
ends 1 'missing[DC-WRONG-OP]' 'cpu0: store rx fill 1  expect DC-WRONG-OP'
echo "$count runs"
[ $count -eq 14 ] || status=1
exit $status
