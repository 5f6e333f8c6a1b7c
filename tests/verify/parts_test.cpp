// SPDX-License-Identifier: Apache-2.0
//
// Others come in the middle of an operation of which they poll a part (docs/verify.md).
#include "run_hazards.h"
#include "support.h"

#include <random>

namespace {

struct published {
    const char *name;
    const char *machine; // beside `may nothing`
    const char *buffer;  // its size and type
    const char *steps;
    ns_hazard_id shown; // NS_HAZARD_NONE: proved
    uint32_t line;      // of the step that meets it, counted in `steps` from 1
};

void PrintTo(const published &row, std::ostream *out) {
    *out << row.name;
}

// The machine's file decides in which parts an operation comes out: entries of 8 bytes, bursts of 64, lines of 64.
const published table[] = {
    {"AStoreThatItsBufferCannotHold", "store-buffer 1 entries lazy", "size 128 align 64 type nc",
     "cpu0: store b[0..120] fill 7\ncpu0: fence\nnic: poll b[0..4] == 0x07070707\nnic: read b[64..72]\n",
     NS_OR_DESC_PUBLISH, 4},
    {"ThePolledBytesLeaveItsBufferLast", "store-buffer 1 entries lazy", "size 128 align 64 type nc",
     "cpu0: store b[0..120] fill 7\ncpu0: fence\nnic: poll b[112..116] == 0x07070707\nnic: read b[64..72]\n",
     NS_HAZARD_NONE, 0},
    {"AStoreBeforeItIsOut", "store-buffer 1 entries lazy", "size 128 align 64 type nc",
     "cpu0: store b[64..72] fill 7\ncpu0: fence\ncpu0: store b[0..8] fill 7\ncpu0: fence\n"
     "nic: poll b[0..4] == 0x07070707\nnic: read b[64..72]\n",
     NS_HAZARD_NONE, 0},
    {"ABufferThatEmptiesAtOnce", "store-buffer 4 entries eager", "size 256 align 64 type nc",
     "cpu0: store b fill 7\nnic: poll b[0..4] == 0x07070707\nnic: read b[128..136]\n", NS_OR_DESC_PUBLISH, 3},
    {"AFenceTakesTheFlagOutFirst", "store-buffer 4 entries lazy", "size 128 align 64 type nc",
     "cpu0: store b[0..8] fill 7\ncpu0: store b[64..72] fill 7\ncpu0: fence\nnic: poll b[0..4] == 0x07070707\n"
     "nic: read b[64..72]\n",
     NS_OR_DRAIN, 5},
    {"AFenceTakesTheFlagOutLast", "store-buffer 4 entries lazy", "size 128 align 64 type nc",
     "cpu0: store b[64..72] fill 7\ncpu0: store b[0..8] fill 7\ncpu0: fence\nnic: poll b[0..4] == 0x07070707\n"
     "nic: read b[64..72]\n",
     NS_HAZARD_NONE, 0},
    {"BurstsThatNothingHolds", "posted-writes 0 entries", "size 512 align 64 type nc",
     "nic: write b fill 7\ncpu0: poll b[0..4] == 0x07070707\ncpu0: load b[448..456]\n", NS_OR_IRQ_BEFORE_DATA, 3},
    {"BurstsOfWhichTheLastIsPolled", "posted-writes 0 entries", "size 512 align 64 type nc",
     "nic: write b fill 7\ncpu0: poll b[508..512] == 0x07070707\ncpu0: load b[384..392]\n", NS_HAZARD_NONE, 0},
    {"OneBurst", "posted-writes 0 entries", "size 64 align 64 type nc",
     "nic: write b fill 7\ncpu0: poll b[0..4] == 0x07070707\ncpu0: load b[32..40]\n", NS_HAZARD_NONE, 0},
    {"BurstsThatTheirQueueCannotHold", "posted-writes 2 entries lazy", "size 512 align 64 type nc",
     "nic: write b fill 7\ncpu0: poll b[0..4] == 0x07070707\ncpu0: load b[192..200]\n", NS_OR_IRQ_BEFORE_DATA, 3},
    {"CleaningTheFlagBeforeTheRest", "", "size 256 align 64",
     "cpu0: store b fill 7\ncpu0: clean b\nnic: poll b[0..4] == 0x07070707\nnic: read b[128..136]\n",
     NS_OR_DESC_PUBLISH, 4},
    {"CleaningTheFlagBehindTheRest", "", "size 256 align 64",
     "cpu0: store b fill 7\ncpu0: clean b\nnic: poll b[252..256] == 0x07070707\nnic: read b[128..136]\n",
     NS_HAZARD_NONE, 0},
    {"CleaningTheRestFirst", "", "size 256 align 64",
     "cpu0: store b fill 7\ncpu0: clean b[64..256]\ncpu0: clean b[0..64]\nnic: poll b[0..4] == 0x07070707\n"
     "nic: read b[128..136]\n",
     NS_HAZARD_NONE, 0},
    {"ACacheableStoreThatAnotherHartSees", "harts 2", "size 256 align 64",
     "cpu0: store b fill 7\ncpu1: poll b[0..4] == 0x07070707\ncpu1: load b[128..136]\n", NS_OR_DESC_PUBLISH, 3},
    {"ACacheableStoreWhoseLinesBehindThePolledOneComeLater", "harts 2", "size 256 align 64",
     "cpu0: store b fill 7\ncpu1: poll b[124..128] == 0x07070707\ncpu1: load b\n", NS_OR_DESC_PUBLISH, 3},
    {"CleaningTheLinesBehindThePolledOneLater", "", "size 256 align 64",
     "cpu0: store b fill 7\ncpu0: clean b\nnic: poll b[124..128] == 0x07070707\nnic: read b\n", NS_OR_DESC_PUBLISH, 4},
    {"ACacheableStoreOfOneLine", "harts 2", "size 256 align 64",
     "cpu0: store b[0..64] fill 7\ncpu1: poll b[0..4] == 0x07070707\ncpu1: load b[32..40]\n", NS_HAZARD_NONE, 0},
};

std::string text_of(const published &row) {
    std::string text = "machine \"m\" from \"one-core-wb64\"\n  may nothing\n";
    if (row.machine[0] != '\0')
        text += "  " + std::string(row.machine) + "\n";
    return text + "end\nuse machine \"m\"\ndevice nic irq done\nbuffer b " + row.buffer + "\n" + row.steps;
}

} // namespace

