// SPDX-License-Identifier: Apache-2.0
//
// What is missing is proposed and nothing else; what can go is found; each mutant is judged.
#include "support.h"

extern "C" {
#include "verify/repair.h"
}

#include <filesystem>
#include <fstream>
#include <sstream>

namespace {

const char *const header = "use machine \"one-core-wb64\"\ndevice nic irq done\n";

struct options_for_tests {
    options_for_tests() { ns_preset_source(&machines, names); }
    const char *names[NS_PRESET_LIMIT + 1];
    ns_machine_source machines;
    ns_repair_options get() const {
        ns_repair_options options{};
        options.machines = &machines;
        return options;
    }
};

class repaired {
  public:
    explicit repaired(const std::string &text, bool minimise = false) : scenario_(text) {
        ns_repair_options options = options_.get();
        options.minimise = minimise;
        char message[256] = "";
        EXPECT_EQ(ns_repair_scenario(scenario_.get(), &options, &result, message, sizeof message), NS_OK) << message;
    }
    ~repaired() { ns_repair_release(&result); }
    repaired(const repaired &) = delete;
    repaired &operator=(const repaired &) = delete;
    // The text of the best repair, once it has been verified again.
    std::string best() const {
        if (result.fix_count == 0)
            return "";
        const parsed_scenario again(result.fixes[0].text);
        const verified verification(again.get());
        EXPECT_EQ(verification.result.verdict, NS_VERIFY_PROVED) << result.fixes[0].text;
        return result.fixes[0].text;
    }
    ns_repair_result result{};

  private:
    options_for_tests options_;
    parsed_scenario scenario_;
};

// Inserts `line` in front of `before`.
std::string with(const std::string &text, const std::string &line, const std::string &before) {
    std::string changed = text;
    return changed.insert(changed.rfind(before), line + "\n");
}

struct missing {
    const char *name;
    const char *before, *line, *behind; // the whole program: before + line + behind, and the line is left out
};

const missing pieces[] = {
    {"TheCleanOfATransmission", "buffer tx size 64\ncpu0: store tx fill 0x5A\n", "cpu0: clean tx\n",
     "cpu0: doorbell nic\nnic: start\nnic: read tx\n"},
    {"TheInvalidateBehindAReception",
     "buffer rx size 64\ncpu0: store rx fill 1\ncpu0: invalidate rx\ncpu0: doorbell nic\nnic: start\nnic: "
     "write rx fill 7\nnic: raise done\ncpu0: wait done\n",
     "cpu0: invalidate rx\n", "cpu0: load rx[0..4] -> got\n"},
    {"TheFenceBetweenPayloadAndOwnership",
     "struct desc count 2 type nc\n  u32 len\n  u32 own\nend\ncpu0: store desc[0].len = 64\n", "cpu0: fence\n",
     "cpu0: store desc[0].own = 1\nnic: poll desc[0].own == 1\nnic: read desc[0].len\n"},
};

class MissingPiece : public testing::TestWithParam<missing> {};

} // namespace

TEST_P(MissingPiece, IsTheCheapestRepairOrOneOfTheSameCost) {
    const missing &piece = GetParam();
    const repaired repair(std::string(header) + piece.before + piece.behind);
    ASSERT_EQ(repair.result.before, NS_VERIFY_REFUTED);
    EXPECT_EQ(repair.best(), std::string(header) + piece.before + piece.line + piece.behind);
    EXPECT_FALSE(repair.result.only_separation);
}
INSTANTIATE_TEST_SUITE_P(Verify, MissingPiece, testing::ValuesIn(pieces),
                         [](const testing::TestParamInfo<missing> &one) { return std::string(one.param.name); });

