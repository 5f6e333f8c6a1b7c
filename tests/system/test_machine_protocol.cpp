// SPDX-License-Identifier: Apache-2.0
//
// The assembled machine with a base-protocol monitor between every pair of its sockets.
#include "rig.h"
#include "tlm_monitor.h"

#include "model/tlm_machine.h"

#include <deque>

namespace {

using namespace ns_test;

constexpr uint64_t A = base + 0x100000;
constexpr uint64_t B = base + 0x200000;

struct Variant {
    const char *name;
    void (*set)(rig &);
};
void PrintTo(const Variant &variant, std::ostream *out) {
    *out << variant.name;
}

class AssembledMachine : public ::testing::TestWithParam<Variant> {};

TEST_P(AssembledMachine, KeepsTheBaseProtocolOnEverySocket) {
    in_child([] {
        rig r;
        r.config.cache.harts = 2;
        r.config.cache.level[0].size = 4096;
        const unsigned plain = r.device("plain"), posting = r.device("posting", 32), snooping = r.device("snooping");
        r.devices[posting].has_posted = true;
        r.devices[posting].posted_entries = 4;
        r.devices[snooping].snoops = r.devices[snooping].declared_coherent = true;
        GetParam().set(r);

        std::deque<tlm_monitor> monitors;
        r.machine = new ns_machine;
        r.machine->body =
            std::make_unique<ns::machine>("machine", r.config, r.devices.data(), r.devices.size(), r.log, r.machine,
                                          [&](tlm::tlm_initiator_socket<64> &from, tlm::tlm_target_socket<64> &to) {
                                              monitors.emplace_back(sc_core::sc_gen_unique_name("monitor"));
                                              from.bind(monitors.back().up);
                                              monitors.back().down.bind(to);
                                          });
        const uint64_t nc = ns_machine_alias(r.machine, B, 4096, NS_TYPE_NC);
        const uint64_t io = ns_machine_alias(r.machine, B + 4096, 4096, NS_TYPE_IO);
        const uint64_t nowhere = ns_machine_alias(r.machine, 0x50000000, 4096, NS_TYPE_IO);

        for (unsigned hart = 0; hart < 2; hart++)
            r.on(hart, [&, hart] {
                for (uint64_t i = 0; i < 40; i++) {
                    const uint64_t at = A + (i * 7919 + hart * 64) % 0x8000;
                    r.store(hart, at, Bytes(1 + i * 5, static_cast<uint8_t>(i)));
                    r.load(hart, at + 4090, 16);
                    r.store(hart, nc + (i * 40 + hart * 2000) % 4000, Bytes(1 + i % 70, 1));
                    r.load(hart, nc + i, 8);
                    r.store(hart, io + i * 8, Bytes(4));
                    for (const ns_cache_op op : {NS_CACHE_CLEAN, NS_CACHE_INVALIDATE, NS_CACHE_FLUSH})
                        r.maintain(hart, op, at + 4000, 300);
                    if (i % 3 == 0)
                        r.fence(hart);
                    for (const auto move :
                         {ns_hw_prefetch, ns_hw_sample, ns_hw_install, ns_hw_evict, ns_hw_speculative_store})
                        move(r.machine, hart, A + i * 64);
                    ns_hw_drain_hart(r.machine, hart, B + i * 8, 64);
                    if (i % 10 == 0) {
                        EXPECT_EQ(ns_hart_set_type(r.machine, hart, A + 0x20000, 4096, NS_TYPE_NC), NS_OK);
                        ns_hart_sfence(r.machine, hart, true, 0);
                    }
                    uint32_t value;
                    EXPECT_EQ(ns_hart_register_read(r.machine, hart, posting, &value), NS_OK);
                    EXPECT_EQ(ns_hart_doorbell(r.machine, hart, static_cast<unsigned>(i % 3)), NS_OK);
                }
                const ns_maintenance whole = {NS_CACHE_FLUSH, NS_SCOPE_POC, NS_WHOLE_CACHE, 0, 0};
                EXPECT_EQ(ns_hart_maintain(r.machine, hart, &whole), NS_OK);
                ns_hart_fence_local(r.machine, hart);
                uint8_t data[8] = {};
                EXPECT_EQ(ns_hart_load(r.machine, hart, nowhere, 8, data, nullptr, 0), NS_ERROR_ADDRESS);
            });
        for (const unsigned dev : {plain, posting, snooping})
            r.on_device(dev, [&, dev] {
                for (uint64_t i = 0; i < 40; i++) {
                    const uint64_t at = dev == snooping ? A + i * 100 : B + 0x10000 + dev * 0x10000 + i * 100;
                    r.dma_write(dev, at, Bytes(1 + i * 9, 3));
                    r.dma_read(dev, at + 5, static_cast<uint32_t>(300 - i));
                    ns_hw_drain_device(r.machine, dev, at, 1);
                    ns_device_raise(r.machine, dev, dev);
                }
                uint8_t data[8] = {};
                EXPECT_EQ(ns_device_write(r.machine, dev, 0x50000000, unknown, 8, data), NS_ERROR_ADDRESS);
                EXPECT_EQ(ns_device_read(r.machine, dev, 0x50000000, unknown, 8, data, nullptr, 0), NS_ERROR_ADDRESS);
            });
        EXPECT_EQ(r.run(), NS_OK);

        // 2 harts to the caches, the caches and 3 devices to the interconnect; from it to memory, caches and 3 register
        // blocks.
        EXPECT_EQ(monitors.size(), 2u + 1u + 3u + 2u + 3u);
        for (const tlm_monitor &monitor : monitors) {
            EXPECT_GT(monitor.transactions, 0u) << monitor.name();
            for (const std::string &complaint : monitor.complaints)
                ADD_FAILURE() << complaint;
        }
    });
}
const Variant variants[] = {
    {"as it is", [](rig &) {}},
    {"two levels, prefetcher",
     [](rig &r) {
         r.two_levels();
         r.config.prefetch_next_line = true;
     }},
    {"late maintenance, buffers that drain by themselves",
     [](rig &r) {
         r.config.cache.late_write_backs = 4;
         r.config.store_buffer_drain = r.config.posted_drain = NS_DRAIN_AFTER;
         r.config.store_buffer_drain_ps = r.config.posted_drain_ps = 150000;
     }},
    {"eager buffers, two-step fills, four bursts in flight",
     [](rig &r) {
         r.config.store_buffer_drain = r.config.posted_drain = NS_DRAIN_EAGER;
         r.config.cache.fill = NS_FILL_ORDERED;
         r.config.dma_outstanding = 4;
     }},
};
INSTANTIATE_TEST_SUITE_P(Protocol, AssembledMachine, ::testing::ValuesIn(variants));

} // namespace
