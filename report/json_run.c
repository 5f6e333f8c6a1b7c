/* SPDX-License-Identifier: Apache-2.0 */
#include "report/format.h"
#include "report/json_hazard.h"
#include "report/report.h"
#include "report/stats.h"

static const char *outcome_result(enum ns_outcome_kind kind) {
    switch (kind) {
    case NS_OUTCOME_EXPECTED:
        return "occurred";
    case NS_OUTCOME_MISSING:
        return "missing";
    case NS_OUTCOME_UNEXPECTED:
        return "unexpected";
    case NS_OUTCOME_FINAL_HELD:
        return "held";
    case NS_OUTCOME_FINAL_FAILED:
        return "failed";
    case NS_OUTCOME_NOT_JUDGED:
        return "not-judged";
    case NS_OUTCOME_INCOMPLETE:
        break;
    }
    return "incomplete";
}

static void write_outcome(const struct ns_outcome *outcome, struct ns_json *json) {
    const struct ns_hazard_entry *text = ns_hazard_text(outcome->id);
    ns_json_open(json, NULL, '{');
    ns_json_string(json, "result", outcome_result(outcome->kind));
    ns_json_number(json, "line", outcome->line);
    ns_json_number(json, "column", outcome->column);
    if (text != NULL) {
        ns_json_string(json, "id", text->id);
    }
    if (outcome->check != 0) {
        ns_json_number(json, "check", outcome->check);
    }
    ns_json_string_bounded(json, "text", outcome->text, sizeof outcome->text);
    ns_json_string_bounded(json, "actual", outcome->actual, sizeof outcome->actual);
    ns_json_close(json, '}');
}

static void write_remark(const struct ns_log *log, const struct ns_remark *remark, struct ns_json *json) {
    static const char *const kinds[] = {[NS_REMARK_DECISION] = "decision",
                                        [NS_REMARK_INFO] = "info",
                                        [NS_REMARK_WARN] = "warning",
                                        [NS_REMARK_BUG] = "bug",
                                        [NS_REMARK_CHECK] = "dma-debug"};
    ns_json_open(json, NULL, '{');
    ns_json_string(json, "kind", kinds[remark->kind]);
    ns_json_place(json, ns_site_at(log, remark->site));
    ns_json_number(json, "event", remark->event);
    ns_json_string_bounded(json, "function", remark->function, sizeof remark->function);
    ns_json_string_bounded(json, "text", remark->text, sizeof remark->text);
    ns_json_number(json, "repeats", remark->repeats);
    if (remark->kind == NS_REMARK_CHECK) {
        ns_json_number(json, "check", remark->check);
        ns_json_bool(json, "expected", remark->expected);
    }
    ns_json_close(json, '}');
}

static bool is_final(const struct ns_outcome *outcome) {
    return outcome->kind == NS_OUTCOME_FINAL_HELD || outcome->kind == NS_OUTCOME_FINAL_FAILED;
}

void ns_report_run_json(const struct ns_log *log, struct ns_buffer *out) {
    struct ns_json json;
    ns_json_begin(&json, out);
    ns_json_open(&json, NULL, '{');
    ns_json_string(&json, "schema", NS_REPORT_JSON_SCHEMA);
    ns_json_number(&json, "version", NS_REPORT_JSON_VERSION);
    ns_json_string(&json, "command", "run");
    ns_json_string(&json, "file", log->file);
    ns_json_string(&json, "scenario", log->scenario);
    ns_json_string(&json, "machine", log->machine);
    ns_json_number(&json, "seed", log->seed);
    ns_json_string(&json, "order", log->order_free ? "free" : "written");
    ns_json_bool(&json, "chaos", log->chaos);
    ns_json_string(&json, "verdict", ns_report_verdict(log));
    ns_json_open(&json, "hazards", '[');
    for (int expected = 0; expected <= 1; ++expected) {
        for (size_t i = 0; i < log->hazard_count; ++i) {
            if (ns_report_is_expected(log, i) == (expected == 1)) {
                ns_json_hazard(log, i, NULL, NULL, &json);
            }
        }
    }
    ns_json_close(&json, ']');
    for (int finals = 1; finals >= 0; --finals) {
        ns_json_open(&json, finals ? "finals" : "expectations", '[');
        for (size_t i = 0; i < log->outcome_count; ++i) {
            if (is_final(&log->outcome[i]) == (finals == 1)) {
                write_outcome(&log->outcome[i], &json);
            }
        }
        ns_json_close(&json, ']');
    }
    ns_json_open(&json, "remarks", '[');
    for (size_t i = 0; i < log->remark_count; ++i) {
        write_remark(log, &log->remark[i], &json);
    }
    ns_json_close(&json, ']');
    ns_json_open(&json, "stats", '{');
    ns_json_number(&json, "events", log->event_count);
    ns_json_number(&json, "end_ps", log->end_ps);
    ns_json_number(&json, "steps", log->executed_count);
    ns_json_bool(&json, "truncated", log->truncated);
    ns_json_number(&json, "remarks_lost", log->remarks_lost);
    ns_json_stats(log, &json);
    ns_json_close(&json, '}');
    ns_json_close(&json, '}');
    ns_json_end(&json);
}
