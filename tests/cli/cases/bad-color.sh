# SPDX-License-Identifier: Apache-2.0
nosnoop --color=sometimes run good.dma
