/* SPDX-License-Identifier: Apache-2.0 */
/* Shared by the files that show in lanes what happened: verify_lanes.c lays out, verify_changes.c finds words,
 * run_lanes.c does it for a run. */
#ifndef NS_REPORT_VERIFY_LANES_H
#define NS_REPORT_VERIFY_LANES_H

#include "report/buffer.h"
#include "report/snippet.h"
#include "verify/verify.h"

#define NS_LANES_CHANGES 50 /* screen column of what changed */

struct lanes_row {
    uint32_t line; /* of the step; 0: a move, or a step that goes on after one */
    uint32_t site; /* NS_NO_SITE: a move */
    unsigned actor;
    const struct ns_log_move *move;
    size_t first, end; /* its events */
};

struct lanes {
    const struct ns_scenario *scenario;
    const struct ns_log *log;
    const struct ns_hazard *hazard;
    const struct ns_report_style *style;
    struct ns_buffer *out;
    struct lanes_row *row;
    size_t row_count;
    unsigned lane[NS_MAX_ACTORS]; /* of each actor that has a row */
    bool used[NS_MAX_ACTORS];
    unsigned count;
    size_t stagger;
    bool named; /* names do not fit over the lanes: they stand in the rows */
    bool many_harts;
    bool whole_run;       /* no hazard is marked; `hazard` only says how far to go and which bytes matter */
    bool trace;           /* a row is one line, however long, and a change says where */
    uint64_t first, last; /* bytes of the lines that the hazard is about */
};

/* A condition of the whole run (the prefetcher is off) stands among the moves of a schedule, and is none: no row, not
 * counted. */
bool lanes_is_condition(const struct ns_log_move *move);
/* Rows and lanes; false without host memory. `row` is for the caller to free. */
bool lanes_prepare(struct lanes *lanes);
/* Head and rows. */
void lanes_write_table(const struct lanes *lanes);
/* The step or move of a row in words, safe for a terminal. */
void lanes_add_text(const struct lanes *lanes, const struct lanes_row *row, struct ns_buffer *out);
/* What the events of a row changed, from screen column `column` of the present line on, without a newline. */
void lanes_write_changes(const struct lanes *lanes, const struct lanes_row *row, size_t column);

#endif
