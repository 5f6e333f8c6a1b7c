// SPDX-License-Identifier: Apache-2.0
#include "bus/tlm_interconnect.h"

#include <algorithm>
#include <cstring>

namespace ns {

using sc_core::sc_time;
using sc_core::SC_ZERO_TIME;

tlm_interconnect::tlm_interconnect(sc_core::sc_module_name name, const bus_timing &timing)
    : sc_module(name), memory("memory"), coherent("coherent"), timing_(timing) {
    SC_HAS_PROCESS(tlm_interconnect);
    SC_THREAD(drain_thread);
}

tlm_interconnect::initiator_port &tlm_interconnect::add_master(const bus_master &master, int *index) {
    *index = static_cast<int>(masters_.size());
    masters_.emplace_back();
    master_state &state = masters_.back();
    state.config = master;
    state.port = std::make_unique<initiator_port>(sc_core::sc_gen_unique_name("master"), this,
                                                  &tlm_interconnect::transport, &tlm_interconnect::debug, *index);
    timed_drain_ = timed_drain_ || (master.posted_entries > 0 && master.drain != drain_policy::lazy);
    return *state.port;
}

tlm_interconnect::target_port &tlm_interconnect::add_target(uint64_t start, uint64_t length, int registers_of) {
    targets_.push_back(
        {start, length, registers_of, std::make_unique<target_port>(sc_core::sc_gen_unique_name("target"))});
    return *targets_.back().port;
}

void tlm_interconnect::on_drained(drained_function function, void *context) {
    drained_ = function;
    drained_context_ = context;
}

void tlm_interconnect::on_leaving(leaving_function function, void *context) {
    leaving_ = function;
    leaving_context_ = context;
}

void tlm_interconnect::tell_leaving(unsigned initiator_id, uint64_t address, size_t length) {
    if (leaving_ != nullptr)
        leaving_(leaving_context_, initiator_id, address, static_cast<uint32_t>(length));
}

void tlm_interconnect::on_occupied(occupied_function function, void *context) {
    occupied_ = function;
    occupied_context_ = context;
}

bool tlm_interconnect::translate(const bus_master &master, uint64_t address, uint64_t length, uint64_t *physical) {
    *physical = address;
    if (!master.dma || master.windows.empty())
        return true;
    for (const bus_window &window : master.windows) {
        if (address >= window.bus && address - window.bus <= window.length &&
            length <= window.length - (address - window.bus)) {
            *physical = window.physical + (address - window.bus);
            return true;
        }
    }
    return false;
}

tlm_interconnect::target_state *tlm_interconnect::target_at(uint64_t address, uint64_t length) {
    for (target_state &target : targets_)
        if (address >= target.start && address - target.start < target.length &&
            length <= target.length - (address - target.start))
            return &target;
    return nullptr;
}

void tlm_interconnect::transport(int index, tlm::tlm_generic_payload &payload, sc_time &delay) {
    if (delay != SC_ZERO_TIME) {
        sc_core::wait(delay);
        delay = SC_ZERO_TIME;
    }
    const tlm::tlm_response_status refused = refusal(payload);
    if (refused != tlm::TLM_OK_RESPONSE || payload.get_command() == tlm::TLM_IGNORE_COMMAND) {
        payload.set_response_status(refused);
        return;
    }
    master_state &master = masters_[static_cast<size_t>(index)];
    uint64_t physical;
    if (!translate(master.config, payload.get_address(), payload.get_data_length(), &physical)) {
        delay += timing_.latency;
        payload.set_response_status(tlm::TLM_ADDRESS_ERROR_RESPONSE);
        return;
    }
    payload.set_address(physical);
    delay += timing_.latency;

    if (target_state *target = target_at(physical, payload.get_data_length())) {
        if (payload.is_read() && target->registers_of != no_master)
            drain_all(target->registers_of);
        (*target->port)->b_transport(payload, delay);
        return;
    }
    master.traffic.bursts++;
    master.traffic.bytes += payload.get_data_length();
    master_state &queue = masters_[queue_of(index)];
    const bool waits =
        !master.config.snoops && queue.config.posted_entries > 0 && queue.config.drain != drain_policy::eager;
    if (const attributes *own = payload.get_extension<attributes>();
        payload.is_write() && master.config.dma && !waits && own != nullptr)
        tell_leaving(own->initiator_id, physical, payload.get_data_length());
    if (master.config.snoops) {
        delay += timing_.snoop;
        coherent->b_transport(payload, delay);
        return;
    }
    if (payload.is_write() && queue.config.posted_entries > 0) {
        // A write that no memory answers is refused now: nobody is left to tell later.
        tlm::tlm_generic_payload probe;
        probe_data_.resize(payload.get_data_length());
        set_payload(probe, tlm::TLM_READ_COMMAND, physical, probe_data_.data(), payload.get_data_length());
        if (memory->transport_dbg(probe) < payload.get_data_length()) {
            payload.set_response_status(tlm::TLM_ADDRESS_ERROR_RESPONSE);
            return;
        }
        post(queue, payload, payload.get_extension<attributes>());
        payload.set_response_status(tlm::TLM_OK_RESPONSE);
        return;
    }
    if (!queue.posted.empty())
        drain_all(index);
    const attributes *attribute = payload.get_extension<attributes>();
    const bool pays = attribute != nullptr && attribute->meter != nullptr;
    {
        // Its turn is waited for; its beats are memory's, unless a maintenance operation makes them.
        const time_scope waiting(pays ? attribute->meter : nullptr, pays && attribute->meter->part() == time_maintenance
                                                                        ? time_maintenance
                                                                        : time_waiting);
        acquire(index);
    }
    occupy(index, payload);
    memory->b_transport(payload, delay);
}

void tlm_interconnect::occupy(int index, const tlm::tlm_generic_payload &payload) {
    const attributes *attribute = occupied_ == nullptr ? nullptr : payload.get_extension<attributes>();
    const unsigned initiator = attribute == nullptr ? 0 : attribute->initiator_id;
    if (occupied_ != nullptr)
        occupied_(occupied_context_, index, initiator, payload, true);
    const sc_time duration = timing_.beat * ((payload.get_data_length() + timing_.width - 1) / timing_.width);
    sc_core::wait(duration);
    masters_[static_cast<size_t>(index)].traffic.busy += duration;
    if (occupied_ != nullptr)
        occupied_(occupied_context_, index, initiator, payload, false);
    release(index);
}

void tlm_interconnect::acquire(int index) {
    master_state &master = masters_[static_cast<size_t>(index)];
    const uint64_t turn = master.asked++;
    master.waiting++;
    while (busy_ || master.served != turn)
        sc_core::wait(master.granted);
    master.waiting--;
    master.served++;
    busy_ = true;
}

// The next master in turn after the one that had memory is woken; a newcomer in the same delta may still be first, and
// then it waits again.
void tlm_interconnect::release(int index) {
    busy_ = false;
    const size_t count = masters_.size();
    for (size_t step = 1; step <= count; step++) {
        master_state &next = masters_[(static_cast<size_t>(index) + step) % count];
        if (next.waiting > 0) {
            next.granted.notify(SC_ZERO_TIME);
            return;
        }
    }
}

void tlm_interconnect::post(master_state &master, const tlm::tlm_generic_payload &payload,
                            const attributes *attribute) {
    for_each_enabled_run(payload, [&](unsigned offset, unsigned length) {
        while (master.posted.size() >= master.config.posted_entries) {
            const posted_write &oldest = master.posted.front();
            tell_leaving(oldest.initiator_id, oldest.address, oldest.data.size());
            if (master.posted.size() >= master.config.posted_entries) // others may have drained it meanwhile
                send_oldest(master, 0);
        }
        posted_write write;
        write.address = payload.get_address() + offset;
        write.data.assign(payload.get_data_ptr() + offset, payload.get_data_ptr() + offset + length);
        if (attribute != nullptr && attribute->versions != nullptr)
            write.versions.assign(attribute->versions + offset, attribute->versions + offset + length);
        write.event = attribute == nullptr ? 0 : attribute->event;
        write.initiator_id = attribute == nullptr ? 0 : attribute->initiator_id;
        write.due = sc_core::sc_time_stamp() +
                    (master.config.drain == drain_policy::after ? master.config.drain_after : SC_ZERO_TIME);
        master.posted.push_back(std::move(write));
        return NS_OK;
    });
    if (master.config.drain != drain_policy::lazy)
        posted_event_.notify(SC_ZERO_TIME);
}

void tlm_interconnect::send_oldest(master_state &master, size_t position) {
    posted_write write = std::move(master.posted[position]);
    master.posted.erase(master.posted.begin() + static_cast<std::ptrdiff_t>(position));
    tlm::tlm_generic_payload payload;
    attributes attribute;
    const unsigned length = static_cast<unsigned>(write.data.size());
    set_payload(payload, tlm::TLM_WRITE_COMMAND, write.address, write.data.data(), length);
    attribute.initiator_id = write.initiator_id;
    attribute.event = write.event;
    attribute.posted = true;
    attribute.versions = write.versions.empty() ? nullptr : write.versions.data();
    payload.set_extension(&attribute);
    sc_time delay = SC_ZERO_TIME;
    memory->b_transport(payload, delay);
    payload.clear_extension(&attribute);
    if (drained_ != nullptr)
        drained_(drained_context_, write.initiator_id, write.event, write.address, length);
}

// Index of the oldest posted write that touches the range; the queue's size when there is none.
static size_t oldest_touching(const std::deque<posted_write> &posted, uint64_t address, uint64_t length) {
    size_t i = 0;
    while (i < posted.size()) {
        const posted_write &write = posted[i];
        const bool begins_before_end = write.address < address || write.address - address < length;
        if (begins_before_end && (address < write.address || address - write.address < write.data.size()))
            break;
        i++;
    }
    return i;
}

unsigned tlm_interconnect::drain(int master, uint64_t address, uint64_t length) {
    master_state &state = masters_[queue_of(master)];
    const std::deque<posted_write> &posted = state.posted;
    unsigned count = 0;
    for (size_t next; (next = oldest_touching(posted, address, length)) < posted.size(); count++) {
        // Writes of one master to one address stay in order: an older one under the same bytes goes first.
        for (size_t older; (older = oldest_touching(posted, posted[next].address, posted[next].data.size())) < next;)
            next = older;
        send_oldest(state, next);
    }
    return count;
}

bool tlm_interconnect::drain_one(int master, uint64_t address) {
    master_state &state = masters_[queue_of(master)];
    size_t next = oldest_touching(state.posted, address, 1);
    if (next == state.posted.size())
        return false;
    for (next++; next > 0; next--) // posted writes leave in order: the older ones first
        send_oldest(state, 0);
    return true;
}

const posted_write *tlm_interconnect::posted_at(uint64_t address) const {
    const posted_write *newest = nullptr;
    for (const master_state &master : masters_)
        for (const posted_write &write : master.posted)
            if (address >= write.address && address - write.address < write.data.size() &&
                (newest == nullptr || write.event > newest->event))
                newest = &write;
    return newest;
}

// Sends what is due when the policy is `eager` or `after`.
void tlm_interconnect::drain_thread() {
    if (!timed_drain_)
        return;
    for (;;) {
        sc_time next = sc_core::sc_max_time();
        for (master_state &master : masters_) {
            if (master.config.drain == drain_policy::lazy)
                continue;
            while (!master.posted.empty() && master.posted.front().due <= sc_core::sc_time_stamp())
                send_oldest(master, 0);
            if (!master.posted.empty())
                next = std::min(next, master.posted.front().due);
        }
        if (next == sc_core::sc_max_time())
            sc_core::wait(posted_event_);
        else
            sc_core::wait(next - sc_core::sc_time_stamp(), posted_event_);
    }
}

// What memory holds behind this master's windows.
unsigned tlm_interconnect::debug(int index, tlm::tlm_generic_payload &payload) {
    uint64_t physical;
    const master_state &master = masters_[static_cast<size_t>(index)];
    if (!translate(master.config, payload.get_address(), payload.get_data_length(), &physical))
        return 0;
    payload.set_address(physical);
    return memory->transport_dbg(payload);
}

} // namespace ns
