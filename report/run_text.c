/* SPDX-License-Identifier: Apache-2.0 */
#include "report/format.h"
#include "report/report.h"
#include "report/snippet.h"
#include "report/stats.h"

#include <inttypes.h>
#include <string.h>

const char *ns_report_verdict(const struct ns_log *log) {
    return ns_log_passed(log) ? "pass" : ns_log_incomplete(log) ? "incomplete" : "fail";
}

struct tally {
    size_t unexpected, expected, missing, missing_checks, held, failed, not_judged, incomplete;
};

static struct tally count_outcomes(const struct ns_log *log) {
    struct tally tally = {0};
    for (size_t i = 0; i < log->outcome_count; ++i) {
        switch (log->outcome[i].kind) {
        case NS_OUTCOME_EXPECTED:
        case NS_OUTCOME_UNEXPECTED:
            break;
        case NS_OUTCOME_MISSING:
            ++*(log->outcome[i].check != 0 ? &tally.missing_checks : &tally.missing);
            break;
        case NS_OUTCOME_FINAL_HELD:
            ++tally.held;
            break;
        case NS_OUTCOME_FINAL_FAILED:
            ++tally.failed;
            break;
        case NS_OUTCOME_NOT_JUDGED:
            ++tally.not_judged;
            break;
        case NS_OUTCOME_INCOMPLETE:
            ++tally.incomplete;
            break;
        }
    }
    for (size_t i = 0; i < log->hazard_count; ++i) {
        ++*(ns_report_is_expected(log, i) ? &tally.expected : &tally.unexpected);
    }
    return tally;
}

static void add_bounded(struct ns_buffer *out, const char *text, size_t size) {
    ns_format_source(out, text, strnlen(text, size));
}

/* An expectation that failed: a headline and, where it has a line, that line with a caret. */
static void write_failure(const struct ns_log *log, const struct ns_outcome *outcome,
                          const struct ns_report_style *style, struct ns_buffer *out) {
    struct ns_snippet_mark mark = {
        .line = outcome->line, .column = outcome->column, .width = outcome->width, .primary = true};
    const struct ns_hazard_entry *text = ns_hazard_text(outcome->id);
    ns_paint_begin(out, style, NS_PAINT_ERROR);
    if (outcome->kind == NS_OUTCOME_MISSING && outcome->check != 0) {
        ns_buffer_format(out, "missing[dma-debug %u]", outcome->check);
        ns_paint_end(out, style);
        ns_buffer_text(out, ": the expected check of the kernel did not fire\n");
        ns_buffer_text(&mark.label, "expected here");
    } else if (outcome->kind == NS_OUTCOME_MISSING) {
        ns_buffer_format(out, "missing[%s]", text != NULL ? text->id : "unknown");
        ns_paint_end(out, style);
        ns_buffer_text(out, ": the expected hazard did not occur\n");
        ns_buffer_text(&mark.label, "expected here");
    } else if (outcome->kind == NS_OUTCOME_FINAL_FAILED) {
        ns_buffer_text(out, "final");
        ns_paint_end(out, style);
        ns_buffer_text(out, ": does not hold: ");
        add_bounded(out, outcome->text, sizeof outcome->text);
        ns_buffer_text(out, "\n");
    } else {
        ns_buffer_text(out, "incomplete");
        ns_paint_end(out, style);
        ns_buffer_text(out, ": ");
        add_bounded(out, outcome->text[0] != '\0' ? outcome->text : "the run stopped early", sizeof outcome->text);
        ns_buffer_text(out, "\n");
    }
    if (outcome->actual[0] != '\0') {
        ns_buffer_text(&mark.label, mark.label.length > 0 ? ": " : "found ");
        add_bounded(&mark.label, outcome->actual, sizeof outcome->actual);
    }
    if (outcome->line > 0) {
        ns_snippet_write(log, style, &mark, 1, &mark, out);
    } else if (mark.label.length > 0) {
        ns_snippet_remark(style, 1, "note", mark.label.data, out);
    }
    ns_buffer_release(&mark.label);
    ns_buffer_text(out, "\n");
}

