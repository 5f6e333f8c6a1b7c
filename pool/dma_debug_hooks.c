/* SPDX-License-Identifier: Apache-2.0 */
#include "pool/dma_debug.h"

#include "pool/dma_debug_entries.h"
#include "pool/zone.h"

/* 7.x, DMA_ATTR_UNMAP_VALID: what must be the same at map and unmap. */
enum {
    SAME_AT_UNMAP = NS_DMA_NO_KERNEL_MAPPING | NS_DMA_FORCE_CONTIGUOUS | NS_DMA_MMIO | NS_DMA_REQUIRE_COHERENT |
                    NS_DMA_PRIVILEGED | NS_DMA_CC_SHARED
};

static bool off(const struct ns_dma_debug *debug) {
    return !debug || debug->counters.disabled;
}

static bool is_7(const struct ns_dma_debug *debug) {
    return debug->config.version == NS_DMA_DEBUG_7;
}

static enum ns_dma_debug_type page_type(const struct ns_dma_debug *debug) {
    return is_7(debug) ? NS_DMA_DEBUG_PHY : NS_DMA_DEBUG_SINGLE;
}

/* 5.10 passes no attributes to the hooks. */
static unsigned kept(const struct ns_dma_debug *debug, unsigned attributes) {
    return is_7(debug) ? attributes : 0;
}

/* ---- what memory it is ----------------------------------------------------------------------- */

static bool in_area(const struct ns_dma_debug *debug, enum ns_debug_area_kind kind, uint64_t address, uint64_t size) {
    const struct ns_dma_debug_config *config = &debug->config;
    for (size_t i = 0; i < config->area_count; i++) {
        const struct ns_debug_area *area = &config->areas[i];
        const bool begins_in_it = address - area->start < area->length;
        const bool ends_behind_its_start = area->start - address < size;
        if (area->kind == kind && (begins_in_it || ends_behind_its_start))
            return true;
    }
    return false;
}

/* False for what is not RAM. */
static bool linear_address(const struct ns_dma_debug *debug, uint64_t physical, uint64_t *address) {
    const struct ns_port *port = debug->port;
    *address = port->to_virtual(port->context, physical);
    return port->to_physical(port->context, *address) == physical;
}

/* A stack that is remapped has pages anywhere: each is compared. */
static bool is_page_of(const struct ns_dma_debug *debug, const struct ns_debug_area *stack, uint64_t physical) {
    const struct ns_port *port = debug->port;
    const uint64_t first = stack->start / NS_FRAME_SIZE;
    const uint64_t last = (stack->start + (stack->length - 1)) / NS_FRAME_SIZE;
    for (uint64_t page = first; page <= last; page++) {
        const uint64_t of_stack = port->to_physical(port->context, page * NS_FRAME_SIZE);
        uint64_t linear = 0;
        if (of_stack / NS_FRAME_SIZE == physical / NS_FRAME_SIZE && linear_address(debug, of_stack, &linear) &&
            linear != page * NS_FRAME_SIZE)
            return true;
    }
    return false;
}

static bool on_stack(const struct ns_dma_debug *debug, uint64_t physical) {
    uint64_t linear = 0;
    if (!linear_address(debug, physical, &linear))
        return false;
    if (in_area(debug, NS_DEBUG_AREA_STACK, linear, 1))
        return true;
    for (size_t i = 0; i < debug->config.area_count; i++)
        if (debug->config.areas[i].kind == NS_DEBUG_AREA_STACK && is_page_of(debug, &debug->config.areas[i], physical))
            return true;
    return false;
}

static void report_source(struct ns_dma_debug *debug, unsigned check, const struct ns_pool_device *device,
                          uint64_t address, uint64_t size) {
    const struct ns_dma_debug_report report = {.check = check, .device = device, .address = address, .length = size};
    ns_debug_report_error(debug, &report, NULL);
}

/* Checks 10 and 11. */
static void check_source(struct ns_dma_debug *debug, const struct ns_pool_device *device, uint64_t physical,
                         uint64_t size) {
    uint64_t linear = 0;
    const bool ram = linear_address(debug, physical, &linear);
    if (on_stack(debug, physical))
        report_source(debug, 10, device, linear, size);
    if (ram && in_area(debug, NS_DEBUG_AREA_TEXT, linear, size))
        report_source(debug, 11, device, linear, size);
}

/* Check 26. */
static void check_resource(struct ns_dma_debug *debug, const struct ns_debug_entry *entry) {
    uint64_t linear = 0;
    if (!linear_address(debug, entry->is.physical, &linear) || in_area(debug, NS_DEBUG_AREA_RESERVED, linear, 1))
        return;
    const struct ns_dma_debug_report report = {
        .check = 26, .device = entry->is.device, .address = entry->is.physical, .length = entry->is.size};
    ns_debug_report_error(debug, &report, entry);
}

