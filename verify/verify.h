/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Verification: every interleaving of a scenario's actors that respects each actor's own order and the synchronisation
 * edges, times everything that the machine's hardware may do by itself. docs/verify.md says what a proof means.
 *
 * Needs no machine in this process: the scenario's steps are recorded, and counterexamples are replayed, on machines in
 * child processes (fork), so it must not be called from a process that has made a machine (nosnoop.h) or has more than
 * one thread.
 */
#ifndef NS_VERIFY_VERIFY_H
#define NS_VERIFY_VERIFY_H

#include "model/log.h"
#include "scenarios/scenario.h"
#include "scenarios/schedule.h"

#include <signal.h>

#ifdef __cplusplus
extern "C" {
#endif

enum ns_verify_verdict {
    NS_VERIFY_PROVED,     /* no behaviour of this program on this machine shows a hazard */
    NS_VERIFY_REFUTED,    /* some behaviour does */
    NS_VERIFY_INCOMPLETE, /* none was found, but a limit was met or it was stopped: not everything was explored */
};

/* How far it has come; passed to the progress function some ten times a second. */
struct ns_verify_progress {
    uint64_t states;
    size_t lines_done, lines; /* classes of data lines */
};

struct ns_verify_options {
    unsigned jobs;                     /* threads that search and processes that replay at a time; 0: 1 */
    uint64_t state_limit;              /* states of all lines together; 0: NS_VERIFY_STATES */
    uint64_t memory_limit;             /* bytes of host memory for states, of all jobs; 0: NS_VERIFY_MEMORY */
    uint64_t time_limit_ms;            /* 0: none */
    uint32_t replay_limit;             /* counterexamples that are replayed; 0: NS_VERIFY_REPLAYS */
    const volatile sig_atomic_t *stop; /* when not NULL and not 0: ends soon, incomplete */
    void (*progress)(void *context, const struct ns_verify_progress *now); /* may be NULL */
    void *progress_context;
    /* Only the verdict: ends at the first hazard that no `expect` excuses; no counterexamples, names or observations.
     */
    bool verdict_only;
    /* Which devices say when they start and end, is taken from this scenario; NULL: from the one that is verified. For
     * mutants: a device that is no longer waited for has not become one that needs no waiting. Same devices. */
    const struct ns_scenario *conversation;
    /* The verdict, and what was found as `stories`, without replays. */
    bool stories_only;
    /* Explores also what another outcome is known to show, and the caches of all harts. The same is found, in more
     * states: a check of these reductions. */
    bool unreduced;
};
#define NS_VERIFY_STATES (UINT64_C(50) * 1000 * 1000)
#define NS_VERIFY_MEMORY (UINT64_C(4) << 30)

/* A hazard that some behaviour shows, by its shortest schedule. Hazards with the same id at the same step are one. */
struct ns_verify_hazard {
    const struct ns_log *log; /* of the run that replayed `schedule`; owned by the result, shared among hazards. NULL:
                                 not replayed */
    size_t index;             /* of the hazard in log->hazard */
    bool expected;            /* an `expect` of its step names it */
    const struct ns_schedule_item *schedule;
    size_t schedule_count;
    uint32_t length;     /* steps and moves until the hazard */
    char *schedule_text; /* the word for `run --schedule` */
};

enum ns_verify_quantifier { NS_FOUND_ALWAYS, NS_FOUND_SOMETIMES, NS_FOUND_NEVER };

/* A `verify always | sometimes | never` line, or a register whose final values were collected. */
struct ns_verify_observation {
    uint32_t line; /* of the judgement; 0: a register */
    uint32_t column, width;
    char text[160];                  /* the condition as written, or "got == 0x00000000" */
    enum ns_verify_quantifier found; /* what holds over all complete behaviours */
    bool judged;                     /* a judgement, and everything was explored that decides it */
    bool held;                       /* judged: it holds as it was written */
    char *schedule_text;             /* of a behaviour that decides it (a witness or a counterexample), or NULL */
};

/* An `expect` that no behaviour satisfies. */
struct ns_verify_missing {
    enum ns_hazard_id id;
    uint32_t line, column, width;
};

struct ns_verify_stats {
    uint64_t states, transitions;
    uint64_t line_states; /* distinct states of single lines, and moves between them: each computed once */
    uint64_t line_moves;
    size_t data_lines;    /* lines that anything happens to which could go wrong */
    size_t line_classes;  /* of these, with different histories: explored one by one */
    size_t control_lines; /* polled: explored together with each of them */
    size_t actors;
    size_t steps;                              /* steps of the program, repeats unrolled */
    size_t orders;                             /* orders of competing allocations that were explored */
    uint64_t memory_bytes;                     /* of states: of the search that needed most */
    uint64_t record_us, explore_us, replay_us; /* host time */
};

struct ns_verify_result {
    enum ns_verify_verdict verdict;
    bool as_expected;      /* what `expect` and `verify` lines say holds: see docs/verify.md */
    char reason[256];      /* INCOMPLETE: why, and what was covered */
    uint32_t may;          /* enum ns_may: what the hardware was allowed to do */
    bool order_assumed;    /* some device says nothing of when it starts or ends: the written order was taken for it */
    bool hardware_ordered; /* `hw` steps are done where they stand, and keep the order around them */
    bool calls_ordered;    /* calls of several harts on one object kept the order of the file */
    size_t hazard_count;
    struct ns_verify_hazard *hazards; /* shortest schedule first */
    size_t
        unreplayed; /* behaviours whose replay on the timed machine did not show the hazard: a defect of nosnoop ... */
    char *unreplayed_text; /* the schedule of the first of them; NULL: none */
    bool rough;     /* ... unless what full store buffers let go is followed only roughly: then none of them counts */
    size_t unnamed; /* further behaviours that show a hazard, not replayed: replay_limit was met */
    size_t observation_count;
    struct ns_verify_observation *observations; /* judgements in the order of the file, then registers */
    size_t missing_count;
    struct ns_verify_missing *missing;
    /* stories_only: a number for each different thing that goes wrong, the same where the same step of a changed
     * scenario goes wrong in the same way */
    size_t story_count;
    uint64_t *stories;
    uint64_t cycles_ps; /* simulated time of the plain run in written order; 0: it did not end */
    struct ns_verify_stats stats;
    size_t log_count;
    struct ns_log **logs;
};
#define NS_VERIFY_REPLAYS 512u

/* The first device that is an engine, or NULL: what it does follows from data, which the search does not follow, so
 * that ns_verify_scenario() is incomplete at once. */
const struct ns_device *ns_verify_engine(const struct ns_scenario *scenario);
/*
 * NS_OK: the result is filled in; release it. NS_ERROR_ARGUMENT: the scenario cannot be set up (a machine that cannot
 * be built, a pool that cannot be made); NS_ERROR_MEMORY; `message` is one sentence. `scenario` must outlive the
 * result.
 */
enum ns_status ns_verify_scenario(const struct ns_scenario *scenario, const struct ns_verify_options *options,
                                  struct ns_verify_result *result, char *message, size_t message_size);
void ns_verify_release(struct ns_verify_result *result);

/* "proved", "refuted", "incomplete"; "always", "sometimes", "never". */
const char *ns_verify_verdict_text(enum ns_verify_verdict verdict);
const char *ns_verify_quantifier_text(enum ns_verify_quantifier quantifier);

#ifdef __cplusplus
}
#endif
#endif
