// SPDX-License-Identifier: Apache-2.0
// Clean, invalidate, flush: what they do to lines, levels and harts, and where a range ends.
#include "support.h"

namespace {

constexpr uint64_t line(uint64_t n) {
    return n * 64;
}

TEST(Maintenance, CleanReachesMemoryAndKeepsTheLine) {
    for (ns_inclusion inclusion : {NS_INCLUSION_NEITHER, NS_INCLUSION_INCLUSIVE, NS_INCLUSION_EXCLUSIVE}) {
        Machine m(two_levels(inclusion));
        m.store(0, 0, 5);
        m.maintain(0, NS_CACHE_CLEAN, 0, 1);
        EXPECT_EQ(m.bytes[0], 5);
        EXPECT_EQ(m.state(0, 0, 0), NS_LINE_CLEAN);
        EXPECT_EQ(m.result.lines, 1u);
        EXPECT_EQ(m.result.lines_present, 1u);
        EXPECT_EQ(m.result.memory_writes, 1u);
        m.maintain(0, NS_CACHE_CLEAN, 0, 1); /* a clean line is never written back */
        EXPECT_EQ(m.result.memory_writes, 0u);
        EXPECT_TRUE(m.sound());
    }
}

TEST(Maintenance, FlushReachesMemoryAndLeavesNoCopyInAnyHartOrLevel) {
    for (ns_inclusion inclusion : {NS_INCLUSION_NEITHER, NS_INCLUSION_INCLUSIVE, NS_INCLUSION_EXCLUSIVE}) {
        ns_cache_config config = two_levels(inclusion);
        config.harts = 2;
        Machine m(config);
        m.store(1, 0, 5);
        m.load(0, line(1));
        m.load(1, line(1));
        m.maintain(0, NS_CACHE_FLUSH, 0, 128); /* hart 0 flushes what hart 1 wrote */
        EXPECT_EQ(m.bytes[0], 5);
        for (uint64_t offset : {line(0), line(1)})
            for (unsigned hart : {0u, 1u}) {
                EXPECT_EQ(m.state(0, hart, offset), NS_LINE_INVALID);
                EXPECT_EQ(m.state(1, 0, offset), NS_LINE_INVALID);
            }
    }
}

TEST(Maintenance, InvalidateDropsADirtyCopyInEachLevelAndReportsBoth) {
    for (ns_inclusion inclusion : {NS_INCLUSION_NEITHER, NS_INCLUSION_INCLUSIVE}) {
        Machine m(two_levels(inclusion));
        m.bytes[0] = 1;
        m.store(0, 0, 2);
        m.maintain(0, NS_CACHE_CLEAN, 0, 1, NS_EXACT_LINES, NS_SCOPE_L1);
        m.store(0, 0, 3); /* L1 dirty with 3, L2 dirty with 2 */
        m.maintain(0, NS_CACHE_INVALIDATE, 0, 1);
        auto drops = m.only(Event::DirtyDrop);
        ASSERT_EQ(drops.size(), 2u);
        EXPECT_EQ(drops[0].level, 0u);
        EXPECT_EQ(drops[0].data[0], 3);
        EXPECT_EQ(drops[1].level, 1u);
        EXPECT_EQ(drops[1].data[0], 2);
        EXPECT_EQ(m.count(Event::Write), 0u);
        EXPECT_EQ(m.load(0, 0), 1); /* nothing was left to refill from */
        EXPECT_EQ(m.stats(0).discards, 1u);
        EXPECT_EQ(m.stats(1).discards, 1u);
    }
}

TEST(Maintenance, InvalidateOfACleanLineIsAnHonestDrop) {
    Machine m(one_level());
    m.load(0, 0);
    m.bytes[0] = 9;
    EXPECT_EQ(m.load(0, 0), 0); /* stale */
    m.maintain(0, NS_CACHE_INVALIDATE, 0, 1);
    EXPECT_EQ(m.count(Event::Drop), 1u);
    EXPECT_EQ(m.count(Event::DirtyDrop), 0u);
    EXPECT_EQ(m.load(0, 0), 9);
}

// CBIE = 01: an invalidate that is performed as a flush writes the dirty line over what a device put there.
TEST(Maintenance, InvalidateAsFlushWritesTheLineOverMemory) {
    ns_cache_config config = one_level();
    config.invalidate_as_flush = true;
    Machine m(config);
    m.store(0, 0, 5);
    m.bytes[0] = m.bytes[1] = 0xAB;
    m.maintain(0, NS_CACHE_INVALIDATE, 0, 64);
    EXPECT_EQ(m.bytes[0], 5);
    EXPECT_EQ(m.bytes[1], 0); /* the neighbour's old byte too: the write-back is the whole line */
    EXPECT_EQ(m.count(Event::DirtyDrop), 0u);
}

// T-Head dcache.cval1 where dcache.cva was meant: the data stops in L2 and the device reads old bytes.
TEST(Maintenance, CleanOfL1StopsInTheNextLevel) {
    Machine m(two_levels(NS_INCLUSION_INCLUSIVE));
    m.store(0, 0, 5);
    m.maintain(0, NS_CACHE_CLEAN, 0, 1, NS_EXACT_LINES, NS_SCOPE_L1);
    EXPECT_EQ(m.state(0, 0, 0), NS_LINE_CLEAN);
    EXPECT_EQ(m.state(1, 0, 0), NS_LINE_DIRTY);
    EXPECT_EQ(m.bytes[0], 0);
    m.maintain(0, NS_CACHE_CLEAN, 0, 1);
    EXPECT_EQ(m.bytes[0], 5);
}

TEST(Maintenance, CleanOfL1MovesTheLineInAnExclusiveHierarchy) {
    Machine m(two_levels(NS_INCLUSION_EXCLUSIVE));
    m.store(0, 0, 5);
    m.maintain(0, NS_CACHE_CLEAN, 0, 1, NS_EXACT_LINES, NS_SCOPE_L1);
    EXPECT_EQ(m.state(0, 0, 0), NS_LINE_INVALID);
    EXPECT_EQ(m.state(1, 0, 0), NS_LINE_DIRTY);
    EXPECT_TRUE(m.sound());
}

TEST(Maintenance, ScopeL1LeavesOtherHartsAndLevelsAlone) {
    ns_cache_config config = two_levels(NS_INCLUSION_NEITHER);
    config.harts = 2;
    Machine m(config);
    m.load(0, 0);
    m.load(1, 0);
    m.maintain(0, NS_CACHE_INVALIDATE, 0, 1, NS_EXACT_LINES, NS_SCOPE_L1);
    EXPECT_EQ(m.state(0, 0, 0), NS_LINE_INVALID);
    EXPECT_EQ(m.state(0, 1, 0), NS_LINE_CLEAN);
    EXPECT_EQ(m.state(1, 0, 0), NS_LINE_CLEAN);
}

TEST(Maintenance, ScopeOuterLeavesTheL1Alone) {
    Machine m(two_levels(NS_INCLUSION_NEITHER));
    m.load(0, 0);
    m.maintain(0, NS_CACHE_INVALIDATE, 0, 1, NS_EXACT_LINES, NS_SCOPE_OUTER);
    EXPECT_EQ(m.state(0, 0, 0), NS_LINE_CLEAN);
    EXPECT_EQ(m.state(1, 0, 0), NS_LINE_INVALID);
}

TEST(Maintenance, ScopeOuterCleansWhatAnL1CleanHasLeftBelow) {
    Machine m(two_levels(NS_INCLUSION_NEITHER));
    m.store(0, 0, 5);
    m.maintain(0, NS_CACHE_CLEAN, 0, 1, NS_EXACT_LINES, NS_SCOPE_OUTER);
    EXPECT_EQ(m.bytes[0], 0); /* inner before outer: the newest byte is still above */
    m.maintain(0, NS_CACHE_CLEAN, 0, 1, NS_EXACT_LINES, NS_SCOPE_L1);
    m.maintain(0, NS_CACHE_CLEAN, 0, 1, NS_EXACT_LINES, NS_SCOPE_OUTER);
    EXPECT_EQ(m.bytes[0], 5);
    EXPECT_TRUE(m.sound());
}

TEST(Maintenance, ScopeOuterTakesTheCopiesAboveWithItWhereLevelsAreInclusive) {
    Machine m(two_levels(NS_INCLUSION_INCLUSIVE));
    m.load(0, 0);
    m.maintain(0, NS_CACHE_INVALIDATE, 0, 1, NS_EXACT_LINES, NS_SCOPE_OUTER);
    EXPECT_EQ(m.state(0, 0, 0), NS_LINE_INVALID);
    EXPECT_EQ(m.state(1, 0, 0), NS_LINE_INVALID);
    EXPECT_TRUE(m.sound());
}

TEST(Maintenance, CleanMergesASmallDirtyLineIntoABiggerCleanOne) {
    for (ns_inclusion inclusion : {NS_INCLUSION_NEITHER, NS_INCLUSION_INCLUSIVE}) {
        Machine m(two_levels(inclusion, 32, 128));
        m.bytes[100] = 4;
        m.store(0, 33, 5);
        m.maintain(0, NS_CACHE_CLEAN, 33, 1);
        EXPECT_EQ(m.bytes[33], 5);
        EXPECT_EQ(m.bytes[100], 4);
        auto written = m.only(Event::WriteBack);
        ASSERT_EQ(written.size(), 1u);
        EXPECT_EQ(written[0].length, 128u); /* the whole line of the last level */
        EXPECT_EQ(m.state(0, 0, 33), NS_LINE_CLEAN);
        EXPECT_EQ(m.state(1, 0, 33), NS_LINE_CLEAN);
    }
}

// Software that loops over L1 lines, hardware whose L2 line is bigger: the rest of the L2 line goes too.
TEST(Maintenance, InvalidateOfAPartOfABiggerLineLosesTheNeighbour) {
    Machine m(two_levels(NS_INCLUSION_INCLUSIVE, 32, 128));
    m.store(0, 64, 7); /* the neighbour, dirty in L1, inside the same L2 line */
    m.load(0, 0);
    m.maintain(0, NS_CACHE_INVALIDATE, 0, 32);
    auto drops = m.only(Event::DirtyDrop);
    ASSERT_EQ(drops.size(), 1u);
    EXPECT_EQ(drops[0].level, 1u);
    EXPECT_EQ(drops[0].data[64], 7);
    EXPECT_EQ(m.load(0, 64), 0);
}

// RX buffer at [16, 80) of two lines; neighbours at 0 and 100 are dirty. Which survive is the platform's edge policy.
TEST(Maintenance, RangeEdgesFollowThePolicyOfThePlatform) {
    struct Row {
        ns_range_policy policy;
        ns_maintenance_extent extent;
        uint8_t head, tail;
        size_t dirty_drops;
        uint32_t lines;
    };
    const Row rows[] = {
        {{NS_ROUND_OUTWARD, NS_EDGE_SAME}, NS_RANGE, 0, 0, 2, 2},
        {{NS_ROUND_OUTWARD, NS_EDGE_FLUSH}, NS_RANGE, 1, 2, 0, 2}, // Linux arm64 __dma_inv_area
        {{NS_ROUND_OUTWARD, NS_EDGE_SKIP}, NS_RANGE, 1, 2, 0, 0},
        {{NS_ROUND_INWARD, NS_EDGE_SAME}, NS_RANGE, 1, 2, 0, 0}, // Xilinx 103: the tail line is left
        {{NS_ROUND_OUTWARD, NS_EDGE_FLUSH}, NS_EXACT_LINES, 0, 0, 2, 2},
    };
    for (const Row &row : rows) {
        SCOPED_TRACE(testing::Message() << "rounding " << row.policy.rounding << " edge " << row.policy.edge);
        ns_cache_config config = one_level();
        config.range = row.policy;
        Machine m(config);
        m.store(0, 0, 1);
        m.store(0, 100, 2);
        m.maintain(0, NS_CACHE_INVALIDATE, 16, 64, row.extent);
        EXPECT_EQ(m.result.lines, row.lines);
        EXPECT_EQ(m.count(Event::DirtyDrop), row.dirty_drops);
        EXPECT_EQ(m.load(0, 0), row.head);
        EXPECT_EQ(m.load(0, 100), row.tail);
    }
}

TEST(Maintenance, AnEmptyRangeDoesNothing) {
    Machine m(one_level());
    m.store(0, 0, 1);
    m.maintain(0, NS_CACHE_INVALIDATE, 0, 0, NS_RANGE);
    EXPECT_EQ(m.result.lines, 0u);
    EXPECT_EQ(m.state(0, 0, 0), NS_LINE_DIRTY);
}

TEST(Maintenance, WholeCacheVisitsEveryLineInScope) {
    ns_cache_config config = two_levels(NS_INCLUSION_INCLUSIVE);
    config.harts = 2;
    Machine m(config);
    m.store(0, line(0), 1);
    m.store(1, line(1), 2);
    m.maintain(0, NS_CACHE_FLUSH, 0, 0, NS_WHOLE_CACHE, NS_SCOPE_L1);
    EXPECT_EQ(m.state(0, 0, line(0)), NS_LINE_INVALID);
    EXPECT_EQ(m.state(0, 1, line(1)), NS_LINE_DIRTY);
    EXPECT_EQ(m.bytes[0], 0);
    m.maintain(0, NS_CACHE_CLEAN, 0, 0, NS_WHOLE_CACHE);
    EXPECT_EQ(m.bytes[0], 1);
    EXPECT_EQ(m.bytes[64], 2);
    EXPECT_EQ(m.state(0, 1, line(1)), NS_LINE_CLEAN);
    m.maintain(0, NS_CACHE_INVALIDATE, 0, 0, NS_WHOLE_CACHE);
    EXPECT_EQ(m.state(0, 1, line(1)), NS_LINE_INVALID);
    EXPECT_EQ(m.state(1, 0, line(0)), NS_LINE_INVALID);
}

} // namespace
