/* SPDX-License-Identifier: Apache-2.0 */
#include "pool/mapping.h"

#include "pool/zone.h"

struct ns_dma {
    const struct ns_port *port;
    const struct ns_dma_platform_operations *operations;
    uint64_t line_size;
    size_t capacity;
    size_t live_count;
    struct ns_dma_mapping live[]; /* in the order of their maps */
};

enum ns_pool_status ns_dma_create(const struct ns_port *port, const struct ns_dma_config *config, struct ns_dma **dma) {
    const struct ns_dma_platform_operations *operations = ns_dma_get_platform_operations(config->platform);
    const uint32_t line_size = config->line_size;
    if (!operations || line_size == 0 || (line_size & (line_size - 1)) != 0 || config->mapping_capacity == 0)
        return NS_POOL_ERROR_ARGUMENT;
    if (config->mapping_capacity > (SIZE_MAX - sizeof(struct ns_dma)) / sizeof(struct ns_dma_mapping))
        return NS_POOL_ERROR_METADATA;
    struct ns_dma *made =
        port->metadata_allocate(port->context, sizeof *made + config->mapping_capacity * sizeof made->live[0]);
    if (!made)
        return NS_POOL_ERROR_METADATA;
    made->port = port;
    made->operations = operations;
    made->line_size = line_size;
    made->capacity = config->mapping_capacity;
    *dma = made;
    return NS_POOL_OK;
}

static enum ns_pool_status misused(const struct ns_dma *dma, enum ns_port_misuse what, uint64_t address,
                                   uint64_t length) {
    dma->port->misuse(dma->port->context, what, address, length);
    return NS_POOL_ERROR_MISUSE;
}

enum ns_pool_status ns_dma_destroy(struct ns_dma *dma) {
    if (!dma)
        return NS_POOL_OK;
    if (dma->live_count != 0) {
        (void)misused(dma, NS_MISUSE_DESTROY_BUSY, 0, 0);
        return NS_POOL_ERROR_BUSY;
    }
    dma->port->metadata_free(dma->port->context, dma);
    return NS_POOL_OK;
}

/* ---- cache maintenance ----------------------------------------------------------------------- */

static void maintain(const struct ns_dma *dma, enum ns_port_cache_op op, uint64_t address, uint64_t length) {
    const enum ns_port_scope scope = op == NS_PORT_CLEAN ? dma->operations->clean_scope : NS_PORT_SCOPE_POC;
    if (length != 0)
        dma->port->maintain(dma->port->context, op, scope, address, length);
}

/* arm64 5.10 __dma_inv_area: lines that the range covers only in part are flushed, the end before the start, because
 * a neighbour may have dirtied them. */
static void flush_edges_invalidate_rest(const struct ns_dma *dma, uint64_t address, uint64_t length) {
    const uint64_t end = address + length;
    const uint64_t first_whole = (address + dma->line_size - 1) & ~(dma->line_size - 1);
    const uint64_t end_whole = end & ~(dma->line_size - 1);
    if (first_whole > end_whole) { /* inside one line */
        maintain(dma, NS_PORT_FLUSH, address, length);
        return;
    }
    maintain(dma, NS_PORT_FLUSH, end_whole, end - end_whole);
    maintain(dma, NS_PORT_FLUSH, address, first_whole - address);
    maintain(dma, NS_PORT_INVALIDATE, first_whole, end_whole - first_whole);
}

static void operate(const struct ns_dma *dma, enum ns_dma_operation operation, uint64_t address, uint64_t length) {
    switch (operation) {
    case NS_DMA_OPERATION_NONE:
        return;
    case NS_DMA_OPERATION_CLEAN:
        maintain(dma, NS_PORT_CLEAN, address, length);
        break;
    case NS_DMA_OPERATION_INVALIDATE:
        maintain(dma, NS_PORT_INVALIDATE, address, length);
        break;
    case NS_DMA_OPERATION_FLUSH:
        maintain(dma, NS_PORT_FLUSH, address, length);
        break;
    case NS_DMA_OPERATION_EDGE_FLUSH:
        flush_edges_invalidate_rest(dma, address, length);
        break;
    }
    dma->port->barrier(dma->port->context);
}

static bool mapped_to(const struct ns_port *port, uint64_t address, uint64_t length, uint64_t physical) {
    return port->to_physical(port->context, address) == physical &&
           port->to_physical(port->context, address + (length - 1)) == physical + (length - 1);
}

/* As the kernel: from the bus address alone, through the linear mapping. A wrong argument may lead outside of it; the
 * kernel would fault there, here nothing is maintained. */
static void operate_on_bus(const struct ns_dma *dma, const struct ns_pool_device *device,
                           enum ns_dma_operation operation, uint64_t bus, uint64_t length) {
    const uint64_t physical = ns_bus_to_physical(device, bus);
    if (device->coherent || physical == NS_DMA_MAPPING_ERROR)
        return;
    const uint64_t address = dma->port->to_virtual(dma->port->context, physical);
    if (mapped_to(dma->port, address, length, physical))
        operate(dma, operation, address, length);
}

