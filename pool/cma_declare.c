/* SPDX-License-Identifier: Apache-2.0 */
/* Where a contiguous-memory area goes at boot. */
#include "pool/cma.h"

#include "pool/say.h"

static bool power_of_two(uint64_t value) {
    return value != 0 && (value & (value - 1)) == 0;
}

/* False on overflow. */
static bool round_up(uint64_t *value, uint64_t alignment) {
    if (*value > UINT64_MAX - (alignment - 1))
        return false;
    *value = (*value + alignment - 1) & ~(alignment - 1);
    return true;
}

static bool sound(const struct ns_frame_region *regions, size_t count) {
    for (size_t i = 0; i < count; i++)
        if (regions[i].base > UINT64_MAX - regions[i].length)
            return false;
    return true;
}

static uint64_t end_of_ram(const struct ns_cma_memory *memory) {
    uint64_t end = 0;
    for (size_t i = 0; i < memory->ram_count; i++)
        if (memory->ram[i].base + memory->ram[i].length > end)
            end = memory->ram[i].base + memory->ram[i].length;
    return end;
}

/* ---- a free place ---------------------------------------------------------------------------- */

/* The start of a reserved region that overlaps [from, to); `to` when none does. */
static uint64_t reserved_in(const struct ns_cma_memory *memory, uint64_t from, uint64_t to) {
    for (size_t i = 0; i < memory->reserved_count; i++) {
        const struct ns_frame_region *region = &memory->reserved[i];
        if (region->length != 0 && region->base < to && region->base + region->length > from)
            return region->base;
    }
    return to;
}

/* The first byte of [from, to) that is not RAM; `to` when all of it is. Neighbouring regions count as one. */
static uint64_t gap_in(const struct ns_cma_memory *memory, uint64_t from, uint64_t to) {
    for (size_t i = 0; i < memory->ram_count && from < to;) {
        const struct ns_frame_region *region = &memory->ram[i++];
        if (from >= region->base && from - region->base < region->length) {
            from = region->base + region->length;
            i = 0;
        }
    }
    return from < to ? from : to;
}

/* memblock_alloc_range_nid, top down: the highest place in [lowest, limit), never page 0. */
static bool find_place(const struct ns_cma_memory *memory, uint64_t size, uint64_t alignment, uint64_t lowest,
                       uint64_t limit, uint64_t *base) {
    if (lowest < NS_FRAME_SIZE)
        lowest = NS_FRAME_SIZE;
    while (limit >= size && limit - size >= lowest) {
        const uint64_t candidate = (limit - size) & ~(alignment - 1);
        if (candidate < lowest)
            return false;
        const uint64_t end = candidate + size;
        const uint64_t taken = reserved_in(memory, candidate, end);
        const uint64_t gap = gap_in(memory, candidate, end);
        if (taken == end && gap == end) {
            *base = candidate;
            return true;
        }
        /* Whatever lies above the obstacle was tried already. */
        limit = taken < gap ? taken : gap;
    }
    return false;
}

/* ---- the checks ------------------------------------------------------------------------------ */

static enum ns_pool_status refuse(const struct ns_port *port, enum ns_pool_status status, const char *text,
                                  uint64_t first, uint64_t second) {
    ns_say(port, NS_SAY_WARN, "cma_declare_contiguous", text, first, second);
    return status;
}

static enum ns_pool_status place(const struct ns_port *port, const struct ns_cma_memory *memory,
                                 const struct ns_cma_request *wish, struct ns_frame_region *area) {
    if (!wish->fixed) {
        if (!find_place(memory, wish->size, wish->alignment, wish->base, wish->limit, &area->base))
            return refuse(port, NS_POOL_ERROR_EXHAUSTED, "failed to reserve {d} MiB: no room below {x}",
                          wish->size >> 20, wish->limit);
    } else {
        if (reserved_in(memory, wish->base, wish->base + wish->size) != wish->base + wish->size)
            return refuse(port, NS_POOL_ERROR_BUSY, "failed to reserve {d} MiB at {x}: taken", wish->size >> 20,
                          wish->base);
        area->base = wish->base;
    }
    area->length = wish->size;
    ns_say(port, NS_SAY_INFO, "cma_declare_contiguous", "reserved {d} MiB at {x}", area->length >> 20, area->base);
    return NS_POOL_OK;
}

enum ns_pool_status ns_cma_declare(const struct ns_port *port, const struct ns_cma_memory *memory,
                                   const struct ns_cma_request *request, struct ns_frame_region *area) {
    struct ns_cma_request wish = *request;
    if (memory->areas >= NS_CMA_AREAS_MAX)
        return refuse(port, NS_POOL_ERROR_METADATA, "not enough slots for CMA reserved regions", 0, 0);
    if (wish.minimum_alignment == 0)
        wish.minimum_alignment = NS_CMA_ALIGNMENT_DEFAULT;
    if (wish.size == 0 || (wish.alignment != 0 && !power_of_two(wish.alignment)) ||
        !power_of_two(wish.minimum_alignment) || wish.minimum_alignment < NS_FRAME_SIZE ||
        !sound(memory->ram, memory->ram_count) || !sound(memory->reserved, memory->reserved_count))
        return NS_POOL_ERROR_ARGUMENT;
    if (wish.alignment < wish.minimum_alignment)
        wish.alignment = wish.minimum_alignment;
    if (wish.fixed && (wish.base & (wish.alignment - 1)) != 0)
        return refuse(port, NS_POOL_ERROR_ARGUMENT, "region at {x} must be aligned to {x} bytes", wish.base,
                      wish.alignment);
    if (!round_up(&wish.base, wish.alignment) || !round_up(&wish.size, wish.alignment))
        return NS_POOL_ERROR_ARGUMENT;
    wish.limit &= ~(wish.alignment - 1);
    if (wish.base == 0)
        wish.fixed = false;
    /* The size is a multiple of the alignment, and that of the minimum: one check stands for all three. */
    if (wish.order_per_bit >= 52 ||
        ((wish.minimum_alignment / NS_FRAME_SIZE) & ((UINT64_C(1) << wish.order_per_bit) - 1)) != 0)
        return NS_POOL_ERROR_ARGUMENT;
    const uint64_t end = end_of_ram(memory);
    if (wish.limit == 0 || wish.limit > end)
        wish.limit = end;
    if (wish.base > wish.limit || wish.size > wish.limit - wish.base)
        return refuse(port, NS_POOL_ERROR_ARGUMENT, "size {x} of region at {x} exceeds the limit", wish.size,
                      wish.base);
    return place(port, memory, &wish, area);
}
