// SPDX-License-Identifier: Apache-2.0
//
// A base-protocol monitor: sits between any two sockets, passes everything on, and writes down what breaks the rules of
// IEEE 1666-2011 (chapters 11 to 15) or of this project: the caches grant no DMI, and our extension survives the way.
#ifndef NS_TESTS_SYSTEM_TLM_MONITOR_H
#define NS_TESTS_SYSTEM_TLM_MONITOR_H

#include "cache/tlm_attributes.h"

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <systemc>
#include <tlm>
#include <vector>

namespace ns_test {

// What can be wrong, each with its text.
#define NS_MONITOR_RULES(X)                                                                                            \
    X(status_set_before, "the response status is set before the call")                                                 \
    X(time_backwards, "time goes backwards")                                                                           \
    X(debug_moved_more, "debug transport moved more than was asked for")                                               \
    X(debug_waited, "debug transport waited")                                                                          \
    X(dmi_granted, "a direct memory pointer past the caches' versions")                                                \
    X(dmi_range, "the range without DMI leaves out the address asked for")                                             \
    X(no_memory_manager, "a non-blocking payload without memory manager")                                              \
    X(not_held, "a non-blocking payload that nobody holds")                                                            \
    X(request_exclusion, "a second request before the first one's END_REQ")                                            \
    X(begin_req_in_flight, "BEGIN_REQ of a payload in flight")                                                         \
    X(end_resp_alone, "END_RESP without BEGIN_RESP")                                                                   \
    X(not_an_initiators_phase, "a phase that an initiator does not send")                                              \
    X(completed_early, "an initiator completes before the response")                                                   \
    X(command, "no such command")                                                                                      \
    X(data_pointer, "no data pointer")                                                                                 \
    X(data_length, "no data length")                                                                                   \
    X(streaming_width, "no streaming width")                                                                           \
    X(enable_length, "byte enables of length 0")                                                                       \
    X(enable_value, "a byte enable that is neither 0 nor 0xff")                                                        \
    X(dmi_hint_before, "the DMI hint is set before the call")                                                          \
    X(payload_option, "the generic payload option is not the default")                                                 \
    X(command_changed, "the command has changed")                                                                      \
    X(data_pointer_changed, "the data pointer has changed")                                                            \
    X(data_length_changed, "the data length has changed")                                                              \
    X(streaming_width_changed, "the streaming width has changed")                                                      \
    X(enables_changed, "the byte enables have changed")                                                                \
    X(enable_values_changed, "the byte enables' values have changed")                                                  \
    X(write_data_changed, "write data has changed")                                                                    \
    X(extension_replaced, "the extension has been replaced")                                                           \
    X(extension_changed, "the initiator's part of the extension has changed")                                          \
    X(still_incomplete, "the response status is still incomplete")                                                     \
    X(dmi_hint, "the DMI hint invites past the caches")                                                                \
    X(not_in_flight, "a phase of a payload that is not in flight")                                                     \
    X(end_req_alone, "END_REQ without BEGIN_REQ")                                                                      \
    X(begin_resp_out_of_turn, "BEGIN_RESP out of turn")                                                                \
    X(response_exclusion, "a second response before the first one's END_RESP")                                         \
    X(not_a_targets_phase, "a phase that a target does not send")                                                      \
    X(answer_phase, "the answer has a phase that does not follow")                                                     \
    X(initiators_answer_phase, "the initiator's answer has a phase that does not follow")                              \
    X(phases_backwards, "a phase begins before the one in front of it")

enum class rule {
#define NS_MONITOR_RULE(name, text) name,
    NS_MONITOR_RULES(NS_MONITOR_RULE)
#undef NS_MONITOR_RULE
        count
};
inline const char *text_of(rule broken) {
    static const char *const text[] = {
#define NS_MONITOR_RULE(name, text) text,
        NS_MONITOR_RULES(NS_MONITOR_RULE)
#undef NS_MONITOR_RULE
    };
    return text[static_cast<size_t>(broken)];
}

class tlm_monitor : public sc_core::sc_module, public tlm::tlm_fw_transport_if<>, public tlm::tlm_bw_transport_if<> {
  public:
    tlm::tlm_target_socket<64> up;      // the initiator binds here
    tlm::tlm_initiator_socket<64> down; // bind this to the target

    explicit tlm_monitor(sc_core::sc_module_name name) : sc_module(name), up("up"), down("down") {
        up.bind(*this);
        down.bind(*this);
    }

    std::vector<std::string> complaints; // the first ones
    std::set<rule> broken_rules;
    uint64_t transactions = 0, debug_transactions = 0, phases = 0;

