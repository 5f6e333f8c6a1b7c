# SPDX-License-Identifier: Apache-2.0
nosnoop replay --json --l1d 128,2,64 --l2 4K,4,64 loop.xdin
