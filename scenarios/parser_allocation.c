/* SPDX-License-Identifier: Apache-2.0 */
/* Verbs that take memory and give it back. */
#include "pool/dma_attributes.h"
#include "pool/gfp.h"
#include "scenarios/parser_actions.h"

#define ROWS(array) (sizeof(array) / sizeof((array)[0]))

/* ---- words of several verbs ------------------------------------------------------------------ */

/* "WORD, WORD": flags of the page allocator. Where no word says how the caller may wait, it is GFP_KERNEL, as drivers
 * write it. */
static bool take_gfp(struct ns_parser *parser, struct ns_step *step) {
    static const struct ns_choice words[] = {{"kernel", NS_GFP_KERNEL},
                                             {"atomic", NS_GFP_ATOMIC},
                                             {"nowait", NS_GFP_NOWAIT},
                                             {"noio", NS_GFP_NOIO},
                                             {"nofs", NS_GFP_NOFS},
                                             {"dma", NS___GFP_DMA},
                                             {"dma32", NS___GFP_DMA32},
                                             {"highmem", NS___GFP_HIGHMEM},
                                             {"movable", NS___GFP_MOVABLE},
                                             {"zero", NS___GFP_ZERO},
                                             {"nowarn", NS___GFP_NOWARN},
                                             {"comp", NS___GFP_COMP},
                                             {NULL, 0}};
    const ns_gfp says_how = NS___GFP_RECLAIM | NS___GFP_ATOMIC | NS___GFP_HIGH;
    do {
        uint64_t bits = 0;
        if (!ns_parser_take_choice(parser, words, &bits, "`gfp`")) {
            return false;
        }
        step->gfp |= (ns_gfp)bits;
    } while (ns_parser_accept(parser, NS_TOKEN_COMMA));
    if ((step->gfp & says_how) == 0) {
        step->gfp |= NS_GFP_KERNEL;
    }
    step->has_gfp = true;
    return true;
}

static bool parse_gfp(struct ns_parser *parser, void *target) {
    return take_gfp(parser, target);
}

static bool parse_size(struct ns_parser *parser, void *target) {
    struct ns_step *step = target;
    step->has_size = true;
    return ns_parser_take_number(parser, 1, NS_LIMIT_OBJECT_BYTES, &step->size, "`size`");
}

static bool parse_offset(struct ns_parser *parser, void *target) {
    struct ns_step *step = target;
    step->has_offset = true;
    return ns_parser_take_number(parser, 0, NS_LIMIT_POOL_BYTES, &step->offset, "`offset`");
}

static bool parse_device(struct ns_parser *parser, void *target) {
    struct ns_step *step = target;
    return ns_parser_take_name(parser, NS_NAME_DEVICE, &step->device, "`for` names a device");
}

#define CUSTOM(parse) NS_OPTION_CUSTOM, 0, 0, 0, 0, false, NULL, NULL, NS_NO_OFFSET, parse, false

static struct ns_object allocated_object(enum ns_allocation allocation, uint32_t size) {
    return (struct ns_object){.kind = NS_OBJECT_ALLOCATED,
                              .allocation = allocation,
                              .size = size,
                              .count = 1,
                              .stride = size,
                              .of = NS_NONE,
                              .pool = NS_NONE,
                              .device = NS_NONE};
}

static void take_layout(struct ns_object *object, const struct ns_object *like) {
    object->fields = like->fields;
    object->field_count = like->field_count;
    object->stride = like->stride;
    object->descriptor = like->descriptor;
}

/* ---- pools and pages ------------------------------------------------------------------------- */

static const struct ns_option alloc_options[] = {
    {"size", CUSTOM(parse_size)},
    {"gfp", CUSTOM(parse_gfp)},
    {"offset", CUSTOM(parse_offset)},
};

