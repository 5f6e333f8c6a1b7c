# SPDX-License-Identifier: Apache-2.0
faulty() { mkdir -p suite; for word; do echo "$word" >"suite/$word.dma"; done; }
faulty a-pass crash leave slow
faulty-nosnoop test suite
