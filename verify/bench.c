/* SPDX-License-Identifier: Apache-2.0 */
/* The bench: a small machine around the hierarchy of cache/, for one unit and without time. */
#include "verify/bench_internal.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* ---- accesses -------------------------------------------------------------------------------- */

/* The versions that an operation writes; bytes that are not followed have none. */
static void versions_of(const struct bench *bench, const struct unit_op *op, ns_version *versions) {
    for (uint32_t cell = op->first; cell < op->end; cell++)
        versions[cell - op->first] = bench->world->follows[cell] ? op->op + 1 : NS_VERSION_POWER_ON;
}

/* The flat memory takes the bytes at once. */
static void write_flat(struct bench *bench, const struct unit_op *op) {
    const uint16_t past =
        bench_past_of_write(bench, bench->world->program->ops[op->op].recorded.kind == NS_RECORDED_DMA_WRITE);
    for (uint32_t cell = op->first; cell < op->end; cell++) {
        if (!bench->world->follows[cell])
            continue;
        bench->flat[cell] = op->op + 1;
        bench->flags[cell] = ns_byte_written(bench->flags[cell]);
        bench->stamp[cell] = past;
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
            struct finding *finding = bench_found(bench, FOUND_STALE, i, end);
            finding->got = got;
            finding->where =
                (uint8_t)((flags & NS_BYTE_DISCARDED) != 0 ? NS_NOWHERE : bench_where_is(bench, i, newest));
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
        bench_found(bench, FOUND_LEAK, i, end);
        return;
    }
}

/* Is this the type that the access was meant to have? Where the page's type changes, what is meant changes with it:
 * then the recording, which is in the written order, says so only if that is the order now. */
static bool is_meant(const struct bench *bench, const struct unit_op *op, enum ns_memory_type type) {
    const struct ns_recorded *entry = &bench->world->program->ops[op->op].recorded;
    uint16_t typed = 0;
    if (entry->meant == NS_RECORDED_NO_TYPE)
        return true;
    for (uint32_t i = 0; bench->world->ops[i].op < op->op; i++)
        if (unit_recorded(bench->world, i)->kind == NS_RECORDED_PTE && bench->world->ops[i].view == op->view)
            typed = (uint16_t)(i + 1);
    return typed == bench->typed[op->view] ? entry->meant == type : (bench->current[op->view] & 1u << type) != 0;
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
        bench_found(bench, FOUND_FAULT, op->first, op->end);
        return;
    }
    const enum ns_memory_type type = (enum ns_memory_type)(variant & VARIANT_TYPE);
    bench_drain_touching(bench, hart, op->first, op->end);
    if (type == NS_TYPE_CACHEABLE) {
        (void)ns_cache_load(bench->cache, hart, op->first, length, data, versions, NULL);
    } else {
        (void)ns_cache_drain_line(bench->cache, op->first, length, NULL);
        memcpy(versions, &bench->memory[op->first], length * sizeof *versions);
    }
    const bool wrong_type = !is_meant(bench, op, type);
    if (wrong_type)
        bench_found(bench, FOUND_TYPE, op->first, op->end)->reason = (uint8_t)type;
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

/* In phases, or through a buffer. */
static bool is_buffered(const struct bench *bench, const struct unit_op *op, enum ns_memory_type type) {
    return type == NS_TYPE_NC &&
           (bench_buffer_entries(bench->world) > 0 || bench->world->program->ops[op->op].phases > 0);
}

