/* SPDX-License-Identifier: Apache-2.0 */
/* The bench: a small machine around the hierarchy of cache/, for one unit and without time. */
#include "verify/world_internal.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* ---- findings -------------------------------------------------------------------------------- */

static struct finding *found(struct bench *bench, enum finding_kind kind, uint32_t first, uint32_t end) {
    static struct finding nowhere;
    if (bench->finding_count == FINDING_LIMIT) {
        bench->trouble = "one operation shows more hazards than are kept apart";
        nowhere = (struct finding){0};
        return &nowhere;
    }
    struct finding *finding = &bench->finding[bench->finding_count++];
    *finding = (struct finding){.kind = (uint8_t)kind,
                                .first = (uint16_t)first,
                                .end = (uint16_t)end,
                                .unit_op = bench->unit_op,
                                .newest = bench->flat[first],
                                .stamp = bench->stamp[first]};
    return finding;
}

/* ---- where versions are ---------------------------------------------------------------------- */

static bool in_caches(const struct bench *bench, uint32_t cell, ns_version version) {
    const struct ns_cache_config *config = ns_cache_get_config(bench->cache);
    for (unsigned level = 0; level < config->levels; level++)
        for (unsigned hart = 0; hart < (level == 0 ? config->harts : 1); hart++) {
            struct ns_cache_copy copy;
            if (ns_cache_peek(bench->cache, level, hart, cell, &copy) &&
                copy.versions[cell - copy.line_address] == version)
                return true;
        }
    return false;
}

/* NS_NOWHERE, or where a version is on its way. */
static enum ns_whereabouts in_flight(const struct bench *bench, uint32_t cell, ns_version version) {
    for (unsigned i = bench->flight_count; i-- > 0;) {
        const struct flight *flight = &bench->flight[i];
        if (flight->op + 1 == version && cell >= flight->first && cell < flight->end)
            return flight->posted ? NS_IN_POSTED_WRITE : NS_IN_STORE_BUFFER;
    }
    unsigned hart;
    uint8_t data;
    ns_version late;
    if (ns_cache_late_peek(bench->cache, cell, &hart, &data, &late) && late == version)
        return NS_IN_LATE_WRITE_BACK;
    return NS_NOWHERE;
}

static enum ns_whereabouts where_is(const struct bench *bench, uint32_t cell, ns_version version) {
    const enum ns_whereabouts flight = in_flight(bench, cell, version);
    return flight != NS_NOWHERE              ? flight
           : in_caches(bench, cell, version) ? NS_IN_CACHE
           : bench->memory[cell] == version  ? NS_IN_MEMORY
                                             : NS_NOWHERE;
}

/* ---- memory ---------------------------------------------------------------------------------- */

static void write_memory(struct bench *bench, uint32_t first, uint32_t length, const ns_version *versions) {
    for (uint32_t i = 0; i < length;) {
        const uint32_t cell = first + i;
        const ns_version newest = bench->flat[cell];
        const bool replaces = bench->memory[cell] == newest && versions[i] != newest;
        if (!replaces || (bench->flags[cell] & NS_BYTE_LOST) != 0 ||
            !ns_is_overwritten(bench->memory[cell], versions[i], newest,
                               in_caches(bench, cell, newest) || in_flight(bench, cell, newest) != NS_NOWHERE)) {
            i++;
            continue;
        }
        uint32_t end = i + 1;
        while (end < length && bench->memory[first + end] == newest && versions[end] != newest &&
               bench->flat[first + end] == newest)
            end++;
        found(bench, FOUND_LOST, cell, first + end)->got = versions[i];
        for (uint32_t at = i; at < end; at++)
            bench->flags[first + at] |= NS_BYTE_LOST;
        i = end;
    }
    memcpy(&bench->memory[first], versions, length * sizeof *versions);
}

static enum ns_status backing_read(void *context, uint64_t address, uint32_t length, uint8_t *data,
                                   ns_version *versions) {
    const struct bench *bench = context;
    memset(data, 0, length);
    memcpy(versions, &bench->memory[address], length * sizeof *versions);
    return NS_OK;
}

static enum ns_status backing_write(void *context, uint64_t address, uint32_t length, const uint8_t *data,
                                    const ns_version *versions) {
    (void)data;
    write_memory(context, (uint32_t)address, length, versions);
    return NS_OK;
}

