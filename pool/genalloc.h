/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The general-purpose allocator for memory that is not the kernel's own (device SRAM, DMA pools): a list of chunks,
 * each with a bitmap in metadata memory; nothing is written into the managed memory. Source: Linux 5.10 lib/genalloc.c.
 *
 *   granule   2^min_alloc_order bytes, one bit of the bitmap. Sizes are rounded up to it.
 *   chunk     [virtual, virtual + size - 1], the end is inclusive, so a chunk may end at the top of the address space.
 *             A new chunk goes to the head of the list and is searched first. Bit 0 is the chunk's first byte, whatever
 *             its alignment.
 *   avail     bytes of a chunk that are free. A tail shorter than a granule counts, but is never handed out.
 *
 * Linux sets and clears bits without a lock, a word at a time with cmpxchg, and searches again when another CPU was
 * faster. One call here is one step of the simulation, so there is no such race and nothing to emulate. No function
 * blocks (all may be called with GFP_ATOMIC rules), except create, add_virt and destroy, which use metadata memory.
 *
 * Two traps of the interface are kept, as drivers meet them; ns_gen_pool_set_strict refuses their cause:
 *   - 0 means failure, so a chunk at address 0 loses its first block: its bits are taken, and the caller sees nothing.
 *   - Nothing checks that chunks do not overlap; overlapping chunks hand out the same byte twice.
 */
#ifndef NS_POOL_GENALLOC_H
#define NS_POOL_GENALLOC_H

#include "pool/port.h"
#include "pool/status.h"

