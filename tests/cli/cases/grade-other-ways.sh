# SPDX-License-Identifier: Apache-2.0
# Other right answers pass: the DMA API, steps in another order, numbers written differently.
root=$(cd "$(dirname "$0")/../../.." && pwd)
cp -R "$root/scenarios/labs/first" exercises
mkdir answers
sed -E 's/^cpu0: clean .*/cpu0: map tx for nic to-device/; s/fill 0x5A/fill 90/' exercises/1-send.dma >answers/1-send.dma
sed -E 's/^cpu0: doorbell.*/cpu0: map rx for nic from-device\n&/; s/^cpu0: invalidate.*/cpu0: unmap rx/' \
    exercises/2-receive.dma >answers/2-receive.dma
awk '/^cpu0: invalidate/ && !done { print "cpu0: map rx for nic from-device"; done = 1; next }
     /^cpu0: invalidate/ { print "cpu0: unmap rx"; next } { print }' exercises/3-refetch.dma >answers/3-refetch.dma
# The counter goes up before the hand-over.
awk '/packets = 7/ { print; print "cpu0: store priv.packets = 8"; next } /packets = 8/ { next } { print }' \
    exercises/4-neighbour.dma >answers/4-neighbour.dma
nosnoop test --grade exercises answers