/* A copy is gone without a write-back. */
static void on_drop(void *context, const struct ns_cache_line_event *line, bool dirty) {
    (void)dirty;
    struct bench *bench = context;
    for (uint32_t i = 0; i < line->length;) {
        const uint32_t cell = (uint32_t)line->address + i;
        const ns_version newest = bench->flat[cell];
        const bool gone = line->versions[i] == newest && (bench->flags[cell] & NS_BYTE_LOST) == 0 &&
                          ns_is_dropped(line->versions[i], newest, where_is(bench, cell, newest) != NS_NOWHERE);
        const bool named = bench->maintaining && cell >= bench->named_first && cell < bench->named_end;
        if (!gone || named) {
            if (gone)
                bench->flags[cell] = ns_byte_discarded(bench->flags[cell]);
            i++;
            continue;
        }
        uint32_t end = i + 1;
        while (end < line->length && line->versions[end] == newest && bench->flat[line->address + end] == newest &&
               !(bench->maintaining && line->address + end >= bench->named_first &&
                 line->address + end < bench->named_end))
            end++;
        found(bench, FOUND_LOST, cell, (uint32_t)line->address + end)->where = NS_NOWHERE;
        for (uint32_t at = i; at < end; at++)
            bench->flags[line->address + at] |= NS_BYTE_LOST;
        i = end;
    }
}

/* ---- on the way ------------------------------------------------------------------------------ */

static bool overlaps(const struct flight *flight, uint32_t first, uint32_t end) {
    return flight->first < end && first < flight->end;
}

static void arrive(struct bench *bench, unsigned index) {
    const struct flight flight = bench->flight[index];
    ns_version versions[UNIT_MAX];
    for (uint32_t i = 0; i < (uint32_t)(flight.end - flight.first); i++)
        versions[i] = flight.op + 1;
    /* A store that leaves its buffer passes the caches as any non-cacheable access does. */
    if (!flight.posted)
        (void)ns_cache_drain_line(bench->cache, flight.first, (uint64_t)(flight.end - flight.first), NULL);
    write_memory(bench, flight.first, (uint32_t)(flight.end - flight.first), versions);
    bench->flight_count--;
    memmove(&bench->flight[index], &bench->flight[index + 1], (bench->flight_count - index) * sizeof bench->flight[0]);
}

/* Do two parts of one write leave together? A burst of a device does; of a hart's store, what lies in one entry. */
static bool leave_together(const struct world *world, const struct flight *a, const struct flight *b) {
    if (a->op != b->op || a->actor != b->actor)
        return false;
    uint32_t size = 8;
    if (a->posted) {
        const uint32_t own = world->program->scenario->devices[a->actor - world->program->harts].burst;
        size = own != 0 ? own : world->machine->dma_burst;
    }
    return (world->unit.address + world->cut[a->first]) / size == (world->unit.address + world->cut[b->first]) / size;
}

/* The entry arrives, after what is older of the same actor under the same bytes, and with what leaves together with it.
 */
static void arrive_in_order(struct bench *bench, unsigned index) {
    const struct flight flight = bench->flight[index];
    for (unsigned i = 0; i < index; i++)
        if (bench->flight[i].actor == flight.actor && bench->flight[i].posted == flight.posted &&
            overlaps(&bench->flight[i], flight.first, flight.end)) {
            arrive_in_order(bench, i);
            for (unsigned j = 0; j < bench->flight_count; j++) /* unless it has gone with the other one */
                if (bench->flight[j].op == flight.op && bench->flight[j].first == flight.first) {
                    arrive_in_order(bench, j);
                    break;
                }
            return;
        }
    arrive(bench, index);
    for (unsigned i = 0; i < bench->flight_count;)
        if (leave_together(bench->world, &bench->flight[i], &flight))
            arrive(bench, i);
        else
            i++;
}

static int oldest_of(const struct bench *bench, unsigned actor, uint32_t first, uint32_t end) {
    for (unsigned i = 0; i < bench->flight_count; i++)
        if (bench->flight[i].actor == actor && overlaps(&bench->flight[i], first, end))
            return (int)i;
    return -1;
}

static void drain_touching(struct bench *bench, unsigned actor, uint32_t first, uint32_t end) {
    for (int index; (index = oldest_of(bench, actor, first, end)) >= 0;)
        arrive_in_order(bench, (unsigned)index);
}

static void push(struct bench *bench, uint32_t op, unsigned actor, bool posted, uint32_t first, uint32_t end) {
    if (bench->flight_count == FLIGHT_LIMIT) {
        bench->trouble = "more writes of one line are on their way than are kept apart";
        return;
    }
    bench->flight[bench->flight_count++] = (struct flight){
        .op = op, .first = (uint16_t)first, .end = (uint16_t)end, .actor = (uint8_t)actor, .posted = posted};
}

