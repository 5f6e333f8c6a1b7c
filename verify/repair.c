/* SPDX-License-Identifier: Apache-2.0 */
#include "verify/repair_internal.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- trying ---------------------------------------------------------------------------------- */

static bool stopped(struct repair *repair) {
    const struct ns_verify_options *verify = &repair->options->verify;
    const bool stop = (verify->stop != NULL && *verify->stop != 0) || repair->result->tried >= repair->limit;
    repair->result->exhausted |= stop;
    return stop || repair->status != NS_OK;
}

static char *text_of(struct repair *repair, const size_t *which, size_t count) {
    struct edit edits[EDIT_SET * PARTS];
    size_t total = 0;
    for (size_t i = 0; i < count; i++)
        for (unsigned e = 0; e < repair->candidate[which[i]].edits; e++)
            edits[total++] = repair->candidate[which[i]].edit[e];
    char *text = edit_apply(repair->scenario, edits, total, false, true);
    if (text == NULL)
        repair->status = NS_ERROR_MEMORY;
    return text;
}

/* A candidate that could not be explored to its end is none that holds, and is told. */
static void note_incomplete(struct repair *repair, const char *reason) {
    if (repair->result->incomplete++ == 0)
        snprintf(repair->result->reason, sizeof repair->result->reason, "%s", reason);
}

static bool is_proved(struct repair *repair, const char *text) {
    struct edit_verdict verdict;
    repair->result->tried++;
    repair->status = edit_judge(repair->scenario, text, repair->options, &verdict);
    if (repair->status != NS_OK || !verdict.parsed)
        return false;
    if (verdict.verdict == NS_VERIFY_INCOMPLETE)
        note_incomplete(repair, verdict.reason);
    return verdict.verdict == NS_VERIFY_PROVED;
}

static struct edit_run plain_run(struct repair *repair, const char *text) {
    struct edit_run run = {0};
    if (repair->status == NS_OK)
        repair->status = edit_run(repair->scenario, text, repair->options, &run);
    return run;
}

/* Two ideas that change the same line do not go together. */
static bool compatible(const struct repair *repair, const size_t *which, size_t count) {
    for (size_t i = 0; i < count; i++)
        for (size_t j = i + 1; j < count; j++)
            for (unsigned a = 0; a < repair->candidate[which[i]].edits; a++)
                for (unsigned b = 0; b < repair->candidate[which[j]].edits; b++) {
                    const struct edit *one = &repair->candidate[which[i]].edit[a];
                    const struct edit *other = &repair->candidate[which[j]].edit[b];
                    if (one->kind == EDIT_REPLACE && other->kind == EDIT_REPLACE && one->line == other->line)
                        return false;
                }
    return true;
}

static char *summary_of(struct repair *repair, const size_t *which, size_t count) {
    char *summary = malloc(count * PARTS * (EDIT_TEXT + 32) + 1);
    size_t used = 0;
    if (summary == NULL)
        return NULL;
    summary[0] = '\0';
    for (size_t i = 0; i < count; i++) {
        const struct candidate *candidate = &repair->candidate[which[i]];
        for (unsigned e = 0; e < candidate->edits; e++) {
            const struct edit *edit = &candidate->edit[e];
            const bool removes = edit->kind == EDIT_REPLACE && edit->text[0] == '\0';
            used += (size_t)sprintf(summary + used, "line %" PRIu32 ": %s%s\n", edit->line,
                                    edit->kind == EDIT_BEFORE ? "before it, "
                                    : removes                 ? "moved from here"
                                                              : "becomes ",
                                    edit->text);
        }
    }
    return summary;
}

