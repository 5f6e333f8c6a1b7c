/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The rules that need no symptom: who owns bytes (mappings), whether they still exist (lifetime), whether the other
 * side was told (order), and whether an access has the memory type that its mapping was meant to have.
 */
#include "model/tracker_internal.h"

#include <stdio.h>

static const char *actor_name(const struct ns_tracker *tracker, unsigned actor) {
    return tracker->log->actor[actor].name;
}

const char *object_name(const struct ns_tracker *tracker, uint64_t address) {
    const uint32_t index = object_at(tracker, address);
    return index == NS_NO_OBJECT ? "memory" : tracker->object[index].name;
}

/* The newest event of a kind before `before` whose range holds the byte, or NS_NO_EVENT. */
static uint32_t last_event(const struct ns_tracker *tracker, enum ns_event_kind kind, uint32_t before,
                           uint64_t address) {
    for (uint32_t i = before; i-- > 1;) {
        const struct ns_event *event = event_at(tracker, i);
        if (event->kind == (uint8_t)kind && range_holds(event->address, event->length, address))
            return i;
    }
    return NS_NO_EVENT;
}

/* An access with another memory type than its mapping was meant to have. True when it was reported. */
bool check_type(struct ns_tracker *tracker, uint32_t event, uint32_t object, uint64_t address, uint32_t length) {
    static const char *const type_text[] = {"cacheable", "non-cacheable", "strongly ordered"};
    const struct ns_event *access = event_at(tracker, event);
    const uint32_t here = object_at(tracker, address);
    if (here != NS_NO_OBJECT && object != NS_NO_OBJECT && tracker->object[here].part_of == object + 1)
        object = here; /* pages of it were given another type */
    if (object == NS_NO_OBJECT || (uint8_t)tracker->object[object].type == access->type)
        return false;
    char detail[256];
    const bool mpu = tracker->view.config->attributes == NS_ATTRIBUTES_MPU;
    /* Of the page table as it is, or as it was when the TLB last read it. */
    snprintf(detail, sizeof detail, "%s is meant to be %s, but %s%s makes this access %s", tracker->object[object].name,
             type_text[tracker->object[object].type], mpu ? "the MPU" : actor_name(tracker, access->actor),
             mpu ? "" : "'s translation", type_text[access->type]);
    uint32_t earlier = last_event(tracker, NS_EVENT_SET_TYPE, event, address);
    if (earlier == NS_NO_EVENT)
        earlier = last_event(tracker, NS_EVENT_ALLOC_COHERENT, event, address);
    ns_tracker_report(tracker, NS_AT_WRONG_TYPE, NS_SYMPTOM_FAULT, event, address, address + length - 1, earlier,
                      NS_NOTE_TYPE_CHANGED, detail);
    return true;
}

/* What the rule for a hart's access asks of a byte. */
static struct ns_hart_access_facts hart_facts(const struct ns_tracker *tracker, const struct ghost_page *page,
                                              const struct mapping *mapping, uint64_t at, unsigned hart, bool store) {
    const size_t offset = at % NS_PAGE_SIZE;
    const uint32_t write = page->traffic->device_write[offset], read = page->traffic->device_read[offset];
    struct ns_hart_access_facts facts = {.mapped = mapping != NULL,
                                         .cpu_owns = (page->flags[offset] & NS_BYTE_CPU_OWNS) != 0,
                                         .direction = mapping == NULL ? 0 : mapping->direction,
                                         .store = store,
                                         .unmapped = (page->flags[offset] & NS_BYTE_UNMAPPED) != 0,
                                         .device_wrote = write != NS_NO_EVENT,
                                         .device_read = read != NS_NO_EVENT};
    if (facts.device_wrote) {
        facts.write_signals = tracker->device[event_at(tracker, write)->actor].signals;
        facts.write_ordered = happened_before(tracker, write, hart);
    }
    if (facts.device_read) {
        facts.read_signals = tracker->device[event_at(tracker, read)->actor].signals;
        facts.read_ordered = happened_before(tracker, read, hart);
    }
    return facts;
}

