/* SPDX-License-Identifier: Apache-2.0 */
#include "swiotlb_fixture.h"

namespace {

using namespace swiotlb_tests;

/* ---- when it copies -------------------------------------------------------------------------- */

/* How often each event copies, by direction. Derived from the sources of the four commits: swiotlb_tbl_map_single,
 * swiotlb_sync_single_for_device and _for_cpu, swiotlb_tbl_unmap_single, and dma_direct_unmap_page of 5.10. */
struct Row {
    ns_swiotlb_version version;
    ns_dma_direction direction;
    int map_in, map_in_overwrite, map_in_skip, device_in, cpu_out, unmap_out;
};

class WhenItCopies : public testing::TestWithParam<Row> {};

TEST_P(WhenItCopies, IsTheTableOfTheVersion) {
    const Row &row = GetParam();
    Rig rig(row.version);
    auto copies = [&](ns_bounce_event what) {
        int result = 0;
        for (const fake::Bounce &event : rig.told())
            result += event.what == what;
        return result;
    };
    const uint64_t size = 3000;
    uint64_t slot = rig.map(kHigh, size, row.direction, NS_DMA_OVERWRITE);
    EXPECT_EQ(copies(NS_BOUNCE_COPY_IN), row.map_in_overwrite);
    EXPECT_EQ(rig.unmap(slot, size, row.direction, NS_DMA_SKIP_CPU_SYNC), NS_POOL_OK);
    EXPECT_EQ(copies(NS_BOUNCE_COPY_OUT), 0) << "skip_cpu_sync";
    slot = rig.map(kHigh, size, row.direction, NS_DMA_SKIP_CPU_SYNC);
    EXPECT_EQ(copies(NS_BOUNCE_COPY_IN), row.map_in_skip);
    EXPECT_EQ(rig.unmap(slot, size, row.direction, NS_DMA_SKIP_CPU_SYNC), NS_POOL_OK);
    slot = rig.map(kHigh, size, row.direction);
    EXPECT_EQ(copies(NS_BOUNCE_COPY_IN), row.map_in);
    EXPECT_EQ(ns_swiotlb_sync_for_device(rig.swiotlb, slot, size, row.direction), NS_POOL_OK);
    EXPECT_EQ(copies(NS_BOUNCE_COPY_IN), row.device_in);
    EXPECT_EQ(ns_swiotlb_sync_for_cpu(rig.swiotlb, slot, size, row.direction), NS_POOL_OK);
    EXPECT_EQ(copies(NS_BOUNCE_COPY_OUT), row.cpu_out);
    EXPECT_EQ(rig.unmap(slot, size, row.direction), NS_POOL_OK);
    EXPECT_EQ(copies(NS_BOUNCE_COPY_OUT), row.unmap_out);
}

std::string row_name(const testing::TestParamInfo<Row> &row) {
    static const char *const versions[] = {"v5_10", "v5_17_rc", "v5_17_aa6f", "v5_18"};
    static const char *const directions[] = {"_bidirectional", "_to_device", "_from_device"};
    return std::string(versions[row.param.version]) + directions[row.param.direction];
}

INSTANTIATE_TEST_SUITE_P(Versions, WhenItCopies,
                         testing::Values(Row{NS_SWIOTLB_5_10, NS_DMA_TO_DEVICE, 1, 1, 0, 1, 0, 0},
                                         Row{NS_SWIOTLB_5_10, NS_DMA_FROM_DEVICE, 0, 0, 0, 0, 1, 2},
                                         Row{NS_SWIOTLB_5_10, NS_DMA_BIDIRECTIONAL, 1, 1, 0, 1, 1, 2},
                                         Row{NS_SWIOTLB_5_17_RC, NS_DMA_TO_DEVICE, 1, 1, 0, 1, 0, 0},
                                         Row{NS_SWIOTLB_5_17_RC, NS_DMA_FROM_DEVICE, 1, 0, 0, 0, 1, 1},
                                         Row{NS_SWIOTLB_5_17_RC, NS_DMA_BIDIRECTIONAL, 1, 1, 0, 1, 1, 1},
                                         Row{NS_SWIOTLB_5_17_AA6F, NS_DMA_TO_DEVICE, 1, 1, 1, 1, 0, 0},
                                         Row{NS_SWIOTLB_5_17_AA6F, NS_DMA_FROM_DEVICE, 1, 1, 1, 1, 1, 1},
                                         Row{NS_SWIOTLB_5_17_AA6F, NS_DMA_BIDIRECTIONAL, 1, 1, 1, 1, 1, 1},
                                         Row{NS_SWIOTLB_5_18, NS_DMA_TO_DEVICE, 1, 1, 1, 1, 0, 0},
                                         Row{NS_SWIOTLB_5_18, NS_DMA_FROM_DEVICE, 1, 1, 1, 0, 1, 1},
                                         Row{NS_SWIOTLB_5_18, NS_DMA_BIDIRECTIONAL, 1, 1, 1, 1, 1, 1}),
                         row_name);

TEST(Swiotlb, EachEventNamesItsExactBytesBeforeItHappens) {
    Rig rig;
    const uint64_t slot = rig.map(kHigh + 100, 5000, NS_DMA_BIDIRECTIONAL);
    EXPECT_EQ(ns_swiotlb_sync_for_cpu(rig.swiotlb, slot + 2500, 300, NS_DMA_BIDIRECTIONAL), NS_POOL_OK);
    EXPECT_EQ(rig.unmap(slot, 5000, NS_DMA_BIDIRECTIONAL), NS_POOL_OK);
    EXPECT_EQ(rig.told(), (std::vector<fake::Bounce>{{NS_BOUNCE_MAPPED, slot, kHigh + 100, 5000},
                                                     {NS_BOUNCE_COPY_IN, slot, kHigh + 100, 5000},
                                                     {NS_BOUNCE_COPY_OUT, slot + 2500, kHigh + 2600, 300},
                                                     {NS_BOUNCE_COPY_OUT, slot, kHigh + 100, 5000},
                                                     {NS_BOUNCE_UNMAPPED, slot, kHigh + 100, 5000}}));
}

/* ---- CVE-2022-0854, in its three stages ------------------------------------------------------- */

/* A slot held a secret of somebody else; then a device writes 1000 of 2000 mapped bytes. What does the caller see in
 * the other 1000? */
uint8_t rest_after_short_transfer(ns_swiotlb_version version, unsigned attributes) {
    Rig rig(version, NS_SWIOTLB_OFFSETS_5_10, 128);
    uint64_t slot = 0;
    /* Over the whole buffer, so that every slot has held the secret. */
    rig.write(kHigh + kMiB, kSlot * 128, 0x5e);
    slot = rig.map(kHigh + kMiB, kSlot * 128, NS_DMA_TO_DEVICE);
    EXPECT_EQ(rig.unmap(slot, kSlot * 128, NS_DMA_TO_DEVICE), NS_POOL_OK);

    rig.write(kHigh, 2000, 0xc0);
    slot = rig.map(kHigh, 2000, NS_DMA_FROM_DEVICE, attributes);
    rig.write(slot, 1000, 0xd0);
    EXPECT_EQ(rig.unmap(slot, 2000, NS_DMA_FROM_DEVICE), NS_POOL_OK);
    EXPECT_TRUE(rig.holds(kHigh, 1000, 0xd0)) << "what the device wrote has arrived";
    const uint8_t rest = rig.machine.port.memory(kHigh + 1000);
    EXPECT_TRUE(rig.holds(kHigh + 1000, 1000, rest));
    return rest;
}

TEST(Swiotlb, AShortTransferLeaksTheSlotsOldContentIn5_10) {
    EXPECT_EQ(rest_after_short_transfer(NS_SWIOTLB_5_10, 0), 0x5e);
}
TEST(Swiotlb, TheFirstRepairStillLeaksForDriversThatGiveTheHint) {
    EXPECT_EQ(rest_after_short_transfer(NS_SWIOTLB_5_17_RC, 0), 0xc0);
    EXPECT_EQ(rest_after_short_transfer(NS_SWIOTLB_5_17_RC, NS_DMA_OVERWRITE), 0x5e);
}
TEST(Swiotlb, LaterRepairsKeepTheCallersBytesWhateverTheHint) {
    EXPECT_EQ(rest_after_short_transfer(NS_SWIOTLB_5_17_AA6F, NS_DMA_OVERWRITE), 0xc0);
    EXPECT_EQ(rest_after_short_transfer(NS_SWIOTLB_5_18, NS_DMA_OVERWRITE), 0xc0);
}

/* ath9k: look at a buffer that stays mapped, find nothing for the CPU in it yet, hand it back; meanwhile the device has
 * written. */
uint8_t after_sync_for_device(ns_swiotlb_version version) {
    Rig rig(version);
    const uint64_t slot = rig.map(kHigh, 100, NS_DMA_FROM_DEVICE);
    EXPECT_EQ(ns_swiotlb_sync_for_cpu(rig.swiotlb, slot, 100, NS_DMA_FROM_DEVICE), NS_POOL_OK);
    rig.write(slot, 100, 0xd0);
    EXPECT_EQ(ns_swiotlb_sync_for_device(rig.swiotlb, slot, 100, NS_DMA_FROM_DEVICE), NS_POOL_OK);
    EXPECT_EQ(rig.unmap(slot, 100, NS_DMA_FROM_DEVICE), NS_POOL_OK);
    return rig.machine.port.memory(kHigh);
}
TEST(Swiotlb, TheOverEagerSyncLosesWhatTheDeviceWrote) {
    EXPECT_EQ(after_sync_for_device(NS_SWIOTLB_5_17_AA6F), 0);
}
TEST(Swiotlb, WithoutItTheDevicesBytesArrive) {
    for (ns_swiotlb_version version : {NS_SWIOTLB_5_10, NS_SWIOTLB_5_17_RC, NS_SWIOTLB_5_18})
        EXPECT_EQ(after_sync_for_device(version), 0xd0);
}

/* ---- partial syncs --------------------------------------------------------------------------- */

struct PartialSync {
    ns_swiotlb_offsets offsets;
    uint64_t min_align_mask;
    uint64_t original_offset; /* in its page */
    uint64_t at;              /* the sync begins so many bytes into the mapping */
    int64_t copied_from;      /* and copies from there; -1: nothing */
};

class WhereItCopies : public testing::TestWithParam<PartialSync> {};

TEST_P(WhereItCopies, IsTheArithmeticOfTheVersion) {
    const PartialSync &row = GetParam();
    Rig rig(NS_SWIOTLB_5_18, row.offsets);
    rig.nic.min_align_mask = row.min_align_mask;
    const uint64_t original = kHigh + row.original_offset;
    const uint64_t slot = rig.map(original, 8000, NS_DMA_TO_DEVICE);
    (void)rig.told();
    EXPECT_EQ(ns_swiotlb_sync_for_device(rig.swiotlb, slot + row.at, 64, NS_DMA_TO_DEVICE), NS_POOL_OK);
    std::vector<fake::Bounce> expected;
    if (row.copied_from >= 0)
        expected = {{NS_BOUNCE_COPY_IN, slot + row.at, original + static_cast<uint64_t>(row.copied_from), 64}};
    EXPECT_EQ(rig.told(), expected);
    EXPECT_EQ(ns_swiotlb_original(rig.swiotlb, slot + row.at), original + row.at) << "the truth";
    EXPECT_EQ(rig.unmap(slot, 8000, NS_DMA_TO_DEVICE), NS_POOL_OK);
}

/* An original at page offset 1024 for a device that keeps 4 KiB offsets (NVMe) begins 1024 bytes into its first slot;
 * its bytes 1024 to 3071 lie in the second slot. */
INSTANTIATE_TEST_SUITE_P(
    Offsets, WhereItCopies,
    testing::Values(PartialSync{NS_SWIOTLB_OFFSETS_5_10, 0, 0, 2500, 2500},
                    PartialSync{NS_SWIOTLB_OFFSETS_5_10, 4095, 1024, 2500, 2500},
                    /* the offset inside the slot is forgotten: 2500 lies in the slot that stands for 2048 on */
                    PartialSync{NS_SWIOTLB_OFFSETS_5_12, 0, 0, 2500, 2048},
                    PartialSync{NS_SWIOTLB_OFFSETS_5_12, 0, 0, 100, 0},
                    PartialSync{NS_SWIOTLB_OFFSETS_5_12, 0, 0, 2048, 2048},
                    PartialSync{NS_SWIOTLB_OFFSETS_5_12, 4095, 1024, 0, 0},
                    PartialSync{NS_SWIOTLB_OFFSETS_5_15, 0, 0, 2500, 2500},
                    PartialSync{NS_SWIOTLB_OFFSETS_5_15, 4095, 1024, 500, 500},
                    PartialSync{NS_SWIOTLB_OFFSETS_5_15, 4095, 1024, 1100, -1}, /* 76 bytes into the second slot */
                    PartialSync{NS_SWIOTLB_OFFSETS_5_15, 4095, 1024, 2100, 2100},
                    PartialSync{NS_SWIOTLB_OFFSETS_6_9, 4095, 1024, 1100, 1100},
                    PartialSync{NS_SWIOTLB_OFFSETS_6_9, 4095, 1024, 500, 500},
                    PartialSync{NS_SWIOTLB_OFFSETS_6_9, 0, 0, 7936, 7936}));

TEST(Swiotlb, ASyncOverTheMappingsEndIsCutAndSaysSo) {
    Rig rig;
    const uint64_t slot = rig.map(kHigh, 3000, NS_DMA_FROM_DEVICE);
    (void)rig.told();
    EXPECT_EQ(ns_swiotlb_sync_for_cpu(rig.swiotlb, slot + 2900, UINT64_MAX, NS_DMA_FROM_DEVICE), NS_POOL_OK);
    EXPECT_EQ(rig.told(), (std::vector<fake::Bounce>{{NS_BOUNCE_COPY_OUT, slot + 2900, kHigh + 2900, 100}}));
    EXPECT_TRUE(rig.machine.port.heard("Buffer overflow detected"));
    EXPECT_EQ(rig.unmap(slot, 3000, NS_DMA_FROM_DEVICE), NS_POOL_OK);
}

/* ---- which slots ----------------------------------------------------------------------------- */

TEST(Swiotlb, TheBounceMemoryIsLowAndAWholeNumberOfSegments) {
    Rig rig(NS_SWIOTLB_5_18, NS_SWIOTLB_OFFSETS_6_9, 129);
    EXPECT_EQ(rig.count().slots, 256u);
    const uint64_t slot = rig.map(kHigh, 1, NS_DMA_TO_DEVICE);
    EXPECT_LT(slot, 4 * kGiB);
    EXPECT_TRUE(ns_swiotlb_holds(rig.swiotlb, slot + 256 * kSlot - 1));
    EXPECT_FALSE(ns_swiotlb_holds(rig.swiotlb, slot + 256 * kSlot));
    EXPECT_FALSE(ns_swiotlb_holds(rig.swiotlb, slot - 1));
    EXPECT_FALSE(ns_swiotlb_holds(rig.swiotlb, kHigh));
    EXPECT_EQ(rig.unmap(slot, 1, NS_DMA_TO_DEVICE), NS_POOL_OK);
}

TEST(Swiotlb, ALimitBelowAllMemoryFindsNone) {
    fake::Machine machine({{16 * kMiB, 16 * kMiB}});
    ns_swiotlb_config config{};
    config.slots = 128;
    config.highest = 16 * kMiB - 1;
    ns_swiotlb *swiotlb = nullptr;
    EXPECT_EQ(ns_swiotlb_create(machine.port.get(), machine.frames, &config, &swiotlb), NS_POOL_ERROR_EXHAUSTED);
    EXPECT_EQ(swiotlb, nullptr);
    EXPECT_EQ(machine.port.metadata_blocks(), 1u);
    config.highest = 16 * kMiB + 128 * kSlot - 1;
    EXPECT_EQ(ns_swiotlb_create(machine.port.get(), machine.frames, &config, &swiotlb), NS_POOL_OK);
    EXPECT_EQ(ns_swiotlb_destroy(swiotlb), NS_POOL_OK);
}

TEST(Swiotlb, AFullPoolSaysSoAndGivesAnErrorUntilASlotIsFree) {
    Rig rig(NS_SWIOTLB_5_18, NS_SWIOTLB_OFFSETS_6_9, 128);
    std::vector<uint64_t> slots;
    for (uint64_t i = 0; i < 128; i++)
        slots.push_back(rig.map(kHigh + i * kSlot, kSlot, NS_DMA_TO_DEVICE));
    EXPECT_EQ(rig.used(), 128u);
    EXPECT_EQ(rig.map(kHigh, 1, NS_DMA_TO_DEVICE, NS_DMA_NO_WARN), NS_DMA_MAPPING_ERROR);
    EXPECT_EQ(rig.status, NS_POOL_ERROR_EXHAUSTED);
    EXPECT_FALSE(rig.machine.port.heard("swiotlb buffer is full"));
    EXPECT_EQ(rig.map(kHigh, 1, NS_DMA_TO_DEVICE), NS_DMA_MAPPING_ERROR);
    EXPECT_TRUE(rig.machine.port.heard("swiotlb buffer is full"));
    EXPECT_EQ(rig.count().failures, 2u);
    EXPECT_EQ(ns_swiotlb_destroy(rig.swiotlb), NS_POOL_ERROR_BUSY);
    EXPECT_EQ(rig.unmap(slots[77], kSlot, NS_DMA_TO_DEVICE), NS_POOL_OK);
    EXPECT_EQ(rig.map(kHigh, 1, NS_DMA_TO_DEVICE), slots[77]);
    for (uint64_t i = 0; i < 128; i++)
        EXPECT_EQ(rig.unmap(slots[i], i == 77 ? 1 : kSlot, NS_DMA_TO_DEVICE), NS_POOL_OK);
    EXPECT_EQ(rig.used(), 0u);
    EXPECT_EQ(rig.count().most_used, 128u);
}

TEST(Swiotlb, AMappingFitsInOneSegmentOrNowhere) {
    Rig rig;
    const uint64_t slot = rig.map(kHigh, NS_SWIOTLB_LARGEST, NS_DMA_TO_DEVICE);
    EXPECT_NE(slot, NS_DMA_MAPPING_ERROR);
    EXPECT_EQ(rig.unmap(slot, NS_SWIOTLB_LARGEST, NS_DMA_TO_DEVICE), NS_POOL_OK);
    EXPECT_EQ(rig.map(kHigh, NS_SWIOTLB_LARGEST + 1, NS_DMA_TO_DEVICE), NS_DMA_MAPPING_ERROR);
    EXPECT_EQ(rig.status, NS_POOL_ERROR_EXHAUSTED) << "although both segments are free";
    /* 1 byte into a slot, the largest is too large by a slot. */
    rig.nic.min_align_mask = 4095;
    EXPECT_EQ(rig.map(kHigh + 1, NS_SWIOTLB_LARGEST, NS_DMA_TO_DEVICE), NS_DMA_MAPPING_ERROR);
    EXPECT_EQ(rig.used(), 0u);
}

TEST(Swiotlb, TheNextSearchBeginsBehindTheLastMapping) {
    Rig rig;
    const uint64_t first = rig.map(kHigh, 1, NS_DMA_TO_DEVICE);
    EXPECT_EQ(rig.unmap(first, 1, NS_DMA_TO_DEVICE), NS_POOL_OK);
    const uint64_t second = rig.map(kHigh, 1, NS_DMA_TO_DEVICE);
    EXPECT_EQ(second, first + kSlot);
    EXPECT_EQ(rig.unmap(second, 1, NS_DMA_TO_DEVICE), NS_POOL_OK);
}

TEST(Swiotlb, AMappingKeepsInsideTheSegmentBoundary) {
    Rig rig; /* begins at 16 MiB, so every 32nd slot begins at a multiple of 64 KiB */
    rig.nic.segment_boundary = 0xffff;
    const uint64_t first = rig.map(kHigh, 20 * kSlot, NS_DMA_TO_DEVICE);
    const uint64_t second = rig.map(kHigh, 20 * kSlot, NS_DMA_TO_DEVICE);
    EXPECT_EQ(first % 0x10000, 0u);
    EXPECT_EQ(second, first + 32 * kSlot) << "12 slots are left in front of it, and the mapping would cross";
    EXPECT_EQ(rig.map(kHigh, 33 * kSlot, NS_DMA_TO_DEVICE), NS_DMA_MAPPING_ERROR) << "fits nowhere";
    EXPECT_EQ(rig.unmap(first, 20 * kSlot, NS_DMA_TO_DEVICE), NS_POOL_OK);
    EXPECT_EQ(rig.unmap(second, 20 * kSlot, NS_DMA_TO_DEVICE), NS_POOL_OK);
}

/* Slots below a taken run must not count its slots as free. */
TEST(Swiotlb, AHoleIsAsLargeAsItIs) {
    Rig rig(NS_SWIOTLB_5_18, NS_SWIOTLB_OFFSETS_6_9, 128);
    std::vector<uint64_t> slots;
    for (uint64_t i = 0; i < 128; i++)
        slots.push_back(rig.map(kHigh, 1, NS_DMA_TO_DEVICE));
    for (size_t i = 10; i < 14; i++)
        EXPECT_EQ(rig.unmap(slots[i], 1, NS_DMA_TO_DEVICE), NS_POOL_OK);
    rig.nic.min_align_mask = 0x1fff; /* asks for the middle of the hole: slot 12 begins at 24 KiB */
    const uint64_t middle = rig.map(kHigh, 1, NS_DMA_TO_DEVICE);
    EXPECT_EQ(middle, slots[12]);
    rig.nic.min_align_mask = 0;
    EXPECT_EQ(rig.map(kHigh, 2 * kSlot + 1, NS_DMA_TO_DEVICE), NS_DMA_MAPPING_ERROR);
    const uint64_t below = rig.map(kHigh, 2 * kSlot, NS_DMA_TO_DEVICE);
    EXPECT_EQ(below, slots[10]);
    slots[10] = below;
    for (size_t i = 0; i < 128; i++)
        if (i < 11 || i > 13) {
            EXPECT_EQ(rig.unmap(slots[i], i == 10 ? 2 * kSlot : 1, NS_DMA_TO_DEVICE), NS_POOL_OK);
        }
    EXPECT_EQ(rig.unmap(middle, 1, NS_DMA_TO_DEVICE), NS_POOL_OK);
}

TEST(Swiotlb, PageSizedMappingsBeginAtAPage) {
    Rig rig;
    const uint64_t first = rig.map(kHigh, 1, NS_DMA_TO_DEVICE);
    const uint64_t page = rig.map(kHigh, 4096, NS_DMA_TO_DEVICE);
    EXPECT_EQ(page, first + 2 * kSlot);
    EXPECT_EQ(rig.unmap(first, 1, NS_DMA_TO_DEVICE), NS_POOL_OK);
    EXPECT_EQ(rig.unmap(page, 4096, NS_DMA_TO_DEVICE), NS_POOL_OK);
}

TEST(Swiotlb, ASlotTheDeviceCannotReachIsGivenBack) {
    Rig rig;
    rig.nic.dma_mask = 0xff'ffff; /* 24 bits: all of this RAM lies above */
    EXPECT_EQ(rig.map(kHigh, 100, NS_DMA_TO_DEVICE), NS_DMA_MAPPING_ERROR);
    EXPECT_EQ(rig.status, NS_POOL_ERROR_NOT_ADDRESSABLE);
    EXPECT_EQ(rig.used(), 0u);
    EXPECT_EQ(rig.told().back().what, NS_BOUNCE_UNMAPPED);
    EXPECT_TRUE(rig.machine.port.heard("overflow (bus limit"));
}

/* ---- long random sequences against a plain model --------------------------------------------- */

struct Live {
    uint64_t original, size, slot;
    ns_dma_direction direction;
};

class RandomUse : public testing::TestWithParam<std::pair<ns_swiotlb_version, ns_swiotlb_offsets>> {};

/* The model: a byte array for each side of each live mapping, copied as the table above says. Offsets 5_12 are not
 * tried, because that version is wrong for parts. */
TEST_P(RandomUse, KeepsEveryPromise) {
    const auto [version, offsets] = GetParam();
    SCOPED_TRACE(testing::Message() << "NS_TEST_SEED=" << fake::seed());
    fake::Random random(fake::seed());
    Rig rig(version, offsets, 128);
    std::vector<Live> live;
    std::unordered_map<uint64_t, uint8_t> model; /* every byte that was written, both sides */
    const auto model_copy = [&](uint64_t to, uint64_t from, uint64_t size) {
        for (uint64_t i = 0; i < size; i++)
            model[to + i] = model[from + i];
    };
    uint64_t next = 0;
    int refused = 0;
    for (int step = 0; step < 600; step++) {
        /* Now more maps than unmaps, now fewer, so that the pool is full at times and nearly empty at others. */
        const uint64_t mapping = step / 100 % 2 == 0 ? 5 : 2;
        const uint64_t choice = random.below(10) < mapping ? 0 : 4 + random.below(7);
        if (choice == 0) {
            static const uint64_t masks[] = {0, 2047, 4095, 511};
            static const uint64_t boundaries[] = {0, 0xffff, UINT64_MAX, 0xf'ffff};
            rig.nic.min_align_mask = masks[random.below(4)];
            rig.nic.segment_boundary = boundaries[random.below(4)];
            Live made{};
            made.size = 1 + random.below(random.below(8) == 0 ? 60'000 : 3'000);
            if (next + made.size + 4096 > 16 * kMiB)
                next = 0; /* long dead by then, or the test below finds the overlap */
            made.original = kHigh + next + random.below(64);
            next += made.size + 64;
            made.direction = kDirections[random.below(3)];
            const unsigned attributes =
                (random.below(4) == 0 ? NS_DMA_SKIP_CPU_SYNC : 0) | (random.below(4) == 0 ? NS_DMA_OVERWRITE : 0);
            made.slot = rig.map(made.original, made.size, made.direction, attributes);
            if (made.slot == NS_DMA_MAPPING_ERROR) {
                ASSERT_EQ(rig.status, NS_POOL_ERROR_EXHAUSTED);
                refused++;
                continue;
            }
            const uint64_t boundary = ns_dma_segment_boundary(&rig.nic);
            ASSERT_EQ(made.slot & ~boundary, (made.slot + made.size - 1) & ~boundary);
            const uint64_t kept = offsets == NS_SWIOTLB_OFFSETS_5_10 ? 0 : rig.nic.min_align_mask;
            ASSERT_EQ(made.slot & kept, made.original & kept);
            for (const Live &other : live)
                ASSERT_TRUE(made.slot + made.size <= other.slot || other.slot + other.size <= made.slot);
            const bool always = version == NS_SWIOTLB_5_17_AA6F || version == NS_SWIOTLB_5_18;
            const bool skip = attributes & NS_DMA_SKIP_CPU_SYNC;
            const bool carries = made.direction != NS_DMA_FROM_DEVICE ||
                                 (version == NS_SWIOTLB_5_17_RC && !(attributes & NS_DMA_OVERWRITE));
            if (always || (!skip && carries))
                model_copy(made.slot, made.original, made.size);
            live.push_back(made);
            continue;
        }
        if (live.empty())
            continue;
        const size_t which = random.below(live.size());
        const Live chosen = live[which];
        const uint64_t at = random.below(chosen.size), size = 1 + random.below(chosen.size - at);
        const bool refused_part = offsets == NS_SWIOTLB_OFFSETS_5_15 && at != 0; /* may be, so only whole ones there */
        switch (choice) {
        case 4:
        case 5: { /* somebody writes */
            const uint8_t value = static_cast<uint8_t>(1 + random.below(255));
            const uint64_t base = (choice == 4 ? chosen.slot : chosen.original) + at;
            rig.write(base, size, value);
            for (uint64_t i = 0; i < size; i++)
                model[base + i] = value;
            break;
        }
        case 6:
            if (refused_part)
                break;
            ASSERT_EQ(ns_swiotlb_sync_for_cpu(rig.swiotlb, chosen.slot + at, size, chosen.direction), NS_POOL_OK);
            if (chosen.direction != NS_DMA_TO_DEVICE)
                model_copy(chosen.original + at, chosen.slot + at, size);
            break;
        case 7:
            if (refused_part)
                break;
            ASSERT_EQ(ns_swiotlb_sync_for_device(rig.swiotlb, chosen.slot + at, size, chosen.direction), NS_POOL_OK);
            if (chosen.direction != NS_DMA_FROM_DEVICE || version == NS_SWIOTLB_5_17_AA6F)
                model_copy(chosen.slot + at, chosen.original + at, size);
            break;
        default: {
            const bool skip = random.below(4) == 0;
            ASSERT_EQ(rig.unmap(chosen.slot, chosen.size, chosen.direction, skip ? NS_DMA_SKIP_CPU_SYNC : 0),
                      NS_POOL_OK);
            if (!skip && chosen.direction != NS_DMA_TO_DEVICE)
                model_copy(chosen.original, chosen.slot, chosen.size);
            live.erase(live.begin() + static_cast<std::ptrdiff_t>(which));
        }
        }
        ASSERT_EQ(rig.count().mappings, live.size());
        for (auto byte = model.begin(); step % 300 == 0 && byte != model.end(); ++byte)
            ASSERT_EQ(rig.machine.port.memory(byte->first), byte->second) << std::hex << byte->first;
    }
    for (const auto &[address, value] : model)
        ASSERT_EQ(rig.machine.port.memory(address), value) << std::hex << address;
    for (const Live &each : live)
        ASSERT_EQ(rig.unmap(each.slot, each.size, each.direction), NS_POOL_OK);
    EXPECT_EQ(rig.used(), 0u);
    EXPECT_TRUE(rig.machine.port.misuses.empty());
    /* What was freed has joined again: a whole segment can be had. */
    rig.nic = device();
    const uint64_t whole = rig.map(kHigh, NS_SWIOTLB_LARGEST, NS_DMA_TO_DEVICE);
    EXPECT_EQ(rig.used(), 128u);
    EXPECT_EQ(rig.unmap(whole, NS_SWIOTLB_LARGEST, NS_DMA_TO_DEVICE), NS_POOL_OK);
    EXPECT_GT(refused, 0) << "the sequence never met a full pool";
}

INSTANTIATE_TEST_SUITE_P(Swiotlb, RandomUse,
                         testing::Values(std::make_pair(NS_SWIOTLB_5_10, NS_SWIOTLB_OFFSETS_5_10),
                                         std::make_pair(NS_SWIOTLB_5_17_RC, NS_SWIOTLB_OFFSETS_5_15),
                                         std::make_pair(NS_SWIOTLB_5_17_AA6F, NS_SWIOTLB_OFFSETS_6_9),
                                         std::make_pair(NS_SWIOTLB_5_18, NS_SWIOTLB_OFFSETS_6_9)));

} // namespace
