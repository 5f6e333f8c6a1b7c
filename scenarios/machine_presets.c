/* SPDX-License-Identifier: Apache-2.0 */
/* Machines by name: blocks of the file, then presets; and which machine a scenario uses. */
#include "scenarios/parser.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- presets --------------------------------------------------------------------------------- */

static void report_missing(struct ns_parser *parser, const char *name, size_t length, struct ns_place place) {
    struct ns_nearest search;
    ns_nearest_start(&search, name, length);
    for (size_t i = 0; i < parser->block_count; i++) {
        ns_nearest_offer(&search, parser->blocks[i].name, parser->blocks[i].length);
    }
    const char *const *names = parser->machines != NULL ? parser->machines->names : NULL;
    char list[400] = "";
    for (size_t i = 0; names != NULL && names[i] != NULL; i++) {
        ns_nearest_offer(&search, names[i], strlen(names[i]));
        size_t used = strlen(list);
        if (used + strlen(names[i]) + 24 < sizeof list) {
            snprintf(list + used, sizeof list - used, "%s`%s`", used == 0 ? "there are " : ", ", names[i]);
        }
    }
    int shown = length < NS_CONFIG_NAME_BYTES ? (int)length : NS_CONFIG_NAME_BYTES - 1;
    if (search.best != NULL || list[0] == '\0') {
        ns_parser_error_near(parser, place, &search, "no machine is called `%.*s`", shown, name);
    } else {
        ns_parser_error_hint(parser, place, list, "no machine is called `%.*s`", shown, name);
    }
}

/* Reads a preset with a parser of its own; what is wrong with it is told at `place`. */
static bool read_preset(struct ns_parser *parser, const char *name, const char *text, struct ns_place place,
                        struct ns_machine_config *config) {
    size_t length = strlen(text);
    struct ns_parser *inner = calloc(1, sizeof *inner);
    struct ns_machine_block *blocks = calloc(NS_LIMIT_MACHINES, sizeof *blocks);
    struct ns_diagnostics *diagnostics = calloc(1, sizeof *diagnostics);
    bool good = false;
    if (inner == NULL || blocks == NULL || diagnostics == NULL) {
        parser->out_of_memory = true;
    } else if (length > NS_LIMIT_FILE_BYTES) {
        ns_parser_error(parser, place, "the machine file `%s` is larger than 1 MiB", name);
    } else {
        inner->machines = parser->machines;
        inner->diagnostics = diagnostics;
        inner->arena = parser->arena;
        inner->blocks = blocks;
        inner->depth = parser->depth + 1;
        const struct ns_machine_block *block = NULL;
        if (ns_parser_set_text(inner, text, length)) {
            ns_parser_scan(inner);
            ns_parser_headers(inner);
            ns_parser_machine_blocks(inner);
        }
        for (size_t i = 0; i < inner->block_count; i++) {
            bool same = blocks[i].length == strlen(name) && memcmp(blocks[i].name, name, blocks[i].length) == 0;
            block = same ? &blocks[i] : block;
        }
        parser->out_of_memory = parser->out_of_memory || inner->out_of_memory;
        if (diagnostics->count > 0) {
            ns_parser_error(parser, place, "line %u of the machine file `%s`: %s", (unsigned)diagnostics->entry[0].line,
                            name, diagnostics->entry[0].message);
        } else if (block == NULL) {
            ns_parser_error(parser, place, "the machine file `%s` holds no machine of this name", name);
        } else {
            *config = block->config;
            good = !block->bad;
            parser->failed = parser->failed || block->bad;
        }
    }
    if (inner != NULL) {
        ns_names_release(&inner->names);
        free(inner->lines);
        free(inner->classes);
        free(inner);
    }
    if (diagnostics != NULL) {
        ns_diagnostics_release(diagnostics);
    }
    free(diagnostics);
    free(blocks);
    return good;
}

