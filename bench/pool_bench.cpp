// SPDX-License-Identifier: Apache-2.0
// How many pairs of alloc and free per second the fixed-size pools do on one host core. items = pairs.
#include "host_port.h"
#include "pool/buffer_pool.h"
#include "pool/dma_pool.h"

#include <benchmark/benchmark.h>

#include <cstdint>
#include <vector>

namespace {

struct Machine {
    Machine() {
        const ns_frame_region ram = {host::kBase, kBytes};
        const ns_zone_limits limits = {0, UINT64_C(1) << 32};
        if (ns_frames_create(port.get(), &ram, 1, &limits, &frames) != NS_POOL_OK)
            std::exit(1);
        ns_dma_direct_config config = ns_dma_direct_preset(NS_DMA_PRESET_RISCV_6_18);
        config.ram_end = ram.base + ram.length;
        if (ns_dma_direct_create(port.get(), frames, &config, &direct) != NS_POOL_OK)
            std::exit(1);
        nic.coherent = true; /* the port has no second mapping; blocks come from pages all the same */
        nic.dma_mask = nic.coherent_dma_mask = UINT64_MAX;
    }
    ~Machine() {
        (void)ns_dma_direct_destroy(direct);
        (void)ns_frames_destroy(frames);
    }

    static constexpr uint64_t kBytes = 16u << 20;
    host::Port port{kBytes};
    ns_frames *frames = nullptr;
    ns_dma_direct *direct = nullptr;
    ns_pool_device nic{};
};

void finish(benchmark::State &state, const Machine &machine, uint64_t pairs_per_round) {
    state.SetItemsProcessed(state.iterations() * static_cast<int64_t>(pairs_per_round));
    if (machine.port.misuses != 0)
        state.SkipWithError("misuse");
}

void buffers(benchmark::State &state, const ns_buffer_pool_options &options) {
    Machine machine;
    ns_buffer_pool *pool = nullptr;
    if (ns_buffer_pool_create(machine.port.get(), machine.frames, 256, &options, &pool) != NS_POOL_OK)
        state.SkipWithError("no pool");
    for (auto _ : state) {
        ns_buffer buffer;
        benchmark::DoNotOptimize(ns_buffer_pool_allocate(pool, &buffer));
        benchmark::DoNotOptimize(ns_buffer_pool_release(pool, buffer));
    }
    finish(state, machine, 1);
    (void)ns_buffer_pool_destroy(pool);
}

// 64-byte blocks. `live` blocks are taken in each round, and then given back.
void blocks(benchmark::State &state, ns_dma_pool_design design, ns_dma_pool_checks checks) {
    Machine machine;
    ns_dma_pool_options options{};
    options.design = design;
    options.checks = checks;
    ns_dma_pool *pool = nullptr;
    if (ns_dma_pool_create(machine.direct, &machine.nic, "bench", 64, 64, 0, &options, &pool) != NS_POOL_OK)
        state.SkipWithError("no pool");
    struct Block {
        uint64_t address, bus;
    };
    std::vector<Block> live(static_cast<size_t>(state.range(0)));
    for (auto _ : state) {
        for (Block &block : live)
            benchmark::DoNotOptimize(ns_dma_pool_alloc(pool, &block.address, &block.bus));
        for (const Block &block : live)
            benchmark::DoNotOptimize(ns_dma_pool_free(pool, block.address, block.bus));
    }
    finish(state, machine, live.size());
    (void)ns_dma_pool_destroy(pool);
}

void BM_buffer_pool(benchmark::State &state) {
    buffers(state, {});
}
void BM_dma_pool_list(benchmark::State &state) {
    blocks(state, NS_DMA_POOL_LIST, NS_DMA_POOL_STRICT);
}
void BM_dma_pool_chains(benchmark::State &state) {
    blocks(state, NS_DMA_POOL_CHAINS, NS_DMA_POOL_STRICT);
}
void BM_dma_pool_list_kernel(benchmark::State &state) {
    blocks(state, NS_DMA_POOL_LIST, NS_DMA_POOL_KERNEL);
}
void BM_dma_pool_chains_kernel(benchmark::State &state) {
    blocks(state, NS_DMA_POOL_CHAINS, NS_DMA_POOL_KERNEL);
}

// One pair at a time; all blocks of a page; 16 pages full.
BENCHMARK(BM_buffer_pool);
BENCHMARK(BM_dma_pool_list)->Arg(1)->Arg(63)->Arg(1000);
BENCHMARK(BM_dma_pool_chains)->Arg(1)->Arg(63)->Arg(1000);
BENCHMARK(BM_dma_pool_list_kernel)->Arg(1);
BENCHMARK(BM_dma_pool_chains_kernel)->Arg(1);

} // namespace

BENCHMARK_MAIN();
