/* SPDX-License-Identifier: Apache-2.0 */
#include "report/vcd_signals.h"

#include "report/format.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- texts ----------------------------------------------------------------------------------- */

/* Printable ASCII, not longer than a text may be. */
static void keep_text(char text[NS_VCD_TEXT + 1], const struct ns_buffer *from) {
    const size_t length = from->data == NULL ? 0 : from->length;
    const size_t kept = length > NS_VCD_TEXT ? NS_VCD_TEXT - 2 : length;
    for (size_t i = 0; i < kept; ++i) {
        text[i] = from->data[i] >= ' ' && from->data[i] <= '~' ? from->data[i] : '?';
    }
    strcpy(text + kept, length > kept ? ".." : "");
}

static int by_text(const void *a, const void *b) {
    const char *one = *(char *const *)a, *other = *(char *const *)b;
    const int order = strcmp(one, other);
    return order != 0 ? order : one < other ? -1 : one > other;
}

static bool find_equal_texts(struct vcd_signals *signals) {
    char **sorted = malloc(signals->text_count * sizeof *sorted);
    if (sorted == NULL) {
        return false;
    }
    for (size_t i = 0; i < signals->text_count; ++i) {
        sorted[i] = signals->text[i];
    }
    qsort(sorted, signals->text_count, sizeof *sorted, by_text);
    size_t first = 0;
    for (size_t i = 0; i < signals->text_count; ++i) {
        const size_t index = (size_t)(sorted[i] - signals->text[0]) / sizeof signals->text[0];
        if (i == 0 || strcmp(sorted[i], sorted[i - 1]) != 0) {
            first = index;
        }
        signals->same[index] = first;
    }
    free(sorted);
    return true;
}

static bool find_texts(struct vcd_signals *signals) {
    const struct ns_log *log = signals->log;
    signals->text_count = 1 + log->site_count + log->move_count + (size_t)log->actor_count * NS_AXI_DMA_PORTS;
    signals->text = calloc(signals->text_count, sizeof *signals->text);
    signals->same = calloc(signals->text_count, sizeof *signals->same);
    if (signals->text == NULL || signals->same == NULL) {
        return false;
    }
    struct ns_buffer text = {0};
    for (size_t i = 1; i < signals->text_count; ++i) {
        const size_t move = i - 1 - log->site_count;
        text.length = 0;
        if (i - 1 < log->site_count) {
            ns_format_step(&text, log, (uint32_t)(i - 1));
        } else if (move < log->move_count) {
            ns_format_move(&text, log->move[move].text, signals->scenario->machine.cache.harts > 1);
        } else {
            const size_t owner = move - log->move_count;
            const struct ns_log_actor *actor = &log->actor[owner / NS_AXI_DMA_PORTS];
            ns_buffer_text(&text, actor->name);
            if (actor->ports > 1) {
                ns_buffer_format(&text, ".%s", ns_axi_dma_port_name((unsigned)(owner % NS_AXI_DMA_PORTS)));
            }
        }
        keep_text(signals->text[i], &text);
    }
    const bool good = !text.failed && find_equal_texts(signals);
    ns_buffer_release(&text);
    return good;
}

const char *vcd_text(const struct vcd_signals *signals, uint64_t value) {
    return signals->text[value];
}

uint64_t vcd_site_text(const struct vcd_signals *signals, uint32_t site) {
    return signals->same[1 + site];
}

uint64_t vcd_move_text(const struct vcd_signals *signals, size_t move) {
    return signals->same[1 + signals->log->site_count + move];
}

uint64_t vcd_owner_text(const struct vcd_signals *signals, unsigned actor, unsigned port) {
    const size_t first = 1 + signals->log->site_count + signals->log->move_count;
    return actor < signals->log->actor_count && port < NS_AXI_DMA_PORTS
               ? signals->same[first + (size_t)actor * NS_AXI_DMA_PORTS + port]
               : VCD_NO_TEXT;
}

