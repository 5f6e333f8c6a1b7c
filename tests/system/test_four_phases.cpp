// SPDX-License-Identifier: Apache-2.0
//
// A third party's initiator of the approximately timed style: several requests in flight, four phases, each legal way
// to end a response. What the caches, the interconnect and memory make of it equals a plain array. NS_TEST_SEED=N
// repeats a run.
#include "bench.h"
#include "tests/model/in_child.h"

#include <array>
#include <deque>

namespace {

using namespace ns_test;
using sc_core::sc_time;
using sc_core::SC_ZERO_TIME;
using tlm::tlm_generic_payload;

// Keeps up to `in_flight` transactions under way. Requests to one socket are performed in the order of their BEGIN_REQ,
// so the array takes a write, and says what a read must bring, when the request begins.
class pipelined : public sc_core::sc_module, public tlm::tlm_bw_transport_if<>, public tlm::tlm_mm_interface {
  public:
    tlm::tlm_initiator_socket<64> socket;

    pipelined(sc_core::sc_module_name name, uint64_t base, unsigned count, uint64_t seed)
        : sc_module(name), socket("socket"), base_(base), count_(count), random_(seed), flat_(ram_bytes) {
        socket.bind(*this);
        SC_HAS_PROCESS(pipelined);
        SC_THREAD(issue);
        SC_THREAD(end_responses);
    }

    unsigned completed = 0, most_in_flight = 0, refused = 0;
    unsigned ends_of_requests = 0;
    std::vector<uint8_t> &flat() { return flat_; }
    // Its own transactions lie on bytes [first, first + length) of each 64.
    void only(unsigned first, unsigned length) {
        first_ = first;
        length_ = length;
    }

  private:
    static constexpr unsigned limit = 6;
    struct transaction {
        tlm_generic_payload payload;
        std::vector<uint8_t> data, expected;
        std::array<unsigned char, 7> enables{};
        tlm::tlm_response_status answer = tlm::TLM_OK_RESPONSE;
        bool under_way = false;
    };

    uint64_t below(uint64_t n) { return random_() % n; }

    void free(tlm_generic_payload *payload) override {
        for (transaction &one : transactions_)
            if (&one.payload == payload)
                one.under_way = false;
        returned_.notify(SC_ZERO_TIME);
    }

    transaction &unused() {
        for (;;) {
            unsigned busy = 0;
            for (const transaction &one : transactions_)
                busy += one.under_way;
            most_in_flight = std::max(most_in_flight, busy);
            for (transaction &one : transactions_)
                if (!one.under_way)
                    return one;
            sc_core::wait(returned_);
        }
    }

    // A write or read of some bytes, with or without byte enables; now and then one that must be refused.
    void prepare(transaction &one) {
        const unsigned length = 1 + static_cast<unsigned>(below(length_));
        const uint64_t offset = below(ram_bytes / 64) * 64 + first_ + below(length_ - length + 1);
        const bool write = below(2) == 0;
        one.data.resize(length);
        for (uint8_t &byte : one.data)
            byte = static_cast<uint8_t>(random_());
        one.expected = one.data;
        one.answer = tlm::TLM_OK_RESPONSE;
        ns::set_payload(one.payload, write ? tlm::TLM_WRITE_COMMAND : tlm::TLM_READ_COMMAND, base_ + offset,
                        one.data.data(), length);
        const unsigned kind = static_cast<unsigned>(below(20));
        if (kind == 0) {
            one.payload.set_address(base_ + ram_bytes + offset);
            one.answer = tlm::TLM_ADDRESS_ERROR_RESPONSE;
            return;
        }
        if (kind == 1 && length > 1) {
            one.payload.set_streaming_width(length - 1);
            one.answer = tlm::TLM_BURST_ERROR_RESPONSE;
            return;
        }
        if (kind == 2) {
            one.payload.set_command(tlm::TLM_IGNORE_COMMAND);
            return;
        }
        unsigned period = 1;
        one.enables.fill(TLM_BYTE_ENABLED);
        if (kind < 8) {
            period = 1 + static_cast<unsigned>(below(one.enables.size()));
            for (unsigned char &enable : one.enables)
                enable = below(2) == 0 ? TLM_BYTE_ENABLED : TLM_BYTE_DISABLED;
            one.payload.set_byte_enable_ptr(one.enables.data());
            one.payload.set_byte_enable_length(period);
        }
        for (unsigned i = 0; i < length; i++)
            if (one.enables[i % period] == TLM_BYTE_ENABLED)
                (write ? flat_[offset + i] : one.expected[i]) = write ? one.data[i] : flat_[offset + i];
    }

    void issue() {
        for (unsigned begun = 0; begun < count_ && !::testing::Test::HasFailure(); begun++) {
            transaction &one = unused();
            while (requesting_ != nullptr) // one request at a time
                sc_core::wait(request_over_);
            prepare(one);
            one.under_way = true;
            one.payload.set_mm(this);
            one.payload.acquire();
            requesting_ = &one.payload;
            tlm::tlm_phase phase = tlm::BEGIN_REQ;
            sc_time delay = bench::ns(static_cast<double>(below(3)));
            const tlm::tlm_sync_enum answer = socket->nb_transport_fw(one.payload, phase, delay);
            EXPECT_EQ(answer, tlm::TLM_ACCEPTED); // our targets never answer by return
            if (below(4) == 0)
                sc_core::wait(bench::ns(static_cast<double>(below(200))));
        }
    }

