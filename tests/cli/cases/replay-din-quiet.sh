# SPDX-License-Identifier: Apache-2.0
nosnoop replay -q --l1d 128,2,64 small.din
