// SPDX-License-Identifier: Apache-2.0
// The hardware's own moves: fills in two steps, prefetch, eviction, speculative stores.
#include "support.h"

namespace {

constexpr uint64_t line(uint64_t n) {
    return n * 64;
}

class Fill : public testing::Test {
  protected:
    static ns_cache_config config(ns_fill_kind kind, ns_inclusion inclusion = NS_INCLUSION_NEITHER) {
        ns_cache_config c = two_levels(inclusion);
        c.fill = kind;
        return c;
    }
    static bool install(Machine &m, uint64_t offset, unsigned hart = 0) {
        bool installed = false;
        EXPECT_EQ(ns_cache_fill_install(m.cache.get(), hart, Machine::kBase + offset, &installed), NS_OK);
        return installed;
    }
    static void sample(Machine &m, uint64_t offset, unsigned hart = 0) {
        EXPECT_EQ(ns_cache_fill_sample(m.cache.get(), hart, Machine::kBase + offset, nullptr), NS_OK);
    }
};

TEST_F(Fill, AtomicSamplesAndInstallsAtOnce) {
    Machine m(config(NS_FILL_ATOMIC));
    sample(m, 0);
    EXPECT_EQ(m.state(0, 0, 0), NS_LINE_CLEAN);
    EXPECT_FALSE(install(m, 0));
    EXPECT_EQ(m.stats(0).prefetches, 1u);
}

TEST_F(Fill, AnInstallBringsWhatMemoryHeldAtTheSample) {
    for (ns_fill_kind kind : {NS_FILL_ORDERED, NS_FILL_ESCAPING}) {
        Machine m(config(kind));
        m.bytes[0] = 1;
        sample(m, 0);
        EXPECT_EQ(m.state(0, 0, 0), NS_LINE_INVALID);
        m.bytes[0] = 2;
        EXPECT_TRUE(install(m, 0));
        EXPECT_EQ(m.load(0, 0), 1);
    }
}

TEST_F(Fill, OrderedIsCancelledByMaintenanceEscapingIsNot) {
    for (ns_inclusion inclusion : {NS_INCLUSION_NEITHER, NS_INCLUSION_INCLUSIVE, NS_INCLUSION_EXCLUSIVE})
        for (ns_cache_op op : {NS_CACHE_CLEAN, NS_CACHE_INVALIDATE, NS_CACHE_FLUSH})
            for (ns_maintenance_extent extent : {NS_EXACT_LINES, NS_WHOLE_CACHE}) {
                SCOPED_TRACE(testing::Message() << "inclusion " << inclusion << " op " << op << " extent " << extent);
                Machine ordered(config(NS_FILL_ORDERED, inclusion)), escaping(config(NS_FILL_ESCAPING, inclusion));
                for (Machine *m : {&ordered, &escaping}) {
                    sample(*m, 0);
                    m->maintain(0, op, 0, 1, extent);
                    m->bytes[0] = 9; /* the device writes after the maintenance completed */
                }
                EXPECT_FALSE(install(ordered, 0));
                if (op != NS_CACHE_CLEAN) {
                    EXPECT_EQ(ordered.load(0, 0), 9);
                }
                EXPECT_TRUE(install(escaping, 0));
                EXPECT_EQ(escaping.load(0, 0), 0);
                EXPECT_TRUE(escaping.sound());
            }
}

TEST_F(Fill, AnotherLinesMaintenanceCancelsNothing) {
    Machine m(config(NS_FILL_ORDERED));
    sample(m, 0);
    m.maintain(0, NS_CACHE_INVALIDATE, line(1), 64);
    EXPECT_TRUE(install(m, 0));
}

TEST_F(Fill, ADemandAccessFillsByItselfAndDropsTheRegister) {
    for (bool store : {false, true}) {
        Machine m(config(NS_FILL_ESCAPING));
        sample(m, 0);
        store ? m.store(0, 0, 5) : void(m.load(0, 0));
        EXPECT_FALSE(install(m, 0));
        m.maintain(0, NS_CACHE_FLUSH, 0, 1);
        EXPECT_FALSE(install(m, 0)); /* the register is gone, not waiting */
    }
}

TEST_F(Fill, AnotherHartsStoreCancels) {
    ns_cache_config c = config(NS_FILL_ESCAPING);
    c.harts = 2;
    Machine m(c);
    sample(m, 0, 0);
    m.store(1, 0, 5);
    EXPECT_FALSE(install(m, 0, 0));
    EXPECT_EQ(m.load(0, 0), 5);
}

// The dirty line moved up into hart 1's L1 meanwhile; a second copy beside a dirty one would be incoherent.
TEST_F(Fill, IsDroppedWhenTheLineMovedUpDirtyIntoAnotherL1) {
    ns_cache_config c = config(NS_FILL_ESCAPING, NS_INCLUSION_EXCLUSIVE);
    c.harts = 2;
    Machine m(c);
    m.store(0, line(0), 5);
    m.load(0, line(2));
    m.load(0, line(4));
    ASSERT_EQ(m.state(1, 0, line(0)), NS_LINE_DIRTY);
    sample(m, line(0), 0);
    EXPECT_EQ(m.load(1, line(0)), 5);
    ASSERT_EQ(m.state(0, 1, line(0)), NS_LINE_DIRTY);
    EXPECT_FALSE(install(m, line(0), 0));
    EXPECT_TRUE(m.sound());
}

TEST_F(Fill, SixteenRegistersAHart) {
    Machine m(config(NS_FILL_ORDERED));
    for (uint64_t i = 0; i < 16; i++)
        sample(m, line(i));
    EXPECT_EQ(ns_cache_fill_sample(m.cache.get(), 0, Machine::kBase + line(16), nullptr), NS_ERROR_LIMIT);
    EXPECT_TRUE(install(m, line(3)));
    sample(m, line(16));
}

TEST(Hardware, PrefetchFillsOnceAndIsNotAReference) {
    Machine m(two_levels(NS_INCLUSION_INCLUSIVE));
    ns_cache_prefetch(m.cache.get(), 0, Machine::kBase + 5, &m.result);
    EXPECT_EQ(m.result.memory_reads, 1u);
    ns_cache_prefetch(m.cache.get(), 0, Machine::kBase + 6, &m.result);
    EXPECT_EQ(m.result.memory_reads, 0u);
    EXPECT_EQ(m.stats(0).prefetches, 1u);
    EXPECT_EQ(m.stats(0).load_hits + m.stats(0).load_misses, 0u);
    EXPECT_EQ(m.only(Event::Fill).at(1).cause, NS_CAUSE_PREFETCH);
}

TEST(Hardware, EvictBringsDirtyDataToMemoryFromEveryLevel) {
    for (ns_inclusion inclusion : {NS_INCLUSION_NEITHER, NS_INCLUSION_INCLUSIVE, NS_INCLUSION_EXCLUSIVE}) {
        Machine m(two_levels(inclusion));
        m.store(0, 0, 5);
        bool present = false;
        ASSERT_EQ(ns_cache_evict(m.cache.get(), 0, Machine::kBase + 9, &present, &m.result), NS_OK);
        EXPECT_TRUE(present);
        EXPECT_EQ(m.bytes[0], 5);
        EXPECT_EQ(m.result.memory_writes, 1u);
        EXPECT_EQ(m.state(0, 0, 0), NS_LINE_INVALID);
        EXPECT_EQ(m.state(1, 0, 0), NS_LINE_INVALID);
        EXPECT_EQ(m.only(Event::WriteBack).at(0).cause, NS_CAUSE_EVICTION);
        ASSERT_EQ(ns_cache_evict(m.cache.get(), 0, Machine::kBase + 9, &present, &m.result), NS_OK);
        EXPECT_FALSE(present);
    }
}

// R10000: the squashed store leaves a dirty line, whose write-back lands on what a device wrote.
TEST(Hardware, ASpeculativeStoreDirtiesALineWithoutChangingIt) {
    ns_cache_config config = one_level();
    config.provenance = true;
    Machine m(config);
    m.bytes[0] = 1;
    m.versions[0] = 3;
    ASSERT_EQ(ns_cache_speculative_store(m.cache.get(), 0, Machine::kBase, nullptr), NS_OK);
    EXPECT_EQ(m.state(0, 0, 0), NS_LINE_DIRTY);
    m.bytes[0] = 0xAB;
    m.versions[0] = 8;
    ns_cache_evict(m.cache.get(), 0, Machine::kBase, nullptr, nullptr);
    EXPECT_EQ(m.bytes[0], 1);
    EXPECT_EQ(m.versions[0], 3u);
}

} // namespace
