/* SPDX-License-Identifier: Apache-2.0 */
#include "model/grow.h"
#include "verify/search.h"

#include <stdlib.h>
#include <string.h>

/* Which kinds of write of the projected units may be on their way: what has to be waited for. */
struct traffic {
    uint32_t buffered; /* bit per hart */
    uint32_t late;
    uint32_t posted; /* bit per device's actor */
};

static struct traffic find_traffic(const struct projection *projection) {
    const struct program *program = projection->program;
    struct traffic traffic = {0};
    for (unsigned u = 0; u < projection->units; u++) {
        const struct unit *unit = world_unit(projection->world[u]);
        for (uint32_t i = 0; i < unit->count; i++) {
            const struct unit_op *op = world_unit_op(projection->world[u], i);
            const struct ns_recorded *entry = &program->ops[op->op].recorded;
            if (entry->kind == NS_RECORDED_STORE && (entry->type == NS_TYPE_NC || unit->view_count > 1))
                traffic.buffered |= 1u << entry->actor;
            bool retyped = false;
            for (unsigned v = 0; v < unit->view_count; v++)
                retyped |= unit->view[v].type != 1u << NS_TYPE_CACHEABLE;
            if (entry->kind == NS_RECORDED_STORE && retyped)
                traffic.buffered |= 1u << entry->actor;
            if (entry->kind == NS_RECORDED_PTE)
                traffic.buffered |= (1u << program->harts) - 1;
            if (entry->kind == NS_RECORDED_MAINTAIN && entry->op != NS_CACHE_INVALIDATE)
                traffic.late |= 1u << entry->actor;
            if (entry->kind == NS_RECORDED_MAINTAIN && entry->op == NS_CACHE_INVALIDATE)
                traffic.late |= 1u << entry->actor; /* performed as a flush, it may be late too */
            if (entry->kind == NS_RECORDED_DMA_WRITE)
                traffic.posted |= 1u << entry->actor;
        }
    }
    if (!projection->late)
        traffic.late = 0;
    return traffic;
}

/* Must the search know of the operation although it touches none of its units? */
static bool is_signal(const struct program *program, const struct ns_recorded *entry, const struct traffic *traffic,
                      bool few) {
    switch ((enum ns_recorded_kind)entry->kind) {
    case NS_RECORDED_DOORBELL:
    case NS_RECORDED_START:
    case NS_RECORDED_RAISE:
    case NS_RECORDED_WAIT:
        return true;
    case NS_RECORDED_MAP:
    case NS_RECORDED_SYNC:
        return program->clocks && !few && (entry->flags & NS_RECORDED_FOR_CPU) == 0;
    case NS_RECORDED_FENCE:
        return ((traffic->buffered | ((entry->flags & NS_RECORDED_LOCAL) != 0 ? 0 : traffic->late)) >> entry->actor &
                1) != 0;
    case NS_RECORDED_REGISTER_READ:
        return (traffic->posted >> entry->peer & 1) != 0;
    case NS_RECORDED_DEVICE_FLUSH:
    case NS_RECORDED_DMA_READ:
        return (traffic->posted >> entry->actor & 1) != 0;
    default:
        return false;
    }
}

static bool add_touches(struct projection *projection, uint32_t number, struct projected_op *op) {
    op->touch = (uint32_t)projection->touch_count;
    for (unsigned u = 0; u < projection->units; u++) {
        const uint32_t unit_op = world_op(projection->world[u], number);
        if (unit_op == NO_INDEX || world_ignores(projection->world[u], unit_op))
            continue;
        if (!grow((void **)&projection->touch, &projection->touch_capacity, projection->touch_count + 1,
                  sizeof *projection->touch))
            return false;
        projection->touch[projection->touch_count++] = (struct projected_touch){u, unit_op};
    }
    op->touches = (uint32_t)projection->touch_count - op->touch;
    return true;
}

static bool is_same_fence(const struct program *program, const struct projected_op *before,
                          const struct ns_recorded *fence) {
    const struct ns_recorded *entry = &program->ops[before->op].recorded;
    return entry->kind == NS_RECORDED_FENCE && entry->flags == fence->flags;
}

