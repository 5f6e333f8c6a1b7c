/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/replay_timed.h"

#include "cli/output.h"
#include "cli/replay_machine.h"
#include "cli/replay_named.h"
#include "cli/replay_report.h"
#include "report/format.h"
#include "report/json_hazard.h"
#include "report/report.h"
#include "report/stats.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SHOWN_HAZARDS 10u /* a driver that forgets something does so each time */

/* ---- text ------------------------------------------------------------------------------------ */

static const char *share(uint64_t part, uint64_t whole, char text[16]) {
    if (whole == 0)
        return "-";
    snprintf(text, 16, "%.2f", (double)part / (double)whole * 100);
    return text;
}

static void add_records(const struct ns_trace_parser *parser, struct ns_buffer *out) {
    if (parser->device_reads + parser->device_writes + parser->maintenance + parser->fences == 0)
        return;
    ns_buffer_text(out, "  ");
    ns_format_count(out, (size_t)parser->device_reads, "read by the device, ", "reads by the device, ");
    ns_format_count(out, (size_t)parser->device_writes, "write by the device, ", "writes by the device, ");
    ns_buffer_format(out, "%" PRIu64 " of maintenance, ", parser->maintenance);
    ns_format_count(out, (size_t)parser->fences, "fence\n", "fences\n");
}

static void add_machine(const struct ns_timed_replay *replay, const struct ns_log *log, struct ns_buffer *out) {
    ns_buffer_text(out, "\nmachine ");
    ns_format_source(out, log->machine, strlen(log->machine));
    ns_buffer_text(out, "; ");
    ns_format_count(out, replay->pages, "page of the trace in its RAM", "pages of the trace in its RAM");
    ns_buffer_format(out, " of %" PRIu64 "\n", replay->pages_room);
}

static void add_levels(const struct ns_log *log, struct ns_buffer *out) {
    char loads[16], stores[16];
    ns_buffer_format(out, "\n%-5s%13s%13s%8s%14s%13s%8s\n", "", "loads", "misses", "%", "stores", "misses", "%");
    for (unsigned level = 0; level < log->levels; level++) {
        const struct ns_cache_stats *stats = level == 0 ? &log->stats.l1[0] : &log->stats.level[level];
        const uint64_t all_loads = stats->load_hits + stats->load_misses;
        const uint64_t all_stores = stats->store_hits + stats->store_misses;
        ns_buffer_format(out, "%-5.4s%13" PRIu64 "%13" PRIu64 "%8s%14" PRIu64 "%13" PRIu64 "%8s\n",
                         ns_level_name(log, level), all_loads, stats->load_misses,
                         share(stats->load_misses, all_loads, loads), all_stores, stats->store_misses,
                         share(stats->store_misses, all_stores, stores));
    }
    ns_buffer_format(out, "\n%-5s%13s%13s%13s%13s%13s\n", "", "fills", "evictions", "write-backs", "prefetches",
                     "discards");
    for (unsigned level = 0; level < log->levels; level++) {
        const struct ns_cache_stats *stats = level == 0 ? &log->stats.l1[0] : &log->stats.level[level];
        ns_buffer_format(out, "%-5.4s%13" PRIu64 "%13" PRIu64 "%13" PRIu64 "%13" PRIu64 "%13" PRIu64 "\n",
                         ns_level_name(log, level), stats->fills, stats->evictions, stats->write_backs,
                         stats->prefetches, stats->discards);
    }
}

