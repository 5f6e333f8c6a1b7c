/* SPDX-License-Identifier: Apache-2.0 */
/* Verbs of the streaming DMA API. */
#include "scenarios/parser_actions.h"

#include <string.h>

#define ROWS(array) (sizeof(array) / sizeof((array)[0]))

static const struct ns_choice directions[] = {{"to-device", NS_DIRECTION_TO_DEVICE},
                                              {"from-device", NS_DIRECTION_FROM_DEVICE},
                                              {"bidirectional", NS_DIRECTION_BIDIRECTIONAL},
                                              {NULL, 0}};

/* ---- words of several verbs ------------------------------------------------------------------ */

/* Takes "for DEVICE", a direction, "size N", "entries N", "skip-cpu-sync" and "overwrite" in any order; which of them
 * is possible is in `allowed`. */
enum {
    TAKES_FOR = 1u,
    TAKES_DIRECTION = 2u,
    TAKES_SIZE = 4u,
    TAKES_SKIP = 8u,
    TAKES_OVERWRITE = 16u,
    TAKES_ENTRIES = 32u
};

static bool is_direction(const struct ns_token *token) {
    for (const struct ns_choice *choice = directions; choice->word != NULL; choice++) {
        if (ns_token_is(token, choice->word)) {
            return true;
        }
    }
    return false;
}

static bool unknown_mapping_option(struct ns_parser *parser, const char *verb, unsigned allowed) {
    const struct ns_token *token = ns_parser_token(parser);
    struct ns_nearest search;
    ns_nearest_start(&search, token->start, token->length);
    for (const struct ns_choice *choice = directions; choice->word != NULL; choice++) {
        ns_nearest_offer(&search, choice->word, strlen(choice->word));
    }
    static const struct {
        const char *word;
        unsigned needs;
    } words[] = {
        {"for", TAKES_FOR},         {"size", TAKES_SIZE}, {"skip-cpu-sync", TAKES_SKIP}, {"overwrite", TAKES_OVERWRITE},
        {"entries", TAKES_ENTRIES}, {"expect", TAKES_FOR}};
    for (size_t i = 0; i < ROWS(words); i++) {
        if ((allowed & words[i].needs) != 0) {
            ns_nearest_offer(&search, words[i].word, strlen(words[i].word));
        }
    }
    if (token->kind == NS_TOKEN_WORD) {
        ns_parser_error_near(parser, ns_parser_place(parser, token), &search, "`%.*s` has no meaning for `%s`",
                             (int)token->length, token->start, verb);
        return false;
    }
    return ns_parser_unexpected(parser, "`%s` takes `for DEVICE` and a direction such as `from-device`", verb);
}

static bool take_mapping_options(struct ns_parser *parser, struct ns_step *step, unsigned allowed) {
    const char *verb = ns_verb_text(step->verb);
    bool has_device = false, has_direction = false;
    while (!ns_parser_at_end_of_options(parser)) {
        struct ns_token word = *ns_parser_token(parser);
        if (ns_parser_accept_word(parser, "for")) {
            ns_parser_twice(parser, &word, has_device);
            has_device = true;
            if (!ns_parser_take_name(parser, NS_NAME_DEVICE, &step->device, "`for` names a device")) {
                return false;
            }
        } else if (is_direction(&word)) {
            uint64_t direction = NS_DIRECTION_NONE;
            if (has_direction) {
                ns_parser_error(parser, ns_parser_place(parser, &word), "the direction is given twice");
            }
            has_direction = true;
            if (!ns_parser_take_choice(parser, directions, &direction, "the direction")) {
                return false;
            }
            step->direction = (enum ns_direction)direction;
        } else if ((allowed & TAKES_SIZE) != 0 && ns_parser_accept_word(parser, "size")) {
            ns_parser_twice(parser, &word, step->has_size);
            step->has_size = true;
            if (!ns_parser_take_number(parser, 1, NS_LIMIT_OBJECT_BYTES, &step->size, "`size`")) {
                return false;
            }
        } else if ((allowed & TAKES_SKIP) != 0 && ns_parser_accept_word(parser, "skip-cpu-sync")) {
            ns_parser_twice(parser, &word, step->skip_cpu_sync);
            step->skip_cpu_sync = true;
        } else if ((allowed & TAKES_OVERWRITE) != 0 && ns_parser_accept_word(parser, "overwrite")) {
            ns_parser_twice(parser, &word, step->overwrite);
            step->overwrite = true;
        } else if ((allowed & TAKES_ENTRIES) != 0 && ns_parser_accept_word(parser, "entries")) {
            uint64_t entries = 0;
            ns_parser_twice(parser, &word, step->entry_count != 0);
            if (!ns_parser_take_number(parser, 1, NS_LIMIT_LIST_ENTRIES, &entries, "`entries`")) {
                return false;
            }
            step->entry_count = (uint32_t)entries;
        } else {
            return unknown_mapping_option(parser, verb, allowed);
        }
    }
    bool maps = step->verb == NS_VERB_MAP || step->verb == NS_VERB_MAP_SG || step->verb == NS_VERB_MAP_RESOURCE;
    if (maps && !has_device) {
        ns_parser_error(parser, step->verb_place, "`%s` needs a device: `%s rx for nic from-device`", verb, verb);
    }
    if (maps && !has_direction) {
        ns_parser_error_hint(parser, step->verb_place, "`to-device`, `from-device` or `bidirectional`",
                             "`%s` needs a direction", verb);
    }
    return true;
}

