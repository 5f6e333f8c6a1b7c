# SPDX-License-Identifier: Apache-2.0
mkdir suite && cp good.dma refetch.dma suite/
nosnoop test suite >text; echo "status $?"
grep -E "^(pass|FAIL|[0-9]+ passed)|hazard\[" text
# What `test` puts in front of a title counts: no title is longer than 80 columns.
grep -A1 "hazard\[" text | awk 'length($0) > 80'
grep -A1 "hazard\[" text | tail -n 1
