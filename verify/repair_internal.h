/* SPDX-License-Identifier: Apache-2.0 */
/* A search for repairs: what is proposed (propose.c), and which of it makes the proof go through (repair.c). */
#ifndef NS_VERIFY_REPAIR_INTERNAL_H
#define NS_VERIFY_REPAIR_INTERNAL_H

#include "verify/edit.h"

enum { PARTS = 3, CANDIDATES = 400, RANGES = 24, USEFUL = 24 };

/* One idea: up to PARTS edits that belong together. */
struct candidate {
    struct edit edit[PARTS];
    unsigned edits;
    bool separates, uncached;
};

/* Bytes that a device touches, or that a driver hands over. */
struct range {
    uint32_t object;
    int64_t offset;
    uint64_t length;
    char text[96];
};

struct repair {
    const struct ns_scenario *scenario;
    const struct ns_repair_options *options;
    struct ns_repair_result *result;
    size_t candidate_count;
    struct candidate *candidate;
    size_t range_count;
    struct range range[RANGES];
    uint32_t limit;
    size_t story_count;
    uint64_t *stories;
    enum ns_status status;
};

/* Changes that might help, into repair->candidate, which has room for CANDIDATES: what does not fit is left out. */
void propose(struct repair *repair);
/* A line of the scenario, without its end. */
void repair_copy_line(const struct ns_scenario *scenario, uint32_t line, char text[EDIT_TEXT]);

#endif
