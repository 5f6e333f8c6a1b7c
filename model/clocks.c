/* SPDX-License-Identifier: Apache-2.0 */
#include "model/clocks.h"

static void join(struct ns_clock *into, const struct ns_clock *from, unsigned actors) {
    for (unsigned i = 0; i < actors; i++)
        if (from->known[i] > into->known[i])
            into->known[i] = from->known[i];
}

/* An actor's clock with everything that it has done itself until now. */
static const struct ns_clock *clock_of(struct ns_clocks *clocks, unsigned actor, const uint32_t *now) {
    clocks->clock[actor].known[actor] = now[actor];
    return &clocks->clock[actor];
}

void ns_clocks_doorbell(struct ns_clocks *clocks, unsigned hart, unsigned device, bool waits, const uint32_t *now) {
    struct ns_clock *doorbell = &clocks->doorbell[device];
    join(doorbell, clock_of(clocks, hart, now), clocks->actor_count);
    for (unsigned i = 0; i < clocks->actor_count; i++)
        if ((clocks->harts >> i & 1) != 0)
            doorbell->known[i] = now[i];
    if (!waits || clocks->started[device])
        ns_clocks_start(clocks, device, now);
}

void ns_clocks_start(struct ns_clocks *clocks, unsigned device, const uint32_t *now) {
    join(&clocks->clock[device], &clocks->doorbell[device], clocks->actor_count);
    clocks->learnt[device] = now[device];
    clocks->started[device] = true;
}

void ns_clocks_raise(struct ns_clocks *clocks, unsigned device, unsigned irq, const uint32_t *now) {
    if (irq < NS_CLOCK_IRQS)
        join(&clocks->irq[irq], clock_of(clocks, device, now), clocks->actor_count);
}

void ns_clocks_wait(struct ns_clocks *clocks, unsigned hart, unsigned irq, const uint32_t *now) {
    if (irq >= NS_CLOCK_IRQS)
        return;
    join(&clocks->clock[hart], &clocks->irq[irq], clocks->actor_count);
    clocks->learnt[hart] = now[hart];
}

void ns_clocks_poll(struct ns_clocks *clocks, unsigned actor, unsigned writer, uint32_t stamp, const uint32_t *now) {
    /* What the writer knew when it wrote. If it has learnt more since, only the write itself is certain. */
    struct ns_clock seen = {{0}};
    if (clocks->learnt[writer] < stamp)
        seen = clocks->clock[writer];
    seen.known[writer] = stamp;
    join(&clocks->clock[actor], &seen, clocks->actor_count);
    clocks->learnt[actor] = now[actor];
}
