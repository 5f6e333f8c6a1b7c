/* SPDX-License-Identifier: Apache-2.0 */
#include "pool/dma_pool.h"

#include "pool/dma_pool_internal.h"
#include "pool/say.h"

/* ---- the lock -------------------------------------------------------------------------------- */

/* spin_lock_irqsave */
static void lock(const struct ns_port *port) {
    if (port->lock)
        port->lock(port->context, true);
}

static void unlock(const struct ns_port *port) {
    if (port->unlock)
        port->unlock(port->context, true);
}

/* ---- creation -------------------------------------------------------------------------------- */

static bool power_of_two(uint64_t value) {
    return value != 0 && (value & (value - 1)) == 0;
}

static unsigned floor_log2(uint64_t value) {
    unsigned log = 0;
    while (value >>= 1)
        log++;
    return log;
}

/* Block size, page size and boundary as the design rounds them. False: dma_pool_create returns NULL. */
static bool round_parameters(struct ns_dma_pool *pool, uint64_t size, uint64_t align, uint64_t boundary) {
    const bool chains = pool->options.design == NS_DMA_POOL_CHAINS;
    const uint64_t smallest = chains ? NS_DMA_POOL_CHAINS_BLOCK_MIN : NS_DMA_POOL_BLOCK_MIN;
    if (align == 0)
        align = 1;
    if (!power_of_two(align) || size == 0)
        return false;
    /* The new design's limit for the size is one for align too: the kernel's sum would not fit in its 32 bits. */
    if (!chains && (size > INT32_MAX || align > INT32_MAX))
        return false;
    if (size < smallest)
        size = smallest;
    if (size + (align - 1) < size) /* the kernel's sum wraps, and its blocks have no size */
        return false;
    pool->size = (size + (align - 1)) & ~(align - 1);
    pool->page_size = pool->size > NS_FRAME_SIZE ? pool->size : NS_FRAME_SIZE;
    pool->boundary = boundary != 0 ? boundary : pool->page_size;
    if (boundary != 0 && (boundary < pool->size || !power_of_two(boundary)))
        return false;
    if (!chains && pool->boundary > pool->page_size)
        pool->boundary = pool->page_size;
    return true;
}

enum ns_pool_status ns_dma_pool_create(struct ns_dma_direct *direct, const struct ns_pool_device *device,
                                       const char *name, uint64_t size, uint64_t align, uint64_t boundary,
                                       const struct ns_dma_pool_options *options, struct ns_dma_pool **pool) {
    const struct ns_port *port = direct->port;
    struct ns_dma_pool wanted = {.port = port, .direct = direct, .device = device};
    if (options)
        wanted.options = *options;
    if (!device && wanted.options.design == NS_DMA_POOL_CHAINS)
        ns_say(port, NS_SAY_BUG, "dma_pool_create", "device is NULL, and is looked into", 0, 0);
    if (!device || !name || (unsigned)wanted.options.design > NS_DMA_POOL_CHAINS ||
        (unsigned)wanted.options.checks > NS_DMA_POOL_KERNEL_DEBUG || !round_parameters(&wanted, size, align, boundary))
        return NS_POOL_ERROR_ARGUMENT;
    struct ns_dma_pool *made = port->metadata_allocate(port->context, sizeof *made);
    if (!made)
        return NS_POOL_ERROR_METADATA;
    *made = wanted;
    for (size_t i = 0; i < NS_DMA_POOL_NAME_MAX && name[i] != '\0'; i++)
        made->name[i] = name[i];
    made->slot_shift = floor_log2(made->size);
    /* Strict checking follows no link that it has not written; only B2 leads it out of a page. */
    made->verify_access = !ns_dma_pool_strict(made) || made->boundary > made->page_size;
    *pool = made;
    return NS_POOL_OK;
}

/* ---- destroy --------------------------------------------------------------------------------- */

