/* SPDX-License-Identifier: Apache-2.0 */
#include "fake_port.h"
#include "pool/zone.h"

namespace {

using fake::kGiB;
using fake::kMiB;

uint64_t grab(ns_frames *frames, ns_zone zone = NS_POOL_ZONE_NORMAL) {
    uint64_t physical = 1;
    EXPECT_EQ(ns_frames_grab(frames, zone, &physical), NS_POOL_OK);
    return physical;
}

uint64_t queued(const fake::Machine &machine, ns_zone zone = NS_POOL_ZONE_DMA32) {
    return ns_frames_queued_count(machine.frames, zone);
}

TEST(ZoneQueue, FramesNeverUsedComeInAscendingOrderAndReleasedOnesFirst) {
    fake::Machine machine({{0x10'0000, 0x8000}});
    for (uint64_t i = 0; i < 4; i++)
        EXPECT_EQ(grab(machine.frames), 0x10'0000 + i * 0x1000);
    EXPECT_EQ(machine.port.metadata_blocks(), 1u) << "no release yet: no memory for queues";
    for (const uint64_t page : {0x10'1000u, 0x10'3000u, 0x10'0000u})
        ASSERT_EQ(ns_frames_release(machine.frames, page), NS_POOL_OK);
    EXPECT_EQ(queued(machine), 3u);
    /* As a Mach free list: the page released last is the next one. */
    for (const uint64_t page : {0x10'0000u, 0x10'3000u, 0x10'1000u, 0x10'4000u})
        EXPECT_EQ(grab(machine.frames), page);
    EXPECT_EQ(queued(machine), 0u);
    EXPECT_EQ(ns_frames_release_run(machine.frames, 0x10'0000, 5), NS_POOL_OK);
    EXPECT_EQ(grab(machine.frames), 0x10'0000u) << "the lowest of a run is the first to come back";
    EXPECT_EQ(ns_frames_release(machine.frames, 0x10'0000), NS_POOL_OK);
}

TEST(ZoneQueue, EachZoneHasItsOwnQueueAndFallsBackDownwardOnly) {
    /* Two frames in each zone. */
    fake::Machine machine({{16 * kMiB - 0x2000, 0x4000}, {4 * kGiB, 0x2000}}, 4 * kGiB, 16 * kMiB);
    std::vector<uint64_t> all;
    for (int i = 0; i < 6; i++)
        all.push_back(grab(machine.frames));
    EXPECT_EQ(all, (std::vector<uint64_t>{4 * kGiB, 4 * kGiB + 0x1000, 16 * kMiB, 16 * kMiB + 0x1000,
                                          16 * kMiB - 0x2000, 16 * kMiB - 0x1000}));
    uint64_t physical = 0;
    for (const ns_zone zone : {NS_POOL_ZONE_DMA, NS_POOL_ZONE_DMA32, NS_POOL_ZONE_NORMAL})
        EXPECT_EQ(ns_frames_grab(machine.frames, zone, &physical), NS_POOL_ERROR_EXHAUSTED);
    for (const uint64_t page : all)
        ASSERT_EQ(ns_frames_release(machine.frames, page), NS_POOL_OK);
    for (const ns_zone zone : {NS_POOL_ZONE_DMA, NS_POOL_ZONE_DMA32, NS_POOL_ZONE_NORMAL})
        EXPECT_EQ(queued(machine, zone), 2u);
    EXPECT_EQ(grab(machine.frames, NS_POOL_ZONE_DMA), 16 * kMiB - 0x1000);
    EXPECT_EQ(grab(machine.frames, NS_POOL_ZONE_DMA), 16 * kMiB - 0x2000);
    EXPECT_EQ(ns_frames_grab(machine.frames, NS_POOL_ZONE_DMA, &physical), NS_POOL_ERROR_EXHAUSTED)
        << "a request for the DMA zone never goes up";
    EXPECT_EQ(ns_frames_release_run(machine.frames, 16 * kMiB - 0x2000, 2), NS_POOL_OK);
    EXPECT_EQ(ns_frames_grab(machine.frames, static_cast<ns_zone>(3), &physical), NS_POOL_ERROR_ARGUMENT);
}

TEST(ZoneQueue, AContiguousGrabTakesFramesOffTheirQueueAndEachIsReleasedAlone) {
    fake::Machine machine({{0x10'0000, 0x8000}});
    for (int i = 0; i < 8; i++)
        grab(machine.frames);
    for (const uint64_t page : {0x10'2000u, 0x10'5000u, 0x10'4000u, 0x10'3000u, 0x10'0000u})
        ASSERT_EQ(ns_frames_release(machine.frames, page), NS_POOL_OK);
    const ns_frames_request three = {3, 1, 0, UINT64_MAX, NS_POOL_ZONE_NORMAL};
    uint64_t run = 0;
    ASSERT_EQ(ns_frames_grab_contiguous(machine.frames, &three, &run), NS_POOL_OK);
    EXPECT_EQ(run, 0x10'2000u);
    EXPECT_EQ(queued(machine), 2u);
    EXPECT_EQ(grab(machine.frames), 0x10'0000u);
    EXPECT_EQ(grab(machine.frames), 0x10'5000u);
    EXPECT_EQ(ns_frames_release(machine.frames, 0x10'3000), NS_POOL_OK) << "the middle of the run, alone";
    EXPECT_EQ(grab(machine.frames), 0x10'3000u);
    EXPECT_EQ(ns_frames_release_run(machine.frames, 0x10'0000, 8), NS_POOL_OK);
    /* The run allocator shares the bitmap. */
    const ns_frames_request all = {8, 1, 0, UINT64_MAX, NS_POOL_ZONE_NORMAL};
    ASSERT_EQ(ns_frames_allocate(machine.frames, &all, &run), NS_POOL_OK);
    EXPECT_EQ(queued(machine), 0u);
    EXPECT_EQ(ns_frames_free(machine.frames, run, 8), NS_POOL_OK);
}

TEST(ZoneQueue, AContiguousGrabObeysAlignmentAndLimits) {
    fake::Machine machine({{0x3000, 64 * kMiB}});
    struct {
        uint64_t count, alignment, lowest, highest;
        bool fits;
        uint64_t where;
    } const rows[] = {
        {16, 16, 0, 16 * kMiB - 1, true, 0x1'0000}, /* alloc_contig_mem(64 KiB, 16 MiB, 0xffff) */
        {16, 16, 0, 0x1'ffff, true, 0x1'0000},         {16, 16, 0, 0x1'fffe, false, 0},
        {16, 1, 0x1'0001, UINT64_MAX, true, 0x1'1000}, {1, 1024, 0x1000, UINT64_MAX, true, 4 * kMiB},
        {UINT64_MAX, 1, 0, UINT64_MAX, false, 0},
    };
    for (const auto &row : rows) {
        SCOPED_TRACE(testing::Message() << row.count << " " << row.alignment << " " << row.highest);
        const ns_frames_request asked = {row.count, row.alignment, row.lowest, row.highest, NS_POOL_ZONE_NORMAL};
        uint64_t run = 0;
        ASSERT_EQ(ns_frames_grab_contiguous(machine.frames, &asked, &run),
                  row.fits ? NS_POOL_OK : NS_POOL_ERROR_EXHAUSTED);
        if (!row.fits)
            continue;
        EXPECT_EQ(run, row.where);
        EXPECT_EQ(ns_frames_release_run(machine.frames, run, row.count), NS_POOL_OK);
    }
    uint64_t run = 0;
    for (const ns_frames_request &asked : {ns_frames_request{0, 1, 0, UINT64_MAX, NS_POOL_ZONE_NORMAL},
                                           ns_frames_request{1, 3, 0, UINT64_MAX, NS_POOL_ZONE_NORMAL},
                                           ns_frames_request{1, 1, 0, UINT64_MAX, static_cast<ns_zone>(3)}})
        EXPECT_EQ(ns_frames_grab_contiguous(machine.frames, &asked, &run), NS_POOL_ERROR_ARGUMENT);
}

TEST(ZoneQueue, ToldOfEveryWrongRelease) {
    fake::Machine machine({{0x10'0000, 0x8000}});
    const uint64_t page = grab(machine.frames);
    const uint64_t gone = grab(machine.frames);
    const ns_frames_request two = {2, 1, 0, UINT64_MAX, NS_POOL_ZONE_DMA32};
    uint64_t block = 0;
    ASSERT_EQ(ns_frames_allocate(machine.frames, &two, &block), NS_POOL_OK);
    ASSERT_EQ(ns_frames_release(machine.frames, gone), NS_POOL_OK);
    struct {
        const char *what;
        uint64_t physical, count, told;
        ns_port_misuse misuse;
    } const rows[] = {
        {"twice", gone, 1, gone, NS_MISUSE_DOUBLE_FREE},
        {"half of a block", block, 1, block, NS_MISUSE_FOREIGN_FREE},
        {"not a frame", page + 16, 1, page + 16, NS_MISUSE_FOREIGN_FREE},
        {"no RAM", 0x20'0000, 1, 0x20'0000, NS_MISUSE_FOREIGN_FREE},
        {"nothing", page, 0, page, NS_MISUSE_FOREIGN_FREE},
        {"more than there is", page, UINT64_MAX, page, NS_MISUSE_FOREIGN_FREE},
        {"a run over a block of two", block, 2, block, NS_MISUSE_FOREIGN_FREE},
        {"over the last address", UINT64_MAX - 0xfff, 2, UINT64_MAX - 0xfff, NS_MISUSE_FOREIGN_FREE},
    };
    for (const auto &row : rows) {
        SCOPED_TRACE(row.what);
        machine.port.misuses.clear();
        const uint64_t before = machine.free_frames();
        EXPECT_EQ(row.count == 1 ? ns_frames_release(machine.frames, row.physical)
                                 : ns_frames_release_run(machine.frames, row.physical, row.count),
                  NS_POOL_ERROR_MISUSE);
        ASSERT_EQ(machine.port.misuses.size(), 1u);
        EXPECT_EQ(machine.port.misuses[0].what, row.misuse);
        EXPECT_EQ(machine.port.misuses[0].address, row.told);
        EXPECT_EQ(machine.free_frames(), before);
        EXPECT_EQ(queued(machine), 1u);
    }
    EXPECT_EQ(ns_frames_release(machine.frames, page), NS_POOL_OK);
    EXPECT_EQ(ns_frames_free(machine.frames, block, 2), NS_POOL_OK);
}

TEST(ZoneQueue, WithoutMemoryForQueuesAReleasedFrameIsFreeAllTheSame) {
    fake::Machine machine({{0x10'0000, 0x8000}});
    const uint64_t first = grab(machine.frames);
    const uint64_t second = grab(machine.frames);
    machine.port.fail_metadata_at = 0;
    EXPECT_EQ(ns_frames_release(machine.frames, first), NS_POOL_OK);
    EXPECT_EQ(queued(machine), 0u);
    EXPECT_EQ(machine.free_frames(), 7u);
    EXPECT_EQ(ns_frames_release(machine.frames, second), NS_POOL_OK); /* the second attempt has memory */
    EXPECT_EQ(queued(machine), 1u);
    EXPECT_EQ(grab(machine.frames), second);
    EXPECT_EQ(grab(machine.frames), first) << "from the bitmap";
    EXPECT_EQ(ns_frames_release_run(machine.frames, first, 2), NS_POOL_OK);
}

/* Against a model that keeps one list for each zone and searches frame by frame. */
TEST(ZoneQueue, RandomSequencesMatchAPlainModel) {
    const uint64_t seed = fake::seed();
    SCOPED_TRACE(testing::Message() << "NS_TEST_SEED=" << seed);
    fake::Random random(seed);
    const uint64_t dma = 0x2'0000, dma32 = 0x6'0000; /* frames 32 and 96 */
    const std::vector<ns_frame_region> ram = {{0x1000, 0x4'3000}, {0x5'1000, 0x3'0000}};
    fake::Machine machine(ram, dma32, dma);
    enum { kNone, kFree, kSingle, kBlock };
    std::vector<int> state(160, kNone);
    for (const auto &region : ram)
        for (uint64_t i = 0; i < region.length / 0x1000; i++)
            state[region.base / 0x1000 + i] = kFree;
    const auto zone_of = [&](uint64_t frame) { return frame < 32 ? 0 : frame < 96 ? 1 : 2; };
    std::vector<uint64_t> stacks[3]; /* the back was released last */
    std::map<uint64_t, uint64_t> blocks;

    const auto forget = [&](uint64_t frame) {
        auto &stack = stacks[zone_of(frame)];
        stack.erase(std::remove(stack.begin(), stack.end(), frame), stack.end());
    };
    const auto expected_single = [&](int zone) -> int64_t {
        for (; zone >= 0; zone--) {
            if (!stacks[zone].empty())
                return static_cast<int64_t>(stacks[zone].back());
            for (uint64_t frame = 0; frame < state.size(); frame++)
                if (state[frame] == kFree && zone_of(frame) == zone)
                    return static_cast<int64_t>(frame);
        }
        return -1;
    };
    const auto expected_run = [&](int zone, uint64_t count, uint64_t alignment) -> int64_t {
        for (; zone >= 0; zone--)
            for (uint64_t frame = 0; frame + count <= state.size(); frame += alignment) {
                bool fits = true;
                for (uint64_t i = 0; fits && i < count; i++)
                    fits = state[frame + i] == kFree && zone_of(frame + i) == zone;
                if (fits)
                    return static_cast<int64_t>(frame);
            }
        return -1;
    };

    for (int step = 0; step < 30000; step++) {
        const int zone = static_cast<int>(random.below(3));
        const uint64_t count = 1 + random.below(6), alignment = UINT64_C(1) << random.below(3);
        const ns_frames_request asked = {count, alignment, 0, UINT64_MAX, static_cast<ns_zone>(zone)};
        uint64_t physical = 0;
        switch (random.below(5)) {
        case 0: {
            const int64_t expected = expected_single(zone);
            const ns_pool_status status = ns_frames_grab(machine.frames, static_cast<ns_zone>(zone), &physical);
            ASSERT_EQ(status, expected < 0 ? NS_POOL_ERROR_EXHAUSTED : NS_POOL_OK) << step;
            if (expected < 0)
                break;
            ASSERT_EQ(physical / 0x1000, static_cast<uint64_t>(expected)) << step;
            forget(physical / 0x1000);
            state[physical / 0x1000] = kSingle;
            break;
        }
        case 1: {
            const bool alone = random.below(2);
            const int64_t expected = expected_run(zone, count, alignment);
            const ns_pool_status status = alone ? ns_frames_grab_contiguous(machine.frames, &asked, &physical)
                                                : ns_frames_allocate(machine.frames, &asked, &physical);
            ASSERT_EQ(status, expected < 0 ? NS_POOL_ERROR_EXHAUSTED : NS_POOL_OK) << step;
            if (expected < 0)
                break;
            ASSERT_EQ(physical / 0x1000, static_cast<uint64_t>(expected)) << step;
            for (uint64_t i = 0; i < count; i++) {
                forget(physical / 0x1000 + i);
                state[physical / 0x1000 + i] = alone ? kSingle : kBlock;
            }
            if (!alone)
                blocks[physical] = count;
            break;
        }
        case 2:
            if (!blocks.empty()) {
                auto victim = std::next(blocks.begin(), static_cast<std::ptrdiff_t>(random.below(blocks.size())));
                ASSERT_EQ(ns_frames_free(machine.frames, victim->first, victim->second), NS_POOL_OK);
                for (uint64_t i = 0; i < victim->second; i++)
                    state[victim->first / 0x1000 + i] = kFree;
                blocks.erase(victim);
            }
            break;
        default: {
            const uint64_t frame = random.below(state.size());
            if (state[frame] == kSingle) {
                ASSERT_EQ(ns_frames_release(machine.frames, frame * 0x1000), NS_POOL_OK) << step;
                state[frame] = kFree;
                stacks[zone_of(frame)].push_back(frame);
            }
        }
        }
        for (int each = 0; each < 3; each++)
            ASSERT_EQ(queued(machine, static_cast<ns_zone>(each)), stacks[each].size()) << step;
        ASSERT_EQ(machine.free_frames(), static_cast<uint64_t>(std::count(state.begin(), state.end(), kFree)));
    }
    for (uint64_t frame = 0; frame < state.size(); frame++)
        if (state[frame] == kSingle) {
            EXPECT_EQ(ns_frames_release(machine.frames, frame * 0x1000), NS_POOL_OK);
        }
    for (const auto &[physical, count] : blocks)
        EXPECT_EQ(ns_frames_free(machine.frames, physical, count), NS_POOL_OK);
    EXPECT_TRUE(machine.port.misuses.empty());
}

} // namespace
