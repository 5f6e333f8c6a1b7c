/* SPDX-License-Identifier: Apache-2.0 */
#include "verify/child.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { MESSAGE_BYTES = 512 };

enum { NO_MEMORY = 2 }; /* exit status of a child that could not even make its log */

static bool start(struct child *child, const struct ns_scenario *scenario, const struct ns_run_options *options) {
    int ends[2];
    *child = (struct child){.pipe = -1, .records = options->recording != NULL};
    fflush(NULL); /* or the child would write it again */
    if (pipe(ends) != 0)
        return false;
    child->pid = fork();
    if (child->pid != 0) {
        close(ends[1]);
        if (child->pid < 0) {
            close(ends[0]);
            return false;
        }
        child->pipe = ends[0];
        return true;
    }
    close(ends[0]);
    signal(SIGINT, SIG_IGN); /* the parent decides */
    char message[MESSAGE_BYTES] = "";
    struct ns_log *log = ns_log_create();
    if (log == NULL)
        _exit(NO_MEMORY);
    const enum ns_status status = ns_run_scenario(scenario, options, log, message, sizeof message);
    const bool sent = ns_pipe_write(ends[1], &status, sizeof status) &&
                      ns_pipe_write(ends[1], message, sizeof message) && ns_log_send(ends[1], log) &&
                      (options->recording == NULL || ns_recording_send(ends[1], options->recording));
    _exit(sent ? 0 : 1);
}

bool child_record(struct child *child, const struct ns_scenario *scenario, const uint32_t *order) {
    struct ns_recording recording = {.step = UINT32_MAX};
    const struct ns_run_options options = {.order_given = true, .recording = &recording, .record_order = order};
    return start(child, scenario, &options);
}

bool child_run(struct child *child, const struct ns_scenario *scenario, const struct ns_schedule_item *schedule,
               size_t count) {
    const struct ns_run_options options = {.order_given = true, .schedule = schedule, .schedule_count = count};
    return start(child, scenario, &options);
}

enum ns_status child_finish(struct child *child, struct ns_log *log, struct ns_recording *recording, char *message,
                            size_t message_size) {
    enum ns_status status = NS_ERROR_MEMORY;
    char text[MESSAGE_BYTES] = "";
    const bool told = child->pipe >= 0 && ns_pipe_read(child->pipe, &status, sizeof status) &&
                      ns_pipe_read(child->pipe, text, sizeof text);
    const bool good =
        told && ns_log_receive(child->pipe, log) && (!child->records || ns_recording_receive(child->pipe, recording));
    if (child->pipe >= 0)
        close(child->pipe);
    int ended = 0;
    while (child->pid > 0 && waitpid(child->pid, &ended, 0) < 0 && errno == EINTR) {
    }
    const bool no_memory = WIFEXITED(ended) && WEXITSTATUS(ended) == NO_MEMORY;
    const bool failed = told && status != NS_OK; /* then its log may be cut short */
    if (message != NULL && message_size > 0)
        snprintf(message, message_size, "%s",
                 good || failed ? text
                 : no_memory    ? ns_status_text(NS_ERROR_MEMORY)
                                : "a run of the scenario ended before its time");
    *child = (struct child){.pipe = -1};
    return good || failed ? status : NS_ERROR_MEMORY;
}
