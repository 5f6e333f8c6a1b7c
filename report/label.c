/* SPDX-License-Identifier: Apache-2.0 */
#include "report/label.h"

#include "report/format.h"

#include <string.h>

const char *ns_note_role_text(enum ns_note_role role) {
    switch (role) {
    case NS_NOTE_FILLED:
        return "filled";
    case NS_NOTE_WROTE:
        return "wrote";
    case NS_NOTE_DIRTIED:
        return "dirtied";
    case NS_NOTE_MAPPED:
        return "mapped";
    case NS_NOTE_UNMAPPED:
        return "unmapped";
    case NS_NOTE_MAINTAINED:
        return "maintained";
    case NS_NOTE_DISCARDED:
        return "discarded";
    case NS_NOTE_WRITTEN_BACK:
        return "written-back";
    case NS_NOTE_SIGNALLED:
        return "signalled";
    case NS_NOTE_TYPE_CHANGED:
        return "type-changed";
    case NS_NOTE_ALLOCATED:
        return "allocated";
    case NS_NOTE_FREED:
        return "freed";
    case NS_NOTE_READ:
        return "read";
    case NS_NOTE_OTHER:
        break;
    }
    return "other";
}

/* Enough to recognise a word; a label has to fit beside its line. */
#define SHOWN_BYTES 4

/* ": 00 00 00 00": of the event's data, the bytes that the hazard is about; nothing when there are none. */
static void add_data(const struct ns_hazard *hazard, const struct ns_event *event, struct ns_buffer *out) {
    uint64_t count = event->data_length < sizeof event->data ? event->data_length : sizeof event->data;
    uint64_t skipped = hazard->first > event->address ? hazard->first - event->address : 0;
    if (skipped >= count || event->address > hazard->last) {
        return;
    }
    uint64_t wanted = hazard->last - event->address - skipped + 1;
    uint64_t shown = count - skipped < wanted ? count - skipped : wanted;
    shown = shown < SHOWN_BYTES ? shown : SHOWN_BYTES;
    ns_buffer_text(out, ": ");
    ns_format_bytes(out, event->data + skipped, (size_t)shown);
    ns_buffer_text(out, shown < wanted ? " .." : "");
}

static bool has_many_harts(const struct ns_log *log) {
    unsigned harts = 0;
    for (unsigned i = 0; i < log->actor_count; ++i) {
        harts += log->actor[i].actor_class == NS_ACTOR_CLASS_HART;
    }
    return harts > 1;
}

/* "L1D", or "cpu1's L1D" where that says more. */
static void add_cache(const struct ns_log *log, const struct ns_event *event, struct ns_buffer *out) {
    if (event->level == 0 && has_many_harts(log)) {
        ns_buffer_format(out, "%s's ", ns_actor_name(log, ns_cache_hart(log, event)));
    }
    ns_buffer_text(out, ns_level_name(log, event->level));
}

static void add_range(const struct ns_event *event, struct ns_buffer *out) {
    char first[NS_ADDRESS_TEXT], last[NS_ADDRESS_TEXT];
    if (event->address == 0 && event->length == UINT32_MAX) {
        ns_buffer_text(out, "the whole cache");
        return;
    }
    ns_buffer_text(out, ns_format_address(event->address, first));
    if (event->length > 1) {
        ns_buffer_format(out, "..%s", ns_format_address(event->address + event->length - 1, last));
    }
}

static bool is_access_kind(const struct ns_event *event) {
    return event->kind == NS_EVENT_LOAD || event->kind == NS_EVENT_STORE || event->kind == NS_EVENT_DMA_READ ||
           event->kind == NS_EVENT_DMA_WRITE;
}

static bool is_snooping(const struct ns_log *log, unsigned actor) {
    return actor < log->actor_count && log->actor[actor].snoops;
}

static void label_filled(const struct ns_log *log, const struct ns_hazard *hazard, const struct ns_event *event,
                         const char *where, struct ns_buffer *out) {
    char address[NS_ADDRESS_TEXT];
    ns_buffer_format(out, "line %s ", ns_format_address(event->address, address));
    if (event->kind == NS_EVENT_SAMPLE) {
        ns_buffer_format(out, "sampled from memory %s", where);
    } else if (event->level > 0 || has_many_harts(log)) {
        ns_buffer_text(out, "filled into ");
        add_cache(log, event, out);
        ns_buffer_format(out, " %s", where);
    } else {
        ns_buffer_format(out, "filled %s", where);
    }
    add_data(hazard, event, out);
}

