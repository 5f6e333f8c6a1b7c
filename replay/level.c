/* SPDX-License-Identifier: Apache-2.0 */
#include "replay/level_internal.h"

#include "cache/policy.h"

#include <stdlib.h>
#include <string.h>

#ifdef NS_LEVEL_HAS_AVX2
static bool fit_narrow(const struct ns_level *level, const struct ns_accesses *accesses, size_t first);
#endif
static void make_wide(struct ns_level *level);
static size_t run_portable(struct ns_level *level, const struct ns_accesses *accesses, size_t first,
                           struct ns_accesses *below, size_t capacity);

static uint32_t log2_of(uint32_t value) {
    uint32_t shift = 0;
    while ((UINT32_C(1) << shift) < value)
        shift++;
    return shift;
}

struct ns_level *ns_level_create(const struct ns_cache_level_config *config, uint64_t seed, uint32_t cache) {
    struct ns_level *level = calloc(1, sizeof *level);
    if (!level)
        return NULL;
    uint32_t sets = config->size / config->line / config->ways;
    level->config = *config;
    level->ways = config->ways;
    level->stride = config->ways <= 8 ? 8 : 16;
    level->line_shift = log2_of(config->line);
    level->set_bits = log2_of(sets);
    level->set_mask = sets - 1;
    level->in_order = config->replacement == NS_REPLACE_LRU || config->replacement == NS_REPLACE_FIFO;
    level->random = ns_policy_random_start(seed, cache);
    bool ok = true;
    if (config->replacement == NS_REPLACE_TREE_PLRU)
        ok = (level->trees = calloc(sets, sizeof *level->trees)) != NULL;
    size_t entries = (size_t)sets * level->ways;
    level->rows = malloc(entries * sizeof *level->rows); /* in every case, so that going wide later cannot fail */
    ok = level->rows && ok;
#ifdef NS_LEVEL_HAS_AVX2
    if (level_avx2_suits(level)) {
        size_t bytes = (size_t)sets * level->stride * sizeof *level->narrow;
        level->narrow = aligned_alloc(64, bytes < 64 ? 64 : bytes);
        ok = level->narrow && ok;
        for (size_t i = 0; ok && i < (size_t)sets * level->stride; i++)
            level->narrow[i] = NARROW_EMPTY;
    }
#endif
    for (size_t i = 0; ok && !level->narrow && i < entries; i++)
        level->rows[i] = WIDE_EMPTY;
    if (!ok) {
        ns_level_destroy(level);
        return NULL;
    }
    return level;
}

void ns_level_destroy(struct ns_level *level) {
    if (!level)
        return;
    free(level->rows);
    free(level->narrow);
    free(level->trees);
    free(level);
}

size_t ns_level_run(struct ns_level *level, const struct ns_accesses *accesses, size_t first, struct ns_accesses *below,
                    size_t capacity) {
#ifdef NS_LEVEL_HAS_AVX2
    if (level->narrow && fit_narrow(level, accesses, first))
        return level_avx2_run(level, accesses, first, below, capacity);
#endif
    make_wide(level);
    return run_portable(level, accesses, first, below, capacity);
}

void ns_level_make_portable(struct ns_level *level) {
    make_wide(level);
}

const char *ns_level_loop(const struct ns_level *level) {
    return level->narrow ? "avx2" : "portable";
}

const struct ns_cache_level_config *ns_level_get_config(const struct ns_level *level) {
    return &level->config;
}

void ns_level_get_counts(const struct ns_level *level, struct ns_level_counts *counts) {
    uint64_t present = 0, dirty = 0;
    size_t sets = (size_t)level->set_mask + 1;
    for (size_t i = 0; level->narrow && i < sets * level->stride; i++) {
        present += level->narrow[i] != NARROW_EMPTY;
        dirty += level->narrow[i] & 1;
    }
    for (size_t i = 0; !level->narrow && i < sets * level->ways; i++) {
        present += level->rows[i] != WIDE_EMPTY;
        dirty += level->rows[i] != WIDE_EMPTY && (level->rows[i] & 1) != 0;
    }
    *counts = level->counts;
    counts->evictions = counts->fills - present; /* a line that was filled and is not here has left */
    counts->writebacks_final = level->whole ? 0 : counts->writebacks + dirty;
}

/* ---- the portable loop ----------------------------------------------------------------------- */

/* The row of `line`, and where the line is in it; `ways` when it is not. */
static inline uint32_t find(const struct ns_level *level, const uint64_t *row, uint64_t line) {
    uint64_t key = line << 1 | 1;
    uint32_t at = 0;
    while (at < level->ways && (row[at] | 1) != key)
        at++;
    return at < level->ways && row[at] != WIDE_EMPTY ? at : level->ways;
}

static inline void to_front(uint64_t *row, uint32_t at, uint64_t entry) {
    for (; at > 0; at--)
        row[at] = row[at - 1];
    row[0] = entry;
}

static void touch(struct ns_level *level, uint64_t set, uint64_t *row, uint32_t at, bool dirty) {
    row[at] |= dirty;
    if (level->config.replacement == NS_REPLACE_LRU)
        to_front(row, at, row[at]);
    else if (level->trees)
        level->trees[set] = ns_policy_tree_touch(level->trees[set], level->ways, at);
}

