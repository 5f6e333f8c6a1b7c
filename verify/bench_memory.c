/* SPDX-License-Identifier: Apache-2.0 */
/* What is below the caches of the bench: memory, what is on its way there, and where versions are. */
#include "verify/bench_internal.h"

#include "model/store_buffer.h"
#include "verify/hash.h"
#include "verify/queues.h"

#include <assert.h>
#include <string.h>

/* ---- findings -------------------------------------------------------------------------------- */

struct finding *bench_found(struct bench *bench, enum finding_kind kind, uint32_t first, uint32_t end) {
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
                                .stamp = bench->stamp[first],
                                .past = bench_past(bench)};
    return finding;
}

/* ---- where versions are ---------------------------------------------------------------------- */

static bool in_caches(const struct bench *bench, uint32_t cell, ns_version version, bool dirty_only) {
    const struct ns_cache_config *config = ns_cache_get_config(bench->cache);
    for (unsigned level = 0; level < config->levels; level++)
        for (unsigned hart = 0; hart < (level == 0 ? config->harts : 1); hart++) {
            struct ns_cache_copy copy;
            if (ns_cache_peek(bench->cache, level, hart, cell, &copy) &&
                copy.versions[cell - copy.line_address] == version && (!dirty_only || copy.state == NS_LINE_DIRTY))
                return true;
        }
    return false;
}

bool bench_is_cached(const struct bench *bench, uint32_t cell) {
    return in_caches(bench, cell, bench->flat[cell], false);
}

/* NS_NOWHERE, or where a version is on its way. */
static enum ns_whereabouts in_flight(const struct bench *bench, uint32_t cell, ns_version version) {
    for (unsigned i = bench->flight_count; i-- > 0;) {
        const struct flight *flight = &bench->flight[i];
        if (flight->op + 1 == version && cell >= flight->first && cell < flight->end)
            return flight->posted == FLIGHT_POSTED || flight->posted == FLIGHT_SNOOPING ? NS_IN_POSTED_WRITE
                                                                                        : NS_IN_STORE_BUFFER;
    }
    unsigned hart;
    uint8_t data;
    ns_version late;
    if (ns_cache_late_peek(bench->cache, cell, &hart, &data, &late) && late == version)
        return NS_IN_LATE_WRITE_BACK;
    return NS_NOWHERE;
}

enum ns_whereabouts bench_where_is(const struct bench *bench, uint32_t cell, ns_version version) {
    const enum ns_whereabouts flight = in_flight(bench, cell, version);
    return flight != NS_NOWHERE                     ? flight
           : in_caches(bench, cell, version, false) ? NS_IN_CACHE
           : bench->memory[cell] == version         ? NS_IN_MEMORY
                                                    : NS_NOWHERE;
}

/* ---- memory ---------------------------------------------------------------------------------- */

/* Which cells a write to memory changes, and to what: as one number. */
static uint16_t changed_cells(const struct bench *bench, uint32_t first, uint32_t length, const ns_version *versions) {
    ns_version changed[UNIT_MAX];
    for (uint32_t i = 0; i < length; i++)
        changed[i] = bench->memory[first + i] == versions[i] ? 0 : versions[i];
    return (uint16_t)hash_bytes(changed, length * sizeof *changed, 7);
}

void bench_write_memory(struct bench *bench, uint32_t first, uint32_t length, const ns_version *versions) {
    for (uint32_t i = 0; i < length;) {
        const uint32_t cell = first + i;
        const ns_version newest = bench->flat[cell];
        const bool replaces = bench->memory[cell] == newest && versions[i] != newest;
        if (!replaces || (bench->flags[cell] & NS_BYTE_LOST) != 0 ||
            !ns_is_overwritten(bench->memory[cell], versions[i], newest,
                               in_caches(bench, cell, newest, false) || in_flight(bench, cell, newest) != NS_NOWHERE)) {
            i++;
            continue;
        }
        uint32_t end = i + 1;
        while (end < length && bench->memory[first + end] == newest && versions[end] != newest &&
               bench->flat[first + end] == newest)
            end++;
        struct finding *finding = bench_found(bench, FOUND_LOST, cell, first + end);
        finding->got = versions[i];
        finding->dirty = changed_cells(bench, first, length, versions);
        for (uint32_t at = i; at < end; at++)
            bench->flags[first + at] |= NS_BYTE_LOST;
        i = end;
    }
    memcpy(&bench->memory[first], versions, length * sizeof *versions);
}

enum ns_status bench_backing_read(void *context, uint64_t address, uint32_t length, uint8_t *data,
                                  ns_version *versions) {
    const struct bench *bench = context;
    memset(data, 0, length);
    memcpy(versions, &bench->memory[address], length * sizeof *versions);
    return NS_OK;
}

enum ns_status bench_backing_write(void *context, uint64_t address, uint32_t length, const uint8_t *data,
                                   const ns_version *versions) {
    (void)data;
    bench_write_memory(context, (uint32_t)address, length, versions);
    return NS_OK;
}

