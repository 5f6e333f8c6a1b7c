/* SPDX-License-Identifier: Apache-2.0 */
/* Masks, and the memory types of dma_pgprot: tables of kernel/dma/direct.c, mapping.c, drivers/of/device.c. */
#include "fake_direct.h"
#include "pool/dma_mask.h"

namespace {

using fake::kGiB;
using fake::kMiB;

TEST(DmaMask, BitMask) {
    EXPECT_EQ(ns_dma_bit_mask(0), 0u);
    EXPECT_EQ(ns_dma_bit_mask(1), 1u);
    EXPECT_EQ(ns_dma_bit_mask(32), 0xffff'ffffu);
    EXPECT_EQ(ns_dma_bit_mask(63), UINT64_MAX >> 1);
    EXPECT_EQ(ns_dma_bit_mask(64), UINT64_MAX);
    EXPECT_EQ(ns_dma_bit_mask(1000), UINT64_MAX);
}

/* (1 << fls(last page)) * 2 - 1. With one page of RAM above 4 GiB its first byte and its last have the same width; with
 * a bus that ends one page above a power of two minus 4 KiB they have not. */
TEST(DmaMask, RequiredMask) {
    const ns_bus_range to_zero[] = {{0x8000'0000, 0, kGiB}};
    const ns_bus_range odd[] = {{0x8000'0000, 0x7fff'f800, kGiB}}; /* a page that straddles 2 GiB of bus */
    struct {
        const char *what;
        uint64_t ram_end;
        const ns_bus_range *range;
        uint64_t first_byte, last_byte;
    } const rows[] = {
        {"1 GiB", kGiB, nullptr, 0x3fff'ffff, 0x3fff'ffff},
        {"4 GiB", 4 * kGiB, nullptr, 0xffff'ffff, 0xffff'ffff},
        {"a page above", 4 * kGiB + 4096, nullptr, 0x1'ffff'ffff, 0x1'ffff'ffff},
        {"RAM at bus 0", 0x8000'0000 + kMiB, to_zero, 0xf'ffff, 0xf'ffff},
        {"a page over the border", 0x8000'1000, odd, 0x7fff'ffff, 0xffff'ffff},
        {"not on the bus at all", 8 * kGiB, to_zero, UINT64_MAX, UINT64_MAX},
    };
    for (const auto &row : rows) {
        SCOPED_TRACE(row.what);
        ns_dma_direct_config config = ns_dma_direct_preset(NS_DMA_PRESET_RISCV_6_18);
        config.ram_end = row.ram_end;
        fake::Machine machine;
        ns_pool_device nic{};
        nic.ranges = row.range;
        nic.range_count = row.range ? 1 : 0;
        for (ns_kernel kernel : {NS_KERNEL_5_10, NS_KERNEL_6_17, NS_KERNEL_7}) {
            config.kernel = kernel;
            ns_dma_direct *direct = nullptr;
            ASSERT_EQ(ns_dma_direct_create(machine.port.get(), machine.frames, &config, &direct), NS_POOL_OK);
            EXPECT_EQ(ns_dma_direct_get_required_mask(direct, &nic),
                      kernel == NS_KERNEL_7 ? row.last_byte : row.first_byte);
            EXPECT_EQ(ns_dma_direct_destroy(direct), NS_POOL_OK);
        }
    }
}

TEST(DmaMask, WhichMasksAreAccepted) {
    const ns_bus_range high[] = {{0, 0x1'0000'0000, 8 * kGiB}};
    struct {
        const char *what;
        uint64_t ram_end, zone_dma;
        const ns_bus_range *range;
        unsigned bits;
        bool accepted;
    } const rows[] = {
        {"32 bits, always", 64 * kGiB, 0, nullptr, 32, true},
        {"64 bits", 64 * kGiB, 0, nullptr, 64, true},
        {"31 bits, no ZONE_DMA, much RAM", 64 * kGiB, 0, nullptr, 31, false},
        {"24 bits, no ZONE_DMA", 64 * kGiB, 0, nullptr, 24, false},
        {"24 bits, ZONE_DMA", 64 * kGiB, 16 * kMiB, nullptr, 24, true},
        {"23 bits, ZONE_DMA", 64 * kGiB, 16 * kMiB, nullptr, 23, false},
        {"30 bits, ZONE_DMA of 30 bits", 64 * kGiB, kGiB, nullptr, 30, true},
        {"29 bits, ZONE_DMA of 30 bits", 64 * kGiB, kGiB, nullptr, 29, false},
        {"24 bits, 16 MiB of RAM", 16 * kMiB, 0, nullptr, 24, true},
        {"24 bits, 16 MiB and a page", 16 * kMiB + 4096, 0, nullptr, 24, false},
        {"31 bits, RAM high on the bus", kGiB, 0, high, 31, false},
        {"32 bits, RAM out of reach on the bus: still accepted", kGiB, 0, high, 32, true},
    };
    for (const auto &row : rows) {
        SCOPED_TRACE(row.what);
        fake::Machine machine({{0, 64 * kMiB}}, 4 * kGiB, row.zone_dma);
        ns_dma_direct_config config = ns_dma_direct_preset(NS_DMA_PRESET_RISCV_6_18);
        config.ram_end = row.ram_end;
        ns_dma_direct *direct = nullptr;
        ASSERT_EQ(ns_dma_direct_create(machine.port.get(), machine.frames, &config, &direct), NS_POOL_OK);
        ns_pool_device nic{};
        nic.dma_mask = nic.coherent_dma_mask = 0xffff'ffff;
        nic.ranges = row.range;
        nic.range_count = row.range ? 1 : 0;
        const uint64_t mask = ns_dma_bit_mask(row.bits);
        EXPECT_EQ(ns_dma_set_mask_and_coherent(direct, &nic, mask),
                  row.accepted ? NS_POOL_OK : NS_POOL_ERROR_NOT_ADDRESSABLE);
        EXPECT_EQ(nic.dma_mask, row.accepted ? mask : 0xffff'ffff);
        EXPECT_EQ(nic.coherent_dma_mask, row.accepted ? mask : 0xffff'ffff);
        const ns_dma_ops ops{};
        nic.dma_ops = &ops;
        EXPECT_EQ(ns_dma_set_mask(direct, &nic, 1), NS_POOL_OK) << "the operations would decide";
        EXPECT_EQ(ns_dma_direct_destroy(direct), NS_POOL_OK);
    }
}

/* of_dma_configure_id. */
TEST(DmaMask, WhatTheDeviceTreeMakesOfThem) {
    using Ranges = std::vector<ns_bus_range>;
    struct {
        const char *what;
        Ranges ranges;
        uint64_t mask; /* before; 0: not set by the bus */
        ns_pool_status status;
        uint64_t mask_after, bus_limit;
        bool warned;
    } const rows[] = {
        {"nothing known", {}, 0, NS_POOL_OK, 0xffff'ffff, 0, false},
        {"64 bits, no dma-ranges", {}, UINT64_MAX, NS_POOL_OK, UINT64_MAX, 0, false},
        {"1 GiB at bus 0", {{0x8000'0000, 0, kGiB}}, 0, NS_POOL_OK, 0x3fff'ffff, 0x3fff'ffff, false},
        {"not a power of two", {{0, 0, 3 * kGiB}}, 0, NS_POOL_OK, 0xffff'ffff, 0xbfff'ffff, false},
        {"offset", {{0, 0xc000'0000, kGiB}}, UINT64_MAX, NS_POOL_OK, 0xffff'ffff, 0xffff'ffff, false},
        {"the mask is not widened", {{0, 0, 8 * kGiB}}, 0, NS_POOL_OK, 0xffff'ffff, 0x1'ffff'ffff, false},
        {"two, with a hole: the span",
         {{0, 0, kGiB}, {8 * kGiB, 3 * kGiB, kGiB}},
         0,
         NS_POOL_OK,
         0xffff'ffff,
         0xffff'ffff,
         false},
        {"a mask for a size", {{0, 0, 0x3fff'ffff}}, 0, NS_POOL_OK, 0x3fff'ffff, 0x3fff'ffff, true},
        {"everything", {{0, 0, UINT64_MAX}}, UINT64_MAX, NS_POOL_OK, UINT64_MAX, UINT64_MAX, true},
        {"up to the end", {{1, 1, UINT64_MAX}}, UINT64_MAX, NS_POOL_OK, UINT64_MAX, UINT64_MAX, false},
        {"empty", {{0, 0, 0}}, 0, NS_POOL_ERROR_ARGUMENT, 0, 0, false},
        {"wraps", {{0, UINT64_MAX, 2}}, 0, NS_POOL_ERROR_ARGUMENT, 0, 0, false},
        {"wraps below", {{UINT64_MAX, 0, 2}}, 0, NS_POOL_ERROR_ARGUMENT, 0, 0, false},
    };
    for (const auto &row : rows) {
        SCOPED_TRACE(row.what);
        fake::Port port;
        ns_pool_device nic{};
        nic.dma_mask = nic.coherent_dma_mask = row.mask;
        EXPECT_EQ(ns_of_dma_configure(port.get(), &nic, row.ranges.data(), row.ranges.size(), true), row.status);
        EXPECT_EQ(nic.coherent_dma_mask, row.mask_after);
        EXPECT_EQ(nic.dma_mask, row.mask_after);
        EXPECT_EQ(nic.bus_dma_limit, row.bus_limit);
        EXPECT_EQ(nic.coherent, row.status == NS_POOL_OK);
        EXPECT_EQ(nic.range_count, row.status == NS_POOL_OK ? row.ranges.size() : 0u);
        EXPECT_EQ(port.heard("a mask?"), row.warned);
    }
    fake::Port port;
    EXPECT_EQ(ns_of_dma_configure(port.get(), nullptr, nullptr, 0, false), NS_POOL_ERROR_ARGUMENT);
}

/* ---- dma_pgprot ------------------------------------------------------------------------------ */

TEST(Pgprot, WhatEachArchitectureGives) {
    const ns_port_type C = NS_PORT_CACHEABLE, NC = NS_PORT_NC, IO = NS_PORT_IO;
    struct {
        ns_pgprot_arch arch;
        const char *name;
        ns_port_type noncached, writecombine, dmacoherent;
    } const rows[] = {
        {NS_PGPROT_RISCV_6_18, "riscv-6.18", IO, NC, NC},
        {NS_PGPROT_RISCV_5_19, "riscv-5.19", IO, NC, IO},
        {NS_PGPROT_RISCV_5_10, "riscv-5.10", C, C, C}, /* the trap: "uncached" memory that is cached */
        {NS_PGPROT_THEAD_5_10, "thead-5.10", IO, NC, NC},
        {NS_PGPROT_ARM64, "arm64", IO, NC, NC},
        {NS_PGPROT_ARM, "arm", IO, NC, NC},
        {NS_PGPROT_ARM_STRONG, "arm-strong", IO, NC, IO},
        {NS_PGPROT_MIPS, "mips", IO, NC, IO},
        {NS_PGPROT_X86, "x86", IO, NC, IO},
    };
    EXPECT_EQ(std::size(rows), static_cast<size_t>(NS_PGPROT_ARCH_COUNT));
    for (const auto &row : rows) {
        SCOPED_TRACE(row.name);
        const ns_pgprot *is = ns_pgprot_of(row.arch);
        EXPECT_STREQ(is->name, row.name);
        EXPECT_EQ(is->noncached, row.noncached);
        EXPECT_EQ(ns_dma_pgprot(row.arch, true, true, NS_DMA_WRITE_COMBINE), C) << "coherent: unchanged";
        EXPECT_EQ(ns_dma_pgprot(row.arch, true, false, NS_DMA_WRITE_COMBINE), row.writecombine);
        EXPECT_EQ(ns_dma_pgprot(row.arch, false, false, NS_DMA_WRITE_COMBINE), row.dmacoherent);
        EXPECT_EQ(ns_dma_pgprot(row.arch, true, false, 0), row.dmacoherent);
    }
    EXPECT_EQ(ns_pgprot_of(NS_PGPROT_ARCH_COUNT), nullptr);
    EXPECT_EQ(ns_dma_pgprot(static_cast<ns_pgprot_arch>(15), false, false, 0), NC);
}

TEST(Presets, AreNamedAndCreatable) {
    std::set<std::string> names;
    for (int i = 0; i < NS_DMA_PRESET_COUNT; i++) {
        const auto preset = static_cast<ns_dma_preset>(i);
        ASSERT_NE(ns_dma_preset_name(preset), nullptr);
        names.insert(ns_dma_preset_name(preset));
        const ns_zone_limits zones = ns_dma_preset_zones(preset);
        fake::Kernel machine(ns_dma_direct_preset(preset), {{0, 64 * kMiB}}, zones.dma32, zones.dma);
        EXPECT_EQ(machine.direct->zone_dma, zones.dma != 0);
        EXPECT_TRUE(machine.direct->zone_dma32);
    }
    EXPECT_EQ(names.size(), static_cast<size_t>(NS_DMA_PRESET_COUNT));
    EXPECT_EQ(ns_dma_preset_name(NS_DMA_PRESET_COUNT), nullptr);
    EXPECT_EQ(ns_dma_direct_preset(NS_DMA_PRESET_COUNT).pgprot, NS_PGPROT_RISCV_6_18);
}

TEST(Presets, ABadConfigurationIsRefused) {
    fake::Machine machine;
    const ns_dma_direct_config good = fake::config(NS_DMA_PRESET_RISCV_6_18, {{0, kMiB}});
    ns_dma_direct_config bad[5] = {good, good, good, good, good};
    bad[0].ram_end = 0;
    bad[1].kernel = static_cast<ns_kernel>(3);
    bad[2].prepare = static_cast<ns_prepare_coherent>(3);
    bad[3].pgprot = NS_PGPROT_ARCH_COUNT;
    bad[4].address_test = static_cast<ns_address_test>(5);
    ns_dma_direct *direct = nullptr;
    for (const ns_dma_direct_config &config : bad)
        EXPECT_EQ(ns_dma_direct_create(machine.port.get(), machine.frames, &config, &direct), NS_POOL_ERROR_ARGUMENT);
    machine.port.fail_metadata_at = 0;
    EXPECT_EQ(ns_dma_direct_create(machine.port.get(), machine.frames, &good, &direct), NS_POOL_ERROR_METADATA);
}

} // namespace