/* Checks 20 and 21. */
static void check_segment(struct ns_dma_debug *debug, const struct ns_pool_device *device,
                          const struct ns_debug_segment *segment) {
    if (!device || (!is_7(debug) && !debug->config.segments))
        return;
    if (segment->length > ns_dma_max_segment_size(device))
        report_source(debug, 20, device, segment->bus, segment->length);
    const uint64_t end = segment->bus + segment->bus_length - 1;
    if (((segment->bus ^ end) & ~ns_dma_segment_boundary(device)) != 0)
        report_source(debug, 21, device, segment->bus, segment->bus_length);
}

/* ---- unmap and sync against the entry -------------------------------------------------------- */

/* What one call says, and what it is compared with. */
struct comparison {
    struct ns_dma_debug *debug;
    const struct ns_dma_debug_entry *said;
    const struct ns_debug_entry *entry; /* NULL: none found */
};

static void report_if(const struct comparison *c, bool wrong, unsigned check) {
    if (!wrong)
        return;
    const struct ns_dma_debug_report report = {.check = check,
                                               .device = c->said->device,
                                               .address = c->said->bus,
                                               .length = c->said->size,
                                               .said = *c->said,
                                               .count = check == 6 || check == 19 ? c->said->sg_call_entries : 0};
    ns_debug_report_error(c->debug, &report, c->entry);
}

static bool other_sg_count(const struct ns_dma_debug_entry *said, const struct ns_dma_debug_entry *is) {
    return said->sg_call_entries != 0 && said->type == NS_DMA_DEBUG_SG && said->sg_call_entries != is->sg_call_entries;
}

static bool has_cpu_address(enum ns_dma_debug_type type) {
    return type == NS_DMA_DEBUG_COHERENT || type == NS_DMA_DEBUG_NONCOHERENT;
}

/* Checks 1 to 9, in the kernel's order. */
static void check_unmap(struct ns_dma_debug *debug, const struct ns_dma_debug_entry *said) {
    struct ns_debug_entry *entry = ns_debug_find_exact(debug, said);
    const struct comparison c = {.debug = debug, .said = said, .entry = entry};
    if (!entry) {
        report_if(&c, true, said->bus == NS_DMA_MAPPING_ERROR ? 1 : 2);
        return;
    }
    const struct ns_dma_debug_entry *is = &entry->is;
    report_if(&c, said->size != is->size, 3);
    if (said->type != is->type)
        report_if(&c, true, 4);
    else
        report_if(&c, has_cpu_address(is->type) && said->physical != is->physical, 5);
    report_if(&c, other_sg_count(said, is), 6);
    report_if(&c, said->direction != is->direction, 7);
    report_if(&c, is->map_error == NS_DMA_DEBUG_NOT_CHECKED, 8);
    report_if(&c, ((said->attributes ^ is->attributes) & SAME_AT_UNMAP) != 0, 9);
    ns_debug_entry_remove(debug, entry);
}

/* Checks 14 to 19, in the kernel's order. */
static void check_sync(struct ns_dma_debug *debug, const struct ns_dma_debug_entry *said, bool for_cpu) {
    const struct ns_debug_entry *entry = ns_debug_find_containing(debug, said);
    const struct comparison c = {.debug = debug, .said = said, .entry = entry};
    if (!entry) {
        report_if(&c, true, 14);
        return;
    }
    const struct ns_dma_debug_entry *is = &entry->is;
    report_if(&c, said->size > is->size, 15);
    if (is->direction == NS_DMA_BIDIRECTIONAL)
        return; /* not even the sg entry count is compared */
    report_if(&c, said->direction != is->direction, 16);
    report_if(&c, for_cpu && is->direction != NS_DMA_FROM_DEVICE && said->direction != NS_DMA_TO_DEVICE, 17);
    report_if(&c, !for_cpu && is->direction != NS_DMA_TO_DEVICE && said->direction != NS_DMA_FROM_DEVICE, 18);
    report_if(&c, other_sg_count(said, is), 19);
}

/* ---- one mapping ----------------------------------------------------------------------------- */

static void add(struct ns_dma_debug *debug, const struct ns_dma_debug_entry *is) {
    struct ns_debug_entry *entry = ns_debug_entry_take(debug);
    if (!entry)
        return;
    entry->is = *is;
    ns_debug_entry_add(debug, entry);
}

