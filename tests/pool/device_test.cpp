/* SPDX-License-Identifier: Apache-2.0 */
#include "pool/device.h"

#include <gtest/gtest.h>

namespace {

constexpr uint64_t kNone = NS_DMA_MAPPING_ERROR;

/* RAM at 2 GiB seen at bus 0, and 256 MiB at 8 GiB seen at bus 3 GiB. */
const ns_bus_range kRanges[] = {{0x8000'0000, 0, 0x4000'0000}, {0x2'0000'0000, 0xC000'0000, 0x1000'0000}};

ns_pool_device device(uint64_t mask, uint64_t limit = 0) {
    ns_pool_device result{};
    result.dma_mask = mask;
    result.coherent_dma_mask = mask;
    result.bus_dma_limit = limit;
    return result;
}

TEST(PoolDevice, WithoutRangesBusAddressesArePhysical) {
    const ns_pool_device plain = device(0xffff'ffff);
    EXPECT_EQ(ns_physical_to_bus(&plain, 0x1'2345'6789), 0x1'2345'6789u);
    EXPECT_EQ(ns_bus_to_physical(&plain, 0x1'2345'6789), 0x1'2345'6789u);
}

TEST(PoolDevice, TranslatesThroughItsRangesAndNowhereElse) {
    ns_pool_device ranged = device(UINT64_MAX);
    ranged.ranges = kRanges;
    ranged.range_count = 2;
    struct {
        uint64_t physical, bus;
    } const both_ways[] = {
        {0x8000'0000, 0},
        {0xBFFF'FFFF, 0x3FFF'FFFF},
        {0x2'0000'0000, 0xC000'0000},
        {0x2'0FFF'FFFF, 0xCFFF'FFFF},
    };
    for (const auto &row : both_ways) {
        EXPECT_EQ(ns_physical_to_bus(&ranged, row.physical), row.bus);
        EXPECT_EQ(ns_bus_to_physical(&ranged, row.bus), row.physical);
    }
    for (uint64_t physical : {UINT64_C(0), UINT64_C(0x7FFF'FFFF), UINT64_C(0xC000'0000), UINT64_C(0x2'1000'0000)})
        EXPECT_EQ(ns_physical_to_bus(&ranged, physical), kNone) << std::hex << physical;
    for (uint64_t bus : {UINT64_C(0x4000'0000), UINT64_C(0xBFFF'FFFF), UINT64_C(0xD000'0000)})
        EXPECT_EQ(ns_bus_to_physical(&ranged, bus), kNone) << std::hex << bus;
}

TEST(PoolDevice, FirstRangeThatHoldsTheAddressDecides) {
    const ns_bus_range overlapping[] = {{0x1000, 0x5000, 0x1000}, {0x0, 0x9000, 0x4000}};
    ns_pool_device ranged = device(UINT64_MAX);
    ranged.ranges = overlapping;
    ranged.range_count = 2;
    EXPECT_EQ(ns_physical_to_bus(&ranged, 0x1800), 0x5800u);
    EXPECT_EQ(ns_physical_to_bus(&ranged, 0x2000), 0xB000u);
}

/* linux-5.10 dma_coherent_ok: bus + size - 1 <= min_not_zero(mask, bus_dma_limit). */
TEST(PoolDevice, CapableTestsTheLastByteAgainstTheSmallerLimit) {
    struct {
        const char *what;
        uint64_t mask, limit, bus, size;
        bool capable;
    } const rows[] = {
        {"last byte on the mask", 0xffff'ffff, 0, 0xffff'f000, 0x1000, true},
        {"one byte over", 0xffff'ffff, 0, 0xffff'f000, 0x1001, false},
        {"start below, end above", 0xff'ffff, 0, 0xff'fff0, 0x20, false},
        {"24 bits, exact end", 0xff'ffff, 0, 0xff'ffff, 1, true},
        {"first byte above", 0xff'ffff, 0, 0x100'0000, 1, false},
        {"bus limit below the mask", 0xffff'ffff, 0x3fff'ffff, 0x4000'0000, 1, false},
        {"exactly at the bus limit", 0xffff'ffff, 0x3fff'ffff, 0x3fff'ffff, 1, true},
        {"bus limit above the mask", 0xffff, 0xf'ffff, 0x1'0000, 1, false},
        {"no mask: the bus limit counts", 0, 0xffff, 0xfff0, 0x10, true},
        {"64 bits, up to the last but one byte", UINT64_MAX, 0, UINT64_MAX - 1, 1, true},
        {"wraps around", UINT64_MAX, 0, UINT64_MAX - 1, 4, false},
        {"no mapping", UINT64_MAX, 0, kNone, 1, false},
        {"nothing", 0xffff'ffff, 0, 0x1000, 0, false},
    };
    for (const auto &row : rows) {
        SCOPED_TRACE(row.what);
        const ns_pool_device tested = device(row.mask, row.limit);
        EXPECT_EQ(ns_dma_capable(&tested, row.bus, row.size), row.capable);
        EXPECT_EQ(ns_dma_coherent_capable(&tested, row.bus, row.size), row.capable);
    }
}

TEST(PoolDevice, StreamingAndCoherentMasksAreSeparate) {
    ns_pool_device split = device(UINT64_MAX);
    split.coherent_dma_mask = 0xffff;
    EXPECT_TRUE(ns_dma_capable(&split, 0x1'0000, 1));
    EXPECT_FALSE(ns_dma_coherent_capable(&split, 0x1'0000, 1));
}

/* dma_get_max_seg_size: SZ_64K, dma_get_seg_boundary: ULONG_MAX, unless the driver sets them. */
TEST(PoolDevice, SegmentsHaveLinuxDefaults) {
    ns_pool_device tested = device(UINT64_MAX);
    EXPECT_EQ(ns_dma_max_segment_size(&tested), 65536u);
    EXPECT_EQ(ns_dma_segment_boundary(&tested), UINT64_MAX);
    tested.max_segment_size = 4096;
    tested.segment_boundary = 0xffff;
    EXPECT_EQ(ns_dma_max_segment_size(&tested), 4096u);
    EXPECT_EQ(ns_dma_segment_boundary(&tested), 0xffffu);
}

} // namespace
