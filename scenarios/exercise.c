/* SPDX-License-Identifier: Apache-2.0 */
#include "scenarios/exercise.h"

#include "scenarios/lexer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define STEP_TEXT 256 /* bytes of a step shown in a message; a longer one is cut */

bool ns_exercise_is_care(const struct ns_step *step) {
    switch (step->verb) {
    case NS_VERB_CBO:
        return step->instruction != NS_CBO_ZERO; /* that one is a store */
    case NS_VERB_FENCE:
    case NS_VERB_CLEAN:
    case NS_VERB_INVALIDATE:
    case NS_VERB_FLUSH:
    case NS_VERB_DCACHE:
    case NS_VERB_SYNC:
    case NS_VERB_MAP:
    case NS_VERB_UNMAP:
    case NS_VERB_SYNC_FOR_CPU:
    case NS_VERB_SYNC_FOR_DEVICE:
    case NS_VERB_MAP_SG:
    case NS_VERB_UNMAP_SG:
    case NS_VERB_SYNC_SG_FOR_CPU:
    case NS_VERB_SYNC_SG_FOR_DEVICE:
    case NS_VERB_MAPPING_ERROR:
    case NS_VERB_MMIO_READ:
        return true;
    default:
        return false;
    }
}

/* ---- the words of a step --------------------------------------------------------------------- */

struct words {
    struct ns_lexer lexer;
    const char *end; /* where `expect` stands, or behind the line */
};

static const char *line_of(const struct ns_scenario *scenario, uint32_t number, size_t *length) {
    const char *line = scenario->lines[number - 1];
    *length = strcspn(line, "\n");
    return line;
}

static struct words words_of_line(const struct ns_scenario *scenario, uint32_t number) {
    struct words words;
    size_t length;
    const char *line = line_of(scenario, number, &length);
    words.end = line + length;
    ns_lexer_start(&words.lexer, line, length);
    return words;
}

static bool starts_with(const struct ns_scenario *scenario, uint32_t number, const char *word) {
    const struct words words = words_of_line(scenario, number);
    return ns_token_is(&words.lexer.token, word);
}

static bool is_over(const struct words *words) {
    return words->lexer.token.kind == NS_TOKEN_END || words->lexer.token.start >= words->end;
}

static struct words words_of(const struct ns_scenario *scenario, const struct ns_step *step) {
    struct words words;
    size_t length;
    const char *line = line_of(scenario, step->line, &length);
    const char *judged = line + length;
    if (step->expect_count > 0)
        judged = line + step->expect_place[0].column - 1;
    if (step->check_count > 0 && line + step->check_place[0].column - 1 < judged)
        judged = line + step->check_place[0].column - 1;
    words.end = line + length;
    if (judged < words.end) /* the last word before the first identifier: `expect` */
        for (ns_lexer_start(&words.lexer, line, length); words.lexer.token.start < judged;
             ns_lexer_advance(&words.lexer))
            if (ns_token_is(&words.lexer.token, "expect"))
                words.end = words.lexer.token.start;
    ns_lexer_start(&words.lexer, line, length);
    return words;
}

static bool same_word(const struct ns_token *a, const struct ns_token *b) {
    if (a->kind != b->kind)
        return false;
    if (a->kind == NS_TOKEN_NUMBER)
        return a->number == b->number;
    return a->length == b->length && memcmp(a->start, b->start, a->length) == 0;
}

static bool same_words(struct words x, struct words y) {
    while (!is_over(&x) && !is_over(&y)) {
        if (!same_word(&x.lexer.token, &y.lexer.token))
            return false;
        ns_lexer_advance(&x.lexer);
        ns_lexer_advance(&y.lexer);
    }
    return is_over(&x) && is_over(&y);
}

static bool same_step(const struct ns_scenario *a, const struct ns_step *step_a, const struct ns_scenario *b,
                      const struct ns_step *step_b) {
    return same_words(words_of(a, step_a), words_of(b, step_b));
}

size_t ns_exercise_step_text(const struct ns_scenario *scenario, const struct ns_step *step, char *buffer,
                             size_t size) {
    size_t length = 0;
    const char *behind = NULL; /* end of the word before */
    for (struct words words = words_of(scenario, step); !is_over(&words); ns_lexer_advance(&words.lexer)) {
        const struct ns_token *word = &words.lexer.token;
        if (behind != NULL && word->start > behind) {
            if (length + 1 < size)
                buffer[length] = ' ';
            length++;
        }
        for (uint32_t i = 0; i < word->length; i++, length++)
            if (length + 1 < size)
                buffer[length] = word->start[i];
        behind = word->start + word->length;
    }
    if (size > 0)
        buffer[length < size ? length : size - 1] = '\0';
    return length;
}

