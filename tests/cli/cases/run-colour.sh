# SPDX-License-Identifier: Apache-2.0
# Colour on demand only, and never in the way of the text.
escape=$(printf "\\033")
nosnoop run refetch.dma >plain
grep -c "$escape" plain
nosnoop run --color=always refetch.dma >painted
grep -q "$escape" painted && echo painted
sed "s/$escape\[[0-9;]*m//g" painted | cmp plain - && echo "the same text"
