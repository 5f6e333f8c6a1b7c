/* SPDX-License-Identifier: Apache-2.0 */
/* What the hardware does by itself: prefetch, fills in two steps, eviction, speculative stores. */
#include "cache/internal.h"

static struct miss_register *find_register(struct ns_cache *cache, unsigned hart, uint64_t address);
static struct miss_register *free_register(struct ns_cache *cache, unsigned hart);
static void release(struct ns_cache *cache, struct miss_register *pending);
static enum ns_status sample(struct operation *operation, uint64_t address, struct miss_register *pending);
static enum ns_status install_sampled(struct operation *operation, struct miss_register *pending, bool *installed);

/* Starts an operation; false when an argument is out of range. */
static bool begin(struct operation *operation, struct ns_cache *cache, unsigned hart, uint64_t address,
                  enum ns_cache_cause cause, struct ns_cache_result *result) {
    *operation = (struct operation){cache, result, hart, cause, false};
    *result = (struct ns_cache_result){0};
    return hart < cache->config.harts && range_is_physical(address, 1);
}

enum ns_status ns_cache_prefetch(struct ns_cache *cache, unsigned hart, uint64_t address,
                                 struct ns_cache_result *result) {
    struct ns_cache_result ignored;
    struct operation operation;
    if (!begin(&operation, cache, hart, address, NS_CAUSE_PREFETCH, result ? result : &ignored))
        return NS_ERROR_ARGUMENT;
    struct line_array *array = &cache->l1[hart];
    operation.result->lines = 1;
    if (array_find(array, address) != NO_SLOT) {
        operation.result->lines_present = 1;
        return NS_OK;
    }
    uint32_t slot;
    enum ns_status status = fill_l1(&operation, line_start(array, address), &slot);
    if (status == NS_OK)
        array->stats.prefetches++;
    check_after(cache, address, 1);
    return status;
}

enum ns_status ns_cache_fill_sample(struct ns_cache *cache, unsigned hart, uint64_t address,
                                    struct ns_cache_result *result) {
    if (cache->config.fill == NS_FILL_ATOMIC)
        return ns_cache_prefetch(cache, hart, address, result);
    struct ns_cache_result ignored;
    struct operation operation;
    if (!begin(&operation, cache, hart, address, NS_CAUSE_PREFETCH, result ? result : &ignored))
        return NS_ERROR_ARGUMENT;
    struct line_array *array = &cache->l1[hart];
    uint64_t line = line_start(array, address);
    operation.result->lines = 1;
    if (array_find(array, line) != NO_SLOT) {
        operation.result->lines_present = 1;
        return NS_OK;
    }
    if (find_register(cache, hart, line))
        return NS_OK; /* one request per line is under way, another one merges with it */
    struct miss_register *pending = free_register(cache, hart);
    if (!pending)
        return NS_ERROR_LIMIT;
    enum ns_status status = sample(&operation, line, pending);
    if (status == NS_OK) {
        pending->address = line;
        pending->used = true;
        cache->registers_used++;
    }
    check_after(cache, address, 1);
    return status;
}

enum ns_status ns_cache_fill_install(struct ns_cache *cache, unsigned hart, uint64_t address, bool *installed) {
    struct ns_cache_result ignored;
    struct operation operation;
    bool done = false;
    enum ns_status status = NS_ERROR_ARGUMENT;
    if (begin(&operation, cache, hart, address, NS_CAUSE_PREFETCH, &ignored)) {
        status = NS_OK;
        struct miss_register *pending = find_register(cache, hart, line_start(&cache->l1[hart], address));
        if (pending) {
            status = install_sampled(&operation, pending, &done);
            if (pending->used)
                release(cache, pending);
        }
        check_after(cache, address, 1);
    }
    if (installed)
        *installed = done;
    return status;
}