/* A write, cell by cell: where the search keeps bytes apart, they may arrive apart. */
static void push_cells(struct bench *bench, const struct unit_op *op, unsigned actor, bool posted) {
    const struct world *world = bench->world;
    for (uint32_t first = op->first; first < op->end;) {
        uint32_t end = first + 1;
        while (end < op->end && world->cut[end] == world->cut[first])
            end++; /* cells that only fill the line up */
        if (world->follows[first])
            push(bench, op->op, actor, posted, first, end);
        first = end;
    }
}

static const struct ns_device *device_of(const struct world *world, unsigned actor) {
    return &world->program->scenario->devices[actor - world->program->harts];
}

static uint32_t posted_entries(const struct world *world, unsigned actor) {
    const struct ns_device *device = device_of(world, actor);
    const enum ns_drain drain = world->machine->posted_drain;
    const uint32_t entries = device->has_posted ? device->posted : world->machine->posted_entries;
    return device->snoops || drain == NS_DRAIN_EAGER ? 0 : entries;
}

static uint32_t buffer_entries(const struct world *world) {
    return world->machine->store_buffer_drain == NS_DRAIN_EAGER ? 0 : world->machine->store_buffer_entries;
}

/* ---- accesses -------------------------------------------------------------------------------- */

/* The versions that an operation writes; bytes that are not followed have none. */
static void versions_of(const struct bench *bench, const struct unit_op *op, ns_version *versions) {
    for (uint32_t cell = op->first; cell < op->end; cell++)
        versions[cell - op->first] = bench->world->follows[cell] ? op->op + 1 : NS_VERSION_POWER_ON;
}

/* The flat memory takes the bytes at once. */
static void write_flat(struct bench *bench, const struct unit_op *op) {
    for (uint32_t cell = op->first; cell < op->end; cell++) {
        if (!bench->world->follows[cell])
            continue;
        bench->flat[cell] = op->op + 1;
        bench->flags[cell] = ns_byte_written(bench->flags[cell]);
        bench->stamp[cell] = bench->touched;
    }
}

static void compare(struct bench *bench, const struct unit_op *op, const ns_version *versions) {
    for (uint32_t i = op->first; i < op->end;) {
        const ns_version newest = bench->flat[i], got = versions[i - op->first];
        if (!ns_is_stale(got, newest)) {
            i++;
            continue;
        }
        bench->stale = true;
        const uint8_t flags = bench->flags[i];
        uint32_t end = i + 1;
        while (end < op->end && versions[end - op->first] == got && bench->flat[end] == newest &&
               bench->flags[end] == flags)
            end++;
        if ((flags & NS_BYTE_LOST) == 0) {
            struct finding *finding = found(bench, FOUND_STALE, i, end);
            finding->got = got;
            finding->where = (uint8_t)((flags & NS_BYTE_DISCARDED) != 0 ? NS_NOWHERE : where_is(bench, i, newest));
            for (uint32_t j = op->first; j < op->end; j++)
                finding->torn |= versions[j - op->first] == newest;
        }
        i = end;
    }
}

static void check_undefined(struct bench *bench, const struct unit_op *op) {
    for (uint32_t i = op->first; i < op->end; i++) {
        if ((bench->flags[i] & NS_BYTE_LOST) != 0 || (bench->flags[i] & NS_BYTE_UNDEFINED) == 0)
            continue;
        uint32_t end = i + 1;
        while (end < op->end && (bench->flags[end] & NS_BYTE_UNDEFINED) != 0)
            end++;
        found(bench, FOUND_LEAK, i, end);
        return;
    }
}

/* Is what a poll waits for there? */
static bool poll_sees(struct bench *bench, const struct unit_op *op, const ns_version *versions) {
    struct world *world = bench->world;
    const struct program_op *poll = &world->program->ops[op->op];
    for (uint32_t cell = op->first; cell < op->end; cell++)
        for (uint32_t offset = world->cut[cell]; offset < world->cut[cell + 1]; offset++) {
            const uint64_t at = world->unit.address + offset - poll->recorded.address;
            uint8_t value;
            if (at >= poll->poll_length)
                continue; /* cells of a line's end stand for more */
            if (!version_byte(world, versions[cell - op->first], offset, &value)) {
                bench->trouble = "a poll waits for bytes that were copied from elsewhere";
                return false;
            }
            if (value != world->program->data[poll->poll + at])
                return false;
        }
    return true;
}

static void keep_content(struct bench *bench, const struct unit_op *op, const ns_version *versions) {
    const struct program_op *what = &bench->world->program->ops[op->op];
    if (what->poll == NO_INDEX && (!bench->world->options.keep_contents || what->reg == NO_INDEX))
        return;
    bench->reads_content = true;
    bench->content_first = op->first;
    bench->content_end = op->end;
    memcpy(bench->content, versions, (size_t)(op->end - op->first) * sizeof *versions);
}

