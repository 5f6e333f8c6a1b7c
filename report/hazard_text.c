/* SPDX-License-Identifier: Apache-2.0 */
#include "report/format.h"
#include "report/label.h"
#include "report/report.h"

#include <assert.h>
#include <inttypes.h>
#include <string.h>

/* Beyond this a schedule is no longer something to read or edit; the options of the run repeat it as well. */
#define SCHEDULE_LIMIT 200
/* Of what does not fit into the first line of a hazard. */
#define HEADER_INDENT 4

bool ns_report_is_expected(const struct ns_log *log, size_t index) {
    for (size_t i = 0; i < log->outcome_count; ++i) {
        if (log->outcome[i].kind == NS_OUTCOME_EXPECTED && log->outcome[i].hazard == index) {
            return true;
        }
    }
    return false;
}

size_t ns_report_schedule_length(const struct ns_log *log, const struct ns_hazard *hazard) {
    return hazard->executed < log->executed_count ? hazard->executed : log->executed_count;
}

const char *ns_report_when(const struct ns_log *log, const struct ns_event *event) {
    if (event != NULL && ns_site_at(log, event->site) != NULL)
        return "here";
    return event != NULL && event->time_ps > 0 && (log->chaos || log->move_count > 0) ? "by the hardware itself"
                                                                                      : "before the first step";
}

/* As ns_buffer_wrap, without the newline at the end, each line painted by itself; returns the column behind it. */
static size_t wrap_strong(const char *text, size_t at, const struct ns_report_style *style, struct ns_buffer *out) {
    struct ns_buffer lines = {0};
    size_t column = at;
    ns_buffer_wrap(&lines, text, at, HEADER_INDENT, ns_report_columns(style));
    for (const char *line = lines.data; line != NULL && *line != '\0';) {
        if (line != lines.data) {
            line += HEADER_INDENT;
            ns_buffer_text(out, "\n");
            ns_buffer_repeat(out, ' ', HEADER_INDENT);
            column = HEADER_INDENT;
        }
        const size_t length = strcspn(line, "\n");
        ns_paint_begin(out, style, NS_PAINT_STRONG);
        ns_buffer_add(out, line, length);
        ns_paint_end(out, style);
        column += length;
        line += length + (line[length] == '\n');
    }
    ns_buffer_release_piece(&lines, out);
    return column;
}

static void write_header(const struct ns_log *log, size_t index, const struct ns_report_style *style,
                         struct ns_buffer *out) {
    const struct ns_hazard *hazard = &log->hazard[index];
    const struct ns_hazard_entry *text = ns_hazard_text(hazard->id);
    bool expected = ns_report_is_expected(log, index);
    ns_paint_begin(out, style, expected ? NS_PAINT_EXPECTED : NS_PAINT_ERROR);
    ns_buffer_format(out, "hazard[%s]", text != NULL ? text->id : "unknown");
    ns_paint_end(out, style);
    ns_buffer_format(out, "%s: ", expected ? " (expected)" : "");
    struct ns_buffer headline = {0}, repeats = {0};
    ns_label_headline(log, hazard, &headline);
    if (hazard->repeats > 0) {
        ns_buffer_format(&repeats, "(and %" PRIu32 " more time%s)", hazard->repeats, hazard->repeats == 1 ? "" : "s");
    }
    const size_t before =
        strlen("hazard[]: ") + strlen(text != NULL ? text->id : "unknown") + (expected ? strlen(" (expected)") : 0);
    const size_t column = wrap_strong(headline.data != NULL ? headline.data : "", before, style, out);
    if (repeats.data != NULL) {
        if (column + 1 + repeats.length <= ns_report_columns(style)) {
            ns_buffer_text(out, " ");
        } else {
            ns_buffer_text(out, "\n");
            ns_buffer_repeat(out, ' ', HEADER_INDENT);
        }
        ns_buffer_text(out, repeats.data);
    }
    ns_buffer_text(out, "\n");
    ns_buffer_release_piece(&headline, out);
    ns_buffer_release_piece(&repeats, out);
}

