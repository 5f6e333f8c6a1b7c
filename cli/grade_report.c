/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/grade.h"
#include "cli/output.h"
#include "report/format.h"
#include "report/json_writer.h"
#include "report/report.h"
#include "scenarios/exercise.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define COLUMNS 80

static const char *const verdict_text[NS_VERDICT_COUNT] = {"unknown", "pass", "fail", "skipped", "incomplete"};

static unsigned points(const struct ns_grade *grade) {
    unsigned sum = 0;
    for (size_t i = 0; i < grade->exercise_count; i++)
        sum += grade->exercises[i].points;
    return sum;
}

static const char *text_of(const struct ns_buffer *buffer) {
    return buffer->data != NULL ? buffer->data : "";
}

/* ---- text ------------------------------------------------------------------------------------ */

static void add_indented(const struct ns_buffer *lines, struct ns_buffer *out) {
    const char *text = lines->data != NULL ? lines->data : "";
    while (*text != '\0') {
        const size_t length = strcspn(text, "\n");
        ns_buffer_text(out, length > 0 ? "      " : "");
        ns_buffer_add(out, text, length);
        ns_buffer_text(out, "\n");
        text += length + (text[length] == '\n');
    }
}

/* "on machine, machine, ...": all where it went as on machine `like`; they are done then. */
static void add_names(const struct ns_grade *grade, const struct ns_grade_exercise *exercise, size_t like, bool *done,
                      struct ns_buffer *out) {
    const struct ns_grade_run *first = &exercise->runs[like];
    struct ns_buffer names = {0};
    size_t count = 0;
    for (size_t m = like; m < grade->machine_count; m++) {
        const struct ns_grade_run *run = &exercise->runs[m];
        const char *name = ns_grade_machine_name(exercise, &grade->machines[m]);
        if (run->verdict != first->verdict || run->line != first->line ||
            strcmp(text_of(&run->message), text_of(&first->message)) != 0)
            continue;
        ns_buffer_text(&names, count++ > 0 ? ", " : "on ");
        ns_format_source(&names, name, strlen(name));
        done[m] = true;
    }
    if (count == grade->machine_count && count > 1) {
        ns_buffer_format(out, "        on all %zu machines\n", count);
        ns_buffer_release_piece(&names, out);
        return;
    }
    ns_buffer_repeat(out, ' ', 8);
    ns_buffer_wrap(out, text_of(&names), 8, 8 + strlen("on "), COLUMNS);
    ns_buffer_release_piece(&names, out);
}

/* Where it fails, with the machines where it fails so; and the machines where it passes. */
static void add_machines(const struct ns_grade *grade, const struct ns_grade_exercise *exercise,
                         struct ns_buffer *out) {
    bool *done = calloc(grade->machine_count, sizeof *done);
    if (done == NULL) {
        out->failed = true;
        return;
    }
    for (size_t m = 0; m < grade->machine_count; m++) {
        const struct ns_grade_run *run = &exercise->runs[m];
        if (done[m] || run->verdict == NS_VERDICT_PASS)
            continue;
        struct ns_buffer message = {0};
        if (run->line != 0)
            ns_buffer_format(&message, "line %" PRIu32 ": ", run->line);
        ns_format_source(&message, text_of(&run->message), run->message.length);
        ns_buffer_repeat(out, ' ', 6);
        ns_buffer_wrap(out, text_of(&message), 6, 8, COLUMNS);
        ns_buffer_release_piece(&message, out);
        add_names(grade, exercise, m, done, out);
    }
    for (size_t m = 0; m < grade->machine_count; m++)
        if (!done[m]) {
            ns_buffer_text(out, "      passes\n");
            add_names(grade, exercise, m, done, out);
        }
    free(done);
}

