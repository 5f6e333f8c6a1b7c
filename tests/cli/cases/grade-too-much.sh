# SPDX-License-Identifier: Apache-2.0
# A second clean that nobody needs costs points: twice the lines, half of the second half.
root=$(cd "$(dirname "$0")/../../.." && pwd)
cp -R "$root/scenarios/labs/first" exercises
mkdir answers
rm exercises/[234]-*.dma
sed 's/^cpu0: clean .*/&\n&/' exercises/1-send.dma >answers/1-send.dma
nosnoop test --quiet --grade exercises answers
nosnoop test --verbose --grade exercises answers | sed -n 5,12p
nosnoop test --grade exercises answers
