/* SPDX-License-Identifier: Apache-2.0 */
#include "verify/lines.h"

#include "verify/hash.h"
#include "verify/queues.h"

#include <stdlib.h>
#include <string.h>

/* ---- which operations touch which unit ------------------------------------------------------- */

struct touch {
    uint64_t unit;
    uint32_t op;
};

struct collector {
    struct lines *lines;
    struct touch *touch;
    size_t count, capacity;
    bool failed;
};

static void add_touch(struct collector *collector, uint64_t unit, uint32_t op) {
    if (collector->count == collector->capacity) {
        const size_t capacity = collector->capacity == 0 ? 1024 : 2 * collector->capacity;
        struct touch *grown = realloc(collector->touch, capacity * sizeof *grown);
        if (grown == NULL) {
            collector->failed = true;
            return;
        }
        collector->touch = grown;
        collector->capacity = capacity;
    }
    collector->touch[collector->count++] = (struct touch){unit, op};
}

/* The bytes that an operation is about; false when it is about none of its own (a signal, the whole cache). */
static bool range_of(const struct program *program, const struct program_op *op, uint64_t *first, uint64_t *length) {
    const struct ns_recorded *entry = &op->recorded;
    *first = entry->address;
    *length = entry->length;
    switch ((enum ns_recorded_kind)entry->kind) {
    case NS_RECORDED_INITIAL:
    case NS_RECORDED_LOAD:
    case NS_RECORDED_STORE:
    case NS_RECORDED_DMA_READ:
    case NS_RECORDED_DMA_WRITE:
    case NS_RECORDED_MAP:
    case NS_RECORDED_FREE:
    case NS_RECORDED_ALLOC:
    case NS_RECORDED_MISDIRECTED:
        return entry->length > 0;
    case NS_RECORDED_SYNC:
        return entry->length > 0;
    case NS_RECORDED_UNMAP:
        *first = program->mappings[op->mapping].address;
        *length = program->mappings[op->mapping].length;
        return true;
    case NS_RECORDED_MAINTAIN:
    case NS_RECORDED_HARDWARE:
        return (entry->flags & NS_RECORDED_WHOLE) == 0 && entry->length > 0 && entry->length != UINT64_MAX;
    default:
        return false;
    }
}

static bool for_all_units(const struct ns_recorded *entry) {
    return (entry->kind == NS_RECORDED_MAINTAIN && (entry->flags & NS_RECORDED_WHOLE) != 0) ||
           (entry->kind == NS_RECORDED_HARDWARE && entry->length == UINT64_MAX);
}

static void collect(struct collector *collector) {
    const struct program *program = collector->lines->program;
    const uint64_t size = collector->lines->size;
    const uint32_t line = program->machine->cache.level[0].line;
    for (uint32_t i = 0; i < program->op_count && !collector->failed; i++) {
        uint64_t first, length;
        if (!range_of(program, &program->ops[i], &first, &length))
            continue;
        uint64_t last = first + length - 1;
        if (program->ops[i].recorded.kind == NS_RECORDED_MAINTAIN) { /* whole lines, whatever is done at the edges */
            first = first / line * line;
            last = last / line * line + line - 1;
        }
        for (uint64_t unit = first / size; unit <= last / size; unit++)
            add_touch(collector, unit, i);
        const uint32_t pair =
            program->ops[i].mapping == NO_INDEX ? NO_INDEX : program->mappings[program->ops[i].mapping].pair;
        const uint8_t kind = program->ops[i].recorded.kind;
        if (pair != NO_INDEX && (kind == NS_RECORDED_UNMAP || kind == NS_RECORDED_SYNC)) {
            const struct program_mapping *other = &program->mappings[pair];
            for (uint64_t unit = other->address / size; unit <= (other->address + other->length - 1) / size; unit++)
                add_touch(collector, unit, i);
        }
    }
}

/* A later operation of the same actor, on whatever line, makes entries of this line leave their queue. */
static void collect_leaves(struct collector *collector) {
    const struct program *program = collector->lines->program;
    const uint64_t size = collector->lines->size;
    for (size_t i = 0; i < program->leave_count && !collector->failed; i++) {
        const struct program_leave *leave = &program->leaves[i];
        if (leave->at == leave->op)
            continue;
        for (uint64_t unit = leave->first / size; unit <= (leave->end - 1) / size; unit++)
            add_touch(collector, unit, leave->at);
    }
}

