/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A file is a list of rows; a row is a statement cut into cells, or a comment. Columns are shared by the rows of one
 * paragraph (rows without a blank row between them), the parameters' by the whole machine block. Widths come from the
 * words alone, never from the blanks that were there, so that a second layout finds nothing to change.
 */
#include "scenarios/canonical.h"

#include "scenarios/lexer.h"
#include "scenarios/scenario.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum {
    INDENT = 2,
    ASIDE_BEHIND = 8,  /* a comment further right than this belongs to the column of comments */
    LEAST_TRAIL = 16,  /* that column in a paragraph that has such comments: well behind ASIDE_BEHIND */
    LONGEST_BODY = 72, /* a longer statement does not move the others' comments */
    KEYWORD = 7,       /* "device ", "buffer ", "struct " */
    LEAST_NAME = 8,
    FIELD = 5,     /* "u32  " */
    JUDGEMENT = 9, /* "verify   " */
};

enum row_kind { ROW_BLANK, ROW_COMMENT, ROW_ASIDE, ROW_STATEMENT };
enum shape { SHAPE_PLAIN, SHAPE_STEP, SHAPE_DECLARATION, SHAPE_FIELD, SHAPE_PARAMETER, SHAPE_JUDGEMENT };

struct slice {
    const char *start, *end;
};

struct row {
    enum row_kind kind;
    enum shape shape;
    bool opens, ends; /* a block */
    size_t indent;
    struct slice line, cell[2], body, expect, comment;
    size_t column[2]; /* where cell 1 and the body start, behind the indent */
    size_t trail;     /* where the first of expect and comment starts */
};

struct out {
    char *data; /* NULL: only counts */
    size_t length;
};

static void put(struct out *out, const char *text, size_t length) {
    if (out->data != NULL && length > 0) {
        memcpy(out->data + out->length, text, length);
    }
    out->length += length;
}

static void put_blanks(struct out *out, size_t count) {
    for (; count > 0; count--) {
        put(out, " ", 1);
    }
}

/* ---- words ----------------------------------------------------------------------------------- */

static bool blank_between(const struct ns_token *left, const struct ns_token *right) {
    enum ns_token_kind a = left->kind, b = right->kind;
    if (a == NS_TOKEN_DOT || b == NS_TOKEN_DOT) {
        /* Where a dot touches its neighbours, both are one word (ns_lexer_join_dots). */
        return right->start > left->start + left->length;
    }
    return !(b == NS_TOKEN_COMMA || b == NS_TOKEN_OPEN || b == NS_TOKEN_CLOSE || b == NS_TOKEN_COLON ||
             a == NS_TOKEN_OPEN || a == NS_TOKEN_AT || a == NS_TOKEN_MINUS || a == NS_TOKEN_DOTS || b == NS_TOKEN_DOTS);
}

static void next_word(struct ns_lexer *lexer) {
    ns_lexer_advance(lexer);
    if (lexer->token.kind == NS_TOKEN_WORD) {
        ns_lexer_join_dots(lexer);
    }
}

static void first_word(struct ns_lexer *lexer, struct slice slice) {
    ns_lexer_start(lexer, slice.start, (size_t)(slice.end - slice.start));
    if (lexer->token.kind == NS_TOKEN_WORD) {
        ns_lexer_join_dots(lexer);
    }
}

static void put_words(struct out *out, struct slice slice) {
    struct ns_lexer lexer;
    struct ns_token before = {0};
    bool first = true;
    for (first_word(&lexer, slice); lexer.token.kind != NS_TOKEN_END; next_word(&lexer)) {
        if (!first && blank_between(&before, &lexer.token)) {
            put(out, " ", 1);
        }
        put(out, lexer.token.start, lexer.token.length);
        before = lexer.token;
        first = false;
    }
}

static size_t width_of(struct slice slice) {
    struct out out = {0};
    put_words(&out, slice);
    return out.length;
}

static bool is_empty(struct slice slice) {
    return slice.start == slice.end;
}

/* ---- rows ------------------------------------------------------------------------------------ */

static struct slice trim(const char *start, const char *end) {
    while (end > start && (end[-1] == ' ' || end[-1] == '\t' || end[-1] == '\r')) {
        end--;
    }
    return (struct slice){start, end};
}

/* The comment of a line, and where the words before it end. */
static struct slice split_comment(struct slice line, const char **words_end) {
    struct ns_lexer lexer;
    for (first_word(&lexer, line); lexer.token.kind != NS_TOKEN_END; next_word(&lexer)) {
    }
    const char *at = lexer.token.start;
    *words_end = at;
    while (at < line.end && *at != '#') {
        at++;
    }
    return (struct slice){at, line.end};
}

