// SPDX-License-Identifier: Apache-2.0
// Late write-backs: what waits, until when, and in which order it reaches memory.
#include "support.h"

namespace {

constexpr uint64_t line(uint64_t n) {
    return n * 64;
}

class Late : public testing::Test {
  protected:
    static ns_cache_config config(uint32_t lines, unsigned harts = 1) {
        ns_cache_config c = one_level(4, 2);
        c.late_write_backs = lines;
        c.harts = harts;
        c.provenance = true;
        return c;
    }
};

TEST_F(Late, ACleanWaitsForTheFence) {
    Machine m(config(4));
    m.store(0, 3, 5, 42);
    m.maintain(0, NS_CACHE_CLEAN, 0, 64);
    EXPECT_EQ(m.state(0, 0, 0), NS_LINE_CLEAN);
    EXPECT_EQ(m.bytes[3], 0);
    EXPECT_EQ(ns_cache_late_count(m.cache.get(), 0), 1u);
    unsigned hart = 9;
    uint8_t value = 0;
    ns_version version = 0;
    EXPECT_TRUE(ns_cache_late_peek(m.cache.get(), Machine::kBase + 3, &hart, &value, &version));
    EXPECT_EQ(hart, 0u);
    EXPECT_EQ(value, 5);
    EXPECT_EQ(version, 42u);
    EXPECT_FALSE(ns_cache_late_peek(m.cache.get(), Machine::kBase + 64, &hart, &value, &version));
    EXPECT_EQ(ns_cache_drain(m.cache.get(), 0, &m.result), NS_OK);
    EXPECT_EQ(m.result.memory_writes, 1u);
    EXPECT_EQ(m.bytes[3], 5);
    EXPECT_EQ(m.versions[3], 42u);
    EXPECT_EQ(ns_cache_late_count(m.cache.get(), 0), 0u);
}

TEST_F(Late, AFullQueueSendsItsOldest) {
    Machine m(config(2));
    for (uint64_t i = 0; i < 3; i++) {
        m.store(0, line(i), static_cast<uint8_t>(i + 1));
        m.maintain(0, NS_CACHE_FLUSH, line(i), 1);
    }
    EXPECT_EQ(m.bytes[line(0)], 1);
    EXPECT_EQ(m.bytes[line(1)], 0);
    EXPECT_EQ(m.bytes[line(2)], 0);
    EXPECT_EQ(ns_cache_late_count(m.cache.get(), 0), 2u);
}

TEST_F(Late, DrainGoesOldestFirst) {
    Machine m(config(4));
    for (uint64_t i : {2u, 0u, 1u}) {
        m.store(0, line(i), 1);
        m.maintain(0, NS_CACHE_FLUSH, line(i), 1);
    }
    m.events.clear();
    ns_cache_drain(m.cache.get(), 0, nullptr);
    auto writes = m.only(Event::Write);
    ASSERT_EQ(writes.size(), 3u);
    EXPECT_EQ(writes[0].address, line(2));
    EXPECT_EQ(writes[1].address, line(0));
    EXPECT_EQ(writes[2].address, line(1));
}

TEST_F(Late, AMissOfTheLineSeesTheQueuedData) {
    Machine m(config(4));
    m.store(0, 0, 5);
    m.maintain(0, NS_CACHE_FLUSH, 0, 1);
    EXPECT_EQ(m.load(0, 0), 5);
    EXPECT_EQ(m.bytes[0], 5);
}

TEST_F(Late, AHitNeedsNothingFromMemoryAndLeavesTheQueue) {
    Machine m(config(4));
    m.store(0, 0, 5);
    m.maintain(0, NS_CACHE_CLEAN, 0, 1);
    EXPECT_EQ(m.load(0, 0), 5);
    EXPECT_EQ(ns_cache_late_count(m.cache.get(), 0), 1u);
}

TEST_F(Late, TheWritesOfOneLineKeepTheirOrderAcrossHarts) {
    Machine m(config(4, 2));
    m.store(0, 0, 1);
    m.maintain(0, NS_CACHE_FLUSH, 0, 1); /* queued by hart 0 */
    m.store(1, 0, 2);
    m.maintain(1, NS_CACHE_CLEAN, 0, 1); /* queued by hart 1: hart 0's write must not come after it */
    ns_cache_drain(m.cache.get(), 1, nullptr);
    ns_cache_drain(m.cache.get(), 0, nullptr);
    EXPECT_EQ(m.bytes[0], 2);
}

TEST_F(Late, AnEvictionComesAfterTheQueuedWriteOfItsLine) {
    Machine m(config(4));
    m.store(0, 0, 1);
    m.maintain(0, NS_CACHE_CLEAN, 0, 1);
    m.store(0, 0, 2);
    ns_cache_evict(m.cache.get(), 0, Machine::kBase, nullptr, nullptr);
    EXPECT_EQ(m.bytes[0], 2);
    ns_cache_drain(m.cache.get(), 0, nullptr);
    EXPECT_EQ(m.bytes[0], 2);
}

// The device writes between the clean and the fence: the late write-back lands on its data.
TEST_F(Late, ADrainAfterADeviceWriteOverwritesIt) {
    Machine m(config(4));
    m.store(0, 0, 1);
    m.maintain(0, NS_CACHE_FLUSH, 0, 1);
    m.bytes[0] = 0xAB;
    ns_cache_drain(m.cache.get(), 0, nullptr);
    EXPECT_EQ(m.bytes[0], 1);
}

TEST_F(Late, DrainLineTakesOnlyOverlappingEntriesOfAnyHart) {
    Machine m(config(4, 2));
    m.store(0, line(0), 1);
    m.maintain(0, NS_CACHE_FLUSH, line(0), 1);
    m.store(1, line(1), 2);
    m.maintain(1, NS_CACHE_FLUSH, line(1), 1);
    ns_cache_drain_line(m.cache.get(), Machine::kBase + line(1) + 63, 1, nullptr);
    EXPECT_EQ(m.bytes[line(0)], 0);
    EXPECT_EQ(m.bytes[line(1)], 2);
}

TEST_F(Late, AFillFromTheNextLevelDrainsItsLineFirst) {
    ns_cache_config c = two_levels(NS_INCLUSION_INCLUSIVE);
    c.late_write_backs = 4;
    Machine m(c);
    m.store(0, 0, 5);
    m.maintain(0, NS_CACHE_CLEAN, 0, 1);
    m.maintain(0, NS_CACHE_INVALIDATE, 0, 1, NS_EXACT_LINES, NS_SCOPE_L1);
    EXPECT_EQ(ns_cache_late_count(m.cache.get(), 0), 1u);
    EXPECT_EQ(m.load(0, 0), 5);
    EXPECT_EQ(m.result.hit_level, 1u);
    EXPECT_EQ(m.bytes[0], 5);
    EXPECT_EQ(ns_cache_late_count(m.cache.get(), 0), 0u);
}

TEST_F(Late, EvictingACleanLineDrainsItFirst) {
    for (bool by_itself : {false, true}) {
        Machine m(config(4));
        m.store(0, 0, 5);
        m.maintain(0, NS_CACHE_CLEAN, 0, 1);
        if (by_itself) {
            ns_cache_evict(m.cache.get(), 0, Machine::kBase, nullptr, nullptr);
        } else {
            m.load(0, line(4));
            m.load(0, line(8)); /* 4 sets x 2 ways: line 0 is the victim */
        }
        EXPECT_EQ(m.state(0, 0, 0), NS_LINE_INVALID);
        EXPECT_EQ(m.bytes[0], 5);
        EXPECT_EQ(ns_cache_late_count(m.cache.get(), 0), 0u);
    }
}

// A clean of L1 alone allocates in L2 and so evicts there; what that eviction writes is no clean of the program.
TEST_F(Late, TheVictimOfACleanDoesNotWait) {
    ns_cache_config c = two_levels(NS_INCLUSION_NEITHER);
    c.level[1] = level_of(1, 1, 64);
    c.late_write_backs = 4;
    Machine m(c);
    m.store(0, line(0), 1);
    m.maintain(0, NS_CACHE_CLEAN, line(0), 1, NS_EXACT_LINES, NS_SCOPE_L1);
    ASSERT_EQ(m.state(1, 0, line(0)), NS_LINE_DIRTY);
    m.store(0, line(1), 2); /* its fill evicts line 0 from L2 */
    ASSERT_EQ(m.bytes[line(0)], 1);
    m.store(0, line(0), 3);
    m.maintain(0, NS_CACHE_CLEAN, line(0), 1, NS_EXACT_LINES, NS_SCOPE_L1); /* L2: line 0 dirty instead of line 1 */
    m.events.clear();
    m.maintain(0, NS_CACHE_CLEAN, line(1), 1, NS_EXACT_LINES, NS_SCOPE_L1); /* the victim is line 0 */
    EXPECT_EQ(m.bytes[line(0)], 3);
    EXPECT_EQ(m.only(Event::WriteBack).at(0).cause, NS_CAUSE_EVICTION);
    EXPECT_EQ(ns_cache_late_count(m.cache.get(), 0), 0u);
}

TEST_F(Late, EvictionsDoNotWait) {
    Machine m(config(4));
    m.store(0, 0, 5);
    ns_cache_evict(m.cache.get(), 0, Machine::kBase, nullptr, nullptr);
    EXPECT_EQ(m.bytes[0], 5);
}

} // namespace
