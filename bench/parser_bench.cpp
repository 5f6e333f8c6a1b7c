// SPDX-License-Identifier: Apache-2.0
// The parser alone: text in memory in, checked scenario out; nearly the most statements that a file can have
// (docs/language.md, "Limits"), of the kinds that the catalogue has most of.
#include "scenarios/scenario.h"

#include <benchmark/benchmark.h>

#include <string>

namespace {

void parse(benchmark::State &state) {
    static const char head[] =
        "machine \"board\"\nend\nuse machine \"board\"\ndevice nic irq done\nbuffer rx size 4096\n"
        "buffer tx size 4096\n";
    static const char *const steps[] = {
        "cpu0: store tx[0..8] = 0x1122_3344\n",
        "cpu0: map rx for nic from-device -> h\n",
        "cpu0: clean tx[64..128]\n",
        "cpu0: fence\n",
        "nic:  write rx[0..64] fill 0xAB\n",
        "nic:  raise done\n",
        "cpu0: wait  done  # the frame is there\n",
        "cpu0: unmap h\n",
        "cpu0: load  rx[0..4] -> got\n",
    };
    std::string text = head;
    int64_t lines = 6;
    for (size_t i = 0; i < 19900; i++, lines++)
        text += steps[i % (sizeof steps / sizeof steps[0])];
    for (auto _ : state) {
        ns_diagnostics diagnostics;
        ns_diagnostics_init(&diagnostics);
        ns_scenario *scenario = ns_scenario_parse("bench.dma", text.data(), text.size(), nullptr, &diagnostics);
        if (scenario == nullptr || diagnostics.count > 0)
            state.SkipWithError("the text is not a scenario");
        ns_scenario_destroy(scenario);
        ns_diagnostics_release(&diagnostics);
    }
    state.SetItemsProcessed(state.iterations() * lines);
    state.SetLabel("lines");
}
BENCHMARK(parse)->Unit(benchmark::kMillisecond);

} // namespace

BENCHMARK_MAIN();
