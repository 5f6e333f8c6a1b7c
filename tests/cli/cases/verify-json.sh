# SPDX-License-Identifier: Apache-2.0
nosnoop verify --json=out.json refetch.dma >text
echo "status $?"
check-schema <out.json
sed -n '1,/"may"/p' out.json
grep -A 20 '"schedule"' out.json | sed -n '/"schedule"/,/\]/p'
grep '"replay"\|"length"\|"id"' out.json
