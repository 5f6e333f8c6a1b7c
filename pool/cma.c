/* SPDX-License-Identifier: Apache-2.0 */
#include "pool/cma.h"

#include "pool/bitmap.h"
#include "pool/say.h"

/* Who sits in a page that is movable. */
struct tenant {
    uint64_t owner;
    uint64_t pins;
};

/* Pages are numbered from the area's first. A page is free, taken (occupied, not movable) or movable (both bits). The
 * bitmap of the allocator knows less: it has one bit for several pages, and nothing of movable ones. */
struct ns_cma {
    const struct ns_port *port;
    struct ns_frames *frames;
    ns_cma_moved moved;
    void *moved_context;
    bool strict;
    uint64_t first_frame; /* physical / NS_FRAME_SIZE: base_pfn */
    uint64_t count;       /* pages; 0: disabled */
    unsigned order_per_bit;
    uint64_t moves;
    uint64_t retries;
    uint64_t *map;
    uint64_t *occupied;
    uint64_t *movable;
    struct tenant *tenants;
};

static uint64_t map_bits(const struct ns_cma *cma) {
    return cma->count >> cma->order_per_bit;
}

static uint64_t pages_to_bits(const struct ns_cma *cma, uint64_t count) {
    const uint64_t rest = count & ((UINT64_C(1) << cma->order_per_bit) - 1);
    return (count >> cma->order_per_bit) + (rest != 0);
}

static uint64_t physical_of(const struct ns_cma *cma, uint64_t page) {
    return (cma->first_frame + page) * NS_FRAME_SIZE;
}

/* False when the address is no page of the area. */
static bool page_of(const struct ns_cma *cma, uint64_t physical, uint64_t *page) {
    *page = physical / NS_FRAME_SIZE - cma->first_frame;
    return cma->count != 0 && physical % NS_FRAME_SIZE == 0 && physical / NS_FRAME_SIZE >= cma->first_frame &&
           *page < cma->count;
}

static uint64_t taken_count(const struct ns_cma *cma, uint64_t from, uint64_t to) {
    return ns_bitmap_count(cma->occupied, from, to) - ns_bitmap_count(cma->movable, from, to);
}

/* ---- creation -------------------------------------------------------------------------------- */

static enum ns_zone zone_of(const struct ns_zone_limits *limits, uint64_t physical) {
    if (physical < limits->dma)
        return NS_POOL_ZONE_DMA;
    return physical < limits->dma32 ? NS_POOL_ZONE_DMA32 : NS_POOL_ZONE_NORMAL;
}

static bool all_in_ram(const struct ns_cma_memory *memory, const struct ns_frame_region *area) {
    uint64_t covered = 0;
    for (size_t i = 0; i < memory->ram_count; i++) { /* regions of RAM do not overlap: parts add up */
        const struct ns_frame_region *ram = &memory->ram[i];
        const uint64_t from = ram->base > area->base ? ram->base : area->base;
        const uint64_t ram_end = ram->base + ram->length;
        const uint64_t to = ram_end < area->base + area->length ? ram_end : area->base + area->length;
        covered += to > from ? to - from : 0;
    }
    return covered == area->length;
}

static bool can_activate(const struct ns_port *port, const struct ns_cma_memory *memory,
                         const struct ns_frame_region *area) {
    const uint64_t last = area->base + (area->length - 1);
    if (all_in_ram(memory, area) && zone_of(&memory->zones, area->base) == zone_of(&memory->zones, last))
        return true;
    ns_say(port, NS_SAY_WARN, "cma_activate_area", "area at {x}, size {x} could not be activated: not in one zone",
           area->base, area->length);
    return false;
}

