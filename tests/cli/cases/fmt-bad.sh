# SPDX-License-Identifier: Apache-2.0
cp bad.dma before.dma
nosnoop fmt bad.dma
status=$?
cmp bad.dma before.dma || exit 99
exit $status
