/* SPDX-License-Identifier: Apache-2.0 */
/* What a world's states hold: its operations, what is on its way, values. Nothing here changes a state. */
#include "verify/bench_internal.h"
#include "verify/hash.h"
#include "verify/queues.h"

/* ---- looking --------------------------------------------------------------------------------- */

uint32_t world_op(const struct world *world, uint32_t op) {
    uint32_t low = 0, high = world->unit.count;
    while (low < high) {
        const uint32_t middle = low + (high - low) / 2;
        if (world->ops[middle].op < op)
            low = middle + 1;
        else
            high = middle;
    }
    return low < world->unit.count && world->ops[low].op == op ? low : NO_INDEX;
}

/* Does the operation make followed bytes leave their queue? */
static bool makes_room(const struct world *world, uint32_t at) {
    bool makes = false;
    for (uint32_t i = 0; i < world->unit.count && !makes && world->program->leave_count > 0; i++)
        for (uint32_t cell = world->ops[i].first; cell < world->ops[i].end && !makes; cell++)
            makes = world->follows[cell] &&
                    queues_leaves_at(world->program, world->ops[i].op, world->unit.address + world->cut[cell]) == at;
    return makes;
}

bool world_has_phase(const struct world *world, uint32_t op, unsigned phase) {
    bool has = false;
    for (uint32_t i = 0; i < world->unit.count && !has; i++)
        for (uint32_t cell = world->ops[i].first; cell < world->ops[i].end && !has; cell++) {
            const struct program_leave *leave =
                world->follows[cell]
                    ? queues_leave(world->program, world->ops[i].op, world->unit.address + world->cut[cell])
                    : NULL;
            has = (leave != NULL && leave->at == op && leave->phase == phase) ||
                  (world->follows[cell] && world->ops[i].op == op &&
                   queues_comes_in(world->program, op, world->unit.address + world->cut[cell]) == phase);
        }
    return has;
}

bool world_ignores(const struct world *world, uint32_t index) {
    const struct unit_op *op = &world->ops[index];
    const struct ns_recorded *entry = &world->program->ops[op->op].recorded;
    if (op->first == op->end || makes_room(world, op->op))
        return false;
    const bool device = entry->kind == NS_RECORDED_DMA_READ || entry->kind == NS_RECORDED_DMA_WRITE;
    const bool hart = entry->kind == NS_RECORDED_LOAD || entry->kind == NS_RECORDED_STORE;
    if (!device && !hart)
        return false;
    if (device && world->program->scenario->devices[entry->actor - world->program->harts].snoops)
        return false;
    if (hart && (entry->type != NS_TYPE_NC || world->machine->cache.late_write_backs > 0 ||
                 (world->options.may & NS_MAY_LATE_MAINTENANCE) != 0))
        return false;
    for (uint32_t i = 0; hart && i < world->unit.count; i++)
        if (world->program->ops[world->ops[i].op].recorded.kind == NS_RECORDED_PTE)
            return false; /* its type may be another one */
    for (uint32_t cell = op->first; cell < op->end; cell++)
        if (world->follows[cell])
            return false;
    return true;
}

const struct unit_op *world_unit_op(const struct world *world, uint32_t index) {
    return &world->ops[index];
}

const struct unit *world_unit(const struct world *world) {
    return &world->unit;
}

unsigned world_buffered(struct world *world, uint32_t state, unsigned hart) {
    unsigned count = 0;
    world_lay_out(world, state);
    const struct bench *bench = &world->bench;
    for (unsigned i = 0; i < bench->flight_count; i++) {
        bool first = bench->flight[i].actor == hart && bench->flight[i].coming == 0;
        for (unsigned j = 0; j < i && first; j++) /* cells of one entry are one */
            first = !bench_leave_together(world, &bench->flight[j], &bench->flight[i]);
        count += first;
    }
    return count;
}

bool world_late(struct world *world, uint32_t state, unsigned hart) {
    world_lay_out(world, state);
    return ns_cache_late_count(world->bench.cache, hart) > 0;
}

uint16_t world_past(struct world *world, uint32_t state, unsigned cell) {
    world_lay_out(world, state);
    const uint16_t facts[] = {bench_past(&world->bench), world->bench.stamp[cell]};
    return (uint16_t)hash_bytes(facts, sizeof facts, 8);
}

bool world_is_quiet(struct world *world, uint32_t state) {
    bool late = false;
    world_lay_out(world, state);
    for (unsigned hart = 0; hart < world->program->harts && !late; hart++)
        late = ns_cache_late_count(world->bench.cache, hart) > 0;
    return world->bench.flight_count == 0 && !late;
}

bool world_oldest(struct world *world, uint32_t state, unsigned actor, uint64_t *age) {
    world_lay_out(world, state);
    for (unsigned i = 0; i < world->bench.flight_count; i++) {
        const struct flight *flight = &world->bench.flight[i];
        if (flight->actor == actor && flight->coming == 0) {
            *age = (uint64_t)flight->op << 32 | (uint32_t)(world->unit.address + world->cut[flight->first]);
            return true;
        }
    }
    return false;
}

