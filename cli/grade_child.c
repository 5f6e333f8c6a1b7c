/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/grade.h"
#include "cli/output.h"
#include "report/report.h"
#include "report/verify_report.h"
#include "scenarios/exercise.h"
#include "scenarios/runner.h"

#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>

/* What goes into the child. Back come, on the line of the name, "LINES CYCLES LINE"; then the message on a line of its
 * own, and the report. */
struct work {
    const struct ns_scenario *scenario;
    size_t answer_lines;
};

static void describe_step(const struct ns_scenario *scenario, uint32_t line, struct ns_buffer *text) {
    char step[256];
    for (size_t i = 0; i < scenario->written_count; i++)
        if (scenario->written[i].line == line) {
            ns_exercise_step_text(scenario, &scenario->written[i], step, sizeof step);
            ns_buffer_format(text, ": %s", step);
            return;
        }
}

/* ---- in the child ---------------------------------------------------------------------------- */

/* The step that an event belongs to, as a line; 0: none. */
static uint32_t line_of_site(const struct ns_log *log, uint32_t site) {
    return site < log->site_count ? log->site[site].line : 0;
}

/* Where a hazard was found; one that shows in a move of the hardware, at the last step that it is about. */
static uint32_t describe_hazard(const struct ns_scenario *scenario, const struct ns_log *log,
                                const struct ns_hazard *hazard, struct ns_buffer *message) {
    const bool by_itself = line_of_site(log, hazard->site) == 0;
    uint32_t line = line_of_site(log, hazard->site);
    for (uint32_t i = hazard->note_count; i > 0 && line == 0; i--)
        if (hazard->note[i - 1].event < log->event_count)
            line = line_of_site(log, log->event[hazard->note[i - 1].event].site);
    ns_buffer_format(message, "%s%s", ns_hazard_text(hazard->id)->id, by_itself && line != 0 ? ", after" : "");
    describe_step(scenario, line, message);
    return line;
}

/* The shortest way to a hazard that nobody expects, else what a judgement says. */
static uint32_t describe_refutation(const struct ns_scenario *scenario, const struct ns_verify_result *result,
                                    struct ns_buffer *message) {
    for (size_t i = 0; i < result->hazard_count; i++)
        if (!result->hazards[i].expected && result->hazards[i].log != NULL)
            return describe_hazard(scenario, result->hazards[i].log,
                                   &result->hazards[i].log->hazard[result->hazards[i].index], message);
    for (size_t i = 0; i < result->missing_count; i++) {
        ns_buffer_format(message, "%s does not occur", ns_hazard_text(result->missing[i].id)->id);
        describe_step(scenario, result->missing[i].line, message);
        return result->missing[i].line;
    }
    for (size_t i = 0; i < result->observation_count; i++)
        if (result->observations[i].judged && !result->observations[i].held) {
            ns_buffer_format(message, "`verify` does not hold: %s", result->observations[i].text);
            return 0;
        }
    ns_buffer_text(message, "not as expected");
    return 0;
}

static enum ns_exit verify(const struct work *work, const struct ns_options *options,
                           const struct ns_report_style *style, struct ns_buffer *message, uint32_t *line,
                           struct ns_buffer *report) {
    /* Ends as incomplete, before it is killed. */
    const struct ns_verify_options how = {
        .jobs = 1, .time_limit_ms = options->timeout_s > 1 ? ((uint64_t)options->timeout_s - 1) * 1000 : 1000};
    struct ns_verify_result result;
    char reason[512] = "";
    const enum ns_status status = ns_verify_scenario(work->scenario, &how, &result, reason, sizeof reason);
    if (status != NS_OK) {
        ns_buffer_text(message, reason[0] != '\0' ? reason : ns_status_text(status));
        return status == NS_ERROR_ARGUMENT ? NS_EXIT_BAD_INPUT : NS_EXIT_INTERNAL;
    }
    ns_report_verify_text(work->scenario, &result, style, report);
    enum ns_exit exit = NS_EXIT_HELD;
    if (result.verdict == NS_VERIFY_INCOMPLETE) {
        exit = NS_EXIT_INCOMPLETE;
        ns_buffer_text(message, result.reason);
    } else if (!result.as_expected) {
        exit = NS_EXIT_FAILED;
        *line = describe_refutation(work->scenario, &result, message);
    } else if (result.order_assumed) { /* then this would be a proof for some order only */
        exit = NS_EXIT_BAD_INPUT;
        ns_buffer_text(message, "a device does not say when it ends: `raise` and `wait`, or `poll`");
    }
    ns_verify_release(&result);
    return exit;
}

static uint64_t lines_named(const struct ns_log *log, const struct ns_cache_config *cache) {
    const uint64_t size = cache->level[0].line;
    uint64_t lines = 0;
    for (size_t i = 0; i < log->event_count; i++) {
        const struct ns_event *event = &log->event[i];
        if (event->kind != NS_EVENT_MAINTENANCE)
            continue;
        if (event->length == 0 && event->address == UINT64_MAX) /* the whole cache */
            lines += cache->level[0].size / size;
        else if (event->length > 0)
            lines += (event->address + event->length - 1) / size - event->address / size + 1;
    }
    return lines;
}

