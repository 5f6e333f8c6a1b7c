/* SPDX-License-Identifier: Apache-2.0 */
#include "scenarios/diagnostic.h"
#include "scenarios/lexer.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SHOWN_COLUMNS 100u /* of a source line */

static char *copy_bytes(const char *text, size_t length) {
    char *copy = malloc(length + 1);
    if (copy != NULL) {
        memcpy(copy, text, length);
        copy[length] = '\0';
    }
    return copy;
}

static void release_entry(struct ns_diagnostic *entry) {
    free(entry->message);
    free(entry->suggestion);
}

void ns_diagnostics_init(struct ns_diagnostics *list) {
    memset(list, 0, sizeof *list);
}

void ns_diagnostics_release(struct ns_diagnostics *list) {
    for (size_t i = 0; i < list->count; i++) {
        release_entry(&list->entry[i]);
    }
    free(list->file);
    free(list->text);
    ns_diagnostics_init(list);
}

bool ns_diagnostics_set_file(struct ns_diagnostics *list, const char *file, const char *text, size_t length) {
    ns_diagnostics_release(list);
    list->file = copy_bytes(file, strlen(file));
    list->text = copy_bytes(text, length);
    list->length = length;
    return list->file != NULL && list->text != NULL;
}

/* Line 0 sorts last: it is about the file as a whole. */
static bool lies_before(uint32_t line, uint32_t column, const struct ns_diagnostic *entry) {
    uint32_t a = line - 1u, b = entry->line - 1u;
    return a != b ? a < b : column < entry->column;
}

bool ns_diagnostics_wants(const struct ns_diagnostics *list, uint32_t line, uint32_t column) {
    return list->count < NS_DIAGNOSTIC_LIMIT || lies_before(line, column, &list->entry[NS_DIAGNOSTIC_LIMIT - 1]) ||
           list->count == NS_DIAGNOSTIC_LIMIT;
}

static bool add_closing_message(struct ns_diagnostics *list) {
    char message[80];
    snprintf(message, sizeof message, "there are more errors; only the first %d are shown", NS_DIAGNOSTIC_LIMIT);
    struct ns_diagnostic *entry = &list->entry[NS_DIAGNOSTIC_LIMIT];
    *entry = (struct ns_diagnostic){.column = 1, .width = 1, .message = copy_bytes(message, strlen(message))};
    if (entry->message == NULL) {
        return false;
    }
    list->count = NS_DIAGNOSTIC_LIMIT + 1;
    return true;
}

bool ns_diagnostics_add(struct ns_diagnostics *list, uint32_t line, uint32_t column, uint32_t width,
                        const char *message, const char *suggestion) {
    size_t kept = list->count < NS_DIAGNOSTIC_LIMIT ? list->count : NS_DIAGNOSTIC_LIMIT;
    size_t position = kept;
    while (position > 0 && lies_before(line, column, &list->entry[position - 1])) {
        position--;
    }
    if (line != 0 && position > 0 && list->entry[position - 1].line == line &&
        list->entry[position - 1].column == column) {
        return true;
    }
    if (kept == NS_DIAGNOSTIC_LIMIT) {
        if (list->count == NS_DIAGNOSTIC_LIMIT && !add_closing_message(list)) {
            return false;
        }
        if (position == NS_DIAGNOSTIC_LIMIT) {
            return true;
        }
    }
    struct ns_diagnostic added = {.line = line, .column = column, .width = width > 0 ? width : 1};
    added.message = copy_bytes(message, strlen(message));
    added.suggestion = suggestion != NULL ? copy_bytes(suggestion, strlen(suggestion)) : NULL;
    if (added.message == NULL || (suggestion != NULL && added.suggestion == NULL)) {
        release_entry(&added);
        return false;
    }
    if (kept == NS_DIAGNOSTIC_LIMIT) {
        release_entry(&list->entry[NS_DIAGNOSTIC_LIMIT - 1]);
        kept--;
    } else {
        list->count++;
    }
    memmove(&list->entry[position + 1], &list->entry[position], (kept - position) * sizeof added);
    list->entry[position] = added;
    return true;
}

/* ---- text ------------------------------------------------------------------------------------ */

struct output {
    char *buffer;
    size_t size, length;
};

static void put_bytes(struct output *output, const char *bytes, size_t count) {
    for (size_t i = 0; i < count; i++, output->length++) {
        if (output->length + 1 < output->size) {
            output->buffer[output->length] = bytes[i];
        }
    }
}

static void put_text(struct output *output, const char *text) {
    put_bytes(output, text, strlen(text));
}

static void put_repeated(struct output *output, char byte, size_t count) {
    for (size_t i = 0; i < count; i++) {
        put_bytes(output, &byte, 1);
    }
}

/* Characters that would move the cursor or turn the reading direction (U+0080 to U+009F, U+202A to U+202E, U+2066 to
 * U+2069). */
static bool is_hidden(const char *text, size_t length) {
    const unsigned char *byte = (const unsigned char *)text;
    if (length == 1) {
        return (byte[0] < 0x20 && byte[0] != '\t') || byte[0] == 0x7F;
    }
    if (length == 2) {
        return byte[0] == 0xC2 && byte[1] < 0xA0;
    }
    return length == 3 && byte[0] == 0xE2 &&
           ((byte[1] == 0x80 && byte[2] >= 0xAA && byte[2] <= 0xAE) ||
            (byte[1] == 0x81 && byte[2] >= 0xA6 && byte[2] <= 0xA9));
}

