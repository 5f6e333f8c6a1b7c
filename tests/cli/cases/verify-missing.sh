# SPDX-License-Identifier: Apache-2.0
# An expected hazard that no behaviour shows.
sed 's/^cpu0: load.*/& expect DC-REFETCH/' good.dma >m.dma
nosnoop verify m.dma >report
code=$?
sed 's/^explored: .*/explored: COUNTS/' report
exit $code
