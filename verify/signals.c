/* SPDX-License-Identifier: Apache-2.0 */
#include "verify/signals.h"

#include "verify/hash.h"

#include <stdlib.h>
#include <string.h>

static uint8_t *put_row(uint8_t *to, const uint32_t *row, unsigned actors) {
    for (unsigned i = 0; i < actors; i++) {
        const uint16_t known = (uint16_t)row[i];
        memcpy(to, &known, sizeof known);
        to += sizeof known;
    }
    return to;
}

static const uint8_t *get_row(uint32_t *row, const uint8_t *from, unsigned actors) {
    for (unsigned i = 0; i < actors; i++) {
        uint16_t known;
        memcpy(&known, from, sizeof known);
        row[i] = known;
        from += sizeof known;
    }
    return from;
}

static uint8_t *save(const struct signals *signals, uint8_t *to) {
    const struct program *program = signals->program;
    const unsigned actors = program->actors;
    memcpy(to, signals->rung, program->devices);
    to += program->devices;
    for (unsigned irq = 0; irq < signals->irqs; irq++)
        *to++ = signals->pending[irq];
    if (!program_follows(program))
        return to;
    for (unsigned i = 0; i < actors; i++) {
        to = put_row(to, signals->clocks.clock[i].known, actors);
        to = put_row(to, signals->clocks.doorbell[i].known, actors);
        *to++ = signals->clocks.started[i];
    }
    for (unsigned irq = 0; irq < signals->irqs; irq++)
        to = put_row(to, signals->clocks.irq[irq].known, actors);
    return put_row(to, signals->clocks.learnt, actors);
}

void signals_lay_out(struct signals *signals, uint32_t state) {
    const struct program *program = signals->program;
    const unsigned actors = program->actors;
    const uint8_t *from = signals->bytes + (size_t)state * signals->size;
    memcpy(signals->rung, from, program->devices);
    from += program->devices;
    for (unsigned irq = 0; irq < signals->irqs; irq++)
        signals->pending[irq] = *from++ != 0;
    if (!program_follows(program))
        return;
    for (unsigned i = 0; i < actors; i++) {
        from = get_row(signals->clocks.clock[i].known, from, actors);
        from = get_row(signals->clocks.doorbell[i].known, from, actors);
        signals->clocks.started[i] = *from++ != 0;
    }
    for (unsigned irq = 0; irq < signals->irqs; irq++)
        from = get_row(signals->clocks.irq[irq].known, from, actors);
    (void)get_row(signals->clocks.learnt, from, actors);
}

static bool rehash(struct signals *signals) {
    const size_t size = signals->slot == NULL ? 64 : 2 * (signals->mask + 1);
    uint32_t *slot = malloc(size * sizeof *slot);
    if (slot == NULL)
        return false;
    memset(slot, 0xff, size * sizeof *slot);
    for (uint32_t i = 0; i < signals->count; i++) {
        size_t at = hash_bytes(signals->bytes + (size_t)i * signals->size, signals->size, 1) & (size - 1);
        while (slot[at] != NO_INDEX)
            at = (at + 1) & (size - 1);
        slot[at] = i;
    }
    free(signals->slot);
    signals->slot = slot;
    signals->mask = size - 1;
    return true;
}

uint32_t signals_number(struct signals *signals) {
    if (signals->count + 1 >= signals->capacity) {
        const uint32_t capacity = signals->capacity == 0 ? 64 : 2 * signals->capacity;
        uint8_t *grown = realloc(signals->bytes, (size_t)capacity * signals->size);
        if (grown == NULL)
            return NO_INDEX;
        signals->bytes = grown;
        signals->capacity = capacity;
    }
    if ((signals->slot == NULL || 4 * signals->count >= 3 * signals->mask) && !rehash(signals))
        return NO_INDEX;
    uint8_t *state = signals->bytes + (size_t)signals->count * signals->size; /* behind the others, until it is new */
    (void)save(signals, state);
    size_t at = hash_bytes(state, signals->size, 1) & signals->mask;
    for (; signals->slot[at] != NO_INDEX; at = (at + 1) & signals->mask)
        if (memcmp(signals->bytes + (size_t)signals->slot[at] * signals->size, state, signals->size) == 0)
            return signals->slot[at];
    signals->slot[at] = signals->count;
    return signals->count++;
}

bool signals_create(struct signals *signals, const struct program *program) {
    *signals = (struct signals){.program = program, .irqs = (unsigned)program->scenario->irq_count};
    if (signals->irqs > 64)
        signals->irqs = 64;
    signals->clocks.actor_count = program->actors;
    signals->clocks.harts = (1u << program->harts) - 1;
    const size_t actors = program->actors;
    signals->size = program->devices + signals->irqs;
    if (program_follows(program))
        signals->size += actors * (4 * actors + 1) + signals->irqs * 2 * actors + 2 * actors;
    signals->size += signals->size == 0;
    return signals_number(signals) == 0;
}

void signals_release(struct signals *signals) {
    free(signals->bytes);
    free(signals->slot);
    *signals = (struct signals){0};
}