static enum ns_exit run(const struct work *work, const struct ns_options *options, const struct ns_report_style *style,
                        struct ns_grade_run *run, struct ns_buffer *message, struct ns_buffer *report) {
    const struct ns_run_options how = {
        .order_given = true, .order_free = true, .seed_given = options->seed_given, .seed = options->seed};
    const struct ns_machine_config *machine = &work->scenario->machine;
    char reason[512] = "";
    struct ns_log *log = ns_log_create();
    if (log == NULL)
        return NS_EXIT_INTERNAL;
    const enum ns_status status = ns_run_scenario(work->scenario, &how, log, reason, sizeof reason);
    enum ns_exit exit = NS_EXIT_HELD;
    if (status != NS_OK) {
        ns_buffer_text(message, reason[0] != '\0' ? reason : ns_status_text(status));
        exit = status == NS_ERROR_LIMIT      ? NS_EXIT_INCOMPLETE
               : status == NS_ERROR_ARGUMENT ? NS_EXIT_BAD_INPUT
                                             : NS_EXIT_INTERNAL;
    } else if (!ns_log_passed(log)) {
        exit = ns_log_incomplete(log) ? NS_EXIT_INCOMPLETE : NS_EXIT_FAILED;
        for (size_t i = 0; i < log->outcome_count && message->length == 0; i++)
            if (log->outcome[i].kind == NS_OUTCOME_FINAL_FAILED)
                ns_buffer_format(message, "`final` does not hold: %s, found %s", log->outcome[i].text,
                                 log->outcome[i].actual);
        ns_buffer_text(report, "\n");
        ns_report_run_text(log, style, report);
    }
    run->lines = lines_named(log, &machine->cache);
    run->cycles = machine->hart_clock_ps > 0 ? log->end_ps / machine->hart_clock_ps : 0;
    ns_log_destroy(log);
    return exit;
}

/* Verifies first, because a process that has made a machine cannot. */
static enum ns_exit child_work(const void *what, const struct ns_options *options, bool color, struct ns_buffer *text,
                               struct ns_buffer *name) {
    const struct work *work = what;
    const struct ns_report_style style = {.color = color};
    struct ns_buffer message = {0}, report = {0};
    struct ns_grade_run found = {0};
    uint32_t line = 0;
    enum ns_exit exit = verify(work, options, &style, &message, &line, &report);
    if (exit == NS_EXIT_HELD)
        exit = run(work, options, &style, &found, &message, &report);
    ns_buffer_format(name, "%" PRIu64 " %" PRIu64 " %" PRIu32, found.lines, found.cycles,
                     line <= work->answer_lines ? line : 0);
    ns_buffer_format(text, "%s\n", message.data != NULL ? message.data : "");
    ns_buffer_add(text, report.data != NULL ? report.data : "", report.length);
    ns_buffer_release_piece(&message, text);
    ns_buffer_release_piece(&report, text);
    return exit;
}

/* ---- in the parent --------------------------------------------------------------------------- */

static void take_result(const struct ns_child_result *result, const struct ns_options *options,
                        struct ns_grade_run *run) {
    const char *text = result->report.data != NULL ? result->report.data : "";
    const size_t first = strcspn(text, "\n");
    run->verdict = result->exit == NS_EXIT_HELD         ? NS_VERDICT_PASS
                   : result->exit == NS_EXIT_INCOMPLETE ? NS_VERDICT_INCOMPLETE
                                                        : NS_VERDICT_FAIL;
    if (result->exit < 0) {
        if (result->timed_out)
            ns_buffer_format(&run->message, "no result after %u s", options->timeout_s);
        else
            ns_buffer_format(&run->message, "crash: killed by signal %d", result->signal);
        return;
    }
    if (result->name.data != NULL)
        sscanf(result->name.data, "%" SCNu64 " %" SCNu64 " %" SCNu32, &run->lines, &run->cycles, &run->line);
    ns_buffer_add(&run->message, text, first);
    if (first == 0 && result->exit != NS_EXIT_HELD)
        ns_buffer_format(&run->message, "the process ended with status %d", result->exit);
    if (text[first] == '\n')
        ns_buffer_text(&run->report, text + first + 1);
}

bool ns_grade_execute(const struct ns_scenario *merged, size_t answer_lines, const struct ns_options *options,
                      bool color, const volatile sig_atomic_t *stop, struct ns_grade_run *run) {
    const struct work work = {.scenario = merged, .answer_lines = answer_lines};
    struct ns_child child = {.pipe = -1};
    struct ns_child_result result = {0};
    if (!ns_child_start_work(child_work, &work, options, color, &child))
        return false;
    while (*stop == 0 && !ns_child_finish(&child, &result)) {
        struct pollfd descriptor = {.fd = child.pipe, .events = POLLIN};
        poll(&descriptor, 1, child.pipe >= 0 && !child.timed_out ? 100 : 1);
        ns_child_read(&child);
    }
    if (child.pid != 0) { /* stopped */
        ns_child_kill(&child);
        return false;
    }
    take_result(&result, options, run);
    const bool good = !result.no_memory && !run->message.failed && !run->report.failed;
    if (!good)
        ns_error("out of memory");
    ns_buffer_release(&result.name);
    ns_buffer_release(&result.machine);
    ns_buffer_release(&result.report);
    return good;
}
