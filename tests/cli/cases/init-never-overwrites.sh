# SPDX-License-Identifier: Apache-2.0
echo mine >first.dma
nosnoop init first
status=$?
cat first.dma
exit $status