void ns_debug_dma_map_single(struct ns_dma_debug *debug, const struct ns_pool_device *device, uint64_t virtual_address,
                             uint64_t size) {
    if (off(debug))
        return;
    const bool vmalloc = in_area(debug, NS_DEBUG_AREA_VMALLOC, virtual_address, 1);
    if (vmalloc || in_area(debug, NS_DEBUG_AREA_INVALID, virtual_address, 1))
        report_source(debug, 12, device, virtual_address, size);
    if (vmalloc)
        report_source(debug, 13, device, virtual_address, size);
}

/* The entry is taken before the checks and added behind them, as in the kernel: when none is left, nothing is checked.
 */
void ns_debug_dma_map_page(struct ns_dma_debug *debug, const struct ns_pool_device *device, uint64_t physical,
                           uint64_t size, enum ns_dma_direction direction, uint64_t bus, unsigned attributes) {
    if (off(debug) || bus == NS_DMA_MAPPING_ERROR)
        return;
    struct ns_debug_entry *entry = ns_debug_entry_take(debug);
    if (!entry)
        return;
    entry->is = (struct ns_dma_debug_entry){.device = device,
                                            .type = page_type(debug),
                                            .physical = physical,
                                            .bus = bus,
                                            .size = size,
                                            .direction = direction,
                                            .attributes = kept(debug, attributes),
                                            .map_error = NS_DMA_DEBUG_NOT_CHECKED};
    if (entry->is.attributes & NS_DMA_MMIO)
        check_resource(debug, entry);
    else
        check_source(debug, device, physical, size);
    ns_debug_entry_add(debug, entry);
}

void ns_debug_dma_mapping_error(struct ns_dma_debug *debug, const struct ns_pool_device *device, uint64_t bus) {
    if (off(debug))
        return;
    struct ns_debug_entry *entry = debug->buckets[(size_t)(bus >> NS_DEBUG_HASH_SHIFT) & debug->bucket_mask];
    for (; entry; entry = entry->next) {
        if (entry->is.bus == bus && entry->is.device == device && entry->is.map_error == NS_DMA_DEBUG_NOT_CHECKED) {
            entry->is.map_error = NS_DMA_DEBUG_CHECKED;
            return;
        }
    }
}

void ns_debug_dma_unmap_page(struct ns_dma_debug *debug, const struct ns_pool_device *device, uint64_t bus,
                             uint64_t size, enum ns_dma_direction direction, unsigned attributes) {
    if (off(debug))
        return;
    const struct ns_dma_debug_entry said = {.device = device,
                                            .type = page_type(debug),
                                            .bus = bus,
                                            .size = size,
                                            .direction = direction,
                                            .attributes = kept(debug, attributes)};
    check_unmap(debug, &said);
}

void ns_debug_dma_map_resource(struct ns_dma_debug *debug, const struct ns_pool_device *device, uint64_t physical,
                               uint64_t size, enum ns_dma_direction direction, uint64_t bus, unsigned attributes) {
    if (off(debug))
        return;
    if (is_7(debug)) {
        ns_debug_dma_map_page(debug, device, physical, size, direction, bus, attributes | NS_DMA_MMIO);
        return;
    }
    const struct ns_dma_debug_entry is = {.device = device,
                                          .type = NS_DMA_DEBUG_RESOURCE,
                                          .physical = physical,
                                          .bus = bus,
                                          .size = size,
                                          .direction = direction,
                                          .map_error = NS_DMA_DEBUG_NOT_CHECKED};
    add(debug, &is);
}

void ns_debug_dma_unmap_resource(struct ns_dma_debug *debug, const struct ns_pool_device *device, uint64_t bus,
                                 uint64_t size, enum ns_dma_direction direction, unsigned attributes) {
    if (off(debug))
        return;
    if (is_7(debug)) {
        ns_debug_dma_unmap_page(debug, device, bus, size, direction, attributes | NS_DMA_MMIO);
        return;
    }
    const struct ns_dma_debug_entry said = {
        .device = device, .type = NS_DMA_DEBUG_RESOURCE, .bus = bus, .size = size, .direction = direction};
    check_unmap(debug, &said);
}

static struct ns_dma_debug_entry said_by_sync(const struct ns_pool_device *device, uint64_t bus, uint64_t size,
                                              enum ns_dma_direction direction) {
    return (struct ns_dma_debug_entry){
        .device = device, .type = NS_DMA_DEBUG_SINGLE, .bus = bus, .size = size, .direction = direction};
}

