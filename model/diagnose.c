/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Why a byte is stale. The facts that rules.h asks for are read from the event log: what was maintained, mapped
 * and signalled between the newest write, the hand-over and the access. Only hazards pay for this; ordinary accesses
 * never come here.
 */
#include "model/diagnose.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* ---- reading the log ------------------------------------------------------------------------- */

/* Which lines a maintenance event really visited, as this machine's policy says. Was the byte's line among them? */
enum coverage { NOT_NAMED, NAMED_SKIPPED, NAMED_ROUNDED, COVERED };
static enum coverage coverage_of(const struct ns_tracker *tracker, const struct ns_event *event, uint64_t address,
                                 enum ns_cache_op *performed) {
    const struct ns_cache_config *config = ns_cache_get_config(tracker->view.cache);
    *performed = (enum ns_cache_op)event->op;
    if (event->length == 0 && event->address == UINT64_MAX)
        return COVERED; /* whole cache */
    const uint32_t line = config->level[0].line;
    const uint64_t line_address = address / line * line;
    const bool touches =
        event->length != 0 && event->address < line_address + line && line_address < event->address + event->length;
    if (!touches)
        return NOT_NAMED;
    if (event->exact)
        return COVERED; /* an instruction on exactly these lines */
    if (ns_line_operation(line_address, line, event->address, event->length, (enum ns_cache_op)event->op,
                          &config->range, performed))
        return COVERED;
    if (!range_holds(event->address, event->length, address))
        return NOT_NAMED;
    return config->range.rounding == NS_ROUND_INWARD ? NAMED_ROUNDED : NAMED_SKIPPED;
}

/* The last time before `before` that the hart side handed the byte to the device: map, sync-for-device, or the
 * doorbell. */
static uint32_t hand_over_before(const struct ns_tracker *tracker, unsigned device, uint64_t address, uint32_t before) {
    for (uint32_t i = before; i-- > 1;) {
        const struct ns_event *event = event_at(tracker, i);
        if (event->kind == NS_EVENT_DOORBELL && event->peer == device)
            return i;
        if ((event->kind == NS_EVENT_MAP || event->kind == NS_EVENT_SYNC_FOR_DEVICE) && event->peer == device &&
            range_holds(event->address, event->length, address))
            return i;
    }
    return NS_NO_EVENT;
}

/* ---- facts ----------------------------------------------------------------------------------- */

struct situation {
    bool looked;      /* it looked into memory, which has the newest bytes by now */
    uint64_t address; /* one byte stands for the run */
    uint32_t access;  /* event of the access that found it stale */
    uint32_t newest;  /* event that wrote the newest version */
    unsigned device;  /* the device involved, or 0xff */
    bool reader_is_device;
    uint32_t filled;               /* when the stale copy was installed, or NS_NO_EVENT */
    const struct mapping *mapping; /* the device's, of the byte, or NULL */
    uint32_t blamed;               /* the maintenance or API call that best explains it, for the report */
};

/* Does this maintenance event bring the reader the newest bytes when it comes after them? */
static bool right_family(bool reader_is_device, enum ns_cache_op op) {
    return reader_is_device ? op != NS_CACHE_INVALIDATE : op != NS_CACHE_CLEAN;
}

/* An operation after the newest write that did not reach the byte: was it meant for it? */
static bool aimed_here(const struct ns_tracker *tracker, const struct ns_event *event, uint64_t address) {
    uint64_t unit, length;
    if (event->length == 0)
        return false;
    const uint32_t object = object_at(tracker, address);
    if (object == NS_NO_OBJECT)
        return false;
    const struct ns_tracked_object *here = &tracker->object[object];
    if (here->stride != 0 || here->field_count != 0) {
        if (unit_at(tracker, address, &unit, &length) && ranges_meet(event->address, event->length, unit, length))
            return true;
    } else if (ranges_meet(event->address, event->length, here->first, here->length)) {
        return true;
    }
    /* A range that hits nothing that exists was meant for something else. */
    for (size_t i = 0; i < tracker->object_count; i++)
        if (ranges_meet(event->address, event->length, tracker->object[i].first, tracker->object[i].length))
            return false;
    return true;
}

/* Is the range the byte's bus address, taken for an address of the hart? */
static bool is_bus_address(const struct ns_tracker *tracker, const struct ns_event *event, const struct situation *at) {
    const uint64_t offset = at->device == 0xff ? 0 : tracker->device[at->device].bus_offset;
    return offset != 0 && event->length != 0 && range_holds(event->address, event->length, at->address - offset);
}

