/* SPDX-License-Identifier: Apache-2.0 */
#include "model/grow.h"
#include "verify/queues.h"
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

static bool add_touch(struct projection *projection, struct projected_op *op, struct projected_touch touch) {
    if (!grow((void **)&projection->touch, &projection->touch_capacity, projection->touch_count + 1,
              sizeof *projection->touch))
        return false;
    if (op->touches == 0)
        op->touch = (uint32_t)projection->touch_count;
    projection->touch[projection->touch_count++] = touch;
    op->touches++;
    return true;
}

/* The operation at a unit; NO_INDEX: there is nothing that this search must know. */
static uint32_t touched(const struct projection *projection, uint32_t number, unsigned unit) {
    const uint32_t unit_op = world_op(projection->world[unit], number);
    const bool fences = projection->program->ops[number].recorded.kind == NS_RECORDED_FENCE;
    return unit_op == NO_INDEX || fences || world_ignores(projection->world[unit], unit_op) ? NO_INDEX : unit_op;
}

static bool add_touches(struct projection *projection, uint32_t number, struct projected_op *op) {
    for (unsigned u = 0; u < projection->units; u++) {
        const uint32_t unit_op = touched(projection, number, u);
        if (unit_op != NO_INDEX && !add_touch(projection, op, (struct projected_touch){u, unit_op, WORLD_OP, 0}))
            return false;
    }
    return true;
}

/* Does an operation of this actor let everything arrive that it waits for, too? */
static bool waits_alike(const struct ns_recorded *entry, const struct ns_recorded *other) {
    if (entry->kind == NS_RECORDED_FENCE)
        return other->kind == NS_RECORDED_FENCE && other->flags == entry->flags;
    return other->kind == NS_RECORDED_DMA_READ || other->kind == NS_RECORDED_DEVICE_FLUSH;
}

/* The operation waits only for what its actor has on its way, and nothing has got on its way since one like it, or at
 * all. */
static bool has_nothing_to_wait_for(const struct projection *projection, unsigned actor,
                                    const struct ns_recorded *entry) {
    const struct program *program = projection->program;
    if (entry->kind != NS_RECORDED_FENCE && entry->kind != NS_RECORDED_DMA_READ &&
        entry->kind != NS_RECORDED_DEVICE_FLUSH)
        return false;
    for (size_t i = projection->op_count[actor]; i-- > 0;) {
        const struct projected_op *before = &projection->ops[actor][i];
        const struct ns_recorded *other = &program->ops[before->op].recorded;
        if (before->is_part || other->kind == NS_RECORDED_STORE || other->kind == NS_RECORDED_DMA_WRITE ||
            other->kind == NS_RECORDED_MAINTAIN)
            return false;
        if (waits_alike(entry, other))
            return true;
    }
    for (size_t i = 0; i < program->setup_count; i++)
        if (program->ops[i].recorded.actor == entry->actor && program->ops[i].recorded.kind != NS_RECORDED_INITIAL)
            return false;
    return true;
}

/* ---- operations in parts --------------------------------------------------------------------- */

struct taking {
    struct projection *projection;
    size_t capacity[SEARCH_ACTORS];
};

static enum ns_status take(struct taking *taking, const struct projected_op *op) {
    struct projection *projection = taking->projection;
    const unsigned actor = projection->program->steps[op->step].actor;
    const size_t count = projection->op_count[actor];
    if (count == UINT16_MAX)
        return NS_ERROR_LIMIT;
    if (!grow((void **)&projection->ops[actor], &taking->capacity[actor], count + 1, sizeof *op))
        return NS_ERROR_MEMORY;
    const struct program_step *own = &projection->program->steps[op->step];
    struct projected_op *taken = &projection->ops[actor][projection->op_count[actor]++];
    *taken = *op;
    taken->weight = own->number + 1;
    if (count > 0)
        taken->weight -= projection->program->steps[taken[-1].step].number + 1;
    if (own->kind == STEP_OPTIONAL)
        taken->weight = count > 0 && taken[-1].step == op->step ? 0 : 1;
    return NS_OK;
}

/* How many entries of the hart's store buffer can this search follow at a time, at most? */
static uint64_t followed_entries(const struct projection *projection, unsigned hart) {
    const struct program *program = projection->program;
    uint64_t count = 0;
    for (unsigned u = 0; u < projection->units; u++)
        for (uint32_t i = 0; i < world_unit(projection->world[u])->count; i++) {
            const struct ns_recorded *entry = &program->ops[world_unit_op(projection->world[u], i)->op].recorded;
            if (entry->kind == NS_RECORDED_STORE && entry->actor == hart && !world_ignores(projection->world[u], i))
                count += world_entries(projection->world[u], i, NS_TYPE_NC);
        }
    return count;
}

