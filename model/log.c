/* SPDX-License-Identifier: Apache-2.0 */
#include "model/log.h"

#include "model/grow.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *ns_event_kind_text(enum ns_event_kind kind) {
    static const char *const text[NS_EVENT_KIND_COUNT] = {
        [NS_EVENT_POWER_ON] = "power-on",
        [NS_EVENT_INITIAL] = "initial",
        [NS_EVENT_LOAD] = "load",
        [NS_EVENT_STORE] = "store",
        [NS_EVENT_DMA_READ] = "dma-read",
        [NS_EVENT_DMA_WRITE] = "dma-write",
        [NS_EVENT_FILL] = "fill",
        [NS_EVENT_WRITE_BACK] = "write-back",
        [NS_EVENT_DROP] = "drop",
        [NS_EVENT_SAMPLE] = "sample",
        [NS_EVENT_SPECULATIVE_STORE] = "speculative-store",
        [NS_EVENT_DRAIN] = "drain",
        [NS_EVENT_MAINTENANCE] = "maintenance",
        [NS_EVENT_FENCE] = "fence",
        [NS_EVENT_SFENCE] = "sfence",
        [NS_EVENT_SET_TYPE] = "set-type",
        [NS_EVENT_DOORBELL] = "doorbell",
        [NS_EVENT_START] = "start",
        [NS_EVENT_RAISE] = "raise",
        [NS_EVENT_WAIT] = "wait",
        [NS_EVENT_POLL] = "poll",
        [NS_EVENT_MMIO_READ] = "mmio-read",
        [NS_EVENT_MMIO_WRITE] = "mmio-write",
        [NS_EVENT_MAP] = "map",
        [NS_EVENT_UNMAP] = "unmap",
        [NS_EVENT_SYNC_FOR_CPU] = "sync-for-cpu",
        [NS_EVENT_SYNC_FOR_DEVICE] = "sync-for-device",
        [NS_EVENT_ALLOC] = "alloc",
        [NS_EVENT_FREE] = "free",
        [NS_EVENT_ALLOC_COHERENT] = "alloc-coherent",
        [NS_EVENT_FREE_COHERENT] = "free-coherent",
        [NS_EVENT_MAPPING_ERROR] = "mapping-error",
        [NS_EVENT_PIN] = "pin",
        [NS_EVENT_UNBIND] = "unbind",
        [NS_EVENT_WORKER] = "worker",
        [NS_EVENT_PAGE_FAULT] = "page-fault",
        [NS_EVENT_BUS_ERROR] = "bus-error",
    };
    if ((unsigned)kind >= NS_EVENT_KIND_COUNT) {
        return "unknown";
    }
    return text[kind];
}

struct ns_log *ns_log_create(void) {
    struct ns_log *log = calloc(1, sizeof *log);
    if (log == NULL) {
        return NULL;
    }
    if (!grow((void **)&log->event, &log->event_capacity, 1, sizeof *log->event)) {
        free(log);
        return NULL;
    }
    log->event[0] = (struct ns_event){.kind = NS_EVENT_POWER_ON, .site = NS_NO_SITE, .actor = 0xff, .peer = 0xff};
    log->event_count = 1;
    return log;
}

void ns_log_destroy(struct ns_log *log) {
    if (log == NULL) {
        return;
    }
    free(log->file);
    free(log->scenario);
    free(log->machine);
    free(log->again);
    free(log->site);
    free(log->event);
    free(log->hazard);
    free(log->outcome);
    free(log->remark);
    free(log->executed);
    free(log->begun);
    free(log->stop);
    free(log->move);
    ns_waveform_destroy(log->waveform);
    free(log);
}

bool ns_log_keep_waveform(struct ns_log *log) {
    if (log->waveform == NULL) {
        log->waveform = ns_waveform_create();
    }
    return log->waveform != NULL;
}

uint32_t ns_log_append(struct ns_log *log, const struct ns_event *event) {
    assert(event->link == NS_NO_EVENT || event->link < log->event_count);
    if (log->event_count >= NS_LOG_EVENT_LIMIT ||
        !grow((void **)&log->event, &log->event_capacity, log->event_count + 1, sizeof *log->event)) {
        log->truncated = true;
        return NS_NO_EVENT;
    }
    log->event[log->event_count] = *event;
    return (uint32_t)log->event_count++;
}

static void keep_place(struct ns_hazard *earlier, const struct ns_hazard *hazard) {
    bool known = hazard->first == earlier->first && hazard->last == earlier->last;
    for (uint32_t i = 0; i < earlier->repeat_count; ++i) {
        known = known || (hazard->first == earlier->repeat[i].first && hazard->last == earlier->repeat[i].last);
    }
    if (!known && earlier->repeat_count < NS_HAZARD_REPEATS) {
        earlier->repeat[earlier->repeat_count].first = hazard->first;
        earlier->repeat[earlier->repeat_count].last = hazard->last;
        ++earlier->repeat_count;
    }
}

size_t ns_log_add_hazard(struct ns_log *log, const struct ns_hazard *hazard) {
    for (size_t i = 0; i < log->hazard_count; ++i) {
        struct ns_hazard *earlier = &log->hazard[i];
        if (earlier->id == hazard->id && earlier->site == hazard->site && earlier->actor == hazard->actor) {
            if (earlier->event == hazard->event) { /* more bytes of the same access */
                earlier->first = hazard->first < earlier->first ? hazard->first : earlier->first;
                earlier->last = hazard->last > earlier->last ? hazard->last : earlier->last;
                earlier->latent = earlier->latent && hazard->latent;
            } else if (earlier->repeats < UINT32_MAX) {
                ++earlier->repeats;
                keep_place(earlier, hazard);
            }
            return i;
        }
    }
    if (log->truncated || log->hazard_count >= NS_LOG_HAZARD_LIMIT ||
        !grow((void **)&log->hazard, &log->hazard_capacity, log->hazard_count + 1, sizeof *log->hazard)) {
        log->truncated = true;
        return SIZE_MAX;
    }
    log->hazard[log->hazard_count] = *hazard;
    log->hazard[log->hazard_count].executed = log->executed_count;
    log->hazard[log->hazard_count].moves = log->move_count;
    return log->hazard_count++;
}