static size_t column_of(struct slice line, const char *at) {
    size_t column = 0;
    for (const char *byte = line.start; byte < at; byte++) {
        column = *byte == '\t' ? (column / 8 + 1) * 8 : column + 1;
    }
    return column;
}

static bool word_in(const struct ns_token *token, const char *const *words) {
    for (; *words != NULL; words++) {
        if (ns_token_is(token, *words)) {
            return true;
        }
    }
    return false;
}

enum block { BLOCK_NONE, BLOCK_STRUCT, BLOCK_MACHINE };
struct place {
    enum block block;
    size_t depth; /* open repeats */
};

static void split_step(struct row *row, struct ns_lexer *lexer) {
    const char *end = row->body.end;
    ns_lexer_advance(lexer); /* the colon */
    row->cell[0] = (struct slice){row->body.start, lexer->token.start + 1};
    next_word(lexer);
    row->cell[1] = (struct slice){lexer->token.start, lexer->token.start + lexer->token.length};
    row->body = (struct slice){row->cell[1].end, end};
    for (next_word(lexer); lexer->token.kind != NS_TOKEN_END; next_word(lexer)) {
        if (ns_token_is(&lexer->token, "expect")) {
            row->expect = (struct slice){lexer->token.start, end};
        }
    }
    if (!is_empty(row->expect)) {
        row->body.end = row->expect.start;
    }
}

/* `cells` words in front of the body get cells of their own. */
static void split_words(struct row *row, struct ns_lexer *lexer, size_t cells) {
    for (size_t i = 0; i < cells && lexer->token.kind != NS_TOKEN_END; i++) {
        row->cell[i] = (struct slice){lexer->token.start, lexer->token.start + lexer->token.length};
        row->body.start = row->cell[i].end;
        next_word(lexer);
    }
}

static void split_parameter(struct row *row, struct ns_lexer *lexer) {
    static const char *const named[] = {"cache", "ram", NULL}; /* the name is part of the key */
    bool has_name = word_in(&lexer->token, named);
    split_words(row, lexer, 1);
    if (has_name && lexer->token.kind == NS_TOKEN_WORD) {
        row->cell[0].end = row->body.start = lexer->token.start + lexer->token.length;
    }
}

static void read_statement(struct row *row, struct place *place) {
    static const char *const fields[] = {"u8", "u16", "u32", "u64", "pad", NULL};
    static const char *const declarations[] = {"device", "buffer", "struct", "alias", "pool", NULL};
    static const char *const judgements[] = {"final", "verify", NULL};
    struct ns_lexer lexer;
    first_word(&lexer, row->body);
    struct ns_token word = lexer.token;
    struct ns_lexer ahead = lexer;
    next_word(&ahead);
    bool step = ahead.token.kind == NS_TOKEN_COLON;
    row->ends = !step && ns_token_is(&word, "end");
    if (place->block == BLOCK_MACHINE) {
        row->indent = row->ends ? 0 : INDENT;
        place->block = row->ends ? BLOCK_NONE : BLOCK_MACHINE;
        row->shape = row->ends ? SHAPE_PLAIN : SHAPE_PARAMETER;
        if (!row->ends) {
            split_parameter(row, &lexer);
        }
        return;
    }
    if (!step && word_in(&word, fields)) {
        row->indent = INDENT;
        row->shape = SHAPE_FIELD;
        split_words(row, &lexer, 1);
        return;
    }
    bool ends_struct = row->ends && place->block == BLOCK_STRUCT;
    place->block = BLOCK_NONE;
    if (row->ends && !ends_struct && place->depth > 0) {
        place->depth--;
    }
    row->indent = place->depth * INDENT;
    if (step) {
        row->shape = SHAPE_STEP;
        split_step(row, &lexer);
    } else if (word_in(&word, declarations)) {
        row->shape = SHAPE_DECLARATION;
        row->opens = ns_token_is(&word, "struct");
        place->block = row->opens ? BLOCK_STRUCT : BLOCK_NONE;
        split_words(row, &lexer, 2);
    } else if (word_in(&word, judgements)) {
        row->shape = SHAPE_JUDGEMENT;
        split_words(row, &lexer, 1);
    } else if (ns_token_is(&word, "machine")) {
        place->block = BLOCK_MACHINE;
        row->opens = true;
    } else if (ns_token_is(&word, "repeat")) {
        place->depth += place->depth < NS_LIMIT_REPEAT_DEPTH;
    }
}

