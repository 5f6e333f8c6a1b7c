/* SPDX-License-Identifier: Apache-2.0 */
#include "verify/bench_internal.h"

#include "model/grow.h"
#include "model/store_buffer.h"
#include "verify/hash.h"
#include "verify/queues.h"

#include <stdlib.h>
#include <string.h>

/* ---- numbered states ------------------------------------------------------------------------- */

static const char no_memory[] = "the host has no memory left";

static const uint8_t *state_bytes(const struct world *world, uint32_t state, size_t *length) {
    *length = world->offset[state + 1] - world->offset[state];
    return world->bytes + world->offset[state];
}

static bool table_rehash(struct world *world) {
    const size_t size = world->states.mask == 0 ? 64 : 2 * (world->states.mask + 1);
    uint32_t *slot = malloc(size * sizeof *slot);
    if (slot == NULL)
        return false;
    memset(slot, 0xff, size * sizeof *slot);
    for (uint32_t state = 0; state < world->state_count; state++) {
        size_t length;
        const uint8_t *bytes = state_bytes(world, state, &length);
        size_t at = hash_bytes(bytes, length, 0) & (size - 1);
        while (slot[at] != NO_INDEX)
            at = (at + 1) & (size - 1);
        slot[at] = state;
    }
    free(world->states.slot);
    world->states.slot = slot;
    world->states.mask = size - 1;
    return true;
}

static bool make_room(struct world *world, size_t bytes) {
    size_t capacity = world->state_capacity;
    if (!grow((void **)&world->bytes, &world->byte_capacity, world->byte_count + bytes, 1))
        return false;
    if (world->state_count + 2 > capacity) {
        const size_t larger = capacity == 0 ? 32 : 2 * capacity;
        size_t *offset = realloc(world->offset, larger * sizeof *offset);
        if (offset != NULL)
            world->offset = offset;
        struct closure **closures = realloc(world->closures, larger * sizeof *closures);
        if (closures != NULL)
            world->closures = closures;
        struct world_move **moves_of = realloc(world->moves_of, larger * sizeof *moves_of);
        if (moves_of != NULL)
            world->moves_of = moves_of;
        if (offset == NULL || closures == NULL || moves_of == NULL)
            return false;
        world->state_capacity = (uint32_t)larger;
    }
    return world->states.slot != NULL && 4 * world->state_count < 3 * world->states.mask ? true : table_rehash(world);
}

/* The number of what lies on the bench now; NO_INDEX without host memory. */
static uint32_t number_bench(struct world *world) {
    const size_t length = bench_save(&world->bench, world->scratch);
    if (!make_room(world, length)) {
        world->trouble = no_memory;
        return NO_INDEX;
    }
    size_t at = hash_bytes(world->scratch, length, 0) & world->states.mask;
    for (; world->states.slot[at] != NO_INDEX; at = (at + 1) & world->states.mask) {
        size_t other;
        const uint8_t *bytes = state_bytes(world, world->states.slot[at], &other);
        if (other == length && memcmp(bytes, world->scratch, length) == 0)
            return world->on_bench = world->states.slot[at];
    }
    const uint32_t state = world->state_count++;
    world->states.slot[at] = state;
    memcpy(world->bytes + world->byte_count, world->scratch, length);
    world->offset[state] = world->byte_count;
    world->byte_count += length;
    world->offset[state + 1] = world->byte_count;
    world->closures[state] = NULL;
    world->moves_of[state] = NULL;
    return world->on_bench = state;
}

void world_lay_out(struct world *world, uint32_t state) {
    struct bench *bench = &world->bench;
    if (world->on_bench != state)
        bench_restore(bench, world->bytes + world->offset[state]);
    bench->finding_count = 0;
    bench->stale = bench->waits = bench->reads_content = false;
    world->on_bench = state;
}

static uint32_t number_content(struct world *world);

static uint64_t move_key(uint32_t state, struct world_move move) {
    return (uint64_t)state << 32 | (uint64_t)move.action << 24 | (uint64_t)move.a << 16 | move.index;
}

static struct effect *find_effect(const struct world *world, uint64_t key) {
    size_t at = hash_mix(key) & world->effect_mask;
    while (world->effects[at].key != UINT64_MAX && world->effects[at].key != key)
        at = (at + 1) & world->effect_mask;
    return &world->effects[at];
}

