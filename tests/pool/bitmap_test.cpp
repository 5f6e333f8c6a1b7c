// SPDX-License-Identifier: Apache-2.0
#include "pool/bitmap.h"
#include "pool/gfp.h"

#include <random>
#include <vector>

#include <gtest/gtest.h>

namespace {

TEST(Bitmap, SearchesAsTheKernelsRoutineDoes) {
    uint64_t map = 1 | 1 << 5; // 16 bits, 0 and 5 taken: vectors computed from lib/bitmap.c's description
    struct {
        uint64_t count, mask, offset, found;
    } const rows[] = {
        {3, 0, 0, 1},   {3, 3, 0, 8},                  // the window 4 to 6 meets bit 5
        {4, 3, 0, 8},   {8, 7, 0, 8}, {10, 15, 0, 16}, // no room: anything above 16 - 10
        {1, 15, 5, 11},
    };
    for (const auto &row : rows) {
        const uint64_t found = ns_bitmap_find_zero_area(&map, 16, 0, row.count, row.mask, row.offset);
        if (row.found == 16)
            EXPECT_GT(found + row.count, 16u);
        else
            EXPECT_EQ(found, row.found) << row.count << " " << row.mask << " " << row.offset;
    }
}

TEST(Bitmap, EveryOperationAgreesWithOneBitAtATime) {
    std::mt19937_64 random(7);
    const uint64_t size = 300;
    std::vector<uint64_t> words(ns_bitmap_words(size) + 1, 0);
    std::vector<bool> plain(size, false);
    for (int round = 0; round < 20000; round++) {
        const uint64_t from = random() % (size + 1), to = from + random() % (size + 1 - from);
        if (random() % 2) {
            const bool set = random() % 2;
            const uint64_t count = random() % 2 ? to - from : std::min<uint64_t>(to - from, 9);
            (set ? ns_bitmap_set : ns_bitmap_clear)(words.data(), from, count);
            for (uint64_t i = 0; i < count; i++)
                plain[from + i] = set;
            continue;
        }
        uint64_t set = 0, first[2] = {to, to};
        for (uint64_t i = to; i-- > from;) {
            set += plain[i];
            first[plain[i]] = i;
        }
        ASSERT_EQ(ns_bitmap_count(words.data(), from, to), set);
        ASSERT_EQ(ns_bitmap_find(words.data(), from, to, false), first[0]);
        ASSERT_EQ(ns_bitmap_find(words.data(), from, to, true), first[1]);
        const uint64_t count = 1 + random() % 20, mask = (UINT64_C(1) << random() % 5) - 1, offset = random() % 40;
        uint64_t expected = UINT64_MAX;
        for (uint64_t i = from; i + count <= size && expected == UINT64_MAX; i++) {
            bool room = ((i + offset) & mask) == 0;
            for (uint64_t j = 0; room && j < count; j++)
                room = !plain[i + j];
            if (room)
                expected = i;
        }
        const uint64_t found = ns_bitmap_find_zero_area(words.data(), size, from, count, mask, offset);
        if (expected == UINT64_MAX)
            ASSERT_GT(found + count, size);
        else
            ASSERT_EQ(found, expected) << round;
    }
}

TEST(Gfp, CombinationsHaveTheValuesOfLinux510) {
    EXPECT_EQ(NS_GFP_KERNEL, 0xcc0u);
    EXPECT_EQ(NS_GFP_ATOMIC, 0xa20u);
    EXPECT_EQ(NS_GFP_NOWAIT, 0x800u);
    EXPECT_EQ(NS___GFP_RECLAIM, 0xc00u);
}

TEST(Gfp, OnlyDirectReclaimMayBlock) {
    for (ns_gfp gfp : {NS_GFP_KERNEL, NS_GFP_NOIO, NS_GFP_NOFS, NS_GFP_KERNEL | NS_GFP_DMA})
        EXPECT_TRUE(ns_gfp_may_block(gfp)) << gfp;
    for (ns_gfp gfp : {NS_GFP_ATOMIC, NS_GFP_NOWAIT, NS_GFP_ATOMIC | NS_GFP_DMA32, UINT32_C(0)})
        EXPECT_FALSE(ns_gfp_may_block(gfp)) << gfp;
}

TEST(Gfp, TwoZonesAtOnceAreNotValid) {
    const ns_gfp zone[] = {NS___GFP_DMA, NS___GFP_DMA32, NS___GFP_HIGHMEM};
    for (ns_gfp movable : {UINT32_C(0), NS___GFP_MOVABLE}) {
        EXPECT_TRUE(ns_gfp_zone_valid(movable));
        for (ns_gfp a : zone)
            for (ns_gfp b : zone)
                EXPECT_EQ(ns_gfp_zone_valid(movable | a | b), a == b);
    }
}

} // namespace
