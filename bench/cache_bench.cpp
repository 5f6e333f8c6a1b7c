// SPDX-License-Identifier: Apache-2.0
// How many accesses per second the cache core takes on one host core. items = accesses of 8 bytes.
#include "cache/cache.h"

#include <benchmark/benchmark.h>

#include <cstdint>
#include <cstring>
#include <vector>

namespace {

constexpr uint64_t kBase = 0x80000000;

struct Memory {
    std::vector<uint8_t> bytes = std::vector<uint8_t>(8u << 20);
    std::vector<ns_version> versions = std::vector<ns_version>(8u << 20);

    static ns_status read(void *context, uint64_t address, uint32_t length, uint8_t *data, ns_version *versions) {
        auto *memory = static_cast<Memory *>(context);
        std::memcpy(data, &memory->bytes[address - kBase], length);
        if (versions)
            std::memcpy(versions, &memory->versions[address - kBase], length * sizeof *versions);
        return NS_OK;
    }
    static ns_status write(void *context, uint64_t address, uint32_t length, const uint8_t *data,
                           const ns_version *versions) {
        auto *memory = static_cast<Memory *>(context);
        std::memcpy(&memory->bytes[address - kBase], data, length);
        if (versions)
            std::memcpy(&memory->versions[address - kBase], versions, length * sizeof *versions);
        return NS_OK;
    }
};

// 32 KiB 8-way L1, 1 MiB 16-way L2, 64-byte lines, LRU, write-back.
ns_cache *two_levels(Memory &memory, bool provenance) {
    ns_cache_config config{};
    config.harts = 1;
    config.levels = 2;
    config.level[0] = {32u << 10, 8, 64, NS_REPLACE_LRU, false, false};
    config.level[1] = {1u << 20, 16, 64, NS_REPLACE_LRU, false, false};
    config.provenance = provenance;
    ns_cache_backing backing = {&memory, Memory::read, Memory::write};
    return ns_cache_create(&config, &backing, nullptr);
}

enum class Access { Load, Store };

// Walks `span` bytes with the given stride, again and again. The walk is warmed up once.
void walk(benchmark::State &state, Access access, uint64_t span, uint64_t stride, bool provenance) {
    Memory memory;
    ns_cache *cache = two_levels(memory, provenance);
    uint8_t data[8] = {};
    ns_version versions[8] = {};
    uint64_t offset = 0;
    auto step = [&] {
        ns_status status = access == Access::Load
                               ? ns_cache_load(cache, 0, kBase + offset, 8, data, versions, nullptr)
                               : ns_cache_store(cache, 0, kBase + offset, 8, data, versions, nullptr);
        offset += stride;
        if (offset >= span)
            offset = 0;
        return status;
    };
    do
        step();
    while (offset != 0);
    for (auto _ : state) {
        benchmark::DoNotOptimize(step());
        benchmark::DoNotOptimize(data);
    }
    state.SetItemsProcessed(state.iterations());
    ns_cache_destroy(cache);
}

void BM_l1_load_hit(benchmark::State &state) {
    walk(state, Access::Load, 16u << 10, 8, false);
}
void BM_l1_store_hit(benchmark::State &state) {
    walk(state, Access::Store, 16u << 10, 8, false);
}
void BM_l1_load_hit_provenance(benchmark::State &state) {
    walk(state, Access::Load, 16u << 10, 8, true);
}
// Eight times L1, a quarter of L2, one access per line: LRU misses L1 and hits L2 each time.
void BM_l2_hit(benchmark::State &state) {
    walk(state, Access::Load, 256u << 10, 64, false);
}
// Four times L2, one access per line: misses both each time.
void BM_miss_stream(benchmark::State &state) {
    walk(state, Access::Load, 4u << 20, 64, false);
}

BENCHMARK(BM_l1_load_hit);
BENCHMARK(BM_l1_store_hit);
BENCHMARK(BM_l1_load_hit_provenance);
BENCHMARK(BM_l2_hit);
BENCHMARK(BM_miss_stream);

} // namespace

BENCHMARK_MAIN();
