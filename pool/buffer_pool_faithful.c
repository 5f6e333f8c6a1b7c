/* SPDX-License-Identifier: Apache-2.0 */
#include "pool/buffer_pool_faithful.h"

#include "pool/faithful_frames.h"
#include "pool/say.h"

#define DMA_LIMIT (UINT64_C(1) << 32) /* D4: a constant, whatever the device */

struct buffer {
    uint64_t physical;
    uint64_t references; /* wraps (D5) */
    uint16_t number;     /* what the buffer says its index is: the turn of creation that made it (D1) */
};

struct ns_faithful_pool {
    const struct ns_port *port;
    struct ns_faithful_frames frames;
    bool locked;
    uint64_t allocations, deallocations, failed_allocations;
    size_t requested;
    size_t buffer_count;
    size_t free_count;
    size_t rejected;
    uint16_t free_list[NS_BUFFER_COUNT_MAX]; /* last in first out (D9) */
    struct buffer buffers[NS_BUFFER_COUNT_MAX];
};

/* ---- the lock -------------------------------------------------------------------------------- */

/* A spin lock that leaves interrupts on (D16): a handler that comes in between finds it taken, by the hart that it
 * stopped, and spins for ever. False instead of that. */
static bool lock(struct ns_faithful_pool *pool, const char *function) {
    const struct ns_port *port = pool->port;
    if (pool->locked) {
        ns_say(port, NS_SAY_BUG, function, "the interrupted code holds the lock: this hart spins for ever", 0, 0);
        port->misuse(port->context, NS_MISUSE_DEADLOCK, 0, 0);
        return false;
    }
    pool->locked = true;
    if (port->lock)
        port->lock(port->context, false);
    return true;
}

static void unlock(struct ns_faithful_pool *pool) {
    pool->locked = false;
    if (pool->port->unlock)
        pool->port->unlock(pool->port->context, false);
}

/* ---- creation -------------------------------------------------------------------------------- */

/* Where the search of a turn begins: bit 63 stands for all turns from 63 on. */
static uint64_t lowest_of_turn(uint64_t high_turns, size_t turn) {
    return (high_turns >> (turn < 63 ? turn : 63)) & 1 ? DMA_LIMIT : 0;
}

static enum ns_pool_status take_frame(struct ns_faithful_pool *pool, uint64_t lowest, uint64_t *physical) {
    enum ns_pool_status status =
        ns_faithful_frames_allocate(&pool->frames, NS_POOL_ZONE_NORMAL, lowest, physical); /* D3 */
    if (status != NS_POOL_OK && lowest != 0)
        status = ns_faithful_frames_allocate(&pool->frames, NS_POOL_ZONE_NORMAL, 0, physical);
    return status;
}

/* One turn. False: no more frames. */
static bool make_buffer(struct ns_faithful_pool *pool, size_t turn, uint64_t lowest) {
    const struct ns_port *port = pool->port;
    uint64_t physical = 0;
    if (take_frame(pool, lowest, &physical) != NS_POOL_OK)
        return false;
    if (physical >= DMA_LIMIT) {
        ns_say(port, NS_SAY_DECISION, "DmaBufferPool::new", "frame {x} lies above 4 GiB: given back, turn {d} lost",
               physical, turn);
        (void)ns_faithful_frames_free(&pool->frames, physical); /* D14 */
        pool->rejected++;
        return true; /* D2: the turn is over, and the same frame comes next time */
    }
    port->fill(port->context, port->to_virtual(port->context, physical), NS_FRAME_SIZE, 0); /* D11, D16 */
    pool->buffers[pool->buffer_count++] = (struct buffer){.physical = physical, .number = (uint16_t)turn};
    pool->free_list[pool->free_count++] = (uint16_t)turn; /* D1: not the place in buffers */
    return true;
}

enum ns_pool_status ns_faithful_pool_create(const struct ns_port *port, struct ns_frames *frames, size_t count,
                                            uint64_t high_turns, struct ns_faithful_pool **pool) {
    if (count > NS_BUFFER_COUNT_MAX)
        return NS_POOL_ERROR_ARGUMENT;
    struct ns_faithful_pool *made = port->metadata_allocate(port->context, sizeof *made);
    if (!made)
        return NS_POOL_ERROR_METADATA;
    made->port = port;
    made->frames.frames = frames;
    made->requested = count;
    (void)lock(made, "DmaBufferPool::new"); /* the frame allocator's, held until all is zeroed (D16) */
    for (size_t turn = 0; turn < count; turn++)
        if (!make_buffer(made, turn, lowest_of_turn(high_turns, turn)))
            break;
    unlock(made);
    if (made->buffer_count == 0 && count > 0) { /* D15: 0 is a pool */
        port->metadata_free(port->context, made);
        return NS_POOL_ERROR_EXHAUSTED;
    }
    ns_say(port, NS_SAY_INFO, "DmaBufferPool::new", "allocated {d} of {d} DMA buffers", made->buffer_count, count);
    *pool = made;
    return NS_POOL_OK;
}

void ns_faithful_pool_destroy(struct ns_faithful_pool *pool) {
    const struct ns_port *port = pool->port;
    ns_say(port, NS_SAY_DECISION, "DmaBufferPool", "no teardown: {d} frames stay taken", pool->buffer_count, 0);
    port->metadata_free(port->context, pool); /* D13 */
}

