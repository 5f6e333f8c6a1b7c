/* SPDX-License-Identifier: Apache-2.0 */
#include "fake_port.h"
#include "pool/zone.h"

#include <algorithm>

namespace {

using fake::kGiB;
using fake::kMiB;

/* 4 frames below the limit, 4 above it. */
std::vector<ns_frame_region> straddling() {
    return {{4 * kGiB - 0x4000, 0x8000}};
}

ns_frames_request request(uint64_t count, ns_zone zone = NS_POOL_ZONE_DMA32, uint64_t alignment = 1,
                          uint64_t highest = UINT64_MAX) {
    return {count, alignment, 0, highest, zone};
}

uint64_t take(ns_frames *frames, const ns_frames_request &request) {
    uint64_t physical = 0;
    EXPECT_EQ(ns_frames_allocate(frames, &request, &physical), NS_POOL_OK);
    return physical;
}

TEST(Zone, LimitSplitsARegionIntoTwoZones) {
    fake::Machine machine(straddling());
    EXPECT_EQ(ns_frames_total_count(machine.frames, NS_POOL_ZONE_DMA32), 4u);
    EXPECT_EQ(ns_frames_total_count(machine.frames, NS_POOL_ZONE_NORMAL), 4u);
    EXPECT_EQ(ns_frames_limit(machine.frames, NS_POOL_ZONE_DMA32), 4 * kGiB);
    /* A block never crosses the border, although 5 free frames lie side by side. */
    const ns_frames_request five = request(5, NS_POOL_ZONE_NORMAL);
    uint64_t physical = 0;
    EXPECT_EQ(ns_frames_allocate(machine.frames, &five, &physical), NS_POOL_ERROR_EXHAUSTED);
}

TEST(Zone, NormalFallsBackToDmaAndDmaNeverGoesUp) {
    fake::Machine machine(straddling());
    std::vector<uint64_t> taken;
    for (int i = 0; i < 8; i++)
        taken.push_back(take(machine.frames, request(1, NS_POOL_ZONE_NORMAL)));
    for (int i = 0; i < 4; i++) {
        EXPECT_EQ(taken[i], 4 * kGiB + 0x1000u * i);
        EXPECT_EQ(taken[4 + i], 4 * kGiB - 0x4000 + 0x1000u * i);
    }
    for (int i = 0; i < 4; i++)
        EXPECT_EQ(ns_frames_free(machine.frames, taken[i], 1), NS_POOL_OK);
    uint64_t physical = 0;
    const ns_frames_request low = request(1, NS_POOL_ZONE_DMA32);
    EXPECT_EQ(ns_frames_allocate(machine.frames, &low, &physical), NS_POOL_ERROR_EXHAUSTED);
    for (int i = 4; i < 8; i++)
        EXPECT_EQ(ns_frames_free(machine.frames, taken[i], 1), NS_POOL_OK);
}

TEST(Zone, TakesTheLowestRunThatFits) {
    fake::Machine machine({{0x10'0000, 16 * 0x1000}}); /* given unsorted regions elsewhere; here holes decide */
    const uint64_t a = take(machine.frames, request(2));
    const uint64_t b = take(machine.frames, request(1));
    const uint64_t c = take(machine.frames, request(2));
    EXPECT_EQ(a, 0x10'0000u);
    EXPECT_EQ(b, 0x10'2000u);
    EXPECT_EQ(c, 0x10'3000u);
    EXPECT_EQ(ns_frames_free(machine.frames, a, 2), NS_POOL_OK);
    const uint64_t d = take(machine.frames, request(3)); /* the hole of two is too small */
    EXPECT_EQ(d, 0x10'5000u);
    const uint64_t e = take(machine.frames, request(1));
    EXPECT_EQ(e, 0x10'0000u);
    const uint64_t f = take(machine.frames, request(2, NS_POOL_ZONE_DMA32, 4)); /* aligned to 16 KiB, absolutely */
    EXPECT_EQ(f, 0x10'8000u);
    for (auto block : {std::pair{b, 1}, {c, 2}, {d, 3}, {e, 1}, {f, 2}})
        EXPECT_EQ(ns_frames_free(machine.frames, block.first, static_cast<uint64_t>(block.second)), NS_POOL_OK);
}

TEST(Zone, AlignmentIsOfThePhysicalAddressNotOfTheRegion) {
    fake::Machine machine({{0x3000, 0x20000}});
    const uint64_t block = take(machine.frames, request(1, NS_POOL_ZONE_DMA32, 8));
    EXPECT_EQ(block, 0x8000u);
    EXPECT_EQ(ns_frames_free(machine.frames, block, 1), NS_POOL_OK);
}

TEST(Zone, HighestAndLowestAreBytes) {
    fake::Machine machine({{0, 0x8000}});
    uint64_t physical = 0;
    struct {
        uint64_t count, lowest, highest;
        bool fits;
        uint64_t where;
    } const rows[] = {
        {1, 0, 0xfff, true, 0},
        {1, 0, 0xffe, false, 0},
        {2, 0, 0x1fff, true, 0},
        {2, 0, 0x1ffe, false, 0},
        {1, 1, UINT64_MAX, true, 0x1000},
        {1, 0x7000, UINT64_MAX, true, 0x7000},
        {1, 0x7001, UINT64_MAX, false, 0},
        {1, 0x4000, 0x3fff, false, 0},
        {1, UINT64_MAX, UINT64_MAX, false, 0},
    };
    for (const auto &row : rows) {
        SCOPED_TRACE(testing::Message() << row.count << " " << row.lowest << " " << row.highest);
        const ns_frames_request asked = {row.count, 1, row.lowest, row.highest, NS_POOL_ZONE_DMA32};
        const ns_pool_status status = ns_frames_allocate(machine.frames, &asked, &physical);
        ASSERT_EQ(status, row.fits ? NS_POOL_OK : NS_POOL_ERROR_EXHAUSTED);
        if (row.fits) {
            EXPECT_EQ(physical, row.where);
            EXPECT_EQ(ns_frames_free(machine.frames, physical, row.count), NS_POOL_OK);
        }
    }
}

TEST(Zone, RefusesArgumentsOutOfRange) {
    fake::Machine machine;
    uint64_t physical = 0;
    for (const ns_frames_request &asked : {ns_frames_request{0, 1, 0, UINT64_MAX, NS_POOL_ZONE_DMA32},
                                           ns_frames_request{1, 0, 0, UINT64_MAX, NS_POOL_ZONE_DMA32},
                                           ns_frames_request{1, 3, 0, UINT64_MAX, NS_POOL_ZONE_DMA32},
                                           ns_frames_request{1, UINT64_C(1) << 63, 0, UINT64_MAX, NS_POOL_ZONE_DMA32}})
        EXPECT_EQ(ns_frames_allocate(machine.frames, &asked, &physical), NS_POOL_ERROR_ARGUMENT);
    const ns_frames_request huge = {UINT64_MAX, 1, 0, UINT64_MAX, NS_POOL_ZONE_NORMAL};
    EXPECT_EQ(ns_frames_allocate(machine.frames, &huge, &physical), NS_POOL_ERROR_EXHAUSTED);

    const std::vector<std::vector<ns_frame_region>> bad = {
        {},
        {{0x800, 0x1000}},
        {{0x1000, 0x800}},
        {{0x1000, 0}},
        {{0x1000, 0x2000}, {0x2000, 0x1000}},
        {{UINT64_MAX - 0xfff, 0x2000}},
    };
    const ns_zone_limits limits = {0, 4 * kGiB};
    for (const auto &regions : bad) {
        ns_frames *frames = nullptr;
        EXPECT_EQ(ns_frames_create(machine.port.get(), regions.data(), regions.size(), &limits, &frames),
                  NS_POOL_ERROR_ARGUMENT);
    }
    const ns_frame_region good = {0, 0x1000};
    ns_frames *frames = nullptr;
    for (const ns_zone_limits &odd : {ns_zone_limits{0, 0x800}, {0x800, 0x1000}, {0x2000, 0x1000}})
        EXPECT_EQ(ns_frames_create(machine.port.get(), &good, 1, &odd, &frames), NS_POOL_ERROR_ARGUMENT);
    EXPECT_EQ(machine.port.metadata_blocks(), 1u) << "a refused creation keeps nothing";
}

TEST(Zone, ToldOfEveryWrongFree) {
    fake::Machine machine({{0x10'0000, 0x10000}});
    const uint64_t two = take(machine.frames, request(2));
    const uint64_t one = take(machine.frames, request(1));
    const uint64_t gone = take(machine.frames, request(1));
    EXPECT_EQ(ns_frames_free(machine.frames, gone, 1), NS_POOL_OK);
    struct {
        const char *what;
        uint64_t physical, count;
        ns_port_misuse misuse;
    } const rows[] = {
        {"free again", gone, 1, NS_MISUSE_DOUBLE_FREE},
        {"never allocated", 0x10'8000, 1, NS_MISUSE_DOUBLE_FREE},
        {"outside of RAM", 0x20'0000, 1, NS_MISUSE_FOREIGN_FREE},
        {"over the end of RAM", 0x10'f000, 2, NS_MISUSE_FOREIGN_FREE},
        {"not a frame", two + 1, 2, NS_MISUSE_FOREIGN_FREE},
        {"too few", two, 1, NS_MISUSE_FOREIGN_FREE},
        {"too many: into the next block", two, 3, NS_MISUSE_FOREIGN_FREE},
        {"too many: into free frames", one, 2, NS_MISUSE_FOREIGN_FREE},
        {"second half", two + 0x1000, 1, NS_MISUSE_FOREIGN_FREE},
        {"nothing", two, 0, NS_MISUSE_FOREIGN_FREE},
    };
    for (const auto &row : rows) {
        SCOPED_TRACE(row.what);
        machine.port.misuses.clear();
        const uint64_t before = machine.free_frames();
        EXPECT_EQ(ns_frames_free(machine.frames, row.physical, row.count), NS_POOL_ERROR_MISUSE);
        ASSERT_EQ(machine.port.misuses.size(), 1u);
        EXPECT_EQ(machine.port.misuses[0], (fake::Misuse{row.misuse, row.physical, row.count * 0x1000}));
        EXPECT_EQ(machine.free_frames(), before);
    }
    machine.port.misuses.clear();
    EXPECT_EQ(ns_frames_destroy(machine.frames), NS_POOL_ERROR_BUSY);
    EXPECT_EQ(machine.port.misuses.size(), 1u);
    EXPECT_EQ(machine.port.misuses[0].what, NS_MISUSE_DESTROY_BUSY);
    EXPECT_EQ(ns_frames_free(machine.frames, two, 2), NS_POOL_OK);
    EXPECT_EQ(ns_frames_free(machine.frames, one, 1), NS_POOL_OK);
}

TEST(Zone, WithoutMetadataThereIsNoAllocator) {
    fake::Port port;
    port.fail_metadata_at = 0;
    const ns_frame_region ram = {0, kMiB};
    ns_frames *frames = nullptr;
    const ns_zone_limits limits = {0, 4 * kGiB};
    EXPECT_EQ(ns_frames_create(port.get(), &ram, 1, &limits, &frames), NS_POOL_ERROR_METADATA);
    EXPECT_EQ(frames, nullptr);
    EXPECT_EQ(ns_frames_destroy(nullptr), NS_POOL_OK);
}

/* Against a plain array of frames, searched one by one. */
TEST(Zone, RandomSequencesMatchAnExhaustiveSearch) {
    const uint64_t seed = fake::seed();
    SCOPED_TRACE(testing::Message() << "NS_TEST_SEED=" << seed);
    fake::Random random(seed);
    const uint64_t dma_limit = 0x8'0000;                                                 /* frame 128 */
    const std::vector<ns_frame_region> ram = {{0x6'1000, 0x5'0000}, {0x1000, 0x2'3000}}; /* unsorted, one split */
    fake::Machine machine(ram, dma_limit);
    std::vector<int> state(256, -1); /* -1: no RAM, 0: free, 1: used */
    for (const auto &region : ram)
        for (uint64_t i = 0; i < region.length / 0x1000; i++)
            state[region.base / 0x1000 + i] = 0;
    const uint64_t border = dma_limit / 0x1000;
    std::vector<std::pair<uint64_t, uint64_t>> live;

    const auto search = [&](const ns_frames_request &asked, uint64_t from, uint64_t to) -> int64_t {
        for (uint64_t first = from; first + asked.count <= to; first++) {
            bool fits = first % asked.alignment == 0 && first * 0x1000 >= asked.lowest &&
                        (first + asked.count) * 0x1000 - 1 <= asked.highest;
            for (uint64_t i = 0; fits && i < asked.count; i++)
                fits = state[first + i] == 0;
            if (fits)
                return static_cast<int64_t>(first);
        }
        return -1;
    };

    for (int step = 0; step < 20000; step++) {
        if (random.below(5) < 3) {
            const ns_frames_request asked = {1 + random.below(random.below(4) ? 3 : 20), UINT64_C(1) << random.below(5),
                                             random.below(3) ? 0 : random.below(0xC'0000),
                                             random.below(3) ? UINT64_MAX : random.below(0xC'0000),
                                             random.below(2) ? NS_POOL_ZONE_NORMAL : NS_POOL_ZONE_DMA32};
            int64_t expected = asked.zone == NS_POOL_ZONE_NORMAL ? search(asked, border, 256) : -1;
            if (expected < 0)
                expected = search(asked, 0, border);
            uint64_t physical = 0;
            const ns_pool_status status = ns_frames_allocate(machine.frames, &asked, &physical);
            ASSERT_EQ(status, expected < 0 ? NS_POOL_ERROR_EXHAUSTED : NS_POOL_OK) << "step " << step;
            if (expected < 0)
                continue;
            ASSERT_EQ(physical, static_cast<uint64_t>(expected) * 0x1000) << "step " << step;
            for (uint64_t i = 0; i < asked.count; i++)
                state[physical / 0x1000 + i] = 1;
            live.push_back({physical, asked.count});
        } else if (!live.empty()) {
            const size_t victim = random.below(live.size());
            const auto [physical, count] = live[victim];
            ASSERT_TRUE(machine.holds(physical, count));
            ASSERT_EQ(ns_frames_free(machine.frames, physical, count), NS_POOL_OK);
            for (uint64_t i = 0; i < count; i++)
                state[physical / 0x1000 + i] = 0;
            live.erase(live.begin() + static_cast<std::ptrdiff_t>(victim));
        }
        ASSERT_EQ(machine.free_frames(), static_cast<uint64_t>(std::count(state.begin(), state.end(), 0)));
    }
    for (const auto &[physical, count] : live)
        EXPECT_EQ(ns_frames_free(machine.frames, physical, count), NS_POOL_OK);
    EXPECT_TRUE(machine.port.misuses.empty());
}

} // namespace