static uint64_t count_active(const struct ns_dma_pool *pool) {
    if (pool->options.design == NS_DMA_POOL_LIST)
        return pool->active;
    uint64_t active = 0;
    for (const struct ns_dma_pool_page *page = pool->pages; page; page = page->next)
        active += page->in_use;
    return active;
}

static void complain_busy(const struct ns_dma_pool *pool, uint64_t address) {
    ns_say(pool->port, NS_SAY_WARN, "dma_pool_destroy", "{x} busy", address, 0);
    pool->port->misuse(pool->port->context, NS_MISUSE_DESTROY_BUSY, address, 0);
}

/* The list design knows only that some block is out, and loses all pages; the chain design loses those that are busy,
 * and in a debug build poisons the others. */
static enum ns_pool_status destroy_page(struct ns_dma_pool *pool, struct ns_dma_pool_page *page, bool lost) {
    const bool chains = pool->options.design == NS_DMA_POOL_CHAINS;
    if (chains && page->in_use != 0) {
        complain_busy(pool, page->virtual_address);
        lost = true;
    }
    if (lost) {
        pool->port->metadata_free(pool->port->context, page);
        return NS_POOL_ERROR_BUSY;
    }
    if (chains && ns_dma_pool_debug(pool))
        (void)ns_dma_pool_fill(pool, page->virtual_address, pool->page_size, NS_POOL_POISON_FREED);
    return ns_dma_pool_give_page(pool, page);
}

enum ns_pool_status ns_dma_pool_destroy(struct ns_dma_pool *pool) {
    if (!pool)
        return NS_POOL_OK;
    const struct ns_port *port = pool->port;
    if (ns_dma_pool_strict(pool) && count_active(pool) != 0) {
        complain_busy(pool, 0);
        return NS_POOL_ERROR_BUSY;
    }
    const bool all_lost = pool->options.design == NS_DMA_POOL_LIST && pool->active != 0;
    if (all_lost)
        complain_busy(pool, 0);
    enum ns_pool_status status = NS_POOL_OK;
    pool->last_found = NULL;
    while (pool->pages) {
        struct ns_dma_pool_page *page = pool->pages;
        pool->pages = page->next;
        const enum ns_pool_status destroyed = destroy_page(pool, page, all_lost);
        if (destroyed != NS_POOL_OK)
            status = destroyed;
    }
    port->metadata_free(port->context, pool);
    return status;
}

/* ---- alloc and free -------------------------------------------------------------------------- */

static enum ns_pool_status pop(struct ns_dma_pool *pool, uint64_t *virtual_address, uint64_t *bus) {
    return pool->options.design == NS_DMA_POOL_LIST ? ns_dma_pool_list_pop(pool, virtual_address, bus)
                                                    : ns_dma_pool_chain_pop(pool, virtual_address, bus);
}

/* Under the lock. A page that cannot be used goes back. */
static enum ns_pool_status add_page(struct ns_dma_pool *pool, struct ns_dma_pool_page *page) {
    const uint64_t blocks = pool->block_count;
    bool added = !ns_dma_pool_debug(pool) ||
                 ns_dma_pool_fill(pool, page->virtual_address, pool->page_size, NS_POOL_POISON_FREED);
    if (added)
        added = pool->options.design == NS_DMA_POOL_LIST ? ns_dma_pool_list_add_page(pool, page)
                                                         : ns_dma_pool_chain_add_page(pool, page);
    if (added)
        return NS_POOL_OK;
    pool->block_count = blocks;
    const enum ns_pool_status status = ns_dma_pool_bug(
        pool, NS_MISUSE_POOL_CORRUPT, "pool_initialise_page",
        "the last block's link lies behind the page at {x}, where nothing is mapped (B2)", page->virtual_address);
    (void)ns_dma_pool_give_page(pool, page);
    return status;
}

