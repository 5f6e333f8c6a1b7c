# SPDX-License-Identifier: Apache-2.0
# Nothing was graded: 2, never 0.
mkdir exercises answers no-exercise
printf 'use machine "one-core-wb64"\nbuffer rx size 64\ncpu0: load rx[0..4]\n' >exercises/one.dma
grade() { nosnoop test --grade "$@"; echo "exit $?"; }
grade no-exercise answers
grade exercises answers
grade exercises not-there
grade not-there answers
grade exercises exercises/one.dma
grade exercises
grade exercises answers answers
grade exercises answers --no-verify