static void do_load(struct bench *bench, const struct unit_op *op, unsigned variant) {
    const struct program_op *what = &bench->world->program->ops[op->op];
    const struct ns_recorded *entry = &what->recorded;
    const unsigned hart = entry->actor;
    const uint32_t length = (uint32_t)(op->end - op->first);
    uint8_t data[UNIT_MAX];
    ns_version versions[UNIT_MAX];
    if ((variant & VARIANT_FAULTS) != 0) {
        found(bench, FOUND_FAULT, op->first, op->end);
        return;
    }
    const enum ns_memory_type type = (enum ns_memory_type)(variant & VARIANT_TYPE);
    drain_touching(bench, hart, op->first, op->end);
    if (type == NS_TYPE_CACHEABLE) {
        (void)ns_cache_load(bench->cache, hart, op->first, length, data, versions, NULL);
    } else {
        (void)ns_cache_drain_line(bench->cache, op->first, length, NULL);
        memcpy(versions, &bench->memory[op->first], length * sizeof *versions);
    }
    const bool wrong_type = entry->meant != NS_RECORDED_NO_TYPE && entry->meant != type;
    if (wrong_type)
        found(bench, FOUND_TYPE, op->first, op->end)->reason = (uint8_t)type;
    keep_content(bench, op, versions);
    if ((entry->flags & NS_RECORDED_POLLING) != 0) {
        bench->waits = !poll_sees(bench, op, versions);
        return;
    }
    if (wrong_type) {
        bench->stale = true; /* it was said what is wrong */
        return;
    }
    compare(bench, op, versions);
    if (!bench->stale && (entry->flags & NS_RECORDED_COPIES) == 0)
        check_undefined(bench, op);
}

static void do_store(struct bench *bench, const struct unit_op *op, unsigned variant) {
    const struct world *world = bench->world;
    const struct ns_recorded *entry = &world->program->ops[op->op].recorded;
    const unsigned hart = entry->actor;
    const uint32_t length = (uint32_t)(op->end - op->first);
    const uint8_t data[UNIT_MAX] = {0};
    ns_version versions[UNIT_MAX];
    if ((variant & VARIANT_FAULTS) != 0) {
        found(bench, FOUND_FAULT, op->first, op->end);
        return;
    }
    const enum ns_memory_type type = (enum ns_memory_type)(variant & VARIANT_TYPE);
    const bool buffered = type == NS_TYPE_NC && buffer_entries(world) > 0;
    if (!buffered)
        drain_touching(bench, hart, op->first, op->end);
    if (entry->meant != NS_RECORDED_NO_TYPE && entry->meant != type)
        found(bench, FOUND_TYPE, op->first, op->end)->reason = (uint8_t)type;
    write_flat(bench, op);
    versions_of(bench, op, versions);
    if (buffered) {
        push_cells(bench, op, hart, false);
    } else if (type == NS_TYPE_CACHEABLE) {
        (void)ns_cache_store(bench->cache, hart, op->first, length, data, versions, NULL);
    } else {
        (void)ns_cache_drain_line(bench->cache, op->first, length, NULL);
        write_memory(bench, op->first, length, versions);
    }
}

static void note_device(struct bench *bench, const struct unit_op *op, bool write) {
    for (uint32_t cell = op->first; cell < op->end; cell++)
        if (bench->world->follows[cell])
            *(write ? &bench->device_write[cell] : &bench->device_read[cell]) = bench->unit_op;
}

static void do_dma_read(struct bench *bench, const struct unit_op *op) {
    const struct world *world = bench->world;
    const struct ns_recorded *entry = &world->program->ops[op->op].recorded;
    const uint32_t length = (uint32_t)(op->end - op->first);
    uint8_t data[UNIT_MAX];
    ns_version versions[UNIT_MAX];
    if (device_of(world, entry->actor)->snoops)
        (void)ns_cache_snoop_read(bench->cache, op->first, length, data, versions, NULL);
    else
        memcpy(versions, &bench->memory[op->first], length * sizeof *versions);
    keep_content(bench, op, versions);
    if ((entry->flags & NS_RECORDED_POLLING) != 0) {
        bench->waits = !poll_sees(bench, op, versions);
        return;
    }
    note_device(bench, op, false);
    for (uint32_t cell = op->first; cell < op->end; cell++)
        if ((bench->flags[cell] & NS_BYTE_FREED) != 0 || (entry->flags & NS_RECORDED_USES_FREED) != 0)
            return; /* that is what is wrong, whatever it reads */
    compare(bench, op, versions);
}

