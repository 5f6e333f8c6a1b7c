/* SPDX-License-Identifier: Apache-2.0 */
/* What each step does, in terms of nosnoop.h. */
#include "scenarios/run_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WORK_LIMIT (UINT64_C(16) << 30) /* bytes named by the steps of a run */

/* ---- references ------------------------------------------------------------------------------ */

uint64_t run_length(const struct run *run, const struct ns_ref *ref) {
    if (ref->kind == NS_REF_HANDLE && ref->length == 0)
        return run->reg[ref->index].length - (uint64_t)ref->offset;
    return ref->length;
}

static const struct run_segment *segment_of(const struct run *run, const struct ns_ref *ref) {
    return &run->list[ref->index].segment[ref->element];
}

uint64_t run_virtual(const struct run *run, const struct ns_ref *ref) {
    if (ref->kind == NS_REF_SEGMENT)
        return segment_of(run, ref)->virtual_address + (uint64_t)ref->offset;
    if (ref->kind == NS_REF_OBJECT)
        return run->object[ref->index].virtual_address + (uint64_t)ref->offset;
    if (ref->kind == NS_REF_HANDLE)
        return ns_machine_virtual(run->machine, run->reg[ref->index].physical) + (uint64_t)ref->offset;
    return ref->address + (uint64_t)ref->offset;
}

uint64_t run_physical(const struct run *run, const struct ns_ref *ref) {
    if (ref->kind == NS_REF_SEGMENT)
        return segment_of(run, ref)->physical + (uint64_t)ref->offset;
    if (ref->kind == NS_REF_OBJECT)
        return run->object[ref->index].physical + (uint64_t)ref->offset;
    if (ref->kind == NS_REF_HANDLE)
        return run->reg[ref->index].physical + (uint64_t)ref->offset;
    return ref->address + (uint64_t)ref->offset;
}

unsigned run_actor(const struct run *run, const struct ns_step *step) {
    switch (step->actor_kind) {
    case NS_ACTOR_HART:
        return step->actor;
    case NS_ACTOR_DEVICE:
        return ns_machine_device_actor(run->machine, step->actor);
    case NS_ACTOR_HARDWARE:
        break;
    }
    return ns_machine_hardware_actor(run->machine);
}

void run_show_step(struct run *run, unsigned actor, uint32_t site) {
    if (run->log->waveform != NULL)
        ns_waveform_step(run->log->waveform, ns_machine_now_ps(run->machine), actor, site);
}

uint8_t *run_scratch(struct run *run, unsigned actor) {
    if (run->scratch[actor] == NULL)
        run->scratch[actor] = malloc(NS_LIMIT_ACCESS_BYTES);
    run->no_memory = run->no_memory || run->scratch[actor] == NULL;
    return run->scratch[actor];
}

/* Is the buffer mapped for this device by way of a bounce slot? Then that is what the driver was given. */
static bool bounced(const struct run *run, const struct ns_step *step, const struct ns_ref *ref, uint64_t *side) {
    if (run->swiotlb == NULL)
        return false;
    const struct ns_dma_mapping mapping = ns_dma_find(run->dma, run_virtual(run, ref), 1);
    if (mapping.device != &run->device[step->actor] || mapping.slot == NS_DMA_MAPPING_ERROR)
        return false;
    *side = mapping.slot + (run_physical(run, ref) - mapping.physical);
    return true;
}

/* What the driver programs into the device for a reference: the bus address, unless the scenario says that it uses the
 * physical one. */
uint64_t run_programmed(const struct run *run, const struct ns_step *step, const struct ns_ref *ref,
                        uint64_t *intended) {
    if (ref->kind == NS_REF_ADDRESS) {
        *intended = UINT64_MAX;
        return ref->address + (uint64_t)ref->offset;
    }
    *intended = run_physical(run, ref);
    if (step->using_physical)
        return *intended;
    if (ref->kind == NS_REF_HANDLE) {
        *intended = run->reg[ref->index].device_side + (uint64_t)ref->offset;
        return run->reg[ref->index].bus + (uint64_t)ref->offset;
    }
    if (ref->kind == NS_REF_SEGMENT) {
        *intended = segment_of(run, ref)->device_side + (uint64_t)ref->offset;
        return segment_of(run, ref)->bus + (uint64_t)ref->offset;
    }
    if (ref->kind == NS_REF_OBJECT && bounced(run, step, ref, intended))
        return ns_physical_to_bus(&run->device[step->actor], *intended);
    const uint64_t bus = ns_device_bus_address(run->machine, step->actor, *intended);
    return bus == UINT64_MAX ? *intended : bus;
}

