/* SPDX-License-Identifier: Apache-2.0 */
#include "pool/cma_reserve.h"

#include "pool/say.h"

/* ---- cma= ------------------------------------------------------------------------------------ */

static uint64_t saturated_sum(uint64_t a, uint64_t b) {
    return a > UINT64_MAX - b ? UINT64_MAX : a + b;
}

/* The value of a digit; 36 for anything else. */
static unsigned digit_of(char letter) {
    if (letter >= '0' && letter <= '9')
        return (unsigned)(letter - '0');
    if (letter >= 'a' && letter <= 'z')
        return (unsigned)(letter - 'a') + 10;
    if (letter >= 'A' && letter <= 'Z')
        return (unsigned)(letter - 'A') + 10;
    return 36;
}

/* By how many bits a suffix shifts; 0 for anything else. */
static unsigned shift_of(char suffix) {
    switch (suffix) {
    case 'K':
    case 'k':
        return 10;
    case 'M':
    case 'm':
        return 20;
    case 'G':
    case 'g':
        return 30;
    case 'T':
    case 't':
        return 40;
    case 'P':
    case 'p':
        return 50;
    case 'E':
    case 'e':
        return 60;
    default:
        return 0;
    }
}

/* simple_strtoull with base 0: "0x" needs a hexadecimal digit behind it, else the 0 is the number. */
static uint64_t parse_number(const char **text) {
    const char *at = *text;
    unsigned base = 10;
    if (at[0] == '0') {
        base = 8;
        if ((at[1] == 'x' || at[1] == 'X') && digit_of(at[2]) < 16) {
            base = 16;
            at += 2;
        }
    }
    uint64_t value = 0;
    for (; digit_of(*at) < base; at++) {
        const unsigned digit = digit_of(*at);
        value = value > (UINT64_MAX - digit) / base ? UINT64_MAX : value * base + digit;
    }
    *text = at;
    return value;
}

/* memparse. */
static uint64_t parse_size(const char **text) {
    const uint64_t value = parse_number(text);
    const unsigned shift = shift_of(**text);
    if (shift == 0)
        return value;
    ++*text;
    return value > UINT64_MAX >> shift ? UINT64_MAX : value << shift;
}

enum ns_pool_status ns_cma_parse_command_line(const char *text, struct ns_cma_command_line *parsed) {
    if (!text)
        return NS_POOL_ERROR_ARGUMENT;
    struct ns_cma_command_line result = {0};
    result.size = parse_size(&text);
    if (*text == '@') {
        text++;
        result.base = parse_size(&text);
        result.limit = saturated_sum(result.base, result.size);
        if (*text == '-') {
            text++;
            result.limit = parse_size(&text);
        }
    }
    result.fixed = saturated_sum(result.base, result.size) == result.limit;
    *parsed = result;
    return NS_POOL_OK;
}

/* ---- the decision ---------------------------------------------------------------------------- */

/* A decision in the making. `memory` has a longer list of reserved regions, which grows with each area. */
struct plan {
    const struct ns_port *port;
    const struct ns_cma_reserve_config *config;
    uint64_t minimum_alignment;
    struct ns_cma_memory memory;
    struct ns_frame_region *reserved;
    struct ns_cma_reservation *reservations;
    size_t count;
    bool has_command_line;
    struct ns_cma_command_line command_line;
};

static void decide(const struct plan *plan, const char *text, uint64_t first, uint64_t second) {
    ns_say(plan->port, NS_SAY_DECISION, "dma_contiguous_reserve", text, first, second);
}

/* Declares one area and keeps its memory from the next ones. */
static bool add_area(struct plan *plan, const struct ns_cma_request *wish, enum ns_cma_source source, size_t node,
                     bool is_default) {
    struct ns_frame_region area = {0, 0};
    if (ns_cma_declare(plan->port, &plan->memory, wish, &area) != NS_POOL_OK)
        return false;
    plan->reserved[plan->memory.reserved_count++] = area;
    plan->memory.areas++;
    struct ns_cma_reservation *made = &plan->reservations[plan->count++];
    *made = (struct ns_cma_reservation){.source = source, .node = node, .is_default = is_default};
    made->request = (struct ns_cma_request){.base = area.base,
                                            .size = area.length,
                                            .minimum_alignment = plan->minimum_alignment,
                                            .order_per_bit = 0,
                                            .fixed = true};
    return true;
}

static bool has_default(const struct plan *plan) {
    for (size_t i = 0; i < plan->count; i++)
        if (plan->reservations[i].is_default)
            return true;
    return false;
}

