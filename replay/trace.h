/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Address traces as text. Three formats, told apart by their first line:
 *
 *   din       LABEL ADDRESS ...      label 0 read, 1 write, 2 instruction fetch; every access is the four bytes of the
 *                                    word that holds ADDRESS (Dinero IV, dinfmt.c)
 *   xdin      r|w|i ADDRESS SIZE ... size in bytes, hexadecimal (Dinero IV, xdinfmt.c). And records that are no
 * accesses of the hart, for whom asks for them: d and D, a device reads and writes memory; c, v, f, the hart cleans,
 * invalidates, flushes a range (c and v are Dinero's copy back and invalidate); b, a fence, without address and size
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

enum ns_trace_record_kind {
    NS_TRACE_DEVICE_READ,
    NS_TRACE_DEVICE_WRITE,
    NS_TRACE_CLEAN,
    NS_TRACE_INVALIDATE,
    NS_TRACE_FLUSH,
    NS_TRACE_FENCE, /* address and length are 0 */
};
#define NS_TRACE_MAX_RANGE (UINT64_C(16) << 20) /* bytes of one such record */
struct ns_trace_record {
    enum ns_trace_record_kind kind;
    size_t before; /* it stands before this access of the output, or behind the last one */
    uint64_t line;
    uint64_t address, length; /* its last byte has an address */
};
/* Owned by the caller, who takes out what the parser has put in. */
struct ns_trace_records {
    struct ns_trace_record *record;
    size_t count, capacity; /* one at least */
};

/* Zero-initialise; set the first five. Holds no memory. */
struct ns_trace_parser {
    bool lenient;                     /* skip lines that are wrong */
    bool drop_fetches;                /* count instruction fetches, and keep them out of the result */
    bool modify_reads;                /* lackey's M is one read, as cachegrind counts it; else a read and a write */
    struct ns_trace_records *records; /* where they go; NULL: they are wrong lines */
    uint64_t *line_of; /* gets the line of each access of the output, and has room for as many; NULL: nobody asks */
    enum ns_trace_format format;
    uint64_t lines;                  /* parsed, of any kind */
    uint64_t reads, writes, fetches; /* accesses found, dropped ones too */
    uint64_t device_reads, device_writes, maintenance, fences;
    uint64_t skipped;            /* wrong lines, when lenient */
    struct ns_trace_error error; /* the first wrong line; it ends the parse unless lenient */
    bool in_long_line;           /* the rest of a line that was too long is still to come */
};

#define NS_TRACE_PADDING  32u         /* readable bytes that must lie before and behind the text */
#define NS_TRACE_MAX_LINE (64u << 10) /* bytes of one line: a longer one is an error */

/*
 * Parses lines of text[0, length) and appends their accesses to `out` while there is room in it (`capacity` entries,
 * two at least) and in the records. Returns how many bytes it has used: whole lines only, so that the caller moves the
 * rest to the front and adds more. `end`: nothing more will come, and the last line needs no newline. Returns `length`
 * at once after an error.
 */
size_t ns_trace_parse(struct ns_trace_parser *parser, const char *text, size_t length, bool end,
                      struct ns_accesses *out, size_t capacity);

/* After the last text: false, with the error set, when no line held an access or a record. */
bool ns_trace_finish(struct ns_trace_parser *parser);

#ifdef __cplusplus
}
#endif
#endif
