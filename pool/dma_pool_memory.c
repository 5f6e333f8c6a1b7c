/* SPDX-License-Identifier: Apache-2.0 */
#include "pool/dma_pool_internal.h"

#include "pool/say.h"

/* ---- pages ----------------------------------------------------------------------------------- */

enum ns_pool_status ns_dma_pool_take_page(struct ns_dma_pool *pool, ns_gfp gfp, struct ns_dma_pool_page **page) {
    const struct ns_port *port = pool->port;
    if (pool->page_size > INT32_MAX)
        return NS_POOL_ERROR_EXHAUSTED; /* no kernel has a coherent block of that size */
    const uint64_t slots = ns_dma_pool_strict(pool) ? ((pool->page_size - 1) >> pool->slot_shift) + 1 : 0;
    struct ns_dma_pool_page *taken =
        port->metadata_allocate(port->context, sizeof *taken + slots * sizeof taken->records[0]);
    if (!taken)
        return NS_POOL_ERROR_METADATA;
    const enum ns_pool_status status =
        ns_dma_alloc_coherent(pool->direct, pool->device, pool->page_size, gfp, &taken->virtual_address, &taken->bus);
    if (status != NS_POOL_OK) {
        port->metadata_free(port->context, taken);
        return status;
    }
    ns_say(port, NS_SAY_DECISION, "dma_pool_alloc", "no free block: a new page of {d} bytes at bus address {x}",
           pool->page_size, taken->bus);
    *page = taken;
    return NS_POOL_OK;
}

enum ns_pool_status ns_dma_pool_give_page(struct ns_dma_pool *pool, struct ns_dma_pool_page *page) {
    const struct ns_port *port = pool->port;
    const enum ns_pool_status status =
        ns_dma_free_coherent(pool->direct, pool->device, pool->page_size, page->virtual_address, page->bus);
    port->metadata_free(port->context, page);
    return status;
}

struct ns_dma_pool_page *ns_dma_pool_find_bus(const struct ns_dma_pool *pool, uint64_t bus) {
    struct ns_dma_pool_page *page = pool->pages;
    while (page && !(bus >= page->bus && bus - page->bus < pool->page_size))
        page = page->next;
    return page;
}

/* ---- memory that may not be there ------------------------------------------------------------ */

static bool mapped(const struct ns_dma_pool *pool, uint64_t address, uint64_t length) {
    const struct ns_port *port = pool->port;
    const uint64_t last = address + (length - 1);
    if (length == 0 || last < address)
        return length == 0;
    if (ns_dma_pool_known(pool, address, length))
        return true;
    for (uint64_t at = address;; at = (at / NS_FRAME_SIZE + 1) * NS_FRAME_SIZE) {
        if (port->to_physical(port->context, at) == UINT64_MAX)
            return false;
        if (at / NS_FRAME_SIZE == last / NS_FRAME_SIZE)
            return true;
    }
}

/* A size that is no multiple of 8 (with a small align) puts links at odd addresses. Linux then relies on the hart's
 * misaligned accesses; here such a word goes in the largest naturally aligned pieces. */
static unsigned piece_of(uint64_t address, unsigned size) {
    while ((address & (size - 1)) != 0)
        size /= 2;
    return size;
}

bool ns_dma_pool_load_any(const struct ns_dma_pool *pool, uint64_t address, unsigned size, uint64_t *value) {
    const struct ns_port *port = pool->port;
    if (!mapped(pool, address, size))
        return false;
    const unsigned piece = piece_of(address, size);
    uint64_t word = 0;
    for (unsigned i = 0; i < size; i += piece)
        word |= port->load(port->context, address + i, piece) << (8 * i);
    *value = word;
    return true;
}

bool ns_dma_pool_store_any(const struct ns_dma_pool *pool, uint64_t address, unsigned size, uint64_t value) {
    const struct ns_port *port = pool->port;
    if (!mapped(pool, address, size))
        return false;
    const unsigned piece = piece_of(address, size);
    const uint64_t mask = piece == 8 ? UINT64_MAX : (UINT64_C(1) << (8 * piece)) - 1;
    for (unsigned i = 0; i < size; i += piece)
        port->store(port->context, address + i, piece, (value >> (8 * i)) & mask);
    return true;
}

bool ns_dma_pool_fill(const struct ns_dma_pool *pool, uint64_t address, uint64_t length, uint8_t value) {
    if (!mapped(pool, address, length))
        return false;
    pool->port->fill(pool->port->context, address, length, value);
    return true;
}

/* ---- complaints ------------------------------------------------------------------------------ */

enum ns_pool_status ns_dma_pool_bug(const struct ns_dma_pool *pool, enum ns_port_misuse misuse, const char *function,
                                    const char *text, uint64_t address) {
    ns_say(pool->port, NS_SAY_BUG, function, text, address, 0);
    pool->port->misuse(pool->port->context, misuse, address, 0);
    return NS_POOL_ERROR_MISUSE;
}

enum ns_pool_status ns_dma_pool_refuse(const struct ns_dma_pool *pool, enum ns_port_misuse misuse, const char *text,
                                       uint64_t address, uint64_t bus) {
    ns_say(pool->port, NS_SAY_WARN, "dma_pool_free", text, address, bus);
    pool->port->misuse(pool->port->context, misuse, address, misuse == NS_MISUSE_DOUBLE_FREE ? pool->size : 0);
    return NS_POOL_ERROR_MISUSE;
}

/* ---- strict checking ------------------------------------------------------------------------- */

struct ns_dma_pool_page *ns_dma_pool_search_virtual(struct ns_dma_pool *pool, uint64_t address) {
    struct ns_dma_pool_page *page = pool->pages;
    while (page && !ns_dma_pool_in_page(pool, page, address))
        page = page->next;
    if (page)
        pool->last_found = page;
    return page;
}

enum ns_pool_status ns_dma_pool_refuse_strict(const struct ns_dma_pool *pool, const struct ns_dma_pool_record *record,
                                              uint64_t address, uint64_t bus) {
    return record ? ns_dma_pool_refuse(pool, NS_MISUSE_DOUBLE_FREE, "{x}, dma {x} already free", address, bus)
                  : ns_dma_pool_refuse(pool, NS_MISUSE_FOREIGN_FREE, "{x}/{x} is no block of this pool", address, bus);
}
