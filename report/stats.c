/* SPDX-License-Identifier: Apache-2.0 */
/* Counts of a run: what the caches and the bus have counted (ns_log.stats), and what the log's own events tell. */
#include "report/stats.h"

#include "report/format.h"

#include <inttypes.h>
#include <string.h>

enum { NAME_COLUMNS = 15 };

/* What the log's events tell of an actor. */
struct actor_counts {
    uint64_t raised, taken; /* interrupts */
    uint64_t reads, writes; /* transfers of a device */
};

static struct actor_counts count_events(const struct ns_log *log, unsigned actor) {
    struct actor_counts counts = {0};
    for (size_t i = 1; i < log->event_count; ++i) {
        const struct ns_event *event = &log->event[i];
        if (event->actor == actor) {
            counts.raised += event->kind == NS_EVENT_RAISE;
            counts.taken += event->kind == NS_EVENT_WAIT;
            counts.reads += event->kind == NS_EVENT_DMA_READ;
            counts.writes += event->kind == NS_EVENT_DMA_WRITE;
        }
    }
    return counts;
}

static unsigned hart_count(const struct ns_log *log) {
    return log->stats.harts < NS_CACHE_MAX_HARTS ? log->stats.harts : NS_CACHE_MAX_HARTS;
}

static unsigned level_count(const struct ns_log *log) {
    return log->levels < NS_CACHE_MAX_LEVELS ? log->levels : NS_CACHE_MAX_LEVELS;
}

static bool is_device(const struct ns_log *log, unsigned actor) {
    return log->actor[actor].actor_class == NS_ACTOR_CLASS_DEVICE;
}

/* ---- text ------------------------------------------------------------------------------------ */

/* The columns of a row of cycles. */
static const unsigned time_columns[NS_TIME_PARTS] = {NS_TIME_COMPUTE,     NS_TIME_TRANSLATION, NS_TIME_LEVEL,
                                                     NS_TIME_LEVEL + 1,   NS_TIME_LEVEL + 2,   NS_TIME_MEMORY,
                                                     NS_TIME_MAINTENANCE, NS_TIME_WAITING};
_Static_assert(NS_CACHE_MAX_LEVELS == 3, "one column for each level");

/* A name, cut and filled up to its column. */
static void add_row_name(struct ns_buffer *out, const char *actor, const char *level) {
    const size_t before = out->length;
    ns_buffer_format(out, "  %.*s%s%.*s", NAME_COLUMNS - (level[0] != '\0' ? 6 : 0), actor, level[0] != '\0' ? " " : "",
                     4, level);
    const size_t used = out->length - before;
    ns_buffer_repeat(out, ' ', used < NAME_COLUMNS + 2 ? NAME_COLUMNS + 2 - used : 1);
}

static void add_cache_row(struct ns_buffer *out, const char *actor, const char *level,
                          const struct ns_cache_stats *stats) {
    add_row_name(out, actor, level);
    ns_buffer_format(out,
                     "%6" PRIu64 " %6" PRIu64 "   %6" PRIu64 " %6" PRIu64 "   %6" PRIu64 " %6" PRIu64 " %6" PRIu64
                     " %6" PRIu64 "\n",
                     stats->load_hits, stats->load_misses, stats->store_hits, stats->store_misses, stats->fills,
                     stats->evictions, stats->write_backs, stats->discards);
}

static void add_caches(const struct ns_log *log, struct ns_buffer *out) {
    static const char *const head[2][9] = {
        {"", "load", "load", "store", "store", "", "", "write-", "dis-"},
        {"caches", "hit", "miss", "hit", "miss", "fills", "evict.", "backs", "cards"}};
    for (size_t i = 0; i < 2; ++i) {
        const char *const *word = head[i];
        ns_buffer_format(out, "  %-*s%6s %6s   %6s %6s   %6s %6s %6s %6s\n", NAME_COLUMNS, word[0], word[1], word[2],
                         word[3], word[4], word[5], word[6], word[7], word[8]);
    }
    for (unsigned hart = 0; hart < hart_count(log); ++hart) {
        add_cache_row(out, ns_actor_name(log, hart), ns_level_name(log, 0), &log->stats.l1[hart]);
    }
    for (unsigned level = 1; level < level_count(log); ++level) {
        add_cache_row(out, ns_level_name(log, level), "", &log->stats.level[level]);
    }
}

