/* SPDX-License-Identifier: Apache-2.0 */
/* Steps that take memory and give it back. */
#include "scenarios/run_internal.h"

#include <stdio.h>
#include <string.h>

/* ---- allocation ------------------------------------------------------------------------------ */

/* What accesses to coherent memory are meant to be: never cacheable, and strongly ordered where the kernel asks for
 * that (RISC-V from 5.19 to 6.17). */
static enum ns_memory_type coherent_type(const struct run *run, const struct ns_object *declared) {
    const struct ns_dma_direct_config *config = &run->direct->config;
    const enum ns_port_type asked =
        ns_dma_pgprot(config->pgprot, config->arch_has_dma_write_combine, false, (unsigned)declared->attributes);
    return asked == NS_PORT_IO ? NS_TYPE_IO : NS_TYPE_NC;
}

static void object_begin(struct run *run, uint32_t index, const struct run_object *made, bool coherent) {
    const struct ns_object *declared = &run->scenario->objects[index];
    struct run_object *object = &run->object[index];
    const uint32_t before = object->size == 0 ? NS_NO_OBJECT : object->tracked;
    *object = *made;
    object->exists = true;
    object->size = declared->size;
    struct ns_tracked_object tracked = {.first = made->physical,
                                        .length = declared->size,
                                        .coherent = coherent,
                                        .type = coherent ? coherent_type(run, declared) : NS_TYPE_CACHEABLE,
                                        .descriptor = declared->descriptor};
    snprintf(tracked.name, sizeof tracked.name, "%s", declared->name);
    object->tracked = before;
    if (before == NS_NO_OBJECT)
        object->tracked = ns_tracker_add_object(run->tracker, &tracked);
    else
        ns_tracker_replace_object(run->tracker, before, &tracked);
}

/* An allocation that failed. Why decides what it is: nothing left, or nothing left that the device reaches. With an MPU
 * there never is coherent memory for a device that does not snoop: no region is made while the machine runs. */
static void allocation_failed(struct run *run, uint32_t event, const char *name, enum ns_pool_status status,
                              bool coherent) {
    char detail[256];
    const bool regions_decide = coherent && run->scenario->machine.attributes == NS_ATTRIBUTES_MPU;
    snprintf(detail, sizeof detail, "no memory for `%s`: %s", name,
             status == NS_POOL_ERROR_EXHAUSTED && regions_decide
                 ? "with an MPU nothing becomes non-cacheable while the machine runs; declare it in a region of type "
                   "`nc`: `buffer NAME size N type nc at ADDRESS`"
                 : ns_pool_status_text(status));
    if (status == NS_POOL_ERROR_NOT_ADDRESSABLE)
        run_report(run, NS_AD_NOT_ADDRESSABLE, NS_SYMPTOM_ADDRESS, event, 0, 0, detail);
    else
        run_report(run, NS_PL_EXHAUSTED, NS_SYMPTOM_MISUSE, event, 0, 0, detail);
}

/* Ends the call. What was allocated becomes the object; a misuse has been told where it was found. */
static void finish(struct run *run, const struct ns_step *step, uint32_t event, enum ns_pool_status status,
                   const struct run_object *made, bool coherent) {
    const struct ns_object *declared = &run->scenario->objects[step->result];
    run_call_end(run, step->actor);
    if (status != NS_POOL_OK) {
        if (status != NS_POOL_ERROR_MISUSE)
            allocation_failed(run, event, declared->name, status, coherent);
        return;
    }
    run->log->event[event].address = made->physical;
    run->log->event[event].bus_address = made->bus;
    ns_tracker_alloc(run->tracker, event, made->physical, declared->size);
    object_begin(run, step->result, made, coherent);
}

