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

/* Parses a text; *scenario is NULL when it is none. NS_ERROR_MEMORY: the host has no memory. */
enum ns_status edit_parse(const struct ns_scenario *original, const char *text,
                          const struct ns_machine_source *machines, struct ns_diagnostics *diagnostics,
                          struct ns_scenario **scenario);

/* What verification says of a text. */
struct edit_verdict {
    bool parsed; /* false: it is no scenario, and the rest says nothing */
    enum ns_verify_verdict verdict;
    char reason[256]; /* INCOMPLETE: why (struct ns_verify_result) */
};
enum ns_status edit_judge(const struct ns_scenario *original, const char *text, const struct ns_repair_options *options,
                          struct edit_verdict *verdict);
/* Its plain run: simulated time, 0 when it does not end, or is no scenario; and how many bytes that a hart has stored
 * are left where an invalidate dropped them (struct ns_log). */
struct edit_run {
    uint64_t end_ps, discarded;
};
enum ns_status edit_run(const struct ns_scenario *original, const char *text, const struct ns_repair_options *options,
                        struct edit_run *run);

#endif
