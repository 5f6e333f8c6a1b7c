/* SPDX-License-Identifier: Apache-2.0 */
#include "model/tracker_internal.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct ns_tracker *ns_tracker_create(struct ns_log *log, const struct ns_tracker_view *view) {
    struct ns_tracker *tracker = calloc(1, sizeof *tracker);
    if (tracker == NULL)
        return NULL;
    tracker->log = log;
    tracker->view = *view;
    tracker->clocks.actor_count = log->actor_count;
    for (unsigned i = 0; i < log->actor_count; i++)
        tracker->clocks.harts |= (uint32_t)(log->actor[i].actor_class == NS_ACTOR_CLASS_HART) << i;
    tracker->mapping = calloc(MAPPING_LIMIT, sizeof *tracker->mapping);
    tracker->kept = calloc(KEPT_LIMIT, sizeof *tracker->kept);
    if (tracker->mapping == NULL || tracker->kept == NULL) {
        ns_tracker_destroy(tracker);
        return NULL;
    }
    return tracker;
}

void ns_tracker_destroy(struct ns_tracker *tracker) {
    if (tracker == NULL)
        return;
    ns_slab_release(&tracker->pages);
    bounce_release(tracker);
    free(tracker->object);
    free(tracker->mapping);
    free(tracker->kept);
    free(tracker);
}

void ns_tracker_set_device(struct ns_tracker *tracker, unsigned actor, const struct ns_tracked_device *device) {
    tracker->device[actor] = *device;
    if (device->two_channels && tracker->second[actor] == 0 && tracker->clocks.actor_count < NS_CLOCK_ACTORS)
        tracker->second[actor] = tracker->clocks.actor_count++;
}

/* Parts and aliases have the bytes of another object, which has shown them. */
static void show_object(struct ns_tracker *tracker, const struct ns_tracked_object *object) {
    if (tracker->log->waveform != NULL && object->length > 0 && object->part_of == 0)
        ns_waveform_name(tracker->log->waveform, object->name, object->first, object->length);
}

uint32_t ns_tracker_add_object(struct ns_tracker *tracker, const struct ns_tracked_object *object) {
    if (tracker->object_count == tracker->object_capacity) {
        const size_t capacity = tracker->object_capacity == 0 ? 32 : 2 * tracker->object_capacity;
        struct ns_tracked_object *grown = realloc(tracker->object, capacity * sizeof *grown);
        if (grown == NULL) {
            tracker->log->truncated = true; /* what would be found without it is not to be trusted */
            return NS_NO_OBJECT;
        }
        tracker->object = grown;
        tracker->object_capacity = capacity;
    }
    tracker->object[tracker->object_count] = *object;
    show_object(tracker, object);
    return (uint32_t)tracker->object_count++;
}

bool ns_tracker_is_object(const struct ns_tracker *tracker, uint64_t address) {
    return object_at(tracker, address) != NS_NO_OBJECT;
}

void ns_tracker_set_object_type(struct ns_tracker *tracker, uint32_t object, enum ns_memory_type type, bool coherent) {
    if (object == NS_NO_OBJECT)
        return;
    tracker->object[object].type = type;
    tracker->object[object].coherent = coherent;
    for (size_t i = 0; i < tracker->object_count; i++)
        if (tracker->object[i].part_of == object + 1)
            tracker->object[i].length = 0; /* its parts have the type of the whole again */
}

void ns_tracker_replace_object(struct ns_tracker *tracker, uint32_t object, const struct ns_tracked_object *now) {
    tracker->object[object] = *now;
    show_object(tracker, now);
}

/* ---- hazards without a symptom --------------------------------------------------------------- */

