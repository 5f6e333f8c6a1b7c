/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which outcomes of an operation need not be explored, because another one shows all that they do (docs/verify.md):
 *
 * - what the hardware makes of the other one by itself, no later;
 * - what has the same as the other one and old clean copies beside it that nobody is going to read. Where memory that
 * was cacheable once is used past the caches, each copy in a cache could be as old as any write since.
 */
#include "verify/bench_internal.h"

#include <stdlib.h>
#include <string.h>

/* ---- clean copies that nobody reads ---------------------------------------------------------- */

static bool becomes_cacheable(const struct world *world, unsigned view) {
    bool becomes = false;
    for (uint32_t i = 0; i < world->unit.count && !becomes; i++)
        becomes = unit_recorded(world, i)->kind == NS_RECORDED_PTE && world->ops[i].view == view &&
                  unit_recorded(world, i)->type == NS_TYPE_CACHEABLE;
    return becomes;
}

bool outcomes_looks(const struct world *world, uint32_t unit_op) {
    const struct ns_recorded *entry = unit_recorded(world, unit_op);
    switch ((enum ns_recorded_kind)entry->kind) {
    case NS_RECORDED_LOAD:
    case NS_RECORDED_STORE:
        return entry->type == NS_TYPE_CACHEABLE || becomes_cacheable(world, world->ops[unit_op].view);
    case NS_RECORDED_DMA_READ:
    case NS_RECORDED_DMA_WRITE:
        return bench_device_of(world, entry->actor)->snoops;
    case NS_RECORDED_HARDWARE:
        return true;
    default:
        return false; /* maintenance writes dirty copies back, and drops clean ones as an eviction does */
    }
}

void outcomes_prepare(struct world *world) {
    bool written[UNIT_MAX] = {false};
    for (uint32_t i = 0; i < world->unit.count; i++) {
        const struct ns_recorded *entry = unit_recorded(world, i);
        const bool looks = outcomes_looks(world, i);
        if (entry->kind == NS_RECORDED_STORE || entry->kind == NS_RECORDED_DMA_WRITE)
            for (uint32_t cell = world->ops[i].first; cell < world->ops[i].end; cell++) {
                world->contested[cell] = written[cell] && world->follows[cell];
                written[cell] = true;
            }
        world->lookers = (uint16_t)(world->lookers + looks);
        if ((entry->kind == NS_RECORDED_LOAD || entry->kind == NS_RECORDED_STORE) && !looks)
            world->bypassed[world->ops[i].view] |= (uint8_t)(1u << entry->actor);
    }
}

/* Is something still going to be written back? */
static bool is_dirty(const struct bench *bench) {
    const struct ns_cache_config *config = ns_cache_get_config(bench->cache);
    bool dirty = false;
    for (unsigned hart = 0; hart < config->harts && !dirty; hart++)
        dirty = ns_cache_late_count(bench->cache, hart) > 0;
    for (unsigned level = 0; level < config->levels; level++)
        for (unsigned hart = 0; hart < (level == 0 ? config->harts : 1); hart++)
            for (uint32_t cell = 0; cell < bench->world->cells && !dirty; cell += bench->world->line_cells) {
                struct ns_cache_copy copy;
                dirty = ns_cache_peek(bench->cache, level, hart, cell, &copy) && copy.state == NS_LINE_DIRTY;
            }
    return dirty;
}

/* On the bench: whoever still comes passes the caches, whatever its TLB says. */
static bool nobody_reads_copies(const struct bench *bench) {
    const struct world *world = bench->world;
    bool read = bench->looked < world->lookers || is_dirty(bench);
    for (unsigned view = 0; view < world->unit.view_count && !read; view++)
        for (unsigned hart = 0; hart < world->program->harts && !read; hart++)
            read =
                (world->bypassed[view] >> hart & 1) != 0 && (bench->types[view][hart] & 1u << NS_TYPE_CACHEABLE) != 0;
    return !read;
}

