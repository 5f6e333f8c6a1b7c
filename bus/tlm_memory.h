// SPDX-License-Identifier: Apache-2.0
//
// A memory controller: simulated RAM behind a socket. The first beat costs `latency`; the interconnect accounts for the
// beats. With a DRAM (dram.h) an access takes what its bursts take there instead: b_transport waits for the last one,
// unless the access is deferred or posted. A write ends when the controller's queue has taken it: controllers answer
// early. Data move when the transaction arrives, whatever order the DRAM chooses.
// Byte enables are honoured, streaming widths below the data length refused, DMI not granted (versions would be
// bypassed). Debug transport reads and writes data without time; debug reads give versions where the attributes ask for
// them, debug writes have version 0.
#ifndef NS_BUS_TLM_MEMORY_H
#define NS_BUS_TLM_MEMORY_H

#include "bus/dram.h"
#include "bus/memory.h"
#include "cache/tlm_attributes.h"
#include "cache/tlm_target_port.h"

#include <deque>
#include <systemc>

namespace ns {

class tlm_memory : public sc_core::sc_module {
  public:
    target_port<tlm_memory> socket;

    tlm_memory(sc_core::sc_module_name name, const ns_memory_config &config, sc_core::sc_time latency,
               const ns_memory_observer *observer, const ns_dram_config *dram = nullptr);
    ~tlm_memory() override;

    ns_memory *core() { return core_; }
    const ns_dram *dram() const { return dram_; } // null: a fixed latency

  private:
    struct burst {
        uint64_t offset; // in RAM without its holes
        bool write;
        deferred_access *access; // null: posted
    };

    void transport(int tag, tlm::tlm_generic_payload &payload, sc_core::sc_time &delay);
    unsigned debug(int tag, tlm::tlm_generic_payload &payload);

    uint64_t offset_of(uint64_t address) const;
    void queue_bursts(const tlm::tlm_generic_payload &payload, deferred_access *access);
    void feed(uint64_t now_ps);
    static void end_burst(deferred_access &access, const sc_core::sc_time &when);
    void dram_thread();

    ns_memory *core_ = nullptr;
    ns_memory_config config_;
    ns_dram *dram_ = nullptr;
    uint32_t burst_bytes_ = 0;
    std::deque<burst> backlog_; // before the DRAM controller's own queue
    sc_core::sc_event arrived_;
    sc_core::sc_time latency_;
};

} // namespace ns

#endif
