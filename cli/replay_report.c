/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/replay_report.h"

#include "cli/replay_geometry.h"
#include "report/format.h"
#include "report/report.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

void ns_replay_report_trace(const char *file, const struct ns_trace_parser *parser, const char *no_fetches,
                            struct ns_buffer *out) {
    ns_format_source(out, file, strlen(file));
    ns_buffer_format(out, ": %s, ", ns_trace_format_name(parser->format));
    ns_format_count(out, (size_t)parser->lines, "line\n  ", "lines\n  ");
    ns_format_count(out, (size_t)parser->reads, "read, ", "reads, ");
    ns_format_count(out, (size_t)parser->writes, "write, ", "writes, ");
    ns_format_count(out, (size_t)parser->fetches, "instruction fetch", "instruction fetches");
    if (no_fetches != NULL && parser->fetches > 0)
        ns_buffer_format(out, ", left out (%s)", no_fetches);
    ns_buffer_text(out, "\n");
    if (parser->skipped > 0) {
        ns_buffer_format(out,
                         "  %" PRIu64 " wrong line%s skipped; the first is line %" PRIu64 ", column %" PRIu32 ":\n  ",
                         parser->skipped, parser->skipped == 1 ? "" : "s", parser->error.line, parser->error.column);
        ns_buffer_wrap(out, parser->error.text, 2, 4, 80);
    }
}

/* "12.34" of a hundred, in two digits behind the point, rounded half up; "-" of nothing. */
static const char *percent(uint64_t part, uint64_t whole, char text[16]) {
    if (whole == 0)
        return "-";
    unsigned hundredths = (unsigned)((double)part / (double)whole * 10000 + 0.5);
    snprintf(text, 16, "%u.%02u", hundredths / 100, hundredths % 100);
    return text;
}

void ns_replay_report_text(const struct ns_replay_config *config, const struct ns_replay_row *rows, size_t count,
                           bool quiet, struct ns_buffer *out) {
    char text[NS_GEOMETRY_TEXT], reads[16], writes[16];
    static const char *const inclusions[] = {"", "; inclusive", "; exclusive"};
    bool cachegrind = config->like == NS_LIKE_CACHEGRIND;
    if (!quiet) {
        ns_buffer_format(out, "\ncounted as %s does%s\n", cachegrind ? "cachegrind" : "Dinero IV",
                         config->cache.levels > 1 ? inclusions[config->cache.inclusion] : "");
        for (size_t i = 0; i < count; i++)
            ns_buffer_format(out, "  %-4s %s\n", rows[i].name, ns_geometry_text(rows[i].config, text));
        ns_buffer_text(out, "\n");
    }
    ns_buffer_format(out, "%-4s%14s%13s%8s%14s%13s%8s\n", "", "reads", "misses", "%", "writes", "misses", "%");
    for (size_t i = 0; i < count; i++) {
        const struct ns_level_counts *counts = &rows[i].counts;
        ns_buffer_format(out, "%-4s%14" PRIu64 "%13" PRIu64 "%8s%14" PRIu64 "%13" PRIu64 "%8s\n", rows[i].name,
                         counts->reads, counts->read_misses, percent(counts->read_misses, counts->reads, reads),
                         counts->writes, counts->write_misses, percent(counts->write_misses, counts->writes, writes));
    }
    if (quiet)
        return;
    ns_buffer_format(out, "\n%-4s%14s%13s%s\n", "", "fills", "evictions",
                     cachegrind ? "" : "    write-backs  and when flushed");
    for (size_t i = 0; i < count; i++) {
        const struct ns_level_counts *counts = &rows[i].counts;
        ns_buffer_format(out, "%-4s%14" PRIu64 "%13" PRIu64, rows[i].name, counts->fills, counts->evictions);
        if (!cachegrind)
            ns_buffer_format(out, "%15" PRIu64 "%18" PRIu64, counts->writebacks, counts->writebacks_final);
        ns_buffer_text(out, "\n");
    }
    const struct ns_replay_row *last = &rows[count - 1];
    uint64_t bytes_read = last->counts.bytes_read;
    for (size_t i = 0; i + 1 < count && config->cache.levels == 1; i++) /* the L1I has memory below it, too */
        bytes_read += rows[i].counts.bytes_read;
    if (last->has_bytes)
        ns_buffer_format(out, "\nmemory: %" PRIu64 " bytes read, %" PRIu64 " bytes written\n", bytes_read,
                         last->counts.bytes_written);
}

void ns_replay_report_json_head(const char *file, const struct ns_trace_parser *parser, const char *verdict,
                                struct ns_json *json) {
    ns_json_open(json, NULL, '{');
    ns_json_string(json, "schema", NS_REPORT_JSON_SCHEMA);
    ns_json_number(json, "version", NS_REPORT_JSON_VERSION);
    ns_json_string(json, "command", "replay");
    ns_json_string(json, "file", file);
    ns_json_string(json, "verdict", verdict);
    ns_json_string(json, "format", ns_trace_format_name(parser->format));
    ns_json_number(json, "lines", parser->lines);
    ns_json_number(json, "reads", parser->reads);
    ns_json_number(json, "writes", parser->writes);
    ns_json_number(json, "fetches", parser->fetches);
    ns_json_number(json, "skipped", parser->skipped);
}

void ns_replay_report_json_counts(const struct ns_level_counts *counts, struct ns_json *json) {
    ns_json_number(json, "reads", counts->reads);
    ns_json_number(json, "read_misses", counts->read_misses);
    ns_json_number(json, "writes", counts->writes);
    ns_json_number(json, "write_misses", counts->write_misses);
    ns_json_number(json, "fills", counts->fills);
    ns_json_number(json, "evictions", counts->evictions);
    ns_json_number(json, "writebacks", counts->writebacks);
    ns_json_number(json, "writebacks_final", counts->writebacks_final);
}

void ns_replay_report_json_geometry(const struct ns_cache_level_config *config, struct ns_json *json) {
    ns_json_number(json, "size", config->size);
    ns_json_number(json, "ways", config->ways);
    ns_json_number(json, "line", config->line);
    ns_json_string(json, "replacement", ns_geometry_policy(config->replacement));
    ns_json_bool(json, "write_through", config->write_through);
    ns_json_bool(json, "no_write_allocate", config->no_write_allocate);
}

void ns_replay_report_json(const struct ns_replay_config *config, const struct ns_replay_row *rows, size_t count,
                           struct ns_json *json) {
    ns_json_string(json, "like", config->like == NS_LIKE_CACHEGRIND ? "cachegrind" : "dinero");
    ns_json_open(json, "levels", '[');
    for (size_t i = 0; i < count; i++) {
        ns_json_open(json, NULL, '{');
        ns_json_string(json, "name", rows[i].name);
        ns_replay_report_json_counts(&rows[i].counts, json);
        if (rows[i].has_bytes) {
            ns_json_number(json, "bytes_read", rows[i].counts.bytes_read);
            ns_json_number(json, "bytes_written", rows[i].counts.bytes_written);
        }
        ns_replay_report_json_geometry(rows[i].config, json);
        ns_json_close(json, '}');
    }
    ns_json_close(json, ']');
}
