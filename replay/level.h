/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One cache that counts and holds no data: a filter from the accesses that reach it to those that it passes on. A
 * hierarchy is filters one behind the other; each takes a block of accesses at a time.
 *
 * It does to a line what cache/ does to it (tests/replay/equality_test.cpp compares them access by access), and counts
 * as Dinero IV does: an access that crosses lines is one reference for each line; on a miss the level below sees the
 * read of the line first, then a store that passes through, then the write-back of the victim; the next line of a split
 * access comes after all of them. A store of a whole line is installed without a read.
 */
#ifndef NS_REPLAY_LEVEL_H
#define NS_REPLAY_LEVEL_H

#include "cache/cache.h"
#include "replay/access.h"

#ifdef __cplusplus
extern "C" {
#endif

struct ns_level;

/* References are what reached the level, one for each line touched. Instruction fetches count as reads. */
struct ns_level_counts {
    uint64_t reads, read_misses, writes, write_misses;
    uint64_t fills;            /* lines installed */
    uint64_t evictions;        /* lines, clean or dirty, that left for another */
    uint64_t writebacks;       /* dirty lines that left for another */
    uint64_t writebacks_final; /* the same, and the dirty lines that are left now */
    uint64_t split;            /* accesses that crossed a line, each counted once for each crossing */
    uint64_t bytes_read;       /* bytes asked of the level below */
    uint64_t bytes_written;    /* bytes sent to it: write-backs and stores passing through */
};

/* A level as `config` says; the caller has checked it (ns_cache_config_check). `cache` is the number that tells the
 * random victims of the caches of a hierarchy apart: level * NS_CACHE_MAX_HARTS for what cache/ has, too. NULL: the
 * host is out of memory. Free with ns_level_destroy (NULL is ok). */
struct ns_level *ns_level_create(const struct ns_cache_level_config *config, uint64_t seed, uint32_t cache);
void ns_level_destroy(struct ns_level *level);

/* Room in `below` without which ns_level_run does not begin an access: for the lines that the largest one touches, each
 * of which may send two on, and one more that is written before it is known not to count. */
#define NS_LEVEL_ROOM (2 * (NS_ACCESS_MAX_SIZE / NS_LINE_MIN + 2))

/* Lets accesses [first, count) pass, and appends to `below` what the next level will see, while there is room in it
 * (`capacity` entries, more than NS_LEVEL_ROOM). below NULL: memory is next, and nobody looks. Returns the first access
 * that did not pass: `count`, or less when `below` is full. */
size_t ns_level_run(struct ns_level *level, const struct ns_accesses *accesses, size_t first, struct ns_accesses *below,
                    size_t capacity);

/* The convention of cachegrind: an access is one reference and one miss at most, whatever lines it touches; all of them
 * are touched; only read and write references, misses, fills and evictions are counted. Of an access of more than
 * `most` bytes, the smallest line of all levels, the first so many count, here and below. A miss passes the access on
 * as it is, so that `below` needs no more room than `accesses`. */
void ns_level_run_whole(struct ns_level *level, const struct ns_accesses *accesses, uint32_t most,
                        struct ns_accesses *below);

void ns_level_get_counts(const struct ns_level *level, struct ns_level_counts *counts);
const struct ns_cache_level_config *ns_level_get_config(const struct ns_level *level);

/* For tests and benchmarks: from now on the portable loop, whatever the host has. */
void ns_level_make_portable(struct ns_level *level);
/* "avx2" or "portable". */
const char *ns_level_loop(const struct ns_level *level);

#ifdef __cplusplus
}
#endif
#endif