static enum ns_pool_status take_buffer(struct ns_buffer_pool *pool, struct run_object *made) {
    struct ns_buffer_address at = {0};
    enum ns_pool_status status = ns_buffer_pool_allocate(pool, &made->buffer);
    if (status == NS_POOL_OK)
        status = ns_buffer_pool_address(pool, made->buffer, &at);
    made->virtual_address = at.virtual_address;
    return status;
}

static enum ns_pool_status take_granules(const struct run_pool *pool, const struct ns_step *step,
                                         struct run_object *made) {
    const struct ns_gen_pool_data_fixed fixed = {.offset = step->offset};
    made->virtual_address = step->has_offset
                                ? ns_gen_pool_alloc_algorithm(pool->gen, step->size, ns_gen_pool_fixed_alloc, &fixed)
                                : ns_gen_pool_alloc(pool->gen, step->size);
    return made->virtual_address != 0 ? NS_POOL_OK : NS_POOL_ERROR_EXHAUSTED;
}

void run_alloc(struct run *run, const struct ns_step *step) {
    const struct ns_pool_declaration *declared = &run->scenario->pools[step->pool];
    const struct run_pool *pool = &run->pool[step->pool];
    const ns_gfp gfp = step->has_gfp ? step->gfp : NS_GFP_KERNEL;
    struct ns_event event = {.kind = NS_EVENT_ALLOC, .length = run->scenario->objects[step->result].size, .peer = 0xff};
    const uint32_t number = run_call_begin(run, step->actor, &event);
    struct run_object made = {.bus = NS_DMA_MAPPING_ERROR};
    enum ns_pool_status status = NS_POOL_OK;
    switch (declared->kind) {
    case NS_POOL_BUFFERS:
        status = take_buffer(pool->buffers, &made);
        break;
    case NS_POOL_BLOCKS:
        status = ns_dma_pool_alloc_gfp(pool->blocks, gfp, &made.virtual_address, &made.bus);
        break;
    case NS_POOL_GEN:
        status = take_granules(pool, step, &made);
        break;
    case NS_POOL_HEAP:
        status = ns_kmalloc_alloc(pool->heap, step->size, gfp, &made.virtual_address);
        break;
    }
    made.cookie = made.virtual_address;
    if (status == NS_POOL_OK)
        made.physical = ns_machine_physical(run->machine, made.virtual_address);
    finish(run, step, number, status, &made,
           declared->kind == NS_POOL_BLOCKS && !run->device[declared->device].coherent);
}

void run_alloc_pages(struct run *run, const struct ns_step *step) {
    struct ns_event event = {.kind = NS_EVENT_ALLOC, .length = run->scenario->objects[step->result].size, .peer = 0xff};
    const uint32_t number = run_call_begin(run, step->actor, &event);
    struct run_object made = {.bus = NS_DMA_MAPPING_ERROR};
    const enum ns_pool_status status =
        ns_alloc_pages(run->frames, step->has_gfp ? step->gfp : NS_GFP_KERNEL, step->order, &made.physical);
    made.virtual_address = status == NS_POOL_OK ? ns_machine_virtual(run->machine, made.physical) : 0;
    made.cookie = made.virtual_address;
    finish(run, step, number, status, &made, false);
}

/* ---- coherent memory ------------------------------------------------------------------------- */

