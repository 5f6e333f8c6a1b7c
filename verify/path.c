/* SPDX-License-Identifier: Apache-2.0 */
/* From a way through one search's states to a schedule of the whole program: the steps that the search left out are put
 * back, and the hardware's moves get their places. */
#include "verify/path_internal.h"

#include "model/grow.h"
#include "verify/queues.h"

#include <stdlib.h>
#include <string.h>

void path_insert(struct path *path, size_t at, struct ns_schedule_item item) {
    if (path->count == path->capacity) {
        const size_t capacity = path->capacity == 0 ? 64 : 2 * path->capacity;
        struct ns_schedule_item *grown = realloc(path->item, capacity * sizeof *grown);
        if (grown == NULL) {
            path->failed = true;
            return;
        }
        path->item = grown;
        path->capacity = capacity;
    }
    memmove(&path->item[at + 1], &path->item[at], (path->count - at) * sizeof *path->item);
    path->item[at] = item;
    path->count++;
    for (unsigned actor = 0; actor < path->program->actors; actor++)
        path->item_of[actor] += path->item_of[actor] != SIZE_MAX && path->item_of[actor] >= at;
}

/* ---- steps ----------------------------------------------------------------------------------- */

static void emit_until(struct path *path, unsigned actor, uint32_t number);

/* A step, and before it all that it has to wait for. */
static void emit_step(struct path *path, uint32_t step) {
    const struct program_step *what = &path->program->steps[step];
    for (unsigned actor = 0; actor < path->program->actors; actor++)
        if (actor != what->actor)
            emit_until(path, actor, program_need(path->program, step, actor));
    path_insert(path, path->count, (struct ns_schedule_item){.kind = NS_SCHEDULE_STEP, .line = what->line});
}

/* The actor's first `number` steps. */
static void emit_until(struct path *path, unsigned actor, uint32_t number) {
    while (path->emitted[actor] < number && path->emitted[actor] < path->steps[actor] && !path->failed) {
        const uint32_t step = path->by_actor[actor][path->emitted[actor]++];
        if (path->program->steps[step].kind == STEP_MANDATORY)
            emit_step(path, step);
    }
}

/* The steps before this one, of its actor and of those it has to wait for; its own item comes with begin_step. */
static void before_step(struct path *path, uint32_t step) {
    const struct program_step *what = &path->program->steps[step];
    emit_until(path, what->actor, what->number);
    for (unsigned actor = 0; actor < path->program->actors; actor++)
        if (actor != what->actor)
            emit_until(path, actor, program_need(path->program, step, actor));
}

/* The item of a step that begins, or that goes on after others. */
static void add_step(struct path *path, uint32_t step) {
    const unsigned actor = path->program->steps[step].actor;
    path_insert(path, path->count,
                (struct ns_schedule_item){.kind = NS_SCHEDULE_STEP, .line = path->program->steps[step].line});
    path->item_of[actor] = path->count - 1;
    path->open = actor;
}

static void begin_step(struct path *path, uint32_t step) {
    add_step(path, step);
    path->emitted[path->program->steps[step].actor] = path->program->steps[step].number + 1;
}

/* Something comes behind the step that the list ends with: when it is not over, it stops where it is. */
static void close_step(struct path *path) {
    const unsigned actor = path->open;
    const struct projection *projection = path->search->projection;
    path->open = path->program->actors;
    if (actor == path->program->actors || !is_in_a_step(projection, actor, path->pcs[actor]) || path->failed)
        return;
    const struct projected_op *next = &projection->ops[actor][path->pcs[actor]];
    struct ns_schedule_item stop = path->item[path->item_of[actor]];
    stop.part = path->program->ops[next->op].recorded.part;
    stop.has_address = next->stops != UINT64_MAX;
    stop.address = stop.has_address ? next->stops : 0;
    stop.comes = stop.has_address && path->program->ops[next->op].loose;
    path->item[path->item_of[actor]] = stop;
    /* Older writes to the same byte come there first. */
    const unsigned from = path->stopped[actor].op == next->op ? path->stopped[actor].order : 0;
    unsigned others =
        stop.has_address ? queues_leaves_before(path->program, next->op, from, next->order, stop.address) : 0;
    for (size_t i = 0; i < path->early_count && others > 0; i++)
        others -= stop.address >= path->early[i].first && stop.address < path->early[i].end &&
                  queues_leaves_between(path->program, path->early[i].op, stop.address, next->op, from, next->order);
    path->stopped[actor].op = next->op;
    path->stopped[actor].order = next->order;
    for (; others > 0; others--)
        path_insert(path, path->item_of[actor] + 1, stop);
}

