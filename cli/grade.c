/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/grade.h"
#include "cli/output.h"
#include "cli/presets.h"
#include "scenarios/exercise.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>

/* The one thing a signal handler can reach. */
static volatile sig_atomic_t interrupted;

static void on_interrupt(int signal_number) {
    (void)signal_number;
    interrupted = 1;
}

const char *ns_grade_machine_name(const struct ns_grade_exercise *exercise, const struct ns_grade_machine *machine) {
    return machine->file == NULL ? exercise->exercise.scenario->machine_name : machine->input.scenario->machine_name;
}

void ns_grade_effort(const struct ns_grade *grade, const struct ns_grade_run *runs, uint64_t *lines, uint64_t *cycles) {
    *lines = *cycles = 0;
    for (size_t m = 0; m < grade->machine_count; m++) {
        *lines += runs[m].lines;
        *cycles += runs[m].cycles;
    }
}

/* ---- one driver on one machine --------------------------------------------------------------- */

/* Messages about the merged text: those about the answer's steps go to its own list. What the exercise's lines lack
 * because of the answer is said without a place. */
static bool take_messages(const struct ns_diagnostics *merged, struct ns_grade_exercise *exercise) {
    struct ns_diagnostics *list = &exercise->answer.diagnostics;
    const size_t lines = exercise->answer.scenario->line_count;
    bool good = true;
    for (size_t i = 0; good && i < merged->count; i++) {
        const struct ns_diagnostic *entry = &merged->entry[i];
        if (entry->line != 0 && entry->line <= lines)
            good = ns_diagnostics_add(list, entry->line, entry->column, entry->width, entry->message,
                                      entry->suggestion != NULL ? entry->suggestion
                                                                : "declarations and machine are those of the exercise");
    }
    if (list->count == 0 && merged->count > 0)
        good = ns_diagnostics_add(list, 0, 1, 1, merged->entry[0].message,
                                  "said of the exercise's own lines, together with this driver");
    for (size_t i = 0; good && i < list->count; i++) {
        const size_t size = ns_diagnostic_format(list, i, NULL, 0) + 1;
        char *text = malloc(size);
        if (text == NULL)
            return false;
        ns_diagnostic_format(list, i, text, size);
        ns_buffer_text(&exercise->problem, text);
        free(text);
    }
    return good;
}

/* `answer`: the student's driver, or the exercise itself for the solution. False: the system failed, or an interrupt.
 * A driver that cannot be put onto this machine leaves *run unknown; of an answer, the exercise then has a problem. */
static bool try_machine(struct ns_grade *grade, struct ns_grade_exercise *exercise, const struct ns_scenario *answer,
                        size_t machine, struct ns_grade_run *run) {
    const char *names[NS_PRESET_LIMIT + 1];
    struct ns_machine_source presets;
    struct ns_diagnostics diagnostics;
    ns_preset_source(&presets, names);
    ns_diagnostics_init(&diagnostics);
    struct ns_scenario *merged = ns_exercise_merge(exercise->exercise.scenario, answer,
                                                   grade->machines[machine].input.scenario, &presets, &diagnostics);
    bool good = merged != NULL;
    if (good && diagnostics.count == 0) {
        good = ns_grade_execute(merged, answer->line_count, grade->options, grade->color, &interrupted, run);
    } else if (good && answer != exercise->exercise.scenario) {
        good = take_messages(&diagnostics, exercise);
    } else if (good) {
        ns_buffer_text(&run->message, diagnostics.entry[0].message);
    }
    if (merged == NULL || (!good && diagnostics.count > 0))
        ns_error("out of memory");
    ns_scenario_destroy(merged);
    ns_diagnostics_release(&diagnostics);
    return good;
}

/* ---- one exercise ---------------------------------------------------------------------------- */

static unsigned count_operations(const struct ns_scenario *scenario) {
    unsigned count = 0;
    for (size_t i = 0; i < scenario->written_count; i++) {
        const struct ns_step *step = &scenario->written[i];
        count += step->actor_kind == NS_ACTOR_HART && ns_exercise_is_care(step) && step->verb != NS_VERB_FENCE &&
                 step->verb != NS_VERB_MMIO_READ && step->verb != NS_VERB_MAPPING_ERROR;
    }
    return count;
}

/* The second half of the points: all of it up to a tenth more than the solution needs, then less and less. */
static unsigned points_for(uint64_t effort, uint64_t solution) {
    const uint64_t half = NS_GRADE_POINTS / 2;
    return (unsigned)(effort <= solution + solution / 10 ? half : half * solution / effort);
}

/* Half of the points are for being right; the other half is for the effort, in lines that are maintained or in cycles,
 * whichever is worse. */
static unsigned points_of(const struct ns_grade *grade, const struct ns_grade_exercise *exercise) {
    uint64_t lines, cycles, own_lines, own_cycles;
    ns_grade_effort(grade, exercise->runs, &lines, &cycles);
    ns_grade_effort(grade, exercise->solutions, &own_lines, &own_cycles);
    const unsigned for_lines = points_for(lines, own_lines), for_cycles = points_for(cycles, own_cycles);
    return NS_GRADE_POINTS / 2 + (for_lines < for_cycles ? for_lines : for_cycles);
}

