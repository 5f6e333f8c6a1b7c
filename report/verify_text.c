/* SPDX-License-Identifier: Apache-2.0 */
#include "report/format.h"
#include "report/report.h"
#include "report/verify_report.h"

#include <inttypes.h>
#include <string.h>

const char *ns_report_may_word(uint32_t may, unsigned index) {
    static const struct {
        uint32_t bit;
        const char *word;
    } words[] = {{NS_MAY_SPECULATIVE_FILL, "speculative-fill"},
                 {NS_MAY_EVICT, "evict"},
                 {NS_MAY_DRAIN, "drain"},
                 {NS_MAY_LATE_MAINTENANCE, "late-maintenance"},
                 {NS_MAY_INVALIDATE_AS_FLUSH, "invalidate-as-flush"},
                 {NS_MAY_IRQ_BEFORE_DATA, "irq-before-data"},
                 {NS_MAY_SPECULATIVE_STORE, "speculative-store"}};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if ((may & words[i].bit) != 0 && index-- == 0)
            return words[i].word;
    return NULL;
}

static void write_schedule_line(const struct ns_scenario *scenario, const char *schedule, struct ns_buffer *out) {
    ns_buffer_text(out, "nosnoop run ");
    ns_format_shell(out, scenario->file);
    ns_buffer_format(out, " --schedule %s", schedule);
}

static void write_hazard(const struct ns_scenario *scenario, const struct ns_verify_hazard *hazard,
                         const struct ns_report_style *style, struct ns_buffer *out) {
    ns_report_hazard_text(hazard->log, hazard->index, style, out);
    ns_buffer_format(out, "\n  the shortest way there, %" PRIu32 " steps and moves:\n", hazard->length);
    ns_report_lanes_text(scenario, hazard, style, out);
    ns_buffer_text(out, "\n");
}

/* A log to take source lines from: any will do. */
static void write_missing(const struct ns_scenario *scenario, const struct ns_verify_missing *missing,
                          const struct ns_report_style *style, struct ns_buffer *out) {
    const struct ns_log source = {.file = scenario->file, .lines = scenario->lines, .line_count = scenario->line_count};
    const struct ns_hazard_entry *text = ns_hazard_text(missing->id);
    struct ns_snippet_mark mark = {
        .line = missing->line, .column = missing->column, .width = missing->width, .primary = true};
    ns_paint_begin(out, style, NS_PAINT_ERROR);
    ns_buffer_format(out, "missing[%s]", text != NULL ? text->id : "unknown");
    ns_paint_end(out, style);
    ns_buffer_text(out, ": no behaviour shows the expected hazard\n");
    ns_buffer_text(&mark.label, "expected here");
    ns_snippet_write(&source, style, &mark, 1, &mark, out);
    ns_buffer_release(&mark.label);
    ns_buffer_text(out, "\n");
}

static const char *mode_text(enum ns_mode mode) {
    return mode == NS_VERIFY_ALWAYS ? "always" : mode == NS_VERIFY_SOMETIMES ? "sometimes" : "never";
}

static const struct ns_judgement *judgement_at(const struct ns_scenario *scenario, uint32_t line) {
    for (size_t i = 0; i < scenario->judgement_count; i++)
        if (scenario->judgements[i].line == line)
            return &scenario->judgements[i];
    return NULL;
}

static void write_observation(const struct ns_scenario *scenario, const struct ns_verify_observation *observation,
                              const struct ns_report_style *style, struct ns_buffer *out) {
    const struct ns_judgement *judgement = observation->line != 0 ? judgement_at(scenario, observation->line) : NULL;
    if (judgement == NULL) {
        ns_buffer_format(out, "  %-10s", ns_verify_quantifier_text(observation->found));
        ns_format_source(out, observation->text, strnlen(observation->text, sizeof observation->text));
        ns_buffer_text(out, "\n");
        return;
    }
    const bool bad = observation->judged && !observation->held;
    ns_buffer_text(out, "  ");
    ns_paint_begin(out, style, bad ? NS_PAINT_ERROR : observation->judged ? NS_PAINT_GOOD : NS_PAINT_NOTE);
    ns_buffer_text(out, bad ? "fails" : observation->judged ? "holds" : "open ");
    ns_paint_end(out, style);
    ns_buffer_format(out, "  line %" PRIu32 ": %s ", observation->line, mode_text(judgement->mode));
    ns_format_source(out, observation->text, strnlen(observation->text, sizeof observation->text));
    if (observation->judged)
        ns_buffer_format(out, " (found: %s)", ns_verify_quantifier_text(observation->found));
    ns_buffer_text(out, "\n");
    if (!observation->judged)
        ns_buffer_text(out, "         not decided: the bytes lie in lines that would have to be searched together,\n"
                            "         come from elsewhere, or the search did not come to its end\n");
    if ((bad || style->verbose) && observation->schedule_text != NULL) {
        ns_buffer_text(out, "         ");
        write_schedule_line(scenario, observation->schedule_text, out);
        ns_buffer_text(out, "\n");
    }
}

