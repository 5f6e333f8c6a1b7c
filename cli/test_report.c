/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/test_report.h"

#include "cli/output.h"
#include "report/format.h"
#include "report/json_writer.h"
#include "report/report.h"

#include <string.h>

static const char *const verdict_text[NS_VERDICT_COUNT] = {"unknown", "pass", "fail", "skipped", "incomplete"};

/* What a process that did not end by itself cannot say. */
void ns_test_add_death(const struct ns_campaign *campaign, struct ns_test_item *item) {
    struct ns_buffer *out = &item->result.report;
    if (item->result.exit >= 0 && item->result.exit != NS_EXIT_INTERNAL &&
        (item->result.exit <= NS_EXIT_INCOMPLETE || item->result.exit == NS_EXIT_SKIPPED)) {
        return;
    }
    if (out->length > 0 && out->data[out->length - 1] != '\n') {
        ns_buffer_text(out, "\n");
    }
    if (item->result.timed_out) {
        ns_buffer_format(out, "hang: no result after %u s\n", campaign->options->timeout_s);
    } else if (item->result.signal != 0) {
        ns_buffer_format(out, "crash: killed by signal %d (%s)\n", item->result.signal, strsignal(item->result.signal));
    } else {
        ns_buffer_format(out, "crash: the process ended with status %d\n", item->result.exit);
    }
    ns_buffer_text(out, "  = replay: nosnoop run ");
    ns_format_shell(out, item->file);
    if (campaign->options->seed_given) {
        ns_buffer_format(out, " --seed %llu", (unsigned long long)campaign->options->seed);
    }
    ns_buffer_text(out, "\n");
}

static void add_indented(const struct ns_buffer *report, struct ns_buffer *out) {
    const char *text = report->data != NULL ? report->data : "";
    const char *end = text + report->length;
    while (text < end) {
        const char *line = memchr(text, '\n', (size_t)(end - text));
        size_t length = line != NULL ? (size_t)(line - text) : (size_t)(end - text);
        ns_buffer_text(out, length > 0 ? "    " : "");
        ns_buffer_add(out, text, length);
        ns_buffer_text(out, "\n");
        text += length + 1;
    }
    ns_buffer_text(out, "\n");
}

void ns_test_print_item(struct ns_campaign *campaign, const struct ns_test_item *item) {
    static const char *const word[NS_VERDICT_COUNT] = {"????", "pass", "FAIL", "skip", "stop"};
    static const enum ns_paint paint[NS_VERDICT_COUNT] = {NS_PAINT_STRONG, NS_PAINT_GOOD, NS_PAINT_ERROR,
                                                          NS_PAINT_EXPECTED, NS_PAINT_EXPECTED};
    const struct ns_report_style style = {.color = campaign->color};
    bool failed = item->verdict == NS_VERDICT_FAIL || item->verdict == NS_VERDICT_INCOMPLETE;
    struct ns_buffer text = {0};
    if (ns_output_is_json(campaign->options) || (campaign->options->quiet && !failed)) {
        return;
    }
    ns_paint_begin(&text, &style, paint[item->verdict]);
    ns_buffer_text(&text, word[item->verdict]);
    ns_paint_end(&text, &style);
    ns_buffer_text(&text, "  ");
    ns_format_source(&text, item->file, strlen(item->file));
    ns_buffer_text(&text, "\n");
    if (failed || (campaign->options->verbose && item->result.report.length > 0)) {
        add_indented(&item->result.report, &text);
    }
    /* Flushed line by line: whoever watches a pipe sees the progress. */
    if (!ns_output_write(&text) || !ns_output_finish()) {
        campaign->broken = true;
    }
    ns_buffer_release(&text);
}

