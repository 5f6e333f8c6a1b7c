/* SPDX-License-Identifier: Apache-2.0 */
#include "verify/waits.h"

#include <stdlib.h>
#include <string.h>

enum { WAITS = 4096, QUESTIONS = 200000 };

/* `after` cannot happen before `before` has. Both are operations. */
struct edge {
    uint32_t before, after;
};

struct graph {
    const struct program *program;
    struct edge edge[WAITS];
    size_t count;
    bool dynamic;   /* some wait has no single operation that ends it */
    uint32_t *rank; /* of each operation in its actor's order */
    uint32_t *seen; /* per actor: the lowest rank that a search has come to */
    size_t questions;
};

static const struct ns_recorded *recorded(const struct graph *graph, uint32_t op) {
    return &graph->program->ops[op].recorded;
}

static void add_edge(struct graph *graph, uint32_t before, uint32_t after) {
    if (graph->count == WAITS)
        graph->dynamic = true;
    else
        graph->edge[graph->count++] = (struct edge){before, after};
}

/* ---- what a poll waits for ------------------------------------------------------------------- */

static bool writes(const struct graph *graph, uint32_t op, uint64_t address, uint64_t length) {
    const struct ns_recorded *entry = recorded(graph, op);
    const bool write =
        entry->kind == NS_RECORDED_STORE || entry->kind == NS_RECORDED_DMA_WRITE || entry->kind == NS_RECORDED_INITIAL;
    return write && entry->address < address + length && address < entry->address + entry->length;
}

/* Does the write make all polled bytes what the poll waits for? */
static bool satisfies(const struct graph *graph, uint32_t op, uint32_t poll) {
    const struct program *program = graph->program;
    const struct program_op *write = &program->ops[op], *what = &program->ops[poll];
    const struct ns_recorded *entry = &write->recorded;
    const uint64_t address = what->recorded.address;
    if (entry->data == 0 || write->source != NO_INDEX || write->source_reg != NO_INDEX || entry->address > address ||
        address + what->poll_length > entry->address + entry->length)
        return false;
    return memcmp(program->data + entry->data - 1 + (address - entry->address), program->data + what->poll,
                  what->poll_length) == 0;
}

static void find_writer(struct graph *graph, uint32_t poll) {
    const struct program *program = graph->program;
    const struct program_op *what = &program->ops[poll];
    uint32_t writer = NO_INDEX;
    bool initial = false;
    for (uint32_t op = 0; op < program->op_count; op++) {
        if (!writes(graph, op, what->recorded.address, what->poll_length))
            continue;
        if (recorded(graph, op)->step == UINT32_MAX) {
            initial = satisfies(graph, op, poll); /* the last content before the first step counts */
            continue;
        }
        if (!satisfies(graph, op, poll))
            continue;
        graph->dynamic |= writer != NO_INDEX;
        writer = op;
    }
    if (writer == NO_INDEX || initial)
        graph->dynamic = true;
    else
        add_edge(graph, writer, poll);
}

/* The k-th wait of a kind is ended by the k-th signal, when one actor gives them all. */
static void pair_signals(struct graph *graph, enum ns_recorded_kind signal, enum ns_recorded_kind wait, unsigned device,
                         unsigned irq) {
    const struct program *program = graph->program;
    uint32_t next = 0;
    unsigned giver = UINT32_MAX, taker = UINT32_MAX;
    for (uint32_t op = 0; op < program->op_count; op++) {
        const struct ns_recorded *entry = recorded(graph, op);
        const bool ours = irq != UINT32_MAX ? entry->irq == irq : entry->actor == device;
        if (entry->kind != wait || !ours || entry->step == UINT32_MAX)
            continue;
        graph->dynamic |= taker != UINT32_MAX && taker != entry->actor;
        taker = entry->actor;
        for (; next < program->op_count; next++) {
            const struct ns_recorded *given = recorded(graph, next);
            const bool matches = irq != UINT32_MAX ? given->irq == irq : given->peer == device;
            if (given->kind == signal && matches && given->step != UINT32_MAX)
                break;
        }
        if (next == program->op_count) {
            graph->dynamic = true; /* nothing ends this wait */
            return;
        }
        graph->dynamic |= giver != UINT32_MAX && giver != recorded(graph, next)->actor;
        giver = recorded(graph, next)->actor;
        add_edge(graph, next++, op);
    }
}

