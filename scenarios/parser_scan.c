/* SPDX-License-Identifier: Apache-2.0 */
/* The first pass: what each line is, and whether the blocks fit together. */
#include "scenarios/parser.h"

#include <stdlib.h>
#include <string.h>

/* A statement's first word. */
static const struct statement {
    const char *word;
    enum ns_line_class class;
} statements[] = {
    {"version", NS_LINE_HEADER},
    {"scenario", NS_LINE_HEADER},
    {"use", NS_LINE_HEADER},
    {"order", NS_LINE_HEADER},
    {"seed", NS_LINE_HEADER},
    {"requires", NS_LINE_HEADER},
    {"machine", NS_LINE_MACHINE},
    {"device", NS_LINE_DECLARATION},
    {"buffer", NS_LINE_DECLARATION},
    {"struct", NS_LINE_DECLARATION},
    {"pool", NS_LINE_DECLARATION},
    {"alias", NS_LINE_DECLARATION},
    {"u8", NS_LINE_FIELD},
    {"u16", NS_LINE_FIELD},
    {"u32", NS_LINE_FIELD},
    {"u64", NS_LINE_FIELD},
    {"pad", NS_LINE_FIELD},
    {"repeat", NS_LINE_REPEAT},
    {"end", NS_LINE_END},
    {"final", NS_LINE_JUDGEMENT},
    {"verify", NS_LINE_JUDGEMENT},
};
#define STATEMENT_COUNT (sizeof statements / sizeof statements[0])

enum block { BLOCK_NONE, BLOCK_STRUCT, BLOCK_BAD_STRUCT, BLOCK_MACHINE, BLOCK_BAD_MACHINE };

struct scan {
    enum block block;                              /* struct or machine that is open */
    struct ns_place machine_place;                 /* of the open machine block's first word */
    struct ns_place repeat[NS_LIMIT_REPEAT_DEPTH]; /* of the open repeats */
    uint32_t depth;                                /* open repeats, also those too deep */
    uint32_t closed_early; /* repeats that a misplaced statement closed; their `end` may still come */
    uint32_t written;      /* statements */
};

bool ns_parser_set_text(struct ns_parser *parser, const char *text, size_t length) {
    size_t count = 1;
    for (const char *at = text; (at = memchr(at, '\n', (size_t)(text + length - at))) != NULL; at++) {
        count++;
    }
    if (length == 0 || text[length - 1] == '\n') {
        count--;
    }
    parser->text = text;
    parser->line_count = count;
    parser->lines = malloc((count + 1) * sizeof *parser->lines);
    parser->classes = calloc(count + 1, sizeof *parser->classes);
    if (parser->lines == NULL || parser->classes == NULL) {
        parser->out_of_memory = true;
        return false;
    }
    const char *at = text;
    for (size_t i = 0; i < count; i++) {
        parser->lines[i] = at;
        const char *newline = memchr(at, '\n', (size_t)(text + length - at));
        at = newline != NULL ? newline + 1 : text + length + 1;
    }
    parser->lines[count] = at;
    return true;
}

static const struct statement *find_statement(const struct ns_token *word) {
    for (size_t i = 0; i < STATEMENT_COUNT; i++) {
        if (ns_token_is(word, statements[i].word)) {
            return &statements[i];
        }
    }
    return NULL;
}

static bool check_bytes(struct ns_parser *parser, size_t index) {
    size_t length = ns_parser_line_length(parser, index), offset, width;
    struct ns_place place = {(uint32_t)index + 1, NS_LIMIT_LINE_BYTES + 1, 1};
    const char *problem = ns_line_check(parser->lines[index], length, &offset, &width);
    if (problem != NULL && offset < NS_LIMIT_LINE_BYTES) {
        place.column = (uint32_t)offset + 1;
        place.width = (uint32_t)width;
        ns_parser_error(parser, place, "%s", problem);
    } else if (length > NS_LIMIT_LINE_BYTES) {
        ns_parser_error(parser, place, "this line is longer than 1024 bytes");
    } else {
        return true;
    }
    return false;
}

/* An actor without its colon: "cpu0 load rx". */
static bool looks_like_step(const struct ns_token *word, const struct ns_token *second) {
    static const char *const verbs[] = {"load",  "store", "read", "write", "map",   "unmap",
                                        "clean", "flush", "wait", "raise", "fence", "prefetch"};
    if (second->kind != NS_TOKEN_WORD) {
        return false;
    }
    bool verb = false;
    for (size_t i = 0; i < sizeof verbs / sizeof verbs[0]; i++) {
        verb = verb || ns_token_is(second, verbs[i]);
    }
    return verb || ns_token_is(word, "hw") || (word->length == 4 && strncmp(word->start, "cpu", 3) == 0);
}