/* Installs the line and returns the entry that had to go, or WIDE_EMPTY. */
static uint64_t install(struct ns_level *level, uint64_t set, uint64_t *row, uint64_t entry) {
    uint32_t at = level->ways - 1;
    level->counts.fills++;
    if (level->in_order) {
        uint64_t victim = row[at]; /* empty entries are behind all others */
        to_front(row, at, entry);
        return victim;
    }
    for (at = 0; at < level->ways && row[at] != WIDE_EMPTY;)
        at++;
    if (at == level->ways)
        at = level->trees ? ns_policy_tree_victim(level->trees[set], level->ways)
                          : ns_policy_random_victim(&level->random, level->ways);
    uint64_t victim = row[at];
    row[at] = entry;
    if (level->trees)
        level->trees[set] = ns_policy_tree_touch(level->trees[set], level->ways, at);
    return victim;
}

static inline void pass_on(struct ns_accesses *below, uint64_t address, enum ns_access_kind kind, uint32_t size) {
    if (!below)
        return;
    below->address[below->count] = address;
    below->what[below->count++] = ns_access_what(kind, size);
}

static inline void read_below(struct ns_level *level, struct ns_accesses *below, uint64_t line) {
    level->counts.bytes_read += level->config.line;
    pass_on(below, line << level->line_shift, NS_ACCESS_READ, level->config.line);
}

static inline void write_below(struct ns_level *level, struct ns_accesses *below, uint64_t address, uint32_t size) {
    level->counts.bytes_written += size;
    pass_on(below, address, NS_ACCESS_WRITE, size);
}

/* A reference within one line. */
static void refer(struct ns_level *level, uint64_t address, uint32_t size, bool write, struct ns_accesses *below) {
    uint64_t line = address >> level->line_shift, set = line & level->set_mask;
    uint64_t *row = level->rows + set * level->ways;
    uint32_t at = find(level, row, line);
    bool through = write && level->config.write_through;
    *(write ? &level->counts.writes : &level->counts.reads) += 1;
    if (at < level->ways) {
        touch(level, set, row, at, write && !through);
        if (through)
            write_below(level, below, address, size);
        return;
    }
    *(write ? &level->counts.write_misses : &level->counts.read_misses) += 1;
    if (write && level->config.no_write_allocate) {
        write_below(level, below, address, size);
        return;
    }
    if (!write || size < level->config.line)
        read_below(level, below, line);
    if (through)
        write_below(level, below, address, size);
    uint64_t victim = install(level, set, row, line << 1 | (write && !through));
    if (victim != WIDE_EMPTY && (victim & 1) != 0) {
        level->counts.writebacks++;
        write_below(level, below, victim >> 1 << level->line_shift, level->config.line);
    }
}

static size_t run_portable(struct ns_level *level, const struct ns_accesses *accesses, size_t first,
                           struct ns_accesses *below, size_t capacity) {
    const uint64_t offset_mask = level->config.line - 1;
    size_t i = first;
    for (; i < accesses->count && (!below || below->count + NS_LEVEL_ROOM <= capacity); i++) {
        uint64_t address = accesses->address[i];
        uint32_t left = ns_access_size_of(accesses->what[i]);
        bool write = (accesses->what[i] & 1) != 0;
        for (;;) {
            uint32_t room = (uint32_t)(level->config.line - (address & offset_mask));
            refer(level, address, left < room ? left : room, write, below);
            if (left <= room)
                break;
            level->counts.split++;
            address += room;
            left -= room;
        }
    }
    return i;
}

void ns_level_run_whole(struct ns_level *level, const struct ns_accesses *accesses, uint32_t most,
                        struct ns_accesses *below) {
    make_wide(level);
    level->whole = true;
    for (size_t i = 0; i < accesses->count; i++) {
        uint64_t address = accesses->address[i];
        uint32_t size = ns_access_size_of(accesses->what[i]);
        size = size < most ? size : most;
        bool write = (accesses->what[i] & 1) != 0, miss = false;
        uint64_t last = (address + (size - 1)) >> level->line_shift;
        for (uint64_t line = address >> level->line_shift; line <= last; line++) {
            uint64_t set = line & level->set_mask, *row = level->rows + set * level->ways;
            uint32_t at = find(level, row, line);
            if (at < level->ways)
                touch(level, set, row, at, false);
            else
                install(level, set, row, line << 1);
            miss = miss || at == level->ways;
            level->counts.split += line != last;
        }
        *(write ? &level->counts.writes : &level->counts.reads) += 1;
        *(write ? &level->counts.write_misses : &level->counts.read_misses) += miss;
        if (miss)
            pass_on(below, address, ns_access_kind_of(accesses->what[i]), size);
    }
}

/* ---- narrow rows ----------------------------------------------------------------------------- */

#ifdef NS_LEVEL_HAS_AVX2
/* Whether the tags of all accesses from `first` on fit. (A size may carry into one bit more, for which there is room.)
 */
static bool fit_narrow(const struct ns_level *level, const struct ns_accesses *accesses, size_t first) {
    uint64_t any = 0;
    for (size_t i = first; i < accesses->count; i++)
        any |= accesses->address[i];
    uint32_t shift = level->line_shift + level->set_bits + NARROW_TAG_BITS;
    return shift >= 64 || any >> shift == 0;
}
#endif

/* From narrow rows to wide ones, once, in the middle of a trace: an address has come that narrow entries cannot hold.
 */
static void make_wide(struct ns_level *level) {
    for (uint64_t set = 0; level->narrow && set <= level->set_mask; set++) {
        for (uint32_t at = 0; at < level->ways; at++) {
            uint64_t entry = level->narrow[set * level->stride + at];
            uint64_t line = entry >> 1 << level->set_bits | set;
            level->rows[set * level->ways + at] = entry == NARROW_EMPTY ? WIDE_EMPTY : line << 1 | (entry & 1);
        }
    }
    free(level->narrow);
    level->narrow = NULL;
}