class Published : public testing::TestWithParam<published> {};

TEST_P(Published, InPartsIsRefutedAndShownOrProved) {
    const published &row = GetParam();
    const std::string text = text_of(row);
    SCOPED_TRACE(text);
    const parsed_scenario scenario(text);
    ASSERT_TRUE(scenario.good());
    const verified found(scenario.get());
    EXPECT_EQ(found.result.unreplayed, 0u);
    if (row.shown == NS_HAZARD_NONE) {
        EXPECT_EQ(found.result.verdict, NS_VERIFY_PROVED);
        return;
    }
    const uint32_t before = 6 + (row.machine[0] != '\0');
    EXPECT_EQ(found.result.verdict, NS_VERIFY_REFUTED);
    EXPECT_EQ(hazards_of(found), (std::set<seen>{{row.shown, before + row.line}}));
}

INSTANTIATE_TEST_SUITE_P(Verify, Published, testing::ValuesIn(table),
                         [](const auto &row) { return std::string(row.param.name); });

namespace {

// Programs in which somebody polls a part of what others write: two actors, or three, each with its own order.
class polling {
  public:
    explicit polling(uint64_t seed) : random_(seed) {}
    // The same scenario on a faster or slower bus: time must not matter to the search.
    std::string text(unsigned pace) const {
        static const char *const paces[] = {"", "  bus-latency 400 ns\n", "  memory-latency 2 ns\n",
                                            "  dma-outstanding 1 bursts\n"};
        return head_ + paces[pace] + tail_;
    }
    void make() {
        harts_ = chance(4) ? 2 : 1;
        head_ = "machine \"g\" from \"one-core-wb64\"\n  harts " + number(harts_) + "\n";
        std::string may;
        for (const char *word : {"speculative-fill", "evict", "drain", "late-maintenance"})
            if (chance(word[0] == 'l' ? 5 : 3))
                may += (may.empty() ? "" : ", ") + std::string(word);
        head_ += "  may " + (may.empty() ? "nothing" : may) + "\n";
        head_ += "  store-buffer " + number(chance(4) ? 0 : 1u << below(4)) + " entries " + drain() + "\n";
        head_ += "  posted-writes " + number(chance(2) ? 0 : 1u << below(3)) + " entries " + drain() + "\n";
        if (chance(3))
            head_ += "  dma-burst " + number(16u << below(3)) + " bytes\n";
        line("end\nuse machine \"g\"\ndevice nic irq done" + std::string(chance(6) ? " snoops yes" : ""));
        size_ = 32 * (1 + below(8));
        line("buffer b size " + number(size_) + " align 64" + (chance(3) ? "" : " type nc"));
        line("buffer c size 64 align 64" + std::string(chance(2) ? "" : " type nc"));
        if (chance(3))
            backward();
        else
            forward();
    }

