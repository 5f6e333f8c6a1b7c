// SPDX-License-Identifier: Apache-2.0
#include "model/store_buffer.h"

#include <gtest/gtest.h>

namespace {

class StoreBuffer : public ::testing::Test {
  protected:
    StoreBuffer() { ns_store_buffer_init(&buffer, 4); }
    void push(uint64_t address, uint32_t length, uint32_t event) {
        ns_store_entry entry{};
        entry.address = address;
        entry.length = length;
        entry.event = event;
        entry.due_ps = event * 100;
        for (uint32_t i = 0; i < length; i++)
            entry.data[i] = static_cast<uint8_t>(event + i);
        ns_store_buffer_push(&buffer, &entry);
    }
    uint32_t take(unsigned index) {
        const uint32_t event = buffer.entry[index].event;
        ns_store_buffer_take(&buffer, index, 1);
        return event;
    }
    ns_store_buffer buffer{};
};

TEST_F(StoreBuffer, IsFullAtItsCapacityAndNotBefore) {
    for (uint32_t i = 1; i <= 4; i++) {
        EXPECT_FALSE(ns_store_buffer_full(&buffer)) << i;
        push(i * 8, 8, i);
    }
    EXPECT_TRUE(ns_store_buffer_full(&buffer));
    take(0);
    EXPECT_FALSE(ns_store_buffer_full(&buffer));
}

TEST_F(StoreBuffer, OfNoEntriesIsAlwaysFull) {
    ns_store_buffer_init(&buffer, 0);
    EXPECT_TRUE(ns_store_buffer_full(&buffer));
    EXPECT_EQ(ns_store_buffer_find(&buffer, 0, UINT64_MAX), -1);
    EXPECT_EQ(ns_store_buffer_newest(&buffer, 0), nullptr);
}

TEST_F(StoreBuffer, HoldsNoMoreThanItsLimit) {
    ns_store_buffer_init(&buffer, NS_STORE_BUFFER_LIMIT + 1);
    EXPECT_EQ(buffer.capacity, NS_STORE_BUFFER_LIMIT);
}

TEST_F(StoreBuffer, GivesBackAnEntryAsItWas) {
    push(0x80001003, 5, 7);
    const ns_store_entry entry = buffer.entry[0];
    ns_store_buffer_take(&buffer, 0, 1);
    EXPECT_EQ(entry.address, 0x80001003u);
    EXPECT_EQ(entry.length, 5u);
    EXPECT_EQ(entry.event, 7u);
    EXPECT_EQ(entry.due_ps, 700u);
    EXPECT_EQ(entry.data[4], 11u);
    EXPECT_EQ(buffer.count, 0u);
}

TEST_F(StoreBuffer, KeepsTheOrderOfTheOthersWhenAMiddleEntryLeaves) {
    for (uint32_t i = 1; i <= 4; i++)
        push(i * 8, 8, i);
    EXPECT_EQ(take(1), 2u);
    EXPECT_EQ(take(0), 1u);
    EXPECT_EQ(take(1), 4u);
    EXPECT_EQ(take(0), 3u);
    EXPECT_EQ(buffer.count, 0u);
}

TEST_F(StoreBuffer, FindsTheOldestEntryThatTouchesARange) {
    push(100, 4, 1); // [100, 104)
    push(102, 4, 2); // [102, 106)
    push(200, 8, 3);
    struct {
        uint64_t address, length;
        int index;
    } const rows[] = {
        {96, 4, -1},   // ends where the first begins
        {96, 5, 0},    // one byte in common
        {103, 1, 0},   // both hold it: the oldest
        {104, 1, 1},   // behind the first
        {106, 94, -1}, // the gap
        {106, 95, 2},  {207, 1, 2}, {208, 100, -1}, {0, UINT64_MAX, 0},
    };
    for (const auto &row : rows)
        EXPECT_EQ(ns_store_buffer_find(&buffer, row.address, row.length), row.index)
            << row.address << " +" << row.length;
}

TEST_F(StoreBuffer, FindsEntriesAtTheEndsOfTheAddressSpace) {
    push(0, 8, 1);
    push(UINT64_MAX - 7, 8, 2);
    EXPECT_EQ(ns_store_buffer_find(&buffer, UINT64_MAX, 1), 1);
    EXPECT_EQ(ns_store_buffer_find(&buffer, UINT64_MAX - 15, 8), -1);
    EXPECT_EQ(ns_store_buffer_find(&buffer, 0, 1), 0);
}

TEST_F(StoreBuffer, ShowsTheNewestEntryOfAByte) {
    push(100, 4, 1);
    push(102, 4, 2);
    EXPECT_EQ(ns_store_buffer_newest(&buffer, 99), nullptr);
    EXPECT_EQ(ns_store_buffer_newest(&buffer, 101)->event, 1u);
    EXPECT_EQ(ns_store_buffer_newest(&buffer, 102)->event, 2u);
    EXPECT_EQ(ns_store_buffer_newest(&buffer, 105)->event, 2u);
    EXPECT_EQ(ns_store_buffer_newest(&buffer, 106), nullptr);
}

} // namespace
