# SPDX-License-Identifier: Apache-2.0
# The start of the neighbour's exercise, with the struct padded: right by itself, and the grader says why it fails.
root=$(cd "$(dirname "$0")/../../.." && pwd)
mkdir exercises answers
cp "$root/scenarios/labs/first/4-neighbour.dma" exercises
sed 's/^  u8   frame.*/&\n  pad  32/' "$root/docs/labs/first/start/4-neighbour.dma" >answers/4-neighbour.dma
nosnoop run --quiet answers/4-neighbour.dma
nosnoop verify --quiet answers/4-neighbour.dma
nosnoop test --grade exercises answers
