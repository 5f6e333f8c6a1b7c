/* SPDX-License-Identifier: Apache-2.0 */
/* References to bytes, and the values that go there. */
#include "scenarios/parser.h"

#include <stdio.h>
#include <string.h>

/* What a reference says before it is looked up. */
struct written_ref {
    struct ns_token name; /* WORD, or AT for an address */
    uint64_t address;
    bool has_element, has_field, has_range, negative;
    struct ns_token element, field;
    struct ns_token range; /* from [ to ] */
    uint64_t first, end;   /* of the range; first is subtracted when `negative` */
};

static const char *consume(struct ns_parser *parser) {
    const struct ns_token *token = ns_parser_token(parser);
    const char *end = token->start + token->length;
    ns_parser_advance(parser);
    return end;
}

static void set_end(struct ns_token *token, const char *end) {
    token->length = (uint32_t)(end - token->start);
}

/* "[2]" (only when `element_possible`) or "[a..b]". The current token is "[". */
static bool parse_bracket(struct ns_parser *parser, bool element_possible, struct written_ref *written,
                          const char **end) {
    struct ns_token open = *ns_parser_token(parser);
    ns_parser_advance(parser);
    bool negative = ns_parser_accept(parser, NS_TOKEN_MINUS);
    struct ns_token first, last;
    if (!ns_parser_take(parser, NS_TOKEN_NUMBER, &first, "between `[` and `]` stand bytes, such as `[0..4]`")) {
        return false;
    }
    if (ns_parser_token(parser)->kind == NS_TOKEN_CLOSE) {
        *end = consume(parser);
        if (element_possible && !negative) {
            written->has_element = true;
            written->element = first;
            return true;
        }
        struct ns_token whole = open;
        set_end(&whole, *end);
        ns_parser_error(parser, ns_parser_place(parser, &whole), "bytes are given by two numbers, such as `[0..4]`");
        return false;
    }
    if (!ns_parser_take(parser, NS_TOKEN_DOTS, NULL,
                        "between the first byte and the end stands `..`, as in `[0..4]`")) {
        return false;
    }
    if (ns_parser_token(parser)->kind == NS_TOKEN_MINUS) {
        return ns_parser_unexpected(parser, "the end of a range cannot be negative");
    }
    if (!ns_parser_take(parser, NS_TOKEN_NUMBER, &last, "behind `..` stands the end: `[0..4]` are four bytes")) {
        return false;
    }
    if (ns_parser_token(parser)->kind != NS_TOKEN_CLOSE) {
        return ns_parser_unexpected(parser, "a range ends with `]`");
    }
    *end = consume(parser);
    written->has_range = true;
    written->negative = negative && first.number > 0;
    written->range = open;
    set_end(&written->range, *end);
    written->first = first.number;
    written->end = last.number;
    return true;
}

static bool parse_written(struct ns_parser *parser, struct written_ref *written, const char *sentence,
                          const char **end) {
    memset(written, 0, sizeof *written);
    written->name = *ns_parser_token(parser);
    if (written->name.kind == NS_TOKEN_AT) {
        struct ns_token number;
        ns_parser_advance(parser);
        *end = ns_parser_token(parser)->start + ns_parser_token(parser)->length;
        if (!ns_parser_take(parser, NS_TOKEN_NUMBER, &number, "behind `@` stands an address: `@0x8000_0000[0..4]`")) {
            return false;
        }
        written->address = number.number;
        return ns_parser_token(parser)->kind != NS_TOKEN_OPEN || parse_bracket(parser, false, written, end);
    }
    if (written->name.kind != NS_TOKEN_WORD) {
        return ns_parser_unexpected(parser, "%s", sentence);
    }
    *end = consume(parser);
    if (ns_parser_token(parser)->kind == NS_TOKEN_OPEN && !parse_bracket(parser, true, written, end)) {
        return false;
    }
    while (!written->has_range && ns_parser_accept(parser, NS_TOKEN_DOT)) {
        struct ns_token field;
        const struct ns_token *token = ns_parser_token(parser);
        *end = token->start + token->length;
        if (!ns_parser_take(parser, NS_TOKEN_WORD, &field, "behind `.` stands the name of a field")) {
            return false;
        }
        if (written->has_field) {
            ns_parser_error(parser, ns_parser_place(parser, &field), "`%.*s` is a field of numbers and has no fields",
                            (int)written->field.length, written->field.start);
            return false;
        }
        written->has_field = true;
        written->field = field;
    }
    if (!written->has_range && ns_parser_token(parser)->kind == NS_TOKEN_OPEN) {
        return parse_bracket(parser, false, written, end);
    }
    return true;
}