enum ns_pool_status ns_cma_create(const struct ns_port *port, const struct ns_cma_config *config, struct ns_cma **cma) {
    struct ns_frame_region area = {0, 0};
    const enum ns_pool_status status = ns_cma_declare(port, &config->memory, &config->request, &area);
    if (status != NS_POOL_OK)
        return status;
    const uint64_t pages = can_activate(port, &config->memory, &area) ? area.length / NS_FRAME_SIZE : 0;
    const uint64_t words = ns_bitmap_words(pages);
    struct ns_cma *made = port->metadata_allocate(port->context, sizeof *made + pages * sizeof(struct tenant) +
                                                                     3 * words * sizeof(uint64_t));
    if (!made)
        return NS_POOL_ERROR_METADATA;
    made->port = port;
    made->frames = config->frames;
    made->moved = config->moved;
    made->moved_context = config->moved_context;
    made->strict = config->strict;
    made->first_frame = area.base / NS_FRAME_SIZE;
    made->count = pages;
    made->order_per_bit = config->request.order_per_bit;
    made->tenants = (struct tenant *)(void *)(made + 1);
    made->map = (uint64_t *)(void *)(made->tenants + pages);
    made->occupied = made->map + words;
    made->movable = made->occupied + words;
    *cma = made;
    return NS_POOL_OK;
}

enum ns_pool_status ns_cma_destroy(struct ns_cma *cma) {
    if (!cma)
        return NS_POOL_OK;
    const struct ns_port *port = cma->port;
    const uint64_t page = ns_bitmap_find(cma->occupied, 0, cma->count, true);
    if (page < cma->count) {
        port->misuse(port->context, NS_MISUSE_DESTROY_BUSY, physical_of(cma, page), 0);
        return NS_POOL_ERROR_BUSY;
    }
    port->metadata_free(port->context, cma);
    return NS_POOL_OK;
}

/* ---- alloc_contig_range ---------------------------------------------------------------------- */

/* migrate_pages for one page: a frame outside of the area, a copy by the CPU, the owner is told. */
static enum ns_pool_status move_out(struct ns_cma *cma, uint64_t page) {
    const struct ns_port *port = cma->port;
    const struct ns_frames_request anywhere = {
        .count = 1, .alignment = 1, .lowest = 0, .highest = UINT64_MAX, .zone = NS_POOL_ZONE_NORMAL};
    uint64_t to = 0;
    if (!cma->frames || ns_frames_allocate(cma->frames, &anywhere, &to) != NS_POOL_OK) {
        ns_say(port, NS_SAY_DECISION, "migrate_pages", "no frame to move the page at {x} to", physical_of(cma, page),
               0);
        return NS_POOL_ERROR_EXHAUSTED;
    }
    const uint64_t from = physical_of(cma, page);
    ns_say(port, NS_SAY_DECISION, "migrate_pages", "moving the page at {x} to {x} by the CPU", from, to);
    port->copy(port->context, port->to_virtual(port->context, to), port->to_virtual(port->context, from),
               NS_FRAME_SIZE);
    ns_bitmap_clear(cma->occupied, page, 1);
    ns_bitmap_clear(cma->movable, page, 1);
    cma->moves++;
    if (cma->moved)
        cma->moved(cma->moved_context, cma->tenants[page].owner, from, to);
    return NS_POOL_OK;
}

/* Empties and takes pages [first, first + count). BUSY when one stays: pinned, or taken although its bit is clear. The
 * others are moved out first, and stay out. */
static enum ns_pool_status take_range(struct ns_cma *cma, uint64_t first, uint64_t count) {
    const uint64_t end = first + count;
    for (uint64_t page = ns_bitmap_find(cma->movable, first, end, true); page < end;
         page = ns_bitmap_find(cma->movable, page + 1, end, true)) {
        if (cma->tenants[page].pins != 0)
            continue;
        const enum ns_pool_status status = move_out(cma, page);
        if (status != NS_POOL_OK)
            return status;
    }
    const uint64_t stays = ns_bitmap_find(cma->occupied, first, end, true);
    if (stays < end) {
        ns_say(cma->port, NS_SAY_DECISION, "alloc_contig_range", "the page at {x} cannot be moved now",
               physical_of(cma, stays), 0);
        return NS_POOL_ERROR_BUSY;
    }
    ns_bitmap_set(cma->occupied, first, count);
    return NS_POOL_OK;
}

