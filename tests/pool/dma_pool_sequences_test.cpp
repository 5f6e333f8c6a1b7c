/* SPDX-License-Identifier: Apache-2.0 */
/* Both designs of the block pool over long sequences, right ones and wrong ones, and with each call from below failing.
 */
#include "dma_pool_fixture.h"
#include "interrupts.h"

namespace {

using namespace dma_pool_tests;

/* ---- the lock -------------------------------------------------------------------------------- */

TEST(DmaPoolSequences, TheLockIsGivenBackWhileAPageIsAllocated) {
    for (ns_dma_pool_design design : {NS_DMA_POOL_CHAINS, NS_DMA_POOL_LIST}) {
        SCOPED_TRACE(name_of(design));
        fake::Kernel machine;
        fake::Interrupts interrupts(machine);
        ns_pool_device nic{};
        nic.coherent_dma_mask = UINT64_MAX;
        const ns_dma_pool_options how = options(design);
        ns_dma_pool *pool = nullptr;
        ns_dma_direct *direct = nullptr;
        ASSERT_EQ(ns_dma_direct_create(&interrupts.port, machine.frames, &machine.direct->config, &direct), NS_POOL_OK);
        ASSERT_EQ(ns_dma_pool_create(direct, &nic, "x", 64, 0, 0, &how, &pool), NS_POOL_OK);
        Block outer, inner;
        ns_pool_status status = NS_POOL_ERROR_MISUSE;
        interrupts.handler = [&] { status = ns_dma_pool_alloc(pool, &inner.address, &inner.bus); };
        EXPECT_EQ(ns_dma_pool_alloc(pool, &outer.address, &outer.bus), NS_POOL_OK);
        EXPECT_EQ(status, NS_POOL_OK) << "the handler ran while the first call was out for a page";
        EXPECT_EQ(ns_dma_pool_get_statistics(pool).pages, 2u) << "and took one too";
        EXPECT_FALSE(outer == inner);
        EXPECT_EQ(interrupts.locks_irqs_on, 0);
        EXPECT_EQ(interrupts.fills_under_lock, 0);
        EXPECT_EQ(ns_dma_pool_free(pool, outer.address, outer.bus), NS_POOL_OK);
        EXPECT_EQ(ns_dma_pool_free(pool, inner.address, inner.bus), NS_POOL_OK);
        EXPECT_EQ(ns_dma_pool_destroy(pool), NS_POOL_OK);
        EXPECT_EQ(ns_dma_direct_destroy(direct), NS_POOL_OK);
    }
}

/* ---- long sequences -------------------------------------------------------------------------- */

/* With right calls, what a pool promises holds in each design and with all checks. */
TEST(DmaPoolSequences, RandomSequencesKeepAlignmentBoundaryAndAccounts) {
    const uint64_t seed = fake::seed();
    SCOPED_TRACE(testing::Message() << "NS_TEST_SEED=" << seed);
    fake::Random random(seed);
    for (int round = 0; round < 48; round++) {
        const auto design = static_cast<ns_dma_pool_design>(random.below(2));
        const auto checks = static_cast<ns_dma_pool_checks>(random.below(3));
        ns_dma_pool_options how = options(design, checks);
        how.init_on_alloc = random.below(4) == 0;
        how.init_on_free = random.below(4) == 0;
        const uint64_t align = UINT64_C(1) << random.below(8);
        const uint64_t size = 1 + random.below(round % 8 ? 600 : 9000);
        const uint64_t smallest = design == NS_DMA_POOL_LIST ? 16 : 4;
        const uint64_t rounded = (std::max(size, smallest) + align - 1) / align * align;
        uint64_t boundary = 0;
        if (random.below(2)) {
            boundary = 16;
            while (boundary < rounded || (boundary < 4096 && random.below(2)))
                boundary *= 2;
        }
        /* B2: what the old design does with such a boundary has tests of its own. */
        if (design == NS_DMA_POOL_CHAINS && boundary > std::max<uint64_t>(rounded, 4096))
            boundary = 0;
        SCOPED_TRACE(testing::Message() << "round " << round << ": " << name_of(design) << ", checks " << checks << ": "
                                        << size << ", " << align << ", " << boundary);
        Fixture pool(how, size, align, boundary);
        std::vector<Block> live;
        std::map<uint64_t, uint64_t> held; /* bus address -> end */
        for (int step = 0; step < 300; step++) {
            if (random.below(5) < 3) {
                Block block;
                const ns_pool_status status = pool.try_alloc(block);
                if (status == NS_POOL_ERROR_EXHAUSTED) {
                    ASSERT_EQ(pool.statistics().active, pool.statistics().blocks);
                    continue;
                }
                ASSERT_EQ(status, NS_POOL_OK);
                ASSERT_EQ(pool.machine.port.translate(block.address), block.bus);
                if (rounded <= 4096) {
                    ASSERT_EQ(block.bus % align, 0u);
                }
                if (boundary != 0) {
                    ASSERT_EQ(block.bus / boundary, (block.bus + rounded - 1) / boundary);
                }
                auto next = held.lower_bound(block.bus);
                ASSERT_TRUE(next == held.end() || block.bus + rounded <= next->first);
                ASSERT_TRUE(next == held.begin() || std::prev(next)->second <= block.bus);
                held[block.bus] = block.bus + rounded;
                if (how.init_on_alloc) {
                    ASSERT_TRUE(pool.holds_only(block.bus, rounded, 0));
                }
                pool.machine.port.get()->fill(&pool.machine.port, block.address, rounded, 0xEE);
                live.push_back(block);
            } else if (!live.empty()) {
                const size_t victim = random.below(live.size());
                ASSERT_TRUE(pool.holds_only(live[victim].bus, rounded, 0xEE)) << "nobody else wrote there";
                held.erase(live[victim].bus);
                ASSERT_EQ(pool.free(live[victim]), NS_POOL_OK);
                live.erase(live.begin() + static_cast<std::ptrdiff_t>(victim));
            }
            ASSERT_EQ(pool.statistics().active, live.size());
        }
        for (const Block &block : live)
            EXPECT_EQ(pool.free(block), NS_POOL_OK);
        EXPECT_EQ(ns_dma_pool_destroy(pool.pool), NS_POOL_OK);
        EXPECT_TRUE(pool.misuses().empty());
        EXPECT_EQ(pool.machine.free_frames(), kMiB / NS_FRAME_SIZE);
        EXPECT_EQ(pool.machine.port.remaps(), 0u);
    }
}

/* With wrong calls and a device that writes where it likes: no access outside of mapped memory (the fake port would
 * fail the test), no endless loop, and nothing but values as answers. */
TEST(DmaPoolSequences, RandomMisuseIsNeverWorseThanAnErrorValue) {
    const uint64_t seed = fake::seed();
    SCOPED_TRACE(testing::Message() << "NS_TEST_SEED=" << seed);
    fake::Random random(seed);
    int bugs = 0;
    for (int round = 0; round < 90; round++) {
        const auto design = static_cast<ns_dma_pool_design>(round % 2);
        const auto checks = static_cast<ns_dma_pool_checks>(round % 3);
        const uint64_t size = 4 + random.below(300);
        SCOPED_TRACE(testing::Message() << "round " << round << ", size " << size);
        Fixture pool(options(design, checks), size, 0, round % 5 ? 0 : 8192);
        std::vector<Block> known = {{kBase, kBase}, {kNowhere, kNowhere}, {0, 0}, {UINT64_MAX, UINT64_MAX}};
        auto any = [&] { return known[random.below(known.size())]; };
        for (int step = 0; step < 300; step++) {
            Block block;
            switch (random.below(8)) {
            case 0:
            case 1:
            case 2:
                if (pool.try_alloc(block, random.below(4) ? NS_GFP_ATOMIC : NS_GFP_KERNEL | NS___GFP_ZERO) ==
                    NS_POOL_OK)
                    known.push_back(block);
                break;
            case 3:
            case 4:
                (void)pool.free(any());
                break;
            case 5:
                (void)pool.free({any().address + random.below(80), any().bus});
                break;
            case 6:
                (void)pool.free({fake::linear(kBase + random.below(kMiB)), any().bus + random.below(4096)});
                break;
            default:
                block = any();
                if (pool.machine.port.in_ram(block.bus) && pool.machine.port.in_ram(block.bus + 7))
                    pool.device_writes(block.bus, 1 + random.below(8),
                                       random.below(2) ? any().address : random.below(5000));
                break;
            }
        }
        bugs += pool.bug();
        const ns_pool_status status = ns_dma_pool_destroy(pool.pool);
        if (status == NS_POOL_ERROR_BUSY && checks == NS_DMA_POOL_STRICT) {
            for (const Block &block : known)
                (void)pool.free(block);
            EXPECT_EQ(ns_dma_pool_destroy(pool.pool), NS_POOL_OK) << "strict checking loses nothing";
        }
        /* The frames, the coherent path, and a record for each mapping that a busy destroy has lost. */
        EXPECT_EQ(pool.machine.port.metadata_blocks(), 2 + pool.machine.port.remaps());
    }
    EXPECT_GT(bugs, 5) << "the walk must reach what it is for";
}

TEST(DmaPoolSequences, FailuresAtAnyCallLeakNothing) {
    for (ns_dma_pool_design design : {NS_DMA_POOL_CHAINS, NS_DMA_POOL_LIST})
        for (ns_dma_pool_checks checks : {NS_DMA_POOL_STRICT, NS_DMA_POOL_KERNEL})
            for (int kind = 0; kind < 2; kind++) {
                SCOPED_TRACE(testing::Message() << name_of(design) << ", kind " << kind);
                int failures = 0;
                for (int n = 0;; n++) {
                    fake::Kernel machine({{kBase, 0x4000}}); /* 4 pages: memory runs out too */
                    ns_pool_device nic{};
                    nic.coherent_dma_mask = UINT64_MAX;
                    (kind ? machine.port.fail_set_pte_at : machine.port.fail_metadata_at) = n;
                    const ns_dma_pool_options how = options(design, checks);
                    ns_dma_pool *pool = nullptr;
                    bool failed = ns_dma_pool_create(machine.direct, &nic, "x", 1000, 0, 0, &how, &pool) != NS_POOL_OK;
                    std::vector<Block> blocks;
                    for (int i = 0; pool && i < 20; i++) { /* 4 in a page; one call fails, the next one works */
                        Block block;
                        const ns_pool_status status = ns_dma_pool_alloc(pool, &block.address, &block.bus);
                        if (status == NS_POOL_OK)
                            blocks.push_back(block);
                        else if (blocks.size() < 16)
                            failed = true;
                        else
                            EXPECT_TRUE(status == NS_POOL_ERROR_EXHAUSTED || status == NS_POOL_ERROR_METADATA);
                    }
                    if (pool) {
                        EXPECT_EQ(blocks.size(), 16u) << "one failure costs one call";
                        for (const Block &block : blocks)
                            EXPECT_EQ(ns_dma_pool_free(pool, block.address, block.bus), NS_POOL_OK);
                    }
                    EXPECT_EQ(ns_dma_pool_destroy(pool), NS_POOL_OK);
                    EXPECT_EQ(machine.port.metadata_blocks(), 2u);
                    EXPECT_EQ(machine.port.remaps(), 0u);
                    EXPECT_EQ(machine.free_frames(), 4u);
                    EXPECT_TRUE(machine.port.misuses.empty());
                    if (!failed)
                        break;
                    failures++;
                }
                /* The pool, and for each of 4 pages its header, the coherent path's record and the record of its second
                 * mapping (what a 5th page takes is given back for want of frames: it fails after the 16 blocks, so
                 * that it does not count); a PTE for each page. */
                EXPECT_EQ(failures, kind ? 4 : 13);
            }
}

} // namespace
