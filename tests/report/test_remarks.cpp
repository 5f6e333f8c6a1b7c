// SPDX-License-Identifier: Apache-2.0
// What the kernel's code said: in the text only where it is asked for or goes wrong, in the JSON always.
#include "sample_log.h"
#include "schema_check.h"

#include "report/report.h"

#include <gtest/gtest.h>

namespace {

std::string text_of(ns_buffer &buffer) {
    EXPECT_FALSE(buffer.failed);
    std::string text = buffer.data != nullptr ? std::string(buffer.data, buffer.length) : "";
    ns_buffer_release(&buffer);
    return text;
}

std::string report(SampleLog &log, ns_report_style style = {}) {
    ns_buffer out{};
    ns_report_run_text(log.get(), &style, &out);
    return text_of(out);
}

void say(SampleLog &log, ns_remark_kind kind, uint32_t site, uint32_t event, const char *text, unsigned check = 0) {
    ns_remark remark{};
    remark.kind = kind;
    remark.site = site;
    remark.event = event;
    remark.check = check;
    std::strcpy(remark.function, "dma_direct_alloc");
    std::strcpy(remark.text, text);
    ns_log_add_remark(log.get(), &remark);
}

SampleLog small_log() {
    SampleLog log({"cpu0: alloc-coherent for nic size 4K -> ring"});
    log.step(1, 7, 14);
    return log;
}

const char *const summary = "rx-missing-invalidate: pass: no hazard; 0 ps simulated\n";

TEST(Remarks, DecisionsAreShownOnDemandInTheirOrder) {
    SampleLog log = small_log();
    say(log, NS_REMARK_DECISION, 0, 1, "from CMA: no");
    say(log, NS_REMARK_INFO, 0, 1, "said aside");
    say(log, NS_REMARK_DECISION, 0, 1, "remapped");
    EXPECT_EQ(report(log), summary);
    ns_report_style style{};
    style.explain_alloc = true;
    EXPECT_EQ(report(log, style), "explained: line 1\n"
                                  " --> rx.dma:1:7\n"
                                  "  |\n"
                                  "1 | cpu0: alloc-coherent for nic size 4K -> ring\n"
                                  "  |       ^^^^^^^^^^^^^^\n"
                                  "  = decision: dma_direct_alloc: from CMA: no\n"
                                  "  = info: dma_direct_alloc: said aside\n"
                                  "  = decision: dma_direct_alloc: remapped\n"
                                  "\n" +
                                      std::string(summary));
}

TEST(Remarks, WarningsBugsAndChecksAreAlwaysShown) {
    SampleLog log = small_log();
    say(log, NS_REMARK_WARN, NS_NO_SITE, 0, "no pool");
    say(log, NS_REMARK_BUG, 0, 1, "free of free memory");
    say(log, NS_REMARK_CHECK, 0, 1, "other direction", 7);
    const std::string place = " --> rx.dma:1:7\n"
                              "  |\n"
                              "1 | cpu0: alloc-coherent for nic size 4K -> ring\n"
                              "  |       ^^^^^^^^^^^^^^\n\n";
    EXPECT_EQ(report(log), "note: kernel warning: dma_direct_alloc: no pool\n"
                           " --> before the first step\n\n"
                           "note: kernel BUG: dma_direct_alloc: free of free memory\n" +
                               place + "dma-debug: check 7: other direction\n" + place + summary);
    ns_report_style style{};
    style.quiet = true;
    EXPECT_EQ(report(log, style), summary);
}

TEST(Remarks, TheSameInALoopIsCounted) {
    SampleLog log = small_log();
    for (uint32_t call = 1; call <= 3; ++call) {
        say(log, NS_REMARK_DECISION, 0, call, "first");
        say(log, NS_REMARK_DECISION, 0, call, "second");
    }
    ASSERT_EQ(log->remark_count, 2u);
    EXPECT_EQ(log->remark[1].repeats, 2u);
    say(log, NS_REMARK_DECISION, 0, 4, "third");
    say(log, NS_REMARK_DECISION, 0, 4, "third");
    EXPECT_EQ(log->remark_count, 4u) << "twice in one call is not a repeat of the call";
}

TEST(Remarks, AreKeptUpToALimitAndThenCounted) {
    SampleLog log = small_log();
    for (uint32_t i = 0; i < NS_LOG_REMARK_LIMIT + 5; ++i) {
        say(log, NS_REMARK_DECISION, 0, i, std::to_string(i).c_str());
    }
    EXPECT_EQ(log->remark_count, NS_LOG_REMARK_LIMIT);
    EXPECT_EQ(log->remarks_lost, 5u);
    EXPECT_FALSE(log->truncated) << "the run itself is complete";
}

TEST(Remarks, AnExpectedCheckThatDoesNotFireFailsAndOneThatFiresDoesNot) {
    SampleLog log = small_log();
    say(log, NS_REMARK_CHECK, 0, 1, "other direction", 7);
    EXPECT_TRUE(ns_log_passed(log.get())) << "unexpected checks fail nothing";
    ns_outcome missing{};
    missing.kind = NS_OUTCOME_MISSING;
    missing.check = 8;
    missing.hazard = UINT32_MAX;
    missing.line = 1;
    missing.column = 7;
    missing.width = 14;
    ns_log_add_outcome(log.get(), &missing);
    EXPECT_FALSE(ns_log_passed(log.get()));
    const std::string text = report(log);
    EXPECT_NE(text.find("missing[dma-debug 8]: the expected check of the kernel did not fire\n"), std::string::npos);
    EXPECT_NE(text.find("fail: 1 expected check did not fire"), std::string::npos) << text;
}

TEST(Remarks, FollowTheSchemaInJson) {
    SampleLog log = small_log();
    for (int kind = NS_REMARK_DECISION; kind <= NS_REMARK_CHECK; ++kind) {
        say(log, static_cast<ns_remark_kind>(kind), 0, 1, "text", kind == NS_REMARK_CHECK ? 26 : 0);
    }
    ns_outcome held{};
    held.kind = NS_OUTCOME_EXPECTED;
    held.check = 26;
    held.hazard = UINT32_MAX;
    ns_log_add_outcome(log.get(), &held);
    ns_buffer out{};
    ns_report_run_json(log.get(), &out);
    const std::string text = text_of(out);
    json_error_t error;
    json_t *document = json_loads(text.c_str(), JSON_REJECT_DUPLICATES, &error);
    json_t *schema = json_load_file(NS_SCHEMA_FILE, JSON_REJECT_DUPLICATES, &error);
    ASSERT_NE(document, nullptr) << error.text;
    ASSERT_NE(schema, nullptr) << error.text;
    EXPECT_EQ(SchemaCheck::check(schema, document, true), "");
    EXPECT_EQ(json_array_size(json_object_get(document, "remarks")), 5u);
    json_decref(document);
    json_decref(schema);
}

} // namespace