/* ---- moves ----------------------------------------------------------------------------------- */

/* Is the step with which the list ends just before an operation of its own? Then *part is its number. */
static bool is_before_operation(const struct path *path, uint32_t *part) {
    const struct projection *projection = path->search->projection;
    if (path->open == path->program->actors || !is_in_a_step(projection, path->open, path->pcs[path->open]))
        return false;
    const struct projected_op *next = &projection->ops[path->open][path->pcs[path->open]];
    *part = path->program->ops[next->op].recorded.part;
    return next->stops == UINT64_MAX;
}

/* A move inside of the step with which the list ends, or of the one that comes next. */
static void emit_move(struct path *path, struct ns_schedule_item item) {
    uint32_t part;
    if (is_before_operation(path, &part)) {
        item.part = part;
        path_insert(path, path->item_of[path->open], item);
        return;
    }
    close_step(path);
    path_insert(path, path->count, item);
}

static struct ns_schedule_item item_of(const struct path *path, uint32_t unit, struct world_move move) {
    const struct world *world = path->search->projection->world[unit];
    const uint32_t line = path->program->machine->cache.level[0].line;
    struct ns_schedule_item item = {
        .actor = move.a, .has_address = true, .address = world_unit(world)->address + (uint64_t)move.index * line};
    switch ((enum world_action)move.action) {
    case WORLD_FILL:
        item.kind = NS_SCHEDULE_FILL;
        break;
    case WORLD_SAMPLE:
        item.kind = NS_SCHEDULE_SAMPLE;
        break;
    case WORLD_INSTALL:
        item.kind = NS_SCHEDULE_INSTALL;
        break;
    case WORLD_EVICT:
        item.kind = NS_SCHEDULE_EVICT;
        break;
    case WORLD_EVICT_L1:
        item.kind = NS_SCHEDULE_EVICT_L1;
        break;
    case WORLD_DIRTY:
        item.kind = NS_SCHEDULE_DIRTY;
        break;
    default: /* WORLD_DRAIN_LATE */
        item.kind = NS_SCHEDULE_DRAIN;
        break;
    }
    return item;
}

/* Which write on its way a move is about; false: none. */
bool path_flight_of(const struct path *path, uint32_t unit, uint32_t before, struct world_move move,
                    struct world_flight *flight) {
    struct world *world = path->search->projection->world[unit];
    if (move.action == WORLD_DRAIN)
        return world_flight(world, before, move.index, flight);
    const bool oldest = move.action == WORLD_POSTED || move.action == WORLD_FORCED;
    const bool any = move.action != WORLD_FORCED || move.index == 0;
    const uint64_t at = any ? 0 : world_cell_address(world, move.index - 1u);
    for (unsigned i = 0; oldest && world_flight(world, before, i, flight); i++)
        if (flight->actor == move.a && (any || (flight->buffered && flight->first <= at && at < flight->end)))
            return true;
    return false;
}

void path_emit_later(struct path *path, struct ns_schedule_item item) {
    if (grow((void **)&path->later, &path->later_capacity, path->later_count + 1, sizeof item))
        path->later[path->later_count++] = item;
    else
        path->failed = true;
}

/* What the operation before has left to do. */
static void emit_what_is_left(struct path *path) {
    for (size_t i = 0; i < path->later_count; i++)
        emit_move(path, path->later[i]);
    path->later_count = 0;
}