/* The declared object that a step is about, through its handle where it has one; NS_NONE: none. */
static uint32_t object_of(const struct program *program, uint32_t step) {
    if (step >= program->step_count)
        return NS_NONE;
    const struct ns_scenario *scenario = program->scenario;
    const struct ns_ref *ref = &scenario->written[program->steps[step].site].ref;
    if (ref->kind == NS_REF_HANDLE)
        for (uint32_t i = 0; i < scenario->written_count; i++)
            if (scenario->written[i].verb == NS_VERB_MAP && scenario->written[i].result == ref->index)
                return scenario->written[i].ref.kind == NS_REF_OBJECT ? scenario->written[i].ref.index : NS_NONE;
    return ref->kind == NS_REF_OBJECT ? ref->index : NS_NONE;
}

/* Maintenance of an object that misses one of its lines is a part of that line's history all the same: it may have been
 * meant for it. Not where an object is maintained in very many pieces. */
static void collect_aimed(struct collector *collector) {
    enum { MOST = 16384 };
    const struct program *program = collector->lines->program;
    const size_t touches = collector->count;
    size_t maintained = 0;
    for (uint32_t i = 0; i < program->op_count; i++)
        maintained += program->ops[i].recorded.kind == NS_RECORDED_MAINTAIN;
    if (maintained * touches > MOST)
        return;
    for (uint32_t i = 0; i < program->op_count && !collector->failed; i++) {
        const uint32_t object = object_of(program, program->ops[i].recorded.step);
        if (program->ops[i].recorded.kind != NS_RECORDED_MAINTAIN || object == NS_NONE)
            continue;
        for (size_t t = 0; t < touches; t++)
            if (object_of(program, program->ops[collector->touch[t].op].recorded.step) == object)
                add_touch(collector, collector->touch[t].unit, i);
    }
}

static int by_unit_then_op(const void *a, const void *b) {
    const struct touch *left = a, *right = b;
    if (left->unit != right->unit)
        return left->unit < right->unit ? -1 : 1;
    return left->op < right->op ? -1 : left->op > right->op;
}

static void drop_repetitions(struct collector *collector) {
    size_t kept = 0;
    for (size_t i = 0; i < collector->count; i++)
        if (i == 0 || by_unit_then_op(&collector->touch[i - 1], &collector->touch[i]) != 0)
            collector->touch[kept++] = collector->touch[i];
    collector->count = kept;
}

/* ---- views ----------------------------------------------------------------------------------- */

static uint8_t type_bit(const struct ns_recorded *entry) {
    return (uint8_t)((entry->flags & NS_RECORDED_FAULTS) != 0 ? VIEW_FAULTS : 1u << entry->type);
}

static uint8_t default_type(const struct ns_machine_config *machine, uint64_t physical) {
    for (size_t i = 0; i < machine->pma_count; i++)
        if (physical >= machine->pma[i].start && physical - machine->pma[i].start < machine->pma[i].length)
            return (uint8_t)(1u << machine->pma[i].type);
    return 1u << NS_TYPE_CACHEABLE;
}

/* The unit's number for a virtual page; UNIT_VIEWS when there are too many. */
static unsigned view_of(struct unit *unit, uint64_t page, uint8_t type) {
    for (unsigned i = 0; i < unit->view_count; i++)
        if (unit->view[i].page == page)
            return i;
    if (unit->view_count == UNIT_VIEWS)
        return UNIT_VIEWS;
    unit->view[unit->view_count] = (struct unit_view){page, type};
    return unit->view_count++;
}

/* ---- one unit's history ---------------------------------------------------------------------- */

static uint16_t clipped(uint64_t at, uint64_t base, uint32_t size) {
    return at <= base ? 0 : at - base >= size ? (uint16_t)size : (uint16_t)(at - base);
}

struct builder {
    struct lines *lines;
    size_t capacity;
    struct unit *unit;
    /* operations that concern every unit, and page table entries and sfences */
    const uint32_t *common;
    size_t common_count;
    bool failed; /* a limit, or no_memory */
    bool no_memory;
};

