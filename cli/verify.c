/* SPDX-License-Identifier: Apache-2.0 */
#include "verify/verify.h"

#include "cli/commands.h"
#include "cli/input.h"
#include "cli/output.h"
#include "cli/test_child.h"
#include "report/format.h"
#include "report/verify_report.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Set by SIGINT: the search ends soon, and what is known is printed. */
static volatile sig_atomic_t interrupted;

static void on_interrupt(int signal_number) {
    (void)signal_number;
    interrupted = 1;
}

void ns_catch_interrupt(void) {
    struct sigaction action = {.sa_handler = on_interrupt};
    sigemptyset(&action.sa_mask);
    sigaction(SIGINT, &action, NULL);
}

/* ---- progress -------------------------------------------------------------------------------- */

/* One line on a terminal's standard error, from half a second on. */
struct progress {
    uint64_t begin_ms, shown_ms;
    bool shown;
};

static void show_progress(void *context, const struct ns_verify_progress *now) {
    struct progress *progress = context;
    const uint64_t ms = ns_clock_ms();
    if (ms - progress->begin_ms < 500 || ms - progress->shown_ms < 100)
        return;
    progress->shown_ms = ms;
    progress->shown = true;
    fprintf(stderr, "\r\033[Kverifying: %zu of %zu lines done, %llu states, %llu.%llu s", now->lines_done, now->lines,
            (unsigned long long)now->states, (unsigned long long)((ms - progress->begin_ms) / 1000),
            (unsigned long long)((ms - progress->begin_ms) / 100 % 10));
    fflush(stderr);
}

/* A terminal that cannot erase a line gets none. */
static bool has_progress(const struct ns_options *options) {
    const char *terminal = getenv("TERM");
    return !options->quiet && isatty(STDERR_FILENO) == 1 && terminal != NULL && strcmp(terminal, "dumb") != 0;
}

static void end_progress(const struct progress *progress) {
    if (progress->shown)
        fputs("\r\033[K", stderr);
}

/* ---- one file -------------------------------------------------------------------------------- */

struct ns_verify_options ns_verify_options_of(const struct ns_options *options) {
    const long processors = sysconf(_SC_NPROCESSORS_ONLN);
    return (struct ns_verify_options){.jobs = options->jobs != 0 ? options->jobs
                                              : processors > 0   ? (unsigned)processors
                                                                 : 1,
                                      .state_limit = options->state_limit,
                                      .memory_limit = options->memory_limit,
                                      .time_limit_ms = options->timeout_given ? (uint64_t)options->timeout_s * 1000 : 0,
                                      .stop = &interrupted};
}

static enum ns_exit exit_of(const struct ns_verify_result *result) {
    return result->verdict == NS_VERIFY_INCOMPLETE ? NS_EXIT_INCOMPLETE
           : result->as_expected                   ? NS_EXIT_HELD
                                                   : NS_EXIT_FAILED;
}

static void tell_times(const struct ns_verify_result *result) {
    const struct ns_verify_stats *stats = &result->stats;
    fprintf(stderr, "nosnoop: recorded in %llu us, explored in %llu us, replayed in %llu us; states took %llu KiB\n",
            (unsigned long long)stats->record_us, (unsigned long long)stats->explore_us,
            (unsigned long long)stats->replay_us, (unsigned long long)(stats->memory_bytes / 1024));
}

static enum ns_exit verify(const struct ns_scenario *scenario, const struct ns_options *options, bool color,
                           struct ns_buffer *text, struct ns_buffer *json) {
    const struct ns_report_style style = {
        .color = color, .verbose = options->verbose, .quiet = options->quiet, .indent = ns_report_indent(options)};
    struct progress progress = {.begin_ms = ns_clock_ms()};
    struct ns_verify_options how = ns_verify_options_of(options);
    struct ns_verify_result result;
    char message[512] = "";
    if (has_progress(options)) {
        how.progress = show_progress;
        how.progress_context = &progress;
    }
    fflush(stdout); /* or the child processes would write it again */
    const enum ns_status status = ns_verify_scenario(scenario, &how, &result, message, sizeof message);
    end_progress(&progress);
    if (status != NS_OK) {
        ns_error("%s: %s", scenario->file, message[0] != '\0' ? message : ns_status_text(status));
        return status == NS_ERROR_ARGUMENT ? NS_EXIT_BAD_INPUT : NS_EXIT_INTERNAL;
    }
    ns_report_verify_text(scenario, &result, &style, text);
    if (json != NULL)
        ns_report_verify_json(scenario, &result, json);
    if (options->verbose)
        tell_times(&result);
    const enum ns_exit exit = exit_of(&result);
    ns_verify_release(&result);
    return exit;
}

