// SPDX-License-Identifier: Apache-2.0
// How fast the timed machine with provenance runs. Each measurement is a machine of its own, hence a process of its
// own: the child times its run and tells the parent. items = hart accesses of 8 bytes, or DMA bursts of 64 bytes.
#include "model/nosnoop.h"

#include <benchmark/benchmark.h>

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <sys/wait.h>
#include <unistd.h>
#include <vector>

namespace {

constexpr uint64_t ram = UINT64_C(0x80000000);

struct work {
    uint64_t count;
    bool store;
    uint32_t bytes; // per DMA transfer
};

void load_hits(ns_machine *machine, unsigned hart, void *context) {
    const work &job = *static_cast<work *>(context);
    uint8_t data[8] = {};
    for (uint64_t i = 0; i < job.count; i++) {
        const uint64_t address = ram + (i * 8) % 4096;
        if (job.store)
            (void)ns_hart_store(machine, hart, address, 8, data);
        else
            (void)ns_hart_load(machine, hart, address, 8, data, nullptr, 0);
    }
}

void bursts(ns_machine *machine, unsigned, void *context) {
    const work &job = *static_cast<work *>(context);
    std::vector<uint8_t> data(job.bytes);
    for (uint64_t done = 0; done < job.count * 64; done += job.bytes) {
        const uint64_t address = ram + done % (1 << 20);
        if (job.store)
            (void)ns_device_write(machine, 0, address, address, job.bytes, data.data());
        else
            (void)ns_device_read(machine, 0, address, address, job.bytes, data.data(), nullptr, 0);
    }
}

// Seconds that the run takes, measured inside a child.
double timed_run(ns_program program, work job, bool on_device) {
    int channel[2];
    if (pipe(channel) != 0)
        return 0;
    const pid_t child = fork();
    if (child == 0) {
        ns_machine_config config;
        ns_machine_config_default(&config);
        config.dma_burst = 64;
        ns_log *log = ns_log_create();
        ns_machine_device device{};
        device.name = "dma";
        device.dma_bits = 32;
        char reason[256];
        ns_machine *machine = ns_machine_create(&config, &device, 1, log, reason, sizeof reason);
        double seconds = 0;
        if (machine != nullptr) {
            ns_machine_set_program(machine, on_device ? ns_machine_device_actor(machine, 0) : 0, program, &job);
            const auto start = std::chrono::steady_clock::now();
            ns_machine_run(machine);
            seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
        }
        const ssize_t written = write(channel[1], &seconds, sizeof seconds);
        _exit(written == sizeof seconds ? 0 : 1);
    }
    close(channel[1]);
    double seconds = 0;
    if (read(channel[0], &seconds, sizeof seconds) != sizeof seconds)
        seconds = 0;
    close(channel[0]);
    waitpid(child, nullptr, 0);
    return seconds;
}

void measure(benchmark::State &state, ns_program program, work job, bool on_device) {
    for (auto _ : state)
        state.SetIterationTime(timed_run(program, job, on_device));
    state.SetItemsProcessed(static_cast<int64_t>(state.iterations()) * static_cast<int64_t>(job.count));
}

constexpr uint64_t accesses = 1000000, burst_count = 200000;
BENCHMARK_CAPTURE(measure, hart_load_hit, load_hits, work{accesses, false, 0}, false)->UseManualTime()->Iterations(5);
BENCHMARK_CAPTURE(measure, hart_store_hit, load_hits, work{accesses, true, 0}, false)->UseManualTime()->Iterations(5);
BENCHMARK_CAPTURE(measure, dma_write_burst, bursts, work{burst_count, true, 64}, true)->UseManualTime()->Iterations(5);
BENCHMARK_CAPTURE(measure, dma_read_burst, bursts, work{burst_count, false, 64}, true)->UseManualTime()->Iterations(5);
BENCHMARK_CAPTURE(measure, dma_read_4k_outstanding, bursts, work{burst_count, false, 4096}, true)
    ->UseManualTime()
    ->Iterations(5);

} // namespace

BENCHMARK_MAIN();
