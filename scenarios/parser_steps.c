/* SPDX-License-Identifier: Apache-2.0 */
/* Steps: who does what. A new verb is a new row of `verbs`; repeat is counted here and written out in scenario.c. */
#include "model/hazard.h"
#include "scenarios/parser_actions.h"

#include <stdio.h>
#include <string.h>

#define ROWS(array) (sizeof(array) / sizeof((array)[0]))

/* ---- the table ------------------------------------------------------------------------------- */

struct verb_row {
    const char *word;
    enum ns_actor_kind actor;
    enum ns_verb verb;
    enum ns_instruction instruction; /* CBO, DCACHE, SYNC */
    bool (*parse)(struct ns_parser *parser, struct ns_step *step);
};

#define HART   NS_ACTOR_HART
#define DEVICE NS_ACTOR_DEVICE
#define HW     NS_ACTOR_HARDWARE
static const struct verb_row verbs[] = {
    {"load", HART, NS_VERB_LOAD, 0, ns_parse_load},
    {"store", HART, NS_VERB_STORE, 0, ns_parse_store},
    {"map", HART, NS_VERB_MAP, 0, ns_parse_map},
    {"unmap", HART, NS_VERB_UNMAP, 0, ns_parse_unmap},
    {"read", DEVICE, NS_VERB_READ, 0, ns_parse_read},
    {"write", DEVICE, NS_VERB_WRITE, 0, ns_parse_write},
    {"raise", DEVICE, NS_VERB_RAISE, 0, ns_parse_raise},
    {"wait", HART, NS_VERB_WAIT, 0, ns_parse_wait},
    {"copy", HART, NS_VERB_COPY, 0, ns_parse_copy},
    {"fence", HART, NS_VERB_FENCE, 0, ns_parse_nothing},
    {"clean", HART, NS_VERB_CLEAN, 0, ns_parse_maintenance},
    {"invalidate", HART, NS_VERB_INVALIDATE, 0, ns_parse_maintenance},
    {"flush", HART, NS_VERB_FLUSH, 0, ns_parse_maintenance},
    {"sync-for-cpu", HART, NS_VERB_SYNC_FOR_CPU, 0, ns_parse_unmap},
    {"sync-for-device", HART, NS_VERB_SYNC_FOR_DEVICE, 0, ns_parse_unmap},
    {"map-sg", HART, NS_VERB_MAP_SG, 0, ns_parse_map_sg},
    {"unmap-sg", HART, NS_VERB_UNMAP_SG, 0, ns_parse_unmap_sg},
    {"sync-sg-for-cpu", HART, NS_VERB_SYNC_SG_FOR_CPU, 0, ns_parse_unmap_sg},
    {"sync-sg-for-device", HART, NS_VERB_SYNC_SG_FOR_DEVICE, 0, ns_parse_unmap_sg},
    {"map-resource", HART, NS_VERB_MAP_RESOURCE, 0, ns_parse_map_resource},
    {"unmap-resource", HART, NS_VERB_UNMAP_RESOURCE, 0, ns_parse_unmap},
    {"mapping-error", HART, NS_VERB_MAPPING_ERROR, 0, ns_parse_mapping_error},
    {"alloc", HART, NS_VERB_ALLOC, 0, ns_parse_alloc},
    {"free", HART, NS_VERB_FREE, 0, ns_parse_free},
    {"alloc-coherent", HART, NS_VERB_ALLOC_COHERENT, 0, ns_parse_alloc_coherent},
    {"alloc-pages", HART, NS_VERB_ALLOC_PAGES, 0, ns_parse_alloc_pages},
    {"pin", HART, NS_VERB_PIN, 0, ns_parse_pin},
    {"unpin", HART, NS_VERB_UNPIN, 0, ns_parse_pin},
    {"unbind", HART, NS_VERB_UNBIND, 0, ns_parse_unbind},
    {"worker", HART, NS_VERB_WORKER, 0, ns_parse_nothing},
    {"set-attr", HART, NS_VERB_SET_ATTR, 0, ns_parse_set_attr},
    {"sfence", HART, NS_VERB_SFENCE, 0, ns_parse_sfence},
    {"doorbell", HART, NS_VERB_DOORBELL, 0, ns_parse_device_verb},
    {"mmio-read", HART, NS_VERB_MMIO_READ, 0, ns_parse_mmio_read},
    {"mmio-write", HART, NS_VERB_MMIO_WRITE, 0, ns_parse_mmio_write},
    {"mmio-poll", HART, NS_VERB_MMIO_POLL, 0, ns_parse_mmio_poll},
    {"poll", HART, NS_VERB_POLL, 0, ns_parse_poll},
    {"cbo.clean", HART, NS_VERB_CBO, NS_CBO_CLEAN, ns_parse_line_operation},
    {"cbo.inval", HART, NS_VERB_CBO, NS_CBO_INVAL, ns_parse_line_operation},
    {"cbo.flush", HART, NS_VERB_CBO, NS_CBO_FLUSH, ns_parse_line_operation},
    {"cbo.zero", HART, NS_VERB_CBO, NS_CBO_ZERO, ns_parse_line_operation},
    {"dcache.cva", HART, NS_VERB_DCACHE, NS_DCACHE_CVA, ns_parse_line_operation},
    {"dcache.cval1", HART, NS_VERB_DCACHE, NS_DCACHE_CVAL1, ns_parse_line_operation},
    {"dcache.civa", HART, NS_VERB_DCACHE, NS_DCACHE_CIVA, ns_parse_line_operation},
    {"dcache.iva", HART, NS_VERB_DCACHE, NS_DCACHE_IVA, ns_parse_line_operation},
    {"dcache.cpa", HART, NS_VERB_DCACHE, NS_DCACHE_CPA, ns_parse_line_operation},
    {"dcache.cpal1", HART, NS_VERB_DCACHE, NS_DCACHE_CPAL1, ns_parse_line_operation},
    {"dcache.cipa", HART, NS_VERB_DCACHE, NS_DCACHE_CIPA, ns_parse_line_operation},
    {"dcache.ipa", HART, NS_VERB_DCACHE, NS_DCACHE_IPA, ns_parse_line_operation},
    {"dcache.call", HART, NS_VERB_DCACHE, NS_DCACHE_CALL, ns_parse_nothing},
    {"dcache.ciall", HART, NS_VERB_DCACHE, NS_DCACHE_CIALL, ns_parse_nothing},
    {"dcache.iall", HART, NS_VERB_DCACHE, NS_DCACHE_IALL, ns_parse_nothing},
    {"sync", HART, NS_VERB_SYNC, NS_SYNC, ns_parse_nothing},
    {"sync.s", HART, NS_VERB_SYNC, NS_SYNC_S, ns_parse_nothing},
    {"sync.i", HART, NS_VERB_SYNC, NS_SYNC_I, ns_parse_nothing},
    {"sync.is", HART, NS_VERB_SYNC, NS_SYNC_IS, ns_parse_nothing},
    {"copy", DEVICE, NS_VERB_COPY, 0, ns_parse_copy},
    {"start", DEVICE, NS_VERB_START, 0, ns_parse_nothing},
    {"poll", DEVICE, NS_VERB_POLL, 0, ns_parse_poll},
    {"flush", DEVICE, NS_VERB_DEVICE_FLUSH, 0, ns_parse_nothing},
    {"feed", DEVICE, NS_VERB_FEED, 0, ns_parse_feed},
    {"drain", DEVICE, NS_VERB_DRAIN_STREAM, 0, ns_parse_drain_stream},
    {"prefetch", HW, NS_VERB_PREFETCH, 0, ns_parse_hart_line},
    {"evict", HW, NS_VERB_EVICT, 0, ns_parse_hart_line},
    {"sample", HW, NS_VERB_SAMPLE, 0, ns_parse_hart_line},
    {"install", HW, NS_VERB_INSTALL, 0, ns_parse_hart_line},
    {"speculative-store", HW, NS_VERB_SPECULATIVE_STORE, 0, ns_parse_hart_line},
    {"drain", HW, NS_VERB_DRAIN, 0, ns_parse_drain},
};

