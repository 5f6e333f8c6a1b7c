/* SPDX-License-Identifier: Apache-2.0 */
/* A streaming API on the fake port, with two devices, and one megabyte of RAM with a linear mapping. */
#ifndef NS_TESTS_POOL_MAPPING_FIXTURE_H
#define NS_TESTS_POOL_MAPPING_FIXTURE_H

#include "fake_port.h"
#include "pool/mapping.h"

#include <utility>

namespace fake {

constexpr uint64_t kRam = 0x8000'0000;
constexpr uint64_t kBuffer = kRam + 0x1000; /* line-aligned */

inline ns_pool_device device_of_32_bits() {
    ns_pool_device result{};
    result.coherent_dma_mask = result.dma_mask = 0xffff'ffff;
    return result;
}

inline ns_dma_config dma_config(ns_dma_platform platform = NS_PLATFORM_TEXTBOOK, size_t capacity = 16,
                                uint32_t line_size = 64) {
    ns_dma_config result{};
    result.platform = platform;
    result.line_size = line_size;
    result.mapping_capacity = capacity;
    return result;
}

struct Streaming {
    explicit Streaming(ns_dma_platform platform = NS_PLATFORM_TEXTBOOK, size_t capacity = 16)
        : Streaming(dma_config(platform, capacity)) {}
    explicit Streaming(const ns_dma_config &config) { EXPECT_EQ(ns_dma_create(port.get(), &config, &dma), NS_POOL_OK); }
    ~Streaming() {
        while (ns_dma_live_count(dma) != 0) {
            const ns_dma_mapping m = ns_dma_live_mapping(dma, 0);
            const auto unmap = m.kind == NS_DMA_MAPPING_RESOURCE ? ns_dma_unmap_resource : ns_dma_unmap;
            const ns_pool_status status = unmap(dma, m.device, m.bus, m.length, m.direction, NS_DMA_SKIP_CPU_SYNC);
            EXPECT_EQ(status, m.kind == NS_DMA_MAPPING_SG ? NS_POOL_ERROR_MISUSE : NS_POOL_OK);
        }
        EXPECT_EQ(ns_dma_destroy(dma), NS_POOL_OK);
        EXPECT_EQ(port.metadata_blocks(), 0u);
        EXPECT_EQ(port.remaps(), 0u);
        EXPECT_EQ(port.remapped_pages(), 0u + aliases);
    }
    Streaming(const Streaming &) = delete;
    Streaming &operator=(const Streaming &) = delete;

    void alias(uint64_t address, uint64_t physical) {
        port.alias(address, physical);
        aliases++;
    }
    uint64_t map(uint64_t physical, uint64_t length, ns_dma_direction direction, const ns_pool_device *by = nullptr) {
        uint64_t bus = 0;
        EXPECT_EQ(ns_dma_map(dma, by ? by : &nic, linear(physical), length, direction, 0, &bus), NS_POOL_OK);
        return bus;
    }
    std::vector<Event> events() { return std::exchange(port.log, {}); }
    std::vector<Misuse> misuses() { return std::exchange(port.misuses, {}); }
    /* Lines that the kernel would print: WARN or BUG. */
    size_t said(ns_port_voice voice) {
        size_t count = 0;
        for (const Said &line : port.said)
            count += line.voice == voice;
        return count;
    }

    Port port{{{kRam, kMiB}}};
    ns_pool_device nic = device_of_32_bits();
    ns_pool_device other = device_of_32_bits();
    ns_dma *dma = nullptr;
    size_t aliases = 0;
};

} // namespace fake
#endif