static uint32_t tracked_of(const struct run *run, const struct ns_ref *ref) {
    return ref->kind == NS_REF_OBJECT ? run->object[ref->index].tracked : NS_NO_OBJECT;
}

void run_report_hang(struct run *run, unsigned actor, const char *detail) {
    struct ns_event event = {.kind = NS_EVENT_POLL, .peer = 0xff};
    const uint32_t number = ns_actor_log(run->machine, actor, &event);
    ns_tracker_report(run->tracker, NS_OR_NO_PROGRESS, NS_SYMPTOM_HANG, number, 0, 0, NS_NO_EVENT, NS_NOTE_OTHER,
                      detail);
}

/* ---- values ---------------------------------------------------------------------------------- */

void run_value_bytes(const struct run *run, const struct ns_value *value, uint8_t *data, uint32_t length) {
    switch (value->kind) {
    case NS_VALUE_FILL:
        memset(data, (int)value->number, length);
        break;
    case NS_VALUE_NUMBER:
        for (uint32_t i = 0; i < length; i++)
            data[i] = (uint8_t)(i < 8 ? value->number >> (8 * i) : 0);
        break;
    case NS_VALUE_REGISTER: {
        const struct run_register *from = &run->reg[value->index];
        memset(data, 0, length);
        if (run->scenario->registers[value->index].is_handle)
            for (uint32_t i = 0; i < length && i < 8; i++)
                data[i] = (uint8_t)(from->bus >> (8 * i));
        else if (from->data != NULL)
            memcpy(data, from->data, length < from->size ? length : from->size);
        break;
    }
    case NS_VALUE_NONE:
    case NS_VALUE_OBJECT: /* only `free` has it */
        memset(data, 0, length);
        break;
    }
}

void run_keep(struct run *run, uint32_t index, const uint8_t *data, uint32_t length) {
    if (index == NS_NONE)
        return;
    struct run_register *to = &run->reg[index];
    if (to->size < length || to->data == NULL) {
        uint8_t *grown = realloc(to->data, length);
        if (grown == NULL) {
            run->no_memory = true;
            return;
        }
        to->data = grown;
    }
    memcpy(to->data, data, length);
    to->size = length;
    to->written = true;
}

/* ---- harts ----------------------------------------------------------------------------------- */

static void maintain(struct run *run, const struct ns_step *step, enum ns_cache_op op, enum ns_cache_scope scope,
                     enum ns_maintenance_extent extent) {
    struct ns_maintenance what = {.op = op, .scope = scope, .extent = extent};
    if (extent != NS_WHOLE_CACHE) {
        what.address = run_virtual(run, &step->ref);
        what.length = run_length(run, &step->ref);
        if (step->by_page && what.length > 0) {
            const uint64_t end = (what.address + what.length + NS_PAGE_SIZE - 1) / NS_PAGE_SIZE * NS_PAGE_SIZE;
            what.address = what.address / NS_PAGE_SIZE * NS_PAGE_SIZE;
            what.length = end - what.address;
        }
    }
    if (step->by_page && extent != NS_WHOLE_CACHE)
        (void)ns_hart_maintain_around(run->machine, step->actor, &what, run_virtual(run, &step->ref),
                                      run_length(run, &step->ref));
    else
        (void)ns_hart_maintain(run->machine, step->actor, &what);
}

static void sfence(struct run *run, const struct ns_step *step) {
    const bool all = step->ref.kind == NS_REF_NONE;
    const uint64_t address = all ? 0 : run_virtual(run, &step->ref);
    const uint64_t length = all ? 0 : run_length(run, &step->ref);
    if (step->all_harts)
        ns_hart_shoot_down(run->machine, step->actor, all, address, length == 0 ? 1 : length);
    else
        ns_hart_sfence(run->machine, step->actor, all, address);
}

