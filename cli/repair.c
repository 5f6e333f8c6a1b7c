/* SPDX-License-Identifier: Apache-2.0 */
#include "verify/repair.h"

#include "cli/commands.h"
#include "cli/diff.h"
#include "cli/input.h"
#include "cli/output.h"
#include "cli/presets.h"
#include "cli/replace.h"
#include "report/format.h"
#include "report/json_writer.h"
#include "report/report.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- costs ----------------------------------------------------------------------------------- */

static int64_t cycles(const struct ns_repair_result *result, int64_t ps) {
    return result->cycle_ps == 0 ? 0 : ps / (int64_t)result->cycle_ps;
}

static void write_cost(const struct ns_repair_result *result, int64_t ps, struct ns_buffer *out) {
    const int64_t count = cycles(result, ps);
    if (count == 0)
        ns_buffer_text(out, "no cycle more");
    else
        ns_buffer_format(out, "%lld cycle%s %s", (long long)(count < 0 ? -count : count),
                         count == 1 || count == -1 ? "" : "s", count < 0 ? "less" : "more");
}

/* The first line of a summary, and how many follow. */
static void write_summary(const char *summary, size_t indent, struct ns_buffer *out) {
    while (*summary != '\0') {
        const size_t length = strcspn(summary, "\n");
        ns_buffer_repeat(out, ' ', indent);
        ns_format_source(out, summary, length);
        ns_buffer_text(out, "\n");
        summary += length + (summary[length] == '\n');
    }
}

/* ---- text ------------------------------------------------------------------------------------ */

enum { ALTERNATIVES = 4 };

static void write_alternatives(const struct ns_repair_result *result, struct ns_buffer *out) {
    const size_t shown = result->fix_count < ALTERNATIVES + 1 ? result->fix_count : ALTERNATIVES + 1;
    if (shown > 1 && result->only_separation)
        ns_buffer_text(out, "\n");
    if (shown > 1)
        ns_buffer_text(out, "other changes that make the proof go through, each with its cost:\n");
    for (size_t i = 1; i < shown; i++) {
        ns_buffer_text(out, "  ");
        write_cost(result, result->fixes[i].cost_ps, out);
        ns_buffer_text(out, "\n");
        write_summary(result->fixes[i].summary, 4, out);
    }
    if (result->fix_count > shown)
        ns_buffer_format(out, "  ... and %zu more\n", result->fix_count - shown);
}

static void explain_separation(struct ns_buffer *out) {
    ns_buffer_wrap(
        out,
        "why: two sides write the same cache line at the same time, or it is written back over what the "
        "other side wrote; a clean, an invalidate or a flush acts on the whole line, so each of them "
        "destroys one side's bytes or leaves them unseen. Of the changes of maintenance and order that were tried "
        "none holds; bytes in lines of their own, or not cached, do",
        0, 5, NS_REPORT_COLUMNS);
}

static void write_fix(const struct ns_scenario *scenario, const struct ns_repair_result *result,
                      struct ns_buffer *out) {
    const struct ns_repair_fix *fix = &result->fixes[0];
    ns_diff(scenario->file, scenario->text, fix->text, out);
    ns_buffer_text(out, "\n");
    if (fix->discards > 0) {
        struct ns_buffer note = {0};
        ns_buffer_format(&note,
                         "note: after this change an invalidate drops %llu bytes that were stored and that nobody here "
                         "reads again",
                         (unsigned long long)fix->discards);
        ns_buffer_wrap(out, note.data != NULL ? note.data : "", 0, strlen("note: "), NS_REPORT_COLUMNS);
        ns_buffer_release_piece(&note, out);
    }
    if (result->only_separation)
        explain_separation(out);
}