static bool effect_room(struct world *world) {
    if (world->effects != NULL && 4 * world->effect_count < 3 * world->effect_mask)
        return true;
    const size_t size = world->effects == NULL ? 128 : 2 * (world->effect_mask + 1);
    struct effect *effects = malloc(size * sizeof *effects);
    if (effects == NULL)
        return false;
    for (size_t i = 0; i < size; i++)
        effects[i].key = UINT64_MAX;
    struct effect *old = world->effects;
    const size_t old_size = old == NULL ? 0 : world->effect_mask + 1;
    world->effects = effects;
    world->effect_mask = size - 1;
    for (size_t i = 0; i < old_size; i++)
        if (old[i].key != UINT64_MAX)
            *find_effect(world, old[i].key) = old[i];
    free(old);
    return true;
}

/* Performs a move on a state, on the bench. */
static bool compute(struct world *world, uint32_t state, struct world_move move, struct effect *effect) {
    struct bench *bench = &world->bench;
    world_lay_out(world, state);
    world->on_bench = NO_INDEX; /* while it changes */
    bench_do(bench, move);
    world->moves++;
    if (bench->trouble != NULL)
        world->trouble = bench->trouble;
    *effect = (struct effect){.key = move_key(state, move),
                              .stale = bench->stale,
                              .waits = bench->waits,
                              .finding = (uint32_t)world->finding_count,
                              .finding_count = (uint8_t)bench->finding_count};
    if (!grow((void **)&world->finding, &world->finding_capacity, world->finding_count + bench->finding_count,
              sizeof *world->finding)) {
        world->trouble = no_memory;
        return false;
    }
    for (unsigned i = 0; i < bench->finding_count; i++)
        world->finding[world->finding_count++] = bench->finding[i];
    if (bench->reads_content && (effect->content = number_content(world)) == 0)
        world->trouble = no_memory;
    effect->next = number_bench(world);
    return effect->next != NO_INDEX && world->trouble == NULL;
}

/* What a move does to a state; NULL: there is trouble. Valid until the next call. */
static const struct effect *perform(struct world *world, uint32_t state, struct world_move move) {
    if (!effect_room(world)) {
        world->trouble = no_memory;
        return NULL;
    }
    struct effect *known = find_effect(world, move_key(state, move));
    if (known->key != UINT64_MAX)
        return known;
    struct effect effect;
    if (!compute(world, state, move, &effect))
        return NULL;
    *known = effect;
    world->effect_count++;
    return known;
}

/* What the hardware may do to a state, ended by a WORLD_OP; NULL without host memory. */
static const struct world_move *moves_of(struct world *world, uint32_t state) {
    if (world->moves_of[state] != NULL)
        return world->moves_of[state];
    struct world_move moves[128];
    world_lay_out(world, state);
    const size_t count = bench_moves(&world->bench, moves, sizeof moves / sizeof moves[0] - 1);
    moves[count] = (struct world_move){.action = WORLD_OP};
    struct world_move *kept = malloc((count + 1) * sizeof *kept);
    if (kept != NULL)
        memcpy(kept, moves, (count + 1) * sizeof *kept);
    world->memo_bytes += (count + 1) * sizeof *kept;
    return world->moves_of[state] = kept;
}

/* ---- closures -------------------------------------------------------------------------------- */

struct growing {
    struct closure *closure;
    size_t nodes, findings; /* capacities */
};

static bool add_node(struct world *world, struct growing *growing, uint32_t state, uint32_t parent,
                     struct world_move move, unsigned cost, bool leaf) {
    struct closure *closure = growing->closure;
    if (closure->node_count == CLOSURE_LIMIT) {
        world->trouble = "the hardware can bring one line into more states than are searched";
        return false;
    }
    if (!grow((void **)&closure->nodes, &growing->nodes, closure->node_count + 1, sizeof *closure->nodes))
        return false;
    closure->nodes[closure->node_count++] =
        (struct closure_node){.state = state, .parent = parent, .move = move, .cost = (uint16_t)cost, .leaf = leaf};
    return true;
}

static bool add_findings(const struct world *world, const struct effect *effect, struct costly_finding **findings,
                         size_t *count, size_t *capacity, uint32_t node, unsigned cost, unsigned variant) {
    for (unsigned i = 0; i < effect->finding_count; i++) {
        const struct finding *finding = &world->finding[effect->finding + i];
        bool known = false;
        for (size_t j = 0; j < *count && !known; j++)
            known = memcmp(&(*findings)[j].finding, finding, sizeof *finding) == 0 && (*findings)[j].cost <= cost;
        if (known)
            continue;
        if (!grow((void **)findings, capacity, *count + 1, sizeof **findings))
            return false;
        (*findings)[(*count)++] = (struct costly_finding){
            .finding = *finding, .node = node, .cost = (uint16_t)cost, .variant = (uint8_t)variant};
    }
    return true;
}

