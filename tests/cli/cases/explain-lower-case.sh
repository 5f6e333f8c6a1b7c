# SPDX-License-Identifier: Apache-2.0
nosnoop explain hw-spec-dirty
