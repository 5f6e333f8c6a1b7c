/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/commands.h"
#include "cli/input.h"
#include "cli/output.h"
#include "report/format.h"
#include "report/report.h"
#include "report/vcd.h"
#include "report/verify_report.h"
#include "scenarios/runner.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Set by SIGINT: the run stops after the step under way, and what is known is printed. */
static volatile sig_atomic_t interrupted;

static void on_interrupt(int signal_number) {
    (void)signal_number;
    interrupted = 1;
}

static struct ns_run_options run_options(const struct ns_options *options) {
    return (struct ns_run_options){
        .order_given = options->order_given,
        .order_free = options->order_free,
        .seed_given = options->seed_given,
        .seed = options->seed,
        .chaos = options->chaos,
        .chaos_seed = options->chaos_seed,
        .stop = &interrupted,
    };
}

static enum ns_exit verdict_exit(const struct ns_log *log) {
    return ns_log_passed(log) ? NS_EXIT_HELD : ns_log_incomplete(log) ? NS_EXIT_INCOMPLETE : NS_EXIT_FAILED;
}

/* A limit ends the run, not the report: what is known is shown. */
static bool add_incomplete(struct ns_log *log, const char *message) {
    struct ns_outcome outcome = {.kind = NS_OUTCOME_INCOMPLETE, .hazard = UINT32_MAX};
    snprintf(outcome.text, sizeof outcome.text, "%s", message[0] != '\0' ? message : ns_status_text(NS_ERROR_LIMIT));
    return ns_log_add_outcome(log, &outcome);
}

/* Documents that are not asked for are NULL. */
struct documents {
    struct ns_buffer *json, *trace, *vcd;
    struct ns_vcd_missing *missing; /* with vcd */
};

static enum ns_exit execute(const char *file, const struct ns_scenario *scenario, const struct ns_options *options,
                            const struct ns_report_style *style, struct ns_buffer *text,
                            const struct documents *documents) {
    char message[512] = "";
    struct ns_run_options how = run_options(options);
    struct ns_schedule_item *schedule = NULL;
    enum ns_status status = NS_OK;
    if (options->schedule != NULL) {
        status =
            ns_schedule_parse(options->schedule, scenario, &schedule, &how.schedule_count, message, sizeof message);
        how.schedule = schedule;
    }
    struct ns_log *log = ns_log_create();
    if (log == NULL || (documents->vcd != NULL && !ns_log_keep_waveform(log))) {
        ns_log_destroy(log);
        free(schedule);
        ns_error("out of memory");
        return NS_EXIT_INTERNAL;
    }
    enum ns_exit result;
    if (status == NS_OK)
        status = ns_run_scenario(scenario, &how, log, message, sizeof message);
    if (status == NS_ERROR_LIMIT) {
        status = add_incomplete(log, message) ? NS_OK : NS_ERROR_MEMORY;
    }
    if (status == NS_OK) {
        ns_report_run_text(log, style, text);
        if (options->lanes) {
            ns_report_run_lanes(scenario, log, style, text);
        }
        if (documents->json != NULL) {
            ns_report_run_json(log, documents->json);
        }
        if (documents->trace != NULL) {
            ns_report_run_trace(scenario, log, documents->trace);
        }
        if (documents->vcd != NULL) {
            ns_report_run_vcd(scenario, log, documents->vcd, documents->missing);
        }
        result = verdict_exit(log);
    } else {
        ns_error("%s: %s", file, message[0] != '\0' ? message : ns_status_text(status));
        result = status == NS_ERROR_ARGUMENT ? NS_EXIT_BAD_INPUT : NS_EXIT_INTERNAL;
    }
    ns_log_destroy(log);
    free(schedule);
    return result;
}

