# SPDX-License-Identifier: Apache-2.0
# With a file for the JSON, the text still comes.
nosnoop run --json=out.json refetch.dma | head -n 1
check-schema <out.json
