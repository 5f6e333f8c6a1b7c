// SPDX-License-Identifier: Apache-2.0
#include "sample_verification.h"

#include "report/verify_report.h"

#include <gtest/gtest.h>

#include <sstream>

namespace {

std::string take(ns_buffer &out) {
    EXPECT_FALSE(out.failed);
    std::string text = out.data != nullptr ? std::string(out.data, out.length) : "";
    ns_buffer_release(&out);
    return text;
}

std::string report(SampleVerification &what, ns_report_style style = {}) {
    ns_buffer out{};
    ns_report_verify_text(&what.scenario, &what.result, &style, &out);
    return take(out);
}

std::string lanes(SampleVerification &what, ns_report_style style = {}) {
    ns_buffer out{};
    ns_report_lanes_text(&what.scenario, &what.result.hazards[0], &style, &out);
    return take(out);
}

std::vector<std::string> lines_of(const std::string &text) {
    std::vector<std::string> lines;
    std::istringstream stream(text);
    for (std::string line; std::getline(stream, line);) {
        lines.push_back(line);
    }
    return lines;
}

bool has(const std::string &text, const std::string &part) {
    return text.find(part) != std::string::npos;
}

struct Refetch {
    explicit Refetch(const char *condition = nullptr) : log(refetch_by_move(condition)), what(log) {
        what.actors({"cpu0", "nic", "nic", "cpu0", "cpu0"});
    }
    SampleLog log;
    SampleVerification what;
};

TEST(VerifyText, AProofSaysWhatWasAllowedAndExplored) {
    Refetch sample;
    sample.what.observation(0, "got == 0xABABABAB", NS_FOUND_ALWAYS);
    EXPECT_EQ(report(sample.what), "registers at the end:\n"
                                   "  always     got == 0xABABABAB\n"
                                   "the hardware may: speculative-fill, evict\n"
                                   "explored: 13 states, 16 transitions; 1 data line\n"
                                   "rx-missing-invalidate: proved: no behaviour shows a hazard\n");
}

TEST(VerifyText, WhatIsExploredBeyondTheMayListIsSaid) {
    Refetch sample;
    sample.what.scenario.machine.may = 0;
    const std::string text = report(sample.what);
    EXPECT_TRUE(has(text, "note: the program uses more lines of one set than a cache has ways"));
    EXPECT_TRUE(has(text, "note: the machine has a prefetcher"));
}

TEST(VerifyText, ACounterexampleIsAReportWithItsScheduleAndLanes) {
    Refetch sample;
    sample.what.hazard(0, false);
    const std::string text = report(sample.what);
    EXPECT_TRUE(has(text, "hazard[DC-REFETCH]: stale read: cpu0 reads bytes that nic has already replaced\n"));
    EXPECT_TRUE(has(text, "   = note: (1) line 0x8000_0000 filled by the hardware itself: 00 00 00 00\n") ||
                has(text, "  = note: (1) line 0x8000_0000 filled by the hardware itself: 00 00 00 00\n"));
    EXPECT_TRUE(has(text, " = replay: nosnoop run rx.dma --schedule 4,fill:cpu0:0x8000_0000,5,6,7,8\n"));
    EXPECT_TRUE(has(text, "\n  the shortest way there: 5 steps and 1 move of the hardware\n"));
    EXPECT_EQ(lines_of(text).back(), "rx-missing-invalidate: refuted: 1 hazard; not as expected");
}

TEST(VerifyText, ThatThePrefetcherIsOffIsPartOfTheReplayAndNoMoveOfTheHardware) {
    Refetch with("no-prefetcher"), without;
    with.what.hazard(0, false), without.what.hazard(0, false);
    const std::string text = report(with.what);
    EXPECT_TRUE(has(text, "--schedule no-prefetcher,4,fill:cpu0:0x8000_0000,5,6,7,8\n")) << text;
    EXPECT_TRUE(has(text, "\n  the shortest way there: 5 steps and 1 move of the hardware\n")) << text;
    EXPECT_EQ(lanes(with.what), lanes(without.what));
}

TEST(VerifyLanes, ARowForEachStepAndMoveAndWhatItChanged) {
    Refetch sample;
    sample.what.hazard(0, false);
    EXPECT_EQ(lanes(sample.what), "  line  cpu0      nic       hw                    what changes at 0x8000_0000\n"
                                  "     4  map rx for nic from-device                owned by nic\n"
                                  "                            fill 0x8000_0000      L1D <- 00 00 00 00\n"
                                  "     5            write rx fill 0xAB              memory <- ab ab ab ab\n"
                                  "     6            raise irq1\n"
                                  "     7  wait irq1\n"
                                  ">    8  load rx[0..4] -> got                      gets 00 00 00 00 from L1D\n");
}

TEST(VerifyLanes, WithColourTheyAreTheSameText) {
    Refetch sample;
    sample.what.hazard(0, false);
    ns_report_style style{};
    style.color = true;
    std::string text = lanes(sample.what, style);
    EXPECT_TRUE(has(text, "\033["));
    for (size_t at; (at = text.find("\033[")) != std::string::npos;) {
        text.erase(at, text.find('m', at) - at + 1);
    }
    EXPECT_EQ(text, lanes(sample.what));
}

// The same line twice, and a move inside of a step: the marks of the log keep them apart, not the sites.
TEST(VerifyLanes, ARepeatedLineAndAMoveInsideOfAStepAreKeptApart) {
    SampleLog log({"cpu0: store  rx = 1", "nic:  read   rx -> sent"});
    const uint32_t store = ns_log_add_site(log.get(), 1, 7, 5), read = ns_log_add_site(log.get(), 2, 7, 4);
    for (uint8_t value = 1; value <= 2; ++value) {
        ns_log_executed(log.get(), store);
        log.append(SampleLog::event(NS_EVENT_STORE, SampleLog::CPU0, store), {value, 0, 0, 0});
    }
    ns_log_moved(log.get(), 1, "evict:cpu0:0x8000_0000@1");
    log.append(SampleLog::event(NS_EVENT_WRITE_BACK, SampleLog::HW, NS_NO_SITE), {2, 0, 0, 0});
    log.append(SampleLog::event(NS_EVENT_STORE, SampleLog::CPU0, store), {3, 0, 0, 0});
    ns_log_executed(log.get(), read);
    const uint32_t found = log.append(SampleLog::event(NS_EVENT_DMA_READ, SampleLog::NIC, read), {2, 0, 0, 0});
    ns_hazard hazard = SampleLog::hazard(NS_DC_CLEAN_MISSING, NS_SYMPTOM_STALE, found, read, SampleLog::NIC);
    ns_log_add_hazard(log.get(), &hazard);
    SampleVerification what(log);
    what.actors({"cpu0", "nic"});
    what.hazard(0, false);
    EXPECT_EQ(lanes(what), "  line  cpu0      nic       hw                    what changes at 0x8000_0000\n"
                           "     1  store rx = 1                              L1D dirty <- 01 00 00 00\n"
                           "     1  store rx = 1                              L1D dirty <- 02 00 00 00\n"
                           "                            evict 0x8000_0000     memory <- 02 00 00 00\n"
                           "        (goes on)                                 L1D dirty <- 03 00 00 00\n"
                           ">    2            read rx -> sent                 gets 02 00 00 00 from memory\n");
}

// A store that the search leaves in the store buffer must not look as if it were in memory.
TEST(VerifyLanes, WhatWaitsInAQueueIsNotInMemory) {
    SampleLog log({"cpu0: store  tx = 1", "nic:  write  rx = 2", "nic:  read   tx -> sent"});
    ns_event store = SampleLog::event(NS_EVENT_STORE, SampleLog::CPU0, log.step(1, 7, 5));
    store.type = NS_TYPE_NC;
    const uint32_t stored = log.append(store, {1, 0, 0, 0});
    log.append(SampleLog::event(NS_EVENT_DMA_WRITE, SampleLog::NIC, log.step(2, 7, 5)), {2, 0, 0, 0});
    ns_log_moved(log.get(), 2, "drain:cpu0");
    ns_event drain = SampleLog::event(NS_EVENT_DRAIN, SampleLog::CPU0, NS_NO_SITE);
    drain.link = stored;
    log.append(drain);
    const uint32_t site = log.step(3, 7, 4);
    const uint32_t found = log.append(SampleLog::event(NS_EVENT_DMA_READ, SampleLog::NIC, site), {1, 0, 0, 0});
    ns_hazard hazard = SampleLog::hazard(NS_OR_DRAIN, NS_SYMPTOM_STALE, found, site, SampleLog::NIC);
    ns_log_add_hazard(log.get(), &hazard);
    SampleVerification what(log);
    what.actors({"cpu0", "nic", "nic"});
    what.hazard(0, false);
    what.scenario.machine.store_buffer_entries = 4;
    what.scenario.machine.posted_entries = 4;
    EXPECT_EQ(lanes(what), "  line  cpu0      nic       hw                    what changes at 0x8000_0000\n"
                           "     1  store tx = 1                              buffered <- 01 00 00 00\n"
                           "     2            write rx = 2                    posted <- 02 00 00 00\n"
                           "                            drain cpu0            memory <- 01 00 00 00\n"
                           ">    3            read tx -> sent                 gets 01 00 00 00 from memory\n");
}

struct Wide {
    explicit Wide(size_t rounds) : log(source()), what((fill(rounds), log)) {
        what.actors({"cpu0", "nic", "hw"});
        what.hazard(0, false);
    }
    static std::vector<std::string> source() {
        return {"cpu0: store  a_buffer_with_a_long_name[0..4] = 0x1234_5678_9abc_def0_and_more # comment",
                "nic:  write  \xc3\xa4\xc3\xb6\xc3\xbc_buffer[0..64] fill 0xAB and_so_on_for_a_long_time_indeed",
                "hw:   evict  cpu0 a_buffer_with_a_long_name[0..4]     expect LS-WB-NEIGHBOUR"};
    }
    void fill(size_t rounds) {
        const uint32_t site[3] = {ns_log_add_site(log.get(), 1, 7, 5), ns_log_add_site(log.get(), 2, 7, 5),
                                  ns_log_add_site(log.get(), 3, 7, 5)};
        uint32_t found = 0;
        for (size_t i = 0; i < rounds; ++i) {
            for (unsigned actor = 0; actor < 3; ++actor) {
                ns_log_executed(log.get(), site[actor]);
                found = log.append(SampleLog::event(actor == 0   ? NS_EVENT_STORE
                                                    : actor == 1 ? NS_EVENT_DMA_WRITE
                                                                 : NS_EVENT_WRITE_BACK,
                                                    static_cast<uint8_t>(actor), site[actor]),
                                   {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff});
            }
        }
        ns_hazard hazard = SampleLog::hazard(NS_LS_WB_NEIGHBOUR, NS_SYMPTOM_LOST, found, site[2], SampleLog::HW);
        ns_log_add_hazard(log.get(), &hazard);
    }
    SampleLog log;
    SampleVerification what;
};

size_t columns(const std::string &line) {
    size_t count = 0;
    for (char c : line) {
        count += (static_cast<unsigned char>(c) & 0xc0) != 0x80;
    }
    return count;
}

TEST(VerifyLanes, LongStepsAreCutTo80Columns) {
    Wide sample(2);
    const std::string text = lanes(sample.what);
    for (const std::string &line : lines_of(text)) {
        EXPECT_LE(columns(line), 80u) << line;
    }
    EXPECT_TRUE(has(text, ".."));
    EXPECT_FALSE(has(text, "comment"));
    EXPECT_FALSE(has(text, "expect"));
}

TEST(VerifyLanes, TheLastRowsAreShownAndAllWhenAskedFor) {
    Wide sample(10);
    const std::vector<std::string> some = lines_of(lanes(sample.what));
    ASSERT_EQ(some.size(), 22u);
    EXPECT_EQ(some[1], "        ... 10 earlier ones; -v shows them");
    EXPECT_EQ(some.back()[0], '>');
    ns_report_style style{};
    style.verbose = true;
    const std::vector<std::string> all = lines_of(lanes(sample.what, style));
    EXPECT_EQ(all.size(), 31u);
    EXPECT_EQ(all.back(), some.back());
}

// Eight harts and devices with long names: names go into the rows, and nothing gets wider.
TEST(VerifyLanes, ManyActorsFitIntoTheirColumns) {
    std::vector<std::string> source;
    for (int i = 0; i < 12; ++i) {
        source.push_back("x:    load   rx[0..4] -> a_register_with_a_long_name_" + std::to_string(i));
    }
    SampleLog log(source);
    log->actor_count = 13;
    std::vector<std::string> names;
    for (unsigned i = 0; i < 13; ++i) {
        const bool hart = i < 8;
        const std::string name = hart ? "cpu" + std::to_string(i) : i < 12 ? "controller-" + std::to_string(i) : "hw";
        log.set_actor(i, name.c_str(), hart ? NS_ACTOR_CLASS_HART : i < 12 ? NS_ACTOR_CLASS_DEVICE : NS_ACTOR_CLASS_HW);
        log->actor[i].index = hart ? i : i - 8;
        if (i < 12) {
            names.push_back(name);
        }
    }
    uint32_t found = 0, site = 0;
    for (uint32_t i = 0; i < 12; ++i) {
        site = log.step(i + 1, 7, 4);
        found = log.append(SampleLog::event(i < 8 ? NS_EVENT_LOAD : NS_EVENT_DMA_READ, static_cast<uint8_t>(i), site),
                           {1, 2, 3, 4});
    }
    ns_hazard hazard = SampleLog::hazard(NS_DC_CLEAN_MISSING, NS_SYMPTOM_STALE, found, site, 11);
    ns_log_add_hazard(log.get(), &hazard);
    SampleVerification what(log);
    what.actors(names);
    what.hazard(0, false);
    const std::string text = lanes(what);
    ASSERT_EQ(lines_of(text).size(), 13u);
    for (const std::string &line : lines_of(text)) {
        EXPECT_LE(columns(line), 80u) << line;
    }
    for (const std::string &name : names) {
        EXPECT_TRUE(has(text, name + ": load")) << name;
    }
    EXPECT_TRUE(has(text, "gets 01 02 03 04 from cpu7 L1D"));
}

TEST(VerifyText, JudgementsSayWhatWasWrittenWhatHoldsAndHowToSeeIt) {
    Refetch sample;
    for (uint32_t line = 9; line <= 12; ++line) {
        sample.what.judgement(line, line == 10 ? NS_VERIFY_SOMETIMES : line == 11 ? NS_VERIFY_NEVER : NS_VERIFY_ALWAYS);
    }
    sample.what.observation(9, "got == 0", NS_FOUND_SOMETIMES, true, false, "4,5,8");
    sample.what.observation(10, "got == 7", NS_FOUND_NEVER, true, false);
    sample.what.observation(11, "got == 9", NS_FOUND_NEVER, true, true);
    sample.what.observation(12, "rx fill 0", NS_FOUND_ALWAYS);
    sample.what.result.as_expected = false;
    const std::string text = report(sample.what);
    EXPECT_EQ(text.substr(0, text.find("the hardware may")),
              "judged over all behaviours:\n"
              "  FAILED  always     got == 0  (line 9)\n"
              "          it holds in some behaviours, not in all\n"
              "          = replay: nosnoop run rx.dma --schedule 4,5,8\n"
              "  FAILED  sometimes  got == 7  (line 10)\n"
              "          it holds in no behaviour\n"
              "  held    never      got == 9  (line 11)\n"
              "  open    always     rx fill 0  (line 12)\n"
              "          not decided: the search did not come to its end, or these bytes lie in\n"
              "          lines that would have to be searched together\n");
    EXPECT_TRUE(has(text, "\nrx-missing-invalidate: proved: no behaviour shows a hazard; 2 judgements failed;\n"
                          "  1 judgement held; 1 judgement open; not as expected\n"));
}

TEST(VerifyText, TheSummarySaysWhetherItIsAsExpected) {
    const struct {
        bool expected, as_expected;
        const char *summary;
    } table[] = {
        {true, true, "rx-missing-invalidate: refuted: 1 hazard, expected; as expected"},
        {false, false, "rx-missing-invalidate: refuted: 1 hazard; not as expected"},
        {true, false, "rx-missing-invalidate: refuted: 1 hazard, expected; not as expected"},
    };
    for (const auto &row : table) {
        Refetch sample;
        sample.what.hazard(0, row.expected);
        sample.what.result.as_expected = row.as_expected;
        EXPECT_EQ(lines_of(report(sample.what)).back(), row.summary);
        ns_report_style style{};
        style.quiet = true;
        EXPECT_EQ(report(sample.what, style), std::string(row.summary) + "\n");
    }
}

TEST(VerifyText, AnIncompleteSearchIsNoProof) {
    Refetch sample;
    sample.what.result.verdict = NS_VERIFY_INCOMPLETE;
    std::strcpy(sample.what.result.reason, "the limit of states was met");
    const std::string text = report(sample.what);
    EXPECT_TRUE(has(text, "which is no proof"));
    EXPECT_EQ(lines_of(text).back(), "rx-missing-invalidate: incomplete: the limit of states was met");
}

TEST(VerifyText, AnExpectedHazardThatCannotOccurIsShownAtItsExpectation) {
    Refetch sample;
    sample.what.missing(NS_DC_REFETCH, 8, 51, 10);
    const std::string text = report(sample.what);
    EXPECT_TRUE(has(text, "missing[DC-REFETCH]: no behaviour shows the expected hazard\n"));
    EXPECT_TRUE(has(text, "rx.dma:8:51\n"));
    EXPECT_TRUE(has(text, "\nrx-missing-invalidate: proved: no behaviour shows a hazard;\n"
                          "  1 expected hazard cannot occur; not as expected\n"));
}

TEST(VerifyText, AHazardWithoutAReplayStillHasItsSchedule) {
    Refetch sample;
    sample.what.hazard(0, false);
    sample.what.result.hazards[0].log = nullptr;
    EXPECT_TRUE(has(report(sample.what), "nosnoop run rx.dma --schedule 4,fill:cpu0:0x8000_0000,5,6,7,8\n"));
}

TEST(VerifyText, WordsOfTheMachineAreThoseOfItsMayList) {
    EXPECT_STREQ(ns_report_may_word(NS_MAY_EVICT | NS_MAY_SPECULATIVE_STORE, 0), "evict");
    EXPECT_STREQ(ns_report_may_word(NS_MAY_EVICT | NS_MAY_SPECULATIVE_STORE, 1), "speculative-store");
    EXPECT_EQ(ns_report_may_word(NS_MAY_EVICT | NS_MAY_SPECULATIVE_STORE, 2), nullptr);
    EXPECT_EQ(ns_report_may_word(0, 0), nullptr);
}

} // namespace
