/* SPDX-License-Identifier: Apache-2.0 */
/* The coherent path step by step. The expectations are the decision tables of kernel/dma/mapping.c and direct.c. */
#include "coherent_fixture.h"

namespace {

using namespace coherent_tests;
using fake::Event;
using fake::kGiB;
using fake::kMiB;
using fake::linear;

/* ---- the steps in order ---------------------------------------------------------------------- */

TEST(Coherent, FlushesTheLinearAliasThenRemapsThenZeroes) {
    for (ns_dma_preset which : {NS_DMA_PRESET_RISCV_6_18, NS_DMA_PRESET_RISCV_7, NS_DMA_PRESET_ARM64_5_10}) {
        SCOPED_TRACE(ns_dma_preset_name(which));
        fake::Kernel machine(preset(which), {{kRam, kMiB}});
        const ns_pool_device nic = device();
        machine.port.get()->store(&machine.port, linear(kRam + 0x40), 8, 0x1122); /* a former owner's dirty line */
        Block block;
        ASSERT_EQ(alloc(machine, nic, 5000, &block), NS_POOL_OK);
        EXPECT_EQ(block.bus, kRam);
        EXPECT_EQ(machine.port.log,
                  (std::vector<Event>{fake::maintain(NS_PORT_FLUSH, linear(kRam), 0x2000), fake::barrier(),
                                      fake::remap(kRam, 0x2000), fake::fill(block.address, 0x2000)}));
        EXPECT_FALSE(machine.port.dirty(kRam, 0x2000));
        EXPECT_EQ(machine.port.memory(kRam + 0x40), 0);
        EXPECT_EQ(release(machine, nic, 5000, block), NS_POOL_OK);
        EXPECT_EQ(machine.port.remaps(), 0u);
    }
}

/* T-Head 5.10: the hook clears the pages through the cacheable mapping before it flushes them; before the
 * architecture's initcall the flush does nothing, so the zeros stay dirty, to be evicted over the device's data.
 * Without any hook the former owner's lines do the same. */
TEST(Coherent, OrderAndDirtyLinesByPrepareHook) {
    const Event flush = fake::maintain(NS_PORT_FLUSH, linear(kRam), 0x1000);
    const Event cached_zero = fake::fill(linear(kRam), 0x1000);
    const Event nc_zero = fake::fill(fake::kRemaps, 0x1000);
    const Event remap = fake::remap(kRam, 0x1000);
    struct {
        const char *what;
        ns_prepare_coherent prepare;
        bool waits, ready;
        std::vector<Event> order;
        bool dirty;
    } const rows[] = {
        {"flush", NS_PREPARE_FLUSH, false, false, {flush, fake::barrier(), remap, nc_zero}, false},
        {"no hook", NS_PREPARE_NONE, false, false, {remap, nc_zero}, true},
        {"T-Head", NS_PREPARE_ZERO_FLUSH, true, true, {cached_zero, flush, fake::barrier(), remap, nc_zero}, false},
        {"T-Head, too early", NS_PREPARE_ZERO_FLUSH, true, false, {cached_zero, remap, nc_zero}, true},
        {"flush, too early", NS_PREPARE_FLUSH, true, false, {remap, nc_zero}, true},
    };
    for (const auto &row : rows) {
        SCOPED_TRACE(row.what);
        ns_dma_direct_config config = preset();
        config.prepare = row.prepare;
        config.prepare_waits_for_arch = row.waits;
        fake::Kernel machine(config, {{kRam, kMiB}});
        if (row.ready)
            ns_dma_direct_arch_ready(machine.direct);
        const ns_pool_device nic = device();
        machine.port.get()->store(&machine.port, linear(kRam), 8, 1);
        Block block;
        ASSERT_EQ(alloc(machine, nic, 1, &block), NS_POOL_OK);
        EXPECT_EQ(machine.port.log, row.order);
        EXPECT_EQ(machine.port.dirty(kRam, 0x1000), row.dirty) << "what an eviction writes over the device's data";
        EXPECT_EQ(release(machine, nic, 1, block), NS_POOL_OK);
    }
}

/* An architecture whose functions are counted, and fail on demand. */
struct Hooks {
    bool fail_decrypt = false, fail_encrypt = false, fail_uncached = false;
    int arch_allocs = 0, arch_frees = 0, decrypts = 0, encrypts = 0;
    static constexpr uint64_t kArchAddress = 0xabc000, kArchBus = 0xdef000;