size_t ns_tracker_report(struct ns_tracker *tracker, enum ns_hazard_id id, enum ns_symptom symptom, uint32_t event,
                         uint64_t first, uint64_t last, uint32_t earlier, enum ns_note_role role, const char *detail) {
    struct ns_hazard hazard = {.id = id, .symptom = symptom, .event = event, .first = first, .last = last};
    hazard.site = event_at(tracker, event)->site;
    hazard.actor = event_at(tracker, event)->actor;
    if (earlier != NS_NO_EVENT) {
        hazard.note[0] = (struct ns_note){.event = earlier, .role = role};
        hazard.note_count = 1;
    }
    snprintf(hazard.detail, sizeof hazard.detail, "%s", detail);
    return ns_log_add_hazard(tracker->log, &hazard);
}

/* ---- accesses -------------------------------------------------------------------------------- */

/* The flat memory takes the bytes; from now on they are defined, wanted and nobody's loss. */
static void set_out(struct ns_tracker *tracker, uint32_t event) {
    uint32_t *out = tracker->under_way[event_at(tracker, event)->actor];
    out[out[0] == NS_NO_EVENT ? 0 : WRITES_UNDER_WAY - 1] = event;
}

static void write_flat(struct ns_tracker *tracker, uint32_t event, uint64_t address, uint32_t length,
                       const uint8_t *data) {
    const uint64_t end = address + length;
    for (uint64_t at = address; at < end;) {
        struct ghost_page *page = ghost_at(tracker, at);
        if (page == NULL)
            return;
        const size_t offset = at % NS_PAGE_SIZE, count = bytes_in_page(at, end);
        memcpy(&page->value[offset], &data[at - address], count);
        for (size_t i = offset; i < offset + count; i++)
            page->flat[i] = event;
        for (size_t i = offset; i < offset + count; i++)
            page->flags[i] = ns_byte_written(page->flags[i]);
        at += count;
    }
}

void ns_tracker_initial(struct ns_tracker *tracker, uint32_t event, uint64_t address, uint64_t length,
                        const uint8_t *data) {
    if (tracker->recording != NULL)
        record_access(tracker, NS_RECORDED_INITIAL, event, NS_NO_OBJECT, address, (uint32_t)length, data, 0);
    else
        write_flat(tracker, event, address, (uint32_t)length, data);
}

void ns_tracker_store(struct ns_tracker *tracker, uint32_t event, uint32_t object, uint64_t address, uint32_t length,
                      const uint8_t *data) {
    const bool copies = bounce_copies(tracker, event, address, length);
    if (tracker->recording != NULL) {
        record_access(tracker, NS_RECORDED_STORE, event, object, address, length, data,
                      copies ? NS_RECORDED_COPIES : 0);
        return;
    }
    check_type(tracker, event, object, address, length);
    if (copies)
        bounce_stores(tracker, event, address, length, data);
    else
        check_hart_ownership(tracker, event, address, length, true);
    set_out(tracker, event);
    write_flat(tracker, event, address, length, data);
    if (copies)
        bounce_stored(tracker, event, address, length);
}

void ns_tracker_dma_write(struct ns_tracker *tracker, uint32_t event, uint64_t address, uint32_t length,
                          const uint8_t *data) {
    if (tracker->recording != NULL) {
        record_access(tracker, NS_RECORDED_DMA_WRITE, event, NS_NO_OBJECT, address, length, data, 0);
        return;
    }
    check_device_access(tracker, event, address, length, true);
    set_out(tracker, event);
    write_flat(tracker, event, address, length, data);
    for (uint32_t i = 0; i < length; i++) {
        struct ghost_page *page = ghost_at(tracker, address + i);
        if (page != NULL)
            set_device_access(tracker, page, (address + i) % NS_PAGE_SIZE, event, true);
    }
    bounce_device_wrote(tracker, event, address, length);
}

/* Lost bytes were reported where they were lost; here they only are met. */
static void note_consequence(struct ns_tracker *tracker, uint32_t event, uint32_t hazard_index) {
    if (hazard_index >= tracker->log->hazard_count)
        return;
    struct ns_hazard *hazard = &tracker->log->hazard[hazard_index];
    const uint32_t site = event_at(tracker, event)->site;
    for (uint32_t i = 0; i < hazard->consequence_count; i++)
        if (hazard->consequence_site[i] == site)
            return;
    if (hazard->consequence_count < sizeof hazard->consequence_site / sizeof hazard->consequence_site[0])
        hazard->consequence_site[hazard->consequence_count++] = site;
}

