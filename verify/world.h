/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The world of one unit (verify/lines.h): its copies in all caches, what lies in memory, what is on its way, the flat
 * memory, who owns which byte. A world's states are numbered; what an operation or a move of the hardware does to one
 * is computed once, by the same code as the timed machine's: the hierarchy of cache/, the rules of model/.
 *
 * The hardware's own moves are not taken one by one. A state's *closure* is every state that they lead to; the search
 * takes it just before something touches the unit: before that nobody can tell the difference (docs/verify.md).
 */
#ifndef NS_VERIFY_WORLD_H
#define NS_VERIFY_WORLD_H

#include "model/byte_state.h"
#include "model/rules.h"
#include "verify/lines.h"

/* What happens to a unit, as one number. */
enum world_action {
    WORLD_OP,     /* operation `index` of the unit, in variant `a` */
    WORLD_FENCE,  /* hart a's store buffer and late write-backs; index 1: the store buffer alone */
    WORLD_FLUSH,  /* all posted writes of device a (its actor) */
    WORLD_POSTED, /* its oldest one */
    WORLD_HANDED, /* a doorbell of device a (its actor) rings: for the past alone */
    WORLD_SEEN,   /* device a (its actor) has seen what it polled: for the past alone */
    WORLD_FORCED, /* hart a's oldest entry of the store buffer: it is full; index: 1 + a cell that it holds, 0: any */
    WORLD_PHASE,  /* what leaves in phase `a` of operation `index` */
    WORLD_BEGIN,  /* operation `index`, a cacheable store of several lines, is at another one: it is under way */
    WORLD_REST,   /* ... and now it is at this one, in variant `a` */
    /* moves of the hardware; index: which line of L1, or which entry */
    WORLD_FILL,
    WORLD_SAMPLE,
    WORLD_INSTALL,
    WORLD_EVICT,
    WORLD_EVICT_L1,
    WORLD_DIRTY,
    WORLD_DRAIN,
    WORLD_DRAIN_LATE,
};
struct world_move {
    uint8_t action, a;
    uint16_t index;
};
/* Variants of an operation: the memory type that the hart's TLB says, and how an invalidate is performed. */
enum { VARIANT_TYPE = 3, VARIANT_FAULTS = 4, VARIANT_AS_FLUSH = 8 };

enum finding_kind {
    FOUND_STALE,
    FOUND_LOST,
    FOUND_TYPE, /* another memory type than was meant */
    FOUND_FAULT,
    FOUND_LEAK,  /* a mapped byte that the device never wrote */
    FOUND_OWNER, /* ownership or order: `reason` */
    FOUND_HANG,
    FOUND_KINDS
};
struct finding {
    uint8_t kind;
    uint8_t where; /* of the newest version, so that different stories are kept apart */
    uint8_t torn;
    uint8_t reason;
    uint16_t first, end;  /* cells */
    uint16_t stamp;       /* which operations on the unit came before the newest version was written */
    uint16_t past;        /* ... and before this was found */
    uint16_t unit_op;     /* 1 + the operation, 0: a move of the hardware */
    uint16_t dirty;       /* FOUND_LOST by a write: which other bytes it changed; bytes of one line blame each other */
    uint32_t got, newest; /* versions */
};

/* An ownership rule that is broken unless operation `ordered` (of the program) happened before. */
struct race {
    uint32_t ordered;
    struct finding finding;
};

struct outcome {
    uint32_t state;
    uint32_t node;    /* of the closure it starts from */
    uint32_t content; /* what a register keeps, or 0 */
    uint16_t cost;    /* moves of the hardware until there */
    uint8_t variant;
    bool stale; /* the access was stale: ownership is not judged on top */
    bool waits; /* a poll that did not see its value */
};

struct costly_finding {
    struct finding finding;
    uint32_t node;
    uint16_t cost;
    uint8_t variant;
};

struct reaction {
    size_t outcome_count, finding_count;
    struct outcome *outcomes;
    struct costly_finding *findings;
    /* An operation's ownership, judged on the state before. */
    bool has_owner;
    struct finding owner; /* broken whatever is ordered */
    size_t race_count;
    struct race *races;
};

struct closure_node {
    uint32_t state, parent;
    struct world_move move;
    uint16_t cost;
    bool leaf; /* a state that is there already: only the way to it matters, because it shows a finding */
};
struct closure {
    size_t node_count, finding_count;
    struct closure_node *nodes; /* [0] is the state itself */
    struct costly_finding *findings;
};

struct world;

/* Freedoms that a search may switch off; by default what the machine's `may` says. */
struct world_options {
    uint32_t may;
    bool keep_contents; /* registers are observed */
    /* Not all cells of the unit are followed: only those that are polled, and bytes [first, end). What a byte's fate
     * depends on is the line's and its own; the others are left out, so that their orders do not multiply. */
    bool focused;
    uint16_t first, end;
    const bool *polls; /* by operation of the program: which polls count; NULL: all */
};

