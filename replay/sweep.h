/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Many data caches of one level in one pass over a trace.
 *
 * LRU caches that write back and allocate, and have the same sets and lines, share one pass: a stack per set, in which
 * the depth of a line says from how many ways on it hits (Mattson, Gecsei, Slutz, Traiger, "Evaluation techniques for
 * storage hierarchies", 1970), and with each line the number of ways from which on it is dirty (Thompson and Smith,
 * "Efficient (stack) algorithms for analysis of write-back and sector memories", 1989). All others are simulated.
 * Counts are those of level.h.
 */
#ifndef NS_REPLAY_SWEEP_H
#define NS_REPLAY_SWEEP_H

#include "replay/level.h"

#ifdef __cplusplus
extern "C" {
#endif

#define NS_SWEEP_MAX        4096u               /* caches in one sweep */
#define NS_SWEEP_MOST_BYTES (UINT64_C(4) << 30) /* of host memory that the command lets a sweep take */

struct ns_sweep;

/* Bytes of host memory that a sweep of these takes, or somewhat more (it counts each cache as if it shared nothing). */
uint64_t ns_sweep_bytes(const struct ns_cache_level_config *configs, size_t count);

/* `configs` is copied; each has passed ns_cache_config_check. count: 1 to NS_SWEEP_MAX. NULL: out of memory. */
struct ns_sweep *ns_sweep_create(const struct ns_cache_level_config *configs, size_t count, uint64_t seed);
void ns_sweep_destroy(struct ns_sweep *sweep);
/* The next accesses; instruction fetches must not be among them. */
void ns_sweep_run(struct ns_sweep *sweep, const struct ns_accesses *accesses);
/* Of cache `index` so far. split, bytes_read and bytes_written stay 0. */
void ns_sweep_get_counts(const struct ns_sweep *sweep, size_t index, struct ns_level_counts *counts);
/* How many passes the sweep makes: one for each group of LRU caches, one for each other cache. */
size_t ns_sweep_passes(const struct ns_sweep *sweep);

#ifdef __cplusplus
}
#endif
#endif