/* ---- allocation ------------------------------------------------------------------------------ */

static uint64_t aligned_mask(const struct ns_cma *cma, unsigned align_order) {
    if (align_order <= cma->order_per_bit)
        return 0;
    return (UINT64_C(1) << (align_order - cma->order_per_bit)) - 1;
}

/* In bits: how far behind an aligned address the area begins. */
static uint64_t aligned_offset(const struct ns_cma *cma, unsigned align_order) {
    return (cma->first_frame & ((UINT64_C(1) << align_order) - 1)) >> cma->order_per_bit;
}

static enum ns_pool_status search(struct ns_cma *cma, uint64_t count, unsigned align_order, uint64_t *page) {
    const uint64_t bits = pages_to_bits(cma, count);
    const uint64_t mask = aligned_mask(cma, align_order);
    const uint64_t offset = aligned_offset(cma, align_order);
    const uint64_t size = map_bits(cma);
    enum ns_pool_status status = NS_POOL_ERROR_EXHAUSTED;
    for (uint64_t start = 0;;) {
        const uint64_t found = ns_bitmap_find_zero_area(cma->map, size, start, bits, mask, offset);
        if (found > size || bits > size - found)
            return status;
        *page = found << cma->order_per_bit;
        ns_bitmap_set(cma->map, found, bits);
        status = take_range(cma, *page, count);
        if (status == NS_POOL_OK)
            return NS_POOL_OK;
        ns_bitmap_clear(cma->map, found, bits);
        if (status != NS_POOL_ERROR_BUSY)
            return status;
        cma->retries++;
        ns_say(cma->port, NS_SAY_DECISION, "cma_alloc", "memory range at {x} is busy, retrying",
               physical_of(cma, *page), 0);
        start = found + mask + 1;
    }
}

enum ns_pool_status ns_cma_alloc(struct ns_cma *cma, uint64_t count, unsigned align_order, bool no_warn,
                                 uint64_t *physical) {
    enum { ENOMEM = 12, EBUSY = 16 };
    if (!cma || count == 0 || align_order > 51)
        return NS_POOL_ERROR_ARGUMENT;
    if (count > cma->count)
        return NS_POOL_ERROR_EXHAUSTED;
    uint64_t page = 0;
    const enum ns_pool_status status = search(cma, count, align_order, &page);
    if (status == NS_POOL_OK)
        *physical = physical_of(cma, page);
    else if (!no_warn)
        ns_say(cma->port, NS_SAY_WARN, "cma_alloc", "alloc failed, req-size: {d} pages, ret: -{d}", count,
               status == NS_POOL_ERROR_BUSY ? EBUSY : ENOMEM);
    return status;
}

/* ---- return ---------------------------------------------------------------------------------- */

static bool refuse_release(const struct ns_cma *cma, enum ns_port_misuse why, const char *text, uint64_t physical,
                           uint64_t count) {
    const struct ns_port *port = cma->port;
    const uint64_t length = count > UINT64_MAX / NS_FRAME_SIZE ? 0 : count * NS_FRAME_SIZE;
    ns_say(port, NS_SAY_BUG, "cma_release", text, physical, count);
    port->misuse(port->context, why, physical, length);
    return false;
}

/* All pages are taken, and none that stays taken shares a bit with them. */
static bool exactly_taken(const struct ns_cma *cma, uint64_t page, uint64_t count) {
    const uint64_t first_bit = page >> cma->order_per_bit;
    const uint64_t from = first_bit << cma->order_per_bit;
    const uint64_t to = (first_bit + pages_to_bits(cma, count)) << cma->order_per_bit;
    return taken_count(cma, page, page + count) == count &&
           taken_count(cma, from, to > page + count ? to : page + count) == count;
}

