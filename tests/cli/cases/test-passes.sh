# SPDX-License-Identifier: Apache-2.0
mkdir suite && cp good.dma refetch.dma suite/
nosnoop test suite >text; echo "status $?"
grep -E "^(pass|FAIL|[0-9]+ passed)|hazard\[" text
