# SPDX-License-Identifier: Apache-2.0
# Each replay line of a report shows its hazard again.
nosnoop verify refetch.dma >report
sed -n 's/^ *= replay: //p' report | while read -r command; do
    $command | grep '^hazard\['
done