/* ---- device tree ----------------------------------------------------------------------------- */

/* rmem_cma_setup's checks, in its order. */
static bool node_is_wanted(const struct plan *plan, size_t index) {
    const struct ns_cma_node *node = &plan->config->nodes[index];
    const uint64_t mask = plan->minimum_alignment - 1;
    if (plan->has_command_line && node->is_default) {
        ns_say(plan->port, NS_SAY_INFO, "rmem_cma_setup", "bypass node {d}, using cmdline CMA params instead", index,
               0);
        decide(plan, "node {d} is not used: the command line has cma=", index, 0);
        return false;
    }
    if (!node->reusable || node->no_map) {
        decide(plan, "node {d} is no CMA area: it is not reusable, or no-map", index, 0);
        return false;
    }
    if (node->size == 0 || (node->size & mask) != 0 || (node->has_reg && (node->base & mask) != 0)) {
        ns_say(plan->port, NS_SAY_WARN, "rmem_cma_setup", "incorrect alignment of CMA region {d}, size {x}", index,
               node->size);
        return false;
    }
    if (node->has_reg && node->base == 0) {
        ns_say(plan->port, NS_SAY_WARN, "rmem_cma_setup", "node {d} begins at address 0", index, 0);
        return false;
    }
    return true;
}

static void add_node(struct plan *plan, size_t index) {
    if (!node_is_wanted(plan, index))
        return;
    const struct ns_cma_node *node = &plan->config->nodes[index];
    struct ns_cma_request wish = {.size = node->size, .minimum_alignment = plan->minimum_alignment};
    if (node->has_reg) {
        wish.base = node->base;
        wish.fixed = true;
    } else {
        wish.base = node->lowest;
        wish.limit = node->limit;
        wish.alignment = node->alignment;
    }
    if (!add_area(plan, &wish, NS_CMA_FROM_NODE, index, false)) {
        decide(plan, "node {d} gives no area: its memory cannot be reserved", index, 0);
        return;
    }
    struct ns_cma_reservation *made = &plan->reservations[plan->count - 1];
    if (!node->is_default) {
        decide(plan, "node {d} is an area for the devices that name it, at {x}", index, made->request.base);
        return;
    }
    for (size_t i = 0; i < plan->count; i++) /* dma_contiguous_set_default: the last one stays */
        plan->reservations[i].is_default = false;
    made->is_default = true;
    decide(plan, "node {d} is the default area, at {x}: it has linux,cma-default", index, made->request.base);
}

/* ---- the default area ------------------------------------------------------------------------ */

static uint64_t percentage_of_ram(const struct plan *plan) {
    uint64_t pages = 0;
    for (size_t i = 0; i < plan->memory.ram_count; i++)
        pages += plan->memory.ram[i].length / NS_FRAME_SIZE;
    const uint64_t percentage = plan->config->built_in.percentage;
    /* pages * percentage / 100 without an overflow on the way */
    return (pages / 100 * percentage + pages % 100 * percentage / 100) * NS_FRAME_SIZE;
}

static uint64_t built_in_size(const struct plan *plan) {
    const uint64_t bytes = plan->config->built_in.mbytes << 20;
    const uint64_t share = percentage_of_ram(plan);
    switch (plan->config->built_in.selector) {
    case NS_CMA_SELECT_PERCENTAGE:
        return share;
    case NS_CMA_SELECT_MIN:
        return bytes < share ? bytes : share;
    case NS_CMA_SELECT_MAX:
        return bytes > share ? bytes : share;
    case NS_CMA_SELECT_MBYTES:
        break;
    }
    return bytes;
}

/* dma_contiguous_reserve. */
static void add_default(struct plan *plan) {
    struct ns_cma_request wish = {.minimum_alignment = plan->minimum_alignment, .limit = plan->config->limit};
    enum ns_cma_source source = NS_CMA_FROM_BUILT_IN;
    if (plan->has_command_line) {
        const struct ns_cma_command_line *line = &plan->command_line;
        source = NS_CMA_FROM_COMMAND_LINE;
        wish.size = line->size;
        wish.base = line->base;
        wish.fixed = line->fixed;
        if (wish.limit == 0 || (line->limit != 0 && line->limit < wish.limit))
            wish.limit = line->limit;
        decide(plan, "the command line asks for {x} bytes at {x}", wish.size, wish.base);
    } else if (has_default(plan)) {
        decide(plan, "the built-in size is not used: a node is the default area", 0, 0);
        return;
    } else {
        wish.size = built_in_size(plan);
        decide(plan, "neither cma= nor linux,cma-default: the built-in size is {x} bytes", wish.size, 0);
    }
    if (wish.size == 0) {
        decide(plan, "no default area: its size is 0", 0, 0);
        return;
    }
    if (add_area(plan, &wish, source, 0, true))
        decide(plan, "the default area is at {x}, size {x}", plan->reservations[plan->count - 1].request.base,
               plan->reservations[plan->count - 1].request.size);
    else
        decide(plan, "no default area: {x} bytes cannot be reserved", wish.size, 0);
}

