/* SPDX-License-Identifier: Apache-2.0 */
/* What a free of coherent memory does with arguments that do not belong together, strict and as the kernel has it. */
#include "coherent_fixture.h"

namespace {

using namespace coherent_tests;
using fake::kMiB;

TEST(Coherent, StrictRefusesAFreeWhoseArgumentsDoNotBelongTogether) {
    fake::Kernel machine;
    const ns_pool_device nic = device(), other = device();
    Block a, b, gone;
    for (Block *block : {&a, &b, &gone})
        ASSERT_EQ(alloc(machine, nic, 0x2000, block), NS_POOL_OK);
    ASSERT_EQ(release(machine, nic, 0x2000, gone), NS_POOL_OK);
    struct {
        const char *what;
        const ns_pool_device *device;
        uint64_t size, address, bus;
        unsigned attributes;
        ns_port_misuse misuse;
    } const rows[] = {
        {"again", &nic, 0x2000, gone.address, gone.bus, 0, NS_MISUSE_DOUBLE_FREE},
        {"the other's handle", &nic, 0x2000, a.address, b.bus, 0, NS_MISUSE_FREE_HANDLE},
        {"another device", &other, 0x2000, a.address, a.bus, 0, NS_MISUSE_FREE_HANDLE},
        {"too small", &nic, 0x1000, a.address, a.bus, 0, NS_MISUSE_FREE_SIZE},
        {"too large", &nic, 0x4000, a.address, a.bus, 0, NS_MISUSE_FREE_SIZE},
        {"size 0", &nic, 0, a.address, a.bus, 0, NS_MISUSE_FREE_SIZE},
        {"huge", &nic, UINT64_MAX, a.address, a.bus, 0, NS_MISUSE_FREE_SIZE},
        {"middle", &nic, 0x1000, a.address + 0x1000, a.bus + 0x1000, 0, NS_MISUSE_FOREIGN_FREE},
        {"unmapped", &nic, 0x2000, 0x1000, a.bus, 0, NS_MISUSE_FOREIGN_FREE},
        {"as a cookie", &nic, 0x2000, a.address, a.bus, NS_DMA_NO_KERNEL_MAPPING, NS_MISUSE_FREE_FUNCTION},
    };
    for (const auto &row : rows) {
        SCOPED_TRACE(row.what);
        machine.port.misuses.clear();
        EXPECT_EQ(ns_dma_free_attrs(machine.direct, row.device, row.size, row.address, row.bus, row.attributes),
                  NS_POOL_ERROR_MISUSE);
        EXPECT_EQ(machine.port.misuses, (std::vector<fake::Misuse>{{row.misuse, row.address, row.size}}));
        EXPECT_TRUE(machine.holds(a.bus, 2));
        EXPECT_TRUE(machine.holds(b.bus, 2));
        EXPECT_EQ(machine.port.remaps(), 2u);
    }
    for (Block *block : {&a, &b})
        EXPECT_EQ(release(machine, nic, 0x2000, *block), NS_POOL_OK);
}

/* dma_direct_free unmaps by virtual address and frees by handle: the wrong handle gives away the other's pages, whose
 * mapping stays. Nobody is told. */
TEST(Coherent, KernelFreesSomeoneElsesPagesWithTheWrongHandle) {
    ns_dma_direct_config config = preset();
    config.checks = NS_CHECKS_KERNEL;
    fake::Kernel machine(config);
    const ns_pool_device nic = device();
    Block a, b, stolen;
    ASSERT_EQ(alloc(machine, nic, 0x1000, &a), NS_POOL_OK);
    ASSERT_EQ(alloc(machine, nic, 0x1000, &b), NS_POOL_OK);
    EXPECT_EQ(ns_dma_free_coherent(machine.direct, &nic, 0x1000, a.address, b.bus), NS_POOL_OK);
    EXPECT_TRUE(machine.port.misuses.empty());
    EXPECT_EQ(machine.port.type_of(a.address), -1);
    EXPECT_EQ(machine.port.type_of(b.address), NS_PORT_NC) << "b's owner still writes there";
    EXPECT_TRUE(machine.holds(a.bus, 1)) << "leaked";
    EXPECT_FALSE(machine.holds(b.bus, 1));
    ASSERT_EQ(alloc(machine, nic, 0x1000, &stolen), NS_POOL_OK);
    EXPECT_EQ(stolen.bus, b.bus) << "two owners";
    EXPECT_EQ(release(machine, nic, 0x1000, stolen), NS_POOL_OK);
    EXPECT_EQ(ns_dma_free_coherent(machine.direct, &nic, 0x1000, b.address, a.bus), NS_POOL_OK);
}

TEST(Coherent, KernelFreesTooFewOrTooManyPagesWithTheWrongSize) {
    ns_dma_direct_config config = preset();
    config.checks = NS_CHECKS_KERNEL;
    fake::Kernel machine(config, {{kRam, 16 * 4096}});
    const ns_pool_device nic = device();
    Block a, b;
    ASSERT_EQ(alloc(machine, nic, 0x2000, &a), NS_POOL_OK);
    ASSERT_EQ(alloc(machine, nic, 0x2000, &b), NS_POOL_OK);
    EXPECT_EQ(release(machine, nic, 0x1000, a), NS_POOL_OK);
    EXPECT_EQ(machine.free_frames(), 13u) << "one page of the first block is lost";
    EXPECT_TRUE(machine.holds(kRam + 0x1000, 1));
    ASSERT_EQ(alloc(machine, nic, 0x1000, &a), NS_POOL_OK);
    ASSERT_EQ(a.bus, kRam);
    EXPECT_EQ(release(machine, nic, 0x4000, a), NS_POOL_OK);
    EXPECT_EQ(machine.free_frames(), 16u) << "and now the lost page, and the second block, which is in use";
    EXPECT_EQ(machine.port.type_of(b.address), NS_PORT_NC);
    EXPECT_EQ(release(machine, nic, 0x2000, b), NS_POOL_ERROR_MISUSE) << "nothing left to free";
    machine.direct->live = 0;
}

TEST(Coherent, KernelModeSurvivesAnyArguments) {
    const uint64_t seed = fake::seed();
    SCOPED_TRACE(testing::Message() << "NS_TEST_SEED=" << seed);
    fake::Random random(seed);
    for (ns_dma_preset which : {NS_DMA_PRESET_RISCV_6_18, NS_DMA_PRESET_THEAD_5_10, NS_DMA_PRESET_MIPS_5_10}) {
        ns_dma_direct_config config = preset(which);
        config.checks = NS_CHECKS_KERNEL;
        fake::Kernel machine(config, {{kRam, kMiB}});
        const ns_atomic_pools_config pools = {};
        ASSERT_NE(ns_atomic_pools_create(machine.direct, &pools), NS_POOL_ERROR_METADATA);
        const ns_pool_device nic = device();
        std::vector<Block> seen;
        const uint64_t odd[] = {
            0, 1, 4095, 4096, 4097, UINT64_MAX, UINT64_MAX - 4095, UINT64_C(1) << 62, UINT64_C(1) << 63};
        for (int step = 0; step < 500; step++) {
            Block block;
            const uint64_t size = random.below(4) ? random.below(20'000) : odd[random.below(9)];
            if (random.below(2) == 0 && alloc(machine, nic, size, &block) == NS_POOL_OK)
                seen.push_back(block);
            if (random.below(3) == 0 && !seen.empty()) {
                Block victim = seen[random.below(seen.size())];
                victim.bus = random.below(2) ? victim.bus : seen[random.below(seen.size())].bus;
                victim.bus = random.below(8) ? victim.bus : odd[random.below(9)];
                (void)release(machine, nic, size, victim, random.below(8) ? 0 : NS_DMA_NO_KERNEL_MAPPING);
            }
        }
        machine.direct->live = 0;
        (void)ns_atomic_pools_destroy(machine.direct);
        (void)ns_frames_free_unchecked(machine.frames, kRam, 256);
    }
}

TEST(Coherent, AbsurdSizesAreErrors) {
    for (ns_dma_preset which : {NS_DMA_PRESET_RISCV_6_18, NS_DMA_PRESET_THEAD_5_10}) {
        fake::Kernel machine(preset(which));
        const ns_pool_device nic = device();
        Block block;
        EXPECT_EQ(alloc(machine, nic, 0, &block), NS_POOL_ERROR_ARGUMENT);
        for (uint64_t size : {65 * kMiB, UINT64_C(1) << 40, UINT64_C(1) << 62, UINT64_C(1) << 63, UINT64_MAX}) {
            EXPECT_EQ(alloc(machine, nic, size, &block), NS_POOL_ERROR_EXHAUSTED) << size;
            EXPECT_EQ(block.address, 0u);
            EXPECT_EQ(block.bus, NS_DMA_MAPPING_ERROR);
        }
    }
}

} // namespace
