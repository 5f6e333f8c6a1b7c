# SPDX-License-Identifier: Apache-2.0
nosnoop repair bad.dma