/* ---- events ---------------------------------------------------------------------------------- */

/* What an event of the log is here, and whose; VCD_EVENTS: nothing. */
static enum vcd_event vcd_event_of(const struct ns_log *log, const struct ns_event *event, unsigned *actor) {
    const unsigned hardware = log->actor_count - 1;
    *actor = hardware;
    switch (event->kind) {
    case NS_EVENT_FILL:
        return event->level == 0 && event->cause == NS_CAUSE_PREFETCH ? VCD_FILL : VCD_EVENTS;
    case NS_EVENT_DROP:
    case NS_EVENT_WRITE_BACK: /* else it is the victim of somebody's fill */
        return event->actor == hardware && event->cause == NS_CAUSE_EVICTION ? VCD_EVICT : VCD_EVENTS;
    case NS_EVENT_SAMPLE:
        return VCD_SAMPLE;
    case NS_EVENT_SPECULATIVE_STORE:
        return VCD_SPECULATIVE_STORE;
    case NS_EVENT_DRAIN:
        *actor = event->actor;
        return event->actor < log->actor_count ? VCD_DRAINED : VCD_EVENTS;
    default:
        return VCD_EVENTS;
    }
}

size_t vcd_event_signal(const struct vcd_signals *signals, const struct ns_event *event) {
    unsigned actor;
    const enum vcd_event what = vcd_event_of(signals->log, event, &actor);
    return what == VCD_EVENTS ? VCD_NO_SIGNAL : signals->actor[actor].event[what];
}

/* ---- declaring ------------------------------------------------------------------------------- */

static bool grow(struct vcd_signals *signals, void **array, size_t *capacity, size_t count, size_t size) {
    if (count < *capacity) {
        return true;
    }
    const size_t larger = *capacity == 0 ? 64 : 2 * *capacity;
    void *moved = realloc(*array, larger * size);
    if (moved == NULL) {
        signals->failed = true;
        return false;
    }
    *array = moved;
    *capacity = larger;
    return true;
}

/* Two names may have become the same identifier: the later one gets a number. */
static void make_unique(char identifier[NS_VCD_NAME], const char *others, size_t count, size_t stride) {
    const size_t length = strlen(identifier) < NS_VCD_NAME - 24 ? strlen(identifier) : NS_VCD_NAME - 24;
    for (size_t number = 2, i = 0; i < count; ++i) {
        if (strcmp(identifier, others + i * stride) == 0) {
            snprintf(identifier + length, NS_VCD_NAME - length, "_%zu", number++);
            i = SIZE_MAX; /* it may meet another one now */
        }
    }
}

/* Returns the name that it got, which holds until the next scope begins or ends. */
static const char *begin_scope(struct vcd_signals *signals, const char *name) {
    if (!grow(signals, (void **)&signals->scope, &signals->scope_capacity, signals->scope_count,
              sizeof *signals->scope)) {
        return "";
    }
    struct vcd_scope *scope = &signals->scope[signals->scope_count];
    *scope = (struct vcd_scope){.before = signals->count};
    vcd_identifier(name, scope->name, sizeof scope->name);
    make_unique(scope->name, signals->scope[0].name, signals->scope_count, sizeof *scope);
    signals->scope_count++;
    return scope->name;
}

static void end_scope(struct vcd_signals *signals) {
    if (grow(signals, (void **)&signals->scope, &signals->scope_capacity, signals->scope_count,
             sizeof *signals->scope)) {
        signals->scope[signals->scope_count++] = (struct vcd_scope){.before = signals->count, .ends = true};
    }
}