static const char *actor_text(enum ns_actor_kind kind) {
    return kind == NS_ACTOR_HART ? "a hart" : kind == NS_ACTOR_DEVICE ? "a device" : "`hw`";
}

static void unknown_verb(struct ns_parser *parser, const struct ns_token *word, enum ns_actor_kind actor) {
    static const char *const counterparts[][2] = {{"load", "read"}, {"store", "write"}};
    struct ns_place place = ns_parser_place(parser, word);
    struct ns_nearest search;
    ns_nearest_start(&search, word->start, word->length);
    for (size_t i = 0; i < ROWS(verbs); i++) {
        if (verbs[i].actor == actor) {
            ns_nearest_offer(&search, verbs[i].word, strlen(verbs[i].word));
        }
    }
    for (size_t i = 0; i < ROWS(verbs); i++) {
        if (!ns_token_is(word, verbs[i].word)) {
            continue;
        }
        char hint[64];
        const char *other = NULL;
        for (size_t row = 0; row < ROWS(counterparts); row++) {
            if (actor == NS_ACTOR_DEVICE && ns_token_is(word, counterparts[row][0])) {
                other = counterparts[row][1];
            } else if (actor == NS_ACTOR_HART && ns_token_is(word, counterparts[row][1])) {
                other = counterparts[row][0];
            }
        }
        if (other != NULL) {
            snprintf(hint, sizeof hint, "%s says `%s`", actor_text(actor), other);
        }
        ns_parser_error_hint(parser, place, other != NULL ? hint : NULL, "`%.*s` is for %s, not for %s",
                             (int)word->length, word->start, actor_text(verbs[i].actor), actor_text(actor));
        return;
    }
    ns_parser_error_near(parser, place, &search, "%s has no verb `%.*s`", actor_text(actor), (int)word->length,
                         word->start);
}

