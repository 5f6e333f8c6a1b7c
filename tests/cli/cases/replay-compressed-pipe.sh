# SPDX-License-Identifier: Apache-2.0
# A pipe with compressed data: the message says what to write. A file is unpacked, also as standard input.
xz -c loop.xdin | nosnoop replay -
echo "exit status $?"
gzip -c loop.xdin | nosnoop replay --lenient -
echo "exit status $?"
xz -c loop.xdin >loop.xz
nosnoop replay -q --l1d 128,2,64 - <loop.xz | head -3
xz -dc loop.xz | nosnoop replay -q --l1d 128,2,64 - | head -3
