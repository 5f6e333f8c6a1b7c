/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The dump is made in two passes over the waveform and the log: vcd_signals.c declares what there is, this file writes
 * the changes. A change only notes what a signal becomes; when time goes on, what is really another value is written,
 * in the order of the declarations.
 */
#include "report/vcd_signals.h"

#include <inttypes.h>
#include <stdlib.h>

struct writer {
    const struct ns_log *log;
    struct ns_buffer *out;
    struct vcd_signals *signals;
    size_t *waiting; /* signals with something new at the present time */
    size_t waiting_count;
    uint64_t now;
    bool begun; /* the values at time 0 are written */
};

/* A hazard, when it was found. */
struct finding {
    uint64_t time_ps;
    size_t hazard;
};

/* ---- values ---------------------------------------------------------------------------------- */

static void write_bits(const struct writer *writer, const struct vcd_signal *signal, uint64_t value) {
    bool written = false;
    for (unsigned bit = signal->width < 64 ? signal->width : 64; bit-- > 0;) {
        const bool one = (value >> bit & 1) != 0;
        if (one || written || bit == 0) {
            ns_buffer_text(writer->out, one ? "1" : "0"); /* shorter than the reg: zeros stand before it */
        }
        written |= one;
    }
}

static void write_text_bits(const struct writer *writer, const char *text) {
    bool written = false;
    if (*text == '\0') {
        ns_buffer_text(writer->out, "0");
    }
    for (; *text != '\0'; ++text) {
        for (unsigned bit = 8; bit-- > 0;) {
            const bool one = ((unsigned char)*text >> bit & 1) != 0;
            if (one || written) {
                ns_buffer_text(writer->out, one ? "1" : "0");
            }
            written |= one;
        }
    }
}

/* IEEE 1364-2005, 18.2.2: a scalar has no space before its identifier, a vector has one. */
static void write_value(const struct writer *writer, const struct vcd_signal *signal, uint64_t value) {
    const bool unknown = value == VCD_UNKNOWN || value == VCD_NOBODY;
    const bool scalar = signal->width == 1;
    ns_buffer_text(writer->out, scalar ? "" : "b");
    if (unknown) {
        ns_buffer_text(writer->out, value == VCD_UNKNOWN ? "x" : "z");
    } else if (signal->text) {
        write_text_bits(writer, vcd_text(writer->signals, value));
    } else {
        write_bits(writer, signal, value);
    }
    ns_buffer_format(writer->out, "%s%s\n", scalar ? "" : " ", signal->code);
}

/* ---- time ------------------------------------------------------------------------------------ */

static int by_index(const void *a, const void *b) {
    const size_t one = *(const size_t *)a, other = *(const size_t *)b;
    return one < other ? -1 : one > other;
}

static void write_initial(struct writer *writer) {
    ns_buffer_text(writer->out, "#0\n$dumpvars\n");
    for (size_t i = 0; i < writer->signals->count; ++i) {
        struct vcd_signal *signal = &writer->signals->signal[i];
        if (!signal->event) {
            signal->value = signal->next;
            write_value(writer, signal, signal->value);
        }
    }
    ns_buffer_text(writer->out, "$end\n");
    writer->begun = true;
}

/* Everything that changed at the present time. */
static void flush(struct writer *writer) {
    bool stamped = !writer->begun;
    if (!writer->begun) {
        write_initial(writer);
    }
    qsort(writer->waiting, writer->waiting_count, sizeof *writer->waiting, by_index);
    for (size_t i = 0; i < writer->waiting_count; ++i) {
        struct vcd_signal *signal = &writer->signals->signal[writer->waiting[i]];
        signal->waits = false;
        if (!signal->event && signal->value == signal->next) {
            continue;
        }
        if (!stamped) {
            ns_buffer_format(writer->out, "#%" PRIu64 "\n", writer->now);
            stamped = true;
        }
        signal->value = signal->next;
        write_value(writer, signal, signal->value);
    }
    writer->waiting_count = 0;
}

static void advance(struct writer *writer, uint64_t time_ps) {
    if (time_ps > writer->now) {
        flush(writer);
        writer->now = time_ps;
    }
}

static void set(struct writer *writer, size_t index, uint64_t value) {
    struct vcd_signal *signal = &writer->signals->signal[index];
    signal->next = value;
    if (!signal->waits) {
        signal->waits = true;
        writer->waiting[writer->waiting_count++] = index;
    }
}

static void fire(struct writer *writer, size_t event) {
    if (event != VCD_NO_SIGNAL) {
        set(writer, event, 1);
    }
}

/* ---- what happens ---------------------------------------------------------------------------- */

static void begin_step(struct writer *writer, unsigned actor, uint32_t line, uint64_t text) {
    const struct vcd_actor *of = &writer->signals->actor[actor];
    set(writer, of->line, line);
    set(writer, of->step, text);
    set(writer, of->active, 1);
    fire(writer, of->event[VCD_BEGINS]);
}

