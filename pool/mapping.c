/* SPDX-License-Identifier: Apache-2.0 */
#include "pool/mapping.h"

#include "pool/mapping_internal.h"
#include "pool/say.h"
#include "pool/swiotlb.h"

/* ---- creation -------------------------------------------------------------------------------- */

static bool config_is_valid(const struct ns_dma_config *config) {
    const uint32_t line_size = config->line_size;
    const unsigned bits = config->dma_addr_bits;
    return ns_dma_get_platform_operations(config->platform) && line_size != 0 && (line_size & (line_size - 1)) == 0 &&
           config->mapping_capacity != 0 && (unsigned)config->bounce <= NS_DMA_BOUNCE_NEVER &&
           (bits == 0 || bits == 32 || bits == 64) && (config->ram_count == 0 || config->ram);
}

enum ns_pool_status ns_dma_create(const struct ns_port *port, const struct ns_dma_config *config, struct ns_dma **dma) {
    if (!config_is_valid(config))
        return NS_POOL_ERROR_ARGUMENT;
    const size_t table_size = ns_mapping_table_size(config->mapping_capacity);
    struct ns_dma *made = NULL;
    if (table_size != 0)
        made = port->metadata_allocate(port->context, sizeof *made + table_size);
    if (!made)
        return NS_POOL_ERROR_METADATA;
    made->port = port;
    made->config = *config;
    made->operations = ns_dma_get_platform_operations(config->platform);
    made->arch_ready = !config->waits_for_arch_ready;
    ns_mapping_table_init(&made->table, config->mapping_capacity, made + 1);
    *dma = made;
    return NS_POOL_OK;
}

enum ns_pool_status ns_dma_destroy(struct ns_dma *dma) {
    if (!dma)
        return NS_POOL_OK;
    const struct ns_port *port = dma->port;
    if (dma->table.count != 0) {
        (void)ns_mapping_misused(dma, NS_MISUSE_DESTROY_BUSY, 0, 0);
        return NS_POOL_ERROR_BUSY;
    }
    if (dma->window != 0)
        port->release_virtual(port->context, dma->window, NS_FRAME_SIZE);
    port->metadata_free(port->context, dma);
    return NS_POOL_OK;
}

enum ns_pool_status ns_mapping_misused(const struct ns_dma *dma, enum ns_port_misuse what, uint64_t address,
                                       uint64_t length) {
    dma->port->misuse(dma->port->context, what, address, length);
    return NS_POOL_ERROR_MISUSE;
}

/* ---- the table of live mappings -------------------------------------------------------------- */

/* Whether [a, a + a_length) and [b, b + b_length) share a unit of `unit` bytes (a power of two). */
static bool share(uint64_t a, uint64_t a_length, uint64_t b, uint64_t b_length, uint64_t unit) {
    const uint64_t mask = ~(unit - 1);
    return (a & mask) <= ((b + (b_length - 1)) & mask) && (b & mask) <= ((a + (a_length - 1)) & mask);
}

static bool bounced(const struct ns_dma_mapping *mapping) {
    return mapping->slot != NS_DMA_MAPPING_ERROR;
}

/* What is copied to a slot and back shares no cache line with anybody, only bytes. */
static bool conflicts(const struct ns_dma *dma, const struct ns_dma_mapping *a, const struct ns_dma_mapping *b) {
    if (a->kind == NS_DMA_MAPPING_RESOURCE || b->kind == NS_DMA_MAPPING_RESOURCE)
        return false;
    if (a->direction == NS_DMA_TO_DEVICE && b->direction == NS_DMA_TO_DEVICE)
        return false;
    if (a->device->coherent && b->device->coherent)
        return false;
    const uint64_t unit = bounced(a) || bounced(b) ? 1 : dma->config.line_size;
    return share(a->physical, a->length, b->physical, b->length, unit);
}

static bool conflicts_with_a_live_one(const struct ns_dma *dma, const struct ns_dma_mapping *mapping) {
    const uint64_t line_mask = dma->config.line_size - UINT64_C(1);
    const struct ns_mapping_span span =
        ns_mapping_table_near(&dma->table, NS_MAPPING_BY_PHYSICAL, mapping->physical & ~line_mask,
                              (mapping->physical + (mapping->length - 1)) | line_mask);
    for (size_t i = span.begin; i < span.end; i++)
        if (conflicts(dma, ns_mapping_table_at(&dma->table, NS_MAPPING_BY_PHYSICAL, i), mapping))
            return true;
    return false;
}

