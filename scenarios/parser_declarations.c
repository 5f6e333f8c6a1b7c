/* SPDX-License-Identifier: Apache-2.0 */
/* Buffers, structs and aliases; the pass over all declarations. */
#include "scenarios/layout.h"
#include "scenarios/parser.h"

#include <string.h>

#define ROWS(array) (sizeof(array) / sizeof((array)[0]))

static const struct ns_choice zones[] = {
    {"dma", NS_ZONE_DMA}, {"dma32", NS_ZONE_DMA32}, {"normal", NS_ZONE_NORMAL}, {NULL, 0}};

char *ns_parser_copy_name(struct ns_parser *parser, const struct ns_token *name) {
    char *copy = ns_arena_text(parser->arena, name->start, name->length);
    parser->out_of_memory = parser->out_of_memory || copy == NULL;
    return copy;
}

void ns_parser_too_many(struct ns_parser *parser, const struct ns_token *name, const char *what, unsigned limit) {
    ns_parser_error(parser, ns_parser_place(parser, name), "a scenario has at most %u %s", limit, what);
}

/* ---- buffers --------------------------------------------------------------------------------- */

struct place_line {
    struct ns_object object;
    bool has_size, has_count;
    struct ns_place size_place, address_place, zone_place;
};

static bool parse_size(struct ns_parser *parser, void *target) {
    struct place_line *line = target;
    uint64_t size;
    line->size_place = ns_parser_place(parser, ns_parser_token(parser));
    if (!ns_parser_take_number(parser, 1, NS_LIMIT_OBJECT_BYTES, &size, "`size`")) {
        return false;
    }
    line->object.size = (uint32_t)size;
    line->has_size = true;
    return true;
}

static bool parse_at(struct ns_parser *parser, void *target) {
    struct place_line *line = target;
    line->address_place = ns_parser_place(parser, ns_parser_token(parser));
    line->object.has_address = true;
    return ns_parser_take_number(parser, 0, (UINT64_C(1) << NS_PHYSICAL_BITS) - 1, &line->object.address, "`at`");
}

static bool parse_zone(struct ns_parser *parser, void *target) {
    struct place_line *line = target;
    uint64_t zone = NS_ZONE_ANY;
    line->zone_place = ns_parser_place(parser, ns_parser_token(parser));
    if (!ns_parser_take_choice(parser, zones, &zone, "`zone`")) {
        return false;
    }
    line->object.zone = (enum ns_zone_wish)zone;
    return true;
}

static bool parse_count(struct ns_parser *parser, void *target) {
    struct place_line *line = target;
    uint64_t count;
    if (!ns_parser_take_number(parser, 1, NS_LIMIT_OBJECT_BYTES, &count, "`count`")) {
        return false;
    }
    line->object.count = (uint32_t)count;
    line->has_count = true;
    return true;
}

#define OBJECT(member) NS_MEMBER(struct place_line, object.member)
#define PLACE_OPTIONS                                                                                                  \
    {"align", NS_OPTION_NUMBER, OBJECT(align), 1, 1u << 24, true, NULL, NULL, NS_NO_OFFSET, NULL, false},              \
        {"at", NS_OPTION_CUSTOM, 0, 0, 0, 0, false, NULL, NULL, NS_NO_OFFSET, parse_at, false},                        \
        {"zone", NS_OPTION_CUSTOM, 0, 0, 0, 0, false, NULL, NULL, NS_NO_OFFSET, parse_zone, false},                    \
        {"fill",                                                                                                       \
         NS_OPTION_NUMBER,                                                                                             \
         OBJECT(fill),                                                                                                 \
         0,                                                                                                            \
         255,                                                                                                          \
         false,                                                                                                        \
         NULL,                                                                                                         \
         NULL,                                                                                                         \
         offsetof(struct place_line, object.has_fill),                                                                 \
         NULL,                                                                                                         \
         false},                                                                                                       \
        {"type",                                                                                                       \
         NS_OPTION_CHOICE,                                                                                             \
         OBJECT(type),                                                                                                 \
         0,                                                                                                            \
         0,                                                                                                            \
         false,                                                                                                        \
         NULL,                                                                                                         \
         ns_type_choices,                                                                                              \
         offsetof(struct place_line, object.has_type),                                                                 \
         NULL,                                                                                                         \
         false},                                                                                                       \
    {                                                                                                                  \
        "descriptor", NS_OPTION_SET, OBJECT(descriptor), 1, 0, false, NULL, NULL, NS_NO_OFFSET, NULL, false            \
    }
