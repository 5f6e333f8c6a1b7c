/* SPDX-License-Identifier: Apache-2.0 */
/* Steps that call the allocators and the DMA API: map, unmap, sync, alloc, free, alloc-coherent. */
#include "scenarios/run_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static enum ns_dma_direction pool_direction(enum ns_direction direction) {
    return direction == NS_DIRECTION_TO_DEVICE     ? NS_DMA_TO_DEVICE
           : direction == NS_DIRECTION_FROM_DEVICE ? NS_DMA_FROM_DEVICE
                                                   : NS_DMA_BIDIRECTIONAL;
}

static uint8_t log_direction(enum ns_dma_direction direction) {
    return direction == NS_DMA_TO_DEVICE ? 1 : direction == NS_DMA_FROM_DEVICE ? 2 : 3;
}

/* ---- one call at a time ---------------------------------------------------------------------- */

/* The allocators' lock, and the frame around each call: what they do happens on this hart, inside this event. */
static uint32_t call_begin(struct run *run, unsigned hart, struct ns_event *event) {
    while (run->port_busy)
        ns_actor_pause(run->machine, hart, run->scenario->machine.hart_clock_ps);
    run->port_busy = true;
    run->port.hart = hart;
    const uint32_t number = ns_actor_log(run->machine, hart, event);
    run->port.event = number;
    run->port.status = NS_OK;
    ns_actor_inside(run->machine, hart, number);
    return number;
}

/* The caller's own accesses carry its object; the allocators' do not. */
static void call_end(struct run *run, unsigned hart) {
    ns_actor_inside(run->machine, hart, NS_NO_EVENT);
    run->port_busy = false;
}

static void report(struct run *run, enum ns_hazard_id id, enum ns_symptom symptom, uint32_t event, uint64_t first,
                   uint64_t length, const char *detail) {
    ns_tracker_report(run->tracker, id, symptom, event, first, length == 0 ? first : first + length - 1, NS_NO_EVENT,
                      NS_NOTE_OTHER, detail);
}

/* ---- streaming mappings ---------------------------------------------------------------------- */

/* Does map from-device throw away what the CPU wrote? Then the content is undefined until the device writes. */
static bool map_discards(const struct run *run) {
    const struct ns_dma_platform_operations *operations =
        ns_dma_get_platform_operations((enum ns_dma_platform)run->scenario->machine.dma_operations);
    const enum ns_dma_operation operation = operations->for_device[NS_DMA_FROM_DEVICE];
    return operation == NS_DMA_OPERATION_INVALIDATE || operation == NS_DMA_OPERATION_EDGE_FLUSH;
}

static void map(struct run *run, const struct ns_step *step) {
    const unsigned hart = step->actor;
    const unsigned device_actor = ns_machine_device_actor(run->machine, step->device);
    const uint64_t address = run_virtual(run, &step->ref), length = run_length(run, &step->ref);
    const uint64_t physical = run_physical(run, &step->ref);
    const enum ns_dma_direction direction = pool_direction(step->direction);
    struct ns_event event = {.kind = NS_EVENT_MAP,
                             .address = physical,
                             .length = (uint32_t)length,
                             .peer = (uint8_t)device_actor,
                             .direction = log_direction(direction),
                             .bus_address = ns_device_bus_address(run->machine, step->device, physical)};
    const uint32_t number = call_begin(run, hart, &event);
    uint64_t bus = NS_DMA_MAPPING_ERROR;
    const enum ns_pool_status status = ns_dma_map(run->dma, &run->device[step->device], address, length, direction,
                                                  step->skip_cpu_sync ? NS_DMA_SKIP_CPU_SYNC : 0, &bus);
    call_end(run, hart);
    if (status == NS_POOL_OK) {
        const bool discards = !run->device[step->device].coherent && !step->skip_cpu_sync && map_discards(run);
        ns_tracker_map(run->tracker, number, device_actor, physical, length, event.direction, discards);
    } else {
        char detail[256], end[NS_ADDRESS_TEXT];
        snprintf(detail, sizeof detail,
                 "the mapping is refused (DMA_MAPPING_ERROR): %s's mask does not reach physical %s",
                 run->scenario->devices[step->device].name, ns_format_address(physical + length - 1, end));
        if (status == NS_POOL_ERROR_NOT_ADDRESSABLE)
            report(run, NS_AD_NOT_ADDRESSABLE, NS_SYMPTOM_ADDRESS, number, physical, length, detail);
        else
            run->limit = "more mappings live at one time than nosnoop keeps";
    }
    if (step->result != NS_NONE) {
        struct run_register *handle = &run->reg[step->result];
        handle->written = true;
        handle->bus = bus;
        handle->physical = physical;
        handle->length = length;
        handle->device = step->device;
        handle->direction = direction;
    }
}

