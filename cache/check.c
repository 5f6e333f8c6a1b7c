/* SPDX-License-Identifier: Apache-2.0 */
/* The invariants of the whole structure. */
#include "cache/internal.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

struct complaint {
    char *text;
    size_t size;
};

static bool fails(const struct complaint *complaint, const char *format, ...) __attribute__((format(printf, 2, 3)));
static bool set_is_sound(const struct ns_cache *cache, const struct line_array *array, uint32_t set,
                         const struct complaint *complaint);
static bool line_is_sound(const struct ns_cache *cache, const struct line_array *array, uint32_t slot,
                          const struct complaint *complaint);
static bool queues_are_sound(const struct ns_cache *cache, const struct complaint *complaint);
static bool registers_are_sound(const struct ns_cache *cache, const struct complaint *complaint);

static const struct line_array *array_of(const struct ns_cache *cache, unsigned level, unsigned hart) {
    return level == 0 ? &cache->l1[hart] : &cache->shared[level - 1];
}

enum ns_status ns_cache_check(const struct ns_cache *cache, char *reason, size_t reason_size) {
    struct complaint complaint = {reason, reason_size};
    for (unsigned level = 0; level < cache->config.levels; level++) {
        unsigned copies = level == 0 ? cache->config.harts : 1;
        for (unsigned hart = 0; hart < copies; hart++) {
            const struct line_array *array = array_of(cache, level, hart);
            for (uint32_t set = 0; set < array->sets; set++)
                if (!set_is_sound(cache, array, set, &complaint))
                    return NS_ERROR_MISUSE;
        }
    }
    if (!queues_are_sound(cache, &complaint) || !registers_are_sound(cache, &complaint))
        return NS_ERROR_MISUSE;
    return NS_OK;
}

#ifndef NDEBUG
void check_after(struct ns_cache *cache, uint64_t address, uint64_t length) {
    enum { CHECKED_LINES = 8 };
    char reason[200] = "";
    struct complaint complaint = {reason, sizeof reason};
    bool sound = true;
    if (cache->total_lines <= NS_CACHE_CHECK_LINES) {
        sound = ns_cache_check(cache, reason, sizeof reason) == NS_OK;
    } else {
        for (unsigned i = 0; i < CHECKED_LINES && i * UINT64_C(16) <= length; i++) {
            uint64_t at = address + length / CHECKED_LINES * i;
            for (unsigned level = 0; level < cache->config.levels; level++) {
                unsigned copies = level == 0 ? cache->config.harts : 1;
                for (unsigned hart = 0; hart < copies && sound; hart++) {
                    const struct line_array *array = array_of(cache, level, hart);
                    sound = set_is_sound(cache, array, set_of(array, at), &complaint);
                }
            }
        }
        sound = sound && queues_are_sound(cache, &complaint) && registers_are_sound(cache, &complaint);
    }
    if (!sound)
        fprintf(stderr, "cache invariant broken: %s\n", reason);
    assert(sound);
}
#endif

/* Writes the sentence; always false, so that a caller can return it. */
static bool fails(const struct complaint *complaint, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(complaint->text, complaint->size, format, arguments);
    va_end(arguments);
    return false;
}

static bool set_is_sound(const struct ns_cache *cache, const struct line_array *array, uint32_t set,
                         const struct complaint *complaint) {
    uint32_t first = set * array->ways;
    unsigned number = array->level + 1;
    if (array->recent[set] >= array->ways)
        return fails(complaint, "L%u set %" PRIu32 ": the recent way %u does not exist", number, set,
                     array->recent[set]);
    if (array->trees &&
        ((array->trees[set] & 1) != 0 || (array->ways < NS_CACHE_MAX_WAYS && array->trees[set] >> array->ways != 0)))
        return fails(complaint, "L%u set %" PRIu32 ": the replacement tree has bits outside its nodes", number, set);
    for (uint32_t way = 0; way < array->ways; way++) {
        uint32_t slot = first + way;
        uint64_t tag = array->tags[slot];
        if ((tag == NO_TAG) != (array->states[slot] == NS_MESI_INVALID) || array->states[slot] > NS_MESI_MODIFIED ||
            (array->level > 0 && array->states[slot] == NS_MESI_SHARED))
            return fails(complaint, "L%u set %" PRIu32 " way %" PRIu32 ": tag and state contradict each other", number,
                         set, way);
        if (tag == NO_TAG)
            continue;
        if (set_of(array, tag << array->line_shift) != set)
            return fails(complaint, "L%u set %" PRIu32 " way %" PRIu32 ": line 0x%" PRIx64 " belongs to another set",
                         number, set, way, slot_address(array, slot));
        if (array->stamps && array->stamps[slot] > array->clock)
            return fails(complaint, "L%u set %" PRIu32 " way %" PRIu32 ": touched in the future", number, set, way);
        for (uint32_t other = 0; other < way; other++) {
            if (array->tags[first + other] == tag)
                return fails(complaint, "L%u holds line 0x%" PRIx64 " twice", number, slot_address(array, slot));
            if (array->stamps && array->tags[first + other] != NO_TAG &&
                array->stamps[first + other] == array->stamps[slot])
                return fails(complaint, "L%u set %" PRIu32 ": two ways have the same age", number, set);
        }
        if (!line_is_sound(cache, array, slot, complaint))
            return false;
    }
    return true;
}

