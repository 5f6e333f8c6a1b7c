/* SPDX-License-Identifier: Apache-2.0 */
#include "pool/buffer_pool.h"

struct slot {
    uint64_t physical;
    uint64_t generation;
    uint32_t references;
};

struct ns_buffer_pool {
    const struct ns_port *port;
    struct ns_frames *frames;
    struct ns_buffer_pool_options options;
    struct ns_buffer_pool_statistics statistics;
    uint32_t oldest_free;                    /* position in free_ring of the next buffer to hand out */
    uint16_t free_ring[NS_BUFFER_COUNT_MAX]; /* statistics.free indices from oldest_free on, modulo the total */
    struct slot slots[];
};

/* Frames that creation must not use and must not give back yet. */
struct rejects {
    struct rejects *next;
    size_t count;
    uint64_t physical[62];
};

/* ---- creation -------------------------------------------------------------------------------- */

static bool device_reaches(const struct ns_pool_device *device, uint64_t physical) {
    return !device || ns_dma_capable(device, ns_physical_to_bus(device, physical), NS_BUFFER_SIZE);
}

static enum ns_pool_status set_aside(const struct ns_port *port, struct rejects **rejects, uint64_t physical) {
    const size_t room = sizeof(*rejects)->physical / sizeof(*rejects)->physical[0];
    if (!*rejects || (*rejects)->count == room) {
        struct rejects *more = port->metadata_allocate(port->context, sizeof *more);
        if (!more)
            return NS_POOL_ERROR_METADATA;
        more->next = *rejects;
        *rejects = more;
    }
    (*rejects)->physical[(*rejects)->count++] = physical;
    return NS_POOL_OK;
}

static enum ns_pool_status return_rejects(const struct ns_port *port, struct ns_frames *frames,
                                          struct rejects *rejects) {
    enum ns_pool_status status = NS_POOL_OK;
    while (rejects) {
        struct rejects *next = rejects->next;
        for (size_t i = 0; i < rejects->count; i++)
            if (ns_frames_free(frames, rejects->physical[i], 1) != NS_POOL_OK)
                status = NS_POOL_ERROR_MISUSE;
        port->metadata_free(port->context, rejects);
        rejects = next;
    }
    return status;
}

/* Takes frames until the pool is complete or memory has run out. A buffer's index is its place in `slots`, also when
 * frames were skipped in between. */
static enum ns_pool_status collect_frames(struct ns_buffer_pool *pool, struct rejects **rejects) {
    struct ns_buffer_pool_statistics *statistics = &pool->statistics;
    const uint64_t limit = pool->options.limit;
    const struct ns_frames_request request = {
        .count = 1,
        .alignment = 1,
        .lowest = 0,
        .highest = limit - 1,
        .zone = limit > ns_frames_limit(pool->frames, NS_POOL_ZONE_DMA32) ? NS_POOL_ZONE_NORMAL : NS_POOL_ZONE_DMA32,
    };
    while (statistics->total < statistics->requested) {
        uint64_t physical = 0;
        enum ns_pool_status status = ns_frames_allocate(pool->frames, &request, &physical);
        if (status == NS_POOL_ERROR_EXHAUSTED)
            return NS_POOL_OK;
        if (status != NS_POOL_OK)
            return status;
        if (device_reaches(pool->options.device, physical)) {
            pool->slots[statistics->total++].physical = physical;
            continue;
        }
        status = set_aside(pool->port, rejects, physical);
        if (status != NS_POOL_OK) {
            (void)ns_frames_free(pool->frames, physical, 1);
            return status;
        }
        statistics->rejected_frames++;
    }
    return NS_POOL_OK;
}

/* Clears through the cacheable mapping and leaves no dirty line behind. */
static void zero(const struct ns_buffer_pool *pool, uint64_t physical, uint64_t length) {
    const struct ns_port *port = pool->port;
    const uint64_t address = port->to_virtual(port->context, physical);
    port->fill(port->context, address, length, 0);
    if (!pool->options.device || !pool->options.device->coherent)
        port->maintain(port->context, NS_PORT_FLUSH, NS_PORT_SCOPE_POC, address, length);
}

static enum ns_pool_status give_back(struct ns_buffer_pool *pool) {
    const struct ns_port *port = pool->port;
    enum ns_pool_status status = NS_POOL_OK;
    for (size_t i = 0; i < pool->statistics.total; i++)
        if (ns_frames_free(pool->frames, pool->slots[i].physical, 1) != NS_POOL_OK)
            status = NS_POOL_ERROR_MISUSE;
    port->metadata_free(port->context, pool);
    return status;
}

enum ns_pool_status ns_buffer_pool_create(const struct ns_port *port, struct ns_frames *frames, size_t count,
                                          const struct ns_buffer_pool_options *options, struct ns_buffer_pool **pool) {
    if (count == 0 || count > NS_BUFFER_COUNT_MAX)
        return NS_POOL_ERROR_ARGUMENT;
    if (options && options->limit != 0 && options->limit < NS_FRAME_SIZE)
        return NS_POOL_ERROR_ARGUMENT;
    struct ns_buffer_pool *made = port->metadata_allocate(port->context, sizeof *made + count * sizeof made->slots[0]);
    if (!made)
        return NS_POOL_ERROR_METADATA;
    made->port = port;
    made->frames = frames;
    if (options)
        made->options = *options;
    if (made->options.limit == 0)
        made->options.limit = UINT64_C(1) << 32;
    made->statistics.requested = count;

    struct rejects *rejects = NULL;
    enum ns_pool_status status = collect_frames(made, &rejects);
    const enum ns_pool_status returned = return_rejects(port, frames, rejects);
    if (status == NS_POOL_OK)
        status = returned;
    if (status == NS_POOL_OK && made->statistics.total == 0)
        status = made->statistics.rejected_frames ? NS_POOL_ERROR_NOT_ADDRESSABLE : NS_POOL_ERROR_EXHAUSTED;
    if (status != NS_POOL_OK) {
        (void)give_back(made);
        return status;
    }
    for (size_t i = 0; i < made->statistics.total; i++) {
        zero(made, made->slots[i].physical, NS_FRAME_SIZE);
        made->free_ring[i] = (uint16_t)i;
    }
    port->barrier(port->context);
    made->statistics.free = made->statistics.total;
    *pool = made;
    return NS_POOL_OK;
}

