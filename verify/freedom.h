/* SPDX-License-Identifier: Apache-2.0 */
/* What the hardware may do by itself. */
#ifndef NS_VERIFY_FREEDOM_H
#define NS_VERIFY_FREEDOM_H

#include "model/config.h"
#include "model/recording.h"

#include <stdbool.h>

/*
 * The machine's `may` list (enum ns_may), and what a run of this program on this machine does without being asked: a
 * prefetcher fills (any line, whatever its pattern: more than it would), and a set of a cache that the program fills
 * with more lines than it has ways evicts. Which line goes, and when, is left open: more than the replacement policy
 * would choose.
 */
bool freedom_of(const struct ns_machine_config *machine, const struct ns_recording *recording, uint32_t *may);

#endif
