// SPDX-License-Identifier: Apache-2.0
//
// The modules between sockets, with a monitor on each: two harts' initiators and two DMA masters in front of caches,
// interconnect and memory. Elaborate one in each process (in_child.h).
#ifndef NS_TESTS_SYSTEM_BENCH_H
#define NS_TESTS_SYSTEM_BENCH_H

#include "bus/tlm_interconnect.h"
#include "bus/tlm_memory.h"
#include "cache/tlm_cache.h"
#include "tlm_monitor.h"

#include <cstdlib>
#include <functional>
#include <gtest/gtest.h>
#include <memory>
#include <random>
#include <string>
#include <tlm_utils/simple_initiator_socket.h>
#include <vector>

namespace ns_test {

constexpr uint64_t ram_start = 0x80000000;
constexpr uint64_t ram_bytes = 0x10000;
constexpr uint64_t bus_start = 0x40000000; // where the second DMA master sees the RAM

inline uint64_t test_seed() {
    const char *text = std::getenv("NS_TEST_SEED");
    return text == nullptr ? 20240607 : std::strtoull(text, nullptr, 0);
}

struct pool_of_payloads : tlm::tlm_mm_interface {
    void free(tlm::tlm_generic_payload *payload) override {
        payload->reset();
        returned++;
    }
    unsigned returned = 0;
};

// An initiator that knows both styles. The program runs in its thread.
class initiator : public sc_core::sc_module {
  public:
    tlm_utils::simple_initiator_socket<initiator, 64> socket;
    std::function<void()> program;

    explicit initiator(sc_core::sc_module_name name) : sc_module(name), socket("socket") {
        socket.register_nb_transport_bw(this, &initiator::backward);
        SC_HAS_PROCESS(initiator);
        SC_THREAD(run);
    }

    // Loosely timed; waits out what is annotated.
    tlm::tlm_response_status blocking(tlm::tlm_generic_payload &payload,
                                      sc_core::sc_time delay = sc_core::SC_ZERO_TIME) {
        socket->b_transport(payload, delay);
        sc_core::wait(delay);
        return payload.get_response_status();
    }

    // Four phases.
    tlm::tlm_response_status non_blocking(tlm::tlm_generic_payload &payload) {
        payload.set_mm(&payloads);
        payload.acquire();
        tlm::tlm_phase phase = tlm::BEGIN_REQ;
        sc_core::sc_time delay = sc_core::SC_ZERO_TIME;
        responded_ = false;
        const tlm::tlm_sync_enum answer = socket->nb_transport_fw(payload, phase, delay);
        if (answer != tlm::TLM_COMPLETED && !(answer == tlm::TLM_UPDATED && phase == tlm::BEGIN_RESP)) {
            while (!responded_)
                sc_core::wait(response_);
            phase = tlm::END_RESP;
            delay = sc_core::SC_ZERO_TIME;
            socket->nb_transport_fw(payload, phase, delay);
        }
        const tlm::tlm_response_status status = payload.get_response_status();
        payload.release();
        return status;
    }

    pool_of_payloads payloads;