bool ns_cma_release(struct ns_cma *cma, uint64_t physical, uint64_t count) {
    uint64_t page = 0;
    if (!cma || !page_of(cma, physical, &page))
        return false;
    if (count > cma->count - page)
        return refuse_release(cma, NS_MISUSE_FREE_SIZE, "{x}, {d} pages, crosses the end of the area", physical, count);
    if (cma->strict && count != 0 && !exactly_taken(cma, page, count)) {
        if (taken_count(cma, page, page + count) == 0)
            return refuse_release(cma, NS_MISUSE_DOUBLE_FREE, "{x}, {d} pages, is free already", physical, count);
        return refuse_release(cma, NS_MISUSE_FREE_SIZE, "{x}, {d} pages, is not what was allocated", physical, count);
    }
    ns_bitmap_clear(cma->occupied, page, count);
    ns_bitmap_clear(cma->movable, page, count);
    ns_bitmap_clear(cma->map, page >> cma->order_per_bit, pages_to_bits(cma, count));
    return true;
}

/* ---- movable pages --------------------------------------------------------------------------- */

enum ns_pool_status ns_cma_place_movable(struct ns_cma *cma, uint64_t owner, uint64_t *physical) {
    const uint64_t page = ns_bitmap_find(cma->occupied, 0, cma->count, false);
    if (page == cma->count)
        return NS_POOL_ERROR_EXHAUSTED;
    ns_bitmap_set(cma->occupied, page, 1);
    ns_bitmap_set(cma->movable, page, 1);
    cma->tenants[page] = (struct tenant){.owner = owner, .pins = 0};
    *physical = physical_of(cma, page);
    return NS_POOL_OK;
}

/* NULL when no movable page lies there. */
static struct tenant *tenant_at(struct ns_cma *cma, uint64_t physical, uint64_t *page) {
    return page_of(cma, physical, page) && ns_bitmap_test(cma->movable, *page) ? &cma->tenants[*page] : NULL;
}

enum ns_pool_status ns_cma_remove_movable(struct ns_cma *cma, uint64_t owner, uint64_t physical) {
    uint64_t page = 0;
    const struct tenant *tenant = tenant_at(cma, physical, &page);
    if (!tenant || tenant->owner != owner) {
        cma->port->misuse(cma->port->context, NS_MISUSE_FOREIGN_FREE, physical, NS_FRAME_SIZE);
        return NS_POOL_ERROR_MISUSE;
    }
    if (tenant->pins != 0)
        return NS_POOL_ERROR_BUSY;
    ns_bitmap_clear(cma->occupied, page, 1);
    ns_bitmap_clear(cma->movable, page, 1);
    return NS_POOL_OK;
}

enum ns_pool_status ns_cma_pin(struct ns_cma *cma, uint64_t physical) {
    uint64_t page = 0;
    struct tenant *tenant = tenant_at(cma, physical, &page);
    if (!tenant)
        return NS_POOL_ERROR_ARGUMENT;
    tenant->pins++;
    return NS_POOL_OK;
}

enum ns_pool_status ns_cma_unpin(struct ns_cma *cma, uint64_t physical) {
    uint64_t page = 0;
    struct tenant *tenant = tenant_at(cma, physical, &page);
    if (!tenant || tenant->pins == 0)
        return NS_POOL_ERROR_ARGUMENT;
    tenant->pins--;
    return NS_POOL_OK;
}

/* ---- questions ------------------------------------------------------------------------------- */

uint64_t ns_cma_get_base(const struct ns_cma *cma) {
    return cma->first_frame * NS_FRAME_SIZE;
}

uint64_t ns_cma_get_size(const struct ns_cma *cma) {
    return cma->count * NS_FRAME_SIZE;
}

struct ns_cma_statistics ns_cma_get_statistics(const struct ns_cma *cma) {
    return (struct ns_cma_statistics){.pages = cma->count,
                                      .taken = taken_count(cma, 0, cma->count),
                                      .movable = ns_bitmap_count(cma->movable, 0, cma->count),
                                      .bits = ns_bitmap_count(cma->map, 0, map_bits(cma)),
                                      .moved = cma->moves,
                                      .retries = cma->retries};
}
