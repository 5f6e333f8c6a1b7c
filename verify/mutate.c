/* SPDX-License-Identifier: Apache-2.0 */
/* Mutants: each maintenance call, fence and ordering edge taken out, swapped with its neighbour, or shortened. */
#include "verify/edit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *ns_mutation_text(enum ns_mutation mutation) {
    return mutation == NS_MUTATION_DROP ? "drop" : mutation == NS_MUTATION_SWAP ? "swap" : "shrink";
}

/* What orders or maintains: worth a mutant. */
static bool is_guard(const struct ns_step *step) {
    switch (step->verb) {
    case NS_VERB_FENCE:
    case NS_VERB_SYNC:
    case NS_VERB_MAP:
    case NS_VERB_UNMAP:
    case NS_VERB_SFENCE:
    case NS_VERB_DOORBELL:
    case NS_VERB_START:
    case NS_VERB_RAISE:
    case NS_VERB_WAIT:
    case NS_VERB_POLL:
    case NS_VERB_MMIO_READ:
    case NS_VERB_DEVICE_FLUSH:
        return true;
    default:
        return step_maintains(step);
    }
}

struct mutator {
    const struct ns_scenario *scenario;
    const struct ns_repair_options *options;
    struct ns_mutate_result *result;
};

/* The step as written, spaces squeezed, without comment and expectation. */
static void show_step(const struct ns_scenario *scenario, uint32_t line, char *text, size_t size) {
    const char *from = scenario->lines[line - 1];
    size_t used = 0;
    for (; *from != '\0' && *from != '\n' && *from != '#' && used + 1 < size; from++)
        if (*from != ' ' || (used > 0 && text[used - 1] != ' '))
            text[used++] = *from;
    while (used > 0 && text[used - 1] == ' ')
        used--;
    text[used] = '\0';
}

static enum ns_status judge(struct mutator *mutator, struct ns_mutant *mutant, const struct edit *edit) {
    char *text = edit_apply(mutator->scenario, edit, 1, true, true);
    if (text == NULL)
        return NS_ERROR_MEMORY;
    struct ns_diagnostics diagnostics;
    ns_diagnostics_init(&diagnostics);
    struct ns_scenario *scenario;
    enum ns_status status = edit_parse(mutator->scenario, text, mutator->options->machines, &diagnostics, &scenario);
    mutant->verdict = NS_MUTANT_NO_PROGRAM;
    if (scenario != NULL) {
        struct ns_verify_result result;
        char message[256];
        struct ns_verify_options how = mutator->options->verify;
        how.progress = NULL;
        how.conversation = mutator->scenario;
        status = ns_verify_scenario(scenario, &how, &result, message, sizeof message);
        if (status == NS_OK) {
            mutant->verdict = result.verdict == NS_VERIFY_PROVED    ? NS_MUTANT_REDUNDANT
                              : result.verdict == NS_VERIFY_REFUTED ? NS_MUTANT_REFUTED
                                                                    : NS_MUTANT_INCOMPLETE;
            if (mutator->result->reason[0] == '\0') /* a mutant can be refuted with states left out */
                memcpy(mutator->result->reason, result.reason, sizeof result.reason);
            if (result.hazard_count > 0) {
                const struct ns_hazard *hazard = &result.hazards[0].log->hazard[result.hazards[0].index];
                mutant->id = hazard->id;
                mutant->hazard_line = hazard->site < scenario->written_count ? scenario->written[hazard->site].line : 0;
            }
            ns_verify_release(&result);
        } else if (status == NS_ERROR_ARGUMENT) {
            status = NS_OK;
        }
    }
    ns_scenario_destroy(scenario);
    ns_diagnostics_release(&diagnostics);
    free(text);
    return status;
}

