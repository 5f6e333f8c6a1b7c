# SPDX-License-Identifier: Apache-2.0
# A child that writes without end does not fill the memory: 1 MiB is kept.
faulty() { mkdir -p suite; for word; do echo "$word" >"suite/$word.dma"; done; }
faulty flood
faulty-nosnoop test suite >out
echo "status $?"
test "$(wc -c <out)" -lt 1100000 && echo bounded
tr -d 'x' <out
