/* SPDX-License-Identifier: Apache-2.0 */
/* The inside of one search: states, how they were reached, and what was found in them (search_states.c), one operation
 * in every way that it can go (search_operation.c), the search itself (search.c), and the schedules of what was found
 * (path.c). */
#ifndef NS_VERIFY_SEARCH_INTERNAL_H
#define NS_VERIFY_SEARCH_INTERNAL_H

#include "verify/observe.h"
#include "verify/search.h"
#include "verify/signals.h"

/* One unit's part of a transition: from which node of its closure, and what was done. */
struct taken {
    uint32_t unit;
    uint32_t node;
    struct world_move move; /* of an operation: a is the variant */
};

/* How a state was reached: by an operation of an actor, or by the hardware alone (posted writes leave their queue). */
struct transition {
    uint32_t parent; /* state */
    uint32_t taken;  /* in search.taken */
    uint16_t count;
    uint8_t actor;  /* actors: the hardware */
    bool looks;     /* a turn of a poll that did not end it */
    uint32_t index; /* operation of the actor */
};

struct state_info {
    struct transition by;
    uint32_t distance;
    uint16_t
        stops; /* steps on the way there that others interrupt: of two ways of one length, that with fewer is told */
    bool settled;
};

/* A finding and the way from the state where it begins. */
struct candidate {
    uint64_t key;
    struct finding finding;
    uint32_t unit;
    uint32_t distance;
    uint16_t stops;
    uint32_t state;
    struct transition by; /* parent == state */
    uint32_t last_node;   /* a finding of the hardware's: node of the unit's closure that shows it; else NO_INDEX */
};

struct bucket {
    size_t count, capacity;
    uint32_t *state;
};

struct search_state {
    struct projection *projection;
    const struct search_limits *limits;
    struct observation_sink *sink;
    struct search_result *result;
    struct signals signals;
    /* states: words behind each other */
    size_t words, pc_words, registers;
    uint32_t *word;
    struct state_info *info;
    uint32_t count, capacity;
    uint32_t *slot;
    size_t mask;
    struct taken *taken;
    size_t taken_count, taken_capacity;
    struct bucket *bucket;
    size_t bucket_count;
    struct candidate *candidate;
    size_t candidate_count, candidate_capacity;
    bool failed; /* no host memory */
    bool ended;  /* first_only: found */
    const char *stopped;
};

/* Has the actor begun the step of its operation `at`, and not ended it? */
static inline bool is_in_a_step(const struct projection *projection, unsigned actor, size_t at) {
    return at > 0 && at < projection->op_count[actor] &&
           projection->ops[actor][at].step == projection->ops[actor][at - 1].step;
}

static inline uint32_t *state_words(const struct search_state *search, uint32_t state) {
    return &search->word[(size_t)state * search->words];
}
static inline uint16_t *state_pcs(uint32_t *words) {
    return (uint16_t *)(void *)words;
}
static inline uint32_t *state_units(const struct search_state *search, uint32_t *words) {
    return words + search->pc_words;
}
static inline uint32_t *state_signals(const struct search_state *search, uint32_t *words) {
    return words + search->pc_words + search->projection->units;
}
static inline uint32_t *state_registers(const struct search_state *search, uint32_t *words) {
    return words + search->pc_words + search->projection->units + 1;
}

/* ---- search_states.c ------------------------------------------------------------------------- */

/* A state was reached; it is queued when that is news. `words`: search->words, not in the table. */
void search_reach(struct search_state *search, const uint32_t *words, uint32_t distance, struct transition by,
                  const struct taken *taken);
/* Keeps the shortest way to each story. `by`: the transition at work, whose taken are in `taken`. told: what the reader
 * was told, where the name depends on it. */
void search_report(struct search_state *search, const struct finding *finding, uint32_t unit, uint32_t distance,
                   struct transition by, const struct taken *taken, uint32_t last_node, uint32_t told);
/* A world could not do what was asked of it: the search ends. */
void search_give_up(struct search_state *search, const struct world *world);
/* Reports what the hardware alone makes of a state. */
void search_report_closures(struct search_state *search, uint32_t state);

/* ---- search_operation.c ---------------------------------------------------------------------- */

enum { TAKEN_LIMIT = 2 * SEARCH_UNITS };

/* An operation under way: what is left to do on which unit. */
struct search_work {
    struct search_state *search;
    uint32_t state; /* from which it starts */
    unsigned actor;
    uint32_t index; /* of the operation; NO_INDEX: the hardware */
    const struct projected_op *op;
    uint32_t words[512];
    uint32_t distance;
    size_t taken_count;
    struct taken taken[TAKEN_LIMIT];
    bool waits, looks;
    uint32_t poll_content, poll_unit;
};

void search_begin(struct search_work *work, struct search_state *search, uint32_t state);
/* Does the operation that `work` names in every way that it can go, up to the states behind it. */
void search_perform(struct search_work *work);
/* Posted writes leave their queues in order, each by itself. */
void search_drain_posted(struct search_state *search, struct search_work *work, uint32_t state);
/* Somebody polls. */
void search_drain_spinning(struct search_state *search, struct search_work *work, uint32_t state);

/* path.c: the schedule that leads to a state and from there through `last`, or (last_node) to a node of a unit's
 * closure. PATH_WITH_STEP: the step at which `last` hangs is named too. PATH_COMPLETE: with all steps that are left.
 * False without host memory. */
enum path_end { PATH_ENDS, PATH_WITH_STEP, PATH_COMPLETE };
bool path_to(const struct search_state *search, uint32_t state, const struct transition *last, uint32_t last_unit,
             uint32_t last_node, enum path_end end, struct ns_schedule_item **items, size_t *count);

#endif
