/* SPDX-License-Identifier: Apache-2.0 */
#include "report/format.h"
#include "report/json_writer.h"
#include "report/label.h"
#include "report/report.h"

/* Longer schedules are left out (null): the document would grow with hazards times steps. */
#define SCHEDULE_LIMIT 1000

static void write_text(struct ns_json *json, const char *key, struct ns_buffer *text) {
    ns_json_string(json, key, text->data != NULL ? text->data : "");
    json->out->failed = json->out->failed || text->failed;
    ns_buffer_release(text);
}

static void write_place(struct ns_json *json, const struct ns_site *site) {
    ns_json_number(json, "line", site != NULL ? site->line : 0);
    ns_json_number(json, "column", site != NULL ? site->column : 0);
}

static void write_with(const struct ns_log *log, const struct ns_hazard *hazard, struct ns_json *json) {
    ns_json_open(json, "with", '[');
    for (uint32_t i = 0; i < hazard->note_count && i < NS_HAZARD_NOTES; ++i) {
        const struct ns_note *note = &hazard->note[i];
        const struct ns_event *event = ns_event_at(log, note->event);
        const struct ns_site *site = event != NULL ? ns_site_at(log, event->site) : NULL;
        struct ns_buffer label = {0};
        ns_json_open(json, NULL, '{');
        ns_json_string(json, "role", ns_note_role_text(note->role));
        ns_json_number(json, "event", note->event);
        ns_json_string(json, "kind",
                       ns_event_kind_text(event != NULL ? (enum ns_event_kind)event->kind : NS_EVENT_POWER_ON));
        ns_json_string(json, "actor", ns_actor_name(log, event != NULL ? event->actor : 0xff));
        write_place(json, site);
        ns_json_address(json, "address", event != NULL ? event->address : 0);
        ns_json_number(json, "time_ps", event != NULL ? event->time_ps : 0);
        ns_label_note(log, hazard, note, ns_report_when(log, event), &label);
        write_text(json, "text", &label);
        ns_json_close(json, '}');
    }
    ns_json_close(json, ']');
}

static void write_schedule(const struct ns_log *log, const struct ns_hazard *hazard, struct ns_json *json) {
    size_t length = ns_report_schedule_length(log, hazard);
    if (length > SCHEDULE_LIMIT) {
        ns_json_null(json, "schedule");
        return;
    }
    ns_json_open(json, "schedule", '[');
    size_t move = 0;
    for (size_t i = 0; i <= length; ++i) {
        for (; move < hazard->moves && move < log->move_count && log->move[move].before <= i; ++move) {
            ns_json_string(json, NULL, log->move[move].text);
        }
        const struct ns_site *site = i < length ? ns_site_at(log, log->executed[i]) : NULL;
        if (site != NULL) {
            ns_json_number(json, NULL, site->line);
        }
    }
    ns_json_close(json, ']');
}

static void write_sample(struct ns_json *json, const char *key, const uint8_t *bytes, size_t count) {
    struct ns_buffer text = {0};
    ns_format_bytes(&text, bytes, count);
    write_text(json, key, &text);
}

static void write_hazard(const struct ns_log *log, size_t index, struct ns_json *json) {
    const struct ns_hazard *hazard = &log->hazard[index];
    const struct ns_hazard_entry *text = ns_hazard_text(hazard->id);
    const struct ns_event *event = ns_event_at(log, hazard->event);
    size_t count = hazard->sample_length < sizeof hazard->got ? hazard->sample_length : sizeof hazard->got;
    struct ns_buffer headline = {0}, detail = {0};
    ns_json_open(json, NULL, '{');
    ns_json_string(json, "id", text != NULL ? text->id : "unknown");
    ns_json_string(json, "symptom", ns_symptom_text(hazard->symptom));
    ns_json_string(json, "title", text != NULL ? text->title : "");
    ns_label_headline(log, hazard, &headline);
    write_text(json, "message", &headline);
    ns_json_string(json, "file", log->file);
    write_place(json, ns_site_at(log, hazard->site));
    ns_json_string(json, "actor", ns_actor_name(log, hazard->actor));
    ns_json_number(json, "event", hazard->event);
    ns_json_number(json, "time_ps", event != NULL ? event->time_ps : 0);
    ns_json_open(json, "bytes", '[');
    ns_json_address(json, NULL, hazard->first);
    ns_json_address(json, NULL, hazard->last);
    ns_json_close(json, ']');
    ns_json_bool(json, "expected", ns_report_is_expected(log, index));
    ns_json_bool(json, "latent", hazard->latent);
    ns_json_number(json, "repeats", hazard->repeats);
    write_sample(json, "got", hazard->got, count);
    write_sample(json, "newest", hazard->newest, count);
    ns_label_site(log, hazard, &detail);
    write_text(json, "detail", &detail);
    ns_json_string(json, "help", text != NULL ? text->help : "");
    write_with(log, hazard, json);
    ns_json_open(json, "consequences", '[');
    for (uint32_t i = 0;
         i < hazard->consequence_count && i < sizeof hazard->consequence_site / sizeof hazard->consequence_site[0];
         ++i) {
        const struct ns_site *site = ns_site_at(log, hazard->consequence_site[i]);
        if (site != NULL) {
            ns_json_number(json, NULL, site->line);
        }
    }
    ns_json_close(json, ']');
    write_schedule(log, hazard, json);
    ns_json_close(json, '}');
}

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
    write_place(json, ns_site_at(log, remark->site));
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
                write_hazard(log, i, &json);
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
    ns_json_close(&json, '}');
    ns_json_close(&json, '}');
    ns_json_end(&json);
}
