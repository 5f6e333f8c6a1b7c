// SPDX-License-Identifier: Apache-2.0
//
// What the verdict, the observations, the limits and the machine's `may` list mean.
#include "run_hazards.h"
#include "support.h"

#include <csignal>
#include <fstream>
#include <iterator>
#include <set>

namespace {

const char *const header = "use machine \"one-core-wb64\"\ndevice nic irq done\n";
const char *const racing = "use machine \"one-core-wb64\"\ndevice nic irq done\nbuffer rx size 64\ncpu0: doorbell nic\n"
                           "nic: start\nnic: write rx fill 7\nnic: raise done\ncpu0: wait done\ncpu0: load rx[0..4] -> "
                           "got\n";

std::string on_machine(const std::string &options, const std::string &steps) {
    return "machine \"m\" from \"one-core-wb64\"\n" + options + "end\nuse machine \"m\"\ndevice nic irq done\n" + steps;
}

const ns_verify_observation *observation(const verified &found, const std::string &text) {
    for (size_t i = 0; i < found.result.observation_count; i++)
        if (found.result.observations[i].text == text)
            return &found.result.observations[i];
    return nullptr;
}

ns_verify_verdict verdict_of(const std::string &text) {
    const parsed_scenario scenario(text);
    const verified found(scenario.get());
    EXPECT_EQ(found.result.unreplayed, 0u);
    return found.result.verdict;
}

} // namespace

TEST(Observations, AreAllFinalValuesWithHowOftenTheyOccur) {
    const parsed_scenario scenario(racing); // a line that the hart speculatively filled hides what the device wrote
    const verified found(scenario.get());
    const ns_verify_observation *old = observation(found, "got == 0x00000000");
    const ns_verify_observation *newest = observation(found, "got == 0x07070707");
    ASSERT_NE(old, nullptr);
    ASSERT_NE(newest, nullptr);
    EXPECT_EQ(old->found, NS_FOUND_SOMETIMES);
    EXPECT_EQ(newest->found, NS_FOUND_SOMETIMES);
    EXPECT_EQ(found.result.observation_count, 2u);
}

TEST(Observations, JudgeAlwaysSometimesAndNeverOverAllBehaviours) {
    const std::string repaired =
        std::string(racing).insert(std::string(racing).find("cpu0: load"), "cpu0: invalidate rx\n");
    const struct {
        std::string program;
        const char *line;
        bool holds;
    } cases[] = {
        {repaired, "verify always got == 0x07070707", true},
        {repaired, "verify sometimes got == 0x07070707", true},
        {repaired, "verify never got == 0x07070707", false},
        {repaired, "verify always got == 0", false},
        {repaired, "verify sometimes got == 0", false},
        {repaired, "verify never got == 0", true},
        {racing, "verify always got == 0x07070707", false},
        {racing, "verify sometimes got == 0", true},
        {racing, "verify never got == 0", false},
    };
    for (const auto &one : cases) {
        SCOPED_TRACE(one.line);
        const parsed_scenario scenario(one.program + one.line + "\n");
        const verified found(scenario.get());
        ASSERT_GE(found.result.observation_count, 1u);
        const ns_verify_observation &judged = found.result.observations[0];
        EXPECT_NE(judged.line, 0u);
        EXPECT_TRUE(judged.judged);
        EXPECT_EQ(judged.held, one.holds);
        if (found.result.verdict == NS_VERIFY_PROVED) {
            EXPECT_EQ(found.result.as_expected, one.holds);
        }
    }
}

TEST(Observations, OfABehaviourThatGetsStuckAreThoseWhereItStands) {
    const parsed_scenario scenario(std::string(header) +
                                   "buffer a size 64\ncpu0: store a fill 5\ncpu0: load a[0..4] -> "
                                   "got\ncpu0: wait done\ncpu0: load a[0..4] -> never\nverify "
                                   "always got == 0x05050505\n");
    const verified found(scenario.get());
    EXPECT_TRUE(found.shows(NS_SYMPTOM_HANG));
    ASSERT_EQ(found.result.observation_count, 1u); // nothing of the load behind the wait
    EXPECT_TRUE(found.result.observations[0].judged);
    EXPECT_TRUE(found.result.observations[0].held);
}