/* ---- order ----------------------------------------------------------------------------------- */

/* Is `late` certain to come after `early`? By the actors' orders and the edges, backwards from `late`. */
static bool comes_after(struct graph *graph, uint32_t early, uint32_t late) {
    const struct program *program = graph->program;
    if (++graph->questions > QUESTIONS) {
        graph->dynamic = true;
        return false;
    }
    /* Per actor: everything of rank below `seen` has happened before `late`. */
    memset(graph->seen, 0, program->actors * sizeof *graph->seen);
    graph->seen[recorded(graph, late)->actor] = graph->rank[late];
    for (bool moved = true; moved;) {
        moved = false;
        for (size_t i = 0; i < graph->count; i++) {
            const struct edge *edge = &graph->edge[i];
            const unsigned from = recorded(graph, edge->before)->actor, to = recorded(graph, edge->after)->actor;
            /* The wait itself is over when it lies below, or when it is `late`. */
            const bool over = graph->rank[edge->after] < graph->seen[to] || edge->after == late;
            if (over && graph->seen[from] <= graph->rank[edge->before]) {
                graph->seen[from] = graph->rank[edge->before] + 1;
                moved = true;
            }
        }
    }
    return graph->rank[early] < graph->seen[recorded(graph, early)->actor];
}

/* Every other write of the polled bytes is out of the way: the poll cannot miss its value. */
static void check_others(struct graph *graph, const struct edge *edge) {
    const struct program *program = graph->program;
    const struct program_op *what = &program->ops[edge->after];
    for (uint32_t op = 0; op < program->op_count && !graph->dynamic; op++) {
        if (op == edge->before || recorded(graph, op)->step == UINT32_MAX ||
            !writes(graph, op, what->recorded.address, what->poll_length))
            continue;
        if (!comes_after(graph, op, edge->before) && !comes_after(graph, edge->after, op))
            graph->dynamic = true;
    }
}

/* An interrupt that is raised again before it was waited for is one interrupt. */
static void check_raises(struct graph *graph) {
    for (size_t i = 0; i < graph->count && !graph->dynamic; i++)
        for (size_t j = 0; j < graph->count && !graph->dynamic; j++) {
            const struct ns_recorded *one = recorded(graph, graph->edge[i].before);
            const struct ns_recorded *other = recorded(graph, graph->edge[j].before);
            if (i == j || one->kind != NS_RECORDED_RAISE || other->kind != NS_RECORDED_RAISE ||
                one->irq != other->irq || graph->edge[i].before > graph->edge[j].before)
                continue;
            if (!comes_after(graph, graph->edge[i].after, graph->edge[j].before))
                graph->dynamic = true;
        }
}

/* Lets every actor go as far as its waits allow: all come to their end, or some wait is part of a cycle. */
static bool ends(struct graph *graph) {
    const struct program *program = graph->program;
    uint32_t *at = calloc(program->actors, sizeof *at), *end = calloc(program->actors, sizeof *end);
    bool all = at != NULL && end != NULL;
    for (uint32_t op = 0; op < program->op_count && all; op++)
        if (recorded(graph, op)->step != UINT32_MAX && graph->rank[op] + 1 > end[recorded(graph, op)->actor])
            end[recorded(graph, op)->actor] = graph->rank[op] + 1;
    for (bool moved = all; moved;) {
        moved = false;
        for (unsigned actor = 0; actor < program->actors; actor++) {
            uint32_t stop = end[actor];
            for (size_t i = 0; i < graph->count; i++) {
                const struct edge *edge = &graph->edge[i];
                const bool waits = at[recorded(graph, edge->before)->actor] <= graph->rank[edge->before];
                if (recorded(graph, edge->after)->actor == actor && waits && graph->rank[edge->after] < stop)
                    stop = graph->rank[edge->after];
            }
            moved |= stop > at[actor];
            at[actor] = stop > at[actor] ? stop : at[actor];
        }
    }
    for (unsigned actor = 0; actor < program->actors && all; actor++)
        all = at[actor] == end[actor];
    free(at);
    free(end);
    return all;
}

