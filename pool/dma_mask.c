/* SPDX-License-Identifier: Apache-2.0 */
#include "pool/dma_mask.h"

#include "pool/say.h"

/* All ones up to the highest bit that is set: 2^(ilog2(value) + 1) - 1; 0 for 0. */
static uint64_t ones_up_to(uint64_t value) {
    for (unsigned shift = 1; shift < 64; shift *= 2)
        value |= value >> shift;
    return value;
}

uint64_t ns_dma_bit_mask(unsigned bits) {
    return bits >= 64 ? UINT64_MAX : (UINT64_C(1) << bits) - 1;
}

/* ---- what a mask must reach ------------------------------------------------------------------ */

uint64_t ns_dma_direct_get_required_mask(const struct ns_dma_direct *direct, const struct ns_pool_device *device) {
    const uint64_t last =
        direct->config.kernel == NS_KERNEL_7 ? direct->config.ram_end - 1 : direct->config.ram_end - NS_FRAME_SIZE;
    return ones_up_to(ns_physical_to_bus(device, last));
}

bool ns_dma_direct_supported(const struct ns_dma_direct *direct, const struct ns_pool_device *device, uint64_t mask) {
    if (mask >= ns_dma_bit_mask(32)) {
        ns_say(direct->port, NS_SAY_DECISION, "dma_direct_supported", "mask {x}: accepted, it has 32 bits or more",
               mask, 0);
        return true;
    }
    uint64_t least = direct->config.ram_end - NS_FRAME_SIZE;
    if (direct->zone_dma && direct->config.zone_dma_limit < least)
        least = direct->config.zone_dma_limit;
    const uint64_t needed = ns_physical_to_bus(device, least);
    if (mask >= needed) {
        ns_say(direct->port, NS_SAY_DECISION, "dma_direct_supported", "mask {x}: accepted, it reaches bus address {x}",
               mask, needed);
        return true;
    }
    ns_say(direct->port, NS_SAY_DECISION, "dma_direct_supported",
           "mask {x}: refused, no zone is sure to lie below it: it must reach bus address {x}", mask, needed);
    return false;
}

enum ns_pool_status ns_dma_set_coherent_mask(const struct ns_dma_direct *direct, struct ns_pool_device *device,
                                             uint64_t mask) {
    if (!device->dma_ops && !ns_dma_direct_supported(direct, device, mask))
        return NS_POOL_ERROR_NOT_ADDRESSABLE;
    device->coherent_dma_mask = mask;
    return NS_POOL_OK;
}

enum ns_pool_status ns_dma_set_mask(const struct ns_dma_direct *direct, struct ns_pool_device *device, uint64_t mask) {
    if (!device->dma_ops && !ns_dma_direct_supported(direct, device, mask))
        return NS_POOL_ERROR_NOT_ADDRESSABLE;
    device->dma_mask = mask;
    return NS_POOL_OK;
}

enum ns_pool_status ns_dma_set_mask_and_coherent(const struct ns_dma_direct *direct, struct ns_pool_device *device,
                                                 uint64_t mask) {
    const enum ns_pool_status status = ns_dma_set_mask(direct, device, mask);
    return status == NS_POOL_OK ? ns_dma_set_coherent_mask(direct, device, mask) : status;
}

/* ---- the device tree ------------------------------------------------------------------------- */

/* The lowest and the highest bus address of all ranges; false when there is none, or one that wraps. */
static bool span_of(const struct ns_bus_range *ranges, size_t count, uint64_t *first, uint64_t *last) {
    bool any = false;
    for (size_t i = 0; i < count; i++) {
        const struct ns_bus_range *range = &ranges[i];
        if (range->length == 0)
            continue;
        const uint64_t end = range->bus + (range->length - 1);
        if (end < range->bus || range->physical + (range->length - 1) < range->physical)
            return false;
        if (!any || range->bus < *first)
            *first = range->bus;
        if (!any || end > *last)
            *last = end;
        any = true;
    }
    return any;
}

/* The last address that `size` bytes from `first` on have. A device tree that gives a mask for a size gets the one byte
 * that is missing. */
static uint64_t last_of(const struct ns_port *port, uint64_t first, uint64_t size) {
    if (size % 2 == 1) {
        ns_say(port, NS_SAY_WARN, "of_dma_configure_id", "invalid size {x} for dma-range: a mask? 1 is added", size, 0);
        size++;
    }
    return first + size - 1;
}

enum ns_pool_status ns_of_dma_configure(const struct ns_port *port, struct ns_pool_device *device,
                                        const struct ns_bus_range *ranges, size_t count, bool coherent) {
    if (!device)
        return NS_POOL_ERROR_ARGUMENT;
    uint64_t first = 0;
    uint64_t last = 0;
    if (count != 0 && !span_of(ranges, count, &first, &last))
        return NS_POOL_ERROR_ARGUMENT;
    if (device->coherent_dma_mask == 0)
        device->coherent_dma_mask = ns_dma_bit_mask(32);
    if (device->dma_mask == 0)
        device->dma_mask = device->coherent_dma_mask;
    if (count == 0)
        last = device->coherent_dma_mask;
    else if (last != UINT64_MAX) /* nothing can be added to that */
        last = last_of(port, first, last - first + 1);
    const uint64_t mask = ones_up_to(last);
    device->coherent_dma_mask &= mask;
    device->dma_mask &= mask;
    device->bus_dma_limit = count == 0 ? 0 : last;
    device->ranges = count == 0 ? NULL : ranges;
    device->range_count = count;
    device->coherent = coherent;
    ns_say(port, NS_SAY_DECISION, "of_dma_configure_id", "masks are cut to {x}, the bus limit is {x}", mask,
           device->bus_dma_limit);
    return NS_POOL_OK;
}
