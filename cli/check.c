/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/commands.h"
#include "cli/input.h"
#include "cli/output.h"
#include "report/format.h"
#include "report/json_writer.h"
#include "report/report.h"

#include <string.h>

static void write_diagnostics(const struct ns_diagnostics *diagnostics, struct ns_json *json) {
    ns_json_open(json, "diagnostics", '[');
    for (size_t i = 0; i < diagnostics->count; ++i) {
        const struct ns_diagnostic *entry = &diagnostics->entry[i];
        ns_json_open(json, NULL, '{');
        ns_json_string(json, "severity", "error");
        ns_json_number(json, "line", entry->line);
        ns_json_number(json, "column", entry->column);
        ns_json_number(json, "width", entry->width);
        ns_json_string(json, "message", entry->message);
        if (entry->suggestion != NULL) {
            ns_json_string(json, "suggestion", entry->suggestion);
        }
        ns_json_close(json, '}');
    }
    ns_json_close(json, ']');
}

static void write_json(const char *file, const struct ns_input *input, struct ns_json *json) {
    bool good = input->scenario != NULL && input->diagnostics.count == 0;
    ns_json_open(json, NULL, '{');
    ns_json_string(json, "file", file);
    ns_json_string(json, "verdict", good ? "pass" : "fail");
    if (good) {
        ns_json_string(json, "scenario", input->scenario->name);
        ns_json_string(json, "machine", input->scenario->machine.name);
        ns_json_number(json, "steps", input->scenario->step_count);
    }
    write_diagnostics(&input->diagnostics, json);
    ns_json_close(json, '}');
}

static void write_text(const char *file, const struct ns_input *input, struct ns_buffer *text) {
    ns_format_source(text, file, strlen(file));
    ns_buffer_text(text, ": ");
    if (input->scenario == NULL) {
        ns_buffer_text(text, "cannot be read\n");
    } else if (input->diagnostics.count > 0) {
        ns_format_count(text, input->diagnostics.count, "error\n", "errors\n");
    } else {
        ns_buffer_text(text, "ok, ");
        ns_format_count(text, input->scenario->step_count, "step\n", "steps\n");
    }
}

enum ns_exit ns_check_main(const struct ns_options *options) {
    enum ns_exit result = NS_EXIT_HELD;
    struct ns_buffer text = {0}, document = {0};
    struct ns_json json;
    if (options->operand_count == 0) {
        ns_error("`nosnoop check` needs a file: nosnoop check FILE...");
        return NS_EXIT_BAD_INPUT;
    }
    ns_json_begin(&json, &document);
    ns_json_open(&json, NULL, '{');
    ns_json_string(&json, "schema", NS_REPORT_JSON_SCHEMA);
    ns_json_number(&json, "version", NS_REPORT_JSON_VERSION);
    ns_json_string(&json, "command", "check");
    ns_json_open(&json, "files", '[');
    for (size_t i = 0; i < options->operand_count; ++i) {
        struct ns_input input;
        enum ns_exit read = ns_input_read(options->operands[i], &input);
        ns_input_complain(&input);
        if (result != NS_EXIT_INTERNAL && (read != NS_EXIT_HELD || input.diagnostics.count > 0)) {
            result = read == NS_EXIT_INTERNAL ? NS_EXIT_INTERNAL : NS_EXIT_BAD_INPUT;
        }
        write_json(options->operands[i], &input, &json);
        if (!options->quiet) {
            write_text(options->operands[i], &input, &text);
        }
        ns_input_release(&input);
    }
    ns_json_close(&json, ']');
    ns_json_string(&json, "verdict", result == NS_EXIT_HELD ? "pass" : "fail");
    ns_json_close(&json, '}');
    ns_json_end(&json);
    enum ns_exit written = options->json ? ns_output_json(options, &document) : NS_EXIT_HELD;
    if (!ns_output_is_json(options) && !ns_output_write(&text)) {
        written = NS_EXIT_INTERNAL;
    }
    ns_buffer_release(&text);
    ns_buffer_release(&document);
    return written != NS_EXIT_HELD ? written : result;
}
