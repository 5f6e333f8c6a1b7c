/* SPDX-License-Identifier: Apache-2.0 */
/* Bits in `attributes` of the DMA API, with the values of Linux 5.10 include/linux/dma-mapping.h. */
#ifndef NS_POOL_DMA_ATTRIBUTES_H
#define NS_POOL_DMA_ATTRIBUTES_H

enum {
    NS_DMA_WRITE_COMBINE = 1 << 2,     /* coherent: stores may be gathered, pgprot_writecombine */
    NS_DMA_NO_KERNEL_MAPPING = 1 << 4, /* coherent: the result is a cookie, not an address */
    NS_DMA_SKIP_CPU_SYNC = 1 << 5,     /* streaming: no maintenance and no bounce copy-out in this call */
    NS_DMA_FORCE_CONTIGUOUS = 1 << 6,  /* coherent: physically contiguous even behind an IOMMU */
    NS_DMA_NO_WARN = 1 << 8,           /* no message when it fails */
    NS_DMA_OVERWRITE = 1 << 10,        /* the device will write all of it (5.17-rc only, ddbd89deb7d3; gone since) */
};

#endif
