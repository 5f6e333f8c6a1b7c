/* SPDX-License-Identifier: Apache-2.0 */
/* The decisions of a map: is it allowed, which memory is meant, does the device reach it, in place or by a bounce. */
#include "pool/mapping_internal.h"
#include "pool/say.h"
#include "pool/swiotlb.h"

/* ---- what every call checks first ------------------------------------------------------------ */

enum ns_pool_status ns_mapping_check(const struct ns_dma *dma, const char *function,
                                     const struct ns_pool_device *device, enum ns_dma_direction direction) {
    if ((unsigned)direction >= NS_DMA_DIRECTION_COUNT) {
        ns_say(dma->port, NS_SAY_BUG, function, "{d} is no direction of a transfer", (unsigned)direction, 0);
        return NS_POOL_ERROR_ARGUMENT;
    }
    return device ? NS_POOL_OK : NS_POOL_ERROR_ARGUMENT;
}

enum ns_pool_status ns_mapping_check_map(const struct ns_dma *dma, const char *function,
                                         const struct ns_pool_device *device, enum ns_dma_direction direction) {
    const enum ns_pool_status status = ns_mapping_check(dma, function, device, direction);
    if (status != NS_POOL_OK || device->dma_mask != 0)
        return status;
    ns_say(dma->port, NS_SAY_WARN, function, "the device has no DMA mask", 0, 0);
    return NS_POOL_ERROR_NOT_ADDRESSABLE;
}

bool ns_mapping_is_ram(const struct ns_dma *dma, uint64_t physical, uint64_t length) {
    const struct ns_port *port = dma->port;
    for (size_t i = 0; i < dma->config.ram_count; i++) {
        const struct ns_frame_region *region = &dma->config.ram[i];
        if (physical >= region->base && physical - region->base < region->length)
            return length <= region->length - (physical - region->base);
    }
    return dma->config.ram_count == 0 &&
           ns_mapping_translates(port, port->to_virtual(port->context, physical), length, physical);
}

static uint64_t first_ram(const struct ns_dma *dma) {
    uint64_t first = dma->config.ram_count == 0 ? 0 : UINT64_MAX;
    for (size_t i = 0; i < dma->config.ram_count; i++)
        if (dma->config.ram[i].base < first)
            first = dma->config.ram[i].base;
    return first;
}

/* dma_capable where dma_addr_t has 32 bits: bus addresses are cut before anything is compared. */
static bool capable_in_32_bits(const struct ns_dma *dma, const struct ns_pool_device *device, uint64_t full,
                               uint64_t length, bool is_ram, uint64_t *bus) {
    const uint32_t start = (uint32_t)full, last = (uint32_t)(full + (length - 1));
    *bus = start;
    if (full == NS_DMA_MAPPING_ERROR || start == UINT32_MAX || length - 1 > UINT32_MAX)
        return false;
    if (dma->config.dma_addr_exact && (full != start || last < start))
        return false;
    const uint32_t lowest = start < last ? start : last;
    if (is_ram && lowest < (uint32_t)ns_physical_to_bus(device, first_ram(dma)))
        return false;
    return last <= ns_dma_limit(device);
}

bool ns_mapping_capable(const struct ns_dma *dma, const struct ns_pool_device *device, uint64_t full, uint64_t length,
                        bool is_ram, uint64_t *bus) {
    if (dma->config.dma_addr_bits == 32)
        return capable_in_32_bits(dma, device, full, length, is_ram, bus);
    *bus = full;
    return ns_dma_capable(device, full, length);
}

/* ---- which memory ---------------------------------------------------------------------------- */

enum ns_pool_status ns_mapping_by_address(const struct ns_dma *dma, uint64_t virtual_address,
                                          struct ns_dma_mapping *wanted) {
    const struct ns_port *port = dma->port;
    const uint64_t length = wanted->length;
    if (length == 0)
        return NS_POOL_ERROR_ARGUMENT;
    const uint64_t physical = port->to_physical(port->context, virtual_address);
    if (physical == NS_DMA_MAPPING_ERROR || !ns_mapping_translates(port, virtual_address, length, physical))
        return NS_POOL_ERROR_ARGUMENT;
    for (uint64_t offset = NS_FRAME_SIZE - virtual_address % NS_FRAME_SIZE; offset < length; offset += NS_FRAME_SIZE)
        if (port->to_physical(port->context, virtual_address + offset) != physical + offset)
            return NS_POOL_ERROR_ARGUMENT;
    wanted->virtual_address = virtual_address;
    wanted->physical = physical;
    return NS_POOL_OK;
}

enum ns_pool_status ns_mapping_by_page(const struct ns_dma *dma, uint64_t page, uint64_t offset,
                                       struct ns_dma_mapping *wanted) {
    if (wanted->length == 0 || page % NS_FRAME_SIZE != 0 || page > UINT64_MAX - offset ||
        !ns_mapping_is_ram(dma, page + offset, wanted->length))
        return NS_POOL_ERROR_ARGUMENT;
    wanted->virtual_address = NS_DMA_NO_VIRTUAL;
    wanted->physical = page + offset;
    return NS_POOL_OK;
}

/* ---- in place, or through the bounce buffer -------------------------------------------------- */

enum place { IN_PLACE, BOUNCE_FORCED, BOUNCE_UNTRUSTED, BOUNCE_OUT_OF_REACH, BOUNCE_KMALLOC };

/* The size of the kmalloc cache that serves a small request: powers of two from 8, and 96 and 192
 * (Linux mm/slab_common.c kmalloc_info). */
static uint64_t kmalloc_size(uint64_t length) {
    if (length > 64 && length <= 96)
        return 96;
    if (length > 128 && length <= 192)
        return 192;
    uint64_t size = 8;
    while (size < length)
        size *= 2;
    return size;
}

