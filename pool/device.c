/* SPDX-License-Identifier: Apache-2.0 */
#include "pool/device.h"

static uint64_t min_not_zero(uint64_t a, uint64_t b) {
    if (a == 0)
        return b;
    if (b == 0)
        return a;
    return a < b ? a : b;
}

static bool capable(uint64_t limit, uint64_t bus, uint64_t size) {
    if (bus == NS_DMA_MAPPING_ERROR || size == 0)
        return false;
    uint64_t last = bus + (size - 1);
    return last >= bus && last <= limit;
}

uint64_t ns_physical_to_bus(const struct ns_pool_device *device, uint64_t physical) {
    if (device->range_count == 0)
        return physical;
    for (size_t i = 0; i < device->range_count; i++) {
        const struct ns_bus_range *range = &device->ranges[i];
        if (physical >= range->physical && physical - range->physical < range->length)
            return range->bus + (physical - range->physical);
    }
    return NS_DMA_MAPPING_ERROR;
}

uint64_t ns_bus_to_physical(const struct ns_pool_device *device, uint64_t bus) {
    if (device->range_count == 0)
        return bus;
    for (size_t i = 0; i < device->range_count; i++) {
        const struct ns_bus_range *range = &device->ranges[i];
        if (bus >= range->bus && bus - range->bus < range->length)
            return range->physical + (bus - range->bus);
    }
    return NS_DMA_MAPPING_ERROR;
}

uint64_t ns_dma_limit(const struct ns_pool_device *device) {
    return min_not_zero(device->dma_mask, device->bus_dma_limit);
}

uint64_t ns_dma_coherent_limit(const struct ns_pool_device *device) {
    return min_not_zero(device->coherent_dma_mask, device->bus_dma_limit);
}

bool ns_dma_capable(const struct ns_pool_device *device, uint64_t bus, uint64_t size) {
    return capable(ns_dma_limit(device), bus, size);
}

bool ns_dma_coherent_capable(const struct ns_pool_device *device, uint64_t bus, uint64_t size) {
    return capable(ns_dma_coherent_limit(device), bus, size);
}

uint32_t ns_dma_max_segment_size(const struct ns_pool_device *device) {
    return device->max_segment_size != 0 ? device->max_segment_size : 65536;
}

uint64_t ns_dma_segment_boundary(const struct ns_pool_device *device) {
    return device->segment_boundary != 0 ? device->segment_boundary : UINT64_MAX;
}
