/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who knows what, by the events of the log: the clocks of clocks.h with event numbers for stamps. And, for the names of
 * hazards only, which event of another actor each was told of.
 */
#include "model/tracker_internal.h"

/* The newest event, as everybody's present moment. */
static const uint32_t *now(struct ns_tracker *tracker) {
    const uint32_t newest = (uint32_t)tracker->log->event_count - 1;
    for (unsigned i = 0; i < tracker->clocks.actor_count; i++)
        tracker->now[i] = newest;
    return tracker->now;
}

bool happened_before(const struct ns_tracker *tracker, uint32_t event, unsigned time_line) {
    const struct ns_event *earlier = event_at(tracker, event);
    if (earlier->kind == NS_EVENT_POWER_ON || earlier->kind == NS_EVENT_INITIAL)
        return true;
    return ns_clocks_happened_before(&tracker->clocks, time_line_of(tracker, event), event, time_line);
}

static unsigned time_line_of_channel(const struct ns_tracker *tracker, unsigned device, unsigned channel) {
    return channel != 0 && tracker->second[device] != 0 ? tracker->second[device] : device;
}

static void tell(struct ns_tracker *tracker, unsigned hart, unsigned device, unsigned channel) {
    const unsigned time_line = time_line_of_channel(tracker, device, channel);
    ns_clocks_doorbell(&tracker->clocks, hart, time_line, tracker->device[device].starts, now(tracker));
    tracker->told_event[time_line][hart] = (uint32_t)tracker->log->event_count - 1;
}

void ns_tracker_doorbell_of_channel(struct ns_tracker *tracker, unsigned hart, unsigned device, unsigned channel) {
    if (tracker->recording != NULL)
        record_signal(tracker, NS_RECORDED_DOORBELL, hart, device, 0);
    else
        tell(tracker, hart, device, channel);
}

void ns_tracker_doorbell(struct ns_tracker *tracker, unsigned hart, unsigned device) {
    ns_tracker_doorbell_of_channel(tracker, hart, device, 0);
    if (tracker->recording == NULL && tracker->second[device] != 0)
        tell(tracker, hart, device, 1);
}

void ns_tracker_start(struct ns_tracker *tracker, unsigned device) {
    if (tracker->recording != NULL) {
        record_signal(tracker, NS_RECORDED_START, device, 0, 0);
        return;
    }
    ns_clocks_start(&tracker->clocks, device, now(tracker));
    if (tracker->second[device] != 0)
        ns_clocks_start(&tracker->clocks, tracker->second[device], now(tracker));
}

void ns_tracker_raise(struct ns_tracker *tracker, unsigned device, unsigned irq) {
    if (tracker->recording != NULL) {
        record_signal(tracker, NS_RECORDED_RAISE, device, 0, irq);
        return;
    }
    ns_clocks_raise(&tracker->clocks, device, irq, now(tracker));
    if (tracker->second[device] != 0)
        ns_clocks_raise(&tracker->clocks, tracker->second[device], irq, now(tracker));
}

void ns_tracker_raise_of_channel(struct ns_tracker *tracker, unsigned device, unsigned channel, uint32_t done,
                                 unsigned irq) {
    if (tracker->recording != NULL) {
        record_signal(tracker, NS_RECORDED_RAISE, device, 0, irq);
        return;
    }
    const unsigned time_line = time_line_of_channel(tracker, device, channel);
    (void)now(tracker);
    tracker->now[time_line] = done;
    ns_clocks_raise(&tracker->clocks, time_line, irq, tracker->now);
}

void ns_tracker_channel_follows(struct ns_tracker *tracker, unsigned device, unsigned channel, uint32_t done) {
    if (tracker->recording == NULL && tracker->second[device] != 0)
        ns_clocks_poll(&tracker->clocks, time_line_of_channel(tracker, device, channel),
                       time_line_of_channel(tracker, device, !channel), done, now(tracker));
}

void ns_tracker_wait(struct ns_tracker *tracker, unsigned hart, unsigned irq) {
    if (tracker->recording != NULL) {
        record_signal(tracker, NS_RECORDED_WAIT, hart, 0, irq);
        return;
    }
    if (irq >= NS_CLOCK_IRQS)
        return;
    ns_clocks_wait(&tracker->clocks, hart, irq, now(tracker));
    for (unsigned i = 0; i < tracker->clocks.actor_count; i++)
        if (i != hart && tracker->clocks.irq[irq].known[i] > tracker->told_event[hart][i])
            tracker->told_event[hart][i] = tracker->clocks.irq[irq].known[i];
}

void ns_tracker_poll(struct ns_tracker *tracker, unsigned actor, ns_version version) {
    const struct ns_event *writer = event_at(tracker, version);
    if (writer->kind == NS_EVENT_POWER_ON || writer->kind == NS_EVENT_INITIAL || writer->actor == actor)
        return;
    const unsigned time_line = time_line_of(tracker, version);
    ns_clocks_poll(&tracker->clocks, actor, time_line, version, now(tracker));
    if (version > tracker->told_event[actor][time_line])
        tracker->told_event[actor][time_line] = version;
}
