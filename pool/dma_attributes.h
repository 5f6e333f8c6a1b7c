/* SPDX-License-Identifier: Apache-2.0 */
/* Bits in `attributes` of the DMA API, with the values of Linux include/linux/dma-mapping.h: 5.10, and 7.x for those
 * from bit 10 on, which 5.10 does not know. */
#ifndef NS_POOL_DMA_ATTRIBUTES_H
#define NS_POOL_DMA_ATTRIBUTES_H

enum {
    NS_DMA_WRITE_COMBINE = 1 << 2,     /* coherent: stores may be gathered, pgprot_writecombine */
    NS_DMA_NO_KERNEL_MAPPING = 1 << 4, /* coherent: the result is a cookie, not an address */
    NS_DMA_SKIP_CPU_SYNC = 1 << 5,     /* streaming: no maintenance and no bounce copy-out in this call */
    NS_DMA_FORCE_CONTIGUOUS = 1 << 6,  /* coherent: physically contiguous even behind an IOMMU */
    NS_DMA_NO_WARN = 1 << 8,           /* no message when it fails */
    NS_DMA_PRIVILEGED = 1 << 9,        /* for the device's privileged level only */
    NS_DMA_MMIO = 1 << 10,             /* device registers, not memory: never maintained (what dma_map_resource sets) */
    NS_DMA_IGNORE_CACHELINES = 1 << 11, /* DEBUGGING_IGNORE_CACHELINES: all mappings of the line know of each other */
    NS_DMA_REQUIRE_COHERENT = 1 << 12,  /* fail rather than bounce or maintain */
    NS_DMA_CC_SHARED = 1 << 13,         /* memory that a confidential guest shares with the host */
    /* Of 5.17-rc only (ddbd89deb7d3; gone since), where it was 1 << 10, which is MMIO's number today. */
    NS_DMA_OVERWRITE = 1 << 14, /* the device will write all of it: a bounce slot needs no copy in */
};

#endif