static void write_text(const struct ns_scenario *scenario, const struct ns_options *options,
                       const struct ns_repair_result *result, struct ns_buffer *out) {
    const bool fixed = result->fix_count > 0;
    if (fixed && !options->quiet) {
        write_fix(scenario, result, out);
        if (result->before == NS_VERIFY_REFUTED)
            write_alternatives(result, out);
        if (result->fix_count > 1)
            ns_buffer_text(out, "\n");
    }
    if (result->exhausted)
        ns_buffer_format(out, "note: it ended early, after %llu candidates: there may be cheaper changes\n",
                         (unsigned long long)result->tried);
    struct ns_buffer line = {0};
    if (result->incomplete > 0) {
        ns_buffer_format(&line, "note: %llu of the candidates could not be explored to the end (",
                         (unsigned long long)result->incomplete);
        ns_format_source(&line, result->reason, strnlen(result->reason, sizeof result->reason));
        ns_buffer_text(&line, "): there may be cheaper changes among them");
        ns_buffer_wrap(out, line.data != NULL ? line.data : "", 0, strlen("note: "), NS_REPORT_COLUMNS);
        ns_buffer_release_piece(&line, out);
    }
    ns_format_source(&line, scenario->name, strlen(scenario->name));
    ns_buffer_text(&line, ": ");
    if (result->before == NS_VERIFY_INCOMPLETE) {
        ns_buffer_text(&line, "incomplete: the scenario itself could not be explored to the end: ");
        ns_format_source(&line, result->reason, strnlen(result->reason, sizeof result->reason));
    } else if (result->before == NS_VERIFY_PROVED && !options->minimise) {
        ns_buffer_text(&line, "proved as it is: nothing to repair (--minimise looks for what can go)");
    } else if (result->before == NS_VERIFY_PROVED && !fixed) {
        ns_buffer_text(&line, "proved, and nothing of its maintenance can go");
    } else if (!fixed) {
        ns_buffer_format(&line, "no repair found among %llu candidates", (unsigned long long)result->tried);
    } else {
        ns_buffer_text(&line, result->before == NS_VERIFY_PROVED ? "still proved with " : "proved with ");
        ns_format_count(&line, result->fixes[0].parts, "change: ", "changes: ");
        write_cost(result, result->fixes[0].cost_ps, &line);
        ns_buffer_format(&line, " in the run as written; %llu candidates tried", (unsigned long long)result->tried);
    }
    ns_buffer_wrap_clauses(out, line.data != NULL ? line.data : "", 0, NS_REPORT_COLUMNS);
    ns_buffer_release_piece(&line, out);
}

/* ---- JSON ------------------------------------------------------------------------------------ */

/* Not every candidate was judged. */
static bool is_open(const struct ns_repair_result *result) {
    return result->exhausted || result->incomplete > 0;
}

static const char *verdict_text(const struct ns_repair_result *result) {
    if (result->before == NS_VERIFY_INCOMPLETE)
        return "incomplete";
    if (result->before == NS_VERIFY_PROVED)
        return "proved";
    return result->fix_count > 0 ? "repaired" : is_open(result) ? "incomplete" : "no-repair";
}

static void write_json(const struct ns_scenario *scenario, const struct ns_repair_result *result,
                       struct ns_buffer *out) {
    struct ns_json json;
    ns_json_begin(&json, out);
    ns_json_open(&json, NULL, '{');
    ns_json_string(&json, "schema", NS_REPORT_JSON_SCHEMA);
    ns_json_number(&json, "version", NS_REPORT_JSON_VERSION);
    ns_json_string(&json, "command", "repair");
    ns_json_string(&json, "file", scenario->file);
    ns_json_string(&json, "scenario", scenario->name);
    ns_json_string(&json, "verdict", verdict_text(result));
    ns_json_string(&json, "before", ns_verify_verdict_text(result->before));
    ns_json_bool(&json, "only_separation", result->only_separation);
    ns_json_bool(&json, "exhausted", result->exhausted);
    ns_json_number(&json, "tried", result->tried);
    ns_json_number(&json, "incomplete", result->incomplete);
    ns_json_string(&json, "reason", result->reason);
    ns_json_open(&json, "fixes", '[');
    for (size_t i = 0; i < result->fix_count; i++) {
        const struct ns_repair_fix *fix = &result->fixes[i];
        const int64_t cost = cycles(result, fix->cost_ps);
        struct ns_buffer diff = {0};
        ns_diff(scenario->file, scenario->text, fix->text, &diff);
        ns_json_open(&json, NULL, '{');
        ns_json_number(&json, "parts", fix->parts);
        ns_json_bool(&json, "separates", fix->separates);
        ns_json_bool(&json, "retimes", fix->retimes);
        ns_json_number(&json, "discards", fix->discards);
        ns_json_number(&json, "cycles_more", cost > 0 ? (uint64_t)cost : 0);
        ns_json_number(&json, "cycles_less", cost < 0 ? (uint64_t)-cost : 0);
        ns_json_string(&json, "summary", fix->summary);
        ns_json_string(&json, "diff", diff.data != NULL ? diff.data : "");
        ns_json_close(&json, '}');
        ns_buffer_release_piece(&diff, out);
    }
    ns_json_close(&json, ']');
    ns_json_close(&json, '}');
    ns_json_end(&json);
}

