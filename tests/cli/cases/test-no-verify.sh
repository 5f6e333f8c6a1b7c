# SPDX-License-Identifier: Apache-2.0
mkdir suite && echo "pass refuted" >suite/a.dma
faulty-nosnoop test --no-verify suite
