/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Blocks of text, a line at a time. Lines in their usual form go a short way: sixteen digits are looked at together
 * (SSE2, which every x86-64 has), and no branch depends on how long an address is. All others, and whatever is wrong,
 * go to trace_line.c.
 */
#include "replay/trace_internal.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#ifdef __SSE2__
#include <immintrin.h>
#endif

const char *ns_trace_format_name(enum ns_trace_format format) {
    static const char *const names[] = {"unknown", "din", "extended din", "lackey"};
    return names[format];
}

/* ---- the short way --------------------------------------------------------------------------- */

#ifdef __SSE2__

/* What is wrong with a line has a bit at WRONG or above it; the tables below give it for characters that do not fit. */
#define WRONG 0x80u
#define X     WRONG
#define X8    X, X, X, X, X, X, X, X
#define X32   X8, X8, X8, X8

/* Row c: what the character c is as a hexadecimal digit. */
static const uint8_t digits[256] = {
    X32, X8, X8, 0, 1,  2,  3,  4, 5,  6,  7,  8,  9,  X,  X, X,  X,  X,  X,   X,   10,  11,  12,
    13,  14, 15, X, X8, X8, X8, X, 10, 11, 12, 13, 14, 15, X, X8, X8, X8, X32, X32, X32, X32,
};

/* The same of a first digit of a size, which is not 0 in lines of the usual form. */
static const uint8_t first_digits[256] = {
    X32, X8, X8, X, 1,  2,  3,  4, 5,  6,  7,  8,  9,  X,  X, X,  X,  X,  X,   X,   10,  11,  12,
    13,  14, 15, X, X8, X8, X8, X, 10, 11, 12, 13, 14, 15, X, X8, X8, X8, X32, X32, X32, X32,
};

/* Row c: the kind of access that extended din means by c. */
static const uint8_t kinds[256] = {
    X32, X32, X32, X8,  X,   NS_ACCESS_FETCH, X, X, X, X, X, X, X, X, NS_ACCESS_READ, X, X, X, X, NS_ACCESS_WRITE,
    X8,  X32, X32, X32, X32,
};

/* Row n + 1: a mask of the last n of 16 bytes. Row 1 keeps the space in front as well, and row 0 the character before,
 * so that no digit at all and no space in front are a wrong digit. */
#define R8(x) x, x, x, x, x, x, x, x
#define Y     0xff
static const uint8_t keep[18][16] __attribute__((aligned(16))) = {
    {R8(Y), R8(Y)},
    {R8(0), 0, 0, 0, 0, 0, 0, 0, Y},
    {R8(0), 0, 0, 0, 0, 0, 0, 0, Y},
    {R8(0), 0, 0, 0, 0, 0, 0, Y, Y},
    {R8(0), 0, 0, 0, 0, 0, Y, Y, Y},
    {R8(0), 0, 0, 0, 0, Y, Y, Y, Y},
    {R8(0), 0, 0, 0, Y, Y, Y, Y, Y},
    {R8(0), 0, 0, Y, Y, Y, Y, Y, Y},
    {R8(0), 0, Y, Y, Y, Y, Y, Y, Y},
    {R8(0), R8(Y)},
    {0, 0, 0, 0, 0, 0, 0, Y, R8(Y)},
    {0, 0, 0, 0, 0, 0, Y, Y, R8(Y)},
    {0, 0, 0, 0, 0, Y, Y, Y, R8(Y)},
    {0, 0, 0, 0, Y, Y, Y, Y, R8(Y)},
    {0, 0, 0, Y, Y, Y, Y, Y, R8(Y)},
    {0, 0, Y, Y, Y, Y, Y, Y, R8(Y)},
    {0, Y, Y, Y, Y, Y, Y, Y, R8(Y)},
    {R8(Y), R8(Y)},
};
#undef Y
#undef R8
#undef X32
#undef X8
#undef X

