# SPDX-License-Identifier: Apache-2.0
faulty() { mkdir -p suite; for word; do echo "$word" >"suite/$word.dma"; done; }
faulty crash fail hang incomplete leave pass skip
faulty-nosnoop test --json=out.json --timeout 1 --jobs 4 suite >text
echo "status $?"
check-schema <out.json
cat out.json
