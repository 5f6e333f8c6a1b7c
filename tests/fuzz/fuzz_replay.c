/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bytes -> parser of traces -> caches, as `nosnoop replay` does; and the parser with the records of a timed replay. The
 * first byte chooses how, the rest is the trace. What must hold for any bytes: the parser ends; an error has a place in
 * the text and a printable sentence; where blocks end changes nothing; every access is one that caches take; no more
 * misses than references; and the fast loop counts what the portable one does.
 */
#include "replay/replay.h"
#include "replay/sweep.h"
#include "replay/trace.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define ROOM 64u

static void require(bool condition, const char *promise) {
    if (!condition) {
        fprintf(stderr, "promise broken: %s\n", promise);
        abort();
    }
}

/* The trace through the parser in pieces, into both; either may be NULL. */
static void pass(struct ns_trace_parser *parser, const uint8_t *data, size_t size, size_t piece,
                 struct ns_replay *replay, struct ns_sweep *sweep) {
    uint64_t address[ROOM];
    uint16_t what[ROOM];
    for (size_t used = 0, given = 0; given < size || used < given;) {
        given = size - given > piece ? given + piece : size;
        /* Exactly as long as promised, for the sanitizer. */
        char *memory = malloc(given - used + 2 * NS_TRACE_PADDING);
        require(memory != NULL, "the host has memory");
        memset(memory, '1', given - used + 2 * NS_TRACE_PADDING);
        memcpy(memory + NS_TRACE_PADDING, data + used, given - used);
        size_t done = 0, length = given - used;
        struct ns_accesses out;
        do {
            out = (struct ns_accesses){address, what, 0};
            done += ns_trace_parse(parser, memory + NS_TRACE_PADDING + done, length - done, given == size, &out, ROOM);
            require(done <= length, "the parser uses what it was given");
            require(out.count <= ROOM, "the parser stays within its room");
            for (size_t i = 0; i < out.count; i++) {
                uint32_t bytes = ns_access_size_of(what[i]);
                require(bytes >= 1 && bytes <= NS_ACCESS_MAX_SIZE, "an access has 1 to 4096 bytes");
                require(address[i] <= UINT64_MAX - (bytes - 1), "an access ends at an address");
                require(ns_access_kind_of(what[i]) <= NS_ACCESS_FETCH, "an access has a kind");
                require(!parser->drop_fetches || ns_access_kind_of(what[i]) != NS_ACCESS_FETCH, "fetches are dropped");
            }
            size_t bad;
            if (replay != NULL)
                require(ns_replay_run(replay, &out, &bad) == NS_OK, "filters take any address");
            if (sweep != NULL)
                ns_sweep_run(sweep, &out);
        } while (out.count + 2 > ROOM);
        free(memory);
        used += done;
        require(given < size || used == size, "the end of the trace is read");
    }
}

/* What a timed replay is given: accesses with their lines, and records between them. A number stands for all of it. */
static uint64_t pass_timed(struct ns_trace_parser *parser, const uint8_t *data, size_t size, size_t piece) {
    uint64_t address[ROOM], line_of[ROOM], sum = 0, order = 0;
    uint16_t what[ROOM];
    struct ns_trace_record record[3];
    struct ns_trace_records records = {record, 0, 3};
    parser->records = &records;
    parser->line_of = line_of;
    parser->drop_fetches = true;
    for (size_t used = 0, given = 0; given < size || used < given;) {
        given = size - given > piece ? given + piece : size;
        char *memory = malloc(given - used + 2 * NS_TRACE_PADDING);
        require(memory != NULL, "the host has memory");
        memset(memory, '1', given - used + 2 * NS_TRACE_PADDING);
        memcpy(memory + NS_TRACE_PADDING, data + used, given - used);
        size_t done = 0, length = given - used;
        bool more = true;
        while (more) {
            struct ns_accesses out = {address, what, 0};
            done += ns_trace_parse(parser, memory + NS_TRACE_PADDING + done, length - done, given == size, &out, ROOM);
            require(records.count <= records.capacity, "the parser stays within its room for records");
            more = out.count + 2 > ROOM || records.count == records.capacity;
            size_t next = 0;
            for (size_t i = 0; i <= out.count; i++) {
                for (; next < records.count && record[next].before == i; next++) {
                    require(record[next].line > order, "records and accesses come in the order of their lines");
                    order = record[next].line;
                    require(record[next].length <= NS_TRACE_MAX_RANGE &&
                                (record[next].kind == NS_TRACE_FENCE) == (record[next].length == 0) &&
                                (record[next].length == 0 ||
                                 record[next].address <= UINT64_MAX - (record[next].length - 1)),
                            "a record has a range");
                    sum = sum * 31 + record[next].line * 7 + record[next].address + (uint64_t)record[next].kind;
                }
                if (i < out.count) {
                    require(line_of[i] >= order && line_of[i] <= parser->lines, "an access has a line");
                    order = line_of[i];
                    sum = sum * 31 + line_of[i] * 5 + address[i] + what[i];
                }
            }
            require(next == records.count, "a record has a place among the accesses");
            records.count = 0;
        }
        free(memory);
        used += done;
        require(given < size || used == size, "the end of the trace is read");
    }
    return sum;
}

