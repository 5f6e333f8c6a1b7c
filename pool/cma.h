/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A contiguous-memory area: physical pages that serve movable pages (page cache, anonymous memory) while nobody needs
 * them, and become one physically contiguous block when a driver asks. Source: Linux 5.10 mm/cma.c, and of
 * mm/page_alloc.c and mm/migrate.c what alloc_contig_range does for it.
 *
 * Taking a block moves the movable pages out of it. The CPU copies them through the linear, cacheable mapping, so what
 * their owners last wrote may still lie in dirty lines *of the old pages* when the driver gets the block: without a
 * flush before the block becomes non-cached, those lines are evicted over the device's data later. That is why the area
 * keeps track of the movable pages.
 *
 * Addresses are physical, in bytes; a page is NS_FRAME_SIZE. One bit of the area's bitmap stands for 2^order_per_bit
 * pages. Left out: high memory (64-bit kernels have none), several ranges for one area and areas by NUMA node (later
 * kernels), and taking movable pages from CMA for the benefit of migration itself: a moved page always leaves the area.
 */
#ifndef NS_POOL_CMA_H
#define NS_POOL_CMA_H

#include "pool/zone.h"

#ifdef __cplusplus
extern "C" {
#endif

/* MAX_CMA_AREAS with CONFIG_CMA_AREAS at its default of 7. */
enum { NS_CMA_AREAS_MAX = 8 };

/* The larger of 2^(MAX_ORDER - 1) pages and a pageblock, in bytes: 4 MiB for a common configuration, 16 MiB with the
 * T-Head kernel's FORCE_MAX_ZONEORDER of 13. */
#define NS_CMA_ALIGNMENT_DEFAULT (UINT64_C(4) << 20)

/* What the kernel knows of memory at boot, when it reserves (memblock). The arrays are only read during the call. */
struct ns_cma_memory {
    const struct ns_frame_region *ram; /* any order, no overlap */
    size_t ram_count;
    const struct ns_frame_region *reserved; /* taken already: the kernel's image, the device tree, other areas */
    size_t reserved_count;
    struct ns_zone_limits zones;
    unsigned areas; /* declared already */
};

struct ns_cma_request {
    uint64_t base;      /* fixed: the area's address; else the lowest that is allowed. 0: anywhere, never fixed */
    uint64_t size;      /* bytes; rounded up to the alignment */
    uint64_t limit;     /* first address above what is allowed, rounded down to the alignment; 0: the end of RAM */
    uint64_t alignment; /* bytes, a power of two; 0, or below the minimum: the minimum */
    uint64_t minimum_alignment; /* bytes, a power of two from 4096 on; 0: NS_CMA_ALIGNMENT_DEFAULT */
    unsigned order_per_bit;
    bool fixed;
};

/*
 * The checks and the choice of cma_declare_contiguous and cma_init_reserved_mem: where the area goes. Unless fixed, it
 * is the highest aligned place below the limit. In this order: METADATA, all area slots are used (the kernel's ENOSPC);
 * ARGUMENT (EINVAL): size 0, an alignment that is no power of two, a fixed base that is not aligned, a size or minimum
 * alignment that is not a multiple of 2^order_per_bit pages, beyond the limit; BUSY (EBUSY): a fixed area overlaps
 * reserved memory; EXHAUSTED (ENOMEM): no room. A fixed area need not lie in RAM: that shows only at its activation.
 * Also ARGUMENT: a piece of RAM or reserved memory that leaves the 64-bit space, sums that would. Does not block.
 */
enum ns_pool_status ns_cma_declare(const struct ns_port *port, const struct ns_cma_memory *memory,
                                   const struct ns_cma_request *request, struct ns_frame_region *area);

/* A movable page went from `from` to `to`, both physical; its content is copied already. The frame at `to` belongs to
 * the owner from now on (ns_frames_free it there). Must not call into the area. */
typedef void (*ns_cma_moved)(void *context, uint64_t owner, uint64_t from, uint64_t to);

struct ns_cma_config {
    struct ns_cma_memory memory;
    struct ns_cma_request request;
    struct ns_frames *frames; /* where moved pages go: must not own the area's frames; NULL: no page can be moved */
    ns_cma_moved moved;       /* NULL: nobody wants to know */
    void *moved_context;
    bool strict; /* ns_cma_release checks that each page is taken; false as in Linux: it does not */
};

struct ns_cma;

/*
 * ns_cma_declare, then cma_activate_area: the statuses of the former, or METADATA without book-keeping memory. An area
 * that does not lie in RAM of one single zone is disabled, with a log line and status OK, as in Linux: its size is 0
 * and every allocation fails. port and frames must outlive the area. May block.
 */
enum ns_pool_status ns_cma_create(const struct ns_port *port, const struct ns_cma_config *config, struct ns_cma **cma);

/* BUSY and misuse DESTROY_BUSY while a page is taken or movable; nothing is freed then. NULL is OK. */
enum ns_pool_status ns_cma_destroy(struct ns_cma *cma);

/*
 * cma_alloc: `count` contiguous pages whose physical address is a multiple of 2^align_order pages (absolutely, unlike
 * gen_pool) when align_order is above order_per_bit; else it is as aligned as a bit of the area. The lowest place that
 * the bitmap shows as free is tried first; when a page there cannot be moved now, the search goes on at the next
 * aligned place (found + mask + 1). Movable pages that were moved by a failed attempt stay where they went. The content
 * of the block is what it was, partly in dirty lines. ARGUMENT: count 0, align_order above 51, cma NULL. BUSY: the last
 * place that was tried had a page that cannot move. EXHAUSTED: no free run, area disabled, or no memory to move a page
 * to (that ends the search at once). BUSY and EXHAUSTED are a log line unless no_warn, or unless the request is larger
 * than the area. May block: never call it where GFP_ATOMIC is asked for.
 */
enum ns_pool_status ns_cma_alloc(struct ns_cma *cma, uint64_t count, unsigned align_order, bool no_warn,
                                 uint64_t *physical);

/*
 * cma_release. False, and nothing else, when the first page is not in the area: the caller then tries the page
 * allocator. False, BUG and misuse FREE_SIZE when the range crosses the end of the area. Otherwise the pages are free.
 *
 * Historic (not strict): nothing checks that they were taken. A second release, or one with too large a count, frees
 * what others hold: their block is handed out again, and a movable page is lost to its owner. Strict: false, BUG and
 * misuse DOUBLE_FREE when none of the pages is taken, FREE_SIZE when only some are, or when a page that stays taken
 * would lose its bit. May block.
 */
bool ns_cma_release(struct ns_cma *cma, uint64_t physical, uint64_t count);

/* ---- movable pages --------------------------------------------------------------------------- */

/* Puts a movable page of `owner` (any value, told to `moved`) into the lowest free page of the area, as the page
 * allocator does with __GFP_MOVABLE requests. EXHAUSTED when there is none. */
enum ns_pool_status ns_cma_place_movable(struct ns_cma *cma, uint64_t owner, uint64_t *physical);

/* The owner frees its page. MISUSE (FOREIGN_FREE) when it has no movable page there, BUSY while it is pinned. */
enum ns_pool_status ns_cma_remove_movable(struct ns_cma *cma, uint64_t owner, uint64_t physical);

/* Keeps a movable page where it is (get_user_pages, a device at work on it) until as many unpins. ARGUMENT when no
 * movable page is there, or for an unpin without a pin. */
enum ns_pool_status ns_cma_pin(struct ns_cma *cma, uint64_t physical);
enum ns_pool_status ns_cma_unpin(struct ns_cma *cma, uint64_t physical);

/* ---- questions ------------------------------------------------------------------------------- */

struct ns_cma_statistics {
    uint64_t pages;   /* of the area; 0: disabled */
    uint64_t taken;   /* by ns_cma_alloc */
    uint64_t movable; /* pages that movable pages occupy */
    uint64_t bits;    /* set in the bitmap */
    uint64_t moved;   /* pages moved out, ever */
    uint64_t retries; /* places given up as busy, ever */
};

/* cma_get_base and cma_get_size, bytes. Size 0: disabled. */
uint64_t ns_cma_get_base(const struct ns_cma *cma);
uint64_t ns_cma_get_size(const struct ns_cma *cma);
struct ns_cma_statistics ns_cma_get_statistics(const struct ns_cma *cma);

#ifdef __cplusplus
}
#endif
#endif
