# SPDX-License-Identifier: Apache-2.0
# Each way that a test can end, as JUnit has it: a failure ran and does not hold, an error has no result. The text comes
# as well, since the document has a file.
faulty() { mkdir -p suite; for word; do echo "$word" >"suite/$word.dma"; done; }
faulty pass fail skip incomplete crash leave hang
faulty-nosnoop test --timeout 1 --junit out.xml suite | tail -n 1
cat out.xml
