/* SPDX-License-Identifier: Apache-2.0 */
#include "scenarios/schedule.h"

#include "model/log.h"
#include "scenarios/names.h"
#include "scenarios/scenario.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What a move's word is followed by. */
enum operands { NOTHING, HART_ADDRESS, ACTOR_ADDRESS, ACTOR_MAYBE_ADDRESS };
static const struct {
    const char *word;
    enum operands operands;
} moves[] = {
    [NS_SCHEDULE_FILL] = {"fill", HART_ADDRESS},
    [NS_SCHEDULE_EVICT] = {"evict", HART_ADDRESS},
    [NS_SCHEDULE_EVICT_L1] = {"evict-l1", HART_ADDRESS},
    [NS_SCHEDULE_SAMPLE] = {"sample", HART_ADDRESS},
    [NS_SCHEDULE_INSTALL] = {"install", HART_ADDRESS},
    [NS_SCHEDULE_DIRTY] = {"dirty", HART_ADDRESS},
    [NS_SCHEDULE_DRAIN] = {"drain", ACTOR_MAYBE_ADDRESS},
    [NS_SCHEDULE_LOOK] = {"look", ACTOR_ADDRESS},
    [NS_SCHEDULE_WALK] = {"walk", HART_ADDRESS},
    [NS_SCHEDULE_FORGET] = {"forget", HART_ADDRESS},
    [NS_SCHEDULE_RECALL] = {"recall", HART_ADDRESS},
    [NS_SCHEDULE_HOLD] = {"hold", HART_ADDRESS},
    [NS_SCHEDULE_RELEASE] = {"release", HART_ADDRESS},
    [NS_SCHEDULE_LATE] = {"late", NOTHING},
    [NS_SCHEDULE_NO_TIMERS] = {"no-timers", NOTHING},
    [NS_SCHEDULE_AS_FLUSH] = {"as-flush", NOTHING},
    [NS_SCHEDULE_NO_PREFETCHER] = {"no-prefetcher", NOTHING},
};
enum { KINDS = sizeof moves / sizeof moves[0] };

/* ---- reading --------------------------------------------------------------------------------- */

struct reader {
    const struct ns_scenario *scenario;
    const char *item; /* the item at work, for messages */
    size_t length;
    char *message;
    size_t message_size;
};

static bool refuse(const struct reader *reader, const char *format, ...) __attribute__((format(printf, 2, 3)));
static bool refuse(const struct reader *reader, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(reader->message, reader->message_size, format, arguments);
    va_end(arguments);
    return false;
}

/* Decimal, or 0x hexadecimal; `_` between digits. */
static bool read_number(const char *text, size_t length, uint64_t *number) {
    const unsigned base = length > 2 && text[0] == '0' && (text[1] == 'x' || text[1] == 'X') ? 16 : 10;
    bool digit_before = false;
    *number = 0;
    for (size_t i = base == 16 ? 2 : 0; i < length; i++) {
        const char c = text[i];
        if (c == '_' && digit_before && i + 1 < length) {
            digit_before = false;
            continue;
        }
        const unsigned digit = c >= '0' && c <= '9'   ? (unsigned)(c - '0')
                               : c >= 'a' && c <= 'f' ? (unsigned)(c - 'a') + 10
                               : c >= 'A' && c <= 'F' ? (unsigned)(c - 'A') + 10
                                                      : 99;
        if (digit >= base || *number > (UINT64_MAX - digit) / base)
            return false;
        *number = *number * base + digit;
        digit_before = true;
    }
    return digit_before;
}

static bool read_actor(const struct reader *reader, const char *text, size_t length, bool devices,
                       struct ns_schedule_item *item) {
    uint64_t hart;
    if (length > 3 && memcmp(text, "cpu", 3) == 0 && read_number(text + 3, length - 3, &hart)) {
        if (hart >= reader->scenario->machine.cache.harts)
            return refuse(reader, "the schedule's `%.*s` names hart %llu, and the machine has %u", (int)reader->length,
                          reader->item, (unsigned long long)hart, reader->scenario->machine.cache.harts);
        item->actor = (uint32_t)hart;
        return true;
    }
    for (uint32_t i = 0; devices && i < reader->scenario->device_count; i++)
        if (strlen(reader->scenario->devices[i].name) == length &&
            memcmp(reader->scenario->devices[i].name, text, length) == 0) {
            item->is_device = true;
            item->actor = i;
            return true;
        }
    return refuse(reader, "the schedule's `%.*s` names no %s", (int)reader->length, reader->item,
                  devices ? "hart or device of this scenario" : "hart, such as cpu0");
}

