/* SPDX-License-Identifier: Apache-2.0 */
#include "model/store_buffer.h"
#include "verify/queues.h"
#include "verify/search_internal.h"

#include <string.h>

static struct transition transition_of(const struct search_work *work) {
    return (struct transition){.parent = work->state,
                               .count = (uint16_t)work->taken_count,
                               .actor = (uint8_t)work->actor,
                               .looks = work->waits,
                               .index = work->index};
}

static uint32_t *work_units(struct search_work *work) {
    return state_units(work->search, work->words);
}

static void finish(struct search_work *work);
static void touch_from(struct search_work *work, uint32_t touch);

/* Is the device's access, or the hart's, ordered behind operation `op`? */
static bool is_ordered(struct search_work *work, uint32_t op) {
    struct search_state *search = work->search;
    const struct program *program = search->projection->program;
    if (program->ops[op].recorded.kind == NS_RECORDED_INITIAL)
        return true;
    signals_lay_out(&search->signals, *state_signals(search, work->words));
    return ns_clocks_happened_before(&search->signals.clocks, program->ops[op].recorded.actor,
                                     projection_stamp(search->projection, op), work->actor);
}

/* Is the writer of the version still at it? Who was not told may miss it. */
static bool is_under_way(struct search_work *work, ns_version version) {
    const struct projection *projection = work->search->projection;
    if (version == NS_VERSION_POWER_ON)
        return false;
    const unsigned actor = projection->program->ops[version - 1].recorded.actor;
    const size_t at = state_pcs(state_words(work->search, work->state))[actor];
    return is_in_a_step(projection, actor, at) && projection->ops[actor][at].is_part &&
           projection->ops[actor][at].op == version - 1;
}

static void judge_owner(struct search_work *work, uint32_t unit, const struct reaction *reaction) {
    const uint32_t distance = work->distance + work->op->weight;
    if (reaction->has_owner)
        search_report(work->search, &reaction->owner, unit, distance, transition_of(work), work->taken, NO_INDEX, 0);
    for (size_t i = 0; i < reaction->race_count && work->search->projection->program->clocks; i++)
        if (!is_ordered(work, reaction->races[i].ordered))
            search_report(work->search, &reaction->races[i].finding, unit, distance, transition_of(work), work->taken,
                          NO_INDEX, 0);
}

static bool breaks_ownership(struct search_work *work, const struct reaction *reaction) {
    bool broken = reaction->has_owner;
    for (size_t i = 0; i < reaction->race_count && work->search->projection->program->clocks && !broken; i++)
        broken = !is_ordered(work, reaction->races[i].ordered);
    return broken;
}