/* The hardware's way to a node of a unit's closure. */
size_t path_closure_way(const struct closure *closure, uint32_t node, uint32_t way[PATH_WAY]) {
    size_t length = 0;
    for (uint32_t at = node; at != 0 && length < PATH_WAY; at = closure->nodes[at].parent)
        way[length++] = at;
    return length;
}

/* A write on its way leaves; it may be several entries of the real queue, and each has to. */
static void emit_flight(struct path *path, const struct world_flight *flight) {
    const bool device = flight->actor >= path->program->harts;
    struct ns_schedule_item item = {.kind = NS_SCHEDULE_DRAIN,
                                    .is_device = device,
                                    .actor = device ? flight->actor - path->program->harts : flight->actor,
                                    .has_address = true};
    for (uint64_t at = flight->first; at < flight->end; at = (at / flight->entry + 1) * flight->entry) {
        item.address = at;
        emit_move(path, item);
    }
}

/* A move of the hardware in transition `number`. What nobody has seen there has left already. */
static void emit_item(struct path *path, uint32_t unit, uint32_t before, struct world_move move, size_t number) {
    struct world_flight flight;
    if (!path_flight_of(path, unit, before, move, &flight)) {
        emit_move(path, item_of(path, unit, move));
        return;
    }
    const struct stay *stay = flight.buffered ? stays_find(path, unit, &flight) : NULL;
    if (stay != NULL && stay->until != number)
        return;
    if (move.action == WORLD_FORCED || move.action == WORLD_POSTED) {
        if (grow((void **)&path->early, &path->early_capacity, path->early_count + 1, sizeof flight))
            path->early[path->early_count++] = flight;
        else
            path->failed = true;
    }
    emit_flight(path, &flight);
}

/* What the view's page table entry says behind the step, if the step changes it; else `before`. *part: the operation
 * that changes it first. */
static uint8_t type_behind(const struct path *path, const struct world *world, unsigned view,
                           const struct ns_schedule_item *item, uint8_t before, uint32_t *part) {
    uint8_t type = before;
    bool changes = false;
    for (uint32_t i = 0; i < world_unit(world)->count && item->kind == NS_SCHEDULE_STEP; i++) {
        const struct unit_op *change = world_unit_op(world, i);
        const struct ns_recorded *page = &path->program->ops[change->op].recorded;
        if (page->kind != NS_RECORDED_PTE || change->view != view || page->step == UINT32_MAX ||
            path->program->steps[page->step].line != item->line)
            continue;
        *part = changes ? *part : page->part;
        changes = true;
        type = (uint8_t)((page->flags & NS_RECORDED_FAULTS) != 0 ? VIEW_FAULTS : 1u << page->type);
    }
    return type;
}

/* The hart's translation of the page is an old one, of this type: it was made the last time before the page table was
 * changed to something else. */
static void emit_walk(struct path *path, uint32_t unit, unsigned view, unsigned hart, uint8_t type) {
    const struct world *world = path->search->projection->world[unit];
    struct ns_schedule_item item = {.kind = NS_SCHEDULE_WALK,
                                    .actor = (uint8_t)hart,
                                    .has_address = true,
                                    .address = world_unit(world)->view[view].page};
    size_t place = SIZE_MAX;
    uint8_t now = world_unit(world)->view[view].type;
    for (size_t at = 0; at < path->count; at++) {
        uint32_t part = 0;
        const uint8_t next = type_behind(path, world, view, &path->item[at], now, &part);
        if (now == type && next != type) {
            place = at;
            item.part = part;
        }
        now = next;
    }
    if (place == SIZE_MAX)
        return;
    const struct ns_schedule_item *before = place > 0 ? &path->item[place - 1] : &item;
    if (place == 0 || before->kind != item.kind || before->actor != item.actor || before->address != item.address)
        path_insert(path, place, item);
    bool dropped = false;
    for (size_t at = place; at < path->count; at++)
        dropped |=
            (path->item[at].kind == NS_SCHEDULE_FORGET || (path->item[at].kind == NS_SCHEDULE_WALK && at > place)) &&
            path->item[at].actor == item.actor && path->item[at].address == item.address;
    item.kind = NS_SCHEDULE_RECALL;
    item.part = 0;
    if (dropped)
        emit_move(path, item);
}