unsigned world_entries(const struct world *world, uint32_t unit_op, unsigned variant) {
    const struct unit_op *op = &world->ops[unit_op];
    const struct ns_recorded *entry = unit_recorded(world, unit_op);
    uint32_t size = 0;
    if (entry->kind == NS_RECORDED_STORE && variant == NS_TYPE_NC)
        size = 8;
    else if (entry->kind == NS_RECORDED_DMA_WRITE) {
        const uint32_t burst = world->program->scenario->devices[entry->actor - world->program->harts].burst;
        size = burst != 0 ? burst : world->machine->dma_burst;
    }
    unsigned count = 0;
    for (uint32_t cell = op->first; size > 0 && cell < op->end; cell++)
        count += cell == op->first || world->cut[cell] / size != world->cut[cell - 1] / size;
    return count;
}

size_t world_content(const struct world *world, uint32_t content, const ns_version **versions) {
    if (content == 0 || content > world->contents_count)
        return 0;
    *versions = &world->content[world->contents[content - 1].at];
    return world->contents[content - 1].count;
}

bool world_flight(struct world *world, uint32_t state, unsigned index, struct world_flight *flight) {
    world_lay_out(world, state);
    const struct bench *bench = &world->bench;
    if (index >= bench->flight_count)
        return false;
    *flight = (struct world_flight){.first = world->unit.address + world->cut[bench->flight[index].first],
                                    .end = world->unit.address + world->cut[bench->flight[index].end],
                                    .entry = bench_entry_size(world, &bench->flight[index]),
                                    .op = bench->flight[index].op,
                                    .cell = bench->flight[index].first,
                                    .actor = bench->flight[index].actor,
                                    .buffered = bench->flight[index].posted == FLIGHT_BUFFERED &&
                                                bench->flight[index].coming == 0};
    return true;
}

uint8_t world_types(struct world *world, uint32_t state, uint32_t unit_op) {
    world_lay_out(world, state);
    return bench_types(&world->bench, unit_op);
}

uint8_t world_view_types(struct world *world, uint32_t state, unsigned view, unsigned hart) {
    world_lay_out(world, state);
    return world->bench.types[view][hart];
}

uint8_t world_current_type(struct world *world, uint32_t state, unsigned view) {
    world_lay_out(world, state);
    return world->bench.current[view];
}

/* ---- values ---------------------------------------------------------------------------------- */

bool version_byte(const struct world *world, ns_version version, uint32_t offset, uint8_t *value) {
    *value = 0;
    if (version == NS_VERSION_POWER_ON)
        return true;
    const struct program_op *writer = &world->program->ops[version - 1];
    if (writer->source != NO_INDEX || writer->source_reg != NO_INDEX || writer->recorded.data == 0)
        return false;
    *value =
        world->program->data[writer->recorded.data - 1 + (world->unit.address + offset - writer->recorded.address)];
    return true;
}

/* The cell that holds a byte: the last one that begins at or before it and is not a repetition behind it. */
static uint32_t cell_of(const struct world *world, uint32_t offset) {
    uint32_t cell = 0;
    while (cell + 1 < world->cells && world->cut[cell + 1] <= offset)
        cell++;
    return cell;
}

bool world_memory_byte(struct world *world, uint32_t state, uint32_t offset, uint8_t *value) {
    world_lay_out(world, state);
    return version_byte(world, world->bench.memory[cell_of(world, offset)], offset, value);
}

bool world_cache_byte(struct world *world, uint32_t state, unsigned level, unsigned hart, uint32_t offset,
                      uint8_t *value, bool *present) {
    struct ns_cache_copy copy;
    const uint32_t cell = cell_of(world, offset);
    world_lay_out(world, state);
    *present = ns_cache_peek(world->bench.cache, level, hart, cell, &copy);
    return *present && version_byte(world, copy.versions[cell - copy.line_address], offset, value);
}

bool world_content_byte(const struct world *world, uint32_t content, uint32_t unit_op, uint32_t offset,
                        uint8_t *value) {
    (void)unit_op;
    if (content == 0 || content > world->contents_count)
        return false;
    const uint32_t cell = cell_of(world, offset), first = world->contents[content - 1].first;
    if (cell < first || cell - first >= world->contents[content - 1].count)
        return false;
    return version_byte(world, world->content[world->contents[content - 1].at + cell - first], offset, value);
}

uint64_t world_cell_address(const struct world *world, unsigned cell) {
    return world->unit.address + world->cut[cell];
}

struct world_size world_measure(const struct world *world) {
    return (struct world_size){.states = world->state_count,
                               .moves = world->moves,
                               .bytes =
                                   world->byte_capacity + world->memo_bytes + world->state_capacity * 32u +
                                   (world->effects == NULL ? 0 : (world->effect_mask + 1) * sizeof *world->effects)};
}

const char *world_trouble(const struct world *world) {
    return world->trouble;
}
