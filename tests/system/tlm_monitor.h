// SPDX-License-Identifier: Apache-2.0
//
// A base-protocol monitor: sits between any two sockets, passes everything on, and writes down what breaks the rules of
// IEEE 1666-2011 (chapters 11 to 15) or of this project: the caches grant no DMI, and our extension survives the way.
#ifndef NS_TESTS_SYSTEM_TLM_MONITOR_H
#define NS_TESTS_SYSTEM_TLM_MONITOR_H

#include "cache/tlm_attributes.h"

#include <algorithm>
#include <map>
#include <string>
#include <systemc>
#include <tlm>
#include <vector>

namespace ns_test {

class tlm_monitor : public sc_core::sc_module, public tlm::tlm_fw_transport_if<>, public tlm::tlm_bw_transport_if<> {
  public:
    tlm::tlm_target_socket<64> up;      // the initiator binds here
    tlm::tlm_initiator_socket<64> down; // bind this to the target

    explicit tlm_monitor(sc_core::sc_module_name name) : sc_module(name), up("up"), down("down") {
        up.bind(*this);
        down.bind(*this);
    }

    std::vector<std::string> complaints;
    uint64_t transactions = 0, debug_transactions = 0, phases = 0;

    void b_transport(tlm::tlm_generic_payload &payload, sc_core::sc_time &delay) override {
        transactions++;
        check_request(payload);
        if (payload.get_response_status() != tlm::TLM_INCOMPLETE_RESPONSE)
            complain("the response status is set before the call", payload);
        const snapshot before(payload);
        const sc_core::sc_time local = sc_core::sc_time_stamp() + delay;
        down->b_transport(payload, delay);
        if (sc_core::sc_time_stamp() + delay < local)
            complain("time goes backwards", payload);
        check_response(payload, before);
    }

    unsigned transport_dbg(tlm::tlm_generic_payload &payload) override {
        debug_transactions++;
        check_request(payload);
        const snapshot before(payload);
        const sc_core::sc_time now = sc_core::sc_time_stamp();
        const uint64_t delta = sc_core::sc_delta_count();
        const unsigned count = down->transport_dbg(payload);
        if (count > before.length)
            complain("debug transport moved more than was asked for", payload);
        if (sc_core::sc_time_stamp() != now || sc_core::sc_delta_count() != delta)
            complain("debug transport waited", payload);
        check_unchanged(payload, before);
        return count;
    }

    bool get_direct_mem_ptr(tlm::tlm_generic_payload &payload, tlm::tlm_dmi &dmi) override {
        const bool granted = down->get_direct_mem_ptr(payload, dmi);
        if (granted)
            complain("a direct memory pointer past the caches' versions", payload);
        else if (dmi.get_start_address() > payload.get_address() || dmi.get_end_address() < payload.get_address())
            complain("the range without DMI leaves out the address asked for", payload);
        return granted;
    }

    void invalidate_direct_mem_ptr(sc_dt::uint64 first, sc_dt::uint64 last) override {
        up->invalidate_direct_mem_ptr(first, last);
    }

    tlm::tlm_sync_enum nb_transport_fw(tlm::tlm_generic_payload &payload, tlm::tlm_phase &phase,
                                       sc_core::sc_time &delay) override {
        phases++;
        if (phase == tlm::BEGIN_REQ) {
            transactions++;
            check_request(payload);
            if (payload.get_response_status() != tlm::TLM_INCOMPLETE_RESPONSE)
                complain("the response status is set before the call", payload);
            if (!payload.has_mm())
                complain("a non-blocking payload without memory manager", payload);
            if (payload.get_ref_count() < 1)
                complain("a non-blocking payload that nobody holds", payload);
            for (const auto &other : in_flight_)
                if (other.second.phase == tlm::BEGIN_REQ)
                    complain("a second request before the first one's END_REQ", payload);
            if (!in_flight_.emplace(&payload, flight{phase, snapshot(payload)}).second)
                complain("BEGIN_REQ of a payload in flight", payload);
        } else if (phase == tlm::END_RESP) {
            if (state_of(payload) != tlm::BEGIN_RESP)
                complain("END_RESP without BEGIN_RESP", payload);
            in_flight_.erase(&payload);
        } else {
            complain("a phase that an initiator does not send", payload);
        }
        const sc_core::sc_time local = sc_core::sc_time_stamp() + delay;
        const bool ending = phase == tlm::END_RESP;
        const tlm::tlm_sync_enum answer = down->nb_transport_fw(payload, phase, delay);
        if (sc_core::sc_time_stamp() + delay < local)
            complain("time goes backwards", payload);
        if (!ending)
            answered(payload, answer, phase, tlm::END_REQ, tlm::BEGIN_RESP);
        return answer;
    }

