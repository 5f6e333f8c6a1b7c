// SPDX-License-Identifier: Apache-2.0
//
// A second, deliberately naive explorer: whole states, breadth first, no reduction, no line apart from another. It
// shares no code with the verifier, the caches or the rules: it is written from docs/semantics.md and docs/language.md
// alone, so that the two can disagree. Small programs only.
#ifndef NS_TESTS_VERIFY_NAIVE_H
#define NS_TESTS_VERIFY_NAIVE_H

#include <cstddef>
#include <cstdint>
#include <set>
#include <string>
#include <vector>

namespace naive {

constexpr unsigned cells = 4; // of a line; each stands for 16 bytes
constexpr unsigned max_harts = 2, max_devices = 2, max_lines = 4, max_irqs = 2;

enum class verb {
    load,
    store,
    clean,
    invalidate,
    flush,
    fence,
    doorbell,
    wait,
    map,
    unmap,
    sync_cpu,
    sync_device,
    poll,
    start,
    read,
    write,
    raise,
    device_flush
};
enum class fill { atomic, ordered, escaping };
enum direction : uint8_t { to_device = 1, from_device = 2, bidirectional = 3 };

struct step {
    verb what;
    unsigned line = 0, first = 0, end = cells; // cells [first, end) of a line
    unsigned device = 0;                       // doorbell, map
    direction dir = to_device;
    unsigned awaits = 0; // poll: the number of the step (1 + actor * 32 + index) whose value it waits for
};

struct machine {
    unsigned harts = 1, levels = 1;
    bool may_fill = true, may_evict = true, may_drain = true, may_late = false, may_as_flush = false,
         may_irq_first = false;
    fill fills = fill::atomic;
    bool posted = false;              // 16 entries
    unsigned entries = 64;            // of a store buffer; fewer only where may_drain
    bool local = false;               // maintenance acts on the L1 of its hart alone, and on the shared level
    const char *prefetcher = nullptr; // what it fills is among what may_fill allows
};

struct program {
    machine on;
    unsigned lines = 1, nc_lines = 0; // the cacheable ones first
    unsigned devices = 1;
    std::vector<std::vector<step>> actors; // harts, then devices
};

// What went wrong, and at which step: its number as in `awaits`, 0 for the hardware by itself.
struct finding {
    unsigned step;
    std::string symptom; // stale, lost, ownership, leak, hang
    bool operator<(const finding &other) const {
        return step != other.step ? step < other.step : symptom < other.symptom;
    }
};

struct result {
    bool complete = true; // false: the limit of states was met
    std::set<finding> findings;
    unsigned shortest = 0; // steps and moves until the first finding
    size_t states = 0;
};

result explore(const program &what, size_t state_limit);

// The same program as a scenario; *lines[n] is the line of the step numbered n.
std::string print(const program &what, const std::string &name, std::vector<unsigned> *line_of_step);

// Small programs from a seed: protocols with a piece left out, moved or shortened, and noise.
program generate(uint64_t seed);

} // namespace naive

#endif
