/* SPDX-License-Identifier: Apache-2.0 */
/* Pools of buffers and of blocks, gen-pools and heaps. */
#include "scenarios/parser.h"

#include <string.h>

#define ROWS(array) (sizeof(array) / sizeof((array)[0]))
enum { GEN_DEFAULT_GRANULE = 4096 };

/* ---- options --------------------------------------------------------------------------------- */

struct pool_line {
    struct ns_pool_declaration pool;
    struct ns_place size_place, boundary_place, of_place, address_place;
    bool has_size;
    struct ns_token of;
};

static bool parse_for(struct ns_parser *parser, void *target) {
    struct pool_line *line = target;
    return ns_parser_take_name(parser, NS_NAME_DEVICE, &line->pool.device, "`for` names a device");
}

static bool parse_of(struct ns_parser *parser, void *target) {
    struct pool_line *line = target;
    line->of = *ns_parser_token(parser);
    line->of_place = ns_parser_place(parser, &line->of);
    return ns_parser_take_name(parser, NS_NAME_OBJECT, &line->pool.of, "`of` names a struct");
}

static bool parse_pool_size(struct ns_parser *parser, void *target) {
    struct pool_line *line = target;
    uint64_t size;
    line->size_place = ns_parser_place(parser, ns_parser_token(parser));
    if (!ns_parser_take_number(parser, 1, NS_LIMIT_ACCESS_BYTES, &size, "`size`")) {
        return false;
    }
    line->pool.size = (uint32_t)size;
    line->has_size = true;
    return true;
}

static bool parse_boundary(struct ns_parser *parser, void *target) {
    struct pool_line *line = target;
    line->boundary_place = ns_parser_place(parser, ns_parser_token(parser));
    uint64_t boundary = 0;
    if (!ns_parser_take_number(parser, 1, UINT64_C(1) << 32, &boundary, "`boundary`")) {
        return false;
    }
    if ((boundary & (boundary - 1)) != 0) {
        ns_parser_error(parser, line->boundary_place, "`boundary` is a power of two, not %s", ns_number(boundary).text);
    }
    line->pool.boundary = boundary;
    return true;
}

static bool parse_gen_size(struct ns_parser *parser, void *target) {
    struct pool_line *line = target;
    uint64_t size = 0;
    line->size_place = ns_parser_place(parser, ns_parser_token(parser));
    line->has_size = true;
    if (!ns_parser_take_number(parser, 1, NS_LIMIT_POOL_BYTES, &size, "`size`")) {
        return false;
    }
    line->pool.size = (uint32_t)size;
    return true;
}

static bool parse_gen_address(struct ns_parser *parser, void *target) {
    struct pool_line *line = target;
    line->address_place = ns_parser_place(parser, ns_parser_token(parser));
    line->pool.has_address = true;
    return ns_parser_take_number(parser, 0, (UINT64_C(1) << NS_PHYSICAL_BITS) - 1, &line->pool.address, "`at`");
}

static const struct ns_choice designs[] = {{"old", 1}, {"new", 0}, {NULL, 0}};
static const struct ns_choice block_checks[] = {
    {"strict", NS_BLOCKS_STRICT}, {"kernel", NS_BLOCKS_KERNEL}, {"kernel-debug", NS_BLOCKS_KERNEL_DEBUG}, {NULL, 0}};
static const struct ns_choice algorithms[] = {
    {"first-fit", NS_GEN_FIRST_FIT}, {"best-fit", NS_GEN_BEST_FIT}, {"order-align", NS_GEN_ORDER_ALIGN}, {NULL, 0}};

