/* SPDX-License-Identifier: Apache-2.0 */
/* kernel/dma/pool.c: sizes, choice, growth, and the defects that it has or had. */
#include "fake_direct.h"
#include "pool/atomic_pool.h"
#include "pool/cma.h"
#include "pool/pages.h"

namespace {

using fake::kGiB;
using fake::kMiB;

constexpr uint64_t kKiB = 1024;
constexpr ns_atomic_pool_repairs kAllRepairs = {true, true, true, true};

ns_pool_device device(unsigned bits) {
    ns_pool_device result{};
    result.coherent_dma_mask = result.dma_mask = bits == 64 ? UINT64_MAX : (UINT64_C(1) << bits) - 1;
    return result;
}

ns_dma_direct_config config_of(ns_kernel kernel, ns_coherent_checks checks = NS_CHECKS_STRICT) {
    ns_dma_direct_config result = ns_dma_direct_preset(NS_DMA_PRESET_RISCV_6_18);
    result.kernel = kernel;
    result.checks = checks;
    return result;
}

/* 8 MiB in each zone. */
const std::vector<ns_frame_region> kThreeZones = {{0, 8 * kMiB}, {kGiB, 8 * kMiB}, {8 * kGiB, 8 * kMiB}};
constexpr uint64_t kIsa = 16 * kMiB;

ns_atomic_pool_statistics statistics(const fake::Kernel &machine, ns_atomic_pool pool) {
    return ns_atomic_pool_get_statistics(machine.direct, pool);
}

/* The default area: RAM of the machine that is taken from the frames, as reserved memory is. */
struct Area {
    Area(fake::Kernel &kernel, uint64_t base, uint64_t size) : machine(kernel), pages(size / 4096) {
        const ns_frames_request reserve = {pages, 1, base, base + size - 1, NS_POOL_ZONE_NORMAL};
        EXPECT_EQ(ns_frames_allocate(machine.frames, &reserve, &physical), NS_POOL_OK);
        const ns_frame_region ram = {base, size};
        ns_cma_config config{};
        config.memory.ram = &ram;
        config.memory.ram_count = 1;
        config.memory.zones = {0, 4 * kGiB};
        config.request.base = base;
        config.request.size = size;
        config.request.fixed = true;
        config.frames = machine.frames;
        EXPECT_EQ(ns_cma_create(machine.port.get(), &config, &cma), NS_POOL_OK);
        machine.direct->config.cma = cma;
    }
    ~Area() {
        EXPECT_EQ(ns_cma_destroy(cma), NS_POOL_OK);
        EXPECT_EQ(ns_frames_free(machine.frames, physical, pages), NS_POOL_OK);
    }
    uint64_t taken() const { return ns_cma_get_statistics(cma).taken; }

