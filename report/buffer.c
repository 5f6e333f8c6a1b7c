/* SPDX-License-Identifier: Apache-2.0 */
#include "report/buffer.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Room for `length` more bytes and the NUL. */
static bool reserve(struct ns_buffer *buffer, size_t length) {
    if (buffer->failed || length > SIZE_MAX / 2 - buffer->length - 1) {
        buffer->failed = true;
        return false;
    }
    size_t needed = buffer->length + length + 1;
    if (needed <= buffer->capacity) {
        return true;
    }
    size_t capacity = buffer->capacity < 256 ? 256 : buffer->capacity * 2;
    if (capacity < needed) {
        capacity = needed;
    }
    char *moved = realloc(buffer->data, capacity);
    if (moved == NULL) {
        buffer->failed = true;
        return false;
    }
    buffer->data = moved;
    buffer->capacity = capacity;
    return true;
}

void ns_buffer_add(struct ns_buffer *buffer, const char *data, size_t length) {
    if (!reserve(buffer, length)) {
        return;
    }
    if (length > 0) {
        memcpy(buffer->data + buffer->length, data, length);
    }
    buffer->length += length;
    buffer->data[buffer->length] = '\0';
}

void ns_buffer_text(struct ns_buffer *buffer, const char *text) {
    ns_buffer_add(buffer, text, strlen(text));
}

void ns_buffer_repeat(struct ns_buffer *buffer, char c, size_t count) {
    if (!reserve(buffer, count)) {
        return;
    }
    memset(buffer->data + buffer->length, c, count);
    buffer->length += count;
    buffer->data[buffer->length] = '\0';
}

void ns_buffer_format(struct ns_buffer *buffer, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(NULL, 0, format, arguments);
    va_end(arguments);
    if (length < 0 || !reserve(buffer, (size_t)length)) {
        buffer->failed = true;
        return;
    }
    va_start(arguments, format);
    vsnprintf(buffer->data + buffer->length, (size_t)length + 1, format, arguments);
    va_end(arguments);
    buffer->length += (size_t)length;
}

static bool is_name(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

/* Up to the next space; a call such as "f(..., X)" is one word. */
static size_t word_length(const char *text) {
    bool in_call = false;
    size_t length = 0;
    while (text[length] != '\0' && (in_call || text[length] != ' ')) {
        if (text[length] == '(' && length > 0 && is_name(text[length - 1])) {
            in_call = strchr(text + length, ')') != NULL;
        } else if (text[length] == ')') {
            in_call = false;
        }
        ++length;
    }
    return length;
}

void ns_buffer_wrap(struct ns_buffer *buffer, const char *text, size_t at, size_t indent, size_t width) {
    size_t column = at;
    bool first = true; /* of its line */
    while (*text != '\0') {
        size_t word = word_length(text);
        if (!first && column + 1 + word > width) {
            ns_buffer_text(buffer, "\n");
            ns_buffer_repeat(buffer, ' ', indent);
            column = indent;
            first = true;
        }
        if (!first) {
            ns_buffer_text(buffer, " ");
            ++column;
        }
        ns_buffer_add(buffer, text, word);
        column += word;
        first = false;
        text += word;
        text += strspn(text, " ");
    }
    ns_buffer_text(buffer, "\n");
}

void ns_buffer_wrap_clauses(struct ns_buffer *buffer, const char *text, size_t at, size_t width) {
    enum { INDENT = 2 };
    size_t column = at;
    while (*text != '\0') {
        const char *end = strstr(text, "; ");
        size_t length = end != NULL ? (size_t)(end - text) + 1 : strlen(text);
        if (text[0] == ' ' && column + length > width) {
            ns_buffer_text(buffer, "\n ");
            column = INDENT - 1;
        }
        while (length > 0) { /* words, each with the space in front of it */
            const size_t space = text[0] == ' ', word = space + strcspn(text + space, " ");
            const size_t piece = word < length ? word : length;
            if (space == 1 && column > INDENT && column + piece > width) {
                ns_buffer_text(buffer, "\n ");
                column = INDENT - 1;
            }
            ns_buffer_add(buffer, text, piece);
            column += piece;
            text += piece;
            length -= piece;
        }
    }
    ns_buffer_text(buffer, "\n");
}

void ns_buffer_release(struct ns_buffer *buffer) {
    free(buffer->data);
    *buffer = (struct ns_buffer){0};
}

void ns_buffer_release_piece(struct ns_buffer *piece, struct ns_buffer *whole) {
    whole->failed = whole->failed || piece->failed;
    ns_buffer_release(piece);
}
