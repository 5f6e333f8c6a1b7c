/* SPDX-License-Identifier: Apache-2.0 */
/* `replay --sweep`: many caches, a table, CSV and a picture. */
#ifndef NS_CLI_REPLAY_SWEEP_H
#define NS_CLI_REPLAY_SWEEP_H

#include "cli/options.h"

enum ns_exit ns_replay_sweep(const char *file, const struct ns_options *options);

#endif
