/* SPDX-License-Identifier: Apache-2.0 */
#include "verify/observe.h"

#include "verify/search_internal.h"
#include "verify/sink.h"

#include <stdlib.h>
#include <string.h>

/* ---- what is observed ------------------------------------------------------------------------ */

static bool is_judged(const struct ns_judgement *judgement) {
    return judgement->mode != NS_FINAL;
}

bool sink_wants_register(const struct ns_scenario *scenario, uint32_t reg) {
    bool any = false;
    for (size_t i = 0; i < scenario->judgement_count; i++) {
        const struct ns_judgement *judgement = &scenario->judgements[i];
        any |= is_judged(judgement);
        if (is_judged(judgement) && judgement->condition.kind == NS_OPERAND_REGISTER && judgement->condition.reg == reg)
            return true;
    }
    return !any && !scenario->registers[reg].is_handle;
}

/* The last operation that writes a register; *unclear when several actors write it. */
static uint32_t last_writer(const struct program *program, uint32_t reg, bool *unclear) {
    uint32_t last = NO_INDEX;
    for (uint32_t i = 0; i < program->op_count; i++)
        if (program->ops[i].reg == reg) {
            *unclear |= last != NO_INDEX && program->ops[last].recorded.actor != program->ops[i].recorded.actor;
            last = i;
        }
    return last;
}

static bool add_part(struct sink_condition *condition, const struct sink_part *part, bool fills) {
    for (size_t i = 0; i < condition->part_count && fills; i++) {
        const struct sink_part *other = &condition->parts[i];
        if (other->class_unit == part->class_unit && other->first == part->first && other->end == part->end)
            return true; /* lines with the same history end alike */
    }
    struct sink_part *grown = realloc(condition->parts, (condition->part_count + 1) * sizeof *grown);
    if (grown == NULL)
        return false;
    condition->parts = grown;
    condition->parts[condition->part_count++] = *part;
    return true;
}

/* Bytes [first, first + length) as parts of units. */
static bool add_range(struct observation_sink *sink, struct sink_condition *condition, uint64_t first, uint64_t length,
                      bool fills) {
    const uint32_t size = sink->lines->size;
    for (uint64_t at = first; at < first + length;) {
        const uint64_t base = at / size * size;
        const uint64_t end = base + size < first + length ? base + size : first + length;
        const struct unit *unit = lines_find(sink->lines, at);
        if (unit == NULL || (!unit->interesting && !unit->control)) {
            condition->unclear = true;
            return true;
        }
        const struct sink_part part = {.class_unit = unit->class_of,
                                       .first = (uint16_t)(at - base),
                                       .end = (uint16_t)(end - base),
                                       .value_first = (uint32_t)(at - first)};
        if (!add_part(condition, &part, fills))
            return false;
        at = end;
    }
    return true;
}

static bool equals_handle(const struct ns_condition *condition, const uint8_t *bytes) {
    bool equal = true;
    for (unsigned i = 0; i < 8; i++) {
        const uint64_t wanted =
            condition->value.kind == NS_VALUE_FILL ? condition->value.number : condition->value.number >> (8 * i);
        equal &= bytes[i] == (uint8_t)wanted;
    }
    return equal != condition->not_equal;
}

static bool make_condition(struct observation_sink *sink, struct sink_condition *made,
                           const struct ns_judgement *judgement, const struct ns_recorded *recorded) {
    const struct program *program = sink->program;
    const struct ns_condition *condition = judgement == NULL ? NULL : &judgement->condition;
    const bool fills = condition == NULL || condition->absent || condition->value.kind == NS_VALUE_FILL;
    if (condition != NULL && condition->kind != NS_OPERAND_REGISTER) {
        made->reg = NO_INDEX;
        return add_range(sink, made, recorded->address, recorded->length, fills);
    }
    if (condition != NULL) {
        made->reg = condition->reg;
        if (program->scenario->registers[condition->reg].is_handle) {
            made->constant = recorded->data != 0;
            made->unclear = !made->constant;
            if (made->constant)
                made->holds = equals_handle(condition, program->data + recorded->data - 1);
            return true;
        }
    }
    made->op = last_writer(program, made->reg, &made->unclear);
    if (made->op == NO_INDEX) {
        made->unclear = true;
        return true;
    }
    const struct ns_recorded *load = &program->ops[made->op].recorded;
    return add_range(sink, made, load->address, load->length, fills);
}

