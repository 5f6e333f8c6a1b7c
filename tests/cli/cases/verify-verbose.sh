# SPDX-License-Identifier: Apache-2.0
# Host times are for standard error only: the same input gives the same bytes on standard output.
nosnoop verify -v good.dma >text 2>times
code=$?
tail -n 1 text
grep -c "recorded in [0-9]* us" times
exit $code