enum ns_status ns_cache_evict(struct ns_cache *cache, unsigned hart, uint64_t address, bool *present,
                              struct ns_cache_result *result) {
    struct ns_cache_result ignored;
    struct operation operation;
    bool found = false;
    enum ns_status status = NS_ERROR_ARGUMENT;
    if (begin(&operation, cache, hart, address, NS_CAUSE_EVICTION, result ? result : &ignored)) {
        status = NS_OK;
        operation.result->lines = 1;
    }
    for (unsigned level = 0; level < cache->config.levels && status == NS_OK; level++) {
        struct line_array *array = array_at(cache, level, hart);
        uint32_t slot = array_find(array, address);
        if (slot == NO_SLOT)
            continue;
        found = true;
        uint64_t line = slot_address(array, slot);
        status = late_drain_range(&operation, line, array->line);
        if (status == NS_OK && cache->inclusive && level > 0)
            status = absorb_upper_copies(&operation, array, slot);
        if (status != NS_OK)
            break;
        if (!ns_line_evict(slot_state(array, slot)).write_back) {
            drop_slot(&operation, array, slot, false);
            continue;
        }
        /* Merged into a level that holds the line, and evicted from there in turn; allocating would be undone. */
        status = write_present(&operation, slot_origin(array, slot), level + 1, line, array->line,
                               slot_data(array, slot), slot_versions(array, slot));
        if (status != NS_OK)
            break;
        array->stats.write_backs++;
        count_eviction(&operation, array);
        array_clear(array, slot);
    }
    if (present)
        *present = found;
    if (hart < cache->config.harts && found) {
        struct ns_cache_result *r = operation.result;
        r->lines_present = 1;
        check_after(cache, address, 1);
    }
    return status;
}

enum ns_status ns_cache_evict_l1(struct ns_cache *cache, unsigned hart, uint64_t address, bool *present,
                                 struct ns_cache_result *result) {
    struct ns_cache_result ignored;
    struct operation operation;
    if (cache->config.levels == 1)
        return ns_cache_evict(cache, hart, address, present, result);
    if (present)
        *present = false;
    if (!begin(&operation, cache, hart, address, NS_CAUSE_EVICTION, result ? result : &ignored))
        return NS_ERROR_ARGUMENT;
    struct line_array *array = &cache->l1[hart];
    uint32_t slot = array_find(array, address);
    operation.result->lines = 1;
    if (slot == NO_SLOT)
        return NS_OK;
    operation.result->lines_present = 1;
    if (present)
        *present = true;
    enum ns_status status = evict_slot(&operation, array, slot);
    check_after(cache, address, 1);
    return status;
}

void ns_cache_set_invalidate_as_flush(struct ns_cache *cache, bool as_flush) {
    cache->config.invalidate_as_flush = as_flush;
}

enum ns_status ns_cache_speculative_store(struct ns_cache *cache, unsigned hart, uint64_t address,
                                          struct ns_cache_result *result) {
    struct ns_cache_result ignored;
    struct operation operation;
    if (!begin(&operation, cache, hart, address, NS_CAUSE_PREFETCH, result ? result : &ignored))
        return NS_ERROR_ARGUMENT;
    struct line_array *array = &cache->l1[hart];
    uint64_t line = line_start(array, address);
    operation.result->lines = 1;
    uint32_t slot = array_find(array, line);
    if (slot == NO_SLOT && array->no_write_allocate)
        return NS_OK; /* such a store would not have filled the line either */
    enum ns_mesi state = slot == NO_SLOT ? NS_MESI_INVALID : slot_mesi(array, slot);
    enum ns_status status = NS_OK;
    if (ns_mesi_step(state, NS_MESI_STORE, false, array->write_through).request == NS_MESI_OWN)
        status = others_before_store(&operation, line);
    if (status == NS_OK && slot == NO_SLOT) {
        status = fill_l1(&operation, line, &slot);
        array->stats.prefetches += status == NS_OK;
    }
    if (status == NS_OK)
        set_slot_mesi(array, slot,
                      ns_mesi_step(slot_mesi(array, slot), NS_MESI_STORE, false, array->write_through).next);
    check_after(cache, address, 1);
    return status;
}

bool miss_register_holds(const struct ns_cache *cache, unsigned hart, uint64_t address) {
    for (unsigned i = 0; cache->registers_used > 0 && i < MISS_REGISTERS; i++) {
        const struct miss_register *pending = &cache->registers[hart * MISS_REGISTERS + i];
        if (pending->used && pending->address == address)
            return true;
    }
    return false;
}

