/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who knows what: one vector clock per actor. An actor's entry for another is the newest event of that other which
 * happened before; synchronisation joins clocks. Two accesses without such a chain are a race.
 */
#include "model/tracker_internal.h"

static void join(struct clock *into, const struct clock *from) {
    for (unsigned i = 0; i < NS_MAX_ACTORS; i++)
        if (from->known[i] > into->known[i])
            into->known[i] = from->known[i];
}

static uint32_t now(const struct ns_tracker *tracker) {
    return (uint32_t)tracker->log->event_count - 1;
}

/* An actor's clock with everything that it has done itself until now. */
static const struct clock *clock_of(struct ns_tracker *tracker, unsigned actor) {
    tracker->clock[actor].known[actor] = now(tracker);
    return &tracker->clock[actor];
}

bool happened_before(const struct ns_tracker *tracker, uint32_t event, unsigned actor) {
    const struct ns_event *earlier = event_at(tracker, event);
    if (earlier->kind == NS_EVENT_POWER_ON || earlier->kind == NS_EVENT_INITIAL || earlier->actor == actor)
        return true;
    return tracker->clock[actor].known[earlier->actor] >= event;
}

static void told(struct ns_tracker *tracker, unsigned who, unsigned by) {
    tracker->told_event[who][by] = now(tracker);
}

void ns_tracker_doorbell(struct ns_tracker *tracker, unsigned hart, unsigned device) {
    if (tracker->recording != NULL) {
        record_signal(tracker, NS_RECORDED_DOORBELL, hart, device, 0);
        return;
    }
    join(&tracker->doorbell[device], clock_of(tracker, hart));
    /* Harts have locks among themselves that a scenario does not write down: what another hart did before is told too.
     */
    for (unsigned i = 0; i < tracker->log->actor_count; i++)
        if (tracker->log->actor[i].actor_class == NS_ACTOR_CLASS_HART)
            tracker->doorbell[device].known[i] = now(tracker);
    told(tracker, device, hart);
    /* A device that is running goes on to what it is told; one that has not begun waits for its start, if it has one.
     */
    if (!tracker->device[device].starts || tracker->started[device])
        ns_tracker_start(tracker, device);
}

void ns_tracker_start(struct ns_tracker *tracker, unsigned device) {
    if (tracker->recording != NULL) {
        record_signal(tracker, NS_RECORDED_START, device, 0, 0);
        return;
    }
    join(&tracker->clock[device], &tracker->doorbell[device]);
    tracker->learnt[device] = now(tracker);
    tracker->started[device] = true;
}

void ns_tracker_raise(struct ns_tracker *tracker, unsigned device, unsigned irq) {
    if (tracker->recording != NULL) {
        record_signal(tracker, NS_RECORDED_RAISE, device, 0, irq);
        return;
    }
    if (irq < IRQ_LIMIT)
        join(&tracker->irq[irq], clock_of(tracker, device));
}

void ns_tracker_wait(struct ns_tracker *tracker, unsigned hart, unsigned irq) {
    if (tracker->recording != NULL) {
        record_signal(tracker, NS_RECORDED_WAIT, hart, 0, irq);
        return;
    }
    if (irq >= IRQ_LIMIT)
        return;
    join(&tracker->clock[hart], &tracker->irq[irq]);
    tracker->learnt[hart] = now(tracker);
    for (unsigned i = 0; i < tracker->log->actor_count; i++)
        if (i != hart && tracker->irq[irq].known[i] > tracker->told_event[hart][i])
            tracker->told_event[hart][i] = tracker->irq[irq].known[i];
}

void ns_tracker_poll(struct ns_tracker *tracker, unsigned actor, ns_version version) {
    const struct ns_event *writer = event_at(tracker, version);
    if (writer->kind == NS_EVENT_POWER_ON || writer->kind == NS_EVENT_INITIAL || writer->actor == actor)
        return;
    /* What the writer knew when it wrote. If it has learnt more since, only the write itself is certain. */
    struct clock seen = {{0}};
    if (tracker->learnt[writer->actor] < version)
        seen = tracker->clock[writer->actor];
    seen.known[writer->actor] = version;
    join(&tracker->clock[actor], &seen);
    tracker->learnt[actor] = now(tracker);
    if (version > tracker->told_event[actor][writer->actor])
        tracker->told_event[actor][writer->actor] = version;
}
