/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What one cache line does, and which lines an operation on a range touches. Pure functions: the timed
 * machine and every later analysis call these, so that a clean, an invalidate or an edge line means one thing.
 *
 * Sources: RISC-V Unprivileged ISA, chapter "CMO" (cbo.inval may be performed as cbo.flush: menvcfg.CBIE = 01);
 * Arm ARM D7.5 "Data cache maintenance"; Linux arch/arm64/mm/cache.S v5.10 (__dma_inv_area: edge lines are
 * cleaned and invalidated); Xilinx embeddedsw issue 103 (a range end that is rounded down).
 */
#ifndef NS_CACHE_LINE_H
#define NS_CACHE_LINE_H

#include "cache/base.h"

#ifdef __cplusplus
extern "C" {
#endif

enum ns_line_state {
    NS_LINE_INVALID,
    NS_LINE_CLEAN, /* equal to, or older than, the level below; never written back */
    NS_LINE_DIRTY, /* modified since the last clean: leaves only by a write-back of the whole line or by an invalidate
                    */
};

/* What an operation does to one line. */
struct ns_line_effect {
    enum ns_line_state next;
    bool write_back; /* the whole line goes to the level below */
    bool discard;    /* modified data disappears without a write-back */
};

/* Maintenance of one line. `invalidate_as_flush`: the platform performs NS_CACHE_INVALIDATE as NS_CACHE_FLUSH. */
struct ns_line_effect ns_line_maintain(enum ns_line_state state, enum ns_cache_op op, bool invalidate_as_flush);

/* The line is chosen as a victim, or drifts out by itself. */
struct ns_line_effect ns_line_evict(enum ns_line_state state);

/* A store hits the line (state is not INVALID). Write-through passes the stored bytes on (not the line) and
 * leaves the state as it was; write-back makes the line dirty. */
struct ns_line_effect ns_line_store(enum ns_line_state state, bool write_through);

/* Which end lines a range operation covers when its ends are not line-aligned. */
enum ns_range_rounding {
    NS_ROUND_OUTWARD, /* every line that the range touches */
    NS_ROUND_INWARD,  /* only lines that lie inside the range completely */
};

/* What an *invalidate* does to a line that the range covers only in part. (Clean and flush need no exception.) */
enum ns_edge_policy {
    NS_EDGE_SAME,  /* the same operation: neighbours' dirty bytes are lost */
    NS_EDGE_FLUSH, /* clean and invalidate (Linux arm64) */
    NS_EDGE_SKIP,  /* the line is left alone (U-Boot's refusal of misaligned ends) */
};

struct ns_range_policy {
    enum ns_range_rounding rounding;
    enum ns_edge_policy edge;
};

/* The lines that an operation on [first, first + length) visits: `count` lines of `line` bytes from `start` on.
 * length 0 gives count 0. line: a power of two, 16 to 256 bytes. The range may not wrap past 2^64 (asserted). */
struct ns_line_range {
    uint64_t start; /* address of the first line visited */
    uint64_t count; /* number of lines */
};
struct ns_line_range ns_line_span(uint64_t first, uint64_t length, uint32_t line, enum ns_range_rounding rounding);

/* The operation that is performed on the line at `line_address` when the program named `op` on
 * [first, first + length). Returns false when the line is skipped; otherwise *performed is set. */
bool ns_line_operation(uint64_t line_address, uint32_t line, uint64_t first, uint64_t length, enum ns_cache_op op,
                       const struct ns_range_policy *policy, enum ns_cache_op *performed);

#ifdef __cplusplus
}
#endif
#endif