static void add_maintenance(const struct ns_log *log, struct ns_buffer *out) {
    ns_buffer_text(out, "\n  lines named by maintenance   in a cache    in none\n");
    for (unsigned hart = 0; hart < hart_count(log); ++hart) {
        add_row_name(out, ns_actor_name(log, hart), "");
        ns_buffer_format(out, "%24" PRIu64 "%10" PRIu64 "\n", log->stats.l1[hart].named_present,
                         log->stats.l1[hart].named_absent);
    }
}

static void add_master_row(struct ns_buffer *out, const char *name, const char *port,
                           const struct ns_log_master *master) {
    char time[NS_TIME_TEXT];
    add_row_name(out, name, port);
    ns_buffer_format(out, "%6" PRIu64 " %10" PRIu64 "   %s", master->bursts, master->bytes,
                     ns_format_time(master->busy_ps, time));
    ns_buffer_text(out, "\n");
}

static void add_bus(const struct ns_log *log, struct ns_buffer *out) {
    ns_buffer_text(out, "\n  bus             bursts      bytes   memory held for\n");
    add_master_row(out, "caches", "", &log->stats.caches);
    for (unsigned actor = 0; actor < log->actor_count; ++actor) {
        if (is_device(log, actor) && log->actor[actor].ports <= 1) {
            add_master_row(out, ns_actor_name(log, actor), "", &log->stats.master[actor]);
        }
        for (unsigned port = 0; log->actor[actor].ports > 1 && port < log->actor[actor].ports; ++port) {
            add_master_row(out, ns_actor_name(log, actor), ns_axi_dma_port_name(port), &log->stats.port[actor][port]);
        }
    }
}

static void add_dram(const struct ns_log *log, struct ns_buffer *out) {
    const struct ns_dram_stats *dram = &log->stats.dram;
    char time[NS_TIME_TEXT];
    if (log->stats.dram_name[0] == '\0') {
        return;
    }
    ns_buffer_format(out, "\n  %-*s   reads  writes  row hit  closed conflict refresh  mean read\n", NAME_COLUMNS,
                     "dram");
    add_row_name(out, log->stats.dram_name, "");
    ns_buffer_format(out, "%8" PRIu64 " %7" PRIu64 "  %7" PRIu64 " %7" PRIu64 "  %7" PRIu64 " %7" PRIu64 "  %s\n",
                     dram->reads, dram->writes, dram->row_hits, dram->row_misses, dram->row_conflicts, dram->refreshes,
                     ns_format_time(dram->reads > 0 ? dram->latency_ps / dram->reads : 0, time));
}

uint64_t ns_stats_cycles(const struct ns_log *log, unsigned actor, uint64_t part[NS_TIME_PARTS]) {
    const struct ns_log_stats *stats = &log->stats;
    const uint64_t clock = stats->hart_clock_ps > 0 ? stats->hart_clock_ps : 1;
    uint64_t ps = 0, given = 0;
    for (unsigned column = 0; column < NS_TIME_PARTS; ++column) {
        const unsigned which = time_columns[column];
        ps += stats->part_ps[actor][which];
        part[which] = ps / clock - given;
        given = ps / clock;
    }
    return stats->time_ps[actor] / clock;
}

static void add_time_row(const struct ns_log *log, struct ns_buffer *out, unsigned actor) {
    uint64_t part[NS_TIME_PARTS];
    add_row_name(out, ns_actor_name(log, actor), "");
    ns_buffer_format(out, "%8" PRIu64, ns_stats_cycles(log, actor, part));
    for (unsigned column = 0; column < NS_TIME_PARTS; ++column) {
        const unsigned which = time_columns[column];
        if (which == NS_TIME_TRANSLATION ? log->stats.second_tlb : which < NS_TIME_LEVEL + level_count(log)) {
            ns_buffer_format(out, " %7" PRIu64, part[which]);
        }
    }
    ns_buffer_text(out, "\n");
}

static void add_times(const struct ns_log *log, struct ns_buffer *out) {
    ns_buffer_format(out, "\n  %-*s   total compute%s", NAME_COLUMNS, "cycles",
                     log->stats.second_tlb ? "    TLB2" : "");
    for (unsigned level = 0; level < level_count(log); ++level) {
        ns_buffer_format(out, " %7.7s", ns_level_name(log, level));
    }
    ns_buffer_text(out, "  memory  maint. waiting\n");
    for (unsigned actor = 0; actor + 1 < log->actor_count; ++actor) { /* the last one is hw */
        add_time_row(log, out, actor);
    }
}