/* "dma-debug N": one of the kernel's own checks. */
static bool parse_check(struct ns_parser *parser, struct ns_step *step) {
    struct ns_place place = ns_parser_place(parser, ns_parser_token(parser));
    uint64_t number = 0;
    if (!ns_parser_take_number(parser, 1, NS_LIMIT_DEBUG_CHECK, &number, "the number of a check")) {
        return false;
    }
    if (parser->machine_known && parser->scenario->machine.kernel.dma_debug == NS_CONFIG_DEBUG_OFF) {
        ns_parser_error_hint(parser, place, "`dma-debug linux-7 all` in the machine",
                             "the machine's kernel is built without these checks");
    }
    if (step->check_count == NS_LIMIT_EXPECTATIONS) {
        ns_parser_error(parser, place, "a step expects at most %u checks", NS_LIMIT_EXPECTATIONS);
        return false;
    }
    step->check[step->check_count] = (uint8_t)number;
    step->check_place[step->check_count++] = place;
    return true;
}

static bool parse_expectations(struct ns_parser *parser, struct ns_step *step) {
    do {
        struct ns_token id;
        if (ns_parser_accept_word(parser, "dma-debug")) {
            if (!parse_check(parser, step)) {
                return false;
            }
            continue;
        }
        if (!ns_parser_take(parser, NS_TOKEN_WORD, &id, "`expect` names a hazard, such as `expect DC-REFETCH`")) {
            return false;
        }
        struct ns_place place = ns_parser_place(parser, &id);
        char name[NS_LIMIT_NAME_BYTES + 1];
        memcpy(name, id.start, id.length);
        name[id.length] = '\0';
        enum ns_hazard_id hazard = ns_hazard_by_name(name);
        if (hazard == NS_HAZARD_NONE) {
            struct ns_nearest search;
            ns_nearest_start(&search, id.start, id.length);
            for (int i = NS_HAZARD_NONE + 1; i < NS_HAZARD_COUNT; i++) {
                const struct ns_hazard_entry *text = ns_hazard_text((enum ns_hazard_id)i);
                if (text != NULL) {
                    ns_nearest_offer(&search, text->id, strlen(text->id));
                }
            }
            ns_parser_error_near(parser, place, &search, "no hazard is called `%s`", name);
        } else if (step->expect_count == NS_LIMIT_EXPECTATIONS) {
            ns_parser_error(parser, place, "a step expects at most %u hazards", NS_LIMIT_EXPECTATIONS);
            return false;
        } else {
            step->expect[step->expect_count] = (uint16_t)hazard;
            step->expect_place[step->expect_count++] = place;
        }
    } while (ns_parser_accept(parser, NS_TOKEN_COMMA));
    return true;
}