/* ---- the command ----------------------------------------------------------------------------- */

static enum ns_exit exit_of(const struct ns_repair_result *result) {
    if (result->before == NS_VERIFY_INCOMPLETE)
        return NS_EXIT_INCOMPLETE;
    if (result->before == NS_VERIFY_PROVED || result->fix_count > 0)
        return NS_EXIT_HELD;
    return is_open(result) ? NS_EXIT_INCOMPLETE : NS_EXIT_FAILED;
}

static enum ns_exit repair(const struct ns_scenario *scenario, const struct ns_options *options, struct ns_buffer *text,
                           struct ns_buffer *json) {
    const char *names[NS_PRESET_LIMIT + 1];
    struct ns_machine_source machines;
    struct ns_repair_result result;
    char message[512] = "";
    ns_preset_source(&machines, names);
    const struct ns_repair_options how = {
        .verify = ns_verify_options_of(options), .machines = &machines, .minimise = options->minimise};
    const enum ns_status status = ns_repair_scenario(scenario, &how, &result, message, sizeof message);
    if (status != NS_OK) {
        ns_error("%s: %s", scenario->file, message[0] != '\0' ? message : ns_status_text(status));
        return status == NS_ERROR_ARGUMENT ? NS_EXIT_BAD_INPUT : NS_EXIT_INTERNAL;
    }
    write_text(scenario, options, &result, text);
    if (json != NULL)
        write_json(scenario, &result, json);
    enum ns_exit exit = exit_of(&result);
    if (options->write && result.fix_count > 0) {
        if (!ns_replace_file(scenario->file, result.fixes[0].text, strlen(result.fixes[0].text)))
            exit = NS_EXIT_BAD_INPUT;
    }
    ns_repair_release(&result);
    return exit;
}

enum ns_exit ns_repair_main(const struct ns_options *options) {
    struct ns_buffer text = {0}, json = {0};
    struct ns_input input;
    if (options->operand_count != 1) {
        ns_error("`nosnoop repair` needs one file: nosnoop repair FILE");
        return NS_EXIT_BAD_INPUT;
    }
    if (options->write && strcmp(options->operands[0], "-") == 0) {
        ns_error("`--write` needs a file to write to, and `-` is none");
        return NS_EXIT_BAD_INPUT;
    }
    ns_catch_interrupt();
    enum ns_exit result = ns_input_read(options->operands[0], &input);
    if (result == NS_EXIT_HELD && input.diagnostics.count > 0) {
        ns_input_complain(&input);
        result = NS_EXIT_BAD_INPUT;
    } else if (result == NS_EXIT_HELD && input.scenario->missing_requirement != NULL) {
        ns_error("%s: skipped: it requires `%s`, which this build does not have", options->operands[0],
                 input.scenario->missing_requirement);
        result = NS_EXIT_SKIPPED;
    } else if (result == NS_EXIT_HELD) {
        result = repair(input.scenario, options, &text, options->json ? &json : NULL);
    }
    ns_input_release(&input);
    enum ns_exit written = NS_EXIT_HELD;
    if (options->json && json.length > 0)
        written = ns_output_json(options, &json);
    if (!ns_output_is_json(options) && !ns_output_write(&text))
        written = NS_EXIT_INTERNAL;
    ns_buffer_release(&text);
    ns_buffer_release(&json);
    return written != NS_EXIT_HELD ? written : result;
}

/* ---- mutants --------------------------------------------------------------------------------- */

static const char *mutant_text(const struct ns_mutant *mutant) {
    switch (mutant->verdict) {
    case NS_MUTANT_REFUTED:
        return "needed";
    case NS_MUTANT_REDUNDANT:
        return "redundant";
    case NS_MUTANT_INCOMPLETE:
        return "incomplete";
    case NS_MUTANT_NO_PROGRAM:
        break;
    }
    return "no scenario";
}