static void keep_fix(struct repair *repair, const size_t *which, size_t count, char *text) {
    struct ns_repair_result *result = repair->result;
    for (size_t i = 0; i < result->fix_count; i++)
        if (strcmp(result->fixes[i].text, text) == 0) {
            free(text); /* the same by another way */
            return;
        }
    struct ns_repair_fix *grown = realloc(result->fixes, (result->fix_count + 1) * sizeof *grown);
    char *summary = summary_of(repair, which, count);
    if (grown == NULL || summary == NULL) {
        if (grown != NULL)
            result->fixes = grown;
        free(summary);
        free(text);
        repair->status = NS_ERROR_MEMORY;
        return;
    }
    result->fixes = grown;
    struct ns_repair_fix *made = &result->fixes[result->fix_count++];
    *made = (struct ns_repair_fix){.text = text, .summary = summary, .parts = (unsigned)count};
    for (size_t i = 0; i < count; i++) {
        made->separates |= repair->candidate[which[i]].separates;
        made->retimes |= repair->candidate[which[i]].retimes;
        made->uncached |= repair->candidate[which[i]].uncached;
        for (unsigned e = 0; e < repair->candidate[which[i]].edits; e++)
            made->flushes += strstr(repair->candidate[which[i]].edit[e].text, ": flush ") != NULL;
    }
    const struct edit_run run = plain_run(repair, text);
    made->discards = run.discarded > result->discarded ? run.discarded - result->discarded : 0;
    made->cost_ps = (int64_t)run.end_ps - (int64_t)result->run_ps;
}

/* Does the set make the proof go through? `stories`: also notes whether it helps at all. */
static void try_set(struct repair *repair, const size_t *which, size_t count) {
    if (stopped(repair) || !compatible(repair, which, count))
        return;
    char *text = text_of(repair, which, count);
    if (text == NULL)
        return;
    if (is_proved(repair, text))
        keep_fix(repair, which, count, text);
    else
        free(text);
}

/* Some story of the original is gone with this idea alone. */
static bool helps(struct repair *repair, size_t which) {
    char *text = text_of(repair, &which, 1);
    if (text == NULL)
        return false;
    struct ns_diagnostics diagnostics;
    struct ns_scenario *scenario;
    ns_diagnostics_init(&diagnostics);
    repair->status = edit_parse(repair->scenario, text, repair->options->machines, &diagnostics, &scenario);
    bool gone = false;
    if (scenario != NULL) {
        struct ns_verify_options how = repair->options->verify;
        struct ns_verify_result result;
        how.stories_only = true;
        how.progress = NULL;
        repair->result->tried++;
        const enum ns_status status = ns_verify_scenario(scenario, &how, &result, NULL, 0);
        repair->status = status == NS_ERROR_ARGUMENT ? NS_OK : status;
        if (status == NS_OK) {
            if (result.verdict == NS_VERIFY_INCOMPLETE)
                note_incomplete(repair, result.reason);
            for (size_t i = 0; i < repair->story_count && !gone; i++) {
                bool there = false;
                for (size_t j = 0; j < result.story_count; j++)
                    there |= result.stories[j] == repair->stories[i];
                gone = !there;
            }
            ns_verify_release(&result);
        }
    }
    ns_scenario_destroy(scenario);
    ns_diagnostics_release(&diagnostics);
    free(text);
    return gone;
}

static void try_all(struct repair *repair) {
    bool *alone = calloc(CANDIDATES, sizeof *alone);
    size_t useful[USEFUL], useful_count = 0;
    if (alone == NULL) {
        repair->status = NS_ERROR_MEMORY;
        return;
    }
    for (size_t i = 0; i < repair->candidate_count && !stopped(repair); i++) {
        const size_t before = repair->result->fix_count;
        try_set(repair, &i, 1);
        alone[i] = repair->result->fix_count > before;
    }
    for (size_t i = 0; i < repair->candidate_count && useful_count < USEFUL && !stopped(repair); i++)
        if (!alone[i] && helps(repair, i))
            useful[useful_count++] = i;
    for (size_t a = 0; a < useful_count && !stopped(repair); a++)
        for (size_t b = a + 1; b < useful_count && !stopped(repair); b++)
            try_set(repair, (const size_t[]){useful[a], useful[b]}, 2);
    bool found = false;
    for (size_t i = 0; i < repair->result->fix_count; i++)
        found |= !repair->result->fixes[i].separates;
    for (size_t a = 0; a < useful_count && !found && !stopped(repair); a++)
        for (size_t b = a + 1; b < useful_count && !stopped(repair); b++)
            for (size_t c = b + 1; c < useful_count && !stopped(repair); c++)
                try_set(repair, (const size_t[]){useful[a], useful[b], useful[c]}, 3);
    free(alone);
}

