/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who knows what: one vector clock for each actor, and what doorbells and interrupts carry (docs/semantics.md, "Who was
 * told what"). Plain data and pure functions: the tracker of the timed machine and the verifier both use them.
 * "Actor" is whatever has a time line of its own: the channels of an engine are two (see ns_tracked_device).
 *
 * A *stamp* names a moment in one actor's own time line; later moments have higher stamps, and 0 is before everything.
 * The tracker takes the numbers of events, the verifier counts each actor's operations. `now`: the present stamp of
 * each actor, the operation at work included.
 */
#ifndef NS_MODEL_CLOCKS_H
#define NS_MODEL_CLOCKS_H

#include "model/log.h"

#ifdef __cplusplus
extern "C" {
#endif

#define NS_CLOCK_IRQS   64u
#define NS_CLOCK_ACTORS (NS_MAX_ACTORS + 8u) /* 8 devices may have a second channel */

struct ns_clock {
    uint32_t known[NS_CLOCK_ACTORS]; /* by actor: the newest moment of its that happened before */
};

struct ns_clocks {
    unsigned actor_count;
    uint32_t harts; /* bit per actor that is a hart */
    struct ns_clock clock[NS_CLOCK_ACTORS];
    struct ns_clock doorbell[NS_CLOCK_ACTORS]; /* what a device will know when it starts */
    struct ns_clock irq[NS_CLOCK_IRQS];        /* what its raises carry */
    uint32_t learnt[NS_CLOCK_ACTORS];          /* when the actor's clock last grew by what others told it */
    bool started[NS_CLOCK_ACTORS];             /* devices: has begun at least once */
};

/* A hart tells a device: doorbell, map, sync-for-device. `waits`: the device has steps that wait for its start; one
 * that runs already goes on to what it is told. Harts have locks among themselves that a scenario does not write down:
 * what the others did before is told too. */
void ns_clocks_doorbell(struct ns_clocks *clocks, unsigned hart, unsigned device, bool waits, const uint32_t *now);
void ns_clocks_start(struct ns_clocks *clocks, unsigned device, const uint32_t *now);
/* irq: beyond NS_CLOCK_IRQS nothing happens. */
void ns_clocks_raise(struct ns_clocks *clocks, unsigned device, unsigned irq, const uint32_t *now);
void ns_clocks_wait(struct ns_clocks *clocks, unsigned hart, unsigned irq, const uint32_t *now);
/* A poll of `actor` ended because it saw what `writer`, another actor, wrote at `stamp`. */
void ns_clocks_poll(struct ns_clocks *clocks, unsigned actor, unsigned writer, uint32_t stamp, const uint32_t *now);
/* Did what `earlier` did at `stamp` happen before what `actor` does now? */
static inline bool ns_clocks_happened_before(const struct ns_clocks *clocks, unsigned earlier, uint32_t stamp,
                                             unsigned actor) {
    return earlier == actor || clocks->clock[actor].known[earlier] >= stamp;
}

#ifdef __cplusplus
}
#endif
#endif
