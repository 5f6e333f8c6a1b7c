// SPDX-License-Identifier: Apache-2.0
// What DMA-API debugging compares, beyond one test for each check: several errors at once, tables of directions and
// attributes, exceptions, and which of several entries is meant.
#include "tests/pool/dma_debug_bench.h"

namespace {

using namespace fake;

/* ---- one call, several errors ---------------------------------------------------------------- */

TEST(DmaDebug, EveryThingThatIsWrongWithAnUnmapIsToldInOrder) {
    for (const ns_dma_debug_version version : {NS_DMA_DEBUG_5_10, NS_DMA_DEBUG_7}) {
        DebugBench bench(version);
        bench.map_unchecked(0x4000, 0x100, kFrom);
        bench.unmap_sg({segment(0x4000, 0x80)}, 1, kTo, NS_DMA_MMIO);
        EXPECT_EQ(bench.shown(), version == NS_DMA_DEBUG_5_10 ? Checks({3, 4, 6, 7, 8}) : Checks({3, 4, 6, 7, 8, 9}));
        EXPECT_EQ(bench.live(), 0u) << "the mapping is over all the same";
    }
}

TEST(DmaDebug, AttributesThatMayDifferAtUnmap) {
    const struct {
        unsigned attribute;
        bool must_agree;
    } rows[] = {
        {NS_DMA_NO_KERNEL_MAPPING, true},  {NS_DMA_FORCE_CONTIGUOUS, true}, {NS_DMA_MMIO, true},
        {NS_DMA_REQUIRE_COHERENT, true},   {NS_DMA_PRIVILEGED, true},       {NS_DMA_CC_SHARED, true},
        {NS_DMA_SKIP_CPU_SYNC, false},     {NS_DMA_NO_WARN, false},         {NS_DMA_WRITE_COMBINE, false},
        {NS_DMA_IGNORE_CACHELINES, false},
    };
    for (const auto &row : rows) {
        SCOPED_TRACE(row.attribute);
        DebugBench bench(NS_DMA_DEBUG_7);
        bench.map(0x4000, 0x40, kTo);
        bench.unmap(0x4000, 0x40, kTo, row.attribute);
        EXPECT_EQ(bench.shown(), row.must_agree ? Checks({9}) : Checks());
    }
}

TEST(DmaDebug, DirectionsOfASyncAgainstThoseOfTheMap) {
    const struct {
        ns_dma_direction mapped, synced;
        Checks for_cpu, for_device;
    } rows[] = {
        {kBoth, kBoth, {}, {}},         {kBoth, kTo, {}, {}},         {kBoth, kFrom, {}, {}},
        {kTo, kBoth, {16, 17}, {16}},   {kTo, kTo, {}, {}},           {kTo, kFrom, {16, 17}, {16}},
        {kFrom, kBoth, {16}, {16, 18}}, {kFrom, kTo, {16}, {16, 18}}, {kFrom, kFrom, {}, {}},
    };
    for (const auto &row : rows) {
        SCOPED_TRACE(testing::Message() << "mapped " << row.mapped << ", synced " << row.synced);
        DebugBench bench(NS_DMA_DEBUG_7);
        bench.map(0x4000, 0x40, row.mapped);
        bench.sync_for_cpu(0x4000, 0x40, row.synced);
        EXPECT_EQ(bench.shown(), row.for_cpu);
        bench.sync_for_device(0x4000, 0x40, row.synced);
        EXPECT_EQ(bench.shown(), row.for_device);
    }
}

TEST(DmaDebug, SegmentChecksNeedTheirSwitchIn5_10Only) {
    for (const ns_dma_debug_version version : {NS_DMA_DEBUG_5_10, NS_DMA_DEBUG_7}) {
        DebugBench bench(version);
        bench.config.segments = false;
        bench.nic.max_segment_size = 0x40;
        bench.nic.segment_boundary = 0xfff;
        bench.map_sg({segment(0x4fc0, 0x80)}, kTo);
        EXPECT_EQ(bench.shown(), version == NS_DMA_DEBUG_5_10 ? Checks() : Checks({20, 21}));
    }
}

TEST(DmaDebug, ARemappedStackIsFoundPageByPage) {
    DebugBench bench(NS_DMA_DEBUG_5_10);
    bench.port.alias(kRemaps, 0x30000);
    bench.port.alias(kRemaps + 0x1000, 0x34000);
    const ns_debug_area stack = {kRemaps, 0x2000, NS_DEBUG_AREA_STACK};
    ASSERT_EQ(ns_dma_debug_set_areas(bench.debug(), &stack, 1), NS_POOL_OK);
    bench.map(0x34800, 0x40, kTo);
    EXPECT_EQ(bench.shown(), Checks({10}));
    bench.map(0x31000, 0x40, kTo);
    EXPECT_EQ(bench.shown(), Checks());
    ASSERT_EQ(ns_dma_debug_set_areas(bench.debug(), nullptr, 0), NS_POOL_OK);
    bench.map(0x30800, 0x40, kTo);
    EXPECT_EQ(bench.shown(), Checks());
}

/* object_is_on_stack is about bytes: what shares a page with a linear stack is no stack. */
TEST(DmaDebug, ALinearStackHasItsExactLength) {
    DebugBench bench(NS_DMA_DEBUG_7);
    const ns_debug_area stack = {linear(0x5800), 0x400, NS_DEBUG_AREA_STACK};
    ASSERT_EQ(ns_dma_debug_set_areas(bench.debug(), &stack, 1), NS_POOL_OK);
    bench.map(0x57c0, 0x40, kTo);
    bench.map(0x5c00, 0x40, kTo);
    EXPECT_EQ(bench.shown(), Checks());
    bench.map(0x5bff, 0x1, kTo);
    EXPECT_EQ(bench.shown(), Checks({10}));
}

/* Three elements, merged to one: 5.10 looks at the merged length of the first, 7.x at all three as they were given. */
TEST(DmaDebug, MergedElementsAreLookedAtByVersion) {
    const ns_debug_area text = {linear(0x4180), 0x40, NS_DEBUG_AREA_TEXT};
    const ns_debug_area elsewhere = {linear(0x9000), 0x40, NS_DEBUG_AREA_TEXT};
    const DebugBench::List list = {{0x4000, 0x100, 0x4000, 0x300}, {0x4100, 0x80, 0, 0}, {0x9000, 0x40, 0, 0}};
    for (const ns_dma_debug_version version : {NS_DMA_DEBUG_5_10, NS_DMA_DEBUG_7}) {
        DebugBench bench(version);
        ASSERT_EQ(ns_dma_debug_set_areas(bench.debug(), &text, 1), NS_POOL_OK);
        bench.map_sg(list, 1, kTo);
        EXPECT_EQ(bench.shown(), version == NS_DMA_DEBUG_5_10 ? Checks({11}) : Checks());
        ASSERT_EQ(ns_dma_debug_set_areas(bench.debug(), &elsewhere, 1), NS_POOL_OK);
        bench.map_sg(list, 1, kTo);
        EXPECT_EQ(bench.shown(), version == NS_DMA_DEBUG_5_10 ? Checks() : Checks({11}));
    }
}

TEST(DmaDebug, TheOverlapOf7LooksAwayWhereItMust) {
    const struct {
        const char *why;
        unsigned first, second;
        uint32_t cache_alignment;
        bool bounces;
        bool told;
    } rows[] = {
        {"nothing special", 0, 0, 0, false, true},
        {"the second skips its sync", 0, NS_DMA_SKIP_CPU_SYNC, 0, false, false},
        {"the first skips its sync", NS_DMA_SKIP_CPU_SYNC, 0, 0, false, true},
        {"both are cache-clean", NS_DMA_IGNORE_CACHELINES, NS_DMA_IGNORE_CACHELINES, 0, false, false},
        {"both in one way or the other", NS_DMA_IGNORE_CACHELINES, NS_DMA_REQUIRE_COHERENT, 0, false, false},
        {"only the first", NS_DMA_REQUIRE_COHERENT, 0, 0, false, true},
        {"only the second", 0, NS_DMA_REQUIRE_COHERENT, 0, false, true},
        {"all hardware is coherent", 0, 0, 1, false, false},
        {"alignment larger than a line", 0, 0, 128, false, true},
        {"small kmalloc memory is bounced", 0, 0, 0, true, false},
    };
    for (const auto &row : rows) {
        SCOPED_TRACE(row.why);
        DebugBench bench(NS_DMA_DEBUG_7);
        bench.config.cache_alignment = row.cache_alignment;
        bench.config.bounces_kmalloc = row.bounces;
        bench.map(0x4000, 0x20, kFrom, row.first);
        bench.map(0x4020, 0x20, kFrom, row.second);
        EXPECT_EQ(bench.shown(), row.told ? Checks({24}) : Checks());
    }
}

TEST(DmaDebug, NineCacheCleanMappingsAreFineIn7) {
    DebugBench bench(NS_DMA_DEBUG_7);
    for (int i = 0; i < 9; i++)
        bench.map(0x4000, 0x40, kFrom, NS_DMA_IGNORE_CACHELINES);
    EXPECT_EQ(bench.shown(), Checks());
    bench.map(0x4000, 0x40, kFrom);
    EXPECT_EQ(bench.shown(), Checks({23, 24}));
}

TEST(DmaDebug, AToDeviceMappingLeavesTheLineOfAnotherAlone) {
    DebugBench bench(NS_DMA_DEBUG_7);
    bench.map(0x4000, 0x40, kFrom);
    bench.map(0x4000, 0x40, kTo);
    bench.unmap(0x4000, 0x40, kTo);
    bench.map(0x4000, 0x40, kBoth);
    EXPECT_EQ(bench.shown(), Checks({24}));
}

/* ---- which entry is meant -------------------------------------------------------------------- */

TEST(DmaDebug, ListsThatBeginAlikeAreToldApartByTheirEntryCounts) {
    DebugBench bench(NS_DMA_DEBUG_5_10);
    const std::vector<ns_debug_segment> shorter = {segment(0x4000, 0x100)};
    const std::vector<ns_debug_segment> longer = {segment(0x4000, 0x100), segment(0x8000, 0x100)};
    bench.map_sg(shorter, kTo);
    bench.map_sg(longer, kTo);
    bench.unmap_sg(longer, 2, kTo);
    bench.unmap_sg(shorter, 1, kTo);
    EXPECT_EQ(bench.shown(), Checks());
    EXPECT_EQ(bench.live(), 0u);
}

/* Two mappings contain what is synced. The search begins with the bucket of the address and takes the first that it
 * comes to, so the inner one; had both begun in one bucket of 8 KiB, it would have taken none. */
TEST(DmaDebug, ASyncMeansTheMappingThatBeginsNearest) {
    for (const size_t entries : {2, 4, 4096}) { /* with 2 and 4 buckets here the two share one, in the kernel not */
        DebugBench bench(NS_DMA_DEBUG_7);
        bench.config.entries = entries;
        bench.map(0x10000, 0x10000, kTo);
        bench.map(0x18000, 0x100, kFrom);
        bench.sync_for_cpu(0x18040, 0x40, kFrom);
        EXPECT_EQ(bench.shown(), Checks());
        bench.sync_for_cpu(0x18100, 0x40, kTo); /* behind the inner one: the outer one */
        EXPECT_EQ(bench.shown(), Checks());
    }
    DebugBench bench(NS_DMA_DEBUG_7);
    bench.map(0x10000, 0x10000, kTo);
    bench.map(0x11fc0, 0x100, kFrom);
    bench.sync_for_cpu(0x11fe0, 0x40, kFrom);
    EXPECT_EQ(bench.shown(), Checks({14}));
}

} // namespace