static void add_cycles(const struct ns_log *log, unsigned accesses_of, uint64_t accesses, struct ns_buffer *out) {
    static const unsigned order[] = {NS_TIME_TRANSLATION, NS_TIME_LEVEL,       NS_TIME_LEVEL + 1, NS_TIME_LEVEL + 2,
                                     NS_TIME_MEMORY,      NS_TIME_MAINTENANCE, NS_TIME_WAITING,   NS_TIME_COMPUTE};
    static const char *const names[] = {[NS_TIME_COMPUTE] = "other",
                                        [NS_TIME_MEMORY] = "memory",
                                        [NS_TIME_MAINTENANCE] = "maintenance",
                                        [NS_TIME_TRANSLATION] = "second TLB",
                                        [NS_TIME_WAITING] = "waiting"};
    uint64_t part[NS_TIME_PARTS];
    char percent[16], time[NS_TIME_TEXT];
    const uint64_t all = ns_stats_cycles(log, accesses_of, part);
    ns_buffer_format(out, "\n%-16s%18s%9s\n", "cycles", "", "%");
    for (size_t i = 0; i < sizeof order / sizeof order[0]; i++) {
        const unsigned which = order[i];
        if (which == NS_TIME_TRANSLATION ? !log->stats.second_tlb : which >= NS_TIME_LEVEL + log->levels)
            continue;
        ns_buffer_format(out, "%-16.15s%18" PRIu64 "%9s\n",
                         which >= NS_TIME_LEVEL && which != NS_TIME_TRANSLATION
                             ? ns_level_name(log, which - NS_TIME_LEVEL)
                             : names[which],
                         part[which], share(part[which], all, percent));
    }
    ns_buffer_format(out, "%-16s%18" PRIu64 "%9s   %s; %.2f cycles an access\n", "in all", all, "",
                     ns_format_time(log->stats.time_ps[accesses_of], time),
                     accesses > 0 ? (double)all / (double)accesses : 0);
}

static void add_bus_row(const char *name, const struct ns_log_master *master, uint64_t end_ps, struct ns_buffer *out) {
    char time[NS_TIME_TEXT], percent[16];
    ns_buffer_format(out, "%-16s%18" PRIu64 "%16" PRIu64 "%15s%9s\n", name, master->bursts, master->bytes,
                     ns_format_time(master->busy_ps, time), share(master->busy_ps, end_ps, percent));
}

static void add_bus(const struct ns_log *log, bool device, struct ns_buffer *out) {
    ns_buffer_format(out, "\n%-16s%18s%16s%15s%9s\n", "bus", "bursts", "bytes", "held for", "%");
    add_bus_row("caches", &log->stats.caches, log->end_ps, out);
    if (device)
        add_bus_row("device", &log->stats.master[log->stats.harts], log->end_ps, out);
}

static void add_dram(const struct ns_log *log, struct ns_buffer *out) {
    const struct ns_dram_stats *dram = &log->stats.dram;
    char time[NS_TIME_TEXT];
    if (log->stats.dram_name[0] == '\0')
        return;
    ns_buffer_format(out, "\n%-14s%11s%11s%11s%11s%11s\n", "dram", "reads", "writes", "row hits", "closed",
                     "conflicts");
    ns_buffer_format(out, "%-14s%11" PRIu64 "%11" PRIu64 "%11" PRIu64 "%11" PRIu64 "%11" PRIu64 "\n",
                     log->stats.dram_name, dram->reads, dram->writes, dram->row_hits, dram->row_misses,
                     dram->row_conflicts);
    ns_buffer_format(out, "%-14smean read %s, ", "",
                     ns_format_time(dram->reads > 0 ? dram->latency_ps / dram->reads : 0, time));
    ns_format_count(out, (size_t)dram->refreshes, "refresh\n", "refreshes\n");
}

static bool is_complete(const struct ns_log *log, enum ns_exit ran) {
    return ran == NS_EXIT_HELD && !log->truncated;
}

