// SPDX-License-Identifier: Apache-2.0
// Each of the 26 checks: a driver that makes it fire, and its repaired twin that makes none fire.
#include "tests/pool/dma_debug_bench.h"

#include <tuple>

namespace {

using namespace fake;

const ns_debug_area kAreas[] = {
    {linear(0x5000), 0x2000, NS_DEBUG_AREA_STACK},          {linear(0x10000), 0x4000, NS_DEBUG_AREA_TEXT},
    {0xffff'ffff'8000'0000, 0x1000, NS_DEBUG_AREA_INVALID}, {kRemaps, 0x10'0000, NS_DEBUG_AREA_VMALLOC},
    {linear(0x20000), 0x1000, NS_DEBUG_AREA_RESERVED},
};

struct Row {
    unsigned check;
    const char *name;
    Checks in_5_10; /* what the wrong driver is told */
    Checks in_7;
    void (*driver)(DebugBench &bench, bool wrong);
};

std::ostream &operator<<(std::ostream &out, const Row &row) {
    return out << row.check << " " << row.name;
}

const Row kRows[] = {
    {1,
     "FreeOfTheErrorValue",
     {1},
     {1},
     [](DebugBench &bench, bool wrong) {
         if (wrong) /* the map failed, and was unmapped all the same */
             bench.unmap(NS_DMA_MAPPING_ERROR, 0x100, kTo);
     }},
    {2,
     "DoubleUnmap",
     {2},
     {2},
     [](DebugBench &bench, bool wrong) {
         bench.map(0x4000, 0x100, kTo);
         bench.unmap(0x4000, 0x100, kTo);
         if (!wrong)
             bench.map(0x4000, 0x100, kTo);
         bench.unmap(0x4000, 0x100, kTo);
     }},
    {2,
     "UnmapBehindTheStart",
     {2},
     {2},
     [](DebugBench &bench, bool wrong) {
         bench.map(0x4000, 0x100, kTo);
         bench.unmap(wrong ? 0x4040 : 0x4000, 0x100, kTo);
     }},
    {3,
     "FreeWithAnotherSize",
     {3},
     {3},
     [](DebugBench &bench, bool wrong) {
         bench.map(0x4000, 0x100, kFrom);
         bench.unmap(0x4000, wrong ? 0x80 : 0x100, kFrom);
     }},
    {4,
     "UnmapOfCoherentMemory",
     {4},
     {4},
     [](DebugBench &bench, bool wrong) {
         bench.alloc(0x4000, 0x1000);
         if (wrong)
             bench.unmap(0x4000, 0x1000, kBoth);
         else
             bench.free(0x4000, 0x1000);
     }},
    {4,
     "UnmapSingleOfAList",
     {4},
     {4},
     [](DebugBench &bench, bool wrong) {
         bench.map_sg({segment(0x4000, 0x100)}, kTo);
         if (wrong)
             bench.unmap(0x4000, 0x100, kTo);
         else
             bench.unmap_sg({segment(0x4000, 0x100)}, 1, kTo);
     }},
    /* 7.x: dma_map_resource is dma_map_phys with an attribute, which is what differs then. */
    {4,
     "UnmapPageOfAResource",
     {4},
     {9},
     [](DebugBench &bench, bool wrong) {
         ns_debug_dma_map_resource(bench.debug(), &bench.nic, kMmio, 0x100, kTo, kMmio, 0);
         ns_debug_dma_mapping_error(bench.debug(), &bench.nic, kMmio);
         if (wrong)
             bench.unmap(kMmio, 0x100, kTo);
         else
             ns_debug_dma_unmap_resource(bench.debug(), &bench.nic, kMmio, 0x100, kTo, 0);
     }},
    {5,
     "FreeWithAnotherCpuAddress",
     {5},
     {5},
     [](DebugBench &bench, bool wrong) {
         bench.alloc(0x4000, 0x1000);
         ns_debug_dma_free_coherent(bench.debug(), &bench.nic, 0x1000, linear(wrong ? 0x5000 : 0x4000), 0x4000, 0);
     }},
    {5,
     "FreeOfARemappedAddress",
     {5},
     {5},
     [](DebugBench &bench, bool wrong) {
         bench.port.alias(kRemaps, 0x4000);
         bench.port.alias(kRemaps + 0x1000, 0x5000);
         ns_debug_dma_alloc_coherent(bench.debug(), &bench.nic, 0x1000, 0x4000, kRemaps, 0);
         ns_debug_dma_free_coherent(bench.debug(), &bench.nic, 0x1000, kRemaps + (wrong ? 0x1000 : 0), 0x4000, 0);
     }},
    /* 5.10 keeps pages as a single mapping, without a look at the CPU address, but asks for the map error: its twin is
     * in the tests of what it reports by mistake. */
    {5,
     "FreeOfOtherPages",
     {8},
     {5},
     [](DebugBench &bench, bool wrong) {
         ns_debug_dma_alloc_pages(bench.debug(), &bench.nic, 0x4000, 0x1000, kFrom, 0x4000);
         if (!wrong)
             ns_debug_dma_mapping_error(bench.debug(), &bench.nic, 0x4000);
         ns_debug_dma_free_pages(bench.debug(), &bench.nic, wrong ? 0x5000 : 0x4000, 0x1000, kFrom, 0x4000);
     }},
    {6,
     "UnmapSgWithTheMappedCount",
     {6},
     {6},
     [](DebugBench &bench, bool wrong) {
         /* The classic: two elements were merged into one, and the driver unmaps what the map returned. */
         const DebugBench::List list = {{0x4000, 0x100, 0x4000, 0x200}, {0x4100, 0x100, 0, 0}};
         bench.map_sg(list, 1, kTo);
         bench.unmap_sg(list, wrong ? 1 : 2, kTo);
     }},
    {7,
     "FreeWithAnotherDirection",
     {7},
     {7},
     [](DebugBench &bench, bool wrong) {
         bench.map(0x4000, 0x100, kFrom);
         bench.unmap(0x4000, 0x100, wrong ? kBoth : kFrom);
     }},
    {8,
     "MapErrorNotAskedFor",
     {8},
     {8},
     [](DebugBench &bench, bool wrong) {
         bench.map_unchecked(0x4000, 0x100, kTo);
         if (!wrong)
             ns_debug_dma_mapping_error(bench.debug(), &bench.nic, 0x4000);
         bench.unmap(0x4000, 0x100, kTo);
     }},
    {9,
     "FreeWithOtherAttributes",
     {},
     {9},
     [](DebugBench &bench, bool wrong) {
         bench.map(0x4000, 0x100, kTo, NS_DMA_PRIVILEGED);
         bench.unmap(0x4000, 0x100, kTo, wrong ? 0 : NS_DMA_PRIVILEGED);
     }},
    {10,
     "MapOfTheStack",
     {10},
     {10},
     [](DebugBench &bench, bool wrong) { bench.map(wrong ? 0x6fc0 : 0x7000, 0x40, kTo); }},
    {10,
     "MapOfTheStackInAList",
     {10},
     {10},
     [](DebugBench &bench, bool wrong) {
         bench.map_sg({segment(0x4000, 0x40), segment(wrong ? 0x5000 : 0x7000, 0x40)}, kTo);
     }},
    {11,
     "MapOfKernelText",
     {11},
     {11},
     [](DebugBench &bench, bool wrong) { bench.map(0xff80, wrong ? 0x81 : 0x80, kTo); }},
    {11,
     "MapOfKernelTextInAList",
     {11},
     {11},
     [](DebugBench &bench, bool wrong) { bench.map_sg({segment(wrong ? 0x13fff : 0x14000, 0x40)}, kTo); }},
    {12,
     "MapOfAnInvalidAddress",
     {12},
     {12},
     [](DebugBench &bench, bool wrong) {
         ns_debug_dma_map_single(bench.debug(), &bench.nic, wrong ? 0xffff'ffff'8000'0800 : linear(0x4000), 0x40);
     }},
    {13,
     "MapOfAVmallocAddress",
     {12, 13},
     {12, 13},
     [](DebugBench &bench, bool wrong) {
         ns_debug_dma_map_single(bench.debug(), &bench.nic, wrong ? kRemaps + 0x800 : linear(0x4000), 0x40);
     }},
    {14,
     "SyncOfUnmappedMemory",
     {14},
     {14},
     [](DebugBench &bench, bool wrong) {
         bench.map(0x4000, 0x100, kFrom);
         bench.sync_for_cpu(wrong ? 0x4100 : 0x40f0, 0x10, kFrom);
     }},
    {14,
     "SyncBeyondTheEnd",
     {14},
     {14},
     [](DebugBench &bench, bool wrong) {
         bench.map(0x4000, 0x100, kFrom);
         bench.sync_for_cpu(0x4080, wrong ? 0x81 : 0x80, kFrom);
     }},
    {15,
     "SyncWithALengthBelowZero",
     {15},
     {15},
     [](DebugBench &bench, bool wrong) {
         bench.map(0x4000, 0x100, kFrom);
         const uint64_t received = wrong ? 0x20 : 0x60, header = 0x40;
         bench.sync_for_cpu(0x4000 + header, received - header, kFrom);
     }},
    {16,
     "SyncWithAnotherDirection",
     {16},
     {16},
     [](DebugBench &bench, bool wrong) {
         bench.map(0x4000, 0x100, kTo);
         bench.sync_for_device(0x4000, 0x100, wrong ? kBoth : kTo);
     }},
    {17,
     "SyncForCpuOfWhatTheDeviceReads",
     {16, 17},
     {16, 17},
     [](DebugBench &bench, bool wrong) {
         bench.map(0x4000, 0x100, kTo);
         bench.sync_for_cpu(0x4000, 0x100, wrong ? kFrom : kTo);
     }},
    {18,
     "SyncForDeviceOfWhatTheDeviceWrites",
     {16, 18},
     {16, 18},
     [](DebugBench &bench, bool wrong) {
         bench.map(0x4000, 0x100, kFrom);
         bench.sync_for_device(0x4000, 0x100, wrong ? kTo : kFrom);
     }},
    {19,
     "SyncSgWithAnotherCount",
     {19},
     {19},
     [](DebugBench &bench, bool wrong) {
         const std::vector<ns_debug_segment> list = {segment(0x4000, 0x100), segment(0x8000, 0x100)};
         bench.map_sg(list, kFrom);
         bench.sync_sg_for_cpu(list, wrong ? 1 : 2, kFrom);
         bench.sync_sg_for_device(list, 2, kFrom);
     }},
    {20,
     "SegmentLongerThanTheDeviceTakes",
     {20},
     {20},
     [](DebugBench &bench, bool wrong) {
         bench.nic.max_segment_size = 0x1000;
         bench.map_sg({segment(0x14000, wrong ? 0x1001 : 0x1000)}, kTo);
     }},
    {20,
     "SegmentLongerThanTheDefault",
     {20},
     {20},
     [](DebugBench &bench, bool wrong) { bench.map_sg({segment(0x20000, wrong ? 0x10001 : 0x10000)}, kTo); }},
    {21,
     "SegmentAcrossTheBoundary",
     {21},
     {21},
     [](DebugBench &bench, bool wrong) {
         bench.nic.segment_boundary = 0xffff;
         bench.map_sg({segment(0x2ff80, wrong ? 0x81 : 0x80)}, kTo);
     }},
    {22,
     "MappedWhenTheDriverIsReleased",
     {22},
     {22},
     [](DebugBench &bench, bool wrong) {
         bench.map(0x4000, 0x100, kTo);
         if (!wrong)
             bench.unmap(0x4000, 0x100, kTo);
         ns_debug_dma_driver_released(bench.debug(), &bench.nic);
     }},
    /* One mapping and seven overlaps fit. SKIP_CPU_SYNC keeps 7.x from calling each overlap check 24. */
    {23,
     "NineMappingsOfOneLine",
     {23},
     {23},
     [](DebugBench &bench, bool wrong) {
         for (int i = 0; i < (wrong ? 10 : 8); i++) /* the tenth is not told again */
             bench.map(0x4000, 0x40, kFrom, NS_DMA_SKIP_CPU_SYNC);
     }},
    {24,
     "TwoMappingsBeginInOneLine",
     {},
     {24},
     [](DebugBench &bench, bool wrong) {
         bench.map(0x4000, 0x20, kFrom);
         bench.map(wrong ? 0x4020 : 0x4040, 0x20, kBoth);
     }},
    {24,
     "AStreamingMappingOfCoherentMemory",
     {},
     {24},
     [](DebugBench &bench, bool wrong) {
         bench.alloc(0x4000, 0x1000);
         bench.map(wrong ? 0x4000 : 0x5000 + 0x2000, 0x20, kFrom);
     }},
    {25,
     "MoreMappingsThanEntries",
     {25},
     {25},
     [](DebugBench &bench, bool wrong) {
         bench.config.entries = 2;
         bench.map(0x4000, 0x40, kTo);
         bench.map(0x8000, 0x40, kTo);
         if (!wrong)
             bench.unmap(0x4000, 0x40, kTo);
         bench.map(0xc000, 0x40, kTo);
     }},
    {25,
     "MoreMappingsThanTrackedLines",
     {25},
     {25},
     [](DebugBench &bench, bool wrong) {
         bench.config.cachelines = 1;
         bench.map(0x4000, 0x40, kFrom);
         bench.map(0x8000, 0x40, wrong ? kFrom : kTo);
     }},
    {26,
     "ResourceThatIsRam",
     {},
     {26},
     [](DebugBench &bench, bool wrong) {
         const uint64_t address = wrong ? 0x4000 : kMmio;
         ns_debug_dma_map_resource(bench.debug(), &bench.nic, address, 0x40, kTo, address, 0);
     }},
    {26,
     "ResourceThatIsReservedRam",
     {},
     {26},
     [](DebugBench &bench, bool wrong) {
         const uint64_t address = wrong ? 0x1f000 : 0x20000;
         ns_debug_dma_map_resource(bench.debug(), &bench.nic, address, 0x40, kTo, address, 0);
     }},
};

class DmaDebugCheck : public testing::TestWithParam<std::tuple<Row, ns_dma_debug_version>> {};

TEST_P(DmaDebugCheck, Fires) {
    const auto &[row, version] = GetParam();
    DebugBench bench(version);
    bench.config.areas = kAreas;
    bench.config.area_count = std::size(kAreas);
    row.driver(bench, true);
    EXPECT_EQ(bench.shown(), version == NS_DMA_DEBUG_5_10 ? row.in_5_10 : row.in_7);
}

TEST_P(DmaDebugCheck, IsSilentForTheRepairedDriver) {
    const auto &[row, version] = GetParam();
    DebugBench bench(version);
    bench.config.areas = kAreas;
    bench.config.area_count = std::size(kAreas);
    row.driver(bench, false);
    EXPECT_EQ(bench.shown(), Checks());
    EXPECT_EQ(ns_dma_debug_get_counters(bench.debug()).error_count, 0u);
}

INSTANTIATE_TEST_SUITE_P(All, DmaDebugCheck,
                         testing::Combine(testing::ValuesIn(kRows), testing::Values(NS_DMA_DEBUG_5_10, NS_DMA_DEBUG_7)),
                         [](const testing::TestParamInfo<DmaDebugCheck::ParamType> &row_info) {
                             const Row &row = std::get<0>(row_info.param);
                             return "Check" + std::to_string(row.check) + row.name +
                                    name_of(std::get<1>(row_info.param));
                         });

TEST(DmaDebug, EveryCheckHasADriverThatMakesItFire) {
    for (unsigned check = 1; check <= NS_DMA_DEBUG_CHECKS; check++) {
        bool found = false;
        for (const Row &row : kRows)
            found = found || (row.check == check && !row.in_7.empty() && row.in_7.back() == check);
        EXPECT_TRUE(found) << check;
    }
}

} // namespace
