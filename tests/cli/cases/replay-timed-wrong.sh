# SPDX-License-Identifier: Apache-2.0
# What cannot be is an error with its place, and exit status 2.
try() {
    nosnoop replay --timed "$@"
    echo "exit status $?"
}
printf 'r 10 4\nd 10\n' | try -
printf 'r 10 4\nc 10 1000001\n' | try -
try --l1d 128,2,64 loop.xdin
try --sweep loop.xdin
mkfifo pipe
try pipe
# A machine with 256 KiB of RAM, of which its page tables take a part: 4 pages too many.
cat >tiny.dma <<'END'
machine "tiny"
  ram low at 0x8000_0000 size 256K
end
END
awk 'BEGIN { for (i = 0; i < 64; i++) printf "r %x 4\n", 4096 * i }' | try --machine tiny.dma -
