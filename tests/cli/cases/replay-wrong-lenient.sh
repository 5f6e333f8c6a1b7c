# SPDX-License-Identifier: Apache-2.0
nosnoop replay --lenient --l1d 128,2,64 wrong.xdin
