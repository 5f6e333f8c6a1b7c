/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What must leave a queue because it is full. A store buffer and a queue of posted writes are filled by one actor, in
 * its own order: how many entries come behind one is known without any search. A line is searched without the others,
 * whose entries take their places all the same.
 *
 *  - Posted writes leave in order: an entry has left when as many younger ones have come as the queue holds.
 *  - A store buffer whose entries leave only when it is full, or by a fence or an access of the hart to the same bytes,
 *    has one behaviour: it is played through here, with the parts of one store that leave together
 *    (model/store_buffer.h).
 *  - Where entries may leave by themselves, any of them may be the one that stays, as the others can have left; only a
 *    buffer of one entry has no room for that.
 *
 * Others can come in the middle of such an operation. It matters to whoever polls a part of what leaves: what leaves
 * behind that part does so in another phase. A write that nothing holds back (no queue, or one that empties at once)
 * leaves in phases too, burst by burst; and so do the entries that a fence, or an access to their bytes, takes out.
 *
 * Where the memory type of a store is not known beforehand (page tables that change while the program runs), nothing is
 * said about store buffers.
 */
#ifndef NS_VERIFY_QUEUES_H
#define NS_VERIFY_QUEUES_H

#include "verify/program.h"

/* Fills program->leaves. NS_OK or NS_ERROR_MEMORY. */
enum ns_status queues_create(struct program *program);
/* The operation of the same actor at which this byte of a write must leave its queue, the write itself included;
 * NO_INDEX: nothing forces it to. */
uint32_t queues_leaves_at(const struct program *program, uint32_t op, uint64_t address);
/* How it leaves there; NULL: nothing forces it to. */
const struct program_leave *queues_leave(const struct program *program, uint32_t op, uint64_t address);
/* The phase of its operation in which this byte of a write comes into its queue; 0: with the operation. */
unsigned queues_comes_in(const struct program *program, uint32_t op, uint64_t address);
/* Do two bytes of a write come into their queue, and leave it when it is full, together? */
bool queues_fare_alike(const struct program *program, uint32_t op, uint64_t a, uint64_t b);
/* How often a write to this byte leaves at operation `at` in its phases [from, end), counted in their order. */
unsigned queues_leaves_before(const struct program *program, uint32_t at, unsigned from, unsigned end,
                              uint64_t address);
/* Does this byte of write `op` leave in them? */
bool queues_leaves_between(const struct program *program, uint32_t op, uint64_t address, uint32_t at, unsigned from,
                           unsigned end);
/* The first byte that leaves at operation `at` in this phase, or comes where none has to leave; UINT64_MAX: none. */
uint64_t queues_first(const struct program *program, uint32_t at, unsigned phase);
/* Everything that the actor's full queue does is known, and in program->leaves. */
static inline bool queues_know(const struct program *program, unsigned actor) {
    return (program->queues_known >> actor & 1) != 0;
}

#endif