static void take_change(struct writer *writer, const struct ns_wave_change *change) {
    struct vcd_signals *signals = writer->signals;
    switch ((enum ns_wave_kind)change->kind) {
    case NS_WAVE_STEP:
        if (change->value == NS_NO_SITE) {
            set(writer, signals->actor[change->actor].active, 0);
        } else if (change->value < writer->log->site_count) {
            begin_step(writer, change->actor, writer->log->site[change->value].line,
                       vcd_site_text(signals, change->value));
        }
        break;
    case NS_WAVE_MOVE:
        if (change->value < writer->log->move_count) {
            begin_step(writer, change->actor, 0, vcd_move_text(signals, change->value));
        }
        break;
    case NS_WAVE_LINE: {
        const size_t state = vcd_line_signal(signals, change->level, change->hart, change->address);
        if (state != VCD_NO_SIGNAL) {
            set(writer, state, vcd_state(change->value));
            set(writer, state + 1, (change->value & NS_WAVE_STALE) != 0);
        }
        break;
    }
    case NS_WAVE_BUS: {
        const bool busy = change->value != NS_WAVE_BUS_IDLE;
        set(writer, signals->bus_busy, busy);
        set(writer, signals->bus_write, busy ? change->value == NS_WAVE_BUS_WRITE : VCD_NOBODY);
        set(writer, signals->bus_address, busy ? change->address : VCD_NOBODY);
        set(writer, signals->bus_owner, busy ? vcd_owner_text(signals, change->actor, change->level) : VCD_NOBODY);
        break;
    }
    case NS_WAVE_IRQ:
        if (change->irq < signals->irq_count) {
            set(writer, signals->irq + change->irq, change->value);
        }
        break;
    }
}

static void take_finding(struct writer *writer, const struct finding *finding) {
    const struct ns_hazard *hazard = &writer->log->hazard[finding->hazard];
    fire(writer, writer->signals->any_hazard);
    fire(writer, writer->signals->hazard[hazard->id]);
    if (hazard->actor < writer->log->actor_count) {
        fire(writer, writer->signals->actor[hazard->actor].event[VCD_HAZARD]);
    }
}

static int by_time(const void *a, const void *b) {
    const struct finding *one = a, *other = b;
    return one->time_ps != other->time_ps ? (one->time_ps < other->time_ps ? -1 : 1)
           : one->hazard < other->hazard  ? -1
                                          : one->hazard > other->hazard;
}

static struct finding *find_hazards(const struct ns_log *log) {
    struct finding *finding = malloc((log->hazard_count + 1) * sizeof *finding);
    for (size_t i = 0; finding != NULL && i < log->hazard_count; ++i) {
        const uint32_t event = log->hazard[i].event;
        finding[i] = (struct finding){event < log->event_count ? log->event[event].time_ps : log->end_ps, i};
    }
    if (finding != NULL) {
        qsort(finding, log->hazard_count, sizeof *finding, by_time);
    }
    return finding;
}

/* The three lists, each in order of time, merged. */
static void write_changes(struct writer *writer, const struct finding *finding) {
    const struct ns_log *log = writer->log;
    const struct ns_waveform *waveform = log->waveform;
    const uint64_t end = waveform->lost ? waveform->lost_ps : UINT64_MAX;
    size_t change = 0, event = 1, hazard = 0;
    for (;;) {
        const uint64_t at_change = change < waveform->count ? waveform->change[change].time_ps : UINT64_MAX;
        const uint64_t at_event = event < log->event_count ? log->event[event].time_ps : UINT64_MAX;
        const uint64_t at_hazard = hazard < log->hazard_count ? finding[hazard].time_ps : UINT64_MAX;
        uint64_t next = at_change < at_event ? at_change : at_event;
        next = at_hazard < next ? at_hazard : next;
        if (next >= end) {
            break;
        }
        advance(writer, next);
        if (at_change == next) {
            take_change(writer, &waveform->change[change++]);
        } else if (at_event == next) {
            fire(writer, vcd_event_signal(writer->signals, &log->event[event++]));
        } else {
            take_finding(writer, &finding[hazard++]);
        }
    }
    if (waveform->lost) {
        advance(writer, end);
    }
    flush(writer);
}

/* Nothing is known from here on: 18.2.3.7. */
static void write_cut(struct writer *writer) {
    if (writer->now > 0) {
        ns_buffer_format(writer->out, "#%" PRIu64 "\n", writer->now);
    }
    ns_buffer_text(writer->out, "$dumpoff\n");
    for (size_t i = 0; i < writer->signals->count; ++i) {
        if (!writer->signals->signal[i].event) {
            write_value(writer, &writer->signals->signal[i], VCD_UNKNOWN);
        }
    }
    ns_buffer_text(writer->out, "$end\n$comment the waveform met its limit: the rest of the run is not here $end\n");
}

void ns_report_run_vcd(const struct ns_scenario *scenario, const struct ns_log *log, struct ns_buffer *out,
                       struct ns_vcd_missing *missing) {
    *missing = (struct ns_vcd_missing){0};
    struct vcd_signals *signals =
        log->waveform == NULL || log->waveform->failed ? NULL : vcd_signals_create(scenario, log);
    struct finding *finding = find_hazards(log);
    struct writer writer = {.log = log, .out = out, .signals = signals};
    if (signals != NULL) {
        writer.waiting = malloc((signals->count + 1) * sizeof *writer.waiting);
    }
    if (writer.waiting == NULL || finding == NULL) {
        out->failed = true;
    } else {
        *missing = (struct ns_vcd_missing){.lines = signals->missing_lines,
                                           .held = signals->missing_held,
                                           .names = log->waveform->names_lost,
                                           .cut = log->waveform->lost,
                                           .cut_ps = log->waveform->lost_ps};
        vcd_write_declarations(signals, missing, out);
        write_changes(&writer, finding);
        if (log->waveform->lost) {
            write_cut(&writer);
        }
        if (log->end_ps > writer.now) {
            ns_buffer_format(out, "#%" PRIu64 "\n", log->end_ps);
        }
    }
    free(writer.waiting);
    free(finding);
    vcd_signals_destroy(signals);
}