/* Is the range the byte's address without its upper half? */
static bool is_truncated_address(const struct ns_event *event, const struct situation *at) {
    return at->address > UINT32_MAX && event->length != 0 &&
           range_holds(event->address, event->length, at->address & UINT32_MAX);
}

/* Did the operation reach every cache that the byte's copies could lie in? Where maintenance stays on its hart, the
 * hart that matters is the one that reads, or for a device the one that wrote. */
static bool reached_every_level(const struct ns_tracker *tracker, const struct ns_event *event,
                                const struct situation *at) {
    const uint32_t who = at->reader_is_device ? at->newest : at->access;
    return event->scope == NS_SCOPE_POC && (!event->local || event->actor == event_at(tracker, who)->actor);
}

/* Had this maintenance not come to its end when the access began? */
static bool is_under_way(const struct ns_tracker *tracker, uint32_t maintenance, uint32_t access) {
    const unsigned actor = event_at(tracker, maintenance)->actor;
    return tracker->maintaining[actor] == maintenance ||
           (tracker->maintained[actor].event == maintenance && tracker->maintained[actor].at >= access);
}

static void after_the_write(const struct ns_tracker *tracker, struct situation *at,
                            struct ns_maintenance_facts *facts) {
    for (uint32_t i = at->access; i-- > at->newest + 1;) {
        const struct ns_event *event = event_at(tracker, i);
        if (event->kind != NS_EVENT_MAINTENANCE)
            continue;
        const bool under_way = is_under_way(tracker, i, at->access);
        if (under_way && !happened_before(tracker, at->newest, event_at(tracker, at->access)->actor))
            continue; /* who was not told of the write was not told of it either: it comes behind the access */
        enum ns_cache_op performed;
        const enum coverage coverage = coverage_of(tracker, event, at->address, &performed);
        const bool right = right_family(at->reader_is_device, performed);
        const uint32_t before = at->blamed;
        at->blamed = i;
        if (coverage == COVERED && right) {
            facts->after_some_levels =
                (!facts->after_covers || facts->after_some_levels) && !reached_every_level(tracker, event, at);
            facts->after_under_way = (!facts->after_covers || facts->after_under_way) && under_way;
            facts->after_covers = true;
        } else if (coverage == COVERED) {
            facts->after_wrong_op = true;
        } else if (coverage == NAMED_SKIPPED && right) {
            facts->after_named_skipped = true;
        } else if (coverage == NAMED_ROUNDED && right) {
            facts->after_named_rounded = true;
        } else if (right && is_bus_address(tracker, event, at)) {
            facts->after_bus_address = true;
        } else if (right && is_truncated_address(event, at)) {
            facts->after_truncated_address = true;
        } else if (right && aimed_here(tracker, event, at->address)) {
            facts->after_wrong_range = true;
        } else {
            at->blamed = before;
        }
    }
}

/* Reader: a hart. An invalidate before the device's write belongs to the hand-over, or it came too early to be the one
 * that follows completion. */
static void before_the_write_for_hart(const struct ns_tracker *tracker, struct situation *at,
                                      struct ns_maintenance_facts *facts) {
    const uint32_t hand_over = hand_over_before(tracker, at->device, at->address, at->newest);
    bool device_had_begun = false;
    /* From the newest write backwards: the latest invalidate decides. */
    for (uint32_t i = at->newest; i-- > 1;) {
        const struct ns_event *event = event_at(tracker, i);
        if (event->kind == NS_EVENT_STORE && event->type == NS_TYPE_CACHEABLE &&
            range_holds(event->address, event->length, at->address) && hand_over != NS_NO_EVENT && i < hand_over)
            break; /* an older transfer's story */
        if (event->kind != NS_EVENT_MAINTENANCE)
            continue;
        enum ns_cache_op performed;
        if (coverage_of(tracker, event, at->address, &performed) != COVERED || !right_family(false, performed))
            continue;
        const uint8_t api = event->inside ? event_at(tracker, event->link)->kind : NS_EVENT_MAINTENANCE;
        /* Did this device write into the same object between the hand-over and here? Then it had begun. */
        for (uint32_t j = i; j-- > (hand_over == NS_NO_EVENT ? 1 : hand_over);) {
            const struct ns_event *other = event_at(tracker, j);
            if (other->kind == NS_EVENT_DMA_WRITE && other->actor == at->device &&
                object_at(tracker, other->address) == object_at(tracker, at->address))
                device_had_begun = true;
        }
        at->blamed = i;
        if (api == NS_EVENT_SYNC_FOR_CPU || api == NS_EVENT_UNMAP)
            facts->before_too_early = true;
        else if (api == NS_EVENT_MAP || api == NS_EVENT_SYNC_FOR_DEVICE)
            facts->before_at_hand_over = true;
        else if (device_had_begun ||
                 (hand_over != NS_NO_EVENT && i > hand_over && tracker->device[at->device].rings_doorbell))
            facts->before_too_early = true;
        else
            facts->before_at_hand_over = true;
        return;
    }
}

