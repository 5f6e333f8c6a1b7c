/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bounce buffers: a slot of memory that the device reaches stands for an original that it does not, and the kernel
 * copies between the two. For each byte of a live slot this file knows whether the slot holds anything that belongs to
 * the mapping, whether the device has written it since the last copy out, and which version of the original it was last
 * made equal to. From that follow the rules of the BB hazards (docs/semantics.md, "Bounce buffers").
 *
 * The copies themselves are loads and stores of a hart like any other, and compared with the flat memory like any
 * other; only the rules of ownership do not hold for them, because it is the owner's own API that makes them.
 */
#include "model/diagnose.h"

#include <stdio.h>
#include <stdlib.h>

enum {
    SLOT_KNOWN = 1,  /* copied in, or written by the device, since the slot was mapped */
    SLOT_UNREAD = 2, /* written by the device, and not copied out since */
};

struct bounced_byte {
    ns_version original; /* the original's version when the two were last made equal, or when the slot was mapped */
    uint8_t state;
};

struct bounced {
    uint64_t slot, original, length; /* physical */
    uint32_t map_event;
    struct bounced_byte *byte; /* one for each */
};

/* ---- looking things up ----------------------------------------------------------------------- */

static struct bounced *by_slot(const struct ns_tracker *tracker, uint64_t address) {
    for (size_t i = 0; i < tracker->bounced_count; i++)
        if (range_holds(tracker->bounced[i].slot, tracker->bounced[i].length, address))
            return &tracker->bounced[i];
    return NULL;
}

uint64_t ns_tracker_bounce_original(const struct ns_tracker *tracker, uint64_t slot) {
    const struct bounced *bounced = by_slot(tracker, slot);
    return bounced == NULL ? UINT64_MAX : bounced->original + (slot - bounced->slot);
}

bool bounce_sides(const struct ns_tracker *tracker, uint64_t address, uint64_t *original, uint64_t *slot) {
    for (size_t i = tracker->bounced_count; i-- > 0;) {
        const struct bounced *bounced = &tracker->bounced[i];
        const bool is_slot = range_holds(bounced->slot, bounced->length, address);
        if (!is_slot && !range_holds(bounced->original, bounced->length, address))
            continue;
        const uint64_t offset = address - (is_slot ? bounced->slot : bounced->original);
        *original = bounced->original + offset;
        *slot = bounced->slot + offset;
        return true;
    }
    return false;
}

/* ---- reports --------------------------------------------------------------------------------- */

/* A run of bytes with one story. Reports speak of the original, because that is what the program knows. */
struct story {
    enum ns_hazard_id id;
    enum ns_symptom symptom;
    uint32_t event;    /* where it is found */
    uint64_t original; /* first byte */
    uint32_t length;
    uint32_t earlier; /* an event to show, or NS_NO_EVENT */
    enum ns_note_role role;
    const uint8_t *got; /* what was seen, or what replaced the bytes; NULL: not to be shown */
    uint64_t newest_at; /* where flat memory holds what it should have been */
    const char *text;   /* what went wrong, for the report */
};

static size_t tell(struct ns_tracker *tracker, const struct story *story) {
    struct ns_hazard hazard = {.id = story->id,
                               .symptom = story->symptom,
                               .event = story->event,
                               .site = event_at(tracker, story->event)->site,
                               .actor = event_at(tracker, story->event)->actor,
                               .first = story->original,
                               .last = story->original + story->length - 1};
    if (story->got != NULL)
        fill_samples(tracker, &hazard, story->newest_at, story->length, story->got);
    add_note(&hazard, story->earlier, story->role);
    snprintf(hazard.detail, sizeof hazard.detail, "%s: %s", object_name(tracker, story->original), story->text);
    return ns_log_add_hazard(tracker->log, &hazard);
}

/* Gathers bytes that follow one another and belong to one story, and tells it when it ends. */
struct gatherer {
    struct ns_tracker *tracker;
    struct story story; /* length 0: none yet */
};

static bool continues(const struct gatherer *so_far, const struct story *byte) {
    const struct story *story = &so_far->story;
    return story->length != 0 && byte->id == story->id && byte->text == story->text &&
           byte->earlier == story->earlier && byte->original == story->original + story->length;
}

