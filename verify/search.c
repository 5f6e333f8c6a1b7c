/* SPDX-License-Identifier: Apache-2.0 */
#include "verify/search_internal.h"

#include "verify/hash.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

static bool grow(void **array, size_t *capacity, size_t wanted, size_t size) {
    if (wanted <= *capacity)
        return true;
    size_t larger = *capacity == 0 ? 64 : *capacity;
    while (larger < wanted)
        larger *= 2;
    void *grown = realloc(*array, larger * size);
    if (grown == NULL)
        return false;
    *array = grown;
    *capacity = larger;
    return true;
}

/* ---- states ---------------------------------------------------------------------------------- */

static bool rehash(struct search_state *search) {
    const size_t size = search->slot == NULL ? 128 : 2 * (search->mask + 1);
    uint32_t *slot = malloc(size * sizeof *slot);
    if (slot == NULL)
        return false;
    memset(slot, 0xff, size * sizeof *slot);
    for (uint32_t i = 0; i < search->count; i++) {
        size_t at = hash_bytes(state_words(search, i), search->words * 4, 2) & (size - 1);
        while (slot[at] != NO_INDEX)
            at = (at + 1) & (size - 1);
        slot[at] = i;
    }
    free(search->slot);
    search->slot = slot;
    search->mask = size - 1;
    return true;
}

static bool room_for_state(struct search_state *search) {
    if (search->count + 1 >= search->capacity) {
        const uint32_t capacity = search->capacity == 0 ? 32 : 2 * search->capacity;
        uint32_t *word = realloc(search->word, (size_t)capacity * search->words * sizeof *word);
        if (word != NULL)
            search->word = word;
        struct state_info *info = realloc(search->info, (size_t)capacity * sizeof *info);
        if (info != NULL)
            search->info = info;
        if (word == NULL || info == NULL)
            return false;
        search->capacity = capacity;
    }
    return (search->slot != NULL && 4 * (size_t)search->count < 3 * search->mask) || rehash(search);
}

static bool enqueue(struct search_state *search, uint32_t state, uint32_t distance) {
    while (search->bucket_count <= distance) {
        const size_t wanted = search->bucket_count == 0 ? 32 : 2 * search->bucket_count;
        struct bucket *grown = realloc(search->bucket, wanted * sizeof *grown);
        if (grown == NULL)
            return false;
        memset(grown + search->bucket_count, 0, (wanted - search->bucket_count) * sizeof *grown);
        search->bucket = grown;
        search->bucket_count = wanted;
    }
    struct bucket *bucket = &search->bucket[distance];
    if (!grow((void **)&bucket->state, &bucket->capacity, bucket->count + 1, sizeof *bucket->state))
        return false;
    bucket->state[bucket->count++] = state;
    return true;
}

static uint32_t keep_taken(struct search_state *search, const struct taken *taken, size_t count) {
    if (!grow((void **)&search->taken, &search->taken_capacity, search->taken_count + count, sizeof *taken)) {
        search->failed = true;
        return 0;
    }
    for (size_t i = 0; i < count; i++)
        search->taken[search->taken_count++] = taken[i];
    return (uint32_t)(search->taken_count - count);
}

/* A state was reached; it is queued when that is news. `words`: search->words, not in the table. */
static void reach(struct search_state *search, const uint32_t *words, uint32_t distance, struct transition by,
                  const struct taken *taken) {
    search->result->transitions++;
    if (!room_for_state(search)) {
        search->failed = true;
        return;
    }
    size_t at = hash_bytes(words, search->words * 4, 2) & search->mask;
    uint32_t state = NO_INDEX;
    for (; search->slot[at] != NO_INDEX; at = (at + 1) & search->mask)
        if (memcmp(state_words(search, search->slot[at]), words, search->words * 4) == 0) {
            state = search->slot[at];
            break;
        }
    if (state != NO_INDEX && (search->info[state].settled || search->info[state].distance <= distance))
        return;
    if (state == NO_INDEX) {
        state = search->count++;
        search->slot[at] = state;
        memcpy(state_words(search, state), words, search->words * 4);
    }
    by.taken = keep_taken(search, taken, by.count);
    search->info[state] = (struct state_info){.by = by, .distance = distance};
    if (!enqueue(search, state, distance))
        search->failed = true;
}

