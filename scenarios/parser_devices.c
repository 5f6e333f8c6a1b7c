/* SPDX-License-Identifier: Apache-2.0 */
/* Devices. */
#include "scenarios/parser.h"

#define ROWS(array) (sizeof(array) / sizeof((array)[0]))

static const struct ns_choice declared_choices[] = {{"coherent", 1}, {"non-coherent", 0}, {NULL, 0}};

struct device_line {
    struct ns_device device;
    bool has_declared;
    struct ns_place own_pool_place, registers_place;
    bool has_engine_option;
    struct ns_token irq[NS_LIMIT_DEVICE_IRQS];
};

static bool parse_irq(struct ns_parser *parser, void *target) {
    struct device_line *line = target;
    struct ns_token name;
    if (!ns_parser_take(parser, NS_TOKEN_WORD, &name, "`irq` needs a name: `irq irq1`")) {
        return false;
    }
    if (line->device.irq_count == NS_LIMIT_DEVICE_IRQS) {
        ns_parser_error(parser, ns_parser_place(parser, &name), "a device has at most %u interrupts",
                        NS_LIMIT_DEVICE_IRQS);
        ns_parser_spoil(parser, name.start, name.length);
        return true;
    }
    line->irq[line->device.irq_count++] = name;
    return true;
}

static bool parse_own_pool(struct ns_parser *parser, void *target) {
    struct device_line *line = target;
    struct ns_device *device = &line->device;
    line->own_pool_place = ns_parser_place(parser, ns_parser_token(parser));
    if (!ns_parser_accept_word(parser, "size")) {
        return ns_parser_unexpected(parser, "memory of a device is `coherent-pool size 64K at 0x8100_0000`");
    }
    if (!ns_parser_take_number(parser, NS_PAGE_SIZE, NS_LIMIT_POOL_BYTES, &device->own_pool_size, "`size`")) {
        return false;
    }
    if (!ns_parser_accept_word(parser, "at")) {
        return ns_parser_unexpected(parser, "memory of a device is `coherent-pool size 64K at 0x8100_0000`");
    }
    if (!ns_parser_take_number(parser, 0, (UINT64_C(1) << NS_PHYSICAL_BITS) - 1, &device->own_pool_start, "`at`")) {
        return false;
    }
    device->own_pool_historic = ns_parser_accept_word(parser, "historic");
    if (device->own_pool_size % NS_PAGE_SIZE != 0 || device->own_pool_start % NS_PAGE_SIZE != 0) {
        ns_parser_error(parser, line->own_pool_place, "memory of a device is whole pages of 4096 bytes");
    } else if (parser->machine_known &&
               !ns_parser_lies_in_ram(&parser->scenario->machine, device->own_pool_start, device->own_pool_size)) {
        ns_parser_error(parser, line->own_pool_place, "the machine has no RAM for %s bytes at this address",
                        ns_number(device->own_pool_size).text);
    }
    return true;
}

static bool parse_registers(struct ns_parser *parser, void *target) {
    struct device_line *line = target;
    line->has_engine_option = true;
    if (!ns_parser_accept_word(parser, "at")) {
        return ns_parser_unexpected(parser, "registers of an engine are `registers at 0x4040_0000`");
    }
    line->registers_place = ns_parser_place(parser, ns_parser_token(parser));
    if (!ns_parser_take_number(parser, NS_PAGE_SIZE, (UINT64_C(1) << 37) - NS_PAGE_SIZE, &line->device.registers,
                               "`registers at`")) {
        return false;
    }
    if (line->device.registers % NS_PAGE_SIZE != 0) {
        ns_parser_error(parser, line->registers_place, "registers begin at a multiple of 4096");
    } else if (parser->machine_known &&
               ns_parser_lies_in_ram(&parser->scenario->machine, line->device.registers, NS_PAGE_SIZE)) {
        ns_parser_error(parser, line->registers_place, "the machine has RAM at this address");
    }
    for (size_t i = 0; i < parser->scenario->device_count; i++) {
        if (parser->scenario->devices[i].registers == line->device.registers) {
            ns_parser_error(parser, line->registers_place, "the registers of `%s` lie there",
                            parser->scenario->devices[i].name);
        }
    }
    return true;
}

