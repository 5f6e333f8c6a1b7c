/* SPDX-License-Identifier: Apache-2.0 */
#include "verify/freedom.h"

#include <stdlib.h>

/* A line that some hart touches, as its set and its number, which orders lines of a set side by side. */
struct touched {
    uint64_t set, line;
};

static int by_set(const void *a, const void *b) {
    const struct touched *left = a, *right = b;
    if (left->set != right->set)
        return left->set < right->set ? -1 : 1;
    return left->line < right->line ? -1 : left->line > right->line;
}

/* May the hart's operation bring its lines into a cache? */
static bool fills(const struct ns_recorded *entry) {
    return (entry->kind == NS_RECORDED_LOAD || entry->kind == NS_RECORDED_STORE ||
            entry->kind == NS_RECORDED_HARDWARE) &&
           entry->length > 0;
}

static bool prefetches(const struct ns_machine_config *machine) {
    return machine->prefetch_next_line || machine->stride.streams > 0;
}

/* How many lines the operation may fill, from *first on: those that it touches, and what a prefetcher may take along.
 * A stride prefetcher stays in the page of the load, so that it is all of that page. */
static uint64_t lines_of(const struct ns_machine_config *machine, const struct ns_recorded *entry, uint64_t line,
                         uint64_t *first) {
    uint64_t start = entry->address, end = entry->address + entry->length;
    if (machine->stride.streams > 0 && line <= NS_PAGE_SIZE) {
        start = start / NS_PAGE_SIZE * NS_PAGE_SIZE;
        end = (end + NS_PAGE_SIZE - 1) / NS_PAGE_SIZE * NS_PAGE_SIZE;
    }
    *first = start / line;
    return (end - 1) / line - *first + 1 + machine->prefetch_next_line;
}

/* Some set of this level gets more lines than it has ways. */
static bool crowded(const struct ns_machine_config *machine, unsigned number, const struct ns_recording *recording,
                    struct touched *touched) {
    const struct ns_cache_level_config *level = &machine->cache.level[number];
    const uint64_t sets = level->size / level->ways / level->line;
    size_t count = 0;
    for (size_t i = 0; i < recording->count; i++) {
        const struct ns_recorded *entry = &recording->entry[i];
        if (!fills(entry))
            continue;
        uint64_t first;
        const uint64_t lines = lines_of(machine, entry, level->line, &first);
        if (lines > sets * level->ways)
            return true;
        for (uint64_t line = first; line < first + lines; line++)
            touched[count++] =
                (struct touched){.set = ns_cache_set(&machine->cache, number, line * level->line), .line = line};
    }
    qsort(touched, count, sizeof *touched, by_set);
    uint32_t ways = 0;
    for (size_t i = 0; i < count; i++) {
        if (i > 0 && touched[i].set == touched[i - 1].set && touched[i].line == touched[i - 1].line)
            continue;
        ways = i > 0 && touched[i].set == touched[i - 1].set ? ways + 1 : 1;
        if (ways > level->ways)
            return true;
    }
    return false;
}

bool freedom_of(const struct ns_machine_config *machine, const struct ns_recording *recording, uint32_t *may) {
    const struct ns_cache_config *cache = &machine->cache;
    *may = machine->may;
    if (prefetches(machine) && cache->levels > 0)
        *may |= NS_MAY_SPECULATIVE_FILL;
    if ((*may & NS_MAY_EVICT) != 0 || cache->levels == 0)
        return true;
    uint64_t lines = 0;
    for (size_t i = 0; i < recording->count; i++)
        if (fills(&recording->entry[i])) {
            uint64_t first;
            const uint64_t more = lines_of(machine, &recording->entry[i], cache->level[0].line, &first);
            lines += more > cache->level[cache->levels - 1].size ? 0 : more; /* then it is crowded without counting */
        }
    struct touched *touched = calloc(lines + 1, sizeof *touched);
    if (touched == NULL)
        return false;
    for (unsigned level = 0; level < cache->levels && (*may & NS_MAY_EVICT) == 0; level++)
        if (crowded(machine, level, recording, touched))
            *may |= NS_MAY_EVICT;
    free(touched);
    return true;
}
