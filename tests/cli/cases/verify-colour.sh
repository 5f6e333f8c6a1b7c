# SPDX-License-Identifier: Apache-2.0
# Colour adds nothing: without the escapes it is the same text.
nosnoop verify --color=always refetch.dma | tr '\033' '~' >coloured
grep -o '~\[[0-9;]*m[^~]*~\[0m' coloured | sort | uniq -c
sed 's/~\[[0-9;]*m//g' coloured >plain
nosnoop verify refetch.dma | cmp - plain && echo same
