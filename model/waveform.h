/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The waveform of a run: what changed, and when. The log (model/log.h) says what was done; this says what the machine
 * looked like in between, for views that draw signals over time. A log keeps one only when it is asked to, before the
 * machine is made (ns_log_keep_waveform); without it nothing is watched.
 *
 * Changes are appended in order of time. Of several changes of one thing at the same time the last one counts.
 */
#ifndef NS_MODEL_WAVEFORM_H
#define NS_MODEL_WAVEFORM_H

#include "bus/memory.h"
#include "cache/cache.h"

#ifdef __cplusplus
extern "C" {
#endif

#define NS_WAVEFORM_LIMIT (UINT32_C(1) << 22) /* changes: some 100 MB. What comes after them is lost */
#define NS_WAVEFORM_NAMES 4096u               /* named stretches of memory */

enum ns_wave_kind {
    NS_WAVE_STEP, /* actor; value: the site of the step that begins, or NS_NO_SITE when one ends */
    NS_WAVE_MOVE, /* actor; value: the index in log->move of the move that begins; it ends as a step does */
    NS_WAVE_LINE, /* level, hart (0 below L1), address of the line; value: enum ns_mesi, perhaps with NS_WAVE_STALE */
    NS_WAVE_BUS,  /* actor: who has memory, level: by which of its ports; address: where; value: enum ns_wave_bus */
    NS_WAVE_IRQ,  /* irq; value: 1 from the time it is raised until a hart takes it, else 0 */
};
enum ns_wave_bus { NS_WAVE_BUS_IDLE, NS_WAVE_BUS_READ, NS_WAVE_BUS_WRITE };

/* Of a copy: memory holds a byte that was written later than the copy's. (A modified line may be stale, too, in bytes
 * that it has not modified.) */
#define NS_WAVE_STALE 4u

struct ns_wave_change {
    uint64_t time_ps;
    uint64_t address; /* physical */
    uint32_t value;
    uint8_t kind; /* enum ns_wave_kind */
    uint8_t actor;
    uint8_t level;
    union {
        uint8_t hart, irq;
    };
};

/* Memory that the program has a name for. */
struct ns_wave_name {
    char name[48];
    uint64_t address, length; /* physical, bytes */
};

#define NS_WAVEFORM_RECENT 1024u
struct ns_waveform {
    size_t count, capacity, limit;
    struct ns_wave_change *change;
    bool failed; /* no host memory: something is missing */
    bool lost;   /* the limit: changes from lost_ps on are missing */
    uint64_t lost_ps;
    size_t name_count, name_capacity;
    struct ns_wave_name *name; /* no two equal ones */
    uint64_t names_lost;       /* beyond NS_WAVEFORM_NAMES */
    struct {
        uint64_t address;
        uint32_t value;
        uint8_t level, hart;
    } recent[NS_WAVEFORM_RECENT]; /* lines seen last: a store to a modified line is no change. Zeros say that
                                     line 0 is invalid, as it is at power-on */
};

/* Empty; NULL without host memory. Destroying NULL is ok. */
struct ns_waveform *ns_waveform_create(void);
void ns_waveform_destroy(struct ns_waveform *waveform);

void ns_waveform_step(struct ns_waveform *waveform, uint64_t time_ps, unsigned actor, uint32_t site);
void ns_waveform_move(struct ns_waveform *waveform, uint64_t time_ps, unsigned actor, size_t move);
void ns_waveform_bus(struct ns_waveform *waveform, uint64_t time_ps, unsigned actor, unsigned port, uint64_t address,
                     enum ns_wave_bus what);
void ns_waveform_irq(struct ns_waveform *waveform, uint64_t time_ps, unsigned irq, bool up);
void ns_waveform_name(struct ns_waveform *waveform, const char *name, uint64_t address, uint64_t length);

/* The line may have changed in this cache: looks at it, and at memory. Both must have versions. */
void ns_waveform_line(struct ns_waveform *waveform, uint64_t time_ps, const struct ns_cache *cache,
                      const struct ns_memory *memory, unsigned level, unsigned hart, uint64_t line_address);
/* Memory is about to be written (within one page): which copies are stale after it? `versions`: of the bytes that come,
 * NULL: all NS_VERSION_POWER_ON. */
void ns_waveform_memory(struct ns_waveform *waveform, uint64_t time_ps, const struct ns_cache *cache,
                        const struct ns_memory *memory, uint64_t address, uint32_t length, const ns_version *versions);

#ifdef __cplusplus
}
#endif
#endif