/* One character of the file as one column. Returns the bytes read; `output` NULL: only looks. */
static size_t put_character(struct output *output, const char *text, size_t available) {
    size_t length = ns_utf8_length(text, available);
    if (output != NULL) {
        if (length == 0 || is_hidden(text, length)) {
            put_text(output, "?");
        } else if (*text == '\t') {
            put_text(output, " ");
        } else {
            put_bytes(output, text, length);
        }
    }
    return length == 0 ? 1 : length;
}

static void put_safely(struct output *output, const char *text, size_t length) {
    for (size_t i = 0; i < length;) {
        i += put_character(output, text + i, length - i);
    }
}

static size_t columns_until(const char *line, size_t length, size_t byte) {
    size_t columns = 0;
    for (size_t i = 0; i < length && i < byte; columns++) {
        i += put_character(NULL, line + i, length - i);
    }
    return columns;
}

static const char *find_line(const struct ns_diagnostics *list, uint32_t number, size_t *length) {
    const char *at = list->text, *end = list->text + list->length;
    for (uint32_t line = 1; line < number; line++) {
        const char *newline = memchr(at, '\n', (size_t)(end - at));
        if (newline == NULL) {
            at = end;
            break;
        }
        at = newline + 1;
    }
    const char *newline = memchr(at, '\n', (size_t)(end - at));
    *length = (size_t)((newline != NULL ? newline : end) - at);
    return at;
}

/* The source line with its carets, at most SHOWN_COLUMNS wide: a longer line is cut so that the caret is in view. */
static void put_source(struct output *output, const struct ns_diagnostics *list, const struct ns_diagnostic *entry,
                       size_t digits) {
    size_t length;
    const char *line = find_line(list, entry->line, &length);
    size_t total = columns_until(line, length, length);
    size_t caret = columns_until(line, length, entry->column - 1);
    size_t caret_end = columns_until(line, length, (size_t)entry->column - 1 + entry->width);
    size_t carets = caret_end > caret ? caret_end - caret : 1;
    size_t first = 0, shown = total;
    bool cut_left = false, cut_right = false;
    if (total > SHOWN_COLUMNS) {
        first = caret > SHOWN_COLUMNS / 2 ? caret - SHOWN_COLUMNS / 2 : 0;
        first = first + SHOWN_COLUMNS > total ? total - SHOWN_COLUMNS : first;
        cut_left = first > 0;
        cut_right = first + SHOWN_COLUMNS < total;
        first += cut_left ? 3 : 0;
        shown = SHOWN_COLUMNS - (cut_left ? 3 : 0) - (cut_right ? 3 : 0);
    }
    char number[16];
    snprintf(number, sizeof number, "%u", (unsigned)entry->line);
    put_repeated(output, ' ', digits + 1);
    put_text(output, "|\n");
    put_text(output, number);
    put_text(output, " |");
    put_text(output, total > 0 ? " " : "");
    put_text(output, cut_left ? "..." : "");
    size_t column = 0;
    for (size_t i = 0; i < length && column < first + shown; column++) {
        i += put_character(column >= first ? output : NULL, line + i, length - i);
    }
    put_text(output, cut_right ? "..." : "");
    put_text(output, "\n");
    put_repeated(output, ' ', digits + 1);
    put_text(output, "| ");
    size_t indent = caret - first + (cut_left ? 3 : 0);
    put_repeated(output, ' ', indent);
    size_t room = indent < SHOWN_COLUMNS ? SHOWN_COLUMNS - indent : 1;
    put_repeated(output, '^', carets < room ? carets : room);
    put_text(output, "\n");
}

size_t ns_diagnostic_format(const struct ns_diagnostics *list, size_t index, char *buffer, size_t size) {
    assert(index < list->count);
    const struct ns_diagnostic *entry = &list->entry[index];
    struct output output = {buffer, size, 0};
    char place[32] = "";
    char number[16];
    int digits = snprintf(number, sizeof number, "%u", (unsigned)entry->line);
    if (entry->line != 0) {
        snprintf(place, sizeof place, ":%u:%u", (unsigned)entry->line, (unsigned)entry->column);
    }
    put_text(&output, "error: ");
    put_safely(&output, entry->message, strlen(entry->message));
    put_text(&output, "\n");
    put_repeated(&output, ' ', entry->line != 0 ? (size_t)digits : 2);
    put_text(&output, "--> ");
    put_safely(&output, list->file != NULL ? list->file : "", list->file != NULL ? strlen(list->file) : 0);
    put_text(&output, place);
    put_text(&output, "\n");
    if (entry->line != 0) {
        put_source(&output, list, entry, (size_t)digits);
    }
    if (entry->suggestion != NULL) {
        put_repeated(&output, ' ', entry->line != 0 ? (size_t)digits + 1 : 2);
        put_text(&output, "= ");
        put_safely(&output, entry->suggestion, strlen(entry->suggestion));
        put_text(&output, "\n");
    }
    if (size > 0) {
        buffer[output.length < size ? output.length : size - 1] = '\0';
    }
    return output.length;
}
