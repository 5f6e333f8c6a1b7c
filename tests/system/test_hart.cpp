// SPDX-License-Identifier: Apache-2.0
//
// Harts through nosnoop.h: store buffer and fences, maintenance, translation.
#include "model/paging.h"
#include "rig.h"

namespace {

using namespace ns_test;

constexpr uint64_t A = base + 0x100000;
constexpr uint64_t B = base + 0x200000;

// ---- store buffer and fences --------------------------------------------------------------------

TEST(StoreBufferOfAHart, KeepsANonCacheableStoreFromTheDeviceUntilTheFence) {
    in_child([] {
        rig r;
        const unsigned dev = r.device("dev");
        r.build();
        const uint64_t nc = ns_machine_alias(r.machine, A, 4096, NS_TYPE_NC);
        r.run_on_hart([&] {
            r.store(0, nc, {1, 2, 3, 4});
            EXPECT_EQ(ns_machine_buffered(r.machine, 0), 1u);
            EXPECT_EQ(r.memory(A, 4), Bytes(4));
            EXPECT_EQ(r.dma_read(dev, A, 4), Bytes(4));
            EXPECT_EQ(r.hazards(), "OR-DRAIN") << r.details();
            r.fence(0);
            EXPECT_EQ(ns_machine_buffered(r.machine, 0), 0u);
            EXPECT_EQ(r.memory(A, 4), (Bytes{1, 2, 3, 4}));
            EXPECT_EQ(r.dma_read(dev, A, 4), (Bytes{1, 2, 3, 4}));
        });
        EXPECT_EQ(r.log->hazard_count, 1u) << r.details();
    });
}

TEST(StoreBufferOfAHart, IsSeenByTheHartItself) {
    in_child([] {
        rig r;
        r.build();
        const uint64_t nc = ns_machine_alias(r.machine, A, 4096, NS_TYPE_NC);
        r.run_on_hart([&] {
            r.store(0, nc, {1, 2, 3, 4});
            EXPECT_EQ(r.load(0, nc, 4), (Bytes{1, 2, 3, 4}));
        });
        EXPECT_EQ(r.hazards(), "") << r.details();
    });
}

TEST(StoreBufferOfAHart, SendsItsOldestEntryWhenItIsFull) {
    in_child([] {
        rig r;
        r.config.store_buffer_entries = 2;
        r.build();
        const uint64_t nc = ns_machine_alias(r.machine, A, 4096, NS_TYPE_NC);
        r.run_on_hart([&] {
            for (uint8_t i = 0; i < 3; i++)
                r.store(0, nc + i * 64u, {static_cast<uint8_t>(i + 1)});
            EXPECT_EQ(ns_machine_buffered(r.machine, 0), 2u);
            EXPECT_EQ(r.memory(A, 1), Bytes{1});
            EXPECT_EQ(r.memory(A + 64, 1), Bytes{0});
        });
    });
}

TEST(StoreBufferOfAHart, OfNoEntriesStoresAtOnce) {
    in_child([] {
        rig r;
        r.config.store_buffer_entries = 0;
        r.build();
        const uint64_t nc = ns_machine_alias(r.machine, A, 4096, NS_TYPE_NC);
        r.run_on_hart([&] {
            r.store(0, nc, {1});
            EXPECT_EQ(r.memory(A, 1), Bytes{1});
        });
    });
}

TEST(StoreBufferOfAHart, MayLoseAMiddleEntryToTheHardware) {
    in_child([] {
        rig r;
        r.build();
        const uint64_t nc = ns_machine_alias(r.machine, A, 4096, NS_TYPE_NC);
        r.run_on_hart([&] {
            for (uint8_t i = 0; i < 3; i++)
                r.store(0, nc + i * 64u, {static_cast<uint8_t>(i + 1)});
            ns_hw_drain_hart(r.machine, 0, A + 64, 1);
            EXPECT_EQ(ns_machine_buffered(r.machine, 0), 2u);
            EXPECT_EQ(r.memory(A, 1), Bytes{0});
            EXPECT_EQ(r.memory(A + 64, 1), Bytes{2});
            EXPECT_EQ(r.memory(A + 128, 1), Bytes{0});
            ns_hw_drain_hart(r.machine, 0, 0, UINT64_MAX);
            EXPECT_EQ(ns_machine_buffered(r.machine, 0), 0u);
        });
        EXPECT_EQ(r.hazards(), "") << r.details();
    });
}

// RVWMO, preserved program order rule 1: overlapping addresses stay in order.
TEST(StoreBufferOfAHart, KeepsStoresToOneAddressInOrderWhateverDrains) {
    in_child([] {
        rig r;
        r.build();
        const uint64_t nc = ns_machine_alias(r.machine, A, 4096, NS_TYPE_NC);
        const uint64_t io = ns_machine_alias(r.machine, A, 4096, NS_TYPE_IO);
        r.run_on_hart([&] {
            r.store(0, nc, Bytes(6, 1));
            r.store(0, nc + 4, Bytes(4, 2));
            ns_hw_drain_hart(r.machine, 0, A + 7, 1); // touches the second only
            r.fence(0);
            EXPECT_EQ(r.memory(A, 8), (Bytes{1, 1, 1, 1, 2, 2, 2, 2}));
            r.store(0, nc + 64, {1});
            r.store(0, io + 64, {2}); // strongly ordered: it does not wait in the buffer
            EXPECT_EQ(r.memory(A + 64, 1), Bytes{2});
            r.fence(0);
            EXPECT_EQ(r.memory(A + 64, 1), Bytes{2});
        });
        EXPECT_EQ(r.hazards(), "") << r.details();
    });
}

TEST(StoreBufferOfAHart, AnIoStoreOvertakesStoresToOtherAddresses) {
    in_child([] {
        rig r;
        r.build();
        const uint64_t nc = ns_machine_alias(r.machine, A, 4096, NS_TYPE_NC);
        const uint64_t io = ns_machine_alias(r.machine, B, 4096, NS_TYPE_IO);
        r.run_on_hart([&] {
            r.store(0, nc, {1});
            r.store(0, io, {2});
            EXPECT_EQ(r.memory(B, 1), Bytes{2});
            EXPECT_EQ(r.memory(A, 1), Bytes{0});
        });
    });
}

// Entries leave by themselves after 300 ns; the fence comes at every point of the entry's way to memory.
TEST(StoreBufferOfAHart, AFenceWaitsForAnEntryThatIsLeavingByItself) {
    in_child([] {
        rig r;
        r.config.store_buffer_drain = NS_DRAIN_AFTER;
        r.config.store_buffer_drain_ps = 300000;
        r.build();
        const uint64_t nc = ns_machine_alias(r.machine, A, 4096, NS_TYPE_NC);
        r.run_on_hart([&] {
            r.load(0, nc, 1);
            bool left_by_itself = false, fence_drained = false;
            for (uint64_t pause = 250000; pause < 450000; pause += 1000) {
                const auto value = static_cast<uint8_t>(pause / 1000);
                r.store(0, nc, {value});
                ns_actor_pause(r.machine, 0, pause);
                (ns_machine_buffered(r.machine, 0) == 0 ? left_by_itself : fence_drained) = true;
                if (pause % 2000 == 0) {
                    EXPECT_EQ(r.load(0, nc, 1), Bytes{value}) << "pause " << pause;
                }
                r.fence(0);
                EXPECT_EQ(r.memory(A, 1), Bytes{value}) << "pause " << pause;
            }
            EXPECT_TRUE(left_by_itself && fence_drained);
        });
        EXPECT_EQ(r.hazards(), "") << r.details();
    });
}

TEST(StoreBufferOfAHart, DrainsAtOnceWhenEager) {
    in_child([] {
        rig r;
        r.config.store_buffer_drain = NS_DRAIN_EAGER;
        r.build();
        const uint64_t nc = ns_machine_alias(r.machine, A, 4096, NS_TYPE_NC);
        r.run_on_hart([&] {
            r.store(0, nc, {1});
            EXPECT_EQ(r.memory(A, 1), Bytes{1});
        });
    });
}

// ---- late maintenance ---------------------------------------------------------------------------

TEST(LateMaintenance, ReachesMemoryAtTheFenceAndNotBefore) {
    in_child([] {
        rig r;
        r.config.cache.late_write_backs = 8;
        const unsigned dev = r.device("dev");
        r.build();
        r.run_on_hart([&] {
            r.store(0, A, {1, 2});
            r.maintain(0, NS_CACHE_CLEAN, A, 64);
            EXPECT_EQ(ns_machine_buffered(r.machine, 0), 1u);
            EXPECT_EQ(r.memory(A, 2), Bytes(2));
            ns_hart_fence_local(r.machine, 0);
            EXPECT_EQ(r.memory(A, 2), Bytes(2)) << "a local fence does not wait for maintenance";
            r.dma_read(dev, A, 2);
            EXPECT_EQ(r.hazards(), "OR-DRAIN") << r.details();
            r.fence(0);
            EXPECT_EQ(r.memory(A, 2), (Bytes{1, 2}));
            EXPECT_EQ(r.dma_read(dev, A, 2), (Bytes{1, 2}));
        });
        EXPECT_EQ(r.log->hazard_count, 1u) << r.details();
    });
}

TEST(LateMaintenance, OfOneLineMayCompleteByItself) {
    in_child([] {
        rig r;
        r.config.cache.late_write_backs = 8;
        r.build();
        r.run_on_hart([&] {
            r.store(0, A, {1});
            r.store(0, B, {2});
            r.maintain(0, NS_CACHE_CLEAN, A, 64);
            r.maintain(0, NS_CACHE_CLEAN, B, 64);
            ns_hw_drain_hart(r.machine, 0, B, 1);
            EXPECT_EQ(r.memory(A, 1), Bytes{0});
            EXPECT_EQ(r.memory(B, 1), Bytes{2});
        });
    });
}

// Each discards its own dirty lines on purpose; nobody loses a neighbour.
TEST(Maintenance, OfTwoHartsAtOnceIsToldApart) {
    in_child([] {
        rig r;
        r.config.cache.harts = 2;
        r.config.cache.level[0].size = 4096;
        r.build();
        for (unsigned hart = 0; hart < 2; hart++)
            r.on(hart, [&r, hart] {
                const uint64_t mine = hart == 0 ? A : B;
                for (int round = 0; round < 20; round++) {
                    r.store(hart, mine, Bytes(512, 1));
                    r.maintain(hart, NS_CACHE_INVALIDATE, mine, 512);
                    r.store(hart, mine, Bytes(512, 2));
                    r.maintain(hart, NS_CACHE_FLUSH, mine, 512);
                    r.store(hart, mine, Bytes(512, 3));
                    // Elsewhere in the other's flush, which waits for memory, in each round.
                    ns_actor_pause(r.machine, hart, 1000 + hart * static_cast<uint64_t>(round) * 97000);
                    r.maintain(hart, NS_CACHE_INVALIDATE, mine + 64, 128);
                }
            });
        EXPECT_EQ(r.run(), NS_OK);
        EXPECT_EQ(r.hazards(), "") << r.details();
    });
}

TEST(Maintenance, OfL1LeavesTheDataInL2) {
    in_child([] {
        rig r;
        r.two_levels();
        const unsigned dev = r.device("dev");
        r.build();
        r.run_on_hart([&] {
            r.store(0, A, {1});
            r.maintain(0, NS_CACHE_CLEAN, A, 64, NS_SCOPE_L1);
            EXPECT_EQ(r.memory(A, 1), Bytes{0});
            r.dma_read(dev, A, 1);
            EXPECT_EQ(r.hazards(), "DC-WRONG-SCOPE") << r.details();
            r.maintain(0, NS_CACHE_CLEAN, A, 64);
            EXPECT_EQ(r.dma_read(dev, A, 1), Bytes{1});
        });
        EXPECT_EQ(r.log->hazard_count, 1u) << r.details();
    });
}

TEST(Maintenance, OfNothingDoesNothing) {
    in_child([] {
        rig r;
        r.build();
        r.run_on_hart([&] {
            r.store(0, A, {1});
            r.maintain(0, NS_CACHE_INVALIDATE, A, 0);
            EXPECT_EQ(r.load(0, A, 1), Bytes{1});
        });
        EXPECT_EQ(r.hazards(), "") << r.details();
    });
}

// ---- translation --------------------------------------------------------------------------------

TEST(Translation, ANewTypeCountsOnlyAfterTheSfence) {
    in_child([] {
        rig r;
        r.build();
        r.run_on_hart([&] {
            r.load(0, A, 4);
            r.load(0, A + 4096, 4); // the same 2 MiB leaf
            EXPECT_EQ(ns_hart_set_type(r.machine, 0, A, 4096, NS_TYPE_NC), NS_OK);
            r.load(0, A, 4);
            EXPECT_EQ(r.type_of_last(NS_EVENT_LOAD), NS_TYPE_CACHEABLE);
            ns_hart_sfence(r.machine, 0, false, A);
            r.load(0, A, 4);
            EXPECT_EQ(r.type_of_last(NS_EVENT_LOAD), NS_TYPE_NC);
            r.load(0, A + 4096, 4);
            EXPECT_EQ(r.type_of_last(NS_EVENT_LOAD), NS_TYPE_CACHEABLE) << "one 4 KiB page of the leaf has changed";
            EXPECT_EQ(ns_hart_set_type(r.machine, 0, A, 4096, NS_TYPE_IO), NS_OK);
            ns_hart_sfence(r.machine, 0, true, 0);
            r.load(0, A, 4);
            EXPECT_EQ(r.type_of_last(NS_EVENT_LOAD), NS_TYPE_IO);
        });
        EXPECT_EQ(r.hazards(), "") << r.details();
    });
}

TEST(Translation, EachHartHasATlbOfItsOwn) {
    in_child([] {
        rig r;
        r.config.cache.harts = 2;
        r.build();
        r.run_on_hart([&] {
            r.load(0, A, 4);
            r.load(1, A, 4);
            EXPECT_EQ(ns_hart_set_type(r.machine, 0, A, 4096, NS_TYPE_NC), NS_OK);
            ns_hart_sfence(r.machine, 0, true, 0);
            r.load(0, A, 4);
            EXPECT_EQ(r.type_of_last(NS_EVENT_LOAD), NS_TYPE_NC);
            r.load(1, A, 4);
            EXPECT_EQ(r.type_of_last(NS_EVENT_LOAD), NS_TYPE_CACHEABLE);
        });
    });
}

TEST(Translation, ASecondMappingReachesTheSameBytesWithItsOwnType) {
    in_child([] {
        rig r;
        r.build();
        const uint64_t nc = ns_machine_alias(r.machine, A + 100, 8000, NS_TYPE_NC);
        EXPECT_EQ(nc % 4096, (A + 100) % 4096);
        EXPECT_EQ(ns_machine_physical(r.machine, nc + 7999), A + 8099);
        EXPECT_EQ(ns_machine_physical(r.machine, A), A);
        EXPECT_EQ(ns_machine_physical(r.machine, 0x7000), unknown);
        EXPECT_EQ(ns_machine_virtual(r.machine, A), A);
        EXPECT_EQ(ns_machine_virtual(r.machine, 0x7000), 0u);
        r.run_on_hart([&] {
            r.store(0, nc, {1, 2});
            EXPECT_EQ(r.type_of_last(NS_EVENT_STORE), NS_TYPE_NC);
            r.fence(0);
            EXPECT_EQ(r.load(0, A + 100, 2), (Bytes{1, 2}));
            EXPECT_EQ(r.hazards(), "") << r.details();
            r.store(0, A + 100, {3});
            r.load(0, nc, 1); // past the dirty line
        });
        EXPECT_EQ(r.hazards(), "AT-ALIAS-DIRTY") << r.details();
    });
}

// A second mapping of one page, its PTE stored by a hart.
uint64_t map_page(rig &r, unsigned hart, uint64_t physical, ns_memory_type type) {
    const uint64_t address = ns_machine_reserve_pages(r.machine, 4096);
    const uint64_t leaf = NS_PTE_V | NS_PTE_R | NS_PTE_W | NS_PTE_A | NS_PTE_D;
    const uint64_t pte = physical >> 12 << NS_PTE_PPN_SHIFT | leaf |
                         ns_pte_encode_type(ns_machine_get_config(r.machine)->pte_encoding, type);
    EXPECT_EQ(ns_machine_get_pte(r.machine, address), 0u);
    EXPECT_EQ(ns_hart_set_pte(r.machine, hart, address, pte), NS_OK);
    EXPECT_EQ(ns_machine_get_pte(r.machine, address), pte);
    return address;
}

TEST(Translation, AMappingMadeByAHartIsNoAccessOfTheObjectThatTheStepIsAbout) {
    in_child([] {
        rig r;
        r.build();
        ns_tracked_object ring{};
        ring.first = A;
        ring.length = 4096;
        ring.type = NS_TYPE_NC;
        ring.coherent = true;
        const uint32_t object = ns_tracker_add_object(ns_machine_tracker(r.machine), &ring);
        r.run_on_hart([&] {
            r.step(0, object);
            const uint64_t nc = map_page(r, 0, A, NS_TYPE_NC);
            ASSERT_NE(nc, 0u);
            uint8_t byte = 1;
            EXPECT_EQ(ns_hart_store(r.machine, 0, nc, 1, &byte), NS_OK);
            EXPECT_EQ(ns_hart_set_pte(r.machine, 0, nc, 0), NS_OK);
            ns_hart_sfence(r.machine, 0, true, 0);
            EXPECT_EQ(ns_hart_load(r.machine, 0, nc, 1, &byte, nullptr, 0), NS_ERROR_PAGE_FAULT);
        });
        EXPECT_EQ(r.hazards(), "AT-PAGE-FAULT") << r.details();
    });
}

TEST(Translation, TwoHartsMayChangeTablesAtOnce) {
    in_child([] {
        rig r;
        r.config.cache.harts = 2;
        r.config.cache.level[0].size = 1024;
        r.build();
        std::vector<uint64_t> mapped[2];
        for (unsigned hart = 0; hart < 2; hart++)
            r.on(hart, [&, hart] {
                for (uint64_t i = 0; i < 20; i++) {
                    const uint64_t physical = A + (hart * 100 + i) * 4096;
                    mapped[hart].push_back(map_page(r, hart, physical, NS_TYPE_NC));
                    EXPECT_EQ(ns_machine_physical(r.machine, mapped[hart].back()), physical);
                    // Both split leaves of 2 MiB that nobody has split yet.
                    const uint64_t page = base + 0x1000000 + i * 0x200000 + hart * 4096;
                    EXPECT_EQ(ns_hart_set_type(r.machine, hart, page, 4096, NS_TYPE_NC), NS_OK);
                    ns_hart_sfence(r.machine, hart, true, 0);
                    r.load(hart, page, 4);
                }
            });
        EXPECT_EQ(r.run(), NS_OK);
        for (uint64_t i = 0; i < 20; i++)
            for (unsigned hart = 0; hart < 2; hart++)
                EXPECT_EQ(ns_machine_physical(r.machine, mapped[hart][i]), A + (hart * 100 + i) * 4096);
        EXPECT_EQ(r.hazards(), "") << r.details();
    });
}

TEST(Translation, OneCoresBitsFaultOnTheOther) {
    in_child([] {
        rig r;
        r.config.attributes = NS_ATTRIBUTES_SVPBMT;
        r.config.pte_encoding = NS_ENCODE_THEAD_5_19; // "normal" is 01110: Svpbmt reads 11, reserved
        r.build();
        r.run_on_hart([&] {
            uint8_t byte;
            EXPECT_EQ(ns_hart_load(r.machine, 0, A, 1, &byte, nullptr, 0), NS_ERROR_PAGE_FAULT);
        });
        EXPECT_EQ(r.hazards(), "AT-WRONG-TYPE") << r.details();
    });
}

TEST(Translation, OneAccessMayCrossPagesOfDifferentTypes) {
    in_child([] {
        rig r;
        r.build();
        EXPECT_EQ(ns_machine_set_type(r.machine, A + 4096, 4096, NS_TYPE_NC), NS_OK);
        r.run_on_hart([&] {
            r.store(0, A + 4094, {1, 2, 3, 4});
            EXPECT_EQ(r.load(0, A + 4094, 4), (Bytes{1, 2, 3, 4}));
            r.fence(0);
            EXPECT_EQ(r.memory(A + 4094, 4), (Bytes{0, 0, 3, 4}));
        });
        EXPECT_EQ(r.hazards(), "") << r.details();
    });
}

} // namespace
