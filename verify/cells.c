/* SPDX-License-Identifier: Apache-2.0 */
/* Which bytes of a line are alike in all that happens to them: its cells. */
#include "verify/lines.h"

#include "model/store_buffer.h"
#include "verify/queues.h"

#include <string.h>

/* Bytes of one entry of the queue in which a write waits; 0: in none, or it is played through (verify/queues.h). */
static uint32_t entry_size(const struct program *program, const struct ns_recorded *write) {
    const struct ns_machine_config *machine = program->machine;
    if (write->kind == NS_RECORDED_STORE && write->type == NS_TYPE_NC) {
        const bool waits = machine->store_buffer_entries > 0 && machine->store_buffer_drain != NS_DRAIN_EAGER;
        return waits && (program_stores_leave(program) || program->poll_count > 0) ? NS_STORE_ENTRY_BYTES : 0;
    }
    if (write->kind != NS_RECORDED_DMA_WRITE)
        return 0;
    const struct ns_device *device = &program->scenario->devices[write->actor - program->harts];
    const uint32_t capacity = device->has_posted ? device->posted : machine->posted_entries;
    const uint32_t burst = device->burst != 0 ? device->burst : machine->dma_burst;
    return capacity > 0 && machine->posted_drain != NS_DRAIN_EAGER && !device->snoops ? burst : 0;
}

/* The bytes of an entry with a cut in it fare alike, and not as those of the entries beside it. */
static void cut_around_entries(const struct lines *lines, const struct unit *unit, bool is_cut[UNIT_MAX + 1]) {
    bool was_cut[UNIT_MAX + 1];
    memcpy(was_cut, is_cut, sizeof was_cut);
    for (uint32_t i = 0; i < unit->count; i++) {
        const struct unit_op *op = &lines->ops[unit->first + i];
        const uint32_t size = entry_size(lines->program, &lines->program->ops[op->op].recorded);
        for (uint32_t at = op->first + 1u; size > 0 && at < op->end; at++) {
            const uint64_t first = (unit->address + at) / size * size;
            if (!was_cut[at] || first == unit->address + at)
                continue;
            is_cut[first > unit->address + op->first ? first - unit->address : op->first] = true;
            is_cut[first + size < unit->address + op->end ? first + size - unit->address : op->end] = true;
        }
    }
}

/* In how large pieces the write may leave its queue, whatever its type turns out to be; 0: it is in none. */
static uint32_t piece_size(const struct lines *lines, const struct unit *unit, const struct ns_recorded *write) {
    const struct ns_machine_config *machine = lines->program->machine;
    if (write->kind == NS_RECORDED_STORE && machine->store_buffer_entries > 0) {
        /* Only a stale translation could make a cacheable one non-cacheable; then there is a page table entry. */
        bool leaves = write->type != NS_TYPE_CACHEABLE;
        for (uint32_t i = 0; i < unit->count && !leaves; i++)
            leaves = lines->program->ops[lines->ops[unit->first + i].op].recorded.kind == NS_RECORDED_PTE;
        return leaves ? NS_STORE_ENTRY_BYTES : 0;
    }
    if (write->kind != NS_RECORDED_DMA_WRITE)
        return 0;
    const struct ns_device *device = &lines->program->scenario->devices[write->actor - lines->program->harts];
    const bool waits = device->has_posted ? device->posted > 0 : machine->posted_entries > 0;
    return !waits ? 0 : device->burst != 0 ? device->burst : machine->dma_burst;
}

/* Entries that leave one by one make a torn read possible: one border shows it, among bytes that are alike otherwise,
 * because whoever reads some of them reads all. Apart from that they fare alike, whichever entry they are in. */
static void cut_at_borders(const struct lines *lines, const struct unit *unit, bool is_cut[UNIT_MAX + 1]) {
    for (uint32_t i = 0; i < unit->count; i++) {
        const struct unit_op *op = &lines->ops[unit->first + i];
        const uint32_t size = piece_size(lines, unit, &lines->program->ops[op->op].recorded);
        bool may = true; /* no border since the last cut */
        for (uint32_t at = op->first + 1u; size > 0 && at < op->end; at++) {
            may |= is_cut[at];
            if (is_cut[at] || at % size != 0 || !may)
                continue;
            is_cut[at] = true;
            may = false;
        }
    }
}

