/* SPDX-License-Identifier: Apache-2.0 */
/* Looking at a hierarchy without changing it. */
#include "cache/internal.h"

static const struct line_array *array_of(const struct ns_cache *cache, unsigned level, unsigned hart) {
    return level == 0 ? &cache->l1[hart] : &cache->shared[level - 1];
}

static void describe(const struct line_array *array, uint32_t slot, struct ns_cache_copy *copy) {
    *copy = (struct ns_cache_copy){
        .state = slot_state(array, slot),
        .mesi = slot_mesi(array, slot),
        .line_address = slot_address(array, slot),
        .line_size = array->line,
        .set = slot / array->ways,
        .way = slot % array->ways,
        .fill_event = array->fill_events[slot],
        .data = slot_data(array, slot),
        .versions = slot_versions(array, slot),
    };
}

bool ns_cache_peek(const struct ns_cache *cache, unsigned level, unsigned hart, uint64_t address,
                   struct ns_cache_copy *copy) {
    if (level >= cache->config.levels || (level == 0 && hart >= cache->config.harts))
        return false;
    const struct line_array *array = array_of(cache, level, hart);
    uint32_t slot = array_find(array, address);
    if (slot == NO_SLOT)
        return false;
    if (copy)
        describe(array, slot, copy);
    return true;
}

void ns_cache_for_each(const struct ns_cache *cache,
                       bool (*visit)(void *context, unsigned level, unsigned hart, const struct ns_cache_copy *copy),
                       void *context) {
    for (unsigned level = 0; level < cache->config.levels; level++) {
        unsigned copies = level == 0 ? cache->config.harts : 1;
        for (unsigned hart = 0; hart < copies; hart++) {
            const struct line_array *array = array_of(cache, level, hart);
            for (uint32_t slot = 0; slot < array->sets * array->ways; slot++) {
                if (array->tags[slot] == NO_TAG)
                    continue;
                struct ns_cache_copy copy;
                describe(array, slot, &copy);
                if (!visit(context, level, hart, &copy))
                    return;
            }
        }
    }
}

void ns_cache_get_stats(const struct ns_cache *cache, unsigned level, struct ns_cache_stats *stats) {
    *stats = (struct ns_cache_stats){0};
    if (level >= cache->config.levels)
        return;
    unsigned copies = level == 0 ? cache->config.harts : 1;
    for (unsigned hart = 0; hart < copies; hart++) {
        const struct ns_cache_stats *one = &array_of(cache, level, hart)->stats;
        stats->load_hits += one->load_hits;
        stats->load_misses += one->load_misses;
        stats->store_hits += one->store_hits;
        stats->store_misses += one->store_misses;
        stats->fills += one->fills;
        stats->write_backs += one->write_backs;
        stats->discards += one->discards;
        stats->prefetches += one->prefetches;
        stats->maintenance_lines += one->maintenance_lines;
        stats->upgrades += one->upgrades;
        stats->snooped += one->snooped;
        stats->evictions += one->evictions;
        stats->named_present += one->named_present;
        stats->named_absent += one->named_absent;
    }
}

void ns_cache_get_hart_stats(const struct ns_cache *cache, unsigned hart, struct ns_cache_stats *stats) {
    *stats = hart < cache->config.harts ? cache->l1[hart].stats : (struct ns_cache_stats){0};
}