/* ---- what can go ----------------------------------------------------------------------------- */

/* A line without this step's maintenance: nothing, or a call that leaves it out. False: there is none to leave out. */
static bool without_maintenance(const struct ns_scenario *scenario, const struct ns_step *step, char text[EDIT_TEXT]) {
    switch (step->verb) {
    case NS_VERB_SYNC:
    case NS_VERB_FENCE:
        text[0] = '\0';
        return true;
    case NS_VERB_MAP:
    case NS_VERB_UNMAP: {
        if (step->skip_cpu_sync)
            return false;
        char old[EDIT_TEXT];
        repair_copy_line(scenario, step->line, old);
        /* In front of a result, of what is expected, and of a comment. */
        size_t at = strcspn(old, "#");
        char *arrow = strstr(old, "->"), *expect = strstr(old, " expect ");
        if (arrow != NULL && (size_t)(arrow - old) < at)
            at = (size_t)(arrow - old);
        if (expect != NULL && (size_t)(expect - old) < at)
            at = (size_t)(expect - old);
        const char *rest = old + at;
        size_t end = at;
        while (end > 0 && old[end - 1] == ' ')
            end--;
        snprintf(text, EDIT_TEXT, "%.*s skip-cpu-sync%s%.80s", (int)(end < 120 ? end : 120), old,
                 rest[0] != '\0' && rest[0] != ' ' ? " " : "", rest);
        return true;
    }
    default:
        text[0] = '\0';
        return step_maintains(step);
    }
}

/* Leaves out, one after the other, what the proof does not need: what saves most first. */
static void minimise(struct repair *repair) {
    const struct ns_scenario *scenario = repair->scenario;
    struct edit *kept = calloc(scenario->written_count + 1, sizeof *kept);
    bool *done = calloc(scenario->written_count + 1, sizeof *done);
    size_t kept_count = 0;
    if (kept == NULL || done == NULL)
        repair->status = NS_ERROR_MEMORY;
    uint64_t best_run = repair->result->run_ps;
    for (bool again = true; again && !stopped(repair);) {
        struct edit best = {0};
        size_t best_site = 0;
        uint64_t run = 0;
        again = false;
        for (size_t i = 0; i < scenario->written_count && !stopped(repair); i++) {
            struct edit one = {.kind = EDIT_REPLACE, .line = scenario->written[i].line};
            if (done[i] || !without_maintenance(scenario, &scenario->written[i], one.text))
                continue;
            kept[kept_count] = one;
            char *text = edit_apply(scenario, kept, kept_count + 1, false, true);
            if (text == NULL)
                repair->status = NS_ERROR_MEMORY;
            const bool proved = text != NULL && is_proved(repair, text);
            const struct edit_run without = proved ? plain_run(repair, text) : (struct edit_run){0};
            if (proved && without.discarded <= repair->result->discarded) {
                const uint64_t time = without.end_ps;
                if (!again || time < run) {
                    best = one;
                    best_site = i;
                    run = time;
                }
                again = true;
            } else if (!proved) { /* what only keeps stored bytes from an invalidate may go when that has gone */
                done[i] = true;   /* what is needed now is needed with less around it, too */
            }
            free(text);
        }
        if (again) {
            kept[kept_count++] = best;
            done[best_site] = true;
            best_run = run;
        }
    }
    if (kept_count > 0 && repair->status == NS_OK) {
        struct ns_repair_fix *fix = calloc(1, sizeof *fix);
        if (fix != NULL) {
            fix->text = edit_apply(scenario, kept, kept_count, false, true);
            fix->summary = malloc(kept_count * (EDIT_TEXT + 48) + 1);
            fix->parts = (unsigned)kept_count;
            fix->cost_ps = (int64_t)best_run - (int64_t)repair->result->run_ps;
            size_t used = 0;
            for (size_t i = 0; i < kept_count && fix->summary != NULL; i++)
                used += (size_t)sprintf(fix->summary + used, "line %" PRIu32 ": %s%s\n", kept[i].line,
                                        kept[i].text[0] == '\0' ? "left out" : "becomes ", kept[i].text);
            repair->result->fixes = fix;
            repair->result->fix_count = 1;
        }
        if (fix == NULL || fix->text == NULL || fix->summary == NULL)
            repair->status = NS_ERROR_MEMORY;
    }
    free(kept);
    free(done);
}