static void do_dma_write(struct bench *bench, const struct unit_op *op) {
    const struct world *world = bench->world;
    const unsigned actor = world->program->ops[op->op].recorded.actor;
    const uint32_t length = (uint32_t)(op->end - op->first);
    const uint8_t data[UNIT_MAX] = {0};
    ns_version versions[UNIT_MAX];
    versions_of(bench, op, versions);
    write_flat(bench, op);
    note_device(bench, op, true);
    if (device_of(world, actor)->snoops)
        (void)ns_cache_snoop_write(bench->cache, op->first, length, data, versions, NULL);
    else if (posted_entries(world, actor) > 0)
        push_cells(bench, op, actor, true);
    else
        write_memory(bench, op->first, length, versions);
}

/* ---- maintenance, hand-over, pages ----------------------------------------------------------- */

static void do_maintain(struct bench *bench, const struct unit_op *op, unsigned variant) {
    const struct ns_recorded *entry = &bench->world->program->ops[op->op].recorded;
    const bool whole = (entry->flags & NS_RECORDED_WHOLE) != 0;
    const struct ns_maintenance what = {.op = (enum ns_cache_op)entry->op,
                                        .scope = (enum ns_cache_scope)entry->scope,
                                        .extent = whole                                     ? NS_WHOLE_CACHE
                                                  : (entry->flags & NS_RECORDED_EXACT) != 0 ? NS_EXACT_LINES
                                                                                            : NS_RANGE,
                                        .address = op->first,
                                        .length = (uint64_t)(op->end - op->first)};
    bench->maintaining = true;
    bench->named_first = op->named_first;
    bench->named_end = op->named_end;
    const bool as_flush = bench->world->machine->cache.invalidate_as_flush;
    ns_cache_set_invalidate_as_flush(bench->cache, as_flush || (variant & VARIANT_AS_FLUSH) != 0);
    if (whole || what.length > 0)
        (void)ns_cache_maintain(bench->cache, entry->actor, &what, NULL);
    ns_cache_set_invalidate_as_flush(bench->cache, as_flush);
    bench->maintaining = false;
}

static void do_map(struct bench *bench, const struct unit_op *op) {
    const struct program_op *what = &bench->world->program->ops[op->op];
    const struct program_mapping *mapping = &bench->world->program->mappings[what->mapping];
    for (uint32_t cell = op->first; cell < op->end; cell++) {
        if (!bench->world->follows[cell])
            continue;
        bench->mapping[cell] = (uint16_t)(what->mapping + 1);
        bench->flags[cell] = ns_byte_mapped(bench->flags[cell], mapping->direction, mapping->undefined);
    }
}

/* The mapping, or the other side of its bounce, whichever a cell has. */
static bool is_side_of(const struct world *world, unsigned cell_mapping, uint32_t mapping) {
    return cell_mapping == mapping + 1 || (world->program->mappings[mapping].pair != NO_INDEX &&
                                           cell_mapping == world->program->mappings[mapping].pair + 1);
}

static void do_unmap(struct bench *bench, const struct unit_op *op) {
    const uint32_t mapping = bench->world->program->ops[op->op].mapping;
    for (uint32_t cell = op->first; cell < op->end; cell++)
        if (is_side_of(bench->world, bench->mapping[cell], mapping)) {
            bench->mapping[cell] = 0;
            bench->flags[cell] = ns_byte_unmapped(bench->flags[cell], false);
        }
}

static void do_sync(struct bench *bench, const struct unit_op *op) {
    const struct program_op *what = &bench->world->program->ops[op->op];
    const bool for_cpu = (what->recorded.flags & NS_RECORDED_FOR_CPU) != 0;
    for (uint32_t cell = op->first; cell < op->end; cell++)
        if (is_side_of(bench->world, bench->mapping[cell], what->mapping))
            bench->flags[cell] = ns_byte_synced(bench->flags[cell], for_cpu);
}

static void do_lifetime(struct bench *bench, const struct unit_op *op, bool freed) {
    for (uint32_t cell = op->first; cell < op->end; cell++) {
        if (!bench->world->follows[cell])
            continue;
        bench->flags[cell] = freed ? ns_byte_freed(bench->flags[cell]) : ns_byte_allocated(bench->flags[cell]);
        if (!freed)
            bench->device_read[cell] = bench->device_write[cell] = 0;
    }
}

static void do_page(struct bench *bench, const struct unit_op *op) {
    const struct ns_recorded *entry = &bench->world->program->ops[op->op].recorded;
    const uint8_t bit = (uint8_t)((entry->flags & NS_RECORDED_FAULTS) != 0 ? VIEW_FAULTS : 1u << entry->type);
    bench->current[op->view] = bit;
    for (unsigned hart = 0; hart < bench->world->program->harts; hart++)
        bench->types[op->view][hart] |= bit;
}

