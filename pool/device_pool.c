/* SPDX-License-Identifier: Apache-2.0 */
#include "pool/device_pool.h"

#include "pool/bitmap.h"
#include "pool/pages.h"
#include "pool/remap.h"
#include "pool/say.h"

/* Two bits for each page: in use, and whether a block begins with it. The kernel has only the first. */
struct ns_device_pool {
    const struct ns_port *port;
    struct ns_device_pool_config config;
    uint64_t virtual_address;
    uint64_t pages;
    uint64_t *used;
    uint64_t *head;
    uint64_t words[];
};

/* ---- life ------------------------------------------------------------------------------------ */

enum ns_pool_status ns_device_pool_create(const struct ns_port *port, const struct ns_device_pool_config *config,
                                          struct ns_device_pool **pool) {
    const uint64_t last = config->length - 1;
    if (config->length == 0 || config->physical % NS_FRAME_SIZE != 0 || config->length % NS_FRAME_SIZE != 0 ||
        config->physical + last < config->physical || config->device_base + last < config->device_base)
        return NS_POOL_ERROR_ARGUMENT;
    const uint64_t pages = config->length / NS_FRAME_SIZE;
    const uint64_t words = ns_bitmap_words(pages);
    struct ns_device_pool *made = port->metadata_allocate(port->context, sizeof *made + 2 * words * sizeof(uint64_t));
    if (!made)
        return NS_POOL_ERROR_METADATA;
    made->port = port;
    made->config = *config;
    made->pages = pages;
    made->used = made->words;
    made->head = made->words + words;
    const enum ns_pool_status status =
        ns_dma_common_contiguous_remap(port, config->physical, config->length, NS_PORT_NC, &made->virtual_address);
    if (status != NS_POOL_OK) {
        port->metadata_free(port->context, made);
        return status;
    }
    *pool = made;
    return NS_POOL_OK;
}

enum ns_pool_status ns_device_pool_destroy(struct ns_device_pool *pool) {
    if (!pool)
        return NS_POOL_OK;
    const struct ns_port *port = pool->port;
    if (ns_device_pool_used_pages(pool) != 0) {
        port->misuse(port->context, NS_MISUSE_DESTROY_BUSY, pool->virtual_address, 0);
        return NS_POOL_ERROR_BUSY;
    }
    ns_dma_common_free_remap(port, pool->virtual_address, pool->config.length);
    port->metadata_free(port->context, pool);
    return NS_POOL_OK;
}

enum ns_pool_status ns_device_pool_assign(struct ns_pool_device *device, struct ns_device_pool *pool) {
    if (device->device_pool)
        return NS_POOL_ERROR_BUSY;
    device->device_pool = pool;
    return NS_POOL_OK;
}

/* ---- allocation ------------------------------------------------------------------------------ */

enum ns_pool_status ns_device_pool_alloc(struct ns_device_pool *pool, const struct ns_pool_device *device,
                                         uint64_t size, uint64_t *virtual_address, uint64_t *bus) {
    const char *const who = "__dma_alloc_from_coherent";
    if (size == 0)
        return NS_POOL_ERROR_ARGUMENT;
    const uint64_t count = UINT64_C(1) << ns_order_of(size);
    const uint64_t page =
        count <= pool->pages ? ns_bitmap_find_zero_area(pool->used, pool->pages, 0, count, count - 1, 0) : pool->pages;
    if (count > pool->pages || page > pool->pages - count) {
        ns_say(pool->port, NS_SAY_DECISION, who, "{d} pages from the pool? no: it has no such hole, and that is final",
               count, 0);
        return NS_POOL_ERROR_EXHAUSTED;
    }
    const uint64_t base =
        pool->config.translate ? ns_physical_to_bus(device, pool->config.physical) : pool->config.device_base;
    const uint64_t offset = page * NS_FRAME_SIZE;
    if (base > UINT64_MAX - pool->config.length) /* also: in none of the device's ranges */
        return NS_POOL_ERROR_NOT_ADDRESSABLE;
    ns_bitmap_set(pool->used, page, count);
    ns_bitmap_set(pool->head, page, 1);
    *virtual_address = pool->virtual_address + offset;
    *bus = base + offset;
    ns_say(pool->port, NS_SAY_DECISION, who, "{d} pages from the pool? yes: bus {x}", count, *bus);
    pool->port->fill(pool->port->context, *virtual_address, size, 0);
    return NS_POOL_OK;
}

/* ---- return ---------------------------------------------------------------------------------- */

bool ns_device_pool_contains(const struct ns_device_pool *pool, uint64_t virtual_address) {
    return virtual_address >= pool->virtual_address && virtual_address - pool->virtual_address < pool->config.length;
}

/* Pages [page, page + count) are exactly one block. */
static bool one_block(const struct ns_device_pool *pool, uint64_t page, uint64_t count) {
    const uint64_t end = page + count;
    return ns_bitmap_test(pool->head, page) && ns_bitmap_find(pool->used, page, end, false) == end &&
           ns_bitmap_find(pool->head, page + 1, end, true) == end &&
           (end == pool->pages || !ns_bitmap_test(pool->used, end) || ns_bitmap_test(pool->head, end));
}

static enum ns_pool_status refuse(const struct ns_device_pool *pool, enum ns_port_misuse what, uint64_t virtual_address,
                                  uint64_t size) {
    pool->port->misuse(pool->port->context, what, virtual_address, size);
    return NS_POOL_ERROR_MISUSE;
}

enum ns_pool_status ns_device_pool_free(struct ns_device_pool *pool, uint64_t size, uint64_t virtual_address) {
    if (!ns_device_pool_contains(pool, virtual_address))
        return refuse(pool, NS_MISUSE_FOREIGN_FREE, virtual_address, size);
    const uint64_t page = (virtual_address - pool->virtual_address) / NS_FRAME_SIZE;
    uint64_t count = UINT64_C(1) << ns_order_of(size);
    if (!pool->config.historic_free) {
        if (!ns_bitmap_test(pool->used, page))
            return refuse(pool, NS_MISUSE_DOUBLE_FREE, virtual_address, size);
        if (virtual_address % NS_FRAME_SIZE != 0 || count > pool->pages - page || !one_block(pool, page, count))
            return refuse(pool, NS_MISUSE_FREE_SIZE, virtual_address, size);
    }
    if (count > pool->pages - page) /* the kernel clears bits behind its bitmap */
        count = pool->pages - page;
    ns_bitmap_clear(pool->used, page, count);
    ns_bitmap_clear(pool->head, page, count);
    return NS_POOL_OK;
}

uint64_t ns_device_pool_used_pages(const struct ns_device_pool *pool) {
    return ns_bitmap_count(pool->used, 0, pool->pages);
}
