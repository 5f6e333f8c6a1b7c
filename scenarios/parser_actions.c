/* SPDX-License-Identifier: Apache-2.0 */
/* What stands behind each verb. */
#include "scenarios/parser_actions.h"

uint32_t ns_parser_hart(struct ns_parser *parser, const struct ns_token *token) {
    const struct ns_machine_config *machine = &parser->scenario->machine;
    unsigned harts = parser->machine_known ? machine->cache.harts : NS_CACHE_MAX_HARTS;
    uint32_t hart = token->length == 4 ? (uint32_t)(token->start[3] - '0') : NS_NONE;
    if (hart < harts) {
        return hart;
    }
    if (parser->machine_known) {
        ns_parser_error(parser, ns_parser_place(parser, token), "the machine has %u hart%s, counted from `cpu0`", harts,
                        harts == 1 ? "" : "s");
    } else {
        ns_parser_error(parser, ns_parser_place(parser, token), "a machine has at most %u harts, `cpu0` to `cpu%u`",
                        harts, harts - 1);
    }
    return 0;
}

/* ---- harts ----------------------------------------------------------------------------------- */

bool ns_parse_nothing(struct ns_parser *parser, struct ns_step *step) {
    (void)parser;
    (void)step;
    return true;
}

static unsigned access_flags(const struct ns_step *step) {
    return NS_REF_IS_ACCESS | (step->actor_kind == NS_ACTOR_DEVICE ? NS_REF_MAY_BE_HANDLE : 0u);
}

/* Behind the reference: one piece of it each time. */
static bool parse_piece(struct ns_parser *parser, struct ns_step *step) {
    static const struct ns_choice orders[] = {
        {"in-turn", NS_PIECE_IN_TURN}, {"at-random", NS_PIECE_AT_RANDOM}, {NULL, 0}};
    const struct ns_choice *order = orders;
    while (order->word != NULL && !ns_parser_accept_word(parser, order->word)) {
        order++;
    }
    if (order->word == NULL) {
        return true;
    }
    uint64_t bytes = 0;
    struct ns_place place = ns_parser_place(parser, ns_parser_token(parser));
    if (!ns_parser_take_number(parser, 1, NS_LIMIT_PIECE_BYTES, &bytes, "a piece")) {
        return false;
    }
    if (step->ref.kind != NS_REF_OBJECT || step->ref.length == 0) {
        ns_parser_error(parser, step->ref.place, "`%s` needs a buffer, or a part of one", order->word);
        return false;
    }
    if (bytes > step->ref.length) {
        ns_parser_error(parser, place, "a piece of %s bytes is larger than the whole, which has %s",
                        ns_number(bytes).text, ns_number(step->ref.length).text);
        return false;
    }
    step->piece = (enum ns_piece_order)order->value;
    step->pieces = step->ref.length / bytes;
    step->ref.length = bytes;
    return true;
}

/* What a load or a store works on: all of it, or a piece each time. */
static bool parse_accessed(struct ns_parser *parser, struct ns_step *step) {
    if (!ns_parser_ref(parser, access_flags(step) & ~(unsigned)NS_REF_IS_ACCESS, &step->ref, NS_BUFFER_NEEDED) ||
        !parse_piece(parser, step)) {
        return false;
    }
    ns_parser_limit_access(parser, &step->ref);
    return true;
}

bool ns_parse_load(struct ns_parser *parser, struct ns_step *step) {
    if (!parse_accessed(parser, step)) {
        return false;
    }
    return !ns_parser_accept(parser, NS_TOKEN_ARROW) ||
           ns_parser_take_register(parser, step, ns_parser_ref_length(parser, &step->ref), false);
}

bool ns_parse_store(struct ns_parser *parser, struct ns_step *step) {
    return parse_accessed(parser, step) &&
           ns_parser_value(parser, &step->ref, &step->value, ns_verb_text(step->verb));
}

bool ns_parse_copy(struct ns_parser *parser, struct ns_step *step) {
    if (!ns_parser_ref(parser, access_flags(step), &step->ref, NS_BUFFER_NEEDED)) {
        return false;
    }
    if (!ns_parser_accept_word(parser, "to")) {
        return ns_parser_unexpected(parser, "`copy` names its destination: `copy a to b`");
    }
    if (!ns_parser_ref(parser, access_flags(step), &step->to, NS_BUFFER_NEEDED)) {
        return false;
    }
    uint64_t from = ns_parser_ref_length(parser, &step->ref), to = ns_parser_ref_length(parser, &step->to);
    if (from != 0 && to != 0 && from != to) {
        ns_parser_error(parser, step->to.place, "the source has %s bytes and the destination %s", ns_number(from).text,
                        ns_number(to).text);
    }
    return true;
}

