/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The block pool: small blocks of coherent memory (descriptors) that never cross a boundary, as mm/dmapool.c of Linux.
 * Two designs, both with their free list *inside the free blocks*, in memory that the device can reach. Pages are never
 * given back before destroy.
 */
/* clang-format off */
/*
 * |                   | NS_DMA_POOL_LIST, Linux 6.4 and later     | NS_DMA_POOL_CHAINS, Linux 5.10 to 6.3            |
 * |-------------------|-------------------------------------------|--------------------------------------------------|
 * | free blocks       | one last-in-first-out list of the pool    | a chain in each page; the newest page with a     |
 * |                   |                                           | free block is used, last in first out inside it  |
 * | link              | next block's virtual address, own bus     | offset of the next one in the page: 4 bytes      |
 * |                   | address: 16 bytes                         |                                                  |
 * | smallest block    | 16                                        | 4                                                |
 * | largest block     | 2^31-1                                    | no limit at creation; a page above 2^31-1 is     |
 * |                   |                                           | EXHAUSTED                                        |
 * | new page          | its blocks in ascending order             | the same                                         |
 * | boundary          | clamped to the page                       | as given                                         |
 * | exact fit         | fits                                      | counts as crossing: one block lost (B1)          |
 * | end of the page   | no block passes it                        | with a boundary above the page, the last one     |
 * |                   |                                           | may (B2)                                         |
 * | busy at destroy   | all pages lost                            | the busy pages lost                              |
 */
/* clang-format on */
/*
 * What is checked is chosen apart from the design:
 *
 *  - NS_DMA_POOL_STRICT, no kernel's: what is handed out, and what each link should hold, is known in metadata memory.
 *    Double and foreign frees are refused; a link that something wrote over is found when it is read and is not
 *    followed. (An overwrite with the same value is none.)
 *  - NS_DMA_POOL_KERNEL: what a kernel without debugging sees, which is next to nothing. A block freed twice makes a
 *    loop, a foreign one goes on the list, a link is followed wherever it leads.
 *  - NS_DMA_POOL_KERNEL_DEBUG: with DMAPOOL_DEBUG (CONFIG_SLUB_DEBUG_ON; until 6.3 CONFIG_DEBUG_SLAB too). Free memory
 *    holds 0xa7 behind the link, memory handed out 0xa9, and free looks for the block in the list first.
 *
 * Where the kernel would die of a page fault, or scan for ever, NS_SAY_BUG and a misuse are told and MISUSE is
 * returned. The pool's lock is taken with interrupts off, and given back while a page is allocated.
 */
#ifndef NS_POOL_DMA_POOL_H
#define NS_POOL_DMA_POOL_H

#include "pool/coherent.h"
#include "pool/gfp.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { NS_DMA_POOL_NAME_MAX = 31, NS_DMA_POOL_BLOCK_MIN = 16, NS_DMA_POOL_CHAINS_BLOCK_MIN = 4 };

enum ns_dma_pool_design { NS_DMA_POOL_LIST, NS_DMA_POOL_CHAINS };
enum ns_dma_pool_checks { NS_DMA_POOL_STRICT, NS_DMA_POOL_KERNEL, NS_DMA_POOL_KERNEL_DEBUG };

/* All zero: the list design, checked strictly. */
struct ns_dma_pool_options {
    enum ns_dma_pool_design design;
    enum ns_dma_pool_checks checks;
    bool init_on_alloc; /* CONFIG_INIT_ON_ALLOC_DEFAULT_ON: blocks are handed out zeroed */
    bool init_on_free;  /* CONFIG_INIT_ON_FREE_DEFAULT_ON: zeroed before the link is written */
};

struct ns_dma_pool_statistics {
    const char *name;   /* at most 31 characters; lives as long as the pool */
    uint64_t size;      /* of a block after rounding, bytes */
    uint64_t boundary;  /* after defaulting, and clamping in the list design, bytes */
    uint64_t page_size; /* of one allocation that is carved into blocks, bytes */
    uint64_t pages;
    uint64_t blocks; /* in all pages */
    uint64_t active; /* handed out; without strict checking, what the kernel's counters say */
};

