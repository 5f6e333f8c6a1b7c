/* SPDX-License-Identifier: Apache-2.0 */
#include "replay/sweep.h"

#include <stdlib.h>
#include <string.h>

#define CLEAN 0xffu /* dirty with no number of ways */

/* LRU caches with the same sets and lines. Depths and numbers of ways count from 1. */
struct stack_pass {
    uint32_t line_shift, sets, depth; /* depth: the most ways of the group */
    uint64_t *lines;                  /* `depth` per set, last touched first; UINT64_MAX: none yet */
    uint8_t *dirty_from;              /* of each: the number of ways from which on it is dirty, or CLEAN */
    uint64_t reads, writes;
    uint64_t read_depth[NS_CACHE_MAX_WAYS + 2], write_depth[NS_CACHE_MAX_WAYS + 2]; /* [depth + 1]: not in the stack */
    int64_t writebacks[NS_CACHE_MAX_WAYS + 2]; /* differences: the sum of [1, n] is the write-backs with n ways */
};

struct member {
    struct ns_cache_level_config config;
    size_t pass;            /* which stack_pass; unless there is a level */
    struct ns_level *level; /* simulated */
};

struct ns_sweep {
    struct member *members;
    size_t count;
    struct stack_pass *passes;
    size_t pass_count;
};

static bool has_stack(const struct ns_cache_level_config *config) {
    return config->replacement == NS_REPLACE_LRU && !config->write_through && !config->no_write_allocate;
}

static uint32_t sets_of(const struct ns_cache_level_config *config) {
    return config->size / config->line / config->ways;
}

/* The pass of a geometry: the one there is, or a new one. */
static size_t pass_for(struct ns_sweep *sweep, const struct ns_cache_level_config *config) {
    uint32_t shift = (uint32_t)__builtin_ctz(config->line), sets = sets_of(config);
    size_t i = 0;
    while (i < sweep->pass_count && (sweep->passes[i].line_shift != shift || sweep->passes[i].sets != sets))
        i++;
    struct stack_pass *pass = &sweep->passes[i];
    if (i == sweep->pass_count) {
        sweep->pass_count++;
        pass->line_shift = shift;
        pass->sets = sets;
    }
    if (pass->depth < config->ways)
        pass->depth = config->ways;
    return i;
}

uint64_t ns_sweep_bytes(const struct ns_cache_level_config *configs, size_t count) {
    uint64_t bytes = 0;
    for (size_t i = 0; i < count; i++) {
        const uint64_t sets = sets_of(&configs[i]), ways = configs[i].ways;
        if (has_stack(&configs[i])) /* an address for each line, and a byte that says when it is dirty */
            bytes += sets * ways * (sizeof(uint64_t) + 1);
        else /* a wide row, a narrow one of 8 or 16 entries, a tree */
            bytes += sets * (ways * sizeof(uint64_t) + (ways <= 8 ? 8 : 16) * sizeof(uint32_t) + sizeof(uint64_t));
    }
    return bytes;
}

struct ns_sweep *ns_sweep_create(const struct ns_cache_level_config *configs, size_t count, uint64_t seed) {
    struct ns_sweep *sweep = calloc(1, sizeof *sweep);
    if (!sweep)
        return NULL;
    sweep->count = count;
    sweep->members = calloc(count, sizeof *sweep->members);
    sweep->passes = calloc(count, sizeof *sweep->passes);
    bool ok = sweep->members && sweep->passes;
    for (size_t i = 0; ok && i < count; i++) {
        sweep->members[i].config = configs[i];
        if (has_stack(&configs[i]))
            sweep->members[i].pass = pass_for(sweep, &configs[i]);
        else
            ok = (sweep->members[i].level = ns_level_create(&configs[i], seed, 0)) != NULL;
    }
    for (size_t i = 0; ok && i < sweep->pass_count; i++) {
        struct stack_pass *pass = &sweep->passes[i];
        size_t entries = (size_t)pass->sets * pass->depth;
        pass->lines = malloc(entries * sizeof *pass->lines);
        pass->dirty_from = malloc(entries);
        ok = pass->lines && pass->dirty_from;
        if (ok) {
            memset(pass->lines, 0xff, entries * sizeof *pass->lines);
            memset(pass->dirty_from, CLEAN, entries);
        }
    }
    if (!ok) {
        ns_sweep_destroy(sweep);
        return NULL;
    }
    return sweep;
}

