/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A schedule: which steps of a scenario a run executes, in which order, and what the hardware does by itself between
 * and inside them. As text it is one word without spaces, for `nosnoop run --schedule`:
 *
 *     11,12,fill:cpu0:0x8000_0000,14,evict:cpu0:0x8000_0040@2,18
 *
 * A number is the line of a step; the next occurrence of that line is executed. `14@2` executes it up to its operation
 * number 2, and `14@0x8000_0040` up to where its write to that physical address leaves a full queue, its burst or its
 * line there has its turn (`14@2:0x8000_0040`: in its operation number 2 or a later one; `14@+0x8000_0040`: before
 * an entry with it comes into the store buffer); the next `14` in the list, or
 * the end of the list, goes on with it. Between the two other actors do their steps. Everything else is a move. A move
 * happens before the next step in the list; with `@N` behind it, inside that step, before its operation number N (the
 * first operation is 0, so `@0` is the same as nothing). An operation is one call of a load, store, maintenance, fence,
 * page table entry, or DMA transfer, as a step such as `map` makes several of them. Moves behind the last step happen
 * at the end of the run.
 */
#ifndef NS_SCENARIOS_SCHEDULE_H
#define NS_SCENARIOS_SCHEDULE_H

#include "cache/base.h"

#ifdef __cplusplus
extern "C" {
#endif

enum ns_schedule_kind {
    NS_SCHEDULE_STEP,     /* LINE; LINE@N, LINE@ADDRESS or LINE@N:ADDRESS: up to there */
    NS_SCHEDULE_FILL,     /* fill:HART:ADDRESS: the line that holds the physical address comes into the hart's L1 */
    NS_SCHEDULE_EVICT,    /* evict:HART:ADDRESS: it leaves all caches */
    NS_SCHEDULE_EVICT_L1, /* evict-l1:HART:ADDRESS: it leaves the hart's L1 for the next level (victim of a fill) */
    NS_SCHEDULE_SAMPLE,   /* sample:HART:ADDRESS: the first half of a fill */
    NS_SCHEDULE_INSTALL,  /* install:HART:ADDRESS: the second half */
    NS_SCHEDULE_DIRTY,    /* dirty:HART:ADDRESS: a squashed store leaves the line dirty */
    NS_SCHEDULE_DRAIN,    /* drain:ACTOR: all entries of a hart's store buffer and late write-backs, or of a device's
                             posted    writes, reach memory; drain:ACTOR:ADDRESS: the oldest one that holds the byte */
    NS_SCHEDULE_LOOK,     /* look:ACTOR:ADDRESS: a turn of a poll's loop that does not see its value yet (physical) */
    NS_SCHEDULE_WALK,     /* walk:HART:ADDRESS: the hart's TLB takes the translation of this virtual page */
    NS_SCHEDULE_FORGET,   /* forget:HART:ADDRESS: its TLB drops the translation of this virtual page */
    NS_SCHEDULE_RECALL,   /* recall:HART:ADDRESS: it uses another one again that it dropped since the last SFENCE.VMA */
    NS_SCHEDULE_HOLD,     /* hold:HART:ADDRESS: from here on, a full store buffer lets others go first than the entry of
                                these 8 bytes */
    NS_SCHEDULE_RELEASE,  /* release:HART:ADDRESS: from here on no longer */
    NS_SCHEDULE_LATE,     /* late: write-backs of maintenance wait until a fence or `drain`; for the whole run, first */
    NS_SCHEDULE_NO_PREFETCHER, /* no-prefetcher: the machine's prefetcher does nothing by itself in the whole run */
    NS_SCHEDULE_NO_TIMERS,     /* no-timers: what drains `after` a time waits for the schedule, in the whole run */
    NS_SCHEDULE_AS_FLUSH,      /* as-flush: the next operation (or number N with @N) performs invalidates as flushes */
};

struct ns_schedule_item {
    enum ns_schedule_kind kind;
    uint32_t line;    /* STEP */
    uint32_t part;    /* N of `@N`, 0 without */
    bool is_device;   /* DRAIN: of a device, not of a hart */
    uint32_t actor;   /* hart number, or index of the device in the scenario */
    bool comes;       /* STEP: `+` before the address */
    bool has_address; /* DRAIN without: everything; STEP without: no @ADDRESS */
    uint64_t address; /* physical; virtual for WALK, FORGET and RECALL */
};

#define NS_SCHEDULE_LIMIT     1000000u /* items */
#define NS_SCHEDULE_ITEM_TEXT 96       /* bytes that one item needs as text */

struct ns_scenario;

/* Reads the text form. *items is malloc'd; the caller frees it. NS_ERROR_ARGUMENT with one sentence in `message`: an
 * item that is none, names a hart or device that the scenario does not have, or stands where it cannot. */
enum ns_status ns_schedule_parse(const char *text, const struct ns_scenario *scenario, struct ns_schedule_item **items,
                                 size_t *count, char *message, size_t message_size);
/* One item as text, NUL-terminated, at most NS_SCHEDULE_ITEM_TEXT bytes; returns its length. */
size_t ns_schedule_item_text(const struct ns_schedule_item *item, const struct ns_scenario *scenario,
                             char text[NS_SCHEDULE_ITEM_TEXT]);
/* The whole, malloc'd; NULL without host memory. */
char *ns_schedule_text(const struct ns_schedule_item *items, size_t count, const struct ns_scenario *scenario);

#ifdef __cplusplus
}
#endif
#endif
