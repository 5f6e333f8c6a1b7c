// SPDX-License-Identifier: Apache-2.0
//
// A run is one of the behaviours that the search explores: whatever a run shows, with or without the hardware's own
// moves, the search has found; and where only one behaviour exists, both show the same.
#include "naive.h"
#include "run_hazards.h"
#include "support.h"

#include <filesystem>
#include <fstream>
#include <sstream>

namespace {

namespace fs = std::filesystem;

std::vector<std::string> programs() {
    std::vector<std::string> found;
    for (const char *folder : {"/scenarios/bugs", "/tests/runs"})
        for (const auto &entry : fs::directory_iterator(std::string(NS_PROJECT_FOLDER) + folder))
            if (entry.path().extension() == ".dma")
                found.push_back(entry.path().string());
    std::sort(found.begin(), found.end());
    return found;
}

std::string read_file(const std::string &path) {
    std::ifstream in(path, std::ios::binary);
    std::stringstream text;
    text << in.rdbuf();
    return text.str();
}

bool ends_with(const std::string &text, const std::string &end) {
    return text.size() >= end.size() && text.compare(text.size() - end.size(), end.size(), end) == 0;
}

} // namespace

// A twelfth of the programs each, so that ctest can take them side by side; a new file needs no new list of tests.
class Catalogue : public testing::TestWithParam<unsigned> {};
constexpr unsigned parts = 12;

// Every shipped program: repaired ones are proved, the bugs refuted as they say, every counterexample replays on the
// timed machine, and no run, plain or with any seed, shows what the search has not found.
TEST_P(Catalogue, IsVerifiedAsItSaysReplaysAndHoldsWhateverRunsShow) {
    const uint64_t seeds = number_of("NS_TEST_SEEDS", 3);
    const std::vector<std::string> all = programs();
    ASSERT_GE(all.size(), parts);
    for (size_t i = GetParam(); i < all.size(); i += parts) {
        const std::string &path = all[i];
        SCOPED_TRACE(path);
        const parsed_scenario scenario(read_file(path), path.c_str());
        ASSERT_TRUE(scenario.good());
        if (scenario.get()->missing_requirement != nullptr)
            continue;
        const verified verification(scenario.get());
        ASSERT_EQ(verification.status, NS_OK);
        if (ns_verify_engine(scenario.get()) != nullptr) { // not searched, and never called proved
            EXPECT_EQ(verification.result.verdict, NS_VERIFY_INCOMPLETE);
            continue;
        }
        EXPECT_TRUE(verification.result.as_expected);
        EXPECT_EQ(verification.result.unreplayed, 0u);
        EXPECT_EQ(verification.result.unnamed, 0u);
        if (ends_with(path, "-fixed.dma")) {
            EXPECT_EQ(verification.result.verdict, NS_VERIFY_PROVED);
        } else if (path.find("/bugs/") != std::string::npos) {
            EXPECT_EQ(verification.result.verdict, NS_VERIFY_REFUTED);
        }
        expect_every_run_among(scenario.get(), verification, seeds);
    }
}

INSTANTIATE_TEST_SUITE_P(Part, Catalogue, testing::Range(0u, parts));

TEST(GeneratedPrograms, ShowNothingInRunsThatTheSearchHasNotFound) {
    const uint64_t only = number_of("NS_TEST_SEED", 0), first = only != 0 ? only : 1;
    const uint64_t last = only != 0 ? only : number_of("NS_TEST_PROGRAMS", 60), seeds = number_of("NS_TEST_SEEDS", 8);
    for (uint64_t seed = first; seed <= last && !HasFailure(); seed++) {
        std::vector<unsigned> lines;
        const std::string text = naive::print(naive::generate(seed), "generated", &lines);
        SCOPED_TRACE("NS_TEST_SEED=" + std::to_string(seed) + "\n" + text);
        const parsed_scenario scenario(text);
        ASSERT_TRUE(scenario.good());
        const verified verification(scenario.get());
        ASSERT_EQ(verification.status, NS_OK);
        expect_every_run_among(scenario.get(), verification, seeds);
    }
}

// Hardware that does nothing by itself, and actors that wait for each other at every step: a single behaviour.
TEST(GeneratedPrograms, ShowTheSameInTheRunAndInTheSearchWhereOnlyOneBehaviourExists) {
    const uint64_t only = number_of("NS_TEST_SEED", 0), first = only != 0 ? only : 1;
    const uint64_t programs = number_of("NS_TEST_PROGRAMS", 600), last = only != 0 ? only : programs;
    unsigned single = 0, hazardous = 0;
    for (uint64_t seed = first; seed <= last && !HasFailure(); seed++) {
        naive::program program = naive::generate(seed);
        program.on.may_fill = program.on.may_evict = program.on.may_drain = false;
        program.on.may_late = program.on.may_as_flush = program.on.may_irq_first = false;
        size_t steps = 0;
        for (const auto &actor : program.actors)
            steps += actor.size();
        const naive::result naive = naive::explore(program, steps + 2);
        if (!naive.complete ||
            naive.states != steps + 1) // as many states as steps and one: no state has two successors
            continue;
        std::vector<unsigned> lines;
        const std::string text = naive::print(program, "generated", &lines);
        SCOPED_TRACE("NS_TEST_SEED=" + std::to_string(seed) + "\n" + text);
        const parsed_scenario scenario(text);
        ASSERT_TRUE(scenario.good());
        const verified verification(scenario.get());
        ASSERT_EQ(verification.status, NS_OK);
        const std::set<seen> shown = run(scenario.get(), {});
        EXPECT_EQ(hazards_of(verification), shown);
        for (size_t i = 0; i < verification.result.observation_count; i++)
            EXPECT_EQ(verification.result.observations[i].found, NS_FOUND_ALWAYS);
        single++;
        hazardous += !shown.empty();
    }
    std::printf("%u programs with a single behaviour, %u of them with hazards\n", single, hazardous);
    if (only != 0)
        return;
    EXPECT_GE(single * 20, programs);
    EXPECT_GE(hazardous * 100, programs);
}
