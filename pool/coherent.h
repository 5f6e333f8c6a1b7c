/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Coherent memory for a device that does not snoop: pages that its coherent mask reaches, remapped non-cacheable.
 * Follows dma_direct_alloc with DMA_DIRECT_REMAP (Linux 5.10 kernel/dma/direct.c), in this order:
 *
 *   pages -> flush of the cacheable linear alias -> barrier -> remap non-cacheable -> zero through the new mapping
 *
 * The flush comes first because whoever had the pages before may have left dirty lines, which would be evicted over the
 * device's data at any later time. The linear alias stays mapped, as in Linux: a speculative fill through it is
 * harmless as long as nobody stores through it, because a clean line is never written back and non-cacheable accesses
 * ignore it. The zeroing is not followed by a barrier: as in Linux, ordering it before the device starts is the
 * doorbell's business.
 *
 * For a device that the firmware declares coherent there is neither flush nor remap: the memory is used through the
 * linear mapping and zeroed there.
 */
#ifndef NS_POOL_COHERENT_H
#define NS_POOL_COHERENT_H

#include "pool/device.h"
#include "pool/zone.h"

#ifdef __cplusplus
extern "C" {
#endif

/* All zero is the correct order above. The others reproduce published behaviour:
 *  - T-Head vendor 5.10, dma_alloc_coherent: { .zero_before_flush = true }.
 *  - T-Head vendor 5.10, atomic pools filled by a postcore_initcall before the arch_initcall that enables the flush:
 *    all three true (the zeros stay dirty in the cache and are evicted over DMA data later). */
struct ns_coherent_options {
    bool skip_flush;        /* the flush is a no-op, and so is its barrier */
    bool zero_before_flush; /* memset through the cacheable linear mapping, then flush (T-Head 5.10 prep_coherent) */
    bool skip_zero_after_remap; /* no zeroing through the new mapping; what the flush left in memory is the content */
};

/*
 * `size` is rounded up to whole frames; the block is aligned, in physical memory, to its frame count rounded up to a
 * power of two (as the buddy allocator's blocks are, which is what dma_pool's boundary rule relies on). Zone: the one
 * that the coherent limit suggests, then the DMA zone; the address test decides in the end (Linux
 * dma_direct_optimal_gfp_mask, __dma_direct_alloc_pages). Unlike Linux, when both attempts fall into a hole of the
 * device's ranges, each range is then tried by itself.
 * `options` may be NULL. ARGUMENT for size 0; EXHAUSTED for no memory or no room for the remap; NOT_ADDRESSABLE when
 * there is memory and the device reaches none of it. Then *virtual_address is 0 and *bus NS_DMA_MAPPING_ERROR.
 * Needs no metadata memory.
 */
enum ns_pool_status ns_coherent_alloc(const struct ns_port *port, struct ns_frames *frames,
                                      const struct ns_pool_device *device, uint64_t size,
                                      const struct ns_coherent_options *options, uint64_t *virtual_address,
                                      uint64_t *bus);

/* Arguments as returned and as asked for. The pages are found from the bus address, as Linux does; unlike Linux,
 * arguments that do not belong together are refused: MISUSE with DOUBLE_FREE (the pages are free) or FOREIGN_FREE
 * (another size, no such block, or another virtual address), and nothing is freed. No maintenance is done. */
enum ns_pool_status ns_coherent_free(const struct ns_port *port, struct ns_frames *frames,
                                     const struct ns_pool_device *device, uint64_t size, uint64_t virtual_address,
                                     uint64_t bus);

#ifdef __cplusplus
}
#endif
#endif
