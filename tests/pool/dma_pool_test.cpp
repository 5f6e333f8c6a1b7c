/* SPDX-License-Identifier: Apache-2.0 */
#include "fake_direct.h"
#include "pool/dma_pool.h"

#include <algorithm>

namespace {

using fake::kMiB;

ns_pool_device device() {
    ns_pool_device result{};
    result.coherent_dma_mask = result.dma_mask = 0xffff'ffff;
    return result;
}

struct Block {
    uint64_t address = 0, bus = 0;
};

struct Pool {
    Pool(fake::Kernel &machine, uint64_t size, uint64_t align = 0, uint64_t boundary = 0) {
        EXPECT_EQ(ns_dma_pool_create(machine.direct, &nic, "descriptors", size, align, boundary, nullptr, &pool),
                  NS_POOL_OK);
    }
    Block alloc() {
        Block block;
        EXPECT_EQ(ns_dma_pool_alloc(pool, &block.address, &block.bus), NS_POOL_OK);
        return block;
    }
    ns_pool_status free(Block block) { return ns_dma_pool_free(pool, block.address, block.bus); }
    ns_dma_pool_statistics statistics() { return ns_dma_pool_get_statistics(pool); }
    void destroy() { EXPECT_EQ(ns_dma_pool_destroy(pool), NS_POOL_OK); }

