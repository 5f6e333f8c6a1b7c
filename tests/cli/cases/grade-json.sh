# SPDX-License-Identifier: Apache-2.0
# The summary for programs.
root=$(cd "$(dirname "$0")/../../.." && pwd)
mkdir exercises answers
cp -R "$root/scenarios/labs/first/1-send.dma" "$root/scenarios/labs/first/3-refetch.dma" exercises
mkdir exercises/machines
cp "$root/scenarios/labs/first/machines/no-speculation.dma" exercises/machines
cp exercises/1-send.dma answers
cp "$root/docs/labs/first/start/3-refetch.dma" answers
nosnoop test --json --grade exercises answers
echo "exit $?"
nosnoop test --json --grade exercises answers | check-schema
