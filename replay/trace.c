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
#include <emmintrin.h>
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

/* Row n + 1: a mask of the last n of 16 bytes. Rows 1 and 16 keep the space in front as well, so that no digit at all,
 * and more digits than fit, are a wrong one. */
#define R8(x) x, x, x, x, x, x, x, x
#define Y     0xff
static const uint8_t keep[17][16] __attribute__((aligned(16))) = {
    {R8(0), R8(0)},
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
    {R8(Y), R8(Y)},
};
#undef Y
#undef R8
#undef X32
#undef X8
#undef X

/* The hexadecimal number behind the space at `text`, which `ending` ends: *end points there. *wrong gets bits unless
 * that is the space, 1 to 14 digits and the ending. Inlined into every loop below, for the instructions of each. */
static inline __attribute__((always_inline)) uint64_t hexadecimal(const char *text, char ending, const char **end,
                                                                  unsigned *wrong) {
    __m128i head = _mm_loadu_si128((const __m128i *)(const void *)text);
    unsigned stops = (unsigned)_mm_movemask_epi8(_mm_cmpeq_epi8(head, _mm_set1_epi8(ending)));
    if (ending == ' ')
        stops ^= 1; /* the space in front; another character there is found to be no ending below */
    else
        *wrong |= (unsigned)(text[0] ^ ' ') << 8;
    unsigned length = (unsigned)__builtin_ctz(stops | 1u << 16); /* of the space and the digits */
    *end = text + length;
    *wrong |= (unsigned)(**end ^ ending) << 8;
    /* The 16 bytes that end where the number does; what lies before it becomes zeros. */
    __m128i tail = _mm_loadu_si128((const __m128i *)(const void *)(text + length - 16));
    __m128i kept = _mm_load_si128((const __m128i *)(const void *)keep[length]);
    __m128i decimal = _mm_sub_epi8(tail, _mm_set1_epi8('0'));
    __m128i letter = _mm_sub_epi8(_mm_or_si128(tail, _mm_set1_epi8(0x20)), _mm_set1_epi8('a'));
    __m128i is_decimal = _mm_cmpeq_epi8(_mm_min_epu8(decimal, _mm_set1_epi8(9)), decimal);
    __m128i is_letter = _mm_cmpeq_epi8(_mm_min_epu8(letter, _mm_set1_epi8(5)), letter);
    __m128i value = _mm_add_epi8(_mm_and_si128(tail, _mm_set1_epi8(15)), _mm_and_si128(is_letter, _mm_set1_epi8(9)));
    *wrong |= (unsigned)_mm_movemask_epi8(_mm_andnot_si128(_mm_or_si128(is_decimal, is_letter), kept)) << 8;
    value = _mm_and_si128(value, kept);
    /* Two digits to a byte, eight bytes to a number, the most significant first. */
    __m128i pairs =
        _mm_and_si128(_mm_or_si128(_mm_slli_epi16(value, 4), _mm_srli_epi16(value, 8)), _mm_set1_epi16(0x00ff));
    return __builtin_bswap64((uint64_t)_mm_cvtsi128_si64(_mm_packus_epi16(pairs, pairs)));
}

/* Each takes one line in its usual form, and returns where the next one begins; *wrong gets bits when it is none. */
static inline __attribute__((always_inline)) const char *short_xdin(const char *text, uint64_t *address, unsigned *what,
                                                                    unsigned *wrong) {
    const char *end;
    unsigned kind = kinds[(uint8_t)text[0]];
    *address = hexadecimal(text + 1, ' ', &end, wrong);
    unsigned size = first_digits[(uint8_t)end[1]];
    *wrong |= kind | size;
    end += 2;
    if (__builtin_expect(*end != '\n', 0)) {
        size = size << 4 | digits[(uint8_t)*end++];
        *wrong |= (size & WRONG) | (unsigned)(*end ^ '\n') << 8;
    }
    *what = size << NS_ACCESS_KIND_BITS | kind;
    return end + 1;
}

