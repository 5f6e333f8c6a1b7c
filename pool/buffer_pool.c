/* SPDX-License-Identifier: Apache-2.0 */
#include "pool/buffer_pool.h"

#include "pool/buffer_pool_faithful.h"
#include "pool/mapping.h"

enum { GUARD_SIZE = NS_FRAME_SIZE - NS_BUFFER_SIZE };

struct slot {
    uint64_t physical;
    uint64_t generation;
    uint32_t references;
};

struct ns_buffer_pool {
    const struct ns_port *port;
    struct ns_frames *frames;
    struct ns_faithful_pool *faithful; /* does everything, where it is set; nothing below is used then */
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

/* ---- the lock -------------------------------------------------------------------------------- */

/* Held for a few stores at a time and never while memory is cleared or the caller is told something. */
static void lock(const struct ns_port *port) {
    if (port->lock)
        port->lock(port->context, true);
}

static void unlock(const struct ns_port *port) {
    if (port->unlock)
        port->unlock(port->context, true);
}

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

static enum ns_pool_status free_frame(const struct ns_port *port, struct ns_frames *frames, uint64_t physical) {
    lock(port);
    const enum ns_pool_status status = ns_frames_free(frames, physical, 1);
    unlock(port);
    return status;
}

static enum ns_pool_status return_rejects(const struct ns_port *port, struct ns_frames *frames,
                                          struct rejects *rejects) {
    enum ns_pool_status status = NS_POOL_OK;
    while (rejects) {
        struct rejects *next = rejects->next;
        for (size_t i = 0; i < rejects->count; i++)
            if (free_frame(port, frames, rejects->physical[i]) != NS_POOL_OK)
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
        lock(pool->port);
        enum ns_pool_status status = ns_frames_allocate(pool->frames, &request, &physical);
        unlock(pool->port);
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
            (void)free_frame(pool->port, pool->frames, physical);
            return status;
        }
        statistics->rejected_frames++;
    }
    return NS_POOL_OK;
}

/* Through the cacheable mapping; leaves no dirty line behind, when the barrier that the caller owes is done. */
static void fill(const struct ns_buffer_pool *pool, uint64_t physical, uint64_t length, uint8_t value) {
    const struct ns_port *port = pool->port;
    const uint64_t address = port->to_virtual(port->context, physical);
    port->fill(port->context, address, length, value);
    if (!pool->options.device || !pool->options.device->coherent)
        port->maintain(port->context, NS_PORT_FLUSH, NS_PORT_SCOPE_POC, address, length);
}

static enum ns_pool_status give_back(struct ns_buffer_pool *pool) {
    const struct ns_port *port = pool->port;
    enum ns_pool_status status = NS_POOL_OK;
    for (size_t i = 0; i < pool->statistics.total; i++)
        if (free_frame(port, pool->frames, pool->slots[i].physical) != NS_POOL_OK)
            status = NS_POOL_ERROR_MISUSE;
    port->metadata_free(port->context, pool);
    return status;
}

static enum ns_pool_status create_faithful(const struct ns_port *port, struct ns_frames *frames, size_t count,
                                           const struct ns_buffer_pool_options *options, struct ns_buffer_pool **pool) {
    struct ns_buffer_pool *made = port->metadata_allocate(port->context, sizeof *made);
    if (!made)
        return NS_POOL_ERROR_METADATA;
    made->port = port;
    made->statistics.requested = count;
    const enum ns_pool_status status =
        ns_faithful_pool_create(port, frames, count, options->faithful_high_turns, &made->faithful);
    if (status == NS_POOL_OK)
        *pool = made;
    else
        port->metadata_free(port->context, made);
    return status;
}

enum ns_pool_status ns_buffer_pool_create(const struct ns_port *port, struct ns_frames *frames, size_t count,
                                          const struct ns_buffer_pool_options *options, struct ns_buffer_pool **pool) {
    if (options && options->faithful)
        return create_faithful(port, frames, count, options, pool);
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
        fill(made, made->slots[i].physical, NS_FRAME_SIZE, 0);
        if (made->options.guard_fill)
            fill(made, made->slots[i].physical + NS_BUFFER_SIZE, GUARD_SIZE, NS_BUFFER_GUARD);
        made->free_ring[i] = (uint16_t)i;
    }
    port->barrier(port->context);
    made->statistics.free = made->statistics.total;
    *pool = made;
    return NS_POOL_OK;
}