static void read_row(struct row *row, struct slice line, struct place *place) {
    const char *words_end;
    *row = (struct row){.line = line};
    row->expect = row->cell[0] = row->cell[1] = (struct slice){line.start, line.start};
    row->comment = split_comment(line, &words_end);
    row->body = (struct slice){line.start, words_end};
    while (row->body.start < words_end && (*row->body.start == ' ' || *row->body.start == '\t')) {
        row->body.start++;
    }
    if (!is_empty(row->body)) {
        row->kind = ROW_STATEMENT;
        read_statement(row, place);
    } else if (is_empty(row->comment)) {
        row->kind = ROW_BLANK;
    } else {
        row->kind = column_of(line, row->comment.start) > ASIDE_BEHIND ? ROW_ASIDE : ROW_COMMENT;
    }
}

/* A comment on a line of its own stands as the statement below it does; above an `end` it is inside the block. */
static void indent_comments(struct row *rows, size_t count) {
    size_t indent = 0;
    for (size_t i = count; i-- > 0;) {
        if (rows[i].kind == ROW_STATEMENT) {
            indent = rows[i].indent + (rows[i].ends ? INDENT : 0);
        } else if (rows[i].kind == ROW_COMMENT) {
            rows[i].indent = indent;
        }
    }
}

/* ---- columns --------------------------------------------------------------------------------- */

static size_t larger(size_t a, size_t b) {
    return a > b ? a : b;
}

static size_t key_width(const struct row *rows, size_t count, enum shape shape, size_t cell) {
    size_t width = 0;
    for (size_t i = 0; i < count; i++) {
        if (rows[i].kind == ROW_STATEMENT && rows[i].shape == shape) {
            width = larger(width, width_of(rows[i].cell[cell]));
        }
    }
    return width;
}

static void set_columns(struct row *rows, size_t count) {
    size_t actor = key_width(rows, count, SHAPE_STEP, 0) + 1, verb = key_width(rows, count, SHAPE_STEP, 1) + 1;
    size_t name = larger(key_width(rows, count, SHAPE_DECLARATION, 1) + 1, LEAST_NAME);
    for (size_t i = 0; i < count; i++) {
        struct row *row = &rows[i];
        switch (row->shape) {
        case SHAPE_STEP:
            row->column[0] = actor;
            row->column[1] = actor + verb;
            break;
        case SHAPE_DECLARATION:
            row->column[0] = KEYWORD;
            row->column[1] = KEYWORD + name;
            break;
        case SHAPE_FIELD:
            row->column[1] = FIELD;
            break;
        case SHAPE_JUDGEMENT:
            row->column[1] = JUDGEMENT;
            break;
        case SHAPE_PARAMETER: /* set with its block */
        case SHAPE_PLAIN:
            break;
        }
    }
}

static void set_parameter_columns(struct row *rows, size_t count) {
    for (size_t i = 0; i < count; i++) {
        size_t first = i;
        while (i < count && !(rows[i].kind == ROW_STATEMENT && rows[i].shape != SHAPE_PARAMETER)) {
            i++;
        }
        size_t column = key_width(&rows[first], i - first, SHAPE_PARAMETER, 0) + 2;
        for (size_t k = first; k < i; k++) {
            rows[k].column[1] = rows[k].shape == SHAPE_PARAMETER ? column : 0;
        }
    }
}

static void put_statement(struct out *out, const struct row *row) {
    size_t start = out->length;
    put_blanks(out, row->indent);
    for (size_t i = 0; i < 2; i++) {
        put_words(out, row->cell[i]);
        bool more = i == 0 ? !is_empty(row->cell[1]) || width_of(row->body) > 0 : width_of(row->body) > 0;
        if (more && row->column[i] > 0) {
            size_t at = out->length - start - row->indent;
            put_blanks(out, at < row->column[i] ? row->column[i] - at : 1);
        }
    }
    put_words(out, row->body);
}

static size_t statement_width(const struct row *row) {
    struct out out = {0};
    put_statement(&out, row);
    return out.length;
}

static void set_trail(struct row *rows, size_t count) {
    size_t trail = 0, widest = 0;
    bool aside = false;
    for (size_t i = 0; i < count; i++) {
        aside = aside || rows[i].kind == ROW_ASIDE;
        if (rows[i].kind == ROW_STATEMENT) {
            size_t width = statement_width(&rows[i]);
            bool trails = !is_empty(rows[i].expect) || !is_empty(rows[i].comment);
            widest = width <= LONGEST_BODY ? larger(widest, width) : widest;
            trail = trails && width <= LONGEST_BODY ? larger(trail, width + 2) : trail;
        }
    }
    if (aside) {
        trail = larger(trail > 0 ? trail : widest + 2, LEAST_TRAIL);
    }
    for (size_t i = 0; i < count; i++) {
        rows[i].trail = trail;
    }
}