static inline __attribute__((always_inline)) const char *short_din(const char *text, uint64_t *address, unsigned *what,
                                                                   unsigned *wrong) {
    const char *end;
    unsigned kind = (unsigned)(text[0] - '0');
    *wrong |= kind > 2 ? WRONG : 0;
    *address = hexadecimal(text + 1, '\n', &end, wrong) & ~UINT64_C(3);
    *what = 4u << NS_ACCESS_KIND_BITS | kind;
    return end + 1;
}

static inline __attribute__((always_inline)) const char *short_lackey(const char *text, uint64_t *address,
                                                                      unsigned *what, unsigned *wrong) {
    const char *end;
    bool fetch = text[0] == 'I';
    unsigned kind = fetch ? NS_ACCESS_FETCH : text[1] == 'S' ? NS_ACCESS_WRITE : NS_ACCESS_READ;
    *wrong |= (unsigned)(fetch ? text[1] ^ ' ' : text[0] ^ ' ') << 8;
    *wrong |= !fetch & (text[1] != 'L') & (text[1] != 'S') ? WRONG : 0;
    *address = hexadecimal(text + 2, ',', &end, wrong);
    unsigned size = (unsigned)(end[1] - '0');
    *wrong |= size - 1 > 8 ? WRONG : 0;
    end += 2;
    if (*end != '\n') {
        unsigned second = (unsigned)(*end++ - '0');
        size = size * 10 + second;
        *wrong |= (second > 9 ? WRONG : 0) | (unsigned)(*end ^ '\n') << 8;
    }
    *what = size << NS_ACCESS_KIND_BITS | kind;
    return end + 1;
}

/* Bytes of the shortest line in any format: "r 0 1\n" and "1 0\n". */
#define SHORTEST_LINE 4

/* Lines in their usual form from `text` on, until one is not, or begins behind `last`. `out` has room for all. */
static inline __attribute__((always_inline)) const char *short_lines(enum ns_trace_format format, bool drop,
                                                                     struct ns_trace_parser *parser, const char *text,
                                                                     const char *last, struct ns_accesses *out) {
    uint64_t *address = out->address;
    uint16_t *what = out->what;
    uint64_t lines = 0;
    size_t count = out->count;
    while (text <= last) {
        unsigned access, wrong = 0;
        const char *next = format == NS_TRACE_XDIN  ? short_xdin(text, &address[count], &access, &wrong)
                           : format == NS_TRACE_DIN ? short_din(text, &address[count], &access, &wrong)
                                                    : short_lackey(text, &address[count], &access, &wrong);
        if (__builtin_expect(wrong >= WRONG, 0))
            break;
        what[count] = (uint16_t)access;
        text = next;
        if (drop) {
            lines++;
            count += !(access & NS_ACCESS_FETCH);
        } else {
            count++;
        }
    }
    uint64_t kept = count - out->count, writes = 0, fetches = 0;
    for (size_t i = out->count; i < count; i++) {
        writes += what[i] & NS_ACCESS_WRITE;
        fetches += (what[i] & NS_ACCESS_FETCH) != 0;
    }
    parser->reads += kept - writes - fetches;
    parser->writes += writes;
    parser->fetches += drop ? lines - kept : fetches;
    parser->lines += drop ? lines : kept;
    out->count = count;
    return text;
}

/* A loop for each format, with and without instruction fetches, for every x86-64 and (three operands to an instruction)
 * for those with AVX2. */
typedef const char *(*short_loop)(struct ns_trace_parser *, const char *, const char *, struct ns_accesses *);
#define SHORT_LOOP(name, format, drop, target)                                                                         \
    static target const char *name(struct ns_trace_parser *parser, const char *text, const char *last,                 \
                                   struct ns_accesses *out) {                                                          \
        return short_lines(format, drop, parser, text, last, out);                                                     \
    }
