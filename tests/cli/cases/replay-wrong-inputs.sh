# SPDX-License-Identifier: Apache-2.0
# Whatever it is, it is an error with a place, and exit status 2.
try() {
    nosnoop replay "$@"
    echo "exit status $?"
}
: >empty.xdin
try empty.xdin
try nowhere.xdin
try .
head -c 4096 /dev/zero >zeros
try zeros
printf '\177ELF\002\001\001' | try -
printf 'r 1000 8\nr 1000' | try -
printf 'r 1000 8\nr -1000 8\n' | try -
printf 'r 1000 8\nd 1000 40\n' | try -
printf 'r 1000 8\nr 10000000000000000 8\n' | try -
printf 'r fffffffffffffffc 8\n' | try -
printf 'r ff000000000000 8\nr 100000000000000 8\n' | try --machine thead-c910 -
