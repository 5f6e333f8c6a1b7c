/* SPDX-License-Identifier: Apache-2.0 */
/* Loads and stores of a hart. */
#include "cache/internal.h"

static enum ns_status load_piece(struct operation *operation, uint64_t address, uint32_t length, uint8_t *data,
                                 ns_version *versions);
static enum ns_status store_piece(struct operation *operation, uint64_t address, uint32_t length, const uint8_t *data,
                                  const ns_version *versions);

/* The slot that was touched last in the set, if it holds the whole access; NO_SLOT sends the caller the long way.
 * Touching it again would change no replacement state, so a hit here has nothing to update but the count. */
static inline uint32_t recent_slot(const struct line_array *array, uint64_t address, uint32_t length) {
    uint32_t set = set_of(array, address);
    uint32_t slot = set * array->ways + array->recent[set];
    uint32_t room = array->line - ((uint32_t)address & (array->line - 1));
    return array->tags[slot] == address >> array->line_shift && length - 1 < room ? slot : NO_SLOT;
}

/* The usual access is one register: then a fixed-size copy, which is a move, and not a call. Other lengths: false. */
static inline bool copy_register(void *to, const void *from, uint32_t length) {
    switch (length) {
    case 1:
        memcpy(to, from, 1);
        return true;
    case 2:
        memcpy(to, from, 2);
        return true;
    case 4:
        memcpy(to, from, 4);
        return true;
    case 8:
        memcpy(to, from, 8);
        return true;
    default:
        return false;
    }
}

static inline void copy_bytes(void *to, const void *from, uint32_t length) {
    if (!copy_register(to, from, length))
        memcpy(to, from, length);
}

static inline void copy_versions(ns_version *to, const ns_version *from, uint32_t length) {
    if (length == 8)
        memcpy(to, from, 8 * sizeof *to);
    else
        memcpy(to, from, length * sizeof *to);
}

enum ns_status ns_cache_load(struct ns_cache *cache, unsigned hart, uint64_t address, uint32_t length, uint8_t *data,
                             ns_version *versions, struct ns_cache_result *result) {
    if (hart >= cache->config.harts)
        return NS_ERROR_ARGUMENT;
    struct line_array *array = &cache->l1[hart];
    uint32_t slot = recent_slot(array, address, length);
    if (slot != NO_SLOT) {
        uint32_t offset = (uint32_t)address & (array->line - 1);
        copy_bytes(data, slot_data(array, slot) + offset, length);
        if (array->versions && versions)
            copy_versions(versions, slot_versions(array, slot) + offset, length);
        array->stats.load_hits++;
        if (result)
            *result = (struct ns_cache_result){.lines = 1};
        return NS_OK;
    }

    struct ns_cache_result ignored;
    struct operation operation = {cache, result ? result : &ignored, hart, NS_CAUSE_DEMAND, false};
    *operation.result = (struct ns_cache_result){0};
    if (length < 1 || length > INT32_MAX || !range_is_physical(address, length))
        return NS_ERROR_ARGUMENT;
    enum ns_status status = NS_OK;
    for (uint32_t done = 0; done < length && status == NS_OK;) {
        uint32_t room = array->line - ((uint32_t)(address + done) & (array->line - 1));
        uint32_t piece = lower_of(room, length - done);
        status = load_piece(&operation, address + done, piece, data + done, versions ? versions + done : NULL);
        done += piece;
    }
    check_after(cache, address, length);
    return status;
}

/* A function of its own, so that a store that hits saves no registers for it. */
__attribute__((noinline)) static enum ns_status store_pieces(struct ns_cache *cache, unsigned hart, uint64_t address,
                                                             uint32_t length, const uint8_t *data,
                                                             const ns_version *versions,
                                                             struct ns_cache_result *result) {
    struct line_array *array = &cache->l1[hart];
    struct ns_cache_result ignored;
    struct operation operation = {cache, result ? result : &ignored, hart, NS_CAUSE_DEMAND, false};
    *operation.result = (struct ns_cache_result){0};
    if (length < 1 || length > INT32_MAX || !range_is_physical(address, length) || (array->versions && !versions))
        return NS_ERROR_ARGUMENT;
    enum ns_status status = NS_OK;
    for (uint32_t done = 0; done < length && status == NS_OK;) {
        uint32_t room = array->line - ((uint32_t)(address + done) & (array->line - 1));
        uint32_t piece = lower_of(room, length - done);
        status = store_piece(&operation, address + done, piece, data + done, versions_at(versions, done));
        done += piece;
    }
    check_after(cache, address, length);
    return status;
}