static void zero_blocks(struct run *run, const struct ns_step *step) {
    const uint32_t line = run->scenario->machine.cache.level[0].line;
    const uint64_t start = run_virtual(run, &step->ref) / line * line;
    const uint64_t end = run_virtual(run, &step->ref) + run_length(run, &step->ref);
    const uint8_t zero[NS_LINE_MAX] = {0};
    for (uint64_t at = start; at < end; at += line)
        if (ns_hart_store(run->machine, step->actor, at, line, zero) != NS_OK)
            return;
}

static void instruction(struct run *run, const struct ns_step *step) {
    static const struct {
        enum ns_cache_op op;
        enum ns_cache_scope scope;
        bool whole;
    } meaning[NS_INSTRUCTION_COUNT] = {
        [NS_CBO_CLEAN] = {NS_CACHE_CLEAN, NS_SCOPE_POC, false},
        [NS_CBO_INVAL] = {NS_CACHE_INVALIDATE, NS_SCOPE_POC, false},
        [NS_CBO_FLUSH] = {NS_CACHE_FLUSH, NS_SCOPE_POC, false},
        [NS_DCACHE_CVA] = {NS_CACHE_CLEAN, NS_SCOPE_POC, false},
        [NS_DCACHE_CVAL1] = {NS_CACHE_CLEAN, NS_SCOPE_L1, false},
        [NS_DCACHE_CIVA] = {NS_CACHE_FLUSH, NS_SCOPE_POC, false},
        [NS_DCACHE_IVA] = {NS_CACHE_INVALIDATE, NS_SCOPE_POC, false},
        [NS_DCACHE_CPA] = {NS_CACHE_CLEAN, NS_SCOPE_POC, false},
        [NS_DCACHE_CPAL1] = {NS_CACHE_CLEAN, NS_SCOPE_L1, false},
        [NS_DCACHE_CIPA] = {NS_CACHE_FLUSH, NS_SCOPE_POC, false},
        [NS_DCACHE_IPA] = {NS_CACHE_INVALIDATE, NS_SCOPE_POC, false},
        [NS_DCACHE_CALL] = {NS_CACHE_CLEAN, NS_SCOPE_L1, true},
        [NS_DCACHE_CIALL] = {NS_CACHE_FLUSH, NS_SCOPE_L1, true},
        [NS_DCACHE_IALL] = {NS_CACHE_INVALIDATE, NS_SCOPE_L1, true},
    };
    switch (step->instruction) {
    case NS_CBO_ZERO:
        zero_blocks(run, step);
        break;
    case NS_SYNC_S:
    case NS_SYNC_IS:
        ns_hart_fence(run->machine, step->actor);
        break;
    case NS_SYNC:
    case NS_SYNC_I:
        ns_hart_fence_local(run->machine, step->actor);
        break;
    default:
        maintain(run, step, meaning[step->instruction].op, meaning[step->instruction].scope,
                 meaning[step->instruction].whole ? NS_WHOLE_CACHE : NS_EXACT_LINES);
    }
}

static void copy_by_hart(struct run *run, const struct ns_step *step, uint8_t *data, uint32_t length) {
    if (ns_hart_load(run->machine, step->actor, run_virtual(run, &step->ref), length, data, NULL, 0) != NS_OK)
        return;
    ns_actor_begin(run->machine, step->actor, run_site(run, step), tracked_of(run, &step->to));
    (void)ns_hart_store(run->machine, step->actor, run_virtual(run, &step->to), length, data);
}

/* The type that accesses are meant to have from now on: of the whole object, or of the pages that a part of it lies in.
 */
