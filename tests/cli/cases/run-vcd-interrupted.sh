# SPDX-License-Identifier: Apache-2.0
# A run that is stopped has a legal dump up to there; see run-interrupted.sh.
cat >long.dma <<'END'
use machine "one-core-wb64"
buffer rx size 12K
repeat 10
repeat 100000
cpu0: load rx
end
end
END
nosnoop run -q --vcd long.vcd long.dma >report &
child=$!
until grep -q '^SigCgt:.*[2367abef]$' "/proc/$child/status"; do sleep 0.1; done
sleep 0.5
kill -INT $child
wait $child
code=$?
check-vcd long.vcd cpu0_step
exit $code
