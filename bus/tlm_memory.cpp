// SPDX-License-Identifier: Apache-2.0
#include "bus/tlm_memory.h"

#include <algorithm>
#include <new>

namespace ns {

tlm_memory::tlm_memory(sc_core::sc_module_name name, const ns_memory_config &config, sc_core::sc_time latency,
                       const ns_memory_observer *observer, const ns_dram_config *dram)
    : sc_module(name), socket("socket", this, &tlm_memory::transport, &tlm_memory::debug), config_(config),
      latency_(latency) {
    core_ = ns_memory_create(&config, observer);
    if (core_ == nullptr)
        throw std::bad_alloc(); // a machine has checked its configuration
    if (dram == nullptr)
        return;
    dram_ = ns_dram_create(dram);
    if (dram_ == nullptr)
        throw std::bad_alloc();
    burst_bytes_ = ns_dram_burst_bytes(dram);
    SC_HAS_PROCESS(tlm_memory);
    SC_THREAD(dram_thread);
}

tlm_memory::~tlm_memory() {
    ns_dram_destroy(dram_);
    ns_memory_destroy(core_);
}

void tlm_memory::transport(int, tlm::tlm_generic_payload &payload, sc_core::sc_time &delay) {
    const tlm::tlm_response_status refused = refusal(payload);
    if (refused != tlm::TLM_OK_RESPONSE || payload.get_command() == tlm::TLM_IGNORE_COMMAND) {
        payload.set_response_status(refused);
        return;
    }
    const attributes *attribute = payload.get_extension<attributes>();
    ns_version *versions = attribute == nullptr ? nullptr : attribute->versions;
    const uint32_t event = attribute == nullptr ? 0 : attribute->event;
    uint8_t *data = payload.get_data_ptr();
    // Nothing may be written when a part of the range has no RAM behind it.
    ns_status status =
        ns_memory_holds(core_, payload.get_address(), payload.get_data_length()) ? NS_OK : NS_ERROR_ADDRESS;
    if (status == NS_OK)
        status = for_each_enabled_run(payload, [&](unsigned offset, unsigned length) {
            const uint64_t address = payload.get_address() + offset;
            ns_version *some = versions == nullptr ? nullptr : versions + offset;
            return payload.is_read() ? ns_memory_read(core_, address, length, data + offset, some)
                                     : ns_memory_write(core_, event, address, length, data + offset, some);
        });
    payload.set_response_status(response_for(status));
    if (dram_ == nullptr || status != NS_OK) {
        delay += latency_;
        return;
    }
    if (attribute != nullptr && (attribute->deferred != nullptr || attribute->posted)) {
        queue_bursts(payload, attribute->deferred);
        return;
    }
    deferred_access own;
    queue_bursts(payload, &own);
    while (own.bursts > 0)
        sc_core::wait(own.finished);
    if (own.ready > sc_core::sc_time_stamp())
        sc_core::wait(own.ready - sc_core::sc_time_stamp());
}

// ---- DRAM ---------------------------------------------------------------------------------------

static uint64_t now_ps() {
    return static_cast<uint64_t>(sc_core::sc_time_stamp() / sc_core::sc_time(1, sc_core::SC_PS) + 0.5);
}

uint64_t tlm_memory::offset_of(uint64_t address) const {
    uint64_t before = 0;
    for (size_t i = 0; i < config_.regions; i++) {
        const ns_memory_region &region = config_.region[i];
        if (address >= region.start && address - region.start < region.length)
            return before + (address - region.start);
        before += region.length;
    }
    return before;
}

void tlm_memory::queue_bursts(const tlm::tlm_generic_payload &payload, deferred_access *access) {
    const uint64_t first = offset_of(payload.get_address());
    const uint64_t end = first + payload.get_data_length();
    if (access != nullptr)
        access->ready = sc_core::sc_time_stamp();
    for (uint64_t at = first / burst_bytes_ * burst_bytes_; at < end; at += burst_bytes_) {
        backlog_.push_back({at, payload.is_write(), access});
        if (access != nullptr)
            access->bursts++; // all before the first can end
    }
    feed(now_ps());
    arrived_.notify(sc_core::SC_ZERO_TIME);
}

void tlm_memory::end_burst(deferred_access &access, const sc_core::sc_time &when) {
    access.ready = std::max(access.ready, when);
    if (--access.bursts == 0)
        access.finished.notify(sc_core::SC_ZERO_TIME);
}

void tlm_memory::feed(uint64_t now) {
    while (!backlog_.empty()) {
        const burst &next = backlog_.front();
        deferred_access *const waits = next.write ? nullptr : next.access;
        if (!ns_dram_push(dram_, now, next.offset, next.write, reinterpret_cast<uintptr_t>(waits)))
            return;
        if (next.write && next.access != nullptr)
            end_burst(*next.access, sc_core::sc_time_stamp());
        backlog_.pop_front();
    }
}

void tlm_memory::dram_thread() {
    for (;;) {
        const uint64_t now = now_ps();
        ns_dram_done done;
        while (ns_dram_step(dram_, now, &done)) {
            feed(now);
            deferred_access *const access = reinterpret_cast<deferred_access *>(static_cast<uintptr_t>(done.tag));
            if (access != nullptr)
                end_burst(*access, sc_core::sc_time(static_cast<double>(done.ready_ps), sc_core::SC_PS));
        }
        const uint64_t next = ns_dram_next_ps(dram_);
        if (next == UINT64_MAX)
            sc_core::wait(arrived_);
        else if (next > now)
            sc_core::wait(sc_core::sc_time(static_cast<double>(next - now), sc_core::SC_PS), arrived_);
    }
}

unsigned tlm_memory::debug(int, tlm::tlm_generic_payload &payload) {
    const unsigned length = payload.get_data_length();
    if (!payload.is_read() && !payload.is_write())
        return 0;
    const attributes *attribute = payload.get_extension<attributes>();
    ns_version *versions = attribute == nullptr ? nullptr : attribute->versions;
    const ns_status status =
        payload.is_read() ? ns_memory_read(core_, payload.get_address(), length, payload.get_data_ptr(), versions)
                          : ns_memory_write(core_, 0, payload.get_address(), length, payload.get_data_ptr(), nullptr);
    return status == NS_OK ? length : 0;
}

} // namespace ns
