# SPDX-License-Identifier: Apache-2.0
# The access that crosses a line is one reference and one miss.
nosnoop replay --like cachegrind --l1d 128,2,64 loop.xdin