/* ---- what can be an exercise ----------------------------------------------------------------- */

/* Does this step tell when its device begins? */
static bool is_begin(const struct ns_step *step) {
    return step->verb == NS_VERB_START || step->verb == NS_VERB_POLL;
}

const char *ns_exercise_unfit(const struct ns_scenario *exercise, uint32_t *line) {
    bool begun[NS_LIMIT_DEVICES] = {false}, work = false;
    *line = 0;
    if (exercise->step_count != exercise->written_count)
        return "an exercise has no `repeat`";
    for (size_t i = 0; i < exercise->written_count; i++) {
        const struct ns_step *step = &exercise->written[i];
        *line = step->line;
        if (step->actor_kind == NS_ACTOR_HARDWARE)
            return "an exercise has no `hw` steps: what the hardware may do is the machine's `may`";
        if (step->actor_kind == NS_ACTOR_DEVICE && !begun[step->actor] && !is_begin(step))
            return "in an exercise the first step of a device is `start` or `poll`: the driver says when it begins";
        if (step->actor_kind == NS_ACTOR_DEVICE)
            begun[step->actor] = true;
        else
            work = work || !ns_exercise_is_care(step);
    }
    *line = 0;
    return work ? NULL : "an exercise needs a driver: steps of a hart";
}

const char *ns_exercise_unfit_machine(const struct ns_scenario *machine) {
    if (machine->written_count > 0 || machine->judgement_count > 0 || machine->device_count > 0 ||
        machine->object_count > 0 || machine->pool_count > 0)
        return "a machine file of a lab holds machine blocks and nothing else";
    return NULL;
}

/* ---- the answer's work ----------------------------------------------------------------------- */

static bool is_work(const struct ns_step *step) {
    return step->actor_kind == NS_ACTOR_HART && !ns_exercise_is_care(step);
}

/* The first step of work in `where` that says the same and is not taken yet; NULL. */
static const struct ns_step *find_work(const struct ns_scenario *where, const bool *taken,
                                       const struct ns_scenario *scenario, const struct ns_step *step) {
    for (size_t i = 0; i < where->written_count; i++)
        if (is_work(&where->written[i]) && !taken[i] && same_step(where, &where->written[i], scenario, step))
            return &where->written[i];
    return NULL;
}

static bool complain(const struct ns_scenario *scenario, const struct ns_step *step, bool missing,
                     struct ns_diagnostics *found) {
    char text[STEP_TEXT], message[STEP_TEXT + 160];
    ns_exercise_step_text(scenario, step, text, sizeof text);
    if (missing) {
        snprintf(message, sizeof message, "the driver must still do `%s`", text);
        return ns_diagnostics_add(found, 0, 1, 1, message, NULL);
    }
    snprintf(message, sizeof message, "`%s` is not among the driver's loads, stores and signals", text);
    return ns_diagnostics_add(found, step->actor_place.line, step->actor_place.column, step->actor_place.width, message,
                              "you may add cache maintenance, calls of the DMA API and fences, and move what is there");
}

/* The object that a name stands for: an alias is the same bytes. */
static uint32_t bytes_of(const struct ns_scenario *scenario, uint32_t index) {
    return scenario->objects[index].kind == NS_OBJECT_ALIAS ? scenario->objects[index].of : index;
}

static bool overlap(const struct ns_scenario *scenario, const struct ns_ref *a, const struct ns_ref *b) {
    if (a->kind != b->kind || (a->kind != NS_REF_OBJECT && a->kind != NS_REF_ADDRESS))
        return false;
    if (a->kind == NS_REF_OBJECT && bytes_of(scenario, a->index) != bytes_of(scenario, b->index))
        return false;
    const uint64_t from_a = (a->kind == NS_REF_ADDRESS ? a->address : 0) + (uint64_t)a->offset;
    const uint64_t from_b = (b->kind == NS_REF_ADDRESS ? b->address : 0) + (uint64_t)b->offset;
    return from_a < from_b + b->length && from_b < from_a + a->length;
}

static bool touches_memory(const struct ns_step *step) {
    return step->verb == NS_VERB_LOAD || step->verb == NS_VERB_STORE || step->verb == NS_VERB_COPY ||
           step->verb == NS_VERB_POLL || step->verb == NS_VERB_CBO;
}