/* A fill through an old translation. */
static void emit_old_translation(struct path *path, uint32_t unit, uint32_t state, struct world_move move) {
    const uint8_t cacheable = 1u << NS_TYPE_CACHEABLE;
    struct world *world = path->search->projection->world[unit];
    uint8_t old = UNIT_VIEWS;
    if (move.action != WORLD_FILL && move.action != WORLD_SAMPLE && move.action != WORLD_DIRTY)
        return;
    for (uint8_t view = 0; view < world_unit(world)->view_count; view++) {
        if ((world_current_type(world, state, view) & cacheable) != 0)
            return;
        if ((world_view_types(world, state, view, move.a) & cacheable) != 0)
            old = view;
    }
    if (old < UNIT_VIEWS)
        emit_walk(path, unit, old, move.a, cacheable);
}

/* The hardware's way from a unit's state to a node of its closure. */
static void emit_closure(struct path *path, uint32_t unit, uint32_t node, size_t number) {
    struct world *world = path->search->projection->world[unit];
    const struct closure *closure = world_closure(world, path->units[unit]);
    uint32_t way[PATH_WAY];
    for (size_t length = path_closure_way(closure, node, way); length > 0;) {
        const struct closure_node *to = &closure->nodes[way[--length]];
        emit_old_translation(path, unit, closure->nodes[to->parent].state, to->move);
        emit_item(path, unit, closure->nodes[to->parent].state, to->move, number);
    }
    path->units[unit] = closure->nodes[node].state;
}

/* The type that an access takes although the page table says another, or says it only now: what the TLB must do. */
static void emit_translation(struct path *path, uint32_t unit, const struct projected_op *op, struct world_move move) {
    struct world *world = path->search->projection->world[unit];
    const struct unit_op *unit_op = world_unit_op(world, move.index);
    const struct ns_recorded *entry = &path->program->ops[op->op].recorded;
    if (entry->kind != NS_RECORDED_LOAD && entry->kind != NS_RECORDED_STORE)
        return;
    const uint8_t types = world_types(world, path->units[unit], move.index);
    const uint8_t taken = (uint8_t)((move.a & VARIANT_FAULTS) != 0 ? VIEW_FAULTS : 1u << (move.a & VARIANT_TYPE));
    if ((types & (types - 1)) == 0)
        return;
    struct ns_schedule_item item = {.kind = NS_SCHEDULE_FORGET,
                                    .actor = entry->actor,
                                    .has_address = true,
                                    .address = world_unit(world)->view[unit_op->view].page};
    if (taken == world_current_type(world, path->units[unit], unit_op->view)) {
        emit_move(path, item);
        return;
    }
    emit_walk(path, unit, unit_op->view, entry->actor, taken);
}

/* ---- transitions ----------------------------------------------------------------------------- */

static void emit_turn(struct path *path, const struct transition *by) {
    const struct projected_op *op = &path->search->projection->ops[by->actor][by->index];
    const struct ns_recorded *entry = &path->program->ops[op->op].recorded;
    const bool device = entry->actor >= path->program->harts;
    close_step(path);
    path_insert(path, path->count,
                (struct ns_schedule_item){.kind = NS_SCHEDULE_LOOK,
                                          .is_device = device,
                                          .actor = device ? entry->actor - path->program->harts : entry->actor,
                                          .has_address = true,
                                          .address = entry->address});
}

/* What a device has on its way arrives before it reads, as a part of that operation. When the hardware does something
 * between the two, the schedule has to say both. */
static bool arrives_apart(const struct transition *by, const struct taken *taken, uint16_t at) {
    bool apart = false;
    for (uint16_t i = (uint16_t)(at + 1); taken[at].move.action == WORLD_FLUSH && i < by->count; i++)
        apart |= taken[i].node != 0;
    return apart;
}