  private:
    std::mt19937_64 random_;
    std::string head_, tail_;
    unsigned harts_ = 1, size_ = 0;

    unsigned below(unsigned n) { return static_cast<unsigned>(random_() % n); }
    bool chance(unsigned one_in) { return below(one_in) == 0; }
    void line(const std::string &text) { tail_ += text + "\n"; }
    static std::string number(unsigned n) { return std::to_string(n); }
    std::string drain() { return chance(4) ? "eager" : chance(4) ? "after " + number(20 << below(6)) + " ns" : "lazy"; }
    std::string range() {
        if (chance(2))
            return "b";
        if (chance(5))
            return "c";
        const unsigned grain = chance(3) ? 4 : 16, units = size_ / grain, first = below(units);
        return part(grain * first, grain * (first + 1 + below(units - first)));
    }
    static std::string part(unsigned first, unsigned end) { return "b[" + number(first) + ".." + number(end) + "]"; }
    std::string poll(unsigned value) {
        const unsigned at = 4 * (chance(2) ? 0 : below(size_ / 4));
        char wanted[16];
        snprintf(wanted, sizeof wanted, "0x%08x", value * 0x01010101u);
        return "poll " + part(at, at + 4) + " == " + wanted;
    }
    // What a hart does before or behind, to whatever bytes. Who polls stores nothing: two stores that no edge orders
    // are told as a loss by a run (docs/fidelity.md).
    void hart_noise(const std::string &hart) {
        if (chance(6))
            line("hw: drain cpu0" + (chance(2) ? "" : " " + range()));
        switch (below(hart == "cpu1: " ? 2 : 6)) {
        case 0:
            line(hart + "clean " + range());
            break;
        case 1:
            line(hart + "flush " + range());
            break;
        case 2:
            line(hart + "store " + range() + " fill 9");
            break;
        case 3:
            line(hart + "load " + range());
            break;
        case 4:
            line(hart + "invalidate " + range());
            break;
        default:
            line(hart + "fence");
        }
    }
    // A hart writes, a device or another hart polls.
    void forward() {
        const unsigned stores = 1 + below(2);
        for (unsigned i = 0; i < stores; i++) {
            line("cpu0: store " + (i + 1 == stores ? "b" : range()) + " fill 7");
            if (chance(2))
                line(chance(2) ? "cpu0: fence" : "cpu0: clean " + range());
        }
        while (chance(3))
            hart_noise("cpu0: ");
        const std::string reader = harts_ == 2 && chance(2) ? "cpu1: " : "nic: ";
        if (reader == "nic: " && chance(3)) // all of the stores have come when it begins
            line("cpu0: doorbell nic\nnic: start");
        line(reader + poll(7));
        if (reader == "cpu1: " && chance(2))
            hart_noise(reader);
        line(reader + (reader == "nic: " ? "read " : "load ") + range());
    }
    // A device writes, a hart polls.
    void backward() {
        while (chance(2))
            hart_noise("cpu0: ");
        line("cpu0: fence\ncpu0: doorbell nic\nnic: start");
        if (chance(3))
            line("nic: write " + range() + " fill 5");
        line("nic: write b fill 7");
        line("cpu0: " + poll(7));
        while (chance(3))
            hart_noise("cpu0: ");
        line("cpu0: load " + range());
    }
};

} // namespace

