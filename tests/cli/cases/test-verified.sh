# SPDX-License-Identifier: Apache-2.0
# A scenario passes when its run and its verification do; the report of one that does not has both.
mkdir suite
echo "pass proved" >suite/both-pass.dma; echo "pass refuted" >suite/only-runs.dma
echo "fail refuted" >suite/both-fail.dma; echo "fail proved" >suite/only-proved.dma
echo "pass incomplete" >suite/open.dma; echo "incomplete refuted" >suite/worse.dma
faulty-nosnoop test suite
