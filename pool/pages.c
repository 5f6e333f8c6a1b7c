/* SPDX-License-Identifier: Apache-2.0 */
#include "pool/pages.h"

#include "pool/say.h"

unsigned ns_order_of(uint64_t bytes) {
    unsigned order = 0;
    while (order < 52 && bytes > NS_FRAME_SIZE << order)
        order++;
    return order;
}

static bool zone_exists(const struct ns_frames *frames, enum ns_zone zone) {
    const uint64_t below = zone == NS_POOL_ZONE_DMA ? 0 : ns_frames_limit(frames, NS_POOL_ZONE_DMA);
    return ns_frames_limit(frames, zone) > below;
}

enum ns_zone ns_gfp_zone(const struct ns_frames *frames, ns_gfp gfp) {
    if (!ns_gfp_zone_valid(gfp)) {
        int lowest = NS_POOL_ZONE_DMA;
        while (!zone_exists(frames, (enum ns_zone)lowest))
            lowest++;
        return (enum ns_zone)lowest;
    }
    if ((gfp & NS___GFP_DMA) != 0 && zone_exists(frames, NS_POOL_ZONE_DMA))
        return NS_POOL_ZONE_DMA;
    if ((gfp & NS___GFP_DMA32) != 0 && zone_exists(frames, NS_POOL_ZONE_DMA32))
        return NS_POOL_ZONE_DMA32;
    return NS_POOL_ZONE_NORMAL;
}

/* ---- allocation ------------------------------------------------------------------------------ */

static void tell_zone(const struct ns_port *port, ns_gfp gfp, enum ns_zone zone) {
    if ((gfp & NS___GFP_DMA) != 0 && zone != NS_POOL_ZONE_DMA)
        ns_say(port, NS_SAY_DECISION, "gfp_zone", "GFP_DMA, but this kernel has no ZONE_DMA: any memory will do", 0, 0);
    else if ((gfp & NS___GFP_DMA32) != 0 && zone != NS_POOL_ZONE_DMA32)
        ns_say(port, NS_SAY_DECISION, "gfp_zone", "GFP_DMA32, but this kernel has no ZONE_DMA32: any memory will do", 0,
               0);
}

/* Only where the zone has memory at all: on a small machine every request without flags goes down. */
static void tell_fallback(const struct ns_frames *frames, enum ns_zone zone, uint64_t physical) {
    if (zone == NS_POOL_ZONE_DMA || ns_frames_total_count(frames, zone) == 0)
        return;
    if (physical < ns_frames_limit(frames, (enum ns_zone)(zone - 1)))
        ns_say(ns_frames_port(frames), NS_SAY_DECISION, "get_page_from_freelist",
               "no room in the zone of the flags: page {x} comes from a lower zone", physical, 0);
}

enum ns_pool_status ns_alloc_pages(struct ns_frames *frames, ns_gfp gfp, unsigned order, uint64_t *physical) {
    const struct ns_port *port = ns_frames_port(frames);
    if (order > NS_MAX_ORDER) {
        if ((gfp & NS___GFP_NOWARN) == 0)
            ns_say(port, NS_SAY_WARN, "__alloc_pages_nodemask", "order {d} is above the largest, {d}", order,
                   NS_MAX_ORDER);
        return NS_POOL_ERROR_ARGUMENT;
    }
    if (!ns_gfp_zone_valid(gfp)) {
        ns_say(port, NS_SAY_BUG, "gfp_zone", "illegal combination of zone flags {x}", gfp & NS___GFP_ZONES, 0);
        return NS_POOL_ERROR_ARGUMENT;
    }
    const enum ns_zone zone = ns_gfp_zone(frames, gfp);
    tell_zone(port, gfp, zone);
    const uint64_t count = UINT64_C(1) << order;
    const struct ns_frames_request request = {
        .count = count, .alignment = count, .lowest = 0, .highest = UINT64_MAX, .zone = zone};
    const enum ns_pool_status status = ns_frames_allocate(frames, &request, physical);
    if (status != NS_POOL_OK) {
        if ((gfp & NS___GFP_NOWARN) == 0)
            ns_say(port, NS_SAY_WARN, "warn_alloc", "page allocation failure: order {d}, mode {x}", order, gfp);
        return status;
    }
    tell_fallback(frames, zone, *physical);
    if ((gfp & NS___GFP_ZERO) != 0)
        port->fill(port->context, port->to_virtual(port->context, *physical), count * NS_FRAME_SIZE, 0);
    return NS_POOL_OK;
}

enum ns_pool_status ns_get_free_pages(struct ns_frames *frames, ns_gfp gfp, unsigned order, uint64_t *virtual_address) {
    const struct ns_port *port = ns_frames_port(frames);
    if ((gfp & NS___GFP_HIGHMEM) != 0) {
        ns_say(port, NS_SAY_WARN, "__get_free_pages", "a highmem page has no address; flags {x}", gfp, 0);
        return NS_POOL_ERROR_ARGUMENT;
    }
    uint64_t physical = 0;
    const enum ns_pool_status status = ns_alloc_pages(frames, gfp, order, &physical);
    if (status == NS_POOL_OK)
        *virtual_address = port->to_virtual(port->context, physical);
    return status;
}

/* ---- return ---------------------------------------------------------------------------------- */

enum ns_pool_status ns_free_pages(struct ns_frames *frames, uint64_t physical, unsigned order) {
    if (order > NS_MAX_ORDER)
        return NS_POOL_ERROR_ARGUMENT;
    const uint64_t count = UINT64_C(1) << order;
    const bool whole = ns_frames_block_state(frames, physical, count) == NS_FRAMES_BLOCK_HELD;
    if (!whole && ns_frames_block_count(frames, physical) != 0) {
        const struct ns_port *port = ns_frames_port(frames);
        port->misuse(port->context, NS_MISUSE_FREE_SIZE, physical, count * NS_FRAME_SIZE);
        return NS_POOL_ERROR_MISUSE;
    }
    return ns_frames_free(frames, physical, count);
}
