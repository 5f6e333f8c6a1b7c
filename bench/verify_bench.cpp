// SPDX-License-Identifier: Apache-2.0
// `nosnoop verify` from the scenario file to the verdict, process start to exit: against the number of lines of a
// buffer, of lines with histories of their own, of descriptors in a ring, and of actors. Counters: states, states per
// second of that time, and the peak resident memory of the process and its children.
#include <benchmark/benchmark.h>

#include <cstdio>
#include <cstdlib>
#include <fcntl.h>
#include <regex>
#include <string>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

namespace {

std::string number(int64_t value) {
    return std::to_string(value);
}

// One buffer of so many lines: store, invalidate, doorbell, device write, interrupt, invalidate, load.
std::string reception(int64_t lines) {
    return "device nic irq done\nbuffer rx size " + number(64 * lines) +
           "\ncpu0: store rx fill 1\ncpu0: invalidate rx\ncpu0: fence\ncpu0: doorbell nic\nnic: start\nnic: write rx "
           "fill "
           "0xAB\nnic: raise done\ncpu0: wait done\ncpu0: invalidate rx\ncpu0: load rx -> got\n";
}

// So many buffers, each prepared, written and read by steps of its own.
std::string receptions(int64_t buffers) {
    std::string declared = "device nic irq done\n", before, device, behind;
    for (int64_t i = 0; i < buffers; i++) {
        const std::string rx = "rx" + number(i);
        declared += "buffer " + rx + " size 64\n";
        before += "cpu0: store " + rx + " fill 1\ncpu0: map " + rx + " for nic from-device\n";
        device += "nic: write " + rx + " fill 0xAB\n";
        behind += "cpu0: unmap " + rx + "\ncpu0: load " + rx + "[0..4]\n";
    }
    return declared + before + "cpu0: doorbell nic\nnic: start\n" + device + "nic: raise done\ncpu0: wait done\n" +
           behind;
}

// A ring of descriptors that hart and device hand to each other by an ownership word, all filled ahead.
std::string ring(int64_t descriptors) {
    std::string text = "device nic\nstruct desc count " + number(descriptors < 2 ? 2 : descriptors) +
                       " type nc\n  u64 addr\n  u32 len\n  u32 own\nend\n",
                fill, device, reap;
    for (int64_t i = 0; i < descriptors; i++) {
        const std::string b = "b" + number(i), d = "desc[" + number(i) + "]";
        text += "buffer " + b + " size 64\n";
        fill += "cpu0: store " + b + " fill " + number(i + 1) + "\ncpu0: map " + b +
                " for nic to-device\ncpu0: store " + d + ".len = 64\ncpu0: fence\ncpu0: store " + d + ".own = 1\n";
        device += "nic: poll " + d + ".own == 1\nnic: read " + d + ".len\nnic: read " + b + "\nnic: write " + d +
                  ".own = 2\n";
        reap += "cpu0: poll " + d + ".own == 2\ncpu0: unmap " + b + "\n";
    }
    return text + fill + device + reap;
}

// One hart and so many devices less one, all at work at the same time.
std::string actors(int64_t count) {
    std::string text = "buffer shared size 64\n", clean, rung, work, waits, again;
    for (int64_t d = 0; d + 1 < count; d++) {
        const std::string n = "n" + number(d), b = "b" + number(d), irq = "i" + number(d);
        text += "device " + n + " irq " + irq + "\nbuffer " + b + " size 64\n";
        clean += "cpu0: store " + b + " fill 1\ncpu0: clean " + b + "\n";
        rung += "cpu0: doorbell " + n + "\n";
        work += n + ": start\n" + n + ": read " + b + "\n" + n + ": read shared\n" + n + ": raise " + irq + "\n";
        waits += "cpu0: wait " + irq + "\n";
        again += "cpu0: store " + b + " fill 2\n";
    }
    return text + clean + rung + work + waits + again;
}

void verify(benchmark::State &state, std::string (*program)(int64_t)) {
    char file[] = "/tmp/nosnoop-bench-XXXXXX";
    const int written = mkstemp(file);
    const std::string text = "use machine \"one-core-wb64\"\n" + program(state.range(0));
    if (written < 0 || write(written, text.data(), text.size()) != static_cast<ssize_t>(text.size())) {
        state.SkipWithError("no temporary file");
        return;
    }
    close(written);
    std::string output;
    long peak = 0;
    for (auto _ : state) {
        int ends[2], status = 1;
        struct rusage usage;
        if (pipe(ends) != 0) {
            state.SkipWithError("no pipe");
            break;
        }
        const pid_t child = fork();
        if (child == 0) {
            dup2(ends[1], STDOUT_FILENO);
            close(ends[0]);
            close(ends[1]);
            execl(NOSNOOP_COMMAND, NOSNOOP_COMMAND, "verify", file, static_cast<char *>(nullptr));
            _exit(127);
        }
        close(ends[1]);
        output.clear();
        char part[4096];
        for (ssize_t got; (got = read(ends[0], part, sizeof part)) > 0;)
            output.append(part, static_cast<size_t>(got));
        close(ends[0]);
        if (wait4(child, &status, 0, &usage) != child || status != 0) {
            state.SkipWithError("the command failed");
            break;
        }
        peak = usage.ru_maxrss > peak ? usage.ru_maxrss : peak;
    }
    unlink(file);
    std::smatch found;
    const std::regex states("explored: ([0-9]+) states");
    if (!std::regex_search(output, found, states) || output.find(": proved") == std::string::npos) {
        state.SkipWithError("not proved");
        return;
    }
    const double count = std::stod(found[1]);
    state.counters["states"] = count;
    state.counters["states/s"] =
        benchmark::Counter(count * static_cast<double>(state.iterations()), benchmark::Counter::kIsRate);
    state.counters["peak_MiB"] = static_cast<double>(peak) / 1024;
}

BENCHMARK_CAPTURE(verify, lines_of_one_buffer, reception)
    ->RangeMultiplier(8)
    ->Range(1, 1024)
    ->Unit(benchmark::kMillisecond)
    ->UseRealTime();
BENCHMARK_CAPTURE(verify, buffers_of_one_line, receptions)
    ->RangeMultiplier(8)
    ->Range(1, 64)
    ->Unit(benchmark::kMillisecond)
    ->UseRealTime();
BENCHMARK_CAPTURE(verify, descriptors_in_a_ring, ring)
    ->RangeMultiplier(2)
    ->Range(1, 64)
    ->Unit(benchmark::kMillisecond)
    ->UseRealTime();
BENCHMARK_CAPTURE(verify, actors, actors)->DenseRange(2, 5)->Unit(benchmark::kMillisecond)->UseRealTime();

} // namespace

BENCHMARK_MAIN();
