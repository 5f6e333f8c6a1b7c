# SPDX-License-Identifier: Apache-2.0
# Flushing the whole cache is right, and half of the points.
root=$(cd "$(dirname "$0")/../../.." && pwd)
cp -R "$root/scenarios/labs/first" exercises
mkdir answers
for file in exercises/*.dma; do
    sed -E 's/^cpu0: (clean|invalidate|flush) .*/cpu0: flush all/' "$file" >"answers/${file#exercises/}"
done
nosnoop test --grade exercises answers
