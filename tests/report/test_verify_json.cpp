// SPDX-License-Identifier: Apache-2.0
#include "sample_verification.h"
#include "schema_check.h"

#include "report/verify_report.h"

#include <gtest/gtest.h>

namespace {

using Json = std::unique_ptr<json_t, void (*)(json_t *)>;

Json parse(const std::string &text) {
    json_error_t error;
    json_t *value = json_loads(text.c_str(), JSON_REJECT_DUPLICATES, &error);
    EXPECT_NE(value, nullptr) << error.text << " at line " << error.line << "\n" << text;
    return Json(value, json_decref);
}

Json document(SampleVerification &what) {
    ns_buffer out{};
    ns_report_verify_json(&what.scenario, &what.result, &out);
    EXPECT_FALSE(out.failed);
    Json value = parse(out.data != nullptr ? std::string(out.data, out.length) : "");
    ns_buffer_release(&out);
    json_error_t error;
    Json schema(json_load_file(NS_SCHEMA_FILE, JSON_REJECT_DUPLICATES, &error), json_decref);
    EXPECT_EQ(SchemaCheck::check(schema.get(), value.get(), true), "");
    return value;
}

std::string string_at(const json_t *object, const char *key) {
    const char *text = json_string_value(json_object_get(object, key));
    return text != nullptr ? text : "(none)";
}

struct Refetch {
    Refetch() : log(refetch_by_move()), what(log) { what.actors({"cpu0", "nic", "nic", "cpu0", "cpu0"}); }
    SampleLog log;
    SampleVerification what;
};

TEST(VerifyJson, AProofHasNoHazardsAndNoSchedule) {
    Refetch sample;
    const Json value = document(sample.what);
    EXPECT_EQ(string_at(value.get(), "command"), "verify");
    EXPECT_EQ(string_at(value.get(), "verdict"), "proved");
    EXPECT_TRUE(json_is_true(json_object_get(value.get(), "as_expected")));
    EXPECT_EQ(json_array_size(json_object_get(value.get(), "hazards")), 0u);
    EXPECT_TRUE(json_is_null(json_object_get(value.get(), "schedule")));
    EXPECT_EQ(json_integer_value(json_object_get(value.get(), "states")), 13);
    json_t *may = json_object_get(value.get(), "may");
    ASSERT_EQ(json_array_size(may), 2u);
    EXPECT_STREQ(json_string_value(json_array_get(may, 0)), "speculative-fill");
}

TEST(VerifyJson, StepsOfAScheduleAreNumbersAndMovesAreStrings) {
    Refetch sample;
    sample.what.hazard(0, true);
    const Json value = document(sample.what);
    json_t *hazard = json_array_get(json_object_get(value.get(), "hazards"), 0);
    EXPECT_EQ(string_at(hazard, "id"), "DC-REFETCH");
    EXPECT_EQ(json_integer_value(json_object_get(hazard, "length")), 6);
    EXPECT_EQ(string_at(hazard, "replay"), "4,fill:cpu0:0x8000_0000,5,6,7,8");
    for (json_t *schedule : {json_object_get(hazard, "schedule"), json_object_get(value.get(), "schedule")}) {
        ASSERT_EQ(json_array_size(schedule), 6u);
        EXPECT_EQ(json_integer_value(json_array_get(schedule, 0)), 4);
        EXPECT_STREQ(json_string_value(json_array_get(schedule, 1)), "fill:cpu0:0x8000_0000");
        EXPECT_EQ(json_integer_value(json_array_get(schedule, 5)), 8);
    }
}

TEST(VerifyJson, ObservationsAndMissingHazardsFollowTheSchema) {
    Refetch sample;
    sample.what.judgement(9, NS_VERIFY_ALWAYS);
    sample.what.observation(9, "got == 0", NS_FOUND_SOMETIMES, true, false, "4,5,8");
    sample.what.observation(0, "got == 0x00000000", NS_FOUND_ALWAYS);
    sample.what.missing(NS_DC_REFETCH, 8, 51, 10);
    const Json value = document(sample.what);
    json_t *observations = json_object_get(value.get(), "observations");
    ASSERT_EQ(json_array_size(observations), 2u);
    json_t *judged = json_array_get(observations, 0);
    EXPECT_TRUE(json_is_false(json_object_get(judged, "held")));
    EXPECT_EQ(string_at(judged, "found"), "sometimes");
    EXPECT_EQ(string_at(judged, "replay"), "4,5,8");
    EXPECT_EQ(json_object_get(json_array_get(observations, 1), "held"), nullptr);
    EXPECT_EQ(string_at(json_array_get(json_object_get(value.get(), "missing"), 0), "id"), "DC-REFETCH");
}

TEST(VerifyJson, EveryVerdictHasItsWordAndAnIncompleteOneItsReason) {
    const struct {
        ns_verify_verdict verdict;
        const char *word;
    } table[] = {{NS_VERIFY_PROVED, "proved"}, {NS_VERIFY_REFUTED, "refuted"}, {NS_VERIFY_INCOMPLETE, "incomplete"}};
    for (const auto &row : table) {
        Refetch sample;
        sample.what.result.verdict = row.verdict;
        std::strcpy(sample.what.result.reason, "the limit of states was met");
        const Json value = document(sample.what);
        EXPECT_EQ(string_at(value.get(), "verdict"), row.word);
        EXPECT_EQ(string_at(value.get(), "reason"), "the limit of states was met");
    }
}

TEST(VerifyJson, AHazardWithoutAReplayIsLeftOut) {
    Refetch sample;
    sample.what.hazard(0, false);
    sample.what.result.hazards[0].log = nullptr;
    const Json value = document(sample.what);
    EXPECT_EQ(json_array_size(json_object_get(value.get(), "hazards")), 0u);
    EXPECT_EQ(json_array_size(json_object_get(value.get(), "schedule")), 6u);
}

} // namespace
