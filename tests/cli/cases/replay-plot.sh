# SPDX-License-Identifier: Apache-2.0
# What gnuplot is given; and what there is to say without it.
mkdir tools
printf '#!/bin/sh\ncat\n' >tools/gnuplot
chmod +x tools/gnuplot
PATH=$PWD/tools:$PATH nosnoop replay -q --sweep=128..256,1..2,64 --plot "|touch it's.svg" loop.xdin
cat "|touch it's.svg"; ls *it*
printf '#!/bin/sh\nexit 1\n' >tools/gnuplot
PATH=$PWD/tools:$PATH nosnoop replay -q --sweep=128,1,64 --plot it.svg loop.xdin
echo "exit status $?"
command=$(command -v nosnoop)
PATH=/nowhere "$command" replay -q --sweep=128,1,64 --plot it.svg loop.xdin