static void do_sfence(struct bench *bench, const struct unit_op *op) {
    const unsigned hart = bench->world->program->ops[op->op].recorded.actor;
    for (unsigned view = 0; view < bench->world->unit.view_count; view++)
        if (op->view == UNIT_VIEWS || op->view == view)
            bench->types[view][hart] = bench->current[view];
}

static bool may_fill(const struct bench *bench, unsigned hart);

static void do_hardware_step(struct bench *bench, const struct unit_op *op) {
    const struct ns_recorded *entry = &bench->world->program->ops[op->op].recorded;
    const uint32_t line = bench->world->line_cells;
    const uint16_t unit_op = bench->unit_op;
    for (uint32_t at = op->first / line; at < (op->end + line - 1) / line; at++) {
        const struct world_move move = {.a = entry->peer, .index = (uint16_t)at};
        struct world_move one = move;
        if (entry->op != NS_VERB_DRAIN && entry->op != NS_VERB_EVICT && entry->op != NS_VERB_INSTALL &&
            !may_fill(bench, entry->peer))
            continue;
        switch ((enum ns_verb)entry->op) {
        case NS_VERB_PREFETCH:
            one.action = WORLD_FILL;
            break;
        case NS_VERB_EVICT:
            one.action = WORLD_EVICT;
            break;
        case NS_VERB_SAMPLE:
            one.action = WORLD_SAMPLE;
            break;
        case NS_VERB_INSTALL:
            one.action = WORLD_INSTALL;
            break;
        case NS_VERB_SPECULATIVE_STORE:
            one.action = WORLD_DIRTY;
            break;
        default: /* NS_VERB_DRAIN */
            drain_touching(bench, entry->peer, op->first, op->end);
            if (entry->peer < bench->world->program->harts)
                (void)ns_cache_drain_line(bench->cache, op->first, (uint64_t)(op->end - op->first), NULL);
            return;
        }
        bench_do(bench, one);
        bench->unit_op = unit_op;
    }
}

static void do_op(struct bench *bench, uint32_t index, unsigned variant) {
    const struct unit_op *op = &bench->world->ops[index];
    const enum ns_recorded_kind kind = (enum ns_recorded_kind)bench->world->program->ops[op->op].recorded.kind;
    bench->unit_op = (uint16_t)(index + 1);
    bool touches = true;
    switch (kind) {
    case NS_RECORDED_INITIAL:
        write_flat(bench, op);
        versions_of(bench, op, &bench->memory[op->first]);
        touches = false;
        break;
    case NS_RECORDED_LOAD:
        do_load(bench, op, variant);
        touches = false;
        break;
    case NS_RECORDED_STORE:
        do_store(bench, op, variant);
        touches = false;
        break;
    case NS_RECORDED_DMA_READ:
        do_dma_read(bench, op);
        touches = false;
        break;
    case NS_RECORDED_DMA_WRITE:
        do_dma_write(bench, op);
        touches = false;
        break;
    case NS_RECORDED_MAINTAIN:
        do_maintain(bench, op, variant);
        break;
    case NS_RECORDED_MAP:
        do_map(bench, op);
        break;
    case NS_RECORDED_UNMAP:
        do_unmap(bench, op);
        break;
    case NS_RECORDED_SYNC:
        do_sync(bench, op);
        break;
    case NS_RECORDED_FREE:
        do_lifetime(bench, op, true);
        break;
    case NS_RECORDED_ALLOC:
        do_lifetime(bench, op, false);
        break;
    case NS_RECORDED_MISDIRECTED:
        for (uint32_t cell = op->first; cell < op->end; cell++)
            bench->flags[cell] |= bench->world->follows[cell] ? NS_BYTE_LOST : 0;
        touches = false;
        break;
    case NS_RECORDED_PTE:
        do_page(bench, op);
        break;
    case NS_RECORDED_SFENCE:
        do_sfence(bench, op);
        touches = false;
        break;
    default: /* NS_RECORDED_HARDWARE */
        do_hardware_step(bench, op);
        touches = false;
    }
    bench->touched = (uint16_t)(bench->touched + touches);
}

/* ---- moves ----------------------------------------------------------------------------------- */

static void do_fence(struct bench *bench, unsigned hart, bool local) {
    drain_touching(bench, hart, 0, bench->world->cells);
    if (!local)
        (void)ns_cache_drain(bench->cache, hart, NULL);
}