typedef const char *(*short_loop)(const char *, const char *, struct ns_accesses *);
#define SHORT_AVX2 0
#include "replay/trace_short.inc"
#undef SHORT_AVX2
#define SHORT_AVX2 1
#include "replay/trace_short.inc"
#undef SHORT_AVX2

/* The longest line that a short loop takes is 3 + 16 + 4 bytes. */
#define SHORT_LINE 24

/* Counts the accesses from number `first` on, each of which was a line, and takes fetches out if they are not wanted.
 */
static void count_lines(struct ns_trace_parser *parser, struct ns_accesses *out, size_t first) {
    uint64_t lines = out->count - first, writes = 0, fetches = 0;
    for (size_t i = first; i < out->count && parser->line_of != NULL; i++)
        parser->line_of[i] = parser->lines + (i - first) + 1;
    for (size_t i = first; i < out->count; i++) {
        writes += out->what[i] & NS_ACCESS_WRITE;
        fetches += (out->what[i] & NS_ACCESS_FETCH) != 0;
    }
    parser->lines += lines;
    parser->reads += lines - writes - fetches;
    parser->writes += writes;
    parser->fetches += fetches;
    if (!parser->drop_fetches || fetches == 0)
        return;
    size_t kept = first;
    for (size_t i = first; i < out->count; i++) {
        out->address[kept] = out->address[i];
        out->what[kept] = out->what[i];
        if (parser->line_of != NULL)
            parser->line_of[kept] = parser->line_of[i];
        kept += (out->what[i] & NS_ACCESS_FETCH) == 0;
    }
    out->count = kept;
}

static const char *short_way(struct ns_trace_parser *parser, const char *text, const char *end, struct ns_accesses *out,
                             size_t capacity) {
    static const unsigned shortest[] = {1, 4, 6,
                                        7}; /* bytes: "0 0\n", "r 0 1\n", " L 0,1\n"; as enum ns_trace_format */
    bool avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi") && __builtin_cpu_supports("bmi2");
    while (end - text >= SHORT_LINE && parser->format != NS_TRACE_UNKNOWN && out->count < capacity) {
        short_loop loop = (avx2 ? loops_avx2 : loops_sse2)[parser->format];
        /* No more lines than there is room for, if all are short. */
        const char *last = end - SHORT_LINE, *room = text + (capacity - out->count - 1) * shortest[parser->format];
        size_t first = out->count;
        const char *next = loop(text, last < room ? last : room, out);
        count_lines(parser, out, first);
        if (next <= room || next > last)
            return next;
        text = next;
    }
    return text;
}

#else
static const char *short_way(struct ns_trace_parser *parser, const char *text, const char *end, struct ns_accesses *out,
                             size_t capacity) {
    (void)parser, (void)end, (void)out, (void)capacity;
    return text;
}
#endif

/* ---- the long way ---------------------------------------------------------------------------- */

/* True when the parse goes on. */
static bool wrong_line(struct ns_trace_parser *parser, const struct ns_trace_error *error) {
    if (parser->error.line == 0) {
        parser->error = *error;
        parser->error.line = parser->lines;
    }
    parser->skipped += parser->lenient;
    return parser->lenient;
}

/* Where a carriage return stands that no newline follows, or `length`: the whole of an old Macintosh's text is one
 * line. */
static size_t lone_return(const char *text, size_t length) {
    const char *at = memchr(text, '\r', length);
    size_t next = at == NULL ? length : (size_t)(at - text) + 1;
    while (next < length && text[next] == '\r')
        next++;
    return next < length ? (size_t)(at - text) : length;
}

static void take_record(struct ns_trace_parser *parser, const struct trace_line *line, size_t before) {
    uint64_t *const counts[] = {&parser->device_reads, &parser->device_writes, &parser->maintenance,
                                &parser->maintenance,  &parser->maintenance,   &parser->fences};
    ++*counts[line->record];
    parser->records->record[parser->records->count++] =
        (struct ns_trace_record){line->record, before, parser->lines, line->address, line->length};
}

