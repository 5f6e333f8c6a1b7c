/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a diagnosis asks of the past: which invalidate and which clean came last, and whether the last store, hand-over
 * or read of a device was before or after it (model/diagnose.c reads the same from a run's log). With one hart the
 * number of operations says all of it, as their order is the written one. With several, states that differ in nothing
 * else are kept apart by it, and by how many operations of each hart there were: their hazards have other names. So
 * they are where a device polls: that it has seen its value is in no hart's order.
 */
#include "verify/bench_internal.h"

#include "verify/hash.h"

#include <string.h>

bool bench_has_past(const struct bench *bench) {
    return bench->world->program->acting > 1 || bench->world->program->poll_count > 0;
}

void bench_note_hand_over(struct bench *bench, unsigned device) {
    bench->past.handed |= (uint8_t)(1u << (device - bench->world->program->harts));
    bench->past.stored_before_handed |= bench->past.stored;
}

void bench_note_seen(struct bench *bench, unsigned device) {
    bench->past.polled |= (uint8_t)(1u << (device - bench->world->program->harts));
}

void bench_note_op(struct bench *bench, uint32_t index) {
    const struct ns_recorded *entry = unit_recorded(bench->world, index);
    struct past *past = &bench->past;
    if (!bench_has_past(bench))
        return;
    if (entry->kind >= NS_RECORDED_MAINTAIN && entry->actor < NS_CACHE_MAX_HARTS &&
        entry->actor < bench->world->program->harts)
        past->done[entry->actor]++;
    switch ((enum ns_recorded_kind)entry->kind) {
    case NS_RECORDED_STORE:
        past->stored = true;
        break;
    case NS_RECORDED_DMA_READ:
        past->read = true;
        break;
    case NS_RECORDED_MAINTAIN:
        if (entry->op != NS_CACHE_CLEAN) {
            past->invalidate = (uint16_t)(index + 1);
            past->handed_before |= past->handed;
            past->handed = 0;
            past->stored = past->stored_before_handed = false;
        }
        if (entry->op != NS_CACHE_INVALIDATE) {
            past->clean = (uint16_t)(index + 1);
            past->read = false;
        }
        break;
    case NS_RECORDED_MAP:
        bench_note_hand_over(bench, entry->peer);
        break;
    case NS_RECORDED_SYNC:
        if ((entry->flags & NS_RECORDED_FOR_CPU) == 0)
            bench_note_hand_over(bench, entry->peer);
        break;
    default:
        break;
    }
}

/* Whoever reads what a device wrote asks for invalidates, whoever reads what a hart wrote for cleans. */
uint16_t bench_past_of_write(const struct bench *bench, bool by_device) {
    if (!bench_has_past(bench))
        return bench->touched;
    const struct past *past = &bench->past;
    uint16_t of_device[4 + NS_CACHE_MAX_HARTS] = {bench->touched, past->invalidate,
                                                  (uint16_t)(past->handed_before << 8 | past->handed),
                                                  past->stored_before_handed};
    uint16_t of_hart[4 + NS_CACHE_MAX_HARTS] = {bench->touched, past->clean, past->read, past->polled};
    uint16_t *facts = by_device ? of_device : of_hart;
    for (unsigned hart = 0; hart < NS_CACHE_MAX_HARTS; hart++)
        facts[4 + hart] = past->done[hart];
    return (uint16_t)hash_bytes(facts, sizeof of_hart, 5);
}

uint16_t bench_past(const struct bench *bench) {
    if (!bench_has_past(bench))
        return bench->touched;
    uint16_t facts[3 + NS_CACHE_MAX_HARTS] = {bench->past.invalidate, bench->past.clean,
                                              bench->past.read && bench->world->program->poll_count > 0};
    for (unsigned hart = 0; hart < NS_CACHE_MAX_HARTS; hart++)
        facts[3 + hart] = bench->past.done[hart];
    return (uint16_t)hash_bytes(facts, sizeof facts, 6);
}
