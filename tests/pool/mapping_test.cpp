/* SPDX-License-Identifier: Apache-2.0 */
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

/* One letter for each direction: to-device, from-device, bidirectional. C clean, I invalidate, F flush, E invalidate
 * with flushed edges, - nothing. Stages: the caches that one operation is done on, in this order, for the device and
 * for the CPU: p the point of coherency, 1 the L1, o the outer cache. */
struct Row {
    ns_dma_platform platform;
    const char *name, *for_device, *for_cpu;
    ns_port_scope clean_scope;
    const char *device_stages, *cpu_stages;
    bool prepare_zeroes;
};
const Row kTable[] = {
    {NS_PLATFORM_TEXTBOOK, "textbook", "CIF", "-II", NS_PORT_SCOPE_POC, "p", "p", false},
    {NS_PLATFORM_RISCV_6_0, "riscv-6.0", "CCF", "-FF", NS_PORT_SCOPE_POC, "p", "p", false},
    {NS_PLATFORM_RISCV_6_6, "riscv-6.6", "CCC", "-II", NS_PORT_SCOPE_POC, "p", "p", false},
    {NS_PLATFORM_ARM64_5_10, "arm64-5.10", "CEC", "-EE", NS_PORT_SCOPE_POC, "p", "p", false},
    {NS_PLATFORM_ARM64_5_19, "arm64-5.19", "CCC", "-II", NS_PORT_SCOPE_POC, "p", "p", false},
    {NS_PLATFORM_THEAD_5_10, "thead-5.10", "CFF", "-FF", NS_PORT_SCOPE_POC, "p", "p", true},
    {NS_PLATFORM_THEAD_6_0, "thead-6.0", "CCF", "-FF", NS_PORT_SCOPE_L1, "p", "p", false}, /* cval1 instead of cva */
    {NS_PLATFORM_ARM_V7_5_10, "arm-v7-5.10", "CEC", "-EE", NS_PORT_SCOPE_POC, "1o", "o1", true},
    {NS_PLATFORM_ARM_V7_REVERSED, "arm-v7-reversed", "CEC", "-EE", NS_PORT_SCOPE_POC, "o1", "1o", true},
};
const ns_dma_direction kDirections[] = {NS_DMA_TO_DEVICE, NS_DMA_FROM_DEVICE, NS_DMA_BIDIRECTIONAL};

/* 0x20 to 0xb0 of a page: half of line 0, lines 1, and three quarters of line 2. */
constexpr uint64_t kStart = kBuffer + 0x20, kLength = 0x90;

std::vector<Event> expected(char letter, const char *stages, ns_port_scope clean_scope) {
    std::vector<Event> all;
    for (const char *stage = stages; *stage && letter != '-'; stage++) {
        const ns_port_scope scope = *stage == '1'   ? NS_PORT_SCOPE_L1
                                    : *stage == 'o' ? NS_PORT_SCOPE_OUTER
                                                    : NS_PORT_SCOPE_POC;
        switch (letter) {
        case 'C':
            all.push_back(maintain(NS_PORT_CLEAN, linear(kStart), kLength, *stage == 'p' ? clean_scope : scope));
            break;
        case 'I':
            all.push_back(maintain(NS_PORT_INVALIDATE, linear(kStart), kLength, scope));
            break;
        case 'F':
            all.push_back(maintain(NS_PORT_FLUSH, linear(kStart), kLength, scope));
            break;
        default:
            all.push_back(maintain(NS_PORT_FLUSH, linear(kBuffer + 0x80), 0x30, scope));
            all.push_back(maintain(NS_PORT_FLUSH, linear(kStart), 0x20, scope));
            all.push_back(maintain(NS_PORT_INVALIDATE, linear(kBuffer + 0x40), 0x40, scope));
        }
        all.push_back(barrier());
    }
    return all;
}

