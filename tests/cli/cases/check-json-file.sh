# SPDX-License-Identifier: Apache-2.0
nosnoop check --json=out.json good.dma
head -n 4 out.json
