// SPDX-License-Identifier: Apache-2.0
// How the searches of gen_pool and of CMA grow with the bitmap: one iteration is an allocation of two granules (pages)
// that are free only at the very end, and their return. `per_word` is the time for one 64-bit word of the bitmap; it
// has to stay flat. `full`: all words in front are full. `holes`: every second granule is free, so that each word has
// 32 holes that are too small, which is as much as a word can cost.
#include "host_port.h"
#include "pool/cma.h"
#include "pool/genalloc.h"

#include <benchmark/benchmark.h>

namespace {

enum Map { kFull, kHoles };
constexpr uint64_t kWanted = 2;

void report(benchmark::State &state, uint64_t bits) {
    const auto words = static_cast<double>((bits + 63) / 64);
    state.counters["words"] = words;
    state.counters["per_word"] =
        benchmark::Counter(words, benchmark::Counter::kIsIterationInvariantRate | benchmark::Counter::kInvert);
    state.SetComplexityN(static_cast<int64_t>(words));
}

// Calls free(i) for each granule that is free besides the last kWanted ones.
template <typename Free> void make_holes(Map map, uint64_t bits, Free free) {
    for (uint64_t i = 0; map == kHoles && i + kWanted + 1 < bits; i += 2)
        free(i);
}

void gen_pool(benchmark::State &state, Map map, ns_gen_pool_algorithm algorithm) {
    constexpr uint64_t kGranule = 64;
    constexpr uint64_t kStart = 0x100000; // never touched: the pool's book-keeping lies elsewhere
    const auto bits = static_cast<uint64_t>(state.range(0));
    host::Port port(host::kPage);
    ns_gen_pool *pool = nullptr;
    if (ns_gen_pool_create(port.get(), 6, &pool) != NS_POOL_OK ||
        ns_gen_pool_add_virt(pool, kStart, host::kBase, bits * kGranule) != NS_POOL_OK ||
        ns_gen_pool_alloc(pool, bits * kGranule) != kStart) {
        state.SkipWithError("no pool");
        return;
    }
    make_holes(map, bits, [&](uint64_t i) { ns_gen_pool_free(pool, kStart + i * kGranule, kGranule); });
    const uint64_t wanted = kStart + (bits - kWanted) * kGranule;
    ns_gen_pool_free(pool, wanted, kWanted * kGranule);
    for (auto _ : state) {
        const uint64_t found = ns_gen_pool_alloc_algorithm(pool, kWanted * kGranule, algorithm, nullptr);
        ns_gen_pool_free(pool, found, kWanted * kGranule);
        if (found != wanted)
            state.SkipWithError("found another place");
    }
    report(state, bits);
    // Everything is taken again before it goes back at once.
    make_holes(map, bits, [&](uint64_t i) {
        const ns_gen_pool_data_fixed here = {i * kGranule};
        ns_gen_pool_alloc_algorithm(pool, kGranule, ns_gen_pool_fixed_alloc, &here);
    });
    ns_gen_pool_alloc(pool, kWanted * kGranule);
    if (ns_gen_pool_free(pool, kStart, bits * kGranule) != NS_POOL_OK || ns_gen_pool_destroy(pool) != NS_POOL_OK)
        state.SkipWithError("blocks lost");
}

void cma(benchmark::State &state, Map map) {
    const auto bits = static_cast<uint64_t>(state.range(0));
    host::Port port(host::kPage); // no page is movable, so no page is touched
    const ns_frame_region ram = {host::kBase, bits * NS_FRAME_SIZE};
    ns_cma_config config{};
    config.memory.ram = &ram;
    config.memory.ram_count = 1;
    config.request.base = ram.base;
    config.request.size = ram.length;
    config.request.minimum_alignment = NS_FRAME_SIZE;
    config.request.fixed = true;
    ns_cma *area = nullptr;
    uint64_t first = 0;
    if (ns_cma_create(port.get(), &config, &area) != NS_POOL_OK ||
        ns_cma_alloc(area, bits, 0, true, &first) != NS_POOL_OK) {
        state.SkipWithError("no area");
        return;
    }
    make_holes(map, bits, [&](uint64_t i) { ns_cma_release(area, first + i * NS_FRAME_SIZE, 1); });
    const uint64_t wanted = first + (bits - kWanted) * NS_FRAME_SIZE;
    ns_cma_release(area, wanted, kWanted);
    for (auto _ : state) {
        uint64_t found = 0;
        ns_cma_alloc(area, kWanted, 0, true, &found);
        ns_cma_release(area, found, kWanted);
        if (found != wanted)
            state.SkipWithError("found another place");
    }
    report(state, bits);
    ns_cma_release(area, first, bits);
    if (ns_cma_destroy(area) != NS_POOL_OK)
        state.SkipWithError("pages lost");
}

void BM_gen_pool_first_fit_full(benchmark::State &state) {
    gen_pool(state, kFull, ns_gen_pool_first_fit);
}
void BM_gen_pool_first_fit_holes(benchmark::State &state) {
    gen_pool(state, kHoles, ns_gen_pool_first_fit);
}
void BM_gen_pool_best_fit_full(benchmark::State &state) {
    gen_pool(state, kFull, ns_gen_pool_best_fit);
}
void BM_gen_pool_best_fit_holes(benchmark::State &state) {
    gen_pool(state, kHoles, ns_gen_pool_best_fit);
}
void BM_cma_full(benchmark::State &state) {
    cma(state, kFull);
}
void BM_cma_holes(benchmark::State &state) {
    cma(state, kHoles);
}

void sizes(benchmark::internal::Benchmark *one) {
    one->RangeMultiplier(4)->Range(64, 1 << 20)->Complexity(benchmark::oN);
}
BENCHMARK(BM_gen_pool_first_fit_full)->Apply(sizes);
BENCHMARK(BM_gen_pool_first_fit_holes)->Apply(sizes);
BENCHMARK(BM_gen_pool_best_fit_full)->Apply(sizes);
BENCHMARK(BM_gen_pool_best_fit_holes)->Apply(sizes);
BENCHMARK(BM_cma_full)->Apply(sizes);
BENCHMARK(BM_cma_holes)->Apply(sizes);

} // namespace

BENCHMARK_MAIN();
