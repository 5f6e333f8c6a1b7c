/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The page allocator as kernel code calls it: alloc_pages, __get_free_pages and __free_pages of Linux 5.10
 * (mm/page_alloc.c, include/linux/gfp.h) on the frames of zone.h. A block is 2^order frames, aligned to its own size.
 *
 * Not modelled: reclaim, watermarks and reserves (a request either fits or fails, whether it may block or not), NUMA
 * nodes, migrate types, and which free block the buddy lists would give: it is always the lowest.
 */
#ifndef NS_POOL_PAGES_H
#define NS_POOL_PAGES_H

#include "pool/gfp.h"
#include "pool/zone.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The largest order: MAX_ORDER - 1 of Linux 5.10, 4 MiB. */
#define NS_MAX_ORDER 10u

/* The smallest order whose block holds `bytes` (get_order). 52 for what no order below holds; 0 for 0 bytes, where the
 * kernel's result is undefined. */
unsigned ns_order_of(uint64_t bytes);

/*
 * The zone where a request begins (gfp_zone and GFP_ZONE_TABLE). DMA and DMA32 name their zone where this kernel was
 * built with it (its limit is not 0), else NORMAL: a driver that asks RISC-V Linux for GFP_DMA gets any memory.
 * HIGHMEM is NORMAL, this kernel has no highmem; MOVABLE changes nothing. For an illegal combination the answer is what
 * a kernel without CONFIG_DEBUG_VM computes from the empty table entry: the lowest zone that it has.
 */
enum ns_zone ns_gfp_zone(const struct ns_frames *frames, ns_gfp gfp);

/*
 * Gives the physical address of 2^order frames, aligned to 2^order frames, from the zone of the flags or one below it.
 * With __GFP_ZERO they are cleared through the linear mapping, cacheable: the zeros stay in the cache. Otherwise their
 * content is what it was. Owned by the caller until ns_free_pages. Any context.
 * ARGUMENT: order above NS_MAX_ORDER (the kernel warns, unless __GFP_NOWARN) or an illegal zone combination (VM_BUG_ON
 * in gfp_zone). EXHAUSTED: nothing fits, said as a page allocation failure unless __GFP_NOWARN.
 */
enum ns_pool_status ns_alloc_pages(struct ns_frames *frames, ns_gfp gfp, unsigned order, uint64_t *physical);

/* The same, as an address in the linear mapping. HIGHMEM is refused as ARGUMENT: such a page need have no address
 * (__get_free_pages clears the flag with a VM_WARN; here the caller is told). */
enum ns_pool_status ns_get_free_pages(struct ns_frames *frames, ns_gfp gfp, unsigned order, uint64_t *virtual_address);

/*
 * Takes back one whole block. MISUSE, with nothing freed: FREE_SIZE when a block of another size begins there (the
 * kernel would free a part of it, or its neighbours), DOUBLE_FREE when it is free already, FOREIGN_FREE for any other
 * address. ARGUMENT: order above NS_MAX_ORDER. Any context.
 */
enum ns_pool_status ns_free_pages(struct ns_frames *frames, uint64_t physical, unsigned order);

#ifdef __cplusplus
}
#endif
#endif