/* Applies the range to `size` bytes that start at ref->offset; size 0: unknown. `subject` is the text in front of the
 * range. */
static bool resolve_range(struct ns_parser *parser, const struct written_ref *written, unsigned flags, uint64_t size,
                          const char *subject, size_t subject_length, struct ns_ref *ref) {
    struct ns_place place = ns_parser_place(parser, &written->range);
    uint64_t before = written->negative ? written->first : 0;
    uint64_t first = written->negative ? 0 : written->first;
    int length = (int)written->range.length;
    const char *range = written->range.start;
    if (first == written->end && before == 0 && (flags & NS_REF_MAY_BE_EMPTY) == 0) {
        ns_parser_error(parser, place, "`%.*s` holds no bytes", length, range);
        return false;
    }
    if (first > written->end) {
        ns_parser_error(parser, place, "`%.*s` ends before it starts", length, range);
        return false;
    }
    bool may_reach_out = (flags & NS_REF_MAY_REACH_OUT) != 0;
    if (size != 0 && !may_reach_out && (before > 0 || written->end > size)) {
        ns_parser_error(parser, place, "`%.*s` has %s bytes; `%.*s` reaches outside", (int)subject_length, subject,
                        ns_number(size).text, length, range);
        return false;
    }
    if (size == 0 && !may_reach_out && before > 0) {
        ns_parser_error(parser, place, "only maintenance may start before `%.*s`", (int)subject_length, subject);
        return false;
    }
    if (before > NS_LIMIT_REACH_BYTES || written->end > size + NS_LIMIT_REACH_BYTES) {
        ns_parser_error(parser, place, "a range reaches at most %s beyond `%.*s`", ns_number(NS_LIMIT_REACH_BYTES).text,
                        (int)subject_length, subject);
        return false;
    }
    ref->offset += (int64_t)first - (int64_t)before;
    ref->length = written->end - first + before;
    return true;
}

static bool resolve_field(struct ns_parser *parser, const struct written_ref *written, const struct ns_object *object,
                          struct ns_ref *ref) {
    const struct ns_token *name = &written->field;
    for (size_t i = 0; i < object->field_count; i++) {
        if (ns_token_is(name, object->fields[i].name)) {
            ref->field = (uint32_t)i;
            ref->offset += object->fields[i].offset;
            ref->length = (uint64_t)object->fields[i].element_size * object->fields[i].count;
            return true;
        }
    }
    struct ns_nearest search;
    ns_nearest_start(&search, name->start, name->length);
    for (size_t i = 0; i < object->field_count; i++) {
        ns_nearest_offer(&search, object->fields[i].name, strlen(object->fields[i].name));
    }
    if (object->field_count == 0) {
        ns_parser_error(parser, ns_parser_place(parser, name), "`%s` is no struct and has no fields", object->name);
    } else {
        ns_parser_error_near(parser, ns_parser_place(parser, name), &search, "`%s` has no field `%.*s`", object->name,
                             (int)name->length, name->start);
    }
    return false;
}

