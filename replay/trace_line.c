/* SPDX-License-Identifier: Apache-2.0 */
/* Any line of a trace, and what is wrong with it. */
#include "replay/trace_internal.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* A place in a line. */
struct cursor {
    const char *line;
    size_t length, at;
    struct ns_trace_error *error;
};

static bool fail(const struct cursor *cursor, size_t at, const char *format, ...) __attribute__((format(printf, 3, 4)));
static bool fail(const struct cursor *cursor, size_t at, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(cursor->error->text, sizeof cursor->error->text, format, arguments);
    va_end(arguments);
    cursor->error->column = (uint32_t)at + 1;
    return false;
}

static bool at_end(const struct cursor *cursor) {
    return cursor->at == cursor->length;
}

/* '\0' at the end. */
static char here(const struct cursor *cursor) {
    return at_end(cursor) ? '\0' : cursor->line[cursor->at];
}

static bool is_blank(char c) {
    return c == ' ' || c == '\t' || c == '\r';
}

static void skip_blanks(struct cursor *cursor) {
    while (!at_end(cursor) && is_blank(here(cursor)))
        cursor->at++;
}

static unsigned digit_of(char c) {
    return c >= '0' && c <= '9'   ? (unsigned)(c - '0')
           : c >= 'a' && c <= 'f' ? (unsigned)(c - 'a') + 10
           : c >= 'A' && c <= 'F' ? (unsigned)(c - 'A') + 10
                                  : 99;
}

/* "`x`", or "the byte 0x7f", or "the end of the line". */
static const char *name_of_here(const struct cursor *cursor, char name[24]) {
    char c = here(cursor);
    if (at_end(cursor))
        snprintf(name, 24, "the end of the line");
    else if (c > ' ' && c < 0x7f)
        snprintf(name, 24, "`%c`", c);
    else
        snprintf(name, 24, "the byte 0x%02x", (unsigned)(unsigned char)c);
    return name;
}

/* A number up to `most`; `what` is its name in messages. 0x may stand before hexadecimal ones. */
static bool take_number(struct cursor *cursor, unsigned base, uint64_t most, const char *what, const char *too_big,
                        uint64_t *number) {
    char name[24];
    size_t start = cursor->at;
    *number = 0;
    if (base == 16 && here(cursor) == '0' && cursor->at + 1 < cursor->length &&
        (cursor->line[cursor->at + 1] | 0x20) == 'x')
        cursor->at += 2;
    if (here(cursor) == '-')
        return fail(cursor, cursor->at, "the %s is negative", what);
    if (at_end(cursor))
        return fail(cursor, cursor->at, "the line ends before its %s", what);
    if (digit_of(here(cursor)) >= base)
        return fail(cursor, cursor->at, "the %s is a %s number, but %s is no digit of it", what,
                    base == 16 ? "hexadecimal" : "decimal", name_of_here(cursor, name));
    for (; digit_of(here(cursor)) < base; cursor->at++) {
        unsigned digit = digit_of(here(cursor));
        if (*number > (most - digit) / base)
            return fail(cursor, start, "%s", too_big);
        *number = *number * base + digit;
    }
    return true;
}

static bool take_address(struct cursor *cursor, uint64_t *address) {
    return take_number(cursor, 16, UINT64_MAX, "address", "the address does not fit into 64 bits", address);
}

static bool take_size(struct cursor *cursor, unsigned base, struct trace_line *line) {
    size_t start = cursor->at;
    const uint64_t most = line->is_record ? NS_TRACE_MAX_RANGE : NS_ACCESS_MAX_SIZE;
    const char *too_big =
        line->is_record ? "the size is larger than 16 MiB" : "the size is larger than a page (4096 bytes)";
    if (!take_number(cursor, base, most, "size", too_big, &line->length))
        return false;
    if (line->length == 0)
        return fail(cursor, start, "the size is 0: an access has a byte at least");
    if (line->length - 1 > UINT64_MAX - line->address)
        return fail(cursor, start, "the access ends behind the last of 64-bit addresses");
    line->size = line->is_record ? 0 : (uint32_t)line->length;
    return true;
}