static const struct ns_option buffer_options[] = {
    {"size", NS_OPTION_CUSTOM, 0, 0, 0, 0, false, NULL, NULL, NS_NO_OFFSET, parse_size, false},
    PLACE_OPTIONS,
    {"movable", NS_OPTION_SET, OBJECT(movable), 1, 0, false, NULL, NULL, NS_NO_OFFSET, NULL, false},
};
static const struct ns_option struct_options[] = {
    {"count", NS_OPTION_CUSTOM, 0, 0, 0, 0, false, NULL, NULL, NS_NO_OFFSET, parse_count, false},
    PLACE_OPTIONS,
};

bool ns_parser_lies_in_ram(const struct ns_machine_config *machine, uint64_t address, uint64_t size) {
    for (size_t i = 0; i < machine->ram_count; i++) {
        const struct ns_ram *ram = &machine->ram[i];
        if (address >= ram->start && address - ram->start <= ram->length &&
            size <= ram->length - (address - ram->start)) {
            return true;
        }
    }
    return false;
}

static bool zone_exists(const struct ns_machine_config *machine, enum ns_zone_wish zone, uint64_t size) {
    uint64_t first = zone == NS_ZONE_NORMAL ? UINT64_C(1) << 32 : 0;
    uint64_t limit = zone == NS_ZONE_DMA     ? machine->zone_dma_limit
                     : zone == NS_ZONE_DMA32 ? UINT64_C(1) << 32
                                             : UINT64_MAX;
    for (size_t i = 0; i < machine->ram_count; i++) {
        const struct ns_ram *ram = &machine->ram[i];
        uint64_t start = ram->start > first ? ram->start : first;
        uint64_t end = ram->start + ram->length < limit ? ram->start + ram->length : limit;
        if (end > start && end - start >= size) {
            return true;
        }
    }
    return false;
}

/* What buffers and structs have in common once their size is known. */
static void check_placement(struct ns_parser *parser, const struct place_line *line, struct ns_place total_place) {
    const struct ns_object *object = &line->object;
    const struct ns_machine_config *machine = &parser->scenario->machine;
    if (object->has_address && object->align != 0 && object->address % object->align != 0) {
        ns_parser_error(parser, line->address_place, "this address is not a multiple of `align %s`",
                        ns_number(object->align).text);
    }
    if (object->has_address && object->zone != NS_ZONE_ANY) {
        ns_parser_error(parser, line->zone_place, "a place is given by `at` or by `zone`, not by both");
    } else if (object->has_address && parser->machine_known &&
               !ns_parser_lies_in_ram(machine, object->address, object->size)) {
        ns_parser_error(parser, line->address_place, "the machine has no RAM for %s bytes at this address",
                        ns_number(object->size).text);
    } else if (object->zone != NS_ZONE_ANY && parser->machine_known &&
               !zone_exists(machine, object->zone, object->size)) {
        ns_parser_error(parser, line->zone_place, "the machine has no RAM for %s bytes in this zone",
                        ns_number(object->size).text);
    }
    parser->total_bytes += object->size;
    if (parser->total_bytes > NS_LIMIT_TOTAL_BYTES) {
        ns_parser_error(parser, total_place, "with this one, the objects are larger than %s together",
                        ns_number(NS_LIMIT_TOTAL_BYTES).text);
        parser->total_bytes -= object->size;
    }
}

static struct ns_object *add_object(struct ns_parser *parser, const struct ns_token *name,
                                    const struct ns_object *object) {
    struct ns_scenario *scenario = parser->scenario;
    uint32_t index = (uint32_t)scenario->object_count;
    if (parser->failed || ns_parser_declare(parser, name, NS_NAME_OBJECT, index) == NULL) {
        return NULL;
    }
    scenario->objects[index] = *object;
    scenario->objects[index].name = ns_parser_copy_name(parser, name);
    scenario->object_count++;
    return &scenario->objects[index];
}

static void init_place_line(struct ns_parser *parser, const struct ns_token *name, enum ns_object_kind kind,
                            struct place_line *line) {
    *line = (struct place_line){.object = {.kind = kind,
                                           .place = ns_parser_place(parser, name),
                                           .count = 1,
                                           .of = NS_NONE,
                                           .pool = NS_NONE,
                                           .device = NS_NONE}};
    if (parser->scenario->object_count == NS_LIMIT_OBJECTS) {
        ns_parser_too_many(parser, name, "buffers, structs and other objects", NS_LIMIT_OBJECTS);
    }
}

