/* SPDX-License-Identifier: Apache-2.0 */
#include "verify/edit.h"

#include "verify/child.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- texts ----------------------------------------------------------------------------------- */

struct text {
    char *data;
    size_t length, capacity;
    bool failed;
};

static void add(struct text *text, const char *bytes, size_t length) {
    if (text->length + length + 1 > text->capacity) {
        const size_t capacity = 2 * (text->length + length + 64);
        char *grown = realloc(text->data, capacity);
        if (grown == NULL) {
            text->failed = true;
            return;
        }
        text->data = grown;
        text->capacity = capacity;
    }
    memcpy(text->data + text->length, bytes, length);
    text->length += length;
    text->data[text->length] = '\0';
}

static size_t line_length(const char *line) {
    return strcspn(line, "\n");
}

/* A step's line without ` expect ...`: what is expected of a bug is no part of its repair. A comment behind it stays.
 */
static void add_stripped(struct text *text, const struct ns_step *step, const char *line) {
    const size_t length = line_length(line);
    const char *expect = NULL;
    for (const char *at = line; at + 8 < line + length && *at != '#'; at++)
        if (strncmp(at, " expect ", 8) == 0) {
            expect = at;
            break;
        }
    if (step == NULL || step->expect_count == 0 || expect == NULL) {
        add(text, line, length);
        return;
    }
    const char *end = expect;
    while (end > line && end[-1] == ' ')
        end--;
    add(text, line, (size_t)(end - line));
    const char *comment = memchr(expect, '#', (size_t)(line + length - expect));
    if (comment != NULL) {
        add(text, "  ", 2);
        add(text, comment, (size_t)(line + length - comment));
    }
}

static const struct ns_step *step_on(const struct ns_scenario *scenario, uint32_t line) {
    for (size_t i = 0; i < scenario->written_count; i++)
        if (scenario->written[i].line == line)
            return &scenario->written[i];
    return NULL;
}

bool step_maintains(const struct ns_step *step) {
    switch (step->verb) {
    case NS_VERB_CLEAN:
    case NS_VERB_INVALIDATE:
    case NS_VERB_FLUSH:
    case NS_VERB_CBO:
    case NS_VERB_DCACHE:
    case NS_VERB_SYNC_FOR_CPU:
    case NS_VERB_SYNC_FOR_DEVICE:
        return true;
    default:
        return false;
    }
}

char *edit_apply(const struct ns_scenario *scenario, const struct edit *edits, size_t count, bool keep_lines,
                 bool strip) {
    struct text text = {0};
    for (uint32_t line = 1; line <= scenario->line_count; line++) {
        const struct edit *replace = NULL;
        uint32_t source = line;
        for (size_t i = 0; i < count; i++) {
            if (edits[i].kind == EDIT_BEFORE && edits[i].line == line) {
                add(&text, edits[i].text, strlen(edits[i].text));
                add(&text, "\n", 1);
            } else if (edits[i].kind == EDIT_REPLACE && edits[i].line == line) {
                replace = &edits[i];
            } else if (edits[i].kind == EDIT_SWAP && (edits[i].line == line || edits[i].other == line)) {
                source = edits[i].line == line ? edits[i].other : edits[i].line;
            }
        }
        if (replace != NULL) {
            add(&text, replace->text, strlen(replace->text));
            if (replace->text[0] != '\0' || keep_lines)
                add(&text, "\n", 1);
            continue;
        }
        const char *from = scenario->lines[source - 1];
        if (strip)
            add_stripped(&text, step_on(scenario, source), from);
        else
            add(&text, from, line_length(from));
        if (line < scenario->line_count || from[line_length(from)] == '\n')
            add(&text, "\n", 1);
    }
    for (size_t i = 0; i < count; i++)
        if (edits[i].kind == EDIT_BEFORE && edits[i].line == scenario->line_count + 1) {
            add(&text, edits[i].text, strlen(edits[i].text));
            add(&text, "\n", 1);
        }
    if (text.failed) {
        free(text.data);
        return NULL;
    }
    return text.data;
}

/* ---- verdicts -------------------------------------------------------------------------------- */

enum ns_status edit_parse(const struct ns_scenario *original, const char *text,
                          const struct ns_machine_source *machines, struct ns_diagnostics *diagnostics,
                          struct ns_scenario **scenario) {
    *scenario = ns_scenario_parse(original->file, text, strlen(text), machines, diagnostics);
    if (*scenario == NULL)
        return NS_ERROR_MEMORY;
    if (diagnostics->count > 0) {
        ns_scenario_destroy(*scenario);
        *scenario = NULL;
    }
    return NS_OK;
}

enum ns_status edit_judge(const struct ns_scenario *original, const char *text, const struct ns_repair_options *options,
                          struct edit_verdict *verdict) {
    struct ns_diagnostics diagnostics;
    struct ns_scenario *scenario;
    ns_diagnostics_init(&diagnostics);
    enum ns_status status = edit_parse(original, text, options->machines, &diagnostics, &scenario);
    *verdict = (struct edit_verdict){.parsed = scenario != NULL, .verdict = NS_VERIFY_REFUTED};
    if (scenario != NULL) {
        struct ns_verify_options how = options->verify;
        struct ns_verify_result result;
        char message[256];
        how.verdict_only = true;
        how.progress = NULL;
        status = ns_verify_scenario(scenario, &how, &result, message, sizeof message);
        if (status == NS_OK) {
            verdict->verdict = result.verdict;
            if (result.verdict == NS_VERIFY_INCOMPLETE)
                memcpy(verdict->reason, result.reason, sizeof verdict->reason);
            ns_verify_release(&result);
        } else if (status == NS_ERROR_ARGUMENT) {
            verdict->parsed = false;
            status = NS_OK;
        }
    }
    ns_scenario_destroy(scenario);
    ns_diagnostics_release(&diagnostics);
    return status;
}

enum ns_status edit_run(const struct ns_scenario *original, const char *text, const struct ns_repair_options *options,
                        struct edit_run *run) {
    struct ns_diagnostics diagnostics;
    struct ns_scenario *scenario = NULL;
    struct child child;
    ns_diagnostics_init(&diagnostics);
    struct ns_log *log = ns_log_create();
    enum ns_status status =
        log == NULL ? NS_ERROR_MEMORY : edit_parse(original, text, options->machines, &diagnostics, &scenario);
    *run = (struct edit_run){0};
    if (scenario != NULL) {
        const enum ns_status ran =
            child_run(&child, scenario, NULL, 0) ? child_finish(&child, log, NULL, NULL, 0) : NS_ERROR_MEMORY;
        status = ran == NS_ERROR_MEMORY ? ran : NS_OK;
        bool ended = ran == NS_OK;
        for (size_t i = 0; i < log->hazard_count; i++)
            ended &= log->hazard[i].symptom != NS_SYMPTOM_HANG;
        run->end_ps = ended ? log->end_ps : 0;
        run->discarded = log->discarded;
    }
    ns_log_destroy(log);
    ns_scenario_destroy(scenario);
    ns_diagnostics_release(&diagnostics);
    return status;
}
