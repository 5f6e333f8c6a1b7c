/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Late write-backs: what a clean or flush has handed over and memory has not got yet.
 *
 * No two entries of any queue overlap: whoever is about to write memory or to queue an entry first drains what
 * overlaps. So the order of the writes of one line is kept, whatever the order of the harts' fences.
 */
#include "cache/internal.h"

#include <stdlib.h>

static enum ns_status drain_entry(struct operation *operation, unsigned hart, uint32_t place);

bool late_create(struct ns_cache *cache) {
    uint32_t size = cache->config.late_write_backs;
    if (size == 0)
        return true;
    bool ok = true;
    for (unsigned hart = 0; hart < cache->config.harts; hart++) {
        struct late_queue *queue = &cache->late[hart];
        ok = (queue->entries = calloc(size, sizeof *queue->entries)) && ok;
        ok = (queue->order = calloc(size, sizeof *queue->order)) && ok;
        for (uint32_t place = 0; queue->order && place < size; place++)
            queue->order[place] = place;
    }
    return ok;
}

void late_destroy(struct ns_cache *cache) {
    for (unsigned hart = 0; hart < cache->config.harts; hart++) {
        free(cache->late[hart].entries);
        free(cache->late[hart].order);
    }
}

enum ns_status late_push(struct operation *operation, struct origin origin, uint64_t address, uint32_t length,
                         const uint8_t *data, const ns_version *versions) {
    struct ns_cache *cache = operation->cache;
    struct late_queue *queue = &cache->late[operation->hart];
    if (queue->count == cache->config.late_write_backs) {
        enum ns_status status = drain_entry(operation, operation->hart, 0);
        if (status != NS_OK)
            return status;
    }
    struct late_entry *entry = &queue->entries[queue->order[queue->count++]];
    cache->late_total++;
    entry->address = address;
    entry->length = length;
    entry->origin = origin;
    memcpy(entry->data, data, length);
    if (cache->config.provenance)
        memcpy(entry->versions, versions, length * sizeof *versions);
    return NS_OK;
}

enum ns_status late_drain_range(struct operation *operation, uint64_t address, uint64_t length) {
    struct ns_cache *cache = operation->cache;
    if (cache->late_total == 0 || length == 0)
        return NS_OK;
    for (unsigned hart = 0; hart < cache->config.harts; hart++) {
        struct late_queue *queue = &cache->late[hart];
        for (uint32_t place = 0; place < queue->count;) {
            const struct late_entry *entry = &queue->entries[queue->order[place]];
            if (entry->address + entry->length <= address || entry->address >= address + length) {
                place++;
                continue;
            }
            enum ns_status status = drain_entry(operation, hart, place);
            if (status != NS_OK)
                return status;
        }
    }
    return NS_OK;
}

enum ns_status ns_cache_drain(struct ns_cache *cache, unsigned hart, struct ns_cache_result *result) {
    struct ns_cache_result ignored;
    struct operation operation = {cache, result ? result : &ignored, hart, NS_CAUSE_MAINTENANCE, false};
    *operation.result = (struct ns_cache_result){0};
    if (hart >= cache->config.harts)
        return NS_ERROR_ARGUMENT;
    while (cache->late[hart].count > 0) {
        enum ns_status status = drain_entry(&operation, hart, 0);
        if (status != NS_OK)
            return status;
        operation.result->lines++;
    }
    check_after(cache, 0, 0);
    return NS_OK;
}

enum ns_status ns_cache_drain_line(struct ns_cache *cache, uint64_t address, uint64_t length,
                                   struct ns_cache_result *result) {
    struct ns_cache_result ignored;
    struct operation operation = {cache, result ? result : &ignored, 0, NS_CAUSE_MAINTENANCE, false};
    *operation.result = (struct ns_cache_result){0};
    if (!range_is_physical(address, length))
        return NS_ERROR_ARGUMENT;
    enum ns_status status = late_drain_range(&operation, address, length);
    operation.result->lines = operation.result->memory_writes;
    check_after(cache, address, length);
    return status;
}

size_t ns_cache_late_count(const struct ns_cache *cache, unsigned hart) {
    return hart < cache->config.harts ? cache->late[hart].count : 0;
}

bool ns_cache_late_peek(const struct ns_cache *cache, uint64_t address, unsigned *hart, uint8_t *data,
                        ns_version *version) {
    for (unsigned owner = 0; cache->late_total > 0 && owner < cache->config.harts; owner++) {
        const struct late_queue *queue = &cache->late[owner];
        for (uint32_t place = 0; place < queue->count; place++) {
            const struct late_entry *entry = &queue->entries[queue->order[place]];
            if (address < entry->address || address - entry->address >= entry->length)
                continue;
            uint64_t offset = address - entry->address;
            if (hart)
                *hart = owner;
            if (data)
                *data = entry->data[offset];
            if (version)
                *version = cache->config.provenance ? entry->versions[offset] : NS_VERSION_POWER_ON;
            return true;
        }
    }
    return false;
}

/* The entry leaves its queue only when memory has taken it. */
static enum ns_status drain_entry(struct operation *operation, unsigned hart, uint32_t place) {
    struct ns_cache *cache = operation->cache;
    struct late_queue *queue = &cache->late[hart];
    uint32_t index = queue->order[place];
    const struct late_entry *entry = &queue->entries[index];
    struct operation drain = *operation;
    drain.hart = hart; /* whose clean or flush this is */
    drain.cause = NS_CAUSE_MAINTENANCE;
    enum ns_status status = memory_write_now(&drain, entry->origin, entry->address, entry->length, entry->data,
                                             cache->config.provenance ? entry->versions : NULL);
    if (status != NS_OK)
        return status;
    queue->count--;
    cache->late_total--;
    memmove(&queue->order[place], &queue->order[place + 1], (queue->count - place) * sizeof *queue->order);
    queue->order[queue->count] = index;
    return NS_OK;
}
