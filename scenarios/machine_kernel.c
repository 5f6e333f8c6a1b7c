/* SPDX-License-Identifier: Apache-2.0 */
/* What a machine block says about its kernel: where DMA memory comes from, and what is checked. */
#include "scenarios/machine_parser.h"

#include <string.h>

#define ROWS(array)   (sizeof(array) / sizeof((array)[0]))
#define PAGES_UP_TO   NS_CONFIG_MAX_KERNEL_BYTES
#define NO_OPTION     NS_NO_OFFSET, NULL, false
#define PLAIN         false, NULL, NULL, NO_OPTION
#define CHOSEN(words) 0, 0, false, NULL, words, NO_OPTION

const struct ns_choice ns_kernel_choices[] = {{"linux-5.10", NS_CONFIG_KERNEL_5_10},
                                              {"linux-6.17", NS_CONFIG_KERNEL_6_17},
                                              {"linux-7", NS_CONFIG_KERNEL_7},
                                              {NULL, 0}};
const struct ns_choice ns_uncached_choices[] = {{"remap", NS_CONFIG_UNCACHED_REMAP},
                                                {"set-uncached", NS_CONFIG_UNCACHED_SET},
                                                {"none", NS_CONFIG_UNCACHED_NONE},
                                                {NULL, 0}};
const struct ns_choice ns_prepare_choices[] = {{"flush", NS_CONFIG_PREPARE_FLUSH},
                                               {"memset-flush", NS_CONFIG_PREPARE_MEMSET_FLUSH},
                                               {"not-ready", NS_CONFIG_PREPARE_NOT_READY},
                                               {"none", NS_CONFIG_PREPARE_NONE},
                                               {NULL, 0}};
const struct ns_choice ns_pgprot_choices[] = {{"riscv-6.18", NS_CONFIG_PGPROT_RISCV_6_18},
                                              {"riscv-5.19", NS_CONFIG_PGPROT_RISCV_5_19},
                                              {"riscv-5.10", NS_CONFIG_PGPROT_RISCV_5_10},
                                              {"thead-5.10", NS_CONFIG_PGPROT_THEAD_5_10},
                                              {"arm64", NS_CONFIG_PGPROT_ARM64},
                                              {"arm", NS_CONFIG_PGPROT_ARM},
                                              {"arm-strong", NS_CONFIG_PGPROT_ARM_STRONG},
                                              {"mips", NS_CONFIG_PGPROT_MIPS},
                                              {"x86", NS_CONFIG_PGPROT_X86},
                                              {NULL, 0}};
const struct ns_choice ns_address_test_choices[] = {
    {"last-byte", NS_CONFIG_TEST_LAST_BYTE}, {"first-byte", NS_CONFIG_TEST_FIRST_BYTE},
    {"past-end", NS_CONFIG_TEST_PAST_END},   {"ignore-bus-limit", NS_CONFIG_TEST_IGNORE_BUS_LIMIT},
    {"physical", NS_CONFIG_TEST_PHYSICAL},   {NULL, 0}};
const struct ns_choice ns_free_check_choices[] = {{"strict", 0}, {"kernel", 1}, {NULL, 0}};

static struct ns_kernel_config *kernel_of(void *target) {
    return &((struct ns_machine_builder *)target)->block->config.kernel;
}

/* ---- contiguous memory ----------------------------------------------------------------------- */

struct cma_line {
    struct ns_config_cma cma;
    struct ns_place device_place;
};

static bool parse_cma_device(struct ns_parser *parser, void *target) {
    struct cma_line *line = target;
    struct ns_token name;
    if (!ns_parser_take_short_name(parser, &name, NS_CONFIG_KERNEL_NAME_BYTES - 1, "`for` names a device")) {
        return false;
    }
    line->device_place = ns_parser_place(parser, &name);
    ns_machine_copy_name(line->cma.device, &name);
    return true;
}

bool ns_parse_machine_cma(struct ns_parser *parser, void *target) {
    static const struct ns_choice sources[] = {{"device-tree", NS_CONFIG_CMA_DEVICE_TREE},
                                               {"command-line", NS_CONFIG_CMA_COMMAND_LINE},
                                               {"built-in", NS_CONFIG_CMA_BUILT_IN},
                                               {NULL, 0}};
#define CMA(member) NS_MEMBER(struct cma_line, cma.member)
    static const struct ns_option options[] = {
        {"size", NS_OPTION_NUMBER, CMA(size), 0, PAGES_UP_TO, PLAIN},
        {"at", NS_OPTION_NUMBER, CMA(address), 0, NS_ADDRESS_END - 1, false, NULL, NULL,
         offsetof(struct cma_line, cma.has_address), NULL, false},
        {"from", NS_OPTION_CHOICE, CMA(source), CHOSEN(sources)},
        {"for", NS_OPTION_CUSTOM, 0, 0, 0, 0, false, NULL, NULL, NS_NO_OFFSET, parse_cma_device, false},
    };
    struct ns_machine_block *block = ((struct ns_machine_builder *)target)->block;
    struct ns_kernel_config *kernel = &block->config.kernel;
    struct cma_line line = {.cma = {.source = NS_CONFIG_CMA_BUILT_IN}};
    struct ns_place place = ns_parser_place(parser, ns_parser_token(parser));
    uint64_t seen = 0;
    if (!ns_parser_options(parser, options, ROWS(options), &line, &seen, "`cma`")) {
        return false;
    }
    if ((seen & 1u) == 0) {
        ns_parser_error(parser, place, "`cma` needs `size`, as in `cma size 16M`");
    }
    if (line.cma.device[0] != '\0' && (seen & 4u) == 0) {
        line.cma.source = NS_CONFIG_CMA_DEVICE_TREE;
    }
    if (parser->failed) {
        return false;
    }
    /* A later line from the same place is the one that counts, as for `ram`. */
    size_t index = 0;
    while (index < kernel->cma_count &&
           (kernel->cma[index].source != line.cma.source || strcmp(kernel->cma[index].device, line.cma.device) != 0)) {
        index++;
    }
    if (index == NS_CONFIG_MAX_KERNEL_CMA) {
        ns_parser_error(parser, place, "a machine has at most %u `cma` areas", NS_CONFIG_MAX_KERNEL_CMA);
        return false;
    }
    block->cma_place[index] = line.device_place;
    kernel->cma[index] = line.cma;
    kernel->cma_count += index == kernel->cma_count;
    return true;
}

