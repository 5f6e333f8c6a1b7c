// SPDX-License-Identifier: Apache-2.0
//
// The kernel's bounce slots on an assembled machine: copies made by a hart through its caches, told to the tracker by
// the port. Each historic defect is found by the name that its published case has, and its repair is silent.
#include "rig.h"

#include "model/pool_port.h"
#include "model/tracker.h"
#include "pool/swiotlb.h"

namespace {

using namespace ns_test;

constexpr uint64_t original = base + 0x100000;
constexpr uint64_t low = base + 0x400000;
constexpr uint32_t size = 3000;

// What dma_direct_map_page and its kin do around the copies, on a platform that is right: clean at map, invalidate
// after the device.
struct bouncing : rig {
    bouncing(ns_swiotlb_version version, ns_swiotlb_offsets offsets, uint64_t bus_offset = 0) {
        dev = device("dev");
        if (bus_offset != 0) {
            config.window_count = 1;
            config.window[0] = {base - bus_offset, base, 0x1000000, ""};
        }
        build();
        ns_machine_port_init(&port, machine);
        const ns_frame_region region = {low, 1 << 20};
        const ns_zone_limits limits = {0, UINT64_C(1) << 32};
        ns_swiotlb_config swiotlb_config{};
        swiotlb_config.slots = 128;
        swiotlb_config.version = version;
        swiotlb_config.offsets = offsets;
        EXPECT_EQ(ns_frames_create(&port.port, &region, 1, &limits, &frames), NS_POOL_OK);
        EXPECT_EQ(ns_swiotlb_create(&port.port, frames, &swiotlb_config, &swiotlb), NS_POOL_OK);
        pool_device.dma_mask = 0xffff'ffff;
        ns_tracked_object object{};
        std::snprintf(object.name, sizeof object.name, "buffer");
        object.first = original;
        object.length = size;
        ns_tracker_add_object(tracker(), &object);
    }
    ~bouncing() { ns_machine_port_release(&port); }
    ns_tracker *tracker() { return ns_machine_tracker(machine); }
    void call(ns_event_kind kind, uint64_t offset, uint64_t length) {
        step(0);
        ns_event event{};
        event.kind = static_cast<uint8_t>(kind);
        event.address = original + offset;
        event.length = static_cast<uint32_t>(length);
        event.peer = static_cast<uint8_t>(device_actor(dev));
        port.event = ns_actor_log(machine, 0, &event);
        ns_actor_inside(machine, 0, port.event);
    }
    void maintain_slot(ns_port_cache_op op, uint64_t offset, uint64_t length) {
        port.port.maintain(&port, op, NS_PORT_SCOPE_POC, slot + offset, length);
        port.port.barrier(&port);
    }
    void map(ns_dma_direction direction, unsigned attributes = 0) {
        call(NS_EVENT_MAP, 0, size);
        EXPECT_EQ(ns_swiotlb_map(swiotlb, &pool_device, original, size, direction, attributes, &slot), NS_POOL_OK);
        maintain_slot(NS_PORT_CLEAN, 0, size);
        static const uint8_t log_direction[] = {3, 1, 2};
        ns_tracker_map(tracker(), port.event, device_actor(dev), original, size, log_direction[direction], false);
        ns_actor_inside(machine, 0, NS_NO_EVENT);
    }
    void sync_for_cpu(ns_dma_direction direction, uint64_t offset = 0, uint64_t length = size) {
        call(NS_EVENT_SYNC_FOR_CPU, offset, length);
        maintain_slot(NS_PORT_INVALIDATE, offset, length);
        EXPECT_EQ(ns_swiotlb_sync_for_cpu(swiotlb, slot + offset, length, direction), NS_POOL_OK);
        ns_tracker_sync(tracker(), port.event, device_actor(dev), original + offset, length, true);
        ns_actor_inside(machine, 0, NS_NO_EVENT);
    }
    void sync_for_device(ns_dma_direction direction, uint64_t offset = 0, uint64_t length = size) {
        call(NS_EVENT_SYNC_FOR_DEVICE, offset, length);
        EXPECT_EQ(ns_swiotlb_sync_for_device(swiotlb, slot + offset, length, direction), NS_POOL_OK);
        maintain_slot(NS_PORT_CLEAN, offset, length);
        ns_tracker_sync(tracker(), port.event, device_actor(dev), original + offset, length, false);
        ns_actor_inside(machine, 0, NS_NO_EVENT);
    }
    void unmap(ns_dma_direction direction, unsigned attributes = 0) {
        call(NS_EVENT_UNMAP, 0, size);
        if (!(attributes & NS_DMA_SKIP_CPU_SYNC))
            maintain_slot(NS_PORT_INVALIDATE, 0, size);
        EXPECT_EQ(ns_swiotlb_unmap(swiotlb, slot, size, direction, attributes), NS_POOL_OK);
        ns_tracker_unmap(tracker(), port.event, device_actor(dev), original);
        ns_actor_inside(machine, 0, NS_NO_EVENT);
    }

