/* SPDX-License-Identifier: Apache-2.0 */
#include "pool/kmalloc_internal.h"
#include "pool/pages.h"
#include "pool/say.h"

/* ---- the reserve ----------------------------------------------------------------------------- */

static enum ns_pool_status return_chunks(struct ns_kmalloc *kmalloc, unsigned count) {
    for (unsigned i = 0; i < count; i++) {
        const enum ns_pool_status status =
            ns_frames_free(kmalloc->frames, kmalloc->chunk[i].physical, NS_KMALLOC_CHUNK_PAGES);
        if (status != NS_POOL_OK)
            return status;
    }
    return NS_POOL_OK;
}

enum ns_pool_status ns_kmalloc_take_reserve(struct ns_kmalloc *kmalloc) {
    const struct ns_frames_request request = {.count = NS_KMALLOC_CHUNK_PAGES,
                                              .alignment = NS_KMALLOC_CHUNK_PAGES,
                                              .lowest = 0,
                                              .highest = NS_KMALLOC_CHUNK_LIMIT - 1,
                                              .zone = NS_POOL_ZONE_NORMAL};
    for (unsigned i = 0; i < kmalloc->options.reserve_chunks; i++) {
        const enum ns_pool_status status = ns_frames_allocate(kmalloc->frames, &request, &kmalloc->chunk[i].physical);
        if (status != NS_POOL_OK) {
            const enum ns_pool_status undone = return_chunks(kmalloc, i);
            return undone != NS_POOL_OK ? undone : status;
        }
    }
    kmalloc->counts.pages_available = (int64_t)kmalloc->options.reserve_chunks * NS_KMALLOC_CHUNK_PAGES;
    return NS_POOL_OK;
}

enum ns_pool_status ns_kmalloc_return_reserve(struct ns_kmalloc *kmalloc) {
    return return_chunks(kmalloc, kmalloc->options.reserve_chunks);
}

/* Bits [index, index + 2^order) of a chunk. */
static uint32_t pages_mask(unsigned index, unsigned order) {
    return ((UINT32_C(1) << (1u << order)) - 1) << index;
}

static int64_t counted_pages(const struct ns_kmalloc *kmalloc, unsigned order) {
    return kmalloc->options.count_order_plus_one ? (int64_t)order + 1 : INT64_C(1) << order;
}

static enum ns_pool_status take_from_reserve(struct ns_kmalloc *kmalloc, unsigned order, uint64_t *physical) {
    if (order > NS_KMALLOC_CHUNK_ORDER) {
        ns_say(kmalloc->port, NS_SAY_BUG, "__get_free_pages", "assertion failed: order {d} is larger than a chunk",
               order, 0);
        return NS_POOL_ERROR_ARGUMENT;
    }
    for (unsigned i = 0; i < kmalloc->options.reserve_chunks; i++) {
        struct ns_kmalloc_chunk *chunk = &kmalloc->chunk[i];
        for (unsigned index = 0; index + (1u << order) <= NS_KMALLOC_CHUNK_PAGES; index++) {
            const uint32_t mask = pages_mask(index, order);
            if ((chunk->used & mask) != 0)
                continue;
            chunk->used |= mask;
            chunk->head |= UINT32_C(1) << index;
            kmalloc->counts.pages_available -= counted_pages(kmalloc, order);
            *physical = chunk->physical + index * NS_FRAME_SIZE;
            return NS_POOL_OK;
        }
    }
    return NS_POOL_ERROR_EXHAUSTED;
}

static struct ns_kmalloc_chunk *find_chunk(struct ns_kmalloc *kmalloc, uint64_t physical) {
    for (unsigned i = 0; i < kmalloc->options.reserve_chunks; i++)
        if (physical >= kmalloc->chunk[i].physical && physical - kmalloc->chunk[i].physical < NS_KMALLOC_CHUNK_SIZE)
            return &kmalloc->chunk[i];
    return NULL;
}

/* Pages of the block that begins at the index. */
static unsigned block_pages(const struct ns_kmalloc_chunk *chunk, unsigned index) {
    unsigned end = index + 1;
    while (end < NS_KMALLOC_CHUNK_PAGES && (chunk->used >> end & 1) != 0 && (chunk->head >> end & 1) == 0)
        end++;
    return end - index;
}

static enum ns_pool_status put_in_reserve(struct ns_kmalloc *kmalloc, uint64_t physical, unsigned order) {
    const struct ns_port *port = kmalloc->port;
    struct ns_kmalloc_chunk *chunk = find_chunk(kmalloc, physical);
    const unsigned index = chunk ? (unsigned)((physical - chunk->physical) / NS_FRAME_SIZE) : 0;
    enum ns_port_misuse what = NS_MISUSE_FOREIGN_FREE;
    if (chunk && physical % NS_FRAME_SIZE == 0 && (chunk->head >> index & 1) != 0) {
        if (order <= NS_KMALLOC_CHUNK_ORDER && block_pages(chunk, index) == 1u << order) {
            chunk->used &= ~pages_mask(index, order);
            chunk->head &= ~(UINT32_C(1) << index);
            kmalloc->counts.pages_available += counted_pages(kmalloc, order);
            return NS_POOL_OK;
        }
        what = NS_MISUSE_FREE_SIZE;
    } else if (chunk && physical % NS_FRAME_SIZE == 0 && (chunk->used >> index & 1) == 0) {
        what = NS_MISUSE_DOUBLE_FREE;
    }
    port->misuse(port->context, what, physical, NS_FRAME_SIZE << (order < 32 ? order : 32));
    return NS_POOL_ERROR_MISUSE;
}

/* ---- either source --------------------------------------------------------------------------- */

enum ns_pool_status ns_kmalloc_take_pages(struct ns_kmalloc *kmalloc, ns_gfp gfp, unsigned order, uint64_t *physical) {
    if (kmalloc->options.ignore_flags)
        gfp = NS_GFP_KERNEL;
    if (kmalloc->options.reserve_chunks != 0) {
        const struct ns_port *port = kmalloc->port;
        const enum ns_pool_status status = take_from_reserve(kmalloc, order, physical);
        if (status == NS_POOL_OK && (gfp & NS___GFP_ZERO) != 0)
            port->fill(port->context, port->to_virtual(port->context, *physical), NS_FRAME_SIZE << order, 0);
        return status;
    }
    return ns_alloc_pages(kmalloc->frames, gfp | NS___GFP_NOWARN, order, physical);
}

enum ns_pool_status ns_kmalloc_put_pages(struct ns_kmalloc *kmalloc, uint64_t physical, unsigned order) {
    if (kmalloc->options.reserve_chunks != 0)
        return put_in_reserve(kmalloc, physical, order);
    return ns_free_pages(kmalloc->frames, physical, order);
}
