/* SPDX-License-Identifier: Apache-2.0 */
#include "report/format.h"
#include "report/verify_report.h"

#include <stdio.h>
#include <string.h>

/* Rows that are shown without -v: the last ones, because the hazard is at the end. */
enum { ROWS = 24, GUTTER = 7, LANES = 8, EFFECTS = 2 };

struct lanes {
    const struct ns_scenario *scenario;
    const struct ns_log *log;
    const struct ns_report_style *style;
    struct ns_buffer *out;
    unsigned lane[NS_MAX_ACTORS]; /* of each actor */
    unsigned count;
    size_t width;
    uint32_t event; /* the next one that no row has shown */
};

/* ---- which lanes there are ------------------------------------------------------------------- */

static unsigned actor_of(const struct lanes *lanes, const struct ns_step *step) {
    return step->actor_kind == NS_ACTOR_HART     ? step->actor
           : step->actor_kind == NS_ACTOR_DEVICE ? lanes->scenario->machine.cache.harts + step->actor
                                                 : lanes->log->actor_count - 1;
}

static const struct ns_step *step_of(const struct ns_scenario *scenario, uint32_t line, uint32_t *site) {
    for (size_t i = 0; i < scenario->written_count; i++)
        if (scenario->written[i].line == line) {
            *site = (uint32_t)i;
            return &scenario->written[i];
        }
    return NULL;
}

static void find_lanes(struct lanes *lanes, const struct ns_verify_hazard *hazard) {
    bool used[NS_MAX_ACTORS] = {false};
    for (size_t i = 0; i < hazard->schedule_count; i++) {
        uint32_t site;
        const struct ns_step *step = hazard->schedule[i].kind == NS_SCHEDULE_STEP
                                         ? step_of(lanes->scenario, hazard->schedule[i].line, &site)
                                         : NULL;
        used[step != NULL ? actor_of(lanes, step) : lanes->log->actor_count - 1] = true;
    }
    for (unsigned actor = 0; actor < lanes->log->actor_count; actor++)
        if (used[actor])
            lanes->lane[actor] = lanes->count++;
    lanes->width = (NS_REPORT_COLUMNS - GUTTER) / (lanes->count > 0 ? lanes->count : 1);
}

/* ---- one row --------------------------------------------------------------------------------- */

/* Text in a lane, cut to its width; the last lane may run to the edge. */
static void write_cell(const struct lanes *lanes, unsigned lane, const char *text, size_t length, size_t indent) {
    const size_t room = lane + 1 == lanes->count ? NS_REPORT_COLUMNS - GUTTER - lane * lanes->width : lanes->width - 1;
    ns_buffer_repeat(lanes->out, ' ', lane * lanes->width + indent);
    if (length + indent <= room) {
        ns_format_source(lanes->out, text, length);
    } else {
        ns_format_source(lanes->out, text, room > indent + 2 ? room - indent - 2 : 1);
        ns_buffer_text(lanes->out, "..");
    }
    ns_buffer_text(lanes->out, "\n");
}

/* The step as written, without its actor, its comment and what it expects, spaces squeezed. */
static size_t shorten(const struct ns_scenario *scenario, const struct ns_step *step, char *text, size_t size) {
    const char *from = scenario->lines[step->line - 1] + step->verb_place.column - 1;
    const char *end = from;
    while (*end != '\0' && *end != '\n' && *end != '#')
        end++;
    for (const char *at = from; at + 8 <= end; at++)
        if (strncmp(at, " expect ", 8) == 0) {
            end = at;
            break;
        }
    size_t used = 0;
    for (; from < end && used + 1 < size; from++)
        if (*from != ' ' || (used > 0 && text[used - 1] != ' '))
            text[used++] = *from;
    while (used > 0 && text[used - 1] == ' ')
        used--;
    text[used] = '\0';
    return used;
}

static int write_bytes(char *text, size_t size, const struct ns_event *event) {
    int used = 0;
    for (unsigned i = 0; i < event->data_length && i < 4; i++)
        used += snprintf(text + used, size - (size_t)used, " %02x", event->data[i]);
    return used;
}

/* What an event changed or brought, in a few words; 0: nothing that a reader needs. */
static size_t describe(const struct lanes *lanes, const struct ns_event *event, char *text, size_t size) {
    char address[NS_ADDRESS_TEXT];
    const char *level = ns_level_name(lanes->log, event->level);
    int used = 0;
    ns_format_address(event->address, address);
    switch ((enum ns_event_kind)event->kind) {
    case NS_EVENT_LOAD:
    case NS_EVENT_DMA_READ:
        used = snprintf(text, size, "gets");
        used += write_bytes(text + used, size - (size_t)used, event);
        break;
    case NS_EVENT_FILL:
        used = snprintf(text, size, "%s filled:", level);
        used += write_bytes(text + used, size - (size_t)used, event);
        break;
    case NS_EVENT_WRITE_BACK:
        used = snprintf(text, size, "to memory:");
        used += write_bytes(text + used, size - (size_t)used, event);
        break;
    case NS_EVENT_DROP:
        used = snprintf(text, size, "%s drops it%s", level, event->dirty ? ", dirty" : "");
        break;
    case NS_EVENT_DRAIN:
        used = snprintf(text, size, "%s arrives", address);
        break;
    default:
        return 0;
    }
    return (size_t)used;
}

