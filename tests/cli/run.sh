#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# usage: run.sh CASE COMMAND...
# Runs cases/CASE.sh in a fresh folder that holds a copy of files/, with each COMMAND on the PATH, and compares what comes
# out with CASE.stdout, CASE.stderr and CASE.exit (a file that is not there stands for nothing written, or for 0). With
# NS_BLESS=1 the three are written instead.
set -u
here=$(cd "$(dirname "$0")" && pwd)
name=$1
shift
expected=$here/cases/$name
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
mkdir "$work/bin" "$work/got" || exit 1
for command; do
    ln -s "$command" "$work/bin/" || exit 1
done
cp -R "$here/files" "$work/files" || exit 1

(
    cd "$work/files" || exit 99
    PATH=$work/bin:$PATH
    export PATH
    unset NO_COLOR
    LC_ALL=C TERM=xterm sh "$expected.sh" </dev/null
) >"$work/got/stdout" 2>"$work/got/stderr"
echo $? >"$work/got/exit"
if [ -n "${NS_BLESS:-}" ]; then
    for part in stdout stderr exit; do
        rm -f "$expected.$part"
        if [ -s "$work/got/$part" ] && { [ $part != exit ] || [ "$(cat "$work/got/exit")" != 0 ]; }; then
            cp "$work/got/$part" "$expected.$part"
        fi
    done
    exit 0
fi

status=0
: >"$work/nothing"
echo 0 >"$work/zero"
for part in stdout stderr exit; do
    want=$expected.$part
    if [ ! -e "$want" ]; then
        want=$work/nothing
        [ $part = exit ] && want=$work/zero
    fi
    if ! diff -u "$want" "$work/got/$part" >"$work/difference"; then
        echo "$name: $part differs (- expected, + got):"
        sed '1,2d' "$work/difference"
        status=1
    fi
done
exit $status
