/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The words of one line. The lexer never allocates and never looks past the end of its line; tokens point into the
 * text.
 */
#ifndef NS_SCENARIOS_LEXER_H
#define NS_SCENARIOS_LEXER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum ns_token_kind {
    NS_TOKEN_END,       /* end of the line, or a comment; its start is right behind the token before */
    NS_TOKEN_WORD,      /* name or keyword: [A-Za-z_][A-Za-z0-9_-]*, at most NS_LIMIT_NAME_BYTES long */
    NS_TOKEN_NUMBER,    /* 42, 0x2A, 4_096, 64K */
    NS_TOKEN_STRING,    /* "text"; start and length include the quotes */
    NS_TOKEN_ARROW,     /* -> */
    NS_TOKEN_ASSIGN,    /* = */
    NS_TOKEN_EQUAL,     /* == */
    NS_TOKEN_NOT_EQUAL, /* != */
    NS_TOKEN_COLON,
    NS_TOKEN_COMMA,
    NS_TOKEN_DOT,
    NS_TOKEN_DOTS, /* .. */
    NS_TOKEN_OPEN, /* [ */
    NS_TOKEN_CLOSE,
    NS_TOKEN_AT, /* @ */
    NS_TOKEN_MINUS,
    NS_TOKEN_BAD, /* not a word of the language: `problem` says why; only END follows */
};

struct ns_token {
    enum ns_token_kind kind;
    const char *start;
    uint32_t length;
    uint64_t number;     /* NUMBER */
    const char *problem; /* BAD: one sentence without a full stop; static */
};

struct ns_lexer {
    const char *line; /* first byte of the line */
    const char *end;  /* one past its last byte */
    const char *next; /* first byte not read yet */
    struct ns_token token;
};

/* Begins a line of `length` bytes (without its '\n') and reads the first token. */
void ns_lexer_start(struct ns_lexer *lexer, const char *line, size_t length);
void ns_lexer_advance(struct ns_lexer *lexer);
/* The token is a WORD: takes directly following ".word" parts into it (cbo.clean, thead-5.19). */
void ns_lexer_join_dots(struct ns_lexer *lexer);

bool ns_token_is(const struct ns_token *token, const char *word);
bool ns_is_name_start(char byte);
bool ns_is_name_part(char byte);

/* Looks for bytes that no scenario may hold, comments included: control characters other than tab, and invalid UTF-8.
 * Returns NULL, or a sentence and the offset and the width of the first such place. */
const char *ns_line_check(const char *line, size_t length, size_t *offset, size_t *width);
/* Length of the well-formed UTF-8 sequence at `text` (1 to 4), or 0 when it is not one (RFC 3629). */
size_t ns_utf8_length(const char *text, size_t available);

#ifdef __cplusplus
}
#endif
#endif