/* What unmap and sync work on: the arguments that the scenario gives, and for the rest those of the map. */
struct mapped {
    uint32_t device;
    uint64_t bus, physical, length;
    enum ns_dma_direction direction;
};

static uint32_t device_number(const struct run *run, const struct ns_pool_device *device) {
    return (uint32_t)(device - run->device);
}

static struct mapped mapped_of(const struct run *run, const struct ns_step *step) {
    struct mapped mapped = {.device = step->device};
    const uint64_t physical = run_physical(run, &step->ref);
    uint64_t start = physical, whole = run_length(run, &step->ref);
    if (step->ref.kind == NS_REF_HANDLE) {
        const struct run_register *handle = &run->reg[step->ref.index];
        mapped.device = step->device == NS_NONE ? handle->device : step->device;
        mapped.direction = handle->direction;
        mapped.bus = handle->bus + (uint64_t)step->ref.offset;
        whole = run_length(run, &step->ref);
    } else {
        const struct ns_dma_mapping mapping = ns_dma_find(run->dma, run_virtual(run, &step->ref), 1);
        if (mapping.device != NULL) {
            if (mapped.device == NS_NONE)
                mapped.device = device_number(run, mapping.device);
            mapped.direction = mapping.direction;
            mapped.bus = mapping.bus + (physical - mapping.physical);
            /* `unmap rx` without a range of its own ends the mapping, whatever part of rx it is. */
            const bool whole_object = step->ref.kind == NS_REF_OBJECT && step->ref.offset == 0 &&
                                      step->ref.length == run->object[step->ref.index].size;
            if (whole_object && step->verb == NS_VERB_UNMAP) {
                start = mapping.physical;
                whole = mapping.length;
                mapped.bus = mapping.bus;
            }
        } else {
            mapped.device = mapped.device == NS_NONE ? 0 : mapped.device;
            mapped.direction = NS_DMA_BIDIRECTIONAL;
            mapped.bus = ns_device_bus_address(run->machine, mapped.device, physical);
        }
    }
    mapped.physical = start;
    mapped.length = step->has_size ? step->size : whole;
    if (step->direction != NS_DIRECTION_NONE)
        mapped.direction = pool_direction(step->direction);
    return mapped;
}

static void unmap_or_sync(struct run *run, const struct ns_step *step) {
    static const enum ns_event_kind kind[NS_VERB_COUNT] = {[NS_VERB_UNMAP] = NS_EVENT_UNMAP,
                                                           [NS_VERB_SYNC_FOR_CPU] = NS_EVENT_SYNC_FOR_CPU,
                                                           [NS_VERB_SYNC_FOR_DEVICE] = NS_EVENT_SYNC_FOR_DEVICE};
    const unsigned hart = step->actor;
    const struct mapped mapped = mapped_of(run, step);
    const unsigned device_actor = ns_machine_device_actor(run->machine, mapped.device);
    struct ns_event event = {.kind = (uint8_t)kind[step->verb],
                             .address = mapped.physical,
                             .length = (uint32_t)mapped.length,
                             .bus_address = mapped.bus,
                             .peer = (uint8_t)device_actor,
                             .direction = log_direction(mapped.direction)};
    const struct ns_pool_device *device = &run->device[mapped.device];
    const uint64_t address = ns_machine_virtual(run->machine, mapped.physical);
    const struct ns_dma_mapping before = ns_dma_find(run->dma, address, 1);
    const uint32_t number = call_begin(run, hart, &event);
    enum ns_pool_status status;
    switch (step->verb) {
    case NS_VERB_UNMAP:
        status = ns_dma_unmap(run->dma, device, mapped.bus, mapped.length, mapped.direction,
                              step->skip_cpu_sync ? NS_DMA_SKIP_CPU_SYNC : 0);
        break;
    case NS_VERB_SYNC_FOR_CPU:
        status = ns_dma_sync_for_cpu(run->dma, device, mapped.bus, mapped.length, mapped.direction);
        break;
    default:
        status = ns_dma_sync_for_device(run->dma, device, mapped.bus, mapped.length, mapped.direction);
    }
    call_end(run, hart);
    if (before.device == NULL)
        return;
    /* Bytes change hands when the API says so: a mismatched unmap may end the mapping, a refused sync lends nothing. */
    const unsigned owner = ns_machine_device_actor(run->machine, device_number(run, before.device));
    const struct ns_dma_mapping after = ns_dma_find(run->dma, address, 1);
    if (step->verb == NS_VERB_UNMAP && (after.device != before.device || after.bus != before.bus))
        ns_tracker_unmap(run->tracker, number, owner, before.physical);
    else if (step->verb != NS_VERB_UNMAP && status == NS_POOL_OK)
        ns_tracker_sync(run->tracker, number, owner, mapped.physical, mapped.length,
                        step->verb == NS_VERB_SYNC_FOR_CPU);
}