enum ns_pool_status ns_buffer_pool_create_once(const struct ns_port *port, struct ns_frames *frames, size_t count,
                                               const struct ns_buffer_pool_options *options,
                                               struct ns_buffer_pool **pool) {
    if (!*pool)
        return ns_buffer_pool_create(port, frames, count, options, pool);
    const bool same = (*pool)->statistics.requested == count;
    return same || (*pool)->faithful ? NS_POOL_OK : NS_POOL_ERROR_ARGUMENT;
}

enum ns_pool_status ns_buffer_pool_destroy(struct ns_buffer_pool *pool) {
    if (!pool)
        return NS_POOL_OK;
    if (pool->faithful) {
        ns_faithful_pool_destroy(pool->faithful);
        pool->port->metadata_free(pool->port->context, pool);
        return NS_POOL_OK;
    }
    if (pool->statistics.in_use != 0) {
        pool->port->misuse(pool->port->context, NS_MISUSE_DESTROY_BUSY, 0, 0);
        return NS_POOL_ERROR_BUSY;
    }
    return give_back(pool);
}

/* ---- the guard behind a buffer --------------------------------------------------------------- */

/* Tells of an overrun and mends the guard. Flushed first, not invalidated: an overrun by the CPU may still be dirty in
 * the cache, one by the device is in memory. */
static bool guard_intact(const struct ns_buffer_pool *pool, uint64_t physical) {
    const struct ns_port *port = pool->port;
    const uint64_t expected = NS_BUFFER_GUARD * UINT64_C(0x0101010101010101);
    const uint64_t guard = port->to_virtual(port->context, physical + NS_BUFFER_SIZE);
    if (!pool->options.device || !pool->options.device->coherent) {
        port->maintain(port->context, NS_PORT_FLUSH, NS_PORT_SCOPE_POC, guard, GUARD_SIZE);
        port->barrier(port->context);
    }
    uint64_t first = GUARD_SIZE, end = 0;
    for (uint64_t offset = 0; offset < GUARD_SIZE; offset += 8) {
        if (port->load(port->context, guard + offset, 8) == expected)
            continue;
        if (end == 0)
            first = offset;
        end = offset + 8;
    }
    if (end == 0)
        return true;
    port->misuse(port->context, NS_MISUSE_FREED_WRITTEN, guard + first, end - first);
    fill(pool, physical + NS_BUFFER_SIZE, GUARD_SIZE, NS_BUFFER_GUARD);
    port->barrier(port->context);
    return false;
}

/* ---- life of a buffer ------------------------------------------------------------------------ */

static bool is_live(const struct ns_buffer_pool *pool, struct ns_buffer buffer) {
    return buffer.index < pool->statistics.total && pool->slots[buffer.index].references != 0 &&
           pool->slots[buffer.index].generation == buffer.generation;
}

/* The buffer of a handle that is in use; NULL for any other. */
static struct slot *live(struct ns_buffer_pool *pool, struct ns_buffer buffer) {
    return is_live(pool, buffer) ? &pool->slots[buffer.index] : NULL;
}

enum ns_pool_status ns_buffer_pool_allocate(struct ns_buffer_pool *pool, struct ns_buffer *buffer) {
    if (pool->faithful)
        return ns_faithful_pool_allocate(pool->faithful, buffer);
    const struct ns_port *port = pool->port;
    struct ns_buffer_pool_statistics *statistics = &pool->statistics;
    lock(port);
    if (statistics->free == 0) {
        statistics->failed_allocations++;
        unlock(port);
        return NS_POOL_ERROR_EXHAUSTED;
    }
    const uint32_t index = pool->free_ring[pool->oldest_free];
    if (++pool->oldest_free == statistics->total)
        pool->oldest_free = 0;
    struct slot *slot = &pool->slots[index];
    *buffer = (struct ns_buffer){.index = index, .generation = ++slot->generation};
    slot->references = 1;
    statistics->free--;
    statistics->in_use++;
    statistics->allocations++;
    unlock(port);
    if (pool->options.zero_on_allocate) {
        fill(pool, slot->physical, NS_BUFFER_SIZE, 0);
        port->barrier(port->context);
    }
    return NS_POOL_OK;
}

enum ns_pool_status ns_buffer_pool_acquire(struct ns_buffer_pool *pool, struct ns_buffer buffer) {
    if (pool->faithful)
        return ns_faithful_pool_acquire(pool->faithful, buffer.index);
    lock(pool->port);
    struct slot *slot = live(pool, buffer);
    const bool counts = slot && slot->references != UINT32_MAX;
    if (counts)
        slot->references++;
    else
        pool->statistics.misuses++;
    unlock(pool->port);
    return counts ? NS_POOL_OK : NS_POOL_ERROR_MISUSE;
}

