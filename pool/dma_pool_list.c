/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The design of Linux 6.4 and later: one list of free blocks for the whole pool. A free block begins with the address
 * of the next one and with its own bus address, 8 bytes each.
 */
#include "pool/dma_pool_internal.h"

enum { LINK_NEXT = 0, LINK_BUS = 8 };

/* Writes the link of a free block. */
static bool link(struct ns_dma_pool *pool, uint64_t address, uint64_t bus, uint64_t next_block) {
    return ns_dma_pool_store(pool, address + LINK_BUS, 8, bus) &&
           ns_dma_pool_store(pool, address + LINK_NEXT, 8, next_block);
}

/* ---- a new page ------------------------------------------------------------------------------ */

/* pool_initialise_page. A block that would cross a boundary begins behind it; one that would leave the page is not
 * made. The new blocks come before those that are free already, lowest first. */
bool ns_dma_pool_list_add_page(struct ns_dma_pool *pool, struct ns_dma_pool_page *page) {
    uint64_t last = 0; /* offset of the block before */
    struct ns_dma_pool_record *last_record = NULL;
    uint64_t offset = 0;
    uint64_t boundary_end = pool->boundary;
    while (offset + pool->size <= pool->page_size) {
        if (offset + pool->size > boundary_end) {
            offset = boundary_end;
            boundary_end += pool->boundary;
            continue;
        }
        const uint64_t address = page->virtual_address + offset;
        if (offset != 0 && !link(pool, page->virtual_address + last, page->bus + last, address))
            return false;
        if (ns_dma_pool_strict(pool)) {
            struct ns_dma_pool_record *record = ns_dma_pool_slot(pool, page, offset);
            *record = (struct ns_dma_pool_record){.page = page, .offset = (uint32_t)offset};
            if (last_record) {
                last_record->next_free = record;
                last_record->link = address;
            }
            last_record = record;
        }
        last = offset;
        offset += pool->size;
        pool->block_count++;
    }
    if (!link(pool, page->virtual_address + last, page->bus + last, pool->next_block))
        return false;
    if (last_record) {
        last_record->next_free = pool->next_record;
        last_record->link = pool->next_block;
        pool->next_record = ns_dma_pool_slot(pool, page, 0);
    }
    pool->next_block = page->virtual_address;
    page->next = pool->pages;
    pool->pages = page;
    pool->last_found = page;
    pool->page_count++;
    return true;
}

/* ---- alloc ----------------------------------------------------------------------------------- */

/* The link was in reach of the device. It is believed when it is what was written. */
static enum ns_pool_status pop_strict(struct ns_dma_pool *pool, uint64_t *virtual_address, uint64_t *bus) {
    struct ns_dma_pool_record *record = pool->next_record;
    const uint64_t address = pool->next_block;
    const uint64_t expected_bus = record->page->bus + record->offset;
    uint64_t next = 0, link_bus = 0;
    (void)ns_dma_pool_load(pool, address + LINK_NEXT, 8, &next);
    (void)ns_dma_pool_load(pool, address + LINK_BUS, 8, &link_bus);
    if (next != record->link || link_bus != expected_bus) {
        pool->port->misuse(pool->port->context, NS_MISUSE_LINK_OVERWRITTEN, address, 16);
        pool->next_block = 0;
        pool->next_record = NULL;
        return NS_POOL_ERROR_MISUSE;
    }
    record->in_use = true;
    pool->next_block = next;
    pool->next_record = record->next_free;
    pool->active++;
    *virtual_address = address;
    *bus = expected_bus;
    return NS_POOL_OK;
}

/* pool_block_pop: follows what is there. */
enum ns_pool_status ns_dma_pool_list_pop(struct ns_dma_pool *pool, uint64_t *virtual_address, uint64_t *bus) {
    if (pool->next_block == 0)
        return NS_POOL_ERROR_EXHAUSTED;
    if (ns_dma_pool_strict(pool))
        return pop_strict(pool, virtual_address, bus);
    const uint64_t address = pool->next_block;
    uint64_t next = 0;
    if (!ns_dma_pool_load(pool, address + LINK_NEXT, 8, &next) || !ns_dma_pool_load(pool, address + LINK_BUS, 8, bus))
        return ns_dma_pool_bug(pool, NS_MISUSE_LINK_OVERWRITTEN, "dma_pool_alloc",
                               "the free list leads to {x}, where nothing is mapped", address);
    pool->next_block = next;
    pool->active++;
    *virtual_address = address;
    return NS_POOL_OK;
}

