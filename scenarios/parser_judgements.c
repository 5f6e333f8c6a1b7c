/* SPDX-License-Identifier: Apache-2.0 */
/* final and verify: what must hold at the end, or in which executions. */
#include "scenarios/parser.h"

#include <stdio.h>
#include <string.h>

static bool parse_level(struct ns_parser *parser, struct ns_condition *condition) {
    struct ns_token level;
    const struct ns_machine_config *machine = &parser->scenario->machine;
    if (!ns_parser_take(parser, NS_TOKEN_WORD, &level, "`cache` names a level of the machine, such as `L1D`")) {
        return false;
    }
    unsigned levels = parser->machine_known ? machine->cache.levels : 0;
    for (unsigned i = 0; i < levels; i++) {
        if (ns_token_is(&level, machine->level_name[i])) {
            condition->level = i;
            return true;
        }
    }
    condition->level = NS_NONE;
    parser->failed = true;
    if (parser->machine_known) {
        struct ns_nearest search;
        ns_nearest_start(&search, level.start, level.length);
        for (unsigned i = 0; i < levels; i++) {
            ns_nearest_offer(&search, machine->level_name[i], strlen(machine->level_name[i]));
        }
        ns_parser_error_near(parser, ns_parser_place(parser, &level), &search, "the machine has no cache `%.*s`",
                             (int)level.length, level.start);
    }
    return true;
}

static bool parse_cache(struct ns_parser *parser, struct ns_condition *condition) {
    struct ns_place place = ns_parser_place(parser, ns_parser_token(parser));
    const struct ns_machine_config *machine = &parser->scenario->machine;
    if (!parse_level(parser, condition)) {
        return false;
    }
    struct ns_token hart = *ns_parser_token(parser);
    if (ns_is_hart_word(&hart)) {
        ns_parser_advance(parser);
        if (condition->level != NS_NONE && condition->level > 0) {
            ns_parser_error(parser, ns_parser_place(parser, &hart), "`%s` is shared by all harts; leave out the hart",
                            machine->level_name[condition->level]);
        }
        condition->hart = ns_parser_hart(parser, &hart);
    } else if (condition->level == 0 && parser->machine_known && machine->cache.harts > 1) {
        ns_parser_error(parser, place, "each hart has its own `%s`; say whose, such as `%s cpu0`",
                        machine->level_name[0], machine->level_name[0]);
    }
    condition->kind = NS_OPERAND_CACHE;
    return ns_parser_ref(parser, NS_REF_OBJECT_ONLY | NS_REF_IS_ACCESS, &condition->ref,
                         "behind the cache stands a buffer: `cache L1D rx[0..4]`");
}

/* Sets *length to the bytes compared, 0 when unknown. */
static bool parse_operand(struct ns_parser *parser, struct ns_condition *condition, uint64_t *length) {
    *length = 0;
    if (ns_parser_accept_word(parser, "memory")) {
        condition->kind = NS_OPERAND_MEMORY;
        if (!ns_parser_ref(parser, NS_REF_OBJECT_ONLY | NS_REF_IS_ACCESS, &condition->ref,
                           "behind `memory` stands a buffer: `memory rx[0..4]`")) {
            return false;
        }
        *length = ns_parser_ref_length(parser, &condition->ref);
        return true;
    }
    if (ns_parser_accept_word(parser, "cache")) {
        if (!parse_cache(parser, condition)) {
            return false;
        }
        *length = ns_parser_ref_length(parser, &condition->ref);
        return true;
    }
    struct ns_token name = *ns_parser_token(parser);
    condition->kind = NS_OPERAND_REGISTER;
    if (name.kind == NS_TOKEN_WORD) {
        const struct ns_name *entry = ns_names_find(&parser->names, name.start, name.length);
        if (entry != NULL && entry->kind == NS_NAME_OBJECT) {
            char hint[64 + NS_LIMIT_NAME_BYTES];
            snprintf(hint, sizeof hint, "`memory %.*s` or `cache L1D %.*s`", (int)name.length, name.start,
                     (int)name.length, name.start);
            ns_parser_error_hint(parser, ns_parser_place(parser, &name), hint, "say where `%.*s` is looked at",
                                 (int)name.length, name.start);
            return false;
        }
    }
    if (!ns_parser_take_name(parser, NS_NAME_REGISTER, &condition->reg,
                             "a condition starts with a register, `memory` or `cache`")) {
        return false;
    }
    if (condition->reg != NS_NONE) {
        *length = parser->scenario->registers[condition->reg].size;
    }
    return true;
}

