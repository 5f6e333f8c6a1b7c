/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Everything the allocators need from below. The simulated machine implements it, and so can a board-support package:
 * the pool is freestanding C and includes no other header of the project.
 *
 * Addresses: `virtual` is what the running CPU loads and stores through, `physical` is what memory sees, `bus` is what
 * a DMA master puts on the bus. All are 64 bits wide. Every function may be called from the context in which the pool
 * was called (it may take simulated time).
 */
#ifndef NS_POOL_PORT_H
#define NS_POOL_PORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum ns_port_cache_op { NS_PORT_CLEAN, NS_PORT_INVALIDATE, NS_PORT_FLUSH };

/* Clean or invalidate of the L1 only, or to the point of coherency (the T-Head cval1/cva difference). */
enum ns_port_scope { NS_PORT_SCOPE_L1, NS_PORT_SCOPE_POC };

enum ns_port_type { NS_PORT_CACHEABLE, NS_PORT_NC, NS_PORT_IO };

/* What the caller of a pool function did wrong. The pool tells the port and then returns an error value; it never stops
 * the program. */
enum ns_port_misuse {
    NS_MISUSE_DOUBLE_FREE,      /* freed memory that is already free */
    NS_MISUSE_FOREIGN_FREE,     /* freed memory that this allocator never handed out */
    NS_MISUSE_DESTROY_BUSY,     /* destroyed a pool with blocks in use */
    NS_MISUSE_UNMAP_UNKNOWN,    /* unmap or sync of an address that is not mapped */
    NS_MISUSE_UNMAP_SIZE,       /* unmap with another size than the map's */
    NS_MISUSE_UNMAP_DIRECTION,  /* unmap or sync with another direction than the map's */
    NS_MISUSE_UNMAP_DEVICE,     /* unmap or sync for another device than the map's */
    NS_MISUSE_SYNC_RANGE,       /* sync outside of the mapped range */
    NS_MISUSE_MAP_OVERLAP,      /* a cache line of the new mapping is in a live one too, not both to-device */
    NS_MISUSE_FREE_MAPPED,      /* memory freed while a device still has it mapped */
    NS_MISUSE_LINK_OVERWRITTEN, /* something wrote into a free block: the free-list link in it is not the pool's */
};

struct ns_port {
    void *context;
    /* Loads and stores of the running CPU, through its translation and its caches. size: 1, 2, 4 or 8, naturally
     * aligned; little-endian value. */
    uint64_t (*load)(void *context, uint64_t virtual_address, unsigned size);
    void (*store)(void *context, uint64_t virtual_address, unsigned size, uint64_t value);
    /* memset and memcpy through the same path; length may be 0. */
    void (*fill)(void *context, uint64_t virtual_address, uint64_t length, uint8_t value);
    void (*copy)(void *context, uint64_t to, uint64_t from, uint64_t length);
    /* Cache maintenance of a virtual range with the platform's own rounding; complete only after barrier(). */
    void (*maintain)(void *context, enum ns_port_cache_op op, enum ns_port_scope scope, uint64_t virtual_address,
                     uint64_t length);
    /* Waits until earlier stores and maintenance are complete at the point of coherency. */
    void (*barrier)(void *context);
    /* The linear (cacheable) mapping of RAM. to_physical works for any mapped address, remapped ones too; all-ones when
     * unmapped. */
    uint64_t (*to_virtual)(void *context, uint64_t physical_address);
    uint64_t (*to_physical)(void *context, uint64_t virtual_address);
    /* A second mapping of whole pages with another memory type; 0 when there is no room. unmap removes it, with its TLB
     * entries. */
    uint64_t (*remap)(void *context, uint64_t physical_address, uint64_t length, enum ns_port_type type);
    void (*unmap)(void *context, uint64_t virtual_address, uint64_t length);
    /* Book-keeping memory of the pool itself, not visible to devices: 16-byte aligned, zeroed; NULL when exhausted. */
    void *(*metadata_allocate)(void *context, size_t size);
    void (*metadata_free)(void *context, void *memory);
    /* Told before the error is returned. `address` is the one the caller passed, `length` what it concerns (0:
     * unknown). */
    void (*misuse)(void *context, enum ns_port_misuse what, uint64_t address, uint64_t length);
};

#ifdef __cplusplus
}
#endif
#endif