enum ns_pool_status ns_buffer_pool_destroy(struct ns_buffer_pool *pool) {
    if (!pool)
        return NS_POOL_OK;
    if (pool->statistics.in_use != 0) {
        pool->port->misuse(pool->port->context, NS_MISUSE_DESTROY_BUSY, 0, 0);
        return NS_POOL_ERROR_BUSY;
    }
    return give_back(pool);
}

/* ---- life of a buffer ------------------------------------------------------------------------ */

static bool live(const struct ns_buffer_pool *pool, struct ns_buffer buffer) {
    return buffer.index < pool->statistics.total && pool->slots[buffer.index].references != 0 &&
           pool->slots[buffer.index].generation == buffer.generation;
}

enum ns_pool_status ns_buffer_pool_allocate(struct ns_buffer_pool *pool, struct ns_buffer *buffer) {
    struct ns_buffer_pool_statistics *statistics = &pool->statistics;
    if (statistics->free == 0) {
        statistics->failed_allocations++;
        return NS_POOL_ERROR_EXHAUSTED;
    }
    const uint32_t index = pool->free_ring[pool->oldest_free];
    pool->oldest_free = (pool->oldest_free + 1) % (uint32_t)statistics->total;
    struct slot *slot = &pool->slots[index];
    slot->generation++;
    slot->references = 1;
    statistics->free--;
    statistics->in_use++;
    statistics->allocations++;
    if (pool->options.zero_on_allocate) {
        zero(pool, slot->physical, NS_BUFFER_SIZE);
        pool->port->barrier(pool->port->context);
    }
    *buffer = (struct ns_buffer){.index = index, .generation = slot->generation};
    return NS_POOL_OK;
}

enum ns_pool_status ns_buffer_pool_acquire(struct ns_buffer_pool *pool, struct ns_buffer buffer) {
    if (!live(pool, buffer) || pool->slots[buffer.index].references == UINT32_MAX) {
        pool->statistics.misuses++;
        return NS_POOL_ERROR_MISUSE;
    }
    pool->slots[buffer.index].references++;
    return NS_POOL_OK;
}

static enum ns_pool_status refuse_release(struct ns_buffer_pool *pool, struct ns_buffer buffer) {
    const struct ns_port *port = pool->port;
    pool->statistics.misuses++;
    const bool ours = buffer.index < pool->statistics.total;
    const bool was_ours = ours && buffer.generation != 0 && buffer.generation <= pool->slots[buffer.index].generation;
    const uint64_t address = ours ? port->to_virtual(port->context, pool->slots[buffer.index].physical) : 0;
    port->misuse(port->context, was_ours ? NS_MISUSE_DOUBLE_FREE : NS_MISUSE_FOREIGN_FREE, address,
                 ours ? NS_BUFFER_SIZE : 0);
    return NS_POOL_ERROR_MISUSE;
}

enum ns_pool_status ns_buffer_pool_release(struct ns_buffer_pool *pool, struct ns_buffer buffer) {
    if (!live(pool, buffer))
        return refuse_release(pool, buffer);
    if (--pool->slots[buffer.index].references != 0)
        return NS_POOL_OK;
    struct ns_buffer_pool_statistics *statistics = &pool->statistics;
    pool->free_ring[(pool->oldest_free + statistics->free) % statistics->total] = (uint16_t)buffer.index;
    statistics->free++;
    statistics->in_use--;
    statistics->deallocations++;
    return NS_POOL_OK;
}

/* ---- questions ------------------------------------------------------------------------------- */

enum ns_pool_status ns_buffer_pool_address(const struct ns_buffer_pool *pool, struct ns_buffer buffer,
                                           struct ns_buffer_address *address) {
    if (!live(pool, buffer))
        return NS_POOL_ERROR_MISUSE;
    const uint64_t physical = pool->slots[buffer.index].physical;
    const struct ns_pool_device *device = pool->options.device;
    address->virtual_address = pool->port->to_virtual(pool->port->context, physical);
    address->physical = physical;
    address->bus = device ? ns_physical_to_bus(device, physical) : physical;
    return NS_POOL_OK;
}

bool ns_buffer_pool_find(const struct ns_buffer_pool *pool, uint64_t virtual_address, struct ns_buffer *buffer) {
    const struct ns_port *port = pool->port;
    const uint64_t physical = port->to_physical(port->context, virtual_address);
    for (uint32_t i = 0; i < pool->statistics.total; i++) {
        const struct slot *slot = &pool->slots[i];
        if (slot->references != 0 && physical >= slot->physical && physical - slot->physical < NS_BUFFER_SIZE) {
            *buffer = (struct ns_buffer){.index = i, .generation = slot->generation};
            return true;
        }
    }
    return false;
}

uint32_t ns_buffer_pool_references(const struct ns_buffer_pool *pool, struct ns_buffer buffer) {
    return live(pool, buffer) ? pool->slots[buffer.index].references : 0;
}

struct ns_buffer_pool_statistics ns_buffer_pool_get_statistics(const struct ns_buffer_pool *pool) {
    return pool->statistics;
}
