/* SPDX-License-Identifier: Apache-2.0 */
/* Bounce memory with bad configurations and calls that do not belong together. */
#include "swiotlb_fixture.h"

namespace {

using namespace swiotlb_tests;

TEST(Swiotlb, BadConfigurationsAreRefused) {
    fake::Machine machine({{16 * kMiB, 16 * kMiB}});
    for (int what = 0; what < 4; what++) {
        ns_swiotlb_config config{};
        config.slots = what == 0 ? UINT64_MAX : what == 1 ? (UINT64_C(1) << 32) + 1 : 128;
        config.version = static_cast<ns_swiotlb_version>(what == 2 ? NS_SWIOTLB_VERSION_COUNT : 0);
        config.offsets = static_cast<ns_swiotlb_offsets>(what == 3 ? NS_SWIOTLB_OFFSETS_COUNT : 0);
        ns_swiotlb *swiotlb = nullptr;
        EXPECT_EQ(ns_swiotlb_create(machine.port.get(), machine.frames, &config, &swiotlb), NS_POOL_ERROR_ARGUMENT);
        EXPECT_EQ(swiotlb, nullptr);
    }
    EXPECT_EQ(ns_swiotlb_destroy(nullptr), NS_POOL_OK);
}

TEST(Swiotlb, WithoutBookKeepingMemoryNothingIsTaken) {
    fake::Machine machine({{16 * kMiB, 16 * kMiB}});
    machine.port.fail_metadata_at = 0;
    ns_swiotlb_config config{};
    ns_swiotlb *swiotlb = nullptr;
    EXPECT_EQ(ns_swiotlb_create(machine.port.get(), machine.frames, &config, &swiotlb), NS_POOL_ERROR_METADATA);
    EXPECT_EQ(ns_swiotlb_create(machine.port.get(), machine.frames, &config, &swiotlb), NS_POOL_ERROR_EXHAUSTED)
        << "the default is 64 MiB";
    EXPECT_EQ(machine.free_frames(), 16 * kMiB / NS_FRAME_SIZE);
}

TEST(Swiotlb, BadMapsAreRefusedAndKeepNothing) {
    Rig rig;
    const auto refused = [&](uint64_t original, uint64_t size, int direction) {
        EXPECT_EQ(rig.map(original, size, static_cast<ns_dma_direction>(direction)), NS_DMA_MAPPING_ERROR);
        EXPECT_EQ(rig.status, NS_POOL_ERROR_ARGUMENT) << original << " " << size;
    };
    refused(kHigh, 0, NS_DMA_TO_DEVICE);
    refused(kHigh, 1, 3);
    refused(kHigh, 1, -1);
    refused(kHigh, UINT64_MAX, NS_DMA_TO_DEVICE);
    refused(UINT64_MAX, 1, NS_DMA_TO_DEVICE);
    refused(UINT64_MAX - 10, 100, NS_DMA_TO_DEVICE);
    refused(kHigh + 16 * kMiB - 1, 2, NS_DMA_TO_DEVICE);
    rig.nic.segment_boundary = 5000;
    refused(kHigh, 1, NS_DMA_TO_DEVICE);
    rig.nic.segment_boundary = 0;
    rig.nic.min_align_mask = 4096;
    refused(kHigh, 1, NS_DMA_TO_DEVICE);
    EXPECT_EQ(rig.used(), 0u);
    EXPECT_TRUE(rig.told().empty());
}

TEST(Swiotlb, AbsurdMasksEndInAnAnswer) {
    Rig rig;
    for (uint64_t mask : {UINT64_MAX, UINT64_MAX >> 1, UINT64_C(1), UINT64_C(2047), UINT64_C(0xffff'ffff'ffff)}) {
        rig.nic.min_align_mask = mask;
        rig.nic.segment_boundary = UINT64_MAX;
        const uint64_t slot = rig.map(kHigh + 123, 5000, NS_DMA_TO_DEVICE);
        if (slot != NS_DMA_MAPPING_ERROR) {
            EXPECT_EQ(slot & mask, (kHigh + 123) & mask);
            EXPECT_EQ(rig.unmap(slot, 5000, NS_DMA_TO_DEVICE), NS_POOL_OK);
        }
        rig.nic.segment_boundary = mask;
        rig.nic.min_align_mask = 0;
        const uint64_t other = rig.map(kHigh + 123, 5000, NS_DMA_TO_DEVICE);
        if (other != NS_DMA_MAPPING_ERROR) {
            EXPECT_EQ(rig.unmap(other, 5000, NS_DMA_TO_DEVICE), NS_POOL_OK);
        }
    }
    EXPECT_EQ(rig.used(), 0u);
}

TEST(Swiotlb, CallsThatMatchNoMappingAreMisuseAndCopyNothing) {
    Rig rig;
    const uint64_t slot = rig.map(kHigh, 3000, NS_DMA_BIDIRECTIONAL);
    (void)rig.told();
    for (uint64_t wrong : {slot + 3000, slot + 2 * kSlot, slot - 1, UINT64_C(0), UINT64_MAX, kHigh}) {
        EXPECT_EQ(ns_swiotlb_sync_for_cpu(rig.swiotlb, wrong, 1, NS_DMA_BIDIRECTIONAL), NS_POOL_ERROR_MISUSE);
        EXPECT_EQ(ns_swiotlb_sync_for_device(rig.swiotlb, wrong, 1, NS_DMA_BIDIRECTIONAL), NS_POOL_ERROR_MISUSE);
        EXPECT_EQ(rig.machine.port.misuses.back(), (fake::Misuse{NS_MISUSE_UNMAP_UNKNOWN, wrong, 1}));
        EXPECT_EQ(ns_swiotlb_original(rig.swiotlb, wrong), NS_DMA_MAPPING_ERROR);
    }
    for (uint64_t wrong : {slot + 1, slot + kSlot, slot + 2 * kSlot, UINT64_MAX})
        EXPECT_EQ(rig.unmap(wrong, 3000, NS_DMA_BIDIRECTIONAL), NS_POOL_ERROR_MISUSE);
    EXPECT_EQ(rig.unmap(slot, 0, NS_DMA_BIDIRECTIONAL), NS_POOL_ERROR_ARGUMENT);
    EXPECT_EQ(rig.unmap(slot, 3000, static_cast<ns_dma_direction>(3)), NS_POOL_ERROR_ARGUMENT);
    EXPECT_EQ(ns_swiotlb_sync_for_cpu(rig.swiotlb, slot, 0, NS_DMA_BIDIRECTIONAL), NS_POOL_ERROR_ARGUMENT);
    EXPECT_TRUE(rig.told().empty());
    EXPECT_EQ(rig.unmap(slot, 3000, NS_DMA_BIDIRECTIONAL), NS_POOL_OK);
    EXPECT_EQ(rig.unmap(slot, 3000, NS_DMA_BIDIRECTIONAL), NS_POOL_ERROR_MISUSE) << "a second time";
    EXPECT_EQ(rig.used(), 0u);
}

TEST(Swiotlb, AnUnmapOfAnotherSizeIsToldAndEndsTheMapping) {
    for (uint64_t size : {UINT64_C(1), UINT64_C(9000), UINT64_MAX}) {
        Rig rig;
        const uint64_t slot = rig.map(kHigh, 3000, NS_DMA_FROM_DEVICE);
        (void)rig.told();
        EXPECT_EQ(rig.unmap(slot, size, NS_DMA_FROM_DEVICE), NS_POOL_ERROR_MISUSE);
        EXPECT_EQ(rig.machine.port.misuses.back(), (fake::Misuse{NS_MISUSE_UNMAP_SIZE, slot, size}));
        EXPECT_EQ(rig.told().front(), (fake::Bounce{NS_BOUNCE_COPY_OUT, slot, kHigh, std::min<uint64_t>(size, 3000)}));
        EXPECT_EQ(rig.used(), 0u);
    }
}

} // namespace
