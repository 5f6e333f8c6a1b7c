# SPDX-License-Identifier: Apache-2.0
mkdir -p suite/b suite/a suite/.hidden suite/machines
cp bad.dma suite/b/z.dma; cp bad.dma suite/b/Z.dma; cp bad.dma suite/a/1.dma
cp bad.dma suite/.hidden/; cp bad.dma suite/machines/; cp bad.dma suite/notes.txt
# By bytes: capitals come before small letters. Each file once, however often it is named.
nosnoop test --jobs 3 suite suite/a/1.dma