/* A file that is right by itself, with other declarations, fails without a word of its own. */
static void add_note(const struct ns_grade_exercise *exercise, struct ns_buffer *out) {
    struct ns_buffer note = {0};
    uint32_t line = 0;
    if (!ns_exercise_declares_otherwise(exercise->exercise.scenario, exercise->answer.scenario, &line))
        return;
    if (line != 0) {
        const char *text = exercise->answer.scenario->lines[line - 1];
        size_t length = strcspn(text, "#\n");
        while (length > 0 && (text[length - 1] == ' ' || text[length - 1] == '\t'))
            length--;
        const size_t blanks = strspn(text, " \t");
        ns_buffer_format(&note, "note: line %" PRIu32 " of your file, `", line);
        ns_format_source(&note, text + blanks, length - blanks);
        ns_buffer_text(&note, "`, is not as in the exercise; the exercise's declarations and machine were used");
    } else {
        ns_buffer_text(&note, "note: your file lacks a declaration of the exercise, which was used");
    }
    ns_buffer_repeat(out, ' ', 6);
    ns_buffer_wrap(out, text_of(&note), 6, 6 + strlen("note: "), COLUMNS);
    ns_buffer_release_piece(&note, out);
}

static void add_count(const char *what, unsigned operations, uint64_t lines, uint64_t cycles, struct ns_buffer *out) {
    ns_buffer_format(out, "      %s: ", what);
    ns_format_count(out, operations, "maintenance step", "maintenance steps");
    ns_buffer_format(out, ", %" PRIu64 " lines, %" PRIu64 " cycles\n", lines, cycles);
}

static void add_effort(const struct ns_grade *grade, const struct ns_grade_exercise *exercise, struct ns_buffer *out) {
    uint64_t lines, cycles, own_lines, own_cycles;
    ns_grade_effort(grade, exercise->runs, &lines, &cycles);
    ns_grade_effort(grade, exercise->solutions, &own_lines, &own_cycles);
    add_count("your driver", exercise->operations, lines, cycles, out);
    add_count("the solution", exercise->solution_operations, own_lines, own_cycles, out);
}

void ns_grade_print(struct ns_grade *grade, const struct ns_grade_exercise *exercise) {
    static const char *const word[NS_VERDICT_COUNT] = {"????", "pass", "FAIL", "skip", "stop"};
    static const enum ns_paint paint[NS_VERDICT_COUNT] = {NS_PAINT_STRONG, NS_PAINT_GOOD, NS_PAINT_ERROR,
                                                          NS_PAINT_EXPECTED, NS_PAINT_EXPECTED};
    const struct ns_report_style style = {.color = grade->color};
    const bool passed = exercise->verdict == NS_VERDICT_PASS;
    struct ns_buffer text = {0};
    if (ns_output_is_json(grade->options) || (grade->options->quiet && passed))
        return;
    ns_paint_begin(&text, &style, paint[exercise->verdict]);
    ns_buffer_text(&text, word[exercise->verdict]);
    ns_paint_end(&text, &style);
    ns_buffer_text(&text, "  ");
    ns_format_source(&text, exercise->answer_file, strlen(exercise->answer_file));
    ns_buffer_format(&text, ": %u of %u points\n", exercise->points, NS_GRADE_POINTS);
    if (exercise->problem.length > 0)
        add_indented(&exercise->problem, &text);
    else if (passed && (exercise->points < NS_GRADE_POINTS || grade->options->verbose))
        add_effort(grade, exercise, &text);
    if (exercise->problem.length == 0 && !passed) {
        add_machines(grade, exercise, &text);
        add_note(exercise, &text);
    }
    for (size_t m = 0; m < grade->machine_count && grade->options->verbose; m++)
        if (exercise->runs[m].report.length > 0) {
            ns_buffer_format(&text, "\n      on \"%s\":\n", ns_grade_machine_name(exercise, &grade->machines[m]));
            add_indented(&exercise->runs[m].report, &text);
        }
    if (!ns_output_write(&text) || !ns_output_finish())
        grade->broken = true;
    ns_buffer_release(&text);
}

void ns_grade_print_summary(struct ns_grade *grade) {
    struct ns_buffer text = {0};
    if (ns_output_is_json(grade->options) || grade->broken)
        return;
    ns_buffer_format(&text, "%zu of %zu exercises pass on %zu machine%s; %u of %zu points",
                     grade->tally[NS_VERDICT_PASS], grade->exercise_count, grade->machine_count,
                     grade->machine_count == 1 ? "" : "s", points(grade), grade->exercise_count * NS_GRADE_POINTS);
    ns_buffer_text(&text, grade->interrupted ? " (interrupted)\n" : "\n");
    grade->broken = !ns_output_write(&text) || !ns_output_finish();
    ns_buffer_release(&text);
}

