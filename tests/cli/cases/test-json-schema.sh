# SPDX-License-Identifier: Apache-2.0
# Bad files fail a test, whatever the machine does; the document says so.
mkdir suite && cp bad.dma suite/
nosnoop test --json suite | check-schema
nosnoop test --json=out.json suite >text
echo "status $?"
check-schema <out.json