// Each freedom alone decides a program that is right without it.
TEST(MayList, DecidesWhatIsExplored) {
    const std::string tx = "buffer tx size 64\ncpu0: store tx fill 1\ncpu0: clean tx\ncpu0: doorbell nic\nnic: start\n"
                           "nic: read tx\n";
    const std::string refetch = "buffer rx size 64\ncpu0: invalidate rx\ncpu0: doorbell nic\nnic: start\nnic: write rx "
                                "fill 7\nnic: raise done\ncpu0: wait done\ncpu0: load rx[0..4]\n";
    const std::string evicted = "buffer rx size 64\ncpu0: store rx fill 1\ncpu0: doorbell nic\nnic: start\nnic: write "
                                "rx fill 7\nnic: raise done\ncpu0: wait done\ncpu0: invalidate rx\ncpu0: load "
                                "rx[0..4]\n";
    const std::string publish = "struct desc count 2 type nc\n  u32 len\n  u32 own\nend\ncpu0: store desc[0].len = 4\n"
                                "cpu0: store desc[0].own = 1\nnic: poll desc[0].own == 1\nnic: read desc[0].len\n";
    const struct {
        const char *without, *with;
        const std::string &steps;
    } cases[] = {
        {"  may nothing\n", "  may speculative-fill\n", refetch},
        {"  may evict, drain\n", "  may evict, drain, speculative-fill\n", refetch},
    };
    for (const auto &one : cases) {
        SCOPED_TRACE(one.with + one.steps);
        EXPECT_EQ(verdict_of(on_machine(one.without, one.steps)), NS_VERIFY_PROVED);
        EXPECT_EQ(verdict_of(on_machine(one.with, one.steps)), NS_VERIFY_REFUTED);
    }
    // a dirty line that is never evicted is dropped by the invalidate: the device's bytes survive
    EXPECT_EQ(verdict_of(on_machine("  may speculative-fill\n", evicted)), NS_VERIFY_PROVED);
    EXPECT_EQ(verdict_of(on_machine("  may evict\n", evicted)), NS_VERIFY_REFUTED);
    // ... and where an invalidate may be performed as a flush, it writes them back itself
    EXPECT_EQ(verdict_of(on_machine("  may invalidate-as-flush\n", evicted)), NS_VERIFY_REFUTED);
    EXPECT_EQ(verdict_of(on_machine("  may drain\n", publish)), NS_VERIFY_REFUTED);
    // maintenance that may end late needs the fence
    const std::string fenced = std::string(tx).insert(tx.find("cpu0: doorbell"), "cpu0: fence\n");
    EXPECT_EQ(verdict_of(on_machine("  may late-maintenance, drain\n", fenced)), NS_VERIFY_PROVED);
}

// What the machine does without being free to: a set that gets more lines than it has ways evicts one of them.
TEST(MayList, IsWidenedByWhatTheCachesDoAnyway) {
    const std::string rx = "buffer rx size 64\ncpu0: store rx fill 1\ncpu0: doorbell nic\nnic: "
                           "start\nnic: write rx fill 7\nnic: raise done\n",
                      end = "cpu0: wait done\ncpu0: invalidate rx\ncpu0: load rx[0..4]\n";
    EXPECT_EQ(verdict_of(on_machine("  may nothing\n", rx + end)), NS_VERIFY_PROVED);
    // 1 MiB goes through the caches, whose sets it fills many times over
    const std::string big = "buffer other size 1M\n";
    EXPECT_EQ(verdict_of(on_machine("  may nothing\n", big + rx + "cpu0: load other\n" + end)), NS_VERIFY_REFUTED);
    for (const char *prefetcher : {"next-line", "stride"})
        EXPECT_EQ(verdict_of(on_machine(std::string("  may nothing\n  prefetcher ") + prefetcher + "\n",
                                        "buffer rx size 64\ncpu0: invalidate rx\ncpu0: doorbell nic\nnic: start\nnic: "
                                        "write rx fill 7\nnic: raise done\ncpu0: wait done\ncpu0: load rx[0..4]\n")),
                  NS_VERIFY_REFUTED)
            << prefetcher;
}

