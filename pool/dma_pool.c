/* SPDX-License-Identifier: Apache-2.0 */
#include "pool/dma_pool.h"

/* The link at the start of a free block. */
enum { LINK_NEXT = 0, LINK_BUS = 8 };

/* One coherent allocation, carved into blocks. */
struct page {
    struct page *next; /* newest first */
    uint64_t virtual_address;
    uint64_t bus;
    uint64_t used[]; /* one bit for each block: handed out */
};

struct ns_dma_pool {
    const struct ns_port *port;
    struct ns_frames *frames;
    const struct ns_pool_device *device;
    struct ns_coherent_options coherent;
    char name[NS_DMA_POOL_NAME_MAX + 1];
    uint64_t size;
    uint64_t boundary;
    uint64_t page_size;
    uint64_t blocks_per_boundary;
    uint64_t blocks_per_page;
    struct page *pages;
    uint64_t free_block; /* virtual address of the first free block, 0: none */
    uint64_t page_count;
    uint64_t active;
};

/* ---- carving --------------------------------------------------------------------------------- */

static bool power_of_two(uint64_t value) {
    return value != 0 && (value & (value - 1)) == 0;
}

/* Blocks lie back to back from each boundary on; what is left before the next boundary stays unused. */
static uint64_t block_offset(const struct ns_dma_pool *pool, uint64_t index) {
    return index / pool->blocks_per_boundary * pool->boundary + index % pool->blocks_per_boundary * pool->size;
}

static uint64_t count_blocks(const struct ns_dma_pool *pool) {
    const uint64_t whole = pool->page_size / pool->boundary;
    const uint64_t rest = pool->page_size % pool->boundary;
    return whole * pool->blocks_per_boundary + rest / pool->size;
}

/* False when no block begins at the offset. */
static bool block_index(const struct ns_dma_pool *pool, uint64_t offset, uint64_t *index) {
    const uint64_t within = offset % pool->boundary;
    *index = offset / pool->boundary * pool->blocks_per_boundary + within / pool->size;
    return within % pool->size == 0 && within / pool->size < pool->blocks_per_boundary &&
           *index < pool->blocks_per_page;
}

/* The page and index of the block that begins at a virtual address; NULL when none does. */
static struct page *find_block(const struct ns_dma_pool *pool, uint64_t virtual_address, uint64_t *index) {
    for (struct page *page = pool->pages; page; page = page->next)
        if (virtual_address >= page->virtual_address && virtual_address - page->virtual_address < pool->page_size)
            return block_index(pool, virtual_address - page->virtual_address, index) ? page : NULL;
    return NULL;
}

static bool in_use(const struct page *page, uint64_t index) {
    return (page->used[index / 64] >> (index % 64)) & 1;
}

static void toggle_use(struct page *page, uint64_t index) {
    page->used[index / 64] ^= UINT64_C(1) << (index % 64);
}

/* ---- the list in the free blocks ------------------------------------------------------------- */

/* A size that is no multiple of 8 (with a small align) puts links at odd addresses. Linux then relies on the hart's
 * misaligned accesses; here such a word goes in the largest naturally aligned pieces. */
static unsigned piece_of_word(uint64_t address) {
    unsigned piece = 8;
    while (address % piece != 0)
        piece /= 2;
    return piece;
}

static void store_word(const struct ns_port *port, uint64_t address, uint64_t value) {
    const unsigned piece = piece_of_word(address);
    for (unsigned i = 0; i < 8; i += piece) {
        const uint64_t mask = piece == 8 ? UINT64_MAX : (UINT64_C(1) << (8 * piece)) - 1;
        port->store(port->context, address + i, piece, (value >> (8 * i)) & mask);
    }
}

static uint64_t load_word(const struct ns_port *port, uint64_t address) {
    const unsigned piece = piece_of_word(address);
    uint64_t value = 0;
    for (unsigned i = 0; i < 8; i += piece)
        value |= port->load(port->context, address + i, piece) << (8 * i);
    return value;
}

static void push(struct ns_dma_pool *pool, uint64_t virtual_address, uint64_t bus) {
    store_word(pool->port, virtual_address + LINK_NEXT, pool->free_block);
    store_word(pool->port, virtual_address + LINK_BUS, bus);
    pool->free_block = virtual_address;
}

/* Pops the first block. Its link was in reach of the device: it is believed only when it is what push wrote, as far as
 * can be told, that is, a free block of this pool (or none) and the bus address of the block itself. */
static enum ns_pool_status pop(struct ns_dma_pool *pool, uint64_t *virtual_address, uint64_t *bus) {
    const struct ns_port *port = pool->port;
    const uint64_t block = pool->free_block;
    uint64_t index = 0;
    struct page *page = find_block(pool, block, &index);
    const uint64_t next = load_word(port, block + LINK_NEXT);
    const uint64_t link_bus = load_word(port, block + LINK_BUS);

    uint64_t next_index = 0;
    const struct page *next_page = find_block(pool, next, &next_index);
    const bool next_is_free = next == 0 || (next != block && next_page && !in_use(next_page, next_index));
    if (!next_is_free || link_bus != page->bus + block_offset(pool, index)) {
        port->misuse(port->context, NS_MISUSE_LINK_OVERWRITTEN, block, NS_DMA_POOL_BLOCK_MIN);
        pool->free_block = 0;
        return NS_POOL_ERROR_MISUSE;
    }
    pool->free_block = next;
    toggle_use(page, index);
    pool->active++;
    *virtual_address = block;
    *bus = link_bus;
    return NS_POOL_OK;
}

