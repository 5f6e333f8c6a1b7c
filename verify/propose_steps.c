/* SPDX-License-Identifier: Apache-2.0 */
/* Changes of steps that are there: another operation in the same place, a store at another time. */
#include "scenarios/exercise.h"
#include "verify/repair_internal.h"

#include <stdio.h>
#include <string.h>

enum { PLACES = 2 }; /* that are tried for a store, on either side */

/* ---- another operation ----------------------------------------------------------------------- */

void propose_other_operations(struct repair *repair) {
    static const struct {
        enum ns_verb verb;
        const char *word;
    } operations[] = {{NS_VERB_CLEAN, "clean"}, {NS_VERB_INVALIDATE, "invalidate"}, {NS_VERB_FLUSH, "flush"}};
    const struct ns_scenario *scenario = repair->scenario;
    for (size_t i = 0; i < scenario->written_count; i++) {
        const struct ns_step *step = &scenario->written[i];
        if (step->verb != NS_VERB_CLEAN && step->verb != NS_VERB_INVALIDATE && step->verb != NS_VERB_FLUSH)
            continue;
        char old[EDIT_TEXT], text[EDIT_TEXT];
        repair_copy_line(scenario, step->line, old);
        const size_t at = step->verb_place.column - 1, behind = at + step->verb_place.width;
        for (size_t op = 0; op < sizeof operations / sizeof *operations && behind <= strlen(old); op++) {
            if (operations[op].verb == step->verb)
                continue;
            snprintf(text, sizeof text, "%.*s%s%.120s", (int)(at < 90 ? at : 90), old, operations[op].word,
                     old + behind);
            repair_add_edit(repair_new_candidate(repair), EDIT_REPLACE, step->line, text);
        }
    }
}

/* ---- a store at another time ----------------------------------------------------------------- */

/* Whether a reference may be to bytes of `bytes`, which is one to an object. */
static bool may_touch(const struct ns_scenario *scenario, const struct ns_ref *ref, const struct ns_ref *bytes) {
    if (ref->kind == NS_REF_NONE)
        return false;
    const struct ns_ref *object = repair_object_ref(scenario, ref);
    if (object == NULL)
        return true;
    return object->index == bytes->index && object->offset < bytes->offset + (int64_t)bytes->length &&
           bytes->offset < object->offset + (int64_t)object->length;
}

static bool step_may_touch(const struct ns_scenario *scenario, const struct ns_step *step, const struct ns_ref *bytes) {
    return may_touch(scenario, &step->ref, bytes) || may_touch(scenario, &step->to, bytes);
}

/* Whether a step may change the register that holds the value of the store. */
static bool writes_value_of(const struct ns_step *step, const struct ns_step *store) {
    return store->value.kind == NS_VALUE_REGISTER && step->result == store->value.index;
}

/* A store whose time only its own hart can tell: no other actor touches its bytes, or its value. */
static bool is_private(const struct ns_scenario *scenario, const struct ns_step *store) {
    if (store->verb != NS_VERB_STORE || store->actor_kind != NS_ACTOR_HART || store->ref.kind != NS_REF_OBJECT)
        return false;
    for (uint32_t i = 0; i < scenario->object_count; i++)
        if (scenario->objects[i].kind == NS_OBJECT_ALIAS) /* the same bytes by another name */
            return false;
    for (size_t i = 0; i < scenario->written_count; i++) {
        const struct ns_step *step = &scenario->written[i];
        const bool other =
            step->actor_kind == NS_ACTOR_DEVICE || (step->actor_kind == NS_ACTOR_HART && step->actor != store->actor);
        if (other && (step_may_touch(scenario, step, &store->ref) || writes_value_of(step, store)))
            return false;
        if (step->verb == NS_VERB_CBO) /* cbo.zero writes the whole line, whatever it names */
            return false;
    }
    return true;
}

/* Whether the program computes the same when the store comes on the other side of this step of its hart. What care does
 * to lines is no part of what a program computes, and verification judges it. */
static bool may_pass(const struct ns_scenario *scenario, const struct ns_step *store, const struct ns_step *step) {
    if (writes_value_of(step, store))
        return false;
    switch (step->verb) {
    case NS_VERB_WAIT:
    case NS_VERB_DOORBELL:
        return true;
    case NS_VERB_LOAD:
    case NS_VERB_STORE:
    case NS_VERB_COPY:
    case NS_VERB_POLL:
        return !step_may_touch(scenario, step, &store->ref);
    default:
        return ns_exercise_is_care(step);
    }
}

static bool hands_over(const struct ns_step *step) {
    return step_maintains(step) || step->verb == NS_VERB_MAP || step->verb == NS_VERB_UNMAP;
}

static const struct ns_step *same_hart(const struct ns_scenario *scenario, size_t site, const struct ns_step *store) {
    const struct ns_step *step = &scenario->written[site];
    return step->actor_kind == NS_ACTOR_HART && step->actor == store->actor ? step : NULL;
}

static void move(struct repair *repair, const struct ns_step *store, uint32_t before) {
    char text[EDIT_TEXT];
    struct candidate *made = repair_new_candidate(repair);
    repair_copy_line(repair->scenario, store->line, text);
    repair_add_edit(made, EDIT_BEFORE, before, text);
    repair_add_edit(made, EDIT_REPLACE, store->line, "");
    if (made != NULL)
        made->retimes = true;
}

void propose_other_times(struct repair *repair) {
    const struct ns_scenario *scenario = repair->scenario;
    if (scenario->step_count != scenario->written_count) /* out of a `repeat` it would be another number of stores */
        return;
    for (size_t i = 0; i < scenario->written_count; i++) {
        const struct ns_step *store = &scenario->written[i];
        bool waited = false;
        if (!is_private(scenario, store))
            continue;
        for (size_t j = i, places = 0; j-- > 0 && places < PLACES;) {
            const struct ns_step *step = same_hart(scenario, j, store);
            if (step != NULL && !may_pass(scenario, store, step))
                break;
            if (step != NULL && hands_over(step)) {
                move(repair, store, step->line);
                places++;
            }
        }
        for (size_t j = i + 1, places = 0; j < scenario->written_count && places < PLACES; j++) {
            const struct ns_step *step = same_hart(scenario, j, store);
            if (step != NULL && !may_pass(scenario, store, step))
                break;
            waited = waited || (step != NULL && (step->verb == NS_VERB_WAIT || step->verb == NS_VERB_POLL));
            if (step != NULL && waited && hands_over(step)) {
                move(repair, store, step->line + 1);
                places++;
            }
        }
    }
}