/* Is the state in the closure under way? If not, it is from now on. */
static bool in_closure(struct world *world, uint32_t state) {
    if (state >= world->seen_size) {
        const size_t size = world->state_capacity;
        uint32_t *seen = realloc(world->seen, size * sizeof *seen);
        if (seen == NULL) {
            world->trouble = no_memory;
            return true;
        }
        memset(seen + world->seen_size, 0, (size - world->seen_size) * sizeof *seen);
        world->seen = seen;
        world->seen_size = size;
    }
    const bool is_in = world->seen[state] == world->closure_number;
    world->seen[state] = world->closure_number;
    return is_in;
}

static void release_closure(struct closure *closure) {
    if (closure == NULL)
        return;
    free(closure->nodes);
    free(closure->findings);
    free(closure);
}

const struct closure *world_closure(struct world *world, uint32_t state) {
    if (world->closures[state] != NULL)
        return world->closures[state];
    struct closure *closure = calloc(1, sizeof *closure);
    world->closure_number++;
    (void)in_closure(world, state);
    struct growing growing = {.closure = closure};
    if (closure == NULL || !add_node(world, &growing, state, NO_INDEX, (struct world_move){0}, 0, false)) {
        release_closure(closure);
        return NULL;
    }
    for (size_t i = 0; i < closure->node_count; i++) {
        const struct closure_node from = closure->nodes[i];
        const struct world_move *move = from.leaf ? NULL : moves_of(world, from.state);
        if (move == NULL && !from.leaf)
            world->trouble = no_memory;
        for (; move != NULL && move->action != WORLD_OP; move++) {
            const struct effect *effect = perform(world, from.state, *move);
            const uint32_t node = (uint32_t)closure->node_count;
            /* A finding of a move belongs to the node that it leads to: that one's path ends with the move. */
            const bool is_new = effect != NULL && !in_closure(world, effect->next);
            const bool good = effect != NULL &&
                              ((!is_new && effect->finding_count == 0) ||
                               add_node(world, &growing, effect->next, (uint32_t)i, *move, from.cost + 1u, !is_new)) &&
                              add_findings(world, effect, &closure->findings, &closure->finding_count,
                                           &growing.findings, node, from.cost + 1u, 0);
            if (!good) {
                release_closure(closure);
                return NULL;
            }
        }
    }
    if (world->trouble != NULL) { /* what was left out must not look like all there is */
        release_closure(closure);
        return NULL;
    }
    world->memo_bytes += sizeof *closure + growing.nodes * sizeof *closure->nodes;
    world->closures[state] = closure;
    return closure;
}

/* ---- reactions ------------------------------------------------------------------------------- */

static struct memo *find_memo(const struct world *world, uint64_t key) {
    size_t at = hash_mix(key) & world->memo_mask;
    while (world->memos[at].reaction != NULL && world->memos[at].key != key)
        at = (at + 1) & world->memo_mask;
    return &world->memos[at];
}

static bool memo_room(struct world *world) {
    if (world->memos != NULL && 4 * world->memo_count < 3 * world->memo_mask)
        return true;
    const size_t size = world->memos == NULL ? 64 : 2 * (world->memo_mask + 1);
    struct memo *memos = calloc(size, sizeof *memos);
    if (memos == NULL)
        return false;
    struct memo *old = world->memos;
    const size_t old_size = old == NULL ? 0 : world->memo_mask + 1;
    world->memos = memos;
    world->memo_mask = size - 1;
    for (size_t i = 0; i < old_size; i++)
        if (old[i].reaction != NULL)
            *find_memo(world, old[i].key) = old[i];
    free(old);
    return true;
}

/* The number of what a register keeps, from 1; 0 without host memory. */
static uint32_t number_content(struct world *world) {
    const struct bench *bench = &world->bench;
    const uint16_t first = bench->content_first, count = (uint16_t)(bench->content_end - first);
    for (uint32_t i = 0; i < world->contents_count; i++)
        if (world->contents[i].first == first && world->contents[i].count == count &&
            memcmp(&world->content[world->contents[i].at], bench->content, count * sizeof *bench->content) == 0)
            return i + 1;
    size_t capacity = world->contents_capacity;
    if (!grow((void **)&world->content, &world->content_capacity, world->content_count + count, sizeof(ns_version)) ||
        !grow((void **)&world->contents, &capacity, world->contents_count + 1, sizeof *world->contents))
        return 0;
    world->contents_capacity = (uint32_t)capacity;
    world->contents[world->contents_count].at = world->content_count;
    world->contents[world->contents_count].first = first;
    world->contents[world->contents_count].count = count;
    memcpy(&world->content[world->content_count], bench->content, count * sizeof(ns_version));
    world->content_count += count;
    return ++world->contents_count;
}

