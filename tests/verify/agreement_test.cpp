// SPDX-License-Identifier: Apache-2.0
//
// The verifier against the naive explorer: verdicts, what is found where, and the length of the shortest way.
#include "naive.h"
#include "support.h"

#include <set>

namespace {

constexpr size_t naive_limit = 300000; // states

const char *symptom_class(ns_symptom symptom) {
    switch (symptom) {
    case NS_SYMPTOM_STALE:
        return "stale";
    case NS_SYMPTOM_LOST:
        return "lost";
    case NS_SYMPTOM_OWNERSHIP:
    case NS_SYMPTOM_ORDER:
        return "ownership";
    case NS_SYMPTOM_LEAK:
        return "leak";
    case NS_SYMPTOM_HANG:
        return "hang";
    default:
        return nullptr; // alignment, misuse: not what the search is about
    }
}

uint64_t number_of(const char *name, uint64_t otherwise) {
    const char *text = std::getenv(name);
    return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

struct tally {
    unsigned proved = 0, refuted = 0, skipped = 0;
};

// The program on another machine than it was made for.
struct variant {
    bool local = false;
    const char *prefetcher = nullptr;
    unsigned entries = 64;
};

bool has_mappings(const naive::program &program) {
    for (const auto &actor : program.actors)
        for (const naive::step &one : actor)
            if (one.what == naive::verb::map || one.what == naive::verb::sync_cpu ||
                one.what == naive::verb::sync_device)
                return true;
    return false;
}

void compare(uint64_t seed, tally *tally, const variant &on = {}) {
    naive::program program = naive::generate(seed);
    if ((on.local && program.on.harts < 2) || (on.prefetcher != nullptr && !program.on.may_fill))
        return;
    program.on.local = on.local;
    program.on.prefetcher = on.prefetcher;
    const bool small = on.entries < 64;
    if (small) { // all that can be is non-cacheable
        program.on.may_drain = true;
        program.on.entries = on.entries;
        if (!has_mappings(program)) {
            program.nc_lines += program.lines;
            program.lines = 0;
        }
        if (program.nc_lines == 0)
            return;
    }
    std::vector<unsigned> lines;
    const std::string text = naive::print(program, "generated", &lines);
    SCOPED_TRACE("NS_TEST_SEED=" + std::to_string(seed) + "\n" + text);
    const naive::result expected = naive::explore(program, naive_limit);
    if (!expected.complete) {
        tally->skipped++;
        return;
    }
    const parsed_scenario scenario(text);
    ASSERT_TRUE(scenario.good());
    const verified found(scenario.get());
    ASSERT_EQ(found.status, NS_OK);
    ASSERT_NE(found.result.verdict, NS_VERIFY_INCOMPLETE) << found.result.reason;
    EXPECT_EQ(found.result.unreplayed, 0u);

    std::set<std::string> wanted, got;
    for (const naive::finding &one : expected.findings)
        wanted.insert(one.symptom == "hang" ? one.symptom : one.symptom + " " + std::to_string(lines[one.step]));
    uint32_t shortest = UINT32_MAX;
    for (size_t i = 0; i < found.result.hazard_count; i++) {
        const char *symptom = symptom_class(found.hazard(i).symptom);
        if (symptom == nullptr)
            continue;
        const bool hang = found.hazard(i).symptom == NS_SYMPTOM_HANG;
        got.insert(hang ? symptom : symptom + (" " + std::to_string(found.line(i))));
        if (!hang)
            shortest = std::min(shortest, found.result.hazards[i].length);
    }
    EXPECT_EQ(got, wanted) << "naive states " << expected.states;
    // What a small buffer pushes out by itself the search may count as a move (docs/verify.md).
    if (expected.shortest != 0 && !small) {
        EXPECT_EQ(shortest, expected.shortest);
    }
    (wanted.empty() ? tally->proved : tally->refuted)++;
}

} // namespace

TEST(Agreement, VerdictsFindingsAndShortestWaysAreThoseOfTheNaiveExplorer) {
    const uint64_t programs = number_of("NS_TEST_PROGRAMS", 500);
    tally tally;
    if (std::getenv("NS_TEST_SEED") != nullptr) {
        compare(number_of("NS_TEST_SEED", 0), &tally);
        return;
    }
    for (uint64_t seed = 1; seed <= programs && !HasFatalFailure(); seed++) {
        compare(seed, &tally);
        if (HasFailure())
            break;
    }
    std::printf("%u proved, %u refuted, %u too large for the naive explorer\n", tally.proved, tally.refuted,
                tally.skipped);
    if (!HasFailure()) { // a mix that could show a difference
        EXPECT_GE(tally.proved * 10, programs);
        EXPECT_GE(tally.refuted * 5, programs);
        EXPECT_LE(tally.skipped * 5, programs);
    }
}

// A prefetcher adds nothing to a machine that may fill any line, and must not get in the way of a replay.
TEST(Agreement, HoldsOnMachinesWithAPrefetcherAndEveryCounterexampleReplaysThere) {
    const uint64_t programs = number_of("NS_TEST_PROGRAMS", 500);
    const uint64_t only = number_of("NS_TEST_SEED", 0);
    tally tally;
    for (uint64_t seed = only != 0 ? only : 1; seed <= (only != 0 ? only : programs) && !HasFailure(); seed++)
        compare(seed, &tally, {false, seed % 2 == 0 ? "next-line" : "stride"});
    std::printf("%u proved, %u refuted\n", tally.proved, tally.refuted);
    if (!HasFailure() && only == 0) {
        EXPECT_GE(tally.refuted * 5, programs);
    }
}

// The generated programs with two harts, where maintenance stays on its hart.
TEST(Agreement, HoldsWhereMaintenanceReachesOneHartOnly) {
    const uint64_t programs = number_of("NS_TEST_PROGRAMS", 500);
    tally tally;
    if (std::getenv("NS_TEST_SEED") != nullptr) {
        compare(number_of("NS_TEST_SEED", 0), &tally, {true});
        return;
    }
    for (uint64_t seed = 1; seed <= programs && !HasFailure(); seed++)
        compare(seed, &tally, {true});
    std::printf("%u proved, %u refuted, %u too large for the naive explorer\n", tally.proved, tally.refuted,
                tally.skipped);
    if (!HasFailure()) {
        EXPECT_GT(tally.proved, 0u);
        EXPECT_GE(tally.refuted * 20, programs);
    }
}

// Store buffers in which not all of a program's stores have room.
TEST(Agreement, HoldsWithSmallStoreBuffers) {
    const uint64_t programs = number_of("NS_TEST_PROGRAMS", 500);
    const uint64_t only = number_of("NS_TEST_SEED", 0);
    tally tally;
    for (uint64_t seed = only != 0 ? only : 1; seed <= (only != 0 ? only : programs) && !HasFailure(); seed++)
        compare(seed, &tally, {false, nullptr, 1u + static_cast<unsigned>(seed % 4)});
    std::printf("%u proved, %u refuted, %u too large for the naive explorer\n", tally.proved, tally.refuted,
                tally.skipped);
    if (!HasFailure() && only == 0) {
        EXPECT_GE(tally.proved * 20, programs);
        EXPECT_GE(tally.refuted * 5, programs);
    }
}
