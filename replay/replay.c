/* SPDX-License-Identifier: Apache-2.0 */
#include "replay/replay.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Accesses that a level takes at a time: enough that the loops run long, few enough to stay in the host's first caches.
 * A block whose accesses cross no line fits between two levels, whatever misses. */
#define BLOCK   4096u
#define BETWEEN (2 * BLOCK + NS_LEVEL_ROOM)

struct ns_replay {
    struct ns_replay_config config;
    struct ns_level *l1i;
    struct ns_level *level[NS_CACHE_MAX_LEVELS];
    struct ns_accesses below[NS_CACHE_MAX_LEVELS]; /* [n]: from level n to level n + 1 */
    struct ns_cache *cache;                        /* instead of all of these */
    uint64_t bytes_read, bytes_written;            /* between `cache` and memory */
    uint32_t smallest_line;                        /* of all levels */
};

static bool runs_on_cache(const struct ns_replay_config *config);
static struct ns_cache *create_cache(struct ns_replay *replay);
static enum ns_status run_cache(struct ns_replay *replay, const struct ns_accesses *accesses, size_t *bad);
static void cache_counts(const struct ns_replay *replay, unsigned level, struct ns_level_counts *counts);

enum ns_status ns_replay_config_check(const struct ns_replay_config *config, char *reason, size_t reason_size) {
    enum ns_status status = ns_cache_config_check(&config->cache, reason, reason_size);
    if (status != NS_OK)
        return status;
    if (config->has_l1i) {
        struct ns_cache_config instructions = config->cache;
        char text[200];
        instructions.level[0] = config->l1i;
        status = ns_cache_config_check(&instructions, text, sizeof text);
        if (status != NS_OK) {
            snprintf(reason, reason_size, "the instruction cache: %s", text);
            return status;
        }
        if (runs_on_cache(config)) {
            snprintf(reason, reason_size, "an instruction cache above inclusive or exclusive levels is not modelled");
            return NS_ERROR_ARGUMENT;
        }
    }
    if (config->like == NS_LIKE_CACHEGRIND && runs_on_cache(config)) {
        snprintf(reason, reason_size, "cachegrind's levels are neither inclusive nor exclusive");
        return NS_ERROR_ARGUMENT;
    }
    for (unsigned level = 0; config->like == NS_LIKE_CACHEGRIND && level < config->cache.levels; level++) {
        if (config->cache.level[level].write_through || config->cache.level[level].no_write_allocate) {
            snprintf(reason, reason_size,
                     "cachegrind counts no write-backs and fills a line for every miss: wt and nwa mean nothing there");
            return NS_ERROR_ARGUMENT;
        }
    }
    return NS_OK;
}

struct ns_replay *ns_replay_create(const struct ns_replay_config *config) {
    char reason[1];
    struct ns_replay *replay =
        ns_replay_config_check(config, reason, sizeof reason) == NS_OK ? calloc(1, sizeof *replay) : NULL;
    if (!replay)
        return NULL;
    replay->config = *config;
    replay->smallest_line = config->has_l1i ? config->l1i.line : UINT32_MAX;
    for (unsigned level = 0; level < config->cache.levels; level++)
        if (config->cache.level[level].line < replay->smallest_line)
            replay->smallest_line = config->cache.level[level].line;
    bool ok = true;
    if (runs_on_cache(config)) {
        replay->cache = create_cache(replay);
        ok = replay->cache != NULL;
    }
    for (unsigned level = 0; !replay->cache && ok && level < config->cache.levels; level++) {
        replay->level[level] =
            ns_level_create(&config->cache.level[level], config->cache.seed, level * NS_CACHE_MAX_HARTS);
        replay->below[level].address = malloc(BETWEEN * sizeof *replay->below[level].address);
        replay->below[level].what = malloc(BETWEEN * sizeof *replay->below[level].what);
        ok = replay->level[level] && replay->below[level].address && replay->below[level].what;
    }
    if (ok && config->has_l1i)
        ok = (replay->l1i = ns_level_create(&config->l1i, config->cache.seed, 1)) != NULL;
    if (!ok) {
        ns_replay_destroy(replay);
        return NULL;
    }
    return replay;
}