/* ---- findings -------------------------------------------------------------------------------- */

/* What is one story has one key: the site of the step at work, whatever part of it shows the finding (a call's own
 * barrier may), and what the finding says. */
static uint64_t story_of(const struct search_state *search, const struct finding *finding,
                         const struct transition *by) {
    const struct projection *projection = search->projection;
    const bool by_hardware = by->actor == projection->actors || by->index == NO_INDEX;
    const uint32_t step =
        by_hardware ? NO_INDEX : projection->program->ops[projection->ops[by->actor][by->index].op].recorded.site;
    struct {
        uint64_t a, b, c, d;
    } story = {(uint64_t)step << 32 | finding->newest, (uint64_t)finding->got << 32 | (uint32_t)finding->stamp << 16,
               (uint64_t)finding->kind << 32 | (uint64_t)finding->where << 16 | (uint64_t)finding->torn << 8 |
                   finding->reason,
               finding->past};
    return hash_bytes(&story, sizeof story, 3);
}

/* Keeps the shortest way to each story. `by`: the transition at work, whose taken are in `taken`. */
static void report(struct search_state *search, const struct finding *finding, uint32_t unit, uint32_t distance,
                   struct transition by, const struct taken *taken, uint32_t last_node) {
    const uint64_t key = story_of(search, finding, &by);
    if (search->limits->first_only) {
        search->ended = true;
    }
    size_t at = 0;
    while (at < search->candidate_count && search->candidate[at].key != key)
        at++;
    if (at < search->candidate_count && search->candidate[at].distance <= distance)
        return;
    if (at == search->candidate_count) {
        if (!grow((void **)&search->candidate, &search->candidate_capacity, at + 1, sizeof *search->candidate)) {
            search->failed = true;
            return;
        }
        search->candidate_count++;
    }
    by.taken = keep_taken(search, taken, by.count);
    search->candidate[at] = (struct candidate){.key = key,
                                               .finding = *finding,
                                               .unit = unit,
                                               .distance = distance,
                                               .state = by.parent,
                                               .by = by,
                                               .last_node = last_node};
}

/* What the hardware alone makes of a state. */
static void report_closures(struct search_state *search, uint32_t state) {
    const struct projection *projection = search->projection;
    for (unsigned u = 0; u < projection->units; u++) {
        const uint32_t of = state_units(search, state_words(search, state))[u];
        const struct closure *closure = world_closure(projection->world[u], of);
        if (closure == NULL) {
            search->stopped = world_trouble(projection->world[u]);
            search->failed = search->stopped == NULL;
            return;
        }
        for (size_t i = 0; i < closure->finding_count; i++)
            report(search, &closure->findings[i].finding, u, search->info[state].distance + closure->findings[i].cost,
                   (struct transition){.parent = state, .actor = (uint8_t)projection->actors}, NULL,
                   closure->findings[i].node);
    }
}

/* ---- an operation ---------------------------------------------------------------------------- */

enum { TAKEN_LIMIT = 2 * SEARCH_UNITS };

/* An operation under way: what is left to do on which unit. */
struct work {
    struct search_state *search;
    uint32_t state; /* from which it starts */
    unsigned actor;
    uint32_t index; /* of the operation; NO_INDEX: the hardware */
    const struct projected_op *op;
    uint32_t words[512];
    uint32_t distance;
    size_t taken_count;
    struct taken taken[TAKEN_LIMIT];
    bool waits, looks;
    uint32_t poll_content, poll_unit;
};

