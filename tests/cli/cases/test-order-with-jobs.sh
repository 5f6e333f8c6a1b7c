# SPDX-License-Identifier: Apache-2.0
# slow is first in the list and last to end.
faulty() { mkdir -p suite; for word; do echo "$word" >"suite/$word.dma"; done; }
mkdir suite; echo slow >suite/0.dma; echo pass >suite/1.dma; echo pass >suite/2.dma
faulty-nosnoop test --jobs 3 suite
