/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which polls a search must take part in. A program whose waits are *static* can be searched with few of them:
 *
 *  - every poll waits for a value that exactly one operation writes, and every other write of those bytes comes before
 *    that one or after the poll, by program order and by the waits themselves; likewise each start has its doorbell and
 *    each wait its raise;
 *  - these waits and the programs' own orders make no cycle: then every order of the actors comes to its end, unless a
 *    poll never sees its value although it was written, which a search that takes part in this poll shows.
 *
 * Then a poll that a search leaves out only makes more orders possible than there are, and fewer edges known. A search
 * without a finding is a proof; one with a finding is made again with all polls.
 */
#ifndef NS_VERIFY_WAITS_H
#define NS_VERIFY_WAITS_H

#include "verify/lines.h"

/* *is_static: see above. NS_ERROR_MEMORY. */
enum ns_status waits_are_static(const struct program *program, bool *is_static);

/* The polls next to operations on bytes [first, end) of the unit: the last one before each and the first one behind it.
 * `keep`: one per operation of the program, set. Returns how many. */
size_t waits_near(const struct lines *lines, const struct unit *unit, uint16_t first, uint16_t end, bool *keep);

#endif
