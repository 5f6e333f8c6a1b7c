# SPDX-License-Identifier: Apache-2.0
# As for --json: the text comes all the same, the status is 2. The other document is written.
nosnoop test --no-verify --junit no/such/folder/out.xml --tap out.tap good.dma
status=$?
head -n 1 out.tap
exit $status
