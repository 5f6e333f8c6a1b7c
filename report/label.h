/* SPDX-License-Identifier: Apache-2.0 */
/* The words of a hazard report: what happened at an earlier event, at the hazard itself, and its headline. */
#ifndef NS_REPORT_LABEL_H
#define NS_REPORT_LABEL_H

#include "model/log.h"
#include "report/buffer.h"

#ifdef __cplusplus
extern "C" {
#endif

/* "filled", "wrote", ...; static. */
const char *ns_note_role_text(enum ns_note_role role);

/* What an earlier event has to do with the hazard. `where` is "here" beside a source line, "before the first step"
 * without one. */
void ns_label_note(const struct ns_log *log, const struct ns_hazard *hazard, const struct ns_note *note,
                   const char *where, struct ns_buffer *out);
/* What is seen at the hazard's own place: its detail, or the facts of its event. */
void ns_label_site(const struct ns_log *log, const struct ns_hazard *hazard, struct ns_buffer *out);
/* "stale read: cpu0 reads bytes that nic has already replaced" */
void ns_label_headline(const struct ns_log *log, const struct ns_hazard *hazard, struct ns_buffer *out);

#ifdef __cplusplus
}
#endif
#endif
