// SPDX-License-Identifier: Apache-2.0
#include "cache/tlm_cache.h"

#include <algorithm>
#include <cstring>
#include <new>

namespace ns {

using sc_core::sc_time;
using sc_core::SC_ZERO_TIME;

tlm_cache::tlm_cache(sc_core::sc_module_name name, const ns_cache_config &config, const cache_timing &timing,
                     const ns_cache_observer *observer)
    : sc_module(name), coherent_port("coherent_port", this, &tlm_cache::coherent_transport, nullptr),
      memory_port("memory_port"), config_(config), timing_(timing) {
    const ns_cache_backing backing = {this, backing_read, backing_write};
    core_ = ns_cache_create(&config, &backing, observer);
    if (core_ == nullptr)
        throw std::bad_alloc(); // a machine has checked its configuration
    for (unsigned i = 0; i < config.harts; i++) {
        hart.push_back(std::make_unique<hart_socket>(sc_core::sc_gen_unique_name("hart"), this, &tlm_cache::transport,
                                                     &tlm_cache::debug, static_cast<int>(i), &tlm_cache::serve_hit));
    }
    memory_payload_.set_extension(&memory_attributes_);
    for (unsigned i = 0; timing.outstanding > 1 && i < timing.outstanding; i++)
        fills_.push_back(std::make_unique<line_on_its_way>());
    start_hops();
    hits_wait_ = hops_ || streams();
    for (ns_write_run &run : runs_)
        ns_write_run_forget(&run);
    for (unsigned i = 0; i < timing.write_backs; i++)
        write_backs_.push_back(std::make_unique<line_on_its_way>());
}

tlm_cache::~tlm_cache() {
    memory_payload_.clear_extension(&memory_attributes_);
    ns_cache_destroy(core_);
}

// What the hart's L1 serves alone concerns nobody else: it is done at once, whatever the initiator's lead over the
// simulation, which stays as it is. Only an operation under way, and a line on its way, must be waited for. Who says
// that he is ahead has asked hit() before. Where something is said about a hop, L1 takes its requests one after the
// other in the simulation's time, and none is done at once; nor where stores stream, as each belongs to a run or ends
// it. False, and nothing has happened.
// The two functions of a hit begin on a line of the host's caches: where they lie is worth 6 % to it.
__attribute__((aligned(64))) bool tlm_cache::serve_hit(int hart_index, tlm::tlm_generic_payload &payload,
                                                       sc_time &delay) {
    attributes *const attribute = payload.get_extension<attributes>();
    time_meter *const meter = attribute == nullptr ? nullptr : attribute->meter;
    const uint64_t address = payload.get_address();
    const unsigned length = payload.get_data_length();
    uint8_t *const data = payload.get_data_ptr();
    const unsigned index = static_cast<unsigned>(hart_index);
    if (hits_wait_ || payload.get_byte_enable_ptr() != nullptr || data == nullptr ||
        payload.get_streaming_width() < length || lock_.is_taken() ||
        (attribute != nullptr && (attribute->type != NS_TYPE_CACHEABLE || attribute->ahead != nullptr)) ||
        (meter != nullptr && delay != SC_ZERO_TIME) || (lines_under_way_ > 0 && is_on_its_way(address, length)))
        return false;
    ns_version *const versions = attribute == nullptr ? nullptr : attribute->versions;
    const tlm::tlm_command command = payload.get_command();
    const bool served =
        command == tlm::TLM_READ_COMMAND    ? ns_cache_hit_load(core_, index, address, length, data, versions)
        : command == tlm::TLM_WRITE_COMMAND ? ns_cache_hit_store(core_, index, address, length, data, versions)
                                            : false;
    if (!served)
        return false;
    operating_initiator_ = attribute == nullptr ? 0 : attribute->initiator_id;
    const sc_time time = length <= timing_.bytes_per_cycle ? timing_.hit[0] : hit_time(length);
    delay += time;
    if (attribute != nullptr) {
        attribute->result = {};
        attribute->result.lines = 1;
    }
    if (meter != nullptr)
        meter->charge(time_level(0), time);
    payload.set_response_status(tlm::TLM_OK_RESPONSE);
    return true;
}

__attribute__((aligned(64))) void tlm_cache::transport(int hart_index, tlm::tlm_generic_payload &payload,
                                                       sc_time &delay) {
    if (!serve_hit(hart_index, payload, delay))
        transport_past_l1(hart_index, payload, delay);
}

// A function of its own, so that a hit saves no registers for it.
__attribute__((noinline)) void tlm_cache::transport_past_l1(int hart_index, tlm::tlm_generic_payload &payload,
                                                            sc_time &delay) {
    if (delay != SC_ZERO_TIME) {
        sc_core::wait(delay);
        delay = SC_ZERO_TIME;
    }
    const tlm::tlm_response_status refused = refusal(payload);
    if (refused != tlm::TLM_OK_RESPONSE) {
        payload.set_response_status(refused);
        return;
    }
    attributes defaults;
    attributes *attribute = payload.get_extension<attributes>();
    if (attribute == nullptr)
        attribute = &defaults;
    const unsigned index = static_cast<unsigned>(hart_index);
    ns_status status;
    if (payload.get_command() == tlm::TLM_IGNORE_COMMAND)
        status = hardware_request(index, payload, *attribute, delay);
    else if (attribute->type == NS_TYPE_CACHEABLE && hops_)
        status = access_by_hops(index, payload, *attribute, delay);
    else if (attribute->type == NS_TYPE_CACHEABLE)
        status = access(index, payload, *attribute, delay);
    else {
        status = bypass(payload, *attribute, delay);
        return; // the response is the memory's own
    }
    payload.set_response_status(response_for(status));
}

// With provenance every byte written has a version: power-on's when the initiator gives none.
ns_version *tlm_cache::versions_of(const tlm::tlm_generic_payload &payload, const attributes &attribute) {
    if (attribute.versions != nullptr || !config_.provenance || !payload.is_write())
        return attribute.versions;
    unknown_versions_.assign(payload.get_data_length(), NS_VERSION_POWER_ON);
    return unknown_versions_.data();
}

bool tlm_cache::is_physical(const tlm::tlm_generic_payload &payload) {
    const uint64_t end = uint64_t{1} << NS_PHYSICAL_BITS;
    return payload.get_address() < end && payload.get_data_length() <= end - payload.get_address();
}

// SystemC multiplies in floating point: mostly there is nothing to multiply.
static sc_time times(const sc_time &time, unsigned count) {
    return count == 0 ? SC_ZERO_TIME : count == 1 ? time : time * count;
}

ns_status tlm_cache::access(unsigned hart_index, tlm::tlm_generic_payload &payload, attributes &attribute,
                            sc_time &delay) {
    if (!is_physical(payload))
        return NS_ERROR_ADDRESS;
    take_lock(attribute);
    attribute.result = {};
    if (!run_goes_on(hart_index, payload.get_address(), payload.get_data_length(), payload.is_write()))
        end_run(hart_index);
    finish_those(
        [](const line_on_its_way &line, uint64_t address, uint64_t length) {
            return line.address < address + length && address < line.address + line.length;
        },
        payload.get_address(), payload.get_data_length());
    demanded_ = true;
    const sc_time begin = sc_core::sc_time_stamp();
    caught_up_ = SC_ZERO_TIME;
    unsigned looked_up[NS_CACHE_MAX_LEVELS] = {}; // lines, in each level below L1
    const ns_status status = move_lines(hart_index, payload, attribute, [&](unsigned, const ns_cache_result &line) {
        for (unsigned level = 1; level <= std::min(line.hit_level, config_.levels - 1); level++)
            looked_up[level]++;
    });
    finish_those([](const line_on_its_way &line, uint64_t, uint64_t) { return line.demanded; }, 0, 0);
    demanded_ = false;
    operating_meter_ = nullptr;
    lock_.unlock();
    const auto cost = [&](unsigned part, const sc_time &time) {
        delay += time;
        if (attribute.meter != nullptr)
            attribute.meter->charge(part, time);
    };
    // Where misses overlap, so do the words and lines of one access with each other and with the fills: of what comes
    // behind the first one only the rest is left that the fills have not hidden.
    const bool overlaps = !fills_.empty();
    sc_time hidden = overlaps ? sc_core::sc_time_stamp() - begin - caught_up_ : SC_ZERO_TIME;
    const auto pipelined = [&](unsigned part, const sc_time &first, const sc_time &others) {
        const sc_time away = std::min(hidden, others);
        hidden -= away;
        cost(part, first + (others - away));
    };
    const unsigned words = (payload.get_data_length() + timing_.bytes_per_cycle - 1) / timing_.bytes_per_cycle;
    pipelined(time_level(0), timing_.hit[0], times(overlaps ? timing_.cycle : timing_.hit[0], words - 1));
    if (attribute.result.snoops > 0)
        cost(time_level(std::min(1u, config_.levels - 1)), times(timing_.snoop, attribute.result.snoops));
    for (unsigned level = 1; level < config_.levels && looked_up[level] > 0; level++) {
        const unsigned lines = looked_up[level];
        const unsigned others = overlaps ? (lines + timing_.outstanding - 1) / timing_.outstanding - 1 : lines - 1;
        pipelined(time_level(level), timing_.hit[level], times(timing_.hit[level], others));
    }
    return status;
}

sc_time tlm_cache::hit_time(uint32_t length) const {
    const unsigned words = (length + timing_.bytes_per_cycle - 1) / timing_.bytes_per_cycle;
    if (hops_)
        return timing_.hit[0] + times(std::max(timing_.cycle, timing_.every[0]), words - 1);
    return timing_.hit[0] + times(fills_.empty() ? timing_.hit[0] : timing_.cycle, words - 1);
}

bool tlm_cache::is_on_its_way(uint64_t address, uint64_t length) const {
    for (const auto &line : fills_)
        if (line->length > 0 && line->address < address + length && address < line->address + line->length)
            return true;
    return false;
}

// What hit() asks where lines are under way or stores stream.
bool tlm_cache::may_hit(unsigned hart_index, uint64_t address, uint64_t length, bool store) const {
    return (passes(store) || !is_on_its_way(address, length)) && run_goes_on(hart_index, address, length, store);
}

void tlm_cache::take_lock(const attributes &attribute) {
    const time_scope waiting(attribute.meter, time_waiting);
    lock_.lock();
    operating_initiator_ = attribute.initiator_id;
    operating_meter_ = attribute.meter;
    operating_ahead_ = attribute.ahead;
    operating_hart_ = config_.harts; // no hart's
    due_ = asked_ = SC_ZERO_TIME;
    streamed_ = false;
}

void tlm_cache::catch_up() {
    if (operating_ahead_ == nullptr || *operating_ahead_ == SC_ZERO_TIME)
        return;
    const sc_time lead = *operating_ahead_;
    *operating_ahead_ = SC_ZERO_TIME;
    caught_up_ += lead;
    sc_core::wait(lead);
}

// ---- lines on their way -------------------------------------------------------------------------

void tlm_cache::finish(line_on_its_way &line) {
    if (line.length == 0)
        return;
    catch_up();
    wait_for(line, line.number, nullptr);
}

// Others may wait for the same line, and whoever is first gives its place to the next: then it was finished.
void tlm_cache::wait_for(line_on_its_way &line, uint64_t number, sc_time *ahead) {
    if (ahead != nullptr && *ahead != SC_ZERO_TIME) {
        const sc_time lead = *ahead;
        *ahead = SC_ZERO_TIME;
        sc_core::wait(lead);
    }
    const auto is_under_way = [&] { return line.number == number && line.length > 0; };
    while (is_under_way() && line.access.bursts > 0)
        sc_core::wait(line.access.finished);
    if (!is_under_way())
        return;
    const sc_time end = line.access.ready + line.on_bus;
    if (end > sc_core::sc_time_stamp())
        sc_core::wait(end - sc_core::sc_time_stamp());
    if (!is_under_way())
        return;
    line.length = 0;
    lines_under_way_ -= line.is_fill;
}

void tlm_cache::finish_those(bool (*those)(const line_on_its_way &line, uint64_t address, uint64_t length),
                             uint64_t address, uint64_t length) {
    const time_scope memory(operating_meter_, time_memory);
    for (auto &line : fills_)
        if (line->length > 0 && those(*line, address, length))
            finish(*line);
}

// Sends memory_payload_ and goes on; the oldest of as many as there may be is waited for.
ns_status tlm_cache::defer(line_ring &ring, unsigned &next) {
    line_on_its_way &line = hops_ && &ring == &fills_ ? make_room() : *ring[next];
    next = (next + 1) % static_cast<unsigned>(ring.size());
    finish(line);
    line.address = memory_payload_.get_address();
    line.demanded = demanded_;
    line.hart = operating_hart_;
    line.number = ++lines_asked_;
    line.is_fill = &ring == &fills_;
    line.is_store = stores_;
    line.access.ready = asked_ = sc_core::sc_time_stamp();
    memory_attributes_.deferred = &line.access;
    sc_time delay = SC_ZERO_TIME;
    memory_port->b_transport(memory_payload_, delay);
    memory_attributes_.deferred = nullptr;
    line.on_bus = delay;
    line.access.ready = std::max(line.access.ready, sc_core::sc_time_stamp());
    line.length = memory_payload_.get_data_length();
    if (line.is_fill) {
        counts_.asked++;
        counts_.most = std::max(counts_.most, ++lines_under_way_);
    }
    return payload_status(memory_payload_);
}

// A non-cacheable access: a late write-back of the line goes first, any cached copy is ignored, and the transaction
// itself travels on.
ns_status tlm_cache::bypass(tlm::tlm_generic_payload &payload, attributes &attribute, sc_time &delay) {
    take_lock(attribute);
    const ns_status status =
        ns_cache_drain_line(core_, payload.get_address(), payload.get_data_length(), &attribute.result);
    operating_meter_ = nullptr;
    lock_.unlock();
    if (status != NS_OK) {
        payload.set_response_status(response_for(status));
        return status;
    }
    attribute.result.hit_level = config_.levels;
    // A register's time is the device's, which the hart waits for.
    const unsigned part = attribute.type == NS_TYPE_IO ? time_waiting : time_memory;
    const time_scope scope(attribute.meter, part);
    if (payload.is_read() && payload.get_byte_enable_ptr() == nullptr)
        load_words(payload, attribute, delay);
    else
        memory_port->b_transport(payload, delay);
    if (attribute.meter != nullptr)
        attribute.meter->charge(part, delay);
    return payload_status(payload);
}

// No line gathers the words of a load that passes the caches: each is a transaction of its own, behind the one before.
// The time of the last one is left in `delay`.
void tlm_cache::load_words(tlm::tlm_generic_payload &payload, attributes &attribute, sc_time &delay) {
    const uint64_t first = payload.get_address();
    uint8_t *const data = payload.get_data_ptr();
    ns_version *const versions = attribute.versions;
    const unsigned length = payload.get_data_length();
    const unsigned word = timing_.bytes_per_cycle;
    for (unsigned done = 0; done < length;) {
        const uint64_t address = first + done;
        const unsigned piece = std::min(length - done, word - static_cast<unsigned>(address % word));
        payload.set_address(address);
        payload.set_data_ptr(data + done);
        payload.set_data_length(piece);
        payload.set_streaming_width(piece);
        payload.set_response_status(tlm::TLM_INCOMPLETE_RESPONSE);
        attribute.versions = versions == nullptr ? nullptr : versions + done;
        if (delay != SC_ZERO_TIME)
            sc_core::wait(delay);
        delay = SC_ZERO_TIME;
        memory_port->b_transport(payload, delay);
        if (!payload.is_response_ok())
            break;
        done += piece;
    }
    payload.set_address(first);
    payload.set_data_ptr(data);
    payload.set_data_length(length);
    payload.set_streaming_width(length);
    attribute.versions = versions;
}

// A whole-cache operation visits each copy that it finds, and nothing else.
sc_time tlm_cache::maintenance_time(const ns_cache_result &result) const {
    const uint32_t absent = std::max(1u, result.lines) - result.lines_present;
    return times(timing_.maintenance_present, result.lines_present) + times(timing_.maintenance_absent, absent);
}

ns_status tlm_cache::hardware_request(unsigned hart_index, tlm::tlm_generic_payload &payload, attributes &attribute,
                                      sc_time &delay) {
    take_lock(attribute);
    operating_hart_ = hart_index;
    ns_cache_result &result = attribute.result;
    const uint64_t address = payload.get_address();
    ns_status status = NS_OK;
    switch (attribute.request) {
    case cache_request::access:
        break;
    case cache_request::maintain:
        if (attribute.maintenance.extent == NS_WHOLE_CACHE ||
            !run_goes_on(hart_index, attribute.maintenance.address, attribute.maintenance.length, false))
            end_run(hart_index);
        if (hops_)
            wait_for_range(attribute.maintenance.address, attribute.maintenance.length);
        status = ns_cache_maintain(core_, hart_index, &attribute.maintenance, &result);
        delay += maintenance_time(result);
        break;
    case cache_request::fence:
        end_run(hart_index);
        if (hops_)
            wait_for_hart(hart_index);
        status = ns_cache_drain(core_, hart_index, &result);
        break;
    case cache_request::prefetch:
        if (hops_ && !may_prefetch(hart_index))
            break;
        status = ns_cache_prefetch(core_, hart_index, address, &result);
        break;
    case cache_request::sample:
        status = ns_cache_fill_sample(core_, hart_index, address, &result);
        break;
    case cache_request::install:
        status = ns_cache_fill_install(core_, hart_index, address, &attribute.present);
        break;
    case cache_request::evict:
        status = ns_cache_evict(core_, hart_index, address, &attribute.present, &result);
        break;
    case cache_request::evict_l1:
        status = ns_cache_evict_l1(core_, hart_index, address, &attribute.present, &result);
        break;
    case cache_request::drain_range:
        status = ns_cache_drain_line(core_, attribute.maintenance.address, attribute.maintenance.length, &result);
        break;
    case cache_request::speculative_store:
        status = ns_cache_speculative_store(core_, hart_index, address, &result);
        break;
    }
    operating_meter_ = nullptr;
    lock_.unlock();
    return status;
}

void tlm_cache::coherent_transport(int, tlm::tlm_generic_payload &payload, sc_time &delay) {
    if (delay != SC_ZERO_TIME) {
        sc_core::wait(delay);
        delay = SC_ZERO_TIME;
    }
    const tlm::tlm_response_status refused = refusal(payload);
    if (refused != tlm::TLM_OK_RESPONSE || payload.get_command() == tlm::TLM_IGNORE_COMMAND) {
        payload.set_response_status(refused);
        return;
    }
    attributes defaults;
    attributes *attribute = payload.get_extension<attributes>();
    if (attribute == nullptr)
        attribute = &defaults;
    if (!is_physical(payload)) {
        payload.set_response_status(tlm::TLM_ADDRESS_ERROR_RESPONSE);
        return;
    }
    take_lock(*attribute);
    attribute->result = {};
    demanded_ = true;
    uint8_t *data = payload.get_data_ptr();
    ns_version *all_versions = versions_of(payload, *attribute);
    const ns_status status = for_each_enabled_run(payload, [&](unsigned offset, unsigned length) {
        ns_version *versions = all_versions == nullptr ? nullptr : all_versions + offset;
        const uint64_t address = payload.get_address() + offset;
        return payload.is_read()
                   ? ns_cache_snoop_read(core_, address, length, data + offset, versions, &attribute->result)
                   : ns_cache_snoop_write(core_, address, length, data + offset, versions, &attribute->result);
    });
    if (hops_)
        wait_for_hart(operating_hart_);
    else
        finish_those([](const line_on_its_way &line, uint64_t, uint64_t) { return line.demanded; }, 0, 0);
    demanded_ = false;
    operating_meter_ = nullptr;
    lock_.unlock();
    payload.set_response_status(response_for(status));
}

// The hart's view: the copy that a cacheable load would find, a write-back on its way, else memory's. Debug writes are
// refused: which copy they should change is not a question with one answer.
unsigned tlm_cache::debug(int hart_index, tlm::tlm_generic_payload &payload) {
    if (!payload.is_read())
        return 0;
    const uint64_t first = payload.get_address(); // an interconnect may translate the payload's
    const unsigned from_memory = memory_port->transport_dbg(payload);
    uint8_t *data = payload.get_data_ptr();
    for (unsigned i = 0; i < from_memory; i++) {
        const uint64_t address = first + i;
        ns_cache_copy copy;
        bool found = ns_cache_peek(core_, 0, static_cast<unsigned>(hart_index), address, &copy);
        for (unsigned other = 0; other < config_.harts && !found; other++)
            found = ns_cache_peek(core_, 0, other, address, &copy) && copy.state == NS_LINE_DIRTY;
        for (unsigned level = 1; level < config_.levels && !found; level++)
            found = ns_cache_peek(core_, level, 0, address, &copy);
        unsigned late_hart;
        ns_version version;
        if (found)
            data[i] = copy.data[address - copy.line_address];
        else
            ns_cache_late_peek(core_, address, &late_hart, &data[i], &version);
    }
    return from_memory;
}

ns_status tlm_cache::memory_access(tlm::tlm_command command, uint64_t address, uint32_t length, uint8_t *data,
                                   ns_version *versions) {
    if (hops_)
        reach_due();
    catch_up();
    if (storing_ != nullptr && command == tlm::TLM_READ_COMMAND &&
        ns_write_run_streams(storing_, address, length, timing_.write_streaming) &&
        read_without_time(address, length, data, versions))
        return NS_OK;
    set_payload(memory_payload_, command, address, data, length);
    memory_attributes_.initiator_id = operating_initiator_;
    memory_attributes_.versions = versions;
    memory_attributes_.event = command == tlm::TLM_WRITE_COMMAND ? write_back_event : 0;
    memory_attributes_.meter = operating_meter_;
    // What a maintenance operation moves is its own time.
    const bool maintains = operating_meter_ != nullptr && operating_meter_->part() == time_maintenance;
    const time_scope scope(operating_meter_, maintains ? time_maintenance : time_memory);
    if (command == tlm::TLM_READ_COMMAND && !fills_.empty())
        return defer(fills_, next_fill_);
    if (command == tlm::TLM_WRITE_COMMAND && !write_backs_.empty() && !maintains)
        return defer(write_backs_, next_write_back_);
    sc_time delay = SC_ZERO_TIME;
    memory_port->b_transport(memory_payload_, delay);
    if (delay != SC_ZERO_TIME)
        sc_core::wait(delay);
    return payload_status(memory_payload_);
}

ns_status tlm_cache::backing_read(void *self, uint64_t address, uint32_t length, uint8_t *data, ns_version *versions) {
    return static_cast<tlm_cache *>(self)->memory_access(tlm::TLM_READ_COMMAND, address, length, data, versions);
}

ns_status tlm_cache::backing_write(void *self, uint64_t address, uint32_t length, const uint8_t *data,
                                   const ns_version *versions) {
    // The base protocol has one data pointer for both directions; a target does not change write data.
    return static_cast<tlm_cache *>(self)->memory_access(
        tlm::TLM_WRITE_COMMAND, address, length, const_cast<uint8_t *>(data), const_cast<ns_version *>(versions));
}

} // namespace ns