/* Does the closure lead to the state by lines that leave the caches, and nothing else? */
static bool leads_by_leaving(const struct closure *closure, uint32_t state) {
    uint32_t node = 0;
    while (node < closure->node_count && (closure->nodes[node].state != state || closure->nodes[node].leaf))
        node++;
    for (; node < closure->node_count && node != 0; node = closure->nodes[node].parent) {
        const uint8_t action = closure->nodes[node].move.action;
        if (action != WORLD_EVICT && action != WORLD_EVICT_L1 && action != WORLD_INSTALL)
            return false;
    }
    return node == 0;
}

/* Apart from the caches the two states are one, and so is whether the newest bytes are cached: then they are not lost
 * when memory is overwritten. */
static bool is_same_without_copies(struct world *world, uint32_t state, uint32_t bare) {
    bool cached[UNIT_MAX];
    world_lay_out(world, state);
    const size_t length = bench_save_rest(&world->bench, world->scratch);
    bool same = nobody_reads_copies(&world->bench);
    for (uint32_t cell = 0; cell < world->cells; cell++)
        cached[cell] = world->contested[cell] && bench_is_cached(&world->bench, cell);
    uint8_t *rest = same ? malloc(length) : NULL;
    if (rest == NULL)
        return false;
    memcpy(rest, world->scratch, length);
    world_lay_out(world, bare);
    same = bench_save_rest(&world->bench, world->scratch) == length && memcmp(rest, world->scratch, length) == 0;
    for (uint32_t cell = 0; cell < world->cells; cell++)
        same = same && (!world->contested[cell] || cached[cell] == bench_is_cached(&world->bench, cell));
    free(rest);
    return same;
}

/* ---- outcomes -------------------------------------------------------------------------------- */

/* Is the state among those that the hardware alone makes of another, in `cost` moves or fewer? */
static bool comes_of(const struct closure *closure, uint32_t state, unsigned cost) {
    for (size_t n = 0; n < closure->node_count && closure->nodes[n].cost <= cost; n++)
        if (closure->nodes[n].state == state && !closure->nodes[n].leaf)
            return true;
    return false;
}

static bool is_alike(const struct outcome *one, const struct outcome *other) {
    return one->content == other->content && one->stale == other->stale && one->waits == other->waits;
}

/* Does outcome `one` show all that `other` does? *failed: it could not be told. */
typedef bool covering(struct world *world, const struct outcome *one, const struct outcome *other, bool *failed);

/* Where nobody ever reads copies, a way to the same without them is shorter by the fills that made them, if it does not
 * start here then elsewhere. */
static bool covers_without_copies(struct world *world, const struct outcome *one, const struct outcome *other,
                                  bool *failed) {
    if (world->unit.view_count == 0 || (world->lookers > 0 && other->cost < one->cost))
        return false;
    const struct closure *closure = world_closure(world, other->state);
    *failed |= closure == NULL;
    return closure != NULL && leads_by_leaving(closure, one->state) &&
           is_same_without_copies(world, other->state, one->state);
}

static bool covers_by_itself(struct world *world, const struct outcome *one, const struct outcome *other,
                             bool *failed) {
    const struct closure *closure = other->cost < one->cost ? NULL : world_closure(world, one->state);
    *failed |= closure == NULL && other->cost >= one->cost;
    return closure != NULL && comes_of(closure, other->state, other->cost - one->cost);
}

bool outcomes_leave_out(struct world *world, struct reaction *reaction) {
    static covering *const how[] = {covers_without_copies, covers_by_itself};
    size_t kept = 0;
    bool failed = false;
    if (world->program->unreduced)
        return true;
    bool *out = calloc(reaction->outcome_count + 1, sizeof *out);
    if (out == NULL)
        return false;
    for (unsigned h = 0; h < sizeof how / sizeof how[0]; h++)
        for (size_t i = 0; i < reaction->outcome_count; i++)
            for (size_t j = 0; j < reaction->outcome_count && !out[i] && !failed; j++)
                if (i != j && !out[j] && is_alike(&reaction->outcomes[i], &reaction->outcomes[j]))
                    out[j] = how[h](world, &reaction->outcomes[i], &reaction->outcomes[j], &failed);
    for (size_t i = 0; i < reaction->outcome_count; i++)
        if (!out[i])
            reaction->outcomes[kept++] = reaction->outcomes[i];
    reaction->outcome_count = kept;
    free(out);
    return !failed;
}
