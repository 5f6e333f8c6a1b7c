# SPDX-License-Identifier: Apache-2.0
# What a report offers for replay leads to the same hazard.
nosnoop run refetch.dma >text
replay=$(sed -n "s/^ *= replay: //p" text)
echo "$replay"
$replay >again
head -n 13 text >first
head -n 13 again | cmp first - && echo "the same hazard"
