/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bytes -> lexer, parser and the texts of all messages, as `nosnoop check` does. What must hold for any bytes: a
 * scenario object comes back, messages are in the order of their places, each place lies in the file, and nothing of
 * the file reaches the terminal as a control character.
 */
#include "cli/presets.h"
#include "scenarios/scenario.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool condition, const char *promise) {
    if (!condition) {
        fprintf(stderr, "promise broken: %s\n", promise);
        abort();
    }
}

static void check_text(const struct ns_diagnostics *list, size_t index) {
    const size_t length = ns_diagnostic_format(list, index, NULL, 0);
    char *text = malloc(length + 1);
    require(text != NULL, "the host has memory");
    require(ns_diagnostic_format(list, index, text, length + 1) == length, "both calls give one length");
    require(strlen(text) == length, "the text is as long as promised");
    for (size_t i = 0; i < length; i++) {
        const unsigned char byte = (unsigned char)text[i];
        require(byte == '\n' || (byte >= 0x20 && byte != 0x7F), "no control character reaches the terminal");
    }
    free(text);
}

static void check_messages(const struct ns_diagnostics *list, size_t size) {
    require(list->count <= NS_DIAGNOSTIC_LIMIT + 1, "the messages are limited");
    for (size_t i = 0; i < list->count; i++) {
        const struct ns_diagnostic *entry = &list->entry[i];
        require(entry->column >= 1 && entry->width >= 1, "a message has a place");
        require(entry->line <= size + 1, "its line is one of the file");
        if (i > 0 && entry->line != 0) {
            const struct ns_diagnostic *before = &list->entry[i - 1];
            require(before->line < entry->line || (before->line == entry->line && before->column < entry->column),
                    "messages are in the order of the file, one for a place");
        }
        check_text(list, i);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    const char *names[NS_PRESET_LIMIT + 1];
    struct ns_machine_source machines;
    struct ns_diagnostics messages;
    char *exact = malloc(size > 0 ? size : 1);
    require(exact != NULL, "the host has memory");
    if (size > 0) {
        memcpy(exact, data, size);
    }
    ns_preset_source(&machines, names);
    ns_diagnostics_init(&messages);
    struct ns_scenario *scenario = ns_scenario_parse("fuzz.dma", exact, size, &machines, &messages);
    free(exact); /* nothing may keep a pointer into it */
    require(scenario != NULL, "any bytes give a scenario or messages");
    check_messages(&messages, size);
    ns_scenario_destroy(scenario);
    ns_diagnostics_release(&messages);
    return 0;
}
