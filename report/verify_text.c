/* SPDX-License-Identifier: Apache-2.0 */
#include "report/format.h"
#include "report/report.h"
#include "report/verify_lanes.h"
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

/* Its run was not shown again: there is a schedule, and no story. */
static void write_unreplayed(const struct ns_scenario *scenario, const struct ns_verify_hazard *hazard,
                             const struct ns_report_style *style, struct ns_buffer *out) {
    ns_paint_begin(out, style, NS_PAINT_ERROR);
    ns_buffer_text(out, "hazard");
    ns_paint_end(out, style);
    ns_buffer_text(out, ": found by the search; its replay did not come to an end\n   = replay: ");
    write_schedule_line(scenario, hazard->schedule_text, out);
    ns_buffer_text(out, "\n\n");
}

static void write_hazard(const struct ns_scenario *scenario, const struct ns_verify_hazard *hazard,
                         const struct ns_report_style *style, struct ns_buffer *out) {
    if (hazard->log == NULL) {
        write_unreplayed(scenario, hazard, style, out);
        return;
    }
    ns_report_hazard_text(hazard->log, hazard->index, style, out);
    const struct ns_hazard *found = &hazard->log->hazard[hazard->index];
    ns_buffer_text(out, "\n  the shortest way there: ");
    ns_format_count(out, found->executed, "step", "steps");
    size_t moves = 0;
    for (size_t i = 0; i < found->moves && i < hazard->log->move_count; i++)
        moves += !lanes_is_condition(&hazard->log->move[i]);
    if (moves > 0) {
        ns_buffer_text(out, " and ");
        ns_format_count(out, moves, "move of the hardware", "moves of the hardware");
    }
    ns_buffer_text(out, "\n");
    ns_report_lanes_text(scenario, hazard, style, out);
    ns_buffer_text(out, "\n");
}

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

/* What was found, as the answer to what was written: "in some behaviours, not in all". */
static const char *found_text(enum ns_verify_quantifier found) {
    return found == NS_FOUND_ALWAYS      ? "it holds in all behaviours"
           : found == NS_FOUND_SOMETIMES ? "it holds in some behaviours, not in all"
                                         : "it holds in no behaviour";
}

static void write_judgement(const struct ns_scenario *scenario, const struct ns_verify_observation *observation,
                            const struct ns_judgement *judgement, const struct ns_report_style *style,
                            struct ns_buffer *out) {
    const bool failed = observation->judged && !observation->held;
    ns_buffer_text(out, "  ");
    ns_paint_begin(out, style, failed ? NS_PAINT_ERROR : observation->judged ? NS_PAINT_GOOD : NS_PAINT_EXPECTED);
    ns_buffer_text(out, failed ? "FAILED" : observation->judged ? "held  " : "open  ");
    ns_paint_end(out, style);
    ns_buffer_format(out, "  %-9s  ", mode_text(judgement->mode));
    ns_format_source(out, observation->text, strnlen(observation->text, sizeof observation->text));
    ns_buffer_format(out, "  (line %" PRIu32 ")\n", observation->line);
    if (failed)
        ns_buffer_format(out, "          %s\n", found_text(observation->found));
    if (!observation->judged) {
        ns_buffer_repeat(out, ' ', 10);
        ns_buffer_wrap(out,
                       "not decided: the search did not come to its end, or these bytes lie in lines that would have "
                       "to be searched together",
                       10, 10, ns_report_columns(style));
    }
    if ((failed || style->verbose) && observation->schedule_text != NULL) {
        ns_buffer_text(out, "          = replay: ");
        write_schedule_line(scenario, observation->schedule_text, out);
        ns_buffer_text(out, "\n");
    }
}

static void write_judgements(const struct ns_scenario *scenario, const struct ns_verify_result *result,
                             const struct ns_report_style *style, struct ns_buffer *out) {
    bool first = true;
    for (size_t i = 0; i < result->observation_count; i++) {
        const struct ns_verify_observation *observation = &result->observations[i];
        const struct ns_judgement *judgement = judgement_at(scenario, observation->line);
        if (observation->line == 0 || judgement == NULL)
            continue;
        ns_buffer_text(out, first ? "judged over all behaviours:\n" : "");
        write_judgement(scenario, observation, judgement, style, out);
        first = false;
    }
}

