/* SPDX-License-Identifier: Apache-2.0 */
/* Machine blocks and presets. A new parameter is a new row of `parameters`. */
#include "scenarios/machine_parser.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ROWS(array) (sizeof(array) / sizeof((array)[0]))
#define PLAIN       false, NULL, NULL, NS_NO_OFFSET, NULL, false

void ns_machine_copy_name(char *target, const struct ns_token *name) {
    memcpy(target, name->start, name->length);
    target[name->length] = '\0';
}

bool ns_parser_take_short_name(struct ns_parser *parser, struct ns_token *name, size_t longest, const char *sentence) {
    if (!ns_parser_take(parser, NS_TOKEN_WORD, name, sentence)) {
        return false;
    }
    if (name->length > longest) {
        ns_parser_error(parser, ns_parser_place(parser, name), "this name is longer than %u bytes", (unsigned)longest);
        return false;
    }
    return true;
}

bool ns_parser_take_word_then_number(struct ns_parser *parser, const char *word, uint64_t minimum, uint64_t maximum,
                                     uint64_t *value, const char *example) {
    if (!ns_parser_accept_word(parser, word)) {
        return ns_parser_unexpected(parser, "here stands `%s`, as in `%s`", word, example);
    }
    char what[24];
    snprintf(what, sizeof what, "`%s`", word);
    return ns_parser_take_number(parser, minimum, maximum, value, what);
}

/* ---- parameters with several parts ----------------------------------------------------------- */

static bool parse_maintenance(struct ns_parser *parser, void *target) {
    static const struct ns_choice kinds[] = {{"immediate", 0}, {"late", 1}, {NULL, 0}};
    struct ns_machine_builder *builder = target;
    uint64_t late = 0, lines = 0;
    if (!ns_parser_take_choice(parser, kinds, &late, "`maintenance`")) {
        return false;
    }
    if (late != 0) {
        if (!ns_parser_take_number(parser, 1, 64, &lines, "the number of late lines")) {
            return false;
        }
        if (!ns_parser_accept_word(parser, "lines")) {
            return ns_parser_unexpected(parser, "late maintenance is given in `lines`: `maintenance late 8 lines`");
        }
    }
    builder->block->config.cache.late_write_backs = (uint32_t)lines;
    return true;
}

static bool parse_maintenance_cost(struct ns_parser *parser, void *target) {
#define PART(member) NS_MEMBER(struct ns_machine_config, member)
    static const struct ns_option parts[] = {{"absent", NS_OPTION_NUMBER, PART(maintenance_absent_cycles), 0,
                                              NS_MOST_CYCLES, false, "cycles", NULL, NS_NO_OFFSET, NULL, false}};
#undef PART
    struct ns_machine_config *config = &((struct ns_machine_builder *)target)->block->config;
    uint64_t cycles = 0, seen = 0;
    if (!ns_parser_take_number(parser, 0, NS_MOST_CYCLES, &cycles, "`maintenance-cost`")) {
        return false;
    }
    if (!ns_parser_accept_word(parser, "cycles")) {
        return ns_parser_unexpected(
            parser, "`maintenance-cost` is given in `cycles`: `maintenance-cost 20 cycles absent 6 cycles`");
    }
    config->maintenance_line_cycles = (uint32_t)cycles;
    config->maintenance_absent_cycles = NS_CONFIG_AS_PRESENT;
    return ns_parser_options(parser, parts, ROWS(parts), config, &seen, "`maintenance-cost`");
}

static bool parse_attributes(struct ns_parser *parser, void *target) {
    static const struct ns_choice schemes[] = {{"svpbmt", NS_ATTRIBUTES_SVPBMT},
                                               {"thead-maee", NS_ATTRIBUTES_THEAD_MAEE},
                                               {"none", NS_ATTRIBUTES_NONE},
                                               {"mpu", NS_ATTRIBUTES_MPU},
                                               {NULL, 0}};
    struct ns_machine_builder *builder = target;
    uint64_t scheme = 0;
    builder->has_attributes = true;
    if (!ns_parser_take_choice(parser, schemes, &scheme, "`attributes`")) {
        return false;
    }
    builder->block->config.attributes = (enum ns_attribute_scheme)scheme;
    return true;
}

