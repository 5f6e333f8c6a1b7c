/* SPDX-License-Identifier: Apache-2.0 */
#include "pool/mach_contiguous.h"

#include "pool/pages.h"
#include "pool/say.h"
#include "pool/zone_internal.h"

/* ---- a bitmap for each call ------------------------------------------------------------------ */

/* The bitmap is kept in the pool's own memory; its pages are taken as well, because the original needs them. */
struct fresh_bitmap {
    uint64_t frame_count; /* from physical address 0 */
    uint64_t *free;       /* here 1 means free */
    uint64_t *page;       /* physical addresses */
    uint64_t page_count;
};

static uint64_t free_total(const struct ns_frames *frames) {
    uint64_t total = 0;
    for (int zone = 0; zone < NS_POOL_ZONE_COUNT; zone++)
        total += frames->free[zone];
    return total;
}

static void release_bitmap(struct ns_frames *frames, struct fresh_bitmap *bitmap, bool leak_pages) {
    for (uint64_t i = bitmap->page_count; i-- > 0 && !leak_pages;)
        ns_frames_release(frames, bitmap->page[i]);
    if (bitmap->page)
        frames->port->metadata_free(frames->port->context, bitmap->page);
    if (bitmap->free)
        frames->port->metadata_free(frames->port->context, bitmap->free);
}

static enum ns_pool_status make_bitmap(struct ns_frames *frames, struct fresh_bitmap *bitmap) {
    const struct ns_port *port = frames->port;
    const struct ns_frames_span *last = &frames->spans[frames->span_count - 1];
    *bitmap = (struct fresh_bitmap){.frame_count = last->first + last->count};
    const uint64_t words = ns_bitmap_words(bitmap->frame_count);
    const uint64_t pages = (words * sizeof(uint64_t) + NS_FRAME_SIZE - 1) / NS_FRAME_SIZE;
    if (pages > free_total(frames))
        return NS_POOL_ERROR_EXHAUSTED;
    bitmap->page = port->metadata_allocate(port->context, pages * sizeof(uint64_t));
    bitmap->free = port->metadata_allocate(port->context, words * sizeof(uint64_t));
    if (!bitmap->page || !bitmap->free) {
        release_bitmap(frames, bitmap, false);
        return NS_POOL_ERROR_METADATA;
    }
    for (; bitmap->page_count < pages; bitmap->page_count++)
        ns_frames_grab(frames, NS_POOL_ZONE_NORMAL, &bitmap->page[bitmap->page_count]);
    return NS_POOL_OK;
}

/* What the walk over the free list finds, in runs. */
static void mark_free(const struct ns_frames *frames, struct fresh_bitmap *bitmap) {
    for (size_t i = 0; i < frames->span_count; i++) {
        const struct ns_frames_span *span = &frames->spans[i];
        uint64_t end = 0;
        for (uint64_t index = span->lowest_free; index < span->count; index = end) {
            index = ns_bitmap_find(span->used, index, span->count, false);
            end = ns_bitmap_find(span->used, index, span->count, true);
            ns_bitmap_set(bitmap->free, span->first + index, end - index);
        }
    }
}

/* The first of the lowest `count` adjacent free frames; false when there are none. */
static bool find_run(const struct fresh_bitmap *bitmap, uint64_t count, uint64_t *first) {
    uint64_t end = 0;
    for (uint64_t start = 0; start < bitmap->frame_count; start = end) {
        start = ns_bitmap_find(bitmap->free, start, bitmap->frame_count, true);
        end = ns_bitmap_find(bitmap->free, start, bitmap->frame_count, false);
        if (end - start >= count) {
            *first = start;
            return true;
        }
    }
    return false;
}

