// SPDX-License-Identifier: Apache-2.0
#include "sample_log.h"
#include "schema_check.h"

#include "report/json_writer.h"
#include "report/report.h"

#include <gtest/gtest.h>

namespace {

using Json = std::unique_ptr<json_t, void (*)(json_t *)>;

std::string text_of(ns_buffer &buffer) {
    EXPECT_FALSE(buffer.failed);
    std::string text = buffer.data != nullptr ? std::string(buffer.data, buffer.length) : "";
    ns_buffer_release(&buffer);
    return text;
}

std::string run_json(SampleLog &log) {
    ns_buffer out{};
    ns_report_run_json(log.get(), &out);
    return text_of(out);
}

Json parse(const std::string &text) {
    json_error_t error;
    json_t *value = json_loads(text.c_str(), JSON_REJECT_DUPLICATES, &error);
    EXPECT_NE(value, nullptr) << error.text << " at line " << error.line << "\n" << text;
    return Json(value, json_decref);
}

Json schema() {
    json_error_t error;
    json_t *value = json_load_file(NS_SCHEMA_FILE, JSON_REJECT_DUPLICATES, &error);
    EXPECT_NE(value, nullptr) << error.text << " at line " << error.line;
    return Json(value, json_decref);
}

std::string problem_of(const Json &document) {
    return SchemaCheck::check(schema().get(), document.get(), true);
}

std::string string_at(const Json &document, const char *key) {
    return json_string_value(json_object_get(document.get(), key));
}

json_t *hazard_at(const Json &document, size_t index) {
    return json_array_get(json_object_get(document.get(), "hazards"), index);
}

TEST(RunJson, FollowsThePublishedSchema) {
    SampleLog log = refetch_log();
    log.outcome(NS_OUTCOME_EXPECTED, NS_DC_REFETCH, 0, 15, 51, 10);
    log.outcome(NS_OUTCOME_FINAL_HELD, NS_HAZARD_NONE, UINT32_MAX, 17, 10, 17, "got == 0x00000000");
    log->hazard[0].consequence_count = 1;
    log->hazard[0].consequence_site[0] = 6;
    EXPECT_EQ(problem_of(parse(run_json(log))), "");
}

TEST(RunJson, FollowsTheSchemaForEveryHazardSymptomRoleAndOutcome) {
    SampleLog log = refetch_log();
    for (int id = NS_HAZARD_NONE + 1; id < NS_HAZARD_COUNT; ++id) {
        ns_hazard hazard = SampleLog::hazard(static_cast<ns_hazard_id>(id),
                                             static_cast<ns_symptom>(id % (NS_SYMPTOM_HANG + 1)), 3, 6, 0);
        for (int note = 0; note < NS_HAZARD_NOTES; ++note) {
            SampleLog::note(hazard, static_cast<ns_note_role>((id + note) % (NS_NOTE_OTHER + 1)),
                            static_cast<uint32_t>(note));
        }
        ns_log_add_hazard(log.get(), &hazard);
    }
    for (int kind = NS_OUTCOME_EXPECTED; kind <= NS_OUTCOME_INCOMPLETE; ++kind) {
        log.outcome(static_cast<ns_outcome_kind>(kind), NS_DC_REFETCH, UINT32_MAX);
    }
    EXPECT_EQ(problem_of(parse(run_json(log))), "");
}

TEST(RunJson, CarriesTheFactsOfTheHazard) {
    SampleLog log = refetch_log();
    log.outcome(NS_OUTCOME_EXPECTED, NS_DC_REFETCH, 0, 15, 51, 10);
    Json document = parse(run_json(log));
    EXPECT_EQ(string_at(document, "verdict"), "pass");
    EXPECT_EQ(string_at(document, "command"), "run");
    json_t *hazard = hazard_at(document, 0);
    EXPECT_STREQ(json_string_value(json_object_get(hazard, "id")), "DC-REFETCH");
    EXPECT_STREQ(json_string_value(json_object_get(hazard, "symptom")), "stale");
    EXPECT_EQ(json_integer_value(json_object_get(hazard, "line")), 15);
    EXPECT_STREQ(json_string_value(json_object_get(hazard, "actor")), "cpu0");
    EXPECT_STREQ(json_string_value(json_object_get(hazard, "got")), "00 00 00 00");
    EXPECT_STREQ(json_string_value(json_object_get(hazard, "newest")), "ab ab ab ab");
    EXPECT_TRUE(json_is_true(json_object_get(hazard, "expected")));
    EXPECT_TRUE(json_is_false(json_object_get(hazard, "latent")));
    json_t *bytes = json_object_get(hazard, "bytes");
    EXPECT_STREQ(json_string_value(json_array_get(bytes, 0)), "0x80000000");
    EXPECT_STREQ(json_string_value(json_array_get(bytes, 1)), "0x80000003");
    json_t *with = json_object_get(hazard, "with");
    ASSERT_EQ(json_array_size(with), 2u);
    EXPECT_STREQ(json_string_value(json_object_get(json_array_get(with, 0), "role")), "filled");
    EXPECT_EQ(json_integer_value(json_object_get(json_array_get(with, 1), "line")), 11);
    json_t *schedule = json_object_get(hazard, "schedule");
    ASSERT_EQ(json_array_size(schedule), 7u);
    EXPECT_EQ(json_integer_value(json_array_get(schedule, 6)), 15);
}

TEST(RunJson, VerdictFollowsTheOutcomes) {
    const struct {
        ns_outcome_kind kind;
        const char *verdict;
    } table[] = {
        {NS_OUTCOME_EXPECTED, "pass"},   {NS_OUTCOME_MISSING, "fail"},      {NS_OUTCOME_UNEXPECTED, "fail"},
        {NS_OUTCOME_FINAL_HELD, "pass"}, {NS_OUTCOME_FINAL_FAILED, "fail"}, {NS_OUTCOME_INCOMPLETE, "incomplete"},
    };
    for (const auto &row : table) {
        SampleLog log = refetch_log();
        log.outcome(row.kind, NS_DC_REFETCH, 0);
        EXPECT_EQ(string_at(parse(run_json(log)), "verdict"), row.verdict) << row.kind;
    }
}

TEST(RunJson, ALongScheduleIsLeftOut) {
    SampleLog log = refetch_log();
    for (int i = 0; i < 1000; ++i) {
        log.step(10, 7, 8);
    }
    log->hazard[0].executed = log->executed_count;
    Json document = parse(run_json(log));
    EXPECT_TRUE(json_is_null(json_object_get(hazard_at(document, 0), "schedule")));
    EXPECT_EQ(problem_of(document), "");
}

TEST(RunJson, TheSameLogGivesTheSameBytes) {
    SampleLog first = refetch_log(), second = refetch_log();
    EXPECT_EQ(run_json(first), run_json(second));
}

TEST(RunJson, HostileNamesStayInsideTheirStrings) {
    SampleLog log({"x"}, "a\"b\\c\n\x01\xff.dma");
    Json document = parse(run_json(log));
    EXPECT_EQ(string_at(document, "file"), "a\"b\\c\n\x01\xef\xbf\xbd.dma");
}

TEST(JsonWriter, WritesEmptyAndNestedContainersInOneShape) {
    ns_buffer out{};
    ns_json json;
    ns_json_begin(&json, &out);
    ns_json_open(&json, nullptr, '{');
    ns_json_open(&json, "empty", '[');
    ns_json_close(&json, ']');
    ns_json_open(&json, "list", '[');
    ns_json_number(&json, nullptr, UINT64_MAX);
    ns_json_null(&json, nullptr);
    ns_json_close(&json, ']');
    ns_json_bool(&json, "yes", true);
    ns_json_address(&json, "at", 0x1000);
    ns_json_close(&json, '}');
    ns_json_end(&json);
    EXPECT_EQ(text_of(out), "{\n"
                            "  \"empty\": [],\n"
                            "  \"list\": [\n"
                            "    18446744073709551615,\n"
                            "    null\n"
                            "  ],\n"
                            "  \"yes\": true,\n"
                            "  \"at\": \"0x00001000\"\n"
                            "}\n");
}

// The checker must be able to fail, or the tests above say nothing.
TEST(SchemaCheck, RefusesWhatTheSchemaForbids) {
    SampleLog log = refetch_log();
    const std::string good = run_json(log);
    const struct {
        const char *from, *to, *why;
    } table[] = {
        {"\"latent\": false", "\"latent\": 0", "type"},
        {"\"command\": \"run\"", "\"command\": \"walk\"", "const"},
        {"\"symptom\": \"stale\"", "\"symptom\": \"odd\"", "enum"},
        {"\"seed\": 0", "\"seed\": -1", "minimum"},
        {"\"0x80000000\",", "\"80000000\",", "pattern"},
        {"\"machine\":", "\"machina\":", "required"},
        {"\"repeats\": 0,", "\"repeats\": 0, \"extra\": 1,", "undocumented"},
    };
    for (const auto &row : table) {
        std::string bad = good;
        size_t at = bad.find(row.from);
        ASSERT_NE(at, std::string::npos) << row.from;
        bad.replace(at, std::string(row.from).size(), row.to);
        EXPECT_NE(problem_of(parse(bad)), "") << row.why;
    }
}

} // namespace