/* Linux 6.5 include/linux/dma-map-ops.h dma_kmalloc_needs_bounce. */
static bool kmalloc_needs_bounce(const struct ns_dma *dma, const struct ns_dma_mapping *wanted) {
    const uint64_t line_size = dma->config.line_size;
    if (!dma->config.bounce_unaligned_kmalloc || wanted->device->coherent || wanted->direction == NS_DMA_TO_DEVICE)
        return false;
    return wanted->length < 2 * line_size && kmalloc_size(wanted->length) % line_size != 0;
}

/* *bus is the address in place, wherever it then goes. */
static enum place choose_place(const struct ns_dma *dma, const struct ns_dma_mapping *wanted, uint64_t *bus) {
    const struct ns_pool_device *device = wanted->device;
    const uint64_t full = ns_physical_to_bus(device, wanted->physical);
    const bool capable = ns_mapping_capable(dma, device, full, wanted->length, true, bus);
    if (dma->config.bounce == NS_DMA_BOUNCE_FORCE)
        return BOUNCE_FORCED;
    if (device->untrusted)
        return BOUNCE_UNTRUSTED;
    if (!capable)
        return BOUNCE_OUT_OF_REACH;
    return kmalloc_needs_bounce(dma, wanted) ? BOUNCE_KMALLOC : IN_PLACE;
}

static void tell_place(const struct ns_dma *dma, enum place place, const struct ns_dma_mapping *wanted) {
    static const char *const why[] = {
        [IN_PLACE] = "in place: the device reaches all {d} bytes at physical {x}",
        [BOUNCE_FORCED] = "bounce of {d} bytes at physical {x}: swiotlb=force",
        [BOUNCE_UNTRUSTED] = "bounce of {d} bytes at physical {x}: the device is not trusted with their neighbours",
        [BOUNCE_OUT_OF_REACH] = "bounce of {d} bytes at physical {x}: the device does not reach them",
        [BOUNCE_KMALLOC] = "bounce of {d} bytes at physical {x}: a small kmalloc, which may share a cache line",
    };
    ns_say(dma->port, NS_SAY_DECISION, "dma_direct_map_page", why[place], wanted->length, wanted->physical);
}

/* A bounce is needed, and there is no buffer, or none allowed. */
static enum ns_pool_status cannot_bounce(const struct ns_dma *dma, enum place place,
                                         const struct ns_dma_mapping *wanted) {
    const bool allowed = dma->config.bounce != NS_DMA_BOUNCE_NEVER;
    if (allowed && dma->config.panics_without_buffer)
        ns_say(dma->port, NS_SAY_BUG, "swiotlb_tbl_map_single",
               "panic: {d} bytes at physical {x} need the bounce buffer that could not be reserved at boot",
               wanted->length, wanted->physical);
    else if (place == BOUNCE_OUT_OF_REACH)
        ns_say(dma->port, NS_SAY_WARN, "dma_direct_map_page",
               "{d} bytes at physical {x} are out of the device's reach, and there is no bounce buffer for them",
               wanted->length, wanted->physical);
    else
        ns_say(dma->port, NS_SAY_WARN, "dma_direct_map_page", "no bounce buffer for {d} bytes at physical {x}",
               wanted->length, wanted->physical);
    return place == BOUNCE_OUT_OF_REACH ? NS_POOL_ERROR_NOT_ADDRESSABLE : NS_POOL_ERROR_EXHAUSTED;
}

/* swiotlb_map up to the cache operation: slot and copy. */
static enum ns_pool_status take_slot(const struct ns_dma *dma, enum place place, struct ns_dma_mapping *wanted) {
    struct ns_swiotlb *swiotlb = dma->config.swiotlb;
    if (!swiotlb || dma->config.bounce == NS_DMA_BOUNCE_NEVER)
        return cannot_bounce(dma, place, wanted);
    uint64_t slot = NS_DMA_MAPPING_ERROR;
    const enum ns_pool_status status = ns_swiotlb_map(swiotlb, wanted->device, wanted->physical, wanted->length,
                                                      wanted->direction, wanted->attributes, &slot);
    if (status != NS_POOL_OK)
        return status;
    const uint64_t full = ns_physical_to_bus(wanted->device, slot);
    if (!ns_mapping_capable(dma, wanted->device, full, wanted->length, true, &wanted->bus)) {
        (void)ns_swiotlb_unmap(swiotlb, slot, wanted->length, wanted->direction,
                               wanted->attributes | NS_DMA_SKIP_CPU_SYNC);
        ns_say(dma->port, NS_SAY_WARN, "swiotlb_map", "the device does not reach the slot at {x} either", slot, 0);
        return NS_POOL_ERROR_NOT_ADDRESSABLE;
    }
    wanted->slot = slot;
    return NS_POOL_OK;
}

enum ns_pool_status ns_mapping_settle(struct ns_dma *dma, struct ns_dma_mapping *mapping) {
    if (dma->table.count == dma->table.capacity)
        return NS_POOL_ERROR_METADATA;
    mapping->slot = NS_DMA_MAPPING_ERROR;
    const enum place place = choose_place(dma, mapping, &mapping->bus);
    tell_place(dma, place, mapping);
    if (place != IN_PLACE)
        return take_slot(dma, place, mapping);
    const bool maintained = !mapping->device->coherent && !(mapping->attributes & NS_DMA_SKIP_CPU_SYNC);
    if (maintained && mapping->virtual_address == NS_DMA_NO_VIRTUAL)
        return ns_mapping_can_maintain(dma, mapping->physical, mapping->length);
    return NS_POOL_OK;
}