static enum ns_pool_status pop_or_grow(struct ns_dma_pool *pool, ns_gfp gfp, uint64_t *virtual_address, uint64_t *bus) {
    const struct ns_port *port = pool->port;
    lock(port);
    enum ns_pool_status status = pop(pool, virtual_address, bus);
    if (status == NS_POOL_ERROR_EXHAUSTED) {
        unlock(port); /* a page may take long; whoever comes in meanwhile may take one too */
        struct ns_dma_pool_page *page = NULL;
        status = ns_dma_pool_take_page(pool, gfp & ~NS___GFP_ZERO, &page);
        if (status != NS_POOL_OK)
            return status;
        lock(port);
        status = add_page(pool, page);
        if (status == NS_POOL_OK)
            status = pop(pool, virtual_address, bus);
    }
    unlock(port);
    return status;
}

/* A debug build's look at what was free: all behind the link must hold the poison. The block is given out all the same.
 * False: it lies, in part, where nothing is mapped. */
static bool check_poison(const struct ns_dma_pool *pool, uint64_t block) {
    const struct ns_port *port = pool->port;
    const uint64_t link = pool->options.design == NS_DMA_POOL_LIST ? 16 : 4;
    for (uint64_t offset = link; offset < pool->size; offset++) {
        uint64_t byte = 0;
        if (!ns_dma_pool_load(pool, block + offset, 1, &byte))
            return false;
        if (byte == NS_POOL_POISON_FREED)
            continue;
        ns_say(port, NS_SAY_WARN, "dma_pool_alloc", "{x} (corrupted), byte {d}", block, offset);
        port->misuse(port->context, NS_MISUSE_FREED_WRITTEN, block + offset, pool->size - offset);
        return true;
    }
    return true;
}

static bool prepare(const struct ns_dma_pool *pool, ns_gfp gfp, uint64_t block) {
    const bool zero = pool->options.init_on_alloc || (gfp & NS___GFP_ZERO) != 0;
    if (ns_dma_pool_debug(pool)) {
        if (!check_poison(pool, block))
            return false;
        if (!zero)
            return ns_dma_pool_fill(pool, block, pool->size, NS_POOL_POISON_ALLOCATED);
    }
    return !zero || ns_dma_pool_fill(pool, block, pool->size, 0);
}

enum ns_pool_status ns_dma_pool_alloc_gfp(struct ns_dma_pool *pool, ns_gfp gfp, uint64_t *virtual_address,
                                          uint64_t *bus) {
    uint64_t block = 0, block_bus = 0;
    const enum ns_pool_status status = pop_or_grow(pool, gfp, &block, &block_bus);
    if (status != NS_POOL_OK)
        return status;
    if (!prepare(pool, gfp, block)) {
        if (ns_dma_pool_strict(pool))
            (void)ns_dma_pool_free(pool, block, block_bus);
        return ns_dma_pool_bug(pool, NS_MISUSE_POOL_CORRUPT, "dma_pool_alloc",
                               "the block at {x} ends where nothing is mapped", block);
    }
    *virtual_address = block;
    *bus = block_bus;
    return NS_POOL_OK;
}

enum ns_pool_status ns_dma_pool_alloc(struct ns_dma_pool *pool, uint64_t *virtual_address, uint64_t *bus) {
    return ns_dma_pool_alloc_gfp(pool, NS_GFP_KERNEL, virtual_address, bus);
}

enum ns_pool_status ns_dma_pool_free(struct ns_dma_pool *pool, uint64_t virtual_address, uint64_t bus) {
    lock(pool->port);
    const enum ns_pool_status status = pool->options.design == NS_DMA_POOL_LIST
                                           ? ns_dma_pool_list_free(pool, virtual_address, bus)
                                           : ns_dma_pool_chain_free(pool, virtual_address, bus);
    unlock(pool->port);
    return status;
}

struct ns_dma_pool_statistics ns_dma_pool_get_statistics(const struct ns_dma_pool *pool) {
    return (struct ns_dma_pool_statistics){.name = pool->name,
                                           .size = pool->size,
                                           .boundary = pool->boundary,
                                           .page_size = pool->page_size,
                                           .pages = pool->page_count,
                                           .blocks = pool->block_count,
                                           .active = count_active(pool)};
}
