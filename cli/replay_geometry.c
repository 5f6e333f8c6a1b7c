/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/replay_geometry.h"

#include "cli/output.h"
#include "replay/sweep.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DEFAULT_SWEEP "4K..256K,1..8,64"

/* One field between commas. */
struct field {
    const char *text;
    size_t length;
};

static bool next_field(const char **text, struct field *field) {
    if (*text == NULL)
        return false;
    field->text = *text;
    field->length = strcspn(*text, ",");
    *text = (*text)[field->length] == ',' ? *text + field->length + 1 : NULL;
    return true;
}

static bool is(const struct field *field, const char *word) {
    return strlen(word) == field->length && memcmp(word, field->text, field->length) == 0;
}

/* Decimal digits, with K or M behind them. */
static bool number_of(const struct field *field, uint32_t *number) {
    uint64_t value = 0;
    size_t length = field->length;
    char unit = length > 1 ? field->text[length - 1] : '\0';
    unsigned shift = unit == 'K' || unit == 'k' ? 10 : unit == 'M' || unit == 'm' ? 20 : 0;
    length -= shift > 0;
    for (size_t i = 0; i < length; i++) {
        if (field->text[i] < '0' || field->text[i] > '9' || value > UINT32_MAX)
            return false;
        value = value * 10 + (uint64_t)(field->text[i] - '0');
    }
    if (length == 0 || value == 0 || value > UINT32_MAX >> shift)
        return false;
    *number = (uint32_t)(value << shift);
    return true;
}

static bool take_policy(const struct field *field, struct ns_cache_level_config *config) {
    static const struct {
        const char *word;
        enum ns_replacement replacement;
    } policies[] = {{"lru", NS_REPLACE_LRU},
                    {"fifo", NS_REPLACE_FIFO},
                    {"plru", NS_REPLACE_TREE_PLRU},
                    {"random", NS_REPLACE_RANDOM}};
    for (size_t i = 0; i < sizeof policies / sizeof policies[0]; i++) {
        if (is(field, policies[i].word)) {
            config->replacement = policies[i].replacement;
            return true;
        }
    }
    if (is(field, "wb") || is(field, "wt")) {
        config->write_through = field->text[1] == 't';
        return true;
    }
    if (is(field, "wa") || is(field, "nwa")) {
        config->no_write_allocate = field->text[0] == 'n';
        return true;
    }
    return false;
}

/* The fields behind the third one. */
static bool take_policies(const char *option, const char *text, const char *rest,
                          struct ns_cache_level_config *config) {
    struct field field;
    while (next_field(&rest, &field)) {
        if (!take_policy(&field, config)) {
            ns_error("`--%s %s`: `%.*s` is none of lru, fifo, plru, random, wb, wt, wa, nwa", option, text,
                     (int)field.length, field.text);
            return false;
        }
    }
    return true;
}

bool ns_geometry_parse(const char *option, const char *text, struct ns_cache_level_config *config) {
    struct field size, ways, line;
    const char *rest = text;
    *config = (struct ns_cache_level_config){0};
    if (!next_field(&rest, &size) || !next_field(&rest, &ways) || !next_field(&rest, &line) ||
        !number_of(&size, &config->size) || !number_of(&ways, &config->ways) || !number_of(&line, &config->line)) {
        ns_error("`--%s` takes SIZE,WAYS,LINE such as 32K,8,64, not `%s`", option, text);
        return false;
    }
    return take_policies(option, text, rest, config);
}

/* ---- sweeps ---------------------------------------------------------------------------------- */

/* NUMBER or FIRST..LAST */
static bool range_of(const struct field *field, uint32_t *first, uint32_t *last) {
    for (size_t i = 1; i + 2 < field->length; i++) {
        if (field->text[i] == '.' && field->text[i + 1] == '.') {
            const struct field low = {field->text, i}, high = {field->text + i + 2, field->length - i - 2};
            return number_of(&low, first) && number_of(&high, last) && *first <= *last;
        }
    }
    bool good = number_of(field, first);
    *last = *first;
    return good;
}

static bool is_cache(const struct ns_cache_level_config *config, char *reason, size_t size) {
    struct ns_cache_config whole = {.harts = 1, .levels = 1};
    whole.level[0] = *config;
    return ns_cache_config_check(&whole, reason, size) == NS_OK;
}

/* Doubles up to `last`; false at the end. */
static bool step(uint32_t *value, uint32_t last) {
    if (*value > last / 2)
        return false;
    *value *= 2;
    return true;
}

bool ns_geometry_parse_sweep(const char *text, struct ns_cache_level_config **configs, size_t *count) {
    struct field size, ways, line;
    struct ns_cache_level_config first = {0}, last = {0}, one;
    const char *rest = text = text != NULL ? text : DEFAULT_SWEEP;
    *count = 0;
    *configs = NULL;
    if (!next_field(&rest, &size) || !next_field(&rest, &ways) || !next_field(&rest, &line) ||
        !range_of(&size, &first.size, &last.size) || !range_of(&ways, &first.ways, &last.ways) ||
        !range_of(&line, &first.line, &last.line)) {
        ns_error("`--sweep` takes SIZES,WAYS,LINES such as " DEFAULT_SWEEP ", not `%s`", text);
        return false;
    }
    if (!take_policies("sweep", text, rest, &first))
        return false;
    *configs = malloc(NS_SWEEP_MAX * sizeof **configs);
    if (*configs == NULL) {
        ns_error("out of memory");
        return false;
    }
    char reason[256] = "";
    one = first;
    do {
        one.ways = first.ways;
        do {
            one.size = first.size;
            do {
                if (!is_cache(&one, reason, sizeof reason))
                    continue;
                assert(*count < NS_SWEEP_MAX); /* 25 sizes, 7 numbers of ways and 5 lines, at most */
                (*configs)[(*count)++] = one;
            } while (step(&one.size, last.size));
        } while (step(&one.ways, last.ways));
    } while (step(&one.line, last.line));
    if (*count == 0)
        ns_error("`--sweep %s` holds no cache: %s", text, reason);
    return *count > 0;
}

/* ---- words ----------------------------------------------------------------------------------- */

const char *ns_geometry_policy(enum ns_replacement replacement) {
    switch (replacement) {
    case NS_REPLACE_LRU:
        return "lru";
    case NS_REPLACE_TREE_PLRU:
        return "plru";
    case NS_REPLACE_FIFO:
        return "fifo";
    case NS_REPLACE_RANDOM:
        return "random";
    }
    return "?";
}

const char *ns_geometry_size(uint32_t size, char text[16]) {
    if (size % (1u << 20) == 0)
        snprintf(text, 16, "%" PRIu32 "M", size >> 20);
    else if (size % (1u << 10) == 0)
        snprintf(text, 16, "%" PRIu32 "K", size >> 10);
    else
        snprintf(text, 16, "%" PRIu32, size);
    return text;
}

const char *ns_geometry_text(const struct ns_cache_level_config *config, char text[NS_GEOMETRY_TEXT]) {
    char size[16];
    snprintf(text, NS_GEOMETRY_TEXT, "%s, %" PRIu32 " way%s, lines of %" PRIu32 " bytes, %s, %s, %s",
             ns_geometry_size(config->size, size), config->ways, config->ways == 1 ? "" : "s", config->line,
             ns_geometry_policy(config->replacement), config->write_through ? "write-through" : "write-back",
             config->no_write_allocate ? "no-write-allocate" : "write-allocate");
    return text;
}
