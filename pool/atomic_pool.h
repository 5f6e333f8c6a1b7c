/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Coherent memory for callers that may not block: kernel/dma/pool.c, Linux 5.10 to 7.x. Up to three gen_pools (dma,
 * dma32, kernel) of memory that was prepared and remapped beforehand, at boot (postcore_initcall, level 2, before the
 * architecture's initcalls) and later by a worker.
 */
#ifndef NS_POOL_ATOMIC_POOL_H
#define NS_POOL_ATOMIC_POOL_H

#include "pool/direct.h"

#ifdef __cplusplus
extern "C" {
#endif

enum ns_atomic_pool { NS_ATOMIC_POOL_DMA, NS_ATOMIC_POOL_DMA32, NS_ATOMIC_POOL_KERNEL, NS_ATOMIC_POOL_NONE };
enum { NS_ATOMIC_POOL_COUNT = NS_ATOMIC_POOL_NONE };

/* All false is the kernel as published. */
struct ns_atomic_pool_repairs {
    /* 5.10 to 6.18: without a kernel pool a free looks in no pool at all, and pages that a pool owns are freed (and
     * its mapping with them, where the block begins a chunk; here the mapping stays). The
     * repair looks in every pool. (7.x starts its walk at any pool that exists.) */
    bool free_looks_everywhere;
    /* 5.10 to 7.x: the error of gen_pool_add_virt is overwritten by the re-encryption's success, and an empty pool is
     * published; without DMA_DIRECT_REMAP the block is lost as well. */
    bool keep_add_error;
    /* 5.10 to 7.x: on the error path pages that came from CMA go to the buddy allocator, and CMA's bits stay set. */
    bool free_cma_to_cma;
    /* The free of a part of a block, or a second free, ends in genalloc's BUG or passes unseen. The repair compares
     * with what was handed out (some book-keeping memory for each block) and tells the port: FREE_SIZE or DOUBLE_FREE.
     */
    bool check_free;
};

struct ns_atomic_pools_config {
    uint64_t coherent_pool; /* coherent_pool= of the command line, bytes; 0: from RAM */
    uint64_t total_pages;   /* totalram_pages; 0: ram of the frames */
    unsigned max_order;     /* MAX_ORDER - 1, at most 20; 0: 10 (4 MiB). T-Head's FORCE_MAX_ZONEORDER=13 makes it 12 */
    /* The dma pool only where ZONE_DMA has pages: since about 5.17, and 5.10.113. 5.10.0 to .13 make it wherever the
     * zone is configured. NS_KERNEL_6_17 and later do so whatever stands here. */
    bool dma_pool_needs_pages;
    struct ns_atomic_pool_repairs repairs;
};

/* atomic_pool_size: total_pages / 8192, at most 2^max_order, in bytes; at least 128 KiB. */
uint64_t ns_atomic_pool_default_size(uint64_t total_pages, unsigned max_order);

/*
 * dma_atomic_pool_init: makes and fills the pools and hangs them into `direct`. Blocks. A pool that cannot be filled
 * does not exist; that is said (WARN), and the answer is EXHAUSTED when it is one of the required ones, but the others
 * exist then all the same (-ENOMEM of the initcall has no consequence). METADATA, ARGUMENT (max_order), BUSY
 * (called twice): nothing was made.
 */
enum ns_pool_status ns_atomic_pools_create(struct ns_dma_direct *direct, const struct ns_atomic_pools_config *config);

/* The kernel never does this. BUSY and misuse DESTROY_BUSY while memory is out. No pools is OK. */
enum ns_pool_status ns_atomic_pools_destroy(struct ns_dma_direct *direct);

/* dma_guess_pool for the kernel that `direct` is: the pool to try after `previous` (NONE: at first). */
enum ns_atomic_pool ns_dma_guess_pool(const struct ns_dma_direct *direct, enum ns_atomic_pool previous, ns_gfp gfp);

/*
 * dma_alloc_from_pool. `size` a multiple of 4096. Never blocks. From the first pool whose block the device reaches (no
 * other chunk of the same pool is tried); zeroed through the pool's mapping. Afterwards the work may be pending.
 * EXHAUSTED: no pool could give it. NOT_ADDRESSABLE: the device reaches none of what they gave.
 */
enum ns_pool_status ns_dma_alloc_from_pool(struct ns_dma_direct *direct, const struct ns_pool_device *device,
                                           uint64_t size, ns_gfp gfp, uint64_t *virtual_address, uint64_t *physical);

/* dma_free_from_pool: false when no pool (of those that it looks at) has the whole range in one chunk; the caller then
 * goes on as if the memory were not from a pool. True: *status says how it went: OK, or MISUSE with nothing freed for a
 * BUG of genalloc, or for what `check_free` found. Never blocks. */
bool ns_dma_free_from_pool(struct ns_dma_direct *direct, uint64_t virtual_address, uint64_t size,
                           enum ns_pool_status *status);

/* atomic_pool_work_fn: whether it was scheduled, and run it: each pool below the initial size doubles. May block. */
bool ns_atomic_pools_work_pending(const struct ns_dma_direct *direct);
void ns_atomic_pools_work(struct ns_dma_direct *direct);

struct ns_atomic_pool_statistics {
    bool exists;
    uint64_t size;  /* bytes */
    uint64_t avail; /* bytes */
};
/* All zero for a pool that does not exist. */
struct ns_atomic_pool_statistics ns_atomic_pool_get_statistics(const struct ns_dma_direct *direct,
                                                               enum ns_atomic_pool pool);

#ifdef __cplusplus
}
#endif
#endif
