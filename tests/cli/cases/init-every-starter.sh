# SPDX-License-Identifier: Apache-2.0
nosnoop init --list | sed -n -e "/^$/q" -e "s/^  \([a-z][a-z-]*\) .*/\1/p" | while read -r name; do
    nosnoop init "my-$name" --starter "$name" && nosnoop fmt --check "my-$name.dma" && nosnoop test "my-$name.dma"
done