/* A new page; its blocks go on the list so that they are taken in ascending order. */
static enum ns_pool_status grow(struct ns_dma_pool *pool) {
    const struct ns_port *port = pool->port;
    const uint64_t words = (pool->blocks_per_page + 63) / 64;
    struct page *page = port->metadata_allocate(port->context, sizeof *page + words * sizeof(uint64_t));
    if (!page)
        return NS_POOL_ERROR_METADATA;
    const enum ns_pool_status status = ns_coherent_alloc(port, pool->frames, pool->device, pool->page_size,
                                                         &pool->coherent, &page->virtual_address, &page->bus);
    if (status != NS_POOL_OK) {
        port->metadata_free(port->context, page);
        return status;
    }
    page->next = pool->pages;
    pool->pages = page;
    pool->page_count++;
    for (uint64_t index = pool->blocks_per_page; index-- > 0;) {
        const uint64_t offset = block_offset(pool, index);
        push(pool, page->virtual_address + offset, page->bus + offset);
    }
    return NS_POOL_OK;
}

/* ---- public ---------------------------------------------------------------------------------- */

enum ns_pool_status ns_dma_pool_create(const struct ns_port *port, struct ns_frames *frames,
                                       const struct ns_pool_device *device, const char *name, uint64_t size,
                                       uint64_t align, uint64_t boundary, const struct ns_coherent_options *coherent,
                                       struct ns_dma_pool **pool) {
    if (align == 0)
        align = 1;
    /* INT32_MAX for align too: a power of two above it would overflow the rounding of size. */
    if (!device || !name || !power_of_two(align) || align > INT32_MAX || size == 0 || size > INT32_MAX)
        return NS_POOL_ERROR_ARGUMENT;
    if (size < NS_DMA_POOL_BLOCK_MIN)
        size = NS_DMA_POOL_BLOCK_MIN;
    size = (size + align - 1) & ~(align - 1);
    const uint64_t page_size = size > NS_FRAME_SIZE ? size : NS_FRAME_SIZE;
    if (boundary == 0)
        boundary = page_size;
    else if (boundary < size || !power_of_two(boundary))
        return NS_POOL_ERROR_ARGUMENT;

    struct ns_dma_pool *made = port->metadata_allocate(port->context, sizeof *made);
    if (!made)
        return NS_POOL_ERROR_METADATA;
    made->port = port;
    made->frames = frames;
    made->device = device;
    if (coherent)
        made->coherent = *coherent;
    for (size_t i = 0; i < NS_DMA_POOL_NAME_MAX && name[i] != '\0'; i++)
        made->name[i] = name[i];
    made->size = size;
    made->page_size = page_size;
    made->boundary = boundary < page_size ? boundary : page_size;
    made->blocks_per_boundary = made->boundary / size;
    made->blocks_per_page = count_blocks(made);
    *pool = made;
    return NS_POOL_OK;
}

enum ns_pool_status ns_dma_pool_destroy(struct ns_dma_pool *pool) {
    if (!pool)
        return NS_POOL_OK;
    const struct ns_port *port = pool->port;
    if (pool->active != 0) {
        port->misuse(port->context, NS_MISUSE_DESTROY_BUSY, 0, 0);
        return NS_POOL_ERROR_BUSY;
    }
    enum ns_pool_status status = NS_POOL_OK;
    while (pool->pages) {
        struct page *page = pool->pages;
        pool->pages = page->next;
        const enum ns_pool_status freed =
            ns_coherent_free(port, pool->frames, pool->device, pool->page_size, page->virtual_address, page->bus);
        if (freed != NS_POOL_OK)
            status = freed;
        port->metadata_free(port->context, page);
    }
    port->metadata_free(port->context, pool);
    return status;
}

enum ns_pool_status ns_dma_pool_alloc(struct ns_dma_pool *pool, uint64_t *virtual_address, uint64_t *bus) {
    if (pool->free_block == 0) {
        const enum ns_pool_status status = grow(pool);
        if (status != NS_POOL_OK)
            return status;
    }
    return pop(pool, virtual_address, bus);
}

enum ns_pool_status ns_dma_pool_free(struct ns_dma_pool *pool, uint64_t virtual_address, uint64_t bus) {
    const struct ns_port *port = pool->port;
    uint64_t index = 0;
    struct page *page = find_block(pool, virtual_address, &index);
    if (!page || bus != page->bus + block_offset(pool, index)) {
        port->misuse(port->context, NS_MISUSE_FOREIGN_FREE, virtual_address, 0);
        return NS_POOL_ERROR_MISUSE;
    }
    if (!in_use(page, index)) {
        port->misuse(port->context, NS_MISUSE_DOUBLE_FREE, virtual_address, pool->size);
        return NS_POOL_ERROR_MISUSE;
    }
    toggle_use(page, index);
    pool->active--;
    push(pool, virtual_address, bus);
    return NS_POOL_OK;
}

struct ns_dma_pool_statistics ns_dma_pool_get_statistics(const struct ns_dma_pool *pool) {
    return (struct ns_dma_pool_statistics){.name = pool->name,
                                           .size = pool->size,
                                           .boundary = pool->boundary,
                                           .page_size = pool->page_size,
                                           .pages = pool->page_count,
                                           .blocks = pool->page_count * pool->blocks_per_page,
                                           .active = pool->active};
}
