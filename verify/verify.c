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
    all->result->hardware_ordered |= program->hardware_ordered;
    all->result->calls_ordered |= program->calls_ordered;
    all->result->may |= program->may;
}

/* The lines of a whole cache are visited in an order of its own, which is not followed. It matters where somebody polls
 * one of them and no line leaves by itself. */
static bool cleans_all_while_somebody_polls(const struct program *program) {
    bool cleans = false;
    for (size_t i = 0; i < program->op_count && program->poll_count > 0 && (program->may & NS_MAY_EVICT) == 0; i++) {
        const struct ns_recorded *entry = &program->ops[i].recorded;
        cleans |= entry->kind == NS_RECORDED_MAINTAIN && (entry->flags & NS_RECORDED_WHOLE) != 0 &&
                  entry->op != NS_CACHE_INVALIDATE && entry->step != UINT32_MAX;
    }
    return cleans;
}

static enum ns_status verify_recording(struct verification *all, const struct ns_recording *recording,
                                       const uint32_t *order) {
    struct program program;
    struct lines lines;
    struct observation_sink sink;
    enum ns_status status = program_create(&program, all->scenario, recording, order, all->options->conversation);
    if (status != NS_OK)
        return status;
    if (all->options->unreduced)
        program_explore_all(&program);
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
        if (all->found.incomplete == NULL && cleans_all_while_somebody_polls(&program))
            all->found.incomplete =
                "a poll may see a part of `clean all` or `flush all`, which is searched as one piece";
        all->result->rough |= program_is_rough(&program);
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
    const bool named = !all->options->verdict_only && !all->options->stories_only;
    const bool shown = result->hazard_count > 0 || all->found.refused > 0;
    const bool hazards = shown || (all->found.count > 0 && !(named && result->rough));
    if (!hazards && all->found.count > 0 && all->found.incomplete == NULL)
        all->found.incomplete = "what a full queue lets go is followed only roughly here, and no counterexample "
                                "could be shown";
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
        result->as_expected &=
            result->observations[i].line == 0 || (result->observations[i].judged && result->observations[i].held);
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

/* What an engine does follows from what it reads, and the search follows no data. */
const struct ns_device *ns_verify_engine(const struct ns_scenario *scenario) {
    for (size_t i = 0; i < scenario->device_count; i++)
        if (scenario->devices[i].is_engine)
            return &scenario->devices[i];
    return NULL;
}

enum ns_status ns_verify_scenario(const struct ns_scenario *scenario, const struct ns_verify_options *options,
                                  struct ns_verify_result *result, char *message, size_t message_size) {
    struct verification all = {
        .scenario = scenario, .options = options, .result = result, .begin_us = verify_now_us(), .plain = {.pipe = -1}};
    *result = (struct ns_verify_result){.may = scenario->machine.may};
    if (message_size > 0)
        message[0] = '\0';
    const struct ns_device *engine = ns_verify_engine(scenario);
    if (engine != NULL) {
        result->verdict = NS_VERIFY_INCOMPLETE;
        snprintf(
            result->reason, sizeof result->reason,
            "`%s` is an engine: what it does follows from the descriptors that it reads, and the search follows no "
            "data; nothing was explored",
            engine->name);
        return NS_OK;
    }
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
    free(result->unreplayed_text);
    free(result->stories);
    for (size_t i = 0; i < result->log_count; i++)
        ns_log_destroy(result->logs[i]);
    free(result->logs);
    *result = (struct ns_verify_result){0};
}