static void offer_statements(struct ns_nearest *search, const struct ns_token *word) {
    ns_nearest_start(search, word->start, word->length);
    for (size_t i = 0; i < STATEMENT_COUNT; i++) {
        ns_nearest_offer(search, statements[i].word, strlen(statements[i].word));
    }
}

/* A first word that starts nothing, and is close to nothing that does: in a struct a field of a type that is unknown,
 * such as "uint32_t length". */
static bool looks_like_field(struct ns_parser *parser, const struct ns_token *word) {
    struct ns_nearest search;
    ns_parser_advance(parser);
    const bool step = looks_like_step(word, ns_parser_token(parser));
    ns_parser_open_line(parser, parser->line);
    offer_statements(&search, word);
    const bool number = word->length > 1 && (word->start[0] == 'u' || word->start[0] == 'U') && word->start[1] >= '0' &&
                        word->start[1] <= '9'; /* "u24" */
    return number || (!step && search.best == NULL);
}

/* A first word that starts nothing. The names on its line become bad, and the block that was probably meant opens. */
static enum ns_line_class scan_unknown(struct ns_parser *parser, struct scan *scan, const struct ns_token *word) {
    ns_parser_advance(parser);
    struct ns_token second = *ns_parser_token(parser);
    struct ns_place place = ns_parser_place(parser, word);
    if (looks_like_step(word, &second)) {
        ns_parser_error(parser, place, "behind the actor `%.*s` stands a `:`", (int)word->length, word->start);
        ns_parser_spoil_results(parser);
        return NS_LINE_NOTHING;
    }
    struct ns_nearest search;
    offer_statements(&search, word);
    ns_parser_error_near(parser, place, &search, "`%.*s` starts no statement", (int)word->length, word->start);
    if (second.kind == NS_TOKEN_WORD) {
        ns_parser_spoil(parser, second.start, second.length);
    }
    ns_parser_spoil_results(parser);
    parser->classes[parser->line].muted = true;
    const char *meant = search.best != NULL ? search.best : "";
    if (strcmp(meant, "struct") == 0) {
        scan->block = BLOCK_BAD_STRUCT;
    } else if (strcmp(meant, "machine") == 0) {
        scan->block = BLOCK_BAD_MACHINE;
    } else if (strcmp(meant, "repeat") == 0) {
        return NS_LINE_REPEAT;
    } else if (strcmp(meant, "end") == 0) {
        return NS_LINE_END;
    }
    return NS_LINE_NOTHING;
}

static enum ns_line_class scan_repeat(struct ns_parser *parser, struct scan *scan, struct ns_place place) {
    if (scan->depth >= NS_LIMIT_REPEAT_DEPTH) {
        ns_parser_error(parser, place, "`repeat` blocks stand at most %u deep", NS_LIMIT_REPEAT_DEPTH);
        parser->blocks_broken = true;
    } else {
        scan->repeat[scan->depth] = place;
    }
    scan->depth++;
    return NS_LINE_REPEAT;
}

static enum ns_line_class scan_end(struct ns_parser *parser, struct scan *scan, struct ns_place place) {
    if (scan->depth > 0) {
        scan->depth--;
        return NS_LINE_END;
    }
    if (scan->closed_early > 0) {
        scan->closed_early--;
    } else {
        ns_parser_error(parser, place, "this `end` closes nothing: no block is open");
    }
    return NS_LINE_NOTHING;
}

/* A line inside a machine block. Returns false when the block must have ended before it. */
static bool scan_machine_line(struct ns_parser *parser, struct scan *scan, enum ns_line_class class) {
    if (class == NS_LINE_NOTHING || class == NS_LINE_FIELD) {
        return true;
    }
    if (class == NS_LINE_END) {
        scan->block = BLOCK_NONE;
        return true;
    }
    if (scan->block == BLOCK_MACHINE) {
        ns_parser_error(parser, scan->machine_place, "this machine has no `end` before line %u",
                        (unsigned)parser->line + 1);
    }
    scan->closed_early++; /* its `end` may stand below all the same */
    scan->block = BLOCK_NONE;
    return false;
}

