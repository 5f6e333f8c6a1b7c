// SPDX-License-Identifier: Apache-2.0
// The command as a whole, process start to exit: `run` of a 20-line scenario and of one of 100,000 steps, `test` of the
// catalogue with 2 jobs.
#include <benchmark/benchmark.h>

#include <cstdlib>
#include <fcntl.h>
#include <spawn.h>
#include <string>
#include <sys/wait.h>
#include <unistd.h>
#include <vector>

extern char **environ;

namespace {

void command(benchmark::State &state, std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), NOSNOOP_COMMAND);
    std::vector<char *> argv;
    for (std::string &argument : arguments)
        argv.push_back(argument.data());
    argv.push_back(nullptr);
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
    for (auto _ : state) {
        pid_t child;
        int status = 1;
        if (posix_spawn(&child, NOSNOOP_COMMAND, &actions, nullptr, argv.data(), environ) != 0 ||
            waitpid(child, &status, 0) != child || status != 0) {
            state.SkipWithError("the command failed");
            break;
        }
    }
    posix_spawn_file_actions_destroy(&actions);
}

BENCHMARK_CAPTURE(command, run_one_scenario, {"run", NOSNOOP_SCENARIOS "/bugs/rx-missing-invalidate.dma"})
    ->Unit(benchmark::kMillisecond)
    ->UseRealTime();
// Less run_one_scenario: what the allocation itself takes.
BENCHMARK_CAPTURE(command, alloc_coherent_4m, {"run", NOSNOOP_BENCH "/alloc-coherent-4m.dma"})
    ->Unit(benchmark::kMillisecond)
    ->UseRealTime();
BENCHMARK_CAPTURE(command, run_100000_steps, {"run", NOSNOOP_BENCH "/steps-100000.dma"})
    ->Unit(benchmark::kMillisecond)
    ->UseRealTime();
BENCHMARK_CAPTURE(command, test_catalogue, {"test", "--jobs", "2", NOSNOOP_SCENARIOS "/bugs"})
    ->Unit(benchmark::kMillisecond)
    ->UseRealTime();

} // namespace

BENCHMARK_MAIN();
