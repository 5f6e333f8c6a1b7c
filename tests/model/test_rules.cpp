// SPDX-License-Identifier: Apache-2.0
//
// Every decision of rules.h: a row in which a hazard's rule holds, and its twin, which differs in the one fact that the
// rule is about and is something else. What each hazard means: hazard.h and the manual's taxonomy of causes.
#include "model/rules.h"

#include <gtest/gtest.h>

#include <ostream>
#include <set>

namespace {

using Stale = ns_stale_facts;
using Lost = ns_lost_facts;

template <typename Facts> struct Row {
    const char *situation;
    ns_hazard_id expected;
    void (*set)(Facts &);
    const char *difference;
    void (*repair)(Facts &);
    ns_hazard_id otherwise;
};

template <typename Facts> void PrintTo(const Row<Facts> &row, std::ostream *out) {
    *out << row.situation;
}

// A hart missed the newest bytes of a device, which are in memory.
Stale hart_reads_behind_a_device() {
    Stale facts{};
    facts.writer = NS_WRITER_DEVICE;
    facts.newest = NS_IN_MEMORY;
    return facts;
}

// A device missed the newest bytes of a hart, which are in a cache.
Stale device_reads_behind_a_hart() {
    Stale facts{};
    facts.reader_is_device = true;
    facts.writer = NS_WRITER_HART;
    facts.newest = NS_IN_CACHE;
    return facts;
}

const char *name_of(ns_hazard_id id) {
    return id == NS_HAZARD_NONE ? "none" : ns_hazard_text(id)->id;
}

#define SET(...) [](auto &f) { __VA_ARGS__; }

const Row<Stale> hart_rows[] = {
    {"no invalidate since the hand-over at all", NS_DC_INVAL_MISSING, SET((void)f), "one at the hand-over",
     SET(f.maintenance.before_at_hand_over = true), NS_DC_REFETCH},
    {"invalidated at the hand-over only, and filled again", NS_DC_REFETCH,
     SET(f.maintenance.before_at_hand_over = true), "the invalidate came before completion, where it belonged after it",
     SET(f.maintenance.before_too_early = true), NS_DC_EARLY_SYNC},
    {"the invalidate that belongs after completion came before it", NS_DC_EARLY_SYNC,
     SET(f.maintenance.before_too_early = true), "no such invalidate", SET(f.maintenance.before_too_early = false),
     NS_DC_INVAL_MISSING},
    {"the invalidate reached L1 only", NS_DC_WRONG_SCOPE,
     SET(f.maintenance.after_covers = f.maintenance.after_some_levels = true), "it did not come at all",
     SET(f.maintenance.after_covers = f.maintenance.after_some_levels = false), NS_DC_INVAL_MISSING},
    {"the edge policy skipped the line", NS_LS_ALIGN, SET(f.maintenance.after_named_skipped = true),
     "rounding left it out", SET(f.maintenance.after_named_skipped = false; f.maintenance.after_named_rounded = true),
     NS_DC_WRONG_RANGE},
    {"rounding inwards left the line out", NS_DC_WRONG_RANGE, SET(f.maintenance.after_named_rounded = true),
     "nothing was rounded", SET(f.maintenance.after_named_rounded = false), NS_DC_INVAL_MISSING},
    {"the invalidate did not name the byte", NS_DC_WRONG_RANGE, SET(f.maintenance.after_wrong_range = true),
     "nothing was aimed here", SET(f.maintenance.after_wrong_range = false), NS_DC_INVAL_MISSING},
    {"the invalidate was given the bus address", NS_AD_OFFSET, SET(f.maintenance.after_bus_address = true),
     "nothing at the bus address", SET(f.maintenance.after_bus_address = false), NS_DC_INVAL_MISSING},
    {"the invalidate's operand was too narrow for the address", NS_AD_MASK_TRUNC,
     SET(f.maintenance.after_truncated_address = true), "nothing at the truncated address",
     SET(f.maintenance.after_truncated_address = false), NS_DC_INVAL_MISSING},
    {"a clean where an invalidate is required", NS_DC_WRONG_OP, SET(f.maintenance.after_wrong_op = true),
     "no clean either", SET(f.maintenance.after_wrong_op = false), NS_DC_INVAL_MISSING},
    {"mapped to-device, but the device wrote", NS_DC_WRONG_DIR, SET(f.wrong_direction = true), "the right direction",
     SET(f.wrong_direction = false), NS_DC_INVAL_MISSING},
    {"a fill in flight survived the complete invalidate", NS_HW_CMO_ERRATUM,
     SET(f.maintenance.after_covers = f.filled_after_maintenance = true), "the invalidate did not reach every level",
     SET(f.maintenance.after_some_levels = true), NS_DC_WRONG_SCOPE},
    {"declared coherent, does not snoop", NS_AT_COHERENCY_DECL, SET(f.declared_coherent_only = true),
     "declared as it is", SET(f.declared_coherent_only = false), NS_DC_INVAL_MISSING},
    {"a cacheable alias of coherent memory", NS_AT_ALIAS_STALE, SET(f.object_is_coherent = true), "streaming memory",
     SET(f.object_is_coherent = false), NS_DC_INVAL_MISSING},
    {"a cacheable line under a non-cacheable store", NS_AT_ALIAS_STALE,
     SET(f.writer = NS_WRITER_HART; f.writer_non_cacheable = true), "the store went through the caches",
     SET(f.writer_non_cacheable = false), NS_DC_INVAL_MISSING},
    {"a non-cacheable load of bytes that are dirty in a cache", NS_AT_ALIAS_DIRTY,
     SET(f.writer = NS_WRITER_HART; f.newest = NS_IN_CACHE; f.nothing_cached = true),
     "a cacheable load of a non-cacheable store", SET(f.nothing_cached = false; f.writer_non_cacheable = true),
     NS_AT_ALIAS_STALE},
    {"a snooping device wrote into the caches, the hart reads past them", NS_AT_COHERENCY_DECL_REV,
     SET(f.newest = NS_IN_CACHE; f.nothing_cached = f.snoops_undeclared = true), "declared as snooping",
     SET(f.snoops_undeclared = false), NS_AT_ALIAS_DIRTY},
    {"the page table gives a type that was not meant", NS_AT_WRONG_TYPE,
     SET(f.type_mismatch = f.object_is_coherent = true), "the type that was meant", SET(f.type_mismatch = false),
     NS_AT_ALIAS_STALE},

    {"told by an interrupt that overtook the posted data", NS_OR_IRQ_BEFORE_DATA,
     SET(f.newest = NS_IN_POSTED_WRITE; f.told = true), "not told anything", SET(f.told = false), NS_OW_CPU_ACCESS},
    {"reads while the device's data is on its way, unasked", NS_OW_CPU_ACCESS, SET(f.newest = NS_IN_POSTED_WRITE),
     "the data has arrived, a line of the cache is old", SET(f.newest = NS_IN_MEMORY), NS_DC_INVAL_MISSING},
    {"some bytes of one device write have arrived, and nobody said that it was complete", NS_OR_TORN,
     SET(f.newest = NS_IN_POSTED_WRITE; f.torn = true), "an interrupt said so", SET(f.told = true),
     NS_OR_IRQ_BEFORE_DATA},
    {"another hart's store waits in its store buffer", NS_OR_DRAIN,
     SET(f.writer = NS_WRITER_HART; f.newest = NS_IN_STORE_BUFFER), "it has reached memory",
     SET(f.newest = NS_IN_MEMORY), NS_DC_INVAL_MISSING},

    {"an invalidate dropped the hart's own stores", NS_DC_WRONG_OP,
     SET(f.writer = NS_WRITER_HART; f.newest = NS_NOWHERE; f.discarded = true), "the range began in another object",
     SET(f.discarded_from_elsewhere = true), NS_DC_WRONG_RANGE},
    {"an invalidate that ran on from another object dropped them", NS_DC_WRONG_RANGE,
     SET(f.writer = NS_WRITER_HART; f.newest = NS_NOWHERE; f.discarded = f.discarded_from_elsewhere = true),
     "it began here", SET(f.discarded_from_elsewhere = false), NS_DC_WRONG_OP},
    {"mapped from-device, never written, and read", NS_BB_LEAK,
     SET(f.writer = NS_WRITER_HART; f.newest = NS_NOWHERE; f.discarded = f.undefined = true), "not mapped from-device",
     SET(f.undefined = false), NS_DC_WRONG_OP},
    {"an invalidate dropped what a snooping device had written", NS_AT_COHERENCY_DECL_REV,
     SET(f.newest = NS_NOWHERE; f.discarded = f.snoops_undeclared = true), "declared as snooping",
     SET(f.snoops_undeclared = false), NS_DC_WRONG_OP},
};

const Row<Stale> device_rows[] = {
    {"no clean between the store and the device's read", NS_DC_CLEAN_MISSING, SET((void)f), "one before the last store",
     SET(f.maintenance.before_too_early = true), NS_DC_EARLY_SYNC},
    {"the clean came before the last store", NS_DC_EARLY_SYNC, SET(f.maintenance.before_too_early = true),
     "no clean at all", SET(f.maintenance.before_too_early = false), NS_DC_CLEAN_MISSING},
    {"the clean at the hand-over came before the last store", NS_DC_EARLY_SYNC,
     SET(f.maintenance.before_at_hand_over = true), "no clean at all", SET(f.maintenance.before_at_hand_over = false),
     NS_DC_CLEAN_MISSING},
    {"the clean stopped at L2", NS_DC_WRONG_SCOPE,
     SET(f.maintenance.after_covers = f.maintenance.after_some_levels = true), "it did not come at all",
     SET(f.maintenance.after_covers = f.maintenance.after_some_levels = false), NS_DC_CLEAN_MISSING},
    {"the edge policy skipped the line", NS_LS_ALIGN, SET(f.maintenance.after_named_skipped = true),
     "nothing was skipped", SET(f.maintenance.after_named_skipped = false), NS_DC_CLEAN_MISSING},
    {"rounding inwards left the line out", NS_DC_WRONG_RANGE, SET(f.maintenance.after_named_rounded = true),
     "nothing was rounded", SET(f.maintenance.after_named_rounded = false), NS_DC_CLEAN_MISSING},
    {"the clean did not name the byte", NS_DC_WRONG_RANGE, SET(f.maintenance.after_wrong_range = true),
     "nothing was aimed here", SET(f.maintenance.after_wrong_range = false), NS_DC_CLEAN_MISSING},
    {"the clean was given the bus address", NS_AD_OFFSET, SET(f.maintenance.after_bus_address = true),
     "nothing at the bus address", SET(f.maintenance.after_bus_address = false), NS_DC_CLEAN_MISSING},
    {"the clean's operand was too narrow for the address", NS_AD_MASK_TRUNC,
     SET(f.maintenance.after_truncated_address = true), "nothing at the truncated address",
     SET(f.maintenance.after_truncated_address = false), NS_DC_CLEAN_MISSING},
    {"a snooping device found an old line of an alias", NS_AT_ALIAS_STALE, SET(f.newest = NS_IN_MEMORY),
     "the newest bytes are in the cache", SET(f.newest = NS_IN_CACHE), NS_DC_CLEAN_MISSING},
    {"an operation of the other family", NS_DC_WRONG_OP, SET(f.maintenance.after_wrong_op = true), "none",
     SET(f.maintenance.after_wrong_op = false), NS_DC_CLEAN_MISSING},
    {"mapped from-device, but the device reads", NS_DC_WRONG_DIR, SET(f.wrong_direction = true), "the right direction",
     SET(f.wrong_direction = false), NS_DC_CLEAN_MISSING},
    {"declared coherent, does not snoop", NS_AT_COHERENCY_DECL, SET(f.declared_coherent_only = true),
     "declared as it is", SET(f.declared_coherent_only = false), NS_DC_CLEAN_MISSING},
    {"dirty through a cacheable alias of coherent memory", NS_AT_ALIAS_DIRTY, SET(f.object_is_coherent = true),
     "streaming memory", SET(f.object_is_coherent = false), NS_DC_CLEAN_MISSING},
    {"the page table made the store cacheable", NS_AT_WRONG_TYPE, SET(f.type_mismatch = f.object_is_coherent = true),
     "the store used another mapping", SET(f.type_mismatch = false), NS_AT_ALIAS_DIRTY},
    {"a complete clean did not reach memory", NS_HW_CMO_ERRATUM, SET(f.maintenance.after_covers = true),
     "there was none", SET(f.maintenance.after_covers = false), NS_DC_CLEAN_MISSING},
    {"a flag was seen before the clean of the rest had come to its end", NS_OR_DESC_PUBLISH,
     SET(f.maintenance.after_covers = f.maintenance.after_under_way = f.told = f.told_by_memory = true),
     "it was complete", SET(f.maintenance.after_under_way = false), NS_HW_CMO_ERRATUM},

    {"the doorbell overtook the store buffer", NS_OR_DRAIN, SET(f.newest = NS_IN_STORE_BUFFER; f.told = true),
     "the store has left the buffer for a cache", SET(f.newest = NS_IN_CACHE), NS_DC_CLEAN_MISSING},
    {"the doorbell overtook an unfinished clean", NS_OR_DRAIN, SET(f.newest = NS_IN_LATE_WRITE_BACK; f.told = true),
     "no clean under way", SET(f.newest = NS_IN_CACHE), NS_DC_CLEAN_MISSING},
    {"the ownership flag was visible before the payload", NS_OR_DESC_PUBLISH,
     SET(f.newest = NS_IN_STORE_BUFFER; f.told = f.told_by_memory = true), "told by the doorbell",
     SET(f.told_by_memory = false), NS_OR_DRAIN},
    {"half of a descriptor is visible", NS_OR_TORN, SET(f.newest = NS_IN_STORE_BUFFER; f.torn = true), "none of it",
     SET(f.torn = false), NS_OR_DRAIN},

    {"an invalidate dropped what the device was to read", NS_DC_WRONG_OP,
     SET(f.newest = NS_NOWHERE; f.discarded = true), "dropped by a map from-device", SET(f.discarded_by_map = true),
     NS_DC_WRONG_DIR},
    {"a map for the wrong direction dropped it", NS_DC_WRONG_DIR,
     SET(f.newest = NS_NOWHERE; f.discarded = f.discarded_by_map = true), "dropped by a bare invalidate",
     SET(f.discarded_by_map = false), NS_DC_WRONG_OP},
    {"an invalidate that ran on from another object dropped it", NS_DC_WRONG_RANGE,
     SET(f.newest = NS_NOWHERE; f.discarded = f.discarded_from_elsewhere = true), "it began here",
     SET(f.discarded_from_elsewhere = false), NS_DC_WRONG_OP},
};

const Row<Lost> lost_rows[] = {
    {"a line dirtied under the device's data was written back over it", NS_DC_EVICT_OVER_DMA,
     SET(f.own_bytes_dirty = true), "only the neighbour was dirty",
     SET(f.own_bytes_dirty = false; f.neighbour_dirty = true), NS_LS_WB_NEIGHBOUR},
    {"a neighbour's dirty line carried old bytes over the buffer", NS_LS_WB_NEIGHBOUR, SET(f.neighbour_dirty = true),
     "the buffer's own bytes were dirty too", SET(f.own_bytes_dirty = true), NS_DC_EVICT_OVER_DMA},
    {"the neighbour is another descriptor", NS_LS_DESC_SHARE, SET(f.neighbour_dirty = f.both_descriptors = true),
     "it is something else", SET(f.both_descriptors = false), NS_LS_WB_NEIGHBOUR},
    {"an invalidate dropped bytes outside of its range", NS_LS_INVAL_NEIGHBOUR, SET(f.by_invalidate = true),
     "both are descriptors", SET(f.both_descriptors = true), NS_LS_DESC_SHARE},
    {"an invalidate of one descriptor dropped another", NS_LS_DESC_SHARE,
     SET(f.by_invalidate = f.both_descriptors = true), "it dropped other data", SET(f.both_descriptors = false),
     NS_LS_INVAL_NEIGHBOUR},
    {"a squashed store left a dirty line", NS_HW_SPEC_DIRTY, SET(f.speculative_dirty = true), "a real store did",
     SET(f.speculative_dirty = false; f.own_bytes_dirty = true), NS_DC_EVICT_OVER_DMA},
    {"mapped to-device, but the device wrote", NS_DC_WRONG_DIR, SET(f.own_bytes_dirty = f.wrong_direction = true),
     "the right direction", SET(f.wrong_direction = false), NS_DC_EVICT_OVER_DMA},
    {"declared coherent, does not snoop", NS_AT_COHERENCY_DECL,
     SET(f.own_bytes_dirty = f.declared_coherent_only = true), "declared as it is",
     SET(f.declared_coherent_only = false), NS_DC_EVICT_OVER_DMA},
    {"dirty through a cacheable alias of coherent memory", NS_AT_ALIAS_DIRTY,
     SET(f.own_bytes_dirty = f.object_is_coherent = true), "streaming memory", SET(f.object_is_coherent = false),
     NS_DC_EVICT_OVER_DMA},
    {"a dirty line was written over a non-cacheable store", NS_AT_ALIAS_DIRTY,
     SET(f.writer = NS_WRITER_HART; f.own_bytes_dirty = f.writer_non_cacheable = true), "over a cacheable one",
     SET(f.writer_non_cacheable = false), NS_DC_EVICT_OVER_DMA},
    {"the store that dirtied it had a type that was not meant", NS_AT_WRONG_TYPE,
     SET(f.own_bytes_dirty = f.object_is_coherent = f.type_mismatch = true), "it used another mapping",
     SET(f.type_mismatch = false), NS_AT_ALIAS_DIRTY},
    {"an older posted write landed after newer bytes, which the hart wrote when told", NS_OR_IRQ_BEFORE_DATA,
     SET(f.writer = NS_WRITER_HART; f.by_device_write = f.told = true), "nobody had told it", SET(f.told = false),
     NS_OW_CPU_ACCESS},
    {"a hart wrote while the device's data was on its way", NS_OW_CPU_ACCESS,
     SET(f.writer = NS_WRITER_HART; f.by_device_write = true), "its own buffered store landed late",
     SET(f.by_device_write = false; f.by_buffered_store = true), NS_OR_DRAIN},
    {"an older buffered store landed after the device's write", NS_OR_DRAIN, SET(f.by_buffered_store = true),
     "a dirty line did", SET(f.by_buffered_store = false; f.own_bytes_dirty = true), NS_DC_EVICT_OVER_DMA},
};

template <typename Facts, typename Decide> void expect_rule(const Row<Facts> &row, Facts facts, Decide decide) {
    row.set(facts);
    EXPECT_STREQ(name_of(decide(&facts)), name_of(row.expected)) << row.situation;
    row.repair(facts);
    EXPECT_STREQ(name_of(decide(&facts)), name_of(row.otherwise)) << row.situation << "; twin: " << row.difference;
    EXPECT_NE(row.expected, row.otherwise) << row.situation << ": the twin must differ";
}

class HartReadsStaleBytes : public ::testing::TestWithParam<Row<Stale>> {};
TEST_P(HartReadsStaleBytes, HaveTheCauseThatTheTaxonomyNames) {
    expect_rule(GetParam(), hart_reads_behind_a_device(), ns_rule_stale);
}
INSTANTIATE_TEST_SUITE_P(Rules, HartReadsStaleBytes, ::testing::ValuesIn(hart_rows));

class DeviceReadsStaleBytes : public ::testing::TestWithParam<Row<Stale>> {};
TEST_P(DeviceReadsStaleBytes, HaveTheCauseThatTheTaxonomyNames) {
    expect_rule(GetParam(), device_reads_behind_a_hart(), ns_rule_stale);
}
INSTANTIATE_TEST_SUITE_P(Rules, DeviceReadsStaleBytes, ::testing::ValuesIn(device_rows));

class LostBytes : public ::testing::TestWithParam<Row<Lost>> {};
TEST_P(LostBytes, HaveTheCauseThatTheTaxonomyNames) {
    Lost facts{};
    facts.writer = NS_WRITER_DEVICE;
    expect_rule(GetParam(), facts, ns_rule_lost);
}
INSTANTIATE_TEST_SUITE_P(Rules, LostBytes, ::testing::ValuesIn(lost_rows));

// Sets the members of an all-bool tail from the bits of a number; every combination has an answer, and a hazard that no
// row above names does not come out.
TEST(Rules, GiveNoHazardThatTheTablesDoNotShow) {
    std::set<int> stale_ids, lost_ids;
    for (const Row<Stale> &row : hart_rows)
        stale_ids.insert(row.expected);
    for (const Row<Stale> &row : device_rows)
        stale_ids.insert(row.expected);
    for (const Row<Lost> &row : lost_rows)
        lost_ids.insert(row.expected);
    uint64_t state = 0x9E3779B97F4A7C15;
    const auto bit = [&state] {
        state = state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        return (state >> 60 & 3) == 0;
    };
    for (int i = 0; i < 200000; i++) {
        Stale facts{};
        facts.reader_is_device = bit();
        facts.writer = static_cast<ns_writer>((state >> 33) % 3);
        facts.newest = static_cast<ns_whereabouts>((state >> 40) % 6);
        for (bool *fact : {&facts.nothing_cached,
                           &facts.writer_non_cacheable,
                           &facts.object_is_coherent,
                           &facts.type_mismatch,
                           &facts.declared_coherent_only,
                           &facts.snoops_undeclared,
                           &facts.discarded,
                           &facts.discarded_by_map,
                           &facts.discarded_from_elsewhere,
                           &facts.undefined,
                           &facts.wrong_direction,
                           &facts.filled_after_maintenance,
                           &facts.told,
                           &facts.told_by_memory,
                           &facts.torn,
                           &facts.maintenance.after_covers,
                           &facts.maintenance.after_under_way,
                           &facts.maintenance.after_some_levels,
                           &facts.maintenance.after_named_skipped,
                           &facts.maintenance.after_named_rounded,
                           &facts.maintenance.after_wrong_range,
                           &facts.maintenance.after_wrong_op,
                           &facts.maintenance.after_bus_address,
                           &facts.maintenance.after_truncated_address,
                           &facts.maintenance.before_at_hand_over,
                           &facts.maintenance.before_too_early})
            *fact = bit();
        ASSERT_EQ(stale_ids.count(ns_rule_stale(&facts)), 1u) << name_of(ns_rule_stale(&facts));
        Lost lost{};
        lost.writer = facts.writer;
        for (bool *fact : {&lost.by_invalidate, &lost.by_device_write, &lost.by_buffered_store, &lost.both_descriptors,
                           &lost.own_bytes_dirty, &lost.neighbour_dirty, &lost.speculative_dirty,
                           &lost.object_is_coherent, &lost.type_mismatch, &lost.writer_non_cacheable,
                           &lost.declared_coherent_only, &lost.wrong_direction, &lost.told})
            *fact = bit();
        ASSERT_EQ(lost_ids.count(ns_rule_lost(&lost)), 1u) << name_of(ns_rule_lost(&lost));
    }
}

} // namespace