static void do_store(struct bench *bench, const struct unit_op *op, unsigned variant, bool begun) {
    const struct ns_recorded *entry = &bench->world->program->ops[op->op].recorded;
    const unsigned hart = entry->actor;
    const uint32_t length = (uint32_t)(op->end - op->first);
    const uint8_t data[UNIT_MAX] = {0};
    ns_version versions[UNIT_MAX];
    if ((variant & VARIANT_FAULTS) != 0) {
        bench_found(bench, FOUND_FAULT, op->first, op->end);
        return;
    }
    const enum ns_memory_type type = (enum ns_memory_type)(variant & VARIANT_TYPE);
    const bool buffered = is_buffered(bench, op, type);
    if (!buffered)
        bench_drain_touching(bench, hart, op->first, op->end);
    if (!is_meant(bench, op, type))
        bench_found(bench, FOUND_TYPE, op->first, op->end)->reason = (uint8_t)type;
    if (begun)
        bench_end_begun(bench, op->op);
    else
        write_flat(bench, op);
    versions_of(bench, op, versions);
    bench_make_room(bench, op->op, 0); /* the program has stored the new bytes before old ones leave for them */
    if (buffered) {
        bench_push_cells(bench, op, hart, FLIGHT_BUFFERED);
    } else if (type == NS_TYPE_CACHEABLE) {
        (void)ns_cache_store(bench->cache, hart, op->first, length, data, versions, NULL);
    } else {
        (void)ns_cache_drain_line(bench->cache, op->first, length, NULL);
        bench_write_memory(bench, op->first, length, versions);
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
    if (bench_device_of(world, entry->actor)->snoops)
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
    bench_make_room(bench, op->op, 0);
    note_device(bench, op, true);
    const bool snoops = bench_device_of(world, actor)->snoops;
    if (world->program->ops[op->op].phases > 0 || bench_posted_entries(world, actor) > 0)
        bench_push_cells(bench, op, actor, snoops ? FLIGHT_SNOOPING : FLIGHT_POSTED);
    else if (snoops)
        (void)ns_cache_snoop_write(bench->cache, op->first, length, data, versions, NULL);
    else
        bench_write_memory(bench, op->first, length, versions);
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
    bench->typed[op->view] = bench->unit_op;
    for (unsigned hart = 0; hart < bench->world->program->harts; hart++)
        bench->types[op->view][hart] |= bit;
}

static void do_sfence(struct bench *bench, const struct unit_op *op) {
    const struct ns_recorded *entry = &bench->world->program->ops[op->op].recorded;
    const bool all_harts = (entry->flags & NS_RECORDED_ALL_HARTS) != 0;
    for (unsigned view = 0; view < bench->world->unit.view_count; view++)
        for (unsigned hart = 0; hart < bench->world->program->harts; hart++)
            if ((op->view == UNIT_VIEWS || op->view == view) && (all_harts || hart == entry->actor))
                bench->types[view][hart] = bench->current[view];
}

static void do_hardware_step(struct bench *bench, const struct unit_op *op) {
    const struct ns_recorded *entry = &bench->world->program->ops[op->op].recorded;
    const uint32_t line = bench->world->line_cells;
    const uint16_t unit_op = bench->unit_op;
    for (uint32_t at = op->first / line; at < (op->end + line - 1) / line; at++) {
        const struct world_move move = {.a = entry->peer, .index = (uint16_t)at};
        struct world_move one = move;
        if (entry->op != NS_VERB_DRAIN && entry->op != NS_VERB_EVICT && entry->op != NS_VERB_INSTALL &&
            !bench_may_fill(bench, entry->peer))
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
            bench_drain_touching(bench, entry->peer, op->first, op->end);
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
    if (op->first == op->end && (kind == NS_RECORDED_STORE || kind == NS_RECORDED_DMA_WRITE)) {
        bench_make_room(bench, op->op, 0); /* it is about another line */
        return;
    }
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
        do_store(bench, op, variant, false);
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
    bench->looked = (uint16_t)(bench->looked + (!bench->waits && outcomes_looks(bench->world, index)));
    bench_note_op(bench, index);
}

/* ---- moves ----------------------------------------------------------------------------------- */

static void do_fence(struct bench *bench, unsigned hart, bool local) {
    bench_drain_touching(bench, hart, 0, bench->world->cells);
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
        bench_drain_touching(bench, move.a, 0, bench->world->cells);
        break;
    case WORLD_POSTED:
    case WORLD_FORCED: {
        const bool any = move.action == WORLD_POSTED || move.index == 0;
        const int oldest = any ? bench_oldest_of(bench, move.a, 0, bench->world->cells)
                               : bench_oldest_of(bench, move.a, move.index - 1u, move.index);
        if (oldest >= 0)
            bench_arrive_in_order(bench, (unsigned)oldest);
        break;
    }
    case WORLD_PHASE:
        bench->unit_op = (uint16_t)(move.index + 1);
        bench_let_come(bench, bench->world->ops[move.index].op, move.a);
        bench_make_room(bench, bench->world->ops[move.index].op, move.a);
        break;
    case WORLD_BEGIN: {
        const struct unit_op *op = &bench->world->ops[move.index];
        bench->unit_op = (uint16_t)(move.index + 1);
        write_flat(bench, op);
        bench_push_cells(bench, op, unit_recorded(bench->world, move.index)->actor, FLIGHT_BEGUN);
        break;
    }
    case WORLD_REST:
        bench->unit_op = (uint16_t)(move.index + 1);
        do_store(bench, &bench->world->ops[move.index], move.a, true);
        bench->looked = (uint16_t)(bench->looked + outcomes_looks(bench->world, move.index));
        bench_note_op(bench, move.index);
        break;
    case WORLD_HANDED:
        bench_note_hand_over(bench, move.a);
        break;
    case WORLD_SEEN:
        bench_note_seen(bench, move.a);
        break;
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
        bench_arrive_in_order(bench, move.index);
        break;
    case WORLD_DRAIN_LATE:
        (void)ns_cache_drain_line(bench->cache, address, bench->world->line_cells, NULL);
        break;
    }
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
    const struct ns_cache_backing backing = {&world->bench, bench_backing_read, bench_backing_write};
    const struct ns_cache_observer observer = {.context = &world->bench, .drop = bench_on_drop};
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
    bench->past = (struct past){0};
}