/* Blocks of this file go before presets. *found: the block, or NULL for a preset. */
bool ns_parser_find_machine(struct ns_parser *parser, const char *name, size_t length, struct ns_place place,
                            struct ns_machine_config *config, const struct ns_machine_block **found) {
    *found = NULL;
    for (size_t i = 0; i < parser->block_count; i++) {
        const struct ns_machine_block *block = &parser->blocks[i];
        if (block->length == length && memcmp(block->name, name, length) == 0) {
            *found = block;
            *config = block->config;
            parser->failed = parser->failed || block->bad;
            return !block->bad;
        }
    }
    if (length == 0 || length >= NS_CONFIG_NAME_BYTES || parser->machines == NULL || parser->machines->read == NULL) {
        report_missing(parser, name, length, place);
        return false;
    }
    if (parser->depth == NS_LIMIT_MACHINE_DEPTH) {
        ns_parser_error(parser, place, "machines start `from` each other more than %u times", NS_LIMIT_MACHINE_DEPTH);
        return false;
    }
    char text_name[NS_CONFIG_NAME_BYTES];
    memcpy(text_name, name, length);
    text_name[length] = '\0';
    char *text = parser->machines->read(parser->machines->context, text_name);
    const char *const *names = parser->machines->names;
    for (size_t i = 0; text == NULL && names != NULL && names[i] != NULL; i++) {
        if (strcmp(names[i], text_name) == 0) { /* it is there, and there is no room for it */
            parser->out_of_memory = true;
            return false;
        }
    }
    if (text == NULL) {
        report_missing(parser, name, length, place);
        return false;
    }
    bool good = read_preset(parser, text_name, text, place, config);
    free(text);
    return good;
}

/* ---- use machine ----------------------------------------------------------------------------- */

static bool holds_machines_only(const struct ns_parser *parser) {
    for (size_t i = 0; i < parser->line_count; i++) {
        enum ns_line_class class = (enum ns_line_class)parser->classes[i].class;
        if (class != NS_LINE_NOTHING && class != NS_LINE_HEADER && class != NS_LINE_MACHINE &&
            class != NS_LINE_PARAMETER) {
            return false;
        }
    }
    return parser->block_count > 0;
}

void ns_parser_use_machine(struct ns_parser *parser) {
    struct ns_scenario *scenario = parser->scenario;
    const struct ns_machine_block *block = NULL;
    parser->muted = false;
    parser->failed = false;
    if (parser->use_place.line != 0) {
        parser->machine_known = ns_parser_find_machine(parser, parser->use_name, parser->use_length, parser->use_place,
                                                       &scenario->machine, &block);
        scenario->machine_name = ns_arena_text(parser->arena, parser->use_name, parser->use_length);
        parser->out_of_memory = parser->out_of_memory || scenario->machine_name == NULL;
    } else if (holds_machines_only(parser)) {
        block = &parser->blocks[parser->block_count - 1];
        scenario->machine = block->config;
        parser->machine_known = !block->bad;
        scenario->machine_name = ns_arena_text(parser->arena, block->name, block->length);
        parser->out_of_memory = parser->out_of_memory || scenario->machine_name == NULL;
    } else if (!parser->use_failed) {
        struct ns_place place = {.line = 0, .column = 1, .width = 1};
        ns_parser_error_hint(parser, place, "such as `use machine \"one-core-wb64\"`", "this scenario uses no machine");
    }
    parser->used_block = block;
}

/* A device that the machine names must exist. In a preset the name has no place in this file: there it is for whoever
 * has such a device. */
static void check_device(struct ns_parser *parser, const char *device, struct ns_place place) {
    const struct ns_name *entry = ns_names_find(&parser->names, device, strlen(device));
    bool fits = entry != NULL && (entry->kind == NS_NAME_DEVICE || entry->kind == NS_NAME_BAD);
    if (device[0] != '\0' && place.line != 0 && !fits) {
        ns_parser_error(parser, place, "no device is called `%s`", device);
    }
}

void ns_parser_check_windows(struct ns_parser *parser) {
    const struct ns_machine_block *block = parser->used_block;
    if (block == NULL || parser->use_place.line == 0) {
        return;
    }
    parser->muted = false;
    for (size_t i = 0; i < block->config.window_count; i++) {
        check_device(parser, block->config.window[i].device, block->window_place[i]);
    }
    for (size_t i = 0; i < block->config.kernel.cma_count; i++) {
        check_device(parser, block->config.kernel.cma[i].device, block->cma_place[i]);
    }
}
