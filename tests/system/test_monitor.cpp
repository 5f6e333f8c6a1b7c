// SPDX-License-Identifier: Apache-2.0
//
// The monitor itself: for each of its rules an initiator or a target that breaks it, and is told.
#include "tests/model/in_child.h"
#include "tlm_monitor.h"

#include <functional>
#include <gtest/gtest.h>

namespace {

using namespace ns_test;
using sc_core::sc_time;
using sc_core::SC_ZERO_TIME;
using tlm::tlm_generic_payload;

sc_time nanoseconds(double value) {
    return sc_time(value, sc_core::SC_NS);
}

struct no_pool : tlm::tlm_mm_interface {
    void free(tlm_generic_payload *) override {}
};

// A target and an initiator that do what a test tells them.
struct scripted_target : sc_core::sc_module, tlm::tlm_fw_transport_if<> {
    tlm::tlm_target_socket<64> socket;
    std::function<void(tlm_generic_payload &, sc_time &)> blocking;
    std::function<tlm::tlm_sync_enum(tlm_generic_payload &, tlm::tlm_phase &, sc_time &)> forward;
    std::function<unsigned(tlm_generic_payload &)> debug;
    std::function<bool(tlm::tlm_dmi &)> direct;

    explicit scripted_target(sc_core::sc_module_name name) : sc_module(name), socket("socket") { socket.bind(*this); }
    void behave() {
        blocking = [](tlm_generic_payload &payload, sc_time &) { payload.set_response_status(tlm::TLM_OK_RESPONSE); };
        forward = [](tlm_generic_payload &, tlm::tlm_phase &, sc_time &) { return tlm::TLM_ACCEPTED; };
        debug = [](tlm_generic_payload &payload) { return payload.get_data_length(); };
        direct = [](tlm::tlm_dmi &dmi) {
            dmi.init();
            return false;
        };
    }
    void b_transport(tlm_generic_payload &payload, sc_time &delay) override { blocking(payload, delay); }
    tlm::tlm_sync_enum nb_transport_fw(tlm_generic_payload &payload, tlm::tlm_phase &phase, sc_time &delay) override {
        return forward(payload, phase, delay);
    }
    unsigned transport_dbg(tlm_generic_payload &payload) override { return debug(payload); }
    bool get_direct_mem_ptr(tlm_generic_payload &, tlm::tlm_dmi &dmi) override { return direct(dmi); }
};

struct scripted_initiator : sc_core::sc_module, tlm::tlm_bw_transport_if<> {
    tlm::tlm_initiator_socket<64> socket;
    std::function<void()> program;
    std::function<tlm::tlm_sync_enum(tlm::tlm_phase &, sc_time &)> backward;

    explicit scripted_initiator(sc_core::sc_module_name name) : sc_module(name), socket("socket") {
        socket.bind(*this);
        SC_HAS_PROCESS(scripted_initiator);
        SC_THREAD(run);
    }
    void run() { program(); }
    void behave() {
        backward = [](tlm::tlm_phase &, sc_time &) { return tlm::TLM_ACCEPTED; };
    }
    tlm::tlm_sync_enum nb_transport_bw(tlm_generic_payload &, tlm::tlm_phase &phase, sc_time &delay) override {
        return backward(phase, delay);
    }
    void invalidate_direct_mem_ptr(sc_dt::uint64, sc_dt::uint64) override {}
};

class stage {
  public:
    stage() : target("target"), monitor("monitor"), from("from") {
        from.socket.bind(monitor.up);
        monitor.down.bind(target.socket);
    }
    ~stage() { payload.clear_extension(&attribute); } // it is not the heap's

