// SPDX-License-Identifier: Apache-2.0
// Exercises of a lab: what of an answer counts, and how it is put together with the exercise (scenarios/exercise.h).
#include "scenarios/exercise.h"
#include "tests/scenarios/parsed.h"

#include <gtest/gtest.h>

namespace {

const char *const exercise_text = "version 1\n" // 1
                                  "use machine \"one-core-wb64\"\n"
                                  "device nic irq done\n"
                                  "buffer rx size 64\n"
                                  "cpu0: store rx fill 0x00\n" // 5
                                  "cpu0: invalidate rx\n"
                                  "cpu0: doorbell nic\n"
                                  "nic: start\n"
                                  "nic: write rx fill 0xAB\n"
                                  "nic: raise done\n" // 10
                                  "cpu0: wait done\n"
                                  "cpu0: invalidate rx\n"
                                  "cpu0: load rx[0..4] -> got\n"
                                  "final got == 0xABABABAB\n";

class Merged {
  public:
    Merged(const Parsed &exercise, const Parsed &answer, const ns_scenario *machine = nullptr) {
        ns_diagnostics_init(&diagnostics_);
        scenario_ = ns_exercise_merge(exercise.get(), answer.get(), machine, presets_.source(), &diagnostics_);
    }
    ~Merged() {
        ns_scenario_destroy(scenario_);
        ns_diagnostics_release(&diagnostics_);
    }
    const ns_scenario *operator->() const { return scenario_; }
    const ns_scenario *get() const { return scenario_; }
    bool good() const { return scenario_ != nullptr && diagnostics_.count == 0; }
    const ns_diagnostics &diagnostics() const { return diagnostics_; }

