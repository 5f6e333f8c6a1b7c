/* SPDX-License-Identifier: Apache-2.0 */
/* Why the newest version of a byte exists nowhere any more. */
#include "model/diagnose.h"

#include <stdio.h>
#include <string.h>

/* Why was the line dirty that was written over the lost bytes? Its bytes are compared with what memory held before the
 * device wrote there. */
static uint32_t dirtier(struct ns_tracker *tracker, const struct lost_bytes *bytes, struct ns_lost_facts *facts) {
    uint64_t unit = bytes->first, unit_length = bytes->length;
    const bool known = unit_at(tracker, bytes->first, &unit, &unit_length);
    const struct ns_event *writer = event_at(tracker, bytes->newest);
    if (writer->kind == NS_EVENT_DMA_WRITE) {
        const struct mapping *mapping = relevant_mapping(tracker, writer->actor, bytes->first);
        if (mapping != NULL && mapping->live && (!known || mapping->length < unit_length)) {
            unit = mapping->first;
            unit_length = mapping->length;
        }
    }
    uint32_t own = NS_NO_EVENT, neighbour = NS_NO_EVENT;
    uint64_t neighbour_address = 0;
    for (uint32_t i = 0; i < bytes->line_length; i++) {
        const uint64_t at = bytes->line_address + i;
        const struct ns_event *stored = event_at(tracker, bytes->versions[i]);
        const struct ghost_page *page = ghost_at(tracker, at);
        if (page == NULL || stored->kind != NS_EVENT_STORE ||
            (bytes->old_versions != NULL && bytes->versions[i] == bytes->old_versions[i]))
            continue;
        const struct ns_event *replaced = event_at(tracker, bytes->old_versions == NULL ? 0 : bytes->old_versions[i]);
        if (replaced->kind == NS_EVENT_DMA_WRITE && page->traffic->before_dma[at % NS_PAGE_SIZE] == bytes->versions[i])
            continue; /* memory held this version before the device wrote: the byte itself was clean */
        /* What the device wrote in one go is one thing, whatever fields it has. */
        const bool written_with_it =
            writer->kind == NS_EVENT_DMA_WRITE && range_holds(writer->address, writer->length, at);
        if (written_with_it || range_holds(unit, unit_length, at)) {
            own = bytes->versions[i] > own ? bytes->versions[i] : own;
        } else if (bytes->versions[i] > neighbour) {
            neighbour = bytes->versions[i];
            neighbour_address = at;
        }
    }
    facts->own_bytes_dirty = own != NS_NO_EVENT;
    facts->neighbour_dirty = neighbour != NS_NO_EVENT;
    facts->speculative_dirty = own == NS_NO_EVENT && neighbour == NS_NO_EVENT;
    if (neighbour != NS_NO_EVENT && own == NS_NO_EVENT) {
        const uint32_t mine = object_at(tracker, bytes->first), other = object_at(tracker, neighbour_address);
        facts->both_descriptors = mine != NS_NO_OBJECT && other != NS_NO_OBJECT && tracker->object[mine].descriptor &&
                                  tracker->object[other].descriptor;
    }
    return own != NS_NO_EVENT ? own : neighbour;
}

static uint32_t speculative_store_of(const struct ns_tracker *tracker, const struct lost_bytes *bytes) {
    for (uint32_t i = bytes->cause_event; i-- > 1;)
        if (event_at(tracker, i)->kind == NS_EVENT_SPECULATIVE_STORE &&
            ranges_meet(event_at(tracker, i)->address, event_at(tracker, i)->length, bytes->line_address,
                        bytes->line_length))
            return i;
    return NS_NO_EVENT;
}

