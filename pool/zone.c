/* SPDX-License-Identifier: Apache-2.0 */
#include "pool/zone_internal.h"

/* ---- creation -------------------------------------------------------------------------------- */

static bool valid_region(const struct ns_frame_region *region) {
    return region->length != 0 && region->base % NS_FRAME_SIZE == 0 && region->length % NS_FRAME_SIZE == 0 &&
           region->base + (region->length - 1) >= region->base;
}

/* Inserts by address, so that first fit means the lowest address. */
static void add_span(struct ns_frames *frames, uint64_t first, uint64_t end, enum ns_zone zone) {
    if (first >= end)
        return;
    size_t place = frames->span_count++;
    for (; place > 0 && frames->spans[place - 1].first > first; place--)
        frames->spans[place] = frames->spans[place - 1];
    frames->spans[place] = (struct ns_frames_span){.first = first, .count = end - first, .zone = zone};
    frames->total[zone] += end - first;
    frames->free[zone] += end - first;
}

static void add_region(struct ns_frames *frames, const struct ns_frame_region *region) {
    uint64_t first = region->base / NS_FRAME_SIZE;
    const uint64_t end = first + region->length / NS_FRAME_SIZE;
    for (int zone = 0; zone < NS_POOL_ZONE_COUNT; zone++) {
        const uint64_t border = ns_frames_limit(frames, (enum ns_zone)zone) / NS_FRAME_SIZE;
        const uint64_t zone_end = end < border ? end : border;
        add_span(frames, first, zone_end, (enum ns_zone)zone);
        if (zone_end > first)
            first = zone_end;
    }
}

static bool spans_overlap(const struct ns_frames *frames) {
    for (size_t i = 1; i < frames->span_count; i++)
        if (frames->spans[i - 1].first + frames->spans[i - 1].count > frames->spans[i].first)
            return true;
    return false;
}

static void place_bitmaps(struct ns_frames *frames, uint64_t *words) {
    uint64_t place = 0;
    for (size_t i = 0; i < frames->span_count; i++) {
        struct ns_frames_span *span = &frames->spans[i];
        span->place = place;
        place += span->count;
        span->used = words;
        span->head = words + ns_bitmap_words(span->count);
        words = span->head + ns_bitmap_words(span->count);
    }
}

enum ns_pool_status ns_frames_create(const struct ns_port *port, const struct ns_frame_region *regions,
                                     size_t region_count, const struct ns_zone_limits *limits,
                                     struct ns_frames **frames) {
    if (region_count == 0 || limits->dma % NS_FRAME_SIZE != 0 || limits->dma32 % NS_FRAME_SIZE != 0 ||
        (limits->dma32 != 0 && limits->dma > limits->dma32))
        return NS_POOL_ERROR_ARGUMENT;
    uint64_t words = 0;
    for (size_t i = 0; i < region_count; i++) {
        if (!valid_region(&regions[i]))
            return NS_POOL_ERROR_ARGUMENT;
        /* Two words more for each bitmap: the limits may split a region in three. */
        words += 2 * (ns_bitmap_words(regions[i].length / NS_FRAME_SIZE) + NS_POOL_ZONE_COUNT - 1);
    }
    const size_t span_room = NS_POOL_ZONE_COUNT * region_count * sizeof(struct ns_frames_span);
    struct ns_frames *made =
        port->metadata_allocate(port->context, sizeof *made + span_room + words * sizeof(uint64_t));
    if (!made)
        return NS_POOL_ERROR_METADATA;
    made->port = port;
    made->limits = *limits;
    for (size_t i = 0; i < region_count; i++)
        add_region(made, &regions[i]);
    if (spans_overlap(made)) {
        port->metadata_free(port->context, made);
        return NS_POOL_ERROR_ARGUMENT;
    }
    place_bitmaps(made, (uint64_t *)(void *)&made->spans[NS_POOL_ZONE_COUNT * region_count]);
    *frames = made;
    return NS_POOL_OK;
}

enum ns_pool_status ns_frames_destroy(struct ns_frames *frames) {
    if (!frames)
        return NS_POOL_OK;
    const struct ns_port *port = frames->port;
    for (int zone = 0; zone < NS_POOL_ZONE_COUNT; zone++) {
        if (frames->free[zone] != frames->total[zone]) {
            port->misuse(port->context, NS_MISUSE_DESTROY_BUSY, 0, 0);
            return NS_POOL_ERROR_BUSY;
        }
    }
    if (frames->links)
        port->metadata_free(port->context, frames->links);
    port->metadata_free(port->context, frames);
    return NS_POOL_OK;
}

