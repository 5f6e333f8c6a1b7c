/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The block pool: small blocks of coherent memory (descriptors) that never cross a boundary. Follows mm/dmapool.c of
 * Linux 6.4 and later: one last-in-first-out list of free blocks for the whole pool, whose link (the next block's
 * virtual address and the block's own bus address, 8 bytes each) is stored *inside the free block*, in memory that the
 * device can reach. A new page's blocks enter the list in ascending order. Pages are never given back before destroy.
 *
 * Unlike Linux, a bitmap in metadata memory knows which blocks are handed out, so double and foreign frees are
 * detected, and a link that something wrote over is found when it is read (LINK_OVERWRITTEN) instead of being followed.
 */
#ifndef NS_POOL_DMA_POOL_H
#define NS_POOL_DMA_POOL_H

#include "pool/coherent.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { NS_DMA_POOL_NAME_MAX = 31, NS_DMA_POOL_BLOCK_MIN = 16 };

struct ns_dma_pool_statistics {
    const char *name;   /* at most 31 characters; lives as long as the pool */
    uint64_t size;      /* of a block after rounding, bytes */
    uint64_t boundary;  /* after defaulting and clamping, bytes */
    uint64_t page_size; /* of one allocation that is carved into blocks, bytes */
    uint64_t pages;
    uint64_t blocks; /* in all pages */
    uint64_t active; /* handed out */
};

struct ns_dma_pool;

/*
 * Rules of dma_pool_create (bytes): align 0 means 1, else a power of two; size 1 to 2^31-1, raised to 16 and rounded up
 * to align; one page is max(size, 4096); boundary 0 means the page, else a power of two not below size, and clamped to
 * the page. Anything else: ARGUMENT. The boundary holds for bus addresses because a page is aligned to its own size; it
 * does not when a device's range moves addresses by an offset that is not a multiple of the boundary (as in Linux).
 * `name` is cut after 31 characters. Takes no page yet. port, frames and device must outlive the pool; `coherent` says
 * how pages are made (NULL: correctly) and is copied.
 */
enum ns_pool_status ns_dma_pool_create(const struct ns_port *port, struct ns_frames *frames,
                                       const struct ns_pool_device *device, const char *name, uint64_t size,
                                       uint64_t align, uint64_t boundary, const struct ns_coherent_options *coherent,
                                       struct ns_dma_pool **pool);

/* BUSY and misuse DESTROY_BUSY while blocks are handed out (Linux leaks all pages then; here the pool stays usable).
 * NULL is OK. */
enum ns_pool_status ns_dma_pool_destroy(struct ns_dma_pool *pool);

/* The block's content is undefined: it begins with the old link. EXHAUSTED, NOT_ADDRESSABLE or METADATA when a new page
 * is needed and cannot be had. MISUSE with LINK_OVERWRITTEN: the list ends here, its remaining blocks are not used any
 * more, and the next call takes a new page. */
enum ns_pool_status ns_dma_pool_alloc(struct ns_dma_pool *pool, uint64_t *virtual_address, uint64_t *bus);

/* Both addresses as returned. MISUSE without any effect: DOUBLE_FREE when the block is free, FOREIGN_FREE when the two
 * addresses are not one block of this pool. */
enum ns_pool_status ns_dma_pool_free(struct ns_dma_pool *pool, uint64_t virtual_address, uint64_t bus);

struct ns_dma_pool_statistics ns_dma_pool_get_statistics(const struct ns_dma_pool *pool);

#ifdef __cplusplus
}
#endif
#endif
