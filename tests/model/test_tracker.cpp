// SPDX-License-Identifier: Apache-2.0
//
// The tracker by itself: versions against the flat memory, the two symptoms, and the rules that need none. What is
// expected follows docs/semantics.md, sections 1 and 4.
#include "small_machine.h"

namespace {

using namespace ns_test;

constexpr uint64_t A = ram + 0x1000; // a line of its own
constexpr uint64_t B = ram + 0x2000;

class Tracker : public SmallMachine {};

// ---- versions and the flat memory ---------------------------------------------------------------

TEST_F(Tracker, FindsNothingInCoherentAccessesOfTwoHarts) {
    store(cpu0, A, {1, 2, 3, 4});
    EXPECT_EQ(load(cpu1, A, 4), (Bytes{1, 2, 3, 4}));
    store(cpu1, A + 1, {9});
    EXPECT_EQ(load(cpu0, A, 4), (Bytes{1, 9, 3, 4}));
    evict(cpu0, A);
    EXPECT_EQ(load(cpu0, A, 4), (Bytes{1, 9, 3, 4}));
    EXPECT_EQ(hazards(), "");
}

TEST_F(Tracker, FlatMemoryHoldsTheNewestBytesWhereverTheyAre) {
    store(cpu0, A, {1, 2, 3, 4});
    store_nc(cpu1, A + 1, {7});
    dma_write(dev0, A + 2, {8}, true);
    const uint8_t newest[] = {1, 7, 8, 4}, older[] = {1, 2, 8, 4};
    EXPECT_TRUE(ns_tracker_flat_equals(tracker, A, 4, newest));
    EXPECT_FALSE(ns_tracker_flat_equals(tracker, A, 4, older));
}

TEST_F(Tracker, FlatMemoryCrossesPages) {
    store(cpu0, ram + 0x1ffe, {1, 2, 3, 4});
    const uint8_t newest[] = {1, 2, 3, 4};
    EXPECT_TRUE(ns_tracker_flat_equals(tracker, ram + 0x1ffe, 4, newest));
}

TEST_F(Tracker, MemoryThatNobodyWroteIsNotStale) {
    EXPECT_EQ(load(cpu0, A, 8), Bytes(8));
    EXPECT_EQ(dma_read(dev0, B, 8), Bytes(8));
    EXPECT_EQ(hazards(), "");
}

// ---- stale --------------------------------------------------------------------------------------

TEST_F(Tracker, ALineFilledBeforeTheDeviceWroteIsStale) {
    load(cpu0, A, 4);
    const uint32_t written = dma_write(dev0, A, {5, 6, 7, 8});
    EXPECT_EQ(load(cpu0, A, 8), Bytes(8));
    ASSERT_EQ(hazards(), "DC-INVAL-MISSING");
    const ns_hazard &found = hazard(0);
    EXPECT_EQ(found.symptom, NS_SYMPTOM_STALE);
    EXPECT_EQ(found.actor, cpu0);
    EXPECT_EQ(found.site, site);
    EXPECT_EQ(found.first, A);
    EXPECT_EQ(found.last, A + 3); // the other four bytes are as new as they can be
    EXPECT_FALSE(found.latent);
    ASSERT_EQ(found.sample_length, 4);
    EXPECT_EQ(Bytes(found.newest, found.newest + 4), (Bytes{5, 6, 7, 8}));
    EXPECT_EQ(Bytes(found.got, found.got + 4), Bytes(4));
    EXPECT_TRUE(notes(found, written));
}

TEST_F(Tracker, ALineInvalidatedAfterTheDeviceWroteIsNot) {
    load(cpu0, A, 4);
    dma_write(dev0, A, {5, 6, 7, 8});
    maintain(cpu0, NS_CACHE_INVALIDATE, A, 4);
    EXPECT_EQ(load(cpu0, A, 4), (Bytes{5, 6, 7, 8}));
    EXPECT_EQ(hazards(), "");
}

TEST_F(Tracker, AStaleByteWithTheRightValueIsLatent) {
    load(cpu0, A, 4);
    dma_write(dev0, A, {0, 0});
    load(cpu0, A, 2);
    ASSERT_EQ(hazards(), "DC-INVAL-MISSING");
    EXPECT_TRUE(hazard(0).latent);
}

TEST_F(Tracker, IsNotLatentWhenOneOfManyBytesDiffers) {
    load(cpu0, A, 16);
    Bytes data(16);
    data[15] = 1; // beyond the sample that the report shows
    dma_write(dev0, A, data);
    load(cpu0, A, 16);
    ASSERT_EQ(hazards(), "DC-INVAL-MISSING");
    EXPECT_FALSE(hazard(0).latent);
}

TEST_F(Tracker, ADirtyLineMakesTheDeviceReadStaleBytes) {
    store(cpu0, A, {1, 2, 3, 4});
    dma_read(dev0, A, 4);
    EXPECT_EQ(hazards(), "DC-CLEAN-MISSING");
}

TEST_F(Tracker, ACleanedLineDoesNot) {
    store(cpu0, A, {1, 2, 3, 4});
    maintain(cpu0, NS_CACHE_CLEAN, A, 4);
    EXPECT_EQ(dma_read(dev0, A, 4), (Bytes{1, 2, 3, 4}));
    EXPECT_EQ(hazards(), "");
}

TEST_F(Tracker, AStoreAfterTheCleanMakesItTooEarly) {
    store(cpu0, A, {1});
    maintain(cpu0, NS_CACHE_CLEAN, A, 4);
    store(cpu0, A, {2});
    dma_read(dev0, A, 1);
    EXPECT_EQ(hazards(), "DC-EARLY-SYNC");
}

TEST_F(Tracker, OneAccessMakesOneReportOfAllItsStaleBytes) {
    load(cpu0, A, 8);
    dma_write(dev0, A, {1, 2});
    dma_write(dev0, A + 4, {3, 4});
    load(cpu0, A, 8);
    ASSERT_EQ(log->hazard_count, 1u);
    EXPECT_EQ(hazard(0).first, A);
    EXPECT_EQ(hazard(0).last, A + 5);
    EXPECT_EQ(hazard(0).repeats, 0u);
}

TEST_F(Tracker, APollMayReadAnOlderVersion) {
    load(cpu0, A, 4);
    dma_write(dev0, A, {1});
    ns_load_facts polling{};
    polling.polling = true;
    EXPECT_EQ(load(cpu0, A, 1, polling), Bytes{0});
    dma_read(dev0, A, 1, polling);
    EXPECT_EQ(hazards(), "");
}

TEST_F(Tracker, AnAccessIsNotStaleForWhatIsWrittenWhileItIsUnderWay) {
    // The load is issued first, misses and waits for memory; meanwhile the other hart's store is issued.
    const uint32_t issued = step(cpu0, NS_EVENT_LOAD, A, 4);
    const uint32_t store_event = step(cpu1, NS_EVENT_STORE, A, 4);
    const Bytes data = {1, 2, 3, 4};
    ns_tracker_store(tracker, store_event, NS_NO_OBJECT, A, 4, data.data());
    EXPECT_EQ(finish_load(cpu0, issued, A, 4), Bytes(4));
    EXPECT_EQ(hazards(), "");
}

TEST_F(Tracker, ADeviceReadIsNotStaleForWhatIsWrittenWhileItIsUnderWay) {
    const uint32_t issued = step(dev0, NS_EVENT_DMA_READ, A, 4);
    store(cpu1, A, {1, 2, 3, 4});
    EXPECT_EQ(finish_dma_read(issued, A, 4), Bytes(4));
    EXPECT_EQ(hazards(), "");
}

// ---- lost ---------------------------------------------------------------------------------------

TEST_F(Tracker, AWriteBackOverNewerBytesLosesThem) {
    const uint32_t dirtied = store(cpu0, A + 4, {1});
    const uint32_t written = dma_write(dev0, A, {5, 6});
    EXPECT_EQ(hazards(), "");
    evict(cpu0, A);
    ASSERT_EQ(hazards(), "LS-WB-NEIGHBOUR");
    EXPECT_EQ(hazard(0).symptom, NS_SYMPTOM_LOST);
    EXPECT_EQ(hazard(0).first, A);
    EXPECT_EQ(hazard(0).last, A + 1);
    EXPECT_EQ(Bytes(hazard(0).newest, hazard(0).newest + 2), (Bytes{5, 6}));
    EXPECT_TRUE(notes(hazard(0), written));
    EXPECT_TRUE(notes(hazard(0), dirtied));
}

TEST_F(Tracker, AWriteBackOfTheBuffersOwnDirtyBytesHasAnotherName) {
    object("buffer", A, 64);
    store(cpu0, A + 4, {1});
    dma_write(dev0, A, {5, 6});
    evict(cpu0, A);
    EXPECT_EQ(hazards(), "DC-EVICT-OVER-DMA");
}

TEST_F(Tracker, ALineCleanedBeforeTheDeviceWroteLosesNothing) {
    store(cpu0, A + 4, {1});
    maintain(cpu0, NS_CACHE_FLUSH, A, 64);
    dma_write(dev0, A, {5, 6});
    evict(cpu0, A);
    EXPECT_EQ(load(cpu0, A, 5), (Bytes{5, 6, 0, 0, 1}));
    EXPECT_EQ(hazards(), "");
}

TEST_F(Tracker, MeetingLostBytesIsAConsequenceAndNoHazardOfItsOwn) {
    store(cpu0, A + 4, {1});
    dma_write(dev0, A, {5, 6});
    evict(cpu0, A);
    load(cpu0, A, 2);
    const uint32_t first = site;
    load(cpu1, A, 1);
    load(cpu0, A, 64);
    dma_read(dev1, A, 2);
    ASSERT_EQ(hazards(), "LS-WB-NEIGHBOUR");
    EXPECT_EQ(hazard(0).consequence_count, 4u);
    EXPECT_EQ(hazard(0).consequence_site[0], first);
    EXPECT_EQ(hazard(0).consequence_site[1], first + 1);
}

TEST_F(Tracker, LostBytesThatAreWrittenAgainAreWhole) {
    store(cpu0, A + 4, {1});
    dma_write(dev0, A, {5, 6});
    evict(cpu0, A);
    store(cpu0, A, {7, 8});
    load(cpu0, A, 2);
    dma_write(dev0, A, {9, 9});
    load(cpu0, A, 2);
    EXPECT_EQ(hazards(), "LS-WB-NEIGHBOUR DC-INVAL-MISSING"); // the second is a story of its own
    EXPECT_EQ(hazard(0).consequence_count, 0u);
}

TEST_F(Tracker, AnInvalidateLosesDirtyBytesOutsideOfItsRangeAtOnce) {
    store(cpu0, A, {1, 2, 3, 4, 5, 6, 7, 8});
    maintain(cpu0, NS_CACHE_INVALIDATE, A, 4);
    ASSERT_EQ(hazards(), "LS-INVAL-NEIGHBOUR");
    EXPECT_EQ(hazard(0).symptom, NS_SYMPTOM_LOST);
    EXPECT_EQ(hazard(0).first, A + 4);
    EXPECT_EQ(hazard(0).last, A + 7);
}

TEST_F(Tracker, AFlushLosesNothing) {
    store(cpu0, A, {1, 2, 3, 4, 5, 6, 7, 8});
    maintain(cpu0, NS_CACHE_FLUSH, A, 4);
    EXPECT_EQ(load(cpu0, A + 4, 4), (Bytes{5, 6, 7, 8}));
    EXPECT_EQ(hazards(), "");
}

TEST_F(Tracker, ACleanCopyThatIsDroppedLosesNothing) {
    store(cpu0, A, {1, 2});
    maintain(cpu0, NS_CACHE_CLEAN, A, 2);
    maintain(cpu0, NS_CACHE_INVALIDATE, A + 32, 2);
    EXPECT_EQ(load(cpu0, A, 2), (Bytes{1, 2}));
    EXPECT_EQ(hazards(), "");
}

// ---- discarded on purpose, undefined ------------------------------------------------------------

TEST_F(Tracker, DiscardingNamedBytesIsNoHazardByItself) {
    store(cpu0, A, {1, 2, 3, 4});
    maintain(cpu0, NS_CACHE_INVALIDATE, A, 64);
    EXPECT_EQ(hazards(), "");
}

TEST_F(Tracker, WhoeverStillNeedsDiscardedBytesFindsTheWrongOperation) {
    store(cpu0, A, {1, 2, 3, 4});
    const uint32_t dropped = maintain(cpu0, NS_CACHE_INVALIDATE, A, 64);
    load(cpu0, A, 4);
    ASSERT_EQ(hazards(), "DC-WRONG-OP");
    EXPECT_TRUE(notes(hazard(0), dropped));
    dma_read(dev0, A, 4);
    EXPECT_EQ(hazards(), "DC-WRONG-OP DC-WRONG-OP"); // another actor at another place
}

TEST_F(Tracker, DiscardedBytesThatAreWrittenBeforeTheyAreReadAreNoHazard) {
    store(cpu0, A, {1, 2, 3, 4});
    maintain(cpu0, NS_CACHE_INVALIDATE, A, 64);
    dma_write(dev0, A, {5, 6, 7, 8});
    EXPECT_EQ(load(cpu0, A, 4), (Bytes{5, 6, 7, 8}));
    EXPECT_EQ(hazards(), "");
}

TEST_F(Tracker, BytesThatTheDeviceNeverWroteAreALeak) {
    map(cpu0, dev0, A, 64, from_device, true);
    dma_write(dev0, A, {1, 2, 3, 4});
    unmap(cpu0, dev0, A, 64);
    load(cpu0, A, 4);
    EXPECT_EQ(hazards(), "");
    load(cpu0, A, 8);
    ASSERT_EQ(hazards(), "BB-LEAK");
    EXPECT_EQ(hazard(0).symptom, NS_SYMPTOM_LEAK);
    EXPECT_EQ(hazard(0).first, A + 4);
    EXPECT_EQ(hazard(0).last, A + 7);
}

TEST_F(Tracker, AHartMayDefineThemItself) {
    map(cpu0, dev0, A, 64, from_device, true);
    unmap(cpu0, dev0, A, 64);
    store(cpu0, A, {0, 0});
    load(cpu0, A, 2);
    EXPECT_EQ(hazards(), "");
}

// ---- on the way ---------------------------------------------------------------------------------

TEST_F(Tracker, AStoreInTheStoreBufferIsMissedByTheDevice) {
    const uint32_t stored = store_nc(cpu0, A, {1, 2});
    ring(cpu0, dev0);
    dma_read(dev0, A, 2);
    EXPECT_EQ(hazards(), "OR-DRAIN");
    drain(stored);
    EXPECT_EQ(dma_read(dev0, A, 2), (Bytes{1, 2}));
    EXPECT_EQ(log->hazard_count, 1u);
}

TEST_F(Tracker, AnInterruptThatOvertakesPostedDataIsNamed) {
    order_matters(dev0);
    const uint32_t written = dma_write(dev0, A, {1, 2}, true);
    raise_irq(dev0, 3);
    wait_irq(cpu0, 3);
    load(cpu0, A, 2);
    EXPECT_EQ(hazards(), "OR-IRQ-BEFORE-DATA");
    drain(written);
    maintain(cpu0, NS_CACHE_INVALIDATE, A, 64);
    EXPECT_EQ(load(cpu0, A, 2), (Bytes{1, 2}));
    EXPECT_EQ(log->hazard_count, 1u);
}

TEST_F(Tracker, AnOlderPostedWriteThatLandsLateLosesTheHartsStore) {
    const uint32_t written = dma_write(dev0, A, {1, 2}, true);
    store(cpu0, A, {3, 4});
    maintain(cpu0, NS_CACHE_FLUSH, A, 64);
    drain(written);
    ASSERT_EQ(log->hazard_count, 1u);
    EXPECT_EQ(hazard(0).symptom, NS_SYMPTOM_LOST);
    EXPECT_EQ(hazards(), "OW-CPU-ACCESS");
}

TEST_F(Tracker, AnOlderBufferedStoreThatLandsLateLosesTheDevicesWrite) {
    const uint32_t stored = store_nc(cpu0, A, {1, 2});
    dma_write(dev0, A, {3, 4});
    drain(stored);
    EXPECT_EQ(hazards(), "OR-DRAIN");
    EXPECT_EQ(hazard(0).symptom, NS_SYMPTOM_LOST);
}

// ---- ownership ----------------------------------------------------------------------------------

struct AccessRow {
    const char *text;
    Direction direction;
    bool store;
    bool allowed; // by the hart, while the device owns the buffer
};
class MappedBuffer : public SmallMachine, public ::testing::WithParamInterface<AccessRow> {};
TEST_P(MappedBuffer, BelongsToTheDeviceUntilUnmap) {
    const AccessRow &row = GetParam();
    const uint32_t mapped = map(cpu0, dev0, A, 64, row.direction);
    row.store ? static_cast<void>(store(cpu0, A, {1})) : static_cast<void>(load(cpu0, A, 1));
    EXPECT_EQ(hazards(), row.allowed ? "" : "OW-CPU-ACCESS");
    if (!row.allowed) {
        EXPECT_EQ(hazard(0).symptom, NS_SYMPTOM_OWNERSHIP);
        EXPECT_TRUE(notes(hazard(0), mapped));
    }
    unmap(cpu0, dev0, A, 64);
    row.store ? static_cast<void>(store(cpu0, A, {1})) : static_cast<void>(load(cpu0, A, 1));
    EXPECT_EQ(log->hazard_count, row.allowed ? 0u : 1u);
}
const AccessRow access_rows[] = {
    {"load, to-device", to_device, false, true},      {"store, to-device", to_device, true, false},
    {"load, from-device", from_device, false, false}, {"store, from-device", from_device, true, false},
    {"load, both", both_ways, false, false},          {"store, both", both_ways, true, false},
};
INSTANTIATE_TEST_SUITE_P(Tracker, MappedBuffer, ::testing::ValuesIn(access_rows),
                         [](const auto &of) { return "Row" + std::to_string(of.index); });

TEST_F(Tracker, BytesBesideAMappingAreNotTheDevices) {
    map(cpu0, dev0, A, 64, both_ways);
    store(cpu0, A - 1, {1});
    store(cpu0, A + 64, {1});
    EXPECT_EQ(hazards(), "");
}

TEST_F(Tracker, SyncForCpuLendsTheBufferAndSyncForDeviceTakesItBack) {
    map(cpu0, dev0, A, 64, from_device);
    sync(cpu0, dev0, A, 64, true);
    load(cpu0, A, 4);
    EXPECT_EQ(hazards(), "");
    sync(cpu0, dev0, A, 64, false);
    load(cpu0, A, 4);
    EXPECT_EQ(hazards(), "OW-CPU-ACCESS");
}

TEST_F(Tracker, ADeviceMayNotTouchWhatWasSyncedForTheCpu) {
    map(cpu0, dev0, A, 64, from_device);
    sync(cpu0, dev0, A, 64, true);
    dma_write(dev0, A, {1});
    EXPECT_EQ(hazards(), "OW-UAF");
}

TEST_F(Tracker, SyncOfAPartLendsThatPartOnly) {
    // dma_sync_single_range_for_cpu: a ring of periods in one mapping. The rest stays the device's.
    map(cpu0, dev0, A, 256, from_device);
    dma_write(dev0, A, Bytes(64, 1));
    sync(cpu0, dev0, A, 64, true);
    load(cpu0, A, 64);
    dma_write(dev0, A + 64, Bytes(64, 2));
    EXPECT_EQ(hazards(), "");
    load(cpu0, A + 192, 4);
    EXPECT_EQ(hazards(), "OW-CPU-ACCESS");
}

TEST_F(Tracker, ADeviceThatWritesATwoDeviceMappingHasTheWrongDirection) {
    map(cpu0, dev0, A, 64, to_device);
    dma_read(dev0, A, 4);
    EXPECT_EQ(hazards(), "");
    dma_write(dev0, A, {1});
    EXPECT_EQ(hazards(), "DC-WRONG-DIR");
}

TEST_F(Tracker, ADeviceThatReadsAFromDeviceMappingHasTheWrongDirection) {
    map(cpu0, dev0, A, 64, from_device);
    dma_read(dev0, A, 4);
    EXPECT_EQ(hazards(), "DC-WRONG-DIR");
}

// ---- lifetime -----------------------------------------------------------------------------------

TEST_F(Tracker, ADeviceMayNotTouchFreedMemory) {
    allocate(cpu0, A, 64);
    dma_write(dev0, A, {1});
    EXPECT_EQ(hazards(), "");
    free_memory(cpu0, A, 64);
    dma_write(dev0, A + 63, {1});
    EXPECT_EQ(hazards(), "OW-UAF");
    dma_write(dev0, A + 64, {1}); // beside it
    EXPECT_EQ(log->hazard_count, 1u);
}

TEST_F(Tracker, MemoryAllocatedAgainIsNobodysOldBuffer) {
    allocate(cpu0, A, 64);
    free_memory(cpu0, A, 64);
    allocate(cpu0, A, 64);
    dma_write(dev0, A, {1});
    EXPECT_EQ(hazards(), "");
}

TEST_F(Tracker, ADeviceMayNotTouchABufferAfterUnmap) {
    map(cpu0, dev0, A, 64, both_ways);
    unmap(cpu0, dev0, A, 64);
    dma_read(dev0, A, 4);
    EXPECT_EQ(hazards(), "OW-UAF");
}

TEST_F(Tracker, AByteUnderTwoMappingsStaysMappedUntilBothAreGone) {
    map(cpu0, dev0, A, 64, both_ways);
    map(cpu0, dev1, A, 64, both_ways);
    unmap(cpu0, dev1, A, 64);
    dma_read(dev0, A, 4);
    EXPECT_EQ(hazards(), "");
    store(cpu0, A, {1});
    EXPECT_EQ(hazards(), "OW-CPU-ACCESS");
}

TEST_F(Tracker, MappingAFreedNeighboursLineIsAnAlignmentHazardOnlyWithANeighbour) {
    object("buffer", A + 16, 32);
    map(cpu0, dev0, A + 16, 32, from_device);
    EXPECT_EQ(hazards(), ""); // the rest of the line is nobody's
    unmap(cpu0, dev0, A + 16, 32);
    object("neighbour", A, 16);
    map(cpu0, dev0, A + 16, 32, to_device);
    EXPECT_EQ(hazards(), ""); // a device that only reads harms nobody
    unmap(cpu0, dev0, A + 16, 32);
    map(cpu0, dev0, A + 16, 32, from_device);
    ASSERT_EQ(hazards(), "LS-ALIGN");
    EXPECT_EQ(hazard(0).symptom, NS_SYMPTOM_ALIGNMENT);
}

// ---- types --------------------------------------------------------------------------------------

TEST_F(Tracker, AnAccessOfAnotherTypeThanItsMappingIsMeantToHaveIsReported) {
    const uint32_t ring_memory = object("ring", A, 64, NS_TYPE_NC);
    store_nc(cpu0, A, {1}, ring_memory);
    EXPECT_EQ(hazards(), "");
    store(cpu0, A, {1}, ring_memory);
    EXPECT_EQ(hazards(), "AT-WRONG-TYPE");
}

TEST_F(Tracker, AnotherMappingOfTheSameBytesMayHaveAnotherType) {
    object("ring", A, 64, NS_TYPE_NC);
    load(cpu0, A, 1); // not through the ring's own mapping
    EXPECT_EQ(hazards(), "");
}

TEST_F(Tracker, ACacheableAliasOfCoherentMemoryHidesTheDevicesWrite) {
    object("ring", A, 64, NS_TYPE_NC);
    load(cpu0, A, 1);
    dma_write(dev0, A, {1});
    load(cpu0, A, 1);
    EXPECT_EQ(hazards(), "AT-ALIAS-STALE");
}

// ---- one report for one place -------------------------------------------------------------------

TEST_F(Tracker, TheSameHazardAtTheSamePlaceIsCountedNotRepeated) {
    load(cpu0, A, 64);
    dma_write(dev0, A, {1});
    for (int i = 0; i < 5; i++) {
        site = 1000; // the same step of a loop
        load(cpu0, A, 1);
    }
    ASSERT_EQ(hazards(), "DC-INVAL-MISSING");
    EXPECT_EQ(hazard(0).repeats, 4u);
}

} // namespace
