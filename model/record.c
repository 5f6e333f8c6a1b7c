/* SPDX-License-Identifier: Apache-2.0 */
/* The tracker as a recorder: what it is told, without a judgement. */
#include "model/tracker_internal.h"

void ns_tracker_record(struct ns_tracker *tracker, struct ns_recording *recording) {
    tracker->recording = recording;
}

struct ns_recording *ns_tracker_recording(struct ns_tracker *tracker) {
    return tracker->recording;
}

/* What an API call means for the bytes' owners holds from its end: behind the operations that it has made. */
static uint16_t part_behind(const struct ns_tracker *tracker, unsigned actor) {
    const struct ns_event *newest = event_at(tracker, (uint32_t)tracker->log->event_count - 1);
    const bool operation = newest->kind < NS_EVENT_MAP;
    return newest->actor == actor ? (uint16_t)(newest->part + operation) : 0;
}

void record_entry(struct ns_tracker *tracker, uint32_t event, struct ns_recorded *entry) {
    entry->actor = event_at(tracker, event)->actor;
    entry->part = event_at(tracker, event)->part;
    const enum ns_recorded_kind kind = (enum ns_recorded_kind)entry->kind;
    if (kind == NS_RECORDED_MAP || kind == NS_RECORDED_UNMAP || kind == NS_RECORDED_SYNC || kind == NS_RECORDED_ALLOC ||
        kind == NS_RECORDED_FREE)
        entry->part = part_behind(tracker, entry->actor);
    ns_recording_add(tracker->recording, entry, NULL, 0);
}

/* The object whose mapping an access went through, or the part of it with a type of its own. */
static const struct ns_tracked_object *meant(const struct ns_tracker *tracker, uint32_t object, uint64_t address) {
    const uint32_t here = object_at(tracker, address);
    if (here != NS_NO_OBJECT && object != NS_NO_OBJECT && tracker->object[here].part_of == object + 1)
        object = here;
    return object == NS_NO_OBJECT ? NULL : &tracker->object[object];
}

void record_access(struct ns_tracker *tracker, enum ns_recorded_kind kind, uint32_t event, uint32_t object,
                   uint64_t address, uint32_t length, const uint8_t *data, unsigned flags) {
    const struct ns_event *access = event_at(tracker, event);
    const struct ns_tracked_object *through = meant(tracker, object, address);
    const struct ns_tracked_object *here =
        object_at(tracker, address) == NS_NO_OBJECT ? NULL : &tracker->object[object_at(tracker, address)];
    struct ns_recorded entry = {.kind = (uint8_t)kind,
                                .actor = access->actor,
                                .part = access->part,
                                .address = address,
                                .length = length,
                                .type = access->type,
                                .meant = through == NULL ? NS_RECORDED_NO_TYPE : (uint8_t)through->type,
                                .view = access->bus_address};
    if (tracker->uses_freed[access->actor])
        flags |= NS_RECORDED_USES_FREED;
    if (here != NULL && here->coherent)
        flags |= NS_RECORDED_COHERENT;
    entry.flags = (uint16_t)flags;
    ns_recording_add(tracker->recording, &entry, data, length);
}

void record_signal(struct ns_tracker *tracker, enum ns_recorded_kind kind, unsigned actor, unsigned peer,
                   unsigned irq) {
    struct ns_recorded entry = {
        .kind = (uint8_t)kind, .actor = (uint8_t)actor, .peer = (uint8_t)peer, .irq = (uint8_t)irq};
    const struct ns_event *newest = event_at(tracker, (uint32_t)tracker->log->event_count - 1);
    entry.part = newest->actor == actor ? newest->part : 0;
    ns_recording_add(tracker->recording, &entry, NULL, 0);
}

void record_map(struct ns_tracker *tracker, uint32_t event, unsigned device, uint64_t address, uint64_t length,
                uint8_t direction, bool undefined_until_written) {
    struct ns_recorded entry = {
        .kind = NS_RECORDED_MAP, .peer = (uint8_t)device, .address = address, .length = length, .direction = direction};
    uint64_t original, slot;
    if (bounce_sides(tracker, address, &original, &slot)) {
        entry.address = original;
        record_entry(tracker, event, &entry);
        entry.address = slot;
        entry.flags = NS_RECORDED_BOUNCED;
    }
    if (undefined_until_written)
        entry.flags |= NS_RECORDED_UNDEFINED;
    record_entry(tracker, event, &entry);
}

void ns_tracker_fence(struct ns_tracker *tracker, uint32_t event, bool local) {
    struct ns_recorded entry = {.kind = NS_RECORDED_FENCE, .flags = local ? NS_RECORDED_LOCAL : 0};
    if (tracker->recording != NULL)
        record_entry(tracker, event, &entry);
}

void ns_tracker_sfence(struct ns_tracker *tracker, uint32_t event, bool all, uint64_t virtual_address, uint64_t length,
                       bool all_harts) {
    const uint64_t first = virtual_address / NS_PAGE_SIZE * NS_PAGE_SIZE;
    const uint64_t end = (virtual_address + length + NS_PAGE_SIZE - 1) / NS_PAGE_SIZE * NS_PAGE_SIZE;
    struct ns_recorded entry = {.kind = NS_RECORDED_SFENCE,
                                .flags =
                                    (uint16_t)((all ? NS_RECORDED_WHOLE : 0) | (all_harts ? NS_RECORDED_ALL_HARTS : 0)),
                                .view = first,
                                .length = end - first};
    if (tracker->recording != NULL)
        record_entry(tracker, event, &entry);
}

void ns_tracker_page(struct ns_tracker *tracker, uint32_t event, uint64_t virtual_address, uint64_t physical,
                     uint64_t length, enum ns_memory_type type, bool faults) {
    struct ns_recorded entry = {.kind = NS_RECORDED_PTE,
                                .view = virtual_address,
                                .address = physical,
                                .length = length,
                                .type = (uint8_t)type,
                                .flags = faults ? NS_RECORDED_FAULTS : 0};
    if (tracker->recording != NULL)
        record_entry(tracker, event, &entry);
}

void ns_tracker_register_read(struct ns_tracker *tracker, uint32_t event, unsigned device) {
    struct ns_recorded entry = {.kind = NS_RECORDED_REGISTER_READ, .peer = (uint8_t)device};
    if (tracker->recording != NULL)
        record_entry(tracker, event, &entry);
}

void ns_tracker_device_flush(struct ns_tracker *tracker, unsigned device) {
    if (tracker->recording != NULL)
        record_signal(tracker, NS_RECORDED_DEVICE_FLUSH, device, 0, 0);
}
