/* SPDX-License-Identifier: Apache-2.0 */
/* Calls of the coherent path for one device. */
#ifndef NS_TESTS_POOL_COHERENT_FIXTURE_H
#define NS_TESTS_POOL_COHERENT_FIXTURE_H

#include "fake_direct.h"
#include "pool/atomic_pool.h"
#include "pool/cma.h"
#include "pool/device_pool.h"

namespace coherent_tests {

constexpr uint64_t kRam = 0x8000'0000;

inline ns_pool_device device(unsigned bits = 32) {
    ns_pool_device result{};
    result.name = "nic";
    result.coherent_dma_mask = result.dma_mask = bits == 64 ? UINT64_MAX : (UINT64_C(1) << bits) - 1;
    return result;
}

struct Block {
    uint64_t address = 1, bus = 1;
};

inline ns_pool_status alloc(fake::Kernel &machine, const ns_pool_device &nic, uint64_t size, Block *block,
                            ns_gfp gfp = NS_GFP_KERNEL, unsigned attributes = 0) {
    return ns_dma_alloc_attrs(machine.direct, &nic, size, gfp, attributes, &block->address, &block->bus);
}

inline ns_pool_status release(fake::Kernel &machine, const ns_pool_device &nic, uint64_t size, const Block &block,
                              unsigned attributes = 0) {
    return ns_dma_free_attrs(machine.direct, &nic, size, block.address, block.bus, attributes);
}

inline ns_dma_direct_config preset(ns_dma_preset which = NS_DMA_PRESET_RISCV_6_18) {
    return ns_dma_direct_preset(which);
}

} // namespace coherent_tests

#endif
