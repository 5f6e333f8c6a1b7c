/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Views of one run: text for people, JSON for programs. Both read the event log only, and the same log gives the same
 * bytes: no absolute paths beyond those the user typed, no times of day.
 */
#ifndef NS_REPORT_REPORT_H
#define NS_REPORT_REPORT_H

#include "model/log.h"
#include "report/buffer.h"
#include "report/snippet.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Version of the JSON documents; goes up when a key changes its meaning, not when one is added. */
#define NS_REPORT_JSON_SCHEMA  "nosnoop-report"
#define NS_REPORT_JSON_VERSION 1

/* "pass", "fail" or "incomplete". */
const char *ns_report_verdict(const struct ns_log *log);
/* Whether an expectation of the program covers hazard number `index`. */
bool ns_report_is_expected(const struct ns_log *log, size_t index);
/* The schedule that led to a hazard: how many entries of log->executed. */
size_t ns_report_schedule_length(const struct ns_log *log, const struct ns_hazard *hazard);

/* When an event was, seen from the program: "here" at a step, "before the first step", or "by the hardware itself"
 * between steps. */
const char *ns_report_when(const struct ns_log *log, const struct ns_event *event);
/* The step that a report of the hazard points at: its own, or where the hardware did it, which has none, the last one
 * that the report speaks of. NULL: none. */
const struct ns_site *ns_report_place(const struct ns_log *log, const struct ns_hazard *hazard);

/* Hazards (unexpected ones first), expectations that failed, and the summary line. */
void ns_report_run_text(const struct ns_log *log, const struct ns_report_style *style, struct ns_buffer *out);
/* One hazard, as a part of that. */
void ns_report_hazard_text(const struct ns_log *log, size_t index, const struct ns_report_style *style,
                           struct ns_buffer *out);
/* Every step in which the kernel's code said something, and what it said, in order; nothing when it never did. */
void ns_report_decisions_text(const struct ns_log *log, const struct ns_report_style *style, struct ns_buffer *out);
/* Kernel warnings and checks that fired. */
void ns_report_warnings_text(const struct ns_log *log, const struct ns_report_style *style, struct ns_buffer *out);
/* The document that docs/nosnoop-report.schema.json calls "run", with a newline at its end. */
void ns_report_run_json(const struct ns_log *log, struct ns_buffer *out);

#ifdef __cplusplus
}
#endif
#endif