bool lines_torn_at(const struct lines *lines, const struct unit *unit, uint32_t offset) {
    bool written = false, read = false;
    for (uint32_t i = 0; i < unit->count; i++) {
        const struct unit_op *op = &lines->ops[unit->first + i];
        const struct ns_recorded *entry = &lines->program->ops[op->op].recorded;
        const uint32_t size = piece_size(lines, unit, entry);
        const bool across = op->first < offset && offset < op->end;
        written |= across && size > 0 && offset % size == 0;
        read |= across && (entry->kind == NS_RECORDED_LOAD || entry->kind == NS_RECORDED_DMA_READ);
    }
    return written && read;
}

/* Where the bytes of a unit stop being alike. */
static void find_cuts(const struct lines *lines, const struct unit *unit, bool is_cut[UNIT_MAX + 1]) {
    memset(is_cut, 0, UNIT_MAX + 1);
    for (uint32_t at = 0; at <= lines->size; at += lines->program->machine->cache.level[0].line)
        is_cut[at] = true;
    for (uint32_t i = 0; i < unit->count; i++) {
        const struct unit_op *op = &lines->ops[unit->first + i];
        const struct ns_recorded *entry = &lines->program->ops[op->op].recorded;
        is_cut[op->first] = is_cut[op->end] = true;
        if (entry->kind == NS_RECORDED_MAINTAIN)
            is_cut[op->named_first] = is_cut[op->named_end] = true;
        for (uint32_t at = op->first + 1u; lines->program->leave_count + lines->program->come_count > 0 && at < op->end;
             at++)
            if (!queues_fare_alike(lines->program, op->op, unit->address + at, unit->address + at - 1))
                is_cut[at] = true;
    }
    cut_at_borders(lines, unit, is_cut);
    cut_around_entries(lines, unit, is_cut);
}

void lines_measure_cells(const struct lines *lines, struct unit *unit) {
    const uint32_t line = lines->program->machine->cache.level[0].line;
    bool is_cut[UNIT_MAX + 1];
    find_cuts(lines, unit, is_cut);
    uint32_t most = 0;
    for (uint32_t start = 0; start < lines->size; start += line) {
        uint32_t cells = 0;
        for (uint32_t at = start; at < start + line; at++)
            cells += is_cut[at];
        most = cells > most ? cells : most;
    }
    uint32_t cell_line = 16; /* the shortest line that the cache takes */
    while (cell_line < most)
        cell_line *= 2;
    unit->cell_line = (uint16_t)cell_line;
    unit->cells = (uint16_t)(cell_line * (lines->size / line));
}

void unit_fold(const struct lines *lines, const struct unit *unit, struct unit_op *ops, uint16_t *cut) {
    const uint32_t line = lines->program->machine->cache.level[0].line;
    bool is_cut[UNIT_MAX + 1];
    uint16_t cell_at[UNIT_MAX + 1]; /* by byte: the cell that begins there */
    find_cuts(lines, unit, is_cut);
    for (uint32_t start = 0, base = 0; start < lines->size; start += line, base += unit->cell_line) {
        uint32_t cell = base;
        for (uint32_t at = start; at < start + line; at++)
            if (is_cut[at]) {
                cell_at[at] = (uint16_t)cell;
                cut[cell++] = (uint16_t)at;
            }
        for (; cell < base + unit->cell_line; cell++)
            cut[cell] = cut[cell - 1];
    }
    cell_at[lines->size] = unit->cells;
    cut[unit->cells] = (uint16_t)lines->size;
    for (uint32_t i = 0; i < unit->count; i++) {
        ops[i] = lines->ops[unit->first + i];
        ops[i].first = cell_at[ops[i].first];
        ops[i].end = cell_at[ops[i].end];
        ops[i].named_first = cell_at[ops[i].named_first];
        ops[i].named_end = cell_at[ops[i].named_end];
    }
}
