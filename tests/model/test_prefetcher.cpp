// SPDX-License-Identifier: Apache-2.0
// The stride prefetcher against what model/prefetcher.h takes from the C910's sources: three loads with two equal
// differences make a stride, it has a sign and a reach, it stays in its page, and so many streams are followed.
#include "model/prefetcher.h"

#include <gtest/gtest.h>
#include <vector>

namespace {

using lines = std::vector<uint64_t>;
constexpr uint64_t page = 0x80000000;

class Stride : public ::testing::Test {
  protected:
    ns_stride_prefetcher prefetcher{};
    void make(unsigned streams, unsigned reach, unsigned ahead, uint32_t line = 64) {
        const ns_stride_config config = {streams, reach, ahead};
        ns_stride_init(&prefetcher, &config, line);
    }
    void SetUp() override { make(8, 32, 2); }
    // The offsets in the page, in lines of 64 bytes, that a load of this line makes it fill.
    lines load(int line, bool missed = true, uint64_t of_page = page) {
        uint64_t fill[NS_PREFETCH_MOST_AHEAD];
        const size_t count = ns_stride_load(&prefetcher, of_page + static_cast<uint64_t>(line) * 64, missed, fill);
        lines result;
        for (size_t i = 0; i < count; i++)
            result.push_back((fill[i] - of_page) / 64);
        return result;
    }
};

TEST_F(Stride, TwoEqualDifferencesMakeAStride) {
    EXPECT_EQ(load(0), lines{});
    EXPECT_EQ(load(3), lines{});
    EXPECT_EQ(load(6), (lines{9, 12}));
    EXPECT_EQ(load(9), (lines{12, 15}));
}

TEST_F(Stride, AnotherDifferenceBeginsAgain) {
    load(0), load(1), load(2);
    EXPECT_EQ(load(5), lines{});
    EXPECT_EQ(load(8), (lines{11, 14}));
}

TEST_F(Stride, GoesDownToo) {
    load(40), load(36);
    EXPECT_EQ(load(32), (lines{28, 24}));
}

TEST_F(Stride, AnotherWordOfTheSameLineIsNoStep) {
    load(0), load(1);
    uint64_t fill[NS_PREFETCH_MOST_AHEAD];
    EXPECT_EQ(ns_stride_load(&prefetcher, page + 64 + 32, false, fill), 0u);
    EXPECT_EQ(load(2), (lines{3, 4}));
}

TEST_F(Stride, ReachIsTheFarthestStep) {
    make(8, 20, 1);
    load(0), load(20);
    EXPECT_EQ(load(40), lines{60});
    make(8, 19, 1);
    load(0), load(20), load(40); // each begins a stream of its own
    EXPECT_EQ(prefetcher.count, 3u);
    EXPECT_EQ(load(60), lines{});
}

TEST_F(Stride, StaysInThePageOfTheLoad) {
    load(60), load(61);
    EXPECT_EQ(load(62), lines{63});
    EXPECT_EQ(load(63), lines{});
    make(8, 32, 4);
    load(4), load(2);
    EXPECT_EQ(load(0), lines{});
}

TEST_F(Stride, PageZeroHasNothingBelow) {
    load(2, true, 0), load(1, true, 0);
    EXPECT_EQ(load(0, true, 0), lines{});
}

TEST_F(Stride, OnlyAMissBeginsAStreamAndAnyLoadGoesOnWithIt) {
    EXPECT_EQ(load(0, false), lines{});
    EXPECT_EQ(prefetcher.count, 0u);
    load(0, true), load(1, false);
    EXPECT_EQ(load(2, false), (lines{3, 4}));
}

TEST_F(Stride, StreamsOfDifferentPagesDoNotDisturbEachOther) {
    for (int line = 0; line < 2; line++)
        for (uint64_t p = 0; p < 8; p++)
            EXPECT_EQ(load(line, true, page + p * 4096), lines{});
    for (uint64_t p = 0; p < 8; p++)
        EXPECT_EQ(load(2, true, page + p * 4096), (lines{3, 4})) << p;
}

TEST_F(Stride, ANinthStreamReplacesTheOldest) {
    for (int line = 0; line < 2; line++)
        for (uint64_t p = 0; p < 8; p++)
            load(line, true, page + p * 4096);
    load(0, true, page + 8 * 4096);
    EXPECT_EQ(load(2, true, page + 7 * 4096), (lines{3, 4}));
    EXPECT_EQ(load(2, true, page), lines{});
}

TEST_F(Stride, AheadSaysHowFar) {
    make(8, 32, 16);
    load(0), load(2);
    EXPECT_EQ(load(4).size(), 16u);
    EXPECT_EQ(load(6).back(), 6u + 2 * 16);
}

TEST_F(Stride, WithoutStreamsThereIsNone) {
    make(0, 0, 0);
    for (int line = 0; line < 8; line++)
        EXPECT_EQ(load(line), lines{});
}

} // namespace
