# SPDX-License-Identifier: Apache-2.0
nosnoop run --schedule 8,9 --order free good.dma
