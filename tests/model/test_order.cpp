// SPDX-License-Identifier: Apache-2.0
//
// What an actor knows of the others' accesses: interrupts, doorbells, flags and polls. What is expected follows
// docs/semantics.md, "Actors and order".
#include "small_machine.h"

namespace {

using namespace ns_test;

constexpr uint64_t A = ram + 0x1000; // a line of its own
constexpr uint64_t B = ram + 0x2000;

class Order : public SmallMachine {};

TEST_F(Order, WithoutAnInterruptTheDeviceMayStillBeWriting) {
    order_matters(dev0);
    const uint32_t written = dma_write(dev0, A, {1});
    load(cpu0, A, 1);
    ASSERT_EQ(hazards(), "OW-CPU-ACCESS");
    EXPECT_TRUE(notes(hazard(0), written));
}

TEST_F(Order, AnInterruptOrdersTheDevicesWritesBeforeTheLoad) {
    order_matters(dev0);
    dma_write(dev0, A, {1});
    raise_irq(dev0, 5);
    wait_irq(cpu0, 5);
    EXPECT_EQ(load(cpu0, A, 1), Bytes{1});
    EXPECT_EQ(hazards(), "");
}

TEST_F(Order, AnInterruptOnAnotherLineDoesNot) {
    order_matters(dev0);
    dma_write(dev0, A, {1});
    raise_irq(dev0, 5);
    wait_irq(cpu0, 6);
    load(cpu0, A, 1);
    EXPECT_EQ(hazards(), "OW-CPU-ACCESS");
}

TEST_F(Order, AnInterruptRaisedBeforeTheWriteDoesNot) {
    order_matters(dev0);
    raise_irq(dev0, 5);
    dma_write(dev0, A, {1});
    wait_irq(cpu0, 5);
    load(cpu0, A, 1);
    EXPECT_EQ(hazards(), "OW-CPU-ACCESS");
}

TEST_F(Order, AHartThatDidNotWaitKnowsNothing) {
    order_matters(dev0);
    dma_write(dev0, A, {1});
    raise_irq(dev0, 5);
    wait_irq(cpu0, 5);
    load(cpu1, A, 1);
    EXPECT_EQ(hazards(), "OW-CPU-ACCESS");
}

TEST_F(Order, KnowledgeTravelsThroughAFlagBetweenHarts) {
    order_matters(dev0);
    dma_write(dev0, A, {1});
    raise_irq(dev0, 5);
    wait_irq(cpu0, 5);
    const uint32_t flag = store(cpu0, B, {1});
    poll_saw(cpu1, flag);
    EXPECT_EQ(load(cpu1, A, 1), Bytes{1});
    EXPECT_EQ(hazards(), "");
}

TEST_F(Order, AFlagTellsNothingOfWhatItsWriterLearntLater) {
    order_matters(dev0);
    const uint32_t flag = store(cpu0, B, {1});
    dma_write(dev0, A, {1});
    raise_irq(dev0, 5);
    wait_irq(cpu0, 5);
    poll_saw(cpu1, flag); // stored before the interrupt
    load(cpu1, A, 1);
    EXPECT_EQ(hazards(), "OW-CPU-ACCESS");
}

TEST_F(Order, ADevicesStatusWriteOrdersWhatItWroteBefore) {
    order_matters(dev0);
    dma_write(dev0, A, {1});
    const uint32_t status = dma_write(dev0, B, {1});
    poll_saw(cpu0, status);
    load(cpu0, A, 1);
    EXPECT_EQ(hazards(), "");
}

TEST_F(Order, AndNotWhatItWroteAfter) {
    order_matters(dev0);
    const uint32_t status = dma_write(dev0, B, {1});
    dma_write(dev0, A, {1});
    poll_saw(cpu0, status);
    load(cpu0, A, 1);
    EXPECT_EQ(hazards(), "OW-CPU-ACCESS");
}

TEST_F(Order, StoresAfterTheDoorbellArePublishedTooLate) {
    order_matters(dev0);
    ring(cpu0, dev0);
    const uint32_t late = store(cpu0, A, {1});
    maintain(cpu0, NS_CACHE_CLEAN, A, 64);
    start(dev0);
    dma_read(dev0, A, 1);
    ASSERT_EQ(hazards(), "OR-DESC-PUBLISH");
    EXPECT_TRUE(notes(hazard(0), late));
}

TEST_F(Order, StoresBeforeTheDoorbellAreNot) {
    order_matters(dev0);
    store(cpu0, A, {1});
    maintain(cpu0, NS_CACHE_CLEAN, A, 64);
    ring(cpu0, dev0);
    start(dev0);
    EXPECT_EQ(dma_read(dev0, A, 1), Bytes{1});
    EXPECT_EQ(hazards(), "");
}

TEST_F(Order, ADoorbellOfOneDeviceStartsNoOther) {
    order_matters(dev0);
    order_matters(dev1);
    store(cpu0, A, {1});
    maintain(cpu0, NS_CACHE_CLEAN, A, 64);
    ring(cpu0, dev0);
    start(dev1);
    dma_read(dev1, A, 1);
    EXPECT_EQ(hazards(), "OR-DESC-PUBLISH");
}

TEST_F(Order, ADoorbellReachesADeviceThatRunsAlready) {
    order_matters(dev0);
    start(dev0);
    store(cpu0, A, {1});
    maintain(cpu0, NS_CACHE_CLEAN, A, 64);
    ring(cpu0, dev0);
    EXPECT_EQ(dma_read(dev0, A, 1), Bytes{1});
    EXPECT_EQ(hazards(), "");
}

TEST_F(Order, ADeviceThatRunsAndIsNotToldKnowsNothing) {
    order_matters(dev0);
    start(dev0);
    store(cpu0, A, {1});
    maintain(cpu0, NS_CACHE_CLEAN, A, 64);
    dma_read(dev0, A, 1);
    EXPECT_EQ(hazards(), "OR-DESC-PUBLISH");
}

TEST_F(Order, FieldsLoadedBeforeTheFlagAndKeptAreConsumedTooEarly) {
    ns_load_facts keeping{};
    keeping.to_register = true;
    load_nc(cpu0, A, 4, keeping);
    dma_write(dev0, A, {1, 2, 3, 4});
    const uint32_t flag = dma_write(dev0, B, {1});
    poll_saw(cpu0, flag);
    EXPECT_EQ(hazards(), "");
    ns_tracker_finish(tracker);
    EXPECT_EQ(hazards(), "OR-DESC-CONSUME");
}

TEST_F(Order, FieldsLoadedAgainAfterTheFlagAreNot) {
    ns_load_facts keeping{};
    keeping.to_register = true;
    load_nc(cpu0, A, 4, keeping);
    dma_write(dev0, A, {1, 2, 3, 4});
    const uint32_t flag = dma_write(dev0, B, {1});
    poll_saw(cpu0, flag);
    load_nc(cpu0, A, 4, keeping);
    ns_tracker_finish(tracker);
    EXPECT_EQ(hazards(), "");
}

TEST_F(Order, FieldsThatThePollLoadsAgainAreNot) {
    ns_load_facts keeping{}, polling{};
    keeping.to_register = true;
    polling.polling = true;
    load_nc(cpu0, B, 1, keeping);
    const uint32_t flag = dma_write(dev0, B, {1});
    load_nc(cpu0, B, 1, polling);
    poll_saw(cpu0, flag);
    ns_tracker_finish(tracker);
    EXPECT_EQ(hazards(), "");
}

TEST_F(Order, FieldsBesideThePolledOneStillAre) {
    ns_load_facts keeping{}, polling{};
    keeping.to_register = true;
    polling.polling = true;
    load_nc(cpu0, A, 4, keeping);
    const uint32_t flag = dma_write(dev0, A, {1, 2, 3, 4});
    load_nc(cpu0, A + 3, 1, polling);
    poll_saw(cpu0, flag);
    ns_tracker_finish(tracker);
    EXPECT_EQ(hazards(), "OR-DESC-CONSUME");
}

} // namespace
