/* SPDX-License-Identifier: Apache-2.0 */
/* The two designs of mm/dmapool.c, before and since Linux 6.4: how a page is cut, which block comes, what is in it, and
 * what destroy loses. */
#include "dma_pool_fixture.h"

namespace {

using namespace dma_pool_tests;

/* ---- carving --------------------------------------------------------------------------------- */

struct Count {
    uint64_t size, align, boundary;
    uint64_t old_count, new_count;
    const char *why;
};

/* Old loop: the next block begins at next = offset + size, or at the boundary's end if next + size >= that end; while
 * the offset is below the page's end. New loop: a block is made if it ends at or below the boundary's end and the
 * page's. */
const Count kCounts[] = {
    {1024, 0, 0, 3, 4, "B1: 3072 + 1024 = 4096"},
    {2048, 0, 0, 1, 2, "B1"},
    {64, 64, 0, 63, 64, "B1"},
    {1024, 0, 2048, 2, 4, "B1: one in each 2048"},
    {100, 32, 256, 16, 32, "B1: size 128, one in each 256"},
    {1536, 0, 0, 2, 2, "1024 bytes are left"},
    {1536, 0, 8192, 3, 2, "B2: 3072 + 1536 = 4608"},
    {1000, 0, 0, 4, 4, "96 bytes are left"},
    {3, 1, 0, 1023, 256, "smallest blocks 4 and 16; B1"},
    {48, 16, 128, 64, 64, "2 in each 128"},
    {4096, 0, 0, 1, 1, "a page"},
    {6000, 0, 0, 1, 1, "a page of its own"},
};

TEST(DmaPoolDesigns, BlocksPerPage) {
    for (ns_dma_pool_design design : {NS_DMA_POOL_LIST, NS_DMA_POOL_CHAINS})
        for (ns_dma_pool_checks checks : {NS_DMA_POOL_STRICT, NS_DMA_POOL_KERNEL})
            for (const Count &row : kCounts) {
                SCOPED_TRACE(testing::Message() << name_of(design) << ", checks " << checks << ": " << row.size << ", "
                                                << row.align << ", " << row.boundary << ": " << row.why);
                Fixture pool(options(design, checks), row.size, row.align, row.boundary);
                const uint64_t expected = design == NS_DMA_POOL_LIST ? row.new_count : row.old_count;
                std::vector<Block> blocks;
                for (uint64_t i = 0; i < expected; i++) {
                    blocks.push_back(pool.alloc());
                    ASSERT_EQ(pool.statistics().pages, 1u);
                }
                EXPECT_EQ(pool.statistics().blocks, expected);
                EXPECT_EQ(pool.statistics().active, expected);
                blocks.push_back(pool.alloc());
                EXPECT_EQ(pool.statistics().pages, 2u);
                for (const Block &block : blocks)
                    EXPECT_EQ(pool.free(block), NS_POOL_OK);
                EXPECT_EQ(ns_dma_pool_destroy(pool.pool), NS_POOL_OK);
                EXPECT_EQ(pool.machine.free_frames(), kMiB / NS_FRAME_SIZE);
            }
}

TEST(DmaPoolDesigns, B1_AnExactFitCountsAsCrossing) {
    Fixture old_pool(options(NS_DMA_POOL_CHAINS), 1024, 0, 2048);
    const uint64_t first = old_pool.alloc().bus;
    EXPECT_EQ(old_pool.alloc().bus, first + 2048) << "the block at 1024 would end at the boundary, not behind it";
    Fixture new_pool(options(NS_DMA_POOL_LIST), 1024, 0, 2048);
    const uint64_t same = new_pool.alloc().bus;
    EXPECT_EQ(new_pool.alloc().bus, same + 1024);
}

/* A coherent device's page is in the linear mapping, so what lies behind it is somebody's memory. */
TEST(DmaPoolDesigns, B2_TheLastBlockRunsIntoTheNextFrame) {
    for (ns_dma_pool_design design : {NS_DMA_POOL_CHAINS, NS_DMA_POOL_LIST}) {
        SCOPED_TRACE(name_of(design));
        Fixture pool(options(design, NS_DMA_POOL_KERNEL), 1536, 0, 8192, true);
        const Block first = pool.alloc();
        pool.device_writes(first.bus + 4096, 4096, 0xEEEE'EEEE'EEEE'EEEE);
        Block blocks[2];
        for (Block &block : blocks)
            block = pool.alloc(NS_GFP_KERNEL | NS___GFP_ZERO);
        if (design == NS_DMA_POOL_CHAINS) {
            EXPECT_EQ(blocks[1].bus, first.bus + 3072);
            EXPECT_TRUE(pool.holds_only(first.bus + 4096, 512, 0)) << "zeroed, and not the pool's";
            EXPECT_TRUE(pool.holds_only(first.bus + 4608, 3584, 0xEE));
        } else {
            EXPECT_EQ(pool.statistics().pages, 2u) << "a page of its own instead";
        }
        EXPECT_TRUE(pool.misuses().empty()) << "the kernel sees nothing";
    }
}

/* Behind a remapped page there is no page: clearing the block faults there. */
TEST(DmaPoolDesigns, B2_TheLastBlockFaultsBehindARemappedPage) {
    for (ns_dma_pool_checks checks : {NS_DMA_POOL_STRICT, NS_DMA_POOL_KERNEL, NS_DMA_POOL_KERNEL_DEBUG}) {
        Fixture pool(options(NS_DMA_POOL_CHAINS, checks), 1536, 0, 8192);
        (void)pool.alloc();
        (void)pool.alloc();
        Block block;
        EXPECT_EQ(pool.try_alloc(block, NS_GFP_KERNEL | NS___GFP_ZERO), NS_POOL_ERROR_MISUSE);
        EXPECT_EQ(pool.misuses(), Misuses{NS_MISUSE_POOL_CORRUPT});
        EXPECT_TRUE(pool.bug());
    }
}

/* The same when it is freed: strict checking tells, and keeps the block. */
TEST(DmaPoolDesigns, B2_FreeingTheLastBlockFaultsToo) {
    ns_dma_pool_options how = options(NS_DMA_POOL_CHAINS);
    how.init_on_free = true;
    Fixture pool(how, 1536, 0, 8192);
    const Block blocks[] = {pool.alloc(), pool.alloc(), pool.alloc()};
    EXPECT_EQ(pool.free(blocks[0]), NS_POOL_OK);
    EXPECT_EQ(pool.free(blocks[1]), NS_POOL_OK);
    EXPECT_EQ(pool.free(blocks[2]), NS_POOL_ERROR_MISUSE);
    EXPECT_EQ(pool.statistics().active, 0u);
    EXPECT_EQ(ns_dma_pool_destroy(pool.pool), NS_POOL_OK);
    EXPECT_EQ(pool.machine.free_frames(), kMiB / NS_FRAME_SIZE);
}

/* 4094 of 4096 bytes: the second block begins 2 bytes before the end, so that its link of 4 does not fit either. */
TEST(DmaPoolDesigns, B2_ALinkBehindTheEndLosesThePageOnly) {
    for (ns_dma_pool_checks checks : {NS_DMA_POOL_STRICT, NS_DMA_POOL_KERNEL}) {
        Fixture pool(options(NS_DMA_POOL_CHAINS, checks), 4094, 2, 8192);
        Block block;
        EXPECT_EQ(pool.try_alloc(block), NS_POOL_ERROR_MISUSE);
        EXPECT_EQ(pool.misuses(), Misuses{NS_MISUSE_POOL_CORRUPT});
        EXPECT_EQ(pool.statistics().pages, 0u);
        EXPECT_EQ(pool.statistics().blocks, 0u);
        EXPECT_EQ(pool.machine.free_frames(), kMiB / NS_FRAME_SIZE);
        EXPECT_EQ(ns_dma_pool_destroy(pool.pool), NS_POOL_OK);
    }
}

/* ---- creation -------------------------------------------------------------------------------- */

TEST(DmaPoolDesigns, ChainsRoundAndRefuseAs5_10Does) {
    struct {
        const char *what;
        uint64_t size, align, boundary;
        ns_pool_status status;
        uint64_t rounded_size, rounded_boundary;
    } const rows[] = {
        {"the smallest block", 1, 0, 0, NS_POOL_OK, 4, 4096},
        {"size up to align", 100, 32, 256, NS_POOL_OK, 128, 256},
        {"boundary is not clamped", 1536, 0, 8192, NS_POOL_OK, 1536, 8192},
        {"no upper limit", UINT64_C(1) << 31, 0, 0, NS_POOL_OK, UINT64_C(1) << 31, UINT64_C(1) << 31},
        {"nor for align", 64, UINT64_C(1) << 40, 0, NS_POOL_OK, UINT64_C(1) << 40, UINT64_C(1) << 40},
        {"a boundary that 32 bits do not hold", 64, 0, UINT64_C(1) << 32, NS_POOL_OK, 64, UINT64_C(1) << 32},
        {"a size that wraps", (UINT64_C(1) << 63) + 1, UINT64_C(1) << 63, 0, NS_POOL_ERROR_ARGUMENT, 0, 0},
        {"size 0", 0, 0, 0, NS_POOL_ERROR_ARGUMENT, 0, 0},
        {"align no power of two", 64, 48, 0, NS_POOL_ERROR_ARGUMENT, 0, 0},
        {"boundary below size", 128, 0, 64, NS_POOL_ERROR_ARGUMENT, 0, 0},
        {"boundary no power of two", 64, 0, 96, NS_POOL_ERROR_ARGUMENT, 0, 0},
    };
    for (const auto &row : rows) {
        SCOPED_TRACE(row.what);
        fake::Kernel machine;
        ns_pool_device nic{};
        nic.coherent_dma_mask = UINT64_MAX;
        const ns_dma_pool_options how = options(NS_DMA_POOL_CHAINS);
        ns_dma_pool *pool = nullptr;
        ASSERT_EQ(ns_dma_pool_create(machine.direct, &nic, "x", row.size, row.align, row.boundary, &how, &pool),
                  row.status);
        if (!pool)
            continue;
        EXPECT_EQ(ns_dma_pool_get_statistics(pool).size, row.rounded_size);
        EXPECT_EQ(ns_dma_pool_get_statistics(pool).boundary, row.rounded_boundary);
        Block block;
        const ns_pool_status status = ns_dma_pool_alloc(pool, &block.address, &block.bus);
        EXPECT_EQ(status, row.rounded_size > INT32_MAX ? NS_POOL_ERROR_EXHAUSTED : NS_POOL_OK);
        if (status == NS_POOL_OK) {
            EXPECT_EQ(ns_dma_pool_free(pool, block.address, block.bus), NS_POOL_OK);
        }
        EXPECT_EQ(ns_dma_pool_destroy(pool), NS_POOL_OK);
    }
}

TEST(DmaPoolDesigns, RefusesNullDeviceAndUnknownChecks) {
    fake::Kernel machine;
    ns_pool_device nic{};
    ns_dma_pool *pool = nullptr;
    auto create = [&](const ns_pool_device *device, ns_dma_pool_options how) {
        return ns_dma_pool_create(machine.direct, device, "x", 64, 0, 0, &how, &pool);
    };
    EXPECT_EQ(create(nullptr, options(NS_DMA_POOL_LIST)), NS_POOL_ERROR_ARGUMENT);
    EXPECT_TRUE(machine.port.said.empty());
    EXPECT_EQ(create(nullptr, options(NS_DMA_POOL_CHAINS)), NS_POOL_ERROR_ARGUMENT);
    EXPECT_EQ(machine.port.said.at(0).voice, NS_SAY_BUG);
    EXPECT_EQ(create(&nic, options(NS_DMA_POOL_LIST, static_cast<ns_dma_pool_checks>(3))), NS_POOL_ERROR_ARGUMENT);
    EXPECT_EQ(pool, nullptr);
}

/* ---- which block, and what is in it ---------------------------------------------------------- */

TEST(DmaPoolDesigns, ChainsTakeFromTheNewestPageThatHasOne) {
    Fixture pool(options(NS_DMA_POOL_CHAINS), 1024); /* 3 in a page */
    Block blocks[6];
    for (Block &block : blocks)
        block = pool.alloc();
    ASSERT_EQ(pool.statistics().pages, 2u);
    for (int i = 0; i < 3; i++) {
        EXPECT_EQ(blocks[i].bus, blocks[0].bus + 1024u * static_cast<unsigned>(i));
        EXPECT_EQ(blocks[3 + i].bus, blocks[3].bus + 1024u * static_cast<unsigned>(i));
    }
    for (int i : {4, 0, 3, 1})
        EXPECT_EQ(pool.free(blocks[i]), NS_POOL_OK);
    /* Last in first out in the newer page, then in the older one, whatever came between: not the pool's order. */
    for (int i : {3, 4, 1, 0})
        EXPECT_EQ(pool.alloc(), blocks[i]);
    for (const Block &block : blocks)
        EXPECT_EQ(pool.free(block), NS_POOL_OK);
    EXPECT_EQ(ns_dma_pool_destroy(pool.pool), NS_POOL_OK);
}

TEST(DmaPoolDesigns, ChainsKeepAnOffsetOfFourBytesInTheFreeBlock) {
    Fixture pool(options(NS_DMA_POOL_CHAINS), 64);
    const Block a = pool.alloc(), b = pool.alloc();
    pool.device_writes(a.bus, 64, 0xEEEE'EEEE'EEEE'EEEE);
    EXPECT_EQ(pool.free(a), NS_POOL_OK);
    EXPECT_EQ(pool.load(a.address, 4), 128u) << "the next free one";
    EXPECT_EQ(pool.load(a.address + 4, 4), 0xEEEE'EEEEu) << "no more is touched";
    EXPECT_EQ(pool.free(b), NS_POOL_OK);
    EXPECT_EQ(pool.load(b.address, 4), 0u) << "block a";
    EXPECT_EQ(pool.load(a.address + 62 * 64, 4), 4096u) << "the last one: the page's end";
    EXPECT_EQ(ns_dma_pool_destroy(pool.pool), NS_POOL_OK);
}

TEST(DmaPoolDesigns, ADebugBuildPoisonsFreeAndAllocatedBlocks) {
    for (const Both &both : kBoth) {
        SCOPED_TRACE(trace(both));
        Fixture pool(options(both.design, both.checks), 64);
        const bool debug = both.checks == NS_DMA_POOL_KERNEL_DEBUG;
        const Block block = pool.alloc();
        EXPECT_EQ(pool.holds_only(block.bus, 64, kAllocated), debug);
        EXPECT_EQ(pool.holds_only(block.bus + 64 + both.link, 64 - both.link, kFreed), debug) << "free from the start";
        EXPECT_EQ(pool.free(block), NS_POOL_OK);
        EXPECT_EQ(pool.holds_only(block.bus + both.link, 64 - both.link, kFreed), debug);
        EXPECT_EQ(pool.alloc(NS_GFP_ATOMIC | NS___GFP_ZERO), block);
        EXPECT_TRUE(pool.holds_only(block.bus, 64, 0)) << "zeroing wins";
        EXPECT_TRUE(pool.misuses().empty());
    }
}

TEST(DmaPoolDesigns, InitOnAllocAndOnFreeZeroTheBlock) {
    for (const Both &both : kBoth) {
        SCOPED_TRACE(trace(both));
        const bool debug = both.checks == NS_DMA_POOL_KERNEL_DEBUG;
        ns_dma_pool_options how = options(both.design, both.checks);
        how.init_on_alloc = how.init_on_free = true;
        Fixture pool(how, 64);
        const Block block = pool.alloc();
        EXPECT_TRUE(pool.holds_only(block.bus, 64, 0));
        pool.device_writes(block.bus, 64, 0xEEEE'EEEE'EEEE'EEEE);
        pool.machine.port.log.clear();
        EXPECT_EQ(pool.free(block), NS_POOL_OK);
        EXPECT_TRUE(pool.holds_only(block.bus + both.link, 64 - both.link, debug ? kFreed : 0));
        /* The old one zeroes, and then poisons in a debug build; the new one does the one or the other. */
        EXPECT_EQ(pool.machine.port.log.size(), both.design == NS_DMA_POOL_CHAINS && debug ? 2u : 1u);
        EXPECT_NE(pool.load(block.address, both.link == 4 ? 4 : 8), 0u) << "the link is written after the zeros";
    }
}

/* ---- destroy --------------------------------------------------------------------------------- */

/* Two pages full, a third with one block; the first page has one block out, the others none. */
TEST(DmaPoolDesigns, DestroyWhileBusyLosesThePageOrAllPages) {
    struct {
        ns_dma_pool_design design;
        ns_dma_pool_checks checks;
        ns_pool_status status;
        size_t complaints;
        uint64_t lost; /* pages */
    } const rows[] = {
        {NS_DMA_POOL_CHAINS, NS_DMA_POOL_KERNEL, NS_POOL_ERROR_BUSY, 1, 1},
        {NS_DMA_POOL_CHAINS, NS_DMA_POOL_KERNEL_DEBUG, NS_POOL_ERROR_BUSY, 1, 1},
        {NS_DMA_POOL_LIST, NS_DMA_POOL_KERNEL, NS_POOL_ERROR_BUSY, 1, 3},
        {NS_DMA_POOL_LIST, NS_DMA_POOL_KERNEL_DEBUG, NS_POOL_ERROR_BUSY, 1, 3},
        {NS_DMA_POOL_CHAINS, NS_DMA_POOL_STRICT, NS_POOL_ERROR_BUSY, 1, 3},
        {NS_DMA_POOL_LIST, NS_DMA_POOL_STRICT, NS_POOL_ERROR_BUSY, 1, 3},
    };
    for (const auto &row : rows) {
        SCOPED_TRACE(testing::Message() << name_of(row.design) << ", checks " << row.checks);
        Fixture pool(options(row.design, row.checks), 1000); /* 4 in a page, in both designs */
        std::vector<Block> blocks;
        for (int i = 0; i < 9; i++)
            blocks.push_back(pool.alloc());
        for (size_t i = 1; i < blocks.size(); i++)
            EXPECT_EQ(pool.free(blocks[i]), NS_POOL_OK);
        ASSERT_EQ(pool.statistics().pages, 3u);
        EXPECT_EQ(ns_dma_pool_destroy(pool.pool), row.status);
        EXPECT_EQ(pool.misuses(), Misuses(row.complaints, NS_MISUSE_DESTROY_BUSY));
        EXPECT_TRUE(pool.machine.port.heard("busy"));
        EXPECT_EQ(pool.machine.free_frames(), kMiB / NS_FRAME_SIZE - row.lost);
        EXPECT_EQ(pool.machine.port.remaps(), row.lost);
        if (row.checks == NS_DMA_POOL_STRICT) { /* still there, and whole */
            EXPECT_EQ(pool.free(blocks[0]), NS_POOL_OK);
            EXPECT_EQ(ns_dma_pool_destroy(pool.pool), NS_POOL_OK);
            EXPECT_EQ(pool.machine.free_frames(), kMiB / NS_FRAME_SIZE);
        }
        /* The frames and the coherent path, and the record of each second mapping that was lost with its page. */
        const size_t lost = row.checks == NS_DMA_POOL_STRICT ? 0 : row.lost;
        EXPECT_EQ(pool.machine.port.metadata_blocks(), 2 + lost) << "kfree is never forgotten";
    }
}

TEST(DmaPoolDesigns, ADebugBuildPoisonsTheOldDesignsFreedPages) {
    for (const Both &both : kBoth) {
        SCOPED_TRACE(trace(both));
        Fixture pool(options(both.design, both.checks), 64);
        const Block block = pool.alloc();
        EXPECT_EQ(pool.free(block), NS_POOL_OK);
        EXPECT_EQ(ns_dma_pool_destroy(pool.pool), NS_POOL_OK);
        EXPECT_EQ(pool.holds_only(block.bus, 4096, kFreed),
                  both.design == NS_DMA_POOL_CHAINS && both.checks == NS_DMA_POOL_KERNEL_DEBUG);
    }
}

TEST(DmaPoolDesigns, ACountBelowZeroIsBusyAtDestroy) {
    for (ns_dma_pool_design design : {NS_DMA_POOL_CHAINS, NS_DMA_POOL_LIST}) {
        SCOPED_TRACE(name_of(design));
        Fixture pool(options(design, NS_DMA_POOL_KERNEL), 64);
        const Block block = pool.alloc();
        EXPECT_EQ(pool.free(block), NS_POOL_OK);
        EXPECT_EQ(pool.free(block), NS_POOL_OK);
        EXPECT_EQ(ns_dma_pool_destroy(pool.pool), NS_POOL_ERROR_BUSY);
        EXPECT_EQ(pool.machine.free_frames(), kMiB / NS_FRAME_SIZE - 1);
    }
}

} // namespace
