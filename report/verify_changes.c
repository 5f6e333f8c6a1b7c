/* SPDX-License-Identifier: Apache-2.0 */
/* What became of the hazard's bytes in one step or move, in a few words, from the events of the log. */
#include "report/format.h"
#include "report/verify_lanes.h"

#include <stdio.h>
#include <string.h>

enum {
    CHANGES = NS_LANES_CHANGES,
    SHOWN_BYTES = 4,
    CONTINUED = 1,        /* room for a comma */
    CHANGES_OF_A_ROW = 4, /* without -v */
};

static bool is_outside(const struct lanes *lanes, const struct ns_event *event) {
    return event->length == 0 || event->address > lanes->last || event->address + (event->length - 1) < lanes->first;
}

/* The bytes of an event that the hazard is about: " 00 00 00 00 ..", "" when the log does not have them, NULL when they
 * are others of the same line. Of an event elsewhere, its first bytes. */
static const char *bytes_of(const struct lanes *lanes, const struct ns_event *event, char text[48]) {
    const struct ns_hazard *hazard = lanes->hazard;
    const uint64_t count = event->data_length < sizeof event->data ? event->data_length : sizeof event->data;
    const bool all = lanes->last == UINT64_MAX || is_outside(lanes, event);
    uint64_t from = 0, until = count;
    size_t used = 0;
    text[0] = '\0';
    if (!all) {
        if (hazard->last < event->address || hazard->first > event->address + (event->length - 1))
            return NULL;
        from = hazard->first > event->address ? hazard->first - event->address : 0;
        until = hazard->last - event->address < count ? hazard->last - event->address + 1 : count;
    }
    for (uint64_t i = from; i < until; i++) {
        if (i - from == SHOWN_BYTES) {
            snprintf(text + used, 48 - used, " ..");
            break;
        }
        used += (size_t)snprintf(text + used, 48 - used, " %02x", event->data[i]);
    }
    return text;
}

/* Whether a write is not in its place yet: a hart's store buffer takes non-cacheable stores, a bridge posts a device's
 * writes. */
static bool waits(const struct lanes *lanes, const struct ns_event *event) {
    const struct ns_scenario *scenario = lanes->scenario;
    if (event->kind == NS_EVENT_STORE)
        return event->type == NS_TYPE_NC && scenario->machine.store_buffer_entries > 0;
    const uint32_t device = event->actor - scenario->machine.cache.harts;
    return device < scenario->device_count &&
           (scenario->devices[device].has_posted ? scenario->devices[device].posted > 0
                                                 : scenario->machine.posted_entries > 0);
}

/* Whether a store went past the cache: write-through, or a miss without allocation. */
static bool passes_on(const struct lanes *lanes, const struct lanes_row *row, size_t number) {
    for (size_t i = number; i < row->end; i++)
        if (lanes->log->event[i].kind == NS_EVENT_WRITE_BACK && lanes->log->event[i].cause == NS_CAUSE_STORE)
            return true;
    return false;
}

/* A store that the cache takes at once. */
static bool dirties(const struct lanes *lanes, const struct lanes_row *row, size_t number) {
    const struct ns_event *event = &lanes->log->event[number];
    return event->kind == NS_EVENT_STORE && event->type == NS_TYPE_CACHEABLE && !passes_on(lanes, row, number);
}

static bool is_access(const struct ns_event *event) {
    return event->kind == NS_EVENT_LOAD || event->kind == NS_EVENT_STORE || event->kind == NS_EVENT_DMA_READ ||
           event->kind == NS_EVENT_DMA_WRITE || event->kind == NS_EVENT_DRAIN;
}

/* Of a step, what happens to the hazard's lines; of a move, wherever its bytes go. */
static bool concerns(const struct lanes *lanes, const struct lanes_row *row, size_t number) {
    const struct ns_event *event = &lanes->log->event[number];
    return event->length > 0 &&
           (!is_outside(lanes, event) ||
            (row->move != NULL && (event->kind == NS_EVENT_DRAIN || event->kind == NS_EVENT_WRITE_BACK)));
}

