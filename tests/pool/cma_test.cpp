/* SPDX-License-Identifier: Apache-2.0 */
#include "fake_port.h"
#include "pool/cma.h"

#include <utility>

namespace {

using fake::kGiB;
using fake::kMiB;

constexpr uint64_t kPage = NS_FRAME_SIZE;
constexpr uint64_t kArea = 0x8000'0000; /* 16 MiB of area, then 16 MiB for everything else */
constexpr uint64_t kRest = kArea + 16 * kMiB;

struct Move {
    uint64_t owner, from, to;
};

/* One area and a page allocator beside it. */
struct System {
    explicit System(uint64_t pages = 64, unsigned order_per_bit = 0, bool strict = false, uint64_t base = kArea,
                    uint64_t rest_pages = 64)
        : ram{{base, kRest - base}, {kRest, rest_pages * kPage}}, port(ram), quick(*port.get()) {
        quick.copy = copy_page;
        EXPECT_EQ(ns_frames_create(port.get(), &ram[1], 1, &zones, &frames), NS_POOL_OK);
        config.memory = {ram.data(), ram.size(), nullptr, 0, zones, 0};
        config.request.base = base;
        config.request.size = pages * kPage;
        config.request.minimum_alignment = kPage << order_per_bit;
        config.request.order_per_bit = order_per_bit;
        config.request.fixed = true;
        config.frames = frames;
        config.moved = [](void *self, uint64_t owner, uint64_t from, uint64_t to) {
            static_cast<System *>(self)->moves.push_back({owner, from, to});
        };
        config.moved_context = this;
        config.strict = strict;
        EXPECT_EQ(ns_cma_create(&quick, &config, &cma), NS_POOL_OK);
        EXPECT_EQ(ns_cma_get_base(cma), base);
        port.said.clear();
    }
    ~System() {
        for (const Move &move : moves)
            EXPECT_EQ(ns_frames_free(frames, move.to, 1), NS_POOL_OK);
        EXPECT_EQ(ns_cma_destroy(cma), NS_POOL_OK);
        EXPECT_EQ(ns_frames_destroy(frames), NS_POOL_OK);
        EXPECT_EQ(port.metadata_blocks(), 0u);
    }
    uint64_t movable(uint64_t owner) {
        uint64_t physical = 0;
        EXPECT_EQ(ns_cma_place_movable(cma, owner, &physical), NS_POOL_OK);
        return physical;
    }
    uint64_t take(uint64_t count, unsigned align_order = 0) {
        uint64_t physical = 0;
        EXPECT_EQ(ns_cma_alloc(cma, count, align_order, false, &physical), NS_POOL_OK);
        return physical;
    }
    ns_pool_status refused(uint64_t count, unsigned align_order = 0, bool no_warn = false) {
        uint64_t physical = 0x77;
        const ns_pool_status status = ns_cma_alloc(cma, count, align_order, no_warn, &physical);
        EXPECT_EQ(physical, 0x77u);
        return status;
    }
    /* The fake port's copy goes byte by byte; this one does not, and takes linear addresses only. */
    static void copy_page(void *self, uint64_t to, uint64_t from, uint64_t length) {
        auto *port = static_cast<fake::Port *>(self);
        ASSERT_GE(std::min(to, from), fake::kLinear);
        ASSERT_EQ(length, kPage);
        std::memcpy(&port->memory(to - fake::kLinear), &port->memory(from - fake::kLinear), length);
    }
    ns_cma_statistics counts() const { return ns_cma_get_statistics(cma); }