#ifdef __cplusplus
extern "C" {
#endif

struct ns_gen_pool;

/* ---- algorithms ------------------------------------------------------------------------------ */

/*
 * Where to allocate: genpool_algo_t. `map` has `size` bits, 1 is taken (pool/bitmap.h). Returns the first of `count`
 * clear bits at or behind `start`; anything from `size` on means that there is none. `data` belongs to the algorithm,
 * `chunk_address` is the virtual address of bit 0. Must not change the map.
 */
typedef uint64_t (*ns_gen_pool_algorithm)(const uint64_t *map, uint64_t size, uint64_t start, uint64_t count,
                                          const void *data, const struct ns_gen_pool *pool, uint64_t chunk_address);

/* For first_fit_align: bytes, a power of two. Anything else: a WARN, and no memory. */
struct ns_gen_pool_data_align {
    uint64_t align;
};

/* For fixed_alloc: bytes from the chunk's start, a multiple of the granule. Anything else: a WARN, and no memory. */
struct ns_gen_pool_data_fixed {
    uint64_t offset;
};

/* The lowest hole; no data. When there is none, the value is the end of the run that did not fit, as in the kernel. */
uint64_t ns_gen_pool_first_fit(const uint64_t *map, uint64_t size, uint64_t start, uint64_t count, const void *data,
                               const struct ns_gen_pool *pool, uint64_t chunk_address);
/* The lowest hole whose address is aligned. An alignment below the granule asks for nothing. data: struct
 * ns_gen_pool_data_align. */
uint64_t ns_gen_pool_first_fit_align(const uint64_t *map, uint64_t size, uint64_t start, uint64_t count,
                                     const void *data, const struct ns_gen_pool *pool, uint64_t chunk_address);
/* The lowest hole aligned to its own size, rounded up to a power of two, counted from bit 0 of the chunk: the address
 * is only as aligned as the chunk is. No data. */
uint64_t ns_gen_pool_first_fit_order_align(const uint64_t *map, uint64_t size, uint64_t start, uint64_t count,
                                           const void *data, const struct ns_gen_pool *pool, uint64_t chunk_address);
/* The smallest hole that fits, the lowest among equals; a hole of exactly this size ends the search. No data. */
uint64_t ns_gen_pool_best_fit(const uint64_t *map, uint64_t size, uint64_t start, uint64_t count, const void *data,
                              const struct ns_gen_pool *pool, uint64_t chunk_address);
/* Exactly the given offset in the first chunk where it is free, or nothing. data: struct ns_gen_pool_data_fixed. */
uint64_t ns_gen_pool_fixed_alloc(const uint64_t *map, uint64_t size, uint64_t start, uint64_t count, const void *data,
                                 const struct ns_gen_pool *pool, uint64_t chunk_address);

/* ---- pools ----------------------------------------------------------------------------------- */

/* gen_pool_create. An empty pool with first_fit. min_alloc_order: 0 to 63, else ARGUMENT. METADATA when there is no
 * memory for it. The port must outlive the pool. */
enum ns_pool_status ns_gen_pool_create(const struct ns_port *port, unsigned min_alloc_order, struct ns_gen_pool **pool);

/* gen_pool_destroy. BUSY (a BUG in the kernel) and misuse DESTROY_BUSY while any bit is set; nothing is freed then.
 * NULL is OK. */
enum ns_pool_status ns_gen_pool_destroy(struct ns_gen_pool *pool);

/* gen_pool_set_algo. NULL means first_fit. `data` is kept, not copied, and handed to the algorithm at each call. */
void ns_gen_pool_set_algorithm(struct ns_gen_pool *pool, ns_gen_pool_algorithm algorithm, const void *data);

/* True: add_virt refuses chunks at address 0 and chunks that overlap another (ARGUMENT). False, from creation on: as in
 * Linux. */
void ns_gen_pool_set_strict(struct ns_gen_pool *pool, bool strict);

/*
 * gen_pool_add_virt. Gives [virtual_address, virtual_address + size) to the pool; `physical` is what virt_to_phys
 * counts from. The memory stays the caller's and must stay mapped until destroy: chunks never leave a pool. Takes the
 * pool's spin lock (interrupts stay on), the only one there is. ARGUMENT: size 0, or either range leaves the 64-bit
 * space. METADATA: no memory for the bitmap, the pool is as before.
 */
enum ns_pool_status ns_gen_pool_add_virt(struct ns_gen_pool *pool, uint64_t virtual_address, uint64_t physical,
                                         uint64_t size);

/* gen_pool_alloc: the virtual address of `size` bytes; 0 when size is 0 or no chunk has room. The content is what it
 * was. */
uint64_t ns_gen_pool_alloc(struct ns_gen_pool *pool, uint64_t size);

/*
 * gen_pool_alloc_algo: the same with another algorithm for this call (NULL: first_fit). An algorithm whose answer
 * leaves the chunk or meets a taken bit would make the kernel search for ever or write past its bitmap; here it is a
 * BUG line, misuse POOL_CORRUPT, and the chunk counts as full.
 */
uint64_t ns_gen_pool_alloc_algorithm(struct ns_gen_pool *pool, uint64_t size, ns_gen_pool_algorithm algorithm,
                                     const void *data);

/* gen_pool_dma_alloc: alloc, and the physical address too (`physical` may be NULL). It is not a bus address: the kernel
 * stores it in a dma_addr_t without dma_range_map, right only where the two are the same. *physical is written only
 * when the address returned is not 0. */
uint64_t ns_gen_pool_dma_alloc(struct ns_gen_pool *pool, uint64_t size, uint64_t *physical);
uint64_t ns_gen_pool_dma_alloc_algorithm(struct ns_gen_pool *pool, uint64_t size, uint64_t *physical,
                                         ns_gen_pool_algorithm algorithm, const void *data);

/*
 * gen_pool_free. `size` is rounded up to granules, `address` down, as in Linux: part of a block may be freed, and two
 * neighbours at once. Size 0 inside a chunk frees nothing and is OK. What is a BUG in the kernel returns MISUSE, with
 * nothing freed: the range leaves its chunk (FREE_SIZE), a bit in it is clear (DOUBLE_FREE), no chunk holds the address
 * (FOREIGN_FREE).
 */
enum ns_pool_status ns_gen_pool_free(struct ns_gen_pool *pool, uint64_t address, uint64_t size);

/* gen_pool_virt_to_phys, of any byte of any chunk, free or not; UINT64_MAX when no chunk holds it. */
uint64_t ns_gen_pool_virt_to_phys(const struct ns_gen_pool *pool, uint64_t address);

/* gen_pool_has_addr: the whole range lies in one chunk. Size 0 asks for `start` alone. */
bool ns_gen_pool_has_address(const struct ns_gen_pool *pool, uint64_t start, uint64_t size);

/* gen_pool_avail and gen_pool_size: bytes, over all chunks. */
uint64_t ns_gen_pool_avail(const struct ns_gen_pool *pool);
uint64_t ns_gen_pool_size(const struct ns_gen_pool *pool);

#ifdef __cplusplus
}
#endif
#endif
