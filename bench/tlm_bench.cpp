// SPDX-License-Identifier: Apache-2.0
// A plain TLM-2.0 initiator, without our extension, in front of our caches, interconnect and memory: how many
// transactions of 8 bytes go through in a second. Each measurement is an elaboration of its own, hence a process of its
// own: the child times its run and tells the parent. What SystemC itself takes for a wait stands beside them.
#include "bus/tlm_interconnect.h"
#include "bus/tlm_memory.h"
#include "cache/tlm_cache.h"

#include <benchmark/benchmark.h>
#include <tlm_utils/tlm_quantumkeeper.h>

#include <array>
#include <cstdint>
#include <ctime>
#include <functional>
#include <memory>
#include <sys/wait.h>
#include <unistd.h>

namespace {

using sc_core::sc_time;
using sc_core::SC_ZERO_TIME;

constexpr uint64_t ram_start = 0x80000000, ram_bytes = UINT64_C(16) << 20;
constexpr uint64_t in_l1 = 4096; // a range that stays in L1; the whole RAM is 16 times the L2

sc_time nanoseconds(double value) {
    return sc_time(value, sc_core::SC_NS);
}

// One hart's socket, 32 KiB and 1 MiB of caches with lines of 64 bytes, one bus, memory.
struct platform : sc_core::sc_module {
    explicit platform(sc_core::sc_module_name name) : sc_module(name) {
        ns_cache_config config{};
        config.harts = 1;
        config.levels = 2;
        config.level[0] = {32u << 10, 8, 64, NS_REPLACE_LRU, false, false};
        config.level[1] = {1u << 20, 16, 64, NS_REPLACE_LRU, false, false};
        ns::cache_timing timing;
        timing.hit[0] = nanoseconds(2);
        timing.hit[1] = nanoseconds(10);
        caches = std::make_unique<ns::tlm_cache>("caches", config, timing, nullptr);
        ns::bus_timing bus_times;
        bus_times.beat = nanoseconds(2);
        bus_times.latency = nanoseconds(10);
        bus = std::make_unique<ns::tlm_interconnect>("bus", bus_times);
        ns_memory_config memory_config{};
        memory_config.regions = 1;
        memory_config.region[0] = {ram_start, ram_bytes};
        memory = std::make_unique<ns::tlm_memory>("memory", memory_config, nanoseconds(60), nullptr);
        int number;
        caches->memory_port.bind(bus->add_master(ns::bus_master{}, &number));
        bus->memory.bind(memory->socket);
        bus->coherent.bind(caches->coherent_port);
    }
    std::unique_ptr<ns::tlm_cache> caches;
    std::unique_ptr<ns::tlm_interconnect> bus;
    std::unique_ptr<ns::tlm_memory> memory;
};

struct work {
    uint64_t count;
    uint64_t
        range; // addresses run through [ram_start, + range); a power of two, since a division would be what is timed
    uint64_t stride; // bytes
    tlm::tlm_command command = tlm::TLM_READ_COMMAND;
    uint64_t address(uint64_t i) const { return ram_start + (i * stride & (range - 1)); }
};

// ---- loosely timed ------------------------------------------------------------------------------

// What an initiator sets once, and what before each transaction (IEEE 1666-2011, 14.7).
class loose_initiator : public sc_core::sc_module {
  public:
    tlm_utils::simple_initiator_socket<loose_initiator, 64> socket;
    uint64_t errors = 0;

    // A quantum of zero: wait after each call.
    loose_initiator(sc_core::sc_module_name name, const work &job, const sc_time &quantum)
        : sc_module(name), socket("socket"), job_(job), quantum_(quantum) {
        SC_HAS_PROCESS(loose_initiator);
        SC_THREAD(run);
    }

