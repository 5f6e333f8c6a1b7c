#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# usage: check.sh NOSNOOP
# Every file of files/ is refused by `nosnoop check` with exit status 2, nothing on standard output but its sum, and
# exactly the messages of NAME.expected on standard error.
set -u
nosnoop=$1
cd "$(dirname "$0")/files" || exit 1
got=$(mktemp) || exit 1
trap 'rm -f "$got"' EXIT
count=0
status=0
for file in *.dma; do
    "$nosnoop" check -q "$file" 2>"$got" >/dev/null </dev/null
    code=$?
    if [ $code -ne 2 ]; then
        echo "$file: exit status $code, not 2"
        status=1
    fi
    if ! cmp -s "${file%.dma}.expected" "$got"; then
        echo "$file: (- expected, + got)"
        diff -au "${file%.dma}.expected" "$got" | sed 1,2d
        status=1
    fi
    count=$((count + 1))
done
echo "$count files"
[ $count -ge 100 ] || status=1
exit $status