static bool resolve_element(struct ns_parser *parser, const struct written_ref *written, const struct ns_object *object,
                            struct ns_ref *ref) {
    struct ns_place place = ns_parser_place(parser, &written->element);
    if (object->field_count == 0) {
        char hint[80];
        snprintf(hint, sizeof hint, "its byte %llu is `[%llu..%llu]`", (unsigned long long)written->element.number,
                 (unsigned long long)written->element.number, (unsigned long long)written->element.number + 1);
        ns_parser_error_hint(parser, place, hint, "`%s` has no elements; bytes are given by two numbers", object->name);
        return false;
    }
    if (written->element.number >= object->count) {
        ns_parser_error(parser, place, "`%s` has %u element%s, counted from 0", object->name, (unsigned)object->count,
                        object->count == 1 ? "" : "s");
        return false;
    }
    ref->element = (uint32_t)written->element.number;
    ref->offset = (int64_t)ref->element * object->stride;
    ref->length = object->stride;
    return true;
}

static bool resolve_object(struct ns_parser *parser, const struct written_ref *written, unsigned flags, uint32_t index,
                           const char *end, struct ns_ref *ref) {
    const struct ns_object *object = &parser->scenario->objects[index];
    ref->length = object->size;
    if (written->has_element && !resolve_element(parser, written, object, ref)) {
        return false;
    }
    if (written->has_field) {
        if (!written->has_element && object->count > 1) {
            char hint[2 * NS_LIMIT_NAME_BYTES + 32];
            snprintf(hint, sizeof hint, "such as `%s[0].%.*s`", object->name, (int)written->field.length,
                     written->field.start);
            ns_parser_error_hint(parser, ns_parser_place(parser, &written->name), hint,
                                 "`%s` has %u elements; say which one", object->name, (unsigned)object->count);
            return false;
        }
        if (!resolve_field(parser, written, object, ref)) {
            return false;
        }
    }
    const char *subject = written->name.start;
    const char *subject_end = written->has_range ? written->range.start : end;
    if (written->has_range &&
        !resolve_range(parser, written, flags, ref->length, subject, (size_t)(subject_end - subject), ref)) {
        return false;
    }
    ref->kind = NS_REF_OBJECT;
    ref->index = index;
    return true;
}

static bool resolve_handle(struct ns_parser *parser, const struct written_ref *written, unsigned flags, uint32_t index,
                           struct ns_ref *ref) {
    const struct ns_register *handle = &parser->scenario->registers[index];
    struct ns_place place = ns_parser_place(parser, &written->name);
    if ((flags & NS_REF_MAY_BE_HANDLE) == 0) {
        ns_parser_error(parser, place, "`%s` is a register; a buffer is needed here", handle->name);
        return false;
    }
    if (!handle->is_handle) {
        ns_parser_error(parser, place, "`%s` holds data; only what `map` returned stands for bytes", handle->name);
        return false;
    }
    if (written->has_element || written->has_field) {
        ns_parser_error(parser, place, "`%s` is the handle of a map and has neither elements nor fields; give bytes",
                        handle->name);
        return false;
    }
    if (written->has_range &&
        !resolve_range(parser, written, flags, 0, written->name.start, written->name.length, ref)) {
        return false;
    }
    ref->kind = NS_REF_HANDLE;
    ref->index = index;
    return true;
}

/* One segment of what map-sg returned. */
static bool resolve_segment(struct ns_parser *parser, const struct written_ref *written, unsigned flags, uint32_t index,
                            const char *end, struct ns_ref *ref) {
    const struct ns_list *list = &parser->scenario->lists[index];
    struct ns_place place = ns_parser_place(parser, &written->name);
    if ((flags & NS_REF_MAY_BE_HANDLE) == 0) {
        ns_parser_error(parser, place, "`%s` is a list; a buffer is needed here", list->name);
        return false;
    }
    if (!written->has_element || written->has_field) {
        ns_parser_error(parser, place, "`%s` is a list; one of its segments is `%s[0]`", list->name, list->name);
        return false;
    }
    if (written->element.number >= list->count) {
        ns_parser_error(parser, ns_parser_place(parser, &written->element), "`%s` has %u segment%s, counted from 0",
                        list->name, (unsigned)list->count, list->count == 1 ? "" : "s");
        return false;
    }
    ref->element = (uint32_t)written->element.number;
    ref->length = list->lengths[ref->element];
    const char *subject_end = written->has_range ? written->range.start : end;
    if (written->has_range && !resolve_range(parser, written, flags, ref->length, written->name.start,
                                             (size_t)(subject_end - written->name.start), ref)) {
        return false;
    }
    ref->kind = NS_REF_SEGMENT;
    ref->index = index;
    return true;
}