static bool parse_min_align_mask(struct ns_parser *parser, void *target) {
    struct device_line *line = target;
    struct ns_place place = ns_parser_place(parser, ns_parser_token(parser));
    uint64_t mask = 0;
    if (!ns_parser_take_number(parser, 0, NS_PAGE_SIZE - 1, &mask, "`min-align-mask`")) {
        return false;
    }
    if ((mask & (mask + 1)) != 0) {
        ns_parser_error(parser, place, "`min-align-mask` is a power of two minus 1, such as 4095");
    }
    line->device.min_align_mask = mask;
    return true;
}

#define DEVICE(member) NS_MEMBER(struct device_line, device.member)
#define ENGINE_OPTION  offsetof(struct device_line, has_engine_option)
#define PLAIN          false, NULL, NULL, NS_NO_OFFSET, NULL, false
static const struct ns_option device_options[] = {
    {"dma-bits", NS_OPTION_NUMBER, DEVICE(dma_bits), 16, 64, false, NULL, NULL, NS_NO_OFFSET, NULL, false},
    {"dma-mask", NS_OPTION_NUMBER, DEVICE(dma_mask_bits), 16, 64, false, NULL, NULL, NS_NO_OFFSET, NULL, false},
    {"irq", NS_OPTION_CUSTOM, 0, 0, 0, 0, false, NULL, NULL, NS_NO_OFFSET, parse_irq, true},
    {"snoops", NS_OPTION_CHOICE, DEVICE(snoops), 0, 0, false, NULL, ns_yes_no_choices, NS_NO_OFFSET, NULL, false},
    {"declared", NS_OPTION_CHOICE, DEVICE(declared_coherent), 0, 0, false, NULL, declared_choices,
     offsetof(struct device_line, has_declared), NULL, false},
    {"burst", NS_OPTION_NUMBER, DEVICE(burst), 4, 4096, true, NULL, NULL, NS_NO_OFFSET, NULL, false},
    {"outstanding", NS_OPTION_NUMBER, DEVICE(outstanding), 1, 16, false, NULL, NULL, NS_NO_OFFSET, NULL, false},
    {"posted", NS_OPTION_NUMBER, DEVICE(posted), 0, 64, false, NULL, NULL,
     offsetof(struct device_line, device.has_posted), NULL, false},
    {"coherent-mask", NS_OPTION_NUMBER, DEVICE(coherent_mask_bits), 16, 64, PLAIN},
    {"bus-limit", NS_OPTION_NUMBER, DEVICE(bus_limit), 1, UINT64_MAX, PLAIN},
    {"coherent-pool", NS_OPTION_CUSTOM, 0, 0, 0, 0, false, NULL, NULL, NS_NO_OFFSET, parse_own_pool, false},
    {"max-segment", NS_OPTION_NUMBER, DEVICE(max_segment), 1, UINT32_MAX, PLAIN},
    {"segment-boundary", NS_OPTION_NUMBER, DEVICE(segment_boundary), 4096, UINT64_C(1) << 32, true, NULL, NULL,
     NS_NO_OFFSET, NULL, false},
    {"min-align-mask", NS_OPTION_CUSTOM, 0, 0, 0, 0, false, NULL, NULL, NS_NO_OFFSET, parse_min_align_mask, false},
    {"untrusted", NS_OPTION_SET, DEVICE(untrusted), 1, 0, PLAIN},
    {"axi-dma", NS_OPTION_SET, DEVICE(is_engine), 1, 0, PLAIN},
    {"registers", NS_OPTION_CUSTOM, 0, 0, 0, 0, false, NULL, NULL, ENGINE_OPTION, parse_registers, false},
    {"sg", NS_OPTION_CHOICE, DEVICE(engine.scatter_gather), 0, 0, false, NULL, ns_yes_no_choices, ENGINE_OPTION, NULL,
     false},
    {"length-bits", NS_OPTION_NUMBER, DEVICE(engine.length_bits), NS_AXI_DMA_MIN_LENGTH_BITS,
     NS_AXI_DMA_MAX_LENGTH_BITS, false, NULL, NULL, ENGINE_OPTION, NULL, false},
    {"stream-width", NS_OPTION_NUMBER, DEVICE(engine.stream_bytes), 1, NS_AXI_DMA_MAX_STREAM_BYTES, true, NULL, NULL,
     ENGINE_OPTION, NULL, false},
    {"realignment", NS_OPTION_CHOICE, DEVICE(engine.realignment), 0, 0, false, NULL, ns_yes_no_choices, ENGINE_OPTION,
     NULL, false},
    {"prefetch", NS_OPTION_NUMBER, DEVICE(engine.prefetch), 1, NS_AXI_DMA_MAX_PREFETCH, false, NULL, NULL,
     ENGINE_OPTION, NULL, false},
};