void run_alloc_coherent(struct run *run, const struct ns_step *step) {
    const struct ns_object *declared = &run->scenario->objects[step->result];
    const struct ns_pool_device *device = &run->device[step->device];
    const ns_gfp gfp = step->has_gfp ? step->gfp : NS_GFP_KERNEL;
    const enum ns_prepare_coherent prepare = run->direct->config.prepare;
    struct ns_event event = {.kind = NS_EVENT_ALLOC_COHERENT,
                             .length = declared->size,
                             .peer = (uint8_t)ns_machine_device_actor(run->machine, step->device)};
    const uint32_t number = run_call_begin(run, step->actor, &event);
    struct run_object made = {.bus = NS_DMA_MAPPING_ERROR};
    enum ns_pool_status status;
    if (step->skip_flush)
        run->direct->config.prepare = NS_PREPARE_NONE;
    if (declared->allocation == NS_ALLOCATION_MANAGED && run->devres[step->device] == NULL)
        status = NS_POOL_ERROR_ARGUMENT; /* the driver is gone */
    else if (declared->allocation == NS_ALLOCATION_MANAGED)
        status = ns_dmam_alloc_attrs(run->devres[step->device], declared->size, gfp, step->attributes, &made.cookie,
                                     &made.bus);
    else
        status =
            ns_dma_alloc_attrs(run->direct, device, declared->size, gfp, step->attributes, &made.cookie, &made.bus);
    run->direct->config.prepare = prepare;
    const bool mapped = (step->attributes & NS_DMA_NO_KERNEL_MAPPING) == 0;
    if (status == NS_POOL_OK) {
        made.virtual_address = mapped ? made.cookie : 0;
        made.physical = mapped ? ns_machine_physical(run->machine, made.cookie) : ns_bus_to_physical(device, made.bus);
        if (device->device_pool == NULL)
            ns_debug_dma_alloc_coherent(run->debug, device, declared->size, made.bus, made.virtual_address,
                                        step->attributes);
    }
    finish(run, step, number, status, &made, !device->coherent);
}

/* What a wrong free says in place of what its allocation returned. */
static uint64_t handle_of(const struct run *run, const struct ns_step *step, const struct run_object *object) {
    if (!step->has_handle)
        return object->bus;
    switch (step->value.kind) {
    case NS_VALUE_REGISTER: {
        const struct run_register *from = &run->reg[step->value.index];
        uint64_t value = 0;
        if (run->scenario->registers[step->value.index].is_handle)
            return from->bus;
        memcpy(&value, from->data != NULL ? from->data : (const uint8_t *)&value,
               from->data != NULL && from->size < sizeof value ? from->size : sizeof value);
        return value;
    }
    case NS_VALUE_OBJECT:
        return run->object[step->value.index].bus != NS_DMA_MAPPING_ERROR ? run->object[step->value.index].bus
                                                                          : run->object[step->value.index].physical;
    default:
        return step->value.number;
    }
}

static enum ns_pool_status free_coherent(struct run *run, const struct ns_step *step, const struct ns_object *declared,
                                         const struct run_object *object) {
    const uint32_t index = step->device != NS_NONE ? step->device : declared->device;
    const struct ns_pool_device *device = &run->device[index];
    const uint64_t size = step->has_size ? step->size : object->size;
    const uint64_t bus = handle_of(run, step, object);
    if (device->device_pool == NULL)
        ns_debug_dma_free_coherent(run->debug, device, size, object->virtual_address, bus, declared->attributes);
    if (declared->allocation == NS_ALLOCATION_MANAGED && run->devres[index] != NULL)
        return ns_dmam_free_coherent(run->devres[index], size, object->cookie, bus);
    return ns_dma_free_attrs(run->direct, device, size, object->cookie, bus, declared->attributes);
}

/* ---- free ------------------------------------------------------------------------------------ */

static enum ns_pool_status free_to_pool(struct run *run, const struct ns_step *step, const struct ns_object *declared,
                                        const struct run_object *object) {
    const struct run_pool *pool = &run->pool[declared->pool];
    switch (run->scenario->pools[declared->pool].kind) {
    case NS_POOL_BUFFERS:
        return ns_buffer_pool_release(pool->buffers, object->buffer);
    case NS_POOL_BLOCKS:
        return ns_dma_pool_free(pool->blocks, object->cookie, handle_of(run, step, object));
    case NS_POOL_GEN:
        return ns_gen_pool_free(pool->gen, object->cookie, step->has_size ? step->size : object->size);
    case NS_POOL_HEAP:
        break;
    }
    return ns_kmalloc_free(pool->heap, object->cookie);
}

