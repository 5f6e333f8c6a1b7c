#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# usage: cost.sh SCRIPT NOSNOOP
# scripts/cost.sh on a machine whose times add up by hand: a cycle is 1 ns; a line is 64 bytes; L1 takes 2 cycles for 8
# bytes, the L2 10 for a line; a fill 10 (bus) + 16 (8 beats) + 60 (memory) = 86, a non-cacheable word 72 with its one
# beat; maintenance 4 for a line, a fence 1.
set -u
script=$1 nosnoop=$2 failed=0
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cat >"$folder/machine.dma" <<'EOF'
machine "by hand / 1" from "one-core-wb64"
  maintenance-cost 4 cycles
end
EOF
sh "$script" "$nosnoop" "$folder/machine.dma" --sizes "64 160 192" --csv "$folder/csv" >"$folder/text" 2>&1 ||
    { cat "$folder/text"; exit 1; }

# Columns: 3 MB/s, 4 cycles, 5 maintenance, 6 copies, 7 reading.
is() { # mapping, size, column, value
    got=$(awk -F, -v size="$2" -v name="$1" -v column="$3" \
        '$1 == size && $2 == name { print $column }' "$folder/csv")
    if [ "$got" != "$4" ]; then
        echo "$1, $2 bytes, column $3: $got instead of $4"
        failed=1
    fi
}
holds() { # condition of awk about c["mapping", size, column]
    awk -F, '{ for (i = 3; i <= 7; i++) c[$2, $1, i] = $i }
        END { exit !('"$1"') }' "$folder/csv" && return
    echo "does not hold: $1"
    failed=1
}
# Invalidated by map and by unmap: ceil(size / 64) lines each, and a fence each.
is streaming 64 5 $((2 * 1 * 4 + 2))
is streaming 160 5 $((2 * 3 * 4 + 2))
is streaming 192 5 $((2 * 3 * 4 + 2))
# The header of 16 bytes fetches the line; all 8 words of the packet are there then.
is streaming 64 7 $((2 * 2 + 10 + 86 + 8 * 2))
is streaming 64 6 0
is streaming 64 4 $((10 + 116))
is streaming 64 3 508 # 64 bytes in 126 ns
# Words of 8 bytes past the caches, of the header a second time.
is coherent-in-place 64 4 $(((2 + 8) * 72))
is coherent-in-place 160 4 $(((2 + 20) * 72))
is coherent 64 7 $((2 * 2 + 8 * 2)) # the copy lies in L1
for size in 64 160 192; do
    for mapping in coherent coherent-in-place io-coherent; do
        is $mapping $size 5 0
    done
    is io-coherent $size 6 0
    holds "c[\"io-coherent\", $size, 4] < c[\"streaming\", $size, 4]"
    holds "c[\"streaming\", $size, 4] < c[\"bounce\", $size, 4] && c[\"bounce\", $size, 6] > 0"
    holds "c[\"bounce\", $size, 5] >= c[\"streaming\", $size, 5]"
    # Copied out, each word is fetched once.
    holds "c[\"coherent\", $size, 6] > $size / 8 * 72"
done
# What the device wrote lies in the L2.
is io-coherent 64 7 $((2 * 2 + 10 + 8 * 2))

# Said in words, too.
for line in 'streaming         than coherent           always' 'streaming         than io-coherent        never'; do
    grep -q "$line" "$folder/text" || { echo "not said: $line"; failed=1; }
done
refused() { # text, arguments...
    text=$1
    shift
    sh "$script" "$@" >"$folder/text" 2>&1
    [ $? = 2 ] && grep -q -- "$text" "$folder/text" && return
    echo "$*: instead of '$text':"
    cat "$folder/text"
    failed=1
}
refused 'no machine is called' "$nosnoop" nonsense --sizes 64
refused 'packets have 16 to 65536 bytes, not 8' "$nosnoop" one-core-wb64 --sizes 8
refused 'unknown option --size' "$nosnoop" one-core-wb64 --size 64
refused 'usage' "$nosnoop"
# A machine without uncached memory has the other rows, and says what it lacks.
sh "$script" "$nosnoop" jh7110 --sizes 64 >"$folder/text" 2>&1
if ! grep -q '^coherent: not on jh7110: ' "$folder/text" || ! grep -q ' 64  bounce ' "$folder/text"; then
    cat "$folder/text"
    failed=1
fi

# The path of the Jetson TX2: 8 packets, for each two invalidations of the 32 lines of its buffer, 10 cycles a line; one
# on the hardware that its paper proposes, which must then fetch nothing by itself.
folder_of_scenarios=$(dirname "$script")/../scenarios/cost
maintenance() {
    "$nosnoop" run --stats "$1" | awk '/^  cycles / { for (i = 2; i <= NF; i++) column[$i] = i; on = 1 }
        on && $1 == "cpu0" { print $column["maint."]; exit }'
}
[ "$(maintenance "$folder_of_scenarios/tx2-receive.dma")" = $((8 * 2 * 32 * 10)) ] || { echo "tx2-receive"; failed=1; }
[ "$(maintenance "$folder_of_scenarios/tx2-semi-coherent.dma")" = $((8 * 32 * 10)) ] || { echo "tx2-semi"; failed=1; }
sed 's/^  may  *evict/  may speculative-fill, evict/' "$folder_of_scenarios/tx2-semi-coherent.dma" >"$folder/fills.dma"
"$nosnoop" verify "$folder/fills.dma" >"$folder/text" 2>&1
if [ $? != 1 ] || ! grep -q 'hazard\[DC-REFETCH\]' "$folder/text"; then
    echo "tx2-semi-coherent with speculative fills:"
    cat "$folder/text"
    failed=1
fi

# The plot, where gnuplot is; a sentence where it is not.
if command -v gnuplot >/dev/null; then
    for copy in 1 2; do
        sh "$script" "$nosnoop" one-core-wb64 --sizes "64 128" --plot "$folder/$copy.svg" >/dev/null || failed=1
    done
    if ! grep -q '<svg' "$folder/1.svg" || ! cmp "$folder/1.svg" "$folder/2.svg"; then
        echo "no plot, or two of them"
        failed=1
    fi
fi
mkdir "$folder/bin"
for tool in awk sh grep cat dirname head mktemp mv rm sed tail tr; do
    ln -s "$(command -v $tool)" "$folder/bin/$tool"
done
PATH=$folder/bin refused '--plot needs gnuplot' "$nosnoop" one-core-wb64 --plot "$folder/none.svg"
exit $failed
