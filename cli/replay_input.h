/* SPDX-License-Identifier: Apache-2.0 */
/* A trace file, standard input, or a file that xz or gzip has compressed: read in blocks, parsed, handed on. */
#ifndef NS_CLI_REPLAY_INPUT_H
#define NS_CLI_REPLAY_INPUT_H

#include "cli/options.h"
#include "replay/trace.h"

#define NS_REPLAY_ACCESSES 4096u /* that a consumer gets at a time, at most */

/* Gets accesses in the order of the trace, and what is among parser->records, which it empties. False ends the reading;
 * *bad is then the index of the access at fault, and the sentence is in `reason` (200 bytes). With parser->line_of the
 * message begins with a place, and *bad is the line. */
typedef bool (*ns_replay_consumer)(void *context, const struct ns_accesses *accesses, size_t *bad, char *reason);

/* Reads all of `file` ("-": standard input). A terminal on standard error sees how far it is, unless `quiet`.
 * NS_EXIT_HELD; NS_EXIT_INCOMPLETE after SIGINT; NS_EXIT_BAD_INPUT and NS_EXIT_INTERNAL after a message. */
enum ns_exit ns_replay_read(const char *file, bool quiet, struct ns_trace_parser *parser, ns_replay_consumer consumer,
                            void *context);

#endif