#define POOL(member)             NS_MEMBER(struct pool_line, pool.member)
#define PLAIN                    false, NULL, NULL, NS_NO_OFFSET, NULL, false
#define CUSTOM(parse)            NS_OPTION_CUSTOM, 0, 0, 0, 0, false, NULL, NULL, NS_NO_OFFSET, parse, false
#define SET(member)              NS_OPTION_SET, POOL(member), 1, 0, PLAIN
#define CHOICE(member, choices)  NS_OPTION_CHOICE, POOL(member), 0, 0, false, NULL, choices, NS_NO_OFFSET, NULL, false
#define POWER(member, low, high) NS_OPTION_NUMBER, POOL(member), low, high, true, NULL, NULL, NS_NO_OFFSET, NULL, false
static const struct ns_option buffer_pool_options[] = {
    {"size", NS_OPTION_NUMBER, POOL(size), 1, 2048, PLAIN},
    {"limit", NS_OPTION_NUMBER, POOL(limit), 4096, UINT64_C(1) << NS_PHYSICAL_BITS, PLAIN},
    {"for", CUSTOM(parse_for)},
    {"faithful", SET(faithful)},
    {"guard", SET(guard)},
    {"zero", SET(zero)},
};
static const struct ns_option block_pool_options[] = {
    {"size", CUSTOM(parse_pool_size)},
    {"align", POWER(align, 1, 4096)},
    {"boundary", CUSTOM(parse_boundary)},
    {"for", CUSTOM(parse_for)},
    {"of", CUSTOM(parse_of)},
    {"design", CHOICE(old_design, designs)},
    {"checks", CHOICE(checks, block_checks)},
};
static const struct ns_option gen_pool_options[] = {
    {"size", CUSTOM(parse_gen_size)},
    {"granule", POWER(granule, 1, 1u << 20)},
    {"algorithm", CHOICE(algorithm, algorithms)},
    {"align", POWER(align, 1, 1u << 24)},
    {"at", CUSTOM(parse_gen_address)},
    {"strict", SET(strict)},
};
static const struct ns_option heap_options[] = {
    {"historic", SET(historic)},
};

static void check_block_pool(struct ns_parser *parser, struct pool_line *line, bool has_device) {
    struct ns_pool_declaration *pool = &line->pool;
    const struct ns_object *layout = pool->of != NS_NONE ? &parser->scenario->objects[pool->of] : NULL;
    if (layout != NULL && layout->field_count == 0) {
        ns_parser_error(parser, line->of_place, "`%s` has no fields; blocks take their layout from a struct",
                        layout->name);
    } else if (layout != NULL && !line->has_size) {
        pool->size = layout->stride;
    } else if (layout != NULL && pool->size < layout->stride) {
        ns_parser_error(parser, line->size_place, "`%s` needs %s bytes, more than this size", layout->name,
                        ns_number(layout->stride).text);
    }
    if (pool->of == NS_NONE && !line->has_size && line->of.start == NULL) {
        ns_parser_error(parser, pool->place,
                        "a pool of blocks needs their size, such as `size 64`, or a struct: `of NAME`");
    }
    if (!has_device) {
        ns_parser_error(parser, pool->place, "a pool of blocks belongs to a device: `for DEVICE`");
    }
    if (pool->boundary != 0 && pool->boundary < pool->size) {
        ns_parser_error(parser, line->boundary_place, "a block of %s bytes always crosses this boundary",
                        ns_number(pool->size).text);
    }
}

static void check_buffer_pool(struct ns_parser *parser, const struct pool_line *line) {
    if (line->pool.faithful && (line->pool.guard || line->pool.zero)) {
        ns_parser_error(parser, line->pool.place, "the faithful pool has neither `guard` nor `zero`: both are repairs");
    }
}