/* ---- allocation ------------------------------------------------------------------------------ */

static void object_begin(struct run *run, uint32_t index, uint64_t address, uint64_t physical, uint64_t bus,
                         bool coherent) {
    const struct ns_object *declared = &run->scenario->objects[index];
    struct run_object *object = &run->object[index];
    const uint32_t before = object->size == 0 ? NS_NO_OBJECT : object->tracked;
    *object = (struct run_object){.exists = true,
                                  .virtual_address = address,
                                  .physical = physical,
                                  .bus = bus,
                                  .size = declared->size,
                                  .buffer = object->buffer};
    struct ns_tracked_object tracked = {.first = physical,
                                        .length = declared->size,
                                        .coherent = coherent,
                                        .type = coherent ? NS_TYPE_NC : NS_TYPE_CACHEABLE,
                                        .descriptor = declared->descriptor};
    snprintf(tracked.name, sizeof tracked.name, "%s", declared->name);
    object->tracked = before;
    if (before == NS_NO_OBJECT)
        object->tracked = ns_tracker_add_object(run->tracker, &tracked);
    else
        ns_tracker_replace_object(run->tracker, before, &tracked);
}

/* An allocation that failed. Why decides what it is: nothing left, or nothing left that the device reaches. */
static void allocation_failed(struct run *run, uint32_t event, const char *name, enum ns_pool_status status) {
    char detail[256];
    snprintf(detail, sizeof detail, "no memory for `%s`: %s", name, ns_pool_status_text(status));
    if (status == NS_POOL_ERROR_NOT_ADDRESSABLE)
        report(run, NS_AD_NOT_ADDRESSABLE, NS_SYMPTOM_ADDRESS, event, 0, 0, detail);
    else
        report(run, NS_PL_EXHAUSTED, NS_SYMPTOM_MISUSE, event, 0, 0, detail);
}

static void alloc(struct run *run, const struct ns_step *step) {
    const unsigned hart = step->actor;
    const struct ns_pool_declaration *declared = &run->scenario->pools[step->pool];
    const struct run_pool *pool = &run->pool[step->pool];
    struct ns_event event = {.kind = NS_EVENT_ALLOC, .length = declared->size, .peer = 0xff};
    const uint32_t number = call_begin(run, hart, &event);
    uint64_t address = 0, physical = 0, bus = NS_DMA_MAPPING_ERROR;
    enum ns_pool_status status;
    if (pool->buffers != NULL) {
        struct ns_buffer_address at;
        status = ns_buffer_pool_allocate(pool->buffers, &run->object[step->result].buffer);
        if (status == NS_POOL_OK)
            status = ns_buffer_pool_address(pool->buffers, run->object[step->result].buffer, &at);
        if (status == NS_POOL_OK) {
            address = at.virtual_address;
            physical = at.physical;
        }
    } else {
        status = ns_dma_pool_alloc(pool->blocks, &address, &bus);
        physical = status == NS_POOL_OK ? ns_machine_physical(run->machine, address) : 0;
    }
    call_end(run, hart);
    if (status != NS_POOL_OK) {
        allocation_failed(run, number, run->scenario->objects[step->result].name, status);
        return;
    }
    run->log->event[number].address = physical;
    run->log->event[number].bus_address = bus;
    ns_tracker_alloc(run->tracker, number, physical, declared->size);
    const bool coherent = pool->blocks != NULL && !run->device[declared->device].coherent;
    object_begin(run, step->result, address, physical, bus, coherent);
}

static void alloc_coherent(struct run *run, const struct ns_step *step) {
    const unsigned hart = step->actor;
    const struct ns_object *declared = &run->scenario->objects[step->result];
    struct ns_event event = {.kind = NS_EVENT_ALLOC_COHERENT,
                             .length = declared->size,
                             .peer = (uint8_t)ns_machine_device_actor(run->machine, step->device)};
    const uint32_t number = call_begin(run, hart, &event);
    uint64_t address = 0, bus = NS_DMA_MAPPING_ERROR;
    const enum ns_prepare_coherent prepare = run->direct->config.prepare;
    if (step->skip_flush)
        run->direct->config.prepare = NS_PREPARE_NONE;
    const enum ns_pool_status status =
        ns_dma_alloc_coherent(run->direct, &run->device[step->device], declared->size, NS_GFP_KERNEL, &address, &bus);
    run->direct->config.prepare = prepare;
    call_end(run, hart);
    if (status != NS_POOL_OK) {
        allocation_failed(run, number, declared->name, status);
        return;
    }
    const uint64_t physical = ns_machine_physical(run->machine, address);
    run->log->event[number].address = physical;
    run->log->event[number].bus_address = bus;
    ns_tracker_alloc(run->tracker, number, physical, declared->size);
    object_begin(run, step->result, address, physical, bus, !run->device[step->device].coherent);
}

