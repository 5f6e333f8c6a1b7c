// SPDX-License-Identifier: Apache-2.0
//
// The assembled machine through nosnoop.h: what harts, buffers, translation, interrupts and DMA masters promise.
#include "rig.h"

namespace {

using namespace ns_test;

constexpr uint64_t A = base + 0x100000;
constexpr uint64_t B = base + 0x200000;

// ---- store buffer and fences
// ------------------------------------------------------------------------------------------

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

// ---- late maintenance
// -----------------------------------------------------------------------------------------------------

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

// ---- translation
// ------------------------------------------------------------------------------------------------------------

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
            const uint64_t nc = ns_hart_alias(r.machine, 0, A, 4096, NS_TYPE_NC);
            ASSERT_NE(nc, 0u);
            uint8_t byte = 1;
            EXPECT_EQ(ns_hart_store(r.machine, 0, nc, 1, &byte), NS_OK);
            EXPECT_EQ(ns_hart_unmap_pages(r.machine, 0, nc, 4096), NS_OK);
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
                    mapped[hart].push_back(ns_hart_alias(r.machine, hart, physical, 4096, NS_TYPE_NC));
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

// ---- errors
// -----------------------------------------------------------------------------------------------------------------

TEST(BusErrors, AreAStatusAndAHazard) {
    in_child([] {
        rig r;
        const unsigned dev = r.device("dev");
        r.build();
        const uint64_t nowhere = ns_machine_alias(r.machine, 0x50000000, 4096, NS_TYPE_NC);
        r.run_on_hart([&] {
            uint8_t data[64] = {};
            r.step(0);
            EXPECT_EQ(ns_hart_load(r.machine, 0, nowhere, 4, data, nullptr, 0), NS_ERROR_ADDRESS);
            EXPECT_EQ(r.hazards(), "AD-DECODE-ERROR");
            r.step(0);
            EXPECT_EQ(ns_hart_store(r.machine, 0, nowhere, 4, data), NS_ERROR_ADDRESS);
            EXPECT_EQ(r.log->hazard_count, 2u);
            r.step(r.device_actor(dev));
            EXPECT_EQ(ns_device_read(r.machine, dev, 0x50000000, unknown, 64, data, nullptr, 0), NS_ERROR_ADDRESS);
            EXPECT_EQ(r.log->hazard_count, 3u);
            r.step(0);
            EXPECT_EQ(ns_hart_load(r.machine, 0, 0x7000, 4, data, nullptr, 0), NS_ERROR_PAGE_FAULT);
            EXPECT_EQ(r.hazards(), "AD-DECODE-ERROR AD-DECODE-ERROR AD-DECODE-ERROR AT-PAGE-FAULT");
            EXPECT_EQ(r.load(0, A, 4), Bytes(4)) << "and the machine goes on";
        });
    });
}

// The part of a transfer that lies in RAM happened, and is known to have.
TEST(BusErrors, ATransferThatRunsOffTheEndOfRamWritesWhatIsThere) {
    in_child([] {
        rig r;
        const unsigned dev = r.device("dev");
        r.config.ram[0].length = 64 << 20;
        r.config.ram_count = 2;
        r.config.ram[1] = {"high", UINT64_C(0x90000000), 1 << 20};
        r.build();
        const uint64_t end = 0x90000000 + (1 << 20);
        r.run_on_hart([&] {
            const Bytes data(128, 7);
            r.step(r.device_actor(dev));
            EXPECT_EQ(ns_device_write(r.machine, dev, end - 64, unknown, 128, data.data()), NS_ERROR_ADDRESS);
            EXPECT_EQ(r.hazards(), "AD-DECODE-ERROR");
            EXPECT_EQ(r.load(0, end - 64, 64), Bytes(64, 7));
        });
        EXPECT_EQ(r.hazards(), "AD-DECODE-ERROR") << r.details();
    });
}

// ---- DMA masters
// ---------------------------------------------------------------------------------------------------------------

struct Width {
    unsigned bits;
    uint64_t programmed, driven; // driven: what is left of it in so many bits
};
void PrintTo(const Width &width, std::ostream *out) {
    *out << width.bits << " bits";
}

class MasterOfWidth : public ::testing::TestWithParam<Width> {};
TEST_P(MasterOfWidth, CutsOffTheAddressBitsThatItDoesNotHave) {
    const Width &width = GetParam();
    in_child([&] {
        rig r;
        const unsigned dev = r.device("dev", width.bits);
        r.config.ram_count = 3;
        r.config.ram[1] = {"dma", 0x00100000, 14 << 20};
        r.config.ram[2] = {"high", UINT64_C(0x10000000000), 4 << 20};
        r.build();
        r.run_on_hart([&] {
            r.dma_write(dev, width.programmed, {1, 2, 3}, width.programmed);
            EXPECT_EQ(r.memory(width.driven, 3), (Bytes{1, 2, 3}));
            EXPECT_EQ(r.hazards(), width.programmed == width.driven ? "" : "AD-MASK-TRUNC") << r.details();
            r.dma_write(dev, width.driven, {4, 5, 6}, width.driven);
            EXPECT_EQ(r.dma_read(dev, width.driven, 3, width.driven), (Bytes{4, 5, 6}));
        });
        EXPECT_EQ(r.log->hazard_count, width.programmed == width.driven ? 0u : 1u) << r.details();
    });
}
const Width widths[] = {
    {24, 0x1200400, 0x200400},       {24, 0x200400, 0x200400},       {32, 0x180100000, 0x80100000},
    {32, 0x80100000, 0x80100000},    {36, 0x1080100000, 0x80100000}, {36, 0x80100000, 0x80100000},
    {40, 0x10080100000, 0x80100000}, {40, 0x80100000, 0x80100000},   {64, 0x10000000400, 0x10000000400},
    {64, 0x80100000, 0x80100000},
};
INSTANTIATE_TEST_SUITE_P(Dma, MasterOfWidth, ::testing::ValuesIn(widths));

TEST(Dma, AnAddressRegisterWrapsInTheMiddleOfATransfer) {
    in_child([] {
        rig r;
        const unsigned dev = r.device("dev", 24);
        r.config.window_count = 1;
        r.config.window[0] = {0, base, 0x1000000, ""};
        r.build();
        r.run_on_hart([&] {
            Bytes data(32);
            for (size_t i = 0; i < data.size(); i++)
                data[i] = static_cast<uint8_t>(i + 1);
            r.dma_write(dev, 0xFFFFF0, data, base + 0xFFFFF0);
            EXPECT_EQ(r.hazards(), "AD-MASK-TRUNC") << r.details();
            EXPECT_EQ(r.memory(base + 0xFFFFF0, 16), Bytes(data.begin(), data.begin() + 16));
            EXPECT_EQ(r.memory(base + 0x1000000, 16), Bytes(16)) << "where a wider register would have gone";
            EXPECT_EQ(r.memory(base, 16), Bytes(data.begin() + 16, data.end()));
        });
    });
}

TEST(Dma, AWindowTranslatesByItsOffset) {
    in_child([] {
        rig r;
        const unsigned dev = r.device("dev");
        const unsigned other = r.device("other");
        r.config.window_count = 2;
        r.config.window[0] = {0x40000000, base, 0x1000000, "dev"};
        r.config.window[1] = {0xC0000000, base, 0x1000000, "other"};
        r.build();
        EXPECT_EQ(ns_device_bus_address(r.machine, dev, A), A - base + 0x40000000);
        EXPECT_EQ(ns_device_bus_address(r.machine, other, A), A - base + 0xC0000000);
        EXPECT_EQ(ns_device_bus_address(r.machine, dev, base + 0x1000000), unknown);
        r.run_on_hart([&] {
            r.dma_write(dev, A - base + 0x40000000, {1, 2}, A);
            EXPECT_EQ(r.memory(A, 2), (Bytes{1, 2}));
            EXPECT_EQ(r.dma_read(other, A - base + 0xC0000000, 2, A), (Bytes{1, 2}));
            EXPECT_EQ(r.hazards(), "") << r.details();
            uint8_t byte = 0;
            r.step(r.device_actor(dev));
            EXPECT_EQ(ns_device_read(r.machine, dev, A, A, 1, &byte, nullptr, 0), NS_ERROR_ADDRESS)
                << "a physical address";
            EXPECT_EQ(r.hazards(), "AD-OFFSET") << r.details();
        });
    });
}

TEST(Dma, ATransferMayCrossFromOneWindowIntoTheNext) {
    in_child([] {
        rig r;
        const unsigned dev = r.device("dev");
        r.config.window_count = 2;
        r.config.window[0] = {0x40000000, base + 0x100000, 0x1000, ""};
        r.config.window[1] = {0x40001000, base + 0x300000, 0x1000, ""};
        r.build();
        r.run_on_hart([&] {
            r.dma_write(dev, 0x40001000 - 64, Bytes(128, 5));
            EXPECT_EQ(r.memory(base + 0x101000 - 64, 64), Bytes(64, 5));
            EXPECT_EQ(r.memory(base + 0x300000, 64), Bytes(64, 5));
            EXPECT_EQ(r.load(0, base + 0x300000, 64), Bytes(64, 5));
            EXPECT_EQ(r.load(0, base + 0x101000 - 64, 64), Bytes(64, 5));
        });
        EXPECT_EQ(r.hazards(), "") << r.details();
    });
}

TEST(Dma, AnIoCoherentMasterSeesAndUpdatesTheCaches) {
    in_child([] {
        rig r;
        r.config.cache.harts = 2;
        const unsigned dev = r.device("dev");
        r.devices[dev].snoops = r.devices[dev].declared_coherent = true;
        r.build();
        r.run_on_hart([&] {
            r.store(0, A, {1, 2, 3, 4});
            EXPECT_EQ(r.dma_read(dev, A, 4), (Bytes{1, 2, 3, 4}));
            EXPECT_EQ(r.memory(A, 4), Bytes(4)) << "the line was still dirty: this shows the snoop";
            r.load(1, A + 64, 4);
            r.dma_write(dev, A + 2, {9});
            r.dma_write(dev, A + 64, {8});
            EXPECT_EQ(r.load(0, A, 4), (Bytes{1, 2, 9, 4}));
            EXPECT_EQ(r.load(1, A, 4), (Bytes{1, 2, 9, 4}));
            EXPECT_EQ(r.load(1, A + 64, 1), Bytes{8});
        });
        EXPECT_EQ(r.hazards(), "") << r.details();
    });
}

// ---- posted writes
// ------------------------------------------------------------------------------------------------------------

struct Push {
    const char *what;
    bool pushes;
    void (*act)(rig &, unsigned dev);
};
void PrintTo(const Push &push, std::ostream *out) {
    *out << push.what;
}
class PostedWrite : public ::testing::TestWithParam<Push> {};
TEST_P(PostedWrite, IsPushedToMemoryByWhatSharesItsPath) {
    in_child([] {
        rig r;
        const unsigned dev = r.device("dev");
        r.config.posted_entries = 4;
        r.device("other");
        r.build();
        r.run_on_hart([&] {
            r.dma_write(dev, A, {1, 2});
            EXPECT_EQ(ns_machine_buffered(r.machine, r.device_actor(dev)), 1u);
            EXPECT_EQ(r.memory(A, 2), Bytes(2));
            GetParam().act(r, dev);
            EXPECT_EQ(r.memory(A, 2), GetParam().pushes ? (Bytes{1, 2}) : Bytes(2));
        });
    });
}
const Push pushes[] = {
    {"nothing", false, [](rig &, unsigned) {}},
    {"the device's own read", true, [](rig &r, unsigned dev) { r.dma_read(dev, B, 4); }},
    {"another device's read", false, [](rig &r, unsigned dev) { r.dma_read(dev + 1, B, 4); }},
    {"a hart's read of its register", true,
     [](rig &r, unsigned dev) {
         uint32_t value;
         EXPECT_EQ(ns_hart_register_read(r.machine, 0, dev, &value), NS_OK);
     }},
    {"a hart's read of another's register", false,
     [](rig &r, unsigned dev) {
         uint32_t value;
         EXPECT_EQ(ns_hart_register_read(r.machine, 0, dev + 1, &value), NS_OK);
     }},
    {"its doorbell", false, [](rig &r, unsigned dev) { EXPECT_EQ(ns_hart_doorbell(r.machine, 0, dev), NS_OK); }},
    {"its interrupt", true, [](rig &r, unsigned dev) { ns_device_raise(r.machine, dev, 1); }},
    {"a flush by the device", true, [](rig &r, unsigned dev) { ns_device_flush(r.machine, dev); }},
    {"the hardware", true, [](rig &r, unsigned dev) { ns_hw_drain_device(r.machine, dev, A + 1, 1); }},
    {"the hardware, elsewhere", false, [](rig &r, unsigned dev) { ns_hw_drain_device(r.machine, dev, A + 2, 1); }},
    {"a hart's load of other memory", false, [](rig &r, unsigned) { r.load(0, B, 4); }},
    {"a fence of a hart", false, [](rig &r, unsigned) { r.fence(0); }},
    {"the fifth write", true,
     [](rig &r, unsigned dev) {
         for (unsigned i = 1; i <= 4; i++)
             r.dma_write(dev, A + i * 64, {1});
     }},
    {"three more writes", false,
     [](rig &r, unsigned dev) {
         for (unsigned i = 1; i <= 3; i++)
             r.dma_write(dev, A + i * 64, {1});
     }},
};
INSTANTIATE_TEST_SUITE_P(Dma, PostedWrite, ::testing::ValuesIn(pushes));

TEST(PostedWrites, AreOvertakenByAnInterruptWhereTheMachineMay) {
    in_child([] {
        rig r;
        const unsigned dev = r.device("dev");
        r.devices[dev].signals = true;
        r.config.posted_entries = 4;
        r.config.may |= NS_MAY_IRQ_BEFORE_DATA;
        r.build();
        r.run_on_hart([&] {
            r.dma_write(dev, A, {1});
            ns_device_raise(r.machine, dev, 1);
            ns_hart_wait(r.machine, 0, 1);
            EXPECT_EQ(r.load(0, A, 1), Bytes{0});
        });
        EXPECT_EQ(r.hazards(), "OR-IRQ-BEFORE-DATA") << r.details();
    });
}

TEST(PostedWrites, LeaveByThemselvesAfterTheirTime) {
    in_child([] {
        rig r;
        const unsigned dev = r.device("dev");
        r.config.posted_entries = 4;
        r.config.posted_drain = NS_DRAIN_AFTER;
        r.config.posted_drain_ps = 500000;
        r.build();
        r.run_on_hart([&] {
            r.dma_write(dev, A, {1});
            ns_actor_pause(r.machine, 0, 400000);
            EXPECT_EQ(r.memory(A, 1), Bytes{0});
            ns_actor_pause(r.machine, 0, 110000);
            EXPECT_EQ(r.memory(A, 1), Bytes{1});
        });
    });
}

// ---- doorbells and interrupts
// -------------------------------------------------------------------------------------------------

// Through the interconnect (10 ns) to the register (50 ns).
TEST(Doorbell, ReachesTheDeviceAfterItsLatency) {
    in_child([] {
        rig r;
        const unsigned dev = r.device("dev");
        r.build();
        uint64_t rung = 0, started = 0;
        unsigned starts = 0;
        r.on(0, [&] {
            uint32_t value;
            EXPECT_EQ(ns_hart_register_read(r.machine, 0, dev, &value), NS_OK); // the TLB is warm now
            rung = r.now();
            EXPECT_EQ(ns_hart_doorbell(r.machine, 0, dev), NS_OK);
            EXPECT_EQ(ns_hart_doorbell(r.machine, 0, dev), NS_OK);
        });
        r.on_device(dev, [&] {
            ns_device_start(r.machine, dev);
            started = r.now();
            starts++;
            ns_device_start(r.machine, dev);
            starts++;
            EXPECT_FALSE(ns_device_rung(r.machine, dev));
        });
        EXPECT_EQ(r.run(), NS_OK);
        EXPECT_EQ(starts, 2u);
        EXPECT_EQ(started - rung, 60000u);
    });
}

TEST(Doorbell, OfOneDeviceStartsNoOther) {
    in_child([] {
        rig r;
        const unsigned dev = r.device("dev"), other = r.device("other");
        r.build();
        bool started = false;
        r.on(0, [&] { EXPECT_EQ(ns_hart_doorbell(r.machine, 0, dev), NS_OK); });
        r.on_device(other, [&] {
            ns_device_start(r.machine, other);
            started = true;
        });
        EXPECT_EQ(r.run(), NS_ERROR_TIMEOUT);
        EXPECT_FALSE(started);
        EXPECT_TRUE(ns_device_rung(r.machine, dev));
        EXPECT_FALSE(ns_device_rung(r.machine, other));
    });
}

TEST(Interrupt, ArrivesAfterItsLatencyHoweverOftenItIsRaisedMeanwhile) {
    for (const bool twice : {false, true})
        in_child([&] {
            rig r;
            const unsigned dev = r.device("dev");
            r.build();
            uint64_t raised = 0, taken = 0;
            r.on(0, [&] {
                ns_hart_wait(r.machine, 0, 5);
                taken = r.now();
                EXPECT_FALSE(ns_machine_irq_pending(r.machine, 5));
            });
            r.on_device(dev, [&] {
                ns_actor_pause(r.machine, r.device_actor(dev), 1000000);
                raised = r.now();
                ns_device_raise(r.machine, dev, 5);
                ns_actor_pause(r.machine, r.device_actor(dev), 100000);
                if (twice)
                    ns_device_raise(r.machine, dev, 5);
            });
            EXPECT_EQ(r.run(), NS_OK);
            EXPECT_EQ(taken - raised, 200000u);
        });
}

TEST(Interrupt, StaysPendingUntilSomebodyWaitsForIt) {
    in_child([] {
        rig r;
        const unsigned dev = r.device("dev");
        r.build();
        r.run_on_hart([&] {
            ns_device_raise(r.machine, dev, 5);
            ns_actor_pause(r.machine, 0, 10000000);
            EXPECT_TRUE(ns_machine_irq_pending(r.machine, 5));
            EXPECT_EQ(r.time_of([&] { ns_hart_wait(r.machine, 0, 5); }), 0u);
            EXPECT_FALSE(ns_machine_irq_pending(r.machine, 5));
        });
    });
}

TEST(Interrupt, ThatNobodyRaisesIsATimeout) {
    in_child([] {
        rig r;
        r.build();
        r.on(0, [&] { ns_hart_wait(r.machine, 0, 5); });
        EXPECT_EQ(r.run(), NS_ERROR_TIMEOUT);
    });
}

// ---- time
// ---------------------------------------------------------------------------------------------------------------------

// L1 2 cycles and L2 10 cycles of 1 ns. A line of 64 bytes is 8 beats of 2 ns; the interconnect takes 10 ns, memory 60
// ns.
TEST(Time, OfLoadsIsTheSumOfTheLevelsReached) {
    in_child([] {
        rig r;
        r.two_levels();
        r.build();
        r.run_on_hart([&] {
            r.load(0, A + 0x8000, 8); // the translation, and its page table lines
            EXPECT_EQ(r.time_of([&] { r.load(0, A, 8); }), 2000u + 10000u + 10000u + 16000u + 60000u);
            EXPECT_EQ(r.time_of([&] { r.load(0, A + 8, 8); }), 2000u);
            EXPECT_EQ(r.time_of([&] { r.store(0, A + 8, Bytes(8)); }), 2000u);
            r.load(0, A + 512, 8); // set 0 of 8 again; the L1 has two ways
            r.load(0, A + 1024, 8);
            EXPECT_EQ(r.time_of([&] { r.load(0, A, 8); }), 2000u + 10000u);
            EXPECT_EQ(r.time_of([&] { r.load(0, A, 32); }), 4 * 2000u) << "a hart moves 8 bytes at a time";
            EXPECT_EQ(r.time_of([&] { r.fence(0); }), 1000u);
        });
    });
}

TEST(Time, OfMaintenanceIsPerLineVisited) {
    in_child([] {
        rig r;
        r.build();
        r.run_on_hart([&] {
            r.load(0, A, 8);
            EXPECT_EQ(r.time_of([&] { r.maintain(0, NS_CACHE_CLEAN, A, 256); }), 4 * 4000u);
            r.store(0, A, {1});
            // and a write-back: interconnect, 8 beats, memory
            EXPECT_EQ(r.time_of([&] { r.maintain(0, NS_CACHE_CLEAN, A, 256); }), 4 * 4000u + 86000u);
        });
    });
}

// Beats take turns on the bus; latencies of bursts in flight overlap.
TEST(Time, OfATransferIsThatOfItsBursts) {
    const struct {
        uint32_t outstanding, length;
        uint64_t picoseconds;
    } rows[] = {
        {1, 64, 86000},
        {1, 32, 10000 + 8000 + 60000}, // 4 beats
        {1, 256, 4 * 86000},
        {4, 256, 4 * 16000 + 70000},
        {2, 256, 86000 + 16000 + 86000}, // two pairs, the second starts when the first burst is answered
    };
    for (const auto &row : rows)
        for (const bool write : {false, true})
            in_child([&] {
                rig r;
                const unsigned dev = r.device("dev");
                r.config.dma_outstanding = row.outstanding;
                r.build();
                r.on_device(dev, [&] {
                    EXPECT_EQ(r.time_of([&] {
                        write ? r.dma_write(dev, A, Bytes(row.length))
                              : static_cast<void>(r.dma_read(dev, A, row.length));
                    }),
                              row.picoseconds)
                        << row.outstanding << " outstanding, " << row.length << " bytes, write " << write;
                });
                EXPECT_EQ(r.run(), NS_OK);
            });
}

TEST(Time, BurstsEndAtMultiplesOfTheirSize) {
    in_child([] {
        rig r;
        const unsigned dev = r.device("dev");
        r.build();
        r.on_device(dev, [&] {
            // 8 + 64 + 24 bytes: three bursts of 1, 8 and 3 beats
            EXPECT_EQ(r.time_of([&] { r.dma_read(dev, A + 56, 96); }), 3 * 70000u + 12 * 2000u);
        });
        EXPECT_EQ(r.run(), NS_OK);
    });
}

TEST(Arbitration, GivesTwoMastersEqualShares) {
    for (const uint32_t outstanding : {4u, 8u})
        in_child([&] {
            rig r;
            r.device("first");
            r.device("second");
            r.config.dma_outstanding = outstanding;
            r.build();
            uint64_t moved[2] = {0, 0};
            for (unsigned dev = 0; dev < 2; dev++)
                r.on_device(dev, [&r, &moved, dev] {
                    for (;;) {
                        r.dma_read(dev, A + dev * 0x10000, 1024);
                        moved[dev] += 1024;
                    }
                });
            r.on_hardware([&] {
                ns_actor_pause(r.machine, 3, UINT64_C(1000000000)); // 1 ms
                ns_machine_stop(r.machine);
            });
            r.run();
            EXPECT_GT(moved[0], 100000u);
            EXPECT_NEAR(static_cast<double>(moved[0]), static_cast<double>(moved[1]),
                        0.1 * static_cast<double>(moved[0]));
        });
}

TEST(Machine, ThereIsOneInAProcess) {
    in_child([] {
        rig r;
        r.build();
        char reason[200] = "";
        EXPECT_EQ(ns_machine_create(&r.config, nullptr, 0, r.log, reason, sizeof reason), nullptr);
        EXPECT_STRNE(reason, "");
        r.run_on_hart([] {});
        EXPECT_EQ(r.run(), NS_ERROR_MISUSE) << "and it runs once";
    });
}

TEST(Machine, InitialContentIsNotStale) {
    in_child([] {
        rig r;
        const unsigned dev = r.device("dev");
        r.build();
        EXPECT_EQ(ns_machine_fill(r.machine, 0, A, 5000, 0x5a), NS_OK);
        r.run_on_hart([&] {
            EXPECT_EQ(r.load(0, A + 4990, 12), (Bytes{90, 90, 90, 90, 90, 90, 90, 90, 90, 90, 0, 0}));
            EXPECT_EQ(r.dma_read(dev, A, 4), Bytes(4, 90));
        });
        EXPECT_EQ(r.hazards(), "") << r.details();
    });
}

} // namespace