void ns_replay_destroy(struct ns_replay *replay) {
    if (!replay)
        return;
    for (unsigned level = 0; level < NS_CACHE_MAX_LEVELS; level++) {
        ns_level_destroy(replay->level[level]);
        free(replay->below[level].address);
        free(replay->below[level].what);
    }
    ns_level_destroy(replay->l1i);
    ns_cache_destroy(replay->cache);
    free(replay);
}

/* ---- filters --------------------------------------------------------------------------------- */

/* `first` is where the accesses enter: L1D or L1I, then number 1 and so on. */
static void feed(struct ns_replay *replay, struct ns_level *first, unsigned number,
                 const struct ns_accesses *accesses) {
    const bool last = number + 1 >= replay->config.cache.levels || number + 1 >= NS_CACHE_MAX_LEVELS;
    struct ns_accesses *below = last ? NULL : &replay->below[number];
    for (size_t done = 0; done < accesses->count;) {
        if (below)
            below->count = 0;
        if (replay->config.like == NS_LIKE_CACHEGRIND) { /* passes on as many as it takes, at most */
            const size_t room = BETWEEN, left = accesses->count - done;
            const struct ns_accesses some = {accesses->address + done, accesses->what + done,
                                             left < room ? left : room};
            ns_level_run_whole(first, &some, replay->smallest_line, below);
            done += some.count;
        } else {
            done = ns_level_run(first, accesses, done, below, BETWEEN);
        }
        if (below && below->count > 0)
            feed(replay, replay->level[number + 1], number + 1, below);
    }
}

/* At most BLOCK accesses. */
static void run_block(struct ns_replay *replay, const struct ns_accesses *block) {
    uint16_t kinds = 0;
    for (size_t i = 0; i < block->count; i++)
        kinds |= block->what[i];
    if ((kinds & NS_ACCESS_FETCH) == 0) {
        feed(replay, replay->level[0], 0, block);
        return;
    }
    /* Runs of accesses that enter the same cache. */
    for (size_t i = 0; i < block->count;) {
        const uint16_t kind = block->what[i] & NS_ACCESS_FETCH;
        size_t end = i + 1;
        while (end < block->count && (block->what[end] & NS_ACCESS_FETCH) == kind)
            end++;
        const struct ns_accesses some = {block->address + i, block->what + i, end - i};
        struct ns_level *first = kind == 0 ? replay->level[0] : replay->l1i;
        if (first)
            feed(replay, first, 0, &some);
        i = end;
    }
}

enum ns_status ns_replay_run(struct ns_replay *replay, const struct ns_accesses *accesses, size_t *bad) {
    if (replay->cache)
        return run_cache(replay, accesses, bad);
    for (size_t i = 0; i < accesses->count;) {
        const size_t left = accesses->count - i;
        const struct ns_accesses block = {accesses->address + i, accesses->what + i, left < BLOCK ? left : BLOCK};
        run_block(replay, &block);
        i += block.count;
    }
    return NS_OK;
}

size_t ns_replay_rows(const struct ns_replay *replay, struct ns_replay_row rows[NS_REPLAY_MAX_ROWS]) {
    static const char *const names[NS_CACHE_MAX_LEVELS] = {"L1D", "L2", "L3"};
    size_t count = 0;
    if (replay->l1i) {
        rows[count] = (struct ns_replay_row){.name = "L1I", .config = &replay->config.l1i, .has_bytes = true};
        ns_level_get_counts(replay->l1i, &rows[count++].counts);
    }
    for (unsigned level = 0; level < replay->config.cache.levels; level++) {
        struct ns_replay_row *row = &rows[count++];
        *row = (struct ns_replay_row){.name = names[level], .config = &replay->config.cache.level[level]};
        row->has_bytes = !replay->cache && replay->config.like == NS_LIKE_DINERO;
        if (replay->cache)
            cache_counts(replay, level, &row->counts);
        else
            ns_level_get_counts(replay->level[level], &row->counts);
    }
    if (count > 0 && replay->l1i)
        rows[0].has_bytes = replay->config.like == NS_LIKE_DINERO;
    return count;
}

