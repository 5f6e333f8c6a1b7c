# SPDX-License-Identifier: Apache-2.0
# Ctrl-C ends a long run after the step under way; what is known is said, exit 3.
cat >long.dma <<'END'
use machine "one-core-wb64"
buffer rx size 12K
repeat 10
repeat 100000
cpu0: load rx
end
end
END
nosnoop run -q long.dma >report &
child=$!
# A shell starts what is in the background with SIGINT ignored: wait until the command catches it.
until grep -q '^SigCgt:.*[2367abef]$' "/proc/$child/status"; do sleep 0.1; done
sleep 0.5
kill -INT $child
wait $child
code=$?
sed "s/[0-9.]* [a-z]* simulated/TIME simulated/" report
exit $code
