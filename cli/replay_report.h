/* SPDX-License-Identifier: Apache-2.0 */
/* What `replay` says: a text of at most 80 columns, and the JSON document "replay" of the schema. */
#ifndef NS_CLI_REPLAY_REPORT_H
#define NS_CLI_REPLAY_REPORT_H

#include "cli/replay_input.h"
#include "replay/replay.h"
#include "report/buffer.h"
#include "report/json_writer.h"

/* "trace.din: extended din, 12 accesses: ...", and how many lines were skipped. `no_fetches`: why instruction fetches
 * were left out; NULL: they were not. */
void ns_replay_report_trace(const char *file, const struct ns_trace_parser *parser, const char *no_fetches,
                            struct ns_buffer *out);
void ns_replay_report_text(const struct ns_replay_config *config, const struct ns_replay_row *rows, size_t count,
                           bool quiet, struct ns_buffer *out);
/* Opens the document, up to the part that a replay and a sweep differ in; the caller closes it. */
void ns_replay_report_json_head(const char *file, const struct ns_trace_parser *parser, const char *verdict,
                                struct ns_json *json);
void ns_replay_report_json(const struct ns_replay_config *config, const struct ns_replay_row *rows, size_t count,
                           struct ns_json *json);
/* The counts of one cache, as keys of the object that is open. */
void ns_replay_report_json_counts(const struct ns_level_counts *counts, struct ns_json *json);
void ns_replay_report_json_geometry(const struct ns_cache_level_config *config, struct ns_json *json);

#endif