/* Reader: a device. A clean before the last store is a clean too early, if it belongs to this transfer. */
static void before_the_write_for_device(const struct ns_tracker *tracker, struct situation *at,
                                        struct ns_maintenance_facts *facts) {
    for (uint32_t i = at->newest; i-- > 1;) {
        const struct ns_event *event = event_at(tracker, i);
        if (event->kind == NS_EVENT_DMA_READ && range_holds(event->address, event->length, at->address))
            return; /* an older transfer's story */
        enum ns_cache_op performed;
        if (event->kind == NS_EVENT_MAINTENANCE && coverage_of(tracker, event, at->address, &performed) == COVERED &&
            right_family(true, performed)) {
            at->blamed = i;
            facts->before_too_early = true;
            return;
        }
    }
}

/* When the stale copy came into the caches: the earliest fill among the copies that hold this version. */
static uint32_t fill_of(const struct ns_tracker *tracker, uint64_t address, ns_version version) {
    const struct ns_cache_config *config = ns_cache_get_config(tracker->view.cache);
    uint32_t earliest = NS_NO_EVENT;
    for (unsigned level = 0; level < config->levels; level++)
        for (unsigned hart = 0; hart < (level == 0 ? config->harts : 1); hart++) {
            struct ns_cache_copy copy;
            if (!ns_cache_peek(tracker->view.cache, level, hart, address, &copy) || copy.versions == NULL ||
                copy.versions[address - copy.line_address] != version)
                continue;
            /* One step fills several levels: the L1's fill is the one to show. */
            const bool same_step = earliest != NS_NO_EVENT &&
                                   event_at(tracker, earliest)->site == event_at(tracker, copy.fill_event)->site;
            if (earliest == NS_NO_EVENT || (copy.fill_event < earliest && !same_step))
                earliest = copy.fill_event;
        }
    return earliest;
}

static enum ns_whereabouts where_is(const struct ns_tracker *tracker, uint64_t address, ns_version version) {
    struct ns_in_flight flight;
    if (tracker->view.in_flight(tracker->view.context, address, &flight) && flight.version == version) {
        static const enum ns_whereabouts where[] = {[NS_FLIGHT_STORE_BUFFER] = NS_IN_STORE_BUFFER,
                                                    [NS_FLIGHT_LATE_WRITE_BACK] = NS_IN_LATE_WRITE_BACK,
                                                    [NS_FLIGHT_POSTED] = NS_IN_POSTED_WRITE};
        /* A late clean leaves its copy in the cache; memory is what matters to the reader, so the flight is the answer.
         */
        return where[flight.where];
    }
    if (memory_version(tracker, address) == version)
        return NS_IN_MEMORY;
    if (version_exists(tracker, address, version, false))
        return NS_IN_CACHE;
    const unsigned writer = event_at(tracker, version)->actor;
    for (unsigned i = 0; writer < NS_MAX_ACTORS && i < WRITES_UNDER_WAY; i++)
        if (tracker->under_way[writer][i] == version)
            return is_device(tracker, writer) ? NS_IN_POSTED_WRITE : NS_IN_STORE_BUFFER;
    return NS_NOWHERE;
}

/* The device that matters for a hart's access: who wrote last, else who has it mapped. */
static unsigned device_for(const struct ns_tracker *tracker, const struct ns_event *writer, uint64_t address) {
    if (is_device(tracker, writer->actor) && writer->kind == NS_EVENT_DMA_WRITE)
        return writer->actor;
    const struct mapping *newest = NULL;
    for (size_t i = 0; i < tracker->mapping_count; i++) {
        const struct mapping *mapping = &tracker->mapping[i];
        if (range_holds(mapping->first, mapping->length, address) &&
            (newest == NULL || mapping->map_event > newest->map_event))
            newest = mapping;
    }
    if (newest != NULL)
        return newest->device;
    return 0xff;
}

