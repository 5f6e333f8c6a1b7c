/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/replay_sweep.h"

#include "cli/output.h"
#include "cli/replay_geometry.h"
#include "cli/replay_report.h"
#include "replay/sweep.h"
#include "report/format.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

struct sweep_run {
    struct ns_sweep *sweep;
    struct ns_cache_level_config *configs;
    struct ns_level_counts *counts; /* of each, once the trace has been read */
    size_t count;
};

static bool consume(void *context, const struct ns_accesses *accesses, size_t *bad, char *reason) {
    (void)bad, (void)reason;
    ns_sweep_run(context, accesses);
    return true;
}

static double miss_ratio(const struct ns_level_counts *counts) {
    uint64_t references = counts->reads + counts->writes;
    return references == 0 ? 0 : (double)(counts->read_misses + counts->write_misses) / (double)references;
}

static void write_table(const struct sweep_run *run, struct ns_buffer *out) {
    char size[16];
    ns_buffer_text(out, "\ncounted as Dinero IV does; ");
    ns_format_count(out, run->count, "cache in ", "caches in ");
    ns_format_count(out, ns_sweep_passes(run->sweep), "pass\n\n", "passes\n\n");
    ns_buffer_format(out, "%6s%6s%6s  %-6s%14s%13s%10s%17s\n", "size", "ways", "line", "policy", "read misses",
                     "write misses", "misses %", "write-backs");
    for (size_t i = 0; i < run->count; i++) {
        const struct ns_cache_level_config *config = &run->configs[i];
        const struct ns_level_counts counts = run->counts[i];
        ns_buffer_format(out, "%6s%6" PRIu32 "%6" PRIu32 "  %-6s%14" PRIu64 "%13" PRIu64 "%10.2f%17" PRIu64 "\n",
                         ns_geometry_size(config->size, size), config->ways, config->line,
                         ns_geometry_policy(config->replacement), counts.read_misses, counts.write_misses,
                         100 * miss_ratio(&counts), counts.writebacks_final);
    }
    ns_buffer_text(out, "\nWrite-backs are those with a flush at the end.\n");
}

static void write_csv(const struct sweep_run *run, struct ns_buffer *out) {
    ns_buffer_text(out, "size,ways,line,replacement,write_through,no_write_allocate,reads,read_misses,writes,"
                        "write_misses,fills,evictions,writebacks,writebacks_final\n");
    for (size_t i = 0; i < run->count; i++) {
        const struct ns_cache_level_config *config = &run->configs[i];
        const struct ns_level_counts c = run->counts[i];
        ns_buffer_format(out,
                         "%" PRIu32 ",%" PRIu32 ",%" PRIu32 ",%s,%d,%d,%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",%" PRIu64
                         ",%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",%" PRIu64 "\n",
                         config->size, config->ways, config->line, ns_geometry_policy(config->replacement),
                         config->write_through, config->no_write_allocate, c.reads, c.read_misses, c.writes,
                         c.write_misses, c.fills, c.evictions, c.writebacks, c.writebacks_final);
    }
}

static void write_json(const char *file, const struct sweep_run *run, const struct ns_trace_parser *parser,
                       bool complete, struct ns_buffer *out) {
    struct ns_json json;
    ns_json_begin(&json, out);
    ns_replay_report_json_head(file, parser, complete ? "pass" : "incomplete", &json);
    ns_json_string(&json, "like", "dinero");
    ns_json_open(&json, "sweep", '[');
    for (size_t i = 0; i < run->count; i++) {
        const struct ns_level_counts counts = run->counts[i];
        ns_json_open(&json, NULL, '{');
        ns_replay_report_json_geometry(&run->configs[i], &json);
        ns_replay_report_json_counts(&counts, &json);
        ns_json_close(&json, '}');
    }
    ns_json_close(&json, ']');
    ns_json_close(&json, '}');
    ns_json_end(&json);
}

/* ---- the picture ----------------------------------------------------------------------------- */

/* A script for gnuplot, data and all: a curve for each number of ways and each line. The configurations come line by
 * line, then way by way, then by size. The picture goes to gnuplot's standard output: a file's name in a script could
 * be a command. */
static void write_script(const struct sweep_run *run, struct ns_buffer *out) {
    ns_buffer_text(out, "set terminal svg size 800,500 dynamic\nset logscale x 2\n"
                        "set xlabel 'size of the cache (KiB)'\nset ylabel 'misses (%)'\n"
                        "set yrange [0:*]\nset grid\nset key outside\nplot ");
    bool one_line = true;
    for (size_t i = 1; i < run->count; i++)
        one_line = one_line && run->configs[i].line == run->configs[0].line;
    struct ns_buffer data = {0};
    for (size_t i = 0; i < run->count; i++) {
        const struct ns_cache_level_config *config = &run->configs[i];
        bool first = i == 0 || config->ways != config[-1].ways || config->line != config[-1].line;
        const struct ns_level_counts counts = run->counts[i];
        if (first) {
            ns_buffer_format(out, "%s'-' using 1:2 with linespoints title '%" PRIu32 " way%s", i == 0 ? "" : ", ",
                             config->ways, config->ways == 1 ? "" : "s");
            if (!one_line)
                ns_buffer_format(out, ", lines of %" PRIu32, config->line);
            ns_buffer_text(out, "'");
            ns_buffer_text(&data, i == 0 ? "" : "e\n");
        }
        ns_buffer_format(&data, "%.6g %.6f\n", (double)config->size / 1024, 100 * miss_ratio(&counts));
    }
    ns_buffer_format(out, "\n%se\n", data.data != NULL ? data.data : "");
    out->failed = out->failed || data.failed;
    ns_buffer_release(&data);
}