// In free order the clock decides who comes between: whatever it shows, with several clocks, the search has found.
TEST(PollingPrograms, ShowNothingInRunsThatTheSearchHasNotFoundAndEveryCounterexampleIsShown) {
    const auto text_of = [](uint64_t seed, unsigned pace) {
        polling program(seed);
        program.make();
        return program.text(pace);
    };
    search_programs(
        4, [&](uint64_t seed) { return text_of(seed, 0); },
        [&](uint64_t seed, const verified &verification) {
            for (unsigned pace = 0; pace < 4 && text_of(seed, 0).find("hw:") == std::string::npos; pace++) {
                const parsed_scenario paced(text_of(seed, pace));
                expect_free_runs_among(paced.get(), verification, 1, pace == 0 ? 0 : 1);
            }
        });
}

// Any entry may stay in a buffer that is too small for a store, also the first one.
TEST(SmallStoreBuffer, LetsAnyOfItsEntriesStay) {
    const std::string before = "machine \"m\" from \"one-core-wb64\"\n  may drain\n  store-buffer ",
                      behind = " entries lazy\nend\nuse machine \"m\"\ndevice nic irq done\n"
                               "buffer b size 256 align 64 type nc\ncpu0: store b fill 7\ncpu0: doorbell nic\n"
                               "nic: start\nnic: poll b[64..68] == 0x07070707\nnic: read ";
    const auto found = [&](const char *entries, const char *read) {
        const std::string text = before + entries + behind + read + "\n";
        SCOPED_TRACE(text);
        const parsed_scenario scenario(text);
        EXPECT_TRUE(scenario.good());
        const verified verification(scenario.get());
        EXPECT_EQ(verification.result.unreplayed, 0u);
        return hazards_of(verification);
    };
    const std::set<seen> drain = {{NS_OR_DRAIN, 12}};
    EXPECT_EQ(found("2", "b[0..8]"), drain);
    EXPECT_EQ(found("2", "b[248..256]"), drain);
    EXPECT_EQ(found("1", "b[248..256]"), drain);
    EXPECT_EQ(found("1", "b[0..8]"), std::set<seen>{}); // the last one has driven it out
}

// Four entries into a buffer of two: the first one has left. Where `hw: drain` may come or not, at any time, that is
// not played through: the search lets it stay, no run shows it, and nothing is claimed.
TEST(RoughStoreBuffer, IsNeitherProvedNorRefutedByWhatNoRunShows) {
    const auto verdict = [](const std::string &may, const std::string &last) {
        const std::string text = "machine \"m\" from \"one-core-wb64\"\n  may " + may +
                                 "\n  store-buffer 2 entries lazy\nend\nuse machine \"m\"\ndevice nic irq done\n"
                                 "buffer b size 256 align 64 type nc\ncpu0: store b[0..8] fill 1\n"
                                 "cpu0: store b[64..72] fill 2\ncpu0: store b[128..136] fill 3\n"
                                 "cpu0: store b[192..200] fill 4\ncpu0: doorbell nic\nnic: start\n"
                                 "nic: read b[0..8]\n" +
                                 last;
        SCOPED_TRACE(text);
        const parsed_scenario scenario(text);
        EXPECT_TRUE(scenario.good());
        const verified verification(scenario.get());
        EXPECT_EQ(verification.result.hazard_count, verification.result.verdict == NS_VERIFY_REFUTED ? 1u : 0u);
        return verification.result.verdict;
    };
    EXPECT_EQ(verdict("evict", ""), NS_VERIFY_PROVED);
    EXPECT_EQ(verdict("evict", "hw: drain cpu0\n"), NS_VERIFY_INCOMPLETE);
    EXPECT_EQ(verdict("drain", "hw: drain cpu0\n"), NS_VERIFY_REFUTED); // it may stay: the others have left
}