static bool parse_encoding(struct ns_parser *parser, void *target) {
    static const struct ns_choice encodings[] = {{"svpbmt", NS_ENCODE_SVPBMT},
                                                 {"thead-5.19", NS_ENCODE_THEAD_5_19},
                                                 {"thead-6.7", NS_ENCODE_THEAD_6_7_TYPO},
                                                 {"thead-6.8", NS_ENCODE_THEAD_6_8},
                                                 {"thead-vendor-5.10", NS_ENCODE_THEAD_VENDOR_5_10},
                                                 {"none", NS_ENCODE_NONE},
                                                 {NULL, 0}};
    struct ns_machine_builder *builder = target;
    uint64_t encoding = 0;
    builder->has_encoding = true;
    if (!ns_parser_take_choice(parser, encodings, &encoding, "`pte-encoding`")) {
        return false;
    }
    builder->block->config.pte_encoding = (enum ns_pte_encoding)encoding;
    return true;
}

static bool take_region(struct ns_parser *parser, const char *example, struct ns_pma_region *region) {
    uint64_t type = 0;
    if (!ns_parser_take_word_then_number(parser, "at", 0, NS_ADDRESS_END - 1, &region->start, example) ||
        !ns_parser_take_word_then_number(parser, "size", 1, NS_ADDRESS_END, &region->length, example) ||
        !ns_parser_take_choice(parser, ns_type_choices, &type, "the memory type")) {
        return false;
    }
    region->type = (enum ns_memory_type)type;
    return true;
}

static bool parse_pma(struct ns_parser *parser, void *target) {
    struct ns_machine_config *config = &((struct ns_machine_builder *)target)->block->config;
    struct ns_token word = *ns_parser_token(parser);
    struct ns_pma_region region = {0};
    if (!take_region(parser, "pma at 0x1000_0000 size 64K io", &region)) {
        return false;
    }
    if (config->pma_count == NS_CONFIG_MAX_PMAS) {
        ns_parser_error(parser, ns_parser_place(parser, &word), "a machine has at most %u `pma` regions",
                        NS_CONFIG_MAX_PMAS);
        return false;
    }
    /* The configuration keeps them in ascending order. */
    size_t position = config->pma_count++;
    for (; position > 0 && config->pma[position - 1].start > region.start; position--) {
        config->pma[position] = config->pma[position - 1];
    }
    config->pma[position] = region;
    return true;
}

/* Regions have numbers, in the order of their lines: where two overlap, the later one counts. */
static bool parse_mpu(struct ns_parser *parser, void *target) {
    struct ns_machine_config *config = &((struct ns_machine_builder *)target)->block->config;
    struct ns_token word = *ns_parser_token(parser);
    struct ns_pma_region region = {0};
    if (!take_region(parser, "mpu at 0x2000_0000 size 64K nc", &region)) {
        return false;
    }
    if (config->mpu_count == NS_MPU_MOST_REGIONS) {
        ns_parser_error(parser, ns_parser_place(parser, &word), "an MPU has at most %d regions", NS_MPU_MOST_REGIONS);
        return false;
    }
    if (region.start > UINT32_MAX || region.length > (UINT64_C(1) << 32) - region.start) {
        ns_parser_error(parser, ns_parser_place(parser, &word), "a region of an MPU lies below 4 GiB");
        return false;
    }
    if (!ns_mpu_is_region(region.start, region.length)) {
        ns_parser_error(parser, ns_parser_place(parser, &word),
                        "a region's size is a power of two from 4096 on, and its start a multiple of it");
        return false;
    }
    config->mpu[config->mpu_count++] = region;
    return true;
}

