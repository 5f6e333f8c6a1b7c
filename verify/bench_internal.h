/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the bench share. */
#ifndef NS_VERIFY_BENCH_INTERNAL_H
#define NS_VERIFY_BENCH_INTERNAL_H

#include "verify/world_internal.h"

/* Notes what went wrong with cells [first, end). */
struct finding *bench_found(struct bench *bench, enum finding_kind kind, uint32_t first, uint32_t end);
/* Where the version of the cell is. */
enum ns_whereabouts bench_where_is(const struct bench *bench, uint32_t cell, ns_version version);
/* Cells reach memory; what is lost is noted. */
void bench_write_memory(struct bench *bench, uint32_t first, uint32_t length, const ns_version *versions);
/* Below the caches: for ns_cache_create. */
enum ns_status bench_backing_read(void *context, uint64_t address, uint32_t length, uint8_t *data,
                                  ns_version *versions);
enum ns_status bench_backing_write(void *context, uint64_t address, uint32_t length, const uint8_t *data,
                                   const ns_version *versions);
void bench_on_drop(void *context, const struct ns_cache_line_event *line, bool dirty);
/* Entry `index` reaches memory, after those that must come first. */
void bench_arrive_in_order(struct bench *bench, unsigned index);
/* The oldest entry of the actor that holds one of the cells, or -1. */
int bench_oldest_of(const struct bench *bench, unsigned actor, uint32_t first, uint32_t end);
/* All entries of the actor that hold one of the cells reach memory. */
void bench_drain_touching(struct bench *bench, unsigned actor, uint32_t first, uint32_t end);
/* Parts of a write come into their queue in this phase of it. */
void bench_let_come(struct bench *bench, uint32_t op, unsigned phase);
/* Entries that leave their queue in this phase of the operation. */
void bench_make_room(struct bench *bench, uint32_t op, unsigned phase);
/* A write gets on its way, cell by cell where the cells are kept apart. */
void bench_push_cells(struct bench *bench, const struct unit_op *op, unsigned actor, enum flight_kind kind);
/* Its write has not come into its queue yet, or not to this line: the writer is still at it. */
bool bench_is_under_way(const struct flight *flight);
/* The bytes of a cacheable store that is under way are no longer so. */
void bench_end_begun(struct bench *bench, uint32_t op);
const struct ns_device *bench_device_of(const struct world *world, unsigned actor);
uint32_t bench_posted_entries(const struct world *world, unsigned actor);
uint32_t bench_buffer_entries(const struct world *world);
bool bench_overlaps(const struct flight *flight, uint32_t first, uint32_t end);
/* What a diagnosis asks of the past; kept with several harts only. `device`: its actor. */
bool bench_has_past(const struct bench *bench);
void bench_note_hand_over(struct bench *bench, unsigned device);
void bench_note_seen(struct bench *bench, unsigned device);
void bench_note_op(struct bench *bench, uint32_t index);
/* As one number: what came before a write, and what before something was found. */
uint16_t bench_past_of_write(const struct bench *bench, bool by_device);
uint16_t bench_past(const struct bench *bench);
/* Has the hart a live cacheable mapping of the line? */
bool bench_may_fill(const struct bench *bench, unsigned hart);

#endif
