/* SPDX-License-Identifier: Apache-2.0 */
/* The inside of a level: shared by level.c (any geometry, any host) and level_avx2.c (the usual ones, faster). */
#ifndef NS_REPLAY_LEVEL_INTERNAL_H
#define NS_REPLAY_LEVEL_INTERNAL_H

#include "replay/level.h"

#include <assert.h>

/* An entry of a row: line number * 2, + 1 when dirty. Line numbers have 60 bits at most (NS_LINE_MIN). */
#define WIDE_EMPTY UINT64_MAX
/* An entry of a narrow row: the line number without the bits of the set, * 2, + 1 when dirty. */
#define NARROW_EMPTY    (UINT32_MAX - 1)
#define NARROW_TAG_BITS 30u

struct ns_level {
    /* A row of `ways` entries per set. LRU: the last touched first. FIFO: the last filled first. Other policies: by
     * way. NULL while the rows are narrow. */
    uint64_t *rows;
    uint32_t *narrow; /* LRU and FIFO: rows of `stride` (8 or 16) entries; those behind `ways` stay empty */
    uint64_t *trees;  /* tree-PLRU: a word per set (cache/policy.h); otherwise NULL */
    uint64_t random;
    uint64_t set_mask;
    uint32_t ways, stride;
    uint32_t line_shift, set_bits;
    bool in_order; /* LRU or FIFO */
    bool whole;    /* ns_level_run_whole was used */
    struct ns_cache_level_config config;
    struct ns_level_counts counts; /* evictions and writebacks_final are worked out at the end */
};

#if defined(__x86_64__) && defined(__GNUC__)
#define NS_LEVEL_HAS_AVX2 1
/* Whether the host and the geometry suit the fast loop. */
bool level_avx2_suits(const struct ns_level *level);
size_t level_avx2_run(struct ns_level *level, const struct ns_accesses *accesses, size_t first,
                      struct ns_accesses *below, size_t capacity);
#endif

#endif