static bool parse_buffer(struct ns_parser *parser, const struct ns_token *name) {
    struct place_line line;
    uint64_t seen = 0;
    init_place_line(parser, name, NS_OBJECT_BUFFER, &line);
    if (!ns_parser_options(parser, buffer_options, ROWS(buffer_options), &line, &seen, "a buffer") ||
        !ns_parser_take_end(parser)) {
        return false;
    }
    if (!line.has_size) {
        ns_parser_error(parser, line.object.place, "a buffer needs its size, such as `size 64`");
        return false;
    }
    if (line.object.movable && line.object.size > NS_PAGE_SIZE) {
        ns_parser_error(parser, line.size_place, "a movable buffer is one page at most, 4096 bytes");
    }
    if (line.object.movable && (line.object.has_address || line.object.zone != NS_ZONE_ANY)) {
        ns_parser_error(parser, line.object.place, "a movable buffer has its place in the machine's `cma` area");
    }
    line.object.stride = line.object.size;
    check_placement(parser, &line, line.size_place);
    return add_object(parser, name, &line.object) != NULL;
}

/* ---- structs --------------------------------------------------------------------------------- */

static bool parse_pad(struct ns_parser *parser, struct ns_layout *layout) {
    uint64_t bytes;
    if (!ns_parser_take_number(parser, 1, NS_LIMIT_OBJECT_BYTES, &bytes, "`pad`") || !ns_parser_take_end(parser)) {
        return false;
    }
    ns_layout_pad(layout, bytes);
    return true;
}

static bool parse_field(struct ns_parser *parser, struct ns_layout *layout, size_t *count) {
    static const struct ns_choice types[] = {{"u8", 1}, {"u16", 2}, {"u32", 4}, {"u64", 8}, {"pad", 0}, {NULL, 0}};
    uint64_t element_size, elements = 1;
    struct ns_token name;
    if (!ns_parser_take_choice(parser, types, &element_size, "a field's type")) {
        return false;
    }
    if (element_size == 0) {
        return parse_pad(parser, layout);
    }
    if (!ns_parser_take(parser, NS_TOKEN_WORD, &name, "behind the type stands the field's name: `u32 length`")) {
        return false;
    }
    if (ns_parser_accept(parser, NS_TOKEN_OPEN)) {
        if (!ns_parser_take_number(parser, 1, NS_LIMIT_OBJECT_BYTES, &elements, "the number of elements") ||
            !ns_parser_take(parser, NS_TOKEN_CLOSE, NULL, "an array's number of elements ends with `]`")) {
            return false;
        }
    }
    if (!ns_parser_take_end(parser)) {
        return false;
    }
    struct ns_place place = ns_parser_place(parser, &name);
    for (size_t i = 0; i < *count; i++) {
        if (ns_token_is(&name, parser->fields[i].name)) {
            ns_parser_error(parser, place, "this struct already has a field `%.*s`", (int)name.length, name.start);
            return false;
        }
    }
    if (*count == NS_LIMIT_FIELDS) {
        ns_parser_error(parser, place, "a struct has at most %u fields", NS_LIMIT_FIELDS);
        return false;
    }
    uint64_t offset = ns_layout_field(layout, (uint32_t)element_size, elements);
    if (layout->end > NS_LIMIT_OBJECT_BYTES) {
        ns_parser_error(parser, place, "with this field the struct is larger than %s",
                        ns_number(NS_LIMIT_OBJECT_BYTES).text);
        return false;
    }
    parser->fields[(*count)++] = (struct ns_field){.name = ns_parser_copy_name(parser, &name),
                                                   .place = place,
                                                   .offset = (uint32_t)offset,
                                                   .element_size = (uint32_t)element_size,
                                                   .count = (uint32_t)elements};
    return !parser->out_of_memory;
}

/* The lines below `struct`. Returns false when one of them has an error: the layout is not known then. */
static bool parse_fields(struct ns_parser *parser, struct ns_layout *layout, size_t *count) {
    bool good = true;
    size_t line = parser->line + 1;
    for (; line < parser->line_count; line++) {
        enum ns_line_class class = (enum ns_line_class)parser->classes[line].class;
        if (class == NS_LINE_NOTHING) {
            good = good && !parser->classes[line].muted;
            continue;
        }
        if (class != NS_LINE_FIELD) {
            break;
        }
        ns_parser_open_line(parser, line);
        bool understood = parse_field(parser, layout, count);
        good = good && understood && !parser->failed;
    }
    return good && layout->end <= NS_LIMIT_OBJECT_BYTES;
}

static bool finish_struct(struct ns_parser *parser, struct place_line *line, const struct ns_layout *layout,
                          size_t count) {
    struct ns_object *object = &line->object;
    if (count == 0) {
        ns_parser_error(parser, object->place, "a struct needs fields, one a line below it, such as `u32 length`");
        return false;
    }
    uint64_t stride = ns_layout_stride(layout, object->align);
    if (stride * object->count > NS_LIMIT_OBJECT_BYTES) {
        ns_parser_error(parser, object->place, "%s elements of %s bytes are larger than %s",
                        ns_number(object->count).text, ns_number(stride).text, ns_number(NS_LIMIT_OBJECT_BYTES).text);
        return false;
    }
    object->stride = (uint32_t)stride;
    object->size = (uint32_t)(stride * object->count);
    object->descriptor = object->descriptor || object->count > 1;
    object->fields = ns_arena_alloc(parser->arena, count * sizeof *object->fields);
    if (object->fields == NULL) {
        parser->out_of_memory = true;
        return false;
    }
    memcpy(object->fields, parser->fields, count * sizeof *object->fields);
    object->field_count = count;
    check_placement(parser, line, object->place);
    return true;
}

