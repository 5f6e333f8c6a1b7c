/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The 21 defects of VeridianOS 0.25.2 kernel/src/net/dma_pool.rs, each shown on the faithful pool and shown to be gone
 * on the repaired one. Where it can be, one sequence is run on both: the name of a test is that of the defect. Here D1
 * to D12: which frames, whose references, what the next owner gets.
 */
#include "buffer_pool_fixture.h"
#include "pool/faithful_frames.h"
#include "pool/mapping.h"

#include <algorithm>

namespace {

using namespace buffer_pool_tests;

/* ---- D1 to D4: which frames, and what they are called ---------------------------------------- */

TEST(BufferPoolFaithful, D1_ASkippedFrameShiftsEveryIndexBehindIt) {
    fake::Machine machine(low_and_high());
    Pool pool(machine, 4, faithful(1 << 1)); /* numbers 0, 2, 3 in the places 0, 1, 2; free list 0, 2, 3 */
    ASSERT_EQ(pool.status, NS_POOL_OK);
    EXPECT_EQ(pool.statistics().total, 3u);
    EXPECT_EQ(pool.statistics().rejected_frames, 1u);

    EXPECT_EQ(pool.try_allocate(), NS_POOL_ERROR_MISUSE) << "index 3 of 3 buffers: the original panics";
    EXPECT_EQ(machine.port.misuses, (std::vector<fake::Misuse>{{NS_MISUSE_POOL_CORRUPT, 0, 0}}));
    EXPECT_TRUE(machine.port.heard("index out of bounds"));

    const ns_buffer second = pool.allocate();
    EXPECT_EQ(second.index, 3u) << "place 2 says that it is 3";
    EXPECT_EQ(pool.address(second).physical, kBase + 0x2000);
    EXPECT_EQ(pool.release(second), NS_POOL_ERROR_ARGUMENT) << "its own index cannot be freed: leaked";
    EXPECT_EQ(pool.references(second), 1u);

    EXPECT_EQ(pool.allocate().index, 0u);
    EXPECT_EQ(pool.try_allocate(), NS_POOL_ERROR_EXHAUSTED);
    EXPECT_EQ(pool.references({2, 0}), 0u) << "place 1, number 2, was never handed out";
}

/* The device reaches the first frame and those behind the second. */
TEST(BufferPoolRepaired, D1_IndicesAreUnbrokenWhateverIsSkipped) {
    fake::Machine machine({{kBase, kMiB}});
    const ns_bus_range windows[] = {{kBase, 0, 0x1000}, {kBase + 0x2000, 0x2000, 0x8000}};
    ns_pool_device nic{};
    nic.dma_mask = UINT64_MAX;
    nic.ranges = windows;
    nic.range_count = 2;
    ns_buffer_pool_options options = repaired();
    options.device = &nic;
    Pool pool(machine, 4, options);
    EXPECT_EQ(pool.statistics().rejected_frames, 1u);
    EXPECT_EQ(pool.statistics().total, 4u);
    std::vector<ns_buffer> buffers;
    for (uint32_t i = 0; i < 4; i++) {
        buffers.push_back(pool.allocate());
        EXPECT_EQ(buffers.back().index, i);
    }
    for (const ns_buffer &buffer : buffers)
        EXPECT_EQ(pool.release(buffer), NS_POOL_OK);
}

TEST(BufferPoolFaithful, D2_TheSameHighFrameComesBackForEver) {
    struct {
        const char *what;
        uint64_t high_turns;
        size_t total;
    } const rows[] = {
        {"high memory first: nothing, though a MiB of low memory is free", UINT64_MAX, 0},
        {"from the third turn on", ~UINT64_C(3), 2},
        {"one turn lost", 1 << 5, 99},
    };
    for (const auto &row : rows) {
        SCOPED_TRACE(row.what);
        fake::Machine machine(low_and_high());
        const uint64_t before = machine.free_frames();
        {
            Pool pool(machine, 100, faithful(row.high_turns));
            EXPECT_EQ(pool.status, row.total ? NS_POOL_OK : NS_POOL_ERROR_EXHAUSTED);
            if (row.total) {
                EXPECT_EQ(pool.statistics().total, row.total);
                EXPECT_EQ(pool.statistics().rejected_frames, 100 - row.total);
            }
            EXPECT_EQ(machine.free_frames(), before - row.total) << "the rejects went back at once";
            std::set<uint64_t> rejected;
            for (const fake::Said &line : machine.port.said)
                if (line.voice == NS_SAY_DECISION)
                    rejected.insert(line.first);
            EXPECT_EQ(rejected, std::set<uint64_t>{4 * kGiB}) << "one frame, again and again";
        }
    }
}

TEST(BufferPoolRepaired, D2_RejectsAreSetAsideAndAllLowMemoryIsFound) {
    fake::Machine machine({{kBase, 256 * 0x1000}});
    const ns_bus_range window = {kBase + 128 * 0x1000, 0, 128 * 0x1000};
    ns_pool_device nic{};
    nic.dma_mask = UINT64_MAX;
    nic.ranges = &window;
    nic.range_count = 1;
    ns_buffer_pool_options options = repaired();
    options.device = &nic;
    Pool pool(machine, 100, options);
    EXPECT_EQ(pool.statistics().total, 100u);
    EXPECT_EQ(pool.statistics().rejected_frames, 128u) << "each of them once";
    EXPECT_EQ(machine.free_frames(), 156u);
}

TEST(BufferPoolFaithful, D3_TheZoneOfTheRequestIsIgnored) {
    fake::Machine machine({{0, 0x2000}, {4 * kGiB, 0x1000}}, 4 * kGiB, 16 * kMiB);
    ns_faithful_frames frames{};
    frames.frames = machine.frames;
    uint64_t physical = 1;
    ASSERT_EQ(ns_faithful_frames_allocate(&frames, NS_POOL_ZONE_NORMAL, 0, &physical), NS_POOL_OK);
    EXPECT_EQ(physical, 0u) << "asked for 16 MiB and above";
    ASSERT_EQ(ns_faithful_frames_allocate(&frames, NS_POOL_ZONE_DMA32, 0, &physical), NS_POOL_OK);
    EXPECT_EQ(physical, 0x1000u);
    ASSERT_EQ(ns_faithful_frames_allocate(&frames, NS_POOL_ZONE_DMA, 0, &physical), NS_POOL_OK);
    EXPECT_EQ(physical, 4 * kGiB) << "asked for less than 16 MiB";
    for (uint64_t frame : {UINT64_C(0), UINT64_C(0x1000), 4 * kGiB})
        EXPECT_EQ(ns_faithful_frames_free(&frames, frame), NS_POOL_OK);
}

TEST(BufferPoolRepaired, D3_NoFrameAboveTheLimitIsEvenTaken) {
    fake::Machine machine({{4 * kGiB - 0x2000, 0x4000}});
    Pool pool(machine, 4, repaired());
    EXPECT_EQ(pool.statistics().total, 2u);
    EXPECT_EQ(pool.statistics().rejected_frames, 0u);
}

/* A device with 24 address bits that sees RAM from bus address 0 on. */
struct OldDevice {
    OldDevice() {
        device.dma_mask = 0xff'ffff;
        device.ranges = &range;
        device.range_count = 1;
    }
    ns_bus_range range = {kBase, 0, 64 * kMiB};
    ns_pool_device device{};
};

TEST(BufferPoolFaithful, D4_ForgetsTheDevicesMaskAndBusOffset) {
    fake::Machine machine({{kBase + 16 * kMiB, kMiB}});
    OldDevice old;
    ns_buffer_pool_options options = faithful();
    options.device = &old.device;
    options.limit = 0x10'0000;
    Pool pool(machine, 1, options);
    ASSERT_EQ(pool.status, NS_POOL_OK);
    const ns_buffer_address where = pool.address(pool.allocate());
    EXPECT_EQ(where.bus, where.physical);
    EXPECT_GT(ns_physical_to_bus(&old.device, where.physical), old.device.dma_mask) << "out of the device's reach";
}

TEST(BufferPoolRepaired, D4_KeepsTheDevicesMaskAndBusOffset) {
    OldDevice old;
    ns_buffer_pool_options options = repaired();
    options.device = &old.device;
    fake::Machine far({{kBase + 16 * kMiB, kMiB}});
    Pool none(far, 1, options);
    EXPECT_EQ(none.status, NS_POOL_ERROR_NOT_ADDRESSABLE);
    fake::Machine near({{kBase + 15 * kMiB, kMiB}});
    Pool pool(near, 1, options);
    const ns_buffer buffer = pool.allocate();
    EXPECT_EQ(pool.address(buffer).bus, 15 * kMiB);
    EXPECT_EQ(pool.release(buffer), NS_POOL_OK);
}

/* ---- D5 to D8: counts ------------------------------------------------------------------------ */

TEST(BufferPoolFaithful, D5_ADoubleFreeLosesTheBufferOneOwnerLater) {
    fake::Machine machine;
    Pool pool(machine, 2, faithful());
    const ns_buffer a = pool.allocate();
    EXPECT_EQ(pool.references(a), 1u);
    EXPECT_EQ(pool.release(a), NS_POOL_OK);
    EXPECT_EQ(pool.references(a), 0u);
    EXPECT_EQ(pool.release(a), NS_POOL_OK) << "nothing is said";
    EXPECT_EQ(pool.references(a), kLost);
    const ns_buffer b = pool.allocate();
    EXPECT_EQ(b.index, a.index);
    EXPECT_EQ(pool.references(b), 0u) << "counts as free while it is in use";
    EXPECT_EQ(pool.release(b), NS_POOL_OK);
    EXPECT_EQ(pool.references(b), kLost);
    EXPECT_EQ(pool.statistics().free, 1u) << "one buffer fewer for ever";
    EXPECT_TRUE(machine.port.misuses.empty());
}

TEST(BufferPoolRepaired, D5_ADoubleFreeIsToldAndHasNoEffect) {
    fake::Machine machine;
    Pool pool(machine, 2, repaired());
    const ns_buffer a = pool.allocate();
    EXPECT_EQ(pool.release(a), NS_POOL_OK);
    EXPECT_EQ(pool.release(a), NS_POOL_ERROR_MISUSE);
    EXPECT_EQ(machine.port.misuses.at(0).what, NS_MISUSE_DOUBLE_FREE);
    EXPECT_EQ(pool.references(a), 0u);
    EXPECT_EQ(pool.statistics().free, 2u);
}

TEST(BufferPoolFaithful, D6_AStaleFreeGivesABufferTwoOwners) {
    fake::Machine machine;
    Pool pool(machine, 2, faithful());
    const ns_buffer a = pool.allocate();
    EXPECT_EQ(pool.release(a), NS_POOL_OK);
    const ns_buffer b = pool.allocate();
    EXPECT_EQ(pool.release(a), NS_POOL_OK) << "A frees what is B's";
    const ns_buffer c = pool.allocate();
    EXPECT_EQ(pool.address(b).physical, pool.address(c).physical) << "B and C own the same buffer";
    EXPECT_TRUE(machine.port.misuses.empty());
}

TEST(BufferPoolRepaired, D6_AStaleHandleIsKnownByItsGeneration) {
    fake::Machine machine;
    Pool pool(machine, 1, repaired());
    const ns_buffer a = pool.allocate();
    EXPECT_EQ(pool.release(a), NS_POOL_OK);
    const ns_buffer b = pool.allocate();
    ASSERT_EQ(b.index, a.index);
    EXPECT_EQ(pool.release(a), NS_POOL_ERROR_MISUSE);
    EXPECT_EQ(machine.port.misuses.at(0).what, NS_MISUSE_DOUBLE_FREE);
    EXPECT_EQ(pool.try_allocate(), NS_POOL_ERROR_EXHAUSTED) << "B has it";
    EXPECT_EQ(pool.release(b), NS_POOL_OK);
}

TEST(BufferPoolFaithful, D7_AnIndexThatNobodyAllocatedCanBeFreed) {
    fake::Machine machine;
    Pool pool(machine, 2, faithful());
    EXPECT_EQ(pool.release({1, 0}), NS_POOL_OK);
    EXPECT_EQ(pool.references({1, 0}), kLost);
    EXPECT_EQ(pool.release({2, 0}), NS_POOL_ERROR_ARGUMENT) << "the one thing that is tested";
}

TEST(BufferPoolRepaired, D7_AnIndexThatNobodyAllocatedIsForeign) {
    fake::Machine machine;
    Pool pool(machine, 2, repaired());
    EXPECT_EQ(pool.release({1, 0}), NS_POOL_ERROR_MISUSE);
    EXPECT_EQ(pool.release({1, 1}), NS_POOL_ERROR_MISUSE);
    EXPECT_EQ(machine.port.misuses.at(0).what, NS_MISUSE_FOREIGN_FREE);
    EXPECT_EQ(machine.port.misuses.at(1).what, NS_MISUSE_FOREIGN_FREE);
    EXPECT_EQ(pool.statistics().free, 2u);
}

TEST(BufferPoolFaithful, D8_ReferencesChangedPastThePoolLeakABufferOrReuseItEarly) {
    fake::Machine machine;
    Pool pool(machine, 2, faithful());
    const ns_buffer leaked = pool.allocate();
    EXPECT_EQ(ns_buffer_pool_drop_reference(pool.pool, leaked), NS_POOL_OK);
    EXPECT_EQ(pool.references(leaked), 0u);
    EXPECT_EQ(pool.statistics().free, 1u) << "free, and not on the list";

    const ns_buffer other = {1 - leaked.index, 0};
    EXPECT_EQ(ns_buffer_pool_acquire(pool.pool, other), NS_POOL_OK) << "of a free buffer";
    EXPECT_EQ(pool.allocate().index, other.index);
    EXPECT_EQ(pool.references(other), 2u) << "its owner's release will not free it";
    EXPECT_EQ(ns_buffer_pool_acquire(pool.pool, {2, 0}), NS_POOL_ERROR_ARGUMENT);
    EXPECT_EQ(ns_buffer_pool_drop_reference(pool.pool, {2, 0}), NS_POOL_ERROR_ARGUMENT);
}

/* The same buffer on the list as often as one likes: the list's end is an error, not a write behind it. */
TEST(BufferPoolFaithful, D8_TheFreeListDoesNotRunOver) {
    fake::Machine machine;
    Pool pool(machine, 2, faithful());
    ns_pool_status status = NS_POOL_OK;
    int frees = 0;
    for (; status == NS_POOL_OK && frees < 2 * NS_BUFFER_COUNT_MAX; frees++) {
        EXPECT_EQ(ns_buffer_pool_acquire(pool.pool, {0, 0}), NS_POOL_OK);
        status = pool.release({0, 0});
    }
    EXPECT_EQ(status, NS_POOL_ERROR_MISUSE);
    EXPECT_EQ(frees, NS_BUFFER_COUNT_MAX - 1) << "2 entries were there, 510 more fit";
    EXPECT_EQ(machine.port.misuses.at(0).what, NS_MISUSE_POOL_CORRUPT);
}

TEST(BufferPoolRepaired, D8_TheLastReferenceFreesWhoeverDropsIt) {
    fake::Machine machine;
    Pool pool(machine, 2, repaired());
    const ns_buffer buffer = pool.allocate();
    EXPECT_EQ(ns_buffer_pool_drop_reference(pool.pool, buffer), NS_POOL_OK);
    EXPECT_EQ(pool.statistics().free, 2u);
    EXPECT_EQ(ns_buffer_pool_acquire(pool.pool, buffer), NS_POOL_ERROR_MISUSE) << "nobody has it";
    EXPECT_EQ(ns_buffer_pool_drop_reference(pool.pool, buffer), NS_POOL_ERROR_MISUSE);
}

/* ---- D9 to D12: what the next owner gets ----------------------------------------------------- */

TEST(BufferPoolFaithful, D9_TheBufferJustFreedIsTheNextOneOut) {
    fake::Machine machine;
    Pool pool(machine, 8, faithful());
    const ns_buffer a = pool.allocate();
    EXPECT_EQ(pool.release(a), NS_POOL_OK);
    EXPECT_EQ(pool.allocate().index, a.index) << "a device that is late writes into the new owner's packet";
}

TEST(BufferPoolRepaired, D9_TheBufferJustFreedIsTheLastOneOut) {
    fake::Machine machine;
    Pool pool(machine, 8, repaired());
    const ns_buffer a = pool.allocate();
    EXPECT_EQ(pool.release(a), NS_POOL_OK);
    std::vector<ns_buffer> owned;
    for (int i = 0; i < 7; i++) {
        owned.push_back(pool.allocate());
        EXPECT_NE(owned.back().index, a.index);
    }
    owned.push_back(pool.allocate());
    EXPECT_EQ(owned.back().index, a.index);
    for (const ns_buffer &buffer : owned)
        EXPECT_EQ(pool.release(buffer), NS_POOL_OK);
}

/* Maps the buffer for a device that writes, and releases it too early. */
struct MappedRelease {
    explicit MappedRelease(ns_buffer_pool_options options) {
        ns_dma_config config{};
        config.line_size = fake::kLine;
        config.mapping_capacity = 4;
        EXPECT_EQ(ns_dma_create(machine.port.get(), &config, &dma), NS_POOL_OK);
        nic.dma_mask = UINT64_MAX;
        options.mappings = dma;
        Pool pool(machine, 1, options);
        maintained_by_creation = maintenance();
        const ns_buffer buffer = pool.allocate();
        uint64_t bus = 0;
        EXPECT_EQ(
            ns_dma_map(dma, &nic, pool.address(buffer).virtual_address, NS_BUFFER_SIZE, NS_DMA_FROM_DEVICE, 0, &bus),
            NS_POOL_OK);
        early = pool.release(buffer);
        free_when_early = pool.statistics().free;
        EXPECT_EQ(ns_dma_unmap(dma, &nic, bus, NS_BUFFER_SIZE, NS_DMA_FROM_DEVICE, 0), NS_POOL_OK);
        if (early != NS_POOL_OK) {
            EXPECT_EQ(pool.release(buffer), NS_POOL_OK);
        }
    }
    ~MappedRelease() { (void)ns_dma_destroy(dma); }
    bool maintenance() const {
        return std::any_of(machine.port.log.begin(), machine.port.log.end(),
                           [](const fake::Event &event) { return event.kind == fake::Event::kMaintain; });
    }
    fake::Machine machine;
    ns_pool_device nic{};
    ns_dma *dma = nullptr;
    bool maintained_by_creation = false;
    ns_pool_status early = NS_POOL_OK;
    size_t free_when_early = 0;
};

TEST(BufferPoolFaithful, D10_ABufferGoesBackWhileTheDeviceHasIt) {
    const MappedRelease run(faithful());
    EXPECT_EQ(run.early, NS_POOL_OK);
    EXPECT_EQ(run.free_when_early, 1u);
    EXPECT_TRUE(run.machine.port.misuses.empty());
    EXPECT_FALSE(run.maintained_by_creation);
}

TEST(BufferPoolRepaired, D10_ABufferThatADeviceHasIsNotReleased) {
    const MappedRelease run(repaired());
    EXPECT_EQ(run.early, NS_POOL_ERROR_MISUSE);
    EXPECT_EQ(run.free_when_early, 0u);
    ASSERT_EQ(run.machine.port.misuses.size(), 1u);
    EXPECT_EQ(run.machine.port.misuses[0].what, NS_MISUSE_FREE_MAPPED);
    EXPECT_TRUE(run.maintained_by_creation);
}

TEST(BufferPoolFaithful, D11_LeavesDirtyZerosInTheCache) {
    fake::Machine machine({{kBase, 0x4000}});
    Pool pool(machine, 4, faithful());
    EXPECT_TRUE(machine.port.dirty(kBase, 0x4000)) << "an eviction writes them over what the device stored";
}

TEST(BufferPoolRepaired, D11_LeavesNoDirtyLine) {
    fake::Machine machine({{kBase, 0x4000}});
    Pool pool(machine, 4, repaired());
    EXPECT_FALSE(machine.port.dirty(kBase, 0x4000));
    EXPECT_EQ(machine.port.log.back(), fake::barrier());
}

uint64_t secret_after_reuse(ns_buffer_pool_options options) {
    fake::Machine machine({{kBase, 0x1000}});
    options.zero_on_allocate = true;
    Pool pool(machine, 1, options);
    const ns_buffer first = pool.allocate();
    const ns_port *port = machine.port.get();
    port->store(port->context, pool.address(first).virtual_address + 64, 8, 0x5ec2e7);
    EXPECT_EQ(pool.release(first), NS_POOL_OK);
    const ns_buffer second = pool.allocate();
    const uint64_t found = port->load(port->context, pool.address(second).virtual_address + 64, 8);
    EXPECT_EQ(pool.release(second), NS_POOL_OK);
    return found;
}

TEST(BufferPoolFaithful, D12_TheNextOwnerReadsTheLastPacket) {
    EXPECT_EQ(secret_after_reuse(faithful()), 0x5ec2e7u);
}

TEST(BufferPoolRepaired, D12_ClearedOnReuseWhenAsked) {
    EXPECT_EQ(secret_after_reuse(repaired()), 0u);
}

} // namespace
