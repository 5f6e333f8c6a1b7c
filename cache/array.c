/* SPDX-License-Identifier: Apache-2.0 */
#include "cache/internal.h"
#include "cache/policy.h"

#include <stdlib.h>

static uint32_t log2_of(uint32_t value);
static uint32_t frame_shift_of(const struct ns_cache_config *config, unsigned level);

bool array_create(struct line_array *array, const struct ns_cache_config *all, unsigned level, unsigned hart) {
    const struct ns_cache_level_config *config = &all->level[level];
    const bool provenance = all->provenance;
    size_t slots = config->size / config->line;
    *array = (struct line_array){
        .line = config->line,
        .line_shift = log2_of(config->line),
        .ways = config->ways,
        .sets = (uint32_t)slots / config->ways,
        .replacement = config->replacement,
        .write_through = config->write_through,
        .no_write_allocate = config->no_write_allocate,
        .direct_stores = !config->write_through,
        .level = level,
        .hart = hart,
        .random = ns_policy_random_start(all->seed, level * NS_CACHE_MAX_HARTS + hart),
        .frame_shift = frame_shift_of(all, level),
    };
    array->set_mask = array->sets - 1;
    array->tags = malloc(slots * sizeof *array->tags);
    array->states = calloc(slots, sizeof *array->states);
    array->recent = calloc(array->sets, sizeof *array->recent);
    array->data = calloc(slots, config->line);
    array->fill_events = calloc(slots, sizeof *array->fill_events);
    bool ok = array->tags && array->states && array->recent && array->data && array->fill_events;
    if (provenance)
        ok = (array->versions = calloc(slots * config->line, sizeof *array->versions)) && ok;
    if (config->replacement == NS_REPLACE_LRU || config->replacement == NS_REPLACE_FIFO)
        ok = (array->stamps = calloc(slots, sizeof *array->stamps)) && ok;
    if (config->replacement == NS_REPLACE_TREE_PLRU)
        ok = (array->trees = calloc(array->sets, sizeof *array->trees)) && ok;
    if (array->tags)
        for (size_t slot = 0; slot < slots; slot++)
            array->tags[slot] = NO_TAG;
    return ok;
}

uint32_t ns_cache_set(const struct ns_cache_config *config, unsigned level, uint64_t address) {
    const struct ns_cache_level_config *one = &config->level[level];
    return set_in(address, log2_of(one->line), frame_shift_of(config, level), one->size / one->ways / one->line - 1);
}

void array_destroy(struct line_array *array) {
    free(array->tags);
    free(array->states);
    free(array->recent);
    free(array->data);
    free(array->versions);
    free(array->fill_events);
    free(array->stamps);
    free(array->trees);
}

uint32_t array_find(const struct line_array *array, uint64_t address) {
    uint64_t tag = address >> array->line_shift;
    uint32_t first = set_of(array, address) * array->ways;
    for (uint32_t way = 0; way < array->ways; way++)
        if (array->tags[first + way] == tag)
            return first + way;
    return NO_SLOT;
}

void array_read(const struct line_array *array, uint32_t slot, uint64_t address, uint32_t length, uint8_t *data,
                ns_version *versions) {
    uint32_t offset = (uint32_t)address & (array->line - 1);
    assert(length <= array->line - offset);
    memcpy(data, slot_data(array, slot) + offset, length);
    if (array->versions && versions)
        memcpy(versions, slot_versions(array, slot) + offset, length * sizeof *versions);
}

void array_write(struct line_array *array, uint32_t slot, uint64_t address, uint32_t length, const uint8_t *data,
                 const ns_version *versions) {
    uint32_t offset = (uint32_t)address & (array->line - 1);
    assert(length <= array->line - offset);
    memcpy(slot_data(array, slot) + offset, data, length);
    if (array->versions)
        memcpy(slot_versions(array, slot) + offset, versions, length * sizeof *versions);
}

void array_place(struct line_array *array, uint32_t slot, uint64_t address, enum ns_line_state state,
                 const uint8_t *data, const ns_version *versions) {
    assert(array->tags[slot] == NO_TAG && slot / array->ways == set_of(array, address));
    array->tags[slot] = address >> array->line_shift;
    array_write(array, slot, address, array->line, data, versions);
    replacement_filled(array, slot);
    set_slot_mesi(array, slot, state == NS_LINE_DIRTY ? NS_MESI_MODIFIED : NS_MESI_EXCLUSIVE);
}

void array_clear(struct line_array *array, uint32_t slot) {
    const uint64_t address = slot_address(array, slot);
    array->tags[slot] = NO_TAG;
    array->states[slot] = NS_MESI_INVALID;
    if (array->watch)
        tell_watch(array, address);
}

void tell_watch(const struct line_array *array, uint64_t line_address) {
    array->watch->changed(array->watch->context, array->level, array->hart, line_address);
}

static uint32_t log2_of(uint32_t value) {
    uint32_t shift = 0;
    while ((UINT32_C(1) << shift) < value)
        shift++;
    return shift;
}

static uint32_t frame_shift_of(const struct ns_cache_config *config, unsigned level) {
    return config->scattered_frames && level > 0 ? log2_of(FRAME_BYTES) - log2_of(config->level[level].line) : 0;
}
