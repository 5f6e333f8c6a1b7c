/* SPDX-License-Identifier: Apache-2.0 */
/* Boots the kernel that the machine names: page frames, areas, pools, mappings and checks, in the kernel's order. */
#include "scenarios/run_internal.h"

#include <stdio.h>
#include <stdlib.h>

#define FOUR_GIB (UINT64_C(1) << 32)

/* ---- page frames and reserved memory --------------------------------------------------------- */

static bool prepare_frames(struct run *run) {
    const struct ns_machine_config *machine = &run->scenario->machine;
    struct ns_frame_region *region = calloc(run->placement.gap_count + 1, sizeof *region);
    if (region == NULL)
        return false;
    for (size_t i = 0; i < run->placement.gap_count; i++)
        region[i] = (struct ns_frame_region){run->placement.gap[i].start, run->placement.gap[i].length};
    const struct ns_zone_limits limits = {
        .dma = machine->kernel.zone_dma ? machine->zone_dma_limit / NS_PAGE_SIZE * NS_PAGE_SIZE : 0, .dma32 = FOUR_GIB};
    const bool made =
        ns_frames_create(&run->port.port, region, run->placement.gap_count, &limits, &run->frames) == NS_POOL_OK;
    free(region);
    return made;
}

static uint64_t ram_end(const struct run *run) {
    uint64_t end = 0;
    for (size_t i = 0; i < run->scenario->machine.ram_count; i++) {
        const struct ns_ram *ram = &run->scenario->machine.ram[i];
        end = ram->start + ram->length > end ? ram->start + ram->length : end;
    }
    return end;
}

/* ---- contiguous memory ----------------------------------------------------------------------- */

/* A movable page goes elsewhere: its buffer is there from now on. */
static void page_moved(void *context, uint64_t owner, uint64_t from, uint64_t to) {
    struct run *run = context;
    struct run_object *object = &run->object[owner];
    const struct ns_object *declared = &run->scenario->objects[owner];
    if (object->physical < from || object->physical - from >= NS_PAGE_SIZE)
        return;
    object->physical = to + (object->physical - from);
    object->virtual_address = ns_machine_virtual(run->machine, object->physical);
    struct ns_tracked_object tracked = {.first = object->physical,
                                        .length = object->size,
                                        .type = NS_TYPE_CACHEABLE,
                                        .descriptor = declared->descriptor};
    snprintf(tracked.name, sizeof tracked.name, "%s", declared->name);
    ns_tracker_replace_object(run->tracker, object->tracked, &tracked);
}

static enum ns_pool_status prepare_area(struct run *run, const struct ns_placed_area *placed, struct ns_cma **area) {
    const struct ns_machine_config *machine = &run->scenario->machine;
    struct ns_frame_region ram[NS_CONFIG_MAX_RAMS];
    for (size_t i = 0; i < machine->ram_count; i++)
        ram[i] = (struct ns_frame_region){machine->ram[i].start, machine->ram[i].length};
    const struct ns_cma_config config = {
        .memory = {.ram = ram,
                   .ram_count = machine->ram_count,
                   .zones = {.dma = machine->kernel.zone_dma ? machine->zone_dma_limit : 0, .dma32 = FOUR_GIB}},
        .request = {.base = placed->start, .size = placed->length, .minimum_alignment = NS_PAGE_SIZE, .fixed = true},
        .frames = run->frames,
        .moved = page_moved,
        .moved_context = run,
        .strict = !machine->kernel.kernel_checks};
    return ns_cma_create(&run->port.port, &config, area);
}

static enum ns_pool_status prepare_areas(struct run *run) {
    static const char *const source[] = {[NS_CONFIG_CMA_COMMAND_LINE] = "the default area is that of the command line",
                                         [NS_CONFIG_CMA_DEVICE_TREE] = "the default area is that of the device tree",
                                         [NS_CONFIG_CMA_BUILT_IN] = "the default area is the built-in one"};
    enum ns_pool_status status = NS_POOL_OK;
    for (size_t i = 0; i < run->placement.area_count && status == NS_POOL_OK; i++) {
        const struct ns_placed_area *placed = &run->placement.area[i];
        status = prepare_area(run, placed, &run->area[i]);
        if (placed->device == NS_NONE) {
            run->default_area = run->area[i];
            run->port.port.say(run->port.port.context, NS_SAY_DECISION, "dma_contiguous_reserve",
                               source[placed->source], 0, 0);
        } else {
            run->device[placed->device].cma_area = run->area[i];
        }
    }
    return status;
}