    void reset() {
        target.behave();
        from.behave();
        monitor.forget();
        for (tlm_generic_payload *one : {&payload, &other}) {
            if (one->get_ref_count() > 0)
                one->release();
            one->clear_extension<ns::attributes>();
            one->set_mm(&pool);
            one->acquire();
            ns::set_payload(*one, tlm::TLM_WRITE_COMMAND, 64, data, sizeof data);
            one->set_gp_option(tlm::TLM_MIN_PAYLOAD);
        }
        payload.set_extension(&attribute);
        attribute = ns::attributes();
    }
    // The calls, each with the phase and time given.
    void blocking() {
        sc_time delay = nanoseconds(5);
        from.socket->b_transport(payload, delay);
    }
    tlm::tlm_sync_enum fw(tlm_generic_payload &what, tlm::tlm_phase phase, sc_time delay = SC_ZERO_TIME) {
        return from.socket->nb_transport_fw(what, phase, delay);
    }
    void bw(tlm_generic_payload &what, tlm::tlm_phase phase, sc_time delay = SC_ZERO_TIME) {
        if (phase == tlm::BEGIN_RESP)
            what.set_response_status(tlm::TLM_OK_RESPONSE);
        target.socket->nb_transport_bw(what, phase, delay);
    }
    void debug() { from.socket->transport_dbg(payload); }
    void direct() {
        tlm::tlm_dmi dmi;
        from.socket->get_direct_mem_ptr(payload, dmi);
    }