/* The log has an access before the fills that it caused: where they end; `number + 1` when there are none. */
static size_t end_of_fills(const struct lanes *lanes, const struct lanes_row *row, size_t number) {
    size_t end = number + 1;
    for (size_t i = number + 1; i < row->end && !is_access(&lanes->log->event[i]); i++)
        if (lanes->log->event[i].kind == NS_EVENT_FILL && !is_outside(lanes, &lanes->log->event[i]))
            end = i + 1;
    return end;
}

/* ---- in words -------------------------------------------------------------------------------- */

static const char *cache_name(const struct lanes *lanes, const struct ns_event *event, char text[80]) {
    const char *level = ns_level_name(lanes->log, event->level);
    if (event->level == 0 && lanes->many_harts)
        snprintf(text, 80, "%s %s", ns_actor_name(lanes->log, ns_cache_hart(lanes->log, event)), level);
    else
        snprintf(text, 80, "%s", level);
    return text;
}

/* "memory <- 00 00 00 00" */
static void say_written(const struct lanes *lanes, const char *where, const struct ns_event *event, char *text,
                        size_t size) {
    char buffer[48];
    const char *bytes = bytes_of(lanes, event, buffer);
    snprintf(text, size, "%s%s%s", where,
             bytes == NULL      ? " <- other bytes"
             : bytes[0] != '\0' ? " <-"
                                : " written",
             bytes != NULL ? bytes : "");
}

static void say_dirty(const struct lanes *lanes, const struct ns_event *event, char *text, size_t size) {
    char name[80], where[96], buffer[48];
    const struct ns_event level = {.level = 0, .actor = event->actor};
    snprintf(where, sizeof where, "%s dirty", cache_name(lanes, &level, name));
    const char *bytes = bytes_of(lanes, event, buffer);
    if (bytes != NULL && bytes[0] == '\0')
        snprintf(text, size, "%s", where);
    else
        say_written(lanes, where, event, text, size);
}

/* Reaches its place: memory, the cache when it was a cacheable store, or some other line (named). */
static void say_arrived(const struct lanes *lanes, const struct lanes_row *row, size_t number, char *text,
                        size_t size) {
    const struct ns_event *event = &lanes->log->event[number];
    const struct ns_event *wrote = event->kind == NS_EVENT_DRAIN ? ns_event_at(lanes->log, event->link) : event;
    char address[NS_ADDRESS_TEXT];
    wrote = wrote != NULL ? wrote : event;
    if (is_outside(lanes, event))
        say_written(lanes, ns_format_address(event->address, address), wrote, text, size);
    else if (wrote->kind == NS_EVENT_STORE && wrote->type == NS_TYPE_CACHEABLE && !passes_on(lanes, row, number))
        say_dirty(lanes, wrote, text, size);
    else
        say_written(lanes, "memory", wrote, text, size);
}

static void say_sent(const struct lanes *lanes, const struct ns_event *event, char *text, size_t size) {
    const bool store = event->kind == NS_EVENT_STORE;
    const bool snoops = !store && event->actor < lanes->log->actor_count && lanes->log->actor[event->actor].snoops;
    const char *where = waits(lanes, event) ? (store ? "buffered" : "posted") : snoops ? "caches, memory" : "memory";
    say_written(lanes, where, event, text, size);
}

