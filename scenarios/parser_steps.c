/* SPDX-License-Identifier: Apache-2.0 */
/* Steps: who does what to which bytes. A new verb is a new row of `verbs`. */
#include "model/hazard.h"
#include "scenarios/parser.h"

#include <stdio.h>
#include <string.h>

#define ROWS(array)   (sizeof(array) / sizeof((array)[0]))
#define BUFFER_NEEDED "here stands a buffer, such as `rx` or `rx[0..4]`"

static const struct ns_choice directions[] = {{"to-device", NS_DIRECTION_TO_DEVICE},
                                              {"from-device", NS_DIRECTION_FROM_DEVICE},
                                              {"bidirectional", NS_DIRECTION_BIDIRECTIONAL},
                                              {NULL, 0}};

static bool at_end_of_options(const struct ns_parser *parser) {
    const struct ns_token *token = ns_parser_token(parser);
    return token->kind == NS_TOKEN_END || token->kind == NS_TOKEN_ARROW || ns_token_is(token, "expect");
}

/* ---- results --------------------------------------------------------------------------------------------- */

static bool take_result_name(struct ns_parser *parser, struct ns_token *name) {
    return ns_parser_take(parser, NS_TOKEN_WORD, name, "behind `->` stands the name that holds the result");
}

/* "-> NAME" for a register of `size` bytes (0: unknown). */
static bool take_register(struct ns_parser *parser, struct ns_step *step, uint64_t size, bool is_handle) {
    struct ns_scenario *scenario = parser->scenario;
    struct ns_token name;
    if (!take_result_name(parser, &name)) {
        return false;
    }
    struct ns_place place = ns_parser_place(parser, &name);
    if (size == 0) {
        if (!parser->failed) {
            ns_parser_error(parser, step->ref.place, "it is not certain how many bytes these are; write a range");
        }
        return true;
    }
    const struct ns_name *entry = ns_names_find(&parser->names, name.start, name.length);
    if (entry != NULL && entry->kind == NS_NAME_BAD) {
        parser->failed = true;
        return true;
    }
    if (entry != NULL && entry->kind == NS_NAME_REGISTER) {
        const struct ns_register *known = &scenario->registers[entry->index];
        if (known->is_handle != is_handle) {
            ns_parser_error(parser, place, "`%s` holds %s since line %u; take another name", known->name,
                            known->is_handle ? "a handle" : "data", (unsigned)entry->line);
        } else if (known->size != size) {
            ns_parser_error(parser, place, "`%s` holds %s bytes since line %u, not %s; take another name", known->name,
                            ns_number(known->size).text, (unsigned)entry->line, ns_number(size).text);
        }
        step->result = entry->index;
        return true;
    }
    uint32_t index = (uint32_t)scenario->register_count;
    if (index == NS_LIMIT_REGISTERS && entry == NULL) {
        ns_parser_error(parser, place, "a scenario has at most %u registers", NS_LIMIT_REGISTERS);
        return true;
    }
    if (ns_parser_declare(parser, &name, NS_NAME_REGISTER, index) == NULL) {
        parser->failed = true;
        return true;
    }
    char *text = ns_arena_text(parser->arena, name.start, name.length);
    parser->out_of_memory = parser->out_of_memory || text == NULL;
    scenario->registers[index] =
        (struct ns_register){.name = text, .place = place, .size = (uint32_t)size, .is_handle = is_handle};
    scenario->register_count++;
    step->result = index;
    return true;
}

/* "-> NAME" for an object that the step creates. `like` lacks name and place. */
static bool take_object(struct ns_parser *parser, struct ns_step *step, const struct ns_object *like,
                        const char *sentence) {
    struct ns_scenario *scenario = parser->scenario;
    struct ns_token name;
    if (!ns_parser_take(parser, NS_TOKEN_ARROW, NULL, sentence) || !take_result_name(parser, &name)) {
        return false;
    }
    if (parser->failed) {
        return true;
    }
    struct ns_place place = ns_parser_place(parser, &name);
    const struct ns_name *entry = ns_names_find(&parser->names, name.start, name.length);
    if (entry != NULL && entry->kind == NS_NAME_OBJECT && scenario->objects[entry->index].kind == NS_OBJECT_ALLOCATED) {
        const struct ns_object *known = &scenario->objects[entry->index];
        if (known->pool != like->pool || known->size != like->size || known->device != like->device ||
            known->stride != like->stride) {
            ns_parser_error(parser, place, "line %u takes `%s` from elsewhere or in another size; take another name",
                            (unsigned)entry->line, known->name);
        }
        step->result = entry->index;
        return true;
    }
    uint32_t index = (uint32_t)scenario->object_count;
    if (entry == NULL && index == NS_LIMIT_OBJECTS) {
        ns_parser_error(parser, place, "a scenario has at most %u buffers, structs and other objects",
                        NS_LIMIT_OBJECTS);
        return true;
    }
    if (parser->total_bytes + like->size > NS_LIMIT_TOTAL_BYTES) {
        ns_parser_error(parser, place, "with this one, the objects are larger than %s together",
                        ns_number(NS_LIMIT_TOTAL_BYTES).text);
        return true;
    }
    if (ns_parser_declare(parser, &name, NS_NAME_OBJECT, index) == NULL) {
        parser->failed = true;
        return true;
    }
    struct ns_object *object = &scenario->objects[index];
    *object = *like;
    object->name = ns_arena_text(parser->arena, name.start, name.length);
    object->place = place;
    parser->out_of_memory = parser->out_of_memory || object->name == NULL;
    parser->total_bytes += like->size;
    scenario->object_count++;
    step->result = index;
    return true;
}

