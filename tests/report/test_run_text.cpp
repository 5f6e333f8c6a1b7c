// SPDX-License-Identifier: Apache-2.0
#include "sample_log.h"

#include "report/report.h"

#include <gtest/gtest.h>

#include <regex>
#include <sstream>

namespace {

std::string report(SampleLog &log, ns_report_style style = {}) {
    ns_buffer out{};
    ns_report_run_text(log.get(), &style, &out);
    EXPECT_FALSE(out.failed);
    std::string text = out.data != nullptr ? std::string(out.data, out.length) : "";
    ns_buffer_release(&out);
    return text;
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

// The shape that the manual shows under "A hazard report".
TEST(RunText, ShowsAHazardAsTheManualDoes) {
    SampleLog log = refetch_log();
    log.outcome(NS_OUTCOME_UNEXPECTED, NS_DC_REFETCH, 0);
    EXPECT_EQ(report(log), "hazard[DC-REFETCH]: stale read: cpu0 reads bytes that nic has already replaced\n"
                           "  --> rx.dma:15:7\n"
                           "   |\n"
                           "10 | hw:   prefetch cpu0 rx\n"
                           "   |       -------- (1) line 0x8000_0000 filled here: 00 00 00 00\n"
                           "11 | nic:  write  rx fill 0xAB\n"
                           "   |       ----- (2) memory changed here; nic does not snoop, so the line stays\n"
                           "...\n"
                           "15 | cpu0: load   rx[0..4] -> got               expect DC-REFETCH\n"
                           "   |       ^^^^ (3) hit in L1D set 0 way 0: got 00 00 00 00,\n"
                           "   |                memory holds ab ab ab ab\n"
                           "   |\n"
                           "   = help: hand the buffer back (unmap or sync-for-cpu) after the device has\n"
                           "           written and before this access\n"
                           "           Linux: dma_unmap_single() or\n"
                           "                  dma_sync_single_for_cpu(..., DMA_FROM_DEVICE)\n"
                           "   = replay: nosnoop run rx.dma --schedule 8,9,10,11,12,13,15\n"
                           "   = more: nosnoop explain DC-REFETCH\n"
                           "\n"
                           "rx-missing-invalidate: fail: 1 unexpected hazard; 1.24 us simulated\n");
}

TEST(RunText, MarksAnExpectedHazardAndPasses) {
    SampleLog log = refetch_log();
    log.outcome(NS_OUTCOME_EXPECTED, NS_DC_REFETCH, 0, 15, 51, 10);
    for (int i = 0; i < 3; ++i) {
        log.outcome(NS_OUTCOME_FINAL_HELD, NS_HAZARD_NONE, UINT32_MAX, 17, 10, 17, "got == 0x00000000");
    }
    std::string text = report(log);
    EXPECT_TRUE(has(text, "hazard[DC-REFETCH] (expected): stale read: "));
    EXPECT_TRUE(has(text, "\nrx-missing-invalidate: pass: 1 hazard, as expected; 3 finals hold;\n"));
    EXPECT_EQ(lines_of(text).back(), "  1.24 us simulated") << "it would end at column 83";
}

TEST(RunText, QuietIsTheSummaryLineAlone) {
    SampleLog log = refetch_log();
    log.outcome(NS_OUTCOME_EXPECTED, NS_DC_REFETCH, 0);
    ns_report_style style{};
    style.quiet = true;
    EXPECT_EQ(report(log, style), "rx-missing-invalidate: pass: 1 hazard, as expected; 1.24 us simulated\n");
}

TEST(RunText, UnexpectedHazardsComeFirst) {
    SampleLog log = refetch_log();
    ns_hazard second = SampleLog::hazard(NS_LS_ALIGN, NS_SYMPTOM_ALIGNMENT, 1, 1, SampleLog::CPU0);
    ns_log_add_hazard(log.get(), &second);
    log.outcome(NS_OUTCOME_EXPECTED, NS_DC_REFETCH, 0);
    log.outcome(NS_OUTCOME_UNEXPECTED, NS_LS_ALIGN, 1);
    std::string text = report(log);
    EXPECT_LT(text.find("hazard[LS-ALIGN]: alignment: "), text.find("hazard[DC-REFETCH] (expected)"));
    EXPECT_TRUE(has(text, ": fail: 1 unexpected hazard; 1 hazard, as expected;"));
}

TEST(RunText, SaysLatentAndCountsRepeats) {
    SampleLog log = refetch_log();
    log->hazard[0].latent = true;
    log->hazard[0].repeats = 7;
    std::string text = report(log);
    EXPECT_TRUE(has(text, "has already replaced\n    (and 7 more times)\n"));
    EXPECT_TRUE(has(text, "   = note: latent: "));
    log->hazard[0].repeats = 1;
    log->hazard[0].latent = false;
    text = report(log);
    EXPECT_TRUE(has(text, "(and 1 more time)\n"));
    EXPECT_FALSE(has(text, "latent"));
}

TEST(RunText, NamesWhoMetTheDamageLater) {
    SampleLog log = refetch_log();
    log->hazard[0].consequence_count = 3;
    log->hazard[0].consequence_site[0] = 6; // line 15, where cpu0 loads
    log->hazard[0].consequence_count = 1;
    EXPECT_TRUE(has(report(log), "   = seen: cpu0 reads the damaged bytes at line 15\n"));
}

TEST(RunText, StacksSeveralNotesOfOneStep) {
    SampleLog log = refetch_log();
    ns_event dropped = SampleLog::event(NS_EVENT_DROP, SampleLog::CPU0, log->event[log->hazard[0].event].site);
    dropped.dirty = 1;
    dropped.length = 64;
    uint32_t drop = log.append(dropped);
    log->hazard[0].note[1] = {drop, NS_NOTE_DISCARDED};
    std::string text = report(log);
    // The step's own underline, then the earlier note below it without another one.
    EXPECT_TRUE(has(text, "   |       ^^^^ (3) "));
    EXPECT_TRUE(has(text, "   |            (2) dirty line 0x8000_0000 dropped from L1D here\n"));
}

TEST(RunText, ANoteWithoutASourceLineBecomesARemark) {
    SampleLog log = refetch_log();
    log->event[1].site = NS_NO_SITE;
    std::string text = report(log);
    EXPECT_TRUE(has(text, "   = note: (1) line 0x8000_0000 filled before the first step: 00 00 00 00\n"));
    EXPECT_FALSE(has(text, "10 | "));
}

TEST(RunText, AHazardWithoutASourceLineNamesTheFileOnly) {
    SampleLog log = refetch_log();
    log->hazard[0].site = NS_NO_SITE;
    log->hazard[0].note_count = 0;
    std::string text = report(log);
    EXPECT_TRUE(has(text, "--> rx.dma\n"));
    EXPECT_TRUE(has(text, "= note: (1) hit in L1D set 0 way 0: got 00 00 00 00"));
}

TEST(RunText, PointsAtAnExpectedHazardThatDidNotOccur) {
    SampleLog log = refetch_log();
    log->hazard_count = 0;
    log.outcome(NS_OUTCOME_MISSING, NS_DC_REFETCH, UINT32_MAX, 15, 51, 10);
    EXPECT_EQ(report(log), "missing[DC-REFETCH]: the expected hazard did not occur\n"
                           "  --> rx.dma:15:51\n"
                           "   |\n"
                           "15 | cpu0: load   rx[0..4] -> got               expect DC-REFETCH\n"
                           "   |                                                   ^^^^^^^^^^ expected here\n"
                           "\n"
                           "rx-missing-invalidate: fail: 1 expected hazard did not occur; 1.24 us simulated\n");
}

TEST(RunText, ShowsAFinalThatDoesNotHoldWithWhatWasFound) {
    SampleLog log = refetch_log();
    log->hazard_count = 0;
    log.outcome(NS_OUTCOME_FINAL_FAILED, NS_HAZARD_NONE, UINT32_MAX, 17, 10, 17, "got == 0x00000000", "0xabababab");
    EXPECT_EQ(report(log), "final: does not hold: got == 0x00000000\n"
                           "  --> rx.dma:17:10\n"
                           "   |\n"
                           "17 | final    got == 0x00000000\n"
                           "   |          ^^^^^^^^^^^^^^^^^ found 0xabababab\n"
                           "\n"
                           "rx-missing-invalidate: fail: no hazard; 1 final does not hold; 1.24 us simulated\n");
}

TEST(RunText, AnIncompleteRunIsNeverAPass) {
    SampleLog log = refetch_log();
    log->hazard_count = 0;
    log.outcome(NS_OUTCOME_INCOMPLETE, NS_HAZARD_NONE, UINT32_MAX, 0, 0, 0, "the step limit was reached");
    EXPECT_EQ(report(log), "incomplete: the step limit was reached\n\n"
                           "rx-missing-invalidate: incomplete: no hazard; stopped early; 1.24 us simulated\n");
}

TEST(RunText, JudgementsThatARunCannotJudgeAreMentionedOnlyWhenVerbose) {
    SampleLog log = refetch_log();
    log.outcome(NS_OUTCOME_NOT_JUDGED, NS_HAZARD_NONE, UINT32_MAX, 17, 10, 17, "sometimes got == 1");
    ns_report_style verbose{};
    verbose.verbose = true;
    EXPECT_FALSE(has(report(log), "not judged"));
    EXPECT_TRUE(has(report(log, verbose), "note: 1 judgement is not for a run and was not judged\n"));
}

TEST(RunText, ReplayGivesTheScheduleUpToTheHazardOnly) {
    SampleLog log = refetch_log();
    log.step(17, 1, 5);
    EXPECT_TRUE(has(report(log), "--schedule 8,9,10,11,12,13,15\n"));
}

TEST(RunText, ReplayOfAChaosRunNamesItsSeed) {
    SampleLog log = refetch_log();
    log->chaos = true;
    log->seed = 42;
    EXPECT_TRUE(has(report(log), "= replay: nosnoop run rx.dma --chaos 42\n"));
}

TEST(RunText, ReplayQuotesTheFileName) {
    SampleLog log({"cpu0: load x"}, "my file.dma");
    uint32_t site = log.step(1, 7, 4);
    ns_hazard hazard = SampleLog::hazard(NS_OW_CPU_ACCESS, NS_SYMPTOM_OWNERSHIP,
                                         log.append(SampleLog::event(NS_EVENT_LOAD, SampleLog::CPU0, site)), site, 0);
    ns_log_add_hazard(log.get(), &hazard);
    EXPECT_TRUE(has(report(log), "= replay: nosnoop run 'my file.dma' --schedule 1\n"));
}

TEST(RunText, DetailTakesThePlaceOfTheDefaultLabel) {
    SampleLog log = refetch_log();
    std::strcpy(log->hazard[0].detail, "nothing to see");
    EXPECT_TRUE(has(report(log), "   |       ^^^^ (3) nothing to see\n"));
}

// Without colour the text says the same: taking the escapes away gives the plain report.
TEST(RunText, ColourCarriesNothingByItself) {
    SampleLog log = refetch_log();
    log.outcome(NS_OUTCOME_EXPECTED, NS_DC_REFETCH, 0);
    log.outcome(NS_OUTCOME_FINAL_FAILED, NS_HAZARD_NONE, UINT32_MAX, 17, 10, 17, "got == 0x00000000", "0xabababab");
    ns_report_style color{};
    color.color = true;
    std::string painted = report(log, color);
    EXPECT_TRUE(has(painted, "\033["));
    EXPECT_EQ(std::regex_replace(painted, std::regex("\033\\[[0-9;]*m"), ""), report(log));
}

TEST(RunText, OrdinaryReportsFitEightyColumns) {
    SampleLog log = refetch_log();
    for (const std::string &line : lines_of(report(log))) {
        EXPECT_LE(line.size(), 80u) << line;
    }
}

TEST(RunText, LongSourceLinesAreCutAroundTheCaret) {
    std::string source = std::string(300, 'x') + "load" + std::string(300, 'y');
    SampleLog log({source});
    uint32_t site = log.step(1, 301, 4);
    ns_hazard hazard = SampleLog::hazard(NS_OW_CPU_ACCESS, NS_SYMPTOM_OWNERSHIP,
                                         log.append(SampleLog::event(NS_EVENT_LOAD, SampleLog::CPU0, site)), site, 0);
    ns_log_add_hazard(log.get(), &hazard);
    std::vector<std::string> lines = lines_of(report(log));
    size_t source_line = 4; // header in two lines, arrow, gutter, source, underline
    EXPECT_LE(lines[source_line].size(), 110u);
    EXPECT_TRUE(has(lines[source_line], "..."));
    size_t caret = lines[source_line + 1].find("^^^^");
    ASSERT_NE(caret, std::string::npos);
    EXPECT_EQ(lines[source_line].substr(caret, 4), "load");
}

TEST(RunText, TheCaretStandsUnderTheVerbBehindLettersOfSeveralBytes) {
    SampleLog log({"p\xc3\xa4\xc3\xa4: load x"}); // 2 letters of 2 bytes: the verb is at byte 8, screen column 6
    uint32_t site = log.step(1, 8, 4);
    ns_hazard hazard = SampleLog::hazard(NS_OW_CPU_ACCESS, NS_SYMPTOM_OWNERSHIP,
                                         log.append(SampleLog::event(NS_EVENT_LOAD, SampleLog::CPU0, site)), site, 0);
    ns_log_add_hazard(log.get(), &hazard);
    EXPECT_TRUE(has(report(log), "  |      ^^^^ (1) "));
}

TEST(RunText, EscapesInTheFileDoNotReachTheTerminal) {
    SampleLog log({"load \x1b[2J"}, "evil\x1b.dma");
    uint32_t site = log.step(1, 1, 4);
    ns_hazard hazard = SampleLog::hazard(NS_OW_CPU_ACCESS, NS_SYMPTOM_OWNERSHIP,
                                         log.append(SampleLog::event(NS_EVENT_LOAD, SampleLog::CPU0, site)), site, 0);
    ns_log_add_hazard(log.get(), &hazard);
    EXPECT_FALSE(has(report(log), "\x1b"));
}

// A log may be cut short or damaged at any place: numbers that lead nowhere must not lead out of it.
TEST(RunText, EveryIdAndRoleIsReportedWithoutEventsOrSites) {
    for (int id = NS_HAZARD_NONE + 1; id < NS_HAZARD_COUNT; ++id) {
        for (int role = NS_NOTE_FILLED; role <= NS_NOTE_OTHER; ++role) {
            SampleLog log({"one line"});
            ns_hazard hazard = SampleLog::hazard(static_cast<ns_hazard_id>(id), NS_SYMPTOM_STALE, 12345, 777, 99);
            SampleLog::note(hazard, static_cast<ns_note_role>(role), 54321);
            ns_log_add_hazard(log.get(), &hazard);
            EXPECT_TRUE(has(report(log), ns_hazard_text(static_cast<ns_hazard_id>(id))->id));
        }
    }
}

} // namespace
