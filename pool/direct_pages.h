/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pages that a device reaches: the zone guess, the address test and the retries of __dma_direct_alloc_pages
 * (kernel/dma/direct.c), and CMA's part in it (kernel/dma/contiguous.c, dma_alloc_contiguous). Linux 5.10 and recent.
 */
#ifndef NS_POOL_DIRECT_PAGES_H
#define NS_POOL_DIRECT_PAGES_H

#include "pool/direct.h"

#ifdef __cplusplus
extern "C" {
#endif

/* dma_direct_optimal_gfp_mask: NS_GFP_DMA, NS_GFP_DMA32 or 0 from min_not_zero(coherent mask, bus limit), which is
 * translated as if it were an address; where no range holds it, that gives all ones and no flag. *physical_limit (may
 * be NULL) is the result of the translation. */
ns_gfp ns_dma_direct_optimal_gfp_mask(const struct ns_dma_direct *direct, const struct ns_pool_device *device,
                                      uint64_t *physical_limit);

/* dma_coherent_ok, in the variant of the config (`address_test`). False for size 0 and for what the device's ranges do
 * not hold. */
bool ns_dma_coherent_ok(const struct ns_dma_direct *direct, const struct ns_pool_device *device, uint64_t physical,
                        uint64_t size);

/*
 * dma_alloc_contiguous: physically contiguous memory from CMA: the device's area and only that, or the default area for
 * more than one page. Not for callers that may not block. EXHAUSTED: CMA is not to be asked, or has nothing.
 */
enum ns_pool_status ns_dma_alloc_contiguous(struct ns_dma_direct *direct, const struct ns_pool_device *device,
                                            uint64_t size, ns_gfp gfp, uint64_t *physical);

/* dma_free_contiguous: to the CMA area that has the pages, else to the buddy allocator. With NS_CHECKS_KERNEL pages
 * that are no whole block are freed as far as they are allocated, as __free_pages does. */
enum ns_pool_status ns_dma_free_contiguous(struct ns_dma_direct *direct, const struct ns_pool_device *device,
                                           uint64_t physical, uint64_t size);

/* __dma_direct_alloc_pages: at most one try of CMA and three of the buddy allocator. `size` a multiple of 4096. Errors
 * as ns_dma_direct_alloc. */
enum ns_pool_status ns_dma_direct_alloc_pages(struct ns_dma_direct *direct, const struct ns_pool_device *device,
                                              uint64_t size, ns_gfp gfp, uint64_t *physical);

#ifdef __cplusplus
}
#endif
#endif
