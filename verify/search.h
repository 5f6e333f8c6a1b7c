/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The search: one data line together with the control lines, all interleavings of the actors, all that the hardware may
 * do. States are visited by the number of steps and moves that lead to them, so that the first path to a finding is a
 * shortest one.
 */
#ifndef NS_VERIFY_SEARCH_H
#define NS_VERIFY_SEARCH_H

#include "scenarios/schedule.h"
#include "verify/world.h"

#include <signal.h>

/* One operation of an actor that this search must know of, and the units that it touches; or a part of one, where
 * others can see the parts before it: the parts of one operation follow each other. */
struct projected_op {
    uint32_t op;
    uint32_t step;
    uint64_t stops;  /* physical: where its step can be stopped in front of this part; UINT64_MAX: as an operation */
    uint8_t order;   /* which phase of the operation this is, from 0, when it has several */
    bool settles;    /* behind this part the queue holds no more than it has room for */
    bool is_part;    /* the operation itself has been done, or comes later: nothing has to arrive for it first */
    bool interrupts; /* others may come between this and what is before it in its step */
    bool calls;      /* within a call of an API that one hart makes at a time */
    uint32_t weight; /* steps of the actor that end with it and had not ended before */
    uint32_t touch, touches; /* in projection.touch */
    uint32_t needs;          /* in projection.need: one number per actor, how far that one must be */
};
struct projected_touch {
    uint32_t unit; /* of the projection */
    uint32_t unit_op;
    uint8_t action; /* enum world_action: WORLD_OP, WORLD_PHASE, WORLD_BEGIN or WORLD_REST */
    uint8_t phase;  /* WORLD_PHASE */
};

enum { SEARCH_UNITS = 160, SEARCH_ACTORS = 20 };

struct projection {
    const struct program *program;
    unsigned actors, units;
    struct world *world[SEARCH_UNITS];
    size_t op_count[SEARCH_ACTORS];
    struct projected_op *ops[SEARCH_ACTORS];
    struct projected_touch *touch;
    uint16_t *need;
    size_t touch_count, touch_capacity, need_count, need_capacity;
    uint32_t tight; /* bit per hart: more of its stores are followed than its buffer has room for beside another */
    bool posted;    /* some device's writes may wait */
    bool few;       /* some polls are left out: what they tell is not known */
    bool late;      /* maintenance completes late here: always, or in this search of what the machine may do */
};

/* `unit`: the data line first, then the control lines; `options`: of each. keep: by operation of the program, which
 * polls take part; NULL: all. */
enum ns_status projection_create(struct projection *projection, const struct lines *lines,
                                 const struct unit *const *unit, unsigned units, const struct world_options *options,
                                 const bool *keep);
void projection_release(struct projection *projection);
/* 1 + how many operations of its actor that the search knows come before it. */
uint32_t projection_stamp(const struct projection *projection, uint32_t op);

/* What was found, and by which way. */
struct discovery {
    struct finding finding;
    uint32_t unit; /* address of the byte: */
    uint64_t first, last;
    uint32_t step;                   /* as executed; UINT32_MAX: the hardware */
    uint32_t op;                     /* of the program, or NO_INDEX */
    uint64_t other_first, other_end; /* the whole access, where what else it touches matters; else 0 */
    uint64_t line;                   /* ... of so many bytes */
    uint32_t newest_step;            /* as executed, that wrote the newest version; UINT32_MAX: none did */
    uint32_t length;
    struct ns_schedule_item *schedule;
    size_t schedule_count;
    uint64_t key; /* equal for what is one story */
};

/* What a complete behaviour leaves behind, by conditions and registers. */
struct observation_sink;

struct search_limits {
    uint64_t states;
    uint64_t bytes;
    uint64_t deadline_us; /* of the monotonic clock; 0: none */
    const volatile sig_atomic_t *stop;
    void (*progress)(void *context, uint64_t states);
    void *context;
    bool first_only; /* end at the first finding */
};

struct search_result {
    uint64_t states, transitions, bytes;
    struct world_size worlds;
    const char *incomplete; /* why it ended early, or NULL */
    size_t refused;         /* calls that an API refused, whatever the order */
    size_t count, capacity;
    struct discovery *discoveries;
};

/* `sink` may be NULL. NS_OK or NS_ERROR_MEMORY. */
enum ns_status search(struct projection *projection, const struct search_limits *limits, struct observation_sink *sink,
                      struct search_result *result);
void search_result_release(struct search_result *result);

#endif
