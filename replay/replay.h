/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An address trace through a hierarchy of caches: counts, no data, no time.
 *
 * Levels that allocate each on its own (NS_INCLUSION_NEITHER) are filters one behind the other (level.h). Inclusive and
 * exclusive hierarchies, where a level below changes one above, run on the caches of cache/ themselves, several times
 * slower. Data accesses enter L1D, instruction fetches L1I; what both miss meets in L2, in the order of the trace.
 */
#ifndef NS_REPLAY_REPLAY_H
#define NS_REPLAY_REPLAY_H

#include "replay/level.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Which simulator the counts equal. */
enum ns_replay_like {
    NS_LIKE_DINERO,     /* Dinero IV release 7: a reference for each line touched; write-backs */
    NS_LIKE_CACHEGRIND, /* valgrind's cachegrind: a reference and one miss at most for each access; no write-backs */
};

struct ns_replay_config {
    struct ns_cache_config cache; /* level[0] is L1D; harts, fill, reach, range and late write-backs do not matter */
    bool has_l1i;                 /* without it instruction fetches are left out */
    struct ns_cache_level_config l1i;
    enum ns_replay_like like;
};

/* NS_OK, or NS_ERROR_ARGUMENT and one sentence. */
enum ns_status ns_replay_config_check(const struct ns_replay_config *config, char *reason, size_t reason_size);

struct ns_replay;

/* NULL: the host is out of memory, or the configuration is wrong. Free with ns_replay_destroy (NULL is ok). */
struct ns_replay *ns_replay_create(const struct ns_replay_config *config);
void ns_replay_destroy(struct ns_replay *replay);

/* The next accesses of the trace, any number of them. NS_OK; NS_ERROR_ADDRESS when a hierarchy that runs on cache/
 * meets an address of more than NS_PHYSICAL_BITS bits: *bad is then the index of that access, and those before it are
 * done. */
enum ns_status ns_replay_run(struct ns_replay *replay, const struct ns_accesses *accesses, size_t *bad);

/* What has been counted so far. Rows: L1I if there is one, then L1D, L2, L3. */
#define NS_REPLAY_MAX_ROWS (NS_CACHE_MAX_LEVELS + 1)
struct ns_replay_row {
    const char *name; /* "L1I", "L1D", "L2", "L3" */
    const struct ns_cache_level_config *config;
    struct ns_level_counts counts;
    bool has_bytes; /* bytes_read, bytes_written and split are known */
};
size_t ns_replay_rows(const struct ns_replay *replay, struct ns_replay_row rows[NS_REPLAY_MAX_ROWS]);

/* For tests and benchmarks: the portable loop in every level; "avx2", "portable" or "cache" for L1D. */
void ns_replay_make_portable(struct ns_replay *replay);
const char *ns_replay_loop(const struct ns_replay *replay);

#ifdef __cplusplus
}
#endif
#endif
