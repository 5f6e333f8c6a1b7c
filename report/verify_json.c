/* SPDX-License-Identifier: Apache-2.0 */
#include "report/format.h"
#include "report/json_hazard.h"
#include "report/report.h"
#include "report/verify_report.h"

static void write_items(const struct ns_scenario *scenario, const struct ns_schedule_item *items, size_t count,
                        const char *key, struct ns_json *json) {
    ns_json_open(json, key, '[');
    for (size_t i = 0; i < count; i++) {
        char text[NS_SCHEDULE_ITEM_TEXT];
        (void)ns_schedule_item_text(&items[i], scenario, text);
        if (items[i].kind == NS_SCHEDULE_STEP)
            ns_json_number(json, NULL, items[i].line);
        else
            ns_json_string(json, NULL, text);
    }
    ns_json_close(json, ']');
}

static void write_more(struct ns_json *json, const void *context) {
    const struct ns_verify_hazard *hazard = context;
    ns_json_number(json, "length", hazard->length);
    ns_json_string(json, "replay", hazard->schedule_text);
}

static void write_observation(const struct ns_verify_observation *observation, struct ns_json *json) {
    ns_json_open(json, NULL, '{');
    ns_json_string_bounded(json, "text", observation->text, sizeof observation->text);
    ns_json_string(json, "found", ns_verify_quantifier_text(observation->found));
    ns_json_number(json, "line", observation->line);
    if (observation->line != 0) {
        ns_json_bool(json, "judged", observation->judged);
        ns_json_bool(json, "held", observation->held);
    }
    if (observation->schedule_text != NULL)
        ns_json_string(json, "replay", observation->schedule_text);
    ns_json_close(json, '}');
}

void ns_report_verify_json(const struct ns_scenario *scenario, const struct ns_verify_result *result,
                           struct ns_buffer *out) {
    const struct ns_verify_stats *stats = &result->stats;
    struct ns_json json;
    ns_json_begin(&json, out);
    ns_json_open(&json, NULL, '{');
    ns_json_string(&json, "schema", NS_REPORT_JSON_SCHEMA);
    ns_json_number(&json, "version", NS_REPORT_JSON_VERSION);
    ns_json_string(&json, "command", "verify");
    ns_json_string(&json, "file", scenario->file);
    ns_json_string(&json, "scenario", scenario->name);
    ns_json_string(&json, "machine", scenario->machine.name);
    ns_json_string(&json, "verdict", ns_verify_verdict_text(result->verdict));
    ns_json_bool(&json, "as_expected", result->as_expected);
    ns_json_string_bounded(&json, "reason", result->reason, sizeof result->reason);
    ns_json_open(&json, "may", '[');
    for (unsigned i = 0; ns_report_may_word(result->may, i) != NULL; i++)
        ns_json_string(&json, NULL, ns_report_may_word(result->may, i));
    ns_json_close(&json, ']');
    ns_json_bool(&json, "order_assumed", result->order_assumed);
    ns_json_bool(&json, "hardware_ordered", result->hardware_ordered);
    ns_json_bool(&json, "calls_ordered", result->calls_ordered);
    ns_json_open(&json, "hazards", '[');
    for (size_t i = 0; i < result->hazard_count; i++)
        if (result->hazards[i].log != NULL) /* without a replay there are no facts to write */
            ns_json_hazard(result->hazards[i].log, result->hazards[i].index, write_more, &result->hazards[i], &json);
    ns_json_close(&json, ']');
    if (result->hazard_count > 0)
        write_items(scenario, result->hazards[0].schedule, result->hazards[0].schedule_count, "schedule", &json);
    else
        ns_json_null(&json, "schedule");
    ns_json_open(&json, "observations", '[');
    for (size_t i = 0; i < result->observation_count; i++)
        write_observation(&result->observations[i], &json);
    ns_json_close(&json, ']');
    ns_json_open(&json, "missing", '[');
    for (size_t i = 0; i < result->missing_count; i++) {
        const struct ns_hazard_entry *text = ns_hazard_text(result->missing[i].id);
        ns_json_open(&json, NULL, '{');
        ns_json_string(&json, "id", text != NULL ? text->id : "unknown");
        ns_json_number(&json, "line", result->missing[i].line);
        ns_json_number(&json, "column", result->missing[i].column);
        ns_json_close(&json, '}');
    }
    ns_json_close(&json, ']');
    ns_json_number(&json, "states", stats->states);
    ns_json_number(&json, "transitions", stats->transitions);
    ns_json_number(&json, "line_states", stats->line_states);
    ns_json_number(&json, "line_moves", stats->line_moves);
    ns_json_number(&json, "lines", stats->data_lines);
    ns_json_number(&json, "line_classes", stats->line_classes);
    ns_json_number(&json, "control_lines", stats->control_lines);
    ns_json_number(&json, "actors", stats->actors);
    ns_json_number(&json, "steps", stats->steps);
    ns_json_number(&json, "orders", stats->orders);
    ns_json_number(&json, "memory_bytes", stats->memory_bytes);
    ns_json_number(&json, "unnamed", result->unnamed);
    ns_json_number(&json, "unreplayed", result->unreplayed);
    ns_json_close(&json, '}');
    ns_json_end(&json);
}