/* A teacher's file whose own driver is wrong grades nobody. */
static enum ns_exit try_solution(struct ns_grade *grade, struct ns_grade_exercise *exercise) {
    for (size_t m = 0; m < grade->machine_count; m++) {
        struct ns_grade_run *run = &exercise->solutions[m];
        if (!try_machine(grade, exercise, exercise->exercise.scenario, m, run))
            return interrupted != 0 ? NS_EXIT_INCOMPLETE : NS_EXIT_INTERNAL;
        if (run->verdict != NS_VERDICT_PASS) {
            ns_error("%s: its own driver does not pass on machine \"%s\": %s", exercise->file,
                     ns_grade_machine_name(exercise, &grade->machines[m]),
                     run->message.data != NULL ? run->message.data : "");
            return NS_EXIT_BAD_INPUT;
        }
    }
    exercise->solution_operations = count_operations(exercise->exercise.scenario);
    return NS_EXIT_HELD;
}

static bool try_answer(struct ns_grade *grade, struct ns_grade_exercise *exercise) {
    size_t count[NS_VERDICT_COUNT] = {0};
    exercise->verdict = NS_VERDICT_UNKNOWN;
    for (size_t m = 0; m < grade->machine_count && exercise->problem.length == 0; m++) {
        if (!try_machine(grade, exercise, exercise->answer.scenario, m, &exercise->runs[m]))
            return false;
        count[exercise->runs[m].verdict]++;
    }
    exercise->verdict = exercise->problem.length > 0 || count[NS_VERDICT_FAIL] > 0 ? NS_VERDICT_FAIL
                        : count[NS_VERDICT_INCOMPLETE] > 0                         ? NS_VERDICT_INCOMPLETE
                                                                                   : NS_VERDICT_PASS;
    if (exercise->answer.scenario != NULL)
        exercise->operations = count_operations(exercise->answer.scenario);
    if (exercise->verdict == NS_VERDICT_PASS)
        exercise->points = points_of(grade, exercise);
    return true;
}

/* ---- all of them ----------------------------------------------------------------------------- */

static enum ns_exit grade_all(struct ns_grade *grade) {
    for (size_t i = 0; i < grade->exercise_count && interrupted == 0; i++) {
        const enum ns_exit result = try_solution(grade, &grade->exercises[i]);
        if (result != NS_EXIT_HELD && interrupted == 0)
            return result;
    }
    for (size_t i = 0; i < grade->exercise_count && !grade->broken && interrupted == 0; i++) {
        if (!try_answer(grade, &grade->exercises[i])) {
            if (interrupted == 0)
                return NS_EXIT_INTERNAL;
            grade->exercises[i].verdict = NS_VERDICT_UNKNOWN;
            break;
        }
        ++grade->tally[grade->exercises[i].verdict];
        ns_grade_print(grade, &grade->exercises[i]);
    }
    grade->interrupted = interrupted != 0;
    ns_grade_print_summary(grade);
    return grade->broken                                           ? NS_EXIT_INTERNAL
           : grade->interrupted                                    ? NS_EXIT_INCOMPLETE
           : grade->tally[NS_VERDICT_FAIL] > 0                     ? NS_EXIT_FAILED
           : grade->tally[NS_VERDICT_PASS] < grade->exercise_count ? NS_EXIT_INCOMPLETE
                                                                   : NS_EXIT_HELD;
}

static enum ns_exit grade_and_write(struct ns_grade *grade) {
    struct sigaction action = {.sa_handler = on_interrupt}, old_interrupt, old_terminate;
    interrupted = 0;
    sigaction(SIGINT, &action, &old_interrupt);
    sigaction(SIGTERM, &action, &old_terminate);
    enum ns_exit result = grade_all(grade);
    sigaction(SIGINT, &old_interrupt, NULL);
    sigaction(SIGTERM, &old_terminate, NULL);
    if (grade->options->json && (result == NS_EXIT_HELD || result == NS_EXIT_FAILED || result == NS_EXIT_INCOMPLETE)) {
        struct ns_buffer document = {0};
        ns_grade_json(grade, result, &document);
        const enum ns_exit written = ns_output_json(grade->options, &document);
        result = written != NS_EXIT_HELD ? written : result;
        ns_buffer_release(&document);
    }
    return result;
}

enum ns_exit ns_grade(const struct ns_options *options) {
    struct ns_grade grade = {.options = options, .color = ns_output_color(options) && !options->json};
    if (options->operand_count != 1) {
        ns_error("`nosnoop test --grade` needs one folder of answers: nosnoop test --grade DIR PATH");
        return NS_EXIT_BAD_INPUT;
    }
    if (options->no_verify) {
        ns_error("`--grade` verifies: it does not go with `--no-verify`");
        return NS_EXIT_BAD_INPUT;
    }
    enum ns_exit result = ns_grade_read(&grade, options->grade, options->operands[0]);
    if (result == NS_EXIT_HELD)
        result = grade_and_write(&grade);
    ns_grade_release(&grade);
    return result;
}
