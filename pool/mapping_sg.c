/* SPDX-License-Identifier: Apache-2.0 */
/* Scatterlists, and device registers as targets of a transfer: the rest of the streaming API. */
#include "pool/mapping_internal.h"
#include "pool/say.h"

/* ---- scatterlists ---------------------------------------------------------------------------- */

static enum ns_pool_status map_entry(struct ns_dma *dma, struct ns_scatterlist *entry,
                                     const struct ns_dma_mapping *common, size_t index) {
    struct ns_dma_mapping wanted = *common;
    wanted.length = entry->length;
    wanted.sg_index = index;
    enum ns_pool_status status = entry->by_page ? ns_mapping_by_page(dma, entry->page, entry->offset, &wanted)
                                                : ns_mapping_by_address(dma, entry->virtual_address, &wanted);
    if (status == NS_POOL_OK)
        status = ns_mapping_make(dma, &wanted, &entry->bus);
    if (status == NS_POOL_OK)
        entry->dma_length = entry->length;
    return status;
}

static struct ns_mapping_claim claim_of(const struct ns_scatterlist *entry, const struct ns_pool_device *device,
                                        enum ns_dma_direction direction) {
    return (struct ns_mapping_claim){.device = device,
                                     .bus = entry->bus,
                                     .length = entry->dma_length,
                                     .direction = direction,
                                     .kind = NS_DMA_MAPPING_SG};
}

static void reset(struct ns_scatterlist *list, size_t count) {
    for (size_t i = 0; i < count; i++) {
        list[i].bus = NS_DMA_MAPPING_ERROR;
        list[i].dma_length = 0;
    }
}

enum ns_pool_status ns_dma_map_sg(struct ns_dma *dma, const struct ns_pool_device *device, struct ns_scatterlist *list,
                                  size_t count, enum ns_dma_direction direction, unsigned attributes, size_t *mapped) {
    *mapped = 0;
    enum ns_pool_status status = ns_mapping_check_map(dma, "dma_map_sg", device, direction);
    if (status != NS_POOL_OK)
        return status;
    if (!list || count == 0)
        return NS_POOL_ERROR_ARGUMENT;
    reset(list, count);
    const struct ns_dma_mapping common = {.device = device,
                                          .direction = direction,
                                          .attributes = attributes,
                                          .kind = NS_DMA_MAPPING_SG,
                                          .sg_count = count,
                                          .error_checked = true};
    size_t done = 0;
    while (done < count && status == NS_POOL_OK) {
        status = map_entry(dma, &list[done], &common, done);
        if (status == NS_POOL_OK)
            done++;
    }
    if (status == NS_POOL_OK) {
        *mapped = count;
        return NS_POOL_OK;
    }
    ns_say(dma->port, NS_SAY_DECISION, "dma_direct_map_sg", "entry {d} of {d} failed: the ones before it are unmapped",
           done, count);
    for (size_t i = 0; i < done; i++) {
        const struct ns_mapping_claim claim = claim_of(&list[i], device, direction);
        (void)ns_mapping_end(dma, &claim, attributes | NS_DMA_SKIP_CPU_SYNC);
    }
    reset(list, count);
    return status;
}

/* What every call on a mapped list begins with; the misuse is told when the count is not the map's. */
static enum ns_pool_status check_list(const struct ns_dma *dma, const char *function,
                                      const struct ns_pool_device *device, const struct ns_scatterlist *list,
                                      size_t count, enum ns_dma_direction direction, enum ns_port_misuse other_count) {
    if (ns_mapping_check(dma, function, device, direction) != NS_POOL_OK || !list || count == 0)
        return NS_POOL_ERROR_ARGUMENT;
    const struct ns_dma_mapping first = ns_dma_find_bus(dma, list[0].bus);
    if (first.device && first.kind == NS_DMA_MAPPING_SG && first.sg_count != count)
        return ns_mapping_misused(dma, other_count, list[0].bus, list[0].dma_length);
    return NS_POOL_OK;
}

/* An entry that was never mapped, or whose map failed. */
static bool is_mapped(const struct ns_scatterlist *entry) {
    return entry->bus != NS_DMA_MAPPING_ERROR && entry->dma_length != 0;
}

