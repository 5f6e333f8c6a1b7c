/* SPDX-License-Identifier: Apache-2.0 */
#include "verify/verify.h"

#include "verify/child.h"
#include "verify/hash.h"
#include "verify/orders.h"
#include "verify/replay.h"
#include "verify/search.h"
#include "verify/sink.h"
#include "verify/verify_internal.h"
#include "verify/waits.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

const char *ns_verify_verdict_text(enum ns_verify_verdict verdict) {
    return verdict == NS_VERIFY_PROVED ? "proved" : verdict == NS_VERIFY_REFUTED ? "refuted" : "incomplete";
}

const char *ns_verify_quantifier_text(enum ns_verify_quantifier quantifier) {
    return quantifier == NS_FOUND_ALWAYS ? "always" : quantifier == NS_FOUND_SOMETIMES ? "sometimes" : "never";
}

uint64_t verify_now_us(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

/* ---- one program: all of its lines ----------------------------------------------------------- */

static void tell_progress(void *context, uint64_t states) {
    const struct verification *all = context;
    if (all->options->progress == NULL)
        return;
    const struct ns_verify_progress now = {
        .states = all->found.states + states, .lines_done = all->lines_done, .lines = all->lines_all};
    all->options->progress(all->options->progress_context, &now);
}

/* What one search is about: a line, and which of its bytes; NULL: only what is polled. */
struct subject {
    const struct unit *unit;
    bool focused;
    uint16_t first, end;
};

/* Does one of the kept polls look at the line? */
static bool takes_part(const struct lines *lines, const struct unit *unit, const bool *keep) {
    bool part = keep == NULL;
    for (uint32_t i = 0; i < unit->count && !part; i++)
        part = keep[lines->ops[unit->first + i].op];
    return part;
}

static struct search_limits limits_of(struct verification *all) {
    const struct ns_verify_options *options = all->options;
    const uint64_t states = options->state_limit != 0 ? options->state_limit : NS_VERIFY_STATES;
    return (struct search_limits){.states = all->found.states < states ? states - all->found.states : 0,
                                  .bytes = options->memory_limit != 0 ? options->memory_limit : NS_VERIFY_MEMORY,
                                  .deadline_us =
                                      options->time_limit_ms == 0 ? 0 : all->begin_us + options->time_limit_ms * 1000,
                                  .stop = options->stop,
                                  .progress = tell_progress,
                                  .context = all,
                                  .first_only = options->verdict_only};
}

/* Searches the subject with the control lines, of which only the polled bytes matter to it; keep: with these polls
 * only, or NULL. */
static enum ns_status search_with(struct verification *all, const struct lines *lines, const struct subject *subject,
                                  const bool *keep, struct observation_sink *sink, struct search_result *found) {
    const struct unit *units[SEARCH_UNITS + 1];
    struct world_options options[SEARCH_UNITS + 1];
    unsigned count = 0;
    if (subject->unit != NULL) {
        units[count] = subject->unit;
        options[count++] = (struct world_options){.may = lines->program->may,
                                                  .keep_contents = sink != NULL,
                                                  .focused = subject->focused,
                                                  .first = subject->first,
                                                  .end = subject->end,
                                                  .polls = keep};
    }
    for (size_t i = 0; i < lines->unit_count && count <= SEARCH_UNITS; i++) {
        if (!lines->units[i].control || &lines->units[i] == subject->unit || !takes_part(lines, &lines->units[i], keep))
            continue;
        units[count] = &lines->units[i];
        options[count++] = (struct world_options){.may = lines->program->may, .focused = true, .polls = keep};
    }
    if (count > SEARCH_UNITS) {
        found->incomplete = "more lines are polled than are searched together";
        return NS_OK;
    }
    const struct search_limits limits = limits_of(all);
    struct projection *projection = malloc(sizeof *projection);
    enum ns_status status = NS_ERROR_MEMORY;
    if (projection != NULL)
        status = projection_create(projection, lines, units, count, options, keep);
    if (status == NS_OK) {
        status = search(projection, &limits, sink, found);
        projection_release(projection);
    } else if (status == NS_ERROR_LIMIT) {
        found->incomplete = "an actor has more operations on one line than are searched";
        status = NS_OK;
    }
    free(projection);
    return status;
}

/* Was anything found about these bytes of the subject, a poll of them that does not end included? What else is in the
 * search because it is polled has a search of its own. */
static bool shows(const struct search_result *found, const struct subject *subject, uint16_t from, uint16_t to) {
    const uint64_t first = subject->unit->address + from, last = subject->unit->address + to - 1;
    for (size_t i = 0; i < found->count; i++) {
        const struct discovery *one = &found->discoveries[i];
        if (one->first <= last && first <= one->last)
            return true;
    }
    return false;
}

/* With few polls first, where that can prove it: then nothing more is to be done. */
static enum ns_status search_subject(struct verification *all, const struct lines *lines, const struct subject *subject,
                                     struct observation_sink *sink) {
    uint16_t first, end;
    const bool observed = subject->unit != NULL && sink != NULL && sink_range(sink, subject->unit, &first, &end);
    if (all->static_waits && subject->unit != NULL && !observed) {
        bool *keep = calloc(lines->program->op_count + 1, sizeof *keep);
        if (keep == NULL)
            return NS_ERROR_MEMORY;
        const uint16_t from = subject->focused ? subject->first : 0;
        const uint16_t to = subject->focused ? subject->end : (uint16_t)lines->size;
        struct search_result found = {0};
        (void)waits_near(lines, subject->unit, from, to, keep);
        const enum ns_status status = search_with(all, lines, subject, keep, NULL, &found);
        const bool proved = status == NS_OK && !shows(&found, subject, from, to) && found.incomplete == NULL;
        all->found.states += found.states;
        all->found.transitions += found.transitions;
        all->found.worlds.states += found.worlds.states;
        all->found.worlds.moves += found.worlds.moves;
        all->found.bytes = found.bytes > all->found.bytes ? found.bytes : all->found.bytes;
        search_result_release(&found);
        free(keep);
        if (proved || status != NS_OK)
            return status;
    }
    return search_with(all, lines, subject, NULL, sink, &all->found);
}

static bool may_go_on(const struct verification *all) {
    return all->found.incomplete == NULL && !(all->options->verdict_only && all->found.count > 0);
}

/* One line: in one search, or cell by cell where many of its bytes may be on their way at a time; then what is observed
 * of it is searched together. */
static enum ns_status search_unit(struct verification *all, const struct lines *lines, const struct unit *unit,
                                  struct observation_sink *sink) {
    enum { TOGETHER = 3 };
    if (world_flying_cells(lines, unit) <= TOGETHER)
        return search_subject(all, lines, &(struct subject){.unit = unit}, sink);
    struct unit_op *ops = malloc((unit->count + 1) * sizeof *ops);
    uint16_t cut[UNIT_MAX + 1];
    if (ops == NULL)
        return NS_ERROR_MEMORY;
    unit_fold(lines, unit, ops, cut);
    free(ops);
    enum ns_status status = NS_OK;
    for (uint32_t cell = 0; cell < unit->cells && status == NS_OK && may_go_on(all); cell++)
        if (cell == 0 || cut[cell] != cut[cell - 1]) {
            uint32_t end = cell + 1;
            while (end < unit->cells && cut[end] == cut[cell])
                end++;
            const struct subject subject = {.unit = unit, .focused = true, .first = cut[cell], .end = cut[end]};
            status = search_subject(all, lines, &subject, NULL);
        }
    uint16_t first, end;
    if (status == NS_OK && may_go_on(all) && sink_range(sink, unit, &first, &end)) {
        const struct subject subject = {.unit = unit, .focused = true, .first = first, .end = end};
        status = search_subject(all, lines, &subject, sink);
    }
    return status;
}

static enum ns_status search_lines(struct verification *all, const struct lines *lines, struct observation_sink *sink) {
    enum ns_status status = NS_OK;
    all->lines_all = lines->classes;
    all->lines_done = 0;
    for (size_t i = 0; i < lines->unit_count && status == NS_OK && may_go_on(all); i++) {
        const struct unit *unit = &lines->units[i];
        if ((!unit->interesting && !unit->control) || unit->class_of != i)
            continue;
        status = search_unit(all, lines, unit, sink);
        all->lines_done++;
    }
    /* A program without any line may still hang. */
    if (status == NS_OK && may_go_on(all) && lines->classes == 0)
        status = search_subject(all, lines, &(struct subject){0}, sink);
    return status;
}

static void add_stats(struct verification *all, const struct program *program, const struct lines *lines) {
    struct ns_verify_stats *stats = &all->result->stats;
    stats->data_lines = lines->interesting > lines->controls ? lines->interesting - lines->controls : 0;
    stats->control_lines = lines->controls;
    stats->line_classes = lines->classes - lines->controls;
    stats->actors = program->harts + program->devices;
    stats->steps = program->step_count;
    stats->states = all->found.states;
    stats->transitions = all->found.transitions;
    stats->line_states = all->found.worlds.states;
    stats->line_moves = all->found.worlds.moves;
    stats->memory_bytes = all->found.bytes;
    all->result->order_assumed |= program->order_assumed;
    all->result->may |= program->may;
}

static enum ns_status verify_recording(struct verification *all, const struct ns_recording *recording,
                                       const uint32_t *order) {
    struct program program;
    struct lines lines;
    struct observation_sink sink;
    enum ns_status status = program_create(&program, all->scenario, recording, order, all->options->conversation);
    if (status != NS_OK)
        return status;
    for (uint32_t reg = 0; reg < all->scenario->register_count && !all->options->verdict_only; reg++)
        program.observed[reg] = sink_wants_register(all->scenario, reg);
    const uint32_t needed = NS_MAY_DRAIN | NS_MAY_SPECULATIVE_FILL; /* what a poll that is left out would have done */
    if ((program.may & needed) == needed)
        status = waits_are_static(&program, &all->static_waits);
    if (status != NS_OK) {
        program_release(&program);
        return status;
    }
    status = lines_create(&lines, &program);
    if (status == NS_OK && !all->options->verdict_only)
        status = sink_create(&sink, &program, &lines);
    if (status == NS_OK) {
        status = search_lines(all, &lines, all->options->verdict_only ? NULL : &sink);
        add_stats(all, &program, &lines);
        if (status == NS_OK && !all->options->verdict_only)
            status = judge_observations(all, &sink);
    }
    if (!all->options->verdict_only && lines.units != NULL)
        sink_release(&sink);
    lines_release(&lines);
    program_release(&program);
    return status;
}

/* ---- stories --------------------------------------------------------------------------------- */

static uint64_t line_hash(const struct ns_scenario *scenario, uint32_t step) {
    if (step == UINT32_MAX)
        return 0;
    const char *line = scenario->lines[scenario->steps[step].step->line - 1];
    return hash_bytes(line, strcspn(line, "\n#"), 7);
}

static enum ns_status tell_stories(struct verification *all) {
    struct ns_verify_result *result = all->result;
    result->stories = calloc(all->found.count + 1, sizeof *result->stories);
    if (result->stories == NULL)
        return NS_ERROR_MEMORY;
    for (size_t i = 0; i < all->found.count; i++) {
        const struct discovery *one = &all->found.discoveries[i];
        const uint64_t story = hash_mix(line_hash(all->scenario, one->step) + one->finding.kind) ^
                               hash_mix(line_hash(all->scenario, one->newest_step) + one->finding.where + 100);
        bool known = false;
        for (size_t j = 0; j < result->story_count && !known; j++)
            known = result->stories[j] == story;
        if (!known)
            result->stories[result->story_count++] = story;
    }
    return NS_OK;
}

/* ---- the whole ------------------------------------------------------------------------------- */

static void conclude(struct verification *all) {
    struct ns_verify_result *result = all->result;
    const bool hazards = result->hazard_count > 0 || all->found.count > 0 || all->found.refused > 0;
    result->verdict = hazards                         ? NS_VERIFY_REFUTED
                      : all->found.incomplete != NULL ? NS_VERIFY_INCOMPLETE
                                                      : NS_VERIFY_PROVED;
    if (all->found.incomplete != NULL)
        snprintf(result->reason, sizeof result->reason, "%s; %zu of %zu lines were explored, %llu states",
                 all->found.incomplete, all->lines_done, all->lines_all, (unsigned long long)all->found.states);
    bool expects = false;
    for (size_t i = 0; i < all->scenario->written_count; i++)
        expects |= all->scenario->written[i].expect_count > 0;
    result->as_expected = expects ? result->missing_count == 0 : result->verdict == NS_VERIFY_PROVED;
    for (size_t i = 0; i < result->observation_count; i++)
        result->as_expected &= !result->observations[i].judged || result->observations[i].held;
}

static enum ns_status verify_orders(struct verification *all, char *message, size_t message_size) {
    struct orders orders;
    if (!orders_create(&orders, all->scenario))
        return NS_ERROR_MEMORY;
    if (orders.more)
        all->found.incomplete = "more orders of competing allocations are possible than are explored";
    enum ns_status status = NS_OK;
    for (size_t i = 0; i < orders.count && status == NS_OK; i++) {
        struct child child;
        struct ns_log *log = ns_log_create();
        struct ns_recording recording = {0};
        const uint64_t begin = verify_now_us();
        status = log != NULL && child_record(&child, all->scenario, orders.order[i]) ? NS_OK : NS_ERROR_MEMORY;
        if (i == 0 && status == NS_OK && !all->options->verdict_only && !all->options->stories_only)
            (void)child_run(&all->plain, all->scenario, NULL, 0);
        if (status == NS_OK)
            status = child_finish(&child, log, &recording, message, message_size);
        all->result->stats.record_us += verify_now_us() - begin;
        if (status == NS_OK) {
            const char *before = all->found.incomplete;
            status = verify_recording(all, &recording, orders.order[i]);
            if (status == NS_ERROR_LIMIT) {
                all->found.incomplete = before != NULL ? before : "the program is longer than is searched";
                status = NS_OK;
            }
        }
        if (status == NS_OK)
            status = keep_refusals(all, log, orders.order[i]);
        ns_log_destroy(log);
        ns_recording_release(&recording);
    }
    all->result->stats.orders = orders.count;
    orders_release(&orders);
    return status;
}

enum ns_status ns_verify_scenario(const struct ns_scenario *scenario, const struct ns_verify_options *options,
                                  struct ns_verify_result *result, char *message, size_t message_size) {
    struct verification all = {
        .scenario = scenario, .options = options, .result = result, .begin_us = verify_now_us(), .plain = {.pipe = -1}};
    *result = (struct ns_verify_result){.may = scenario->machine.may};
    if (message_size > 0)
        message[0] = '\0';
    enum ns_status status = verify_orders(&all, message, message_size);
    const uint64_t explored = verify_now_us();
    result->stats.explore_us = explored - all.begin_us - result->stats.record_us;
    if (options->stories_only && status == NS_OK)
        status = tell_stories(&all);
    else if (!options->verdict_only)
        status = name_hazards(&all, status);
    result->stats.replay_us = verify_now_us() - explored;
    if (status == NS_OK)
        conclude(&all);
    search_result_release(&all.found);
    if (status != NS_OK) {
        if (message_size > 0 && message[0] == '\0')
            snprintf(message, message_size, "%s", ns_status_text(status));
        ns_verify_release(result);
    }
    return status;
}

void ns_verify_release(struct ns_verify_result *result) {
    for (size_t i = 0; i < result->hazard_count; i++) {
        free((void *)(uintptr_t)result->hazards[i].schedule);
        free(result->hazards[i].schedule_text);
    }
    free(result->hazards);
    for (size_t i = 0; i < result->observation_count; i++)
        free(result->observations[i].schedule_text);
    free(result->observations);
    free(result->missing);
    free(result->stories);
    for (size_t i = 0; i < result->log_count; i++)
        ns_log_destroy(result->logs[i]);
    free(result->logs);
    *result = (struct ns_verify_result){0};
}
