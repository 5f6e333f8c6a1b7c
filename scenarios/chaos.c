/* SPDX-License-Identifier: Apache-2.0 */
/* The hardware's own moves between steps, drawn from a seed and the machine's `may` list. Same seed, same moves. */
#include "scenarios/run_internal.h"

enum { MOVES_AT_MOST = 3 };

/* SplitMix64 (Steele, Lea, Flood 2014): one 64-bit state, full period, good enough to draw moves. */
static uint64_t draw(struct run *run, uint64_t below) {
    run->random += UINT64_C(0x9E3779B97F4A7C15);
    uint64_t mixed = run->random;
    mixed = (mixed ^ (mixed >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    mixed = (mixed ^ (mixed >> 27)) * UINT64_C(0x94D049BB133111EB);
    mixed ^= mixed >> 31;
    return mixed % below;
}

/* A line of some object that exists now; false when there is none. */
static bool some_line(struct run *run, uint64_t *address) {
    const size_t count = run->scenario->object_count;
    for (size_t attempt = 0; attempt < 8 && count > 0; attempt++) {
        const struct run_object *object = &run->object[draw(run, count)];
        if (object->exists && object->size > 0) {
            *address = object->physical + draw(run, object->size);
            return true;
        }
    }
    return false;
}

static void fill_or_evict(struct run *run, bool fill, bool dirty) {
    uint64_t address;
    if (!some_line(run, &address))
        return;
    const unsigned hart = (unsigned)draw(run, run->scenario->machine.cache.harts);
    if (!fill)
        (void)ns_hw_evict(run->machine, hart, address);
    else if (ns_hw_may_fill(run->machine, hart, address))
        (void)(dirty ? ns_hw_speculative_store : ns_hw_prefetch)(run->machine, hart, address);
}

/* On machines whose fills take two steps, one of the two. */
static void half_a_fill(struct run *run) {
    uint64_t address;
    if (run->scenario->machine.cache.fill == NS_FILL_ATOMIC || !some_line(run, &address))
        return;
    const unsigned hart = (unsigned)draw(run, run->scenario->machine.cache.harts);
    if (draw(run, 2) == 0)
        (void)ns_hw_install(run->machine, hart, address);
    else if (ns_hw_may_fill(run->machine, hart, address))
        (void)ns_hw_sample(run->machine, hart, address);
}

static void drain(struct run *run) {
    const unsigned harts = run->scenario->machine.cache.harts;
    const unsigned actor = (unsigned)draw(run, harts + run->scenario->device_count);
    uint64_t address;
    const bool one_place = draw(run, 2) == 0 && some_line(run, &address);
    if (actor < harts)
        ns_hw_drain_hart(run->machine, actor, one_place ? address : 0, one_place ? 1 : UINT64_MAX);
    else
        ns_hw_drain_device(run->machine, actor - harts, 0, UINT64_MAX); /* posted writes keep their order */
}

void run_chaos_machine(struct run *run, struct ns_machine_config *config) {
    if ((config->may & NS_MAY_LATE_MAINTENANCE) != 0 && config->cache.late_write_backs == 0 && draw(run, 2) == 0)
        config->cache.late_write_backs = RUN_LATE_LINES;
    if ((config->may & NS_MAY_INVALIDATE_AS_FLUSH) != 0 && draw(run, 2) == 0)
        config->cache.invalidate_as_flush = true;
}

void run_chaos(struct run *run) {
    const uint32_t may = run->scenario->machine.may;
    const unsigned hardware = ns_machine_hardware_actor(run->machine);
    const uint32_t site = ns_actor_site(run->machine, hardware); /* in free order it may be in the middle of a step */
    ns_actor_begin(run->machine, hardware, NS_NO_SITE, NS_NO_OBJECT);
    for (uint64_t moves = draw(run, MOVES_AT_MOST + 1); moves > 0; moves--) {
        switch (draw(run, 4)) {
        case 0:
            if ((may & NS_MAY_SPECULATIVE_FILL) != 0)
                fill_or_evict(run, true, false);
            break;
        case 1:
            if ((may & NS_MAY_EVICT) != 0)
                fill_or_evict(run, false, false);
            break;
        case 2:
            if ((may & NS_MAY_DRAIN) != 0)
                drain(run);
            break;
        default:
            if ((may & NS_MAY_SPECULATIVE_STORE) != 0)
                fill_or_evict(run, true, true);
            else if ((may & NS_MAY_SPECULATIVE_FILL) != 0)
                half_a_fill(run);
        }
    }
    ns_actor_begin(run->machine, hardware, site, NS_NO_OBJECT);
}
