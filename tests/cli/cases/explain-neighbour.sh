# SPDX-License-Identifier: Apache-2.0
# The repair that is advised first, and the one that a shared line still has: what the first lab's exercise 4 is about.
root=$(cd "$(dirname "$0")/../../.." && pwd)
nosnoop explain LS-WB-NEIGHBOUR | sed -n '/^The fix/,/^$/p'
sed 's/^cpu0: invalidate priv.frame  .*/cpu0: flush priv.frame/' "$root/docs/labs/first/start/4-neighbour.dma" >one-word.dma
nosnoop verify one-word.dma | sed -n '/= help: move/,/Linux/p'
