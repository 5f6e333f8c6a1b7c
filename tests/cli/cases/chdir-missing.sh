# SPDX-License-Identifier: Apache-2.0
nosnoop --chdir nowhere check good.dma