static struct transition transition_of(const struct work *work) {
    return (struct transition){.parent = work->state,
                               .count = (uint16_t)work->taken_count,
                               .actor = (uint8_t)work->actor,
                               .looks = work->waits,
                               .index = work->index};
}

static uint32_t *work_units(struct work *work) {
    return state_units(work->search, work->words);
}

static void finish(struct work *work);
static void touch_from(struct work *work, uint32_t touch);

/* Is the device's access, or the hart's, ordered behind operation `op`? */
static bool is_ordered(struct work *work, uint32_t op) {
    struct search_state *search = work->search;
    const struct program *program = search->projection->program;
    if (program->ops[op].recorded.kind == NS_RECORDED_INITIAL)
        return true;
    signals_lay_out(&search->signals, *state_signals(search, work->words));
    return ns_clocks_happened_before(&search->signals.clocks, program->ops[op].recorded.actor,
                                     projection_stamp(search->projection, op), work->actor);
}

static void judge_owner(struct work *work, uint32_t unit, const struct reaction *reaction) {
    const uint32_t distance = work->distance + work->op->weight;
    if (reaction->has_owner)
        report(work->search, &reaction->owner, unit, distance, transition_of(work), work->taken, NO_INDEX);
    for (size_t i = 0; i < reaction->race_count && work->search->projection->program->clocks; i++)
        if (!is_ordered(work, reaction->races[i].ordered))
            report(work->search, &reaction->races[i].finding, unit, distance, transition_of(work), work->taken,
                   NO_INDEX);
}

static bool breaks_ownership(struct work *work, const struct reaction *reaction) {
    bool broken = reaction->has_owner;
    for (size_t i = 0; i < reaction->race_count && work->search->projection->program->clocks && !broken; i++)
        broken = !is_ordered(work, reaction->races[i].ordered);
    return broken;
}

