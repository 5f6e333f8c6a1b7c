/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `nosnoop test --grade DIR PATH`: the answers in PATH against the exercises in DIR. An exercise is DIR/NAME.dma, its
 * answer PATH/NAME.dma (scenarios/exercise.h says what of both counts). Each answer is verified and run on the
 * exercise's own machine and on every hidden one, DIR/machines/NAME.dma, each time in a process of its own; and so is
 * the exercise's own driver, the solution, which must pass and is what the answer's effort is compared with.
 */
#ifndef NS_CLI_GRADE_H
#define NS_CLI_GRADE_H

#include "cli/commands.h"
#include "cli/input.h"
#include "cli/test_report.h"

#define NS_GRADE_POINTS 100u /* of one exercise */

struct ns_grade_machine {
    char *file;            /* NULL: the exercise's own machine */
    struct ns_input input; /* of a hidden one */
};

/* One driver on one machine. */
struct ns_grade_run {
    enum ns_verdict verdict; /* UNKNOWN until it has run */
    uint32_t line;           /* of the answer, where it fails; 0: not a line of the answer */
    uint64_t lines;          /* cache lines that its maintenance names; a whole-cache operation names the first cache */
    uint64_t cycles;         /* of the hart, from start to end, in the order that the clock gives */
    struct ns_buffer
        message; /* why it fails: one line, "DC-REFETCH: cpu0: load rx[0..4] -> got"; empty when it passes */
    struct ns_buffer report; /* the whole report */
};

struct ns_grade_exercise {
    char *name;        /* "1-send.dma" */
    char *file;        /* of the exercise */
    char *answer_file; /* may not exist */
    struct ns_input exercise, answer;
    enum ns_verdict verdict;
    struct ns_buffer problem;       /* why the answer cannot be run: messages, ready to print; empty: it can */
    struct ns_grade_run *runs;      /* for each machine */
    struct ns_grade_run *solutions; /* for each machine: of the exercise's own driver */
    unsigned operations, solution_operations; /* steps of maintenance and of the DMA API */
    unsigned points;                          /* 0 to NS_GRADE_POINTS */
};

struct ns_grade {
    const struct ns_options *options;
    bool color;
    size_t machine_count; /* with the exercise's own, which is number 0 */
    struct ns_grade_machine *machines;
    size_t exercise_count;
    struct ns_grade_exercise *exercises;
    size_t tally[NS_VERDICT_COUNT];
    bool interrupted, broken; /* broken: standard output or the system failed */
};

/* ---- grade.c --------------------------------------------------------------------------------- */

enum ns_exit ns_grade(const struct ns_options *options);
/* The name that reports give to a machine. */
const char *ns_grade_machine_name(const struct ns_grade_exercise *exercise, const struct ns_grade_machine *machine);
/* Sums over all machines. */
void ns_grade_effort(const struct ns_grade *grade, const struct ns_grade_run *runs, uint64_t *lines, uint64_t *cycles);

/* ---- grade_files.c --------------------------------------------------------------------------- */

/* Finds and reads exercises, machines, and answers. NS_EXIT_HELD, or after a message why nothing can be graded; an
 * answer that is missing or bad only has a `problem`. Release in every case. */
enum ns_exit ns_grade_read(struct ns_grade *grade, const char *folder, const char *answers);
void ns_grade_release(struct ns_grade *grade);

/* ---- grade_child.c --------------------------------------------------------------------------- */

/* Verifies and runs one merged scenario in a process of its own; the answer's are lines 1 to `answer_lines`. False: the
 * system failed, after a message, or *stop became true. */
bool ns_grade_execute(const struct ns_scenario *merged, size_t answer_lines, const struct ns_options *options,
                      bool color, const volatile sig_atomic_t *stop, struct ns_grade_run *run);

/* ---- grade_report.c -------------------------------------------------------------------------- */

void ns_grade_print(struct ns_grade *grade, const struct ns_grade_exercise *exercise);
void ns_grade_print_summary(struct ns_grade *grade);
void ns_grade_json(const struct ns_grade *grade, enum ns_exit result, struct ns_buffer *out);

#endif