/* A file without a name that holds the text, at its beginning; NULL when the host fails. */
static FILE *nameless(const struct ns_buffer *text) {
    FILE *file = tmpfile();
    if (file != NULL && (fwrite(text->data, 1, text->length, file) != text->length || fflush(file) != 0 ||
                         lseek(fileno(file), 0, SEEK_SET) != 0)) {
        fclose(file);
        file = NULL;
    }
    return file;
}

static void read_whole(int stream, struct ns_buffer *out) {
    char piece[16384];
    ssize_t got;
    while ((got = read(stream, piece, sizeof piece)) > 0 || (got < 0 && errno == EINTR))
        ns_buffer_add(out, piece, got > 0 ? (size_t)got : 0);
}

/* gnuplot's exit status, 127 when there is none, -1 when the host fails; `picture` gets what it draws. */
static int run_gnuplot(const struct ns_buffer *script, struct ns_buffer *picture) {
    int ends[2], status = 0;
    FILE *file = nameless(script);
    if (file == NULL || pipe(ends) != 0) {
        if (file != NULL)
            fclose(file);
        return -1;
    }
    pid_t child = fork();
    if (child == 0) {
        signal(SIGINT, SIG_DFL);
        dup2(fileno(file), STDIN_FILENO);
        dup2(ends[1], STDOUT_FILENO);
        close(ends[0]);
        close(ends[1]);
        execlp("gnuplot", "gnuplot", "-", (char *)NULL);
        _exit(127);
    }
    close(ends[1]);
    if (child > 0) {
        read_whole(ends[0], picture);
        while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
        }
    }
    close(ends[0]);
    fclose(file);
    return child < 0 || picture->failed ? -1 : WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

static enum ns_exit plot(const struct sweep_run *run, const char *file) {
    struct ns_buffer script = {0}, picture = {0};
    write_script(run, &script);
    const int status = script.failed ? -1 : run_gnuplot(&script, &picture);
    enum ns_exit result = status < 0 ? NS_EXIT_INTERNAL : NS_EXIT_BAD_INPUT;
    if (status == 0)
        result = ns_output_document(file, &picture);
    else if (status == 127)
        ns_error("cannot draw `%s`: there is no command `gnuplot`; --csv writes the numbers", file);
    else if (status > 0)
        ns_error("cannot draw `%s`: gnuplot failed", file);
    else
        ns_error("cannot draw `%s`: out of memory or of processes", file);
    ns_buffer_release(&script);
    ns_buffer_release(&picture);
    return result;
}

/* ---- the command ----------------------------------------------------------------------------- */

static enum ns_exit worse(enum ns_exit one, enum ns_exit other) {
    return one != NS_EXIT_HELD ? one : other;
}

static enum ns_exit write_results(const char *file, const struct ns_options *options, const struct sweep_run *run,
                                  const struct ns_trace_parser *parser, bool complete) {
    struct ns_buffer text = {0}, document = {0}, csv = {0};
    enum ns_exit result = NS_EXIT_HELD;
    if (options->json) {
        write_json(file, run, parser, complete, &document);
        result = ns_output_json(options, &document);
    }
    if (options->csv != NULL) {
        write_csv(run, &csv);
        result = worse(result, ns_output_document(options->csv, &csv));
    }
    if (!ns_output_is_json(options)) {
        if (!options->quiet)
            ns_replay_report_trace(file, parser, "no --l1i", &text);
        write_table(run, &text);
        result = worse(result, ns_output_write(&text) ? NS_EXIT_HELD : NS_EXIT_INTERNAL);
    }
    if (options->plot != NULL)
        result = worse(result, plot(run, options->plot));
    ns_buffer_release(&text);
    ns_buffer_release(&document);
    ns_buffer_release(&csv);
    return result;
}

/* False after a message. */
static bool fits(const struct sweep_run *run) {
    const uint64_t bytes = ns_sweep_bytes(run->configs, run->count);
    if (bytes <= NS_SWEEP_MOST_BYTES)
        return true;
    ns_error("these %zu caches may take up to %" PRIu64
             " MiB; at most 4096 MiB are allowed: ask for fewer or smaller ones",
             run->count, bytes >> 20);
    return false;
}

enum ns_exit ns_replay_sweep(const char *file, const struct ns_options *options) {
    struct sweep_run run = {0};
    enum ns_exit result = NS_EXIT_BAD_INPUT;
    if (ns_geometry_parse_sweep(options->sweep_range, &run.configs, &run.count) && fits(&run)) {
        struct ns_trace_parser parser = {.lenient = options->lenient, .drop_fetches = true};
        run.sweep = ns_sweep_create(run.configs, run.count, options->seed_given ? options->seed : 0);
        run.counts = calloc(run.count, sizeof *run.counts);
        if (run.sweep == NULL || run.counts == NULL) {
            ns_error("out of memory");
            result = NS_EXIT_INTERNAL;
        } else {
            result = ns_replay_read(file, options->quiet, &parser, consume, run.sweep);
        }
        if (result == NS_EXIT_INCOMPLETE)
            ns_error("interrupted: the counts are those of the first %" PRIu64 " lines", parser.lines);
        for (size_t i = 0; i < run.count && (result == NS_EXIT_HELD || result == NS_EXIT_INCOMPLETE); i++)
            ns_sweep_get_counts(run.sweep, i, &run.counts[i]);
        if (result == NS_EXIT_HELD || result == NS_EXIT_INCOMPLETE)
            result = worse(write_results(file, options, &run, &parser, result == NS_EXIT_HELD), result);
    }
    ns_sweep_destroy(run.sweep);
    free(run.counts);
    free(run.configs);
    return result;
}
