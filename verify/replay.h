/* SPDX-License-Identifier: Apache-2.0 */
/* Counterexamples on the timed machine: which hazard a discovery is. */
#ifndef NS_VERIFY_REPLAY_H
#define NS_VERIFY_REPLAY_H

#include "model/log.h"
#include "verify/search.h"

/* The hazard of a replay's log that the discovery is about; SIZE_MAX: the replay does not show it. */
size_t replay_match(const struct ns_log *log, const struct discovery *discovery, uint32_t site);

#endif
