// SPDX-License-Identifier: Apache-2.0
// How fast traces go through caches on one host core; times are those of the process. items = accesses, or lines of
// text. The caches: 32 KiB of 8 ways, 1 MiB of 16 ways, lines of 64 bytes, LRU, write-back, write-allocate.
#include "replay/replay.h"
#include "replay/sweep.h"
#include "replay/trace.h"

#include <benchmark/benchmark.h>

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

namespace {

struct Trace {
    std::string text; // with the padding that the parser wants
    std::vector<uint64_t> address;
    std::vector<uint16_t> what;
    uint64_t lines = 0;
};

std::string unpack(const std::string &name) {
    std::string text(NS_TRACE_PADDING, ' ');
    FILE *pipe = popen(("xz -dc " NS_TRACES "/" + name + ".d.xdin.xz").c_str(), "r");
    std::vector<char> block(1u << 20);
    for (size_t got; pipe && (got = fread(block.data(), 1, block.size(), pipe)) > 0;)
        text.append(block.data(), got);
    if (!pipe || pclose(pipe) != 0 || text.size() == NS_TRACE_PADDING) {
        std::fprintf(stderr, "cannot unpack %s\n", name.c_str());
        std::exit(1);
    }
    return text + std::string(NS_TRACE_PADDING, ' ');
}

const Trace &trace(const std::string &name) {
    static Trace gzip, mm;
    Trace &wanted = name == "gzip" ? gzip : mm;
    if (wanted.text.empty()) {
        wanted.text = unpack(name);
        const size_t most = wanted.text.size() / 4;
        wanted.address.resize(most);
        wanted.what.resize(most);
        ns_accesses out = {wanted.address.data(), wanted.what.data(), 0};
        ns_trace_parser parser{};
        ns_trace_parse(&parser, wanted.text.data() + NS_TRACE_PADDING, wanted.text.size() - 2 * NS_TRACE_PADDING, true,
                       &out, most);
        wanted.address.resize(out.count);
        wanted.what.resize(out.count);
        wanted.lines = parser.lines;
    }
    return wanted;
}

ns_replay *two_levels(bool portable) {
    ns_replay_config config{};
    config.cache.harts = 1;
    config.cache.levels = 2;
    config.cache.level[0] = {32u << 10, 8, 64, NS_REPLACE_LRU, false, false};
    config.cache.level[1] = {1u << 20, 16, 64, NS_REPLACE_LRU, false, false};
    ns_replay *replay = ns_replay_create(&config);
    if (portable)
        ns_replay_make_portable(replay);
    return replay;
}

// The trace in memory, from empty caches to the counts.
void kernel(benchmark::State &state, const std::string &name, bool portable) {
    const Trace &all = trace(name);
    const ns_accesses accesses = {const_cast<uint64_t *>(all.address.data()), const_cast<uint16_t *>(all.what.data()),
                                  all.address.size()};
    const char *loop = "";
    for (auto _ : state) {
        ns_replay *replay = two_levels(portable);
        size_t bad;
        ns_replay_run(replay, &accesses, &bad);
        ns_replay_row rows[NS_REPLAY_MAX_ROWS];
        benchmark::DoNotOptimize(ns_replay_rows(replay, rows));
        loop = ns_replay_loop(replay);
        ns_replay_destroy(replay);
    }
    state.SetLabel(loop);
    state.SetItemsProcessed(state.iterations() * static_cast<int64_t>(accesses.count));
}

// Text in, in blocks from a file in the host's page cache, as the command reads it; with or without the caches behind.
void text(benchmark::State &state, const std::string &name, bool count) {
    const Trace &all = trace(name);
    char file[] = "/tmp/nosnoop-replay-XXXXXX";
    const int out = mkstemp(file);
    const size_t length = all.text.size() - 2 * NS_TRACE_PADDING;
    if (out < 0 || write(out, all.text.data() + NS_TRACE_PADDING, length) != static_cast<ssize_t>(length)) {
        state.SkipWithError("cannot write to /tmp");
        return;
    }
    constexpr size_t kBlock = 256u << 10, kRoom = 4096;
    std::vector<char> window(NS_TRACE_PADDING * 2 + NS_TRACE_MAX_LINE + kBlock);
    std::vector<uint64_t> address(kRoom);
    std::vector<uint16_t> what(kRoom);
    for (auto _ : state) {
        ns_replay *replay = two_levels(false);
        ns_trace_parser parser{};
        char *start = window.data() + NS_TRACE_PADDING;
        size_t have = 0;
        lseek(out, 0, SEEK_SET);
        for (bool end = false; !end;) {
            const ssize_t got = read(out, start + have, kBlock);
            end = got <= 0;
            have += end ? 0 : static_cast<size_t>(got);
            size_t used = 0;
            ns_accesses accesses;
            do {
                accesses = {address.data(), what.data(), 0};
                used += ns_trace_parse(&parser, start + used, have - used, end, &accesses, kRoom);
                size_t bad;
                if (count)
                    ns_replay_run(replay, &accesses, &bad);
            } while (accesses.count + 2 > kRoom);
            have -= used;
            memmove(start, start + used, have);
        }
        ns_replay_row rows[NS_REPLAY_MAX_ROWS];
        benchmark::DoNotOptimize(ns_replay_rows(replay, rows));
        ns_replay_destroy(replay);
        if (parser.lines != all.lines)
            state.SkipWithError("lines are missing");
    }
    state.SetItemsProcessed(state.iterations() * static_cast<int64_t>(all.lines));
    close(out);
    unlink(file);
}

// 35 caches, 4K to 256K of 1 to 16 ways, in one pass: items = accesses, not accesses times caches.
void sweep(benchmark::State &state, const std::string &name) {
    const Trace &all = trace(name);
    const ns_accesses accesses = {const_cast<uint64_t *>(all.address.data()), const_cast<uint16_t *>(all.what.data()),
                                  all.address.size()};
    std::vector<ns_cache_level_config> configs;
    for (uint32_t size = 4u << 10; size <= 256u << 10; size *= 2)
        for (uint32_t ways = 1; ways <= 16; ways *= 2)
            configs.push_back({size, ways, 64, NS_REPLACE_LRU, false, false});
    for (auto _ : state) {
        ns_sweep *all_caches = ns_sweep_create(configs.data(), configs.size(), 0);
        ns_sweep_run(all_caches, &accesses);
        ns_sweep_destroy(all_caches);
    }
    state.SetLabel(std::to_string(configs.size()) + " caches");
    state.SetItemsProcessed(state.iterations() * static_cast<int64_t>(accesses.count));
}

// A trace ten times over, through the timed machine: `nosnoop replay --timed`, start and both readings of the file
// included. Times are what the command's process takes of the host's core.
void timed(benchmark::State &state, const std::string &once) {
    char file[] = "/tmp/nosnoop-replay-XXXXXX";
    const int out = mkstemp(file);
    bool good = out >= 0;
    for (int i = 0; good && i < 10; i++)
        good = write(out, once.data(), once.size()) == static_cast<ssize_t>(once.size());
    for (auto _ : state) {
        const pid_t child = good ? fork() : -1;
        if (child == 0) {
            dup2(open("/dev/null", O_WRONLY), STDOUT_FILENO);
            execl(NOSNOOP_COMMAND, "nosnoop", "replay", "--timed", file, static_cast<char *>(nullptr));
            _exit(127);
        }
        int status = 1;
        rusage usage{};
        if (child < 0 || wait4(child, &status, 0, &usage) != child || status != 0) {
            state.SkipWithError("the command failed");
            break;
        }
        const auto seconds = [](const timeval &time) {
            return static_cast<double>(time.tv_sec) + 1e-6 * static_cast<double>(time.tv_usec);
        };
        state.SetIterationTime(seconds(usage.ru_utime) + seconds(usage.ru_stime));
    }
    state.SetItemsProcessed(state.iterations() * 10 * std::count(once.begin(), once.end(), '\n'));
    close(out);
    unlink(file);
}

std::string text_of(const std::string &name) {
    const std::string &padded = trace(name).text;
    return padded.substr(NS_TRACE_PADDING, padded.size() - 2 * NS_TRACE_PADDING);
}

void BM_timed_gzip(benchmark::State &state) {
    timed(state, text_of("gzip"));
}
void BM_timed_mm(benchmark::State &state) {
    timed(state, text_of("mm"));
}
// Loads of 8 bytes that all hit, but for the first of each of 256 lines.
void BM_timed_hits(benchmark::State &state) {
    std::string text;
    for (unsigned i = 0; i < 1000000; i++) {
        char line[32];
        std::snprintf(line, sizeof line, "r 7ffe%04x 8\n", i * 8 % 16384);
        text += line;
    }
    timed(state, text);
}

void BM_kernel_gzip(benchmark::State &state) {
    kernel(state, "gzip", false);
}
void BM_kernel_mm(benchmark::State &state) {
    kernel(state, "mm", false);
}
void BM_kernel_gzip_portable(benchmark::State &state) {
    kernel(state, "gzip", true);
}
void BM_kernel_mm_portable(benchmark::State &state) {
    kernel(state, "mm", true);
}
void BM_text_to_accesses_gzip(benchmark::State &state) {
    text(state, "gzip", false);
}
void BM_text_to_counts_gzip(benchmark::State &state) {
    text(state, "gzip", true);
}
void BM_text_to_counts_mm(benchmark::State &state) {
    text(state, "mm", true);
}
void BM_sweep_gzip(benchmark::State &state) {
    sweep(state, "gzip");
}

BENCHMARK(BM_kernel_gzip);
BENCHMARK(BM_kernel_mm);
BENCHMARK(BM_kernel_gzip_portable);
BENCHMARK(BM_kernel_mm_portable);
BENCHMARK(BM_text_to_accesses_gzip);
BENCHMARK(BM_text_to_counts_gzip);
BENCHMARK(BM_text_to_counts_mm);
BENCHMARK(BM_sweep_gzip);
BENCHMARK(BM_timed_gzip)->UseManualTime()->Unit(benchmark::kMillisecond);
BENCHMARK(BM_timed_mm)->UseManualTime()->Unit(benchmark::kMillisecond);
BENCHMARK(BM_timed_hits)->UseManualTime()->Unit(benchmark::kMillisecond);

} // namespace

BENCHMARK_MAIN();
