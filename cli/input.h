/* SPDX-License-Identifier: Apache-2.0 */
/* A scenario file, read and parsed. */
#ifndef NS_CLI_INPUT_H
#define NS_CLI_INPUT_H

#include "cli/options.h"
#include "scenarios/scenario.h"

struct ns_input {
    struct ns_scenario *scenario; /* NULL when the file could not be read */
    struct ns_diagnostics diagnostics;
};

/* Reads and parses `file`; "-" is standard input. NS_EXIT_HELD, and diagnostics.count says whether the scenario is
 * usable; NS_EXIT_BAD_INPUT (cannot be read) or NS_EXIT_INTERNAL (out of memory) after a message. Release in every
 * case. */
enum ns_exit ns_input_read(const char *file, struct ns_input *input);
/* The two halves of it. The text is malloc'd, at most one byte longer than NS_LIMIT_FILE_BYTES; NULL on failure. */
enum ns_exit ns_input_load(const char *file, char **text, size_t *length);
enum ns_exit ns_input_parse(const char *file, const char *text, size_t length, struct ns_input *input);
void ns_input_release(struct ns_input *input);
/* All diagnostics to standard error. */
void ns_input_complain(const struct ns_input *input);

#endif
