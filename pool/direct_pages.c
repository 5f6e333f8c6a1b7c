/* SPDX-License-Identifier: Apache-2.0 */
#include "pool/direct_pages.h"

#include "pool/cma.h"
#include "pool/dma_mask.h"
#include "pool/pages.h"
#include "pool/say.h"

enum { CMA_ALIGNMENT = 8 }; /* CONFIG_CMA_ALIGNMENT's default */

static uint64_t min_not_zero(uint64_t a, uint64_t b) {
    if (a == 0)
        return b;
    return b == 0 || a < b ? a : b;
}

static uint64_t frames_of(uint64_t size) {
    return size / NS_FRAME_SIZE + (size % NS_FRAME_SIZE != 0);
}

/* ---- where to look, and whether it will do --------------------------------------------------- */

ns_gfp ns_dma_direct_optimal_gfp_mask(const struct ns_dma_direct *direct, const struct ns_pool_device *device,
                                      uint64_t *physical_limit) {
    const uint64_t limit = min_not_zero(device->coherent_dma_mask, device->bus_dma_limit);
    const uint64_t translated = ns_bus_to_physical(device, limit);
    const char *const who = "dma_direct_optimal_gfp_mask";
    if (physical_limit)
        *physical_limit = translated;
    if (translated <= direct->config.zone_dma_limit) {
        ns_say(direct->port, NS_SAY_DECISION, who, "which zone first? DMA: the limit {x} is physical {x}, inside it",
               limit, translated);
        return NS_GFP_DMA;
    }
    if (translated <= ns_dma_bit_mask(32)) {
        ns_say(direct->port, NS_SAY_DECISION, who, "which zone first? DMA32: the limit {x} is physical {x}", limit,
               translated);
        return NS_GFP_DMA32;
    }
    if (translated == NS_DMA_MAPPING_ERROR && limit != NS_DMA_MAPPING_ERROR)
        ns_say(direct->port, NS_SAY_DECISION, who,
               "which zone first? any: the limit {x} lies in no dma-range, so it says nothing", limit, 0);
    else
        ns_say(direct->port, NS_SAY_DECISION, who, "which zone first? any: the limit {x} is physical {x}, above 4 GiB",
               limit, translated);
    return 0;
}

/* Not in Linux: the block does not run out of the range in which it begins. */
static bool one_range(const struct ns_pool_device *device, uint64_t physical, uint64_t size) {
    const uint64_t bus = ns_physical_to_bus(device, physical);
    return ns_physical_to_bus(device, physical + (size - 1)) == bus + (size - 1);
}

bool ns_dma_coherent_ok(const struct ns_dma_direct *direct, const struct ns_pool_device *device, uint64_t physical,
                        uint64_t size) {
    const uint64_t first = ns_physical_to_bus(device, physical);
    if (size == 0 || first == NS_DMA_MAPPING_ERROR)
        return false;
    const uint64_t limit = min_not_zero(device->coherent_dma_mask, device->bus_dma_limit);
    const uint64_t last = first + (size - 1);
    if (last < first || physical + (size - 1) < physical)
        return false;
    if (direct->config.search_ranges && !one_range(device, physical, size))
        return false;
    switch (direct->config.address_test) {
    case NS_ADDRESS_LAST_BYTE:
        break;
    case NS_ADDRESS_FIRST_BYTE:
        return first <= limit;
    case NS_ADDRESS_PAST_END:
        return last != UINT64_MAX && last + 1 <= limit;
    case NS_ADDRESS_IGNORE_BUS_LIMIT:
        return last <= device->coherent_dma_mask;
    case NS_ADDRESS_PHYSICAL:
        return physical + (size - 1) <= limit;
    }
    return last <= limit;
}

static bool reaches(const struct ns_dma_direct *direct, const struct ns_pool_device *device, uint64_t physical,
                    uint64_t size) {
    const bool ok = ns_dma_coherent_ok(direct, device, physical, size);
    const uint64_t bus = ns_physical_to_bus(device, physical);
    if (bus == NS_DMA_MAPPING_ERROR)
        ns_say(direct->port, NS_SAY_DECISION, "dma_coherent_ok",
               "does the device reach physical {x}? no: it lies in none of its dma-ranges", physical, 0);
    else
        ns_say(direct->port, NS_SAY_DECISION, "dma_coherent_ok",
               ok ? "does the device reach it? yes: bus {x} to {x} is inside its limit"
                  : "does the device reach it? no: bus {x} to {x} is not inside its limit",
               bus, bus + (size - 1));
    return ok;
}