void ns_debug_dma_sync_single_for_cpu(struct ns_dma_debug *debug, const struct ns_pool_device *device, uint64_t bus,
                                      uint64_t size, enum ns_dma_direction direction) {
    const struct ns_dma_debug_entry said = said_by_sync(device, bus, size, direction);
    if (!off(debug))
        check_sync(debug, &said, true);
}

void ns_debug_dma_sync_single_for_device(struct ns_dma_debug *debug, const struct ns_pool_device *device, uint64_t bus,
                                         uint64_t size, enum ns_dma_direction direction) {
    const struct ns_dma_debug_entry said = said_by_sync(device, bus, size, direction);
    if (!off(debug))
        check_sync(debug, &said, false);
}

/* ---- scatterlists ---------------------------------------------------------------------------- */

static struct ns_dma_debug_entry said_by_segment(const struct ns_pool_device *device,
                                                 const struct ns_debug_segment *segment, size_t entries,
                                                 enum ns_dma_direction direction) {
    return (struct ns_dma_debug_entry){.device = device,
                                       .type = NS_DMA_DEBUG_SG,
                                       .physical = segment->physical,
                                       .bus = segment->bus,
                                       .size = segment->bus_length,
                                       .direction = direction,
                                       .sg_call_entries = entries};
}

static struct ns_debug_segment segment_of_array(const void *list, size_t index) {
    return ((const struct ns_debug_segment *)list)[index];
}

struct ns_debug_list ns_debug_list_of(const struct ns_debug_segment *segments, size_t count) {
    return (struct ns_debug_list){.list = segments, .count = count, .segment = segment_of_array};
}

/* 7.x looks at all elements first, 5.10 only at those that are left after merging, with their merged lengths. */
void ns_debug_dma_map_sg(struct ns_dma_debug *debug, const struct ns_pool_device *device,
                         const struct ns_debug_list *list, size_t mapped, enum ns_dma_direction direction,
                         unsigned attributes) {
    if (off(debug))
        return;
    for (size_t i = 0; is_7(debug) && i < list->count; i++) {
        const struct ns_debug_segment segment = list->segment(list->list, i);
        check_source(debug, device, segment.physical, segment.length);
    }
    for (size_t i = 0; i < mapped && i < list->count; i++) {
        const struct ns_debug_segment segment = list->segment(list->list, i);
        struct ns_debug_entry *entry = ns_debug_entry_take(debug);
        if (!entry)
            return;
        entry->is = said_by_segment(device, &segment, list->count, direction);
        entry->is.sg_mapped_entries = mapped;
        entry->is.attributes = kept(debug, attributes);
        if (!is_7(debug))
            check_source(debug, device, segment.physical, segment.bus_length);
        check_segment(debug, device, &segment);
        ns_debug_entry_add(debug, entry);
    }
}

/* How many elements the map left, by the entry of the first; 0: no entry. */
static size_t mapped_entries(struct ns_dma_debug *debug, const struct ns_pool_device *device,
                             const struct ns_debug_list *list, size_t entries, enum ns_dma_direction direction) {
    if (list->count == 0)
        return 0;
    const struct ns_debug_segment segment = list->segment(list->list, 0);
    const struct ns_dma_debug_entry first = said_by_segment(device, &segment, entries, direction);
    const struct ns_debug_entry *entry = ns_debug_find_exact(debug, &first);
    return entry ? entry->is.sg_mapped_entries : 0;
}

/* When the first is unknown all of them are tried, and each is a report. */
void ns_debug_dma_unmap_sg(struct ns_dma_debug *debug, const struct ns_pool_device *device,
                           const struct ns_debug_list *list, size_t entries, enum ns_dma_direction direction,
                           unsigned attributes) {
    if (off(debug))
        return;
    const size_t mapped = mapped_entries(debug, device, list, entries, direction);
    for (size_t i = 0; i < entries && i < list->count && (mapped == 0 || i < mapped); i++) {
        const struct ns_debug_segment segment = list->segment(list->list, i);
        struct ns_dma_debug_entry said = said_by_segment(device, &segment, entries, direction);
        said.attributes = kept(debug, attributes);
        check_unmap(debug, &said);
    }
}

/* When the first is unknown none is looked at. */
static void sync_sg(struct ns_dma_debug *debug, const struct ns_pool_device *device, const struct ns_debug_list *list,
                    size_t entries, enum ns_dma_direction direction, bool for_cpu) {
    if (off(debug))
        return;
    const size_t mapped = mapped_entries(debug, device, list, entries, direction);
    for (size_t i = 0; i < entries && i < list->count && i < mapped; i++) {
        const struct ns_debug_segment segment = list->segment(list->list, i);
        const struct ns_dma_debug_entry said = said_by_segment(device, &segment, entries, direction);
        check_sync(debug, &said, for_cpu);
    }
}

