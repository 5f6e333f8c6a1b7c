/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Contiguous memory as GNU Mach gave it to drivers, with its defects, for comparison with ns_frames_grab_contiguous:
 *
 * 1. vm_page_grab_contiguous_pages (vm/vm_resident.c of Mach 3 and of GNU Mach until 2016): no address limit at all,
 *    and a bitmap built anew on each call, in pages that are taken from the same free list.
 * 2. vm_allocate_contiguous (vm/vm_user.c of GNU Mach since 2016): a limit `pmax`, turned into a choice of memory
 *    segment, and a check of the result. Both were wrong in ways that are selectable here.
 *
 * The pages are single frames of zone.h; give them back with ns_frames_release or ns_frames_release_run.
 */
#ifndef NS_POOL_MACH_CONTIGUOUS_H
#define NS_POOL_MACH_CONTIGUOUS_H

#include "pool/zone.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- vm_page_grab_contiguous_pages ----------------------------------------------------------- */

struct ns_mach_grab_options {
    /* vm_page_free_reserved: with fewer free pages than this, once the bitmap has taken its own, nothing is grabbed. */
    uint64_t reserved;
    /* That early return forgot to free the bitmap's pages (Mach 3 vm/vm_resident.c): they are lost. */
    bool leaks_bitmap;
};

/* What one call did. */
struct ns_mach_grab_cost {
    uint64_t bitmap_pages; /* taken for the bitmap and, but for the leak, given back */
    uint64_t pages_walked; /* of the free list, to build the bitmap */
};

/*
 * Takes the lowest `count` adjacent free frames, wherever they lie: a run may cross a zone's border, and no device
 * limit is known. One bit for each frame from physical address 0 to the end of RAM. `cost` may be NULL; it is written
 * on failure too. ARGUMENT: count 0. EXHAUSTED: no such run, too few pages, or no pages for the bitmap. METADATA. The
 * bitmap's pages come as from kmem_alloc_wired, so the call may block.
 */
enum ns_pool_status ns_mach_grab_contiguous(struct ns_frames *frames, const struct ns_mach_grab_options *options,
                                            uint64_t count, uint64_t *physical, struct ns_mach_grab_cost *cost);

/* ---- vm_allocate_contiguous ------------------------------------------------------------------ */

enum ns_mach_segment { NS_MACH_DMA, NS_MACH_DMA32, NS_MACH_DIRECTMAP, NS_MACH_HIGHMEM };
enum { NS_MACH_SEGMENT_COUNT = 4 };

/* The first physical address above each segment, a multiple of NS_FRAME_SIZE; dma and highmem are the lowest and the
 * highest. DMA32 may lie below DIRECTMAP (64-bit kernels) or above it (a 32-bit kernel with PAE maps some 900 MiB
 * directly). dma32 == 0: the kernel was built without that limit, as the PAE one was before commits f08e34e4 and
 * eff4f747 (2023-08). */
struct ns_mach_limits {
    uint64_t dma;
    uint64_t dma32;
    uint64_t directmap;
    uint64_t highmem;
};

/* How pmax, the first address that the device cannot reach, becomes the highest segment to take from. */
enum ns_mach_selection {
    /* The original: a segment as soon as pmax lies above the one below it. A device limited to 1 GiB is given memory
     * anywhere below 4 GiB. */
    NS_MACH_SELECT_ABOVE_LOWER,
    /* As the tree reads with the assertion of 8852aa31: the segment in which pmax lies, so that the same device still
     * gets the same memory; a pmax above all segments selects the lowest (later: the highest, "truncated anyway"). */
    NS_MACH_SELECT_CONTAINING,
    /* The repair (the rule of commit ae689c5f, 2023-08-21): a segment only when pmax covers all of it. */
    NS_MACH_SELECT_COVERED,
};

enum ns_mach_order {
    NS_MACH_ORDER_FIXED,    /* DMA, DMA32, DIRECTMAP, HIGHMEM, whatever their limits (before 28c51f7f, 2023-08) */
    NS_MACH_ORDER_BY_LIMIT, /* ascending limits */
};

/* The assertion on the result. Where it fails the kernel stops; here the pages are given back and NOT_ADDRESSABLE is
 * returned. */
enum ns_mach_end_check {
    NS_MACH_CHECK_NOTHING,     /* before 2022-02 */
    NS_MACH_CHECK_START_BELOW, /* start < pmax (4887b6c7): accepts a block that only begins below the limit */
    NS_MACH_CHECK_END_BELOW,   /* start + size < pmax (b1ac5b47): stops on a block that ends exactly at the limit */
    NS_MACH_CHECK_END_WITHIN,  /* start + size <= pmax (8852aa31, 2023-08-28): right */
};

struct ns_mach_contiguous_options {
    struct ns_mach_limits limits;
    enum ns_mach_selection selection;
    enum ns_mach_order order;
    enum ns_mach_end_check end_check;
};

/* The highest segment that a request with this pmax may take from. Never DMA32 when the limits have none. */
enum ns_mach_segment ns_mach_select_segment(const struct ns_mach_contiguous_options *options, uint64_t pmax);

/* Whether the assertion lets a block of `size` bytes pass; a sum that wraps is above every limit. */
bool ns_mach_end_passes(enum ns_mach_end_check check, uint64_t physical, uint64_t size, uint64_t pmax);

/*
 * Takes frames for `size` bytes (rounded up) from the selected segment or one below it: a power-of-two block, aligned
 * to itself, of which the frames behind the size are released again. pmin must be 0 and palign 0 or a divisor of the
 * page size, the original knows no other. ARGUMENT: those, size 0, limits out of order, or a block above 4 MiB (the
 * segment's buddy has no such order). EXHAUSTED. NOT_ADDRESSABLE: the end check failed. May block.
 */
enum ns_pool_status ns_mach_allocate_contiguous(struct ns_frames *frames,
                                                const struct ns_mach_contiguous_options *options, uint64_t size,
                                                uint64_t pmin, uint64_t pmax, uint64_t palign, uint64_t *physical);

#ifdef __cplusplus
}
#endif
#endif
