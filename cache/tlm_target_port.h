// SPDX-License-Identifier: Apache-2.0
//
// A target socket that initiators of either style may be bound to. Blocking calls go straight to the owner.
// Non-blocking ones (four phases, IEEE 1666-2011 chapter 15) are queued here and performed by the owner's same blocking
// function, in a thread of the socket. What the owner can do without waiting (`at_once`) needs no thread:
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

#include <systemc>
#include <tlm>
#include <vector>

namespace ns {

template <typename Owner> class target_port : public tlm::tlm_target_socket<64> {
  public:
    using transport_function = void (Owner::*)(int tag, tlm::tlm_generic_payload &payload, sc_core::sc_time &delay);
    using debug_function = unsigned (Owner::*)(int tag, tlm::tlm_generic_payload &payload);
    // What transport_function would do, without a wait; or false, and nothing has happened.
    using at_once_function = bool (Owner::*)(int tag, tlm::tlm_generic_payload &payload, sc_core::sc_time &delay);
    static constexpr unsigned depth = 4;

    // `tag` is passed on, for owners with several ports. debug null: debug transport moves nothing.
    target_port(const char *name, Owner *owner, transport_function transport, debug_function debug, int tag = 0,
                at_once_function at_once = nullptr)
        : tlm::tlm_target_socket<64>(name), forward_(*this, owner, transport, debug, tag, at_once) {
        bind(forward_);
    }

  private:
    // The socket is an interface of its own, so the calls from outside arrive here.
    class forward : public tlm::tlm_fw_transport_if<> {
      public:
        forward(target_port &port, Owner *owner, transport_function transport, debug_function debug, int tag,
                at_once_function at_once)
            : port_(port), owner_(owner), transport_(transport), debug_(debug), at_once_(at_once), tag_(tag) {}

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
                arrivals_.push_back({&payload, sc_core::sc_time_stamp() + delay});
                arrived_.notify(delay);
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
        struct arrival {
            tlm::tlm_generic_payload *payload;
            sc_core::sc_time due;
        };

        // The processes exist only where somebody calls without blocking. All but one are methods: they cost no switch
        // of stacks.
        void start() {
            if (started_)
                return;
            started_ = true;
            spawn_method("accept", arrived_, &forward::accept);
            spawn_method("respond", done_, &forward::respond);
            spawn_method("finish", response_over_, &forward::finish);
            sc_core::sc_spawn([this] { perform(); }, sc_core::sc_gen_unique_name("perform"));
        }

        void spawn_method(const char *name, const sc_core::sc_event &event, void (forward::*function)()) {
            sc_core::sc_spawn_options options;
            options.spawn_method();
            options.dont_initialize();
            options.set_sensitivity(&event);
            sc_core::sc_spawn([this, function] { (this->*function)(); }, sc_core::sc_gen_unique_name(name), &options);
        }

        void accept() {
            while (!arrivals_.empty() && accepted_ < depth) {
                const arrival first = arrivals_.front();
                const sc_core::sc_time now = sc_core::sc_time_stamp();
                if (first.due > now) {
                    arrived_.notify(first.due - now);
                    return;
                }
                arrivals_.erase(arrivals_.begin()); // mostly the only one: the next may come after its END_REQ
                requests_[(first_request_ + accepted_++) % depth] = first.payload;
                tlm::tlm_phase phase = tlm::END_REQ;
                sc_core::sc_time delay = sc_core::SC_ZERO_TIME;
                port_->nb_transport_bw(*first.payload, phase, delay);
                if (accepted_ == 1)
                    begin();
            }
        }

        // The oldest accepted request, when the one before it is over.
        void begin() {
            sc_core::sc_time delay = sc_core::SC_ZERO_TIME;
            if (at_once_ != nullptr && (owner_->*at_once_)(tag_, *requests_[first_request_], delay))
                respond_after(delay);
            else
                begun_.notify();
        }

        void perform() {
            for (;;) {
                sc_core::wait(begun_);
                sc_core::sc_time delay = sc_core::SC_ZERO_TIME;
                (owner_->*transport_)(tag_, *requests_[first_request_], delay);
                respond_after(delay);
            }
        }

        void respond_after(const sc_core::sc_time &delay) {
            if (delay == sc_core::SC_ZERO_TIME)
                respond();
            else
                done_.notify(delay);
        }

        // The initiator may give the payload another use from here on.
        static void let_go(tlm::tlm_generic_payload &payload) {
            if (payload.has_mm())
                payload.release();
        }

        void respond() {
            tlm::tlm_generic_payload &payload = *requests_[first_request_];
            tlm::tlm_phase phase = tlm::BEGIN_RESP;
            sc_core::sc_time delay = sc_core::SC_ZERO_TIME;
            responding_ = &payload;
            if (port_->nb_transport_bw(payload, phase, delay) == tlm::TLM_ACCEPTED)
                return;            // END_RESP comes, or has come from inside of the call
            responding_ = nullptr; // completed, or END_RESP by return
            let_go(payload);
            response_over_.notify(delay);
        }

        void finish() {
            first_request_ = (first_request_ + 1) % depth;
            if (--accepted_ > 0)
                begin();
            accept();
        }

        target_port &port_;
        Owner *owner_;
        transport_function transport_;
        debug_function debug_;
        at_once_function at_once_;
        int tag_;
        bool started_ = false;
        std::vector<arrival> arrivals_;                  // oldest first, not yet accepted
        tlm::tlm_generic_payload *requests_[depth]{};    // a ring: the accepted ones; the oldest is under way
        unsigned first_request_ = 0, accepted_ = 0;      // in requests_
        tlm::tlm_generic_payload *responding_ = nullptr; // BEGIN_RESP sent, END_RESP not yet here
        sc_core::sc_event arrived_, begun_, done_, response_over_;
    };

    forward forward_;
};

} // namespace ns

#endif
