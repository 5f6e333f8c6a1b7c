// SPDX-License-Identifier: Apache-2.0
//
// The AXI DMA engine in an assembled machine, with a monitor on each socket, programmed by a bare-metal driver.
#include "axi_dma_rig.h"

namespace {

using namespace ns_test;

Bytes pattern(unsigned frame, uint32_t length) {
    Bytes data(length);
    for (uint32_t i = 0; i < length; i++)
        data[i] = static_cast<uint8_t>(frame * 31 + i);
    return data;
}

// The other end: what comes out goes in again, `count` frames.
void loop_back(engine_rig &r, unsigned count) {
    for (unsigned i = 0; i < count; i++) {
        ns_engine_wait_sent(r.machine, 0);
        Bytes frame(ns_engine_sent(r.machine, 0));
        ns_engine_drain(r.machine, 0, frame.data());
        ns_engine_feed(r.machine, 0, frame.data(), static_cast<uint32_t>(frame.size()), true);
    }
}

// Sends frames of two descriptors and receives them, by interrupts, ring after ring.
void exchange(engine_rig &r, unsigned frames) {
    unsigned sent = 0, received = 0;
    for (unsigned i = 0; i < r.rx.count; i++)
        driver_fill(&r.rx, RX + 2048 * i, 2048);
    driver_submit(&r.rx);
    while (received < frames) {
        for (; sent < frames && sent < received + 3 && r.tx.free_count >= 2; sent++) {
            const uint32_t length = 100 + sent % 37 * 30;
            const uint64_t at = TX + 2048 * (sent % 4);
            const Bytes data = pattern(sent, length);
            r.store(0, at, data);
            r.maintain(0, NS_CACHE_CLEAN, at, length);
            driver_fill(&r.tx, at, SOF | 64);
            driver_fill(&r.tx, at + 64, EOF_ | (length - 64));
            driver_submit(&r.tx);
        }
        ns_hart_wait(r.machine, 0, rx_irq);
        EXPECT_NE(driver_acknowledge(&r.rx) & (NS_AXI_DMA_IOC_IRQ | NS_AXI_DMA_DELAY_IRQ), 0u);
        unsigned index;
        uint32_t status, again = 0;
        while (driver_from_hw(&r.rx, &index, &status)) {
            const Bytes expected = pattern(received, 100 + received % 37 * 30);
            EXPECT_EQ(status, NS_AXI_DMA_COMPLETE | SOF | EOF_ | expected.size());
            r.maintain(0, NS_CACHE_INVALIDATE, RX + 2048 * index, expected.size());
            EXPECT_EQ(r.load(0, RX + 2048 * index, static_cast<uint32_t>(expected.size())), expected) << received;
            received++;
            driver_fill(&r.rx, RX + 2048 * index, 2048);
            again++;
        }
        if (again > 0)
            driver_submit(&r.rx);
        while (driver_from_hw(&r.tx, &index, &status))
            EXPECT_EQ(status & ~NS_AXI_DMA_LENGTH_MASK, NS_AXI_DMA_COMPLETE);
        driver_acknowledge(&r.tx);
    }
}

struct Variant {
    const char *name;
    void (*set)(engine_rig &);
};
void PrintTo(const Variant &variant, std::ostream *out) {
    *out << variant.name;
}
class AxiDmaDriver : public ::testing::TestWithParam<Variant> {};

TEST_P(AxiDmaDriver, RunsBothRingsWithoutAHazardOrABrokenRuleOfTheProtocol) {
    in_child([] {
        engine_rig r;
        GetParam().set(r);
        r.build_with_monitors();
        r.on_device(0, [&] { loop_back(r, 60); });
        r.run_on_hart([&] {
            ASSERT_TRUE(driver_reset(&r.tx, &r.rx));
            driver_ring_create(&r.tx);
            driver_ring_create(&r.rx);
            ASSERT_TRUE(driver_ring_start(&r.rx, 2, 1, NS_AXI_DMA_ALL_IRQS));
            ASSERT_TRUE(driver_ring_start(&r.tx, 1, 0, NS_AXI_DMA_ALL_IRQS));
            exchange(r, 60);
            EXPECT_EQ(driver_read(&r.tx, NS_AXI_DMA_DMASR) & NS_AXI_DMA_ALL_ERRORS, 0u);
            EXPECT_EQ(driver_read(&r.rx, NS_AXI_DMA_DMASR) & NS_AXI_DMA_ALL_ERRORS, 0u);
        });
        // The hart to the caches, the caches and three masters of the engine to the interconnect; from it to memory,
        // caches and registers.
        EXPECT_EQ(r.monitors.size(), 8u);
        for (unsigned port = 0; port < NS_AXI_DMA_PORTS; port++)
            EXPECT_GT(r.monitor_of(port).transactions, 100u) << ns_axi_dma_port_name(port);
        EXPECT_GT(r.monitors.back().transactions, 100u) << "the register socket";
        r.expect_good();
    });
}
const Variant variants[] = {
    {"as it is", [](engine_rig &) {}},
    {"posted writes",
     [](engine_rig &r) {
         r.devices[0].has_posted = true;
         r.devices[0].posted_entries = 4;
     }},
    {"posted writes that leave by themselves, four bursts in flight, deep prefetch",
     [](engine_rig &r) {
         r.config.posted_entries = 8;
         r.config.posted_drain = NS_DRAIN_AFTER;
         r.config.posted_drain_ps = 150000;
         r.config.dma_outstanding = 4;
         r.part.prefetch = 8;
     }},
    {"snooping", [](engine_rig &r) { r.devices[0].snoops = r.devices[0].declared_coherent = true; }},
    {"two levels, two-step fills",
     [](engine_rig &r) {
         r.two_levels();
         r.config.cache.fill = NS_FILL_ORDERED;
     }},
};
INSTANTIATE_TEST_SUITE_P(Rings, AxiDmaDriver, ::testing::ValuesIn(variants));

TEST(AxiDmaEngine, AResetInFlightEndsAndTheRingsWorkAgain) {
    in_child([] {
        engine_rig r;
        r.build_with_monitors();
        r.on_device(0, [&] { loop_back(r, 10); });
        r.run_on_hart([&] {
            ASSERT_TRUE(driver_reset(&r.tx, &r.rx));
            driver_ring_create(&r.tx);
            ASSERT_TRUE(driver_ring_start(&r.tx, 1, 0, NS_AXI_DMA_ALL_IRQS));
            for (unsigned i = 0; i < 4; i++)
                driver_fill(&r.tx, TX, SOF | 4000); // never ended: nothing for the other end
            driver_submit(&r.tx);
            ns_actor_pause(r.machine, 0, 300000); // in the middle of it
            EXPECT_FALSE(ns_engine_is_quiet(r.machine, 0));
            ASSERT_TRUE(driver_reset(&r.tx, &r.rx));
            EXPECT_EQ(driver_read(&r.tx, NS_AXI_DMA_DMACR), 0x00010002u);
            EXPECT_EQ(driver_read(&r.tx, NS_AXI_DMA_DMASR), 0x00010009u);
            EXPECT_EQ(driver_read(&r.rx, NS_AXI_DMA_DMASR), 0x00010009u);
            driver_ring_create(&r.tx);
            driver_ring_create(&r.rx);
            ASSERT_TRUE(driver_ring_start(&r.rx, 1, 0, NS_AXI_DMA_ALL_IRQS));
            ASSERT_TRUE(driver_ring_start(&r.tx, 1, 0, NS_AXI_DMA_ALL_IRQS));
            exchange(r, 10);
        });
        r.expect_good();
    });
}

TEST(AxiDmaEngine, DirectModeMovesBothWaysAndDrivesItsInterrupts) {
    in_child([] {
        engine_rig r(false);
        r.build_with_monitors();
        const auto &engine = *r.machine->body->engine(0);
        r.run_on_hart([&] {
            r.store(0, TX, pattern(1, 5000));
            r.maintain(0, NS_CACHE_CLEAN, TX, 5000);
            driver_write(&r.tx, NS_AXI_DMA_DMACR, 0x5001);
            driver_write(&r.rx, NS_AXI_DMA_DMACR, 0x5001);
            driver_write(&r.rx, NS_AXI_DMA_ADDRESS, RX);
            driver_write(&r.rx, NS_AXI_DMA_LENGTH, 8000);
            driver_write(&r.tx, NS_AXI_DMA_ADDRESS, TX);
            driver_write(&r.tx, NS_AXI_DMA_LENGTH, 5000);
            ns_hart_wait(r.machine, 0, tx_irq);
            EXPECT_TRUE(engine.mm2s_introut.read());
            EXPECT_FALSE(engine.s2mm_introut.read());
            EXPECT_EQ(driver_acknowledge(&r.tx), NS_AXI_DMA_IOC_IRQ);
            ns_actor_pause(r.machine, 0, 1);
            EXPECT_FALSE(engine.mm2s_introut.read());
            EXPECT_FALSE(ns_machine_irq_pending(r.machine, tx_irq)) << "a level: it goes with its cause";
            Bytes frame(ns_engine_sent(r.machine, 0));
            ns_engine_drain(r.machine, 0, frame.data());
            EXPECT_EQ(frame, pattern(1, 5000));
            ns_engine_feed(r.machine, 0, frame.data(), 5000, true);
            ns_hart_wait(r.machine, 0, rx_irq);
            ns_hart_wait(r.machine, 0, rx_irq); // not acknowledged: it is still there
            EXPECT_EQ(driver_read(&r.rx, NS_AXI_DMA_LENGTH), 5000u);
            r.maintain(0, NS_CACHE_INVALIDATE, RX, 5000);
            EXPECT_EQ(r.load(0, RX, 5000), pattern(1, 5000));
        });
        r.expect_good();
    });
}

TEST(AxiDmaEngine, TheDelayTimerFiresWhenItsTimeHasPassed) {
    in_child([] {
        engine_rig r;
        r.config.bus_clock_ps = 4000;
        r.build_with_monitors();
        r.run_on_hart([&] {
            driver_ring_create(&r.tx);
            ASSERT_TRUE(driver_ring_start(&r.tx, 100, 8, NS_AXI_DMA_ALL_IRQS));
            driver_fill(&r.tx, TX, SOF | EOF_ | 64);
            driver_submit(&r.tx);
            ns_engine_settle(r.machine, 0);
            const uint64_t before = r.now();
            ns_hart_wait(r.machine, 0, tx_irq);
            const uint64_t passed = r.now() - before - r.config.interrupt_latency_ps;
            EXPECT_NEAR(static_cast<double>(passed), 8.0 * 125 * 4000, 2 * 4000);
            EXPECT_EQ(driver_acknowledge(&r.tx), NS_AXI_DMA_DELAY_IRQ);
        });
        r.expect_good();
    });
}

TEST(AxiDmaEngine, RegistersAreWords) {
    in_child([] {
        engine_rig r;
        r.build_with_monitors();
        r.run_on_hart([&] {
            const uint8_t value[8] = {0x00, 0x10, 0x00, 0x80, 0xFF, 0xFF, 0xFF, 0xFF};
            uint8_t got[8] = {};
            EXPECT_EQ(ns_hart_store(r.machine, 0, 0x40400008, 8, value), NS_OK); // CURDESC, CURDESC_MSB
            EXPECT_EQ(driver_read(&r.tx, NS_AXI_DMA_CURDESC), 0x80001000u);
            EXPECT_EQ(ns_hart_load(r.machine, 0, 0x40400008, 8, got, nullptr, 0), NS_OK);
            EXPECT_EQ(got[1], 0x10);
            EXPECT_EQ(got[4], 0) << "no upper half in 32 bits";
            EXPECT_EQ(ns_hart_store(r.machine, 0, 0x4040000A, 2, value), NS_ERROR_ADDRESS);
            EXPECT_EQ(ns_hart_load(r.machine, 0, 0x40400009, 4, got, nullptr, 0), NS_ERROR_ADDRESS);
        });
    });
}

TEST(AxiDmaEngine, ADescriptorWhereNothingAnswersIsADecodeErrorInTheRegisterAndInTheReport) {
    in_child([] {
        engine_rig r;
        r.build_with_monitors();
        r.run_on_hart([&] {
            r.tx.first = 0x60000000;
            ASSERT_TRUE(driver_ring_start(&r.tx, 1, 0, NS_AXI_DMA_ALL_IRQS));
            driver_write(&r.tx, NS_AXI_DMA_TAILDESC, 0x60000000);
            ns_hart_wait(r.machine, 0, tx_irq);
            EXPECT_EQ(driver_read(&r.tx, NS_AXI_DMA_DMASR), 0x00014409u);
        });
        ASSERT_EQ(r.log->hazard_count, 1u);
        EXPECT_EQ(r.log->hazard[0].id, NS_AD_DECODE_ERROR);
    });
}

} // namespace
