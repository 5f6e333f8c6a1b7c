/* SPDX-License-Identifier: Apache-2.0 */
/* A state of the bench as bytes, and back. */
#include "verify/bench_internal.h"

#include <string.h>

/* ---- states as bytes ------------------------------------------------------------------------- */

static uint8_t *put(uint8_t *to, const void *from, size_t size) {
    memcpy(to, from, size);
    return to + size;
}

static const uint8_t *get(void *to, const uint8_t *from, size_t size) {
    memcpy(to, from, size);
    return from + size;
}

size_t bench_save_size(const struct bench *bench) {
    return bench->world->cells * (2 * sizeof(ns_version) + 1 + 4 * sizeof(uint16_t)) + sizeof bench->types +
           sizeof bench->current + sizeof bench->typed + sizeof bench->flight + sizeof bench->past + 18 +
           ns_cache_save_size(bench->cache);
}

size_t bench_save_rest(const struct bench *bench, uint8_t *state) {
    const size_t cells = bench->world->cells, views = bench->world->unit.view_count;
    uint8_t *to = state;
    to = put(to, bench->memory, cells * sizeof *bench->memory);
    to = put(to, bench->flat, cells * sizeof *bench->flat);
    to = put(to, bench->flags, cells);
    to = put(to, bench->mapping, cells * sizeof *bench->mapping);
    to = put(to, bench->device_write, cells * sizeof *bench->device_write);
    to = put(to, bench->device_read, cells * sizeof *bench->device_read);
    to = put(to, bench->stamp, cells * sizeof *bench->stamp);
    to = put(to, &bench->touched, sizeof bench->touched);
    if (views > 0)
        to = put(to, &bench->looked, sizeof bench->looked);
    if (bench_has_past(bench))
        to = put(to, &bench->past, sizeof bench->past);
    for (size_t view = 0; view < views; view++)
        to = put(to, bench->types[view], bench->world->program->harts);
    to = put(to, bench->current, views);
    to = put(to, bench->typed, views * sizeof *bench->typed);
    *to++ = (uint8_t)bench->flight_count;
    for (unsigned i = 0; i < bench->flight_count; i++) {
        const struct flight *flight = &bench->flight[i];
        to = put(to, &flight->op, sizeof flight->op);
        to = put(to, &flight->first, sizeof flight->first);
        to = put(to, &flight->end, sizeof flight->end);
        *to++ = flight->actor;
        *to++ = flight->posted;
        *to++ = flight->coming;
    }
    return (size_t)(to - state);
}

size_t bench_save(const struct bench *bench, uint8_t *state) {
    const size_t rest = bench_save_rest(bench, state);
    return rest + ns_cache_save(bench->cache, state + rest);
}

void bench_restore(struct bench *bench, const uint8_t *state) {
    const size_t cells = bench->world->cells, views = bench->world->unit.view_count;
    const uint8_t *from = state;
    from = get(bench->memory, from, cells * sizeof *bench->memory);
    from = get(bench->flat, from, cells * sizeof *bench->flat);
    from = get(bench->flags, from, cells);
    from = get(bench->mapping, from, cells * sizeof *bench->mapping);
    from = get(bench->device_write, from, cells * sizeof *bench->device_write);
    from = get(bench->device_read, from, cells * sizeof *bench->device_read);
    from = get(bench->stamp, from, cells * sizeof *bench->stamp);
    from = get(&bench->touched, from, sizeof bench->touched);
    if (views > 0)
        from = get(&bench->looked, from, sizeof bench->looked);
    if (bench_has_past(bench))
        from = get(&bench->past, from, sizeof bench->past);
    for (size_t view = 0; view < views; view++)
        from = get(bench->types[view], from, bench->world->program->harts);
    from = get(bench->current, from, views);
    from = get(bench->typed, from, views * sizeof *bench->typed);
    bench->flight_count = *from++;
    for (unsigned i = 0; i < bench->flight_count; i++) {
        struct flight *flight = &bench->flight[i];
        from = get(&flight->op, from, sizeof flight->op);
        from = get(&flight->first, from, sizeof flight->first);
        from = get(&flight->end, from, sizeof flight->end);
        flight->actor = *from++;
        flight->posted = *from++;
        flight->coming = *from++;
    }
    (void)ns_cache_restore(bench->cache, from);
    bench->finding_count = 0;
    bench->stale = bench->waits = bench->reads_content = false;
}
