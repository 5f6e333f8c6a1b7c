/* SPDX-License-Identifier: Apache-2.0 */
/* One verification under way: shared by verify.c (the searches), replay.c (names and counterexamples) and judge.c. */
#ifndef NS_VERIFY_VERIFY_INTERNAL_H
#define NS_VERIFY_VERIFY_INTERNAL_H

#include "verify/child.h"
#include "verify/search.h"
#include "verify/sink.h"
#include "verify/verify.h"

struct verification {
    const struct ns_scenario *scenario;
    const struct ns_verify_options *options;
    struct ns_verify_result *result;
    uint64_t begin_us;
    struct search_result found;
    bool static_waits; /* verify/waits.h */
    size_t lines_done, lines_all;
    struct child plain; /* the run in written order */
};

uint64_t verify_now_us(void);

/* subjects.c: all lines of the program, on as many threads as the options say; adds to all->found. */
struct lines;
enum ns_status search_lines(struct verification *all, const struct lines *lines, struct observation_sink *sink);

/* replay.c. What an API refused while the steps were taken down in this order (NULL: as written). */
enum ns_status keep_refusals(struct verification *all, const struct ns_log *log, const uint32_t *order);
/* Replays the discoveries, adds what the plain run shows, and judges the `expect`s. Ends the plain run in any case. */
enum ns_status name_hazards(struct verification *all, enum ns_status status);

/* judge.c: what the observations come to. */
enum ns_status judge_observations(struct verification *all, struct observation_sink *sink);

#endif
