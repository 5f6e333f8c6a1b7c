/* SPDX-License-Identifier: Apache-2.0 */
/* The orders in which harts may take memory from the same kernel: an allocation is one step, and which of two harts
 * comes first decides what both get. */
#ifndef NS_VERIFY_ORDERS_H
#define NS_VERIFY_ORDERS_H

#include "scenarios/scenario.h"

enum { ORDERS_LIMIT = 64 };

struct orders {
    size_t count;                  /* at least 1 */
    uint32_t *order[ORDERS_LIMIT]; /* all steps; NULL: as written */
    bool more;                     /* there are more than the limit */
};

bool orders_create(struct orders *orders, const struct ns_scenario *scenario);
void orders_release(struct orders *orders);

#endif