static bool add_outcome(struct reaction *reaction, size_t *capacity, const struct outcome *outcome) {
    for (size_t i = 0; i < reaction->outcome_count; i++) {
        struct outcome *other = &reaction->outcomes[i];
        if (other->state == outcome->state && other->content == outcome->content && other->stale == outcome->stale &&
            other->waits == outcome->waits) {
            if (outcome->cost < other->cost)
                *other = *outcome;
            return true;
        }
    }
    if (!grow((void **)&reaction->outcomes, capacity, reaction->outcome_count + 1, sizeof *reaction->outcomes))
        return false;
    reaction->outcomes[reaction->outcome_count++] = *outcome;
    return true;
}

static void release_reaction(struct reaction *reaction) {
    if (reaction == NULL)
        return;
    free(reaction->outcomes);
    free(reaction->findings);
    free(reaction->races);
    free(reaction);
}

static struct reaction *react(struct world *world, uint32_t state, struct world_move move) {
    const struct closure *closure = world_closure(world, state);
    struct reaction *reaction = closure == NULL ? NULL : calloc(1, sizeof *reaction);
    if (reaction == NULL)
        return NULL;
    size_t outcomes = 0, findings = 0;
    if (move.action == WORLD_OP || move.action == WORLD_BEGIN) {
        world_lay_out(world, state);
        bench_owner(&world->bench, move.index, reaction);
    }
    for (size_t n = 0; n < closure->node_count; n++) {
        const struct closure_node node = closure->nodes[n];
        if (node.leaf)
            continue;
        uint8_t variants[8] = {move.a};
        unsigned variant_count = 1;
        if (move.action == WORLD_OP || move.action == WORLD_REST) {
            world_lay_out(world, node.state);
            variant_count = bench_variants(&world->bench, move.index, variants);
        }
        for (unsigned v = 0; v < variant_count; v++) {
            const struct effect *effect = perform(
                world, node.state, (struct world_move){.action = move.action, .a = variants[v], .index = move.index});
            struct outcome outcome = {.node = (uint32_t)n, .cost = node.cost, .variant = variants[v]};
            if (effect != NULL) {
                outcome.state = effect->next;
                outcome.content = effect->content;
                outcome.stale = effect->stale;
                outcome.waits = effect->waits;
            }
            if (effect == NULL || !add_outcome(reaction, &outcomes, &outcome) ||
                !add_findings(world, effect, &reaction->findings, &reaction->finding_count, &findings, (uint32_t)n,
                              node.cost, variants[v])) {
                release_reaction(reaction);
                return NULL;
            }
        }
    }
    if (!outcomes_leave_out(world, reaction)) {
        release_reaction(reaction);
        return NULL;
    }
    world->memo_bytes += sizeof *reaction + outcomes * sizeof *reaction->outcomes;
    return reaction;
}

const struct reaction *world_react(struct world *world, uint32_t state, struct world_move move) {
    if (!memo_room(world)) {
        world->trouble = no_memory;
        return NULL;
    }
    const uint64_t key = move_key(state, move);
    const struct memo *known = find_memo(world, key);
    if (known->reaction != NULL)
        return known->reaction;
    struct reaction *reaction = react(world, state, move);
    if (reaction != NULL) {
        *find_memo(world, key) = (struct memo){key, reaction};
        world->memo_count++;
    } else if (world->trouble == NULL) {
        world->trouble = no_memory;
    }
    return reaction;
}

/* ---- making it ------------------------------------------------------------------------------- */

static bool flies(const struct lines *lines, const struct unit_op *op) {
    const struct ns_recorded *entry = &lines->program->ops[op->op].recorded;
    if (lines->program->ops[op->op].phases > 0 && !program_phases_first(&lines->program->ops[op->op]))
        return true;
    if (entry->kind == NS_RECORDED_STORE)
        return entry->type == NS_TYPE_NC && lines->program->machine->store_buffer_entries > 0;
    if (entry->kind != NS_RECORDED_DMA_WRITE)
        return false;
    const struct ns_device *device = &lines->program->scenario->devices[entry->actor - lines->program->harts];
    return device->has_posted ? device->posted > 0 : lines->program->machine->posted_entries > 0;
}