void ns_log_add_remark(struct ns_log *log, const struct ns_remark *remark) {
    /* A step in a loop says the same each time: its remarks are among the newest of its site. */
    enum { LOOK_BACK = 64 };
    for (size_t i = log->remark_count; i > 0 && log->remark_count - i < LOOK_BACK; --i) {
        struct ns_remark *earlier = &log->remark[i - 1];
        if (earlier->site == remark->site && earlier->kind == remark->kind && earlier->check == remark->check &&
            earlier->event != remark->event && strcmp(earlier->text, remark->text) == 0 &&
            strcmp(earlier->function, remark->function) == 0) {
            earlier->repeats += earlier->repeats < UINT32_MAX;
            return;
        }
    }
    if (log->remark_count >= NS_LOG_REMARK_LIMIT) {
        ++log->remarks_lost;
        return;
    }
    if (!grow((void **)&log->remark, &log->remark_capacity, log->remark_count + 1, sizeof *log->remark)) {
        ++log->remarks_lost;
        log->truncated = true;
        return;
    }
    log->remark[log->remark_count++] = *remark;
}

bool ns_log_add_outcome(struct ns_log *log, const struct ns_outcome *outcome) {
    if (!grow((void **)&log->outcome, &log->outcome_capacity, log->outcome_count + 1, sizeof *log->outcome)) {
        log->truncated = true;
        return false;
    }
    log->outcome[log->outcome_count++] = *outcome;
    return true;
}

uint32_t ns_log_add_site(struct ns_log *log, uint32_t line, uint32_t column, uint32_t width) {
    if (log->site_count >= NS_NO_SITE ||
        !grow((void **)&log->site, &log->site_capacity, log->site_count + 1, sizeof *log->site)) {
        log->truncated = true;
        return NS_NO_SITE;
    }
    log->site[log->site_count] = (struct ns_site){.line = line, .column = column, .width = width};
    return (uint32_t)log->site_count++;
}

void ns_log_moved(struct ns_log *log, size_t before, const char *text) {
    if (!grow((void **)&log->move, &log->move_capacity, log->move_count + 1, sizeof *log->move)) {
        log->truncated = true;
        return;
    }
    struct ns_log_move *move = &log->move[log->move_count++];
    move->before = before;
    move->event = log->event_count;
    snprintf(move->text, sizeof move->text, "%s", text);
}

void ns_log_executed(struct ns_log *log, uint32_t site) {
    if (!grow((void **)&log->executed, &log->executed_capacity, log->executed_count + 1, sizeof *log->executed) ||
        !grow((void **)&log->begun, &log->begun_capacity, log->begun_count + 1, sizeof *log->begun)) {
        log->truncated = true;
        return;
    }
    log->executed[log->executed_count++] = site;
    log->begun[log->begun_count++] = log->event_count;
}

void ns_log_stopped(struct ns_log *log, const char *text) {
    if (log->executed_count == 0 ||
        !grow((void **)&log->stop, &log->stop_capacity, log->stop_count + 1, sizeof *log->stop)) {
        log->truncated = true;
        return;
    }
    struct ns_log_stop *stop = &log->stop[log->stop_count++];
    stop->executed = log->executed_count - 1;
    snprintf(stop->text, sizeof stop->text, "%s", text);
}

const char *ns_log_stop_text(const struct ns_log *log, size_t executed) {
    for (size_t i = 0; i < log->stop_count; ++i) {
        if (log->stop[i].executed == executed) {
            return log->stop[i].text;
        }
    }
    return "";
}

bool ns_log_goes_on(const struct ns_log *log, size_t executed) {
    for (size_t i = executed; i-- > 0 && log->stop_count > 0;) {
        if (log->executed[i] == log->executed[executed]) {
            return ns_log_stop_text(log, i)[0] != '\0';
        }
    }
    return false;
}

static bool has_outcome(const struct ns_log *log, enum ns_outcome_kind kind) {
    for (size_t i = 0; i < log->outcome_count; ++i) {
        if (log->outcome[i].kind == kind) {
            return true;
        }
    }
    return false;
}

static bool has_failure(const struct ns_log *log) {
    return has_outcome(log, NS_OUTCOME_MISSING) || has_outcome(log, NS_OUTCOME_UNEXPECTED) ||
           has_outcome(log, NS_OUTCOME_FINAL_FAILED);
}

bool ns_log_passed(const struct ns_log *log) {
    return !has_failure(log) && !has_outcome(log, NS_OUTCOME_INCOMPLETE);
}

bool ns_log_incomplete(const struct ns_log *log) {
    return !has_failure(log) && has_outcome(log, NS_OUTCOME_INCOMPLETE);
}

const char *ns_format_address(uint64_t address, char text[NS_ADDRESS_TEXT]) {
    unsigned groups = 4;
    while (groups > 2 && (address >> (16 * (groups - 1))) == 0) {
        --groups;
    }
    int at = snprintf(text, NS_ADDRESS_TEXT, "0x");
    while (groups > 0) {
        --groups;
        at += snprintf(text + at, NS_ADDRESS_TEXT - (size_t)at, "%04x%s",
                       (unsigned)(address >> (16 * groups)) & 0xffffu, groups > 0 ? "_" : "");
    }
    return text;
}
