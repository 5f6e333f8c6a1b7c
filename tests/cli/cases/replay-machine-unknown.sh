# SPDX-License-Identifier: Apache-2.0
nosnoop replay --machine thead-c91 loop.xdin
