// SPDX-License-Identifier: Apache-2.0
//
// A machine with an AXI DMA engine, a monitor on each of its sockets, and a driver for its rings.
#ifndef NS_TESTS_SYSTEM_AXI_DMA_RIG_H
#define NS_TESTS_SYSTEM_AXI_DMA_RIG_H

#include "axi_dma_driver.h"
#include "rig.h"
#include "tlm_monitor.h"

#include "model/tlm_machine.h"

#include <deque>

namespace ns_test {

constexpr uint64_t TX_RING = base + 0x10000, RX_RING = base + 0x11000;
constexpr uint64_t TX = base + 0x20000, RX = base + 0x30000; // 2 KiB for each descriptor
constexpr uint32_t SOF = NS_AXI_DMA_START_OF_FRAME, EOF_ = NS_AXI_DMA_END_OF_FRAME;
constexpr unsigned tx_irq = 0, rx_irq = 1;

// A machine with one engine, device 0.
class engine_rig : public rig {
  public:
    explicit engine_rig(bool scatter_gather = true) {
        part = ns_axi_dma_default_config();
        part.scatter_gather = scatter_gather;
        ns_machine_device made{};
        made.name = "dma0";
        made.dma_bits = 32;
        made.axi_dma = &part;
        made.registers = 0x40400000;
        made.introut[0] = tx_irq;
        made.introut[1] = rx_irq;
        made.rings_doorbell = made.signals = true;
        devices.push_back(made);
    }
    void build_with_monitors() {
        machine = new ns_machine;
        machine->body =
            std::make_unique<ns::machine>("machine", config, devices.data(), devices.size(), log, machine,
                                          [this](tlm::tlm_initiator_socket<64> &from, tlm::tlm_target_socket<64> &to) {
                                              monitors.emplace_back(sc_core::sc_gen_unique_name("monitor"));
                                              from.bind(monitors.back().up);
                                              monitors.back().down.bind(to);
                                          });
        for (driver_ring *ring : {&tx, &rx}) {
            ring->machine = machine;
            ring->count = 8;
        }
        tx.first = TX_RING;
        rx.first = RX_RING;
        rx.channel = 1;
    }
    void expect_good() const {
        for (const tlm_monitor &monitor : monitors)
            for (const std::string &complaint : monitor.complaints)
                ADD_FAILURE() << complaint;
        for (size_t i = 0; i < log->hazard_count; i++)
            ADD_FAILURE() << ns_hazard_text(log->hazard[i].id)->id << ": " << log->hazard[i].detail;
    }
    // The monitor between a master of the engine and the interconnect.
    const tlm_monitor &monitor_of(unsigned port) const { return monitors[first_master + port]; }
    static constexpr size_t first_master = 4; // behind those of memory, caches, the caches' memory and the hart
    ns_axi_dma_config part{};
    std::deque<tlm_monitor> monitors;
    driver_ring tx{}, rx{};
};

} // namespace ns_test

#endif
