/* SPDX-License-Identifier: Apache-2.0 */
/* Lines, tokens, messages and names: what all parts of the parser use. The passes are called from scenario.c. */
#include "scenarios/parser.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- lines and tokens ------------------------------------------------------------------------ */

size_t ns_parser_line_length(const struct ns_parser *parser, size_t index) {
    return (size_t)(parser->lines[index + 1] - parser->lines[index]) - 1;
}

void ns_parser_open_line(struct ns_parser *parser, size_t index) {
    parser->line = index;
    parser->failed = parser->classes[index].muted;
    parser->muted = parser->classes[index].muted;
    size_t length = ns_parser_line_length(parser, index);
    ns_lexer_start(&parser->lexer, parser->lines[index], length < NS_LIMIT_LINE_BYTES ? length : NS_LIMIT_LINE_BYTES);
}

struct ns_place ns_parser_place(const struct ns_parser *parser, const struct ns_token *token) {
    return ns_parser_place_from(parser, token->start, token->start + token->length);
}

struct ns_place ns_parser_place_from(const struct ns_parser *parser, const char *first, const char *end) {
    return (struct ns_place){.line = (uint32_t)parser->line + 1,
                             .column = (uint32_t)(first - parser->lexer.line) + 1,
                             .width = end > first ? (uint32_t)(end - first) : 1};
}

bool ns_parser_accept_word(struct ns_parser *parser, const char *word) {
    if (!ns_token_is(ns_parser_token(parser), word)) {
        return false;
    }
    ns_parser_advance(parser);
    return true;
}

bool ns_parser_accept(struct ns_parser *parser, enum ns_token_kind kind) {
    if (ns_parser_token(parser)->kind != kind) {
        return false;
    }
    ns_parser_advance(parser);
    return true;
}

bool ns_parser_take(struct ns_parser *parser, enum ns_token_kind kind, struct ns_token *token, const char *sentence) {
    if (ns_parser_token(parser)->kind != kind) {
        return ns_parser_unexpected(parser, "%s", sentence);
    }
    if (token != NULL) {
        *token = *ns_parser_token(parser);
    }
    ns_parser_advance(parser);
    return true;
}

bool ns_parser_take_string(struct ns_parser *parser, struct ns_token *token, const char *sentence) {
    if (!ns_parser_take(parser, NS_TOKEN_STRING, token, sentence)) {
        return false;
    }
    token->start++;
    token->length -= 2;
    return true;
}

bool ns_parser_take_end(struct ns_parser *parser) {
    const struct ns_token *token = ns_parser_token(parser);
    if (token->kind == NS_TOKEN_END) {
        return true;
    }
    struct ns_nearest search;
    ns_nearest_start(&search, token->start, token->length);
    ns_nearest_offer(&search, "expect", strlen("expect"));
    if (token->kind == NS_TOKEN_WORD && search.best != NULL) {
        ns_parser_error_near(parser, ns_parser_place(parser, token), &search, "`%.*s` has no meaning here",
                             (int)token->length, token->start);
        return false;
    }
    return ns_parser_unexpected(parser, "the line is complete before `%.*s`", (int)token->length, token->start);
}

void *ns_parser_grow(struct ns_parser *parser, void *array, size_t count, size_t *capacity, size_t size) {
    if (count < *capacity) {
        return array;
    }
    size_t larger = *capacity == 0 ? 32 : *capacity * 2;
    void *grown = realloc(array, larger * size);
    if (grown == NULL) {
        parser->out_of_memory = true;
        return NULL;
    }
    *capacity = larger;
    return grown;
}

/* ---- messages -------------------------------------------------------------------------------- */

struct ns_number_text ns_number(uint64_t number) {
    static const struct {
        unsigned shift;
        char suffix;
    } suffixes[] = {{30, 'G'}, {20, 'M'}, {10, 'K'}};
    struct ns_number_text result;
    for (size_t i = 0; i < sizeof suffixes / sizeof suffixes[0]; i++) {
        uint64_t unit = UINT64_C(1) << suffixes[i].shift;
        if (number >= 4096 && number % unit == 0 && number / unit < 1000000) { /* nobody reads longer ones */
            snprintf(result.text, sizeof result.text, "%llu%c", (unsigned long long)(number / unit),
                     suffixes[i].suffix);
            return result;
        }
    }
    snprintf(result.text, sizeof result.text, number > UINT32_MAX ? "0x%llX" : "%llu", (unsigned long long)number);
    return result;
}

