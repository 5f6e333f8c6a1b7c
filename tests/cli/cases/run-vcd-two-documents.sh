# SPDX-License-Identifier: Apache-2.0
nosnoop run -q --vcd - --trace - good.dma
