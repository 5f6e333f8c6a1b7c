/* SPDX-License-Identifier: Apache-2.0 */
/* Steps of the streaming DMA API: map, unmap, sync, lists, resources. */
#include "model/mpu.h"
#include "scenarios/run_internal.h"

#include <stdio.h>
#include <string.h>

static enum ns_dma_direction pool_direction(enum ns_direction direction) {
    return direction == NS_DIRECTION_TO_DEVICE     ? NS_DMA_TO_DEVICE
           : direction == NS_DIRECTION_FROM_DEVICE ? NS_DMA_FROM_DEVICE
                                                   : NS_DMA_BIDIRECTIONAL;
}

static uint8_t log_direction(enum ns_dma_direction direction) {
    return direction == NS_DMA_TO_DEVICE ? 1 : direction == NS_DMA_FROM_DEVICE ? 2 : 3;
}

/* Does map from-device throw away what the CPU wrote? Then the content is undefined until the device writes. */
static bool map_discards(const struct run *run) {
    const struct ns_dma_platform_operations *operations =
        ns_dma_get_platform_operations((enum ns_dma_platform)run->scenario->machine.dma_operations);
    const enum ns_dma_operation operation = operations->for_device[NS_DMA_FROM_DEVICE];
    return operation == NS_DMA_OPERATION_INVALIDATE || operation == NS_DMA_OPERATION_EDGE_FLUSH;
}

/* ---- the kernel's checks --------------------------------------------------------------------- */

/* Their hooks stand where kernel/dma/mapping.c calls them. Without checks there is no `debug`, and they do nothing. */

static void check_map(struct run *run, const struct ns_step *step, uint64_t physical, uint64_t length, uint64_t bus,
                      enum ns_dma_direction direction, unsigned attributes) {
    const struct ns_pool_device *device = &run->device[step->device];
    if (step->verb == NS_VERB_MAP_RESOURCE)
        ns_debug_dma_map_resource(run->debug, device, physical, length, direction, bus, attributes);
    else
        ns_debug_dma_map_page(run->debug, device, physical, length, direction, bus, attributes);
}

static void list_segments(const struct run_list *list, uint32_t count, struct ns_debug_segment *segment) {
    for (uint32_t i = 0; i < count; i++)
        segment[i] = (struct ns_debug_segment){.physical = list->segment[i].physical,
                                               .length = list->entry[i].length,
                                               .bus = list->entry[i].bus,
                                               .bus_length = list->entry[i].dma_length};
}

/* ---- one buffer ------------------------------------------------------------------------------ */

/* Where the device's accesses to a mapping really go: the bounce slot, or the memory itself. */
static uint64_t device_side(const struct run *run, uint64_t bus, uint64_t physical) {
    const struct ns_dma_mapping mapping = ns_dma_find_bus(run->dma, bus);
    return mapping.device != NULL && mapping.slot != NS_DMA_MAPPING_ERROR ? mapping.slot + (bus - mapping.bus)
                                                                          : physical;
}

/* On a machine with an MPU: the first byte whose maintenance would fault; UINT64_MAX: there is none. Regions begin and
 * end at pages. */
static uint64_t first_in_no_region(const struct run *run, uint64_t physical, uint64_t length) {
    const struct ns_machine_config *machine = &run->scenario->machine;
    const uint64_t end = physical + length;
    enum ns_memory_type type;
    if (machine->attributes != NS_ATTRIBUTES_MPU)
        return UINT64_MAX;
    for (uint64_t at = physical; at < end; at = (at / NS_PAGE_SIZE + 1) * NS_PAGE_SIZE)
        if (!ns_mpu_type(machine->mpu, machine->mpu_count, !machine->mpu_no_background, at, &type))
            return at;
    return UINT64_MAX;
}

static void map_refused(struct run *run, const struct ns_step *step, uint32_t event, uint64_t physical, uint64_t length,
                        enum ns_pool_status status) {
    const uint64_t uncovered = first_in_no_region(run, physical, length);
    char detail[256], end[NS_ADDRESS_TEXT];
    switch (status) {
    case NS_POOL_ERROR_NOT_ADDRESSABLE:
        snprintf(detail, sizeof detail,
                 "the mapping is refused (DMA_MAPPING_ERROR): %s's mask does not reach physical %s",
                 run->scenario->devices[step->device].name, ns_format_address(physical + length - 1, end));
        run_report(run, NS_AD_NOT_ADDRESSABLE, NS_SYMPTOM_ADDRESS, event, physical, length, detail);
        break;
    case NS_POOL_ERROR_EXHAUSTED:
        run_report(run, NS_PL_EXHAUSTED, NS_SYMPTOM_MISUSE, event, physical, length,
                   "the mapping is refused (DMA_MAPPING_ERROR): no bounce buffer is free");
        break;
    case NS_POOL_ERROR_ARGUMENT:
        if (uncovered != UINT64_MAX) {
            snprintf(detail, sizeof detail,
                     "the mapping is refused (DMA_MAPPING_ERROR): no region of the MPU covers %s, and "
                     "`mpu-background no` leaves it without a type",
                     ns_format_address(uncovered, end));
            run_report(run, NS_AT_PAGE_FAULT, NS_SYMPTOM_FAULT, event, physical, length, detail);
            break;
        }
        run_report(run, NS_OW_UNMAP_MISMATCH, NS_SYMPTOM_MISUSE, event, physical, length,
                   "the mapping is refused (DMA_MAPPING_ERROR): memory of this kind is not mapped in this way");
        break;
    default:
        run->limit = "more mappings live at one time than nosnoop keeps";
    }
}

