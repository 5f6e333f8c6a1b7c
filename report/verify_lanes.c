/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A counterexample as it went: a row for each step and each move of the hardware, in a lane for each actor, and at the
 * right what became of the bytes. All of it comes from the log of the run that replayed the schedule.
 *
 * Only one lane has text in a row, so that it may run on over the lanes at its right: lanes are staggered, not boxes.
 */
#include "report/verify_lanes.h"
#include "report/format.h"
#include "report/verify_report.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    ROWS = 20,   /* shown without -v: the last ones, because the hazard is at the end */
    GUTTER = 8,  /* mark and line number */
    WIDEST = 14, /* from one lane to the next, at most */
    NARROW = 2,  /* when each row says whose it is */
    CHANGES = NS_LANES_CHANGES,
    LAST_LANE = 22, /* room for "fill cpu0 0x8000_0000" */
};

/* ---- rows ------------------------------------------------------------------------------------ */

static unsigned hardware(const struct lanes *lanes) {
    return lanes->log->actor_count > 0 ? lanes->log->actor_count - 1 : 0;
}

static unsigned actor_of(const struct lanes *lanes, uint32_t site) {
    if (site >= lanes->scenario->written_count)
        return hardware(lanes);
    const struct ns_step *step = &lanes->scenario->written[site];
    return step->actor_kind == NS_ACTOR_HART     ? step->actor
           : step->actor_kind == NS_ACTOR_DEVICE ? lanes->scenario->machine.cache.harts + step->actor
                                                 : hardware(lanes);
}

bool lanes_is_condition(const struct ns_log_move *move) {
    return strcmp(move->text, "no-prefetcher") == 0 || strcmp(move->text, "no-timers") == 0;
}

static void add_move(struct lanes *lanes, const struct ns_log_move *move) {
    if (lanes_is_condition(move))
        return;
    lanes->row[lanes->row_count++] =
        (struct lanes_row){.site = NS_NO_SITE, .actor = hardware(lanes), .move = move, .first = move->event};
}

static void add_step(struct lanes *lanes, size_t executed, size_t first, bool begins) {
    const uint32_t site = lanes->log->executed[executed];
    const struct ns_site *place = ns_site_at(lanes->log, site);
    lanes->row[lanes->row_count++] = (struct lanes_row){.line = begins && place != NULL ? place->line : 0,
                                                        .site = site,
                                                        .actor = actor_of(lanes, site),
                                                        .first = first};
}

/* The steps and moves that led to the hazard, in the order of time. */
static bool find_rows(struct lanes *lanes) {
    const struct ns_log *log = lanes->log;
    size_t steps = lanes->hazard->executed, move = 0;
    size_t moves = lanes->hazard->moves < log->move_count ? lanes->hazard->moves : log->move_count;
    steps = steps < log->executed_count ? steps : log->executed_count;
    steps = steps < log->begun_count ? steps : log->begun_count;
    lanes->row = calloc(steps + 2 * moves + 1, sizeof *lanes->row);
    if (lanes->row == NULL)
        return false;
    for (size_t i = 0; i < steps; i++) {
        const size_t end = i + 1 < log->begun_count ? log->begun[i + 1] : log->event_count;
        for (; move < moves && log->move[move].before <= i && log->move[move].event <= log->begun[i]; move++)
            add_move(lanes, &log->move[move]);
        add_step(lanes, i, log->begun[i], !ns_log_goes_on(log, i));
        for (; move < moves && log->move[move].before <= i; move++) {
            add_move(lanes, &log->move[move]);
            const bool last = move + 1 == moves || log->move[move + 1].before > i;
            const size_t until = last ? end : log->move[move + 1].event;
            for (size_t e = log->move[move].event; e < until && e < log->event_count; e++)
                if (log->event[e].site == log->executed[i]) {
                    add_step(lanes, i, e, false); /* it has done more after the move */
                    break;
                }
        }
    }
    for (; move < moves; move++)
        add_move(lanes, &log->move[move]);
    for (size_t i = 0; i < lanes->row_count; i++) {
        const size_t end = i + 1 < lanes->row_count   ? lanes->row[i + 1].first
                           : steps < log->begun_count ? log->begun[steps]
                                                      : log->event_count;
        lanes->row[i].end = end < log->event_count ? end : log->event_count;
    }
    return true;
}

static void find_lanes(struct lanes *lanes) {
    for (size_t i = 0; i < lanes->row_count; i++)
        lanes->used[lanes->row[i].actor] = true;
    for (unsigned actor = 0; actor < lanes->log->actor_count; actor++) {
        if (lanes->used[actor])
            lanes->lane[actor] = lanes->count++;
        lanes->many_harts |= actor > 0 && lanes->log->actor[actor].actor_class == NS_ACTOR_CLASS_HART;
    }
    const size_t room = CHANGES - GUTTER - LAST_LANE;
    lanes->stagger = lanes->count > 1 ? room / (lanes->count - 1) : 0;
    lanes->stagger = lanes->stagger > WIDEST ? WIDEST : lanes->stagger;
    for (unsigned actor = 0; actor < lanes->log->actor_count; actor++)
        lanes->named |= lanes->used[actor] && lanes->lane[actor] + 1 < lanes->count &&
                        strlen(lanes->log->actor[actor].name) >= lanes->stagger;
    if (lanes->named && lanes->stagger > NARROW)
        lanes->stagger = NARROW;
}