void run_free(struct run *run, const struct ns_step *step) {
    const uint32_t index = step->ref.index;
    struct run_object *object = &run->object[index];
    const struct ns_object *declared = &run->scenario->objects[index];
    if (object->size == 0)
        return; /* its allocation had failed */
    struct ns_event event = {
        .kind = NS_EVENT_FREE, .address = object->physical, .length = (uint32_t)object->size, .peer = 0xff};
    const uint32_t number = run_call_begin(run, step->actor, &event);
    if (object->virtual_address != 0)
        (void)ns_dma_check_free(run->dma, object->virtual_address, object->size);
    enum ns_pool_status status;
    switch (declared->allocation) {
    case NS_ALLOCATION_POOL:
        status = free_to_pool(run, step, declared, object);
        break;
    case NS_ALLOCATION_PAGES:
        status = ns_free_pages(run->frames, object->physical, declared->order);
        break;
    default:
        status = free_coherent(run, step, declared, object);
    }
    run_call_end(run, step->actor);
    if (status == NS_POOL_OK) {
        object->exists = false;
        ns_tracker_free(run->tracker, number, object->physical, object->size);
    }
}

/* ---- pinned pages, drivers, deferred work ---------------------------------------------------- */

void run_pin(struct run *run, const struct ns_step *step) {
    const uint64_t page = run_physical(run, &step->ref) / NS_PAGE_SIZE * NS_PAGE_SIZE;
    const bool pins = step->verb == NS_VERB_PIN;
    struct ns_event event = {.kind = NS_EVENT_PIN, .address = page, .length = NS_PAGE_SIZE, .peer = 0xff, .op = pins};
    const uint32_t number = run_call_begin(run, step->actor, &event);
    const enum ns_pool_status status =
        pins ? ns_cma_pin(run->default_area, page) : ns_cma_unpin(run->default_area, page);
    run_call_end(run, step->actor);
    if (status != NS_POOL_OK)
        run_report(run, NS_PL_REF, NS_SYMPTOM_MISUSE, number, page, NS_PAGE_SIZE,
                   pins ? "the page is not in the area any more: it cannot be pinned there"
                        : "an unpin without a pin, or of a page that was moved");
}

/* Managed memory goes back, newest first, and every object that was managed is free. */
static void release_managed(struct run *run, uint32_t device, uint32_t event) {
    for (size_t i = 0; i < run->scenario->object_count; i++) {
        struct run_object *object = &run->object[i];
        const struct ns_object *declared = &run->scenario->objects[i];
        if (!object->exists || declared->kind != NS_OBJECT_ALLOCATED || declared->allocation != NS_ALLOCATION_MANAGED ||
            declared->device != device)
            continue;
        ns_debug_dma_free_coherent(run->debug, &run->device[device], object->size, object->virtual_address, object->bus,
                                   declared->attributes);
        object->exists = false;
        ns_tracker_free(run->tracker, event, object->physical, object->size);
    }
    (void)ns_devres_release_all(run->devres[device]);
    run->devres[device] = NULL;
}

void run_unbind(struct run *run, const struct ns_step *step) {
    struct ns_event event = {.kind = NS_EVENT_UNBIND,
                             .peer = (uint8_t)ns_machine_device_actor(run->machine, step->device)};
    const uint32_t number = run_call_begin(run, step->actor, &event);
    if (run->devres[step->device] != NULL)
        release_managed(run, step->device, number);
    ns_debug_dma_driver_released(run->debug, &run->device[step->device]);
    run_call_end(run, step->actor);
}

void run_worker(struct run *run, const struct ns_step *step) {
    struct ns_event event = {.kind = NS_EVENT_WORKER, .peer = 0xff};
    (void)run_call_begin(run, step->actor, &event);
    if (run->direct->atomic_pools != NULL)
        ns_atomic_pools_work(run->direct);
    run_call_end(run, step->actor);
}
