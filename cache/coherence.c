/* SPDX-License-Identifier: Apache-2.0 */
/* The harts' L1s among themselves, and the port of IO-coherent masters. */
#include "cache/internal.h"

static enum ns_status snoop_read_piece(struct operation *operation, uint64_t address, uint32_t length, uint8_t *data,
                                       ns_version *versions);
static enum ns_status snoop_write_piece(struct operation *operation, uint64_t address, uint32_t length,
                                        const uint8_t *data, const ns_version *versions);

bool other_l1_holds(struct ns_cache *cache, unsigned hart, uint64_t address) {
    for (unsigned other = 0; other < cache->config.harts; other++)
        if (other != hart && array_find(&cache->l1[other], address) != NO_SLOT)
            return true;
    return false;
}

bool other_l1_dirty(struct ns_cache *cache, unsigned hart, uint64_t address) {
    for (unsigned other = 0; other < cache->config.harts; other++) {
        uint32_t slot = other == hart ? NO_SLOT : array_find(&cache->l1[other], address);
        if (slot != NO_SLOT && cache->l1[other].states[slot] == NS_MESI_MODIFIED)
            return true;
    }
    return false;
}

bool other_l1_shares(struct ns_cache *cache, unsigned hart, uint64_t address) {
    for (unsigned other = 0; other < cache->config.harts; other++)
        if (other != hart &&
            (array_find(&cache->l1[other], address) != NO_SLOT || miss_register_holds(cache, other, address)))
            return true;
    return false;
}

/* One other L1 learns of a request. The line it holds goes down first when it is modified; in an exclusive hierarchy it
 * moves down, and nothing of it stays. */
static enum ns_status answer(struct operation *snoop, struct line_array *array, uint32_t slot,
                             enum ns_mesi_event event) {
    struct ns_mesi_effect effect = ns_mesi_step(slot_mesi(array, slot), event, false, false);
    array->stats.snooped++;
    if (effect.write_back) {
        if (snoop->cache->exclusive)
            return evict_slot(snoop, array, slot);
        enum ns_status status = write_below(snoop, slot_origin(array, slot), 1, slot_address(array, slot), array->line,
                                            slot_data(array, slot), slot_versions(array, slot));
        if (status != NS_OK)
            return status;
        array->stats.write_backs++;
    }
    if (effect.next != NS_MESI_INVALID)
        set_slot_mesi(array, slot, effect.next);
    else if (effect.write_back)
        array_clear(array, slot); /* its data has moved down: not a drop */
    else
        drop_slot(snoop, array, slot, false);
    return NS_OK;
}

enum ns_status others_before_load(struct operation *operation, uint64_t address) {
    struct ns_cache *cache = operation->cache;
    struct operation snoop = *operation;
    snoop.cause = NS_CAUSE_SNOOP;
    bool asked = false;
    for (unsigned other = 0; other < cache->config.harts; other++) {
        struct line_array *array = &cache->l1[other];
        uint32_t slot = other == operation->hart ? NO_SLOT : array_find(array, address);
        if (slot == NO_SLOT)
            continue;
        asked = true;
        enum ns_status status = answer(&snoop, array, slot, NS_MESI_OTHER_LOAD);
        if (status != NS_OK)
            return status;
    }
    operation->result->snoops += asked;
    return NS_OK;
}

enum ns_status others_before_store(struct operation *operation, uint64_t address) {
    struct ns_cache *cache = operation->cache;
    struct operation snoop = *operation;
    snoop.cause = NS_CAUSE_SNOOP;
    struct line_array *own = &cache->l1[operation->hart];
    bool upgrade = array_find(own, address) != NO_SLOT, asked = upgrade;
    for (unsigned other = 0; other < cache->config.harts; other++) {
        if (other == operation->hart)
            continue;
        struct line_array *array = &cache->l1[other];
        uint32_t slot = array_find(array, address);
        if (slot != NO_SLOT) {
            asked = true;
            enum ns_status status = answer(&snoop, array, slot, NS_MESI_OTHER_STORE);
            if (status != NS_OK)
                return status;
        }
        miss_register_cancel(cache, other, address);
    }
    own->stats.upgrades += upgrade;
    operation->result->snoops += asked;
    return NS_OK;
}

enum ns_status ns_cache_snoop_read(struct ns_cache *cache, uint64_t address, uint32_t length, uint8_t *data,
                                   ns_version *versions, struct ns_cache_result *result) {
    struct ns_cache_result ignored;
    struct operation operation = {cache, result ? result : &ignored, 0, NS_CAUSE_SNOOP, false};
    *operation.result = (struct ns_cache_result){0};
    if (length < 1 || length > INT32_MAX || !range_is_physical(address, length))
        return NS_ERROR_ARGUMENT;
    uint32_t line = cache->config.level[0].line;
    enum ns_status status = NS_OK;
    for (uint32_t done = 0; done < length && status == NS_OK;) {
        uint32_t piece = lower_of(line - ((uint32_t)(address + done) & (line - 1)), length - done);
        status = snoop_read_piece(&operation, address + done, piece, data + done, versions ? versions + done : NULL);
        done += piece;
    }
    check_after(cache, address, length);
    return status;
}

