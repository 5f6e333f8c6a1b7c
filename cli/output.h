/* SPDX-License-Identifier: Apache-2.0 */
/* Standard output is the result, standard error is messages; a write that fails is noticed. */
#ifndef NS_CLI_OUTPUT_H
#define NS_CLI_OUTPUT_H

#include "cli/options.h"
#include "report/buffer.h"

/* "nosnoop: ..." and a newline on standard error; control characters become '?'. */
void ns_error(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Each returns true, or false after a message. */
bool ns_output_write(const struct ns_buffer *text); /* to standard output */
bool ns_output_finish(void);                        /* flushes standard output; once, at the end */

/* A document goes to a file, or for "-" to standard output. A file of this name is made, or loses what it had; a pipe or
 * a device is written to; a symbolic link is refused. NS_EXIT_HELD, or after a message the status to exit with: that of
 * a bad command line when the file cannot be opened, and of an internal error when there is no space for the text. */
enum ns_exit ns_output_document(const char *name, const struct ns_buffer *text);
/* Where --json goes: FILE, or standard output. NS_EXIT_HELD, or after a message the status to exit with. */
enum ns_exit ns_output_json(const struct ns_options *options, const struct ns_buffer *text);
/* True when standard output is for a document (JSON or another one), so that no text may go there. */
bool ns_output_is_json(const struct ns_options *options);
/* Whether standard output gets colour: as asked, else only a terminal and only without NO_COLOR. */
bool ns_output_color(const struct ns_options *options);

#endif