/* ---- CMA ------------------------------------------------------------------------------------- */

/* The area that dma_alloc_contiguous asks, and why; NULL: none. */
static struct ns_cma *area_for(const struct ns_dma_direct *direct, const struct ns_pool_device *device, uint64_t size,
                               ns_gfp gfp) {
    const char *const who = "dma_alloc_contiguous";
    if (!direct->config.dma_cma)
        return NULL;
    if (!ns_gfp_may_block(gfp)) {
        ns_say(direct->port, NS_SAY_DECISION, who, "ask CMA? no: the caller may not block, and CMA migrates pages", 0,
               0);
        return NULL;
    }
    if (device->cma_area) {
        ns_say(direct->port, NS_SAY_DECISION, who, "ask CMA? yes: the device has an area of its own, and only that", 0,
               0);
        return device->cma_area;
    }
    if (size <= NS_FRAME_SIZE) {
        ns_say(direct->port, NS_SAY_DECISION, who, "ask CMA? no: one page, that would fragment the area", 0, 0);
        return NULL;
    }
    ns_say(direct->port, NS_SAY_DECISION, who,
           direct->config.cma ? "ask CMA? yes: {d} bytes from the default area" : "ask CMA? no: there is no area", size,
           0);
    return direct->config.cma;
}

enum ns_pool_status ns_dma_alloc_contiguous(struct ns_dma_direct *direct, const struct ns_pool_device *device,
                                            uint64_t size, ns_gfp gfp, uint64_t *physical) {
    struct ns_cma *area = area_for(direct, device, size, gfp);
    if (!area)
        return NS_POOL_ERROR_EXHAUSTED;
    const unsigned largest = direct->config.cma_alignment != 0 ? direct->config.cma_alignment : CMA_ALIGNMENT;
    const unsigned order = ns_order_of(size);
    const enum ns_pool_status status =
        ns_cma_alloc(area, frames_of(size), order < largest ? order : largest, (gfp & NS___GFP_NOWARN) != 0, physical);
    return status == NS_POOL_OK ? NS_POOL_OK : NS_POOL_ERROR_EXHAUSTED;
}

/* __free_pages. */
static enum ns_pool_status free_to_buddy(struct ns_dma_direct *direct, uint64_t physical, uint64_t size) {
    const unsigned order = ns_order_of(size);
    if (direct->config.checks == NS_CHECKS_STRICT)
        return ns_free_pages(direct->frames, physical, order);
    if (ns_frames_free_unchecked(direct->frames, physical, UINT64_C(1) << order) != 0)
        return NS_POOL_OK;
    direct->port->misuse(direct->port->context, NS_MISUSE_FOREIGN_FREE, physical, size);
    return NS_POOL_ERROR_MISUSE;
}

enum ns_pool_status ns_dma_free_contiguous(struct ns_dma_direct *direct, const struct ns_pool_device *device,
                                           uint64_t physical, uint64_t size) {
    struct ns_cma *area = device->cma_area ? device->cma_area : direct->config.cma;
    if (direct->config.dma_cma && area && ns_cma_release(area, physical, frames_of(size)))
        return NS_POOL_OK;
    return free_to_buddy(direct, physical, size);
}

/* ---- __dma_direct_alloc_pages ---------------------------------------------------------------- */

/* The zone flags to try after memory that the device does not reach. False: there is no other. */
static bool next_zone(const struct ns_dma_direct *direct, uint64_t physical_limit, ns_gfp *gfp) {
    const char *const who = "__dma_direct_alloc_pages";
    if (direct->zone_dma32 && physical_limit < UINT64_MAX && (*gfp & (NS___GFP_DMA32 | NS___GFP_DMA)) == 0) {
        ns_say(direct->port, NS_SAY_DECISION, who, "try again? yes, in DMA32", 0, 0);
        *gfp |= NS_GFP_DMA32;
        return true;
    }
    if (direct->zone_dma && (*gfp & NS___GFP_DMA) == 0) {
        ns_say(direct->port, NS_SAY_DECISION, who, "try again? yes, in DMA", 0, 0);
        *gfp = (*gfp & ~NS___GFP_DMA32) | NS_GFP_DMA; /* both at once is no zone */
        return true;
    }
    ns_say(direct->port, NS_SAY_DECISION, who, "try again? no: there is no lower zone to ask", 0, 0);
    return false;
}

