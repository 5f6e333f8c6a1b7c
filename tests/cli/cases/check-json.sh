# SPDX-License-Identifier: Apache-2.0
nosnoop check --json good.dma bad.dma nowhere.dma 2>/dev/null