/* The hazard's index, when one was told now. */
static size_t flush(struct gatherer *gatherer) {
    const size_t told = gatherer->story.length == 0 ? SIZE_MAX : tell(gatherer->tracker, &gatherer->story);
    gatherer->story.length = 0;
    return told;
}

static void gather(struct gatherer *gatherer, const struct story *byte) {
    if (continues(gatherer, byte)) {
        gatherer->story.length++;
        return;
    }
    (void)flush(gatherer);
    gatherer->story = *byte;
    gatherer->story.length = 1;
}

/* What the original holds is known to be wrong; who meets it adds to that hazard. */
static void mark_damaged(struct ns_tracker *tracker, uint64_t address, size_t hazard) {
    if (hazard < tracker->log->hazard_count)
        ns_tracker_misdirected(tracker, hazard, address, 1);
}

/* ---- slots come and go ----------------------------------------------------------------------- */

static void forget(struct ns_tracker *tracker, struct bounced *bounced) {
    free(bounced->byte);
    *bounced = tracker->bounced[--tracker->bounced_count];
}

/* One slot for two mappings: whoever handed it out has lost count. */
static void check_handed_out_once(struct ns_tracker *tracker, uint32_t event, uint64_t slot, uint64_t length) {
    for (size_t i = tracker->bounced_count; i-- > 0;) {
        struct bounced *bounced = &tracker->bounced[i];
        if (!ranges_meet(bounced->slot, bounced->length, slot, length))
            continue;
        ns_tracker_report(tracker, NS_PL_POOL, NS_SYMPTOM_MISUSE, event, slot, slot + length - 1, bounced->map_event,
                          NS_NOTE_MAPPED, "these bounce slots already stand for another live mapping");
        forget(tracker, bounced);
    }
}

void ns_tracker_bounce_map(struct ns_tracker *tracker, uint32_t event, uint64_t slot, uint64_t original,
                           uint64_t length) {
    check_handed_out_once(tracker, event, slot, length);
    if (tracker->bounced_count == tracker->bounced_capacity) {
        const size_t capacity = tracker->bounced_capacity == 0 ? 16 : 2 * tracker->bounced_capacity;
        struct bounced *grown = realloc(tracker->bounced, capacity * sizeof *grown);
        if (grown == NULL) {
            tracker->log->truncated = true;
            return;
        }
        tracker->bounced = grown;
        tracker->bounced_capacity = capacity;
    }
    struct bounced_byte *byte = calloc(length, sizeof *byte);
    if (byte == NULL) {
        tracker->log->truncated = true;
        return;
    }
    for (uint64_t i = 0; i < length; i++) {
        struct ghost_page *page = ghost_at(tracker, slot + i);
        if (page != NULL)
            page->flags[(slot + i) % NS_PAGE_SIZE] &= (uint8_t) ~(NS_BYTE_UNMAPPED | NS_BYTE_CPU_OWNS);
        page = ghost_at(tracker, original + i);
        if (page != NULL)
            byte[i].original = page->flat[(original + i) % NS_PAGE_SIZE];
    }
    tracker->bounced[tracker->bounced_count++] =
        (struct bounced){.slot = slot, .original = original, .length = length, .map_event = event, .byte = byte};
}

void ns_tracker_bounce_unmap(struct ns_tracker *tracker, uint64_t slot) {
    struct bounced *bounced = by_slot(tracker, slot);
    if (bounced != NULL)
        forget(tracker, bounced);
}

void bounce_release(struct ns_tracker *tracker) {
    while (tracker->bounced_count > 0)
        forget(tracker, tracker->bounced);
    free(tracker->bounced);
}

/* ---- the kernel's copies --------------------------------------------------------------------- */