static void add_misses(const struct ns_log *log, struct ns_buffer *out) {
    const struct ns_log_misses *misses = &log->stats.misses;
    if (!misses->known) {
        return;
    }
    ns_buffer_format(out, "\n  %-*s    asked  merged no MSHR dropped    most\n", NAME_COLUMNS, "lines under way");
    add_row_name(out, "caches", "");
    ns_buffer_format(out, "%7" PRIu64 " %7" PRIu64 " %7" PRIu64 " %7" PRIu64 " %7" PRIu64 "\n", misses->asked,
                     misses->merged, misses->full, misses->dropped, misses->most);
}

/* What the first level of a TLB did not answer. */
static void add_second_tlb(const struct ns_log *log, struct ns_buffer *out) {
    if (!log->stats.second_tlb) {
        return;
    }
    ns_buffer_format(out, "\n  %-*s  TLB2 hits   walks\n", NAME_COLUMNS, "translations");
    for (unsigned hart = 0; hart < hart_count(log); ++hart) {
        add_row_name(out, ns_actor_name(log, hart), "");
        ns_buffer_format(out, "%9" PRIu64 " %7" PRIu64 "\n", log->stats.tlb[hart].second_hits,
                         log->stats.tlb[hart].walks);
    }
}

static void add_actors(const struct ns_log *log, struct ns_buffer *out) {
    bool headed = false;
    for (unsigned actor = 0; actor < log->actor_count; ++actor) {
        const struct actor_counts counts = count_events(log, actor);
        if (counts.raised + counts.taken == 0) {
            continue;
        }
        if (!headed) {
            ns_buffer_text(out, "\n  interrupts      raised      taken\n");
            headed = true;
        }
        add_row_name(out, ns_actor_name(log, actor), "");
        ns_buffer_format(out, "%6" PRIu64 " %10" PRIu64 "\n", counts.raised, counts.taken);
    }
}

void ns_report_stats_text(const struct ns_log *log, struct ns_buffer *out) {
    if (!log->stats.known) {
        ns_buffer_text(out, "\nstatistics: none, the run did not come to its end\n");
        return;
    }
    ns_buffer_text(out, "\nstatistics\n");
    add_caches(log, out);
    add_maintenance(log, out);
    add_bus(log, out);
    add_dram(log, out);
    add_misses(log, out);
    add_times(log, out);
    add_second_tlb(log, out);
    add_actors(log, out);
    if (log->truncated) {
        ns_buffer_text(out, "  the event log is full: interrupts after that are missing here\n");
    }
}

/* ---- JSON ------------------------------------------------------------------------------------ */

static void write_cache(struct ns_json *json, const struct ns_log *log, const char *actor, unsigned level,
                        const struct ns_cache_stats *stats) {
    ns_json_open(json, NULL, '{');
    ns_json_string(json, "cache", ns_level_name(log, level));
    ns_json_number(json, "level", level + 1);
    if (actor != NULL) {
        ns_json_string(json, "actor", actor);
    } else {
        ns_json_null(json, "actor");
    }
    ns_json_number(json, "load_hits", stats->load_hits);
    ns_json_number(json, "load_misses", stats->load_misses);
    ns_json_number(json, "store_hits", stats->store_hits);
    ns_json_number(json, "store_misses", stats->store_misses);
    ns_json_number(json, "fills", stats->fills);
    ns_json_number(json, "evictions", stats->evictions);
    ns_json_number(json, "write_backs", stats->write_backs);
    ns_json_number(json, "discards", stats->discards);
    ns_json_close(json, '}');
}

static void write_time(struct ns_json *json, const struct ns_log *log, unsigned actor) {
    const uint64_t *part = log->stats.part_ps[actor];
    ns_json_open(json, "time", '{');
    ns_json_number(json, "total_ps", log->stats.time_ps[actor]);
    ns_json_number(json, "compute_ps", part[NS_TIME_COMPUTE]);
    if (log->stats.second_tlb) {
        ns_json_number(json, "translation_ps", part[NS_TIME_TRANSLATION]);
    }
    ns_json_open(json, "levels_ps", '[');
    for (unsigned level = 0; level < level_count(log); ++level) {
        ns_json_number(json, NULL, part[NS_TIME_LEVEL + level]);
    }
    ns_json_close(json, ']');
    ns_json_number(json, "memory_ps", part[NS_TIME_MEMORY]);
    ns_json_number(json, "maintenance_ps", part[NS_TIME_MAINTENANCE]);
    ns_json_number(json, "waiting_ps", part[NS_TIME_WAITING]);
    ns_json_close(json, '}');
}