static void retype(struct run *run, const struct ns_step *step) {
    if (step->ref.kind != NS_REF_OBJECT || run->object[step->ref.index].tracked == NS_NO_OBJECT)
        return;
    const struct run_object *object = &run->object[step->ref.index];
    const uint64_t start = run_physical(run, &step->ref) / NS_PAGE_SIZE * NS_PAGE_SIZE;
    const uint64_t end =
        (run_physical(run, &step->ref) + run_length(run, &step->ref) + NS_PAGE_SIZE - 1) / NS_PAGE_SIZE * NS_PAGE_SIZE;
    const bool whole = start <= object->physical && object->physical + object->size <= end;
    if (whole || run->scenario->objects[step->ref.index].kind == NS_OBJECT_ALIAS) {
        ns_tracker_set_object_type(run->tracker, object->tracked, step->type, step->type != NS_TYPE_CACHEABLE);
        return;
    }
    const uint64_t first = start > object->physical ? start : object->physical;
    const uint64_t object_end = object->physical + object->size;
    struct ns_tracked_object part = {.first = first,
                                     .length = (end < object_end ? end : object_end) - first,
                                     .type = step->type,
                                     .coherent = step->type != NS_TYPE_CACHEABLE,
                                     .part_of = object->tracked + 1};
    snprintf(part.name, sizeof part.name, "%s", run->scenario->objects[step->ref.index].name);
    (void)ns_tracker_add_object(run->tracker, &part);
}

/* The whole change of a memory type, or what a kernel makes of it that forgets a part. */
static void run_attribute_sequence(struct run *run, const struct ns_step *step) {
    static const enum ns_attribute_change change[] = {[NS_SEQUENCE_COMPLETE] = NS_CHANGE_COMPLETE,
                                                      [NS_SEQUENCE_FLUSH_FIRST] = NS_CHANGE_FLUSH_FIRST,
                                                      [NS_SEQUENCE_WITHOUT_FLUSH] = NS_CHANGE_WITHOUT_FLUSH,
                                                      [NS_SEQUENCE_WITHOUT_SFENCE] = NS_CHANGE_WITHOUT_SFENCE};
    static const enum ns_port_type type[] = {
        [NS_TYPE_CACHEABLE] = NS_PORT_CACHEABLE, [NS_TYPE_NC] = NS_PORT_NC, [NS_TYPE_IO] = NS_PORT_IO};
    const uint64_t start = run_virtual(run, &step->ref) / NS_PAGE_SIZE * NS_PAGE_SIZE;
    const uint64_t end =
        (run_virtual(run, &step->ref) + run_length(run, &step->ref) + NS_PAGE_SIZE - 1) / NS_PAGE_SIZE * NS_PAGE_SIZE;
    struct ns_event event = {.kind = NS_EVENT_SET_TYPE,
                             .address = run_physical(run, &step->ref) / NS_PAGE_SIZE * NS_PAGE_SIZE,
                             .length = (uint32_t)(end - start),
                             .type = (uint8_t)step->type,
                             .peer = 0xff};
    (void)run_call_begin(run, step->actor, &event);
    if (ns_change_attribute(&run->port.port, start, end - start, type[step->type], change[step->sequence]) !=
        NS_POOL_OK)
        run->limit = "a memory type cannot be changed here: no room for page tables, or pages without a mapping";
    run_call_end(run, step->actor);
}