/* Inside repeat stand steps only: any other statement means that an `end` is missing. */
static void close_repeats_at(struct ns_parser *parser, struct scan *scan, const struct ns_token *word) {
    ns_parser_error(parser, ns_parser_place(parser, word),
                    "`%.*s` cannot stand inside `repeat`; is the `end` of line %u missing above?", (int)word->length,
                    word->start, (unsigned)scan->repeat[0].line);
    scan->closed_early = scan->depth;
    scan->depth = 0;
    parser->blocks_broken = true;
}

static enum ns_line_class classify(struct ns_parser *parser, struct scan *scan) {
    struct ns_token word = *ns_parser_token(parser);
    struct ns_place place = ns_parser_place(parser, &word);
    const struct statement *statement = find_statement(&word);
    enum ns_line_class class = statement != NULL ? statement->class : NS_LINE_NOTHING;
    const char *next = parser->lexer.next;
    while (next < parser->lexer.end && (*next == ' ' || *next == '\t')) {
        next++;
    }
    if (word.kind == NS_TOKEN_WORD && next < parser->lexer.end && *next == ':') {
        class = NS_LINE_STEP;
    }
    if (scan->block == BLOCK_MACHINE || scan->block == BLOCK_BAD_MACHINE) {
        enum block block = scan->block;
        if (scan_machine_line(parser, scan, class)) {
            return block == BLOCK_MACHINE && class != NS_LINE_END ? NS_LINE_PARAMETER : NS_LINE_NOTHING;
        }
    }
    if (scan->block == BLOCK_STRUCT || scan->block == BLOCK_BAD_STRUCT) {
        bool field = class == NS_LINE_FIELD || word.kind != NS_TOKEN_WORD ||
                     (class == NS_LINE_NOTHING && looks_like_field(parser, &word));
        if (field) {
            return scan->block == BLOCK_STRUCT ? NS_LINE_FIELD : NS_LINE_NOTHING;
        }
        scan->block = BLOCK_NONE;
        if (class == NS_LINE_END) {
            return NS_LINE_NOTHING;
        }
    }
    if (word.kind != NS_TOKEN_WORD) {
        ns_parser_unexpected(parser, "a line starts with a statement, or with an actor and `:`");
        return NS_LINE_NOTHING;
    }
    if (class == NS_LINE_NOTHING) {
        class = scan_unknown(parser, scan, &word);
        if (class == NS_LINE_NOTHING) {
            return class;
        }
    }
    bool belongs_outside = class == NS_LINE_HEADER || class == NS_LINE_MACHINE || class == NS_LINE_DECLARATION ||
                           class == NS_LINE_JUDGEMENT;
    if (belongs_outside && scan->depth > 0) {
        close_repeats_at(parser, scan, &word);
    }
    switch (class) {
    case NS_LINE_REPEAT:
        return scan_repeat(parser, scan, place);
    case NS_LINE_END:
        return scan_end(parser, scan, place);
    case NS_LINE_FIELD:
        ns_parser_error(parser, place, "a field stands directly below its `struct`");
        return NS_LINE_NOTHING;
    case NS_LINE_MACHINE:
        scan->block = BLOCK_MACHINE;
        scan->machine_place = place;
        return class;
    case NS_LINE_DECLARATION:
        scan->block = ns_token_is(&word, "struct") ? BLOCK_STRUCT : BLOCK_NONE;
        return class;
    default:
        return class;
    }
}

void ns_parser_scan(struct ns_parser *parser) {
    struct scan scan = {0};
    for (size_t i = 0; i < parser->line_count; i++) {
        parser->line = i;
        parser->muted = false;
        parser->classes[i].muted = !check_bytes(parser, i);
        ns_parser_open_line(parser, i);
        if (ns_parser_token(parser)->kind == NS_TOKEN_END) {
            continue;
        }
        if (++scan.written > NS_LIMIT_STATEMENTS) {
            ns_parser_error(parser, ns_parser_place(parser, ns_parser_token(parser)),
                            "a scenario has at most %u statements; the rest is not read", NS_LIMIT_STATEMENTS);
            parser->line_count = i;
            parser->blocks_broken = true;
            return;
        }
        parser->classes[i].class = (uint8_t)classify(parser, &scan);
    }
    if (scan.block == BLOCK_MACHINE) {
        ns_parser_error(parser, scan.machine_place, "this machine has no `end`");
    }
    for (uint32_t i = 0; i < scan.depth && i < NS_LIMIT_REPEAT_DEPTH; i++) {
        ns_parser_error(parser, scan.repeat[i], "this `repeat` has no `end`");
        parser->blocks_broken = true;
    }
}