/* A hart touches bytes that a device owns or may still be using. True when it was reported. */
bool check_hart_ownership(struct ns_tracker *tracker, uint32_t event, uint64_t address, uint32_t length, bool store) {
    const unsigned hart = event_at(tracker, event)->actor;
    char detail[256];
    for (uint32_t i = 0; i < length; i++) {
        const uint64_t at = address + i;
        const struct ghost_page *page = ghost_at(tracker, at);
        if (page == NULL)
            return false;
        if (page->quiet) {
            i += (uint32_t)bytes_in_page(at, address + length) - 1;
            continue;
        }
        const struct mapping *mapping = mapping_of(tracker, page, at);
        const struct ns_hart_access_facts facts = hart_facts(tracker, page, mapping, at, hart, store);
        enum ns_hazard_id id;
        const enum ns_owner_reason reason = ns_rule_hart_access(&facts, &id);
        if (reason == NS_OWNER_FINE)
            continue;
        if (reason == NS_OWNER_MAPPED) {
            snprintf(detail, sizeof detail, "%s belongs to %s from map until unmap or sync-for-cpu",
                     object_name(tracker, at), actor_name(tracker, mapping->device));
            ns_tracker_report(tracker, id, NS_SYMPTOM_OWNERSHIP, event, at, address + length - 1,
                              mapping->hand_over_event, NS_NOTE_MAPPED, detail);
            return true;
        }
        const uint32_t last = reason == NS_OWNER_DEVICE_WROTE ? page->traffic->device_write[at % NS_PAGE_SIZE]
                                                              : page->traffic->device_read[at % NS_PAGE_SIZE];
        const struct ns_event *access = event_at(tracker, last);
        snprintf(detail, sizeof detail, "%s may still be using %s: no interrupt, poll or hand-over lies between",
                 actor_name(tracker, access->actor), object_name(tracker, at));
        ns_tracker_report(tracker, id, NS_SYMPTOM_OWNERSHIP, event, at, address + length - 1, last,
                          access->kind == NS_EVENT_DMA_WRITE ? NS_NOTE_WROTE : NS_NOTE_READ, detail);
        return true;
    }
    return false;
}

/* One byte of a device's access, and what the rule looks at. */
struct touched {
    struct ns_tracker *tracker;
    uint32_t event;
    unsigned device;
    bool write;
    uint64_t at, last; /* this byte, and the last one of the access: a report covers the rest */
    const struct ghost_page *page;
    const struct mapping *mapping; /* of this byte, or NULL */
    const struct mapping *before;  /* of the byte before, or NULL */
};

static struct ns_device_access_facts device_facts(const struct touched *byte) {
    const struct ns_tracker *tracker = byte->tracker;
    const uint8_t flags = byte->page->flags[byte->at % NS_PAGE_SIZE];
    const ns_version newest = byte->page->flat[byte->at % NS_PAGE_SIZE];
    const bool own = byte->mapping != NULL && byte->mapping->device == byte->device;
    return (struct ns_device_access_facts){
        .freed = (flags & NS_BYTE_FREED) != 0 || tracker->uses_freed[byte->device],
        .mapped = byte->mapping != NULL,
        .mapped_for_this_device = own,
        .before_mapped_for_this_device = byte->before != NULL && byte->before->device == byte->device,
        .unmapped = (flags & NS_BYTE_UNMAPPED) != 0,
        .cpu_owns = (flags & NS_BYTE_CPU_OWNS) != 0,
        .direction = own ? byte->mapping->direction : 0,
        .write = byte->write,
        .newest_is_store = event_at(tracker, newest)->kind == NS_EVENT_STORE,
        .store_happened_before = happened_before(tracker, newest, time_line_of(tracker, byte->event)),
        .rings_doorbell = tracker->device[byte->device].rings_doorbell};
}

