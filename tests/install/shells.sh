#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# usage: shells.sh FOLDER: each shell that is here reads its completions without a complaint. bash always is.
set -eu
bash -n "$1/nosnoop.bash"
bash -c '. "$1"; complete -p nosnoop' bash "$1/nosnoop.bash" >/dev/null
! command -v zsh >/dev/null || zsh -n "$1/_nosnoop"
! command -v fish >/dev/null || fish --no-execute "$1/nosnoop.fish"
