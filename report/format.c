/* SPDX-License-Identifier: Apache-2.0 */
#include "report/format.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

const char *ns_format_time(uint64_t picoseconds, char text[NS_TIME_TEXT]) {
    static const char *const unit[] = {"ps", "ns", "us", "ms", "s"};
    uint64_t scale = 1;
    unsigned index = 0;
    while (index + 1 < sizeof unit / sizeof unit[0] && picoseconds / scale >= 1000) {
        scale *= 1000;
        ++index;
    }
    if (index == 0) {
        snprintf(text, NS_TIME_TEXT, "%" PRIu64 " ps", picoseconds);
        return text;
    }
    unsigned decimals = picoseconds / scale >= 100 ? 0 : picoseconds / scale >= 10 ? 1 : 2;
    uint64_t power = decimals == 2 ? 100 : decimals == 1 ? 10 : 1;
    uint64_t step = scale / power;
    uint64_t value = picoseconds / step + (picoseconds % step >= step - step / 2 ? 1 : 0);
    /* 9.996 rounds to 10.00: one decimal fewer; 999.6 ns rounds to 1.00 us. */
    if (decimals > 0 && value >= 1000) {
        value /= 10;
        power /= 10;
        --decimals;
    } else if (decimals == 0 && value >= 1000 && index + 1 < sizeof unit / sizeof unit[0]) {
        value = 100;
        power = 100;
        decimals = 2;
        ++index;
    }
    if (decimals == 0) {
        snprintf(text, NS_TIME_TEXT, "%" PRIu64 " %s", value, unit[index]);
    } else {
        snprintf(text, NS_TIME_TEXT, "%" PRIu64 ".%0*" PRIu64 " %s", value / power, (int)decimals, value % power,
                 unit[index]);
    }
    return text;
}

void ns_format_bytes(struct ns_buffer *out, const uint8_t *bytes, size_t count) {
    for (size_t i = 0; i < count; ++i) {
        ns_buffer_format(out, "%s%02x", i == 0 ? "" : " ", bytes[i]);
    }
}

size_t ns_format_utf8_length(const char *text, size_t length) {
    const unsigned char *byte = (const unsigned char *)text;
    size_t size = byte[0] < 0x80                      ? 1
                  : byte[0] >= 0xc2 && byte[0] < 0xe0 ? 2
                  : byte[0] >= 0xe0 && byte[0] < 0xf0 ? 3
                  : byte[0] >= 0xf0 && byte[0] < 0xf5 ? 4
                                                      : 0;
    if (size == 0 || size > length) {
        return 0;
    }
    for (size_t i = 1; i < size; ++i) {
        if ((byte[i] & 0xc0) != 0x80) {
            return 0;
        }
    }
    bool overlong = (byte[0] == 0xe0 && byte[1] < 0xa0) || (byte[0] == 0xf0 && byte[1] < 0x90);
    bool beyond = (byte[0] == 0xed && byte[1] >= 0xa0) || (byte[0] == 0xf4 && byte[1] >= 0x90);
    return overlong || beyond ? 0 : size;
}

/* C0 and C1 controls and DEL. */
static bool is_control(const unsigned char *byte, size_t size) {
    return byte[0] < 0x20 || byte[0] == 0x7f || (size == 2 && byte[0] == 0xc2 && byte[1] < 0xa0);
}

void ns_format_source(struct ns_buffer *out, const char *text, size_t length) {
    for (size_t i = 0; i < length;) {
        size_t size = ns_format_utf8_length(text + i, length - i);
        if (text[i] == '\t') {
            ns_buffer_text(out, " ");
        } else if (size == 0 || is_control((const unsigned char *)text + i, size)) {
            ns_buffer_text(out, "?");
        } else {
            ns_buffer_add(out, text + i, size);
        }
        i += size == 0 ? 1 : size;
    }
}