static void check_error(const struct ns_trace_parser *parser, const uint8_t *data, size_t size) {
    uint64_t lines = 1;
    for (size_t i = 0; i < size; i++)
        lines += data[i] == '\n';
    require(parser->lines <= lines, "there are no more lines than the text has");
    if (parser->error.line == 0)
        return;
    require(parser->error.line <= lines && parser->error.column >= 1, "an error has a place in the text");
    require(parser->error.text[0] != '\0', "an error has a sentence");
    for (const char *c = parser->error.text; *c != '\0'; c++)
        require(*c >= ' ' && *c < 0x7f, "no control character reaches the terminal");
}

static void check_counts(const struct ns_level_counts *counts) {
    require(counts->read_misses <= counts->reads && counts->write_misses <= counts->writes,
            "there are no more misses than references");
    require(counts->evictions <= counts->fills && counts->writebacks <= counts->evictions,
            "what leaves has come, and what is written back has left");
    require(counts->writebacks <= counts->writebacks_final, "a flush adds write-backs");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size == 0)
        return 0;
    const uint8_t how = data[0];
    data++, size--;
    struct ns_replay_config config = {.has_l1i = (how & 1) != 0,
                                      .l1i = {256, 2, 32, NS_REPLACE_LRU, false, false},
                                      .like = (how & 2) != 0 ? NS_LIKE_CACHEGRIND : NS_LIKE_DINERO};
    config.cache.harts = 1;
    config.cache.levels = 2;
    config.cache.level[0] = (struct ns_cache_level_config){512, 4, 32, NS_REPLACE_LRU, false, false};
    config.cache.level[1] =
        (struct ns_cache_level_config){4096, 16, 64, (how & 4) != 0 ? NS_REPLACE_FIFO : NS_REPLACE_LRU, false, false};
    struct ns_trace_parser whole = {.lenient = (how & 8) != 0, .drop_fetches = !config.has_l1i}, pieces = whole;
    struct ns_replay *fast = ns_replay_create(&config), *portable = ns_replay_create(&config);
    struct ns_sweep *sweep = config.has_l1i ? NULL : ns_sweep_create(config.cache.level, 1, 0);
    require(fast != NULL && portable != NULL && (sweep != NULL || config.has_l1i), "the host has memory");
    ns_replay_make_portable(portable);

    pass(&whole, data, size, SIZE_MAX, fast, sweep);
    pass(&pieces, data, size, 1 + (how >> 4), portable, NULL);
    require(ns_trace_finish(&whole) == ns_trace_finish(&pieces), "where blocks end decides nothing");
    require(memcmp(&whole.error, &pieces.error, sizeof whole.error) == 0 && whole.lines == pieces.lines &&
                whole.skipped == pieces.skipped && whole.reads == pieces.reads && whole.writes == pieces.writes &&
                whole.fetches == pieces.fetches && whole.format == pieces.format,
            "where blocks end changes nothing");
    check_error(&whole, data, size);
    struct ns_trace_parser timed = {.lenient = whole.lenient}, timed_pieces = timed;
    require(pass_timed(&timed, data, size, SIZE_MAX) == pass_timed(&timed_pieces, data, size, 1 + (how >> 4)) &&
                memcmp(&timed.error, &timed_pieces.error, sizeof timed.error) == 0 &&
                timed.device_writes == timed_pieces.device_writes && timed.maintenance == timed_pieces.maintenance,
            "where blocks end changes nothing");
    check_error(&timed, data, size);

    struct ns_replay_row rows[NS_REPLAY_MAX_ROWS], other[NS_REPLAY_MAX_ROWS];
    const size_t count = ns_replay_rows(fast, rows);
    require(count == ns_replay_rows(portable, other), "both have the same levels");
    for (size_t i = 0; i < count; i++) {
        check_counts(&rows[i].counts);
        require(memcmp(&rows[i].counts, &other[i].counts, sizeof rows[i].counts) == 0, "both loops count the same");
    }
    if (sweep != NULL && config.like == NS_LIKE_DINERO) {
        struct ns_level_counts counts;
        ns_sweep_get_counts(sweep, 0, &counts);
        require(counts.read_misses == rows[0].counts.read_misses && counts.writebacks == rows[0].counts.writebacks &&
                    counts.evictions == rows[0].counts.evictions,
                "a sweep counts what a replay does");
    }
    ns_sweep_destroy(sweep);
    ns_replay_destroy(fast);
    ns_replay_destroy(portable);
    return 0;
}