static bool resolve_address(struct ns_parser *parser, const struct written_ref *written, unsigned flags,
                            const char *end, struct ns_ref *ref) {
    const char *start = written->name.start;
    if ((flags & NS_REF_OBJECT_ONLY) != 0) {
        ns_parser_error(parser, ns_parser_place_from(parser, start, end),
                        "here stands the name of a buffer, not an address");
        return false;
    }
    const char *subject_end = written->has_range ? written->range.start : end;
    if (written->has_range) {
        if (!resolve_range(parser, written, flags, 0, start, (size_t)(subject_end - start), ref)) {
            return false;
        }
    } else if ((flags & NS_REF_MAY_BE_POINT) != 0) {
        ref->length = 1;
    } else {
        ns_parser_error(parser, ns_parser_place_from(parser, start, end),
                        "behind an address stand its bytes: `%.*s[0..4]`", (int)(end - start), start);
        return false;
    }
    uint64_t before = ref->offset < 0 ? (uint64_t)-ref->offset : 0;
    /* One page is left at the top, so that rounding to lines or pages never wraps. */
    if (before > written->address || written->address > UINT64_MAX - NS_PAGE_SIZE - 2 * NS_LIMIT_REACH_BYTES) {
        ns_parser_error(parser, ns_parser_place_from(parser, start, end),
                        "these bytes reach past the end of the address space");
        return false;
    }
    ref->kind = NS_REF_ADDRESS;
    ref->address = written->address;
    return true;
}

static bool resolve(struct ns_parser *parser, const struct written_ref *written, unsigned flags, const char *end,
                    struct ns_ref *ref) {
    if (written->name.kind == NS_TOKEN_AT) {
        return resolve_address(parser, written, flags, end, ref);
    }
    const struct ns_name *entry = ns_names_find(&parser->names, written->name.start, written->name.length);
    if (entry != NULL && entry->kind == NS_NAME_BAD) {
        return false;
    }
    if (entry != NULL && entry->kind == NS_NAME_OBJECT) {
        return resolve_object(parser, written, flags, entry->index, end, ref);
    }
    if (entry != NULL && entry->kind == NS_NAME_REGISTER) {
        return resolve_handle(parser, written, flags, entry->index, ref);
    }
    if (entry != NULL && entry->kind == NS_NAME_LIST) {
        return resolve_segment(parser, written, flags, entry->index, end, ref);
    }
    bool handle = (flags & NS_REF_MAY_BE_HANDLE) != 0;
    ns_parser_unknown(parser, &written->name,
                      NS_KIND_BIT(NS_NAME_OBJECT) | (handle ? NS_KIND_BIT(NS_NAME_REGISTER) : 0),
                      handle ? "a buffer or handle" : "a buffer");
    return false;
}

bool ns_parser_ref(struct ns_parser *parser, unsigned flags, struct ns_ref *ref, const char *sentence) {
    struct written_ref written;
    const char *end;
    *ref = (struct ns_ref){.index = NS_NONE, .element = NS_NONE, .field = NS_NONE};
    if (!parse_written(parser, &written, sentence, &end)) {
        return false;
    }
    ref->place = ns_parser_place_from(parser, written.name.start, end);
    if (!resolve(parser, &written, flags, end, ref)) {
        parser->failed = true;
        ref->kind = NS_REF_NONE;
        return true;
    }
    if ((flags & NS_REF_IS_ACCESS) != 0) {
        ns_parser_limit_access(parser, ref);
    }
    return true;
}

void ns_parser_limit_access(struct ns_parser *parser, struct ns_ref *ref) {
    if (ns_parser_ref_length(parser, ref) > NS_LIMIT_ACCESS_BYTES) {
        ns_parser_error(parser, ref->place, "one step moves at most %s bytes", ns_number(NS_LIMIT_ACCESS_BYTES).text);
        ref->kind = NS_REF_NONE;
    }
}

