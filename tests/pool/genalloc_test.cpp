/* SPDX-License-Identifier: Apache-2.0 */
#include "fake_port.h"
#include "pool/bitmap.h"
#include "pool/genalloc.h"

#include <utility>

namespace {

constexpr uint64_t kGranule = 0x1000;
constexpr uint64_t kVirtual = 0xffff'ffc8'0000'0000;
constexpr uint64_t kPhysical = 0x8000'0000;

struct Pool {
    explicit Pool(fake::Port &port, unsigned order = 12) {
        EXPECT_EQ(ns_gen_pool_create(port.get(), order, &pool), NS_POOL_OK);
    }
    ~Pool() { EXPECT_EQ(ns_gen_pool_destroy(pool), NS_POOL_OK); }
    operator ns_gen_pool *() const { return pool; }
    ns_gen_pool *pool = nullptr;
};

struct Owned { /* blocks that a test gives back at its end */
    ns_gen_pool *pool;
    std::map<uint64_t, uint64_t> blocks;
    uint64_t take(uint64_t size, ns_gen_pool_algorithm algorithm = ns_gen_pool_first_fit, const void *data = nullptr) {
        const uint64_t address = ns_gen_pool_alloc_algorithm(pool, size, algorithm, data);
        if (address != 0) {
            EXPECT_TRUE(blocks.emplace(address, size).second);
        }
        return address;
    }
    void give(uint64_t address) {
        EXPECT_EQ(ns_gen_pool_free(pool, address, blocks.at(address)), NS_POOL_OK);
        blocks.erase(address);
    }
    ~Owned() {
        for (const auto &[address, size] : blocks)
            EXPECT_EQ(ns_gen_pool_free(pool, address, size), NS_POOL_OK);
    }
};

/* 16 granules, 0 and 5 taken: holes 1 to 4 and 6 to 15. */
TEST(GenAlloc, AlgorithmsChooseAsTheKernelsDo) {
    fake::Port port;
    Pool pool(port);
    const uint64_t map = 1 | 1 << 5;
    struct {
        uint64_t count;
        ns_gen_pool_algorithm algorithm;
        uint64_t found;
    } const rows[] = {
        {3, ns_gen_pool_first_fit, 1},
        {3, ns_gen_pool_first_fit_order_align, 8}, /* the window 4 to 6 meets granule 5 */
        {3, ns_gen_pool_best_fit, 1},              /* hole 1 to 4 is smaller than 6 to 15 */
        {4, ns_gen_pool_first_fit_order_align, 8},
        {4, ns_gen_pool_best_fit, 1}, /* exactly the hole */
        {5, ns_gen_pool_best_fit, 6},
        {8, ns_gen_pool_first_fit_order_align, 8},
        {10, ns_gen_pool_first_fit, 6},
        {10, ns_gen_pool_best_fit, 6},
        {10, ns_gen_pool_first_fit_order_align, 26}, /* 16 + 10: none */
        {11, ns_gen_pool_first_fit, 17},             /* 6 + 11: none */
        {11, ns_gen_pool_best_fit, 16},              /* none */
    };
    for (const auto &row : rows)
        EXPECT_EQ(row.algorithm(&map, 16, 0, row.count, nullptr, pool, kVirtual), row.found) << row.count;
}

TEST(GenAlloc, BestFitTakesTheSmallestHoleAndTheLowestOfEquals) {
    fake::Port port;
    Pool pool(port);
    /* Holes: 0-4 (5), 6-8 (3), 10-12 (3), 14-15 (2). */
    const uint64_t map = 1 << 5 | 1 << 9 | 1 << 13;
    const std::pair<uint64_t, uint64_t> rows[] = {{1, 14}, {2, 14}, {3, 6}, {4, 0}, {5, 0}, {6, 16}};
    for (const auto &[count, found] : rows)
        EXPECT_EQ(ns_gen_pool_best_fit(&map, 16, 0, count, nullptr, pool, kVirtual), found) << count;
}

TEST(GenAlloc, AlignmentIsOfTheAddress) {
    fake::Port port;
    Pool pool(port);
    const uint64_t map = 0;
    struct {
        uint64_t chunk, align, found;
    } const rows[] = {
        {kVirtual, 0x4000, 0},
        {kVirtual + 0x1000, 0x4000, 3}, /* granule 3 is at ...4000 */
        {kVirtual + 0x3000, 0x4000, 1},
        {kVirtual + 0x3000, 0x1000, 0},
        {kVirtual + 0x3000, 0x800, 0}, /* below the granule: nothing is asked for */
        {kVirtual + 0x3000, 1, 0},
        {kVirtual + 0x1000, 0x8000, 7},
        {kVirtual + 0x1000, 0x10000, 15},
    };
    for (const auto &row : rows) {
        const ns_gen_pool_data_align wish = {row.align};
        EXPECT_EQ(ns_gen_pool_first_fit_align(&map, 16, 0, 1, &wish, pool, row.chunk), row.found)
            << std::hex << row.chunk << " " << row.align;
    }
    const ns_gen_pool_data_align far = {UINT64_C(1) << 63};
    EXPECT_GE(ns_gen_pool_first_fit_align(&map, 16, 0, 1, &far, pool, kVirtual), 16u);
    EXPECT_TRUE(port.said.empty());
    for (uint64_t odd : {UINT64_C(0), UINT64_C(3), UINT64_C(0x3000), UINT64_MAX}) {
        const ns_gen_pool_data_align wish = {odd};
        EXPECT_GE(ns_gen_pool_first_fit_align(&map, 16, 0, 1, &wish, pool, kVirtual), 16u) << odd;
    }
    EXPECT_GE(ns_gen_pool_first_fit_align(&map, 16, 0, 1, nullptr, pool, kVirtual), 16u);
    EXPECT_EQ(port.said.size(), 5u);
}

TEST(GenAlloc, OrderAlignmentIsRelativeToTheChunk) {
    fake::Port port;
    Pool pool(port);
    ASSERT_EQ(ns_gen_pool_add_virt(pool, kVirtual + kGranule, kPhysical + kGranule, 16 * kGranule), NS_POOL_OK);
    Owned owned{pool, {}};
    const ns_gen_pool_algorithm order = ns_gen_pool_first_fit_order_align;
    /* Granule 0 of the chunk, although the address is a multiple of 4 KiB only. */
    EXPECT_EQ(owned.take(4 * kGranule, order), kVirtual + kGranule);
    EXPECT_EQ(owned.take(1, order), kVirtual + 5 * kGranule);
    EXPECT_EQ(owned.take(3 * kGranule, order), kVirtual + 9 * kGranule); /* rounds up to 4: granule 8 */
}

TEST(GenAlloc, FixedAllocationTakesThatOffsetOrNothing) {
    fake::Port port;
    Pool pool(port);
    ASSERT_EQ(ns_gen_pool_add_virt(pool, kVirtual, kPhysical, 16 * kGranule), NS_POOL_OK);
    Owned owned{pool, {}};
    const ns_gen_pool_data_fixed at3 = {3 * kGranule}, last = {15 * kGranule}, behind = {16 * kGranule},
                                 far = {UINT64_MAX & ~(kGranule - 1)}, odd = {0x800};
    const ns_gen_pool_algorithm fixed = ns_gen_pool_fixed_alloc;
    EXPECT_EQ(owned.take(2 * kGranule, fixed, &at3), kVirtual + 3 * kGranule);
    EXPECT_EQ(owned.take(kGranule, fixed, &at3), 0u) << "taken, and nothing else will do";
    EXPECT_EQ(owned.take(2 * kGranule, fixed, &last), 0u);
    EXPECT_EQ(owned.take(kGranule, fixed, &last), kVirtual + 15 * kGranule);
    EXPECT_EQ(owned.take(kGranule, fixed, &behind), 0u);
    EXPECT_EQ(owned.take(kGranule, fixed, &far), 0u);
    EXPECT_TRUE(port.said.empty());
    EXPECT_EQ(owned.take(kGranule, fixed, &odd), 0u);
    EXPECT_EQ(owned.take(kGranule, fixed, nullptr), 0u);
    EXPECT_EQ(port.said.size(), 2u);
    EXPECT_TRUE(port.heard("not a multiple of the granule"));
}

TEST(GenAlloc, NewestChunkIsSearchedFirst) {
    fake::Port port;
    Pool pool(port);
    const uint64_t old_chunk = kVirtual, new_chunk = kVirtual + 0x100'0000;
    ASSERT_EQ(ns_gen_pool_add_virt(pool, old_chunk, kPhysical, 4 * kGranule), NS_POOL_OK);
    Owned owned{pool, {}};
    EXPECT_EQ(owned.take(kGranule), old_chunk);
    ASSERT_EQ(ns_gen_pool_add_virt(pool, new_chunk, kPhysical + fake::kMiB, 2 * kGranule), NS_POOL_OK);
    EXPECT_EQ(owned.take(kGranule), new_chunk);
    EXPECT_EQ(owned.take(2 * kGranule), old_chunk + kGranule) << "one granule is left in the new one";
    EXPECT_EQ(owned.take(kGranule), new_chunk + kGranule);
    EXPECT_EQ(owned.take(kGranule), old_chunk + 3 * kGranule);
    EXPECT_EQ(owned.take(1), 0u);
    EXPECT_EQ(ns_gen_pool_avail(pool), 0u);
    EXPECT_EQ(ns_gen_pool_size(pool), 6 * kGranule);
}

TEST(GenAlloc, SizesAreRoundedUpToGranules) {
    fake::Port port;
    Pool pool(port, 5); /* 32 bytes */
    ASSERT_EQ(ns_gen_pool_add_virt(pool, kVirtual, kPhysical, 256), NS_POOL_OK);
    EXPECT_EQ(ns_gen_pool_alloc(pool, 0), 0u);
    EXPECT_EQ(ns_gen_pool_alloc(pool, 1), kVirtual);
    EXPECT_EQ(ns_gen_pool_avail(pool), 224u);
    EXPECT_EQ(ns_gen_pool_alloc(pool, 33), kVirtual + 32);
    EXPECT_EQ(ns_gen_pool_avail(pool), 160u);
    EXPECT_EQ(ns_gen_pool_alloc(pool, 161), 0u);
    EXPECT_EQ(ns_gen_pool_alloc(pool, UINT64_MAX), 0u) << "rounding up must not wrap to nothing";
    EXPECT_EQ(ns_gen_pool_free(pool, kVirtual, 1), NS_POOL_OK);
    EXPECT_EQ(ns_gen_pool_free(pool, kVirtual + 32, 64), NS_POOL_OK) << "the rounded size is as good";
    EXPECT_EQ(ns_gen_pool_avail(pool), 256u);
}

TEST(GenAlloc, ATailShorterThanAGranuleCountsAndIsNeverHandedOut) {
    fake::Port port;
    Pool pool(port);
    ASSERT_EQ(ns_gen_pool_add_virt(pool, kVirtual, kPhysical, kGranule + 0x800), NS_POOL_OK);
    EXPECT_EQ(ns_gen_pool_size(pool), kGranule + 0x800);
    EXPECT_EQ(ns_gen_pool_avail(pool), kGranule + 0x800);
    EXPECT_EQ(ns_gen_pool_alloc(pool, kGranule + 1), 0u);
    EXPECT_EQ(ns_gen_pool_alloc(pool, kGranule), kVirtual);
    EXPECT_EQ(ns_gen_pool_avail(pool), 0x800u);
    EXPECT_EQ(ns_gen_pool_alloc(pool, 1), 0u);
    EXPECT_EQ(ns_gen_pool_virt_to_phys(pool, kVirtual + 0x17ff), kPhysical + 0x17ff);
    EXPECT_EQ(ns_gen_pool_free(pool, kVirtual + kGranule, 1), NS_POOL_ERROR_MISUSE) << "it has no bit";
    EXPECT_EQ(ns_gen_pool_free(pool, kVirtual, kGranule), NS_POOL_OK);
    /* 128 granules fill their words of the bitmap: the tail has no bit, not even an unused one. */
    const uint64_t other = kVirtual + fake::kMiB;
    ASSERT_EQ(ns_gen_pool_add_virt(pool, other, kPhysical, 128 * kGranule + 0x800), NS_POOL_OK);
    EXPECT_EQ(ns_gen_pool_free(pool, other + 128 * kGranule, 1), NS_POOL_ERROR_MISUSE);
}

TEST(GenAlloc, EndIsInclusiveUpToTheTopOfTheAddressSpace) {
    fake::Port port;
    Pool pool(port);
    const uint64_t top = UINT64_MAX - 2 * kGranule + 1;
    ASSERT_EQ(ns_gen_pool_add_virt(pool, top, kPhysical, 2 * kGranule), NS_POOL_OK);
    EXPECT_TRUE(ns_gen_pool_has_address(pool, top, 2 * kGranule));
    EXPECT_TRUE(ns_gen_pool_has_address(pool, UINT64_MAX, 1));
    EXPECT_FALSE(ns_gen_pool_has_address(pool, top - 1, 1));
    EXPECT_FALSE(ns_gen_pool_has_address(pool, top, 2 * kGranule + 1)) << "the sum wraps";
    EXPECT_EQ(ns_gen_pool_virt_to_phys(pool, UINT64_MAX), kPhysical + 2 * kGranule - 1);
    EXPECT_EQ(ns_gen_pool_virt_to_phys(pool, top - 1), UINT64_MAX);
    EXPECT_EQ(ns_gen_pool_alloc(pool, 2 * kGranule), top);
    EXPECT_EQ(ns_gen_pool_free(pool, top, 2 * kGranule + 1), NS_POOL_ERROR_MISUSE);
    EXPECT_EQ(ns_gen_pool_free(pool, top, 2 * kGranule), NS_POOL_OK);
}

TEST(GenAlloc, ARangeOverTwoChunksIsInNone) {
    fake::Port port;
    Pool pool(port);
    ASSERT_EQ(ns_gen_pool_add_virt(pool, kVirtual, kPhysical, 2 * kGranule), NS_POOL_OK);
    ASSERT_EQ(ns_gen_pool_add_virt(pool, kVirtual + 2 * kGranule, kPhysical + 2 * kGranule, 2 * kGranule), NS_POOL_OK);
    EXPECT_TRUE(ns_gen_pool_has_address(pool, kVirtual + kGranule, kGranule));
    EXPECT_FALSE(ns_gen_pool_has_address(pool, kVirtual + kGranule, kGranule + 1));
    EXPECT_EQ(ns_gen_pool_alloc(pool, 3 * kGranule), 0u) << "no block spans two chunks";
}

TEST(GenAlloc, EveryBugOfFreeIsToldAndFreesNothing) {
    fake::Port port;
    Pool pool(port);
    ASSERT_EQ(ns_gen_pool_add_virt(pool, kVirtual, kPhysical, 8 * kGranule), NS_POOL_OK);
    const uint64_t a = ns_gen_pool_alloc(pool, 2 * kGranule), b = ns_gen_pool_alloc(pool, 2 * kGranule);
    ASSERT_EQ(ns_gen_pool_free(pool, b, 2 * kGranule), NS_POOL_OK);
    struct {
        uint64_t address, size;
        ns_port_misuse what;
        const char *line;
    } const rows[] = {
        {b, 2 * kGranule, NS_MISUSE_DOUBLE_FREE, "free already"},
        {a, 3 * kGranule, NS_MISUSE_DOUBLE_FREE, "free already"}, /* its last granule is clear */
        {a, 9 * kGranule, NS_MISUSE_FREE_SIZE, "leaves its chunk"},
        {a + 0x1001, 7 * kGranule, NS_MISUSE_FREE_SIZE, "leaves its chunk"},
        {a, UINT64_MAX, NS_MISUSE_FREE_SIZE, "leaves its chunk"},
        {a - 1, 1, NS_MISUSE_FOREIGN_FREE, "no chunk holds"},
        {kVirtual + 8 * kGranule, 1, NS_MISUSE_FOREIGN_FREE, "no chunk holds"},
        {0, 0, NS_MISUSE_FOREIGN_FREE, "no chunk holds"},
    };
    for (const auto &row : rows) {
        SCOPED_TRACE(testing::Message() << std::hex << row.address << " " << row.size);
        port.misuses.clear();
        port.said.clear();
        EXPECT_EQ(ns_gen_pool_free(pool, row.address, row.size), NS_POOL_ERROR_MISUSE);
        ASSERT_EQ(port.misuses.size(), 1u);
        EXPECT_EQ(port.misuses[0], (fake::Misuse{row.what, row.address, row.size}));
        ASSERT_EQ(port.said.size(), 1u);
        EXPECT_EQ(port.said[0].voice, NS_SAY_BUG);
        EXPECT_TRUE(port.heard(row.line));
        EXPECT_EQ(ns_gen_pool_avail(pool), 6 * kGranule);
    }
    EXPECT_EQ(ns_gen_pool_free(pool, a, 0), NS_POOL_OK) << "no bits, no bug";
    EXPECT_EQ(ns_gen_pool_avail(pool), 6 * kGranule);
    /* Part of a block, and an address inside a granule, are no bug for the kernel. */
    EXPECT_EQ(ns_gen_pool_free(pool, a + kGranule + 0x10, 0x20), NS_POOL_OK);
    EXPECT_EQ(ns_gen_pool_free(pool, a, kGranule), NS_POOL_OK);
}

TEST(GenAlloc, DestroyOfABusyPoolIsRefused) {
    fake::Port port;
    Pool pool(port);
    ASSERT_EQ(ns_gen_pool_add_virt(pool, kVirtual, kPhysical, 2 * kGranule), NS_POOL_OK);
    ASSERT_EQ(ns_gen_pool_add_virt(pool, kVirtual + 8 * kGranule, kPhysical, 2 * kGranule), NS_POOL_OK);
    Owned owned{pool, {}};
    const uint64_t block = owned.take(kGranule);
    EXPECT_EQ(ns_gen_pool_destroy(pool), NS_POOL_ERROR_BUSY);
    ASSERT_EQ(port.misuses.size(), 1u);
    EXPECT_EQ(port.misuses[0], (fake::Misuse{NS_MISUSE_DESTROY_BUSY, block, 0}));
    EXPECT_EQ(ns_gen_pool_size(pool), 4 * kGranule) << "still usable";
    EXPECT_EQ(ns_gen_pool_destroy(nullptr), NS_POOL_OK);
}

TEST(GenAlloc, DmaAllocationGivesThePhysicalAddressOfItsChunk) {
    fake::Port port;
    Pool pool(port);
    ASSERT_EQ(ns_gen_pool_add_virt(pool, kVirtual, kPhysical, 4 * kGranule), NS_POOL_OK);
    ASSERT_EQ(ns_gen_pool_add_virt(pool, kVirtual + 8 * kGranule, 0x4000'0000, kGranule), NS_POOL_OK);
    Owned owned{pool, {}};
    uint64_t physical = 0;
    const uint64_t first = ns_gen_pool_dma_alloc(pool, kGranule, &physical);
    EXPECT_EQ(first, kVirtual + 8 * kGranule);
    EXPECT_EQ(physical, 0x4000'0000u);
    owned.blocks[first] = kGranule;
    const ns_gen_pool_data_align align = {2 * kGranule};
    const uint64_t skipped = owned.take(kGranule);
    EXPECT_EQ(skipped, kVirtual);
    const uint64_t second =
        ns_gen_pool_dma_alloc_algorithm(pool, kGranule, &physical, ns_gen_pool_first_fit_align, &align);
    EXPECT_EQ(second, kVirtual + 2 * kGranule);
    EXPECT_EQ(physical, kPhysical + 2 * kGranule);
    owned.blocks[second] = kGranule;
    physical = 77;
    EXPECT_EQ(ns_gen_pool_dma_alloc(pool, 3 * kGranule, &physical), 0u);
    EXPECT_EQ(physical, 77u);
    const uint64_t third = ns_gen_pool_dma_alloc(pool, kGranule, nullptr);
    EXPECT_EQ(third, kVirtual + kGranule);
    owned.blocks[third] = kGranule;
}

TEST(GenAlloc, TheAlgorithmOfThePoolCanBeChanged) {
    fake::Port port;
    Pool pool(port);
    ASSERT_EQ(ns_gen_pool_add_virt(pool, kVirtual, kPhysical, 16 * kGranule), NS_POOL_OK);
    Owned owned{pool, {}};
    auto take = [&](uint64_t size) {
        const uint64_t address = ns_gen_pool_alloc(pool, size);
        owned.blocks[address] = size;
        return address;
    };
    EXPECT_EQ(take(kGranule), kVirtual);
    ns_gen_pool_set_algorithm(pool, ns_gen_pool_first_fit_order_align, nullptr);
    EXPECT_EQ(take(4 * kGranule), kVirtual + 4 * kGranule);
    const ns_gen_pool_data_align align = {8 * kGranule};
    ns_gen_pool_set_algorithm(pool, ns_gen_pool_first_fit_align, &align);
    EXPECT_EQ(take(kGranule), kVirtual + 8 * kGranule);
    ns_gen_pool_set_algorithm(pool, ns_gen_pool_best_fit, nullptr);
    EXPECT_EQ(take(2 * kGranule), kVirtual + kGranule); /* 1 to 3 is smaller than 9 to 15 */
    ns_gen_pool_set_algorithm(pool, nullptr, nullptr);
    EXPECT_EQ(take(kGranule), kVirtual + 3 * kGranule);
}

TEST(GenAlloc, AnAlgorithmThatLiesIsABugLineAndNoMemory) {
    fake::Port port;
    Pool pool(port);
    ASSERT_EQ(ns_gen_pool_add_virt(pool, kVirtual, kPhysical, 16 * kGranule), NS_POOL_OK);
    Owned owned{pool, {}};
    owned.take(kGranule);
    auto over_the_end = [](const uint64_t *, uint64_t size, uint64_t, uint64_t, const void *, const ns_gen_pool *,
                           uint64_t) { return size - 1; };
    auto over_others = [](const uint64_t *, uint64_t, uint64_t, uint64_t, const void *, const ns_gen_pool *, uint64_t) {
        return UINT64_C(0);
    };
    EXPECT_EQ(ns_gen_pool_alloc_algorithm(pool, 2 * kGranule, over_the_end, nullptr), 0u);
    EXPECT_EQ(ns_gen_pool_alloc_algorithm(pool, kGranule, over_others, nullptr), 0u);
    ASSERT_EQ(port.misuses.size(), 2u);
    EXPECT_EQ(port.misuses[0].what, NS_MISUSE_POOL_CORRUPT);
    EXPECT_EQ(port.misuses[1].what, NS_MISUSE_POOL_CORRUPT);
    EXPECT_EQ(ns_gen_pool_avail(pool), 15 * kGranule);
}

TEST(GenAlloc, AddressZeroIsLostUnlessThePoolIsStrict) {
    fake::Port port;
    Pool pool(port);
    ASSERT_EQ(ns_gen_pool_add_virt(pool, 0, kPhysical, 2 * kGranule), NS_POOL_OK);
    EXPECT_EQ(ns_gen_pool_alloc(pool, kGranule), 0u) << "the block at address 0 looks like a failure";
    EXPECT_EQ(ns_gen_pool_avail(pool), kGranule) << "but is taken";
    EXPECT_EQ(ns_gen_pool_free(pool, 0, kGranule), NS_POOL_OK);

    Pool strict(port);
    ns_gen_pool_set_strict(strict, true);
    EXPECT_EQ(ns_gen_pool_add_virt(strict, 0, kPhysical, 2 * kGranule), NS_POOL_ERROR_ARGUMENT);
    EXPECT_EQ(ns_gen_pool_add_virt(strict, kGranule, kPhysical, 2 * kGranule), NS_POOL_OK);
}

TEST(GenAlloc, OverlappingChunksGiveOneByteToTwoUnlessThePoolIsStrict) {
    fake::Port port;
    for (bool is_strict : {false, true}) {
        Pool pool(port);
        ns_gen_pool_set_strict(pool, is_strict);
        ASSERT_EQ(ns_gen_pool_add_virt(pool, kVirtual, kPhysical, 2 * kGranule), NS_POOL_OK);
        const uint64_t first = ns_gen_pool_alloc(pool, 2 * kGranule);
        for (const auto &[start, size] : {std::pair{kVirtual + kGranule, 2 * kGranule}, {kVirtual, kGranule}}) {
            const ns_pool_status status = ns_gen_pool_add_virt(pool, start, kPhysical, size);
            EXPECT_EQ(status, is_strict ? NS_POOL_ERROR_ARGUMENT : NS_POOL_OK);
            if (!is_strict) {
                EXPECT_EQ(ns_gen_pool_alloc(pool, kGranule), start) << "handed out twice";
                EXPECT_EQ(ns_gen_pool_free(pool, start, kGranule), NS_POOL_OK);
            }
        }
        if (is_strict) {
            EXPECT_EQ(ns_gen_pool_add_virt(pool, kVirtual + 2 * kGranule, kPhysical, kGranule), NS_POOL_OK);
            EXPECT_EQ(ns_gen_pool_free(pool, first, 2 * kGranule), NS_POOL_OK);
        } else { /* a free goes to the first chunk that holds the address, not to the one it came from */
            EXPECT_EQ(ns_gen_pool_free(pool, first, 2 * kGranule), NS_POOL_ERROR_MISUSE);
            EXPECT_EQ(ns_gen_pool_destroy(pool), NS_POOL_ERROR_BUSY);
            pool.pool = nullptr; /* ~Port frees what this loses */
        }
    }
}

TEST(GenAlloc, RefusesArgumentsOutOfRange) {
    fake::Port port;
    ns_gen_pool *none = nullptr;
    EXPECT_EQ(ns_gen_pool_create(port.get(), 64, &none), NS_POOL_ERROR_ARGUMENT);
    EXPECT_EQ(none, nullptr);
    Pool pool(port);
    EXPECT_EQ(ns_gen_pool_add_virt(pool, kVirtual, kPhysical, 0), NS_POOL_ERROR_ARGUMENT);
    EXPECT_EQ(ns_gen_pool_add_virt(pool, UINT64_MAX - 0xfff, kPhysical, 0x1001), NS_POOL_ERROR_ARGUMENT);
    EXPECT_EQ(ns_gen_pool_add_virt(pool, kVirtual, UINT64_MAX - 0xfff, 0x1001), NS_POOL_ERROR_ARGUMENT);
    EXPECT_EQ(ns_gen_pool_size(pool), 0u);
    EXPECT_EQ(ns_gen_pool_alloc(pool, 1), 0u) << "no chunk";

    Pool huge(port, 63);
    ASSERT_EQ(ns_gen_pool_add_virt(huge, kVirtual, kPhysical, kGranule), NS_POOL_OK) << "smaller than its granule";
    EXPECT_EQ(ns_gen_pool_alloc(huge, 1), 0u);
    EXPECT_EQ(ns_gen_pool_avail(huge), kGranule);
}

TEST(GenAlloc, AddingAChunkTakesTheSpinLockOnce) {
    fake::Port port;
    static std::vector<std::string> calls;
    calls.clear();
    ns_port locking = *port.get();
    locking.lock = [](void *, bool irqs_off) { calls.push_back(irqs_off ? "lock irq" : "lock"); };
    locking.unlock = [](void *, bool irqs_off) { calls.push_back(irqs_off ? "unlock irq" : "unlock"); };
    ns_gen_pool *pool = nullptr;
    ASSERT_EQ(ns_gen_pool_create(&locking, 12, &pool), NS_POOL_OK);
    ASSERT_EQ(ns_gen_pool_add_virt(pool, kVirtual, kPhysical, 4 * kGranule), NS_POOL_OK);
    EXPECT_EQ(calls, (std::vector<std::string>{"lock", "unlock"}));
    const uint64_t block = ns_gen_pool_alloc(pool, 1);
    EXPECT_EQ(ns_gen_pool_free(pool, block, 1), NS_POOL_OK);
    EXPECT_EQ(calls.size(), 2u) << "alloc and free are lock-free";
    EXPECT_EQ(ns_gen_pool_destroy(pool), NS_POOL_OK);
}

TEST(GenAlloc, NoMetadataLeavesThePoolAsItWas) {
    fake::Port port;
    port.fail_metadata_at = 0;
    ns_gen_pool *none = nullptr;
    EXPECT_EQ(ns_gen_pool_create(port.get(), 12, &none), NS_POOL_ERROR_METADATA);
    EXPECT_EQ(port.metadata_blocks(), 0u);
    {
        Pool pool(port);
        port.fail_metadata_at = 0;
        EXPECT_EQ(ns_gen_pool_add_virt(pool, kVirtual, kPhysical, kGranule), NS_POOL_ERROR_METADATA);
        EXPECT_EQ(ns_gen_pool_size(pool), 0u);
        EXPECT_EQ(ns_gen_pool_add_virt(pool, kVirtual, kPhysical, kGranule), NS_POOL_OK);
        EXPECT_EQ(port.metadata_blocks(), 2u);
    }
    EXPECT_EQ(port.metadata_blocks(), 0u);
}

/* What a test in the kernel would do: fill, free every second block, refill the holes, free all, take all at once. */
TEST(GenAlloc, FillFragmentRefillAndDrain) {
    fake::Port port;
    Pool pool(port, 6);
    constexpr uint64_t kBlocks = 200; /* more than three words of bitmap */
    ASSERT_EQ(ns_gen_pool_add_virt(pool, kVirtual, kPhysical, kBlocks * 64), NS_POOL_OK);
    Owned owned{pool, {}};
    for (uint64_t i = 0; i < kBlocks; i++)
        ASSERT_EQ(owned.take(64), kVirtual + i * 64);
    EXPECT_EQ(owned.take(1), 0u);
    for (uint64_t i = 0; i < kBlocks; i += 2)
        owned.give(kVirtual + i * 64);
    EXPECT_EQ(ns_gen_pool_avail(pool), kBlocks / 2 * 64);
    EXPECT_EQ(owned.take(65), 0u) << "half of it is free, but no two neighbours";
    for (uint64_t i = 0; i < kBlocks; i += 2)
        ASSERT_EQ(owned.take(40), kVirtual + i * 64);
    while (!owned.blocks.empty())
        owned.give(owned.blocks.begin()->first);
    EXPECT_EQ(owned.take(kBlocks * 64), kVirtual);
    EXPECT_EQ(ns_gen_pool_avail(pool), 0u);
}

} // namespace