static bool fits_inside(const struct ns_dma_mapping *mapping, const struct ns_mapping_claim *claim) {
    const uint64_t before = claim->bus - mapping->bus, behind = mapping->length - before;
    return claim->offset <= behind && claim->length <= behind - claim->offset;
}

/* How well a mapping agrees with an unmap, and with a sync; 0 for one that cannot be meant. What agrees in all is
 * always above what does not. */
static unsigned agreement_with_unmap(const struct ns_dma_mapping *mapping, const struct ns_mapping_claim *claim) {
    if (claim->bus != mapping->bus)
        return 0;
    return 1u + (claim->device == mapping->device ? 8u : 0u) + (claim->kind == mapping->kind ? 4u : 0u) +
           (claim->length == mapping->length ? 2u : 0u) + (claim->direction == mapping->direction ? 1u : 0u);
}

static unsigned agreement_with_sync(const struct ns_dma_mapping *mapping, const struct ns_mapping_claim *claim) {
    if (claim->bus - mapping->bus >= mapping->length)
        return 0;
    const bool same_direction = claim->direction == mapping->direction;
    return 1u + (claim->device == mapping->device ? 16u : 0u) + (mapping->kind != NS_DMA_MAPPING_RESOURCE ? 8u : 0u) +
           (fits_inside(mapping, claim) ? 4u : 0u) +
           (same_direction || mapping->direction == NS_DMA_BIDIRECTIONAL ? 2u : 0u) + (same_direction ? 1u : 0u);
}

/* Several mappings may hold one bus address; the one that agrees best is meant (as kernel/dma/debug.c
 * hash_bucket_find), the oldest of equals. NULL when there is none. */
static struct ns_dma_mapping *find_meant(const struct ns_dma *dma, const struct ns_mapping_claim *claim,
                                         unsigned (*agreement)(const struct ns_dma_mapping *,
                                                               const struct ns_mapping_claim *)) {
    struct ns_dma_mapping *best = NULL;
    unsigned best_score = 0;
    const struct ns_mapping_span span = ns_mapping_table_near(&dma->table, NS_MAPPING_BY_BUS, claim->bus, claim->bus);
    for (size_t i = span.begin; i < span.end; i++) {
        struct ns_dma_mapping *mapping = ns_mapping_table_at(&dma->table, NS_MAPPING_BY_BUS, i);
        const unsigned score = agreement(mapping, claim);
        if (score > best_score || (best && score == best_score && mapping->sequence < best->sequence)) {
            best = mapping;
            best_score = score;
        }
    }
    return best;
}

/* ---- one piece of memory --------------------------------------------------------------------- */

static bool wants_operation(const struct ns_dma *dma, const struct ns_dma_mapping *mapping) {
    if (mapping->device->coherent)
        ns_say(dma->port, NS_SAY_DECISION, "dma_direct_map_page", "no cache operation: the device is declared coherent",
               0, 0);
    else if (mapping->attributes & NS_DMA_SKIP_CPU_SYNC)
        ns_say(dma->port, NS_SAY_DECISION, "dma_direct_map_page", "no cache operation: DMA_ATTR_SKIP_CPU_SYNC", 0, 0);
    else
        return true;
    return false;
}

enum ns_pool_status ns_mapping_make(struct ns_dma *dma, const struct ns_dma_mapping *wanted, uint64_t *bus) {
    struct ns_dma_mapping mapping = *wanted;
    *bus = NS_DMA_MAPPING_ERROR;
    const enum ns_pool_status status = ns_mapping_settle(dma, &mapping);
    if (status != NS_POOL_OK)
        return status;
    if (conflicts_with_a_live_one(dma, &mapping))
        (void)ns_mapping_misused(
            dma, NS_MISUSE_MAP_OVERLAP,
            mapping.virtual_address == NS_DMA_NO_VIRTUAL ? mapping.physical : mapping.virtual_address, mapping.length);
    ns_mapping_table_add(&dma->table, &mapping);
    *bus = mapping.bus;
    if (!wants_operation(dma, &mapping))
        return NS_POOL_OK;
    if (bounced(&mapping))
        ns_mapping_maintain_physical(dma, NS_MAPPING_FOR_DEVICE, mapping.direction, mapping.slot, mapping.length);
    else if (mapping.virtual_address == NS_DMA_NO_VIRTUAL)
        ns_mapping_maintain_physical(dma, NS_MAPPING_FOR_DEVICE, mapping.direction, mapping.physical, mapping.length);
    else
        ns_mapping_maintain_address(dma, NS_MAPPING_FOR_DEVICE, mapping.direction, mapping.virtual_address,
                                    mapping.length);
    return NS_POOL_OK;
}