/* An event in a few words; "" when it changed nothing that a reader needs. */
static void describe(const struct lanes *lanes, const struct lanes_row *row, size_t number, char *text, size_t size) {
    const struct ns_event *event = &lanes->log->event[number];
    char buffer[48], name[80];
    const char *bytes = bytes_of(lanes, event, buffer);
    text[0] = '\0';
    switch ((enum ns_event_kind)event->kind) {
    case NS_EVENT_LOAD:
    case NS_EVENT_DMA_READ:
        if (bytes != NULL && bytes[0] != '\0')
            snprintf(text, size, "gets%.*s from %s", 3 * SHOWN_BYTES, bytes,
                     event->kind == NS_EVENT_LOAD ? cache_name(lanes, event, name) : "memory");
        break;
    case NS_EVENT_STORE:
        if (dirties(lanes, row, number))
            say_dirty(lanes, event, text, size);
        else if (event->type != NS_TYPE_CACHEABLE)
            say_sent(lanes, event, text, size);
        break;
    case NS_EVENT_DMA_WRITE:
        say_sent(lanes, event, text, size);
        break;
    case NS_EVENT_DRAIN:
    case NS_EVENT_WRITE_BACK:
        say_arrived(lanes, row, number, text, size);
        break;
    case NS_EVENT_SAMPLE:
        snprintf(text, size, "memory sampled");
        break;
    case NS_EVENT_SPECULATIVE_STORE:
        snprintf(text, size, "line made dirty");
        break;
    case NS_EVENT_MAP:
    case NS_EVENT_SYNC_FOR_DEVICE:
        snprintf(text, size, "owned by %s",
                 event->peer < lanes->log->actor_count ? ns_actor_name(lanes->log, event->peer) : "the device");
        break;
    case NS_EVENT_UNMAP:
    case NS_EVENT_SYNC_FOR_CPU:
        snprintf(text, size, "owned by the CPU");
        break;
    case NS_EVENT_SET_TYPE:
        snprintf(text, size, "now %s", ns_type_name(event->type));
        break;
    case NS_EVENT_FREE:
    case NS_EVENT_FREE_COHERENT:
        snprintf(text, size, "freed");
        break;
    case NS_EVENT_PAGE_FAULT:
        snprintf(text, size, "page fault");
        break;
    case NS_EVENT_BUS_ERROR:
        snprintf(text, size, "bus error");
        break;
    default:
        break;
    }
}

struct changes {
    size_t column; /* of the screen */
    unsigned count;
    uint64_t address; /* where the next change is */
    bool by_hardware; /* a move between steps that has no row of its own: under --chaos */
    struct ns_buffer last;
};

static void write_rest(const struct lanes *lanes, const struct changes *changes) {
    ns_buffer_text(lanes->out, changes->column < NS_REPORT_COLUMNS ? ",\n" : "\n");
    ns_buffer_repeat(lanes->out, ' ', CHANGES);
    ns_buffer_text(lanes->out, "..");
}

/* Behind what the row already says, or on a line of its own below. */
static void add_change(const struct lanes *lanes, struct changes *changes, const char *change) {
    char text[192];
    snprintf(text, sizeof text, "%s%s", changes->by_hardware ? "hw: " : "", change);
    size_t length = strlen(text);
    const bool cut = length > NS_REPORT_COLUMNS - CHANGES;
    length = cut ? NS_REPORT_COLUMNS - CHANGES - 2 : length;
    if (changes->last.data != NULL && strcmp(changes->last.data, text) == 0)
        return; /* the same thing again, in another piece of one transfer */
    if (lanes->trace) {
        char address[NS_ADDRESS_TEXT];
        ns_buffer_format(lanes->out, "%s%s: %s", changes->count++ > 0 ? "; " : "",
                         ns_format_address(changes->address, address), text);
        ns_buffer_release(&changes->last);
        ns_buffer_text(&changes->last, text);
        return;
    }
    if (changes->count == CHANGES_OF_A_ROW && !lanes->style->verbose)
        write_rest(lanes, changes);
    if (changes->count++ >= CHANGES_OF_A_ROW && !lanes->style->verbose)
        return;
    if (changes->column > CHANGES && changes->column + 2 + length + CONTINUED <= NS_REPORT_COLUMNS) {
        ns_buffer_text(lanes->out, ", ");
        changes->column += 2 + length;
    } else {
        if (changes->column > CHANGES) {
            ns_buffer_text(lanes->out, changes->column < NS_REPORT_COLUMNS ? ",\n" : "\n");
            changes->column = 0;
        }
        ns_buffer_repeat(lanes->out, ' ', CHANGES - changes->column);
        changes->column = CHANGES + length + (cut ? 2 : 0);
    }
    ns_buffer_add(lanes->out, text, length);
    ns_buffer_text(lanes->out, cut ? ".." : "");
    ns_buffer_release(&changes->last);
    ns_buffer_text(&changes->last, text);
}