enum ns_status sink_create(struct observation_sink *sink, const struct program *program, const struct lines *lines) {
    const struct ns_scenario *scenario = program->scenario;
    *sink = (struct observation_sink){.program = program, .lines = lines};
    sink->conditions = calloc(scenario->judgement_count + scenario->register_count + 1, sizeof *sink->conditions);
    bool good = sink->conditions != NULL, any = false;
    for (size_t i = 0; i < program->condition_count && good; i++) {
        const struct ns_judgement *judgement = &scenario->judgements[program->conditions[i].site];
        if (!is_judged(judgement))
            continue;
        any = true;
        struct sink_condition *made = &sink->conditions[sink->condition_count++];
        *made = (struct sink_condition){.judgement = judgement, .op = NO_INDEX};
        good = make_condition(sink, made, judgement, &program->conditions[i]);
    }
    for (uint32_t reg = 0; reg < scenario->register_count && good && !any; reg++) {
        if (scenario->registers[reg].is_handle)
            continue;
        struct sink_condition *made = &sink->conditions[sink->condition_count++];
        *made = (struct sink_condition){.reg = reg, .op = NO_INDEX};
        good = make_condition(sink, made, NULL, NULL);
    }
    if (!good)
        sink_release(sink);
    return good ? NS_OK : NS_ERROR_MEMORY;
}

bool sink_range(const struct observation_sink *sink, const struct unit *unit, uint16_t *first, uint16_t *end) {
    *first = UINT16_MAX;
    *end = 0;
    for (size_t i = 0; sink != NULL && i < sink->condition_count; i++)
        for (size_t p = 0; p < sink->conditions[i].part_count; p++) {
            const struct sink_part *part = &sink->conditions[i].parts[p];
            if (sink->lines->units[part->class_unit].address != unit->address)
                continue;
            *first = part->first < *first ? part->first : *first;
            *end = part->end > *end ? part->end : *end;
        }
    return *end > 0;
}

void sink_release(struct observation_sink *sink) {
    for (size_t i = 0; i < sink->condition_count; i++) {
        for (size_t p = 0; p < sink->conditions[i].part_count; p++) {
            free(sink->conditions[i].parts[p].when_true.item);
            free(sink->conditions[i].parts[p].when_false.item);
        }
        free(sink->conditions[i].parts);
    }
    free(sink->conditions);
    *sink = (struct observation_sink){0};
}

/* ---- during a search ------------------------------------------------------------------------- */

/* Slots: one per condition about a register with a part on the first unit (the data line), in order. */
static const struct sink_part *part_here(const struct observation_sink *sink, const struct sink_condition *condition,
                                         const struct projection *projection, size_t *part) {
    if (projection->units == 0)
        return NULL;
    const struct unit *unit = world_unit(projection->world[0]);
    for (; *part < condition->part_count; (*part)++)
        if (sink->lines->units[condition->parts[*part].class_unit].address == unit->address)
            return &condition->parts[*part];
    return NULL;
}

size_t observe_begin(struct observation_sink *sink, const struct projection *projection) {
    size_t slots = 0;
    for (size_t i = 0; sink != NULL && i < sink->condition_count; i++) {
        size_t part = 0;
        slots += sink->conditions[i].reg != NO_INDEX && !sink->conditions[i].constant &&
                 part_here(sink, &sink->conditions[i], projection, &part) != NULL;
    }
    return slots;
}

static size_t slot_of(const struct observation_sink *sink, const struct projection *projection, size_t condition) {
    size_t slot = 0;
    for (size_t i = 0; i < condition; i++) {
        size_t part = 0;
        slot += sink->conditions[i].reg != NO_INDEX && !sink->conditions[i].constant &&
                part_here(sink, &sink->conditions[i], projection, &part) != NULL;
    }
    return slot;
}

void observe_keep(struct observation_sink *sink, const struct search_state *search, uint32_t *words, uint32_t unit,
                  uint32_t op, uint32_t content) {
    if (sink == NULL || unit != 0 || search->registers == 0)
        return;
    for (size_t i = 0; i < sink->condition_count; i++) {
        size_t part = 0;
        if (sink->conditions[i].op == op && part_here(sink, &sink->conditions[i], search->projection, &part) != NULL)
            state_registers(search, words)[slot_of(sink, search->projection, i)] = content;
    }
}

