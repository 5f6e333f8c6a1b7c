// SPDX-License-Identifier: Apache-2.0
//
// A target socket that initiators of either style may be bound to. Blocking calls go straight to the owner.
// Non-blocking ones (four phases, IEEE 1666-2011 chapter 15) are queued here and performed by the owner's same blocking
// function:
//
// * END_REQ is sent when a request is taken, up to `depth` at a time; a further one waits for it, and with it the
//   initiator, which may not begin a request before the END_REQ of the one before.
// * Requests are performed one at a time and in the order in which they came, so that those to overlapping addresses
//   keep their order.
// * BEGIN_RESP is sent when the owner has finished, its time included; the next one waits for END_RESP.
//
// DMI is refused for every address: caches may hold newer data, and memory keeps a version of each byte, which a
// pointer would pass by.
#ifndef NS_CACHE_TLM_TARGET_PORT_H
#define NS_CACHE_TLM_TARGET_PORT_H

#include <deque>
#include <systemc>
#include <tlm>
#include <tlm_utils/peq_with_get.h>

namespace ns {

template <typename Owner> class target_port : public tlm::tlm_target_socket<64> {
  public:
    using transport_function = void (Owner::*)(int tag, tlm::tlm_generic_payload &payload, sc_core::sc_time &delay);
    using debug_function = unsigned (Owner::*)(int tag, tlm::tlm_generic_payload &payload);
    static constexpr unsigned depth = 4;

    // `tag` is passed on, for owners with several ports. debug null: debug transport moves nothing.
    target_port(const char *name, Owner *owner, transport_function transport, debug_function debug, int tag = 0)
        : tlm::tlm_target_socket<64>(name), forward_(*this, owner, transport, debug, tag) {
        bind(forward_);
    }

  private:
    // The socket is an interface of its own, so the calls from outside arrive here.
    class forward : public tlm::tlm_fw_transport_if<> {
      public:
        forward(target_port &port, Owner *owner, transport_function transport, debug_function debug, int tag)
            : port_(port), owner_(owner), transport_(transport), debug_(debug), tag_(tag),
              arriving_(sc_core::sc_gen_unique_name("arriving")) {}

        void b_transport(tlm::tlm_generic_payload &payload, sc_core::sc_time &delay) override {
            (owner_->*transport_)(tag_, payload, delay);
        }

        unsigned transport_dbg(tlm::tlm_generic_payload &payload) override {
            return debug_ == nullptr ? 0 : (owner_->*debug_)(tag_, payload);
        }

        bool get_direct_mem_ptr(tlm::tlm_generic_payload &, tlm::tlm_dmi &dmi) override {
            dmi.init(); // the range that is refused: everything
            return false;
        }

        tlm::tlm_sync_enum nb_transport_fw(tlm::tlm_generic_payload &payload, tlm::tlm_phase &phase,
                                           sc_core::sc_time &delay) override {
            if (phase == tlm::BEGIN_REQ) {
                if (payload.has_mm())
                    payload.acquire();
                start();
                arriving_.notify(payload, delay);
                return tlm::TLM_ACCEPTED;
            }
            if (phase == tlm::END_RESP && responding_ == &payload) {
                responding_ = nullptr;
                let_go(payload);
                response_over_.notify(delay);
                return tlm::TLM_COMPLETED;
            }
            return tlm::TLM_ACCEPTED; // a phase that does not follow, or one of another protocol
        }

      private:
        // The threads exist only where somebody calls without blocking.
        void start() {
            if (started_)
                return;
            started_ = true;
            sc_core::sc_spawn([this] { accept(); }, sc_core::sc_gen_unique_name("accept"));
            sc_core::sc_spawn([this] { perform(); }, sc_core::sc_gen_unique_name("perform"));
        }

        void accept() {
            for (;;) {
                tlm::tlm_generic_payload *const payload = arriving_.get_next_transaction();
                if (payload == nullptr) {
                    sc_core::wait(arriving_.get_event());
                    continue;
                }
                while (accepted_ == depth)
                    sc_core::wait(finished_);
                accepted_++;
                tlm::tlm_phase phase = tlm::END_REQ;
                sc_core::sc_time delay = sc_core::SC_ZERO_TIME;
                port_->nb_transport_bw(*payload, phase, delay);
                requests_.push_back(payload);
                queued_.notify();
            }
        }

        void perform() {
            for (;;) {
                while (requests_.empty())
                    sc_core::wait(queued_);
                tlm::tlm_generic_payload &payload = *requests_.front();
                requests_.pop_front();
                sc_core::sc_time delay = sc_core::SC_ZERO_TIME;
                (owner_->*transport_)(tag_, payload, delay);
                if (delay != sc_core::SC_ZERO_TIME)
                    sc_core::wait(delay);
                respond(payload);
                accepted_--;
                finished_.notify();
            }
        }

        // The initiator may give the payload another use from here on.
        static void let_go(tlm::tlm_generic_payload &payload) {
            if (payload.has_mm())
                payload.release();
        }

        void respond(tlm::tlm_generic_payload &payload) {
            tlm::tlm_phase phase = tlm::BEGIN_RESP;
            sc_core::sc_time delay = sc_core::SC_ZERO_TIME;
            responding_ = &payload;
            const tlm::tlm_sync_enum answer = port_->nb_transport_bw(payload, phase, delay);
            if (answer == tlm::TLM_ACCEPTED) {
                sc_core::wait(response_over_); // END_RESP may have come already, from inside of the call
            } else {
                responding_ = nullptr; // completed, or END_RESP by return
                let_go(payload);
                if (delay != sc_core::SC_ZERO_TIME)
                    sc_core::wait(delay);
            }
        }

        target_port &port_;
        Owner *owner_;
        transport_function transport_;
        debug_function debug_;
        int tag_;
        bool started_ = false;
        tlm_utils::peq_with_get<tlm::tlm_generic_payload> arriving_;
        std::deque<tlm::tlm_generic_payload *> requests_; // accepted, not yet performed
        unsigned accepted_ = 0;                           // and those under way
        tlm::tlm_generic_payload *responding_ = nullptr;  // BEGIN_RESP sent, END_RESP not yet here
        sc_core::sc_event queued_, finished_, response_over_;
    };

    forward forward_;
};

} // namespace ns

#endif