static void write_actor(struct ns_json *json, const struct ns_log *log, unsigned actor) {
    const struct actor_counts counts = count_events(log, actor);
    ns_json_open(json, NULL, '{');
    ns_json_string(json, "name", ns_actor_name(log, actor));
    if (actor < hart_count(log)) {
        ns_json_number(json, "maintained_present", log->stats.l1[actor].named_present);
        ns_json_number(json, "maintained_absent", log->stats.l1[actor].named_absent);
        if (log->stats.second_tlb) {
            ns_json_number(json, "second_tlb_hits", log->stats.tlb[actor].second_hits);
            ns_json_number(json, "walks", log->stats.tlb[actor].walks);
        }
    }
    if (is_device(log, actor)) {
        ns_json_number(json, "dma_reads", counts.reads);
        ns_json_number(json, "dma_writes", counts.writes);
    }
    ns_json_number(json, "interrupts_raised", counts.raised);
    ns_json_number(json, "interrupts_taken", counts.taken);
    write_time(json, log, actor);
    ns_json_close(json, '}');
}

static void write_master(struct ns_json *json, const char *name, const char *port, const struct ns_log_master *master) {
    ns_json_open(json, NULL, '{');
    ns_json_string(json, "master", name);
    if (port != NULL) {
        ns_json_string(json, "port", port);
    }
    ns_json_number(json, "bursts", master->bursts);
    ns_json_number(json, "bytes", master->bytes);
    ns_json_number(json, "busy_ps", master->busy_ps);
    ns_json_close(json, '}');
}

static void write_misses(struct ns_json *json, const struct ns_log_misses *misses) {
    ns_json_open(json, "misses", '{');
    ns_json_number(json, "asked", misses->asked);
    ns_json_number(json, "merged", misses->merged);
    ns_json_number(json, "no_mshr", misses->full);
    ns_json_number(json, "dropped", misses->dropped);
    ns_json_number(json, "most", misses->most);
    ns_json_close(json, '}');
}

void ns_json_stats(const struct ns_log *log, struct ns_json *json) {
    if (!log->stats.known) {
        return;
    }
    if (log->stats.misses.known) {
        write_misses(json, &log->stats.misses);
    }
    ns_json_open(json, "caches", '[');
    for (unsigned hart = 0; hart < hart_count(log); ++hart) {
        write_cache(json, log, ns_actor_name(log, hart), 0, &log->stats.l1[hart]);
    }
    for (unsigned level = 1; level < level_count(log); ++level) {
        write_cache(json, log, NULL, level, &log->stats.level[level]);
    }
    ns_json_close(json, ']');
    ns_json_open(json, "actors", '[');
    for (unsigned actor = 0; actor + 1 < log->actor_count; ++actor) { /* the last one is hw */
        write_actor(json, log, actor);
    }
    ns_json_close(json, ']');
    ns_json_open(json, "bus", '[');
    write_master(json, "caches", NULL, &log->stats.caches);
    for (unsigned actor = 0; actor < log->actor_count; ++actor) {
        if (is_device(log, actor) && log->actor[actor].ports <= 1) {
            write_master(json, ns_actor_name(log, actor), NULL, &log->stats.master[actor]);
        }
        for (unsigned port = 0; log->actor[actor].ports > 1 && port < log->actor[actor].ports; ++port) {
            write_master(json, ns_actor_name(log, actor), ns_axi_dma_port_name(port), &log->stats.port[actor][port]);
        }
    }
    ns_json_close(json, ']');
    if (log->stats.dram_name[0] != '\0') {
        const struct ns_dram_stats *dram = &log->stats.dram;
        ns_json_open(json, "dram", '{');
        ns_json_string(json, "bin", log->stats.dram_name);
        ns_json_number(json, "reads", dram->reads);
        ns_json_number(json, "writes", dram->writes);
        ns_json_number(json, "row_hits", dram->row_hits);
        ns_json_number(json, "row_misses", dram->row_misses);
        ns_json_number(json, "row_conflicts", dram->row_conflicts);
        ns_json_number(json, "refreshes", dram->refreshes);
        ns_json_number(json, "read_latency_ps", dram->latency_ps);
        ns_json_close(json, '}');
    }
}