/* A write that its actor was still at when the access began may be missed by whoever was not told of it: the access came
 * before it. Who polls its first bytes was told of all. */
static bool may_miss(const struct ns_tracker *tracker, uint32_t event, ns_version newest) {
    const unsigned writer = event_at(tracker, newest)->actor;
    bool under_way = false;
    for (unsigned i = 0; i < WRITES_UNDER_WAY; i++)
        under_way |= tracker->under_way[writer][i] == newest;
    for (unsigned i = 0; i < ARRIVALS_KEPT; i++)
        under_way |= tracker->arrived[writer][i].write == newest && tracker->arrived[writer][i].at >= event;
    return under_way && !happened_before(tracker, newest, event_at(tracker, event)->actor);
}

/* Compares what an access returned with the flat memory. Runs of bytes with the same history make one hazard. True when
 * something was stale. */
static bool compare(struct ns_tracker *tracker, uint32_t event, uint32_t object, uint64_t address, uint32_t length,
                    const uint8_t *data, const ns_version *versions) {
    bool stale = false;
    for (uint32_t i = 0; i < length;) {
        const struct ghost_page *page = ghost_at(tracker, address + i);
        if (page == NULL)
            return stale;
        const size_t offset = (address + i) % NS_PAGE_SIZE;
        const ns_version newest = page->flat[offset];
        /* What was written while the access was under way is not older than it. */
        if (!ns_is_stale(versions[i], newest) || newest > event || may_miss(tracker, event, newest)) {
            i++;
            continue;
        }
        stale = true;
        const uint8_t flags = page->flags[offset];
        uint32_t end = i + 1;
        while (end < length && (address + end) % NS_PAGE_SIZE != 0 && versions[end] == versions[i] &&
               page->flat[(address + end) % NS_PAGE_SIZE] == newest &&
               page->flags[(address + end) % NS_PAGE_SIZE] == flags)
            end++;
        if ((flags & NS_BYTE_LOST) != 0) {
            note_consequence(tracker, event, page->traffic->aux[offset]);
        } else {
            struct stale_bytes bytes = {.event = event,
                                        .object = object,
                                        .first = address + i,
                                        .length = end - i,
                                        .got = versions[i],
                                        .newest = newest,
                                        .data = data + i};
            for (uint32_t j = 0; j < length && !bytes.torn; j++)
                bytes.torn = versions[j] == newest;
            diagnose_stale(tracker, &bytes);
        }
        i = end;
    }
    return stale;
}

/* Bytes of a from-device mapping that the device has not written: what they hold is nobody's promise. */
static void check_undefined(struct ns_tracker *tracker, uint32_t event, uint64_t address, uint32_t length) {
    for (uint32_t i = 0; i < length; i++) {
        const struct ghost_page *page = ghost_at(tracker, address + i);
        const size_t offset = (address + i) % NS_PAGE_SIZE;
        if (page != NULL && (page->flags[offset] & NS_BYTE_LOST) != 0) {
            note_consequence(tracker, event, page->traffic->aux[offset]);
            continue;
        }
        if (page == NULL || (page->flags[offset] & NS_BYTE_UNDEFINED) == 0)
            continue;
        uint32_t end = i + 1;
        while (end < length && (address + end) % NS_PAGE_SIZE != 0 &&
               (page->flags[(address + end) % NS_PAGE_SIZE] & NS_BYTE_UNDEFINED) != 0)
            end++;
        ns_tracker_report(tracker, NS_BB_LEAK, NS_SYMPTOM_LEAK, event, address + i, address + end - 1,
                          page->traffic->aux[offset], NS_NOTE_MAPPED,
                          "the device never wrote these bytes, and mapping from-device left their content undefined");
        return;
    }
}