/* Which of them a pool understands. */
static void check_alloc(struct ns_parser *parser, const struct ns_step *step, const struct ns_pool_declaration *pool) {
    bool any_size = pool->kind == NS_POOL_GEN || pool->kind == NS_POOL_HEAP;
    if (any_size && !step->has_size) {
        ns_parser_error(parser, step->verb_place, "`%s` gives memory of any size: `alloc %s size 64 -> x`", pool->name,
                        pool->name);
    } else if (!any_size && step->has_size) {
        ns_parser_error(parser, step->verb_place, "`%s` gives blocks of %s bytes; leave out `size`", pool->name,
                        ns_number(pool->size).text);
    }
    if (step->has_offset && pool->kind != NS_POOL_GEN) {
        ns_parser_error(parser, step->verb_place, "only in a gen-pool can a place be chosen: leave out `offset`");
    }
    if (step->has_gfp && pool->kind != NS_POOL_HEAP && pool->kind != NS_POOL_BLOCKS) {
        ns_parser_error(parser, step->verb_place, "`%s` takes its memory beforehand: leave out `gfp`", pool->name);
    }
}

bool ns_parse_alloc(struct ns_parser *parser, struct ns_step *step) {
    uint64_t seen = 0;
    if (!ns_parser_take_name(parser, NS_NAME_POOL, &step->pool, "`alloc` names a pool: `alloc net -> pkt`") ||
        !ns_parser_options(parser, alloc_options, ROWS(alloc_options), step, &seen, "`alloc`")) {
        return false;
    }
    struct ns_object object = allocated_object(NS_ALLOCATION_POOL, 0);
    if (step->pool != NS_NONE) {
        const struct ns_pool_declaration *pool = &parser->scenario->pools[step->pool];
        check_alloc(parser, step, pool);
        object = allocated_object(NS_ALLOCATION_POOL, step->has_size ? (uint32_t)step->size : pool->size);
        object.pool = step->pool;
        if (pool->kind == NS_POOL_BLOCKS && pool->of != NS_NONE) {
            take_layout(&object, &parser->scenario->objects[pool->of]);
        }
    }
    return ns_parser_take_object(parser, step, &object, "`alloc` names what it takes: `alloc net -> pkt`");
}

bool ns_parse_alloc_pages(struct ns_parser *parser, struct ns_step *step) {
    static const struct ns_option options[] = {{"gfp", CUSTOM(parse_gfp)}};
    uint64_t order = 0, seen = 0;
    if (!ns_parser_take_number(parser, 0, NS_LIMIT_PAGE_ORDER, &order, "the order of pages") ||
        !ns_parser_options(parser, options, ROWS(options), step, &seen, "`alloc-pages`")) {
        return false;
    }
    step->order = (uint32_t)order;
    struct ns_object object = allocated_object(NS_ALLOCATION_PAGES, (uint32_t)NS_PAGE_SIZE << order);
    object.order = (uint32_t)order;
    return ns_parser_take_object(parser, step, &object, "`alloc-pages` names what it takes: `alloc-pages 0 -> page`");
}

/* ---- free ------------------------------------------------------------------------------------ */

/* "handle NUMBER", or the handle of a map, or that of another allocation. */
static bool parse_handle(struct ns_parser *parser, void *target) {
    struct ns_step *step = target;
    struct ns_token token = *ns_parser_token(parser);
    step->has_handle = true;
    step->value = (struct ns_value){.place = ns_parser_place(parser, &token), .index = NS_NONE};
    if (token.kind == NS_TOKEN_NUMBER) {
        step->value.kind = NS_VALUE_NUMBER;
        return ns_parser_take_number(parser, 0, UINT64_MAX, &step->value.number, "`handle`");
    }
    const struct ns_name *entry =
        token.kind == NS_TOKEN_WORD ? ns_names_find(&parser->names, token.start, token.length) : NULL;
    if (entry != NULL && entry->kind == NS_NAME_OBJECT) {
        ns_parser_advance(parser);
        step->value.kind = NS_VALUE_OBJECT;
        step->value.index = entry->index;
        return true;
    }
    if (!ns_parser_take_name(parser, NS_NAME_REGISTER, &step->value.index,
                             "`handle` is an address, or a name that has one")) {
        return false;
    }
    step->value.kind = NS_VALUE_REGISTER;
    return true;
}

