# SPDX-License-Identifier: Apache-2.0
# Says what is known, ends what still runs, exits with 3.
faulty() { mkdir -p suite; for word; do echo "$word" >"suite/$word.dma"; done; }
faulty hang pass; mv suite/pass.dma suite/a.dma
faulty-nosnoop test --jobs 1 suite &
child=$!
sleep 1
kill -INT $child
wait $child
