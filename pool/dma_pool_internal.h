/* SPDX-License-Identifier: Apache-2.0 */
/* What the two designs of the block pool share: the pool and its pages, access to memory that may not be there, and
 * what strict checking remembers. Only for pool/dma_pool*.c. */
#ifndef NS_POOL_DMA_POOL_INTERNAL_H
#define NS_POOL_DMA_POOL_INTERNAL_H

#include "pool/dma_pool.h"

/* Strict checking's knowledge of one block. Blocks are at least `size` apart, so that no two begin in the same slot of
 * 2^slot_shift bytes when that is not above size: a block is found by a shift. */
struct ns_dma_pool_record {
    struct ns_dma_pool_record *next_free; /* the list design: the next block of the pool's list */
    struct ns_dma_pool_page *page;        /* NULL: no block begins in this slot */
    uint64_t link;                        /* of a free block: what was written into it */
    uint32_t offset;                      /* of the block in its page */
    bool in_use;
};

/* One coherent allocation of page_size bytes. */
struct ns_dma_pool_page {
    struct ns_dma_pool_page *next; /* newest first, as list_add puts them */
    uint64_t virtual_address;
    uint64_t bus;
    uint32_t in_use;                     /* the chain design: blocks handed out; wraps as the kernel's does */
    uint32_t offset;                     /* the chain design: of the first free block; page_size or more: none */
    struct ns_dma_pool_record records[]; /* slot_count of them with strict checking, else none */
};

struct ns_dma_pool {
    const struct ns_port *port;
    struct ns_dma_direct *direct;
    const struct ns_pool_device *device;
    struct ns_dma_pool_options options;
    bool verify_access; /* a link may lie where nothing is mapped: ask before each access */
    uint64_t size;
    uint64_t boundary;
    uint64_t page_size;
    unsigned slot_shift;
    struct ns_dma_pool_page *pages;
    struct ns_dma_pool_page *last_found;    /* where the next address probably lies; NULL: no page */
    uint64_t next_block;                    /* the list design: virtual address of the first free block, 0: none */
    struct ns_dma_pool_record *next_record; /* and its record, with strict checking */
    uint64_t active;                        /* the list design: blocks handed out; wraps as the kernel's does */
    uint64_t page_count;
    uint64_t block_count;
    char name[NS_DMA_POOL_NAME_MAX + 1];
};

enum { NS_POOL_POISON_FREED = 0xa7, NS_POOL_POISON_ALLOCATED = 0xa9 }; /* include/linux/poison.h */

/* ---- a design (dma_pool_list.c, dma_pool_chain.c); all under the lock ------------------------- */

/* Cuts a new page into blocks and lists it. False: a link would lie outside of all memory. */
bool ns_dma_pool_list_add_page(struct ns_dma_pool *pool, struct ns_dma_pool_page *page);
bool ns_dma_pool_chain_add_page(struct ns_dma_pool *pool, struct ns_dma_pool_page *page);

/* EXHAUSTED: no free block, a page is needed. */
enum ns_pool_status ns_dma_pool_list_pop(struct ns_dma_pool *pool, uint64_t *virtual_address, uint64_t *bus);
enum ns_pool_status ns_dma_pool_chain_pop(struct ns_dma_pool *pool, uint64_t *virtual_address, uint64_t *bus);

enum ns_pool_status ns_dma_pool_list_free(struct ns_dma_pool *pool, uint64_t address, uint64_t bus);
enum ns_pool_status ns_dma_pool_chain_free(struct ns_dma_pool *pool, uint64_t address, uint64_t bus);

/* ---- shared (dma_pool_memory.c) --------------------------------------------------------------- */

/* The only callers of the coherent allocator. The page is not yet cut or listed. May block if gfp may. */
enum ns_pool_status ns_dma_pool_take_page(struct ns_dma_pool *pool, ns_gfp gfp, struct ns_dma_pool_page **page);
enum ns_pool_status ns_dma_pool_give_page(struct ns_dma_pool *pool, struct ns_dma_pool_page *page);

/* A word at any address. False, and nothing done, when a byte of it is not mapped. */
bool ns_dma_pool_load_any(const struct ns_dma_pool *pool, uint64_t address, unsigned size, uint64_t *value);
bool ns_dma_pool_store_any(const struct ns_dma_pool *pool, uint64_t address, unsigned size, uint64_t value);
bool ns_dma_pool_fill(const struct ns_dma_pool *pool, uint64_t address, uint64_t length, uint8_t value);