/* Sets the actor. Returns false when it is unknown: the verb then says nothing. */
static bool parse_actor(struct ns_parser *parser, struct ns_step *step) {
    struct ns_token word = *ns_parser_token(parser);
    step->actor_place = ns_parser_place(parser, &word);
    ns_parser_advance(parser);
    ns_parser_advance(parser); /* the colon: the scan has seen it */
    if (ns_is_hart_word(&word)) {
        step->actor_kind = NS_ACTOR_HART;
        step->actor = ns_parser_hart(parser, &word);
        return true;
    }
    if (ns_token_is(&word, "hw")) {
        step->actor_kind = NS_ACTOR_HARDWARE;
        return true;
    }
    step->actor_kind = NS_ACTOR_DEVICE;
    const struct ns_name *entry = ns_names_find(&parser->names, word.start, word.length);
    if (entry != NULL && entry->kind == NS_NAME_DEVICE) {
        step->actor = entry->index;
        return true;
    }
    parser->failed = true;
    if (entry != NULL && entry->kind == NS_NAME_BAD) {
        return false;
    }
    if (entry != NULL) {
        ns_parser_error(parser, step->actor_place, "`%.*s` is %s; actors are harts, devices and `hw`", (int)word.length,
                        word.start, ns_name_kind_text(entry->kind));
        return false;
    }
    struct ns_nearest search;
    ns_nearest_start(&search, word.start, word.length);
    for (size_t i = 0; i < parser->names.count; i++) {
        if (parser->names.entries[i].kind == NS_NAME_DEVICE) {
            ns_nearest_offer(&search, parser->names.entries[i].text, parser->names.entries[i].length);
        }
    }
    if (search.best == NULL) {
        ns_nearest_offer(&search, "cpu0", 4);
    }
    ns_parser_error_near(parser, step->actor_place, &search, "no device is called `%.*s`", (int)word.length,
                         word.start);
    return false;
}

static bool parse_step(struct ns_parser *parser, struct ns_step *step) {
    if (!parse_actor(parser, step)) {
        return false;
    }
    if (ns_parser_token(parser)->kind != NS_TOKEN_WORD) {
        return ns_parser_unexpected(parser, "behind `:` stands what the actor does");
    }
    ns_lexer_join_dots(&parser->lexer);
    struct ns_token word = *ns_parser_token(parser);
    step->verb_place = ns_parser_place(parser, &word);
    for (size_t i = 0; i < ROWS(verbs); i++) {
        const struct verb_row *row = &verbs[i];
        if (row->actor == step->actor_kind && row->word[0] == word.start[0] && ns_token_is(&word, row->word)) {
            ns_parser_advance(parser);
            step->verb = row->verb;
            step->instruction = row->instruction;
            ns_parser_check_engine_verb(parser, step);
            if (!row->parse(parser, step) ||
                (ns_parser_accept_word(parser, "expect") && !parse_expectations(parser, step))) {
                return false;
            }
            return ns_parser_take_end(parser);
        }
    }
    unknown_verb(parser, &word, step->actor_kind);
    return false;
}

/* ---- the pass -------------------------------------------------------------------------------- */

/* Open repeats: index 0 is the whole program. */
struct block {
    size_t entry; /* in the program */
    uint64_t steps;
    struct ns_place place;
};
struct blocks {
    struct block open[NS_LIMIT_REPEAT_DEPTH + 1];
    uint32_t depth, too_deep;
};

static void add_entry(struct ns_parser *parser, struct ns_program_entry entry) {
    struct ns_program_entry *grown =
        ns_parser_grow(parser, parser->program, parser->program_count, &parser->program_capacity, sizeof *grown);
    if (grown != NULL) {
        parser->program = grown;
        parser->program[parser->program_count++] = entry;
    }
}