/* User pages come when the kernel is up: into the lowest pages of the area that the atomic pools have left. */
static enum ns_pool_status place_movable_buffers(struct run *run) {
    struct ns_port *port = &run->port.port;
    enum ns_pool_status status = NS_POOL_OK;
    for (size_t i = 0; i < run->scenario->object_count && status == NS_POOL_OK; i++) {
        const struct ns_object *declared = &run->scenario->objects[i];
        struct run_object *object = &run->object[i];
        uint64_t physical = 0;
        if (!declared->movable)
            continue;
        status = ns_cma_place_movable(run->default_area, i, &physical);
        if (status != NS_POOL_OK || physical == object->physical)
            continue;
        page_moved(run, i, object->physical, physical);
        port->fill(port->context, object->virtual_address, object->size, declared->fill);
        port->maintain(port->context, NS_PORT_FLUSH, NS_PORT_SCOPE_POC, object->virtual_address, object->size);
        port->barrier(port->context);
    }
    return status;
}

/* ---- coherent memory ------------------------------------------------------------------------- */

static uint64_t set_uncached(void *context, uint64_t virtual_address, uint64_t size) {
    const struct run *run = context;
    uint64_t alias = 0;
    const uint64_t physical = ns_machine_physical(run->machine, virtual_address);
    return ns_dma_common_contiguous_remap(&run->port.port, physical, size, NS_PORT_NC, &alias) == NS_POOL_OK ? alias
                                                                                                             : 0;
}

static void clear_uncached(void *context, uint64_t virtual_address, uint64_t size) {
    const struct run *run = context;
    ns_dma_common_free_remap(&run->port.port, virtual_address, size);
}

static struct ns_dma_direct_config direct_config(struct run *run) {
    static const enum ns_kernel kernel[] = {[NS_CONFIG_KERNEL_5_10] = NS_KERNEL_5_10,
                                            [NS_CONFIG_KERNEL_6_17] = NS_KERNEL_6_17,
                                            [NS_CONFIG_KERNEL_7] = NS_KERNEL_7};
    static const enum ns_prepare_coherent prepare[] = {[NS_CONFIG_PREPARE_FLUSH] = NS_PREPARE_FLUSH,
                                                       [NS_CONFIG_PREPARE_MEMSET_FLUSH] = NS_PREPARE_ZERO_FLUSH,
                                                       [NS_CONFIG_PREPARE_NOT_READY] = NS_PREPARE_ZERO_FLUSH,
                                                       [NS_CONFIG_PREPARE_NONE] = NS_PREPARE_NONE};
    const struct ns_kernel_config *from = &run->scenario->machine.kernel;
    struct ns_dma_direct_config config = ns_dma_direct_preset(NS_DMA_PRESET_RISCV_6_18);
    config.kernel = kernel[from->version];
    config.dma_direct_remap = from->uncached == NS_CONFIG_UNCACHED_REMAP;
    config.arch_has_dma_set_uncached = from->uncached == NS_CONFIG_UNCACHED_SET;
    config.dma_coherent_pool = from->atomic_pool_size != 0;
    config.dma_global_pool = from->global_pool_size != 0;
    config.dma_cma = run->placement.area_count != 0;
    config.arch_has_dma_write_combine = true;
    config.prepare = prepare[from->prepare];
    config.prepare_waits_for_arch = from->prepare == NS_CONFIG_PREPARE_NOT_READY;
    config.pgprot = (enum ns_pgprot_arch)from->pgprot;
    config.arch = (struct ns_dma_arch){.context = run};
    if (config.arch_has_dma_set_uncached) {
        config.arch.set_uncached = set_uncached;
        config.arch.clear_uncached = clear_uncached;
    }
    config.ram_end = ram_end(run);
    config.cma = run->default_area;
    config.global_pool = run->global_pool;
    config.checks = from->kernel_checks ? NS_CHECKS_KERNEL : NS_CHECKS_STRICT;
    config.address_test = (enum ns_address_test)from->address_test;
    return config;
}

static enum ns_pool_status prepare_own_pools(struct run *run) {
    const struct ns_kernel_config *kernel = &run->scenario->machine.kernel;
    enum ns_pool_status status = NS_POOL_OK;
    if (kernel->global_pool_size != 0) {
        const struct ns_device_pool_config config = {
            .physical = kernel->global_pool_start, .length = kernel->global_pool_size, .translate = true};
        status = ns_device_pool_create(&run->port.port, &config, &run->global_pool);
    }
    for (size_t i = 0; i < run->scenario->device_count && status == NS_POOL_OK; i++) {
        const struct ns_device *device = &run->scenario->devices[i];
        struct ns_device_pool *pool;
        if (device->own_pool_size == 0)
            continue;
        const struct ns_device_pool_config config = {.physical = device->own_pool_start,
                                                     .length = device->own_pool_size,
                                                     .translate = true,
                                                     .historic_free = device->own_pool_historic};
        status = ns_device_pool_create(&run->port.port, &config, &pool);
        if (status == NS_POOL_OK)
            status = ns_device_pool_assign(&run->device[i], pool);
    }
    return status;
}

