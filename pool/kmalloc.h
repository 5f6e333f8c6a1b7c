/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kmalloc and kfree as GNU Mach gives them to Linux drivers (linux/dev/glue/kmem.c), in the form of patch #4818 of
 * 2006: page groups taken on demand, two lists of them (DMA and normal), in each a first fit over blocks with their
 * headers in front of them, in the same memory. The form that was really in the tree, with its defects, is a set of
 * options.
 *
 * A group is 2^order pages: 16 bytes for itself (32-bit size, 64-bit address of the next group), then blocks back to
 * back: header {free, size of the block without it}, payload. Payloads are aligned to the header's size, 8 or 4 bytes,
 * NOT to a cache line: a block shares its lines with its neighbours and with headers, so a buffer for a device that
 * does not snoop does not belong here. What a device, or a lost or late write-back, does to a header is seen, because
 * the allocator keeps books of its own beside the memory: a header is loaded through the port as the original does, and
 * compared. One that differs is told as NS_MISUSE_POOL_CORRUPT and written anew from the books; it is never followed,
 * the call that met it fails with MISUSE and changes nothing, and can be repeated.
 *
 * Addresses are in the linear mapping. No function sleeps; each runs with interrupts off (port->lock), as the
 * original's save_flags and cli.
 */
#ifndef NS_POOL_KMALLOC_H
#define NS_POOL_KMALLOC_H

#include "pool/gfp.h"
#include "pool/zone.h"

#ifdef __cplusplus
extern "C" {
#endif

#define NS_KMALLOC_CHUNK_SIZE  UINT64_C(65536)              /* so that no block crosses an ISA DMA boundary */
#define NS_KMALLOC_CHUNK_LIMIT (UINT64_C(16) * 1024 * 1024) /* chunks lie below */
#define NS_KMALLOC_CHUNKS_MAX  64u
#define NS_KMALLOC_SIZE_MIN    12u /* a smaller request, also one for 0 bytes, becomes this */

/* All zero: as in the patch. Each field is one defect of the original. */
struct ns_kmalloc_options {
    /* This many chunks of 64 KiB below 16 MiB, taken at creation and kept to the end: all memory there is for drivers.
     * At most NS_KMALLOC_CHUNKS_MAX; 0: pages on demand from ns_alloc_pages, and back to it. */
    unsigned reserve_chunks;
    /* One list for all, in any memory; GFP_DMA and __GFP_ZERO do nothing. */
    bool ignore_flags;
    /* Headers of two 16-bit fields, granularity 4: nothing above 64 KiB. Otherwise two 32-bit fields, granularity 8. */
    bool size_in_16_bits;
    /* linux_mem_avail changes by order + 1 instead of by 2^order pages. */
    bool count_order_plus_one;
    /* Freed blocks stay apart until an allocation finds nothing. */
    bool coalesce_on_failure_only;
};

/* GNU Mach's own: all of them, with 32 chunks, or 16 before 2011. */
struct ns_kmalloc_options ns_kmalloc_gnu_mach(unsigned reserve_chunks);

struct ns_kmalloc_counts {
    uint64_t blocks_used;
    uint64_t groups;
    uint64_t group_pages;    /* in all groups */
    uint64_t page_blocks;    /* handed out by ns_kmalloc_get_free_pages */
    uint64_t coalesced;      /* times that a list was searched for neighbours to merge (num_block_coalesce) */
    uint64_t collected;      /* times that pages ran out and whole free groups were collected (num_page_collect) */
    int64_t pages_available; /* of the reserve, as linux_mem_avail believes; 0 without a reserve */
};

struct ns_kmalloc;

/* EXHAUSTED when the reserve cannot be had, METADATA; nothing is kept then. ARGUMENT: too many chunks. Port and frames
 * must outlive the allocator; the options are copied. */
enum ns_pool_status ns_kmalloc_create(const struct ns_port *port, struct ns_frames *frames,
                                      const struct ns_kmalloc_options *options, struct ns_kmalloc **kmalloc);

/* BUSY and misuse DESTROY_BUSY while blocks or pages are handed out; nothing is freed then. Gives the reserve back too,
 * which no kernel does. NULL is OK. */
enum ns_pool_status ns_kmalloc_destroy(struct ns_kmalloc *kmalloc);

/*
 * linux_kmalloc. Content is what it was, but for __GFP_ZERO (through the linear mapping). GFP_DMA: from pages of that
 * zone; DMA32 and HIGHMEM are dropped with a warning (kmalloc_fix_flags of Linux 5.10 mm/slab_common.c).
 * ARGUMENT: larger than ns_kmalloc_size_max. EXHAUSTED: also after whole free groups were collected. METADATA. MISUSE:
 * a header was overwritten; see above.
 */
enum ns_pool_status ns_kmalloc_alloc(struct ns_kmalloc *kmalloc, uint64_t size, ns_gfp gfp, uint64_t *virtual_address);

/* linux_kfree; address 0 is OK. MISUSE, with nothing freed: DOUBLE_FREE, FOREIGN_FREE (no block begins there), or a
 * header of the block, or of a free neighbour to be merged, was overwritten. */
enum ns_pool_status ns_kmalloc_free(struct ns_kmalloc *kmalloc, uint64_t virtual_address);

/* collect_kmalloc_pages: merges free neighbours and returns groups without a used block, to the reserve or to the
 * frames. `pages`, which may be NULL, gets their number, on failure too. MISUSE: a header was overwritten. */
enum ns_pool_status ns_kmalloc_collect(struct ns_kmalloc *kmalloc, uint64_t *pages);

/*
 * The glue's __get_free_pages and free_pages, 2^order pages. From the reserve: first fit, aligned to one page only, and
 * at most one chunk. Otherwise as ns_get_free_pages. Both collect and try again when there are none.
 * Free: MISUSE, with nothing freed: FREE_SIZE (another order), DOUBLE_FREE, FOREIGN_FREE (also pages of a group);
 * told with the physical address where the virtual one has one.
 */
enum ns_pool_status ns_kmalloc_get_free_pages(struct ns_kmalloc *kmalloc, ns_gfp gfp, unsigned order,
                                              uint64_t *virtual_address);
enum ns_pool_status ns_kmalloc_free_pages(struct ns_kmalloc *kmalloc, uint64_t virtual_address, unsigned order);

/* The largest request. */
uint64_t ns_kmalloc_size_max(const struct ns_kmalloc *kmalloc);
/* Bytes of the used block that begins at the address, at least what was asked for; 0 when none does (ksize). */
uint64_t ns_kmalloc_block_size(const struct ns_kmalloc *kmalloc, uint64_t virtual_address);
struct ns_kmalloc_counts ns_kmalloc_count(const struct ns_kmalloc *kmalloc);

#ifdef __cplusplus
}
#endif
#endif