#define SHORT_LOOPS(suffix, target)                                                                                    \
    SHORT_LOOP(din_##suffix, NS_TRACE_DIN, false, target)                                                              \
    SHORT_LOOP(din_drop_##suffix, NS_TRACE_DIN, true, target)                                                          \
    SHORT_LOOP(xdin_##suffix, NS_TRACE_XDIN, false, target)                                                            \
    SHORT_LOOP(xdin_drop_##suffix, NS_TRACE_XDIN, true, target)                                                        \
    SHORT_LOOP(lackey_##suffix, NS_TRACE_LACKEY, false, target)                                                        \
    SHORT_LOOP(lackey_drop_##suffix, NS_TRACE_LACKEY, true, target)                                                    \
    static const short_loop loops_##suffix[][2] = {                                                                    \
        {NULL, NULL},                                                                                                  \
        {din_##suffix, din_drop_##suffix},                                                                             \
        {xdin_##suffix, xdin_drop_##suffix},                                                                           \
        {lackey_##suffix, lackey_drop_##suffix},                                                                       \
    };
SHORT_LOOPS(sse2, )
SHORT_LOOPS(avx2, __attribute__((target("avx2,bmi,bmi2"))))

/* The longest line that a short loop takes is 3 + 14 + 4 bytes; it looks 16 bytes ahead. */
#define SHORT_LINE 24

static const char *short_way(struct ns_trace_parser *parser, const char *text, const char *end, struct ns_accesses *out,
                             size_t capacity) {
    bool avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi") && __builtin_cpu_supports("bmi2");
    while (end - text >= SHORT_LINE && parser->format != NS_TRACE_UNKNOWN && out->count < capacity) {
        short_loop loop = (avx2 ? loops_avx2 : loops_sse2)[parser->format][parser->drop_fetches];
        /* No more lines than there is room for, if all are short. */
        const char *last = end - SHORT_LINE, *room = text + (capacity - out->count - 1) * SHORTEST_LINE;
        const char *next = loop(parser, text, last < room ? last : room, out);
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

static bool long_line(struct ns_trace_parser *parser, const char *text, size_t length, struct ns_accesses *out) {
    struct ns_trace_error error = {0};
    struct trace_line line;
    parser->lines++;
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
    if (!trace_line_parse(parser->format, text, length, &line, &error))
        return wrong_line(parser, &error);
    for (unsigned i = 0; i < line.count; i++) {
        enum ns_access_kind kind = i == 0 ? line.kind : NS_ACCESS_WRITE;
        *(kind == NS_ACCESS_READ ? &parser->reads : kind == NS_ACCESS_WRITE ? &parser->writes : &parser->fetches) += 1;
        if (kind == NS_ACCESS_FETCH && parser->drop_fetches)
            continue;
        out->address[out->count] = line.address;
        out->what[out->count++] = ns_access_what(kind, line.size);
    }
    return true;
}

size_t ns_trace_parse(struct ns_trace_parser *parser, const char *text, size_t length, bool end,
                      struct ns_accesses *out, size_t capacity) {
    const char *at = text, *stop = text + length;
    assert(capacity >= 2);
    if (parser->error.line != 0 && !parser->lenient)
        return length;
    while (at < stop && out->count + 2 <= capacity) {
        at = short_way(parser, at, stop, out, capacity);
        if (at == stop || out->count + 2 > capacity)
            break;
        const char *newline = memchr(at, '\n', (size_t)(stop - at));
        if (!newline && !end && stop - at <= (ptrdiff_t)NS_TRACE_MAX_LINE)
            break;
        const char *line_end = newline ? newline : stop;
        if (!long_line(parser, at, (size_t)(line_end - at), out))
            return length;
        at = newline ? newline + 1 : stop;
    }
    return (size_t)(at - text);
}

bool ns_trace_finish(struct ns_trace_parser *parser) {
    if (parser->error.line != 0 && !parser->lenient)
        return false;
    if (parser->reads + parser->writes + parser->fetches > 0)
        return true;
    if (parser->error.line == 0) {
        parser->error.line = parser->lines > 0 ? parser->lines : 1;
        parser->error.column = 1;
        snprintf(parser->error.text, sizeof parser->error.text, "the trace is empty: it has no access");
    }
    return false;
}
