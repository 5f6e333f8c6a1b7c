/* SPDX-License-Identifier: Apache-2.0 */
/* A world's inside: the bench, on which one state at a time is laid out and worked on (bench.c, bench_*.c), and the
 * numbered states with what is known of them (world.c). */
#ifndef NS_VERIFY_WORLD_INTERNAL_H
#define NS_VERIFY_WORLD_INTERNAL_H

#include "cache/cache.h"
#include "verify/world.h"

enum {
    FLIGHT_LIMIT = 96,     /* entries on their way, of one unit */
    FINDING_LIMIT = 64,    /* of one operation */
    CLOSURE_LIMIT = 20000, /* states that the hardware reaches by itself */
    LATE_LINES = 16,       /* as in scenarios/chaos.c */
};

/* A store-buffer entry or a posted write. */
struct flight {
    uint32_t op; /* of the program; its versions are op + 1 */
    uint16_t first, end;
    uint8_t actor;
    uint8_t posted; /* enum flight_kind */
    uint8_t coming; /* the phase of its operation in which it comes; 0: it has */
};
/* In a store buffer, or posted, whether it waits in a queue or not; through the caches, from a device that snoops; or a
 * cacheable store that is still at another line. */
enum flight_kind { FLIGHT_BUFFERED, FLIGHT_POSTED, FLIGHT_SNOOPING, FLIGHT_BEGUN };

/* What came last, in programs with several harts or with polls (bench_past.c). */
struct past {
    uint16_t invalidate, clean;       /* 1 + operation of the unit: the last one; 0: none. A flush is both */
    uint8_t handed;                   /* since that invalidate: bit per device that was told to begin */
    uint8_t handed_before;            /* the same, before it */
    uint8_t polled;                   /* bit per device that has seen what it polled */
    bool stored;                      /* since then a hart has stored */
    bool stored_before_handed;        /* ... and then told a device */
    bool read;                        /* since that clean a device has read */
    uint8_t done[NS_CACHE_MAX_HARTS]; /* operations of each hart that maintained or handed over */
};

/* One state of the unit, laid out. Arrays have one element per cell. */
struct bench {
    struct world *world;
    struct ns_cache *cache;
    ns_version memory[UNIT_MAX], flat[UNIT_MAX];
    uint8_t flags[UNIT_MAX];    /* model/byte_state.h */
    uint16_t mapping[UNIT_MAX]; /* 1 + index into the program's mappings: the newest live one */
    uint16_t device_write[UNIT_MAX], device_read[UNIT_MAX]; /* 1 + operation of the unit: the last one */
    uint16_t stamp[UNIT_MAX]; /* bench_past_of_write(), when the flat version was written */
    uint16_t touched;         /* operations that maintained or handed over */
    struct past past;
    uint16_t looked;                               /* lookers that are over */
    uint8_t types[UNIT_VIEWS][NS_CACHE_MAX_HARTS]; /* what the hart's TLB may say */
    uint8_t current[UNIT_VIEWS];                   /* what the page table says */
    uint16_t typed[UNIT_VIEWS];                    /* 1 + the operation that made it say so; 0: none */
    unsigned flight_count;
    struct flight flight[FLIGHT_LIMIT];
    /* while it works: */
    uint16_t unit_op; /* 1 + the operation at work; 0: the hardware */
    bool maintaining;
    uint16_t named_first, named_end;
    unsigned finding_count;
    struct finding finding[FINDING_LIMIT];
    bool stale, waits;
    bool reads_content;
    uint16_t content_first, content_end;
    ns_version content[UNIT_MAX];
    const char *trouble;
};

struct entry_table { /* numbers by hash; open addressing */
    uint32_t *slot;
    size_t mask, count;
};

/* What one move does to one state: computed once. */
struct effect {
    uint64_t key; /* as of a memo; UINT64_MAX: free */
    uint32_t next, content;
    uint32_t finding; /* in world.finding */
    uint8_t finding_count;
    bool stale, waits;
};

struct memo {
    uint64_t key; /* state << 32 | move */
    struct reaction *reaction;
};