static enum ns_pool_status refuse_release(const struct ns_buffer_pool *pool, struct ns_buffer buffer) {
    const struct ns_port *port = pool->port;
    const bool ours = buffer.index < pool->statistics.total;
    const bool was_ours = ours && buffer.generation != 0 && buffer.generation <= pool->slots[buffer.index].generation;
    const uint64_t address = ours ? port->to_virtual(port->context, pool->slots[buffer.index].physical) : 0;
    port->misuse(port->context, was_ours ? NS_MISUSE_DOUBLE_FREE : NS_MISUSE_FOREIGN_FREE, address,
                 ours ? NS_BUFFER_SIZE : 0);
    return NS_POOL_ERROR_MISUSE;
}

/* Whether the last reference is about to go while a device may still use the buffer. */
static bool still_mapped(struct ns_buffer_pool *pool, struct ns_buffer buffer) {
    const struct slot *slot = live(pool, buffer);
    if (!pool->options.mappings || !slot || slot->references != 1)
        return false;
    const uint64_t address = pool->port->to_virtual(pool->port->context, slot->physical);
    return ns_dma_check_free(pool->options.mappings, address, NS_BUFFER_SIZE) != NS_POOL_OK;
}

/* Behind all others, so that a late device has the longest time. Under the lock. */
static void make_free(struct ns_buffer_pool *pool, uint32_t index) {
    struct ns_buffer_pool_statistics *statistics = &pool->statistics;
    size_t place = pool->oldest_free + statistics->free;
    if (place >= statistics->total)
        place -= statistics->total;
    pool->free_ring[place] = (uint16_t)index;
    statistics->free++;
    statistics->in_use--;
    statistics->deallocations++;
}

enum ns_pool_status ns_buffer_pool_release(struct ns_buffer_pool *pool, struct ns_buffer buffer) {
    if (pool->faithful)
        return ns_faithful_pool_free(pool->faithful, buffer.index);
    const struct ns_port *port = pool->port;
    const bool guarded = pool->options.guard_fill;
    if (pool->options.mappings && still_mapped(pool, buffer))
        return NS_POOL_ERROR_MISUSE;
    lock(port);
    struct slot *slot = live(pool, buffer);
    if (!slot)
        pool->statistics.misuses++;
    const bool last = slot && --slot->references == 0;
    if (last && !guarded)
        make_free(pool, buffer.index);
    unlock(port);
    if (!slot)
        return refuse_release(pool, buffer);
    if (!last || !guarded)
        return NS_POOL_OK;

    /* Nobody's now, and not yet free: the guard is read with interrupts on. */
    const bool intact = guard_intact(pool, slot->physical);
    lock(port);
    make_free(pool, buffer.index);
    unlock(port);
    return intact ? NS_POOL_OK : NS_POOL_ERROR_MISUSE;
}

enum ns_pool_status ns_buffer_pool_drop_reference(struct ns_buffer_pool *pool, struct ns_buffer buffer) {
    return pool->faithful ? ns_faithful_pool_drop(pool->faithful, buffer.index) : ns_buffer_pool_release(pool, buffer);
}

/* ---- questions ------------------------------------------------------------------------------- */

enum ns_pool_status ns_buffer_pool_address(const struct ns_buffer_pool *pool, struct ns_buffer buffer,
                                           struct ns_buffer_address *address) {
    if (pool->faithful)
        return ns_faithful_pool_address(pool->faithful, buffer.index, address) ? NS_POOL_OK : NS_POOL_ERROR_MISUSE;
    if (!is_live(pool, buffer))
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
    if (pool->faithful)
        return ns_faithful_pool_find(pool->faithful, physical, buffer);
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
    if (pool->faithful)
        return (uint32_t)ns_faithful_pool_references(pool->faithful, buffer.index);
    return is_live(pool, buffer) ? pool->slots[buffer.index].references : 0;
}

struct ns_buffer_pool_statistics ns_buffer_pool_get_statistics(const struct ns_buffer_pool *pool) {
    if (pool->faithful)
        return ns_faithful_pool_get_statistics(pool->faithful);
    lock(pool->port);
    const struct ns_buffer_pool_statistics now = pool->statistics;
    unlock(pool->port);
    return now;
}