static bool take_queue(struct ns_parser *parser, const char *what, uint32_t *entries, enum ns_drain *drain,
                       uint64_t *after) {
    static const struct ns_choice drains[] = {
        {"lazy", NS_DRAIN_LAZY}, {"eager", NS_DRAIN_EAGER}, {"after", NS_DRAIN_AFTER}, {NULL, 0}};
    uint64_t count = 0, kind = NS_DRAIN_LAZY;
    if (!ns_parser_take_number(parser, 0, 64, &count, what)) {
        return false;
    }
    if (!ns_parser_accept_word(parser, "entries")) {
        return ns_parser_unexpected(parser, "%s is given in `entries`", what);
    }
    *entries = (uint32_t)count;
    *drain = NS_DRAIN_LAZY;
    *after = 0;
    if (ns_parser_token(parser)->kind == NS_TOKEN_END) {
        return true;
    }
    if (!ns_parser_take_choice(parser, drains, &kind, "when entries leave by themselves")) {
        return false;
    }
    *drain = (enum ns_drain)kind;
    return kind != NS_DRAIN_AFTER || ns_parser_take_time(parser, after, "`after`");
}

static bool parse_store_buffer(struct ns_parser *parser, void *target) {
    struct ns_machine_config *config = &((struct ns_machine_builder *)target)->block->config;
    return take_queue(parser, "`store-buffer`", &config->store_buffer_entries, &config->store_buffer_drain,
                      &config->store_buffer_drain_ps);
}

static bool parse_posted_writes(struct ns_parser *parser, void *target) {
    struct ns_machine_config *config = &((struct ns_machine_builder *)target)->block->config;
    return take_queue(parser, "`posted-writes`", &config->posted_entries, &config->posted_drain,
                      &config->posted_drain_ps);
}

static bool parse_may(struct ns_parser *parser, void *target) {
    static const struct ns_choice freedoms[] = {{"nothing", 0},
                                                {"speculative-fill", NS_MAY_SPECULATIVE_FILL},
                                                {"evict", NS_MAY_EVICT},
                                                {"drain", NS_MAY_DRAIN},
                                                {"late-maintenance", NS_MAY_LATE_MAINTENANCE},
                                                {"invalidate-as-flush", NS_MAY_INVALIDATE_AS_FLUSH},
                                                {"irq-before-data", NS_MAY_IRQ_BEFORE_DATA},
                                                {"speculative-store", NS_MAY_SPECULATIVE_STORE},
                                                {NULL, 0}};
    struct ns_machine_builder *builder = target;
    uint32_t may = 0;
    bool nothing = false;
    unsigned words = 0;
    do {
        struct ns_token word = *ns_parser_token(parser);
        uint64_t freedom = 0;
        if (!ns_parser_take_choice(parser, freedoms, &freedom, "what the hardware may do")) {
            return false;
        }
        words++;
        nothing = nothing || freedom == 0;
        may |= (uint32_t)freedom;
        if (nothing && words > 1) {
            ns_parser_error(parser, ns_parser_place(parser, &word), "`nothing` stands alone");
            return false;
        }
    } while (ns_parser_accept(parser, NS_TOKEN_COMMA));
    builder->block->config.may = may;
    return true;
}

static bool parse_prefetcher(struct ns_parser *parser, void *target) {
    enum { NONE, NEXT_LINE, STRIDE };
    static const struct ns_choice kinds[] = {{"none", NONE}, {"next-line", NEXT_LINE}, {"stride", STRIDE}, {NULL, 0}};
#define PART(member) NS_MEMBER(struct ns_stride_config, member)
    static const struct ns_option parts[] = {
        {"streams", NS_OPTION_NUMBER, PART(streams), 1, NS_PREFETCH_MOST_STREAMS, PLAIN},
        {"reach", NS_OPTION_NUMBER, PART(reach), 1, NS_PREFETCH_MOST_REACH, PLAIN},
        {"ahead", NS_OPTION_NUMBER, PART(ahead), 1, NS_PREFETCH_MOST_AHEAD, PLAIN},
    };
#undef PART
    struct ns_machine_config *config = &((struct ns_machine_builder *)target)->block->config;
    uint64_t kind = NONE, seen = 0;
    if (!ns_parser_take_choice(parser, kinds, &kind, "`prefetcher`")) {
        return false;
    }
    config->prefetch_next_line = kind == NEXT_LINE;
    config->stride = (struct ns_stride_config){0};
    if (kind != STRIDE) {
        return true;
    }
    /* As a C910 has them that U-Boot has started (model/prefetcher.h). */
    config->stride = (struct ns_stride_config){.streams = 8, .reach = 31, .ahead = 8};
    return ns_parser_options(parser, parts, ROWS(parts), &config->stride, &seen, "`prefetcher stride`");
}