/* ---- allocation ------------------------------------------------------------------------------ */

/* The frame numbers that lie wholly within the request's bytes, end exclusive. */
static uint64_t first_frame(const struct ns_frames_request *request) {
    return request->lowest / NS_FRAME_SIZE + (request->lowest % NS_FRAME_SIZE != 0);
}

static uint64_t end_frame(const struct ns_frames_request *request) {
    return request->highest / NS_FRAME_SIZE + (request->highest % NS_FRAME_SIZE == NS_FRAME_SIZE - 1);
}

static bool search_span(const struct ns_frames_span *span, const struct ns_frames_request *request, uint64_t *index) {
    const uint64_t lowest = first_frame(request);
    const uint64_t limit = end_frame(request);
    if (limit <= span->first)
        return false;
    const uint64_t size = limit - span->first < span->count ? limit - span->first : span->count;
    uint64_t start = span->lowest_free;
    if (lowest > span->first && lowest - span->first > start)
        start = lowest - span->first;
    if (start >= size || request->count > size - start)
        return false;
    *index = ns_bitmap_find_zero_area(span->used, size, start, request->count, request->alignment - 1, span->first);
    return *index <= size - request->count;
}

struct ns_frames_span *ns_frames_search(struct ns_frames *frames, const struct ns_frames_request *request,
                                        uint64_t *index) {
    for (int zone = (int)request->zone; zone >= 0; zone--) { /* downward only */
        if (frames->free[zone] < request->count)
            continue;
        for (size_t i = 0; i < frames->span_count; i++) {
            struct ns_frames_span *span = &frames->spans[i];
            if ((int)span->zone == zone && search_span(span, request, index))
                return span;
        }
    }
    return NULL;
}

void ns_frames_take(struct ns_frames *frames, struct ns_frames_span *span, uint64_t index, uint64_t count,
                    bool each_alone) {
    ns_frames_unqueue(frames, span, index, count);
    ns_bitmap_set(span->used, index, count);
    ns_bitmap_set(span->head, index, each_alone ? count : 1);
    if (index == span->lowest_free)
        span->lowest_free = index + count;
    frames->free[span->zone] -= count;
}

bool ns_frames_valid_request(const struct ns_frames_request *request) {
    const uint64_t alignment = request->alignment;
    /* Frame numbers have 52 bits: a larger alignment has no multiple but 0, and would overflow the rounding. */
    return request->count != 0 && alignment != 0 && (alignment & (alignment - 1)) == 0 &&
           alignment <= UINT64_C(1) << 52 && (unsigned)request->zone < NS_POOL_ZONE_COUNT;
}

enum ns_pool_status ns_frames_allocate(struct ns_frames *frames, const struct ns_frames_request *request,
                                       uint64_t *physical) {
    if (!ns_frames_valid_request(request))
        return NS_POOL_ERROR_ARGUMENT;
    uint64_t index = 0;
    struct ns_frames_span *span = ns_frames_search(frames, request, &index);
    if (!span)
        return NS_POOL_ERROR_EXHAUSTED;
    ns_frames_take(frames, span, index, request->count, false);
    *physical = (span->first + index) * NS_FRAME_SIZE;
    return NS_POOL_OK;
}

/* ---- return ---------------------------------------------------------------------------------- */

size_t ns_frames_find_span(const struct ns_frames *frames, uint64_t physical, uint64_t count) {
    if (physical % NS_FRAME_SIZE != 0 || count == 0)
        return frames->span_count;
    const uint64_t first = physical / NS_FRAME_SIZE;
    for (size_t i = 0; i < frames->span_count; i++) {
        const struct ns_frames_span *span = &frames->spans[i];
        if (first >= span->first && first - span->first < span->count)
            return count <= span->count - (first - span->first) ? i : frames->span_count;
    }
    return frames->span_count;
}

enum ns_frames_block ns_frames_block_state(const struct ns_frames *frames, uint64_t physical, uint64_t count) {
    const size_t found = ns_frames_find_span(frames, physical, count);
    if (found == frames->span_count)
        return NS_FRAMES_BLOCK_FOREIGN;
    const struct ns_frames_span *span = &frames->spans[found];
    const uint64_t index = physical / NS_FRAME_SIZE - span->first;
    const uint64_t end = index + count;
    if (ns_bitmap_find(span->used, index, end, true) == end)
        return NS_FRAMES_BLOCK_FREE;
    const bool whole = ns_bitmap_test(span->head, index) && ns_bitmap_find(span->used, index, end, false) == end &&
                       ns_bitmap_find(span->head, index + 1, end, true) == end;
    const bool ends_here = end == span->count || !ns_bitmap_test(span->used, end) || ns_bitmap_test(span->head, end);
    return whole && ends_here ? NS_FRAMES_BLOCK_HELD : NS_FRAMES_BLOCK_FOREIGN;
}

