# SPDX-License-Identifier: Apache-2.0
cat small.lackey | nosnoop replay --l1i 128,2,64 --l1d 128,2,64 --l2 4K,4,64 -
