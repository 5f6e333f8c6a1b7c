/* SPDX-License-Identifier: Apache-2.0 */
/* A run that takes the steps down for verification: what waits for others does not, and the hardware's own steps are
 * only noted. */
#include "scenarios/run_internal.h"

#include <string.h>

void run_record_begin(struct run *run, size_t place) {
    struct ns_recording *recording = run->options->recording;
    const struct ns_step *step = run->plan[place];
    recording->step = run->options->record_order != NULL ? run->options->record_order[place] : (uint32_t)place;
    recording->site = run_site(run, step);
    struct ns_recorded entry = {.kind = NS_RECORDED_STEP, .actor = (uint8_t)run_actor(run, step)};
    ns_recording_add(recording, &entry, NULL, 0);
}

static void record_hardware(struct run *run, const struct ns_step *step) {
    const bool whole = step->ref.kind == NS_REF_NONE;
    const bool device = step->verb == NS_VERB_DRAIN && step->hart == NS_NONE;
    struct ns_recorded entry = {.kind = NS_RECORDED_HARDWARE,
                                .actor = (uint8_t)ns_machine_hardware_actor(run->machine),
                                .peer = device ? (uint8_t)ns_machine_device_actor(run->machine, step->device)
                                               : (uint8_t)step->hart,
                                .op = (uint8_t)step->verb,
                                .address = whole ? 0 : run_physical(run, &step->ref),
                                .length = whole ? UINT64_MAX : run_length(run, &step->ref)};
    ns_recording_add(run->options->recording, &entry, NULL, 0);
}

bool run_record_step(struct run *run, const struct ns_step *step) {
    const unsigned actor = run_actor(run, step);
    if (step->actor_kind == NS_ACTOR_HARDWARE) {
        record_hardware(run, step);
        return true;
    }
    switch (step->verb) {
    case NS_VERB_POLL:
        ns_tracker_uses_freed(run->tracker, actor, false);
        run_record_poll(run, step);
        return true;
    case NS_VERB_WAIT:
        ns_tracker_wait(run->tracker, actor, step->irq);
        return true;
    case NS_VERB_START:
        ns_tracker_start(run->tracker, actor);
        return true;
    default:
        return false;
    }
}

void run_record_conditions(struct run *run) {
    const struct ns_scenario *scenario = run->scenario;
    run->options->recording->step = UINT32_MAX;
    for (size_t i = 0; i < scenario->judgement_count; i++) {
        const struct ns_condition *condition = &scenario->judgements[i].condition;
        struct ns_recorded entry = {.kind = NS_RECORDED_CONDITION, .site = (uint32_t)i};
        uint8_t handle[8] = {0};
        const bool is_handle = condition->kind == NS_OPERAND_REGISTER && scenario->registers[condition->reg].is_handle;
        if (is_handle)
            for (unsigned byte = 0; byte < 8; byte++)
                handle[byte] = (uint8_t)(run->reg[condition->reg].bus >> (8 * byte));
        if (condition->kind != NS_OPERAND_REGISTER) {
            entry.address = run_physical(run, &condition->ref);
            entry.length = run_length(run, &condition->ref);
        }
        ns_recording_add(run->options->recording, &entry, is_handle ? handle : NULL, 8);
    }
}
