/* SPDX-License-Identifier: Apache-2.0 */
#include "fake_port.h"
#include "pool/pages.h"

namespace {

using fake::kGiB;
using fake::kMiB;

/* Four frames on each side of 16 MiB and of 4 GiB. */
std::vector<ns_frame_region> around_both_limits() {
    return {{16 * kMiB - 0x4000, 0x8000}, {4 * kGiB - 0x4000, 0x8000}};
}

/* GFP_ZONE_TABLE of Linux 5.10 include/linux/gfp.h for a kernel without highmem: DMA and DMA32 name their zone when it
 * is configured, else NORMAL; MOVABLE with HIGHMEM is ZONE_MOVABLE, which this kernel does not populate. */
TEST(Pages, ZoneOfTheFlagsIsThatOfTheKernelsTable) {
    struct {
        const char *kernel;
        uint64_t dma, dma32;
        ns_gfp gfp;
        ns_zone zone;
    } const rows[] = {
        {"x86", 16 * kMiB, 4 * kGiB, 0, NS_POOL_ZONE_NORMAL},
        {"x86", 16 * kMiB, 4 * kGiB, NS_GFP_KERNEL, NS_POOL_ZONE_NORMAL},
        {"x86", 16 * kMiB, 4 * kGiB, NS___GFP_DMA, NS_POOL_ZONE_DMA},
        {"x86", 16 * kMiB, 4 * kGiB, NS___GFP_DMA32, NS_POOL_ZONE_DMA32},
        {"x86", 16 * kMiB, 4 * kGiB, NS___GFP_HIGHMEM, NS_POOL_ZONE_NORMAL},
        {"x86", 16 * kMiB, 4 * kGiB, NS___GFP_MOVABLE, NS_POOL_ZONE_NORMAL},
        {"x86", 16 * kMiB, 4 * kGiB, NS___GFP_MOVABLE | NS___GFP_DMA, NS_POOL_ZONE_DMA},
        {"x86", 16 * kMiB, 4 * kGiB, NS___GFP_MOVABLE | NS___GFP_DMA32, NS_POOL_ZONE_DMA32},
        {"x86", 16 * kMiB, 4 * kGiB, NS___GFP_MOVABLE | NS___GFP_HIGHMEM, NS_POOL_ZONE_NORMAL},
        {"x86, illegal", 16 * kMiB, 4 * kGiB, NS___GFP_DMA | NS___GFP_DMA32, NS_POOL_ZONE_DMA},
        {"riscv", 0, 4 * kGiB, NS_GFP_ATOMIC | NS___GFP_DMA, NS_POOL_ZONE_NORMAL},
        {"riscv", 0, 4 * kGiB, NS___GFP_DMA32, NS_POOL_ZONE_DMA32},
        {"riscv, illegal", 0, 4 * kGiB, NS___GFP_DMA | NS___GFP_DMA32, NS_POOL_ZONE_DMA32},
        {"only ZONE_DMA", 16 * kMiB, 0, NS___GFP_DMA, NS_POOL_ZONE_DMA},
        {"only ZONE_DMA", 16 * kMiB, 0, NS___GFP_DMA32, NS_POOL_ZONE_NORMAL},
        {"no low zone", 0, 0, NS___GFP_DMA32, NS_POOL_ZONE_NORMAL},
        {"no low zone, illegal", 0, 0, NS___GFP_DMA | NS___GFP_HIGHMEM, NS_POOL_ZONE_NORMAL},
    };
    for (const auto &row : rows) {
        SCOPED_TRACE(testing::Message() << row.kernel << ", flags 0x" << std::hex << row.gfp);
        fake::Machine machine({{0, kMiB}}, row.dma32, row.dma);
        EXPECT_EQ(ns_gfp_zone(machine.frames, row.gfp), row.zone);
    }
}

TEST(Pages, ARequestFallsBackDownwardOnly) {
    struct {
        ns_gfp gfp;
        std::vector<uint64_t> bases; /* of the groups of four frames, in the order in which they are taken */
    } const rows[] = {
        {NS_GFP_KERNEL, {4 * kGiB, 16 * kMiB, 4 * kGiB - 0x4000, 16 * kMiB - 0x4000}},
        {NS_GFP_KERNEL | NS___GFP_DMA32, {16 * kMiB, 4 * kGiB - 0x4000, 16 * kMiB - 0x4000}},
        {NS_GFP_KERNEL | NS___GFP_DMA, {16 * kMiB - 0x4000}},
    };
    for (const auto &row : rows) {
        SCOPED_TRACE(testing::Message() << "flags 0x" << std::hex << row.gfp);
        fake::Machine machine(around_both_limits(), 4 * kGiB, 16 * kMiB);
        std::vector<uint64_t> taken;
        uint64_t physical = 0;
        while (ns_alloc_pages(machine.frames, row.gfp, 0, &physical) == NS_POOL_OK)
            taken.push_back(physical);
        ASSERT_EQ(taken.size(), 4 * row.bases.size());
        for (size_t i = 0; i < taken.size(); i++)
            EXPECT_EQ(taken[i], row.bases[i / 4] + i % 4 * 0x1000) << i;
        EXPECT_TRUE(machine.port.heard("page allocation failure"));
        EXPECT_EQ(machine.port.heard("comes from a lower zone"), row.bases.size() > 1);
        for (const uint64_t page : taken)
            EXPECT_EQ(ns_free_pages(machine.frames, page, 0), NS_POOL_OK);
    }
}

TEST(Pages, ADmaFlagThatMeansNothingHereIsTold) {
    fake::Machine machine({{4 * kGiB, kMiB}}); /* riscv: no ZONE_DMA */
    uint64_t physical = 0;
    ASSERT_EQ(ns_alloc_pages(machine.frames, NS_GFP_KERNEL | NS_GFP_DMA, 0, &physical), NS_POOL_OK);
    EXPECT_EQ(physical, 4 * kGiB) << "any memory, although the driver asked for the lowest";
    EXPECT_TRUE(machine.port.heard("no ZONE_DMA"));
    EXPECT_EQ(ns_free_pages(machine.frames, physical, 0), NS_POOL_OK);
}

TEST(Pages, BlocksAreAlignedToTheirOwnSize) {
    fake::Machine machine({{0x3000, 32 * kMiB}});
    for (unsigned order = 0; order <= NS_MAX_ORDER; order++) {
        uint64_t physical = 0;
        ASSERT_EQ(ns_alloc_pages(machine.frames, NS_GFP_KERNEL, order, &physical), NS_POOL_OK) << order;
        EXPECT_EQ(physical % (0x1000u << order), 0u) << order;
        EXPECT_TRUE(machine.holds(physical, UINT64_C(1) << order));
        EXPECT_EQ(ns_free_pages(machine.frames, physical, order), NS_POOL_OK);
    }
}

TEST(Pages, ZeroedThroughTheLinearMappingOnRequestOnly) {
    fake::Machine machine({{0x4000, 0x8000}});
    machine.port.memory(0x5fff) = 0x5a;
    uint64_t physical = 0;
    ASSERT_EQ(ns_alloc_pages(machine.frames, NS_GFP_KERNEL, 1, &physical), NS_POOL_OK);
    ASSERT_EQ(physical, 0x4000u);
    EXPECT_TRUE(machine.port.log.empty());
    EXPECT_EQ(machine.port.memory(0x5fff), 0x5a);
    ASSERT_EQ(ns_free_pages(machine.frames, physical, 1), NS_POOL_OK);

    uint64_t address = 0;
    ASSERT_EQ(ns_get_free_pages(machine.frames, NS_GFP_KERNEL | NS___GFP_ZERO, 1, &address), NS_POOL_OK);
    EXPECT_EQ(address, fake::linear(0x4000));
    EXPECT_EQ(machine.port.log, (std::vector<fake::Event>{fake::fill(fake::linear(0x4000), 0x2000)}));
    EXPECT_EQ(machine.port.memory(0x5fff), 0);
    EXPECT_TRUE(machine.port.dirty(0x4000, 0x2000)) << "the zeros are in the cache, not yet in memory";
    ASSERT_EQ(ns_free_pages(machine.frames, 0x4000, 1), NS_POOL_OK);
}

TEST(Pages, RefusesIllegalRequests) {
    fake::Machine machine({{0, 16 * kMiB}}, 4 * kGiB, kMiB);
    uint64_t out = 77;
    for (const unsigned order : {11u, 12u, 63u, 64u, UINT32_MAX}) {
        EXPECT_EQ(ns_alloc_pages(machine.frames, NS_GFP_KERNEL, order, &out), NS_POOL_ERROR_ARGUMENT) << order;
        EXPECT_EQ(ns_free_pages(machine.frames, 0, order), NS_POOL_ERROR_ARGUMENT) << order;
    }
    EXPECT_TRUE(machine.port.heard("above the largest"));
    machine.port.said.clear();
    for (const ns_gfp zones : {NS___GFP_DMA | NS___GFP_DMA32, NS___GFP_DMA | NS___GFP_HIGHMEM,
                               NS___GFP_DMA32 | NS___GFP_HIGHMEM, NS___GFP_ZONES, NS___GFP_ZONES | NS___GFP_MOVABLE}) {
        machine.port.said.clear();
        EXPECT_EQ(ns_alloc_pages(machine.frames, NS_GFP_KERNEL | zones, 0, &out), NS_POOL_ERROR_ARGUMENT) << zones;
        ASSERT_EQ(machine.port.said.size(), 1u);
        EXPECT_EQ(machine.port.said[0].voice, NS_SAY_BUG);
    }
    EXPECT_EQ(ns_get_free_pages(machine.frames, NS_GFP_KERNEL | NS___GFP_HIGHMEM, 0, &out), NS_POOL_ERROR_ARGUMENT);
    EXPECT_EQ(out, 77u) << "nothing is written on failure";
    EXPECT_EQ(machine.free_frames(), 16 * kMiB / 0x1000);
}

TEST(Pages, NowarnKeepsTheFailureQuiet) {
    fake::Machine machine({{0, 0x1000}});
    uint64_t physical = 0;
    EXPECT_EQ(ns_alloc_pages(machine.frames, NS_GFP_KERNEL | NS___GFP_NOWARN, 1, &physical), NS_POOL_ERROR_EXHAUSTED);
    EXPECT_EQ(ns_alloc_pages(machine.frames, NS_GFP_KERNEL | NS___GFP_NOWARN, 99, &physical), NS_POOL_ERROR_ARGUMENT);
    EXPECT_TRUE(machine.port.said.empty());
}

TEST(Pages, WrongFreesAreToldApart) {
    fake::Machine machine({{0x10'0000, 0x10000}});
    uint64_t block = 0, gone = 0;
    ASSERT_EQ(ns_alloc_pages(machine.frames, NS_GFP_KERNEL, 1, &block), NS_POOL_OK);
    ASSERT_EQ(ns_alloc_pages(machine.frames, NS_GFP_KERNEL, 0, &gone), NS_POOL_OK);
    ASSERT_EQ(ns_free_pages(machine.frames, gone, 0), NS_POOL_OK);
    struct {
        const char *what;
        uint64_t physical;
        unsigned order;
        ns_port_misuse misuse;
    } const rows[] = {
        {"order too small", block, 0, NS_MISUSE_FREE_SIZE},
        {"order too large", block, 2, NS_MISUSE_FREE_SIZE},
        {"largest order", block, NS_MAX_ORDER, NS_MISUSE_FREE_SIZE},
        {"twice", gone, 0, NS_MISUSE_DOUBLE_FREE},
        {"the middle of a block", block + 0x1000, 0, NS_MISUSE_FOREIGN_FREE},
        {"not a page address", block + 8, 1, NS_MISUSE_FOREIGN_FREE},
        {"no RAM", 0, 0, NS_MISUSE_FOREIGN_FREE},
        {"the last address", UINT64_MAX, 0, NS_MISUSE_FOREIGN_FREE},
        {"the last page", UINT64_MAX - 0xfff, NS_MAX_ORDER, NS_MISUSE_FOREIGN_FREE},
    };
    for (const auto &row : rows) {
        SCOPED_TRACE(row.what);
        machine.port.misuses.clear();
        EXPECT_EQ(ns_free_pages(machine.frames, row.physical, row.order), NS_POOL_ERROR_MISUSE);
        EXPECT_EQ(machine.port.misuses,
                  (std::vector<fake::Misuse>{{row.misuse, row.physical, UINT64_C(0x1000) << row.order}}));
        EXPECT_EQ(machine.free_frames(), 14u);
    }
    EXPECT_EQ(ns_free_pages(machine.frames, block, 1), NS_POOL_OK);
}

TEST(Pages, OrderOfASizeIsTheSmallestThatHoldsIt) {
    struct {
        uint64_t bytes;
        unsigned order;
    } const rows[] = {{0, 0},
                      {1, 0},
                      {4096, 0},
                      {4097, 1},
                      {8192, 1},
                      {8193, 2},
                      {4 * kMiB, 10},
                      {4 * kMiB + 1, 11},
                      {kGiB, 18},
                      {UINT64_MAX, 52},
                      {UINT64_C(1) << 63, 51}};
    for (const auto &row : rows)
        EXPECT_EQ(ns_order_of(row.bytes), row.order) << row.bytes;
}

/* Long random sequences: alignment, zones, no overlap, counts; at the end everything is back. */
TEST(Pages, RandomSequencesKeepBlocksApartAndInTheirZones) {
    const uint64_t seed = fake::seed();
    SCOPED_TRACE(testing::Message() << "NS_TEST_SEED=" << seed);
    fake::Random random(seed);
    const uint64_t dma = 16 * kMiB, dma32 = 4 * kGiB;
    fake::Machine machine({{dma - 0x40000, 0x80000}, {dma32 - 0x45000, 0x90000}}, dma32, dma);
    const uint64_t total = machine.free_frames();
    std::map<uint64_t, unsigned> live;
    uint64_t held = 0;
    for (int step = 0; step < 20000; step++) {
        if (random.below(2)) {
            const ns_gfp zones[] = {0, NS___GFP_DMA, NS___GFP_DMA32};
            const ns_gfp gfp = zones[random.below(3)];
            const unsigned order = static_cast<unsigned>(random.below(random.below(8) ? 3 : 8));
            uint64_t physical = 0;
            if (ns_alloc_pages(machine.frames, gfp | NS___GFP_NOWARN, order, &physical) != NS_POOL_OK)
                continue;
            const uint64_t end = physical + (UINT64_C(0x1000) << order);
            ASSERT_EQ(physical % (end - physical), 0u);
            ASSERT_TRUE(gfp != NS___GFP_DMA || end <= dma);
            ASSERT_TRUE(gfp != NS___GFP_DMA32 || end <= dma32);
            auto next = live.lower_bound(physical);
            ASSERT_TRUE(next == live.end() || next->first >= end);
            ASSERT_TRUE(next == live.begin() ||
                        std::prev(next)->first + (UINT64_C(0x1000) << std::prev(next)->second) <= physical);
            live[physical] = order;
            held += UINT64_C(1) << order;
        } else if (!live.empty()) {
            auto victim = std::next(live.begin(), static_cast<std::ptrdiff_t>(random.below(live.size())));
            ASSERT_EQ(ns_free_pages(machine.frames, victim->first, victim->second), NS_POOL_OK);
            held -= UINT64_C(1) << victim->second;
            live.erase(victim);
        }
        ASSERT_EQ(machine.free_frames(), total - held);
    }
    for (const auto &[physical, order] : live)
        EXPECT_EQ(ns_free_pages(machine.frames, physical, order), NS_POOL_OK);
    EXPECT_TRUE(machine.port.misuses.empty());
}

} // namespace
