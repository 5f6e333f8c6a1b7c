/* SPDX-License-Identifier: Apache-2.0 */
/* Steps of engines: their registers, and the streams at the device's end. */
#include "scenarios/parser_actions.h"

#include <string.h>

void ns_parser_check_engine_verb(struct ns_parser *parser, const struct ns_step *step) {
    if (step->actor_kind != NS_ACTOR_DEVICE || step->actor == NS_NONE) {
        return;
    }
    const struct ns_device *device = &parser->scenario->devices[step->actor];
    const bool stream = step->verb == NS_VERB_FEED || step->verb == NS_VERB_DRAIN_STREAM;
    if (device->is_engine && !stream) {
        ns_parser_error(parser, step->verb_place,
                        "`%s` is an engine: its registers say what it does, its steps are `feed` and `drain`",
                        device->name);
    } else if (!device->is_engine && stream) {
        ns_parser_error(parser, step->verb_place, "`%s` is for an engine, such as `device dma0 axi-dma`",
                        ns_verb_text(step->verb));
    }
}

static void unknown_register(struct ns_parser *parser, const struct ns_token *name) {
    struct ns_nearest search;
    ns_nearest_start(&search, name->start, name->length);
    for (size_t i = 0; ns_axi_dma_register_names[i] != NULL; i++) {
        ns_nearest_offer(&search, ns_axi_dma_register_names[i], strlen(ns_axi_dma_register_names[i]));
    }
    ns_parser_error_near(parser, ns_parser_place(parser, name), &search, "an AXI DMA engine has no register `%.*s`",
                         (int)name->length, name->start);
}

/* "dma0.MM2S_DMACR" */
static bool parse_register(struct ns_parser *parser, struct ns_step *step) {
    struct ns_place place = ns_parser_place(parser, ns_parser_token(parser));
    if (!ns_parser_take_name(parser, NS_NAME_DEVICE, &step->device, "here stands a register: `dma0.MM2S_DMACR`")) {
        return false;
    }
    if (step->device != NS_NONE && !parser->scenario->devices[step->device].is_engine) {
        ns_parser_error(parser, place, "`%s` is no engine and has no named registers",
                        parser->scenario->devices[step->device].name);
    }
    struct ns_token name;
    if (!ns_parser_accept(parser, NS_TOKEN_DOT)) {
        return ns_parser_unexpected(parser, "a register is named behind a dot: `dma0.MM2S_DMACR`");
    }
    if (!ns_parser_take(parser, NS_TOKEN_WORD, &name, "a register is named behind a dot: `dma0.MM2S_DMACR`")) {
        return false;
    }
    step->reg = ns_axi_dma_register(name.start, (unsigned)name.length);
    if (step->reg == UINT32_MAX) {
        unknown_register(parser, &name);
    }
    return true;
}

/* What a value is checked against. */
static struct ns_ref bytes(uint64_t length) {
    return (struct ns_ref){.kind = NS_REF_ADDRESS, .length = length, .index = NS_NONE};
}

/* "mmio-read nic" is the old, plain form: it pushes posted writes, and its value is 0. */
bool ns_parse_mmio_read(struct ns_parser *parser, struct ns_step *step) {
    struct ns_token device = *ns_parser_token(parser);
    const struct ns_name *entry =
        device.kind == NS_TOKEN_WORD ? ns_names_find(&parser->names, device.start, device.length) : NULL;
    const bool engine =
        entry != NULL && entry->kind == NS_NAME_DEVICE && parser->scenario->devices[entry->index].is_engine;
    if (!engine) {
        return ns_parser_take_name(parser, NS_NAME_DEVICE, &step->device, "`mmio-read` names a device");
    }
    return parse_register(parser, step) &&
           (!ns_parser_accept(parser, NS_TOKEN_ARROW) || ns_parser_take_register(parser, step, 4, false));
}

bool ns_parse_mmio_write(struct ns_parser *parser, struct ns_step *step) {
    const struct ns_ref word = bytes(4);
    return parse_register(parser, step) && ns_parser_value(parser, &word, &step->value, "mmio-write");
}

bool ns_parse_mmio_poll(struct ns_parser *parser, struct ns_step *step) {
    uint64_t mask = UINT32_MAX;
    if (!parse_register(parser, step)) {
        return false;
    }
    if (ns_parser_accept_word(parser, "mask") && !ns_parser_take_number(parser, 1, UINT32_MAX, &mask, "`mask`")) {
        return false;
    }
    step->mask = (uint32_t)mask;
    if (!ns_parser_accept(parser, NS_TOKEN_EQUAL)) {
        return ns_parser_unexpected(parser, "`mmio-poll` waits for a value: `mmio-poll dma0.MM2S_DMASR mask 2 == 2`");
    }
    if (!ns_parser_compared_number(parser, 4, false, &step->value)) {
        return false;
    }
    if ((step->value.number & ~mask) != 0) {
        ns_parser_error(parser, step->value.place, "this value has bits that `mask` leaves out: it never comes");
    }
    return true;
}

static bool parse_frame_length(struct ns_parser *parser, struct ns_step *step, const char *what) {
    step->has_size = true;
    return ns_parser_take_number(parser, 1, NS_LIMIT_ACCESS_BYTES, &step->size, what);
}

bool ns_parse_feed(struct ns_parser *parser, struct ns_step *step) {
    if (!parse_frame_length(parser, step, "the length of a frame")) {
        return false;
    }
    const struct ns_ref frame = bytes(step->size);
    if (!ns_parser_value(parser, &frame, &step->value, "feed")) {
        return false;
    }
    step->goes_on = ns_parser_accept_word(parser, "goes-on");
    return true;
}

bool ns_parse_drain_stream(struct ns_parser *parser, struct ns_step *step) {
    return parse_frame_length(parser, step, "the length of a frame") &&
           (!ns_parser_accept(parser, NS_TOKEN_ARROW) || ns_parser_take_register(parser, step, step->size, false));
}