// Eight entries of a store leave in any order: whoever reads some of them may find new and old ones side by side, or
// all old. Also where it reads only a part of the line. Whom nobody told is not told to wait.
TEST(TornRead, IsFoundInThePartOfALineThatIsRead) {
    const parsed_scenario scenario(
        "machine \"m\" from \"one-core-wb64\"\n  may drain\n  store-buffer 16 entries lazy\nend\nuse machine \"m\"\n"
        "device nic irq done\nbuffer b size 64 align 64 type nc\ncpu0: store b fill 7\n"
        "nic: read b[16..64]\nnic: read b[56..64]\n");
    ASSERT_TRUE(scenario.good());
    const verified verification(scenario.get());
    EXPECT_EQ(verification.result.unreplayed, 0u);
    // One entry alone is old or new.
    EXPECT_EQ(hazards_of(verification), (std::set<seen>{{NS_OR_TORN, 9}, {NS_OR_DRAIN, 9}, {NS_OR_DRAIN, 10}}));
}

// In written order a poll is alone: an entry whose time is over may leave between its look and the end of that look.
TEST(TimedQueue, IsNotAPollThatNeverEndsWhenItEmptiesDuringALook) {
    const parsed_scenario scenario(
        "machine \"m\" from \"one-core-wb64\"\n  may speculative-fill, evict, drain\n"
        "  store-buffer 0 entries\n  posted-writes 4 entries after 160 ns\nend\nuse machine \"m\"\n"
        "device nic irq done\nbuffer b size 256 align 64 type nc\n"
        "cpu0: clean b[160..208]\ncpu0: fence\ncpu0: doorbell nic\n"
        "nic: start\nnic: write b[0..176] fill 5\nnic: write b fill 7\n"
        "cpu0: poll b[32..36] == 0x07070707\n");
    ASSERT_TRUE(scenario.good());
    for (uint64_t seed = 0; seed <= 60; seed++) {
        ns_run_options options{};
        options.chaos = seed > 0;
        options.chaos_seed = seed;
        EXPECT_EQ(run(scenario.get(), options), std::set<seen>{}) << "--chaos " << seed;
    }
}

// The lines of a whole cache are visited in an order that is not followed: never called proved where somebody can see
// it. What can leave by itself, or what nobody polls, needs no order.
TEST(WholeCache, IsNotProvedWhileSomebodyPollsAPartOfIt) {
    const std::string machine = "machine \"m\" from \"one-core-wb64\"\n  may ", use = "end\nuse machine \"m\"\n",
                      cleans = "device nic irq done\nbuffer b size 256 align 64\ncpu0: store b fill 3\n"
                               "cpu0: clean all\n",
                      polls = "nic: poll b[0..1] == 0x03\n", rings = "cpu0: doorbell nic\nnic: start\n",
                      reads = "nic: read b\n";
    const auto verdict = [](const std::string &text) {
        SCOPED_TRACE(text);
        const parsed_scenario scenario(text);
        return verified(scenario.get()).result.verdict;
    };
    EXPECT_EQ(verdict(machine + "nothing\n" + use + cleans + polls + reads), NS_VERIFY_INCOMPLETE);
    EXPECT_EQ(verdict(machine + "nothing\n" + use + cleans + rings + reads), NS_VERIFY_PROVED);
    EXPECT_EQ(verdict(machine + "evict\n" + use + cleans + polls + reads), NS_VERIFY_REFUTED);
}