static enum ns_pool_status call_map(struct run *run, const struct ns_step *step, uint64_t physical, uint64_t length,
                                    enum ns_dma_direction direction, unsigned attributes, uint64_t *bus) {
    const struct ns_pool_device *device = &run->device[step->device];
    if (step->verb == NS_VERB_MAP_RESOURCE)
        return ns_dma_map_resource(run->dma, device, physical, length, direction, attributes, bus);
    const uint64_t address = run_virtual(run, &step->ref);
    ns_debug_dma_map_single(run->debug, device, address, length);
    return ns_dma_map(run->dma, device, address, length, direction, attributes, bus);
}

void run_map(struct run *run, const struct ns_step *step) {
    const unsigned hart = step->actor;
    const unsigned device_actor = ns_machine_device_actor(run->machine, step->device);
    const uint64_t length = run_length(run, &step->ref);
    const bool resource = step->verb == NS_VERB_MAP_RESOURCE;
    /* The registers of another device have no mapping of their own: their address is physical. */
    const uint64_t physical = resource ? step->ref.address + (uint64_t)step->ref.offset : run_physical(run, &step->ref);
    const enum ns_dma_direction direction = pool_direction(step->direction);
    const unsigned attributes =
        (step->skip_cpu_sync ? NS_DMA_SKIP_CPU_SYNC : 0u) | (step->overwrite ? NS_DMA_OVERWRITE : 0u);
    struct ns_event event = {.kind = NS_EVENT_MAP,
                             .address = physical,
                             .length = (uint32_t)length,
                             .peer = (uint8_t)device_actor,
                             .direction = log_direction(direction),
                             .bus_address = ns_device_bus_address(run->machine, step->device, physical)};
    const uint32_t number = run_call_begin(run, hart, &event);
    uint64_t bus = NS_DMA_MAPPING_ERROR;
    const enum ns_pool_status status = call_map(run, step, physical, length, direction, attributes, &bus);
    check_map(run, step, physical, length, bus, direction, attributes);
    run_call_end(run, hart);
    if (status != NS_POOL_OK) {
        map_refused(run, step, number, physical, length, status);
    } else if (!resource) {
        run->log->event[number].bus_address = bus;
        const bool discards = !run->device[step->device].coherent && !step->skip_cpu_sync && map_discards(run);
        ns_tracker_map(run->tracker, number, device_actor, physical, length, event.direction, discards);
    }
    if (step->result != NS_NONE) {
        struct run_register *handle = &run->reg[step->result];
        handle->written = true;
        handle->bus = bus;
        handle->physical = physical;
        handle->device_side = status == NS_POOL_OK ? device_side(run, bus, physical) : physical;
        handle->length = length;
        handle->device = step->device;
        handle->direction = direction;
    }
}