/* clean, invalidate, flush */
bool ns_parse_maintenance(struct ns_parser *parser, struct ns_step *step) {
    static const struct ns_choice scopes[] = {
        {"l1", NS_SCOPE_L1}, {"outer", NS_SCOPE_OUTER}, {"poc", NS_SCOPE_POC}, {NULL, 0}};
    if (ns_parser_accept_word(parser, "all")) {
        step->whole_cache = true;
    } else if (!ns_parser_ref(parser, NS_REF_MAY_REACH_OUT | NS_REF_MAY_BE_EMPTY, &step->ref,
                              "here stands a buffer, or `all`")) {
        return false;
    }
    bool has_scope = false;
    for (;;) {
        struct ns_token word = *ns_parser_token(parser);
        if (ns_parser_accept_word(parser, "scope")) {
            uint64_t scope = NS_SCOPE_POC;
            ns_parser_twice(parser, &word, has_scope);
            has_scope = true;
            if (!ns_parser_take_choice(parser, scopes, &scope, "`scope`")) {
                return false;
            }
            step->scope = (enum ns_cache_scope)scope;
        } else if (!step->whole_cache && ns_parser_accept_word(parser, "by")) {
            ns_parser_twice(parser, &word, step->by_page);
            step->by_page = true;
            if (!ns_parser_accept_word(parser, "page")) {
                return ns_parser_unexpected(parser, "a range is widened with `by page`");
            }
        } else {
            return true;
        }
    }
}

bool ns_parse_line_operation(struct ns_parser *parser, struct ns_step *step) {
    return ns_parser_ref(parser, NS_REF_MAY_REACH_OUT | NS_REF_MAY_BE_POINT, &step->ref, NS_BUFFER_NEEDED);
}

bool ns_parse_set_attr(struct ns_parser *parser, struct ns_step *step) {
    static const struct ns_choice sequences[] = {{"flush-first", NS_SEQUENCE_FLUSH_FIRST},
                                                 {"without-flush", NS_SEQUENCE_WITHOUT_FLUSH},
                                                 {"without-sfence", NS_SEQUENCE_WITHOUT_SFENCE},
                                                 {NULL, 0}};
    uint64_t type;
    if (!ns_parser_ref(parser, 0, &step->ref, NS_BUFFER_NEEDED) ||
        !ns_parser_take_choice(parser, ns_type_choices, &type, "the memory type")) {
        return false;
    }
    step->type = (enum ns_memory_type)type;
    if (parser->machine_known && parser->scenario->machine.attributes == NS_ATTRIBUTES_MPU) {
        ns_parser_error(parser, step->ref.place, "the regions of an MPU do not change while the machine runs");
        return false;
    }
    if (!ns_parser_accept_word(parser, "sequence")) {
        return true;
    }
    step->sequence = NS_SEQUENCE_COMPLETE;
    uint64_t sequence = NS_SEQUENCE_COMPLETE;
    if (!ns_parser_at_end_of_options(parser) &&
        !ns_parser_take_choice(parser, sequences, &sequence, "what is wrong with the sequence")) {
        return false;
    }
    step->sequence = (enum ns_attribute_sequence)sequence;
    return true;
}

bool ns_parse_sfence(struct ns_parser *parser, struct ns_step *step) {
    step->all_harts = ns_parser_accept_word(parser, "all-harts");
    if (ns_parser_at_end_of_options(parser) || step->all_harts) {
        return true;
    }
    if (!ns_parser_ref(parser, NS_REF_MAY_REACH_OUT | NS_REF_MAY_BE_POINT, &step->ref,
                       "here stands a buffer, or `all-harts`")) {
        return false;
    }
    step->all_harts = ns_parser_accept_word(parser, "all-harts");
    return true;
}

bool ns_parse_device_verb(struct ns_parser *parser, struct ns_step *step) {
    struct ns_place place = ns_parser_place(parser, ns_parser_token(parser));
    if (!ns_parser_take_name(parser, NS_NAME_DEVICE, &step->device, "`doorbell` names a device")) {
        return false;
    }
    if (step->device != NS_NONE && parser->scenario->devices[step->device].is_engine) {
        ns_parser_error_hint(parser, place, "write the register that starts it, with `mmio-write`",
                             "`%s` is an engine and has no doorbell of its own",
                             parser->scenario->devices[step->device].name);
    }
    return true;
}