static void add_part(struct ns_buffer *out, const char **separator, size_t count, const char *one, const char *many) {
    if (count > 0) {
        ns_buffer_text(out, *separator);
        ns_format_count(out, count, one, many);
        *separator = "; ";
    }
}

static void write_summary(const struct ns_log *log, const struct tally *tally, const struct ns_report_style *style,
                          struct ns_buffer *out) {
    const char *verdict = ns_report_verdict(log);
    const char *separator = ": ";
    char time[NS_TIME_TEXT];
    struct ns_buffer name = {0}, parts = {0};
    ns_format_source(&name, log->scenario, strlen(log->scenario));
    ns_buffer_add(out, name.data, name.length);
    ns_buffer_text(out, ": ");
    ns_paint_begin(out, style, strcmp(verdict, "pass") == 0 ? NS_PAINT_GOOD : NS_PAINT_ERROR);
    ns_buffer_text(out, verdict);
    ns_paint_end(out, style);
    if (tally->expected + tally->unexpected + tally->missing + tally->missing_checks == 0) {
        ns_buffer_text(&parts, ": no hazard");
        separator = "; ";
    }
    add_part(&parts, &separator, tally->unexpected, "unexpected hazard", "unexpected hazards");
    add_part(&parts, &separator, tally->missing, "expected hazard did not occur", "expected hazards did not occur");
    add_part(&parts, &separator, tally->missing_checks, "expected check did not fire", "expected checks did not fire");
    add_part(&parts, &separator, tally->expected, "hazard, as expected", "hazards, as expected");
    add_part(&parts, &separator, tally->failed, "final does not hold", "finals do not hold");
    add_part(&parts, &separator, tally->held, "final holds", "finals hold");
    if (tally->incomplete > 0) {
        ns_buffer_format(&parts, "%sstopped early", separator);
    }
    ns_buffer_format(&parts, "; %s simulated", ns_format_time(log->end_ps, time));
    ns_buffer_wrap_clauses(out, parts.data != NULL ? parts.data : "", name.length + strlen(": ") + strlen(verdict),
                           ns_report_columns(style));
    ns_buffer_release_piece(&name, out);
    ns_buffer_release_piece(&parts, out);
}

void ns_report_run_text(const struct ns_log *log, const struct ns_report_style *style, struct ns_buffer *out) {
    struct tally tally = count_outcomes(log);
    if (style->explain_alloc) {
        ns_report_decisions_text(log, style, out);
    }
    for (int expected = 0; expected <= 1 && !style->quiet; ++expected) {
        for (size_t i = 0; i < log->hazard_count; ++i) {
            if (ns_report_is_expected(log, i) == (expected == 1)) {
                ns_report_hazard_text(log, i, style, out);
                ns_buffer_text(out, "\n");
            }
        }
    }
    for (size_t i = 0; i < log->outcome_count && !style->quiet; ++i) {
        const struct ns_outcome *outcome = &log->outcome[i];
        if (outcome->kind == NS_OUTCOME_MISSING || outcome->kind == NS_OUTCOME_FINAL_FAILED ||
            outcome->kind == NS_OUTCOME_INCOMPLETE) {
            write_failure(log, outcome, style, out);
        }
    }
    if (!style->quiet && !style->explain_alloc) {
        ns_report_warnings_text(log, style, out);
    }
    if (log->truncated && !style->quiet) {
        ns_buffer_text(out, "note: the event log is full; what happened later is missing here\n\n");
    }
    if (style->verbose && tally.not_judged > 0) {
        ns_buffer_text(out, "note: ");
        ns_format_count(out, tally.not_judged, "judgement is not for a run and was not judged\n",
                        "judgements are not for a run and were not judged\n");
    }
    write_summary(log, &tally, style, out);
    if (style->stats) {
        ns_report_stats_text(log, out);
    }
}
