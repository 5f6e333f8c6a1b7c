#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The two curves of a machine: the mean latency of one random load, for buffers of growing size, and the bandwidth of one
# hart that reads, fills or copies 4 MiB. Both as tinymembench measures them: random places, each load behind the one
# before; a copied byte counts once. What goes before the measured part runs a second time without it, and is subtracted.
# Usage: scripts/curves.sh NOSNOOP MACHINE [KIB...]
set -e
nosnoop=$1
machine=$2
shift 2
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

# Time of cpu0's program in picoseconds.
time_of() {
    "$nosnoop" run --json "$1" | sed -n '/"name": "cpu0"/,/"total_ps"/s/.*"total_ps": \([0-9]*\).*/\1/p'
}
difference() { # of two files, over a number
    awk -v a="$(time_of "$1")" -v b="$(time_of "$2")" -v n="$3" -v kind="$4" 'BEGIN {
        if (kind == "latency") printf "%8.1f ns\n", (a - b) / n / 1000
        else printf "%8.0f MB/s\n", n / ((a - b) / 1e12) / 1e6 }'
}

echo "latency of a random load, $machine"
for kib in ${*:-16 32 64 128 256 512 1024 2048 4096 8192}; do
    head="use machine \"$machine\"\nbuffer a size ${kib}K align 4096"
    piece=$((kib < 1024 ? kib * 1024 : 1048576))
    awk -v head="$head" -v bytes=$((kib * 1024)) -v piece=$piece 'BEGIN {
        printf head "\n"
        for (pass = 0; pass < 2; pass++)
            for (at = 0; at < bytes; at += piece) printf "cpu0: load a[%d..%d]\n", at, at + piece }' >"$folder/warm.dma"
    # A generator of its own, so that every awk draws the same places.
    awk -v bytes=$((kib * 1024)) 'BEGIN {
        state = 1
        for (i = 0; i < 8000; i++) {
            state = (state * 16807) % 2147483647
            at = int(state / 2147483647 * bytes / 8) * 8
            printf "cpu0: load a[%d..%d]\n", at, at + 8 } }' >"$folder/random"
    cat "$folder/warm.dma" "$folder/random" >"$folder/all.dma"
    printf '%6d KiB %s\n' "$kib" "$(difference "$folder/all.dma" "$folder/warm.dma" 8000 latency)"
done

echo "bandwidth of one hart, $machine"
for what in read fill copy; do
    for half in 1 2; do
        awk -v machine="$machine" -v what=$what -v half=$half 'BEGIN {
            printf "use machine \"%s\"\nbuffer a size 8M align 4096\nbuffer b size 8M align 4096\n", machine
            for (at = 0; at < 4194304 * half; at += 4096) {
                if (what != "fill") printf "cpu0: load a[%d..%d]\n", at, at + 4096
                if (what != "read") printf "cpu0: store b[%d..%d] fill 0x5A\n", at, at + 4096 } }' >"$folder/$half.dma"
    done
    printf '  %s %s\n' $what "$(difference "$folder/2.dma" "$folder/1.dma" 4194304 bandwidth)"
done