void ns_tracker_bounce_copy(struct ns_tracker *tracker, uint32_t event, uint64_t slot, uint64_t original,
                            uint64_t length, bool in) {
    struct bounced *bounced = by_slot(tracker, slot);
    if (bounced == NULL || length == 0)
        return;
    const uint64_t meant = bounced->original + (slot - bounced->slot);
    struct bounce_copy *copy = &tracker->bounce_copy[event_at(tracker, event)->actor];
    *copy = (struct bounce_copy){.active = true,
                                 .in = in,
                                 .event = event,
                                 .slot = slot,
                                 .original = original,
                                 .length = length,
                                 .hazard = SIZE_MAX};
    copy->misplaced = meant != original || length > bounced->length - (slot - bounced->slot);
    if (!copy->misplaced)
        return;
    char here[NS_ADDRESS_TEXT], there[NS_ADDRESS_TEXT], text[160];
    snprintf(text, sizeof text, "this part of the slot stands for %s, but is copied %s %s",
             ns_format_address(meant, here), in ? "from" : "to", ns_format_address(original, there));
    const struct story story = {.id = NS_BB_OFFSET,
                                .symptom = in ? NS_SYMPTOM_STALE : NS_SYMPTOM_LOST,
                                .event = event,
                                .original = meant,
                                .length = (uint32_t)length,
                                .earlier = bounced->map_event,
                                .role = NS_NOTE_MAPPED,
                                .text = text};
    copy->hazard = tell(tracker, &story);
}

void ns_tracker_bounce_done(struct ns_tracker *tracker, unsigned actor) {
    tracker->bounce_copy[actor].active = false;
}

static bool inside(uint64_t first, uint64_t length, uint64_t address, uint32_t part) {
    return range_holds(first, length, address) && part <= length - (address - first);
}

bool bounce_copies(const struct ns_tracker *tracker, uint32_t event, uint64_t address, uint32_t length) {
    const struct bounce_copy *copy = &tracker->bounce_copy[event_at(tracker, event)->actor];
    const bool store = event_at(tracker, event)->kind == NS_EVENT_STORE;
    if (!copy->active)
        return false;
    return copy->in == store ? inside(copy->slot, copy->length, address, length)
                             : inside(copy->original, copy->length, address, length);
}

/* One byte of a slot that is copied, and the original that it stands for. */
struct pair {
    struct bounced_byte *byte;
    uint64_t slot, original;
    struct ghost_page *page; /* of the original */
    size_t offset;           /* in that page */
    uint32_t map_event;
};

static bool pair_of(struct ns_tracker *tracker, struct bounced *bounced, uint64_t slot, struct pair *pair) {
    if (!range_holds(bounced->slot, bounced->length, slot))
        return false;
    const uint64_t index = slot - bounced->slot;
    *pair = (struct pair){.byte = &bounced->byte[index],
                          .slot = slot,
                          .original = bounced->original + index,
                          .map_event = bounced->map_event};
    pair->page = ghost_at(tracker, pair->original);
    pair->offset = pair->original % NS_PAGE_SIZE;
    return pair->page != NULL;
}

/* Copy out, first half: the slot was loaded, and its bytes will replace the original's. */
static void loaded_from_slot(struct ns_tracker *tracker, const struct bounce_copy *copy, uint64_t address,
                             uint32_t length, const uint8_t *data) {
    struct gatherer found = {.tracker = tracker};
    struct bounced *bounced = by_slot(tracker, copy->slot);
    struct pair pair;
    for (uint32_t i = 0; i < length && bounced != NULL; i++) {
        if (!pair_of(tracker, bounced, address + i, &pair))
            continue;
        const ns_version newest = pair.page->flat[pair.offset];
        if (copy->misplaced) {
            mark_damaged(tracker, pair.original, copy->hazard);
        } else if ((pair.byte->state & SLOT_KNOWN) == 0) {
            gather(&found, &(struct story){.id = NS_BB_LEAK,
                                           .symptom = NS_SYMPTOM_LEAK,
                                           .event = copy->event,
                                           .original = pair.original,
                                           .earlier = pair.map_event,
                                           .role = NS_NOTE_MAPPED,
                                           .text = "neither the device nor a copy in has written this part of the "
                                                   "bounce slot: what an earlier user left there is copied out"});
        } else if ((pair.byte->state & SLOT_UNREAD) == 0 && newest != pair.byte->original) {
            gather(&found, &(struct story){.id = NS_BB_OVERWRITE,
                                           .symptom = NS_SYMPTOM_LOST,
                                           .event = copy->event,
                                           .original = pair.original,
                                           .earlier = newest,
                                           .role = NS_NOTE_WROTE,
                                           .got = data + i,
                                           .newest_at = pair.original,
                                           .text = "newer bytes are overwritten from the bounce slot, where the "
                                                   "device has written nothing since they were the same"});
        }
        pair.byte->state = SLOT_KNOWN;
        pair.page->flags[pair.offset] &= (uint8_t)~NS_BYTE_BEHIND;
    }
    (void)flush(&found);
}