    tlm::tlm_sync_enum nb_transport_bw(tlm_generic_payload &payload, tlm::tlm_phase &phase, sc_time &delay) override {
        if (requesting_ == &payload) {
            requesting_ = nullptr; // END_REQ, or a BEGIN_RESP that implies it
            request_over_.notify(delay);
        }
        if (phase == tlm::END_REQ) {
            ends_of_requests++;
            return tlm::TLM_ACCEPTED;
        }
        EXPECT_EQ(phase, tlm::BEGIN_RESP);
        check(payload);
        switch (below(3)) {
        case 0:
            payload.release();
            return tlm::TLM_COMPLETED;
        case 1:
            phase = tlm::END_RESP;
            delay += bench::ns(static_cast<double>(below(3)));
            payload.release();
            return tlm::TLM_UPDATED;
        default:
            responses_.push_back(&payload);
            response_.notify(delay + bench::ns(static_cast<double>(below(20))));
            return tlm::TLM_ACCEPTED;
        }
    }
    void invalidate_direct_mem_ptr(sc_dt::uint64, sc_dt::uint64) override {}

    void end_responses() {
        for (;;) {
            while (responses_.empty())
                sc_core::wait(response_);
            tlm_generic_payload &payload = *responses_.front();
            responses_.pop_front();
            tlm::tlm_phase phase = tlm::END_RESP;
            sc_time delay = bench::ns(static_cast<double>(below(3)));
            socket->nb_transport_fw(payload, phase, delay);
            payload.release();
        }
    }

    void check(tlm_generic_payload &payload) {
        for (const transaction &one : transactions_)
            if (&one.payload == &payload) {
                ASSERT_EQ(payload.get_response_status(), one.answer);
                ASSERT_EQ(one.data, one.expected)
                    << "command " << payload.get_command() << ", transaction " << completed;
                refused += one.answer != tlm::TLM_OK_RESPONSE;
                completed++;
                return;
            }
        FAIL() << "a response to nobody's request";
    }

    uint64_t base_;
    unsigned count_, first_ = 0, length_ = 64;
    std::mt19937_64 random_;
    std::vector<uint8_t> flat_;
    std::array<transaction, limit> transactions_;
    tlm_generic_payload *requesting_ = nullptr;
    std::deque<tlm_generic_payload *> responses_;
    sc_core::sc_event returned_, request_over_, response_;
};

#ifdef NDEBUG
constexpr unsigned many = 100000;
#else
constexpr unsigned many = 10000;
#endif

// Every hart's socket of the caches, the master that snoops and the one that does not, all at once, each on bytes of
// its own in lines that they share; the last one alone, since it passes the caches.
void run(bool through_caches, unsigned count, unsigned posted) {
    in_child([&] {
        SCOPED_TRACE("NS_TEST_SEED=" + std::to_string(test_seed()));
        bench_options options;
        options.pipelined = true;
        options.posted = posted;
        bench made("bench", options);
        std::deque<pipelined> from;
        for (unsigned i = 0; i < 4; i++) {
            const bool windowed = i == 3;
            const unsigned share = through_caches ? count / 3 + 1 : count;
            from.emplace_back(("third_party" + std::to_string(i)).c_str(), windowed ? bus_start : ram_start,
                              windowed == through_caches ? 0 : share, test_seed() + i);
            if (through_caches)
                from.back().only(i * 16, 16);
            made.connect_in_place_of(i, from.back().socket);
        }
        sc_core::sc_start();
        unsigned completed = 0;
        for (unsigned i = 0; i < 4; i++) {
            completed += from[i].completed;
            if (from[i].completed > 0) {
                EXPECT_EQ(from[i].ends_of_requests, from[i].completed) << "each request has an END_REQ of its own";
                // What the target has accepted, and the one that waits for its END_REQ.
                EXPECT_EQ(from[i].most_in_flight, ::ns::target_port<::ns::tlm_cache>::depth + 1);
                EXPECT_GT(from[i].refused, 0u);
            }
        }
        EXPECT_GE(completed, count);
        if (!through_caches) {
            made.interconnect->drain_all(made.dma_number);
            std::vector<uint8_t> memory(ram_bytes);
            EXPECT_EQ(ns_memory_read(made.memory->core(), ram_start, ram_bytes, memory.data(), nullptr), NS_OK);
            EXPECT_EQ(memory, from[3].flat());
        }
        made.expect_no_complaints();
    });
}

TEST(FourPhases, PipelinedRequestsThroughTheCachesEqualAPlainArray) {
    run(true, many, 0);
}
TEST(FourPhases, PipelinedRequestsToMemoryEqualAPlainArray) {
    run(false, many, 0);
}
TEST(FourPhases, PipelinedRequestsThroughPostedWritesEqualAPlainArray) {
    run(false, many / 10, 3);
}

// Both styles at one socket: what one has completed the other sees.
TEST(FourPhases, BothStylesAtOneSocketSeeEachOther) {
    in_child([] {
        bench made("bench");
        made.harts[0]->program = [&] {
            uint8_t data[4] = {1, 2, 3, 4}, seen[4] = {};
            tlm_generic_payload payload;
            ns::set_payload(payload, tlm::TLM_WRITE_COMMAND, ram_start, data, 4);
            const sc_time before = sc_core::sc_time_stamp();
            ASSERT_EQ(made.harts[0]->non_blocking(payload), tlm::TLM_OK_RESPONSE);
            EXPECT_GT(sc_core::sc_time_stamp(), before) << "a miss takes its time in four phases, too";
            tlm_generic_payload other;
            ns::set_payload(other, tlm::TLM_READ_COMMAND, ram_start, seen, 4);
            ASSERT_EQ(made.harts[0]->blocking(other), tlm::TLM_OK_RESPONSE);
            EXPECT_EQ(seen[3], 4);
        };
        sc_core::sc_start();
        made.expect_no_complaints();
    });
}

} // namespace