enum ns_status ns_cache_store(struct ns_cache *cache, unsigned hart, uint64_t address, uint32_t length,
                              const uint8_t *data, const ns_version *versions, struct ns_cache_result *result) {
    if (hart >= cache->config.harts)
        return NS_ERROR_ARGUMENT;
    struct line_array *array = &cache->l1[hart];
    uint32_t slot = recent_slot(array, address, length);
    /* A store to a modified or exclusive copy asks nobody. */
    if (slot != NO_SLOT && array->direct_stores && array->states[slot] >= NS_MESI_EXCLUSIVE &&
        (!array->versions || versions)) {
        uint32_t offset = (uint32_t)address & (array->line - 1);
        copy_bytes(slot_data(array, slot) + offset, data, length);
        if (array->versions)
            copy_versions(slot_versions(array, slot) + offset, versions, length);
        array->states[slot] = NS_MESI_MODIFIED;
        array->stats.store_hits++;
        if (result)
            *result = (struct ns_cache_result){.lines = 1};
        return NS_OK;
    }

    return store_pieces(cache, hart, address, length, data, versions, result);
}

/* The slot of an access that this cache serves alone, counted and touched; NO_SLOT, and nothing has happened. */
static inline uint32_t serve_alone(struct line_array *array, uint64_t address, uint32_t length, bool store) {
    uint32_t slot = recent_slot(array, address, length);
    const bool recent = slot != NO_SLOT;
    if (!recent) {
        uint32_t room = array->line - ((uint32_t)address & (array->line - 1));
        slot = length - 1 < room ? array_find(array, address) : NO_SLOT;
        if (slot == NO_SLOT)
            return NO_SLOT;
    }
    if (store && (!array->direct_stores || array->states[slot] < NS_MESI_EXCLUSIVE))
        return NO_SLOT;
    if (!recent)
        replacement_touch(array, slot);
    if (store) {
        array->states[slot] = NS_MESI_MODIFIED;
        array->stats.store_hits++;
    } else {
        array->stats.load_hits++;
    }
    return slot;
}

bool ns_cache_hit(struct ns_cache *cache, unsigned hart, uint64_t address, uint32_t length, bool store) {
    return serve_alone(&cache->l1[hart], address, length, store) != NO_SLOT;
}

/* Any access that L1 serves alone. Functions of their own, so that the usual one saves no registers for them. */
__attribute__((noinline)) static bool load_alone(struct line_array *array, uint64_t address, uint32_t length,
                                                 uint8_t *data, ns_version *versions) {
    uint32_t slot = serve_alone(array, address, length, false);
    if (slot == NO_SLOT)
        return false;
    array_read(array, slot, address, length, data, versions);
    return true;
}

__attribute__((noinline)) static bool store_alone(struct line_array *array, uint64_t address, uint32_t length,
                                                  const uint8_t *data, const ns_version *versions) {
    uint32_t slot = array->versions && !versions ? NO_SLOT : serve_alone(array, address, length, true);
    if (slot == NO_SLOT)
        return false;
    array_write(array, slot, address, length, data, versions);
    return true;
}

/* The usual access, without a call: one register, to the line that was touched last in its set, no versions. */
bool ns_cache_hit_load(struct ns_cache *cache, unsigned hart, uint64_t address, uint32_t length, uint8_t *data,
                       ns_version *versions) {
    struct line_array *array = &cache->l1[hart];
    uint32_t slot = recent_slot(array, address, length);
    if (slot == NO_SLOT || array->versions ||
        !copy_register(data, slot_data(array, slot) + ((uint32_t)address & (array->line - 1)), length))
        return load_alone(array, address, length, data, versions);
    array->stats.load_hits++;
    return true;
}

bool ns_cache_hit_store(struct ns_cache *cache, unsigned hart, uint64_t address, uint32_t length, const uint8_t *data,
                        const ns_version *versions) {
    struct line_array *array = &cache->l1[hart];
    uint32_t slot = recent_slot(array, address, length);
    if (slot == NO_SLOT || array->versions || !array->direct_stores || array->states[slot] < NS_MESI_EXCLUSIVE ||
        !copy_register(slot_data(array, slot) + ((uint32_t)address & (array->line - 1)), data, length))
        return store_alone(array, address, length, data, versions);
    array->states[slot] = NS_MESI_MODIFIED;
    array->stats.store_hits++;
    return true;
}

