# SPDX-License-Identifier: Apache-2.0
# An inclusive machine, and one whose data cache the command line replaces.
nosnoop replay --machine thead-c910 loop.xdin
nosnoop replay --machine one-core-wb64 --l1d 128,2,64,fifo,wt,nwa loop.xdin
