# SPDX-License-Identifier: Apache-2.0
# deaf hangs as well, with its output closed.
faulty() { mkdir -p suite; for word; do echo "$word" >"suite/$word.dma"; done; }
faulty hang deaf pass
faulty-nosnoop test --timeout 1 --jobs 3 suite