static bool same_bytes(const struct ns_scenario *scenario, const struct ns_step *a, const struct ns_step *b) {
    return touches_memory(a) && touches_memory(b) &&
           (overlap(scenario, &a->ref, &b->ref) || overlap(scenario, &a->ref, &b->to) ||
            overlap(scenario, &a->to, &b->ref) || overlap(scenario, &a->to, &b->to));
}

/* One gives a register its value, and the other uses it or gives it another one. */
static bool same_register(const struct ns_step *a, const struct ns_step *b) {
    const bool a_uses = a->value.kind == NS_VALUE_REGISTER, b_uses = b->value.kind == NS_VALUE_REGISTER;
    return (a->result != NS_NONE && (a->result == b->result || (b_uses && a->result == b->value.index))) ||
           (b->result != NS_NONE && a_uses && b->result == a->value.index);
}

/* `as`: for each step of the answer the exercise's step that it is, or NULL. A driver that stores behind its loads what
 * it should have stored in front of them is another driver, however few lines it then maintains. */
static bool compare_order(const struct ns_scenario *exercise, const struct ns_scenario *answer,
                          const struct ns_step *const *as, struct ns_diagnostics *found) {
    char text[STEP_TEXT], before[STEP_TEXT], message[2 * STEP_TEXT + 80];
    for (size_t late = 0; late < answer->written_count; late++)
        for (size_t early = 0; early < late && as[late] != NULL; early++) {
            if (as[early] == NULL || as[early]->actor != as[late]->actor || as[early] < as[late] ||
                !(same_bytes(exercise, as[early], as[late]) || same_register(as[early], as[late])))
                continue;
            const struct ns_step *step = &answer->written[late];
            ns_exercise_step_text(answer, step, text, sizeof text);
            ns_exercise_step_text(answer, &answer->written[early], before, sizeof before);
            snprintf(message, sizeof message, "`%s` must come before `%s`", text, before);
            if (!ns_diagnostics_add(found, step->actor_place.line, step->actor_place.column, step->actor_place.width,
                                    message,
                                    "loads and stores that touch the same bytes or the same register keep their order"))
                return false;
        }
    return true;
}

static bool complain_of_repeat(const struct ns_scenario *answer, struct ns_diagnostics *found) {
    uint32_t number = 1;
    size_t length = 0;
    while (number < answer->line_count && !starts_with(answer, number, "repeat"))
        number++;
    const char *line = line_of(answer, number, &length);
    return ns_diagnostics_add(found, number, (uint32_t)strspn(line, " \t") + 1, (uint32_t)strlen("repeat"),
                              "`repeat` cannot be graded: write the steps out", NULL);
}

bool ns_exercise_compare(const struct ns_scenario *exercise, const struct ns_scenario *answer,
                         struct ns_diagnostics *found) {
    bool *taken = calloc(exercise->written_count + 1, sizeof *taken);
    const struct ns_step **as = calloc(answer->written_count + 1, sizeof *as);
    bool good = taken != NULL && as != NULL;
    if (good && answer->step_count != answer->written_count)
        good = complain_of_repeat(answer, found);
    for (size_t i = 0; good && i < answer->written_count; i++) {
        const struct ns_step *step = &answer->written[i];
        if (!is_work(step))
            continue;
        as[i] = find_work(exercise, taken, answer, step);
        if (as[i] != NULL)
            taken[as[i] - exercise->written] = true;
        else
            good = complain(answer, step, false, found);
    }
    for (size_t i = 0; good && i < exercise->written_count; i++)
        if (is_work(&exercise->written[i]) && !taken[i])
            good = complain(exercise, &exercise->written[i], true, found);
    good = good && compare_order(exercise, answer, as, found);
    free(as);
    free(taken);
    return good;
}

/* ---- the answer's declarations --------------------------------------------------------------- */

/* The first line from `number` on that declares something, or says something of the machine; behind the last: 0. */
static uint32_t next_declaration(const struct ns_scenario *scenario, uint32_t number) {
    static const char *const others[] = {"version", "scenario", "final", "verify", "repeat"};
    for (; number <= scenario->line_count; number++) {
        struct words words = words_of_line(scenario, number);
        bool other = is_over(&words);
        for (size_t i = 0; i < sizeof others / sizeof *others; i++)
            other = other || starts_with(scenario, number, others[i]);
        for (size_t i = 0; i < scenario->written_count && !other; i++)
            other = scenario->written[i].line == number;
        if (!other)
            return number;
    }
    return 0;
}

