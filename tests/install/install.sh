#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# usage: install.sh CMAKE BUILD_FOLDER CC CXX
# Installs into a fresh folder, moves that folder (nothing may know where it was), and builds a C program against it,
# with pkg-config and with find_package; every installed header is compiled alone as C17 and as C++17.
set -eu
cmake=$1 build=$2 cc=$3 cxx=$4
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"$cmake" --install "$build" --prefix "$work/first" >"$work/log" 2>&1 || { cat "$work/log"; exit 1; }
mv "$work/first" "$work/prefix"
prefix=$work/prefix

fail() {
    echo "$*"
    exit 1
}
pc=$(find "$prefix" -name nosnoop.pc)
lib=$(dirname "$(dirname "$pc")")
for file in bin/nosnoop share/man/man1/nosnoop.1 share/nosnoop/scenarios/bugs/rx-missing-invalidate.dma \
    share/nosnoop/scenarios/curves/latency.dma share/nosnoop/scenarios/curves/curves.sh \
    share/nosnoop/scenarios/machines/one-core-wb64.dma share/vim/vimfiles/syntax/nosnoop.vim \
    share/vim/vimfiles/ftdetect/nosnoop.vim share/nosnoop/editors/nosnoop.tmLanguage.json \
    share/bash-completion/completions/nosnoop share/zsh/vendor-completions/_nosnoop \
    share/fish/vendor_completions.d/nosnoop.fish share/doc/nosnoop/manual.md; do
    [ -s "$prefix/$file" ] || fail "not installed: $file"
done
[ -s "$lib/libnosnoop.a" ] || fail "not installed: libnosnoop.a"
if grep -rlF "$work/first" "$prefix/share" "$prefix/include" "$lib/pkgconfig" "$lib/cmake"; then
    fail "these files name the folder that they were installed to"
fi
"$prefix/bin/nosnoop" run -q "$prefix/share/nosnoop/scenarios/bugs/rx-missing-invalidate.dma" >/dev/null ||
    fail "the installed command does not run the installed scenario"
"$prefix/share/nosnoop/cost.sh" "$prefix/bin/nosnoop" one-core-wb64 --sizes 64 | grep -q ' streaming ' ||
    fail "the installed script does not find the installed scenarios"

# The C headers also for C++.
headers=$(cd "$prefix/include/nosnoop" && find . -name '*.h' | sort)
[ -n "$headers" ] || fail "no headers"
for header in $headers; do
    echo "#include \"$header\"" >"$work/alone.c"
    cp "$work/alone.c" "$work/alone.cpp"
    "$cc" -std=c17 -Wall -Wextra -Wpedantic -Werror -fsyntax-only -I"$prefix/include/nosnoop" "$work/alone.c" || fail "$header in C17"
    "$cxx" -std=c++17 -Wall -Wextra -Werror -fsyntax-only -I"$prefix/include/nosnoop" "$work/alone.cpp" || fail "$header in C++17"
done

PKG_CONFIG_PATH=$lib/pkgconfig${PKG_CONFIG_PATH:+:$PKG_CONFIG_PATH}
export PKG_CONFIG_PATH
# shellcheck disable=SC2046 # the flags are words
"$cc" -std=c17 -Wall -Wextra -Werror "$here/program.c" $(pkg-config --cflags --libs nosnoop) -o "$work/by-pkg-config"
[ "$("$work/by-pkg-config" 2>/dev/null | tail -n 1)" = "success 0x5A later" ] || fail "the program built with pkg-config does not work"

mkdir "$work/project"
cp "$here/program.c" "$work/project/"
cat >"$work/project/CMakeLists.txt" <<EOF
cmake_minimum_required(VERSION 3.22)
project(user LANGUAGES C)
find_package(nosnoop 0.1 REQUIRED)
add_executable(user program.c)
target_link_libraries(user PRIVATE nosnoop::nosnoop)
EOF
"$cmake" -S "$work/project" -B "$work/project/build" -DCMAKE_PREFIX_PATH="$prefix" -DCMAKE_C_COMPILER="$cc" >"$work/log" 2>&1 &&
    "$cmake" --build "$work/project/build" >>"$work/log" 2>&1 || { cat "$work/log"; exit 1; }
[ "$("$work/project/build/user" 2>/dev/null | tail -n 1)" = "success 0x5A later" ] || fail "the program built with find_package does not work"
