# SPDX-License-Identifier: Apache-2.0
# Ctrl-C ends a trace that does not; the counts so far are printed, exit 3.
mkfifo trace
(cat loop.xdin && exec sleep 60) >trace &
writer=$!
nosnoop replay -q --l1d 128,2,64 trace >report &
child=$!
# A shell starts what is in the background with SIGINT ignored: wait until the command catches it.
until grep -q '^SigCgt:.*[2367abef]$' "/proc/$child/status"; do sleep 0.1; done
sleep 0.5
kill -INT $child
wait $child
code=$?
kill $writer
cat report
exit $code