/* ---- words of several verbs ------------------------------------------------------------------------------ */

/* Takes "for DEVICE", a direction, "size N", "skip-cpu-sync" in any order; which of them is possible is in `allowed`.
 */
enum { TAKES_FOR = 1u, TAKES_DIRECTION = 2u, TAKES_SIZE = 4u, TAKES_SKIP = 8u };

static void twice(struct ns_parser *parser, const struct ns_token *word, bool seen) {
    if (seen) {
        ns_parser_error(parser, ns_parser_place(parser, word), "`%.*s` is given twice", (int)word->length, word->start);
    }
}

static bool is_direction(const struct ns_token *token) {
    for (const struct ns_choice *choice = directions; choice->word != NULL; choice++) {
        if (ns_token_is(token, choice->word)) {
            return true;
        }
    }
    return false;
}

static bool unknown_mapping_option(struct ns_parser *parser, const char *verb, unsigned allowed) {
    const struct ns_token *token = ns_parser_token(parser);
    struct ns_nearest search;
    ns_nearest_start(&search, token->start, token->length);
    for (const struct ns_choice *choice = directions; choice->word != NULL; choice++) {
        ns_nearest_offer(&search, choice->word, strlen(choice->word));
    }
    static const char *const words[] = {"for", "size", "skip-cpu-sync", "expect"};
    for (size_t i = 0; i < ROWS(words); i++) {
        if ((i != 1 || (allowed & TAKES_SIZE) != 0) && (i != 2 || (allowed & TAKES_SKIP) != 0)) {
            ns_nearest_offer(&search, words[i], strlen(words[i]));
        }
    }
    if (token->kind == NS_TOKEN_WORD) {
        ns_parser_error_near(parser, ns_parser_place(parser, token), &search, "`%.*s` has no meaning for `%s`",
                             (int)token->length, token->start, verb);
        return false;
    }
    return ns_parser_unexpected(parser, "`%s` takes `for DEVICE` and a direction such as `from-device`", verb);
}

static bool take_mapping_options(struct ns_parser *parser, struct ns_step *step, unsigned allowed) {
    const char *verb = ns_verb_text(step->verb);
    bool has_device = false, has_direction = false;
    while (!at_end_of_options(parser)) {
        struct ns_token word = *ns_parser_token(parser);
        if (ns_parser_accept_word(parser, "for")) {
            twice(parser, &word, has_device);
            has_device = true;
            if (!ns_parser_take_name(parser, NS_NAME_DEVICE, &step->device, "`for` names a device")) {
                return false;
            }
        } else if (is_direction(&word)) {
            uint64_t direction = NS_DIRECTION_NONE;
            if (has_direction) {
                ns_parser_error(parser, ns_parser_place(parser, &word), "the direction is given twice");
            }
            has_direction = true;
            if (!ns_parser_take_choice(parser, directions, &direction, "the direction")) {
                return false;
            }
            step->direction = (enum ns_direction)direction;
        } else if ((allowed & TAKES_SIZE) != 0 && ns_parser_accept_word(parser, "size")) {
            twice(parser, &word, step->has_size);
            step->has_size = true;
            if (!ns_parser_take_number(parser, 1, NS_LIMIT_OBJECT_BYTES, &step->size, "`size`")) {
                return false;
            }
        } else if ((allowed & TAKES_SKIP) != 0 && ns_parser_accept_word(parser, "skip-cpu-sync")) {
            twice(parser, &word, step->skip_cpu_sync);
            step->skip_cpu_sync = true;
        } else {
            return unknown_mapping_option(parser, verb, allowed);
        }
    }
    if (step->verb == NS_VERB_MAP && !has_device) {
        ns_parser_error(parser, step->verb_place, "`map` needs a device: `map rx for nic from-device`");
    }
    if (step->verb == NS_VERB_MAP && !has_direction) {
        ns_parser_error_hint(parser, step->verb_place, "`to-device`, `from-device` or `bidirectional`",
                             "`map` needs a direction");
    }
    return true;
}