bool ns_parse_poll(struct ns_parser *parser, struct ns_step *step) {
    if (!ns_parser_ref(parser, access_flags(step), &step->ref, NS_BUFFER_NEEDED)) {
        return false;
    }
    if (!ns_parser_accept(parser, NS_TOKEN_EQUAL)) {
        return ns_parser_unexpected(parser, "`poll` waits for a value: `poll status == 1`");
    }
    uint64_t length = ns_parser_ref_length(parser, &step->ref);
    if (step->ref.kind == NS_REF_HANDLE && length == 0) {
        ns_parser_error(parser, step->ref.place, "it is not certain how many bytes these are; write a range");
    }
    return ns_parser_compared_number(parser, length, false, &step->value);
}

bool ns_parse_wait(struct ns_parser *parser, struct ns_step *step) {
    return ns_parser_take_name(parser, NS_NAME_IRQ, &step->irq, "`wait` names an interrupt");
}

/* ---- devices --------------------------------------------------------------------------------- */

static bool take_using_physical(struct ns_parser *parser, struct ns_step *step) {
    struct ns_token word = *ns_parser_token(parser);
    if (!ns_parser_accept_word(parser, "using")) {
        return true;
    }
    ns_parser_twice(parser, &word, step->using_physical);
    step->using_physical = true;
    if (!ns_parser_accept_word(parser, "physical")) {
        return ns_parser_unexpected(parser, "`using` is followed by `physical`");
    }
    if (step->ref.kind == NS_REF_ADDRESS) {
        ns_parser_error(parser, ns_parser_place(parser, &word), "`using physical` needs a buffer, not an address");
    }
    return true;
}

bool ns_parse_read(struct ns_parser *parser, struct ns_step *step) {
    if (!ns_parser_ref(parser, access_flags(step), &step->ref, NS_TARGET_NEEDED) ||
        !take_using_physical(parser, step)) {
        return false;
    }
    if (ns_parser_accept(parser, NS_TOKEN_ARROW) &&
        !ns_parser_take_register(parser, step, ns_parser_ref_length(parser, &step->ref), false)) {
        return false;
    }
    return take_using_physical(parser, step);
}

bool ns_parse_write(struct ns_parser *parser, struct ns_step *step) {
    return ns_parser_ref(parser, access_flags(step), &step->ref, NS_TARGET_NEEDED) &&
           take_using_physical(parser, step) && ns_parser_value(parser, &step->ref, &step->value, "write") &&
           take_using_physical(parser, step);
}

bool ns_parse_raise(struct ns_parser *parser, struct ns_step *step) {
    const struct ns_scenario *scenario = parser->scenario;
    struct ns_place place = ns_parser_place(parser, ns_parser_token(parser));
    if (!ns_parser_take_name(parser, NS_NAME_IRQ, &step->irq, "`raise` names an interrupt of this device")) {
        return false;
    }
    if (step->irq != NS_NONE && scenario->irqs[step->irq].device != step->actor) {
        ns_parser_error(parser, place, "`%s` is an interrupt of `%s`, not of `%s`", scenario->irqs[step->irq].name,
                        scenario->devices[scenario->irqs[step->irq].device].name, scenario->devices[step->actor].name);
    }
    return true;
}

/* ---- hardware -------------------------------------------------------------------------------- */

bool ns_parse_hart_line(struct ns_parser *parser, struct ns_step *step) {
    struct ns_token hart = *ns_parser_token(parser);
    if (!ns_is_hart_word(&hart)) {
        return ns_parser_unexpected(parser, "`%s` names the hart first: `%s cpu0 rx`", ns_verb_text(step->verb),
                                    ns_verb_text(step->verb));
    }
    ns_parser_advance(parser);
    step->hart = ns_parser_hart(parser, &hart);
    return ns_parser_ref(parser, NS_REF_MAY_BE_POINT | NS_REF_IS_ACCESS, &step->ref, NS_BUFFER_NEEDED);
}

bool ns_parse_drain(struct ns_parser *parser, struct ns_step *step) {
    struct ns_token owner = *ns_parser_token(parser);
    if (ns_is_hart_word(&owner)) {
        ns_parser_advance(parser);
        step->hart = ns_parser_hart(parser, &owner);
    } else if (!ns_parser_take_name(parser, NS_NAME_DEVICE, &step->device,
                                    "`drain` names a hart or a device: `drain cpu0`")) {
        return false;
    }
    return ns_parser_at_end_of_options(parser) ||
           ns_parser_ref(parser, NS_REF_MAY_BE_POINT | NS_REF_IS_ACCESS, &step->ref, NS_BUFFER_NEEDED);
}