    fake::Kernel &machine;
    uint64_t pages;
    uint64_t physical = 0;
    ns_cma *cma = nullptr;
};

/* kThreeZones, and 16 MiB at `base` for an area. */
std::vector<ns_frame_region> with_area(uint64_t base) {
    std::vector<ns_frame_region> ram = kThreeZones;
    ram.push_back({base, 16 * kMiB});
    return ram;
}

/* ---- sizes ----------------------------------------------------------------------------------- */

TEST(AtomicPool, SizeFromRam) {
    struct {
        uint64_t ram;
        unsigned order;
        uint64_t size;
    } const rows[] = {
        {64 * kMiB, 10, 128 * kKiB}, {kGiB, 10, 128 * kKiB},      {2 * kGiB, 10, 256 * kKiB},
        {8 * kGiB, 10, kMiB},        {32 * kGiB, 10, 4 * kMiB},   {64 * kGiB, 10, 4 * kMiB},
        {64 * kGiB, 12, 8 * kMiB},   {256 * kGiB, 12, 16 * kMiB}, {0, 10, 128 * kKiB},
    };
    for (const auto &row : rows)
        EXPECT_EQ(ns_atomic_pool_default_size(row.ram / 4096, row.order), row.size) << row.ram;
}

TEST(AtomicPool, WhichPoolsAKernelMakes) {
    const std::vector<ns_frame_region> low = {{0, 8 * kMiB}}, middle = {{kGiB, 8 * kMiB}},
                                       high = {{8 * kGiB, 8 * kMiB}};
    struct {
        const char *what;
        ns_kernel kernel;
        bool needs_pages;
        std::vector<ns_frame_region> ram;
        uint64_t zone_dma;
        bool dma, dma32, normal;
    } const rows[] = {
        {"all zones", NS_KERNEL_5_10, false, kThreeZones, kIsa, true, true, true},
        {"RISC-V", NS_KERNEL_5_10, false, kThreeZones, 0, false, true, true},
        {"5.10.13: ZONE_DMA without pages fails", NS_KERNEL_5_10, false, middle, kIsa, false, true, true},
        {"5.10.113: is not tried", NS_KERNEL_5_10, true, middle, kIsa, false, true, true},
        {"6.17: kernel pool from DMA32 memory", NS_KERNEL_6_17, false, middle, 0, false, true, true},
        {"7: no memory in NORMAL, no kernel pool", NS_KERNEL_7, false, middle, 0, false, true, false},
        {"7: all in ZONE_DMA", NS_KERNEL_7, false, low, kIsa, true, false, false},
        {"7: nothing in DMA32", NS_KERNEL_7, false, high, 0, false, false, true},
    };
    for (const auto &row : rows) {
        SCOPED_TRACE(row.what);
        fake::Kernel machine(config_of(row.kernel), row.ram, 4 * kGiB, row.zone_dma);
        ns_atomic_pools_config config{};
        config.dma_pool_needs_pages = row.needs_pages;
        const ns_pool_status status = ns_atomic_pools_create(machine.direct, &config);
        EXPECT_EQ(statistics(machine, NS_ATOMIC_POOL_DMA).exists, row.dma);
        EXPECT_EQ(statistics(machine, NS_ATOMIC_POOL_DMA32).exists, row.dma32);
        EXPECT_EQ(statistics(machine, NS_ATOMIC_POOL_KERNEL).exists, row.normal);
        EXPECT_EQ(status, machine.port.heard("failed to allocate") ? NS_POOL_ERROR_EXHAUSTED : NS_POOL_OK);
        EXPECT_EQ(machine.port.heard("failed to allocate"), std::string(row.what).find("fails") != std::string::npos);
        EXPECT_EQ(statistics(machine, NS_ATOMIC_POOL_NONE).size, 0u);
        EXPECT_EQ(ns_atomic_pools_create(machine.direct, &config), NS_POOL_ERROR_BUSY);
        EXPECT_EQ(ns_atomic_pools_destroy(machine.direct), NS_POOL_OK);
        EXPECT_EQ(ns_atomic_pools_destroy(machine.direct), NS_POOL_OK) << "none is fine";
    }
    fake::Kernel machine;
    ns_atomic_pools_config config{};
    config.max_order = 21;
    EXPECT_EQ(ns_atomic_pools_create(machine.direct, &config), NS_POOL_ERROR_ARGUMENT);
}

/* Only every other 64 KiB are free: the loop goes down from 1 MiB to what there is. */
TEST(AtomicPool, TakesTheLargestBlockThatThereIs) {
    fake::Kernel machine({{kGiB, 4 * kMiB}});
    std::vector<uint64_t> blocks(64);
    for (uint64_t &block : blocks)
        ASSERT_EQ(ns_alloc_pages(machine.frames, NS_GFP_KERNEL, 4, &block), NS_POOL_OK);
    for (size_t i = 0; i < 64; i += 2)
        ASSERT_EQ(ns_free_pages(machine.frames, blocks[i], 4), NS_POOL_OK);
    ns_atomic_pools_config config{};
    config.coherent_pool = kMiB;
    ASSERT_EQ(ns_atomic_pools_create(machine.direct, &config), NS_POOL_OK);
    EXPECT_EQ(statistics(machine, NS_ATOMIC_POOL_KERNEL).size, 64 * kKiB);
    EXPECT_EQ(ns_atomic_pools_destroy(machine.direct), NS_POOL_OK);
    for (size_t i = 1; i < 64; i += 2)
        ASSERT_EQ(ns_free_pages(machine.frames, blocks[i], 4), NS_POOL_OK);
}

/* cma_in_zone: the whole area must lie below the zone's end. */
TEST(AtomicPool, CmaOnlyWhereTheWholeAreaIsInTheZone) {
    struct {
        const char *what;
        uint64_t base, size;
        uint64_t kernel_pages, dma32_pages;
    } const rows[] = {
        {"above 4 GiB: for the kernel pool", 16 * kGiB, 16 * kMiB, 32, 0},
        {"below: for both", 2 * kGiB, 16 * kMiB, 32, 32},
        {"up to exactly 4 GiB", 4 * kGiB - 16 * kMiB, 16 * kMiB, 32, 32},
    };
    for (const auto &row : rows) {
        SCOPED_TRACE(row.what);
        fake::Kernel machine(config_of(NS_KERNEL_6_17), with_area(row.base));
        Area area(machine, row.base, row.size);
        const uint64_t before = machine.free_frames();
        const ns_atomic_pools_config config{};
        ASSERT_EQ(ns_atomic_pools_create(machine.direct, &config), NS_POOL_OK);
        EXPECT_EQ(area.taken(), row.kernel_pages + row.dma32_pages);
        EXPECT_EQ(before - machine.free_frames(), 64 - area.taken());
        EXPECT_EQ(ns_atomic_pools_destroy(machine.direct), NS_POOL_OK);
        EXPECT_EQ(area.taken(), 0u);
    }
}

/* ---- dma_guess_pool -------------------------------------------------------------------------- */

/* Which pool is missing is decided by the metadata allocation that fails: one for all pools, then three for each (pool,
 * chunk, bitmap), in the order kernel, dma, dma32. */
TEST(AtomicPool, GuessOfBothGenerations) {
    const ns_atomic_pool D = NS_ATOMIC_POOL_DMA, D32 = NS_ATOMIC_POOL_DMA32, K = NS_ATOMIC_POOL_KERNEL,
                         N = NS_ATOMIC_POOL_NONE;
    const ns_gfp dma = NS_GFP_DMA, dma32 = NS_GFP_DMA32;
    enum Missing { kNothing = -1, kKernel = 1, kDma = 4, kDma32 = 7 };
    struct {
        Missing missing;
        ns_atomic_pool previous;
        ns_gfp gfp;
        ns_atomic_pool old, newer;
    } const rows[] = {
        {kNothing, N, dma32, D32, D32}, {kNothing, N, dma, D, D}, {kNothing, N, 0, K, K},
        {kNothing, K, 0, D32, D32},     {kNothing, D32, 0, D, D}, {kNothing, D, 0, N, N},
        {kNothing, K, dma, D32, D32},   {kKernel, N, 0, N, D32},  {kKernel, N, dma, D, D},
        {kKernel, N, dma32, D32, D32},  {kDma, N, dma, K, D32},   {kDma, D32, 0, N, N},
        {kDma, N, dma32, D32, D32},     {kDma32, N, dma32, N, D}, {kDma32, K, 0, D, D},
        {kDma32, N, dma, D, D},         {kDma32, N, 0, K, K},
    };
    for (const auto &row : rows) {
        for (ns_kernel kernel : {NS_KERNEL_5_10, NS_KERNEL_6_17, NS_KERNEL_7}) {
            SCOPED_TRACE(testing::Message() << "missing " << row.missing << ", previous " << row.previous << ", gfp "
                                            << row.gfp << ", kernel " << kernel);
            fake::Kernel machine(config_of(kernel), kThreeZones, 4 * kGiB, kIsa);
            machine.port.fail_metadata_at = row.missing;
            ns_atomic_pools_config config{};
            config.dma_pool_needs_pages = true;
            (void)ns_atomic_pools_create(machine.direct, &config);
            EXPECT_EQ(ns_dma_guess_pool(machine.direct, row.previous, row.gfp),
                      kernel == NS_KERNEL_7 ? row.newer : row.old);
            EXPECT_EQ(ns_atomic_pools_destroy(machine.direct), NS_POOL_OK);
        }
    }
    fake::Kernel none;
    EXPECT_EQ(ns_dma_guess_pool(none.direct, N, 0), N);
}

/* 5.10.0 to .13 look only at the configuration: GFP_DMA without a dma pool ends the walk. */
TEST(AtomicPool, EarlyGuessStopsAtAMissingDmaPool) {
    fake::Kernel machine(config_of(NS_KERNEL_5_10), {{kGiB, 8 * kMiB}}, 4 * kGiB, kIsa);
    const ns_atomic_pools_config config{};
    (void)ns_atomic_pools_create(machine.direct, &config);
    EXPECT_EQ(ns_dma_guess_pool(machine.direct, NS_ATOMIC_POOL_NONE, NS_GFP_DMA), NS_ATOMIC_POOL_NONE);
    EXPECT_EQ(ns_atomic_pools_destroy(machine.direct), NS_POOL_OK);
}

/* ---- allocation and growth ------------------------------------------------------------------- */

TEST(AtomicPool, TheFirstAllocationSchedulesTheWorkerWhichDoublesThatPool) {
    fake::Kernel machine(config_of(NS_KERNEL_6_17), kThreeZones);
    const ns_atomic_pools_config config{};
    ASSERT_EQ(ns_atomic_pools_create(machine.direct, &config), NS_POOL_OK);
    const ns_pool_device nic = device(32);
    EXPECT_FALSE(ns_atomic_pools_work_pending(machine.direct));
    uint64_t address = 0, physical = 0;
    machine.port.log.clear();
    ASSERT_EQ(ns_dma_alloc_from_pool(machine.direct, &nic, 4096, NS_GFP_ATOMIC | NS_GFP_DMA32, &address, &physical),
              NS_POOL_OK);
    EXPECT_EQ(machine.port.log, (std::vector<fake::Event>{fake::fill(address, 4096)})) << "no flush, no remap: done";
    EXPECT_TRUE(ns_atomic_pools_work_pending(machine.direct));
    EXPECT_EQ(statistics(machine, NS_ATOMIC_POOL_DMA32).avail, 124 * kKiB);
    ns_atomic_pools_work(machine.direct);
    EXPECT_FALSE(ns_atomic_pools_work_pending(machine.direct));
    EXPECT_EQ(statistics(machine, NS_ATOMIC_POOL_DMA32).size, 256 * kKiB);
    EXPECT_EQ(statistics(machine, NS_ATOMIC_POOL_KERNEL).size, 128 * kKiB) << "nobody took from it";
    ns_atomic_pools_work(machine.direct);
    EXPECT_EQ(statistics(machine, NS_ATOMIC_POOL_DMA32).size, 256 * kKiB) << "above the threshold";
    EXPECT_EQ(ns_atomic_pools_destroy(machine.direct), NS_POOL_ERROR_BUSY);
    ns_pool_status status;
    EXPECT_TRUE(ns_dma_free_from_pool(machine.direct, address, 4096, &status));
    EXPECT_EQ(status, NS_POOL_OK);
    EXPECT_EQ(ns_atomic_pools_destroy(machine.direct), NS_POOL_OK);
}

/* T-Head 5.10: the pools are filled at postcore (level 2), the cache operations work from arch (level 3) on. */
TEST(AtomicPool, MemoryOfTheBootPoolsStaysDirtyBeforeTheArchInitcall) {
    for (const bool early : {true, false}) {
        fake::Kernel machine(ns_dma_direct_preset(NS_DMA_PRESET_THEAD_5_10), {{kGiB, 8 * kMiB}});
        if (!early)
            ns_dma_direct_arch_ready(machine.direct);
        const ns_atomic_pools_config config{};
        ASSERT_EQ(ns_atomic_pools_create(machine.direct, &config), NS_POOL_OK);
        ns_dma_direct_arch_ready(machine.direct);
        const ns_pool_device nic = device(32);
        uint64_t address = 0, bus = 0;
        ASSERT_EQ(ns_dma_alloc_coherent(machine.direct, &nic, 4096, NS_GFP_ATOMIC, &address, &bus), NS_POOL_OK);
        EXPECT_EQ(machine.port.dirty(bus, 4096), early) << "zeros to be evicted over the device's data";
        ns_atomic_pools_work(machine.direct);
        uint64_t rest = 0, late = 0;
        ASSERT_EQ(ns_dma_alloc_coherent(machine.direct, &nic, 4096, NS_GFP_ATOMIC, &rest, &late), NS_POOL_OK);
        EXPECT_FALSE(machine.port.dirty(late, 4096)) << "a chunk that was added after boot";
        EXPECT_EQ(ns_dma_free_coherent(machine.direct, &nic, 4096, address, bus), NS_POOL_OK);
        EXPECT_EQ(ns_dma_free_coherent(machine.direct, &nic, 4096, rest, late), NS_POOL_OK);
        EXPECT_EQ(ns_atomic_pools_destroy(machine.direct), NS_POOL_OK);
    }
}

/* The newest chunk is searched first; when the device does not reach what it gives, the older one, which it would
 * reach, is not tried, but the next pool is. */
TEST(AtomicPool, RejectedMemoryMeansTheNextPoolNotTheNextChunk) {
    fake::Kernel machine(config_of(NS_KERNEL_6_17), {{kGiB, 8 * kMiB}, {8 * kGiB, 256 * kKiB}, {128 * kGiB, 8 * kMiB}});
    const ns_atomic_pools_config config{};
    ASSERT_EQ(ns_atomic_pools_create(machine.direct, &config), NS_POOL_OK);
    const ns_pool_device large = device(64), nic = device(36);
    uint64_t filling = 0, address = 0, physical = 0, again = 0;
    ASSERT_EQ(ns_alloc_pages(machine.frames, NS_GFP_KERNEL, 5, &filling), NS_POOL_OK);
    ASSERT_EQ(filling, 8 * kGiB + 128 * kKiB) << "the rest of the reachable part of NORMAL";
    ASSERT_EQ(ns_dma_alloc_from_pool(machine.direct, &large, 4096, NS_GFP_ATOMIC, &again, &physical), NS_POOL_OK);
    EXPECT_EQ(physical, 8 * kGiB);
    ns_atomic_pools_work(machine.direct); /* a chunk at 128 GiB */
    ASSERT_EQ(ns_dma_alloc_from_pool(machine.direct, &nic, 4096, NS_GFP_ATOMIC, &address, &physical), NS_POOL_OK);
    EXPECT_EQ(physical, kGiB + 0u) << "from dma32, with 124 KiB in reach left in the kernel pool";
    ns_pool_status status;
    EXPECT_TRUE(ns_dma_free_from_pool(machine.direct, address, 4096, &status));
    EXPECT_TRUE(ns_dma_free_from_pool(machine.direct, again, 4096, &status));
    const ns_pool_device small = device(24);
    EXPECT_EQ(ns_dma_alloc_from_pool(machine.direct, &small, 4096, NS_GFP_ATOMIC, &address, &physical),
              NS_POOL_ERROR_NOT_ADDRESSABLE);
    EXPECT_EQ(ns_atomic_pools_destroy(machine.direct), NS_POOL_OK);
    EXPECT_EQ(ns_free_pages(machine.frames, filling, 5), NS_POOL_OK);
}

TEST(AtomicPool, WhatIsSaidWhenNothingIsLeft) {
    for (ns_kernel kernel : {NS_KERNEL_5_10, NS_KERNEL_6_17}) {
        fake::Kernel machine(config_of(kernel), {{kGiB, 8 * kMiB}});
        const ns_atomic_pools_config config{};
        ASSERT_EQ(ns_atomic_pools_create(machine.direct, &config), NS_POOL_OK);
        const ns_pool_device nic = device(32);
        uint64_t address = 0, bus = 0;
        EXPECT_EQ(ns_dma_alloc_coherent(machine.direct, &nic, 256 * kKiB, NS_GFP_ATOMIC, &address, &bus),
                  NS_POOL_ERROR_EXHAUSTED);
        EXPECT_EQ(machine.port.heard("pool exhausted"), kernel == NS_KERNEL_6_17);
        EXPECT_EQ(machine.port.heard("suitable pool"), kernel == NS_KERNEL_5_10);
        EXPECT_EQ(ns_atomic_pools_destroy(machine.direct), NS_POOL_OK);
    }
}

/* ---- the defects ----------------------------------------------------------------------------- */

/* 1: without a kernel pool the free, which walks with gfp 0, stops before it has looked anywhere. */
TEST(AtomicPool, FreeWithoutAKernelPoolGivesAwayPagesOfThePool) {
    struct {
        const char *what;
        ns_kernel kernel;
        ns_coherent_checks checks;
        bool repaired, given_away;
        ns_pool_status status;
    } const rows[] = {
        {"5.10", NS_KERNEL_5_10, NS_CHECKS_KERNEL, false, true, NS_POOL_OK},
        {"6.17", NS_KERNEL_6_17, NS_CHECKS_KERNEL, false, true, NS_POOL_OK},
        {"5.10, told", NS_KERNEL_5_10, NS_CHECKS_STRICT, false, false, NS_POOL_ERROR_MISUSE},
        {"5.10 repaired", NS_KERNEL_5_10, NS_CHECKS_KERNEL, true, false, NS_POOL_OK},
        {"7", NS_KERNEL_7, NS_CHECKS_KERNEL, false, false, NS_POOL_OK},
    };
    for (const auto &row : rows) {
        SCOPED_TRACE(row.what);
        fake::Kernel machine(config_of(row.kernel, row.checks), {{kGiB, 8 * kMiB}});
        machine.port.fail_metadata_at = row.kernel == NS_KERNEL_7 ? -1 : 1;
        ns_atomic_pools_config config{};
        config.repairs.free_looks_everywhere = row.repaired;
        (void)ns_atomic_pools_create(machine.direct, &config);
        ASSERT_FALSE(statistics(machine, NS_ATOMIC_POOL_KERNEL).exists);
        const ns_pool_device nic = device(32);
        uint64_t address = 0, bus = 0;
        ASSERT_EQ(ns_dma_alloc_coherent(machine.direct, &nic, 4096, NS_GFP_ATOMIC, &address, &bus), NS_POOL_OK);
        const uint64_t before = machine.free_frames();
        EXPECT_EQ(ns_dma_free_coherent(machine.direct, &nic, 4096, address, bus), row.status);
        EXPECT_EQ(machine.free_frames() - before, row.given_away ? 1u : 0u);
        const bool lost = row.given_away || row.status != NS_POOL_OK;
        EXPECT_EQ(statistics(machine, NS_ATOMIC_POOL_DMA32).avail, lost ? 124 * kKiB : 128 * kKiB);
        if (lost) { /* put things right, so that the machine can be taken apart */
            ns_pool_status status;
            machine.direct->config.kernel = NS_KERNEL_7;
            EXPECT_TRUE(ns_dma_free_from_pool(machine.direct, address, 4096, &status));
        }
        if (row.status != NS_POOL_OK) {
            EXPECT_EQ(ns_dma_alloc_coherent(machine.direct, &nic, 4096, NS_GFP_ATOMIC, &address, &bus), NS_POOL_OK);
            EXPECT_EQ(ns_dma_free_coherent(machine.direct, &nic, 4096, address, bus), NS_POOL_OK);
            machine.direct->live = 0;
        }
        EXPECT_EQ(ns_atomic_pools_destroy(machine.direct), NS_POOL_OK);
        (void)ns_frames_free_unchecked(machine.frames, kGiB, 2048);
    }
}

/* 2: the error of gen_pool_add_virt gets lost, and an empty pool is published. */
TEST(AtomicPool, AnEmptyPoolIsPublishedWhenItsChunkCannotBeAdded) {
    for (const bool remap : {true, false}) {
        for (const bool repaired : {false, true}) {
            SCOPED_TRACE(testing::Message() << "remap " << remap << ", repaired " << repaired);
            ns_dma_direct_config direct = config_of(NS_KERNEL_6_17);
            direct.dma_direct_remap = remap;
            fake::Kernel machine(direct, {{kGiB, 8 * kMiB}});
            const uint64_t all = machine.free_frames();
            machine.port.fail_metadata_at = 3; /* the bitmap of the kernel pool's chunk */
            ns_atomic_pools_config config{};
            config.repairs.keep_add_error = repaired;
            EXPECT_EQ(ns_atomic_pools_create(machine.direct, &config), repaired ? NS_POOL_ERROR_EXHAUSTED : NS_POOL_OK);
            EXPECT_EQ(statistics(machine, NS_ATOMIC_POOL_KERNEL).exists, !repaired);
            EXPECT_EQ(statistics(machine, NS_ATOMIC_POOL_KERNEL).size, 0u);
            EXPECT_EQ(machine.port.remaps(), remap ? 1u : 0u) << "the dma32 pool's";
            EXPECT_EQ(all - machine.free_frames(), !remap && !repaired ? 64u : 32u) << "its block is lost";
            if (!repaired) { /* get_order(0) is huge: the worker gives an empty pool all that it can get */
                ns_atomic_pools_work(machine.direct);
                EXPECT_EQ(statistics(machine, NS_ATOMIC_POOL_KERNEL).size, 4 * kMiB);
            }
            EXPECT_EQ(ns_atomic_pools_destroy(machine.direct), NS_POOL_OK);
            EXPECT_EQ(machine.free_frames() == all, remap || repaired);
            (void)ns_frames_free_unchecked(machine.frames, kGiB, 2048);
        }
    }
}

/* 3: pages from CMA go to the buddy allocator when the remap fails; the area never gets them back. */
TEST(AtomicPool, TheErrorPathFreesCmaPagesToTheBuddyAllocator) {
    for (const bool repaired : {false, true}) {
        for (ns_coherent_checks checks : {NS_CHECKS_STRICT, NS_CHECKS_KERNEL}) {
            fake::Kernel machine(config_of(NS_KERNEL_6_17, checks), with_area(2 * kGiB));
            Area area(machine, 2 * kGiB, 16 * kMiB);
            machine.port.fail_remap = true;
            ns_atomic_pools_config config{};
            config.repairs.free_cma_to_cma = repaired;
            EXPECT_EQ(ns_atomic_pools_create(machine.direct, &config), NS_POOL_ERROR_EXHAUSTED);
            EXPECT_EQ(area.taken(), repaired ? 0u : 64u) << "two pools of 128 KiB";
            EXPECT_EQ(machine.port.misuses.size(), !repaired && checks == NS_CHECKS_STRICT ? 2u : 0u);
            EXPECT_EQ(ns_atomic_pools_destroy(machine.direct), NS_POOL_OK);
            if (!repaired) {
                EXPECT_TRUE(ns_cma_release(area.cma, 2 * kGiB, 64));
            }
        }
    }
}

/* 4: genalloc frees whatever bits are set, and stops the kernel at one that is not. */
TEST(AtomicPool, PartOfABlockAndSecondFree) {
    for (const bool repaired : {false, true}) {
        SCOPED_TRACE(repaired);
        fake::Kernel machine(config_of(NS_KERNEL_6_17), {{kGiB, 8 * kMiB}});
        ns_atomic_pools_config config{};
        config.repairs.check_free = repaired;
        ASSERT_EQ(ns_atomic_pools_create(machine.direct, &config), NS_POOL_OK);
        const ns_pool_device nic = device(32);
        uint64_t address = 0, physical = 0;
        ASSERT_EQ(ns_dma_alloc_from_pool(machine.direct, &nic, 0x4000, NS_GFP_ATOMIC, &address, &physical), NS_POOL_OK);
        ns_pool_status status;
        EXPECT_TRUE(ns_dma_free_from_pool(machine.direct, address + 0x1000, 0x1000, &status));
        EXPECT_EQ(status, repaired ? NS_POOL_ERROR_MISUSE : NS_POOL_OK);
        EXPECT_TRUE(ns_dma_free_from_pool(machine.direct, address, 0x4000, &status));
        EXPECT_EQ(status, repaired ? NS_POOL_OK : NS_POOL_ERROR_MISUSE) << "BUG: a page of it is free already";
        EXPECT_EQ(machine.port.misuses.back().what, repaired ? NS_MISUSE_FREE_SIZE : NS_MISUSE_DOUBLE_FREE);
        machine.port.misuses.clear();
        if (!repaired) {
            EXPECT_TRUE(ns_dma_free_from_pool(machine.direct, address, 0x1000, &status));
            EXPECT_TRUE(ns_dma_free_from_pool(machine.direct, address + 0x2000, 0x2000, &status));
        }
        EXPECT_TRUE(ns_dma_free_from_pool(machine.direct, address, 0x4000, &status));
        EXPECT_EQ(status, NS_POOL_ERROR_MISUSE);
        EXPECT_EQ(machine.port.misuses.back().what, NS_MISUSE_DOUBLE_FREE);
        EXPECT_FALSE(ns_dma_free_from_pool(machine.direct, 0x1000, 0x1000, &status)) << "not a pool's";
        EXPECT_EQ(ns_atomic_pools_destroy(machine.direct), NS_POOL_OK);
    }
}

/* ---- properties ------------------------------------------------------------------------------ */

TEST(AtomicPool, FailuresAtAnyCallLeakNothing) {
    for (const bool ptes : {false, true}) {
        for (int n = 0;; n++) {
            SCOPED_TRACE(testing::Message() << (ptes ? "PTE " : "metadata ") << n);
            fake::Kernel machine(config_of(NS_KERNEL_6_17), with_area(2 * kGiB), 4 * kGiB, kIsa);
            Area area(machine, 2 * kGiB, 16 * kMiB);
            const uint64_t all = machine.free_frames();
            const size_t metadata = machine.port.metadata_blocks();
            (ptes ? machine.port.fail_set_pte_at : machine.port.fail_metadata_at) = n;
            ns_atomic_pools_config config{};
            config.repairs = kAllRepairs;
            (void)ns_atomic_pools_create(machine.direct, &config);
            const ns_pool_device nic = device(32);
            uint64_t address = 0, bus = 0;
            const ns_pool_status status =
                ns_dma_alloc_coherent(machine.direct, &nic, 4096, NS_GFP_ATOMIC, &address, &bus);
            ns_atomic_pools_work(machine.direct);
            const int left = ptes ? machine.port.fail_set_pte_at : machine.port.fail_metadata_at;
            machine.port.fail_set_pte_at = -1;
            if (status == NS_POOL_OK) {
                EXPECT_EQ(ns_dma_free_coherent(machine.direct, &nic, 4096, address, bus), NS_POOL_OK);
            }
            EXPECT_EQ(ns_atomic_pools_destroy(machine.direct), NS_POOL_OK);
            EXPECT_EQ(machine.free_frames(), all);
            EXPECT_EQ(machine.port.metadata_blocks(), metadata);
            EXPECT_EQ(machine.port.remaps(), 0u);
            EXPECT_EQ(area.taken(), 0u);
            if (left >= 0) {
                EXPECT_GE(n, ptes ? 3 * 32 : 11) << "the injection was reached";
                break;
            }
        }
    }
}

TEST(AtomicPool, RandomSequencesNeverOverlapAndCountsAddUp) {
    const uint64_t seed = fake::seed();
    SCOPED_TRACE(testing::Message() << "NS_TEST_SEED=" << seed);
    fake::Random random(seed);
    struct Live {
        uint64_t address, physical, size;
    };
    for (ns_kernel kernel : {NS_KERNEL_5_10, NS_KERNEL_6_17, NS_KERNEL_7}) {
        fake::Kernel machine(config_of(kernel), kThreeZones, 4 * kGiB, kIsa);
        ns_atomic_pools_config config{};
        config.repairs.check_free = true;
        ASSERT_EQ(ns_atomic_pools_create(machine.direct, &config), NS_POOL_OK);
        const ns_pool_device devices[] = {device(24), device(32), device(64)};
        const ns_gfp zones[] = {NS_GFP_DMA, NS_GFP_DMA32, 0};
        std::vector<Live> live;
        uint64_t held = 0;
        for (int step = 0; step < 3000; step++) {
            const uint64_t which = random.below(3);
            Live one = {0, 0, 4096 * (1 + random.below(6))};
            ns_pool_status status;
            if (random.below(2)) {
                if (ns_dma_alloc_from_pool(machine.direct, &devices[which], one.size, zones[which], &one.address,
                                           &one.physical) != NS_POOL_OK)
                    continue;
                ASSERT_LE(one.physical + one.size - 1, devices[which].coherent_dma_mask);
                ASSERT_EQ(machine.port.translate(one.address + one.size - 1), one.physical + one.size - 1);
                for (const Live &other : live)
                    ASSERT_TRUE(one.physical + one.size <= other.physical ||
                                other.physical + other.size <= one.physical);
                held += one.size;
                live.push_back(one);
            } else if (!live.empty()) {
                const size_t victim = random.below(live.size());
                one = live[victim];
                ASSERT_TRUE(ns_dma_free_from_pool(machine.direct, one.address, one.size, &status));
                ASSERT_EQ(status, NS_POOL_OK);
                held -= one.size;
                live.erase(live.begin() + static_cast<std::ptrdiff_t>(victim));
            }
            if (random.below(40) == 0)
                ns_atomic_pools_work(machine.direct);
            uint64_t used = 0;
            for (ns_atomic_pool pool : {NS_ATOMIC_POOL_DMA, NS_ATOMIC_POOL_DMA32, NS_ATOMIC_POOL_KERNEL})
                used += statistics(machine, pool).size - statistics(machine, pool).avail;
            ASSERT_EQ(used, held);
        }
        for (const Live &one : live) {
            ns_pool_status status;
            EXPECT_TRUE(ns_dma_free_from_pool(machine.direct, one.address, one.size, &status));
        }
        EXPECT_EQ(ns_atomic_pools_destroy(machine.direct), NS_POOL_OK);
        EXPECT_TRUE(machine.port.misuses.empty());
    }
}

} // namespace
