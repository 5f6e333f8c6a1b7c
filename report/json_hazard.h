/* SPDX-License-Identifier: Apache-2.0 */
/* A hazard as a JSON object, the same in every document. */
#ifndef NS_REPORT_JSON_HAZARD_H
#define NS_REPORT_JSON_HAZARD_H

#include "model/log.h"
#include "report/json_writer.h"

/* `more`, when not NULL, adds members at the end. */
void ns_json_hazard(const struct ns_log *log, size_t index, void (*more)(struct ns_json *, const void *),
                    const void *context, struct ns_json *json);
/* "line" and "column" of a site; 0 without one. */
void ns_json_place(struct ns_json *json, const struct ns_site *site);

#endif