/* ---- JSON ------------------------------------------------------------------------------------ */

static void write_effort(const char *key, const struct ns_grade *grade, const struct ns_grade_run *runs,
                         unsigned operations, struct ns_json *json) {
    uint64_t lines, cycles;
    ns_grade_effort(grade, runs, &lines, &cycles);
    ns_json_open(json, key, '{');
    ns_json_number(json, "operations", operations);
    ns_json_number(json, "lines", lines);
    ns_json_number(json, "cycles", cycles);
    ns_json_close(json, '}');
}

static void write_machines(const struct ns_grade *grade, const struct ns_grade_exercise *exercise,
                           struct ns_json *json) {
    ns_json_open(json, "machines", '[');
    for (size_t m = 0; m < grade->machine_count; m++) {
        const struct ns_grade_run *run = &exercise->runs[m];
        if (run->verdict == NS_VERDICT_UNKNOWN)
            continue;
        ns_json_open(json, NULL, '{');
        ns_json_string(json, "name", ns_grade_machine_name(exercise, &grade->machines[m]));
        ns_json_bool(json, "hidden", m > 0);
        ns_json_string(json, "verdict", verdict_text[run->verdict]);
        ns_json_number(json, "line", run->line);
        ns_json_string(json, "message", text_of(&run->message));
        ns_json_number(json, "lines", run->lines);
        ns_json_number(json, "cycles", run->cycles);
        ns_json_close(json, '}');
    }
    ns_json_close(json, ']');
}

static void write_exercise(const struct ns_grade *grade, const struct ns_grade_exercise *exercise,
                           struct ns_json *json) {
    ns_json_open(json, NULL, '{');
    ns_json_string_bounded(json, "name", exercise->name, strlen(exercise->name) - strlen(".dma"));
    ns_json_string(json, "file", exercise->answer_file);
    ns_json_string(json, "verdict", verdict_text[exercise->verdict]);
    ns_json_number(json, "points", exercise->points);
    ns_json_number(json, "possible", NS_GRADE_POINTS);
    ns_json_string(json, "problem", text_of(&exercise->problem));
    write_machines(grade, exercise, json);
    write_effort("effort", grade, exercise->runs, exercise->operations, json);
    write_effort("solution", grade, exercise->solutions, exercise->solution_operations, json);
    ns_json_close(json, '}');
}

void ns_grade_json(const struct ns_grade *grade, enum ns_exit result, struct ns_buffer *out) {
    struct ns_json json;
    ns_json_begin(&json, out);
    ns_json_open(&json, NULL, '{');
    ns_json_string(&json, "schema", NS_REPORT_JSON_SCHEMA);
    ns_json_number(&json, "version", NS_REPORT_JSON_VERSION);
    ns_json_string(&json, "command", "grade");
    ns_json_string(&json, "verdict",
                   result == NS_EXIT_HELD     ? "pass"
                   : result == NS_EXIT_FAILED ? "fail"
                                              : "incomplete");
    ns_json_number(&json, "passed", grade->tally[NS_VERDICT_PASS]);
    ns_json_number(&json, "failed", grade->tally[NS_VERDICT_FAIL]);
    ns_json_number(&json, "incomplete", grade->tally[NS_VERDICT_INCOMPLETE]);
    ns_json_number(&json, "points", points(grade));
    ns_json_number(&json, "possible", grade->exercise_count * NS_GRADE_POINTS);
    ns_json_open(&json, "exercises", '[');
    for (size_t i = 0; i < grade->exercise_count; i++)
        if (grade->exercises[i].verdict != NS_VERDICT_UNKNOWN)
            write_exercise(grade, &grade->exercises[i], &json);
    ns_json_close(&json, ']');
    ns_json_close(&json, '}');
    ns_json_end(&json);
}