static enum ns_pool_status from_buddy(struct ns_dma_direct *direct, const struct ns_pool_device *device, uint64_t size,
                                      ns_gfp gfp, uint64_t physical_limit, uint64_t *physical) {
    const unsigned order = ns_order_of(size);
    enum ns_pool_status status = NS_POOL_ERROR_EXHAUSTED;
    do {
        uint64_t found = 0;
        const enum ns_pool_status got = ns_alloc_pages(direct->frames, gfp, order, &found);
        /* Too large for the buddy allocator is no memory, as far as the driver can tell. */
        if (got != NS_POOL_OK)
            return status == NS_POOL_ERROR_NOT_ADDRESSABLE ? status : NS_POOL_ERROR_EXHAUSTED;
        ns_say(direct->port, NS_SAY_DECISION, "alloc_pages", "2^{d} pages at physical {x}", order, found);
        if (reaches(direct, device, found, size)) {
            *physical = found;
            return NS_POOL_OK;
        }
        /* 5.10 asks CMA first whether the pages are its own; they never are. */
        (void)ns_free_pages(direct->frames, found, order);
        status = NS_POOL_ERROR_NOT_ADDRESSABLE;
    } while (next_zone(direct, physical_limit, &gfp));
    return status;
}

/* Not in Linux: each of the device's ranges by itself, as far as the limit goes. */
static enum ns_pool_status from_ranges(struct ns_dma_direct *direct, const struct ns_pool_device *device, uint64_t size,
                                       uint64_t *physical) {
    const uint64_t limit = ns_dma_coherent_limit(device);
    const uint64_t count = UINT64_C(1) << ns_order_of(size);
    for (size_t i = 0; i < device->range_count; i++) {
        const struct ns_bus_range *range = &device->ranges[i];
        if (range->length == 0 || range->bus > limit)
            continue;
        const uint64_t reach = limit - range->bus < range->length - 1 ? limit - range->bus : range->length - 1;
        const struct ns_frames_request request = {.count = count,
                                                  .alignment = count,
                                                  .lowest = range->physical,
                                                  .highest = range->physical + reach,
                                                  .zone = NS_POOL_ZONE_NORMAL};
        uint64_t found = 0;
        if (ns_frames_allocate(direct->frames, &request, &found) != NS_POOL_OK)
            continue;
        if (reaches(direct, device, found, size)) {
            *physical = found;
            return NS_POOL_OK;
        }
        (void)ns_frames_free(direct->frames, found, count);
    }
    return NS_POOL_ERROR_NOT_ADDRESSABLE;
}

enum ns_pool_status ns_dma_direct_alloc_pages(struct ns_dma_direct *direct, const struct ns_pool_device *device,
                                              uint64_t size, ns_gfp gfp, uint64_t *physical) {
    uint64_t physical_limit = 0;
    gfp |= ns_dma_direct_optimal_gfp_mask(direct, device, &physical_limit);
    bool cma_out_of_reach = false;
    uint64_t found = 0;
    if (ns_dma_alloc_contiguous(direct, device, size, gfp, &found) == NS_POOL_OK) {
        ns_say(direct->port, NS_SAY_DECISION, "dma_alloc_contiguous", "{d} bytes at physical {x}", size, found);
        if (reaches(direct, device, found, size)) {
            *physical = found;
            return NS_POOL_OK;
        }
        (void)ns_dma_free_contiguous(direct, device, found, size);
        cma_out_of_reach = true;
    }
    enum ns_pool_status status = from_buddy(direct, device, size, gfp, physical_limit, physical);
    if (status == NS_POOL_ERROR_NOT_ADDRESSABLE && direct->config.search_ranges)
        status = from_ranges(direct, device, size, physical);
    return status == NS_POOL_ERROR_EXHAUSTED && cma_out_of_reach ? NS_POOL_ERROR_NOT_ADDRESSABLE : status;
}