/* ---- one buffer ------------------------------------------------------------------------------ */

/* "-> NAME", if it is there. */
static bool take_handle(struct ns_parser *parser, struct ns_step *step) {
    if (!ns_parser_accept(parser, NS_TOKEN_ARROW)) {
        return true;
    }
    size_t registers = parser->scenario->register_count;
    if (!ns_parser_take_register(parser, step, 8, true)) {
        return false;
    }
    if (step->result != NS_NONE) {
        uint64_t length = ns_parser_ref_length(parser, &step->ref);
        bool is_new = parser->scenario->register_count > registers;
        uint64_t *known = &parser->handle_length[step->result];
        *known = is_new || *known == length ? length : 0;
    }
    return true;
}

bool ns_parse_map(struct ns_parser *parser, struct ns_step *step) {
    if (!ns_parser_ref(parser, 0, &step->ref, NS_BUFFER_NEEDED) ||
        !take_mapping_options(parser, step, TAKES_FOR | TAKES_DIRECTION | TAKES_SKIP | TAKES_OVERWRITE)) {
        return false;
    }
    return take_handle(parser, step);
}

/* Registers of a machine have addresses and no names: `map-resource @0x1000_0000[0..64] for dma0 to-device -> h`. */
bool ns_parse_map_resource(struct ns_parser *parser, struct ns_step *step) {
    return ns_parser_ref(parser, 0, &step->ref,
                         "here stand registers by their address, such as `@0x1000_0000[0..64]`") &&
           take_mapping_options(parser, step, TAKES_FOR | TAKES_DIRECTION | TAKES_SKIP) && take_handle(parser, step);
}
bool ns_parse_unmap(struct ns_parser *parser, struct ns_step *step) {
    if (parser->scenario->device_count == 0) {
        ns_parser_error(parser, step->verb_place, "nothing can be mapped here: the scenario declares no device");
    }
    bool unmaps = step->verb == NS_VERB_UNMAP || step->verb == NS_VERB_UNMAP_RESOURCE;
    unsigned allowed = TAKES_FOR | TAKES_DIRECTION | (unmaps ? TAKES_SIZE | TAKES_SKIP : 0u);
    return ns_parser_ref(parser, NS_REF_MAY_REACH_OUT | NS_REF_MAY_BE_HANDLE, &step->ref, NS_TARGET_NEEDED) &&
           take_mapping_options(parser, step, allowed);
}

bool ns_parse_mapping_error(struct ns_parser *parser, struct ns_step *step) {
    if (!ns_parser_ref(parser, NS_REF_MAY_BE_HANDLE, &step->ref, "`mapping-error` names the handle of a map")) {
        return false;
    }
    if (step->ref.kind == NS_REF_OBJECT || step->ref.kind == NS_REF_ADDRESS) {
        ns_parser_error(parser, step->ref.place, "`mapping-error` asks about the handle that a map returned");
    }
    return true;
}

/* ---- lists ----------------------------------------------------------------------------------- */

