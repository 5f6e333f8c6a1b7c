#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# vcd.sh NOSNOOP CHECK-VCD SEEDS FOLDER...: every scenario's run, and its runs under so many seeds of the hardware's own
# moves, has a waveform that a strict reader takes and that is the same a second time. Prints what fails.
nosnoop=$1 check=$2 seeds=$3 failed=0
shift 3
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
one() { # one SCENARIO [OPTION...]
    local scenario=$1
    shift
    "$nosnoop" run -q "$@" --vcd "$work/vcd" "$scenario" >/dev/null 2>&1
    local status=$?
    [ $status -eq 77 ] && return
    if [ $status -gt 3 ] || ! output=$("$check" "$work/vcd" 2>&1); then
        echo "nosnoop run --vcd FILE $* $scenario: status $status $output"
        failed=1
    fi
    "$nosnoop" run -q "$@" --vcd - "$scenario" 2>/dev/null | cmp - "$work/vcd" || failed=1
    rm -f "$work/vcd"
}
for folder; do
    for scenario in "$folder"/*.dma; do
        one "$scenario"
        for seed in $(seq 1 "$seeds"); do
            one "$scenario" --chaos "$seed"
        done
    done
done
exit $failed