uint64_t ns_parser_ref_length(const struct ns_parser *parser, const struct ns_ref *ref) {
    if (ref->kind == NS_REF_HANDLE && ref->length == 0) {
        return parser->handle_length[ref->index];
    }
    return ref->kind == NS_REF_NONE ? 0 : ref->length;
}

/* ---- values ---------------------------------------------------------------------------------- */

bool ns_parser_fill(struct ns_parser *parser, struct ns_value *value) {
    uint64_t byte;
    value->kind = NS_VALUE_FILL;
    value->place = ns_parser_place(parser, ns_parser_token(parser));
    if (!ns_parser_take_number(parser, 0, 255, &byte, "`fill`")) {
        return false;
    }
    value->number = byte;
    return true;
}

static void check_width(struct ns_parser *parser, uint64_t length, bool fill_possible, const struct ns_value *value) {
    if (length == 0) {
        return;
    }
    if (length > 8) {
        ns_parser_error_hint(parser, value->place,
                             fill_possible ? "`fill 0xAB` means every byte" : "compare a part, such as `[0..8]`",
                             "a number is at most 8 bytes wide, and here are %s bytes", ns_number(length).text);
    } else if (length < 8 && value->number >> (8 * length) != 0) {
        ns_parser_error(parser, value->place, "this number does not fit into %s byte%s", ns_number(length).text,
                        length == 1 ? "" : "s");
    }
}

bool ns_parser_compared_number(struct ns_parser *parser, uint64_t length, bool fill_possible, struct ns_value *value) {
    struct ns_token token = *ns_parser_token(parser);
    if (token.kind == NS_TOKEN_MINUS) {
        return ns_parser_unexpected(parser, "numbers have no sign here; write the bytes, such as `0xFFFFFFFF`");
    }
    if (!ns_parser_take(parser, NS_TOKEN_NUMBER, NULL, "a number is needed here")) {
        return false;
    }
    *value = (struct ns_value){
        .kind = NS_VALUE_NUMBER, .place = ns_parser_place(parser, &token), .number = token.number, .index = NS_NONE};
    check_width(parser, length, fill_possible, value);
    return true;
}

static void check_register_width(struct ns_parser *parser, const struct ns_register *from, uint64_t length,
                                 struct ns_place place) {
    /* A handle is an address: a descriptor field may be too narrow for it, and that is a bug worth showing. */
    bool fits = from->is_handle ? length <= 8 : from->size == length || (from->size < length && length <= 8);
    if (length != 0 && !fits) {
        ns_parser_error(parser, place, "`%s` holds %s bytes, and here are %s", from->name, ns_number(from->size).text,
                        ns_number(length).text);
    }
}

bool ns_parser_value(struct ns_parser *parser, const struct ns_ref *ref, struct ns_value *value, const char *verb) {
    *value = (struct ns_value){.index = NS_NONE};
    uint64_t length = ns_parser_ref_length(parser, ref);
    if (ns_parser_accept_word(parser, "fill")) {
        return ns_parser_fill(parser, value);
    }
    if (!ns_parser_accept(parser, NS_TOKEN_ASSIGN)) {
        return ns_parser_unexpected(parser, "`%s` needs a value: `= NUMBER`, `= REGISTER` or `fill BYTE`", verb);
    }
    if (ns_parser_token(parser)->kind != NS_TOKEN_WORD) {
        return ns_parser_compared_number(parser, length, true, value);
    }
    struct ns_place place = ns_parser_place(parser, ns_parser_token(parser));
    if (!ns_parser_take_name(parser, NS_NAME_REGISTER, &value->index, "behind `=` stands a number or a register")) {
        return false;
    }
    value->kind = NS_VALUE_REGISTER;
    value->place = place;
    if (value->index != NS_NONE) {
        check_register_width(parser, &parser->scenario->registers[value->index], length, place);
    }
    return true;
}
