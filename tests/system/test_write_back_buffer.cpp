// SPDX-License-Identifier: Apache-2.0
//
// `write-back-buffer`, in picoseconds. An L1 of 8 sets and 2 ways; a set of it is full of dirty lines, and whole lines
// are stored into it: each needs nothing from memory and pushes a dirty one out. A store's own time is 8 words of 2
// cycles of 1 ns, 16 ns. A write-back has the bus for 8 beats of 2 ns; interconnect and memory take 10 + 60 ns more.
#include "rig.h"

#include <iterator>
#include <numeric>

namespace {

using namespace ns_test;

constexpr uint64_t A = base + 0x100000;

// The times of `count` stores, one behind the other, each of which writes a line back.
std::vector<uint64_t> times_of_stores(rig &r, unsigned entries, unsigned count) {
    r.config.cache.level[0].size = 1024;
    r.config.cache.level[0].ways = 2;
    r.config.write_back_buffer = entries;
    r.build();
    std::vector<uint64_t> times;
    r.run_on_hart([&] {
        r.load(0, A + 0x8000, 8); // the translation
        r.store(0, A, Bytes(64));
        r.store(0, A + 512, Bytes(64));
        for (unsigned i = 2; i < count + 2; i++)
            times.push_back(r.time_of([&] { r.store(0, A + 512 * i, Bytes(64, static_cast<uint8_t>(i))); }));
    });
    return times;
}

TEST(WriteBackBuffer, WithoutOneEachWriteBackIsWaitedFor) {
    in_child([] {
        rig r;
        const std::vector<uint64_t> times = times_of_stores(r, 0, 4);
        EXPECT_EQ(times, std::vector<uint64_t>(4, 16000u + 70000 + 16000));
    });
}

// Only the beats of the first are waited for. It ends 70 ns behind them, and so long the second one has no place: begun
// at 32, beats from 86 to 102, stored at 118.
TEST(WriteBackBuffer, OfOneEntryTakesTheNextWhenMemoryHasTakenTheLast) {
    in_child([] {
        rig r;
        const std::vector<uint64_t> times = times_of_stores(r, 1, 4);
        EXPECT_EQ(times, (std::vector<uint64_t>{32000, 86000, 86000, 86000}));
    });
}

// Beats end at 16 and 48, so memory has taken the first two at 86 and 118. The third, begun at 64, waits for the first
// and is stored at 118; the fourth finds the second gone: stored at 150. Then the same again: a pair in 86.
TEST(WriteBackBuffer, OfTwoEntriesWaitsForTheOlder) {
    in_child([] {
        rig r;
        const std::vector<uint64_t> times = times_of_stores(r, 2, 6);
        EXPECT_EQ(times, (std::vector<uint64_t>{32000, 32000, 54000, 32000, 54000, 32000}));
    });
}

// 16 places: 8 write-backs have theirs, and the bus is free whenever one begins.
TEST(WriteBackBuffer, ThatIsLargeEnoughCostsTheBeats) {
    in_child([] {
        rig r;
        EXPECT_EQ(times_of_stores(r, 16, 8), std::vector<uint64_t>(8, 32000));
    });
}

// A store's own time is the L1's. Beats, and the wait for a place, are memory's: 16 of the first store, 54 + 16 of each
// other one. What was read before are whole lines, of 10 + 16 + 60 each.
TEST(WriteBackBuffer, TimeOfAWriteBackIsMemorysTime) {
    in_child([] {
        rig r;
        times_of_stores(r, 1, 4);
        const auto &part = r.log->stats.part_ps[0];
        EXPECT_EQ(std::accumulate(std::begin(part), std::end(part), uint64_t{0}), r.log->stats.time_ps[0]);
        EXPECT_EQ(part[NS_TIME_MAINTENANCE], 0u);
        EXPECT_EQ(part[NS_TIME_WAITING], 0u);
        ASSERT_GE(part[NS_TIME_MEMORY], 16000u + 3 * 70000);
        EXPECT_EQ((part[NS_TIME_MEMORY] - (16000 + 3 * 70000)) % 86000, 0u);
    });
}

// What is in the buffer is in memory for everybody: data move at once, only time runs on.
TEST(WriteBackBuffer, HoldsNoDataBack) {
    in_child([] {
        rig r;
        r.config.cache.level[0].size = 1024;
        r.config.cache.level[0].ways = 2;
        r.config.write_back_buffer = 4;
        r.build();
        r.run_on_hart([&] {
            for (unsigned i = 0; i < 4; i++)
                r.store(0, A + 512 * i, Bytes(64, static_cast<uint8_t>(0x40 + i)));
            EXPECT_EQ(r.memory(A, 64), Bytes(64, 0x40));
            EXPECT_EQ(r.load(0, A, 8), Bytes(8, 0x40)) << "read again while it is written";
        });
    });
}

} // namespace