void miss_register_cancel(struct ns_cache *cache, unsigned hart, uint64_t address) {
    if (cache->registers_used == 0)
        return;
    struct miss_register *pending = find_register(cache, hart, address);
    if (pending)
        release(cache, pending);
}

void miss_register_cancel_all_harts(struct ns_cache *cache, uint64_t address, uint32_t length) {
    if (cache->registers_used == 0)
        return;
    for (unsigned i = 0; i < cache->config.harts * MISS_REGISTERS; i++) {
        struct miss_register *pending = &cache->registers[i];
        if (pending->used && pending->address - address < length)
            release(cache, pending);
    }
}

static struct miss_register *find_register(struct ns_cache *cache, unsigned hart, uint64_t address) {
    if (cache->registers_used == 0)
        return NULL;
    for (unsigned i = 0; i < MISS_REGISTERS; i++) {
        struct miss_register *pending = &cache->registers[hart * MISS_REGISTERS + i];
        if (pending->used && pending->address == address)
            return pending;
    }
    return NULL;
}

static struct miss_register *free_register(struct ns_cache *cache, unsigned hart) {
    for (unsigned i = 0; i < MISS_REGISTERS; i++)
        if (!cache->registers[hart * MISS_REGISTERS + i].used)
            return &cache->registers[hart * MISS_REGISTERS + i];
    return NULL;
}

static void release(struct ns_cache *cache, struct miss_register *pending) {
    assert(pending->used);
    pending->used = false;
    cache->registers_used--;
}

/* Reads the line without installing it in L1. In an exclusive hierarchy a copy below stays there till the install. */
static enum ns_status sample(struct operation *operation, uint64_t address, struct miss_register *pending) {
    struct ns_cache *cache = operation->cache;
    uint32_t length = cache->l1[operation->hart].line;
    enum ns_status status = others_before_load(operation, address);
    if (status == NS_OK)
        status = late_drain_range(operation, address, length);
    if (status != NS_OK)
        return status;
    if (!cache->exclusive)
        return fetch(operation, 1, address, length, pending->data, pending->versions);
    for (unsigned level = 1; level < cache->config.levels; level++) {
        struct line_array *array = array_at(cache, level, 0);
        uint32_t slot = array_find(array, address);
        if (slot == NO_SLOT)
            continue;
        need_level(operation, level);
        array_read(array, slot, address, length, pending->data, pending->versions);
        return NS_OK;
    }
    return memory_read(operation, address, length, pending->data, pending->versions);
}

static enum ns_status install_sampled(struct operation *operation, struct miss_register *pending, bool *installed) {
    struct ns_cache *cache = operation->cache;
    struct line_array *array = &cache->l1[operation->hart];
    uint64_t address = pending->address;
    uint32_t slot;
    /* Every store drops the other harts' fills in flight, but in an exclusive hierarchy a line may have moved up dirty
     * into another L1; a second copy beside it would be incoherent. */
    if (array_find(array, address) != NO_SLOT || other_l1_dirty(cache, operation->hart, address))
        return NS_OK;
    enum ns_status status;
    if (cache->exclusive) {
        bool below = false;
        for (unsigned level = 1; level < cache->config.levels; level++)
            below = below || array_find(array_at(cache, level, 0), address) != NO_SLOT;
        if (below) {
            status = fill_l1(operation, address, &slot); /* moves it up, with its state */
            *installed = status == NS_OK;
            array->stats.prefetches += *installed;
            return status;
        }
    } else if (cache->inclusive) {
        /* The levels below may have lost the line since; L1 may not hold what they do not. */
        struct line_buffer current;
        status = NS_OK;
        if (array_find(array_at(cache, 1, 0), address) == NO_SLOT)
            status = fetch(operation, 1, address, array->line, current.data, current.versions);
        if (status != NS_OK)
            return status;
    }
    status = late_drain_range(operation, address, array->line);
    if (status == NS_OK)
        status = install(operation, array, address, NS_LINE_CLEAN, pending->data, pending->versions, &slot);
    *installed = status == NS_OK;
    if (*installed && other_l1_shares(cache, operation->hart, address))
        set_slot_mesi(array, slot, NS_MESI_SHARED);
    array->stats.prefetches += *installed;
    return status;
}
