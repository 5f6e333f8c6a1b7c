/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The program, line by line. A unit is a line of the cache level with the longest lines; the operations that touch it
 * are its history. Bytes of a unit that every operation treats alike are one *cell*: a unit is searched with as many
 * bytes as it has cells. Units with the same history are one class.
 */
#ifndef NS_VERIFY_LINES_H
#define NS_VERIFY_LINES_H

#include "verify/program.h"

/* An operation as one unit sees it: which of its cells. Offsets are bytes of the unit, then (after folding) cells. */
struct unit_op {
    uint32_t op;
    uint16_t first, end;             /* bytes covered: [first, end) */
    uint16_t named_first, named_end; /* maintenance: what the program named */
    uint8_t view;                    /* LOAD, STORE, PTE: which virtual page it goes through; SFENCE: UNIT_VIEWS: all */
    uint8_t unused[3];               /* 0: histories are compared as bytes */
};

enum { UNIT_VIEWS = 6, UNIT_MAX = 256 };

struct unit_view {
    uint64_t page; /* virtual */
    uint8_t type;  /* at the beginning: a bit of 1 << enum ns_memory_type, VIEW_FAULTS, or 0: not mapped yet */
};
#define VIEW_FAULTS 8u

struct unit {
    uint64_t address;      /* physical */
    uint32_t first, count; /* its operations in lines.ops */
    uint32_t class_of;     /* the first unit with this history */
    bool interesting;      /* something happens to it that could go wrong */
    bool control;          /* polled */
    uint8_t view_count;
    struct unit_view view[UNIT_VIEWS];
    /* folding: */
    uint16_t cell_line; /* cells of one line of L1: 16 to 256 */
    uint16_t cells;     /* of the unit */
};

struct lines {
    const struct program *program;
    uint32_t size; /* bytes of a unit */
    size_t unit_count;
    struct unit *units; /* by address */
    size_t op_count;
    struct unit_op *ops;
    size_t interesting, classes, controls;
};

/* NS_OK, NS_ERROR_MEMORY or NS_ERROR_LIMIT (a unit with more than UNIT_VIEWS mappings). */
enum ns_status lines_create(struct lines *lines, const struct program *program);
void lines_release(struct lines *lines);

/* Sets cell_line and cells of a unit. */
void lines_measure_cells(const struct lines *lines, struct unit *unit);
/* The unit's operations with their offsets in cells, into `ops` (unit->count). cut[i] becomes the byte offset at which
 * cell i begins (the last cell's bytes up to the line's end have it too); cut has unit->cells + 1 entries. */
void unit_fold(const struct lines *lines, const struct unit *unit, struct unit_op *ops, uint16_t *cut);

/* Can one access get the bytes of a write on one side of this offset without those on the other, because they leave
 * their queue one by one? */
bool lines_torn_at(const struct lines *lines, const struct unit *unit, uint32_t offset);

/* The unit that holds the address, or NULL. */
const struct unit *lines_find(const struct lines *lines, uint64_t address);

#endif