/* Words a broken rule; nothing for NS_OWNER_FINE. */
static void report_device(const struct touched *byte, enum ns_owner_reason reason, enum ns_hazard_id id) {
    struct ns_tracker *tracker = byte->tracker;
    const char *name = actor_name(tracker, byte->device), *does = byte->write ? "writes" : "reads";
    const char *object = object_name(tracker, byte->at);
    const struct mapping *mapping = byte->mapping;
    enum ns_symptom symptom = NS_SYMPTOM_OWNERSHIP;
    enum ns_note_role role = NS_NOTE_UNMAPPED;
    uint32_t earlier = NS_NO_EVENT;
    char detail[256] = "";
    switch (reason) {
    case NS_OWNER_FREED:
        snprintf(detail, sizeof detail, "%s %s memory that was already freed", name, does);
        earlier = last_event(tracker, NS_EVENT_FREE, byte->event, byte->at);
        role = NS_NOTE_FREED;
        break;
    case NS_OWNER_UNMAPPED:
        snprintf(detail, sizeof detail, "%s %s %s after it was handed back with unmap", name, does, object);
        earlier = last_event(tracker, NS_EVENT_UNMAP, byte->event, byte->at);
        break;
    case NS_OWNER_BEYOND:
        snprintf(detail, sizeof detail, "%s %s beyond the %u bytes that were mapped for it", name, does,
                 (unsigned)byte->before->length);
        earlier = byte->before->map_event;
        role = NS_NOTE_MAPPED;
        break;
    case NS_OWNER_CPU:
        snprintf(detail, sizeof detail, "%s %s %s while the CPU owns it, after sync-for-cpu", name, does, object);
        earlier = mapping->back_event;
        break;
    case NS_OWNER_DIRECTION:
        snprintf(detail, sizeof detail, "%s %s a buffer that was mapped %s", name, does,
                 byte->write ? "to-device" : "from-device");
        earlier = mapping->map_event;
        role = NS_NOTE_MAPPED;
        break;
    case NS_OWNER_NOT_TOLD:
        earlier = byte->page->flat[byte->at % NS_PAGE_SIZE];
        snprintf(detail, sizeof detail, "%s stored these bytes after it told %s to start",
                 actor_name(tracker, event_at(tracker, earlier)->actor), name);
        symptom = NS_SYMPTOM_ORDER;
        role = NS_NOTE_WROTE;
        break;
    default:
        return;
    }
    ns_tracker_report(tracker, id, symptom, byte->event, byte->at, byte->last, earlier, role, detail);
}

bool check_device_lifetime(struct ns_tracker *tracker, uint32_t event, uint64_t address, uint32_t length) {
    struct touched byte = {
        .tracker = tracker, .event = event, .device = event_at(tracker, event)->actor, .last = address + length - 1};
    for (byte.at = address; byte.at <= byte.last; byte.at++) {
        byte.page = ghost_at(tracker, byte.at);
        if (byte.page == NULL)
            return false;
        if ((byte.page->flags[byte.at % NS_PAGE_SIZE] & NS_BYTE_FREED) != 0 || tracker->uses_freed[byte.device]) {
            report_device(&byte, NS_OWNER_FREED, NS_OW_UAF);
            return true;
        }
    }
    return false;
}

bool check_device_access(struct ns_tracker *tracker, uint32_t event, uint64_t address, uint32_t length, bool write) {
    struct touched byte = {.tracker = tracker,
                           .event = event,
                           .device = event_at(tracker, event)->actor,
                           .write = write,
                           .last = address + length - 1};
    for (byte.at = address; byte.at <= byte.last; byte.at++) {
        byte.page = ghost_at(tracker, byte.at);
        if (byte.page == NULL)
            return false;
        byte.mapping = mapping_of(tracker, byte.page, byte.at);
        const struct ns_device_access_facts facts = device_facts(&byte);
        enum ns_hazard_id id;
        const enum ns_owner_reason reason = ns_rule_device_access(&facts, &id);
        if (reason != NS_OWNER_FINE) {
            report_device(&byte, reason, id);
            return true;
        }
        byte.before = byte.mapping;
    }
    return false;
}

