/* SPDX-License-Identifier: Apache-2.0 */
/* The streaming API over a bounce buffer: when it bounces, and in which order copy and cache operation come. */
#include "mapping_fixture.h"
#include "pool/swiotlb.h"

namespace {

using fake::kGiB;
using fake::kMiB;
using fake::linear;
using fake::Misuse;

constexpr uint64_t kLow = 0x4000'0000;    /* RAM that 32 bits reach: the bounce buffer lies here */
constexpr uint64_t kHigh = 0x1'0000'0000; /* RAM that they do not */

/* One sequence of what the hart did: cache operations, barriers, and what the bounce buffer told. */
class TracedPort : public fake::Port {
  public:
    TracedPort() : fake::Port({{kLow, 2 * kMiB}, {kHigh, kMiB}}), traced_(*fake::Port::get()) {
        traced_.maintain = [](void *self, ns_port_cache_op op, ns_port_scope, uint64_t address, uint64_t bytes) {
            static const char *const names[] = {"clean", "inval", "flush"};
            of(self).note(names[op], address - fake::kLinear, bytes);
        };
        traced_.barrier = [](void *self) { of(self).trace.push_back("barrier"); };
        traced_.bounce = [](void *self, ns_bounce_event what, uint64_t slot, uint64_t, uint64_t bytes) {
            static const char *const names[] = {"mapped", "in", "out", "unmapped"};
            of(self).note(names[what], slot, bytes);
        };
    }
    const ns_port *get() const { return &traced_; }
    std::string taken() {
        std::string all;
        for (const std::string &one : std::exchange(trace, {}))
            all += (all.empty() ? "" : " ") + one;
        return all;
    }
    std::vector<std::string> trace;
    uint64_t first = 0, length = 0; /* of the last thing noted */

  private:
    static TracedPort &of(void *self) { return static_cast<TracedPort &>(*static_cast<fake::Port *>(self)); }
    void note(const char *what, uint64_t at, uint64_t bytes) {
        trace.push_back(what);
        first = at;
        length = bytes;
    }
    ns_port traced_;
};

struct Options {
    ns_dma_platform platform = NS_PLATFORM_TEXTBOOK;
    ns_swiotlb_version version = NS_SWIOTLB_5_18;
    ns_dma_bounce bounce = NS_DMA_BOUNCE_WHEN_NEEDED;
    bool buffer = true, panics = false, kmalloc = false;
    size_t capacity = 16;
    unsigned bits = 0;
};

struct Bounced {
    explicit Bounced(const Options &options = {}) {
        const ns_frame_region low = {kLow, 2 * kMiB};
        const ns_zone_limits limits = {0, 4 * kGiB};
        EXPECT_EQ(ns_frames_create(port.get(), &low, 1, &limits, &frames), NS_POOL_OK);
        ns_swiotlb_config pool{};
        pool.slots = NS_SWIOTLB_SEGMENT_SLOTS;
        pool.version = options.version;
        if (options.buffer) {
            EXPECT_EQ(ns_swiotlb_create(port.get(), frames, &pool, &swiotlb), NS_POOL_OK);
        }
        ns_dma_config config = fake::dma_config(options.platform, options.capacity);
        config.swiotlb = swiotlb;
        config.bounce = options.bounce;
        config.panics_without_buffer = options.panics;
        config.bounce_unaligned_kmalloc = options.kmalloc;
        config.dma_addr_bits = options.bits;
        EXPECT_EQ(ns_dma_create(port.get(), &config, &dma), NS_POOL_OK);
    }
    ~Bounced() {
        while (ns_dma_live_count(dma) != 0) {
            const ns_dma_mapping m = ns_dma_live_mapping(dma, 0);
            (void)ns_dma_unmap(dma, m.device, m.bus, m.length, m.direction, NS_DMA_SKIP_CPU_SYNC);
        }
        EXPECT_EQ(ns_dma_destroy(dma), NS_POOL_OK);
        EXPECT_EQ(ns_swiotlb_destroy(swiotlb), NS_POOL_OK) << "slots leaked";
        EXPECT_EQ(ns_frames_destroy(frames), NS_POOL_OK);
        EXPECT_EQ(port.metadata_blocks(), 0u);
    }
    Bounced(const Bounced &) = delete;
    Bounced &operator=(const Bounced &) = delete;

