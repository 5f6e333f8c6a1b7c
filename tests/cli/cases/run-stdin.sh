# SPDX-License-Identifier: Apache-2.0
nosnoop run -q - <good.dma | sed "s/[0-9.]* [a-z]* simulated/TIME simulated/"
