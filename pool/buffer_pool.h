/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The fixed-size buffer pool, modelled on VeridianOS 0.25.2 kernel/src/net/dma_pool.rs: packet buffers of 2048 usable
 * bytes, each in a 4 KiB frame of its own below a limit, at most 512 of them. Two buffers are never adjacent, whatever
 * their frames' addresses: do not count on contiguity.
 *
 * Life of a buffer: free -> ns_buffer_pool_allocate (one reference) -> acquire/release -> the last release makes it
 * free. Free buffers are reused oldest first, so that a device that is late has the longest time to finish.
 *
 * A handle carries the generation of the allocation it came from. A handle kept after its last release is therefore
 * known to be stale, also when the same buffer has a new owner.
 *
 * Context: no function blocks. All may be called from an interrupt handler, except create and destroy, which take long;
 * the lock (struct ns_port.lock) is taken with interrupts off and for a few stores at a time.
 *
 * The original has 21 defects. options.faithful gives the pool with all of them, for a driver author who wants to see
 * what they do; the tests BufferPoolFaithful.Dn_... and BufferPoolRepaired.Dn_... show each of them, and its repair.
 * What is a panic, or a hang, of the original is an error value here, after NS_SAY_BUG and a misuse.
 */
/* clang-format off */
/*
 * |      | defect                       | faithful                                 | repaired                               |
 * |------|------------------------------|------------------------------------------|----------------------------------------|
 * | D1   | a buffer's index is          | a skipped frame shifts all behind it:    | the index is the place                 |
 * |      | creation's turn, not its     | POOL_CORRUPT at allocate, a buffer that  |                                        |
 * |      | place                        | cannot be freed, one that is never used  |                                        |
 * | D2   | a frame above 4 GiB goes     | it comes again on the next turn: the     | rejects are set aside until all frames |
 * |      | back at once and uses up a   | pool is short, or EXHAUSTED              | are found                              |
 * |      | turn                         |                                          |                                        |
 * | D3   | the zone asked for is        | the lowest frame of any zone             | DMA32 zone, and a real upper limit     |
 * |      | ignored                      |                                          |                                        |
 * | D4   | 4 GiB whatever the device;   | limit and device are ignored, `bus` is   | limit, mask and ranges hold; `bus` is  |
 * |      | no bus address               | the physical address                     | the device's                           |
 * | D5   | free does not test for zero  | double free: OK, the count wraps, the    | DOUBLE_FREE, no effect                 |
 * |      |                              | buffer is lost one owner later           |                                        |
 * | D6   | a stale index is as good as  | it frees the new owner's buffer: two     | generation in the handle: DOUBLE_FREE  |
 * |      | the new owner's              | owners                                   |                                        |
 * | D7   | free of what nobody          | OK, as D5                                | FOREIGN_FREE                           |
 * |      | allocated                    |                                          |                                        |
 * | D8   | the count can be changed     | drop_reference of the last: leaked;      | drop_reference is release; acquire of  |
 * |      | past the pool                | acquire of a free buffer: handed out all | a free buffer: MISUSE                  |
 * |      |                              | the same                                 |                                        |
 * | D9   | reuse at once                | last in, first out                       | oldest first                           |
 * | D10  | no cache maintenance, nobody | release while a device has it mapped: OK | options.mappings (ns_dma_check_free):  |
 * |      | asks who owns the buffer     |                                          | FREE_MAPPED, not released              |
 * | D11  | zeros are left in the cache  | dirty lines, written back over a         | flush and barrier before anybody gets  |
 * |      |                              | device's data later                      | the buffer                             |
 * | D12  | not cleared on reuse         | the next owner reads the last packet     | options.zero_on_allocate               |
 * | D13  | no teardown                  | destroy loses the frames, in use or not  | destroy gives them back, or is BUSY    |
 * | D14  | the result of freeing a      | a frame freed twice is in two allocators | create fails with MISUSE               |
 * |      | frame is ignored             | (faithful_frames.h)                      |                                        |
 * | D15  | new(0), and a second         | OK and every allocate EXHAUSTED; OK and  | ARGUMENT                               |
 * |      | initialisation with another  | the old size                             |                                        |
 * |      | size                         |                                          |                                        |
 * | D16  | the lock leaves interrupts   | a handler that comes in: DEADLOCK; 2 MiB | interrupts off; cleared outside of the |
 * |      | on, and is held while        | cleared under the lock                   | lock                                   |
 * |      | clearing                     |                                          |                                        |
 * | D17  | count: relaxed and release   | acquire and drop_reference take no lock  | counts change under the lock, which    |
 * |      | order, no acquire fence at   | (a host that runs one hart at a time     | orders them                            |
 * |      | the last                     | cannot show a wrong order)               |                                        |
 * | D18  | statistics drift             | in_use wraps, or stays, after D1, D5 and | the sums of the statistics hold at any |
 * |      |                              | D8; no misuse is counted                 | time                                   |
 * | D19  | "physically contiguous       | single frames                            | single frames, and said so             |
 * |      | frames"                      |                                          |                                        |
 * | D20  | nothing watches the spare    | an overrun is not seen                   | options.guard_fill: FREED_WRITTEN      |
 * |      | half                         |                                          |                                        |
 * | D21  | its unit tests never         | they pass on it                          | our tests, which do                    |
 * |      | allocate                     |                                          |                                        |
 */