    void b_transport(tlm::tlm_generic_payload &payload, sc_core::sc_time &delay) override {
        transactions++;
        check_request(payload);
        if (payload.get_response_status() != tlm::TLM_INCOMPLETE_RESPONSE)
            complain(rule::status_set_before, payload);
        const snapshot before(payload);
        const sc_core::sc_time local = sc_core::sc_time_stamp() + delay;
        down->b_transport(payload, delay);
        if (sc_core::sc_time_stamp() + delay < local)
            complain(rule::time_backwards, payload);
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
            complain(rule::debug_moved_more, payload);
        if (sc_core::sc_time_stamp() != now || sc_core::sc_delta_count() != delta)
            complain(rule::debug_waited, payload);
        check_unchanged(payload, before);
        return count;
    }

    bool get_direct_mem_ptr(tlm::tlm_generic_payload &payload, tlm::tlm_dmi &dmi) override {
        const bool granted = down->get_direct_mem_ptr(payload, dmi);
        if (granted)
            complain(rule::dmi_granted, payload);
        else if (dmi.get_start_address() > payload.get_address() || dmi.get_end_address() < payload.get_address())
            complain(rule::dmi_range, payload);
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
                complain(rule::status_set_before, payload);
            if (!payload.has_mm())
                complain(rule::no_memory_manager, payload);
            if (payload.get_ref_count() < 1)
                complain(rule::not_held, payload);
            for (const auto &other : in_flight_)
                if (other.second.phase == tlm::BEGIN_REQ)
                    complain(rule::request_exclusion, payload);
            if (!in_flight_.emplace(&payload, flight{phase, snapshot(payload), sc_core::sc_time_stamp() + delay})
                     .second)
                complain(rule::begin_req_in_flight, payload);
        } else if (phase == tlm::END_RESP) {
            if (state_of(payload) != tlm::BEGIN_RESP)
                complain(rule::end_resp_alone, payload);
            else
                check_order(payload, in_flight_.at(&payload), delay);
            in_flight_.erase(&payload);
        } else {
            complain(rule::not_an_initiators_phase, payload);
        }
        const sc_core::sc_time local = sc_core::sc_time_stamp() + delay;
        const bool ending = phase == tlm::END_RESP;
        const tlm::tlm_sync_enum answer = down->nb_transport_fw(payload, phase, delay);
        if (sc_core::sc_time_stamp() + delay < local)
            complain(rule::time_backwards, payload);
        if (!ending)
            answered(payload, answer, phase, delay);
        return answer;
    }

    tlm::tlm_sync_enum nb_transport_bw(tlm::tlm_generic_payload &payload, tlm::tlm_phase &phase,
                                       sc_core::sc_time &delay) override {
        phases++;
        enter(payload, phase, delay);
        const sc_core::sc_time local = sc_core::sc_time_stamp() + delay;
        const bool responding = phase == tlm::BEGIN_RESP;
        const tlm::tlm_sync_enum answer = up->nb_transport_bw(payload, phase, delay);
        if (sc_core::sc_time_stamp() + delay < local)
            complain(rule::time_backwards, payload);
        if (answer == tlm::TLM_UPDATED && (!responding || phase != tlm::END_RESP))
            complain(rule::initiators_answer_phase, payload);
        if (answer == tlm::TLM_COMPLETED || (answer == tlm::TLM_UPDATED && phase == tlm::END_RESP)) {
            if (!responding)
                complain(rule::completed_early, payload);
            in_flight_.erase(&payload);
        }
        return answer;
    }

