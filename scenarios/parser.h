/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the parts of the parser share. It is private to this folder.
 *
 * One file is read in passes over its lines, so that order matters only where the story needs it:
 *   scan          each line's class; bytes that no scenario may hold; blocks without an end
 *   headers       `use machine`, `order`, ...; machine blocks
 *   declarations  devices, buffers, structs, pools, aliases
 *   steps         with `repeat`
 *   judgements    final, verify
 * A statement with an error is reported and its line is left; the names that it would have declared become NS_NAME_BAD,
 * so that their uses stay silent.
 *
 * Parse functions return false when the rest of the line cannot be understood. What is understood but wrong is
 * reported, sets `failed` and parsing goes on.
 */
#ifndef NS_SCENARIOS_PARSER_H
#define NS_SCENARIOS_PARSER_H

#include "scenarios/lexer.h"
#include "scenarios/names.h"
#include "scenarios/scenario.h"

enum ns_line_class {
    NS_LINE_NOTHING, /* blank, comment, or already complained about */
    NS_LINE_HEADER,
    NS_LINE_MACHINE,
    NS_LINE_PARAMETER, /* inside a machine block */
    NS_LINE_DECLARATION,
    NS_LINE_FIELD,
    NS_LINE_STEP,
    NS_LINE_REPEAT,
    NS_LINE_END, /* of a repeat */
    NS_LINE_JUDGEMENT,
};

struct ns_line {
    uint8_t class; /* enum ns_line_class */
    bool muted;    /* the line has an error that makes others pointless */
};

struct ns_machine_block {
    const char *name;
    size_t length;
    uint32_t line;
    bool bad;
    struct ns_place place; /* of the name */
    struct ns_place window_place[NS_CONFIG_MAX_WINDOWS];
    struct ns_place cma_place[NS_CONFIG_MAX_KERNEL_CMA]; /* of the device's name */
    struct ns_machine_config config;
};

/* What the unroller walks over. */
enum ns_program_kind { NS_PROGRAM_STEP, NS_PROGRAM_REPEAT, NS_PROGRAM_END };
struct ns_program_entry {
    enum ns_program_kind kind;
    uint32_t number; /* STEP: index of the written step; REPEAT: count */
    uint32_t end;    /* REPEAT: entry of its END */
    uint32_t total;  /* REPEAT: steps of the body, once */
};

struct ns_parser {
    const struct ns_machine_source *machines;
    struct ns_diagnostics *diagnostics;
    struct ns_arena *arena;
    struct ns_scenario *scenario; /* NULL while a preset is read */
    const char *text;             /* NUL-terminated */
    size_t line_count;
    const char **lines; /* line_count + 1: the last is one past the '\n' that ends, or would end, the text */
    struct ns_line *classes;
    struct ns_names names;
    bool out_of_memory;

    /* the line at work */
    size_t line; /* 0-based */
    struct ns_lexer lexer;
    bool failed; /* this statement has an error */
    bool muted;  /* do not report: the line, or its actor, is already complained about */

    /* headers */
    bool has_version, has_scenario, has_order, has_seed;
    struct ns_place use_place; /* of the name in `use machine`; line 0: none */
    const char *use_name;
    size_t use_length;
    bool use_failed;

    /* machines */
    size_t block_count;
    struct ns_machine_block *blocks;           /* NS_LIMIT_MACHINES */
    const struct ns_machine_block *used_block; /* NULL: a preset, or unknown */
    unsigned depth;                            /* of presets that start from presets */
    bool machine_known;                        /* scenario->machine can be trusted for checks */

    /* declarations */
    uint64_t total_bytes;
    struct ns_field fields[NS_LIMIT_FIELDS]; /* of the struct at work */

    /* steps */
    size_t written_capacity, program_count, program_capacity, judgement_capacity;
    struct ns_program_entry *program;
    bool blocks_broken;                         /* a repeat has no end or is too deep: do not count steps */
    uint64_t handle_length[NS_LIMIT_REGISTERS]; /* bytes of the mapping that a handle register holds; 0 unknown */
    uint32_t object_line[NS_LIMIT_OBJECTS];     /* line that created an allocated object */
};

/* ---- parser.c: lines, tokens, messages ------------------------------------------------------- */

/* Starts work on line `index` (0-based). */
void ns_parser_open_line(struct ns_parser *parser, size_t index);
size_t ns_parser_line_length(const struct ns_parser *parser, size_t index);
static inline const struct ns_token *ns_parser_token(const struct ns_parser *parser) {
    return &parser->lexer.token;
}
static inline void ns_parser_advance(struct ns_parser *parser) {
    ns_lexer_advance(&parser->lexer);
}
struct ns_place ns_parser_place(const struct ns_parser *parser, const struct ns_token *token);
/* From the start of `first` to the end of the token before the current one. */
struct ns_place ns_parser_place_from(const struct ns_parser *parser, const char *first, const char *end);