void ns_replay_make_portable(struct ns_replay *replay) {
    for (unsigned level = 0; !replay->cache && level < replay->config.cache.levels; level++)
        ns_level_make_portable(replay->level[level]);
    if (replay->l1i)
        ns_level_make_portable(replay->l1i);
}

const char *ns_replay_loop(const struct ns_replay *replay) {
    return replay->cache ? "cache" : ns_level_loop(replay->level[0]);
}

/* ---- the caches of cache/ -------------------------------------------------------------------- */

static bool runs_on_cache(const struct ns_replay_config *config) {
    return config->cache.levels > 1 && config->cache.inclusion != NS_INCLUSION_NEITHER;
}

/* Memory without contents. */
static enum ns_status read_nothing(void *context, uint64_t address, uint32_t length, uint8_t *data,
                                   ns_version *versions) {
    (void)address, (void)versions;
    ((struct ns_replay *)context)->bytes_read += length;
    memset(data, 0, length);
    return NS_OK;
}

static enum ns_status write_nothing(void *context, uint64_t address, uint32_t length, const uint8_t *data,
                                    const ns_version *versions) {
    (void)address, (void)data, (void)versions;
    ((struct ns_replay *)context)->bytes_written += length;
    return NS_OK;
}

static struct ns_cache *create_cache(struct ns_replay *replay) {
    struct ns_cache_config config = replay->config.cache;
    const struct ns_cache_backing memory = {replay, read_nothing, write_nothing};
    config.harts = 1;
    config.provenance = false;
    config.late_write_backs = 0;
    return ns_cache_create(&config, &memory, NULL);
}

static enum ns_status run_cache(struct ns_replay *replay, const struct ns_accesses *accesses, size_t *bad) {
    static const uint8_t zeros[NS_ACCESS_MAX_SIZE];
    uint8_t data[NS_ACCESS_MAX_SIZE];
    for (size_t i = 0; i < accesses->count; i++) {
        const uint32_t size = ns_access_size_of(accesses->what[i]);
        enum ns_status status = NS_OK;
        switch (ns_access_kind_of(accesses->what[i])) {
        case NS_ACCESS_READ:
            status = ns_cache_load(replay->cache, 0, accesses->address[i], size, data, NULL, NULL);
            break;
        case NS_ACCESS_WRITE:
            status = ns_cache_store(replay->cache, 0, accesses->address[i], size, zeros, NULL, NULL);
            break;
        case NS_ACCESS_FETCH:
            break;
        }
        if (status != NS_OK) { /* memory never fails: the address has too many bits */
            *bad = i;
            return NS_ERROR_ADDRESS;
        }
    }
    return NS_OK;
}

/* Counts dirty lines of one level. */
struct dirty_count {
    unsigned level;
    uint64_t lines;
};

static bool count_dirty(void *context, unsigned level, unsigned hart, const struct ns_cache_copy *copy) {
    struct dirty_count *count = context;
    (void)hart;
    count->lines += level == count->level && copy->state == NS_LINE_DIRTY;
    return true;
}

static void cache_counts(const struct ns_replay *replay, unsigned level, struct ns_level_counts *counts) {
    struct ns_cache_stats stats;
    struct dirty_count dirty = {level, 0};
    ns_cache_get_stats(replay->cache, level, &stats);
    ns_cache_for_each(replay->cache, count_dirty, &dirty);
    *counts = (struct ns_level_counts){
        .reads = stats.load_hits + stats.load_misses,
        .read_misses = stats.load_misses,
        .writes = stats.store_hits + stats.store_misses,
        .write_misses = stats.store_misses,
        .fills = stats.fills,
        .evictions = stats.evictions,
        .writebacks = stats.write_backs,
        .writebacks_final = stats.write_backs + dirty.lines,
    };
}
