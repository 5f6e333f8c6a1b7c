/* SPDX-License-Identifier: Apache-2.0 */
/* Views of a verification: text for people, JSON for programs. The same result gives the same bytes. */
#ifndef NS_REPORT_VERIFY_REPORT_H
#define NS_REPORT_VERIFY_REPORT_H

#include "report/buffer.h"
#include "report/snippet.h"
#include "verify/verify.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Hazards with their shortest schedules, observations, and the summary line. */
void ns_report_verify_text(const struct ns_scenario *scenario, const struct ns_verify_result *result,
                           const struct ns_report_style *style, struct ns_buffer *out);
/* One counterexample step by step: a lane for each actor, only what changed. */
void ns_report_lanes_text(const struct ns_scenario *scenario, const struct ns_verify_hazard *hazard,
                          const struct ns_report_style *style, struct ns_buffer *out);
/* A run in the same form: all its steps, and what became of the bytes of the scenario's objects. */
void ns_report_run_lanes(const struct ns_scenario *scenario, const struct ns_log *log,
                         const struct ns_report_style *style, struct ns_buffer *out);
/* Likewise with a line for each step, however long: its time, its line in the file, the step in its actor's lane, and
 * behind " | " what changed, with the address. */
void ns_report_run_trace(const struct ns_scenario *scenario, const struct ns_log *log, struct ns_buffer *out);
/* The document that docs/nosnoop-report.schema.json calls "verify", with a newline at its end. */
void ns_report_verify_json(const struct ns_scenario *scenario, const struct ns_verify_result *result,
                           struct ns_buffer *out);
/* The words of a machine's `may` list, in its order, from the bits of enum ns_may; NULL at the end. */
const char *ns_report_may_word(uint32_t may, unsigned index);

#ifdef __cplusplus
}
#endif
#endif
