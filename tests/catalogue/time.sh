#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Of every actor of every scenario, the parts of its time add up to the whole, to the picosecond, and to the cycle as the
# text prints it. A run that does not come to its end has no statistics.
# Usage: time.sh NOSNOOP FOLDER...
nosnoop=$1
shift
actors=0
for file in $(find "$@" -name '*.dma' | sort); do
    "$nosnoop" run --json "$file" 2>/dev/null | awk -v file="$file" '
        function number(line) { gsub(/[^0-9]/, "", line); return line + 0 }
        /"time": \{/ { inside = 1; sum = 0; next }
        inside && /"total_ps"/ { total = number($0); next }
        inside && /\}/ { inside = 0; actors++
            if (sum != total) { print file ": " sum " of " total " ps"; bad = 1 } }
        inside { line = $0; sub(/.*:/, "", line); count = split(line, each, ",")
            for (i = 1; i <= count; i++) sum += number(each[i]) }
        END { if (!bad) print actors + 0 > "/dev/stderr"; exit bad }' 2>time.$$ || { rm -f time.$$; exit 1; }
    actors=$((actors + $(cat time.$$)))
    "$nosnoop" run --stats "$file" 2>/dev/null | awk -v file="$file" '
        /^  cycles / { inside = 1; next }
        inside && NF < 4 { inside = 0 }
        inside { sum = 0; for (i = 3; i <= NF; i++) sum += $i
            if (sum != $2) { print file ": " $0; bad = 1 } }
        END { exit bad }' || { rm -f time.$$; exit 1; }
done
rm -f time.$$
echo "$actors actors"
test "$actors" -ge 200
