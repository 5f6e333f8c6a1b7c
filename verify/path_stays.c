/* SPDX-License-Identifier: Apache-2.0 */
/* Store buffers that have to choose: which entries a way needs in them, and from when until when. */
#include "model/grow.h"
#include "model/store_buffer.h"
#include "verify/path_internal.h"
#include "verify/queues.h"

#include <string.h>

/* Has a hart more non-cacheable stores than its buffer has entries, which can leave by themselves? Then those that the
 * way needs may be the ones that stay. */
static bool must_hold(const struct program *program, unsigned hart) {
    uint64_t entries = 0;
    for (size_t i = 0; i < program->op_count; i++) {
        const struct ns_recorded *entry = &program->ops[i].recorded;
        if (entry->kind == NS_RECORDED_STORE && entry->actor == hart && entry->type == NS_TYPE_NC)
            entries += (entry->length + 7) / 8 + 1;
    }
    return entries > program->machine->store_buffer_entries && program_stores_leave(program);
}

struct stay *stays_find(const struct path *path, uint32_t unit, const struct world_flight *flight) {
    for (size_t i = path->stay_count; i-- > 0;) {
        struct stay *stay = &path->stay[i];
        if (stay->op == flight->op && stay->unit == unit && stay->address >= flight->first &&
            stay->address < flight->end)
            return stay;
    }
    return NULL;
}

static uint64_t come_until(const struct path *path, const struct projected_op *op) {
    const struct program_op *store = &path->program->ops[op->op];
    return op->order == store->phases ? store->recorded.address + store->recorded.length
                                      : queues_first(path->program, op->op, op->order + 1u);
}

/* Is this entry of a store among the last that have come, which the buffer has room for? */
static bool may_be_there(const struct path *path, const struct stay *stay, uint64_t address) {
    const uint64_t last = (stay->come - 1) / NS_STORE_ENTRY_BYTES;
    return last - address / NS_STORE_ENTRY_BYTES < path->program->machine->store_buffer_entries;
}

/* Of a write of several entries the last one stands for all, as they fare alike: fewest others come behind it. */
static void note_come(struct path *path, uint32_t unit, const struct world_flight *flight, size_t number,
                      const struct projected_op *op) {
    const uint64_t last = (flight->end - 1) / NS_STORE_ENTRY_BYTES * NS_STORE_ENTRY_BYTES;
    if (stays_find(path, unit, flight) != NULL)
        return;
    if (grow((void **)&path->stay, &path->stay_capacity, path->stay_count + 1, sizeof *path->stay))
        path->stay[path->stay_count++] = (struct stay){.address = last > flight->first ? last : flight->first,
                                                       .op = flight->op,
                                                       .unit = unit,
                                                       .from = number,
                                                       .until = number,
                                                       .hart = flight->actor,
                                                       .first = flight->first,
                                                       .end = flight->end,
                                                       .come = come_until(path, op)};
    else
        path->failed = true;
}

/* The unit is seen: what waits in store buffers has to be there, but of the hart `not_of`. */
static void note_seen_but(struct path *path, uint32_t unit, size_t number, unsigned not_of) {
    struct world_flight flight;
    for (unsigned i = 0; world_flight(path->search->projection->world[unit], path->units[unit], i, &flight); i++) {
        struct stay *stay = flight.buffered && flight.actor != not_of ? stays_find(path, unit, &flight) : NULL;
        if (stay != NULL)
            stay->until = number;
    }
}

void stays_note_seen(struct path *path, uint32_t unit, size_t number) {
    note_seen_but(path, unit, number, UINT32_MAX);
}

/* A hart's entry leaves, over or under those of other harts for the same bytes. */
static void note_leaves(struct path *path, uint32_t unit, uint32_t before, struct world_move move, size_t number) {
    struct world_flight flight;
    note_seen_but(path, unit, number, move.a);
    struct stay *stay = path_flight_of(path, unit, before, move, &flight) ? stays_find(path, unit, &flight) : NULL;
    if (stay != NULL)
        stay->leaves = true;
}