    unsigned dev = 0;
    ns_machine_port port{};
    ns_frames *frames = nullptr;
    ns_swiotlb *swiotlb = nullptr;
    ns_pool_device pool_device{};
    uint64_t slot = 0;
};

struct setting {
    ns_swiotlb_version version;
    ns_swiotlb_offsets offsets;
    const char *hazards;
};

void short_transfer(const setting &with, unsigned attributes) {
    in_child([&] {
        bouncing r(with.version, with.offsets);
        r.run_on_hart([&] {
            r.map(NS_DMA_FROM_DEVICE, attributes);
            r.dma_write(r.dev, r.slot, Bytes(100, 3), original);
            r.unmap(NS_DMA_FROM_DEVICE);
            EXPECT_EQ(r.load(0, original, 100), Bytes(100, 3));
        });
        EXPECT_EQ(r.hazards(), with.hazards) << r.details();
        EXPECT_EQ(r.port.status, NS_OK);
    });
}

TEST(BounceSlots, AShortTransferLeaksInTheVersionsThatWerePublishedAsLeaking) {
    short_transfer({NS_SWIOTLB_5_10, NS_SWIOTLB_OFFSETS_5_10, "BB-LEAK"}, 0);
    short_transfer({NS_SWIOTLB_5_17_RC, NS_SWIOTLB_OFFSETS_5_15, "BB-LEAK"}, NS_DMA_OVERWRITE);
}
TEST(BounceSlots, AndInNoOther) {
    short_transfer({NS_SWIOTLB_5_17_RC, NS_SWIOTLB_OFFSETS_5_15, ""}, 0);
    short_transfer({NS_SWIOTLB_5_17_AA6F, NS_SWIOTLB_OFFSETS_5_15, ""}, NS_DMA_OVERWRITE);
    short_transfer({NS_SWIOTLB_5_18, NS_SWIOTLB_OFFSETS_6_9, ""}, NS_DMA_OVERWRITE);
}

// ath9k: the driver looks, finds nothing, hands back; the device has received meanwhile.
void looking_twice(const setting &with) {
    in_child([&] {
        bouncing r(with.version, with.offsets);
        r.run_on_hart([&] {
            r.store(0, original, Bytes(size, 0));
            r.map(NS_DMA_FROM_DEVICE);
            r.dma_write(r.dev, r.slot, Bytes(64, 3), original);
            r.sync_for_device(NS_DMA_FROM_DEVICE);
            r.sync_for_cpu(NS_DMA_FROM_DEVICE);
            const Bytes seen = r.load(0, original, 64);
            EXPECT_EQ(seen, with.hazards[0] == '\0' ? Bytes(64, 3) : Bytes(64, 0));
        });
        EXPECT_EQ(r.hazards(), with.hazards) << r.details();
    });
}

TEST(BounceSlots, TheOverEagerSyncIsFound) {
    looking_twice({NS_SWIOTLB_5_17_AA6F, NS_SWIOTLB_OFFSETS_5_15, "BB-OVERWRITE"});
}
TEST(BounceSlots, ItsRepairIsSilent) {
    looking_twice({NS_SWIOTLB_5_18, NS_SWIOTLB_OFFSETS_6_9, ""});
}

void partial_sync(const setting &with, uint64_t offset) {
    in_child([&] {
        bouncing r(with.version, with.offsets);
        r.pool_device.min_align_mask = 4095;
        r.run_on_hart([&] {
            r.map(NS_DMA_FROM_DEVICE);
            r.dma_write(r.dev, r.slot, Bytes(size, 3), original);
            r.sync_for_cpu(NS_DMA_FROM_DEVICE, offset, 200);
            const Bytes seen = r.load(0, original + offset, 200);
            EXPECT_EQ(seen == Bytes(200, 3), with.hazards[0] == '\0');
        });
        EXPECT_EQ(r.hazards(), with.hazards) << r.details();
    });
}

TEST(BounceSlots, APartialSyncWithTheOffsetForgottenIsFound) {
    partial_sync({NS_SWIOTLB_5_10, NS_SWIOTLB_OFFSETS_5_12, "BB-OFFSET"}, 512);
}
TEST(BounceSlots, APartialSyncWithTheOffsetIsSilent) {
    for (const ns_swiotlb_offsets offsets : {NS_SWIOTLB_OFFSETS_5_10, NS_SWIOTLB_OFFSETS_5_15, NS_SWIOTLB_OFFSETS_6_9})
        partial_sync({NS_SWIOTLB_5_18, offsets, ""}, 512);
}

TEST(BounceSlots, ACopyThatWasNotAskedForIsMissed) {
    for (const bool skip : {true, false})
        in_child([&] {
            bouncing r(NS_SWIOTLB_5_18, NS_SWIOTLB_OFFSETS_6_9);
            r.run_on_hart([&] {
                r.map(NS_DMA_FROM_DEVICE);
                r.dma_write(r.dev, r.slot, Bytes(64, 3), original);
                r.unmap(NS_DMA_FROM_DEVICE, skip ? NS_DMA_SKIP_CPU_SYNC : 0);
                (void)r.load(0, original, 64);
            });
            EXPECT_EQ(r.hazards(), skip ? "BB-MISSED" : "") << r.details();
        });
}

TEST(BounceSlots, ASlotIsNoWrongAddressForADeviceWithAWindow) {
    in_child([] {
        constexpr uint64_t offset = 0x10000000;
        bouncing r(NS_SWIOTLB_5_18, NS_SWIOTLB_OFFSETS_6_9, offset);
        r.run_on_hart([&] {
            r.store(0, original, Bytes(size, 7));
            r.map(NS_DMA_TO_DEVICE);
            EXPECT_EQ(r.dma_read(r.dev, r.slot - offset, size, original), Bytes(size, 7)) << "by its handle";
            EXPECT_EQ(r.dma_read(r.dev, r.slot - offset, size), Bytes(size, 7)) << "by a bare address";
            r.unmap(NS_DMA_TO_DEVICE);
        });
        EXPECT_EQ(r.hazards(), "") << r.details();
    });
}

// An allocator that finds its own book-keeping wrong says so through the port.
TEST(PoolCorruption, IsThePoolsHazard) {
    in_child([] {
        bouncing r(NS_SWIOTLB_5_18, NS_SWIOTLB_OFFSETS_6_9);
        r.run_on_hart([&] {
            r.call(NS_EVENT_FREE, 0, size);
            r.port.port.misuse(&r.port, NS_MISUSE_POOL_CORRUPT, original, size);
        });
        EXPECT_EQ(r.hazards(), "PL-POOL");
    });
}

} // namespace