/* This invalidate is performed as a flush: the item stands before its step, or names the operation in it. */
static void emit_as_flush(struct path *path, const struct projected_op *op) {
    struct ns_schedule_item item = {.kind = NS_SCHEDULE_AS_FLUSH, .part = path->program->ops[op->op].recorded.part};
    const unsigned actor = path->program->steps[op->step].actor;
    const bool inside = path->open == actor && is_in_a_step(path->search->projection, actor, path->pcs[actor]);
    path_insert(path, inside ? path->item_of[actor] : path->count, item);
}

/* A full buffer lets go what was seen just before the operation: then it leaves there. */
static void emit_forced(struct path *path, uint32_t unit, struct world_move move, size_t number) {
    struct world_flight flight;
    struct stay *stay =
        path_flight_of(path, unit, path->units[unit], move, &flight) ? stays_find(path, unit, &flight) : NULL;
    if (stay == NULL || stay->from == number || stay->until != number)
        return;
    emit_flight(path, &flight);
    stay->leaves = false; /* it has */
}

static void emit_transition(struct path *path, const struct transition *by, const struct taken *taken, size_t number,
                            bool with_step) {
    const struct search_state *search = path->search;
    const struct projection *projection = search->projection;
    path->pcs = state_pcs(state_words(search, by->parent));
    const uint32_t *units = state_units(search, state_words(search, by->parent));
    memcpy(path->units, units, projection->units * sizeof *units);
    emit_what_is_left(path);
    const struct projected_op *op = by->actor == projection->actors ? NULL : &projection->ops[by->actor][by->index];
    const bool first = op != NULL && (by->index == 0 || projection->ops[by->actor][by->index - 1].step != op->step);
    if (op != NULL && path->open != by->actor)
        close_step(path);
    if (first)
        before_step(path, op->step);
    for (uint16_t i = 0; i < by->count; i++) {
        const uint32_t unit = taken[i].unit;
        const enum world_action action = (enum world_action)taken[i].move.action;
        struct world *world = projection->world[unit];
        emit_closure(path, unit, taken[i].node, number);
        if (by->looks && with_step)
            continue; /* a hang: what the hardware did, and no operation */
        if ((action == WORLD_OP || action == WORLD_REST) && op != NULL) {
            emit_translation(path, unit, op, taken[i].move);
            if ((taken[i].move.a & VARIANT_AS_FLUSH) != 0)
                emit_as_flush(path, op);
        }
        if (action == WORLD_FORCED && op != NULL)
            emit_forced(path, unit, taken[i].move, number);
        if ((action == WORLD_POSTED || action == WORLD_FORCED) && op == NULL)
            emit_item(path, unit, path->units[unit], taken[i].move, number);
        if (arrives_apart(by, taken, i))
            emit_move(path, (struct ns_schedule_item){.kind = NS_SCHEDULE_DRAIN,
                                                      .is_device = true,
                                                      .actor = taken[i].move.a - path->program->harts});
        path->units[unit] = world_perform(world, path->units[unit], taken[i].move, NULL);
    }
    const bool goes_on = op != NULL && !first && path->open == by->actor;
    stays_emit(path, number, goes_on ? path->item_of[by->actor] : path->count);
    if (op == NULL)
        return;
    if (by->looks && !with_step)
        emit_turn(path, by);
    else if (first)
        begin_step(path, op->step);
    else if (path->open != by->actor) /* others have been at work since */
        add_step(path, op->step);
}

static void release_path(struct path *path) {
    for (unsigned actor = 0; actor < SEARCH_ACTORS; actor++)
        free(path->by_actor[actor]);
    free(path->early);
    free(path->later);
    free(path->stay);
}

/* What leaves by itself is a move of the search. */
static bool has_timers(const struct ns_machine_config *machine) {
    return (machine->store_buffer_entries > 0 && machine->store_buffer_drain == NS_DRAIN_AFTER) ||
           machine->posted_drain == NS_DRAIN_AFTER;
}

