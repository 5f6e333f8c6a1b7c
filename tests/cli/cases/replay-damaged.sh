# SPDX-License-Identifier: Apache-2.0
# What is cut off in the middle of a line is the file's fault, not the line's.
i=0
while [ $i -lt 20000 ]; do echo "r $((1000000 + i * 7919 % 999983)) 8"; i=$((i + 1)); done | xz -c >whole.xz
head -c $(($(wc -c <whole.xz) / 2)) whole.xz >half.xz
nosnoop replay -q half.xz 2>messages
status=$?
grep -v '^xz:' messages
exit $status