static enum ns_exit run_file(const char *file, const struct ns_options *options, bool color, struct ns_buffer *text,
                             struct ns_buffer *name, const struct documents *documents) {
    const struct ns_report_style style = {.color = color,
                                          .verbose = options->verbose,
                                          .quiet = options->quiet,
                                          .explain_alloc = options->explain_alloc,
                                          .stats = options->stats,
                                          .indent = ns_report_indent(options)};
    struct ns_input input;
    enum ns_exit result = ns_input_read(file, &input);
    if (result == NS_EXIT_HELD && input.diagnostics.count > 0) {
        ns_input_complain(&input);
        result = NS_EXIT_BAD_INPUT;
    } else if (result == NS_EXIT_HELD) {
        ns_format_source(name, input.scenario->name, strlen(input.scenario->name));
        ns_buffer_text(name, NS_NAME_MACHINE);
        ns_format_source(name, input.scenario->machine.name, strlen(input.scenario->machine.name));
        if (input.scenario->missing_requirement != NULL) {
            ns_error("%s: skipped: it requires `%s`, which this build does not have", file,
                     input.scenario->missing_requirement);
            result = NS_EXIT_SKIPPED;
        } else {
            result = execute(file, input.scenario, options, &style, text, documents);
        }
    }
    ns_input_release(&input);
    return result;
}

enum ns_exit ns_run_file(const char *file, const struct ns_options *options, bool color, struct ns_buffer *text,
                         struct ns_buffer *name, struct ns_buffer *json) {
    const struct documents documents = {.json = json};
    return run_file(file, options, color, text, name, &documents);
}

/* The file says it too, but nobody reads a waveform from its beginning. */
static void complain_about_missing(const char *file, const struct ns_vcd_missing *missing) {
    if (missing->lines > 0) {
        ns_error("%s: %u lines of each cache have signals; %llu others of named memory have none, and %s in a cache",
                 file, NS_VCD_LINES, (unsigned long long)missing->lines, missing->held ? "some were" : "none was");
    }
    if (missing->names > 0) {
        ns_error("%s: %llu buffers have no signals: there are more than %u", file, (unsigned long long)missing->names,
                 NS_WAVEFORM_NAMES);
    }
    if (missing->cut) {
        ns_error("%s: ends at %llu ps: the run has more changes than the %u that nosnoop keeps", file,
                 (unsigned long long)missing->cut_ps, NS_WAVEFORM_LIMIT);
    }
}

/* Documents of a run are written even when they are empty: an old file must not look like theirs. */
static enum ns_exit write_document(const char *file, const struct ns_buffer *text, enum ns_exit before) {
    const enum ns_exit written = file == NULL ? NS_EXIT_HELD : ns_output_document(file, text);
    return before == NS_EXIT_HELD ? written : before;
}

enum ns_exit ns_run_main(const struct ns_options *options) {
    struct ns_buffer text = {0}, name = {0}, json = {0}, trace = {0}, vcd = {0};
    struct ns_vcd_missing missing = {0};
    const struct documents documents = {.json = options->json ? &json : NULL,
                                        .trace = options->trace != NULL ? &trace : NULL,
                                        .vcd = options->vcd != NULL ? &vcd : NULL,
                                        .missing = &missing};
    if (options->operand_count != 1) {
        ns_error("`nosnoop run` needs one file: nosnoop run FILE");
        return NS_EXIT_BAD_INPUT;
    }
    struct sigaction action = {.sa_handler = on_interrupt};
    sigemptyset(&action.sa_mask);
    sigaction(SIGINT, &action, NULL);
    enum ns_exit result = run_file(options->operands[0], options, ns_output_color(options), &text, &name, &documents);
    enum ns_exit written = NS_EXIT_HELD;
    if (options->json && (json.length > 0 || json.failed)) {
        written = ns_output_json(options, &json);
    }
    const bool ran = result == NS_EXIT_HELD || result == NS_EXIT_FAILED || result == NS_EXIT_INCOMPLETE;
    if (ran) {
        written = write_document(options->trace, &trace, written);
        written = write_document(options->vcd, &vcd, written);
        complain_about_missing(options->vcd, &missing);
    }
    if (!ns_output_is_json(options) && !ns_output_write(&text)) {
        written = NS_EXIT_INTERNAL;
    }
    ns_buffer_release(&text);
    ns_buffer_release(&name);
    ns_buffer_release(&json);
    ns_buffer_release(&trace);
    ns_buffer_release(&vcd);
    return written != NS_EXIT_HELD ? written : result;
}