void bench_do(struct bench *bench, struct world_move move) {
    const uint64_t address = (uint64_t)move.index * bench->world->line_cells;
    bool present;
    bench->unit_op = 0;
    switch ((enum world_action)move.action) {
    case WORLD_OP:
        do_op(bench, move.index, move.a);
        break;
    case WORLD_FENCE:
        do_fence(bench, move.a, move.index == 1);
        break;
    case WORLD_FLUSH:
        drain_touching(bench, move.a, 0, bench->world->cells);
        break;
    case WORLD_POSTED:
    case WORLD_FORCED: {
        const int oldest = oldest_of(bench, move.a, 0, bench->world->cells);
        if (oldest >= 0)
            arrive_in_order(bench, (unsigned)oldest);
        break;
    }
    case WORLD_FILL:
        (void)ns_cache_prefetch(bench->cache, move.a, address, NULL);
        break;
    case WORLD_SAMPLE:
        (void)ns_cache_fill_sample(bench->cache, move.a, address, NULL);
        break;
    case WORLD_INSTALL:
        (void)ns_cache_fill_install(bench->cache, move.a, address, NULL);
        break;
    case WORLD_EVICT:
        (void)ns_cache_evict(bench->cache, move.a, address, &present, NULL);
        break;
    case WORLD_EVICT_L1:
        (void)ns_cache_evict_l1(bench->cache, move.a, address, &present, NULL);
        break;
    case WORLD_DIRTY:
        (void)ns_cache_speculative_store(bench->cache, move.a, address, NULL);
        break;
    case WORLD_DRAIN:
        arrive_in_order(bench, move.index);
        break;
    case WORLD_DRAIN_LATE:
        (void)ns_cache_drain_line(bench->cache, address, bench->world->line_cells, NULL);
        break;
    }
}

static bool may_fill(const struct bench *bench, unsigned hart) {
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
    for (unsigned level = 1; level < world->machine->cache.levels && hart == 0; level++)
        below |= holds(bench, level, 0, line);
    if ((may & NS_MAY_SPECULATIVE_FILL) != 0 && may_fill(bench, hart)) {
        if (!in_l1)
            offer(list, two_steps ? WORLD_SAMPLE : WORLD_FILL, hart, line);
        if (two_steps)
            offer(list, WORLD_INSTALL, hart, line);
    }
    if ((may & NS_MAY_EVICT) != 0 && (in_l1 || below))
        offer(list, WORLD_EVICT, hart, line);
    if ((may & NS_MAY_EVICT) != 0 && in_l1 && world->program->scoped && world->machine->cache.levels > 1)
        offer(list, WORLD_EVICT_L1, hart, line);
    if ((may & NS_MAY_SPECULATIVE_STORE) != 0 && may_fill(bench, hart))
        offer(list, WORLD_DIRTY, hart, line);
}

