/* SPDX-License-Identifier: Apache-2.0 */
/* Between path.c (the schedule of a way) and path_stays.c (which writes wait in store buffers on it, and how long). */
#ifndef NS_VERIFY_PATH_INTERNAL_H
#define NS_VERIFY_PATH_INTERNAL_H

#include "verify/search_internal.h"

enum { PATH_WAY = 256 }; /* moves of the hardware between two operations */

/* A write that waits in a store buffer, between transitions of the way: counted from 0, the last one included. */
struct stay {
    uint64_t address; /* of the entry that stands for it */
    uint32_t op, unit;
    size_t from;  /* which brought it */
    size_t until; /* the last one that saw it there; `from`: none */
    uint8_t hart;
    bool leaves;         /* by itself, or because the buffer is full */
    uint64_t first, end; /* its bytes that are followed */
    uint64_t come;       /* up to where its store has come with that transition */
};

struct path {
    const struct search_state *search;
    const struct program *program;
    struct ns_schedule_item *item;
    size_t count, capacity;
    uint32_t emitted[SEARCH_ACTORS];   /* steps of each actor */
    uint32_t *by_actor[SEARCH_ACTORS]; /* its steps by number */
    uint32_t steps[SEARCH_ACTORS];     /* how many it has */
    size_t item_of[SEARCH_ACTORS];     /* the newest item of the actor's step; SIZE_MAX: none */
    struct {
        uint32_t op;    /* at which it stopped last */
        unsigned order; /* ... before which phase */
    } stopped[SEARCH_ACTORS];
    unsigned open;                /* the actor whose step the list ends with, or `actors` */
    const uint16_t *pcs;          /* where the actors are */
    uint32_t units[SEARCH_UNITS]; /* states of the worlds */
    struct stay *stay;
    size_t stay_count, stay_capacity;
    struct world_flight *early; /* what left a full queue before it had to: time passed while somebody polled */
    size_t early_count, early_capacity;
    struct ns_schedule_item *later; /* moves behind the operation at work */
    size_t later_count, later_capacity;
    bool failed;
};

/* ---- path.c ---------------------------------------------------------------------------------- */

void path_insert(struct path *path, size_t at, struct ns_schedule_item item);
/* A move behind the operation at work. */
void path_emit_later(struct path *path, struct ns_schedule_item item);
/* Which write on its way a move is about; false: none. */
bool path_flight_of(const struct path *path, uint32_t unit, uint32_t before, struct world_move move,
                    struct world_flight *flight);
/* The hardware's way from a state to a node of its closure, last move first; how many. */
size_t path_closure_way(const struct closure *closure, uint32_t node, uint32_t way[PATH_WAY]);

/* ---- path_stays.c ---------------------------------------------------------------------------- */

/* The stay of a write on its way; NULL: it need not be known. */
struct stay *stays_find(const struct path *path, uint32_t unit, const struct world_flight *flight);
/* First, for every transition of the way in its order: what comes, and what sees it. path->units is the state there. */
void stays_note_transition(struct path *path, const struct transition *by, const struct taken *taken, size_t number);
void stays_note_closure(struct path *path, uint32_t unit, uint32_t node, size_t number);
void stays_note_seen(struct path *path, uint32_t unit, size_t number);
/* Then, with transition `number`: what comes and is seen behind it is held from here on (`at`: where in the list), and
 * what is seen there for the last time leaves behind it. */
void stays_emit(struct path *path, size_t number, size_t at);

#endif
