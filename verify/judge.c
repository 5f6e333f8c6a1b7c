/* SPDX-License-Identifier: Apache-2.0 */
/* What the observations of all searches come to. */
#include "verify/verify_internal.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct ns_verify_observation *add(struct ns_verify_result *result) {
    struct ns_verify_observation *grown =
        realloc(result->observations, (result->observation_count + 1) * sizeof *grown);
    if (grown == NULL)
        return NULL;
    result->observations = grown;
    struct ns_verify_observation *made = &result->observations[result->observation_count++];
    *made = (struct ns_verify_observation){0};
    return made;
}

static char *text_of(const struct verification *all, const struct sink_schedule *schedule) {
    return schedule->item == NULL ? NULL : ns_schedule_text(schedule->item, schedule->count, all->scenario);
}

/* All bytes of the condition together: always, sometimes or never equal. False: the lines would have to be searched
 * together to say. */
static bool quantify(const struct sink_condition *condition, enum ns_verify_quantifier *found,
                     const struct sink_part **decisive) {
    size_t open = 0;
    *found = NS_FOUND_ALWAYS;
    *decisive = condition->part_count > 0 ? &condition->parts[0] : NULL;
    for (size_t i = 0; i < condition->part_count; i++) {
        const struct sink_part *part = &condition->parts[i];
        if (!part->seen_true && !part->seen_false)
            return false; /* no behaviour came to its end */
        if (!part->seen_true) {
            *found = NS_FOUND_NEVER;
            *decisive = part;
            return true;
        }
        if (part->seen_false) {
            open++;
            *found = NS_FOUND_SOMETIMES;
            *decisive = part;
        }
    }
    return open <= 1;
}

static bool meets(enum ns_mode mode, enum ns_verify_quantifier found) {
    return mode == NS_VERIFY_ALWAYS  ? found == NS_FOUND_ALWAYS
           : mode == NS_VERIFY_NEVER ? found == NS_FOUND_NEVER
                                     : found != NS_FOUND_NEVER;
}

static bool judge(struct verification *all, const struct sink_condition *condition) {
    const struct ns_judgement *judgement = condition->judgement;
    struct ns_verify_observation *made = add(all->result);
    if (made == NULL)
        return false;
    made->line = judgement->line;
    made->column = judgement->condition.place.column;
    made->width = judgement->condition.place.width;
    snprintf(made->text, sizeof made->text, "%s", judgement->text);
    const struct sink_part *part = NULL;
    if (condition->constant) {
        made->judged = true;
        made->found = condition->holds ? NS_FOUND_ALWAYS : NS_FOUND_NEVER;
    } else {
        made->judged = !condition->unclear && condition->part_count > 0 && quantify(condition, &made->found, &part);
        const bool negated = judgement->condition.not_equal || judgement->condition.absent;
        if (negated && made->found != NS_FOUND_SOMETIMES)
            made->found = made->found == NS_FOUND_ALWAYS ? NS_FOUND_NEVER : NS_FOUND_ALWAYS;
        /* What was seen, was seen; that nothing else can be takes a search that came to its end. */
        if (all->found.incomplete != NULL &&
            (made->found != NS_FOUND_SOMETIMES || judgement->mode != NS_VERIFY_SOMETIMES))
            made->judged = made->judged && !meets(judgement->mode, made->found) && made->found == NS_FOUND_SOMETIMES;
        if (part != NULL && made->judged) {
            const struct sink_schedule *witness = judgement->mode == NS_VERIFY_ALWAYS
                                                      ? (negated ? &part->when_true : &part->when_false)
                                                      : (negated ? &part->when_false : &part->when_true);
            made->schedule_text = text_of(all, witness);
        }
    }
    made->held = made->judged && meets(judgement->mode, made->found);
    return true;
}

static bool show_register(struct verification *all, const struct sink_condition *condition) {
    const char *name = all->scenario->registers[condition->reg].name;
    const bool several = condition->value_count > 1 || condition->more_values;
    if (condition->unclear || condition->value_count == 0)
        return true; /* there is nothing definite to say */
    for (size_t i = 0; i < condition->value_count; i++) {
        const struct sink_value *value = &condition->value[i];
        struct ns_verify_observation *made = add(all->result);
        if (made == NULL)
            return false;
        made->found = several || all->found.incomplete != NULL ? NS_FOUND_SOMETIMES : NS_FOUND_ALWAYS;
        if (value->length > 8) {
            snprintf(made->text, sizeof made->text, "%s fill 0x%02X", name, value->byte[0]);
            continue;
        }
        uint64_t number = 0;
        for (uint32_t b = value->length; b-- > 0;)
            number = number << 8 | value->byte[b];
        snprintf(made->text, sizeof made->text, "%s == 0x%0*" PRIX64, name, (int)(2 * value->length), number);
    }
    return true;
}

enum ns_status judge_observations(struct verification *all, struct observation_sink *sink) {
    if (sink->failed)
        return NS_ERROR_MEMORY;
    if (all->result->observation_count > 0)
        return NS_OK; /* a further order of allocations: its hazards count, its values are not added up */
    for (size_t i = 0; i < sink->condition_count; i++) {
        const struct sink_condition *condition = &sink->conditions[i];
        const bool good = condition->judgement != NULL ? judge(all, condition) : show_register(all, condition);
        if (!good)
            return NS_ERROR_MEMORY;
    }
    return NS_OK;
}
