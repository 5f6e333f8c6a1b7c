/* SPDX-License-Identifier: Apache-2.0 */
/* A scenario's text with some lines changed, and what verification says of it. */
#ifndef NS_VERIFY_EDIT_H
#define NS_VERIFY_EDIT_H

#include "verify/repair.h"

enum edit_kind {
    EDIT_BEFORE,  /* `text` becomes a line in front of `line` */
    EDIT_REPLACE, /* `text` takes its place; empty: nothing is left of it */
    EDIT_SWAP,    /* `line` and `other` change places */
};
enum { EDIT_TEXT = 240, EDIT_SET = 4 };

struct edit {
    enum edit_kind kind;
    uint32_t line, other;
    bool separates;
    char text[EDIT_TEXT];
};

/* A step whose whole purpose is cache maintenance: an operation, or a call that hands the bytes over. */
bool step_maintains(const struct ns_step *step);

/* The text with these edits; malloc'd. keep_lines: a line that is taken out stays as an empty one, so that numbers
 * stay. strip: `expect`s of hazards are left out. */
char *edit_apply(const struct ns_scenario *scenario, const struct edit *edits, size_t count, bool keep_lines,
                 bool strip);

/* Parses a text; NULL when it is no scenario. */
struct ns_scenario *edit_parse(const struct ns_scenario *original, const char *text,
                               const struct ns_machine_source *machines, struct ns_diagnostics *diagnostics);

/* The verdict of a text; NS_VERIFY_REFUTED when it is no scenario (*parsed false). */
enum ns_status edit_verdict(const struct ns_scenario *original, const char *text,
                            const struct ns_repair_options *options, enum ns_verify_verdict *verdict, bool *parsed);
/* Simulated time of its plain run; 0: it does not end, or is no scenario. */
uint64_t edit_run_time(const struct ns_scenario *original, const char *text, const struct ns_repair_options *options);

#endif