/* Behind this store the buffer of its hart holds no more than it has room for: entries that are followed, and the
 * store's last one. */
static bool settles(const struct projection *projection, uint32_t number) {
    const struct program *program = projection->program;
    const struct ns_recorded *entry = &program->ops[number].recorded;
    return entry->kind == NS_RECORDED_STORE && entry->type == NS_TYPE_NC && entry->step != UINT32_MAX &&
           program->machine->store_buffer_entries > 0 && program_stores_leave(program) &&
           !queues_know(program, entry->actor) && (projection->tight >> entry->actor & 1) != 0;
}

/* What leaves its queues in one phase of the operation. */
static enum ns_status take_phase(struct taking *taking, const struct projected_op *whole, unsigned phase) {
    struct projection *projection = taking->projection;
    struct projected_op op = *whole;
    op.is_part = true;
    op.touches = 0;
    op.stops = queues_first(projection->program, whole->op, phase);
    op.order = (uint8_t)(program_phases_first(&projection->program->ops[whole->op]) ? phase - 1 : phase);
    for (unsigned u = 0; u < projection->units; u++) {
        const uint32_t unit_op = world_op(projection->world[u], whole->op);
        if (unit_op != NO_INDEX && world_has_phase(projection->world[u], whole->op, phase) &&
            !add_touch(projection, &op, (struct projected_touch){u, unit_op, WORLD_PHASE, (uint8_t)phase}))
            return NS_ERROR_MEMORY;
    }
    op.settles = settles(projection, whole->op);
    return op.touches == 0 && !op.settles ? NS_OK : take(taking, &op);
}

/* The next unit of the projection at or behind the address that the operation touches; `units`: none. */
static unsigned next_unit(const struct projection *projection, uint32_t number, uint64_t from) {
    unsigned next = projection->units;
    for (unsigned u = 0; u < projection->units; u++)
        if (world_unit(projection->world[u])->address >= from && touched(projection, number, u) != NO_INDEX &&
            (next == projection->units ||
             world_unit(projection->world[u])->address < world_unit(projection->world[next])->address))
            next = u;
    return next;
}

/* Behind each line that others poll, the others may come. */
static enum ns_status take_lines(struct taking *taking, const struct projected_op *whole, uint64_t size) {
    struct projection *projection = taking->projection;
    const struct program *program = projection->program;
    const struct ns_recorded *entry = &program->ops[whole->op].recorded;
    const bool stores = entry->kind == NS_RECORDED_STORE;
    struct projected_op op = *whole;
    enum ns_status status = NS_OK;
    op.touches = 0;
    for (unsigned u = next_unit(projection, whole->op, 0); u < projection->units && status == NS_OK;) {
        const uint64_t address = world_unit(projection->world[u])->address;
        const uint8_t action = stores && op.is_part ? WORLD_REST : WORLD_OP;
        const bool polled = program_is_polled(program, address, address + size, entry->actor);
        if (!add_touch(projection, &op,
                       (struct projected_touch){u, world_op(projection->world[u], whole->op), action, 0}))
            return NS_ERROR_MEMORY;
        u = next_unit(projection, whole->op, address + size);
        if (u < projection->units && !polled)
            continue;
        const uint64_t next = u == projection->units ? UINT64_MAX : world_unit(projection->world[u])->address;
        for (unsigned rest = u; stores && !op.is_part && rest < projection->units;) { /* these are still to come */
            const uint64_t at = world_unit(projection->world[rest])->address;
            if (!add_touch(
                    projection, &op,
                    (struct projected_touch){rest, world_op(projection->world[rest], whole->op), WORLD_BEGIN, 0}))
                return NS_ERROR_MEMORY;
            rest = next_unit(projection, whole->op, at + size);
        }
        status = take(taking, &op);
        op.is_part = true;
        op.stops = next > entry->address ? next : entry->address;
        op.touches = 0;
    }
    return status;
}

/* In how many parts others see the operation, if at all. */
static enum ns_status take_whole(struct taking *taking, struct projected_op *op, const bool *keep,
                                 const struct traffic *traffic) {
    struct projection *projection = taking->projection;
    const struct program *program = projection->program;
    const struct program_op *what = &program->ops[op->op];
    const unsigned actor = program->steps[op->step].actor;
    const struct ns_recorded *entry = &what->recorded;
    const bool first = program_phases_first(what);
    enum ns_status status = NS_OK;
    for (unsigned phase = 1; phase <= what->phases && first && status == NS_OK; phase++)
        status = take_phase(taking, op, phase);
    if (what->phases > 0 && first) {
        op->stops = queues_first(program, op->op, 0);
        op->order = what->phases;
    }
    if (status == NS_OK && program_goes_by_lines(program, entry) &&
        next_unit(projection, op->op, 0) < projection->units)
        return take_lines(taking, op, program->machine->cache.level[program->machine->cache.levels - 1].line);
    if (status == NS_OK && !add_touches(projection, op->op, op))
        status = NS_ERROR_MEMORY;
    if (status != NS_OK ||
        (op->touches == 0 && !settles(projection, op->op) && !is_signal(program, entry, traffic, keep != NULL)))
        return status;
    op->settles = settles(projection, op->op);
    if (op->touches == 0 && !op->settles && has_nothing_to_wait_for(projection, actor, entry))
        return NS_OK;
    status = take(taking, op);
    for (unsigned phase = 1; phase <= what->phases && !first && status == NS_OK; phase++)
        if (op->touches > 0 || !what->loose || settles(projection, op->op))
            status = take_phase(taking, op, phase);
    return status;
}

