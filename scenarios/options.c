/* SPDX-License-Identifier: Apache-2.0 */
/* Words with a value, driven by tables: a new option is a new row. */
#include "scenarios/parser.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

const struct ns_choice ns_type_choices[] = {
    {"cacheable", NS_TYPE_CACHEABLE}, {"nc", NS_TYPE_NC}, {"io", NS_TYPE_IO}, {NULL, 0}};

const struct ns_choice ns_yes_no_choices[] = {{"yes", 1}, {"no", 0}, {NULL, 0}};

#define LONGEST_TIME_PS  UINT64_C(1000000000000) /* one second */
#define FASTEST_CLOCK_HZ UINT64_C(100000000000)  /* 100 GHz */

static const struct ns_choice time_units[] = {{"ps", 1}, {"ns", 1000}, {"us", 1000000}, {NULL, 0}};
static const struct ns_choice clock_units[] = {{"MHz", 1000000}, {"GHz", 1000000000}, {NULL, 0}};

bool ns_parser_take_number(struct ns_parser *parser, uint64_t minimum, uint64_t maximum, uint64_t *value,
                           const char *what) {
    struct ns_token token = *ns_parser_token(parser);
    if (token.kind == NS_TOKEN_MINUS) {
        return ns_parser_unexpected(parser, "%s cannot be negative", what);
    }
    if (token.kind != NS_TOKEN_NUMBER) {
        return ns_parser_unexpected(parser, "%s needs a number", what);
    }
    ns_parser_advance(parser);
    *value = token.number;
    if (token.number < minimum || token.number > maximum) {
        struct ns_place place = ns_parser_place(parser, &token);
        if (token.number < minimum) {
            ns_parser_error(parser, place, "%s is at least %s, not %s", what, ns_number(minimum).text,
                            ns_number(token.number).text);
        } else {
            ns_parser_error(parser, place, "%s is at most %s, not %s", what, ns_number(maximum).text,
                            ns_number(token.number).text);
        }
        *value = minimum;
    }
    return true;
}

bool ns_parser_take_choice(struct ns_parser *parser, const struct ns_choice *choices, uint64_t *value,
                           const char *what) {
    if (ns_parser_token(parser)->kind == NS_TOKEN_WORD) {
        ns_lexer_join_dots(&parser->lexer);
    }
    struct ns_token token = *ns_parser_token(parser);
    struct ns_nearest search;
    ns_nearest_start(&search, token.start, token.length);
    char list[240] = "";
    for (const struct ns_choice *choice = choices; choice->word != NULL; choice++) {
        if (ns_token_is(&token, choice->word)) {
            ns_parser_advance(parser);
            *value = choice->value;
            return true;
        }
    }
    for (const struct ns_choice *choice = choices; choice->word != NULL; choice++) {
        const char *separator = choice == choices ? "" : choice[1].word == NULL ? " or " : ", ";
        size_t used = strlen(list);
        if (used + strlen(choice->word) + 8 < sizeof list) {
            strcat(list, separator);
            strcat(list, "`");
            strcat(list, choice->word);
            strcat(list, "`");
        }
        ns_nearest_offer(&search, choice->word, strlen(choice->word));
    }
    if (token.kind == NS_TOKEN_WORD) {
        ns_parser_error_near(parser, ns_parser_place(parser, &token), &search, "%s is %s", what, list);
        return false;
    }
    return ns_parser_unexpected(parser, "%s is %s", what, list);
}

bool ns_parser_take_time(struct ns_parser *parser, uint64_t *picoseconds, const char *what) {
    uint64_t number = 0, unit = 1;
    struct ns_token token = *ns_parser_token(parser);
    if (!ns_parser_take_number(parser, 0, UINT64_MAX, &number, what) ||
        !ns_parser_take_choice(parser, time_units, &unit, "the unit of a time")) {
        return false;
    }
    if (number > LONGEST_TIME_PS / unit) {
        ns_parser_error(parser, ns_parser_place(parser, &token), "%s is at most one second", what);
        number = 0;
    }
    *picoseconds = number * unit;
    return true;
}

static bool take_clock(struct ns_parser *parser, uint64_t *picoseconds, const char *what) {
    uint64_t number = 0, unit = 1;
    struct ns_token token = *ns_parser_token(parser);
    if (!ns_parser_take_number(parser, 1, UINT64_MAX, &number, what)) {
        return false;
    }
    if (ns_parser_token(parser)->kind == NS_TOKEN_DOT) {
        return ns_parser_unexpected(parser, "%s is a whole number; take the smaller unit, such as `1500 MHz`", what);
    }
    if (!ns_parser_take_choice(parser, clock_units, &unit, "the unit of a clock")) {
        return false;
    }
    if (number > FASTEST_CLOCK_HZ / unit) {
        ns_parser_error(parser, ns_parser_place(parser, &token), "%s is at most 100 GHz", what);
        number = 1;
    }
    uint64_t hertz = number * unit;
    *picoseconds = (LONGEST_TIME_PS + hertz / 2) / hertz;
    return true;
}

