/* SPDX-License-Identifier: Apache-2.0 */
#include "kmalloc_fixture.h"

namespace {

using namespace kmalloc_tests;
using fake::linear;

/* ---- layout, first fit, lists ---- */

TEST(Kmalloc, HeadersLieInFrontOfTheBlocksInSimulatedMemory) {
    struct {
        ns_kmalloc_options options;
        unsigned field, payload; /* of 13 bytes: rounded up to the granularity of 8 or 4 */
    } const rows[] = {{kPatched, 4, 16}, {{0, false, true, false, false}, 2, 16}, {{0, true, true, true, true}, 2, 16}};
    for (const auto &row : rows) {
        Kmalloc test(row.options);
        const uint64_t page = linear(4 * kGiB);
        const uint64_t header = 2 * row.field;
        const uint64_t block = test.alloc(13);
        EXPECT_EQ(block, page + 16 + header);
        EXPECT_EQ(test.word(page, 4), 4096u);
        EXPECT_EQ(test.word(page + 8, 8), 0u) << "no other group";
        EXPECT_EQ(test.word(block - header, row.field), 0u) << "not free";
        EXPECT_EQ(test.word(block - row.field, row.field), row.payload);
        const uint64_t rest = block + row.payload;
        EXPECT_EQ(test.word(rest, row.field), 1u) << "free";
        EXPECT_EQ(test.word(rest + row.field, row.field), 4096u - 16 - header - row.payload - header);
        EXPECT_EQ(ns_kmalloc_block_size(test.kmalloc, block), row.payload);
        test.free(block);
    }
}

TEST(Kmalloc, SmallRequestsAreOfTwelveBytes) {
    Kmalloc historic({0, false, true, false, false});
    Kmalloc patched;
    for (const uint64_t size : {0u, 1u, 12u}) {
        const uint64_t small = historic.alloc(size), rounded = patched.alloc(size);
        EXPECT_EQ(ns_kmalloc_block_size(historic.kmalloc, small), 12u);
        EXPECT_EQ(ns_kmalloc_block_size(patched.kmalloc, rounded), 16u) << "to the granularity of 8";
        historic.free(small);
        patched.free(rounded);
    }
}

TEST(Kmalloc, ABlockIsSplitOnlyIfTheRestHoldsAHeaderAndTwelveBytes) {
    struct {
        bool small_header;
        uint64_t hole, wanted, block; /* bytes */
    } const rows[] = {
        {true, 64, 48, 48},  /* 16 left: 12 + 4 */
        {true, 64, 52, 64},  /* 12 left */
        {false, 64, 40, 40}, /* 24 left: 12 + 8, in steps of 8 */
        {false, 64, 48, 64}, /* 16 left */
        {false, 64, 64, 64},
    };
    for (const auto &row : rows) {
        SCOPED_TRACE(testing::Message() << row.wanted << " in " << row.hole);
        Kmalloc test({0, false, row.small_header, false, false});
        const uint64_t hole = test.alloc(row.hole);
        const uint64_t wall = test.alloc(16);
        test.free(hole);
        const uint64_t block = test.alloc(row.wanted);
        EXPECT_EQ(block, hole) << "first fit";
        EXPECT_EQ(ns_kmalloc_block_size(test.kmalloc, block), row.block);
        test.free(block);
        test.free(wall);
    }
}

TEST(Kmalloc, DmaAndNormalBlocksComeFromListsOfTheirOwn) {
    Kmalloc test;
    const uint64_t normal = test.alloc(100);
    const uint64_t dma = test.alloc(100, NS_GFP_KERNEL | NS_GFP_DMA);
    const uint64_t more = test.alloc(100, NS_GFP_ATOMIC | NS_GFP_DMA);
    EXPECT_EQ(normal / 4096, linear(4 * kGiB) / 4096);
    EXPECT_EQ(dma / 4096, linear(kMiB) / 4096);
    EXPECT_EQ(more, dma + 104 + 8) << "behind the first of its list, although the other has room too";
    EXPECT_EQ(test.count().groups, 2u);
    test.free(dma); /* free room of one list is not the other's */
    test.free(more);
    const uint64_t other = test.alloc(100);
    EXPECT_EQ(other, normal + 104 + 8);
    test.free(other);
    test.free(normal);
}

TEST(Kmalloc, ZonesThatKmallocDoesNotKnowAreDroppedWithAWarning) {
    Kmalloc test;
    for (const ns_gfp zone : {NS___GFP_DMA32, NS___GFP_HIGHMEM}) {
        test.machine.port.said.clear();
        const uint64_t block = test.alloc(100, NS_GFP_KERNEL | zone);
        EXPECT_GE(block, linear(4 * kGiB));
        EXPECT_TRUE(test.machine.port.heard("unexpected gfp"));
        test.free(block);
    }
}

TEST(Kmalloc, ZeroedOnRequestOnly) {
    Kmalloc test;
    const uint64_t first = test.alloc(64);
    for (uint64_t i = 0; i < 64; i++)
        test.poke(first + i, 0x5a);
    test.free(first);
    const uint64_t plain = test.alloc(64);
    ASSERT_EQ(plain, first);
    EXPECT_EQ(test.word(plain + 56, 1), 0x5au);
    test.free(plain);
    const uint64_t zeroed = test.alloc(60, NS_GFP_KERNEL | NS___GFP_ZERO);
    ASSERT_EQ(zeroed, first);
    for (uint64_t i = 0; i < 64; i += 8)
        EXPECT_EQ(test.word(zeroed + i, 8), 0u);
    test.free(zeroed);
}

TEST(Kmalloc, WholeFreeGroupsAreCollectedAndOthersStay) {
    Kmalloc test;
    const uint64_t before = test.machine.free_frames();
    const uint64_t a = test.alloc(4000), b = test.alloc(16000), c = test.alloc(4000);
    EXPECT_EQ(test.machine.free_frames(), before - 1 - 4 - 1);
    test.free(a);
    test.free(b);
    EXPECT_EQ(test.machine.free_frames(), before - 6) << "not before they are collected";
    uint64_t pages = 0;
    EXPECT_EQ(ns_kmalloc_collect(test.kmalloc, &pages), NS_POOL_OK);
    EXPECT_EQ(pages, 5u);
    EXPECT_EQ(test.machine.free_frames(), before - 1);
    EXPECT_EQ(ns_kmalloc_collect(test.kmalloc, nullptr), NS_POOL_OK);
    EXPECT_EQ(test.count().groups, 1u);
    const uint64_t next = test.alloc(4000); /* the links of the groups are still right */
    test.free(c);
    EXPECT_EQ(ns_kmalloc_collect(test.kmalloc, &pages), NS_POOL_OK);
    EXPECT_EQ(pages, 1u);
    test.free(next);
    EXPECT_TRUE(test.machine.port.misuses.empty());
}

TEST(Kmalloc, PagesThatRunOutAreCollectedFromFreeGroups) {
    Kmalloc test(kPatched, {{kMiB, 0x4000}});
    const uint64_t a = test.alloc(8000), b = test.alloc(8000); /* all four pages */
    EXPECT_EQ(test.try_alloc(4000), NS_POOL_ERROR_EXHAUSTED);
    EXPECT_TRUE(test.machine.port.heard("ran out of pages"));
    test.free(a);
    const uint64_t c = test.alloc(4000, NS_GFP_DMA); /* the other list: has no pages of its own */
    EXPECT_EQ(test.count().collected, 2u);
    test.free(b);
    test.free(c);
}

/* ---- overwritten headers ---- */

TEST(Kmalloc, AnOverwrittenHeaderIsToldAndNeverFollowed) {
    struct {
        const char *what;
        bool historic;
        uint64_t where; /* from the page on */
        uint8_t value;
        uint64_t told, length;
    } const rows[] = {
        {"size of the group", false, 1, 0x20, 0, 16},
        {"next group", false, 8, 0x10, 0, 16},
        {"used block called free", false, 16, 1, 16, 8},
        {"size of the used block", false, 20, 0x48, 16, 8},
        {"size 0: the walk would never end", false, 20, 0, 16, 8},
        {"size beyond the page", false, 22, 0xff, 16, 8},
        {"free block called used", false, 16 + 8 + 64, 0, 16 + 8 + 64, 8},
        {"neither free nor used", false, 16 + 8 + 64, 2, 16 + 8 + 64, 8},
        {"16-bit header", true, 18, 0x44, 16, 4},
    };
    for (const auto &row : rows) {
        SCOPED_TRACE(row.what);
        Kmalloc test({0, false, row.historic, false, false});
        const uint64_t page = linear(4 * kGiB);
        const uint64_t block = test.alloc(64);
        test.poke(page + row.where, row.value);
        EXPECT_EQ(test.try_alloc(200), NS_POOL_ERROR_MISUSE);
        EXPECT_EQ(test.machine.port.misuses,
                  (std::vector<fake::Misuse>{{NS_MISUSE_POOL_CORRUPT, page + row.told, row.length}}));
        test.machine.port.misuses.clear();
        EXPECT_EQ(test.try_alloc(200), NS_POOL_OK) << "written anew from the books";

        test.poke(page + row.where, row.value);
        EXPECT_EQ(ns_kmalloc_collect(test.kmalloc, nullptr), NS_POOL_ERROR_MISUSE);
        EXPECT_EQ(test.machine.port.misuses.size(), 1u);
        test.machine.port.misuses.clear();
        test.free(block);
        EXPECT_EQ(ns_kmalloc_collect(test.kmalloc, nullptr), NS_POOL_OK);
        EXPECT_TRUE(test.machine.port.misuses.empty());
        EXPECT_EQ(test.machine.free_frames(), 4096u);
    }
}

TEST(Kmalloc, FreeMeetsAnOverwrittenHeaderOfTheBlockAndOfItsNeighbours) {
    Kmalloc test;
    const uint64_t a = test.alloc(64), b = test.alloc(64), c = test.alloc(64), wall = test.alloc(64);
    test.free(a);
    test.free(c);
    for (const uint64_t victim : {b, a, c}) { /* merging b would read all three */
        test.machine.port.misuses.clear();
        test.poke(victim - 3, 0xee);
        EXPECT_EQ(ns_kmalloc_free(test.kmalloc, b), NS_POOL_ERROR_MISUSE);
        EXPECT_EQ(test.machine.port.misuses, (std::vector<fake::Misuse>{{NS_MISUSE_POOL_CORRUPT, victim - 8, 8}}));
        EXPECT_EQ(ns_kmalloc_block_size(test.kmalloc, b), 64u) << "nothing was freed";
    }
    test.machine.port.misuses.clear();
    test.free(b);
    test.free(wall);
    EXPECT_TRUE(test.machine.port.misuses.empty());
}

/* A device that writes anywhere in the groups: each call succeeds or tells; nothing is lost, no block has two owners.
 */
TEST(Kmalloc, StrayStoresAnywhereInAGroupLoseNothing) {
    const uint64_t seed = fake::seed();
    SCOPED_TRACE(testing::Message() << "NS_TEST_SEED=" << seed);
    for (const ns_kmalloc_options &options : {kPatched, ns_kmalloc_gnu_mach(2)}) {
        fake::Random random(seed);
        Kmalloc test(options, {{kMiB, 0x2'0000}});
        const uint64_t before = test.machine.free_frames();
        std::map<uint64_t, uint64_t> live;
        int told = 0;
        const auto call_with_repetition = [&](const std::function<ns_pool_status()> &call) {
            ns_pool_status status = NS_POOL_ERROR_MISUSE;
            for (int attempt = 0; attempt < 100 && status == NS_POOL_ERROR_MISUSE; attempt++) {
                test.machine.port.misuses.clear();
                status = call();
                for (const fake::Misuse &misuse : test.machine.port.misuses)
                    EXPECT_EQ(misuse.what, NS_MISUSE_POOL_CORRUPT);
                told += status == NS_POOL_ERROR_MISUSE;
                EXPECT_EQ(test.machine.port.misuses.size(), status == NS_POOL_ERROR_MISUSE ? 1u : 0u);
            }
            return status;
        };
        for (int step = 0; step < 1500; step++) {
            if (!live.empty() && random.below(3) == 0) {
                auto near = std::next(live.begin(), static_cast<std::ptrdiff_t>(random.below(live.size())));
                const uint64_t page = near->first & ~UINT64_C(4095);
                test.poke(random.below(2) ? near->first - 1 - random.below(8) : page + random.below(4096),
                          static_cast<uint8_t>(random.below(256)));
            }
            if (random.below(2)) {
                const uint64_t size = random.below(300);
                uint64_t address = 0;
                const ns_pool_status status =
                    call_with_repetition([&] { return ns_kmalloc_alloc(test.kmalloc, size, NS_GFP_KERNEL, &address); });
                ASSERT_TRUE(status == NS_POOL_OK || status == NS_POOL_ERROR_EXHAUSTED) << step;
                if (status != NS_POOL_OK)
                    continue;
                auto next = live.lower_bound(address);
                ASSERT_TRUE(next == live.end() || address + size <= next->first) << step;
                ASSERT_TRUE(next == live.begin() || std::prev(next)->first + std::prev(next)->second <= address);
                live[address] = size;
            } else if (!live.empty()) {
                auto victim = std::next(live.begin(), static_cast<std::ptrdiff_t>(random.below(live.size())));
                ASSERT_EQ(call_with_repetition([&] { return ns_kmalloc_free(test.kmalloc, victim->first); }),
                          NS_POOL_OK);
                live.erase(victim);
            }
        }
        EXPECT_GT(told, 50);
        for (const auto &each : live)
            ASSERT_EQ(call_with_repetition([&] { return ns_kmalloc_free(test.kmalloc, each.first); }), NS_POOL_OK);
        ASSERT_EQ(call_with_repetition([&] { return ns_kmalloc_collect(test.kmalloc, nullptr); }), NS_POOL_OK);
        EXPECT_EQ(test.count().groups, 0u);
        EXPECT_EQ(test.machine.free_frames(), before);
    }
}

/* ---- wrong calls ---- */

TEST(Kmalloc, ToldOfEveryWrongFree) {
    for (const bool late : {true, false}) {
        ns_kmalloc_options options = kPatched;
        options.coalesce_on_failure_only = late;
        Kmalloc test(options);
        const uint64_t block = test.alloc(64), gone = test.alloc(64);
        test.free(gone);
        struct {
            const char *what;
            uint64_t address;
            ns_port_misuse misuse;
        } const rows[] = {
            {"twice", gone, NS_MISUSE_DOUBLE_FREE},
            {"inside of a block", block + 8, NS_MISUSE_FOREIGN_FREE},
            {"misaligned", block + 1, NS_MISUSE_FOREIGN_FREE},
            {"its header", block - 8, NS_MISUSE_FOREIGN_FREE},
            {"start of the group", linear(4 * kGiB), NS_MISUSE_FOREIGN_FREE},
            {"another page", linear(4 * kGiB) + 4096, NS_MISUSE_FOREIGN_FREE},
            {"a physical address", 4 * kGiB + 24, NS_MISUSE_FOREIGN_FREE},
            {"the last address", UINT64_MAX, NS_MISUSE_FOREIGN_FREE},
        };
        for (const auto &row : rows) {
            SCOPED_TRACE(row.what);
            test.machine.port.misuses.clear();
            EXPECT_EQ(ns_kmalloc_free(test.kmalloc, row.address), NS_POOL_ERROR_MISUSE);
            EXPECT_EQ(test.machine.port.misuses, (std::vector<fake::Misuse>{{row.misuse, row.address, 0}}));
            EXPECT_EQ(test.count().blocks_used, 1u);
        }
        test.machine.port.misuses.clear();
        EXPECT_EQ(ns_kmalloc_destroy(test.kmalloc), NS_POOL_ERROR_BUSY);
        EXPECT_EQ(test.machine.port.misuses, (std::vector<fake::Misuse>{{NS_MISUSE_DESTROY_BUSY, 0, 0}}));
        EXPECT_EQ(ns_kmalloc_free(test.kmalloc, 0), NS_POOL_OK) << "kfree(NULL)";
        test.free(block);
    }
    EXPECT_EQ(ns_kmalloc_destroy(nullptr), NS_POOL_OK);
}

TEST(Kmalloc, HugeRequestsAreRefused) {
    for (const ns_kmalloc_options &options : {kPatched, ns_kmalloc_gnu_mach(4)}) {
        Kmalloc test(options);
        for (const uint64_t size : {4 * kMiB, UINT64_MAX, UINT64_MAX - 7, UINT64_C(1) << 32})
            EXPECT_EQ(test.try_alloc(size), NS_POOL_ERROR_ARGUMENT) << size;
        EXPECT_EQ(test.try_alloc(64, NS_GFP_DMA | NS___GFP_HIGHMEM), NS_POOL_OK); /* HIGHMEM is dropped first */
        uint64_t address = 0;
        for (const unsigned order : {11u, 32u, 64u, UINT32_MAX})
            EXPECT_EQ(ns_kmalloc_get_free_pages(test.kmalloc, NS_GFP_KERNEL, order, &address), NS_POOL_ERROR_ARGUMENT);
    }
}

TEST(Kmalloc, WrongFreesOfPagesAreToldApart) {
    for (const unsigned chunks : {0u, 2u}) {
        Kmalloc test({chunks, false, false, false, false});
        const uint64_t block = test.alloc(64);
        uint64_t pages = 0, gone = 0;
        ASSERT_EQ(ns_kmalloc_free_pages(test.kmalloc, linear(kMiB + 0x4000), 0), NS_POOL_ERROR_MISUSE);
        ASSERT_EQ(ns_kmalloc_get_free_pages(test.kmalloc, NS_GFP_KERNEL, 1, &pages), NS_POOL_OK);
        ASSERT_EQ(ns_kmalloc_get_free_pages(test.kmalloc, NS_GFP_KERNEL, 0, &gone), NS_POOL_OK);
        ASSERT_EQ(ns_kmalloc_free_pages(test.kmalloc, gone, 0), NS_POOL_OK);
        struct {
            const char *what;
            uint64_t address;
            unsigned order;
            ns_port_misuse misuse;
        } const rows[] = {
            {"order too small", pages, 0, NS_MISUSE_FREE_SIZE},
            {"order too large", pages, 4, NS_MISUSE_FREE_SIZE},
            {"twice", gone, 0, NS_MISUSE_DOUBLE_FREE},
            {"second page", pages + 4096, 0, NS_MISUSE_FOREIGN_FREE},
            {"not a page", pages + 8, 1, NS_MISUSE_FOREIGN_FREE},
            {"pages of a group", block & ~UINT64_C(4095), 0, NS_MISUSE_FOREIGN_FREE},
            {"not mapped", 0x1000, 0, NS_MISUSE_FOREIGN_FREE},
        };
        for (const auto &row : rows) {
            SCOPED_TRACE(row.what);
            test.machine.port.misuses.clear();
            EXPECT_EQ(ns_kmalloc_free_pages(test.kmalloc, row.address, row.order), NS_POOL_ERROR_MISUSE);
            ASSERT_EQ(test.machine.port.misuses.size(), 1u);
            EXPECT_EQ(test.machine.port.misuses[0].what, row.misuse);
            EXPECT_EQ(test.count().page_blocks, 1u);
        }
        EXPECT_NE(ns_kmalloc_free_pages(test.kmalloc, pages, UINT32_MAX), NS_POOL_OK);
        EXPECT_EQ(ns_kmalloc_destroy(test.kmalloc), NS_POOL_ERROR_BUSY);
        EXPECT_EQ(ns_kmalloc_free_pages(test.kmalloc, pages, 1), NS_POOL_OK);
        test.free(block);
    }
}

TEST(Kmalloc, AReserveThatCannotBeHadIsRefusedWhole) {
    fake::Machine machine({{kMiB, 5 * 0x10000}, {32 * kMiB, kMiB}}, 4 * kGiB, 16 * kMiB);
    ns_kmalloc *kmalloc = nullptr;
    const uint64_t before = machine.free_frames();
    ns_kmalloc_options options = ns_kmalloc_gnu_mach(6); /* only five chunks lie below 16 MiB */
    EXPECT_EQ(ns_kmalloc_create(machine.port.get(), machine.frames, &options, &kmalloc), NS_POOL_ERROR_EXHAUSTED);
    options.reserve_chunks = NS_KMALLOC_CHUNKS_MAX + 1;
    EXPECT_EQ(ns_kmalloc_create(machine.port.get(), machine.frames, &options, &kmalloc), NS_POOL_ERROR_ARGUMENT);
    machine.port.fail_metadata_at = 0;
    EXPECT_EQ(ns_kmalloc_create(machine.port.get(), machine.frames, &kPatched, &kmalloc), NS_POOL_ERROR_METADATA);
    EXPECT_EQ(kmalloc, nullptr);
    EXPECT_EQ(machine.free_frames(), before);
    EXPECT_EQ(machine.port.metadata_blocks(), 1u);
}

/* ---- long random sequences ---- */

struct Live {
    uint64_t size;
    uint8_t pattern;
};

/* Blocks stay apart, keep their content, obey their zone; pages and blocks add up; at the end all is back. */
void run_random(const ns_kmalloc_options &options, uint64_t seed, int fail_every) {
    SCOPED_TRACE(testing::Message() << "NS_TEST_SEED=" << seed << ", chunks " << options.reserve_chunks);
    fake::Random random(seed);
    Kmalloc test(options, {{kMiB, 40 * 0x10000}, {4 * kGiB, 40 * 0x1000}});
    const uint64_t before = test.machine.free_frames();
    std::map<uint64_t, Live> live;
    std::map<uint64_t, unsigned> pages;
    fake::Port &port = test.machine.port;
    for (int step = 0; step < 1500; step++) {
        if (fail_every != 0 && step % fail_every == 0)
            port.fail_metadata_at = 0;
        const ns_gfp gfp = NS_GFP_KERNEL | NS___GFP_NOWARN | (random.below(3) ? 0 : NS_GFP_DMA);
        const uint64_t kind = random.below(20);
        if (kind < 10) {
            const uint64_t size = random.below(random.below(20) ? 600 : 40000);
            uint64_t address = 0;
            const ns_pool_status status = ns_kmalloc_alloc(test.kmalloc, size, gfp, &address);
            ASSERT_TRUE(status == NS_POOL_OK || status == NS_POOL_ERROR_EXHAUSTED || status == NS_POOL_ERROR_METADATA);
            if (status != NS_POOL_OK)
                continue;
            ASSERT_EQ(address % (options.size_in_16_bits ? 4 : 8), 0u);
            ASSERT_GE(ns_kmalloc_block_size(test.kmalloc, address), size);
            if ((gfp & NS_GFP_DMA) != 0 && !options.ignore_flags) {
                ASSERT_LE(address + size, linear(16 * kMiB));
            }
            auto next = live.lower_bound(address);
            ASSERT_TRUE(next == live.end() || address + size <= next->first) << step;
            ASSERT_TRUE(next == live.begin() || std::prev(next)->first + std::prev(next)->second.size <= address);
            const auto pattern = static_cast<uint8_t>(step);
            port.get()->fill(&port, address, size, pattern);
            live[address] = {size, pattern};
        } else if (kind < 18 && !live.empty()) {
            auto victim = std::next(live.begin(), static_cast<std::ptrdiff_t>(random.below(live.size())));
            for (uint64_t i = 0; i < victim->second.size; i += 3) /* less than a header */
                ASSERT_EQ(port.memory(victim->first - fake::kLinear + i), victim->second.pattern);
            ASSERT_EQ(ns_kmalloc_free(test.kmalloc, victim->first), NS_POOL_OK);
            live.erase(victim);
        } else if (kind == 18) {
            const unsigned order = static_cast<unsigned>(random.below(4));
            uint64_t address = 0;
            if (!pages.empty() && random.below(2)) {
                ASSERT_EQ(ns_kmalloc_free_pages(test.kmalloc, pages.begin()->first, pages.begin()->second), NS_POOL_OK);
                pages.erase(pages.begin());
            } else if (ns_kmalloc_get_free_pages(test.kmalloc, gfp, order, &address) == NS_POOL_OK) {
                auto next = live.lower_bound(address);
                ASSERT_TRUE(next == live.end() || address + (UINT64_C(4096) << order) <= next->first);
                pages[address] = order;
            }
        } else if (kind == 19 && random.below(10) == 0) {
            ASSERT_EQ(ns_kmalloc_collect(test.kmalloc, nullptr), NS_POOL_OK);
        }
        uint64_t page_count = 0;
        for (const auto &each : pages)
            page_count += UINT64_C(1) << each.second;
        ASSERT_EQ(test.count().blocks_used, live.size());
        const uint64_t held = test.count().group_pages + page_count;
        if (options.reserve_chunks == 0) {
            ASSERT_EQ(test.machine.free_frames(), before - held);
        } else if (!options.count_order_plus_one) {
            ASSERT_EQ(test.count().pages_available, static_cast<int64_t>(options.reserve_chunks * 16 - held));
        }
    }
    port.fail_metadata_at = -1;
    for (const auto &[address, order] : pages)
        EXPECT_EQ(ns_kmalloc_free_pages(test.kmalloc, address, order), NS_POOL_OK);
    for (const auto &[address, block] : live)
        test.free(address);
    EXPECT_EQ(ns_kmalloc_collect(test.kmalloc, nullptr), NS_POOL_OK);
    EXPECT_EQ(test.count().groups, 0u);
    EXPECT_EQ(test.machine.free_frames(), before);
    EXPECT_EQ(test.count().pages_available, static_cast<int64_t>(options.reserve_chunks * 16));
    EXPECT_TRUE(port.misuses.empty());
}

TEST(Kmalloc, RandomSequencesKeepBlocksApartAndAddUp) {
    for (const ns_kmalloc_options &options :
         {kPatched, ns_kmalloc_gnu_mach(4), ns_kmalloc_options{4, false, false, false, false},
          ns_kmalloc_options{0, false, true, false, true}, ns_kmalloc_options{0, true, false, false, true}})
        run_random(options, fake::seed(), 0);
}

TEST(Kmalloc, FailedBookKeepingLosesNothing) {
    for (const int every : {1, 3, 31})
        run_random(kPatched, fake::seed() + static_cast<uint64_t>(every), every);
}

} // namespace