void ns_test_print_summary(struct ns_campaign *campaign) {
    struct ns_buffer text = {0};
    ns_buffer_format(&text, "%zu passed, %zu failed", campaign->tally[NS_VERDICT_PASS],
                     campaign->tally[NS_VERDICT_FAIL]);
    if (campaign->tally[NS_VERDICT_SKIPPED] > 0) {
        ns_buffer_format(&text, ", %zu skipped", campaign->tally[NS_VERDICT_SKIPPED]);
    }
    if (campaign->tally[NS_VERDICT_INCOMPLETE] > 0) {
        ns_buffer_format(&text, ", %zu incomplete", campaign->tally[NS_VERDICT_INCOMPLETE]);
    }
    if (campaign->interrupted) {
        size_t known = campaign->tally[NS_VERDICT_PASS] + campaign->tally[NS_VERDICT_FAIL] +
                       campaign->tally[NS_VERDICT_SKIPPED] + campaign->tally[NS_VERDICT_INCOMPLETE];
        ns_buffer_format(&text, ", %zu not run (interrupted)", campaign->count - known);
    }
    ns_buffer_text(&text, "\n");
    campaign->broken = !ns_output_write(&text) || campaign->broken;
    ns_buffer_release(&text);
}

/* A scenario that could not say its name is called after its file, as a scenario without a name is. */
const char *ns_test_name(const struct ns_test_item *item, size_t *name_length) {
    if (item->result.name.length > 0) {
        *name_length = item->result.name.length;
        return item->result.name.data;
    }
    const char *slash = strrchr(item->file, '/');
    const char *base = slash != NULL ? slash + 1 : item->file;
    size_t length = strlen(base);
    length -= length > 4 && strcmp(base + length - 4, ".dma") == 0 ? 4 : 0;
    *name_length = length;
    return base;
}

void ns_test_json(const struct ns_campaign *campaign, enum ns_exit result, struct ns_buffer *out) {
    struct ns_json json;
    ns_json_begin(&json, out);
    ns_json_open(&json, NULL, '{');
    ns_json_string(&json, "schema", NS_REPORT_JSON_SCHEMA);
    ns_json_number(&json, "version", NS_REPORT_JSON_VERSION);
    ns_json_string(&json, "command", "test");
    ns_json_string(&json, "verdict",
                   result == NS_EXIT_HELD      ? "pass"
                   : result == NS_EXIT_FAILED  ? "fail"
                   : result == NS_EXIT_SKIPPED ? "skipped"
                                               : "incomplete");
    ns_json_number(&json, "passed", campaign->tally[NS_VERDICT_PASS]);
    ns_json_number(&json, "failed", campaign->tally[NS_VERDICT_FAIL]);
    ns_json_number(&json, "skipped", campaign->tally[NS_VERDICT_SKIPPED]);
    ns_json_number(&json, "incomplete", campaign->tally[NS_VERDICT_INCOMPLETE]);
    ns_json_open(&json, "scenarios", '[');
    for (size_t i = 0; i < campaign->count; ++i) {
        const struct ns_test_item *item = &campaign->items[i];
        if (item->verdict == NS_VERDICT_UNKNOWN) {
            continue;
        }
        ns_json_open(&json, NULL, '{');
        size_t length;
        const char *name = ns_test_name(item, &length);
        ns_json_string_bounded(&json, "name", name, length);
        ns_json_string(&json, "file", item->file);
        ns_json_string(&json, "verdict", verdict_text[item->verdict]);
        if (item->result.exit >= 0) {
            ns_json_number(&json, "exit", (uint64_t)item->result.exit);
        } else {
            ns_json_null(&json, "exit");
            ns_json_number(&json, "signal", (uint64_t)item->result.signal);
        }
        ns_json_bool(&json, "timeout", item->result.timed_out);
        ns_json_string(&json, "report",
                       item->verdict != NS_VERDICT_PASS && item->result.report.data != NULL ? item->result.report.data
                                                                                            : "");
        ns_json_close(&json, '}');
    }
    ns_json_close(&json, ']');
    ns_json_close(&json, '}');
    ns_json_end(&json);
}
