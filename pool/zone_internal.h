/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the frame allocator share: the bitmaps (zone.c), the queues of released frames (zone_queue.c) and
 * the historic GNU Mach search (mach_contiguous.c). Nothing else includes this. */
#ifndef NS_POOL_ZONE_INTERNAL_H
#define NS_POOL_ZONE_INTERNAL_H

#include "pool/bitmap.h"
#include "pool/zone.h"

/* A region's part in one zone. Frame numbers are physical addresses / 4096. Two bits for each frame: whether it is
 * handed out, and whether a block begins with it; together they tell where each block ends. */
struct ns_frames_span {
    uint64_t first;
    uint64_t count;
    enum ns_zone zone;
    uint64_t lowest_free; /* index in the span: no frame below it is free */
    uint64_t place;       /* of its first frame in the table of links */
    uint64_t *used;
    uint64_t *head;
};

/* A frame on a queue, by places in the table of links plus one; all 0 when it is on none. */
struct ns_frames_link {
    uint32_t next;     /* released before this one; NS_FRAMES_QUEUE_END: none */
    uint32_t previous; /* released after this one; NS_FRAMES_QUEUE_END: none, it is the head */
};
#define NS_FRAMES_QUEUE_END UINT32_MAX

struct ns_frames {
    const struct ns_port *port;
    struct ns_zone_limits limits;
    uint64_t total[NS_POOL_ZONE_COUNT];
    uint64_t free[NS_POOL_ZONE_COUNT];
    uint64_t queued[NS_POOL_ZONE_COUNT];
    uint32_t queue[NS_POOL_ZONE_COUNT]; /* place plus one of the frame released last; 0: nothing queued */
    struct ns_frames_link *links;       /* one for each frame of all spans; NULL until the first release */
    size_t span_count;
    struct ns_frames_span spans[]; /* ascending addresses; the bitmaps follow the last one */
};

/* Index of the span that holds all of `count` frames; span_count when none does. */
size_t ns_frames_find_span(const struct ns_frames *frames, uint64_t physical, uint64_t count);

/* False when the request is outside of what ns_frames_allocate documents. */
bool ns_frames_valid_request(const struct ns_frames_request *request);

/* Searches the request's zone and those below it; NULL when nothing fits. Takes nothing. */
struct ns_frames_span *ns_frames_search(struct ns_frames *frames, const struct ns_frames_request *request,
                                        uint64_t *index);

/* Takes free frames [index, index + count), off their queue too: as one block, or each frame as a block of its own. */
void ns_frames_take(struct ns_frames *frames, struct ns_frames_span *span, uint64_t index, uint64_t count,
                    bool each_alone);

/* Returns a held block to the bitmap. */
void ns_frames_put(struct ns_frames *frames, struct ns_frames_span *span, uint64_t index, uint64_t count);

/* Takes those of the frames that are queued off their queue. */
void ns_frames_unqueue(struct ns_frames *frames, const struct ns_frames_span *span, uint64_t index, uint64_t count);

#endif