/* All lines that hold a byte of the hazard; everything when it is about none. */
static void find_lines(struct lanes *lanes) {
    uint64_t line = 1;
    for (unsigned level = 0; level < lanes->log->levels && level < NS_CACHE_MAX_LEVELS; level++)
        line = lanes->log->line_size[level] > line ? lanes->log->line_size[level] : line;
    lanes->first = lanes->hazard->first / line * line;
    lanes->last = lanes->hazard->last / line * line + line - 1;
    if (lanes->hazard->symptom == NS_SYMPTOM_HANG || lanes->hazard->last < lanes->hazard->first ||
        lanes->hazard->last == 0) {
        lanes->first = 0;
        lanes->last = UINT64_MAX;
    }
}

/* ---- one row --------------------------------------------------------------------------------- */

void lanes_add_text(const struct lanes *lanes, const struct lanes_row *row, struct ns_buffer *out) {
    struct ns_buffer text = {0};
    if (lanes->named)
        ns_buffer_format(&text, "%s: ", ns_actor_name(lanes->log, row->actor));
    if (row->move != NULL)
        ns_format_move(&text, row->move->text, lanes->many_harts);
    else if (row->line == 0)
        ns_buffer_text(&text, "(goes on)");
    else
        ns_format_step(&text, lanes->log, row->site);
    ns_format_source(out, text.data != NULL ? text.data : "", text.length);
    ns_buffer_release_piece(&text, out);
}

static void write_row(const struct lanes *lanes, size_t index) {
    const struct lanes_row *row = &lanes->row[index];
    const size_t start = GUTTER + lanes->lane[row->actor] * lanes->stagger;
    const size_t room = CHANGES - 1 - start;
    /* There are rows until it was found. The report may blame an earlier one, whose write came late. */
    const bool hazard = index + 1 == lanes->row_count && !lanes->whole_run;
    struct ns_buffer clean = {0};
    lanes_add_text(lanes, row, &clean);
    if (hazard)
        ns_paint_begin(lanes->out, lanes->style, NS_PAINT_ERROR);
    ns_buffer_text(lanes->out, hazard ? "> " : "  ");
    if (row->line > 0)
        ns_buffer_format(lanes->out, "%4" PRIu32 "  ", row->line);
    else
        ns_buffer_repeat(lanes->out, ' ', 6);
    if (hazard)
        ns_paint_end(lanes->out, lanes->style);
    /* A line number of five digits moves its row by one column: the text gives it back. */
    const size_t gutter = row->line > 9999 ? GUTTER + 1 : GUTTER;
    ns_buffer_repeat(lanes->out, ' ', start > gutter ? start - gutter : 0);
    const size_t begin = start > gutter ? start : gutter;
    size_t shown = clean.length;
    if (shown > room - (begin - start)) {
        shown = room - (begin - start) - 2;
        while (shown > 0 && ((unsigned char)clean.data[shown] & 0xc0) == 0x80)
            shown--;
    }
    ns_buffer_add(lanes->out, clean.data != NULL ? clean.data : "", shown);
    ns_buffer_text(lanes->out, shown < clean.length ? ".." : "");
    lanes_write_changes(lanes, row, begin + shown + (shown < clean.length ? 2 : 0));
    ns_buffer_text(lanes->out, "\n");
    ns_buffer_release_piece(&clean, lanes->out);
}

static void write_heads(const struct lanes *lanes) {
    char address[NS_ADDRESS_TEXT];
    size_t column = 6;
    ns_buffer_text(lanes->out, "  line");
    for (unsigned actor = 0; actor < lanes->log->actor_count && !lanes->named; actor++) {
        const size_t start = GUTTER + lanes->lane[actor] * lanes->stagger;
        const char *name = lanes->log->actor[actor].name;
        const size_t most = CHANGES - 1 - start;
        if (!lanes->used[actor])
            continue;
        ns_buffer_repeat(lanes->out, ' ', start - column);
        ns_buffer_format(lanes->out, "%.*s", (int)most, name);
        column = start + (strlen(name) < most ? strlen(name) : most);
    }
    ns_buffer_repeat(lanes->out, ' ', CHANGES - column);
    if (lanes->last == UINT64_MAX || lanes->whole_run)
        ns_buffer_text(lanes->out, "what changes\n");
    else
        ns_buffer_format(lanes->out, "%schanges at %s\n", lanes->first >> 32 == 0 ? "what " : "",
                         ns_format_address(lanes->first, address));
}

void ns_report_lanes_text(const struct ns_scenario *scenario, const struct ns_verify_hazard *hazard,
                          const struct ns_report_style *style, struct ns_buffer *out) {
    struct lanes lanes = {.scenario = scenario,
                          .log = hazard->log,
                          .hazard = &hazard->log->hazard[hazard->index],
                          .style = style,
                          .out = out};
    if (lanes_prepare(&lanes)) {
        find_lines(&lanes);
        lanes_write_table(&lanes);
    }
    free(lanes.row);
}

bool lanes_prepare(struct lanes *lanes) {
    if (!find_rows(lanes)) {
        lanes->out->failed = true;
        return false;
    }
    find_lanes(lanes);
    return true;
}

void lanes_write_table(const struct lanes *lanes) {
    if (lanes->row_count > 0)
        write_heads(lanes);
    const size_t skipped = lanes->style->verbose || lanes->row_count <= ROWS ? 0 : lanes->row_count - ROWS;
    if (skipped > 0)
        ns_buffer_format(lanes->out, "        ... %zu earlier ones; -v shows them\n", skipped);
    for (size_t i = skipped; i < lanes->row_count; i++)
        write_row(lanes, i);
}
