# SPDX-License-Identifier: Apache-2.0
# The neighbour's exercise, each time one change from its solution: the change is found, and nothing is said of bytes that
# only lines of their own could save. Where another hart writes the line, that is said, of what was tried.
root=$(cd "$(dirname "$0")/../../.." && pwd)
solution=$root/scenarios/labs/first/4-neighbour.dma
sed 's/^cpu0: flush  /cpu0: invalidate/' "$solution" >only-the-flush.dma
awk '/packets = 8/ { next } { print } /^cpu0: doorbell/ { print "cpu0: store      priv.packets = 8" }' "$solution" >only-the-store.dma
for name in only-the-flush only-the-store; do
    nosnoop repair "$name.dma" | sed -n '/^why/p; /^other/,$p'
done
sed 's/^use.*/machine "two" from "one-core-wb64"\n  harts 2\nend\nuse machine "two"/; s/^cpu0: store/cpu1: store/; s/^cpu0:\( load .*packets\)/cpu1:\1/' \
    only-the-store.dma >two-harts.dma
nosnoop repair two-harts.dma
