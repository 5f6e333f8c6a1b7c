/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/grade.h"
#include "cli/output.h"
#include "report/format.h"
#include "scenarios/exercise.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* Scenarios of one folder, not below it. */
struct names {
    char **name; /* without the folder */
    size_t count;
};

static int compare_names(const void *left, const void *right) {
    return strcmp(*(char *const *)left, *(char *const *)right);
}

static bool is_scenario_name(const char *name) {
    const size_t length = strlen(name);
    return name[0] != '.' && length > 4 && strcmp(name + length - 4, ".dma") == 0;
}

static bool add_name(struct names *list, const char *name) {
    char **moved = realloc(list->name, (list->count + 1) * sizeof *moved);
    if (moved != NULL) {
        list->name = moved;
        list->name[list->count] = strdup(name);
    }
    if (moved == NULL || list->name[list->count] == NULL) {
        ns_error("out of memory");
        return false;
    }
    list->count++;
    return true;
}

static void release_names(struct names *list) {
    for (size_t i = 0; i < list->count; i++)
        free(list->name[i]);
    free(list->name);
}

static enum ns_exit list_folder(const char *folder, struct names *list) {
    DIR *stream = opendir(folder);
    if (stream == NULL) {
        ns_error("cannot read `%s`: %s", folder, strerror(errno));
        return NS_EXIT_BAD_INPUT;
    }
    enum ns_exit result = NS_EXIT_HELD;
    for (struct dirent *entry = readdir(stream); entry != NULL && result == NS_EXIT_HELD; entry = readdir(stream))
        if (is_scenario_name(entry->d_name) && !add_name(list, entry->d_name))
            result = NS_EXIT_INTERNAL;
    closedir(stream);
    if (list->count > 0)
        qsort(list->name, list->count, sizeof *list->name, compare_names);
    return result;
}

/* "folder/name"; NULL after a message. */
static char *path_of(const char *folder, const char *name) {
    struct ns_buffer path = {0};
    const size_t length = strlen(folder);
    ns_buffer_format(&path, "%s%s%s", folder, length > 0 && folder[length - 1] == '/' ? "" : "/", name);
    if (path.failed) {
        ns_error("out of memory");
        ns_buffer_release(&path);
        return NULL;
    }
    return path.data;
}

/* A file of the teacher: any mistake in it ends the grading. */
static enum ns_exit read_own(const char *file, struct ns_input *input) {
    enum ns_exit result = ns_input_read(file, input);
    if (result == NS_EXIT_HELD && input->diagnostics.count > 0) {
        ns_input_complain(input);
        result = NS_EXIT_BAD_INPUT;
    } else if (result == NS_EXIT_HELD && input->scenario->missing_requirement != NULL) {
        ns_error("%s: it requires `%s`, which this build does not have", file, input->scenario->missing_requirement);
        result = NS_EXIT_BAD_INPUT;
    }
    return result;
}

static enum ns_exit read_machines(struct ns_grade *grade, const char *folder) {
    struct names list = {0};
    struct stat status;
    char *machines = path_of(folder, "machines");
    enum ns_exit result = machines == NULL ? NS_EXIT_INTERNAL : NS_EXIT_HELD;
    if (result == NS_EXIT_HELD && stat(machines, &status) == 0)
        result = list_folder(machines, &list);
    grade->machines = calloc(list.count + 1, sizeof *grade->machines);
    grade->machine_count = grade->machines != NULL ? list.count + 1 : 0;
    if (result == NS_EXIT_HELD && grade->machines == NULL) {
        ns_error("out of memory");
        result = NS_EXIT_INTERNAL;
    }
    for (size_t i = 1; i < grade->machine_count && result == NS_EXIT_HELD; i++) {
        struct ns_grade_machine *machine = &grade->machines[i];
        machine->file = path_of(machines, list.name[i - 1]);
        result = machine->file != NULL ? read_own(machine->file, &machine->input) : NS_EXIT_INTERNAL;
        const char *problem = result == NS_EXIT_HELD ? ns_exercise_unfit_machine(machine->input.scenario) : NULL;
        if (problem != NULL) {
            ns_error("%s: %s", machine->file, problem);
            result = NS_EXIT_BAD_INPUT;
        }
    }
    release_names(&list);
    free(machines);
    return result;
}

static enum ns_exit read_exercise(struct ns_grade_exercise *exercise) {
    const enum ns_exit result = read_own(exercise->file, &exercise->exercise);
    uint32_t line = 0;
    const char *problem = result == NS_EXIT_HELD ? ns_exercise_unfit(exercise->exercise.scenario, &line) : NULL;
    if (problem == NULL)
        return result;
    if (line != 0)
        ns_error("%s:%u: %s", exercise->file, (unsigned)line, problem);
    else
        ns_error("%s: %s", exercise->file, problem);
    return NS_EXIT_BAD_INPUT;
}

static void add_diagnostics(const struct ns_diagnostics *list, struct ns_buffer *out) {
    for (size_t i = 0; i < list->count; i++) {
        const size_t size = ns_diagnostic_format(list, i, NULL, 0) + 1;
        char *text = malloc(size);
        if (text == NULL) {
            out->failed = true;
            return;
        }
        ns_diagnostic_format(list, i, text, size);
        ns_buffer_text(out, text);
        free(text);
    }
}

/* No step, and no line that wants to be one: what such a file lacks otherwise needs no words. */
static bool is_empty(const struct ns_input *answer) {
    bool bad_line = false;
    for (size_t i = 0; i < answer->diagnostics.count; i++)
        bad_line = bad_line || answer->diagnostics.entry[i].line != 0;
    return answer->scenario->written_count == 0 && !bad_line;
}