static void report(struct ns_parser *parser, struct ns_place place, const char *hint, const char *format,
                   va_list arguments) {
    parser->failed = true;
    if (parser->muted || !ns_diagnostics_wants(parser->diagnostics, place.line, place.column)) {
        return;
    }
    char message[512];
    vsnprintf(message, sizeof message, format, arguments);
    if (!ns_diagnostics_add(parser->diagnostics, place.line, place.column, place.width, message, hint)) {
        parser->out_of_memory = true;
    }
}

void ns_parser_error(struct ns_parser *parser, struct ns_place place, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    report(parser, place, NULL, format, arguments);
    va_end(arguments);
}

void ns_parser_error_hint(struct ns_parser *parser, struct ns_place place, const char *hint, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    report(parser, place, hint, format, arguments);
    va_end(arguments);
}

void ns_parser_error_near(struct ns_parser *parser, struct ns_place place, const struct ns_nearest *nearest,
                          const char *format, ...) {
    char hint[160];
    if (nearest->best != NULL) {
        snprintf(hint, sizeof hint, "did you mean `%.*s`?", (int)nearest->best_length, nearest->best);
    }
    va_list arguments;
    va_start(arguments, format);
    report(parser, place, nearest->best != NULL ? hint : NULL, format, arguments);
    va_end(arguments);
}

bool ns_parser_unexpected(struct ns_parser *parser, const char *format, ...) {
    const struct ns_token *token = ns_parser_token(parser);
    struct ns_place place = ns_parser_place(parser, token);
    if (token->kind == NS_TOKEN_BAD) {
        ns_parser_error(parser, place, "%s", token->problem);
        return false;
    }
    va_list arguments;
    va_start(arguments, format);
    report(parser, place, NULL, format, arguments);
    va_end(arguments);
    return false;
}

/* ---- names ----------------------------------------------------------------------------------- */

const char *ns_name_kind_text(enum ns_name_kind kind) {
    static const char *const texts[] = {"a name", "a device",   "a buffer", "an interrupt",
                                        "a pool", "a register", "a list"};
    return texts[kind];
}

bool ns_is_hart_word(const struct ns_token *token) {
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

static bool is_reserved(const struct ns_token *name) {
    static const char *const words[] = {"hw", "all", "memory", "cache"};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (ns_token_is(name, words[i])) {
            return true;
        }
    }
    return ns_is_hart_word(name);
}

struct ns_name *ns_parser_declare(struct ns_parser *parser, const struct ns_token *name, enum ns_name_kind kind,
                                  uint32_t index) {
    struct ns_place place = ns_parser_place(parser, name);
    if (is_reserved(name)) {
        ns_parser_error(parser, place, "`%.*s` is a word of the language and cannot be a name", (int)name->length,
                        name->start);
        return NULL;
    }
    struct ns_name *entry = ns_names_find(&parser->names, name->start, name->length);
    if (entry != NULL) {
        if (entry->kind != NS_NAME_BAD) {
            ns_parser_error(parser, place, "`%.*s` is already %s, since line %u", (int)name->length, name->start,
                            ns_name_kind_text(entry->kind), (unsigned)entry->line);
            entry->kind = NS_NAME_BAD;
        }
        return NULL;
    }
    entry = ns_names_add(&parser->names, name->start, name->length, kind, index, place.line);
    parser->out_of_memory = parser->out_of_memory || entry == NULL;
    return entry;
}

void ns_parser_spoil(struct ns_parser *parser, const char *text, size_t length) {
    struct ns_name *entry = ns_names_find(&parser->names, text, length);
    if (entry != NULL) {
        entry->kind = NS_NAME_BAD;
    } else if (ns_names_add(&parser->names, text, length, NS_NAME_BAD, NS_NONE, (uint32_t)parser->line + 1) == NULL) {
        parser->out_of_memory = true;
    }
}

static bool follows_arrow(const struct ns_parser *parser, size_t line, const struct ns_token *name) {
    const char *at = parser->lines[line], *end = at + ns_parser_line_length(parser, line);
    while (at + 1 < end && *at != '#' && !(at[0] == '-' && at[1] == '>')) {
        at++;
    }
    at += at + 1 < end ? 2 : 0;
    while (at < end && (*at == ' ' || *at == '\t')) {
        at++;
    }
    return (size_t)(end - at) >= name->length && memcmp(at, name->start, name->length) == 0 &&
           (at + name->length == end || !ns_is_name_part(at[name->length]));
}

/* The line below the current one whose step creates this name, or 0. */
static unsigned created_below(const struct ns_parser *parser, const struct ns_token *name) {
    for (size_t line = parser->line + 1; line < parser->line_count; line++) {
        if (parser->classes[line].class == NS_LINE_STEP && follows_arrow(parser, line, name)) {
            return (unsigned)line + 1;
        }
    }
    return 0;
}

