# SPDX-License-Identifier: Apache-2.0
nosnoop replay wrong.xdin