// In the run as written the prefetcher always brings the line of rx. Without it the load is not stale, and still not
// the hart's to make.
TEST(Replays, FindEachLineOfAStepThatGoesWrongInSeveral) {
    for (const char *name : {"", "-with-an-mpu", "-of-two-harts"}) {
        SCOPED_TRACE(name);
        std::ifstream file(std::string(NS_PROJECT_FOLDER "/tests/verify/replayed/a-step-that-fails-in-two-lines") +
                           name + ".dma");
        const std::string text{std::istreambuf_iterator<char>(file), {}};
        ASSERT_FALSE(text.empty());
        const parsed_scenario scenario(text);
        const verified found(scenario.get());
        EXPECT_EQ(found.result.verdict, NS_VERIFY_REFUTED);
        EXPECT_EQ(found.result.unreplayed, 0u);
    }
}

TEST(Replays, CanShowWhatHappensWhenThePrefetcherFillsNothing) {
    const struct {
        const char *prefetcher, *loads;
    } cases[] = {{"next-line", "cpu0: load list[128..132]\n"},
                 {"stride ahead 1", "cpu0: load list[0..4]\ncpu0: load list[64..68]\ncpu0: load list[128..132]\n"}};
    for (const auto &one : cases) {
        SCOPED_TRACE(one.prefetcher);
        const parsed_scenario scenario(
            on_machine(std::string("  may nothing\n  prefetcher ") + one.prefetcher + "\n",
                       std::string("buffer list size 192 align 4K\nbuffer rx size 64\n"
                                   "cpu0: map rx for nic from-device\n") +
                           one.loads +
                           "cpu0: doorbell nic\nnic: start\nnic: write rx fill 7\nnic: raise done\ncpu0: wait done\n"
                           "cpu0: load rx[0..4] -> got    expect DC-REFETCH\n"));
        const verified found(scenario.get());
        EXPECT_EQ(found.result.verdict, NS_VERIFY_REFUTED);
        EXPECT_EQ(found.result.unreplayed, 0u);
        std::set<std::string> ids;
        for (size_t i = 0; i < found.result.hazard_count; i++) {
            ASSERT_NE(found.result.hazards[i].log, nullptr);
            ids.insert(ns_hazard_text(found.result.hazards[i].log->hazard[found.result.hazards[i].index].id)->id);
        }
        EXPECT_EQ(ids, (std::set<std::string>{"DC-REFETCH", "OW-CPU-ACCESS"}));
        EXPECT_NE(observation(found, "got == 0x00000000"), nullptr);
        EXPECT_NE(observation(found, "got == 0x07070707"), nullptr);
    }
}

TEST(Limits, MakeAResultIncompleteAndNeverAProof) {
    // four devices at work at the same time on one line
    std::string text = "use machine \"one-core-wb64\"\nbuffer s size 64\n", rings, works, waits;
    for (const std::string d : {"0", "1", "2", "3"}) {
        text += "device n" + d + " irq i" + d + "\n";
        rings += "cpu0: doorbell n" + d + "\n";
        works += "n" + d + ": start\nn" + d + ": read s\nn" + d + ": read s\nn" + d + ": raise i" + d + "\n";
        waits += "cpu0: wait i" + d + "\n";
    }
    text += rings + works + waits;
    const parsed_scenario scenario(text);
    ns_verify_options states{}, memory{}, stopped{};
    states.state_limit = 50;
    memory.memory_limit = 4096;
    static volatile sig_atomic_t stop = 1;
    stopped.stop = &stop;
    for (const ns_verify_options *options : {&states, &memory, &stopped}) {
        SCOPED_TRACE(options == &states ? "states" : options == &memory ? "memory" : "stop");
        const verified found(scenario.get(), *options);
        EXPECT_EQ(found.result.verdict, NS_VERIFY_INCOMPLETE) << (options == &states   ? "states"
                                                                  : options == &memory ? "memory"
                                                                                       : "stop");
        EXPECT_STRNE(found.result.reason, "");
        EXPECT_FALSE(found.result.as_expected);
    }
    const verified all(scenario.get());
    EXPECT_EQ(all.result.verdict, NS_VERIFY_PROVED);
    EXPECT_GT(all.result.stats.states, 50u);
}

