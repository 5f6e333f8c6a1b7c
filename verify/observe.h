/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Observations: what `verify` conditions say of the end of complete behaviours, and the values that registers end with.
 * A condition about bytes of several lines is taken line by line (docs/verify.md says when that decides it).
 */
#ifndef NS_VERIFY_OBSERVE_H
#define NS_VERIFY_OBSERVE_H

#include "verify/search.h"

struct search_state;

/* Before a search: how many words of a state it wants for registers. 0 without a sink. */
size_t observe_begin(struct observation_sink *sink, const struct projection *projection);
/* Operation `op` of the program has put `content` of a unit into a register: kept in the state when it is observed. */
void observe_keep(struct observation_sink *sink, const struct search_state *search, uint32_t *words, uint32_t unit,
                  uint32_t op, uint32_t content);
/* The last state of a behaviour that is complete or stuck, and what the hardware may still make of it: of the data
 * line's closure all nodes, or one. */
void observe_end(struct observation_sink *sink, struct search_state *search, uint32_t state, uint32_t node);

#endif
