/* SPDX-License-Identifier: Apache-2.0 */
/* What the program expected against what happened. */
#include "scenarios/run_internal.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A hazard belongs to a step when it was found there, or when the step met the damage of an earlier one. */
static bool shows_at(const struct ns_hazard *hazard, uint32_t site) {
    if (hazard->site == site)
        return true;
    for (uint32_t i = 0; i < hazard->consequence_count; i++)
        if (hazard->consequence_site[i] == site)
            return true;
    return false;
}

/* Expected checks of the kernel's own: one that did not fire is missing; one that nobody expected fails nothing. */
static void judge_checks(struct ns_log *log, const struct ns_step *step, uint32_t site) {
    for (uint32_t e = 0; e < step->check_count; e++) {
        struct ns_outcome outcome = {.kind = NS_OUTCOME_MISSING,
                                     .check = step->check[e],
                                     .hazard = UINT32_MAX,
                                     .line = step->line,
                                     .column = step->check_place[e].column,
                                     .width = step->check_place[e].width};
        for (size_t r = 0; r < log->remark_count; r++)
            if (log->remark[r].kind == NS_REMARK_CHECK && log->remark[r].check == step->check[e] &&
                log->remark[r].site == site) {
                outcome.kind = NS_OUTCOME_EXPECTED;
                log->remark[r].expected = true;
            }
        ns_log_add_outcome(log, &outcome);
    }
}

static void judge_expectations(struct run *run) {
    const struct ns_scenario *scenario = run->scenario;
    struct ns_log *log = run->log;
    bool *excused = calloc(log->hazard_count + 1, sizeof *excused);
    for (size_t s = 0; s < scenario->written_count && excused != NULL; s++) {
        const struct ns_step *step = &scenario->written[s];
        if (!run->executed[s] && !run->all_steps)
            continue; /* a schedule or a limit left it out; otherwise it should have come to it */
        for (uint32_t e = 0; e < step->expect_count; e++) {
            struct ns_outcome outcome = {.kind = NS_OUTCOME_MISSING,
                                         .id = (enum ns_hazard_id)step->expect[e],
                                         .hazard = UINT32_MAX,
                                         .line = step->line,
                                         .column = step->expect_place[e].column,
                                         .width = step->expect_place[e].width};
            for (size_t h = 0; h < log->hazard_count; h++)
                if ((log->hazard[h].id == outcome.id || log->hazard[h].also == outcome.id) &&
                    shows_at(&log->hazard[h], (uint32_t)s)) {
                    outcome.kind = NS_OUTCOME_EXPECTED;
                    outcome.hazard = (uint32_t)h;
                    excused[h] = true;
                }
            ns_log_add_outcome(log, &outcome);
        }
        judge_checks(log, step, (uint32_t)s);
    }
    for (size_t h = 0; h < log->hazard_count; h++)
        if (excused == NULL || !excused[h]) {
            const struct ns_hazard *hazard = &log->hazard[h];
            const struct ns_outcome outcome = {.kind = NS_OUTCOME_UNEXPECTED,
                                               .id = hazard->id,
                                               .hazard = (uint32_t)h,
                                               .line =
                                                   hazard->site < log->site_count ? log->site[hazard->site].line : 0};
            ns_log_add_outcome(log, &outcome);
        }
    free(excused);
}

/* The bytes that a condition is about; false when there are none (absent, never written). */
static bool observed(struct run *run, const struct ns_condition *condition, const uint8_t **data, uint32_t *length,
                     uint8_t *buffer) {
    if (condition->kind == NS_OPERAND_REGISTER) {
        const struct run_register *from = &run->reg[condition->reg];
        if (run->scenario->registers[condition->reg].is_handle) {
            for (unsigned i = 0; i < 8; i++)
                buffer[i] = (uint8_t)(from->bus >> (8 * i));
            *data = buffer;
            *length = 8;
            return from->written;
        }
        *data = from->data;
        *length = from->size;
        return from->written;
    }
    const uint64_t address = run_physical(run, &condition->ref);
    *length = (uint32_t)run_length(run, &condition->ref);
    *data = buffer;
    if (condition->kind == NS_OPERAND_MEMORY)
        return ns_machine_memory_view(run->machine, address, *length, buffer) == NS_OK;
    for (uint32_t i = 0; i < *length; i++) {
        struct ns_cache_copy copy;
        if (!ns_cache_peek(ns_machine_cache(run->machine), condition->level, condition->hart, address + i, &copy))
            return false;
        buffer[i] = copy.data[address + i - copy.line_address];
    }
    return true;
}

static bool equals(const struct ns_value *value, const uint8_t *data, uint32_t length, bool is_register) {
    for (uint32_t i = 0; i < length; i++) {
        const uint64_t wanted = value->kind == NS_VALUE_FILL ? value->number : i < 8 ? value->number >> (8 * i) : 0;
        if (data[i] != (uint8_t)wanted)
            return false;
    }
    return !is_register || value->kind == NS_VALUE_FILL || length >= 8 || value->number >> (8 * length) == 0;
}

static void show(char *text, size_t size, const uint8_t *data, uint32_t length) {
    if (length <= 8) {
        uint64_t value = 0;
        for (uint32_t i = length; i-- > 0;)
            value = value << 8 | data[i];
        snprintf(text, size, "0x%0*" PRIX64, (int)(2 * length), value);
        return;
    }
    size_t used = 0;
    for (uint32_t i = 0; i < length && i < 16; i++)
        used += (size_t)snprintf(text + used, size - used, "%s%02x", i == 0 ? "" : " ", data[i]);
    if (length > 16)
        snprintf(text + used, size - used, " .. (%u bytes)", length);
}

static void judge_final(struct run *run, const struct ns_judgement *judgement, struct ns_outcome *outcome) {
    const struct ns_condition *condition = &judgement->condition;
    uint8_t *buffer = run_scratch(run, ns_machine_hardware_actor(run->machine));
    const uint8_t *data = NULL;
    uint32_t length = 0;
    outcome->column = condition->place.column;
    outcome->width = condition->place.width;
    if (!run->all_steps) {
        outcome->kind = NS_OUTCOME_NOT_JUDGED;
        return;
    }
    const bool present = buffer != NULL && observed(run, condition, &data, &length, buffer);
    bool held;
    if (condition->absent) {
        held = !present;
        snprintf(outcome->actual, sizeof outcome->actual, "%s", present ? "the cache holds it" : "absent");
    } else if (!present) {
        held = false;
        snprintf(outcome->actual, sizeof outcome->actual, "%s",
                 condition->kind == NS_OPERAND_REGISTER ? "never written"
                 : condition->kind == NS_OPERAND_CACHE  ? "absent"
                                                        : "no memory there");
    } else {
        held = equals(&condition->value, data, length, condition->kind == NS_OPERAND_REGISTER) != condition->not_equal;
        show(outcome->actual, sizeof outcome->actual, data, length);
    }
    outcome->kind = held ? NS_OUTCOME_FINAL_HELD : NS_OUTCOME_FINAL_FAILED;
}

void run_judge(struct run *run) {
    judge_expectations(run);
    for (size_t i = 0; i < run->scenario->judgement_count; i++) {
        const struct ns_judgement *judgement = &run->scenario->judgements[i];
        struct ns_outcome outcome = {.kind = NS_OUTCOME_NOT_JUDGED, .hazard = UINT32_MAX, .line = judgement->line};
        snprintf(outcome.text, sizeof outcome.text, "%s", judgement->text);
        if (judgement->mode == NS_FINAL)
            judge_final(run, judgement, &outcome);
        ns_log_add_outcome(run->log, &outcome);
    }
}
