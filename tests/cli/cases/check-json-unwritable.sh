# SPDX-License-Identifier: Apache-2.0
nosnoop check --json=no/such/folder/out.json good.dma
