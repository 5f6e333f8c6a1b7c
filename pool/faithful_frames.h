/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the frame allocator of VeridianOS 0.25.2 (kernel/src/mm/frame_allocator.rs) gives its users for single frames,
 * with its two traps, on top of ns_frames:
 *
 *  - the zone of a request without a NUMA node is ignored: the lowest free frame comes, wherever it lies;
 *  - a frame that the bitmap does not take back, because it is free already, falls through to the buddy allocator,
 *    which checks nothing: from then on two allocators own it.
 */
#ifndef NS_POOL_FAITHFUL_FRAMES_H
#define NS_POOL_FAITHFUL_FRAMES_H

#include "pool/zone.h"

#ifdef __cplusplus
extern "C" {
#endif

/* More frames than this fall through and are forgotten. */
enum { NS_FAITHFUL_BUDDY_MAX = 64 };

/* Plain data; `frames` is set by the user, all else begins as zero. */
struct ns_faithful_frames {
    struct ns_frames *frames; /* stands for the bitmap */
    size_t buddy_count;
    uint64_t buddy[NS_FAITHFUL_BUDDY_MAX]; /* physical addresses, last in first out */
};

/* One frame: the lowest free one of the bitmap at or above `lowest` (physical; a test's way to a high one), else the
 * buddy's newest. `zone` is ignored. EXHAUSTED when there is none. Does not block. */
enum ns_pool_status ns_faithful_frames_allocate(struct ns_faithful_frames *frames, enum ns_zone zone, uint64_t lowest,
                                                uint64_t *physical);

/* Takes anything: a frame that the bitmap does not hold goes to the buddy allocator. OK also then; MISUSE, without a
 * word to the port, when it has no room. Does not block. */
enum ns_pool_status ns_faithful_frames_free(struct ns_faithful_frames *frames, uint64_t physical);

#ifdef __cplusplus
}
#endif
#endif
