/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The fixed-size buffer pool, modelled on VeridianOS 0.25.2 kernel/src/net/dma_pool.rs with its defects repaired:
 * packet buffers of 2048 usable bytes, each in a 4 KiB frame of its own below a limit, at most 512 of them. Two buffers
 * are never adjacent, whatever their frames' addresses: do not count on contiguity.
 *
 * Life of a buffer: free -> ns_buffer_pool_allocate (one reference) -> acquire/release -> the last release makes it
 * free. Free buffers are reused oldest first, so that a device that is late has the longest time to finish.
 *
 * A handle carries the generation of the allocation it came from. A handle kept after its last release is therefore
 * known to be stale, also when the same buffer has a new owner.
 */
#ifndef NS_POOL_BUFFER_POOL_H
#define NS_POOL_BUFFER_POOL_H

#include "pool/device.h"
#include "pool/zone.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { NS_BUFFER_SIZE = 2048, NS_BUFFER_COUNT_MAX = 512 };

/* By value; { 0, 0 } is no buffer. */
struct ns_buffer {
    uint32_t index;
    uint64_t generation; /* counts the allocations of this index, from 1 */
};

/* All zero means: below 4 GiB, for no device in particular, zeroed once at creation. */
struct ns_buffer_pool_options {
    uint64_t limit; /* physical, exclusive, 4096 or more; 0: 4 GiB */
    const struct ns_pool_device
        *device;           /* when set, only frames its dma_mask and ranges reach; must outlive the pool */
    bool zero_on_allocate; /* clear the usable bytes again whenever a buffer is handed out */
};

struct ns_buffer_address {
    uint64_t virtual_address; /* in the linear (cacheable) mapping */
    uint64_t physical;
    uint64_t bus; /* as the pool's device sees it; the physical address without a device */
};

/* total == free + in_use, allocations - deallocations == in_use, at any time. */
struct ns_buffer_pool_statistics {
    size_t requested; /* buffers that creation asked for */
    size_t total;     /* buffers that it got */
    size_t free;
    size_t in_use;
    size_t rejected_frames; /* frames that creation got and could not use; all were given back */
    uint64_t allocations;
    uint64_t deallocations;
    uint64_t failed_allocations; /* the pool was empty */
    uint64_t misuses;            /* stale or foreign handles */
};

struct ns_buffer_pool;

/*
 * Creates `count` buffers (1 to 512), or as many as there is memory for: the statistics say how many. EXHAUSTED, and no
 * pool, when there is none at all (NOT_ADDRESSABLE when there was, but the device reaches none of it). Frames that the
 * device cannot reach are set aside until the pool is complete: a frame given back at once would be the next one to
 * come. Every frame is zeroed as a whole, through the cacheable mapping, and flushed to the point of coherency before
 * this returns: a dirty line of zeros left behind would be written back over a device's data later. (Not for a device
 * that is declared coherent.) `options` may be NULL.
 */
enum ns_pool_status ns_buffer_pool_create(const struct ns_port *port, struct ns_frames *frames, size_t count,
                                          const struct ns_buffer_pool_options *options, struct ns_buffer_pool **pool);

/* Gives all frames back. BUSY and misuse DESTROY_BUSY while a buffer is in use; nothing is freed then. NULL is OK. */
enum ns_pool_status ns_buffer_pool_destroy(struct ns_buffer_pool *pool);

/* EXHAUSTED when no buffer is free. The caller owns the one reference. */
enum ns_pool_status ns_buffer_pool_allocate(struct ns_buffer_pool *pool, struct ns_buffer *buffer);

/* One more reference. MISUSE for a handle that is not in use (not told to the port: nothing is freed). */
enum ns_pool_status ns_buffer_pool_acquire(struct ns_buffer_pool *pool, struct ns_buffer buffer);

/* One reference less; the last one frees the buffer. MISUSE without any effect: DOUBLE_FREE for a handle that was in
 * use once, FOREIGN_FREE for one that this pool never gave. */
enum ns_pool_status ns_buffer_pool_release(struct ns_buffer_pool *pool, struct ns_buffer buffer);

/* Where the buffer is. MISUSE for a handle that is not in use (not told to the port). */
enum ns_pool_status ns_buffer_pool_address(const struct ns_buffer_pool *pool, struct ns_buffer buffer,
                                           struct ns_buffer_address *address);

/* The buffer in use that holds a virtual address of the linear mapping. False when there is none. */
bool ns_buffer_pool_find(const struct ns_buffer_pool *pool, uint64_t virtual_address, struct ns_buffer *buffer);

/* References to a buffer in use; 0 for a stale or foreign handle. */
uint32_t ns_buffer_pool_references(const struct ns_buffer_pool *pool, struct ns_buffer buffer);

struct ns_buffer_pool_statistics ns_buffer_pool_get_statistics(const struct ns_buffer_pool *pool);

#ifdef __cplusplus
}
#endif
#endif
