/* SPDX-License-Identifier: Apache-2.0 */
/* Scatterlists, pages without a virtual address, and device registers. */
#include "mapping_fixture.h"

namespace {

using fake::barrier;
using fake::dma_config;
using fake::Event;
using fake::kBuffer;
using fake::kMiB;
using fake::kRam;
using fake::linear;
using fake::maintain;
using fake::Misuse;
using Fixture = fake::Streaming;

constexpr uint64_t kHighMemory = 0x9000'0000; /* RAM without a linear mapping */
constexpr uint64_t kRegister = 0x1000'0040;   /* no RAM */
const ns_frame_region kAllRam[] = {{kRam, kMiB}, {kHighMemory, kMiB}};

ns_dma_config with_high_memory(ns_dma_platform platform = NS_PLATFORM_TEXTBOOK) {
    ns_dma_config config = dma_config(platform);
    config.ram = kAllRam;
    config.ram_count = 2;
    return config;
}

ns_scatterlist by_address(uint64_t physical, uint64_t length) {
    ns_scatterlist entry{};
    entry.virtual_address = linear(physical);
    entry.length = length;
    return entry;
}

ns_scatterlist by_page(uint64_t page, uint64_t offset, uint64_t length) {
    ns_scatterlist entry{};
    entry.by_page = true;
    entry.page = page;
    entry.offset = offset;
    entry.length = length;
    return entry;
}

/* ---- lists ----------------------------------------------------------------------------------- */

struct List {
    std::vector<ns_scatterlist> entries = {by_address(kBuffer, 100), by_page(kBuffer + 0x1000, 0x40, 64),
                                           by_address(kBuffer + 0x3000, 0x2000)};
    ns_pool_status map(Fixture &f, ns_dma_direction direction, unsigned attributes = 0) {
        return ns_dma_map_sg(f.dma, &f.nic, entries.data(), entries.size(), direction, attributes, &mapped);
    }
    ns_pool_status unmap(Fixture &f, ns_dma_direction direction, size_t count, unsigned attributes = 0) {
        return ns_dma_unmap_sg(f.dma, &f.nic, entries.data(), count, direction, attributes);
    }
    size_t mapped = 99;
};

/* Each entry in turn, with its own operation and barrier. */
std::vector<Event> on_each(ns_port_cache_op op) {
    return {maintain(op, linear(kBuffer), 100),
            barrier(),
            maintain(op, linear(kBuffer + 0x1040), 64),
            barrier(),
            maintain(op, linear(kBuffer + 0x3000), 0x2000),
            barrier()};
}

TEST(MappingSg, WorksOnEachEntryInTurn) {
    Fixture f;
    List list;
    EXPECT_EQ(list.map(f, NS_DMA_BIDIRECTIONAL), NS_POOL_OK);
    EXPECT_EQ(list.mapped, 3u);
    EXPECT_EQ(f.events(), on_each(NS_PORT_FLUSH));
    const uint64_t bus[] = {kBuffer, kBuffer + 0x1040, kBuffer + 0x3000}, length[] = {100, 64, 0x2000};
    for (size_t i = 0; i < 3; i++) {
        EXPECT_EQ(list.entries[i].bus, bus[i]);
        EXPECT_EQ(list.entries[i].dma_length, length[i]);
        const ns_dma_mapping mapping = ns_dma_live_mapping(f.dma, i);
        EXPECT_EQ(mapping.kind, NS_DMA_MAPPING_SG);
        EXPECT_EQ(mapping.sg_count, 3u);
        EXPECT_EQ(mapping.sg_index, i);
        EXPECT_TRUE(mapping.error_checked) << "dma_map_sg's result is its count";
    }
    EXPECT_EQ(ns_dma_live_mapping(f.dma, 1).virtual_address, NS_DMA_NO_VIRTUAL);
    EXPECT_EQ(ns_dma_sync_sg_for_cpu(f.dma, &f.nic, list.entries.data(), 3, NS_DMA_BIDIRECTIONAL), NS_POOL_OK);
    EXPECT_EQ(f.events(), on_each(NS_PORT_INVALIDATE));
    EXPECT_EQ(ns_dma_sync_sg_for_device(f.dma, &f.nic, list.entries.data(), 3, NS_DMA_BIDIRECTIONAL), NS_POOL_OK);
    EXPECT_EQ(f.events(), on_each(NS_PORT_FLUSH));
    EXPECT_EQ(list.unmap(f, NS_DMA_BIDIRECTIONAL, 3), NS_POOL_OK);
    EXPECT_EQ(f.events(), on_each(NS_PORT_INVALIDATE));
    EXPECT_EQ(ns_dma_live_count(f.dma), 0u);
    EXPECT_TRUE(f.misuses().empty());
}

TEST(MappingSg, SkipCpuSyncLeavesTheCacheAlone) {
    Fixture f;
    List list;
    EXPECT_EQ(list.map(f, NS_DMA_BIDIRECTIONAL, NS_DMA_SKIP_CPU_SYNC), NS_POOL_OK);
    EXPECT_EQ(list.unmap(f, NS_DMA_BIDIRECTIONAL, 3, NS_DMA_SKIP_CPU_SYNC), NS_POOL_OK);
    EXPECT_TRUE(f.events().empty());
    EXPECT_TRUE(f.misuses().empty());
}

/* dma_direct_map_sg: the entries before the one that fails are unmapped with DMA_ATTR_SKIP_CPU_SYNC. */
TEST(MappingSg, AFailureAtAnyEntryUndoesTheEarlierOnes) {
    constexpr size_t kCount = 6;
    struct {
        const char *what;
        ns_scatterlist bad;
        ns_pool_status status;
    } const rows[] = {
        {"no length", by_address(kBuffer, 0), NS_POOL_ERROR_ARGUMENT},
        {"unmapped memory", by_address(0x1000, 64), NS_POOL_ERROR_ARGUMENT},
        {"huge length", by_address(kBuffer, UINT64_MAX), NS_POOL_ERROR_ARGUMENT},
        {"no RAM", by_page(0x1000, 0, 64), NS_POOL_ERROR_ARGUMENT},
        {"out of reach", by_address(kRam + 0xf'0000, 64), NS_POOL_ERROR_NOT_ADDRESSABLE},
        {"table full", by_address(kBuffer, 64), NS_POOL_ERROR_METADATA},
    };
    for (const auto &row : rows) {
        for (size_t bad = 0; bad < kCount; bad++) {
            SCOPED_TRACE(testing::Message() << row.what << " at " << bad);
            const bool full = row.status == NS_POOL_ERROR_METADATA;
            Fixture f(NS_PLATFORM_TEXTBOOK, full ? bad + 1 : 16);
            f.nic.dma_mask = kRam + 0xe'ffff;
            if (full)
                f.map(kRam + 0x8'0000, 64, NS_DMA_TO_DEVICE);
            f.events();
            std::vector<ns_scatterlist> list;
            std::vector<Event> done;
            for (size_t i = 0; i < kCount; i++) {
                list.push_back(i == bad ? row.bad : by_address(kBuffer + i * 0x1000, 64));
                if (i < bad) {
                    done.push_back(maintain(NS_PORT_INVALIDATE, linear(kBuffer + i * 0x1000), 64));
                    done.push_back(barrier());
                }
            }
            size_t mapped = 99;
            EXPECT_EQ(ns_dma_map_sg(f.dma, &f.nic, list.data(), kCount, NS_DMA_FROM_DEVICE, 0, &mapped), row.status);
            EXPECT_EQ(mapped, 0u);
            EXPECT_EQ(f.events(), done) << "nothing is done at the unmap";
            EXPECT_EQ(ns_dma_live_count(f.dma), full ? 1u : 0u);
            EXPECT_TRUE(f.misuses().empty());
            for (const ns_scatterlist &entry : list) {
                EXPECT_EQ(entry.bus, NS_DMA_MAPPING_ERROR);
                EXPECT_EQ(entry.dma_length, 0u);
            }
            /* A caller that unmaps what failed is told for each entry, and does no harm. */
            EXPECT_EQ(ns_dma_unmap_sg(f.dma, &f.nic, list.data(), kCount, NS_DMA_FROM_DEVICE, 0), NS_POOL_ERROR_MISUSE);
            EXPECT_EQ(f.misuses(),
                      std::vector<Misuse>(kCount, Misuse{NS_MISUSE_UNMAP_UNKNOWN, NS_DMA_MAPPING_ERROR, 0}));
            EXPECT_TRUE(f.events().empty());
        }
    }
}

TEST(MappingSg, AnotherCountThanTheMapsIsTold) {
    Fixture f;
    List list;
    EXPECT_EQ(list.map(f, NS_DMA_TO_DEVICE), NS_POOL_OK);
    EXPECT_EQ(ns_dma_sync_sg_for_cpu(f.dma, &f.nic, list.entries.data(), 1, NS_DMA_TO_DEVICE), NS_POOL_ERROR_MISUSE);
    EXPECT_EQ(f.misuses(), (std::vector<Misuse>{{NS_MISUSE_SYNC_RANGE, kBuffer, 100}}));
    EXPECT_EQ(list.unmap(f, NS_DMA_TO_DEVICE, 2), NS_POOL_ERROR_MISUSE);
    EXPECT_EQ(f.misuses(), (std::vector<Misuse>{{NS_MISUSE_UNMAP_SIZE, kBuffer, 100}}));
    EXPECT_EQ(ns_dma_live_count(f.dma), 1u) << "the third entry leaks";
    EXPECT_EQ(ns_dma_unmap_sg(f.dma, &f.nic, &list.entries[2], 1, NS_DMA_TO_DEVICE, 0), NS_POOL_ERROR_MISUSE);
    f.misuses();

    List longer;
    EXPECT_EQ(longer.map(f, NS_DMA_TO_DEVICE), NS_POOL_OK);
    longer.entries.push_back(by_address(kBuffer, 64)); /* never mapped */
    EXPECT_EQ(longer.unmap(f, NS_DMA_TO_DEVICE, 4), NS_POOL_ERROR_MISUSE);
    EXPECT_EQ(f.misuses(),
              (std::vector<Misuse>{{NS_MISUSE_UNMAP_SIZE, kBuffer, 100}, {NS_MISUSE_UNMAP_UNKNOWN, 0, 0}}));
    EXPECT_EQ(ns_dma_live_count(f.dma), 0u);
    EXPECT_EQ(longer.unmap(f, NS_DMA_TO_DEVICE, 3), NS_POOL_ERROR_MISUSE) << "a second time";
    EXPECT_EQ(f.misuses().size(), 3u);
}

TEST(MappingSg, RefusesArguments) {
    Fixture f;
    List list;
    const auto none = static_cast<ns_dma_direction>(3);
    size_t mapped = 99;
    EXPECT_EQ(ns_dma_map_sg(f.dma, &f.nic, list.entries.data(), 0, NS_DMA_TO_DEVICE, 0, &mapped),
              NS_POOL_ERROR_ARGUMENT);
    EXPECT_EQ(mapped, 0u);
    EXPECT_EQ(ns_dma_map_sg(f.dma, &f.nic, nullptr, 3, NS_DMA_TO_DEVICE, 0, &mapped), NS_POOL_ERROR_ARGUMENT);
    EXPECT_EQ(ns_dma_map_sg(f.dma, nullptr, list.entries.data(), 3, NS_DMA_TO_DEVICE, 0, &mapped),
              NS_POOL_ERROR_ARGUMENT);
    EXPECT_EQ(f.said(NS_SAY_BUG), 0u);
    EXPECT_EQ(list.map(f, none), NS_POOL_ERROR_ARGUMENT);
    EXPECT_EQ(f.said(NS_SAY_BUG), 1u);
    EXPECT_EQ(list.unmap(f, none, 3), NS_POOL_ERROR_ARGUMENT);
    EXPECT_EQ(list.unmap(f, NS_DMA_TO_DEVICE, 0), NS_POOL_ERROR_ARGUMENT);
    EXPECT_EQ(ns_dma_sync_sg_for_cpu(f.dma, &f.nic, nullptr, 3, NS_DMA_TO_DEVICE), NS_POOL_ERROR_ARGUMENT);
    EXPECT_EQ(ns_dma_sync_sg_for_device(f.dma, &f.nic, list.entries.data(), 3, none), NS_POOL_ERROR_ARGUMENT);
    EXPECT_EQ(ns_dma_live_count(f.dma), 0u);
    EXPECT_TRUE(f.events().empty());
    EXPECT_TRUE(f.misuses().empty());
}

/* ---- the right function for the right mapping ------------------------------------------------ */

TEST(MappingKinds, AnotherFamilysUnmapIsToldAndEndsTheMapping) {
    const struct {
        const char *what;
        ns_dma_mapping_kind made, ended;
    } rows[] = {
        {"single, unmap_sg", NS_DMA_MAPPING_SINGLE, NS_DMA_MAPPING_SG},
        {"single, unmap_resource", NS_DMA_MAPPING_SINGLE, NS_DMA_MAPPING_RESOURCE},
        {"sg, unmap_single", NS_DMA_MAPPING_SG, NS_DMA_MAPPING_SINGLE},
        {"sg, unmap_resource", NS_DMA_MAPPING_SG, NS_DMA_MAPPING_RESOURCE},
        {"resource, unmap_single", NS_DMA_MAPPING_RESOURCE, NS_DMA_MAPPING_SINGLE},
        {"resource, unmap_sg", NS_DMA_MAPPING_RESOURCE, NS_DMA_MAPPING_SG},
    };
    for (const auto &row : rows) {
        SCOPED_TRACE(row.what);
        Fixture f;
        ns_scatterlist entry = by_address(kBuffer, 64);
        uint64_t bus = 0;
        size_t mapped = 0;
        if (row.made == NS_DMA_MAPPING_SINGLE)
            bus = f.map(kBuffer, 64, NS_DMA_FROM_DEVICE);
        else if (row.made == NS_DMA_MAPPING_SG)
            EXPECT_EQ(ns_dma_map_sg(f.dma, &f.nic, &entry, 1, NS_DMA_FROM_DEVICE, 0, &mapped), NS_POOL_OK);
        else
            EXPECT_EQ(ns_dma_map_resource(f.dma, &f.nic, kRegister, 64, NS_DMA_FROM_DEVICE, 0, &bus), NS_POOL_OK);
        if (row.made == NS_DMA_MAPPING_SG)
            bus = entry.bus;
        entry.bus = bus;
        entry.dma_length = 64;
        f.events();
        ns_pool_status status = NS_POOL_OK;
        if (row.ended == NS_DMA_MAPPING_SINGLE)
            status = ns_dma_unmap(f.dma, &f.nic, bus, 64, NS_DMA_FROM_DEVICE, 0);
        else if (row.ended == NS_DMA_MAPPING_SG)
            status = ns_dma_unmap_sg(f.dma, &f.nic, &entry, 1, NS_DMA_FROM_DEVICE, 0);
        else
            status = ns_dma_unmap_resource(f.dma, &f.nic, bus, 64, NS_DMA_FROM_DEVICE, 0);
        EXPECT_EQ(status, NS_POOL_ERROR_MISUSE);
        EXPECT_EQ(f.misuses(), (std::vector<Misuse>{{NS_MISUSE_FREE_FUNCTION, bus, 64}}));
        EXPECT_EQ(ns_dma_live_count(f.dma), 0u);
        const bool works = row.made != NS_DMA_MAPPING_RESOURCE && row.ended != NS_DMA_MAPPING_RESOURCE;
        EXPECT_EQ(f.events(), works ? (std::vector<Event>{maintain(NS_PORT_INVALIDATE, linear(kBuffer), 64), barrier()})
                                    : std::vector<Event>{});
    }
}

TEST(MappingKinds, TheFamilyDecidesBetweenTwoMappingsOfOneAddress) {
    Fixture f;
    const uint64_t bus = f.map(kBuffer, 64, NS_DMA_TO_DEVICE);
    ns_scatterlist entry = by_address(kBuffer, 64);
    size_t mapped = 0;
    EXPECT_EQ(ns_dma_map_sg(f.dma, &f.nic, &entry, 1, NS_DMA_TO_DEVICE, 0, &mapped), NS_POOL_OK);
    EXPECT_EQ(ns_dma_unmap_sg(f.dma, &f.nic, &entry, 1, NS_DMA_TO_DEVICE, 0), NS_POOL_OK);
    EXPECT_EQ(ns_dma_find_bus(f.dma, bus).kind, NS_DMA_MAPPING_SINGLE);
    EXPECT_TRUE(f.misuses().empty());
}

/* A shorter mapping made with map_single must not hide an entry of a list that holds the whole range. */
TEST(MappingKinds, ASyncMeansTheMappingThatItFits) {
    Fixture f;
    ns_scatterlist entry = by_address(kBuffer, 256);
    size_t mapped = 0;
    EXPECT_EQ(ns_dma_map_sg(f.dma, &f.nic, &entry, 1, NS_DMA_TO_DEVICE, 0, &mapped), NS_POOL_OK);
    f.map(kBuffer, 64, NS_DMA_TO_DEVICE);
    EXPECT_EQ(ns_dma_sync_for_device(f.dma, &f.nic, kBuffer, 128, NS_DMA_TO_DEVICE), NS_POOL_OK);
    EXPECT_TRUE(f.misuses().empty());
}

/* ---- pages ----------------------------------------------------------------------------------- */

TEST(MappingPage, IsAMappingOfPhysicalMemory) {
    Fixture f;
    uint64_t bus = 0;
    EXPECT_EQ(ns_dma_map_page(f.dma, &f.nic, kBuffer, 0x1040, 64, NS_DMA_TO_DEVICE, 0, &bus), NS_POOL_OK);
    EXPECT_EQ(bus, kBuffer + 0x1040) << "the offset may lie in a later page";
    EXPECT_EQ(f.events(), (std::vector<Event>{maintain(NS_PORT_CLEAN, linear(kBuffer + 0x1040), 64), barrier()}));
    EXPECT_EQ(ns_dma_find(f.dma, linear(kBuffer + 0x1040), 1).bus, bus);
    EXPECT_EQ(ns_dma_unmap(f.dma, &f.nic, bus, 64, NS_DMA_TO_DEVICE, 0), NS_POOL_OK);
    for (const auto &[page, offset, length] : std::vector<std::array<uint64_t, 3>>{
             {kBuffer + 1, 0, 64},
             {kBuffer, 0, 0},
             {kBuffer, 0, UINT64_MAX},
             {kBuffer, UINT64_MAX, 64},
             {kBuffer, kMiB - 0x1000 - 32, 64},
             {0x1000, 0, 64},
             {UINT64_MAX & ~UINT64_C(4095), 4095, 2},
         }) {
        EXPECT_EQ(ns_dma_map_page(f.dma, &f.nic, page, offset, length, NS_DMA_TO_DEVICE, 0, &bus),
                  NS_POOL_ERROR_ARGUMENT)
            << std::hex << page << " " << offset << " " << length;
        EXPECT_EQ(bus, NS_DMA_MAPPING_ERROR);
    }
    EXPECT_EQ(ns_dma_live_count(f.dma), 0u);
}

/* arch/arm dma_cache_maint_page: pages without a linear mapping are maintained one by one, through a temporary one. */
TEST(MappingPage, WithoutALinearMappingIsMaintainedThroughAWindow) {
    Fixture f(with_high_memory());
    uint64_t bus = 0;
    EXPECT_EQ(ns_dma_map_page(f.dma, &f.nic, kHighMemory, 0x800, 0x1000, NS_DMA_TO_DEVICE, 0, &bus), NS_POOL_OK);
    EXPECT_EQ(bus, kHighMemory + 0x800);
    std::vector<Event> maintained;
    for (const Event &event : f.events())
        if (event.kind == Event::kMaintain || event.kind == Event::kBarrier)
            maintained.push_back(event);
    EXPECT_EQ(maintained, (std::vector<Event>{maintain(NS_PORT_CLEAN, fake::kRemaps + 0x800, 0x800), barrier(),
                                              maintain(NS_PORT_CLEAN, fake::kRemaps, 0x800), barrier()}));
    EXPECT_EQ(f.port.remapped_pages(), 0u) << "nothing stays mapped";
    EXPECT_EQ(f.port.remaps(), 1u) << "one page of addresses is kept";
    EXPECT_EQ(ns_dma_unmap(f.dma, &f.nic, bus, 0x1000, NS_DMA_TO_DEVICE, 0), NS_POOL_OK);

    EXPECT_EQ(ns_dma_map_page(f.dma, &f.nic, kHighMemory, 0, 64, NS_DMA_FROM_DEVICE, 0, &bus), NS_POOL_OK);
    f.events();
    EXPECT_EQ(ns_dma_unmap(f.dma, &f.nic, bus, 64, NS_DMA_FROM_DEVICE, 0), NS_POOL_OK);
    const std::vector<Event> unmap = f.events();
    ASSERT_EQ(unmap.size(), 5u);
    EXPECT_EQ(unmap[0].address, kHighMemory) << "the page is shown";
    EXPECT_EQ(unmap[0].detail, NS_PORT_CACHEABLE);
    EXPECT_EQ(unmap[1], maintain(NS_PORT_INVALIDATE, fake::kRemaps, 64));
    EXPECT_EQ(unmap[2], barrier());
    EXPECT_EQ(unmap[3].kind, Event::kUnmap);
    EXPECT_EQ(unmap[4].kind, Event::kFlushTlb);
    EXPECT_EQ(f.port.remaps(), 1u) << "the same one";
}

TEST(MappingPage, WithoutRoomForTheWindowIsRefused) {
    for (bool no_addresses : {true, false}) {
        Fixture f(with_high_memory());
        f.port.fail_remap = no_addresses;
        f.port.fail_set_pte_at = no_addresses ? -1 : 0;
        uint64_t bus = 0;
        EXPECT_EQ(ns_dma_map_page(f.dma, &f.nic, kHighMemory, 0, 64, NS_DMA_TO_DEVICE, 0, &bus),
                  NS_POOL_ERROR_EXHAUSTED);
        EXPECT_EQ(bus, NS_DMA_MAPPING_ERROR);
        EXPECT_EQ(ns_dma_live_count(f.dma), 0u);
        EXPECT_EQ(f.port.remaps(), 0u);
        f.port.fail_remap = true; /* what needs no maintenance needs no window */
        EXPECT_EQ(ns_dma_map_page(f.dma, &f.nic, kHighMemory, 0, 64, NS_DMA_TO_DEVICE, NS_DMA_SKIP_CPU_SYNC, &bus),
                  NS_POOL_OK);
        f.port.fail_remap = false;
        EXPECT_EQ(ns_dma_map_page(f.dma, &f.nic, kHighMemory, 0x1000, 64, NS_DMA_FROM_DEVICE, 0, &bus), NS_POOL_OK);
        f.port.fail_set_pte_at = 0;
        EXPECT_EQ(ns_dma_unmap(f.dma, &f.nic, bus, 64, NS_DMA_FROM_DEVICE, 0), NS_POOL_OK);
        EXPECT_TRUE(f.port.heard("not maintained"));
    }
}

/* ---- resources ------------------------------------------------------------------------------- */

TEST(MappingResource, HasNoCacheOperationAndNoTranslation) {
    const ns_bus_range window = {kRam, 0, 0x1000'0000};
    for (bool through_window : {false, true}) {
        Fixture f(NS_PLATFORM_THEAD_5_10);
        f.nic.ranges = &window;
        f.nic.range_count = through_window ? 1 : 0;
        uint64_t bus = 0;
        EXPECT_EQ(ns_dma_map_resource(f.dma, &f.nic, kRegister, 4, NS_DMA_FROM_DEVICE, 0, &bus), NS_POOL_OK);
        EXPECT_EQ(bus, kRegister) << "dma_direct_map_resource takes the physical address as it is";
        EXPECT_EQ(ns_dma_live_mapping(f.dma, 0).kind, NS_DMA_MAPPING_RESOURCE);
        EXPECT_FALSE(ns_dma_mapping_error(f.dma, &f.nic, bus));
        EXPECT_TRUE(ns_dma_live_mapping(f.dma, 0).error_checked);
        EXPECT_EQ(ns_dma_unmap_resource(f.dma, &f.nic, bus, 4, NS_DMA_FROM_DEVICE, 0), NS_POOL_OK);
        EXPECT_TRUE(f.events().empty());
        EXPECT_TRUE(f.misuses().empty());
    }
}

TEST(MappingResource, RefusesRamAndWhatTheDeviceDoesNotReach) {
    struct {
        const char *what;
        uint64_t physical, length;
        ns_pool_status status;
    } const rows[] = {
        {"RAM", kRam, 64, NS_POOL_ERROR_ARGUMENT},
        {"last byte of RAM", kRam + kMiB - 1, 64, NS_POOL_ERROR_ARGUMENT},
        {"behind RAM", kRam + kMiB, 64, NS_POOL_OK},
        {"high memory", kHighMemory, 64, NS_POOL_ERROR_ARGUMENT},
        {"only the end is RAM", kRam - 32, 64, NS_POOL_OK}, /* WARN_ON_ONCE(pfn_valid()) of the first page */
        {"no length", kRegister, 0, NS_POOL_ERROR_ARGUMENT},
        {"over the end of addresses", UINT64_MAX - 10, 64, NS_POOL_ERROR_ARGUMENT},
        {"last reachable byte", 0xffff'ffc0, 64, NS_POOL_OK},
        {"out of reach", 0xffff'ffc1, 64, NS_POOL_ERROR_NOT_ADDRESSABLE},
    };
    for (const auto &row : rows) {
        SCOPED_TRACE(row.what);
        Fixture f(with_high_memory());
        uint64_t bus = 0;
        EXPECT_EQ(ns_dma_map_resource(f.dma, &f.nic, row.physical, row.length, NS_DMA_TO_DEVICE, 0, &bus), row.status);
        EXPECT_EQ(bus, row.status == NS_POOL_OK ? row.physical : NS_DMA_MAPPING_ERROR);
        EXPECT_EQ(ns_dma_live_count(f.dma), row.status == NS_POOL_OK ? 1u : 0u);
    }
    Fixture full(NS_PLATFORM_TEXTBOOK, 1);
    full.map(kBuffer, 64, NS_DMA_TO_DEVICE);
    uint64_t bus = 0;
    EXPECT_EQ(ns_dma_map_resource(full.dma, &full.nic, kRegister, 4, NS_DMA_TO_DEVICE, 0, &bus),
              NS_POOL_ERROR_METADATA);
    const auto none = static_cast<ns_dma_direction>(3);
    EXPECT_EQ(ns_dma_map_resource(full.dma, &full.nic, kRegister, 4, none, 0, &bus), NS_POOL_ERROR_ARGUMENT);
    EXPECT_EQ(ns_dma_unmap_resource(full.dma, &full.nic, kRegister, 4, none, 0), NS_POOL_ERROR_ARGUMENT);
    EXPECT_EQ(ns_dma_unmap_resource(full.dma, &full.nic, kRegister, 0, NS_DMA_TO_DEVICE, 0), NS_POOL_ERROR_ARGUMENT);
}

TEST(MappingResource, HasNothingToSyncAndSharesNoLine) {
    Fixture f;
    uint64_t bus = 0, second = 0;
    EXPECT_EQ(ns_dma_map_resource(f.dma, &f.nic, kRegister, 4, NS_DMA_FROM_DEVICE, 0, &bus), NS_POOL_OK);
    EXPECT_EQ(ns_dma_map_resource(f.dma, &f.other, kRegister, 4, NS_DMA_FROM_DEVICE, 0, &second), NS_POOL_OK);
    EXPECT_TRUE(f.misuses().empty()) << "a FIFO may serve two channels";
    EXPECT_EQ(ns_dma_sync_for_cpu(f.dma, &f.nic, bus, 4, NS_DMA_FROM_DEVICE), NS_POOL_ERROR_MISUSE);
    EXPECT_EQ(f.misuses(), (std::vector<Misuse>{{NS_MISUSE_FREE_FUNCTION, bus, 4}}));
    EXPECT_TRUE(f.events().empty());
}

} // namespace
