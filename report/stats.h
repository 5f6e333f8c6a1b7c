/* SPDX-License-Identifier: Apache-2.0 */
/* What a run counted: per actor and level of the caches, per master of the bus, interrupts. */
#ifndef NS_REPORT_STATS_H
#define NS_REPORT_STATS_H

#include "model/log.h"
#include "report/json_writer.h"

#ifdef __cplusplus
extern "C" {
#endif

/* A table, with an empty line before it. */
void ns_report_stats_text(const struct ns_log *log, struct ns_buffer *out);
/* The cycles of an actor: in all, and of each part (enum ns_time_part), which add up to that. Whole ones: what a part
 * loses by that the next column of the table gets. */
uint64_t ns_stats_cycles(const struct ns_log *log, unsigned actor, uint64_t part[NS_TIME_PARTS]);
/* Members "caches", "actors" and "bus" of the object under way; nothing when the log has no counts. */
void ns_json_stats(const struct ns_log *log, struct ns_json *json);

#ifdef __cplusplus
}
#endif
#endif
