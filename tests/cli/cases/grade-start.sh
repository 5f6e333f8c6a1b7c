# SPDX-License-Identifier: Apache-2.0
# What the students start from fails, with the hazard that the sheet names.
root=$(cd "$(dirname "$0")/../../.." && pwd)
cp -R "$root/scenarios/labs/first" exercises
cp -R "$root/docs/labs/first/start" answers
nosnoop test --grade exercises answers
