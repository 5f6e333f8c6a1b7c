# SPDX-License-Identifier: Apache-2.0
# Each of these makes the student's own file pass, or tries to; none gets a point.
root=$(cd "$(dirname "$0")/../../.." && pwd)
mkdir exercises answers
cp "$root/scenarios/labs/first/1-send.dma" "$root/scenarios/labs/first/3-refetch.dma" exercises
cp "$root/docs/labs/first/start/3-refetch.dma" answers
start=$root/docs/labs/first/start/1-send.dma
cheat() {
    echo "== $1"
    shift
    "$@" "$start" >answers/1-send.dma
    nosnoop test --grade exercises answers | sed '/3-refetch/,$d'
}
cheat "nothing changed" cat
cheat "the hazard is expected" sed -E 's/^nic:  read .*/& expect DC-CLEAN-MISSING/; /^final/d'
cheat "a step of the driver expects it" sed -E 's/^cpu0: wait.*/& expect DC-CLEAN-MISSING/'
cheat "another machine" sed 's/^use machine.*/machine "mine" from "one-core-wb64"\n  cache L1D private size 32K ways 4 line 64 write-through\n  cache L2 shared size 256K ways 8 line 64 write-through\nend\nuse machine "mine"/'
cheat "a device that snoops" sed 's/^device nic/device nic snoops yes/'
cheat "a buffer that is not cached" sed 's/^buffer tx/buffer tx type nc/'
cheat "a buffer of four bytes" sed 's/size 200/size 4/'
cheat "nothing is expected" sed '/^final/d'
cheat "the device does nothing" sed -E '/^nic:  (read|start)/d; /^final/d'
cheat "the hardware helps" sed 's/^nic:  start.*/hw: evict cpu0 tx\n&/'
cheat "the hardware helps, as a driver's step" sed 's/^cpu0: doorbell.*/hw: drain cpu0\nhw: evict cpu0 tx\n&/'
cheat "the store is left out" sed '/^cpu0: store/d; s/size 200/size 200 fill 0x5A/'
cheat "the store is never executed" sed -E 's/^cpu0: store.*/repeat 0\n&\nend/; s/size 200/size 200 fill 0x5A/'
cheat "steps in a loop" sed -E 's/^cpu0: wait.*/&\nrepeat 2\ncpu0: clean tx\nend/'
cheat "another store" sed 's/^cpu0: wait.*/&\ncpu0: store tx fill 0x5A/'
cheat "a store that looks like maintenance" sed 's/^cpu0: doorbell.*/cpu0: cbo.zero tx\n&/'
cheat "the page is made uncached" sed 's/^cpu0: store.*/cpu0: set-attr tx nc sequence\n&/'
cheat "a buffer of its own" sed 's/^buffer tx.*/&\nbuffer mine size 200/; s/^cpu0: doorbell.*/cpu0: clean mine\n&/'
cheat "the clean comes after the doorbell" sed 's/^cpu0: doorbell.*/&\ncpu0: clean tx/'
cheat "a name that the exercise has" sed 's/^cpu0: doorbell.*/cpu0: map tx for nic to-device -> wire\n&/'
