/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/replay_pages.h"

#include <stdlib.h>

#define FIRST_SLOTS 1024u
#define NOWHERE     UINT32_MAX

struct slot {
    uint64_t number;
    uint32_t place; /* how many pages of RAM come before it; NOWHERE: not used yet */
    bool used, watched;
};

struct ns_page_map {
    const struct ns_machine_config *machine;
    uint64_t reserved, reserved_length;
    struct slot *slot; /* open addressing; at most half of them are used */
    size_t slots, count;
    uint64_t *number; /* of each page placed */
    size_t placed, capacity;
    uint64_t room;
};

/* ---- RAM as a row of pages -------------------------------------------------------------------- */

struct part {
    uint64_t start, length;
};

/* The parts of RAM that take pages: what lies before and behind the reserved part of each. */
static unsigned parts_of(const struct ns_page_map *map, size_t ram, struct part part[2]) {
    const uint64_t start = map->machine->ram[ram].start, end = start + map->machine->ram[ram].length;
    const uint64_t hole = map->reserved, hole_end = map->reserved + map->reserved_length;
    unsigned count = 0;
    if (map->reserved_length == 0 || hole_end <= start || end <= hole) {
        part[count++] = (struct part){start, end - start};
        return count;
    }
    if (start < hole)
        part[count++] = (struct part){start, hole - start};
    if (hole_end < end)
        part[count++] = (struct part){hole_end, end - hole_end};
    return count;
}

/* Goes through the parts in order. `at`: pages before the part. */
static bool find_part(const struct ns_page_map *map, uint64_t place, uint64_t physical, bool by_place,
                      struct part *found, uint64_t *at) {
    *at = 0;
    for (size_t ram = 0; ram < map->machine->ram_count; ram++) {
        struct part part[2];
        const unsigned count = parts_of(map, ram, part);
        for (unsigned i = 0; i < count; i++) {
            const uint64_t pages = part[i].length / NS_PAGE_SIZE;
            *found = part[i];
            if (by_place ? place < *at + pages : physical >= part[i].start && physical - part[i].start < part[i].length)
                return true;
            *at += pages;
        }
    }
    return false;
}

static uint64_t physical_of(const struct ns_page_map *map, uint64_t place) {
    struct part part;
    uint64_t at;
    return find_part(map, place, 0, true, &part, &at) ? part.start + (place - at) * NS_PAGE_SIZE : UINT64_MAX;
}

bool ns_page_map_back(const struct ns_page_map *map, uint64_t physical, uint64_t *address) {
    struct part part;
    uint64_t at;
    if (!find_part(map, 0, physical, false, &part, &at))
        return false;
    const uint64_t place = at + (physical - part.start) / NS_PAGE_SIZE;
    if (place >= map->placed)
        return false;
    *address = map->number[place] * NS_PAGE_SIZE + physical % NS_PAGE_SIZE;
    return true;
}

/* ---- the table -------------------------------------------------------------------------------- */

struct ns_page_map *ns_page_map_create(const struct ns_machine_config *machine) {
    struct ns_page_map *map = calloc(1, sizeof *map);
    if (map == NULL)
        return NULL;
    map->machine = machine;
    ns_machine_reserved(machine, &map->reserved, &map->reserved_length);
    struct part part;
    (void)find_part(map, UINT64_MAX, 0, true, &part, &map->room); /* there is none: all pages come before it */
    map->slots = FIRST_SLOTS;
    map->slot = calloc(map->slots, sizeof *map->slot);
    if (map->slot == NULL) {
        free(map);
        return NULL;
    }
    return map;
}

void ns_page_map_destroy(struct ns_page_map *map) {
    if (map == NULL)
        return;
    free(map->slot);
    free(map->number);
    free(map);
}

size_t ns_page_map_used(const struct ns_page_map *map) {
    return map->placed;
}

uint64_t ns_page_map_room(const struct ns_page_map *map) {
    return map->room;
}

static struct slot *slot_for(struct slot *slot, size_t slots, uint64_t number) {
    size_t i = (size_t)(number * UINT64_C(0x9E3779B97F4A7C15) >> 20) & (slots - 1);
    while (slot[i].used && slot[i].number != number)
        i = (i + 1) & (slots - 1);
    return &slot[i];
}

static bool grow_slots(struct ns_page_map *map) {
    struct slot *grown = calloc(2 * map->slots, sizeof *grown);
    if (grown == NULL)
        return false;
    for (size_t i = 0; i < map->slots; i++)
        if (map->slot[i].used)
            *slot_for(grown, 2 * map->slots, map->slot[i].number) = map->slot[i];
    free(map->slot);
    map->slot = grown;
    map->slots *= 2;
    return true;
}

/* NULL without host memory. */
static struct slot *enter(struct ns_page_map *map, uint64_t number) {
    if (2 * (map->count + 1) > map->slots && !grow_slots(map))
        return NULL;
    struct slot *slot = slot_for(map->slot, map->slots, number);
    if (!slot->used) {
        *slot = (struct slot){.number = number, .place = NOWHERE, .used = true};
        map->count++;
    }
    return slot;
}

bool ns_page_map_watch(struct ns_page_map *map, uint64_t address, uint64_t length) {
    for (uint64_t page = address / NS_PAGE_SIZE; page <= (address + (length - 1)) / NS_PAGE_SIZE; page++) {
        struct slot *slot = enter(map, page);
        if (slot == NULL)
            return false;
        slot->watched = true;
    }
    return true;
}

/* Gives the page the next one of RAM. */
static enum ns_page_place take_page(struct ns_page_map *map, struct slot *slot) {
    if (map->placed >= map->room || map->placed >= NOWHERE)
        return NS_PAGE_RAM_FULL;
    if (map->placed == map->capacity) {
        const size_t capacity = map->capacity == 0 ? 1024 : 2 * map->capacity;
        uint64_t *grown = realloc(map->number, capacity * sizeof *grown);
        if (grown == NULL)
            return NS_PAGE_NO_MEMORY;
        map->number = grown;
        map->capacity = capacity;
    }
    slot->place = (uint32_t)map->placed;
    map->number[map->placed++] = slot->number;
    return NS_PAGE_PLACED;
}

enum ns_page_place ns_page_map_place(struct ns_page_map *map, uint64_t address, struct ns_placed_page *page) {
    const uint64_t number = address / NS_PAGE_SIZE;
    struct slot *slot = enter(map, number);
    if (slot == NULL)
        return NS_PAGE_NO_MEMORY;
    const bool fresh = slot->place == NOWHERE;
    const enum ns_page_place taken = fresh ? take_page(map, slot) : NS_PAGE_PLACED;
    if (taken != NS_PAGE_PLACED)
        return taken;
    *page = (struct ns_placed_page){number, physical_of(map, slot->place), slot->watched, fresh};
    return NS_PAGE_PLACED;
}
