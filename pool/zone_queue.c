/* SPDX-License-Identifier: Apache-2.0 */
#include "pool/zone_internal.h"

/* ---- queues ---------------------------------------------------------------------------------- */

static bool queued(const struct ns_frames *frames, uint64_t place) {
    return frames->links && frames->links[place].previous != 0;
}

/* The table of links is made when it is first needed; false without memory for it. */
static bool have_links(struct ns_frames *frames) {
    if (frames->links)
        return true;
    uint64_t total = 0;
    for (int zone = 0; zone < NS_POOL_ZONE_COUNT; zone++)
        total += frames->total[zone];
    if (total >= NS_FRAMES_QUEUE_END) /* 16 TiB */
        return false;
    const struct ns_port *port = frames->port;
    frames->links = port->metadata_allocate(port->context, total * sizeof *frames->links);
    return frames->links != NULL;
}

static void push(struct ns_frames *frames, const struct ns_frames_span *span, uint64_t index) {
    if (!have_links(frames))
        return;
    const uint32_t name = (uint32_t)(span->place + index + 1);
    const uint32_t below = frames->queue[span->zone];
    frames->links[name - 1].previous = NS_FRAMES_QUEUE_END;
    frames->links[name - 1].next = below != 0 ? below : NS_FRAMES_QUEUE_END;
    if (below != 0)
        frames->links[below - 1].previous = name;
    frames->queue[span->zone] = name;
    frames->queued[span->zone]++;
}

static void unlink_place(struct ns_frames *frames, enum ns_zone zone, uint64_t place) {
    struct ns_frames_link *link = &frames->links[place];
    if (link->previous != NS_FRAMES_QUEUE_END)
        frames->links[link->previous - 1].next = link->next;
    else
        frames->queue[zone] = link->next != NS_FRAMES_QUEUE_END ? link->next : 0;
    if (link->next != NS_FRAMES_QUEUE_END)
        frames->links[link->next - 1].previous = link->previous;
    *link = (struct ns_frames_link){0, 0};
    frames->queued[zone]--;
}

void ns_frames_unqueue(struct ns_frames *frames, const struct ns_frames_span *span, uint64_t index, uint64_t count) {
    for (uint64_t i = index; i < index + count && frames->queued[span->zone] != 0; i++)
        if (queued(frames, span->place + i))
            unlink_place(frames, span->zone, span->place + i);
}

static struct ns_frames_span *span_of_place(struct ns_frames *frames, uint64_t place) {
    size_t i = 0;
    while (place - frames->spans[i].place >= frames->spans[i].count)
        i++;
    return &frames->spans[i];
}

/* ---- pages ----------------------------------------------------------------------------------- */

/* The first free frame of the zone by its queue, then by address; NULL when the zone is full. */
static struct ns_frames_span *next_in_zone(struct ns_frames *frames, enum ns_zone zone, uint64_t *index) {
    if (frames->queue[zone] != 0) {
        const uint64_t place = frames->queue[zone] - 1;
        struct ns_frames_span *span = span_of_place(frames, place);
        *index = place - span->place;
        return span;
    }
    for (size_t i = 0; i < frames->span_count && frames->free[zone] != 0; i++) {
        struct ns_frames_span *span = &frames->spans[i];
        if (span->zone != zone)
            continue;
        *index = ns_bitmap_find(span->used, span->lowest_free, span->count, false);
        if (*index < span->count)
            return span;
    }
    return NULL;
}

enum ns_pool_status ns_frames_grab(struct ns_frames *frames, enum ns_zone zone, uint64_t *physical) {
    if ((unsigned)zone >= NS_POOL_ZONE_COUNT)
        return NS_POOL_ERROR_ARGUMENT;
    for (int from = (int)zone; from >= 0; from--) { /* downward only */
        uint64_t index = 0;
        struct ns_frames_span *span = next_in_zone(frames, (enum ns_zone)from, &index);
        if (span) {
            ns_frames_take(frames, span, index, 1, true);
            *physical = (span->first + index) * NS_FRAME_SIZE;
            return NS_POOL_OK;
        }
    }
    return NS_POOL_ERROR_EXHAUSTED;
}

enum ns_pool_status ns_frames_grab_contiguous(struct ns_frames *frames, const struct ns_frames_request *request,
                                              uint64_t *physical) {
    if (!ns_frames_valid_request(request))
        return NS_POOL_ERROR_ARGUMENT;
    uint64_t index = 0;
    struct ns_frames_span *span = ns_frames_search(frames, request, &index);
    if (!span)
        return NS_POOL_ERROR_EXHAUSTED;
    ns_frames_take(frames, span, index, request->count, true);
    *physical = (span->first + index) * NS_FRAME_SIZE;
    return NS_POOL_OK;
}

/* The misuse is the bitmap's: what is not one held frame is told as ns_frames_free tells it. */
enum ns_pool_status ns_frames_release(struct ns_frames *frames, uint64_t physical) {
    const enum ns_pool_status status = ns_frames_free(frames, physical, 1);
    if (status != NS_POOL_OK)
        return status;
    const struct ns_frames_span *span = &frames->spans[ns_frames_find_span(frames, physical, 1)];
    push(frames, span, physical / NS_FRAME_SIZE - span->first);
    return NS_POOL_OK;
}

enum ns_pool_status ns_frames_release_run(struct ns_frames *frames, uint64_t physical, uint64_t count) {
    const uint64_t room = (UINT64_MAX - physical) / NS_FRAME_SIZE;
    if (count == 0 || count - 1 > room)
        return ns_frames_free(frames, physical, count); /* no such block: misuse */
    for (uint64_t i = 0; i < count; i++)
        if (ns_frames_block_state(frames, physical + i * NS_FRAME_SIZE, 1) != NS_FRAMES_BLOCK_HELD)
            return ns_frames_free(frames, physical + i * NS_FRAME_SIZE, 1);
    for (uint64_t i = count; i-- > 0;) {
        const enum ns_pool_status status = ns_frames_release(frames, physical + i * NS_FRAME_SIZE);
        if (status != NS_POOL_OK)
            return status;
    }
    return NS_POOL_OK;
}

uint64_t ns_frames_queued_count(const struct ns_frames *frames, enum ns_zone zone) {
    return frames->queued[zone];
}
