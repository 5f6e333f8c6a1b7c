# SPDX-License-Identifier: Apache-2.0
# One set of two ways: every count of it can be worked out by hand (docs/replay.md does).
nosnoop replay --l1d 128,2,64 loop.xdin