static bool read_operands(const struct reader *reader, const char *text, size_t length, struct ns_schedule_item *item) {
    const enum operands operands = moves[item->kind].operands;
    if (operands == NOTHING)
        return length == 0 ||
               refuse(reader, "the schedule's `%.*s` has something behind its word", (int)reader->length, reader->item);
    if (length == 0 || text[0] != ':')
        return refuse(reader, "the schedule's `%.*s` needs a hart, as in `%s:cpu0%s`", (int)reader->length,
                      reader->item, moves[item->kind].word, operands == ACTOR_MAYBE_ADDRESS ? "" : ":0x8000_0000");
    const char *colon = memchr(text + 1, ':', length - 1);
    const size_t name = colon == NULL ? length - 1 : (size_t)(colon - text) - 1;
    if (!read_actor(reader, text + 1, name, operands != HART_ADDRESS, item))
        return false;
    item->has_address = colon != NULL;
    if (colon == NULL)
        return operands == ACTOR_MAYBE_ADDRESS ||
               refuse(reader, "the schedule's `%.*s` needs an address behind its hart", (int)reader->length,
                      reader->item);
    return read_number(colon + 1, length - name - 2, &item->address) ||
           refuse(reader, "the schedule's `%.*s` ends with no address, such as 0x8000_0000", (int)reader->length,
                  reader->item);
}

static bool read_move(const struct reader *reader, struct ns_schedule_item *item) {
    const char *text = reader->item, *at = memchr(text, '@', reader->length);
    size_t length = at == NULL ? reader->length : (size_t)(at - text);
    uint64_t part = 0;
    if (at != NULL && (!read_number(at + 1, reader->length - length - 1, &part) || part > UINT16_MAX))
        return refuse(reader, "the schedule's `%.*s` has no number of an operation behind `@`", (int)reader->length,
                      text);
    item->part = (uint32_t)part;
    size_t word = 0;
    while (word < length && text[word] != ':')
        word++;
    struct ns_nearest nearest;
    ns_nearest_start(&nearest, text, word);
    for (unsigned kind = NS_SCHEDULE_STEP + 1; kind < KINDS; kind++) {
        ns_nearest_offer(&nearest, moves[kind].word, strlen(moves[kind].word));
        if (strlen(moves[kind].word) == word && memcmp(moves[kind].word, text, word) == 0) {
            item->kind = (enum ns_schedule_kind)kind;
            return read_operands(reader, text + word, length - word, item);
        }
    }
    if (nearest.best != NULL)
        return refuse(reader, "the schedule's `%.*s` is no move of the hardware; did you mean `%.*s`?", (int)word, text,
                      (int)nearest.best_length, nearest.best);
    return refuse(reader,
                  "a schedule takes line numbers and moves of the hardware with commas between them, such as "
                  "11,12,14; `%.*s` is none",
                  (int)reader->length, text);
}

/* N, ADDRESS, +ADDRESS, or one of these behind N and a colon; only an address is hexadecimal. */
static bool read_stop(const char *text, size_t length, struct ns_schedule_item *item) {
    const char *colon = memchr(text, ':', length);
    const char *address = colon != NULL ? colon + 1 : text, *end = text + length;
    item->comes = address < end && *address == '+';
    address += item->comes;
    item->has_address = end - address > 2 && address[0] == '0' && (address[1] == 'x' || address[1] == 'X');
    uint64_t part = 0;
    if (item->has_address && !read_number(address, (size_t)(end - address), &item->address))
        return false;
    if (!item->has_address && (colon != NULL || item->comes))
        return false;
    const size_t number = colon != NULL ? (size_t)(colon - text) : item->has_address ? 0 : length;
    if ((colon != NULL || !item->has_address) && (!read_number(text, number, &part) || part == 0 || part > UINT16_MAX))
        return false;
    item->part = (uint32_t)part;
    return true;
}