/* What is wrong with an answer is its own problem. A pipe or a device is not read: it might never end; nor is a link:
 * it might lead to the solution. */
static enum ns_exit read_answer(struct ns_grade_exercise *exercise, size_t *present) {
    struct stat status;
    if (lstat(exercise->answer_file, &status) != 0) {
        const int reason = errno;
        ns_buffer_text(&exercise->problem, reason == ENOENT ? "no answer: `" : "`");
        ns_format_source(&exercise->problem, exercise->answer_file, strlen(exercise->answer_file));
        ns_buffer_format(&exercise->problem, reason == ENOENT ? "` is not there\n" : "`: %s\n", strerror(reason));
        return NS_EXIT_HELD;
    }
    ++*present;
    if (!S_ISREG(status.st_mode)) {
        ns_format_source(&exercise->problem, exercise->answer_file, strlen(exercise->answer_file));
        ns_buffer_text(&exercise->problem, ": not a file\n");
        return NS_EXIT_HELD;
    }
    enum ns_exit result = ns_input_read(exercise->answer_file, &exercise->answer);
    if (result == NS_EXIT_BAD_INPUT) {
        ns_buffer_text(&exercise->problem, "it cannot be read\n");
        return NS_EXIT_HELD;
    }
    if (result == NS_EXIT_HELD && is_empty(&exercise->answer)) {
        ns_buffer_text(&exercise->problem, "the answer has no steps\n");
        return NS_EXIT_HELD;
    }
    if (result == NS_EXIT_HELD && exercise->answer.diagnostics.count == 0 &&
        !ns_exercise_compare(exercise->exercise.scenario, exercise->answer.scenario, &exercise->answer.diagnostics)) {
        ns_error("out of memory");
        result = NS_EXIT_INTERNAL;
    }
    if (result == NS_EXIT_HELD)
        add_diagnostics(&exercise->answer.diagnostics, &exercise->problem);
    return result;
}

static enum ns_exit prepare(struct ns_grade *grade, struct ns_grade_exercise *exercise, const char *folder,
                            const char *answers, char *name, size_t *present) {
    exercise->name = name;
    exercise->file = path_of(folder, name);
    exercise->answer_file = path_of(answers, name);
    exercise->runs = calloc(grade->machine_count, sizeof *exercise->runs);
    exercise->solutions = calloc(grade->machine_count, sizeof *exercise->solutions);
    if (exercise->file == NULL || exercise->answer_file == NULL || exercise->runs == NULL ||
        exercise->solutions == NULL) {
        ns_error("out of memory");
        return NS_EXIT_INTERNAL;
    }
    const enum ns_exit result = read_exercise(exercise);
    return result == NS_EXIT_HELD ? read_answer(exercise, present) : result;
}

static bool is_folder(const char *path) {
    struct stat status;
    if (stat(path, &status) != 0)
        ns_error("cannot read `%s`: %s", path, strerror(errno));
    else if (!S_ISDIR(status.st_mode))
        ns_error("`%s` is not a folder", path);
    else
        return true;
    return false;
}

enum ns_exit ns_grade_read(struct ns_grade *grade, const char *folder, const char *answers) {
    struct names list = {0};
    size_t present = 0;
    enum ns_exit result = is_folder(folder) && is_folder(answers) ? list_folder(folder, &list) : NS_EXIT_BAD_INPUT;
    if (result == NS_EXIT_HELD && list.count == 0) {
        ns_error("nothing to grade: `%s` holds no exercise (*.dma)", folder);
        result = NS_EXIT_BAD_INPUT;
    }
    if (result == NS_EXIT_HELD)
        result = read_machines(grade, folder);
    if (result == NS_EXIT_HELD && (grade->exercises = calloc(list.count, sizeof *grade->exercises)) == NULL) {
        ns_error("out of memory");
        result = NS_EXIT_INTERNAL;
    }
    for (size_t i = 0; i < list.count && result == NS_EXIT_HELD; i++) {
        result = prepare(grade, &grade->exercises[grade->exercise_count++], folder, answers, list.name[i], &present);
        list.name[i] = NULL; /* the exercise has it */
    }
    if (result == NS_EXIT_HELD && present == 0) {
        ns_error("nothing to grade: `%s` holds no answer, such as `%s`", answers, grade->exercises[0].name);
        result = NS_EXIT_BAD_INPUT;
    }
    release_names(&list);
    return result;
}

static void release_run(struct ns_grade_run *run) {
    ns_buffer_release(&run->message);
    ns_buffer_release(&run->report);
}

/* What was never read is all zero. */
static void release_input(struct ns_input *input) {
    if (input->scenario != NULL || input->diagnostics.count > 0 || input->diagnostics.text != NULL)
        ns_input_release(input);
}

void ns_grade_release(struct ns_grade *grade) {
    for (size_t i = 0; i < grade->exercise_count; i++) {
        struct ns_grade_exercise *exercise = &grade->exercises[i];
        for (size_t m = 0; m < grade->machine_count; m++) {
            if (exercise->runs != NULL)
                release_run(&exercise->runs[m]);
            if (exercise->solutions != NULL)
                release_run(&exercise->solutions[m]);
        }
        release_input(&exercise->exercise);
        release_input(&exercise->answer);
        ns_buffer_release(&exercise->problem);
        free(exercise->runs);
        free(exercise->solutions);
        free(exercise->name);
        free(exercise->file);
        free(exercise->answer_file);
    }
    for (size_t m = 0; m < grade->machine_count; m++) {
        release_input(&grade->machines[m].input);
        free(grade->machines[m].file);
    }
    free(grade->exercises);
    free(grade->machines);
}