/* How many cells of the unit have writes that may wait on their way: where each takes part, their orders multiply. */
unsigned world_flying_cells(const struct lines *lines, const struct unit *unit);
/* What a byte's story may be told by beside its state: the operations that touch it, its line, or only its object, as
 * one number. Equal for bytes of the same history, on whatever line. */
uint32_t world_history(const struct world *world, unsigned cell);
/* NULL without host memory. The lines and the program must outlive it. */
struct world *world_create(const struct lines *lines, const struct unit *unit, const struct world_options *options);
void world_destroy(struct world *world);

uint32_t world_initial(const struct world *world);
/* Valid until world_destroy; NULL: the host has no memory left, or a closure is larger than the limit. */
const struct closure *world_closure(struct world *world, uint32_t state);
const struct reaction *world_react(struct world *world, uint32_t state, struct world_move move);

/* The unit's own operation for an operation of the program, or NO_INDEX. */
uint32_t world_op(const struct world *world, uint32_t op);
const struct unit_op *world_unit_op(const struct world *world, uint32_t index);
const struct unit *world_unit(const struct world *world);
/* Do followed bytes leave a queue in this phase of operation `op` of the program? */
bool world_has_phase(const struct world *world, uint32_t op, unsigned phase);
/* Can the operation change nothing, and find nothing, in this world? It passes the caches, and none of its bytes are
 * followed. */
bool world_ignores(const struct world *world, uint32_t index);

/* Entries on their way: how many of hart's store buffer; the oldest one's age (op, then cell), for a device's posted
 * writes or a hart's store buffer. False: none. */
unsigned world_buffered(struct world *world, uint32_t state, unsigned hart);
bool world_late(struct world *world, uint32_t state, unsigned hart);
/* What a diagnosis asks of the past in this state, and of that of the cell's newest version, as one number. */
uint16_t world_past(struct world *world, uint32_t state, unsigned cell);
/* Nothing is on its way. */
bool world_is_quiet(struct world *world, uint32_t state);
bool world_oldest(struct world *world, uint32_t state, unsigned actor, uint64_t *age);
/* How many entries a non-cacheable store, or a posted write, makes; 0: none. */
unsigned world_entries(const struct world *world, uint32_t unit_op, unsigned variant);

/* One move, without what the hardware may do before it. waits: a poll that did not see its value. */
uint32_t world_perform(struct world *world, uint32_t state, struct world_move move, bool *waits);
/* The versions of a kept content. */
size_t world_content(const struct world *world, uint32_t content, const ns_version **versions);
/* A write on its way, by its index, oldest first. Its bytes may be several entries of the real queue, of `entry`
 * aligned bytes each, that fare alike. False: there are not so many. */
struct world_flight {
    uint64_t first, end; /* physical, [first, end) */
    uint32_t entry;
    uint32_t op;   /* of the program: the write */
    uint16_t cell; /* its first one */
    uint8_t actor;
    bool buffered; /* in a store buffer */
};
bool world_flight(struct world *world, uint32_t state, unsigned index, struct world_flight *flight);

/* The types that the hart may use for an operation now, as a mask of 1 << enum ns_memory_type and VIEW_FAULTS. */
uint8_t world_types(struct world *world, uint32_t state, uint32_t unit_op);
/* ... of a view, whatever the operation. */
uint8_t world_view_types(struct world *world, uint32_t state, unsigned view, unsigned hart);
/* Would the hardware make the entry that the page table holds now anyway? The type there. */
uint8_t world_current_type(struct world *world, uint32_t state, unsigned view);

/* Values. A byte of the unit (its offset) as memory, a cache level, or a kept content holds it; false: not there, or it
 * was copied from elsewhere and is not known here. */
bool world_memory_byte(struct world *world, uint32_t state, uint32_t offset, uint8_t *value);
bool world_cache_byte(struct world *world, uint32_t state, unsigned level, unsigned hart, uint32_t offset,
                      uint8_t *value, bool *present);
bool world_content_byte(const struct world *world, uint32_t content, uint32_t unit_op, uint32_t offset, uint8_t *value);
/* Physical address of a cell's first byte; length of a run of cells. */
uint64_t world_cell_address(const struct world *world, unsigned cell);

struct world_size {
    uint64_t states, moves, bytes;
};
struct world_size world_measure(const struct world *world);
/* A limit of the world was met, or a value that a poll needs is copied from elsewhere: why, or NULL. */
const char *world_trouble(const struct world *world);
/* Something could not be computed: the host has no memory left, and not a limit that was met. */
bool world_out_of_memory(const struct world *world);

#endif