static bool begin_path(struct path *path) {
    const struct program *program = path->program;
    path->open = program->actors;
    for (unsigned actor = 0; actor < SEARCH_ACTORS; actor++)
        path->item_of[actor] = SIZE_MAX, path->stopped[actor].op = NO_INDEX;
    for (unsigned actor = 0; actor < program->actors; actor++) {
        path->by_actor[actor] = malloc((program->step_count + 1) * sizeof **path->by_actor);
        if (path->by_actor[actor] == NULL)
            return false;
    }
    for (uint32_t step = 0; step < program->step_count; step++)
        if (program->steps[step].exists) {
            const unsigned actor = program->steps[step].actor;
            path->by_actor[actor][program->steps[step].number] = step;
            path->steps[actor]++;
        }
    if (path->search->projection->late && program->machine->cache.late_write_backs == 0)
        path_insert(path, 0, (struct ns_schedule_item){.kind = NS_SCHEDULE_LATE});
    /* What a prefetcher fills is among the moves of the search, and so is that it fills nothing. */
    if (program->machine->prefetch_next_line || program->machine->stride.streams > 0)
        path_insert(path, 0, (struct ns_schedule_item){.kind = NS_SCHEDULE_NO_PREFETCHER});
    if (has_timers(program->machine))
        path_insert(path, 0, (struct ns_schedule_item){.kind = NS_SCHEDULE_NO_TIMERS});
    return !path->failed;
}

/* The moves of units in a transition; NULL in a search that has none at all. */
static const struct taken *taken_by(const struct search_state *search, const struct transition *by) {
    return by->count > 0 ? &search->taken[by->taken] : NULL;
}

/* All steps that are left. */
static void complete(struct path *path) {
    const struct program *program = path->program;
    close_step(path);
    for (unsigned actor = 0; actor < program->actors; actor++)
        emit_until(path, actor, program->harts + program->devices == actor ? 0 : UINT32_MAX);
}

static void note_last(struct path *path, uint32_t state, const struct transition *last, uint32_t last_unit,
                      uint32_t last_node, size_t number) {
    const struct search_state *search = path->search;
    if (last_node == NO_INDEX) {
        stays_note_transition(path, last, taken_by(search, last), number);
        return;
    }
    memcpy(path->units, state_units(search, state_words(search, state)),
           search->projection->units * sizeof *path->units);
    stays_note_closure(path, last_unit, last_node, number);
    for (uint32_t unit = 0; unit < search->projection->units; unit++)
        stays_note_seen(path, unit, number);
}

bool path_to(const struct search_state *search, uint32_t state, const struct transition *last, uint32_t last_unit,
             uint32_t last_node, enum path_end end, struct ns_schedule_item **items, size_t *count) {
    struct path path = {.search = search, .program = search->projection->program};
    uint32_t *chain = malloc((search->count + 1) * sizeof *chain);
    size_t length = 0;
    if (chain == NULL || !begin_path(&path)) {
        free(chain);
        release_path(&path);
        free(path.item);
        return false;
    }
    for (uint32_t at = state; search->info[at].by.parent != NO_INDEX; at = search->info[at].by.parent)
        chain[length++] = at;
    for (size_t i = 0; i < length && !path.failed; i++) {
        const struct transition *by = &search->info[chain[length - 1 - i]].by;
        stays_note_transition(&path, by, taken_by(search, by), i);
    }
    note_last(&path, state, last, last_unit, last_node, length);
    for (size_t i = 0; i < length && !path.failed; i++) {
        const struct transition *by = &search->info[chain[length - 1 - i]].by;
        emit_transition(&path, by, taken_by(search, by), i, false);
    }
    if (last_node != NO_INDEX) { /* the hardware by itself */
        uint32_t *words = state_words(search, state);
        path.pcs = state_pcs(words);
        memcpy(path.units, state_units(search, words), search->projection->units * sizeof *path.units);
        emit_what_is_left(&path);
        if (end == PATH_COMPLETE)
            complete(&path);
        emit_closure(&path, last_unit, last_node, length);
    } else {
        emit_transition(&path, last, taken_by(search, last), length, end == PATH_WITH_STEP);
    }
    free(chain);
    release_path(&path);
    if (path.failed) {
        free(path.item);
        return false;
    }
    *items = path.item;
    *count = path.count;
    return true;
}
