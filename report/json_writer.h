/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writes JSON (RFC 8259) into a buffer, two spaces per level, the same bytes for the same calls. The caller keeps begin
 * and end in balance. Text that is not UTF-8 is repaired with U+FFFD, so that the document always is.
 */
#ifndef NS_REPORT_JSON_WRITER_H
#define NS_REPORT_JSON_WRITER_H

#include "report/buffer.h"

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct ns_json {
    struct ns_buffer *out;
    unsigned depth;
    bool empty; /* nothing yet in the innermost object or array */
};

void ns_json_begin(struct ns_json *json, struct ns_buffer *out);
void ns_json_open(struct ns_json *json, const char *key,
                  char bracket);                        /* '{' or '['; key NULL inside an array and at the top */
void ns_json_close(struct ns_json *json, char bracket); /* '}' or ']' */
void ns_json_string(struct ns_json *json, const char *key, const char *text);
void ns_json_string_bounded(struct ns_json *json, const char *key, const char *text,
                            size_t size); /* at most `size` bytes, or to NUL */
void ns_json_number(struct ns_json *json, const char *key, uint64_t number);
void ns_json_bool(struct ns_json *json, const char *key, bool value);
void ns_json_null(struct ns_json *json, const char *key);
void ns_json_address(struct ns_json *json, const char *key, uint64_t address); /* "0x80000000" */
void ns_json_end(struct ns_json *json);                                        /* the final newline */

#ifdef __cplusplus
}
#endif
#endif