static void write_registers(const struct ns_verify_result *result, struct ns_buffer *out) {
    bool first = true;
    for (size_t i = 0; i < result->observation_count; i++) {
        const struct ns_verify_observation *observation = &result->observations[i];
        if (observation->line != 0)
            continue;
        ns_buffer_text(out, first ? "registers at the end:\n" : "");
        ns_buffer_format(out, "  %-9s  ", ns_verify_quantifier_text(observation->found));
        ns_format_source(out, observation->text, strnlen(observation->text, sizeof observation->text));
        ns_buffer_text(out, "\n");
        first = false;
    }
}

static void write_note(const char *text, const struct ns_report_style *style, struct ns_buffer *out) {
    ns_buffer_wrap(out, text, 0, 6, ns_report_columns(style));
}

static void write_freedom(const struct ns_scenario *scenario, const struct ns_verify_result *result,
                          const struct ns_report_style *style, struct ns_buffer *out) {
    const struct ns_verify_stats *stats = &result->stats;
    struct ns_buffer words = {0};
    for (unsigned i = 0; ns_report_may_word(result->may, i) != NULL; i++)
        ns_buffer_format(&words, "%s%s", i > 0 ? ", " : "", ns_report_may_word(result->may, i));
    ns_buffer_text(out, "the hardware may: ");
    ns_buffer_wrap(out, words.length > 0 ? words.data : "nothing by itself", 18, 18, ns_report_columns(style));
    ns_buffer_release_piece(&words, out);
    const uint32_t more = result->may & ~scenario->machine.may;
    if ((more & NS_MAY_EVICT) != 0)
        ns_buffer_wrap(out,
                       "note: the program uses more lines of one set than a cache has ways, so evictions are explored "
                       "although the machine's `may` does not list them",
                       0, 6, ns_report_columns(style));
    if ((more & NS_MAY_SPECULATIVE_FILL) != 0)
        ns_buffer_wrap(out,
                       "note: the machine has a prefetcher, so fills are explored although its `may` does not list "
                       "them",
                       0, 6, ns_report_columns(style));
    struct ns_buffer counts = {0};
    ns_buffer_format(&counts, "%" PRIu64 " states, %" PRIu64 " transitions; ", stats->states, stats->transitions);
    ns_format_count(&counts, stats->data_lines, "data line", "data lines");
    if (stats->line_classes != stats->data_lines)
        ns_buffer_format(&counts, " in %zu class%s", stats->line_classes, stats->line_classes == 1 ? "" : "es");
    if (stats->control_lines > 0) {
        ns_buffer_text(&counts, ", ");
        ns_format_count(&counts, stats->control_lines, "control line", "control lines");
    }
    if (stats->orders > 1)
        ns_buffer_format(&counts, "; %zu orders of allocations that compete", stats->orders);
    ns_buffer_text(out, "explored: ");
    ns_buffer_wrap(out, counts.data != NULL ? counts.data : "", 10, 10, ns_report_columns(style));
    ns_buffer_release_piece(&counts, out);
    if (result->order_assumed)
        write_note("note: some device does not say when it starts or when it ends; there the written order was "
                   "taken (doorbell and start, raise and wait, or poll let the search order it)",
                   style, out);
    if (result->hardware_ordered)
        write_note(
            "note: the hardware may do nothing by itself here, so each `hw` step happens where it stands: behind "
            "all steps before it in the file, and before all behind it",
            style, out);
    if (result->calls_ordered)
        write_note("note: calls of several harts on one object kept the order of the file, as if a lock of the driver "
                   "did it",
                   style, out);
}

struct tally {
    size_t expected, held, failed, open;
};

static struct tally count_results(const struct ns_verify_result *result) {
    struct tally tally = {0};
    for (size_t i = 0; i < result->hazard_count; i++)
        tally.expected += result->hazards[i].expected;
    for (size_t i = 0; i < result->observation_count; i++) {
        const struct ns_verify_observation *observation = &result->observations[i];
        if (observation->line != 0)
            ++*(!observation->judged ? &tally.open : observation->held ? &tally.held : &tally.failed);
    }
    return tally;
}

static void add_part(struct ns_buffer *out, size_t count, const char *one, const char *many) {
    if (count > 0) {
        ns_buffer_text(out, "; ");
        ns_format_count(out, count, one, many);
    }
}

