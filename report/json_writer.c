/* SPDX-License-Identifier: Apache-2.0 */
#include "report/json_writer.h"

#include "report/format.h"

#include <assert.h>
#include <inttypes.h>
#include <string.h>

static void write_quoted(struct ns_buffer *out, const char *text, size_t length);

/* What stands before a value: comma, line break, indentation, key. */
static void begin_value(struct ns_json *json, const char *key) {
    if (json->depth > 0) {
        ns_buffer_text(json->out, json->empty ? "\n" : ",\n");
        ns_buffer_repeat(json->out, ' ', (size_t)json->depth * 2);
    }
    if (key != NULL) {
        write_quoted(json->out, key, strlen(key));
        ns_buffer_text(json->out, ": ");
    }
    json->empty = false;
}

void ns_json_begin(struct ns_json *json, struct ns_buffer *out) {
    *json = (struct ns_json){.out = out, .empty = true};
}

void ns_json_open(struct ns_json *json, const char *key, char bracket) {
    begin_value(json, key);
    ns_buffer_add(json->out, &bracket, 1);
    ++json->depth;
    json->empty = true;
}

void ns_json_close(struct ns_json *json, char bracket) {
    assert(json->depth > 0);
    --json->depth;
    if (!json->empty) {
        ns_buffer_text(json->out, "\n");
        ns_buffer_repeat(json->out, ' ', (size_t)json->depth * 2);
    }
    ns_buffer_add(json->out, &bracket, 1);
    json->empty = false;
}

static void write_quoted(struct ns_buffer *out, const char *text, size_t length) {
    ns_buffer_text(out, "\"");
    for (size_t i = 0; i < length;) {
        unsigned char byte = (unsigned char)text[i];
        size_t size = ns_format_utf8_length(text + i, length - i);
        if (byte == '"' || byte == '\\') {
            ns_buffer_format(out, "\\%c", byte);
        } else if (byte == '\n') {
            ns_buffer_text(out, "\\n");
        } else if (byte == '\t') {
            ns_buffer_text(out, "\\t");
        } else if (byte < 0x20 || byte == 0x7f) {
            ns_buffer_format(out, "\\u%04x", byte);
        } else if (size == 0) {
            ns_buffer_text(out, "\xef\xbf\xbd");
        } else {
            ns_buffer_add(out, text + i, size);
        }
        i += size == 0 ? 1 : size;
    }
    ns_buffer_text(out, "\"");
}

void ns_json_string_bounded(struct ns_json *json, const char *key, const char *text, size_t size) {
    begin_value(json, key);
    write_quoted(json->out, text, strnlen(text, size));
}

void ns_json_string(struct ns_json *json, const char *key, const char *text) {
    ns_json_string_bounded(json, key, text, strlen(text));
}

void ns_json_number(struct ns_json *json, const char *key, uint64_t number) {
    begin_value(json, key);
    ns_buffer_format(json->out, "%" PRIu64, number);
}

void ns_json_bool(struct ns_json *json, const char *key, bool value) {
    begin_value(json, key);
    ns_buffer_text(json->out, value ? "true" : "false");
}

void ns_json_null(struct ns_json *json, const char *key) {
    begin_value(json, key);
    ns_buffer_text(json->out, "null");
}

void ns_json_address(struct ns_json *json, const char *key, uint64_t address) {
    begin_value(json, key);
    ns_buffer_format(json->out, "\"0x%08" PRIx64 "\"", address);
}

void ns_json_end(struct ns_json *json) {
    assert(json->depth == 0);
    ns_buffer_text(json->out, "\n");
}