static bool parse_struct(struct ns_parser *parser, const struct ns_token *name) {
    struct place_line line;
    struct ns_layout layout = NS_LAYOUT_EMPTY;
    uint64_t seen = 0;
    size_t count = 0, first_line = parser->line;
    init_place_line(parser, name, NS_OBJECT_STRUCT, &line);
    bool good = ns_parser_options(parser, struct_options, ROWS(struct_options), &line, &seen, "a struct") &&
                ns_parser_take_end(parser);
    good = good && !parser->failed;
    good = parse_fields(parser, &layout, &count) && good;
    /* Back to the first line, where messages about the whole belong. */
    ns_parser_open_line(parser, first_line);
    parser->failed = !good;
    return good && finish_struct(parser, &line, &layout, count) && add_object(parser, name, &line.object) != NULL;
}

/* ---- aliases --------------------------------------------------------------------------------- */

static bool parse_alias(struct ns_parser *parser, const struct ns_token *name) {
    struct place_line line;
    struct ns_token of;
    uint64_t type;
    uint32_t index;
    init_place_line(parser, name, NS_OBJECT_ALIAS, &line);
    if (!ns_parser_accept_word(parser, "of")) {
        return ns_parser_unexpected(parser, "an alias names its buffer: `alias NAME of BUFFER type nc`");
    }
    of = *ns_parser_token(parser);
    if (!ns_parser_take_name(parser, NS_NAME_OBJECT, &index, "`of` names a buffer or a struct")) {
        return false;
    }
    if (!ns_parser_accept_word(parser, "type")) {
        return ns_parser_unexpected(parser, "an alias has its own memory type: `type nc`");
    }
    if (!ns_parser_take_choice(parser, ns_type_choices, &type, "`type`") || !ns_parser_take_end(parser)) {
        return false;
    }
    if (index == NS_NONE) {
        return false;
    }
    const struct ns_object *original = &parser->scenario->objects[index];
    if (original->kind == NS_OBJECT_ALIAS) {
        ns_parser_error(parser, ns_parser_place(parser, &of), "`%s` is itself an alias; name `%s`", original->name,
                        parser->scenario->objects[original->of].name);
        return false;
    }
    if (parser->machine_known && parser->scenario->machine.attributes == NS_ATTRIBUTES_MPU) {
        ns_parser_error(parser, ns_parser_place(parser, name),
                        "a machine with an MPU has no page tables: nothing has a second address");
        return false;
    }
    struct ns_place place = line.object.place;
    line.object = *original;
    line.object.kind = NS_OBJECT_ALIAS;
    line.object.place = place;
    line.object.of = index;
    line.object.has_address = false;
    line.object.address = 0;
    line.object.zone = NS_ZONE_ANY;
    line.object.has_fill = false;
    line.object.fill = 0;
    line.object.has_type = true;
    line.object.type = (enum ns_memory_type)type;
    return add_object(parser, name, &line.object) != NULL;
}

/* ---- the pass -------------------------------------------------------------------------------- */

void ns_parser_declarations(struct ns_parser *parser) {
    static const struct {
        const char *word;
        const char *sentence;
        bool (*parse)(struct ns_parser *parser, const struct ns_token *name);
    } rows[] = {
        {"device", "a device needs a name: `device nic`", ns_parser_device},
        {"buffer", "a buffer needs a name: `buffer rx size 64`", parse_buffer},
        {"struct", "a struct needs a name: `struct descriptor`", parse_struct},
        {"pool", "a pool needs a name: `pool net buffers 64`", ns_parser_pool},
        {"alias", "an alias needs a name: `alias rx_nc of rx type nc`", parse_alias},
    };
    for (size_t i = 0; i < parser->line_count; i++) {
        if (parser->classes[i].class != NS_LINE_DECLARATION) {
            continue;
        }
        ns_parser_open_line(parser, i);
        struct ns_token word = *ns_parser_token(parser), name = {0};
        ns_parser_advance(parser);
        for (size_t row = 0; row < ROWS(rows); row++) {
            if (ns_token_is(&word, rows[row].word) &&
                ns_parser_take(parser, NS_TOKEN_WORD, &name, rows[row].sentence) && !rows[row].parse(parser, &name)) {
                ns_parser_spoil(parser, name.start, name.length);
            }
        }
        parser->muted = false;
    }
}
