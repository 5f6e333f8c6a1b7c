/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The page-frame allocator below all others: RAM in frames of 4 KiB, in up to three zones: DMA (below 16 MiB where the
 * ISA bus is the reason; RISC-V Linux has none), DMA32 (below 4 GiB) and NORMAL. A request falls back downward, NORMAL
 * to DMA32 to DMA, and never goes up (Linux 5.10 mm/page_alloc.c, zone fallback lists; GNU Mach 2006 patch #4818 and
 * the segment selectors that came instead): a request without a wish can get low memory, one with a wish never high
 * memory.
 *
 * The choice is deterministic: the lowest run of free frames that satisfies the request. A run never crosses a zone or
 * a region border.
 */
#ifndef NS_POOL_ZONE_H
#define NS_POOL_ZONE_H

#include "pool/port.h"
#include "pool/status.h"

#ifdef __cplusplus
extern "C" {
#endif

#define NS_FRAME_SIZE UINT64_C(4096)

enum ns_zone { NS_POOL_ZONE_DMA, NS_POOL_ZONE_DMA32, NS_POOL_ZONE_NORMAL };
enum { NS_POOL_ZONE_COUNT = 3 };

/* The first physical address above each zone, a multiple of NS_FRAME_SIZE; 0: this kernel is built without the zone.
 * dma is not above dma32 when both exist. */
struct ns_zone_limits {
    uint64_t dma;
    uint64_t dma32;
};

/* A piece of RAM: physical bytes, both multiples of NS_FRAME_SIZE, length not 0. */
struct ns_frame_region {
    uint64_t base;
    uint64_t length;
};

struct ns_frames_request {
    uint64_t count;     /* frames, contiguous; 1 or more */
    uint64_t alignment; /* of the physical address, in frames: a power of two (1: none) */
    uint64_t lowest;    /* physical address of the first byte that may be used */
    uint64_t highest;   /* physical address of the last byte that may be used, inclusive (UINT64_MAX: no limit) */
    enum ns_zone zone;  /* where to look first */
};

enum ns_frames_block {
    NS_FRAMES_BLOCK_HELD,    /* exactly one block that was handed out */
    NS_FRAMES_BLOCK_FREE,    /* all of it is free */
    NS_FRAMES_BLOCK_FOREIGN, /* not this allocator's memory, or not one whole block of it */
};

struct ns_frames;

/* Regions may come in any order, must not overlap, and are copied. Any zone may be empty. The port must outlive the
 * allocator. */
enum ns_pool_status ns_frames_create(const struct ns_port *port, const struct ns_frame_region *regions,
                                     size_t region_count, const struct ns_zone_limits *limits,
                                     struct ns_frames **frames);

/* BUSY and misuse DESTROY_BUSY while frames are handed out; nothing is freed then. NULL is OK. */
enum ns_pool_status ns_frames_destroy(struct ns_frames *frames);

/* Gives the physical address. The frames' content is what it was. EXHAUSTED when nothing fits. */
enum ns_pool_status ns_frames_allocate(struct ns_frames *frames, const struct ns_frames_request *request,
                                       uint64_t *physical);

/* Takes back one whole block. MISUSE, with nothing freed: DOUBLE_FREE when all of it is free already, FOREIGN_FREE when
 * it is not one whole block of this allocator (also a wrong count). */
enum ns_pool_status ns_frames_free(struct ns_frames *frames, uint64_t physical, uint64_t count);

/*
 * Single pages, as in GNU Mach patch #4818 of 2006: each zone has a queue of released frames, and the free bitmap is
 * kept up to date by every function instead of being built for each search. A queue gives the frame released last
 * (vm_page_release pushes and vm_page_grab pops at the same end); frames never released come from the bitmap in
 * ascending order, so a large RAM costs nothing at creation. A frame of these functions is a block of its own; the two
 * families share one bitmap, a frame freed by ns_frames_free is on no queue, and ns_frames_allocate takes frames off
 * their queue.
 *
 * Grab: one frame from the zone, or one below it. ARGUMENT: no such zone. EXHAUSTED. Any context.
 */
enum ns_pool_status ns_frames_grab(struct ns_frames *frames, enum ns_zone zone, uint64_t *physical);

/* Adjacent frames as ns_frames_allocate finds them, but each a block of its own: they may be released one by one
 * (vm_page_grab_contiguous_pages_flags; alignment and limits are what alloc_contig_mem had at boot). */
enum ns_pool_status ns_frames_grab_contiguous(struct ns_frames *frames, const struct ns_frames_request *request,
                                              uint64_t *physical);

/* Puts one frame on the queue of its zone. Without book-keeping memory for the queues (asked for at the first release:
 * 8 bytes for each frame of RAM) it is free all the same, only in no queue. MISUSE as ns_frames_free. */
enum ns_pool_status ns_frames_release(struct ns_frames *frames, uint64_t physical);

/* Releases `count` adjacent single frames, the highest first, so that the lowest is the next to be grabbed. MISUSE, and
 * nothing released, when one of them is not held as a single frame (told for the first such). */
enum ns_pool_status ns_frames_release_run(struct ns_frames *frames, uint64_t physical, uint64_t count);

/* Frames on the zone's queue; they are among the free ones. */
uint64_t ns_frames_queued_count(const struct ns_frames *frames, enum ns_zone zone);

/* Takes back whatever of the frames is handed out, whole blocks or not: what the kernel's __free_pages does with wrong
 * arguments. What is left of a block before and behind them becomes a block of its own. Gives the number of frames that
 * it took; 0 for an address that is not a multiple of NS_FRAME_SIZE. Nothing is told to the port. */
uint64_t ns_frames_free_unchecked(struct ns_frames *frames, uint64_t physical, uint64_t count);

/* What ns_frames_free would find. */
enum ns_frames_block ns_frames_block_state(const struct ns_frames *frames, uint64_t physical, uint64_t count);

/* Frames of the handed-out block that begins at the address; 0 when none begins there. */
uint64_t ns_frames_block_count(const struct ns_frames *frames, uint64_t physical);

/* The port that the allocator was made with. */
const struct ns_port *ns_frames_port(const struct ns_frames *frames);

/* The first physical address above the zone; UINT64_MAX for NORMAL. A zone that does not exist ends where the one below
 * it does (0 for the lowest), so that it is empty. */
uint64_t ns_frames_limit(const struct ns_frames *frames, enum ns_zone zone);
uint64_t ns_frames_total_count(const struct ns_frames *frames, enum ns_zone zone);
uint64_t ns_frames_free_count(const struct ns_frames *frames, enum ns_zone zone);

#ifdef __cplusplus
}
#endif
#endif