/* "A, B[0..64], C" */
static bool take_entries(struct ns_parser *parser, struct ns_step *step) {
    struct ns_ref entries[NS_LIMIT_LIST_ENTRIES];
    uint32_t count = 0;
    uint64_t bytes = 0;
    do {
        if (count == NS_LIMIT_LIST_ENTRIES) {
            ns_parser_error(parser, ns_parser_place(parser, ns_parser_token(parser)), "a list has at most %u entries",
                            NS_LIMIT_LIST_ENTRIES);
            return false;
        }
        if (!ns_parser_ref(parser, NS_REF_OBJECT_ONLY, &entries[count], NS_BUFFER_NEEDED)) {
            return false;
        }
        bytes += ns_parser_ref_length(parser, &entries[count]);
        count++;
    } while (ns_parser_accept(parser, NS_TOKEN_COMMA));
    if (bytes > NS_LIMIT_OBJECT_BYTES) {
        ns_parser_error(parser, step->verb_place, "a list has at most %s bytes", ns_number(NS_LIMIT_OBJECT_BYTES).text);
    }
    if (parser->failed) {
        return true;
    }
    step->entries = ns_arena_alloc(parser->arena, count * sizeof *step->entries);
    if (step->entries == NULL) {
        parser->out_of_memory = true;
        return false;
    }
    memcpy(step->entries, entries, count * sizeof *entries);
    step->entry_count = count;
    return true;
}

static bool same_lengths(const struct ns_list *list, const struct ns_step *step) {
    bool same = list->count == step->entry_count;
    for (uint32_t i = 0; same && i < list->count; i++) {
        same = list->lengths[i] == step->entries[i].length;
    }
    return same;
}

static bool take_list(struct ns_parser *parser, struct ns_step *step) {
    struct ns_scenario *scenario = parser->scenario;
    struct ns_token name;
    if (!ns_parser_take(parser, NS_TOKEN_ARROW, NULL, "`map-sg` names the list that it makes: `-> list`") ||
        !ns_parser_take_result_name(parser, &name)) {
        return false;
    }
    if (parser->failed) {
        return true;
    }
    struct ns_place place = ns_parser_place(parser, &name);
    const struct ns_name *entry = ns_names_find(&parser->names, name.start, name.length);
    if (entry != NULL && entry->kind == NS_NAME_LIST) {
        step->list = entry->index;
        if (!same_lengths(&scenario->lists[entry->index], step)) {
            ns_parser_error(parser, place, "line %u gives `%.*s` other entries; take another name",
                            (unsigned)entry->line, (int)name.length, name.start);
        }
        return true;
    }
    uint32_t index = (uint32_t)scenario->list_count;
    if (entry == NULL && index == NS_LIMIT_LISTS) {
        ns_parser_error(parser, place, "a scenario has at most %u lists", NS_LIMIT_LISTS);
        return true;
    }
    if (ns_parser_declare(parser, &name, NS_NAME_LIST, index) == NULL) {
        parser->failed = true;
        return true;
    }
    struct ns_list *list = &scenario->lists[index];
    *list = (struct ns_list){.name = ns_parser_copy_name(parser, &name), .place = place, .count = step->entry_count};
    list->lengths = ns_arena_alloc(parser->arena, step->entry_count * sizeof *list->lengths);
    if (list->lengths == NULL) {
        parser->out_of_memory = true;
        return false;
    }
    for (uint32_t i = 0; i < step->entry_count; i++) {
        list->lengths[i] = step->entries[i].length;
    }
    scenario->list_count++;
    step->list = index;
    return true;
}

bool ns_parse_map_sg(struct ns_parser *parser, struct ns_step *step) {
    return take_entries(parser, step) && take_mapping_options(parser, step, TAKES_FOR | TAKES_DIRECTION | TAKES_SKIP) &&
           take_list(parser, step);
}

bool ns_parse_unmap_sg(struct ns_parser *parser, struct ns_step *step) {
    unsigned allowed = TAKES_FOR | TAKES_DIRECTION | TAKES_ENTRIES | (step->verb == NS_VERB_UNMAP_SG ? TAKES_SKIP : 0u);
    if (!ns_parser_take_name(parser, NS_NAME_LIST, &step->list, "here stands a list that `map-sg` made") ||
        !take_mapping_options(parser, step, allowed)) {
        return false;
    }
    if (step->list != NS_NONE && step->entry_count > parser->scenario->lists[step->list].count) {
        ns_parser_error(parser, step->verb_place, "`%s` has %u entries; the kernel would read behind its end",
                        parser->scenario->lists[step->list].name, (unsigned)parser->scenario->lists[step->list].count);
    }
    return true;
}
