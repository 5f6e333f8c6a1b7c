#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# usage: scripts/test-deb.sh [PACKAGE.deb]
# Installs the Debian package on a bare Debian 12 (a fresh debootstrap, minbase) and tries it there. Needs root,
# debootstrap and the distribution's mirror; not part of the tests. Without PACKAGE.deb, cpack makes one from
# build/release. NS_DEB_MIRROR names another mirror.
set -euo pipefail
cd "$(dirname "$0")/.."
mirror=${NS_DEB_MIRROR:-http://deb.debian.org/debian}
work=$(mktemp -d)
# The mirror may be reached through what this host's apt knows of proxies.
proxy_files=/etc/apt/apt.conf.d
cleanup() {
    rm -rf --one-file-system "$work"
}
trap cleanup EXIT
package=${1:-}
if [ -z "$package" ]; then
    (cd build/release && cpack -G DEB -B "$work/package" >"$work/cpack.log") || { cat "$work/cpack.log"; exit 1; }
    package=$(echo "$work"/package/*.deb)
fi
root=$work/root
debootstrap --variant=minbase bookworm "$root" "$mirror" >"$work/debootstrap.log" 2>&1 || {
    tail -n 20 "$work/debootstrap.log"
    exit 1
}
for file in "$proxy_files"/*proxy*; do
    [ ! -f "$file" ] || cp "$file" "$root/etc/apt/apt.conf.d/"
done
cp /etc/resolv.conf "$root/etc/resolv.conf"
cp "$package" "$root/nosnoop.deb"
in_root() {
    chroot "$root" /usr/bin/env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C DEBIAN_FRONTEND=noninteractive \
        ${http_proxy:+http_proxy="$http_proxy"} "$@"
}
echo "packages before: $(in_root dpkg-query -W | wc -l)"
in_root apt-get update -qq
in_root apt-get install -y -qq --no-install-recommends /nosnoop.deb >"$work/install.log" 2>&1 || {
    tail -n 30 "$work/install.log"
    exit 1
}
echo "packages after:  $(in_root dpkg-query -W | wc -l)"
in_root nosnoop --version
in_root nosnoop test -q /usr/share/nosnoop/scenarios/bugs/rx-missing-invalidate.dma \
    /usr/share/nosnoop/scenarios/bugs/rx-missing-invalidate-fixed.dma /usr/share/nosnoop/scenarios/starters
in_root sh -c 'cd /tmp && nosnoop init first && nosnoop fmt --check first.dma && nosnoop verify -q first.dma'
in_root sh -c 'for file in /usr/share/man/man1/nosnoop.1 /usr/share/vim/vimfiles/syntax/nosnoop.vim /usr/lib/libnosnoop.a; do
    dpkg-query -S $file || [ ! -e $file ]; done'
in_root dpkg --verify nosnoop
in_root apt-get purge -y -qq nosnoop >/dev/null 2>&1
[ -z "$(find "$root/usr" -path '*nosnoop*' -print -quit)" ] || { echo "files are left after purge"; exit 1; }
echo "installed, tried, purged"
