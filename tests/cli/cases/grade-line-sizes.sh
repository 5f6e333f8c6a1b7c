# SPDX-License-Identifier: Apache-2.0
# A driver that is right for lines of 64 bytes only: it passes where it was written, and not on the hidden machines.
root=$(cd "$(dirname "$0")/../../.." && pwd)
cp -R "$root/scenarios/labs/first" exercises
rm exercises/[234]-*.dma
mkdir answers
for at in 0 64 128 192; do echo "cpu0: clean tx[$at..$((at + 4))]"; done >cleans
sed -e '/^cpu0: clean/{r cleans' -e 'd;}' exercises/1-send.dma >answers/1-send.dma
nosnoop verify --quiet answers/1-send.dma
nosnoop test --grade exercises answers
