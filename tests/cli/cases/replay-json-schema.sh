# SPDX-License-Identifier: Apache-2.0
nosnoop replay --json --l1i 128,2,64 --l1d 128,2,64 small.lackey | check-schema
nosnoop replay --json --sweep=128..256,1..2,64 loop.xdin | check-schema
nosnoop replay --json --machine thead-c910 loop.xdin | check-schema
