# SPDX-License-Identifier: Apache-2.0
# The same suite as KTAP, on standard output in place of the text. TAP's own harness (perl) reads it, and counts the same.
faulty() { mkdir -p suite; for word; do echo "$word" >"suite/$word.dma"; done; }
faulty pass fail skip incomplete crash leave hang
faulty-nosnoop test --timeout 1 --tap - suite
echo "status $?"
faulty-nosnoop test -q --timeout 1 --tap out.tap suite >text
prove -e cat out.tap 2>&1 | grep -E 'Failed tests?:|Result'