TEST(Repair, OrdersTheRepairsByTheirCostAndPutsNonCacheableMemoryLast) {
    const repaired repair(std::string(header) + "buffer tx size 4096\ncpu0: store tx[0..4] = 1\ncpu0: doorbell nic\n"
                                                "nic: start\nnic: read tx[0..4]\n");
    ASSERT_GT(repair.result.fix_count, 1u);
    for (size_t i = 1; i < repair.result.fix_count; i++) {
        const ns_repair_fix &one = repair.result.fixes[i - 1], &next = repair.result.fixes[i];
        if (one.uncached == next.uncached && one.retimes == next.retimes) {
            EXPECT_LE(one.cost_ps, next.cost_ps);
        } else {
            EXPECT_LT(2 * one.uncached + one.retimes, 2 * next.uncached + next.retimes);
        }
    }
    // 64 lines cost more than one
    EXPECT_NE(repair.best().find("cpu0: clean tx[0..4]\n"), std::string::npos);
}

TEST(Repair, MovesADoorbellBehindTheCleanThatItShouldHaveWaitedFor) {
    const std::string text = std::string(header) + "buffer tx size 64\ncpu0: store tx fill 1\ncpu0: doorbell nic\n"
                                                   "cpu0: clean tx\nnic: start\nnic: read tx\n";
    const repaired repair(text);
    EXPECT_EQ(repair.best(), std::string(header) + "buffer tx size 64\ncpu0: store tx fill 1\ncpu0: clean tx\n"
                                                   "cpu0: doorbell nic\nnic: start\nnic: read tx\n");
    EXPECT_LE(repair.result.fixes[0].cost_ps, 0); // nothing is added
}

TEST(Repair, NeverMovesWhatTheProgramComputes) {
    const repaired repair(std::string(header) + "buffer a size 64\ncpu0: store a fill 1\ncpu0: load a[0..4]\ncpu0: "
                                                "doorbell nic\nnic: start\nnic: read a\ncpu0: store a fill 2\n");
    for (size_t i = 0; i < repair.result.fix_count; i++) {
        const std::string text = repair.result.fixes[i].text;
        const size_t first = text.find("store a fill 1"), load = text.find("load a[0..4]");
        const size_t read = text.find("nic: read a"), second = text.find("store a fill 2");
        EXPECT_TRUE(first < load && load < second && read < second) << text;
    }
}

// The line has two owners when cpu1 stores, whatever cpu0 does and when: one step of another hart has no better time.
const char *const two_harts = "machine \"two\" from \"one-core-wb64\"\n  harts 2\nend\nuse machine \"two\"\n"
                              "device nic irq done\n";

TEST(Repair, SaysThatOnlySeparationHelpsWhereTwoSidesWriteOneLine) {
    const std::string text =
        std::string(two_harts) +
        "struct priv\n  u8 rx[48]\n  u32 counter\nend\ncpu0: flush priv.rx\ncpu0: doorbell nic\nnic: start\n"
        "cpu1: store priv.counter = 2\nnic: write priv.rx fill 0xAB\nnic: raise done\ncpu0: wait done\n"
        "cpu0: invalidate priv.rx\ncpu0: load priv.rx[0..4] -> got\ncpu1: load priv.counter -> c\n";
    const repaired repair(text);
    EXPECT_TRUE(repair.result.only_separation);
    EXPECT_EQ(repair.best(), with(text, "  pad 16", "  u32 counter"));
}

TEST(Repair, SeparatesObjectsThatTheirAddressesPutIntoOneLine) {
    const std::string end = "cpu0: flush rx\ncpu0: doorbell nic\nnic: start\ncpu1: store counter fill 2\nnic: write rx "
                            "fill 0xAB\nnic: raise done\ncpu0: wait done\ncpu0: invalidate rx\ncpu0: load rx[0..4]\n"
                            "cpu1: load counter[0..4] -> c\n";
    const std::string rx = std::string(two_harts) + "buffer rx size 48 at 0x80000000\n";
    const repaired repair(rx + "buffer counter size 16 at 0x80000030\n" + end);
    EXPECT_TRUE(repair.result.only_separation);
    EXPECT_EQ(repair.best(), rx + "buffer counter size 16\n" + end);
}

