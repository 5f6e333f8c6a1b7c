/* SPDX-License-Identifier: Apache-2.0 */
/* Memory that is taken before anything else finds its place. */
#include "scenarios/place.h"

#include <stdio.h>
#include <string.h>

#define FOUR_GIB  (UINT64_C(1) << 32)
#define PAGEBLOCK (UINT64_C(4) << 20) /* areas without an address begin at a multiple of it, where there is room */

struct list {
    struct ns_reserved *entry;
    size_t count;
};

static const struct ns_place nowhere;

static struct ns_reserved *add(struct list *list, uint64_t start, uint64_t length, struct ns_place place) {
    struct ns_reserved *entry = &list->entry[list->count++];
    *entry = (struct ns_reserved){.start = start, .length = length, .place = place};
    return entry;
}

/* ---- contiguous memory ----------------------------------------------------------------------- */

/* The area that exists of those that are declared for one device, or by default: the first source decides. */
static const struct ns_config_cma *chosen(const struct ns_kernel_config *kernel, const char *device) {
    const struct ns_config_cma *best = NULL;
    for (size_t i = 0; i < kernel->cma_count; i++)
        if (strcmp(kernel->cma[i].device, device) == 0 && (best == NULL || kernel->cma[i].source < best->source))
            best = &kernel->cma[i];
    return best != NULL && best->size != 0 ? best : NULL;
}

static bool is_free(const struct list *list, const struct ns_scenario *scenario, uint64_t start, uint64_t length) {
    uint64_t tables, table_bytes;
    ns_machine_reserved(&scenario->machine, &tables, &table_bytes);
    if (start < tables + table_bytes && tables < start + length)
        return false;
    for (size_t i = 0; i < list->count; i++)
        if (start < list->entry[i].start + list->entry[i].length && list->entry[i].start < start + length)
            return false;
    for (size_t i = 0; i < scenario->object_count; i++) {
        const struct ns_object *object = &scenario->objects[i];
        if (object->has_address && start < object->address + object->size && object->address < start + length)
            return false;
    }
    return true;
}

/* The highest place below 4 GiB: where the kernel's own search ends as well. */
static bool find_place(const struct list *list, const struct ns_scenario *scenario, uint64_t length, uint64_t alignment,
                       uint64_t *start) {
    const struct ns_machine_config *machine = &scenario->machine;
    for (size_t r = machine->ram_count; r-- > 0;) {
        const struct ns_ram *ram = &machine->ram[r];
        const uint64_t end = ram->start + ram->length < FOUR_GIB ? ram->start + ram->length : FOUR_GIB;
        if (end <= ram->start || length > end - ram->start)
            continue;
        for (uint64_t at = (end - length) / alignment * alignment; at >= ram->start; at -= alignment) {
            if (is_free(list, scenario, at, length)) {
                *start = at;
                return true;
            }
            if (at < alignment)
                break;
        }
    }
    return false;
}

static bool add_area(struct list *list, const struct ns_scenario *scenario, struct ns_placement *placement,
                     const struct ns_config_cma *cma, uint32_t device) {
    uint64_t start = cma->address;
    if (!cma->has_address && !find_place(list, scenario, cma->size, PAGEBLOCK, &start) &&
        !find_place(list, scenario, cma->size, NS_PAGE_SIZE, &start))
        return false;
    struct ns_reserved *entry = add(list, start, cma->size, nowhere);
    if (device == NS_NONE)
        snprintf(entry->what, sizeof entry->what, "the machine's `cma` area");
    else
        snprintf(entry->what, sizeof entry->what, "the `cma` area of `%s`", scenario->devices[device].name);
    placement->area[placement->area_count++] =
        (struct ns_placed_area){.start = start, .length = cma->size, .source = cma->source, .device = device};
    return true;
}

/* ---- all of it ------------------------------------------------------------------------------- */

size_t ns_reserved_memory(const struct ns_scenario *scenario, struct ns_placement *placement,
                          struct ns_reserved reserved[NS_RESERVED_MAX], bool *room) {
    const struct ns_kernel_config *kernel = &scenario->machine.kernel;
    struct list list = {.entry = reserved};
    for (size_t i = 0; i < scenario->pool_count; i++) {
        const struct ns_pool_declaration *pool = &scenario->pools[i];
        if (pool->has_address)
            snprintf(add(&list, pool->address, pool->size, pool->place)->what, sizeof reserved->what,
                     "the memory of pool `%s`", pool->name);
    }
    for (size_t i = 0; i < scenario->device_count; i++) {
        const struct ns_device *device = &scenario->devices[i];
        if (device->own_pool_size != 0)
            snprintf(add(&list, device->own_pool_start, device->own_pool_size, device->place)->what,
                     sizeof reserved->what, "the memory of device `%s`", device->name);
    }
    if (kernel->global_pool_size != 0)
        snprintf(add(&list, kernel->global_pool_start, kernel->global_pool_size, nowhere)->what, sizeof reserved->what,
                 "the machine's `global-pool`");
    /* Areas with an address first: the others go around them. */
    *room = true;
    for (int given = 1; given >= 0; given--) {
        const struct ns_config_cma *common = chosen(kernel, "");
        if (common != NULL && common->has_address == (given == 1))
            *room = add_area(&list, scenario, placement, common, NS_NONE) && *room;
        for (uint32_t i = 0; i < scenario->device_count; i++) {
            const struct ns_config_cma *own = chosen(kernel, scenario->devices[i].name);
            if (own != NULL && own->has_address == (given == 1))
                *room = add_area(&list, scenario, placement, own, i) && *room;
        }
    }
    return list.count;
}