static const struct ns_option free_options[] = {
    {"size", CUSTOM(parse_size)},
    {"handle", CUSTOM(parse_handle)},
    {"for", CUSTOM(parse_device)},
};

/* What a wrong free can say depends on what the right one would. */
static void check_free(struct ns_parser *parser, const struct ns_step *step, const struct ns_object *object) {
    const struct ns_pool_declaration *pool = object->pool != NS_NONE ? &parser->scenario->pools[object->pool] : NULL;
    bool coherent = object->allocation == NS_ALLOCATION_COHERENT || object->allocation == NS_ALLOCATION_MANAGED;
    if (step->has_size && !coherent && (pool == NULL || pool->kind != NS_POOL_GEN)) {
        ns_parser_error(parser, step->verb_place, "a free of `%s` names no size", object->name);
    }
    if (step->has_handle && !coherent && (pool == NULL || pool->kind != NS_POOL_BLOCKS)) {
        ns_parser_error(parser, step->verb_place, "a free of `%s` names no handle", object->name);
    }
    if (step->device != NS_NONE && !coherent) {
        ns_parser_error(parser, step->verb_place, "a free of `%s` names no device", object->name);
    }
}

bool ns_parse_free(struct ns_parser *parser, struct ns_step *step) {
    struct ns_token name = *ns_parser_token(parser);
    uint32_t index;
    uint64_t seen = 0;
    if (!ns_parser_take_name(parser, NS_NAME_OBJECT, &index, "`free` names what was allocated") ||
        !ns_parser_options(parser, free_options, ROWS(free_options), step, &seen, "`free`")) {
        return false;
    }
    if (index != NS_NONE && parser->scenario->objects[index].kind != NS_OBJECT_ALLOCATED) {
        ns_parser_error(parser, ns_parser_place(parser, &name),
                        "`%.*s` is not allocated by a step, so that it cannot be freed", (int)name.length, name.start);
    } else if (index != NS_NONE) {
        step->ref = (struct ns_ref){.kind = NS_REF_OBJECT,
                                    .place = ns_parser_place(parser, &name),
                                    .index = index,
                                    .length = parser->scenario->objects[index].size,
                                    .element = NS_NONE,
                                    .field = NS_NONE};
        check_free(parser, step, &parser->scenario->objects[index]);
    }
    return true;
}

/* ---- pinned pages, drivers ------------------------------------------------------------------- */

/* pin, unpin */
bool ns_parse_pin(struct ns_parser *parser, struct ns_step *step) {
    if (!ns_parser_ref(parser, NS_REF_OBJECT_ONLY, &step->ref, NS_BUFFER_NEEDED)) {
        return false;
    }
    if (step->ref.kind == NS_REF_OBJECT && !parser->scenario->objects[step->ref.index].movable) {
        ns_parser_error(parser, step->ref.place, "`%s` is not `movable`, so that it stays where it is anyway",
                        parser->scenario->objects[step->ref.index].name);
    }
    return true;
}

bool ns_parse_unbind(struct ns_parser *parser, struct ns_step *step) {
    return ns_parser_take_name(parser, NS_NAME_DEVICE, &step->device, "`unbind` names a device");
}

/* ---- coherent memory ------------------------------------------------------------------------- */

struct coherent_line {
    struct ns_step *step;
    uint64_t size;
    uint32_t of;
    struct ns_place size_place, of_place;
    bool has_of;
    bool write_combine, no_kernel_mapping, no_warn, managed;
};

static bool parse_coherent_for(struct ns_parser *parser, void *target) {
    struct coherent_line *line = target;
    return ns_parser_take_name(parser, NS_NAME_DEVICE, &line->step->device, "`for` names a device");
}