TEST(Mapping, EveryPlatformDoesItsOperationPerDirectionAndSide) {
    EXPECT_EQ(std::size(kTable), static_cast<size_t>(NS_PLATFORM_COUNT));
    for (const Row &row : kTable) {
        EXPECT_STREQ(ns_dma_get_platform_operations(row.platform)->name, row.name);
        for (int d = 0; d < 3; d++) {
            SCOPED_TRACE(testing::Message() << row.name << ", direction " << kDirections[d]);
            Fixture f(row.platform);
            const auto for_device = expected(row.for_device[d], row.device_stages, row.clean_scope);
            const auto for_cpu = expected(row.for_cpu[d], row.cpu_stages, row.clean_scope);
            const uint64_t bus = f.map(kStart, kLength, kDirections[d]);
            EXPECT_EQ(f.events(), for_device) << "map";
            EXPECT_EQ(ns_dma_sync_for_cpu(f.dma, &f.nic, bus, kLength, kDirections[d]), NS_POOL_OK);
            EXPECT_EQ(f.events(), for_cpu) << "sync-for-cpu";
            EXPECT_EQ(ns_dma_sync_for_device(f.dma, &f.nic, bus, kLength, kDirections[d]), NS_POOL_OK);
            EXPECT_EQ(f.events(), for_device) << "sync-for-device";
            EXPECT_EQ(ns_dma_unmap(f.dma, &f.nic, bus, kLength, kDirections[d], 0), NS_POOL_OK);
            EXPECT_EQ(f.events(), for_cpu) << "unmap";
            EXPECT_TRUE(f.misuses().empty());
        }
    }
    EXPECT_EQ(ns_dma_get_platform_operations(static_cast<ns_dma_platform>(NS_PLATFORM_COUNT)), nullptr);
}

/* arm64 5.10 __dma_inv_area, 64-byte lines: partly covered lines are flushed, whole lines invalidated. */
TEST(Mapping, Arm64FlushesOnlyTheEdgeLinesThatAreCoveredInPart) {
    struct Part {
        ns_port_cache_op op;
        uint64_t offset, length;
    };
    struct {
        const char *what;
        uint64_t offset, length;
        std::vector<Part> parts;
    } const rows[] = {
        {"whole lines", 0, 128, {{NS_PORT_INVALIDATE, 0, 128}}},
        {"start inside a line", 16, 112, {{NS_PORT_FLUSH, 16, 48}, {NS_PORT_INVALIDATE, 64, 64}}},
        {"end inside a line", 0, 65, {{NS_PORT_FLUSH, 64, 1}, {NS_PORT_INVALIDATE, 0, 64}}},
        {"inside one line", 8, 16, {{NS_PORT_FLUSH, 8, 16}}},
        {"head of one line", 0, 16, {{NS_PORT_FLUSH, 0, 16}}},
        {"tail of one line", 48, 16, {{NS_PORT_FLUSH, 48, 16}}},
        {"across two lines, neither whole", 32, 64, {{NS_PORT_FLUSH, 64, 32}, {NS_PORT_FLUSH, 32, 32}}},
    };
    for (const auto &row : rows) {
        SCOPED_TRACE(row.what);
        Fixture f(NS_PLATFORM_ARM64_5_10);
        f.map(kBuffer + row.offset, row.length, NS_DMA_FROM_DEVICE);
        std::vector<Event> order;
        for (const Part &part : row.parts)
            order.push_back(maintain(part.op, linear(kBuffer + part.offset), part.length));
        order.push_back(barrier());
        EXPECT_EQ(f.events(), order);
    }
}