  private:
    Presets presets_;
    ns_scenario *scenario_ = nullptr;
    ns_diagnostics diagnostics_;
};

std::string compared(const std::string &exercise_source, const std::string &answer_source) {
    const Parsed exercise(exercise_source), answer(answer_source, "answer.dma");
    EXPECT_TRUE(exercise.good()) << exercise.errors();
    EXPECT_TRUE(answer.good()) << answer.errors();
    ns_diagnostics found;
    ns_diagnostics_init(&found);
    EXPECT_TRUE(ns_diagnostics_set_file(&found, "answer.dma", answer_source.data(), answer_source.size()));
    EXPECT_TRUE(ns_exercise_compare(exercise.get(), answer.get(), &found));
    std::string text;
    for (size_t i = 0; i < found.count; i++)
        text += std::to_string(found.entry[i].line) + ": " + found.entry[i].message + "\n";
    ns_diagnostics_release(&found);
    return text;
}

std::string without(std::string text, const std::string &piece) {
    const size_t at = text.find(piece);
    EXPECT_NE(at, std::string::npos) << piece;
    return text.erase(at, piece.size());
}

std::string replaced(std::string text, const std::string &piece, const std::string &by) {
    const size_t at = text.find(piece);
    EXPECT_NE(at, std::string::npos) << piece;
    return text.replace(at, piece.size(), by);
}

std::string text_of(const ns_scenario *scenario, const ns_step *step) {
    char text[256];
    ns_exercise_step_text(scenario, step, text, sizeof text);
    return text;
}

TEST(Exercise, AnswersMayChooseTheirMaintenanceAndTheOrderOfTheirSteps) {
    EXPECT_EQ(compared(exercise_text, exercise_text), "");
    EXPECT_EQ(compared(exercise_text, without(exercise_text, "cpu0: invalidate rx\n")), "");
    EXPECT_EQ(compared(exercise_text, replaced(exercise_text, "cpu0: invalidate rx\n",
                                               "cpu0: map rx for nic from-device\ncpu0: fence\ncpu0: cbo.clean rx\n")),
              "");
    EXPECT_EQ(
        compared(exercise_text, replaced(without(exercise_text, "cpu0: store rx fill 0x00\n"), "cpu0: doorbell nic\n",
                                         "cpu0: doorbell nic\ncpu0:  store rx  fill 0   # moved\n")),
        "");
}

TEST(Exercise, LoadsAndStoresOfOneHartThatTouchTheSameBytesKeepTheirOrder) {
    const std::string load = "cpu0: load rx[0..4] -> got\n";
    EXPECT_EQ(compared(exercise_text, replaced(without(exercise_text, "cpu0: store rx fill 0x00\n"), load,
                                               load + "cpu0: store rx fill 0x00\n")),
              "13: `cpu0: store rx fill 0x00` must come before `cpu0: load rx[0..4] -> got`\n");
    const std::string head = "machine \"two\" from \"one-core-wb64\"\n  harts 2\nend\nuse machine \"two\"\nbuffer a "
                             "size 64\nbuffer b size 64\n";
    const auto swapped = [&head](const std::string &one, const std::string &two) {
        return compared(head + one + "\n" + two + "\n", head + two + "\n" + one + "\n");
    };
    const auto told = [](const std::string &one, const std::string &two) {
        return "8: `" + one + "` must come before `" + two + "`\n";
    };
    const std::string last = "cpu0: store a[60..64] = 1";
    for (const char *one : {"cpu0: load a -> whole", "cpu0: copy a to b", "cpu0: copy b to a", "cpu0: cbo.zero a",
                            "cpu0: poll a[60..64] == 1", "cpu0: store a[56..61] fill 2"})
        EXPECT_EQ(swapped(one, last), told(one, last));
    for (const char *one : {"cpu0: load a[0..60] -> most", "cpu0: load b -> other", "cpu0: copy b to b",
                            "cpu1: load a -> whole", "cpu0: sfence", "cpu0: fence", "cpu0: clean a"})
        EXPECT_EQ(swapped(one, last), "") << one;
    // By address, too.
    EXPECT_EQ(swapped("cpu0: load @0x80000000[0..8]", "cpu0: store @0x80000004[0..4] = 1"),
              told("cpu0: load @0x80000000[0..8]", "cpu0: store @0x80000004[0..4] = 1"));
    EXPECT_EQ(swapped("cpu0: load @0x80000000[0..8]", "cpu0: store @0x80000008[0..4] = 1"), "");
    // Of two steps that say the same, none is the first.
    EXPECT_EQ(compared(head + "cpu0: load a\ncpu0: load a\n", head + "cpu0: load a\ncpu0: load a\n"), "");
}

TEST(Exercise, TellsWhichLineDeclaresSomethingElse) {
    const Parsed exercise(exercise_text);
    const auto differs = [&exercise](const std::string &text) {
        const Parsed answer(text, "answer.dma");
        uint32_t line = 99;
        const bool otherwise = ns_exercise_declares_otherwise(exercise.get(), answer.get(), &line);
        return otherwise ? (int)line : -1;
    };
    EXPECT_EQ(differs(exercise_text), -1);
    // Steps, comments, layout, and what is expected are no declarations.
    EXPECT_EQ(differs(without(replaced(exercise_text, "buffer rx size 64", "\nbuffer  rx   size 64 # bytes"),
                              "final got == 0xABABABAB\n")),
              -1);
    EXPECT_EQ(differs(replaced(exercise_text, "cpu0: invalidate rx\n", "cpu0: flush rx\n")), -1);
    EXPECT_EQ(differs(replaced(exercise_text, "size 64", "size 60")), 4);
    EXPECT_EQ(differs(replaced(exercise_text, "irq done", "snoops yes irq done")), 3);
    EXPECT_EQ(differs(replaced(exercise_text, "one-core", "two-cores")), 2);
    EXPECT_EQ(differs(replaced(exercise_text, "cpu0: store", "buffer mine size 64\ncpu0: store")), 5);
    EXPECT_EQ(differs("use machine \"one-core-wb64\"\ndevice nic irq done\ncpu0: doorbell nic\n"), 0);
}

TEST(Exercise, AnswersMustDoTheWorkNoLessAndNoMore) {
    EXPECT_EQ(compared(exercise_text, without(exercise_text, "cpu0: store rx fill 0x00\n")),
              "0: the driver must still do `cpu0: store rx fill 0x00`\n");
    EXPECT_EQ(compared(exercise_text, replaced(exercise_text, "fill 0x00\n", "fill 0x01\n")),
              "5: `cpu0: store rx fill 0x01` is not among the driver's loads, stores and signals\n"
              "0: the driver must still do `cpu0: store rx fill 0x00`\n");
    EXPECT_EQ(compared(exercise_text, replaced(exercise_text, "cpu0: doorbell", "cpu0: cbo.zero rx\ncpu0: doorbell")),
              "7: `cpu0: cbo.zero rx` is not among the driver's loads, stores and signals\n");
    // Twice is once too often.
    EXPECT_EQ(compared(exercise_text, replaced(exercise_text, "nic: start", "cpu0: store rx fill 0x00\nnic: start")),
              "8: `cpu0: store rx fill 0x00` is not among the driver's loads, stores and signals\n");
    EXPECT_EQ(compared(exercise_text, replaced(exercise_text, "nic: start", "repeat 2\ncpu0: fence\nend\nnic: start")),
              "8: `repeat` cannot be graded: write the steps out\n");
}

TEST(Exercise, WhatStandsBehindExpectIsNoPartOfAStep) {
    EXPECT_EQ(compared(exercise_text, replaced(exercise_text, "rx[0..4] -> got", "rx[0..4] -> got expect DC-REFETCH")),
              "");
}

// Every verb of a hart is either care or work: the list of care is the rule of scenarios/exercise.h.
TEST(Exercise, OnlyMaintenanceTheApiFencesAndRegisterReadsAreCare) {
    const std::string head = "use machine \"one-core-wb64\"\ndevice nic irq done\nbuffer rx size 64\n";
    const std::pair<const char *, bool> steps[] = {
        {"cpu0: clean rx", true},
        {"cpu0: invalidate rx", true},
        {"cpu0: flush all", true},
        {"cpu0: cbo.flush rx", true},
        {"cpu0: cbo.zero rx", false},
        {"cpu0: dcache.ciall", true},
        {"cpu0: sync.s", true},
        {"cpu0: fence", true},
        {"cpu0: map rx for nic to-device", true},
        {"cpu0: unmap rx", true},
        {"cpu0: sync-for-cpu rx", true},
        {"cpu0: sync-for-device rx", true},
        {"cpu0: mmio-read nic", true},
        {"cpu0: load rx[0..4]", false},
        {"cpu0: store rx fill 1", false},
        {"cpu0: copy rx to rx", false},
        {"cpu0: doorbell nic", false},
        {"cpu0: wait done", false},
        {"cpu0: set-attr rx nc", false},
        {"cpu0: sfence", false},
        {"cpu0: poll rx[0..4] == 1", false},
        {"cpu0: unbind nic", false},
        {"cpu0: alloc-coherent for nic size 64 -> c", false},
    };
    for (const auto &[text, care] : steps) {
        const Parsed parsed(head + text + "\n");
        ASSERT_TRUE(parsed.good()) << text << "\n" << parsed.errors();
        EXPECT_EQ(ns_exercise_is_care(&parsed->written[0]), care) << text;
    }
}

TEST(Exercise, TheAnswersStepsKeepTheirLinesAndLoseTheirExpectations) {
    const Parsed exercise(exercise_text);
    const Parsed answer("# a comment\n" + replaced(exercise_text, "version 1\n", "") +
                            "cpu0: clean rx expect OW-CPU-ACCESS\n",
                        "answer.dma");
    ASSERT_TRUE(answer.good()) << answer.errors();
    const Merged merged(exercise, answer);
    ASSERT_TRUE(merged.good());
    ASSERT_EQ(merged->written_count, answer->written_count);
    for (size_t i = 0; i < merged->written_count; i++) {
        EXPECT_EQ(merged->written[i].line, answer->written[i].line);
        EXPECT_EQ(merged->written[i].expect_count, 0u);
        EXPECT_EQ(text_of(merged.get(), &merged->written[i]), text_of(answer.get(), &answer->written[i]));
    }
    EXPECT_EQ(merged->judgement_count, 1u); // the exercise's, once
    EXPECT_STREQ(merged->file, "answer.dma");
}

TEST(Exercise, MachineDeclarationsDevicesAndJudgementsAreTheExercises) {
    const Parsed exercise(exercise_text);
    const Parsed answer("machine \"mine\" from \"one-core-wb64\"\n  may nothing\nend\nuse machine \"mine\"\n"
                        "device nic snoops yes irq done\nbuffer rx size 4 type nc\n"
                        "cpu0: store rx fill 0x00\ncpu0: doorbell nic\nnic: start\nnic: raise done\ncpu0: wait done\n"
                        "hw: evict cpu0 rx\ncpu0: load rx[0..4] -> got\nfinal got == 0\n",
                        "answer.dma");
    ASSERT_TRUE(answer.good()) << answer.errors();
    const Merged merged(exercise, answer);
    ASSERT_TRUE(merged.good());
    EXPECT_STREQ(merged->machine_name, "one-core-wb64");
    EXPECT_FALSE(merged->devices[0].snoops);
    EXPECT_EQ(merged->objects[0].size, 64u);
    EXPECT_FALSE(merged->objects[0].has_type);
    std::string nic;
    for (size_t i = 0; i < merged->step_count; i++) {
        const ns_step *step = merged->steps[i].step;
        EXPECT_NE(step->actor_kind, NS_ACTOR_HARDWARE);
        if (step->actor_kind == NS_ACTOR_DEVICE)
            nic += text_of(merged.get(), step) + "\n";
    }
    EXPECT_EQ(nic, "nic: start\nnic: write rx fill 0xAB\nnic: raise done\n");
    ASSERT_EQ(merged->judgement_count, 1u);
    EXPECT_EQ(merged->judgements[0].condition.value.number, 0xABABABABu);
}

TEST(Exercise, AHiddenMachineReplacesTheExercises) {
    const Parsed exercise(exercise_text);
    const Parsed machine(
        "machine \"half\" from \"one-core-wb64\"\n"
        "  cache L1D private size 16K ways 4 line 32\n  cache L2 shared size 64K ways 4 line 32\nend\n");
    ASSERT_TRUE(machine.good()) << machine.errors();
    ASSERT_EQ(ns_exercise_unfit_machine(machine.get()), nullptr);
    const Merged merged(exercise, exercise, machine.get());
    ASSERT_TRUE(merged.good());
    EXPECT_STREQ(merged->machine_name, "half");
    EXPECT_EQ(merged->machine.cache.level[0].line, 32u);
    EXPECT_NE(ns_exercise_unfit_machine(exercise.get()), nullptr);
}

TEST(Exercise, StepsAreArrangedSoThatEveryWaitEnds) {
    const Parsed exercise(exercise_text);
    // The device's steps stand at the end: in this order the wait would never end.
    const Parsed answer(replaced(without(exercise_text, "nic: start\nnic: write rx fill 0xAB\nnic: raise done\n"),
                                 "final got", "nic: start\nnic: write rx fill 0xAB\nnic: raise done\nfinal got"));
    ASSERT_TRUE(answer.good()) << answer.errors();
    const Merged merged(exercise, answer);
    ASSERT_TRUE(merged.good());
    std::string order;
    for (size_t i = 0; i < merged->step_count; i++)
        order += text_of(merged.get(), merged->steps[i].step) + "\n";
    EXPECT_EQ(order, "cpu0: store rx fill 0x00\ncpu0: invalidate rx\ncpu0: doorbell nic\n"
                     "nic: start\nnic: write rx fill 0xAB\nnic: raise done\n"
                     "cpu0: wait done\ncpu0: invalidate rx\ncpu0: load rx[0..4] -> got\n");
}

TEST(Exercise, AWaitThatNothingEndsStillGivesAProgramWithEveryStep) {
    const std::string source = "use machine \"one-core-wb64\"\ndevice nic irq done\nbuffer rx size 64\n"
                               "cpu0: wait done\nnic: start\nnic: raise done\ncpu0: doorbell nic\n";
    const Parsed exercise(source);
    const Merged merged(exercise, exercise);
    ASSERT_TRUE(merged.good());
    EXPECT_EQ(merged->step_count, 4u);
}

TEST(Exercise, SaysWhyAScenarioIsNoExercise) {
    const std::string head = "use machine \"one-core-wb64\"\ndevice nic irq done\nbuffer rx size 64\n";
    uint32_t line = 99;
    EXPECT_EQ(ns_exercise_unfit(Parsed(exercise_text).get(), &line), nullptr);
    EXPECT_NE(ns_exercise_unfit(Parsed(head + "cpu0: load rx[0..4]\nhw: evict cpu0 rx\n").get(), &line), nullptr);
    EXPECT_EQ(line, 5u);
    EXPECT_NE(ns_exercise_unfit(Parsed(head + "cpu0: load rx[0..4]\nnic: write rx fill 1\n").get(), &line), nullptr);
    EXPECT_EQ(line, 5u);
    EXPECT_NE(ns_exercise_unfit(Parsed(head + "cpu0: clean rx\n").get(), &line), nullptr);
    EXPECT_NE(ns_exercise_unfit(Parsed(head + "repeat 2\ncpu0: load rx[0..4]\nend\n").get(), &line), nullptr);
}

} // namespace
