/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A trace on the timed machine: hart 0 makes its accesses one at a time, in the order of the trace; a device makes
 * those that are its; maintenance and fences are the hart's. Whoever's turn it is not waits.
 *
 * What the trace's bytes are is not known. Which access wrote them is, and with that the machine finds what is stale or
 * lost, as in a scenario. Only pages that a device or maintenance touches are watched for that (the others cannot be
 * concerned), so that the file is read twice: once for these pages, once to run.
 */
#ifndef NS_CLI_REPLAY_MACHINE_H
#define NS_CLI_REPLAY_MACHINE_H

#include "cli/replay_input.h"
#include "model/config.h"
#include "model/log.h"

struct ns_timed_replay {
    /* Set by the caller. The file can be read twice; "-" is standard input, from its present offset on. */
    const char *file;
    struct ns_machine_config machine;
    bool lenient, quiet;
    bool watch_all; /* for tests: every page, which must change no count and no time */
    /* What came of it. */
    struct ns_trace_parser parser;
    size_t pages;        /* of the trace, that were used */
    uint64_t pages_room; /* that the machine's RAM has for them */
};

/* One in a process (nosnoop.h). `log` is a new one; its hazards name lines of the trace, and its addresses are those of
 * the trace, but what lies in no page of it. log->lines and log->file are set; the log must not be used longer than the
 * result, which ns_timed_release frees. NS_EXIT_HELD: it ran, whatever came of it; NS_EXIT_INCOMPLETE: SIGINT ended it;
 * else after a message. */
struct ns_timed_result;
enum ns_exit ns_timed_run(struct ns_timed_replay *replay, struct ns_log *log, struct ns_timed_result **result);
void ns_timed_release(struct ns_timed_result *result); /* NULL is ok */

#endif