/* As the kernel: from the bus address alone. A wrong argument may lead outside of RAM; the kernel would fault there,
 * here nothing is maintained. */
static void maintain_bus(struct ns_dma *dma, enum ns_mapping_side side, const struct ns_mapping_claim *claim) {
    const uint64_t bus = claim->bus + claim->offset;
    const uint64_t physical = ns_bus_to_physical(claim->device, bus);
    if (!claim->device->coherent && bus >= claim->bus && physical != NS_DMA_MAPPING_ERROR)
        ns_mapping_maintain_physical(dma, side, claim->direction, physical, claim->length);
}

enum ns_pool_status ns_mapping_end(struct ns_dma *dma, const struct ns_mapping_claim *claim, unsigned attributes) {
    enum ns_pool_status status = NS_POOL_OK;
    const struct ns_dma_mapping *mapping = find_meant(dma, claim, agreement_with_unmap);
    if (!mapping)
        status = ns_mapping_misused(dma, NS_MISUSE_UNMAP_UNKNOWN, claim->bus, claim->length);
    if (mapping && mapping->kind != claim->kind)
        status = ns_mapping_misused(dma, NS_MISUSE_FREE_FUNCTION, claim->bus, claim->length);
    if (mapping && mapping->device != claim->device)
        status = ns_mapping_misused(dma, NS_MISUSE_UNMAP_DEVICE, claim->bus, claim->length);
    if (mapping && mapping->length != claim->length)
        status = ns_mapping_misused(dma, NS_MISUSE_UNMAP_SIZE, claim->bus, claim->length);
    if (mapping && mapping->direction != claim->direction)
        status = ns_mapping_misused(dma, NS_MISUSE_UNMAP_DIRECTION, claim->bus, claim->length);
    const bool has_slot = mapping && bounced(mapping);
    const uint64_t slot = has_slot ? mapping->slot : 0, slot_length = has_slot ? mapping->length : 0;
    if (mapping)
        ns_mapping_table_remove(&dma->table, mapping);
    if (claim->kind == NS_DMA_MAPPING_RESOURCE)
        attributes |= NS_DMA_SKIP_CPU_SYNC; /* does no work on anything; a slot that it ends goes back as it is */
    if (!(attributes & NS_DMA_SKIP_CPU_SYNC))
        maintain_bus(dma, NS_MAPPING_FOR_CPU, claim);
    if (has_slot)
        (void)ns_swiotlb_unmap(dma->config.swiotlb, slot, slot_length, claim->direction, attributes);
    return status;
}

