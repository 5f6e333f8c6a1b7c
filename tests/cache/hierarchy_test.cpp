// SPDX-License-Identifier: Apache-2.0
// Levels: what a hit, a miss and a victim do under each inclusion and write policy; the harts' L1s; errors.
#include "support.h"

#include <map>
#include <set>

namespace {

// two_levels(): L1 2 sets x 2 ways, L2 4 sets x 2 ways, 64-byte lines. Lines 0, 2, 4, ... share an L1 set;
// lines 0, 4, 8, ... share an L2 set, too.
constexpr uint64_t line(uint64_t n) {
    return n * 64;
}

TEST(Hierarchy, AMissFillsEachLevelAndTellsTheObserverBottomUp) {
    Machine m(two_levels(NS_INCLUSION_NEITHER));
    m.bytes[5] = 77;
    EXPECT_EQ(m.load(0, 5), 77);
    EXPECT_EQ(m.result.hit_level, 2u);
    EXPECT_EQ(m.result.memory_reads, 1u);
    ASSERT_EQ(m.events.size(), 3u);
    EXPECT_EQ(m.events[0].kind, Event::Read);
    EXPECT_EQ(m.events[1].kind, Event::Fill);
    EXPECT_EQ(m.events[1].level, 1u);
    EXPECT_EQ(m.events[2].kind, Event::Fill);
    EXPECT_EQ(m.events[2].level, 0u);
    EXPECT_EQ(m.events[2].data[5], 77);
    ns_cache_copy copy;
    ASSERT_TRUE(ns_cache_peek(m.cache.get(), 0, 0, Machine::kBase + 5, &copy));
    EXPECT_EQ(copy.fill_event, 3u); /* the observer returned the number of events seen */
    EXPECT_EQ(copy.line_address, Machine::kBase);
    EXPECT_EQ(copy.versions, nullptr);
}

TEST(Hierarchy, HitLevelIsTheDeepestLevelNeeded) {
    Machine m(two_levels(NS_INCLUSION_NEITHER));
    m.load(0, line(0));
    m.load(0, line(0) + 63);
    EXPECT_EQ(m.result.hit_level, 0u);
    m.load(0, line(2));
    m.load(0, line(4)); /* evicts line 0 from L1; L2 keeps it */
    m.load(0, line(0));
    EXPECT_EQ(m.result.hit_level, 1u);
    EXPECT_EQ(m.result.memory_reads, 0u);
}

TEST(Hierarchy, AnAccessAcrossLinesIsOneReferencePerLine) {
    Machine m(one_level());
    uint8_t data[130];
    ns_cache_result result;
    ASSERT_EQ(ns_cache_load(m.cache.get(), 0, Machine::kBase + 63, 130, data, nullptr, &result), NS_OK);
    EXPECT_EQ(result.lines, 4u); /* one byte, two whole lines, one byte */
    EXPECT_EQ(m.stats(0).load_misses, 4u);
}

TEST(Hierarchy, ADirtyVictimIsWrittenBackAsAWholeLine) {
    ns_cache_config config = one_level(1, 1);
    config.provenance = true;
    Machine m(config);
    m.bytes[1] = 11;
    m.versions[1] = 5;
    m.store(0, 0, 10, 9);
    m.load(0, line(1));
    auto written = m.only(Event::WriteBack);
    ASSERT_EQ(written.size(), 1u);
    EXPECT_EQ(written[0].address, 0u);
    EXPECT_EQ(written[0].length, 64u);
    EXPECT_EQ(written[0].cause, NS_CAUSE_EVICTION);
    EXPECT_EQ(written[0].versions[0], 9u);
    EXPECT_EQ(written[0].versions[1], 5u); /* the neighbour's old version goes along */
    EXPECT_EQ(m.bytes[0], 10);
    EXPECT_EQ(m.bytes[1], 11);
    EXPECT_EQ(m.versions[0], 9u);
    EXPECT_EQ(m.count(Event::Drop), 0u);
}

TEST(Hierarchy, ACleanVictimIsDroppedAndNeverWritten) {
    Machine m(one_level(1, 1));
    m.load(0, 0);
    m.bytes[0] = 99; /* memory changes behind the cache */
    m.load(0, line(1));
    EXPECT_EQ(m.count(Event::Write), 0u);
    EXPECT_EQ(m.bytes[0], 99);
    auto drops = m.only(Event::Drop);
    ASSERT_EQ(drops.size(), 1u);
    EXPECT_EQ(drops[0].cause, NS_CAUSE_EVICTION);
}

TEST(Hierarchy, AStoreOfAWholeLineReadsNothing) {
    Machine m(one_level());
    uint8_t data[64] = {1, 2, 3};
    ASSERT_EQ(ns_cache_store(m.cache.get(), 0, Machine::kBase, 64, data, nullptr, nullptr), NS_OK);
    EXPECT_EQ(m.count(Event::Read), 0u);
    EXPECT_EQ(m.load(0, 1), 2);
}

TEST(Inclusive, EvictingBelowEvictsAboveAndMergesDirtyDataFirst) {
    Machine m(two_levels(NS_INCLUSION_INCLUSIVE));
    m.store(0, line(0), 1);
    m.load(0, line(1)); /* other sets: only there to be untouched */
    m.load(0, line(4));
    m.store(0, line(0), 2); /* line 0 is the younger one in L1, the older one in L2 */
    m.events.clear();
    m.load(0, line(8)); /* L2 set 0: lines 0 and 4; the victim is line 0 */
    EXPECT_EQ(m.state(1, 0, line(0)), NS_LINE_INVALID);
    EXPECT_EQ(m.state(0, 0, line(0)), NS_LINE_INVALID);
    auto written = m.only(Event::WriteBack);
    ASSERT_EQ(written.size(), 1u);
    EXPECT_EQ(written[0].level, 1u);
    EXPECT_EQ(written[0].data[0], 2);
    EXPECT_EQ(m.bytes[0], 2);
    EXPECT_TRUE(m.sound());
}

TEST(Inclusive, EvictingBelowDropsEveryCleanCopyAbove) {
    ns_cache_config config = two_levels(NS_INCLUSION_INCLUSIVE);
    config.harts = 2;
    Machine m(config);
    m.load(0, line(0));
    m.load(1, line(0));
    m.events.clear();
    m.load(0, line(4));
    m.load(0, line(8));
    std::set<std::pair<unsigned, unsigned>> gone;
    for (const Event &event : m.only(Event::Drop))
        if (event.address == line(0))
            gone.insert({event.level, event.level == 0 ? event.hart : 0});
    EXPECT_EQ(gone, (std::set<std::pair<unsigned, unsigned>>{{0, 0}, {0, 1}, {1, 0}}));
}

TEST(Inclusive, ABiggerLineBelowTakesBackAllItsPartsFromAbove) {
    ns_cache_config config = two_levels(NS_INCLUSION_INCLUSIVE, 32, 128);
    config.level[0] = level_of(2, 4, 32); /* large enough that nothing leaves L1 by itself */
    Machine m(config);
    for (uint64_t part = 0; part < 4; part++)
        m.store(0, part * 32, static_cast<uint8_t>(part + 1));
    m.load(0, 4 * 128);
    m.load(0, 8 * 128); /* the L2 set of line 0 overflows */
    EXPECT_EQ(m.state(1, 0, 0), NS_LINE_INVALID);
    for (uint64_t part = 0; part < 4; part++) {
        EXPECT_EQ(m.state(0, 0, part * 32), NS_LINE_INVALID);
        EXPECT_EQ(m.bytes[part * 32], part + 1);
    }
}

// The store needs no byte from below, but the level below must hold the line as well.
TEST(Inclusive, AWholeLineStoreThatPassesL1IsAllocatedInEachLevelBelow) {
    ns_cache_config config = two_levels(NS_INCLUSION_INCLUSIVE);
    config.levels = 3;
    config.level[2] = level_of(8, 2, 64);
    config.level[0].no_write_allocate = true;
    Machine m(config);
    uint8_t data[64] = {1};
    ASSERT_EQ(ns_cache_store(m.cache.get(), 0, Machine::kBase, 64, data, nullptr, nullptr), NS_OK);
    EXPECT_EQ(m.state(0, 0, 0), NS_LINE_INVALID);
    EXPECT_EQ(m.state(1, 0, 0), NS_LINE_DIRTY);
    EXPECT_EQ(m.state(2, 0, 0), NS_LINE_CLEAN);
}

TEST(Exclusive, AVictimCleanOrDirtyMovesDownAndAHitMovesUp) {
    Machine m(two_levels(NS_INCLUSION_EXCLUSIVE));
    m.load(0, line(0));
    EXPECT_EQ(m.state(1, 0, line(0)), NS_LINE_INVALID); /* a fill passes L2 by */
    m.store(0, line(2), 7);
    m.load(0, line(4)); /* line 0, clean, is the victim */
    EXPECT_EQ(m.state(0, 0, line(0)), NS_LINE_INVALID);
    EXPECT_EQ(m.state(1, 0, line(0)), NS_LINE_CLEAN);
    m.load(0, line(6)); /* line 2, dirty, is the victim */
    EXPECT_EQ(m.state(1, 0, line(2)), NS_LINE_DIRTY);
    EXPECT_EQ(m.count(Event::Drop), 0u);
    EXPECT_EQ(m.count(Event::Write), 0u);
    EXPECT_EQ(m.load(0, line(2)), 7);
    EXPECT_EQ(m.result.hit_level, 1u);
    EXPECT_EQ(m.state(1, 0, line(2)), NS_LINE_INVALID);
    EXPECT_EQ(m.state(0, 0, line(2)), NS_LINE_DIRTY); /* memory still has not got it */
}

TEST(Exclusive, ACleanVictimThatAnotherL1HoldsDoesNotMoveDown) {
    ns_cache_config config = two_levels(NS_INCLUSION_EXCLUSIVE);
    config.harts = 2;
    Machine m(config);
    m.load(0, line(0));
    m.load(1, line(0));
    m.load(0, line(2));
    m.load(0, line(4)); /* hart 0's copy is the victim */
    EXPECT_EQ(m.state(0, 0, line(0)), NS_LINE_INVALID);
    EXPECT_EQ(m.state(1, 0, line(0)), NS_LINE_INVALID);
    EXPECT_EQ(m.state(0, 1, line(0)), NS_LINE_CLEAN);
    EXPECT_TRUE(m.sound());
}

TEST(Exclusive, AFailedFillLeavesTheLineBelow) {
    ns_cache_config config = two_levels(NS_INCLUSION_EXCLUSIVE);
    config.level[1] = level_of(1, 1, 64); /* one line: L1's victim pushes L2's line out */
    config.level[0] = level_of(2, 1, 64);
    Machine m(config);
    m.store(0, line(0), 1);
    m.store(0, line(1), 2);
    m.store(0, line(2), 3); /* line 0 moves to L2, dirty; L1 has 2 and 1 */
    m.fail_writes_after = 0;
    uint8_t value;
    EXPECT_EQ(ns_cache_load(m.cache.get(), 0, Machine::kBase + line(3), 1, &value, nullptr, nullptr), NS_ERROR_ADDRESS);
    EXPECT_TRUE(m.sound());
    EXPECT_EQ(m.state(0, 0, line(3)), NS_LINE_INVALID);
    EXPECT_EQ(m.state(0, 0, line(1)), NS_LINE_DIRTY);
    EXPECT_EQ(m.state(1, 0, line(0)), NS_LINE_DIRTY);
    EXPECT_EQ(m.cached(1, 0, line(0)), 1);
}

TEST(Neither, EvictingBelowLeavesTheCopyAbove) {
    Machine m(two_levels(NS_INCLUSION_NEITHER));
    m.load(0, line(0));
    m.load(0, line(4));
    m.load(0, line(0)); /* L1 keeps line 0 young; L2 has seen it only once */
    m.load(0, line(8));
    EXPECT_EQ(m.state(1, 0, line(0)), NS_LINE_INVALID);
    EXPECT_EQ(m.state(0, 0, line(0)), NS_LINE_CLEAN);
}

TEST(Neither, ADirtyVictimIsAllocatedBelowWithoutReadingMemory) {
    Machine m(two_levels(NS_INCLUSION_NEITHER));
    m.store(0, line(0), 3);
    m.load(0, line(4));
    m.load(0, line(0));
    m.load(0, line(8)); /* line 0 left L2, line 4 left L1 */
    ASSERT_EQ(m.state(1, 0, line(0)), NS_LINE_INVALID);
    m.events.clear();
    m.load(0, line(2));
    m.load(0, line(6)); /* line 0 leaves L1 */
    EXPECT_EQ(m.state(0, 0, line(0)), NS_LINE_INVALID);
    EXPECT_EQ(m.state(1, 0, line(0)), NS_LINE_DIRTY);
    EXPECT_EQ(m.count(Event::Read), 2u); /* lines 2 and 6 */
    EXPECT_EQ(m.count(Event::Write), 0u);
}

TEST(WriteThrough, AStoreHitPassesItsBytesOnAndLeavesTheLineClean) {
    ns_cache_config config = one_level();
    config.level[0].write_through = true;
    Machine m(config);
    m.load(0, 0);
    m.store(0, 3, 9);
    EXPECT_EQ(m.state(0, 0, 0), NS_LINE_CLEAN);
    EXPECT_EQ(m.bytes[3], 9);
    auto written = m.only(Event::WriteBack);
    ASSERT_EQ(written.size(), 1u);
    EXPECT_EQ(written[0].address, 3u);
    EXPECT_EQ(written[0].length, 1u);
    EXPECT_EQ(written[0].cause, NS_CAUSE_STORE);
    EXPECT_EQ(m.load(0, 3), 9);
    EXPECT_EQ(m.stats(0).write_backs, 0u);
}

TEST(WriteThrough, TheNextLevelTakesTheBytesWhenItWritesBack) {
    ns_cache_config config = two_levels(NS_INCLUSION_INCLUSIVE);
    config.level[0].write_through = true;
    Machine m(config);
    m.store(0, 3, 9);
    EXPECT_EQ(m.state(0, 0, 0), NS_LINE_CLEAN);
    EXPECT_EQ(m.state(1, 0, 0), NS_LINE_DIRTY);
    EXPECT_EQ(m.bytes[3], 0);
}

TEST(NoWriteAllocate, AStoreMissFillsNothingAndPassesOn) {
    ns_cache_config config = two_levels(NS_INCLUSION_NEITHER);
    config.level[0].no_write_allocate = true;
    config.level[1].no_write_allocate = true;
    Machine m(config);
    m.store(0, 3, 9);
    EXPECT_EQ(m.count(Event::Fill), 0u);
    EXPECT_EQ(m.bytes[3], 9);
    EXPECT_EQ(m.result.hit_level, 2u);
    m.load(0, 0);
    m.store(0, 3, 10); /* a hit is an ordinary write-back hit */
    EXPECT_EQ(m.state(0, 0, 0), NS_LINE_DIRTY);
    EXPECT_EQ(m.bytes[3], 9);
}

TEST(NoWriteAllocate, AStoreThatMissesL1HitsL2) {
    ns_cache_config config = two_levels(NS_INCLUSION_NEITHER);
    config.level[0].no_write_allocate = true;
    Machine m(config);
    m.load(0, line(0));
    m.load(0, line(2));
    m.load(0, line(4)); /* line 0 is in L2 only */
    m.store(0, line(0), 5);
    EXPECT_EQ(m.result.hit_level, 1u);
    EXPECT_EQ(m.state(0, 0, line(0)), NS_LINE_INVALID);
    EXPECT_EQ(m.state(1, 0, line(0)), NS_LINE_DIRTY);
    EXPECT_EQ(m.load(0, line(0)), 5);
}

TEST(Harts, AStoreDropsOtherCopiesAfterTheirDirtyDataMovedDown) {
    ns_cache_config config = two_levels(NS_INCLUSION_NEITHER);
    config.harts = 3;
    Machine m(config);
    m.store(0, 0, 1);
    m.store(1, 1, 2); /* hart 0's dirty byte must survive in the line that hart 1 now owns */
    EXPECT_EQ(m.state(0, 0, 0), NS_LINE_INVALID);
    EXPECT_EQ(m.state(0, 1, 0), NS_LINE_DIRTY);
    EXPECT_EQ(m.cached(0, 1, 0), 1);
    EXPECT_EQ(m.count(Event::Drop) + m.count(Event::DirtyDrop), 0u);
    EXPECT_EQ(m.load(2, 1), 2); /* makes hart 1's copy clean */
    EXPECT_EQ(m.state(0, 1, 0), NS_LINE_CLEAN);
    EXPECT_EQ(m.state(1, 0, 0), NS_LINE_DIRTY);
    m.store(1, 1, 3); /* hart 2's clean copy goes */
    auto drops = m.only(Event::Drop);
    ASSERT_EQ(drops.size(), 1u);
    EXPECT_EQ(drops[0].hart, 2u);
    EXPECT_EQ(drops[0].cause, NS_CAUSE_SNOOP);
}

TEST(Harts, WithoutASharedLevelDirtyDataGoesThroughMemory) {
    ns_cache_config config = one_level();
    config.harts = 2;
    Machine m(config);
    m.store(0, 0, 1);
    EXPECT_EQ(m.load(1, 0), 1);
    EXPECT_EQ(m.bytes[0], 1);
    EXPECT_EQ(m.only(Event::WriteBack).at(0).cause, NS_CAUSE_SNOOP);
}

TEST(Snoop, AReadSeesTheNewestCopyAndAllocatesNothing) {
    Machine m(two_levels(NS_INCLUSION_NEITHER));
    m.store(0, line(0), 1);
    m.maintain(0, NS_CACHE_CLEAN, line(0), 1, NS_EXACT_LINES, NS_SCOPE_L1);
    m.store(0, line(0), 2); /* L1 has 2, L2 has 1, memory 0 */
    uint8_t data[2];
    m.events.clear();
    ASSERT_EQ(ns_cache_snoop_read(m.cache.get(), Machine::kBase, 1, data, nullptr, &m.result), NS_OK);
    EXPECT_EQ(data[0], 2);
    EXPECT_EQ(m.result.memory_reads, 0u);
    ASSERT_EQ(ns_cache_snoop_read(m.cache.get(), Machine::kBase + line(9), 1, data, nullptr, &m.result), NS_OK);
    EXPECT_EQ(m.result.memory_reads, 1u);
    EXPECT_EQ(m.count(Event::Fill), 0u);
}

TEST(Snoop, AWriteMergesL1sDownAndLandsInTheLastSharedLevel) {
    Machine m(two_levels(NS_INCLUSION_INCLUSIVE));
    m.store(0, 0, 1);
    uint8_t value = 2;
    ASSERT_EQ(ns_cache_snoop_write(m.cache.get(), Machine::kBase + 1, 1, &value, nullptr, nullptr), NS_OK);
    EXPECT_EQ(m.state(0, 0, 0), NS_LINE_INVALID);
    EXPECT_EQ(m.state(1, 0, 0), NS_LINE_DIRTY);
    EXPECT_EQ(m.cached(1, 0, 0), 1);
    EXPECT_EQ(m.cached(1, 0, 1), 2);
    EXPECT_EQ(m.bytes[1], 0);
}

TEST(Snoop, AWriteWithOneLevelLandsInMemory) {
    Machine m(one_level());
    m.store(0, 0, 1);
    uint8_t value = 2;
    ASSERT_EQ(ns_cache_snoop_write(m.cache.get(), Machine::kBase + 1, 1, &value, nullptr, nullptr), NS_OK);
    EXPECT_EQ(m.state(0, 0, 0), NS_LINE_INVALID);
    EXPECT_EQ(m.bytes[0], 1);
    EXPECT_EQ(m.bytes[1], 2);
}

TEST(Errors, AFailedReadInstallsNothingAndAFailedWriteKeepsTheDirtyLine) {
    for (ns_inclusion inclusion : {NS_INCLUSION_NEITHER, NS_INCLUSION_INCLUSIVE}) {
        Machine m(two_levels(inclusion));
        uint8_t value = 1;
        m.fail_reads_after = 0;
        EXPECT_EQ(ns_cache_load(m.cache.get(), 0, Machine::kBase, 1, &value, nullptr, nullptr), NS_ERROR_ADDRESS);
        EXPECT_EQ(m.state(0, 0, 0), NS_LINE_INVALID);
        m.fail_reads_after = -1;
        m.store(0, 0, 5);
        m.fail_writes_after = 0;
        ns_maintenance flush = {NS_CACHE_FLUSH, NS_SCOPE_POC, NS_EXACT_LINES, Machine::kBase, 1};
        EXPECT_EQ(ns_cache_maintain(m.cache.get(), 0, &flush, nullptr), NS_ERROR_ADDRESS);
        EXPECT_TRUE(m.sound());
        m.fail_writes_after = -1;
        EXPECT_EQ(m.load(0, 0), 5);
    }
}

// The level below allocates for the victim and then fails to pass its bytes on: no half-done line may stay there.
TEST(Errors, AWriteThroughLevelThatCannotPassBytesOnDoesNotKeepTheLine) {
    ns_cache_config config = two_levels(NS_INCLUSION_NEITHER);
    config.level[0].no_write_allocate = true;
    config.level[1].write_through = true;
    Machine m(config);
    m.bytes[0] = 7;
    uint8_t data[64] = {1};
    for (uint32_t length : {1u, 64u}) { /* a part, for which the line is fetched, and the whole */
        m.fail_writes_after = 0;
        EXPECT_EQ(ns_cache_store(m.cache.get(), 0, Machine::kBase, length, data, nullptr, nullptr), NS_ERROR_ADDRESS);
        m.fail_writes_after = -1;
        EXPECT_EQ(m.state(1, 0, 0), NS_LINE_INVALID);
        EXPECT_EQ(m.count(Event::Fill), m.count(Event::Drop)); /* the observer can follow */
    }
    EXPECT_EQ(m.load(0, 0), 7);
}

// The same under an IO-coherent write in an exclusive hierarchy, where the line would lie in two levels.
TEST(Errors, AFailedSnoopWriteKeepsAnExclusiveHierarchyExclusive) {
    ns_cache_config config = two_levels(NS_INCLUSION_EXCLUSIVE);
    config.level[1].write_through = true;
    Machine m(config);
    m.store(0, 0, 5);
    m.fail_writes_after = 0;
    uint8_t value = 6;
    EXPECT_EQ(ns_cache_snoop_write(m.cache.get(), Machine::kBase + 1, 1, &value, nullptr, nullptr), NS_ERROR_ADDRESS);
    EXPECT_TRUE(m.sound());
    m.fail_writes_after = -1;
    EXPECT_EQ(m.load(0, 0), 5);
}

TEST(Errors, ArgumentsOutOfRangeAreRefused) {
    ns_cache_config config = one_level();
    config.provenance = true;
    Machine m(config);
    ns_cache *c = m.cache.get();
    uint8_t byte = 0;
    ns_version version = 0;
    const uint64_t top = UINT64_C(1) << NS_PHYSICAL_BITS;
    EXPECT_EQ(ns_cache_load(c, 1, Machine::kBase, 1, &byte, &version, nullptr), NS_ERROR_ARGUMENT);
    EXPECT_EQ(ns_cache_load(c, 0, Machine::kBase, 0, &byte, &version, nullptr), NS_ERROR_ARGUMENT);
    EXPECT_EQ(ns_cache_load(c, 0, top, 1, &byte, &version, nullptr), NS_ERROR_ARGUMENT);
    EXPECT_EQ(ns_cache_load(c, 0, top - 1, 2, &byte, &version, nullptr), NS_ERROR_ARGUMENT);
    EXPECT_EQ(ns_cache_load(c, 0, UINT64_MAX, 2, &byte, &version, nullptr), NS_ERROR_ARGUMENT);
    EXPECT_EQ(ns_cache_store(c, 0, Machine::kBase, 1, &byte, nullptr, nullptr), NS_ERROR_ARGUMENT);
    EXPECT_EQ(ns_cache_prefetch(c, 7, Machine::kBase, nullptr), NS_ERROR_ARGUMENT);
    EXPECT_EQ(ns_cache_evict(c, 7, Machine::kBase, nullptr, nullptr), NS_ERROR_ARGUMENT);
    EXPECT_EQ(ns_cache_drain(c, 1, nullptr), NS_ERROR_ARGUMENT);
    ns_maintenance beyond = {NS_CACHE_CLEAN, NS_SCOPE_POC, NS_RANGE, top - 1, 2};
    EXPECT_EQ(ns_cache_maintain(c, 0, &beyond, nullptr), NS_ERROR_ARGUMENT);
    ns_maintenance endless = {NS_CACHE_CLEAN, NS_SCOPE_POC, NS_RANGE, 0, NS_CACHE_MAX_RANGE + 1};
    EXPECT_EQ(ns_cache_maintain(c, 0, &endless, nullptr), NS_ERROR_LIMIT);
}

// One L1 of 2 sets x 2 ways x 64 bytes, LRU, write-back: set of a line = line number modulo 2.
// Hand count. R0 miss; W0 hit, dirty; R2 miss; R0 hit; W4 miss, victim 2 (clean, LRU); R2 miss, victim 0 (dirty:
// write-back 1); R1 miss (set 1); W1 hit, dirty; W3 miss; R5 miss, victim 1 (dirty: write-back 2); R4 hit;
// R0 miss, victim 2 (clean). Loads: R0 R2 R0 R2 R1 R5 R4 R0 = 8, misses R0 R2 R2 R1 R5 R0 = 6, hits 2.
// Stores: W0 W4 W1 W3 = 4, hits W0 W1 = 2, misses 2. Fills 8. Left dirty: 4 and 3.
TEST(Trace, CountsEqualThoseDerivedByHand) {
    Machine m(one_level(2, 2));
    const struct {
        char kind;
        uint64_t line;
    } trace[] = {{'R', 0}, {'W', 0}, {'R', 2}, {'R', 0}, {'W', 4}, {'R', 2},
                 {'R', 1}, {'W', 1}, {'W', 3}, {'R', 5}, {'R', 4}, {'R', 0}};
    for (const auto &access : trace)
        access.kind == 'R' ? void(m.load(0, line(access.line))) : m.store(0, line(access.line), 1);
    ns_cache_stats stats = m.stats(0);
    EXPECT_EQ(stats.load_hits, 2u);
    EXPECT_EQ(stats.load_misses, 6u);
    EXPECT_EQ(stats.store_hits, 2u);
    EXPECT_EQ(stats.store_misses, 2u);
    EXPECT_EQ(stats.fills, 8u);
    EXPECT_EQ(stats.write_backs, 2u);
    EXPECT_EQ(stats.evictions, 4u); // 8 fills, 4 lines left
    EXPECT_EQ(m.count(Event::Drop), 2u);
    EXPECT_EQ(m.state(0, 0, line(4)), NS_LINE_DIRTY);
    EXPECT_EQ(m.state(0, 0, line(3)), NS_LINE_DIRTY);
    EXPECT_EQ(m.state(0, 0, line(5)), NS_LINE_CLEAN);
    EXPECT_EQ(m.state(0, 0, line(0)), NS_LINE_CLEAN);
}

// L2 below the same L1 sees the demand read first, then the victim's write-back: 8 reads, 2 writes. L2 (4 sets x 2
// ways) misses at the first touch of lines 0 2 4 1 3 5, keeps 0 and 4 in set 0, 1 and 5 in set 1: 6 misses, and both
// write-backs hit. Nothing reaches memory.
TEST(Trace, TheSecondLevelSeesFillsAndWriteBacks) {
    Machine m(two_levels(NS_INCLUSION_NEITHER));
    for (auto [kind, n] : std::initializer_list<std::pair<char, uint64_t>>{{'R', 0},
                                                                           {'W', 0},
                                                                           {'R', 2},
                                                                           {'R', 0},
                                                                           {'W', 4},
                                                                           {'R', 2},
                                                                           {'R', 1},
                                                                           {'W', 1},
                                                                           {'W', 3},
                                                                           {'R', 5},
                                                                           {'R', 4},
                                                                           {'R', 0}})
        kind == 'R' ? void(m.load(0, line(n))) : m.store(0, line(n), 1);
    ns_cache_stats stats = m.stats(1);
    EXPECT_EQ(stats.load_hits + stats.load_misses, 8u);
    EXPECT_EQ(stats.load_misses, 6u);
    EXPECT_EQ(stats.store_hits, 2u);
    EXPECT_EQ(stats.store_misses, 0u);
    EXPECT_EQ(stats.evictions, 0u);
    EXPECT_EQ(m.count(Event::Write), 0u);
}

TEST(ForEach, VisitsEveryLineLevelByLevelAndStopsWhenTold) {
    ns_cache_config config = two_levels(NS_INCLUSION_NEITHER);
    config.harts = 2;
    Machine m(config);
    m.load(0, line(0));
    m.load(1, line(1));
    std::vector<std::pair<unsigned, unsigned>> seen;
    auto all = [](void *context, unsigned level, unsigned hart, const ns_cache_copy *) {
        static_cast<decltype(seen) *>(context)->push_back({level, hart});
        return true;
    };
    ns_cache_for_each(m.cache.get(), all, &seen);
    EXPECT_EQ(seen, (std::vector<std::pair<unsigned, unsigned>>{{0, 0}, {0, 1}, {1, 0}, {1, 0}}));
    int visits = 0;
    auto first = [](void *context, unsigned, unsigned, const ns_cache_copy *) {
        ++*static_cast<int *>(context);
        return false;
    };
    ns_cache_for_each(m.cache.get(), first, &visits);
    EXPECT_EQ(visits, 1);
}

// An L1 of two sets, and an L2 with 16 pages in each of 2 ways.
ns_cache_config scattered() {
    ns_cache_config config{};
    config.harts = 1;
    config.levels = 2;
    config.level[0] = {128, 1, 64, NS_REPLACE_LRU, false, false};
    config.level[1] = {128u << 10, 2, 64, NS_REPLACE_LRU, false, false};
    config.scattered_frames = true;
    return config;
}

TEST(ScatteredFrames, ALineKeepsItsPlaceInItsPage) {
    const ns_cache_config config = scattered();
    for (uint64_t page = 0; page < 1000; page++) {
        const uint32_t first = ns_cache_set(&config, 1, page * 4096);
        EXPECT_EQ(first % 64, 0u);
        for (uint32_t line = 0; line < 64; line++)
            ASSERT_EQ(ns_cache_set(&config, 1, page * 4096 + line * 64 + 63), first + line);
    }
}

TEST(ScatteredFrames, PagesOneBehindTheOtherLieInFramesByChance) {
    // Of 4096 pages each of 16 places gets 256, with a deviation of 15.5; and 1 of 16 lies behind its predecessor, also
    // 256. Five deviations are allowed.
    const ns_cache_config config = scattered();
    unsigned count[16] = {}, behind = 0;
    for (uint64_t page = 0; page < 4096; page++) {
        const uint32_t place = ns_cache_set(&config, 1, 0x80000000 + page * 4096) / 64;
        count[place]++;
        behind += ns_cache_set(&config, 1, 0x80000000 + (page + 1) * 4096) / 64 == (place + 1) % 16;
    }
    for (const unsigned one : count)
        EXPECT_NEAR(one, 256, 78);
    EXPECT_NEAR(behind, 256, 78);
}

TEST(ScatteredFrames, WithoutThemASetFollowsTheOther) {
    ns_cache_config config = scattered();
    config.scattered_frames = false;
    for (uint64_t line = 0; line < 5000; line++)
        ASSERT_EQ(ns_cache_set(&config, 1, line * 64), line % 1024);
}

TEST(ScatteredFrames, AnL1KeepsItsSets) {
    ns_cache_config config = scattered();
    config.level[0].size = 64u << 10;
    for (uint64_t line = 0; line < 5000; line++)
        ASSERT_EQ(ns_cache_set(&config, 0, line * 64), line % 1024);
}

TEST(ScatteredFrames, TheCacheUsesTheSetsThatItTells) {
    const ns_cache_config config = scattered();
    Machine machine(config, 1u << 20);
    const auto set = [&](uint64_t page) { return ns_cache_set(&config, 1, Machine::kBase + page * 4096); };
    std::vector<uint64_t> same; // pages whose first lines share a set
    for (uint64_t page = 0; page < 256; page++)
        if (set(page) == set(0))
            same.push_back(page * 4096);
    ASSERT_GE(same.size(), 3u);
    for (unsigned i = 0; i < 3; i++)
        machine.store(0, same[i], static_cast<uint8_t>(i + 1));
    EXPECT_EQ(machine.state(1, 0, same[0]), NS_LINE_INVALID) << "two ways, and the third line of the set";
    EXPECT_NE(machine.state(1, 0, same[1]), NS_LINE_INVALID);
    EXPECT_NE(machine.state(1, 0, same[2]), NS_LINE_INVALID);
    for (unsigned i = 0; i < 3; i++)
        EXPECT_EQ(machine.load(0, same[i]), i + 1);
}

} // namespace