/* ---- pools ----------------------------------------------------------------------------------- */

bool ns_parse_machine_atomic_pool(struct ns_parser *parser, void *target) {
    struct ns_kernel_config *kernel = kernel_of(target);
    if (!ns_parser_take_word_then_number(parser, "size", 0, PAGES_UP_TO, &kernel->atomic_pool_size,
                                         "atomic-pool size 128K")) {
        return false;
    }
    kernel->atomic_pool_repaired = ns_parser_accept_word(parser, "repaired");
    return true;
}

bool ns_parse_machine_global_pool(struct ns_parser *parser, void *target) {
    static const char example[] = "global-pool size 1M at 0x8100_0000";
    struct ns_kernel_config *kernel = kernel_of(target);
    return ns_parser_take_word_then_number(parser, "size", NS_PAGE_SIZE, PAGES_UP_TO, &kernel->global_pool_size,
                                           example) &&
           ns_parser_take_word_then_number(parser, "at", 0, NS_ADDRESS_END - 1, &kernel->global_pool_start, example);
}

/* ---- bounce buffers -------------------------------------------------------------------------- */

bool ns_parse_machine_swiotlb(struct ns_parser *parser, void *target) {
    static const struct ns_choice versions[] = {{"linux-5.10", NS_CONFIG_SWIOTLB_5_10},
                                                {"linux-5.17-rc6", NS_CONFIG_SWIOTLB_5_17RC6},
                                                {"linux-5.17-rc8", NS_CONFIG_SWIOTLB_5_17RC8},
                                                {"linux-5.18", NS_CONFIG_SWIOTLB_5_18},
                                                {NULL, 0}};
    static const struct ns_choice offsets[] = {{"linux-5.10", NS_CONFIG_OFFSETS_5_10},
                                               {"linux-5.12", NS_CONFIG_OFFSETS_5_12},
                                               {"linux-5.15", NS_CONFIG_OFFSETS_5_15},
                                               {"linux-6.9", NS_CONFIG_OFFSETS_6_9},
                                               {NULL, 0}};
#define KERNEL(member) NS_MEMBER(struct ns_kernel_config, member)
    static const struct ns_option options[] = {
        {"slots", NS_OPTION_NUMBER, KERNEL(swiotlb_slots), 1, NS_CONFIG_MAX_KERNEL_SLOTS, PLAIN},
        {"version", NS_OPTION_CHOICE, KERNEL(swiotlb_version), CHOSEN(versions)},
        {"offsets", NS_OPTION_CHOICE, KERNEL(swiotlb_offsets), CHOSEN(offsets)},
        {"force", NS_OPTION_SET, KERNEL(swiotlb_force), 1, 0, PLAIN},
    };
    struct ns_place place = ns_parser_place(parser, ns_parser_token(parser));
    uint64_t seen = 0;
    if (!ns_parser_options(parser, options, ROWS(options), kernel_of(target), &seen, "`swiotlb`")) {
        return false;
    }
    if ((seen & 1u) == 0 && kernel_of(target)->swiotlb_slots == 0) {
        ns_parser_error(parser, place, "`swiotlb` needs `slots`, as in `swiotlb slots 128`");
    }
    return true;
}

/* ---- checks ---------------------------------------------------------------------------------- */

bool ns_parse_machine_dma_debug(struct ns_parser *parser, void *target) {
    static const struct ns_choice versions[] = {
        {"off", NS_CONFIG_DEBUG_OFF}, {"linux-5.10", NS_CONFIG_DEBUG_5_10}, {"linux-7", NS_CONFIG_DEBUG_7}, {NULL, 0}};
    struct ns_kernel_config *kernel = kernel_of(target);
    uint64_t version = NS_CONFIG_DEBUG_OFF;
    if (!ns_parser_take_choice(parser, versions, &version, "`dma-debug`")) {
        return false;
    }
    kernel->dma_debug = (enum ns_config_dma_debug)version;
    kernel->dma_debug_all = version != NS_CONFIG_DEBUG_OFF && ns_parser_accept_word(parser, "all");
    return true;
}
