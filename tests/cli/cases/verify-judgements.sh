# SPDX-License-Identifier: Apache-2.0
# A judgement that fails has a schedule of the behaviour that decides it.
{ cat refetch.dma; echo 'verify always got == 0'; echo 'verify sometimes got == 0'; echo 'verify never got == 7'; } >j.dma
nosnoop verify j.dma >report
code=$?
sed -n '/^judged/,/^the hardware/p' report; tail -n 2 report
exit $code
