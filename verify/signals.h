/* SPDX-License-Identifier: Apache-2.0 */
/* What the actors have told each other, as numbered states: doorbells, interrupts, and who knows what (model/clocks.h).
 */
#ifndef NS_VERIFY_SIGNALS_H
#define NS_VERIFY_SIGNALS_H

#include "model/clocks.h"
#include "verify/program.h"

struct signals {
    const struct program *program;
    unsigned irqs;
    size_t size; /* bytes of a state */
    uint8_t *bytes;
    uint32_t count, capacity;
    uint32_t *slot;
    size_t mask;
    /* laid out: */
    struct ns_clocks clocks;
    uint8_t rung[NS_LIMIT_DEVICES]; /* doorbells that no start has taken */
    bool pending[64];
};

bool signals_create(struct signals *signals, const struct program *program);
void signals_release(struct signals *signals);
void signals_lay_out(struct signals *signals, uint32_t state);
/* The number of what is laid out; NO_INDEX without host memory. State 0: nobody has told anything. */
uint32_t signals_number(struct signals *signals);

#endif
