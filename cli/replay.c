/* SPDX-License-Identifier: Apache-2.0 */
#include "replay/replay.h"

#include "cli/commands.h"
#include "cli/output.h"
#include "cli/replay_geometry.h"
#include "cli/replay_input.h"
#include "cli/replay_named.h"
#include "cli/replay_report.h"
#include "cli/replay_sweep.h"
#include "cli/replay_timed.h"

#include <stdio.h>

/* The machine's caches, and what the command line puts in their place. */
static enum ns_exit configure(const struct ns_options *options, struct ns_replay_config *config) {
    const char *const names[] = {"l1d", "l2", "l3"};
    const char *const given[] = {options->l1d, options->l2, options->l3};
    bool any = options->l1d != NULL || options->l2 != NULL || options->l3 != NULL;
    *config = (struct ns_replay_config){.like = options->like_cachegrind ? NS_LIKE_CACHEGRIND : NS_LIKE_DINERO};
    if (options->machine != NULL || !any) {
        struct ns_machine_config machine;
        enum ns_exit result = ns_replay_machine(options->machine, &machine);
        if (result != NS_EXIT_HELD)
            return result;
        config->cache = machine.cache;
        if (options->like_cachegrind) /* it knows no other */
            config->cache.inclusion = NS_INCLUSION_NEITHER;
    }
    config->cache.harts = 1;
    for (unsigned level = 0; level < NS_CACHE_MAX_LEVELS; level++) {
        if (given[level] == NULL)
            continue;
        if (level > config->cache.levels) {
            ns_error("`--%s` needs `--%s`: there is no level between", names[level], names[level - 1]);
            return NS_EXIT_BAD_INPUT;
        }
        if (!ns_geometry_parse(names[level], given[level], &config->cache.level[level]))
            return NS_EXIT_BAD_INPUT;
        if (level == config->cache.levels)
            config->cache.levels++;
    }
    config->has_l1i = options->l1i != NULL;
    if (config->has_l1i && !ns_geometry_parse("l1i", options->l1i, &config->l1i))
        return NS_EXIT_BAD_INPUT;
    if (options->seed_given)
        config->cache.seed = options->seed;
    char reason[300];
    if (ns_replay_config_check(config, reason, sizeof reason) != NS_OK) {
        ns_error("these caches cannot be: %s", reason);
        return NS_EXIT_BAD_INPUT;
    }
    return NS_EXIT_HELD;
}

static bool consume(void *context, const struct ns_accesses *accesses, size_t *bad, char *reason) {
    if (ns_replay_run(context, accesses, bad) == NS_OK)
        return true;
    snprintf(reason, 200, "inclusive and exclusive caches take addresses of %d bits", NS_PHYSICAL_BITS);
    return false;
}

static enum ns_exit write_report(const struct ns_options *options, const struct ns_replay_config *config,
                                 const struct ns_replay *replay, const struct ns_trace_parser *parser, bool complete) {
    struct ns_replay_row rows[NS_REPLAY_MAX_ROWS];
    const size_t count = ns_replay_rows(replay, rows);
    enum ns_exit result = NS_EXIT_HELD;
    struct ns_buffer text = {0}, document = {0};
    if (options->json) {
        struct ns_json json;
        ns_json_begin(&json, &document);
        ns_replay_report_json_head(options->operands[0], parser, complete ? "pass" : "incomplete", &json);
        ns_replay_report_json(config, rows, count, &json);
        ns_json_close(&json, '}');
        ns_json_end(&json);
        result = ns_output_json(options, &document);
    }
    if (!ns_output_is_json(options)) {
        if (!options->quiet)
            ns_replay_report_trace(options->operands[0], parser, config->has_l1i ? NULL : "no --l1i", &text);
        ns_replay_report_text(config, rows, count, options->quiet, &text);
        if (!ns_output_write(&text))
            result = NS_EXIT_INTERNAL;
    }
    ns_buffer_release(&text);
    ns_buffer_release(&document);
    return result;
}

enum ns_exit ns_replay_main(const struct ns_options *options) {
    struct ns_replay_config config;
    if (options->operand_count != 1) {
        ns_error("`nosnoop replay` needs one trace: nosnoop replay TRACE");
        return NS_EXIT_BAD_INPUT;
    }
    if (options->sweep)
        return ns_replay_sweep(options->operands[0], options);
    if (options->timed)
        return ns_replay_timed(options->operands[0], options);
    enum ns_exit result = configure(options, &config);
    if (result != NS_EXIT_HELD)
        return result;
    struct ns_replay *replay = ns_replay_create(&config);
    if (replay == NULL) {
        ns_error("out of memory");
        return NS_EXIT_INTERNAL;
    }
    struct ns_trace_parser parser = {.lenient = options->lenient,
                                     .drop_fetches = !config.has_l1i,
                                     .modify_reads = config.like == NS_LIKE_CACHEGRIND};
    result = ns_replay_read(options->operands[0], options->quiet, &parser, consume, replay);
    if (result == NS_EXIT_INCOMPLETE)
        ns_error("interrupted: the counts are those of the first %llu lines", (unsigned long long)parser.lines);
    if (result == NS_EXIT_HELD || result == NS_EXIT_INCOMPLETE) {
        enum ns_exit written = write_report(options, &config, replay, &parser, result == NS_EXIT_HELD);
        result = written != NS_EXIT_HELD ? written : result;
    }
    ns_replay_destroy(replay);
    return result;
}