/* ---- hand-over and lifetime ------------------------------------------------------------------ */

/* A mapping whose other side writes must not share its end lines with anything that the program uses meanwhile. */
static void check_alignment(struct ns_tracker *tracker, uint32_t event, unsigned device, uint64_t address,
                            uint64_t length) {
    const struct ns_cache_config *config = ns_cache_get_config(tracker->view.cache);
    const uint64_t line = config->level[config->levels - 1].line;
    const uint64_t end = address + length;
    const uint64_t first_line = address / line * line, last_line_end = (end + line - 1) / line * line;
    char detail[256];
    for (uint64_t at = first_line; at < last_line_end; at++) {
        if (at == address)
            at = end; /* the mapping itself */
        if (at >= last_line_end)
            break;
        uint64_t unit, unit_length;
        if (!unit_at(tracker, at, &unit, &unit_length))
            continue;
        /* The rest of the very thing that is mapped in part is not a neighbour. */
        if (unit < end && address < unit + unit_length)
            continue;
        snprintf(detail, sizeof detail,
                 "the %s %u-byte line of the mapping also holds bytes that are not mapped for %s",
                 at < address ? "first" : "last", (unsigned)line, actor_name(tracker, device));
        ns_tracker_report(tracker, NS_LS_ALIGN, NS_SYMPTOM_ALIGNMENT, event, at,
                          at < address ? address - 1 : last_line_end - 1, NS_NO_EVENT, NS_NOTE_OTHER, detail);
        return;
    }
}

/* Where a new mapping goes: dead ones are kept as long as there is room, because what they were explains later hazards.
 */
static size_t mapping_slot(struct ns_tracker *tracker) {
    if (tracker->mapping_count < MAPPING_LIMIT)
        return tracker->mapping_count++;
    size_t oldest = MAPPING_LIMIT;
    for (size_t i = 0; i < MAPPING_LIMIT; i++)
        if (!tracker->mapping[i].live &&
            (oldest == MAPPING_LIMIT || tracker->mapping[i].back_event < tracker->mapping[oldest].back_event))
            oldest = i;
    return oldest;
}

/* Returns its index; MAPPING_LIMIT: the pool's own table is as large, and says so. */
static size_t add_mapping(struct ns_tracker *tracker, const struct mapping *mapping, bool undefined_until_written) {
    const size_t index = mapping_slot(tracker);
    if (index == MAPPING_LIMIT)
        return index;
    tracker->mapping[index] = *mapping;
    for (uint64_t at = mapping->first; at < mapping->first + mapping->length; at++) {
        struct ghost_page *page = ghost_at(tracker, at);
        if (page == NULL)
            return index;
        const size_t offset = at % NS_PAGE_SIZE;
        set_mapping(tracker, page, offset, (uint16_t)(index + 1));
        page->flags[offset] = ns_byte_mapped(page->flags[offset], mapping->direction, undefined_until_written);
        if (mapping->direction == 2 && undefined_until_written) {
            set_aux(tracker, page, offset, mapping->map_event);
        }
    }
    return index;
}

/* A mapping that is bounced has two sides: the CPU may not touch the original, the device uses the slot, and only the
 * slot has maintenance. */
static void map_both_sides(struct ns_tracker *tracker, struct mapping mapping, uint64_t original, uint64_t slot,
                           bool undefined_until_written) {
    mapping.first = original;
    const size_t of_original = add_mapping(tracker, &mapping, false);
    mapping.first = slot;
    const size_t of_slot = add_mapping(tracker, &mapping, undefined_until_written);
    if (of_original != MAPPING_LIMIT && of_slot != MAPPING_LIMIT) {
        tracker->mapping[of_original].other_side = (uint16_t)(of_slot + 1);
        tracker->mapping[of_slot].other_side = (uint16_t)(of_original + 1);
    }
}

