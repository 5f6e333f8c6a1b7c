# SPDX-License-Identifier: Apache-2.0
# Coherent memory of a machine with an MPU that has no region for it: the message says what to write.
printf 'use machine "stm32h743"\ndevice dma1\ncpu0: alloc-coherent for dma1 size 64 -> ring\n' >mpu.dma
nosnoop run mpu.dma --json | grep -o 'no memory for[^"]*' | sort -u
