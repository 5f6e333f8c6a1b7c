/* SPDX-License-Identifier: Apache-2.0 */
/* Runs a scenario on the machine once and judges it. */
#ifndef NS_SCENARIOS_RUNNER_H
#define NS_SCENARIOS_RUNNER_H

#include "model/log.h"
#include "model/recording.h"
#include "scenarios/scenario.h"
#include "scenarios/schedule.h"

#include <signal.h>

#ifdef __cplusplus
extern "C" {
#endif

struct ns_run_options {
    bool order_given, order_free; /* order_given: order_free replaces what the scenario says */
    bool seed_given;
    uint64_t seed; /* replaces the scenario's */
    bool chaos; /* the hardware makes moves of its own between steps, drawn from chaos_seed and the machine's `may` list
                 */
    uint64_t chaos_seed;
    const struct ns_schedule_item *schedule; /* steps in the order to execute, and moves of the hardware; NULL: as
                                                written */
    size_t schedule_count;
    /* Not NULL: the steps are taken down (see model/recording.h) instead of judged; nothing waits, and `hw` does
     * nothing. record_order, when not NULL: all steps (indices into scenario->steps) in the order to take them. */
    struct ns_recording *recording;
    const uint32_t *record_order;
    const volatile sig_atomic_t *stop; /* when not NULL and not 0: the run ends after the step under way, incomplete */
};

/*
 * Executes the scenario and appends everything to `log`, from ns_log_create(); the log keeps pointers into `scenario`.
 * The outcome of every expectation and `final` is in log->outcome. One run per process (see nosnoop.h).
 *
 * NS_OK: it ran, whatever came of it. NS_ERROR_ARGUMENT: a schedule that does not fit the scenario, or a machine that
 * cannot be built; `message` is one sentence. NS_ERROR_MEMORY, NS_ERROR_LIMIT: it did not run to its end.
 */
enum ns_status ns_run_scenario(const struct ns_scenario *scenario, const struct ns_run_options *options,
                               struct ns_log *log, char *message, size_t message_size);

#ifdef __cplusplus
}
#endif
#endif
