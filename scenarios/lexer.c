/* SPDX-License-Identifier: Apache-2.0 */
#include "scenarios/lexer.h"
#include "scenarios/scenario.h"

#include <assert.h>
#include <string.h>

static bool is_digit(char byte) {
    return byte >= '0' && byte <= '9';
}

static bool is_letter(char byte) {
    return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z');
}

static int hex_value(char byte) {
    if (is_digit(byte)) {
        return byte - '0';
    }
    if (byte >= 'a' && byte <= 'f') {
        return byte - 'a' + 10;
    }
    if (byte >= 'A' && byte <= 'F') {
        return byte - 'A' + 10;
    }
    return -1;
}

bool ns_is_name_start(char byte) {
    return is_letter(byte) || byte == '_';
}

bool ns_is_name_part(char byte) {
    return is_letter(byte) || is_digit(byte) || byte == '_' || byte == '-';
}

bool ns_token_is(const struct ns_token *token, const char *word) {
    /* Most words differ in their first letter. */
    return token->kind == NS_TOKEN_WORD && token->start[0] == word[0] &&
           strncmp(token->start, word, token->length) == 0 && word[token->length] == '\0';
}

static void finish(struct ns_lexer *lexer, enum ns_token_kind kind, size_t length) {
    lexer->token.kind = kind;
    lexer->token.length = (uint32_t)length;
    lexer->next = lexer->token.start + length;
}

static void finish_bad(struct ns_lexer *lexer, size_t length, const char *problem) {
    finish(lexer, NS_TOKEN_BAD, length);
    lexer->token.problem = problem;
    lexer->next = lexer->end;
}

static size_t name_length(const char *start, const char *end) {
    const char *at = start;
    /* "got->x" is a name and an arrow: a name does not swallow the '-' of "->". */
    while (at < end && ns_is_name_part(*at) && !(*at == '-' && at + 1 < end && at[1] == '>')) {
        at++;
    }
    return (size_t)(at - start);
}

static void read_number(struct ns_lexer *lexer) {
    const char *start = lexer->token.start;
    const char *at = start;
    unsigned base = 10;
    if (at + 1 < lexer->end && at[0] == '0' && (at[1] == 'x' || at[1] == 'X')) {
        base = 16;
        at += 2;
    }
    uint64_t number = 0;
    bool overflow = false, after_digit = false, misplaced = false;
    for (; at < lexer->end; at++) {
        if (*at == '_') {
            misplaced = misplaced || !after_digit;
            after_digit = false;
            continue;
        }
        int value = base == 16 ? hex_value(*at) : (is_digit(*at) ? *at - '0' : -1);
        if (value < 0) {
            break;
        }
        overflow = overflow || number > (UINT64_MAX - (unsigned)value) / base;
        number = number * base + (unsigned)value;
        after_digit = true;
    }
    misplaced = misplaced || !after_digit;
    unsigned shift = 0;
    bool lower_case = false;
    if (at < lexer->end && strchr("KMGkmg", *at) != NULL &&
        !(at + 1 < lexer->end && ns_is_name_part(at[1]) && at[1] != '-')) {
        lower_case = strchr("kmg", *at) != NULL;
        shift = *at == 'K' ? 10 : *at == 'M' ? 20 : 30;
        at++;
    }
    const char *digits_end = at;
    while (at < lexer->end && (ns_is_name_part(*at) && *at != '-')) {
        at++;
    }
    size_t length = (size_t)(at - start);
    if (at != digits_end) {
        finish_bad(lexer, length,
                   "this is neither a number nor a name: a name starts with a letter, and a blank stands between a "
                   "number and its unit");
    } else if (lower_case) {
        finish_bad(lexer, length, "the suffix of a number is a capital letter: `K`, `M` or `G`");
    } else if (misplaced) {
        finish_bad(lexer, length, "a `_` in a number stands between two digits, and `0x` has digits behind it");
    } else if (overflow || (shift != 0 && number > UINT64_MAX >> shift)) {
        finish_bad(lexer, length, "this number needs more than 64 bits");
    } else {
        finish(lexer, NS_TOKEN_NUMBER, length);
        lexer->token.number = number << shift;
    }
}

static void read_string(struct ns_lexer *lexer) {
    const char *start = lexer->token.start;
    const char *quote = memchr(start + 1, '"', (size_t)(lexer->end - start - 1));
    if (quote == NULL) {
        finish_bad(lexer, 1, "this text has no closing `\"` on its line");
    } else {
        finish(lexer, NS_TOKEN_STRING, (size_t)(quote - start) + 1);
    }
}

static const char *symbol_problem(char byte) {
    if ((unsigned char)byte >= 0x80) {
        return "outside of comments and texts in quotes only ASCII characters have a meaning";
    }
    switch (byte) {
    case ';':
        return "a line ends a statement by itself; `;` has no meaning";
    case '(':
    case ')':
        return "brackets around bytes are `[` and `]`";
    case '\'':
    case '`':
        return "a text stands between double quotes";
    case '/':
        return "a comment starts with `#`";
    case '<':
    case '>':
        return "values are compared with `==` or `!=` only";
    default:
        return "this character has no meaning here";
    }
}