    scripted_target target;
    tlm_monitor monitor;
    scripted_initiator from;
    no_pool pool;
    tlm_generic_payload payload, other;
    ns::attributes attribute;
    uint8_t data[8] = {}, elsewhere[8] = {};
    unsigned char enables[2] = {TLM_BYTE_ENABLED, TLM_BYTE_DISABLED};
};

// A target's blocking call that answers well and then does one thing too much.
std::function<void(stage &)> target_that(std::function<void(stage &, tlm_generic_payload &, sc_time &)> spoils) {
    return [spoils](stage &s) {
        s.target.blocking = [&s, spoils](tlm_generic_payload &payload, sc_time &delay) {
            payload.set_response_status(tlm::TLM_OK_RESPONSE);
            spoils(s, payload, delay);
        };
        s.blocking();
    };
}
// An initiator that forgets one attribute.
std::function<void(stage &)> initiator_that(std::function<void(stage &)> spoils) {
    return [spoils](stage &s) {
        spoils(s);
        s.blocking();
    };
}

struct breach {
    rule broken;
    std::function<void(stage &)> play;
};

std::vector<breach> breaches() {
    using p = tlm_generic_payload;
    return {
        {rule::status_set_before,
         initiator_that([](stage &s) { s.payload.set_response_status(tlm::TLM_OK_RESPONSE); })},
        {rule::command, initiator_that([](stage &s) { s.payload.set_command(static_cast<tlm::tlm_command>(3)); })},
        {rule::data_pointer, initiator_that([](stage &s) { s.payload.set_data_ptr(nullptr); })},
        {rule::data_length, initiator_that([](stage &s) { s.payload.set_data_length(0); })},
        {rule::streaming_width, initiator_that([](stage &s) { s.payload.set_streaming_width(0); })},
        {rule::enable_length, initiator_that([](stage &s) { s.payload.set_byte_enable_ptr(s.enables); })},
        {rule::enable_value, initiator_that([](stage &s) {
             s.enables[1] = 1;
             s.payload.set_byte_enable_ptr(s.enables);
             s.payload.set_byte_enable_length(2);
         })},
        {rule::dmi_hint_before, initiator_that([](stage &s) { s.payload.set_dmi_allowed(true); })},
        {rule::payload_option, initiator_that([](stage &s) { s.payload.set_gp_option(tlm::TLM_FULL_PAYLOAD); })},
        {rule::still_incomplete, target_that([](stage &, p &payload, sc_time &) {
             payload.set_response_status(tlm::TLM_INCOMPLETE_RESPONSE);
         })},
        {rule::time_backwards, target_that([](stage &, p &, sc_time &delay) { delay = SC_ZERO_TIME; })},
        {rule::dmi_hint, target_that([](stage &, p &payload, sc_time &) { payload.set_dmi_allowed(true); })},
        {rule::command_changed,
         target_that([](stage &, p &payload, sc_time &) { payload.set_command(tlm::TLM_READ_COMMAND); })},
        {rule::data_pointer_changed,
         target_that([](stage &s, p &payload, sc_time &) { payload.set_data_ptr(s.elsewhere); })},
        {rule::data_length_changed, target_that([](stage &, p &payload, sc_time &) { payload.set_data_length(1); })},
        {rule::streaming_width_changed,
         target_that([](stage &, p &payload, sc_time &) { payload.set_streaming_width(1); })},
        {rule::enables_changed,
         target_that([](stage &s, p &payload, sc_time &) { payload.set_byte_enable_ptr(s.enables); })},
        {rule::enable_values_changed,
         [](stage &s) {
             s.enables[1] = TLM_BYTE_DISABLED;
             s.payload.set_byte_enable_ptr(s.enables);
             s.payload.set_byte_enable_length(2);
             target_that([](stage &t, p &, sc_time &) { t.enables[1] = TLM_BYTE_ENABLED; })(s);
         }},
        {rule::write_data_changed, target_that([](stage &, p &payload, sc_time &) { payload.get_data_ptr()[0] ^= 1; })},
        {rule::extension_replaced,
         target_that([](stage &, p &payload, sc_time &) { payload.clear_extension<ns::attributes>(); })},
        {rule::extension_changed, target_that([](stage &s, p &, sc_time &) { s.attribute.initiator_id = 99; })},
        {rule::debug_moved_more,
         [](stage &s) {
             s.target.debug = [](p &payload) { return payload.get_data_length() + 1; };
             s.debug();
         }},
        {rule::debug_waited,
         [](stage &s) {
             s.target.debug = [](p &payload) {
                 sc_core::wait(nanoseconds(1));
                 return payload.get_data_length();
             };
             s.debug();
         }},
        {rule::dmi_granted,
         [](stage &s) {
             s.target.direct = [](tlm::tlm_dmi &) { return true; };
             s.direct();
         }},
        {rule::dmi_range,
         [](stage &s) {
             s.target.direct = [](tlm::tlm_dmi &dmi) {
                 dmi.set_end_address(3); // not the address that was asked for
                 return false;
             };
             s.direct();
         }},
        {rule::no_memory_manager,
         [](stage &s) {
             s.payload.release();
             s.payload.set_mm(nullptr);
             s.fw(s.payload, tlm::BEGIN_REQ);
         }},
        {rule::not_held,
         [](stage &s) {
             s.payload.release();
             s.fw(s.payload, tlm::BEGIN_REQ);
         }},
        {rule::request_exclusion,
         [](stage &s) {
             s.fw(s.payload, tlm::BEGIN_REQ);
             s.fw(s.other, tlm::BEGIN_REQ);
         }},
        {rule::begin_req_in_flight,
         [](stage &s) {
             s.fw(s.payload, tlm::BEGIN_REQ);
             s.bw(s.payload, tlm::END_REQ);
             s.fw(s.payload, tlm::BEGIN_REQ);
         }},
        {rule::end_resp_alone,
         [](stage &s) {
             s.fw(s.payload, tlm::BEGIN_REQ);
             s.fw(s.payload, tlm::END_RESP);
         }},
        {rule::not_an_initiators_phase, [](stage &s) { s.fw(s.payload, tlm::END_REQ); }},
        {rule::completed_early,
         [](stage &s) {
             s.from.backward = [](tlm::tlm_phase &, sc_time &) { return tlm::TLM_COMPLETED; };
             s.fw(s.payload, tlm::BEGIN_REQ);
             s.bw(s.payload, tlm::END_REQ);
         }},
        {rule::initiators_answer_phase,
         [](stage &s) {
             s.from.backward = [](tlm::tlm_phase &phase, sc_time &) {
                 phase = tlm::END_REQ;
                 return tlm::TLM_UPDATED;
             };
             s.fw(s.payload, tlm::BEGIN_REQ);
             s.bw(s.payload, tlm::BEGIN_RESP);
         }},
        {rule::not_in_flight, [](stage &s) { s.bw(s.payload, tlm::END_REQ); }},
        {rule::end_req_alone,
         [](stage &s) {
             s.fw(s.payload, tlm::BEGIN_REQ);
             s.bw(s.payload, tlm::END_REQ);
             s.bw(s.payload, tlm::END_REQ);
         }},
        {rule::begin_resp_out_of_turn,
         [](stage &s) {
             s.fw(s.payload, tlm::BEGIN_REQ);
             s.bw(s.payload, tlm::BEGIN_RESP);
             s.bw(s.payload, tlm::BEGIN_RESP);
         }},
        {rule::response_exclusion,
         [](stage &s) {
             s.fw(s.payload, tlm::BEGIN_REQ);
             s.bw(s.payload, tlm::END_REQ);
             s.fw(s.other, tlm::BEGIN_REQ);
             s.bw(s.other, tlm::END_REQ);
             s.bw(s.payload, tlm::BEGIN_RESP);
             s.bw(s.other, tlm::BEGIN_RESP);
         }},
        {rule::not_a_targets_phase,
         [](stage &s) {
             s.fw(s.payload, tlm::BEGIN_REQ);
             s.bw(s.payload, tlm::END_RESP);
         }},
        {rule::answer_phase,
         [](stage &s) {
             s.target.forward = [](p &, tlm::tlm_phase &phase, sc_time &) {
                 phase = tlm::END_RESP;
                 return tlm::TLM_UPDATED;
             };
             s.fw(s.payload, tlm::BEGIN_REQ);
         }},
        {rule::phases_backwards,
         [](stage &s) {
             s.fw(s.payload, tlm::BEGIN_REQ, nanoseconds(10)); // begins in 10 ns
             s.bw(s.payload, tlm::END_REQ, nanoseconds(4));    // and has ended after 4
         }},
    };
}

TEST(Monitor, ComplainsAboutEachBrokenRule) {
    in_child([] {
        stage s;
        s.from.program = [&] {
            std::set<rule> shown;
            for (const breach &one : breaches()) {
                SCOPED_TRACE(text_of(one.broken));
                s.reset();
                one.play(s);
                EXPECT_EQ(s.monitor.broken_rules.count(one.broken), 1u);
                EXPECT_FALSE(s.monitor.complaints.empty());
                shown.insert(one.broken);
            }
            for (int i = 0; i < static_cast<int>(rule::count); i++)
                EXPECT_EQ(shown.count(static_cast<rule>(i)), 1u) << "nobody breaks: " << text_of(static_cast<rule>(i));
        };
        sc_core::sc_start();
    });
}

TEST(Monitor, IsSilentAboutWhatTheBaseProtocolAllows) {
    in_child([] {
        stage s;
        s.from.program = [&] {
            const auto silent = [&](const char *what) {
                EXPECT_TRUE(s.monitor.complaints.empty()) << what << ": " << s.monitor.complaints.front();
                EXPECT_TRUE(s.monitor.idle()) << what;
            };
            s.reset();
            s.blocking();
            silent("blocking");
            s.reset();
            s.payload.set_command(tlm::TLM_READ_COMMAND);
            s.target.blocking = [](tlm_generic_payload &payload, sc_time &delay) {
                payload.get_data_ptr()[0] ^= 1;
                payload.set_address(payload.get_address() + 4096); // an interconnect's doing
                payload.set_response_status(tlm::TLM_ADDRESS_ERROR_RESPONSE);
                delay += nanoseconds(3);
            };
            s.blocking();
            silent("blocking, translated, an error");
            s.reset();
            s.debug();
            s.direct();
            silent("debug and DMI");
            s.reset();
            s.fw(s.payload, tlm::BEGIN_REQ);
            s.bw(s.payload, tlm::END_REQ);
            s.fw(s.other, tlm::BEGIN_REQ); // pipelined
            s.bw(s.payload, tlm::BEGIN_RESP);
            s.fw(s.payload, tlm::END_RESP);
            s.bw(s.other, tlm::BEGIN_RESP); // implies END_REQ
            s.fw(s.other, tlm::END_RESP);
            silent("four phases, two in flight");
            s.reset();
            s.from.backward = [](tlm::tlm_phase &phase, sc_time &) {
                if (phase != tlm::BEGIN_RESP)
                    return tlm::TLM_ACCEPTED;
                phase = tlm::END_RESP;
                return tlm::TLM_UPDATED;
            };
            s.fw(s.payload, tlm::BEGIN_REQ, nanoseconds(1));
            s.bw(s.payload, tlm::END_REQ, nanoseconds(2));
            s.bw(s.payload, tlm::BEGIN_RESP, nanoseconds(2));
            silent("END_RESP by return");
            s.reset();
            s.target.forward = [](tlm_generic_payload &payload, tlm::tlm_phase &, sc_time &) {
                payload.set_response_status(tlm::TLM_OK_RESPONSE);
                return tlm::TLM_COMPLETED;
            };
            s.fw(s.payload, tlm::BEGIN_REQ);
            silent("completed at once");
        };
        sc_core::sc_start();
    });
}

} // namespace