static enum ns_exit verify_scenario(const char *file, const struct ns_scenario *scenario,
                                    const struct ns_options *options, bool color, struct ns_buffer *text,
                                    struct ns_buffer *json) {
    if (scenario->missing_requirement != NULL) {
        ns_error("%s: skipped: it requires `%s`, which this build does not have", file, scenario->missing_requirement);
        return NS_EXIT_SKIPPED;
    }
    const struct ns_device *engine = ns_verify_engine(scenario);
    bool asks = false;
    for (size_t i = 0; i < scenario->judgement_count; i++)
        asks = asks || scenario->judgements[i].mode != NS_FINAL;
    if (options->pass_over_engines && engine != NULL && !asks) {
        ns_buffer_format(text, "%s: run, but not verified: `%s` is an engine\n", scenario->name, engine->name);
        return NS_EXIT_HELD;
    }
    return options->mutate ? ns_mutate(scenario, options, color, text, json)
                           : verify(scenario, options, color, text, json);
}

enum ns_exit ns_verify_file(const char *file, const struct ns_options *options, bool color, struct ns_buffer *text,
                            struct ns_buffer *name, struct ns_buffer *json) {
    struct ns_input input;
    enum ns_exit result = ns_input_read(file, &input);
    if (result == NS_EXIT_HELD && input.diagnostics.count > 0) {
        ns_input_complain(&input);
        result = NS_EXIT_BAD_INPUT;
    } else if (result == NS_EXIT_HELD) {
        ns_format_source(name, input.scenario->name, strlen(input.scenario->name));
        ns_buffer_text(name, NS_NAME_MACHINE);
        ns_format_source(name, input.scenario->machine.name, strlen(input.scenario->machine.name));
        result = verify_scenario(file, input.scenario, options, color, text, json);
    }
    ns_input_release(&input);
    return result;
}

/* ---- the command ----------------------------------------------------------------------------- */

/* Of several files the worst result counts: an internal error, bad input, a failure, incomplete, skipped, held. */
static enum ns_exit worse(enum ns_exit a, enum ns_exit b) {
    static const enum ns_exit order[] = {NS_EXIT_INTERNAL,   NS_EXIT_BAD_INPUT, NS_EXIT_FAILED,
                                         NS_EXIT_INCOMPLETE, NS_EXIT_SKIPPED,   NS_EXIT_HELD};
    for (size_t i = 0; i < sizeof order / sizeof order[0]; i++)
        if (a == order[i] || b == order[i])
            return order[i];
    return a;
}

/* Each file's report when it is done, so that those that follow do not delay it. */
static enum ns_exit verify_and_print(const char *file, const struct ns_options *options) {
    struct ns_buffer text = {0}, name = {0}, json = {0};
    enum ns_exit result =
        ns_verify_file(file, options, ns_output_color(options), &text, &name, options->json ? &json : NULL);
    if (options->json && (json.length > 0 || json.failed))
        result = worse(result, ns_output_json(options, &json));
    if (!ns_output_is_json(options) && (!ns_output_write(&text) || !ns_output_finish()))
        result = NS_EXIT_INTERNAL;
    ns_buffer_release(&text);
    ns_buffer_release(&name);
    ns_buffer_release(&json);
    return result;
}

enum ns_exit ns_verify_main(const struct ns_options *options) {
    if (options->operand_count == 0) {
        ns_error("`nosnoop verify` needs a file: nosnoop verify FILE...");
        return NS_EXIT_BAD_INPUT;
    }
    if (options->json && options->operand_count > 1) {
        ns_error("`nosnoop verify --json` writes one document: it takes one file");
        return NS_EXIT_BAD_INPUT;
    }
    ns_catch_interrupt();
    enum ns_exit worst = NS_EXIT_INCOMPLETE; /* interrupted before the first one */
    for (size_t i = 0; i < options->operand_count && interrupted == 0; i++) {
        const enum ns_exit result = verify_and_print(options->operands[i], options);
        worst = i == 0 ? result : worse(worst, result);
        if (interrupted != 0 && i + 1 < options->operand_count)
            worst = worse(worst, NS_EXIT_INCOMPLETE);
    }
    return worst;
}