/* ---- the table of live mappings -------------------------------------------------------------- */

static bool valid(const struct ns_pool_device *device, uint64_t length, enum ns_dma_direction direction) {
    return device && length != 0 && (unsigned)direction < NS_DMA_DIRECTION_COUNT;
}

/* Whether [a, a + a_length) and [b, b + b_length) share a unit of `unit` bytes (a power of two). */
static bool share(uint64_t a, uint64_t a_length, uint64_t b, uint64_t b_length, uint64_t unit) {
    const uint64_t mask = ~(unit - 1);
    return (a & mask) <= ((b + (b_length - 1)) & mask) && (b & mask) <= ((a + (a_length - 1)) & mask);
}

static bool conflicts(const struct ns_dma *dma, const struct ns_dma_mapping *a, const struct ns_dma_mapping *b) {
    if (a->direction == NS_DMA_TO_DEVICE && b->direction == NS_DMA_TO_DEVICE)
        return false;
    if (a->device->coherent && b->device->coherent)
        return false;
    return share(a->physical, a->length, b->physical, b->length, dma->line_size);
}

static void remove_mapping(struct ns_dma *dma, struct ns_dma_mapping *mapping) {
    struct ns_dma_mapping *end = dma->live + dma->live_count;
    for (struct ns_dma_mapping *next = mapping + 1; next < end; next++)
        next[-1] = *next;
    dma->live_count--;
}

/* What a caller says about a mapping. */
struct claim {
    const struct ns_pool_device *device;
    uint64_t bus;
    uint64_t length;
    enum ns_dma_direction direction;
};

static bool fits_inside(const struct ns_dma_mapping *mapping, const struct claim *claim) {
    const uint64_t offset = claim->bus - mapping->bus;
    return claim->length <= mapping->length - offset;
}

/* Several mappings may hold one bus address; the one that agrees best is meant (as kernel/dma/debug.c
 * hash_bucket_find), the oldest of equals. For an unmap it must begin at the address. NULL when there is none. */
static struct ns_dma_mapping *find_meant(struct ns_dma *dma, const struct claim *claim, bool whole) {
    struct ns_dma_mapping *best = NULL;
    unsigned best_score = 0;
    for (size_t i = 0; i < dma->live_count; i++) {
        struct ns_dma_mapping *mapping = &dma->live[i];
        const bool holds = whole ? claim->bus == mapping->bus
                                 : claim->bus >= mapping->bus && claim->bus - mapping->bus < mapping->length;
        if (!holds)
            continue;
        const bool size_agrees = whole ? claim->length == mapping->length : fits_inside(mapping, claim);
        const unsigned score = 1u + (claim->device == mapping->device ? 4u : 0u) + (size_agrees ? 2u : 0u) +
                               (claim->direction == mapping->direction ? 1u : 0u);
        if (score > best_score) {
            best = mapping;
            best_score = score;
        }
    }
    return best;
}

/* ---- map, unmap, sync ------------------------------------------------------------------------ */

static bool physically_contiguous(const struct ns_port *port, uint64_t address, uint64_t length, uint64_t physical) {
    if (physical == NS_DMA_MAPPING_ERROR || address + (length - 1) < address ||
        !mapped_to(port, address, length, physical))
        return false;
    for (uint64_t offset = NS_FRAME_SIZE - address % NS_FRAME_SIZE; offset < length; offset += NS_FRAME_SIZE)
        if (port->to_physical(port->context, address + offset) != physical + offset)
            return false;
    return true;
}

enum ns_pool_status ns_dma_map(struct ns_dma *dma, const struct ns_pool_device *device, uint64_t virtual_address,
                               uint64_t length, enum ns_dma_direction direction, unsigned attributes, uint64_t *bus) {
    const struct ns_port *port = dma->port;
    *bus = NS_DMA_MAPPING_ERROR;
    if (!valid(device, length, direction))
        return NS_POOL_ERROR_ARGUMENT;
    const uint64_t physical = port->to_physical(port->context, virtual_address);
    if (!physically_contiguous(port, virtual_address, length, physical))
        return NS_POOL_ERROR_ARGUMENT;
    const struct ns_dma_mapping mapping = {.device = device,
                                           .virtual_address = virtual_address,
                                           .physical = physical,
                                           .bus = ns_physical_to_bus(device, physical),
                                           .length = length,
                                           .direction = direction,
                                           .attributes = attributes};
    if (!ns_dma_capable(device, mapping.bus, length))
        return NS_POOL_ERROR_NOT_ADDRESSABLE;
    if (dma->live_count == dma->capacity)
        return NS_POOL_ERROR_METADATA;
    for (size_t i = 0; i < dma->live_count; i++) {
        if (conflicts(dma, &dma->live[i], &mapping)) {
            (void)misused(dma, NS_MISUSE_MAP_OVERLAP, virtual_address, length);
            break;
        }
    }
    dma->live[dma->live_count++] = mapping;
    if (!device->coherent && !(attributes & NS_DMA_SKIP_CPU_SYNC))
        operate(dma, dma->operations->for_device[direction], virtual_address, length);
    *bus = mapping.bus;
    return NS_POOL_OK;
}

