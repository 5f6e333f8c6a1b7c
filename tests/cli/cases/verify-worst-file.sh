# SPDX-License-Identifier: Apache-2.0
# Each file is reported; the worst status wins: bad input before a failure before incomplete.
for files in "good.dma" "good.dma refetch.dma" "refetch.dma good.dma" "refetch.dma bad.dma good.dma"; do
    nosnoop verify -q $files 2>/dev/null
    echo "status $?"
done
nosnoop verify -q --states 1 good.dma >/dev/null
echo "status $?"
