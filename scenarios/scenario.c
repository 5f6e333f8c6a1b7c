/* SPDX-License-Identifier: Apache-2.0 */
/* A file in, a checked scenario out: the order of the passes, headers, and the unrolling of repeat. */
#include "scenarios/scenario.h"
#include "scenarios/parser.h"
#include "scenarios/place.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* What a caller gets a pointer to `scenario` of. */
struct storage {
    struct ns_scenario scenario;
    struct ns_arena arena;
};

/* Features that `requires` may name and that this build has. */
static const char *const features[] = {"run", "schedule", "chaos", "verify"};

/* ---- headers --------------------------------------------------------------------------------- */

static void once(struct ns_parser *parser, const struct ns_token *word, bool *seen) {
    if (*seen) {
        ns_parser_error(parser, ns_parser_place(parser, word), "`%.*s` is given twice", (int)word->length, word->start);
    }
    *seen = true;
}

static bool is_first_statement(const struct ns_parser *parser) {
    for (size_t i = 0; i < parser->line; i++) {
        if (parser->classes[i].class != NS_LINE_NOTHING) {
            return false;
        }
    }
    return true;
}

static bool parse_version(struct ns_parser *parser, const struct ns_token *word) {
    struct ns_token number = *ns_parser_token(parser);
    uint64_t version;
    once(parser, word, &parser->has_version);
    if (!ns_parser_take_number(parser, 0, UINT64_MAX, &version, "`version`")) {
        return false;
    }
    if (version != 1) {
        ns_parser_error(parser, ns_parser_place(parser, &number),
                        "this is version %s of the language; only version 1 is known", ns_number(version).text);
    } else if (!is_first_statement(parser)) {
        ns_parser_error(parser, ns_parser_place(parser, word), "`version` is the first statement of a file");
    }
    return ns_parser_take_end(parser);
}

static bool parse_scenario_name(struct ns_parser *parser, const struct ns_token *word) {
    struct ns_token name;
    once(parser, word, &parser->has_scenario);
    if (!ns_parser_take_string(parser, &name, "the name of a scenario stands in quotes: `scenario \"NAME\"`")) {
        return false;
    }
    if (name.length == 0) {
        ns_parser_error(parser, ns_parser_place_from(parser, name.start - 1, name.start + 1), "this name is empty");
    }
    if (parser->scenario != NULL) {
        parser->scenario->name = ns_arena_text(parser->arena, name.start, name.length);
        parser->out_of_memory = parser->out_of_memory || parser->scenario->name == NULL;
    }
    return ns_parser_take_end(parser);
}

static bool parse_use(struct ns_parser *parser, const struct ns_token *word) {
    struct ns_token name;
    bool seen = parser->use_place.line != 0;
    once(parser, word, &seen);
    if (!ns_parser_accept_word(parser, "machine")) {
        return ns_parser_unexpected(parser, "a machine is chosen with `use machine \"NAME\"`");
    }
    if (!ns_parser_take_string(parser, &name, "the name of a machine stands in quotes: `use machine \"NAME\"`")) {
        return false;
    }
    parser->use_place = ns_parser_place_from(parser, name.start - 1, name.start + name.length + 1);
    parser->use_name = name.start;
    parser->use_length = name.length;
    return ns_parser_take_end(parser);
}

static bool parse_order(struct ns_parser *parser, const struct ns_token *word) {
    static const struct ns_choice orders[] = {{"written", 0}, {"free", 1}, {NULL, 0}};
    uint64_t value = 0;
    once(parser, word, &parser->has_order);
    if (!ns_parser_take_choice(parser, orders, &value, "`order`")) {
        return false;
    }
    if (parser->scenario != NULL) {
        parser->scenario->order_free = value == 1;
    }
    return ns_parser_take_end(parser);
}

static bool parse_seed(struct ns_parser *parser, const struct ns_token *word) {
    uint64_t value = 0;
    once(parser, word, &parser->has_seed);
    if (!ns_parser_take_number(parser, 0, UINT64_MAX, &value, "`seed`")) {
        return false;
    }
    if (parser->scenario != NULL) {
        parser->scenario->seed = value;
    }
    return ns_parser_take_end(parser);
}