void ns_debug_dma_sync_sg_for_cpu(struct ns_dma_debug *debug, const struct ns_pool_device *device,
                                  const struct ns_debug_list *list, size_t entries, enum ns_dma_direction direction) {
    sync_sg(debug, device, list, entries, direction, true);
}

void ns_debug_dma_sync_sg_for_device(struct ns_dma_debug *debug, const struct ns_pool_device *device,
                                     const struct ns_debug_list *list, size_t entries,
                                     enum ns_dma_direction direction) {
    sync_sg(debug, device, list, entries, direction, false);
}

/* ---- allocations ----------------------------------------------------------------------------- */

/* False: not to be tracked. */
static bool coherent_entry(const struct ns_dma_debug *debug, const struct ns_pool_device *device, uint64_t size,
                           uint64_t bus, uint64_t virtual_address, unsigned attributes,
                           struct ns_dma_debug_entry *entry) {
    const struct ns_port *port = debug->port;
    if (virtual_address == 0 || (attributes & NS_DMA_NO_KERNEL_MAPPING))
        return false;
    *entry = (struct ns_dma_debug_entry){.device = device,
                                         .type = NS_DMA_DEBUG_COHERENT,
                                         .physical = port->to_physical(port->context, virtual_address),
                                         .bus = bus,
                                         .size = size,
                                         .direction = NS_DMA_BIDIRECTIONAL,
                                         .attributes = kept(debug, attributes)};
    return entry->physical != NS_DMA_MAPPING_ERROR;
}

void ns_debug_dma_alloc_coherent(struct ns_dma_debug *debug, const struct ns_pool_device *device, uint64_t size,
                                 uint64_t bus, uint64_t virtual_address, unsigned attributes) {
    struct ns_dma_debug_entry is;
    if (!off(debug) && coherent_entry(debug, device, size, bus, virtual_address, attributes, &is))
        add(debug, &is);
}

void ns_debug_dma_free_coherent(struct ns_dma_debug *debug, const struct ns_pool_device *device, uint64_t size,
                                uint64_t virtual_address, uint64_t bus, unsigned attributes) {
    struct ns_dma_debug_entry said;
    if (!off(debug) && coherent_entry(debug, device, size, bus, virtual_address, attributes, &said))
        check_unmap(debug, &said);
}

static struct ns_dma_debug_entry noncoherent_entry(const struct ns_pool_device *device, uint64_t physical,
                                                   uint64_t size, enum ns_dma_direction direction, uint64_t bus) {
    return (struct ns_dma_debug_entry){.device = device,
                                       .type = NS_DMA_DEBUG_NONCOHERENT,
                                       .physical = physical,
                                       .bus = bus,
                                       .size = size,
                                       .direction = direction};
}

void ns_debug_dma_alloc_pages(struct ns_dma_debug *debug, const struct ns_pool_device *device, uint64_t physical,
                              uint64_t size, enum ns_dma_direction direction, uint64_t bus) {
    if (off(debug))
        return;
    if (!is_7(debug)) {
        ns_debug_dma_map_page(debug, device, physical, size, direction, bus, 0);
        return;
    }
    const struct ns_dma_debug_entry is = noncoherent_entry(device, physical, size, direction, bus);
    add(debug, &is);
}

void ns_debug_dma_free_pages(struct ns_dma_debug *debug, const struct ns_pool_device *device, uint64_t physical,
                             uint64_t size, enum ns_dma_direction direction, uint64_t bus) {
    if (off(debug))
        return;
    if (!is_7(debug)) {
        ns_debug_dma_unmap_page(debug, device, bus, size, direction, 0);
        return;
    }
    const struct ns_dma_debug_entry said = noncoherent_entry(device, physical, size, direction, bus);
    check_unmap(debug, &said);
}

/* ---- release --------------------------------------------------------------------------------- */

void ns_debug_dma_driver_released(struct ns_dma_debug *debug, const struct ns_pool_device *device) {
    if (off(debug))
        return;
    size_t count = 0;
    const struct ns_debug_entry *example = NULL;
    for (size_t i = 0; i <= debug->bucket_mask; i++) {
        for (const struct ns_debug_entry *entry = debug->buckets[i]; entry; entry = entry->next) {
            if (entry->is.device == device) {
                count++;
                example = entry;
            }
        }
    }
    if (!example)
        return;
    const struct ns_dma_debug_report report = {
        .check = 22, .device = device, .address = example->is.bus, .length = example->is.size, .count = count};
    ns_debug_report_error(debug, &report, example);
}