bool ns_exercise_declares_otherwise(const struct ns_scenario *exercise, const struct ns_scenario *answer,
                                    uint32_t *line) {
    uint32_t own = next_declaration(exercise, 1), theirs = next_declaration(answer, 1);
    while (own != 0 && theirs != 0 && same_words(words_of_line(exercise, own), words_of_line(answer, theirs))) {
        own = next_declaration(exercise, own + 1);
        theirs = next_declaration(answer, theirs + 1);
    }
    *line = theirs;
    return own != 0 || theirs != 0;
}

/* ---- the text of both ------------------------------------------------------------------------ */

struct text {
    char *bytes; /* large enough from the start */
    size_t length;
};

static void put(struct text *text, const char *bytes, size_t length) {
    memcpy(text->bytes + text->length, bytes, length);
    text->length += length;
}

static void put_line(struct text *text, const char *line, size_t length) {
    put(text, line, length);
    put(text, "\n", 1);
}

/* For each line of the answer the step that goes into the text, or NULL; for each line of the exercise whether it does
 * not, because it is its driver's or the answer has it. Devices' steps are taken from the answer all or none: they must
 * stay in their order. */
static void choose_lines(const struct ns_scenario *exercise, const struct ns_scenario *answer,
                         const struct ns_step **from_answer, bool *left_out) {
    size_t next = 0;
    bool all = true;
    for (size_t i = 0; i < answer->written_count; i++)
        if (answer->written[i].actor_kind == NS_ACTOR_HART)
            from_answer[answer->written[i].line] = &answer->written[i];
    for (size_t i = 0; i < exercise->written_count; i++)
        left_out[exercise->written[i].line] = exercise->written[i].actor_kind == NS_ACTOR_HART;
    for (int round = 0; round < 2 && all; round++, next = 0) /* looks first, then takes */
        for (size_t i = 0; i < exercise->written_count && all; i++) {
            const struct ns_step *step = &exercise->written[i];
            if (step->actor_kind == NS_ACTOR_HART)
                continue;
            while (next < answer->written_count && (answer->written[next].actor_kind == NS_ACTOR_HART ||
                                                    !same_step(exercise, step, answer, &answer->written[next])))
                next++;
            /* What the exercise expects there must hold, not what the answer does. */
            all = next < answer->written_count && step->expect_count == 0 && step->check_count == 0;
            if (round == 1) {
                from_answer[answer->written[next].line] = &answer->written[next];
                left_out[step->line] = true;
            }
            next++;
        }
}

/* Lines of a file but those left out, `version`, and `use`. */
static void put_scenario(struct text *text, const struct ns_scenario *scenario, const bool *left_out,
                         bool without_use) {
    for (uint32_t number = 1; number <= scenario->line_count; number++) {
        size_t length;
        const char *line = line_of(scenario, number, &length);
        if ((left_out == NULL || !left_out[number]) && !starts_with(scenario, number, "version") &&
            !(without_use && starts_with(scenario, number, "use")))
            put_line(text, line, length);
    }
}

static char *merge_text(const struct ns_scenario *exercise, const struct ns_scenario *answer,
                        const struct ns_scenario *machine, size_t *length) {
    const struct ns_step **from_answer = calloc(answer->line_count + 1, sizeof *from_answer);
    bool *left_out = calloc(exercise->line_count + 1, sizeof *left_out);
    const size_t size = strlen(answer->text) + strlen(exercise->text) + answer->line_count + 2 +
                        (machine != NULL ? strlen(machine->text) + strlen(machine->machine_name) + 64 : 0);
    struct text text = {.bytes = malloc(size)};
    if (from_answer != NULL && left_out != NULL && text.bytes != NULL) {
        choose_lines(exercise, answer, from_answer, left_out);
        for (uint32_t number = 1; number <= answer->line_count; number++) {
            const struct ns_step *step = from_answer[number];
            const char *line = answer->lines[number - 1];
            put_line(&text, line, step != NULL ? (size_t)(words_of(answer, step).end - line) : 0);
        }
        put_scenario(&text, exercise, left_out, machine != NULL);
        if (machine != NULL) {
            put_scenario(&text, machine, NULL, true);
            text.length += (size_t)snprintf(text.bytes + text.length, size - text.length, "use machine \"%s\"\n",
                                            machine->machine_name);
        }
        *length = text.length;
    } else {
        free(text.bytes);
        text.bytes = NULL;
    }
    free(from_answer);
    free(left_out);
    return text.bytes;
}

