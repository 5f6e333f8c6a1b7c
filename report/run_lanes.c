/* SPDX-License-Identifier: Apache-2.0 */
/* A run step by step: in lanes for a terminal, and as a trace with a line for each step. */
#include "report/format.h"
#include "report/verify_lanes.h"
#include "report/verify_report.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { TRACE_LANE = 16, TRACE_LEAST_STEP = 48 };

/* Where the objects of the scenario lie: the log begins with what they hold. Page tables lie elsewhere, so that page
 * walks are no changes. Everything when there is no object. */
static void find_objects(const struct ns_log *log, struct ns_hazard *about) {
    about->first = UINT64_MAX;
    for (size_t i = 1; i < log->event_count; ++i) {
        const struct ns_event *event = &log->event[i];
        const bool object =
            event->kind == NS_EVENT_INITIAL || event->kind == NS_EVENT_ALLOC || event->kind == NS_EVENT_ALLOC_COHERENT;
        if (!object || event->length == 0) {
            continue;
        }
        const uint64_t last = event->address + (event->length - 1);
        about->first = event->address < about->first ? event->address : about->first;
        about->last = last > about->last ? last : about->last;
    }
    if (about->first > about->last) {
        about->first = 0;
        about->last = UINT64_MAX;
    }
}

/* All of the run: `about` stands for the hazard that a counterexample has. */
static bool prepare(struct lanes *lanes, struct ns_hazard *about) {
    *about = (struct ns_hazard){.executed = lanes->log->executed_count, .moves = lanes->log->move_count};
    find_objects(lanes->log, about);
    lanes->hazard = about;
    lanes->whole_run = true;
    lanes->first = about->first;
    lanes->last = about->last;
    return lanes_prepare(lanes);
}

void ns_report_run_lanes(const struct ns_scenario *scenario, const struct ns_log *log,
                         const struct ns_report_style *style, struct ns_buffer *out) {
    struct ns_hazard about;
    struct lanes lanes = {.scenario = scenario, .log = log, .style = style, .out = out};
    if (prepare(&lanes, &about)) {
        ns_buffer_text(out, "\n");
        lanes_write_table(&lanes);
    }
    free(lanes.row);
}

/* When a row begins: at its first event, or when it has none at the newest one before it. */
static uint64_t begin_of(const struct ns_log *log, const struct lanes_row *row) {
    const size_t event = row->first < row->end ? row->first : row->first > 0 ? row->first - 1 : 0;
    return event < log->event_count ? log->event[event].time_ps : log->end_ps;
}

static void write_trace_row(const struct lanes *lanes, const struct lanes_row *row, struct ns_buffer *out) {
    struct ns_buffer text = {0};
    const size_t before = out->length;
    lanes_add_text(lanes, row, &text);
    ns_buffer_format(out, "%12" PRIu64 " ps  ", begin_of(lanes->log, row));
    if (row->line > 0) {
        ns_buffer_format(out, "%5" PRIu32 "  ", row->line);
    } else {
        ns_buffer_text(out, "    -  ");
    }
    ns_buffer_repeat(out, ' ', (size_t)lanes->lane[row->actor] * TRACE_LANE);
    ns_buffer_format(out, "%s: ", ns_actor_name(lanes->log, row->actor));
    ns_buffer_add(out, text.data != NULL ? text.data : "", text.length);
    const size_t step = out->length;
    const size_t used = step - before;
    ns_buffer_repeat(out, ' ', used < TRACE_LEAST_STEP ? TRACE_LEAST_STEP - used : 0);
    ns_buffer_text(out, " | ");
    const size_t bar = out->length;
    lanes_write_changes(lanes, row, 0);
    if (out->length == bar && !out->failed) {
        out->length = step; /* nothing changed */
        out->data[step] = '\0';
    }
    ns_buffer_text(out, "\n");
    out->failed |= text.failed;
    ns_buffer_release_piece(&text, out);
}

void ns_report_run_trace(const struct ns_scenario *scenario, const struct ns_log *log, struct ns_buffer *out) {
    const struct ns_report_style style = {.verbose = true};
    struct ns_hazard about;
    struct lanes lanes = {.scenario = scenario, .log = log, .style = &style, .out = out, .trace = true};
    if (prepare(&lanes, &about)) {
        lanes.named = false; /* each row says whose it is */
        for (size_t i = 0; i < lanes.row_count; ++i) {
            write_trace_row(&lanes, &lanes.row[i], out);
        }
    }
    free(lanes.row);
}
