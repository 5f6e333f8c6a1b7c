/* SPDX-License-Identifier: Apache-2.0 */
/* The DRAM of a machine block. */
#include "scenarios/machine_parser.h"

#include <string.h>

#define ROWS(array) (sizeof(array) / sizeof((array)[0]))
#define PLAIN       false, NULL, NULL, NS_NO_OFFSET, NULL, false

static const struct ns_choice maps[] = {{"row-bank-column", NS_DRAM_MAP_ROW_BANK_COLUMN},
                                        {"row-column-bank", NS_DRAM_MAP_ROW_COLUMN_BANK},
                                        {"row-bank-column-group", NS_DRAM_MAP_ROW_BANK_COLUMN_GROUP},
                                        {NULL, 0}};
static const struct ns_choice orders[] = {{"in-order", NS_DRAM_IN_ORDER}, {"fr-fcfs", NS_DRAM_FR_FCFS}, {NULL, 0}};
static const struct ns_choice refreshes[] = {{"yes", 0}, {"no", 1}, {NULL, 0}};
#define PART(member) NS_MEMBER(struct ns_dram_config, member)
static const struct ns_option parts[] = {
    {"channels", NS_OPTION_NUMBER, PART(channels), 1, NS_DRAM_MOST_CHANNELS, true, NULL, NULL, NS_NO_OFFSET, NULL,
     false},
    {"width", NS_OPTION_NUMBER, PART(width), 8, 64, true, "bits", NULL, NS_NO_OFFSET, NULL, false},
    {"device", NS_OPTION_NUMBER, PART(device), 8, 16, true, "bits", NULL, NS_NO_OFFSET, NULL, false},
    {"density", NS_OPTION_NUMBER, PART(gigabits), 1, 16, false, "Gbit", NULL, NS_NO_OFFSET, NULL, false},
    {"map", NS_OPTION_CHOICE, PART(map), 0, 0, false, NULL, maps, NS_NO_OFFSET, NULL, false},
    {"order", NS_OPTION_CHOICE, PART(scheduler), 0, 0, false, NULL, orders, NS_NO_OFFSET, NULL, false},
    {"queue", NS_OPTION_NUMBER, PART(queue), 1, NS_DRAM_MOST_QUEUE, false, "entries", NULL, NS_NO_OFFSET, NULL, false},
    {"cap", NS_OPTION_NUMBER, PART(cap), 0, NS_DRAM_MOST_CAP, PLAIN},
    {"refresh", NS_OPTION_CHOICE, PART(no_refresh), 0, 0, false, NULL, refreshes, NS_NO_OFFSET, NULL, false},
    {"latency", NS_OPTION_TIME, PART(latency_ps), 0, 0, PLAIN},
};
#undef PART

/* The options whose values can be at fault, in the order of enum ns_dram_fault. */
static const char *const at_fault[] = {
    [NS_DRAM_FAULT_CHANNELS] = "channels", [NS_DRAM_FAULT_WIDTH] = "width", [NS_DRAM_FAULT_DEVICE] = "device",
    [NS_DRAM_FAULT_DENSITY] = "density",   [NS_DRAM_FAULT_QUEUE] = "queue", [NS_DRAM_FAULT_CAP] = "cap"};

/* Where the values stand; width 0: not given. */
struct places {
    struct ns_place of[ROWS(at_fault)];
};

/* The value behind the option that comes next. */
static void note_place(const struct ns_parser *parser, struct places *places) {
    struct ns_lexer ahead = parser->lexer;
    ns_lexer_advance(&ahead);
    for (size_t i = 0; i < ROWS(at_fault); i++) {
        if (at_fault[i] != NULL && ns_token_is(ns_parser_token(parser), at_fault[i])) {
            places->of[i] = ns_parser_place(parser, &ahead.token);
        }
    }
}

static bool is_digit(char byte) {
    return byte >= '0' && byte <= '9';
}

/* DDR3, DDR4 and LPDDR4 are different parts: whoever writes DDR5 means none of them. */
static bool is_same_kind(const struct ns_token *word, const char *bin) {
    const bool low_power = word->length > 0 && (word->start[0] == 'L' || word->start[0] == 'l');
    uint32_t digit = 0;
    while (digit < word->length && !is_digit(word->start[digit])) {
        digit++;
    }
    return low_power == (bin[0] == 'L') && digit < word->length && word->start[digit] == *strpbrk(bin, "0123456789");
}

static bool unknown_bin(struct ns_parser *parser, const struct ns_token *word) {
    struct ns_nearest search;
    ns_nearest_start(&search, word->start, word->length);
    const struct ns_dram_grade *grade;
    for (size_t i = 0; (grade = ns_dram_grade_at(i)) != NULL; i++) {
        if (is_same_kind(word, grade->name)) {
            ns_nearest_offer(&search, grade->name, strlen(grade->name));
        }
    }
    ns_parser_error_near(parser, ns_parser_place(parser, word), &search,
                         "no speed bin `%.*s` is known here; DDR3, DDR4 and LPDDR4 are", (int)word->length,
                         word->start);
    return false;
}

bool ns_parse_machine_dram(struct ns_parser *parser, void *target) {
    struct ns_dram_config *dram = &((struct ns_machine_builder *)target)->block->config.dram;
    struct ns_token name;
    if (!ns_parser_take(parser, NS_TOKEN_WORD, &name,
                        "`dram` names a speed bin, such as `DDR3-1600K`, or says `none`")) {
        return false;
    }
    const struct ns_dram_grade *grade = ns_dram_grade_find(name.start, name.length);
    if (grade == NULL && !ns_token_is(&name, "none")) {
        return unknown_bin(parser, &name);
    }
    ns_dram_config_default(dram, grade);
    struct places places = {0};
    uint64_t seen = 0;
    while (grade != NULL && ns_parser_token(parser)->kind != NS_TOKEN_END) {
        note_place(parser, &places);
        if (!ns_parser_option(parser, parts, ROWS(parts), dram, &seen, "`dram`")) {
            return false;
        }
    }
    const char *sentence;
    const enum ns_dram_fault fault =
        grade == NULL || parser->failed ? NS_DRAM_NO_FAULT : ns_dram_config_fault(dram, &sentence);
    if (fault == NS_DRAM_NO_FAULT) {
        return true;
    }
    struct ns_place place = places.of[fault];
    if (place.width == 0) { /* the default device is too wide for the channel */
        place = places.of[NS_DRAM_FAULT_WIDTH];
    }
    ns_parser_error(parser, place.width == 0 ? ns_parser_place(parser, &name) : place, "%s", sentence);
    return false;
}
