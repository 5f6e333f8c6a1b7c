# SPDX-License-Identifier: Apache-2.0
nosnoop test --junit - --tap - good.dma