// A line that is shared, and repaired without being separated: the exercise of the first lab, with both of its mistakes
// or one of them. `sent`: what stands where the line is given away; `early`, `late`: where the counter may go up.
std::string neighbour(const std::string &sent, const std::string &early, const std::string &late) {
    return std::string(header) +
           "struct card\n  u8 frame[96]\n  u32 packets\nend\ncpu0: store card.packets = 7\ncpu0: " + sent +
           " card.frame\ncpu0: doorbell nic\n" + early +
           "nic: start\nnic: write card.frame fill 0xAB\nnic: raise done\ncpu0: wait done\n"
           "cpu0: invalidate card.frame\n" +
           late + "cpu0: load card.frame -> got\ncpu0: load card.packets -> count\n";
}
const std::string counts = "cpu0: store card.packets = 8\n";

bool proposes(const repaired &repair, const std::string &text) {
    for (size_t i = 0; i < repair.result.fix_count; i++)
        if (repair.result.fixes[i].text == text)
            return true;
    return false;
}

TEST(Repair, ReplacesAnInvalidateByAFlushAndMovesAStoreBeforeItSpeaksOfSeparation) {
    const std::string right = neighbour("flush", "", counts);
    for (const std::string &broken :
         {neighbour("invalidate", "", counts), neighbour("flush", counts, ""), neighbour("invalidate", counts, "")}) {
        SCOPED_TRACE(broken);
        const repaired repair(broken);
        ASSERT_EQ(repair.result.before, NS_VERIFY_REFUTED);
        EXPECT_TRUE(proposes(repair, right));
        EXPECT_FALSE(repair.result.only_separation);
        EXPECT_FALSE(repair.result.exhausted);
        // Those that leave the store alone come first, and non-cacheable memory last.
        for (size_t i = 1; i < repair.result.fix_count; i++) {
            const ns_repair_fix &one = repair.result.fixes[i - 1], &next = repair.result.fixes[i];
            EXPECT_LE(2 * one.uncached + one.retimes, 2 * next.uncached + next.retimes);
        }
    }
}

TEST(Repair, MovesAStoreOnlyWhereNobodyElseSeesItsBytesAndTheProgramComputesTheSame) {
    // Loads of these bytes on both sides, another hart, a second name: the store stays where it is.
    const std::string begin = neighbour("flush", counts, "");
    const auto stays = [](const std::string &text) {
        const repaired repair(text);
        EXPECT_EQ(repair.result.before, NS_VERIFY_REFUTED);
        for (size_t i = 0; i < repair.result.fix_count; i++) {
            const std::string fixed = repair.result.fixes[i].text;
            const size_t bell = fixed.find("cpu0: doorbell"), wait = fixed.find("cpu0: wait");
            const size_t at = fixed.find("packets = 8\n");
            EXPECT_TRUE(bell < at && at < wait) << fixed;
        }
    };
    stays(with(with(begin, "cpu0: load card.packets -> before", "cpu0: wait"), "cpu0: load card.packets -> b",
               "cpu0: doorbell"));
    const std::string two = std::string(two_harts) + begin.substr(std::string(header).size());
    stays(two + "cpu1: load card.packets -> seen\n");
    stays(with(begin, "alias other of card type nc", "cpu0: store card.packets = 7"));
}

TEST(Repair, PutsWhatDropsStoredBytesBehindAllThatKeepThemAndSaysHowMany) {
    // Nobody reads `status` again, so that an invalidate behind its store is no hazard; but 7 is what the driver wants.
    const repaired repair(std::string(header) + "struct s align 64\n  u32 status\n  u8 data[60]\nend\n"
                                                "cpu0: invalidate s\ncpu0: store s.status = 7\ncpu0: doorbell nic\n"
                                                "nic: start\nnic: write s.data fill 0xAB\nnic: raise done\n"
                                                "cpu0: wait done\ncpu0: invalidate s.data\n"
                                                "cpu0: load s.data[0..4] -> got\n");
    ASSERT_EQ(repair.result.before, NS_VERIFY_REFUTED);
    ASSERT_GT(repair.result.fix_count, 0u);
    EXPECT_EQ(repair.result.discarded, 0u);
    EXPECT_EQ(repair.result.fixes[0].discards, 0u);
    bool discards = false;
    for (size_t i = 0; i < repair.result.fix_count; i++) {
        const bool here = repair.result.fixes[i].discards > 0;
        EXPECT_TRUE(here || !discards) << repair.result.fixes[i].text;
        if (here) {
            EXPECT_EQ(repair.result.fixes[i].discards, 4u) << repair.result.fixes[i].text;
        }
        discards = discards || here;
    }
    EXPECT_TRUE(discards); // such changes are found: the test says something
}