void diagnose_lost(struct ns_tracker *tracker, const struct lost_bytes *bytes) {
    const struct ns_event *cause = event_at(tracker, bytes->cause_event);
    const struct ns_event *writer = event_at(tracker, bytes->newest);
    const uint32_t object = object_at(tracker, bytes->first);
    struct ns_lost_facts facts = {.by_invalidate = bytes->dropped && !bytes->aged};
    facts.writer = writer->kind == NS_EVENT_DMA_WRITE ? NS_WRITER_DEVICE
                   : writer->kind == NS_EVENT_STORE   ? NS_WRITER_HART
                                                      : NS_WRITER_NOBODY;
    facts.by_device_write = !facts.by_invalidate && cause->kind == NS_EVENT_DMA_WRITE;
    facts.by_buffered_store = !facts.by_invalidate && cause->kind == NS_EVENT_STORE;
    facts.object_is_coherent = object != NS_NO_OBJECT && tracker->object[object].coherent;
    facts.writer_non_cacheable = writer->kind == NS_EVENT_STORE && writer->type != NS_TYPE_CACHEABLE;
    if (facts.writer == NS_WRITER_DEVICE) {
        const struct ns_tracked_device *device = &tracker->device[writer->actor];
        const struct mapping *mapping = relevant_mapping(tracker, writer->actor, bytes->first);
        facts.declared_coherent_only = device->declared_coherent && !device->snoops;
        facts.wrong_direction = mapping != NULL && mapping->direction == 1;
    }
    facts.told = tracker->told_event[time_line_of(tracker, bytes->newest)][time_line_of(tracker, bytes->cause_event)] >=
                 bytes->cause_event;
    uint32_t dirtied = NS_NO_EVENT;
    if (facts.by_invalidate) {
        const uint32_t named = object_at(tracker, tracker->maintenance.first);
        facts.both_descriptors = object != NS_NO_OBJECT && named != NS_NO_OBJECT &&
                                 tracker->object[object].descriptor && tracker->object[named].descriptor;
    } else if (bytes->aged) {
        facts.own_bytes_dirty = cause->kind == NS_EVENT_WRITE_BACK; /* what else was dirty is no longer known */
    } else if (cause->kind == NS_EVENT_WRITE_BACK) {
        dirtied = dirtier(tracker, bytes, &facts);
        facts.type_mismatch = had_wrong_type(tracker, dirtied);
        if (facts.speculative_dirty && speculative_store_of(tracker, bytes) == NS_NO_EVENT) {
            facts.speculative_dirty = false; /* the dirty bytes have been written again since, with the same version */
            facts.own_bytes_dirty = true;
        }
    }

    struct ns_hazard hazard = {.symptom = NS_SYMPTOM_LOST,
                               .event = bytes->cause_event,
                               .site = cause->site,
                               .actor = cause->actor,
                               .first = bytes->first,
                               .last = bytes->first + bytes->length - 1};
    hazard.id = ns_rule_lost(&facts);
    /* What memory holds now: the write that destroyed them, or what was below the dropped line. */
    uint8_t now[8];
    const uint32_t sample = bytes->length > 8 ? 8 : bytes->length;
    if (bytes->dropped)
        (void)ns_memory_read(tracker->view.memory, bytes->first, sample, now, NULL);
    else
        memcpy(now, bytes->data + (bytes->first - bytes->line_address), sample);
    fill_samples(tracker, &hazard, bytes->first, sample, now);
    add_note(&hazard, bytes->newest, NS_NOTE_WROTE);
    add_note(&hazard, facts.speculative_dirty ? speculative_store_of(tracker, bytes) : dirtied, NS_NOTE_DIRTIED);
    char was[16], is[16];
    hex(was, sizeof was, hazard.newest, hazard.sample_length);
    hex(is, sizeof is, hazard.got, hazard.sample_length);
    if (bytes->aged)
        snprintf(hazard.detail, sizeof hazard.detail,
                 "the write to memory here carries old bytes %s over %s, whose last copy is dropped later", is, was);
    else if (bytes->dropped)
        snprintf(hazard.detail, sizeof hazard.detail,
                 "the line was dropped with %s in it, which nobody had written back; memory holds %s", was, is);
    else
        snprintf(hazard.detail, sizeof hazard.detail, "the write to memory here carries old bytes %s over %s", is, was);
    const size_t index = ns_log_add_hazard(tracker->log, &hazard);
    for (uint32_t i = 0; i < bytes->length; i++) {
        struct ghost_page *page = ghost_at(tracker, bytes->first + i);
        if (page == NULL)
            return;
        page->flags[(bytes->first + i) % NS_PAGE_SIZE] |= NS_BYTE_LOST;
        set_aux(tracker, page, (bytes->first + i) % NS_PAGE_SIZE, (uint32_t)index);
    }
}
