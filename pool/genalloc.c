/* SPDX-License-Identifier: Apache-2.0 */
#include "pool/genalloc.h"

#include "pool/bitmap.h"
#include "pool/say.h"

struct chunk {
    struct chunk *next;
    uint64_t physical;
    uint64_t start;
    uint64_t end;   /* inclusive */
    uint64_t avail; /* bytes */
    uint64_t bits;  /* whole granules */
    uint64_t map[]; /* 1: taken */
};

struct ns_gen_pool {
    const struct ns_port *port;
    unsigned min_alloc_order;
    bool strict;
    ns_gen_pool_algorithm algorithm;
    const void *data;
    struct chunk *chunks; /* newest first */
};

static uint64_t granules(const struct ns_gen_pool *pool, uint64_t size) {
    const uint64_t rest = size & ((UINT64_C(1) << pool->min_alloc_order) - 1);
    return (size >> pool->min_alloc_order) + (rest != 0);
}

/* ---- algorithms ------------------------------------------------------------------------------ */

/* bitmap_find_next_zero_area_off returns the end of the run that would leave the map. */
static uint64_t find_area(const uint64_t *map, uint64_t size, uint64_t start, uint64_t count, uint64_t align_mask,
                          uint64_t offset) {
    const uint64_t index = ns_bitmap_find_zero_area(map, size, start, count, align_mask, offset);
    if (index <= size && count <= size - index)
        return index;
    return index > UINT64_MAX - count ? UINT64_MAX : index + count;
}

uint64_t ns_gen_pool_first_fit(const uint64_t *map, uint64_t size, uint64_t start, uint64_t count, const void *data,
                               const struct ns_gen_pool *pool, uint64_t chunk_address) {
    (void)data;
    (void)pool;
    (void)chunk_address;
    return find_area(map, size, start, count, 0, 0);
}

uint64_t ns_gen_pool_first_fit_align(const uint64_t *map, uint64_t size, uint64_t start, uint64_t count,
                                     const void *data, const struct ns_gen_pool *pool, uint64_t chunk_address) {
    const struct ns_gen_pool_data_align *wish = data;
    if (!wish || wish->align == 0 || (wish->align & (wish->align - 1)) != 0) {
        ns_say(pool->port, NS_SAY_WARN, "gen_pool_first_fit_align", "alignment {x} is not a power of two",
               wish ? wish->align : 0, 0);
        return size;
    }
    const uint64_t align_mask = granules(pool, wish->align) - 1;
    const uint64_t offset = (chunk_address & (wish->align - 1)) >> pool->min_alloc_order;
    return find_area(map, size, start, count, align_mask, offset);
}

uint64_t ns_gen_pool_first_fit_order_align(const uint64_t *map, uint64_t size, uint64_t start, uint64_t count,
                                           const void *data, const struct ns_gen_pool *pool, uint64_t chunk_address) {
    (void)data;
    (void)pool;
    (void)chunk_address;
    if (count > size) /* also keeps the rounding below from overflowing */
        return size;
    uint64_t rounded = 1;
    while (rounded < count)
        rounded *= 2;
    return find_area(map, size, start, count, rounded - 1, 0);
}

uint64_t ns_gen_pool_best_fit(const uint64_t *map, uint64_t size, uint64_t start, uint64_t count, const void *data,
                              const struct ns_gen_pool *pool, uint64_t chunk_address) {
    (void)data;
    (void)pool;
    (void)chunk_address;
    uint64_t best = size;
    uint64_t best_length = UINT64_MAX;
    for (uint64_t index = find_area(map, size, start, count, 0, 0); index < size;) {
        const uint64_t hole_end = ns_bitmap_find(map, index + count, size, true);
        if (hole_end - index < best_length) {
            best = index;
            best_length = hole_end - index;
            if (best_length == count)
                break;
        }
        index = find_area(map, size, hole_end + 1, count, 0, 0);
    }
    return best;
}

uint64_t ns_gen_pool_fixed_alloc(const uint64_t *map, uint64_t size, uint64_t start, uint64_t count, const void *data,
                                 const struct ns_gen_pool *pool, uint64_t chunk_address) {
    (void)chunk_address;
    const struct ns_gen_pool_data_fixed *wish = data;
    if (!wish || (wish->offset & ((UINT64_C(1) << pool->min_alloc_order) - 1)) != 0) {
        ns_say(pool->port, NS_SAY_WARN, "gen_pool_fixed_alloc", "offset {x} is not a multiple of the granule",
               wish ? wish->offset : 0, 0);
        return size;
    }
    const uint64_t wanted = wish->offset >> pool->min_alloc_order;
    if (wanted >= size || start > size - wanted)
        return size;
    return find_area(map, size, start + wanted, count, 0, 0) == wanted ? wanted : size;
}