static size_t kept_in_use(const struct ns_tracker *tracker) {
    return tracker->kept_count < KEPT_LIMIT ? tracker->kept_count : KEPT_LIMIT;
}

/* A poll takes the place of loads of what it polls; other fields that such a load took along stay as they were. */
static void polled(struct ns_tracker *tracker, uint32_t event, uint64_t address, uint32_t length) {
    const unsigned hart = event_at(tracker, event)->actor;
    for (size_t i = 0; i < kept_in_use(tracker); i++) {
        struct kept_load *load = &tracker->kept[i];
        if (event_at(tracker, load->event)->actor == hart && address <= load->address &&
            load->address + load->length <= address + length)
            load->reloaded = true;
    }
}

static void keep(struct ns_tracker *tracker, uint32_t event, uint64_t address, uint32_t length) {
    const unsigned hart = event_at(tracker, event)->actor;
    for (size_t i = 0; i < kept_in_use(tracker); i++) {
        struct kept_load *load = &tracker->kept[i];
        if (event_at(tracker, load->event)->actor == hart && address < load->address + load->length &&
            load->address < address + length)
            load->reloaded = true;
    }
    tracker->kept[tracker->kept_count++ % KEPT_LIMIT] =
        (struct kept_load){.event = event, .address = address, .length = length};
}

void ns_tracker_load(struct ns_tracker *tracker, uint32_t event, uint32_t object, uint64_t address, uint32_t length,
                     const uint8_t *data, const ns_version *versions, const struct ns_load_facts *facts) {
    if (tracker->recording != NULL) {
        record_access(tracker, NS_RECORDED_LOAD, event, object, address, length, NULL,
                      (facts->polling ? NS_RECORDED_POLLING : 0u) |
                          (facts->to_register ? NS_RECORDED_TO_REGISTER : 0u) |
                          (bounce_copies(tracker, event, address, length) ? NS_RECORDED_COPIES : 0u));
        return;
    }
    const bool wrong_type = check_type(tracker, event, object, address, length);
    if (facts->polling) {
        polled(tracker, event, address, length);
        return;
    }
    const bool stale = !wrong_type && compare(tracker, event, object, address, length, data, versions);
    if (bounce_copies(tracker, event, address, length)) {
        bounce_loaded(tracker, event, address, length, data);
        return;
    }
    if (!stale && !wrong_type && !check_hart_ownership(tracker, event, address, length, false) &&
        !bounce_check_load(tracker, event, address, length, data))
        check_undefined(tracker, event, address, length);
    if (facts->to_register && event_at(tracker, event)->type != NS_TYPE_CACHEABLE)
        keep(tracker, event, address, length);
}

void ns_tracker_dma_read(struct ns_tracker *tracker, uint32_t event, uint64_t address, uint32_t length,
                         const uint8_t *data, const ns_version *versions, const struct ns_load_facts *facts) {
    if (tracker->recording != NULL) {
        record_access(tracker, NS_RECORDED_DMA_READ, event, NS_NO_OBJECT, address, length, NULL,
                      facts->polling ? NS_RECORDED_POLLING : 0);
        return;
    }
    if (facts->polling)
        return; /* the one access that may race */
    for (uint32_t i = 0; i < length; i++) {
        struct ghost_page *page = ghost_at(tracker, address + i);
        if (page != NULL)
            set_device_access(tracker, page, (address + i) % NS_PAGE_SIZE, event, false);
    }
    if (check_device_lifetime(tracker, event, address, length))
        return; /* what freed memory holds needs no other explanation */
    if (!compare(tracker, event, NS_NO_OBJECT, address, length, data, versions) &&
        !check_device_access(tracker, event, address, length, false))
        bounce_check_device_read(tracker, event, address, length, data);
}

/* ---- copies ---------------------------------------------------------------------------------- */

