/* SPDX-License-Identifier: Apache-2.0 */
#include "scenarios/place.h"

#include "model/config.h"

#include <stdio.h>
#include <stdlib.h>

#define FOUR_GIB (UINT64_C(1) << 32)

struct interval {
    uint64_t start, end;
    const char *what; /* the name of an object, or what else lies there; for messages */
    bool is_object;
};

static uint64_t round_up(uint64_t value, uint64_t alignment) {
    return (value + alignment - 1) / alignment * alignment;
}

static uint32_t largest_line(const struct ns_machine_config *machine) {
    return machine->cache.level[machine->cache.levels - 1].line;
}

static bool has_own_pages(const struct ns_object *object) {
    return object->has_type && object->type != NS_TYPE_CACHEABLE;
}

static uint64_t alignment_of(const struct ns_scenario *scenario, const struct ns_object *object) {
    const uint64_t wished = object->align != 0 ? object->align : largest_line(&scenario->machine);
    return has_own_pages(object) && wished < NS_PAGE_SIZE ? NS_PAGE_SIZE : wished;
}

/* The part of a RAM region that an object may use; false when its zone has nothing there. */
static bool zone_part(const struct ns_machine_config *machine, const struct ns_object *object, const struct ns_ram *ram,
                      uint64_t *start, uint64_t *end) {
    *start = ram->start;
    *end = ram->start + ram->length;
    if (object->zone == NS_ZONE_DMA && *end > machine->zone_dma_limit)
        *end = machine->zone_dma_limit;
    if (object->zone == NS_ZONE_DMA32 && *end > FOUR_GIB)
        *end = FOUR_GIB;
    if (object->zone == NS_ZONE_NORMAL && *start < FOUR_GIB)
        *start = FOUR_GIB;
    return *start < *end;
}

static const struct interval *collision(const struct interval *taken, size_t count, uint64_t start, uint64_t end) {
    for (size_t i = 0; i < count; i++)
        if (start < taken[i].end && taken[i].start < end)
            return &taken[i];
    return NULL;
}

static int by_start(const void *a, const void *b) {
    const struct interval *left = a, *right = b;
    return left->start < right->start ? -1 : left->start > right->start;
}

static void find_gaps(const struct ns_machine_config *machine, struct interval *taken, size_t count,
                      struct ns_placement *placement) {
    qsort(taken, count, sizeof *taken, by_start);
    for (size_t r = 0; r < machine->ram_count; r++) {
        uint64_t at = machine->ram[r].start;
        const uint64_t end = at + machine->ram[r].length;
        for (size_t i = 0; i <= count; i++) {
            const bool last = i == count;
            if (!last && (taken[i].end <= at || taken[i].start >= end))
                continue;
            const uint64_t stop = last ? end : taken[i].start / NS_PAGE_SIZE * NS_PAGE_SIZE;
            const uint64_t start = round_up(at, NS_PAGE_SIZE);
            if (start < stop) {
                placement->gap[placement->gap_count].start = start;
                placement->gap[placement->gap_count].length = stop - start;
                placement->gap_count++;
            }
            if (!last)
                at = taken[i].end;
        }
    }
}

/* First fit behind the object before, so that what is declared together lies together. */
static bool place_freely(const struct ns_scenario *scenario, uint32_t index, const struct interval *taken, size_t count,
                         uint64_t *next, uint64_t *address) {
    const struct ns_object *object = &scenario->objects[index];
    const uint64_t alignment = alignment_of(scenario, object);
    for (size_t r = 0; r < scenario->machine.ram_count; r++) {
        uint64_t start, end;
        if (!zone_part(&scenario->machine, object, &scenario->machine.ram[r], &start, &end))
            continue;
        uint64_t at = round_up(next[r] > start ? next[r] : start, alignment);
        const struct interval *other;
        while (at < end && object->size <= end - at && (other = collision(taken, count, at, at + object->size)) != NULL)
            at = round_up(other->end, alignment);
        if (at >= end || object->size > end - at)
            continue;
        next[r] = has_own_pages(object) ? round_up(at + object->size, NS_PAGE_SIZE) : at + object->size;
        *address = at;
        return true;
    }
    return false;
}

/* Takes what is reserved. False, with a sentence, when two of them overlap or one finds no room. */
static bool take_reserved(const struct ns_scenario *scenario, struct ns_placement *placement,
                          struct ns_reserved *reserved, struct interval *taken, size_t *count, char *reason,
                          size_t reason_size) {
    bool room;
    const size_t entries = ns_reserved_memory(scenario, placement, reserved, &room);
    if (!room) {
        snprintf(reason, reason_size, "machine \"%s\" has no room for its `cma` areas", scenario->machine.name);
        return false;
    }
    for (size_t i = 0; i < entries; i++) {
        const struct ns_reserved *entry = &reserved[i];
        const struct interval *other = collision(taken, *count, entry->start, entry->start + entry->length);
        if (other != NULL) {
            snprintf(reason, reason_size, "%s lies over %s", entry->what, other->what);
            placement->clash = entry->place;
            return false;
        }
        taken[(*count)++] = (struct interval){entry->start, entry->start + entry->length, entry->what, false};
    }
    return true;
}