size_t bench_moves(struct bench *bench, struct world_move *moves, size_t limit) {
    const struct world *world = bench->world;
    struct move_list list = {.move = moves, .limit = limit};
    for (unsigned hart = 0; hart < world->program->harts; hart++)
        for (uint32_t line = 0; line < world->line_count; line++)
            offer_copies(bench, &list, hart, line);
    const bool drains = (world->options.may & NS_MAY_DRAIN) != 0;
    if (drains || world->machine->store_buffer_drain == NS_DRAIN_AFTER)
        for (unsigned i = 0; i < bench->flight_count; i++) {
            bool older = false;
            for (unsigned j = 0; j < i; j++)
                older |= bench->flight[j].actor == bench->flight[i].actor &&
                         overlaps(&bench->flight[j], bench->flight[i].first, bench->flight[i].end);
            if (!bench->flight[i].posted && !older)
                offer(&list, WORLD_DRAIN, bench->flight[i].actor, i);
        }
    if (drains)
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

/* ---- states as bytes ------------------------------------------------------------------------- */

static uint8_t *put(uint8_t *to, const void *from, size_t size) {
    memcpy(to, from, size);
    return to + size;
}

static const uint8_t *get(void *to, const uint8_t *from, size_t size) {
    memcpy(to, from, size);
    return from + size;
}

size_t bench_save_size(const struct bench *bench) {
    return bench->world->cells * (2 * sizeof(ns_version) + 1 + 4 * sizeof(uint16_t)) + sizeof bench->types +
           sizeof bench->current + sizeof bench->flight + 16 + ns_cache_save_size(bench->cache);
}

size_t bench_save(const struct bench *bench, uint8_t *state) {
    const size_t cells = bench->world->cells, views = bench->world->unit.view_count;
    uint8_t *to = state;
    to = put(to, bench->memory, cells * sizeof *bench->memory);
    to = put(to, bench->flat, cells * sizeof *bench->flat);
    to = put(to, bench->flags, cells);
    to = put(to, bench->mapping, cells * sizeof *bench->mapping);
    to = put(to, bench->device_write, cells * sizeof *bench->device_write);
    to = put(to, bench->device_read, cells * sizeof *bench->device_read);
    to = put(to, bench->stamp, cells * sizeof *bench->stamp);
    to = put(to, &bench->touched, sizeof bench->touched);
    for (size_t view = 0; view < views; view++)
        to = put(to, bench->types[view], bench->world->program->harts);
    to = put(to, bench->current, views);
    *to++ = (uint8_t)bench->flight_count;
    for (unsigned i = 0; i < bench->flight_count; i++) {
        const struct flight *flight = &bench->flight[i];
        to = put(to, &flight->op, sizeof flight->op);
        to = put(to, &flight->first, sizeof flight->first);
        to = put(to, &flight->end, sizeof flight->end);
        *to++ = flight->actor;
        *to++ = flight->posted;
    }
    return (size_t)(to - state) + ns_cache_save(bench->cache, to);
}

void bench_restore(struct bench *bench, const uint8_t *state) {
    const size_t cells = bench->world->cells, views = bench->world->unit.view_count;
    const uint8_t *from = state;
    from = get(bench->memory, from, cells * sizeof *bench->memory);
    from = get(bench->flat, from, cells * sizeof *bench->flat);
    from = get(bench->flags, from, cells);
    from = get(bench->mapping, from, cells * sizeof *bench->mapping);
    from = get(bench->device_write, from, cells * sizeof *bench->device_write);
    from = get(bench->device_read, from, cells * sizeof *bench->device_read);
    from = get(bench->stamp, from, cells * sizeof *bench->stamp);
    from = get(&bench->touched, from, sizeof bench->touched);
    for (size_t view = 0; view < views; view++)
        from = get(bench->types[view], from, bench->world->program->harts);
    from = get(bench->current, from, views);
    bench->flight_count = *from++;
    for (unsigned i = 0; i < bench->flight_count; i++) {
        struct flight *flight = &bench->flight[i];
        from = get(&flight->op, from, sizeof flight->op);
        from = get(&flight->first, from, sizeof flight->first);
        from = get(&flight->end, from, sizeof flight->end);
        flight->actor = *from++;
        flight->posted = *from++;
    }
    (void)ns_cache_restore(bench->cache, from);
    bench->finding_count = 0;
    bench->stale = bench->waits = bench->reads_content = false;
}

/* ---- making it ------------------------------------------------------------------------------- */

/* The machine's hierarchy, with one place for each line of the unit. */
static struct ns_cache_config small_hierarchy(const struct world *world) {
    const struct ns_cache_config *real = &world->machine->cache;
    struct ns_cache_config config = *real;
    config.provenance = true;
    config.late_write_backs = real->late_write_backs > 0                            ? real->late_write_backs
                              : (world->options.may & NS_MAY_LATE_MAINTENANCE) != 0 ? LATE_LINES
                                                                                    : 0;
    if (config.late_write_backs > 255)
        config.late_write_backs = 255;
    for (unsigned level = 0; level < real->levels; level++) {
        struct ns_cache_level_config *one = &config.level[level];
        one->line = world->line_cells * (real->level[level].line / real->level[0].line);
        one->ways = 1;
        one->size = world->cells;
        one->replacement = NS_REPLACE_LRU;
    }
    return config;
}

bool bench_create(struct world *world) {
    const struct ns_cache_config config = small_hierarchy(world);
    const struct ns_cache_backing backing = {&world->bench, backing_read, backing_write};
    const struct ns_cache_observer observer = {.context = &world->bench, .drop = on_drop};
    world->bench.world = world;
    world->bench.cache = ns_cache_create(&config, &backing, &observer);
    return world->bench.cache != NULL && ns_cache_can_save(world->bench.cache);
}

void bench_destroy(struct world *world) {
    ns_cache_destroy(world->bench.cache);
}

void bench_initial(struct bench *bench) {
    const struct world *world = bench->world;
    for (unsigned view = 0; view < world->unit.view_count; view++) {
        bench->current[view] = world->unit.view[view].type;
        memset(bench->types[view], world->unit.view[view].type, sizeof bench->types[view]);
    }
    /* What came before the first step: contents, and what the kernel did while it booted. */
    uint32_t next = 0;
    for (uint32_t op = 0; op < world->program->setup_count; op++) {
        const struct ns_recorded *entry = &world->program->ops[op].recorded;
        if (entry->kind == NS_RECORDED_FENCE)
            do_fence(bench, entry->actor, (entry->flags & NS_RECORDED_LOCAL) != 0);
        if (next < world->unit.count && world->ops[next].op == op)
            do_op(bench, next++, entry->type);
    }
    bench->finding_count = 0;
    bench->touched = 0;
}
