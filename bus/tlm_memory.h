// SPDX-License-Identifier: Apache-2.0
//
// A memory controller: simulated RAM behind a socket. The first beat costs `latency`; the interconnect accounts for the
// beats. Byte enables are honoured, streaming widths below the data length refused, DMI not granted (versions would be
// bypassed). Debug transport reads and writes data without time; debug writes have version 0.
#ifndef NS_BUS_TLM_MEMORY_H
#define NS_BUS_TLM_MEMORY_H

#include "bus/memory.h"
#include "cache/tlm_attributes.h"
#include "cache/tlm_target_port.h"

#include <systemc>

namespace ns {

class tlm_memory : public sc_core::sc_module {
  public:
    target_port<tlm_memory> socket;

    tlm_memory(sc_core::sc_module_name name, const ns_memory_config &config, sc_core::sc_time latency,
               const ns_memory_observer *observer);
    ~tlm_memory() override;

    ns_memory *core() { return core_; }

  private:
    void transport(int tag, tlm::tlm_generic_payload &payload, sc_core::sc_time &delay);
    unsigned debug(int tag, tlm::tlm_generic_payload &payload);

    ns_memory *core_ = nullptr;
    sc_core::sc_time latency_;
};

} // namespace ns

#endif