void stays_note_closure(struct path *path, uint32_t unit, uint32_t node, size_t number) {
    const struct closure *closure = world_closure(path->search->projection->world[unit], path->units[unit]);
    uint32_t way[PATH_WAY];
    for (size_t length = path_closure_way(closure, node, way); length > 0;) {
        const struct closure_node *to = &closure->nodes[way[--length]];
        path->units[unit] = closure->nodes[to->parent].state;
        if (to->move.action == WORLD_DRAIN)
            note_leaves(path, unit, path->units[unit], to->move, number);
        else
            stays_note_seen(path, unit, number);
    }
    path->units[unit] = closure->nodes[node].state;
}

void stays_note_transition(struct path *path, const struct transition *by, const struct taken *taken, size_t number) {
    const struct search_state *search = path->search;
    const struct projection *projection = search->projection;
    const struct projected_op *op = by->actor == projection->actors ? NULL : &projection->ops[by->actor][by->index];
    const struct ns_recorded *entry = op == NULL ? NULL : &path->program->ops[op->op].recorded;
    const bool comes = entry != NULL && entry->kind == NS_RECORDED_STORE && entry->type == NS_TYPE_NC;
    memcpy(path->units, state_units(search, state_words(search, by->parent)), projection->units * sizeof *path->units);
    for (uint16_t i = 0; i < by->count && !path->failed; i++) {
        const uint32_t unit = taken[i].unit;
        struct world *world = projection->world[unit];
        stays_note_closure(path, unit, taken[i].node, number);
        if (taken[i].move.action == WORLD_FORCED)
            note_leaves(path, unit, path->units[unit], taken[i].move, number);
        else
            note_seen_but(path, unit, number, comes ? by->actor : UINT32_MAX);
        path->units[unit] = world_perform(world, path->units[unit], taken[i].move, NULL);
        struct world_flight flight;
        for (unsigned f = 0; world_flight(world, path->units[unit], f, &flight); f++)
            if (flight.buffered && must_hold(path->program, flight.actor))
                note_come(path, unit, &flight, number, op);
    }
}

static bool is_held_beside(const struct path *path, const struct stay *stay) {
    bool held = false;
    for (size_t i = 0; i < path->stay_count && !held; i++) {
        const struct stay *other = &path->stay[i];
        held = other != stay && other->hart == stay->hart &&
               other->address / NS_STORE_ENTRY_BYTES == stay->address / NS_STORE_ENTRY_BYTES &&
               other->from <= stay->until && other->until > stay->until;
    }
    return held;
}

/* What is seen for the last time behind this transition leaves there, before a newer one comes for its bytes. */
static void emit_stay_ends(struct path *path, const struct stay *stay) {
    struct ns_schedule_item item = {
        .kind = NS_SCHEDULE_RELEASE, .actor = stay->hart, .has_address = true, .address = stay->address};
    if (stay->from < stay->until && !is_held_beside(path, stay))
        path_emit_later(path, item);
    item.kind = NS_SCHEDULE_DRAIN;
    for (item.address = stay->first; stay->leaves && item.address < stay->end;
         item.address = (item.address / NS_STORE_ENTRY_BYTES + 1) * NS_STORE_ENTRY_BYTES)
        if (stay->from < stay->until || may_be_there(path, stay, item.address))
            path_emit_later(path, item);
}

/* What comes with this transition and is seen behind it is held from here on. at: where in the list. What a full buffer
 * lets go of what has come leaves first: others saw it go. */
void stays_emit(struct path *path, size_t number, size_t at) {
    for (unsigned older = 0; older < 2; older++)
        for (size_t i = 0; i < path->stay_count; i++)
            if (path->stay[i].until == number && (path->stay[i].from < number) == (older == 1))
                emit_stay_ends(path, &path->stay[i]);
    for (size_t i = 0; i < path->stay_count; i++) {
        const struct stay *stay = &path->stay[i];
        if (stay->from == number && stay->until > number)
            path_insert(
                path, at,
                (struct ns_schedule_item){
                    .kind = NS_SCHEDULE_HOLD, .actor = stay->hart, .has_address = true, .address = stay->address});
    }
}
