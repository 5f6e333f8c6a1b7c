/* SPDX-License-Identifier: Apache-2.0 */
/* Lines moving between levels and memory. */
#include "cache/internal.h"

static enum ns_status make_room(struct operation *operation, struct line_array *array, uint64_t address,
                                uint32_t *slot);
static enum ns_status push_exclusive(struct operation *operation, struct origin origin, unsigned level,
                                     uint64_t address, enum ns_line_state state, const uint8_t *data,
                                     const ns_version *versions);
static struct ns_cache_line_event event_of_slot(const struct operation *operation, const struct line_array *array,
                                                uint32_t slot, uint64_t address);

enum ns_status memory_read(struct operation *operation, uint64_t address, uint32_t length, uint8_t *data,
                           ns_version *versions) {
    struct ns_cache *cache = operation->cache;
    enum ns_status status = late_drain_range(operation, address, length);
    if (status != NS_OK)
        return status;
    need_level(operation, cache->config.levels);
    operation->result->memory_reads++;
    return cache->backing.read(cache->backing.context, address, length, data,
                               cache->config.provenance ? versions : NULL);
}

enum ns_status memory_write(struct operation *operation, struct origin origin, uint64_t address, uint32_t length,
                            const uint8_t *data, const ns_version *versions) {
    enum ns_status status = late_drain_range(operation, address, length);
    if (status != NS_OK)
        return status;
    if (operation->late)
        return late_push(operation, origin, address, length, data, versions);
    return memory_write_now(operation, origin, address, length, data, versions);
}

enum ns_status memory_write_now(struct operation *operation, struct origin origin, uint64_t address, uint32_t length,
                                const uint8_t *data, const ns_version *versions) {
    struct ns_cache *cache = operation->cache;
    if (!cache->config.provenance)
        versions = NULL;
    if (cache->observer.write_back) {
        struct ns_cache_line_event event = {origin.level, operation->hart, address,    length,    operation->cause,
                                            data,         versions,        origin.set, origin.way};
        cache->observer.write_back(cache->observer.context, &event);
    }
    operation->result->memory_writes++;
    return cache->backing.write(cache->backing.context, address, length, data, versions);
}

enum ns_status install(struct operation *operation, struct line_array *array, uint64_t address,
                       enum ns_line_state state, const uint8_t *data, const ns_version *versions, uint32_t *slot) {
    enum ns_status status = make_room(operation, array, address, slot);
    if (status != NS_OK)
        return status;
    array_place(array, *slot, address, state, data, versions);
    array->stats.fills++;
    struct ns_cache *cache = operation->cache;
    array->fill_events[*slot] = 0;
    if (cache->observer.fill) {
        struct ns_cache_line_event event = event_of_slot(operation, array, *slot, address);
        array->fill_events[*slot] = cache->observer.fill(cache->observer.context, &event);
    }
    return NS_OK;
}

void drop_slot(struct operation *operation, struct line_array *array, uint32_t slot, bool dirty) {
    struct ns_cache *cache = operation->cache;
    struct ns_cache_line_event event = event_of_slot(operation, array, slot, slot_address(array, slot));
    array_clear(array, slot);
    count_eviction(operation, array);
    if (dirty)
        array->stats.discards++;
    if (cache->observer.drop)
        cache->observer.drop(cache->observer.context, &event, dirty);
}

enum ns_status fetch(struct operation *operation, unsigned level, uint64_t address, uint32_t length, uint8_t *data,
                     ns_version *versions) {
    struct ns_cache *cache = operation->cache;
    if (level == cache->config.levels)
        return memory_read(operation, address, length, data, versions);
    struct line_array *array = array_at(cache, level, 0);
    need_level(operation, level);
    uint32_t slot = array_find(array, address);
    if (slot != NO_SLOT) {
        array->stats.load_hits++;
        replacement_touch(array, slot);
    } else {
        array->stats.load_misses++;
        struct line_buffer line;
        uint64_t start = line_start(array, address);
        enum ns_status status = fetch(operation, level + 1, start, array->line, line.data, line.versions);
        if (status == NS_OK)
            status = install(operation, array, start, NS_LINE_CLEAN, line.data, line.versions, &slot);
        if (status != NS_OK)
            return status;
    }
    array_read(array, slot, address, length, data, versions);
    return NS_OK;
}