static bool parse_comparison(struct ns_parser *parser, struct ns_condition *condition, uint64_t length) {
    struct ns_token token = *ns_parser_token(parser);
    if (ns_parser_accept(parser, NS_TOKEN_EQUAL)) {
        return ns_parser_compared_number(parser, length, true, &condition->value);
    }
    if (ns_parser_accept(parser, NS_TOKEN_NOT_EQUAL)) {
        condition->not_equal = true;
        return ns_parser_compared_number(parser, length, true, &condition->value);
    }
    if (ns_parser_accept_word(parser, "fill")) {
        return ns_parser_fill(parser, &condition->value);
    }
    if (ns_parser_accept_word(parser, "absent")) {
        condition->absent = true;
        if (condition->kind != NS_OPERAND_CACHE) {
            ns_parser_error(parser, ns_parser_place(parser, &token), "only a line of a `cache` can be absent");
        }
        return true;
    }
    if (token.kind == NS_TOKEN_ASSIGN) {
        return ns_parser_unexpected(parser, "values are compared with `==`");
    }
    return ns_parser_unexpected(parser, "a condition compares: `== NUMBER`, `!= NUMBER`, `fill BYTE`%s",
                                condition->kind == NS_OPERAND_CACHE ? " or `absent`" : "");
}

static bool parse_judgement(struct ns_parser *parser, struct ns_judgement *judgement) {
    static const struct ns_choice modes[] = {
        {"always", NS_VERIFY_ALWAYS}, {"sometimes", NS_VERIFY_SOMETIMES}, {"never", NS_VERIFY_NEVER}, {NULL, 0}};
    bool verify = ns_token_is(ns_parser_token(parser), "verify");
    ns_parser_advance(parser);
    uint64_t mode = NS_FINAL, length;
    if (verify && !ns_parser_take_choice(parser, modes, &mode, "`verify`")) {
        return false;
    }
    judgement->mode = (enum ns_mode)mode;
    struct ns_condition *condition = &judgement->condition;
    *condition = (struct ns_condition){
        .reg = NS_NONE, .ref = {.index = NS_NONE, .element = NS_NONE, .field = NS_NONE}, .value = {.index = NS_NONE}};
    const char *start = ns_parser_token(parser)->start;
    if (!parse_operand(parser, condition, &length) || !parse_comparison(parser, condition, length) ||
        !ns_parser_take_end(parser)) {
        return false;
    }
    /* END starts right behind the last token. */
    const char *end = ns_parser_token(parser)->start;
    condition->place = ns_parser_place_from(parser, start, end);
    judgement->text = ns_arena_text(parser->arena, start, (size_t)(end - start));
    parser->out_of_memory = parser->out_of_memory || judgement->text == NULL;
    return true;
}

void ns_parser_judgements(struct ns_parser *parser) {
    struct ns_scenario *scenario = parser->scenario;
    for (size_t i = 0; i < parser->line_count && !parser->out_of_memory; i++) {
        if (parser->classes[i].class != NS_LINE_JUDGEMENT) {
            continue;
        }
        struct ns_judgement judgement = {.line = (uint32_t)i + 1};
        ns_parser_open_line(parser, i);
        if (!parse_judgement(parser, &judgement) || parser->failed) {
            continue;
        }
        struct ns_judgement *grown = ns_parser_grow(parser, scenario->judgements, scenario->judgement_count,
                                                    &parser->judgement_capacity, sizeof *grown);
        if (grown != NULL) {
            scenario->judgements = grown;
            scenario->judgements[scenario->judgement_count++] = judgement;
        }
    }
}