/* Does `move` to a unit in every way that the hardware allows, then goes on with `next`. */
static void act(struct search_work *work, uint32_t unit, struct world_move move,
                void (*next)(struct search_work *, uint32_t), uint32_t argument) {
    struct search_state *search = work->search;
    struct world *world = search->projection->world[unit];
    const uint32_t before = work_units(work)[unit];
    const struct reaction *reaction = world_react(world, before, move);
    if (reaction == NULL) {
        search_give_up(search, world);
        return;
    }
    if (work->taken_count == TAKEN_LIMIT) {
        search->stopped = "one operation touches more lines than are searched together";
        return;
    }
    const uint32_t distance = work->distance;
    const uint32_t weight = work->op == NULL ? 0 : work->op->weight;
    struct taken *taken = &work->taken[work->taken_count++];
    *taken = (struct taken){.unit = unit, .move = move};
    /* Where entries leave by themselves, one that is forced to leave has left before: that is where it is told. */
    const bool varies = move.action == WORLD_OP || move.action == WORLD_REST;
    const bool drained = move.action == WORLD_FORCED && program_stores_leave(search->projection->program);
    for (size_t i = 0; i < reaction->finding_count && !drained; i++) {
        const struct costly_finding *costly = &reaction->findings[i];
        if (costly->finding.kind == FOUND_LEAK && breaks_ownership(work, reaction))
            continue; /* whose the bytes are is wrong: what they hold needs no other explanation */
        /* Was the reader told after the newest write? */
        const bool told = costly->finding.kind == FOUND_STALE && costly->finding.newest > 0 && work->op != NULL &&
                          is_ordered(work, costly->finding.newest - 1);
        if (costly->finding.kind == FOUND_STALE && !search->projection->few && !told &&
            is_under_way(work, costly->finding.newest))
            continue; /* it comes before that write */
        taken->node = costly->node;
        taken->move.a = varies ? costly->variant : move.a;
        search_report(search, &costly->finding, unit, distance + weight + costly->cost, transition_of(work),
                      work->taken, NO_INDEX, told);
    }
    bool judged = move.action != WORLD_OP && move.action != WORLD_BEGIN;
    for (size_t i = 0; i < reaction->outcome_count && !search->failed && search->stopped == NULL; i++) {
        const struct outcome *outcome = &reaction->outcomes[i];
        taken->node = outcome->node;
        taken->move.a = varies ? outcome->variant : move.a;
        work->distance = distance;
        work->distance = distance + outcome->cost;
        if (!judged && !outcome->stale) {
            judged = true;
            judge_owner(work, unit, reaction);
        }
        work_units(work)[unit] = outcome->state;
        const bool waits = work->waits;
        work->waits |= outcome->waits;
        if (outcome->content != 0 && work->op != NULL) {
            work->poll_content = outcome->content;
            work->poll_unit = unit;
            observe_keep(search->sink, search, work->words, unit, work->op->op, outcome->content);
        }
        next(work, argument);
        for (size_t r = 0; r < search->registers; r++)
            state_registers(search, work->words)[r] = state_registers(search, state_words(search, work->state))[r];
        work->waits = waits;
    }
    work_units(work)[unit] = before;
    work->distance = distance;
    work->taken_count--;
}

/* The unit that holds the actor's oldest entry on its way; NO_INDEX: none. */
static uint32_t oldest_unit(struct search_state *search, const uint32_t *units, unsigned actor) {
    uint32_t oldest = NO_INDEX;
    uint64_t oldest_age = 0;
    for (unsigned u = 0; u < search->projection->units; u++) {
        uint64_t age;
        if (world_oldest(search->projection->world[u], units[u], actor, &age) &&
            (oldest == NO_INDEX || age < oldest_age)) {
            oldest = u;
            oldest_age = age;
        }
    }
    return oldest;
}

/* A full queue lets its oldest entry go before it takes another. */
static bool force_room(struct search_work *work, uint32_t touch) {
    struct search_state *search = work->search;
    const struct program *program = search->projection->program;
    const struct projected_touch *at = &search->projection->touch[work->op->touch + touch];
    const struct ns_recorded *entry = &program->ops[work->op->op].recorded;
    uint32_t capacity = 0;
    if (entry->kind == NS_RECORDED_STORE)
        capacity = program->machine->store_buffer_drain == NS_DRAIN_EAGER ? 0 : program->machine->store_buffer_entries;
    else if (entry->kind == NS_RECORDED_DMA_WRITE) {
        const struct ns_device *device = &program->scenario->devices[entry->actor - program->harts];
        capacity = device->has_posted ? device->posted : program->machine->posted_entries;
        if (device->snoops || program->machine->posted_drain == NS_DRAIN_EAGER)
            capacity = 0;
    }
    if (queues_know(program, entry->actor) || (entry->kind == NS_RECORDED_STORE && program_stores_leave(program)))
        return false; /* the bench makes room, whichever line needs it; or settle() */
    unsigned comes = world_entries(search->projection->world[at->unit], at->unit_op, NS_TYPE_NC), waits = 0;
    if (capacity == 0 || comes == 0)
        return false;
    if (entry->kind == NS_RECORDED_STORE &&
        (world_types(search->projection->world[at->unit], work_units(work)[at->unit], at->unit_op) &
         (1u << NS_TYPE_NC)) == 0)
        return false;
    comes = comes > capacity ? capacity : comes;
    for (unsigned u = 0; u < search->projection->units; u++)
        waits += world_buffered(search->projection->world[u], work_units(work)[u], entry->actor);
    if (waits + comes <= capacity)
        return false;
    const uint32_t unit = oldest_unit(search, work_units(work), entry->actor);
    if (unit == NO_INDEX)
        return false;
    const struct world_move move = {.action = entry->kind == NS_RECORDED_STORE ? WORLD_FORCED : WORLD_POSTED,
                                    .a = entry->actor};
    act(work, unit, move, touch_from, touch);
    return true;
}

