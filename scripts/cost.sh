#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# What coherence costs: a stream of packets through each receive path of scenarios/cost, for packets of growing size.
# usage: cost.sh NOSNOOP MACHINE [--csv FILE] [--plot FILE.svg] [--sizes "64 128 ..."]
# MACHINE is a preset, or a file with a machine block. Standard output is the table; docs/cost.md says what the columns
# mean. Each row comes from two runs, one of 2 packets and one of 6, whose difference is that of 4 packets without the
# beginning of the run. --plot needs gnuplot.
set -eu
fail() {
    echo "cost.sh: $*" >&2
    exit 2
}
csv='' plot='' nosnoop='' machine='' sizes='64 128 256 512 1024 2048 4096 8192 16384 32768 65536'
while [ $# -gt 0 ]; do
    case $1 in
    --csv | --plot | --sizes)
        [ $# -gt 1 ] || fail "$1 needs a value"
        case $1 in --csv) csv=$2 ;; --plot) plot=$2 ;; *) sizes=$2 ;; esac
        shift
        ;;
    -*) fail "unknown option $1" ;;
    *)
        [ -z "$machine" ] || fail "one machine at a time"
        if [ -z "$nosnoop" ]; then nosnoop=$1; else machine=$1; fi
        ;;
    esac
    shift
done
[ -n "$machine" ] || fail 'usage: cost.sh NOSNOOP MACHINE [--csv FILE] [--plot FILE.svg] [--sizes "64 128 ..."]'
for size in $sizes; do
    case $size in *[!0-9]*) fail "a size is a number of bytes: $size" ;; esac
    if [ "$size" -lt 16 ] || [ "$size" -gt 65536 ]; then fail "packets have 16 to 65536 bytes, not $size"; fi
done
if [ -n "$plot" ] && ! command -v gnuplot >/dev/null; then
    fail "--plot needs gnuplot (Debian: gnuplot-nox)"
fi

here=$(cd "$(dirname "$0")" && pwd)
for scenarios in "$here/../scenarios/cost" "$here/scenarios/cost"; do # in the sources, and where it is installed
    [ -d "$scenarios" ] && break
done
[ -d "$scenarios" ] || fail "no scenarios: $scenarios"
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
: >"$folder/blocks"
if [ -f "$machine" ]; then
    # All of its blocks; the name of the last one is the machine's.
    sed -n '/^machine "/,/^end/p' "$machine" >"$folder/blocks"
    [ -s "$folder/blocks" ] || fail "$machine has no machine block"
    machine=$(sed -n 's/^machine "\([^"]*\)".*/\1/p' "$folder/blocks" | tail -n 1)
fi

# The scenario $1 with packets of $2 bytes, $3 of them, on the machine.
in_sed=$(printf '%s' "$machine" | sed 's/[&/\\]/\\&/g')
scenario() {
    cat "$folder/blocks"
    sed -e "/# packet size/s/ size [0-9]*/ size $2/" -e "/# packets/s/repeat [0-9]*/repeat $3/" \
        -e "s/\(use machine\|from\) \"bcm2711\"/\1 \"$in_sed\"/" "$scenarios/cost-$1.dma"
}

# Of a run, in picoseconds: cpu0's maintenance, copies and reading, the device's transfers, and a cycle. In the written
# order every step ends before the next one begins, so that a step's time is that up to the next one. Doorbells and
# interrupts are what the hart waits for between packets. What it waits for besides, by the report, are the fences of
# map and unmap, behind which their write-backs are complete: that is maintenance.
measure() {
    "$nosnoop" run --stats --json="$folder/json" --trace="$folder/trace" "$1" >"$folder/text" 2>"$folder/errors" ||
        return 1
    end=$(sed -n 's/.*"end_ps": \([0-9]*\).*/\1/p' "$folder/json")
    total=$(awk '/^  cycles /{on = 1} on && $1 == "cpu0" {print $2; exit}' "$folder/text")
    sed -n '/"name": "cpu0"/,/}/p' "$folder/json" |
        awk -F'[:,]' '/total_ps|maintenance_ps|waiting_ps/ {gsub(/[ "]/, ""); print $1, $2}' >"$folder/time"
    { cat "$folder/trace"; echo "$end ps 0 end:"; } | awk -v cycles="$total" -v times="$folder/time" '
        BEGIN {
            while ((getline line < times) > 0) { split(line, word, " "); spent[word[1]] = word[2] } }
        step != "" { took[step] += $1 - since }
        { since = $1; step = ($4 == "cpu0:" || $4 == "nic:") ? $4 $5 : "" }
        END {
            calls = took["cpu0:map"] + took["cpu0:unmap"]
            waited = spent["total_ps"] - calls - took["cpu0:copy"] - took["cpu0:load"]
            maintenance = spent["maintenance_ps"] + spent["waiting_ps"] - waited
            # What the calls do besides: the copies of bounce buffers. A copy is the driver copying the packet out.
            printf "%.0f %.0f %.0f %.0f %.0f\n", maintenance, calls - maintenance + took["cpu0:copy"],
                took["cpu0:load"], took["nic:write"], spent["total_ps"] / (cycles + 0.5) }'
}