static void write_mutants_text(const struct ns_scenario *scenario, const struct ns_options *options,
                               const struct ns_mutate_result *result, struct ns_buffer *out) {
    for (size_t i = 0; i < result->count && !options->quiet; i++) {
        const struct ns_mutant *mutant = &result->mutants[i];
        const struct ns_hazard_entry *hazard = ns_hazard_text(mutant->id);
        ns_buffer_format(out, "%-11s %-6s line %-4u ", mutant_text(mutant), ns_mutation_text(mutant->mutation),
                         mutant->line);
        ns_format_source(out, mutant->step, strnlen(mutant->step, 40));
        if (mutant->verdict == NS_MUTANT_REFUTED && hazard != NULL)
            ns_buffer_format(out, "  -> %s", hazard->id);
        ns_buffer_text(out, "\n");
    }
    if (result->before != NS_VERIFY_PROVED && !options->quiet)
        ns_buffer_text(out, "note: the scenario itself is not proved, so what a mutant shows may be its own hazard\n");
    ns_format_source(out, scenario->name, strlen(scenario->name));
    ns_buffer_text(out, ": ");
    ns_format_count(out, result->count, "mutant", "mutants");
    ns_buffer_format(out, ": %zu refuted, %zu proved redundant", result->refuted, result->redundant);
    const size_t rest = result->count - result->refuted - result->redundant - result->incomplete;
    if (result->incomplete > 0)
        ns_buffer_format(out, ", %zu incomplete", result->incomplete);
    if (rest > 0)
        ns_buffer_format(out, ", %zu no scenario any more", rest);
    ns_buffer_text(out, "\n");
    if (result->reason[0] != '\0') {
        ns_buffer_text(out, "note: not everything could be explored: ");
        ns_format_source(out, result->reason, strnlen(result->reason, sizeof result->reason));
        ns_buffer_text(out, "\n");
    }
}

static void write_mutants_json(const struct ns_scenario *scenario, const struct ns_mutate_result *result,
                               struct ns_buffer *out) {
    struct ns_json json;
    ns_json_begin(&json, out);
    ns_json_open(&json, NULL, '{');
    ns_json_string(&json, "schema", NS_REPORT_JSON_SCHEMA);
    ns_json_number(&json, "version", NS_REPORT_JSON_VERSION);
    ns_json_string(&json, "command", "mutate");
    ns_json_string(&json, "file", scenario->file);
    ns_json_string(&json, "scenario", scenario->name);
    ns_json_string(&json, "verdict", result->incomplete > 0 ? "incomplete" : "complete");
    ns_json_string(&json, "before", ns_verify_verdict_text(result->before));
    ns_json_number(&json, "refuted", result->refuted);
    ns_json_number(&json, "redundant", result->redundant);
    ns_json_number(&json, "incomplete", result->incomplete);
    ns_json_string(&json, "reason", result->reason);
    ns_json_open(&json, "mutants", '[');
    for (size_t i = 0; i < result->count; i++) {
        const struct ns_mutant *mutant = &result->mutants[i];
        const struct ns_hazard_entry *hazard = ns_hazard_text(mutant->id);
        ns_json_open(&json, NULL, '{');
        ns_json_string(&json, "mutation", ns_mutation_text(mutant->mutation));
        ns_json_number(&json, "line", mutant->line);
        ns_json_string_bounded(&json, "step", mutant->step, sizeof mutant->step);
        ns_json_string(&json, "verdict", mutant_text(mutant));
        if (mutant->verdict == NS_MUTANT_REFUTED && hazard != NULL) {
            ns_json_string(&json, "id", hazard->id);
            ns_json_number(&json, "hazard_line", mutant->hazard_line);
        }
        ns_json_close(&json, '}');
    }
    ns_json_close(&json, ']');
    ns_json_close(&json, '}');
    ns_json_end(&json);
}

enum ns_exit ns_mutate(const struct ns_scenario *scenario, const struct ns_options *options, bool color,
                       struct ns_buffer *text, struct ns_buffer *json) {
    const char *names[NS_PRESET_LIMIT + 1];
    struct ns_machine_source machines;
    struct ns_mutate_result result;
    char message[512] = "";
    (void)color;
    ns_preset_source(&machines, names);
    const struct ns_repair_options how = {.verify = ns_verify_options_of(options), .machines = &machines};
    const enum ns_status status = ns_mutate_scenario(scenario, &how, &result, message, sizeof message);
    if (status != NS_OK) {
        ns_error("%s: %s", scenario->file, message[0] != '\0' ? message : ns_status_text(status));
        return status == NS_ERROR_ARGUMENT ? NS_EXIT_BAD_INPUT : NS_EXIT_INTERNAL;
    }
    write_mutants_text(scenario, options, &result, text);
    if (json != NULL)
        write_mutants_json(scenario, &result, json);
    const bool open = result.incomplete > 0 || (how.verify.stop != NULL && *how.verify.stop != 0);
    ns_mutate_release(&result);
    return open ? NS_EXIT_INCOMPLETE : NS_EXIT_HELD;
}
