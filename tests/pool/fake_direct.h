/* SPDX-License-Identifier: Apache-2.0 */
/* A machine with the coherent path of one kernel on it. */
#ifndef NS_TESTS_POOL_FAKE_DIRECT_H
#define NS_TESTS_POOL_FAKE_DIRECT_H

#include "fake_port.h"
#include "pool/coherent.h"

namespace fake {

inline ns_dma_direct_config config(ns_dma_preset preset, const std::vector<ns_frame_region> &ram) {
    ns_dma_direct_config result = ns_dma_direct_preset(preset);
    for (const ns_frame_region &region : ram)
        result.ram_end = std::max(result.ram_end, region.base + region.length);
    return result;
}

/* NS_DMA_PRESET_RISCV_6_18 unless `change` says otherwise. Its zones are those of the machine, not of the preset. */
struct Kernel : Machine {
    explicit Kernel(std::vector<ns_frame_region> ram = {{0, 64 * kMiB}}, uint64_t dma32_limit = 4 * kGiB,
                    uint64_t dma_limit = 0)
        : Kernel(config(NS_DMA_PRESET_RISCV_6_18, ram), ram, dma32_limit, dma_limit) {}
    Kernel(const ns_dma_direct_config &config, std::vector<ns_frame_region> ram = {{0, 64 * kMiB}},
           uint64_t dma32_limit = 4 * kGiB, uint64_t dma_limit = 0)
        : Machine(ram, dma32_limit, dma_limit) {
        ns_dma_direct_config with_ram = config;
        for (const ns_frame_region &region : ram)
            with_ram.ram_end = std::max(with_ram.ram_end, region.base + region.length);
        EXPECT_EQ(ns_dma_direct_create(port.get(), frames, &with_ram, &direct), NS_POOL_OK);
    }
    ~Kernel() { EXPECT_EQ(ns_dma_direct_destroy(direct), NS_POOL_OK) << "coherent memory leaked"; }

    ns_dma_direct *direct = nullptr;
};

} // namespace fake
#endif
