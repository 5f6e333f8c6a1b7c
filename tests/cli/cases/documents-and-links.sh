# SPDX-License-Identifier: Apache-2.0
# A document does not go through a symbolic link, whether it leads to a file or to nothing, so that a link in a folder of
# somebody else changes no file of the user. Pipes and the system's own names work.
echo precious >file
ln -s file link
ln -s not-there dangling
for name in link dangling; do
    nosnoop check --json="$name" good.dma
    echo "exit $?"
    nosnoop run --quiet --trace="$name" --vcd="$name" good.dma
    echo "exit $?"
done
cat file
ls not-there 2>/dev/null
mkfifo pipe
cat pipe >through-pipe &
nosnoop check --quiet --json=pipe good.dma
wait
nosnoop check --json >direct good.dma
nosnoop check --quiet --json=/dev/stdout good.dma >by-name
nosnoop check --quiet --json=/dev/fd/3 good.dma 3>by-number
nosnoop check --quiet --json=/dev/stdout good.dma | cat >by-pipe
nosnoop check --quiet --json=/dev/null good.dma
for name in through-pipe by-name by-number by-pipe; do
    cmp direct "$name" && echo "$name: the same"
done