static enum ns_pool_status prepare_coherent(struct run *run) {
    const struct ns_kernel_config *kernel = &run->scenario->machine.kernel;
    enum ns_pool_status status = prepare_areas(run);
    if (status == NS_POOL_OK)
        status = prepare_own_pools(run);
    const struct ns_dma_direct_config config = direct_config(run);
    if (status == NS_POOL_OK)
        status = ns_dma_direct_create(&run->port.port, run->frames, &config, &run->direct);
    if (status == NS_POOL_OK && kernel->atomic_pool_size != 0) {
        const bool repaired = kernel->atomic_pool_repaired;
        const struct ns_atomic_pools_config pools = {.coherent_pool = kernel->atomic_pool_size,
                                                     .dma_pool_needs_pages = true,
                                                     .repairs = {.free_looks_everywhere = repaired,
                                                                 .keep_add_error = repaired,
                                                                 .free_cma_to_cma = repaired,
                                                                 .check_free = repaired}};
        status = ns_atomic_pools_create(run->direct, &pools);
        if (status == NS_POOL_ERROR_EXHAUSTED)
            status = NS_POOL_OK; /* the kernel boots on, with the pools that it got */
    }
    if (status == NS_POOL_OK) {
        ns_dma_direct_arch_ready(run->direct);
        status = place_movable_buffers(run);
    }
    for (size_t i = 0; i < run->scenario->device_count && status == NS_POOL_OK; i++) {
        const struct ns_devres_config devres = {.order = NS_DEVRES_RECORD_FIRST};
        status = ns_devres_create(run->direct, &run->device[i], &devres, &run->devres[i]);
    }
    return status;
}

/* ---- mappings and checks --------------------------------------------------------------------- */

static enum ns_pool_status prepare_mappings(struct run *run) {
    const struct ns_machine_config *machine = &run->scenario->machine;
    const struct ns_kernel_config *kernel = &machine->kernel;
    enum ns_pool_status status = NS_POOL_OK;
    if (kernel->swiotlb_slots != 0) {
        const struct ns_swiotlb_config config = {.slots = kernel->swiotlb_slots,
                                                 .version = (enum ns_swiotlb_version)kernel->swiotlb_version,
                                                 .offsets = (enum ns_swiotlb_offsets)kernel->swiotlb_offsets};
        status = ns_swiotlb_create(&run->port.port, run->frames, &config, &run->swiotlb);
    }
    for (size_t i = 0; i < machine->ram_count; i++)
        run->ram[i] = (struct ns_frame_region){machine->ram[i].start, machine->ram[i].length};
    const struct ns_dma_config config = {.platform = (enum ns_dma_platform)machine->dma_operations,
                                         .line_size = machine->cache.level[machine->cache.levels - 1].line,
                                         .mapping_capacity = 4096,
                                         .swiotlb = run->swiotlb,
                                         .bounce =
                                             kernel->swiotlb_force ? NS_DMA_BOUNCE_FORCE : NS_DMA_BOUNCE_WHEN_NEEDED,
                                         .panics_without_buffer = false,
                                         .dma_addr_bits = kernel->dma_address_bits,
                                         .ram = run->ram,
                                         .ram_count = machine->ram_count};
    if (status == NS_POOL_OK)
        status = ns_dma_create(&run->port.port, &config, &run->dma);
    if (status == NS_POOL_OK && kernel->dma_debug != NS_CONFIG_DEBUG_OFF) {
        struct ns_dma_debug_config debug =
            ns_dma_debug_defaults(kernel->dma_debug == NS_CONFIG_DEBUG_5_10 ? NS_DMA_DEBUG_5_10 : NS_DMA_DEBUG_7);
        debug.line_size = config.line_size;
        debug.all_errors = kernel->dma_debug_all;
        debug.segments = true;
        status = ns_dma_debug_create(&run->port.port, &debug, &run->debug);
    }
    return status;
}

/* ---- the scenario's own pools ---------------------------------------------------------------- */