/* ---- pools ----------------------------------------------------------------------------------- */

enum ns_pool_status ns_gen_pool_create(const struct ns_port *port, unsigned min_alloc_order,
                                       struct ns_gen_pool **pool) {
    if (min_alloc_order > 63)
        return NS_POOL_ERROR_ARGUMENT;
    struct ns_gen_pool *made = port->metadata_allocate(port->context, sizeof *made);
    if (!made)
        return NS_POOL_ERROR_METADATA;
    made->port = port;
    made->min_alloc_order = min_alloc_order;
    made->algorithm = ns_gen_pool_first_fit;
    *pool = made;
    return NS_POOL_OK;
}

enum ns_pool_status ns_gen_pool_destroy(struct ns_gen_pool *pool) {
    if (!pool)
        return NS_POOL_OK;
    const struct ns_port *port = pool->port;
    for (const struct chunk *chunk = pool->chunks; chunk; chunk = chunk->next) {
        const uint64_t bit = ns_bitmap_find(chunk->map, 0, chunk->bits, true);
        if (bit < chunk->bits) {
            const uint64_t address = chunk->start + (bit << pool->min_alloc_order);
            ns_say(port, NS_SAY_BUG, "gen_pool_destroy", "memory at {x} is still allocated", address, 0);
            port->misuse(port->context, NS_MISUSE_DESTROY_BUSY, address, 0);
            return NS_POOL_ERROR_BUSY;
        }
    }
    while (pool->chunks) {
        struct chunk *chunk = pool->chunks;
        pool->chunks = chunk->next;
        port->metadata_free(port->context, chunk);
    }
    port->metadata_free(port->context, pool);
    return NS_POOL_OK;
}

void ns_gen_pool_set_algorithm(struct ns_gen_pool *pool, ns_gen_pool_algorithm algorithm, const void *data) {
    pool->algorithm = algorithm ? algorithm : ns_gen_pool_first_fit;
    pool->data = data;
}

void ns_gen_pool_set_strict(struct ns_gen_pool *pool, bool strict) {
    pool->strict = strict;
}

static bool overlaps_a_chunk(const struct ns_gen_pool *pool, uint64_t start, uint64_t end) {
    for (const struct chunk *chunk = pool->chunks; chunk; chunk = chunk->next)
        if (start <= chunk->end && end >= chunk->start)
            return true;
    return false;
}

enum ns_pool_status ns_gen_pool_add_virt(struct ns_gen_pool *pool, uint64_t virtual_address, uint64_t physical,
                                         uint64_t size) {
    const struct ns_port *port = pool->port;
    if (size == 0 || size - 1 > UINT64_MAX - virtual_address || size - 1 > UINT64_MAX - physical)
        return NS_POOL_ERROR_ARGUMENT;
    const uint64_t end = virtual_address + (size - 1);
    if (pool->strict && (virtual_address == 0 || overlaps_a_chunk(pool, virtual_address, end)))
        return NS_POOL_ERROR_ARGUMENT;
    const uint64_t bits = size >> pool->min_alloc_order;
    struct chunk *chunk =
        port->metadata_allocate(port->context, sizeof *chunk + ns_bitmap_words(bits) * sizeof(uint64_t));
    if (!chunk)
        return NS_POOL_ERROR_METADATA;
    chunk->physical = physical;
    chunk->start = virtual_address;
    chunk->end = end;
    chunk->avail = size;
    chunk->bits = bits;
    if (port->lock)
        port->lock(port->context, false);
    chunk->next = pool->chunks;
    pool->chunks = chunk;
    if (port->unlock)
        port->unlock(port->context, false);
    return NS_POOL_OK;
}

/* ---- allocation ------------------------------------------------------------------------------ */

/* What no algorithm of this file ever answers: a run outside of the chunk or over taken bits. */
static bool answer_is_sound(const struct chunk *chunk, uint64_t first, uint64_t count) {
    return count <= chunk->bits - first && ns_bitmap_find(chunk->map, first, first + count, true) == first + count;
}

uint64_t ns_gen_pool_alloc_algorithm(struct ns_gen_pool *pool, uint64_t size, ns_gen_pool_algorithm algorithm,
                                     const void *data) {
    const struct ns_port *port = pool->port;
    if (size == 0)
        return 0;
    if (!algorithm)
        algorithm = ns_gen_pool_first_fit;
    const uint64_t count = granules(pool, size);
    for (struct chunk *chunk = pool->chunks; chunk; chunk = chunk->next) {
        if (size > chunk->avail)
            continue;
        const uint64_t first = algorithm(chunk->map, chunk->bits, 0, count, data, pool, chunk->start);
        if (first >= chunk->bits)
            continue;
        const uint64_t address = chunk->start + (first << pool->min_alloc_order);
        if (!answer_is_sound(chunk, first, count)) {
            ns_say(port, NS_SAY_BUG, "gen_pool_alloc", "the algorithm chose {x}, which is not free for {x} bytes",
                   address, size);
            port->misuse(port->context, NS_MISUSE_POOL_CORRUPT, address, size);
            continue;
        }
        ns_bitmap_set(chunk->map, first, count);
        chunk->avail -= count << pool->min_alloc_order;
        return address;
    }
    return 0;
}

