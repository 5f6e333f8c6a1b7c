/* SPDX-License-Identifier: Apache-2.0 */
/* Each defect of the original heap, and its repair. */
#include "kmalloc_fixture.h"

namespace {

using namespace kmalloc_tests;
using fake::linear;

TEST(KmallocDefect, TheReserveIsTakenAtBootAndNeverReturned) {
    for (const unsigned chunks : {16u, 32u}) { /* before 2011, and since */
        Kmalloc historic(ns_kmalloc_gnu_mach(chunks));
        EXPECT_EQ(historic.machine.free_frames(), 2 * 2048 - chunks * 16u) << "before any driver asks";
        EXPECT_EQ(historic.count().pages_available, static_cast<int64_t>(chunks * 16));
        std::vector<uint64_t> blocks;
        uint64_t address = 0;
        while (ns_kmalloc_alloc(historic.kmalloc, 65000, NS_GFP_KERNEL, &address) == NS_POOL_OK) {
            EXPECT_LE(address + 65000, linear(16 * kMiB));
            EXPECT_EQ((address - fake::kLinear) / 65536, (address - fake::kLinear + 64999) / 65536);
            blocks.push_back(address);
        }
        EXPECT_EQ(blocks.size(), chunks);
        EXPECT_GT(historic.machine.free_frames(), 2048u) << "out of memory with half of the machine free";
        for (const uint64_t block : blocks)
            historic.free(block);
        uint64_t pages = 0;
        EXPECT_EQ(ns_kmalloc_collect(historic.kmalloc, &pages), NS_POOL_OK);
        EXPECT_EQ(pages, chunks * 16u) << "to the reserve";
        EXPECT_EQ(historic.machine.free_frames(), 2 * 2048 - chunks * 16u) << "but not to the system";
    }
    Kmalloc patched;
    const uint64_t before = patched.machine.free_frames();
    EXPECT_EQ(before, 2 * 2048u);
    std::vector<uint64_t> blocks;
    for (int i = 0; i < 100; i++)
        blocks.push_back(patched.alloc(65000));
    for (const uint64_t block : blocks)
        patched.free(block);
    EXPECT_EQ(ns_kmalloc_collect(patched.kmalloc, nullptr), NS_POOL_OK);
    EXPECT_EQ(patched.machine.free_frames(), before);
}

TEST(KmallocDefect, GfpFlagsAreIgnored) {
    ns_kmalloc_options options = kPatched;
    options.ignore_flags = true;
    Kmalloc historic(options);
    const uint64_t high = historic.alloc(64, NS_GFP_KERNEL | NS_GFP_DMA);
    EXPECT_GE(high, linear(4 * kGiB)) << "a 24-bit device cannot reach what it asked for";
    historic.poke(high, 0x5a);
    historic.free(high);
    const uint64_t dirty = historic.alloc(64, NS_GFP_KERNEL | NS___GFP_ZERO);
    EXPECT_EQ(historic.word(dirty, 1), 0x5au);
    historic.free(dirty);

    Kmalloc patched;
    const uint64_t low = patched.alloc(64, NS_GFP_KERNEL | NS_GFP_DMA);
    EXPECT_LE(low + 64, linear(16 * kMiB));
    patched.free(low);
}

TEST(KmallocDefect, SixteenBitSizesEndAt64KiB) {
    ns_kmalloc_options options = kPatched;
    options.size_in_16_bits = true;
    Kmalloc historic(options);
    const uint64_t max = 65536 - 16 - 4;
    EXPECT_EQ(ns_kmalloc_size_max(historic.kmalloc), max);
    EXPECT_EQ(historic.try_alloc(max), NS_POOL_OK);
    EXPECT_EQ(historic.try_alloc(max + 1), NS_POOL_ERROR_ARGUMENT);
    EXPECT_TRUE(historic.machine.port.heard("more than the largest block"));

    Kmalloc patched;
    const uint64_t large = 4 * kMiB - 16 - 8; /* the largest order */
    EXPECT_EQ(patched.try_alloc(65536), NS_POOL_OK);
    EXPECT_EQ(patched.try_alloc(large), NS_POOL_OK);
    EXPECT_EQ(patched.try_alloc(large + 1), NS_POOL_ERROR_ARGUMENT);
}

TEST(KmallocDefect, AvailablePagesAreCountedByOrderPlusOne) {
    for (const bool wrong : {true, false}) {
        ns_kmalloc_options options = {32, false, false, wrong, false};
        Kmalloc test(options);
        for (unsigned order = 0; order <= 4; order++) {
            uint64_t pages = 0;
            ASSERT_EQ(ns_kmalloc_get_free_pages(test.kmalloc, NS_GFP_KERNEL, order, &pages), NS_POOL_OK);
            /* order + 1 is right for 1 and 2 pages only; for 16 it counts 5 */
            EXPECT_EQ(test.count().pages_available, 512 - (wrong ? order + 1 : 1 << order)) << order;
            EXPECT_EQ(ns_kmalloc_free_pages(test.kmalloc, pages, order), NS_POOL_OK);
            EXPECT_EQ(test.count().pages_available, 512);
        }
    }
}

TEST(KmallocDefect, FreedNeighboursAreMergedOnFailureOnly) {
    for (const bool late : {true, false}) {
        ns_kmalloc_options options = kPatched;
        options.coalesce_on_failure_only = late;
        Kmalloc test(options);
        const uint64_t a = test.alloc(64), b = test.alloc(64), wall = test.alloc(64);
        test.free(a);
        test.free(b);
        EXPECT_EQ(test.word(a - 4, 4), late ? 64u : 64u + 8 + 64);
        /* The hole of 136 bytes is there, but only one of the two sees it. */
        const uint64_t fits = test.alloc(136);
        EXPECT_EQ(fits, late ? wall + 64 + 8 : a);
        EXPECT_EQ(test.count().coalesced, late ? 1u : 0u) << "in the first request, which found no group";
        /* When nothing else is left, the late one merges too. */
        const uint64_t rest = test.alloc(late ? 3640 : 3784);
        EXPECT_EQ(test.count().groups, 1u);
        if (late) {
            const uint64_t hole = test.alloc(136);
            EXPECT_EQ(hole, a);
            EXPECT_EQ(test.count().coalesced, 2u);
            test.free(hole);
        }
        for (const uint64_t block : {wall, fits, rest})
            test.free(block);
    }
}

} // namespace
