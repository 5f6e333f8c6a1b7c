#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# usage: no_memory.sh NOSNOOP LIBRARY STRIDE COMMAND [OPTION...]
# Runs the command on a small scenario once for each of its allocations (with a STRIDE above 1, for each of so many), and lets this one fail. Then it either does
# without (and ends as always, or with a report that says what was left out), or it says that memory is out and ends
# with a documented status that is no success: never by a signal, never without an end.
set -u
nosnoop=$1
library=$2
stride=$3
shift 3
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1
cat >small.dma <<'S'
use machine "one-core-wb64"
device nic irq done
buffer rx size 64
pool net buffers 2
cpu0: alloc net -> pkt
cpu0: map rx for nic from-device -> h
nic:  write h fill 0xAB
nic:  raise done
cpu0: wait done
cpu0: unmap h
cpu0: load rx[0..4] -> got
cpu0: free pkt
final got == 0xABABABAB
S
once() { # once N COMMAND...: standard output in out, standard error in err; the status
    n=$1
    shift
    rm -f count
    timeout 20 env LD_PRELOAD="$library" NS_FAIL_AT="$n" NS_FAIL_COUNT="$work/count" "$nosnoop" "$@" small.dma \
        >out 2>err </dev/null
}
once 0 "$@"
usual=$?
cp out usual
total=$(cat count)
[ $usual -eq 0 ] && [ "$total" -gt 10 ] || { echo "the scenario should pass: $usual, $total"; exit 1; }
status=0
n=1
told=0
while [ $n -le "$total" ]; do
    once $n "$@"
    code=$?
    case $code in
    0) cmp -s out usual || grep -q 'no memory' out || { echo "allocation $n of $total: success, with another output"; status=1; } ;;
    1 | 3 | 4)
        told=$((told + 1))
        grep -q 'memory' err out || { echo "allocation $n of $total: status $code without a word of memory"; status=1; }
        ;;
    *)
        echo "allocation $n of $total: exit status $code"
        status=1
        ;;
    esac
    n=$((n + stride))
done
echo "$total allocations, $told of them told"
exit $status
