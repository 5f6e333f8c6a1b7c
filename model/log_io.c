/* SPDX-License-Identifier: Apache-2.0 */
#include "model/log_io.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

bool ns_pipe_write(int pipe, const void *bytes, size_t length) {
    const char *from = bytes;
    while (length > 0) {
        const ssize_t written = write(pipe, from, length);
        if (written < 0 && errno == EINTR)
            continue;
        if (written <= 0)
            return false;
        from += written;
        length -= (size_t)written;
    }
    return true;
}

bool ns_pipe_read(int pipe, void *bytes, size_t length) {
    char *to = bytes;
    while (length > 0) {
        const ssize_t got = read(pipe, to, length);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return false;
        to += got;
        length -= (size_t)got;
    }
    return true;
}

/* An array with its count in front. */
static bool send_array(int pipe, const void *array, size_t count, size_t size) {
    return ns_pipe_write(pipe, &count, sizeof count) && ns_pipe_write(pipe, array, count * size);
}

static bool receive_array(int pipe, void **array, size_t *count, size_t *capacity, size_t size) {
    size_t wanted = 0;
    if (!ns_pipe_read(pipe, &wanted, sizeof wanted) || wanted > SIZE_MAX / size - 1)
        return false;
    void *made = realloc(*array, (wanted + 1) * size);
    if (made == NULL)
        return false;
    *array = made;
    *capacity = wanted + 1;
    *count = 0;
    if (!ns_pipe_read(pipe, made, wanted * size))
        return false;
    *count = wanted;
    return true;
}

static bool send_text(int pipe, const char *text) {
    return send_array(pipe, text == NULL ? "" : text, text == NULL ? 0 : strlen(text), 1);
}

static bool receive_text(int pipe, char **text) {
    size_t length = 0, capacity = 0;
    if (!receive_array(pipe, (void **)text, &length, &capacity, 1))
        return false;
    (*text)[length] = '\0';
    return true;
}

bool ns_log_send(int pipe, const struct ns_log *log) {
    return ns_pipe_write(pipe, log, sizeof *log) && send_text(pipe, log->file) && send_text(pipe, log->scenario) &&
           send_text(pipe, log->machine) && send_array(pipe, log->site, log->site_count, sizeof *log->site) &&
           send_array(pipe, log->event, log->event_count, sizeof *log->event) &&
           send_array(pipe, log->hazard, log->hazard_count, sizeof *log->hazard) &&
           send_array(pipe, log->outcome, log->outcome_count, sizeof *log->outcome) &&
           send_array(pipe, log->remark, log->remark_count, sizeof *log->remark) &&
           send_array(pipe, log->executed, log->executed_count, sizeof *log->executed) &&
           send_array(pipe, log->begun, log->begun_count, sizeof *log->begun) &&
           send_array(pipe, log->stop, log->stop_count, sizeof *log->stop) &&
           send_array(pipe, log->move, log->move_count, sizeof *log->move);
}

bool ns_log_receive(int pipe, struct ns_log *log) {
    struct ns_log *plain = malloc(sizeof *plain); /* its pointers are the sender's */
    if (plain == NULL || !ns_pipe_read(pipe, plain, sizeof *plain)) {
        free(plain);
        return false;
    }
    log->order_free = plain->order_free;
    log->chaos = plain->chaos;
    log->scheduled = plain->scheduled;
    log->seed = plain->seed;
    log->actor_count = plain->actor_count;
    memcpy(log->actor, plain->actor, sizeof log->actor);
    log->levels = plain->levels;
    memcpy(log->level_name, plain->level_name, sizeof log->level_name);
    memcpy(log->line_size, plain->line_size, sizeof log->line_size);
    log->truncated = plain->truncated;
    log->remarks_lost = plain->remarks_lost;
    log->end_ps = plain->end_ps;
    log->discarded = plain->discarded;
    log->stats = plain->stats;
    free(plain);
    return receive_text(pipe, &log->file) && receive_text(pipe, &log->scenario) && receive_text(pipe, &log->machine) &&
           receive_array(pipe, (void **)&log->site, &log->site_count, &log->site_capacity, sizeof *log->site) &&
           receive_array(pipe, (void **)&log->event, &log->event_count, &log->event_capacity, sizeof *log->event) &&
           receive_array(pipe, (void **)&log->hazard, &log->hazard_count, &log->hazard_capacity, sizeof *log->hazard) &&
           receive_array(pipe, (void **)&log->outcome, &log->outcome_count, &log->outcome_capacity,
                         sizeof *log->outcome) &&
           receive_array(pipe, (void **)&log->remark, &log->remark_count, &log->remark_capacity, sizeof *log->remark) &&
           receive_array(pipe, (void **)&log->executed, &log->executed_count, &log->executed_capacity,
                         sizeof *log->executed) &&
           receive_array(pipe, (void **)&log->begun, &log->begun_count, &log->begun_capacity, sizeof *log->begun) &&
           receive_array(pipe, (void **)&log->stop, &log->stop_count, &log->stop_capacity, sizeof *log->stop) &&
           receive_array(pipe, (void **)&log->move, &log->move_count, &log->move_capacity, sizeof *log->move);
}

bool ns_recording_send(int pipe, const struct ns_recording *recording) {
    return ns_pipe_write(pipe, &recording->failed, sizeof recording->failed) &&
           send_array(pipe, recording->entry, recording->count, sizeof *recording->entry) &&
           send_array(pipe, recording->data, recording->data_count, 1);
}

bool ns_recording_receive(int pipe, struct ns_recording *recording) {
    return ns_pipe_read(pipe, &recording->failed, sizeof recording->failed) &&
           receive_array(pipe, (void **)&recording->entry, &recording->count, &recording->capacity,
                         sizeof *recording->entry) &&
           receive_array(pipe, (void **)&recording->data, &recording->data_count, &recording->data_capacity, 1);
}
