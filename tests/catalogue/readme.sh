#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# readme.sh NOSNOOP: the report shown in the README is what the command prints.
nosnoop=$1
shown=$(awk '/^```text$/ { inside = 1; next } /^```$/ { if (inside) exit } inside' README.md)
printed=$("$nosnoop" run scenarios/bugs/rx-missing-invalidate.dma)
[ -n "$shown" ] && diff <(echo "$shown") <(echo "$printed")
