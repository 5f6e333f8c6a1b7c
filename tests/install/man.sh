#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# usage: man.sh PAGE NOSNOOP: no warnings of groff, and every option and command that --help names. 77: no man here.
set -eu
command -v man >/dev/null && command -v groff >/dev/null || exit 77
warnings=$(LC_ALL=C.UTF-8 MANROFFSEQ='' man --warnings -E UTF-8 -l -Tutf8 -Z "$1" 2>&1 >/dev/null)
[ -z "$warnings" ] || { echo "$warnings"; exit 1; }
text=$(LC_ALL=C.UTF-8 MANWIDTH=200 man -E UTF-8 -l "$1" | sed 's/.\x08//g')
found=0
for word in $("$2" --help | sed -n -e 's/^ .*--\([a-z-]*\).*/--\1/p' -e 's/^  \([a-z][a-z]*\) .*/\1/p'); do
    found=$((found + 1))
    case $text in
    *"$word"*) ;;
    *) echo "$word is not in the manual page"; exit 1 ;;
    esac
done
[ "$found" -ge 25 ] || { echo "only $found options and commands found in --help"; exit 1; }