static void label_wrote(const struct ns_log *log, const struct ns_hazard *hazard, const struct ns_event *event,
                        const char *where, struct ns_buffer *out) {
    const char *actor = ns_actor_name(log, event->actor);
    const struct ns_event *found = ns_event_at(log, hazard->event);
    switch (event->kind) {
    case NS_EVENT_DMA_WRITE:
        if (!is_snooping(log, event->actor) && hazard->symptom == NS_SYMPTOM_STALE && found != NULL &&
            found->kind == NS_EVENT_LOAD && found->level < log->levels) {
            ns_buffer_format(out, "memory changed %s; %s does not snoop, so the line stays", where, actor);
            return;
        }
        ns_buffer_format(out, "%s %s these bytes %s %s", actor, hazard->id == NS_OR_IRQ_BEFORE_DATA ? "sent" : "wrote",
                         is_snooping(log, event->actor) ? "into the caches" : "to memory", where);
        break;
    case NS_EVENT_STORE:
        ns_buffer_format(out, "%s stored these bytes %s", actor, where);
        if (event->type != NS_TYPE_CACHEABLE) {
            ns_buffer_format(out, " (%s)", ns_type_name(event->type));
        }
        break;
    case NS_EVENT_INITIAL:
        ns_buffer_text(out, "the object's initial content");
        break;
    case NS_EVENT_POWER_ON:
        ns_buffer_text(out, "what memory held at power-on");
        break;
    default:
        ns_buffer_format(out, "%s wrote these bytes %s", actor, where);
        break;
    }
    add_data(hazard, event, out);
}

static void label_maintained(const struct ns_log *log, const struct ns_event *event, const char *where,
                             struct ns_buffer *out) {
    if (event->kind != NS_EVENT_MAINTENANCE) {
        ns_buffer_format(out, "%s of ", ns_event_kind_text((enum ns_event_kind)event->kind));
        add_range(event, out);
        ns_buffer_format(out, " %s", where);
        return;
    }
    const struct ns_event *call = event->inside ? ns_event_at(log, event->link) : NULL;
    if (call != NULL) {
        ns_buffer_format(out, "%s: ", ns_event_kind_text((enum ns_event_kind)call->kind));
    }
    ns_buffer_format(out, "%s of ", ns_op_name(event->op));
    if (event->length == 0 && event->address == UINT64_MAX)
        ns_buffer_text(out, "the whole cache");
    else
        add_range(event, out);
    ns_buffer_format(out, " %s", where);
    if (event->scope == NS_SCOPE_L1 && log->levels > 1) {
        ns_buffer_text(out, ", in ");
        add_cache(log, &(struct ns_event){.level = 0, .actor = event->actor}, out);
        ns_buffer_text(out, " only");
    }
    if (event->scope == NS_SCOPE_OUTER)
        ns_buffer_text(out, ", in the outer cache only");
    if (event->local)
        ns_buffer_format(out, ", in no cache of another hart");
}

static void label_discarded(const struct ns_log *log, const struct ns_hazard *hazard, const struct ns_event *event,
                            const char *where, struct ns_buffer *out) {
    char address[NS_ADDRESS_TEXT];
    if (event->kind != NS_EVENT_DROP) {
        label_maintained(log, event, where, out);
        return;
    }
    ns_buffer_format(out, "%sline %s dropped from ", event->dirty ? "dirty " : "",
                     ns_format_address(event->address, address));
    add_cache(log, event, out);
    ns_buffer_format(out, " %s", where);
    add_data(hazard, event, out);
}

static void label_signalled(const struct ns_log *log, const struct ns_event *event, const char *where,
                            struct ns_buffer *out) {
    const char *actor = ns_actor_name(log, event->actor);
    switch (event->kind) {
    case NS_EVENT_DOORBELL:
        ns_buffer_format(out, "%s told %s to start %s", actor, ns_actor_name(log, event->peer), where);
        break;
    case NS_EVENT_START:
        ns_buffer_format(out, "%s started %s", actor, where);
        break;
    case NS_EVENT_RAISE:
        ns_buffer_format(out, "%s raised its interrupt %s", actor, where);
        break;
    case NS_EVENT_WAIT:
        ns_buffer_format(out, "%s saw the interrupt %s", actor, where);
        break;
    case NS_EVENT_POLL:
        ns_buffer_format(out, "%s saw the signal %s", actor, where);
        break;
    default:
        ns_buffer_format(out, "%s gave the signal %s", actor, where);
        break;
    }
}

