/* SPDX-License-Identifier: Apache-2.0 */
/* What the hardware may do in a state, and in which ways an operation may be performed. */
#include "verify/bench_internal.h"

#include <assert.h>

bool bench_may_fill(const struct bench *bench, unsigned hart) {
    const uint8_t cacheable = 1u << NS_TYPE_CACHEABLE;
    if (bench->world->unit.view_count == 0)
        return true; /* nobody ever uses a mapping of it: the kernel's own is cacheable */
    bool linear = false;
    for (unsigned view = 0; view < bench->world->unit.view_count; view++) {
        if (((bench->types[view][hart] | bench->current[view]) & cacheable) != 0)
            return true;
        linear |= bench->world->unit.view[view].page == bench->world->unit.address / NS_PAGE_SIZE * NS_PAGE_SIZE;
    }
    return !linear && bench->world->unit.address < (UINT64_C(128) << 30);
}

struct move_list {
    struct world_move *move;
    size_t count, limit;
};

static void offer(struct move_list *list, enum world_action action, unsigned a, uint32_t index) {
    if (list->count < list->limit)
        list->move[list->count++] =
            (struct world_move){.action = (uint8_t)action, .a = (uint8_t)a, .index = (uint16_t)index};
}

static bool holds(const struct bench *bench, unsigned level, unsigned hart, uint32_t line) {
    struct ns_cache_copy copy;
    return ns_cache_peek(bench->cache, level, hart, (uint64_t)line * bench->world->line_cells, &copy);
}

static void offer_copies(const struct bench *bench, struct move_list *list, unsigned hart, uint32_t line) {
    const struct world *world = bench->world;
    const uint32_t may = world->options.may;
    const bool two_steps = world->machine->cache.fill != NS_FILL_ATOMIC;
    const bool in_l1 = holds(bench, 0, hart, line);
    bool below = false;
    const bool first = (world->program->caching & ((1u << hart) - 1)) == 0; /* what lies below is evicted once */
    for (unsigned level = 1; level < world->machine->cache.levels && first; level++)
        below |= holds(bench, level, 0, line);
    if ((may & NS_MAY_SPECULATIVE_FILL) != 0 && bench_may_fill(bench, hart)) {
        if (!in_l1)
            offer(list, two_steps ? WORLD_SAMPLE : WORLD_FILL, hart, line);
        if (two_steps)
            offer(list, WORLD_INSTALL, hart, line);
    }
    if ((may & NS_MAY_EVICT) != 0 && (in_l1 || below))
        offer(list, WORLD_EVICT, hart, line);
    if ((may & NS_MAY_EVICT) != 0 && in_l1 && world->program->scoped && world->machine->cache.levels > 1)
        offer(list, WORLD_EVICT_L1, hart, line);
    if ((may & NS_MAY_SPECULATIVE_STORE) != 0 && bench_may_fill(bench, hart))
        offer(list, WORLD_DIRTY, hart, line);
}

size_t bench_moves(struct bench *bench, struct world_move *moves, size_t limit) {
    const struct world *world = bench->world;
    struct move_list list = {.move = moves, .limit = limit};
    for (unsigned hart = 0; hart < world->program->harts; hart++)
        for (uint32_t line = 0; line < world->line_count && (world->program->caching >> hart & 1) != 0; line++)
            offer_copies(bench, &list, hart, line);
    const bool drains = (world->options.may & NS_MAY_DRAIN) != 0;
    if (drains || world->machine->store_buffer_drain == NS_DRAIN_AFTER)
        for (unsigned i = 0; i < bench->flight_count; i++) {
            bool older = bench_is_under_way(&bench->flight[i]);
            for (unsigned j = 0; j < i; j++)
                older |= bench->flight[j].actor == bench->flight[i].actor &&
                         bench_overlaps(&bench->flight[j], bench->flight[i].first, bench->flight[i].end);
            if (!bench->flight[i].posted && !older)
                offer(&list, WORLD_DRAIN, bench->flight[i].actor, i);
        }
    /* Late maintenance may be complete at any moment. */
    if (drains || world->machine->cache.late_write_backs > 0 || (world->options.may & NS_MAY_LATE_MAINTENANCE) != 0)
        for (uint32_t line = 0; line < world->line_count; line++) {
            uint8_t data;
            ns_version version;
            unsigned hart;
            if (ns_cache_late_peek(bench->cache, (uint64_t)line * world->line_cells, &hart, &data, &version))
                offer(&list, WORLD_DRAIN_LATE, hart, line);
        }
    return list.count;
}

uint8_t bench_types(const struct bench *bench, uint32_t unit_op) {
    const struct unit_op *op = &bench->world->ops[unit_op];
    const uint8_t types = bench->types[op->view][unit_recorded(bench->world, unit_op)->actor];
    return (uint8_t)(types != 0 ? types : 1u << unit_recorded(bench->world, unit_op)->type);
}

unsigned bench_variants(const struct bench *bench, uint32_t unit_op, uint8_t variants[8]) {
    const struct ns_recorded *entry = unit_recorded(bench->world, unit_op);
    unsigned count = 0;
    if (bench->world->ops[unit_op].first == bench->world->ops[unit_op].end && entry->kind == NS_RECORDED_STORE) {
        variants[0] = NS_TYPE_NC;
        return 1;
    }
    if (entry->kind == NS_RECORDED_LOAD || entry->kind == NS_RECORDED_STORE) {
        const uint8_t types = bench_types(bench, unit_op);
        for (uint8_t type = 0; type < 3; type++)
            if ((types & (1u << type)) != 0)
                variants[count++] = type;
        if ((types & VIEW_FAULTS) != 0)
            variants[count++] = VARIANT_FAULTS;
        return count;
    }
    variants[count++] = 0;
    if (entry->kind == NS_RECORDED_MAINTAIN && entry->op == NS_CACHE_INVALIDATE &&
        (bench->world->options.may & NS_MAY_INVALIDATE_AS_FLUSH) != 0)
        variants[count++] = VARIANT_AS_FLUSH;
    return count;
}
