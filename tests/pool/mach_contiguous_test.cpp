/* SPDX-License-Identifier: Apache-2.0 */
#include "fake_port.h"
#include "pool/mach_contiguous.h"

namespace {

using fake::kGiB;
using fake::kMiB;

const ns_mach_grab_options kPlain = {0, false};

/* ---- vm_page_grab_contiguous_pages ---- */

TEST(MachGrab, KnowsNoAddressLimitAndNoZoneBorder) {
    /* Two frames below 16 MiB, two above: an ISA device is given four. */
    fake::Machine machine({{16 * kMiB - 0x2000, 0x10000}}, 4 * kGiB, 16 * kMiB);
    uint64_t run = 0;
    /* One page for the bitmap: (16 MiB + 56 KiB) / 4096 bits are 514 bytes. It takes the first frame of DMA32. */
    ns_mach_grab_cost cost = {};
    ASSERT_EQ(ns_mach_grab_contiguous(machine.frames, &kPlain, 2, &run, &cost), NS_POOL_OK);
    EXPECT_EQ(run, 16 * kMiB - 0x2000);
    EXPECT_EQ(cost.bitmap_pages, 1u);
    EXPECT_EQ(cost.pages_walked, 15u);
    ASSERT_EQ(ns_mach_grab_contiguous(machine.frames, &kPlain, 4, &run, &cost), NS_POOL_OK);
    EXPECT_EQ(run, 16 * kMiB + 0x1000) << "wholly above what the device can reach";
    EXPECT_EQ(ns_frames_release_run(machine.frames, 16 * kMiB - 0x2000, 2), NS_POOL_OK);
    EXPECT_EQ(ns_frames_release_run(machine.frames, run, 4), NS_POOL_OK);

    /* The repair has a limit, and keeps to the zone. */
    const ns_frames_request isa = {4, 1, 0, 16 * kMiB - 1, NS_POOL_ZONE_DMA};
    EXPECT_EQ(ns_frames_grab_contiguous(machine.frames, &isa, &run), NS_POOL_ERROR_EXHAUSTED);
}

TEST(MachGrab, ARunMayCrossAZoneBorder) {
    fake::Machine machine({{16 * kMiB - 0x2000, 0x4000}, {4 * kGiB, kMiB}}, 4 * kGiB, 16 * kMiB);
    uint64_t run = 0;
    ASSERT_EQ(ns_mach_grab_contiguous(machine.frames, &kPlain, 4, &run, nullptr), NS_POOL_OK);
    EXPECT_EQ(run, 16 * kMiB - 0x2000);
    EXPECT_EQ(ns_frames_release_run(machine.frames, run, 4), NS_POOL_OK);
}

TEST(MachGrab, TheFreshBitmapNeedsPagesItself) {
    fake::Machine machine({{0x10'0000, 0x8000}});
    uint64_t run = 0;
    EXPECT_EQ(ns_mach_grab_contiguous(machine.frames, &kPlain, 8, &run, nullptr), NS_POOL_ERROR_EXHAUSTED)
        << "eight free pages are there, but the bitmap sits in one of them";
    EXPECT_EQ(machine.free_frames(), 8u);
    const ns_frames_request all = {8, 1, 0, UINT64_MAX, NS_POOL_ZONE_NORMAL};
    ASSERT_EQ(ns_frames_grab_contiguous(machine.frames, &all, &run), NS_POOL_OK) << "the kept bitmap needs none";
    EXPECT_EQ(ns_mach_grab_contiguous(machine.frames, &kPlain, 1, &run, nullptr), NS_POOL_ERROR_EXHAUSTED);
    EXPECT_EQ(ns_frames_release_run(machine.frames, 0x10'0000, 8), NS_POOL_OK);
}

TEST(MachGrab, BelowTheReserveTheBitmapLeaksUnlessRepaired) {
    for (const bool leaks : {true, false}) {
        fake::Machine machine({{0x10'0000, 0x8000}});
        const ns_mach_grab_options options = {8, leaks}; /* 7 are free once the bitmap has its page */
        uint64_t run = 0;
        EXPECT_EQ(ns_mach_grab_contiguous(machine.frames, &options, 1, &run, nullptr), NS_POOL_ERROR_EXHAUSTED);
        EXPECT_EQ(machine.free_frames(), leaks ? 7u : 8u);
        if (leaks) {
            EXPECT_EQ(ns_frames_release(machine.frames, 0x10'0000), NS_POOL_OK); /* the lowest frame, lost */
        }
    }
}

TEST(MachGrab, FailedBookKeepingLosesNothing) {
    for (int step = 0; step < 2; step++) {
        fake::Machine machine({{0x10'0000, 0x8000}});
        machine.port.fail_metadata_at = step;
        uint64_t run = 0;
        EXPECT_EQ(ns_mach_grab_contiguous(machine.frames, &kPlain, 1, &run, nullptr), NS_POOL_ERROR_METADATA);
        EXPECT_EQ(machine.free_frames(), 8u);
        EXPECT_EQ(machine.port.metadata_blocks(), 1u);
    }
    fake::Machine machine({{0x10'0000, 0x8000}});
    uint64_t run = 0;
    EXPECT_EQ(ns_mach_grab_contiguous(machine.frames, &kPlain, 0, &run, nullptr), NS_POOL_ERROR_ARGUMENT);
    EXPECT_EQ(ns_mach_grab_contiguous(machine.frames, &kPlain, UINT64_MAX, &run, nullptr), NS_POOL_ERROR_EXHAUSTED);
}

TEST(MachGrab, FindsTheLowestRunWhateverItsPlaceInTheWords) {
    const uint64_t seed = fake::seed();
    SCOPED_TRACE(testing::Message() << "NS_TEST_SEED=" << seed);
    fake::Random random(seed);
    fake::Machine machine({{0, 0x10'0000}});
    std::vector<bool> held(256);
    for (int step = 0; step < 3000; step++) {
        const uint64_t count = 1 + random.below(random.below(10) ? 6 : 100);
        if (random.below(2)) {
            /* The bitmap will sit in the page that is next to be grabbed. */
            uint64_t page = 0, run = 0;
            if (ns_frames_grab(machine.frames, NS_POOL_ZONE_NORMAL, &page) != NS_POOL_OK)
                continue;
            ASSERT_EQ(ns_frames_release(machine.frames, page), NS_POOL_OK);
            held[page / 0x1000] = true;
            uint64_t expected = 256;
            for (uint64_t first = 0; first + count <= 256 && expected == 256; first++)
                if (std::count(held.begin() + static_cast<std::ptrdiff_t>(first),
                               held.begin() + static_cast<std::ptrdiff_t>(first + count), true) == 0)
                    expected = first;
            held[page / 0x1000] = false;
            const ns_pool_status status = ns_mach_grab_contiguous(machine.frames, &kPlain, count, &run, nullptr);
            ASSERT_EQ(status, expected == 256 ? NS_POOL_ERROR_EXHAUSTED : NS_POOL_OK) << step;
            if (status != NS_POOL_OK)
                continue;
            ASSERT_EQ(run / 0x1000, expected) << step;
            for (uint64_t i = 0; i < count; i++)
                held[expected + i] = true;
        } else {
            const uint64_t frame = random.below(256);
            if (held[frame]) {
                ASSERT_EQ(ns_frames_release(machine.frames, frame * 0x1000), NS_POOL_OK);
                held[frame] = false;
            }
        }
        ASSERT_EQ(machine.free_frames(), static_cast<uint64_t>(std::count(held.begin(), held.end(), false)));
    }
    for (uint64_t frame = 0; frame < 256; frame++)
        if (held[frame]) {
            EXPECT_EQ(ns_frames_release(machine.frames, frame * 0x1000), NS_POOL_OK);
        }
}

/* ---- vm_allocate_contiguous ---- */

const ns_mach_limits kWide = {16 * kMiB, 4 * kGiB, 64 * kGiB, 1024 * kGiB}; /* 64-bit: DMA32 below DIRECTMAP */
const ns_mach_limits kPae = {16 * kMiB, 4 * kGiB, 896 * kMiB, 64 * kGiB};   /* 32-bit PAE: above it */
const ns_mach_limits kPaeNoDma32 = {16 * kMiB, 0, 896 * kMiB, 64 * kGiB};

TEST(MachContiguous, SegmentForEachLimitAtTheExactBoundaries) {
    const auto lower = NS_MACH_SELECT_ABOVE_LOWER, inside = NS_MACH_SELECT_CONTAINING, covered = NS_MACH_SELECT_COVERED;
    const auto fixed = NS_MACH_ORDER_FIXED, sorted = NS_MACH_ORDER_BY_LIMIT;
    const auto dma = NS_MACH_DMA, dma32 = NS_MACH_DMA32, direct = NS_MACH_DIRECTMAP, high = NS_MACH_HIGHMEM;
    struct {
        const char *kernel;
        ns_mach_limits limits;
        ns_mach_selection selection;
        ns_mach_order order;
        uint64_t pmax;
        ns_mach_segment segment;
    } const rows[] = {
        /* The original: one byte above the lower limit is enough. */
        {"wide", kWide, lower, fixed, 0, dma},
        {"wide", kWide, lower, fixed, 16 * kMiB, dma},
        {"wide", kWide, lower, fixed, 16 * kMiB + 1, dma32},
        {"wide", kWide, lower, fixed, kGiB, dma32},
        {"wide", kWide, lower, fixed, 4 * kGiB, dma32},
        {"wide", kWide, lower, fixed, 4 * kGiB + 1, direct},
        {"wide", kWide, lower, fixed, 64 * kGiB, direct},
        {"wide", kWide, lower, fixed, 64 * kGiB + 1, high},
        {"wide", kWide, lower, fixed, UINT64_MAX, high},
        /* By the segment that contains pmax: the same, but what is above all segments gets the lowest. */
        {"wide", kWide, inside, fixed, 16 * kMiB, dma},
        {"wide", kWide, inside, fixed, 16 * kMiB + 1, dma32},
        {"wide", kWide, inside, fixed, kGiB, dma32},
        {"wide", kWide, inside, fixed, 4 * kGiB, dma32},
        {"wide", kWide, inside, fixed, 4 * kGiB + 1, direct},
        {"wide", kWide, inside, fixed, 1024 * kGiB, high},
        {"wide", kWide, inside, fixed, 1024 * kGiB + 1, dma},
        {"wide", kWide, inside, fixed, UINT64_MAX, dma},
        /* Only what is covered. */
        {"wide", kWide, covered, sorted, 16 * kMiB + 1, dma},
        {"wide", kWide, covered, sorted, kGiB, dma},
        {"wide", kWide, covered, sorted, 4 * kGiB - 1, dma},
        {"wide", kWide, covered, sorted, 4 * kGiB, dma32},
        {"wide", kWide, covered, sorted, 64 * kGiB - 1, dma32},
        {"wide", kWide, covered, sorted, 64 * kGiB, direct},
        {"wide", kWide, covered, sorted, 1024 * kGiB - 1, direct},
        {"wide", kWide, covered, sorted, 1024 * kGiB, high},
        {"wide", kWide, covered, sorted, UINT64_MAX, high},
        /* PAE with the order of the other kernels: the test for DIRECTMAP comes last and overrules DMA32, so that a
         * 32-bit device gets high memory. */
        {"PAE", kPae, lower, fixed, 16 * kMiB, dma},
        {"PAE", kPae, lower, fixed, 896 * kMiB, dma32}, /* already above what was asked for */
        {"PAE", kPae, lower, fixed, 896 * kMiB + 1, high},
        {"PAE", kPae, lower, fixed, 4 * kGiB, high},
        {"PAE", kPae, lower, sorted, 896 * kMiB, direct},
        {"PAE", kPae, lower, sorted, 896 * kMiB + 1, dma32},
        {"PAE", kPae, lower, sorted, 4 * kGiB, dma32},
        {"PAE", kPae, lower, sorted, 4 * kGiB + 1, high},
        {"PAE", kPae, covered, sorted, 896 * kMiB - 1, dma},
        {"PAE", kPae, covered, sorted, 896 * kMiB, direct},
        {"PAE", kPae, covered, sorted, 4 * kGiB - 1, direct},
        {"PAE", kPae, covered, sorted, 4 * kGiB, dma32},
        {"PAE", kPae, covered, sorted, 64 * kGiB, high},
        /* Without the limit of DMA32 a 32-bit device is above DIRECTMAP: the original takes HIGHMEM, the repair falls
         * back to 896 MiB. */
        {"PAE, no DMA32", kPaeNoDma32, lower, sorted, 896 * kMiB, direct},
        {"PAE, no DMA32", kPaeNoDma32, lower, sorted, 4 * kGiB, high},
        {"PAE, no DMA32", kPaeNoDma32, covered, sorted, 4 * kGiB, direct},
    };
    for (const auto &row : rows) {
        SCOPED_TRACE(testing::Message() << row.kernel << ", selection " << row.selection << ", order " << row.order
                                        << ", pmax 0x" << std::hex << row.pmax);
        const ns_mach_contiguous_options options = {row.limits, row.selection, row.order, NS_MACH_CHECK_NOTHING};
        EXPECT_EQ(ns_mach_select_segment(&options, row.pmax), row.segment);
    }
}

TEST(MachContiguous, EndCheckAtTheExactBoundaries) {
    const uint64_t pmax = kGiB;
    struct {
        uint64_t physical, size;
        bool start_below, end_below, end_within;
    } const rows[] = {
        {kGiB - 0x3000, 0x2000, true, true, true},
        {kGiB - 0x2001, 0x2000, true, true, true},
        {kGiB - 0x2000, 0x2000, true, false, true}, /* ends exactly at the limit: fine, but b1ac5b47 stops */
        {kGiB - 0x1fff, 0x2000, true, false, false},
        {kGiB - 0x1000, 0x2000, true, false, false}, /* begins below, ends above: 4887b6c7 lets it pass */
        {kGiB - 1, 0x2000, true, false, false},
        {kGiB, 0x2000, false, false, false},
        {UINT64_MAX - 0xfff, 0x2000, false, false, false}, /* the sum wraps */
        {0x1000, UINT64_MAX, true, false, false},
    };
    for (const auto &row : rows) {
        SCOPED_TRACE(testing::Message() << std::hex << row.physical << " + " << row.size);
        EXPECT_TRUE(ns_mach_end_passes(NS_MACH_CHECK_NOTHING, row.physical, row.size, pmax));
        EXPECT_EQ(ns_mach_end_passes(NS_MACH_CHECK_START_BELOW, row.physical, row.size, pmax), row.start_below);
        EXPECT_EQ(ns_mach_end_passes(NS_MACH_CHECK_END_BELOW, row.physical, row.size, pmax), row.end_below);
        EXPECT_EQ(ns_mach_end_passes(NS_MACH_CHECK_END_WITHIN, row.physical, row.size, pmax), row.end_within);
    }
}

struct Wanted {
    ns_mach_contiguous_options options;
    uint64_t size, pmax;
    ns_pool_status status;
    uint64_t where;
};

void expect_allocations(const std::vector<ns_frame_region> &ram, const std::vector<Wanted> &rows) {
    for (const Wanted &row : rows) {
        SCOPED_TRACE(testing::Message() << "selection " << row.options.selection << ", check " << row.options.end_check
                                        << ", size 0x" << std::hex << row.size << ", pmax 0x" << row.pmax);
        fake::Machine machine(ram, 4 * kGiB, 16 * kMiB);
        const uint64_t before = machine.free_frames();
        uint64_t run = 0;
        ASSERT_EQ(ns_mach_allocate_contiguous(machine.frames, &row.options, row.size, 0, row.pmax, 0, &run),
                  row.status);
        const uint64_t pages = row.status == NS_POOL_OK ? (row.size + 0xfff) / 0x1000 : 0;
        EXPECT_EQ(machine.free_frames(), before - pages) << "the tail of the block is released";
        EXPECT_EQ(machine.port.heard("assertion failed"), row.status == NS_POOL_ERROR_NOT_ADDRESSABLE);
        if (pages == 0)
            continue;
        EXPECT_EQ(run, row.where);
        EXPECT_EQ(ns_frames_release_run(machine.frames, run, pages), NS_POOL_OK);
    }
}

TEST(MachContiguous, ADeviceOfOneGibibyteGetsMemoryAboveItUnlessRepaired) {
    const std::vector<ns_frame_region> ram = {{8 * kMiB, kMiB}, {2 * kGiB, kMiB}};
    const auto with = [](ns_mach_selection selection, ns_mach_end_check check) {
        return ns_mach_contiguous_options{kWide, selection, NS_MACH_ORDER_BY_LIMIT, check};
    };
    expect_allocations(
        ram,
        {
            {with(NS_MACH_SELECT_ABOVE_LOWER, NS_MACH_CHECK_NOTHING), 0x3000, kGiB, NS_POOL_OK, 2 * kGiB},
            {with(NS_MACH_SELECT_CONTAINING, NS_MACH_CHECK_NOTHING), 0x3000, kGiB, NS_POOL_OK, 2 * kGiB},
            {with(NS_MACH_SELECT_CONTAINING, NS_MACH_CHECK_END_WITHIN), 0x3000, kGiB, NS_POOL_ERROR_NOT_ADDRESSABLE, 0},
            {with(NS_MACH_SELECT_COVERED, NS_MACH_CHECK_END_WITHIN), 0x3000, kGiB, NS_POOL_OK, 8 * kMiB},
            {with(NS_MACH_SELECT_COVERED, NS_MACH_CHECK_END_WITHIN), 0x3000, 4 * kGiB, NS_POOL_OK, 2 * kGiB},
            /* Downward only: nothing for a device of 16 MiB but the DMA segment. */
            {with(NS_MACH_SELECT_COVERED, NS_MACH_CHECK_END_WITHIN), 2 * kMiB, 4 * kGiB, NS_POOL_ERROR_EXHAUSTED, 0},
        });
}

TEST(MachContiguous, ABlockThatEndsAtTheLimitStopsTheKernelOfOneYear) {
    const std::vector<ns_frame_region> ram = {{16 * kMiB - 0x4000, 0x4000}};
    const auto with = [](ns_mach_end_check check) {
        return ns_mach_contiguous_options{kWide, NS_MACH_SELECT_COVERED, NS_MACH_ORDER_BY_LIMIT, check};
    };
    expect_allocations(ram, {
                                {with(NS_MACH_CHECK_END_BELOW), 0x4000, 16 * kMiB, NS_POOL_ERROR_NOT_ADDRESSABLE, 0},
                                {with(NS_MACH_CHECK_END_WITHIN), 0x4000, 16 * kMiB, NS_POOL_OK, 16 * kMiB - 0x4000},
                                {with(NS_MACH_CHECK_END_BELOW), 0x3000, 16 * kMiB, NS_POOL_OK, 16 * kMiB - 0x4000},
                            });
}

TEST(MachContiguous, ThePaeKernelsOrderGivesA32BitDeviceHighMemory) {
    const std::vector<ns_frame_region> ram = {{2 * kGiB, kMiB}, {8 * kGiB, kMiB}};
    const auto with = [](ns_mach_order order) {
        return ns_mach_contiguous_options{kPae, NS_MACH_SELECT_ABOVE_LOWER, order, NS_MACH_CHECK_NOTHING};
    };
    expect_allocations(ram, {
                                {with(NS_MACH_ORDER_FIXED), 0x1000, 4 * kGiB, NS_POOL_OK, 8 * kGiB},
                                {with(NS_MACH_ORDER_BY_LIMIT), 0x1000, 4 * kGiB, NS_POOL_OK, 2 * kGiB},
                            });
}

TEST(MachContiguous, RefusesWhatTheOriginalDoesNotKnow) {
    fake::Machine machine;
    ns_mach_contiguous_options options = {kWide, NS_MACH_SELECT_COVERED, NS_MACH_ORDER_BY_LIMIT,
                                          NS_MACH_CHECK_END_WITHIN};
    struct {
        const char *what;
        uint64_t size, pmin, palign;
        ns_pool_status status;
    } const rows[] = {
        {"size 0", 0, 0, 0, NS_POOL_ERROR_ARGUMENT},
        {"huge", UINT64_MAX, 0, 0, NS_POOL_ERROR_ARGUMENT},
        {"above the largest order", 4 * kMiB + 1, 0, 0, NS_POOL_ERROR_ARGUMENT},
        {"the largest order", 4 * kMiB, 0, 0, NS_POOL_OK},
        {"a lower limit", 0x1000, 1, 0, NS_POOL_ERROR_ARGUMENT},
        {"alignment of 64 KiB", 0x1000, 0, 0x10000, NS_POOL_ERROR_ARGUMENT},
        {"alignment of 3", 0x1000, 0, 3, NS_POOL_ERROR_ARGUMENT},
        {"alignment of 64", 0x1000, 0, 64, NS_POOL_OK},
        {"alignment of a page", 0x1000, 0, 0x1000, NS_POOL_OK},
    };
    for (const auto &row : rows) {
        SCOPED_TRACE(row.what);
        uint64_t run = 0;
        ASSERT_EQ(ns_mach_allocate_contiguous(machine.frames, &options, row.size, row.pmin, 4 * kGiB, row.palign, &run),
                  row.status);
        if (row.status == NS_POOL_OK) {
            EXPECT_EQ(ns_frames_release_run(machine.frames, run, row.size / 0x1000), NS_POOL_OK);
        }
    }
    for (const ns_mach_limits &odd : {ns_mach_limits{0, 0, 0, 0},
                                      {kMiB, 4 * kGiB, kMiB - 0x1000, 8 * kGiB},
                                      {kMiB, 0x1000, kGiB, 8 * kGiB},
                                      {kMiB, 16 * kGiB, kGiB, 8 * kGiB},
                                      {kMiB, 4 * kGiB, 9 * kGiB, 8 * kGiB},
                                      {kMiB + 1, 0, kGiB, 8 * kGiB}}) {
        options.limits = odd;
        uint64_t run = 0;
        EXPECT_EQ(ns_mach_allocate_contiguous(machine.frames, &options, 1, 0, 4 * kGiB, 0, &run),
                  NS_POOL_ERROR_ARGUMENT);
    }
}

/* With the repairs, no page lies above what the device can reach, and nothing is lost. */
TEST(MachContiguous, RandomRequestsWithTheRepairsNeverPassTheLimit) {
    const uint64_t seed = fake::seed();
    SCOPED_TRACE(testing::Message() << "NS_TEST_SEED=" << seed);
    fake::Random random(seed);
    fake::Machine machine({{16 * kMiB - 0x20000, 0x40000}, {896 * kMiB - 0x10000, 0x20000}, {4 * kGiB, 0x20000}},
                          4 * kGiB, 16 * kMiB);
    const uint64_t total = machine.free_frames();
    std::map<uint64_t, uint64_t> live; /* pages */
    uint64_t held = 0;
    const uint64_t limits[] = {16 * kMiB, kGiB, 4 * kGiB, 64 * kGiB, UINT64_MAX, 16 * kMiB + 1};
    for (int step = 0; step < 5000; step++) {
        if (random.below(2)) {
            const ns_mach_contiguous_options options = {random.below(2) ? kWide : kPae, NS_MACH_SELECT_COVERED,
                                                        NS_MACH_ORDER_BY_LIMIT, NS_MACH_CHECK_END_WITHIN};
            const uint64_t pmax = limits[random.below(6)], size = 1 + random.below(0x6000);
            uint64_t run = 0;
            const ns_pool_status status = ns_mach_allocate_contiguous(machine.frames, &options, size, 0, pmax, 0, &run);
            ASSERT_TRUE(status == NS_POOL_OK || status == NS_POOL_ERROR_EXHAUSTED);
            if (status != NS_POOL_OK)
                continue;
            ASSERT_LE(run + size, pmax);
            const uint64_t pages = (size + 0xfff) / 0x1000;
            auto next = live.lower_bound(run);
            ASSERT_TRUE(next == live.end() || run + pages * 0x1000 <= next->first);
            ASSERT_TRUE(next == live.begin() || std::prev(next)->first + std::prev(next)->second * 0x1000 <= run);
            live[run] = pages;
            held += pages;
        } else if (!live.empty()) {
            auto victim = std::next(live.begin(), static_cast<std::ptrdiff_t>(random.below(live.size())));
            ASSERT_EQ(ns_frames_release_run(machine.frames, victim->first, victim->second), NS_POOL_OK);
            held -= victim->second;
            live.erase(victim);
        }
        ASSERT_EQ(machine.free_frames(), total - held);
    }
    for (const auto &[run, pages] : live)
        EXPECT_EQ(ns_frames_release_run(machine.frames, run, pages), NS_POOL_OK);
}

} // namespace