/* Is the last entry of the store, or of what has come of it, among those that are followed? */
static bool follows_last(struct search_work *work) {
    struct search_state *search = work->search;
    const struct program *program = search->projection->program;
    const struct ns_recorded *store = &program->ops[work->op->op].recorded;
    const bool whole = work->op->order == program->ops[work->op->op].phases;
    const uint64_t end =
        whole ? store->address + store->length : queues_first(program, work->op->op, work->op->order + 1u);
    const uint64_t last = (end - 1) / NS_STORE_ENTRY_BYTES * NS_STORE_ENTRY_BYTES;
    struct world_flight flight;
    bool follows = false;
    for (unsigned u = 0; u < search->projection->units && !follows; u++)
        for (unsigned i = 0; !follows && world_flight(search->projection->world[u], work_units(work)[u], i, &flight);
             i++)
            follows = flight.op == work->op->op && flight.first < last + NS_STORE_ENTRY_BYTES && last < flight.end;
    return follows;
}

/* Does an older write of the hart to the same bytes leave first? */
static bool has_older(struct world *world, uint32_t state, unsigned index, const struct world_flight *flight) {
    struct world_flight other;
    bool older = false;
    for (unsigned i = 0; i < index && !older && world_flight(world, state, i, &other); i++)
        older =
            other.actor == flight->actor && other.buffered && other.first < flight->end && flight->first < other.end;
    return older;
}

/* All of a store, or of a part of it, has come whose entries may leave by themselves: what the buffer has no room for
 * has left, whichever that is. Its last entry is there. */
static bool settle(struct search_work *work) {
    struct search_state *search = work->search;
    const unsigned hart = search->projection->program->ops[work->op->op].recorded.actor;
    unsigned waits = follows_last(work) ? 0 : 1;
    for (unsigned u = 0; u < search->projection->units; u++)
        waits += world_buffered(search->projection->world[u], work_units(work)[u], hart);
    if (waits <= search->projection->program->machine->store_buffer_entries)
        return false;
    bool leaves = false;
    for (unsigned u = 0; u < search->projection->units; u++) {
        struct world *world = search->projection->world[u];
        struct world_flight flight;
        for (unsigned i = 0; world_flight(world, work_units(work)[u], i, &flight); i++)
            if (flight.actor == hart && flight.buffered && !has_older(world, work_units(work)[u], i, &flight)) {
                leaves = true;
                act(work, u,
                    (struct world_move){
                        .action = WORLD_FORCED, .a = (uint8_t)hart, .index = (uint16_t)(flight.cell + 1)},
                    touch_from, work->op->touches);
            }
    }
    return leaves;
}

static void touch_from(struct search_work *work, uint32_t touch) {
    if (touch == work->op->touches) {
        if (!work->op->settles || !settle(work))
            finish(work);
        return;
    }
    if (!work->op->is_part && !work->search->projection->program->ops[work->op->op].loose && force_room(work, touch))
        return;
    const struct projected_touch *at = &work->search->projection->touch[work->op->touch + touch];
    const struct world_move move = {.action = at->action, .a = at->phase, .index = (uint16_t)at->unit_op};
    act(work, at->unit, move, touch_from, touch + 1);
}

