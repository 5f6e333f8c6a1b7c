/* SPDX-License-Identifier: Apache-2.0 */
/* What a step leaves behind (`-> NAME`), and words that several verbs share. */
#include "scenarios/parser_actions.h"

bool ns_parser_at_end_of_options(const struct ns_parser *parser) {
    const struct ns_token *token = ns_parser_token(parser);
    return token->kind == NS_TOKEN_END || token->kind == NS_TOKEN_ARROW || ns_token_is(token, "expect");
}

void ns_parser_twice(struct ns_parser *parser, const struct ns_token *word, bool seen) {
    if (seen) {
        ns_parser_error(parser, ns_parser_place(parser, word), "`%.*s` is given twice", (int)word->length, word->start);
    }
}

/* ---- results --------------------------------------------------------------------------------- */

bool ns_parser_take_result_name(struct ns_parser *parser, struct ns_token *name) {
    return ns_parser_take(parser, NS_TOKEN_WORD, name, "behind `->` stands the name that holds the result");
}

/* "-> NAME" for a register of `size` bytes (0: unknown). */
bool ns_parser_take_register(struct ns_parser *parser, struct ns_step *step, uint64_t size, bool is_handle) {
    struct ns_scenario *scenario = parser->scenario;
    struct ns_token name;
    if (!ns_parser_take_result_name(parser, &name)) {
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
bool ns_parser_take_object(struct ns_parser *parser, struct ns_step *step, const struct ns_object *like,
                           const char *sentence) {
    struct ns_scenario *scenario = parser->scenario;
    struct ns_token name;
    if (!ns_parser_take(parser, NS_TOKEN_ARROW, NULL, sentence) || !ns_parser_take_result_name(parser, &name)) {
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
            known->allocation != like->allocation || known->attributes != like->attributes ||
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
