# SPDX-License-Identifier: Apache-2.0
# Only what is there to be copied, and a headline, may be wider than 80 columns.
nosnoop verify refetch.dma | grep -v '= replay:' | grep -v '^hazard\[' | awk 'length > 80'