static void write_freedom(const struct ns_verify_result *result, struct ns_buffer *out) {
    struct ns_buffer words = {0};
    for (unsigned i = 0; ns_report_may_word(result->may, i) != NULL; i++)
        ns_buffer_format(&words, "%s%s", i > 0 ? ", " : "", ns_report_may_word(result->may, i));
    ns_buffer_text(out, "the hardware may: ");
    ns_buffer_wrap(out, words.length > 0 ? words.data : "nothing by itself", 18, 18, NS_REPORT_COLUMNS);
    ns_buffer_release(&words);
    if (result->order_assumed)
        ns_buffer_wrap(out,
                       "note: some device says neither when it starts nor when it ends; for it the written order was "
                       "taken (add doorbell, start, raise, wait or poll to have the order searched)",
                       0, 6, NS_REPORT_COLUMNS);
    const struct ns_verify_stats *stats = &result->stats;
    ns_buffer_text(out, "explored: ");
    ns_format_count(out, stats->data_lines, "data line", "data lines");
    ns_buffer_format(out, " in %zu class%s, ", stats->line_classes, stats->line_classes == 1 ? "" : "es");
    ns_format_count(out, stats->control_lines, "control line", "control lines");
    ns_buffer_format(out, "; %" PRIu64 " states, %" PRIu64 " transitions\n", stats->states, stats->transitions);
    if (stats->orders > 1)
        ns_buffer_format(out, "          %zu orders of competing allocations\n", stats->orders);
}

static void write_summary(const struct ns_scenario *scenario, const struct ns_verify_result *result,
                          const struct ns_report_style *style, struct ns_buffer *out) {
    size_t expected = 0, failed = 0, held = 0;
    for (size_t i = 0; i < result->hazard_count; i++)
        expected += result->hazards[i].expected;
    for (size_t i = 0; i < result->observation_count; i++) {
        held += result->observations[i].line != 0 && result->observations[i].held;
        failed += result->observations[i].judged && !result->observations[i].held;
    }
    ns_format_source(out, scenario->name, strlen(scenario->name));
    ns_buffer_text(out, ": ");
    ns_paint_begin(out, style,
                   result->verdict == NS_VERIFY_PROVED || result->as_expected ? NS_PAINT_GOOD : NS_PAINT_ERROR);
    ns_buffer_text(out, ns_verify_verdict_text(result->verdict));
    ns_paint_end(out, style);
    if (result->verdict == NS_VERIFY_INCOMPLETE)
        ns_buffer_format(out, ": %s", result->reason);
    else if (result->verdict == NS_VERIFY_PROVED)
        ns_buffer_text(out, ": no behaviour shows a hazard");
    else {
        ns_buffer_text(out, ": ");
        ns_format_count(out, result->hazard_count, "hazard", "hazards");
        if (expected > 0)
            ns_buffer_format(out, ", %zu of them expected", expected);
    }
    if (result->missing_count > 0) {
        ns_buffer_text(out, "; ");
        ns_format_count(out, result->missing_count, "expected hazard cannot occur", "expected hazards cannot occur");
    }
    if (failed > 0) {
        ns_buffer_text(out, "; ");
        ns_format_count(out, failed, "judgement fails", "judgements fail");
    }
    if (held > 0) {
        ns_buffer_text(out, "; ");
        ns_format_count(out, held, "judgement holds", "judgements hold");
    }
    ns_buffer_text(out, result->verdict == NS_VERIFY_REFUTED && result->as_expected ? "; as expected\n" : "\n");
}

void ns_report_verify_text(const struct ns_scenario *scenario, const struct ns_verify_result *result,
                           const struct ns_report_style *style, struct ns_buffer *out) {
    for (size_t i = 0; i < result->hazard_count && !style->quiet; i++)
        write_hazard(scenario, &result->hazards[i], style, out);
    for (size_t i = 0; i < result->missing_count && !style->quiet; i++)
        write_missing(scenario, &result->missing[i], style, out);
    if (result->unnamed > 0 && !style->quiet)
        ns_buffer_format(out, "note: %zu longer ways to a hazard were found and are not shown\n", result->unnamed);
    if (result->unreplayed > 0 && !style->quiet)
        ns_buffer_wrap(out,
                       "note: the timed machine did not show the hazard of some counterexample; the verdict stands on "
                       "the search, and this is a defect of nosnoop: please report it",
                       0, 6, NS_REPORT_COLUMNS);
    if (result->observation_count > 0 && !style->quiet) {
        ns_buffer_text(out, result->observations[0].line != 0 ? "at the end of all behaviours:\n"
                                                              : "registers at the end of all behaviours:\n");
        for (size_t i = 0; i < result->observation_count; i++)
            write_observation(scenario, &result->observations[i], style, out);
    }
    if (!style->quiet)
        write_freedom(result, out);
    write_summary(scenario, result, style, out);
}