uint64_t ns_frames_block_count(const struct ns_frames *frames, uint64_t physical) {
    const size_t found = ns_frames_find_span(frames, physical, 1);
    if (found == frames->span_count)
        return 0;
    const struct ns_frames_span *span = &frames->spans[found];
    const uint64_t index = physical / NS_FRAME_SIZE - span->first;
    if (!ns_bitmap_test(span->head, index))
        return 0;
    const uint64_t next_head = ns_bitmap_find(span->head, index + 1, span->count, true);
    return ns_bitmap_find(span->used, index, next_head, false) - index;
}

void ns_frames_put(struct ns_frames *frames, struct ns_frames_span *span, uint64_t index, uint64_t count) {
    ns_bitmap_clear(span->used, index, count);
    ns_bitmap_clear(span->head, index, 1);
    if (index < span->lowest_free)
        span->lowest_free = index;
    frames->free[span->zone] += count;
}

enum ns_pool_status ns_frames_free(struct ns_frames *frames, uint64_t physical, uint64_t count) {
    const enum ns_frames_block state = ns_frames_block_state(frames, physical, count);
    if (state != NS_FRAMES_BLOCK_HELD) {
        const struct ns_port *port = frames->port;
        port->misuse(port->context, state == NS_FRAMES_BLOCK_FREE ? NS_MISUSE_DOUBLE_FREE : NS_MISUSE_FOREIGN_FREE,
                     physical, count * NS_FRAME_SIZE);
        return NS_POOL_ERROR_MISUSE;
    }
    struct ns_frames_span *span = &frames->spans[ns_frames_find_span(frames, physical, count)];
    ns_frames_put(frames, span, physical / NS_FRAME_SIZE - span->first, count);
    return NS_POOL_OK;
}

/* Frames [index, end) of one span. */
static uint64_t free_part(struct ns_frames *frames, struct ns_frames_span *span, uint64_t index, uint64_t end) {
    const uint64_t taken = ns_bitmap_count(span->used, index, end);
    if (end < span->count && ns_bitmap_test(span->used, end))
        ns_bitmap_set(span->head, end, 1);
    ns_bitmap_clear(span->used, index, end - index);
    ns_bitmap_clear(span->head, index, end - index);
    if (index < span->lowest_free)
        span->lowest_free = index;
    frames->free[span->zone] += taken;
    return taken;
}

uint64_t ns_frames_free_unchecked(struct ns_frames *frames, uint64_t physical, uint64_t count) {
    if (physical % NS_FRAME_SIZE != 0)
        return 0;
    const uint64_t first = physical / NS_FRAME_SIZE;
    const uint64_t end = count < UINT64_MAX - first ? first + count : UINT64_MAX;
    uint64_t taken = 0;
    for (size_t i = 0; i < frames->span_count; i++) {
        struct ns_frames_span *span = &frames->spans[i];
        const uint64_t from = first > span->first ? first : span->first;
        const uint64_t to = end < span->first + span->count ? end : span->first + span->count;
        if (from < to)
            taken += free_part(frames, span, from - span->first, to - span->first);
    }
    return taken;
}

/* ---- inspection ------------------------------------------------------------------------------ */

const struct ns_port *ns_frames_port(const struct ns_frames *frames) {
    return frames->port;
}

uint64_t ns_frames_limit(const struct ns_frames *frames, enum ns_zone zone) {
    switch (zone) {
    case NS_POOL_ZONE_DMA:
        return frames->limits.dma;
    case NS_POOL_ZONE_DMA32:
        return frames->limits.dma32 != 0 ? frames->limits.dma32 : frames->limits.dma;
    case NS_POOL_ZONE_NORMAL:
        break;
    }
    return UINT64_MAX;
}

uint64_t ns_frames_total_count(const struct ns_frames *frames, enum ns_zone zone) {
    return frames->total[zone];
}

uint64_t ns_frames_free_count(const struct ns_frames *frames, enum ns_zone zone) {
    return frames->free[zone];
}