/* A hart of this machine: "cpu0". */
static bool is_hart_word(const struct ns_token *token) {
    if (token->kind != NS_TOKEN_WORD || token->length < 4 || strncmp(token->start, "cpu", 3) != 0) {
        return false;
    }
    for (uint32_t i = 3; i < token->length; i++) {
        if (token->start[i] < '0' || token->start[i] > '9') {
            return false;
        }
    }
    return true;
}

static uint32_t resolve_hart(struct ns_parser *parser, const struct ns_token *token) {
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

/* ---- harts ----------------------------------------------------------------------------------------------- */

static bool parse_nothing(struct ns_parser *parser, struct ns_step *step) {
    (void)parser;
    (void)step;
    return true;
}

static unsigned access_flags(const struct ns_step *step) {
    return NS_REF_IS_ACCESS | (step->actor_kind == NS_ACTOR_DEVICE ? NS_REF_MAY_BE_HANDLE : 0u);
}

static bool parse_load(struct ns_parser *parser, struct ns_step *step) {
    if (!ns_parser_ref(parser, access_flags(step), &step->ref, BUFFER_NEEDED)) {
        return false;
    }
    return !ns_parser_accept(parser, NS_TOKEN_ARROW) ||
           take_register(parser, step, ns_parser_ref_length(parser, &step->ref), false);
}

static bool parse_store(struct ns_parser *parser, struct ns_step *step) {
    return ns_parser_ref(parser, access_flags(step), &step->ref, BUFFER_NEEDED) &&
           ns_parser_value(parser, &step->ref, &step->value, ns_verb_text(step->verb));
}

static bool parse_copy(struct ns_parser *parser, struct ns_step *step) {
    if (!ns_parser_ref(parser, access_flags(step), &step->ref, BUFFER_NEEDED)) {
        return false;
    }
    if (!ns_parser_accept_word(parser, "to")) {
        return ns_parser_unexpected(parser, "`copy` names its destination: `copy a to b`");
    }
    if (!ns_parser_ref(parser, access_flags(step), &step->to, BUFFER_NEEDED)) {
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
static bool parse_maintenance(struct ns_parser *parser, struct ns_step *step) {
    static const struct ns_choice scopes[] = {{"l1", NS_SCOPE_L1}, {"poc", NS_SCOPE_POC}, {NULL, 0}};
    if (ns_parser_accept_word(parser, "all")) {
        step->whole_cache = true;
    } else if (!ns_parser_ref(parser, NS_REF_MAY_REACH_OUT, &step->ref, "here stands a buffer, or `all`")) {
        return false;
    }
    bool has_scope = false;
    for (;;) {
        struct ns_token word = *ns_parser_token(parser);
        if (ns_parser_accept_word(parser, "scope")) {
            uint64_t scope = NS_SCOPE_POC;
            twice(parser, &word, has_scope);
            has_scope = true;
            if (!ns_parser_take_choice(parser, scopes, &scope, "`scope`")) {
                return false;
            }
            step->scope = (enum ns_cache_scope)scope;
        } else if (!step->whole_cache && ns_parser_accept_word(parser, "by")) {
            twice(parser, &word, step->by_page);
            step->by_page = true;
            if (!ns_parser_accept_word(parser, "page")) {
                return ns_parser_unexpected(parser, "a range is widened with `by page`");
            }
        } else {
            return true;
        }
    }
}

static bool parse_line_operation(struct ns_parser *parser, struct ns_step *step) {
    return ns_parser_ref(parser, NS_REF_MAY_REACH_OUT | NS_REF_MAY_BE_POINT, &step->ref, BUFFER_NEEDED);
}

static bool parse_map(struct ns_parser *parser, struct ns_step *step) {
    if (!ns_parser_ref(parser, 0, &step->ref, BUFFER_NEEDED) ||
        !take_mapping_options(parser, step, TAKES_FOR | TAKES_DIRECTION | TAKES_SKIP)) {
        return false;
    }
    if (!ns_parser_accept(parser, NS_TOKEN_ARROW)) {
        return true;
    }
    size_t registers = parser->scenario->register_count;
    if (!take_register(parser, step, 8, true)) {
        return false;
    }
    if (step->result != NS_NONE) {
        uint64_t length = ns_parser_ref_length(parser, &step->ref);
        bool is_new = parser->scenario->register_count > registers;
        uint64_t *known = &parser->handle_length[step->result];
        *known = is_new || *known == length ? length : 0;
    }
    return true;
}

#define TARGET_NEEDED "here stands a buffer or the handle of a map"
static bool parse_unmap(struct ns_parser *parser, struct ns_step *step) {
    unsigned allowed = TAKES_FOR | TAKES_DIRECTION | (step->verb == NS_VERB_UNMAP ? TAKES_SIZE | TAKES_SKIP : 0u);
    return ns_parser_ref(parser, NS_REF_MAY_REACH_OUT | NS_REF_MAY_BE_HANDLE, &step->ref, TARGET_NEEDED) &&
           take_mapping_options(parser, step, allowed);
}

static struct ns_object allocated_object(uint32_t pool, uint32_t device, uint32_t size, uint32_t layout,
                                         const struct ns_scenario *scenario) {
    struct ns_object object = {.kind = NS_OBJECT_ALLOCATED,
                               .size = size,
                               .count = 1,
                               .stride = size,
                               .of = NS_NONE,
                               .pool = pool,
                               .device = device};
    if (layout != NS_NONE) {
        const struct ns_object *like = &scenario->objects[layout];
        object.fields = like->fields;
        object.field_count = like->field_count;
        object.stride = like->stride;
        object.descriptor = like->descriptor;
    }
    return object;
}

static bool parse_alloc(struct ns_parser *parser, struct ns_step *step) {
    struct ns_object object = {.kind = NS_OBJECT_ALLOCATED};
    if (!ns_parser_take_name(parser, NS_NAME_POOL, &step->pool, "`alloc` names a pool: `alloc net -> pkt`")) {
        return false;
    }
    if (step->pool != NS_NONE) {
        const struct ns_pool_declaration *pool = &parser->scenario->pools[step->pool];
        object = allocated_object(step->pool, NS_NONE, pool->size, pool->kind == NS_POOL_BLOCKS ? pool->of : NS_NONE,
                                  parser->scenario);
    }
    return take_object(parser, step, &object, "`alloc` names what it takes: `alloc net -> pkt`");
}

static bool parse_free(struct ns_parser *parser, struct ns_step *step) {
    struct ns_token name = *ns_parser_token(parser);
    uint32_t index;
    if (!ns_parser_take_name(parser, NS_NAME_OBJECT, &index, "`free` names what was allocated")) {
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
    }
    return true;
}

struct coherent_line {
    struct ns_step *step;
    uint64_t size;
    uint32_t of;
    struct ns_place size_place, of_place;
    bool has_of;
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

static bool parse_skip_flush(struct ns_parser *parser, void *target) {
    struct coherent_line *line = target;
    (void)parser;
    line->step->skip_flush = true;
    return true;
}

static const struct ns_option coherent_options[] = {
    {"for", NS_OPTION_CUSTOM, 0, 0, 0, 0, false, NULL, NULL, NS_NO_OFFSET, parse_coherent_for, false},
    {"size", NS_OPTION_CUSTOM, 0, 0, 0, 0, false, NULL, NULL, NS_NO_OFFSET, parse_coherent_size, false},
    {"of", NS_OPTION_CUSTOM, 0, 0, 0, 0, false, NULL, NULL, NS_NO_OFFSET, parse_coherent_of, false},
    {"skip-flush", NS_OPTION_CUSTOM, 0, 0, 0, 0, false, NULL, NULL, NS_NO_OFFSET, parse_skip_flush, false},
};

static bool parse_alloc_coherent(struct ns_parser *parser, struct ns_step *step) {
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
    struct ns_object object = allocated_object(NS_NONE, step->device, (uint32_t)line.size, line.of, parser->scenario);
    object.count = count > 0 ? count : 1;
    object.descriptor = object.descriptor || count > 1;
    return take_object(parser, step, &object, "`alloc-coherent` names what it takes: `-> ring`");
}

static bool parse_set_attr(struct ns_parser *parser, struct ns_step *step) {
    uint64_t type;
    if (!ns_parser_ref(parser, 0, &step->ref, BUFFER_NEEDED) ||
        !ns_parser_take_choice(parser, ns_type_choices, &type, "the memory type")) {
        return false;
    }
    step->type = (enum ns_memory_type)type;
    return true;
}

static bool parse_sfence(struct ns_parser *parser, struct ns_step *step) {
    return at_end_of_options(parser) ||
           ns_parser_ref(parser, NS_REF_MAY_REACH_OUT | NS_REF_MAY_BE_POINT, &step->ref, BUFFER_NEEDED);
}

static bool parse_device_verb(struct ns_parser *parser, struct ns_step *step) {
    return ns_parser_take_name(parser, NS_NAME_DEVICE, &step->device,
                               step->verb == NS_VERB_DOORBELL ? "`doorbell` names a device"
                                                              : "`mmio-read` names a device");
}

static bool parse_poll(struct ns_parser *parser, struct ns_step *step) {
    if (!ns_parser_ref(parser, access_flags(step), &step->ref, BUFFER_NEEDED)) {
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

static bool parse_wait(struct ns_parser *parser, struct ns_step *step) {
    return ns_parser_take_name(parser, NS_NAME_IRQ, &step->irq, "`wait` names an interrupt");
}

/* ---- devices --------------------------------------------------------------------------------------------- */

static bool take_using_physical(struct ns_parser *parser, struct ns_step *step) {
    struct ns_token word = *ns_parser_token(parser);
    if (!ns_parser_accept_word(parser, "using")) {
        return true;
    }
    twice(parser, &word, step->using_physical);
    step->using_physical = true;
    if (!ns_parser_accept_word(parser, "physical")) {
        return ns_parser_unexpected(parser, "`using` is followed by `physical`");
    }
    if (step->ref.kind == NS_REF_ADDRESS) {
        ns_parser_error(parser, ns_parser_place(parser, &word), "`using physical` needs a buffer, not an address");
    }
    return true;
}

static bool parse_read(struct ns_parser *parser, struct ns_step *step) {
    if (!ns_parser_ref(parser, access_flags(step), &step->ref, TARGET_NEEDED) || !take_using_physical(parser, step)) {
        return false;
    }
    if (ns_parser_accept(parser, NS_TOKEN_ARROW) &&
        !take_register(parser, step, ns_parser_ref_length(parser, &step->ref), false)) {
        return false;
    }
    return take_using_physical(parser, step);
}

static bool parse_write(struct ns_parser *parser, struct ns_step *step) {
    return ns_parser_ref(parser, access_flags(step), &step->ref, TARGET_NEEDED) && take_using_physical(parser, step) &&
           ns_parser_value(parser, &step->ref, &step->value, "write") && take_using_physical(parser, step);
}

static bool parse_raise(struct ns_parser *parser, struct ns_step *step) {
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

/* ---- hardware -------------------------------------------------------------------------------------------- */

static bool parse_hart_line(struct ns_parser *parser, struct ns_step *step) {
    struct ns_token hart = *ns_parser_token(parser);
    if (!is_hart_word(&hart)) {
        return ns_parser_unexpected(parser, "`%s` names the hart first: `%s cpu0 rx`", ns_verb_text(step->verb),
                                    ns_verb_text(step->verb));
    }
    ns_parser_advance(parser);
    step->hart = resolve_hart(parser, &hart);
    return ns_parser_ref(parser, NS_REF_MAY_BE_POINT | NS_REF_IS_ACCESS, &step->ref, BUFFER_NEEDED);
}

static bool parse_drain(struct ns_parser *parser, struct ns_step *step) {
    struct ns_token owner = *ns_parser_token(parser);
    if (is_hart_word(&owner)) {
        ns_parser_advance(parser);
        step->hart = resolve_hart(parser, &owner);
    } else if (!ns_parser_take_name(parser, NS_NAME_DEVICE, &step->device,
                                    "`drain` names a hart or a device: `drain cpu0`")) {
        return false;
    }
    return at_end_of_options(parser) ||
           ns_parser_ref(parser, NS_REF_MAY_BE_POINT | NS_REF_IS_ACCESS, &step->ref, BUFFER_NEEDED);
}

/* ---- the table ------------------------------------------------------------------------------------------- */

struct verb_row {
    const char *word;
    enum ns_actor_kind actor;
    enum ns_verb verb;
    enum ns_instruction instruction; /* CBO, DCACHE, SYNC */
    bool (*parse)(struct ns_parser *parser, struct ns_step *step);
};

#define HART   NS_ACTOR_HART
#define DEVICE NS_ACTOR_DEVICE
#define HW     NS_ACTOR_HARDWARE
static const struct verb_row verbs[] = {
    {"load", HART, NS_VERB_LOAD, 0, parse_load},
    {"store", HART, NS_VERB_STORE, 0, parse_store},
    {"map", HART, NS_VERB_MAP, 0, parse_map},
    {"unmap", HART, NS_VERB_UNMAP, 0, parse_unmap},
    {"read", DEVICE, NS_VERB_READ, 0, parse_read},
    {"write", DEVICE, NS_VERB_WRITE, 0, parse_write},
    {"raise", DEVICE, NS_VERB_RAISE, 0, parse_raise},
    {"wait", HART, NS_VERB_WAIT, 0, parse_wait},
    {"copy", HART, NS_VERB_COPY, 0, parse_copy},
    {"fence", HART, NS_VERB_FENCE, 0, parse_nothing},
    {"clean", HART, NS_VERB_CLEAN, 0, parse_maintenance},
    {"invalidate", HART, NS_VERB_INVALIDATE, 0, parse_maintenance},
    {"flush", HART, NS_VERB_FLUSH, 0, parse_maintenance},
    {"sync-for-cpu", HART, NS_VERB_SYNC_FOR_CPU, 0, parse_unmap},
    {"sync-for-device", HART, NS_VERB_SYNC_FOR_DEVICE, 0, parse_unmap},
    {"alloc", HART, NS_VERB_ALLOC, 0, parse_alloc},
    {"free", HART, NS_VERB_FREE, 0, parse_free},
    {"alloc-coherent", HART, NS_VERB_ALLOC_COHERENT, 0, parse_alloc_coherent},
    {"set-attr", HART, NS_VERB_SET_ATTR, 0, parse_set_attr},
    {"sfence", HART, NS_VERB_SFENCE, 0, parse_sfence},
    {"doorbell", HART, NS_VERB_DOORBELL, 0, parse_device_verb},
    {"mmio-read", HART, NS_VERB_MMIO_READ, 0, parse_device_verb},
    {"poll", HART, NS_VERB_POLL, 0, parse_poll},
    {"cbo.clean", HART, NS_VERB_CBO, NS_CBO_CLEAN, parse_line_operation},
    {"cbo.inval", HART, NS_VERB_CBO, NS_CBO_INVAL, parse_line_operation},
    {"cbo.flush", HART, NS_VERB_CBO, NS_CBO_FLUSH, parse_line_operation},
    {"cbo.zero", HART, NS_VERB_CBO, NS_CBO_ZERO, parse_line_operation},
    {"dcache.cva", HART, NS_VERB_DCACHE, NS_DCACHE_CVA, parse_line_operation},
    {"dcache.cval1", HART, NS_VERB_DCACHE, NS_DCACHE_CVAL1, parse_line_operation},
    {"dcache.civa", HART, NS_VERB_DCACHE, NS_DCACHE_CIVA, parse_line_operation},
    {"dcache.iva", HART, NS_VERB_DCACHE, NS_DCACHE_IVA, parse_line_operation},
    {"dcache.cpa", HART, NS_VERB_DCACHE, NS_DCACHE_CPA, parse_line_operation},
    {"dcache.cpal1", HART, NS_VERB_DCACHE, NS_DCACHE_CPAL1, parse_line_operation},
    {"dcache.cipa", HART, NS_VERB_DCACHE, NS_DCACHE_CIPA, parse_line_operation},
    {"dcache.ipa", HART, NS_VERB_DCACHE, NS_DCACHE_IPA, parse_line_operation},
    {"dcache.call", HART, NS_VERB_DCACHE, NS_DCACHE_CALL, parse_nothing},
    {"dcache.ciall", HART, NS_VERB_DCACHE, NS_DCACHE_CIALL, parse_nothing},
    {"dcache.iall", HART, NS_VERB_DCACHE, NS_DCACHE_IALL, parse_nothing},
    {"sync", HART, NS_VERB_SYNC, NS_SYNC, parse_nothing},
    {"sync.s", HART, NS_VERB_SYNC, NS_SYNC_S, parse_nothing},
    {"sync.i", HART, NS_VERB_SYNC, NS_SYNC_I, parse_nothing},
    {"sync.is", HART, NS_VERB_SYNC, NS_SYNC_IS, parse_nothing},
    {"copy", DEVICE, NS_VERB_COPY, 0, parse_copy},
    {"start", DEVICE, NS_VERB_START, 0, parse_nothing},
    {"poll", DEVICE, NS_VERB_POLL, 0, parse_poll},
    {"flush", DEVICE, NS_VERB_DEVICE_FLUSH, 0, parse_nothing},
    {"prefetch", HW, NS_VERB_PREFETCH, 0, parse_hart_line},
    {"evict", HW, NS_VERB_EVICT, 0, parse_hart_line},
    {"sample", HW, NS_VERB_SAMPLE, 0, parse_hart_line},
    {"install", HW, NS_VERB_INSTALL, 0, parse_hart_line},
    {"speculative-store", HW, NS_VERB_SPECULATIVE_STORE, 0, parse_hart_line},
    {"drain", HW, NS_VERB_DRAIN, 0, parse_drain},
};

static const char *actor_text(enum ns_actor_kind kind) {
    return kind == NS_ACTOR_HART ? "a hart" : kind == NS_ACTOR_DEVICE ? "a device" : "`hw`";
}

static void unknown_verb(struct ns_parser *parser, const struct ns_token *word, enum ns_actor_kind actor) {
    static const char *const counterparts[][2] = {{"load", "read"}, {"store", "write"}};
    struct ns_place place = ns_parser_place(parser, word);
    struct ns_nearest search;
    ns_nearest_start(&search, word->start, word->length);
    for (size_t i = 0; i < ROWS(verbs); i++) {
        if (verbs[i].actor == actor) {
            ns_nearest_offer(&search, verbs[i].word, strlen(verbs[i].word));
        }
    }
    for (size_t i = 0; i < ROWS(verbs); i++) {
        if (!ns_token_is(word, verbs[i].word)) {
            continue;
        }
        char hint[64];
        const char *other = NULL;
        for (size_t row = 0; row < ROWS(counterparts); row++) {
            if (actor == NS_ACTOR_DEVICE && ns_token_is(word, counterparts[row][0])) {
                other = counterparts[row][1];
            } else if (actor == NS_ACTOR_HART && ns_token_is(word, counterparts[row][1])) {
                other = counterparts[row][0];
            }
        }
        if (other != NULL) {
            snprintf(hint, sizeof hint, "%s says `%s`", actor_text(actor), other);
        }
        ns_parser_error_hint(parser, place, other != NULL ? hint : NULL, "`%.*s` is for %s, not for %s",
                             (int)word->length, word->start, actor_text(verbs[i].actor), actor_text(actor));
        return;
    }
    ns_parser_error_near(parser, place, &search, "%s has no verb `%.*s`", actor_text(actor), (int)word->length,
                         word->start);
}

static bool parse_expectations(struct ns_parser *parser, struct ns_step *step) {
    do {
        struct ns_token id;
        if (!ns_parser_take(parser, NS_TOKEN_WORD, &id, "`expect` names a hazard, such as `expect DC-REFETCH`")) {
            return false;
        }
        struct ns_place place = ns_parser_place(parser, &id);
        char name[NS_LIMIT_NAME_BYTES + 1];
        memcpy(name, id.start, id.length);
        name[id.length] = '\0';
        enum ns_hazard_id hazard = ns_hazard_by_name(name);
        if (hazard == NS_HAZARD_NONE) {
            struct ns_nearest search;
            ns_nearest_start(&search, id.start, id.length);
            for (int i = NS_HAZARD_NONE + 1; i < NS_HAZARD_COUNT; i++) {
                const struct ns_hazard_entry *text = ns_hazard_text((enum ns_hazard_id)i);
                if (text != NULL) {
                    ns_nearest_offer(&search, text->id, strlen(text->id));
                }
            }
            ns_parser_error_near(parser, place, &search, "no hazard is called `%s`", name);
        } else if (step->expect_count == NS_LIMIT_EXPECTATIONS) {
            ns_parser_error(parser, place, "a step expects at most %u hazards", NS_LIMIT_EXPECTATIONS);
            return false;
        } else {
            step->expect[step->expect_count] = (uint16_t)hazard;
            step->expect_place[step->expect_count++] = place;
        }
    } while (ns_parser_accept(parser, NS_TOKEN_COMMA));
    return true;
}

/* Sets the actor. Returns false when it is unknown: the verb then says nothing. */
static bool parse_actor(struct ns_parser *parser, struct ns_step *step) {
    struct ns_token word = *ns_parser_token(parser);
    step->actor_place = ns_parser_place(parser, &word);
    ns_parser_advance(parser);
    ns_parser_advance(parser); /* the colon: the scan has seen it */
    if (is_hart_word(&word)) {
        step->actor_kind = NS_ACTOR_HART;
        step->actor = resolve_hart(parser, &word);
        return true;
    }
    if (ns_token_is(&word, "hw")) {
        step->actor_kind = NS_ACTOR_HARDWARE;
        return true;
    }
    step->actor_kind = NS_ACTOR_DEVICE;
    const struct ns_name *entry = ns_names_find(&parser->names, word.start, word.length);
    if (entry != NULL && entry->kind == NS_NAME_DEVICE) {
        step->actor = entry->index;
        return true;
    }
    parser->failed = true;
    if (entry != NULL && entry->kind == NS_NAME_BAD) {
        return false;
    }
    if (entry != NULL) {
        ns_parser_error(parser, step->actor_place, "`%.*s` is %s; actors are harts, devices and `hw`", (int)word.length,
                        word.start, ns_name_kind_text(entry->kind));
        return false;
    }
    struct ns_nearest search;
    ns_nearest_start(&search, word.start, word.length);
    for (size_t i = 0; i < parser->names.count; i++) {
        if (parser->names.entries[i].kind == NS_NAME_DEVICE) {
            ns_nearest_offer(&search, parser->names.entries[i].text, parser->names.entries[i].length);
        }
    }
    if (search.best == NULL) {
        ns_nearest_offer(&search, "cpu0", 4);
    }
    ns_parser_error_near(parser, step->actor_place, &search, "no device is called `%.*s`", (int)word.length,
                         word.start);
    return false;
}

static bool parse_step(struct ns_parser *parser, struct ns_step *step) {
    if (!parse_actor(parser, step)) {
        return false;
    }
    if (ns_parser_token(parser)->kind != NS_TOKEN_WORD) {
        return ns_parser_unexpected(parser, "behind `:` stands what the actor does");
    }
    ns_lexer_join_dots(&parser->lexer);
    struct ns_token word = *ns_parser_token(parser);
    step->verb_place = ns_parser_place(parser, &word);
    for (size_t i = 0; i < ROWS(verbs); i++) {
        const struct verb_row *row = &verbs[i];
        if (row->actor == step->actor_kind && row->word[0] == word.start[0] && ns_token_is(&word, row->word)) {
            ns_parser_advance(parser);
            step->verb = row->verb;
            step->instruction = row->instruction;
            if (!row->parse(parser, step) ||
                (ns_parser_accept_word(parser, "expect") && !parse_expectations(parser, step))) {
                return false;
            }
            return ns_parser_take_end(parser);
        }
    }
    unknown_verb(parser, &word, step->actor_kind);
    return false;
}

/* ---- the pass -------------------------------------------------------------------------------------------- */

/* Open repeats: index 0 is the whole program. */
struct block {
    size_t entry; /* in the program */
    uint64_t steps;
    struct ns_place place;
};
struct blocks {
    struct block open[NS_LIMIT_REPEAT_DEPTH + 1];
    uint32_t depth, too_deep;
};

static void add_entry(struct ns_parser *parser, struct ns_program_entry entry) {
    struct ns_program_entry *grown =
        ns_parser_grow(parser, parser->program, parser->program_count, &parser->program_capacity, sizeof *grown);
    if (grown != NULL) {
        parser->program = grown;
        parser->program[parser->program_count++] = entry;
    }
}

static void add_steps(struct ns_parser *parser, struct blocks *blocks, uint64_t count, struct ns_place place) {
    struct block *block = &blocks->open[blocks->depth];
    block->steps += count;
    if (block->steps > NS_LIMIT_STEPS && !parser->blocks_broken) {
        ns_parser_error(parser, place, "with `repeat` written out, the scenario has more than %u steps",
                        NS_LIMIT_STEPS);
        parser->blocks_broken = true;
    }
    if (block->steps > NS_LIMIT_STEPS) {
        block->steps = 0;
    }
}

static void open_repeat(struct ns_parser *parser, struct blocks *blocks) {
    uint64_t count = 1;
    struct ns_place place = ns_parser_place(parser, ns_parser_token(parser));
    ns_parser_advance(parser);
    if (ns_parser_take_number(parser, 1, NS_LIMIT_REPEAT, &count, "`repeat`")) {
        ns_parser_take_end(parser);
    }
    if (blocks->depth == NS_LIMIT_REPEAT_DEPTH) {
        blocks->too_deep++;
        return;
    }
    blocks->depth++;
    blocks->open[blocks->depth] = (struct block){.entry = parser->program_count, .place = place};
    add_entry(parser, (struct ns_program_entry){.kind = NS_PROGRAM_REPEAT, .number = (uint32_t)count});
}

static void close_repeat(struct ns_parser *parser, struct blocks *blocks) {
    ns_parser_advance(parser);
    ns_parser_take_end(parser);
    if (blocks->too_deep > 0) {
        blocks->too_deep--;
        return;
    }
    if (blocks->depth == 0) {
        return;
    }
    struct block block = blocks->open[blocks->depth--];
    struct ns_program_entry *repeat = &parser->program[block.entry];
    repeat->end = (uint32_t)parser->program_count;
    repeat->total = (uint32_t)block.steps;
    uint64_t steps = block.steps * repeat->number;
    add_entry(parser, (struct ns_program_entry){.kind = NS_PROGRAM_END});
    add_steps(parser, blocks, steps, block.place);
}

static void add_step(struct ns_parser *parser, struct blocks *blocks) {
    struct ns_scenario *scenario = parser->scenario;
    struct ns_step *grown =
        ns_parser_grow(parser, scenario->written, scenario->written_count, &parser->written_capacity, sizeof *grown);
    if (grown == NULL) {
        return;
    }
    scenario->written = grown;
    struct ns_step *step = &grown[scenario->written_count];
    static const struct ns_ref no_ref = {.index = NS_NONE, .element = NS_NONE, .field = NS_NONE};
    memset(step, 0, sizeof *step);
    step->line = (uint32_t)parser->line + 1;
    step->ref = no_ref;
    step->to = no_ref;
    step->value.index = NS_NONE;
    step->result = NS_NONE;
    step->device = NS_NONE;
    step->hart = NS_NONE;
    step->irq = NS_NONE;
    step->pool = NS_NONE;
    step->scope = NS_SCOPE_POC;
    struct ns_place place = ns_parser_place(parser, ns_parser_token(parser));
    if (!parse_step(parser, step) || parser->failed) {
        ns_parser_spoil_results(parser);
        add_steps(parser, blocks, 1, place);
        return;
    }
    add_entry(parser, (struct ns_program_entry){.kind = NS_PROGRAM_STEP, .number = (uint32_t)scenario->written_count});
    scenario->written_count++;
    add_steps(parser, blocks, 1, place);
}

void ns_parser_steps(struct ns_parser *parser) {
    struct blocks blocks = {.depth = 0};
    for (size_t i = 0; i < parser->line_count && !parser->out_of_memory; i++) {
        enum ns_line_class class = (enum ns_line_class)parser->classes[i].class;
        if (class != NS_LINE_STEP && class != NS_LINE_REPEAT && class != NS_LINE_END) {
            continue;
        }
        ns_parser_open_line(parser, i);
        if (class == NS_LINE_STEP) {
            add_step(parser, &blocks);
        } else if (class == NS_LINE_REPEAT) {
            open_repeat(parser, &blocks);
        } else {
            close_repeat(parser, &blocks);
        }
    }
}