static enum ns_status add(struct mutator *mutator, enum ns_mutation mutation, const struct ns_step *step,
                          const struct edit *edit) {
    struct ns_mutate_result *result = mutator->result;
    const struct ns_verify_options *verify = &mutator->options->verify;
    if (verify->stop != NULL && *verify->stop != 0)
        return NS_OK;
    struct ns_mutant *grown = realloc(result->mutants, (result->count + 1) * sizeof *grown);
    if (grown == NULL)
        return NS_ERROR_MEMORY;
    result->mutants = grown;
    struct ns_mutant *made = &result->mutants[result->count++];
    *made = (struct ns_mutant){.mutation = mutation, .line = step->line};
    show_step(mutator->scenario, step->line, made->step, sizeof made->step);
    const enum ns_status status = judge(mutator, made, edit);
    result->refuted += made->verdict == NS_MUTANT_REFUTED;
    result->redundant += made->verdict == NS_MUTANT_REDUNDANT;
    result->incomplete += made->verdict == NS_MUTANT_INCOMPLETE;
    return status;
}

/* The next step of the same actor below, outside of nothing: a line that can change places with this one. */
static const struct ns_step *next_of_actor(const struct ns_scenario *scenario, size_t site) {
    const struct ns_step *step = &scenario->written[site];
    for (size_t i = site + 1; i < scenario->written_count; i++)
        if (scenario->written[i].actor_kind == step->actor_kind && scenario->written[i].actor == step->actor)
            return &scenario->written[i];
    return NULL;
}

/* The same line with half of its range; false when there is no half. */
static bool shrink(const struct ns_scenario *scenario, const struct ns_step *step, char text[EDIT_TEXT]) {
    const bool ranged = step_maintains(step) && step->ref.kind == NS_REF_OBJECT && step->ref.length >= 2;
    if (!ranged || step->ref.field != NS_NONE || step->ref.element != NS_NONE || step->by_page)
        return false;
    const char *line = scenario->lines[step->line - 1];
    const size_t length = strcspn(line, "\n"), at = step->ref.place.column - 1;
    if (at + step->ref.place.width > length)
        return false;
    const int64_t end = step->ref.offset + (int64_t)(step->ref.length / 2);
    snprintf(text, EDIT_TEXT, "%.*s%s[%lld..%lld]%.*s", (int)at, line, scenario->objects[step->ref.index].name,
             (long long)step->ref.offset, (long long)end, (int)(length - at - step->ref.place.width),
             line + at + step->ref.place.width);
    return true;
}

enum ns_status ns_mutate_scenario(const struct ns_scenario *scenario, const struct ns_repair_options *options,
                                  struct ns_mutate_result *result, char *message, size_t message_size) {
    struct mutator mutator = {.scenario = scenario, .options = options, .result = result};
    struct ns_verify_options how = options->verify;
    struct ns_verify_result original;
    *result = (struct ns_mutate_result){0};
    how.stories_only = true;
    enum ns_status status = ns_verify_scenario(scenario, &how, &original, message, message_size);
    if (status != NS_OK)
        return status;
    result->before = original.verdict;
    if (original.verdict == NS_VERIFY_INCOMPLETE)
        memcpy(result->reason, original.reason, sizeof result->reason);
    ns_verify_release(&original);
    for (size_t i = 0; i < scenario->written_count && status == NS_OK; i++) {
        const struct ns_step *step = &scenario->written[i];
        if (!is_guard(step))
            continue;
        const struct edit drop = {.kind = EDIT_REPLACE, .line = step->line};
        status = add(&mutator, NS_MUTATION_DROP, step, &drop);
        const struct ns_step *next = next_of_actor(scenario, i);
        if (next != NULL && status == NS_OK) {
            const struct edit swap = {.kind = EDIT_SWAP, .line = step->line, .other = next->line};
            status = add(&mutator, NS_MUTATION_SWAP, step, &swap);
        }
        struct edit half = {.kind = EDIT_REPLACE, .line = step->line};
        if (status == NS_OK && shrink(scenario, step, half.text))
            status = add(&mutator, NS_MUTATION_SHRINK, step, &half);
    }
    if (status != NS_OK)
        ns_mutate_release(result);
    return status;
}

void ns_mutate_release(struct ns_mutate_result *result) {
    free(result->mutants);
    *result = (struct ns_mutate_result){0};
}
