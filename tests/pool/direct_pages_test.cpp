/* SPDX-License-Identifier: Apache-2.0 */
/* Zone guess, address test and retries; expectations from kernel/dma/direct.c and contiguous.c. */
#include "fake_direct.h"
#include "pool/cma.h"
#include "pool/direct_pages.h"

namespace {

using fake::kGiB;
using fake::kMiB;

ns_pool_device device(unsigned bits) {
    ns_pool_device result{};
    result.coherent_dma_mask = result.dma_mask = bits == 64 ? UINT64_MAX : (UINT64_C(1) << bits) - 1;
    return result;
}

/* ---- the first guess ------------------------------------------------------------------------- */

TEST(DirectPages, FirstGuessOfTheZone) {
    const ns_bus_range offset[] = {{0x8000'0000, 0, kGiB}};         /* RAM at 2 GiB is bus 0 */
    const ns_bus_range high[] = {{8 * kGiB, 0, UINT64_C(1) << 32}}; /* 4 GiB of bus onto high RAM */
    const ns_bus_range low[] = {{0, 0x8000'0000, 16 * kMiB}};
    struct {
        const char *what;
        unsigned bits;
        uint64_t bus_limit, zone_dma_limit;
        const ns_bus_range *range;
        ns_gfp gfp;
        uint64_t physical_limit;
    } const rows[] = {
        {"64 bits", 64, 0, 0, nullptr, 0, UINT64_MAX},
        {"33 bits", 33, 0, 0, nullptr, 0, 0x1'ffff'ffff},
        {"32 bits: exactly", 32, 0, 0, nullptr, NS_GFP_DMA32, 0xffff'ffff},
        {"30 bits", 30, 0, 0, nullptr, NS_GFP_DMA32, 0x3fff'ffff},
        {"25 bits", 25, 0, 0, nullptr, NS_GFP_DMA32, 0x1ff'ffff},
        {"24 bits: exactly", 24, 0, 0, nullptr, NS_GFP_DMA, 0xff'ffff},
        {"30 bits, zone_dma_bits 30", 30, 0, 0x3fff'ffff, nullptr, NS_GFP_DMA, 0x3fff'ffff},
        {"bus limit below the mask", 64, 0xffff'ffff, 0, nullptr, NS_GFP_DMA32, 0xffff'ffff},
        {"bus limit above the mask", 32, UINT64_MAX, 0, nullptr, NS_GFP_DMA32, 0xffff'ffff},
        {"mask out of the range: no guess", 32, 0, 0, offset, 0, UINT64_MAX},
        {"mask at the end of the range", 30, 0, 0, offset, NS_GFP_DMA32, 0xbfff'ffff},
        {"32 bits onto high RAM", 32, 0, 0, high, 0, 0x2'ffff'ffff},
        {"limit of the bus, translated", 32, 0x80ff'ffff, 0, low, NS_GFP_DMA, 0xff'ffff},
    };
    for (const auto &row : rows) {
        SCOPED_TRACE(row.what);
        ns_dma_direct_config config = ns_dma_direct_preset(NS_DMA_PRESET_RISCV_6_18);
        config.zone_dma_limit = row.zone_dma_limit;
        fake::Kernel machine(config);
        ns_pool_device nic = device(row.bits);
        nic.bus_dma_limit = row.bus_limit;
        nic.ranges = row.range;
        nic.range_count = row.range ? 1 : 0;
        uint64_t limit = 0;
        EXPECT_EQ(ns_dma_direct_optimal_gfp_mask(machine.direct, &nic, &limit), row.gfp);
        EXPECT_EQ(limit, row.physical_limit);
    }
}

/* ---- dma_coherent_ok ------------------------------------------------------------------------- */

/* A 32-bit device on a bus that carries 31 bits, RAM 1:1 except where a range says so. */
TEST(DirectPages, AddressTestAndItsClassicMistakes) {
    const ns_bus_range shifted[] = {{0x8000'0000, 0, 0x8000'0000}};
    const uint64_t end31 = 0x8000'0000, end32 = UINT64_C(1) << 32;
    struct Row {
        const char *what;
        uint64_t bus_limit;
        const ns_bus_range *range;
        uint64_t physical, size;
        /* last byte (Linux), first byte, past end, ignore bus limit, physical */
        bool ok[5];
    } const rows[] = {
        {"well inside", 0, nullptr, 0x1000, 0x1000, {true, true, true, true, true}},
        {"ends at the mask", 0, nullptr, end32 - 0x1000, 0x1000, {true, true, false, true, true}},
        {"sticks out", 0, nullptr, end32 - 0x1000, 0x2000, {false, true, false, false, false}},
        {"begins behind", 0, nullptr, end32, 0x1000, {false, false, false, false, false}},
        {"over the bus limit", end31 - 1, nullptr, end31 - 0x1000, 0x2000, {false, true, false, true, false}},
        {"behind the bus limit", end31 - 1, nullptr, end31, 0x1000, {false, false, false, true, false}},
        {"shifted: bus 0, physical 2 GiB", end31 - 1, shifted, end31, 0x1000, {true, true, true, true, false}},
        {"in no range", 0, shifted, 0x1000, 0x1000, {false, false, false, false, false}},
        {"one byte", 0, nullptr, end32 - 1, 1, {true, true, false, true, true}},
        {"no byte", 0, nullptr, 0x1000, 0, {false, false, false, false, false}},
        {"wraps", 0, nullptr, 0x1000, UINT64_MAX, {false, false, false, false, false}},
    };
    for (const Row &row : rows) {
        for (int test = NS_ADDRESS_LAST_BYTE; test <= NS_ADDRESS_PHYSICAL; test++) {
            SCOPED_TRACE(testing::Message() << row.what << ", test " << test);
            ns_dma_direct_config config = ns_dma_direct_preset(NS_DMA_PRESET_RISCV_6_18);
            config.address_test = static_cast<ns_address_test>(test);
            fake::Kernel machine(config);
            ns_pool_device nic = device(32);
            nic.bus_dma_limit = row.bus_limit;
            nic.ranges = row.range;
            nic.range_count = row.range ? 1 : 0;
            EXPECT_EQ(ns_dma_coherent_ok(machine.direct, &nic, row.physical, row.size), row.ok[test]);
        }
    }
}

/* ---- zones and retries ----------------------------------------------------------------------- */

/* RAM: 8 MiB at 0 (ISA reach), 8 MiB at 1 GiB, 8 MiB at 8 GiB, 8 MiB at 128 GiB. */
const std::vector<ns_frame_region> kFourPlaces = {
    {0, 8 * kMiB}, {kGiB, 8 * kMiB}, {8 * kGiB, 8 * kMiB}, {128 * kGiB, 8 * kMiB}};

struct Fill {
    uint64_t lowest, highest;
};

TEST(DirectPages, RetriesFromNormalToDma32ToDma) {
    const uint64_t isa = 16 * kMiB, none = 0, four = 4 * kGiB;
    const std::vector<Fill> nothing = {};
    const std::vector<Fill> eight = {{8 * kGiB, 128 * kGiB - 1}};
    const std::vector<Fill> one = {{kGiB, four - 1}};
    const std::vector<Fill> below = {{0, 128 * kGiB - 1}};
    const std::vector<Fill> low = {{0, isa - 1}};
    struct {
        const char *what;
        unsigned bits;
        uint64_t zone_dma, zone_dma32;
        std::vector<Fill> full; /* memory that is taken already */
        ns_pool_status status;
        uint64_t physical;
        int tries;
    } const rows[] = {
        {"64 bits", 64, isa, four, nothing, NS_POOL_OK, 8 * kGiB, 1},
        {"36 bits: first fit is in reach", 36, isa, four, nothing, NS_POOL_OK, 8 * kGiB, 1},
        {"36 bits: NORMAL gives what is not", 36, isa, four, eight, NS_POOL_OK, kGiB, 2},
        {"32 bits", 32, isa, four, nothing, NS_POOL_OK, kGiB, 1},
        {"32 bits falls to DMA in the buddy", 32, isa, four, one, NS_POOL_OK, 0, 1},
        {"30 bits: DMA32, then DMA", 30, isa, four, nothing, NS_POOL_OK, 0, 2},
        {"30 bits without ZONE_DMA", 30, none, four, nothing, NS_POOL_OK, 0, 1},
        {"30 bits without ZONE_DMA, low taken", 30, none, four, low, NS_POOL_ERROR_NOT_ADDRESSABLE, 0, 1},
        {"24 bits", 24, isa, four, nothing, NS_POOL_OK, 0, 1},
        {"24 bits, DMA taken", 24, isa, four, low, NS_POOL_ERROR_EXHAUSTED, 0, 1},
        /* GFP_DMA means NORMAL there, and with the flag set DMA32 is never tried. */
        {"24 bits on RISC-V", 24, none, four, nothing, NS_POOL_ERROR_NOT_ADDRESSABLE, 0, 1},
        {"36 bits, one zone only", 36, none, none, below, NS_POOL_ERROR_NOT_ADDRESSABLE, 0, 1},
    };
    for (const auto &row : rows) {
        SCOPED_TRACE(row.what);
        ns_dma_direct_config config = ns_dma_direct_preset(NS_DMA_PRESET_RISCV_6_18);
        fake::Kernel machine(config, kFourPlaces, row.zone_dma32, row.zone_dma);
        std::vector<uint64_t> taken;
        for (const Fill &fill : row.full) {
            const ns_frames_request request = {1, 1, fill.lowest, fill.highest, NS_POOL_ZONE_NORMAL};
            uint64_t frame = 0;
            while (ns_frames_allocate(machine.frames, &request, &frame) == NS_POOL_OK)
                taken.push_back(frame);
        }
        const uint64_t before = machine.free_frames();
        const ns_pool_device nic = device(row.bits);
        uint64_t physical = 0;
        machine.port.said.clear();
        ASSERT_EQ(ns_dma_direct_alloc_pages(machine.direct, &nic, 0x2000, NS_GFP_KERNEL, &physical), row.status);
        EXPECT_EQ(physical, row.physical);
        int tries = 0;
        for (const fake::Said &line : machine.port.said)
            tries += std::string(line.function) == "alloc_pages" || std::string(line.function) == "warn_alloc";
        EXPECT_EQ(tries, row.tries);
        if (row.status == NS_POOL_OK) {
            EXPECT_EQ(ns_dma_free_contiguous(machine.direct, &nic, physical, 0x2000), NS_POOL_OK);
        }
        EXPECT_EQ(machine.free_frames(), before);
        for (uint64_t frame : taken)
            EXPECT_EQ(ns_frames_free(machine.frames, frame, 1), NS_POOL_OK);
    }
}

/* Linux adds the size to the translation of the first byte: a block that runs out of its range passes. The search
 * by range is ours. */
TEST(DirectPages, SearchOfTheRangesFindsWhatTheZonesMiss) {
    const ns_bus_range late[] = {{0x8008'0000, 0x1000'0000, 0x8'0000}}; /* the upper half of the RAM */
    const ns_bus_range small[] = {{0x8000'0000, 0, 0x1000}};
    struct {
        const char *what;
        const ns_bus_range *range;
        unsigned bits;
        bool search;
        ns_pool_status status;
        uint64_t physical;
    } const rows[] = {
        {"Linux gives up", late, 32, false, NS_POOL_ERROR_NOT_ADDRESSABLE, 0},
        {"found", late, 32, true, NS_POOL_OK, 0x8008'0000},
        {"out of the mask", late, 24, true, NS_POOL_ERROR_NOT_ADDRESSABLE, 0},
        {"Linux hands out a hole", small, 32, false, NS_POOL_OK, 0x8000'0000},
        {"refused", small, 32, true, NS_POOL_ERROR_NOT_ADDRESSABLE, 0},
    };
    for (const auto &row : rows) {
        SCOPED_TRACE(row.what);
        ns_dma_direct_config config = ns_dma_direct_preset(NS_DMA_PRESET_RISCV_6_18);
        config.search_ranges = row.search;
        fake::Kernel machine(config, {{0x8000'0000, kMiB}});
        ns_pool_device nic = device(row.bits);
        nic.ranges = row.range;
        nic.range_count = 1;
        uint64_t physical = 0;
        ASSERT_EQ(ns_dma_direct_alloc_pages(machine.direct, &nic, 0x2000, NS_GFP_KERNEL, &physical), row.status);
        EXPECT_EQ(physical, row.physical);
        if (row.status == NS_POOL_OK) {
            EXPECT_EQ(ns_dma_free_contiguous(machine.direct, &nic, physical, 0x2000), NS_POOL_OK);
        }
        EXPECT_EQ(machine.free_frames(), 256u);
    }
}

/* ---- CMA ------------------------------------------------------------------------------------- */

/* An area of its own RAM, outside of the frames. */
struct Area {
    Area(fake::Kernel &machine, uint64_t base, uint64_t size) {
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
        EXPECT_EQ(ns_cma_get_size(cma), size);
    }
    ~Area() { EXPECT_EQ(ns_cma_destroy(cma), NS_POOL_OK); }
    uint64_t taken() const { return ns_cma_get_statistics(cma).taken; }

    ns_cma *cma = nullptr;
};

TEST(DirectPages, WhenCmaIsAsked) {
    enum Where { kBuddy, kDefault, kOwn, kNowhere };
    struct {
        const char *what;
        uint64_t size;
        ns_gfp gfp;
        bool has_default, has_own, own_full, enabled;
        unsigned bits;
        Where where;
    } const rows[] = {
        {"two pages", 0x2000, NS_GFP_KERNEL, true, false, false, true, 64, kDefault},
        {"one page: too small for CMA", 0x1000, NS_GFP_KERNEL, true, false, false, true, 64, kBuddy},
        {"may not block", 0x2000, NS_GFP_ATOMIC, true, false, false, true, 64, kBuddy},
        {"no area", 0x2000, NS_GFP_KERNEL, false, false, false, true, 64, kBuddy},
        {"own area", 0x2000, NS_GFP_KERNEL, true, true, false, true, 64, kOwn},
        {"own area, one page", 0x1000, NS_GFP_KERNEL, true, true, false, true, 64, kOwn},
        {"own area full: the default is not asked", 0x2000, NS_GFP_KERNEL, true, true, true, true, 64, kBuddy},
        {"own area, may not block", 0x2000, NS_GFP_ATOMIC, true, true, false, true, 64, kBuddy},
        {"kernel without CMA", 0x2000, NS_GFP_KERNEL, true, true, false, false, 64, kBuddy},
        {"area out of reach", 0x2000, NS_GFP_KERNEL, true, false, false, true, 32, kBuddy},
    };
    for (const auto &row : rows) {
        SCOPED_TRACE(row.what);
        ns_dma_direct_config config = ns_dma_direct_preset(NS_DMA_PRESET_RISCV_6_18);
        config.dma_cma = row.enabled;
        fake::Kernel machine(config);
        Area common(machine, 8 * kGiB, 16 * kMiB), own(machine, 16 * kGiB, 4 * kMiB);
        machine.direct->config.cma = row.has_default ? common.cma : nullptr;
        ns_pool_device nic = device(row.bits);
        nic.cma_area = row.has_own ? own.cma : nullptr;
        uint64_t filling = 0;
        if (row.own_full) {
            ASSERT_EQ(ns_cma_alloc(own.cma, 1024, 0, true, &filling), NS_POOL_OK);
        }
        uint64_t physical = 0;
        ASSERT_EQ(ns_dma_direct_alloc_pages(machine.direct, &nic, row.size, row.gfp, &physical), NS_POOL_OK);
        EXPECT_EQ(common.taken() != 0, row.where == kDefault);
        EXPECT_EQ(own.taken() != 0, row.where == kOwn || row.own_full);
        EXPECT_EQ(physical < 64 * kMiB, row.where == kBuddy);
        EXPECT_EQ(ns_dma_free_contiguous(machine.direct, &nic, physical, row.size), NS_POOL_OK);
        EXPECT_EQ(common.taken(), 0u);
        EXPECT_EQ(machine.free_frames(), 64 * 256u);
        if (row.own_full) {
            EXPECT_TRUE(ns_cma_release(own.cma, filling, 1024));
        }
    }
}

/* min(get_order(size), CONFIG_CMA_ALIGNMENT): 2 MiB are aligned to 1 MiB by default. */
TEST(DirectPages, CmaAlignmentHasALimit) {
    for (const auto &[alignment, expected] : {std::pair<unsigned, uint64_t>{0, kMiB}, {9, 2 * kMiB}, {2, 0x4000}}) {
        ns_dma_direct_config config = ns_dma_direct_preset(NS_DMA_PRESET_RISCV_6_18);
        config.cma_alignment = alignment;
        fake::Kernel machine(config);
        Area area(machine, 8 * kGiB, 16 * kMiB);
        machine.direct->config.cma = area.cma;
        const ns_pool_device nic = device(64);
        uint64_t first = 0, second = 0;
        ASSERT_EQ(ns_dma_direct_alloc_pages(machine.direct, &nic, 0x2000, NS_GFP_KERNEL, &first), NS_POOL_OK);
        ASSERT_EQ(ns_dma_direct_alloc_pages(machine.direct, &nic, 2 * kMiB, NS_GFP_KERNEL, &second), NS_POOL_OK);
        EXPECT_EQ(second, 8 * kGiB + expected);
        EXPECT_EQ(ns_dma_free_contiguous(machine.direct, &nic, first, 0x2000), NS_POOL_OK);
        EXPECT_EQ(ns_dma_free_contiguous(machine.direct, &nic, second, 2 * kMiB), NS_POOL_OK);
    }
}

/* ---- unchecked free -------------------------------------------------------------------------- */

TEST(DirectPages, UncheckedFreeTakesWhatIsThere) {
    const uint64_t seed = fake::seed();
    SCOPED_TRACE(testing::Message() << "NS_TEST_SEED=" << seed);
    fake::Random random(seed);
    fake::Machine machine({{0, 128 * 4096}, {512 * 4096, 64 * 4096}}, 64 * 4096);
    std::vector<bool> used(1024);
    for (int step = 0; step < 5000; step++) {
        if (random.below(2)) {
            const ns_frames_request request = {1 + random.below(9), 1, 0, UINT64_MAX, NS_POOL_ZONE_NORMAL};
            uint64_t physical = 0;
            if (ns_frames_allocate(machine.frames, &request, &physical) != NS_POOL_OK)
                continue;
            for (uint64_t i = 0; i < request.count; i++) {
                ASSERT_FALSE(used[physical / 4096 + i]);
                used[physical / 4096 + i] = true;
            }
        } else {
            const uint64_t first = random.below(600), count = random.below(12);
            uint64_t expected = 0;
            for (uint64_t i = first; i < first + count; i++) {
                expected += used[i];
                used[i] = false;
            }
            ASSERT_EQ(ns_frames_free_unchecked(machine.frames, first * 4096, count), expected);
        }
        uint64_t free = 0;
        for (uint64_t i = 0; i < 128 + 64; i++)
            free += !used[i < 128 ? i : i + 384];
        ASSERT_EQ(machine.free_frames(), free);
    }
    EXPECT_EQ(ns_frames_free_unchecked(machine.frames, 1, 1), 0u);
    const uint64_t left = 128 + 64 - machine.free_frames();
    EXPECT_EQ(ns_frames_free_unchecked(machine.frames, 0, UINT64_MAX), left);
}

TEST(DirectPages, UncheckedFreeOfAMiddlePartLeavesTwoBlocks) {
    fake::Machine machine({{0, 16 * 4096}});
    const ns_frames_request request = {6, 1, 0, UINT64_MAX, NS_POOL_ZONE_NORMAL};
    uint64_t physical = 1;
    ASSERT_EQ(ns_frames_allocate(machine.frames, &request, &physical), NS_POOL_OK);
    EXPECT_EQ(ns_frames_free_unchecked(machine.frames, 2 * 4096, 1), 1u);
    EXPECT_TRUE(machine.holds(0, 2));
    EXPECT_TRUE(machine.holds(3 * 4096, 3));
    EXPECT_EQ(ns_frames_free(machine.frames, 0, 2), NS_POOL_OK);
    EXPECT_EQ(ns_frames_free(machine.frames, 3 * 4096, 3), NS_POOL_OK);
}

} // namespace