TEST(Mapping, DeviceDeclaredCoherentGetsNoMaintenance) {
    for (const Row &row : kTable) {
        Fixture f(row.platform);
        f.nic.coherent = true;
        for (ns_dma_direction direction : kDirections) {
            const uint64_t bus = f.map(kBuffer, 64, direction);
            EXPECT_EQ(ns_dma_sync_for_cpu(f.dma, &f.nic, bus, 64, direction), NS_POOL_OK);
            EXPECT_EQ(ns_dma_sync_for_device(f.dma, &f.nic, bus, 64, direction), NS_POOL_OK);
            EXPECT_EQ(ns_dma_unmap(f.dma, &f.nic, bus, 64, direction, 0), NS_POOL_OK);
        }
        EXPECT_TRUE(f.events().empty());
    }
}

TEST(Mapping, SkipCpuSyncLeavesTheCacheAlone) {
    Fixture f;
    uint64_t bus = 0;
    EXPECT_EQ(ns_dma_map(f.dma, &f.nic, linear(kBuffer), 64, NS_DMA_BIDIRECTIONAL, NS_DMA_SKIP_CPU_SYNC, &bus),
              NS_POOL_OK);
    EXPECT_EQ(ns_dma_live_count(f.dma), 1u);
    EXPECT_EQ(ns_dma_unmap(f.dma, &f.nic, bus, 64, NS_DMA_BIDIRECTIONAL, NS_DMA_SKIP_CPU_SYNC), NS_POOL_OK);
    EXPECT_TRUE(f.events().empty());
}

