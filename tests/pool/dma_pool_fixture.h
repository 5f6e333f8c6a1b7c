/* SPDX-License-Identifier: Apache-2.0 */
/* A block pool of either design, with any checks, on a machine of its own. */
#ifndef NS_TESTS_POOL_DMA_POOL_FIXTURE_H
#define NS_TESTS_POOL_DMA_POOL_FIXTURE_H

#include "fake_direct.h"
#include "pool/dma_pool.h"

#include <algorithm>

namespace dma_pool_tests {

using fake::kMiB;

constexpr uint64_t kBase = 0x8000'0000;
constexpr uint64_t kNowhere = 0xdead'0000; /* nothing is mapped there */
constexpr uint8_t kFreed = 0xa7, kAllocated = 0xa9;

struct Block {
    uint64_t address = 0, bus = 0;
    bool operator==(const Block &other) const { return address == other.address && bus == other.bus; }
};

inline ns_dma_pool_options options(ns_dma_pool_design design, ns_dma_pool_checks checks = NS_DMA_POOL_STRICT) {
    ns_dma_pool_options result{};
    result.design = design;
    result.checks = checks;
    return result;
}

inline const char *name_of(ns_dma_pool_design design) {
    return design == NS_DMA_POOL_LIST ? "list" : "chains";
}

/* A machine with one pool. The destructor gives back what destroy has lost. */
struct Fixture {
    Fixture(const ns_dma_pool_options &how, uint64_t size, uint64_t align = 0, uint64_t boundary = 0,
            bool coherent = false)
        : machine(config(), {{kBase, kMiB}}) {
        nic.coherent_dma_mask = nic.dma_mask = 0xffff'ffff;
        nic.coherent = coherent;
        pool = make(how, size, align, boundary);
    }
    ~Fixture() {
        for (uint64_t physical = kBase; physical < kBase + kMiB; physical += NS_FRAME_SIZE)
            for (uint64_t count = 1; count < 4; count++)
                if (machine.holds(physical, count)) {
                    EXPECT_EQ(ns_frames_free(machine.frames, physical, count), NS_POOL_OK);
                    machine.direct->live--; /* what a busy destroy leaks on purpose */
                }
    }
    Fixture(const Fixture &) = delete;
    Fixture &operator=(const Fixture &) = delete;

    ns_dma_pool *make(const ns_dma_pool_options &how, uint64_t size, uint64_t align = 0, uint64_t boundary = 0) {
        ns_dma_pool *made = nullptr;
        EXPECT_EQ(ns_dma_pool_create(machine.direct, &nic, "descriptors", size, align, boundary, &how, &made),
                  NS_POOL_OK);
        return made;
    }
    ns_pool_status try_alloc(Block &block, ns_gfp gfp = NS_GFP_KERNEL) {
        return ns_dma_pool_alloc_gfp(pool, gfp, &block.address, &block.bus);
    }
    Block alloc(ns_gfp gfp = NS_GFP_KERNEL) {
        Block block;
        EXPECT_EQ(try_alloc(block, gfp), NS_POOL_OK);
        return block;
    }
    ns_pool_status free(Block block) { return ns_dma_pool_free(pool, block.address, block.bus); }
    ns_dma_pool_statistics statistics() const { return ns_dma_pool_get_statistics(pool); }
    uint64_t load(uint64_t address, unsigned size) { return machine.port.get()->load(&machine.port, address, size); }
    /* As the device does: straight into memory. */
    void device_writes(uint64_t bus, uint64_t length, uint64_t value) {
        for (uint64_t i = 0; i < length; i++)
            machine.port.memory(bus + i) = static_cast<uint8_t>(value >> (8 * (i % 8)));
    }
    bool holds_only(uint64_t bus, uint64_t length, uint8_t value) {
        for (uint64_t done = 0; done < length;) {
            const uint64_t part = std::min(length - done, NS_FRAME_SIZE - (bus + done) % NS_FRAME_SIZE);
            const uint8_t *bytes = &machine.port.memory(bus + done); /* of one frame */
            if (std::any_of(bytes, bytes + part, [value](uint8_t byte) { return byte != value; }))
                return false;
            done += part;
        }
        return true;
    }
    std::vector<ns_port_misuse> misuses() const {
        std::vector<ns_port_misuse> result;
        for (const fake::Misuse &misuse : machine.port.misuses)
            result.push_back(misuse.what);
        return result;
    }
    bool bug() const {
        return std::any_of(machine.port.said.begin(), machine.port.said.end(),
                           [](const fake::Said &line) { return line.voice == NS_SAY_BUG; });
    }

    /* Without the coherent path's own records: a pool that leaks its pages leaks nothing else. */
    static ns_dma_direct_config config() {
        ns_dma_direct_config result = ns_dma_direct_preset(NS_DMA_PRESET_RISCV_6_18);
        result.checks = NS_CHECKS_KERNEL;
        return result;
    }

    fake::Kernel machine;
    ns_pool_device nic{};
    ns_dma_pool *pool = nullptr;
};

using Misuses = std::vector<ns_port_misuse>;

struct Both {
    ns_dma_pool_design design;
    ns_dma_pool_checks checks;
    uint64_t link; /* bytes at the start of a free block */
};

const Both kBoth[] = {
    {NS_DMA_POOL_CHAINS, NS_DMA_POOL_KERNEL, 4},
    {NS_DMA_POOL_CHAINS, NS_DMA_POOL_KERNEL_DEBUG, 4},
    {NS_DMA_POOL_LIST, NS_DMA_POOL_KERNEL, 16},
    {NS_DMA_POOL_LIST, NS_DMA_POOL_KERNEL_DEBUG, 16},
};

inline testing::Message trace(const Both &both) {
    return testing::Message() << name_of(both.design)
                              << (both.checks == NS_DMA_POOL_KERNEL ? ", non-debug" : ", debug build");
}

} // namespace dma_pool_tests
#endif