uint64_t ns_gen_pool_alloc(struct ns_gen_pool *pool, uint64_t size) {
    return ns_gen_pool_alloc_algorithm(pool, size, pool->algorithm, pool->data);
}

uint64_t ns_gen_pool_dma_alloc_algorithm(struct ns_gen_pool *pool, uint64_t size, uint64_t *physical,
                                         ns_gen_pool_algorithm algorithm, const void *data) {
    const uint64_t address = ns_gen_pool_alloc_algorithm(pool, size, algorithm, data);
    if (address != 0 && physical)
        *physical = ns_gen_pool_virt_to_phys(pool, address);
    return address;
}

uint64_t ns_gen_pool_dma_alloc(struct ns_gen_pool *pool, uint64_t size, uint64_t *physical) {
    return ns_gen_pool_dma_alloc_algorithm(pool, size, physical, pool->algorithm, pool->data);
}

/* ---- return ---------------------------------------------------------------------------------- */

/* The first chunk in list order that holds the byte; NULL when none does. */
static struct chunk *find_chunk(const struct ns_gen_pool *pool, uint64_t address) {
    struct chunk *chunk = pool->chunks;
    while (chunk && (address < chunk->start || address > chunk->end))
        chunk = chunk->next;
    return chunk;
}

static enum ns_pool_status refuse_free(const struct ns_gen_pool *pool, enum ns_port_misuse why, const char *text,
                                       uint64_t address, uint64_t size) {
    const struct ns_port *port = pool->port;
    ns_say(port, NS_SAY_BUG, "gen_pool_free", text, address, size);
    port->misuse(port->context, why, address, size);
    return NS_POOL_ERROR_MISUSE;
}

enum ns_pool_status ns_gen_pool_free(struct ns_gen_pool *pool, uint64_t address, uint64_t size) {
    struct chunk *chunk = find_chunk(pool, address);
    if (!chunk)
        return refuse_free(pool, NS_MISUSE_FOREIGN_FREE, "no chunk holds {x}, size {x}", address, size);
    if (size != 0 && size - 1 > chunk->end - address)
        return refuse_free(pool, NS_MISUSE_FREE_SIZE, "{x}, size {x} leaves its chunk", address, size);
    const uint64_t first = (address - chunk->start) >> pool->min_alloc_order;
    const uint64_t count = granules(pool, size);
    /* The tail that is shorter than a granule has no bit, and was never handed out. */
    const bool has_bits = first <= chunk->bits && count <= chunk->bits - first;
    if (!has_bits || ns_bitmap_find(chunk->map, first, first + count, false) != first + count)
        return refuse_free(pool, NS_MISUSE_DOUBLE_FREE, "{x}, size {x} is free already", address, size);
    ns_bitmap_clear(chunk->map, first, count);
    chunk->avail += count << pool->min_alloc_order;
    return NS_POOL_OK;
}

/* ---- questions ------------------------------------------------------------------------------- */

uint64_t ns_gen_pool_virt_to_phys(const struct ns_gen_pool *pool, uint64_t address) {
    const struct chunk *chunk = find_chunk(pool, address);
    return chunk ? chunk->physical + (address - chunk->start) : UINT64_MAX;
}

bool ns_gen_pool_has_address(const struct ns_gen_pool *pool, uint64_t start, uint64_t size) {
    for (const struct chunk *chunk = pool->chunks; chunk; chunk = chunk->next)
        if (start >= chunk->start && start <= chunk->end && (size == 0 || size - 1 <= chunk->end - start))
            return true;
    return false;
}

uint64_t ns_gen_pool_avail(const struct ns_gen_pool *pool) {
    uint64_t bytes = 0;
    for (const struct chunk *chunk = pool->chunks; chunk; chunk = chunk->next)
        bytes += chunk->avail;
    return bytes;
}

uint64_t ns_gen_pool_size(const struct ns_gen_pool *pool) {
    uint64_t bytes = 0;
    for (const struct chunk *chunk = pool->chunks; chunk; chunk = chunk->next)
        bytes += chunk->end - chunk->start + 1;
    return bytes;
}