    ns_pool_device nic = device();
    ns_dma_pool *pool = nullptr;
};

/* Blocks per page as Linux 6.4 pool_initialise_page cuts them: from 0 on, to the next boundary when a block would cross
 * it, while a whole block fits. The first ten rows also show the two bugs of the loop before 6.4: an exact fit counted
 * as crossing (1024: 3 blocks, not 4) and a boundary above the page let a block run over its end (1536/8192: 3, not 2).
 */
TEST(DmaPool, BlocksPerPage) {
    struct {
        uint64_t size, align, boundary, blocks;
    } const rows[] = {
        {1024, 0, 0, 4},    {2048, 0, 0, 2}, {64, 64, 0, 64}, {1024, 0, 2048, 4}, {100, 32, 256, 32}, {1536, 0, 0, 2},
        {1536, 0, 8192, 2}, {1000, 0, 0, 4}, {3, 1, 0, 256},  {48, 16, 128, 64},  {4096, 0, 0, 1},    {6000, 0, 0, 1},
    };
    for (const auto &row : rows) {
        SCOPED_TRACE(testing::Message() << row.size << ", " << row.align << ", " << row.boundary);
        fake::Kernel machine;
        Pool pool(machine, row.size, row.align, row.boundary);
        EXPECT_EQ(pool.statistics().pages, 0u) << "creation takes no page";
        std::vector<Block> blocks;
        for (uint64_t i = 0; i < row.blocks; i++) {
            blocks.push_back(pool.alloc());
            EXPECT_EQ(pool.statistics().pages, 1u);
        }
        EXPECT_EQ(pool.statistics().blocks, row.blocks);
        blocks.push_back(pool.alloc());
        EXPECT_EQ(pool.statistics().pages, 2u);
        for (const Block &block : blocks)
            EXPECT_EQ(pool.free(block), NS_POOL_OK);
        pool.destroy();
    }
}

TEST(DmaPool, RoundsItsParametersAsLinuxDoes) {
    struct {
        const char *what;
        uint64_t size, align, boundary, rounded_size, rounded_boundary, page;
    } const rows[] = {
        {"minimum is the link", 1, 0, 0, 16, 4096, 4096},
        {"size up to align", 100, 32, 256, 128, 256, 4096},
        {"no boundary: the page", 1000, 0, 0, 1000, 4096, 4096},
        {"boundary above the page is clamped", 1536, 0, 8192, 1536, 4096, 4096},
        {"large block: a page of its own", 6000, 0, 0, 6000, 6000, 6000},
        {"boundary equal to size", 64, 64, 64, 64, 64, 4096},
    };
    for (const auto &row : rows) {
        SCOPED_TRACE(row.what);
        fake::Kernel machine;
        Pool pool(machine, row.size, row.align, row.boundary);
        EXPECT_EQ(pool.statistics().size, row.rounded_size);
        EXPECT_EQ(pool.statistics().boundary, row.rounded_boundary);
        EXPECT_EQ(pool.statistics().page_size, row.page);
        pool.destroy();
    }
}

TEST(DmaPool, RefusesTheParametersThatLinuxRefuses) {
    fake::Kernel machine;
    const ns_pool_device nic = device();
    struct {
        const char *what;
        const ns_pool_device *device;
        uint64_t size, align, boundary;
    } const rows[] = {
        {"no device", nullptr, 64, 0, 0},
        {"size 0", &nic, 0, 0, 0},
        {"size above INT_MAX", &nic, UINT64_C(0x8000'0000), 0, 0},
        {"align no power of two", &nic, 64, 48, 0},
        {"align that would overflow", &nic, 64, UINT64_C(1) << 63, 0},
        {"boundary below size", &nic, 128, 0, 64},
        {"boundary below the rounded size", &nic, 100, 128, 64},
        {"boundary no power of two", &nic, 64, 0, 96},
    };
    for (const auto &row : rows) {
        SCOPED_TRACE(row.what);
        ns_dma_pool *pool = nullptr;
        EXPECT_EQ(
            ns_dma_pool_create(machine.direct, row.device, "x", row.size, row.align, row.boundary, nullptr, &pool),
            NS_POOL_ERROR_ARGUMENT);
        EXPECT_EQ(pool, nullptr);
    }
    EXPECT_EQ(machine.port.metadata_blocks(), 2u);
    EXPECT_EQ(ns_dma_pool_destroy(nullptr), NS_POOL_OK);
}

TEST(DmaPool, NameIsCutAfter31Characters) {
    fake::Kernel machine;
    const ns_pool_device nic = device();
    ns_dma_pool *pool = nullptr;
    ASSERT_EQ(ns_dma_pool_create(machine.direct, &nic, "0123456789012345678901234567890123", 64, 0, 0, nullptr, &pool),
              NS_POOL_OK);
    EXPECT_STREQ(ns_dma_pool_get_statistics(pool).name, "0123456789012345678901234567890");
    EXPECT_EQ(ns_dma_pool_destroy(pool), NS_POOL_OK);
}

TEST(DmaPool, NewPageComesInAscendingOrderAndFreedBlocksLastInFirstOut) {
    fake::Kernel machine;
    Pool pool(machine, 1024);
    Block blocks[4];
    for (Block &block : blocks)
        block = pool.alloc();
    for (uint64_t i = 0; i < 4; i++) {
        EXPECT_EQ(blocks[i].bus, blocks[0].bus + 1024 * i);
        EXPECT_EQ(blocks[i].address, blocks[0].address + 1024 * i);
    }
    const Block other_page = pool.alloc();
    for (const Block &block : {blocks[2], other_page, blocks[0]})
        EXPECT_EQ(pool.free(block), NS_POOL_OK);
    /* Across pages: the list is the pool's, not the page's. */
    for (const Block &expected : {blocks[0], other_page, blocks[2]})
        EXPECT_EQ(pool.alloc().bus, expected.bus);
    for (const Block &block : {blocks[0], blocks[1], blocks[2], blocks[3], other_page})
        EXPECT_EQ(pool.free(block), NS_POOL_OK);
    pool.destroy();
}

TEST(DmaPool, LinkIsStoredInTheFreeBlock) {
    fake::Kernel machine;
    Pool pool(machine, 64);
    const Block a = pool.alloc();
    const Block b = pool.alloc();
    EXPECT_EQ(pool.free(b), NS_POOL_OK);
    EXPECT_EQ(pool.free(a), NS_POOL_OK);
    const ns_port *port = machine.port.get();
    EXPECT_EQ(port->load(port->context, a.address, 8), b.address);
    EXPECT_EQ(port->load(port->context, a.address + 8, 8), a.bus);
    pool.destroy();
}

/* 48-byte blocks, two in each 128 bytes: A at 0 in use, B at 48 free, the next free block at 128. */
TEST(DmaPool, OverwrittenLinkIsReportedAndNotFollowed) {
    enum { kNext = 0, kBus = 8 };
    struct {
        const char *what;
        uint64_t word;
        uint64_t value; /* the offset in the page when `relative` */
        bool relative;
    } const rows[] = {
        {"wild pointer", kNext, 0xABAB'ABAB'ABAB'ABAB, false},
        {"middle of a block", kNext, 136, true},
        {"gap before the boundary", kNext, 96, true},
        {"block in use", kNext, 0, true},
        {"itself", kNext, 48, true},
        {"wild bus address", kBus, 0xABAB'ABAB'ABAB'ABAB, false},
        {"bus address of another block", kBus, 128, true},
    };
    for (const auto &row : rows) {
        SCOPED_TRACE(row.what);
        fake::Kernel machine;
        Pool pool(machine, 48, 16, 128);
        const Block a = pool.alloc();
        const Block b = pool.alloc();
        ASSERT_EQ(b.address, a.address + 48);
        EXPECT_EQ(pool.free(b), NS_POOL_OK);
        const uint64_t base = !row.relative ? 0 : row.word == kNext ? a.address : a.bus;
        const ns_port *port = machine.port.get();
        port->store(port->context, b.address + row.word, 8, base + row.value);
        Block block;
        EXPECT_EQ(ns_dma_pool_alloc(pool.pool, &block.address, &block.bus), NS_POOL_ERROR_MISUSE);
        EXPECT_EQ(machine.port.misuses, (std::vector<fake::Misuse>{{NS_MISUSE_LINK_OVERWRITTEN, b.address, 16}}));
        const Block next = pool.alloc();
        EXPECT_EQ(pool.statistics().pages, 2u) << "the broken list is not used any more";
        EXPECT_EQ(pool.free(next), NS_POOL_OK);
        EXPECT_EQ(pool.free(a), NS_POOL_OK);
        pool.destroy();
    }
}

TEST(DmaPool, ToldOfEveryWrongFree) {
    fake::Kernel machine;
    Pool pool(machine, 48, 16, 128); /* blocks at 0 and 48 of each 128 bytes */
    Pool other(machine, 48, 16, 128);
    const Block live = pool.alloc();
    const Block gone = pool.alloc();
    const Block foreign = other.alloc();
    EXPECT_EQ(pool.free(gone), NS_POOL_OK);
    struct {
        const char *what;
        Block block;
        ns_port_misuse misuse;
        uint64_t length;
    } const rows[] = {
        {"again", gone, NS_MISUSE_DOUBLE_FREE, 48},
        {"never handed out", {live.address + 128, live.bus + 128}, NS_MISUSE_DOUBLE_FREE, 48},
        {"another pool's", foreign, NS_MISUSE_FOREIGN_FREE, 0},
        {"inside a block", {live.address + 16, live.bus + 16}, NS_MISUSE_FOREIGN_FREE, 0},
        {"gap before the boundary", {live.address + 96, live.bus + 96}, NS_MISUSE_FOREIGN_FREE, 0},
        {"another block's handle", {live.address, gone.bus}, NS_MISUSE_FOREIGN_FREE, 0},
        {"wild", {0x1234, 0x1234}, NS_MISUSE_FOREIGN_FREE, 0},
    };
    for (const auto &row : rows) {
        SCOPED_TRACE(row.what);
        machine.port.misuses.clear();
        EXPECT_EQ(pool.free(row.block), NS_POOL_ERROR_MISUSE);
        EXPECT_EQ(machine.port.misuses, (std::vector<fake::Misuse>{{row.misuse, row.block.address, row.length}}));
        EXPECT_EQ(pool.statistics().active, 1u);
    }
    machine.port.misuses.clear();
    EXPECT_EQ(ns_dma_pool_destroy(pool.pool), NS_POOL_ERROR_BUSY);
    EXPECT_EQ(machine.port.misuses[0].what, NS_MISUSE_DESTROY_BUSY);
    EXPECT_EQ(pool.free(live), NS_POOL_OK);
    pool.destroy();
    EXPECT_EQ(other.free(foreign), NS_POOL_OK);
    other.destroy();
}

TEST(DmaPool, FailuresAtAnyCallLeakNothing) {
    const ns_pool_device nic = device();
    int failures = 0;
    for (int n = 0;; n++) {
        fake::Kernel machine;
        machine.port.fail_metadata_at = n;
        const uint64_t before = machine.free_frames();
        ns_dma_pool *pool = nullptr;
        Block block;
        ns_pool_status status = ns_dma_pool_create(machine.direct, &nic, "x", 64, 0, 0, nullptr, &pool);
        if (status == NS_POOL_OK)
            status = ns_dma_pool_alloc(pool, &block.address, &block.bus);
        if (status == NS_POOL_OK)
            EXPECT_EQ(ns_dma_pool_free(pool, block.address, block.bus), NS_POOL_OK);
        else
            EXPECT_EQ(status, NS_POOL_ERROR_METADATA);
        EXPECT_EQ(ns_dma_pool_destroy(pool), NS_POOL_OK);
        EXPECT_EQ(machine.port.metadata_blocks(), 2u);
        EXPECT_EQ(machine.port.remaps(), 0u);
        EXPECT_EQ(machine.free_frames(), before);
        if (status == NS_POOL_OK)
            break;
        failures++;
    }
    EXPECT_EQ(failures, 4); /* the pool, its page, the record of the page, its second mapping */

    fake::Kernel machine;
    Pool pool(machine, 64);
    machine.port.fail_remap = true;
    Block block;
    EXPECT_EQ(ns_dma_pool_alloc(pool.pool, &block.address, &block.bus), NS_POOL_ERROR_EXHAUSTED);
    EXPECT_EQ(machine.port.metadata_blocks(), 3u) << "frames, coherent path and pool";
    pool.destroy();
}

TEST(DmaPool, RandomSequencesKeepAlignmentBoundaryAndAccounts) {
    const uint64_t seed = fake::seed();
    SCOPED_TRACE(testing::Message() << "NS_TEST_SEED=" << seed);
    fake::Random random(seed);
    for (int round = 0; round < 60; round++) {
        fake::Kernel machine({{0x8000'0000, kMiB}});
        const uint64_t before = machine.free_frames();
        const uint64_t align = UINT64_C(1) << random.below(8);
        const uint64_t size = 1 + random.below(round % 4 ? 600 : 9000);
        const uint64_t rounded = (std::max<uint64_t>(size, 16) + align - 1) / align * align;
        uint64_t boundary = 0;
        if (random.below(2)) {
            boundary = 16;
            while (boundary < rounded || random.below(2))
                boundary *= 2;
        }
        SCOPED_TRACE(testing::Message() << "round " << round << ": " << size << ", " << align << ", " << boundary);
        Pool pool(machine, size, align, boundary);
        std::vector<Block> live;
        std::map<uint64_t, uint64_t> held; /* bus address -> end */
        for (int step = 0; step < 600; step++) {
            if (random.below(5) < 3) {
                Block block;
                const ns_pool_status status = ns_dma_pool_alloc(pool.pool, &block.address, &block.bus);
                if (status == NS_POOL_ERROR_EXHAUSTED) {
                    ASSERT_EQ(pool.statistics().active, pool.statistics().blocks);
                    continue;
                }
                ASSERT_EQ(status, NS_POOL_OK);
                ASSERT_EQ(machine.port.translate(block.address), block.bus);
                /* A page is aligned to its own size, so to any alignment that a block can have in it. */
                if (rounded <= 4096) {
                    ASSERT_EQ(block.bus % align, 0u);
                }
                if (boundary != 0) {
                    ASSERT_EQ(block.bus / boundary, (block.bus + rounded - 1) / boundary);
                }
                ASSERT_TRUE(machine.port.in_ram(block.bus + rounded - 1));
                auto next = held.lower_bound(block.bus);
                ASSERT_TRUE(next == held.end() || block.bus + rounded <= next->first);
                ASSERT_TRUE(next == held.begin() || std::prev(next)->second <= block.bus);
                held[block.bus] = block.bus + rounded;
                /* What the owner writes must not disturb the list. */
                machine.port.get()->fill(&machine.port, block.address, rounded, 0xEE);
                live.push_back(block);
            } else if (!live.empty()) {
                const size_t victim = random.below(live.size());
                held.erase(live[victim].bus);
                ASSERT_EQ(pool.free(live[victim]), NS_POOL_OK);
                live.erase(live.begin() + static_cast<std::ptrdiff_t>(victim));
            }
            ASSERT_EQ(pool.statistics().active, live.size());
        }
        for (const Block &block : live)
            EXPECT_EQ(pool.free(block), NS_POOL_OK);
        pool.destroy();
        EXPECT_TRUE(machine.port.misuses.empty());
        EXPECT_EQ(machine.free_frames(), before);
        EXPECT_EQ(machine.port.remaps(), 0u);
    }
}

} // namespace
