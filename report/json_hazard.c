/* SPDX-License-Identifier: Apache-2.0 */
#include "report/json_hazard.h"

#include "report/format.h"
#include "report/label.h"
#include "report/report.h"

#include <inttypes.h>
#include <stdio.h>

/* Longer schedules are left out (null): the document would grow with hazards times steps. */
#define SCHEDULE_LIMIT 1000

static void write_text(struct ns_json *json, const char *key, struct ns_buffer *text) {
    ns_json_string(json, key, text->data != NULL ? text->data : "");
    json->out->failed = json->out->failed || text->failed;
    ns_buffer_release(text);
}

void ns_json_place(struct ns_json *json, const struct ns_site *site) {
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
        ns_json_place(json, site);
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
        const char *stop = site == NULL ? "" : ns_log_stop_text(log, i);
        if (stop[0] != '\0') {
            char text[16 + NS_LOG_STOP_BYTES];
            snprintf(text, sizeof text, "%" PRIu32 "%s", site->line, stop);
            ns_json_string(json, NULL, text);
        } else if (site != NULL) {
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

void ns_json_hazard(const struct ns_log *log, size_t index, void (*more)(struct ns_json *, const void *),
                    const void *context, struct ns_json *json) {
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
    ns_json_place(json, ns_report_place(log, hazard));
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
    if (more != NULL) {
        more(json, context);
    }
    ns_json_close(json, '}');
}
