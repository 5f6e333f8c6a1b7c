/* SPDX-License-Identifier: Apache-2.0 */
#include "fake_port.h"
#include "pool/coherent.h"

namespace {

using fake::Event;
using fake::kGiB;
using fake::kMiB;
using fake::linear;

ns_pool_device device(unsigned bits = 32) {
    ns_pool_device result{};
    result.name = "nic";
    result.coherent_dma_mask = result.dma_mask = bits == 64 ? UINT64_MAX : (UINT64_C(1) << bits) - 1;
    return result;
}

struct Block {
    uint64_t address = 1, bus = 1;
};

TEST(Coherent, FlushesTheLinearAliasThenRemapsThenZeroes) {
    fake::Machine machine({{0x8000'0000, kMiB}});
    const ns_pool_device nic = device();
    machine.port.get()->store(&machine.port, linear(0x8000'0040), 8, 0x1122); /* a former owner's dirty line */
    Block block;
    ASSERT_EQ(ns_coherent_alloc(machine.port.get(), machine.frames, &nic, 5000, nullptr, &block.address, &block.bus),
              NS_POOL_OK);
    EXPECT_EQ(block.bus, 0x8000'0000u);
    EXPECT_EQ(machine.port.log,
              (std::vector<Event>{fake::maintain(NS_PORT_FLUSH, linear(0x8000'0000), 0x2000), fake::barrier(),
                                  fake::remap(0x8000'0000, 0x2000), fake::fill(block.address, 0x2000)}));
    EXPECT_FALSE(machine.port.dirty(0x8000'0000, 0x2000));
    EXPECT_EQ(machine.port.memory(0x8000'0040), 0);
    EXPECT_EQ(ns_coherent_free(machine.port.get(), machine.frames, &nic, 5000, block.address, block.bus), NS_POOL_OK);
    EXPECT_EQ(machine.port.remaps(), 0u);
}

/* linux-5.10 with the T-Head patch: dma_alloc_coherent, and the pools that are filled before the flush is enabled. */
TEST(Coherent, OptionsReproduceThePublishedOrders) {
    const uint64_t pa = 0x8000'0000;
    const Event flush = fake::maintain(NS_PORT_FLUSH, linear(pa), 0x1000);
    const Event cached_zero = fake::fill(linear(pa), 0x1000);
    const Event nc_zero = fake::fill(fake::kRemaps, 0x1000);
    const Event remap = fake::remap(pa, 0x1000);
    struct {
        const char *what;
        ns_coherent_options options;
        std::vector<Event> order;
        bool dirty;
    } const rows[] = {
        {"correct", {false, false, false}, {flush, fake::barrier(), remap, nc_zero}, false},
        {"flush missing", {true, false, false}, {remap, nc_zero}, true},
        {"T-Head 5.10", {false, true, false}, {cached_zero, flush, fake::barrier(), remap, nc_zero}, false},
        {"T-Head 5.10 at boot", {true, true, true}, {cached_zero, remap}, true},
        {"content left to the flush", {false, true, true}, {cached_zero, flush, fake::barrier(), remap}, false},
    };
    for (const auto &row : rows) {
        SCOPED_TRACE(row.what);
        fake::Machine machine({{pa, kMiB}});
        const ns_pool_device nic = device();
        machine.port.get()->store(&machine.port, linear(pa), 8, 1);
        Block block;
        ASSERT_EQ(
            ns_coherent_alloc(machine.port.get(), machine.frames, &nic, 1, &row.options, &block.address, &block.bus),
            NS_POOL_OK);
        EXPECT_EQ(machine.port.log, row.order);
        EXPECT_EQ(machine.port.dirty(pa, 0x1000), row.dirty) << "what a later eviction writes over the device's data";
        EXPECT_EQ(ns_coherent_free(machine.port.get(), machine.frames, &nic, 1, block.address, block.bus), NS_POOL_OK);
    }
}

TEST(Coherent, DeviceDeclaredCoherentUsesTheLinearMapping) {
    fake::Machine machine;
    ns_pool_device nic = device();
    nic.coherent = true;
    Block block;
    ASSERT_EQ(ns_coherent_alloc(machine.port.get(), machine.frames, &nic, 4096, nullptr, &block.address, &block.bus),
              NS_POOL_OK);
    EXPECT_EQ(block.address, linear(block.bus));
    EXPECT_EQ(machine.port.log, (std::vector<Event>{fake::fill(block.address, 4096)}));
    EXPECT_EQ(ns_coherent_free(machine.port.get(), machine.frames, &nic, 4096, block.address, block.bus), NS_POOL_OK);
}

TEST(Coherent, TakesPagesThatTheCoherentMaskReaches) {
    const std::vector<ns_frame_region> ram = {{0x8000'0000, kMiB}, {4 * kGiB, kMiB}, {64 * kGiB, kMiB}};
    const ns_bus_range high_window[] = {{4 * kGiB, 0, kMiB}};                  /* only the middle RAM, seen at bus 0 */
    const ns_bus_range late_window[] = {{0x8008'0000, 0x1000'0000, 0x8'0000}}; /* the upper half of the low RAM */
    const ns_bus_range small_window[] = {{0x8000'0000, 0, 0x1000}};
    struct {
        const char *what;
        unsigned bits;
        uint64_t bus_limit;
        const ns_bus_range *ranges;
        ns_pool_status status;
        uint64_t bus;
    } const rows[] = {
        {"64 bits: normal memory", 64, 0, nullptr, NS_POOL_OK, 4 * kGiB},
        {"33 bits: normal memory, low end", 33, 0, nullptr, NS_POOL_OK, 4 * kGiB},
        {"32 bits: DMA zone", 32, 0, nullptr, NS_POOL_OK, 0x8000'0000},
        {"64 bits behind a 32-bit bus", 64, 0xffff'ffff, nullptr, NS_POOL_OK, 0x8000'0000},
        {"31 bits: nothing in reach", 31, 0, nullptr, NS_POOL_ERROR_NOT_ADDRESSABLE, NS_DMA_MAPPING_ERROR},
        {"window onto normal memory", 32, 0, high_window, NS_POOL_OK, 0},
        {"window that the first fit misses", 32, 0, late_window, NS_POOL_OK, 0x1000'0000},
        {"window smaller than the block", 32, 0, small_window, NS_POOL_ERROR_NOT_ADDRESSABLE, NS_DMA_MAPPING_ERROR},
        {"window out of the mask", 24, 0, late_window, NS_POOL_ERROR_NOT_ADDRESSABLE, NS_DMA_MAPPING_ERROR},
    };
    for (const auto &row : rows) {
        SCOPED_TRACE(row.what);
        fake::Machine machine(ram);
        ns_pool_device nic = device(row.bits);
        nic.bus_dma_limit = row.bus_limit;
        nic.ranges = row.ranges;
        nic.range_count = row.ranges ? 1 : 0;
        const uint64_t before = machine.free_frames();
        Block block;
        EXPECT_EQ(
            ns_coherent_alloc(machine.port.get(), machine.frames, &nic, 0x1800, nullptr, &block.address, &block.bus),
            row.status);
        EXPECT_EQ(block.bus, row.bus);
        if (row.status == NS_POOL_OK) {
            EXPECT_EQ(ns_coherent_free(machine.port.get(), machine.frames, &nic, 0x1800, block.address, block.bus),
                      NS_POOL_OK);
        } else {
            EXPECT_EQ(block.address, 0u);
        }
        EXPECT_EQ(machine.free_frames(), before);
    }
}

/* A 36-bit device gets a NORMAL page it cannot reach and must be retried in the DMA zone (__dma_direct_alloc_pages). */
TEST(Coherent, RetriesInTheLowerZone) {
    fake::Machine machine({{0x8000'0000, kMiB}, {128 * kGiB, kMiB}});
    const ns_pool_device nic = device(36);
    Block block;
    ASSERT_EQ(ns_coherent_alloc(machine.port.get(), machine.frames, &nic, 4096, nullptr, &block.address, &block.bus),
              NS_POOL_OK);
    EXPECT_EQ(block.bus, 0x8000'0000u);
    EXPECT_EQ(ns_frames_free_count(machine.frames, NS_POOL_ZONE_NORMAL), 256u);
    EXPECT_EQ(ns_coherent_free(machine.port.get(), machine.frames, &nic, 4096, block.address, block.bus), NS_POOL_OK);
}

TEST(Coherent, BlocksAreAlignedToTheirSizeRoundedUp) {
    fake::Machine machine({{0x8000'1000, 4 * kMiB}});
    const ns_pool_device nic = device();
    for (uint64_t frames : {1, 2, 3, 4, 5, 9, 16}) {
        Block block;
        ASSERT_EQ(ns_coherent_alloc(machine.port.get(), machine.frames, &nic, frames * 4096, nullptr, &block.address,
                                    &block.bus),
                  NS_POOL_OK);
        uint64_t alignment = 4096;
        while (alignment < frames * 4096)
            alignment *= 2;
        EXPECT_EQ(block.bus % alignment, 0u) << frames;
        EXPECT_EQ(ns_coherent_free(machine.port.get(), machine.frames, &nic, frames * 4096, block.address, block.bus),
                  NS_POOL_OK);
    }
}

TEST(Coherent, FailuresGiveEverythingBack) {
    fake::Machine machine;
    const ns_pool_device nic = device();
    const uint64_t before = machine.free_frames();
    Block block;
    const auto alloc = [&](uint64_t size) {
        return ns_coherent_alloc(machine.port.get(), machine.frames, &nic, size, nullptr, &block.address, &block.bus);
    };
    EXPECT_EQ(alloc(0), NS_POOL_ERROR_ARGUMENT);
    EXPECT_EQ(alloc(65 * kMiB), NS_POOL_ERROR_EXHAUSTED);
    EXPECT_EQ(alloc(UINT64_MAX), NS_POOL_ERROR_EXHAUSTED);
    machine.port.fail_remap = true;
    EXPECT_EQ(alloc(4096), NS_POOL_ERROR_EXHAUSTED);
    EXPECT_EQ(block.address, 0u);
    EXPECT_EQ(block.bus, NS_DMA_MAPPING_ERROR);
    EXPECT_EQ(machine.free_frames(), before);
}

TEST(Coherent, RefusesAFreeWhoseArgumentsDoNotBelongTogether) {
    fake::Machine machine;
    const ns_pool_device nic = device();
    Block a, b, gone;
    for (Block *block : {&a, &b, &gone})
        ASSERT_EQ(
            ns_coherent_alloc(machine.port.get(), machine.frames, &nic, 0x2000, nullptr, &block->address, &block->bus),
            NS_POOL_OK);
    ASSERT_EQ(ns_coherent_free(machine.port.get(), machine.frames, &nic, 0x2000, gone.address, gone.bus), NS_POOL_OK);
    struct {
        const char *what;
        uint64_t size, address, bus;
        ns_port_misuse misuse;
    } const rows[] = {
        {"again", 0x2000, gone.address, gone.bus, NS_MISUSE_DOUBLE_FREE},
        {"the other's handle", 0x2000, a.address, b.bus, NS_MISUSE_FOREIGN_FREE},
        {"too small", 0x1000, a.address, a.bus, NS_MISUSE_FOREIGN_FREE},
        {"too large", 0x4000, a.address, a.bus, NS_MISUSE_FOREIGN_FREE},
        {"middle", 0x1000, a.address + 0x1000, a.bus + 0x1000, NS_MISUSE_FOREIGN_FREE},
        {"no memory", 0x2000, a.address, 1 * kGiB, NS_MISUSE_FOREIGN_FREE},
        {"unmapped", 0x2000, 0x1000, a.bus, NS_MISUSE_FOREIGN_FREE},
    };
    for (const auto &row : rows) {
        SCOPED_TRACE(row.what);
        machine.port.misuses.clear();
        EXPECT_EQ(ns_coherent_free(machine.port.get(), machine.frames, &nic, row.size, row.address, row.bus),
                  NS_POOL_ERROR_MISUSE);
        EXPECT_EQ(machine.port.misuses, (std::vector<fake::Misuse>{{row.misuse, row.address, row.size}}));
        EXPECT_TRUE(machine.holds(a.bus, 2));
        EXPECT_TRUE(machine.holds(b.bus, 2));
        EXPECT_EQ(machine.port.remaps(), 2u);
    }
    for (Block *block : {&a, &b})
        EXPECT_EQ(ns_coherent_free(machine.port.get(), machine.frames, &nic, 0x2000, block->address, block->bus),
                  NS_POOL_OK);
}

TEST(Coherent, RandomSequencesNeverOverlapAndGiveAllBack) {
    const uint64_t seed = fake::seed();
    SCOPED_TRACE(testing::Message() << "NS_TEST_SEED=" << seed);
    fake::Random random(seed);
    fake::Machine machine({{0x8000'0000, kMiB / 2}, {4 * kGiB, kMiB / 2}});
    const ns_pool_device devices[] = {device(32), device(64)};
    struct Live {
        const ns_pool_device *device;
        uint64_t size, address, bus;
    };
    std::vector<Live> live;
    const uint64_t all = machine.free_frames();
    uint64_t held = 0;
    for (int step = 0; step < 3000; step++) {
        if (random.below(2)) {
            Live block = {&devices[random.below(2)], 1 + random.below(random.below(4) ? 8192 : 100'000), 0, 0};
            if (ns_coherent_alloc(machine.port.get(), machine.frames, block.device, block.size, nullptr, &block.address,
                                  &block.bus) != NS_POOL_OK)
                continue;
            ASSERT_LE(block.bus + block.size - 1, block.device->coherent_dma_mask);
            for (const Live &other : live) {
                ASSERT_TRUE(block.bus + block.size <= other.bus || other.bus + other.size <= block.bus);
                ASSERT_TRUE(block.address + block.size <= other.address || other.address + other.size <= block.address);
            }
            held += (block.size + 4095) / 4096;
            live.push_back(block);
        } else if (!live.empty()) {
            const size_t victim = random.below(live.size());
            const Live block = live[victim];
            ASSERT_EQ(ns_coherent_free(machine.port.get(), machine.frames, block.device, block.size, block.address,
                                       block.bus),
                      NS_POOL_OK);
            held -= (block.size + 4095) / 4096;
            live.erase(live.begin() + static_cast<std::ptrdiff_t>(victim));
        }
        ASSERT_EQ(machine.free_frames() + held, all);
        ASSERT_EQ(machine.port.remaps(), live.size());
    }
    for (const Live &block : live)
        EXPECT_EQ(
            ns_coherent_free(machine.port.get(), machine.frames, block.device, block.size, block.address, block.bus),
            NS_POOL_OK);
    EXPECT_TRUE(machine.port.misuses.empty());
}

} // namespace