unsigned world_flying_cells(const struct lines *lines, const struct unit *unit) {
    struct unit_op *ops = malloc((unit->count + 1) * sizeof *ops);
    uint16_t cut[UNIT_MAX + 1];
    unsigned count = 0;
    if (ops == NULL)
        return 0;
    unit_fold(lines, unit, ops, cut);
    for (uint32_t cell = 0; cell < unit->cells; cell++) {
        bool flying = false;
        for (uint32_t i = 0; i < unit->count && !flying && (cell == 0 || cut[cell] != cut[cell - 1]); i++)
            flying = cell >= ops[i].first && cell < ops[i].end && flies(lines, &ops[i]);
        count += flying;
    }
    free(ops);
    return count;
}

uint32_t world_history(const struct world *world, unsigned cell) {
    const uint32_t start = cell / world->line_cells * world->line_cells, end = start + world->line_cells;
    uint64_t hash = 0;
    for (uint32_t i = 0; i < world->unit.count; i++) {
        const struct unit_op *op = &world->ops[i];
        const bool holds = cell >= op->first && cell < op->end, named = cell >= op->named_first && cell < op->named_end;
        const bool meets = op->first < end && start < op->end, whole = op->first <= start && end <= op->end;
        const uint32_t how = (uint32_t)holds | (uint32_t)named << 1 | (uint32_t)meets << 2 | (uint32_t)whole << 3;
        hash = hash_mix(hash ^ ((uint64_t)op->op << 4 | how));
    }
    return (uint32_t)hash;
}

static void choose_cells(struct world *world) {
    /* An entry of a store buffer leaves as a whole. */
    const uint32_t entry = world->machine->store_buffer_entries > 0 ? NS_STORE_ENTRY_BYTES : 1;
    const uint32_t first = world->options.first / entry * entry, end = (world->options.end + entry - 1) / entry * entry;
    for (uint32_t cell = 0; cell < world->cells; cell++)
        world->follows[cell] = !world->options.focused || (world->cut[cell] >= first && world->cut[cell] < end);
    for (uint32_t i = 0; i < world->unit.count; i++)
        if (world->program->ops[world->ops[i].op].poll != NO_INDEX &&
            (world->options.polls == NULL || world->options.polls[world->ops[i].op]))
            for (uint32_t cell = world->ops[i].first; cell < world->ops[i].end; cell++)
                world->follows[cell] = true;
}

struct world *world_create(const struct lines *lines, const struct unit *unit, const struct world_options *options) {
    struct world *world = calloc(1, sizeof *world);
    if (world == NULL)
        return NULL;
    const uint32_t line = lines->program->machine->cache.level[0].line;
    world->lines = lines;
    world->program = lines->program;
    world->machine = lines->program->machine;
    world->options = *options;
    world->unit = *unit;
    world->line_cells = unit->cell_line;
    world->cells = unit->cells;
    world->line_count = lines->size / line;
    world->on_bench = NO_INDEX;
    world->ops = calloc(unit->count + 1, sizeof *world->ops);
    if (world->ops == NULL || !bench_create(world)) {
        world_destroy(world);
        return NULL;
    }
    unit_fold(lines, unit, world->ops, world->cut);
    choose_cells(world);
    outcomes_prepare(world);
    world->scratch = malloc(bench_save_size(&world->bench));
    bench_initial(&world->bench);
    if (world->scratch == NULL || number_bench(world) != 0) {
        world_destroy(world);
        return NULL;
    }
    return world;
}

void world_destroy(struct world *world) {
    if (world == NULL)
        return;
    for (uint32_t i = 0; i < world->state_count; i++) {
        release_closure(world->closures[i]);
        free(world->moves_of[i]);
    }
    for (size_t i = 0; world->memos != NULL && i <= world->memo_mask; i++)
        release_reaction(world->memos[i].reaction);
    bench_destroy(world);
    free(world->ops);
    free(world->bytes);
    free(world->offset);
    free(world->states.slot);
    free(world->closures);
    free(world->memos);
    free(world->effects);
    free(world->finding);
    free(world->moves_of);
    free(world->seen);
    free(world->content);
    free(world->contents);
    free(world->scratch);
    free(world);
}

uint32_t world_initial(const struct world *world) {
    (void)world;
    return 0;
}

uint32_t world_perform(struct world *world, uint32_t state, struct world_move move, bool *waits) {
    const struct effect *effect = perform(world, state, move);
    if (waits != NULL)
        *waits = effect != NULL && effect->waits;
    return effect == NULL ? NO_INDEX : effect->next;
}

bool world_out_of_memory(const struct world *world) {
    return world->trouble == NULL || world->trouble == no_memory;
}