    bool idle() const { return in_flight_.empty(); }
    // As if nothing had happened.
    void forget() {
        complaints.clear();
        broken_rules.clear();
        in_flight_.clear();
    }

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
        sc_core::sc_time since; // when the phase takes effect
    };

    void complain(rule broken, const tlm::tlm_generic_payload &payload) {
        broken_rules.insert(broken);
        if (complaints.size() < 20)
            complaints.push_back(std::string(name()) + ": " + text_of(broken) + " (command " +
                                 std::to_string(payload.get_command()) + ", address " +
                                 std::to_string(payload.get_address()) + ", length " +
                                 std::to_string(payload.get_data_length()) + ")");
    }

    // Every attribute that the initiator sets before each call.
    void check_request(const tlm::tlm_generic_payload &payload) {
        if (payload.get_command() != tlm::TLM_READ_COMMAND && payload.get_command() != tlm::TLM_WRITE_COMMAND &&
            payload.get_command() != tlm::TLM_IGNORE_COMMAND)
            complain(rule::command, payload);
        if (payload.get_data_ptr() == nullptr)
            complain(rule::data_pointer, payload);
        if (payload.get_data_length() == 0)
            complain(rule::data_length, payload);
        if (payload.get_streaming_width() == 0)
            complain(rule::streaming_width, payload);
        if (payload.get_byte_enable_ptr() != nullptr) {
            if (payload.get_byte_enable_length() == 0)
                complain(rule::enable_length, payload);
            const unsigned char *enable = payload.get_byte_enable_ptr();
            if (std::any_of(enable, enable + payload.get_byte_enable_length(), [](unsigned char value) {
                    return value != TLM_BYTE_ENABLED && value != TLM_BYTE_DISABLED;
                }))
                complain(rule::enable_value, payload);
        }
        if (payload.is_dmi_allowed())
            complain(rule::dmi_hint_before, payload);
        if (payload.get_gp_option() != tlm::TLM_MIN_PAYLOAD)
            complain(rule::payload_option, payload);
    }

    void check_unchanged(const tlm::tlm_generic_payload &payload, const snapshot &before) {
        if (payload.get_command() != before.command)
            complain(rule::command_changed, payload);
        if (payload.get_data_ptr() != before.data)
            complain(rule::data_pointer_changed, payload);
        if (payload.get_data_length() != before.length)
            complain(rule::data_length_changed, payload);
        if (payload.get_streaming_width() != before.width)
            complain(rule::streaming_width_changed, payload);
        if (payload.get_byte_enable_ptr() != before.enable || payload.get_byte_enable_length() != before.enable_length)
            complain(rule::enables_changed, payload);
        else if (before.enable != nullptr && !std::equal(before.enables.begin(), before.enables.end(), before.enable))
            complain(rule::enable_values_changed, payload);
        if (before.data != nullptr && !std::equal(before.written.begin(), before.written.end(), before.data))
            complain(rule::write_data_changed, payload);
        const ns::attributes *now = payload.get_extension<ns::attributes>();
        if (now != before.extension)
            complain(rule::extension_replaced, payload);
        else if (now != nullptr && (now->initiator_id != before.fields.initiator_id ||
                                    now->type != before.fields.type || now->request != before.fields.request ||
                                    now->event != before.fields.event || now->versions != before.fields.versions))
            complain(rule::extension_changed, payload);
    }

    void check_response(const tlm::tlm_generic_payload &payload, const snapshot &before) {
        if (payload.get_response_status() == tlm::TLM_INCOMPLETE_RESPONSE)
            complain(rule::still_incomplete, payload);
        if (payload.is_dmi_allowed())
            complain(rule::dmi_hint, payload);
        check_unchanged(payload, before);
    }

    tlm::tlm_phase state_of(tlm::tlm_generic_payload &payload) {
        const auto found = in_flight_.find(&payload);
        return found == in_flight_.end() ? tlm::tlm_phase(tlm::UNINITIALIZED_PHASE) : found->second.phase;
    }

    // The target sends END_REQ, then BEGIN_RESP, which implies it.
    void enter(tlm::tlm_generic_payload &payload, const tlm::tlm_phase &phase, const sc_core::sc_time &delay) {
        const auto found = in_flight_.find(&payload);
        if (found == in_flight_.end()) {
            complain(rule::not_in_flight, payload);
            return;
        }
        flight &state = found->second;
        if (phase == tlm::END_REQ) {
            if (state.phase != tlm::BEGIN_REQ)
                complain(rule::end_req_alone, payload);
        } else if (phase == tlm::BEGIN_RESP) {
            if (state.phase != tlm::BEGIN_REQ && state.phase != tlm::END_REQ)
                complain(rule::begin_resp_out_of_turn, payload);
            for (const auto &other : in_flight_)
                if (other.second.phase == tlm::BEGIN_RESP)
                    complain(rule::response_exclusion, payload);
            check_response(payload, state.before);
        } else {
            complain(rule::not_a_targets_phase, payload);
        }
        check_order(payload, state, delay);
        state.phase = phase;
    }

    void answered(tlm::tlm_generic_payload &payload, tlm::tlm_sync_enum answer, const tlm::tlm_phase &phase,
                  const sc_core::sc_time &delay) {
        if (answer == tlm::TLM_COMPLETED) {
            const auto found = in_flight_.find(&payload);
            if (found != in_flight_.end())
                check_response(payload, found->second.before);
            in_flight_.erase(&payload);
        } else if (answer == tlm::TLM_UPDATED) {
            if (phase != tlm::END_REQ && phase != tlm::BEGIN_RESP)
                complain(rule::answer_phase, payload);
            else
                enter(payload, phase, delay);
        }
    }

    void check_order(tlm::tlm_generic_payload &payload, flight &state, const sc_core::sc_time &delay) {
        const sc_core::sc_time now = sc_core::sc_time_stamp() + delay;
        if (now < state.since)
            complain(rule::phases_backwards, payload);
        state.since = now;
    }

    std::map<tlm::tlm_generic_payload *, flight> in_flight_;
};

} // namespace ns_test

#endif
