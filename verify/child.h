/* SPDX-License-Identifier: Apache-2.0 */
/* Runs of the scenario in processes of their own: a recording, the plain run, and replays of schedules. */
#ifndef NS_VERIFY_CHILD_H
#define NS_VERIFY_CHILD_H

#include "model/log_io.h"
#include "scenarios/runner.h"

#include <sys/types.h>

struct child {
    pid_t pid;
    int pipe; /* -1: none */
    bool records;
};

/* Starts a run: a recording in this order of steps (NULL: as written), or a plain run by this schedule (NULL: none). */
bool child_record(struct child *child, const struct ns_scenario *scenario, const uint32_t *order);
bool child_run(struct child *child, const struct ns_scenario *scenario, const struct ns_schedule_item *schedule,
               size_t count);
/* Waits for its end. What ns_run_scenario said; `log` from ns_log_create; the recording of child_record, else NULL. A
 * child that died is NS_ERROR_MEMORY with a message. */
enum ns_status child_finish(struct child *child, struct ns_log *log, struct ns_recording *recording, char *message,
                            size_t message_size);

#endif
