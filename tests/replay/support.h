// SPDX-License-Identifier: Apache-2.0
// Traces and tables of tests/data/traces, and short ways to make geometries and accesses.
#ifndef NS_TESTS_REPLAY_SUPPORT_H
#define NS_TESTS_REPLAY_SUPPORT_H

#include "replay/replay.h"
#include "replay/sweep.h"
#include "replay/trace.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <map>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

struct Trace {
    std::vector<uint64_t> address;
    std::vector<uint16_t> what;

    void add(ns_access_kind kind, uint64_t where, uint32_t size) {
        address.push_back(where);
        what.push_back(ns_access_what(kind, size));
    }
    ns_accesses accesses(size_t first = 0, size_t count = SIZE_MAX) const {
        count = std::min(count, address.size() - first);
        return {const_cast<uint64_t *>(address.data()) + first, const_cast<uint16_t *>(what.data()) + first, count};
    }
};

// Text through the parser, in pieces of `piece` bytes.
inline Trace parse(const std::string &text, ns_trace_parser &parser, size_t piece = 1u << 20, size_t room = 1000) {
    Trace trace;
    std::vector<uint64_t> address(room);
    std::vector<uint16_t> what(room);
    std::string window;
    for (size_t given = 0; given < text.size() || !window.empty();) {
        const size_t more = std::min(piece, text.size() - given);
        window += text.substr(given, more);
        given += more;
        const bool end = given == text.size();
        // The parser may look at the padding, and must not depend on it.
        const std::string padded = std::string(NS_TRACE_PADDING, 'f') + window + std::string(NS_TRACE_PADDING, '7');
        size_t used = 0;
        for (;;) {
            ns_accesses out = {address.data(), what.data(), 0};
            used +=
                ns_trace_parse(&parser, padded.data() + NS_TRACE_PADDING + used, window.size() - used, end, &out, room);
            for (size_t i = 0; i < out.count; i++)
                trace.add(ns_access_kind_of(what[i]), address[i], ns_access_size_of(what[i]));
            if (out.count + 2 <= room)
                break;
        }
        EXPECT_LE(used, window.size());
        window.erase(0, used);
        if (end && used == 0 && !window.empty()) {
            ADD_FAILURE() << "no progress";
            break;
        }
    }
    return trace;
}

// gzip or mm, read once.
inline const Trace &stored_trace(const std::string &name) {
    static std::map<std::string, Trace> traces;
    Trace &trace = traces[name];
    if (trace.address.empty()) {
        const std::string command = "xz -dc " NS_TRACES "/" + name + ".d.xdin.xz";
        std::unique_ptr<FILE, int (*)(FILE *)> pipe(popen(command.c_str(), "r"), pclose);
        std::string text(64u << 20, '\0');
        text.resize(pipe ? fread(&text[0], 1, text.size(), pipe.get()) : 0);
        ns_trace_parser parser{};
        trace = parse(text, parser, 1u << 30, 1u << 16);
        EXPECT_EQ(parser.error.line, 0u) << parser.error.text;
        EXPECT_EQ(parser.format, NS_TRACE_XDIN);
    }
    return trace;
}

// Rows of a table as column name -> text.
inline std::vector<std::map<std::string, std::string>> table(const std::string &name) {
    std::ifstream file(NS_TRACES "/" + name);
    std::vector<std::map<std::string, std::string>> rows;
    std::vector<std::string> names;
    for (std::string line; std::getline(file, line);) {
        std::stringstream fields(line);
        std::map<std::string, std::string> row;
        size_t column = 0;
        for (std::string field; std::getline(fields, field, ','); column++) {
            if (rows.empty() && names.size() == column)
                names.push_back(field);
            else
                row[names.at(column)] = field;
        }
        if (!row.empty())
            rows.push_back(row);
    }
    return rows;
}

inline uint64_t number(const std::map<std::string, std::string> &row, const std::string &column) {
    return std::stoull(row.at(column));
}

inline ns_cache_level_config geometry(uint32_t size, uint32_t ways, uint32_t line,
                                      ns_replacement replacement = NS_REPLACE_LRU, bool through = false,
                                      bool no_allocate = false) {
    return {size, ways, line, replacement, through, no_allocate};
}

struct ReplayDeleter {
    void operator()(ns_replay *replay) const { ns_replay_destroy(replay); }
};
using Replay = std::unique_ptr<ns_replay, ReplayDeleter>;

inline ns_replay_config hierarchy(std::vector<ns_cache_level_config> levels, ns_replay_like like = NS_LIKE_DINERO) {
    ns_replay_config config{};
    config.cache.harts = 1;
    config.cache.levels = static_cast<unsigned>(levels.size());
    for (size_t i = 0; i < levels.size(); i++)
        config.cache.level[i] = levels[i];
    config.like = like;
    return config;
}

// The counts of every row after the whole trace.
inline std::vector<ns_replay_row> run(ns_replay *replay, const Trace &trace) {
    size_t bad = 0;
    const ns_accesses all = trace.accesses();
    EXPECT_EQ(ns_replay_run(replay, &all, &bad), NS_OK);
    std::vector<ns_replay_row> rows(NS_REPLAY_MAX_ROWS);
    rows.resize(ns_replay_rows(replay, rows.data()));
    return rows;
}

// The seed of the random tests: NS_TEST_SEED replays a failure.
inline uint64_t test_seed() {
    const char *text = std::getenv("NS_TEST_SEED");
    return text ? std::strtoull(text, nullptr, 0) : 20240607;
}

#endif
