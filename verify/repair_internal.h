/* SPDX-License-Identifier: Apache-2.0 */
/* A search for repairs: what is proposed (propose.c, propose_steps.c), and which of it makes the proof go through
 * (repair.c). */
#ifndef NS_VERIFY_REPAIR_INTERNAL_H
#define NS_VERIFY_REPAIR_INTERNAL_H

#include "verify/edit.h"

enum { PARTS = 3, CANDIDATES = 400, RANGES = 24, USEFUL = 24 };

/* One idea: up to PARTS edits that belong together. */
struct candidate {
    struct edit edit[PARTS];
    unsigned edits;
    bool separates, retimes, uncached; /* as in struct ns_repair_fix */
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
/* Of these (propose_steps.c): each clean, invalidate and flush as another of the three, ... */
void propose_other_operations(struct repair *repair);
/* ... and each store that nobody else can see, behind what its hart does after a wait, or in front of a hand-over. */
void propose_other_times(struct repair *repair);

/* NULL: there is no room for one more. */
struct candidate *repair_new_candidate(struct repair *repair);
/* Nothing when `candidate` is NULL or has PARTS edits. */
void repair_add_edit(struct candidate *candidate, enum edit_kind kind, uint32_t line, const char *text);
/* The object reference behind a reference: a handle stands for what was mapped. NULL: there is none, or it is not
 * known. */
const struct ns_ref *repair_object_ref(const struct ns_scenario *scenario, const struct ns_ref *ref);
/* A line of the scenario, without its end, and a step without the hazards that it expects: what is expected of a bug is
 * no part of its repair. */
void repair_copy_line(const struct ns_scenario *scenario, uint32_t line, char text[EDIT_TEXT]);

#endif