static bool parse_requires(struct ns_parser *parser, const struct ns_token *word) {
    struct ns_token name;
    (void)word;
    if (!ns_parser_take(parser, NS_TOKEN_WORD, &name, "`requires` names a feature, such as `requires run`")) {
        return false;
    }
    bool known = false;
    for (size_t i = 0; i < sizeof features / sizeof features[0]; i++) {
        known = known || ns_token_is(&name, features[i]);
    }
    if (!known && parser->scenario != NULL && parser->scenario->missing_requirement == NULL) {
        parser->scenario->missing_requirement = ns_arena_text(parser->arena, name.start, name.length);
        parser->out_of_memory = parser->out_of_memory || parser->scenario->missing_requirement == NULL;
    }
    return ns_parser_take_end(parser);
}

void ns_parser_headers(struct ns_parser *parser) {
    static const struct {
        const char *word;
        bool (*parse)(struct ns_parser *parser, const struct ns_token *word);
    } headers[] = {
        {"version", parse_version}, {"scenario", parse_scenario_name}, {"use", parse_use}, {"order", parse_order},
        {"seed", parse_seed},       {"requires", parse_requires},
    };
    for (size_t i = 0; i < parser->line_count; i++) {
        if (parser->classes[i].class != NS_LINE_HEADER) {
            continue;
        }
        ns_parser_open_line(parser, i);
        struct ns_token word = *ns_parser_token(parser);
        ns_parser_advance(parser);
        for (size_t row = 0; row < sizeof headers / sizeof headers[0]; row++) {
            if (ns_token_is(&word, headers[row].word)) {
                bool understood = headers[row].parse(parser, &word);
                parser->use_failed = parser->use_failed || (!understood && headers[row].parse == parse_use);
            }
        }
    }
}

/* ---- repeat ---------------------------------------------------------------------------------- */

struct unroller {
    struct ns_parser *parser;
    uint32_t *iterations; /* per written step */
    size_t placed;        /* steps with a piece of their own */
};

