// SPDX-License-Identifier: Apache-2.0
// The counts of Dinero IV and of cachegrind on two real traces, row by row (tests/data/traces).
#include "support.h"

namespace {

uint32_t size_of(const std::string &text) {
    return static_cast<uint32_t>(std::stoul(text)) << (text.back() == 'M' ? 20 : 10);
}

ns_cache_level_config config_of(const std::map<std::string, std::string> &row) {
    return geometry(
        size_of(row.at("size")), static_cast<uint32_t>(number(row, "ways")), static_cast<uint32_t>(number(row, "line")),
        row.at("repl") == "f" ? NS_REPLACE_FIFO : NS_REPLACE_LRU, row.at("wback") == "n", row.at("walloc") == "n");
}

std::string words(const std::map<std::string, std::string> &row) {
    std::string text;
    for (const auto &field : row)
        text += field.first + "=" + field.second + " ";
    return text;
}

// Both loops: the host's fastest, and the portable one.
class Loops : public testing::TestWithParam<bool> {
  protected:
    Replay make(const ns_replay_config &config) {
        Replay replay(ns_replay_create(&config));
        if (GetParam())
            ns_replay_make_portable(replay.get());
        return replay;
    }
};
INSTANTIATE_TEST_SUITE_P(Fast, Loops, testing::Values(false));
INSTANTIATE_TEST_SUITE_P(Portable, Loops, testing::Values(true));

TEST_P(Loops, EveryRowOfDinerosTableOfOneLevelHolds) {
    const auto rows = table("expected-l1.csv");
    ASSERT_EQ(rows.size(), 168u);
    for (const auto &row : rows) {
        SCOPED_TRACE(words(row));
        const Trace &trace = stored_trace(row.at("trace"));
        const Replay replay = make(hierarchy({config_of(row)}));
        const ns_level_counts counts = run(replay.get(), trace).at(0).counts;
        EXPECT_EQ(counts.reads, number(row, "rd_fetch"));
        EXPECT_EQ(counts.read_misses, number(row, "rd_miss"));
        EXPECT_EQ(counts.writes, number(row, "wr_fetch"));
        EXPECT_EQ(counts.write_misses, number(row, "wr_miss"));
        EXPECT_EQ(counts.split, number(row, "multiblock"));
        EXPECT_EQ(counts.bytes_read, number(row, "bytes_from_mem"));
        const uint64_t flushed = (counts.writebacks_final - counts.writebacks) * number(row, "line");
        EXPECT_EQ(counts.bytes_written + flushed, number(row, "bytes_to_mem(incl final flush)"));
    }
}

TEST_P(Loops, TheTableOfTwoLevelsHolds) {
    const auto rows = table("expected-two-levels.csv");
    ASSERT_EQ(rows.size(), 2u);
    for (const auto &row : rows) {
        SCOPED_TRACE(words(row));
        const Replay replay = make(hierarchy({geometry(32u << 10, 8, 64), geometry(1u << 20, 16, 64)}));
        const auto got = run(replay.get(), stored_trace(row.at("trace")));
        const ns_level_counts &l1 = got.at(0).counts, &l2 = got.at(1).counts;
        EXPECT_STREQ(got[0].name, "L1D");
        EXPECT_EQ(l1.reads, number(row, "l1_reads"));
        EXPECT_EQ(l1.read_misses, number(row, "l1_read_misses"));
        EXPECT_EQ(l1.writes, number(row, "l1_writes"));
        EXPECT_EQ(l1.write_misses, number(row, "l1_write_misses"));
        EXPECT_EQ(l1.fills, number(row, "l1_fills"));
        EXPECT_EQ(l1.writebacks, number(row, "l1_writebacks"));
        EXPECT_EQ(l1.writebacks_final, number(row, "l1_writebacks") + number(row, "l1_dirty_left"));
        EXPECT_STREQ(got[1].name, "L2");
        EXPECT_EQ(l2.reads, number(row, "l2_reads"));
        EXPECT_EQ(l2.read_misses, number(row, "l2_read_misses"));
        EXPECT_EQ(l2.writes, number(row, "l2_writes"));
        EXPECT_EQ(l2.write_misses, 0u); // every write-back finds its line: nothing has left this L2
        EXPECT_EQ(l2.writebacks, number(row, "l2_writebacks"));
        EXPECT_EQ(l2.writebacks_final, number(row, "l2_writebacks") + number(row, "l2_dirty_left"));
    }
}

TEST_P(Loops, CachegrindsTableHolds) {
    const auto rows = table("expected-cachegrind.csv");
    ASSERT_EQ(rows.size(), 2u);
    for (const auto &row : rows) {
        SCOPED_TRACE(words(row));
        const Replay replay =
            make(hierarchy({geometry(32u << 10, 8, 64), geometry(1u << 20, 16, 64)}, NS_LIKE_CACHEGRIND));
        const Trace &trace = stored_trace(row.at("trace"));
        const auto got = run(replay.get(), trace);
        const ns_level_counts &d1 = got.at(0).counts, &ll = got.at(1).counts;
        EXPECT_EQ(d1.reads + d1.writes, trace.address.size()); // an access is one reference
        EXPECT_EQ(d1.read_misses, number(row, "d1_read_misses"));
        EXPECT_EQ(d1.write_misses, number(row, "d1_write_misses"));
        EXPECT_EQ(ll.read_misses, number(row, "ll_read_misses"));
        EXPECT_EQ(ll.write_misses, number(row, "ll_write_misses"));
        EXPECT_EQ(d1.writebacks_final + ll.writebacks_final, 0u);
    }
}

// The same rows, by the caches that scenarios use.
TEST(Core, RowsOfDinerosTableHoldInTheCachesOfScenarios) {
#ifndef NDEBUG
    GTEST_SKIP() << "debug builds check the whole cache after every miss, which takes a quarter of an hour";
#endif
    for (const auto &row : table("expected-l1.csv")) {
        if (row.at("ways") == "2" || row.at("ways") == "1" || row.at("size") != "32K")
            continue; // some of the rows: these caches hold data, which takes its time
        SCOPED_TRACE(words(row));
        ns_cache_config config{};
        config.harts = config.levels = 1;
        config.level[0] = config_of(row);
        const auto read = [](void *, uint64_t, uint32_t, uint8_t *, ns_version *) { return NS_OK; };
        const auto write = [](void *, uint64_t, uint32_t, const uint8_t *, const ns_version *) { return NS_OK; };
        const ns_cache_backing memory = {nullptr, read, write};
        std::unique_ptr<ns_cache, void (*)(ns_cache *)> cache(ns_cache_create(&config, &memory, nullptr),
                                                              ns_cache_destroy);
        const Trace &trace = stored_trace(row.at("trace"));
        uint8_t data[NS_ACCESS_MAX_SIZE] = {};
        for (size_t i = 0; i < trace.address.size(); i++) {
            const uint32_t size = ns_access_size_of(trace.what[i]);
            if (ns_access_kind_of(trace.what[i]) == NS_ACCESS_WRITE)
                ns_cache_store(cache.get(), 0, trace.address[i], size, data, nullptr, nullptr);
            else
                ns_cache_load(cache.get(), 0, trace.address[i], size, data, nullptr, nullptr);
        }
        ns_cache_stats stats;
        ns_cache_get_stats(cache.get(), 0, &stats);
        EXPECT_EQ(stats.load_hits + stats.load_misses, number(row, "rd_fetch"));
        EXPECT_EQ(stats.load_misses, number(row, "rd_miss"));
        EXPECT_EQ(stats.store_hits + stats.store_misses, number(row, "wr_fetch"));
        EXPECT_EQ(stats.store_misses, number(row, "wr_miss"));
    }
}

// Every LRU cache of the table that writes back, in one pass each for one number of sets.
TEST(Sweep, OnePassGivesEveryRowOfTheTable) {
    for (const std::string name : {"gzip", "mm"}) {
        std::vector<ns_cache_level_config> configs;
        std::vector<std::map<std::string, std::string>> rows;
        for (const auto &row : table("expected-l1.csv")) {
            if (row.at("trace") == name) {
                rows.push_back(row);
                configs.push_back(config_of(row));
            }
        }
        std::unique_ptr<ns_sweep, void (*)(ns_sweep *)> sweep(ns_sweep_create(configs.data(), configs.size(), 0),
                                                              ns_sweep_destroy);
        const ns_accesses all = stored_trace(name).accesses();
        ns_sweep_run(sweep.get(), &all);
        EXPECT_LT(ns_sweep_passes(sweep.get()), configs.size());
        for (size_t i = 0; i < rows.size(); i++) {
            SCOPED_TRACE(words(rows[i]));
            ns_level_counts counts;
            ns_sweep_get_counts(sweep.get(), i, &counts);
            EXPECT_EQ(counts.reads, number(rows[i], "rd_fetch"));
            EXPECT_EQ(counts.read_misses, number(rows[i], "rd_miss"));
            EXPECT_EQ(counts.writes, number(rows[i], "wr_fetch"));
            EXPECT_EQ(counts.write_misses, number(rows[i], "wr_miss"));
            if (rows[i].at("wback") == "a") {
                EXPECT_EQ(counts.writebacks_final * number(rows[i], "line"),
                          number(rows[i], "bytes_to_mem(incl final flush)"));
            }
        }
    }
}

} // namespace
