# SPDX-License-Identifier: Apache-2.0
# The exercises of the first lab, as answers to themselves: full points.
root=$(cd "$(dirname "$0")/../../.." && pwd)
cp -R "$root/scenarios/labs/first" exercises
nosnoop test --grade exercises exercises