/* Viewers show names without their scopes: so the scope stands in front of the name, too. */
static size_t declare(struct vcd_signals *signals, const char *scope, const char *name, unsigned width,
                      uint64_t initial) {
    if (!grow(signals, (void **)&signals->signal, &signals->capacity, signals->count, sizeof *signals->signal)) {
        return VCD_NO_SIGNAL;
    }
    struct vcd_signal *signal = &signals->signal[signals->count];
    *signal = (struct vcd_signal){.width = width, .next = initial};
    char whole[2 * NS_VCD_NAME];
    snprintf(whole, sizeof whole, "%s%s%s", scope, scope[0] != '\0' ? "_" : "", name);
    vcd_identifier(whole, signal->name, sizeof signal->name);
    const size_t first = signals->scope_count > 0 ? signals->scope[signals->scope_count - 1].before : 0;
    make_unique(signal->name, signals->signal[first].name, signals->count - first, sizeof *signal);
    size_t rest = signals->count, length = 0;
    do { /* printable characters from '!' to '~' */
        signal->code[length++] = (char)('!' + rest % 94);
        rest /= 94;
    } while (rest > 0 && length + 1 < VCD_CODE);
    return signals->count++;
}

static size_t declare_event(struct vcd_signals *signals, const char *scope, const char *name) {
    const size_t index = declare(signals, scope, name, 1, 0);
    if (index != VCD_NO_SIGNAL) {
        signals->signal[index].event = true;
    }
    return index;
}

static size_t declare_text(struct vcd_signals *signals, const char *scope, const char *name, size_t characters) {
    const size_t index = declare(signals, scope, name, 8 * (unsigned)(characters > 0 ? characters : 1), VCD_NOBODY);
    if (index != VCD_NO_SIGNAL) {
        signals->signal[index].text = true;
    }
    return index;
}

/* The longest text that an actor's steps and moves have. */
static size_t longest_step(const struct vcd_signals *signals, unsigned actor) {
    const struct ns_log *log = signals->log;
    size_t longest = 0;
    for (size_t i = 0; i < log->waveform->count; ++i) {
        const struct ns_wave_change *change = &log->waveform->change[i];
        if (change->actor != actor) {
            continue;
        }
        size_t length = 0;
        if (change->kind == NS_WAVE_STEP && change->value < log->site_count) {
            length = strlen(vcd_text(signals, vcd_site_text(signals, change->value)));
        } else if (change->kind == NS_WAVE_MOVE && change->value < log->move_count) {
            length = strlen(vcd_text(signals, vcd_move_text(signals, change->value)));
        }
        longest = length > longest ? length : longest;
    }
    return longest;
}

/* Which events of the actors happen at all. */
static void find_events(const struct ns_log *log, bool happens[NS_MAX_ACTORS][VCD_EVENTS]) {
    for (size_t i = 0; i < log->waveform->count; ++i) {
        const struct ns_wave_change *change = &log->waveform->change[i];
        if (change->kind == NS_WAVE_MOVE || (change->kind == NS_WAVE_STEP && change->value != NS_NO_SITE)) {
            happens[change->actor][VCD_BEGINS] = true;
        }
    }
    for (size_t i = 0; i < log->hazard_count; ++i) {
        if (log->hazard[i].actor < log->actor_count) {
            happens[log->hazard[i].actor][VCD_HAZARD] = true;
        }
    }
    for (size_t i = 1; i < log->event_count; ++i) {
        unsigned actor;
        const enum vcd_event event = vcd_event_of(log, &log->event[i], &actor);
        if (event != VCD_EVENTS) {
            happens[actor][event] = true;
        }
    }
}