enum ns_pool_status ns_mapping_sync(struct ns_dma *dma, const struct ns_mapping_claim *claim,
                                    enum ns_mapping_side side) {
    const uint64_t bus = claim->bus + claim->offset;
    enum ns_pool_status status = NS_POOL_OK;
    const struct ns_dma_mapping *mapping = find_meant(dma, claim, agreement_with_sync);
    if (!mapping)
        status = ns_mapping_misused(dma, NS_MISUSE_UNMAP_UNKNOWN, bus, claim->length);
    if (mapping && mapping->kind == NS_DMA_MAPPING_RESOURCE)
        status = ns_mapping_misused(dma, NS_MISUSE_FREE_FUNCTION, bus, claim->length);
    if (mapping && mapping->device != claim->device)
        status = ns_mapping_misused(dma, NS_MISUSE_UNMAP_DEVICE, bus, claim->length);
    if (mapping && !fits_inside(mapping, claim))
        status = ns_mapping_misused(dma, NS_MISUSE_SYNC_RANGE, bus, claim->length);
    if (mapping && mapping->direction != claim->direction && mapping->direction != NS_DMA_BIDIRECTIONAL)
        status = ns_mapping_misused(dma, NS_MISUSE_UNMAP_DIRECTION, bus, claim->length);
    /* Only what begins in the mapping has a place in its slot. */
    const bool copies = mapping && bounced(mapping) && bus - mapping->bus < mapping->length;
    const uint64_t slot = copies ? mapping->slot + (bus - mapping->bus) : 0;
    if (side == NS_MAPPING_FOR_CPU)
        maintain_bus(dma, side, claim);
    if (copies && side == NS_MAPPING_FOR_CPU)
        (void)ns_swiotlb_sync_for_cpu(dma->config.swiotlb, slot, claim->length, claim->direction);
    if (copies && side == NS_MAPPING_FOR_DEVICE)
        (void)ns_swiotlb_sync_for_device(dma->config.swiotlb, slot, claim->length, claim->direction);
    if (side == NS_MAPPING_FOR_DEVICE)
        maintain_bus(dma, side, claim);
    return status;
}

/* ---- map, unmap, sync ------------------------------------------------------------------------ */

enum ns_pool_status ns_dma_map(struct ns_dma *dma, const struct ns_pool_device *device, uint64_t virtual_address,
                               uint64_t length, enum ns_dma_direction direction, unsigned attributes, uint64_t *bus) {
    struct ns_dma_mapping wanted = {
        .device = device, .length = length, .direction = direction, .attributes = attributes};
    *bus = NS_DMA_MAPPING_ERROR;
    enum ns_pool_status status = ns_mapping_check_map(dma, "dma_map_single", device, direction);
    if (status == NS_POOL_OK)
        status = ns_mapping_by_address(dma, virtual_address, &wanted);
    return status == NS_POOL_OK ? ns_mapping_make(dma, &wanted, bus) : status;
}

enum ns_pool_status ns_dma_map_page(struct ns_dma *dma, const struct ns_pool_device *device, uint64_t page,
                                    uint64_t offset, uint64_t length, enum ns_dma_direction direction,
                                    unsigned attributes, uint64_t *bus) {
    struct ns_dma_mapping wanted = {
        .device = device, .length = length, .direction = direction, .attributes = attributes};
    *bus = NS_DMA_MAPPING_ERROR;
    enum ns_pool_status status = ns_mapping_check_map(dma, "dma_map_page", device, direction);
    if (status == NS_POOL_OK)
        status = ns_mapping_by_page(dma, page, offset, &wanted);
    return status == NS_POOL_OK ? ns_mapping_make(dma, &wanted, bus) : status;
}

enum ns_pool_status ns_dma_unmap(struct ns_dma *dma, const struct ns_pool_device *device, uint64_t bus, uint64_t length,
                                 enum ns_dma_direction direction, unsigned attributes) {
    const struct ns_mapping_claim claim = {.device = device, .bus = bus, .length = length, .direction = direction};
    if (ns_mapping_check(dma, "dma_unmap_page", device, direction) != NS_POOL_OK || length == 0)
        return NS_POOL_ERROR_ARGUMENT;
    return ns_mapping_end(dma, &claim, attributes);
}

static enum ns_pool_status sync_range(struct ns_dma *dma, const struct ns_mapping_claim *claim,
                                      enum ns_mapping_side side) {
    const char *const function = side == NS_MAPPING_FOR_CPU ? "dma_sync_single_for_cpu" : "dma_sync_single_for_device";
    if (ns_mapping_check(dma, function, claim->device, claim->direction) != NS_POOL_OK || claim->length == 0 ||
        claim->bus > UINT64_MAX - claim->offset)
        return NS_POOL_ERROR_ARGUMENT;
    return ns_mapping_sync(dma, claim, side);
}

enum ns_pool_status ns_dma_sync_for_cpu(struct ns_dma *dma, const struct ns_pool_device *device, uint64_t bus,
                                        uint64_t length, enum ns_dma_direction direction) {
    return ns_dma_sync_range_for_cpu(dma, device, bus, 0, length, direction);
}

