# SPDX-License-Identifier: Apache-2.0
# Says what is known, ends what still runs, exits with 3.
faulty() { mkdir -p suite; for word; do echo "$word" >"suite/$word.dma"; done; }
faulty hang pass; mv suite/pass.dma suite/a.dma
faulty-nosnoop test --jobs 1 suite &
child=$!
# A shell starts what is in the background with SIGINT ignored: wait until the command catches it.
until grep -q '^SigCgt:.*[2367abef]$' "/proc/$child/status"; do sleep 0.1; done
sleep 1
kill -INT $child
wait $child
