/* SPDX-License-Identifier: Apache-2.0 */
#include "fake_port.h"
#include "pool/buffer_pool.h"

#include <algorithm>

namespace {

using fake::kGiB;
using fake::kMiB;
using fake::linear;

struct Pool {
    Pool(fake::Machine &machine, size_t count, const ns_buffer_pool_options *options = nullptr) {
        EXPECT_EQ(ns_buffer_pool_create(machine.port.get(), machine.frames, count, options, &pool), NS_POOL_OK);
    }
    ns_buffer allocate() {
        ns_buffer buffer{};
        EXPECT_EQ(ns_buffer_pool_allocate(pool, &buffer), NS_POOL_OK);
        return buffer;
    }
    ns_buffer_address address(ns_buffer buffer) {
        ns_buffer_address result{};
        EXPECT_EQ(ns_buffer_pool_address(pool, buffer, &result), NS_POOL_OK);
        return result;
    }
    struct ns_buffer_pool_statistics statistics() {
        return ns_buffer_pool_get_statistics(pool);
    }
    void destroy() { EXPECT_EQ(ns_buffer_pool_destroy(pool), NS_POOL_OK); }
    ns_buffer_pool *pool = nullptr;
};

TEST(BufferPool, HandsOutEachBufferOnceInAFrameOfItsOwn) {
    fake::Machine machine;
    Pool pool(machine, NS_BUFFER_COUNT_MAX);
    std::set<uint64_t> frames;
    std::vector<ns_buffer> buffers;
    for (int i = 0; i < NS_BUFFER_COUNT_MAX; i++) {
        buffers.push_back(pool.allocate());
        const ns_buffer_address address = pool.address(buffers.back());
        EXPECT_EQ(address.physical % NS_FRAME_SIZE, 0u);
        EXPECT_EQ(address.virtual_address, linear(address.physical));
        EXPECT_EQ(address.bus, address.physical);
        frames.insert(address.physical);
    }
    EXPECT_EQ(frames.size(), 512u);
    ns_buffer none{};
    EXPECT_EQ(ns_buffer_pool_allocate(pool.pool, &none), NS_POOL_ERROR_EXHAUSTED);
    EXPECT_EQ(pool.statistics().failed_allocations, 1u);
    for (const ns_buffer &buffer : buffers)
        EXPECT_EQ(ns_buffer_pool_release(pool.pool, buffer), NS_POOL_OK);
    pool.destroy();
}

TEST(BufferPool, RefusesCountsAndLimitsOutOfRange) {
    fake::Machine machine;
    ns_buffer_pool *pool = nullptr;
    EXPECT_EQ(ns_buffer_pool_create(machine.port.get(), machine.frames, 0, nullptr, &pool), NS_POOL_ERROR_ARGUMENT);
    EXPECT_EQ(ns_buffer_pool_create(machine.port.get(), machine.frames, 513, nullptr, &pool), NS_POOL_ERROR_ARGUMENT);
    ns_buffer_pool_options options{};
    options.limit = 4095;
    EXPECT_EQ(ns_buffer_pool_create(machine.port.get(), machine.frames, 1, &options, &pool), NS_POOL_ERROR_ARGUMENT);
    EXPECT_EQ(ns_buffer_pool_destroy(nullptr), NS_POOL_OK);
}

TEST(BufferPool, FramesLieWhollyBelowTheLimit) {
    struct {
        const char *what;
        uint64_t limit; /* 0: the default, 4 GiB */
        size_t total;
    } const rows[] = {
        {"default: only the 4 frames below 4 GiB", 0, 4}, {"3 whole frames and a half", 4 * kGiB - 0x800, 3},
        {"one byte short of 4 frames", 4 * kGiB - 1, 3},  {"one frame", 4 * kGiB - 0x3000, 1},
        {"above the DMA zone too", 4 * kGiB + 0x1000, 5}, {"all", UINT64_MAX, 8},
    };
    for (const auto &row : rows) {
        SCOPED_TRACE(row.what);
        fake::Machine machine({{4 * kGiB - 0x4000, 0x8000}});
        ns_buffer_pool_options options{};
        options.limit = row.limit;
        Pool pool(machine, 100, &options);
        EXPECT_EQ(pool.statistics().requested, 100u);
        EXPECT_EQ(pool.statistics().total, row.total);
        EXPECT_EQ(pool.statistics().free, row.total);
        for (size_t i = 0; i < row.total; i++)
            EXPECT_LE(pool.address(pool.allocate()).physical + 0xfff, (row.limit ? row.limit : 4 * kGiB) - 1);
        EXPECT_EQ(ns_buffer_pool_destroy(pool.pool), NS_POOL_ERROR_BUSY);
        for (uint32_t i = 0; i < row.total; i++)
            EXPECT_EQ(ns_buffer_pool_release(pool.pool, {i, 1}), NS_POOL_OK);
        pool.destroy();
    }
}

TEST(BufferPool, NothingBelowTheLimitIsExhausted) {
    fake::Machine machine({{4 * kGiB, kMiB}});
    ns_buffer_pool *pool = nullptr;
    EXPECT_EQ(ns_buffer_pool_create(machine.port.get(), machine.frames, 1, nullptr, &pool), NS_POOL_ERROR_EXHAUSTED);
    EXPECT_EQ(machine.port.metadata_blocks(), 1u);
}

/* VeridianOS D1 and D2: frames that are skipped must neither shift the indices nor come back for ever. The device sees
 * only the upper half of RAM; more rejects than one book-keeping chunk holds lie before the first usable frame. */
TEST(BufferPool, SetsUnusableFramesAsideUntilThePoolIsComplete) {
    fake::Machine machine({{0x8000'0000, 256 * 0x1000}});
    const ns_bus_range window = {0x8008'0000, 0, 0x8'0000}; /* frames 128 to 255 */
    ns_pool_device nic{};
    nic.dma_mask = 0xffff'ffff;
    nic.ranges = &window;
    nic.range_count = 1;
    ns_buffer_pool_options options{};
    options.device = &nic;
    Pool pool(machine, 4, &options);
    EXPECT_EQ(pool.statistics().total, 4u);
    EXPECT_EQ(pool.statistics().rejected_frames, 128u);
    EXPECT_EQ(machine.free_frames(), 252u) << "the rejects were given back";
    std::vector<ns_buffer> buffers;
    for (uint32_t i = 0; i < 4; i++) {
        buffers.push_back(pool.allocate());
        EXPECT_EQ(buffers[i].index, i);
        EXPECT_EQ(pool.address(buffers[i]).physical, 0x8008'0000u + 0x1000 * i);
        EXPECT_EQ(pool.address(buffers[i]).bus, 0x1000u * i);
    }
    for (const ns_buffer &buffer : buffers)
        EXPECT_EQ(ns_buffer_pool_release(pool.pool, buffer), NS_POOL_OK);
    pool.destroy();

    nic.dma_mask = 0; /* reaches nothing but what bus_dma_limit says */
    nic.bus_dma_limit = 0x7fe;
    ns_buffer_pool *none = nullptr;
    EXPECT_EQ(ns_buffer_pool_create(machine.port.get(), machine.frames, 4, &options, &none),
              NS_POOL_ERROR_NOT_ADDRESSABLE);
    nic.bus_dma_limit = 0x7ff; /* exactly the 2048 bytes of the first frame in the window */
    Pool one(machine, 4, &options);
    EXPECT_EQ(one.statistics().total, 1u);
    one.destroy();
}

/* D11: dirty zeros left in the cache would be written back over what a device stored. */
TEST(BufferPool, ZeroesWholeFramesAndLeavesNoDirtyLine) {
    fake::Machine machine({{0x8000'0000, 0x4000}});
    for (uint64_t i = 0; i < 0x4000; i++)
        machine.port.memory(0x8000'0000 + i) = 0xA5;
    Pool pool(machine, 4);
    for (uint64_t i = 0; i < 0x4000; i++)
        ASSERT_EQ(machine.port.memory(0x8000'0000 + i), 0) << i;
    EXPECT_FALSE(machine.port.dirty(0x8000'0000, 0x4000));
    EXPECT_EQ(machine.port.log.back(), fake::barrier());
    pool.destroy();
}

/* D12 */
TEST(BufferPool, ZeroOnAllocateHidesThePreviousPacket) {
    for (bool coherent : {false, true}) {
        fake::Machine machine({{0x8000'0000, 0x1000}});
        ns_pool_device nic{};
        nic.dma_mask = UINT64_MAX;
        nic.coherent = coherent;
        ns_buffer_pool_options options{};
        options.device = &nic;
        options.zero_on_allocate = true;
        Pool pool(machine, 1, &options);
        const ns_buffer first = pool.allocate();
        machine.port.get()->store(&machine.port, pool.address(first).virtual_address + 2040, 8, 0x5ec2e7);
        EXPECT_EQ(ns_buffer_pool_release(pool.pool, first), NS_POOL_OK);
        const ns_buffer second = pool.allocate();
        EXPECT_EQ(machine.port.memory(0x8000'0000 + 2040), 0);
        EXPECT_EQ(machine.port.dirty(0x8000'0000, 0x1000), coherent) << "a device that snoops needs no flush";
        EXPECT_EQ(ns_buffer_pool_release(pool.pool, second), NS_POOL_OK);
        pool.destroy();
    }
}

TEST(BufferPool, LastReleaseReturnsTheBuffer) {
    fake::Machine machine;
    Pool pool(machine, 1);
    const ns_buffer buffer = pool.allocate();
    EXPECT_EQ(ns_buffer_pool_references(pool.pool, buffer), 1u);
    EXPECT_EQ(ns_buffer_pool_acquire(pool.pool, buffer), NS_POOL_OK);
    EXPECT_EQ(ns_buffer_pool_references(pool.pool, buffer), 2u);
    EXPECT_EQ(ns_buffer_pool_release(pool.pool, buffer), NS_POOL_OK);
    EXPECT_EQ(pool.statistics().in_use, 1u);
    EXPECT_EQ(ns_buffer_pool_release(pool.pool, buffer), NS_POOL_OK);
    EXPECT_EQ(pool.statistics().in_use, 0u);
    EXPECT_EQ(pool.statistics().deallocations, 1u);
    EXPECT_EQ(ns_buffer_pool_references(pool.pool, buffer), 0u);
    pool.destroy();
}

TEST(BufferPool, ReusesTheOldestFreeBufferFirst) {
    fake::Machine machine;
    Pool pool(machine, 3);
    ns_buffer buffers[3];
    for (ns_buffer &buffer : buffers)
        buffer = pool.allocate();
    for (int i : {1, 0, 2})
        EXPECT_EQ(ns_buffer_pool_release(pool.pool, buffers[i]), NS_POOL_OK);
    for (uint32_t index : {1u, 0u, 2u}) {
        const ns_buffer again = pool.allocate();
        EXPECT_EQ(again.index, index);
        EXPECT_EQ(again.generation, 2u);
        EXPECT_EQ(ns_buffer_pool_release(pool.pool, again), NS_POOL_OK);
    }
    pool.destroy();
}

TEST(BufferPool, FindsTheBufferThatHoldsAnAddress) {
    fake::Machine machine({{0x8000'0000, 0x2000}});
    Pool pool(machine, 2);
    const ns_buffer buffer = pool.allocate();
    const uint64_t start = pool.address(buffer).virtual_address;
    ns_buffer found{};
    ASSERT_TRUE(ns_buffer_pool_find(pool.pool, start + 2047, &found));
    EXPECT_EQ(found.index, buffer.index);
    EXPECT_EQ(found.generation, buffer.generation);
    EXPECT_FALSE(ns_buffer_pool_find(pool.pool, start + 2048, &found)) << "the frame's spare half";
    EXPECT_FALSE(ns_buffer_pool_find(pool.pool, start + 4096, &found)) << "a free buffer";
    EXPECT_FALSE(ns_buffer_pool_find(pool.pool, 0, &found));
    EXPECT_EQ(ns_buffer_pool_release(pool.pool, buffer), NS_POOL_OK);
    pool.destroy();
}

/* D5, D6, D7, D8 */
TEST(BufferPool, ToldOfEveryStaleOrForeignHandle) {
    fake::Machine machine({{0x8000'0000, 0x1000}});
    Pool pool(machine, 1);
    const ns_buffer stale = pool.allocate();
    EXPECT_EQ(ns_buffer_pool_release(pool.pool, stale), NS_POOL_OK);
    struct {
        const char *what;
        ns_buffer handle;
        ns_port_misuse misuse;
        uint64_t address, length;
    } const rows[] = {
        {"double free", stale, NS_MISUSE_DOUBLE_FREE, linear(0x8000'0000), 2048},
        {"generation that is yet to come", {0, 9}, NS_MISUSE_FOREIGN_FREE, linear(0x8000'0000), 2048},
        {"no handle at all", {0, 0}, NS_MISUSE_FOREIGN_FREE, linear(0x8000'0000), 2048},
        {"no such buffer", {1, 1}, NS_MISUSE_FOREIGN_FREE, 0, 0},
    };
    for (bool owned : {false, true}) { /* free, and then in the hands of a new owner */
        const ns_buffer owner = owned ? pool.allocate() : ns_buffer{};
        for (const auto &row : rows) {
            SCOPED_TRACE(testing::Message() << row.what << (owned ? ", new owner" : ""));
            machine.port.misuses.clear();
            EXPECT_EQ(ns_buffer_pool_acquire(pool.pool, row.handle), NS_POOL_ERROR_MISUSE);
            ns_buffer_address address{};
            EXPECT_EQ(ns_buffer_pool_address(pool.pool, row.handle, &address), NS_POOL_ERROR_MISUSE);
            EXPECT_TRUE(machine.port.misuses.empty());
            EXPECT_EQ(ns_buffer_pool_release(pool.pool, row.handle), NS_POOL_ERROR_MISUSE);
            EXPECT_EQ(machine.port.misuses, (std::vector<fake::Misuse>{{row.misuse, row.address, row.length}}));
            EXPECT_EQ(pool.statistics().in_use, owned ? 1u : 0u);
        }
        if (owned) {
            EXPECT_EQ(ns_buffer_pool_references(pool.pool, owner), 1u);
            machine.port.misuses.clear();
            EXPECT_EQ(ns_buffer_pool_destroy(pool.pool), NS_POOL_ERROR_BUSY);
            EXPECT_EQ(machine.port.misuses[0].what, NS_MISUSE_DESTROY_BUSY);
            EXPECT_EQ(ns_buffer_pool_release(pool.pool, owner), NS_POOL_OK);
        }
    }
    EXPECT_EQ(pool.statistics().misuses, 16u);
    pool.destroy();
}

TEST(BufferPool, MetadataFailureAtAnyCallLeaksNothing) {
    const ns_bus_range window = {0x8008'0000, 0, 0x8'0000};
    ns_pool_device nic{};
    nic.dma_mask = 0xffff'ffff;
    nic.ranges = &window;
    nic.range_count = 1;
    ns_buffer_pool_options options{};
    options.device = &nic;
    int failures = 0;
    for (int n = 0;; n++) {
        fake::Machine machine({{0x8000'0000, 256 * 0x1000}});
        machine.port.fail_metadata_at = n;
        ns_buffer_pool *pool = nullptr;
        const ns_pool_status status = ns_buffer_pool_create(machine.port.get(), machine.frames, 4, &options, &pool);
        if (status == NS_POOL_OK) {
            EXPECT_EQ(ns_buffer_pool_destroy(pool), NS_POOL_OK);
            break;
        }
        failures++;
        EXPECT_EQ(status, NS_POOL_ERROR_METADATA);
        EXPECT_EQ(machine.free_frames(), 256u);
        EXPECT_EQ(machine.port.metadata_blocks(), 1u);
        EXPECT_TRUE(machine.port.misuses.empty());
    }
    EXPECT_GE(failures, 3) << "the pool, and 128 rejects in more than one chunk";
}

TEST(BufferPool, RandomSequencesKeepTheAccounts) {
    const uint64_t seed = fake::seed();
    SCOPED_TRACE(testing::Message() << "NS_TEST_SEED=" << seed);
    fake::Random random(seed);
    fake::Machine machine;
    Pool pool(machine, 37);
    std::vector<ns_buffer> references, stale; /* one entry for each reference held */
    uint64_t allocated = 0, failed = 0, misused = 0;
    for (int step = 0; step < 50000; step++) {
        const uint64_t what = random.below(10);
        if (what < 4) {
            ns_buffer buffer{};
            const ns_pool_status status = ns_buffer_pool_allocate(pool.pool, &buffer);
            if (status == NS_POOL_OK) {
                for (const ns_buffer &other : references)
                    ASSERT_NE(other.index, buffer.index) << "two owners, step " << step;
                references.push_back(buffer);
                allocated++;
            } else {
                failed++;
            }
        } else if (what < 5 && !references.empty()) {
            references.push_back(references[random.below(references.size())]);
            ASSERT_EQ(ns_buffer_pool_acquire(pool.pool, references.back()), NS_POOL_OK);
        } else if (what < 9 && !references.empty()) {
            const size_t victim = random.below(references.size());
            const ns_buffer buffer = references[victim];
            references.erase(references.begin() + static_cast<std::ptrdiff_t>(victim));
            ASSERT_EQ(ns_buffer_pool_release(pool.pool, buffer), NS_POOL_OK);
            if (ns_buffer_pool_references(pool.pool, buffer) == 0)
                stale.push_back(buffer);
        } else if (!stale.empty()) {
            ASSERT_EQ(ns_buffer_pool_release(pool.pool, stale[random.below(stale.size())]), NS_POOL_ERROR_MISUSE);
            misused++;
        }
        std::set<uint32_t> in_use;
        for (const ns_buffer &buffer : references)
            in_use.insert(buffer.index);
        const ns_buffer_pool_statistics statistics = pool.statistics();
        ASSERT_EQ(statistics.in_use, in_use.size());
        ASSERT_EQ(statistics.free + statistics.in_use, 37u);
        ASSERT_EQ(statistics.allocations, allocated);
        ASSERT_EQ(statistics.allocations - statistics.deallocations, statistics.in_use);
        ASSERT_EQ(statistics.failed_allocations, failed);
        ASSERT_EQ(statistics.misuses, misused);
    }
    EXPECT_GT(failed, 0u);
    EXPECT_GT(misused, 0u);
    for (const ns_buffer &buffer : references)
        EXPECT_EQ(ns_buffer_pool_release(pool.pool, buffer), NS_POOL_OK);
    pool.destroy();
}

} // namespace
