# SPDX-License-Identifier: Apache-2.0
nosnoop verify refetch.dma >report
code=$?
sed 's/^explored: .*/explored: COUNTS/' report
exit $code