/* clang-format on */
#ifndef NS_POOL_BUFFER_POOL_H
#define NS_POOL_BUFFER_POOL_H

#include "pool/device.h"
#include "pool/zone.h"

#ifdef __cplusplus
extern "C" {
#endif

struct ns_dma;

enum { NS_BUFFER_SIZE = 2048, NS_BUFFER_COUNT_MAX = 512, NS_BUFFER_GUARD = 0xbd };

/* By value; { 0, 0 } is no buffer (of a repaired pool). A faithful pool looks at the index alone. */
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
    bool guard_fill;       /* fill the frame's other 2048 bytes with NS_BUFFER_GUARD and look at them at each last
                            * release: finds who writes past the end, device or CPU */
    const struct ns_dma *mappings; /* when set, the last release is refused while one of these mappings lives in the
                                    * buffer; must outlive the pool */
    bool faithful;                 /* the original with its defects D1 to D21; all fields above are ignored then */
    uint64_t faithful_high_turns;  /* faithful only: bit i set (bit 63: and all behind it) makes the frame allocator
                                    * begin its search at 4 GiB on turn i of creation, as one whose NUMA node 0 lies
                                    * there does; for D1 and D2 */
};

struct ns_buffer_address {
    uint64_t virtual_address; /* in the linear (cacheable) mapping */
    uint64_t physical;
    uint64_t bus; /* as the pool's device sees it; the physical address without a device */
};

/* Repaired pool: total == free + in_use, allocations - deallocations == in_use, at any time. */
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

/*
 * As create when *pool is NULL. Else the pool that is there is kept: OK when it was created with the same count,
 * ARGUMENT when not (faithful: OK; the original's init_network_pool).
 */
enum ns_pool_status ns_buffer_pool_create_once(const struct ns_port *port, struct ns_frames *frames, size_t count,
                                               const struct ns_buffer_pool_options *options,
                                               struct ns_buffer_pool **pool);

/* Gives all frames back. BUSY and misuse DESTROY_BUSY while a buffer is in use; nothing is freed then. NULL is OK.
 * Faithful: OK at any time, and the frames are lost. */
enum ns_pool_status ns_buffer_pool_destroy(struct ns_buffer_pool *pool);

/* EXHAUSTED when no buffer is free. The caller owns the one reference. Faithful: MISUSE with POOL_CORRUPT or DEADLOCK
 * where the original panics or hangs. */
enum ns_pool_status ns_buffer_pool_allocate(struct ns_buffer_pool *pool, struct ns_buffer *buffer);

/* One more reference. MISUSE for a handle that is not in use (not told to the port: nothing is freed). Faithful: also
 * of a free buffer; ARGUMENT when there is no such one. */
enum ns_pool_status ns_buffer_pool_acquire(struct ns_buffer_pool *pool, struct ns_buffer buffer);

/*
 * One reference less; the last one frees the buffer. MISUSE without any effect: DOUBLE_FREE for a handle that was in
 * use once, FOREIGN_FREE for one that this pool never gave, FREE_MAPPED (options.mappings). MISUSE with FREED_WRITTEN
 * (options.guard_fill; the address and length of what was overwritten, in words of 8 bytes): the buffer is released all
 * the same, and its guard mended. The guard is read through the cacheable mapping, after a flush of it.
 * Faithful: OK for every index below `total`, ARGUMENT for others.
 */
enum ns_pool_status ns_buffer_pool_release(struct ns_buffer_pool *pool, struct ns_buffer buffer);

/* One reference less, past the pool (faithful: the original's DmaBuffer::release, D8: the last one frees nothing).
 * Repaired: the same as release. */
enum ns_pool_status ns_buffer_pool_drop_reference(struct ns_buffer_pool *pool, struct ns_buffer buffer);

/* Where the buffer is. MISUSE for a handle that is not in use (not told to the port). */
enum ns_pool_status ns_buffer_pool_address(const struct ns_buffer_pool *pool, struct ns_buffer buffer,
                                           struct ns_buffer_address *address);

/* The buffer in use that holds a virtual address of the linear mapping. False when there is none. */
bool ns_buffer_pool_find(const struct ns_buffer_pool *pool, uint64_t virtual_address, struct ns_buffer *buffer);

/* References to a buffer in use; 0 for a stale or foreign handle. Faithful: the low 32 bits of the count. */
uint32_t ns_buffer_pool_references(const struct ns_buffer_pool *pool, struct ns_buffer buffer);

struct ns_buffer_pool_statistics ns_buffer_pool_get_statistics(const struct ns_buffer_pool *pool);

#ifdef __cplusplus
}
#endif
#endif