/* The byte of the condition's operand at an offset of the unit; false: not there. *unclear: it was copied. */
static bool operand_byte(const struct sink_condition *condition, struct world *world, uint32_t state, uint32_t content,
                         uint32_t offset, uint8_t *value, bool *unclear) {
    if (condition->reg != NO_INDEX) {
        const bool known = world_content_byte(world, content, 0, offset, value);
        *unclear |= !known && content != 0;
        return known;
    }
    const struct ns_condition *asked = &condition->judgement->condition;
    bool present = true;
    const bool known = asked->kind == NS_OPERAND_MEMORY
                           ? world_memory_byte(world, state, offset, value)
                           : world_cache_byte(world, state, asked->level, asked->hart, offset, value, &present);
    *unclear |= !known && present;
    return known;
}

/* Does the part hold in a state? Present and equal; for `absent`, present. */
static bool part_holds(struct sink_condition *condition, const struct sink_part *part, struct world *world,
                       uint32_t state, uint32_t content, bool *unclear) {
    const struct ns_condition *asked = &condition->judgement->condition;
    for (uint32_t offset = part->first; offset < part->end; offset++) {
        uint8_t value;
        if (!operand_byte(condition, world, state, content, offset, &value, unclear))
            return asked->absent && *unclear ? true : false;
        const uint32_t index = part->value_first + (offset - part->first);
        const uint64_t wanted = asked->value.kind == NS_VALUE_FILL ? asked->value.number
                                : index < 8                        ? asked->value.number >> (8 * index)
                                                                   : 0;
        if (!asked->absent && value != (uint8_t)wanted)
            return false;
    }
    return true;
}

static void take_value(struct sink_condition *condition, const struct sink_part *part, struct world *world,
                       uint32_t content) {
    if (content == 0)
        return; /* it was never loaded: the behaviour got stuck before */
    struct sink_value value = {.length = (uint32_t)(part->end - part->first)};
    bool uniform = true;
    for (uint32_t offset = part->first; offset < part->end; offset++) {
        uint8_t byte;
        if (!world_content_byte(world, content, 0, offset, &byte)) {
            condition->unclear = true;
            return;
        }
        const uint32_t index = offset - part->first;
        if (index < 8)
            value.byte[index] = byte;
        uniform &= byte == value.byte[0];
    }
    if (value.length > 8 || condition->part_count > 1) {
        if (!uniform) {
            condition->unclear = true;
            return;
        }
        memset(value.byte, value.byte[0], sizeof value.byte);
        value.length = 9;
    }
    for (size_t i = 0; i < condition->value_count; i++)
        if (memcmp(&condition->value[i], &value, sizeof value) == 0)
            return;
    if (condition->value_count == SINK_VALUES)
        condition->more_values = true;
    else
        condition->value[condition->value_count++] = value;
}

static void keep_schedule(struct observation_sink *sink, struct sink_schedule *schedule,
                          const struct search_state *search, uint32_t state, uint32_t node) {
    if (schedule->item == NULL &&
        !path_to(search, state, NULL, 0, node, PATH_COMPLETE, &schedule->item, &schedule->count))
        sink->failed = true;
}

void observe_end(struct observation_sink *sink, struct search_state *search, uint32_t state, uint32_t node) {
    struct projection *projection = search->projection;
    sink->ends++;
    if (projection->units == 0)
        return;
    struct world *world = projection->world[0];
    const struct closure *closure = world_closure(world, state_units(search, state_words(search, state))[0]);
    if (closure == NULL)
        search_give_up(search, world);
    for (size_t i = 0; i < sink->condition_count && closure != NULL; i++) {
        struct sink_condition *condition = &sink->conditions[i];
        size_t p = 0;
        for (; part_here(sink, condition, projection, &p) != NULL; p++) {
            struct sink_part *part = &condition->parts[p];
            const uint32_t content =
                condition->reg == NO_INDEX || condition->constant
                    ? 0
                    : state_registers(search, state_words(search, state))[slot_of(sink, projection, i)];
            if (condition->judgement == NULL) {
                take_value(condition, part, world, content);
                continue;
            }
            const size_t nodes = condition->reg != NO_INDEX ? 1 : closure->node_count;
            const size_t from = node == NO_INDEX || nodes == 1 ? 0 : node, to = node == NO_INDEX ? nodes : from + 1;
            for (size_t n = from; n < to && !(part->seen_true && part->seen_false); n++) {
                bool unclear = false;
                const bool holds = part_holds(condition, part, world, closure->nodes[n].state, content, &unclear);
                if (unclear) {
                    condition->unclear = true;
                    break;
                }
                *(holds ? &part->seen_true : &part->seen_false) = true;
                keep_schedule(sink, holds ? &part->when_true : &part->when_false, search, state, (uint32_t)n);
            }
        }
    }
}