/* ---- stale ----------------------------------------------------------------------------------- */

static void explain_stale(const struct ns_tracker *tracker, const struct stale_bytes *bytes, struct ns_hazard *hazard,
                          enum ns_whereabouts where) {
    const struct ns_event *access = event_at(tracker, bytes->event);
    const struct ns_log *log = tracker->log;
    char got[16], newest[16];
    hex(got, sizeof got, hazard->got, hazard->sample_length);
    hex(newest, sizeof newest, hazard->newest, hazard->sample_length);
    static const char *const place[] = {[NS_IN_MEMORY] = "memory holds",
                                        [NS_IN_CACHE] = "a cache still holds",
                                        [NS_IN_STORE_BUFFER] = "the store buffer still holds",
                                        [NS_IN_LATE_WRITE_BACK] = "an unfinished write-back still holds",
                                        [NS_IN_POSTED_WRITE] = "a posted write on its way holds",
                                        [NS_NOWHERE] = "the newest bytes are gone:"};
    const bool snooped = is_device(tracker, access->actor) && tracker->device[access->actor].snoops;
    const bool from_cache = access->kind == NS_EVENT_LOAD && access->type == NS_TYPE_CACHEABLE;
    if (access->kind == NS_EVENT_LOAD && access->level < log->levels)
        snprintf(hazard->detail, sizeof hazard->detail, "hit in %s set %u way %u: got %s, %s %s",
                 log->level_name[access->level], access->set, access->way, got, place[where], newest);
    else
        snprintf(hazard->detail, sizeof hazard->detail, "got %s from %s; %s %s", got,
                 snooped || from_cache ? "the caches" : "memory", place[where], newest);
}

/* Is the maintenance that was found the point of this hazard, so that the report shows it? */
static bool explained_by_maintenance(enum ns_hazard_id id) {
    return id == NS_DC_EARLY_SYNC || id == NS_DC_WRONG_OP || id == NS_DC_WRONG_RANGE || id == NS_DC_WRONG_SCOPE ||
           id == NS_LS_ALIGN || id == NS_AD_OFFSET || id == NS_AD_MASK_TRUNC || id == NS_HW_CMO_ERRATUM ||
           id == NS_BB_LEAK || id == NS_AT_COHERENCY_DECL_REV;
}

static void tell_again(struct ns_tracker *tracker, const struct stale_bytes *bytes, enum ns_hazard_id id) {
    const struct ns_event *access = event_at(tracker, bytes->event);
    const struct ns_hazard again = {.id = id,
                                    .symptom = NS_SYMPTOM_STALE,
                                    .event = bytes->event,
                                    .site = access->site,
                                    .actor = access->actor,
                                    .first = bytes->first,
                                    .last = bytes->first + bytes->length - 1};
    ns_log_add_hazard(tracker->log, &again);
}

/* To find out why reads the log backwards: where it is long, only so many stories are told apart of one access. The
 * rest is taken for the last of them. */
static bool told_enough(struct ns_tracker *tracker, const struct stale_bytes *bytes) {
    enum { LONG_LOG = 1 << 17, ENOUGH = 16 };
    if (tracker->log->event_count < LONG_LOG)
        return false;
    if (tracker->lately.event != bytes->event) {
        tracker->lately.event = bytes->event;
        tracker->lately.count = 0;
    }
    if (++tracker->lately.count <= ENOUGH || tracker->lately.id == NS_HAZARD_NONE)
        return false;
    tell_again(tracker, bytes, tracker->lately.id);
    return true;
}

/* The same step reads bytes of the same two writing steps again and again: it was explained often enough. */
static bool told_often(struct ns_tracker *tracker, const struct stale_bytes *bytes) {
    enum { OFTEN = 16 };
    const uint32_t site = event_at(tracker, bytes->event)->site;
    struct repeated_story *story = &tracker->story[site % STORIES];
    const uint32_t newest = event_at(tracker, bytes->newest)->site, got = event_at(tracker, bytes->got)->site;
    if (story->site != site || story->newest != newest || story->got != got || story->count == 0) {
        *story = (struct repeated_story){.site = site, .newest = newest, .got = got};
    }
    if (++story->count <= OFTEN || story->id == NS_HAZARD_NONE)
        return false;
    tell_again(tracker, bytes, story->id);
    return true;
}

