/* SPDX-License-Identifier: Apache-2.0 */
#include "cache/internal.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

static bool level_is_valid(const struct ns_cache_config *config, unsigned level, char *reason, size_t reason_size);

enum ns_status ns_cache_config_check(const struct ns_cache_config *config, char *reason, size_t reason_size) {
    if (config->harts < 1 || config->harts > NS_CACHE_MAX_HARTS) {
        snprintf(reason, reason_size, "the number of harts is %u, it must be 1 to %d", config->harts,
                 NS_CACHE_MAX_HARTS);
        return NS_ERROR_ARGUMENT;
    }
    if (config->levels < 1 || config->levels > NS_CACHE_MAX_LEVELS) {
        snprintf(reason, reason_size, "the number of cache levels is %u, it must be 1 to %d", config->levels,
                 NS_CACHE_MAX_LEVELS);
        return NS_ERROR_ARGUMENT;
    }
    for (unsigned level = 0; level < config->levels; level++)
        if (!level_is_valid(config, level, reason, reason_size))
            return NS_ERROR_ARGUMENT;
    if ((unsigned)config->inclusion > NS_INCLUSION_EXCLUSIVE || (unsigned)config->fill > NS_FILL_ESCAPING ||
        (unsigned)config->range.rounding > NS_ROUND_INWARD || (unsigned)config->reach > NS_REACH_LOCAL ||
        (unsigned)config->range.edge > NS_EDGE_SKIP) {
        snprintf(reason, reason_size,
                 "the inclusion, the kind of fill, the reach or the range policy has an unknown value");
        return NS_ERROR_ARGUMENT;
    }
    if (config->late_write_backs > NS_CACHE_MAX_LATE) {
        snprintf(reason, reason_size, "the queue of late write-backs has %" PRIu32 " lines, at most %u are possible",
                 config->late_write_backs, NS_CACHE_MAX_LATE);
        return NS_ERROR_ARGUMENT;
    }
    return NS_OK;
}

struct ns_cache *ns_cache_create(const struct ns_cache_config *config, const struct ns_cache_backing *backing,
                                 const struct ns_cache_observer *observer) {
    char reason[1];
    if (ns_cache_config_check(config, reason, sizeof reason) != NS_OK)
        return NULL;
    struct ns_cache *cache = calloc(1, sizeof *cache);
    if (!cache)
        return NULL;
    cache->config = *config;
    cache->backing = *backing;
    if (observer)
        cache->observer = *observer;
    cache->inclusive = config->inclusion == NS_INCLUSION_INCLUSIVE && config->levels > 1;
    cache->exclusive = config->inclusion == NS_INCLUSION_EXCLUSIVE && config->levels > 1;
    bool ok = true;
    for (unsigned hart = 0; hart < config->harts; hart++)
        ok = array_create(&cache->l1[hart], config, 0, hart) && ok;
    for (unsigned level = 1; level < config->levels; level++)
        ok = array_create(&cache->shared[level - 1], config, level, 0) && ok;
    if (config->fill != NS_FILL_ATOMIC)
        ok = (cache->registers = calloc((size_t)config->harts * MISS_REGISTERS, sizeof *cache->registers)) && ok;
    ok = late_create(cache) && ok;
    if (!ok) {
        ns_cache_destroy(cache);
        return NULL;
    }
    for (unsigned level = 0; level < config->levels; level++) {
        struct line_array *array = array_at(cache, level, 0);
        cache->total_lines += (uint64_t)array->sets * array->ways * (level == 0 ? config->harts : 1);
    }
    return cache;
}

void ns_cache_destroy(struct ns_cache *cache) {
    if (!cache)
        return;
    for (unsigned hart = 0; hart < cache->config.harts; hart++)
        array_destroy(&cache->l1[hart]);
    for (unsigned level = 1; level < cache->config.levels; level++)
        array_destroy(&cache->shared[level - 1]);
    late_destroy(cache);
    free(cache->registers);
    free(cache);
}

static void watch_array(struct line_array *array, const struct ns_cache_watch *watch) {
    array->watch = watch;
    array->direct_stores = watch == NULL && !array->write_through;
}

void ns_cache_set_watch(struct ns_cache *cache, const struct ns_cache_watch *watch) {
    for (unsigned hart = 0; hart < cache->config.harts; hart++)
        watch_array(&cache->l1[hart], watch);
    for (unsigned level = 1; level < cache->config.levels; level++)
        watch_array(&cache->shared[level - 1], watch);
}

const struct ns_cache_config *ns_cache_get_config(const struct ns_cache *cache) {
    return &cache->config;
}

bool range_is_physical(uint64_t address, uint64_t length) {
    const uint64_t end = UINT64_C(1) << NS_PHYSICAL_BITS;
    return address < end && length <= end - address;
}

static bool is_power_of_two(uint32_t value) {
    return value != 0 && (value & (value - 1)) == 0;
}

static bool level_is_valid(const struct ns_cache_config *config, unsigned level, char *reason, size_t reason_size) {
    const struct ns_cache_level_config *l = &config->level[level];
    unsigned number = level + 1; /* people count L1, L2, L3 */
    if (!is_power_of_two(l->line) || l->line < NS_LINE_MIN || l->line > NS_LINE_MAX) {
        snprintf(reason, reason_size, "the line of L%u is %" PRIu32 " bytes, it must be a power of two from %u to %u",
                 number, l->line, NS_LINE_MIN, NS_LINE_MAX);
        return false;
    }
    if (l->ways < 1 || l->ways > NS_CACHE_MAX_WAYS) {
        snprintf(reason, reason_size, "L%u has %" PRIu32 " ways, it must have 1 to %u", number, l->ways,
                 NS_CACHE_MAX_WAYS);
        return false;
    }
    if ((unsigned)l->replacement > NS_REPLACE_RANDOM) {
        snprintf(reason, reason_size, "the replacement policy of L%u has an unknown value", number);
        return false;
    }
    if (l->replacement == NS_REPLACE_TREE_PLRU && !is_power_of_two(l->ways)) {
        snprintf(reason, reason_size, "L%u has %" PRIu32 " ways, tree-PLRU needs a power of two", number, l->ways);
        return false;
    }
    if (l->size > NS_CACHE_MAX_SIZE) {
        snprintf(reason, reason_size, "the size of L%u is %" PRIu32 " bytes, at most %u are possible", number, l->size,
                 NS_CACHE_MAX_SIZE);
        return false;
    }
    if (l->size % (l->ways * l->line) != 0 || !is_power_of_two(l->size / (l->ways * l->line))) {
        snprintf(reason, reason_size,
                 "the size of L%u is %" PRIu32 " bytes, it must be %" PRIu32 " ways of %" PRIu32
                 "-byte lines times a power of two of sets",
                 number, l->size, l->ways, l->line);
        return false;
    }
    if (level == 0)
        return true;
    uint32_t above = config->level[level - 1].line;
    if (l->line < above) {
        snprintf(reason, reason_size, "the line of L%u (%" PRIu32 " bytes) is smaller than that of L%u (%" PRIu32 ")",
                 number, l->line, number - 1, above);
        return false;
    }
    if (config->inclusion == NS_INCLUSION_EXCLUSIVE && l->line != above) {
        snprintf(reason, reason_size,
                 "exclusive levels exchange lines, so the line of L%u (%" PRIu32 " bytes) must equal that of L%u "
                 "(%" PRIu32 ")",
                 number, l->line, number - 1, above);
        return false;
    }
    return true;
}