/* What has to arrive first, unit by unit, before the operation itself. */
static void arrive_from(struct search_work *work, uint32_t unit) {
    struct search_state *search = work->search;
    const struct program *program = search->projection->program;
    const struct ns_recorded *entry = &program->ops[work->op->op].recorded;
    for (; unit < search->projection->units && !work->op->is_part; unit++) {
        struct world *world = search->projection->world[unit];
        const uint32_t state = work_units(work)[unit];
        struct world_move move = {.action = WORLD_FLUSH, .a = entry->actor};
        bool needed = false;
        switch ((enum ns_recorded_kind)entry->kind) {
        case NS_RECORDED_FENCE: {
            const bool local = (entry->flags & NS_RECORDED_LOCAL) != 0;
            move = (struct world_move){.action = WORLD_FENCE, .a = entry->actor, .index = local};
            needed =
                world_buffered(world, state, entry->actor) > 0 || (!local && world_late(world, state, entry->actor));
            break;
        }
        case NS_RECORDED_REGISTER_READ:
            move.a = entry->peer;
            needed = world_buffered(world, state, entry->peer) > 0;
            break;
        case NS_RECORDED_RAISE:
            needed =
                (program->machine->may & NS_MAY_IRQ_BEFORE_DATA) == 0 && world_buffered(world, state, entry->actor) > 0;
            break;
        case NS_RECORDED_DMA_READ:
        case NS_RECORDED_DEVICE_FLUSH:
            needed = world_buffered(world, state, entry->actor) > 0;
            break;
        default:
            break;
        }
        if (needed) {
            act(work, unit, move, arrive_from, unit + 1);
            return;
        }
    }
    touch_from(work, 0);
}

/* ---- what an operation tells others ---------------------------------------------------------- */

static void tell(struct search_work *work, const uint32_t *now) {
    struct search_state *search = work->search;
    struct signals *signals = &search->signals;
    const struct program *program = search->projection->program;
    const struct program_op *op = &program->ops[work->op->op];
    const struct ns_recorded *entry = &op->recorded;
    const unsigned harts = program->harts;
    switch ((enum ns_recorded_kind)entry->kind) {
    case NS_RECORDED_DOORBELL:
        signals->rung[entry->peer - harts]++;
        ns_clocks_doorbell(&signals->clocks, entry->actor, entry->peer, program->device[entry->peer - harts].starts,
                           now);
        break;
    case NS_RECORDED_MAP:
    case NS_RECORDED_SYNC:
        if ((entry->flags & NS_RECORDED_FOR_CPU) == 0)
            ns_clocks_doorbell(&signals->clocks, entry->actor, entry->peer, program->device[entry->peer - harts].starts,
                               now);
        break;
    case NS_RECORDED_START:
        signals->rung[entry->actor - harts]--;
        ns_clocks_start(&signals->clocks, entry->actor, now);
        break;
    case NS_RECORDED_RAISE:
        signals->pending[entry->irq] = true;
        ns_clocks_raise(&signals->clocks, entry->actor, entry->irq, now);
        break;
    case NS_RECORDED_WAIT:
        signals->pending[entry->irq] = false;
        ns_clocks_wait(&signals->clocks, entry->actor, entry->irq, now);
        break;
    default: {
        if (op->poll == NO_INDEX)
            break;
        const ns_version *versions = NULL;
        const size_t count = world_content(search->projection->world[work->poll_unit], work->poll_content, &versions);
        for (size_t i = 0; i < count; i++) {
            if (versions[i] == NS_VERSION_POWER_ON || (i > 0 && versions[i] == versions[i - 1]))
                continue;
            const struct ns_recorded *writer = &program->ops[versions[i] - 1].recorded;
            if (writer->kind != NS_RECORDED_INITIAL && writer->actor != entry->actor)
                ns_clocks_poll(&signals->clocks, entry->actor, writer->actor,
                               projection_stamp(search->projection, versions[i] - 1), now);
        }
    }
    }
}

static bool tells(const struct program_op *op) {
    const enum ns_recorded_kind kind = (enum ns_recorded_kind)op->recorded.kind;
    return op->poll != NO_INDEX || kind == NS_RECORDED_DOORBELL || kind == NS_RECORDED_MAP ||
           kind == NS_RECORDED_SYNC || kind == NS_RECORDED_START || kind == NS_RECORDED_RAISE ||
           kind == NS_RECORDED_WAIT;
}

/* The data line has to know when the doorbell rang, or a device saw what it polled: see bench_past.c. */
static void note_told(struct search_work *work, enum world_action action, unsigned device) {
    const struct projection *projection = work->search->projection;
    if (projection->units == 0 || (projection->program->harts == 1 && projection->program->poll_count == 0))
        return;
    const uint32_t now = world_perform(projection->world[0], work_units(work)[0],
                                       (struct world_move){.action = (uint8_t)action, .a = (uint8_t)device}, NULL);
    if (now != NO_INDEX) {
        work_units(work)[0] = now;
        return;
    }
    search_give_up(work->search, projection->world[0]);
}