TEST(Repair, NeverMovesAStoreOverWhatGivesItsValue) {
    const std::string text = std::string(header) + "struct s align 64\n  u8 data[32]\n  u32 own\nend\n"
                                                   "buffer tx size 64\ncpu0: doorbell nic\nnic: start\n"
                                                   "nic: read tx[0..4] -> r\nnic: raise done\ncpu0: wait done\n"
                                                   "cpu0: store s.own = r\ncpu0: doorbell nic\nnic: start\n"
                                                   "nic: write s.data fill 0xAB\nnic: raise done\ncpu0: wait done\n"
                                                   "cpu0: invalidate s.data\ncpu0: load s.data[0..4] -> got\n";
    const repaired repair(text);
    ASSERT_EQ(repair.result.before, NS_VERIFY_REFUTED);
    for (size_t i = 0; i < repair.result.fix_count; i++) {
        const std::string fixed = repair.result.fixes[i].text;
        EXPECT_LT(fixed.find("-> r"), fixed.find("s.own = r")) << fixed;
    }
}

TEST(Repair, NoChangedStepKeepsWhatWasExpectedOfTheBug) {
    std::string text = neighbour("invalidate", "", counts);
    const std::string step = "cpu0: invalidate card.frame\ncpu0: doorbell";
    text.replace(text.find(step), step.size(),
                 "cpu0: invalidate card.frame expect LS-INVAL-NEIGHBOUR # why\ncpu0: doorbell");
    const repaired repair(text);
    ASSERT_GT(repair.result.fix_count, 0u);
    bool replaced = false;
    for (size_t i = 0; i < repair.result.fix_count; i++) {
        const std::string fixed = repair.result.fixes[i].text;
        EXPECT_EQ(fixed.find("expect"), std::string::npos) << fixed;
        replaced = replaced || fixed.find("cpu0: flush card.frame  # why\n") != std::string::npos;
    }
    EXPECT_TRUE(replaced);
}

TEST(Repair, LeavesAProvedScenarioAlone) {
    const repaired repair(std::string(header) + "buffer tx size 64\ncpu0: store tx fill 1\ncpu0: clean tx\ncpu0: "
                                                "doorbell nic\nnic: start\nnic: read tx\n");
    EXPECT_EQ(repair.result.before, NS_VERIFY_PROVED);
    EXPECT_EQ(repair.result.fix_count, 0u);
}

TEST(Minimise, TakesOutWhatTheProofDoesNotNeedAndSaysWhatItSaves) {
    const std::string begin = std::string(header) + "buffer tx size 64\ncpu0: store tx fill 1\n",
                      end = "cpu0: doorbell nic\nnic: start\nnic: read tx\n";
    const repaired repair(begin + "cpu0: clean tx\ncpu0: clean tx\ncpu0: fence\n" + end, true);
    ASSERT_EQ(repair.result.fix_count, 1u);
    EXPECT_EQ(repair.best(), begin + "cpu0: clean tx\n" + end);
    EXPECT_LT(repair.result.fixes[0].cost_ps, 0);
}

