/* SPDX-License-Identifier: Apache-2.0 */
/* The steps of a schedule in the order in which they are executed, and where they stop for others. */
#include "scenarios/run_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct plan {
    struct run *run;
    bool *used;                 /* by step as executed */
    size_t open[NS_MAX_ACTORS]; /* by actor: 1 + place of its step that has stopped, 0: none */
    size_t steps;               /* begun */
    char *message;
    size_t size;
};

/* As run_actor(), before there is a machine. */
static unsigned actor_of(const struct plan *plan, const struct ns_step *step) {
    const struct ns_scenario *scenario = plan->run->scenario;
    const unsigned harts = scenario->machine.cache.harts;
    return step->actor_kind == NS_ACTOR_HART     ? step->actor
           : step->actor_kind == NS_ACTOR_DEVICE ? harts + step->actor
                                                 : harts + (unsigned)scenario->device_count;
}

static enum ns_status add_move(struct plan *plan, const struct ns_schedule_item *item) {
    struct run *run = plan->run;
    run->late |= item->kind == NS_SCHEDULE_LATE;
    run->no_prefetcher |= item->kind == NS_SCHEDULE_NO_PREFETCHER;
    run->no_timers |= item->kind == NS_SCHEDULE_NO_TIMERS;
    run->move[run->move_count++] = (struct run_move){*item, run->plan_count};
    return NS_OK;
}

static void add_step(struct plan *plan, const struct ns_step *step, const struct ns_schedule_item *item) {
    struct run *run = plan->run;
    const size_t place = run->plan_count++;
    const unsigned actor = actor_of(plan, step);
    const bool stops = item != NULL && (item->part > 0 || item->has_address);
    run->plan[place] = step;
    run->stop[place] = (struct run_stop){.part = item == NULL ? 0 : item->part,
                                         .address = stops && item->has_address ? item->address : UINT64_MAX,
                                         .comes = item != NULL && item->comes,
                                         .stops = stops,
                                         .continues = plan->open[actor] > 0};
    if (place > 0)
        run->stop[place].turn = run->stop[place - 1].turn + (run_same_actor(run->plan[place - 1], step) ? 0 : 1);
    if (plan->open[actor] > 0)
        run->stop[plan->open[actor] - 1].goes_on = place;
    plan->open[actor] = stops ? place + 1 : 0;
}

/* Does the item go on with a step that has stopped? */
static const struct ns_step *stopped_at(const struct plan *plan, uint32_t line) {
    for (unsigned actor = 0; actor < NS_MAX_ACTORS; actor++)
        if (plan->open[actor] > 0 && plan->run->plan[plan->open[actor] - 1]->line == line)
            return plan->run->plan[plan->open[actor] - 1];
    return NULL;
}

static enum ns_status refuse_line(struct plan *plan, uint32_t line) {
    const struct ns_scenario *scenario = plan->run->scenario;
    bool is_step = false;
    for (size_t w = 0; w < scenario->written_count; w++)
        is_step = is_step || scenario->written[w].line == line;
    snprintf(plan->message, plan->size,
             is_step ? "the schedule names line %u more often than the scenario executes it"
                     : "the schedule names line %u, where the scenario has no step",
             line);
    return NS_ERROR_ARGUMENT;
}

/* Each line number is the next occurrence of that line. An actor's own order must be kept; the hardware has none, and
 * may leave its moves out. */
static enum ns_status begin_step(struct plan *plan, const struct ns_schedule_item *item) {
    const struct ns_scenario *scenario = plan->run->scenario;
    const uint32_t line = item->line;
    size_t at = 0;
    while (at < scenario->step_count && (plan->used[at] || scenario->steps[at].step->line != line))
        at++;
    if (at == scenario->step_count)
        return refuse_line(plan, line);
    const struct ns_step *step = scenario->steps[at].step;
    for (size_t before = 0; before < at && step->actor_kind != NS_ACTOR_HARDWARE; before++)
        if (!plan->used[before] && run_same_actor(scenario->steps[before].step, step)) {
            snprintf(plan->message, plan->size, "the schedule puts line %u before line %u of the same actor", line,
                     scenario->steps[before].step->line);
            return NS_ERROR_ARGUMENT;
        }
    const size_t open = plan->open[actor_of(plan, step)];
    if (open > 0) {
        snprintf(plan->message, plan->size, "the schedule begins line %u before line %u of the same actor has ended",
                 line, plan->run->plan[open - 1]->line);
        return NS_ERROR_ARGUMENT;
    }
    plan->used[at] = true;
    plan->steps++;
    add_step(plan, step, item);
    return NS_OK;
}

/* What has stopped goes on in the end, in the order in which it stopped. */
static void go_on(struct plan *plan) {
    for (;;) {
        unsigned first = NS_MAX_ACTORS;
        for (unsigned actor = 0; actor < NS_MAX_ACTORS; actor++)
            if (plan->open[actor] > 0 && (first == NS_MAX_ACTORS || plan->open[actor] < plan->open[first]))
                first = actor;
        if (first == NS_MAX_ACTORS)
            return;
        add_step(plan, plan->run->plan[plan->open[first] - 1], NULL);
    }
}

enum ns_status run_plan_schedule(struct run *run, char *message, size_t size) {
    const struct ns_run_options *options = run->options;
    const size_t places = options->schedule_count + NS_MAX_ACTORS + 1;
    struct plan plan = {.run = run, .message = message, .size = size};
    plan.used = calloc(run->scenario->step_count + 1, sizeof *plan.used);
    run->plan = malloc(places * sizeof *run->plan);
    run->stop = malloc(places * sizeof *run->stop);
    run->move = malloc((options->schedule_count + 1) * sizeof *run->move);
    if (plan.used == NULL || run->plan == NULL || run->stop == NULL || run->move == NULL) {
        free(plan.used);
        return NS_ERROR_MEMORY;
    }
    enum ns_status status = NS_OK;
    bool stops = false;
    for (size_t i = 0; i < options->schedule_count && status == NS_OK; i++) {
        const struct ns_schedule_item *item = &options->schedule[i];
        const struct ns_step *open = item->kind == NS_SCHEDULE_STEP ? stopped_at(&plan, item->line) : NULL;
        stops |= item->kind == NS_SCHEDULE_STEP && (item->part > 0 || item->has_address);
        if (item->kind != NS_SCHEDULE_STEP)
            status = add_move(&plan, item);
        else if (open != NULL)
            add_step(&plan, open, item);
        else
            status = begin_step(&plan, item);
    }
    if (status == NS_OK)
        go_on(&plan);
    run->all_steps = plan.steps == run->scenario->step_count;
    if (!stops) {
        free(run->stop);
        run->stop = NULL;
    }
    free(plan.used);
    return status;
}
