/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The design of Linux before 6.4 (here: 5.10): each page has its own chain of free blocks. A free block begins with the
 * offset of the next one in the page, 4 bytes; the chain ends with an offset behind the page.
 */
#include "pool/dma_pool_internal.h"

enum { LINK_SIZE = 4 };

/* ---- a new page ------------------------------------------------------------------------------ */

/* pool_initialise_page, with its two bugs: a block that ends exactly at a boundary is taken for one that crosses it
 * (B1, a block is lost), and the loop asks whether a block begins in the page, not whether it ends there (B2, with a
 * boundary above the page). The kernel's boundary has 32 bits, and one of 2^32 never ends its loop; here it has 64. */
bool ns_dma_pool_chain_add_page(struct ns_dma_pool *pool, struct ns_dma_pool_page *page) {
    uint64_t offset = 0;
    uint64_t boundary_end = pool->boundary;
    do {
        uint64_t next = offset + pool->size;
        if (next + pool->size >= boundary_end) {
            next = boundary_end;
            boundary_end += pool->boundary;
        }
        if (!ns_dma_pool_store(pool, page->virtual_address + offset, LINK_SIZE, next))
            return false;
        if (ns_dma_pool_strict(pool))
            *ns_dma_pool_slot(pool, page, offset) =
                (struct ns_dma_pool_record){.page = page, .link = next, .offset = (uint32_t)offset};
        pool->block_count++;
        offset = next;
    } while (offset < pool->page_size);
    page->in_use = 0;
    page->offset = 0;
    page->next = pool->pages;
    pool->pages = page;
    pool->last_found = page;
    pool->page_count++;
    return true;
}

/* ---- alloc ----------------------------------------------------------------------------------- */

/* The first page with a free block, newest page first. */
enum ns_pool_status ns_dma_pool_chain_pop(struct ns_dma_pool *pool, uint64_t *virtual_address, uint64_t *bus) {
    struct ns_dma_pool_page *page = pool->pages;
    while (page && page->offset >= pool->page_size)
        page = page->next;
    if (!page)
        return NS_POOL_ERROR_EXHAUSTED;
    const uint64_t offset = page->offset;
    const uint64_t address = page->virtual_address + offset;
    uint64_t next = 0;
    if (!ns_dma_pool_load(pool, address, LINK_SIZE, &next))
        return ns_dma_pool_bug(pool, NS_MISUSE_LINK_OVERWRITTEN, "dma_pool_alloc",
                               "the free chain leads to {x}, where nothing is mapped", address);
    if (ns_dma_pool_strict(pool)) {
        struct ns_dma_pool_record *record = ns_dma_pool_slot(pool, page, offset);
        if (next != record->link) {
            pool->port->misuse(pool->port->context, NS_MISUSE_LINK_OVERWRITTEN, address, LINK_SIZE);
            page->offset = (uint32_t)pool->page_size;
            return NS_POOL_ERROR_MISUSE;
        }
        record->in_use = true;
    }
    page->in_use++;
    page->offset = (uint32_t)next;
    *virtual_address = address;
    *bus = page->bus + offset;
    return NS_POOL_OK;
}

/* ---- free ------------------------------------------------------------------------------------ */

static enum ns_pool_status nothing_mapped(const struct ns_dma_pool *pool, uint64_t address) {
    return ns_dma_pool_bug(pool, NS_MISUSE_FOREIGN_FREE, "dma_pool_free", "nothing is mapped at {x}", address);
}

static enum ns_pool_status push(struct ns_dma_pool *pool, struct ns_dma_pool_page *page, uint64_t address) {
    if (!ns_dma_pool_store(pool, address, LINK_SIZE, page->offset))
        return nothing_mapped(pool, address);
    page->in_use--; /* below zero after a double free */
    page->offset = (uint32_t)(address - page->virtual_address);
    return NS_POOL_OK;
}

static enum ns_pool_status free_strict(struct ns_dma_pool *pool, uint64_t address, uint64_t bus) {
    struct ns_dma_pool_record *record = ns_dma_pool_find(pool, address, bus);
    if (!record || !record->in_use)
        return ns_dma_pool_refuse_strict(pool, record, address, bus);
    enum ns_pool_status status = NS_POOL_OK;
    if (pool->options.init_on_free && !ns_dma_pool_fill(pool, address, pool->size, 0))
        status = nothing_mapped(pool, address); /* a block with B2; it is free all the same */
    record->in_use = false;
    record->link = record->page->offset;
    const enum ns_pool_status pushed = push(pool, record->page, address);
    return status == NS_POOL_OK ? pushed : status;
}

/* What a debug build asks; OK: nothing was found. A page has fewer offsets than bytes, so a chain with more steps goes
 * in a circle. */
static enum ns_pool_status debug_free(struct ns_dma_pool *pool, const struct ns_dma_pool_page *page, uint64_t address,
                                      uint64_t bus) {
    const uint32_t offset = (uint32_t)(address - page->virtual_address);
    if (bus - page->bus != offset)
        return ns_dma_pool_refuse(pool, NS_MISUSE_FREE_HANDLE, "{x} (bad vaddr)/{x}", address, bus);
    uint64_t chain = page->offset;
    for (uint64_t steps = 0; chain < pool->page_size; steps++) {
        if (chain == offset)
            return ns_dma_pool_refuse(pool, NS_MISUSE_DOUBLE_FREE, "{x}, dma {x} already free", address, bus);
        if (steps == pool->page_size)
            return ns_dma_pool_bug(pool, NS_MISUSE_LINK_OVERWRITTEN, "dma_pool_free",
                                   "the free chain has no end; seen when {x} was freed", address);
        if (!ns_dma_pool_load(pool, page->virtual_address + chain, LINK_SIZE, &chain))
            return ns_dma_pool_bug(pool, NS_MISUSE_LINK_OVERWRITTEN, "dma_pool_free",
                                   "the free chain leads out of memory; seen when {x} was freed", address);
    }
    if (!ns_dma_pool_fill(pool, address, pool->size, NS_POOL_POISON_FREED))
        return nothing_mapped(pool, address);
    return NS_POOL_OK;
}

enum ns_pool_status ns_dma_pool_chain_free(struct ns_dma_pool *pool, uint64_t address, uint64_t bus) {
    if (ns_dma_pool_strict(pool))
        return free_strict(pool, address, bus);
    struct ns_dma_pool_page *page = ns_dma_pool_find_bus(pool, bus);
    if (!page)
        return ns_dma_pool_refuse(pool, NS_MISUSE_FOREIGN_FREE, "{x}/{x} (bad dma)", address, bus);
    if (pool->options.init_on_free && !ns_dma_pool_fill(pool, address, pool->size, 0))
        return nothing_mapped(pool, address);
    if (ns_dma_pool_debug(pool)) {
        const enum ns_pool_status status = debug_free(pool, page, address, bus);
        if (status != NS_POOL_OK)
            return status;
    }
    return push(pool, page, address);
}