void ns_tracker_map(struct ns_tracker *tracker, uint32_t event, unsigned device, uint64_t address, uint64_t length,
                    uint8_t direction, bool undefined_until_written) {
    if (tracker->recording != NULL) {
        uint64_t original, slot;
        if (direction != 1 && !tracker->device[device].snoops && !bounce_sides(tracker, address, &original, &slot))
            check_alignment(tracker, event, device, address, length); /* it needs no symptom and no order */
        record_map(tracker, event, device, address, length, direction, undefined_until_written);
        return;
    }
    const struct ns_tracked_device *facts = &tracker->device[device];
    const struct mapping mapping = {.first = address,
                                    .length = length,
                                    .device = device,
                                    .direction = direction,
                                    .live = true,
                                    .map_event = event,
                                    .hand_over_event = event};
    uint64_t original, slot;
    if (bounce_sides(tracker, address, &original, &slot)) {
        map_both_sides(tracker, mapping, original, slot, undefined_until_written);
    } else {
        if (direction != 1 && !facts->snoops)
            check_alignment(tracker, event, device, address, length);
        if (add_mapping(tracker, &mapping, undefined_until_written) == MAPPING_LIMIT)
            return;
    }
    ns_tracker_doorbell(tracker, event_at(tracker, event)->actor, device);
}

enum { OVERLAPS = 8 }; /* live mappings of one byte that are told apart; each was reported when it was made */

/* The newest live mappings that share bytes with one, oldest first. */
static size_t overlapping(const struct ns_tracker *tracker, const struct mapping *with, size_t index[OVERLAPS]) {
    size_t count = 0;
    for (size_t i = 0; i < tracker->mapping_count; i++) {
        const struct mapping *other = &tracker->mapping[i];
        if (!other->live || other->first >= with->first + with->length || with->first >= other->first + other->length)
            continue;
        if (count == OVERLAPS) {
            for (size_t j = 1; j < OVERLAPS; j++)
                index[j - 1] = index[j];
            count--;
        }
        index[count++] = i;
    }
    return count;
}

/* The device's oldest live mapping that holds the byte, or NULL. */
static struct mapping *live_mapping(const struct ns_tracker *tracker, unsigned device, uint64_t address) {
    for (size_t i = 0; i < tracker->mapping_count; i++)
        if (tracker->mapping[i].live && tracker->mapping[i].device == device &&
            range_holds(tracker->mapping[i].first, tracker->mapping[i].length, address))
            return &tracker->mapping[i];
    return NULL;
}

static void end_mapping(struct ns_tracker *tracker, uint32_t event, struct mapping *unmapped) {
    unmapped->live = false;
    unmapped->back_event = event;
    size_t others[OVERLAPS];
    const size_t other_count = overlapping(tracker, unmapped, others);
    for (uint64_t at = unmapped->first; at < unmapped->first + unmapped->length; at++) {
        struct ghost_page *page = ghost_at(tracker, at);
        if (page == NULL)
            return;
        if (mapping_of(tracker, page, at) != unmapped)
            continue;
        const size_t offset = at % NS_PAGE_SIZE;
        uint16_t still = 0;
        for (size_t i = 0; i < other_count; i++)
            if (range_holds(tracker->mapping[others[i]].first, tracker->mapping[others[i]].length, at))
                still = (uint16_t)(others[i] + 1);
        set_mapping(tracker, page, offset, still);
        page->flags[offset] = ns_byte_unmapped(page->flags[offset], still != 0);
    }
}

