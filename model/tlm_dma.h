// SPDX-License-Identifier: Apache-2.0
//
// A DMA master: moves bytes in bursts, several outstanding, through an address register of its own width, and answers a
// doorbell register. Burst order on the bus is the order of addresses; completion is when all bursts of a transfer have
// been answered.
#ifndef NS_MODEL_TLM_DMA_H
#define NS_MODEL_TLM_DMA_H

#include "cache/tlm_attributes.h"
#include "model/nosnoop.h"

#include <deque>
#include <memory>
#include <systemc>
#include <tlm_utils/simple_initiator_socket.h>
#include <tlm_utils/simple_target_socket.h>
#include <vector>

namespace ns {

class machine;

class tlm_dma : public sc_core::sc_module {
  public:
    tlm_utils::simple_initiator_socket<tlm_dma, 64> socket;
    // 4 KiB; a write anywhere rings the doorbell, a read gives 0. Null: an engine has the registers of this device.
    std::unique_ptr<tlm_utils::simple_target_socket<tlm_dma, 64>> registers;

    static constexpr uint64_t register_bytes = 4096;

    tlm_dma(sc_core::sc_module_name name, machine &owner, unsigned actor, unsigned address_bits, uint32_t burst,
            uint32_t outstanding, bool has_registers);

    // What the address register keeps of a programmed address.
    uint64_t driven(uint64_t programmed) const { return programmed & mask_; }
    // Programmed addresses from this one on until the address register wraps; 0: it never does.
    uint64_t until_wrap(uint64_t programmed) const { return mask_ - driven(programmed) + 1; }
    // Moves `length` bytes at the address driven, which must not wrap; the extension's event and versions go with each
    // burst.
    ns_status transfer(tlm::tlm_command command, uint64_t address, uint32_t length, uint8_t *data, ns_version *versions,
                       uint32_t event);

    void ring();          // a doorbell arrived
    void wait_for_ring(); // consumes one
    bool rung() const { return rings_ != started_; }

  private:
    struct burst_job {
        tlm::tlm_command command;
        uint64_t address;
        uint32_t length;
        uint8_t *data;
        ns_version *versions;
        uint32_t event;
    };
    // One burst in flight: its own thread, payload and extension.
    struct lane {
        tlm::tlm_generic_payload payload;
        attributes attribute;
    };

    ns_status send(lane &on, const burst_job &job);
    void lane_thread(size_t index);
    void register_transport(tlm::tlm_generic_payload &payload, sc_core::sc_time &delay);

    machine &machine_;
    unsigned actor_;
    uint64_t mask_;
    uint32_t burst_;
    std::vector<std::unique_ptr<lane>> lanes_; // [0] belongs to the caller of transfer()
    std::deque<burst_job> jobs_;
    size_t in_flight_ = 0;
    ns_status worst_ = NS_OK;
    sc_core::sc_event job_ready_, job_done_, rung_;
    uint64_t rings_ = 0, started_ = 0;
};

} // namespace ns

#endif
