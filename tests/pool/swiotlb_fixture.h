/* SPDX-License-Identifier: Apache-2.0 */
/* Bounce memory for one device, on a machine of its own. */
#ifndef NS_TESTS_POOL_SWIOTLB_FIXTURE_H
#define NS_TESTS_POOL_SWIOTLB_FIXTURE_H

#include "fake_port.h"
#include "pool/swiotlb.h"

#include <unordered_map>

namespace swiotlb_tests {

using fake::kGiB;
using fake::kMiB;

constexpr uint64_t kSlot = NS_SWIOTLB_SLOT_SIZE;
constexpr ns_dma_direction kDirections[] = {NS_DMA_BIDIRECTIONAL, NS_DMA_TO_DEVICE, NS_DMA_FROM_DEVICE};

constexpr uint64_t kHigh = 5 * kGiB; /* originals that the device does not reach */

inline ns_pool_device device() {
    ns_pool_device result{};
    result.coherent_dma_mask = result.dma_mask = 0xffff'ffff;
    return result;
}

struct Rig {
    explicit Rig(ns_swiotlb_version version = NS_SWIOTLB_5_18, ns_swiotlb_offsets offsets = NS_SWIOTLB_OFFSETS_6_9,
                 uint64_t slots = 256)
        : machine({{16 * kMiB, 16 * kMiB}, {kHigh, 16 * kMiB}}) {
        ns_swiotlb_config config{};
        config.slots = slots;
        config.version = version;
        config.offsets = offsets;
        EXPECT_EQ(ns_swiotlb_create(machine.port.get(), machine.frames, &config, &swiotlb), NS_POOL_OK);
    }
    ~Rig() {
        EXPECT_EQ(ns_swiotlb_destroy(swiotlb), NS_POOL_OK);
        EXPECT_EQ(machine.port.metadata_blocks(), 1u) << "only the frames are left";
    }
    uint64_t map(uint64_t original, uint64_t size, ns_dma_direction direction, unsigned attributes = 0) {
        uint64_t slot = 0;
        status = ns_swiotlb_map(swiotlb, &nic, original, size, direction, attributes, &slot);
        return slot;
    }
    ns_pool_status unmap(uint64_t slot, uint64_t size, ns_dma_direction direction, unsigned attributes = 0) {
        return ns_swiotlb_unmap(swiotlb, slot, size, direction, attributes);
    }
    void write(uint64_t physical, uint64_t size, uint8_t value) {
        for (uint64_t i = 0; i < size; i++)
            machine.port.memory(physical + i) = value;
    }
    bool holds(uint64_t physical, uint64_t size, uint8_t value) {
        for (uint64_t i = 0; i < size; i++)
            if (machine.port.memory(physical + i) != value)
                return false;
        return true;
    }
    /* What the port was told since the last call. */
    std::vector<fake::Bounce> told() {
        std::vector<fake::Bounce> result;
        result.swap(machine.port.bounces);
        return result;
    }
    ns_swiotlb_statistics count() { return ns_swiotlb_get_statistics(swiotlb); }
    uint64_t used() { return count().used; }

    fake::Machine machine;
    ns_pool_device nic = device();
    ns_swiotlb *swiotlb = nullptr;
    ns_pool_status status = NS_POOL_OK;
};

} // namespace swiotlb_tests

#endif