    ns_zone_limits zones = {0, 4 * kGiB};
    std::vector<ns_frame_region> ram;
    fake::Port port;
    ns_port quick;
    ns_frames *frames = nullptr;
    ns_cma_config config{};
    ns_cma *cma = nullptr;
    std::vector<Move> moves;
};

/* ---- placement of blocks --------------------------------------------------------------------- */

/* The first block's place follows from base_pfn, align order and order_per_bit alone. */
TEST(Cma, AlignmentIsAbsolute) {
    struct {
        uint64_t base_pfn;
        unsigned align_order, order_per_bit;
        uint64_t count, pfn, bits;
    } const rows[] = {
        {0x12345, 4, 0, 16, 0x12350, 16}, /* mask 15, offset 5: bit 11 */
        {0x12340, 6, 2, 10, 0x12340, 3},  /* mask 15, offset 0: bit 0, three bits of four pages */
        {0x12345, 0, 0, 1, 0x12345, 1},   {0x12345, 1, 0, 1, 0x12346, 1},
        {0x12344, 4, 2, 1, 0x12350, 1},   {0x12344, 2, 2, 5, 0x12344, 2}, /* not above order_per_bit: mask 0 */
        {0x12344, 1, 2, 4, 0x12344, 1},
    };
    for (const auto &row : rows) {
        SCOPED_TRACE(testing::Message() << std::hex << row.base_pfn << " align " << row.align_order);
        System system(64, row.order_per_bit, true, row.base_pfn * kPage);
        EXPECT_EQ(system.take(row.count, row.align_order), row.pfn * kPage);
        EXPECT_EQ(system.counts().bits, row.bits);
        EXPECT_EQ(system.counts().taken, row.count);
        EXPECT_TRUE(ns_cma_release(system.cma, row.pfn * kPage, row.count));
        EXPECT_EQ(system.counts().bits, 0u);
    }
}

TEST(Cma, TakesTheLowestRunAndSaysWhenThereIsNone) {
    System system(16, 0, true);
    EXPECT_EQ(system.take(4), kArea);
    EXPECT_EQ(system.take(4), kArea + 4 * kPage);
    EXPECT_EQ(system.take(6), kArea + 8 * kPage);
    EXPECT_TRUE(ns_cma_release(system.cma, kArea + 4 * kPage, 4));
    EXPECT_EQ(system.refused(5), NS_POOL_ERROR_EXHAUSTED) << "6 are free, 4 in a row";
    EXPECT_TRUE(system.port.heard("alloc failed"));
    system.port.said.clear();
    EXPECT_EQ(system.refused(5, 0, true), NS_POOL_ERROR_EXHAUSTED);
    EXPECT_EQ(system.refused(17), NS_POOL_ERROR_EXHAUSTED) << "larger than the area: no line, as in Linux";
    EXPECT_EQ(system.refused(UINT64_MAX), NS_POOL_ERROR_EXHAUSTED);
    EXPECT_EQ(system.refused(0), NS_POOL_ERROR_ARGUMENT);
    EXPECT_EQ(system.refused(1, 52), NS_POOL_ERROR_ARGUMENT);
    EXPECT_EQ(system.refused(1, 64), NS_POOL_ERROR_ARGUMENT);
    EXPECT_EQ(ns_cma_alloc(nullptr, 1, 0, false, nullptr), NS_POOL_ERROR_ARGUMENT);
    EXPECT_TRUE(system.port.said.empty());
    EXPECT_EQ(system.take(4, 2), kArea + 4 * kPage);
    for (const auto &[page, count] : {std::pair{0, 4}, {4, 4}, {8, 6}})
        EXPECT_TRUE(
            ns_cma_release(system.cma, kArea + static_cast<uint64_t>(page) * kPage, static_cast<uint64_t>(count)));
    EXPECT_EQ(system.refused(1, 51), NS_POOL_ERROR_EXHAUSTED) << "no such address in the area";
}

/* ---- movable pages --------------------------------------------------------------------------- */

TEST(Cma, MovablePagesLeaveByACopyThatKeepsTheOldLinesDirty) {
    System system(8);
    const ns_port *port = system.port.get();
    const uint64_t page = system.movable(42);
    EXPECT_EQ(page, kArea);
    port->fill(port->context, fake::linear(page), kPage, 0x5a);
    ASSERT_TRUE(system.port.dirty(page, kPage));
    system.port.log.clear();

    EXPECT_EQ(system.take(2), kArea);
    ASSERT_EQ(system.moves.size(), 1u);
    EXPECT_EQ(system.moves[0].owner, 42u);
    EXPECT_EQ(system.moves[0].from, page);
    EXPECT_GE(system.moves[0].to, kRest);
    for (uint64_t i = 0; i < kPage; i += 64)
        ASSERT_EQ(system.port.memory(system.moves[0].to + i), 0x5a);
    EXPECT_TRUE(system.port.dirty(page, kPage)) << "the driver's block: what the owner wrote can still be evicted";
    EXPECT_TRUE(system.port.log.empty()) << "no maintenance, no clearing";
    EXPECT_TRUE(system.port.heard("by the CPU"));
    EXPECT_EQ(system.counts().moved, 1u);
    EXPECT_EQ(system.counts().movable, 0u);
    EXPECT_TRUE(ns_cma_release(system.cma, kArea, 2));
}

TEST(Cma, APinnedPageMakesTheSearchGoOnBehindIt) {
    System system(16);
    for (uint64_t owner = 0; owner < 6; owner++)
        system.movable(owner);
    ASSERT_EQ(ns_cma_pin(system.cma, kArea + 2 * kPage), NS_POOL_OK);
    /* At 0, 1 and 2 the page 2 is in the way; each attempt begins mask + 1 = 1 further. */
    EXPECT_EQ(system.take(4), kArea + 3 * kPage);
    EXPECT_EQ(system.counts().retries, 3u);
    /* The failed attempts moved their other pages and left them there: all but the pinned one are gone. */
    EXPECT_EQ(system.moves.size(), 5u);
    EXPECT_EQ(system.counts().movable, 1u);
    EXPECT_EQ(system.counts().bits, 4u) << "failed attempts keep no bit";
    EXPECT_TRUE(system.port.heard("is busy, retrying"));
    EXPECT_TRUE(ns_cma_release(system.cma, kArea + 3 * kPage, 4));
    ASSERT_EQ(ns_cma_unpin(system.cma, kArea + 2 * kPage), NS_POOL_OK);
    EXPECT_EQ(system.take(4), kArea) << "and now it can go";
    EXPECT_TRUE(ns_cma_release(system.cma, kArea, 4));
}

TEST(Cma, TheRetryGoesToTheNextAlignedPlace) {
    System system(16);
    for (uint64_t owner = 0; owner < 16; owner++)
        system.movable(owner);
    /* Of 4, aligned to 4: the attempts are 0, 4, 8, 12, and only 12 has no pinned page. */
    for (uint64_t page : {1, 4, 11})
        ASSERT_EQ(ns_cma_pin(system.cma, kArea + page * kPage), NS_POOL_OK);
    EXPECT_EQ(system.take(4, 2), kArea + 12 * kPage);
    EXPECT_EQ(system.counts().retries, 3u);
    EXPECT_TRUE(ns_cma_release(system.cma, kArea + 12 * kPage, 4));
    for (uint64_t page : {1, 4, 11}) {
        ASSERT_EQ(ns_cma_unpin(system.cma, kArea + page * kPage), NS_POOL_OK);
        ASSERT_EQ(ns_cma_remove_movable(system.cma, page, kArea + page * kPage), NS_POOL_OK);
    }
}

TEST(Cma, AllPlacesBusyIsBusyAndNoFrameToMoveToEndsTheSearchAtOnce) {
    System system(4, 0, false, kArea, 1);
    for (uint64_t owner = 0; owner < 4; owner++)
        system.movable(owner);
    ASSERT_EQ(ns_cma_pin(system.cma, kArea), NS_POOL_OK);
    EXPECT_EQ(system.refused(4), NS_POOL_ERROR_EXHAUSTED) << "page 1 takes the only frame, page 2 finds none";
    EXPECT_EQ(system.moves.size(), 1u);
    EXPECT_EQ(system.counts().retries, 0u);
    EXPECT_EQ(system.counts().bits, 0u);
    ASSERT_EQ(system.port.said.back().second, 12u) << "-ENOMEM";
    ASSERT_EQ(ns_cma_remove_movable(system.cma, 2, kArea + 2 * kPage), NS_POOL_OK);
    ASSERT_EQ(ns_cma_remove_movable(system.cma, 3, kArea + 3 * kPage), NS_POOL_OK);
    EXPECT_EQ(system.refused(4), NS_POOL_ERROR_BUSY);
    EXPECT_EQ(system.port.said.back().second, 16u) << "-EBUSY";
    EXPECT_EQ(system.take(3), kArea + kPage);
    EXPECT_TRUE(ns_cma_release(system.cma, kArea + kPage, 3));
    ASSERT_EQ(ns_cma_unpin(system.cma, kArea), NS_POOL_OK);
    ASSERT_EQ(ns_cma_remove_movable(system.cma, 0, kArea), NS_POOL_OK);
}

TEST(Cma, MovablePagesNeverShareAPageWithABlock) {
    System system(8, 2);
    EXPECT_EQ(system.take(5), kArea); /* two bits, eight pages; three of them stay for others */
    EXPECT_EQ(system.movable(1), kArea + 5 * kPage);
    EXPECT_EQ(system.movable(1), kArea + 6 * kPage);
    EXPECT_EQ(system.movable(1), kArea + 7 * kPage);
    uint64_t physical = 0;
    EXPECT_EQ(ns_cma_place_movable(system.cma, 1, &physical), NS_POOL_ERROR_EXHAUSTED);
    EXPECT_TRUE(ns_cma_release(system.cma, kArea, 5));
    EXPECT_EQ(system.counts().movable, 3u) << "not part of the block, not released with it";
    EXPECT_EQ(system.take(8), kArea);
    EXPECT_EQ(system.moves.size(), 3u);
    EXPECT_TRUE(ns_cma_release(system.cma, kArea, 8));
}

TEST(Cma, PinAndRemoveCheckTheirPage) {
    System system(4);
    const uint64_t page = system.movable(7);
    EXPECT_EQ(ns_cma_pin(system.cma, page + kPage), NS_POOL_ERROR_ARGUMENT);
    EXPECT_EQ(ns_cma_pin(system.cma, page + 1), NS_POOL_ERROR_ARGUMENT);
    EXPECT_EQ(ns_cma_pin(system.cma, kArea - kPage), NS_POOL_ERROR_ARGUMENT);
    EXPECT_EQ(ns_cma_pin(system.cma, 0), NS_POOL_ERROR_ARGUMENT);
    EXPECT_EQ(ns_cma_unpin(system.cma, page), NS_POOL_ERROR_ARGUMENT);
    EXPECT_EQ(ns_cma_pin(system.cma, page), NS_POOL_OK);
    EXPECT_EQ(ns_cma_pin(system.cma, page), NS_POOL_OK);
    EXPECT_EQ(ns_cma_unpin(system.cma, page), NS_POOL_OK);
    EXPECT_EQ(ns_cma_remove_movable(system.cma, 7, page), NS_POOL_ERROR_BUSY) << "pinned twice";
    EXPECT_EQ(ns_cma_unpin(system.cma, page), NS_POOL_OK);
    EXPECT_EQ(ns_cma_remove_movable(system.cma, 8, page), NS_POOL_ERROR_MISUSE);
    EXPECT_EQ(ns_cma_destroy(system.cma), NS_POOL_ERROR_BUSY);
    EXPECT_EQ(ns_cma_remove_movable(system.cma, 7, page), NS_POOL_OK);
    EXPECT_EQ(ns_cma_remove_movable(system.cma, 7, page), NS_POOL_ERROR_MISUSE);
    ASSERT_EQ(system.port.misuses.size(), 3u);
    EXPECT_EQ(system.port.misuses[1], (fake::Misuse{NS_MISUSE_DESTROY_BUSY, page, 0}));
    EXPECT_EQ(system.port.misuses[2], (fake::Misuse{NS_MISUSE_FOREIGN_FREE, page, kPage}));
}

/* ---- release --------------------------------------------------------------------------------- */

TEST(Cma, ReleaseOutsideIsFalseAndAcrossTheEndABug) {
    for (bool strict : {false, true}) {
        System system(8, 0, strict);
        const uint64_t block = system.take(8);
        EXPECT_FALSE(ns_cma_release(nullptr, block, 1));
        for (uint64_t outside : {kArea - kPage, kArea + 8 * kPage, UINT64_C(0), UINT64_MAX, kArea + 1})
            EXPECT_FALSE(ns_cma_release(system.cma, outside, 1)) << std::hex << outside;
        EXPECT_TRUE(system.port.misuses.empty()) << "the caller asks the page allocator next";
        for (uint64_t count : {UINT64_C(9), UINT64_C(1) << 52, UINT64_MAX}) {
            system.port.misuses.clear();
            EXPECT_FALSE(ns_cma_release(system.cma, block, count));
            ASSERT_EQ(system.port.misuses.size(), 1u);
            EXPECT_EQ(system.port.misuses[0].what, NS_MISUSE_FREE_SIZE);
        }
        EXPECT_FALSE(ns_cma_release(system.cma, block + kPage, 8)) << "the area has eight, but not from here on";
        EXPECT_TRUE(system.port.heard("crosses the end"));
        EXPECT_EQ(system.counts().taken, 8u);
        EXPECT_TRUE(ns_cma_release(system.cma, block, 0)) << "nothing to free";
        EXPECT_EQ(system.counts().taken, 8u);
        EXPECT_TRUE(ns_cma_release(system.cma, block, 8));
        EXPECT_EQ(system.counts().bits, 0u);
    }
}

TEST(Cma, HistoricDoubleReleaseGivesABlockTwoOwners) {
    System system(8);
    const uint64_t mine = system.take(4);
    EXPECT_TRUE(ns_cma_release(system.cma, mine, 4));
    const uint64_t yours = system.take(4);
    EXPECT_EQ(yours, mine);
    EXPECT_TRUE(ns_cma_release(system.cma, mine, 4)) << "silent";
    EXPECT_TRUE(system.port.misuses.empty());
    EXPECT_EQ(system.take(4), yours) << "a third has it too";
    EXPECT_TRUE(ns_cma_release(system.cma, yours, 4));
    /* And a page of somebody else that moved in meanwhile is gone. */
    const uint64_t page = system.movable(5);
    EXPECT_TRUE(ns_cma_release(system.cma, yours, 4));
    EXPECT_EQ(ns_cma_remove_movable(system.cma, 5, page), NS_POOL_ERROR_MISUSE);
}

TEST(Cma, StrictReleaseRefusesWhatIsNotTaken) {
    System system(16, 1, true);
    const uint64_t mine = system.take(4), other = system.take(3); /* the latter: two bits, four pages */
    struct {
        uint64_t physical, count;
        ns_port_misuse what;
    } const rows[] = {
        {mine, 8, NS_MISUSE_FREE_SIZE},                /* page 7 belongs to nobody */
        {mine + kPage, 2, NS_MISUSE_FREE_SIZE},        /* pages 0 and 3 would lose their bits */
        {other, 1, NS_MISUSE_FREE_SIZE},               /* page 5 would */
        {other + 3 * kPage, 1, NS_MISUSE_DOUBLE_FREE}, /* the spare page of the last bit */
        {kArea + 8 * kPage, 4, NS_MISUSE_DOUBLE_FREE},
    };
    for (const auto &row : rows) {
        SCOPED_TRACE(testing::Message() << std::hex << row.physical << " " << row.count);
        system.port.misuses.clear();
        EXPECT_FALSE(ns_cma_release(system.cma, row.physical, row.count));
        ASSERT_EQ(system.port.misuses.size(), 1u);
        EXPECT_EQ(system.port.misuses[0], (fake::Misuse{row.what, row.physical, row.count * kPage}));
        EXPECT_EQ(system.counts().taken, 7u);
    }
    EXPECT_TRUE(ns_cma_release(system.cma, mine, 2)) << "whole bits of a block may go first";
    EXPECT_TRUE(ns_cma_release(system.cma, mine + 2 * kPage, 2));
    EXPECT_TRUE(ns_cma_release(system.cma, other, 3));
    EXPECT_FALSE(ns_cma_release(system.cma, other, 3));
    const uint64_t page = system.movable(5);
    EXPECT_FALSE(ns_cma_release(system.cma, page, 1)) << "movable is not taken";
    EXPECT_EQ(ns_cma_remove_movable(system.cma, 5, page), NS_POOL_OK);
}

TEST(Cma, APageThatStaysTakenWithoutItsBitIsBusyForTheNext) {
    System system(8, 1);
    const uint64_t block = system.take(4);
    EXPECT_TRUE(ns_cma_release(system.cma, block, 1)) << "historic: the bit stands for page 1 too";
    EXPECT_EQ(system.take(2), block + 4 * kPage) << "page 1 is still somebody's";
    EXPECT_EQ(system.counts().retries, 1u);
    EXPECT_TRUE(ns_cma_release(system.cma, block + kPage, 3));
    EXPECT_TRUE(ns_cma_release(system.cma, block + 4 * kPage, 2));
}

/* ---- random sequences against plain lists ---------------------------------------------------- */

enum State { kFree, kTaken, kMovable, kPinned };

TEST(Cma, LongRandomSequencesAgreeWithAPlainModel) {
    const uint64_t seed = fake::seed();
    SCOPED_TRACE(testing::Message() << "NS_TEST_SEED=" << seed);
    fake::Random random(seed);
    for (int round = 0; round < 16; round++) {
        const auto order_per_bit = static_cast<unsigned>(random.below(3));
        const uint64_t unit = UINT64_C(1) << order_per_bit;
        const uint64_t pages = unit * (8 + random.below(40)), base_page = kArea / kPage + unit * random.below(64);
        System system(pages, order_per_bit, true, base_page * kPage, 40);
        std::vector<State> state(pages, kFree);
        std::vector<bool> bit(pages / unit, false);
        std::map<uint64_t, uint64_t> blocks; /* page number in the area -> pages */
        uint64_t gone = 0;                   /* frames that moved pages hold */
        uint64_t moved = 0;
        for (int step = 0; step < 1500; step++) {
            const uint64_t dice = random.below(100), any = random.below(pages);
            const uint64_t any_address = (base_page + any) * kPage;
            if (dice < 30) { /* place */
                uint64_t expected = 0;
                while (expected < pages && state[expected] != kFree)
                    expected++;
                uint64_t physical = 0;
                const ns_pool_status status = ns_cma_place_movable(system.cma, expected + 1000, &physical);
                ASSERT_EQ(status, expected < pages ? NS_POOL_OK : NS_POOL_ERROR_EXHAUSTED);
                if (status == NS_POOL_OK) {
                    ASSERT_EQ(physical, (base_page + expected) * kPage);
                    state[expected] = kMovable;
                    system.port.get()->store(system.port.get()->context, fake::linear(physical), 8, expected + 1000);
                }
            } else if (dice < 45) { /* pin or unpin */
                if (state[any] == kPinned) {
                    ASSERT_EQ(ns_cma_unpin(system.cma, any_address), NS_POOL_OK);
                    state[any] = kMovable;
                } else {
                    ASSERT_EQ(ns_cma_pin(system.cma, any_address),
                              state[any] == kMovable ? NS_POOL_OK : NS_POOL_ERROR_ARGUMENT);
                    state[any] = state[any] == kMovable ? kPinned : state[any];
                }
            } else if (dice < 55) { /* owners free their moved pages */
                while (!system.moves.empty()) {
                    ASSERT_EQ(ns_frames_free(system.frames, system.moves.back().to, 1), NS_POOL_OK);
                    system.moves.pop_back();
                }
                gone = 0;
            } else if (dice < 80) { /* take: the model tries each place in turn, as the contract says */
                const uint64_t count = 1 + random.below(10);
                const auto align_order = static_cast<unsigned>(random.below(5));
                const uint64_t align = UINT64_C(1) << align_order, bits = (count + unit - 1) / unit;
                const uint64_t stride = std::max<uint64_t>(align / unit, 1);
                ns_pool_status expected = NS_POOL_ERROR_EXHAUSTED;
                uint64_t found = 0;
                for (uint64_t at = 0; at + bits <= bit.size(); at++) {
                    bool fits = stride == 1 || (base_page + at * unit) / unit % stride == 0;
                    for (uint64_t i = 0; i < bits; i++)
                        fits = fits && !bit[at + i];
                    if (!fits)
                        continue;
                    expected = NS_POOL_OK;
                    for (uint64_t i = at * unit; i < at * unit + count && expected != NS_POOL_ERROR_EXHAUSTED; i++) {
                        if (state[i] == kMovable && gone == 40) {
                            expected = NS_POOL_ERROR_EXHAUSTED;
                        } else if (state[i] == kMovable) {
                            state[i] = kFree;
                            gone++;
                            moved++;
                        }
                    }
                    for (uint64_t i = at * unit; i < at * unit + count && expected == NS_POOL_OK; i++)
                        if (state[i] != kFree)
                            expected = NS_POOL_ERROR_BUSY;
                    found = at * unit;
                    if (expected != NS_POOL_ERROR_BUSY)
                        break;
                    at += stride - 1;
                }
                uint64_t physical = 0;
                const size_t before = system.moves.size();
                ASSERT_EQ(ns_cma_alloc(system.cma, count, align_order, true, &physical), expected) << "step " << step;
                for (size_t i = before; i < system.moves.size(); i++) {
                    const Move &move = system.moves[i];
                    ASSERT_EQ(move.owner, move.from / kPage - base_page + 1000);
                    ASSERT_EQ(system.port.get()->load(system.port.get()->context, fake::linear(move.to), 8), move.owner)
                        << "content lost";
                }
                if (expected == NS_POOL_OK) {
                    ASSERT_EQ(physical, (base_page + found) * kPage);
                    if (align > unit) {
                        ASSERT_EQ(physical % (align * kPage), 0u);
                    }
                    blocks[found] = count;
                    std::fill_n(state.begin() + static_cast<long>(found), count, kTaken);
                    std::fill_n(bit.begin() + static_cast<long>(found / unit), bits, true);
                }
            } else if (!blocks.empty()) { /* release */
                auto block = blocks.begin();
                std::advance(block, static_cast<long>(random.below(blocks.size())));
                const auto [page, count] = *block;
                ASSERT_TRUE(ns_cma_release(system.cma, (base_page + page) * kPage, count));
                ASSERT_FALSE(ns_cma_release(system.cma, (base_page + page) * kPage, count));
                std::fill_n(state.begin() + static_cast<long>(page), count, kFree);
                std::fill_n(bit.begin() + static_cast<long>(page / unit), (count + unit - 1) / unit, false);
                blocks.erase(block);
            }
            const ns_cma_statistics counts = system.counts();
            ASSERT_EQ(counts.taken, static_cast<uint64_t>(std::count(state.begin(), state.end(), kTaken)));
            ASSERT_EQ(counts.movable,
                      pages - counts.taken - static_cast<uint64_t>(std::count(state.begin(), state.end(), kFree)));
            ASSERT_EQ(counts.bits, static_cast<uint64_t>(std::count(bit.begin(), bit.end(), true)));
            ASSERT_EQ(counts.moved, moved);
        }
        for (const auto &[page, count] : blocks)
            ASSERT_TRUE(ns_cma_release(system.cma, (base_page + page) * kPage, count));
        for (uint64_t page = 0; page < pages; page++) {
            const uint64_t address = (base_page + page) * kPage;
            if (state[page] == kPinned) {
                ASSERT_EQ(ns_cma_unpin(system.cma, address), NS_POOL_OK);
            }
            if (state[page] == kMovable || state[page] == kPinned) {
                ASSERT_EQ(ns_cma_remove_movable(system.cma, page + 1000, address), NS_POOL_OK);
            }
        }
    }
}

} // namespace