enum ns_pool_status ns_mach_grab_contiguous(struct ns_frames *frames, const struct ns_mach_grab_options *options,
                                            uint64_t count, uint64_t *physical, struct ns_mach_grab_cost *cost) {
    struct ns_mach_grab_cost unwanted;
    if (!cost)
        cost = &unwanted;
    *cost = (struct ns_mach_grab_cost){0, 0};
    if (count == 0)
        return NS_POOL_ERROR_ARGUMENT;
    struct fresh_bitmap bitmap;
    const enum ns_pool_status status = make_bitmap(frames, &bitmap);
    if (status != NS_POOL_OK)
        return status;
    cost->bitmap_pages = bitmap.page_count;
    if (free_total(frames) < options->reserved) {
        if (options->leaks_bitmap)
            ns_say(frames->port, NS_SAY_DECISION, "vm_page_grab_contiguous_pages",
                   "below the reserve: gives up, and forgets {d} pages of its bitmap", bitmap.page_count, 0);
        release_bitmap(frames, &bitmap, options->leaks_bitmap);
        return NS_POOL_ERROR_EXHAUSTED;
    }
    cost->pages_walked = free_total(frames);
    mark_free(frames, &bitmap);
    uint64_t first = 0;
    const bool found = find_run(&bitmap, count, &first);
    for (uint64_t frame = first; found && frame < first + count; frame++) {
        struct ns_frames_span *span = &frames->spans[ns_frames_find_span(frames, frame * NS_FRAME_SIZE, 1)];
        ns_frames_take(frames, span, frame - span->first, 1, true);
    }
    release_bitmap(frames, &bitmap, false);
    if (!found)
        return NS_POOL_ERROR_EXHAUSTED;
    *physical = first * NS_FRAME_SIZE;
    return NS_POOL_OK;
}

/* ---- segments -------------------------------------------------------------------------------- */

static uint64_t limit_of(const struct ns_mach_limits *limits, enum ns_mach_segment segment) {
    switch (segment) {
    case NS_MACH_DMA:
        return limits->dma;
    case NS_MACH_DMA32:
        return limits->dma32;
    case NS_MACH_DIRECTMAP:
        return limits->directmap;
    case NS_MACH_HIGHMEM:
        break;
    }
    return limits->highmem;
}

/* The segments that exist, lowest first as this kernel believes; returns how many. */
static unsigned list_segments(const struct ns_mach_contiguous_options *options,
                              enum ns_mach_segment list[NS_MACH_SEGMENT_COUNT]) {
    const struct ns_mach_limits *limits = &options->limits;
    const bool dma32_last = options->order == NS_MACH_ORDER_BY_LIMIT && limits->dma32 > limits->directmap;
    unsigned count = 0;
    list[count++] = NS_MACH_DMA;
    if (limits->dma32 != 0 && !dma32_last)
        list[count++] = NS_MACH_DMA32;
    list[count++] = NS_MACH_DIRECTMAP;
    if (limits->dma32 != 0 && dma32_last)
        list[count++] = NS_MACH_DMA32;
    list[count++] = NS_MACH_HIGHMEM;
    return count;
}

/* Tests one after the other, the last that holds decides: that is why a wrong order matters. */
static unsigned select_place(const struct ns_mach_contiguous_options *options, uint64_t pmax) {
    enum ns_mach_segment list[NS_MACH_SEGMENT_COUNT];
    const unsigned count = list_segments(options, list);
    unsigned selected = 0;
    for (unsigned i = 1; i < count; i++) {
        const bool above_lower = pmax > limit_of(&options->limits, list[i - 1]);
        const uint64_t limit = limit_of(&options->limits, list[i]);
        switch (options->selection) {
        case NS_MACH_SELECT_ABOVE_LOWER:
            selected = above_lower ? i : selected;
            break;
        case NS_MACH_SELECT_CONTAINING:
            selected = above_lower && pmax <= limit ? i : selected;
            break;
        case NS_MACH_SELECT_COVERED:
            selected = pmax >= limit ? i : selected;
            break;
        }
    }
    return selected;
}

enum ns_mach_segment ns_mach_select_segment(const struct ns_mach_contiguous_options *options, uint64_t pmax) {
    enum ns_mach_segment list[NS_MACH_SEGMENT_COUNT];
    list_segments(options, list);
    return list[select_place(options, pmax)];
}