static void declare_actors(struct vcd_signals *signals) {
    static const char *const name[VCD_EVENTS] = {"begins", "hazard", "drained", "fill", "evict", "sample", "dirty"};
    bool happens[NS_MAX_ACTORS][VCD_EVENTS] = {{false}};
    find_events(signals->log, happens);
    begin_scope(signals, "actors");
    for (unsigned i = 0; i < signals->log->actor_count; ++i) {
        struct vcd_actor *actor = &signals->actor[i];
        const char *prefix = begin_scope(signals, signals->log->actor[i].name);
        actor->line = declare(signals, prefix, "line", 32, 0);
        if (actor->line != VCD_NO_SIGNAL) {
            signals->signal[actor->line].integer = true;
        }
        actor->step = declare_text(signals, prefix, "step", longest_step(signals, i));
        actor->active = declare(signals, prefix, "active", 1, 0);
        for (unsigned event = 0; event < VCD_EVENTS; ++event) {
            actor->event[event] = happens[i][event] ? declare_event(signals, prefix, name[event]) : VCD_NO_SIGNAL;
        }
        end_scope(signals);
    }
    end_scope(signals);
}

static void declare_caches(struct vcd_signals *signals) {
    const struct ns_log *log = signals->log;
    const unsigned harts = signals->scenario->machine.cache.harts;
    begin_scope(signals, "caches");
    for (unsigned level = 0; level < log->levels; ++level) {
        struct vcd_lines *lines = &signals->lines[level];
        if (!vcd_lines_find(log, level, lines)) {
            signals->failed = true;
            return;
        }
        signals->missing_lines += lines->missing;
        signals->missing_held |= lines->missing_held;
        for (unsigned hart = 0; hart < (level == 0 ? harts : 1); ++hart) {
            char name[NS_VCD_NAME];
            if (level == 0) {
                snprintf(name, sizeof name, "%s_%s", log->actor[hart].name, log->level_name[level]);
            } else {
                snprintf(name, sizeof name, "%s", log->level_name[level]);
            }
            const char *prefix = begin_scope(signals, name);
            signals->first_line[level][hart] = signals->count;
            for (size_t i = 0; i < lines->count; ++i) {
                char stale[NS_VCD_NAME + 8];
                snprintf(stale, sizeof stale, "%s_stale", lines->line[i].name);
                declare(signals, prefix, lines->line[i].name, 8, vcd_state(NS_MESI_INVALID));
                declare(signals, prefix, stale, 1, 0);
            }
            end_scope(signals);
        }
    }
    end_scope(signals);
}

static void declare_bus(struct vcd_signals *signals) {
    size_t longest = 0;
    for (unsigned i = 0; i < signals->log->actor_count * NS_AXI_DMA_PORTS; ++i) {
        const uint64_t text = vcd_owner_text(signals, i / NS_AXI_DMA_PORTS, i % NS_AXI_DMA_PORTS);
        const size_t length = strlen(vcd_text(signals, text));
        longest = length > longest ? length : longest;
    }
    begin_scope(signals, "bus");
    signals->bus_busy = declare(signals, "bus", "busy", 1, 0);
    signals->bus_owner = declare_text(signals, "bus", "owner", longest);
    signals->bus_write = declare(signals, "bus", "write", 1, VCD_NOBODY);
    signals->bus_address = declare(signals, "bus", "address", 64, VCD_NOBODY);
    end_scope(signals);
}

static void declare_interrupts(struct vcd_signals *signals) {
    signals->irq = signals->count;
    signals->irq_count = signals->scenario->irq_count;
    begin_scope(signals, "interrupts");
    for (size_t i = 0; i < signals->irq_count; ++i) {
        declare(signals, "", signals->scenario->irqs[i].name, 1, 0);
    }
    end_scope(signals);
}

static void declare_hazards(struct vcd_signals *signals) {
    bool found[NS_HAZARD_COUNT] = {false};
    for (size_t i = 0; i < signals->log->hazard_count; ++i) {
        found[signals->log->hazard[i].id] = true;
    }
    begin_scope(signals, "hazards");
    signals->any_hazard = signals->log->hazard_count > 0 ? declare_event(signals, "", "any_hazard") : VCD_NO_SIGNAL;
    for (unsigned id = 0; id < NS_HAZARD_COUNT; ++id) {
        signals->hazard[id] =
            found[id] ? declare_event(signals, "", ns_hazard_text((enum ns_hazard_id)id)->id) : VCD_NO_SIGNAL;
    }
    end_scope(signals);
}