/* The step as it is in this iteration: one that works on pieces has its own each time. */
static const struct ns_step *piece_of(struct unroller *unroller, size_t number, uint32_t iteration) {
    struct ns_parser *parser = unroller->parser;
    const struct ns_step *written = &parser->scenario->written[number];
    if (written->pieces == 0) {
        return written;
    }
    if (++unroller->placed > NS_LIMIT_PLACED_STEPS) {
        if (unroller->placed == NS_LIMIT_PLACED_STEPS + 1) {
            parser->muted = false;
            ns_parser_error(parser, written->verb_place, "a program has at most %s steps on pieces",
                            ns_number(NS_LIMIT_PLACED_STEPS).text);
        }
        return written;
    }
    struct ns_step *step = ns_arena_alloc(parser->arena, sizeof *step);
    if (step == NULL) {
        parser->out_of_memory = true;
        return written;
    }
    *step = *written;
    uint64_t piece = iteration;
    if (written->piece == NS_PIECE_AT_RANDOM) { /* splitmix64 of where the step stands and how often it was there */
        piece = ((uint64_t)number << 32 | iteration) * UINT64_C(0x9E3779B97F4A7C15);
        piece = (piece ^ (piece >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
        piece = (piece ^ (piece >> 27)) * UINT64_C(0x94D049BB133111EB);
        piece ^= piece >> 31;
    }
    step->ref.offset += (int64_t)(piece % written->pieces * written->ref.length);
    return step;
}

static void unroll(struct unroller *unroller, size_t first, size_t end) {
    struct ns_parser *parser = unroller->parser;
    struct ns_scenario *scenario = parser->scenario;
    for (size_t i = first; i < end; i++) {
        const struct ns_program_entry *entry = &parser->program[i];
        if (entry->kind == NS_PROGRAM_STEP) {
            const uint32_t iteration = unroller->iterations[entry->number]++;
            scenario->steps[scenario->step_count++] =
                (struct ns_occurrence){.step = piece_of(unroller, entry->number, iteration), .iteration = iteration};
        } else if (entry->kind == NS_PROGRAM_REPEAT) {
            for (uint32_t round = 0; entry->total > 0 && round < entry->number; round++) {
                unroll(unroller, i + 1, entry->end);
            }
            i = entry->end;
        }
    }
}

/* Steps of a whole program, already known to be within NS_LIMIT_STEPS. */
static size_t count_steps(const struct ns_parser *parser) {
    size_t steps = 0;
    for (size_t i = 0; i < parser->program_count; i++) {
        const struct ns_program_entry *entry = &parser->program[i];
        if (entry->kind == NS_PROGRAM_STEP) {
            steps++;
        } else if (entry->kind == NS_PROGRAM_REPEAT) {
            steps += (size_t)entry->total * entry->number;
            i = entry->end;
        }
    }
    return steps;
}

void ns_parser_unroll(struct ns_parser *parser) {
    struct ns_scenario *scenario = parser->scenario;
    size_t steps = count_steps(parser);
    assert(steps <= NS_LIMIT_STEPS);
    struct unroller unroller = {parser, calloc(scenario->written_count + 1, sizeof *unroller.iterations), 0};
    scenario->steps = calloc(steps + 1, sizeof *scenario->steps);
    if (unroller.iterations == NULL || scenario->steps == NULL) {
        parser->out_of_memory = true;
    } else {
        unroll(&unroller, 0, parser->program_count);
        assert(scenario->step_count == steps);
    }
    free(unroller.iterations);
}

/* ---- the whole ------------------------------------------------------------------------------- */

/* The text without a byte order mark and with '\n' alone at line ends. */
static char *normalise(const char *text, size_t length, size_t *normal_length) {
    char *copy = malloc(length + 1);
    if (copy == NULL) {
        return NULL;
    }
    size_t start = length >= 3 && memcmp(text, "\xEF\xBB\xBF", 3) == 0 ? 3 : 0, used = 0;
    for (size_t i = start; i < length; i++) {
        if (!(text[i] == '\r' && i + 1 < length && text[i + 1] == '\n')) {
            copy[used++] = text[i];
        }
    }
    used -= used > 0 && copy[used - 1] == '\r';
    copy[used] = '\0';
    *normal_length = used;
    return copy;
}

static char *base_name(struct ns_arena *arena, const char *file) {
    const char *slash = strrchr(file, '/');
    const char *start = slash != NULL ? slash + 1 : file;
    size_t length = strlen(start);
    if (length > 4 && strcmp(start + length - 4, ".dma") == 0) {
        length -= 4;
    }
    return ns_arena_text(arena, start, length);
}

static bool allocate_tables(struct ns_parser *parser) {
    struct ns_scenario *scenario = parser->scenario;
    struct ns_arena *arena = parser->arena;
    scenario->objects = ns_arena_alloc(arena, NS_LIMIT_OBJECTS * sizeof *scenario->objects);
    scenario->devices = ns_arena_alloc(arena, NS_LIMIT_DEVICES * sizeof *scenario->devices);
    scenario->irqs = ns_arena_alloc(arena, NS_LIMIT_DEVICES * NS_LIMIT_DEVICE_IRQS * sizeof *scenario->irqs);
    scenario->pools = ns_arena_alloc(arena, NS_LIMIT_POOLS * sizeof *scenario->pools);
    scenario->registers = ns_arena_alloc(arena, NS_LIMIT_REGISTERS * sizeof *scenario->registers);
    scenario->lists = ns_arena_alloc(arena, NS_LIMIT_LISTS * sizeof *scenario->lists);
    parser->blocks = calloc(NS_LIMIT_MACHINES, sizeof *parser->blocks);
    return scenario->objects != NULL && scenario->devices != NULL && scenario->irqs != NULL &&
           scenario->pools != NULL && scenario->registers != NULL && scenario->lists != NULL && parser->blocks != NULL;
}

static bool knows_version(struct ns_parser *parser) {
    for (size_t i = 0; i < parser->line_count; i++) {
        const struct ns_token *token = ns_parser_token(parser);
        ns_parser_open_line(parser, i);
        if (token->kind == NS_TOKEN_END) {
            continue;
        }
        if (!ns_token_is(token, "version")) {
            return true;
        }
        ns_parser_advance(parser);
        if (token->kind != NS_TOKEN_NUMBER || token->number == 1) {
            return true;
        }
        struct ns_token word = *token;
        parse_version(parser, &word);
        return false;
    }
    return true;
}

/* Does everything find its place in this machine's RAM? */
static void check_places(struct ns_parser *parser) {
    struct ns_placement placement;
    uint32_t object = NS_NONE;
    char reason[256] = "";
    enum ns_status status = ns_scenario_place(parser->scenario, &placement, &object, reason, sizeof reason);
    const struct ns_place clash = placement.clash;
    ns_placement_release(&placement);
    if (status == NS_ERROR_MEMORY) {
        parser->out_of_memory = true;
    } else if (status != NS_OK) {
        struct ns_place place = object != NS_NONE ? parser->scenario->objects[object].place
                                : clash.line != 0 ? clash
                                                  : parser->use_place;
        ns_parser_error(parser, place, "%s", reason);
    }
}

static void parse(struct ns_parser *parser, size_t length) {
    struct ns_scenario *scenario = parser->scenario;
    if (!ns_parser_set_text(parser, scenario->text, length)) {
        return;
    }
    scenario->lines = parser->lines;
    scenario->line_count = parser->line_count;
    /* Under another version every other message would be a guess. */
    if (!knows_version(parser)) {
        return;
    }
    ns_parser_scan(parser);
    ns_parser_headers(parser);
    ns_parser_machine_blocks(parser);
    ns_parser_use_machine(parser);
    ns_parser_declarations(parser);
    ns_parser_check_windows(parser);
    ns_parser_steps(parser);
    ns_parser_judgements(parser);
    if (parser->diagnostics->count == 0 && !parser->out_of_memory) {
        ns_parser_unroll(parser);
        check_places(parser);
    }
}

struct ns_scenario *ns_scenario_parse(const char *file, const char *text, size_t length,
                                      const struct ns_machine_source *machines, struct ns_diagnostics *diagnostics) {
    struct storage *storage = calloc(1, sizeof *storage);
    struct ns_parser *parser = calloc(1, sizeof *parser);
    if (storage == NULL || parser == NULL) {
        free(storage);
        free(parser);
        return NULL;
    }
    struct ns_scenario *scenario = &storage->scenario;
    bool too_large = length > NS_LIMIT_FILE_BYTES;
    /* Either byte order mark of UTF-16. */
    bool wide = length >= 2 && (memcmp(text, "\xFF\xFE", 2) == 0 || memcmp(text, "\xFE\xFF", 2) == 0);
    size_t normal_length = 0;
    scenario->text = normalise(text, too_large ? 0 : length, &normal_length);
    scenario->file = ns_arena_text(&storage->arena, file, strlen(file));
    scenario->name = base_name(&storage->arena, file);
    parser->machines = machines;
    parser->diagnostics = diagnostics;
    parser->arena = &storage->arena;
    parser->scenario = scenario;
    bool ready = scenario->text != NULL && scenario->file != NULL && scenario->name != NULL &&
                 ns_diagnostics_set_file(diagnostics, file, scenario->text, normal_length) && allocate_tables(parser);
    ns_machine_config_default(&scenario->machine);
    if (ready && too_large) {
        ready = ns_diagnostics_add(diagnostics, 0, 1, 1, "this file is larger than 1 MiB; it is not read", NULL);
    } else if (ready && wide) {
        ready = ns_diagnostics_add(diagnostics, 0, 1, 1, "this file is UTF-16, and a scenario is UTF-8; it is not read",
                                   NULL);
    } else if (ready) {
        parse(parser, normal_length);
    }
    ready = ready && !parser->out_of_memory;
    if (scenario->lines == NULL) {
        free(parser->lines);
    }
    free(parser->classes);
    free(parser->blocks);
    free(parser->program);
    ns_names_release(&parser->names);
    free(parser);
    if (!ready) {
        ns_scenario_destroy(scenario);
        return NULL;
    }
    return scenario;
}

void ns_scenario_destroy(struct ns_scenario *scenario) {
    if (scenario == NULL) {
        return;
    }
    struct storage *storage = (struct storage *)scenario;
    free(scenario->text);
    free(scenario->lines);
    free(scenario->written);
    free(scenario->steps);
    free(scenario->judgements);
    ns_arena_release(&storage->arena);
    free(storage);
}
