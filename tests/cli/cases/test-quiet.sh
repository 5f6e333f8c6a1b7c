# SPDX-License-Identifier: Apache-2.0
mkdir suite && cp bad.dma suite/
nosnoop test -q suite
