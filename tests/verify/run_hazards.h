// SPDX-License-Identifier: Apache-2.0
//
// What runs show, and that the search has found it.
#ifndef NS_TESTS_VERIFY_RUN_HAZARDS_H
#define NS_TESTS_VERIFY_RUN_HAZARDS_H

#include "support.h"

extern "C" {
#include "model/log_io.h"
#include "scenarios/runner.h"
}

#include <cstdio>
#include <set>
#include <sys/wait.h>
#include <unistd.h>

struct seen {
    ns_hazard_id id;
    uint32_t line;
    bool operator<(const seen &other) const { return id != other.id ? id < other.id : line < other.line; }
    bool operator==(const seen &other) const { return id == other.id && line == other.line; }
};

inline std::ostream &operator<<(std::ostream &out, const seen &one) {
    return out << ns_hazard_text(one.id)->id << " at line " << one.line;
}

inline seen of(const ns_log &log, size_t index) {
    const ns_hazard &hazard = log.hazard[index];
    // What the hardware does is nobody's step: a run has it at an `hw` step where one is written, the search by itself.
    const bool hardware = hazard.actor < log.actor_count && log.actor[hazard.actor].actor_class == NS_ACTOR_CLASS_HW;
    const bool placed = hazard.site < log.site_count && !hardware;
    return {static_cast<ns_hazard_id>(hazard.id), placed ? log.site[hazard.site].line : 0};
}

// Where a wait never ends, a run goes on with the steps behind it, to show more; no behaviour has them.
inline size_t behind_a_hang(const ns_log &log) {
    size_t end = 0;
    while (end < log.hazard_count && log.hazard[end].id != NS_OR_NO_PROGRESS &&
           log.hazard[end].also != NS_OR_NO_PROGRESS)
        end++;
    return end < log.hazard_count ? end + 1 : end;
}

// The hazards of one run, in a process of its own: this one must not make a machine. Empty with a failure otherwise.
inline std::set<seen> run(const ns_scenario *scenario, const ns_run_options &options) {
    int ends[2];
    std::set<seen> found;
    EXPECT_EQ(pipe(ends), 0);
    const pid_t child = fork();
    if (child == 0) {
        ns_log *log = ns_log_create();
        char message[256];
        close(ends[0]);
        const bool good = log != nullptr &&
                          ns_run_scenario(scenario, &options, log, message, sizeof message) == NS_OK &&
                          ns_log_send(ends[1], log);
        _exit(good ? 0 : 1);
    }
    close(ends[1]);
    ns_log *log = ns_log_create();
    EXPECT_TRUE(ns_log_receive(ends[0], log));
    close(ends[0]);
    int status = 0;
    waitpid(child, &status, 0);
    EXPECT_EQ(status, 0);
    for (size_t i = 0; i < behind_a_hang(*log); i++)
        found.insert(of(*log, i));
    ns_log_destroy(log);
    return found;
}

inline std::set<seen> hazards_of(const verified &verification) {
    std::set<seen> found;
    for (size_t i = 0; i < verification.result.hazard_count; i++)
        found.insert(of(*verification.result.hazards[i].log, verification.result.hazards[i].index));
    return found;
}

inline uint64_t number_of(const char *name, uint64_t otherwise) {
    const char *text = std::getenv(name);
    return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

// In free order the clock decides; lines_before: how many lines more this text has than the one that was searched.
inline void expect_free_runs_among(const ns_scenario *scenario, const verified &verification, uint64_t seeds,
                                   uint32_t lines_before) {
    const std::set<seen> known = hazards_of(verification);
    for (uint64_t seed = 0; seed <= seeds; seed++) {
        ns_run_options options{};
        options.order_given = options.order_free = true;
        options.chaos = seed > 0;
        options.chaos_seed = seed;
        for (seen one : run(scenario, options)) {
            one.line -= one.line == 0 ? 0 : lines_before;
            EXPECT_TRUE(known.count(one) != 0)
                << one << " of a run in free order with --chaos " << seed << ", not of the search";
        }
    }
}

inline void expect_every_run_among(const ns_scenario *scenario, const verified &verification, uint64_t seeds) {
    const std::set<seen> known = hazards_of(verification);
    for (uint64_t seed = 0; seed <= seeds; seed++) {
        ns_run_options options{};
        options.chaos = seed > 0; // 0: the plain run
        options.chaos_seed = seed;
        for (const seen &one : run(scenario, options))
            EXPECT_TRUE(known.count(one) != 0) << one << " of a run with --chaos " << seed << ", not of the search";
    }
}

// Random programs, one for each seed, until something fails. NS_TEST_SEED: this one alone; NS_TEST_PROGRAMS: so many;
// NS_TEST_GO_ON: all of them. How many there are.
template <class Text, class Check> uint64_t each_program(const Text &text_of, uint64_t programs, const Check &check) {
    const uint64_t only = number_of("NS_TEST_SEED", 0), first = only != 0 ? only : 1;
    const uint64_t last = only != 0 ? only : number_of("NS_TEST_PROGRAMS", programs);
    const bool go_on = std::getenv("NS_TEST_GO_ON") != nullptr;
    for (uint64_t seed = first; seed <= last && (go_on || !testing::Test::HasFailure()); seed++) {
        const std::string text = text_of(seed);
        SCOPED_TRACE("NS_TEST_SEED=" + std::to_string(seed) + "\n" + text);
        const parsed_scenario scenario(text);
        EXPECT_TRUE(scenario.good());
        if (scenario.good())
            check(seed, scenario.get());
    }
    return last - first + 1;
}

// Whatever runs show, the search has found, and every counterexample is shown. more: further runs of a program.
template <class Text, class More>
void search_programs(uint64_t run_seeds, const Text &text_of, const More &more, uint64_t programs = 150) {
    const uint64_t seeds = number_of("NS_TEST_SEEDS", run_seeds);
    unsigned searched = 0, refuted = 0;
    const uint64_t count = each_program(text_of, programs, [&](uint64_t seed, const ns_scenario *scenario) {
        ns_verify_options options{};
        options.state_limit = 100000;
        const verified verification(scenario, options);
        ASSERT_EQ(verification.status, NS_OK);
        if (verification.result.verdict == NS_VERIFY_INCOMPLETE)
            return;
        if (!verification.result.rough) {
            EXPECT_EQ(verification.result.unreplayed, 0u);
        }
        EXPECT_EQ(verification.result.unnamed, 0u);
        expect_every_run_among(scenario, verification, seeds);
        more(seed, verification);
        searched++;
        refuted += verification.result.verdict == NS_VERIFY_REFUTED;
    });
    std::printf("%u programs, %u of them refuted\n", searched, refuted);
    if (count > 1) { // a mix that could show a difference
        EXPECT_GE(searched * 10, 8 * count);
        EXPECT_GE(refuted * 5, count);
        EXPECT_GE((searched - refuted) * 20, count);
    }
}

#endif
