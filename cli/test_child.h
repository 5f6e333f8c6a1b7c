/* SPDX-License-Identifier: Apache-2.0 */
/* One scenario in a process of its own: SystemC has one kernel per process, and a crash or a hang must not end the
 * others. */
#ifndef NS_CLI_TEST_CHILD_H
#define NS_CLI_TEST_CHILD_H

#include "cli/commands.h"

#include <sys/types.h>

#define NS_CHILD_OUTPUT_LIMIT (1u << 20) /* bytes kept of what a child writes */

struct ns_child {
    pid_t pid;
    int pipe;             /* -1: the child has closed its end */
    uint64_t deadline_ms; /* of ns_clock_ms */
    bool timed_out, overflowed;
    struct ns_buffer output;
};

struct ns_child_result {
    int exit;   /* enum ns_exit, or any other status of a child that ended by itself; -1 otherwise */
    int signal; /* that killed it; 0 */
    bool timed_out;
    bool no_memory;           /* of this process: the three texts are incomplete */
    struct ns_buffer name;    /* of the scenario; empty when unknown */
    struct ns_buffer machine; /* likewise */
    struct ns_buffer report;  /* messages and report */
};

uint64_t ns_clock_ms(void); /* monotonic */

/* What a child does with `what`: its report and one line to call it by (commands.h, NS_NAME_MACHINE) go to `text` and
 * `name`. */
typedef enum ns_exit ns_child_work(const void *what, const struct ns_options *options, bool color,
                                   struct ns_buffer *text, struct ns_buffer *name);
/* False after a message. */
bool ns_child_start_work(ns_child_work *work, const void *what, const struct ns_options *options, bool color,
                         struct ns_child *child);
/* The work of `test`: runs and verifies a file. */
bool ns_child_start(const char *file, const struct ns_options *options, bool color, struct ns_child *child);
/* Takes what the child has written so far; never waits. */
void ns_child_read(struct ns_child *child);
/* True when the child has ended; then *result is filled (release its buffers) and the child is empty. A child past its
 * deadline is killed. */
bool ns_child_finish(struct ns_child *child, struct ns_child_result *result);
/* Ends it and frees everything. */
void ns_child_kill(struct ns_child *child);

#endif
