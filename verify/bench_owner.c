/* SPDX-License-Identifier: Apache-2.0 */
/* Whose the bytes of an operation are: the rules of model/rules.h on what the bench knows. */
#include "verify/bench_internal.h"

#include <stdlib.h>

/* ---- ownership ------------------------------------------------------------------------------- */

static uint32_t program_op_of(const struct world *world, uint16_t unit_op) {
    return world->ops[unit_op - 1].op;
}

static bool signals(const struct world *world, uint16_t unit_op) {
    const unsigned actor = unit_recorded(world, (uint32_t)unit_op - 1)->actor;
    return world->program->device[actor - world->program->harts].signals;
}

static void add_race(struct reaction *reaction, uint32_t ordered, const struct finding *finding) {
    for (size_t i = 0; i < reaction->race_count; i++)
        if (reaction->races[i].ordered == ordered)
            return;
    struct race *grown = realloc(reaction->races, (reaction->race_count + 1) * sizeof *grown);
    if (grown == NULL)
        return;
    reaction->races = grown;
    reaction->races[reaction->race_count++] = (struct race){ordered, *finding};
}

static void hart_owner(struct bench *bench, const struct unit_op *op, struct finding finding,
                       struct reaction *reaction) {
    const struct world *world = bench->world;
    const struct ns_recorded *entry = &world->program->ops[op->op].recorded;
    for (uint32_t cell = op->first; cell < op->end; cell++) {
        if (!world->follows[cell])
            continue;
        const unsigned mapping = bench->mapping[cell];
        struct ns_hart_access_facts facts = {
            .mapped = mapping != 0,
            .cpu_owns = (bench->flags[cell] & NS_BYTE_CPU_OWNS) != 0,
            .direction = mapping != 0 ? world->program->mappings[mapping - 1].direction : 0,
            .store = entry->kind == NS_RECORDED_STORE,
            .unmapped = (bench->flags[cell] & NS_BYTE_UNMAPPED) != 0,
            .device_wrote = bench->device_write[cell] != 0,
            .write_ordered = true,
            .write_signals = bench->device_write[cell] != 0 && signals(world, bench->device_write[cell]),
            .device_read = bench->device_read[cell] != 0,
            .read_ordered = true,
            .read_signals = bench->device_read[cell] != 0 && signals(world, bench->device_read[cell])};
        enum ns_owner_reason reason;
        enum ns_hazard_id id;
        finding.first = (uint16_t)cell;
        if ((reason = ns_rule_hart_access(&facts, &id)) != NS_OWNER_FINE) {
            finding.reason = (uint8_t)reason;
            reaction->has_owner = true;
            reaction->owner = finding;
            return;
        }
        facts.write_ordered = false;
        if ((reason = ns_rule_hart_access(&facts, &id)) != NS_OWNER_FINE) {
            finding.reason = (uint8_t)reason;
            add_race(reaction, program_op_of(world, bench->device_write[cell]), &finding);
        }
        facts.write_ordered = true;
        facts.read_ordered = false;
        if ((reason = ns_rule_hart_access(&facts, &id)) != NS_OWNER_FINE) {
            finding.reason = (uint8_t)reason;
            add_race(reaction, program_op_of(world, bench->device_read[cell]), &finding);
        }
    }
}

static void device_owner(struct bench *bench, const struct unit_op *op, struct finding finding,
                         struct reaction *reaction) {
    const struct world *world = bench->world;
    const struct ns_recorded *entry = &world->program->ops[op->op].recorded;
    bool before = false;
    for (uint32_t cell = op->first; cell < op->end; cell++) {
        if (!world->follows[cell])
            continue;
        const unsigned mapping = bench->mapping[cell];
        const bool own = mapping != 0 && world->program->mappings[mapping - 1].device == entry->actor;
        const ns_version newest = bench->flat[cell];
        const struct ns_recorded *writer = newest == 0 ? NULL : &world->program->ops[newest - 1].recorded;
        struct ns_device_access_facts facts = {
            .freed = (bench->flags[cell] & NS_BYTE_FREED) != 0 || (entry->flags & NS_RECORDED_USES_FREED) != 0,
            .mapped = mapping != 0,
            .mapped_for_this_device = own,
            .before_mapped_for_this_device = before,
            .unmapped = (bench->flags[cell] & NS_BYTE_UNMAPPED) != 0,
            .cpu_owns = (bench->flags[cell] & NS_BYTE_CPU_OWNS) != 0,
            .direction = own ? world->program->mappings[mapping - 1].direction : 0,
            .write = entry->kind == NS_RECORDED_DMA_WRITE,
            .newest_is_store = writer != NULL && writer->kind == NS_RECORDED_STORE,
            .store_happened_before = true,
            .rings_doorbell = world->program->device[entry->actor - world->program->harts].starts ||
                              world->program->device[entry->actor - world->program->harts].rung};
        enum ns_owner_reason reason;
        enum ns_hazard_id id;
        before = own;
        finding.first = (uint16_t)cell;
        if ((reason = ns_rule_device_access(&facts, &id)) != NS_OWNER_FINE) {
            finding.reason = (uint8_t)reason;
            reaction->has_owner = true;
            reaction->owner = finding;
            return;
        }
        facts.store_happened_before = false;
        if ((reason = ns_rule_device_access(&facts, &id)) != NS_OWNER_FINE) {
            finding.reason = (uint8_t)reason;
            add_race(reaction, newest - 1, &finding);
        }
    }
}

void bench_owner(struct bench *bench, uint32_t unit_op, struct reaction *reaction) {
    const struct unit_op *op = &bench->world->ops[unit_op];
    const struct ns_recorded *entry = unit_recorded(bench->world, unit_op);
    const struct finding finding = {.kind = FOUND_OWNER, .end = op->end, .unit_op = (uint16_t)(unit_op + 1)};
    if ((entry->flags & (NS_RECORDED_POLLING | NS_RECORDED_COPIES)) != 0)
        return;
    if (entry->kind == NS_RECORDED_LOAD || entry->kind == NS_RECORDED_STORE)
        hart_owner(bench, op, finding, reaction);
    else if (entry->kind == NS_RECORDED_DMA_READ || entry->kind == NS_RECORDED_DMA_WRITE)
        device_owner(bench, op, finding, reaction);
}
