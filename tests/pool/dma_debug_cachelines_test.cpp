// SPDX-License-Identifier: Apache-2.0
#include "pool/dma_debug_cachelines.h"
#include "tests/pool/fake_port.h"

namespace {

struct Lines {
    explicit Lines(size_t capacity = 100, uint32_t line_size = 64) {
        EXPECT_EQ(ns_debug_cachelines_create(port.get(), capacity, line_size, &lines), NS_POOL_OK);
    }
    ~Lines() { ns_debug_cachelines_destroy(lines); }
    ns_debug_cacheline_result insert(uint64_t physical, const void *owner = nullptr) {
        return ns_debug_cachelines_insert(lines, physical, &owner);
    }
    fake::Port port;
    ns_debug_cachelines *lines = nullptr;
};

TEST(DmaDebugCachelines, ALineIsItsSizeLong) {
    for (const uint32_t size : {1u, 4u, 64u, 128u, 4096u}) {
        Lines tested(100, size);
        EXPECT_EQ(tested.insert(8 * size), NS_DEBUG_CACHELINE_NEW);
        EXPECT_EQ(tested.insert(9 * size - 1), NS_DEBUG_CACHELINE_EXISTS);
        EXPECT_EQ(tested.insert(9 * size), NS_DEBUG_CACHELINE_NEW);
        EXPECT_EQ(tested.insert(8 * size - 1), NS_DEBUG_CACHELINE_NEW);
        EXPECT_EQ(tested.insert(UINT64_MAX), NS_DEBUG_CACHELINE_NEW);
    }
}

TEST(DmaDebugCachelines, OneLineHoldsTheFirstAndSevenMore) {
    Lines tested;
    EXPECT_EQ(ns_debug_cachelines_overlap(tested.lines, 0), -1);
    EXPECT_EQ(tested.insert(0), NS_DEBUG_CACHELINE_NEW);
    for (int i = 1; i <= NS_DEBUG_CACHELINE_MAX_OVERLAP; i++) {
        EXPECT_EQ(tested.insert(0), NS_DEBUG_CACHELINE_EXISTS);
        EXPECT_EQ(ns_debug_cachelines_overlap(tested.lines, 0), i);
    }
    EXPECT_EQ(tested.insert(0), NS_DEBUG_CACHELINE_EXCEEDED);
    EXPECT_EQ(ns_debug_cachelines_overlap(tested.lines, 0), 7);
    for (int i = 0; i < 8; i++)
        ns_debug_cachelines_remove(tested.lines, 0);
    EXPECT_EQ(ns_debug_cachelines_overlap(tested.lines, 0), -1);
    ns_debug_cachelines_remove(tested.lines, 0); /* the one that was not counted */
    EXPECT_EQ(tested.insert(0), NS_DEBUG_CACHELINE_NEW);
}

TEST(DmaDebugCachelines, TheFirstOwnerStays) {
    Lines tested;
    const int first = 1, second = 2, third = 3;
    tested.insert(0, &first);
    const void *owner = &second;
    EXPECT_EQ(ns_debug_cachelines_insert(tested.lines, 0, &owner), NS_DEBUG_CACHELINE_EXISTS);
    EXPECT_EQ(owner, &first);
    ns_debug_cachelines_remove(tested.lines, 0); /* the first one's mapping is over, the second's is not */
    owner = &third;
    EXPECT_EQ(ns_debug_cachelines_insert(tested.lines, 0, &owner), NS_DEBUG_CACHELINE_EXISTS);
    EXPECT_EQ(owner, &first);
}

TEST(DmaDebugCachelines, RemovedLinesMakeRoom) {
    Lines tested(2);
    EXPECT_EQ(tested.insert(0), NS_DEBUG_CACHELINE_NEW);
    EXPECT_EQ(tested.insert(64), NS_DEBUG_CACHELINE_NEW);
    EXPECT_EQ(tested.insert(128), NS_DEBUG_CACHELINE_NO_MEMORY);
    EXPECT_EQ(tested.insert(64), NS_DEBUG_CACHELINE_EXISTS) << "an overlap needs no room";
    ns_debug_cachelines_remove(tested.lines, 0);
    EXPECT_EQ(tested.insert(128), NS_DEBUG_CACHELINE_NEW);
}

TEST(DmaDebugCachelines, RefusesWhatItCannotDo) {
    fake::Port port;
    ns_debug_cachelines *lines = nullptr;
    EXPECT_EQ(ns_debug_cachelines_create(port.get(), 0, 64, &lines), NS_POOL_ERROR_ARGUMENT);
    EXPECT_EQ(ns_debug_cachelines_create(port.get(), 1, 0, &lines), NS_POOL_ERROR_ARGUMENT);
    EXPECT_EQ(ns_debug_cachelines_create(port.get(), 1, 48, &lines), NS_POOL_ERROR_ARGUMENT);
    EXPECT_EQ(ns_debug_cachelines_create(port.get(), SIZE_MAX, 64, &lines), NS_POOL_ERROR_METADATA);
    EXPECT_EQ(lines, nullptr);
}

/* Against a map of line number to the number of mappings. */
TEST(DmaDebugCachelines, AgreesWithAPlainCount) {
    const uint64_t seed = fake::seed();
    SCOPED_TRACE(testing::Message() << "NS_TEST_SEED=" << seed);
    fake::Random random(seed);
    Lines tested(40);
    std::map<uint64_t, int> counts;
    for (int step = 0; step < 50'000; step++) {
        const uint64_t physical = random.below(60) * 64 + random.below(64);
        const uint64_t line = physical / 64;
        if (random.below(2) == 0) {
            const auto result = tested.insert(physical);
            if (counts.count(line) == 0 && counts.size() == 40) {
                ASSERT_EQ(result, NS_DEBUG_CACHELINE_NO_MEMORY);
            } else if (counts[line] == 8) {
                ASSERT_EQ(result, NS_DEBUG_CACHELINE_EXCEEDED);
            } else {
                ASSERT_EQ(result, counts[line] == 0 ? NS_DEBUG_CACHELINE_NEW : NS_DEBUG_CACHELINE_EXISTS);
                counts[line]++;
            }
        } else {
            ns_debug_cachelines_remove(tested.lines, physical);
            auto found = counts.find(line);
            if (found != counts.end() && --found->second == 0)
                counts.erase(found);
        }
        ASSERT_EQ(ns_debug_cachelines_overlap(tested.lines, physical), counts.count(line) != 0 ? counts[line] - 1 : -1);
    }
}

} // namespace