static void add_op(struct builder *builder, uint32_t number, uint8_t view) {
    struct lines *lines = builder->lines;
    if (lines->op_count == builder->capacity) {
        const size_t capacity = builder->capacity == 0 ? 1024 : 2 * builder->capacity;
        struct unit_op *grown = realloc(lines->ops, capacity * sizeof *grown);
        if (grown == NULL) {
            builder->failed = builder->no_memory = true;
            return;
        }
        lines->ops = grown;
        builder->capacity = capacity;
    }
    const struct program_op *op = &lines->program->ops[number];
    const struct ns_recorded *entry = &op->recorded;
    const uint64_t base = builder->unit->address;
    uint64_t first = base, length = lines->size;
    if (!range_of(lines->program, op, &first, &length)) {
        first = base;
        length = lines->size;
    }
    const uint32_t pair = op->mapping == NO_INDEX ? NO_INDEX : lines->program->mappings[op->mapping].pair;
    if (pair != NO_INDEX && entry->kind != NS_RECORDED_MAP) {
        const struct program_mapping *one = &lines->program->mappings[op->mapping],
                                     *other = &lines->program->mappings[pair];
        if (first + length <= base || first >= base + lines->size)
            first = first - one->address + other->address; /* the other side of a bounce */
    }
    if (entry->kind == NS_RECORDED_FENCE) { /* it only makes entries of this line leave their queue */
        first = base;
        length = 0;
    }
    struct unit_op *made = &lines->ops[lines->op_count++];
    *made = (struct unit_op){.op = number,
                             .first = clipped(first, base, lines->size),
                             .end = clipped(first + length, base, lines->size),
                             .view = view};
    if (entry->kind == NS_RECORDED_MAINTAIN) {
        const bool whole = (entry->flags & NS_RECORDED_WHOLE) != 0;
        made->named_first = whole ? 0 : clipped(entry->named, base, lines->size);
        made->named_end =
            whole ? (uint16_t)lines->size : clipped(entry->named + entry->named_length, base, lines->size);
    }
    builder->unit->count++;
}

static void add_common(struct builder *builder, uint32_t number) {
    const struct ns_recorded *entry = &builder->lines->program->ops[number].recorded;
    struct unit *unit = builder->unit;
    const uint64_t page = unit->address / NS_PAGE_SIZE * NS_PAGE_SIZE;
    if (entry->kind == NS_RECORDED_PTE) {
        const bool setup = entry->step == UINT32_MAX;
        const bool ours =
            entry->address != UINT64_MAX && page >= entry->address && page - entry->address < entry->length;
        uint64_t viewed = entry->view + (page - entry->address); /* used when it is ours */
        for (unsigned i = 0; i < unit->view_count && !ours; i++)
            if (unit->view[i].page >= entry->view && unit->view[i].page - entry->view < entry->length)
                viewed = unit->view[i].page;
        const bool known = !ours && viewed >= entry->view && viewed - entry->view < entry->length;
        if (!ours && !known)
            return;
        const bool linear = entry->view == entry->address;
        const unsigned view = view_of(unit, viewed,
                                      setup    ? type_bit(entry)
                                      : linear ? default_type(builder->lines->program->machine, unit->address)
                                               : 0);
        if (view == UNIT_VIEWS)
            builder->failed = true;
        else if (setup)
            unit->view[view].type = type_bit(entry);
        else
            add_op(builder, number, (uint8_t)view);
    } else if (entry->kind == NS_RECORDED_SFENCE) {
        uint8_t view = UNIT_VIEWS; /* all */
        if ((entry->flags & NS_RECORDED_WHOLE) == 0) {
            for (unsigned i = 0; i < unit->view_count; i++)
                if (unit->view[i].page >= entry->view / NS_PAGE_SIZE * NS_PAGE_SIZE &&
                    unit->view[i].page - entry->view / NS_PAGE_SIZE * NS_PAGE_SIZE < entry->length)
                    view = (uint8_t)i;
            if (view == UNIT_VIEWS)
                return;
        }
        if (unit->view_count > 0)
            add_op(builder, number, view);
    } else {
        add_op(builder, number, 0);
    }
}

/* Does an access, or the lines of maintenance, touch nothing of the unit? */
static bool is_elsewhere(const struct lines *lines, const struct unit *unit, const struct ns_recorded *entry) {
    const uint32_t line = entry->kind == NS_RECORDED_MAINTAIN ? lines->program->machine->cache.level[0].line : 1;
    const uint64_t first = entry->address / line * line,
                   end = (entry->address + entry->length + line - 1) / line * line;
    return first >= unit->address + lines->size || end <= unit->address;
}

/* A store of several lines, of which another actor polls some byte. */
static bool is_seen_in_parts(const struct program *program, const struct ns_recorded *entry) {
    const uint64_t line = program->machine->cache.level[0].line, end = entry->address + entry->length;
    return entry->kind == NS_RECORDED_STORE && entry->length > 0 && entry->address / line != (end - 1) / line &&
           program_is_polled(program, entry->address, end, entry->actor);
}