static bool read_item(const struct reader *reader, struct ns_schedule_item *item) {
    const char *text = reader->item, *at = memchr(text, '@', reader->length);
    const size_t length = at == NULL ? reader->length : (size_t)(at - text);
    uint64_t line;
    *item = (struct ns_schedule_item){.kind = NS_SCHEDULE_STEP};
    if (!read_number(text, length, &line))
        return read_move(reader, item);
    item->line = (uint32_t)line;
    if (at != NULL && !read_stop(at + 1, reader->length - length - 1, item))
        return refuse(reader,
                      "the schedule's `%.*s` has neither the number of an operation, from 1, nor an address such as "
                      "0x8000_0000 behind `@`",
                      (int)reader->length, text);
    return (line >= 1 && line <= UINT32_MAX) ||
           refuse(reader, "the schedule's `%.*s` is no line number", (int)reader->length, reader->item);
}

enum ns_status ns_schedule_parse(const char *text, const struct ns_scenario *scenario, struct ns_schedule_item **items,
                                 size_t *count, char *message, size_t message_size) {
    size_t wanted = 1;
    for (const char *at = text; *at != '\0'; at++)
        wanted += *at == ',';
    *items = NULL;
    *count = 0;
    struct reader reader = {.scenario = scenario, .message = message, .message_size = message_size};
    if (wanted > NS_SCHEDULE_LIMIT) {
        (void)refuse(&reader, "a schedule has at most %u items", NS_SCHEDULE_LIMIT);
        return NS_ERROR_ARGUMENT;
    }
    struct ns_schedule_item *read = malloc(wanted * sizeof *read);
    if (read == NULL)
        return NS_ERROR_MEMORY;
    for (size_t i = 0; i < wanted; i++) {
        const char *end = strchr(text, ',');
        reader.item = text;
        reader.length = end == NULL ? strlen(text) : (size_t)(end - text);
        if (!read_item(&reader, &read[i])) {
            free(read);
            return NS_ERROR_ARGUMENT;
        }
        text += reader.length + (end != NULL);
    }
    *items = read;
    *count = wanted;
    return NS_OK;
}

/* ---- writing --------------------------------------------------------------------------------- */

size_t ns_schedule_item_text(const struct ns_schedule_item *item, const struct ns_scenario *scenario,
                             char text[NS_SCHEDULE_ITEM_TEXT]) {
    char address[NS_ADDRESS_TEXT];
    int used;
    if (item->kind == NS_SCHEDULE_STEP) {
        used = snprintf(text, NS_SCHEDULE_ITEM_TEXT, "%u", item->line);
        if (item->part > 0)
            used += snprintf(text + used, NS_SCHEDULE_ITEM_TEXT - (size_t)used, "@%u", item->part);
        if (item->has_address)
            used += snprintf(text + used, NS_SCHEDULE_ITEM_TEXT - (size_t)used, "%c%s%s", item->part > 0 ? ':' : '@',
                             item->comes ? "+" : "", ns_format_address(item->address, address));
        return (size_t)used;
    }
    used = snprintf(text, NS_SCHEDULE_ITEM_TEXT, "%s", moves[item->kind].word);
    if (moves[item->kind].operands != NOTHING && item->is_device)
        used +=
            snprintf(text + used, NS_SCHEDULE_ITEM_TEXT - (size_t)used, ":%.48s", scenario->devices[item->actor].name);
    else if (moves[item->kind].operands != NOTHING)
        used += snprintf(text + used, NS_SCHEDULE_ITEM_TEXT - (size_t)used, ":cpu%u", item->actor);
    if (moves[item->kind].operands != NOTHING && item->has_address)
        used += snprintf(text + used, NS_SCHEDULE_ITEM_TEXT - (size_t)used, ":%s",
                         ns_format_address(item->address, address));
    if (item->part > 0)
        used += snprintf(text + used, NS_SCHEDULE_ITEM_TEXT - (size_t)used, "@%u", item->part);
    return (size_t)used;
}

char *ns_schedule_text(const struct ns_schedule_item *items, size_t count, const struct ns_scenario *scenario) {
    char *text = malloc(count * NS_SCHEDULE_ITEM_TEXT + 1);
    size_t used = 0;
    if (text == NULL)
        return NULL;
    text[0] = '\0';
    for (size_t i = 0; i < count; i++) {
        if (i > 0)
            text[used++] = ',';
        used += ns_schedule_item_text(&items[i], scenario, text + used);
    }
    char *tight = realloc(text, used + 1);
    return tight != NULL ? tight : text;
}