/* The state after a store to a present copy, for which the others are gone. */
static enum ns_mesi stored(const struct line_array *array, uint32_t slot) {
    return ns_mesi_step(slot_mesi(array, slot), NS_MESI_STORE, false, array->write_through).next;
}

static enum ns_status load_piece(struct operation *operation, uint64_t address, uint32_t length, uint8_t *data,
                                 ns_version *versions) {
    struct line_array *array = &operation->cache->l1[operation->hart];
    operation->result->lines++;
    uint32_t slot = array_find(array, address);
    if (slot != NO_SLOT) {
        array->stats.load_hits++;
        replacement_touch(array, slot);
    } else {
        array->stats.load_misses++;
        enum ns_status status = fill_l1(operation, line_start(array, address), &slot);
        if (status != NS_OK)
            return status;
    }
    array_read(array, slot, address, length, data, versions);
    return NS_OK;
}

/* The store misses an L1 that does not allocate for stores. */
static enum ns_status store_around(struct operation *operation, uint64_t address, uint32_t length, const uint8_t *data,
                                   const ns_version *versions) {
    struct ns_cache *cache = operation->cache;
    unsigned level = 1;
    while (level < cache->config.levels && array_find(array_at(cache, level, 0), address) == NO_SLOT)
        level++;
    need_level(operation, level);
    struct operation passing = *operation;
    passing.cause = NS_CAUSE_STORE;
    return write_below(&passing, (struct origin){0}, 1, address, length, data, versions);
}

/* A store that covers the line needs nothing from below (Dinero IV, too, reads no memory for it). */
static enum ns_status fill_with_store(struct operation *operation, uint64_t line, const uint8_t *data,
                                      const ns_version *versions, uint32_t *slot) {
    struct ns_cache *cache = operation->cache;
    struct line_array *array = &cache->l1[operation->hart];
    enum ns_status status = late_drain_range(operation, line, array->line);
    if (status == NS_OK)
        status = install(operation, array, line, NS_LINE_CLEAN, data, versions, slot);
    if (status == NS_OK)
        miss_register_cancel(cache, operation->hart, line);
    return status;
}

static enum ns_status store_piece(struct operation *operation, uint64_t address, uint32_t length, const uint8_t *data,
                                  const ns_version *versions) {
    struct ns_cache *cache = operation->cache;
    struct line_array *array = &cache->l1[operation->hart];
    uint64_t line = line_start(array, address);
    operation->result->lines++;
    uint32_t slot = array_find(array, address);
    enum ns_mesi state = slot == NO_SLOT ? NS_MESI_INVALID : slot_mesi(array, slot);
    enum ns_status status = NS_OK;
    bool stored_whole = false; /* installed without a read */
    if (ns_mesi_step(state, NS_MESI_STORE, false, array->write_through).request == NS_MESI_OWN)
        status = others_before_store(operation, line);
    if (status != NS_OK)
        return status;
    if (slot != NO_SLOT) {
        array->stats.store_hits++;
        replacement_touch(array, slot);
    } else {
        array->stats.store_misses++;
        if (array->no_write_allocate) {
            miss_register_cancel(cache, operation->hart, line);
            return store_around(operation, address, length, data, versions);
        }
        stored_whole = length == array->line && !cache->inclusive && !cache->exclusive;
        status =
            stored_whole ? fill_with_store(operation, line, data, versions, &slot) : fill_l1(operation, line, &slot);
        if (status != NS_OK)
            return status;
    }
    if (array->write_through) {
        struct operation passing = *operation;
        passing.cause = NS_CAUSE_STORE;
        status = write_below(&passing, slot_origin(array, slot), 1, address, length, data, versions);
        if (status != NS_OK) {
            if (stored_whole) /* the bytes are still above only, and so must the line be */
                drop_slot(operation, array, slot, false);
            return status;
        }
    }
    array_write(array, slot, address, length, data, versions);
    set_slot_mesi(array, slot, stored(array, slot));
    return NS_OK;
}
