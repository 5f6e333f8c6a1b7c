/* SPDX-License-Identifier: Apache-2.0 */
#include "cache/internal.h"
#include "cache/policy.h"

static uint32_t oldest_way(const struct line_array *array, uint32_t set);

void replacement_touch(struct line_array *array, uint32_t slot) {
    uint32_t set = slot / array->ways, way = slot % array->ways;
    array->recent[set] = (uint8_t)way;
    if (array->replacement == NS_REPLACE_LRU)
        array->stamps[slot] = ++array->clock;
    else if (array->replacement == NS_REPLACE_TREE_PLRU)
        array->trees[set] = ns_policy_tree_touch(array->trees[set], array->ways, way);
}

void replacement_filled(struct line_array *array, uint32_t slot) {
    if (array->replacement == NS_REPLACE_FIFO)
        array->stamps[slot] = ++array->clock;
    replacement_touch(array, slot);
}

uint32_t replacement_victim(struct line_array *array, uint64_t address) {
    uint32_t set = set_of(array, address), first = set * array->ways;
    for (uint32_t way = 0; way < array->ways; way++)
        if (array->tags[first + way] == NO_TAG)
            return first + way;
    switch (array->replacement) {
    case NS_REPLACE_LRU:
    case NS_REPLACE_FIFO:
        return first + oldest_way(array, set);
    case NS_REPLACE_TREE_PLRU:
        return first + ns_policy_tree_victim(array->trees[set], array->ways);
    case NS_REPLACE_RANDOM:
        return first + ns_policy_random_victim(&array->random, array->ways);
    }
    assert(!"unknown replacement policy");
    return first;
}

static uint32_t oldest_way(const struct line_array *array, uint32_t set) {
    const uint64_t *stamps = array->stamps + (size_t)set * array->ways;
    uint32_t oldest = 0;
    for (uint32_t way = 1; way < array->ways; way++)
        if (stamps[way] < stamps[oldest])
            oldest = way;
    return oldest;
}