static void check_gen_pool(struct ns_parser *parser, struct pool_line *line, uint64_t seen) {
    const struct ns_machine_config *machine = &parser->scenario->machine;
    struct ns_pool_declaration *pool = &line->pool;
    if (!line->has_size) {
        ns_parser_error(parser, pool->place, "a gen-pool needs its size, such as `size 64K`");
    } else if (pool->size % pool->granule != 0) {
        ns_parser_error(parser, line->size_place, "this size is not a multiple of the granule, %s bytes",
                        ns_number(pool->granule).text);
    }
    if (pool->align != 0 && (seen & 4u) != 0) {
        ns_parser_error(parser, pool->place, "`align` is an algorithm of its own: leave out `algorithm`");
    }
    if (pool->align != 0) {
        pool->algorithm = NS_GEN_ALIGN;
    }
    if (pool->has_address && (pool->address % NS_PAGE_SIZE != 0 || pool->size % NS_PAGE_SIZE != 0)) {
        ns_parser_error(parser, line->address_place, "memory with a place of its own is whole pages of 4096 bytes");
    } else if (pool->has_address && parser->machine_known &&
               !ns_parser_lies_in_ram(machine, pool->address, pool->size)) {
        ns_parser_error(parser, line->address_place, "the machine has no RAM for %s bytes at this address",
                        ns_number(pool->size).text);
    }
    parser->total_bytes += pool->size;
    if (parser->total_bytes > NS_LIMIT_TOTAL_BYTES) {
        ns_parser_error(parser, line->size_place, "with this one, the objects are larger than %s together",
                        ns_number(NS_LIMIT_TOTAL_BYTES).text);
        parser->total_bytes -= pool->size;
    }
}

bool ns_parser_pool(struct ns_parser *parser, const struct ns_token *name) {
    struct ns_scenario *scenario = parser->scenario;
    struct pool_line line = {.pool = {.place = ns_parser_place(parser, name), .device = NS_NONE, .of = NS_NONE}};
    uint64_t seen = 0, buffers = 0;
    bool understood;
    if (ns_parser_accept_word(parser, "buffers")) {
        line.pool.kind = NS_POOL_BUFFERS;
        line.pool.size = 2048;
        understood = ns_parser_take_number(parser, 1, 512, &buffers, "the number of buffers") &&
                     ns_parser_options(parser, buffer_pool_options, ROWS(buffer_pool_options), &line, &seen,
                                       "a pool of buffers");
        line.pool.buffers = (uint32_t)buffers;
    } else if (ns_parser_accept_word(parser, "dma-pool")) {
        line.pool.kind = NS_POOL_BLOCKS;
        line.pool.align = 1;
        understood =
            ns_parser_options(parser, block_pool_options, ROWS(block_pool_options), &line, &seen, "a pool of blocks");
    } else if (ns_parser_accept_word(parser, "gen-pool")) {
        line.pool.kind = NS_POOL_GEN;
        line.pool.granule = GEN_DEFAULT_GRANULE;
        understood = ns_parser_options(parser, gen_pool_options, ROWS(gen_pool_options), &line, &seen, "a gen-pool");
    } else if (ns_parser_accept_word(parser, "heap")) {
        line.pool.kind = NS_POOL_HEAP;
        understood = ns_parser_options(parser, heap_options, ROWS(heap_options), &line, &seen, "a heap");
    } else {
        return ns_parser_unexpected(parser, "a pool is `buffers NUMBER`, `dma-pool`, `gen-pool` or `heap`");
    }
    if (!understood || !ns_parser_take_end(parser)) {
        return false;
    }
    if (line.pool.kind == NS_POOL_BUFFERS) {
        check_buffer_pool(parser, &line);
    } else if (line.pool.kind == NS_POOL_BLOCKS) {
        check_block_pool(parser, &line, (seen & (1u << 3)) != 0);
    } else if (line.pool.kind == NS_POOL_GEN) {
        check_gen_pool(parser, &line, seen);
    }
    uint32_t index = (uint32_t)scenario->pool_count;
    if (index == NS_LIMIT_POOLS) {
        ns_parser_too_many(parser, name, "pools", NS_LIMIT_POOLS);
    }
    if (parser->failed || ns_parser_declare(parser, name, NS_NAME_POOL, index) == NULL) {
        return false;
    }
    line.pool.name = ns_parser_copy_name(parser, name);
    scenario->pools[index] = line.pool;
    scenario->pool_count++;
    return true;
}