void ns_lexer_advance(struct ns_lexer *lexer) {
    struct ns_token *token = &lexer->token;
    const char *previous_end = token->start + token->length;
    const char *at = lexer->next;
    while (at < lexer->end && (*at == ' ' || *at == '\t')) {
        at++;
    }
    token->number = 0;
    token->problem = NULL;
    if (at == lexer->end || *at == '#') {
        token->start = previous_end;
        finish(lexer, NS_TOKEN_END, 0);
        lexer->next = lexer->end;
        return;
    }
    token->start = at;
    char following = at + 1 < lexer->end ? at[1] : '\0';
    switch (*at) {
    case '-':
        finish(lexer, following == '>' ? NS_TOKEN_ARROW : NS_TOKEN_MINUS, following == '>' ? 2 : 1);
        return;
    case '=':
        finish(lexer, following == '=' ? NS_TOKEN_EQUAL : NS_TOKEN_ASSIGN, following == '=' ? 2 : 1);
        return;
    case '.':
        finish(lexer, following == '.' ? NS_TOKEN_DOTS : NS_TOKEN_DOT, following == '.' ? 2 : 1);
        return;
    case '!':
        if (following == '=') {
            finish(lexer, NS_TOKEN_NOT_EQUAL, 2);
        } else {
            finish_bad(lexer, 1, "`!` stands only in `!=`");
        }
        return;
    case ':':
        finish(lexer, NS_TOKEN_COLON, 1);
        return;
    case ',':
        finish(lexer, NS_TOKEN_COMMA, 1);
        return;
    case '[':
        finish(lexer, NS_TOKEN_OPEN, 1);
        return;
    case ']':
        finish(lexer, NS_TOKEN_CLOSE, 1);
        return;
    case '@':
        finish(lexer, NS_TOKEN_AT, 1);
        return;
    case '"':
        read_string(lexer);
        return;
    default:
        break;
    }
    if (is_digit(*at)) {
        read_number(lexer);
    } else if (ns_is_name_start(*at)) {
        size_t length = name_length(at, lexer->end);
        if (at + length < lexer->end && (unsigned char)at[length] >= 0x80) {
            finish_bad(lexer, length + ns_utf8_length(at + length, (size_t)(lexer->end - at) - length),
                       "a name consists of the letters a to z and A to Z, digits, `_` and `-`");
        } else if (length > NS_LIMIT_NAME_BYTES) {
            finish_bad(lexer, length, "this name is longer than 48 bytes");
        } else {
            finish(lexer, NS_TOKEN_WORD, length);
        }
    } else {
        size_t length = ns_utf8_length(at, (size_t)(lexer->end - at));
        finish_bad(lexer, length == 0 ? 1 : length, symbol_problem(*at));
    }
}

void ns_lexer_start(struct ns_lexer *lexer, const char *line, size_t length) {
    lexer->line = line;
    lexer->end = line + length;
    lexer->next = line;
    lexer->token.start = line;
    lexer->token.length = 0;
    ns_lexer_advance(lexer);
}

void ns_lexer_join_dots(struct ns_lexer *lexer) {
    assert(lexer->token.kind == NS_TOKEN_WORD);
    const char *at = lexer->token.start + lexer->token.length;
    while (at + 1 < lexer->end && at[0] == '.' && (is_letter(at[1]) || is_digit(at[1]))) {
        at += 1 + name_length(at + 1, lexer->end);
    }
    lexer->token.length = (uint32_t)(at - lexer->token.start);
    lexer->next = at;
}

size_t ns_utf8_length(const char *text, size_t available) {
    const unsigned char *byte = (const unsigned char *)text;
    if (available == 0) {
        return 0;
    }
    if (byte[0] < 0x80) {
        return 1;
    }
    size_t length = byte[0] >= 0xF0 ? 4 : byte[0] >= 0xE0 ? 3 : 2;
    if (byte[0] < 0xC2 || byte[0] > 0xF4 || available < length) {
        return 0;
    }
    for (size_t i = 1; i < length; i++) {
        if ((byte[i] & 0xC0) != 0x80) {
            return 0;
        }
    }
    bool overlong = (byte[0] == 0xE0 && byte[1] < 0xA0) || (byte[0] == 0xF0 && byte[1] < 0x90);
    bool surrogate = byte[0] == 0xED && byte[1] >= 0xA0;
    bool too_large = byte[0] == 0xF4 && byte[1] >= 0x90;
    return overlong || surrogate || too_large ? 0 : length;
}

const char *ns_line_check(const char *line, size_t length, size_t *offset, size_t *width) {
    for (size_t i = 0; i < length;) {
        unsigned char byte = (unsigned char)line[i];
        if (byte >= 0x20 && byte < 0x7F) {
            i++;
            continue;
        }
        *offset = i;
        *width = 1;
        if (byte == 0) {
            return "a scenario is text; this is a NUL byte";
        }
        if (byte == '\r') {
            return "a carriage return stands only at the end of a line";
        }
        if ((byte < 0x20 && byte != '\t') || byte == 0x7F) {
            return "a scenario is text; this is a control character";
        }
        size_t sequence = ns_utf8_length(line + i, length - i);
        if (sequence == 0) {
            return "this is not valid UTF-8";
        }
        if (byte == 0xC2 && (unsigned char)line[i + 1] < 0xA0) {
            *width = sequence;
            return "a scenario is text; this is a control character";
        }
        i += sequence;
    }
    return NULL;
}