static bool parse_ram(struct ns_parser *parser, void *target) {
    static const char example[] = "ram low at 0x8000_0000 size 256M";
    struct ns_machine_builder *builder = target;
    struct ns_machine_config *config = &builder->block->config;
    struct ns_ram ram = {.start = 0};
    struct ns_token name;
    if (!ns_parser_take_short_name(parser, &name, NS_CONFIG_NAME_BYTES - 1,
                                   "RAM needs a name: `ram low at 0x8000_0000 size 256M`") ||
        !ns_parser_take_word_then_number(parser, "at", 0, NS_ADDRESS_END - 1, &ram.start, example) ||
        !ns_parser_take_word_then_number(parser, "size", 1, NS_ADDRESS_END, &ram.length, example)) {
        return false;
    }
    ns_machine_copy_name(ram.name, &name);
    if (builder->fresh && !builder->has_ram) {
        config->ram_count = 0;
    }
    builder->has_ram = true;
    size_t index = 0;
    while (index < config->ram_count && strcmp(config->ram[index].name, ram.name) != 0) {
        index++;
    }
    if (index == NS_CONFIG_MAX_RAMS) {
        ns_parser_error(parser, ns_parser_place(parser, &name), "a machine has at most %u RAM regions",
                        NS_CONFIG_MAX_RAMS);
        return false;
    }
    config->ram[index] = ram;
    config->ram_count += index == config->ram_count;
    return true;
}

static bool parse_dma_window(struct ns_parser *parser, void *target) {
    static const char example[] = "dma-window bus 0 to 0x8000_0000 size 1G";
    struct ns_machine_block *block = ((struct ns_machine_builder *)target)->block;
    struct ns_machine_config *config = &block->config;
    struct ns_dma_window window = {.bus = 0};
    struct ns_token word = *ns_parser_token(parser), device = {.start = NULL};
    if (!ns_parser_take_word_then_number(parser, "bus", 0, UINT64_MAX, &window.bus, example) ||
        !ns_parser_take_word_then_number(parser, "to", 0, NS_ADDRESS_END - 1, &window.physical, example) ||
        !ns_parser_take_word_then_number(parser, "size", 1, NS_ADDRESS_END, &window.length, example)) {
        return false;
    }
    if (ns_parser_accept_word(parser, "for")) {
        if (!ns_parser_take_short_name(parser, &device, NS_CONFIG_NAME_BYTES - 1, "`for` names a device")) {
            return false;
        }
        ns_machine_copy_name(window.device, &device);
        word = device;
    }
    if (config->window_count == NS_CONFIG_MAX_WINDOWS) {
        ns_parser_error(parser, ns_parser_place(parser, &word), "a machine has at most %u `dma-window` lines",
                        NS_CONFIG_MAX_WINDOWS);
        return false;
    }
    block->window_place[config->window_count] = ns_parser_place(parser, &word);
    config->window[config->window_count++] = window;
    return true;
}

/* ---- the table ------------------------------------------------------------------------------- */

static const struct ns_choice inclusions[] = {{"neither", NS_INCLUSION_NEITHER},
                                              {"inclusive", NS_INCLUSION_INCLUSIVE},
                                              {"exclusive", NS_INCLUSION_EXCLUSIVE},
                                              {NULL, 0}};
static const struct ns_choice fills[] = {
    {"atomic", NS_FILL_ATOMIC}, {"ordered", NS_FILL_ORDERED}, {"escaping", NS_FILL_ESCAPING}, {NULL, 0}};
static const struct ns_choice invalidates[] = {{"drops", 0}, {"flushes", 1}, {NULL, 0}};
static const struct ns_choice roundings[] = {{"outward", NS_ROUND_OUTWARD}, {"inward", NS_ROUND_INWARD}, {NULL, 0}};
static const struct ns_choice edges[] = {
    {"same", NS_EDGE_SAME}, {"flush", NS_EDGE_FLUSH}, {"skip", NS_EDGE_SKIP}, {NULL, 0}};