/* Exclusive: a hit below leaves its level and moves up with its state. */
static enum ns_status fill_l1_exclusive(struct operation *operation, uint64_t address, uint32_t *slot) {
    struct ns_cache *cache = operation->cache;
    struct line_array *array = &cache->l1[operation->hart];
    struct line_buffer line;
    enum ns_line_state state = NS_LINE_CLEAN;
    struct line_array *from = NULL;
    uint32_t from_slot = NO_SLOT, fill_event = 0;
    for (unsigned level = 1; level < cache->config.levels && from_slot == NO_SLOT; level++) {
        from = array_at(cache, level, 0);
        need_level(operation, level);
        from_slot = array_find(from, address);
        if (from_slot == NO_SLOT)
            from->stats.load_misses++;
    }
    if (from_slot != NO_SLOT) {
        from->stats.load_hits++;
        array_read(from, from_slot, address, from->line, line.data, line.versions);
        state = slot_state(from, from_slot);
        fill_event = from->fill_events[from_slot];
        array_clear(from, from_slot); /* first, so that L1's victim may take the place */
    } else {
        enum ns_status status = memory_read(operation, address, array->line, line.data, line.versions);
        if (status != NS_OK)
            return status;
    }
    enum ns_status status = install(operation, array, address, state, line.data, line.versions, slot);
    if (status == NS_OK && fill_event != 0)
        array->fill_events[*slot] = fill_event; /* the copy is as old as before */
    if (status != NS_OK && from_slot != NO_SLOT) {
        /* Making room failed at the write to memory, which comes before any line moves: the place is still free. */
        assert(from->tags[from_slot] == NO_TAG);
        from->tags[from_slot] = address >> from->line_shift;
        set_slot_mesi(from, from_slot, state == NS_LINE_DIRTY ? NS_MESI_MODIFIED : NS_MESI_EXCLUSIVE);
    }
    return status;
}

enum ns_status fill_l1(struct operation *operation, uint64_t address, uint32_t *slot) {
    struct ns_cache *cache = operation->cache;
    struct line_array *array = &cache->l1[operation->hart];
    enum ns_status status = others_before_load(operation, address);
    if (status == NS_OK)
        status = late_drain_range(operation, address, array->line);
    if (status != NS_OK)
        return status;
    if (cache->exclusive) {
        status = fill_l1_exclusive(operation, address, slot);
    } else {
        struct line_buffer line;
        status = fetch(operation, 1, address, array->line, line.data, line.versions);
        if (status == NS_OK)
            status = install(operation, array, address, NS_LINE_CLEAN, line.data, line.versions, slot);
    }
    if (status != NS_OK)
        return status;
    miss_register_cancel(cache, operation->hart, address);
    if (slot_state(array, *slot) == NS_LINE_DIRTY) {
        /* An exclusive hierarchy: the line has moved up as it was. What others have sampled is not theirs any more. */
        for (unsigned other = 0; other < cache->config.harts; other++)
            miss_register_cancel(cache, other, address);
        return NS_OK;
    }
    if (other_l1_shares(cache, operation->hart, address)) /* without others it is exclusive already */
        set_slot_mesi(array, *slot, ns_mesi_step(NS_MESI_INVALID, NS_MESI_LOAD, true, false).next);
    return NS_OK;
}

enum ns_status write_below(struct operation *operation, struct origin origin, unsigned level, uint64_t address,
                           uint32_t length, const uint8_t *data, const ns_version *versions) {
    struct ns_cache *cache = operation->cache;
    if (level == cache->config.levels)
        return memory_write(operation, origin, address, length, data, versions);
    struct line_array *array = array_at(cache, level, 0);
    bool last = level + 1 == cache->config.levels;
    uint32_t slot = array_find(array, address);
    bool allocated = slot == NO_SLOT;
    if (slot != NO_SLOT) {
        array->stats.store_hits++;
        replacement_touch(array, slot);
    } else {
        array->stats.store_misses++;
        /* Shared levels of an exclusive hierarchy take victims, not stores; only an IO-coherent write goes there. */
        if (array->no_write_allocate || (cache->exclusive && operation->cause != NS_CAUSE_SNOOP))
            return write_below(operation, origin, level + 1, address, length, data, versions);
        struct line_buffer line;
        uint64_t start = line_start(array, address);
        enum ns_status status = NS_OK;
        /* A whole line needs nothing from below, unless the level below must hold it too. */
        bool whole = length == array->line && (last || !cache->inclusive);
        if (!whole)
            status = fetch(operation, level + 1, start, array->line, line.data, line.versions);
        if (status == NS_OK)
            status = install(operation, array, start, NS_LINE_CLEAN, whole ? data : line.data,
                             whole ? versions : line.versions, &slot);
        if (status != NS_OK)
            return status;
    }
    struct ns_line_effect effect = ns_line_store(slot_state(array, slot), array->write_through);
    if (array->write_through) {
        enum ns_status status = write_below(operation, origin, level + 1, address, length, data, versions);
        if (status != NS_OK) {
            if (allocated) /* the bytes are still above only, and so must the line be */
                drop_slot(operation, array, slot, false);
            return status;
        }
    }
    array_write(array, slot, address, length, data, versions);
    set_slot_state(array, slot, effect.next);
    return NS_OK;
}

