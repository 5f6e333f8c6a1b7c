# SPDX-License-Identifier: Apache-2.0
# An unexpected hazard fails the scenario, whatever is asked about output.
nosnoop run refetch.dma >text; echo "text: $?"
nosnoop run --json refetch.dma >json; echo "json: $?"
nosnoop run -q refetch.dma >quiet; echo "quiet: $?"
head -n 1 text
sed "s/[0-9.]* [a-z]* simulated/TIME simulated/" quiet
