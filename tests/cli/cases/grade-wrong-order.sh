# SPDX-License-Identifier: Apache-2.0
# A driver that clears its buffer behind the load, so that one invalidate is enough, is another driver.
root=$(cd "$(dirname "$0")/../../.." && pwd)
mkdir exercises answers
cp "$root/scenarios/labs/first/3-refetch.dma" exercises
awk '/^cpu0: store/ { store = $0; next } /^cpu0: invalidate/ && !n++ { next } { print } /^cpu0: load/ { print store }' \
    exercises/3-refetch.dma >answers/3-refetch.dma
nosnoop verify --quiet answers/3-refetch.dma
nosnoop test --grade exercises answers