static void hart_step(struct run *run, const struct ns_step *step) {
    const unsigned hart = step->actor;
    const uint32_t length = (uint32_t)run_length(run, &step->ref);
    uint8_t *data = run_scratch(run, hart);
    if (data == NULL)
        return;
    switch (step->verb) {
    case NS_VERB_LOAD:
        if (ns_hart_load(run->machine, hart, run_virtual(run, &step->ref), length, data, NULL,
                         step->result != NS_NONE ? NS_ACCESS_TO_REGISTER : 0) == NS_OK)
            run_keep(run, step->result, data, length);
        break;
    case NS_VERB_STORE:
        run_value_bytes(run, &step->value, data, length);
        (void)ns_hart_store(run->machine, hart, run_virtual(run, &step->ref), length, data);
        break;
    case NS_VERB_COPY:
        copy_by_hart(run, step, data, length);
        break;
    case NS_VERB_FENCE:
        ns_hart_fence(run->machine, hart);
        break;
    case NS_VERB_CLEAN:
    case NS_VERB_INVALIDATE:
    case NS_VERB_FLUSH:
        maintain(run, step,
                 step->verb == NS_VERB_CLEAN        ? NS_CACHE_CLEAN
                 : step->verb == NS_VERB_INVALIDATE ? NS_CACHE_INVALIDATE
                                                    : NS_CACHE_FLUSH,
                 step->scope, step->whole_cache ? NS_WHOLE_CACHE : NS_RANGE);
        break;
    case NS_VERB_CBO:
    case NS_VERB_DCACHE:
    case NS_VERB_SYNC:
        instruction(run, step);
        break;
    case NS_VERB_SET_ATTR:
        retype(run, step);
        if (step->sequence != NS_SEQUENCE_PTE_ONLY) {
            run_attribute_sequence(run, step);
            break;
        }
        (void)ns_hart_set_type(run->machine, hart, run_virtual(run, &step->ref), length, step->type);
        break;
    case NS_VERB_SFENCE:
        sfence(run, step);
        break;
    case NS_VERB_DOORBELL:
        (void)ns_hart_doorbell(run->machine, hart, step->device);
        break;
    case NS_VERB_MMIO_READ:
    case NS_VERB_MMIO_WRITE:
    case NS_VERB_MMIO_POLL:
        run_register_step(run, step);
        break;
    case NS_VERB_POLL:
        run_poll(run, step);
        break;
    case NS_VERB_WAIT:
        if (!run->free_order && !ns_machine_irq_pending(run->machine, step->irq) && !run_engines_at_work(run))
            run_report_hang(run, hart, "the wait never ends: nobody has raised this interrupt");
        else {
            run->moving--;
            ns_hart_wait(run->machine, hart, step->irq);
            run->moving++;
        }
        break;
    default:
        run_api_step(run, step);
    }
}

/* ---- devices --------------------------------------------------------------------------------- */

static void device_step(struct run *run, const struct ns_step *step) {
    const unsigned device = step->actor;
    const unsigned actor = run_actor(run, step);
    const uint32_t length = (uint32_t)run_length(run, &step->ref);
    uint8_t *data = run_scratch(run, actor);
    uint64_t intended, bus;
    if (data == NULL)
        return;
    const bool freed = step->ref.kind == NS_REF_OBJECT && run->object[step->ref.index].size > 0 &&
                       !run->object[step->ref.index].exists;
    ns_tracker_uses_freed(run->tracker, actor, freed);
    switch (step->verb) {
    case NS_VERB_READ:
        bus = run_programmed(run, step, &step->ref, &intended);
        if (ns_device_read(run->machine, device, bus, intended, length, data, NULL, 0) == NS_OK)
            run_keep(run, step->result, data, length);
        break;
    case NS_VERB_WRITE:
        bus = run_programmed(run, step, &step->ref, &intended);
        run_value_bytes(run, &step->value, data, length);
        (void)ns_device_write(run->machine, device, bus, intended, length, data);
        break;
    case NS_VERB_COPY:
        bus = run_programmed(run, step, &step->ref, &intended);
        if (ns_device_read(run->machine, device, bus, intended, length, data, NULL, 0) != NS_OK)
            break;
        bus = run_programmed(run, step, &step->to, &intended);
        (void)ns_device_write(run->machine, device, bus, intended, length, data);
        break;
    case NS_VERB_RAISE:
        ns_device_raise(run->machine, device, step->irq);
        break;
    case NS_VERB_START:
        if (!run->free_order && !ns_device_rung(run->machine, device))
            run_report_hang(run, actor, "the device never starts: nobody has rung its doorbell");
        else {
            run->moving--;
            ns_device_start(run->machine, device);
            run->moving++;
        }
        break;
    case NS_VERB_POLL:
        run_poll(run, step);
        break;
    case NS_VERB_FEED:
    case NS_VERB_DRAIN_STREAM:
        run_stream_step(run, step);
        break;
    default: /* NS_VERB_DEVICE_FLUSH */
        ns_tracker_device_flush(run->tracker, actor);
        ns_device_flush(run->machine, device);
    }
}

/* ---- the hardware ---------------------------------------------------------------------------- */