void ns_tracker_maintenance_begin(struct ns_tracker *tracker, uint32_t event, uint64_t address, uint64_t length,
                                  bool whole) {
    if (tracker->recording != NULL) {
        const struct ns_event *what = event_at(tracker, event);
        struct ns_recorded entry = {
            .kind = NS_RECORDED_MAINTAIN,
            .address = what->address,
            .length = what->length,
            .named = address,
            .named_length = length,
            .op = what->op,
            .scope = what->scope,
            .flags = (uint16_t)((whole ? NS_RECORDED_WHOLE : 0) | (what->exact ? NS_RECORDED_EXACT : 0))};
        record_entry(tracker, event, &entry);
        return;
    }
    tracker->maintenance.active = true;
    tracker->maintenance.whole = whole;
    tracker->maintenance.event = event;
    tracker->maintenance.first = address;
    tracker->maintenance.length = length;
}

void ns_tracker_maintenance_end(struct ns_tracker *tracker) {
    tracker->maintenance.active = false;
}

void ns_tracker_maintaining(struct ns_tracker *tracker, unsigned actor, uint32_t event) {
    if (tracker->maintaining[actor] != NS_NO_EVENT) {
        tracker->maintained[actor].event = tracker->maintaining[actor];
        tracker->maintained[actor].at = (uint32_t)tracker->log->event_count - 1;
    }
    tracker->maintaining[actor] = event;
}

/* Did memory hold the newest version of some of these bytes, and gets another? `count` bytes of one page. */
static bool replaces_newest(const struct ghost_page *page, uint64_t address, size_t count,
                            const ns_version *old_versions, const ns_version *versions) {
    const ns_version *newest = &page->flat[address % NS_PAGE_SIZE];
    unsigned replaced = 0;
    for (size_t i = 0; i < count; i++)
        replaced |= (unsigned)(old_versions[i] == newest[i]) & (unsigned)(old_versions[i] != versions[i]);
    return replaced != 0;
}

/* A copy still holds the newest version of a byte, of which memory has an older one now: should the copy go, this write
 * is what has destroyed it. */
static void note_aged(struct ns_tracker *tracker, struct ghost_page *page, size_t offset, uint32_t cause_event) {
    if ((page->flags[offset] & (NS_BYTE_DISCARDED | NS_BYTE_UNDEFINED | NS_BYTE_LOST)) != 0)
        return; /* `aux` says what is worse */
    page->flags[offset] |= NS_BYTE_AGED;
    set_aux(tracker, page, offset, cause_event);
}

void ns_tracker_memory_write(struct ns_tracker *tracker, uint32_t cause_event, uint64_t address, uint32_t length,
                             const uint8_t *old_data, const ns_version *old_versions, const uint8_t *data,
                             const ns_version *versions) {
    (void)old_data;
    if (old_versions == NULL || versions == NULL || tracker->recording != NULL)
        return;
    const bool by_device = event_at(tracker, cause_event)->kind == NS_EVENT_DMA_WRITE;
    for (uint32_t i = 0; i < length;) {
        struct ghost_page *page = ghost_at(tracker, address + i);
        if (page == NULL)
            return;
        const size_t offset = (address + i) % NS_PAGE_SIZE, rest = bytes_in_page(address + i, address + length);
        if (!by_device && !replaces_newest(page, address + i, rest, old_versions + i, versions + i)) {
            i += (uint32_t)rest;
            continue;
        }
        struct ghost_traffic *traffic = by_device ? traffic_of(tracker, page) : NULL;
        if (traffic != NULL)
            traffic->before_dma[offset] = old_versions[i];
        const ns_version newest = page->flat[offset];
        const bool replaces = old_versions[i] == newest && versions[i] != newest;
        if (!replaces || (page->flags[offset] & NS_BYTE_LOST) != 0) {
            i++;
            continue;
        }
        if (!ns_is_overwritten(old_versions[i], versions[i], newest,
                               version_exists(tracker, address + i, newest, false))) {
            note_aged(tracker, page, offset, cause_event);
            i++;
            continue;
        }
        uint32_t end = i + 1;
        while (end < length && (address + end) % NS_PAGE_SIZE != 0 && old_versions[end] == newest &&
               versions[end] != newest && page->flat[(address + end) % NS_PAGE_SIZE] == newest)
            end++;
        const struct lost_bytes bytes = {.cause_event = cause_event,
                                         .first = address + i,
                                         .length = end - i,
                                         .newest = newest,
                                         .line_address = address,
                                         .line_length = length,
                                         .data = data,
                                         .versions = versions,
                                         .old_versions = old_versions};
        diagnose_lost(tracker, &bytes);
        i = end;
    }
}

