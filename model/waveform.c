/* SPDX-License-Identifier: Apache-2.0 */
#include "model/waveform.h"

#include "model/grow.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct ns_waveform *ns_waveform_create(void) {
    struct ns_waveform *waveform = calloc(1, sizeof *waveform);
    if (waveform != NULL)
        waveform->limit = NS_WAVEFORM_LIMIT;
    return waveform;
}

void ns_waveform_destroy(struct ns_waveform *waveform) {
    if (waveform == NULL)
        return;
    free(waveform->change);
    free(waveform->name);
    free(waveform);
}

/* After the first loss nothing is appended any more: a waveform with a hole would tell of states that never were. */
static void append(struct ns_waveform *waveform, struct ns_wave_change change) {
    if (waveform->lost || waveform->failed)
        return;
    if (waveform->count >= waveform->limit) {
        waveform->lost = true;
        waveform->lost_ps = change.time_ps;
        return;
    }
    if (!grow((void **)&waveform->change, &waveform->capacity, waveform->count + 1, sizeof change)) {
        waveform->failed = true;
        return;
    }
    waveform->change[waveform->count++] = change;
}

void ns_waveform_step(struct ns_waveform *waveform, uint64_t time_ps, unsigned actor, uint32_t site) {
    append(waveform,
           (struct ns_wave_change){.kind = NS_WAVE_STEP, .time_ps = time_ps, .actor = (uint8_t)actor, .value = site});
}

void ns_waveform_move(struct ns_waveform *waveform, uint64_t time_ps, unsigned actor, size_t move) {
    append(waveform, (struct ns_wave_change){
                         .kind = NS_WAVE_MOVE, .time_ps = time_ps, .actor = (uint8_t)actor, .value = (uint32_t)move});
}

void ns_waveform_bus(struct ns_waveform *waveform, uint64_t time_ps, unsigned actor, unsigned port, uint64_t address,
                     enum ns_wave_bus what) {
    append(waveform, (struct ns_wave_change){.kind = NS_WAVE_BUS,
                                             .time_ps = time_ps,
                                             .actor = (uint8_t)actor,
                                             .level = (uint8_t)port,
                                             .address = address,
                                             .value = (uint32_t)what});
}

void ns_waveform_irq(struct ns_waveform *waveform, uint64_t time_ps, unsigned irq, bool up) {
    append(waveform,
           (struct ns_wave_change){.kind = NS_WAVE_IRQ, .time_ps = time_ps, .irq = (uint8_t)irq, .value = up});
}

void ns_waveform_name(struct ns_waveform *waveform, const char *name, uint64_t address, uint64_t length) {
    struct ns_wave_name made = {.address = address, .length = length};
    snprintf(made.name, sizeof made.name, "%s", name);
    for (size_t i = 0; i < waveform->name_count; i++) /* an allocation may come back to where it was */
        if (waveform->name[i].address == address && waveform->name[i].length == length &&
            strcmp(waveform->name[i].name, made.name) == 0)
            return;
    if (waveform->name_count >= NS_WAVEFORM_NAMES) {
        waveform->names_lost++;
        return;
    }
    if (!grow((void **)&waveform->name, &waveform->name_capacity, waveform->name_count + 1, sizeof made)) {
        waveform->failed = true;
        return;
    }
    waveform->name[waveform->name_count++] = made;
}

/* What changes of the line at `address` are appended; most stores change nothing of what is kept here. */
static void append_line(struct ns_waveform *waveform, uint64_t time_ps, unsigned level, unsigned hart, uint64_t address,
                        uint32_t value) {
    const size_t at =
        (address / NS_LINE_MIN ^ (uint64_t)(level * NS_CACHE_MAX_HARTS + hart) * 131) % NS_WAVEFORM_RECENT;
    if (waveform->recent[at].address == address && waveform->recent[at].level == level &&
        waveform->recent[at].hart == hart && waveform->recent[at].value == value)
        return;
    waveform->recent[at].address = address;
    waveform->recent[at].level = (uint8_t)level;
    waveform->recent[at].hart = (uint8_t)hart;
    waveform->recent[at].value = value;
    append(waveform, (struct ns_wave_change){.kind = NS_WAVE_LINE,
                                             .time_ps = time_ps,
                                             .level = (uint8_t)level,
                                             .hart = (uint8_t)hart,
                                             .address = address,
                                             .value = value});
}

/* Bytes on their way to memory. */
struct written {
    uint64_t address;
    uint32_t length; /* 0: none */
    const ns_version *versions;
};

static ns_version version_after(const struct written *written, uint64_t address, ns_version before) {
    if (address < written->address || address - written->address >= written->length)
        return before;
    return written->versions == NULL ? NS_VERSION_POWER_ON : written->versions[address - written->address];
}

/* A version is the number of the event that wrote the byte, so that the higher one was written later. */
static bool is_stale(const struct ns_cache_copy *copy, const struct ns_memory *memory, const struct written *written) {
    uint8_t data[NS_LINE_MAX];
    ns_version versions[NS_LINE_MAX];
    if (copy->versions == NULL || ns_memory_read(memory, copy->line_address, copy->line_size, data, versions) != NS_OK)
        return false;
    for (uint32_t i = 0; i < copy->line_size; i++)
        if (version_after(written, copy->line_address + i, versions[i]) > copy->versions[i])
            return true;
    return false;
}

void ns_waveform_line(struct ns_waveform *waveform, uint64_t time_ps, const struct ns_cache *cache,
                      const struct ns_memory *memory, unsigned level, unsigned hart, uint64_t line_address) {
    const struct written nothing = {0};
    struct ns_cache_copy copy;
    uint32_t value = NS_MESI_INVALID;
    if (ns_cache_peek(cache, level, hart, line_address, &copy))
        value = (uint32_t)copy.mesi | (is_stale(&copy, memory, &nothing) ? NS_WAVE_STALE : 0);
    append_line(waveform, time_ps, level, hart, line_address, value);
}

void ns_waveform_memory(struct ns_waveform *waveform, uint64_t time_ps, const struct ns_cache *cache,
                        const struct ns_memory *memory, uint64_t address, uint32_t length, const ns_version *versions) {
    const struct ns_cache_config *config = ns_cache_get_config(cache);
    const struct written written = {address, length, versions};
    for (unsigned level = 0; level < config->levels && length > 0; level++) {
        const uint32_t size = config->level[level].line;
        for (unsigned hart = 0; hart < (level == 0 ? config->harts : 1); hart++)
            for (uint64_t at = address / size * size; at < address + length; at += size) {
                struct ns_cache_copy copy;
                if (ns_cache_peek(cache, level, hart, at, &copy))
                    append_line(waveform, time_ps, level, hart, at,
                                (uint32_t)copy.mesi | (is_stale(&copy, memory, &written) ? NS_WAVE_STALE : 0));
            }
    }
}