  private:
    void run() {
        ns::set_payload(payload_, job_.command, 0, data_.data(), static_cast<unsigned>(data_.size()));
        if (quantum_ == SC_ZERO_TIME)
            wait_each();
        else
            run_ahead();
        sc_core::sc_stop();
    }
    void call(uint64_t i, sc_time &delay) {
        payload_.set_address(job_.address(i));
        payload_.set_dmi_allowed(false);
        payload_.set_response_status(tlm::TLM_INCOMPLETE_RESPONSE);
        socket->b_transport(payload_, delay);
        errors += !payload_.is_response_ok();
    }
    void wait_each() {
        for (uint64_t i = 0; i < job_.count; i++) {
            sc_time delay = SC_ZERO_TIME;
            call(i, delay);
            sc_core::wait(delay);
        }
    }
    void run_ahead() {
        tlm_utils::tlm_quantumkeeper::set_global_quantum(quantum_);
        tlm_utils::tlm_quantumkeeper keeper;
        keeper.reset();
        for (uint64_t i = 0; i < job_.count; i++) {
            sc_time delay = keeper.get_local_time();
            call(i, delay);
            keeper.set(delay);
            if (keeper.need_sync())
                keeper.sync();
        }
        keeper.sync();
    }

    work job_;
    sc_time quantum_;
    tlm::tlm_generic_payload payload_;
    std::array<uint8_t, 8> data_{};
};

// ---- approximately timed ------------------------------------------------------------------------

// Four phases, up to `in_flight` transactions at a time. It has no thread: a response brings the next request.
class phased_initiator : public sc_core::sc_module, public tlm::tlm_bw_transport_if<>, public tlm::tlm_mm_interface {
  public:
    tlm::tlm_initiator_socket<64> socket;
    uint64_t errors = 0;

    phased_initiator(sc_core::sc_module_name name, const work &job, unsigned in_flight)
        : sc_module(name), socket("socket"), job_(job), unused_(in_flight) {
        socket.bind(*this);
        for (unsigned i = 0; i < in_flight; i++)
            free_[i] = &transactions_[i];
        SC_HAS_PROCESS(phased_initiator);
        SC_METHOD(issue);
        sensitive << may_issue_;
        SC_METHOD(end_response);
        sensitive << response_;
        dont_initialize();
    }

  private:
    struct transaction {
        tlm::tlm_generic_payload payload;
        std::array<uint8_t, 8> data{};
    };

    void issue() {
        if (requesting_ || unused_ == 0 || begun_ == job_.count)
            return;
        transaction &one = *free_[--unused_];
        ns::set_payload(one.payload, job_.command, job_.address(begun_++), one.data.data(),
                        static_cast<unsigned>(one.data.size()));
        one.payload.set_mm(this);
        one.payload.acquire();
        requesting_ = true;
        tlm::tlm_phase phase = tlm::BEGIN_REQ;
        sc_time delay = SC_ZERO_TIME;
        socket->nb_transport_fw(one.payload, phase, delay);
    }
    void end_response() {
        tlm::tlm_generic_payload &payload = *responding_;
        errors += !payload.is_response_ok();
        tlm::tlm_phase phase = tlm::END_RESP;
        sc_time delay = SC_ZERO_TIME;
        socket->nb_transport_fw(payload, phase, delay);
        payload.release();
        if (++ended_ == job_.count)
            sc_core::sc_stop();
    }
    tlm::tlm_sync_enum nb_transport_bw(tlm::tlm_generic_payload &payload, tlm::tlm_phase &phase,
                                       sc_time &delay) override {
        if (phase == tlm::END_REQ) {
            requesting_ = false;
            may_issue_.notify(delay);
        } else {
            responding_ = &payload; // the next BEGIN_RESP waits for this one's END_RESP
            response_.notify(delay);
        }
        return tlm::TLM_ACCEPTED;
    }
    void invalidate_direct_mem_ptr(sc_dt::uint64, sc_dt::uint64) override {}
    void free(tlm::tlm_generic_payload *payload) override {
        for (transaction &one : transactions_)
            if (&one.payload == payload)
                free_[unused_++] = &one;
        may_issue_.notify(SC_ZERO_TIME);
    }