bool ns_mach_end_passes(enum ns_mach_end_check check, uint64_t physical, uint64_t size, uint64_t pmax) {
    const bool wraps = physical + size < physical;
    switch (check) {
    case NS_MACH_CHECK_NOTHING:
        break;
    case NS_MACH_CHECK_START_BELOW:
        return physical < pmax;
    case NS_MACH_CHECK_END_BELOW:
        return !wraps && physical + size < pmax;
    case NS_MACH_CHECK_END_WITHIN:
        return !wraps && physical + size <= pmax;
    }
    return true;
}

static bool valid_limits(const struct ns_mach_limits *limits) {
    if (limits->dma % NS_FRAME_SIZE != 0 || limits->dma32 % NS_FRAME_SIZE != 0 ||
        limits->directmap % NS_FRAME_SIZE != 0 || limits->highmem % NS_FRAME_SIZE != 0)
        return false;
    const bool dma32_fits = limits->dma32 == 0 || (limits->dma <= limits->dma32 && limits->dma32 <= limits->highmem);
    return limits->dma != 0 && limits->dma <= limits->directmap && limits->directmap <= limits->highmem && dma32_fits;
}

/* Where a segment's memory begins: at the highest limit below its own. */
static uint64_t base_of(const struct ns_mach_limits *limits, enum ns_mach_segment segment) {
    uint64_t base = 0;
    for (int other = 0; other < NS_MACH_SEGMENT_COUNT; other++) {
        const uint64_t limit = limit_of(limits, (enum ns_mach_segment)other);
        const bool below =
            limit < limit_of(limits, segment) || (limit == limit_of(limits, segment) && other < (int)segment);
        if (below && limit > base)
            base = limit;
    }
    return base;
}

static enum ns_pool_status take_block(struct ns_frames *frames, const struct ns_mach_contiguous_options *options,
                                      uint64_t count, uint64_t pmax, uint64_t *physical) {
    enum ns_mach_segment list[NS_MACH_SEGMENT_COUNT];
    list_segments(options, list);
    for (unsigned place = select_place(options, pmax) + 1; place-- > 0;) { /* downward only */
        const uint64_t base = base_of(&options->limits, list[place]);
        const uint64_t limit = limit_of(&options->limits, list[place]);
        if (base >= limit)
            continue;
        const struct ns_frames_request request = {
            .count = count, .alignment = count, .lowest = base, .highest = limit - 1, .zone = NS_POOL_ZONE_NORMAL};
        const enum ns_pool_status status = ns_frames_grab_contiguous(frames, &request, physical);
        if (status != NS_POOL_ERROR_EXHAUSTED)
            return status;
    }
    return NS_POOL_ERROR_EXHAUSTED;
}

enum ns_pool_status ns_mach_allocate_contiguous(struct ns_frames *frames,
                                                const struct ns_mach_contiguous_options *options, uint64_t size,
                                                uint64_t pmin, uint64_t pmax, uint64_t palign, uint64_t *physical) {
    const unsigned order = ns_order_of(size);
    if (!valid_limits(&options->limits) || pmin != 0 || (palign != 0 && NS_FRAME_SIZE % palign != 0) || size == 0 ||
        order > NS_MAX_ORDER)
        return NS_POOL_ERROR_ARGUMENT;
    const uint64_t block = UINT64_C(1) << order;
    const uint64_t wanted = (size + NS_FRAME_SIZE - 1) / NS_FRAME_SIZE;
    uint64_t found = 0;
    enum ns_pool_status status = take_block(frames, options, block, pmax, &found);
    if (status != NS_POOL_OK)
        return status;
    if (block != wanted)
        status = ns_frames_release_run(frames, found + wanted * NS_FRAME_SIZE, block - wanted);
    if (status != NS_POOL_OK)
        return status;
    if (!ns_mach_end_passes(options->end_check, found, wanted * NS_FRAME_SIZE, pmax)) {
        ns_say(frames->port, NS_SAY_BUG, "vm_allocate_contiguous",
               "assertion failed: block at {x} against the limit {x}", found, pmax);
        status = ns_frames_release_run(frames, found, wanted);
        return status != NS_POOL_OK ? status : NS_POOL_ERROR_NOT_ADDRESSABLE;
    }
    *physical = found;
    return NS_POOL_OK;
}
