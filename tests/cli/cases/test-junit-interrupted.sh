# SPDX-License-Identifier: Apache-2.0
# What Ctrl-C kept from running is an error, and not missing: the plan and the counts hold.
faulty() { mkdir -p suite; for word; do echo "$word" >"suite/$word.dma"; done; }
faulty hang pass; mv suite/pass.dma suite/a.dma
faulty-nosnoop test --jobs 1 --junit out.xml --tap - suite &
child=$!
sleep 1
kill -INT $child
wait $child
status=$?
cat out.xml
exit $status
