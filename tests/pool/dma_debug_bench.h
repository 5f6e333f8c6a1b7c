/* SPDX-License-Identifier: Apache-2.0 */
/* A machine with DMA-API debugging and one network card, for the tests of dma_debug. Bus addresses are physical. */
#ifndef NS_TESTS_POOL_DMA_DEBUG_BENCH_H
#define NS_TESTS_POOL_DMA_DEBUG_BENCH_H

#include "pool/dma_debug.h"
#include "tests/pool/fake_port.h"

namespace fake {

constexpr uint64_t kMmio = 0x1'0000'0000; /* no RAM */
constexpr ns_dma_direction kBoth = NS_DMA_BIDIRECTIONAL, kTo = NS_DMA_TO_DEVICE, kFrom = NS_DMA_FROM_DEVICE;
using Checks = std::vector<unsigned>;

struct DebugBench {
    explicit DebugBench(ns_dma_debug_version version) : config(ns_dma_debug_defaults(version)) {
        config.all_errors = true;
        config.segments = true;
        nic.name = "eth0";
        nic.driver = "nic";
        nic.dma_mask = nic.coherent_dma_mask = UINT64_MAX;
    }
    ~DebugBench() {
        ns_dma_debug_destroy(debug_);
        EXPECT_EQ(port.metadata_blocks(), 0u);
    }
    /* Created by the first hook, so that a test can change the config before. */
    ns_dma_debug *debug() {
        if (!debug_) {
            EXPECT_EQ(ns_dma_debug_create(port.get(), &config, &debug_), NS_POOL_OK);
        }
        return debug_;
    }
    void map(uint64_t address, uint64_t size, ns_dma_direction direction, unsigned attributes = 0) {
        map_unchecked(address, size, direction, attributes);
        ns_debug_dma_mapping_error(debug(), &nic, address);
    }
    void map_unchecked(uint64_t address, uint64_t size, ns_dma_direction direction, unsigned attributes = 0) {
        ns_debug_dma_map_page(debug(), &nic, address, size, direction, address, attributes);
    }
    void unmap(uint64_t address, uint64_t size, ns_dma_direction direction, unsigned attributes = 0) {
        ns_debug_dma_unmap_page(debug(), &nic, address, size, direction, attributes);
    }
    using List = std::vector<ns_debug_segment>;
    void map_sg(const List &list, ns_dma_direction direction) { map_sg(list, list.size(), direction); }
    void map_sg(const List &list, size_t mapped, ns_dma_direction direction) {
        const ns_debug_list given = ns_debug_list_of(list.data(), list.size());
        ns_debug_dma_map_sg(debug(), &nic, &given, mapped, direction, 0);
    }
    void unmap_sg(const List &list, size_t entries, ns_dma_direction direction, unsigned attributes = 0) {
        const ns_debug_list given = ns_debug_list_of(list.data(), list.size());
        ns_debug_dma_unmap_sg(debug(), &nic, &given, entries, direction, attributes);
    }
    void sync_sg_for_cpu(const List &list, size_t entries, ns_dma_direction direction) {
        const ns_debug_list given = ns_debug_list_of(list.data(), list.size());
        ns_debug_dma_sync_sg_for_cpu(debug(), &nic, &given, entries, direction);
    }
    void sync_sg_for_device(const List &list, size_t entries, ns_dma_direction direction) {
        const ns_debug_list given = ns_debug_list_of(list.data(), list.size());
        ns_debug_dma_sync_sg_for_device(debug(), &nic, &given, entries, direction);
    }
    void alloc(uint64_t address, uint64_t size) {
        ns_debug_dma_alloc_coherent(debug(), &nic, size, address, linear(address), 0);
    }
    void free(uint64_t address, uint64_t size) {
        ns_debug_dma_free_coherent(debug(), &nic, size, linear(address), address, 0);
    }
    void sync_for_cpu(uint64_t address, uint64_t size, ns_dma_direction direction) {
        ns_debug_dma_sync_single_for_cpu(debug(), &nic, address, size, direction);
    }
    void sync_for_device(uint64_t address, uint64_t size, ns_dma_direction direction) {
        ns_debug_dma_sync_single_for_device(debug(), &nic, address, size, direction);
    }
    size_t live() {
        const ns_dma_debug_counters counters = ns_dma_debug_get_counters(debug());
        return counters.total_entries - counters.free_entries;
    }
    /* What was shown since the last question. */
    Checks shown() {
        Checks result;
        result.swap(port.debug_checks);
        return result;
    }

    Port port;
    ns_pool_device nic{};
    ns_dma_debug_config config;

  private:
    ns_dma_debug *debug_ = nullptr;
};

inline ns_debug_segment segment(uint64_t address, uint64_t length) {
    return {address, length, address, length};
}

inline const char *name_of(ns_dma_debug_version version) {
    return version == NS_DMA_DEBUG_5_10 ? "Linux5_10" : "Linux7";
}

} // namespace fake
#endif
