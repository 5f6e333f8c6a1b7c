/* SPDX-License-Identifier: Apache-2.0 */
/* The state of a small hierarchy as bytes: equal states give equal bytes. */
#include "cache/internal.h"

/* A line is where it is: its place among the ways, the replacement order, the counts, the fill events and the data are
 * no part of the state. (Data follows from versions.) */

static uint8_t *put(uint8_t *to, const void *from, size_t size) {
    memcpy(to, from, size);
    return to + size;
}

static const uint8_t *get(void *to, const uint8_t *from, size_t size) {
    memcpy(to, from, size);
    return from + size;
}

static uint8_t *save_array(const struct line_array *array, uint8_t *to) {
    const uint32_t slots = array->sets * array->ways;
    for (uint32_t slot = 0; slot < slots; slot++) {
        *to++ = (uint8_t)slot_state(array, slot);
        if (array->states[slot] != NS_MESI_INVALID)
            to = put(to, array->versions + ((size_t)slot << array->line_shift), array->line * sizeof(ns_version));
    }
    return to;
}

static const uint8_t *restore_array(struct line_array *array, const uint8_t *from) {
    const uint32_t slots = array->sets * array->ways;
    for (uint32_t slot = 0; slot < slots; slot++) {
        const uint8_t state = *from++;
        array->states[slot] = state == NS_LINE_DIRTY   ? NS_MESI_MODIFIED
                              : state == NS_LINE_CLEAN ? NS_MESI_EXCLUSIVE
                                                       : NS_MESI_INVALID;
        array->tags[slot] = state == NS_LINE_INVALID ? NO_TAG : slot;
        if (state != NS_LINE_INVALID)
            from = get(array->versions + ((size_t)slot << array->line_shift), from, array->line * sizeof(ns_version));
    }
    return from;
}

/* Fills in flight of one hart, by address. */
static uint8_t *save_registers(const struct ns_cache *cache, unsigned hart, uint8_t *to) {
    const uint32_t line = cache->l1[hart].line;
    uint8_t *count = to++;
    *count = 0;
    if (cache->registers_used == 0)
        return to;
    for (uint32_t index = 0; index < cache->l1[hart].sets; index++)
        for (unsigned i = 0; i < MISS_REGISTERS; i++) {
            const struct miss_register *pending = &cache->registers[hart * MISS_REGISTERS + i];
            if (!pending->used || pending->address != (uint64_t)index * line)
                continue;
            (*count)++;
            *to++ = (uint8_t)index;
            to = put(to, pending->versions, line * sizeof(ns_version));
        }
    return to;
}

static const uint8_t *restore_registers(struct ns_cache *cache, unsigned hart, const uint8_t *from) {
    const uint32_t line = cache->l1[hart].line;
    const unsigned count = *from++;
    for (unsigned i = 0; i < MISS_REGISTERS; i++) {
        struct miss_register *pending = &cache->registers[hart * MISS_REGISTERS + i];
        pending->used = i < count;
        if (!pending->used)
            continue;
        cache->registers_used++;
        pending->address = (uint64_t)*from++ * line;
        from = get(pending->versions, from, line * sizeof(ns_version));
    }
    return from;
}

static uint8_t *save_late(const struct ns_cache *cache, unsigned hart, uint8_t *to) {
    const struct late_queue *queue = &cache->late[hart];
    *to++ = (uint8_t)queue->count;
    for (uint32_t place = 0; place < queue->count; place++) {
        const struct late_entry *entry = &queue->entries[queue->order[place]];
        *to++ = (uint8_t)(entry->address / cache->l1[0].line);
        to = put(to, &entry->length, sizeof entry->length);
        to = put(to, entry->versions, entry->length * sizeof(ns_version));
    }
    return to;
}

