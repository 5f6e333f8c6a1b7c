/* SPDX-License-Identifier: Apache-2.0 */
#include "pool/coherent.h"

#include "pool/remap.h"

static uint64_t frames_for(uint64_t size) {
    return size / NS_FRAME_SIZE + (size % NS_FRAME_SIZE != 0);
}

static uint64_t round_up_to_power_of_two(uint64_t value) {
    uint64_t power = 1;
    while (power < value)
        power *= 2;
    return power;
}

/* ---- pages that the device reaches ----------------------------------------------------------- */

/* The first guess (dma_direct_optimal_gfp_mask). The limit is translated as if it were an address; where the ranges do
 * not hold it, that gives all ones, hence no restriction. */
static enum ns_zone first_zone(const struct ns_frames *frames, const struct ns_pool_device *device) {
    const uint64_t physical_limit = ns_bus_to_physical(device, ns_dma_coherent_limit(device));
    return physical_limit < ns_frames_limit(frames, NS_POOL_ZONE_DMA32) ? NS_POOL_ZONE_DMA32 : NS_POOL_ZONE_NORMAL;
}

/* One attempt. Memory that the device does not reach goes back at once. */
static enum ns_pool_status try_pages(struct ns_frames *frames, const struct ns_pool_device *device,
                                     const struct ns_frames_request *request, uint64_t *physical) {
    uint64_t found = 0;
    enum ns_pool_status status = ns_frames_allocate(frames, request, &found);
    if (status != NS_POOL_OK)
        return status;
    const uint64_t bytes = request->count * NS_FRAME_SIZE;
    /* Both ends through the same range: a block that runs out of its range is not contiguous on the bus. */
    const uint64_t bus = ns_physical_to_bus(device, found);
    if (ns_dma_coherent_capable(device, bus, bytes) &&
        ns_physical_to_bus(device, found + (bytes - 1)) == bus + (bytes - 1)) {
        *physical = found;
        return NS_POOL_OK;
    }
    status = ns_frames_free(frames, found, request->count);
    return status == NS_POOL_OK ? NS_POOL_ERROR_NOT_ADDRESSABLE : status;
}

static enum ns_pool_status take_pages(struct ns_frames *frames, const struct ns_pool_device *device, uint64_t count,
                                      uint64_t *physical) {
    struct ns_frames_request request = {.count = count,
                                        .alignment = round_up_to_power_of_two(count),
                                        .lowest = 0,
                                        .highest = UINT64_MAX,
                                        .zone = first_zone(frames, device)};
    enum ns_pool_status status = try_pages(frames, device, &request, physical);
    if (status == NS_POOL_ERROR_NOT_ADDRESSABLE && request.zone == NS_POOL_ZONE_NORMAL) {
        request.zone = NS_POOL_ZONE_DMA32;
        status = try_pages(frames, device, &request, physical);
    }
    request.zone = NS_POOL_ZONE_NORMAL;
    const enum ns_pool_status before = status;
    for (size_t i = 0; status == NS_POOL_ERROR_NOT_ADDRESSABLE && i < device->range_count; i++) {
        const struct ns_bus_range *range = &device->ranges[i];
        const uint64_t limit = ns_dma_coherent_limit(device);
        if (range->length == 0 || range->bus > limit)
            continue;
        const uint64_t reach = limit - range->bus < range->length - 1 ? limit - range->bus : range->length - 1;
        request.lowest = range->physical;
        request.highest = range->physical + reach;
        if (try_pages(frames, device, &request, physical) == NS_POOL_OK)
            status = NS_POOL_OK;
    }
    return status == NS_POOL_OK ? NS_POOL_OK : before;
}

/* ---- from pages to coherent memory ----------------------------------------------------------- */

/* arch_dma_prep_coherent: no dirty line of these pages may survive. */
static void prepare(const struct ns_port *port, const struct ns_coherent_options *options, uint64_t linear,
                    uint64_t bytes) {
    if (options->zero_before_flush)
        port->fill(port->context, linear, bytes, 0);
    if (options->skip_flush)
        return;
    port->maintain(port->context, NS_PORT_FLUSH, NS_PORT_SCOPE_POC, linear, bytes);
    port->barrier(port->context);
}

enum ns_pool_status ns_coherent_alloc(const struct ns_port *port, struct ns_frames *frames,
                                      const struct ns_pool_device *device, uint64_t size,
                                      const struct ns_coherent_options *options, uint64_t *virtual_address,
                                      uint64_t *bus) {
    static const struct ns_coherent_options correct = {0};
    if (!options)
        options = &correct;
    *virtual_address = 0;
    *bus = NS_DMA_MAPPING_ERROR;
    /* No machine has 2^52 frames, and no rounding below may overflow. */
    const uint64_t count = frames_for(size);
    if (count == 0)
        return NS_POOL_ERROR_ARGUMENT;
    if (count > UINT64_C(1) << 51)
        return NS_POOL_ERROR_EXHAUSTED;
    uint64_t physical = 0;
    const enum ns_pool_status status = take_pages(frames, device, count, &physical);
    if (status != NS_POOL_OK)
        return status;

    const uint64_t bytes = count * NS_FRAME_SIZE;
    uint64_t address = port->to_virtual(port->context, physical);
    if (!device->coherent) {
        prepare(port, options, address, bytes);
        const enum ns_pool_status remapped =
            ns_dma_common_contiguous_remap(port, physical, bytes, NS_PORT_NC, &address);
        if (remapped != NS_POOL_OK) {
            const enum ns_pool_status undone = ns_frames_free(frames, physical, count);
            return undone == NS_POOL_OK ? remapped : undone;
        }
    }
    if (device->coherent || !options->skip_zero_after_remap)
        port->fill(port->context, address, bytes, 0);
    *virtual_address = address;
    *bus = ns_physical_to_bus(device, physical);
    return NS_POOL_OK;
}

enum ns_pool_status ns_coherent_free(const struct ns_port *port, struct ns_frames *frames,
                                     const struct ns_pool_device *device, uint64_t size, uint64_t virtual_address,
                                     uint64_t bus) {
    const uint64_t count = frames_for(size);
    const uint64_t physical = ns_bus_to_physical(device, bus);
    const enum ns_frames_block block = ns_frames_block_state(frames, physical, count);
    if (block == NS_FRAMES_BLOCK_FREE) {
        port->misuse(port->context, NS_MISUSE_DOUBLE_FREE, virtual_address, size);
        return NS_POOL_ERROR_MISUSE;
    }
    if (block != NS_FRAMES_BLOCK_HELD || port->to_physical(port->context, virtual_address) != physical) {
        port->misuse(port->context, NS_MISUSE_FOREIGN_FREE, virtual_address, size);
        return NS_POOL_ERROR_MISUSE;
    }
    if (!device->coherent)
        ns_dma_common_free_remap(port, virtual_address, count * NS_FRAME_SIZE);
    return ns_frames_free(frames, physical, count);
}