__attribute__((format(printf, 3, 4))) void ns_parser_error(struct ns_parser *parser, struct ns_place place,
                                                           const char *format, ...);
/* `nearest`: a search that has ended; its best candidate, if any, becomes "did you mean". */
__attribute__((format(printf, 4, 5))) void ns_parser_error_near(struct ns_parser *parser, struct ns_place place,
                                                                const struct ns_nearest *nearest, const char *format,
                                                                ...);
__attribute__((format(printf, 4, 5))) void ns_parser_error_hint(struct ns_parser *parser, struct ns_place place,
                                                                const char *hint, const char *format, ...);
/* The current token is not what should stand here. A BAD token is reported by its own problem instead. Returns false.
 */
__attribute__((format(printf, 2, 3))) bool ns_parser_unexpected(struct ns_parser *parser, const char *format, ...);

/* Takes the current token when it is this word or kind. */
bool ns_parser_accept_word(struct ns_parser *parser, const char *word);
bool ns_parser_accept(struct ns_parser *parser, enum ns_token_kind kind);
/* Takes a token of this kind or reports `sentence`. */
bool ns_parser_take(struct ns_parser *parser, enum ns_token_kind kind, struct ns_token *token, const char *sentence);
/* Nothing may follow. */
bool ns_parser_take_end(struct ns_parser *parser);
/* A text in quotes without the quotes; the place is that of the whole token. */
bool ns_parser_take_string(struct ns_parser *parser, struct ns_token *token, const char *sentence);

/* A number for people: 64M, 1,500, 0x80000000. */
struct ns_number_text {
    char text[32];
};
struct ns_number_text ns_number(uint64_t number);

/* ---- names ----------------------------------------------------------------------------------- */

/* "cpu0", "cpu12": a hart's name, whether or not the machine has it. */
bool ns_is_hart_word(const struct ns_token *token);
/* Its number; one that the machine lacks is reported. */
uint32_t ns_parser_hart(struct ns_parser *parser, const struct ns_token *token);
const char *ns_name_kind_text(enum ns_name_kind kind);
/* Declares a name; complains when it is taken (and makes it BAD) or reserved. Returns the entry, or NULL when it may
 * not be used. */
struct ns_name *ns_parser_declare(struct ns_parser *parser, const struct ns_token *name, enum ns_name_kind kind,
                                  uint32_t index);
/* Makes a name BAD, whatever it was. */
void ns_parser_spoil(struct ns_parser *parser, const char *text, size_t length);
/* Takes a name of one kind. On success *index is its index, or NS_NONE when the name is bad or unknown (reported unless
 * bad; the statement then has failed). False: no name stands here. `what` is "a device". */
bool ns_parser_take_name(struct ns_parser *parser, enum ns_name_kind kind, uint32_t *index, const char *sentence);
/* Reports a name that does not exist or is of another kind. */
void ns_parser_unknown(struct ns_parser *parser, const struct ns_token *name, unsigned kinds, const char *what);
#define NS_KIND_BIT(kind) (1u << (kind))

/* ---- options.c: words with a value, from tables ---------------------------------------------- */

struct ns_choice {
    const char *word; /* may hold dots */
    uint64_t value;
};

enum ns_option_kind {
    NS_OPTION_NUMBER, /* WORD number [unit] */
    NS_OPTION_CHOICE, /* WORD word, from `choices` */
    NS_OPTION_SET,    /* WORD alone: stores `minimum` */
    NS_OPTION_CLOCK,  /* WORD number MHz|GHz, stored as picoseconds */
    NS_OPTION_TIME,   /* WORD number ps|ns|us, stored as picoseconds */
    NS_OPTION_CUSTOM, /* WORD and whatever `parse` takes */
};
#define NS_NO_OFFSET SIZE_MAX

struct ns_option {
    const char *word;
    enum ns_option_kind kind;
    size_t offset, size;       /* of the member in the target: 1, 4 or 8 bytes */
    uint64_t minimum, maximum; /* NUMBER */
    bool power_of_two;
    const char *unit;                /* NUMBER: the word behind it, or NULL */
    const struct ns_choice *choices; /* CHOICE: ends with a NULL word */
    size_t flag;                     /* a bool of the target that becomes true, or NS_NO_OFFSET */
    bool (*parse)(struct ns_parser *parser, void *target);
    bool repeatable;
};
#define NS_MEMBER(type, member) offsetof(type, member), sizeof(((type *)NULL)->member)

/* Takes options until the line ends or an arrow stands there. `seen` gets one bit per row, and serves to find doubles;
 * `owner` is for messages ("a buffer"). */
bool ns_parser_options(struct ns_parser *parser, const struct ns_option *rows, size_t count, void *target,
                       uint64_t *seen, const char *owner);
