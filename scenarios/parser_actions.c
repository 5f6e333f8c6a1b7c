/* SPDX-License-Identifier: Apache-2.0 */
/* What stands behind each verb. */
#include "scenarios/parser_actions.h"

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

/* ---- results --------------------------------------------------------------------------------- */

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

/* ---- words of several verbs ------------------------------------------------------------------ */

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

uint32_t ns_parser_hart(struct ns_parser *parser, const struct ns_token *token) {
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

/* ---- harts ----------------------------------------------------------------------------------- */

bool ns_parse_nothing(struct ns_parser *parser, struct ns_step *step) {
    (void)parser;
    (void)step;
    return true;
}

static unsigned access_flags(const struct ns_step *step) {
    return NS_REF_IS_ACCESS | (step->actor_kind == NS_ACTOR_DEVICE ? NS_REF_MAY_BE_HANDLE : 0u);
}

bool ns_parse_load(struct ns_parser *parser, struct ns_step *step) {
    if (!ns_parser_ref(parser, access_flags(step), &step->ref, BUFFER_NEEDED)) {
        return false;
    }
    return !ns_parser_accept(parser, NS_TOKEN_ARROW) ||
           take_register(parser, step, ns_parser_ref_length(parser, &step->ref), false);
}

bool ns_parse_store(struct ns_parser *parser, struct ns_step *step) {
    return ns_parser_ref(parser, access_flags(step), &step->ref, BUFFER_NEEDED) &&
           ns_parser_value(parser, &step->ref, &step->value, ns_verb_text(step->verb));
}

bool ns_parse_copy(struct ns_parser *parser, struct ns_step *step) {
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
bool ns_parse_maintenance(struct ns_parser *parser, struct ns_step *step) {
    static const struct ns_choice scopes[] = {
        {"l1", NS_SCOPE_L1}, {"outer", NS_SCOPE_OUTER}, {"poc", NS_SCOPE_POC}, {NULL, 0}};
    if (ns_parser_accept_word(parser, "all")) {
        step->whole_cache = true;
    } else if (!ns_parser_ref(parser, NS_REF_MAY_REACH_OUT | NS_REF_MAY_BE_EMPTY, &step->ref,
                              "here stands a buffer, or `all`")) {
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

bool ns_parse_line_operation(struct ns_parser *parser, struct ns_step *step) {
    return ns_parser_ref(parser, NS_REF_MAY_REACH_OUT | NS_REF_MAY_BE_POINT, &step->ref, BUFFER_NEEDED);
}

bool ns_parse_map(struct ns_parser *parser, struct ns_step *step) {
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
bool ns_parse_unmap(struct ns_parser *parser, struct ns_step *step) {
    if (parser->scenario->device_count == 0) {
        ns_parser_error(parser, step->verb_place, "nothing can be mapped here: the scenario declares no device");
    }
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

bool ns_parse_alloc(struct ns_parser *parser, struct ns_step *step) {
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

bool ns_parse_free(struct ns_parser *parser, struct ns_step *step) {
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
    struct ns_object object = allocated_object(NS_NONE, step->device, (uint32_t)line.size, line.of, parser->scenario);
    object.count = count > 0 ? count : 1;
    object.descriptor = object.descriptor || count > 1;
    return take_object(parser, step, &object, "`alloc-coherent` names what it takes: `-> ring`");
}

bool ns_parse_set_attr(struct ns_parser *parser, struct ns_step *step) {
    uint64_t type;
    if (!ns_parser_ref(parser, 0, &step->ref, BUFFER_NEEDED) ||
        !ns_parser_take_choice(parser, ns_type_choices, &type, "the memory type")) {
        return false;
    }
    step->type = (enum ns_memory_type)type;
    return true;
}

bool ns_parse_sfence(struct ns_parser *parser, struct ns_step *step) {
    return at_end_of_options(parser) ||
           ns_parser_ref(parser, NS_REF_MAY_REACH_OUT | NS_REF_MAY_BE_POINT, &step->ref, BUFFER_NEEDED);
}

bool ns_parse_device_verb(struct ns_parser *parser, struct ns_step *step) {
    return ns_parser_take_name(parser, NS_NAME_DEVICE, &step->device,
                               step->verb == NS_VERB_DOORBELL ? "`doorbell` names a device"
                                                              : "`mmio-read` names a device");
}

bool ns_parse_poll(struct ns_parser *parser, struct ns_step *step) {
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

bool ns_parse_wait(struct ns_parser *parser, struct ns_step *step) {
    return ns_parser_take_name(parser, NS_NAME_IRQ, &step->irq, "`wait` names an interrupt");
}

/* ---- devices --------------------------------------------------------------------------------- */

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

bool ns_parse_read(struct ns_parser *parser, struct ns_step *step) {
    if (!ns_parser_ref(parser, access_flags(step), &step->ref, TARGET_NEEDED) || !take_using_physical(parser, step)) {
        return false;
    }
    if (ns_parser_accept(parser, NS_TOKEN_ARROW) &&
        !take_register(parser, step, ns_parser_ref_length(parser, &step->ref), false)) {
        return false;
    }
    return take_using_physical(parser, step);
}

bool ns_parse_write(struct ns_parser *parser, struct ns_step *step) {
    return ns_parser_ref(parser, access_flags(step), &step->ref, TARGET_NEEDED) && take_using_physical(parser, step) &&
           ns_parser_value(parser, &step->ref, &step->value, "write") && take_using_physical(parser, step);
}

bool ns_parse_raise(struct ns_parser *parser, struct ns_step *step) {
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

/* ---- hardware -------------------------------------------------------------------------------- */

bool ns_parse_hart_line(struct ns_parser *parser, struct ns_step *step) {
    struct ns_token hart = *ns_parser_token(parser);
    if (!ns_is_hart_word(&hart)) {
        return ns_parser_unexpected(parser, "`%s` names the hart first: `%s cpu0 rx`", ns_verb_text(step->verb),
                                    ns_verb_text(step->verb));
    }
    ns_parser_advance(parser);
    step->hart = ns_parser_hart(parser, &hart);
    return ns_parser_ref(parser, NS_REF_MAY_BE_POINT | NS_REF_IS_ACCESS, &step->ref, BUFFER_NEEDED);
}

bool ns_parse_drain(struct ns_parser *parser, struct ns_step *step) {
    struct ns_token owner = *ns_parser_token(parser);
    if (ns_is_hart_word(&owner)) {
        ns_parser_advance(parser);
        step->hart = ns_parser_hart(parser, &owner);
    } else if (!ns_parser_take_name(parser, NS_NAME_DEVICE, &step->device,
                                    "`drain` names a hart or a device: `drain cpu0`")) {
        return false;
    }
    return at_end_of_options(parser) ||
           ns_parser_ref(parser, NS_REF_MAY_BE_POINT | NS_REF_IS_ACCESS, &step->ref, BUFFER_NEEDED);
}