void run_mapping_error(struct run *run, const struct ns_step *step) {
    uint32_t device;
    uint64_t bus;
    if (step->ref.kind == NS_REF_SEGMENT) {
        device = run->list[step->ref.index].device;
        bus = run->list[step->ref.index].segment[step->ref.element].bus;
    } else {
        device = run->reg[step->ref.index].device;
        bus = run->reg[step->ref.index].bus;
    }
    struct ns_event event = {.kind = NS_EVENT_MAPPING_ERROR,
                             .bus_address = bus,
                             .peer = (uint8_t)ns_machine_device_actor(run->machine, device)};
    (void)run_call_begin(run, step->actor, &event);
    (void)ns_dma_mapping_error(run->dma, &run->device[device], bus);
    ns_debug_dma_mapping_error(run->debug, &run->device[device], bus);
    run_call_end(run, step->actor);
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
    } else if (step->ref.kind == NS_REF_SEGMENT) {
        const struct run_list *list = &run->list[step->ref.index];
        mapped.device = step->device == NS_NONE ? list->device : step->device;
        mapped.direction = list->direction;
        mapped.bus = list->segment[step->ref.element].bus + (uint64_t)step->ref.offset;
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

void run_unmap_or_sync(struct run *run, const struct ns_step *step) {
    static const enum ns_event_kind kind[NS_VERB_COUNT] = {[NS_VERB_UNMAP] = NS_EVENT_UNMAP,
                                                           [NS_VERB_UNMAP_RESOURCE] = NS_EVENT_UNMAP,
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
    const unsigned attributes = step->skip_cpu_sync ? NS_DMA_SKIP_CPU_SYNC : 0;
    const uint64_t address = ns_machine_virtual(run->machine, mapped.physical);
    const struct ns_dma_mapping before = ns_dma_find(run->dma, address, 1);
    const uint32_t number = run_call_begin(run, hart, &event);
    enum ns_pool_status status;
    switch (step->verb) {
    case NS_VERB_UNMAP:
        status = ns_dma_unmap(run->dma, device, mapped.bus, mapped.length, mapped.direction, attributes);
        ns_debug_dma_unmap_page(run->debug, device, mapped.bus, mapped.length, mapped.direction, attributes);
        break;
    case NS_VERB_UNMAP_RESOURCE:
        status = ns_dma_unmap_resource(run->dma, device, mapped.bus, mapped.length, mapped.direction, attributes);
        ns_debug_dma_unmap_resource(run->debug, device, mapped.bus, mapped.length, mapped.direction, attributes);
        break;
    case NS_VERB_SYNC_FOR_CPU:
        status = ns_dma_sync_for_cpu(run->dma, device, mapped.bus, mapped.length, mapped.direction);
        ns_debug_dma_sync_single_for_cpu(run->debug, device, mapped.bus, mapped.length, mapped.direction);
        break;
    default:
        status = ns_dma_sync_for_device(run->dma, device, mapped.bus, mapped.length, mapped.direction);
        ns_debug_dma_sync_single_for_device(run->debug, device, mapped.bus, mapped.length, mapped.direction);
    }
    run_call_end(run, hart);
    if (before.device == NULL)
        return;
    /* Bytes change hands when the API says so: a mismatched unmap may end the mapping, a refused sync lends nothing. */
    const bool ends = step->verb == NS_VERB_UNMAP || step->verb == NS_VERB_UNMAP_RESOURCE;
    const unsigned owner = ns_machine_device_actor(run->machine, device_number(run, before.device));
    const struct ns_dma_mapping after = ns_dma_find(run->dma, address, 1);
    if (ends && (after.device != before.device || after.bus != before.bus))
        ns_tracker_unmap(run->tracker, number, owner, before.physical);
    else if (!ends && status == NS_POOL_OK)
        ns_tracker_sync(run->tracker, number, owner, mapped.physical, mapped.length,
                        step->verb == NS_VERB_SYNC_FOR_CPU);
}

/* ---- lists ----------------------------------------------------------------------------------- */

void run_map_sg(struct run *run, const struct ns_step *step) {
    const unsigned hart = step->actor;
    const unsigned device_actor = ns_machine_device_actor(run->machine, step->device);
    const struct ns_pool_device *device = &run->device[step->device];
    const enum ns_dma_direction direction = pool_direction(step->direction);
    const unsigned attributes = step->skip_cpu_sync ? NS_DMA_SKIP_CPU_SYNC : 0;
    struct run_list *list = &run->list[step->list];
    struct ns_debug_segment segment[NS_LIMIT_LIST_ENTRIES];
    uint64_t bytes = 0;
    for (uint32_t i = 0; i < step->entry_count; i++) {
        const struct ns_ref *ref = &step->entries[i];
        list->segment[i] = (struct run_segment){.virtual_address = run_virtual(run, ref),
                                                .physical = run_physical(run, ref),
                                                .bus = NS_DMA_MAPPING_ERROR,
                                                .length = ref->length};
        list->entry[i] =
            (struct ns_scatterlist){.virtual_address = list->segment[i].virtual_address, .length = ref->length};
        bytes += ref->length;
    }
    list->device = step->device;
    list->direction = direction;
    struct ns_event event = {.kind = NS_EVENT_MAP,
                             .address = list->segment[0].physical,
                             .length = (uint32_t)bytes,
                             .peer = (uint8_t)device_actor,
                             .direction = log_direction(direction),
                             .bus_address =
                                 ns_device_bus_address(run->machine, step->device, list->segment[0].physical)};
    const uint32_t number = run_call_begin(run, hart, &event);
    size_t mapped = 0;
    const enum ns_pool_status status =
        ns_dma_map_sg(run->dma, device, list->entry, step->entry_count, direction, attributes, &mapped);
    list_segments(list, step->entry_count, segment);
    const struct ns_debug_list all = ns_debug_list_of(segment, step->entry_count);
    ns_debug_dma_map_sg(run->debug, device, &all, mapped, direction, attributes);
    run_call_end(run, hart);
    list->mapped = status == NS_POOL_OK;
    if (status != NS_POOL_OK) {
        uint32_t refused = 0;
        for (uint32_t i = step->entry_count; i-- > 0;)
            if (first_in_no_region(run, list->segment[i].physical, list->segment[i].length) != UINT64_MAX)
                refused = i;
        map_refused(run, step, number, list->segment[refused].physical, list->segment[refused].length, status);
        return;
    }
    const bool discards = !device->coherent && !step->skip_cpu_sync && map_discards(run);
    for (uint32_t i = 0; i < step->entry_count; i++) {
        struct run_segment *one = &list->segment[i];
        one->bus = list->entry[i].bus;
        one->device_side = device_side(run, one->bus, one->physical);
        ns_tracker_map(run->tracker, number, device_actor, one->physical, one->length, event.direction, discards);
    }
}

static enum ns_pool_status call_list(struct run *run, const struct ns_step *step, const struct ns_pool_device *device,
                                     const struct run_list *list, uint32_t count, enum ns_dma_direction direction) {
    const unsigned attributes = step->skip_cpu_sync ? NS_DMA_SKIP_CPU_SYNC : 0;
    struct ns_debug_segment segment[NS_LIMIT_LIST_ENTRIES];
    const uint32_t entries = (uint32_t)run->scenario->lists[step->list].count;
    list_segments(list, entries, segment);
    const struct ns_debug_list all = ns_debug_list_of(segment, entries);
    enum ns_pool_status status;
    switch (step->verb) {
    case NS_VERB_UNMAP_SG:
        ns_debug_dma_unmap_sg(run->debug, device, &all, count, direction, attributes);
        return ns_dma_unmap_sg(run->dma, device, list->entry, count, direction, attributes);
    case NS_VERB_SYNC_SG_FOR_CPU:
        status = ns_dma_sync_sg_for_cpu(run->dma, device, list->entry, count, direction);
        ns_debug_dma_sync_sg_for_cpu(run->debug, device, &all, count, direction);
        return status;
    default:
        status = ns_dma_sync_sg_for_device(run->dma, device, list->entry, count, direction);
        ns_debug_dma_sync_sg_for_device(run->debug, device, &all, count, direction);
        return status;
    }
}

void run_unmap_or_sync_sg(struct run *run, const struct ns_step *step) {
    static const enum ns_event_kind kind[NS_VERB_COUNT] = {[NS_VERB_UNMAP_SG] = NS_EVENT_UNMAP,
                                                           [NS_VERB_SYNC_SG_FOR_CPU] = NS_EVENT_SYNC_FOR_CPU,
                                                           [NS_VERB_SYNC_SG_FOR_DEVICE] = NS_EVENT_SYNC_FOR_DEVICE};
    const struct run_list *list = &run->list[step->list];
    if (list->segment[0].bus == NS_DMA_MAPPING_ERROR)
        return; /* its map had failed, or did not come yet */
    const uint32_t index = step->device == NS_NONE ? list->device : step->device;
    const uint32_t count =
        step->entry_count != 0 ? step->entry_count : (uint32_t)run->scenario->lists[step->list].count;
    const enum ns_dma_direction direction =
        step->direction == NS_DIRECTION_NONE ? list->direction : pool_direction(step->direction);
    const unsigned device_actor = ns_machine_device_actor(run->machine, index);
    uint64_t bytes = 0;
    bool live[NS_LIMIT_LIST_ENTRIES];
    for (uint32_t i = 0; i < count; i++) {
        bytes += list->segment[i].length;
        live[i] = ns_dma_find_bus(run->dma, list->segment[i].bus).device != NULL;
    }
    struct ns_event event = {.kind = (uint8_t)kind[step->verb],
                             .address = list->segment[0].physical,
                             .length = (uint32_t)bytes,
                             .bus_address = list->segment[0].bus,
                             .peer = (uint8_t)device_actor,
                             .direction = log_direction(direction)};
    const uint32_t number = run_call_begin(run, step->actor, &event);
    const enum ns_pool_status status = call_list(run, step, &run->device[index], list, count, direction);
    run_call_end(run, step->actor);
    const unsigned owner = ns_machine_device_actor(run->machine, list->device);
    for (uint32_t i = 0; i < count; i++) {
        const struct run_segment *one = &list->segment[i];
        if (step->verb == NS_VERB_UNMAP_SG && live[i] && ns_dma_find_bus(run->dma, one->bus).device == NULL)
            ns_tracker_unmap(run->tracker, number, owner, one->physical);
        else if (step->verb != NS_VERB_UNMAP_SG && status == NS_POOL_OK)
            ns_tracker_sync(run->tracker, number, owner, one->physical, one->length,
                            step->verb == NS_VERB_SYNC_SG_FOR_CPU);
    }
}
