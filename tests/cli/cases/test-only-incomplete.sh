# SPDX-License-Identifier: Apache-2.0
faulty() { mkdir -p suite; for word; do echo "$word" >"suite/$word.dma"; done; }
faulty pass incomplete
faulty-nosnoop test suite
