#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The two curves of a machine, from the scenarios latency.dma and bandwidth.dma beside this file: the mean latency of one
# random load, for buffers of growing size, and the bandwidth of one hart that reads, fills or copies. As tinymembench
# measures them: a copied byte counts once. The time of what is measured is that of the whole without that of the rest.
usage='usage: curves.sh [--frames=in-order] [--plot=FILE.svg] NOSNOOP MACHINE [KIB...]'
set -e
here=$(cd "$(dirname "$0")" && pwd)
frames=scattered plot=
while :; do
    case $1 in
    --frames=in-order | --frames=scattered) frames=${1#--frames=} ;;
    --plot=?*) plot=${1#--plot=} ;;
    -*) echo "$usage" >&2 && exit 2 ;;
    *) break ;;
    esac
    shift
done
[ $# -ge 2 ] || { echo "$usage" >&2 && exit 2; }
nosnoop=$1
machine=$2
shift 2
for kib in "$@"; do
    case $kib in
    *[!0-9]*) echo "$usage" >&2 && exit 2 ;;
    esac
done
if [ -n "$plot" ] && ! command -v gnuplot >/dev/null; then
    echo "curves.sh: --plot needs gnuplot, which is not installed (Debian: gnuplot-nox)" >&2
    exit 1
fi
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

# A scenario for this machine, with the sed commands that are given.
for_machine() {
    file=$1
    shift
    sed -e "s/ from \"bcm2711\"/ from \"$machine\"/" -e "s/page-frames .*/page-frames $frames/" "$@" "$here/$file"
}
# Time of cpu0's program in picoseconds, of the scenario on the standard input.
time_of() {
    cat >"$folder/run.dma"
    "$nosnoop" run --json "$folder/run.dma" >"$folder/run.json" || exit 1
    sed -n '/"name": "cpu0"/,/"total_ps"/s/.*"total_ps": \([0-9]*\).*/\1/p' "$folder/run.json"
}
# What is measured takes so long.
measured() {
    all=$(for_machine "$@" | time_of)
    before=$(for_machine "$@" -e '/^# What is measured/,$d' | time_of)
    awk -v a="$all" -v b="$before" 'BEGIN { printf "%.0f\n", a - b }'
}

echo "latency of a random load, $machine"
for kib in ${*:-16 32 64 128 256 512 1024 2048 4096 8192}; do
    pages=$((kib / 4))
    measured latency.dma -e "s/size 256K/size ${kib}K/" -e "s/^repeat 128$/repeat $((2 * pages))/" |
        awk -v kib="$kib" '{ printf "%6d KiB %8.1f ns\n", kib, $1 / 10000 / 1000 }'
done | tee "$folder/latency"

echo "bandwidth of one hart, $machine"
{
    measured bandwidth.dma -e '/cpu0: store/d' | awk '{ print "read", $1 }'
    measured bandwidth.dma -e '/cpu0: load/d' | awk '{ print "fill", $1 }'
    measured bandwidth.dma | awk '{ print "copy", $1 }'
} | awk '{ printf "  %s %8.0f MB/s\n", $1, 1048576 / ($2 / 1e12) / 1e6 }' | tee "$folder/bandwidth"

[ -z "$plot" ] || gnuplot <<END
set terminal svg size 900,360 font "sans,11" background "white"
set output "$plot"
set multiplot layout 1,2 title "$machine"
set grid
unset key
set logscale x 2
set xlabel "buffer, KiB"
set ylabel "random load, ns"
set yrange [0:*]
plot "$folder/latency" using 1:3 with linespoints pt 7 ps 0.6 lc rgb "#1f5fa8"
unset logscale x
unset xlabel
set ylabel "one hart, MB/s"
set style fill solid 0.7
set boxwidth 0.6
set xrange [-0.6:2.6]
plot "$folder/bandwidth" using 0:2:xtic(1) with boxes lc rgb "#1f5fa8"
unset multiplot
END