void ns_tracker_unmap(struct ns_tracker *tracker, uint32_t event, unsigned device, uint64_t address) {
    if (tracker->recording != NULL) {
        struct ns_recorded entry = {.kind = NS_RECORDED_UNMAP, .peer = (uint8_t)device, .address = address};
        record_entry(tracker, event, &entry);
        return;
    }
    struct mapping *mapping = live_mapping(tracker, device, address);
    if (mapping == NULL)
        return;
    end_mapping(tracker, event, mapping);
    if (mapping->other_side != 0)
        end_mapping(tracker, event, &tracker->mapping[mapping->other_side - 1]);
}

void ns_tracker_uses_freed(struct ns_tracker *tracker, unsigned device, bool freed) {
    tracker->uses_freed[device] = freed;
}

bool ns_tracker_is_mapped(struct ns_tracker *tracker, unsigned device, uint64_t address) {
    return live_mapping(tracker, device, address) != NULL;
}

static void change_owner(struct ns_tracker *tracker, uint32_t event, unsigned device, uint64_t address, uint64_t length,
                         bool for_cpu) {
    for (uint64_t at = address; at < address + length; at++) {
        struct ghost_page *page = ghost_at(tracker, at);
        if (page == NULL)
            return;
        struct mapping *mapping = mapping_of(tracker, page, at);
        if (mapping == NULL || mapping->device != device)
            continue;
        uint8_t *flags = &page->flags[at % NS_PAGE_SIZE];
        *flags = ns_byte_synced(*flags, for_cpu);
        if (for_cpu)
            mapping->back_event = event;
        else
            mapping->hand_over_event = event;
    }
}

void ns_tracker_sync(struct ns_tracker *tracker, uint32_t event, unsigned device, uint64_t address, uint64_t length,
                     bool for_cpu) {
    if (tracker->recording != NULL) {
        struct ns_recorded entry = {.kind = NS_RECORDED_SYNC,
                                    .peer = (uint8_t)device,
                                    .address = address,
                                    .length = length,
                                    .flags = for_cpu ? NS_RECORDED_FOR_CPU : 0};
        record_entry(tracker, event, &entry);
        return;
    }
    change_owner(tracker, event, device, address, length, for_cpu);
    const struct mapping *mapping = live_mapping(tracker, device, address);
    if (mapping != NULL && mapping->other_side != 0)
        change_owner(tracker, event, device,
                     tracker->mapping[mapping->other_side - 1].first + (address - mapping->first), length, for_cpu);
    if (!for_cpu)
        ns_tracker_doorbell(tracker, event_at(tracker, event)->actor, device);
}

static void set_freed(struct ns_tracker *tracker, uint64_t address, uint64_t length, bool freed) {
    const uint64_t end = address + length;
    for (uint64_t at = address; at < end;) {
        struct ghost_page *page = ghost_at(tracker, at);
        if (page == NULL)
            return;
        const size_t offset = at % NS_PAGE_SIZE, count = bytes_in_page(at, end);
        for (size_t i = offset; i < offset + count; i++)
            page->flags[i] = freed ? ns_byte_freed(page->flags[i]) : ns_byte_allocated(page->flags[i]);
        for (size_t i = offset; !freed && !page->quiet && i < offset + count; i++)
            clear_device_accesses(tracker, page, i);
        at += count;
    }
}

void ns_tracker_free(struct ns_tracker *tracker, uint32_t event, uint64_t address, uint64_t length) {
    if (tracker->recording != NULL) {
        struct ns_recorded entry = {.kind = NS_RECORDED_FREE, .address = address, .length = length};
        record_entry(tracker, event, &entry);
        return;
    }
    set_freed(tracker, address, length, true);
}

void ns_tracker_alloc(struct ns_tracker *tracker, uint32_t event, uint64_t address, uint64_t length) {
    if (tracker->recording != NULL) {
        struct ns_recorded entry = {.kind = NS_RECORDED_ALLOC, .address = address, .length = length};
        record_entry(tracker, event, &entry);
        return;
    }
    set_freed(tracker, address, length, false);
}