enum ns_pool_status ns_dma_sync_for_device(struct ns_dma *dma, const struct ns_pool_device *device, uint64_t bus,
                                           uint64_t length, enum ns_dma_direction direction) {
    return ns_dma_sync_range_for_device(dma, device, bus, 0, length, direction);
}

enum ns_pool_status ns_dma_sync_range_for_cpu(struct ns_dma *dma, const struct ns_pool_device *device, uint64_t bus,
                                              uint64_t offset, uint64_t length, enum ns_dma_direction direction) {
    const struct ns_mapping_claim claim = {
        .device = device, .bus = bus, .offset = offset, .length = length, .direction = direction};
    return sync_range(dma, &claim, NS_MAPPING_FOR_CPU);
}

enum ns_pool_status ns_dma_sync_range_for_device(struct ns_dma *dma, const struct ns_pool_device *device, uint64_t bus,
                                                 uint64_t offset, uint64_t length, enum ns_dma_direction direction) {
    const struct ns_mapping_claim claim = {
        .device = device, .bus = bus, .offset = offset, .length = length, .direction = direction};
    return sync_range(dma, &claim, NS_MAPPING_FOR_DEVICE);
}

bool ns_dma_mapping_error(struct ns_dma *dma, const struct ns_pool_device *device, uint64_t bus) {
    const struct ns_mapping_span span = ns_mapping_table_near(&dma->table, NS_MAPPING_BY_BUS, bus, bus);
    for (size_t i = span.begin; i < span.end; i++) {
        struct ns_dma_mapping *mapping = ns_mapping_table_at(&dma->table, NS_MAPPING_BY_BUS, i);
        if (mapping->bus == bus && mapping->device == device && !mapping->error_checked) {
            mapping->error_checked = true;
            break;
        }
    }
    return bus == NS_DMA_MAPPING_ERROR;
}

/* ---- questions ------------------------------------------------------------------------------- */

struct ns_dma_mapping ns_dma_find(const struct ns_dma *dma, uint64_t virtual_address, uint64_t length) {
    struct ns_dma_mapping oldest = {.device = NULL};
    const uint64_t physical = dma->port->to_physical(dma->port->context, virtual_address);
    if (length == 0 || physical == NS_DMA_MAPPING_ERROR || physical > UINT64_MAX - (length - 1))
        return oldest;
    const struct ns_mapping_span span =
        ns_mapping_table_near(&dma->table, NS_MAPPING_BY_PHYSICAL, physical, physical + (length - 1));
    for (size_t i = span.begin; i < span.end; i++) {
        const struct ns_dma_mapping *mapping = ns_mapping_table_at(&dma->table, NS_MAPPING_BY_PHYSICAL, i);
        if (mapping->kind != NS_DMA_MAPPING_RESOURCE &&
            share(mapping->physical, mapping->length, physical, length, 1) &&
            (!oldest.device || mapping->sequence < oldest.sequence))
            oldest = *mapping;
    }
    return oldest;
}

struct ns_dma_mapping ns_dma_find_bus(const struct ns_dma *dma, uint64_t bus) {
    struct ns_dma_mapping none = {.device = NULL};
    const struct ns_mapping_span span = ns_mapping_table_near(&dma->table, NS_MAPPING_BY_BUS, bus, bus);
    for (size_t i = span.begin; i < span.end; i++) {
        const struct ns_dma_mapping *mapping = ns_mapping_table_at(&dma->table, NS_MAPPING_BY_BUS, i);
        if (mapping->bus == bus)
            return *mapping;
    }
    return none;
}

enum ns_pool_status ns_dma_check_free(const struct ns_dma *dma, uint64_t virtual_address, uint64_t length) {
    if (!ns_dma_find(dma, virtual_address, length).device)
        return NS_POOL_OK;
    return ns_mapping_misused(dma, NS_MISUSE_FREE_MAPPED, virtual_address, length);
}

size_t ns_dma_live_count(const struct ns_dma *dma) {
    return dma->table.count;
}

struct ns_dma_mapping ns_dma_live_mapping(const struct ns_dma *dma, size_t index) {
    const struct ns_dma_mapping none = {.device = NULL};
    return index < dma->table.count ? *ns_mapping_table_at(&dma->table, NS_MAPPING_BY_AGE, index) : none;
}