void ns_format_step(struct ns_buffer *out, const struct ns_log *log, uint32_t site) {
    const struct ns_site *place = ns_site_at(log, site);
    if (place == NULL || place->line > log->line_count || place->column == 0)
        return;
    const char *line = log->lines[place->line - 1];
    const size_t whole = strcspn(line, "\r\n");
    const char *from = line + (place->column - 1 < whole ? place->column - 1 : whole);
    const size_t length = strcspn(from, "#\r\n");
    bool space = false;
    for (size_t i = 0; i < length; i++) {
        if (from[i] == ' ' || from[i] == '\t') {
            space = true;
            continue;
        }
        if (space && strncmp(from + i, "expect ", 7) == 0)
            break;
        if (space)
            ns_buffer_text(out, " ");
        space = false;
        ns_buffer_add(out, from + i, 1);
    }
}

void ns_format_move(struct ns_buffer *out, const char *move, bool many_harts) {
    size_t length = strcspn(move, "@");
    const char *hart = strstr(move, ":cpu0:");
    if (hart != NULL && !many_harts) {
        ns_buffer_add(out, move, (size_t)(hart - move));
        length -= (size_t)(hart - move) + strlen(":cpu0");
        move = hart + strlen(":cpu0");
    }
    for (size_t i = 0; i < length; i++)
        ns_buffer_add(out, move[i] == ':' ? " " : &move[i], 1);
}

void ns_format_shell(struct ns_buffer *out, const char *text) {
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./+,:@%=";
    if (text[0] != '\0' && text[strspn(text, plain)] == '\0') {
        ns_buffer_text(out, text);
        return;
    }
    ns_buffer_text(out, "'");
    for (; *text != '\0'; ++text) {
        if (*text == '\'') {
            ns_buffer_text(out, "'\\''");
        } else {
            ns_format_source(out, text, strcspn(text, "'"));
            text += strcspn(text, "'") - 1;
        }
    }
    ns_buffer_text(out, "'");
}

void ns_format_count(struct ns_buffer *out, size_t count, const char *one, const char *many) {
    ns_buffer_format(out, "%zu %s", count, count == 1 ? one : many);
}

const char *ns_actor_name(const struct ns_log *log, unsigned actor) {
    return actor < log->actor_count ? log->actor[actor].name : "hardware";
}

const char *ns_level_name(const struct ns_log *log, unsigned level) {
    if (level == log->levels) {
        return "memory";
    }
    return level < log->levels && level < NS_CACHE_MAX_LEVELS && log->level_name[level][0] != '\0'
               ? log->level_name[level]
               : "cache";
}

unsigned ns_cache_hart(const struct ns_log *log, const struct ns_event *event) {
    const bool of_a_line =
        event->kind == NS_EVENT_FILL || event->kind == NS_EVENT_WRITE_BACK || event->kind == NS_EVENT_DROP;
    /* The hardware's own moves, and snoops, have another actor. */
    return of_a_line && event->peer < log->actor_count && log->actor[event->peer].actor_class == NS_ACTOR_CLASS_HART
               ? event->peer
               : event->actor;
}

const struct ns_event *ns_event_at(const struct ns_log *log, uint32_t number) {
    return number != NS_NO_EVENT && number < log->event_count ? &log->event[number] : NULL;
}

const struct ns_site *ns_site_at(const struct ns_log *log, uint32_t number) {
    if (number == NS_NO_SITE || number >= log->site_count || log->site[number].line == 0) {
        return NULL;
    }
    return &log->site[number];
}

const char *ns_op_name(unsigned op) {
    return op == NS_CACHE_CLEAN        ? "clean"
           : op == NS_CACHE_INVALIDATE ? "invalidate"
           : op == NS_CACHE_FLUSH      ? "flush"
                                       : "maintenance";
}

const char *ns_type_name(unsigned type) {
    return type == NS_TYPE_CACHEABLE ? "cacheable" : type == NS_TYPE_NC ? "nc" : type == NS_TYPE_IO ? "io" : "unknown";
}

const char *ns_direction_name(unsigned direction) {
    return direction == 1 ? "to-device" : direction == 2 ? "from-device" : direction == 3 ? "bidirectional" : "";
}
