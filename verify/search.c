/* SPDX-License-Identifier: Apache-2.0 */
#include "verify/search_internal.h"

#include "model/grow.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

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

/* An actor in the middle of a step where nobody may come between, or `actors`. *call: some hart is in the middle of a
 * call, and no other one can begin any. */
static unsigned in_the_middle(const struct search_state *search, const uint16_t *pcs, bool *call) {
    const struct projection *projection = search->projection;
    *call = false;
    for (unsigned actor = 0; actor < projection->actors; actor++) {
        if (!is_in_a_step(projection, actor, pcs[actor]))
            continue;
        const struct projected_op *op = &projection->ops[actor][pcs[actor]];
        if (!op->interrupts)
            return actor;
        *call |= op->calls;
    }
    return projection->actors;
}

static bool is_optional(const struct projection *projection, unsigned actor, size_t at) {
    return projection->program->steps[projection->ops[actor][at].step].kind == STEP_OPTIONAL;
}

/* Can this poll go on for ever while nobody else moves? Where all has arrived; the cached copy may stay. */
static bool poll_hangs(struct search_state *search, uint32_t state, const struct projected_op *op, uint32_t *unit,
                       uint32_t *node, uint16_t *unit_op) {
    const struct projection *projection = search->projection;
    if (op->touches == 0)
        return false;
    const struct projected_touch *at = &projection->touch[op->touch];
    struct world *world = projection->world[at->unit];
    const struct closure *closure = world_closure(world, state_units(search, state_words(search, state))[at->unit]);
    if (closure == NULL)
        search_give_up(search, world);
    for (size_t n = 0; closure != NULL && n < closure->node_count; n++) {
        uint32_t now = closure->nodes[n].state;
        bool waits = world_is_quiet(world, now); /* otherwise something arrives first, and it looks again */
        for (unsigned turn = 0; turn < 2 && waits; turn++) {
            const uint8_t types = world_types(world, now, at->unit_op);
            uint8_t type = 0;
            while (type < 2 && (types >> type & 1) == 0)
                type++;
            now = world_perform(
                world, now, (struct world_move){.action = WORLD_OP, .a = type, .index = (uint16_t)at->unit_op}, &waits);
            if (now == NO_INDEX) {
                search_give_up(search, world);
                return false;
            }
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
                finding.past = world_past(projection->world[unit],
                                          state_units(search, state_words(search, state))[unit], finding.newest);
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
    search_report(search, &finding, unit, search->info[state].distance, by, &taken, NO_INDEX, 0);
}

static void expand(struct search_state *search, struct search_work *work, uint32_t state) {
    const struct projection *projection = search->projection;
    uint16_t pcs[SEARCH_ACTORS];
    memcpy(pcs, state_pcs(state_words(search, state)), projection->actors * sizeof *pcs);
    bool call;
    const unsigned only = in_the_middle(search, pcs, &call);
    bool over = true, certain = false, spins = false;
    search_report_closures(search, state);
    for (unsigned actor = 0; actor < projection->actors && search->stopped == NULL && !search->failed; actor++) {
        const size_t at = pcs[actor];
        if (at >= projection->op_count[actor])
            continue;
        const bool optional = is_optional(projection, actor, at);
        over = over && optional;
        if (only < projection->actors && actor != only)
            continue;
        const struct projected_op *op = &projection->ops[actor][at];
        if (!needs_are_met(projection, pcs, op) || is_blocked(search, state, op) ||
            (call && op->calls && !is_in_a_step(projection, actor, at)))
            continue;
        spins |= projection->program->ops[op->op].poll != NO_INDEX;
        certain = certain || (!optional && projection->program->ops[op->op].poll == NO_INDEX);
        search_begin(work, search, state);
        work->actor = actor;
        work->index = (uint32_t)at;
        work->op = op;
        search_perform(work);
    }
    if (search->stopped == NULL && !search->failed)
        search_drain_posted(search, work, state);
    if (spins && search->stopped == NULL && !search->failed)
        search_drain_spinning(search, work, state);
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
    struct search_work *work = malloc(sizeof *work);
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

/* An access to several lines: what the others hold decides how a report puts them together. */
static void note_access(struct discovery *made, const struct ns_recorded *access,
                        const struct ns_machine_config *machine) {
    const bool accesses = access->kind == NS_RECORDED_LOAD || access->kind == NS_RECORDED_STORE ||
                          access->kind == NS_RECORDED_DMA_READ || access->kind == NS_RECORDED_DMA_WRITE;
    made->line = machine->cache.level[machine->cache.levels - 1].line;
    const bool several =
        access->length > 0 && access->address / made->line != (access->address + access->length - 1) / made->line;
    if (!accesses || access->length == 0 ||
        (!several && made->finding.kind != FOUND_OWNER && made->finding.kind != FOUND_LEAK))
        return;
    made->other_first = access->address;
    made->other_end = access->address + access->length;
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
    if (made.op != NO_INDEX && candidate->finding.kind != FOUND_HANG)
        note_access(&made, &program->ops[made.op].recorded, program->machine);
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
    struct search_work *work = NULL;
    uint32_t initial[sizeof work->words / 4] = {0};
    enum ns_status status = NS_OK;
    if (search.words > sizeof initial / 4) {
        result->incomplete = "more lines and registers depend on each other than are searched together";
        return NS_OK;
    }
    if (!signals_create(&search.signals, projection->program))
        status = NS_ERROR_MEMORY;
    if (status == NS_OK) {
        search_reach(&search, initial, 0, (struct transition){.parent = NO_INDEX}, NULL);
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