enum ns_status write_present(struct operation *operation, struct origin origin, unsigned level, uint64_t address,
                             uint32_t length, const uint8_t *data, const ns_version *versions) {
    struct ns_cache *cache = operation->cache;
    for (; level < cache->config.levels; level++) {
        struct line_array *array = array_at(cache, level, 0);
        uint32_t slot = array_find(array, address);
        if (slot == NO_SLOT)
            continue;
        struct ns_line_effect effect = ns_line_store(slot_state(array, slot), array->write_through);
        if (array->write_through) {
            enum ns_status status = write_present(operation, origin, level + 1, address, length, data, versions);
            if (status != NS_OK)
                return status;
        }
        array_write(array, slot, address, length, data, versions);
        set_slot_state(array, slot, effect.next);
        return NS_OK;
    }
    return memory_write(operation, origin, address, length, data, versions);
}

enum ns_status absorb_upper_copies(struct operation *operation, struct line_array *array, uint32_t slot) {
    struct ns_cache *cache = operation->cache;
    uint64_t start = slot_address(array, slot);
    for (unsigned level = 0; level < array->level; level++) {
        unsigned copies = level == 0 ? cache->config.harts : 1;
        for (unsigned hart = 0; hart < copies; hart++) {
            struct line_array *upper = array_at(cache, level, hart);
            for (uint32_t offset = 0; offset < array->line; offset += upper->line) {
                uint32_t found = array_find(upper, start + offset);
                if (found == NO_SLOT)
                    continue;
                if (!ns_line_evict(slot_state(upper, found)).write_back) {
                    drop_slot(operation, upper, found, false);
                    continue;
                }
                enum ns_status status =
                    write_present(operation, slot_origin(upper, found), level + 1, start + offset, upper->line,
                                  slot_data(upper, found), slot_versions(upper, found));
                if (status != NS_OK)
                    return status;
                upper->stats.write_backs++;
                count_eviction(operation, upper);
                array_clear(upper, found);
            }
        }
    }
    return NS_OK;
}

enum ns_status evict_slot(struct operation *operation, struct line_array *array, uint32_t slot) {
    struct ns_cache *cache = operation->cache;
    uint64_t address = slot_address(array, slot);
    enum ns_status status = late_drain_range(operation, address, array->line);
    if (status == NS_OK && cache->inclusive && array->level > 0)
        status = absorb_upper_copies(operation, array, slot);
    if (status != NS_OK)
        return status;
    enum ns_line_state state = slot_state(array, slot);
    struct ns_line_effect effect = ns_line_evict(state);
    struct origin origin = slot_origin(array, slot);
    const uint8_t *data = slot_data(array, slot);
    const ns_version *versions = slot_versions(array, slot);
    bool last = array->level + 1 == cache->config.levels;
    /* While another L1 still holds the line it must not lie below as well. */
    bool moves = cache->exclusive && !last &&
                 (array->level > 0 || effect.write_back || !other_l1_holds(cache, array->hart, address));
    if (moves)
        status = push_exclusive(operation, origin, array->level + 1, address, state, data, versions);
    else if (effect.write_back)
        status = write_below(operation, origin, array->level + 1, address, array->line, data, versions);
    else {
        drop_slot(operation, array, slot, false);
        return NS_OK;
    }
    if (status != NS_OK)
        return status;
    if (effect.write_back)
        array->stats.write_backs++;
    count_eviction(operation, array);
    array_clear(array, slot);
    return NS_OK;
}

/* A line, clean or dirty, arrives from the level above, which holds it alone. */
static enum ns_status push_exclusive(struct operation *operation, struct origin origin, unsigned level,
                                     uint64_t address, enum ns_line_state state, const uint8_t *data,
                                     const ns_version *versions) {
    struct line_array *array = array_at(operation->cache, level, 0);
    assert(array_find(array, address) == NO_SLOT);
    if (state == NS_LINE_DIRTY && array->write_through) {
        enum ns_status status = memory_write(operation, origin, address, array->line, data, versions);
        if (status != NS_OK)
            return status;
        state = NS_LINE_CLEAN;
    }
    uint32_t slot;
    return install(operation, array, address, state, data, versions, &slot);
}

static enum ns_status make_room(struct operation *operation, struct line_array *array, uint64_t address,
                                uint32_t *slot) {
    *slot = replacement_victim(array, address);
    if (array->tags[*slot] == NO_TAG)
        return NS_OK;
    struct operation eviction = *operation;
    eviction.cause = NS_CAUSE_EVICTION;
    eviction.late = false; /* only the write-backs of clean and flush wait */
    return evict_slot(&eviction, array, *slot);
}

static struct ns_cache_line_event event_of_slot(const struct operation *operation, const struct line_array *array,
                                                uint32_t slot, uint64_t address) {
    struct origin origin = slot_origin(array, slot);
    return (struct ns_cache_line_event){
        .level = array->level,
        .hart = array->level == 0 ? array->hart : operation->hart,
        .address = address,
        .length = array->line,
        .cause = operation->cause,
        .data = slot_data(array, slot),
        .versions = slot_versions(array, slot),
        .set = origin.set,
        .way = origin.way,
    };
}