static bool long_line(struct ns_trace_parser *parser, const char *text, size_t length, struct ns_accesses *out) {
    struct ns_trace_error error = {0};
    struct trace_line line;
    parser->lines++;
    const size_t lone = lone_return(text, length);
    if (lone < length) {
        snprintf(error.text, sizeof error.text, "a carriage return ends no line: translate it, tr '\\r' '\\n'");
        error.column = (uint32_t)lone + 1;
        return wrong_line(parser, &error);
    }
    if (length > NS_TRACE_MAX_LINE) {
        snprintf(error.text, sizeof error.text, "a line is longer than 64 KiB");
        error.column = NS_TRACE_MAX_LINE + 1;
        return wrong_line(parser, &error);
    }
    if (parser->format == NS_TRACE_UNKNOWN) {
        parser->format = trace_line_recognise(&error, text, length);
        if (parser->format == NS_TRACE_UNKNOWN)
            return error.column == 0 || wrong_line(parser, &error); /* an empty line says nothing */
    }
    if (!trace_line_parse(parser->format, parser->records != NULL, text, length, &line, &error))
        return wrong_line(parser, &error);
    if (line.is_record)
        take_record(parser, &line, out->count);
    if (parser->modify_reads && line.count == 2)
        line.count = 1;
    for (unsigned i = 0; i < line.count; i++) {
        enum ns_access_kind kind = i == 0 ? line.kind : NS_ACCESS_WRITE;
        *(kind == NS_ACCESS_READ ? &parser->reads : kind == NS_ACCESS_WRITE ? &parser->writes : &parser->fetches) += 1;
        if (kind == NS_ACCESS_FETCH && parser->drop_fetches)
            continue;
        out->address[out->count] = line.address;
        if (parser->line_of != NULL)
            parser->line_of[out->count] = parser->lines;
        out->what[out->count++] = ns_access_what(kind, line.size);
    }
    return true;
}

static bool records_full(const struct ns_trace_parser *parser) {
    return parser->records != NULL && parser->records->count >= parser->records->capacity;
}

size_t ns_trace_parse(struct ns_trace_parser *parser, const char *text, size_t length, bool end,
                      struct ns_accesses *out, size_t capacity) {
    const char *at = text, *stop = text + length;
    assert(capacity >= 2);
    if (parser->error.line != 0 && !parser->lenient)
        return length;
    while (at < stop && out->count + 2 <= capacity && !records_full(parser)) {
        if (parser->in_long_line) {
            const char *newline = memchr(at, '\n', (size_t)(stop - at));
            parser->in_long_line = newline == NULL;
            at = newline != NULL ? newline + 1 : stop;
            continue;
        }
        at = short_way(parser, at, stop, out, capacity);
        if (at == stop || out->count + 2 > capacity)
            break;
        const char *newline = memchr(at, '\n', (size_t)(stop - at));
        if (!newline && !end && stop - at <= (ptrdiff_t)NS_TRACE_MAX_LINE)
            break;
        const char *line_end = newline ? newline : stop;
        if (!long_line(parser, at, (size_t)(line_end - at), out))
            return length;
        parser->in_long_line = newline == NULL && !end;
        at = newline ? newline + 1 : stop;
    }
    return (size_t)(at - text);
}

bool ns_trace_finish(struct ns_trace_parser *parser) {
    if (parser->error.line != 0 && !parser->lenient)
        return false;
    if (parser->reads + parser->writes + parser->fetches + parser->device_reads + parser->device_writes +
            parser->maintenance + parser->fences >
        0)
        return true;
    if (parser->error.line == 0) {
        parser->error.line = parser->lines > 0 ? parser->lines : 1;
        parser->error.column = 1;
        snprintf(parser->error.text, sizeof parser->error.text, "the trace is empty: it has no access");
    }
    return false;
}