/* Everything of the operation is done: the state behind it. */
static void finish(struct search_work *work) {
    struct search_state *search = work->search;
    const struct program_op *op = &search->projection->program->ops[work->op->op];
    if (work->waits) {
        /* A turn of a poll's loop: it may have brought a line in, or a store out. */
        if (memcmp(work->words, state_words(search, work->state), search->words * 4) != 0)
            search_reach(search, work->words, work->distance + 1, transition_of(work), work->taken);
        return;
    }
    const uint32_t signals = *state_signals(search, work->words);
    state_pcs(work->words)[work->actor]++;
    if (tells(op)) {
        uint32_t now[NS_MAX_ACTORS] = {0};
        for (unsigned actor = 0; actor < search->projection->actors; actor++)
            now[actor] = state_pcs(work->words)[actor];
        signals_lay_out(&search->signals, signals);
        tell(work, now);
        *state_signals(search, work->words) = signals_number(&search->signals);
    }
    const uint32_t unit = work_units(work)[0];
    if (op->recorded.kind == NS_RECORDED_DOORBELL)
        note_told(work, WORLD_HANDED, op->recorded.peer);
    if (op->poll != NO_INDEX && op->recorded.actor >= search->projection->program->harts)
        note_told(work, WORLD_SEEN, op->recorded.actor);
    search_reach(search, work->words, work->distance + work->op->weight, transition_of(work), work->taken);
    work_units(work)[0] = unit;
    *state_signals(search, work->words) = signals;
    state_pcs(work->words)[work->actor]--;
}

static void finish_hardware(struct search_work *work, uint32_t unused) {
    (void)unused;
    search_reach(work->search, work->words, work->distance + 1, transition_of(work), work->taken);
}

/* ---- beginning one --------------------------------------------------------------------------- */

void search_begin(struct search_work *work, struct search_state *search, uint32_t state) {
    work->search = search;
    work->state = state;
    work->distance = search->info[state].distance;
    work->taken_count = 0;
    work->waits = work->looks = false;
    memcpy(work->words, state_words(search, state), search->words * 4);
}

void search_perform(struct search_work *work) {
    arrive_from(work, 0);
}

/* Posted writes leave their queues in order, each by itself. */
void search_drain_posted(struct search_state *search, struct search_work *work, uint32_t state) {
    const struct program *program = search->projection->program;
    const bool drains = (program->machine->may & NS_MAY_DRAIN) != 0 || program->machine->posted_drain == NS_DRAIN_AFTER;
    if (!search->projection->posted || !drains)
        return;
    for (unsigned d = 0; d < program->devices; d++) {
        search_begin(work, search, state);
        work->actor = search->projection->actors;
        work->index = program->harts + d;
        work->op = NULL;
        const uint32_t unit = oldest_unit(search, work_units(work), program->harts + d);
        if (unit != NO_INDEX)
            act(work, unit, (struct world_move){.action = WORLD_POSTED, .a = (uint8_t)(program->harts + d)},
                finish_hardware, 0);
    }
}

/* While somebody polls, time passes: what waits leaves in the end, also where the hardware need not let it go. */
void search_drain_spinning(struct search_state *search, struct search_work *work, uint32_t state) {
    const struct program *program = search->projection->program;
    const bool drains = (program->may & NS_MAY_DRAIN) != 0;
    for (unsigned actor = 0; actor < program->harts + program->devices && !drains; actor++) {
        const bool device = actor >= program->harts;
        if (!device && program->machine->store_buffer_drain == NS_DRAIN_AFTER)
            continue;
        if (device && program->machine->posted_drain == NS_DRAIN_AFTER)
            continue;
        search_begin(work, search, state);
        work->actor = search->projection->actors;
        work->index = actor;
        work->op = NULL;
        const uint32_t unit = oldest_unit(search, work_units(work), actor);
        if (unit != NO_INDEX)
            act(work, unit, (struct world_move){.action = device ? WORLD_POSTED : WORLD_FORCED, .a = (uint8_t)actor},
                finish_hardware, 0);
    }
}
