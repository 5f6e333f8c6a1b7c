/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The result of `test` in the two forms that CI systems read: JUnit XML and KTAP. Both have to carry whatever a
 * scenario, a file name or a crash left behind. What a form has no way to say is written as \xNN, a byte in
 * hexadecimal.
 */
#include "cli/output.h"
#include "cli/test_report.h"
#include "report/format.h"

#include <stdio.h>
#include <string.h>

enum outcome { PASSED, FAILED, SKIPPED, ERROR };

/* What a result is in these forms: a failure is a scenario that ran and does not hold; an error has no result. */
static enum outcome outcome_of(const struct ns_test_item *item) {
    switch (item->verdict) {
    case NS_VERDICT_PASS:
        return PASSED;
    case NS_VERDICT_SKIPPED:
        return SKIPPED;
    default:
        return item->result.exit == NS_EXIT_FAILED && item->verdict == NS_VERDICT_FAIL ? FAILED : ERROR;
    }
}

/* The kind of an error, in one word. */
static const char *error_word(const struct ns_test_item *item) {
    return item->verdict == NS_VERDICT_UNKNOWN      ? "interrupted"
           : item->result.timed_out                 ? "timeout"
           : item->verdict == NS_VERDICT_INCOMPLETE ? "incomplete"
           : item->result.exit == NS_EXIT_BAD_INPUT ? "bad-file"
                                                    : "crash";
}

static bool starts_with(const char *line, size_t length, const char *word) {
    return length >= strlen(word) && strncmp(line, word, strlen(word)) == 0;
}

/* The line of the report that says it best: how the process died, else the first one. */
static const char *best_line(const struct ns_test_item *item, size_t *length) {
    const char *report = item->result.report.data != NULL ? item->result.report.data : "";
    const char *end = report + item->result.report.length, *best = NULL;
    if (item->verdict == NS_VERDICT_UNKNOWN) {
        *length = strlen("not run");
        return "not run";
    }
    *length = 0;
    for (const char *line = report; line < end;) {
        const char *next = memchr(line, '\n', (size_t)(end - line));
        const size_t size = (size_t)((next != NULL ? next : end) - line);
        const bool death = item->verdict == NS_VERDICT_FAIL &&
                           (starts_with(line, size, "hang: ") || starts_with(line, size, "crash: "));
        if (size > 0 && (best == NULL || death)) {
            best = line;
            *length = size;
        }
        line += size + 1;
    }
    return best != NULL ? best : "";
}

/* ---- escapes --------------------------------------------------------------------------------- */

enum place {
    XML_NAME, /* in an attribute; a backslash is doubled, so that different names stay different */
    XML_ATTRIBUTE,
    XML_TEXT,
    TAP_NAME, /* likewise; KTAP: "can't include #" */
    TAP_LINE,
};

/* Length of the character at `text` if both XML and a terminal take it, else 0. XML 1.0, production 2 (Char): no
 * controls but tab and line ends, no surrogates (nor are they UTF-8), not U+FFFE and U+FFFF. */
static size_t plain_length(const char *text, size_t length) {
    const unsigned char *byte = (const unsigned char *)text;
    const size_t size = ns_format_utf8_length(text, length);
    const bool control = byte[0] < 0x20 || byte[0] == 0x7f || (size == 2 && byte[0] == 0xc2 && byte[1] < 0xa0);
    const bool not_a_character = size == 3 && byte[0] == 0xef && byte[1] == 0xbf && byte[2] >= 0xbe;
    return control || not_a_character ? 0 : size;
}

static const char *entity(char c, enum place place) {
    if (place == TAP_NAME || place == TAP_LINE) {
        return NULL;
    }
    return c == '&'                        ? "&amp;"
           : c == '<'                      ? "&lt;"
           : c == '>'                      ? "&gt;" /* "]]>" must not stand in text (XML 1.0, 2.4) */
           : c == '"' && place != XML_TEXT ? "&quot;"
                                           : NULL;
}

static void escape(struct ns_buffer *out, enum place place, const char *text, size_t length) {
    for (size_t i = 0; i < length;) {
        const char c = text[i];
        const size_t size = plain_length(text + i, length - i);
        const char *named = entity(c, place);
        if ((place == XML_NAME || place == TAP_NAME) && c == '\\') {
            ns_buffer_text(out, "\\\\");
        } else if (named != NULL) {
            ns_buffer_text(out, named);
        } else if ((place == XML_TEXT && (c == '\n' || c == '\t')) || (place == TAP_LINE && c == '\t')) {
            ns_buffer_add(out, text + i, 1);
        } else if (size == 0 || (place == TAP_NAME && c == '#')) {
            ns_buffer_format(out, "\\x%02X", (unsigned)(unsigned char)c);
        } else {
            ns_buffer_add(out, text + i, size);
        }
        i += size == 0 ? 1 : size;
    }
}