/* Copy in, second half: the slot is about to take the original's bytes. */
static void stored_to_slot(struct ns_tracker *tracker, const struct bounce_copy *copy, uint64_t address,
                           uint32_t length, const uint8_t *data) {
    struct bounced *bounced = by_slot(tracker, copy->slot);
    struct pair pair;
    struct gatherer found = {.tracker = tracker};
    for (uint32_t i = 0; i < length && bounced != NULL; i++) {
        if (!pair_of(tracker, bounced, address + i, &pair) || copy->misplaced || (pair.byte->state & SLOT_UNREAD) == 0)
            continue;
        gather(&found, &(struct story){.id = NS_BB_OVERWRITE,
                                       .symptom = NS_SYMPTOM_LOST,
                                       .event = copy->event,
                                       .original = pair.original,
                                       .earlier = pair.page->traffic->device_write[pair.offset],
                                       .role = NS_NOTE_WROTE,
                                       .got = data + i,
                                       .newest_at = pair.slot,
                                       .text = "copied into the bounce slot over what the device had written there, "
                                               "which nobody had copied out"});
    }
    const size_t told = flush(&found);
    for (uint32_t i = 0; i < length && bounced != NULL; i++) {
        if (!pair_of(tracker, bounced, address + i, &pair))
            continue;
        if ((pair.byte->state & SLOT_UNREAD) != 0) {
            pair.page->flags[pair.offset] &= (uint8_t)~NS_BYTE_BEHIND;
            mark_damaged(tracker, pair.original, copy->misplaced ? copy->hazard : told);
        }
        *pair.byte = (struct bounced_byte){.original = pair.page->flat[pair.offset], .state = SLOT_KNOWN};
    }
}

/* Copy out, second half: the original has taken the slot's bytes. */
static void stored_to_original(struct ns_tracker *tracker, const struct bounce_copy *copy, uint64_t address,
                               uint32_t length) {
    struct bounced *bounced = by_slot(tracker, copy->slot);
    struct pair pair;
    for (uint32_t i = 0; i < length && bounced != NULL; i++) {
        if (copy->misplaced) {
            mark_damaged(tracker, address + i, copy->hazard);
            continue;
        }
        if (!pair_of(tracker, bounced, copy->slot + (address + i - copy->original), &pair))
            continue;
        pair.byte->original = pair.page->flat[pair.offset];
        if ((pair.byte->state & SLOT_UNREAD) != 0) /* the device wrote between the copy's load and its store */
            pair.page->flags[pair.offset] |= NS_BYTE_BEHIND;
    }
}

void bounce_loaded(struct ns_tracker *tracker, uint32_t event, uint64_t address, uint32_t length, const uint8_t *data) {
    const struct bounce_copy *copy = &tracker->bounce_copy[event_at(tracker, event)->actor];
    if (!copy->in)
        loaded_from_slot(tracker, copy, address, length, data);
}

void bounce_stores(struct ns_tracker *tracker, uint32_t event, uint64_t address, uint32_t length, const uint8_t *data) {
    const struct bounce_copy *copy = &tracker->bounce_copy[event_at(tracker, event)->actor];
    if (copy->in)
        stored_to_slot(tracker, copy, address, length, data);
}

void bounce_stored(struct ns_tracker *tracker, uint32_t event, uint64_t address, uint32_t length) {
    const struct bounce_copy *copy = &tracker->bounce_copy[event_at(tracker, event)->actor];
    if (!copy->in)
        stored_to_original(tracker, copy, address, length);
}

/* ---- what the device and the program do meanwhile -------------------------------------------- */

/* The device's own mapping of a slot byte, or NULL. */
static const struct mapping *slot_mapping(struct ns_tracker *tracker, uint64_t slot) {
    const struct ghost_page *page = ghost_at(tracker, slot);
    return page == NULL ? NULL : mapping_of(tracker, page, slot);
}