void ns_tracker_drop(struct ns_tracker *tracker, uint32_t event, const struct ns_cache_line_event *line, bool dirty) {
    if (line->versions == NULL || tracker->recording != NULL)
        return;
    for (uint32_t i = 0; i < line->length;) {
        const uint64_t at = line->address + i;
        struct ghost_page *page = ghost_at(tracker, at);
        if (page == NULL)
            return;
        const size_t offset = at % NS_PAGE_SIZE;
        const ns_version newest = page->flat[offset];
        if (line->versions[i] != newest || (page->flags[offset] & (NS_BYTE_LOST | NS_BYTE_DISCARDED)) != 0) {
            i++;
            continue;
        }
        const bool named =
            tracker->maintenance.active &&
            (tracker->maintenance.whole || range_holds(tracker->maintenance.first, tracker->maintenance.length, at));
        const bool gone = ns_is_dropped(line->versions[i], newest, version_exists(tracker, at, newest, true));
        if (!gone &&
            !(named && ns_is_given_up(line->versions[i], newest, dirty, version_is_kept(tracker, at, newest)))) {
            i++;
            continue;
        }
        if (named) {
            page->flags[offset] = ns_byte_discarded(page->flags[offset]);
            if ((page->flags[offset] & NS_BYTE_UNDEFINED) == 0)
                set_aux(tracker, page, offset, tracker->maintenance.event);
            i++;
            continue;
        }
        uint32_t end = i + 1;
        while (end < line->length && line->versions[end] == newest &&
               page->flat[(line->address + end) % NS_PAGE_SIZE] == newest &&
               (page->flags[(line->address + end) % NS_PAGE_SIZE] & NS_BYTE_DISCARDED) == 0 &&
               !(tracker->maintenance.active &&
                 range_holds(tracker->maintenance.first, tracker->maintenance.length, line->address + end)))
            end++;
        const bool aged = !dirty && (page->flags[offset] & (NS_BYTE_AGED | NS_BYTE_UNDEFINED)) == NS_BYTE_AGED;
        const struct lost_bytes bytes = {.cause_event = aged                          ? page->traffic->aux[offset]
                                                        : tracker->maintenance.active ? tracker->maintenance.event
                                                                                      : event,
                                         .first = at,
                                         .length = end - i,
                                         .newest = newest,
                                         .dropped = true,
                                         .aged = aged,
                                         .line_address = line->address,
                                         .line_length = line->length,
                                         .data = line->data,
                                         .versions = line->versions};
        diagnose_lost(tracker, &bytes);
        i = end;
    }
}

void ns_tracker_arrived(struct ns_tracker *tracker, uint32_t event) {
    uint32_t *out = tracker->under_way[event_at(tracker, event)->actor];
    for (unsigned i = 0; i < WRITES_UNDER_WAY; i++)
        if (out[i] == event)
            out[i] = NS_NO_EVENT;
    const unsigned actor = event_at(tracker, event)->actor;
    const unsigned slot = tracker->arrived_count[actor]++ % ARRIVALS_KEPT;
    tracker->arrived[actor][slot].write = event;
    tracker->arrived[actor][slot].at = (uint32_t)tracker->log->event_count - 1;
}