/* Who wrote the newest bytes, where they are, and what kind of memory this is. */
static void gather_place(const struct ns_tracker *tracker, const struct stale_bytes *bytes, struct situation *at,
                         struct ns_stale_facts *facts) {
    const struct ns_event *access = event_at(tracker, bytes->event), *writer = event_at(tracker, bytes->newest);
    const uint32_t object = object_at(tracker, bytes->first);
    facts->reader_is_device = at->reader_is_device;
    facts->writer = writer->kind == NS_EVENT_DMA_WRITE ? NS_WRITER_DEVICE
                    : writer->kind == NS_EVENT_STORE   ? NS_WRITER_HART
                                                       : NS_WRITER_NOBODY;
    facts->newest = facts->discarded ? NS_NOWHERE : where_is(tracker, bytes->first, bytes->newest);
    /* The access looked into memory itself, past the caches or with a fill of its own, and memory has the newest bytes
     * by now: they were on their way when it looked. */
    const bool found = version_exists(tracker, bytes->first, bytes->got, false);
    const bool past_caches =
        at->reader_is_device ? !tracker->device[access->actor].snoops || !found : access->type != NS_TYPE_CACHEABLE;
    const bool fills = at->filled != NS_NO_EVENT && at->filled > bytes->event;
    at->looked = facts->newest == NS_IN_MEMORY && (past_caches || fills);
    if (at->looked)
        facts->newest = facts->writer == NS_WRITER_DEVICE ? NS_IN_POSTED_WRITE : NS_IN_STORE_BUFFER;
    facts->nothing_cached = !at->reader_is_device && access->type != NS_TYPE_CACHEABLE;
    facts->writer_non_cacheable = writer->kind == NS_EVENT_STORE && writer->type != NS_TYPE_CACHEABLE;
    facts->object_is_coherent = object != NS_NO_OBJECT && tracker->object[object].coherent;
    facts->type_mismatch = had_wrong_type(tracker, bytes->newest);
    facts->torn = bytes->torn;
    if (at->device != 0xff) {
        const struct ns_tracked_device *device = &tracker->device[at->device];
        facts->declared_coherent_only = device->declared_coherent && !device->snoops;
        facts->snoops_undeclared = device->snoops && !device->declared_coherent;
    }
    if (at->mapping != NULL)
        facts->wrong_direction = at->reader_is_device
                                     ? at->mapping->direction == 2 && at->mapping->live
                                     : at->mapping->direction == 1 && writer->kind == NS_EVENT_DMA_WRITE;
}

/* What an invalidate did that named the bytes. */
static void gather_discard(const struct ns_tracker *tracker, const struct stale_bytes *bytes, uint8_t flags,
                           const struct situation *at, struct ns_stale_facts *facts) {
    const struct ns_event *dropped = event_at(tracker, at->blamed);
    const struct ns_event *call = event_at(tracker, dropped->link);
    facts->undefined = (flags & NS_BYTE_UNDEFINED) != 0;
    facts->discarded_by_map = dropped->kind == NS_EVENT_MAINTENANCE && dropped->inside && call->kind == NS_EVENT_MAP &&
                              call->direction == 2 && at->mapping != NULL && at->mapping->direction == 2;
    facts->discarded_from_elsewhere =
        dropped->length != 0 && object_at(tracker, dropped->address) != object_at(tracker, bytes->first);
}

static void gather_maintenance(const struct ns_tracker *tracker, struct situation *at, struct ns_stale_facts *facts) {
    after_the_write(tracker, at, &facts->maintenance);
    if (at->blamed == NS_NO_EVENT && at->device != 0xff) {
        if (at->reader_is_device)
            before_the_write_for_device(tracker, at, &facts->maintenance);
        else
            before_the_write_for_hart(tracker, at, &facts->maintenance);
    }
    facts->filled_after_maintenance =
        at->filled != NS_NO_EVENT && facts->maintenance.after_covers && at->filled > at->blamed;
}