/* The pages of the default area in their order: as the kernel's page allocator would give them. */
static bool place_movable(const struct ns_placement *placement, uint64_t *next, uint64_t *address) {
    for (size_t i = 0; i < placement->area_count; i++) {
        const struct ns_placed_area *area = &placement->area[i];
        if (area->device != NS_NONE || *next + NS_PAGE_SIZE > area->length)
            continue;
        *address = area->start + *next;
        *next += NS_PAGE_SIZE;
        return true;
    }
    return false;
}

enum ns_status ns_scenario_place(const struct ns_scenario *scenario, struct ns_placement *placement, uint32_t *object,
                                 char *reason, size_t reason_size) {
    const struct ns_machine_config *machine = &scenario->machine;
    *placement = (struct ns_placement){.count = scenario->object_count};
    *object = NS_NONE;
    placement->address = malloc((scenario->object_count + 1) * sizeof *placement->address);
    /* Each thing that is placed ends at most one gap, and so does each RAM. */
    placement->gap = calloc(scenario->object_count + 2 + NS_RESERVED_MAX + machine->ram_count, sizeof *placement->gap);
    struct interval *taken = malloc((scenario->object_count + 1 + NS_RESERVED_MAX) * sizeof *taken);
    if (placement->address == NULL || placement->gap == NULL || taken == NULL) {
        free(taken);
        return NS_ERROR_MEMORY;
    }
    enum ns_status status = NS_OK;
    size_t count = 0;
    uint64_t first, length;
    ns_machine_reserved(machine, &first, &length);
    taken[count++] = (struct interval){first, first + length, "the machine's page tables", false};
    uint64_t next[NS_CONFIG_MAX_RAMS] = {0};
    struct ns_reserved reserved[NS_RESERVED_MAX];
    if (!take_reserved(scenario, placement, reserved, taken, &count, reason, reason_size))
        status = NS_ERROR_ARGUMENT;
    uint64_t next_movable = 0;

    /* Given addresses first: the others go around them. */
    for (int given = 1; given >= 0; given--)
        for (uint32_t i = 0; i < scenario->object_count && status == NS_OK; i++) {
            const struct ns_object *at = &scenario->objects[i];
            if (at->kind == NS_OBJECT_ALIAS || at->kind == NS_OBJECT_ALLOCATED) {
                placement->address[i] = UINT64_MAX;
                continue;
            }
            if (at->has_address != (given == 1))
                continue;
            *object = i;
            if (given == 1) {
                bool in_ram = false;
                for (size_t r = 0; r < machine->ram_count; r++)
                    in_ram = in_ram || (at->address >= machine->ram[r].start &&
                                        at->address - machine->ram[r].start < machine->ram[r].length &&
                                        at->size <= machine->ram[r].length - (at->address - machine->ram[r].start));
                const struct interval *other =
                    in_ram ? collision(taken, count, at->address, at->address + at->size) : NULL;
                if (!in_ram)
                    snprintf(reason, reason_size, "`%s` does not lie in the RAM of machine \"%s\"", at->name,
                             machine->name);
                else if (other != NULL)
                    snprintf(reason, reason_size, "`%s` lies over %s%s%s", at->name, other->is_object ? "`" : "",
                             other->what, other->is_object ? "`" : "");
                placement->address[i] = at->address;
                if (!in_ram || other != NULL)
                    status = NS_ERROR_ARGUMENT;
            } else if (at->movable) {
                if (!place_movable(placement, &next_movable, &placement->address[i])) {
                    snprintf(reason, reason_size, "`%s` finds no page in the machine's `cma` area", at->name);
                    status = NS_ERROR_ARGUMENT;
                }
                continue; /* the area is taken as a whole */
            } else if (!place_freely(scenario, i, taken, count, next, &placement->address[i])) {
                static const char *const zone[] = {[NS_ZONE_ANY] = "",
                                                   [NS_ZONE_DMA] = "in zone dma ",
                                                   [NS_ZONE_DMA32] = "in zone dma32 ",
                                                   [NS_ZONE_NORMAL] = "in zone normal "};
                snprintf(reason, reason_size, "machine \"%s\" has no room %sfor the %u bytes of `%s`", machine->name,
                         zone[at->zone], at->size, at->name);
                status = NS_ERROR_ARGUMENT;
            }
            if (status == NS_OK) {
                const uint64_t start = placement->address[i];
                const uint64_t end = start + at->size;
                taken[count++] = has_own_pages(at) ? (struct interval){start / NS_PAGE_SIZE * NS_PAGE_SIZE,
                                                                       round_up(end, NS_PAGE_SIZE), at->name, true}
                                                   : (struct interval){start, end, at->name, true};
            }
        }
    if (status == NS_OK)
        find_gaps(machine, taken, count, placement);
    free(taken);
    return status;
}

void ns_placement_release(struct ns_placement *placement) {
    free(placement->address);
    free(placement->gap);
    placement->address = NULL;
    placement->gap = NULL;
}
