/* SPDX-License-Identifier: Apache-2.0 */
#include "fake_port.h"
#include "pool/cma.h"

namespace {

using fake::kGiB;
using fake::kMiB;

constexpr uint64_t kRam = 0x8000'0000; /* RAM below: 1 GiB from here on */

struct Boot {
    std::vector<ns_frame_region> ram = {{kRam, kGiB}};
    std::vector<ns_frame_region> reserved;
    ns_zone_limits zones = {0, 4 * kGiB};
    unsigned areas = 0;
    ns_cma_memory memory() const { return {ram.data(), ram.size(), reserved.data(), reserved.size(), zones, areas}; }
};

ns_cma_request wish(uint64_t size, uint64_t base = 0, bool fixed = false, uint64_t limit = 0, uint64_t alignment = 0) {
    ns_cma_request request{};
    request.size = size;
    request.base = base;
    request.fixed = fixed;
    request.limit = limit;
    request.alignment = alignment;
    return request;
}

TEST(CmaDeclare, ChoosesTheHighestPlaceBelowTheLimit) {
    fake::Port port;
    Boot plain, holes, regions;
    holes.reserved = {{kRam + kGiB - 5 * kMiB, kMiB}, {kRam, 16 * kMiB}};
    /* Neighbours count as one piece of RAM; then a hole, then 6 MiB that hold one aligned piece of 4. */
    regions.ram = {{kRam + 64 * kMiB, 6 * kMiB}, {kRam + 16 * kMiB, 16 * kMiB}, {kRam, 16 * kMiB}};
    struct {
        const char *name;
        const Boot &boot;
        ns_cma_request request;
        uint64_t base, size;
    } const rows[] = {
        {"at the end of RAM", plain, wish(16 * kMiB), kRam + kGiB - 16 * kMiB, 16 * kMiB},
        {"size rounds up to 4 MiB", plain, wish(1), kRam + kGiB - 4 * kMiB, 4 * kMiB},
        {"below a limit, which rounds down", plain, wish(4 * kMiB, 0, false, kRam + 31 * kMiB), kRam + 24 * kMiB,
         4 * kMiB},
        {"a limit above RAM", plain, wish(4 * kMiB, 0, false, 64 * kGiB), kRam + kGiB - 4 * kMiB, 4 * kMiB},
        {"larger alignment", plain, wish(4 * kMiB, 0, false, 0, 64 * kMiB), kRam + kGiB - 64 * kMiB, 64 * kMiB},
        {"smaller alignment is raised", plain, wish(4 * kMiB, 0, false, kRam + 6 * kMiB, 4096), kRam, 4 * kMiB},
        {"base is the lowest that may be", plain, wish(4 * kMiB, kRam + 1, false, kRam + 8 * kMiB), kRam + 4 * kMiB,
         4 * kMiB},
        {"under what is reserved", holes, wish(8 * kMiB), kRam + kGiB - 16 * kMiB, 8 * kMiB},
        {"between two reserved ones", holes, wish(4 * kMiB), kRam + kGiB - 4 * kMiB, 4 * kMiB},
        {"all that is left", holes, wish(1000 * kMiB), kRam + 16 * kMiB, 1000 * kMiB},
        {"in the highest region", regions, wish(4 * kMiB), kRam + 64 * kMiB, 4 * kMiB},
        {"not over the hole", regions, wish(8 * kMiB), kRam + 24 * kMiB, 8 * kMiB},
        {"over neighbouring regions", regions, wish(32 * kMiB), kRam, 32 * kMiB},
        {"fixed", plain, wish(8 * kMiB, kRam + 12 * kMiB, true), kRam + 12 * kMiB, 8 * kMiB},
        {"fixed at 0 is not fixed", plain, wish(8 * kMiB, 0, true), kRam + kGiB - 8 * kMiB, 8 * kMiB},
        {"fixed outside of RAM, below its end", regions, wish(4 * kMiB, kRam + 40 * kMiB, true), kRam + 40 * kMiB,
         4 * kMiB},
    };
    for (const auto &row : rows) {
        SCOPED_TRACE(row.name);
        const ns_cma_memory memory = row.boot.memory();
        ns_frame_region area = {0, 0};
        ASSERT_EQ(ns_cma_declare(port.get(), &memory, &row.request, &area), NS_POOL_OK);
        EXPECT_EQ(area.base, row.base);
        EXPECT_EQ(area.length, row.size);
    }
}

TEST(CmaDeclare, RefusesAsTheKernelDoes) {
    fake::Port port;
    Boot plain, full, low, none;
    full.areas = NS_CMA_AREAS_MAX;
    low.ram = {{0, 8 * kMiB}};
    none.ram.clear();
    Boot taken;
    taken.reserved = {{kRam + 8 * kMiB, 1}};
    Boot broken;
    broken.ram = {{UINT64_MAX - 0xfff, 0x2000}};
    ns_cma_request odd_bits = wish(4 * kMiB), many_bits = wish(4 * kMiB), odd_minimum = wish(4 * kMiB),
                   small_minimum = wish(4 * kMiB);
    odd_bits.order_per_bit = 11; /* 8 MiB for a bit, 4 MiB of alignment */
    many_bits.order_per_bit = UINT32_MAX;
    odd_minimum.minimum_alignment = 3 * kMiB;
    small_minimum.minimum_alignment = 2048;
    struct {
        const char *name;
        const Boot &boot;
        ns_cma_request request;
        ns_pool_status status;
    } const rows[] = {
        {"no slot, which is found first", full, wish(0), NS_POOL_ERROR_METADATA},
        {"zero size", plain, wish(0), NS_POOL_ERROR_ARGUMENT},
        {"alignment 3", plain, wish(4 * kMiB, 0, false, 0, 3), NS_POOL_ERROR_ARGUMENT},
        {"fixed and not aligned", plain, wish(4 * kMiB, kRam + kMiB, true), NS_POOL_ERROR_ARGUMENT},
        {"fixed and not aligned to its wish", plain, wish(4 * kMiB, kRam + 4 * kMiB, true, 0, 8 * kMiB),
         NS_POOL_ERROR_ARGUMENT},
        {"bits larger than the alignment", plain, odd_bits, NS_POOL_ERROR_ARGUMENT},
        {"bits larger than memory", plain, many_bits, NS_POOL_ERROR_ARGUMENT},
        {"minimum 3 MiB", plain, odd_minimum, NS_POOL_ERROR_ARGUMENT},
        {"minimum below a page", plain, small_minimum, NS_POOL_ERROR_ARGUMENT},
        {"larger than the limit", plain, wish(8 * kMiB, 0, false, 4 * kMiB), NS_POOL_ERROR_ARGUMENT},
        {"base and size over the limit", plain, wish(8 * kMiB, kRam + 4 * kMiB, false, kRam + 8 * kMiB),
         NS_POOL_ERROR_ARGUMENT},
        {"fixed over the end of RAM", plain, wish(8 * kMiB, kRam + kGiB - 4 * kMiB, true), NS_POOL_ERROR_ARGUMENT},
        {"no RAM", none, wish(4 * kMiB), NS_POOL_ERROR_ARGUMENT},
        {"size wraps when rounded", plain, wish(UINT64_MAX), NS_POOL_ERROR_ARGUMENT},
        {"base wraps when rounded", plain, wish(4 * kMiB, UINT64_MAX), NS_POOL_ERROR_ARGUMENT},
        {"base and size wrap", plain, wish(UINT64_C(1) << 63, UINT64_C(1) << 63), NS_POOL_ERROR_ARGUMENT},
        {"RAM that leaves the address space", broken, wish(4 * kMiB), NS_POOL_ERROR_ARGUMENT},
        {"fixed on one byte that is taken", taken, wish(4 * kMiB, kRam + 8 * kMiB, true), NS_POOL_ERROR_BUSY},
        {"nothing free", taken, wish(4 * kMiB, kRam + 8 * kMiB, false, kRam + 12 * kMiB), NS_POOL_ERROR_EXHAUSTED},
        {"page 0 is never given", low, wish(8 * kMiB), NS_POOL_ERROR_EXHAUSTED},
        {"more than the free RAM", plain, wish(kGiB + 4 * kMiB), NS_POOL_ERROR_EXHAUSTED},
    };
    for (const auto &row : rows) {
        SCOPED_TRACE(row.name);
        const ns_cma_memory memory = row.boot.memory();
        ns_frame_region area = {0x77, 0x77};
        EXPECT_EQ(ns_cma_declare(port.get(), &memory, &row.request, &area), row.status);
        EXPECT_EQ(area.base, 0x77u);
    }
}

TEST(CmaDeclare, AnAreaThatIsNotInOneZoneOfRamIsDisabled) {
    fake::Port port;
    Boot straddling, holed, good;
    straddling.ram = {{4 * kGiB - 16 * kMiB, 32 * kMiB}};
    holed.ram = {{kRam, 8 * kMiB}, {kRam + 12 * kMiB, 8 * kMiB}};
    good.ram = {{kRam, 8 * kMiB}, {kRam + 8 * kMiB, 8 * kMiB}};
    struct {
        const Boot &boot;
        uint64_t base, size;
        bool enabled;
    } const rows[] = {
        {straddling, 4 * kGiB - 4 * kMiB, 8 * kMiB, false},
        {straddling, 4 * kGiB - 8 * kMiB, 8 * kMiB, true},
        {straddling, 4 * kGiB, 8 * kMiB, true},
        {holed, kRam + 4 * kMiB, 12 * kMiB, false},
        {holed, kRam + 8 * kMiB, 4 * kMiB, false},
        {good, kRam + 4 * kMiB, 8 * kMiB, true},
    };
    for (const auto &row : rows) {
        SCOPED_TRACE(testing::Message() << std::hex << row.base);
        port.said.clear();
        ns_cma_config config{};
        config.memory = row.boot.memory();
        config.request = wish(row.size, row.base, true);
        ns_cma *cma = nullptr;
        ASSERT_EQ(ns_cma_create(port.get(), &config, &cma), NS_POOL_OK);
        EXPECT_EQ(ns_cma_get_base(cma), row.base);
        EXPECT_EQ(ns_cma_get_size(cma), row.enabled ? row.size : 0);
        EXPECT_EQ(port.heard("could not be activated"), !row.enabled);
        uint64_t physical = 0;
        EXPECT_EQ(ns_cma_alloc(cma, 1, 0, true, &physical), row.enabled ? NS_POOL_OK : NS_POOL_ERROR_EXHAUSTED);
        EXPECT_EQ(ns_cma_release(cma, row.base, 1), row.enabled);
        if (!row.enabled) {
            EXPECT_EQ(ns_cma_place_movable(cma, 1, &physical), NS_POOL_ERROR_EXHAUSTED);
        }
        EXPECT_EQ(ns_cma_destroy(cma), NS_POOL_OK);
    }
}

TEST(CmaDeclare, CreationPassesErrorsOnAndKeepsNothing) {
    fake::Port port;
    Boot boot;
    ns_cma_config config{};
    config.memory = boot.memory();
    config.request = wish(0);
    ns_cma *cma = nullptr;
    EXPECT_EQ(ns_cma_create(port.get(), &config, &cma), NS_POOL_ERROR_ARGUMENT);
    config.request = wish(4 * kMiB);
    port.fail_metadata_at = 0;
    EXPECT_EQ(ns_cma_create(port.get(), &config, &cma), NS_POOL_ERROR_METADATA);
    EXPECT_EQ(cma, nullptr);
    EXPECT_EQ(port.metadata_blocks(), 0u);
    EXPECT_EQ(ns_cma_destroy(nullptr), NS_POOL_OK);
}

TEST(CmaDeclare, APlaceIsAlwaysFreeRamAndNoneIsMissed) {
    const uint64_t seed = fake::seed();
    SCOPED_TRACE(testing::Message() << "NS_TEST_SEED=" << seed);
    fake::Random random(seed);
    fake::Port port;
    constexpr uint64_t kUnit = 4096, kUnits = 64;
    int placed = 0, refused = 0;
    for (int round = 0; round < 4000; round++) {
        std::vector<bool> free(kUnits, false);
        Boot boot;
        boot.ram.clear();
        for (uint64_t at = random.below(3); at < kUnits; at += random.below(4)) {
            const uint64_t count = std::min(1 + random.below(24), kUnits - at);
            boot.ram.push_back({at * kUnit, count * kUnit});
            std::fill_n(free.begin() + static_cast<long>(at), count, true);
            at += count;
        }
        for (uint64_t i = random.below(5); i > 0; i--) {
            const uint64_t at = random.below(kUnits), count = 1 + random.below(4);
            boot.reserved.push_back({at * kUnit, count * kUnit});
            for (uint64_t j = at; j < std::min(at + count, kUnits); j++)
                free[j] = false;
        }
        free[0] = false;
        const uint64_t align = UINT64_C(1) << random.below(4), size = align * (1 + random.below(3));
        const uint64_t lowest = align * random.below(4), limit = align * (1 + random.below(kUnits / align));
        int64_t expected = -1;
        for (uint64_t at = lowest; at + size <= limit && at + size <= kUnits; at += align)
            if (std::all_of(free.begin() + static_cast<long>(at), free.begin() + static_cast<long>(at + size),
                            [](bool is_free) { return is_free; }))
                expected = static_cast<int64_t>(at);
        ns_cma_request request = wish(size * kUnit, lowest * kUnit, false, limit * kUnit, align * kUnit);
        request.minimum_alignment = kUnit;
        const ns_cma_memory memory = boot.memory();
        ns_frame_region area = {0, 0};
        const ns_pool_status status = ns_cma_declare(port.get(), &memory, &request, &area);
        ASSERT_EQ(status == NS_POOL_OK, expected >= 0) << "round " << round << ": " << status;
        if (expected >= 0) {
            ASSERT_EQ(area.base, static_cast<uint64_t>(expected) * kUnit) << "round " << round;
        }
        (expected >= 0 ? placed : refused)++;
        port.said.clear();
    }
    EXPECT_GT(placed, 400);
    EXPECT_GT(refused, 400);
}

} // namespace