static void declare_irqs(struct ns_parser *parser, struct device_line *line, uint32_t device) {
    struct ns_scenario *scenario = parser->scenario;
    size_t declared = 0;
    for (size_t i = 0; i < line->device.irq_count; i++) {
        const struct ns_token *name = &line->irq[i];
        uint32_t index = (uint32_t)scenario->irq_count;
        if (ns_parser_declare(parser, name, NS_NAME_IRQ, index) == NULL) {
            continue;
        }
        scenario->irqs[index] =
            (struct ns_irq){ns_parser_copy_name(parser, name), ns_parser_place(parser, name), device};
        scenario->irq_count++;
        line->device.irqs[declared++] = index;
    }
    line->device.irq_count = declared;
}

/* Interrupts that stand behind the place where a line stopped making sense. */
static void spoil_irqs(struct ns_parser *parser) {
    bool irq = false;
    for (; ns_parser_token(parser)->kind != NS_TOKEN_END; ns_parser_advance(parser)) {
        const struct ns_token *token = ns_parser_token(parser);
        if (irq && token->kind == NS_TOKEN_WORD) {
            ns_parser_spoil(parser, token->start, token->length);
        }
        irq = ns_token_is(token, "irq");
    }
}

bool ns_parser_device(struct ns_parser *parser, const struct ns_token *name) {
    struct ns_scenario *scenario = parser->scenario;
    struct device_line line = {
        .device = {.dma_bits = 32, .place = ns_parser_place(parser, name), .engine = ns_axi_dma_default_config()}};
    uint64_t seen = 0;
    uint32_t index = (uint32_t)scenario->device_count;
    bool understood = ns_parser_options(parser, device_options, ROWS(device_options), &line, &seen, "a device") &&
                      ns_parser_take_end(parser);
    if (understood && line.has_engine_option && !line.device.is_engine) {
        ns_parser_error(parser, line.device.place,
                        "`registers` and what follows it in the table of options needs `axi-dma`");
    }
    if (understood && line.device.is_engine && line.device.irq_count > NS_AXI_DMA_CHANNELS) {
        ns_parser_error(parser, line.device.place, "an AXI DMA engine has two interrupts: of MM2S, and of S2MM");
    }
    if (index == NS_LIMIT_DEVICES) {
        ns_parser_too_many(parser, name, "devices", NS_LIMIT_DEVICES);
    }
    if (!understood || parser->failed) {
        for (size_t i = 0; i < line.device.irq_count; i++) {
            ns_parser_spoil(parser, line.irq[i].start, line.irq[i].length);
        }
        spoil_irqs(parser);
        return false;
    }
    if (ns_parser_declare(parser, name, NS_NAME_DEVICE, index) == NULL) {
        for (size_t i = 0; i < line.device.irq_count; i++) {
            ns_parser_spoil(parser, line.irq[i].start, line.irq[i].length);
        }
        return false;
    }
    if (line.device.dma_mask_bits == 0) {
        line.device.dma_mask_bits = line.device.dma_bits;
    }
    if (line.device.coherent_mask_bits == 0) {
        line.device.coherent_mask_bits = line.device.dma_mask_bits;
    }
    if (!line.has_declared) {
        line.device.declared_coherent = line.device.snoops;
    }
    line.device.name = ns_parser_copy_name(parser, name);
    declare_irqs(parser, &line, index);
    scenario->devices[index] = line.device;
    scenario->device_count++;
    return true;
}
