#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# chaos.sh NOSNOOP FOLDER: every repaired scenario (*-fixed.dma) under 16 seeds of the hardware's own moves. Prints what fails, with
# the command that replays it.
nosnoop=$1 folder=$2 failed=0
for scenario in "$folder"/*-fixed.dma; do
    for seed in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16; do
        if ! output=$("$nosnoop" run --chaos "$seed" "$scenario" 2>&1); then
            echo "nosnoop run --chaos $seed $scenario"
            echo "$output"
            failed=1
        fi
    done
done
exit $failed
