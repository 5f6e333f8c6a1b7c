// SPDX-License-Identifier: Apache-2.0
//
// Random programs whose memory changes its type, on machines with harts that do nothing: what is left out of the search
// there shows nothing that is not found without it, and no run shows more.
#include "run_hazards.h"
#include "support.h"

#include <map>
#include <random>

namespace {

class alias {
  public:
    explicit alias(uint64_t seed) : random_(seed) {}
    std::string text() {
        machine();
        objects();
        steps();
        return out_;
    }

  private:
    std::mt19937_64 random_;
    std::string out_;
    unsigned harts_ = 1;

    unsigned below(unsigned n) { return static_cast<unsigned>(random_() % n); }
    bool chance(unsigned one_in) { return below(one_in) == 0; }
    void line(const std::string &text) { out_ += text + "\n"; }

    void machine() {
        harts_ = 1 + below(3);
        line("machine \"g\" from \"one-core-wb64\"\n  harts " + std::to_string(harts_));
        std::string may;
        for (const char *word : {"speculative-fill", "evict", "drain"})
            if (!chance(4))
                may += (may.empty() ? "" : ", ") + std::string(word);
        if (chance(5))
            may += (may.empty() ? "" : ", ") + std::string("late-maintenance");
        line("  may " + (may.empty() ? "nothing" : may));
        if (chance(3))
            line(std::string("  fill ") + (chance(2) ? "ordered" : "escaping"));
        line("  store-buffer " + std::string(chance(2) ? "0" : "4") + " entries lazy");
        line("  posted-writes " + std::string(chance(2) ? "0" : "4") + " entries lazy\nend\nuse machine \"g\"");
        line("device nic irq done" + std::string(chance(4) ? " snoops yes" : ""));
    }
    void objects() {
        line("buffer b size 64 align 4096" + std::string(chance(3) ? " type nc" : ""));
        if (chance(2))
            line("cpu0: store b fill 1");
        if (chance(2))
            line("cpu0: alloc-coherent for nic size 64 " + std::string(chance(3) ? "skip-flush " : "") + "-> c");
        else
            line("cpu0: set-attr b " + std::string(chance(3) ? "cacheable" : "nc") +
                 (chance(2)   ? " sequence"
                  : chance(3) ? " sequence without-flush"
                              : ""));
    }
    std::string object() { return out_.find("-> c") != std::string::npos && !chance(4) ? "c" : "b"; }
    std::string range() { return object() + (chance(2) ? "" : "[0..8]"); }
    std::string hart() { return "cpu" + std::to_string(chance(4) ? below(harts_) : 0u) + ": "; }
    std::string value() { return " fill " + std::to_string(1 + below(200)); }
    void hart_step() {
        static const char *const words[] = {"store", "store", "load", "load", "clean", "invalidate", "flush"};
        const unsigned which = below(9);
        if (which < 7)
            line(hart() + words[which] + " " + range() + (which < 2 ? value() : ""));
        else if (which == 7)
            line(hart() + "fence");
        else
            line("cpu0: " + (chance(3) ? "set-attr b " + std::string(chance(2) ? "cacheable" : "nc")
                                       : "sfence" + std::string(chance(2) ? " all-harts" : "")));
    }
    void steps() {
        for (unsigned i = below(3); i > 0; i--)
            hart_step();
        const bool rings = !chance(3);
        if (rings)
            line(std::string(chance(2) ? "cpu0: fence\n" : "") + "cpu0: doorbell nic\nnic: start");
        for (unsigned i = 1 + below(2); i > 0; i--)
            line(chance(2) ? "nic: read " + range() : "nic: write " + range() + value());
        if (rings && chance(2))
            line("nic: raise done\ncpu0: wait done");
        else if (chance(2))
            line("nic: write b[0..4] fill 9\ncpu0: poll b[0..4] == 0x09090909");
        for (unsigned i = 1 + below(3); i > 0; i--)
            hart_step();
    }
};

// By rule, line and symptom: the steps and moves of the shortest way.
std::map<std::tuple<int, uint32_t, int>, uint32_t> lengths_of(const verified &verification) {
    std::map<std::tuple<int, uint32_t, int>, uint32_t> lengths;
    for (size_t i = 0; i < verification.result.hazard_count; i++) {
        const ns_verify_hazard &one = verification.result.hazards[i];
        const ns_hazard &hazard = one.log->hazard[one.index];
        lengths[{hazard.id, hazard.site, hazard.symptom}] = one.length;
    }
    return lengths;
}

} // namespace

TEST(AliasPrograms, ShowNothingInRunsThatTheSearchHasNotFoundAndEveryCounterexampleIsShown) {
    search_programs(
        4, [](uint64_t seed) { return alias(seed).text(); }, [](uint64_t, const verified &) {}, 50);
}

TEST(AliasPrograms, ShowTheSameOnWaysOfTheSameLengthWhereNothingIsLeftOut) {
    const uint64_t only = number_of("NS_TEST_SEED", 0), first = only != 0 ? only : 1;
    const uint64_t last = only != 0 ? only : number_of("NS_TEST_PROGRAMS", 50);
    const bool go_on = std::getenv("NS_TEST_GO_ON") != nullptr;
    unsigned compared = 0, refuted = 0, smaller = 0;
    for (uint64_t seed = first; seed <= last && (go_on || !HasFailure()); seed++) {
        const std::string text = alias(seed).text();
        SCOPED_TRACE("NS_TEST_SEED=" + std::to_string(seed) + "\n" + text);
        const parsed_scenario scenario(text);
        ASSERT_TRUE(scenario.good());
        ns_verify_options options{};
        options.state_limit = 20000;
        const verified reduced(scenario.get(), options);
        options.unreduced = true;
        const verified whole(scenario.get(), options);
        if (whole.result.reason[0] != '\0') // not all was explored
            continue;
        EXPECT_STREQ(reduced.result.reason, "");
        compared++;
        refuted += whole.result.verdict == NS_VERIFY_REFUTED;
        smaller += reduced.result.stats.states < whole.result.stats.states;
        EXPECT_EQ(reduced.result.verdict, whole.result.verdict);
        EXPECT_EQ(lengths_of(reduced), lengths_of(whole));
    }
    std::printf("%u programs, %u of them refuted, %u in fewer states\n", compared, refuted, smaller);
    EXPECT_GT(smaller, compared / 4);
}