/* The operations in written order, each to its actor. With few polls, other handovers of the DMA API tell nothing. */
static enum ns_status take_ops(struct projection *projection, const bool *keep) {
    const struct program *program = projection->program;
    const struct traffic traffic = find_traffic(projection);
    size_t capacity[SEARCH_ACTORS] = {0};
    for (uint32_t step = 0; step < program->step_count; step++) {
        if (!program->steps[step].exists)
            continue;
        for (uint32_t i = 0; i < program->steps[step].count; i++) {
            const uint32_t number = program->steps[step].first + i;
            const struct ns_recorded *entry = &program->ops[number].recorded;
            const unsigned actor = program->steps[step].actor;
            struct projected_op op = {.op = number, .step = step};
            if (keep != NULL && program->ops[number].poll != NO_INDEX && !keep[number])
                continue; /* taken as if it never waited: see waits.h */
            if (!add_touches(projection, number, &op))
                return NS_ERROR_MEMORY;
            if (op.touches == 0 && !is_signal(program, entry, &traffic, keep != NULL))
                continue;
            const size_t count = projection->op_count[actor];
            if (op.touches == 0 && entry->kind == NS_RECORDED_FENCE && count > 0 &&
                is_same_fence(program, &projection->ops[actor][count - 1], entry))
                continue; /* nothing has come since the one before */
            if (count == UINT16_MAX)
                return NS_ERROR_LIMIT;
            if (!grow((void **)&projection->ops[actor], &capacity[actor], count + 1, sizeof op))
                return NS_ERROR_MEMORY;
            const struct program_step *own = &program->steps[step];
            op.weight = own->number + 1;
            if (count > 0)
                op.weight -= program->steps[projection->ops[actor][count - 1].step].number + 1;
            if (own->kind == STEP_OPTIONAL)
                op.weight = count > 0 && projection->ops[actor][count - 1].step == step ? 0 : 1;
            projection->ops[actor][projection->op_count[actor]++] = op;
            projection->posted |= entry->kind == NS_RECORDED_DMA_WRITE;
        }
    }
    return NS_OK;
}

/* How many projected operations of `actor` belong to its first `steps` steps. */
static uint16_t ops_within(const struct projection *projection, unsigned actor, uint32_t steps) {
    size_t low = 0, high = projection->op_count[actor];
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (projection->program->steps[projection->ops[actor][middle].step].number < steps)
            low = middle + 1;
        else
            high = middle;
    }
    return (uint16_t)low;
}

static enum ns_status take_needs(struct projection *projection) {
    const struct program *program = projection->program;
    for (unsigned actor = 0; actor < projection->actors; actor++)
        for (size_t i = 0; i < projection->op_count[actor]; i++) {
            struct projected_op *op = &projection->ops[actor][i];
            if (!grow((void **)&projection->need, &projection->need_capacity,
                      projection->need_count + projection->actors, sizeof *projection->need))
                return NS_ERROR_MEMORY;
            op->needs = (uint32_t)projection->need_count;
            projection->need_count += projection->actors;
            for (unsigned other = 0; other < projection->actors; other++)
                projection->need[op->needs + other] =
                    other == actor ? 0 : ops_within(projection, other, program_need(program, op->step, other));
        }
    return NS_OK;
}

enum ns_status projection_create(struct projection *projection, const struct lines *lines,
                                 const struct unit *const *unit, unsigned units, const struct world_options *options,
                                 const bool *keep) {
    *projection = (struct projection){.program = lines->program, .actors = lines->program->actors};
    if (units > SEARCH_UNITS)
        return NS_ERROR_LIMIT;
    projection->late = lines->program->machine->cache.late_write_backs > 0 ||
                       (units > 0 && (options[0].may & NS_MAY_LATE_MAINTENANCE) != 0);
    enum ns_status status = NS_OK;
    for (unsigned u = 0; u < units && status == NS_OK; u++) {
        projection->world[u] = world_create(lines, unit[u], &options[u]);
        status = projection->world[u] == NULL ? NS_ERROR_MEMORY : NS_OK;
        projection->units += status == NS_OK;
    }
    if (status == NS_OK)
        status = take_ops(projection, keep);
    if (status == NS_OK)
        status = take_needs(projection);
    if (status != NS_OK)
        projection_release(projection);
    return status;
}

void projection_release(struct projection *projection) {
    for (unsigned u = 0; u < projection->units; u++)
        world_destroy(projection->world[u]);
    for (unsigned actor = 0; actor < SEARCH_ACTORS; actor++)
        free(projection->ops[actor]);
    free(projection->touch);
    free(projection->need);
    *projection = (struct projection){0};
}

uint32_t projection_stamp(const struct projection *projection, uint32_t op) {
    const unsigned actor = projection->program->ops[op].recorded.actor;
    size_t low = 0, high = projection->op_count[actor];
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (projection->ops[actor][middle].op <= op)
            low = middle + 1;
        else
            high = middle;
    }
    return (uint32_t)low;
}