enum ns_pool_status ns_dma_unmap(struct ns_dma *dma, const struct ns_pool_device *device, uint64_t bus, uint64_t length,
                                 enum ns_dma_direction direction, unsigned attributes) {
    if (!valid(device, length, direction))
        return NS_POOL_ERROR_ARGUMENT;
    const struct claim claim = {.device = device, .bus = bus, .length = length, .direction = direction};
    enum ns_pool_status status = NS_POOL_OK;
    struct ns_dma_mapping *mapping = find_meant(dma, &claim, true);
    if (!mapping)
        status = misused(dma, NS_MISUSE_UNMAP_UNKNOWN, bus, length);
    if (mapping && mapping->device != device)
        status = misused(dma, NS_MISUSE_UNMAP_DEVICE, bus, length);
    if (mapping && mapping->length != length)
        status = misused(dma, NS_MISUSE_UNMAP_SIZE, bus, length);
    if (mapping && mapping->direction != direction)
        status = misused(dma, NS_MISUSE_UNMAP_DIRECTION, bus, length);
    if (mapping)
        remove_mapping(dma, mapping);
    if (!(attributes & NS_DMA_SKIP_CPU_SYNC))
        operate_on_bus(dma, device, dma->operations->for_cpu[direction], bus, length);
    return status;
}

static enum ns_pool_status sync(struct ns_dma *dma, const struct claim *claim, enum ns_dma_operation operation) {
    enum ns_pool_status status = NS_POOL_OK;
    const struct ns_dma_mapping *mapping = find_meant(dma, claim, false);
    if (!mapping)
        status = misused(dma, NS_MISUSE_UNMAP_UNKNOWN, claim->bus, claim->length);
    if (mapping && mapping->device != claim->device)
        status = misused(dma, NS_MISUSE_UNMAP_DEVICE, claim->bus, claim->length);
    if (mapping && !fits_inside(mapping, claim))
        status = misused(dma, NS_MISUSE_SYNC_RANGE, claim->bus, claim->length);
    if (mapping && mapping->direction != claim->direction && mapping->direction != NS_DMA_BIDIRECTIONAL)
        status = misused(dma, NS_MISUSE_UNMAP_DIRECTION, claim->bus, claim->length);
    operate_on_bus(dma, claim->device, operation, claim->bus, claim->length);
    return status;
}

enum ns_pool_status ns_dma_sync_for_cpu(struct ns_dma *dma, const struct ns_pool_device *device, uint64_t bus,
                                        uint64_t length, enum ns_dma_direction direction) {
    if (!valid(device, length, direction))
        return NS_POOL_ERROR_ARGUMENT;
    const struct claim claim = {.device = device, .bus = bus, .length = length, .direction = direction};
    return sync(dma, &claim, dma->operations->for_cpu[direction]);
}

enum ns_pool_status ns_dma_sync_for_device(struct ns_dma *dma, const struct ns_pool_device *device, uint64_t bus,
                                           uint64_t length, enum ns_dma_direction direction) {
    if (!valid(device, length, direction))
        return NS_POOL_ERROR_ARGUMENT;
    const struct claim claim = {.device = device, .bus = bus, .length = length, .direction = direction};
    return sync(dma, &claim, dma->operations->for_device[direction]);
}

/* ---- questions ------------------------------------------------------------------------------- */

struct ns_dma_mapping ns_dma_find(const struct ns_dma *dma, uint64_t virtual_address, uint64_t length) {
    const struct ns_dma_mapping none = {.device = NULL};
    const uint64_t physical = dma->port->to_physical(dma->port->context, virtual_address);
    if (length == 0 || physical == NS_DMA_MAPPING_ERROR)
        return none;
    for (size_t i = 0; i < dma->live_count; i++)
        if (share(dma->live[i].physical, dma->live[i].length, physical, length, 1))
            return dma->live[i];
    return none;
}

enum ns_pool_status ns_dma_check_free(const struct ns_dma *dma, uint64_t virtual_address, uint64_t length) {
    if (!ns_dma_find(dma, virtual_address, length).device)
        return NS_POOL_OK;
    return misused(dma, NS_MISUSE_FREE_MAPPED, virtual_address, length);
}

size_t ns_dma_live_count(const struct ns_dma *dma) {
    return dma->live_count;
}

struct ns_dma_mapping ns_dma_live_mapping(const struct ns_dma *dma, size_t index) {
    return dma->live[index];
}
