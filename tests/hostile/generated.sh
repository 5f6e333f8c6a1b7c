#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# usage: generated.sh NOSNOOP
# Bad files that are too large to keep, and things that are no files (docs/language.md, Limits; docs/manual.md, Exit
# status). One message each, with exit status 2.
set -u
nosnoop=$1
work=$(mktemp -d) || exit 1
trap 'chmod -R u+rw "$work"; rm -rf "$work"' EXIT
cd "$work" || exit 1
status=0

# expect NAME CODE SENTENCE: `check` of the file ends with CODE, and standard error has SENTENCE and no second message.
expect() {
    LC_ALL=C timeout 20 "$nosnoop" check -q "$1" >out 2>err </dev/null
    code=$?
    if [ $code -ne "$2" ] || ! grep -qF -- "$3" err || [ "$(grep -c '^error:\|^nosnoop:' err)" -ne 1 ]; then
        echo "$1: exit status $code, and:"
        head -n 20 err
        status=1
    fi
}

head='use machine "one-core-wb64"'
steps() { echo "$head"; i=0; while [ $i -lt "$1" ]; do echo 'cpu0: fence'; i=$((i + 1)); done; }

steps 19999 >fits.dma
"$nosnoop" check -q fits.dma || { echo "20,000 statements are allowed"; status=1; }
steps 20000 >statements.dma
expect statements.dma 2 "statements.dma:20001:1"
expect statements.dma 2 "a scenario has at most 20000 statements"

{ echo "$head"; head -c 1048548 /dev/zero | tr '\0' '\n'; } >exact.dma
[ "$(wc -c <exact.dma)" -le 1048576 ] && "$nosnoop" check -q exact.dma || { echo "1 MiB is allowed"; status=1; }
{ cat exact.dma; echo '#'; } >large.dma
expect large.dma 2 "this file is larger than 1 MiB; it is not read"

head -c 1000000 /dev/zero >zeroes.dma
"$nosnoop" check -q zeroes.dma >out 2>err
[ $? -eq 2 ] && grep -q 'this is a NUL byte' err || { echo "a million NUL bytes"; status=1; }

{ echo "$head"; printf 'cpu0: load '; head -c 200000 /dev/zero | tr '\0' '['; echo; } >line.dma
expect line.dma 2 "this line is longer than 1024 bytes"

{ echo "$head"; i=0; while [ $i -lt 256 ]; do echo "buffer b$i size 4"; i=$((i + 1)); done; } >objects.dma
"$nosnoop" check -q objects.dma || { echo "256 objects are allowed"; status=1; }
echo 'buffer more size 4' >>objects.dma
expect objects.dma 2 "objects.dma:258:8"

mkdir folder.dma
expect folder.dma 2 "cannot read \`folder.dma\`: Is a directory"
expect missing.dma 2 "cannot read \`missing.dma\`: No such file or directory"
expect '' 2 "cannot read \`\`: No such file or directory"
ln -s loop.dma loop.dma
expect loop.dma 2 "cannot read \`loop.dma\`: Too many levels of symbolic links"
if [ "$(id -u)" -ne 0 ]; then # root reads everything
    echo "$head" >secret.dma
    chmod 000 secret.dma
    expect secret.dma 2 "cannot read \`secret.dma\`: Permission denied"
fi

mkfifo pipe.dma
{ echo "$head"; echo "cpu0: load"; } >pipe.dma &
expect pipe.dma 2 "pipe.dma:2:11"
wait
(yes 'cpu0: fence' >pipe.dma 2>/dev/null) &
expect pipe.dma 2 "this file is larger than 1 MiB; it is not read"
wait
expect /dev/zero 2 "this file is larger than 1 MiB; it is not read"
exit $status
