# SPDX-License-Identifier: Apache-2.0
# Sourced by try.sh and test.sh: what a bare Debian 12 or Ubuntu lacks, and the build.

packages="build-essential cmake ninja-build pkg-config libsystemc-dev libgtest-dev libbenchmark-dev libjansson-dev libxxhash-dev
libxml2-utils xz-utils gcc-riscv64-unknown-elf"

# Installs the distribution's packages that are missing, and says which. Silent when there is nothing to do.
setup_packages() {
    local missing="" package
    for package in $packages; do
        dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q "ok installed" || missing="$missing $package"
    done
    [ -n "$missing" ] || return 0
    local as_root=""
    [ "$(id -u)" -eq 0 ] || as_root="sudo"
    echo "nosnoop: installing from the distribution:$missing"
    if ! { $as_root apt-get update -qq && $as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq \
        --no-install-recommends $missing; } >build-packages.log 2>&1; then
        cat build-packages.log >&2
        echo "nosnoop: the packages could not be installed; see above" >&2
        return 1
    fi
    rm -f build-packages.log
}

# setup_build PRESET [TARGET]: configures and builds build/<preset>. Prints only when something fails, or when it builds
# for the first time.
setup_build() {
    local preset=$1 target=${2:-all} log
    mkdir -p "build/$preset"
    log="build/$preset/setup.log"
    [ -f "build/$preset/build.ninja" ] || echo "nosnoop: building build/$preset (the first time takes a minute or two)"
    if ! { cmake --preset "$preset" && cmake --build --preset "$preset" --target "$target"; } >"$log" 2>&1; then
        tail -n 60 "$log" >&2
        echo "nosnoop: the build failed; all of it is in $log" >&2
        return 1
    fi
}

# setup_test PRESET: runs all tests of build/<preset>. Prints the sum, and what failed with its output.
setup_test() {
    local preset=$1 log status=0
    log="build/$preset/test.log"
    ctest --preset "$preset" >"$log" 2>&1 || status=$?
    if [ "$status" -ne 0 ]; then
        grep -vE '^ *(Start|[0-9]+/[0-9]+ Test) .*|Passed' "$log" | tail -n 200
        echo "nosnoop: tests of $preset failed; all of it is in $log" >&2
        return 1
    fi
    echo "$preset:"
    grep -E 'tests passed|Total Test time' "$log"
}