static void write_verdict(const struct ns_verify_result *result, const struct tally *tally, struct ns_buffer *out) {
    switch (result->verdict) {
    case NS_VERIFY_PROVED:
        ns_buffer_text(out, "no behaviour shows a hazard");
        if (result->order_assumed || result->hardware_ordered || result->calls_ordered)
            ns_buffer_text(out, " in the order that the note names");
        break;
    case NS_VERIFY_INCOMPLETE:
        ns_format_source(out, result->reason, strnlen(result->reason, sizeof result->reason));
        break;
    case NS_VERIFY_REFUTED:
        if (result->hazard_count == 0) {
            ns_buffer_text(out, "some behaviour shows a hazard");
            break;
        }
        ns_format_count(out, result->hazard_count, "hazard", "hazards");
        if (tally->expected == result->hazard_count)
            ns_buffer_text(out, tally->expected == 1 ? ", expected" : ", all expected");
        else if (tally->expected > 0)
            ns_buffer_format(out, ", %zu of them expected", tally->expected);
        if (result->reason[0] != '\0') {
            ns_buffer_text(out, "; not all was explored: ");
            ns_format_source(out, result->reason, strnlen(result->reason, sizeof result->reason));
        }
        break;
    }
}

static void write_summary(const struct ns_scenario *scenario, const struct ns_verify_result *result,
                          const struct ns_report_style *style, struct ns_buffer *out) {
    const struct tally tally = count_results(result);
    const bool complete = result->verdict != NS_VERIFY_INCOMPLETE;
    const char *verdict = ns_verify_verdict_text(result->verdict);
    struct ns_buffer name = {0}, parts = {0};
    ns_format_source(&name, scenario->name, strlen(scenario->name));
    ns_buffer_add(out, name.data, name.length);
    ns_buffer_text(out, ": ");
    ns_paint_begin(out, style, complete && result->as_expected ? NS_PAINT_GOOD : NS_PAINT_ERROR);
    ns_buffer_text(out, verdict);
    ns_paint_end(out, style);
    ns_buffer_text(&parts, ": ");
    write_verdict(result, &tally, &parts);
    add_part(&parts, result->missing_count, "expected hazard cannot occur", "expected hazards cannot occur");
    add_part(&parts, tally.failed, "judgement failed", "judgements failed");
    add_part(&parts, tally.held, "judgement held", "judgements held");
    add_part(&parts, tally.open, "judgement open", "judgements open");
    if (complete && (result->verdict == NS_VERIFY_REFUTED || !result->as_expected))
        ns_buffer_text(&parts, result->as_expected ? "; as expected" : "; not as expected");
    ns_buffer_wrap_clauses(out, parts.data != NULL ? parts.data : "", name.length + strlen(": ") + strlen(verdict),
                           ns_report_columns(style));
    ns_buffer_release_piece(&name, out);
    ns_buffer_release_piece(&parts, out);
}

/* What a reader may and may not conclude. */
static void write_notes(const struct ns_verify_result *result, const struct ns_report_style *style,
                        struct ns_buffer *out) {
    if (result->unnamed > 0) {
        ns_buffer_text(out, "note: ");
        ns_format_count(out, result->unnamed, "longer way to a hazard was found and is not shown\n\n",
                        "longer ways to a hazard were found and are not shown\n\n");
    }
    if (result->verdict == NS_VERIFY_INCOMPLETE)
        ns_buffer_wrap(out,
                       "note: what was explored shows no hazard, which is no proof (--states, --memory and --timeout "
                       "set the limits)",
                       0, 6, ns_report_columns(style));
    if (result->unreplayed > 0 && result->rough) {
        ns_buffer_wrap(
            out,
            "note: some ways to a hazard were left out, which the timed machine did not show: what a full queue of "
            "late maintenance lets go is followed only roughly, and so is a store buffer without `may drain` "
            "where page tables change or `hw: drain` stands",
            0, 6, ns_report_columns(style));
        ns_buffer_text(out, "\n");
    } else if (result->unreplayed > 0) {
        ns_buffer_wrap(out,
                       "note: the timed machine did not show the hazard of some counterexample; the verdict stands on "
                       "the search, and this is a defect of nosnoop: please report it, with the scenario and this "
                       "schedule:",
                       0, 6, ns_report_columns(style));
        ns_buffer_format(out, "      %s\n\n", result->unreplayed_text != NULL ? result->unreplayed_text : "");
    }
}

void ns_report_verify_text(const struct ns_scenario *scenario, const struct ns_verify_result *result,
                           const struct ns_report_style *style, struct ns_buffer *out) {
    if (!style->quiet) {
        for (size_t i = 0; i < result->hazard_count; i++)
            write_hazard(scenario, &result->hazards[i], style, out);
        for (size_t i = 0; i < result->missing_count; i++)
            write_missing(scenario, &result->missing[i], style, out);
        write_notes(result, style, out);
        write_judgements(scenario, result, style, out);
        write_registers(result, out);
        write_freedom(scenario, result, style, out);
    }
    write_summary(scenario, result, style, out);
}
