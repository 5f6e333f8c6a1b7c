/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The MESI protocol that keeps the private L1s of several harts coherent: one table, from a copy's state and what
 * happens to the state after it. Pure functions.
 *
 * What a state means for the *data* of a line is in line.h: MODIFIED is dirty, EXCLUSIVE and SHARED are clean. The
 * difference between those two is who else may hold a copy, and so what a store costs: none of them may ever be written
 * back.
 *
 * Sources: M. S. Papamarcos, J. H. Patel: "A low-overhead coherence solution for multiprocessors with private cache
 * memories", ISCA 1984 (the "Illinois" protocol: a miss fills exclusively when no other cache answers; a store to an
 * exclusive copy is silent; a modified copy that is read by another goes to memory and stays, shared).
 */
#ifndef NS_CACHE_MESI_H
#define NS_CACHE_MESI_H

#include "cache/line.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The order matters: from EXCLUSIVE on, no other L1 has the line or is about to get it. */
enum ns_mesi {
    NS_MESI_INVALID,
    NS_MESI_SHARED,    /* clean; others may hold it too. A copy that is the last one by now stays shared */
    NS_MESI_EXCLUSIVE, /* clean, the only copy in any L1 */
    NS_MESI_MODIFIED,  /* dirty, the only copy in any L1 */
};

enum ns_mesi_event {
    NS_MESI_LOAD,  /* this hart loads, or its prefetcher fills */
    NS_MESI_STORE, /* this hart stores */
    NS_MESI_CLEAN, /* a clean reaches this copy */
    NS_MESI_LEAVE, /* eviction, invalidate or flush of this copy; what becomes of its data says line.h */
    NS_MESI_OTHER_LOAD,
    NS_MESI_OTHER_STORE, /* of another hart, or a write of an IO-coherent master */
};

/* What the other L1s get to see of it. */
enum ns_mesi_request {
    NS_MESI_NO_REQUEST,
    NS_MESI_READ, /* OTHER_LOAD for them */
    NS_MESI_OWN,  /* OTHER_STORE for them: a store miss, or an upgrade of a shared copy */
};

struct ns_mesi_effect {
    enum ns_mesi next;
    enum ns_mesi_request request;
    bool write_back; /* the modified line goes to the level below first (not for LEAVE) */
};

/* `others`: some other L1 holds the line, or has a fill of it in flight; only a LOAD of an invalid copy asks for it.
 * A store does not modify the copy of a write-through cache: it is EXCLUSIVE after it. (A modified copy stays one: an
 * exclusive hierarchy may have moved the line up as it was.) */
struct ns_mesi_effect ns_mesi_step(enum ns_mesi state, enum ns_mesi_event event, bool others, bool write_through);

/* What the state means for the line's data. */
static inline enum ns_line_state ns_mesi_line(enum ns_mesi state) {
    return state == NS_MESI_MODIFIED ? NS_LINE_DIRTY : state == NS_MESI_INVALID ? NS_LINE_INVALID : NS_LINE_CLEAN;
}

/* "I", "S", "E", "M". */
const char *ns_mesi_name(enum ns_mesi state);

#ifdef __cplusplus
}
#endif
#endif