/* ---- the whole ------------------------------------------------------------------------------- */

static int cheapest_first(const void *a, const void *b) {
    const struct ns_repair_fix *left = a, *right = b;
    if ((left->discards > 0) != (right->discards > 0))
        return left->discards > 0 ? 1 : -1;
    if (left->uncached != right->uncached)
        return left->uncached ? 1 : -1;
    if (left->retimes != right->retimes)
        return left->retimes ? 1 : -1;
    if (left->cost_ps != right->cost_ps)
        return left->cost_ps < right->cost_ps ? -1 : 1;
    if (left->parts != right->parts)
        return left->parts < right->parts ? -1 : 1;
    if (left->flushes != right->flushes) /* the weakest operation that does says most about what was missing */
        return left->flushes < right->flushes ? -1 : 1;
    return strcmp(left->text, right->text);
}

enum ns_status ns_repair_scenario(const struct ns_scenario *scenario, const struct ns_repair_options *options,
                                  struct ns_repair_result *result, char *message, size_t message_size) {
    struct repair repair = {.scenario = scenario,
                            .options = options,
                            .result = result,
                            .limit = options->candidates != 0 ? options->candidates : NS_REPAIR_CANDIDATES};
    *result = (struct ns_repair_result){.cycle_ps = scenario->machine.hart_clock_ps};
    struct ns_verify_options how = options->verify;
    struct ns_verify_result original;
    how.stories_only = true;
    repair.status = ns_verify_scenario(scenario, &how, &original, message, message_size);
    if (repair.status != NS_OK)
        return repair.status;
    result->before = original.verdict;
    if (original.verdict == NS_VERIFY_INCOMPLETE)
        memcpy(result->reason, original.reason, sizeof result->reason);
    repair.stories = original.stories;
    repair.story_count = original.story_count;
    char *same = edit_apply(scenario, NULL, 0, false, true);
    if (same == NULL) {
        repair.status = NS_ERROR_MEMORY;
    } else {
        const struct edit_run run = plain_run(&repair, same);
        result->run_ps = run.end_ps;
        result->discarded = run.discarded;
    }
    free(same);
    repair.candidate = calloc(CANDIDATES, sizeof *repair.candidate);
    if (repair.candidate == NULL)
        repair.status = NS_ERROR_MEMORY;
    if (repair.status == NS_OK && original.verdict == NS_VERIFY_REFUTED) {
        propose(&repair);
        try_all(&repair);
        if (result->fix_count > 0)
            qsort(result->fixes, result->fix_count, sizeof *result->fixes, cheapest_first);
        result->only_separation = result->fix_count > 0;
        for (size_t i = 0; i < result->fix_count; i++)
            result->only_separation &= result->fixes[i].separates;
    } else if (repair.status == NS_OK && original.verdict == NS_VERIFY_PROVED && options->minimise) {
        minimise(&repair);
    }
    free(repair.candidate);
    ns_verify_release(&original);
    if (repair.status != NS_OK) {
        if (message_size > 0)
            snprintf(message, message_size, "%s", ns_status_text(repair.status));
        ns_repair_release(result);
    }
    return repair.status;
}

void ns_repair_release(struct ns_repair_result *result) {
    for (size_t i = 0; i < result->fix_count; i++) {
        free(result->fixes[i].text);
        free(result->fixes[i].summary);
    }
    free(result->fixes);
    result->fixes = NULL;
    result->fix_count = 0;
}
