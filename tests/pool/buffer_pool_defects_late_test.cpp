/* SPDX-License-Identifier: Apache-2.0 */
/* The defects D13 to D21 of the buffer pool (buffer_pool_defects_test.cpp has the others): frames and sizes, locks,
 * statistics, overruns; and whatever a caller does. */
#include "buffer_pool_fixture.h"
#include "interrupts.h"
#include "pool/faithful_frames.h"

#include <algorithm>

namespace {

using namespace buffer_pool_tests;

/* ---- D13 to D15: frames, sizes --------------------------------------------------------------- */

TEST(BufferPoolFaithful, D13_DestroyLosesTheFrames) {
    fake::Machine machine({{kBase, 0x4000}});
    ns_buffer_pool *pool = nullptr;
    const ns_buffer_pool_options options = faithful();
    ASSERT_EQ(ns_buffer_pool_create(machine.port.get(), machine.frames, 4, &options, &pool), NS_POOL_OK);
    ns_buffer buffer{};
    EXPECT_EQ(ns_buffer_pool_allocate(pool, &buffer), NS_POOL_OK);
    EXPECT_EQ(ns_buffer_pool_destroy(pool), NS_POOL_OK) << "with a buffer in use";
    EXPECT_EQ(machine.free_frames(), 0u);
    EXPECT_EQ(machine.port.metadata_blocks(), 1u) << "the book-keeping is not lost";
    for (uint64_t i = 0; i < 4; i++)
        EXPECT_EQ(ns_frames_free(machine.frames, kBase + i * NS_FRAME_SIZE, 1), NS_POOL_OK);
}

TEST(BufferPoolRepaired, D13_DestroyGivesTheFramesBackOrIsBusy) {
    fake::Machine machine({{kBase, 0x4000}});
    Pool pool(machine, 4, repaired());
    const ns_buffer buffer = pool.allocate();
    EXPECT_EQ(ns_buffer_pool_destroy(pool.pool), NS_POOL_ERROR_BUSY);
    EXPECT_EQ(pool.release(buffer), NS_POOL_OK);
    EXPECT_EQ(ns_buffer_pool_destroy(pool.pool), NS_POOL_OK);
    pool.pool = nullptr;
    EXPECT_EQ(machine.free_frames(), 4u);
}

TEST(BufferPoolFaithful, D14_AFrameFreedTwiceIsInTwoAllocators) {
    fake::Machine machine({{kBase, 0x1000}});
    ns_faithful_frames frames{};
    frames.frames = machine.frames;
    uint64_t a = 0, b = 1;
    ASSERT_EQ(ns_faithful_frames_allocate(&frames, NS_POOL_ZONE_NORMAL, 0, &a), NS_POOL_OK);
    EXPECT_EQ(ns_faithful_frames_free(&frames, a), NS_POOL_OK);
    EXPECT_EQ(ns_faithful_frames_free(&frames, a), NS_POOL_OK) << "the bitmap says no, the buddy takes it";
    EXPECT_TRUE(machine.port.misuses.empty());
    ASSERT_EQ(ns_faithful_frames_allocate(&frames, NS_POOL_ZONE_NORMAL, 0, &a), NS_POOL_OK);
    ASSERT_EQ(ns_faithful_frames_allocate(&frames, NS_POOL_ZONE_NORMAL, 0, &b), NS_POOL_OK);
    EXPECT_EQ(a, b) << "two owners of one frame";
    EXPECT_EQ(ns_faithful_frames_allocate(&frames, NS_POOL_ZONE_NORMAL, 0, &b), NS_POOL_ERROR_EXHAUSTED);
    EXPECT_EQ(ns_faithful_frames_free(&frames, a), NS_POOL_OK);
    for (int i = 0; i < NS_FAITHFUL_BUDDY_MAX; i++)
        EXPECT_EQ(ns_faithful_frames_free(&frames, a), NS_POOL_OK);
    EXPECT_EQ(ns_faithful_frames_free(&frames, a), NS_POOL_ERROR_MISUSE) << "no room: an error, not a write behind it";
}

/* Somebody else gives the rejected frame back first: the pool's own free of it fails. */
TEST(BufferPoolFaithful, D14_AFailedFreeOfAFrameIsIgnored) {
    fake::Machine machine(low_and_high());
    static ns_frames *frames;
    frames = machine.frames;
    ns_port port = *machine.port.get();
    port.say = [](void *, ns_port_voice voice, const char *, const char *, uint64_t first, uint64_t) {
        if (voice == NS_SAY_DECISION && first == 4 * kGiB)
            (void)ns_frames_free(frames, first, 1);
    };
    Pool pool(machine, 4, faithful(1), &port);
    EXPECT_EQ(pool.status, NS_POOL_OK);
    EXPECT_EQ(pool.statistics().total, 3u);
    port.say = nullptr;
}

TEST(BufferPoolRepaired, D14_AFailedFreeOfAFrameFailsCreation) {
    fake::Machine machine({{kBase, 0x4000}});
    const ns_bus_range window = {kBase + 0x2000, 0, 0x2000};
    ns_pool_device nic{};
    nic.dma_mask = UINT64_MAX;
    nic.ranges = &window;
    nic.range_count = 1;
    ns_buffer_pool_options options = repaired();
    options.device = &nic;
    fake::Interrupts interrupts(machine);
    interrupts.handler = [&] { (void)ns_frames_free(machine.frames, kBase, 1); }; /* after the first frame is taken */
    /* The frame is then taken, and rejected, twice; the second of the two frees fails. */
    Pool pool(machine, 2, options, &interrupts.port);
    EXPECT_EQ(pool.status, NS_POOL_ERROR_MISUSE);
    ASSERT_EQ(machine.port.misuses.size(), 1u);
    EXPECT_EQ(machine.port.misuses[0].what, NS_MISUSE_DOUBLE_FREE);
    EXPECT_EQ(machine.free_frames(), 4u) << "all else was given back";
    EXPECT_EQ(machine.port.metadata_blocks(), 1u);
}

TEST(BufferPoolFaithful, D15_APoolOfNothingAndASecondSizeAreFine) {
    fake::Machine machine;
    Pool empty(machine, 0, faithful());
    EXPECT_EQ(empty.status, NS_POOL_OK);
    EXPECT_EQ(empty.try_allocate(), NS_POOL_ERROR_EXHAUSTED);
    Pool four(machine, 4, faithful());
    const ns_buffer_pool_options options = faithful();
    ns_buffer_pool *const before = four.pool;
    EXPECT_EQ(ns_buffer_pool_create_once(machine.port.get(), machine.frames, 256, &options, &four.pool), NS_POOL_OK);
    EXPECT_EQ(four.pool, before);
    EXPECT_EQ(four.statistics().total, 4u) << "not 256, and nobody is told";
}

TEST(BufferPoolRepaired, D15_APoolOfNothingAndASecondSizeAreRefused) {
    fake::Machine machine;
    Pool empty(machine, 0, repaired());
    EXPECT_EQ(empty.status, NS_POOL_ERROR_ARGUMENT);
    ns_buffer_pool *pool = nullptr;
    EXPECT_EQ(ns_buffer_pool_create_once(machine.port.get(), machine.frames, 4, nullptr, &pool), NS_POOL_OK);
    ns_buffer_pool *const before = pool;
    EXPECT_EQ(ns_buffer_pool_create_once(machine.port.get(), machine.frames, 4, nullptr, &pool), NS_POOL_OK);
    EXPECT_EQ(ns_buffer_pool_create_once(machine.port.get(), machine.frames, 256, nullptr, &pool),
              NS_POOL_ERROR_ARGUMENT);
    EXPECT_EQ(pool, before);
    EXPECT_EQ(ns_buffer_pool_destroy(pool), NS_POOL_OK);
}

/* ---- D16, D17: the lock ---------------------------------------------------------------------- */

TEST(BufferPoolFaithful, D16_AnInterruptInThePoolIsADeadlock) {
    fake::Machine machine;
    fake::Interrupts interrupts(machine);
    Pool pool(machine, 4, faithful(), &interrupts.port);
    ns_pool_status inner = NS_POOL_OK;
    interrupts.handler = [&] { inner = pool.try_allocate(); };
    const ns_buffer outer = pool.allocate();
    EXPECT_EQ(inner, NS_POOL_ERROR_MISUSE) << "the handler would spin for ever";
    EXPECT_EQ(machine.port.misuses, (std::vector<fake::Misuse>{{NS_MISUSE_DEADLOCK, 0, 0}}));
    interrupts.handler = [&] { inner = pool.release(outer); };
    EXPECT_EQ(pool.release(outer), NS_POOL_OK);
    EXPECT_EQ(machine.port.misuses.size(), 2u) << "free too";
    EXPECT_EQ(interrupts.locks_irqs_off, 0);
}

TEST(BufferPoolFaithful, D16_ClearsAllMemoryUnderTheLock) {
    fake::Machine machine;
    fake::Interrupts interrupts(machine);
    Pool pool(machine, NS_BUFFER_COUNT_MAX, faithful(), &interrupts.port);
    EXPECT_EQ(interrupts.fills_under_lock, NS_BUFFER_COUNT_MAX) << "2 MiB";
}

TEST(BufferPoolRepaired, D16_AHandlerMayUseThePoolAtAnyTime) {
    fake::Machine machine;
    fake::Interrupts interrupts(machine);
    ns_buffer_pool_options options = repaired();
    options.zero_on_allocate = true;
    options.guard_fill = true;
    Pool pool(machine, 4, options, &interrupts.port);
    ns_buffer inner{};
    ns_pool_status status = NS_POOL_ERROR_MISUSE;
    interrupts.handler = [&] { status = ns_buffer_pool_allocate(pool.pool, &inner); };
    const ns_buffer outer = pool.allocate();
    EXPECT_EQ(status, NS_POOL_OK);
    EXPECT_NE(inner.index, outer.index);
    interrupts.handler = [&] { status = pool.release(inner); };
    EXPECT_EQ(pool.release(outer), NS_POOL_OK);
    EXPECT_EQ(status, NS_POOL_OK);
    EXPECT_EQ(pool.statistics().free, 4u);
    EXPECT_TRUE(machine.port.misuses.empty());
    EXPECT_EQ(interrupts.locks_irqs_on, 0);
    EXPECT_EQ(interrupts.fills_under_lock, 0);
}

/* With a guard, a buffer is for a while nobody's and not yet free: a second release then is a double free. */
TEST(BufferPoolRepaired, D16_AStaleReleaseWhileTheGuardIsReadIsToldToo) {
    fake::Machine machine;
    fake::Interrupts interrupts(machine);
    ns_buffer_pool_options options = repaired();
    options.guard_fill = true;
    Pool pool(machine, 2, options, &interrupts.port);
    const ns_buffer buffer = pool.allocate();
    ns_pool_status again = NS_POOL_OK;
    interrupts.handler = [&] { again = pool.release(buffer); };
    EXPECT_EQ(pool.release(buffer), NS_POOL_OK);
    EXPECT_EQ(again, NS_POOL_ERROR_MISUSE);
    EXPECT_EQ(pool.statistics().free, 2u);
}

/* What cannot be shown here is the harm: this host runs one hart at a time, in program order. What can be shown is who
 * takes the lock, which is all the order that the repaired pool needs. */
TEST(BufferPoolFaithful, D17_CountsChangeWithoutTheLock) {
    fake::Machine machine;
    fake::Interrupts interrupts(machine);
    Pool pool(machine, 1, faithful(), &interrupts.port);
    const ns_buffer buffer = pool.allocate();
    const int before = interrupts.locks_irqs_on;
    EXPECT_EQ(ns_buffer_pool_acquire(pool.pool, buffer), NS_POOL_OK);
    EXPECT_EQ(ns_buffer_pool_drop_reference(pool.pool, buffer), NS_POOL_OK);
    EXPECT_EQ(interrupts.locks_irqs_on, before);
}

TEST(BufferPoolRepaired, D17_CountsChangeUnderTheLockOnly) {
    fake::Machine machine;
    fake::Interrupts interrupts(machine);
    Pool pool(machine, 1, repaired(), &interrupts.port);
    const ns_buffer buffer = pool.allocate();
    const int before = interrupts.locks_irqs_off;
    EXPECT_EQ(ns_buffer_pool_acquire(pool.pool, buffer), NS_POOL_OK);
    EXPECT_EQ(ns_buffer_pool_drop_reference(pool.pool, buffer), NS_POOL_OK);
    EXPECT_EQ(ns_buffer_pool_drop_reference(pool.pool, buffer), NS_POOL_OK);
    EXPECT_EQ(interrupts.locks_irqs_off, before + 3);
}

/* ---- D18 to D21 ------------------------------------------------------------------------------ */

struct Drift {
    const char *what;
    void (*run)(Pool &pool);
    size_t total, free, in_use; /* of the faithful pool */
};

const Drift kDrifts[] = {
    {"double free", /* D5: pushed once, taken back, never pushed again */
     [](Pool &pool) {
         const ns_buffer a = pool.allocate();
         (void)pool.release(a);
         (void)pool.release(a);
         (void)pool.release(pool.allocate());
     },
     2, 1, 1},
    {"stale free", /* D6: both owners free it; 3 allocations, 2 deallocations would be right for one in use */
     [](Pool &pool) {
         const ns_buffer a = pool.allocate();
         (void)pool.release(a);
         (void)pool.allocate();
         (void)pool.release(a);
     },
     2, 2, 0},
    {"free, and no allocation before it", /* D8 and D7: 0 - 1 */
     [](Pool &pool) {
         (void)ns_buffer_pool_acquire(pool.pool, {0, 0});
         (void)pool.release({0, 0});
     },
     2, 3, SIZE_MAX},
    {"dropped past the pool", /* D8: in use for ever, and its count says that it is free */
     [](Pool &pool) { (void)ns_buffer_pool_drop_reference(pool.pool, pool.allocate()); }, 2, 1, 1},
};

TEST(BufferPoolFaithful, D18_StatisticsDrift) {
    for (const Drift &drift : kDrifts) {
        SCOPED_TRACE(drift.what);
        fake::Machine machine;
        Pool pool(machine, 2, faithful());
        drift.run(pool);
        const ns_buffer_pool_statistics now = pool.statistics();
        EXPECT_EQ(now.total, drift.total);
        EXPECT_EQ(now.free, drift.free);
        EXPECT_EQ(now.in_use, drift.in_use);
        EXPECT_EQ(now.misuses, 0u) << "nothing is counted";
    }
}

TEST(BufferPoolRepaired, D18_StatisticsAddUpWhateverTheCallerDoes) {
    for (const Drift &drift : kDrifts) {
        SCOPED_TRACE(drift.what);
        fake::Machine machine;
        Pool pool(machine, 2, repaired());
        drift.run(pool);
        const ns_buffer_pool_statistics now = pool.statistics();
        EXPECT_EQ(now.total, 2u);
        EXPECT_EQ(now.free + now.in_use, 2u);
        EXPECT_EQ(now.allocations - now.deallocations, now.in_use);
        size_t live = 0;
        for (uint32_t index = 0; index < 2; index++)
            for (uint64_t generation = 1; generation < 4; generation++) {
                live += pool.references({index, generation}) != 0;
                (void)pool.release({index, generation});
            }
        EXPECT_EQ(now.in_use, live);
    }
}

/* RAM of single frames with holes between them. */
void expect_single_frames(ns_buffer_pool_options options) {
    fake::Machine machine({{kBase, 0x1000}, {kBase + 0x2000, 0x1000}, {kBase + 0x4000, 0x2000}});
    Pool pool(machine, 4, options);
    ASSERT_EQ(pool.statistics().total, 4u);
    std::vector<ns_buffer> buffers;
    std::vector<uint64_t> at;
    for (int i = 0; i < 4; i++) {
        buffers.push_back(pool.allocate());
        at.push_back(pool.address(buffers.back()).physical);
    }
    std::sort(at.begin(), at.end());
    EXPECT_EQ(at, (std::vector<uint64_t>{kBase, kBase + 0x2000, kBase + 0x4000, kBase + 0x5000}));
    for (size_t i = 1; i < 4; i++)
        EXPECT_GE(at[i] - at[i - 1], 2u * NS_BUFFER_SIZE) << "even where frames meet, buffers do not";
    for (const ns_buffer &buffer : buffers)
        EXPECT_EQ(pool.release(buffer), NS_POOL_OK);
}

TEST(BufferPoolFaithful, D19_FramesAreNotContiguousAsClaimed) {
    expect_single_frames(faithful());
}

TEST(BufferPoolRepaired, D19_FramesAreSingleAsTheHeaderSays) {
    expect_single_frames(repaired());
}

/* A device that writes `length` bytes from the start of the buffer, straight to memory. */
void device_writes(fake::Machine &machine, uint64_t physical, uint64_t length) {
    for (uint64_t i = 0; i < length; i++)
        machine.port.memory(physical + i) = 0xEE;
}

TEST(BufferPoolFaithful, D20_AnOverrunOfTheDeviceIsNotSeen) {
    fake::Machine machine;
    ns_buffer_pool_options options = faithful();
    options.guard_fill = true;
    Pool pool(machine, 1, options);
    const ns_buffer buffer = pool.allocate();
    device_writes(machine, pool.address(buffer).physical, NS_BUFFER_SIZE + 100);
    EXPECT_EQ(pool.release(buffer), NS_POOL_OK);
    EXPECT_TRUE(machine.port.misuses.empty());
}

TEST(BufferPoolRepaired, D20_AnOverrunIsFoundAtReleaseAndMended) {
    struct {
        const char *what;
        uint64_t length; /* written from the start of the buffer */
        bool by_cpu;
        uint64_t damaged; /* in words of 8 bytes */
    } const rows[] = {
        {"all of the buffer", 2048, false, 0}, {"one byte", 2049, false, 8},
        {"a hundred bytes", 2148, false, 104}, {"the whole frame", 4096, false, 2048},
        {"by the CPU", 2048 + 9, true, 16},
    };
    for (const auto &row : rows) {
        SCOPED_TRACE(row.what);
        fake::Machine machine;
        ns_buffer_pool_options options = repaired();
        options.guard_fill = true;
        Pool pool(machine, 1, options);
        EXPECT_FALSE(machine.port.dirty(0, NS_FRAME_SIZE)) << "the guard is in memory, not only in the cache";
        for (int round = 0; round < 2; round++) { /* the guard is whole again for the next owner */
            machine.port.misuses.clear();
            const ns_buffer buffer = pool.allocate();
            const ns_buffer_address where = pool.address(buffer);
            if (row.by_cpu)
                machine.port.get()->fill(&machine.port, where.virtual_address, row.length, 0xEE);
            else
                device_writes(machine, where.physical, row.length);
            EXPECT_EQ(pool.release(buffer), row.damaged ? NS_POOL_ERROR_MISUSE : NS_POOL_OK);
            std::vector<fake::Misuse> expected;
            if (row.damaged)
                expected.push_back({NS_MISUSE_FREED_WRITTEN, where.virtual_address + 2048, row.damaged});
            EXPECT_EQ(machine.port.misuses, expected);
            EXPECT_EQ(pool.statistics().free, 1u) << "released all the same";
        }
    }
}

/* A clean line of the guard would hide what the device wrote, and an invalidate would lose what the CPU did. */
TEST(BufferPoolRepaired, D20_TheGuardIsFlushedBeforeItIsRead) {
    for (bool coherent : {false, true}) {
        fake::Machine machine;
        ns_pool_device nic{};
        nic.dma_mask = UINT64_MAX;
        nic.coherent = coherent;
        ns_buffer_pool_options options = repaired();
        options.guard_fill = true;
        options.device = &nic;
        Pool pool(machine, 1, options);
        const ns_buffer buffer = pool.allocate();
        const uint64_t guard = pool.address(buffer).virtual_address + NS_BUFFER_SIZE;
        machine.port.log.clear();
        EXPECT_EQ(pool.release(buffer), NS_POOL_OK);
        const std::vector<fake::Event> flushed = {fake::maintain(NS_PORT_FLUSH, guard, NS_BUFFER_SIZE),
                                                  fake::barrier()};
        EXPECT_EQ(machine.port.log, coherent ? std::vector<fake::Event>{} : flushed);
    }
}

/* The unit tests of the original, as calls: constants, one count too many, a reference more and less. */
void run_the_original_tests(ns_buffer_pool_options options) {
    EXPECT_EQ(static_cast<int>(NS_BUFFER_SIZE), 2048);
    EXPECT_GE(static_cast<int>(NS_BUFFER_COUNT_MAX), 512);
    fake::Machine machine;
    Pool too_many(machine, NS_BUFFER_COUNT_MAX + 1, options);
    EXPECT_NE(too_many.status, NS_POOL_OK);
    Pool pool(machine, 1, options);
    const ns_buffer buffer = pool.allocate();
    EXPECT_EQ(buffer.index, 0u);
    EXPECT_EQ(ns_buffer_pool_acquire(pool.pool, buffer), NS_POOL_OK);
    EXPECT_EQ(pool.references(buffer), 2u);
    EXPECT_EQ(ns_buffer_pool_drop_reference(pool.pool, buffer), NS_POOL_OK);
    EXPECT_EQ(pool.references(buffer), 1u);
    EXPECT_EQ(pool.release(buffer), NS_POOL_OK);
}

TEST(BufferPoolFaithful, D21_TheOriginalTestsPassInSpiteOfAllDefects) {
    run_the_original_tests(faithful());
}

TEST(BufferPoolRepaired, D21_TheOriginalTestsPassToo) {
    run_the_original_tests(repaired());
}

/* ---- whatever is called ---------------------------------------------------------------------- */

/* Nothing holds of a pool with 21 defects but this: no call leaves its memory, addresses are those of its frames, and
 * what it says is an error value. Wild handles included. */
TEST(BufferPoolFaithful, RandomCallsStayInsideThePool) {
    const uint64_t seed = fake::seed();
    SCOPED_TRACE(testing::Message() << "NS_TEST_SEED=" << seed);
    fake::Random random(seed);
    for (int round = 0; round < 20; round++) {
        fake::Machine machine(low_and_high());
        const uint64_t before = machine.free_frames();
        const size_t count = 1 + random.below(40);
        Pool pool(machine, count, faithful(random.below(UINT64_MAX)));
        if (pool.status != NS_POOL_OK) {
            EXPECT_EQ(pool.status, NS_POOL_ERROR_EXHAUSTED);
            EXPECT_EQ(machine.free_frames(), before);
            continue;
        }
        const ns_buffer_pool_statistics made = pool.statistics();
        EXPECT_EQ(made.total + made.rejected_frames, count);
        EXPECT_EQ(machine.free_frames(), before - made.total);
        for (int step = 0; step < 3000; step++) {
            ns_buffer buffer = {static_cast<uint32_t>(random.below(random.below(20) ? count + 3 : UINT32_MAX)), 0};
            ns_buffer_address where{};
            switch (random.below(6)) {
            case 0:
            case 1:
                if (ns_buffer_pool_allocate(pool.pool, &buffer) == NS_POOL_OK) {
                    const uint64_t physical = pool.address(buffer).physical;
                    ASSERT_LT(physical, 4 * kGiB);
                    ASSERT_TRUE(machine.holds(physical, 1));
                    ns_buffer found{};
                    ASSERT_TRUE(ns_buffer_pool_find(pool.pool, linear(physical) + 2047, &found));
                    ASSERT_EQ(found.index, buffer.index);
                }
                break;
            case 2:
            case 3:
                (void)pool.release(buffer);
                break;
            case 4:
                (void)ns_buffer_pool_acquire(pool.pool, buffer);
                (void)ns_buffer_pool_address(pool.pool, buffer, &where);
                break;
            default:
                (void)ns_buffer_pool_drop_reference(pool.pool, buffer);
                (void)pool.references(buffer);
                break;
            }
            ASSERT_LE(pool.statistics().free, static_cast<size_t>(NS_BUFFER_COUNT_MAX));
            ASSERT_EQ(pool.statistics().total, made.total);
        }
    }
}

TEST(BufferPoolFaithful, MetadataFailureAtAnyCallLeaksNothing) {
    for (int n = 0; n < 2; n++) { /* the pool, and the original in it */
        fake::Machine machine;
        machine.port.fail_metadata_at = n;
        const uint64_t before = machine.free_frames();
        Pool pool(machine, 4, faithful());
        EXPECT_EQ(pool.status, NS_POOL_ERROR_METADATA);
        EXPECT_EQ(machine.free_frames(), before);
        EXPECT_EQ(machine.port.metadata_blocks(), 1u);
    }
}

} // namespace