static void store(const struct ns_option *row, void *target, uint64_t value) {
    char *member = (char *)target + row->offset;
    if (row->size == 1) {
        uint8_t byte = (uint8_t)value;
        memcpy(member, &byte, 1);
    } else if (row->size == 4) {
        uint32_t word = (uint32_t)value;
        memcpy(member, &word, 4);
    } else {
        assert(row->size == 8);
        memcpy(member, &value, 8);
    }
}

static bool take_option_number(struct ns_parser *parser, const struct ns_option *row, uint64_t *value,
                               const char *what) {
    struct ns_token token = *ns_parser_token(parser);
    bool failed_before = parser->failed;
    if (!ns_parser_take_number(parser, row->minimum, row->maximum, value, what)) {
        return false;
    }
    if (row->power_of_two && (token.number & (token.number - 1)) != 0 && parser->failed == failed_before) {
        ns_parser_error(parser, ns_parser_place(parser, &token), "%s is a power of two, not %s", what,
                        ns_number(token.number).text);
        *value = row->minimum;
    }
    if (row->unit != NULL && !ns_parser_accept_word(parser, row->unit)) {
        return ns_parser_unexpected(parser, "%s is given in `%s`: `%s %s %s`", what, row->unit, row->word,
                                    ns_number(token.number).text, row->unit);
    }
    return true;
}

static bool parse_row(struct ns_parser *parser, const struct ns_option *row, void *target) {
    char what[48];
    snprintf(what, sizeof what, "`%s`", row->word);
    uint64_t value = row->minimum;
    bool understood = true;
    switch (row->kind) {
    case NS_OPTION_NUMBER:
        understood = take_option_number(parser, row, &value, what);
        break;
    case NS_OPTION_CHOICE:
        understood = ns_parser_take_choice(parser, row->choices, &value, what);
        break;
    case NS_OPTION_CLOCK:
        understood = take_clock(parser, &value, what);
        break;
    case NS_OPTION_TIME:
        understood = ns_parser_take_time(parser, &value, what);
        break;
    case NS_OPTION_SET:
        break;
    case NS_OPTION_CUSTOM:
        return row->parse(parser, target);
    }
    if (!understood) {
        return false;
    }
    if (row->offset != NS_NO_OFFSET) {
        store(row, target, value);
    }
    if (row->flag != NS_NO_OFFSET) {
        *((bool *)((char *)target + row->flag)) = true;
    }
    return true;
}

/* Rows that set the same member exclude each other. */
static size_t first_of_group(const struct ns_option *rows, size_t index) {
    for (size_t i = 0; i < index; i++) {
        if (rows[i].kind == NS_OPTION_SET && rows[index].kind == NS_OPTION_SET &&
            rows[i].offset == rows[index].offset && rows[i].offset != NS_NO_OFFSET) {
            return i;
        }
    }
    return index;
}

bool ns_parser_option(struct ns_parser *parser, const struct ns_option *rows, size_t count, void *target,
                      uint64_t *seen, const char *owner) {
    struct ns_token word = *ns_parser_token(parser);
    if (word.kind != NS_TOKEN_WORD) {
        return ns_parser_unexpected(parser, "here can stand an option of %s, such as `%s`", owner, rows[0].word);
    }
    for (size_t i = 0; i < count; i++) {
        if (!ns_token_is(&word, rows[i].word)) {
            continue;
        }
        uint64_t bit = UINT64_C(1) << first_of_group(rows, i);
        if ((*seen & bit) != 0 && !rows[i].repeatable) {
            ns_parser_error(parser, ns_parser_place(parser, &word),
                            first_of_group(rows, i) == i ? "`%s` is given twice" : "`%s` contradicts another option",
                            rows[i].word);
        }
        *seen |= bit;
        ns_parser_advance(parser);
        return parse_row(parser, &rows[i], target);
    }
    struct ns_nearest search;
    ns_nearest_start(&search, word.start, word.length);
    for (size_t i = 0; i < count; i++) {
        ns_nearest_offer(&search, rows[i].word, strlen(rows[i].word));
    }
    ns_parser_error_near(parser, ns_parser_place(parser, &word), &search, "`%.*s` is no option of %s", (int)word.length,
                         word.start, owner);
    return false;
}

bool ns_parser_options(struct ns_parser *parser, const struct ns_option *rows, size_t count, void *target,
                       uint64_t *seen, const char *owner) {
    assert(count <= 64);
    for (;;) {
        const struct ns_token *token = ns_parser_token(parser);
        if (token->kind == NS_TOKEN_END || token->kind == NS_TOKEN_ARROW || ns_token_is(token, "expect")) {
            return true;
        }
        if (!ns_parser_option(parser, rows, count, target, seen, owner)) {
            return false;
        }
    }
}