static void add_verdict(const struct ns_log *log, enum ns_exit ran, const struct ns_report_style *style,
                        struct ns_buffer *out) {
    const bool good = log->hazard_count == 0 && is_complete(log, ran);
    char time[NS_TIME_TEXT];
    if (log->truncated)
        ns_buffer_text(out, "\nnote: more events, hazards or watched pages than nosnoop keeps: hazards after\n"
                            "      that are missing here. Cycles and counts are complete\n");
    ns_buffer_text(out, style->quiet ? "" : "\n");
    ns_format_source(out, log->file, strlen(log->file));
    ns_buffer_text(out, ": ");
    ns_paint_begin(out, style, good ? NS_PAINT_GOOD : NS_PAINT_ERROR);
    ns_buffer_text(out, good ? "pass" : log->hazard_count > 0 ? "fail" : "incomplete");
    ns_paint_end(out, style);
    ns_buffer_text(out, ": ");
    if (log->hazard_count == 0)
        ns_buffer_text(out, "no hazard");
    else
        ns_format_count(out, log->hazard_count, "hazard", "hazards");
    ns_buffer_format(out, "; %s simulated\n", ns_format_time(log->end_ps, time));
}

static void write_text(const struct ns_timed_replay *replay, const struct ns_log *log, enum ns_exit ran,
                       const struct ns_report_style *style, struct ns_buffer *out) {
    const struct ns_trace_parser *parser = &replay->parser;
    if (!style->quiet) {
        const size_t shown = style->verbose || log->hazard_count < SHOWN_HAZARDS ? log->hazard_count : SHOWN_HAZARDS;
        for (size_t i = 0; i < shown; i++) {
            ns_report_hazard_text(log, i, style, out);
            ns_buffer_text(out, "\n");
        }
        if (shown < log->hazard_count) {
            ns_format_count(out, log->hazard_count - shown, "hazard more: -v shows it", "hazards more: -v shows them");
            ns_buffer_text(out, "\n\n");
        }
        ns_replay_report_trace(replay->file, parser, "no L1I here", out);
        add_records(parser, out);
        add_machine(replay, log, out);
        add_levels(log, out);
        add_cycles(log, 0, parser->reads + parser->writes, out);
        add_bus(log, parser->device_reads + parser->device_writes > 0, out);
        add_dram(log, out);
    }
    add_verdict(log, ran, style, out);
}

/* ---- JSON ------------------------------------------------------------------------------------ */

static void write_json(const struct ns_timed_replay *replay, const struct ns_log *log, enum ns_exit ran,
                       struct ns_buffer *out) {
    const struct ns_trace_parser *parser = &replay->parser;
    const char *verdict = log->hazard_count > 0 ? "fail" : is_complete(log, ran) ? "pass" : "incomplete";
    struct ns_json json;
    ns_json_begin(&json, out);
    ns_replay_report_json_head(replay->file, parser, verdict, &json);
    ns_json_number(&json, "device_reads", parser->device_reads);
    ns_json_number(&json, "device_writes", parser->device_writes);
    ns_json_number(&json, "maintenance", parser->maintenance);
    ns_json_number(&json, "fences", parser->fences);
    ns_json_string(&json, "machine", log->machine);
    ns_json_number(&json, "pages", replay->pages);
    ns_json_open(&json, "hazards", '[');
    for (size_t i = 0; i < log->hazard_count; i++)
        ns_json_hazard(log, i, NULL, NULL, &json);
    ns_json_close(&json, ']');
    ns_json_open(&json, "stats", '{');
    ns_json_number(&json, "events", log->event_count);
    ns_json_number(&json, "end_ps", log->end_ps);
    ns_json_number(&json, "hart_clock_ps", log->stats.hart_clock_ps);
    ns_json_bool(&json, "truncated", log->truncated);
    ns_json_stats(log, &json);
    ns_json_close(&json, '}');
    ns_json_close(&json, '}');
    ns_json_end(&json);
}

/* ---- the command ----------------------------------------------------------------------------- */

/* Standard input becomes a file that can be read twice. */
static bool keep_standard_input(void) {
    char piece[16384];
    ssize_t got = 0;
    FILE *copy = tmpfile();
    bool good = copy != NULL;
    while (good && ((got = read(STDIN_FILENO, piece, sizeof piece)) > 0 || (got < 0 && errno == EINTR)))
        good = got < 0 || fwrite(piece, 1, (size_t)got, copy) == (size_t)got;
    good = good && got == 0 && fflush(copy) == 0 && lseek(fileno(copy), 0, SEEK_SET) == 0 &&
           dup2(fileno(copy), STDIN_FILENO) >= 0;
    if (!good)
        ns_error("cannot keep standard input for a second reading: %s", strerror(errno));
    if (copy != NULL)
        fclose(copy);
    return good;
}