    tlm::tlm_sync_enum nb_transport_bw(tlm::tlm_generic_payload &payload, tlm::tlm_phase &phase,
                                       sc_core::sc_time &delay) override {
        phases++;
        enter(payload, phase);
        const sc_core::sc_time local = sc_core::sc_time_stamp() + delay;
        const bool responding = phase == tlm::BEGIN_RESP;
        const tlm::tlm_sync_enum answer = up->nb_transport_bw(payload, phase, delay);
        if (sc_core::sc_time_stamp() + delay < local)
            complain("time goes backwards", payload);
        if (answer == tlm::TLM_COMPLETED || (answer == tlm::TLM_UPDATED && phase == tlm::END_RESP)) {
            if (!responding)
                complain("an initiator completes before the response", payload);
            in_flight_.erase(&payload);
        }
        return answer;
    }

    bool idle() const { return in_flight_.empty(); }

  private:
    // What may not change on the way. The address may: an interconnect translates it.
    struct snapshot {
        tlm::tlm_command command;
        unsigned char *data;
        unsigned length, width, enable_length;
        unsigned char *enable;
        ns::attributes *extension;
        ns::attributes fields;
        std::vector<unsigned char> written, enables;

        explicit snapshot(const tlm::tlm_generic_payload &payload)
            : command(payload.get_command()), data(payload.get_data_ptr()), length(payload.get_data_length()),
              width(payload.get_streaming_width()), enable_length(payload.get_byte_enable_length()),
              enable(payload.get_byte_enable_ptr()), extension(payload.get_extension<ns::attributes>()) {
            if (extension != nullptr)
                fields = *extension;
            if (command == tlm::TLM_WRITE_COMMAND && data != nullptr)
                written.assign(data, data + length);
            if (enable != nullptr)
                enables.assign(enable, enable + enable_length);
        }
    };
    struct flight {
        tlm::tlm_phase phase;
        snapshot before;
    };

    void complain(const char *what, const tlm::tlm_generic_payload &payload) {
        if (complaints.size() < 20)
            complaints.push_back(std::string(name()) + ": " + what + " (command " +
                                 std::to_string(payload.get_command()) + ", address " +
                                 std::to_string(payload.get_address()) + ", length " +
                                 std::to_string(payload.get_data_length()) + ")");
    }

    // Every attribute that the initiator sets before each call.
    void check_request(const tlm::tlm_generic_payload &payload) {
        if (payload.get_command() != tlm::TLM_READ_COMMAND && payload.get_command() != tlm::TLM_WRITE_COMMAND &&
            payload.get_command() != tlm::TLM_IGNORE_COMMAND)
            complain("no such command", payload);
        if (payload.get_data_ptr() == nullptr)
            complain("no data pointer", payload);
        if (payload.get_data_length() == 0)
            complain("no data length", payload);
        if (payload.get_streaming_width() == 0)
            complain("no streaming width", payload);
        if (payload.get_byte_enable_ptr() != nullptr) {
            if (payload.get_byte_enable_length() == 0)
                complain("byte enables of length 0", payload);
            const unsigned char *enable = payload.get_byte_enable_ptr();
            if (std::any_of(enable, enable + payload.get_byte_enable_length(), [](unsigned char value) {
                    return value != TLM_BYTE_ENABLED && value != TLM_BYTE_DISABLED;
                }))
                complain("a byte enable that is neither 0 nor 0xff", payload);
        }
        if (payload.is_dmi_allowed())
            complain("the DMI hint is set before the call", payload);
        if (payload.get_gp_option() != tlm::TLM_MIN_PAYLOAD)
            complain("the generic payload option is not the default", payload);
    }

