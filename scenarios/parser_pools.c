/* SPDX-License-Identifier: Apache-2.0 */
/* Pools of buffers and of blocks. */
#include "scenarios/parser.h"

#include <string.h>

#define ROWS(array) (sizeof(array) / sizeof((array)[0]))

/* ---- options --------------------------------------------------------------------------------- */

struct pool_line {
    struct ns_pool_declaration pool;
    struct ns_place size_place, boundary_place, of_place;
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

#define POOL(member) NS_MEMBER(struct pool_line, pool.member)
static const struct ns_option buffer_pool_options[] = {
    {"size", NS_OPTION_NUMBER, POOL(size), 1, 2048, false, NULL, NULL, NS_NO_OFFSET, NULL, false},
    {"limit", NS_OPTION_NUMBER, POOL(limit), 4096, UINT64_C(1) << NS_PHYSICAL_BITS, false, NULL, NULL, NS_NO_OFFSET,
     NULL, false},
};
static const struct ns_option block_pool_options[] = {
    {"size", NS_OPTION_CUSTOM, 0, 0, 0, 0, false, NULL, NULL, NS_NO_OFFSET, parse_pool_size, false},
    {"align", NS_OPTION_NUMBER, POOL(align), 1, 4096, true, NULL, NULL, NS_NO_OFFSET, NULL, false},
    {"boundary", NS_OPTION_CUSTOM, 0, 0, 0, 0, false, NULL, NULL, NS_NO_OFFSET, parse_boundary, false},
    {"for", NS_OPTION_CUSTOM, 0, 0, 0, 0, false, NULL, NULL, NS_NO_OFFSET, parse_for, false},
    {"of", NS_OPTION_CUSTOM, 0, 0, 0, 0, false, NULL, NULL, NS_NO_OFFSET, parse_of, false},
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
    } else {
        return ns_parser_unexpected(parser, "a pool is `buffers NUMBER` or `dma-pool`");
    }
    if (!understood || !ns_parser_take_end(parser)) {
        return false;
    }
    if (line.pool.kind == NS_POOL_BLOCKS) {
        check_block_pool(parser, &line, (seen & (1u << 3)) != 0);
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
