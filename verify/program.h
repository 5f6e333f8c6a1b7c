/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A scenario as a program of operations: what each actor does, in its own order, and what else orders them. Made from a
 * recording (model/recording.h); the order of the recording is the written order.
 *
 * Edges that are none of the operations' own (doorbell, interrupt, poll):
 *  - a step that uses what another actor's step made (a handle, an allocation, a list, a register) comes after it;
 *  - calls of the DMA API and of allocators about the same bytes keep their written order among harts: a driver has
 *    locks that a scenario does not write down;
 *  - a device that neither starts nor polls begins each step where it is written: after every step before it; one that
 *    is rung without a `start` begins after the last doorbell before it;
 *  - a device whose end nobody waits or polls for has ended each step where it is written: every step behind it comes
 *    after it.
 */
#ifndef NS_VERIFY_PROGRAM_H
#define NS_VERIFY_PROGRAM_H

#include "model/recording.h"
#include "scenarios/scenario.h"

#define NO_INDEX UINT32_MAX

/* One operation. `recorded` holds its addresses and kind. */
struct program_op {
    struct ns_recorded recorded;
    uint32_t mapping;    /* MAP, UNMAP, SYNC: the mapping, or NO_INDEX */
    uint32_t source;     /* STORE, DMA_WRITE: the operation whose bytes it copies, or NO_INDEX */
    uint32_t reg;        /* LOAD, DMA_READ: the register that keeps the bytes, or NO_INDEX */
    uint32_t source_reg; /* STORE, DMA_WRITE: the register that it stores, or NO_INDEX */
    uint32_t poll; /* LOAD, DMA_READ that polls: offset into the data of the value waited for; NO_INDEX: no poll */
    uint32_t poll_length;
    /* Others can see a part of it: entries of its queues leave in so many phases more, behind the operation (of a
     * write), or before it (of a fence or an access that makes older writes leave). */
    uint8_t phases;
    bool loose; /* entries leave by themselves as well: a phase only lets more of them come */
};

/* Kinds of step by what the verifier may do with them. */
enum program_step_kind {
    STEP_MANDATORY,
    STEP_OPTIONAL, /* a step of the hardware that the machine's `may` list does not cover: once it may, it may */
};

struct program_step {
    uint32_t site;
    uint32_t line;
    uint32_t first, count; /* operations */
    uint32_t number;       /* among the steps of its actor */
    uint8_t actor;
    enum program_step_kind kind;
    bool exists; /* false: the allocation it is about failed, or a step of the hardware that `may` covers */
};

struct program_mapping {
    uint64_t address, length;
    uint8_t device; /* actor */
    uint8_t direction;
    bool undefined;
    uint32_t pair; /* the other side of a bounce, or NO_INDEX */
};

/* Bytes [first, end) of a write that have left its queue when operation `at` of the same actor has been performed.
 * phase: where others can come between, see program_op; 0: together with the operation. */
struct program_leave {
    uint32_t op, at; /* may be the same: the write does not fit into its queue */
    uint64_t first, end;
    uint8_t phase;
};

/* Bytes [first, end) of a write that come into their queue, or set off, in phase `phase` (above 0) of its operation. */
struct program_come {
    uint32_t op;
    uint64_t first, end;
    uint8_t phase;
};

/* Bytes [first, end) that an actor polls. */
struct program_poll {
    uint64_t first, end;
    uint8_t actor;
};

/* How program and device tell each other where they are. */
struct program_device {
    bool starts, rung, polls, signals;
};

struct program {
    const struct ns_scenario *scenario;
    const struct ns_machine_config *machine;
    uint32_t may;                    /* verify/freedom.h */
    const uint8_t *data;             /* of the recording */
    unsigned actors, harts, devices; /* actors: harts, devices, hw */
    size_t op_count;
    struct program_op *ops; /* in written order, set-up first */
    size_t setup_count;     /* operations before the first step */
    size_t step_count;
    struct program_step *steps; /* by number of the step as executed */
    uint32_t *needs;            /* step_count * actors: how many steps of each actor must be over before it begins */
    size_t mapping_count;
    struct program_mapping *mappings;
    struct program_device device[NS_LIMIT_DEVICES];
    size_t poll_count;
    struct program_poll *polls;
    size_t come_count;
    struct program_come *comes; /* by op, then first */
    size_t leave_count;
    struct program_leave *leaves; /* by op, then first; see queues.h */
    uint32_t queues_known;        /* bit per actor */
    uint32_t caching;             /* bit per hart: the hardware fills and evicts its L1; see find_caching() */
    bool unreduced;               /* see ns_verify_options */
    unsigned acting;              /* harts that do something */
    size_t condition_count;
    struct ns_recorded *conditions;
    bool observed[NS_LIMIT_REGISTERS]; /* registers whose values are asked for; set by who asks */
    bool order_assumed;
    bool hardware_ordered; /* steps of the hardware are done where they stand, and keep the order around them */
    bool calls_ordered;    /* calls of several harts on one object keep the written order, which nothing else tells */
    bool scoped;           /* some maintenance does not reach every level: then it matters which level holds a line */
    bool clocks;           /* order by edges is checked for some device */
};

/* A step that takes or gives back memory: where harts compete, each order of these is a program of its own. */
bool program_allocates(enum ns_verb verb);

/* NS_OK, NS_ERROR_MEMORY, or NS_ERROR_LIMIT. The recording's data must outlive the program. order: the order of steps
 * in which it was recorded, NULL as written; allocations keep it, whoever makes them. conversation: see
 * ns_verify_options, or NULL. */
enum ns_status program_create(struct program *program, const struct ns_scenario *scenario,
                              const struct ns_recording *recording, const uint32_t *order,
                              const struct ns_scenario *conversation);
/* As ns_verify_options.unreduced says. */
void program_explore_all(struct program *program);
void program_release(struct program *program);

/* Does another actor poll some of these bytes? */
bool program_is_polled(const struct program *program, uint64_t first, uint64_t end, unsigned actor);
/* Does it act line after line, so that others may come between where they poll a line of it? Maintenance and cacheable
 * stores of several lines do. */
bool program_goes_by_lines(const struct program *program, const struct ns_recorded *entry);
/* What each actor was told is followed: some edge is checked, or a poll tells of a write that its actor is still at. */
static inline bool program_follows(const struct program *program) {
    return program->clocks || program->poll_count > 0;
}
/* Do entries of a store buffer leave by themselves? */
static inline bool program_stores_leave(const struct program *program) {
    const struct ns_machine_config *machine = program->machine;
    return machine->store_buffer_drain != NS_DRAIN_EAGER &&
           ((program->may & NS_MAY_DRAIN) != 0 || machine->store_buffer_drain == NS_DRAIN_AFTER);
}
/* May the search take entries for being in a full queue that have left? In a store buffer where they leave only when
 * something makes them, and what does is not known beforehand (page tables change, or `hw: drain` may come or not); in
 * a queue of late maintenance that is too short for the program. */
bool program_is_rough(const struct program *program);
/* The phases come before the operation. */
static inline bool program_phases_first(const struct program_op *op) {
    return op->recorded.kind != NS_RECORDED_STORE && op->recorded.kind != NS_RECORDED_DMA_WRITE;
}
static inline uint32_t program_need(const struct program *program, uint32_t step, unsigned actor) {
    return program->needs[(size_t)step * program->actors + actor];
}

#endif
