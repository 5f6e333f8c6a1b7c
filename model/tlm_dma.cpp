// SPDX-License-Identifier: Apache-2.0
#include "model/tlm_dma.h"

#include "model/tlm_machine.h"

#include <algorithm>
#include <cstring>

namespace ns {

using sc_core::sc_time;
using sc_core::SC_ZERO_TIME;

tlm_dma::tlm_dma(sc_core::sc_module_name name, machine &owner, unsigned actor, unsigned address_bits, uint32_t burst,
                 uint32_t outstanding, bool has_registers)
    : sc_module(name), socket("socket"), machine_(owner), actor_(actor),
      mask_(address_bits >= 64 ? UINT64_MAX : (uint64_t{1} << address_bits) - 1), burst_(burst) {
    if (has_registers) {
        registers = std::make_unique<tlm_utils::simple_target_socket<tlm_dma, 64>>("registers");
        registers->register_b_transport(this, &tlm_dma::register_transport);
    }
    SC_HAS_PROCESS(tlm_dma);
    for (size_t i = 0; i < std::max<uint32_t>(outstanding, 1); i++) {
        lanes_.push_back(std::make_unique<lane>());
        if (i > 0)
            sc_core::sc_spawn([this, i] { lane_thread(i); }, sc_core::sc_gen_unique_name("lane"));
    }
}

ns_status tlm_dma::send(lane &on, const burst_job &job) {
    set_payload(on.payload, job.command, job.address, job.data, job.length);
    on.attribute.initiator_id = actor_;
    on.attribute.versions = job.versions;
    on.attribute.event = job.event;
    on.payload.set_extension(&on.attribute);
    sc_time delay = SC_ZERO_TIME;
    socket->b_transport(on.payload, delay);
    on.payload.clear_extension(&on.attribute);
    if (delay != SC_ZERO_TIME)
        sc_core::wait(delay);
    return payload_status(on.payload);
}

ns_status tlm_dma::transfer(tlm::tlm_command command, uint64_t address, uint32_t length, uint8_t *data,
                            ns_version *versions, uint32_t event) {
    const time_scope memory(machine_.running_meter(), time_memory);
    // Bursts end at multiples of the burst size, hence never cross a 4 KiB border (AXI, IHI 0022, A3.4.1).
    worst_ = NS_OK;
    burst_job job = {command, address, length, data, versions, event};
    if (length > burst_ || address / burst_ != (address + length - 1) / burst_) {
        while (length > 0) {
            job.length = static_cast<uint32_t>(std::min<uint64_t>(length, burst_ - job.address % burst_));
            jobs_.push_back(job);
            job.address += job.length;
            job.data += job.length;
            if (job.versions != nullptr)
                job.versions += job.length;
            length -= job.length;
        }
        if (lanes_.size() > 1 && machine_.actor(actor_).stop_at == UINT64_MAX)
            job_ready_.notify();
        while (!jobs_.empty()) {
            job = jobs_.front();
            jobs_.pop_front();
            const ns_status status = send(*lanes_[0], job);
            worst_ = worst_ == NS_OK ? status : worst_;
        }
        while (in_flight_ > 0)
            sc_core::wait(job_done_);
        return worst_;
    }
    return send(*lanes_[0], job);
}

void tlm_dma::lane_thread(size_t index) {
    for (;;) {
        while (jobs_.empty())
            sc_core::wait(job_ready_);
        const burst_job job = jobs_.front();
        jobs_.pop_front();
        in_flight_++;
        const ns_status status = send(*lanes_[index], job);
        worst_ = worst_ == NS_OK ? status : worst_;
        if (--in_flight_ == 0)
            job_done_.notify();
    }
}

void tlm_dma::register_transport(tlm::tlm_generic_payload &payload, sc_time &delay) {
    const tlm::tlm_response_status refused = refusal(payload);
    if (refused != tlm::TLM_OK_RESPONSE || payload.get_command() == tlm::TLM_IGNORE_COMMAND) {
        payload.set_response_status(refused);
        return;
    }
    // The access happens here and now, so that a doorbell does not ring before it has arrived.
    sc_core::wait(delay + machine_.register_latency());
    delay = SC_ZERO_TIME;
    if (payload.is_read())
        std::memset(payload.get_data_ptr(), 0, payload.get_data_length());
    else
        ring();
    payload.set_response_status(tlm::TLM_OK_RESPONSE);
}

void tlm_dma::ring() {
    rings_++;
    rung_.notify(SC_ZERO_TIME);
}

void tlm_dma::wait_for_ring() {
    const time_scope waiting(machine_.running_meter(), time_waiting);
    while (rings_ == started_)
        sc_core::wait(rung_);
    started_++;
}

} // namespace ns