/* ---- free ------------------------------------------------------------------------------------ */

static enum ns_pool_status push(struct ns_dma_pool *pool, uint64_t address, uint64_t bus) {
    if (!link(pool, address, bus, pool->next_block))
        return ns_dma_pool_bug(pool, NS_MISUSE_FOREIGN_FREE, "dma_pool_free", "nothing is mapped at {x}", address);
    pool->next_block = address;
    pool->active--;
    return NS_POOL_OK;
}

static enum ns_pool_status free_strict(struct ns_dma_pool *pool, uint64_t address, uint64_t bus) {
    struct ns_dma_pool_record *record = ns_dma_pool_find(pool, address, bus);
    if (!record || !record->in_use)
        return ns_dma_pool_refuse_strict(pool, record, address, bus);
    if (pool->options.init_on_free)
        (void)ns_dma_pool_fill(pool, address, pool->size, 0);
    record->in_use = false;
    record->link = pool->next_block;
    record->next_free = pool->next_record;
    pool->next_record = record;
    return push(pool, address, bus);
}

enum search { NOT_FOUND, FOUND, UNMAPPED, ENDLESS };

/* Walks the whole list. One that was overwritten may lead in a circle: `mark` waits where the walk was at each power of
 * two, so that it meets any circle (Brent). */
static enum search search(const struct ns_dma_pool *pool, uint64_t address) {
    uint64_t mark = 0;
    uint64_t steps = 0, steps_to_mark = 1;
    for (uint64_t block = pool->next_block; block != 0;) {
        if (block == address)
            return FOUND;
        if (block == mark)
            return ENDLESS;
        if (++steps == steps_to_mark) {
            mark = block;
            steps_to_mark *= 2;
        }
        if (!ns_dma_pool_load(pool, block + LINK_NEXT, 8, &block))
            return UNMAPPED;
    }
    return NOT_FOUND;
}

/* pool_block_err of a debug build; OK: nothing was found. That the virtual address fits the bus address is not asked.
 */
static enum ns_pool_status debug_free(struct ns_dma_pool *pool, uint64_t address, uint64_t bus) {
    if (!ns_dma_pool_find_bus(pool, bus))
        return ns_dma_pool_refuse(pool, NS_MISUSE_FOREIGN_FREE, "{x}/{x} (bad dma)", address, bus);
    switch (search(pool, address)) {
    case FOUND:
        return ns_dma_pool_refuse(pool, NS_MISUSE_DOUBLE_FREE, "{x}, dma {x} already free", address, bus);
    case UNMAPPED:
        return ns_dma_pool_bug(pool, NS_MISUSE_LINK_OVERWRITTEN, "dma_pool_free",
                               "the free list leads to where nothing is mapped; seen when {x} was freed", address);
    case ENDLESS:
        return ns_dma_pool_bug(pool, NS_MISUSE_LINK_OVERWRITTEN, "dma_pool_free",
                               "the free list has no end; seen when {x} was freed", address);
    case NOT_FOUND:
        break;
    }
    if (!ns_dma_pool_fill(pool, address, pool->size, NS_POOL_POISON_FREED))
        return ns_dma_pool_bug(pool, NS_MISUSE_FOREIGN_FREE, "dma_pool_free", "nothing is mapped at {x}", address);
    return NS_POOL_OK;
}

enum ns_pool_status ns_dma_pool_list_free(struct ns_dma_pool *pool, uint64_t address, uint64_t bus) {
    if (ns_dma_pool_strict(pool))
        return free_strict(pool, address, bus);
    if (ns_dma_pool_debug(pool)) { /* then init_on_free is not looked at */
        const enum ns_pool_status status = debug_free(pool, address, bus);
        if (status != NS_POOL_OK)
            return status;
    } else if (pool->options.init_on_free && !ns_dma_pool_fill(pool, address, pool->size, 0)) {
        return ns_dma_pool_bug(pool, NS_MISUSE_FOREIGN_FREE, "dma_pool_free", "nothing is mapped at {x}", address);
    }
    return push(pool, address, bus);
}
