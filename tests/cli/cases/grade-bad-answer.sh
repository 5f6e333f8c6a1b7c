# SPDX-License-Identifier: Apache-2.0
# What is wrong with an answer is told with its file and line.
root=$(cd "$(dirname "$0")/../../.." && pwd)
mkdir exercises answers
cp "$root/scenarios/labs/first/1-send.dma" "$root/scenarios/labs/first/2-receive.dma" exercises
sed 's/^cpu0: clean /cpu0: claen /' exercises/1-send.dma >answers/1-send.dma
sed 's/^buffer rx/buffer ry/; s/ rx/ ry/' exercises/2-receive.dma >answers/2-receive.dma
nosnoop test --grade exercises answers
