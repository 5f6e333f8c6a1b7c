# SPDX-License-Identifier: Apache-2.0
xz -c loop.xdin >loop.xz
gzip -c loop.xdin >loop.gz
nosnoop replay -q --l1d 128,2,64 loop.xz
nosnoop replay -q --l1d 128,2,64 loop.gz
head -c 60 loop.xz >cut.xz
nosnoop replay -q cut.xz 2>messages
status=$?
grep -v '^xz:' messages
exit $status
