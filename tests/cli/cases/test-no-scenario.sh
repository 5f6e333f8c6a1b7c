# SPDX-License-Identifier: Apache-2.0
# Presets under a folder called machines are no scenarios.
nosnoop test empty
