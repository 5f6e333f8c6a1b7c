/* SPDX-License-Identifier: Apache-2.0 */
/* kernel/dma/coherent.c. */
#include "fake_direct.h"
#include "pool/device_pool.h"

namespace {

using fake::kGiB;
using fake::kMiB;

constexpr uint64_t kBase = 9 * kGiB + 0x3000; /* on purpose not aligned to more than a page */

struct Pool {
    explicit Pool(uint64_t pages, bool historic = false, bool translate = false) {
        const ns_device_pool_config config = {kBase, 0x4'0000, pages * 4096, translate, historic};
        EXPECT_EQ(ns_device_pool_create(port.get(), &config, &pool), NS_POOL_OK);
        EXPECT_EQ(port.log.size(), 1u) << "one remap";
        port.log.clear();
    }
    ~Pool() { EXPECT_EQ(ns_device_pool_destroy(pool), NS_POOL_OK); }
    ns_pool_status alloc(uint64_t size) { return ns_device_pool_alloc(pool, &nic, size, &address, &bus); }
    uint64_t page() const { return (bus - 0x4'0000) / 4096; }

    fake::Port port;
    ns_pool_device nic{};
    ns_device_pool *pool = nullptr;
    uint64_t address = 0, bus = 0;
};

/* bitmap_find_free_region(get_order(size)): each block on a multiple of its size, counted from the region's start. */
TEST(DevicePool, BlocksArePowersOfTwoAlignedToTheirSizeFromTheStart) {
    Pool pool(16);
    struct {
        uint64_t size, page, used;
    } const rows[] = {{1, 0, 1}, {2 * 4096, 2, 3}, {3 * 4096, 4, 7}, {4096, 1, 8}, {4 * 4096 + 1, 8, 16}};
    std::vector<std::pair<uint64_t, uint64_t>> live;
    for (const auto &row : rows) {
        ASSERT_EQ(pool.alloc(row.size), NS_POOL_OK);
        EXPECT_EQ(pool.page(), row.page);
        EXPECT_EQ(ns_device_pool_used_pages(pool.pool), row.used);
        EXPECT_EQ(pool.port.translate(pool.address), kBase + row.page * 4096);
        EXPECT_EQ(pool.port.type_of(pool.address), NS_PORT_NC);
        EXPECT_EQ(pool.port.log.back(), fake::fill(pool.address, row.size));
        live.emplace_back(pool.address, row.size);
    }
    EXPECT_EQ(pool.alloc(1), NS_POOL_ERROR_EXHAUSTED);
    for (const auto &[address, size] : live)
        EXPECT_EQ(ns_device_pool_free(pool.pool, size, address), NS_POOL_OK);
}

TEST(DevicePool, NothingLargerThanTheRegion) {
    Pool pool(12); /* no power of two: 9 pages need 16 */
    EXPECT_EQ(pool.alloc(12 * 4096), NS_POOL_ERROR_EXHAUSTED);
    EXPECT_EQ(pool.alloc(UINT64_MAX), NS_POOL_ERROR_EXHAUSTED);
    EXPECT_EQ(pool.alloc(0), NS_POOL_ERROR_ARGUMENT);
    EXPECT_EQ(pool.bus, 0u) << "the handle stays as it was";
    ASSERT_EQ(pool.alloc(8 * 4096), NS_POOL_OK);
    EXPECT_EQ(ns_device_pool_free(pool.pool, 8 * 4096, pool.address), NS_POOL_OK);
}

TEST(DevicePool, HandleOfADeviceTreeRegionIsTranslated) {
    Pool pool(4, false, true);
    const ns_bus_range range = {9 * kGiB, 0x1000'0000, kMiB};
    pool.nic.ranges = &range;
    pool.nic.range_count = 1;
    ASSERT_EQ(pool.alloc(4096), NS_POOL_OK);
    EXPECT_EQ(pool.bus, 0x1000'3000u);
    EXPECT_EQ(ns_device_pool_free(pool.pool, 4096, pool.address), NS_POOL_OK);
    const ns_bus_range elsewhere = {0, 0, kMiB};
    pool.nic.ranges = &elsewhere;
    EXPECT_EQ(pool.alloc(4096), NS_POOL_ERROR_NOT_ADDRESSABLE);
    EXPECT_EQ(ns_device_pool_used_pages(pool.pool), 0u);
}

TEST(DevicePool, OneRegionForEachDevice) {
    Pool a(1), b(1);
    ns_pool_device nic{};
    EXPECT_EQ(ns_device_pool_assign(&nic, a.pool), NS_POOL_OK);
    EXPECT_EQ(ns_device_pool_assign(&nic, b.pool), NS_POOL_ERROR_BUSY);
    EXPECT_EQ(nic.device_pool, a.pool);
}

/* The kernel clears bits and looks at nothing. */
TEST(DevicePool, WrongFreesAreSilentInTheKernelAndRefusedHere) {
    for (const bool historic : {true, false}) {
        SCOPED_TRACE(historic);
        Pool pool(8, historic);
        ASSERT_EQ(pool.alloc(4 * 4096), NS_POOL_OK);
        const uint64_t first = pool.address;
        ASSERT_EQ(pool.alloc(2 * 4096), NS_POOL_OK);
        const uint64_t second = pool.address;
        struct {
            const char *what;
            uint64_t size, address;
            uint64_t used_after;
            ns_port_misuse misuse;
        } const rows[] = {
            {"half of it", 2 * 4096, first, 4, NS_MISUSE_FREE_SIZE},
            {"again", 2 * 4096, historic ? first : second + 0x2000, 4, NS_MISUSE_DOUBLE_FREE},
            {"over the end", 8 * 4096, second + 1, 2, NS_MISUSE_FREE_SIZE},
        };
        for (const auto &row : rows) {
            SCOPED_TRACE(row.what);
            pool.port.misuses.clear();
            EXPECT_EQ(ns_device_pool_free(pool.pool, row.size, row.address),
                      historic ? NS_POOL_OK : NS_POOL_ERROR_MISUSE);
            EXPECT_EQ(ns_device_pool_used_pages(pool.pool), historic ? row.used_after : 6u);
            EXPECT_EQ(pool.port.misuses.size(), historic ? 0u : 1u);
            if (!historic) {
                EXPECT_EQ(pool.port.misuses.back().what, row.misuse);
            }
        }
        EXPECT_EQ(ns_device_pool_free(pool.pool, 4096, first - 1), NS_POOL_ERROR_MISUSE);
        EXPECT_EQ(ns_device_pool_destroy(pool.pool), NS_POOL_ERROR_BUSY);
        if (historic) {
            EXPECT_EQ(ns_device_pool_free(pool.pool, 2 * 4096, first + 0x2000), NS_POOL_OK);
        } else {
            EXPECT_EQ(ns_device_pool_free(pool.pool, 4 * 4096, first), NS_POOL_OK);
            EXPECT_EQ(ns_device_pool_free(pool.pool, 2 * 4096, second), NS_POOL_OK);
        }
    }
}

TEST(DevicePool, RefusesBadRegionsAndLeaksNothing) {
    const ns_device_pool_config bad[] = {{kBase, 0, 0, false, false},
                                         {kBase + 1, 0, 4096, false, false},
                                         {kBase, 0, 4097, false, false},
                                         {UINT64_MAX - 4095, 0, 8192, false, false},
                                         {kBase, UINT64_MAX - 4094, 4096, false, false}};
    fake::Port port;
    ns_device_pool *pool = nullptr;
    for (const ns_device_pool_config &config : bad)
        EXPECT_EQ(ns_device_pool_create(port.get(), &config, &pool), NS_POOL_ERROR_ARGUMENT);
    const ns_device_pool_config good = {kBase, 0, 4 * 4096, false, false};
    port.fail_metadata_at = 0;
    EXPECT_EQ(ns_device_pool_create(port.get(), &good, &pool), NS_POOL_ERROR_METADATA);
    for (int n = 0; n < 4; n++) {
        port.fail_set_pte_at = n;
        EXPECT_EQ(ns_device_pool_create(port.get(), &good, &pool), NS_POOL_ERROR_EXHAUSTED);
    }
    EXPECT_EQ(port.metadata_blocks(), 0u);
    EXPECT_EQ(port.remaps(), 0u);
    EXPECT_EQ(ns_device_pool_destroy(nullptr), NS_POOL_OK);
}

TEST(DevicePool, RandomSequencesNeverOverlap) {
    const uint64_t seed = fake::seed();
    SCOPED_TRACE(testing::Message() << "NS_TEST_SEED=" << seed);
    fake::Random random(seed);
    Pool pool(200);
    std::vector<std::pair<uint64_t, uint64_t>> live;
    std::vector<bool> used(200);
    for (int step = 0; step < 5000; step++) {
        const uint64_t size = 1 + random.below(9 * 4096);
        uint64_t pages = 1;
        while (pages * 4096 < size)
            pages *= 2;
        if (random.below(2)) {
            uint64_t expected = 0; /* plain model: the lowest aligned hole */
            for (; expected + pages <= 200; expected += pages)
                if (std::find(used.begin() + static_cast<long>(expected),
                              used.begin() + static_cast<long>(expected + pages),
                              true) == used.begin() + static_cast<long>(expected + pages))
                    break;
            const bool fits = expected + pages <= 200;
            ASSERT_EQ(pool.alloc(size), fits ? NS_POOL_OK : NS_POOL_ERROR_EXHAUSTED);
            if (!fits)
                continue;
            ASSERT_EQ(pool.page(), expected);
            std::fill_n(used.begin() + static_cast<long>(expected), pages, true);
            live.emplace_back(pool.address, size);
        } else if (!live.empty()) {
            const size_t victim = random.below(live.size());
            const auto [address, old_size] = live[victim];
            ASSERT_EQ(ns_device_pool_free(pool.pool, old_size, address), NS_POOL_OK);
            uint64_t count = 1;
            while (count * 4096 < old_size)
                count *= 2;
            std::fill_n(used.begin() + static_cast<long>((pool.port.translate(address) - kBase) / 4096), count, false);
            live.erase(live.begin() + static_cast<long>(victim));
        }
    }
    for (const auto &[address, size] : live)
        ASSERT_EQ(ns_device_pool_free(pool.pool, size, address), NS_POOL_OK);
    EXPECT_TRUE(pool.port.misuses.empty());
}

} // namespace