void ns_sweep_destroy(struct ns_sweep *sweep) {
    if (!sweep)
        return;
    for (size_t i = 0; sweep->members && i < sweep->count; i++)
        ns_level_destroy(sweep->members[i].level);
    for (size_t i = 0; sweep->passes && i < sweep->pass_count; i++) {
        free(sweep->passes[i].lines);
        free(sweep->passes[i].dirty_from);
    }
    free(sweep->members);
    free(sweep->passes);
    free(sweep);
}

size_t ns_sweep_passes(const struct ns_sweep *sweep) {
    size_t passes = sweep->pass_count;
    for (size_t i = 0; i < sweep->count; i++)
        passes += sweep->members[i].level != NULL;
    return passes;
}

/* The line has been out of the caches with fewer than `depth` ways; those in which it was dirty have written it back.
 */
static inline void count_writebacks(int64_t *writebacks, uint8_t dirty_from, uint32_t depth) {
    if (dirty_from < depth) {
        writebacks[dirty_from]++;
        writebacks[depth]--;
    }
}

static void refer(struct stack_pass *pass, uint64_t line, bool write) {
    size_t first = (size_t)(line & (pass->sets - 1)) * pass->depth;
    uint64_t *lines = pass->lines + first;
    uint8_t *dirty_from = pass->dirty_from + first;
    uint32_t at = 0;
    while (at < pass->depth && lines[at] != line)
        at++;
    (write ? pass->write_depth : pass->read_depth)[at + 1]++;
    uint8_t dirty = CLEAN;
    if (at == pass->depth) { /* the deepest line leaves the largest cache too */
        at--;
        count_writebacks(pass->writebacks, dirty_from[at], pass->depth + 1);
    } else {
        dirty = dirty_from[at];
        count_writebacks(pass->writebacks, dirty, at + 1);
        if (dirty != CLEAN && dirty < at + 1) /* smaller caches have just read it again, clean */
            dirty = (uint8_t)(at + 1);
    }
    for (; at > 0; at--) {
        lines[at] = lines[at - 1];
        dirty_from[at] = dirty_from[at - 1];
    }
    lines[0] = line;
    dirty_from[0] = write ? 1 : dirty;
}

static void run_stack(struct stack_pass *pass, const struct ns_accesses *accesses) {
    for (size_t i = 0; i < accesses->count; i++) {
        uint64_t line = accesses->address[i] >> pass->line_shift;
        uint64_t last = (accesses->address[i] + (ns_access_size_of(accesses->what[i]) - 1)) >> pass->line_shift;
        bool write = (accesses->what[i] & 1) != 0;
        do {
            *(write ? &pass->writes : &pass->reads) += 1;
            refer(pass, line, write);
        } while (line++ != last);
    }
}

void ns_sweep_run(struct ns_sweep *sweep, const struct ns_accesses *accesses) {
    for (size_t i = 0; i < sweep->pass_count; i++)
        run_stack(&sweep->passes[i], accesses);
    for (size_t i = 0; i < sweep->count; i++)
        if (sweep->members[i].level)
            ns_level_run(sweep->members[i].level, accesses, 0, NULL, 0);
}

void ns_sweep_get_counts(const struct ns_sweep *sweep, size_t index, struct ns_level_counts *counts) {
    const struct member *member = &sweep->members[index];
    if (member->level) {
        ns_level_get_counts(member->level, counts);
        counts->split = counts->bytes_read = counts->bytes_written = 0;
        return;
    }
    const struct stack_pass *pass = &sweep->passes[member->pass];
    const uint32_t ways = member->config.ways;
    uint64_t present = 0, left_dirty = 0;
    int64_t writebacks = 0;
    *counts = (struct ns_level_counts){.reads = pass->reads, .writes = pass->writes};
    for (uint32_t depth = ways + 1; depth <= pass->depth + 1; depth++) {
        counts->read_misses += pass->read_depth[depth];
        counts->write_misses += pass->write_depth[depth];
    }
    for (uint32_t n = 1; n <= ways; n++)
        writebacks += pass->writebacks[n];
    /* Lines still in the stacks: those that lie deeper than `ways` have left this cache since they were last touched.
     */
    for (size_t i = 0; i < (size_t)pass->sets * pass->depth; i++) {
        uint32_t depth = (uint32_t)(i % pass->depth) + 1;
        if (pass->lines[i] == UINT64_MAX)
            continue;
        present += depth <= ways;
        left_dirty += depth <= ways && pass->dirty_from[i] <= ways;
        writebacks += depth > ways && pass->dirty_from[i] <= ways;
    }
    counts->fills = counts->read_misses + counts->write_misses;
    counts->evictions = counts->fills - present;
    counts->writebacks = (uint64_t)writebacks;
    counts->writebacks_final = counts->writebacks + left_dirty;
}
