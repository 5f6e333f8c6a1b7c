#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Installs what is missing, builds nosnoop, and runs it on a scenario: ./try.sh [SCENARIO.dma]
set -eu
cd "$(dirname "$0")"
. scripts/setup.sh
setup_packages
setup_build release nosnoop
build/release/nosnoop run "${1:-scenarios/bugs/rx-missing-invalidate.dma}"
