" SPDX-License-Identifier: Apache-2.0
au BufRead,BufNewFile *.dma setfiletype nosnoop