    ns_dma_arch arch() {
        ns_dma_arch result{};
        result.context = this;
        result.alloc = [](void *self, const ns_pool_device *, uint64_t, ns_gfp, unsigned, uint64_t *bus) {
            of(self).arch_allocs++;
            *bus = kArchBus;
            return kArchAddress;
        };
        result.free = [](void *self, const ns_pool_device *, uint64_t, uint64_t, uint64_t, unsigned) {
            of(self).arch_frees++;
        };
        result.set_uncached = [](void *self, uint64_t address, uint64_t) -> uint64_t {
            return of(self).fail_uncached ? 0 : address;
        };
        result.decrypt = [](void *self, uint64_t, uint64_t) {
            of(self).decrypts++;
            return !of(self).fail_decrypt;
        };
        result.encrypt = [](void *self, uint64_t, uint64_t) {
            of(self).encrypts++;
            return !of(self).fail_encrypt;
        };
        return result;
    }
    static Hooks &of(void *self) { return *static_cast<Hooks *>(self); }
};

enum class From { kNobody, kCookie, kArch, kAtomicPool, kRemap, kLinear, kGlobalPool };

struct Switches {
    bool remap, set_uncached, arch_alloc, coherent_pool, global_pool, dma_remap;
};

/* One row, one path through dma_direct_alloc. `highmem`: the pages that there are have no linear mapping. */
TEST(Coherent, SourceOfMemoryInBothOrders) {
    const ns_kernel k510 = NS_KERNEL_5_10, k617 = NS_KERNEL_6_17;
    const Switches remap = {true, false, false, true, false, true};
    const Switches uncached = {false, true, false, false, false, false};
    const Switches nothing = {false, false, false, false, false, false};
    const Switches arch = {false, false, true, false, false, false};
    const Switches remap_and_arch = {true, false, true, true, false, true};
    const Switches remap_and_global = {true, false, false, true, true, true};
    const Switches remap_no_pool = {true, false, false, false, false, true};
    const Switches both = {true, true, false, true, false, true};
    const ns_gfp may = NS_GFP_KERNEL, must_not = NS_GFP_ATOMIC;
    const unsigned cookie = NS_DMA_NO_KERNEL_MAPPING;
    struct {
        const char *what;
        ns_kernel kernel;
        Switches has;
        bool coherent, unencrypted, highmem;
        ns_gfp gfp;
        unsigned attributes;
        From from;
    } const rows[] = {
        {"1: no mapping wanted", k510, remap, false, false, false, may, cookie, From::kCookie},
        {"1: not when it must be decrypted", k510, remap, false, true, false, may, cookie, From::kRemap},
        {"1: before the arch's allocator", k510, arch, false, false, false, may, cookie, From::kCookie},
        {"1: even if it may not block", k510, remap, false, false, false, must_not, cookie, From::kCookie},
        {"2: nothing makes memory uncached", k510, arch, false, false, false, may, 0, From::kArch},
        {"2: not for a coherent device", k510, arch, true, false, false, may, 0, From::kLinear},
        {"2: not where there is a remap", k510, remap_and_arch, false, false, false, may, 0, From::kRemap},
        {"3: must not block", k510, remap, false, false, false, must_not, 0, From::kAtomicPool},
        {"3: not for a coherent device", k510, remap, true, false, false, must_not, 0, From::kLinear},
        {"3: coherent, but to be decrypted", k510, remap, true, true, false, must_not, 0, From::kAtomicPool},
        {"3: no atomic pools: goes on", k510, remap_no_pool, false, false, false, must_not, 0, From::kRemap},
        {"5: remap", k510, remap, false, false, false, may, 0, From::kRemap},
        {"5: the global pool is not asked", k510, remap_and_global, false, false, false, may, 0, From::kRemap},
        {"5: highmem of a coherent device", k510, remap, true, false, true, may, 0, From::kRemap},
        {"6: highmem without remap", k510, uncached, false, false, true, may, 0, From::kNobody},
        {"7: coherent", k510, uncached, true, false, false, may, 0, From::kLinear},
        {"8: set_uncached", k510, uncached, false, false, false, may, 0, From::kLinear},
        {"remap goes before set_uncached", k510, both, false, false, false, may, 0, From::kRemap},

        {"1: no mapping wanted", k617, remap, false, false, false, may, cookie, From::kCookie},
        {"1: before the global pool", k617, remap_and_global, false, false, false, may, cookie, From::kCookie},
        {"2a: the arch's allocator goes first", k617, remap_and_arch, false, false, false, may, 0, From::kArch},
        {"2a: not for a coherent device", k617, remap_and_arch, true, false, false, may, 0, From::kLinear},
        {"2b: the global pool", k617, remap_and_global, false, false, false, may, 0, From::kGlobalPool},
        {"2b: may it block or not", k617, remap_and_global, false, false, false, must_not, 0, From::kGlobalPool},
        {"2b: not for a coherent device", k617, remap_and_global, true, false, false, may, 0, From::kLinear},
        {"2c: not supported", k617, nothing, false, false, false, may, 0, From::kNobody},
        {"2c: coherent: not asked", k617, nothing, true, false, false, may, 0, From::kLinear},
        {"3: must not block", k617, remap, false, false, false, must_not, 0, From::kAtomicPool},
        {"3: coherent, but to be decrypted", k617, remap, true, true, false, must_not, 0, From::kAtomicPool},
        {"3: no atomic pools: nothing", k617, remap_no_pool, false, false, false, must_not, 0, From::kNobody},
        {"5: remap", k617, remap, false, false, false, may, 0, From::kRemap},
        {"5: highmem beats set_uncached", k617, uncached, false, false, true, may, 0, From::kRemap},
        {"8: set_uncached", k617, uncached, false, false, false, may, 0, From::kLinear},
    };
    for (const auto &row : rows) {
        SCOPED_TRACE(testing::Message() << (row.kernel == k510 ? "5.10 " : "6.17 ") << row.what);
        Hooks hooks;
        ns_dma_direct_config config = preset();
        config.kernel = row.kernel;
        config.dma_direct_remap = row.has.remap;
        config.dma_remap = row.has.dma_remap;
        config.arch_has_dma_set_uncached = row.has.set_uncached;
        config.arch_has_dma_alloc = row.has.arch_alloc;
        config.dma_coherent_pool = row.has.coherent_pool;
        config.dma_global_pool = row.has.global_pool;
        config.linear_limit = row.highmem ? kRam : 0;
        config.arch = hooks.arch();
        const ns_frame_region global = {8 * kGiB, 16 * 4096};
        fake::Kernel machine(config, {{kRam, kMiB}});
        ns_device_pool *global_pool = nullptr;
        const ns_device_pool_config global_config = {global.base, global.base, global.length, false, false};
        ASSERT_EQ(ns_device_pool_create(machine.port.get(), &global_config, &global_pool), NS_POOL_OK);
        machine.direct->config.global_pool = global_pool;
        const ns_atomic_pools_config pools = {};
        if (row.has.coherent_pool)
            (void)ns_atomic_pools_create(machine.direct, &pools); /* the kernel pool has only DMA32 memory here */
        const uint64_t atomic_free = ns_atomic_pool_get_statistics(machine.direct, NS_ATOMIC_POOL_DMA32).avail;
        const uint64_t frames_before = machine.free_frames();
        const size_t remaps_before = machine.port.remaps();

        ns_pool_device nic = device(36);
        nic.coherent = row.coherent;
        nic.force_unencrypted = row.unencrypted;
        Block block;
        const ns_pool_status status = alloc(machine, nic, 4096, &block, row.gfp, row.attributes);
        const uint64_t atomic_taken =
            row.has.coherent_pool ? ns_atomic_pool_get_statistics(machine.direct, NS_ATOMIC_POOL_KERNEL).size +
                                        ns_atomic_pool_get_statistics(machine.direct, NS_ATOMIC_POOL_DMA32).size -
                                        ns_atomic_pool_get_statistics(machine.direct, NS_ATOMIC_POOL_KERNEL).avail -
                                        ns_atomic_pool_get_statistics(machine.direct, NS_ATOMIC_POOL_DMA32).avail
                                  : 0;
        EXPECT_GE(atomic_free, row.has.coherent_pool ? 4096u : 0u);
        const bool took_frame = machine.free_frames() < frames_before;

        EXPECT_EQ(status == NS_POOL_OK, row.from != From::kNobody);
        EXPECT_EQ(hooks.arch_allocs, row.from == From::kArch);
        EXPECT_EQ(ns_device_pool_used_pages(global_pool), row.from == From::kGlobalPool ? 1u : 0u);
        EXPECT_EQ(atomic_taken, row.from == From::kAtomicPool ? 4096u : 0u);
        EXPECT_EQ(took_frame, row.from == From::kCookie || row.from == From::kRemap || row.from == From::kLinear);
        EXPECT_EQ(machine.port.remaps() - remaps_before, row.from == From::kRemap ? 1u : 0u);
        EXPECT_EQ(block.address % 4096, row.from == From::kCookie ? 1u : 0u);
        EXPECT_EQ(block.address == linear(block.bus), row.from == From::kLinear);

        if (status == NS_POOL_OK) {
            EXPECT_EQ(release(machine, nic, 4096, block, row.attributes), NS_POOL_OK);
        } else {
            EXPECT_EQ(block.address, 0u);
            EXPECT_EQ(block.bus, NS_DMA_MAPPING_ERROR);
        }
        EXPECT_EQ(hooks.arch_frees, hooks.arch_allocs);
        EXPECT_EQ(machine.free_frames(), frames_before);
        EXPECT_EQ(machine.port.remaps(), remaps_before);
        EXPECT_TRUE(machine.port.misuses.empty());
        EXPECT_EQ(ns_atomic_pools_destroy(machine.direct), NS_POOL_OK);
        EXPECT_EQ(ns_device_pool_destroy(global_pool), NS_POOL_OK);
    }
}

/* Steps 7 and 8: zeroing is cacheable there, so the flush must follow it. */
TEST(Coherent, SetUncachedFlushesAfterTheZeroing) {
    for (ns_kernel kernel : {NS_KERNEL_5_10, NS_KERNEL_6_17}) {
        ns_dma_direct_config config = preset(NS_DMA_PRESET_MIPS_5_10);
        config.kernel = kernel;
        fake::Kernel machine(config, {{kRam, kMiB}});
        const ns_pool_device nic = device();
        Block block;
        ASSERT_EQ(alloc(machine, nic, 4096, &block), NS_POOL_OK);
        EXPECT_EQ(machine.port.log,
                  (std::vector<Event>{fake::fill(linear(kRam), 0x1000),
                                      fake::maintain(NS_PORT_FLUSH, linear(kRam), 0x1000), fake::barrier()}));
        EXPECT_FALSE(machine.port.dirty(kRam, 0x1000));
        EXPECT_EQ(release(machine, nic, 4096, block), NS_POOL_OK);
    }
}

TEST(Coherent, DeviceDeclaredCoherentUsesTheLinearMapping) {
    fake::Kernel machine;
    ns_pool_device nic = device();
    nic.coherent = true;
    Block block;
    ASSERT_EQ(alloc(machine, nic, 4096, &block), NS_POOL_OK);
    EXPECT_EQ(block.address, linear(block.bus));
    EXPECT_EQ(machine.port.log, (std::vector<Event>{fake::fill(block.address, 4096)}));
    EXPECT_EQ(release(machine, nic, 4096, block), NS_POOL_OK);
}

TEST(Coherent, EveryDeviceIsCoherentWithoutArchSyncDma) {
    fake::Kernel machine(preset(NS_DMA_PRESET_X86_5_10), {{kRam, kMiB}});
    const ns_pool_device nic = device();
    EXPECT_TRUE(ns_dev_is_dma_coherent(machine.direct, &nic));
    Block block;
    ASSERT_EQ(alloc(machine, nic, 4096, &block), NS_POOL_OK);
    EXPECT_EQ(machine.port.log, (std::vector<Event>{fake::fill(linear(block.bus), 4096)}));
    EXPECT_EQ(release(machine, nic, 4096, block), NS_POOL_OK);
}

/* 5.10 frees pages whose decryption failed, in step 5 with the mapping still there; later kernels leak them, because
 * nobody knows what state they are in. A failed re-encryption leaks in both. */
TEST(Coherent, WhatAFailedDecryptionCosts) {
    struct {
        const char *what;
        ns_kernel kernel;
        bool remap, uncached;
        bool fail_decrypt, fail_uncached, fail_encrypt;
        uint64_t frames_lost;
        size_t mappings_lost;
    } const rows[] = {
        {"5.10 remap", NS_KERNEL_5_10, true, false, true, false, false, 0, 1},
        {"5.10 linear", NS_KERNEL_5_10, false, true, true, false, false, 0, 0},
        {"6.17 linear", NS_KERNEL_6_17, false, true, true, false, false, 1, 0},
        {"5.10 no uncached alias", NS_KERNEL_5_10, false, true, false, true, false, 0, 0},
        {"6.17 no uncached alias", NS_KERNEL_6_17, false, true, false, true, false, 0, 0},
        {"5.10 no alias, no way back", NS_KERNEL_5_10, false, true, false, true, true, 1, 0},
        {"6.17 no alias, no way back", NS_KERNEL_6_17, false, true, false, true, true, 1, 0},
    };
    for (const auto &row : rows) {
        SCOPED_TRACE(row.what);
        Hooks hooks;
        hooks.fail_decrypt = row.fail_decrypt;
        hooks.fail_uncached = row.fail_uncached;
        hooks.fail_encrypt = row.fail_encrypt;
        ns_dma_direct_config config = preset();
        config.kernel = row.kernel;
        config.dma_direct_remap = row.remap;
        config.arch_has_dma_set_uncached = row.uncached;
        config.arch = hooks.arch();
        fake::Kernel machine(config, {{kRam, kMiB}});
        ns_pool_device nic = device();
        nic.force_unencrypted = true;
        const uint64_t before = machine.free_frames();
        Block block;
        EXPECT_EQ(alloc(machine, nic, 4096, &block), NS_POOL_ERROR_EXHAUSTED);
        EXPECT_EQ(before - machine.free_frames(), row.frames_lost);
        EXPECT_EQ(machine.port.remaps(), row.mappings_lost);
        (void)ns_frames_free_unchecked(machine.frames, kRam, 256);
    }
}

TEST(Coherent, FailedReencryptionAtFreeLeaksInRecentKernels) {
    for (ns_kernel kernel : {NS_KERNEL_5_10, NS_KERNEL_6_17}) {
        Hooks hooks;
        hooks.fail_encrypt = true;
        ns_dma_direct_config config = preset(NS_DMA_PRESET_X86_5_10);
        config.kernel = kernel;
        config.arch = hooks.arch();
        fake::Kernel machine(config, {{kRam, kMiB}});
        ns_pool_device nic = device();
        nic.force_unencrypted = true;
        const uint64_t before = machine.free_frames();
        Block block;
        ASSERT_EQ(alloc(machine, nic, 4096, &block), NS_POOL_OK);
        EXPECT_EQ(release(machine, nic, 4096, block), NS_POOL_OK);
        EXPECT_EQ(before - machine.free_frames(), kernel == NS_KERNEL_5_10 ? 0u : 1u);
        (void)ns_frames_free_unchecked(machine.frames, kRam, 256);
    }
}

/* ---- dma_alloc_attrs ------------------------------------------------------------------------- */

TEST(Coherent, AnExhaustedDevicePoolIsTheEndOfIt) {
    fake::Kernel machine({{kRam, kMiB}});
    ns_device_pool *pool = nullptr;
    const ns_device_pool_config config = {9 * kGiB, 0x1000, 2 * 4096, false, false};
    ASSERT_EQ(ns_device_pool_create(machine.port.get(), &config, &pool), NS_POOL_OK);
    ns_pool_device nic = device();
    ASSERT_EQ(ns_device_pool_assign(&nic, pool), NS_POOL_OK);
    const uint64_t before = machine.free_frames();
    Block block, refused;
    ASSERT_EQ(alloc(machine, nic, 2 * 4096, &block), NS_POOL_OK);
    EXPECT_EQ(block.bus, 0x1000u);
    EXPECT_EQ(alloc(machine, nic, 1, &refused), NS_POOL_ERROR_EXHAUSTED) << "with 256 free pages of RAM";
    EXPECT_EQ(refused.bus, NS_DMA_MAPPING_ERROR);
    EXPECT_EQ(machine.free_frames(), before);
    EXPECT_EQ(release(machine, nic, 2 * 4096, block), NS_POOL_OK);
    EXPECT_EQ(release(machine, nic, 2 * 4096, block), NS_POOL_ERROR_MISUSE);
    EXPECT_EQ(machine.port.misuses.back().what, NS_MISUSE_DOUBLE_FREE);
    EXPECT_EQ(ns_device_pool_destroy(pool), NS_POOL_OK);
}

/* GFP_DMA of the caller: cleared, the 64-bit mask decides, and the first memory of NORMAL is taken. */
TEST(Coherent, ZoneFlagsOfTheCallerAreIgnored) {
    fake::Kernel machine({{kRam, kMiB}, {4 * kGiB, kMiB}});
    const ns_pool_device nic = device(64);
    for (ns_gfp zone : {NS_GFP_DMA, NS_GFP_DMA32, NS___GFP_HIGHMEM}) {
        Block block;
        ASSERT_EQ(alloc(machine, nic, 4096, &block, NS_GFP_KERNEL | zone), NS_POOL_OK);
        EXPECT_EQ(block.bus, 4 * kGiB);
        EXPECT_EQ(release(machine, nic, 4096, block), NS_POOL_OK);
    }
}

TEST(Coherent, CompoundPagesAreRefusedInRecentKernelsOnly) {
    for (ns_kernel kernel : {NS_KERNEL_5_10, NS_KERNEL_6_17}) {
        ns_dma_direct_config config = preset();
        config.kernel = kernel;
        fake::Kernel machine(config);
        const ns_pool_device nic = device();
        Block block;
        EXPECT_EQ(alloc(machine, nic, 4096, &block, NS_GFP_KERNEL | NS___GFP_COMP),
                  kernel == NS_KERNEL_5_10 ? NS_POOL_OK : NS_POOL_ERROR_ARGUMENT);
        EXPECT_EQ(release(machine, nic, 4096, block), NS_POOL_OK) << "address 0 is fine to free";
    }
}

/* min_not_zero(0, 0) is 0: nothing is in reach. With a bus limit, that is the limit. */
TEST(Coherent, MaskZeroIsWarnedAboutOnceAndThenTakenAsItIs) {
    fake::Kernel machine({{kRam, kMiB}});
    ns_pool_device nic = device();
    nic.coherent_dma_mask = 0;
    Block block;
    EXPECT_EQ(alloc(machine, nic, 4096, &block), NS_POOL_ERROR_NOT_ADDRESSABLE);
    nic.bus_dma_limit = 0xffff'ffff;
    ASSERT_EQ(alloc(machine, nic, 4096, &block), NS_POOL_OK);
    EXPECT_EQ(release(machine, nic, 4096, block), NS_POOL_OK);
    int warnings = 0;
    for (const fake::Said &line : machine.port.said)
        warnings += line.voice == NS_SAY_WARN && std::string(line.text).find("coherent_dma_mask") != std::string::npos;
    EXPECT_EQ(warnings, 1);
}

/* dma_go_direct. RAM ends at 2 GiB + 1 MiB, so the required mask has 32 bits. */
TEST(Coherent, DirectOrThroughTheOperations) {
    const ns_dma_ops ops = {
        nullptr,
        [](void *, const ns_pool_device *, uint64_t, ns_gfp, unsigned, uint64_t *address, uint64_t *bus) {
            *address = 0x5000;
            *bus = 0x6000;
            return NS_POOL_OK;
        },
        [](void *, const ns_pool_device *, uint64_t, uint64_t, uint64_t, unsigned) { return NS_POOL_OK; }};
    const ns_dma_ops no_alloc = {};
    struct {
        const char *what;
        ns_kernel kernel;
        bool kernel_has_ops, kernel_bypass;
        const ns_dma_ops *ops;
        bool bypass, iommu;
        unsigned bits;
        int result; /* 0: nothing, 1: direct, 2: ops */
    } const rows[] = {
        {"no ops", NS_KERNEL_5_10, true, false, nullptr, false, false, 32, 1},
        {"ops", NS_KERNEL_5_10, true, false, &ops, false, false, 32, 2},
        {"kernel without DMA_OPS", NS_KERNEL_5_10, false, false, &ops, false, false, 32, 1},
        {"bypass, mask covers all", NS_KERNEL_5_10, true, true, &ops, true, false, 32, 1},
        {"bypass, mask too small", NS_KERNEL_5_10, true, true, &ops, true, false, 31, 2},
        {"bypass not configured", NS_KERNEL_5_10, true, false, &ops, true, false, 32, 2},
        {"ops without alloc", NS_KERNEL_5_10, true, false, &no_alloc, false, false, 32, 0},
        {"iommu flag unknown to 5.10", NS_KERNEL_5_10, true, false, nullptr, false, true, 32, 1},
        {"iommu", NS_KERNEL_6_17, false, false, &ops, false, true, 32, 2},
        {"iommu forbids the bypass", NS_KERNEL_6_17, true, true, &ops, true, true, 32, 2},
        {"iommu without operations", NS_KERNEL_6_17, true, false, nullptr, false, true, 32, 0},
    };
    for (const auto &row : rows) {
        SCOPED_TRACE(row.what);
        ns_dma_direct_config config = preset();
        config.kernel = row.kernel;
        config.dma_ops = row.kernel_has_ops;
        config.dma_ops_bypass = row.kernel_bypass;
        fake::Kernel machine(config, {{kRam, kMiB}});
        ns_pool_device nic = device(row.bits);
        nic.dma_ops = row.ops;
        nic.dma_ops_bypass = row.bypass;
        nic.use_dma_iommu = row.iommu;
        Block block;
        const ns_pool_status status = alloc(machine, nic, 4096, &block);
        EXPECT_EQ(status == NS_POOL_OK, row.result != 0);
        if (status == NS_POOL_OK) {
            EXPECT_EQ(block.bus, row.result == 1 ? kRam : 0x6000u);
            EXPECT_EQ(release(machine, nic, 4096, block), NS_POOL_OK);
        }
    }
}

TEST(Coherent, WriteCombineIsAnotherTypeWhereTheKernelKnowsIt) {
    struct {
        ns_dma_preset which;
        unsigned attributes;
        ns_port_type type;
    } const rows[] = {
        {NS_DMA_PRESET_RISCV_6_18, 0, NS_PORT_NC},
        {NS_DMA_PRESET_RISCV_6_17, 0, NS_PORT_IO},
        {NS_DMA_PRESET_RISCV_6_17, NS_DMA_WRITE_COMBINE, NS_PORT_IO}, /* no ARCH_HAS_DMA_WRITE_COMBINE */
        {NS_DMA_PRESET_THEAD_5_10, NS_DMA_WRITE_COMBINE, NS_PORT_NC},
    };
    for (const auto &row : rows) {
        SCOPED_TRACE(ns_dma_preset_name(row.which));
        fake::Kernel machine(preset(row.which));
        const ns_pool_device nic = device();
        Block block;
        ASSERT_EQ(alloc(machine, nic, 4096, &block, NS_GFP_KERNEL, row.attributes), NS_POOL_OK);
        EXPECT_EQ(machine.port.type_of(block.address), row.type);
        EXPECT_EQ(release(machine, nic, 4096, block, row.attributes), NS_POOL_OK);
    }
    fake::Kernel machine;
    const ns_pool_device nic = device();
    Block block;
    ASSERT_EQ(ns_dma_alloc_wc(machine.direct, &nic, 4096, NS_GFP_KERNEL, &block.address, &block.bus), NS_POOL_OK);
    EXPECT_EQ(ns_dma_free_wc(machine.direct, &nic, 4096, block.address, block.bus), NS_POOL_OK);
}

} // namespace