/* Between two fields. */
static bool take_blanks(struct cursor *cursor, const char *before, const char *after) {
    char name[24];
    if (at_end(cursor))
        return fail(cursor, cursor->at, "the line ends before its %s", after);
    if (!is_blank(here(cursor)))
        return fail(cursor, cursor->at, "a space is missing between %s and %s: here is %s", before, after,
                    name_of_here(cursor, name));
    skip_blanks(cursor);
    return true;
}

/* What follows the last field of din and xdin is a comment, once a blank has come. */
static bool take_rest(const struct cursor *cursor, const char *what) {
    char name[24];
    return at_end(cursor) || is_blank(here(cursor)) ||
           fail(cursor, cursor->at, "the %s is a hexadecimal number, but %s is no digit of it", what,
                name_of_here(cursor, name));
}

static bool parse_din(struct cursor *cursor, struct trace_line *line) {
    uint64_t label;
    size_t start = cursor->at;
    if (!take_number(cursor, 16, 0xf, "label", "the label is 0 (read), 1 (write) or 2 (instruction fetch)", &label))
        return false;
    if (label > 2)
        return fail(cursor, start, "label %" PRIx64 " is not replayed: only 0 (read), 1 (write), 2 (instruction fetch)",
                    label);
    line->kind = (enum ns_access_kind)label; /* the same numbers */
    if (!take_blanks(cursor, "label", "address") || !take_address(cursor, &line->address) ||
        !take_rest(cursor, "address"))
        return false;
    line->address &= ~UINT64_C(3);
    line->size = 4;
    return true;
}

/* Records that are no accesses of the hart. Upper and lower case differ for devices alone. */
static bool take_record_kind(struct cursor *cursor, bool wanted, struct trace_line *line) {
    static const char kinds[] = "dDcvfb"; /* by enum ns_trace_record_kind */
    const char c = here(cursor), *kind = strchr(kinds, c == 'D' ? c : c | 0x20);
    if (!wanted && kind < kinds + NS_TRACE_CLEAN)
        return fail(cursor, cursor->at, "`%c` is an access of a device, which only a timed replay takes (--timed)", c);
    if (!wanted)
        return fail(cursor, cursor->at, "`%c` is %s, which only a timed replay takes (--timed)", c,
                    kind[0] == 'b' ? "a fence" : "maintenance of the caches");
    line->is_record = true;
    line->count = 0;
    line->record = (enum ns_trace_record_kind)(kind - kinds);
    return true;
}

static bool parse_xdin(struct cursor *cursor, bool records, struct trace_line *line) {
    char name[24];
    switch (here(cursor)) {
    case 'r':
    case 'R':
        line->kind = NS_ACCESS_READ;
        break;
    case 'w':
    case 'W':
        line->kind = NS_ACCESS_WRITE;
        break;
    case 'i':
    case 'I':
        line->kind = NS_ACCESS_FETCH;
        break;
    case 'd':
    case 'D':
    case 'c':
    case 'C':
    case 'v':
    case 'V':
    case 'f':
    case 'F':
    case 'b':
    case 'B':
        if (!take_record_kind(cursor, records, line))
            return false;
        break;
    case 'm':
    case 'M':
        return fail(cursor, cursor->at, "`%c` records (miscellaneous) are not replayed", here(cursor));
    default:
        return fail(cursor, cursor->at, "%s is no kind of access: r (read), w (write) or i (instruction fetch)",
                    name_of_here(cursor, name));
    }
    cursor->at++;
    if (line->is_record && line->record == NS_TRACE_FENCE)
        return at_end(cursor) || is_blank(here(cursor)) ||
               fail(cursor, cursor->at, "a space or the end of the line must follow the kind: here is %s",
                    name_of_here(cursor, name));
    return take_blanks(cursor, "the kind", "address") && take_address(cursor, &line->address) &&
           take_blanks(cursor, "the address", "size") && take_size(cursor, 16, line) && take_rest(cursor, "size");
}