/* The events that the row's step or move has caused, as far as they are about the hazard's line. */
static void write_effects(struct lanes *lanes, unsigned lane, uint32_t end, const struct ns_hazard *hazard) {
    const uint64_t line = lanes->log->levels > 0 ? lanes->log->line_size[lanes->log->levels - 1] : 64;
    const uint64_t first = hazard->first / line * line, last = hazard->last / line * line + line - 1;
    unsigned shown = 0;
    for (; lanes->event < end; lanes->event++) {
        const struct ns_event *event = &lanes->log->event[lanes->event];
        char text[160];
        if (event->length == 0 || event->address > last || event->address + event->length <= first || shown == EFFECTS)
            continue;
        const size_t length = describe(lanes, event, text, sizeof text);
        if (length == 0)
            continue;
        ns_buffer_repeat(lanes->out, ' ', GUTTER);
        write_cell(lanes, lane, text, length, 2);
        shown++;
    }
}

/* Where the events of item `index` end: at the first one of the next step. */
static uint32_t end_of(const struct lanes *lanes, const struct ns_verify_hazard *hazard, size_t index) {
    for (size_t i = index + 1; i < hazard->schedule_count; i++) {
        uint32_t site;
        if (hazard->schedule[i].kind != NS_SCHEDULE_STEP ||
            step_of(lanes->scenario, hazard->schedule[i].line, &site) == NULL)
            continue;
        for (uint32_t e = lanes->event; e < lanes->log->event_count; e++)
            if (lanes->log->event[e].site == site)
                return e;
    }
    return (uint32_t)lanes->log->event_count;
}

static void write_row(struct lanes *lanes, const struct ns_verify_hazard *hazard, size_t index, bool shown) {
    const struct ns_schedule_item *item = &hazard->schedule[index];
    const struct ns_hazard *what = &lanes->log->hazard[hazard->index];
    uint32_t site;
    const struct ns_step *step = item->kind == NS_SCHEDULE_STEP ? step_of(lanes->scenario, item->line, &site) : NULL;
    const unsigned actor = step != NULL ? actor_of(lanes, step) : lanes->log->actor_count - 1;
    char text[256];
    size_t length = step != NULL ? shorten(lanes->scenario, step, text, sizeof text)
                                 : ns_schedule_item_text(item, lanes->scenario, text);
    if (!shown) {
        if (step != NULL)
            lanes->event = end_of(lanes, hazard, index);
        return;
    }
    if (step != NULL)
        ns_buffer_format(lanes->out, "%5u  ", item->line);
    else
        ns_buffer_repeat(lanes->out, ' ', GUTTER);
    write_cell(lanes, lanes->lane[actor], text, length, 0);
    /* A move's events come before those of the next step: they are shown with it when it stands alone. */
    const bool next_is_step =
        index + 1 >= hazard->schedule_count || hazard->schedule[index + 1].kind == NS_SCHEDULE_STEP;
    if (step != NULL || next_is_step)
        write_effects(lanes, lanes->lane[actor], end_of(lanes, hazard, index), what);
}

void ns_report_lanes_text(const struct ns_scenario *scenario, const struct ns_verify_hazard *hazard,
                          const struct ns_report_style *style, struct ns_buffer *out) {
    struct lanes lanes = {.scenario = scenario, .log = hazard->log, .style = style, .out = out};
    find_lanes(&lanes, hazard);
    if (lanes.count == 0 || lanes.count > LANES)
        return;
    ns_buffer_repeat(out, ' ', GUTTER);
    for (unsigned actor = 0, written = 0; actor < hazard->log->actor_count; actor++) {
        bool used = written < lanes.count && lanes.lane[actor] == written;
        if (actor > 0 && lanes.lane[actor] == 0)
            used = false;
        if (!used)
            continue;
        const char *name = ns_actor_name(hazard->log, actor);
        ns_buffer_format(out, "%.*s", (int)lanes.width - 1, name);
        written++;
        if (written < lanes.count)
            ns_buffer_repeat(out, ' ', lanes.width - strnlen(name, lanes.width - 1));
    }
    ns_buffer_text(out, "\n");
    const size_t skipped = style->verbose || hazard->schedule_count <= ROWS ? 0 : hazard->schedule_count - ROWS;
    if (skipped > 0)
        ns_buffer_format(out, "       ... %zu before these; -v shows all\n", skipped);
    for (size_t i = 0; i < hazard->schedule_count; i++)
        write_row(&lanes, hazard, i, i >= skipped);
}
