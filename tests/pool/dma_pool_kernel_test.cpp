// SPDX-License-Identifier: Apache-2.0
/*
 * The call sequence of the kernel's own test module, mm/dmapool_test.c (Linux 6.4): six shapes of pool; so many blocks
 * at once that the largest number of them in a page times 512 lies between 1024 and 8192; all are taken, then all given
 * back, again and again (100 times there, 3 here).
 */
#include "pool/dma_pool.h"

#include "fake_direct.h"

#include <algorithm>
#include <vector>

namespace {

using fake::kMiB;

struct Shape {
    uint64_t size, align, boundary;
};
const Shape kShapes[] = {{16, 16, 0}, {64, 64, 0}, {256, 256, 0}, {1024, 1024, 0}, {4096, 4096, 0}, {68, 32, 4096}};

class KernelsOwnTest : public testing::TestWithParam<ns_dma_pool_design> {};

TEST_P(KernelsOwnTest, AllBlocksAreDistinctAlignedWithinTheBoundaryAndComeBack) {
    for (const Shape &shape : kShapes) {
        SCOPED_TRACE(testing::Message() << "size " << shape.size << ", boundary " << shape.boundary);
        fake::Kernel machine({{0x8000'0000, 64 * kMiB}});
        ns_pool_device device{};
        device.coherent_dma_mask = 0xffff'ffff;
        ns_dma_pool_options options{};
        options.design = GetParam();
        ns_dma_pool *pool = nullptr;
        ASSERT_EQ(ns_dma_pool_create(machine.direct, &device, "test", shape.size, shape.align, shape.boundary, &options,
                                     &pool),
                  NS_POOL_OK);
        const uint64_t count = std::clamp<uint64_t>(NS_FRAME_SIZE / shape.size * 512, 1024, 8192);
        uint64_t pages = 0;
        for (int round = 0; round < 3; round++) {
            struct Block {
                uint64_t bus, address;
                bool operator<(const Block &other) const { return bus < other.bus; }
            };
            std::vector<Block> blocks(count);
            for (Block &block : blocks)
                ASSERT_EQ(ns_dma_pool_alloc(pool, &block.address, &block.bus), NS_POOL_OK);
            std::vector<Block> sorted = blocks;
            std::sort(sorted.begin(), sorted.end());
            for (size_t i = 0; i < sorted.size(); i++) {
                ASSERT_EQ(sorted[i].bus % shape.align, 0u);
                if (shape.boundary != 0) {
                    ASSERT_EQ(sorted[i].bus / shape.boundary, (sorted[i].bus + shape.size - 1) / shape.boundary);
                }
                if (i != 0) {
                    ASSERT_GE(sorted[i].bus - sorted[i - 1].bus, shape.size);
                }
            }
            for (const Block &block : blocks)
                ASSERT_EQ(ns_dma_pool_free(pool, block.address, block.bus), NS_POOL_OK);
            const ns_dma_pool_statistics after = ns_dma_pool_get_statistics(pool);
            EXPECT_EQ(after.active, 0u);
            EXPECT_TRUE(round == 0 || after.pages == pages) << "what came back is used again";
            pages = after.pages;
        }
        EXPECT_EQ(ns_dma_pool_destroy(pool), NS_POOL_OK);
        EXPECT_TRUE(machine.port.misuses.empty());
    }
}

INSTANTIATE_TEST_SUITE_P(DmaPool, KernelsOwnTest, testing::Values(NS_DMA_POOL_LIST, NS_DMA_POOL_CHAINS),
                         [](const testing::TestParamInfo<ns_dma_pool_design> &design) {
                             return design.param == NS_DMA_POOL_LIST ? "list" : "chains";
                         });

} // namespace