struct ns_dma_pool;

/*
 * Rules of dma_pool_create (bytes): align 0 means 1, else a power of two; size 1 or more (the list design: at most
 * 2^31-1, and align too), raised to the smallest and rounded up to align; one page is max(size, 4096); boundary 0 means
 * the page, else a power of two not below size. Anything else: ARGUMENT, as is a NULL device (which kills the kernel's
 * chain design: BUG). The boundary holds for bus addresses because a page is aligned to its own size; it does not when
 * a device's range moves addresses by an offset that is not a multiple of the boundary (as in Linux).
 * `name` is cut after 31 characters. Takes no page yet. `direct` (whose port is used) and device must outlive the pool;
 * `options` is copied and may be NULL. May block, as GFP_KERNEL.
 */
enum ns_pool_status ns_dma_pool_create(struct ns_dma_direct *direct, const struct ns_pool_device *device,
                                       const char *name, uint64_t size, uint64_t align, uint64_t boundary,
                                       const struct ns_dma_pool_options *options, struct ns_dma_pool **pool);

/*
 * BUSY and misuse DESTROY_BUSY while blocks are handed out. With strict checking the pool then stays as it is and can
 * be used on; without, it is gone, and with it the coherent memory that the table above says: DESTROY_BUSY once for the
 * pool, or once for each page with its virtual address. A count below zero (after a double free) is busy too.
 * NULL is OK. May block.
 */
enum ns_pool_status ns_dma_pool_destroy(struct ns_dma_pool *pool);

/*
 * dma_pool_alloc. NS___GFP_ZERO is dma_pool_zalloc. Without it, and without init_on_alloc, the content is undefined: it
 * begins with the old link (0xa9 everywhere with KERNEL_DEBUG). Blocks only where `gfp` may, and only for a new page.
 * EXHAUSTED, NOT_ADDRESSABLE or METADATA when a page is needed and cannot be had.
 * Strict: MISUSE with LINK_OVERWRITTEN (the block's address and the link's length): the list, or the page's chain, ends
 * here, its remaining blocks are not used any more, and the next call goes on with other pages.
 * The kernels: MISUSE with LINK_OVERWRITTEN where they would die on a link, which is there for ever.
 * MISUSE with POOL_CORRUPT where clearing or poisoning faults in a block that passes its page (B2); strict: it is free
 * again then. FREED_WRITTEN (KERNEL_DEBUG; from the first byte that is not
 * poison to the end of the block) comes with OK, as the kernel only prints.
 */
enum ns_pool_status ns_dma_pool_alloc_gfp(struct ns_dma_pool *pool, ns_gfp gfp, uint64_t *virtual_address,
                                          uint64_t *bus);
/* The same with NS_GFP_KERNEL. */
enum ns_pool_status ns_dma_pool_alloc(struct ns_dma_pool *pool, uint64_t *virtual_address, uint64_t *bus);

/*
 * Both addresses as returned. Does not block. What it finds out, with MISUSE and no effect unless said otherwise:
 *
 *  - strict: DOUBLE_FREE when the block is free, FOREIGN_FREE when the two addresses are not one block of this pool, or
 *    (then it is freed) when init_on_free faults in a block that passes its page (B2).
 *  - KERNEL: chains: FOREIGN_FREE when the bus address lies in no page ("bad dma"). List: nothing.
 *  - KERNEL_DEBUG: FOREIGN_FREE as above, both designs; DOUBLE_FREE ("already free"); chains: FREE_HANDLE when the
 *    virtual address is another block's ("bad vaddr"). LINK_OVERWRITTEN where the search leads out of memory or in a
 *    circle.
 *  - both kernels: FOREIGN_FREE where nothing is mapped at the virtual address: the kernel would die.
 *
 * OK in all other cases, however wrong the arguments are.
 */
enum ns_pool_status ns_dma_pool_free(struct ns_dma_pool *pool, uint64_t virtual_address, uint64_t bus);

struct ns_dma_pool_statistics ns_dma_pool_get_statistics(const struct ns_dma_pool *pool);

#ifdef __cplusplus
}
#endif
#endif