static const uint8_t *restore_late(struct ns_cache *cache, unsigned hart, const uint8_t *from) {
    struct late_queue *queue = &cache->late[hart];
    queue->count = *from++;
    cache->late_total += queue->count;
    for (uint32_t place = 0; place < cache->config.late_write_backs; place++)
        queue->order[place] = place;
    for (uint32_t place = 0; place < queue->count; place++) {
        struct late_entry *entry = &queue->entries[place];
        entry->address = (uint64_t)*from++ * cache->l1[0].line;
        entry->origin = (struct origin){0};
        from = get(&entry->length, from, sizeof entry->length);
        from = get(entry->versions, from, entry->length * sizeof(ns_version));
    }
    return from;
}

/* Clean copies that are not the only ones. */
static void restore_sharing(struct ns_cache *cache) {
    const uint32_t slots = cache->l1[0].sets;
    for (unsigned hart = 0; cache->config.harts > 1 && hart < cache->config.harts; hart++)
        for (uint32_t slot = 0; slot < slots; slot++)
            if (cache->l1[hart].states[slot] == NS_MESI_EXCLUSIVE &&
                other_l1_shares(cache, hart, (uint64_t)slot << cache->l1[hart].line_shift))
                cache->l1[hart].states[slot] = NS_MESI_SHARED;
}

bool ns_cache_can_save(const struct ns_cache *cache) {
    if (!cache->config.provenance || cache->config.late_write_backs > 255)
        return false;
    for (unsigned level = 0; level < cache->config.levels; level++) {
        const struct line_array *array = level == 0 ? &cache->l1[0] : &cache->shared[level - 1];
        if (array->ways != 1 || array->sets > 255)
            return false;
    }
    return true;
}

size_t ns_cache_save_size(const struct ns_cache *cache) {
    size_t size = 0;
    for (unsigned level = 0; level < cache->config.levels; level++) {
        const struct line_array *array = level == 0 ? &cache->l1[0] : &cache->shared[level - 1];
        const size_t one = (size_t)array->sets * (1 + array->line * sizeof(ns_version));
        size += one * (level == 0 ? cache->config.harts : 1);
    }
    const size_t line = cache->l1[0].line * sizeof(ns_version);
    const size_t last = cache->config.level[cache->config.levels - 1].line * sizeof(ns_version);
    size += cache->config.harts * (1 + cache->l1[0].sets * (1 + line));
    size += cache->config.harts * (1 + (size_t)cache->config.late_write_backs * (5 + last));
    return size;
}

size_t ns_cache_save(const struct ns_cache *cache, uint8_t *state) {
    assert(ns_cache_can_save(cache));
    uint8_t *to = state;
    for (unsigned hart = 0; hart < cache->config.harts; hart++)
        to = save_array(&cache->l1[hart], to);
    for (unsigned level = 1; level < cache->config.levels; level++)
        to = save_array(&cache->shared[level - 1], to);
    for (unsigned hart = 0; cache->config.fill != NS_FILL_ATOMIC && hart < cache->config.harts; hart++)
        to = save_registers(cache, hart, to);
    for (unsigned hart = 0; cache->config.late_write_backs > 0 && hart < cache->config.harts; hart++)
        to = save_late(cache, hart, to);
    return (size_t)(to - state);
}

size_t ns_cache_restore(struct ns_cache *cache, const uint8_t *state) {
    const uint8_t *from = state;
    for (unsigned hart = 0; hart < cache->config.harts; hart++)
        from = restore_array(&cache->l1[hart], from);
    for (unsigned level = 1; level < cache->config.levels; level++)
        from = restore_array(&cache->shared[level - 1], from);
    cache->registers_used = 0;
    for (unsigned hart = 0; cache->config.fill != NS_FILL_ATOMIC && hart < cache->config.harts; hart++)
        from = restore_registers(cache, hart, from);
    restore_sharing(cache);
    cache->late_total = 0;
    for (unsigned hart = 0; cache->config.late_write_backs > 0 && hart < cache->config.harts; hart++)
        from = restore_late(cache, hart, from);
    return (size_t)(from - state);
}
