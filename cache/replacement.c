/* SPDX-License-Identifier: Apache-2.0 */
#include "cache/internal.h"

static uint32_t oldest_way(const struct line_array *array, uint32_t set);
static void tree_point_away(struct line_array *array, uint32_t set, uint32_t way);
static uint32_t tree_way(const struct line_array *array, uint32_t set);
static uint32_t random_way(struct line_array *array);

void replacement_touch(struct line_array *array, uint32_t slot) {
    uint32_t set = slot / array->ways, way = slot % array->ways;
    array->recent[set] = (uint8_t)way;
    if (array->replacement == NS_REPLACE_LRU)
        array->stamps[slot] = ++array->clock;
    else if (array->replacement == NS_REPLACE_TREE_PLRU)
        tree_point_away(array, set, way);
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
        return first + tree_way(array, set);
    case NS_REPLACE_RANDOM:
        return first + random_way(array);
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

/* Every node on the path to `way` points to the other half. */
static void tree_point_away(struct line_array *array, uint32_t set, uint32_t way) {
    uint64_t tree = array->trees[set];
    for (uint32_t node = 1, half = array->ways / 2; half > 0; half /= 2) {
        uint32_t right = (way & half) != 0;
        if (right)
            tree &= ~(UINT64_C(1) << node);
        else
            tree |= UINT64_C(1) << node;
        node = 2 * node + right;
    }
    array->trees[set] = tree;
}

static uint32_t tree_way(const struct line_array *array, uint32_t set) {
    uint32_t node = 1;
    while (node < array->ways)
        node = 2 * node + (uint32_t)((array->trees[set] >> node) & 1);
    return node - array->ways;
}

/* xorshift64* (Vigna, "An experimental exploration of Marsaglia's xorshift generators, scrambled", 2016). */
static uint32_t random_way(struct line_array *array) {
    uint64_t state = array->random;
    state ^= state >> 12;
    state ^= state << 25;
    state ^= state >> 27;
    array->random = state;
    uint64_t high = (state * UINT64_C(0x2545F4914F6CDD1D)) >> 32;
    return (uint32_t)((high * array->ways) >> 32);
}
