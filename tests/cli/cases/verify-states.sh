# SPDX-License-Identifier: Apache-2.0
nosnoop verify --states 1 good.dma >report
code=$?
sed -n '/^note: what/,/set the limits/p; s/^\(good: incomplete: [^;]*\);.*/\1/p' report
exit $code