static const struct ns_choice reaches[] = {{"all-harts", NS_REACH_ALL_HARTS}, {"local", NS_REACH_LOCAL}, {NULL, 0}};
static const struct ns_choice load_misses[] = {{"wait", 0}, {"pass", 1}, {NULL, 0}};
static const struct ns_choice linear_maps[] = {{"large", 0}, {"small", 1}, {NULL, 0}};
static const struct ns_choice frames[] = {{"in-order", 0}, {"scattered", 1}, {NULL, 0}};
static const struct ns_choice backgrounds[] = {{"yes", 0}, {"no", 1}, {NULL, 0}};
static const struct ns_choice platforms[] = {{"textbook", NS_DMA_OPS_TEXTBOOK},
                                             {"riscv-6.0", NS_DMA_OPS_RISCV_6_0},
                                             {"riscv-6.6", NS_DMA_OPS_RISCV_6_6},
                                             {"arm64-5.10", NS_DMA_OPS_ARM64_5_10},
                                             {"arm64-5.19", NS_DMA_OPS_ARM64_5_19},
                                             {"thead-5.10", NS_DMA_OPS_THEAD_5_10},
                                             {"thead-6.0", NS_DMA_OPS_THEAD_6_0},
                                             {"arm-v7-5.10", NS_DMA_OPS_ARM_V7_5_10},
                                             {"arm-v7-reversed", NS_DMA_OPS_ARM_V7_REVERSED},
                                             {NULL, 0}};

/* Offsets are within the configuration; the target of custom rows is the builder. */
#define CONFIG(member) NS_MEMBER(struct ns_machine_config, member)
#define NUMBER(member, low, high, unit)                                                                                \
    NS_OPTION_NUMBER, CONFIG(member), low, high, false, unit, NULL, NS_NO_OFFSET, NULL, false
#define POWER(member, low, high, unit)                                                                                 \
    NS_OPTION_NUMBER, CONFIG(member), low, high, true, unit, NULL, NS_NO_OFFSET, NULL, false