enum ns_status ns_cache_snoop_write(struct ns_cache *cache, uint64_t address, uint32_t length, const uint8_t *data,
                                    const ns_version *versions, struct ns_cache_result *result) {
    struct ns_cache_result ignored;
    struct operation operation = {cache, result ? result : &ignored, 0, NS_CAUSE_SNOOP, false};
    *operation.result = (struct ns_cache_result){0};
    if (length < 1 || length > INT32_MAX || !range_is_physical(address, length) ||
        (cache->config.provenance && !versions))
        return NS_ERROR_ARGUMENT;
    uint32_t line = cache->config.level[0].line;
    enum ns_status status = NS_OK;
    for (uint32_t done = 0; done < length && status == NS_OK;) {
        uint32_t piece = lower_of(line - ((uint32_t)(address + done) & (line - 1)), length - done);
        status = snoop_write_piece(&operation, address + done, piece, data + done, versions_at(versions, done));
        done += piece;
    }
    check_after(cache, address, length);
    return status;
}

/* A dirty copy is newer than everything below it. A clean one is as old as the copy below it or older, so without a
 * dirty copy the lowest one is the newest. */
static enum ns_status snoop_read_piece(struct operation *operation, uint64_t address, uint32_t length, uint8_t *data,
                                       ns_version *versions) {
    struct ns_cache *cache = operation->cache;
    struct line_array *newest = NULL;
    uint32_t newest_slot = NO_SLOT;
    bool dirty = false;
    operation->result->lines++;
    for (unsigned level = 0; level < cache->config.levels && !dirty; level++) {
        unsigned copies = level == 0 ? cache->config.harts : 1;
        for (unsigned hart = 0; hart < copies && !dirty; hart++) {
            struct line_array *array = array_at(cache, level, hart);
            uint32_t slot = array_find(array, address);
            if (slot == NO_SLOT)
                continue;
            newest = array;
            newest_slot = slot;
            dirty = slot_state(array, slot) == NS_LINE_DIRTY;
            array->stats.snooped += level == 0;
        }
    }
    if (!newest)
        return memory_read(operation, address, length, data, versions);
    operation->result->lines_present++;
    need_level(operation, newest->level);
    array_read(newest, newest_slot, address, length, data, versions);
    return NS_OK;
}

static enum ns_status snoop_write_piece(struct operation *operation, uint64_t address, uint32_t length,
                                        const uint8_t *data, const ns_version *versions) {
    struct ns_cache *cache = operation->cache;
    unsigned last = cache->config.levels - 1;
    bool present = false;
    operation->result->lines++;
    for (unsigned level = 0; level < (last > 0 ? last : 1); level++) {
        unsigned copies = level == 0 ? cache->config.harts : 1;
        for (unsigned hart = 0; hart < copies; hart++) {
            struct line_array *array = array_at(cache, level, hart);
            uint32_t slot = array_find(array, address);
            if (slot == NO_SLOT)
                continue;
            present = true;
            if (cache->inclusive && level > 0) {
                /* The level's line may be bigger than the L1 line that was merged already. */
                enum ns_status status = absorb_upper_copies(operation, array, slot);
                if (status != NS_OK)
                    return status;
            }
            array->stats.snooped += level == 0;
            if (slot_state(array, slot) != NS_LINE_DIRTY) {
                drop_slot(operation, array, slot, false);
                continue;
            }
            uint64_t start = slot_address(array, slot);
            bool held_between = false; /* an older copy above the last level must not end up on top of this one */
            for (unsigned below = level + 1; below < last; below++)
                held_between = held_between || array_find(array_at(cache, below, 0), start) != NO_SLOT;
            enum ns_status status = (held_between ? write_present : write_below)(
                operation, slot_origin(array, slot),
                held_between ? level + 1
                : last > 0   ? last
                             : 1,
                start, array->line, slot_data(array, slot), slot_versions(array, slot));
            if (status != NS_OK)
                return status;
            array->stats.write_backs++;
            array_clear(array, slot);
        }
    }
    miss_register_cancel_all_harts(cache, line_start(&cache->l1[0], address), cache->l1[0].line);
    if (last > 0)
        present = present || array_find(array_at(cache, last, 0), address) != NO_SLOT;
    operation->result->lines_present += present;
    return write_below(operation, (struct origin){.level = last}, last > 0 ? last : 1, address, length, data, versions);
}
