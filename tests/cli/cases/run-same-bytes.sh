# SPDX-License-Identifier: Apache-2.0
# Same input, same seed: same bytes.
for how in "" "--order free" "--chaos 7" "--seed 3" "--json"; do
    # shellcheck disable=SC2086
    nosnoop run $how refetch.dma >first
    nosnoop run $how refetch.dma >second
    cmp first second && echo "same: $how"
done