#define CHOICE(member, choices) NS_OPTION_CHOICE, CONFIG(member), 0, 0, false, NULL, choices, NS_NO_OFFSET, NULL, false
#define CLOCK(member)           NS_OPTION_CLOCK, CONFIG(member), 0, 0, PLAIN
#define TIME(member)            NS_OPTION_TIME, CONFIG(member), 0, 0, PLAIN
#define CUSTOM(parse)           NS_OPTION_CUSTOM, 0, 0, 0, 0, false, NULL, NULL, NS_NO_OFFSET, parse, false
#define REPEATABLE(parse)       NS_OPTION_CUSTOM, 0, 0, 0, 0, false, NULL, NULL, NS_NO_OFFSET, parse, true
static const struct ns_option parameters[] = {
    {"harts", NUMBER(cache.harts, 1, NS_CACHE_MAX_HARTS, NULL)},
    {"clock", CLOCK(hart_clock_ps)},
    {"cache", REPEATABLE(ns_parse_machine_cache)},
    {"no-caches-below", REPEATABLE(ns_parse_machine_no_caches_below)},
    {"inclusion", CHOICE(cache.inclusion, inclusions)},
    {"fill", CHOICE(cache.fill, fills)},
    {"invalidate", CHOICE(cache.invalidate_as_flush, invalidates)},
    {"rounding", CHOICE(cache.range.rounding, roundings)},
    {"edge-lines", CHOICE(cache.range.edge, edges)},
    {"maintenance", CUSTOM(parse_maintenance)},
    {"maintenance-reach", CHOICE(cache.reach, reaches)},
    {"maintenance-cost", CUSTOM(parse_maintenance_cost)},
    {"attributes", CUSTOM(parse_attributes)},
    {"pte-encoding", CUSTOM(parse_encoding)},
    {"tlb", NUMBER(tlb_entries, 1, NS_TLB_MAX_ENTRIES, "entries")},
    {"second-tlb", CUSTOM(ns_parse_machine_second_tlb)},
    {"linear-map", CHOICE(small_pages, linear_maps)},
    {"page-frames", CHOICE(cache.scattered_frames, frames)},
    {"pma", REPEATABLE(parse_pma)},
    {"mpu", REPEATABLE(parse_mpu)},
    {"mpu-background", CHOICE(mpu_no_background, backgrounds)},
    {"store-buffer", CUSTOM(parse_store_buffer)},
    {"posted-writes", CUSTOM(parse_posted_writes)},
    {"prefetcher", CUSTOM(parse_prefetcher)},
    {"may", CUSTOM(parse_may)},
    {"dma-ops", CHOICE(dma_operations, platforms)},
    {"ram", REPEATABLE(parse_ram)},
    {"dma-window", REPEATABLE(parse_dma_window)},
    {"zone-dma-limit", NUMBER(zone_dma_limit, 4096, NS_ADDRESS_END, NULL)},
    {"kernel", CHOICE(kernel.version, ns_kernel_choices)},
    {"zone-dma", CHOICE(kernel.zone_dma, ns_yes_no_choices)},
    {"dma-direct", CHOICE(kernel.uncached, ns_uncached_choices)},
    {"prep-coherent", CHOICE(kernel.prepare, ns_prepare_choices)},
    {"pgprot", CHOICE(kernel.pgprot, ns_pgprot_choices)},
    {"address-test", CHOICE(kernel.address_test, ns_address_test_choices)},
    {"free-checks", CHOICE(kernel.kernel_checks, ns_free_check_choices)},
    {"dma-address-bits", POWER(kernel.dma_address_bits, 32, 64, NULL)},
    {"cma", REPEATABLE(ns_parse_machine_cma)},
    {"atomic-pool", CUSTOM(ns_parse_machine_atomic_pool)},
    {"global-pool", CUSTOM(ns_parse_machine_global_pool)},
    {"swiotlb", CUSTOM(ns_parse_machine_swiotlb)},
    {"dma-debug", CUSTOM(ns_parse_machine_dma_debug)},
    {"bus-width", POWER(bus_width, 1, 64, "bytes")},
    {"bus-clock", CLOCK(bus_clock_ps)},
    {"bus-latency", TIME(bus_latency_ps)},
    {"memory-latency", TIME(memory_latency_ps)},
    {"dram", CUSTOM(ns_parse_machine_dram)},
    {"outstanding-loads", NUMBER(outstanding_loads, 1, NS_CONFIG_MAX_LINES, NULL)},
    {"load-misses", CHOICE(loads_pass, load_misses)},
    {"store-misses", CUSTOM(ns_parse_machine_store_misses)},
    {"write-back-buffer", NUMBER(write_back_buffer, 0, NS_CONFIG_MAX_LINES, "entries")},
    {"snoop-latency", TIME(snoop_latency_ps)},
    {"interrupt-latency", TIME(interrupt_latency_ps)},
    {"register-latency", TIME(register_latency_ps)},
    {"dma-burst", POWER(dma_burst, 4, 4096, "bytes")},
    {"dma-outstanding", NUMBER(dma_outstanding, 1, 16, "bursts")},
};

static bool is_custom(const struct ns_token *word) {
    for (size_t i = 0; i < ROWS(parameters); i++) {
        if (ns_token_is(word, parameters[i].word)) {
            return parameters[i].kind == NS_OPTION_CUSTOM;
        }
    }
    return false;
}

/* Software that does not say otherwise writes the bits that its core understands. */
static void choose_encoding(struct ns_machine_builder *builder) {
    static const enum ns_pte_encoding natural[] = {[NS_ATTRIBUTES_SVPBMT] = NS_ENCODE_SVPBMT,
                                                   [NS_ATTRIBUTES_THEAD_MAEE] = NS_ENCODE_THEAD_6_8,
                                                   [NS_ATTRIBUTES_NONE] = NS_ENCODE_NONE,
                                                   [NS_ATTRIBUTES_MPU] = NS_ENCODE_NONE};
    struct ns_machine_config *config = &builder->block->config;
    if (builder->has_attributes && !builder->has_encoding) {
        config->pte_encoding = natural[config->attributes];
    }
}