struct world {
    const struct lines *lines;
    const struct program *program;
    const struct ns_machine_config *machine;
    struct world_options options;
    struct unit unit;
    struct unit_op *ops; /* folded */
    uint16_t cut[UNIT_MAX + 1];
    uint32_t line_cells, cells, line_count;
    bool follows[UNIT_MAX];       /* by cell */
    bool contested[UNIT_MAX];     /* by cell: followed, and written more than once */
    uint16_t lookers;             /* operations that a clean copy matters to; see world_outcomes.c */
    uint8_t bypassed[UNIT_VIEWS]; /* bit per hart: accesses that pass the caches go through this view */
    struct bench bench;
    uint32_t on_bench; /* state that the bench holds, or NO_INDEX */
    /* states: bytes behind each other */
    uint8_t *bytes;
    size_t byte_count, byte_capacity;
    size_t *offset;
    uint32_t state_count, state_capacity;
    struct entry_table states;
    struct closure **closures; /* by state */
    struct memo *memos;
    size_t memo_mask, memo_count;
    struct effect *effects;
    size_t effect_mask, effect_count;
    struct finding *finding;
    size_t finding_count, finding_capacity;
    struct world_move **moves_of; /* by state: what the hardware may do, ended by WORLD_OP; NULL: not looked at yet */
    uint32_t *seen;               /* by state: the closure that it was last found to be in */
    size_t seen_size;
    uint32_t closure_number;
    uint64_t moves, memo_bytes;
    /* contents of registers: versions behind each other, by number - 1 */
    ns_version *content;
    size_t content_count, content_capacity;
    struct {
        size_t at;
        uint16_t first, count;
    } * contents;
    uint32_t contents_count, contents_capacity;
    uint8_t *scratch;
    size_t scratch_size;
    const char *trouble;
};

/* bench.c */
bool bench_create(struct world *world);
void bench_destroy(struct world *world);
void bench_initial(struct bench *bench);
size_t bench_save_size(const struct bench *bench);
size_t bench_save(const struct bench *bench, uint8_t *state);
void bench_restore(struct bench *bench, const uint8_t *state);
/* Performs one move; what it found is in bench->finding. */
void bench_do(struct bench *bench, struct world_move move);
/* The moves that the hardware may make now, at most `limit`. */
size_t bench_moves(struct bench *bench, struct world_move *moves, size_t limit);
/* The variants in which an operation may be performed now, at most 8. */
unsigned bench_variants(const struct bench *bench, uint32_t unit_op, uint8_t variants[8]);
/* Whose the bytes are that the operation touches. */
void bench_owner(struct bench *bench, uint32_t unit_op, struct reaction *reaction);
/* Do two parts of one write leave together? */
bool bench_leave_together(const struct world *world, const struct flight *a, const struct flight *b);
/* Bytes of an entry of the queue in which a write is on its way. */
uint32_t bench_entry_size(const struct world *world, const struct flight *flight);
uint8_t bench_types(const struct bench *bench, uint32_t unit_op);

static inline const struct ns_recorded *unit_recorded(const struct world *world, uint32_t unit_op) {
    return &world->program->ops[world->ops[unit_op].op].recorded;
}
/* All but the caches. `state`: bench_save_size() bytes. */
size_t bench_save_rest(const struct bench *bench, uint8_t *state);
/* Does the cell's newest version lie in some cache? */
bool bench_is_cached(const struct bench *bench, uint32_t cell);

/* world_outcomes.c */
void outcomes_prepare(struct world *world);
/* Does a clean copy matter to this operation of the unit? */
bool outcomes_looks(const struct world *world, uint32_t unit_op);
/* Takes out of a reaction what need not be explored, as another of its outcomes shows all that it does. False: a
 * closure is larger than the limit, or the host has no memory. */
bool outcomes_leave_out(struct world *world, struct reaction *reaction);

/* world.c: the state lies on the bench. */
void world_lay_out(struct world *world, uint32_t state);
/* A byte of a version; false: it was copied from elsewhere. */
bool version_byte(const struct world *world, ns_version version, uint32_t offset, uint8_t *value);

#endif