static void wrote_slot(struct ns_tracker *tracker, struct bounced *bounced, uint32_t event, uint64_t slot) {
    struct pair pair;
    const struct mapping *mapping = slot_mapping(tracker, slot);
    if (!pair_of(tracker, bounced, slot, &pair) || (mapping != NULL && mapping->direction == 1))
        return; /* against the direction is a hazard of its own; nobody copies that out */
    pair.byte->state = SLOT_KNOWN | SLOT_UNREAD;
    pair.page->flags[pair.offset] |= NS_BYTE_BEHIND;
    set_device_access(tracker, pair.page, pair.offset, event, true);
}

void bounce_device_wrote(struct ns_tracker *tracker, uint32_t event, uint64_t address, uint32_t length) {
    for (size_t i = 0; i < tracker->bounced_count; i++) {
        struct bounced *bounced = &tracker->bounced[i];
        if (ranges_meet(bounced->slot, bounced->length, address, length))
            for (uint32_t at = 0; at < length; at++)
                wrote_slot(tracker, bounced, event, address + at);
    }
}

bool bounce_check_load(struct ns_tracker *tracker, uint32_t event, uint64_t address, uint32_t length,
                       const uint8_t *data) {
    struct gatherer found = {.tracker = tracker};
    bool missed = false;
    for (uint32_t i = 0; i < length; i++) {
        const struct ghost_page *page = ghost_at(tracker, address + i);
        const size_t offset = (address + i) % NS_PAGE_SIZE;
        if (page == NULL || (page->flags[offset] & NS_BYTE_BEHIND) == 0)
            continue;
        uint64_t original = UINT64_MAX, slot = UINT64_MAX;
        const bool live = bounce_sides(tracker, address + i, &original, &slot) && original == address + i;
        gather(&found, &(struct story){.id = NS_BB_MISSED,
                                       .symptom = NS_SYMPTOM_STALE,
                                       .event = event,
                                       .original = address + i,
                                       .earlier = page->traffic->device_write[offset],
                                       .role = NS_NOTE_WROTE,
                                       .got = live ? data + i : NULL,
                                       .newest_at = slot,
                                       .text = "the device wrote these bytes into the bounce slot, and nobody copied "
                                               "them out"});
        missed = true;
    }
    (void)flush(&found);
    return missed;
}

static void check_slot_read(struct ns_tracker *tracker, struct bounced *bounced, struct gatherer *found, uint32_t event,
                            uint64_t slot, const uint8_t *data) {
    struct pair pair;
    if (!pair_of(tracker, bounced, slot, &pair) || (pair.byte->state & SLOT_UNREAD) != 0)
        return;
    const struct mapping *mapping = slot_mapping(tracker, slot);
    const uint32_t hand_over = mapping == NULL ? pair.map_event : mapping->hand_over_event;
    const ns_version newest = pair.page->flat[pair.offset];
    const bool never = (pair.byte->state & SLOT_KNOWN) == 0;
    /* What was stored after the hand-over was not to be copied; that store broke a rule of its own. */
    if (!never && (newest == pair.byte->original || newest > hand_over))
        return;
    gather(found, &(struct story){.id = NS_BB_MISSED,
                                  .symptom = NS_SYMPTOM_STALE,
                                  .event = event,
                                  .original = pair.original,
                                  .earlier = never ? pair.map_event : newest,
                                  .role = never ? NS_NOTE_MAPPED : NS_NOTE_WROTE,
                                  .got = data,
                                  .newest_at = pair.original,
                                  .text = never ? "the device reads the bounce slot, and nothing was ever copied into "
                                                  "it"
                                                : "the device reads the bounce slot, and the newest bytes were not "
                                                  "copied into it"});
}

void bounce_check_device_read(struct ns_tracker *tracker, uint32_t event, uint64_t address, uint32_t length,
                              const uint8_t *data) {
    struct gatherer found = {.tracker = tracker};
    for (size_t i = 0; i < tracker->bounced_count; i++) {
        struct bounced *bounced = &tracker->bounced[i];
        if (ranges_meet(bounced->slot, bounced->length, address, length))
            for (uint32_t at = 0; at < length; at++)
                check_slot_read(tracker, bounced, &found, event, address + at, data + at);
    }
    (void)flush(&found);
}
