/* SPDX-License-Identifier: Apache-2.0 */
/* How addresses, bytes, times and names are written, the same in every view. */
#ifndef NS_REPORT_FORMAT_H
#define NS_REPORT_FORMAT_H

#include "model/log.h"
#include "report/buffer.h"

#ifdef __cplusplus
extern "C" {
#endif

#define NS_TIME_TEXT 32 /* bytes that ns_format_time needs at most */

/* Picoseconds with three significant digits: "0 ps", "850 ps", "1.24 us", "12.0 s". Rounds half up. Returns `text`. */
const char *ns_format_time(uint64_t picoseconds, char text[NS_TIME_TEXT]);
/* "00 ab": two hexadecimal digits a byte. */
void ns_format_bytes(struct ns_buffer *out, const uint8_t *bytes, size_t count);
/* Length of the well-formed UTF-8 sequence at `text` (RFC 3629, section 4), at most `length` (at least 1); 0 when there
 * is none. */
size_t ns_format_utf8_length(const char *text, size_t length);
/* One line of a user's file, made safe for a terminal: control characters and bytes that are not UTF-8 become '?', a
 * tab one space. */
void ns_format_source(struct ns_buffer *out, const char *text, size_t length);
/* A step as written, without its actor, its comment and what it expects, spaces squeezed; nothing for a site without a
 * place. Not made safe for a terminal. */
void ns_format_step(struct ns_buffer *out, const struct ns_log *log, uint32_t site);
/* "fill 0x8000_0000" from "fill:cpu0:0x8000_0000@3", a move as a schedule writes it; with the hart where there are
 * several. */
void ns_format_move(struct ns_buffer *out, const char *move, bool many_harts);
/* A file name as an argument that a shell reads back unchanged; quoted only when it has to be. */
void ns_format_shell(struct ns_buffer *out, const char *text);
/* "1 hazard", "2 hazards" */
void ns_format_count(struct ns_buffer *out, size_t count, const char *one, const char *many);

/* An actor's name; "hardware" for a number that the log does not know. */
const char *ns_actor_name(const struct ns_log *log, unsigned actor);
/* "L1D", "memory" for level == levels, "cache" beyond. */
const char *ns_level_name(const struct ns_log *log, unsigned level);
/* Whose L1 an event of level 0 is about: a hart's access, or what became of a line in its cache. */
unsigned ns_cache_hart(const struct ns_log *log, const struct ns_event *event);
/* NULL for event 0 and numbers beyond the log. */
const struct ns_event *ns_event_at(const struct ns_log *log, uint32_t number);
/* NULL for NS_NO_SITE, numbers beyond the log and sites without a line. */
const struct ns_site *ns_site_at(const struct ns_log *log, uint32_t number);

/* "clean", "invalidate", "flush" */
const char *ns_op_name(unsigned op);
/* "cacheable", "nc", "io" */
const char *ns_type_name(unsigned type);
/* "to-device", "from-device", "bidirectional", "" */
const char *ns_direction_name(unsigned direction);

#ifdef __cplusplus
}
#endif
#endif