static void set_paragraphs(struct row *rows, size_t count) {
    set_parameter_columns(rows, count);
    for (size_t i = 0; i < count; i++) {
        size_t first = i;
        while (i < count && rows[i].kind != ROW_BLANK) {
            i++;
        }
        set_columns(&rows[first], i - first);
        set_trail(&rows[first], i - first);
    }
}

/* ---- text ------------------------------------------------------------------------------------ */

static void put_row(struct out *out, const struct row *row) {
    size_t start = out->length, trail = row->trail;
    if (row->kind == ROW_COMMENT || row->kind == ROW_ASIDE) {
        put_blanks(out, row->kind == ROW_ASIDE ? trail : row->indent);
    } else {
        put_statement(out, row);
        if (!is_empty(row->expect)) {
            size_t at = out->length - start;
            put_blanks(out, at + 2 <= trail ? trail - at : 2);
            put_words(out, row->expect);
            trail = 0;
        }
        if (!is_empty(row->comment)) {
            size_t at = out->length - start;
            put_blanks(out, at + 2 <= trail ? trail - at : 2);
        }
    }
    put(out, row->comment.start, (size_t)(row->comment.end - row->comment.start));
}

static void put_rows(struct out *out, const struct row *rows, size_t count) {
    bool gap = false;
    for (size_t i = 0; i < count; i++) {
        if (rows[i].kind == ROW_BLANK) {
            gap = out->length > 0;
            continue;
        }
        if (gap) {
            put(out, "\n", 1);
            gap = false;
        }
        struct out width = {0};
        put_row(&width, &rows[i]);
        if (width.length > NS_LIMIT_LINE_BYTES) {
            /* Columns would make the line longer than the language allows. */
            put(out, rows[i].line.start, (size_t)(rows[i].line.end - rows[i].line.start));
        } else {
            put_row(out, &rows[i]);
        }
        put(out, "\n", 1);
    }
}

static const char *skip_mark(const char *text, size_t length) {
    return length >= 3 && memcmp(text, "\xEF\xBB\xBF", 3) == 0 ? text + 3 : text;
}

static const char *line_end(const char *at, const char *end) {
    const char *newline = memchr(at, '\n', (size_t)(end - at));
    return newline != NULL ? newline : end;
}

char *ns_canonical_layout(const char *text, size_t length, size_t *formatted) {
    const char *at = skip_mark(text, length), *end = text + length;
    size_t count = 1, index = 0;
    for (const char *byte = at; byte < end; byte++) {
        count += *byte == '\n';
    }
    struct row *rows = calloc(count, sizeof *rows);
    if (rows == NULL) {
        return NULL;
    }
    struct place place = {0};
    while (at < end) {
        const char *stop = line_end(at, end);
        read_row(&rows[index++], trim(at, stop), &place);
        at = stop < end ? stop + 1 : end;
    }
    indent_comments(rows, index);
    set_paragraphs(rows, index);
    struct out out = {0};
    put_rows(&out, rows, index);
    size_t size = out.length;
    out = (struct out){.data = malloc(size + 1)};
    if (out.data != NULL) {
        put_rows(&out, rows, index);
        out.data[size] = '\0';
        *formatted = size;
    }
    free(rows);
    return out.data;
}

/* ---- the same words? ------------------------------------------------------------------------- */

/* The next line that has something on it. */
static bool take_line(const char **at, const char *end, struct slice *line) {
    while (*at < end) {
        const char *stop = line_end(*at, end);
        *line = trim(*at, stop);
        *at = stop < end ? stop + 1 : end;
        if (!is_empty(*line)) {
            return true;
        }
    }
    return false;
}

static bool same_slice(struct slice a, struct slice b) {
    size_t length = (size_t)(a.end - a.start);
    return length == (size_t)(b.end - b.start) && memcmp(a.start, b.start, length) == 0;
}

static bool same_line(struct slice one, struct slice other) {
    const char *ignored;
    struct ns_lexer a, b;
    first_word(&a, one);
    first_word(&b, other);
    while (a.token.kind == b.token.kind && a.token.kind != NS_TOKEN_END) {
        if (a.token.length != b.token.length || memcmp(a.token.start, b.token.start, a.token.length) != 0) {
            return false;
        }
        next_word(&a);
        next_word(&b);
    }
    return a.token.kind == b.token.kind && same_slice(split_comment(one, &ignored), split_comment(other, &ignored));
}

bool ns_canonical_same(const char *one, size_t one_length, const char *other, size_t other_length) {
    const char *a = skip_mark(one, one_length), *b = skip_mark(other, other_length);
    struct slice left = {a, a}, right = {b, b};
    for (;;) {
        bool more = take_line(&a, one + one_length, &left);
        if (more != take_line(&b, other + other_length, &right)) {
            return false;
        }
        if (!more || !same_line(left, right)) {
            return !more;
        }
    }
}