static void look_at(struct builder *builder, uint32_t number) {
    struct unit *unit = builder->unit;
    const struct program_op *op = &builder->lines->program->ops[number];
    const struct ns_recorded *entry = &op->recorded;
    uint8_t view = 0;
    if ((entry->kind == NS_RECORDED_STORE || entry->kind == NS_RECORDED_DMA_WRITE ||
         entry->kind == NS_RECORDED_MAINTAIN) &&
        (entry->flags & NS_RECORDED_WHOLE) == 0 && is_elsewhere(builder->lines, unit, entry)) {
        add_op(builder, number, 0); /* it makes entries of this line leave their queue, or was meant for it */
        return;
    }
    switch ((enum ns_recorded_kind)entry->kind) {
    case NS_RECORDED_DMA_READ:
    case NS_RECORDED_DMA_WRITE:
    case NS_RECORDED_MAP:
        unit->interesting = true;
        break;
    case NS_RECORDED_LOAD:
    case NS_RECORDED_STORE: {
        const uint64_t page =
            (entry->view + (unit->address - entry->address)) / NS_PAGE_SIZE * NS_PAGE_SIZE; /* may wrap: both do */
        const unsigned found = view_of(unit, page, (uint8_t)(1u << entry->type));
        if (found == UNIT_VIEWS) {
            builder->failed = true;
            return;
        }
        view = (uint8_t)found;
        unit->interesting |= entry->type != NS_TYPE_CACHEABLE || is_seen_in_parts(builder->lines->program, entry);
        break;
    }
    case NS_RECORDED_MAINTAIN:
        unit->interesting |= entry->op == NS_CACHE_INVALIDATE;
        break;
    default:
        break;
    }
    unit->control |= op->poll != NO_INDEX;
    unit->interesting |= op->reg != NO_INDEX && builder->lines->program->observed[op->reg];
    add_op(builder, number, view);
}

/* The unit's own operations and the common ones, merged in written order. */
static void build_unit(struct builder *builder, const struct touch *touch, size_t count) {
    size_t common = 0;
    for (size_t i = 0; i < count && !builder->failed; i++) {
        for (; common < builder->common_count && builder->common[common] < touch[i].op; common++)
            add_common(builder, builder->common[common]);
        look_at(builder, touch[i].op);
    }
    for (; common < builder->common_count && !builder->failed; common++)
        add_common(builder, builder->common[common]);
}

/* ---- classes --------------------------------------------------------------------------------- */

static uint64_t history_hash(const struct lines *lines, const struct unit *unit) {
    uint64_t hash = hash_bytes(&lines->ops[unit->first], unit->count * sizeof(struct unit_op), unit->view_count);
    for (unsigned i = 0; i < unit->view_count; i++)
        hash = hash_mix(hash ^ unit->view[i].type);
    return hash;
}

/* Do the same parts of two units' lines leave full queues at the same operations? */
static bool leaves_alike(const struct lines *lines, const struct unit *a, const struct unit *b) {
    const struct program *program = lines->program;
    for (uint32_t i = 0; i < a->count && program->leave_count + program->come_count > 0; i++) {
        const struct unit_op *op = &lines->ops[a->first + i];
        for (uint32_t at = op->first; at < op->end; at++)
            if (!queues_fare_alike(program, op->op, a->address + at, b->address + at))
                return false;
    }
    return true;
}

/* Are the lines on the same side of every line that others poll, wherever an operation goes from line to line? Between
 * the two sides the others may come. */
static bool come_alike(const struct lines *lines, const struct unit *a, const struct unit *b) {
    const struct program *program = lines->program;
    const uint64_t first = a->address < b->address ? a->address : b->address;
    const uint64_t end = a->address < b->address ? b->address : a->address;
    for (uint32_t i = 0; i < a->count && program->poll_count > 0; i++) {
        const struct ns_recorded *entry = &program->ops[lines->ops[a->first + i].op].recorded;
        if (program_goes_by_lines(program, entry) && program_is_polled(program, first, end, entry->actor))
            return false;
    }
    return true;
}

static bool same_history(const struct lines *lines, const struct unit *a, const struct unit *b) {
    if (a->count != b->count || a->view_count != b->view_count || a->control || b->control)
        return false;
    for (unsigned i = 0; i < a->view_count; i++)
        if (a->view[i].type != b->view[i].type)
            return false;
    return memcmp(&lines->ops[a->first], &lines->ops[b->first], a->count * sizeof(struct unit_op)) == 0 &&
           leaves_alike(lines, a, b) && come_alike(lines, a, b);
}