/* Can the step be stopped in front of an operation of this kind? What a call means for the bytes' owners belongs to
 * what it did before. */
static bool can_stop_before(const struct ns_recorded *entry) {
    return entry->kind != NS_RECORDED_MAP && entry->kind != NS_RECORDED_UNMAP && entry->kind != NS_RECORDED_SYNC &&
           entry->kind != NS_RECORDED_FREE && entry->kind != NS_RECORDED_ALLOC &&
           entry->kind != NS_RECORDED_MISDIRECTED && entry->kind != NS_RECORDED_HARDWARE;
}

/* Does the operation bring out bytes that others poll? */
static bool shows_polled(const struct program *program, const struct ns_recorded *entry) {
    const uint64_t line = program->machine->cache.level[0].line;
    const bool wide = entry->kind == NS_RECORDED_MAINTAIN;
    if (entry->kind == NS_RECORDED_FENCE || (wide && (entry->flags & NS_RECORDED_WHOLE) != 0))
        return program->poll_count > 0;
    if (!wide && entry->kind != NS_RECORDED_STORE && entry->kind != NS_RECORDED_DMA_WRITE)
        return false;
    const uint64_t first = wide ? entry->address / line * line : entry->address, end = entry->address + entry->length;
    return program_is_polled(program, first, wide ? (end + line - 1) / line * line : end, entry->actor);
}

/* A step is one piece for everybody but the hardware, unless a part of it is what somebody polls. */
static void find_interruptions(struct projection *projection, unsigned actor) {
    const struct program *program = projection->program;
    bool shown = false;
    for (size_t i = 0; i < projection->op_count[actor]; i++) {
        struct projected_op *op = &projection->ops[actor][i];
        const struct ns_recorded *entry = &program->ops[op->op].recorded;
        const bool inside = i > 0 && op[-1].step == op->step;
        if (!inside)
            shown = false;
        const bool same = inside && op[-1].op == op->op;
        const bool other_operation = inside && program->ops[op[-1].op].recorded.part < entry->part;
        op->interrupts =
            inside && shown && (same ? op->stops != UINT64_MAX : other_operation && can_stop_before(entry));
        shown = shown || shows_polled(program, entry) || op->is_part;
        const enum ns_verb verb = program->scenario->written[program->steps[op->step].site].verb;
        op->calls = actor < program->harts && verb != NS_VERB_STORE && verb != NS_VERB_LOAD && verb != NS_VERB_CLEAN &&
                    verb != NS_VERB_INVALIDATE && verb != NS_VERB_FLUSH && verb != NS_VERB_FENCE &&
                    verb != NS_VERB_COPY;
    }
}

/* The operations in written order, each to its actor. With few polls, other handovers of the DMA API tell nothing. */
static enum ns_status take_ops(struct projection *projection, const bool *keep) {
    const struct program *program = projection->program;
    const struct traffic traffic = find_traffic(projection);
    struct taking taking = {.projection = projection};
    projection->few = keep != NULL;
    for (unsigned hart = 0; hart < program->harts; hart++)
        if (followed_entries(projection, hart) >= program->machine->store_buffer_entries)
            projection->tight |= 1u << hart;
    for (uint32_t step = 0; step < program->step_count; step++) {
        if (!program->steps[step].exists)
            continue;
        for (uint32_t i = 0; i < program->steps[step].count; i++) {
            const uint32_t number = program->steps[step].first + i;
            struct projected_op op = {.op = number, .step = step, .stops = UINT64_MAX};
            if (keep != NULL && program->ops[number].poll != NO_INDEX && !keep[number])
                continue; /* taken as if it never waited: see waits.h */
            const enum ns_status status = take_whole(&taking, &op, keep, &traffic);
            if (status != NS_OK)
                return status;
            projection->posted |= program->ops[number].recorded.kind == NS_RECORDED_DMA_WRITE;
        }
    }
    for (unsigned actor = 0; actor < projection->actors; actor++)
        find_interruptions(projection, actor);
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
