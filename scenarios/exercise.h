/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Exercises of a lab. An exercise is a complete scenario, the teacher's, with a driver that is right: its harts' steps
 * are the solution. An answer is a scenario, the student's, of which only the harts' steps count. Both are put
 * together: the answer's driver on the exercise's machine, with its devices, buffers, other actors' steps and
 * judgements.
 *
 * What a driver does for caches and order (maintenance, calls of the DMA API, fences, reads of a device register) is
 * its care; everything else is its work. An answer may choose its care freely and put the steps into another order; it
 * must do the same work as the solution, no less and no more, and keep the order of loads and stores of one hart that
 * touch the same bytes. Whether the rest of the order is right, the machine decides.
 *
 * Parts are joined as text and read by the one parser, so that names mean what the exercise declares, whatever the
 * answer declared. Each step of the answer keeps its line number, so that messages about it are right; other actors'
 * steps keep theirs too when the answer has them as the exercise does. All else of the exercise stands below.
 */
#ifndef NS_SCENARIOS_EXERCISE_H
#define NS_SCENARIOS_EXERCISE_H

#include "scenarios/scenario.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Whether a hart's step is care, and not work. */
bool ns_exercise_is_care(const struct ns_step *step);

/* A step as it stands in its file, without `expect`, comment and superfluous blanks. Returns what snprintf would. */
size_t ns_exercise_step_text(const struct ns_scenario *scenario, const struct ns_step *step, char *buffer, size_t size);

/* Why nobody can be graded with this scenario: one sentence, static, and the line it is about (0: the whole file).
 * NULL: it is an exercise. `exercise` has no mistakes. */
const char *ns_exercise_unfit(const struct ns_scenario *exercise, uint32_t *line);

/* Why this is no machine file: anything but machine blocks. NULL: it is one. */
const char *ns_exercise_unfit_machine(const struct ns_scenario *machine);

/* Adds a message to `found`, which holds the answer's file, for each step of work that the answer lacks (line 0) or has
 * beyond the exercise or in the wrong order, and for `repeat`. False: the host is out of memory. */
bool ns_exercise_compare(const struct ns_scenario *exercise, const struct ns_scenario *answer,
                         struct ns_diagnostics *found);

/* Whether the answer says something else than the exercise, or in another order, about machine, devices and memory:
 * nothing of that counts, and who reads a verdict should know. *line: the answer's first such line; 0: it lacks one. */
bool ns_exercise_declares_otherwise(const struct ns_scenario *exercise, const struct ns_scenario *answer,
                                    uint32_t *line);

/* The exercise with the answer's driver, on the exercise's own machine or on that of a machine file (not NULL). Steps
 * up to line `answer->line_count` are the answer's; their `expect` has no effect. The steps run in an order in which
 * every wait ends, where there is one. What the parser says goes to `diagnostics`, as ns_scenario_parse() does, under
 * the answer's file name. NULL: the host is out of memory. The result does not need its parts any more. */
struct ns_scenario *ns_exercise_merge(const struct ns_scenario *exercise, const struct ns_scenario *answer,
                                      const struct ns_scenario *machine, const struct ns_machine_source *presets,
                                      struct ns_diagnostics *diagnostics);

#ifdef __cplusplus
}
#endif
#endif
