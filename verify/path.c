/* SPDX-License-Identifier: Apache-2.0 */
/* From a way through one search's states to a schedule of the whole program: the steps that the search left out are put
 * back, and the hardware's moves get their places. */
#include "verify/queues.h"
#include "verify/search_internal.h"

#include <stdlib.h>
#include <string.h>

enum { PATH_HOLDS = 16 }; /* as many as the machine takes */

/* Entries of store buffers that stay although the buffer is full. */
struct holds {
    unsigned count;
    struct ns_schedule_item item[PATH_HOLDS];
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
    uint64_t wanted;              /* address of the first byte that it is about */
    struct holds drained, waited; /* entries that the way lets go; all that were in a store buffer behind some step */
    bool failed;
};

static void insert(struct path *path, size_t at, struct ns_schedule_item item) {
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
    insert(path, path->count, (struct ns_schedule_item){.kind = NS_SCHEDULE_STEP, .line = what->line});
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
    insert(path, path->count,
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
    path->stopped[actor].op = next->op;
    path->stopped[actor].order = next->order;
    for (; others > 0; others--)
        insert(path, path->item_of[actor] + 1, stop);
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
        insert(path, path->item_of[path->open], item);
        return;
    }
    close_step(path);
    insert(path, path->count, item);
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
static bool flight_of(const struct path *path, uint32_t unit, uint32_t before, struct world_move move,
                      struct world_flight *flight) {
    struct world *world = path->search->projection->world[unit];
    if (move.action == WORLD_DRAIN)
        return world_flight(world, before, move.index, flight);
    const bool oldest = move.action == WORLD_POSTED || move.action == WORLD_FORCED;
    for (unsigned i = 0; oldest && world_flight(world, before, i, flight); i++)
        if (flight->actor == move.a)
            return true;
    return false;
}

/* At most so many of one hart. */
static void add_hold(struct holds *holds, unsigned most, unsigned hart, uint64_t address) {
    unsigned of_hart = 0;
    bool known = holds->count >= PATH_HOLDS;
    for (unsigned i = 0; i < holds->count && !known; i++) {
        known = holds->item[i].address == address && holds->item[i].actor == hart;
        of_hart += holds->item[i].actor == hart;
    }
    if (!known && of_hart < most)
        holds->item[holds->count++] =
            (struct ns_schedule_item){.kind = NS_SCHEDULE_HOLD, .actor = hart, .has_address = true, .address = address};
}

/* What is in the store buffers now. */
static void add_waiting(const struct path *path, struct holds *holds, unsigned most) {
    const struct projection *projection = path->search->projection;
    for (unsigned u = 0; u < projection->units; u++) {
        struct world_flight flight;
        for (unsigned i = 0; world_flight(projection->world[u], path->units[u], i, &flight); i++)
            if (flight.actor < path->program->harts)
                add_hold(holds, most, flight.actor, flight.first);
    }
}

/* A move of the hardware. A write on its way may be several entries of the real queue: each has to leave. */
static void emit_item(struct path *path, uint32_t unit, uint32_t before, struct world_move move) {
    struct ns_schedule_item item = item_of(path, unit, move);
    struct world_flight flight;
    if (!flight_of(path, unit, before, move, &flight)) {
        emit_move(path, item);
        return;
    }
    item.kind = NS_SCHEDULE_DRAIN;
    item.is_device = move.action == WORLD_POSTED;
    item.actor = item.is_device ? move.a - path->program->harts : move.a;
    if (!item.is_device)
        add_hold(&path->drained, PATH_HOLDS, flight.actor, flight.first); /* it was there until then */
    for (uint64_t at = flight.first; at < flight.end; at = (at / flight.entry + 1) * flight.entry) {
        item.address = at;
        emit_move(path, item);
    }
}

/* The hardware's way from a unit's state to a node of its closure. */
static void emit_closure(struct path *path, uint32_t unit, uint32_t node) {
    struct world *world = path->search->projection->world[unit];
    const struct closure *closure = world_closure(world, path->units[unit]);
    uint32_t way[256];
    size_t length = 0;
    for (uint32_t at = node; at != 0 && length < sizeof way / sizeof way[0]; at = closure->nodes[at].parent)
        way[length++] = at;
    while (length > 0) {
        const struct closure_node *to = &closure->nodes[way[--length]];
        emit_item(path, unit, closure->nodes[to->parent].state, to->move);
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
    /* The old translation was made before the page table changed: before the first such change in the schedule. */
    item.kind = NS_SCHEDULE_WALK;
    for (uint32_t i = 0; i < world_unit(world)->count; i++) {
        const struct unit_op *change = world_unit_op(world, i);
        const struct ns_recorded *page = &path->program->ops[change->op].recorded;
        if (page->kind != NS_RECORDED_PTE || change->view != unit_op->view || change->op > op->op)
            continue;
        const struct program_step *step = &path->program->steps[page->step];
        for (size_t at = 0; at < path->count; at++)
            if (path->item[at].kind == NS_SCHEDULE_STEP && path->item[at].line == step->line) {
                item.part = page->part;
                insert(path, at, item);
                return;
            }
    }
}

/* ---- transitions ----------------------------------------------------------------------------- */

static void emit_turn(struct path *path, const struct transition *by) {
    const struct projected_op *op = &path->search->projection->ops[by->actor][by->index];
    const struct ns_recorded *entry = &path->program->ops[op->op].recorded;
    const bool device = entry->actor >= path->program->harts;
    close_step(path);
    insert(path, path->count,
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
    insert(path, inside ? path->item_of[actor] : path->count, item);
}

static void emit_transition(struct path *path, const struct transition *by, const struct taken *taken, bool with_step) {
    const struct search_state *search = path->search;
    const struct projection *projection = search->projection;
    path->pcs = state_pcs(state_words(search, by->parent));
    const uint32_t *units = state_units(search, state_words(search, by->parent));
    memcpy(path->units, units, projection->units * sizeof *units);
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
        emit_closure(path, unit, taken[i].node);
        if (by->looks && with_step)
            continue; /* a hang: what the hardware did, and no operation */
        if ((action == WORLD_OP || action == WORLD_REST) && op != NULL) {
            emit_translation(path, unit, op, taken[i].move);
            if ((taken[i].move.a & VARIANT_AS_FLUSH) != 0)
                emit_as_flush(path, op);
        }
        if ((action == WORLD_POSTED || action == WORLD_FORCED) && op == NULL)
            emit_item(path, unit, path->units[unit], taken[i].move);
        if (arrives_apart(by, taken, i))
            emit_move(path, (struct ns_schedule_item){.kind = NS_SCHEDULE_DRAIN,
                                                      .is_device = true,
                                                      .actor = taken[i].move.a - path->program->harts});
        path->units[unit] = world_perform(world, path->units[unit], taken[i].move, NULL);
    }
    add_waiting(path, &path->waited, PATH_HOLDS);
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
}

/* Has a hart more non-cacheable stores than its buffer has entries, which can leave by themselves? Then those that the
 * way needs may be the ones that stay. */
static bool must_hold(const struct program *program, unsigned hart) {
    uint64_t entries = 0;
    for (size_t i = 0; i < program->op_count; i++) {
        const struct ns_recorded *entry = &program->ops[i].recorded;
        if (entry->kind == NS_RECORDED_STORE && entry->actor == hart && entry->type == NS_TYPE_NC)
            entries += (entry->length + 7) / 8 + 1;
    }
    return entries > program->machine->store_buffer_entries && (program->may & NS_MAY_DRAIN) != 0;
}

/* What it is about comes first, then what is still in a store buffer at the end, or what the way lets go when it ends
 * with that, then what an operation takes out: there may not be room for all, as one entry is needed for what passes
 * them. */
static void hold_entries(struct path *path, bool ends_with_move) {
    const unsigned entries = path->program->machine->store_buffer_entries, most = entries > 0 ? entries - 1 : 0;
    struct holds holds = {0};
    for (unsigned i = 0; i < path->waited.count; i++)
        if (path->waited.item[i].address == path->wanted)
            add_hold(&holds, most, path->waited.item[i].actor, path->wanted);
    if (!ends_with_move)
        add_waiting(path, &holds, most);
    for (unsigned i = path->drained.count; i-- > 0;)
        add_hold(&holds, most, path->drained.item[i].actor, path->drained.item[i].address);
    add_waiting(path, &holds, most);
    for (unsigned i = 0; i < path->waited.count; i++)
        add_hold(&holds, most, path->waited.item[i].actor, path->waited.item[i].address);
    for (unsigned i = 0; i < holds.count; i++)
        if (must_hold(path->program, holds.item[i].actor))
            insert(path, 0, holds.item[i]);
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
        insert(path, 0, (struct ns_schedule_item){.kind = NS_SCHEDULE_LATE});
    /* What a prefetcher fills is among the moves of the search, and so is that it fills nothing. */
    if (program->machine->prefetch_next_line || program->machine->stride.streams > 0)
        insert(path, 0, (struct ns_schedule_item){.kind = NS_SCHEDULE_NO_PREFETCHER});
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

bool path_to(const struct search_state *search, uint32_t state, const struct transition *last, uint32_t last_unit,
             uint32_t last_node, enum path_end end, uint64_t wanted, struct ns_schedule_item **items, size_t *count) {
    struct path path = {.search = search, .program = search->projection->program, .wanted = wanted};
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
    while (length > 0 && !path.failed) {
        const struct transition *by = &search->info[chain[--length]].by;
        emit_transition(&path, by, taken_by(search, by), false);
    }
    if (last_node != NO_INDEX) { /* the hardware by itself */
        uint32_t *words = state_words(search, state);
        path.pcs = state_pcs(words);
        memcpy(path.units, state_units(search, words), search->projection->units * sizeof *path.units);
        if (end == PATH_COMPLETE)
            complete(&path);
        emit_closure(&path, last_unit, last_node);
    } else {
        emit_transition(&path, last, taken_by(search, last), end == PATH_WITH_STEP);
    }
    hold_entries(&path, last_node != NO_INDEX);
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