static void label_other(const struct ns_log *log, const struct ns_event *event, const char *where,
                        struct ns_buffer *out) {
    ns_buffer_format(out, "%s: %s ", ns_actor_name(log, event->actor),
                     ns_event_kind_text((enum ns_event_kind)event->kind));
    if (event->length > 0) {
        ns_buffer_text(out, "of ");
        add_range(event, out);
        ns_buffer_text(out, " ");
    }
    ns_buffer_text(out, where);
}

void ns_label_note(const struct ns_log *log, const struct ns_hazard *hazard, const struct ns_note *note,
                   const char *where, struct ns_buffer *out) {
    static const struct ns_event power_on = {.kind = NS_EVENT_POWER_ON};
    char address[NS_ADDRESS_TEXT];
    const struct ns_event *event = ns_event_at(log, note->event);
    if (event == NULL) {
        event = &power_on;
    }
    const char *actor = ns_actor_name(log, event->actor);
    const char *direction = ns_direction_name(event->direction);
    switch (note->role) {
    case NS_NOTE_FILLED:
        label_filled(log, hazard, event, where, out);
        break;
    case NS_NOTE_WROTE:
        label_wrote(log, hazard, event, where, out);
        break;
    case NS_NOTE_DIRTIED:
        ns_buffer_format(out, "%s makes the line dirty %s",
                         event->kind == NS_EVENT_SPECULATIVE_STORE ? "a squashed speculative store" : "this store",
                         where);
        add_data(hazard, event, out);
        break;
    case NS_NOTE_MAPPED:
        ns_buffer_format(out, "handed to %s %s%s%s",
                         event->peer < log->actor_count ? ns_actor_name(log, event->peer) : "the device", where,
                         direction[0] != '\0' ? ", " : "", direction);
        break;
    case NS_NOTE_UNMAPPED:
        ns_buffer_format(out, "handed back to the CPU %s", where);
        break;
    case NS_NOTE_MAINTAINED:
        label_maintained(log, event, where, out);
        break;
    case NS_NOTE_DISCARDED:
        label_discarded(log, hazard, event, where, out);
        break;
    case NS_NOTE_WRITTEN_BACK:
        ns_buffer_format(out, "%s %s written back to memory %s", event->length > 1 ? "line" : "byte",
                         ns_format_address(event->address, address), where);
        add_data(hazard, event, out);
        break;
    case NS_NOTE_SIGNALLED:
        label_signalled(log, event, where, out);
        break;
    case NS_NOTE_TYPE_CHANGED:
        if (event->kind == NS_EVENT_SET_TYPE)
            ns_buffer_format(out, "memory type changed to %s %s", ns_type_name(event->type), where);
        else
            ns_buffer_format(out, "given out as non-cacheable memory %s", where);
        break;
    case NS_NOTE_ALLOCATED:
        ns_buffer_format(out, "allocated %s", where);
        break;
    case NS_NOTE_FREED:
        ns_buffer_format(out, "freed %s", where);
        break;
    case NS_NOTE_READ:
        ns_buffer_format(out, "%s read %s", actor, where);
        add_data(hazard, event, out);
        break;
    case NS_NOTE_OTHER:
        label_other(log, event, where, out);
        break;
    }
}

/* The last event among the notes that wrote the newest bytes, or NULL. */
static const struct ns_event *find_writer(const struct ns_log *log, const struct ns_hazard *hazard) {
    for (uint32_t i = hazard->note_count; i > 0; --i) {
        if (hazard->note[i - 1].role == NS_NOTE_WROTE) {
            return ns_event_at(log, hazard->note[i - 1].event);
        }
    }
    return NULL;
}

static void add_sample(const char *before, const uint8_t *bytes, size_t count, struct ns_buffer *out) {
    ns_buffer_text(out, before);
    ns_format_bytes(out, bytes, count);
}

