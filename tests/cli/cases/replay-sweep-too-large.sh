# SPDX-License-Identifier: Apache-2.0
nosnoop replay --sweep=4K..256M,1..64,16..256,fifo loop.xdin