TEST(Mapping, RefusesWhatTheDeviceCannotAddress) {
    const ns_bus_range window = {kRam, 0x1000'0000, 0x2000};
    struct {
        const char *what;
        uint64_t mask;
        bool ranged;
        uint64_t physical, length;
        ns_pool_status status;
        uint64_t bus;
    } const rows[] = {
        {"31 bits", 0x7fff'ffff, false, kBuffer, 64, NS_POOL_ERROR_NOT_ADDRESSABLE, NS_DMA_MAPPING_ERROR},
        {"last byte on the mask", kBuffer + 63, false, kBuffer, 64, NS_POOL_OK, kBuffer},
        {"last byte over the mask", kBuffer + 62, false, kBuffer, 64, NS_POOL_ERROR_NOT_ADDRESSABLE,
         NS_DMA_MAPPING_ERROR},
        {"through the window", 0xffff'ffff, true, kBuffer, 64, NS_POOL_OK, 0x1000'1000},
        {"outside of the window", 0xffff'ffff, true, kRam + 0x2000, 64, NS_POOL_ERROR_NOT_ADDRESSABLE,
         NS_DMA_MAPPING_ERROR},
    };
    for (const auto &row : rows) {
        SCOPED_TRACE(row.what);
        Fixture f;
        f.nic.dma_mask = row.mask;
        f.nic.ranges = &window;
        f.nic.range_count = row.ranged ? 1 : 0;
        uint64_t bus = 0;
        EXPECT_EQ(ns_dma_map(f.dma, &f.nic, linear(row.physical), row.length, NS_DMA_TO_DEVICE, 0, &bus), row.status);
        EXPECT_EQ(bus, row.bus);
        EXPECT_EQ(ns_dma_live_count(f.dma), row.status == NS_POOL_OK ? 1u : 0u);
        EXPECT_EQ(f.events().empty(), row.status != NS_POOL_OK);
    }
}

/* The bus address is not the physical one here: unmap and sync must translate back. */
TEST(Mapping, UnmapAndSyncTakeBusAddresses) {
    const ns_bus_range window = {kRam, 0x1000'0000, fake::kMiB};
    Fixture f;
    f.nic.ranges = &window;
    f.nic.range_count = 1;
    const uint64_t bus = f.map(kBuffer, 256, NS_DMA_FROM_DEVICE);
    f.events();
    EXPECT_EQ(ns_dma_sync_for_cpu(f.dma, &f.nic, bus + 64, 64, NS_DMA_FROM_DEVICE), NS_POOL_OK);
    EXPECT_EQ(f.events(), (std::vector<Event>{maintain(NS_PORT_INVALIDATE, linear(kBuffer + 64), 64), barrier()}));
}

TEST(Mapping, RefusesArguments) {
    Fixture f(NS_PLATFORM_TEXTBOOK, 1);
    uint64_t bus = 0;
    const auto map = [&](const ns_pool_device *by, uint64_t address, uint64_t length, ns_dma_direction direction) {
        return ns_dma_map(f.dma, by, address, length, direction, 0, &bus);
    };
    const auto none = static_cast<ns_dma_direction>(3); /* Linux DMA_NONE */
    EXPECT_EQ(map(nullptr, linear(kBuffer), 64, NS_DMA_TO_DEVICE), NS_POOL_ERROR_ARGUMENT);
    EXPECT_EQ(map(&f.nic, linear(kBuffer), 0, NS_DMA_TO_DEVICE), NS_POOL_ERROR_ARGUMENT);
    EXPECT_EQ(map(&f.nic, linear(kBuffer), 64, none), NS_POOL_ERROR_ARGUMENT);
    EXPECT_EQ(map(&f.nic, 0x1000, 64, NS_DMA_TO_DEVICE), NS_POOL_ERROR_ARGUMENT) << "not mapped";
    EXPECT_EQ(map(&f.nic, linear(kRam + fake::kMiB - 32), 64, NS_DMA_TO_DEVICE), NS_POOL_ERROR_ARGUMENT);
    EXPECT_EQ(map(&f.nic, linear(kBuffer), UINT64_MAX, NS_DMA_TO_DEVICE), NS_POOL_ERROR_ARGUMENT);
    EXPECT_EQ(bus, NS_DMA_MAPPING_ERROR);
    EXPECT_EQ(ns_dma_unmap(f.dma, nullptr, kBuffer, 64, NS_DMA_TO_DEVICE, 0), NS_POOL_ERROR_ARGUMENT);
    EXPECT_EQ(ns_dma_unmap(f.dma, &f.nic, kBuffer, 64, none, 0), NS_POOL_ERROR_ARGUMENT);
    EXPECT_EQ(ns_dma_sync_for_cpu(f.dma, &f.nic, kBuffer, 64, none), NS_POOL_ERROR_ARGUMENT);
    EXPECT_EQ(ns_dma_sync_for_device(f.dma, &f.nic, kBuffer, 0, NS_DMA_TO_DEVICE), NS_POOL_ERROR_ARGUMENT);
    EXPECT_TRUE(f.misuses().empty());
    EXPECT_TRUE(f.events().empty());

    f.map(kBuffer, 64, NS_DMA_TO_DEVICE);
    f.events();
    EXPECT_EQ(map(&f.nic, linear(kRam), 64, NS_DMA_TO_DEVICE), NS_POOL_ERROR_METADATA) << "the table is full";
    EXPECT_EQ(bus, NS_DMA_MAPPING_ERROR);
    EXPECT_TRUE(f.events().empty());
    EXPECT_TRUE(f.misuses().empty());
}

TEST(Mapping, RefusesMemoryThatIsNotPhysicallyContiguous) {
    Fixture f;
    for (uint64_t page : {0, 1, 2, 3}) /* the second page lies elsewhere, first and last agree */
        f.alias(fake::kRemaps + page * 0x1000, page == 1 ? kRam + 0x8000 : kRam + page * 0x1000);
    uint64_t bus = 0;
    EXPECT_EQ(ns_dma_map(f.dma, &f.nic, fake::kRemaps + 0x800, 0x2000, NS_DMA_TO_DEVICE, 0, &bus),
              NS_POOL_ERROR_ARGUMENT);
    EXPECT_EQ(ns_dma_map(f.dma, &f.nic, fake::kRemaps + 0x2800, 0x1000, NS_DMA_TO_DEVICE, 0, &bus), NS_POOL_OK);
    EXPECT_EQ(bus, kRam + 0x2800);
}

TEST(Mapping, RefusesConfigurations) {
    fake::Port port;
    ns_dma *dma = nullptr;
    ns_dma_config no_direction_of_bounce = dma_config(), odd_bits = dma_config(), no_ram = dma_config();
    no_direction_of_bounce.bounce = static_cast<ns_dma_bounce>(3);
    odd_bits.dma_addr_bits = 36;
    no_ram.ram_count = 1;
    for (const ns_dma_config &config :
         {dma_config(static_cast<ns_dma_platform>(NS_PLATFORM_COUNT)), dma_config(NS_PLATFORM_TEXTBOOK, 16, 0),
          dma_config(NS_PLATFORM_TEXTBOOK, 16, 48), dma_config(NS_PLATFORM_TEXTBOOK, 0), no_direction_of_bounce,
          odd_bits, no_ram})
        EXPECT_EQ(ns_dma_create(port.get(), &config, &dma), NS_POOL_ERROR_ARGUMENT);
    for (size_t capacity : {SIZE_MAX, SIZE_MAX / sizeof(ns_dma_mapping), size_t{UINT32_MAX} + 1}) {
        const ns_dma_config huge = dma_config(NS_PLATFORM_TEXTBOOK, capacity);
        EXPECT_EQ(ns_dma_create(port.get(), &huge, &dma), NS_POOL_ERROR_METADATA);
    }
    const ns_dma_config good = dma_config();
    port.fail_metadata_at = 0;
    EXPECT_EQ(ns_dma_create(port.get(), &good, &dma), NS_POOL_ERROR_METADATA);
    EXPECT_EQ(dma, nullptr);
    EXPECT_EQ(ns_dma_destroy(nullptr), NS_POOL_OK);
}

/* The rule is told, and the cache operation that the kernel would do with these arguments is done all the same. */
TEST(Mapping, MismatchedUnmapIsToldAndStillPerformed) {
    struct {
        const char *what;
        bool other_device;
        uint64_t offset, length;
        ns_dma_direction direction;
        std::vector<ns_port_misuse> told;
        std::vector<Event> done;
        size_t live;
    } const rows[] = {
        {"right",
         false,
         0,
         256,
         NS_DMA_FROM_DEVICE,
         {},
         {maintain(NS_PORT_INVALIDATE, linear(kBuffer), 256), barrier()},
         0},
        {"unknown address",
         false,
         64,
         192,
         NS_DMA_FROM_DEVICE,
         {NS_MISUSE_UNMAP_UNKNOWN},
         {maintain(NS_PORT_INVALIDATE, linear(kBuffer + 64), 192), barrier()},
         1},
        {"size",
         false,
         0,
         64,
         NS_DMA_FROM_DEVICE,
         {NS_MISUSE_UNMAP_SIZE},
         {maintain(NS_PORT_INVALIDATE, linear(kBuffer), 64), barrier()},
         0},
        {"direction", false, 0, 256, NS_DMA_TO_DEVICE, {NS_MISUSE_UNMAP_DIRECTION}, {}, 0},
        {"device",
         true,
         0,
         256,
         NS_DMA_FROM_DEVICE,
         {NS_MISUSE_UNMAP_DEVICE},
         {maintain(NS_PORT_INVALIDATE, linear(kBuffer), 256), barrier()},
         0},
        {"all three",
         true,
         0,
         128,
         NS_DMA_BIDIRECTIONAL,
         {NS_MISUSE_UNMAP_DEVICE, NS_MISUSE_UNMAP_SIZE, NS_MISUSE_UNMAP_DIRECTION},
         {maintain(NS_PORT_INVALIDATE, linear(kBuffer), 128), barrier()},
         0},
        {"no memory there", false, 0x4000'0000, 64, NS_DMA_FROM_DEVICE, {NS_MISUSE_UNMAP_UNKNOWN}, {}, 1},
    };
    for (const auto &row : rows) {
        SCOPED_TRACE(row.what);
        Fixture f;
        const uint64_t bus = f.map(kBuffer, 256, NS_DMA_FROM_DEVICE);
        f.events();
        EXPECT_EQ(
            ns_dma_unmap(f.dma, row.other_device ? &f.other : &f.nic, bus + row.offset, row.length, row.direction, 0),
            row.told.empty() ? NS_POOL_OK : NS_POOL_ERROR_MISUSE);
        std::vector<Misuse> told;
        for (ns_port_misuse what : row.told)
            told.push_back({what, bus + row.offset, row.length});
        EXPECT_EQ(f.misuses(), told);
        EXPECT_EQ(f.events(), row.done);
        EXPECT_EQ(ns_dma_live_count(f.dma), row.live);
    }
}

TEST(Mapping, SecondUnmapIsUnknown) {
    Fixture f;
    const uint64_t bus = f.map(kBuffer, 64, NS_DMA_TO_DEVICE);
    EXPECT_EQ(ns_dma_unmap(f.dma, &f.nic, bus, 64, NS_DMA_TO_DEVICE, 0), NS_POOL_OK);
    EXPECT_EQ(ns_dma_unmap(f.dma, &f.nic, bus, 64, NS_DMA_TO_DEVICE, 0), NS_POOL_ERROR_MISUSE);
    EXPECT_EQ(f.misuses(), (std::vector<Misuse>{{NS_MISUSE_UNMAP_UNKNOWN, bus, 64}}));
}

TEST(Mapping, MismatchedSyncIsToldAndStillPerformed) {
    struct {
        const char *what;
        ns_dma_direction mapped;
        bool other_device;
        uint64_t offset, length;
        ns_dma_direction direction;
        std::vector<ns_port_misuse> told;
    } const rows[] = {
        {"whole", NS_DMA_FROM_DEVICE, false, 0, 256, NS_DMA_FROM_DEVICE, {}},
        {"part", NS_DMA_FROM_DEVICE, false, 64, 192, NS_DMA_FROM_DEVICE, {}},
        {"over the end", NS_DMA_FROM_DEVICE, false, 64, 193, NS_DMA_FROM_DEVICE, {NS_MISUSE_SYNC_RANGE}},
        {"behind the end", NS_DMA_FROM_DEVICE, false, 256, 64, NS_DMA_FROM_DEVICE, {NS_MISUSE_UNMAP_UNKNOWN}},
        {"direction", NS_DMA_FROM_DEVICE, false, 0, 64, NS_DMA_BIDIRECTIONAL, {NS_MISUSE_UNMAP_DIRECTION}},
        {"any direction of a bidirectional one", NS_DMA_BIDIRECTIONAL, false, 0, 64, NS_DMA_FROM_DEVICE, {}},
        {"device", NS_DMA_FROM_DEVICE, true, 0, 64, NS_DMA_FROM_DEVICE, {NS_MISUSE_UNMAP_DEVICE}},
    };
    for (const auto &row : rows) {
        SCOPED_TRACE(row.what);
        for (bool for_cpu : {true, false}) {
            Fixture f;
            const uint64_t bus = f.map(kBuffer, 256, row.mapped);
            f.events();
            const ns_pool_device *by = row.other_device ? &f.other : &f.nic;
            const auto call = for_cpu ? ns_dma_sync_for_cpu : ns_dma_sync_for_device;
            EXPECT_EQ(call(f.dma, by, bus + row.offset, row.length, row.direction),
                      row.told.empty() ? NS_POOL_OK : NS_POOL_ERROR_MISUSE);
            std::vector<Misuse> told;
            for (ns_port_misuse what : row.told)
                told.push_back({what, bus + row.offset, row.length});
            EXPECT_EQ(f.misuses(), told);
            /* textbook: bidirectional for the device is a flush, everything else here an invalidate */
            const bool flush = !for_cpu && row.direction == NS_DMA_BIDIRECTIONAL;
            EXPECT_EQ(f.events(), (std::vector<Event>{maintain(flush ? NS_PORT_FLUSH : NS_PORT_INVALIDATE,
                                                               linear(kBuffer + row.offset), row.length),
                                                      barrier()}));
            EXPECT_EQ(ns_dma_live_count(f.dma), 1u);
        }
    }
}

TEST(Mapping, ToldWhenTwoMappingsShareALine) {
    constexpr auto to = NS_DMA_TO_DEVICE, from = NS_DMA_FROM_DEVICE, both = NS_DMA_BIDIRECTIONAL;
    struct {
        const char *what;
        uint64_t first_length;
        ns_dma_direction first;
        uint64_t offset, length;
        ns_dma_direction second;
        bool first_coherent, second_coherent, told;
    } const rows[] = {
        {"same bytes", 64, from, 0, 64, from, false, false, true},
        {"same bytes, both to-device", 64, to, 0, 64, to, false, false, false},
        {"to-device over from-device", 64, from, 0, 64, to, false, false, true},
        {"bidirectional over to-device", 64, to, 0, 64, both, false, false, true},
        {"next line", 64, from, 64, 64, from, false, false, false},
        {"other half of the line", 32, from, 32, 32, from, false, false, true},
        {"last line of the first", 65, from, 126, 1, from, false, false, true},
        {"line before", 64, from, -1ull, 1, from, false, false, false},
        {"around it", 64, from, -64ull, 192, from, false, false, true},
        {"both devices coherent", 64, from, 0, 64, from, true, true, false},
        {"one device coherent", 64, from, 0, 64, from, true, false, true},
    };
    for (const auto &row : rows) {
        SCOPED_TRACE(row.what);
        Fixture f;
        f.nic.coherent = row.first_coherent;
        f.other.coherent = row.second_coherent;
        f.map(kBuffer, row.first_length, row.first);
        f.map(kBuffer + row.offset, row.length, row.second, &f.other);
        const std::vector<Misuse> overlap = {{NS_MISUSE_MAP_OVERLAP, linear(kBuffer + row.offset), row.length}};
        EXPECT_EQ(f.misuses(), row.told ? overlap : std::vector<Misuse>{});
        EXPECT_EQ(ns_dma_live_count(f.dma), 2u) << "mapped all the same";
    }
}

TEST(Mapping, UnmapPicksTheMappingThatAgreesBest) {
    Fixture f;
    f.map(kBuffer, 64, NS_DMA_TO_DEVICE);
    f.map(kBuffer, 128, NS_DMA_TO_DEVICE);
    f.map(kBuffer, 128, NS_DMA_TO_DEVICE, &f.other);
    EXPECT_EQ(ns_dma_unmap(f.dma, &f.other, kBuffer, 128, NS_DMA_TO_DEVICE, 0), NS_POOL_OK);
    EXPECT_EQ(ns_dma_unmap(f.dma, &f.nic, kBuffer, 128, NS_DMA_TO_DEVICE, 0), NS_POOL_OK);
    ASSERT_EQ(ns_dma_live_count(f.dma), 1u);
    EXPECT_EQ(ns_dma_live_mapping(f.dma, 0).length, 64u);
    EXPECT_TRUE(f.misuses().empty());
}

TEST(Mapping, FindsTheLiveMappingOfAnAddressThroughAnyAlias) {
    Fixture f;
    const uint64_t bus = f.map(kBuffer + 16, 32, NS_DMA_FROM_DEVICE);
    const uint64_t alias = fake::kRemaps;
    f.alias(alias, kRam);
    f.alias(alias + 0x1000, kRam + 0x1000);
    struct {
        uint64_t address, length;
        bool found;
    } const rows[] = {
        {linear(kBuffer + 16), 1, true},
        {linear(kBuffer + 47), 1, true},
        {linear(kBuffer + 48), 1, false},
        {linear(kBuffer), 16, false},
        {linear(kBuffer), 17, true},
        {alias + 0x1010, 1, true},
        {0x1234, 1, false},
        {linear(kBuffer + 16), 0, false},
    };
    for (const auto &row : rows) {
        SCOPED_TRACE(testing::Message() << std::hex << row.address << " " << row.length);
        const ns_dma_mapping found = ns_dma_find(f.dma, row.address, row.length);
        EXPECT_EQ(found.device, row.found ? &f.nic : nullptr);
        EXPECT_EQ(found.bus, row.found ? bus : 0);
        EXPECT_EQ(ns_dma_check_free(f.dma, row.address, row.length), row.found ? NS_POOL_ERROR_MISUSE : NS_POOL_OK);
        EXPECT_EQ(f.misuses(), row.found ? (std::vector<Misuse>{{NS_MISUSE_FREE_MAPPED, row.address, row.length}})
                                         : std::vector<Misuse>{});
    }
}

TEST(Mapping, DestroyWithLiveMappingsIsBusy) {
    Fixture f;
    f.map(kBuffer, 64, NS_DMA_TO_DEVICE);
    EXPECT_EQ(ns_dma_destroy(f.dma), NS_POOL_ERROR_BUSY);
    EXPECT_EQ(f.misuses(), (std::vector<Misuse>{{NS_MISUSE_DESTROY_BUSY, 0, 0}}));
    EXPECT_EQ(ns_dma_live_count(f.dma), 1u);
}

/* Only the linear mapping and each single page are known to be contiguous. */
TEST(Mapping, RandomSequencesKeepTheTable) {
    const uint64_t seed = fake::seed();
    SCOPED_TRACE(testing::Message() << "NS_TEST_SEED=" << seed);
    fake::Random random(seed);
    Fixture f(NS_PLATFORM_ARM64_5_10, 40);
    struct Live {
        const ns_pool_device *device;
        uint64_t bus, length;
        ns_dma_direction direction;
    };
    std::vector<Live> live;
    for (int step = 0; step < 20000; step++) {
        if (random.below(2)) {
            Live made = {random.below(2) ? &f.nic : &f.other, kRam + random.below(0x8000), 1 + random.below(300),
                         static_cast<ns_dma_direction>(random.below(3))};
            bool overlap = false;
            for (const Live &other : live) /* byte by byte lines, the slow way */
                for (uint64_t at = made.bus; at < made.bus + made.length; at++)
                    overlap |= at / 64 >= other.bus / 64 && at / 64 <= (other.bus + other.length - 1) / 64 &&
                               (made.direction != NS_DMA_TO_DEVICE || other.direction != NS_DMA_TO_DEVICE);
            uint64_t bus = 0;
            const ns_pool_status status =
                ns_dma_map(f.dma, made.device, linear(made.bus), made.length, made.direction, 0, &bus);
            if (live.size() == 40) {
                ASSERT_EQ(status, NS_POOL_ERROR_METADATA);
                continue;
            }
            ASSERT_EQ(status, NS_POOL_OK);
            ASSERT_EQ(bus, made.bus);
            ASSERT_EQ(f.misuses().size(), overlap ? 1u : 0u) << "step " << step;
            live.push_back(made);
        } else if (!live.empty()) {
            const size_t victim = random.below(live.size());
            const Live gone = live[victim];
            ASSERT_EQ(ns_dma_unmap(f.dma, gone.device, gone.bus, gone.length, gone.direction, 0), NS_POOL_OK);
            live.erase(live.begin() + static_cast<std::ptrdiff_t>(victim));
        }
        ASSERT_EQ(ns_dma_live_count(f.dma), live.size());
        const uint64_t probe = kRam + random.below(0x8000);
        const auto holds = [&](const Live &one) { return probe >= one.bus && probe - one.bus < one.length; };
        bool held = false;
        for (const Live &one : live)
            held |= holds(one);
        ASSERT_EQ(ns_dma_find(f.dma, linear(probe), 1).device != nullptr, held);
        f.events();
    }
}

} // namespace