/* Does `move` to a unit in every way that the hardware allows, then goes on with `next`. */
static void act(struct work *work, uint32_t unit, struct world_move move, void (*next)(struct work *, uint32_t),
                uint32_t argument) {
    struct search_state *search = work->search;
    struct world *world = search->projection->world[unit];
    const uint32_t before = work_units(work)[unit];
    const struct reaction *reaction = world_react(world, before, move);
    if (reaction == NULL) {
        search->stopped = world_trouble(world);
        search->failed = search->stopped == NULL;
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
    for (size_t i = 0; i < reaction->finding_count; i++) {
        const struct costly_finding *costly = &reaction->findings[i];
        if (costly->finding.kind == FOUND_LEAK && breaks_ownership(work, reaction))
            continue; /* whose the bytes are is wrong: what they hold needs no other explanation */
        taken->node = costly->node;
        taken->move.a = move.action == WORLD_OP ? costly->variant : move.a;
        report(search, &costly->finding, unit, distance + weight + costly->cost, transition_of(work), work->taken,
               NO_INDEX);
    }
    bool judged = move.action != WORLD_OP;
    for (size_t i = 0; i < reaction->outcome_count && !search->failed && search->stopped == NULL; i++) {
        const struct outcome *outcome = &reaction->outcomes[i];
        taken->node = outcome->node;
        taken->move.a = move.action == WORLD_OP ? outcome->variant : move.a;
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
static bool force_room(struct work *work, uint32_t touch) {
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

static void touch_from(struct work *work, uint32_t touch) {
    if (touch == work->op->touches) {
        finish(work);
        return;
    }
    if (force_room(work, touch))
        return;
    const struct projected_touch *at = &work->search->projection->touch[work->op->touch + touch];
    act(work, at->unit, (struct world_move){.action = WORLD_OP, .index = (uint16_t)at->unit_op}, touch_from, touch + 1);
}

/* What has to arrive first, unit by unit, before the operation itself. */
static void arrive_from(struct work *work, uint32_t unit) {
    struct search_state *search = work->search;
    const struct program *program = search->projection->program;
    const struct ns_recorded *entry = &program->ops[work->op->op].recorded;
    for (; unit < search->projection->units; unit++) {
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

static void tell(struct work *work, const uint32_t *now) {
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

/* With several harts the data line has to know when the doorbell rang: see bench_past.c. */
static void note_doorbell(struct work *work, unsigned device) {
    const struct projection *projection = work->search->projection;
    if (projection->units == 0 || projection->program->harts == 1)
        return;
    const uint32_t now = world_perform(projection->world[0], work_units(work)[0],
                                       (struct world_move){.action = WORLD_HANDED, .a = (uint8_t)device}, NULL);
    if (now == NO_INDEX)
        work->search->failed = true;
    else
        work_units(work)[0] = now;
}

/* Everything of the operation is done: the state behind it. */
static void finish(struct work *work) {
    struct search_state *search = work->search;
    const struct program_op *op = &search->projection->program->ops[work->op->op];
    if (work->waits) {
        /* A turn of a poll's loop: it may have brought a line in, or a store out. */
        if (memcmp(work->words, state_words(search, work->state), search->words * 4) != 0)
            reach(search, work->words, work->distance + 1, transition_of(work), work->taken);
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
        note_doorbell(work, op->recorded.peer);
    reach(search, work->words, work->distance + work->op->weight, transition_of(work), work->taken);
    work_units(work)[0] = unit;
    *state_signals(search, work->words) = signals;
    state_pcs(work->words)[work->actor]--;
}

static void finish_hardware(struct work *work, uint32_t unused) {
    (void)unused;
    reach(work->search, work->words, work->distance + 1, transition_of(work), work->taken);
}

/* ---- expanding a state ----------------------------------------------------------------------- */

static bool needs_are_met(const struct projection *projection, const uint16_t *pcs, const struct projected_op *op) {
    for (unsigned actor = 0; actor < projection->actors; actor++)
        if (pcs[actor] < projection->need[op->needs + actor])
            return false;
    return true;
}

/* Nothing but others can end this operation's wait. Polls are tried. */
static bool is_blocked(struct search_state *search, uint32_t state, const struct projected_op *op) {
    const struct program *program = search->projection->program;
    const struct ns_recorded *entry = &program->ops[op->op].recorded;
    if (entry->kind != NS_RECORDED_START && entry->kind != NS_RECORDED_WAIT)
        return false;
    signals_lay_out(&search->signals, *state_signals(search, state_words(search, state)));
    return entry->kind == NS_RECORDED_START ? search->signals.rung[entry->actor - program->harts] == 0
                                            : !search->signals.pending[entry->irq];
}

/* An actor in the middle of a step, or `actors`: steps are one piece for everybody but the hardware. */
static unsigned in_the_middle(const struct search_state *search, const uint16_t *pcs) {
    const struct projection *projection = search->projection;
    for (unsigned actor = 0; actor < projection->actors; actor++) {
        const size_t at = pcs[actor];
        if (at > 0 && at < projection->op_count[actor] &&
            projection->ops[actor][at].step == projection->ops[actor][at - 1].step)
            return actor;
    }
    return projection->actors;
}

static bool is_optional(const struct projection *projection, unsigned actor, size_t at) {
    return projection->program->steps[projection->ops[actor][at].step].kind == STEP_OPTIONAL;
}

static void begin(struct work *work, struct search_state *search, uint32_t state) {
    work->search = search;
    work->state = state;
    work->distance = search->info[state].distance;
    work->taken_count = 0;
    work->waits = work->looks = false;
    memcpy(work->words, state_words(search, state), search->words * 4);
}

/* Posted writes leave their queues in order, each by itself. */
static void drain_posted(struct search_state *search, struct work *work, uint32_t state) {
    const struct program *program = search->projection->program;
    const bool drains = (program->machine->may & NS_MAY_DRAIN) != 0 || program->machine->posted_drain == NS_DRAIN_AFTER;
    if (!search->projection->posted || !drains)
        return;
    for (unsigned d = 0; d < program->devices; d++) {
        begin(work, search, state);
        work->actor = search->projection->actors;
        work->index = program->harts + d;
        work->op = NULL;
        const uint32_t unit = oldest_unit(search, work_units(work), program->harts + d);
        if (unit != NO_INDEX)
            act(work, unit, (struct world_move){.action = WORLD_POSTED, .a = (uint8_t)(program->harts + d)},
                finish_hardware, 0);
    }
}

/* Can this poll go on for ever while nobody else moves? All that is on its way arrives; the cached copy may stay. */
static bool poll_hangs(struct search_state *search, uint32_t state, const struct projected_op *op, uint32_t *unit,
                       uint32_t *node, uint16_t *unit_op) {
    const struct projection *projection = search->projection;
    const struct program *program = projection->program;
    if (op->touches == 0)
        return false;
    const struct projected_touch *at = &projection->touch[op->touch];
    struct world *world = projection->world[at->unit];
    const struct closure *closure = world_closure(world, state_units(search, state_words(search, state))[at->unit]);
    search->failed |= closure == NULL;
    for (size_t n = 0; closure != NULL && n < closure->node_count; n++) {
        uint32_t now = closure->nodes[n].state;
        for (unsigned actor = 0; actor < program->harts + program->devices && now != NO_INDEX; actor++)
            now = world_perform(
                world, now,
                (struct world_move){.action = actor < program->harts ? WORLD_FENCE : WORLD_FLUSH, .a = (uint8_t)actor},
                NULL);
        bool waits = now != NO_INDEX;
        search->failed |= !waits;
        for (unsigned turn = 0; turn < 2 && waits; turn++) {
            const uint8_t types = world_types(world, now, at->unit_op);
            uint8_t type = 0;
            while (type < 2 && (types >> type & 1) == 0)
                type++;
            now = world_perform(
                world, now, (struct world_move){.action = WORLD_OP, .a = type, .index = (uint16_t)at->unit_op}, &waits);
            search->failed |= now == NO_INDEX;
        }
        if (waits) {
            *unit = at->unit;
            *node = (uint32_t)n;
            *unit_op = (uint16_t)(at->unit_op + 1);
            return true;
        }
    }
    return false;
}

/* No actor can go on for certain: is some behaviour stuck here? */
static void find_hang(struct search_state *search, uint32_t state) {
    const struct projection *projection = search->projection;
    uint16_t *pcs = state_pcs(state_words(search, state));
    struct finding finding = {.kind = FOUND_HANG};
    unsigned who = projection->actors;
    uint32_t unit = 0, node = NO_INDEX;
    for (unsigned actor = 0; actor < projection->actors; actor++) {
        const size_t at = pcs[actor];
        if (at >= projection->op_count[actor] || is_optional(projection, actor, at))
            continue;
        const struct projected_op *op = &projection->ops[actor][at];
        if (!needs_are_met(projection, pcs, op))
            continue; /* waits for an actor that is stuck */
        const bool polls = projection->program->ops[op->op].poll != NO_INDEX;
        uint32_t poll_unit, poll_node;
        uint16_t unit_op;
        if (!polls && !is_blocked(search, state, op))
            return; /* it goes on */
        if (polls && !poll_hangs(search, state, op, &poll_unit, &poll_node, &unit_op))
            return; /* it will see its value */
        if (who == projection->actors || (polls && node == NO_INDEX)) {
            who = actor;
            finding.unit_op = 0;
            if (polls) {
                unit = poll_unit;
                node = poll_node;
                finding.unit_op = unit_op;
                finding.newest = world_unit_op(projection->world[unit], unit_op - 1u)->first;
            }
        }
    }
    if (who == projection->actors)
        return;
    /* What cannot go on has ended too. */
    if (search->sink != NULL)
        observe_end(search->sink, search, state, unit == 0 ? node : NO_INDEX);
    finding.stamp = (uint16_t)who;
    finding.reason = (uint8_t)(pcs[who] & 0xff);
    struct transition by = {.parent = state, .actor = (uint8_t)who, .index = pcs[who], .looks = true};
    struct taken taken = {.unit = unit, .node = node == NO_INDEX ? 0 : node};
    by.count = node == NO_INDEX ? 0 : 1;
    report(search, &finding, unit, search->info[state].distance, by, &taken, NO_INDEX);
}

static void expand(struct search_state *search, struct work *work, uint32_t state) {
    const struct projection *projection = search->projection;
    uint16_t pcs[SEARCH_ACTORS];
    memcpy(pcs, state_pcs(state_words(search, state)), projection->actors * sizeof *pcs);
    const unsigned only = in_the_middle(search, pcs);
    bool over = true, certain = false;
    report_closures(search, state);
    for (unsigned actor = 0; actor < projection->actors && search->stopped == NULL && !search->failed; actor++) {
        const size_t at = pcs[actor];
        if (at >= projection->op_count[actor])
            continue;
        const bool optional = is_optional(projection, actor, at);
        over = over && optional;
        if (only < projection->actors && actor != only)
            continue;
        const struct projected_op *op = &projection->ops[actor][at];
        if (!needs_are_met(projection, pcs, op) || is_blocked(search, state, op))
            continue;
        certain = certain || (!optional && projection->program->ops[op->op].poll == NO_INDEX);
        begin(work, search, state);
        work->actor = actor;
        work->index = (uint32_t)at;
        work->op = op;
        arrive_from(work, 0);
    }
    if (search->stopped == NULL && !search->failed)
        drain_posted(search, work, state);
    if (over && search->sink != NULL)
        observe_end(search->sink, search, state, NO_INDEX);
    if (!over && !certain && search->stopped == NULL && !search->failed)
        find_hang(search, state);
}

/* ---- the whole ------------------------------------------------------------------------------- */

static uint64_t now_us(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

static uint64_t bytes_of(const struct search_state *search) {
    uint64_t bytes = (uint64_t)search->capacity * (search->words * 4 + sizeof *search->info) +
                     (search->slot == NULL ? 0 : (search->mask + 1) * sizeof *search->slot) +
                     search->taken_capacity * sizeof *search->taken +
                     (uint64_t)search->signals.capacity * search->signals.size;
    for (unsigned u = 0; u < search->projection->units; u++)
        bytes += world_measure(search->projection->world[u]).bytes;
    return bytes;
}

/* Looked at now and then: false ends the search. */
static bool may_go_on(struct search_state *search, uint32_t expanded) {
    const struct search_limits *limits = search->limits;
    if (search->ended)
        return false;
    if (search->count >= limits->states)
        search->stopped = "the limit of states was met";
    if (limits->stop != NULL && *limits->stop != 0)
        search->stopped = "it was interrupted";
    if (expanded % 32 == 31) {
        if (bytes_of(search) >= limits->bytes)
            search->stopped = "the memory limit was met";
        if (limits->deadline_us != 0 && now_us() >= limits->deadline_us)
            search->stopped = "the time limit was met";
        if (limits->progress != NULL)
            limits->progress(limits->context, search->count);
    }
    return search->stopped == NULL && !search->failed;
}

static void search_all(struct search_state *search) {
    struct work *work = malloc(sizeof *work);
    uint32_t expanded = 0;
    if (work == NULL) {
        search->failed = true;
        return;
    }
    for (size_t distance = 0; distance < search->bucket_count; distance++)
        for (size_t i = 0; i < search->bucket[distance].count; i++) {
            const uint32_t state = search->bucket[distance].state[i];
            if (search->info[state].settled || search->info[state].distance != distance)
                continue;
            search->info[state].settled = true;
            expand(search, work, state);
            if (!may_go_on(search, expanded++)) {
                free(work);
                return;
            }
        }
    free(work);
}

static bool add_discovery(struct search_result *result, struct search_state *search,
                          const struct candidate *candidate) {
    struct world *world = search->projection->world[candidate->unit];
    const struct program *program = search->projection->program;
    struct discovery made = {.finding = candidate->finding,
                             .unit = candidate->unit,
                             .length = candidate->distance,
                             .key = candidate->key,
                             .step = UINT32_MAX,
                             .op = NO_INDEX,
                             .newest_step = UINT32_MAX};
    if (candidate->finding.newest > 0 && candidate->finding.kind != FOUND_HANG)
        made.newest_step = program->ops[candidate->finding.newest - 1].recorded.step;
    const bool by_hardware = candidate->by.actor == search->projection->actors;
    if (candidate->finding.kind == FOUND_HANG || (!by_hardware && candidate->by.index != NO_INDEX)) {
        const struct projected_op *op = &search->projection->ops[candidate->by.actor][candidate->by.index];
        made.op = op->op;
        made.step = op->step;
    }
    if (candidate->finding.kind == FOUND_HANG) {
        made.first = made.last = program->ops[made.op].recorded.address;
    } else {
        made.first = world_cell_address(world, candidate->finding.first);
        made.last = world_cell_address(world, candidate->finding.end) - 1;
    }
    if (!path_to(search, candidate->state, &candidate->by, candidate->unit, candidate->last_node,
                 made.op != NO_INDEX ? PATH_WITH_STEP : PATH_ENDS, &made.schedule, &made.schedule_count) ||
        !grow((void **)&result->discoveries, &result->capacity, result->count + 1, sizeof made)) {
        free(made.schedule);
        return false;
    }
    result->discoveries[result->count++] = made;
    return true;
}

static void release(struct search_state *search) {
    for (size_t i = 0; i < search->bucket_count; i++)
        free(search->bucket[i].state);
    free(search->bucket);
    free(search->word);
    free(search->info);
    free(search->slot);
    free(search->taken);
    free(search->candidate);
    signals_release(&search->signals);
}

enum ns_status search(struct projection *projection, const struct search_limits *limits, struct observation_sink *sink,
                      struct search_result *result) {
    struct search_state search = {.projection = projection, .limits = limits, .sink = sink, .result = result};
    search.registers = observe_begin(sink, projection);
    search.pc_words = (projection->actors + 1) / 2;
    search.words = search.pc_words + projection->units + 1 + search.registers;
    struct work *work = NULL;
    uint32_t initial[sizeof work->words / 4] = {0};
    enum ns_status status = NS_OK;
    if (search.words > sizeof initial / 4) {
        result->incomplete = "more lines and registers depend on each other than are searched together";
        return NS_OK;
    }
    if (!signals_create(&search.signals, projection->program))
        status = NS_ERROR_MEMORY;
    if (status == NS_OK) {
        reach(&search, initial, 0, (struct transition){.parent = NO_INDEX}, NULL);
        search_all(&search);
        for (size_t i = 0; i < search.candidate_count && !search.failed; i++)
            search.failed = !add_discovery(result, &search, &search.candidate[i]);
        result->states += search.count;
        const uint64_t bytes = bytes_of(&search);
        result->bytes = bytes > result->bytes ? bytes : result->bytes;
        for (unsigned u = 0; u < projection->units; u++) {
            const struct world_size size = world_measure(projection->world[u]);
            result->worlds.states += size.states;
            result->worlds.moves += size.moves;
        }
        if (search.stopped != NULL)
            result->incomplete = search.stopped;
        status = search.failed ? NS_ERROR_MEMORY : NS_OK;
    }
    release(&search);
    return status;
}

void search_result_release(struct search_result *result) {
    for (size_t i = 0; i < result->count; i++)
        free(result->discoveries[i].schedule);
    free(result->discoveries);
    *result = (struct search_result){0};
}