/* A run by a schedule cannot be repeated without it, however long it is. */
static void write_replay(const struct ns_log *log, const struct ns_hazard *hazard, struct ns_buffer *out) {
    size_t length = ns_report_schedule_length(log, hazard);
    if (log->again != NULL) {
        ns_buffer_text(out, log->again);
        return;
    }
    ns_buffer_text(out, "nosnoop run ");
    ns_format_shell(out, log->file);
    if (log->seed != 0) {
        ns_buffer_format(out, " %s %" PRIu64, log->chaos ? "--chaos" : "--seed", log->seed);
    } else if (log->chaos) {
        ns_buffer_text(out, " --chaos 0");
    }
    /* What the hardware did by itself follows from the chaos seed, not from the order of the steps; and in free order
     * steps overlap, which their order does not tell. */
    if (log->chaos || log->order_free || (length == 0 && hazard->moves == 0) ||
        (length > SCHEDULE_LIMIT && !log->scheduled)) {
        ns_buffer_text(out, log->order_free ? " --order free" : "");
        return;
    }
    ns_buffer_text(out, " --schedule ");
    bool first = true;
    size_t move = 0;
    for (size_t i = 0; i <= length; ++i) {
        for (; move < hazard->moves && move < log->move_count && log->move[move].before <= i; ++move) {
            ns_buffer_format(out, "%s%s", first ? "" : ",", log->move[move].text);
            first = false;
        }
        const struct ns_site *site = i < length ? ns_site_at(log, log->executed[i]) : NULL;
        if (site != NULL) {
            ns_buffer_format(out, "%s%" PRIu32 "%s", first ? "" : ",", site->line, ns_log_stop_text(log, i));
            first = false;
        }
    }
}

/* The first access of the step at `site`, to name who met the damage. */
static const struct ns_event *find_access(const struct ns_log *log, uint32_t site) {
    for (size_t i = 1; i < log->event_count; ++i) {
        const struct ns_event *event = &log->event[i];
        if (event->site == site && (event->kind == NS_EVENT_LOAD || event->kind == NS_EVENT_DMA_READ)) {
            return event;
        }
    }
    return NULL;
}

static void write_consequences(const struct ns_log *log, const struct ns_hazard *hazard,
                               const struct ns_report_style *style, size_t gutter, struct ns_buffer *out) {
    uint32_t known = (uint32_t)(sizeof hazard->consequence_site / sizeof hazard->consequence_site[0]);
    known = hazard->consequence_count < known ? hazard->consequence_count : known;
    for (uint32_t i = 0; i < known; ++i) {
        const struct ns_site *site = ns_site_at(log, hazard->consequence_site[i]);
        const struct ns_event *access = find_access(log, hazard->consequence_site[i]);
        if (site == NULL) {
            continue;
        }
        struct ns_buffer text = {0};
        ns_buffer_format(&text, "%s reads the damaged bytes at line %" PRIu32,
                         access != NULL ? ns_actor_name(log, access->actor) : "a later access", site->line);
        if (i + 1 == known && hazard->consequence_count > known) {
            ns_buffer_format(&text, " (and %" PRIu32 " more)", hazard->consequence_count - known);
        }
        ns_snippet_remark(style, gutter, "seen", text.data != NULL ? text.data : "", out);
        ns_buffer_release_piece(&text, out);
    }
}

static void write_remarks(const struct ns_log *log, const struct ns_hazard *hazard, const struct ns_report_style *style,
                          size_t gutter, struct ns_buffer *out) {
    const struct ns_hazard_entry *text = ns_hazard_text(hazard->id);
    if (hazard->latent) {
        ns_snippet_remark(style, gutter, "note", "latent: the wrong bytes happened to have the right values this time",
                          out);
    }
    write_consequences(log, hazard, style, gutter, out);
    if (style->verbose && hazard->last >= hazard->first && hazard->symptom != NS_SYMPTOM_HANG) {
        struct ns_buffer bytes = {0};
        char first[NS_ADDRESS_TEXT], last[NS_ADDRESS_TEXT], time[NS_TIME_TEXT];
        const struct ns_event *event = ns_event_at(log, hazard->event);
        ns_buffer_format(&bytes, "%s..%s, event %" PRIu32 " at %s", ns_format_address(hazard->first, first),
                         ns_format_address(hazard->last, last), hazard->event,
                         ns_format_time(event != NULL ? event->time_ps : 0, time));
        ns_snippet_remark(style, gutter, "bytes", bytes.data != NULL ? bytes.data : "", out);
        ns_buffer_release_piece(&bytes, out);
    }
    if (text != NULL) {
        ns_snippet_remark(style, gutter, "help", text->help, out);
        size_t column = gutter + strlen(" = help: ");
        ns_buffer_repeat(out, ' ', column);
        ns_buffer_text(out, "Linux: ");
        ns_buffer_wrap(out, text->linux_name, column + strlen("Linux: "), column + strlen("Linux: "),
                       ns_report_columns(style));
    }
    /* One line whatever its length: it is there to be copied. */
    ns_buffer_repeat(out, ' ', gutter);
    ns_buffer_text(out, " = ");
    ns_paint_begin(out, style, NS_PAINT_STRONG);
    ns_buffer_text(out, "replay:");
    ns_paint_end(out, style);
    ns_buffer_text(out, " ");
    write_replay(log, hazard, out);
    ns_buffer_text(out, "\n");
    if (text != NULL) {
        struct ns_buffer more = {0};
        ns_buffer_format(&more, "nosnoop explain %s", text->id);
        ns_snippet_remark(style, gutter, "more", more.data != NULL ? more.data : "", out);
        ns_buffer_release_piece(&more, out);
    }
}