enum ns_pool_status ns_dma_unmap_sg(struct ns_dma *dma, const struct ns_pool_device *device,
                                    const struct ns_scatterlist *list, size_t count, enum ns_dma_direction direction,
                                    unsigned attributes) {
    enum ns_pool_status status = check_list(dma, "dma_unmap_sg", device, list, count, direction, NS_MISUSE_UNMAP_SIZE);
    if (status == NS_POOL_ERROR_ARGUMENT)
        return status;
    for (size_t i = 0; i < count; i++) {
        const struct ns_mapping_claim claim = claim_of(&list[i], device, direction);
        const enum ns_pool_status ended =
            is_mapped(&list[i]) ? ns_mapping_end(dma, &claim, attributes)
                                : ns_mapping_misused(dma, NS_MISUSE_UNMAP_UNKNOWN, claim.bus, claim.length);
        if (ended != NS_POOL_OK)
            status = ended;
    }
    return status;
}

static enum ns_pool_status sync_sg(struct ns_dma *dma, const char *function, const struct ns_pool_device *device,
                                   const struct ns_scatterlist *list, size_t count, enum ns_dma_direction direction,
                                   enum ns_mapping_side side) {
    enum ns_pool_status status = check_list(dma, function, device, list, count, direction, NS_MISUSE_SYNC_RANGE);
    if (status == NS_POOL_ERROR_ARGUMENT)
        return status;
    for (size_t i = 0; i < count; i++) {
        const struct ns_mapping_claim claim = claim_of(&list[i], device, direction);
        const enum ns_pool_status synced =
            is_mapped(&list[i]) ? ns_mapping_sync(dma, &claim, side)
                                : ns_mapping_misused(dma, NS_MISUSE_UNMAP_UNKNOWN, claim.bus, claim.length);
        if (synced != NS_POOL_OK)
            status = synced;
    }
    return status;
}

enum ns_pool_status ns_dma_sync_sg_for_cpu(struct ns_dma *dma, const struct ns_pool_device *device,
                                           const struct ns_scatterlist *list, size_t count,
                                           enum ns_dma_direction direction) {
    return sync_sg(dma, "dma_sync_sg_for_cpu", device, list, count, direction, NS_MAPPING_FOR_CPU);
}

enum ns_pool_status ns_dma_sync_sg_for_device(struct ns_dma *dma, const struct ns_pool_device *device,
                                              const struct ns_scatterlist *list, size_t count,
                                              enum ns_dma_direction direction) {
    return sync_sg(dma, "dma_sync_sg_for_device", device, list, count, direction, NS_MAPPING_FOR_DEVICE);
}

/* ---- device registers ------------------------------------------------------------------------ */

enum ns_pool_status ns_dma_map_resource(struct ns_dma *dma, const struct ns_pool_device *device, uint64_t physical,
                                        uint64_t length, enum ns_dma_direction direction, unsigned attributes,
                                        uint64_t *bus) {
    static const char function[] = "dma_map_resource";
    *bus = NS_DMA_MAPPING_ERROR;
    const enum ns_pool_status status = ns_mapping_check_map(dma, function, device, direction);
    if (status != NS_POOL_OK)
        return status;
    if (length == 0 || physical > UINT64_MAX - (length - 1))
        return NS_POOL_ERROR_ARGUMENT;
    if (ns_mapping_is_ram(dma, physical, 1)) {
        ns_say(dma->port, NS_SAY_WARN, function, "{x} is RAM, not a device's register", physical, 0);
        return NS_POOL_ERROR_ARGUMENT;
    }
    struct ns_dma_mapping mapping = {.device = device,
                                     .virtual_address = NS_DMA_NO_VIRTUAL,
                                     .physical = physical,
                                     .length = length,
                                     .direction = direction,
                                     .attributes = attributes,
                                     .kind = NS_DMA_MAPPING_RESOURCE,
                                     .slot = NS_DMA_MAPPING_ERROR};
    if (!ns_mapping_capable(dma, device, physical, length, false, &mapping.bus)) {
        ns_say(dma->port, NS_SAY_WARN, "dma_direct_map_resource", "{d} bytes at {x} are out of the device's reach",
               length, physical);
        return NS_POOL_ERROR_NOT_ADDRESSABLE;
    }
    if (dma->table.count == dma->table.capacity)
        return NS_POOL_ERROR_METADATA;
    ns_mapping_table_add(&dma->table, &mapping);
    *bus = mapping.bus;
    return NS_POOL_OK;
}

enum ns_pool_status ns_dma_unmap_resource(struct ns_dma *dma, const struct ns_pool_device *device, uint64_t bus,
                                          uint64_t length, enum ns_dma_direction direction, unsigned attributes) {
    const struct ns_mapping_claim claim = {
        .device = device, .bus = bus, .length = length, .direction = direction, .kind = NS_DMA_MAPPING_RESOURCE};
    if (ns_mapping_check(dma, "dma_unmap_resource", device, direction) != NS_POOL_OK || length == 0)
        return NS_POOL_ERROR_ARGUMENT;
    return ns_mapping_end(dma, &claim, attributes);
}