static enum ns_pool_status prepare_gen_pool(struct run *run, const struct ns_pool_declaration *declared,
                                            struct run_pool *pool) {
    unsigned order = 0;
    while ((UINT64_C(1) << order) < declared->granule)
        order++;
    uint64_t physical = declared->address;
    enum ns_pool_status status = NS_POOL_OK;
    if (!declared->has_address) {
        const struct ns_frames_request request = {.count = (declared->size + NS_PAGE_SIZE - 1) / NS_PAGE_SIZE,
                                                  .alignment = 1,
                                                  .highest = UINT64_MAX,
                                                  .zone = NS_POOL_ZONE_NORMAL};
        status = ns_frames_allocate(run->frames, &request, &physical);
    }
    if (status == NS_POOL_OK)
        status = ns_gen_pool_create(&run->port.port, order, &pool->gen);
    if (status != NS_POOL_OK)
        return status;
    pool->align.align = declared->align;
    switch (declared->algorithm) {
    case NS_GEN_FIRST_FIT:
        break;
    case NS_GEN_BEST_FIT:
        ns_gen_pool_set_algorithm(pool->gen, ns_gen_pool_best_fit, NULL);
        break;
    case NS_GEN_ORDER_ALIGN:
        ns_gen_pool_set_algorithm(pool->gen, ns_gen_pool_first_fit_order_align, NULL);
        break;
    case NS_GEN_ALIGN:
        ns_gen_pool_set_algorithm(pool->gen, ns_gen_pool_first_fit_align, &pool->align);
        break;
    }
    ns_gen_pool_set_strict(pool->gen, declared->strict);
    return ns_gen_pool_add_virt(pool->gen, ns_machine_virtual(run->machine, physical), physical, declared->size);
}

/* The original takes its chunks below 16 MiB at boot; a machine without memory there gets them on demand. */
static enum ns_pool_status prepare_heap(struct run *run, const struct ns_pool_declaration *declared,
                                        struct run_pool *pool) {
    enum { MACH_CHUNKS = 32 };
    struct ns_kmalloc_options options = {0};
    if (!declared->historic)
        return ns_kmalloc_create(&run->port.port, run->frames, &options, &pool->heap);
    options = ns_kmalloc_gnu_mach(MACH_CHUNKS);
    enum ns_pool_status status = ns_kmalloc_create(&run->port.port, run->frames, &options, &pool->heap);
    if (status == NS_POOL_ERROR_EXHAUSTED) {
        options.reserve_chunks = 0;
        status = ns_kmalloc_create(&run->port.port, run->frames, &options, &pool->heap);
    }
    return status;
}

static enum ns_pool_status prepare_pool(struct run *run, const struct ns_pool_declaration *declared,
                                        struct run_pool *pool) {
    static const enum ns_dma_pool_checks checks[] = {[NS_BLOCKS_STRICT] = NS_DMA_POOL_STRICT,
                                                     [NS_BLOCKS_KERNEL] = NS_DMA_POOL_KERNEL,
                                                     [NS_BLOCKS_KERNEL_DEBUG] = NS_DMA_POOL_KERNEL_DEBUG};
    switch (declared->kind) {
    case NS_POOL_BUFFERS: {
        const struct ns_buffer_pool_options options = {
            .limit = declared->limit,
            .device = declared->device == NS_NONE ? NULL : &run->device[declared->device],
            .zero_on_allocate = declared->zero,
            .guard_fill = declared->guard,
            .faithful = declared->faithful};
        return ns_buffer_pool_create(&run->port.port, run->frames, declared->buffers, &options, &pool->buffers);
    }
    case NS_POOL_BLOCKS: {
        const struct ns_dma_pool_options options = {
            .design = declared->old_design ? NS_DMA_POOL_CHAINS : NS_DMA_POOL_LIST, .checks = checks[declared->checks]};
        return ns_dma_pool_create(run->direct, &run->device[declared->device], declared->name, declared->size,
                                  declared->align, declared->boundary, &options, &pool->blocks);
    }
    case NS_POOL_GEN:
        return prepare_gen_pool(run, declared, pool);
    case NS_POOL_HEAP:
        break;
    }
    return prepare_heap(run, declared, pool);
}

bool run_prepare_pools(struct run *run, char *message, size_t message_size) {
    const struct ns_scenario *scenario = run->scenario;
    run->port.hart = 0;
    if (!prepare_frames(run)) {
        run->no_memory = true;
        snprintf(message, message_size, "out of memory");
        return false;
    }
    enum ns_pool_status status = prepare_coherent(run);
    if (status == NS_POOL_OK)
        status = prepare_mappings(run);
    run->no_memory = run->no_memory || status == NS_POOL_ERROR_METADATA;
    if (status != NS_POOL_OK) {
        snprintf(message, message_size, "the kernel of this machine does not boot: %s", ns_pool_status_text(status));
        return false;
    }
    for (size_t i = 0; i < scenario->pool_count; i++) {
        status = prepare_pool(run, &scenario->pools[i], &run->pool[i]);
        run->no_memory = run->no_memory || status == NS_POOL_ERROR_METADATA;
        if (status != NS_POOL_OK) {
            snprintf(message, message_size, "the pool `%s` cannot be made: %s", scenario->pools[i].name,
                     ns_pool_status_text(status));
            return false;
        }
    }
    return true;
}