/* A note about something that no step did (set-up, or a call without a source line). */
static void write_note_without_line(const struct ns_report_style *style, unsigned number, const struct ns_buffer *label,
                                    size_t gutter, struct ns_buffer *out) {
    struct ns_buffer text = {0};
    ns_buffer_format(&text, "(%u) %s", number, label->data != NULL ? label->data : "");
    ns_snippet_remark(style, gutter, "note", text.data != NULL ? text.data : "", out);
    ns_buffer_release_piece(&text, out);
}

const struct ns_site *ns_report_place(const struct ns_log *log, const struct ns_hazard *hazard) {
    const struct ns_site *place = ns_site_at(log, hazard->site);
    for (unsigned i = hazard->note_count < NS_HAZARD_NOTES ? hazard->note_count : NS_HAZARD_NOTES;
         i > 0 && place == NULL; i--) {
        const struct ns_event *event = ns_event_at(log, hazard->note[i - 1].event);
        place = event != NULL ? ns_site_at(log, event->site) : NULL;
    }
    return place;
}

void ns_report_hazard_text(const struct ns_log *log, size_t index, const struct ns_report_style *style,
                           struct ns_buffer *out) {
    assert(index < log->hazard_count);
    const struct ns_hazard *hazard = &log->hazard[index];
    struct ns_snippet_mark marks[NS_HAZARD_NOTES + 1] = {0};
    struct ns_buffer loose[NS_HAZARD_NOTES + 1] = {0}; /* labels without a line, by number - 1 */
    size_t mark_count = 0;
    unsigned notes = hazard->note_count < NS_HAZARD_NOTES ? hazard->note_count : NS_HAZARD_NOTES;
    struct ns_snippet_mark place = {.line = 0};

    for (unsigned i = 0; i <= notes; ++i) {
        const struct ns_event *event = i < notes ? ns_event_at(log, hazard->note[i].event) : NULL;
        const struct ns_site *site = i == notes      ? ns_site_at(log, hazard->site)
                                     : event != NULL ? ns_site_at(log, event->site)
                                                     : NULL;
        struct ns_buffer *label = site != NULL ? &marks[mark_count].label : &loose[i];
        if (i < notes) {
            ns_label_note(log, hazard, &hazard->note[i], ns_report_when(log, event), label);
        } else {
            ns_label_site(log, hazard, label);
        }
        if (site != NULL) {
            struct ns_snippet_mark *mark = &marks[mark_count++];
            mark->line = site->line;
            mark->column = site->column;
            mark->width = site->width;
            mark->number = i + 1;
            mark->primary = i == notes;
            place = *mark;
        }
    }

    write_header(log, index, style, out);
    size_t gutter = ns_snippet_gutter(marks, mark_count);
    if (mark_count > 0) {
        ns_snippet_write(log, style, marks, mark_count, &place, out);
        ns_buffer_repeat(out, ' ', gutter);
        ns_buffer_text(out, " |\n");
    } else {
        ns_buffer_repeat(out, ' ', gutter);
        ns_buffer_text(out, "--> ");
        ns_format_source(out, log->file, strlen(log->file));
        ns_buffer_text(out, "\n");
    }
    for (unsigned i = 0; i <= notes; ++i) {
        if (loose[i].length > 0) {
            write_note_without_line(style, i + 1, &loose[i], gutter, out);
        }
        ns_buffer_release_piece(&loose[i], out);
    }
    write_remarks(log, hazard, style, gutter, out);
    for (size_t i = 0; i < mark_count; ++i) {
        ns_buffer_release_piece(&marks[i].label, out);
    }
}