struct vcd_signals *vcd_signals_create(const struct ns_scenario *scenario, const struct ns_log *log) {
    struct vcd_signals *signals = calloc(1, sizeof *signals);
    if (signals == NULL) {
        return NULL;
    }
    signals->scenario = scenario;
    signals->log = log;
    signals->failed = !find_texts(signals);
    if (!signals->failed) {
        declare_actors(signals);
        declare_bus(signals);
        declare_interrupts(signals);
        declare_hazards(signals);
        declare_caches(signals);
    }
    if (signals->failed) {
        vcd_signals_destroy(signals);
        return NULL;
    }
    return signals;
}

void vcd_signals_destroy(struct vcd_signals *signals) {
    if (signals == NULL) {
        return;
    }
    free(signals->signal);
    free(signals->scope);
    free(signals->text);
    free(signals->same);
    free(signals);
}

/* ---- finding --------------------------------------------------------------------------------- */

uint64_t vcd_state(uint32_t value) {
    return (uint64_t)ns_mesi_name((enum ns_mesi)(value & ~NS_WAVE_STALE))[0];
}

size_t vcd_line_signal(const struct vcd_signals *signals, unsigned level, unsigned hart, uint64_t address) {
    const size_t index = vcd_lines_index(&signals->lines[level], address);
    return index == SIZE_MAX ? VCD_NO_SIGNAL : signals->first_line[level][hart] + 2 * index;
}

/* ---- writing --------------------------------------------------------------------------------- */

/* A name of the user's inside a comment: no `$end` may come of it. */
static void add_name(struct ns_buffer *out, const char *name) {
    for (; name != NULL && *name != '\0'; ++name) {
        const char c = *name >= ' ' && *name <= '~' && *name != '$' ? *name : '?';
        ns_buffer_add(out, &c, 1);
    }
}

static void write_signal(const struct vcd_signal *signal, struct ns_buffer *out) {
    const char *type = signal->event ? "event" : signal->integer ? "integer" : signal->width == 1 ? "wire" : "reg";
    ns_buffer_format(out, "$var %s %u %s %s", type, signal->width, signal->code, signal->name);
    if (signal->width > 1 && !signal->integer) {
        ns_buffer_format(out, " [%u:0]", signal->width - 1);
    }
    ns_buffer_text(out, " $end\n");
}

void vcd_write_declarations(const struct vcd_signals *signals, const struct ns_vcd_missing *missing,
                            struct ns_buffer *out) {
    ns_buffer_text(out, "$version nosnoop $end\n$comment ");
    add_name(out, signals->log->scenario);
    ns_buffer_text(out, " on ");
    add_name(out, signals->log->machine);
    ns_buffer_text(out, " $end\n");
    if (missing->lines > 0) {
        ns_buffer_format(out, "$comment %llu lines of named memory have no signals; %s in a cache $end\n",
                         (unsigned long long)missing->lines, missing->held ? "some were" : "none was");
    }
    if (missing->names > 0) {
        ns_buffer_format(out, "$comment %llu named buffers are not shown $end\n", (unsigned long long)missing->names);
    }
    ns_buffer_text(out, "$timescale 1 ps $end\n");
    size_t scope = 0;
    for (size_t i = 0; i <= signals->count; ++i) {
        for (; scope < signals->scope_count && signals->scope[scope].before == i; ++scope) {
            if (signals->scope[scope].ends) {
                ns_buffer_text(out, "$upscope $end\n");
            } else {
                ns_buffer_format(out, "$scope module %s $end\n", signals->scope[scope].name);
            }
        }
        if (i < signals->count) {
            write_signal(&signals->signal[i], out);
        }
    }
    ns_buffer_text(out, "$enddefinitions $end\n");
}
