/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where objects lie. Objects without an address are placed in order of declaration from the start of the first RAM
 * region that fits the zone they ask for, each at its alignment. An object whose pages have a memory type of their own
 * gets pages of its own.
 */
#ifndef NS_SCENARIOS_PLACE_H
#define NS_SCENARIOS_PLACE_H

#include "scenarios/scenario.h"

#ifdef __cplusplus
extern "C" {
#endif

struct ns_placement {
    struct ns_place clash; /* NS_ERROR_ARGUMENT without an object: the pool or device at fault; line 0: none */
    size_t count;          /* of addresses: the scenario's objects */
    uint64_t *address;     /* physical, per object; UINT64_MAX for aliases (see their target) and allocated objects */
    size_t gap_count;      /* RAM that nothing occupies, whole pages, for the pools */
    struct ns_placement_gap {
        uint64_t start, length;
    } * gap;
    size_t area_count; /* of contiguous memory (CMA) that exist */
    struct ns_placed_area {
        uint64_t start, length;
        enum ns_config_cma_source source;
        uint32_t device; /* NS_NONE: the default area */
    } area[NS_CONFIG_MAX_KERNEL_CMA];
};

/* Memory that neither objects nor the page allocator get: of pools and devices, and the CMA areas. */
struct ns_reserved {
    uint64_t start, length;
    struct ns_place place;               /* of the pool or device; line 0: the machine's */
    char what[NS_LIMIT_NAME_BYTES + 40]; /* "the memory of pool `sram`" */
};
enum { NS_RESERVED_MAX = NS_LIMIT_POOLS + NS_LIMIT_DEVICES + 1 + NS_CONFIG_MAX_KERNEL_CMA };
/* place_reserved.c: what has an address of its own; then the areas, those without one below 4 GiB and as high as there
 * is room beside `taken`. Returns the number of entries; *room is false when an area finds none. */
size_t ns_reserved_memory(const struct ns_scenario *scenario, struct ns_placement *placement,
                          struct ns_reserved reserved[NS_RESERVED_MAX], bool *room);

/* NS_OK, NS_ERROR_MEMORY, or NS_ERROR_ARGUMENT with the object at fault in *object (NS_NONE: none of them) and one
 * sentence in `reason`. Release with ns_placement_release in every case. */
enum ns_status ns_scenario_place(const struct ns_scenario *scenario, struct ns_placement *placement, uint32_t *object,
                                 char *reason, size_t reason_size);
void ns_placement_release(struct ns_placement *placement);

#ifdef __cplusplus
}
#endif
#endif