/* ---- life of a buffer ------------------------------------------------------------------------ */

/* The place of the buffer that carries a number; buffer_count when none does. */
static size_t place_of(const struct ns_faithful_pool *pool, uint32_t number) {
    size_t place = 0;
    while (place < pool->buffer_count && pool->buffers[place].number != number)
        place++;
    return place;
}

enum ns_pool_status ns_faithful_pool_allocate(struct ns_faithful_pool *pool, struct ns_buffer *buffer) {
    const struct ns_port *port = pool->port;
    if (!lock(pool, "DmaBufferPool::alloc"))
        return NS_POOL_ERROR_MISUSE;
    if (pool->free_count == 0) {
        pool->failed_allocations++;
        unlock(pool);
        return NS_POOL_ERROR_EXHAUSTED;
    }
    const uint16_t place = pool->free_list[--pool->free_count];
    const bool exists = place < pool->buffer_count;
    if (exists) {
        pool->buffers[place].references++; /* from 2^64-1 to 0 after a double free (D5) */
        pool->allocations++;
        *buffer = (struct ns_buffer){.index = pool->buffers[place].number};
    }
    unlock(pool); /* the original panics with the lock held; here the run goes on, to show what else is wrong */
    if (exists)
        return NS_POOL_OK;
    ns_say(port, NS_SAY_BUG, "DmaBufferPool::alloc", "index out of bounds: the len is {d} but the index is {d}",
           pool->buffer_count, place);
    port->misuse(port->context, NS_MISUSE_POOL_CORRUPT, 0, 0);
    return NS_POOL_ERROR_MISUSE;
}

enum ns_pool_status ns_faithful_pool_free(struct ns_faithful_pool *pool, uint32_t place) {
    const struct ns_port *port = pool->port;
    if (!lock(pool, "DmaBufferPool::free"))
        return NS_POOL_ERROR_MISUSE;
    enum ns_pool_status status = NS_POOL_OK;
    if (place >= pool->buffer_count) {
        status = NS_POOL_ERROR_ARGUMENT;
    } else if (pool->buffers[place].references-- == 1) { /* D5, D6, D7: no other question is asked */
        pool->deallocations++;
        if (pool->free_count < NS_BUFFER_COUNT_MAX)
            pool->free_list[pool->free_count++] = (uint16_t)place;
        else
            status = NS_POOL_ERROR_MISUSE;
    }
    unlock(pool);
    if (status == NS_POOL_ERROR_MISUSE) { /* The original's list would grow on: only D8 gets it here. */
        ns_say(port, NS_SAY_BUG, "DmaBufferPool::free", "the free list names {d} buffers, there are {d}",
               NS_BUFFER_COUNT_MAX, pool->buffer_count);
        port->misuse(port->context, NS_MISUSE_POOL_CORRUPT, 0, 0);
    }
    return status;
}

enum ns_pool_status ns_faithful_pool_acquire(struct ns_faithful_pool *pool, uint32_t number) {
    const size_t place = place_of(pool, number);
    if (place == pool->buffer_count)
        return NS_POOL_ERROR_ARGUMENT;
    pool->buffers[place].references++; /* relaxed, and of a free buffer too (D8, D17) */
    return NS_POOL_OK;
}

enum ns_pool_status ns_faithful_pool_drop(struct ns_faithful_pool *pool, uint32_t number) {
    const size_t place = place_of(pool, number);
    if (place == pool->buffer_count)
        return NS_POOL_ERROR_ARGUMENT;
    pool->buffers[place].references--; /* the last one does not put it on the list (D8); no acquire fence (D17) */
    return NS_POOL_OK;
}

/* ---- questions ------------------------------------------------------------------------------- */

bool ns_faithful_pool_address(const struct ns_faithful_pool *pool, uint32_t number, struct ns_buffer_address *address) {
    const size_t place = place_of(pool, number);
    if (place == pool->buffer_count)
        return false;
    const uint64_t physical = pool->buffers[place].physical;
    address->virtual_address = pool->port->to_virtual(pool->port->context, physical);
    address->physical = physical;
    address->bus = physical; /* D4 */
    return true;
}

bool ns_faithful_pool_find(const struct ns_faithful_pool *pool, uint64_t physical, struct ns_buffer *found) {
    for (size_t i = 0; i < pool->buffer_count; i++) {
        const struct buffer *buffer = &pool->buffers[i];
        if (physical >= buffer->physical && physical - buffer->physical < NS_BUFFER_SIZE) {
            *found = (struct ns_buffer){.index = buffer->number};
            return true;
        }
    }
    return false;
}

uint64_t ns_faithful_pool_references(const struct ns_faithful_pool *pool, uint32_t number) {
    const size_t place = place_of(pool, number);
    return place < pool->buffer_count ? pool->buffers[place].references : 0;
}

struct ns_buffer_pool_statistics ns_faithful_pool_get_statistics(const struct ns_faithful_pool *pool) {
    return (struct ns_buffer_pool_statistics){.requested = pool->requested,
                                              .total = pool->buffer_count,
                                              .free = pool->free_count,
                                              .in_use = (size_t)(pool->allocations - pool->deallocations), /* D18 */
                                              .rejected_frames = pool->rejected,
                                              .allocations = pool->allocations,
                                              .deallocations = pool->deallocations,
                                              .failed_allocations = pool->failed_allocations};
}
