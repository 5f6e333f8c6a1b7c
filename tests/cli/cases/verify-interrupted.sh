# SPDX-License-Identifier: Apache-2.0
# Ctrl-C ends a long search; what is known is said, exit 3. Nothing is drawn where there is no terminal.
cat >long.dma <<'END'
use machine "one-core-wb64"
device a irq ia
device b irq ib
device c irq ic
buffer x size 64
cpu0: doorbell a
cpu0: doorbell b
cpu0: doorbell c
a: start
b: start
c: start
repeat 60
a: write x[0..8] = 1
b: write x[8..16] = 2
c: write x[16..24] = 3
end
a: raise ia
b: raise ib
c: raise ic
cpu0: wait ia
cpu0: wait ib
cpu0: wait ic
cpu0: invalidate x
cpu0: load x[0..8] -> r
END
nosnoop verify -q long.dma >report &
child=$!
# A shell starts what is in the background with SIGINT ignored: wait until the command catches it.
until grep -q '^SigCgt:.*[2367abef]$' "/proc/$child/status"; do sleep 0.1; done
sleep 0.5
kill -INT $child
wait $child
code=$?
sed 's/;.*//' report
exit $code
