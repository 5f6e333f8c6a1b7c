#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# usage: cost_page.sh NOSNOOP   (in the folder of the sources)
# Every command of docs/cost.md in a console block prints what stands below it. NS_BLESS=1 writes what they print now.
set -eu
PATH=$(dirname "$1"):$PATH
new=$(mktemp)
trap 'rm -f "$new"' EXIT
awk '/^```console$/ {
        print
        getline
        print
        command = substr($0, 3)
        while ((command | getline line) > 0) print line
        close(command)
        while ((getline line) > 0 && line != "```") { }
        print line
        next
    }
    { print }' docs/cost.md >"$new"
if [ "${NS_BLESS:-0}" = 1 ]; then cat "$new" >docs/cost.md; fi
diff docs/cost.md "$new"