/* ---- an order in which every wait ends ------------------------------------------------------- */

struct order {
    const struct ns_scenario *scenario;
    struct ns_occurrence *steps; /* the new order */
    size_t count;
    bool *done;   /* for each step in the old order */
    size_t first; /* of them that is not done */
    uint32_t raised[NS_LIMIT_DEVICES * NS_LIMIT_DEVICE_IRQS], rung[NS_LIMIT_DEVICES];
};

/* The actor's next step in the old order; step_count when there is none. */
static size_t next_of(struct order *order, enum ns_actor_kind kind, uint32_t actor) {
    while (order->first < order->scenario->step_count && order->done[order->first])
        order->first++;
    size_t i = order->first;
    while (i < order->scenario->step_count && (order->done[i] || order->scenario->steps[i].step->actor_kind != kind ||
                                               order->scenario->steps[i].step->actor != actor))
        i++;
    return i;
}

static bool is_blocked(const struct order *order, const struct ns_step *step, bool polls_pass) {
    return (step->verb == NS_VERB_WAIT && order->raised[step->irq] == 0) ||
           (step->verb == NS_VERB_START && order->rung[step->actor] == 0) ||
           (step->verb == NS_VERB_POLL && !polls_pass);
}

static void take(struct order *order, size_t number) {
    const struct ns_step *step = order->scenario->steps[number].step;
    if (step->verb == NS_VERB_RAISE)
        order->raised[step->irq]++;
    if (step->verb == NS_VERB_WAIT && order->raised[step->irq] > 0)
        order->raised[step->irq]--;
    if (step->verb == NS_VERB_DOORBELL && step->device != NS_NONE)
        order->rung[step->device]++;
    if (step->verb == NS_VERB_START && order->rung[step->actor] > 0)
        order->rung[step->actor]--;
    order->done[number] = true;
    order->steps[order->count++] = order->scenario->steps[number];
}

/* Takes steps of one actor until it waits; with `polls_pass` a poll first. True when it did anything. */
static bool advance(struct order *order, enum ns_actor_kind kind, uint32_t actor, bool polls_pass) {
    bool moved = false;
    for (size_t next = next_of(order, kind, actor);
         next < order->scenario->step_count && !is_blocked(order, order->scenario->steps[next].step, polls_pass);
         next = next_of(order, kind, actor)) {
        take(order, next);
        polls_pass = false;
        moved = true;
    }
    return moved;
}

static bool advance_any(struct order *order, bool polls_pass) {
    bool moved = false;
    for (uint32_t hart = 0; hart < order->scenario->machine.cache.harts && !(moved && polls_pass); hart++)
        moved = advance(order, NS_ACTOR_HART, hart, polls_pass) || moved;
    for (uint32_t device = 0; device < order->scenario->device_count && !(moved && polls_pass); device++)
        moved = advance(order, NS_ACTOR_DEVICE, device, polls_pass) || moved;
    return moved;
}

/* Harts go first, until they wait. What can never go on keeps its old order at the end. */
static bool arrange(struct ns_scenario *scenario) {
    struct order order = {.scenario = scenario,
                          .steps = calloc(scenario->step_count + 1, sizeof *order.steps),
                          .done = calloc(scenario->step_count + 1, sizeof *order.done)};
    const bool good = order.steps != NULL && order.done != NULL;
    if (good) {
        while (advance_any(&order, false) || advance_any(&order, true)) {
        }
        for (size_t i = 0; i < scenario->step_count; i++)
            if (!order.done[i])
                take(&order, i);
        memcpy(scenario->steps, order.steps, scenario->step_count * sizeof *scenario->steps);
    }
    free(order.steps);
    free(order.done);
    return good;
}

struct ns_scenario *ns_exercise_merge(const struct ns_scenario *exercise, const struct ns_scenario *answer,
                                      const struct ns_scenario *machine, const struct ns_machine_source *presets,
                                      struct ns_diagnostics *diagnostics) {
    size_t length = 0;
    char *text = merge_text(exercise, answer, machine, &length);
    if (text == NULL)
        return NULL;
    struct ns_scenario *merged = ns_scenario_parse(answer->file, text, length, presets, diagnostics);
    free(text);
    if (merged == NULL || diagnostics->count > 0)
        return merged;
    merged->order_free = true;
    if (!arrange(merged)) {
        ns_scenario_destroy(merged);
        return NULL;
    }
    return merged;
}