/* Takes one option whose word is the current token. */
bool ns_parser_option(struct ns_parser *parser, const struct ns_option *rows, size_t count, void *target,
                      uint64_t *seen, const char *owner);
bool ns_parser_take_choice(struct ns_parser *parser, const struct ns_choice *choices, uint64_t *value,
                           const char *what);
bool ns_parser_take_time(struct ns_parser *parser, uint64_t *picoseconds, const char *what);
/* A number within [minimum, maximum]; `what` names it in messages. False when no number stands here; a number out of
 * range is reported, and the statement fails. */
bool ns_parser_take_number(struct ns_parser *parser, uint64_t minimum, uint64_t maximum, uint64_t *value,
                           const char *what);
extern const struct ns_choice ns_type_choices[];
extern const struct ns_choice ns_yes_no_choices[];

/* ---- the passes ------------------------------------------------------------------------------ */

/* Sets up lines and classes of parser->text, which is `length` bytes long. */
bool ns_parser_set_text(struct ns_parser *parser, const char *text, size_t length);
void ns_parser_scan(struct ns_parser *parser);
void ns_parser_headers(struct ns_parser *parser);
void ns_parser_machine_blocks(struct ns_parser *parser);
/* Copies the machine of this name, a block of this file or else a preset, to *config. What is wrong is told at `place`,
 * and the result is false. *found: the block, or NULL for a preset. */
bool ns_parser_find_machine(struct ns_parser *parser, const char *name, size_t length, struct ns_place place,
                            struct ns_machine_config *config, const struct ns_machine_block **found);
/* Finds the machine that `use machine` names, or the file's own. */
void ns_parser_use_machine(struct ns_parser *parser);
void ns_parser_declarations(struct ns_parser *parser);
/* "device NAME" has been read. False: the device is not declared, and its name is bad. */
bool ns_parser_device(struct ns_parser *parser, const struct ns_token *name);
bool ns_parser_lies_in_ram(const struct ns_machine_config *machine, uint64_t address, uint64_t size);
/* "pool NAME" has been read. False: the pool is not declared, and its name is bad. */
bool ns_parser_pool(struct ns_parser *parser, const struct ns_token *name);
char *ns_parser_copy_name(struct ns_parser *parser, const struct ns_token *name);
void ns_parser_too_many(struct ns_parser *parser, const struct ns_token *name, const char *what, unsigned limit);
/* The devices that windows and areas of this file's machine are for must exist. */
void ns_parser_check_windows(struct ns_parser *parser);
void ns_parser_steps(struct ns_parser *parser);
/* Multiplies repeat out. Only for a file without errors. */
void ns_parser_unroll(struct ns_parser *parser);
void ns_parser_judgements(struct ns_parser *parser);
/* The names behind `->` in a line with an error become BAD. */
void ns_parser_spoil_results(struct ns_parser *parser);
/* Grows an array; NULL sets out_of_memory and leaves the array as it was. */
void *ns_parser_grow(struct ns_parser *parser, void *array, size_t count, size_t *capacity, size_t size);

/* ---- refs ------------------------------------------------------------------------------------ */

enum {
    NS_REF_MAY_REACH_OUT = 1u << 0, /* a range may lie outside of its object */
    NS_REF_MAY_BE_HANDLE = 1u << 1, /* the handle of a map */
    NS_REF_MAY_BE_POINT = 1u << 2,  /* `@ADDRESS` without a range is one byte */
    NS_REF_IS_ACCESS = 1u << 3,     /* at most NS_LIMIT_ACCESS_BYTES */
    NS_REF_OBJECT_ONLY = 1u << 4,   /* no addresses */
    NS_REF_MAY_BE_EMPTY = 1u << 5,  /* `[0..0]` names nothing: maintenance with a length of zero is a published bug */
};
/* False: cannot be understood. A reference that is understood but wrong has kind NS_REF_NONE. `sentence`: what should
 * stand here. */
bool ns_parser_ref(struct ns_parser *parser, unsigned flags, struct ns_ref *ref, const char *sentence);
/* `= NUMBER`, `= NAME`, `fill BYTE` for the bytes of `ref`. */
bool ns_parser_value(struct ns_parser *parser, const struct ns_ref *ref, struct ns_value *value, const char *verb);
/* A number compared with `length` bytes (0: unknown). */
bool ns_parser_compared_number(struct ns_parser *parser, uint64_t length, bool fill_possible, struct ns_value *value);
bool ns_parser_fill(struct ns_parser *parser, struct ns_value *value);
/* What NS_REF_IS_ACCESS asks for, of a reference that is not what a step moves as it stands. */
void ns_parser_limit_access(struct ns_parser *parser, struct ns_ref *ref);
/* Bytes of a reference: handles use the mapping's length; 0 unknown. */
uint64_t ns_parser_ref_length(const struct ns_parser *parser, const struct ns_ref *ref);

#endif