static void free_object(struct run *run, const struct ns_step *step) {
    const unsigned hart = step->actor;
    const uint32_t index = step->ref.index;
    struct run_object *object = &run->object[index];
    const struct ns_object *declared = &run->scenario->objects[index];
    if (object->size == 0)
        return; /* its allocation had failed */
    struct ns_event event = {
        .kind = NS_EVENT_FREE, .address = object->physical, .length = (uint32_t)object->size, .peer = 0xff};
    const uint32_t number = call_begin(run, hart, &event);
    (void)ns_dma_check_free(run->dma, object->virtual_address, object->size);
    enum ns_pool_status status;
    if (declared->pool == NS_NONE)
        status = ns_dma_free_coherent(run->direct, &run->device[declared->device], object->size,
                                      object->virtual_address, object->bus);
    else if (run->pool[declared->pool].buffers != NULL)
        status = ns_buffer_pool_release(run->pool[declared->pool].buffers, object->buffer);
    else
        status = ns_dma_pool_free(run->pool[declared->pool].blocks, object->virtual_address, object->bus);
    call_end(run, hart);
    if (status == NS_POOL_OK) {
        object->exists = false;
        ns_tracker_free(run->tracker, number, object->physical, object->size);
    }
}

void run_api_step(struct run *run, const struct ns_step *step) {
    ns_actor_begin(run->machine, step->actor, run_site(run, step), NS_NO_OBJECT);
    switch (step->verb) {
    case NS_VERB_MAP:
        map(run, step);
        break;
    case NS_VERB_UNMAP:
    case NS_VERB_SYNC_FOR_CPU:
    case NS_VERB_SYNC_FOR_DEVICE:
        unmap_or_sync(run, step);
        break;
    case NS_VERB_ALLOC:
        alloc(run, step);
        break;
    case NS_VERB_ALLOC_COHERENT:
        alloc_coherent(run, step);
        break;
    default: /* NS_VERB_FREE */
        free_object(run, step);
    }
}

/* ---- the pools themselves -------------------------------------------------------------------- */

static bool prepare_frames(struct run *run) {
    struct ns_dma_direct_config config = ns_dma_direct_preset(NS_DMA_PRESET_RISCV_6_18);
    const struct ns_zone_limits limits = ns_dma_preset_zones(NS_DMA_PRESET_RISCV_6_18);
    struct ns_frame_region *region = calloc(run->placement.gap_count + 1, sizeof *region);
    if (region == NULL)
        return false;
    for (size_t i = 0; i < run->placement.gap_count; i++) {
        region[i] = (struct ns_frame_region){run->placement.gap[i].start, run->placement.gap[i].length};
        if (region[i].base + region[i].length > config.ram_end)
            config.ram_end = region[i].base + region[i].length;
    }
    config.search_ranges = true;
    const bool made =
        ns_frames_create(&run->port.port, region, run->placement.gap_count, &limits, &run->frames) == NS_POOL_OK &&
        ns_dma_direct_create(&run->port.port, run->frames, &config, &run->direct) == NS_POOL_OK;
    free(region);
    return made;
}

bool run_prepare_pools(struct run *run, char *message, size_t message_size) {
    const struct ns_scenario *scenario = run->scenario;
    const struct ns_machine_config *machine = &scenario->machine;
    const struct ns_dma_config config = {.platform = (enum ns_dma_platform)machine->dma_operations,
                                         .line_size = machine->cache.level[machine->cache.levels - 1].line,
                                         .mapping_capacity = 4096};
    run->port.hart = 0;
    if (ns_dma_create(&run->port.port, &config, &run->dma) != NS_POOL_OK || !prepare_frames(run)) {
        snprintf(message, message_size, "out of memory");
        return false;
    }
    for (size_t i = 0; i < scenario->pool_count; i++) {
        const struct ns_pool_declaration *declared = &scenario->pools[i];
        enum ns_pool_status status;
        if (declared->kind == NS_POOL_BUFFERS) {
            const struct ns_buffer_pool_options options = {.limit = declared->limit};
            status =
                ns_buffer_pool_create(&run->port.port, run->frames, declared->buffers, &options, &run->pool[i].buffers);
        } else {
            status = ns_dma_pool_create(run->direct, &run->device[declared->device], declared->name, declared->size,
                                        declared->align, declared->boundary, NULL, &run->pool[i].blocks);
        }
        if (status != NS_POOL_OK) {
            snprintf(message, message_size, "the pool `%s` cannot be made: %s", declared->name,
                     ns_pool_status_text(status));
            return false;
        }
    }
    return true;
}
