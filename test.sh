#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Installs what is missing, builds nosnoop (release, and debug with sanitizers), and runs every test.
set -eu
cd "$(dirname "$0")"
. scripts/setup.sh
setup_packages
for preset in release debug; do
    setup_build "$preset"
    setup_test "$preset"
done