/* Was the reader told after the newest write? Returns the doorbell or interrupt that told it, or NS_NO_EVENT. */
static uint32_t gather_signals(const struct ns_tracker *tracker, const struct stale_bytes *bytes,
                               struct ns_stale_facts *facts) {
    const struct ns_event *access = event_at(tracker, bytes->event), *writer = event_at(tracker, bytes->newest);
    const unsigned reader = time_line_of(tracker, bytes->event);
    const uint32_t told =
        writer->actor < NS_MAX_ACTORS ? tracker->told_event[reader][time_line_of(tracker, bytes->newest)] : 0;
    facts->told = (told >= bytes->newest && told != NS_NO_EVENT) ||
                  (facts->writer == NS_WRITER_DEVICE && happened_before(tracker, bytes->newest, reader));
    if (!facts->told)
        return NS_NO_EVENT;
    uint32_t signal = NS_NO_EVENT;
    /* By a flag that it saw, unless a doorbell rang. */
    facts->told_by_memory = facts->reader_is_device || facts->writer == NS_WRITER_HART;
    for (uint32_t i = bytes->event; i-- > bytes->newest + 1;) {
        const struct ns_event *event = event_at(tracker, i);
        if (signal == NS_NO_EVENT && (event->kind == NS_EVENT_RAISE || event->kind == NS_EVENT_DOORBELL))
            signal = i;
        if (event->kind == NS_EVENT_DOORBELL && event->peer == access->actor)
            facts->told_by_memory = false;
    }
    return signal;
}

void diagnose_stale(struct ns_tracker *tracker, const struct stale_bytes *bytes) {
    if (told_often(tracker, bytes) || told_enough(tracker, bytes))
        return;
    const struct ns_event *access = event_at(tracker, bytes->event);
    const struct ghost_page *page = ghost_at(tracker, bytes->first);
    const size_t offset = bytes->first % NS_PAGE_SIZE;
    struct situation at = {.address = bytes->first,
                           .access = bytes->event,
                           .newest = bytes->newest,
                           .reader_is_device = is_device(tracker, access->actor)};
    at.device =
        at.reader_is_device ? access->actor : device_for(tracker, event_at(tracker, bytes->newest), bytes->first);
    at.filled = at.reader_is_device ? NS_NO_EVENT : fill_of(tracker, bytes->first, bytes->got);
    at.mapping = at.device == 0xff ? NULL : relevant_mapping(tracker, at.device, bytes->first);

    struct ns_stale_facts facts = {.discarded = (page->flags[offset] & NS_BYTE_DISCARDED) != 0};
    gather_place(tracker, bytes, &at, &facts);
    if (facts.discarded) {
        at.blamed = page->traffic->aux[offset];
        gather_discard(tracker, bytes, page->flags[offset], &at, &facts);
    } else {
        gather_maintenance(tracker, &at, &facts);
        /* No clean had taken them out of the cache yet. */
        const struct ns_event *writer = event_at(tracker, bytes->newest);
        if (at.looked && writer->kind == NS_EVENT_STORE && writer->type == NS_TYPE_CACHEABLE &&
            !facts.maintenance.after_covers)
            facts.newest = NS_IN_CACHE;
    }
    const uint32_t signal = gather_signals(tracker, bytes, &facts);

    struct ns_hazard hazard = {.symptom = NS_SYMPTOM_STALE,
                               .event = bytes->event,
                               .site = access->site,
                               .actor = access->actor,
                               .first = bytes->first,
                               .last = bytes->first + bytes->length - 1};
    hazard.id = ns_rule_stale(&facts);
    tracker->story[access->site % STORIES].id = hazard.id;
    tracker->lately.id = hazard.id;
    if (hazard.id == NS_BB_LEAK)
        hazard.symptom = NS_SYMPTOM_LEAK;
    fill_samples(tracker, &hazard, bytes->first, bytes->length, bytes->data);
    add_note(&hazard, bytes->newest, NS_NOTE_WROTE);
    if (facts.newest != NS_IN_POSTED_WRITE && facts.newest != NS_IN_STORE_BUFFER && at.filled < bytes->event)
        add_note(&hazard, at.filled, NS_NOTE_FILLED);
    if (explained_by_maintenance(hazard.id))
        add_note(&hazard, at.blamed, facts.discarded ? NS_NOTE_DISCARDED : NS_NOTE_MAINTAINED);
    if (hazard.id == NS_DC_WRONG_DIR && at.mapping != NULL)
        add_note(&hazard, at.mapping->map_event, NS_NOTE_MAPPED);
    if (hazard.id == NS_OR_DRAIN || hazard.id == NS_OR_IRQ_BEFORE_DATA)
        add_note(&hazard, signal, NS_NOTE_SIGNALLED);
    explain_stale(tracker, bytes, &hazard, facts.newest);
    if (hazard.id == NS_LS_ALIGN && facts.maintenance.after_named_skipped)
        add_detail(&hazard, "; the range covers this line only in part, and left it alone");
    else if (hazard.id == NS_DC_WRONG_RANGE && facts.maintenance.after_named_rounded)
        add_detail(&hazard, "; the range was rounded inwards, and left this line out");
    ns_log_add_hazard(tracker->log, &hazard);
}