static void hardware_step(struct run *run, const struct ns_step *step) {
    static enum ns_status (*const move[])(struct ns_machine *, unsigned,
                                          uint64_t) = {[NS_VERB_PREFETCH] = ns_hw_prefetch,
                                                       [NS_VERB_EVICT] = ns_hw_evict,
                                                       [NS_VERB_SAMPLE] = ns_hw_sample,
                                                       [NS_VERB_INSTALL] = ns_hw_install,
                                                       [NS_VERB_SPECULATIVE_STORE] = ns_hw_speculative_store};
    const bool whole = step->ref.kind == NS_REF_NONE;
    const uint64_t start = whole ? 0 : run_physical(run, &step->ref);
    const uint64_t length = whole ? UINT64_MAX : run_length(run, &step->ref);
    if (step->verb == NS_VERB_DRAIN) {
        if (step->hart != NS_NONE)
            ns_hw_drain_hart(run->machine, step->hart, start, length);
        else
            ns_hw_drain_device(run->machine, step->device, start, length);
        return;
    }
    /* Fills need a live cacheable mapping; without one no hart does this by itself. */
    const bool fills =
        step->verb == NS_VERB_PREFETCH || step->verb == NS_VERB_SAMPLE || step->verb == NS_VERB_SPECULATIVE_STORE;
    const uint32_t line = run->scenario->machine.cache.level[0].line;
    for (uint64_t at = start / line * line; at < start + length; at += line)
        if (!fills || ns_hw_may_fill(run->machine, step->hart, at))
            (void)move[step->verb](run->machine, step->hart, at);
}

/* The target of an allocation that failed (reported there): a driver that checks does nothing with it. */
static bool was_never_made(const struct run *run, const struct ns_ref *ref) {
    return ref->kind == NS_REF_OBJECT && run->scenario->objects[ref->index].kind == NS_OBJECT_ALLOCATED &&
           run->object[ref->index].size == 0;
}

/* What a step costs the host grows with the bytes that it names. */
static void count_work(struct run *run, const struct ns_step *step) {
    const struct ns_cache_config *cache = &run->scenario->machine.cache;
    uint64_t bytes = step->ref.kind == NS_REF_NONE ? 0 : run_length(run, &step->ref);
    for (unsigned level = 0; step->whole_cache && level < cache->levels; level++)
        bytes += (uint64_t)cache->level[level].size * (level == 0 ? cache->harts : 1);
    run->work += bytes;
    if (run->work > WORK_LIMIT)
        run->limit = "its steps name more than 16 GiB";
}

void run_step(struct run *run, const struct ns_step *step) {
    const unsigned actor = run_actor(run, step);
    const uint32_t site = run_site(run, step);
    if (run->options->chaos)
        run_chaos(run);
    ns_actor_count(run->machine, actor);
    ns_actor_begin(run->machine, actor, site, tracked_of(run, &step->ref));
    run_show_step(run, actor, site);
    /* In free order others move while a step waits: a replay has to come to it when it ended. */
    const bool waits =
        run->free_order && (step->verb == NS_VERB_WAIT || step->verb == NS_VERB_START || step->verb == NS_VERB_POLL ||
                            step->verb == NS_VERB_MMIO_POLL || step->verb == NS_VERB_DRAIN_STREAM);
    if (!waits)
        run_log_executed(run, site);
    run->executed[site] = true;
    if (was_never_made(run, &step->ref) || was_never_made(run, &step->to))
        return;
    count_work(run, step);
    if (run->options->recording != NULL && run_record_step(run, step))
        return;
    switch (step->actor_kind) {
    case NS_ACTOR_HART:
        hart_step(run, step);
        break;
    case NS_ACTOR_DEVICE:
        device_step(run, step);
        break;
    case NS_ACTOR_HARDWARE:
        hardware_step(run, step);
        ns_actor_begin(run->machine, actor, NS_NO_SITE, NS_NO_OBJECT); /* what it does by itself later is no step */
        break;
    }
    if (!run->free_order)
        run_engines_settle(run);
    if (waits)
        ns_log_executed(run->log, site);
}
