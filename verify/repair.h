/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Changes of a scenario, judged by verification: the cheapest one that makes the proof go through, maintenance that can
 * go, and mutants. Every candidate is a text: it is parsed and verified as a user's file would be.
 */
#ifndef NS_VERIFY_REPAIR_H
#define NS_VERIFY_REPAIR_H

#include "verify/verify.h"

#ifdef __cplusplus
extern "C" {
#endif

struct ns_repair_options {
    struct ns_verify_options verify; /* of each candidate; verdict_only is set here */
    const struct ns_machine_source *machines;
    bool minimise;       /* also look for maintenance that can go */
    uint32_t candidates; /* how many changes are tried at most; 0: NS_REPAIR_CANDIDATES */
};
#define NS_REPAIR_CANDIDATES 4000u

/* One change that makes the proof go through. */
struct ns_repair_fix {
    char *text;        /* the scenario with it; owned by the result */
    char *summary;     /* what it does, a line for each part, such as "line 12: + cpu0: clean tx"; owned */
    unsigned parts;    /* changes of one place */
    unsigned flushes;  /* of these, flushes inserted where a clean or an invalidate might do */
    bool separates;    /* it moves objects apart, or makes memory non-cacheable: no maintenance alone does it */
    bool retimes;      /* a store that no other actor sees comes earlier or later: listed behind those that leave stores
                          alone, because whether the rest of a driver can wait for it the scenario does not show */
    bool uncached;     /* non-cacheable memory: listed behind all others, because what it costs the rest of a driver the
                          scenario does not show */
    uint64_t discards; /* how many more stored bytes than in the original end where an invalidate dropped them, which
                          nobody in the scenario misses: listed behind all that discard none */
    int64_t cost_ps;   /* simulated time of the run in written order, compared with the original's */
};

struct ns_repair_result {
    enum ns_verify_verdict before; /* of the scenario as it is */
    size_t fix_count;
    struct ns_repair_fix *fixes; /* cheapest first, but those that retime a store and then uncached ones last; for a
                                    proved scenario with minimise: what is left out, one fix */
    bool only_separation;        /* there is a fix, and of those tried none of maintenance, order and fences alone */
    bool exhausted;              /* the limit of candidates was met, or it was interrupted */
    uint64_t tried;
    uint64_t incomplete; /* of these, how many could not be explored to their end: a cheaper change may be among them */
    char reason[256];    /* why the first of them could not, or with `before` INCOMPLETE, the scenario itself */
    uint64_t cycle_ps;   /* of a hart, to turn cost into cycles */
    uint64_t run_ps;     /* of the original; 0: its run does not end */
    uint64_t discarded;  /* by the original: see struct ns_log */
};

enum ns_status ns_repair_scenario(const struct ns_scenario *scenario, const struct ns_repair_options *options,
                                  struct ns_repair_result *result, char *message, size_t message_size);
void ns_repair_release(struct ns_repair_result *result);

/* ---- mutants --------------------------------------------------------------------------------- */

enum ns_mutation { NS_MUTATION_DROP, NS_MUTATION_SWAP, NS_MUTATION_SHRINK };
enum ns_mutant_verdict {
    NS_MUTANT_REFUTED,   /* the piece is needed: without it there is a hazard */
    NS_MUTANT_REDUNDANT, /* the proof holds without it */
    NS_MUTANT_INCOMPLETE,
    NS_MUTANT_NO_PROGRAM, /* what is left is no scenario any more: a name is missing */
};
struct ns_mutant {
    enum ns_mutation mutation;
    uint32_t line;
    char step[120]; /* the step as written, shortened */
    enum ns_mutant_verdict verdict;
    enum ns_hazard_id id; /* REFUTED: the hazard with the shortest way */
    uint32_t hazard_line;
};
struct ns_mutate_result {
    enum ns_verify_verdict before;
    size_t count;
    struct ns_mutant *mutants;
    size_t refuted, redundant, incomplete;
    char reason[256]; /* why the first that was not explored to its end was not, a mutant or the scenario itself; a
                         mutant may be refuted all the same, but then perhaps not by the shortest way */
};
enum ns_status ns_mutate_scenario(const struct ns_scenario *scenario, const struct ns_repair_options *options,
                                  struct ns_mutate_result *result, char *message, size_t message_size);
void ns_mutate_release(struct ns_mutate_result *result);
const char *ns_mutation_text(enum ns_mutation mutation); /* "drop", "swap", "shrink" */

#ifdef __cplusplus
}
#endif
#endif