static void add_steps(struct ns_parser *parser, struct blocks *blocks, uint64_t count, struct ns_place place) {
    struct block *block = &blocks->open[blocks->depth];
    block->steps += count;
    if (block->steps > NS_LIMIT_STEPS && !parser->blocks_broken) {
        ns_parser_error(parser, place, "with `repeat` written out, the scenario has more than %u steps",
                        NS_LIMIT_STEPS);
        parser->blocks_broken = true;
    }
    if (block->steps > NS_LIMIT_STEPS) {
        block->steps = 0;
    }
}

static void open_repeat(struct ns_parser *parser, struct blocks *blocks) {
    uint64_t count = 1;
    struct ns_place place = ns_parser_place(parser, ns_parser_token(parser));
    ns_parser_advance(parser);
    if (ns_parser_take_number(parser, 1, NS_LIMIT_REPEAT, &count, "`repeat`")) {
        ns_parser_take_end(parser);
    }
    if (blocks->depth == NS_LIMIT_REPEAT_DEPTH) {
        blocks->too_deep++;
        return;
    }
    blocks->depth++;
    blocks->open[blocks->depth] = (struct block){.entry = parser->program_count, .place = place};
    add_entry(parser, (struct ns_program_entry){.kind = NS_PROGRAM_REPEAT, .number = (uint32_t)count});
}

static void close_repeat(struct ns_parser *parser, struct blocks *blocks) {
    ns_parser_advance(parser);
    ns_parser_take_end(parser);
    if (blocks->too_deep > 0) {
        blocks->too_deep--;
        return;
    }
    if (blocks->depth == 0) {
        return;
    }
    struct block block = blocks->open[blocks->depth--];
    struct ns_program_entry *repeat = &parser->program[block.entry];
    repeat->end = (uint32_t)parser->program_count;
    repeat->total = (uint32_t)block.steps;
    uint64_t steps = block.steps * repeat->number;
    add_entry(parser, (struct ns_program_entry){.kind = NS_PROGRAM_END});
    add_steps(parser, blocks, steps, block.place);
}

static void add_step(struct ns_parser *parser, struct blocks *blocks) {
    struct ns_scenario *scenario = parser->scenario;
    struct ns_step *grown =
        ns_parser_grow(parser, scenario->written, scenario->written_count, &parser->written_capacity, sizeof *grown);
    if (grown == NULL) {
        return;
    }
    scenario->written = grown;
    struct ns_step *step = &grown[scenario->written_count];
    static const struct ns_ref no_ref = {.index = NS_NONE, .element = NS_NONE, .field = NS_NONE};
    memset(step, 0, sizeof *step);
    step->line = (uint32_t)parser->line + 1;
    step->ref = no_ref;
    step->to = no_ref;
    step->value.index = NS_NONE;
    step->result = NS_NONE;
    step->device = NS_NONE;
    step->hart = NS_NONE;
    step->irq = NS_NONE;
    step->pool = NS_NONE;
    step->list = NS_NONE;
    step->scope = NS_SCOPE_POC;
    struct ns_place place = ns_parser_place(parser, ns_parser_token(parser));
    if (!parse_step(parser, step) || parser->failed) {
        ns_parser_spoil_results(parser);
        add_steps(parser, blocks, 1, place);
        return;
    }
    add_entry(parser, (struct ns_program_entry){.kind = NS_PROGRAM_STEP, .number = (uint32_t)scenario->written_count});
    scenario->written[scenario->written_count].number = (uint32_t)scenario->written_count;
    scenario->written_count++;
    add_steps(parser, blocks, 1, place);
}

void ns_parser_steps(struct ns_parser *parser) {
    struct blocks blocks = {.depth = 0};
    for (size_t i = 0; i < parser->line_count && !parser->out_of_memory; i++) {
        enum ns_line_class class = (enum ns_line_class)parser->classes[i].class;
        if (class != NS_LINE_STEP && class != NS_LINE_REPEAT && class != NS_LINE_END) {
            continue;
        }
        ns_parser_open_line(parser, i);
        if (class == NS_LINE_STEP) {
            add_step(parser, &blocks);
        } else if (class == NS_LINE_REPEAT) {
            open_repeat(parser, &blocks);
        } else {
            close_repeat(parser, &blocks);
        }
    }
}
