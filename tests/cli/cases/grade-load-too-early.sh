# SPDX-License-Identifier: Apache-2.0
# The steps may be put into another order; whether the values are right, the exercise says.
root=$(cd "$(dirname "$0")/../../.." && pwd)
mkdir exercises answers
cp "$root/scenarios/labs/first/2-receive.dma" exercises
awk '/^cpu0: load +rx -> got/ { next } /^cpu0: doorbell/ { print "cpu0: load     rx -> got" } { print }' \
    exercises/2-receive.dma >answers/2-receive.dma
nosnoop test --grade exercises answers
