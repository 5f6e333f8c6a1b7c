// SPDX-License-Identifier: Apache-2.0
//
// The three bus masters of the AXI DMA engine (PG021, "Port Descriptions"): M_AXI_SG has the descriptors of both
// channels, M_AXI_MM2S and M_AXI_S2MM the data of one each. Their transfers are arbitrated like those of three devices;
// what one of them has written before the other begins is in memory first.
#include "axi_dma_rig.h"

#include <algorithm>
#include <set>

namespace {

using namespace ns_test;

constexpr unsigned descriptors = 8, piece = 1024; // of the receiving ring
constexpr uint32_t frame_bytes = descriptors * piece;
constexpr uint64_t fetch_bytes = 32, status_bytes = 4;

// A frame of `frame_bytes` goes out, in one descriptor, while one of as many bytes comes in, into eight.
void both_at_once(engine_rig &r) {
    r.on_device(0, [&] {
        r.step(r.device_actor(0));
        const Bytes data(frame_bytes, 0xAB);
        ns_engine_feed(r.machine, 0, data.data(), frame_bytes, true);
    });
    r.run_on_hart([&] {
        driver_ring_create(&r.tx);
        driver_ring_create(&r.rx);
        ASSERT_TRUE(driver_ring_start(&r.rx, 1, 0, NS_AXI_DMA_ALL_IRQS));
        ASSERT_TRUE(driver_ring_start(&r.tx, 1, 0, NS_AXI_DMA_ALL_IRQS));
        for (unsigned i = 0; i < descriptors; i++)
            driver_fill(&r.rx, RX + piece * i, piece);
        driver_fill(&r.tx, TX, SOF | EOF_ | frame_bytes);
        driver_submit(&r.rx);
        r.step(0);
        driver_submit(&r.tx);
        ns_engine_settle(r.machine, 0);
    });
    r.expect_good();
}

struct Turn {
    uint64_t begins_ps;
    unsigned port;
};
std::vector<Turn> turns_of(const engine_rig &r) {
    std::vector<Turn> turns;
    for (size_t i = 0; i < r.log->waveform->count; i++) {
        const ns_wave_change &change = r.log->waveform->change[i];
        if (change.kind == NS_WAVE_BUS && change.value != NS_WAVE_BUS_IDLE && change.actor == r.device_actor(0))
            turns.push_back({change.time_ps, change.level});
    }
    return turns;
}

TEST(AxiDmaMasters, ReadsOfOneChannelAndWritesOfTheOtherTakeTurnsOnTheBus) {
    in_child([] {
        engine_rig r;
        ASSERT_TRUE(ns_log_keep_waveform(r.log));
        r.build_with_monitors();
        both_at_once(r);
        const std::vector<Turn> turns = turns_of(r);
        const auto begins = [&](unsigned port, bool last) {
            uint64_t at = 0;
            for (const Turn &turn : turns)
                if (turn.port == port && (last || at == 0))
                    at = turn.begins_ps;
            return at;
        };
        const uint64_t from = std::max(begins(NS_AXI_DMA_PORT_MM2S, false), begins(NS_AXI_DMA_PORT_S2MM, false));
        const uint64_t to = std::min(begins(NS_AXI_DMA_PORT_MM2S, true), begins(NS_AXI_DMA_PORT_S2MM, true));
        ASSERT_LT(from, to) << "both are at work";
        unsigned count[NS_AXI_DMA_PORTS] = {}, in_a_row = 0, most_in_a_row = 0, last = NS_AXI_DMA_PORTS;
        for (const Turn &turn : turns)
            if (turn.begins_ps >= from && turn.begins_ps <= to) {
                count[turn.port]++;
                in_a_row = turn.port == last ? in_a_row + 1 : 1;
                last = turn.port;
                most_in_a_row = std::max(most_in_a_row, in_a_row);
            }
        // Each has one burst in flight and is back before the other's second: none has memory for a whole access of
        // 4096 bytes, and the descriptors go in between.
        EXPECT_LE(most_in_a_row, 2u);
        const unsigned bursts = frame_bytes / r.config.dma_burst;
        EXPECT_GT(count[NS_AXI_DMA_PORT_MM2S], bursts / 2);
        EXPECT_GT(count[NS_AXI_DMA_PORT_S2MM], bursts / 2);
        EXPECT_GT(count[NS_AXI_DMA_PORT_SG], descriptors / 2);
    });
}

TEST(AxiDmaMasters, EachHasStatisticsOfItsOwnAndTheDeviceTheirSum) {
    in_child([] {
        engine_rig r;
        r.build_with_monitors();
        both_at_once(r);
        const ns_log_master *port = r.log->stats.port[r.device_actor(0)], &all = r.log->stats.master[r.device_actor(0)];
        const uint64_t bursts = frame_bytes / r.config.dma_burst;
        EXPECT_EQ(r.log->actor[r.device_actor(0)].ports, 3u);
        EXPECT_EQ(port[NS_AXI_DMA_PORT_MM2S].bytes, frame_bytes);
        EXPECT_EQ(port[NS_AXI_DMA_PORT_S2MM].bytes, frame_bytes);
        EXPECT_EQ(port[NS_AXI_DMA_PORT_SG].bytes, (descriptors + 1) * (fetch_bytes + status_bytes));
        EXPECT_EQ(port[NS_AXI_DMA_PORT_MM2S].bursts, bursts);
        EXPECT_EQ(port[NS_AXI_DMA_PORT_S2MM].bursts, bursts);
        EXPECT_EQ(port[NS_AXI_DMA_PORT_SG].bursts, (descriptors + 1) * 2u);
        uint64_t busy = 0;
        for (unsigned i = 0; i < NS_AXI_DMA_PORTS; i++)
            busy += port[i].busy_ps;
        EXPECT_EQ(all.bytes, 2 * frame_bytes + (descriptors + 1) * (fetch_bytes + status_bytes));
        EXPECT_EQ(all.bursts, 2 * bursts + (descriptors + 1) * 2u);
        EXPECT_EQ(all.busy_ps, busy);
    });
}

TEST(AxiDmaMasters, WithoutScatterGatherThereIsNoneForDescriptors) {
    in_child([] {
        engine_rig r(false);
        r.build_with_monitors();
        r.run_on_hart([] {});
        EXPECT_EQ(r.log->actor[r.device_actor(0)].ports, 2u);
        EXPECT_EQ(r.monitors.size(), 7u);
    });
}

TEST(AxiDmaMasters, WhatEachDoesBelongsToTheStepThatStartedIt) {
    in_child([] {
        engine_rig r;
        r.build_with_monitors();
        both_at_once(r);
        std::set<uint32_t> sites[2];
        for (size_t i = 0; i < r.log->event_count; i++) {
            const ns_event &event = r.log->event[i];
            if (event.kind == NS_EVENT_DMA_READ && event.address >= TX && event.address < TX + frame_bytes)
                sites[0].insert(event.site);
            if (event.kind == NS_EVENT_DMA_WRITE && event.address >= RX && event.address < RX + frame_bytes)
                sites[1].insert(event.site);
        }
        ASSERT_EQ(sites[0].size(), 1u);
        ASSERT_EQ(sites[1].size(), 1u);
        EXPECT_NE(sites[0], sites[1]);
    });
}

struct Posting {
    const char *name;
    uint32_t entries;
    ns_drain drain;
};
void PrintTo(const Posting &posting, std::ostream *out) {
    *out << posting.name;
}
class AxiDmaOrder : public ::testing::TestWithParam<Posting> {};

// Memory is looked at every nanosecond. The other channel's descriptors push the status of this one on, as far as its
// queue lets them.
TEST_P(AxiDmaOrder, TheStatusOfAReceivedFrameIsNotInMemoryBeforeItsBytes) {
    in_child([] {
        constexpr uint32_t length = 64;
        engine_rig r;
        r.devices[0].has_posted = true;
        r.devices[0].posted_entries = GetParam().entries;
        r.config.posted_drain = GetParam().drain;
        r.config.posted_drain_ps = 20000;
        r.build_with_monitors();
        r.on_device(0, [&] {
            const Bytes data(length, 0xAB);
            ns_engine_feed(r.machine, 0, data.data(), length, true);
        });
        bool ends = false;
        unsigned seen = 0;
        r.on_hardware([&] {
            for (; !ends; ns_actor_pause(r.machine, ns_machine_hardware_actor(r.machine), 1000))
                if ((r.memory(RX_RING + NS_AXI_DMA_STATUS_OFFSET, 4)[3] & 0x80) != 0 && seen++ == 0) {
                    EXPECT_EQ(r.memory(RX, length), Bytes(length, 0xAB));
                }
        });
        r.run_on_hart([&] {
            driver_ring_create(&r.tx);
            driver_ring_create(&r.rx);
            ASSERT_TRUE(driver_ring_start(&r.rx, 1, 0, 0));
            ASSERT_TRUE(driver_ring_start(&r.tx, 1, 0, 0));
            driver_fill(&r.rx, RX, length);
            driver_submit(&r.rx);
            for (unsigned i = 0; i < 7; i++)
                driver_fill(&r.tx, TX, SOF | EOF_ | 8);
            driver_submit(&r.tx);
            ns_engine_settle(r.machine, 0);
            ns_actor_pause(r.machine, 0, 100000);
            ns_device_flush(r.machine, 0);
            ns_actor_pause(r.machine, 0, 2000);
            ends = true;
        });
        EXPECT_GT(seen, 0u);
        r.expect_good();
    });
}
const Posting postings[] = {
    {"none are posted", 0, NS_DRAIN_LAZY},
    {"two at a time, pushed out by others", 2, NS_DRAIN_LAZY},
    {"eight at a time, pushed out by others", 8, NS_DRAIN_LAZY},
    {"after 20 ns", 4, NS_DRAIN_AFTER},
    {"at once", 4, NS_DRAIN_EAGER},
};
INSTANTIATE_TEST_SUITE_P(Posted, AxiDmaOrder, ::testing::ValuesIn(postings));

} // namespace