static bool parse_coherent_size(struct ns_parser *parser, void *target) {
    struct coherent_line *line = target;
    line->size_place = ns_parser_place(parser, ns_parser_token(parser));
    return ns_parser_take_number(parser, 1, NS_LIMIT_OBJECT_BYTES, &line->size, "`size`");
}

static bool parse_coherent_of(struct ns_parser *parser, void *target) {
    struct coherent_line *line = target;
    line->of_place = ns_parser_place(parser, ns_parser_token(parser));
    line->has_of = true;
    return ns_parser_take_name(parser, NS_NAME_OBJECT, &line->of, "`of` names a struct");
}

static bool parse_coherent_gfp(struct ns_parser *parser, void *target) {
    struct coherent_line *line = target;
    return take_gfp(parser, line->step);
}

static bool parse_skip_flush(struct ns_parser *parser, void *target) {
    struct coherent_line *line = target;
    (void)parser;
    line->step->skip_flush = true;
    return true;
}

#define FLAG(member)                                                                                                   \
    NS_OPTION_SET, NS_MEMBER(struct coherent_line, member), 1, 0, false, NULL, NULL, NS_NO_OFFSET, NULL, false
static const struct ns_option coherent_options[] = {
    {"for", CUSTOM(parse_coherent_for)},
    {"size", CUSTOM(parse_coherent_size)},
    {"of", CUSTOM(parse_coherent_of)},
    {"skip-flush", CUSTOM(parse_skip_flush)},
    {"gfp", CUSTOM(parse_coherent_gfp)},
    {"write-combine", FLAG(write_combine)},
    {"no-kernel-mapping", FLAG(no_kernel_mapping)},
    {"no-warn", FLAG(no_warn)},
    {"managed", FLAG(managed)},
};

bool ns_parse_alloc_coherent(struct ns_parser *parser, struct ns_step *step) {
    struct coherent_line line = {.step = step, .of = NS_NONE};
    uint64_t seen = 0;
    if (!ns_parser_options(parser, coherent_options, ROWS(coherent_options), &line, &seen, "`alloc-coherent`")) {
        return false;
    }
    if ((seen & 1u) == 0) {
        ns_parser_error(parser, step->verb_place, "`alloc-coherent` needs a device: `for nic`");
    }
    if ((seen & 6u) == 0) {
        ns_parser_error(parser, step->verb_place, "`alloc-coherent` needs `size BYTES`, or a struct: `of NAME`");
    }
    const struct ns_object *layout = line.of != NS_NONE ? &parser->scenario->objects[line.of] : NULL;
    if (layout != NULL && layout->field_count == 0) {
        ns_parser_error(parser, line.of_place, "`%s` has no fields; `of` names a struct", layout->name);
        line.of = NS_NONE;
    }
    uint32_t count = 1;
    if (layout != NULL && layout->field_count > 0) {
        if ((seen & 2u) == 0) {
            line.size = layout->size;
        } else if (line.size < layout->stride) {
            ns_parser_error(parser, line.size_place, "`%s` needs %s bytes, more than this size", layout->name,
                            ns_number(layout->stride).text);
        }
        count = (uint32_t)(line.size / layout->stride);
    }
    struct ns_object object =
        allocated_object(line.managed ? NS_ALLOCATION_MANAGED : NS_ALLOCATION_COHERENT, (uint32_t)line.size);
    object.device = step->device;
    if (line.of != NS_NONE) {
        take_layout(&object, &parser->scenario->objects[line.of]);
    }
    object.count = count > 0 ? count : 1;
    object.descriptor = object.descriptor || count > 1;
    object.attributes = (line.write_combine ? NS_DMA_WRITE_COMBINE : 0u) |
                        (line.no_kernel_mapping ? NS_DMA_NO_KERNEL_MAPPING : 0u) | (line.no_warn ? NS_DMA_NO_WARN : 0u);
    step->attributes = object.attributes;
    return ns_parser_take_object(parser, step, &object, "`alloc-coherent` names what it takes: `-> ring`");
}