/* Where the newest bytes are known to be in memory, the label says so. */
static bool is_newest_in_memory(const struct ns_log *log, const struct ns_hazard *hazard) {
    const struct ns_event *writer = find_writer(log, hazard);
    return writer != NULL && writer->kind == NS_EVENT_DMA_WRITE && !is_snooping(log, writer->actor) &&
           hazard->id != NS_OR_IRQ_BEFORE_DATA;
}

/* The newest bytes were in memory, and older ones came over them. */
static bool is_overwriting(const struct ns_event *event) {
    return event->kind == NS_EVENT_WRITE_BACK || event->kind == NS_EVENT_DRAIN || event->kind == NS_EVENT_DMA_WRITE;
}

void ns_label_site(const struct ns_log *log, const struct ns_hazard *hazard, struct ns_buffer *out) {
    const struct ns_event *event = ns_event_at(log, hazard->event);
    size_t count = hazard->sample_length < sizeof hazard->got ? hazard->sample_length : sizeof hazard->got;
    if (hazard->detail[0] != '\0') {
        ns_buffer_add(out, hazard->detail, strnlen(hazard->detail, sizeof hazard->detail));
        return;
    }
    if (event == NULL || count == 0 || (hazard->symptom != NS_SYMPTOM_STALE && hazard->symptom != NS_SYMPTOM_LOST)) {
        ns_buffer_text(out, ns_hazard_text(hazard->id) != NULL ? ns_hazard_text(hazard->id)->title : "found here");
        return;
    }
    if (hazard->symptom == NS_SYMPTOM_LOST) {
        add_sample("", hazard->newest, count, out);
        add_sample(is_overwriting(event) ? " overwritten in memory by " : " gone, what remains is ", hazard->got, count,
                   out);
        return;
    }
    if (event->kind == NS_EVENT_LOAD && event->level < log->levels) {
        const struct ns_event *fill = ns_event_at(log, event->link);
        const struct ns_event *line = fill != NULL && fill->kind == NS_EVENT_FILL ? fill : event;
        ns_buffer_text(out, "hit in ");
        add_cache(log, &(struct ns_event){.level = event->level, .actor = event->actor}, out);
        ns_buffer_format(out, " set %u way %u: got ", line->set, line->way);
    } else {
        ns_buffer_text(out, "read from memory: got ");
    }
    ns_format_bytes(out, hazard->got, count);
    add_sample(is_newest_in_memory(log, hazard) ? ", memory holds " : ", the newest bytes are ", hazard->newest, count,
               out);
}

void ns_label_headline(const struct ns_log *log, const struct ns_hazard *hazard, struct ns_buffer *out) {
    const struct ns_event *event = ns_event_at(log, hazard->event);
    const struct ns_event *writer = find_writer(log, hazard);
    const char *actor = ns_actor_name(log, hazard->actor);
    const struct ns_hazard_entry *text = ns_hazard_text(hazard->id);
    if (hazard->symptom == NS_SYMPTOM_STALE && event != NULL && writer != NULL && is_access_kind(event)) {
        ns_buffer_format(out, "stale read: %s reads bytes that %s has already replaced", actor,
                         writer->actor == hazard->actor ? "it" : ns_actor_name(log, writer->actor));
        return;
    }
    if (hazard->symptom == NS_SYMPTOM_LOST && event != NULL && writer != NULL) {
        const char *owner = ns_actor_name(log, writer->actor);
        if (event->kind == NS_EVENT_WRITE_BACK) {
            ns_buffer_format(out, "lost write: a write-back overwrites bytes that %s has written", owner);
        } else if (event->kind == NS_EVENT_DRAIN || event->kind == NS_EVENT_DMA_WRITE ||
                   event->kind == NS_EVENT_STORE) {
            ns_buffer_format(out, "lost write: an older write arrives late, over bytes that %s has written", owner);
        } else {
            ns_buffer_format(out, "lost write: %s discards bytes that %s has written", actor,
                             writer->actor == hazard->actor ? "it" : owner);
        }
        return;
    }
    ns_buffer_format(out, "%s%s: %s", ns_symptom_text(hazard->symptom),
                     hazard->symptom == NS_SYMPTOM_STALE  ? " read"
                     : hazard->symptom == NS_SYMPTOM_LOST ? " write"
                                                          : "",
                     text != NULL ? text->title : "unknown hazard");
}