    static constexpr unsigned most = 8;
    work job_;
    std::array<transaction, most> transactions_;
    std::array<transaction *, most> free_{};
    unsigned unused_;
    uint64_t begun_ = 0, ended_ = 0;
    bool requesting_ = false;
    tlm::tlm_generic_payload *responding_ = nullptr;
    sc_core::sc_event may_issue_, response_;
};

// ---- SystemC alone ------------------------------------------------------------------------------

struct waiter : sc_core::sc_module {
    waiter(sc_core::sc_module_name name, uint64_t count) : sc_module(name), count_(count) {
        SC_HAS_PROCESS(waiter);
        SC_THREAD(run);
    }
    void run() {
        const sc_time step = nanoseconds(2);
        for (uint64_t i = 0; i < count_; i++)
            sc_core::wait(step);
        sc_core::sc_stop();
    }
    uint64_t count_;
};

// ---- measuring ----------------------------------------------------------------------------------

double processor_seconds() {
    timespec time{};
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
    return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
}

// Seconds of the host's core that the simulation takes inside a child; negative when a transaction failed. `elaborate`
// makes the modules and returns what counts errors.
using elaboration = std::function<std::function<uint64_t()>()>;
double timed_run(const elaboration &elaborate) {
    int channel[2];
    if (pipe(channel) != 0)
        return -1;
    const pid_t child = fork();
    if (child == 0) {
        const std::function<uint64_t()> errors = elaborate();
        sc_core::sc_report_handler::set_actions(sc_core::SC_INFO, sc_core::SC_DO_NOTHING);
        sc_core::sc_start(SC_ZERO_TIME); // elaborated, and initialised
        const double start = processor_seconds();
        sc_core::sc_start();
        double seconds = processor_seconds() - start;
        if (errors() != 0)
            seconds = -1;
        const ssize_t written = write(channel[1], &seconds, sizeof seconds);
        _exit(written == sizeof seconds ? 0 : 1);
    }
    close(channel[1]);
    double seconds = -1;
    if (read(channel[0], &seconds, sizeof seconds) != sizeof seconds)
        seconds = -1;
    close(channel[0]);
    waitpid(child, nullptr, 0);
    return seconds;
}

void measure(benchmark::State &state, uint64_t count, const elaboration &elaborate) {
    for (auto _ : state) {
        const double seconds = timed_run(elaborate);
        if (seconds < 0) {
            state.SkipWithError("the run failed");
            return;
        }
        state.SetIterationTime(seconds);
    }
    state.SetItemsProcessed(state.iterations() * static_cast<int64_t>(count));
}

template <typename Initiator, typename Style>
void through_caches(benchmark::State &state, const work &job, const Style &style) {
    measure(state, job.count, [&]() -> std::function<uint64_t()> {
        auto made = std::make_shared<platform>("platform");
        auto from = std::make_shared<Initiator>("initiator", job, style);
        from->socket.bind(*made->caches->hart[0]);
        return [made, from] { return from->errors; };
    });
}

void loose(benchmark::State &state, work job, double quantum_ns) {
    through_caches<loose_initiator>(state, job, nanoseconds(quantum_ns));
}
void phases(benchmark::State &state, work job, unsigned in_flight) {
    through_caches<phased_initiator>(state, job, in_flight);
}
void bare_wait(benchmark::State &state) {
    static constexpr uint64_t count = 2000000;
    measure(state, count, [] {
        auto made = std::make_shared<waiter>("waiter", count);
        return [made] { return uint64_t{0}; };
    });
}

constexpr work load_hits{20000000, in_l1, 8}, few_load_hits{2000000, in_l1, 8},
    store_hits{20000000, in_l1, 8, tlm::TLM_WRITE_COMMAND}, misses{500000, ram_bytes, 64};

#define MEASURE(function, name, ...) BENCHMARK_CAPTURE(function, name, __VA_ARGS__)->UseManualTime()->Iterations(1)
MEASURE(loose, quantum_load_hits, load_hits, 1000);
MEASURE(loose, quantum_store_hits, store_hits, 1000);
MEASURE(loose, quantum_misses, misses, 1000);
MEASURE(loose, wait_load_hits, few_load_hits, 0);
BENCHMARK(bare_wait)->UseManualTime()->Iterations(1);
MEASURE(phases, four_phases_hits, few_load_hits, 1);
MEASURE(phases, four_phases_hits_4_in_flight, few_load_hits, 4);
MEASURE(phases, four_phases_misses, misses, 1);
MEASURE(phases, four_phases_misses_4_in_flight, misses, 4);

} // namespace

// SystemC's library refers to it; its own main would call it.
int sc_main(int, char **) {
    return 0;
}

BENCHMARK_MAIN();