/* Memory, a write under way, or a dirty copy holds the version. */
static bool is_kept(const struct bench *bench, uint32_t cell, ns_version version) {
    return bench->memory[cell] == version || in_caches(bench, cell, version, true) ||
           in_flight(bench, cell, version) != NS_NOWHERE;
}

/* A copy is gone without a write-back. */
void bench_on_drop(void *context, const struct ns_cache_line_event *line, bool dirty) {
    struct bench *bench = context;
    for (uint32_t i = 0; i < line->length;) {
        const uint32_t cell = (uint32_t)line->address + i;
        const ns_version newest = bench->flat[cell];
        const bool wanted =
            line->versions[i] == newest && (bench->flags[cell] & (NS_BYTE_LOST | NS_BYTE_DISCARDED)) == 0;
        const bool gone =
            wanted && ns_is_dropped(line->versions[i], newest, bench_where_is(bench, cell, newest) != NS_NOWHERE);
        const bool named = bench->maintaining && cell >= bench->named_first && cell < bench->named_end;
        if (!gone || named) {
            if (gone || (wanted && named && ns_is_given_up(newest, newest, dirty, is_kept(bench, cell, newest))))
                bench->flags[cell] = ns_byte_discarded(bench->flags[cell]);
            i++;
            continue;
        }
        uint32_t end = i + 1;
        while (end < line->length && line->versions[end] == newest && bench->flat[line->address + end] == newest &&
               (bench->flags[line->address + end] & NS_BYTE_DISCARDED) == 0 &&
               !(bench->maintaining && line->address + end >= bench->named_first &&
                 line->address + end < bench->named_end))
            end++;
        struct finding *finding = bench_found(bench, FOUND_LOST, cell, (uint32_t)line->address + end);
        finding->where = NS_NOWHERE;
        finding->got = bench->memory[cell]; /* who wrote that has destroyed them, if it was later */
        for (uint32_t at = i; at < end; at++)
            bench->flags[line->address + at] |= NS_BYTE_LOST;
        i = end;
    }
}

/* ---- on the way ------------------------------------------------------------------------------ */

bool bench_overlaps(const struct flight *flight, uint32_t first, uint32_t end) {
    return flight->first < end && first < flight->end;
}

static void arrive(struct bench *bench, unsigned index) {
    const struct flight flight = bench->flight[index];
    ns_version versions[UNIT_MAX];
    for (uint32_t i = 0; i < (uint32_t)(flight.end - flight.first); i++)
        versions[i] = flight.op + 1;
    const uint32_t length = (uint32_t)(flight.end - flight.first);
    const uint8_t data[UNIT_MAX] = {0};
    /* A store that leaves its buffer passes the caches as any non-cacheable access does. */
    if (flight.posted == FLIGHT_BUFFERED)
        (void)ns_cache_drain_line(bench->cache, flight.first, length, NULL);
    if (flight.posted == FLIGHT_SNOOPING)
        (void)ns_cache_snoop_write(bench->cache, flight.first, length, data, versions, NULL);
    else if (flight.posted != FLIGHT_BEGUN)
        bench_write_memory(bench, flight.first, length, versions);
    bench->flight_count--;
    memmove(&bench->flight[index], &bench->flight[index + 1], (bench->flight_count - index) * sizeof bench->flight[0]);
}

uint32_t bench_entry_size(const struct world *world, const struct flight *flight) {
    if (flight->posted == FLIGHT_BUFFERED || flight->posted == FLIGHT_BEGUN)
        return NS_STORE_ENTRY_BYTES;
    const uint32_t own = bench_device_of(world, flight->actor)->burst;
    return own != 0 ? own : world->machine->dma_burst;
}

/* Do two parts of one write leave together? A burst of a device does; of a hart's store, what lies in one entry. */
bool bench_leave_together(const struct world *world, const struct flight *a, const struct flight *b) {
    if (a->op != b->op || a->actor != b->actor)
        return false;
    const uint32_t size = bench_entry_size(world, a);
    return (world->unit.address + world->cut[a->first]) / size == (world->unit.address + world->cut[b->first]) / size;
}

/* What is older of the same actor under bytes of the entry, all of its parts; -1: nothing. */
static int older_than(const struct bench *bench, unsigned index) {
    for (unsigned part = 0; part < bench->flight_count; part++) {
        if (part != index && !bench_leave_together(bench->world, &bench->flight[part], &bench->flight[index]))
            continue;
        for (unsigned i = 0; i < part; i++)
            if (bench->flight[i].op != bench->flight[index].op && bench->flight[i].actor == bench->flight[part].actor &&
                bench->flight[i].posted == bench->flight[part].posted &&
                bench_overlaps(&bench->flight[i], bench->flight[part].first, bench->flight[part].end))
                return (int)i;
    }
    return -1;
}

/* The entry arrives, after what is older of the same actor under the same bytes, and with what leaves together with it.
 */
