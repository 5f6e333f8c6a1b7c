/* SPDX-License-Identifier: Apache-2.0 */
/* One line of a trace: what trace.c (blocks, and lines in their usual form) and trace_line.c (any line) share. */
#ifndef NS_REPLAY_TRACE_INTERNAL_H
#define NS_REPLAY_TRACE_INTERNAL_H

#include "replay/trace.h"

/* What a line says: nothing, one or two accesses (M), or a record. */
struct trace_line {
    unsigned count;           /* of accesses */
    enum ns_access_kind kind; /* of the first; the second is a write */
    bool is_record;           /* then `kind` and `size` mean nothing */
    enum ns_trace_record_kind record;
    uint64_t address, length; /* length: of a record */
    uint32_t size;
};

/* The format that the line is in; NS_TRACE_UNKNOWN with an error, or without one when it does not say. */
enum ns_trace_format trace_line_recognise(struct ns_trace_error *error, const char *line, size_t length);

/* Parses one line without its newline; `records`: they are wanted. False: it is wrong, and column and text of the error
 * say why. */
bool trace_line_parse(enum ns_trace_format format, bool records, const char *line, size_t length,
                      struct trace_line *result, struct ns_trace_error *error);

#endif