    ns_pool_status map(uint64_t physical, uint64_t length, ns_dma_direction direction, unsigned attributes = 0) {
        return ns_dma_map(dma, &nic, linear(physical), length, direction, attributes, &bus);
    }
    uint64_t slots_in_use() const { return swiotlb ? ns_swiotlb_get_statistics(swiotlb).mappings : 0; }
    size_t said(ns_port_voice voice) {
        size_t count = 0;
        for (const fake::Said &line : std::exchange(port.said, {}))
            count += line.voice == voice;
        return count;
    }
    std::vector<Misuse> misuses() { return std::exchange(port.misuses, {}); }
    void write(uint64_t physical, uint64_t length, uint8_t value) {
        for (uint64_t i = 0; i < length; i++)
            port.memory(physical + i) = value;
    }

    TracedPort port;
    ns_frames *frames = nullptr;
    ns_swiotlb *swiotlb = nullptr;
    ns_dma *dma = nullptr;
    ns_pool_device nic = fake::device_of_32_bits();
    uint64_t bus = 0;
};

/* Linux kernel/dma/direct.h: for the device the copy comes before the cache operation on the slot, for the CPU after
 * it, and the slot is given back last. Textbook operations: clean, invalidate, flush for the device; nothing,
 * invalidate, invalidate for the CPU. */
TEST(MappingBounce, CopiesAndCacheOperationsComeInTheKernelsOrder) {
    struct {
        ns_swiotlb_version version;
        ns_dma_direction direction;
        const char *map, *for_cpu, *for_device, *unmap;
    } const rows[] = {
        {NS_SWIOTLB_5_18, NS_DMA_TO_DEVICE, "mapped in clean barrier", "", "in clean barrier", "unmapped"},
        {NS_SWIOTLB_5_18, NS_DMA_FROM_DEVICE, "mapped in inval barrier", "inval barrier out", "inval barrier",
         "inval barrier out unmapped"},
        {NS_SWIOTLB_5_18, NS_DMA_BIDIRECTIONAL, "mapped in flush barrier", "inval barrier out", "in flush barrier",
         "inval barrier out unmapped"},
        {NS_SWIOTLB_5_10, NS_DMA_TO_DEVICE, "mapped in clean barrier", "", "in clean barrier", "unmapped"},
        {NS_SWIOTLB_5_10, NS_DMA_FROM_DEVICE, "mapped inval barrier", "inval barrier out", "inval barrier",
         "inval barrier out out unmapped"},
        {NS_SWIOTLB_5_17_AA6F, NS_DMA_FROM_DEVICE, "mapped in inval barrier", "inval barrier out", "in inval barrier",
         "inval barrier out unmapped"},
    };
    for (const auto &row : rows) {
        SCOPED_TRACE(testing::Message() << "version " << row.version << ", direction " << row.direction);
        Options options;
        options.version = row.version;
        Bounced b(options);
        ASSERT_EQ(b.map(kHigh + 0x40, 0x80, row.direction), NS_POOL_OK);
        EXPECT_EQ(b.port.taken(), row.map);
        EXPECT_EQ(b.port.first, b.bus) << "the cache operation is on the slot";
        EXPECT_EQ(b.port.length, 0x80u);
        EXPECT_TRUE(ns_swiotlb_holds(b.swiotlb, b.bus));
        EXPECT_EQ(ns_dma_sync_for_cpu(b.dma, &b.nic, b.bus, 0x80, row.direction), NS_POOL_OK);
        EXPECT_EQ(b.port.taken(), row.for_cpu);
        EXPECT_EQ(ns_dma_sync_for_device(b.dma, &b.nic, b.bus, 0x80, row.direction), NS_POOL_OK);
        EXPECT_EQ(b.port.taken(), row.for_device);
        EXPECT_EQ(ns_dma_unmap(b.dma, &b.nic, b.bus, 0x80, row.direction, 0), NS_POOL_OK);
        EXPECT_EQ(b.port.taken(), row.unmap);
        EXPECT_EQ(b.slots_in_use(), 0u);
        EXPECT_TRUE(b.misuses().empty());
    }
}

TEST(MappingBounce, CoherentDevicesGetCopiesAndNoCacheOperations) {
    Bounced b;
    b.nic.coherent = true;
    ASSERT_EQ(b.map(kHigh, 64, NS_DMA_BIDIRECTIONAL), NS_POOL_OK);
    EXPECT_EQ(ns_dma_sync_for_cpu(b.dma, &b.nic, b.bus, 64, NS_DMA_BIDIRECTIONAL), NS_POOL_OK);
    EXPECT_EQ(ns_dma_sync_for_device(b.dma, &b.nic, b.bus, 64, NS_DMA_BIDIRECTIONAL), NS_POOL_OK);
    EXPECT_EQ(ns_dma_unmap(b.dma, &b.nic, b.bus, 64, NS_DMA_BIDIRECTIONAL, 0), NS_POOL_OK);
    EXPECT_EQ(b.port.taken(), "mapped in out in out unmapped");
}

/* 5.10 leaves out the copy with the attribute, since aa6f8dcbab47 the map copies all the same. */
TEST(MappingBounce, SkipCpuSyncLeavesOutTheCacheOperationsAndTheCopyBack) {
    const std::pair<ns_swiotlb_version, const char *> rows[] = {{NS_SWIOTLB_5_10, "mapped unmapped"},
                                                                {NS_SWIOTLB_5_18, "mapped in unmapped"}};
    for (const auto &[version, trace] : rows) {
        Options options;
        options.version = version;
        Bounced b(options);
        ASSERT_EQ(b.map(kHigh, 64, NS_DMA_BIDIRECTIONAL, NS_DMA_SKIP_CPU_SYNC), NS_POOL_OK);
        EXPECT_EQ(ns_dma_unmap(b.dma, &b.nic, b.bus, 64, NS_DMA_BIDIRECTIONAL, NS_DMA_SKIP_CPU_SYNC), NS_POOL_OK);
        EXPECT_EQ(b.port.taken(), trace);
    }
}

TEST(MappingBounce, BytesArriveBothWays) {
    Bounced b;
    b.write(kHigh, 4096, 0x11);
    ASSERT_EQ(b.map(kHigh + 16, 100, NS_DMA_BIDIRECTIONAL), NS_POOL_OK);
    EXPECT_EQ(b.port.memory(b.bus), 0x11);
    EXPECT_EQ(b.port.memory(b.bus + 99), 0x11);
    b.write(b.bus, 100, 0x22); /* the device */
    EXPECT_EQ(ns_dma_sync_range_for_cpu(b.dma, &b.nic, b.bus, 10, 20, NS_DMA_BIDIRECTIONAL), NS_POOL_OK);
    for (uint64_t i = 0; i < 200; i++)
        ASSERT_EQ(b.port.memory(kHigh + i), i >= 26 && i < 46 ? 0x22 : 0x11) << i;
    b.write(kHigh + 16, 100, 0x33); /* the CPU */
    EXPECT_EQ(ns_dma_sync_range_for_device(b.dma, &b.nic, b.bus, 50, 10, NS_DMA_BIDIRECTIONAL), NS_POOL_OK);
    for (uint64_t i = 0; i < 100; i++)
        ASSERT_EQ(b.port.memory(b.bus + i), i >= 50 && i < 60 ? 0x33 : 0x22) << i;
    EXPECT_EQ(ns_dma_unmap(b.dma, &b.nic, b.bus, 100, NS_DMA_BIDIRECTIONAL, 0), NS_POOL_OK);
    for (uint64_t i = 0; i < 200; i++)
        ASSERT_EQ(b.port.memory(kHigh + i), i < 16 || i >= 116 ? 0x11 : i >= 66 && i < 76 ? 0x33 : 0x22) << i;
}

TEST(MappingBounce, EachReasonToBounceAndNoOther) {
    struct {
        const char *what;
        ns_dma_bounce bounce;
        bool untrusted;
        uint64_t physical;
        bool bounced;
        const char *said;
    } const rows[] = {
        {"in reach", NS_DMA_BOUNCE_WHEN_NEEDED, false, kLow + kMiB, false, "in place"},
        {"out of reach", NS_DMA_BOUNCE_WHEN_NEEDED, false, kHigh, true, "does not reach"},
        {"forced", NS_DMA_BOUNCE_FORCE, false, kLow + kMiB, true, "swiotlb=force"},
        {"untrusted", NS_DMA_BOUNCE_WHEN_NEEDED, true, kLow + kMiB, true, "not trusted"},
        {"never, in reach", NS_DMA_BOUNCE_NEVER, false, kLow + kMiB, false, "in place"},
    };
    for (const auto &row : rows) {
        SCOPED_TRACE(row.what);
        Options options;
        options.bounce = row.bounce;
        Bounced b(options);
        b.nic.untrusted = row.untrusted;
        b.port.said.clear();
        ASSERT_EQ(b.map(row.physical, 64, NS_DMA_TO_DEVICE), NS_POOL_OK);
        EXPECT_EQ(b.slots_in_use(), row.bounced ? 1u : 0u);
        EXPECT_EQ(ns_swiotlb_holds(b.swiotlb, b.bus), row.bounced);
        EXPECT_TRUE(b.port.heard(row.said));
        const ns_dma_mapping mapping = ns_dma_find_bus(b.dma, b.bus);
        EXPECT_EQ(mapping.physical, row.physical);
        EXPECT_EQ(mapping.slot, row.bounced ? b.bus : NS_DMA_MAPPING_ERROR);
        EXPECT_EQ(ns_dma_find(b.dma, linear(row.physical), 1).bus, b.bus) << "found by the caller's memory";
    }
}

/* Lines of 64 bytes; kmalloc caches of 8, 16, 32, 64, 96, 128 and 192 bytes; from 128 bytes on all are aligned. */
TEST(MappingBounce, SmallKmallocsThatMayShareALineBounce) {
    struct {
        uint64_t length;
        bool bounced;
    } const rows[] = {{1, true},  {8, true},  {32, true},  {33, false},  {64, false},
                      {65, true}, {96, true}, {97, false}, {127, false}, {128, false}};
    for (const auto &row : rows) {
        SCOPED_TRACE(row.length);
        for (ns_dma_direction direction : {NS_DMA_FROM_DEVICE, NS_DMA_BIDIRECTIONAL, NS_DMA_TO_DEVICE}) {
            for (bool coherent : {false, true}) {
                for (bool enabled : {true, false}) {
                    Options options;
                    options.kmalloc = enabled;
                    Bounced b(options);
                    b.nic.coherent = coherent;
                    ASSERT_EQ(b.map(kLow + kMiB, row.length, direction), NS_POOL_OK);
                    const bool bounced = row.bounced && enabled && !coherent && direction != NS_DMA_TO_DEVICE;
                    EXPECT_EQ(b.slots_in_use(), bounced ? 1u : 0u);
                }
            }
        }
    }
}

TEST(MappingBounce, WithoutABufferTheKernelWarnsOrPanics) {
    struct {
        const char *what;
        ns_dma_bounce bounce;
        bool buffer, panics, untrusted;
        uint64_t physical;
        ns_pool_status status;
        size_t warnings, bugs;
    } const rows[] = {
        {"5.15", NS_DMA_BOUNCE_WHEN_NEEDED, false, false, false, kHigh, NS_POOL_ERROR_NOT_ADDRESSABLE, 1, 0},
        {"5.10", NS_DMA_BOUNCE_WHEN_NEEDED, false, true, false, kHigh, NS_POOL_ERROR_NOT_ADDRESSABLE, 0, 1},
        {"5.10, in reach", NS_DMA_BOUNCE_WHEN_NEEDED, false, true, false, kLow, NS_POOL_OK, 0, 0},
        {"noforce", NS_DMA_BOUNCE_NEVER, true, false, false, kHigh, NS_POOL_ERROR_NOT_ADDRESSABLE, 1, 0},
        {"5.10, noforce", NS_DMA_BOUNCE_NEVER, false, true, false, kHigh, NS_POOL_ERROR_NOT_ADDRESSABLE, 1, 0},
        {"forced", NS_DMA_BOUNCE_FORCE, false, false, false, kLow, NS_POOL_ERROR_EXHAUSTED, 1, 0},
        {"5.10, forced", NS_DMA_BOUNCE_FORCE, false, true, false, kLow, NS_POOL_ERROR_EXHAUSTED, 0, 1},
        {"untrusted", NS_DMA_BOUNCE_WHEN_NEEDED, false, false, true, kLow, NS_POOL_ERROR_EXHAUSTED, 1, 0},
    };
    for (const auto &row : rows) {
        SCOPED_TRACE(row.what);
        Options options;
        options.bounce = row.bounce;
        options.buffer = row.buffer;
        options.panics = row.panics;
        Bounced b(options);
        b.nic.untrusted = row.untrusted;
        b.port.said.clear();
        EXPECT_EQ(b.map(row.physical, 64, NS_DMA_TO_DEVICE), row.status);
        EXPECT_EQ(b.bus == NS_DMA_MAPPING_ERROR, row.status != NS_POOL_OK);
        EXPECT_EQ(ns_dma_live_count(b.dma), row.status == NS_POOL_OK ? 1u : 0u);
        EXPECT_EQ(b.port.taken(), row.status == NS_POOL_OK ? "clean barrier" : "");
        const auto said = b.port.said;
        EXPECT_EQ(b.said(NS_SAY_WARN), row.warnings);
        b.port.said = said;
        EXPECT_EQ(b.said(NS_SAY_BUG), row.bugs);
    }
}

TEST(MappingBounce, AFullBufferOrASlotOutOfReachIsAnErrorAndLeaksNothing) {
    Options options;
    options.capacity = 200;
    Bounced b(options);
    for (int i = 0; i < NS_SWIOTLB_SEGMENT_SLOTS; i++)
        ASSERT_EQ(b.map(kHigh + static_cast<uint64_t>(i) * 64, 64, NS_DMA_TO_DEVICE), NS_POOL_OK);
    b.port.taken();
    EXPECT_EQ(b.map(kHigh, 64, NS_DMA_TO_DEVICE), NS_POOL_ERROR_EXHAUSTED);
    EXPECT_EQ(b.bus, NS_DMA_MAPPING_ERROR);
    EXPECT_EQ(b.port.taken(), "");
    EXPECT_EQ(ns_dma_live_count(b.dma), static_cast<size_t>(NS_SWIOTLB_SEGMENT_SLOTS));

    Bounced c;
    c.nic.dma_mask = kLow - 1; /* not even the slots */
    EXPECT_EQ(c.map(kHigh, 64, NS_DMA_TO_DEVICE), NS_POOL_ERROR_NOT_ADDRESSABLE);
    EXPECT_EQ(c.slots_in_use(), 0u);
    EXPECT_EQ(ns_dma_live_count(c.dma), 0u);
    EXPECT_EQ(c.map(kHigh, NS_SWIOTLB_LARGEST + 1, NS_DMA_TO_DEVICE), NS_POOL_ERROR_EXHAUSTED) << "one segment at most";
}

/* dma_addr_t of 32 bits, first RAM at 1 GiB: cut to 32 bits, the bus address of high RAM lies below it. */
TEST(MappingBounce, AnAddressThatDoesNotFitDmaAddrBounces) {
    Options options;
    options.bits = 32;
    Bounced b(options);
    b.nic.dma_mask = UINT64_MAX;
    const ns_frame_region ram[] = {{kLow, 2 * kMiB}, {kHigh, kMiB}};
    ns_dma_config config = fake::dma_config();
    config.swiotlb = b.swiotlb;
    config.dma_addr_bits = 32;
    config.ram = ram;
    config.ram_count = 2;
    ns_dma *dma = nullptr;
    ASSERT_EQ(ns_dma_create(b.port.get(), &config, &dma), NS_POOL_OK);
    uint64_t bus = 0;
    EXPECT_EQ(ns_dma_map(dma, &b.nic, linear(kHigh), 64, NS_DMA_TO_DEVICE, 0, &bus), NS_POOL_OK);
    EXPECT_TRUE(ns_swiotlb_holds(b.swiotlb, bus));
    EXPECT_EQ(ns_dma_unmap(dma, &b.nic, bus, 64, NS_DMA_TO_DEVICE, 0), NS_POOL_OK);
    EXPECT_EQ(ns_dma_destroy(dma), NS_POOL_OK);
}

TEST(MappingBounce, MismatchedUnmapsFreeTheWholeSlot) {
    struct {
        const char *what;
        uint64_t length;
        ns_dma_direction direction;
        bool resource;
        std::vector<ns_port_misuse> told;
        const char *trace; /* after a map from-device of 5000 bytes */
    } const rows[] = {
        {"right", 5000, NS_DMA_FROM_DEVICE, false, {}, "inval barrier out unmapped"},
        {"shorter", 64, NS_DMA_FROM_DEVICE, false, {NS_MISUSE_UNMAP_SIZE}, "inval barrier out unmapped"},
        {"longer", 8000, NS_DMA_FROM_DEVICE, false, {NS_MISUSE_UNMAP_SIZE}, "inval barrier out unmapped"},
        {"direction", 5000, NS_DMA_TO_DEVICE, false, {NS_MISUSE_UNMAP_DIRECTION}, "unmapped"},
        {"function", 5000, NS_DMA_FROM_DEVICE, true, {NS_MISUSE_FREE_FUNCTION}, "unmapped"},
    };
    for (const auto &row : rows) {
        SCOPED_TRACE(row.what);
        Bounced b;
        ASSERT_EQ(b.map(kHigh, 5000, NS_DMA_FROM_DEVICE), NS_POOL_OK);
        b.port.taken();
        const auto unmap = row.resource ? ns_dma_unmap_resource : ns_dma_unmap;
        EXPECT_EQ(unmap(b.dma, &b.nic, b.bus, row.length, row.direction, 0),
                  row.told.empty() ? NS_POOL_OK : NS_POOL_ERROR_MISUSE);
        EXPECT_EQ(b.port.taken(), row.trace);
        std::vector<Misuse> told;
        for (ns_port_misuse what : row.told)
            told.push_back({what, b.bus, row.length});
        EXPECT_EQ(b.misuses(), told) << "told once";
        EXPECT_EQ(b.slots_in_use(), 0u);
        EXPECT_EQ(ns_swiotlb_get_statistics(b.swiotlb).used, 0u);
    }
}

TEST(MappingBounce, WhatIsNotLiveIsNotCopied) {
    Bounced b;
    ASSERT_EQ(b.map(kHigh, 64, NS_DMA_BIDIRECTIONAL), NS_POOL_OK);
    b.port.taken();
    const uint64_t free_slot = b.bus + 8 * NS_SWIOTLB_SLOT_SIZE;
    EXPECT_EQ(ns_dma_sync_for_cpu(b.dma, &b.nic, free_slot, 64, NS_DMA_BIDIRECTIONAL), NS_POOL_ERROR_MISUSE);
    EXPECT_EQ(ns_dma_unmap(b.dma, &b.nic, free_slot, 64, NS_DMA_BIDIRECTIONAL, 0), NS_POOL_ERROR_MISUSE);
    EXPECT_EQ(b.port.taken(), "inval barrier inval barrier");
    EXPECT_EQ(b.misuses(), (std::vector<Misuse>{{NS_MISUSE_UNMAP_UNKNOWN, free_slot, 64},
                                                {NS_MISUSE_UNMAP_UNKNOWN, free_slot, 64}}));
    /* From the mapping on and over its end: the copy ends with it. */
    EXPECT_EQ(ns_dma_sync_range_for_cpu(b.dma, &b.nic, b.bus, 32, 64, NS_DMA_BIDIRECTIONAL), NS_POOL_ERROR_MISUSE);
    EXPECT_EQ(b.port.taken(), "inval barrier out");
    EXPECT_EQ(b.port.length, 32u);
    EXPECT_EQ(b.misuses(), (std::vector<Misuse>{{NS_MISUSE_SYNC_RANGE, b.bus + 32, 64}}));
    /* Behind its end: nothing of it. */
    EXPECT_EQ(ns_dma_sync_range_for_cpu(b.dma, &b.nic, b.bus, 64, 8, NS_DMA_BIDIRECTIONAL), NS_POOL_ERROR_MISUSE);
    EXPECT_EQ(b.port.taken(), "inval barrier");
    EXPECT_EQ(b.slots_in_use(), 1u);
}

/* A slot has lines of its own; only bytes that two mappings share are in danger. */
TEST(MappingBounce, NeighboursInOneLineAreSafeWhenBounced) {
    Bounced b;
    ASSERT_EQ(b.map(kHigh, 32, NS_DMA_FROM_DEVICE), NS_POOL_OK);
    ASSERT_EQ(b.map(kHigh + 32, 32, NS_DMA_FROM_DEVICE), NS_POOL_OK);
    EXPECT_TRUE(b.misuses().empty());
    ASSERT_EQ(b.map(kHigh + 63, 32, NS_DMA_FROM_DEVICE), NS_POOL_OK);
    EXPECT_EQ(b.misuses(), (std::vector<Misuse>{{NS_MISUSE_MAP_OVERLAP, linear(kHigh + 63), 32}}));
}

TEST(MappingBounce, AListThatFailsGivesBackItsSlots) {
    constexpr size_t kCount = 5;
    for (size_t bad = 0; bad < kCount; bad++) {
        SCOPED_TRACE(bad);
        Bounced b;
        ns_scatterlist list[kCount]{};
        for (size_t i = 0; i < kCount; i++) {
            list[i].virtual_address = linear(kHigh + i * 0x1000);
            list[i].length = i == bad ? NS_SWIOTLB_LARGEST + 1 : 100; /* too large for a segment */
        }
        size_t mapped = 99;
        EXPECT_EQ(ns_dma_map_sg(b.dma, &b.nic, list, kCount, NS_DMA_FROM_DEVICE, 0, &mapped), NS_POOL_ERROR_EXHAUSTED);
        EXPECT_EQ(mapped, 0u);
        std::string trace;
        for (size_t i = 0; i < bad; i++)
            trace += (i ? " " : "") + std::string("mapped in inval barrier");
        for (size_t i = 0; i < bad; i++)
            trace += " unmapped"; /* DMA_ATTR_SKIP_CPU_SYNC: no cache operation, no copy */
        EXPECT_EQ(b.port.taken(), trace);
        EXPECT_EQ(b.slots_in_use(), 0u);
        EXPECT_EQ(ns_dma_live_count(b.dma), 0u);
    }
}

} // namespace
