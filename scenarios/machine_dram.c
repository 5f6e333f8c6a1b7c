/* SPDX-License-Identifier: Apache-2.0 */
/* The DRAM of a machine block. */
#include "scenarios/machine_parser.h"

#include <string.h>

#define ROWS(array) (sizeof(array) / sizeof((array)[0]))
#define PLAIN       false, NULL, NULL, NS_NO_OFFSET, NULL, false

bool ns_parse_machine_dram(struct ns_parser *parser, void *target) {
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
        {"queue", NS_OPTION_NUMBER, PART(queue), 1, NS_DRAM_MOST_QUEUE, false, "entries", NULL, NS_NO_OFFSET, NULL,
         false},
        {"cap", NS_OPTION_NUMBER, PART(cap), 0, NS_DRAM_MOST_CAP, PLAIN},
        {"refresh", NS_OPTION_CHOICE, PART(no_refresh), 0, 0, false, NULL, refreshes, NS_NO_OFFSET, NULL, false},
        {"latency", NS_OPTION_TIME, PART(latency_ps), 0, 0, PLAIN},
    };
#undef PART
    struct ns_machine_config *config = &((struct ns_machine_builder *)target)->block->config;
    struct ns_token name;
    if (!ns_parser_take(parser, NS_TOKEN_WORD, &name,
                        "`dram` names a speed bin, such as `DDR3-1600K`, or says `none`")) {
        return false;
    }
    const struct ns_dram_grade *grade = ns_dram_grade_find(name.start, name.length);
    if (grade == NULL && !ns_token_is(&name, "none")) {
        struct ns_nearest search;
        ns_nearest_start(&search, name.start, name.length);
        for (size_t i = 0; ns_dram_grade_at(i) != NULL; i++) {
            ns_nearest_offer(&search, ns_dram_grade_at(i)->name, strlen(ns_dram_grade_at(i)->name));
        }
        ns_parser_error_near(parser, ns_parser_place(parser, &name), &search, "no speed bin `%.*s` is known here",
                             (int)name.length, name.start);
        return false;
    }
    ns_dram_config_default(&config->dram, grade);
    uint64_t seen = 0;
    return grade == NULL || ns_parser_options(parser, parts, ROWS(parts), &config->dram, &seen, "`dram`");
}