static bool parse_lackey(struct cursor *cursor, struct trace_line *line) {
    char name[24];
    cursor->at = 0;
    bool indented = here(cursor) == ' ';
    cursor->at += indented;
    char kind = here(cursor);
    if (indented ? kind == '\0' || strchr("LSM", kind) == NULL : kind != 'I')
        return fail(cursor, cursor->at, "%s begins no access of lackey: `I  `, ` L `, ` S ` or ` M `",
                    name_of_here(cursor, name));
    line->kind = kind == 'I' ? NS_ACCESS_FETCH : kind == 'S' ? NS_ACCESS_WRITE : NS_ACCESS_READ;
    line->count = kind == 'M' ? 2 : 1;
    cursor->at++;
    if (!take_blanks(cursor, "the kind", "address") || !take_address(cursor, &line->address))
        return false;
    if (here(cursor) != ',')
        return at_end(cursor) ? fail(cursor, cursor->at, "the line ends before its size")
                              : fail(cursor, cursor->at, "a comma must follow the address, and here is %s",
                                     name_of_here(cursor, name));
    cursor->at++;
    if (!take_size(cursor, 10, line))
        return false;
    skip_blanks(cursor);
    return at_end(cursor) ||
           fail(cursor, cursor->at, "the line must end behind the size, and here is %s", name_of_here(cursor, name));
}

/* Valgrind's own lines: `==PID== `, `--PID-- ` of its core, `**PID** ` of what the program prints through it. */
static bool is_valgrinds_own(const char *line, size_t length) {
    if (length < 2 || line[0] != line[1] || strchr("=-*", line[0]) == NULL)
        return false;
    size_t at = 2;
    while (at < length && line[at] >= '0' && line[at] <= '9')
        at++;
    return line[0] == '=' || (at > 2 && at + 1 < length && line[at] == line[0] && line[at + 1] == line[0]);
}

bool trace_line_parse(enum ns_trace_format format, bool records, const char *line, size_t length,
                      struct trace_line *result, struct ns_trace_error *error) {
    struct cursor cursor = {line, length, 0, error};
    *result = (struct trace_line){0};
    skip_blanks(&cursor);
    if (at_end(&cursor) || (format == NS_TRACE_LACKEY && is_valgrinds_own(line, length)))
        return true;
    result->count = 1;
    switch (format) {
    case NS_TRACE_DIN:
        return parse_din(&cursor, result);
    case NS_TRACE_XDIN:
        return parse_xdin(&cursor, records, result);
    case NS_TRACE_LACKEY:
        return parse_lackey(&cursor, result);
    case NS_TRACE_UNKNOWN:
        break;
    }
    return fail(&cursor, 0, "the format is not known");
}

enum ns_trace_format trace_line_recognise(struct ns_trace_error *error, const char *line, size_t length) {
    struct cursor cursor = {line, length, 0, error};
    char name[24];
    if (is_valgrinds_own(line, length))
        return NS_TRACE_LACKEY;
    skip_blanks(&cursor);
    if (at_end(&cursor))
        return NS_TRACE_UNKNOWN;
    size_t first = cursor.at;
    char kind = here(&cursor);
    cursor.at++;
    bool alone = at_end(&cursor) || is_blank(here(&cursor));
    if (alone && ((first == 0 && kind == 'I') || (first == 1 && strchr("LSM", kind) != NULL))) {
        /* Extended din has an I and an M of its own; only lackey has a comma. */
        bool comma = memchr(line, ',', length) != NULL;
        if (comma || kind == 'L' || kind == 'S')
            return NS_TRACE_LACKEY;
    }
    if (alone && kind != '\0' && strchr("rwimcvdfbRWIMCVDFB", kind) != NULL)
        return NS_TRACE_XDIN;
    cursor.at = first;
    if (kind >= '0' && kind <= '9')
        return NS_TRACE_DIN;
    fail(&cursor, first, "this is no trace that nosnoop knows (din, extended din, lackey): it begins with %s",
         name_of_here(&cursor, name));
    return NS_TRACE_UNKNOWN;
}
