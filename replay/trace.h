/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Address traces as text. Three formats, told apart by their first line:
 *
 *   din       LABEL ADDRESS ...      label 0 read, 1 write, 2 instruction fetch; every access is the four bytes of the
 *                                    word that holds ADDRESS (Dinero IV, dinfmt.c)
 *   xdin      r|w|i ADDRESS SIZE ... size in bytes, hexadecimal (Dinero IV, xdinfmt.c)
 *   lackey    "I  ADDRESS,SIZE", " L ADDRESS,SIZE", " S ...", " M ..."   size in bytes, decimal; M is a read, then a
 *                                    write; lines that begin with "==" are valgrind's own (Valgrind manual, "Lackey")
 *
 * Addresses are hexadecimal, with or without 0x in din and xdin, where what follows the last field is ignored as Dinero
 * does. Empty lines mean nothing. Everything else is an error with its line and column.
 */
#ifndef NS_REPLAY_TRACE_H
#define NS_REPLAY_TRACE_H

#include "replay/access.h"

#include <stdbool.h>

#ifdef __cplusplus
extern "C" {
#endif

enum ns_trace_format { NS_TRACE_UNKNOWN, NS_TRACE_DIN, NS_TRACE_XDIN, NS_TRACE_LACKEY };

/* "din", "extended din", "lackey", or "unknown". */
const char *ns_trace_format_name(enum ns_trace_format format);

struct ns_trace_error {
    uint64_t line;   /* from 1; 0 when there is no error */
    uint32_t column; /* from 1, in bytes */
    char text[160];  /* a sentence without a full stop; printable ASCII */
};

/* Zero-initialise; set the first three. Holds no memory. */
struct ns_trace_parser {
    bool lenient;      /* skip lines that are wrong */
    bool drop_fetches; /* count instruction fetches, and keep them out of the result */
    bool modify_reads; /* lackey's M is one read, as cachegrind counts it; else a read and a write */
    enum ns_trace_format format;
    uint64_t lines;                  /* parsed, of any kind */
    uint64_t reads, writes, fetches; /* accesses found, dropped ones too */
    uint64_t skipped;                /* wrong lines, when lenient */
    struct ns_trace_error error;     /* the first wrong line; it ends the parse unless lenient */
    bool in_long_line;               /* the rest of a line that was too long is still to come */
};

#define NS_TRACE_PADDING  32u         /* readable bytes that must lie before and behind the text */
#define NS_TRACE_MAX_LINE (64u << 10) /* bytes of one line: a longer one is an error */

/*
 * Parses lines of text[0, length) and appends their accesses to `out` while there is room in it (`capacity` entries,
 * two at least). Returns how many bytes it has used: whole lines only, so that the caller moves the rest to the front
 * and adds more. `end`: nothing more will come, and the last line needs no newline. Returns `length` at once after an
 * error.
 */
size_t ns_trace_parse(struct ns_trace_parser *parser, const char *text, size_t length, bool end,
                      struct ns_accesses *out, size_t capacity);

/* After the last text: false, with the error set, when no line held an access. */
bool ns_trace_finish(struct ns_trace_parser *parser);

#ifdef __cplusplus
}
#endif
#endif
