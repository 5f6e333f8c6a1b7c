#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# chaos.sh NOSNOOP FOLDER SEEDS: every repaired scenario (*-fixed.dma) under so many seeds of the hardware's own moves.
# Prints what fails, with the command that replays it.
nosnoop=$1 folder=$2 seeds=$3 failed=0
for scenario in "$folder"/*-fixed.dma; do
    for seed in $(seq 1 "$seeds"); do
        if ! output=$("$nosnoop" run --chaos "$seed" "$scenario" 2>&1); then
            echo "nosnoop run --chaos $seed $scenario"
            echo "$output"
            failed=1
        fi
    done
done
exit $failed