/* One line against the other arrays. */
static bool line_is_sound(const struct ns_cache *cache, const struct line_array *array, uint32_t slot,
                          const struct complaint *complaint) {
    uint64_t address = slot_address(array, slot);
    unsigned number = array->level + 1;
    if (array->level == 0 && array->states[slot] >= NS_MESI_EXCLUSIVE)
        for (unsigned hart = 0; hart < cache->config.harts; hart++) {
            if (hart == array->hart)
                continue;
            if (array_find(&cache->l1[hart], address) != NO_SLOT)
                return fails(complaint, "line 0x%" PRIx64 " is %s in the L1 of hart %u and present in that of hart %u",
                             address, ns_mesi_name(slot_mesi(array, slot)), array->hart, hart);
            if (miss_register_holds(cache, hart, address))
                return fails(complaint, "line 0x%" PRIx64 " is %s in the L1 of hart %u and in flight to hart %u",
                             address, ns_mesi_name(slot_mesi(array, slot)), array->hart, hart);
        }
    if (array->level == 0 && array->write_through && !cache->exclusive && array->states[slot] == NS_MESI_MODIFIED)
        return fails(complaint, "line 0x%" PRIx64 " is modified in a write-through L1", address);
    if (cache->inclusive && number < cache->config.levels && array_find(array_of(cache, number, 0), address) == NO_SLOT)
        return fails(complaint, "line 0x%" PRIx64 " is in L%u but not in L%u, which is inclusive", address, number,
                     number + 1);
    if (cache->exclusive)
        for (unsigned below = number; below < cache->config.levels; below++)
            if (array_find(array_of(cache, below, 0), address) != NO_SLOT)
                return fails(complaint, "line 0x%" PRIx64 " is in L%u and in L%u, which is exclusive", address, number,
                             below + 1);
    return true;
}

static bool queues_are_sound(const struct ns_cache *cache, const struct complaint *complaint) {
    uint32_t total = 0;
    for (unsigned hart = 0; hart < cache->config.harts; hart++) {
        const struct late_queue *queue = &cache->late[hart];
        total += queue->count;
        if (queue->count > cache->config.late_write_backs)
            return fails(complaint, "hart %u has %" PRIu32 " late write-backs, more than its queue holds", hart,
                         queue->count);
        for (uint32_t place = 0; place < queue->count; place++) {
            const struct late_entry *entry = &queue->entries[queue->order[place]];
            if (entry->length < 1 || entry->length > NS_LINE_MAX)
                return fails(complaint, "hart %u has a late write-back of %" PRIu32 " bytes", hart, entry->length);
        }
    }
    if (total != cache->late_total)
        return fails(complaint, "the queues hold %" PRIu32 " late write-backs, %" PRIu32 " are counted", total,
                     cache->late_total);
    return true;
}

static bool registers_are_sound(const struct ns_cache *cache, const struct complaint *complaint) {
    if (!cache->registers)
        return true;
    uint32_t used = 0;
    for (unsigned i = 0; i < cache->config.harts * MISS_REGISTERS; i++) {
        const struct miss_register *pending = &cache->registers[i];
        unsigned hart = i / MISS_REGISTERS;
        if (!pending->used)
            continue;
        used++;
        if (array_find(&cache->l1[hart], pending->address) != NO_SLOT)
            return fails(complaint, "line 0x%" PRIx64 " is in flight to the L1 of hart %u and already there",
                         pending->address, hart);
    }
    if (used != cache->registers_used)
        return fails(complaint, "%" PRIu32 " fills are in flight, %" PRIu32 " are counted", used,
                     cache->registers_used);
    return true;
}
