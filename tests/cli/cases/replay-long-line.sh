# SPDX-License-Identifier: Apache-2.0
# A line of 200,000 bytes that ends like an access is one wrong line, however its bytes arrive.
{ echo 'r 1000 8'; head -c 200000 /dev/zero | tr '\0' x; echo ' r 2000 8'; echo 'r 3000 8'; } >long
nosnoop replay -q --lenient --json long | grep -E '"(lines|reads|skipped)": [0-9]+' | head -n 3
{ head -c 70000 long; sleep 0.2; tail -c +70001 long; } | nosnoop replay -q --lenient --json - |
    grep -E '"(lines|reads|skipped)": [0-9]+' | head -n 3