static bool find_classes(struct lines *lines) {
    size_t buckets = 64;
    while (buckets < 2 * lines->unit_count)
        buckets *= 2;
    uint32_t *bucket = malloc(buckets * sizeof *bucket);
    if (bucket == NULL)
        return false;
    memset(bucket, 0xff, buckets * sizeof *bucket);
    for (uint32_t i = 0; i < lines->unit_count; i++) {
        struct unit *unit = &lines->units[i];
        unit->class_of = i;
        if (!unit->interesting && !unit->control)
            continue;
        lines->interesting++;
        lines->controls += unit->control;
        size_t at = history_hash(lines, unit) & (buckets - 1);
        while (bucket[at] != NO_INDEX && !same_history(lines, &lines->units[bucket[at]], unit))
            at = (at + 1) & (buckets - 1);
        if (bucket[at] == NO_INDEX) {
            bucket[at] = i;
            lines->classes++;
        }
        unit->class_of = bucket[at];
    }
    free(bucket);
    return true;
}

/* ---- the whole ------------------------------------------------------------------------------- */

static bool make_units(struct lines *lines, const struct collector *collector, struct builder *builder) {
    size_t units = 0;
    for (size_t i = 0; i < collector->count; i++)
        units += i == 0 || collector->touch[i].unit != collector->touch[i - 1].unit;
    lines->units = calloc(units + 1, sizeof *lines->units);
    if (lines->units == NULL)
        return false;
    for (size_t i = 0; i < collector->count && !builder->failed;) {
        size_t end = i;
        while (end < collector->count && collector->touch[end].unit == collector->touch[i].unit)
            end++;
        struct unit *unit = &lines->units[lines->unit_count++];
        unit->address = collector->touch[i].unit * lines->size;
        unit->first = (uint32_t)lines->op_count;
        builder->unit = unit;
        for (size_t c = 0; c < lines->program->condition_count; c++) {
            const struct ns_recorded *condition = &lines->program->conditions[c];
            unit->interesting |= condition->length > 0 && condition->address < unit->address + lines->size &&
                                 unit->address < condition->address + condition->length &&
                                 lines->program->scenario->judgements[condition->site].mode != NS_FINAL;
        }
        build_unit(builder, &collector->touch[i], end - i);
        if (unit->interesting || unit->control)
            lines_measure_cells(lines, unit);
        i = end;
    }
    return !builder->failed;
}

enum ns_status lines_create(struct lines *lines, const struct program *program) {
    const struct ns_cache_config *cache = &program->machine->cache;
    *lines = (struct lines){.program = program, .size = cache->level[cache->levels - 1].line};
    struct collector collector = {.lines = lines};
    uint32_t *common = malloc((program->op_count + 1) * sizeof *common);
    size_t common_count = 0;
    for (uint32_t i = 0; common != NULL && i < program->op_count; i++) {
        const struct ns_recorded *entry = &program->ops[i].recorded;
        if (for_all_units(entry) || entry->kind == NS_RECORDED_PTE || entry->kind == NS_RECORDED_SFENCE)
            common[common_count++] = i;
    }
    collect(&collector);
    collect_leaves(&collector);
    collect_aimed(&collector);
    enum ns_status status = NS_ERROR_MEMORY;
    if (common != NULL && !collector.failed) {
        if (collector.count > 0)
            qsort(collector.touch, collector.count, sizeof *collector.touch, by_unit_then_op);
        drop_repetitions(&collector);
        struct builder builder = {.lines = lines, .common = common, .common_count = common_count};
        const bool made = make_units(lines, &collector, &builder);
        status = made && find_classes(lines)            ? NS_OK
                 : builder.failed && !builder.no_memory ? NS_ERROR_LIMIT
                                                        : NS_ERROR_MEMORY;
    }
    free(common);
    free(collector.touch);
    if (status != NS_OK)
        lines_release(lines);
    return status;
}

void lines_release(struct lines *lines) {
    free(lines->units);
    free(lines->ops);
    *lines = (struct lines){0};
}

const struct unit *lines_find(const struct lines *lines, uint64_t address) {
    const uint64_t base = address / lines->size * lines->size;
    size_t low = 0, high = lines->unit_count;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (lines->units[middle].address < base)
            low = middle + 1;
        else
            high = middle;
    }
    return low < lines->unit_count && lines->units[low].address == base ? &lines->units[low] : NULL;
}