void ns_tracker_misdirected(struct ns_tracker *tracker, size_t hazard, uint64_t address, uint64_t length) {
    if (tracker->recording != NULL) {
        struct ns_recorded entry = {.kind = NS_RECORDED_MISDIRECTED, .address = address, .length = length};
        record_entry(tracker, (uint32_t)tracker->log->event_count - 1, &entry);
        return;
    }
    for (uint64_t at = address; at < address + length; at++) {
        struct ghost_page *page = ghost_at(tracker, at);
        if (page == NULL || hazard >= tracker->log->hazard_count)
            return;
        page->flags[at % NS_PAGE_SIZE] |= NS_BYTE_LOST;
        set_aux(tracker, page, at % NS_PAGE_SIZE, (uint32_t)hazard);
    }
}

/* ---- the end --------------------------------------------------------------------------------- */

bool ns_tracker_flat_equals(struct ns_tracker *tracker, uint64_t address, uint32_t length, const uint8_t *data) {
    for (uint32_t i = 0; i < length; i++) {
        const struct ghost_page *page = ghost_at(tracker, address + i);
        if (page == NULL || page->value[(address + i) % NS_PAGE_SIZE] != data[i])
            return false;
    }
    return true;
}

/* Was the device told anything between two events? Then what a hart read before was not early: it was another turn's.
 */
static bool handed_over(const struct ns_tracker *tracker, unsigned device, uint32_t after, uint32_t before) {
    for (uint32_t i = after + 1; i < before; i++) {
        const struct ns_event *event = event_at(tracker, i);
        const bool called = event->peer == device && (event->kind == NS_EVENT_DOORBELL || event->kind == NS_EVENT_MAP ||
                                                      event->kind == NS_EVENT_SYNC_FOR_DEVICE);
        const bool saw_flag = event->actor == device && event->kind == NS_EVENT_POLL && event->link > after;
        if (called || saw_flag)
            return true;
    }
    return false;
}

/*
 * OR-DESC-CONSUME: a hart kept fields that it had loaded before it learnt (by a poll or an interrupt) that the device
 * had written them, and never loaded them again. Which of its loads were early is only known at the end.
 */
static uint64_t count_discarded(const struct ns_tracker *tracker) {
    uint64_t count = 0;
    for (size_t i = 0; i < GHOST_BUCKETS; i++)
        for (const struct ghost_page *page = tracker->bucket[i]; page != NULL; page = page->next)
            for (size_t offset = 0; offset < NS_PAGE_SIZE; offset++)
                count += (page->flags[offset] & (NS_BYTE_DISCARDED | NS_BYTE_UNDEFINED)) == NS_BYTE_DISCARDED &&
                         event_at(tracker, page->flat[offset])->kind == NS_EVENT_STORE;
    return count;
}

void ns_tracker_finish(struct ns_tracker *tracker) {
    tracker->log->discarded = count_discarded(tracker);
    for (size_t i = 0; i < kept_in_use(tracker); i++) {
        const struct kept_load *load = &tracker->kept[i];
        if (load->reloaded)
            continue;
        const unsigned hart = event_at(tracker, load->event)->actor;
        for (uint32_t j = 0; j < load->length; j++) {
            const struct ghost_page *page = ghost_at(tracker, load->address + j);
            if (page == NULL)
                break;
            const ns_version newest = page->flat[(load->address + j) % NS_PAGE_SIZE];
            const struct ns_event *writer = event_at(tracker, newest);
            if (newest <= load->event || writer->kind != NS_EVENT_DMA_WRITE ||
                !happened_before(tracker, newest, hart) || handed_over(tracker, writer->actor, load->event, newest))
                continue;
            ns_tracker_report(tracker, NS_OR_DESC_CONSUME, NS_SYMPTOM_ORDER, load->event, load->address + j,
                              load->address + load->length - 1, newest, NS_NOTE_WROTE,
                              "loaded before the flag that says the device has written it, and not loaded again");
            break;
        }
    }
}
