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
    unsigned compared = 0, refuted = 0, smaller = 0;
    const auto text_of = [](uint64_t seed) { return alias(seed).text(); };
    each_program(text_of, 50, [&](uint64_t, const ns_scenario *scenario) {
        ns_verify_options options{};
        options.state_limit = 20000;
        const verified reduced(scenario, options);
        options.unreduced = true;
        const verified whole(scenario, options);
        if (whole.result.reason[0] != '\0') // not all was explored
            return;
        EXPECT_STREQ(reduced.result.reason, "");
        compared++;
        refuted += whole.result.verdict == NS_VERIFY_REFUTED;
        smaller += reduced.result.stats.states < whole.result.stats.states;
        EXPECT_EQ(reduced.result.verdict, whole.result.verdict);
        EXPECT_EQ(lengths_of(reduced), lengths_of(whole));
    });
    std::printf("%u programs, %u of them refuted, %u in fewer states\n", compared, refuted, smaller);
    EXPECT_GT(smaller, compared / 4);
}

// Old translations that have to be made between two changes, for a fill, or used again behind a newer one.
TEST(StaleTranslations, AreInCounterexamplesWhereTheMachineShowsThem) {
    const auto shown = [](const std::string &device, const std::string &steps) {
        const std::string text = "machine \"g\" from \"one-core-wb64\"\n  may speculative-fill, evict, drain\n"
                                 "  store-buffer 0 entries\n  posted-writes 4 entries lazy\nend\nuse machine \"g\"\n" +
                                 device + "buffer b size 64 align 4096\n" + steps;
        SCOPED_TRACE(text);
        const parsed_scenario scenario(text);
        ASSERT_TRUE(scenario.good());
        const verified found(scenario.get());
        EXPECT_EQ(found.result.verdict, NS_VERIFY_REFUTED);
        EXPECT_FALSE(found.result.rough);
        EXPECT_EQ(found.result.unreplayed, 0u);
    };
    const std::string nic = "device nic irq done\n", snoops = "device nic irq done snoops yes\n";
    shown(nic, "cpu0: set-attr b nc\ncpu0: flush b[0..8]\nnic: write b fill 19\ncpu0: set-attr b cacheable\n"
               "cpu0: load b\n"); // non-cacheable: between the changes
    shown(nic, "cpu0: set-attr b nc\nnic: read b\nnic: write b[0..4] fill 9\ncpu0: poll b[0..4] == 0x09090909\n"
               "cpu0: clean b\ncpu0: load b\n");                                       // a fill behind the change
    shown(snoops, "cpu0: set-attr b nc\ncpu0: store b[0..8] fill 190\nnic: read b\n"); // a fill that a device meets
    shown(nic, "cpu0: store b fill 1\ncpu0: set-attr b nc\ncpu0: fence\ncpu0: invalidate b\nnic: write b fill 183\n"
               "nic: write b[0..4] fill 9\ncpu0: poll b[0..4] == 0x09090909\ncpu0: set-attr b cacheable\n"
               "cpu0: load b[0..8]\ncpu0: store b fill 4\n"); // the new one, and then the old one
}