TEST(Minimise, KeepsTheCleanThatKeepsStoredBytesFromAnInvalidateThatIsNeeded) {
    // The hardware does nothing by itself, so that no hazard comes without the clean; but the second half is lost.
    const std::string begin = "machine \"quiet\" from \"one-core-wb64\"\n  may nothing\nend\nuse machine \"quiet\"\n"
                              "device nic irq done\nbuffer rx size 64\ncpu0: store rx fill 1\n",
                      end = "cpu0: doorbell nic\nnic: start\nnic: write rx[0..32] fill 0xAB\nnic: raise done\n"
                            "cpu0: wait done\ncpu0: invalidate rx\ncpu0: load rx[0..4] -> got\n";
    EXPECT_EQ(repaired(begin + end).result.before, NS_VERIFY_PROVED);
    const repaired repair(begin + "cpu0: clean rx\n" + end, true);
    ASSERT_EQ(repair.result.before, NS_VERIFY_PROVED);
    for (size_t i = 0; i < repair.result.fix_count; i++)
        EXPECT_NE(std::string(repair.result.fixes[i].text).find("cpu0: clean rx"), std::string::npos);
}

TEST(Minimise, TakesTheCleanAsWellOnceTheInvalidateIsGone) {
    const std::string begin = std::string(header) + "buffer tx size 64\n", store = "cpu0: store tx fill 1\n";
    const repaired repair(begin + store + "cpu0: clean tx\ncpu0: invalidate tx\n", true);
    ASSERT_EQ(repair.result.fix_count, 1u);
    EXPECT_EQ(repair.best(), begin + store);
}

TEST(Mutants, OfARepairedScenarioAreRefutedOrRedundant) {
    namespace fs = std::filesystem;
    const options_for_tests machines;
    size_t scenarios = 0, refuted = 0;
    for (const auto &entry : fs::directory_iterator(std::string(NS_PROJECT_FOLDER) + "/scenarios/bugs")) {
        const std::string path = entry.path().string();
        if (path.size() < 10 || path.compare(path.size() - 10, 10, "-fixed.dma") != 0)
            continue;
        SCOPED_TRACE(path);
        std::ifstream in(path, std::ios::binary);
        std::stringstream text;
        text << in.rdbuf();
        const parsed_scenario scenario(text.str(), path.c_str());
        ASSERT_TRUE(scenario.good());
        if (ns_verify_engine(scenario.get()) != nullptr)
            continue;
        const ns_repair_options options = machines.get();
        ns_mutate_result result;
        char message[256] = "";
        ASSERT_EQ(ns_mutate_scenario(scenario.get(), &options, &result, message, sizeof message), NS_OK) << message;
        EXPECT_EQ(result.before, NS_VERIFY_PROVED);
        EXPECT_EQ(result.incomplete, 0u);
        refuted += result.refuted;
        scenarios++;
        ns_mutate_release(&result);
    }
    EXPECT_GT(scenarios, 80u);
    EXPECT_GT(refuted, scenarios); // more than one piece of each is needed
}

TEST(Mutants, ShowWhichPieceIsNeededAndWhichIsNot) {
    const parsed_scenario scenario(std::string(header) + "buffer tx size 64\ncpu0: store tx fill 1\ncpu0: clean tx\n"
                                                         "cpu0: clean tx\ncpu0: doorbell nic\nnic: start\nnic: read "
                                                         "tx\nnic: raise done\ncpu0: wait done\ncpu0: store tx fill "
                                                         "2\ncpu0: clean tx\ncpu0: load tx[0..4] -> got\n");
    const options_for_tests machines;
    const ns_repair_options options = machines.get();
    ns_mutate_result result;
    ASSERT_EQ(ns_mutate_scenario(scenario.get(), &options, &result, nullptr, 0), NS_OK);
    bool wait_needed = false, last_clean_redundant = false;
    for (size_t i = 0; i < result.count; i++) {
        const ns_mutant &mutant = result.mutants[i];
        if (mutant.mutation != NS_MUTATION_DROP)
            continue;
        if (mutant.line == 5 || mutant.line == 6) {
            EXPECT_EQ(mutant.verdict, NS_MUTANT_REDUNDANT); // either is enough
        }
        wait_needed |= mutant.line == 11 && mutant.verdict == NS_MUTANT_REFUTED;
        last_clean_redundant |= mutant.line == 13 && mutant.verdict == NS_MUTANT_REDUNDANT;
    }
    EXPECT_TRUE(wait_needed); // without it the second store races with the device's read
    EXPECT_TRUE(last_clean_redundant);
    ns_mutate_release(&result);
}
