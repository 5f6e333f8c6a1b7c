/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A region of memory for the coherent allocations of one device, or of all (CONFIG_DMA_GLOBAL_POOL): kernel/dma/
 * coherent.c, Linux 5.10. Declared by a driver for memory on its device (dma_declare_coherent_memory) or by a
 * device-tree node "shared-dma-pool" without "reusable". There is no fallback: what the region cannot give, is not
 * given.
 *
 * Blocks are a power of two pages, aligned to their size relative to the region's start, lowest first.
 */
#ifndef NS_POOL_DEVICE_POOL_H
#define NS_POOL_DEVICE_POOL_H

#include "pool/direct.h"

#ifdef __cplusplus
extern "C" {
#endif

struct ns_device_pool_config {
    uint64_t physical;    /* as the CPU sees it; a multiple of 4096; not memory of the frame allocator */
    uint64_t device_base; /* bus address of the first byte */
    uint64_t length;      /* bytes, a multiple of 4096, not 0 */
    bool translate;       /* from the device tree: handles are phys_to_dma(physical), device_base is not used */
    bool historic_free;   /* faithful: any address in the region is accepted and its bits are cleared unchecked */
};

/* Maps the region non-cacheable (MEMREMAP_WC) for good. ARGUMENT, METADATA, and as ns_dma_common_contiguous_remap. The
 * port must outlive it. May block. */
enum ns_pool_status ns_device_pool_create(const struct ns_port *port, const struct ns_device_pool_config *config,
                                          struct ns_device_pool **pool);
/* BUSY and misuse DESTROY_BUSY while pages are out; the kernel does not look. NULL is OK. */
enum ns_pool_status ns_device_pool_destroy(struct ns_device_pool *pool);

/* dma_init_coherent_memory + dma_assign_coherent_memory: one region for each device, else BUSY (-EBUSY). */
enum ns_pool_status ns_device_pool_assign(struct ns_pool_device *device, struct ns_device_pool *pool);

/* __dma_alloc_from_coherent. EXHAUSTED when nothing fits, or size is larger than the region; then nothing is written.
 * The block is zeroed through the pool's mapping. Does not block. */
enum ns_pool_status ns_device_pool_alloc(struct ns_device_pool *pool, const struct ns_pool_device *device,
                                         uint64_t size, uint64_t *virtual_address, uint64_t *bus);

/* Whether an address lies in the region, by which dma_free_attrs finds out that a block is its. */
bool ns_device_pool_contains(const struct ns_device_pool *pool, uint64_t virtual_address);

/* __dma_release_from_coherent. MISUSE: FOREIGN_FREE for an address outside; and, unless historic_free, DOUBLE_FREE or
 * FREE_SIZE for what is not one whole block in use; nothing is freed then. */
enum ns_pool_status ns_device_pool_free(struct ns_device_pool *pool, uint64_t size, uint64_t virtual_address);

uint64_t ns_device_pool_used_pages(const struct ns_device_pool *pool);

#ifdef __cplusplus
}
#endif
#endif
