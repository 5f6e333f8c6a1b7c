# SPDX-License-Identifier: Apache-2.0
# No coherent memory on a machine with an MPU, whether its regions of type `nc` are full or free: the message says what to
# write. A heap that is full there is only full.
for regions in 'dma-burst 32 bytes' 'mpu at 0x2400_0000 size 64K nc'; do
    printf 'use machine "m"\nmachine "m" from "stm32h743"\n%s\nend\ndevice dma1\n' "$regions" >mpu.dma
    printf 'buffer taken size 16K type nc at 0x3004_0000\ncpu0: alloc-coherent for dma1 size 64 -> ring\n' >>mpu.dma
    nosnoop run mpu.dma --json | grep -o 'no memory for[^"]*' | sort -u
done
printf 'use machine "stm32h743"\ndevice dma1\ncpu0: alloc-coherent for dma1 size 64 -> ring\n' >mpu.dma
nosnoop run mpu.dma --json | grep -o 'no memory for[^"]*' | sort -u
printf 'use machine "stm32h743"\ndevice dma1\npool heap heap\ncpu0: alloc heap size 1M -> large\n' >heap.dma
nosnoop run heap.dma --json | grep -o 'no memory for[^"]*' | sort -u