// Each of six pieces may hold the bytes of either hart, in either order: the states of the whole line are not needed
// for the register's two pieces.
TEST(Observations, OfAFewBytesNeedNotFollowTheWholeLine) {
    const parsed_scenario scenario(on_machine("  harts 2\n  may drain\n",
                                              "buffer n size 48 type nc\ncpu0: load n[28..36] -> r1\n"
                                              "cpu0: doorbell nic\nnic: start\nnic: read n[16..20]\nnic: raise done\n"
                                              "cpu0: wait done\ncpu1: store n fill 1\ncpu0: store n fill 4\n"));
    ASSERT_TRUE(scenario.good());
    const verified found(scenario.get());
    EXPECT_EQ(found.status, NS_OK);
    EXPECT_EQ(found.result.verdict, NS_VERIFY_REFUTED);
    EXPECT_EQ(found.result.observation_count, 4u); // neither entry of cpu1's store, one, the other, or both
}

TEST(Limits, DoNotHideAHazardThatWasFoundBeforeTheyWereMet) {
    const parsed_scenario scenario(racing);
    ns_verify_options options{};
    options.state_limit = 9;
    const verified found(scenario.get(), options);
    EXPECT_TRUE(found.result.verdict == NS_VERIFY_INCOMPLETE || found.result.hazard_count > 0);
    EXPECT_NE(found.result.verdict, NS_VERIFY_PROVED);
}

// Which hart takes memory first decides which one goes without.
TEST(Orders, OfCompetingAllocationsAreAllExplored) {
    const parsed_scenario scenario("machine \"two\" from \"one-core-wb64\"\n  harts 2\nend\nuse machine \"two\"\n"
                                   "pool p gen-pool size 4096 granule 64\ncpu0: alloc p size 3072 -> a\n"
                                   "cpu1: alloc p size 3072 -> b\n");
    const verified found(scenario.get());
    std::set<uint32_t> lines;
    for (size_t i = 0; i < found.result.hazard_count; i++)
        if (found.hazard(i).id == NS_PL_EXHAUSTED)
            lines.insert(found.line(i));
    EXPECT_EQ(lines, (std::set<uint32_t>{6, 7}));
    EXPECT_EQ(found.result.stats.orders, 2u);
    EXPECT_EQ(found.result.unreplayed, 0u);
}

// Bytes with the same history are one, lines with the same history are explored once.
TEST(Cost, DoesNotGrowWithTheLengthOfABuffer) {
    uint64_t states = 0;
    for (const unsigned size : {64, 512, 4096, 65536}) {
        const parsed_scenario scenario(std::string(header) + "buffer rx size " + std::to_string(size) +
                                       "\ncpu0: store rx fill 1\ncpu0: invalidate rx\ncpu0: doorbell nic\nnic: start\n"
                                       "nic: write rx fill 7\nnic: raise done\ncpu0: wait done\ncpu0: invalidate rx\n"
                                       "cpu0: load rx\n");
        const verified found(scenario.get());
        EXPECT_EQ(found.result.verdict, NS_VERIFY_PROVED);
        EXPECT_EQ(found.result.stats.data_lines, size / 64);
        EXPECT_EQ(found.result.stats.line_classes, 1u);
        if (states == 0)
            states = found.result.stats.states;
        EXPECT_EQ(found.result.stats.states, states);
    }
}

// A stale read behind any number of another hart's invalidates: one kind of trouble, many ways, each shorter than the
// way to a load at the end whose line was filled at the beginning. They must not take its place; no plain run shows it.
TEST(Replays, AreOfEveryKindOfTroubleWhereTheyAreFewerThanTheWays) {
    std::string text = "machine \"m\" from \"one-core-wb64\"\n  harts 2\n  may speculative-fill, evict\nend\n"
                       "use machine \"m\"\ndevice nic irq done\nbuffer b size 64 align 64\nbuffer c size 64 align 64\n"
                       "cpu0: store b fill 1\ncpu0: doorbell nic\nnic: start\nnic: read b\nnic: write c fill 2\n"
                       "nic: raise done\ncpu0: wait done\n";
    for (unsigned i = 0; i < 12; i++)
        text += "cpu1: invalidate b\n";
    for (unsigned i = 0; i < 20; i++)
        text += "cpu0: fence\n";
    const parsed_scenario scenario(text + "cpu0: load c\n");
    ASSERT_TRUE(scenario.good());
    const verified all(scenario.get());
    EXPECT_EQ(all.result.unnamed, 0u);
    const std::set<seen> every = hazards_of(all);
    EXPECT_EQ(every.count({NS_DC_INVAL_MISSING, 48}), 1u);
    ns_verify_options options{};
    options.replay_limit = 10;
    const verified some(scenario.get(), options);
    EXPECT_GT(some.result.unnamed, 10u);
    EXPECT_EQ(hazards_of(some), every);
}