/* What is no file is for the reader to complain about. */
static bool can_be_read_twice(const char *file) {
    struct stat facts;
    if (strcmp(file, "-") == 0)
        return lseek(STDIN_FILENO, 0, SEEK_CUR) >= 0 || keep_standard_input();
    if (stat(file, &facts) == 0 && (S_ISFIFO(facts.st_mode) || S_ISSOCK(facts.st_mode) || S_ISCHR(facts.st_mode))) {
        ns_error("`%s` cannot be read twice, as --timed does: give it to standard input, and `-` as the trace", file);
        return false;
    }
    return true;
}

/* The command that shows the hazards again; false without host memory. */
static bool describe_command(const char *file, const struct ns_options *options, struct ns_log *log) {
    struct ns_buffer text = {0};
    ns_buffer_text(&text, "nosnoop replay --timed ");
    if (options->machine != NULL) {
        ns_buffer_text(&text, "--machine ");
        ns_format_shell(&text, options->machine);
        ns_buffer_text(&text, " ");
    }
    if (options->seed_given)
        ns_buffer_format(&text, "--seed %" PRIu64 " ", options->seed);
    if (options->lenient)
        ns_buffer_text(&text, "--lenient ");
    ns_format_shell(&text, file);
    log->again = text.failed ? NULL : text.data;
    return !text.failed;
}

static enum ns_exit write_results(const struct ns_options *options, const struct ns_timed_replay *replay,
                                  const struct ns_log *log, enum ns_exit ran) {
    const struct ns_report_style style = {
        .color = ns_output_color(options), .verbose = options->verbose, .quiet = options->quiet};
    struct ns_buffer text = {0}, document = {0};
    enum ns_exit result = NS_EXIT_HELD;
    if (options->json) {
        write_json(replay, log, ran, &document);
        result = ns_output_json(options, &document);
    }
    if (!ns_output_is_json(options)) {
        write_text(replay, log, ran, &style, &text);
        if (!ns_output_write(&text))
            result = NS_EXIT_INTERNAL;
    }
    ns_buffer_release(&text);
    ns_buffer_release(&document);
    if (result != NS_EXIT_HELD)
        return result;
    return log->hazard_count > 0 ? NS_EXIT_FAILED : is_complete(log, ran) ? NS_EXIT_HELD : NS_EXIT_INCOMPLETE;
}

enum ns_exit ns_replay_timed(const char *file, const struct ns_options *options) {
    struct ns_timed_replay replay = {.file = file, .lenient = options->lenient, .quiet = options->quiet};
    enum ns_exit ran = ns_replay_machine(options->machine, &replay.machine);
    if (ran != NS_EXIT_HELD)
        return ran;
    if (options->seed_given)
        replay.machine.cache.seed = options->seed;
    if (!can_be_read_twice(file))
        return NS_EXIT_BAD_INPUT;
    struct ns_log *log = ns_log_create();
    struct ns_timed_result *result = NULL;
    if (log == NULL || !describe_command(file, options, log)) {
        ns_error("out of memory");
        ran = NS_EXIT_INTERNAL;
    } else {
        ran = ns_timed_run(&replay, log, &result);
    }
    if (ran == NS_EXIT_INCOMPLETE)
        ns_error("interrupted: the counts are those of the first %" PRIu64 " lines", replay.parser.lines);
    if (ran == NS_EXIT_HELD || ran == NS_EXIT_INCOMPLETE)
        ran = write_results(options, &replay, log, ran);
    ns_log_destroy(log);
    ns_timed_release(result);
    return ran;
}