void bench_arrive_in_order(struct bench *bench, unsigned index) {
    const struct flight flight = bench->flight[index];
    const int older = older_than(bench, index);
    if (older >= 0) {
        bench_arrive_in_order(bench, (unsigned)older);
        for (unsigned i = 0; i < bench->flight_count; i++) /* unless it has gone with the other one */
            if (bench->flight[i].op == flight.op && bench->flight[i].first == flight.first) {
                bench_arrive_in_order(bench, i);
                break;
            }
        return;
    }
    arrive(bench, index);
    for (unsigned i = 0; i < bench->flight_count;)
        if (bench_leave_together(bench->world, &bench->flight[i], &flight))
            arrive(bench, i);
        else
            i++;
}

int bench_oldest_of(const struct bench *bench, unsigned actor, uint32_t first, uint32_t end) {
    for (unsigned i = 0; i < bench->flight_count; i++)
        if (bench->flight[i].actor == actor && bench->flight[i].coming == 0 &&
            bench_overlaps(&bench->flight[i], first, end))
            return (int)i;
    return -1;
}

static const struct program_leave *leave_of(const struct bench *bench, const struct flight *flight) {
    const struct world *world = bench->world;
    return world->program->leave_count == 0
               ? NULL
               : queues_leave(world->program, flight->op, world->unit.address + world->cut[flight->first]);
}

bool bench_is_under_way(const struct flight *flight) {
    return flight->posted == FLIGHT_BEGUN || flight->coming > 0;
}

void bench_drain_touching(struct bench *bench, unsigned actor, uint32_t first, uint32_t end) {
    for (unsigned i = 0; i < bench->flight_count;) {
        const struct flight *flight = &bench->flight[i];
        if (flight->actor == actor && bench_overlaps(flight, first, end) && !bench_is_under_way(flight)) {
            bench_arrive_in_order(bench, i);
            i = 0;
        } else {
            i++;
        }
    }
}

void bench_end_begun(struct bench *bench, uint32_t op) {
    for (unsigned i = 0; i < bench->flight_count;)
        if (bench->flight[i].op == op && bench->flight[i].posted == FLIGHT_BEGUN)
            arrive(bench, i);
        else
            i++;
}

void bench_make_room(struct bench *bench, uint32_t op, unsigned phase) {
    const struct program *program = bench->world->program;
    for (unsigned i = 0; i < bench->flight_count && program->leave_count > 0;) {
        const struct flight *flight = &bench->flight[i];
        const struct program_leave *leave = leave_of(bench, flight);
        if (leave != NULL && flight->coming == 0 && flight->actor == program->ops[op].recorded.actor &&
            leave->at == op && leave->phase == phase) {
            bench_arrive_in_order(bench, i);
            i = 0;
        } else {
            i++;
        }
    }
}

void bench_let_come(struct bench *bench, uint32_t op, unsigned phase) {
    for (unsigned i = 0; i < bench->flight_count; i++)
        if (bench->flight[i].op == op && bench->flight[i].coming == phase)
            bench->flight[i].coming = 0;
}

static void push(struct bench *bench, uint32_t op, unsigned actor, enum flight_kind kind, uint32_t first,
                 uint32_t end) {
    if (bench->flight_count == FLIGHT_LIMIT) {
        bench->trouble = "more writes of one line are on their way than are kept apart";
        return;
    }
    bench->flight[bench->flight_count++] = (struct flight){
        .op = op, .first = (uint16_t)first, .end = (uint16_t)end, .actor = (uint8_t)actor, .posted = (uint8_t)kind};
}

/* A write, cell by cell: where the search keeps bytes apart, they may arrive apart. */
void bench_push_cells(struct bench *bench, const struct unit_op *op, unsigned actor, enum flight_kind kind) {
    const struct world *world = bench->world;
    for (uint32_t first = op->first; first < op->end;) {
        uint32_t end = first + 1;
        while (end < op->end && world->cut[end] == world->cut[first])
            end++; /* cells that only fill the line up */
        if (world->follows[first]) {
            push(bench, op->op, actor, kind, first, end);
            struct flight *flight = bench->flight_count == 0 ? NULL : &bench->flight[bench->flight_count - 1];
            if (flight != NULL && kind != FLIGHT_BEGUN && world->program->come_count > 0)
                flight->coming =
                    (uint8_t)queues_comes_in(world->program, op->op, world->unit.address + world->cut[first]);
            const struct program_leave *leave = flight == NULL ? NULL : leave_of(bench, flight);
            if (leave != NULL && leave->at == op->op && leave->phase == 0)
                bench_arrive_in_order(bench, bench->flight_count - 1);
        }
        first = end;
    }
}

const struct ns_device *bench_device_of(const struct world *world, unsigned actor) {
    return &world->program->scenario->devices[actor - world->program->harts];
}

uint32_t bench_posted_entries(const struct world *world, unsigned actor) {
    const struct ns_device *device = bench_device_of(world, actor);
    const enum ns_drain drain = world->machine->posted_drain;
    const uint32_t entries = device->has_posted ? device->posted : world->machine->posted_entries;
    return device->snoops || drain == NS_DRAIN_EAGER ? 0 : entries;
}

uint32_t bench_buffer_entries(const struct world *world) {
    return world->machine->store_buffer_drain == NS_DRAIN_EAGER ? 0 : world->machine->store_buffer_entries;
}