/* ---- blocks ---------------------------------------------------------------------------------- */

/* The first line: machine "NAME" [from "NAME"]. */
static bool parse_first_line(struct ns_parser *parser, struct ns_machine_builder *builder) {
    struct ns_machine_block *block = builder->block;
    struct ns_token name, from;
    block->name = ""; /* of a block whose line is bad */
    ns_parser_advance(parser);
    if (!ns_parser_take_string(parser, &name, "the name of a machine stands in quotes: `machine \"NAME\"`")) {
        return false;
    }
    block->place = ns_parser_place_from(parser, name.start - 1, name.start + name.length + 1);
    block->name = name.start;
    block->length = name.length;
    if (name.length == 0 || name.length >= NS_CONFIG_NAME_BYTES) {
        ns_parser_error(parser, block->place, "the name of a machine has 1 to %u bytes", NS_CONFIG_NAME_BYTES - 1);
        return false;
    }
    for (size_t i = 0; i < parser->block_count; i++) {
        const struct ns_machine_block *other = &parser->blocks[i];
        if (other->length == name.length && memcmp(other->name, name.start, name.length) == 0) {
            ns_parser_error(parser, block->place, "this file already has a machine of this name, on line %u",
                            (unsigned)other->line);
        }
    }
    if (ns_parser_accept_word(parser, "from")) {
        const struct ns_machine_block *found;
        builder->fresh = false;
        if (!ns_parser_take_string(parser, &from, "behind `from` stands the name of a machine in quotes")) {
            return false;
        }
        struct ns_place place = ns_parser_place_from(parser, from.start - 1, from.start + from.length + 1);
        if (!ns_parser_find_machine(parser, from.start, from.length, place, &block->config, &found)) {
            block->bad = true;
        } else if (found != NULL) {
            memcpy(block->window_place, found->window_place, sizeof block->window_place);
            memcpy(block->cma_place, found->cma_place, sizeof block->cma_place);
        }
    }
    ns_machine_copy_name(block->config.name, &name);
    return ns_parser_take_end(parser);
}

/* Returns the first line behind the block. */
static size_t parse_block(struct ns_parser *parser, size_t line, struct ns_machine_block *block) {
    struct ns_machine_builder builder = {.block = block, .fresh = true};
    uint64_t seen = 0;
    block->line = (uint32_t)line + 1;
    ns_machine_config_default(&block->config);
    ns_parser_open_line(parser, line);
    block->bad = !parse_first_line(parser, &builder) || parser->failed || block->bad;
    for (line++; line < parser->line_count; line++) {
        enum ns_line_class class = (enum ns_line_class)parser->classes[line].class;
        if (class == NS_LINE_NOTHING) {
            continue;
        }
        if (class != NS_LINE_PARAMETER) {
            break;
        }
        ns_parser_open_line(parser, line);
        void *target = is_custom(ns_parser_token(parser)) ? (void *)&builder : (void *)&block->config;
        bool understood = ns_parser_option(parser, parameters, ROWS(parameters), target, &seen, "a machine") &&
                          ns_parser_take_end(parser);
        block->bad = block->bad || !understood || parser->failed;
    }
    choose_encoding(&builder);
    char reason[256] = "";
    if (!block->bad && ns_machine_config_check(&block->config, reason, sizeof reason) != NS_OK) {
        parser->muted = false;
        ns_parser_error(parser, block->place, "%s", reason);
        block->bad = true;
    }
    return line;
}

void ns_parser_machine_blocks(struct ns_parser *parser) {
    for (size_t i = 0; i < parser->line_count;) {
        if (parser->classes[i].class != NS_LINE_MACHINE) {
            i++;
            continue;
        }
        if (parser->block_count == NS_LIMIT_MACHINES) {
            ns_parser_open_line(parser, i);
            ns_parser_error(parser, ns_parser_place(parser, ns_parser_token(parser)),
                            "a file has at most %u machine blocks", NS_LIMIT_MACHINES);
            return;
        }
        i = parse_block(parser, i, &parser->blocks[parser->block_count]);
        parser->block_count++;
    }
}
