/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The hazards: stable identifiers and what each means. The table in hazard.c is the one place that names, symptoms and
 * explanations come from; rules.h decides which one a situation is.
 */
#ifndef NS_MODEL_HAZARD_H
#define NS_MODEL_HAZARD_H

#include "cache/base.h"

#ifdef __cplusplus
extern "C" {
#endif

enum ns_hazard_id {
    NS_HAZARD_NONE,
    /* A. maintenance of streaming memory */
    NS_DC_CLEAN_MISSING,
    NS_DC_INVAL_MISSING,
    NS_DC_REFETCH,
    NS_DC_EVICT_OVER_DMA,
    NS_DC_EARLY_SYNC,
    NS_DC_WRONG_OP,
    NS_DC_WRONG_RANGE,
    NS_DC_WRONG_DIR,
    NS_DC_WRONG_SCOPE,
    /* B. line sharing */
    NS_LS_INVAL_NEIGHBOUR,
    NS_LS_WB_NEIGHBOUR,
    NS_LS_DESC_SHARE,
    NS_LS_ALIGN,
    /* C. ownership and lifetime */
    NS_OW_CPU_ACCESS,
    NS_OW_DOUBLE_MAP,
    NS_OW_UAF,
    NS_OW_UNMAP_MISMATCH,
    /* D. ordering */
    NS_OR_DESC_PUBLISH,
    NS_OR_DESC_CONSUME,
    NS_OR_DRAIN,
    NS_OR_IRQ_BEFORE_DATA,
    NS_OR_TORN,
    NS_OR_NO_PROGRESS,
    /* E. attributes and aliases */
    NS_AT_ALIAS_DIRTY,
    NS_AT_ALIAS_STALE,
    NS_AT_WRONG_TYPE,
    NS_AT_COHERENCY_DECL,
    NS_AT_COHERENCY_DECL_REV,
    NS_AT_PAGE_FAULT,
    /* F. addressing */
    NS_AD_MASK_TRUNC,
    NS_AD_OFFSET,
    NS_AD_DECODE_ERROR,
    NS_AD_NOT_ADDRESSABLE,
    /* G. bounce buffers and pools */
    NS_BB_LEAK,
    NS_BB_OVERWRITE,
    NS_BB_OFFSET,
    NS_BB_MISSED,
    NS_PL_POOL,
    NS_PL_REF,
    NS_PL_EXHAUSTED,
    /* H. hardware deviations */
    NS_HW_CMO_ERRATUM,
    NS_HW_SPEC_DIRTY,
    NS_HAZARD_COUNT
};

/* How a hazard shows. */
enum ns_symptom {
    NS_SYMPTOM_STALE, /* an access returned a byte that is not the newest */
    NS_SYMPTOM_LOST,  /* the newest version of a byte exists nowhere any more */
    NS_SYMPTOM_OWNERSHIP,
    NS_SYMPTOM_ORDER,
    NS_SYMPTOM_LEAK, /* bytes become visible that their last owner never meant for the reader */
    NS_SYMPTOM_ADDRESS,
    NS_SYMPTOM_ALIGNMENT,
    NS_SYMPTOM_MISUSE,
    NS_SYMPTOM_FAULT,
    NS_SYMPTOM_HANG,
};
/* One word: "stale", "lost", "ownership", ... */
const char *ns_symptom_text(enum ns_symptom symptom);

struct ns_hazard_entry {
    const char *id;          /* "DC-REFETCH" */
    const char *title;       /* one line: the rule that is broken */
    const char *happens;     /* a paragraph: what happens, step by step */
    const char *picture;     /* some lines of ASCII, at most 76 columns */
    const char *fix;         /* a paragraph: how to repair it */
    const char *help;        /* one line for the report */
    const char *linux_name;  /* the API or rule in Linux, one line */
    const char *other_names; /* Zephyr, CMSIS, vendor code, one line; may be "" */
    const char *published;   /* one published case */
};
/* NULL for NS_HAZARD_NONE and out of range. */
const struct ns_hazard_entry *ns_hazard_text(enum ns_hazard_id id);
/* By name ("DC-REFETCH", case does not matter); NS_HAZARD_NONE when unknown. */
enum ns_hazard_id ns_hazard_by_name(const char *name);

#ifdef __cplusplus
}
#endif
#endif