/* The line below the current one that declares this name, or 0. */
static unsigned declared_below(const struct ns_parser *parser, const struct ns_token *name) {
    for (size_t line = parser->line + 1; line < parser->line_count; line++) {
        const char *at = parser->lines[line], *end = at + ns_parser_line_length(parser, line);
        if (parser->classes[line].class != NS_LINE_DECLARATION) {
            continue;
        }
        for (int word = 0; word < 2; word++) { /* behind blanks, the first word, blanks */
            while (at < end && (*at == ' ' || *at == '\t')) {
                at++;
            }
            while (word == 0 && at < end && ns_is_name_part(*at)) {
                at++;
            }
        }
        if ((size_t)(end - at) >= name->length && memcmp(at, name->start, name->length) == 0 &&
            (at + name->length == end || !ns_is_name_part(at[name->length]))) {
            return (unsigned)line + 1;
        }
    }
    return 0;
}

void ns_parser_unknown(struct ns_parser *parser, const struct ns_token *name, unsigned kinds, const char *what) {
    struct ns_place place = ns_parser_place(parser, name);
    parser->failed = true;
    if (parser->muted || !ns_diagnostics_wants(parser->diagnostics, place.line, place.column)) {
        return;
    }
    const struct ns_name *entry = ns_names_find(&parser->names, name->start, name->length);
    if (entry != NULL) {
        ns_parser_error(parser, place, "`%.*s` is %s, not %s", (int)name->length, name->start,
                        ns_name_kind_text(entry->kind), what);
        return;
    }
    unsigned line = 0;
    if ((kinds & (NS_KIND_BIT(NS_NAME_OBJECT) | NS_KIND_BIT(NS_NAME_REGISTER) | NS_KIND_BIT(NS_NAME_LIST))) != 0) {
        line = created_below(parser, name);
    }
    if (line != 0) {
        ns_parser_error(parser, place, "`%.*s` does not exist yet: line %u creates it", (int)name->length, name->start,
                        line);
        return;
    }
    if (parser->classes[parser->line].class == NS_LINE_DECLARATION) {
        line = declared_below(parser, name);
    }
    if (line != 0) {
        ns_parser_error(parser, place, "`%.*s` is declared on line %u; what names it stands below that",
                        (int)name->length, name->start, line);
        return;
    }
    struct ns_nearest search;
    ns_nearest_start(&search, name->start, name->length);
    for (size_t i = 0; i < parser->names.count; i++) {
        entry = &parser->names.entries[i];
        if ((kinds & NS_KIND_BIT(entry->kind)) != 0) {
            ns_nearest_offer(&search, entry->text, entry->length);
        }
    }
    ns_parser_error_near(parser, place, &search, "no %s is called `%.*s`",
                         what + (strncmp(what, "an ", 3) == 0 ? 3 : 2), (int)name->length, name->start);
}

bool ns_parser_take_name(struct ns_parser *parser, enum ns_name_kind kind, uint32_t *index, const char *sentence) {
    struct ns_token name;
    *index = NS_NONE;
    if (!ns_parser_take(parser, NS_TOKEN_WORD, &name, sentence)) {
        return false;
    }
    const struct ns_name *entry = ns_names_find(&parser->names, name.start, name.length);
    if (entry != NULL && entry->kind == kind) {
        *index = entry->index;
    } else if (entry != NULL && entry->kind == NS_NAME_BAD) {
        parser->failed = true;
    } else {
        ns_parser_unknown(parser, &name, NS_KIND_BIT(kind), ns_name_kind_text(kind));
    }
    return true;
}

void ns_parser_spoil_results(struct ns_parser *parser) {
    bool arrow = false;
    ns_parser_open_line(parser, parser->line);
    while (ns_parser_token(parser)->kind != NS_TOKEN_END) {
        const struct ns_token *token = ns_parser_token(parser);
        if (arrow && token->kind == NS_TOKEN_WORD) {
            ns_parser_spoil(parser, token->start, token->length);
        }
        arrow = token->kind == NS_TOKEN_ARROW;
        if (token->kind == NS_TOKEN_BAD) {
            /* Only END follows a BAD token; the arrow may stand behind it all the same. */
            const char *at = token->start + token->length;
            while (at + 1 < parser->lexer.end && *at != '#' && !(at[0] == '-' && at[1] == '>')) {
                at++;
            }
            parser->lexer.next = at;
        }
        ns_parser_advance(parser);
    }
}