TEST(Expectations, OfABugThatOccursAreAsExpectedAndOfOneThatCannotAreNot) {
    const std::string bug =
        std::string(racing).insert(std::string(racing).find(" -> got") + 7, " expect DC-INVAL-MISSING");
    const parsed_scenario scenario(bug);
    const verified found(scenario.get());
    EXPECT_EQ(found.result.verdict, NS_VERIFY_REFUTED);
    const std::string repaired = std::string(bug).insert(bug.find("cpu0: load"), "cpu0: invalidate rx\n");
    const parsed_scenario impossible(repaired);
    const verified none(impossible.get());
    EXPECT_EQ(none.result.verdict, NS_VERIFY_PROVED);
    EXPECT_FALSE(none.result.as_expected);
    ASSERT_EQ(none.result.missing_count, 1u);
    EXPECT_EQ(none.result.missing[0].id, NS_DC_INVAL_MISSING);
}

// cpu1 may use its old translation until it forgets it: of its own accord, or because cpu0 makes every hart forget.
TEST(ShootDowns, AreWhatMakesANewTypeCountOnEveryHart) {
    const struct {
        const char *change;
        bool proved;
    } cases[] = {
        {"cpu0: set-attr page nc sequence\n", true},
        {"cpu0: set-attr page nc\ncpu0: sfence page all-harts\ncpu0: flush page\ncpu0: fence\n", true},
        {"cpu0: set-attr page nc\ncpu0: sfence all-harts\ncpu0: flush page\ncpu0: fence\n", true},
        {"cpu0: set-attr page nc\ncpu0: sfence page\ncpu0: flush page\ncpu0: fence\n", false},
        {"cpu0: set-attr page nc\ncpu0: sfence\ncpu0: flush page\ncpu0: fence\n", false},
    };
    for (const auto &one : cases) {
        const std::string text = on_machine("  harts 2\n", "buffer page size 4K align 4K\nbuffer flag size 4\n"
                                                           "cpu1: store page[0..4] = 3\ncpu1: store flag = 1\n"
                                                           "cpu0: poll flag == 1\n" +
                                                               std::string(one.change) +
                                                               "cpu0: store flag = 2\ncpu1: poll flag == 2\n"
                                                               "cpu1: store page[0..4] = 7\ncpu1: fence\n"
                                                               "nic: read page[0..4]\n");
        SCOPED_TRACE(text);
        const parsed_scenario scenario(text);
        const verified found(scenario.get());
        EXPECT_EQ(found.result.verdict, one.proved ? NS_VERIFY_PROVED : NS_VERIFY_REFUTED);
        EXPECT_EQ(found.result.unreplayed, 0u);
    }
}

// The two harts' calls could come in either order; a driver has a lock for that.
TEST(Order, ThatIsTakenFromTheFileIsSaid) {
    const auto found = [](const std::string &steps) {
        const std::string text = on_machine("  harts 2\n", "buffer b size 64 align 64\n" + steps);
        SCOPED_TRACE(text);
        const parsed_scenario scenario(text);
        EXPECT_TRUE(scenario.good());
        const verified verification(scenario.get());
        return std::make_pair(verification.result.calls_ordered, verification.result.order_assumed);
    };
    const std::string map = "cpu0: map b for nic from-device -> h\n", unmap = "unmap h\n",
                      rings = "cpu0: doorbell nic\nnic: start\nnic: write h fill 1\nnic: raise done\ncpu0: wait done\n";
    EXPECT_EQ(found(map + rings + "cpu0: sync-for-cpu h\ncpu0: " + unmap), std::make_pair(false, false));
    EXPECT_EQ(found(map + rings + "cpu1: sync-for-cpu h\ncpu0: " + unmap), std::make_pair(true, false));
    EXPECT_EQ(found(map + "nic: write h fill 1\ncpu0: " + unmap), std::make_pair(false, true));
}
