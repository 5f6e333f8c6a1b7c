/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Coherent memory as drivers ask for it: dma_alloc_attrs and dma_free_attrs of kernel/dma/mapping.c, Linux 5.10 and
 * recent (pool/direct.h says which; the choice is in the context). The order of questions:
 *
 *   1  has the device dma_ops?                       only with CONFIG_DMA_OPS
 *   2  is its coherent mask 0?                       warned about once, and ignored
 *   3  has it a pool of its own?                     then that pool's answer is the answer, also when it is "no"
 *   4  zone flags of the caller                      are cleared: the mask decides
 *   5  direct, or through the ops?                   dma_go_direct
 *   6  allocate                                      ns_dma_direct_alloc, or ops->alloc, or nothing
 *   7  write it down                                 what debug_dma_alloc_coherent does; here: the records
 *
 * Each answer is told with ns_say(NS_SAY_DECISION): question, answer, reason.
 */
#ifndef NS_POOL_COHERENT_H
#define NS_POOL_COHERENT_H

#include "pool/direct.h"
#include "pool/dma_attributes.h"

#ifdef __cplusplus
extern "C" {
#endif

/* A device's own way to memory (struct dma_map_ops). alloc NULL: the device cannot allocate, as the kernel answers. */
struct ns_dma_ops {
    void *context;
    enum ns_pool_status (*alloc)(void *context, const struct ns_pool_device *device, uint64_t size, ns_gfp gfp,
                                 unsigned attributes, uint64_t *virtual_address, uint64_t *bus);
    enum ns_pool_status (*free)(void *context, const struct ns_pool_device *device, uint64_t size,
                                uint64_t virtual_address, uint64_t bus, unsigned attributes);
};

/*
 * dma_alloc_attrs. `size` in bytes, 1 or more; the block is whole pages, aligned on the bus to its size rounded up to a
 * power of two (up to CONFIG_CMA_ALIGNMENT for CMA memory), and zero. `gfp`: NS_GFP_KERNEL, NS_GFP_ATOMIC and so on;
 * may block unless it lacks __GFP_DIRECT_RECLAIM. `attributes`: NS_DMA_WRITE_COMBINE, NS_DMA_NO_KERNEL_MAPPING,
 * NS_DMA_NO_WARN; others change nothing here.
 * On an error *virtual_address is 0 and *bus NS_DMA_MAPPING_ERROR (an exhausted per-device pool leaves the kernel's
 * *handle as it was; here it is written all the same). ARGUMENT also for __GFP_COMP in recent kernels; else as
 * ns_dma_direct_alloc. With NS_CHECKS_STRICT each allocation takes some book-keeping memory: METADATA.
 */
enum ns_pool_status ns_dma_alloc_attrs(struct ns_dma_direct *direct, const struct ns_pool_device *device, uint64_t size,
                                       ns_gfp gfp, unsigned attributes, uint64_t *virtual_address, uint64_t *bus);

/*
 * dma_free_attrs: arguments as given to and by the allocation, the device included. Must be called where interrupts are
 * on. virtual_address 0 is OK and does nothing. No cache maintenance is done.
 * NS_CHECKS_STRICT: MISUSE, and nothing is freed, for an address that is not allocated (DOUBLE_FREE when it once was,
 * as far as can be told, else FOREIGN_FREE), for another size in pages (FREE_SIZE), another handle or device
 * (FREE_HANDLE), or other attributes where they matter (FREE_FUNCTION). NS_CHECKS_KERNEL: what the kernel would do: the
 * mapping goes by virtual address, the pages by handle and size, so a wrong handle frees another's pages, a wrong size
 * too few or too many.
 */
enum ns_pool_status ns_dma_free_attrs(struct ns_dma_direct *direct, const struct ns_pool_device *device, uint64_t size,
                                      uint64_t virtual_address, uint64_t bus, unsigned attributes);

/* dma_alloc_coherent: attributes 0, or NO_WARN when gfp has __GFP_NOWARN. */
enum ns_pool_status ns_dma_alloc_coherent(struct ns_dma_direct *direct, const struct ns_pool_device *device,
                                          uint64_t size, ns_gfp gfp, uint64_t *virtual_address, uint64_t *bus);
enum ns_pool_status ns_dma_free_coherent(struct ns_dma_direct *direct, const struct ns_pool_device *device,
                                         uint64_t size, uint64_t virtual_address, uint64_t bus);

/* dma_alloc_wc: write-combine. */
enum ns_pool_status ns_dma_alloc_wc(struct ns_dma_direct *direct, const struct ns_pool_device *device, uint64_t size,
                                    ns_gfp gfp, uint64_t *virtual_address, uint64_t *bus);
enum ns_pool_status ns_dma_free_wc(struct ns_dma_direct *direct, const struct ns_pool_device *device, uint64_t size,
                                   uint64_t virtual_address, uint64_t bus);

/* dma_go_direct for the coherent mask: no ops, or ops that may be bypassed because the mask reaches all of RAM. */
bool ns_dma_alloc_direct(const struct ns_dma_direct *direct, const struct ns_pool_device *device);

#ifdef __cplusplus
}
#endif
#endif
