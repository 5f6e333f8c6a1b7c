/* SPDX-License-Identifier: Apache-2.0 */
/* The signals of a value change dump: which there are, and their declarations. */
#ifndef NS_REPORT_VCD_SIGNALS_H
#define NS_REPORT_VCD_SIGNALS_H

#include "report/vcd_lines.h"

#define VCD_NO_SIGNAL SIZE_MAX
#define VCD_UNKNOWN   UINT64_MAX       /* a value: x */
#define VCD_NOBODY    (UINT64_MAX - 1) /* a value: z, nobody drives it */
#define VCD_NO_TEXT   0                /* the value of a text that is empty */
#define VCD_CODE      6                /* bytes of an identifier code with its NUL: enough for 94^5 */

struct vcd_signal {
    char code[VCD_CODE];
    char name[NS_VCD_NAME];
    unsigned width; /* bits */
    bool event;     /* it happens, and has no value */
    bool integer;   /* a number for people */
    bool text;      /* its value is an index of vcd_signals.text */
    bool waits;     /* the writer's: at the present time it becomes `next` */
    uint64_t value, next;
};

/* Signals. Events that never happen have none, VCD_NO_SIGNAL: viewers show them as if they had, once, at the start. */
enum vcd_event {
    VCD_BEGINS,
    VCD_HAZARD,
    VCD_DRAINED,
    VCD_FILL,
    VCD_EVICT,
    VCD_SAMPLE,
    VCD_SPECULATIVE_STORE,
    VCD_EVENTS
};
struct vcd_actor {
    size_t line, step, active;
    size_t event[VCD_EVENTS];
};

struct vcd_signals {
    const struct ns_scenario *scenario;
    const struct ns_log *log;
    size_t count, capacity;
    struct vcd_signal *signal;
    size_t scope_count, scope_capacity;
    struct vcd_scope {
        char name[NS_VCD_NAME];
        size_t before; /* it begins before this signal */
        bool ends;     /* or one ends there */
    } * scope;
    bool failed; /* no host memory */
    struct vcd_actor actor[NS_MAX_ACTORS];
    struct vcd_lines lines[NS_CACHE_MAX_LEVELS];
    size_t first_line[NS_CACHE_MAX_LEVELS][NS_CACHE_MAX_HARTS]; /* state and stale of each line, in turn */
    uint64_t missing_lines;
    bool missing_held;
    size_t bus_busy, bus_owner, bus_write, bus_address;
    size_t irq, irq_count;
    size_t any_hazard, hazard[NS_HAZARD_COUNT];
    size_t text_count; /* [0] is empty; then sites, moves, owners of the bus: NS_AXI_DMA_PORTS for each actor */
    char (*text)[NS_VCD_TEXT + 1];
    size_t *same; /* of each text: the first one that is equal */
};

/* NULL without host memory; destroying NULL is ok. */
struct vcd_signals *vcd_signals_create(const struct ns_scenario *scenario, const struct ns_log *log);
void vcd_signals_destroy(struct vcd_signals *signals);
/* Everything up to $enddefinitions. */
void vcd_write_declarations(const struct vcd_signals *signals, const struct ns_vcd_missing *missing,
                            struct ns_buffer *out);

/* Values of signals with texts. Equal texts have equal values. */
const char *vcd_text(const struct vcd_signals *signals, uint64_t value);
uint64_t vcd_site_text(const struct vcd_signals *signals, uint32_t site);
uint64_t vcd_move_text(const struct vcd_signals *signals, size_t move);
/* An actor as owner of the bus: by which of its masters, if it has several. */
uint64_t vcd_owner_text(const struct vcd_signals *signals, unsigned actor, unsigned port);
/* The letter that a line's state is shown as, of a change of NS_WAVE_LINE. */
uint64_t vcd_state(uint32_t value);
/* Its state; the next signal says whether it is stale. VCD_NO_SIGNAL: this line has none. */
size_t vcd_line_signal(const struct vcd_signals *signals, unsigned level, unsigned hart, uint64_t address);
/* What this event of the log is an event of here, or VCD_NO_SIGNAL. */
size_t vcd_event_signal(const struct vcd_signals *signals, const struct ns_event *event);

#endif