/* "path/to/x.dma::scenario[machine]"; without the brackets when the process died before it told its machine. */
static void add_name(struct ns_buffer *out, enum place place, const struct ns_test_item *item) {
    size_t length;
    const char *name = ns_test_name(item, &length);
    escape(out, place, item->file, strlen(item->file));
    ns_buffer_text(out, "::");
    escape(out, place, name, length);
    if (item->result.machine.length > 0) {
        ns_buffer_text(out, "[");
        escape(out, place, item->result.machine.data, item->result.machine.length);
        ns_buffer_text(out, "]");
    }
}

/* ---- JUnit ----------------------------------------------------------------------------------- */

static void add_counts(struct ns_buffer *out, const struct ns_campaign *campaign) {
    size_t count[4] = {0};
    for (size_t i = 0; i < campaign->count; ++i) {
        ++count[outcome_of(&campaign->items[i])];
    }
    ns_buffer_format(out, " name=\"nosnoop\" tests=\"%zu\" failures=\"%zu\" errors=\"%zu\" skipped=\"%zu\"",
                     campaign->count, count[FAILED], count[ERROR], count[SKIPPED]);
}

/* <failure>, <error> or <skipped>. */
static void add_result(struct ns_buffer *out, const struct ns_test_item *item) {
    static const char *const element[] = {"", "failure", "skipped", "error"};
    const enum outcome outcome = outcome_of(item);
    size_t length;
    const char *line = best_line(item, &length);
    ns_buffer_format(out, "      <%s", element[outcome]);
    if (outcome != SKIPPED) {
        ns_buffer_format(out, " type=\"%s\"", outcome == FAILED ? "failed" : error_word(item));
    }
    ns_buffer_text(out, " message=\"");
    escape(out, XML_ATTRIBUTE, line, length);
    if (outcome == SKIPPED || item->result.report.length == 0) {
        ns_buffer_text(out, "\"/>\n");
        return;
    }
    ns_buffer_text(out, "\">");
    escape(out, XML_TEXT, item->result.report.data, item->result.report.length);
    ns_buffer_format(out, "</%s>\n", element[outcome]);
}

void ns_test_junit(const struct ns_campaign *campaign, struct ns_buffer *out) {
    ns_buffer_text(out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites");
    add_counts(out, campaign);
    ns_buffer_text(out, ">\n  <testsuite");
    add_counts(out, campaign);
    ns_buffer_text(out, ">\n");
    for (size_t i = 0; i < campaign->count; ++i) {
        const struct ns_test_item *item = &campaign->items[i];
        ns_buffer_text(out, "    <testcase classname=\"nosnoop\" name=\"");
        add_name(out, XML_NAME, item);
        if (outcome_of(item) == PASSED) {
            ns_buffer_text(out, "\"/>\n");
            continue;
        }
        ns_buffer_text(out, "\">\n");
        add_result(out, item);
        ns_buffer_text(out, "    </testcase>\n");
    }
    ns_buffer_text(out, "  </testsuite>\n</testsuites>\n");
}

/* ---- KTAP ------------------------------------------------------------------------------------ */

/* The report as diagnostic lines, which stand before the result that they are about. */
static void add_diagnostics(struct ns_buffer *out, const struct ns_buffer *report) {
    const char *line = report->data != NULL ? report->data : "";
    const char *end = line + report->length;
    while (line < end) {
        const char *next = memchr(line, '\n', (size_t)(end - line));
        const size_t length = (size_t)((next != NULL ? next : end) - line);
        ns_buffer_text(out, length > 0 ? "# " : "#");
        escape(out, TAP_LINE, line, length);
        ns_buffer_text(out, "\n");
        line += length + 1;
    }
}

void ns_test_tap(const struct ns_campaign *campaign, struct ns_buffer *out) {
    ns_buffer_format(out, "KTAP version 1\n1..%zu\n", campaign->count);
    for (size_t i = 0; i < campaign->count; ++i) {
        const struct ns_test_item *item = &campaign->items[i];
        const enum outcome outcome = outcome_of(item);
        size_t length;
        const char *line = best_line(item, &length);
        if (outcome == FAILED || outcome == ERROR) {
            add_diagnostics(out, &item->result.report);
        }
        ns_buffer_format(out, "%s %zu - ", outcome == PASSED || outcome == SKIPPED ? "ok" : "not ok", i + 1);
        add_name(out, TAP_NAME, item);
        if (outcome == SKIPPED || outcome == ERROR) {
            const bool timeout = outcome == ERROR && item->result.timed_out;
            ns_buffer_format(out, " # %s", outcome == SKIPPED ? "SKIP" : timeout ? "TIMEOUT" : "ERROR");
            ns_buffer_text(out, length > 0 ? " " : "");
            escape(out, TAP_LINE, line, length);
        }
        ns_buffer_text(out, "\n");
    }
}
