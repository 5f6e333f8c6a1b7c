/* SPDX-License-Identifier: Apache-2.0 */
/* Coherent memory in long random sequences, with failures at any call, and what it tells of its steps. */
#include "coherent_fixture.h"

namespace {

using namespace coherent_tests;
using fake::kGiB;
using fake::kMiB;

TEST(Coherent, FailuresAtAnyCallLeakNothing) {
    for (ns_dma_preset which : {NS_DMA_PRESET_RISCV_6_18, NS_DMA_PRESET_THEAD_5_10}) {
        for (const bool ptes : {false, true}) {
            int failures = 0;
            for (int n = 0;; n++) {
                fake::Kernel machine(preset(which));
                (ptes ? machine.port.fail_set_pte_at : machine.port.fail_metadata_at) = n;
                const uint64_t before = machine.free_frames();
                const size_t metadata = machine.port.metadata_blocks();
                const ns_pool_device nic = device();
                Block block;
                const ns_pool_status status = alloc(machine, nic, 5 * 4096, &block);
                machine.port.fail_set_pte_at = -1; /* clearing a PTE needs no memory */
                if (status == NS_POOL_OK) {
                    EXPECT_EQ(release(machine, nic, 5 * 4096, block), NS_POOL_OK);
                } else {
                    EXPECT_EQ(block.address, 0u);
                    EXPECT_EQ(block.bus, NS_DMA_MAPPING_ERROR);
                }
                EXPECT_EQ(machine.free_frames(), before);
                EXPECT_EQ(machine.port.metadata_blocks(), metadata);
                EXPECT_EQ(machine.port.remaps(), 0u);
                EXPECT_EQ(machine.port.remapped_pages(), 0u);
                if (status == NS_POOL_OK)
                    break;
                failures++;
            }
            EXPECT_EQ(failures, ptes ? 5 : 2);
        }
    }
    fake::Kernel machine;
    const ns_pool_device nic = device();
    const uint64_t before = machine.free_frames();
    machine.port.fail_remap = true;
    Block block;
    EXPECT_EQ(alloc(machine, nic, 4096, &block), NS_POOL_ERROR_EXHAUSTED);
    EXPECT_EQ(machine.free_frames(), before);
}

TEST(Coherent, RandomSequencesNeverOverlapAndGiveAllBack) {
    const uint64_t seed = fake::seed();
    SCOPED_TRACE(testing::Message() << "NS_TEST_SEED=" << seed);
    fake::Random random(seed);
    struct Live {
        const ns_pool_device *device;
        uint64_t size;
        Block block;
    };
    for (ns_dma_preset which : {NS_DMA_PRESET_RISCV_6_18, NS_DMA_PRESET_RISCV_7, NS_DMA_PRESET_THEAD_5_10}) {
        fake::Kernel machine(preset(which), {{kRam, 2 * kMiB}, {4 * kGiB, kMiB}});
        const ns_atomic_pools_config pools = {};
        ASSERT_EQ(ns_atomic_pools_create(machine.direct, &pools), NS_POOL_OK);
        ns_pool_device devices[] = {device(32), device(64), device(64)};
        devices[2].coherent = true;
        std::vector<Live> live;
        for (int step = 0; step < 3000; step++) {
            if (random.below(2)) {
                Live one = {&devices[random.below(3)], 1 + random.below(random.below(4) ? 8192 : 100'000), {}};
                const ns_gfp gfp = random.below(3) ? NS_GFP_KERNEL : NS_GFP_ATOMIC;
                if (alloc(machine, *one.device, one.size, &one.block, gfp) != NS_POOL_OK)
                    continue;
                const uint64_t bus = one.block.bus;
                ASSERT_LE(bus + one.size - 1, one.device->coherent_dma_mask);
                ASSERT_EQ(machine.port.translate(one.block.address), bus) << "identity bus";
                uint64_t alignment = 4096;
                while (alignment < one.size)
                    alignment *= 2;
                ASSERT_EQ(bus % alignment, 0u);
                for (uint64_t offset = 0; offset < one.size; offset += 512)
                    ASSERT_EQ(machine.port.memory(bus + offset), 0);
                for (const Live &other : live)
                    ASSERT_TRUE(bus + one.size <= other.block.bus || other.block.bus + other.size <= bus);
                machine.port.memory(bus) = 0xa5;
                machine.port.memory(bus + one.size - 1) = 0xa5;
                live.push_back(one);
            } else if (!live.empty()) {
                const size_t victim = random.below(live.size());
                ASSERT_EQ(release(machine, *live[victim].device, live[victim].size, live[victim].block), NS_POOL_OK);
                live.erase(live.begin() + static_cast<std::ptrdiff_t>(victim));
            }
            if (random.below(50) == 0)
                ns_atomic_pools_work(machine.direct);
            ASSERT_EQ(machine.direct->live, live.size());
        }
        for (const Live &one : live)
            EXPECT_EQ(release(machine, *one.device, one.size, one.block), NS_POOL_OK);
        EXPECT_EQ(ns_atomic_pools_destroy(machine.direct), NS_POOL_OK);
        EXPECT_EQ(machine.free_frames(), 3 * 256u);
        EXPECT_EQ(machine.port.remaps(), 0u);
        EXPECT_TRUE(machine.port.misuses.empty());
    }
}

/* A student follows it with a finger: the decisions come in the order of the table. */
TEST(Coherent, TellsItsStepsInOrder) {
    fake::Kernel machine({{kRam, kMiB}});
    const ns_pool_device nic = device();
    Block block;
    ASSERT_EQ(alloc(machine, nic, 4096, &block), NS_POOL_OK);
    std::string steps;
    for (const fake::Said &line : machine.port.said)
        if (line.voice == NS_SAY_DECISION && std::string(line.text).rfind("step ", 0) == 0)
            steps += std::string(line.function) == "dma_alloc_attrs" ? std::string("a") + line.text[5]
                                                                     : std::string(1, line.text[5]);
    EXPECT_EQ(steps, "a1a3a5024559"); /* 5 twice: mapped, zeroed */
    EXPECT_EQ(release(machine, nic, 4096, block), NS_POOL_OK);
}

TEST(Coherent, DestroyWithLiveMemoryIsRefused) {
    fake::Kernel machine;
    const ns_pool_device nic = device();
    Block block;
    ASSERT_EQ(alloc(machine, nic, 4096, &block), NS_POOL_OK);
    EXPECT_EQ(ns_dma_direct_destroy(machine.direct), NS_POOL_ERROR_BUSY);
    EXPECT_EQ(machine.port.misuses.back().what, NS_MISUSE_DESTROY_BUSY);
    EXPECT_EQ(release(machine, nic, 4096, block), NS_POOL_OK);
    EXPECT_EQ(ns_dma_direct_destroy(nullptr), NS_POOL_OK);
}

} // namespace