enum ns_status waits_are_static(const struct program *program, bool *is_static) {
    struct graph *graph = calloc(1, sizeof *graph);
    uint32_t *next = calloc(program->actors, sizeof *next);
    enum ns_status status = NS_ERROR_MEMORY;
    *is_static = false;
    if (graph != NULL && next != NULL) {
        graph->program = program;
        graph->rank = calloc(program->op_count + 1, sizeof *graph->rank);
        graph->seen = calloc(program->actors, sizeof *graph->seen);
    }
    if (graph != NULL && next != NULL && graph->rank != NULL && graph->seen != NULL) {
        status = NS_OK;
        for (uint32_t op = 0; op < program->op_count; op++)
            if (recorded(graph, op)->step != UINT32_MAX)
                graph->rank[op] = next[recorded(graph, op)->actor]++;
        for (unsigned d = 0; d < program->devices; d++)
            pair_signals(graph, NS_RECORDED_DOORBELL, NS_RECORDED_START, program->harts + d, UINT32_MAX);
        for (unsigned irq = 0; irq < program->scenario->irq_count; irq++)
            pair_signals(graph, NS_RECORDED_RAISE, NS_RECORDED_WAIT, 0, irq);
        for (uint32_t op = 0; op < program->op_count && !graph->dynamic; op++)
            if (program->ops[op].poll != NO_INDEX)
                find_writer(graph, op);
        for (size_t i = 0; i < graph->count && !graph->dynamic; i++)
            if (program->ops[graph->edge[i].after].poll != NO_INDEX)
                check_others(graph, &graph->edge[i]);
        check_raises(graph);
        *is_static = !graph->dynamic && ends(graph);
    }
    if (graph != NULL) {
        free(graph->rank);
        free(graph->seen);
    }
    free(graph);
    free(next);
    return status;
}

/* ---- near a line ----------------------------------------------------------------------------- */

size_t waits_near(const struct lines *lines, const struct unit *unit, uint16_t first, uint16_t end, bool *keep) {
    const struct program *program = lines->program;
    uint32_t last[32];
    bool behind[32] = {false}; /* the actor has touched the bytes since its last poll */
    size_t kept = 0;
    uint32_t own = 0;
    memset(last, 0xff, sizeof last);
    for (uint32_t op = 0; op < program->op_count; op++) {
        const struct ns_recorded *entry = &program->ops[op].recorded;
        if (entry->step == UINT32_MAX)
            continue;
        const unsigned actor = entry->actor % 32;
        while (own < unit->count && lines->ops[unit->first + own].op < op)
            own++;
        const struct unit_op *touch =
            own < unit->count && lines->ops[unit->first + own].op == op ? &lines->ops[unit->first + own] : NULL;
        const bool touches = touch != NULL && touch->first < end && first < touch->end;
        const bool polls = program->ops[op].poll != NO_INDEX;
        if (polls && (touches || behind[actor]) && !keep[op]) {
            keep[op] = true;
            kept++;
        }
        if (touches && last[actor] != NO_INDEX && !keep[last[actor]]) {
            keep[last[actor]] = true;
            kept++;
        }
        if (polls)
            last[actor] = op;
        behind[actor] = touches || (behind[actor] && !polls);
    }
    return kept;
}