/* Levels that a line came into, or left, one after the other are one change: "L2, L1D <- 00 00 00 00". Returns the
 * number of the last event taken. */
static size_t add_copies(const struct lanes *lanes, const struct lanes_row *row, size_t number,
                         struct changes *changes) {
    const struct ns_event *event = &lanes->log->event[number];
    char buffer[48], other[48], name[80];
    const char *bytes = bytes_of(lanes, event, buffer);
    struct ns_buffer text = {0};
    size_t taken = number;
    bytes = bytes != NULL ? bytes : "";
    ns_buffer_text(&text, cache_name(lanes, event, name));
    for (size_t i = number + 1; i < row->end; i++) {
        const struct ns_event *next = &lanes->log->event[i];
        if (!concerns(lanes, row, i))
            continue;
        const char *same = bytes_of(lanes, next, other);
        if (next->kind != event->kind || next->dirty != event->dirty || next->address != event->address ||
            strcmp(same != NULL ? same : "", bytes) != 0)
            break;
        ns_buffer_format(&text, ", %s", cache_name(lanes, next, name));
        taken = i;
    }
    if (event->kind == NS_EVENT_FILL)
        ns_buffer_format(&text, "%s%s", bytes[0] != '\0' ? " <-" : " filled", bytes);
    else
        ns_buffer_text(&text, event->dirty ? " dropped dirty" : " dropped");
    add_change(lanes, changes, text.data != NULL ? text.data : "");
    ns_buffer_release_piece(&text, lanes->out);
    return taken;
}

void lanes_write_changes(const struct lanes *lanes, const struct lanes_row *row, size_t column) {
    struct changes changes = {.column = column};
    size_t told = 0; /* fills before this event are told by the store that caused them */
    for (size_t i = row->first; i < row->end; i++) {
        const struct ns_event *event = &lanes->log->event[i];
        char text[160], bytes[48];
        if (!concerns(lanes, row, i) || (i < told && event->kind == NS_EVENT_FILL))
            continue;
        changes.by_hardware = lanes->whole_run && row->move == NULL && event->actor + 1u == lanes->log->actor_count &&
                              row->actor != event->actor;
        if (lanes->trace && event->address != changes.address) {
            ns_buffer_release(&changes.last); /* the same thing elsewhere is another one */
            changes.address = event->address;
        }
        if (event->kind == NS_EVENT_FILL || event->kind == NS_EVENT_DROP) {
            i = add_copies(lanes, row, i, &changes);
            continue;
        }
        const size_t fills = end_of_fills(lanes, row, i);
        if (event->kind == NS_EVENT_LOAD && fills > i + 1 && i != lanes->hazard->event)
            continue; /* what was filled is what it got */
        if (fills > i + 1 && dirties(lanes, row, i)) {
            told = fills;
            for (size_t fill = i + 1; bytes_of(lanes, event, bytes) == NULL && fill < fills; fill++)
                if (lanes->log->event[fill].kind == NS_EVENT_FILL && concerns(lanes, row, fill))
                    fill = add_copies(lanes, row, fill, &changes);
        }
        describe(lanes, row, i, text, sizeof text);
        if (text[0] != '\0')
            add_change(lanes, &changes, text);
    }
    ns_buffer_release(&changes.last);
}
