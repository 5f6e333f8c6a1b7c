/* SPDX-License-Identifier: Apache-2.0 */
/* What the streaming API refuses, what it remembers, and what the boot leaves out. */
#include "mapping_fixture.h"

namespace {

using fake::barrier;
using fake::dma_config;
using fake::Event;
using fake::kBuffer;
using fake::kRam;
using fake::linear;
using fake::maintain;
using fake::Misuse;
using Fixture = fake::Streaming;

/* ---- dma_capable ----------------------------------------------------------------------------- */

/* Linux 5.10 dma_capable: the last byte may not lie above the smaller of mask and bus limit. */
TEST(MappingLimits, TheLastByteDecides) {
    const ns_bus_range top = {kRam, UINT64_MAX - 0xfff, 0x1000}; /* the last page of all bus addresses */
    struct {
        const char *what;
        uint64_t mask, limit;
        bool at_top;
        uint64_t offset, length; /* from kRam */
        bool ok;
    } const rows[] = {
        {"ends on the mask", kRam + 0x3f, 0, false, 0, 64, true},
        {"one over the mask", kRam + 0x3f, 0, false, 0, 65, false},
        {"starts on the mask", kRam + 0x3f, 0, false, 0x3f, 1, true},
        {"starts above the mask", kRam + 0x3f, 0, false, 0x40, 1, false},
        {"ends on the bus limit", UINT64_MAX, kRam + 0x3f, false, 0, 64, true},
        {"one over the bus limit", UINT64_MAX, kRam + 0x3f, false, 0, 65, false},
        {"the mask is the smaller one", kRam + 0x3e, kRam + 0x3f, false, 0, 64, false},
        {"ends on the last address of all", UINT64_MAX, 0, true, 0xfc0, 64, true},
        {"wraps around it", UINT64_MAX, 0, true, 0xfc0, 65, false},
        {"is DMA_MAPPING_ERROR", UINT64_MAX, 0, true, 0xfff, 1, false},
    };
    for (const auto &row : rows) {
        SCOPED_TRACE(row.what);
        Fixture f;
        f.nic.dma_mask = row.mask;
        f.nic.bus_dma_limit = row.limit;
        f.nic.ranges = &top;
        f.nic.range_count = row.at_top ? 1 : 0;
        uint64_t bus = 0;
        EXPECT_EQ(ns_dma_map(f.dma, &f.nic, linear(kRam + row.offset), row.length, NS_DMA_TO_DEVICE, 0, &bus),
                  row.ok ? NS_POOL_OK : NS_POOL_ERROR_NOT_ADDRESSABLE);
        EXPECT_EQ(bus, row.ok ? (row.at_top ? top.bus : kRam) + row.offset : NS_DMA_MAPPING_ERROR);
        EXPECT_EQ(f.said(NS_SAY_WARN), row.ok ? 0u : 1u);
        EXPECT_EQ(f.events().empty(), !row.ok);
    }
}

/* With a 32-bit dma_addr_t, bus address and end are cut to 32 bits; RAM is refused only when one of them lies below
 * the bus address of the first RAM. `exact` is the repair. */
TEST(MappingLimits, DmaAddressesOf32BitsWrap) {
    constexpr uint64_t kAbove = 0x8000'0000; /* first RAM, or 0 */
    struct {
        const char *what;
        uint64_t first_ram, physical, length, mask;
        bool resource, historic, exact;
        uint64_t bus;
    } const rows[] = {
        {"low RAM", kAbove, 0x8000'1000, 64, UINT32_MAX, false, true, true, 0x8000'1000},
        {"ends on the last address", kAbove, 0xffff'ffc0, 64, UINT32_MAX, false, true, true, 0xffff'ffc0},
        {"its end wraps", kAbove, 0xffff'ffc1, 64, UINT32_MAX, false, false, false, 0},
        {"its end wraps to RAM", 0, 0xffff'ffc1, 64, UINT32_MAX, false, true, false, 0xffff'ffc1},
        {"is the DMA_MAPPING_ERROR of 32 bits", kAbove, 0xffff'ffff, 1, UINT32_MAX, false, false, false, 0},
        {"wraps to below RAM", kAbove, 0x1'0000'0000, 64, UINT32_MAX, false, false, false, 0},
        {"wraps to the last byte below RAM", kAbove, 0x1'7fff'ffff, 1, UINT32_MAX, false, false, false, 0},
        {"wraps to the first RAM", kAbove, 0x1'8000'0000, 64, UINT32_MAX, false, true, false, 0x8000'0000},
        {"wraps, RAM from 0 on", 0, 0x1'0000'1000, 64, UINT32_MAX, false, true, false, 0x1000},
        {"a mask of 64 bits changes nothing", kAbove, 0x1'0000'0000, 64, UINT64_MAX, false, false, false, 0},
        {"ends on the mask", kAbove, 0x8000'0000, 64, 0x8000'003f, false, true, true, 0x8000'0000},
        {"one over the mask", kAbove, 0x8000'0000, 65, 0x8000'003f, false, false, false, 0},
        {"more than all addresses", 0, 0x1000, 0x1'0000'0001, UINT32_MAX, false, false, false, 0},
        {"a resource below RAM", kAbove, 0x1000, 64, UINT32_MAX, true, true, true, 0x1000},
        {"a resource that wraps", kAbove, 0x4'0000'1000, 64, UINT32_MAX, true, true, false, 0x1000},
    };
    for (const auto &row : rows) {
        for (bool exact : {false, true}) {
            SCOPED_TRACE(testing::Message() << row.what << (exact ? ", exact" : ", historic"));
            const ns_frame_region ram = {row.first_ram, 0x3'0000'0000};
            ns_dma_config config = dma_config();
            config.dma_addr_bits = 32;
            config.dma_addr_exact = exact;
            config.ram = &ram;
            config.ram_count = 1;
            Fixture f(config);
            f.nic.dma_mask = row.mask;
            const bool ok = exact ? row.exact : row.historic;
            uint64_t bus = 0;
            const ns_pool_status status =
                row.resource ? ns_dma_map_resource(f.dma, &f.nic, row.physical, row.length, NS_DMA_TO_DEVICE, 0, &bus)
                             : ns_dma_map_page(f.dma, &f.nic, row.physical & ~UINT64_C(0xfff), row.physical & 0xfff,
                                               row.length, NS_DMA_TO_DEVICE, NS_DMA_SKIP_CPU_SYNC, &bus);
            EXPECT_EQ(status, ok ? NS_POOL_OK : NS_POOL_ERROR_NOT_ADDRESSABLE);
            EXPECT_EQ(bus, ok ? row.bus : NS_DMA_MAPPING_ERROR);
        }
    }
}

TEST(MappingLimits, NothingIsMappedWithoutAMaskAndNothingDoneWithoutADirection) {
    Fixture f;
    ns_pool_device maskless = f.nic;
    maskless.dma_mask = 0;
    ns_scatterlist list{};
    list.virtual_address = linear(kBuffer);
    list.length = 64;
    list.bus = kBuffer;
    list.dma_length = 64;
    uint64_t bus = 0;
    size_t mapped = 0;
    const auto all = [&](const ns_pool_device *by, ns_dma_direction direction) {
        return std::vector<ns_pool_status>{ns_dma_map(f.dma, by, linear(kBuffer), 64, direction, 0, &bus),
                                           ns_dma_map_page(f.dma, by, kBuffer, 0, 64, direction, 0, &bus),
                                           ns_dma_map_sg(f.dma, by, &list, 1, direction, 0, &mapped),
                                           ns_dma_map_resource(f.dma, by, 0x1000, 64, direction, 0, &bus),
                                           ns_dma_unmap(f.dma, by, kBuffer, 64, direction, 0),
                                           ns_dma_unmap_sg(f.dma, by, &list, 1, direction, 0),
                                           ns_dma_unmap_resource(f.dma, by, kBuffer, 64, direction, 0),
                                           ns_dma_sync_for_cpu(f.dma, by, kBuffer, 64, direction),
                                           ns_dma_sync_for_device(f.dma, by, kBuffer, 64, direction),
                                           ns_dma_sync_range_for_cpu(f.dma, by, kBuffer, 0, 64, direction),
                                           ns_dma_sync_range_for_device(f.dma, by, kBuffer, 0, 64, direction),
                                           ns_dma_sync_sg_for_cpu(f.dma, by, &list, 1, direction),
                                           ns_dma_sync_sg_for_device(f.dma, by, &list, 1, direction)};
    };
    const auto masks = all(&maskless, NS_DMA_TO_DEVICE);
    EXPECT_EQ(f.said(NS_SAY_WARN), 4u) << "each map";
    for (size_t i = 0; i < masks.size(); i++)
        EXPECT_EQ(masks[i], i < 4 ? NS_POOL_ERROR_NOT_ADDRESSABLE : NS_POOL_ERROR_MISUSE) << i;
    f.events();
    f.misuses();
    for (int direction : {3, 4, -1, 1 << 30}) {
        f.port.said.clear();
        const auto directions = all(&f.nic, static_cast<ns_dma_direction>(direction));
        EXPECT_EQ(directions, std::vector<ns_pool_status>(13, NS_POOL_ERROR_ARGUMENT));
        EXPECT_EQ(f.said(NS_SAY_BUG), 13u);
    }
    EXPECT_EQ(bus, NS_DMA_MAPPING_ERROR);
    EXPECT_EQ(ns_dma_live_count(f.dma), 0u);
    EXPECT_TRUE(f.events().empty());
    EXPECT_TRUE(f.misuses().empty());
}

/* ---- wild arguments -------------------------------------------------------------------------- */

TEST(MappingLimits, WildUnmapsAndSyncsTouchNothingOutsideOfRam) {
    Fixture f;
    const uint64_t live = f.map(kBuffer, 256, NS_DMA_FROM_DEVICE);
    f.events();
    const uint64_t handles[] = {0, 1, NS_DMA_MAPPING_ERROR, NS_DMA_MAPPING_ERROR - 1, kRam - 64, kRam + fake::kMiB};
    for (uint64_t bus : handles) {
        for (uint64_t length : {UINT64_C(1), UINT64_C(64), UINT64_MAX / 2, UINT64_MAX}) {
            SCOPED_TRACE(testing::Message() << std::hex << bus << " " << length);
            EXPECT_EQ(ns_dma_unmap(f.dma, &f.nic, bus, length, NS_DMA_FROM_DEVICE, 0), NS_POOL_ERROR_MISUSE);
            EXPECT_EQ(ns_dma_unmap_resource(f.dma, &f.nic, bus, length, NS_DMA_FROM_DEVICE, 0), NS_POOL_ERROR_MISUSE);
            EXPECT_EQ(ns_dma_sync_for_cpu(f.dma, &f.nic, bus, length, NS_DMA_FROM_DEVICE), NS_POOL_ERROR_MISUSE);
            EXPECT_EQ(ns_dma_sync_for_device(f.dma, &f.nic, bus, length, NS_DMA_FROM_DEVICE), NS_POOL_ERROR_MISUSE);
            EXPECT_EQ(f.misuses(), std::vector<Misuse>(4, Misuse{NS_MISUSE_UNMAP_UNKNOWN, bus, length}));
        }
    }
    /* The right handle with a length that no memory has: wraps to the byte before, if anybody adds without a look. */
    for (uint64_t length : {UINT64_MAX, UINT64_MAX - 63}) {
        EXPECT_EQ(ns_dma_sync_for_cpu(f.dma, &f.nic, live, length, NS_DMA_FROM_DEVICE), NS_POOL_ERROR_MISUSE);
        EXPECT_EQ(f.misuses(), (std::vector<Misuse>{{NS_MISUSE_SYNC_RANGE, live, length}}));
    }
    EXPECT_TRUE(f.events().empty());
    EXPECT_EQ(ns_dma_unmap(f.dma, &f.nic, live, UINT64_MAX, NS_DMA_FROM_DEVICE, 0), NS_POOL_ERROR_MISUSE);
    EXPECT_EQ(f.misuses(), (std::vector<Misuse>{{NS_MISUSE_UNMAP_SIZE, live, UINT64_MAX}}));
    EXPECT_TRUE(f.events().empty());
    EXPECT_EQ(ns_dma_live_count(f.dma), 0u);
    EXPECT_EQ(ns_dma_live_mapping(f.dma, 0).device, nullptr);
    EXPECT_EQ(ns_dma_find_bus(f.dma, live).device, nullptr);
    EXPECT_EQ(ns_dma_find(f.dma, linear(kBuffer), UINT64_MAX).device, nullptr);
}

TEST(MappingLimits, SyncRangesStayInTheMappingThatTheHandleNames) {
    struct {
        const char *what;
        uint64_t offset, length;
        std::vector<ns_port_misuse> told;
    } const rows[] = {
        {"all", 0, 256, {}},
        {"a part", 64, 128, {}},
        {"to the end", 192, 64, {}},
        {"over the end", 192, 65, {NS_MISUSE_SYNC_RANGE}},
        {"behind the end, in the next mapping", 256, 64, {NS_MISUSE_SYNC_RANGE}},
        {"huge", 64, UINT64_MAX, {NS_MISUSE_SYNC_RANGE}},
    };
    for (const auto &row : rows) {
        SCOPED_TRACE(row.what);
        for (bool for_cpu : {true, false}) {
            Fixture f;
            const uint64_t bus = f.map(kBuffer, 256, NS_DMA_FROM_DEVICE);
            f.map(kBuffer + 256, 256, NS_DMA_FROM_DEVICE);
            f.events();
            const auto call = for_cpu ? ns_dma_sync_range_for_cpu : ns_dma_sync_range_for_device;
            EXPECT_EQ(call(f.dma, &f.nic, bus, row.offset, row.length, NS_DMA_FROM_DEVICE),
                      row.told.empty() ? NS_POOL_OK : NS_POOL_ERROR_MISUSE);
            std::vector<Misuse> told;
            for (ns_port_misuse what : row.told)
                told.push_back({what, bus + row.offset, row.length});
            EXPECT_EQ(f.misuses(), told);
            EXPECT_EQ(f.events(),
                      row.length == UINT64_MAX
                          ? std::vector<Event>{}
                          : (std::vector<Event>{maintain(NS_PORT_INVALIDATE, linear(kBuffer + row.offset), row.length),
                                                barrier()}));
            EXPECT_EQ(call(f.dma, &f.nic, bus, UINT64_MAX, 1, NS_DMA_FROM_DEVICE), NS_POOL_ERROR_ARGUMENT);
        }
    }
}

/* ---- dma_mapping_error ----------------------------------------------------------------------- */

TEST(MappingLimits, MappingErrorKnowsTheErrorAndMarksTheMappingAsChecked) {
    Fixture f;
    EXPECT_TRUE(ns_dma_mapping_error(f.dma, &f.nic, NS_DMA_MAPPING_ERROR));
    EXPECT_FALSE(ns_dma_mapping_error(f.dma, &f.nic, 0x1234)) << "never mapped, but not the error value";
    const uint64_t bus = f.map(kBuffer, 64, NS_DMA_TO_DEVICE);
    f.map(kBuffer, 64, NS_DMA_TO_DEVICE);
    f.map(kBuffer, 64, NS_DMA_TO_DEVICE, &f.other);
    const auto checked = [&] {
        std::vector<bool> all;
        for (size_t i = 0; i < ns_dma_live_count(f.dma); i++)
            all.push_back(ns_dma_live_mapping(f.dma, i).error_checked);
        return all;
    };
    EXPECT_EQ(checked(), (std::vector<bool>{false, false, false}));
    EXPECT_FALSE(ns_dma_mapping_error(f.dma, &f.nic, bus + 1));
    EXPECT_EQ(checked(), (std::vector<bool>{false, false, false})) << "only from its beginning";
    EXPECT_FALSE(ns_dma_mapping_error(f.dma, &f.nic, bus));
    EXPECT_EQ(checked(), (std::vector<bool>{true, false, false})) << "one at a time, the oldest first";
    EXPECT_FALSE(ns_dma_mapping_error(f.dma, &f.nic, bus));
    EXPECT_FALSE(ns_dma_mapping_error(f.dma, &f.nic, bus));
    EXPECT_EQ(checked(), (std::vector<bool>{true, true, false})) << "the third is another device's";
}

/* ---- prep_coherent and the boot -------------------------------------------------------------- */

TEST(MappingBoot, EveryPlatformPreparesCoherentMemory) {
    struct {
        ns_dma_platform platform;
        bool zeroes;
        const char *stages; /* p point of coherency, 1 L1, o outer */
    } const rows[] = {
        {NS_PLATFORM_TEXTBOOK, false, "p"},        {NS_PLATFORM_RISCV_6_0, false, "p"},
        {NS_PLATFORM_RISCV_6_6, false, "p"},       {NS_PLATFORM_ARM64_5_10, false, "p"},
        {NS_PLATFORM_ARM64_5_19, false, "p"},      {NS_PLATFORM_THEAD_5_10, true, "p"},
        {NS_PLATFORM_THEAD_6_0, false, "p"},       {NS_PLATFORM_ARM_V7_5_10, true, "1o"},
        {NS_PLATFORM_ARM_V7_REVERSED, true, "o1"},
    };
    EXPECT_EQ(std::size(rows), static_cast<size_t>(NS_PLATFORM_COUNT));
    for (const auto &row : rows) {
        SCOPED_TRACE(ns_dma_get_platform_operations(row.platform)->name);
        Fixture f(row.platform);
        f.port.memory(kBuffer + 5) = 0x77;
        EXPECT_EQ(ns_dma_prepare_coherent(f.dma, linear(kBuffer), 0x1000), NS_POOL_OK);
        std::vector<Event> done;
        if (row.zeroes)
            done.push_back(fake::fill(linear(kBuffer), 0x1000));
        for (const char *stage = row.stages; *stage; stage++) {
            done.push_back(maintain(NS_PORT_FLUSH, linear(kBuffer), 0x1000,
                                    *stage == '1'   ? NS_PORT_SCOPE_L1
                                    : *stage == 'o' ? NS_PORT_SCOPE_OUTER
                                                    : NS_PORT_SCOPE_POC));
            done.push_back(barrier());
        }
        EXPECT_EQ(f.events(), done);
        EXPECT_EQ(f.port.memory(kBuffer + 5), row.zeroes ? 0 : 0x77);
        EXPECT_EQ(ns_dma_prepare_coherent(f.dma, linear(kBuffer), 0), NS_POOL_ERROR_ARGUMENT);
        EXPECT_EQ(ns_dma_prepare_coherent(f.dma, 0x1000, 64), NS_POOL_ERROR_ARGUMENT);
        EXPECT_EQ(ns_dma_prepare_coherent(f.dma, linear(kBuffer), UINT64_MAX), NS_POOL_ERROR_ARGUMENT);
        EXPECT_TRUE(f.events().empty());
    }
}

/* T-Head 5.10: atomic pools are filled at postcore_initcall, the operations work from arch_initcall on. */
TEST(MappingBoot, BeforeArchInitcallZerosStayDirtyInTheCache) {
    for (bool repaired : {false, true}) {
        ns_dma_config config = dma_config(NS_PLATFORM_THEAD_5_10);
        config.waits_for_arch_ready = !repaired;
        Fixture f(config);
        EXPECT_EQ(ns_dma_prepare_coherent(f.dma, linear(kBuffer), 0x1000), NS_POOL_OK);
        EXPECT_EQ(f.port.dirty(kBuffer, 0x1000), !repaired) << "an eviction writes them over what a device wrote";
        const uint64_t early = f.map(kBuffer + 0x2000, 64, NS_DMA_BIDIRECTIONAL);
        EXPECT_EQ(ns_dma_sync_for_cpu(f.dma, &f.nic, early, 64, NS_DMA_BIDIRECTIONAL), NS_POOL_OK);
        size_t operations = 0;
        for (const Event &event : f.events())
            operations += event.kind == Event::kMaintain || event.kind == Event::kBarrier;
        EXPECT_EQ(operations, repaired ? 6u : 0u);
        EXPECT_EQ(f.port.heard("arch_initcall"), !repaired);
        ns_dma_arch_ready(f.dma);
        EXPECT_EQ(ns_dma_prepare_coherent(f.dma, linear(kBuffer), 0x1000), NS_POOL_OK);
        EXPECT_FALSE(f.port.dirty(kBuffer, 0x1000));
    }
}

/* ---- many mappings --------------------------------------------------------------------------- */

/* Neighbouring lines, mapped in a scattered order and unmapped in another: every one is found, by bus address, by a
 * byte inside, and by age; and none conflicts with its neighbour. */
TEST(MappingLimits, FindsEachOfManyMappings) {
    constexpr uint64_t kCount = 4096; /* 64 bytes each: a quarter of the RAM */
    Fixture f(NS_PLATFORM_TEXTBOOK, kCount);
    const auto nth = [](uint64_t i) { return kRam + i * 1021 % kCount * 64; }; /* 1021 is odd: every line once */
    for (uint64_t i = 0; i < kCount; i++)
        f.map(nth(i), 64, NS_DMA_FROM_DEVICE);
    EXPECT_TRUE(f.misuses().empty());
    uint64_t bus = 0;
    EXPECT_EQ(ns_dma_map(f.dma, &f.nic, linear(kRam + 0x8'0000), 64, NS_DMA_TO_DEVICE, 0, &bus),
              NS_POOL_ERROR_METADATA);
    for (uint64_t i = 0; i < kCount; i++) {
        ASSERT_EQ(ns_dma_live_mapping(f.dma, i).bus, nth(i));
        ASSERT_EQ(ns_dma_find(f.dma, linear(nth(i) + 63), 1).bus, nth(i));
        ASSERT_EQ(ns_dma_sync_for_cpu(f.dma, &f.nic, nth(i) + 32, 32, NS_DMA_FROM_DEVICE), NS_POOL_OK);
    }
    for (uint64_t i = 0; i < kCount; i++)
        ASSERT_EQ(ns_dma_unmap(f.dma, &f.nic, kRam + i * 5 % kCount * 64, 64, NS_DMA_FROM_DEVICE, 0), NS_POOL_OK);
    EXPECT_EQ(ns_dma_live_count(f.dma), 0u);
    EXPECT_TRUE(f.misuses().empty());
}

} // namespace