/* The kernel would die of a page fault, or never end: BUG, the misuse, and MISUSE as the value. */
enum ns_pool_status ns_dma_pool_bug(const struct ns_dma_pool *pool, enum ns_port_misuse misuse, const char *function,
                                    const char *text, uint64_t address);
/* A line of the kernel's log, the misuse, and MISUSE as the value. `text` may show the block's two addresses. */
enum ns_pool_status ns_dma_pool_refuse(const struct ns_dma_pool *pool, enum ns_port_misuse misuse, const char *text,
                                       uint64_t address, uint64_t bus);

/* The page by a bus address in it, as the kernel finds it; NULL. */
struct ns_dma_pool_page *ns_dma_pool_find_bus(const struct ns_dma_pool *pool, uint64_t bus);

/* For a strict free: the page of a virtual address, remembered as last_found; NULL. */
struct ns_dma_pool_page *ns_dma_pool_search_virtual(struct ns_dma_pool *pool, uint64_t address);
/* DOUBLE_FREE of a block that is free, or FOREIGN_FREE when there is no record. */
enum ns_pool_status ns_dma_pool_refuse_strict(const struct ns_dma_pool *pool, const struct ns_dma_pool_record *record,
                                              uint64_t address, uint64_t bus);

/* ---- the short ways --------------------------------------------------------------------------- */

static inline bool ns_dma_pool_in_page(const struct ns_dma_pool *pool, const struct ns_dma_pool_page *page,
                                       uint64_t address) {
    return address - page->virtual_address < pool->page_size; /* an address below the page wraps */
}

/* Whether [address, address + length) is there for sure, because the pool put it there. */
static inline bool ns_dma_pool_known(const struct ns_dma_pool *pool, uint64_t address, uint64_t length) {
    const struct ns_dma_pool_page *page = pool->last_found;
    return !pool->verify_access || (page && ns_dma_pool_in_page(pool, page, address) &&
                                    pool->page_size - (address - page->virtual_address) >= length);
}

/* As load_any and store_any; an aligned word that is known to be there costs no more than the port's access.
 * size: 1, 4 or 8.
 */
static inline bool ns_dma_pool_load(const struct ns_dma_pool *pool, uint64_t address, unsigned size, uint64_t *value) {
    if (!ns_dma_pool_known(pool, address, size) || (address & (size - 1)) != 0)
        return ns_dma_pool_load_any(pool, address, size, value);
    *value = pool->port->load(pool->port->context, address, size);
    return true;
}

static inline bool ns_dma_pool_store(const struct ns_dma_pool *pool, uint64_t address, unsigned size, uint64_t value) {
    if (!ns_dma_pool_known(pool, address, size) || (address & (size - 1)) != 0)
        return ns_dma_pool_store_any(pool, address, size, value);
    pool->port->store(pool->port->context, address, size, value);
    return true;
}

static inline struct ns_dma_pool_record *ns_dma_pool_slot(const struct ns_dma_pool *pool, struct ns_dma_pool_page *page,
                                                          uint64_t offset) {
    return &page->records[offset >> pool->slot_shift];
}

/* The record of the block that has both addresses; NULL when there is no such block. */
static inline struct ns_dma_pool_record *ns_dma_pool_find(struct ns_dma_pool *pool, uint64_t address, uint64_t bus) {
    struct ns_dma_pool_page *page = pool->last_found;
    if (!page || !ns_dma_pool_in_page(pool, page, address))
        page = ns_dma_pool_search_virtual(pool, address);
    if (!page)
        return NULL;
    const uint64_t offset = address - page->virtual_address;
    struct ns_dma_pool_record *record = ns_dma_pool_slot(pool, page, offset);
    return record->page && record->offset == offset && bus == page->bus + offset ? record : NULL;
}

static inline bool ns_dma_pool_strict(const struct ns_dma_pool *pool) {
    return pool->options.checks == NS_DMA_POOL_STRICT;
}

static inline bool ns_dma_pool_debug(const struct ns_dma_pool *pool) {
    return pool->options.checks == NS_DMA_POOL_KERNEL_DEBUG;
}

#endif
