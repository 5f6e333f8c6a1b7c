#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The receive path of a published measurement (scenarios/cost/tx2-receive.dma; docs/cost.md): the share of the hart's
# cycles that invalidations take, when a line costs so many cycles; with both of them, and with the one that is left on
# the hardware that the paper proposes. The last column: how many cycles of other work for each packet make it 31 %.
# usage: cost-tx2.sh NOSNOOP
set -eu
nosnoop=$1
here=$(cd "$(dirname "$0")" && pwd)
for scenarios in "$here/../scenarios/cost" "$here/scenarios/cost"; do # in the sources, and where it is installed
    [ -d "$scenarios" ] && break
done
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

cycles_of() { # scenario, cycles of a line: "maintenance hart", of one packet
    sed "s/^  harts .*/&\n  maintenance-cost $2 cycles/; s/^repeat .*/repeat 200/" "$scenarios/$1.dma" \
        >"$folder/run.dma"
    "$nosnoop" run --stats "$folder/run.dma" >"$folder/text"
    awk -v packets=200 '/^  cycles / { for (i = 2; i <= NF; i++) column[$i] = i; on = 1 }
        on && $1 == "cpu0" { printf "%.1f %.1f\n", $column["maint."] / packets,
            ($column["total"] - $column["waiting"]) / packets; exit }' "$folder/text"
}

echo "cycles      two invalidations     one invalidation      more    other work"
echo "of a line   cycles     share      cycles     share    packets   for 31 %"
for cost in 5 10 20 30 40 60; do
    echo "$cost $(cycles_of tx2-receive $cost) $(cycles_of tx2-semi-coherent $cost)"
done | awk '{ other = $2 / 0.31 - $3
    printf "%9d   %6.0f   %6.1f %%      %6.0f   %6.1f %%   %6.1f %%   %8s\n", $1, $3, 100 * $2 / $3, $5, 100 * $4 / $5,
        100 * ($3 / $5 - 1), other < 0 ? "-" : sprintf("%.0f", other) }'