row() { # mapping, size
    scenario "$1" "$2" 2 >"$folder/few.dma"
    scenario "$1" "$2" 6 >"$folder/many.dma"
    few=$(measure "$folder/few.dma") && many=$(measure "$folder/many.dma") || return 1
    # shellcheck disable=SC2086 # words
    set -- "$1" "$2" $few $many
    echo "$@" | awk '{
        for (i = 0; i < 4; i++) part[i] = ($(8 + i) - $(3 + i)) / 4 / $12
        if (part[0] < 0) { part[1] += part[0]; part[0] = 0 } # page walks while a doorbell rings
        hart = part[0] + part[1] + part[2]
        slowest = hart > part[3] ? hart : part[3]
        printf "%d,%s,%.0f,%.0f,%.0f,%.0f,%.0f,%.0f,%s\n", $2, $1, $2 / (slowest * $12) * 1e6, hart,
            part[0], part[1], part[2], part[3], (hart > part[3] ? "hart" : "device") }'
}

mappings='streaming coherent coherent-in-place bounce io-coherent'
: >"$folder/rows"
for mapping in $mappings; do
    for size in $sizes; do
        if row "$mapping" "$size" >>"$folder/rows"; then continue; fi
        # An error (no such preset), or a hazard (no such memory on this machine), which may take two lines.
        reason=$(sed -n 's/^error: //p' "$folder/errors" | head -n 1)
        [ -n "$reason" ] || reason=$(head -n 2 "$folder/text" | sed '/-->/d; s/^ *//' | tr '\n' ' ' |
            sed 's/ (and .*//; s/ $//')
        echo "$mapping: not on $machine: $reason" >>"$folder/missing"
        break
    done
done
[ -s "$folder/rows" ] || fail "$(head -n 1 "$folder/missing")"
header=packet_bytes,mapping,mb_per_s,hart_cycles,maintenance_cycles,copy_cycles,read_cycles,device_cycles,slower
[ -z "$csv" ] || { echo $header && cat "$folder/rows"; } >"$csv"

# ---- the table ----------------------------------------------------------------------------------

echo "what coherence costs, $machine: one hart, per packet"
echo
awk -F, 'BEGIN { printf "  %6s  %-17s %7s %8s  %9s %7s %8s  %s\n",
        "packet", "mapping", "MB/s", "cycles", "mainten.", "copies", "reading", "slower" }
    !($1 in line) { order[++count] = $1 }
    { line[$1] = line[$1] sprintf("  %6d  %-17s %7d %8d  %8.1f%% %6.1f%% %7.1f%%  %s\n",
        $1, $2, $3, $4, 100 * $5 / $4, 100 * $6 / $4, 100 * $7 / $4, $9) }
    END { for (i = 1; i <= count; i++) printf "%s%s", line[order[i]], i < count ? "\n" : "" }' "$folder/rows"
echo
echo "fewer cycles per packet"
awk -F, '{ cycles[$2, $1] = $4
        if (!($2 in known)) { known[$2] = 1; name[++names] = $2 }
        if (!($1 in known)) { known[$1] = 1; size[++sizes] = $1 } }
    # Sizes from which `a` is cheaper, up to those where it no longer is.
    function compare(a, b,   i, on, text) {
        for (i = 1; i <= sizes; i++) {
            now = cycles[a, size[i]] < cycles[b, size[i]]
            if (now && !on) text = text (text == "" ? "" : ", ") (i == 1 ? "" : "from " size[i])
            if (!now && on) text = text (text ~ /[0-9]$/ ? " to " : "up to ") size[i - 1]
            on = now }
        if (text == "") text = on ? "always" : "never"
        printf "  %-17s than %-17s  %s%s\n", a, b, text, text ~ /[0-9]$/ ? " bytes" : "" }
    END { for (i = 1; i <= names; i++) for (j = i + 1; j <= names; j++) compare(name[i], name[j]) }' "$folder/rows"
[ ! -f "$folder/missing" ] || { echo && cat "$folder/missing"; }

# ---- the plot -----------------------------------------------------------------------------------

[ -n "$plot" ] || exit 0
lines='' color=0
for mapping in $mappings; do
    color=$((color + 1))
    awk -F, -v mapping="$mapping" '$2 == mapping { print $1, $4 / $1 }' "$folder/rows" >"$folder/$mapping"
    [ -s "$folder/$mapping" ] || continue
    lines="$lines${lines:+, }'$folder/$mapping' using 1:2 with linespoints linetype $color title '$mapping'"
done
gnuplot 2>"$folder/errors" >"$folder/plot.svg" <<EOF || fail "gnuplot: $(head -n 1 "$folder/errors")"
set terminal svg size 800,500 font 'sans,14' background '#ffffff'
set title 'Receiving a packet, $(printf '%s' "$machine" | sed "s/'/''/g")' noenhanced
set xlabel 'bytes of a packet'
set ylabel 'cycles of the hart per byte'
set logscale x 2
set logscale y
set format x '%.0f'
set xtics rotate by -45
set grid
set linetype 1 linecolor rgb '#0072b2' linewidth 2 pointtype 7
set linetype 2 linecolor rgb '#d55e00' linewidth 2 pointtype 5
set linetype 3 linecolor rgb '#e69f00' linewidth 2 pointtype 4
set linetype 4 linecolor rgb '#cc79a7' linewidth 2 pointtype 9
set linetype 5 linecolor rgb '#009e73' linewidth 2 pointtype 13
set key outside right
plot $lines
EOF
mv "$folder/plot.svg" "$plot"
