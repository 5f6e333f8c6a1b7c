/* SPDX-License-Identifier: Apache-2.0 */
#include "pool/dma_debug_cachelines.h"

struct line {
    struct line *next; /* in its bucket, or in the free list */
    uint64_t number;   /* physical address / line size */
    const void *owner;
    int overlap;
};

struct ns_debug_cachelines {
    const struct ns_port *port;
    struct line **buckets;
    size_t bucket_mask; /* the number of buckets is a power of two */
    uint32_t line_size;
    struct line *free_lines;
    struct line lines[];
};

static size_t round_to_power_of_two(size_t value) {
    size_t power = 1;
    while (power < value && power <= SIZE_MAX / 2)
        power *= 2;
    return power;
}

enum ns_pool_status ns_debug_cachelines_create(const struct ns_port *port, size_t capacity, uint32_t line_size,
                                               struct ns_debug_cachelines **lines) {
    if (capacity == 0 || line_size == 0 || (line_size & (line_size - 1)) != 0)
        return NS_POOL_ERROR_ARGUMENT;
    if (capacity > SIZE_MAX / 2 / sizeof(struct line) - 2)
        return NS_POOL_ERROR_METADATA;
    const size_t bucket_count = round_to_power_of_two(capacity);
    struct ns_debug_cachelines *made =
        port->metadata_allocate(port->context, sizeof *made + capacity * sizeof made->lines[0]);
    if (!made)
        return NS_POOL_ERROR_METADATA;
    made->buckets = port->metadata_allocate(port->context, bucket_count * sizeof made->buckets[0]);
    if (!made->buckets) {
        port->metadata_free(port->context, made);
        return NS_POOL_ERROR_METADATA;
    }
    made->port = port;
    made->bucket_mask = bucket_count - 1;
    made->line_size = line_size;
    for (size_t i = capacity; i-- > 0;) {
        made->lines[i].next = made->free_lines;
        made->free_lines = &made->lines[i];
    }
    *lines = made;
    return NS_POOL_OK;
}

void ns_debug_cachelines_destroy(struct ns_debug_cachelines *lines) {
    if (!lines)
        return;
    const struct ns_port *port = lines->port;
    port->metadata_free(port->context, lines->buckets);
    port->metadata_free(port->context, lines);
}

/* Where the pointer to the line is, or would be: at the end of its bucket. */
static struct line **find(const struct ns_debug_cachelines *lines, uint64_t number) {
    struct line **place = &lines->buckets[(size_t)number & lines->bucket_mask];
    while (*place && (*place)->number != number)
        place = &(*place)->next;
    return place;
}

enum ns_debug_cacheline_result ns_debug_cachelines_insert(struct ns_debug_cachelines *lines, uint64_t physical,
                                                          const void **owner) {
    struct line **place = find(lines, physical / lines->line_size);
    if (*place) {
        *owner = (*place)->owner;
        if ((*place)->overlap == NS_DEBUG_CACHELINE_MAX_OVERLAP)
            return NS_DEBUG_CACHELINE_EXCEEDED;
        (*place)->overlap++;
        return NS_DEBUG_CACHELINE_EXISTS;
    }
    struct line *line = lines->free_lines;
    if (!line)
        return NS_DEBUG_CACHELINE_NO_MEMORY;
    lines->free_lines = line->next;
    *line = (struct line){.number = physical / lines->line_size, .owner = *owner};
    *place = line;
    return NS_DEBUG_CACHELINE_NEW;
}

void ns_debug_cachelines_remove(struct ns_debug_cachelines *lines, uint64_t physical) {
    struct line **place = find(lines, physical / lines->line_size);
    struct line *line = *place;
    if (!line || line->overlap-- > 0)
        return;
    *place = line->next;
    line->next = lines->free_lines;
    lines->free_lines = line;
}

int ns_debug_cachelines_overlap(const struct ns_debug_cachelines *lines, uint64_t physical) {
    const struct line *line = *find(lines, physical / lines->line_size);
    return line ? line->overlap : -1;
}