  private:
    void run() {
        if (program)
            program();
    }
    tlm::tlm_sync_enum backward(tlm::tlm_generic_payload &, tlm::tlm_phase &phase, sc_core::sc_time &delay) {
        if (phase == tlm::BEGIN_RESP) {
            responded_ = true;
            response_.notify(delay);
        }
        return tlm::TLM_ACCEPTED;
    }
    bool responded_ = false;
    sc_core::sc_event response_;
};

struct bench_options {
    unsigned levels = 2;
    uint32_t late = 0;
    unsigned posted = 0;
    bool provenance = false;
    unsigned streaming = 0; // cache_timing::write_streaming; with one level
    bool pipelined = false; // the initiators are the test's own: connect_in_place_of
};

class bench : public sc_core::sc_module {
  public:
    explicit bench(sc_core::sc_module_name name, const bench_options &options = {}) : sc_module(name) {
        ns_cache_config config{};
        config.harts = 2;
        config.levels = options.levels;
        config.level[0].size = 512;
        config.level[0].ways = 2;
        config.level[0].line = 32;
        config.level[1].size = 2048;
        config.level[1].ways = 4;
        config.level[1].line = 64;
        config.late_write_backs = options.late;
        config.provenance = options.provenance;
        ns::cache_timing timing;
        timing.hit[0] = ns(2);
        timing.hit[1] = ns(10);
        timing.maintenance_present = timing.maintenance_absent = ns(4);
        timing.write_streaming = options.streaming;
        cache = std::make_unique<ns::tlm_cache>("cache", config, timing, nullptr);
        ns::bus_timing bus_times;
        bus_times.beat = ns(2);
        bus_times.latency = ns(10);
        bus_times.snoop = ns(5);
        interconnect = std::make_unique<ns::tlm_interconnect>("interconnect", bus_times);
        ns_memory_config memory_config{};
        memory_config.regions = 1;
        memory_config.region[0] = {ram_start, ram_bytes};
        memory_config.provenance = options.provenance;
        memory = std::make_unique<ns::tlm_memory>("memory", memory_config, ns(60), nullptr);

        for (unsigned i = 0; i < 2 && !options.pipelined; i++) {
            harts.push_back(std::make_unique<initiator>(("hart" + std::to_string(i)).c_str()));
            connect(harts[i]->socket, *cache->hart[i]);
        }
        ns::bus_master snooping, windowed;
        snooping.dma = windowed.dma = true;
        snooping.snoops = true;
        windowed.windows = {{bus_start, ram_start, ram_bytes}};
        windowed.posted_entries = options.posted;
        int number;
        connect(cache->memory_port, interconnect->add_master(ns::bus_master{}, &number));
        coherent_socket = &interconnect->add_master(snooping, &number);
        dma_socket = &interconnect->add_master(windowed, &dma_number);
        if (!options.pipelined) {
            coherent = std::make_unique<initiator>("coherent");
            connect(coherent->socket, *coherent_socket);
            dma = std::make_unique<initiator>("dma");
            connect(dma->socket, *dma_socket);
        }
        connect(interconnect->coherent, cache->coherent_port);
        connect(interconnect->memory, memory->socket);
    }

    // 0 and 1: a hart; 2: the master that snoops; 3: the one that does not.
    void connect_in_place_of(unsigned place, tlm::tlm_initiator_socket<64> &from) {
        tlm::tlm_target_socket<64> *const sockets[] = {cache->hart[0].get(), cache->hart[1].get(), coherent_socket,
                                                       dma_socket};
        connect(from, *sockets[place]);
    }

    static sc_core::sc_time ns(double value) { return sc_core::sc_time(value, sc_core::SC_NS); }

    void expect_no_complaints() const {
        for (const auto &one : monitors) {
            EXPECT_TRUE(one->idle()) << one->name();
            for (const std::string &complaint : one->complaints)
                ADD_FAILURE() << complaint;
        }
    }

    std::unique_ptr<::ns::tlm_cache> cache;
    std::unique_ptr<::ns::tlm_interconnect> interconnect;
    std::unique_ptr<::ns::tlm_memory> memory;
    std::vector<std::unique_ptr<initiator>> harts;
    std::unique_ptr<initiator> coherent; // snoops
    std::unique_ptr<initiator> dma;      // does not; behind a window
    int dma_number = 0;
    tlm::tlm_target_socket<64> *coherent_socket = nullptr, *dma_socket = nullptr;
    std::vector<std::unique_ptr<tlm_monitor>> monitors;

  private:
    tlm_monitor &monitor(const char *what) {
        monitors.push_back(std::make_unique<tlm_monitor>(sc_core::sc_gen_unique_name(what)));
        return *monitors.back();
    }
    template <typename From, typename To> void connect(From &from, To &to) {
        from.bind(monitor("between").up);
        monitors.back()->down.bind(to);
    }
};

} // namespace ns_test

#endif