    void check_unchanged(const tlm::tlm_generic_payload &payload, const snapshot &before) {
        if (payload.get_command() != before.command)
            complain("the command has changed", payload);
        if (payload.get_data_ptr() != before.data)
            complain("the data pointer has changed", payload);
        if (payload.get_data_length() != before.length)
            complain("the data length has changed", payload);
        if (payload.get_streaming_width() != before.width)
            complain("the streaming width has changed", payload);
        if (payload.get_byte_enable_ptr() != before.enable || payload.get_byte_enable_length() != before.enable_length)
            complain("the byte enables have changed", payload);
        else if (before.enable != nullptr && !std::equal(before.enables.begin(), before.enables.end(), before.enable))
            complain("the byte enables' values have changed", payload);
        if (before.data != nullptr && !std::equal(before.written.begin(), before.written.end(), before.data))
            complain("write data has changed", payload);
        const ns::attributes *now = payload.get_extension<ns::attributes>();
        if (now != before.extension)
            complain("the extension has been replaced", payload);
        else if (now != nullptr && (now->initiator_id != before.fields.initiator_id ||
                                    now->type != before.fields.type || now->request != before.fields.request ||
                                    now->event != before.fields.event || now->versions != before.fields.versions))
            complain("the initiator's part of the extension has changed", payload);
    }

    void check_response(const tlm::tlm_generic_payload &payload, const snapshot &before) {
        if (payload.get_response_status() == tlm::TLM_INCOMPLETE_RESPONSE)
            complain("the response status is still incomplete", payload);
        if (payload.is_dmi_allowed())
            complain("the DMI hint invites past the caches", payload);
        check_unchanged(payload, before);
    }

    tlm::tlm_phase state_of(tlm::tlm_generic_payload &payload) {
        const auto found = in_flight_.find(&payload);
        return found == in_flight_.end() ? tlm::tlm_phase(tlm::UNINITIALIZED_PHASE) : found->second.phase;
    }

    // The target sends END_REQ, then BEGIN_RESP, which implies it.
    void enter(tlm::tlm_generic_payload &payload, const tlm::tlm_phase &phase) {
        const auto found = in_flight_.find(&payload);
        if (found == in_flight_.end()) {
            complain("a phase of a payload that is not in flight", payload);
            return;
        }
        flight &state = found->second;
        if (phase == tlm::END_REQ) {
            if (state.phase != tlm::BEGIN_REQ)
                complain("END_REQ without BEGIN_REQ", payload);
        } else if (phase == tlm::BEGIN_RESP) {
            if (state.phase != tlm::BEGIN_REQ && state.phase != tlm::END_REQ)
                complain("BEGIN_RESP out of turn", payload);
            for (const auto &other : in_flight_)
                if (other.second.phase == tlm::BEGIN_RESP)
                    complain("a second response before the first one's END_RESP", payload);
            check_response(payload, state.before);
        } else {
            complain("a phase that a target does not send", payload);
        }
        state.phase = phase;
    }

    void answered(tlm::tlm_generic_payload &payload, tlm::tlm_sync_enum answer, const tlm::tlm_phase &phase,
                  tlm::tlm_phase first, tlm::tlm_phase second) {
        if (answer == tlm::TLM_COMPLETED) {
            const auto found = in_flight_.find(&payload);
            if (found != in_flight_.end())
                check_response(payload, found->second.before);
            in_flight_.erase(&payload);
        } else if (answer == tlm::TLM_UPDATED) {
            if (phase != first && phase != second)
                complain("the answer has a phase that does not follow", payload);
            enter(payload, phase);
        }
    }

    std::map<tlm::tlm_generic_payload *, flight> in_flight_;
};

} // namespace ns_test

#endif