static bool valid(const struct ns_cma_reserve_config *config, uint64_t minimum_alignment, size_t capacity) {
    return config->node_count < SIZE_MAX && capacity >= config->node_count + 1 && config->built_in.percentage <= 100 &&
           config->built_in.mbytes < UINT64_C(1) << 44 && (unsigned)config->built_in.selector <= NS_CMA_SELECT_MAX &&
           (minimum_alignment & (minimum_alignment - 1)) == 0 && minimum_alignment >= NS_FRAME_SIZE;
}

enum ns_pool_status ns_cma_reserve(const struct ns_port *port, const struct ns_cma_reserve_config *config,
                                   struct ns_cma_reservation *reservations, size_t capacity, size_t *count) {
    struct plan plan = {.port = port, .config = config, .memory = config->memory, .reservations = reservations};
    plan.minimum_alignment = config->minimum_alignment ? config->minimum_alignment : NS_CMA_ALIGNMENT_DEFAULT;
    if (!valid(config, plan.minimum_alignment, capacity))
        return NS_POOL_ERROR_ARGUMENT;
    plan.has_command_line = ns_cma_parse_command_line(config->command_line, &plan.command_line) == NS_POOL_OK;
    const size_t room = config->memory.reserved_count + config->node_count + 1;
    plan.reserved = port->metadata_allocate(port->context, room * sizeof *plan.reserved);
    if (!plan.reserved)
        return NS_POOL_ERROR_METADATA;
    for (size_t i = 0; i < config->memory.reserved_count; i++)
        plan.reserved[i] = config->memory.reserved[i];
    plan.memory.reserved = plan.reserved;

    for (size_t i = 0; i < config->node_count; i++)
        if (config->nodes[i].has_reg)
            add_node(&plan, i);
    for (size_t i = 0; i < config->node_count; i++)
        if (!config->nodes[i].has_reg)
            add_node(&plan, i);
    add_default(&plan);
    port->metadata_free(port->context, plan.reserved);
    *count = plan.count;
    return NS_POOL_OK;
}

/* ---- what is left ---------------------------------------------------------------------------- */

/* Takes [base, end) out of all pieces; one that lies around it becomes two. False when there is no room for the second,
 * which takes regions of RAM that overlap. */
static bool cut(struct ns_frame_region *rest, size_t capacity, size_t *rest_count, uint64_t base, uint64_t end) {
    const size_t before = *rest_count;
    for (size_t i = 0; i < before; i++) {
        const uint64_t from = rest[i].base;
        const uint64_t to = from + rest[i].length;
        if (end <= from || base >= to)
            continue;
        rest[i].length = base > from ? base - from : 0;
        if (end >= to)
            continue;
        const struct ns_frame_region above = {end, to - end};
        if (rest[i].length == 0)
            rest[i] = above;
        else if (*rest_count < capacity)
            rest[(*rest_count)++] = above;
        else
            return false;
    }
    return true;
}

enum ns_pool_status ns_cma_remaining_ram(const struct ns_cma_memory *memory,
                                         const struct ns_cma_reservation *reservations, size_t count,
                                         struct ns_frame_region *rest, size_t capacity, size_t *rest_count) {
    if (capacity < memory->ram_count || capacity - memory->ram_count < count)
        return NS_POOL_ERROR_ARGUMENT;
    size_t pieces = memory->ram_count;
    for (size_t i = 0; i < pieces; i++)
        rest[i] = memory->ram[i];
    for (size_t i = 0; i < count; i++) {
        const struct ns_cma_request *area = &reservations[i].request;
        if (!cut(rest, capacity, &pieces, area->base, area->base + area->size))
            return NS_POOL_ERROR_ARGUMENT;
    }
    *rest_count = 0;
    for (size_t i = 0; i < pieces; i++)
        if (rest[i].length != 0)
            rest[(*rest_count)++] = rest[i];
    return NS_POOL_OK;
}
