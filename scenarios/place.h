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
    size_t count;      /* of addresses: the scenario's objects */
    uint64_t *address; /* physical, per object; UINT64_MAX for aliases (see their target) and allocated objects */
    size_t gap_count;  /* RAM that nothing occupies, whole pages, for the pools */
    struct ns_placement_gap {
        uint64_t start, length;
    } * gap;
};

/* NS_OK, NS_ERROR_MEMORY, or NS_ERROR_ARGUMENT with the object at fault in *object and one sentence in `reason`.
 * Release with ns_placement_release in every case. */
enum ns_status ns_scenario_place(const struct ns_scenario *scenario, struct ns_placement *placement, uint32_t *object,
                                 char *reason, size_t reason_size);
void ns_placement_release(struct ns_placement *placement);

#ifdef __cplusplus
}
#endif
#endif
